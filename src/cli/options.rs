//! Options that several commands share, from what was typed to what it means.

mod database;
mod policy;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use indexmap::IndexMap;
use url::Url;

use crate::input::fetch::{FetchOptions, RefHost, RefOptions};
use crate::policy::SourcePolicy;
use crate::policy::format::words::duration;
use crate::runtime::command::UpstreamOptions;
use crate::runtime::manifest::Profile;

pub(super) use database::{DatabaseOptions, is_connection_string, variable};
pub(super) use token::{TokenAuth, TokenOptions};

/// A document and what is to be made of it.
#[derive(Debug, Clone, Args)]
pub(super) struct DocOptions {
    /// OpenAPI document, or a policy file with sources: a path, an https URL, http on loopback, or -
    /// for standard input; or a database: postgres://…, env:NAME for a connection string in an
    /// environment variable, or a snapshot
    pub(super) doc: String,

    /// Policy file for the document: what an agent may do with it
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<String>,

    /// Folder whose files the document may refer to; repeatable; without it, the document's own
    #[arg(long, value_name = "FOLDER")]
    pub(super) refs: Vec<PathBuf>,

    /// Host whose files the document may refer to, by https, or by http on loopback; repeatable
    #[arg(long, value_name = "HOST")]
    pub(super) refs_host: Vec<RefHost>,

    /// OpenAPI Overlay that changes the document before it is read; repeatable, in this order
    #[arg(long, value_name = "FILE")]
    pub(super) overlay: Vec<String>,

    /// Where the API is; wins over the document's servers and may be a private address
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,

    #[command(flatten)]
    pub(super) token: TokenOptions,

    /// Make tools of operations that change things: `write` adds POST, PUT and PATCH, `destroy`
    /// also DELETE
    #[arg(long, value_name = "EFFECT")]
    pub(super) enable: Option<Enable>,

    /// Only operations that match: an operation id, a tag (tag:x) or a path (/admin/**); repeatable
    #[arg(long, value_name = "GLOB")]
    pub(super) include: Vec<String>,

    /// No operation that matches; wins over --include; repeatable
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,

    /// A header for every request, as in 'X-Tenant: acme' or 'Authorization: Bearer ${env:TOKEN}';
    /// repeatable
    #[arg(long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// One deadline for a whole call [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) timeout: Option<Duration>,

    /// How clients get the tools: `list` them all, or list a few to `search` for them; `auto`
    /// searches where the list would be over the budget [default: auto]
    #[arg(long, value_name = "MODE")]
    pub(super) tools: Option<Tools>,

    /// A tool to list in search mode too; repeatable
    #[arg(long, value_name = "TOOL")]
    pub(super) pin: Vec<String>,

    /// Tokens that the list of tools may cost before clients search, or there is a warning
    /// [default: 20000]
    #[arg(long, value_name = "TOKENS")]
    pub(super) budget: Option<usize>,

    /// The clients that tools are written for: what the models' APIs refuse is told in words instead
    /// [default: strict]
    #[arg(long, value_name = "CLIENTS", value_enum)]
    pub(super) profile: Option<Clients>,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,

    #[command(flatten)]
    pub(super) upstream: UpstreamOptions,

    /// Fetch the document by http from a host that is not this one
    #[arg(long)]
    pub(super) allow_http: bool,
}

/// The effects that can be enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Enable {
    /// Reads and writes
    Write,
    /// Reads, writes and deletes
    Destroy,
}

/// How clients get to know the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Tools {
    /// Search where the list would be over the budget
    Auto,
    /// All are listed
    List,
    /// A few are listed that find the others
    Search,
}

/// The clients that tools can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Clients {
    /// Clients of Anthropic's models
    Anthropic,
    /// Clients of OpenAI's models
    Openai,
    /// Clients of Google's models
    Gemini,
    /// All of these
    Strict,
    /// None: only the rules of MCP are kept
    None,
}

impl From<Clients> for Profile {
    fn from(clients: Clients) -> Self {
        match clients {
            Clients::Anthropic => Self::Anthropic,
            Clients::Openai => Self::Openai,
            Clients::Gemini => Self::Gemini,
            Clients::Strict => Self::Strict,
            Clients::None => Self::None,
        }
    }
}

impl DocOptions {
    /// A document with nothing said about it.
    pub(super) fn plain(doc: &str) -> Self {
        Self {
            doc: doc.to_owned(),
            policy: None,
            refs: Vec::new(),
            refs_host: Vec::new(),
            overlay: Vec::new(),
            base_url: None,
            token: TokenOptions::default(),
            enable: None,
            include: Vec::new(),
            exclude: Vec::new(),
            header: Vec::new(),
            timeout: None,
            tools: None,
            pin: Vec::new(),
            budget: None,
            profile: None,
            database: DatabaseOptions::default(),
            upstream: UpstreamOptions {
                ca_cert: Vec::new(),
                proxy: None,
            },
            allow_http: false,
        }
    }

