//! A10: one long text that every operation refers to, of which each would have a copy.

use serde_json::json;

use super::bombs::bounded;
use super::scene::{document, operation, param};
use crate::support::Scratch;

#[test]
fn a10_texts_that_multiply() {
    let long = "x".repeat(1_000_000);
    let scratch = Scratch::new();
    let media = json!({"schema": {"type": "string"}});
    for (name, components) in [
        (
            "description",
            json!({"schemas": {"S": {"type": "string", "description": long}}}),
        ),
        (
            "example",
            json!({"schemas": {"S": {"type": "string", "example": [long]}}}),
        ),
        (
            "property",
            json!({"schemas": {"S": {"type": "object", "properties": {long.as_str(): {}}}}}),
        ),
        (
            "parameter",
            json!({"parameters": {"P": param("query", &long, &json!({}))}}),
        ),
        (
            "answer",
            json!({"responses": {"R": {"description": long, "content": {long.as_str(): media}}}}),
        ),
    ] {
        let mut doc = document(&json!({}));
        doc["servers"] = json!([{"url": "https://shop.example"}]);
        let there = |kind: &str, name: &str| match components.get(kind) {
            Some(_) => json!({"$ref": format!("#/components/{kind}/{name}")}),
            None => json!({"description": "plain", "name": "q", "in": "query"}),
        };
        let body = json!({"content": {"application/json": {"schema": {"properties": {"a": there("schemas", "S")}}}}});
        let rest = json!({
            "parameters": [there("parameters", "P")], "requestBody": body, "responses": {"200": there("responses", "R")},
        });
        for index in 0..4_000 {
            doc["paths"][format!("/p{index}")] = operation("post", &format!("p{index}"), &rest);
        }
        doc["components"] = components.clone();
        let file = scratch.file("doc.json", doc.to_string());
        let output = bounded(&["check", &file, "--json", "--enable", "write"]);
        assert!(output.stdout.contains("MG"), "{name}: nothing was said");
    }
}
