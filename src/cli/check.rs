//! `mcpgen check`: everything that can be said of a document, then a summary.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::load::{Extra, Loaded, load_with};
use super::options::DocOptions;
use super::report::{self, CredentialState};
use crate::catalog::Catalog;
use crate::compile::{Compiled, budget};
use crate::diag::{Severity, render};
use crate::runtime::config::Config;
use crate::runtime::manifest::Effect;

/// Show what a document's operations would become, and every problem with its place
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    #[command(flatten)]
    options: DocOptions,

    /// Print one JSON object with `diagnostics` and `summary`
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen check openapi.yaml
  mcpgen check openapi.yaml --enable destroy --json

Exit status: 0 if there is something to serve, 1 if there are errors.";

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut loaded = load_with(&self.options, Extra::Strict).await?;
        if let Some((_, compiled)) = &loaded.compiled {
            let config = Config::from_env(&compiled.manifest).unwrap_or_default();
            let found = report::sent_to_document_hosts(&compiled.manifest, &config);
            for found in found {
                loaded.diags.push(found);
            }
        }
        if self.json {
            print_json(&loaded)?;
        } else {
            print_text(&loaded)?;
        }
        Ok(if loaded.diags.has_errors() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn print_text(loaded: &Loaded) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    write!(
        stdout,
        "{}",
        render::text(&loaded.diags, &loaded.sources, true)
    )?;
    if let Some((catalog, compiled)) = &loaded.compiled {
        if !loaded.diags.is_empty() {
            writeln!(stdout)?;
        }
        summary(&mut stdout, loaded, catalog, compiled)?;
    }
    stdout.flush()?;
    Ok(())
}

fn summary(
    out: &mut impl Write,
    loaded: &Loaded,
    catalog: &Catalog,
    compiled: &Compiled,
) -> anyhow::Result<()> {
    let tools = &compiled.manifest.tools;
    writeln!(
        out,
        "{}: {}",
        render::printable(&loaded.sources.main().name),
        render::printable(format!("{} {}", catalog.title, catalog.version).trim())
    )?;
    writeln!(
        out,
        "  operations   {}",
        report::thousands(catalog.operations)
    )?;
    let effects: Vec<String> = [
        (Effect::Read, "read"),
        (Effect::Write, "write"),
        (Effect::Destroy, "delete"),
    ]
    .iter()
    .map(|(effect, noun)| (compiled.count(*effect), *noun))
    .filter(|(number, _)| *number > 0)
    .map(|(number, noun)| report::count(number, noun))
    .collect();
    writeln!(
        out,
        "  tools        {}{}",
        report::thousands(tools.len()),
        parenthesised(&effects.join(", "))
    )?;
    if let Some(off) = report::held_back(compiled) {
        writeln!(
            out,
            "  off          {off} (on with {})",
            report::enabling(compiled)
        )?;
    }
    if compiled.deselected > 0 {
        writeln!(
            out,
            "  deselected   {} by --include and --exclude",
            report::thousands(compiled.deselected)
        )?;
    }
    if !catalog.left_out.is_empty() {
        writeln!(
            out,
            "  left out     {}",
            report::thousands(catalog.left_out.len())
        )?;
        for left_out in &catalog.left_out {
            let line = format!("{}: {}", left_out.operation, left_out.reason);
            writeln!(out, "    {}", render::printable(&line))?;
        }
    }
    let config = Config::from_env(&compiled.manifest).unwrap_or_default();
    for state in report::credentials(&compiled.manifest, &config) {
        let set = if state.set { "set" } else { "not set" };
        writeln!(
            out,
            "  credential   {}: {} ({set}){}",
            render::printable(&state.scheme),
            state.needed,
            destination(&state)
        )?;
    }
    unreachable(out, compiled, &config)?;
    let manifest = &compiled.manifest;
    let tokens = budget::listed(manifest);
    writeln!(
        out,
        "  tools/list   about {} tokens{}",
        report::thousands(tokens),
        report::searched(manifest)
    )?;
    if !manifest.listing.pinned.is_empty() {
        writeln!(out, "  pinned       {}", manifest.listing.pinned.join(", "))?;
    }
    let (errors, warnings) = (
        loaded.diags.count(Severity::Error),
        loaded.diags.count(Severity::Warning),
    );
    writeln!(
        out,
        "  result       {}, {}",
        report::count(errors, "error"),
        report::count(warnings, "warning")
    )?;
    Ok(())
}

/// Most tools that are named for one credential.
const NAMED_MAX: usize = 5;

/// The tools that no configured credential can reach.
fn unreachable(out: &mut impl Write, compiled: &Compiled, config: &Config) -> anyhow::Result<()> {
    for (need, tools) in report::unreachable(&compiled.manifest, config) {
        let count = report::count(tools.len(), "tool");
        let need = need.join("\n               or ");
        writeln!(out, "  unreachable  {count}: set {need}")?;
        for tool in tools.iter().take(NAMED_MAX) {
            writeln!(out, "    {}", render::printable(tool))?;
        }
        match tools.len().saturating_sub(NAMED_MAX) {
            0 => {}
            more => writeln!(out, "    and {} more", report::thousands(more))?,
        }
    }
    Ok(())
}

fn parenthesised(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

/// Where a credential goes and where its tokens come from, each on a line of its own.
fn destination(state: &CredentialState) -> String {
    let mut text = String::new();
    if let Some(token_url) = &state.token_url {
        let token_url = render::printable(token_url);
        text.push_str(&format!("\n               fetches tokens from {token_url}"));
    }
    let origins: Vec<&str> = state.origins.iter().map(String::as_str).collect();
    if !origins.is_empty() {
        text.push_str(&format!(
            "\n               goes to {}",
            origins.join(" and ")
        ));
    }
    text
}

fn print_json(loaded: &Loaded) -> anyhow::Result<()> {
    let summary = loaded.compiled.as_ref().map(|(catalog, compiled)| {
        let config = Config::from_env(&compiled.manifest).unwrap_or_default();
        let credentials: Vec<_> = report::credentials(&compiled.manifest, &config)
            .into_iter()
            .map(|state| {
                let mut one = json!({"scheme": state.scheme, "variables": state.variables, "set": state.set, "origins": state.origins});
                if let (Some(url), Some(one)) = (state.token_url, one.as_object_mut()) {
                    one.insert("token_url".to_owned(), url.into());
                }
                one
            })
            .collect();
        let unreachable: Vec<_> = report::unreachable(&compiled.manifest, &config)
            .into_iter()
            .map(|(needed, tools)| json!({"needed": needed.join(" or "), "tools": tools}))
            .collect();
        let left_out: Vec<_> = catalog
            .left_out
            .iter()
            .map(|left| json!({"operation": left.operation, "reason": left.reason}))
            .collect();
        json!({
            "source": catalog.source,
            "title": catalog.title,
            "version": catalog.version,
            "operations": catalog.operations,
            "tools": compiled.manifest.tools.len(),
            "off": {"write": compiled.held(Effect::Write), "destroy": compiled.held(Effect::Destroy)},
            "deselected": compiled.deselected,
            "left_out": left_out,
            "credentials": credentials,
            "unreachable": unreachable,
            "tokens": budget::listed(&compiled.manifest),
            "listing": compiled.manifest.listing,
        })
    });
    let diagnostics = render::json(&loaded.diags, &loaded.sources);
    report::print_json(&json!({"diagnostics": diagnostics, "summary": summary}))
}
