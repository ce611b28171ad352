//! `mcpgen check`: everything that can be said of a document, then a summary.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

mod loss;
mod sarif;
mod tokens;

use loss::{Report, Status};
use tokens::Costs;

use super::load::{Extra, Loaded, load_with};
use super::options::DocOptions;
use super::report::{self, CredentialState};
use crate::catalog::Catalog;
use crate::compile::{Compiled, budget};
use crate::diag::{Bearing, Code, Diagnostic, Severity, render};
use crate::runtime::config::Config;
use crate::runtime::manifest::{Effect, setting};

/// Show what a document's operations would become, and every problem with its place
#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "they are flags of a command line"
)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    #[command(flatten)]
    options: DocOptions,

    /// Fail if an operation that is chosen is approximated or left out
    #[arg(long)]
    deny_loss: bool,

    /// A code whose findings are no loss, as in MG309; repeatable
    #[arg(long, value_name = "CODE", value_parser = code)]
    allow: Vec<Code>,

    /// What the list of tools costs a client, what it is spent on, and what would make it cost less
    #[arg(long, conflicts_with = "format")]
    tokens: bool,

    /// How the findings are printed
    #[arg(long, value_enum, default_value = "text", conflicts_with = "json")]
    format: Format,

    /// The same as --format json: `diagnostics`, `operations` and `summary`
    #[arg(long)]
    json: bool,

    /// Every finding, and the operations that are exact
    #[arg(short, long)]
    verbose: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen check openapi.yaml
  mcpgen check openapi.yaml --enable destroy --json
  mcpgen check openapi.yaml --deny-loss --allow MG309
  mcpgen check openapi.yaml --format sarif > mcpgen.sarif
  mcpgen check openapi.yaml --tokens

An operation is exact if every value that the document describes can be given, is
checked, and is sent as described. Exit status: 0 if there is something to serve,
1 if there are errors, or losses with --deny-loss.";

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
        let report = Report::new(&loaded, &self.allow);
        let costs = loaded.compiled.as_ref();
        let costs = costs.filter(|_| self.tokens && !loaded.diags.has_errors());
        let costs =
            costs.map(|(catalogs, compiled)| Costs::new(catalogs, compiled, loaded.policy.budget));
        match self.format {
            _ if self.json => print_json(&loaded, &report, costs.as_ref())?,
            Format::Json => print_json(&loaded, &report, None)?,
            Format::Sarif => report::print_json(&sarif::log(&loaded, &report))?,
            Format::Text => match &costs {
                Some(costs) => costs.print(&mut anstream::stdout().lock())?,
                None => print_text(&loaded, &report, self.verbose)?,
            },
        }
        let lost = report.denied();
        if self.deny_loss && lost > 0 {
            let (all, are) = (report.chosen(), if lost == 1 { "is" } else { "are" });
            let of = report::count(all, "operation");
            writeln!(
                anstream::stderr(),
                "mcpgen: --deny-loss: {lost} of {of} {are} not exact"
            )?;
        }
        Ok(
            if loaded.diags.has_errors() || (self.deny_loss && lost > 0) {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            },
        )
    }
}

/// Reads a code, `MG309` or `mg309`.
fn code(text: &str) -> Result<Code, String> {
    let mut all = Code::ALL.iter().copied();
    all.find(|code| code.as_str().eq_ignore_ascii_case(text))
        .filter(|code| code.bearing() == Bearing::Loss)
        .ok_or_else(|| format!("`{text}` is no code of a loss; the findings name theirs"))
}

fn print_text(loaded: &Loaded, report: &Report, verbose: bool) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    // What many operations have in common, and is no great matter, is told in groups.
    let told = |found: &&Diagnostic| {
        verbose || found.bearing == Bearing::Nothing || found.severity > Severity::Note
    };
    let shown = loaded.in_order(loaded.diags.iter().filter(told));
    write!(stdout, "{}", render::text(&shown, &loaded.sources, true))?;
    if let Some((catalogs, compiled)) = &loaded.compiled {
        if !shown.is_empty() {
            writeln!(stdout)?;
        }
        summary(&mut stdout, loaded, (catalogs, compiled), report)?;
        report.print(&mut stdout, verbose)?;
    }
    stdout.flush()?;
    Ok(())
}

