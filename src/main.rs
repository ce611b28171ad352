//! The `mcpgen` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcpgen::cli::main()
}
