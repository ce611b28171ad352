//! What a version of OpenAPI has that others have not, as it arrives.

use serde_json::{Value, json};

use crate::threats::scene::{Scene, willing};

fn document() -> Value {
    let body = json!({"content": {"application/json": {"schema": {"type": "object", "properties": {"words": {}, "_method": {}}}}}});
    let answer = json!({"200": {"description": "ok"}});
    let id = json!({"in": "path", "name": "id", "required": true, "schema": {"type": "string"}});
    json!({
        "openapi": "3.2.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": {
            "/books": {"query": {"operationId": "search", "requestBody": body, "responses": answer}},
            "/books/{id}": {
                "parameters": [id],
                "additionalOperations": {
                    "COPY": {"operationId": "copy", "requestBody": body, "responses": answer},
                    "M-Search": {"operationId": "odd", "responses": answer},
                }
            }
        }
    })
}

#[test]
fn methods_of_3_2() {
    let mut scene = Scene::new(&document());
    let request = scene.sends("search", json!({"words": ["a"]}));
    assert_eq!(request.request_line, "QUERY /books HTTP/1.1");
    assert_eq!(request.json(), json!({"words": ["a"]}));
    assert_eq!(scene.sends("copy", json!({"id": "1"})).method(), "COPY");
    assert_eq!(scene.sends("odd", json!({"id": "1"})).method(), "M-Search");
    // A body that asks for more than the method can do does not leave.
    let disguised = json!({"_method": "DELETE"});
    scene.refuses("search", disguised, "refused_value");
    let disguised = json!({"id": "1", "_method": "DELETE"});
    scene.refuses("copy", disguised, "refused_value");
}

/// By default there are reads only, and a method that nobody knows is none.
#[test]
fn query_is_a_read_and_other_methods_are_not() {
    let mut scene = Scene::with(&document(), &[], &[], willing);
    assert_eq!(scene.client.tools().len(), 1);
    assert_eq!(scene.sends("search", json!({})).method(), "QUERY");
    let response = scene.client.request(
        "tools/call",
        json!({"name": "copy", "arguments": {"id": "1"}}),
    );
    assert!(response.get("error").is_some(), "{response}");
    assert!(scene.arrived().is_empty());
}

/// A document of 2.0 with a parameter of each format in each place; `x` is what varies.
fn lists() -> Value {
    let mut paths = serde_json::Map::new();
    for format in ["csv", "ssv", "tsv", "pipes", "multi"] {
        for place in ["query", "path", "header"] {
            if format == "multi" && place != "query" {
                continue;
            }
            let x = json!({
                "in": place, "name": "X", "required": true, "type": "array",
                "collectionFormat": format, "items": {"type": "string"},
            });
            let path = format!("/{format}/{}", if place == "path" { "{X}" } else { place });
            let operation = json!({
                "operationId": format!("{place}_{format}"),
                "parameters": [x],
                "responses": {"200": {"description": "ok"}},
            });
            paths.insert(path, json!({"get": operation}));
        }
    }
    json!({"swagger": "2.0", "info": {"title": "Shop", "version": "1"}, "paths": paths})
}

#[test]
fn collection_formats_of_2_0() {
    let mut scene = Scene::new(&lists());
    let two = json!({"X": ["a b", "c"]});
    for (format, query, path) in [
        ("csv", "X=a%20b,c", "a%20b,c"),
        ("ssv", "X=1%202", "1%202"),
        ("tsv", "X=a%20b%09c", "a%20b%09c"),
        ("pipes", "X=a%20b%7Cc", "a%20b%7Cc"),
        ("multi", "X=a%20b&X=c", ""),
    ] {
        let value = if format == "ssv" {
            json!({"X": ["1", "2"]})
        } else {
            two.clone()
        };
        let request = scene.sends(&format!("query_{format}"), value.clone());
        assert_eq!(request.query(), Some(query));
        if format != "multi" {
            let request = scene.sends(&format!("path_{format}"), value);
            assert_eq!(request.target(), format!("/{format}/{path}"));
        }
    }
    for (format, want) in [
        ("csv", "1,2"),
        ("ssv", "1 2"),
        ("tsv", "1\t2"),
        ("pipes", "1|2"),
    ] {
        let request = scene.sends(&format!("header_{format}"), json!({"X": ["1", "2"]}));
        assert_eq!(request.header("x"), Some(want));
    }
    // One element is what it is.
    let request = scene.sends("query_pipes", json!({"X": ["1"]}));
    assert_eq!(request.query(), Some("X=1"));
}

