//! The runtime: executes a Manifest. It imports nothing of the crate but itself, so that the same
//! files work in any crate they are put into.

pub mod args;
pub mod backend;
pub mod backends;
pub mod command;
pub mod config;
pub mod error;
pub mod hooks;
mod limits;
pub mod listen;
pub mod manifest;
pub mod media;
pub mod output;
pub mod plain;
pub mod pointer;
pub mod scan;
pub mod search;
pub mod serve;
pub mod server;
mod shape;
pub mod stdio;
pub mod streamable;
