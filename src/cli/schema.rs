//! `mcpgen schema`: the JSON Schema of the policy file, for editors.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::policy::PolicyFile;

/// Print the JSON Schema of the policy file, which editors complete it with
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Schema {
    /// What the schema is of
    #[arg(value_enum)]
    of: Of,

    /// Write it to a file instead
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Overwrite a file that is not such a schema
    #[arg(long, requires = "output")]
    force: bool,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// The policy file
    Policy,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen schema policy
  mcpgen schema policy -o mcpgen.schema.json

An editor uses it if the policy begins with this line:
  # yaml-language-server: $schema=./mcpgen.schema.json";

impl Schema {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let schema = match self.of {
            Of::Policy => PolicyFile::schema(),
        };
        let text = serde_json::to_string_pretty(&schema)? + "\n";
        let Some(path) = &self.output else {
            std::io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        };
        let shown = path.display();
        ensure!(
            self.force || !path.exists() || is_ours(path, &schema),
            "{shown} is there and is no schema of mcpgen's; --force overwrites it"
        );
        fs::write(path, text).with_context(|| format!("{shown} cannot be written"))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether a file is a schema that mcpgen wrote, perhaps an earlier one.
fn is_ours(path: &Path, schema: &Value) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    let there: Value = serde_json::from_str(&text).unwrap_or_default();
    there.get("title").is_some() && there.get("title") == schema.get("title")
}
