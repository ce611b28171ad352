//! What a search says: structured for programs, and for the model in as few words as will do.

use serde_json::{Map, Value, json};

use super::meta::{Kind, LIMIT_MAX};
use super::{Known, shown};
use crate::runtime::manifest::Effect;

/// Characters of a line on a tool.
const LINE_MAX: usize = 120;
/// Arguments that are named.
const ARGUMENTS_MAX: usize = 30;
/// Values of an argument that are named.
const VALUES_MAX: usize = 5;
/// Characters of the tags where nothing was found.
const TAGS_MAX: usize = 600;

/// Characters of the tools of one answer. The first is told whole, whatever its size.
const ANSWER_MAX: usize = 60_000;
/// Tags of one answer.
const GROUPS_MAX: usize = 1_000;

/// An answer.
pub(super) struct Told {
    pub(super) value: Value,
    pub(super) text: String,
}

/// How much is said of each tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Brief,
    Detailed,
    Full,
}

impl Detail {
    pub(super) fn of(text: Option<&str>) -> Self {
        match text {
            Some("detailed") => Self::Detailed,
            Some("full") => Self::Full,
            _ => Self::Brief,
        }
    }

    /// Most tools of one answer.
    pub(super) fn most(self) -> u64 {
        match self {
            Self::Brief => LIMIT_MAX,
            Self::Detailed => 20,
            Self::Full => 5,
        }
    }
}

/// One page of what was found.
pub(super) fn page(found: &[&Known], detail: Detail, offset: usize, limit: usize) -> Told {
    let page = found.iter().skip(offset).take(limit).copied();
    let (entries, mut lines) = fitting(page, detail);
    let next = offset.saturating_add(entries.len());
    let empty = entries.is_empty();
    let mut value = json!({ "tools": entries });
    if empty {
        lines.push(format!("no more: {} tools were found", found.len()));
    } else if next < found.len() {
        value["next_offset"] = next.into();
        lines.push(format!("more with offset {next}"));
    }
    Told {
        value,
        text: lines.join("\n"),
    }
}

/// All of some tools.
pub(super) fn described(found: &[&Known], unknown: &[String]) -> Told {
    let (entries, mut lines) = fitting(found.iter().copied(), Detail::Full);
    let rest: Vec<&str> = found
        .iter()
        .skip(entries.len())
        .map(|tool| tool.name.as_str())
        .collect();
    let mut value = json!({ "tools": entries });
    if !rest.is_empty() {
        value["rest"] = rest.as_slice().into();
        let names = quoted(&rest, ", ");
        lines.push(format!("too long for one answer: ask again for {names}"));
    }
    if !unknown.is_empty() {
        value["unknown"] = unknown.into();
        let names: Vec<&str> = unknown.iter().map(String::as_str).collect();
        lines.push(format!("no tool is called {}", quoted(&names, " or ")));
    }
    Told {
        value,
        text: lines.join("\n\n"),
    }
}

/// The entries and the texts of as many tools as one answer holds.
fn fitting<'a>(
    tools: impl Iterator<Item = &'a Known>,
    detail: Detail,
) -> (Vec<Value>, Vec<String>) {
    let (mut entries, mut lines) = (Vec::new(), Vec::new());
    let mut room = ANSWER_MAX;
    for tool in tools {
        let line = text(tool, detail);
        if line.len() > room && !lines.is_empty() {
            break;
        }
        room = room.saturating_sub(line.len());
        entries.push(entry(tool, detail));
        lines.push(line);
    }
    (entries, lines)
}

/// The tags, where nothing was asked.
pub(super) fn overview(groups: &[(String, usize)]) -> Told {
    let entries: Vec<Value> = groups
        .iter()
        .take(GROUPS_MAX)
        .map(|(tag, tools)| json!({"tag": tag, "tools": tools}))
        .collect();
    Told {
        value: json!({"tools": [], "tags": entries}),
        text: format!("tags: {}", tags(groups, ANSWER_MAX)),
    }
}

