//! What the lint says of documents.

use serde_json::json;

use super::*;

/// Code and place of everything that is found in a document.
fn found(document: &Value) -> Vec<String> {
    let mut diags = Diagnostics::default();
    lint(document, None, &mut diags);
    let said = diags.iter().map(|found| {
        let loc = found.loc.clone().unwrap();
        assert!(document.pointer(&loc.pointer).is_some(), "{loc:?}");
        format!("{} {}", found.code.as_str(), loc.pointer)
    });
    said.collect()
}

/// A document that has what every document has, too.
fn whole(part: &Value) -> Value {
    let mut whole = Kind::Document.least();
    for (key, value) in part.as_object().unwrap() {
        whole[key] = value.clone();
    }
    whole
}

/// Everything that 3.0 has, in its place: nothing is said of it.
#[test]
fn what_is_right() {
    let schema = json!({
        "type": "object", "required": ["a"], "minProperties": 1, "nullable": true, "default": [1],
        "properties": {"a": {"type": "integer", "minimum": 0, "exclusiveMinimum": true, "enum": [1, null]}},
        "additionalProperties": false, "allOf": [{"$ref": "#/x"}], "not": {"items": {}},
        "discriminator": {"propertyName": "a", "mapping": {"x": "#/x"}},
        "externalDocs": {"url": "/"}, "example": {"$ref": 5}, "x-any": [[]],
    });
    let content = json!({"text/x": {"schema": schema, "examples": {"a": {"value": [1]}},
        "encoding": {"a": {"contentType": "text/x", "headers": {"x-b": {"schema": {}}}}}}});
    let document = json!({
        "openapi": "3.0.4",
        "info": {"title": "t", "version": "1", "license": {"name": "n"}},
        "servers": [{"url": "/", "variables": {"v": {"default": "d", "enum": ["d"]}}}],
        "tags": [{"name": "t"}],
        "security": [{"s": []}, {}],
        "paths": {
            "x-paths": 5,
            "/a": {"get": {
                "parameters": [
                    {"$ref": "#/x"},
                    {"name": "a", "in": "query", "schema": schema, "allowReserved": true, "style": "deepObject"},
                    {"name": "a", "in": "path", "required": true, "content": content, "style": "label"},
                    {"name": "a", "in": "cookie", "schema": {}, "explode": false},
                ],
                "requestBody": {"content": content, "required": true},
                "responses": {"x-r": 1, "2XX": {"$ref": "#/x"}, "default": {"description": "d", "content": content,
                    "headers": {"x-h": {"schema": {}}}, "links": {"l": {"operationId": "o", "parameters": {"a": 5}}}}},
                "callbacks": {"c": {"$ref": "#/x"}, "d": {"{$request.body#/url}": {"post": {"responses": {}}}, "x-c": 1}},
            }},
            "/b": {"$ref": "#/x"},
        },
        "components": {"securitySchemes": {
            "k": {"type": "apiKey", "name": "n", "in": "cookie"},
            "o": {"type": "oauth2", "flows": {"password": {"tokenUrl": "/", "scopes": {}}}},
            "c": {"type": "openIdConnect", "openIdConnectUrl": "/"},
        }},
    });
    assert_eq!(found(&document), Vec::<String>::new());
}

