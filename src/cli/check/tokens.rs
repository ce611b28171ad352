//! `mcpgen check --tokens`: what the list of tools costs a client, what it is spent on, and what would
//! make it cost less.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Map, Value, json};

use crate::catalog::{Capability, Catalog};
use crate::cli::report::thousands;
use crate::compile::{Compiled, budget};
use crate::diag::render::printable;
use crate::runtime::manifest::{Effect, ListMode, ToolSpec};

/// Tools, tags and savings that are printed.
const MOST: usize = 8;
/// Characters of a line.
const WIDTH: usize = 80;

/// What one tool costs.
struct Tool<'a> {
    spec: &'a ToolSpec,
    operation: &'a str,
    tokens: usize,
}

/// What the tools of a tag cost.
struct Tag<'a> {
    name: &'a str,
    tools: usize,
    tokens: usize,
}

/// What a change of options would save.
struct Saving {
    /// What to change.
    change: String,
    tokens: usize,
}

/// The costs of a list of tools.
pub(super) struct Costs<'a> {
    budget: usize,
    total: usize,
    spent: [(&'static str, usize); 5],
    tools: Vec<Tool<'a>>,
    tags: Vec<Tag<'a>>,
    savings: Vec<Saving>,
}

impl<'a> Costs<'a> {
    pub(super) fn new(catalogs: &'a [Catalog], compiled: &'a Compiled, budget: usize) -> Self {
        let specs = &compiled.manifest.tools;
        let mut tools: Vec<Tool<'a>> = specs
            .iter()
            .zip(&compiled.operations)
            .map(|(spec, operation)| Tool {
                spec,
                operation,
                tokens: budget::tokens(spec),
            })
            .collect();
        // The sort is stable: what costs the same stays in the document's order.
        tools.sort_by_key(|tool| std::cmp::Reverse(tool.tokens));
        let tags = tags(catalogs, &tools);
        let total = tools.iter().map(|tool| tool.tokens).sum();
        Self {
            budget,
            total,
            spent: spent(specs, total),
            savings: savings(compiled, &tools, &tags, total),
            tools,
            tags,
        }
    }

    pub(super) fn json(&self) -> Value {
        let spent: serde_json::Map<String, Value> = self
            .spent
            .iter()
            .map(|(what, tokens)| (what.replace(' ', "_"), (*tokens).into()))
            .collect();
        let tool = |tool: &Tool<'_>| json!({"tool": tool.spec.name, "operation": tool.operation, "tokens": tool.tokens});
        let tag =
            |tag: &Tag<'_>| json!({"tag": tag.name, "tools": tag.tools, "tokens": tag.tokens});
        let saving = |s: &Saving| json!({"change": s.change, "tokens": s.tokens});
        json!({
            "tokens": self.total,
            "budget": self.budget,
            "spent": spent,
            "tools": self.tools.iter().map(tool).collect::<Vec<_>>(),
            "tags": self.tags.iter().map(tag).collect::<Vec<_>>(),
            "savings": self.savings.iter().map(saving).collect::<Vec<_>>(),
        })
    }

    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let (total, budget) = (thousands(self.total), thousands(self.budget));
        let against = if self.total > self.budget {
            format!("over the budget of {budget}")
        } else {
            format!("within the budget of {budget}")
        };
        writeln!(out, "all tools in a list: about {total} tokens, {against}")?;
        if self.total == 0 {
            return Ok(());
        }
        writeln!(out, "\nspent on")?;
        for (what, tokens) in &self.spent {
            let share = (tokens * 100 + self.total / 2) / self.total;
            writeln!(out, "  {:>9}  {share:>2} %  {what}", thousands(*tokens))?;
        }
        writeln!(out, "\ntools that cost most")?;
        for tool in self.tools.iter().take(MOST) {
            let text = format!("{}: {}", tool.spec.name, tool.operation);
            entry(out, tool.tokens, &text)?;
        }
        more(out, self.tools.len(), "`mcpgen list` shows what each costs")?;
        if self.tags.len() > 1 {
            writeln!(out, "\ntags that cost most")?;
            for tag in self.tags.iter().take(MOST) {
                let noun = if tag.tools == 1 { "tool" } else { "tools" };
                let text = format!("{} ({} {noun})", tag.name, thousands(tag.tools));
                entry(out, tag.tokens, &text)?;
            }
            more(out, self.tags.len(), "--json shows all")?;
        }
        if !self.savings.is_empty() {
            writeln!(out, "\nwhat would save")?;
        }
        for saving in self.savings.iter().take(MOST) {
            entry(out, saving.tokens, &saving.change)?;
        }
        Ok(())
    }
}

