//! Texts that hold a value: where the schema has no texts, and the text can be read in one way, it is
//! read. Nothing is lost: numbers keep all their digits.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::changes::Coerced;
use super::limits;
use super::number::is_integral;
use crate::runtime::pointer::{escape, unescape};

/// Schemas inside each other that are looked at for a type.
const DEPTH_MAX: usize = 16;

/// The types of arguments that are no texts.
pub(super) struct Types(BTreeMap<String, Vec<String>>);

impl Types {
    /// Of an input schema.
    pub(super) fn new(schema: &Map<String, Value>) -> Self {
        let properties = schema.get("properties").and_then(Value::as_object);
        let defs = schema.get("$defs").and_then(Value::as_object);
        let found = properties
            .into_iter()
            .flatten()
            .filter_map(|(name, schema)| {
                let types = types(schema, defs, DEPTH_MAX)?;
                let no_text = !types.is_empty() && !types.iter().any(|name| name == "string");
                no_text.then(|| (name.clone(), types))
            });
        Self(found.collect())
    }

    /// Reads the texts among arguments that mean a value.
    pub(super) fn coerce(&self, values: &mut Map<String, Value>) -> Vec<Coerced> {
        let mut coerced = Vec::new();
        for (name, value) in values.iter_mut() {
            let Value::String(text) = value else { continue };
            let Some(to) = self.0.get(name).and_then(|types| read(text, types)) else {
                continue;
            };
            let from = std::mem::replace(value, to.clone());
            coerced.push(Coerced {
                pointer: format!("/{}", escape(name)),
                from,
                to,
            });
        }
        coerced
    }
}

/// The value that a text holds, if it is of one of these types.
fn read(text: &str, types: &[String]) -> Option<Value> {
    let value = whole(text)?;
    let is = |name: &str| types.iter().any(|own| own == name);
    let fits = match &value {
        Value::Number(number) => is("number") || is("integer") && is_integral(number),
        Value::Bool(_) => is("boolean"),
        Value::Array(_) => is("array"),
        Value::Object(_) => is("object"),
        Value::Null | Value::String(_) => false,
    };
    fits.then_some(value)
}

/// The JSON value that a text is, with nothing around it.
pub(super) fn whole(text: &str) -> Option<Value> {
    if text.trim() != text {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    limits::findings(&value, 1).is_empty().then_some(value)
}

/// The types that a schema allows; `None` if that is not certain.
fn types(schema: &Value, defs: Option<&Map<String, Value>>, depth: usize) -> Option<Vec<String>> {
    let object = schema.as_object().filter(|_| depth > 0)?;
    match object.get("type") {
        Some(Value::String(one)) => return Some(vec![one.clone()]),
        Some(Value::Array(many)) => {
            let names = many.iter().filter_map(Value::as_str);
            return Some(names.map(str::to_owned).collect());
        }
        _ => {}
    }
    if let Some(Value::String(reference)) = object.get("$ref") {
        let name = reference.strip_prefix("#/$defs/")?;
        let target = defs?.get(&unescape(name))?;
        return types(target, defs, depth - 1);
    }
    if let Some(Value::Array(all)) = object.get("allOf") {
        return all.iter().find_map(|branch| types(branch, defs, depth - 1));
    }
    let key = ["anyOf", "oneOf"]
        .into_iter()
        .find(|key| object.contains_key(*key))?;
    let Some(Value::Array(some)) = object.get(key) else {
        return None;
    };
    // Each must be known: a string among them would be another reading.
    let each: Option<Vec<_>> = some
        .iter()
        .take(DEPTH_MAX)
        .map(|branch| types(branch, defs, depth - 1))
        .collect();
    (some.len() <= DEPTH_MAX).then_some(each?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_with_one_reading() {
        let schema = json!({
            "properties": {
                "i": {"type": "integer"}, "n": {"type": ["number", "null"]}, "b": {"type": "boolean"},
                "s": {"type": ["integer", "string"]}, "any": {}, "r": {"$ref": "#/$defs/O"},
                "l": {"anyOf": [{"type": "array"}, {"type": "null"}]},
                "t": {"oneOf": [{"type": "integer"}, {"const": "all"}]}, "loop": {"$ref": "#/$defs/Loop"},
            },
            "$defs": {"O": {"allOf": [{"type": "object"}]}, "Loop": {"$ref": "#/$defs/Loop"}},
        });
        let types = Types::new(schema.as_object().unwrap());
        for (name, text, want) in [
            ("i", "5", Some("5")),
            ("i", "5.0", Some("5.0")),
            ("i", "-0", Some("-0")),
            ("i", "9007199254740993", Some("9007199254740993")),
            ("i", "1E3", Some("1e+3")),
            ("i", "5.5", None),
            ("i", " 5", None),
            ("i", "05", None),
            ("i", "+5", None),
            ("i", "0x5", None),
            ("i", "", None),
            ("i", "true", None),
            ("i", "1e9999", None),
            ("i", "[5]", None),
            ("n", "0.10", Some("0.10")),
            ("n", "NaN", None),
            ("n", "null", None),
            ("b", "true", Some("true")),
            ("b", "True", None),
            ("b", "1", None),
            ("s", "5", None),
            ("any", "5", None),
            ("t", "5", None),
            ("loop", "5", None),
            ("r", r#"{"a":[1]}"#, Some(r#"{"a":[1]}"#)),
            ("r", r#"{"__proto__":1}"#, None),
            ("r", "[1]", None),
            ("l", "[1,2]", Some("[1,2]")),
            ("l", "1,2", None),
            ("unknown", "5", None),
        ] {
            let mut values = Map::from_iter([(name.to_owned(), json!(text))]);
            let coerced = types.coerce(&mut values);
            let got = coerced.first().map(|c| c.to.to_string());
            assert_eq!(got.as_deref(), want, "{name} {text}");
            let left = values.get(name).unwrap();
            assert_eq!(
                left.to_string(),
                want.map_or(json!(text).to_string(), str::to_owned)
            );
        }
        let deep = "[".repeat(100_000);
        let mut values = Map::from_iter([("l".to_owned(), json!(deep))]);
        assert!(types.coerce(&mut values).is_empty());
    }
}
