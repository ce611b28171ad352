//! Why a document could not be fetched, in words that say what to do.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::runtime::config::ConfigError;

/// Why a document cannot be fetched: what, the reason, and what to do. URLs are named without user
/// information and query, which may hold secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There is no such file.
    #[error("`{path}` does not exist{}", hint("did you mean", .similar.as_ref()))]
    NotFound {
        /// The path as typed.
        path: String,
        /// A file in the same directory with a similar name.
        similar: Option<String>,
    },
    /// The path is a directory.
    #[error("`{path}` is a directory, not a document{}", hint("did you mean", .inside.as_ref()))]
    Directory {
        /// The path as typed.
        path: String,
        /// A document in it.
        inside: Option<String>,
    },
    /// The file or stdin cannot be read.
    #[error("cannot read `{name}`: {reason}")]
    Unreadable {
        /// The path as typed, or `<stdin>`.
        name: String,
        /// The system's reason.
        reason: io::Error,
    },
    /// The document is not UTF-8 from this place on.
    #[error(
        "`{name}` is not UTF-8 at line {line}, column {column}; convert it (iconv -f LATIN1 -t UTF-8)"
    )]
    NotUtf8 {
        /// What was read.
        name: String,
        /// Line of the first wrong byte, from 1.
        line: usize,
        /// Column of the first wrong byte in characters, from 1.
        column: usize,
    },
    /// The document is UTF-16, by its byte order mark.
    #[error("`{name}` is UTF-16; convert it (iconv -f UTF-16 -t UTF-8)")]
    Utf16 {
        /// What was read.
        name: String,
    },
    /// The document is larger than the budget.
    #[error("`{name}` is larger than {limit} bytes, which is the most that is read")]
    TooLarge {
        /// What was read.
        name: String,
        /// The budget in bytes.
        limit: usize,
    },
    /// What looks like a URL is none, or has a scheme that is not fetched.
    #[error("cannot fetch `{name}`: {reason}; give an https:// URL, a path, or - for stdin")]
    BadUrl {
        /// The URL.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Plain HTTP to another machine.
    #[error(
        "`{name}` is not encrypted, so anyone on the way could change it; use https:// or allow it with --allow-http"
    )]
    PlainHttp {
        /// The URL.
        name: String,
    },
    /// A folder that was named cannot be used.
    #[error("cannot use the folder `{path}`: {reason}")]
    Folder {
        /// The folder as typed.
        path: String,
        /// The system's reason, or that it is none.
        reason: String,
    },
    /// The options cannot be used: a certificate file or the proxy.
    #[error(transparent)]
    BadOption(#[from] ConfigError),
    /// The certificate of the host is not trusted, or TLS failed otherwise.
    #[error(
        "cannot fetch `{name}`: TLS failed: {reason}; for a private certificate authority give its certificate with --ca-cert"
    )]
    Tls {
        /// The URL.
        name: String,
        /// The reason of the TLS library.
        reason: String,
    },
    /// The host cannot be reached, or the connection broke.
    #[error(
        "cannot fetch `{name}`: {reason}; check the address and the network, or give a --proxy"
    )]
    Connection {
        /// The URL.
        name: String,
        /// The reason of the HTTP client.
        reason: String,
    },
    /// The host answered with an error.
    #[error("cannot fetch `{name}`: the server answered {status}{}", status_hint(*.status))]
    Status {
        /// The URL.
        name: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer took too long.
    #[error("cannot fetch `{name}`: no complete answer within {} seconds; download it and give the file", .limit.as_secs())]
    Timeout {
        /// The URL.
        name: String,
        /// The time that was allowed.
        limit: Duration,
    },
    /// A redirect that is not followed.
    #[error(
        "cannot fetch `{name}`: it redirects to `{target}`, {reason}; give the final URL if you trust it"
    )]
    Redirect {
        /// The URL that redirects.
        name: String,
        /// Where to.
        target: String,
        /// Why it is not followed.
        reason: &'static str,
    },
}

fn hint(question: &str, name: Option<&String>) -> impl fmt::Display {
    match name {
        Some(name) => format!("; {question} `{name}`?"),
        None => String::new(),
    }
}

fn status_hint(status: u16) -> &'static str {
    match status {
        401 | 403 => "; download it with your credentials and give the file",
        404 | 410 => "; check the address",
        500.. => "; try again later",
        _ => "",
    }
}
