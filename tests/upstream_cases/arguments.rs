//! Bad arguments, and good ones that must arrive as they were written.

use serde_json::{Value, json};

use super::one_read;
use crate::support::{Recorded, Reply};
use crate::threats::oracle;
use crate::threats::scene::{Scene, document, error_code, operation, param, text};

fn arguments() -> Scene {
    let integer = json!({"type": "integer", "minimum": 1, "maximum": 100});
    let parameters = json!([
        param("path", "id", &json!({"type": "integer", "maximum": 1000})),
        param("query", "limit", &integer), param("query", "days", &integer),
        param("query", "status", &json!({"enum": ["open", "paid"]})),
        {"in": "query", "name": "since", "required": true, "schema": {"type": "string", "minLength": 1}},
        param("header", "X-Tag", &json!({"type": "string"})),
        param("query", "any", &json!({})),
    ]);
    let body = json!({"requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["a"], "properties": {
        "a": {"type": ["number", "null"]}, "b": {"type": ["string", "null"]}, "limit": integer, "o": {"type": "object", "properties": {"n": {"type": ["string", "null"]}}}}}}}}});
    let name = json!({"parameters": [param("path", "name", &json!({"type": "string"}))]});
    Scene::new(&document(&json!({
        "/orders/{id}": operation("get", "get_order", &json!({"parameters": parameters})),
        "/named/{name}": operation("get", "get_named", &name),
        "/orders": operation("post", "create", &body),
    })))
}

#[test]
fn page_sizes_are_clamped_and_told() {
    let mut scene = arguments();
    for (given, used) in [
        ("5000", "100"),
        ("0", "1"),
        ("-3", "1"),
        ("101", "100"),
        ("99999999999999999999999999999999999999999", "100"),
        ("100", "100"),
        ("1", "1"),
    ] {
        let (result, requests) = scene.call_raw(
            "get_order",
            &format!("{{\"id\":1,\"since\":\"x\",\"limit\":{given}}}"),
        );
        assert_eq!(
            requests[0].query(),
            Some(&*format!("limit={used}&since=x")),
            "{result}"
        );
        let told = result["_meta"]
            .get("mcpgen/clamped")
            .map(ToString::to_string);
        let want = (given != used).then(|| format!("{{\"/limit\":[{given},{used}]}}"));
        assert_eq!(told, want);
        let line = format!("note: /limit was changed from {given} to {used}, its bound");
        assert_eq!(text(&result).contains(&line), given != used, "{result}");
    }
    // Never the path, another number, or a write.
    for (tool, arguments, pointer) in [
        (
            "get_order",
            json!({"id": 1001, "since": "x"}),
            "/id: 1001 is above the maximum 1000",
        ),
        (
            "get_order",
            json!({"id": 1, "since": "x", "days": 101}),
            "/days: 101 is above the maximum 100",
        ),
        (
            "get_order",
            json!({"id": 1, "since": "x", "days": 0}),
            "/days: 0 is below the minimum 1",
        ),
        (
            "get_order",
            json!({"id": 1, "since": "x", "limit": 100.5}),
            "/limit",
        ),
        (
            "create",
            json!({"a": 1, "limit": 101}),
            "/limit: 101 is above the maximum 100",
        ),
    ] {
        let told = scene.refuses(tool, arguments, "invalid_arguments");
        assert!(told.contains(pointer), "{told}");
    }
}

#[test]
fn bad_arguments_are_told_at_once() {
    let mut scene = arguments();
    for (arguments, lines) in [
        (json!({"id": "abc", "since": "x"}), &["/id: "][..]),
        (json!({"id": "5.5", "since": "x"}), &["/id: "]),
        (json!({"id": 1}), &["/since: required, but missing"]),
        (json!({"id": 1, "since": ""}), &["/since: "]),
        (json!({"id": null, "since": "x"}), &["/id: "]),
        (
            json!({"id": 1, "since": "x", "sinse": "x"}),
            &["/sinse: no such argument"],
        ),
        (
            json!({"id": 1, "since": "x", "status": "OPEN"}),
            &["/status: \"OPEN\" is not one of"],
        ),
        (
            json!({"id": "abc", "days": 9999, "status": 1, "what": 1, "limit": "5x"}),
            &[
                "5 violations",
                "/id: ",
                "/days: 9999 is above",
                "/status: ",
                "/what: no such",
                "/limit: ",
                "/since: required",
            ][1..],
        ),
    ] {
        let (result, requests) = scene.call("get_order", arguments);
        assert_eq!(error_code(&result), "invalid_arguments", "{result}");
        assert!(requests.is_empty());
        for line in lines {
            assert!(
                text(&result).contains(&format!("- {line}")),
                "{line}: {}",
                text(&result)
            );
        }
        let facts = result["_meta"]["mcpgen/error"]["violations"]
            .as_array()
            .expect("a list");
        assert_eq!(facts.len(), lines.len(), "{facts:?}");
        assert!(text(&result).contains("nothing was sent") && text(&result).contains("hint: "));
    }
    scene.refuses("get_named", json!({"name": "../admin"}), "refused_value");
    scene.refuses(
        "get_order",
        json!({"id": 1, "since": "x", "X-Tag": "a\r\nX-Evil: 1"}),
        "refused_value",
    );
}

