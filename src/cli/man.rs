//! `mcpgen man`: manual pages.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

/// Print a manual page
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Man {
    /// The command that the page is about; without it, mcpgen itself
    command: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen man > mcpgen.1
  mcpgen man serve | man -l -";

impl Man {
    pub(super) fn run(self, command: &clap::Command) -> anyhow::Result<ExitCode> {
        let page = match &self.command {
            None => command.clone(),
            Some(name) => {
                let found = command
                    .find_subcommand(name)
                    .with_context(|| format!("there is no command `{name}`"))?;
                found
                    .clone()
                    .display_name(format!("mcpgen-{name}"))
                    .version(env!("CARGO_PKG_VERSION"))
            }
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page)
            .source(concat!("mcpgen ", env!("CARGO_PKG_VERSION")))
            .render(&mut text)?;
        std::io::stdout().lock().write_all(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
