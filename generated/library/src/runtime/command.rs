//! The command line of a server: what is given when it starts, the same for an interpreted and a
//! generated one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use url::Url;

use super::backends;
use super::config::{Config, ConfigError};
use super::hooks::Hooks;
use super::manifest::Manifest;
use super::serve::{serve_http, serve_stdio};
use super::server::Server;
use super::streamable::EndpointOptions;

/// How a server is reached and what it logs.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Serve Streamable HTTP at this address instead of stdio, as in 127.0.0.1:8080
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,

    /// Path of the endpoint [default: /mcp]
    #[arg(long, value_name = "PATH", requires = "http")]
    pub base_path: Option<String>,

    /// A `Host` value to accept besides loopback names; repeatable
    #[arg(long, value_name = "HOST", requires = "http")]
    pub allow_host: Vec<String>,

    /// An `Origin` to accept besides those of loopback names; repeatable
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    pub allow_origin: Vec<String>,

    /// Listen on an address that others can reach, although callers are not authenticated
    #[arg(long, requires = "http")]
    pub allow_unauthenticated: bool,

    /// How log lines on standard error look
    #[arg(long, value_enum, default_value = "text")]
    pub log_format: LogFormat,

    /// Log more; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How upstreams are reached.
#[derive(Debug, Clone, Args)]
pub struct UpstreamOptions {
    /// PEM file with certificates to trust besides the system's; repeatable
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Vec<PathBuf>,

    /// Proxy for all requests (the system's setting is not used)
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Why a server does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Others could reach it.
    #[error(
        "--http {0}: others could reach it, and callers are not authenticated; listen on 127.0.0.1, \
         or say --allow-unauthenticated if something in front of it decides who may call"
    )]
    Exposed(SocketAddr),
    /// A path that cannot be the endpoint's.
    #[error("--base-path {0}: {1}")]
    BasePath(String, &'static str),
    /// A text that is no origin.
    #[error(
        "--allow-origin {0}: an origin is http or https with a host and nothing behind it, \
         as in https://app.example or https://app.example:8443"
    )]
    Origin(String),
    /// The address cannot be listened on.
    #[error("--http {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The connection to the client failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// An upstream that no call may go to.
    #[error("{0}")]
    Upstream(String),
    /// The environment does not suffice.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl ServeOptions {
    /// Log lines go to standard error: standard output is the protocol.
    pub fn log_to_stderr(&self) {
        let level = match self.verbose {
            0 => LevelFilter::INFO,
            1 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let others = if self.verbose > 1 {
            LevelFilter::TRACE
        } else {
            LevelFilter::WARN
        };
        let own = module_path!().split("::").next().unwrap_or_default();
        let filter = Targets::new().with_default(others).with_target(own, level);
        let color = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(color);
        let registry = tracing_subscriber::registry().with(filter);
        match self.log_format {
            LogFormat::Text => registry.with(layer).init(),
            LogFormat::Json => registry.with(layer.json()).init(),
        }
    }

    /// Serves until the client or the operating system ends it.
    ///
    /// # Errors
    ///
    /// No call may go to an upstream, the address cannot be listened on, or standard input cannot be read.
    pub async fn serve(&self, server: Server) -> Result<(), StartError> {
        server.ready().await.map_err(StartError::Upstream)?;
        let path = self.base_path.as_deref().or(server.base_path());
        let path = path.unwrap_or("/mcp").to_owned();
        let Some(address) = self.http else {
            return Ok(serve_stdio(server).await?);
        };
        let origins = self.allow_origin.iter();
        let allowed_origins = origins
            .map(|text| origin(text).ok_or_else(|| StartError::Origin(text.clone())))
            .collect::<Result<_, _>>()?;
        let listener = self.listen(address, &path).await?;
        let bound = listener.local_addr()?;
        eprintln!("listening on http://{bound}{path}");
        let options = EndpointOptions {
            path,
            allowed_hosts: self.allow_host.clone(),
            allowed_origins,
        };
        Ok(serve_http(server, listener, &options).await?)
    }

    /// Without authentication only this machine may call, unless the owner says otherwise.
    async fn listen(&self, address: SocketAddr, path: &str) -> Result<TcpListener, StartError> {
        if !address.ip().is_loopback() && !self.allow_unauthenticated {
            return Err(StartError::Exposed(address));
        }
        if !is_plain_path(path) {
            let why =
                "a path is `/`, or segments of A-Z a-z 0-9 . _ ~ -, as in /mcp or /agents/mcp";
            return Err(StartError::BasePath(path.to_owned(), why));
        }
        if ["/healthz", "/readyz"].contains(&path) {
            return Err(StartError::BasePath(path.to_owned(), "it is taken"));
        }
        TcpListener::bind(address)
            .await
            .map_err(|error| StartError::Listen(address, error))
    }
}