    /// How the document is fetched.
    pub(super) fn fetch(&self) -> FetchOptions {
        FetchOptions {
            allow_http: self.allow_http,
            ca_certs: self.upstream.ca_cert.clone(),
            proxy: self.upstream.proxy.clone(),
            refs: RefOptions {
                folders: self.refs.clone(),
                hosts: self.refs_host.clone(),
            },
            ..FetchOptions::default()
        }
    }

    /// The base URL, checked.
    pub(super) fn base_url(&self) -> anyhow::Result<Option<Url>> {
        let text = self.base_url.as_ref();
        text.map(|text| checked_base_url(text, "--base-url"))
            .transpose()
    }

    /// What holds for the document alone.
    pub(super) fn source_policy(&self) -> anyhow::Result<SourcePolicy> {
        let mut headers = IndexMap::new();
        for text in &self.header {
            let (name, value) = header(text)?;
            ensure!(
                headers.insert(name.clone(), value).is_none(),
                "--header {name}: given twice"
            );
        }
        let base = self.base_url()?;
        // The origins that the owner typed. Where a redirect ended is not one of them.
        let typed = Url::parse(&self.doc).ok().filter(Url::has_host);
        let named = [base, typed, self.token.checked_url()?]
            .into_iter()
            .flatten();
        let named = named.map(|url| url.origin().ascii_serialization());
        Ok(SourcePolicy {
            headers,
            trusted_origins: named.collect(),
            ..SourcePolicy::default()
        })
    }
}

/// A base URL, checked; `key` is what it was given as.
pub(super) fn checked_base_url(text: &str, key: &str) -> anyhow::Result<Url> {
    let url = checked_url(text).with_context(|| format!("{key} {text}"))?;
    ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "{key}: it may not have a query or fragment"
    );
    let plain = url.username().is_empty() && url.password().is_none();
    ensure!(
        plain,
        "{key}: credentials do not belong in it; use --header 'Authorization: Basic ${{env:…}}'"
    );
    Ok(url)
}

/// A URL of something that is called.
pub(super) fn checked_url(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).context("not a URL")?;
    ensure!(
        matches!(url.scheme(), "http" | "https") && url.has_host(),
        "not an http or https URL"
    );
    Ok(url)
}

/// Headers that the HTTP client sets itself.
const CLIENT_HEADERS: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "content-type",
];

/// Words in a header's name that say that its value is a secret.
const SECRET_WORDS: [&str; 8] = [
    "auth",
    "cookie",
    "key",
    "token",
    "secret",
    "password",
    "session",
    "credential",
];

/// Reads `Name: value`. A secret must come from the environment: a command line is seen by every
/// process of the machine, and the value would stand in the plan.
fn header(text: &str) -> anyhow::Result<(String, String)> {
    let Some((name, value)) = text.split_once(':') else {
        bail!("--header: write it as 'Name: value'");
    };
    // The second spelling is for the configurations of clients, which replace the first themselves.
    let value = value.trim().replace("$env{", "${env:");
    let name = name.trim();
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    ensure!(
        !name.is_empty() && name.bytes().all(token),
        "--header: `{name}` is not a header name"
    );
    ensure!(
        value.bytes().all(|b| matches!(b, b' '..=b'~')),
        "--header {name}: its value is not printable ASCII"
    );
    ensure!(
        value.split("${").skip(1).all(is_variable),
        "--header {name}: write `${{env:VARIABLE}}`; nothing is put in place of any other `${{`"
    );
    let lower = name.to_ascii_lowercase();
    ensure!(
        !CLIENT_HEADERS.contains(&lower.as_str()),
        "--header {name}: the HTTP client sets it itself"
    );
    ensure!(
        !looks_secret(name) || value.contains("${env:"),
        "--header {name}: its value looks like a secret; write '{name}: ${{env:VARIABLE}}' and set the variable"
    );
    Ok((name.to_owned(), value))
}

/// Whether a text goes on as a variable after `${`.
fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix("env:").and_then(|t| t.split_once('}'));
    name.is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// Whether a header or parameter of this name is likely to hold a secret.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, want) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("2m", Some(120_000)),
            ("0s", None),
            ("30", None),
            ("61m", None),
            ("99999999999999999999s", None),
            ("x", None),
        ] {
            assert_eq!(duration(text).ok().map(|d| d.as_millis()), want, "{text}");
        }
    }

    #[test]
    fn headers() {
        for (text, good) in [
            ("X-Tenant: acme", true),
            ("Authorization: Bearer ${env:TOKEN}", true),
            ("Authorization: Bearer $env{TOKEN}", true),
            ("Authorization: Bearer abc", false),
            ("X-Api-Key: abc", false),
            ("Authorization: Bearer ${TOKEN}", false),
            ("Authorization: Bearer ${env:TOKEN", false),
            ("X-A: $env{", false),
            ("X-A: ${env:A}${env:B c}", false),
            ("X-A: $5 {a}", true),
            ("Host: evil", false),
            ("no colon", false),
            ("Bad Name: x", false),
            ("X-A: a\r\nX-B: b", false),
        ] {
            assert_eq!(header(text).is_ok(), good, "{text}");
        }
        let (_, value) = header("X-Key: $env{A}.${env:B}").unwrap();
        assert_eq!(value, "${env:A}.${env:B}");
    }
}
