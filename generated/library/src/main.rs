//! Starts the server.

use std::process::ExitCode;
use std::sync::Arc;

use library_server::{hooks, runtime, tools};

fn main() -> ExitCode {
    runtime::command::main(&tools::manifest(), Arc::new(hooks::hooks()))
}
