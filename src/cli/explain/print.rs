//! An explanation, as text and as JSON.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::changes::{self, Met};
use super::defaults::{self, Holds};
use super::subject::Subject;
use crate::catalog::{Capability, Catalog};
use crate::cli::load::Loaded;
use crate::compile::{Compiled, Offered, Standing, compile};
use crate::diag::render::printable;
use crate::diag::{Diagnostics, Loc};
use crate::policy::Policy;
use crate::policy::format::{PolicyFile, Rule};
use crate::runtime::manifest::{Effect, ToolSpec};
use crate::source::Sources;

/// Characters of a line of the file that is shown.
const WIDTH: usize = 76;

/// All that is to be said of an operation.
pub(super) struct Explanation<'a> {
    /// The tool's name, or what the operation is called.
    title: String,
    /// Method, path, `operationId`.
    request: String,
    source: &'a str,
    effect: Effect,
    /// Why it is no tool, and what would change that.
    off: Option<(String, Option<String>)>,
    rules: Vec<Touch>,
    holds: Vec<Said>,
}

/// A rule that matches, and what it changed.
struct Touch {
    place: Place,
    changes: Vec<Said>,
}

/// What something changed, and where that stands in the file; else it is mcpgen's default.
struct Said {
    place: Option<Place>,
    key: String,
    text: String,
}

/// A place in the policy file.
struct Place {
    file: String,
    line: usize,
    /// The line as it is written.
    text: String,
}

impl<'a> Explanation<'a> {
    pub(super) fn new(loaded: &'a Loaded, compiled: &'a Compiled, subject: &Subject<'a>) -> Self {
        match subject {
            Subject::LeftOut { catalog, left } => Self {
                title: left.operation.clone(),
                request: left.id.clone().unwrap_or_default(),
                source: &catalog.source,
                effect: left.effect,
                off: Some((
                    format!("the document's operation cannot be one: {}", left.reason),
                    Some("change the document, with an overlay if it is not yours".to_owned()),
                )),
                rules: Vec::new(),
                holds: Vec::new(),
            },
            Subject::Operation {
                catalog,
                capability,
                offered,
            } => of_operation(loaded, compiled, catalog, capability, offered),
        }
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (title, request) = (printable(&self.title), printable(&self.request));
        let (source, effect) = (printable(self.source), self.effect.as_str());
        writeln!(out, "{title}: {request}, a {effect} of {source}")?;
        if let Some((why, help)) = &self.off {
            writeln!(out, "no tool: {}", printable(why))?;
            if let Some(help) = help {
                writeln!(out, "  {}", printable(help))?;
            }
        }
        if !self.rules.is_empty() {
            writeln!(out, "\nrules, in order")?;
        }
        for touch in &self.rules {
            let mut shown = touch.place.line;
            touch.place.print(out)?;
            for change in &touch.changes {
                if let Some(place) = change.place.as_ref().filter(|place| place.line != shown) {
                    place.print(out)?;
                    shown = place.line;
                }
                writeln!(out, "      {}", printable(&change.text))?;
            }
            if touch.changes.is_empty() {
                writeln!(out, "      matches, and changes nothing")?;
            }
        }
        for (title, of_file) in [
            ("defaults of the file", true),
            ("defaults of mcpgen", false),
        ] {
            let mut holds = self
                .holds
                .iter()
                .filter(|said| said.place.is_some() == of_file);
            let Some(first) = holds.next() else { continue };
            writeln!(out, "\n{title}")?;
            let mut shown = 0;
            for said in std::iter::once(first).chain(holds) {
                if let Some(place) = said.place.as_ref().filter(|place| place.line != shown) {
                    place.print(out)?;
                    shown = place.line;
                }
                let indent = if of_file { "      " } else { "  " };
                writeln!(out, "{indent}{}", printable(&said.text))?;
            }
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        let rules = self.rules.iter().map(|touch| {
            let mut one = touch.place.json();
            let changes = touch.changes.iter().map(Said::json);
            one.insert("changes".to_owned(), changes.collect());
            Value::Object(one)
        });
        json!({
            "tool": self.off.is_none().then_some(&self.title),
            "operation": self.request,
            "source": self.source,
            "effect": self.effect,
            "off": self.off.as_ref().map(|(why, help)| json!({"why": why, "help": help})),
            "rules": rules.collect::<Vec<_>>(),
            "defaults": self.holds.iter().map(Said::json).collect::<Vec<_>>(),
        })
    }
}

impl Place {
    fn new(sources: &Sources, pointer: &str) -> Option<Self> {
        let span = sources.span(&Loc::at(pointer))?;
        let source = sources.main();
        let line = source.text.lines().nth(span.line.checked_sub(1)?)?;
        let line = line.trim();
        let text = match line.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{}…", line.get(..end)?),
            None => line.to_owned(),
        };
        Some(Self {
            file: source.name.clone(),
            line: span.line,
            text,
        })
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (file, text) = (printable(&self.file), printable(&self.text));
        writeln!(out, "  {file}:{}: {text}", self.line)
    }

    fn json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("file".to_owned(), self.file.as_str().into());
        object.insert("line".to_owned(), self.line.into());
        object
    }
}

impl Said {
    fn json(&self) -> Value {
        let mut object = self.place.as_ref().map(Place::json).unwrap_or_default();
        if !self.key.is_empty() {
            object.insert("key".to_owned(), self.key.as_str().into());
        }
        object.insert("text".to_owned(), self.text.as_str().into());
        Value::Object(object)
    }
}

