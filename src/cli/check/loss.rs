//! The loss report: each operation is exact, approximated or left out, with reason and place.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::cli::load::Loaded;
use crate::cli::report;
use crate::diag::render::{self, printable};
use crate::diag::{Bearing, Code, Diagnostic};

/// Lines of one reason, if not all are asked for.
const LINES_MAX: usize = 8;
/// Characters of a line.
const WIDTH: usize = 80;

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Every value that the document describes can be given, is checked, and is sent as described.
    Exact,
    /// It is a tool, but something is not enforced, not sent or told in short.
    Approximated,
    /// It is no tool.
    LeftOut,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximated => "approximated",
            Self::LeftOut => "left out",
        }
    }
}

/// One operation and what it lost.
struct Operation {
    /// Method and path.
    name: String,
    tool: Option<String>,
    status: Status,
    /// Whether it is chosen: `--deny-loss` counts it.
    chosen: bool,
    /// Findings that say why it is not exact: indices into all of them.
    reasons: Vec<usize>,
    /// Findings that say what is otherwise than in the document; nothing of it is lost.
    rewritten: Vec<usize>,
}

/// Findings by code, each with the operations that it is about.
type Groups<'a> = BTreeMap<Code, IndexMap<usize, Vec<&'a Operation>>>;

/// All operations that are tools or left out, in the document's order.
pub(super) struct Report {
    /// Every finding as `check --json` prints it.
    pub(super) findings: Vec<Value>,
    codes: Vec<Code>,
    operations: Vec<Operation>,
    file: String,
}

impl Report {
    /// The report; findings of the allowed codes are no loss of an operation that is a tool.
    pub(super) fn new(loaded: &Loaded, allowed: &[Code]) -> Self {
        Self {
            findings: render::json(&loaded.diags, &loaded.sources),
            codes: loaded.diags.iter().map(|found| found.code).collect(),
            operations: operations(loaded, allowed),
            file: loaded.sources.main().name.clone(),
        }
    }

    /// How many operations are of a class.
    pub(super) fn count(&self, status: Status) -> usize {
        let of_class = |operation: &&Operation| operation.status == status;
        self.operations.iter().filter(of_class).count()
    }

    /// How many operations are chosen: tools, and those left out that would be tools.
    pub(super) fn chosen(&self) -> usize {
        self.operations.iter().filter(|o| o.chosen).count()
    }

    /// How many of those are not exact.
    pub(super) fn denied(&self) -> usize {
        let denied = |o: &&Operation| o.chosen && o.status != Status::Exact;
        self.operations.iter().filter(denied).count()
    }

    /// The operations that each finding is a loss of, by the finding's index.
    pub(super) fn losing(&self) -> BTreeMap<usize, Vec<&str>> {
        let mut losing: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for operation in &self.operations {
            for index in &operation.reasons {
                losing.entry(*index).or_default().push(&operation.name);
            }
        }
        losing
    }

    pub(super) fn json(&self) -> Vec<Value> {
        let operation = |operation: &Operation| {
            let told = |indices: &[usize]| -> Vec<Value> {
                let found = indices.iter();
                found
                    .filter_map(|index| self.reason(*index, operation))
                    .collect()
            };
            json!({
                "operation": operation.name,
                "tool": operation.tool,
                "status": operation.status.as_str(),
                "reasons": told(&operation.reasons),
                "rewritten": told(&operation.rewritten),
            })
        };
        self.operations.iter().map(operation).collect()
    }

    /// A finding as a reason: without what to do about it, which is among the diagnostics.
    fn reason(&self, index: usize, operation: &Operation) -> Option<Value> {
        let mut reason = self.findings.get(index)?.as_object()?.clone();
        reason.shift_remove("help");
        reason.insert("message".into(), self.message(index, operation).into());
        Some(Value::Object(reason))
    }

    /// What a finding says, without what a reader of the operation's name knows.
    fn message(&self, index: usize, operation: &Operation) -> String {
        let finding = self.findings.get(index);
        let message = finding.and_then(|f| f.get("message")?.as_str());
        let message = message.unwrap_or_default();
        let known = message.strip_prefix(operation.name.as_str());
        let known = known.and_then(|rest| {
            rest.strip_prefix(" is left out: ")
                .or(rest.strip_prefix(' '))
        });
        known.unwrap_or(message).to_owned()
    }

    /// The operations that are not exact, by reason; with `verbose` all lines, and those that are.
    pub(super) fn print(&self, out: &mut impl Write, verbose: bool) -> anyhow::Result<()> {
        for status in [Status::Approximated, Status::LeftOut] {
            self.print_class(out, status, verbose)?;
        }
        self.print_rewrites(out, verbose)?;
        if verbose && self.count(Status::Exact) > 0 {
            writeln!(out, "\nexact: {}", self.counted(Status::Exact))?;
            for operation in self.operations.iter().filter(|o| o.status == Status::Exact) {
                line(out, &format!("    {}", operation.name), verbose)?;
            }
        }
        Ok(())
    }

    fn counted(&self, status: Status) -> String {
        report::count(self.count(status), "operation")
    }