/// A number and a text, in the width of a terminal.
fn entry(out: &mut impl Write, tokens: usize, text: &str) -> std::io::Result<()> {
    let line = format!("  {:>9}  {}", thousands(tokens), printable(text));
    if line.chars().count() <= WIDTH {
        return writeln!(out, "{line}");
    }
    let head: String = line.chars().take(WIDTH - 1).collect();
    writeln!(out, "{}…", head.trim_end())
}

fn more(out: &mut impl Write, all: usize, help: &str) -> std::io::Result<()> {
    match all.saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "  … and {} more; {help}", thousands(more)),
    }
}

/// What the bytes of the list are, in tokens; together they are the total.
fn spent(specs: &[ToolSpec], total: usize) -> [(&'static str, usize); 5] {
    let (mut tools, mut arguments, mut schemas, mut results) = (0, 0, 0, 0);
    for spec in specs {
        let input = Value::Object(Map::clone(&spec.input_schema));
        let bare = without_descriptions(input.clone()).to_string().len();
        tools += spec.description.len();
        arguments += input.to_string().len() - bare;
        schemas += bare;
        let output = spec.output_schema.as_ref();
        results += output.map_or(0, |schema| json!(schema).to_string().len());
    }
    let parts = [tools, arguments, schemas, results].map(|bytes| bytes / 4);
    let rest = total.saturating_sub(parts.iter().sum());
    let [tools, arguments, schemas, results] = parts;
    [
        ("descriptions of tools", tools),
        ("descriptions of arguments", arguments),
        ("schemas of arguments", schemas),
        ("schemas of results", results),
        ("names, titles and hints", rest),
    ]
}

/// A schema without what is said of its parts.
fn without_descriptions(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            if object.get("description").is_some_and(Value::is_string) {
                object.shift_remove("description");
            }
            for (_, value) in object.iter_mut() {
                *value = without_descriptions(value.take());
            }
        }
        Value::Array(list) => {
            for value in list {
                *value = without_descriptions(value.take());
            }
        }
        _ => {}
    }
    schema
}

/// What the tools of each tag cost, the dearest first. A tool of two tags counts for both.
fn tags<'a>(catalogs: &'a [Catalog], tools: &[Tool<'a>]) -> Vec<Tag<'a>> {
    let of = |capability: &'a Capability| (capability.operation.as_str(), &capability.tags);
    let all = catalogs.iter().flat_map(|catalog| &catalog.capabilities);
    let known: BTreeMap<&str, &'a Vec<String>> = all.map(of).collect();
    let mut sums: BTreeMap<&'a str, (usize, usize)> = BTreeMap::new();
    for tool in tools {
        for tag in known.get(tool.operation).into_iter().copied().flatten() {
            let (count, tokens) = sums.entry(tag).or_default();
            *count += 1;
            *tokens += tool.tokens;
        }
    }
    let mut tags: Vec<Tag<'a>> = sums
        .into_iter()
        .map(|(name, (tools, tokens))| Tag {
            name,
            tools,
            tokens,
        })
        .collect();
    tags.sort_by_key(|tag| std::cmp::Reverse(tag.tokens));
    tags
}

/// Options that would make the list cheaper, the most first.
fn savings(compiled: &Compiled, tools: &[Tool<'_>], tags: &[Tag<'_>], total: usize) -> Vec<Saving> {
    let cost = |effects: &[Effect]| -> usize {
        let of = tools
            .iter()
            .filter(|tool| effects.contains(&tool.spec.effect));
        of.map(|tool| tool.tokens).sum()
    };
    let (deletes, changes) = (
        cost(&[Effect::Destroy]),
        cost(&[Effect::Write, Effect::Destroy]),
    );
    let mut found = Vec::new();
    let mut add = |change: String, tokens: usize| {
        if tokens > 0 && tokens < total {
            found.push(Saving { change, tokens });
        }
    };
    if compiled.manifest.listing.mode == ListMode::List {
        let mut searched = compiled.manifest.clone();
        searched.listing.mode = ListMode::Search;
        let few = budget::listed(&searched);
        add("--tools search".to_owned(), total.saturating_sub(few));
    }
    add("reads only: without --enable".to_owned(), changes);
    if changes > deletes {
        add("no deletes: --enable write".to_owned(), deletes);
    }
    for tag in tags.iter().take(MOST).filter(|tag| is_plain(tag.name)) {
        add(
            format!("--exclude {}", quoted(&format!("tag:{}", tag.name))),
            tag.tokens,
        );
    }
    if let Some(tool) = tools.first() {
        add(format!("--exclude {}", tool.spec.name), tool.tokens);
    }
    found.sort_by_key(|saving| std::cmp::Reverse(saving.tokens));
    found
}

/// Whether a pattern of this text matches this text alone.
fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\', '\''])
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-.:/@%+,".contains(c);
    if word.chars().all(safe) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}