/// Nothing was found: what may be tried.
pub(super) fn nothing(
    query: Option<&str>,
    tag: Option<&str>,
    near: &[&str],
    groups: &[(String, usize)],
) -> Told {
    let mut text = "no tool".to_owned();
    if let Some(query) = query {
        text = format!("{text} fits `{}`", shown(query));
    }
    if let Some(tag) = tag {
        text = format!("{text} with the tag `{}`", shown(tag));
    }
    text.push_str("; try other words");
    if !near.is_empty() {
        text = format!("{text}, or {}", quoted(near, " or "));
    }
    if !groups.is_empty() {
        text = format!("{text}\ntags: {}", tags(groups, TAGS_MAX));
    }
    Told {
        value: json!({"tools": []}),
        text,
    }
}

/// `repos (204), issues (60)`, of at most `max` characters.
pub(super) fn tags(groups: &[(String, usize)], max: usize) -> String {
    let mut text = String::new();
    for (tag, tools) in groups {
        let separator = if text.is_empty() { "" } else { ", " };
        let next = format!("{separator}{tag} ({tools})");
        if text.chars().count() + next.chars().count() > max {
            return format!("{text}, \u{2026}");
        }
        text.push_str(&next);
    }
    text
}

/// Names between backquotes.
pub(super) fn quoted(names: &[&str], separator: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(separator)
}

fn entry(tool: &Known, detail: Detail) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), tool.name.as_str().into());
    entry.insert("effect".to_owned(), tool.effect.as_str().into());
    match detail {
        Detail::Brief => {
            entry.insert("summary".to_owned(), summary(tool).into());
        }
        Detail::Detailed => {
            entry.insert("summary".to_owned(), summary(tool).into());
            entry.insert("arguments".to_owned(), arguments(tool).into());
        }
        Detail::Full => {
            entry.insert("description".to_owned(), tool.description.as_str().into());
            let schema = Value::Object((*tool.input_schema).clone());
            entry.insert("input_schema".to_owned(), schema);
        }
    }
    Value::Object(entry)
}

fn text(tool: &Known, detail: Detail) -> String {
    let name = match tool.effect {
        Effect::Read => tool.name.clone(),
        other => format!("{} ({})", tool.name, other.as_str()),
    };
    match detail {
        Detail::Brief => format!("{name}: {}", summary(tool)),
        Detail::Detailed => format!(
            "{name}: {}\n  arguments: {}",
            summary(tool),
            arguments(tool)
        ),
        Detail::Full => {
            let schema = serde_json::to_string(&*tool.input_schema).unwrap_or_default();
            let call = Kind::calling(tool.effect).name();
            format!(
                "{name}: {}\ninput schema: {schema}\ncall it with {call}",
                tool.description
            )
        }
    }
}

/// One line on what a tool does.
fn summary(tool: &Known) -> String {
    let title = tool.title.as_deref().unwrap_or_default();
    let line = if title.is_empty() {
        tool.description.lines().next().unwrap_or_default()
    } else {
        title
    };
    if line.chars().count() <= LINE_MAX {
        return line.to_owned();
    }
    let head: String = line.chars().take(LINE_MAX - 1).collect();
    format!("{}\u{2026}", head.trim_end())
}

/// `owner: string, state?: "open"|"closed"`: the arguments, those that may be left out with `?`.
fn arguments(tool: &Known) -> String {
    let schema = &tool.input_schema;
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut all: Vec<String> = properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let optional = if is_required(name) { "" } else { "?" };
            format!("{name}{optional}: {}", kind(schema))
        })
        .collect();
    if all.len() > ARGUMENTS_MAX {
        all.truncate(ARGUMENTS_MAX);
        all.push("\u{2026}".to_owned());
    }
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

/// The type of an argument in a word, or its values where they are few.
fn kind(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array)
        && values.len() <= VALUES_MAX
    {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return values.join("|");
    }
    let one = |name: &str| match name {
        "array" => {
            let items = schema.get("items").map_or_else(|| "any".to_owned(), kind);
            format!("{items}[]")
        }
        other => other.to_owned(),
    };
    match schema.get("type") {
        Some(Value::String(name)) => one(name),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            names.map(one).collect::<Vec<_>>().join("|")
        }
        _ => "any".to_owned(),
    }
}
