//! Documents of 2.0 in the shape of 3.x.

use super::*;

/// The upgraded document, with the part under test at `path` and what was found.
fn upgraded(document: &Value, path: &str) -> (Value, Vec<String>) {
    let upgraded = upgrade(&Documents::alone(document.clone()), false).unwrap();
    let found = upgraded.found.iter().map(|found| {
        let loc = found.loc.clone().unwrap();
        assert!(document.pointer(&loc.pointer).is_some(), "{loc:?}");
        format!("{} {}", found.code.as_str(), loc.pointer)
    });
    let part = upgraded.tree.pointer(path).cloned();
    (part.unwrap_or_default(), found.collect())
}

#[test]
fn lists_are_written_as_they_say() {
    for (place, format, style, explode, said) in [
        ("query", None, "form", false, 0),
        ("query", Some("csv"), "form", false, 0),
        ("query", Some("ssv"), "spaceDelimited", false, 0),
        ("query", Some("tsv"), "tabDelimited", false, 0),
        ("query", Some("pipes"), "pipeDelimited", false, 0),
        ("query", Some("multi"), "form", true, 0),
        ("path", None, "simple", false, 0),
        ("path", Some("pipes"), "pipeDelimited", false, 0),
        ("path", Some("multi"), "simple", false, 1),
        ("header", Some("ssv"), "spaceDelimited", false, 0),
        ("header", Some("colons"), "simple", false, 1),
    ] {
        let mut param =
            json!({"name": "x", "in": place, "type": "array", "items": {"type": "string"}});
        if let Some(format) = format {
            param["collectionFormat"] = json!(format);
        }
        let document = json!({"swagger": "2.0", "paths": {"/a": {"get": {"parameters": [param]}}}});
        let (made, found) = upgraded(&document, "/paths/~1a/get/parameters/0");
        assert_eq!(made["style"], style, "{place} {format:?}");
        assert_eq!(made["explode"], explode, "{place} {format:?}");
        assert_eq!(
            made["schema"],
            json!({"type": "array", "items": {"type": "string"}})
        );
        assert_eq!(found.len(), said, "{place} {format:?}: {found:?}");
    }
}

#[test]
fn where_it_is() {
    for (document, address, want, said) in [
        (json!({}), false, json!(null), 0),
        (json!({"basePath": "/v1"}), false, json!("/v1/"), 0),
        (
            json!({"host": "a.example", "schemes": ["http", "https"]}),
            false,
            json!("https://a.example"),
            0,
        ),
        (
            json!({"host": "a.example:81", "basePath": "v1/", "schemes": ["http"]}),
            false,
            json!("http://a.example:81/v1"),
            0,
        ),
        (
            json!({"host": "a.example", "schemes": ["ws"]}),
            false,
            json!("ws://a.example"),
            0,
        ),
        (
            json!({"host": "a.example", "basePath": "/"}),
            false,
            json!("https://a.example"),
            1,
        ),
        (json!({"host": "a.example"}), true, json!("//a.example"), 0),
        (
            json!({"host": "http://a.example/"}),
            false,
            json!("http://a.example"),
            1,
        ),
    ] {
        let upgraded = upgrade(&Documents::alone(document.clone()), address).unwrap();
        let url = upgraded.tree.pointer("/servers/0/url").cloned();
        assert_eq!(url.unwrap_or_default(), want, "{document}");
        assert_eq!(upgraded.found.len(), said, "{document}");
    }
}

#[test]
fn bodies_and_forms() {
    let document = |consumes: Value, params: Value| {
        json!({"swagger": "2.0", "consumes": ["application/xml"], "paths": {"/a": {
            "parameters": [{"name": "shared", "in": "formData", "type": "integer"}],
            "post": {"consumes": consumes, "parameters": params},
        }}})
    };
    let field = json!({"name": "f", "in": "formData", "type": "string"});
    let file = json!({"name": "f", "in": "formData", "type": "file", "required": true});
    let body = json!({"name": "b", "in": "body", "schema": {"type": "string"}});
    let (pairs, parts) = ("application/x-www-form-urlencoded", "multipart/form-data");
    for (consumes, params, types, said) in [
        (json!(null), json!([]), vec![pairs], 0),
        (json!(["application/json"]), json!([field]), vec![pairs], 0),
        (json!([parts]), json!([field]), vec![parts], 0),
        (json!([parts, pairs]), json!([field]), vec![pairs, parts], 0),
        (json!([parts, pairs]), json!([file]), vec![parts], 0),
        (json!(null), json!([file]), vec![parts], 0),
        (json!(null), json!([body]), vec!["application/xml"], 1),
        (
            json!(["text/plain", 7]),
            json!([body]),
            vec!["text/plain"],
            1,
        ),
        (json!([]), json!([body]), vec!["application/json"], 1),
    ] {
        let document = document(consumes, params);
        let (made, found) = upgraded(&document, "/paths/~1a/post/requestBody/content");
        let made: Vec<&str> = made
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(made, types, "{document}");
        assert_eq!(found.len(), said, "{document}: {found:?}");
    }
}

