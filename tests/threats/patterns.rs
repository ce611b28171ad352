//! A12: regular expressions and templates of a document that take exponential time, or all memory.

use std::time::{Duration, Instant};

use serde_json::json;

use super::bombs::{bounded, late};
use super::scene::{Scene, document, error_code, operation, param};
use crate::support::Scratch;

/// Nothing may take longer than this, in a build without optimization.
const SOON: Duration = Duration::from_secs(20);

/// Patterns that some engine needs exponential time for, with a text that makes it need it.
fn slow() -> Vec<(String, String)> {
    let a = |count: usize| "a".repeat(count);
    [
        ("^(a+)+$", a(50_000) + "!"),
        ("^(a|a)*$", a(50_000) + "!"),
        ("^(a|aa)+$", a(50_000) + "!"),
        ("^([a-z]+)*\\1$", a(60) + "!"),
        ("^(?=(a+)+$)", a(60) + "!"),
        ("^(?!(a+)+$)", a(60) + "!"),
        ("^(.*a){25}$", a(5_000) + "!"),
        ("^(a?){60}a{60}$", a(59)),
        ("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", a(20_000)),
        ("^(\\w+\\s?)*$", "word ".repeat(10_000) + "!"),
        ("(a{1,1000}){1,1000}", a(1_000) + "!"),
        ("((a{1,1000}){1,1000}){1,1000}", a(100) + "!"),
        ("\\p{L}{1,2000}\\p{N}{1,2000}!", a(1_000)),
        ("(?:(?:(?:(?:x{64}){64}){64}){64}){64}", a(10)),
    ]
    .map(|(pattern, text)| (pattern.to_owned(), text))
    .into_iter()
    .chain([
        ("(".repeat(5_000) + &")".repeat(5_000), a(10)),
        ("[".repeat(5_000), a(10)),
        ("a|".repeat(50_000), a(1_000)),
        ("(?=".repeat(500) + &")".repeat(500), a(10)),
    ])
    .collect()
}

#[test]
fn a12_patterns_of_arguments() {
    let slow = slow();
    let mut doc = document(&json!({}));
    for (index, (pattern, _)) in slow.iter().enumerate() {
        let schema = json!({"type": "string", "pattern": pattern});
        let keys = json!({"type": "object", "patternProperties": {pattern: {"type": "string"}}});
        let body =
            json!({"content": {"application/json": {"schema": {"properties": {"keys": keys}}}}});
        let rest = json!({"parameters": [param("query", "q", &schema)], "requestBody": body});
        doc["paths"][format!("/p{index}")] = operation("post", &format!("p{index}"), &rest);
    }
    let mut scene = Scene::new(&doc);
    for (index, (pattern, text)) in slow.iter().enumerate() {
        let name: String = pattern.chars().take(60).collect();
        for arguments in [json!({"q": text}), json!({"keys": {text: "x"}})] {
            let start = Instant::now();
            let (result, _) = scene.call(&format!("p{index}"), arguments);
            assert!(start.elapsed() < SOON, "{name}: {:?}", start.elapsed());
            let code = error_code(&result);
            let fine = ["", "invalid_arguments", "arguments_too_complex"];
            assert!(fine.contains(&code), "{name}: {result}");
        }
    }
}

#[test]
fn a12_ten_thousand_patterns() {
    let scratch = Scratch::new();
    for (name, pattern) in [
        ("small", "^x{1,3}N$"),
        ("large", "^(\\p{L}{1,50}N){1,50}$"),
        ("refused", "((a{1,1000}){1,1000}){1,1000}N"),
        ("behind", "(?<=N)(?=(x+)+)"),
    ] {
        let mut doc = document(&json!({}));
        doc["servers"] = json!([{"url": "https://shop.example"}]);
        let count = if name == "small" { 10_000 } else { 200 };
        for index in 0..count {
            let pattern = pattern.replace('N', &index.to_string());
            let schema = json!({"type": "string", "pattern": pattern});
            let rest = json!({"parameters": [param("query", "q", &schema)]});
            doc["paths"][format!("/p{index}")] = operation("get", &format!("p{index}"), &rest);
        }
        let file = scratch.file("doc.json", doc.to_string());
        let report = bounded(&["check", &file, "--json", "--budget", "99999999"]).json();
        assert!(
            report["summary"]["tools"] == count || late(&report),
            "{name}: {report}"
        );
    }
}

/// Templates of paths and servers are read in one pass.
#[test]
fn a12_templates() {
    let scratch = Scratch::new();
    let mut doc = document(&json!({}));
    let templates = [
        "/".to_owned() + &"{a}".repeat(20_000),
        "/".to_owned() + &"{".repeat(50_000),
        "/".to_owned() + &"{a".repeat(20_000) + &"}".repeat(20_000),
        "/{a,".to_owned() + &"b,".repeat(50_000) + "}",
        "/".to_owned() + &"{a}/".repeat(20_000),
        "/".to_owned() + &"%2e".repeat(20_000),
        "/{".to_owned() + &"a".repeat(100_000) + "}",
    ];
    for (index, template) in templates.iter().enumerate() {
        let item = operation("get", &format!("p{index}"), &json!({}));
        doc["paths"][template] = item;
    }
    doc["servers"] = json!([
        {"url": "https://shop.example/".to_owned() + &"{v}".repeat(20_000), "variables": {"v": {"default": "{v}".repeat(1_000)}}},
    ]);
    let text = doc.to_string();
    let file = scratch.file("doc.json", &text);
    let report = bounded(&["check", &file, "--json"]).json();
    // A place is told with its finding and with each operation that it is about.
    assert!(report.to_string().len() < 8 * text.len());
}
