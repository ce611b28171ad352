//! What comes back: the success response's media types and a lenient schema of its JSON.
//!
//! Clients refuse a result that does not match the advertised schema after the call has happened, so
//! the schema only says which properties to expect and of which type: nothing is required, closed,
//! bounded or enumerated, and everything may be null. Below a budget of nodes it is cut off with `{}`,
//! which accepts anything.

use serde_json::{Map, Value, json};

use super::node::{Doc, Node};
use crate::catalog::Output;
use crate::diag::{Code, Diagnostic, Diagnostics};

/// Most nodes of one output schema.
const NODES_MAX: usize = 100;
/// Depths that are tried, deepest first, until the schema is within its budget.
const DEPTHS: [usize; 5] = [7, 5, 4, 3, 2];

/// Reads the responses of an operation; with a label, a sample of success is made too.
pub(super) fn read(
    doc: &Doc<'_>,
    operation: &Node<'_>,
    label: Option<&str>,
    diags: &mut Diagnostics,
) -> Output {
    let Some(responses) = operation.get("responses") else {
        let message = "the operation declares no responses; its results are passed on as they come";
        diags.push(Diagnostic::new(Code::NoResponses, operation.loc(), message));
        return Output::default();
    };
    let Some(response) = success(&responses) else {
        return Output::default();
    };
    let response = match doc.resolve(response) {
        Ok(response) => response,
        Err(found) => {
            diags.push(*found);
            return Output::default();
        }
    };
    let description = response.str("description").map(str::to_owned);
    let mut media_types: Vec<(String, Node<'_>)> = response
        .get("content")
        .iter()
        .flat_map(Node::entries)
        .map(|(name, media)| (name.to_owned(), media))
        .collect();
    media_types.sort_by_key(|(name, _)| !super::body::is_json(name));
    let schema = media_types
        .first()
        .filter(|(name, _)| super::body::is_json(name))
        .and_then(|(_, media)| media.get("schema"))
        .map(|schema| lenient(doc, &schema));
    let sample = label.map(|label| super::sample::of_response(doc, label, &media_types));
    Output {
        sample: sample.unwrap_or_default(),
        media_types: media_types.into_iter().map(|(name, _)| name).collect(),
        schema,
        description,
    }
}

/// The response that says how success looks: 200, 201, 202, any 2xx, the range, `default`.
fn success<'a>(responses: &Node<'a>) -> Option<Node<'a>> {
    ["200", "201", "202", "203"]
        .iter()
        .find_map(|status| responses.get(status))
        .or_else(|| {
            responses
                .entries()
                .find(|(key, _)| key.starts_with('2'))
                .map(|(_, node)| node)
        })
        .or_else(|| responses.get("default"))
}

/// The lenient form of a schema, cut where it gets too large.
fn lenient(doc: &Doc<'_>, schema: &Node<'_>) -> Value {
    for depth in DEPTHS {
        let mut shape = Shape {
            doc,
            left: NODES_MAX,
        };
        if let Some(schema) = shape.read(schema, depth) {
            return schema;
        }
    }
    json!({})
}

struct Shape<'a, 'd> {
    doc: &'d Doc<'a>,
    left: usize,
}

impl<'a> Shape<'a, '_> {
    /// `None` if the budget is used up. `depth` bounds cycles.
    fn read(&mut self, node: &Node<'a>, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        let Ok(node) = self.doc.resolve(node.clone()) else {
            return Some(json!({}));
        };
        if depth == 0 {
            return Some(json!({}));
        }
        let types = types(&node);
        let mut out = Map::new();
        if let Some(types) = types {
            out.insert("type".into(), types);
        }
        let mut properties = Map::new();
        if !self.properties(&node, depth, &mut properties)? {
            return Some(json!({}));
        }
        if !properties.is_empty() {
            out.entry("type")
                .or_insert_with(|| json!(["object", "null"]));
            out.insert("properties".into(), Value::Object(properties));
        }
        if let Some(items) = node.get("items") {
            let items = self.read(&items, depth - 1)?;
            if items.as_object().is_some_and(|items| !items.is_empty()) {
                out.insert("items".into(), items);
            }
        }
        Some(Value::Object(out))
    }

    /// Gathers the properties of the schema and its `allOf` parts. `Some(false)`: alternatives make
    /// the shape unknowable.
    fn properties(
        &mut self,
        node: &Node<'a>,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Option<bool> {
        if ["oneOf", "anyOf", "not", "if"]
            .iter()
            .any(|key| node.get(key).is_some())
        {
            return Some(false);
        }
        if let Some(properties) = node.get("properties") {
            for (name, schema) in properties.entries() {
                if schema.flag("writeOnly") {
                    continue;
                }
                let schema = self.read(&schema, depth - 1)?;
                match out.get(name) {
                    // Two parts that disagree: anything is accepted.
                    Some(other) if other != &schema => out.insert(name.to_owned(), json!({})),
                    _ => out.insert(name.to_owned(), schema),
                };
            }
        }
        if let Some(all) = node.get("allOf") {
            for part in all.items() {
                let Ok(part) = self.doc.resolve(part) else {
                    return Some(false);
                };
                if depth == 1 || !self.properties(&part, depth - 1, out)? {
                    return Some(false);
                }
            }
        }
        Some(true)
    }
}

/// The declared types and `null`; none if the schema leaves them open.
fn types(node: &Node<'_>) -> Option<Value> {
    let mut types: Vec<&str> = match node.value.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let known = [
        "object", "array", "string", "number", "integer", "boolean", "null",
    ];
    if types.is_empty() || !types.iter().all(|t| known.contains(t)) {
        return None;
    }
    if !types.contains(&"null") {
        types.push("null");
    }
    Some(json!(types))
}

#[cfg(test)]
mod tests {
    use super::super::Version;
    use super::*;

    #[test]
    fn schemas_become_lenient() {
        let root = json!({
            "t": {"type": "object", "properties": {"again": {"$ref": "#/t"}, "n": {"type": "integer", "minimum": 3}}},
            "big": {"type": "object", "properties": (0..200).map(|i| (format!("p{i}"), json!({}))).collect::<Map<_, _>>()},
        });
        let doc = Doc {
            root: &root,
            version: Version::V3_0,
        };
        for (schema, want) in [
            (
                json!({"type": "object", "required": ["a"], "additionalProperties": false,
                       "properties": {"a": {"type": "string", "enum": ["x"]}, "b": {"writeOnly": true}}}),
                json!({"type": ["object", "null"], "properties": {"a": {"type": ["string", "null"]}}}),
            ),
            (
                json!({"type": "array", "items": {"type": "integer"}}),
                json!({"type": ["array", "null"], "items": {"type": ["integer", "null"]}}),
            ),
            (
                json!({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "number"}}}]}),
                json!({"type": ["object", "null"], "properties": {"a": {}}}),
            ),
            (json!({"oneOf": [{"type": "string"}]}), json!({})),
            (json!({"$ref": "#/big"}), json!({})),
        ] {
            let node = Node {
                value: &schema,
                pointer: String::new(),
            };
            assert_eq!(lenient(&doc, &node), want, "{schema}");
        }
        let cyclic = lenient(&doc, &Node::root(&root).get("t").unwrap());
        assert_eq!(
            cyclic["properties"]["again"]["properties"]["n"]["type"],
            json!(["integer", "null"])
        );
    }
}
