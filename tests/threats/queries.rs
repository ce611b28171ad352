//! A6: an argument adds to the query, or overrides what the server puts there.

use serde_json::{Value, json};

use super::oracle;
use super::scene::{Scene, document, operation, param, willing};

const HOSTILE: [&str; 22] = [
    "a&admin=true",
    "a#b",
    "a;b",
    "a;admin=true",
    "%26admin%3Dtrue",
    "%2526",
    "a=b",
    "a+b",
    "a b",
    "?",
    "/../..",
    "\\",
    "a\r\nb",
    "a\0b",
    "é",
    "💥",
    "[]",
    "a,b|c d",
    "'\"<>`",
    "{x}^|",
    "\u{2028}",
    "",
];

fn scene() -> Scene {
    let string = json!({"type": "string"});
    let list = json!({"type": "array", "items": string});
    let object = json!({"type": "object", "additionalProperties": string});
    let styled = |name: &str, style: &str, explode: bool, schema: &Value| {
        let mut parameter = param("query", name, schema);
        parameter["style"] = style.into();
        parameter["explode"] = explode.into();
        parameter
    };
    let parameters = json!([
        param("query", "q", &string),
        {"in": "query", "name": "raw", "allowReserved": true, "schema": string},
        param("query", "list", &list),
        styled("commas", "form", false, &list),
        styled("pipes", "pipeDelimited", false, &list),
        styled("spaces", "spaceDelimited", false, &list),
        styled("deep", "deepObject", true, &object),
        styled("open", "form", true, &object),
        {"in": "query", "name": "json", "content": {"application/json": {"schema": {}}}},
        param("query", "we&ird=na me", &string),
    ]);
    let mut doc = document(
        &json!({"/x": operation("get", "get_x", &json!({"parameters": parameters, "security": [{"key": [], "jar": []}]}))}),
    );
    doc["components"]["securitySchemes"] = json!({
        "key": {"type": "apiKey", "in": "query", "name": "api_key"},
        "jar": {"type": "apiKey", "in": "cookie", "name": "sid"},
    });
    Scene::with(
        &doc,
        &[],
        &[("SHOP_KEY", "own&key=1"), ("SHOP_JAR", "own;x=1")],
        willing,
    )
}

/// The pairs without the credential, which must be there once and last.
#[track_caller]
fn pairs(scene: &mut Scene, arguments: Value) -> Vec<(String, String)> {
    let request = scene.sends("get_x", arguments);
    let mut pairs = oracle::pairs(request.query().unwrap());
    assert_eq!(
        pairs.pop(),
        Some(("api_key".to_owned(), "own&key=1".to_owned())),
        "{request:?}"
    );
    assert_eq!(request.path(), "/x");
    assert_eq!(
        request.header_values("cookie").collect::<Vec<_>>(),
        ["sid=own%3Bx%3D1"]
    );
    pairs
}

#[test]
fn a06_query_injection() {
    let mut scene = scene();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for value in HOSTILE {
        assert_eq!(pairs(&mut scene, json!({"q": value})), [pair("q", value)]);
        // Its escapes are the argument's own (RFC 6570 §3.2.3), but it stays one value.
        assert_eq!(
            pairs(&mut scene, json!({"raw": value})),
            [pair("raw", &oracle::decode_text(value))]
        );
        assert_eq!(
            pairs(&mut scene, json!({"we_ird_na_me": value})),
            [pair("we&ird=na me", value)]
        );
        assert_eq!(
            pairs(&mut scene, json!({"list": [value, "z"]})),
            [pair("list", value), pair("list", "z")]
        );
        if value.contains(['[', ']']) {
            scene.refuses("get_x", json!({"deep": {value: value}}), "refused_value");
        } else {
            assert_eq!(
                pairs(&mut scene, json!({"deep": {value: value}})),
                [pair(&format!("deep[{value}]"), value)]
            );
        }
        assert_eq!(
            pairs(&mut scene, json!({"json": [value]})),
            [pair("json", &json!([value]).to_string())]
        );
        if !value.trim().is_empty() {
            assert_eq!(
                pairs(&mut scene, json!({"open": {value: value}})),
                [pair(value, value)]
            );
        }
        // A delimiter inside an element is not one between elements: it is escaped, or refused where
        // its escape is what separates.
        let request = scene.sends("get_x", json!({"commas": [value, "z"]}));
        let raw = request.query().unwrap().split('&').next().unwrap();
        let list = raw.strip_prefix("commas=").unwrap();
        let elements: Vec<_> = list.split(',').map(oracle::decode_text).collect();
        assert_eq!(elements, [value, "z"]);
        for (name, delimiter, escaped) in [("pipes", '|', "%7C"), ("spaces", ' ', "%20")] {
            if value.contains(delimiter) {
                scene.refuses("get_x", json!({name: [value, "z"]}), "refused_value");
                continue;
            }
            let request = scene.sends("get_x", json!({name: [value, "z"]}));
            let raw = request.query().unwrap().split('&').next().unwrap();
            let list = raw.strip_prefix(&format!("{name}=")).unwrap();
            let elements: Vec<_> = list.split(escaped).map(oracle::decode_text).collect();
            assert_eq!(elements, [value, "z"]);
        }
    }
}

