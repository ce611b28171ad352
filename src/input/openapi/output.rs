//! What comes back: the success response's media types and a lenient schema of its JSON.
//!
//! Clients refuse a result that does not match the advertised schema after the call has happened, so
//! the schema only says which properties to expect and of which type: nothing is required, closed,
//! bounded or enumerated, and everything may be null. (Where an object is closed the Catalog says so; that
//! is not advertised.) Below a budget of nodes it is cut off with `{}`,
//! which accepts anything.

use serde_json::{Map, Value, json};

use super::node::{Doc, Node, Place};
use crate::catalog::Output;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::runtime::media::{is_events, is_json, is_json_sequence};

/// Most nodes of one output schema: what is told of results should not outweigh the rest of a tool.
const NODES_MAX: usize = 50;
/// Levels of properties that are tried, most first, until the schema is within its budget.
const LEVELS: [usize; 3] = [4, 3, 2];
/// Levels of lists and references on the way, whatever their kind.
const HEIGHT_MAX: usize = 16;

/// Reads the responses of an operation; with a label, a sample of success is made too.
pub(super) fn read(
    doc: &Doc<'_>,
    operation: &Node<'_>,
    label: Option<&str>,
    diags: &mut Diagnostics,
) -> Output {
    let Some(responses) = operation.get("responses") else {
        let message = "the operation declares no responses; its results are passed on as they come";
        let found = Diagnostic::new(Code::NoResponses, operation.loc(), message);
        diags.push(found.help("declare them, and the agent is told what comes back"));
        return Output::default();
    };
    let Some(response) = success(&responses) else {
        return Output::default();
    };
    let response = match doc.resolve(response) {
        Ok(response) => response,
        Err(mut found) => {
            found.message += "; results are passed on as they come";
            diags.push(*found);
            return Output::default();
        }
    };
    let description = response.str("description").map(str::to_owned);
    let mut media_types: Vec<(String, Node<'_>)> = response
        .get("content")
        .iter()
        .flat_map(Node::entries)
        .map(|(name, media)| (name.to_owned(), doc.resolve(media.clone()).unwrap_or(media)))
        .collect();
    media_types.sort_by_key(|(name, _)| !is_json(name));
    let schema = media_types
        .first()
        .and_then(|(name, media)| schema(doc, name, media, diags));
    if let Some((name, media)) = media_types.first().filter(|(name, _)| is_events(name)) {
        let message =
            format!("the answer is {name}, which may not end: it is collected up to a bound");
        let found = Diagnostic::new(Code::EventStream, media.loc(), message);
        diags.push(found.help("events that come until then are passed on as a list"));
    }
    let sample = label.map(|label| super::sample::of_response(doc, label, &media_types));
    Output {
        sample: sample.unwrap_or_default(),
        media_types: media_types.into_iter().map(|(name, _)| name).collect(),
        schema,
        description,
    }
}

/// The lenient schema of what a media type becomes: JSON, or a list of the items of a stream.
fn schema(doc: &Doc<'_>, name: &str, media: &Node<'_>, diags: &mut Diagnostics) -> Option<Value> {
    if is_json(name) {
        return Some(lenient(doc, &media.get("schema")?, diags));
    }
    if !is_json_sequence(name) && !is_events(name) {
        return None;
    }
    let item = media.get("itemSchema")?;
    let mut schema = lenient(doc, &item, diags);
    if is_events(name) {
        data(doc, &item, &mut schema, diags);
    }
    let mut list = Map::new();
    list.insert("type".into(), json!(["array", "null"]));
    if schema != json!({}) {
        list.insert("items".into(), schema);
    }
    Some(Value::Object(list))
}

/// The data of an event are told as the JSON that they hold (OpenAPI 3.2.0 §4.14.3, "Special
/// Considerations for Server-Sent Events"); some events have other text.
fn data(doc: &Doc<'_>, item: &Node<'_>, schema: &mut Value, diags: &mut Diagnostics) {
    let item = doc.resolve(item.clone()).ok();
    let declared = item.and_then(|item| doc.resolve(item.get("properties")?.get("data")?).ok());
    let content = declared.and_then(|data| data.get("contentSchema"));
    let Some(data) = schema.pointer_mut("/properties/data") else {
        return;
    };
    if let Some(content) = content {
        *data = lenient(doc, &content, diags);
    }
    let types = data.get_mut("type").and_then(Value::as_array_mut);
    if let Some(types) = types.filter(|types| !types.contains(&json!("string"))) {
        types.push("string".into());
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

/// The lenient form of a schema, cut where it gets too large. Of a flat object with more properties
/// than the budget has nodes, the first ones are told.
fn lenient(doc: &Doc<'_>, node: &Node<'_>, diags: &mut Diagnostics) -> Value {
    let mut over = false;
    for levels in LEVELS.into_iter().chain([1]) {
        let mut shape = Shape::new(doc);
        let schema = shape.read(node, levels);
        if shape.over && levels > 1 {
            over = true;
            continue;
        }
        let why = match (over || shape.over || shape.deep, shape.alternatives) {
            (false, false) => return schema,
            (true, false) => "what is nested deep or too much",
            (false, true) => "what has alternatives",
            (true, true) => "what is nested deep or too much, and what has alternatives",
        };
        let message = format!("the output schema does not tell {why}");
        let found = Diagnostic::new(Code::OutputShortened, node.loc(), message);
        diags.push(found.help("results are passed on whole all the same"));
        return schema;
    }
    json!({})
}

struct Shape<'a, 'd> {
    doc: &'d Doc<'a>,
    left: usize,
    /// Whether the budget did not suffice; what came too late is not told.
    over: bool,
    /// Whether there is more below the levels that are told.
    deep: bool,
    /// Whether something has alternatives, of which nothing is told.
    alternatives: bool,
    /// Places of the schemas that are being read, outermost first.
    active: Vec<Place>,
}

impl<'a, 'd> Shape<'a, 'd> {
    fn new(doc: &'d Doc<'a>) -> Self {
        Self {
            doc,
            left: NODES_MAX,
            over: false,
            deep: false,
            alternatives: false,
            active: Vec::new(),
        }
    }

    /// `levels` is how many levels of properties are told. What repeats itself is told once.
    fn read(&mut self, node: &Node<'a>, levels: usize) -> Value {
        let Ok(node) = self.doc.resolve(node.clone()) else {
            return json!({});
        };
        if !self.enter(&node) {
            return json!({});
        }
        let schema = self.told(&node, levels);
        self.active.pop();
        schema
    }

    /// Pays for a schema; `false` if it is not to be read.
    fn enter(&mut self, node: &Node<'a>) -> bool {
        if self.left == 0 {
            self.over = true;
            return false;
        }
        self.left -= 1;
        let place = node.place();
        let enters = self.active.len() < HEIGHT_MAX && !self.active.contains(&place);
        if enters {
            self.active.push(place);
        }
        enters
    }

    fn told(&mut self, node: &Node<'a>, levels: usize) -> Value {
        let mut out = Map::new();
        if let Some(types) = types(node) {
            out.insert("type".into(), types);
        }
        let mut properties = Map::new();
        if !self.properties(node, levels, &mut properties) {
            return json!({});
        }
        let all_told = levels > 0 && !self.over && node.get("allOf").is_none();
        if node
            .get("additionalProperties")
            .is_some_and(|n| *n.value == Value::Bool(false))
            && all_told
        {
            out.insert("additionalProperties".into(), false.into());
        }
        if !properties.is_empty() {
            out.entry("type")
                .or_insert_with(|| json!(["object", "null"]));
            out.insert("properties".into(), Value::Object(properties));
        }
        if let Some(items) = node.get("items") {
            let items = self.read(&items, levels);
            if items.as_object().is_some_and(|items| !items.is_empty()) {
                out.insert("items".into(), items);
            }
        }
        Value::Object(out)
    }

    /// Gathers the properties of the schema and its `allOf` parts. `false`: alternatives make the
    /// shape unknowable.
    fn properties(&mut self, node: &Node<'a>, levels: usize, out: &mut Map<String, Value>) -> bool {
        if ["oneOf", "anyOf", "not", "if"]
            .iter()
            .any(|key| node.get(key).is_some())
        {
            self.alternatives = true;
            return false;
        }
        let properties = node.get("properties");
        self.deep |= properties.is_some() && levels == 0;
        let properties = properties.filter(|_| levels > 0);
        for (name, schema) in properties.iter().flat_map(Node::entries) {
            if schema.flag("writeOnly") {
                continue;
            }
            if self.left == 0 {
                self.over = true;
                break;
            }
            let mut schema = self.read(&schema, levels - 1);
            if schema == json!({"type": ["string", "null"]}) {
                // Most properties are text, and their names say what kind: a quarter of all that
                // tools cost, for nothing that a reader of the result does not see.
                schema = json!({});
            }
            match out.get(name) {
                // Two parts that disagree: anything is accepted.
                Some(other) if other != &schema => out.insert(name.to_owned(), json!({})),
                _ => out.insert(name.to_owned(), schema),
            };
        }
        let Some(all) = node.get("allOf") else {
            return true;
        };
        all.items().all(|part| {
            let Ok(part) = self.doc.resolve(part) else {
                return false;
            };
            // A part that is being read already adds nothing.
            if !self.enter(&part) {
                return true;
            }
            let known = self.properties(&part, levels, out);
            self.active.pop();
            known
        })
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
        let mut root = json!({
            "t": {"type": "object", "properties": {"again": {"$ref": "#/t"}, "n": {"type": "integer", "minimum": 3}}},
            "big": {"type": "object", "properties": (0..200).map(|i| (format!("p{i}"), json!({}))).collect::<Map<_, _>>()},
        });
        let wide = json!({"type": "object", "properties": (0..10).map(|i| (format!("q{i}"), json!({}))).collect::<Map<_, _>>()});
        root["deep"] = json!({"properties": (0..10).map(|i| (format!("p{i}"), wide.clone())).collect::<Map<_, _>>()});
        root["doubling"] = json!({"$ref": "#/d0"});
        for i in 0..30 {
            let next = json!({"$ref": format!("#/d{}", i + 1)});
            root[format!("d{i}")] = json!({"allOf": [next, next]});
        }
        root["d30"] = json!({});
        let doc = Doc::new(&root, Version::V3_0);
        for (schema, want) in [
            (
                json!({"type": "object", "required": ["a"], "additionalProperties": false,
                       "properties": {"a": {"type": "string", "enum": ["x"]}, "b": {"writeOnly": true}}}),
                json!({"type": ["object", "null"], "additionalProperties": false, "properties": {"a": {}}}),
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
            (
                json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
                json!({}),
            ),
        ] {
            let node = Node::root(&schema);
            let found = lenient(&doc, &node, &mut Diagnostics::default());
            assert_eq!(found, want, "{schema}");
        }
        let told = |key: &str| {
            let node = Node::root(&root).get(key).unwrap();
            lenient(&doc, &node, &mut Diagnostics::default())
        };
        let cyclic = json!({
            "type": ["object", "null"],
            "properties": {"again": {}, "n": {"type": ["integer", "null"]}}
        });
        assert_eq!(told("t"), cyclic);
        let properties = |schema: &Value| schema["properties"].as_object().unwrap().len();
        assert_eq!(properties(&told("big")), NODES_MAX - 1);
        let deep = told("deep");
        assert_eq!(
            properties(&deep),
            10,
            "all of the first level come before the second"
        );
        assert_eq!(
            deep["properties"]["p0"],
            json!({"type": ["object", "null"]})
        );
        assert_eq!(told("doubling"), json!({}));
    }
}