    fn print_class(
        &self,
        out: &mut impl Write,
        status: Status,
        verbose: bool,
    ) -> anyhow::Result<()> {
        let of_class = |o: &'_ Operation| o.status == status;
        let groups = self.groups(|o| if of_class(o) { &o.reasons } else { &[] });
        if groups.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}: {}", status.as_str(), self.counted(status))?;
        let most = if verbose { usize::MAX } else { LINES_MAX };
        self.print_groups(out, &groups, most, verbose)
    }

    /// What is otherwise than in the document: how often, or with `verbose` where.
    fn print_rewrites(&self, out: &mut impl Write, verbose: bool) -> anyhow::Result<()> {
        let groups = self.groups(|o| &o.rewritten);
        if groups.is_empty() {
            return Ok(());
        }
        let count = self.operations.iter().filter(|o| !o.rewritten.is_empty());
        let count = report::count(count.count(), "operation");
        writeln!(
            out,
            "\notherwise than in the document, nothing lost: {count}"
        )?;
        let most = if verbose { usize::MAX } else { 0 };
        self.print_groups(out, &groups, most, verbose)
    }

    /// Findings by code, each with the operations that it is about.
    fn groups(&self, of: impl Fn(&Operation) -> &[usize]) -> Groups<'_> {
        let mut groups = Groups::new();
        for operation in &self.operations {
            for index in of(operation) {
                if let Some(code) = self.codes.get(*index) {
                    let findings = groups.entry(*code).or_default();
                    findings.entry(*index).or_default().push(operation);
                }
            }
        }
        groups
    }

    fn print_groups(
        &self,
        out: &mut impl Write,
        groups: &Groups<'_>,
        most: usize,
        verbose: bool,
    ) -> anyhow::Result<()> {
        for (code, findings) in groups {
            let concerned: BTreeSet<&str> = findings
                .values()
                .flatten()
                .map(|o| o.name.as_str())
                .collect();
            let count = report::count(concerned.len(), "operation");
            let title = code.summary().trim_end_matches('.');
            let title = title.split([':', ';']).next().unwrap_or(title);
            line(
                out,
                &format!("  {} {count}: {title}", code.as_str()),
                verbose,
            )?;
            for (index, operations) in findings.iter().take(most) {
                line(out, &self.entry(*index, operations), verbose)?;
            }
            let more = findings.len().saturating_sub(most);
            if more > 0 && most > 0 {
                writeln!(out, "    … and {more} more; --verbose shows all")?;
            }
        }
        Ok(())
    }

    /// `12:7 GET /orders: what is lost`.
    fn entry(&self, index: usize, operations: &[&Operation]) -> String {
        let finding = self.findings.get(index);
        let number = |key: &str| finding.and_then(|f| f.get(key)?.as_u64());
        let file = finding.and_then(|f| f.get("file")?.as_str());
        let file = file.filter(|file| *file != self.file);
        let file = file.map_or_else(String::new, |file| format!("{file}:"));
        let place = match (number("line"), number("column")) {
            (Some(line), Some(column)) => format!("{file}{line}:{column} "),
            _ => file,
        };
        let Some(first) = operations.first() else {
            return place;
        };
        let others = match operations.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = self.message(index, first);
        format!("    {place}{}{others}: {message}", first.name)
    }
}

/// A line with nothing hidden in it, that fits a terminal if not all is asked for.
fn line(out: &mut impl Write, text: &str, verbose: bool) -> std::io::Result<()> {
    let text = printable(text);
    if verbose || text.chars().count() <= WIDTH {
        return writeln!(out, "{text}");
    }
    let head: String = text.chars().take(WIDTH - 1).collect();
    writeln!(out, "{}…", head.trim_end())
}

/// What became of each operation that is a tool or left out.
fn operations(loaded: &Loaded, allowed: &[Code]) -> Vec<Operation> {
    let Some((catalogs, compiled)) = &loaded.compiled else {
        return Vec::new();
    };
    let served = compiled.operations.iter().map(String::as_str);
    let names = compiled.manifest.tools.iter().map(|tool| &tool.name);
    let tools: BTreeMap<&str, &String> = served.zip(names).collect();
    let left = catalogs.iter().flat_map(|catalog| &catalog.left_out);
    let left: BTreeSet<&str> = left.map(|left| left.operation.as_str()).collect();
    let all: Vec<&Diagnostic> = loaded.diags.iter().collect();
    let mut found = Vec::new();
    let bearing = |at: &usize| all.get(*at).map(|found| found.bearing);
    for (name, found_in) in loaded.diags.by_operation() {
        let (mut reasons, mut rewritten) = (Vec::new(), Vec::new());
        for index in found_in {
            match bearing(&index) {
                Some(Bearing::Loss) => reasons.push(index),
                Some(Bearing::Rewrite) => rewritten.push(index),
                _ => {}
            }
        }
        if tools.contains_key(name) {
            reasons.retain(|at| all.get(*at).is_some_and(|d| !allowed.contains(&d.code)));
        }
        let (status, chosen) = match (tools.get(name), left.contains(name)) {
            (Some(_), _) if reasons.is_empty() => (Status::Exact, true),
            (Some(_), _) => (Status::Approximated, true),
            (None, true) => {
                // Among several sources its own stands before the name.
                let of_it = |d: &&Diagnostic| {
                    let subject = d.message.split_once(" is left out: ");
                    subject.is_some_and(|(subject, _)| name.ends_with(subject))
                };
                reasons.retain(|at| all.get(*at).is_some_and(of_it));
                (Status::LeftOut, compiled.lost.contains(name))
            }
            // It is off or not chosen.
            (None, false) => continue,
        };
        found.push(Operation {
            name: name.to_owned(),
            tool: tools.get(name).map(|tool| (*tool).clone()),
            status,
            chosen,
            reasons,
            rewritten,
        });
    }
    found
}