/// Whatever is shared is the same wherever it stands, and a place in it is the place where it is.
#[test]
fn shared_parts_keep_their_places() {
    let document = json!({
        "swagger": "2.0",
        "produces": ["application/json"],
        "paths": {
            "/a": {"$ref": "#/x-items/a"},
            "/b{c}": {"post": {
                "produces": ["text/csv"],
                "parameters": [{"$ref": "#/parameters/B"}, {"$ref": "#/parameters/Q"}],
                "responses": {"200": {"$ref": "#/responses/R"}},
            }},
        },
        "x-items": {"a": {"get": {"responses": {"200": {"description": "d", "schema": {"type": "file"}}}}}},
        "parameters": {
            "B": {"name": "b", "in": "body", "schema": {"$ref": "#/definitions/D"}},
            "Q": {"name": "q", "in": "query", "type": "integer", "maximum": 9},
        },
        "responses": {"R": {"description": "d", "schema": {"type": "string"}}},
        "definitions": {"D": {"type": "object"}},
    });
    let upgraded = upgrade(&Documents::alone(document.clone()), false).unwrap();
    let back = |pointer: &str| {
        assert!(upgraded.tree.pointer(pointer).is_some(), "{pointer}");
        let mut loc = Loc::at(pointer);
        upgraded.moves.back(&mut loc);
        assert!(
            document.pointer(&loc.pointer).is_some(),
            "{pointer} {loc:?}"
        );
        loc.pointer
    };
    for (new, old) in [
        (
            "/paths/~1a/get/responses/200",
            "/x-items/a/get/responses/200",
        ),
        (
            "/paths/~1a/get/responses/200/content/application~1json",
            "/x-items/a/get/responses/200",
        ),
        (
            "/paths/~1b{c}/post/parameters/1/schema/maximum",
            "/parameters/Q/maximum",
        ),
        ("/paths/~1b{c}/post/requestBody/content", "/parameters/B"),
        (
            "/paths/~1b{c}/post/responses/200/content/text~1csv",
            "/responses/R",
        ),
        (
            "/paths/~1b{c}/post/responses/200/description",
            "/responses/R/description",
        ),
    ] {
        assert_eq!(back(new), old);
    }
    let schema = "/paths/~1b{c}/post/requestBody/content/application~1json/schema/$ref";
    assert_eq!(
        upgraded.tree.pointer(schema),
        Some(&json!("#/parameters/B/schema"))
    );
}

/// A small document that means the same large thing very often.
#[test]
fn what_is_shared_has_an_end() {
    let large: Vec<u8> = vec![0; 10_000];
    let paths = (0..1_000).map(|i| (format!("/{i}"), json!({"$ref": "#/x"})));
    let paths: Map<String, Value> = paths.collect();
    let document = json!({"swagger": "2.0", "paths": paths, "x": {"get": {"x-large": large}}});
    let found = upgrade(&Documents::alone(document.clone()), false)
        .err()
        .unwrap();
    assert_eq!(found.code, Code::Budget);
}

/// What another file says stays there, and leads where it led.
#[test]
fn parts_of_other_files() {
    let at = |name: &str| Url::parse(&format!("https://a.example/{name}")).unwrap();
    let main = json!({"swagger": "2.0", "paths": {"/a": {"post": {
        "parameters": [{"$ref": "shared.yaml#/body"}, {"$ref": "shared.yaml#/query"}],
        "responses": {"200": {"$ref": "shared.yaml#/response"}},
    }}}});
    let shared = json!({
        "body": {"name": "b", "in": "body", "schema": {"$ref": "#/schema"}},
        "query": {"name": "q", "in": "query", "type": "array", "items": {"$ref": "more/x.yaml#/y"}},
        "response": {"description": "d", "schema": {"$ref": "#/schema"}},
        "schema": {"type": "object"},
    });
    let mut documents = Documents::at(main, Some(at("main.yaml")));
    let file = FileId(1);
    documents.add(file, shared.clone(), Some(at("shared.yaml")));
    let upgraded = upgrade(&documents, false).unwrap();
    let operation = "/paths/~1a/post";
    for (part, reference, old) in [
        (
            "/requestBody/content/application~1json/schema",
            "https://a.example/shared.yaml#/body/schema",
            "/body/schema",
        ),
        (
            "/parameters/1/schema/items",
            "https://a.example/more/x.yaml#/y",
            "/query/items",
        ),
        (
            "/responses/200/content/application~1json/schema",
            "https://a.example/shared.yaml#/response/schema",
            "/response/schema",
        ),
    ] {
        let pointer = format!("{operation}{part}");
        let made = upgraded.tree.pointer(&pointer).unwrap();
        assert_eq!(made, &json!({ "$ref": reference }));
        let mut loc = Loc::at(pointer);
        upgraded.moves.back(&mut loc);
        assert_eq!(loc, Loc::at(old).of(file));
    }
}

/// Places of security schemes, whose parts have other names in 3.x.
#[test]
fn security_schemes_keep_their_places() {
    let document = json!({"swagger": "2.0", "securityDefinitions": {
        "login": {"type": "basic"},
        "a/b": {"type": "oauth2", "flow": "application", "tokenUrl": "https://a.example/", "scopes": {"s": "d"}},
    }});
    let upgraded = upgrade(&Documents::alone(document.clone()), false).unwrap();
    let schemes = "/components/securitySchemes";
    for (new, old) in [
        ("/login/type", "/login/type"),
        ("/login/scheme", "/login"),
        ("/a~1b/flows", "/a~1b/flow"),
        ("/a~1b/flows/clientCredentials/tokenUrl", "/a~1b/tokenUrl"),
        ("/a~1b/flows/clientCredentials/scopes/s", "/a~1b/scopes/s"),
    ] {
        let mut loc = Loc::at(format!("{schemes}{new}"));
        assert!(upgraded.tree.pointer(&loc.pointer).is_some(), "{new}");
        upgraded.moves.back(&mut loc);
        assert_eq!(loc.pointer, format!("/securityDefinitions{old}"));
        assert!(document.pointer(&loc.pointer).is_some(), "{new}");
    }
}
