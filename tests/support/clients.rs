//! What the APIs of models refuse, written down from what they answer and document, apart from the
//! compiler's own rules.

use mcpgen::runtime::manifest::Manifest;
use serde_json::{Map, Value, json};

/// Everything that an API may refuse in the tools of a Manifest: `tool: what`. `all` asks for the rules
/// of every client, else only for those that all of them share.
pub(crate) fn refused(manifest: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    for tool in &manifest.tools {
        let mut say = |what: String| found.push(format!("{}: {what}", tool.name));
        // Claude Code: `mcp__server__tool`, and 64 characters for the whole.
        let whole = format!("mcp__{}__{}", tool.source, tool.name);
        if whole.len() > 64 {
            say(format!("{whole} has {} characters", whole.len()));
        }
        let mut name = tool.name.chars();
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !name.next().is_some_and(letter) || !name.all(|c| letter(c) || c.is_ascii_digit()) {
            say("the name is not of letters, digits and `_`".into());
        }
        let root = &tool.input_schema;
        if root.get("type") != Some(&json!("object")) {
            say("the root is no object".into());
        }
        for keyword in ["oneOf", "anyOf", "allOf", "enum", "not", "if", "$ref"] {
            if root.contains_key(keyword) {
                say(format!("`{keyword}` at the root"));
            }
        }
        for name in keys(root, "properties") {
            let good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            if !(1..=64).contains(&name.len()) || !name.chars().all(good) {
                say(format!("the argument {name:?}"));
            }
        }
        schema(root, "", &mut say);
    }
    found
}

fn keys<'a>(schema: &'a Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'a String> {
    let map = schema.get(keyword).and_then(Value::as_object);
    map.into_iter().flat_map(Map::keys)
}

fn schema(schema: &Map<String, Value>, at: &str, say: &mut impl FnMut(String)) {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let pattern = schema.get("pattern").and_then(Value::as_str);
    for pattern in pattern
        .into_iter()
        .chain(keys(schema, "patternProperties").map(String::as_str))
    {
        let odd = [
            "(?=", "(?!", "(?<", "(?P", "(?i", r"\p", r"\P", r"\k", r"\u{", r"\1", r"\2",
        ];
        if odd.iter().any(|part| pattern.contains(part)) {
            say(format!("{at}: the pattern {pattern}"));
        }
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let mut texts: Vec<String> = values.iter().map(Value::to_string).collect();
        texts.sort();
        texts.dedup();
        if texts.len() < values.len() {
            say(format!("{at}: a value of the enum twice"));
        }
        if values.iter().any(|v| v.as_str().is_none_or(str::is_empty)) {
            say(format!("{at}: a value of the enum that is no text"));
        }
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        let numeric = types.contains(&"integer") || types.contains(&"number");
        if !numeric && !["date-time", "enum"].contains(&format) {
            say(format!("{at}: the format {format}"));
        }
    }
    if types.contains(&"array") && !schema.contains_key("items") {
        say(format!("{at}: an array without items"));
    }
    for (keyword, value) in schema {
        let at = format!("{at}/{keyword}");
        let mut child = |at: String, value: &Value| match value {
            Value::Object(object) => self::schema(object, &at, say),
            _ => say(format!("{at}: no object")),
        };
        match (keyword.as_str(), value) {
            (
                "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems",
                Value::Bool(_),
            ) => {}
            (
                "properties" | "$defs" | "patternProperties" | "dependentSchemas",
                Value::Object(map),
            ) => {
                for (name, value) in map {
                    child(format!("{at}/{name}"), value);
                }
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                for (index, value) in list.iter().enumerate() {
                    child(format!("{at}/{index}"), value);
                }
            }
            ("items", value) => {
                child(at.clone(), value);
                if value.get("type").is_some_and(Value::is_array) {
                    say(format!("{at}: several types"));
                }
            }
            (
                "additionalProperties"
                | "unevaluatedProperties"
                | "unevaluatedItems"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames",
                value,
            ) => child(at, value),
            _ => {}
        }
    }
}
