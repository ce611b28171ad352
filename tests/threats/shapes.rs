//! A15, A25: what is taken away of answers stays away, and shortened answers keep their bounds and form.

use serde_json::{Value, json};

use super::scene::{Scene, document, error_code, operation, text};
use crate::support::{Recorded, Reply};

const SECRET: &str = "canary@shop.example";

fn shop() -> Value {
    let order = json!({"type": "object", "properties": {
        "id": {"type": "integer"}, "email": {"type": "string"}, "lines": {"type": "array", "items": {"type": "string"}}}});
    let orders = json!({"type": "object", "properties": {"orders": {"type": "array", "items": order}, "n": {"type": "integer"}}});
    let answers = |schema: &Value| json!({"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}});
    let list = json!({"type": "array", "items": order});
    document(&json!({
        "/orders": operation("get", "orders", &answers(&orders)),
        "/list": operation("get", "list", &answers(&list)),
        "/any": operation("get", "any", &json!({})),
    }))
}

fn order(id: usize) -> Value {
    json!({"id": id, "email": SECRET, "lines": ["a", "b", "c"]})
}

fn policy() -> Value {
    json!({
        "defaults": {"response": {"max_bytes": "4KiB", "drop": ["/customer/email"]}},
        "rules": [
            {"match": {"operation": "orders"}, "response": {"select": ["/orders/*/id", "/orders/*/lines"], "max_items": 2}},
            {"match": {"operation": "list"}, "response": {"drop": ["/*/email"]}},
        ],
    })
}

/// The structured result suits what is advertised, and the text says the same.
#[track_caller]
fn suits(scene: &mut Scene, tool: &str, result: &Value) {
    let tools = scene.client.tools();
    let schema = tools
        .iter()
        .find(|t| t["name"] == tool)
        .map(|t| t["outputSchema"].clone());
    let schema = schema.unwrap_or_default();
    let structured = &result["structuredContent"];
    assert!(
        jsonschema::is_valid(&schema, structured),
        "{structured} {schema}"
    );
    assert!(structured.get("mcpgen_response").is_none(), "{structured}");
    let said: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert!(
        said == *structured || said == structured["items"],
        "{said} {structured}"
    );
}

#[test]
fn a15_answers_are_shaped_as_advertised() {
    let mut scene = Scene::under(&shop(), &policy(), &[], |request: &Recorded| {
        let all: Vec<Value> = (0..375).map(order).collect();
        match request.path() {
            "/orders" => Reply::json(&json!({"orders": all, "n": 375, "debug": SECRET})),
            _ => Reply::json(&json!(all)),
        }
    });
    let tools = scene.client.tools();
    let listed = tools.iter().find(|tool| tool["name"] == "orders").unwrap();
    let orders = &listed["outputSchema"]["properties"]["orders"];
    assert_eq!(orders["maxItems"], 2);
    assert!(
        !listed["outputSchema"].to_string().contains("email"),
        "{listed}"
    );

    let (result, _) = scene.call("orders", json!({}));
    let lines = json!(["a", "b"]);
    let want = json!({"orders": [{"id": 0, "lines": lines}, {"id": 1, "lines": lines}]});
    assert_eq!(result["structuredContent"], want);
    let told = json!({
        "/orders": {"returned": 2, "of": 375},
        "/orders/0/lines": {"returned": 2, "of": 3},
        "/orders/1/lines": {"returned": 2, "of": 3},
    });
    assert_eq!(result["_meta"]["mcpgen/truncated"], told);
    assert!(text(&result).contains("note: the response is shortened: 2 of 375 items of /orders"));
    suits(&mut scene, "orders", &result);

    let (result, _) = scene.call("list", json!({}));
    assert!(!result.to_string().contains("canary"), "{result}");
    let said = result["content"][0]["text"].as_str().unwrap();
    assert!(
        (3_000..=4_096).contains(&said.len()),
        "{} bytes",
        said.len()
    );
    assert_eq!(result["_meta"]["mcpgen/truncated"][""]["of"], 375);
    suits(&mut scene, "list", &result);
}

#[test]
fn a15_what_is_dropped_does_not_come_back() {
    for (status, content_type, body, code) in [
        (
            422,
            "application/problem+json",
            json!({"title": "no", "customer": {"email": SECRET}}).to_string(),
            "upstream_rejected",
        ),
        (
            422,
            "application/json",
            json!({"errors": [{"email": SECRET}]}).to_string(),
            "upstream_rejected",
        ),
        (
            500,
            "text/plain",
            format!("email {SECRET} is taken"),
            "upstream_failed",
        ),
        (
            409,
            "text/plain",
            format!("conflict: {{\"x\": \"{SECRET}\"}}"),
            "upstream_conflict",
        ),
        // Parts of what is no JSON cannot be told from others.
        (
            200,
            "text/plain",
            format!("customer: {SECRET}"),
            "response_withheld",
        ),
        (
            200,
            "application/xml",
            format!("<email>{SECRET}</email>"),
            "response_withheld",
        ),
        (
            200,
            "application/octet-stream",
            format!("\0{SECRET}"),
            "response_withheld",
        ),
        (
            200,
            "application/json",
            json!({"customer": {"email": SECRET, "id": 1}}).to_string(),
            "",
        ),
        (
            200,
            "text/plain",
            json!({"customer": {"email": [SECRET]}}).to_string(),
            "",
        ),
        (
            200,
            "application/json",
            format!("{{\"customer\": {{\"email\": \"{SECRET}\""),
            "invalid_json",
        ),
    ] {
        let said = body.clone();
        let mut scene = Scene::under(&shop(), &policy(), &[], move |_: &Recorded| {
            Reply::content(content_type, body.clone()).with_status(status)
        });
        let (result, _) = scene.call("any", json!({}));
        assert_eq!(error_code(&result), code, "{said}: {result}");
        assert!(!result.to_string().contains("canary"), "{said}: {result}");
    }
}

#[test]
fn a25_bounds_hold_for_what_cannot_be_shortened() {
    let mut scene = Scene::under(&shop(), &policy(), &[], |_: &Recorded| {
        let wide = (0..1_000).map(|n| (n.to_string(), json!("x".repeat(20))));
        Reply::json(&Value::Object(wide.collect()))
    });
    let (result, _) = scene.call("any", json!({}));
    assert_eq!(error_code(&result), "response_too_large");
    assert!(text(&result).contains("ask for less"), "{result}");
}

#[test]
fn samples_are_shaped_like_answers() {
    let scratch = crate::support::Scratch::new();
    scratch.file("openapi.json", shop().to_string());
    let mut policy = policy();
    policy["version"] = json!(1);
    policy["sources"] = json!({"shop": {"openapi": "./openapi.json"}});
    let file = scratch.file("mcpgen.yaml", policy.to_string());
    let output = crate::support::run(&["call", &file, "orders", "--mock"], &[], "").expect(0);
    let sample: Value = serde_json::from_str(&output.stdout).unwrap();
    let order = sample["orders"][0].as_object().unwrap();
    let keys: Vec<_> = order.keys().collect();
    assert_eq!(keys, ["id", "lines"], "{sample}");
}