#[test]
fn a06_injected_values_are_not_shadowed() {
    let mut scene = scene();
    for name in [
        "api_key",
        "API_KEY",
        "Api_Key",
        "api_key[]",
        "api_key[0]",
        "api-key",
        "api.key",
        " api_key",
        "api_key ",
        "api%5fkey",
        "api_key\0",
        "\u{ff41}pi_key",
        "q",
        "Q",
        "q[]",
        "list",
        "deep[a]",
        "raw",
    ] {
        scene.refuses("get_x", json!({"open": {name: "mine"}}), "refused_value");
    }
    scene.refuses("get_x", json!({"api_key": "mine"}), "invalid_arguments");
    scene.refuses("get_x", json!({"sid": "mine"}), "invalid_arguments");
    for key in ["a][admin", "a][", "[]", "]", "a[b"] {
        scene.refuses("get_x", json!({"deep": {key: "1"}}), "refused_value");
    }
    scene.refuses("get_x", json!({"open": {"": "mine"}}), "refused_value");
    let more = pairs(&mut scene, json!({"open": {"color": "red", "size[]": "1"}}));
    assert_eq!(more.len(), 2);
}

#[test]
fn a06_a_document_that_declares_the_credential_as_an_argument() {
    let string = json!({"type": "string"});
    let names = ["api_key", "API_KEY", "api_key[]", "api%5Fkey"];
    let parameters: Vec<_> = names
        .iter()
        .map(|name| param("query", name, &string))
        .collect();
    let mut doc = document(
        &json!({"/x": operation("get", "get_x", &json!({"parameters": parameters, "security": [{"key": []}]}))}),
    );
    doc["components"]["securitySchemes"] =
        json!({"key": {"type": "apiKey", "in": "query", "name": "api_key"}});
    let mut scene = Scene::with(&doc, &[], &[("SHOP_KEY", "own")], willing);
    for argument in [
        "api_key",
        "API_KEY",
        "api_key__query",
        "api_key__query_2",
        "api_key_2",
        "api_5Fkey",
    ] {
        let (result, requests) = scene.call("get_x", json!({argument: "mine"}));
        assert_eq!(result["isError"], true, "{argument}: {result}");
        assert!(requests.is_empty(), "{argument}: {requests:?}");
    }
    assert_eq!(scene.sends("get_x", json!({})).query(), Some("api_key=own"));
}

#[test]
fn a06_a_query_is_bounded() {
    let string = json!({"type": "string"});
    let list = json!({"type": "array", "items": string});
    let parameters = json!([param("query", "q", &string), param("query", "list", &list)]);
    let mut scene = Scene::new(&document(
        &json!({"/x": operation("get", "get_x", &json!({"parameters": parameters}))}),
    ));
    // As much as the recording upstream takes in a head.
    let request = scene.sends("get_x", json!({"q": "a".repeat(60_000)}));
    assert_eq!(request.query().map(str::len), Some(60_002));
    for arguments in [
        json!({"q": "a".repeat(65_535)}),
        json!({"q": "&".repeat(30_000)}),
        json!({"list": vec!["a".repeat(700); 100]}),
        json!({"q": "a".repeat(40_000), "list": ["a".repeat(40_000)]}),
    ] {
        let told = scene.refuses("get_x", arguments, "refused_value");
        assert!(told.contains("65536 bytes"), "{told}");
    }
}
