//! `mcpgen completions`: shell completion.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

/// Print shell completions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen completions bash > ~/.local/share/bash-completion/completions/mcpgen
  mcpgen completions fish > ~/.config/fish/completions/mcpgen.fish";

impl Completions {
    #[allow(clippy::unnecessary_wraps, reason = "all commands end alike")]
    pub(super) fn run(self, command: &mut clap::Command) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "mcpgen", &mut script);
        std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
        Ok(ExitCode::SUCCESS)
    }
}