fn of_operation<'a>(
    loaded: &'a Loaded,
    compiled: &'a Compiled,
    catalog: &'a Catalog,
    capability: &Capability,
    offered: &'a Offered,
) -> Explanation<'a> {
    let tool = tool(compiled, offered);
    let plain = without_rules(catalog, capability, &loaded.policy);
    let schema = plain.as_ref().map(ToolSpec::checked_schema);
    let schema = schema.unwrap_or_default();
    let file = loaded.policy.file.as_ref();
    let matching: Vec<(usize, &Rule)> = offered
        .rules
        .iter()
        .filter_map(|index| Some((*index, file?.rules.get(*index)?)))
        .collect();
    let rules = matching
        .iter()
        .enumerate()
        .filter_map(|(at, (index, rule))| {
            let met = Met {
                effect: capability.effect,
                name: plain.as_ref().map_or("", |tool| tool.name.as_str()),
                tool,
                schema: &schema,
                later: matching
                    .iter()
                    .skip(at + 1)
                    .map(|(_, rule)| *rule)
                    .collect(),
            };
            touch(&loaded.sources, *index, rule, &met)
        });
    let rules = rules.collect();
    let mut holds = defaults::holds(
        file,
        &offered.source,
        &loaded.policy,
        matching.iter().any(|(_, rule)| rule.timeout.is_some()),
    );
    let by_rule = |name: &str| {
        matching.iter().any(|(_, rule)| {
            rule.args.contains_key(name) || (name == "limit" && rule.max_rows.is_some())
        })
    };
    if let Some(plain) = plain.as_ref().filter(|_| tool.is_some()) {
        let of_rules = |said: &Holds| {
            let name = said.text.split('`').nth(1).unwrap_or_default();
            !by_rule(name)
        };
        holds.extend(defaults::page_sizes(plain).into_iter().filter(of_rules));
    }
    let id = capability.id.as_ref();
    Explanation {
        title: offered.name.clone(),
        request: match id.filter(|id| **id != offered.name) {
            Some(id) => format!("{} ({id})", capability.label()),
            None => capability.label(),
        },
        source: &offered.source,
        effect: offered.effect,
        off: off(loaded, capability, offered),
        rules,
        holds: holds
            .into_iter()
            .map(|h| said(&loaded.sources, h))
            .collect(),
    }
}

/// The tool that an operation is.
fn tool<'c>(compiled: &'c Compiled, offered: &Offered) -> Option<&'c ToolSpec> {
    let mut tools = compiled.manifest.tools.iter().zip(&compiled.operations);
    let is = |operation: &String| *operation == offered.operation;
    tools
        .find(|(_, operation)| is(operation))
        .map(|(tool, _)| tool)
}

/// The tool that an operation would be without rules.
fn without_rules(catalog: &Catalog, capability: &Capability, policy: &Policy) -> Option<ToolSpec> {
    let alone = Catalog {
        source: catalog.source.clone(),
        operations: 1,
        capabilities: vec![capability.clone()],
        database: catalog.database.clone(),
        ..Catalog::default()
    };
    let file = policy.file.as_ref().map(|file| PolicyFile {
        rules: Vec::new(),
        ..file.clone()
    });
    let policy = Policy {
        effect: Effect::Destroy,
        only_enabled: false,
        include: Vec::new(),
        exclude: Vec::new(),
        file,
        ..policy.clone()
    };
    let compiled = compile(&[alone], &policy, &mut Diagnostics::default());
    compiled.manifest.tools.into_iter().next()
}

fn touch(sources: &Sources, index: usize, rule: &Rule, met: &Met<'_>) -> Option<Touch> {
    let at = format!("/rules/{index}");
    let changes = changes::changes(rule, met).into_iter().map(|change| Said {
        place: Place::new(
            sources,
            format!("{at}{}", change.pointer).trim_end_matches('/'),
        ),
        key: change.pointer.trim_matches('/').replace('/', "."),
        text: change.text,
    });
    Some(Touch {
        place: Place::new(sources, &at)?,
        changes: changes.collect(),
    })
}

fn said(sources: &Sources, holds: Holds) -> Said {
    let key = holds.pointer.as_deref().unwrap_or_default();
    Said {
        key: key.trim_matches('/').replace('/', "."),
        place: holds
            .pointer
            .as_deref()
            .and_then(|at| Place::new(sources, at)),
        text: holds.text,
    }
}

/// Why an operation is no tool, and what would change that.
fn off(
    loaded: &Loaded,
    capability: &Capability,
    offered: &Offered,
) -> Option<(String, Option<String>)> {
    let effect = offered.effect.as_str();
    Some(match offered.standing {
        Standing::Tool => return None,
        Standing::HeldBack => {
            let highest = loaded.policy.effect.as_str();
            let why = match loaded.policy.only_enabled {
                true => "nothing is one by itself, and no rule enables it".to_owned(),
                false => format!("its effect is {effect}, and only up to {highest} is on"),
            };
            let name = capability.id.as_deref().unwrap_or(&offered.name);
            let help = match loaded.policy.file {
                Some(_) => format!(
                    "a rule makes it one: `{{match: {{operation: {name}}}, enable: {effect}}}`"
                ),
                None => format!("--enable {effect} makes it one"),
            };
            (why, Some(help))
        }
        Standing::Excluded(rule) => {
            let place = Place::new(&loaded.sources, &format!("/rules/{rule}"));
            let place = place.map_or_else(String::new, |place| {
                format!(" at {}:{}", place.file, place.line)
            });
            let help = "no later rule undoes that: narrow the rule's `match`, or take it out";
            (
                format!("the rule{place} excludes it"),
                Some(help.to_owned()),
            )
        }
        Standing::Deselected => ("--include or --exclude leaves it out".to_owned(), None),
    })
}