fn summary(
    out: &mut impl Write,
    loaded: &Loaded,
    (catalogs, compiled): (&[Catalog], &Compiled),
    report: &Report,
) -> anyhow::Result<()> {
    let tools = &compiled.manifest.tools;
    let titles = catalogs.iter().map(|catalog| {
        let title = format!("{} {}", catalog.title, catalog.version);
        title.trim().to_owned()
    });
    writeln!(
        out,
        "{}: {}",
        render::printable(&loaded.sources.main().name),
        render::printable(&titles.collect::<Vec<_>>().join(", "))
    )?;
    let operations = catalogs.iter().map(|catalog| catalog.operations).sum();
    writeln!(out, "  operations   {}", report::thousands(operations))?;
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
    if compiled.excluded > 0 {
        writeln!(
            out,
            "  excluded     {} by rules",
            report::thousands(compiled.excluded)
        )?;
    }
    if compiled.deselected > 0 {
        writeln!(
            out,
            "  deselected   {} by --include and --exclude",
            report::thousands(compiled.deselected)
        )?;
    }
    let classes: Vec<String> = [Status::Exact, Status::Approximated, Status::LeftOut]
        .iter()
        .map(|status| (report.count(*status), status.as_str()))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", report::thousands(number)))
        .collect();
    if !classes.is_empty() {
        writeln!(out, "  loss         {}", classes.join(", "))?;
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
        let need = setting(&need, "").replace(" or ", "\n               or ");
        writeln!(out, "  unreachable  {count}: {need}")?;
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

fn print_json(loaded: &Loaded, report: &Report, costs: Option<&Costs>) -> anyhow::Result<()> {
    let summary = loaded.compiled.as_ref().map(|(catalogs, compiled)| {
        let config = Config::from_env(&compiled.manifest).unwrap_or_default();
        let credentials: Vec<_> = report::credentials(&compiled.manifest, &config)
            .into_iter()
            .map(|state| {
                let mut one = json!({"scheme": state.scheme, "variables": state.variables, "set": state.set, "origins": state.origins});
                if let (false, Some(one)) = (state.files.is_empty(), one.as_object_mut()) {
                    one.insert("files".to_owned(), state.files.into());
                }
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
        let left_out: Vec<_> = catalogs
            .iter()
            .flat_map(|catalog| &catalog.left_out)
            .map(|left| json!({"operation": left.operation, "reason": left.reason}))
            .collect();
        let mut off = json!({"write": compiled.held(Effect::Write), "destroy": compiled.held(Effect::Destroy)});
        if let (reads @ 1.., Some(off)) = (compiled.held(Effect::Read), off.as_object_mut()) {
            off.insert("read".to_owned(), reads.into());
        }
        json!({
            "source": compiled.manifest.server.name,
            "title": catalogs.first().map(|catalog| &catalog.title),
            "version": catalogs.first().map(|catalog| &catalog.version),
            "operations": catalogs.iter().map(|catalog| catalog.operations).sum::<usize>(),
            "tools": compiled.manifest.tools.len(),
            "off": off,
            "deselected": compiled.deselected,
            "excluded": compiled.excluded,
            "exact": report.count(Status::Exact),
            "approximated": report.count(Status::Approximated),
            "left_out": left_out,
            "credentials": credentials,
            "unreachable": unreachable,
            "tokens": budget::listed(&compiled.manifest),
            "listing": compiled.manifest.listing,
        })
    });
    let mut all = json!({
        "diagnostics": report.findings,
        "operations": report.json(),
        "summary": summary,
    });
    if let (Some(costs), Some(all)) = (costs, all.as_object_mut()) {
        all.insert("tokens".to_owned(), costs.json());
    }
    report::print_json(&all)
}