#[test]
fn texts_that_hold_a_value_are_read_and_told() {
    let mut scene = arguments();
    let given = json!({"id": "5", "since": "7", "limit": "5000"});
    let (result, requests) = scene.call("get_order", given);
    assert_eq!(requests[0].target(), "/orders/5?limit=100&since=7");
    let meta = &result["_meta"];
    assert_eq!(
        meta["mcpgen/coerced"],
        json!({"/id": ["5", 5], "/limit": ["5000", 5000]})
    );
    assert_eq!(meta["mcpgen/clamped"], json!({"/limit": [5000, 100]}));
    let told = text(&result);
    for line in [
        "note: /id was read as 5 from the text \"5\"",
        "note: /limit was changed from 5000 to 100, its bound",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let (_, requests) = scene.call(
        "create",
        json!({"a": "1.50", "b": "2", "o": "{\"n\":\"3\"}"}),
    );
    assert_eq!(requests[0].body, br#"{"a":1.50,"b":"2","o":{"n":"3"}}"#);
}

#[test]
fn numbers_and_nulls_arrive_as_written() {
    let mut scene = arguments();
    // The JSON reader gives every exponent a sign; the number is the same.
    for (number, sent) in [
        ("100.10", "100.10"),
        ("1.0", "1.0"),
        ("-0", "-0"),
        ("-0.0", "-0.0"),
        ("0.1000", "0.1000"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        (
            "-123456789012345678901234567890.5",
            "-123456789012345678901234567890.5",
        ),
        ("9007199254740993", "9007199254740993"),
        ("1e2", "1e+2"),
        ("1E2", "1e+2"),
        ("1e+2", "1e+2"),
        ("1e400", "1e+400"),
        ("1.5e-7", "1.5e-7"),
    ] {
        let (result, requests) = scene.call_raw("create", &format!("{{\"a\":{number}}}"));
        assert_eq!(requests.len(), 1, "{number}: {result}");
        assert_eq!(requests[0].text(), format!("{{\"a\":{sent}}}"));
        let (result, requests) = scene.call_raw(
            "get_order",
            &format!("{{\"id\":1,\"since\":\"x\",\"any\":{number}}}"),
        );
        assert_eq!(requests.len(), 1, "{number}: {result}");
        let pairs = oracle::pairs(requests[0].query().unwrap());
        let pair = ("any".to_owned(), sent.to_owned());
        assert!(pairs.contains(&pair), "{pairs:?}");
    }
    for body in [
        r#"{"a":1}"#,
        r#"{"a":null}"#,
        r#"{"a":null,"b":null}"#,
        r#"{"a":1,"b":""}"#,
        r#"{"a":1,"o":{"n":null}}"#,
        r#"{"a":1,"o":{}}"#,
        r#"{"b":"\u0000","a":1}"#,
    ] {
        let (result, requests) = scene.call_raw("create", body);
        assert_eq!(requests.len(), 1, "{body}: {result}");
        assert_eq!(
            requests[0].json(),
            serde_json::from_str::<Value>(body).unwrap()
        );
    }
    // And the way back.
    let answer = r#"{"a":100.10,"b":123456789012345678901234567890,"c":null,"d":-0,"e":1e+400}"#;
    let mut scene = Scene::with(&one_read(), &[], &[], move |_: &Recorded| {
        Reply::content("application/json", answer)
    });
    let (result, _) = scene.call("get_x", json!({}));
    assert_eq!(result["structuredContent"].to_string(), answer);
    assert_eq!(text(&result), answer);
}