/// Forms of 2.0: `fields` in each of the media types.
fn forms(fields: &Value) -> Value {
    let form = |consumes: &str| {
        json!({"post": {
            "operationId": consumes.rsplit('-').next(),
            "consumes": [consumes],
            "parameters": fields,
            "responses": {"200": {"description": "ok"}},
        }})
    };
    let file = json!({"post": {
        "operationId": "file",
        "parameters": [{"in": "body", "name": "content", "required": true, "schema": {"type": "file"}}],
        "responses": {"200": {"description": "ok"}},
    }});
    json!({"swagger": "2.0", "info": {"title": "Shop", "version": "1"}, "paths": {
        "/pairs": form("application/x-www-form-urlencoded"),
        "/parts": form("multipart/form-data"),
        "/file": file,
    }})
}

#[test]
fn forms_of_2_0() {
    let formats = ["csv", "ssv", "tsv", "pipes", "multi"];
    let mut fields: Vec<Value> = formats
        .iter()
        .map(|format| {
            json!({
                "in": "formData", "name": format, "type": "array", "collectionFormat": format,
                "items": {"type": "string"},
            })
        })
        .collect();
    fields.push(json!({"in": "formData", "name": "n", "type": "integer"}));
    let mut scene = Scene::new(&forms(&json!(fields)));
    let lists: serde_json::Map<String, Value> = formats
        .iter()
        .map(|format| ((*format).to_owned(), json!(["a", "b"])))
        .collect();
    let mut arguments = Value::Object(lists);
    arguments["n"] = json!(5);
    let request = scene.sends("urlencoded", arguments.clone());
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(
        request.text(),
        "csv=a,b&ssv=a%20b&tsv=a%09b&pipes=a%7Cb&multi=a&multi=b&n=5"
    );
    let request = scene.sends("data", arguments);
    let parts: Vec<(&str, &str)> = parts(request.text());
    let want = [
        ("csv", "a,b"),
        ("ssv", "a b"),
        ("tsv", "a\tb"),
        ("pipes", "a|b"),
        ("multi", "a"),
        ("multi", "b"),
        ("n", "5"),
    ];
    assert_eq!(parts, want);
}

/// Names and values of the parts of a multipart body.
fn parts(text: &str) -> Vec<(&str, &str)> {
    let mut lines = text.split("\r\n");
    let boundary = lines.next().unwrap_or_default();
    let parts = text.split(boundary).filter_map(|part| {
        let (head, value) = part.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?;
        Some((name, value.strip_suffix("\r\n")?))
    });
    parts.collect()
}

#[test]
fn files_of_2_0() {
    let fields = json!([
        {"in": "formData", "name": "cover", "type": "file", "required": true},
        {"in": "formData", "name": "title", "type": "string"},
    ]);
    let mut scene = Scene::new(&forms(&fields));
    let picture = "data:image/png;name=a.png;base64,iVBORw==";
    let arguments = json!({"cover": picture, "title": "Walden"});
    // Whatever is consumed, a file goes as a part.
    for tool in ["data", "urlencoded"] {
        let request = scene.sends(tool, arguments.clone());
        let kind = request.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let head = "Content-Disposition: form-data; name=\"cover\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n";
        assert!(body.contains(head), "{body}");
        let found = request.body.windows(4).any(|window| window == b"\x89PNG");
        assert!(found, "{body}");
        assert!(body.contains("name=\"title\"\r\n\r\nWalden\r\n"), "{body}");
    }
    let request = scene.sends("file", json!({"body": "iVBORw=="}));
    assert_eq!(request.body, b"\x89PNG");
    let kind = request.header("content-type");
    assert_eq!(kind, Some("application/octet-stream"));
}

/// Operations that only a fragment tells apart: each is a tool, and no fragment is sent.
#[test]
fn fragments_tell_operations_apart() {
    let action = |name: &str| {
        let action =
            json!({"in": "query", "name": "Action", "required": true, "schema": {"const": name}});
        json!({"get": {"parameters": [action], "responses": {"200": {"description": "ok"}}}})
    };
    let mut scene = Scene::new(&json!({
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": {"/#Action=List": action("List"), "/#Action=Count": action("Count")},
    }));
    for (tool, name) in [("get_action_list", "List"), ("get_action_count", "Count")] {
        let request = scene.sends(tool, json!({"Action": name}));
        assert_eq!(request.target(), format!("/?Action={name}"));
    }
}
