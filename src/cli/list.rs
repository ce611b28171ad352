//! `mcpgen list`: the tools in a table.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};

use super::load::load;
use super::options::DocOptions;
use super::report;
use crate::compile::budget;
use crate::diag::render::printable;
use crate::runtime::manifest::{ListMode, ToolSpec};

/// List the tools with their effect, request, arguments and cost
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    #[command(flatten)]
    options: DocOptions,

    /// Print a JSON object with `tools`
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen list openapi.yaml
  mcpgen list openapi.yaml --enable destroy --include 'tag:orders'
  mcpgen list openapi.yaml --json | jq -r '.tools[].name'

Required arguments are marked with *. Tokens are estimated at four bytes each.";

impl List {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let loaded = load(&self.options).await?;
        let Some((_, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        let tools = &compiled.manifest.tools;
        if self.json {
            report::print_json(&json!({"tools": tools.iter().map(as_json).collect::<Vec<_>>()}))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut stdout = anstream::stdout().lock();
        for line in table(tools).lines() {
            writeln!(stdout, "{}", line.trim_end())?;
        }
        let tokens = budget::total(tools);
        write!(
            stdout,
            "{}, about {} tokens",
            report::count(tools.len(), "tool"),
            report::thousands(tokens)
        )?;
        match report::held_back(compiled) {
            Some(off) => writeln!(stdout, "; {off} off ({})", report::enabling(compiled))?,
            None => writeln!(stdout)?,
        }
        if compiled.manifest.listing.mode == ListMode::Search {
            let tokens = report::thousands(budget::listed(&compiled.manifest));
            writeln!(
                stdout,
                "clients search for them, in a list of about {tokens} tokens; --tools list lists all"
            )?;
        }
        loaded.mention_warnings(&self.options.doc)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(tool: &ToolSpec) -> Value {
    json!({
        "name": tool.name,
        "effect": tool.effect,
        "source": tool.source,
        "method": tool.action.verb(),
        "path": tool.action.object(),
        "tokens": budget::tokens(tool),
    })
}

/// Columns without lines between them: wrapped in a terminal, a line a tool in a pipe.
pub(super) fn table(tools: &[ToolSpec]) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if table.is_tty() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(["TOOL", "EFFECT", "REQUEST", "ARGUMENTS", "TOKENS"]);
    for tool in tools {
        let request = format!("{} {}", tool.action.verb(), tool.action.object());
        table.add_row([
            Cell::new(printable(&tool.name)),
            Cell::new(tool.effect.as_str()),
            Cell::new(printable(&request)),
            Cell::new(printable(&arguments(tool))),
            Cell::new(report::thousands(budget::tokens(tool))).set_alignment(CellAlignment::Right),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn arguments(tool: &ToolSpec) -> String {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let mark = |name: &str| {
        if required.is_some_and(|r| r.iter().any(|n| n == name)) {
            "*"
        } else {
            ""
        }
    };
    tool.arguments()
        .map(|(name, _)| format!("{name}{}", mark(name)))
        .collect::<Vec<_>>()
        .join(" ")
}
