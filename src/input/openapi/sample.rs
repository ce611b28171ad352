//! A sample of what an operation answers: the document's own example, else one made from the schema.
//! The same operation always gives the same sample.

use base64::Engine;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::node::{Doc, Node};
use crate::catalog::Sample;
use crate::runtime::media::{self, is_events, is_json, is_json_sequence};

/// Depth at which a made-up value ends.
const DEPTH_MAX: usize = 8;
/// Nodes of a made-up value.
const NODES_MAX: usize = 400;
/// Items of a made-up list, if its bounds allow.
const ITEMS: u64 = 2;

/// A grey PNG of one pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";

/// The sample of a success response: its first media type as ordered by `media_types`.
pub(super) fn of_response(
    doc: &Doc<'_>,
    label: &str,
    media_types: &[(String, Node<'_>)],
) -> Sample {
    let Some((media_type, content)) = media_types.first() else {
        return Sample::Empty;
    };
    let essence = media::essence(media_type);
    let example = example(doc, content);
    let mut maker = Maker {
        doc,
        seed: seed(label),
        nodes: 0,
    };
    if is_json(media_type) || essence == "*/*" {
        let made = || {
            let schema = content.get("schema");
            schema.map_or(Value::Null, |schema| maker.value(&schema, "", 0))
        };
        return Sample::Json(example.unwrap_or_else(made));
    }
    if is_json_sequence(media_type) || is_events(media_type) {
        match (example, content.get("itemSchema")) {
            (Some(list @ Value::Array(_)), _) => return Sample::Json(list),
            (None, Some(item)) => {
                let items = (0..ITEMS).map(|_| maker.value(&item, "", 0));
                return Sample::Json(items.collect());
            }
            (example, _) => {
                let text = example.map_or_else(String::new, |e| super::plain(&e));
                return Sample::Text {
                    mime: essence,
                    text,
                };
            }
        }
    }
    if essence.starts_with("text/") || essence.ends_with("xml") || essence.ends_with("yaml") {
        let text = example.map_or_else(|| format!("sample of {label}"), |e| super::plain(&e));
        return Sample::Text {
            mime: essence,
            text,
        };
    }
    let standard = base64::engine::general_purpose::STANDARD;
    let bytes = match example.as_ref().and_then(Value::as_str) {
        Some(text) => standard
            .decode(text)
            .unwrap_or_else(|_| text.as_bytes().to_vec()),
        None if essence.starts_with("image/") => standard.decode(PIXEL).unwrap_or_default(),
        None => format!("sample of {label}").into_bytes(),
    };
    let mime = if essence.starts_with("image/") && example.is_none() {
        "image/png".to_owned()
    } else {
        essence
    };
    Sample::Bytes { mime, bytes }
}

/// The example of a media type: `example`, the first of `examples`, the schema's own.
fn example(doc: &Doc<'_>, media: &Node<'_>) -> Option<Value> {
    let named = || {
        let (_, first) = media.get("examples")?.entries().next()?;
        doc.resolve(first).ok()?.get("value")
    };
    let of_schema = || {
        let schema = doc.resolve(media.get("schema")?).ok()?;
        schema
            .get("example")
            .or_else(|| schema.get("examples")?.items().next())
    };
    let found = media.get("example").or_else(named).or_else(of_schema)?;
    Some(found.value.clone())
}

fn seed(label: &str) -> u64 {
    let digest = Sha256::digest(label.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

/// Makes values from schemas.
struct Maker<'a, 'd> {
    doc: &'d Doc<'a>,
    seed: u64,
    nodes: usize,
}

impl<'a> Maker<'a, '_> {
    /// The next number of a fixed sequence (xorshift), below `limit`.
    fn next(&mut self, limit: u64) -> u64 {
        let mut x = self.seed | 1;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.seed = x;
        x.checked_rem(limit).unwrap_or_default()
    }

    fn value(&mut self, node: &Node<'a>, name: &str, depth: usize) -> Value {
        self.nodes += 1;
        let Ok(schema) = self.doc.resolve(node.clone()) else {
            return Value::Null;
        };
        if let Some(given) = given(&schema) {
            return given;
        }
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            return if schema.str("type") == Some("array") {
                json!([])
            } else {
                Value::Null
            };
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(key).and_then(|list| list.items().next()) {
                return self.value(&first, name, depth + 1);
            }
        }
        let kind = match schema.value.get("type") {
            Some(Value::String(one)) => one.as_str(),
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(Value::as_str)
                .find(|t| *t != "null")
                .unwrap_or("null"),
            _ if schema.get("properties").is_some() || schema.get("allOf").is_some() => "object",
            _ if schema.get("items").is_some() => "array",
            _ => "string",
        };
        match kind {
            "object" => {
                let mut object = Map::new();
                self.properties(&schema, depth, &mut object);
                Value::Object(object)
            }
            "array" => {
                let bound = |key: &str| schema.value.get(key).and_then(Value::as_u64);
                let count = ITEMS
                    .max(bound("minItems").unwrap_or(0))
                    .min(bound("maxItems").unwrap_or(ITEMS))
                    .min(10);
                let items = schema.get("items");
                (0..count)
                    .filter_map(|_| Some(self.value(items.as_ref()?, name, depth + 1)))
                    .collect()
            }
            "integer" | "number" => self.number(&schema),
            "boolean" => Value::Bool(self.next(2) == 1),
            "null" => Value::Null,
            _ => Value::String(self.text(&schema, name)),
        }
    }

    fn properties(&mut self, schema: &Node<'a>, depth: usize, out: &mut Map<String, Value>) {
        for part in schema.get("allOf").iter().flat_map(Node::items) {
            match self.doc.resolve(part) {
                Ok(part) if depth < DEPTH_MAX => self.properties(&part, depth + 1, out),
                _ => {}
            }
        }
        for (name, property) in schema.get("properties").iter().flat_map(Node::entries) {
            if !property.flag("writeOnly") {
                let value = self.value(&property, name, depth + 1);
                out.insert(name.to_owned(), value);
            }
        }
    }

    fn number(&mut self, schema: &Node<'a>) -> Value {
        let bound = |key: &str| schema.value.get(key).and_then(Value::as_i64);
        let low = bound("minimum")
            .or_else(|| bound("exclusiveMinimum").map(|n| n.saturating_add(1)))
            .unwrap_or(1);
        let high =
            bound("maximum").or_else(|| bound("exclusiveMaximum").map(|n| n.saturating_sub(1)));
        let high = high.unwrap_or(low.saturating_add(99)).max(low);
        let span = u64::try_from(high.saturating_sub(low))
            .unwrap_or(0)
            .saturating_add(1);
        let step = i64::try_from(self.next(span.min(100))).unwrap_or(0);
        json!(low.saturating_add(step))
    }

    fn text(&mut self, schema: &Node<'a>, name: &str) -> String {
        let number = self.next(1_000);
        let text = match schema.str("format") {
            Some("date-time") => format!("2026-01-{:02}T12:00:00Z", number % 28 + 1),
            Some("date") => format!("2026-01-{:02}", number % 28 + 1),
            Some("time") => format!("{:02}:30:00Z", number % 24),
            Some("uuid") => format!("00000000-0000-4000-8000-{number:012}"),
            Some("email") => format!("person{number}@example.com"),
            Some("uri" | "url") => format!("https://example.com/{number}"),
            Some("hostname") => format!("host{number}.example.com"),
            Some("ipv4") => format!("192.0.2.{}", number % 254 + 1),
            Some("ipv6") => format!("2001:db8::{:x}", number + 1),
            Some("byte") => "c2FtcGxl".to_owned(),
            _ if name.is_empty() => format!("text {number}"),
            _ => format!("{name} {number}"),
        };
        let bound = |key: &str| {
            schema
                .value
                .get(key)
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n).ok())
        };
        let min = bound("minLength").unwrap_or(0).min(1_000);
        let padded = format!(
            "{text}{}",
            "x".repeat(min.saturating_sub(text.chars().count()))
        );
        padded
            .chars()
            .take(bound("maxLength").unwrap_or(usize::MAX))
            .collect()
    }
}

