//! Calls to begin the tests with: arguments from the document's examples, or made up where a schema
//! leaves no doubt. Each was tried; one that would be refused is not shown.

use serde_json::{Map, Value, json};
use url::Url;

use super::groups::Operation;
use crate::cli::test::setup;
use crate::compile::Compiled;
use crate::runtime::backends;
use crate::runtime::manifest::{Manifest, ToolSpec};
use crate::runtime::server::Server;

/// Most calls.
const MOST: usize = 3;
/// Deepest objects that are made up.
const DEPTH: usize = 4;

/// A test that passes: the tool, its arguments, what is expected.
pub(super) struct Example {
    pub(super) tool: String,
    pub(super) args: Map<String, Value>,
    pub(super) expect: Value,
}

/// Some calls of reads, of different groups if there are groups, and one with a page size that is clamped.
pub(super) fn examples(operations: &[Operation<'_>], compiled: &Compiled) -> Vec<Example> {
    let mut found = Vec::new();
    let mut seen: Vec<Option<&String>> = Vec::new();
    let mut clamp: Option<Example> = None;
    let reads = operations.iter().filter(|operation| operation.is_read());
    for operation in reads.take(200) {
        let group = operation.capability.tags.first();
        let new = !seen.contains(&group) || group.is_none();
        if found.len() == MOST || (!new && clamp.is_some()) {
            continue;
        }
        let Some(trial) = Trial::new(compiled, operation.tool) else {
            continue;
        };
        let Some(args) = required(operation.tool) else {
            continue;
        };
        if clamp.is_none() {
            clamp = trial.clamped(&args);
        }
        if let Some(example) = trial.sent(args).filter(|_| new) {
            seen.push(group);
            found.push(example);
        }
    }
    found.extend(clamp);
    found
}

/// One tool, ready to be asked what a call would send.
struct Trial<'t> {
    tool: &'t ToolSpec,
    server: Server,
}

impl<'t> Trial<'t> {
    fn new(compiled: &Compiled, tool: &'t ToolSpec) -> Option<Self> {
        let alone = Manifest {
            tools: vec![tool.clone()],
            ..compiled.manifest.clone()
        };
        let nowhere = Url::parse("http://127.0.0.1:9").ok()?;
        let (manifest, config, _) = setup::against(&alone, &nowhere);
        let backends = backends::open(&manifest, &config).ok()?;
        Some(Self {
            tool,
            server: Server::new(&manifest, backends, &config),
        })
    }

    /// The request of a call.
    fn sent(&self, args: Map<String, Value>) -> Option<Example> {
        let (text, checked) = self
            .server
            .preview(&self.tool.name, args.clone())
            .ok()?
            .ok()?;
        if !checked.changes().clamped.is_empty() {
            return None;
        }
        let (method, rest) = text.lines().next()?.split_once(' ')?;
        let url = Url::parse(rest).ok()?;
        Some(Example {
            tool: self.tool.name.clone(),
            args,
            expect: json!({"request": {"method": method, "path": url.path()}}),
        })
    }

    /// A page size beyond its bound.
    fn clamped(&self, args: &Map<String, Value>) -> Option<Example> {
        let name = self.tool.arguments().find_map(|(name, _)| {
            let max = self.tool.clamp(name)?.max.as_ref()?.as_u64()?;
            Some((name.clone(), max.checked_mul(10)?.checked_add(10)?))
        });
        let (name, beyond) = name?;
        let mut args = args.clone();
        args.insert(name, beyond.into());
        let (_, checked) = self
            .server
            .preview(&self.tool.name, args.clone())
            .ok()?
            .ok()?;
        let changes = checked.changes().clamped_pairs();
        (!changes.is_empty()).then(|| Example {
            tool: self.tool.name.clone(),
            args,
            expect: json!({ "clamped": changes }),
        })
    }
}

/// Values for the arguments that must be there.
fn required(tool: &ToolSpec) -> Option<Map<String, Value>> {
    let schema = tool.checked_schema();
    let value = made_up(&Value::Object(Map::clone(&schema)), &schema, 0)?;
    match value {
        Value::Object(args) => Some(args),
        _ => None,
    }
}

/// A value of a schema, as far as one can be made up easily.
fn made_up(schema: &Value, root: &Map<String, Value>, depth: usize) -> Option<Value> {
    let object = schema.as_object()?;
    if let Some(name) = object.get("$ref").and_then(Value::as_str) {
        let name = name.strip_prefix("#/$defs/")?;
        let defined = root.get("$defs")?.get(name)?;
        return (depth < DEPTH).then(|| made_up(defined, root, depth + 1))?;
    }
    let first = |key: &str| object.get(key).and_then(Value::as_array)?.first();
    let given = first("examples")
        .or_else(|| object.get("example"))
        .or_else(|| object.get("const"))
        .or_else(|| object.get("default"))
        .or_else(|| first("enum"));
    if let Some(given) = given.filter(|given| depth > 0 && given.to_string().len() < 200) {
        return Some(given.clone());
    }
    let kind = match object.get("type")? {
        Value::String(one) => one.as_str(),
        Value::Array(many) => many
            .iter()
            .filter_map(Value::as_str)
            .find(|t| *t != "null")?,
        _ => return None,
    };
    match kind {
        "boolean" => Some(true.into()),
        "integer" | "number" => Some(object.get("minimum").cloned().unwrap_or_else(|| 1.into())),
        "string" => text(object),
        "array" => {
            let least = object.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            match least {
                0 => Some(json!([])),
                1 => Some(json!([made_up(object.get("items")?, root, depth + 1)?])),
                _ => None,
            }
        }
        "object" if depth < DEPTH => {
            let mut made = Map::new();
            let names = object.get("required").and_then(Value::as_array);
            for name in names.into_iter().flatten().filter_map(Value::as_str) {
                let property = object.get("properties")?.get(name)?;
                made.insert(name.to_owned(), made_up(property, root, depth + 1)?);
            }
            Some(Value::Object(made))
        }
        _ => None,
    }
}

fn text(schema: &Map<String, Value>) -> Option<Value> {
    if schema.contains_key("pattern") {
        return None;
    }
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("email") => "someone@example.com",
        Some("uri" | "url") => "https://example.com/",
        _ => "example",
    };
    Some(text.into())
}
