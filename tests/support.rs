//! What the tests share: an upstream that records, an MCP client over stdio, one-shot runs of the
//! binary, golden files, and a place for files that a test makes up.

pub mod client;
pub mod golden;
pub mod process;
pub mod scratch;
pub mod upstream;

pub use client::Client;
pub use golden::golden;
pub use process::{Output, run};
pub use scratch::Scratch;
pub use upstream::{Recorded, Reply, Upstream};

use std::path::PathBuf;
use std::time::Duration;

/// How long a test waits for something that should come at once; generous, because the machine may
/// be busy, and never waited out when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The folder of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