/// Whether every client and router reads the path as it stands.
fn is_plain_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    let segment = |text: &str| !matches!(text, "" | "." | "..") && text.bytes().all(plain);
    path == "/"
        || path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment))
}

/// An origin as browsers write it (RFC 6454 §6.2); `None` if the text is none.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let (_, rest) = text.split_once("://")?;
    let plain =
        matches!(url.scheme(), "http" | "https") && !rest.contains(['/', '?', '#', '@', '\\', '*']);
    plain.then(|| url.origin().ascii_serialization())
}

/// The command line of a generated server.
#[derive(Debug, Parser)]
#[command(max_term_width = 80)]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,

    #[command(flatten)]
    serve: ServeOptions,

    #[command(flatten)]
    upstream: UpstreamOptions,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the Manifest as JSON
    Manifest,
}

/// Runs a server as its process's arguments say.
pub fn main(manifest: &Manifest, hooks: Arc<dyn Hooks>) -> ExitCode {
    let command = Command::parse();
    if let Some(Action::Manifest) = command.action {
        return print_manifest(manifest);
    }
    command.serve.log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(run(&command, manifest, hooks));
    // A read of standard input cannot be interrupted; the process ends without it.
    runtime.shutdown_background();
    result.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

async fn run(
    command: &Command,
    manifest: &Manifest,
    hooks: Arc<dyn Hooks>,
) -> Result<(), StartError> {
    let mut config = Config::from_env(manifest)?;
    config.ca_certs.clone_from(&command.upstream.ca_cert);
    config.proxy.clone_from(&command.upstream.proxy);
    let backends = backends::open(manifest, &config)?;
    command
        .serve
        .serve(Server::with_hooks(manifest, backends, &config, Some(hooks)))
        .await
}

fn print_manifest(manifest: &Manifest) -> ExitCode {
    let printed = serde_json::to_string_pretty(manifest)
        .map_err(std::io::Error::from)
        .and_then(|text| {
            std::io::Write::write_all(
                &mut std::io::stdout().lock(),
                format!("{text}\n").as_bytes(),
            )
        });
    printed.map_or_else(|error| fail(&error.into()), |()| ExitCode::SUCCESS)
}

fn fail(error: &StartError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_paths() {
        for path in ["/", "/mcp", "/agents/mcp", "/a.b/~c/_d-e", "/..."] {
            assert!(is_plain_path(path), "{path}");
        }
        for path in [
            "", "mcp", "//", "/mcp/", "/a//b", "/:id", "/*a", "/{a}", "/a b", "/%2e%2e", "/..",
            "/./a", "/a?b", "/a#b", "/\u{e4}",
        ] {
            assert!(!is_plain_path(path), "{path}");
        }
    }

    #[test]
    fn origins() {
        for (text, want) in [
            ("https://app.example", Some("https://app.example")),
            ("https://app.example:443", Some("https://app.example")),
            ("HTTP://App.example:8080", Some("http://app.example:8080")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("https://app.example/", None),
            ("https://app.example/path", None),
            ("https://app.example?x", None),
            ("https://user@app.example", None),
            ("https://*.example", None),
            ("https://app.example:*", None),
            ("app.example", None),
            ("file:///x", None),
            ("null", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(origin(text).as_deref(), want, "{text}");
        }
    }
}