/// One thing that is wrong, in each kind of object; the place is its own.
#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn what_is_wrong() {
    let right = json!({
        "openapi": "3.0.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "/"}],
        "paths": {"/a": {"get": {
            "parameters": [{"name": "a", "in": "query", "schema": {}}],
            "requestBody": {"content": {"a/b": {"schema": {"properties": {"p": {"items": {}}}}, "encoding": {"p": {}}}}},
            "responses": {"200": {"description": "d", "links": {"l": {"operationId": "o"}}, "headers": {"h": {"schema": {}}}}},
            "callbacks": {"c": {"/": {}}},
        }}},
        "components": {
            "schemas": {"S": {"allOf": [{}]}},
            "examples": {"E": {"value": 1}},
            "securitySchemes": {"k": {"type": "apiKey", "name": "n", "in": "header"}},
        },
    });
    assert_eq!(found(&right), Vec::<String>::new());
    let get = "/paths/~1a/get";
    let media = "/paths/~1a/get/requestBody/content/a~1b";
    for (owner, key, value, want) in [
        (String::new(), "info", json!(1), "MG152 /info"),
        (String::new(), "tags", json!({}), "MG152 /tags"),
        (
            String::new(),
            "components",
            json!({"links": 1}),
            "MG152 /components/links",
        ),
        ("/info".into(), "version", json!(1), "MG152 /info/version"),
        (
            "/servers/0".into(),
            "url",
            json!(null),
            "MG152 /servers/0/url",
        ),
        ("/paths".into(), "/a", json!([]), "MG150 /paths/~1a"),
        (
            "/paths/~1a".into(),
            "summary",
            json!(1),
            "MG150 /paths/~1a/summary",
        ),
        (
            "/paths/~1a".into(),
            "servers",
            json!({}),
            "MG150 /paths/~1a/servers",
        ),
        (
            get.into(),
            "deprecated",
            json!("no"),
            "MG150 /paths/~1a/get/deprecated",
        ),
        (get.into(), "tags", json!([1]), "MG150 /paths/~1a/get/tags"),
        (
            format!("{get}/parameters/0"),
            "in",
            json!("body"),
            "MG150 /paths/~1a/get/parameters/0/in",
        ),
        (
            format!("{get}/parameters/0"),
            "style",
            json!("label"),
            "MG150 /paths/~1a/get/parameters/0/style",
        ),
        (
            format!("{get}/responses"),
            "200",
            json!({}),
            "MG150 /paths/~1a/get/responses/200",
        ),
        (
            format!("{get}/responses/200/links"),
            "l",
            json!({}),
            "MG150 /paths/~1a/get/responses/200/links/l",
        ),
        (
            format!("{get}/responses/200/headers"),
            "h",
            json!({}),
            "MG150 /paths/~1a/get/responses/200/headers/h",
        ),
        (
            format!("{get}/callbacks/c"),
            "/",
            json!(1),
            "MG150 /paths/~1a/get/callbacks/c/~1",
        ),
        (
            format!("{media}/schema/properties/p"),
            "items",
            json!([{}]),
            "MG150 /paths/~1a/get/requestBody/content/a~1b/schema/properties/p/items",
        ),
        (
            format!("{media}/schema/properties/p"),
            "maxLength",
            json!(-1),
            "MG150 /paths/~1a/get/requestBody/content/a~1b/schema/properties/p/maxLength",
        ),
        (
            format!("{media}/encoding/p"),
            "explode",
            json!(1),
            "MG150 /paths/~1a/get/requestBody/content/a~1b/encoding/p/explode",
        ),
        (
            "/components/schemas/S".into(),
            "type",
            json!(["string", "null"]),
            "MG151 /components/schemas/S/type",
        ),
        (
            "/components/schemas/S/allOf/0".into(),
            "exclusiveMinimum",
            json!(0),
            "MG151 /components/schemas/S/allOf/0/exclusiveMinimum",
        ),
        (
            "/components/schemas/S".into(),
            "properties",
            json!([]),
            "MG151 /components/schemas/S/properties",
        ),
        (
            "/components/schemas".into(),
            "T",
            json!(true),
            "MG151 /components/schemas/T",
        ),
        (
            "/components/examples/E".into(),
            "summary",
            json!({}),
            "MG151 /components/examples/E/summary",
        ),
        (
            "/components/securitySchemes/k".into(),
            "in",
            json!("body"),
            "MG151 /components/securitySchemes/k/in",
        ),
        (
            "/components/securitySchemes".into(),
            "k",
            json!({"type": "basic"}),
            "MG151 /components/securitySchemes/k/type",
        ),
        (
            "/components/securitySchemes".into(),
            "k",
            json!({"type": "http"}),
            "MG151 /components/securitySchemes/k",
        ),
    ] {
        let mut document = right.clone();
        let object = document.pointer_mut(&owner).unwrap();
        object.as_object_mut().unwrap().insert(key.into(), value);
        assert_eq!(found(&document), [want], "{owner}/{key}");
    }
}

/// What is wrong in one path item hides nothing of another, and a document full of it is no flood.
#[test]
fn each_is_heard_and_none_floods() {
    let wrong = json!({"get": {"responses": {"200": {}}}});
    let full: Map<String, Value> = (200..300)
        .map(|code| (code.to_string(), json!({})))
        .collect();
    let document = json!({"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": {
        "/full": {"get": {"responses": full}}, "/a": wrong, "/b": wrong,
    }});
    let said = found(&document);
    assert_eq!(said.len(), 5 + 2 + 1);
    assert_eq!(said[5], "MG150 /paths/~1a/get/responses/200");
    assert_eq!(said[7], "MG152 ");
    let paths: Map<String, Value> = (0..1_000)
        .map(|i| (format!("/{i}"), wrong.clone()))
        .collect();
    assert_eq!(found(&whole(&json!({"paths": paths}))).len(), 101);
}

/// The crate reads what is wrong again at each object around it; that would be forever here.
#[test]
fn what_is_deep_takes_no_time() {
    let mut schema = json!({"type": 5, "maximum": 1e308});
    for _ in 0..100 {
        schema = json!({"items": {"allOf": [schema]}});
    }
    let document = whole(&json!({"components": {"schemas": {"S": schema}}}));
    assert_eq!(found(&document).len(), 1);
}

/// Numbers that no number type holds; the crate would panic at them.
#[test]
fn numbers_of_any_size() {
    let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for text in [
        r#"{"type": "number", "maximum": 1e999}"#,
        r#"{"type": "number", "multipleOf": 0.10}"#,
        r#"{"type": "integer", "minimum": -123456789012345678901234567890}"#,
        r#"{"type": "integer", "maximum": 18446744073709551615, "enum": [1e999]}"#,
    ] {
        let document = whole(&json!({"components": {"schemas": {"S": schema(text)}}}));
        assert_eq!(found(&document), Vec::<String>::new(), "{text}");
    }
}

/// What the reader said of a place is not said again.
#[test]
fn nothing_is_said_twice() {
    let document = whole(&json!({"components": {"schemas": {"S": {"maximum": "1"}}}}));
    let mut diags = Diagnostics::default();
    let loc = Loc::at("/components/schemas/S/maximum");
    diags.push(Diagnostic::new(Code::SchemaKeyword, loc, "said"));
    lint(&document, None, &mut diags);
    assert_eq!(diags.iter().count(), 1);
}
