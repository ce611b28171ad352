//! The operations of a document as a policy names and groups them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::yaml;
use crate::catalog::{Capability, Catalog};
use crate::compile::{Compiled, budget};
use crate::runtime::manifest::{Effect, ToolSpec};

/// An operation, and the tool that it is if everything is enabled.
pub(super) struct Operation<'a> {
    pub(super) tool: &'a ToolSpec,
    pub(super) capability: &'a Capability,
    pub(super) tokens: usize,
    /// What names it, and nothing else, under `match: {operation: …}`.
    pub(super) name: Option<String>,
}

/// All operations that can be tools, in the document's order.
pub(super) fn operations<'a>(catalog: &'a Catalog, compiled: &'a Compiled) -> Vec<Operation<'a>> {
    let capabilities: BTreeMap<&str, &Capability> = catalog
        .capabilities
        .iter()
        .map(|capability| (capability.operation.as_str(), capability))
        .collect();
    let tools = compiled.manifest.tools.iter().zip(&compiled.operations);
    let pairs: Vec<(&ToolSpec, &Capability)> = tools
        .filter_map(|(tool, operation)| Some((tool, *capabilities.get(operation.as_str())?)))
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (tool, capability) in &pairs {
        let names = [Some(tool.name.as_str()), capability.id.as_deref()];
        let names: BTreeSet<&str> = names.into_iter().flatten().collect();
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
    }
    // An id of an operation that is left out would match that, too.
    for id in catalog
        .left_out
        .iter()
        .filter_map(|left| left.id.as_deref())
    {
        *counts.entry(id).or_default() += 1;
    }
    let simple = |name: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_./:-".contains(c);
        !name.is_empty() && name.chars().all(plain) && counts.get(*name) == Some(&1)
    };
    let all = pairs.iter().map(|(tool, capability)| {
        let names = [capability.id.as_deref(), Some(tool.name.as_str())];
        Operation {
            tool,
            capability,
            tokens: budget::tokens(tool),
            name: names.into_iter().flatten().find(simple).map(str::to_owned),
        }
    });
    all.collect()
}

impl Operation<'_> {
    /// The keys under `match` that match it alone, in flow style; `None` if there are none.
    pub(super) fn matching(&self) -> Option<String> {
        if let Some(name) = &self.name {
            return Some(format!("operation: {}", yaml::text(name)));
        }
        let path = &self.capability.path;
        // Braces are placeholders; what else is a pattern would match otherwise.
        let literal = !path.contains(['*', '?', '[', ']', '\\']);
        let method = &self.capability.method;
        literal.then(|| format!("method: {}, path: {}", yaml::text(method), yaml::text(path)))
    }

    pub(super) fn is_read(&self) -> bool {
        self.tool.effect == Effect::Read
    }
}

/// Operations that belong together, as a rule can match them.
#[derive(Default)]
pub(super) struct Group {
    /// Reads, writes, deletes.
    pub(super) counts: [usize; 3],
    /// What the reads cost.
    pub(super) tokens: usize,
}

impl Group {
    fn add(&mut self, operation: &Operation<'_>) {
        let [reads, writes, destroys] = &mut self.counts;
        match operation.tool.effect {
            Effect::Read => {
                *reads += 1;
                self.tokens += operation.tokens;
            }
            Effect::Write => *writes += 1,
            Effect::Destroy => *destroys += 1,
        }
    }
}

/// The groups by the keys under `match` that match them: tags, or first segments of paths where there
/// are no tags.
pub(super) fn groups(operations: &[Operation<'_>]) -> IndexMap<String, Group> {
    let mut groups: IndexMap<String, Group> = IndexMap::new();
    let special = |text: &str| text.contains(['*', '?', '[', '{', '\\']);
    let tagged = operations
        .iter()
        .any(|operation| !operation.capability.tags.is_empty());
    for operation in operations {
        let capability = operation.capability;
        if tagged {
            let tags: BTreeSet<&String> = capability.tags.iter().collect();
            for tag in tags.into_iter().filter(|tag| !special(tag)) {
                let key = format!("tag: {}", yaml::text(tag));
                groups.entry(key).or_default().add(operation);
            }
        } else if let Some(segment) = capability.path.split('/').nth(1)
            && !special(segment)
            && !segment.is_empty()
        {
            // It may stand in a comment, so it is one line.
            let (one, below) = (format!("/{segment}"), format!("/{segment}/**"));
            let key = format!("path: [{}, {}]", yaml::text(&one), yaml::text(&below));
            groups.entry(key).or_default().add(operation);
        }
    }
    groups
}
