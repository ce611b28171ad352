//! A7: a body carries more than its schema names, or something else than was checked.

use serde_json::{Value, json};

use super::oracle;
use super::scene::{Scene, document, operation};

fn scene() -> Scene {
    let amount = json!({"type": "number", "maximum": 100});
    let order = json!({"type": "object", "required": ["amount"], "properties": {
        "amount": amount, "note": {"type": ["string", "null"]},
        "owner": {"type": "object", "additionalProperties": false, "properties": {"name": {"type": "string"}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "any": {},
        "internal_id": {"type": "string", "readOnly": true},
    }});
    let body = |media: &str, schema: &Value| json!({"requestBody": {"required": true, "content": {media: {"schema": schema}}}});
    let form = json!({"type": "object", "properties": {
        "a": {"type": "string"},
        "b": {"type": "array", "items": {"type": "string"}},
        "c": {"type": "object"},
    }});
    let open = json!({"type": "object", "additionalProperties": {"type": "string"}});
    Scene::new(&document(&json!({
        "/orders": operation("post", "create", &body("application/json", &order)),
        "/form": operation("post", "submit", &body("application/x-www-form-urlencoded", &form)),
        "/open": operation("post", "open_form", &body("application/x-www-form-urlencoded", &open)),
        "/open_json": operation("post", "open_json", &body("application/json", &open)),
        "/text": operation("post", "text", &body("text/plain", &json!({"type": "string"}))),
        "/bytes": operation("post", "bytes", &body("application/octet-stream", &json!({"type": "string"}))),
    })))
}

#[test]
fn a07_mass_assignment() {
    let mut scene = scene();
    for (name, value) in [
        ("admin", json!(true)),
        ("internal_id", json!("x")),
        ("Amount", json!(9999)),
        ("__proto__", json!({"admin": true})),
        ("constructor", json!({})),
        ("amount ", json!(1)),
        ("amount\0", json!(1)),
        ("_method", json!("DELETE")),
        ("", json!(1)),
        ("/amount", json!(1)),
    ] {
        let told = scene.refuses(
            "create",
            json!({"amount": 1, name: value}),
            "invalid_arguments",
        );
        assert!(told.contains("no such argument"), "{told}");
    }
    for arguments in [
        json!({"amount": 1, "owner": {"name": "x", "role": "admin"}}),
        json!({"amount": 1, "owner": {"__proto__": {}}}),
        json!({"amount": 1, "labels": {"__proto__": "x"}}),
        json!({"amount": 1, "any": {"a": [{"__proto__": {"admin": true}}]}}),
        json!({"amount": 1, "any": {"__PROTO__": {}, "__proto__": {}}}),
    ] {
        scene.refuses("create", arguments, "invalid_arguments");
    }
    scene.refuses(
        "open_json",
        json!({"body": {"__proto__": "x"}}),
        "invalid_arguments",
    );
    let request = scene.sends(
        "create",
        json!({"amount": 1, "labels": {"a": "b"}, "any": {"x": [1, null]}}),
    );
    assert_eq!(
        request.text(),
        r#"{"amount":1,"labels":{"a":"b"},"any":{"x":[1,null]}}"#
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[test]
fn a07_duplicate_keys() {
    let mut scene = scene();
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{{"name":"create","arguments":{arguments}}}}}"#
        ) + "\n"
    };
    for arguments in [
        r#"{"amount":1,"amount":9999}"#,
        r#"{"amount":9999,"amount":1}"#,
        r#"{"amount":1,"\u0061mount":9999}"#,
        r#"{"amount":1,"any":{"a":1,"a":2}}"#,
        r#"{"amount":1,"any":[{"a":1,"b":2,"a":3}]}"#,
        r#"{"amount":1},"arguments":{"amount":2}"#,
        r#"{"amount":1},"name":"text"#.trim_end_matches("\"text"),
    ] {
        if arguments.ends_with(':') {
            continue;
        }
        scene.client.send_raw(call(arguments).as_bytes());
        let answer = scene.client.recv(crate::support::PATIENCE);
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(-32600), &json!(9)),
            "{arguments}: {answer}"
        );
        assert!(scene.arrived().is_empty());
    }
}

