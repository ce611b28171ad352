//! `mcpgen call`: one call from the command line.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine;
use clap::Args;
use serde_json::{Map, Value};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::load::{self, Extra, load_with};
use super::options::DocOptions;
use crate::compile::{Compiled, Offered, Standing};
use crate::diag::nearest::nearest;
use crate::diag::render::printable;
use crate::runtime::args::Changes;
use crate::runtime::backend::{Content, Outcome};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Action, ToolSpec};
use crate::runtime::scan;

/// Call one tool, as a client would
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Call {
    #[command(flatten)]
    options: DocOptions,

    /// The tool's name
    tool: String,

    /// Its arguments as a JSON object
    #[arg(value_name = "JSON", conflicts_with = "arg")]
    json: Option<String>,

    /// One argument; repeatable. The value is read as the argument's type
    #[arg(long, value_name = "NAME=VALUE")]
    arg: Vec<String>,

    /// Answer with a sample; no API is called, and no database asked
    #[arg(long)]
    mock: bool,

    /// Print the exact request, credentials masked, and send nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen call openapi.yaml get_pet --arg petId=7
  mcpgen call openapi.yaml list_pets '{\"limit\": 5, \"tags\": [\"a\", \"b\"]}' --dry-run
  mcpgen call openapi.yaml get_cover --arg id=7 > cover.png

Exit status: 0 if the call succeeded, 1 if it failed or was refused.";

impl Call {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        log_databases();
        let loaded = load_with(&self.options, Extra::mock(self.mock)).await?;
        let Some((catalogs, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        let spec = self.find(compiled, loaded.shown(&self.options.doc))?;
        let arguments = self.arguments(spec)?;
        let config = load::config(&loaded, &compiled.manifest)?;
        let server = load::server(catalogs, &compiled.manifest, &config, self.mock)?;
        if self.dry_run {
            return match server.preview(&self.tool, arguments)? {
                Ok((text, args)) => print(&Outcome::new(Content::Text(text)), args.changes()),
                Err(error) => print_failure(&error),
            };
        }
        match server.call(&self.tool, arguments).await? {
            Ok((outcome, args)) => {
                let done = print(&outcome, args.changes())?;
                let pages = matches!(spec.action, Action::Sql(_)) && has_cursor(&outcome);
                if pages && config.seal_key.is_none() {
                    writeln!(
                        anstream::stderr(),
                        "note: the cursor ends with this process; with MCPGEN_SEAL_KEY set, the next one takes it"
                    )?;
                }
                Ok(done)
            }
            Err(error) => print_failure(&error),
        }
    }

    /// The tool, or why there is none of that name.
    fn find<'c>(&self, compiled: &'c Compiled, doc: &str) -> anyhow::Result<&'c ToolSpec> {
        if let Some(spec) = compiled
            .manifest
            .tools
            .iter()
            .find(|tool| tool.name == self.tool)
        {
            return Ok(spec);
        }
        if let Some(held) = compiled
            .held_back
            .iter()
            .find(|held| held.name == self.tool)
        {
            let effect = held.effect.as_str();
            let how = match compiled.by_file {
                true => format!("a rule with `enable: {effect}`"),
                false => format!("--enable {effect}"),
            };
            bail!(
                "`{}` is off: its effect is {effect}; {how} makes it a tool",
                self.tool
            );
        }
        let excluded =
            |o: &&Offered| o.name == self.tool && matches!(o.standing, Standing::Excluded(_));
        if compiled.offered.iter().any(|offered| excluded(&offered)) {
            bail!(
                "`{}` is no tool: a rule excludes it; `mcpgen explain {doc} {}` shows which",
                self.tool,
                self.tool
            );
        }
        let near = nearest(
            &self.tool,
            compiled
                .manifest
                .tools
                .iter()
                .map(|tool| tool.name.as_str()),
        );
        match near {
            Some(near) => bail!("no tool is called `{}`; did you mean `{near}`?", self.tool),
            None => bail!(
                "no tool is called `{}`; `mcpgen list {doc}` shows them",
                self.tool
            ),
        }
    }

    fn arguments(&self, spec: &ToolSpec) -> anyhow::Result<Map<String, Value>> {
        if let Some(text) = &self.json {
            return scan::arguments(text).map_err(|why| anyhow::anyhow!("the arguments: {why}"));
        }
        let mut arguments = Map::new();
        for text in &self.arg {
            let (name, value) = text
                .split_once('=')
                .with_context(|| format!("--arg {text}: write it as name=value"))?;
            if arguments
                .insert(name.to_owned(), typed(spec, name, value))
                .is_some()
            {
                bail!("--arg {name}: given twice");
            }
        }
        Ok(arguments)
    }
}

/// What is wrong with a database goes to standard error: answers, which are for models, only say that
/// something is.
fn log_databases() {
    let filter = Targets::new().with_target("mcpgen::runtime::backends::postgres", Level::WARN);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time();
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .init();
}

/// The value as the argument's type: text for strings, else JSON if it is some.
fn typed(spec: &ToolSpec, name: &str, value: &str) -> Value {
    let schema = spec
        .input_schema
        .get("properties")
        .and_then(|p| p.get(name));
    let text = schema
        .and_then(|s| s.get("type"))
        .is_some_and(|t| t == "string");
    let parsed = if text {
        None
    } else {
        serde_json::from_str(value).ok()
    };
    parsed.unwrap_or_else(|| Value::String(value.to_owned()))
}

/// Whether an answer names a next page of a database's rows.
fn has_cursor(outcome: &Outcome) -> bool {
    match &outcome.content {
        Content::Json(value) => value.get("next_cursor").is_some_and(Value::is_string),
        _ => false,
    }
}

fn print(outcome: &Outcome, changes: &Changes) -> anyhow::Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    match &outcome.content {
        Content::Json(value) => write_text(&mut stdout, &serde_json::to_string_pretty(value)?)?,
        Content::Text(text) => write_text(&mut stdout, text.strip_suffix('\n').unwrap_or(text))?,
        Content::Image { mime, base64 }
        | Content::Audio { mime, base64 }
        | Content::Blob { mime, base64 } => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(base64)?;
            if std::io::stdout().is_terminal() {
                writeln!(
                    stdout,
                    "<{mime}, {} bytes; redirect the output to a file to keep them>",
                    bytes.len()
                )?;
            } else {
                stdout.write_all(&bytes)?;
            }
        }
        Content::Empty => {}
    }
    stdout.flush()?;
    let mut stderr = anstream::stderr().lock();
    for note in changes.notes() {
        writeln!(stderr, "{note}")?;
    }
    if let Some(note) = &outcome.note {
        writeln!(stderr, "note: {note}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes text as it is, or, to a terminal, with what could steer the terminal made visible.
fn write_text(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    if !std::io::stdout().is_terminal() {
        return writeln!(out, "{text}");
    }
    text.lines()
        .try_for_each(|line| writeln!(out, "{}", printable(line)))
}

fn print_failure(error: &CallError) -> anyhow::Result<ExitCode> {
    let mut stderr = anstream::stderr().lock();
    for (index, line) in error.text().lines().enumerate() {
        let label = if index == 0 { "error: " } else { "" };
        writeln!(stderr, "{label}{}", printable(line))?;
    }
    Ok(ExitCode::FAILURE)
}
