//! `mcpgen serve`: an MCP server over stdio or Streamable HTTP.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::load::{self, Loaded, load_with};
use super::options::{DocOptions, LogFormat};
use super::report;
use crate::compile::Compiled;
use crate::diag::{Code, render};
use crate::runtime::config::Config;
use crate::runtime::serve::{serve_http, serve_stdio};
use crate::runtime::streamable::EndpointOptions;

/// Serve a document's operations as MCP tools over stdio or Streamable HTTP
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    #[command(flatten)]
    options: DocOptions,

    /// Serve Streamable HTTP at this address instead of stdio, as in 127.0.0.1:8080
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,

    /// Path of the endpoint
    #[arg(long, value_name = "PATH", default_value = "/mcp", requires = "http")]
    base_path: String,

    /// A `Host` value to accept besides loopback names; repeatable
    #[arg(long, value_name = "HOST", requires = "http")]
    allow_host: Vec<String>,

    /// An `Origin` to accept besides those of loopback names; repeatable
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    allow_origin: Vec<String>,

    /// Listen on an address that others can reach, although callers are not authenticated
    #[arg(long, requires = "http")]
    allow_unauthenticated: bool,

    /// Answer with samples from the document; no API is called
    #[arg(long)]
    mock: bool,

    /// How log lines on standard error look
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,

    /// Log more; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen serve openapi.yaml
  mcpgen serve https://api.example.com/openapi.json --include 'tag:orders'
  mcpgen serve openapi.yaml --base-url http://localhost:3000 --enable write
  mcpgen serve openapi.yaml --http 127.0.0.1:8080
  mcpgen serve openapi.yaml --header 'X-Tenant: acme' --exclude '/admin/**'

Credentials come from environment variables; `mcpgen check` names them.
Standard output carries the protocol; logs go to standard error.";

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        log_to_stderr(self.log_format, self.verbose);
        let loaded = load_with(&self.options, self.mock).await?;
        let Some((catalog, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        let config = load::config(&self.options, &compiled.manifest)?;
        let server = load::server(catalog, &compiled.manifest, &config, self.mock)?;
        self.introduce(&loaded, compiled, &config)?;
        // The tree and its text are no longer needed; the server may run for months.
        drop(loaded);
        match self.http {
            None => serve_stdio(server).await.context("standard input")?,
            Some(address) => {
                let listener = self.listen(address).await?;
                serve_http(server, listener, &self.endpoint()).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Without authentication only this machine may call, unless the owner says otherwise.
    async fn listen(&self, address: SocketAddr) -> anyhow::Result<TcpListener> {
        anyhow::ensure!(
            address.ip().is_loopback() || self.allow_unauthenticated,
            "--http {address}: others could reach it, and callers are not authenticated; listen on 127.0.0.1, \
             or say --allow-unauthenticated if something in front of it decides who may call"
        );
        anyhow::ensure!(
            self.base_path.starts_with('/') && !self.base_path.contains(['{', '}', '*', '?', '#']),
            "--base-path {}: a path begins with `/` and has no placeholders",
            self.base_path
        );
        let reserved = ["/healthz", "/readyz"];
        anyhow::ensure!(
            !reserved.contains(&self.base_path.as_str()),
            "--base-path {}: it is taken",
            self.base_path
        );
        let listener = bind(address).await?;
        let bound = listener.local_addr()?;
        writeln!(
            anstream::stderr(),
            "mcpgen: listening on http://{bound}{}",
            self.base_path
        )?;
        Ok(listener)
    }

    fn endpoint(&self) -> EndpointOptions {
        EndpointOptions {
            path: self.base_path.clone(),
            allowed_hosts: self.allow_host.clone(),
            allowed_origins: self.allow_origin.clone(),
        }
    }

    /// What the owner should know before the first call, on standard error.
    fn introduce(
        &self,
        loaded: &Loaded,
        compiled: &Compiled,
        config: &Config,
    ) -> anyhow::Result<()> {
        loaded.mention_warnings(&self.options.doc)?;
        let mut stderr = anstream::stderr().lock();
        if !self.mock {
            for state in report::credentials(&compiled.manifest, config)
                .iter()
                .filter(|state| state.set)
            {
                let origins: Vec<&str> = state.origins.iter().map(String::as_str).collect();
                writeln!(
                    stderr,
                    "mcpgen: credential {} goes to {}",
                    render::printable(&state.scheme),
                    origins.join(" and ")
                )?;
            }
            for (need, tools) in report::missing_credentials(&compiled.manifest, config) {
                let code = Code::MissingCredential.as_str();
                let tools = report::count(tools, "tool");
                writeln!(
                    stderr,
                    "mcpgen: warning[{code}]: {tools} cannot be called: set {need}"
                )?;
            }
        }
        let tools = report::count(compiled.manifest.tools.len(), "tool");
        match report::held_back(compiled) {
            Some(off) => writeln!(
                stderr,
                "mcpgen: {tools}; {off} off ({})",
                report::enabling(compiled)
            )?,
            None => writeln!(stderr, "mcpgen: {tools}")?,
        }
        Ok(())
    }
}

/// Listens on an address.
pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("--http {address}"))
}

/// Log lines go to standard error: standard output is the protocol.
fn log_to_stderr(format: LogFormat, verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let own = if verbose > 1 {
        LevelFilter::TRACE
    } else {
        LevelFilter::WARN
    };
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(own)
        .with_target("mcpgen", level);
    let color = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(color);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry.with(layer).init(),
        LogFormat::Json => registry.with(layer.json()).init(),
    }
}
