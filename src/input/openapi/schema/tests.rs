//! Schemas of documents become JSON Schema 2020-12.

use super::super::Version;
use super::*;

fn read(version: Version, root: &Value) -> (Value, Map<String, Value>) {
    let doc = Doc::new(root, version);
    let mut diags = Diagnostics::default();
    let mut schemas = Schemas::new(&doc, &mut diags);
    let schema = schemas.read(&Node::root(root).get("s").unwrap()).unwrap();
    (schema, schemas.defs)
}

#[test]
fn openapi_3_0_becomes_2020_12() {
    for (schema, want) in [
        (
            json!({"type": "string", "nullable": true}),
            json!({"type": ["string", "null"]}),
        ),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}),
            json!({"type": "integer", "exclusiveMinimum": 1}),
        ),
        (
            json!({"type": "integer", "maximum": 9, "exclusiveMaximum": false}),
            json!({"type": "integer", "maximum": 9}),
        ),
        (
            json!({"type": "string", "example": "x"}),
            json!({"type": "string", "examples": ["x"]}),
        ),
        (
            json!({"type": "text", "minLength": -1, "x-y": 1, "xml": {}}),
            json!({}),
        ),
        (
            json!({"$ref": "#/t", "description": "ignored"}),
            json!({"type": "boolean"}),
        ),
        (
            json!({"type": "object", "required": ["a", "b"], "properties": {"a": {"readOnly": true}, "b": {}}}),
            json!({"type": "object", "properties": {"b": {}}, "required": ["b"]}),
        ),
        (
            json!({"nullable": true, "allOf": [{"$ref": "#/t"}]}),
            json!({"type": ["boolean", "null"]}),
        ),
    ] {
        let root = json!({"s": schema, "t": {"type": "boolean"}});
        assert_eq!(read(Version::V3_0, &root).0, want, "{schema}");
    }
}

#[test]
fn keywords_beside_a_reference_apply_in_3_1() {
    let root = json!({"s": {"$ref": "#/t", "description": "d"}, "t": {"type": "string"}});
    let want = json!({"description": "d", "type": "string"});
    assert_eq!(read(Version::V3_1, &root).0, want);
    let root = json!({
        "s": {"$ref": "#/t", "description": "d"}, "t": {"type": "string", "description": "t"}
    });
    assert_eq!(read(Version::V3_1, &root).0, want);
}

#[test]
fn a_cycle_becomes_a_definition() {
    let root = json!({
        "s": {"$ref": "#/n/Tree"},
        "n": {"Tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/n/Tree"}}}}}
    });
    let (schema, defs) = read(Version::V3_0, &root);
    assert_eq!(
        schema["properties"]["kids"]["items"],
        json!({"$ref": "#/$defs/Tree"})
    );
    assert_eq!(
        defs["Tree"]["properties"]["kids"]["items"],
        json!({"$ref": "#/$defs/Tree"})
    );
}

#[test]
fn a_chain_of_ten_thousand_references_is_no_deep_recursion() {
    let mut root = Map::new();
    root.insert("s".into(), json!({"$ref": "#/0"}));
    for i in 0..10_000 {
        root.insert(
            i.to_string(),
            json!({"properties": {"p": {"$ref": format!("#/{}", i + 1)}}}),
        );
    }
    root.insert("10000".into(), json!({"type": "string"}));
    let (_, defs) = read(Version::V3_1, &Value::Object(root));
    assert!(defs.len() > 9_000);
}

#[test]
fn a_discriminator_tags_its_alternatives() {
    let root = json!({
        "s": {
            "oneOf": [{"$ref": "#/k/Cat"}, {"$ref": "#/k/Dog"}],
            "discriminator": {"propertyName": "kind", "mapping": {"hound": "#/k/Dog"}}
        },
        "k": {
            "Cat": {"type": "object", "properties": {"kind": {"type": "string"}}},
            "Dog": {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}
        }
    });
    let (schema, _) = read(Version::V3_0, &root);
    assert_eq!(schema["oneOf"][0]["properties"]["kind"]["const"], "Cat");
    assert_eq!(schema["oneOf"][1]["properties"]["kind"]["const"], "hound");
    assert_eq!(schema["oneOf"][0]["required"], json!(["kind"]));
}

/// Everything refers to everything: 500 KB that would fill any memory.
#[test]
fn a_web_of_schemas_has_an_end() {
    let count = 1_000;
    let mut root = Map::new();
    for i in 0..count {
        let next = (0..6).map(|j| {
            let target = (i * 7 + j * 13 + 1) % count;
            (format!("p{j}"), json!({"$ref": format!("#/{target}")}))
        });
        let properties: Map<String, Value> = next.collect();
        root.insert(
            i.to_string(),
            json!({"type": "object", "properties": properties}),
        );
    }
    let root = Value::Object(root);
    let doc = Doc::new(&root, Version::V3_0);
    let mut diags = Diagnostics::default();
    let outcomes: Vec<bool> = (0..200)
        .map(|i| {
            let node = Node::root(&root).get(&i.to_string()).unwrap();
            Schemas::new(&doc, &mut diags).read(&node).is_ok()
        })
        .collect();
    assert!(outcomes[0] && !outcomes[199]);
    assert!(doc.schemas_read.get() < DOCUMENT_SCHEMAS + 10_000);
}
