//! What the tests share: an upstream that records, an MCP client over stdio, one-shot runs of the
//! binary, golden files, and a place for files that a test makes up.

pub(crate) mod arguments;
pub(crate) mod cargo;
pub(crate) mod client;
pub(crate) mod clients;
pub(crate) mod golden;
pub(crate) mod http;
#[cfg(unix)]
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod scratch;
pub(crate) mod tools;
pub(crate) mod upstream;

pub(crate) use client::Client;
pub(crate) use golden::golden;
pub(crate) use http::HttpServer;
pub(crate) use process::{Output, run, run_in};
pub(crate) use scratch::Scratch;
pub(crate) use upstream::{Recorded, Reply, Upstream};

use std::path::PathBuf;
use std::time::Duration;

/// How long a test waits for something that should come at once; generous, because the machine may
/// be busy, and never waited out when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