/// The value that a schema gives itself.
fn given(schema: &Node<'_>) -> Option<Value> {
    let first = |key: &str| schema.get(key).and_then(|list| list.items().next());
    let found = schema
        .get("example")
        .or_else(|| first("examples"))
        .or_else(|| schema.get("const"))
        .or_else(|| schema.get("default"))
        .or_else(|| first("enum"))?;
    Some(found.value.clone())
}

#[cfg(test)]
mod tests {
    use super::super::Version;
    use super::*;

    #[test]
    fn samples_fit_their_schema_and_stay() {
        let schema = json!({
            "type": "object", "required": ["id", "tags"],
            "properties": {
                "id": {"type": "integer", "minimum": 10, "maximum": 12},
                "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "maxLength": 4}},
                "state": {"enum": ["open", "shut"]},
                "at": {"type": "string", "format": "date-time"},
                "self": {"$ref": "#"},
                "pin": {"type": "string", "writeOnly": true}
            }
        });
        let media = json!({"schema": {"$ref": "#/s"}});
        let mut root = schema.clone();
        root["s"] = schema.clone();
        let doc = Doc::new(&root, Version::V3_1);
        let types = [("application/json".to_owned(), Node::root(&media))];
        let Sample::Json(first) = of_response(&doc, "GET /a", &types) else {
            panic!("not JSON")
        };
        let Sample::Json(second) = of_response(&doc, "GET /a", &types) else {
            panic!("not JSON")
        };
        assert_eq!(first, second);
        assert!(
            (10..=12).contains(&first["id"].as_i64().unwrap()),
            "{first}"
        );
        assert_eq!(first["state"], "open");
        assert!(first.get("pin").is_none());
        assert!(first["tags"][0].as_str().unwrap().len() <= 4);
    }

    #[test]
    fn an_example_wins() {
        let media = json!({"examples": {"one": {"value": {"a": 1}}}, "schema": {"type": "string"}});
        let root = json!({});
        let doc = Doc::new(&root, Version::V3_0);
        let types = [("application/json".to_owned(), Node::root(&media))];
        assert_eq!(
            of_response(&doc, "x", &types),
            Sample::Json(json!({"a": 1}))
        );
    }
}
