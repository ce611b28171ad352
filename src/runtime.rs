//! The runtime: executes a Manifest. It imports nothing of the crate but itself, so that the same
//! files work in any crate they are put into.

pub mod args;
pub mod backend;
pub mod backends;
pub mod command;
pub mod config;
pub mod error;
pub mod hooks;
pub mod listen;
pub mod manifest;
pub mod output;
pub mod scan;
pub mod serve;
pub mod server;
pub mod stdio;
pub mod streamable;

/// What upstreams are told is calling: the same from an interpreted and a generated server.
pub const USER_AGENT: &str = "mcpgen/0.1.0";

/// The version of mcpgen that this runtime is part of.
pub const VERSION: &str = "0.1.0";