#[test]
fn a07_form_bodies() {
    let mut scene = scene();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for value in [
        "x&admin=true",
        "a;b",
        "a=b",
        "a+b c",
        "%26",
        "é💥",
        "\r\n",
        "",
        "\0",
    ] {
        let request = scene.sends("submit", json!({"a": value, "b": [value, "z"]}));
        assert_eq!(
            oracle::pairs(request.text()),
            [pair("a", value), pair("b", value), pair("b", "z")]
        );
        let request = scene.sends("open_form", json!({"body": {"k&admin": value}}));
        assert_eq!(oracle::pairs(request.text()), [pair("k&admin", value)]);
        let request = scene.sends("submit", json!({"c": {value: value}}));
        assert_eq!(
            oracle::pairs(request.text()),
            [pair("c", &json!({value: value}).to_string())]
        );
    }
    for arguments in [
        json!({"a": {"x": 1}}),
        json!({"a": 1}),
        json!({"b": "x"}),
        json!({"d": "x"}),
    ] {
        scene.refuses("submit", arguments, "invalid_arguments");
    }
}

#[test]
fn a07_a_method_in_disguise() {
    // Frameworks that read the method from elsewhere: a write must not become a delete.
    let mut scene = scene();
    for name in ["_method", "_METHOD"] {
        scene.refuses(
            "open_form",
            json!({"body": {name: "DELETE"}}),
            "refused_value",
        );
        scene.refuses(
            "open_form",
            json!({"body": {name: "delete"}}),
            "refused_value",
        );
        scene.sends("open_form", json!({"body": {name: "PUT"}}));
    }
    let string = json!({"type": "string"});
    let parameters = json!([super::scene::param("query", "_method", &string), {"in": "query", "name": "open", "explode": true,
        "schema": {"type": "object", "additionalProperties": string}}]);
    let mut scene = Scene::new(&document(
        &json!({"/x": operation("get", "get_x", &json!({"parameters": parameters}))}),
    ));
    for value in ["POST", "delete", "PATCH", "PURGE"] {
        scene.refuses("get_x", json!({"_method": value}), "refused_value");
        scene.refuses(
            "get_x",
            json!({"open": {"_method": value}}),
            "refused_value",
        );
    }
    scene.sends("get_x", json!({"_method": "GET"}));
}

#[test]
fn a07_other_bodies_are_what_was_given() {
    let mut scene = scene();
    for value in ["a\r\nb", "--boundary", "\u{feff}x", "</x>"] {
        assert_eq!(scene.sends("text", json!({"body": value})).text(), value);
    }
    assert_eq!(
        scene.sends("bytes", json!({"body": "AAH/"})).body,
        [0, 1, 255]
    );
    for value in ["not base64!", "AAH", "AAH_"] {
        scene.refuses("bytes", json!({"body": value}), "refused_value");
    }
    let request = scene.sends("bytes", json!({"body": "QQ=="}));
    assert_eq!(
        request.header_values("content-length").collect::<Vec<_>>(),
        ["1"]
    );
    assert_eq!(request.header("transfer-encoding"), None);
}

#[test]
fn a07_a_method_in_a_list() {
    let open = json!({"type": "object", "additionalProperties": true});
    let body = |media: &str| json!({"requestBody": {"required": true, "content": {media: {"schema": open}}}});
    let list = json!({"type": "array", "items": {"type": "string"}});
    let parameters = json!([super::scene::param("query", "_method", &list)]);
    let mut scene = Scene::new(&document(&json!({
        "/form": operation("post", "form", &body("application/x-www-form-urlencoded")),
        "/json": operation("post", "json", &body("application/json")),
        "/query": operation("post", "query", &json!({"parameters": parameters})),
    })));
    for tool in ["form", "json"] {
        for value in [
            json!("DELETE"),
            json!(["DELETE"]),
            json!(["PUT", "delete"]),
            json!([["DELETE"]]),
            json!({"0": "DELETE"}),
        ] {
            for name in ["_method", "_method[]", "X-HTTP-Method-Override"] {
                scene.refuses(tool, json!({"body": {name: value}}), "refused_value");
            }
        }
        scene.sends(tool, json!({"body": {"_method": ["PUT"]}}));
    }
    for value in [json!(["DELETE"]), json!(["POST", "DELETE"])] {
        scene.refuses("query", json!({"_method": value}), "refused_value");
    }
    scene.sends("query", json!({"_method": ["POST"]}));
}
