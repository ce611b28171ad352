//! A13: arguments and schemas that take exponential time, or all memory.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::scene::{Scene, document, error_code, operation, param, text, willing};
use crate::support::PATIENCE;

/// Nothing that is refused may take longer than this, in a build without optimization.
const SOON: Duration = Duration::from_secs(10);
/// Most memory that a server may need for one refusal.
const MEMORY_MAX: u64 = 300 << 20;

fn post(id: &str, schema: &Value) -> Value {
    let rest = json!({"requestBody": {"required": true, "content": {"application/json": {"schema": schema}}}});
    operation("post", id, &rest)
}

#[test]
fn a13_alternatives_thirty_levels_deep() {
    let mut doc = document(&json!({}));
    for keyword in ["oneOf", "anyOf", "allOf"] {
        for i in 0..30 {
            let next = json!({"$ref": format!("#/components/schemas/{keyword}{}", i + 1)});
            let list = if keyword == "allOf" {
                json!([next, {"not": {"not": next}}])
            } else {
                json!([next, next])
            };
            doc["components"]["schemas"][format!("{keyword}{i}")] = json!({keyword: list});
        }
        doc["components"]["schemas"][format!("{keyword}30")] = json!({"type": "string"});
        let schema = json!({"type": "object", "properties": {"a": {"$ref": format!("#/components/schemas/{keyword}0")}}});
        doc["paths"][format!("/{keyword}")] = post(keyword, &schema);
    }
    doc["components"]["schemas"]["Self"] =
        json!({"anyOf": [{"$ref": "#/components/schemas/Self"}, {"type": "string"}]});
    doc["components"]["schemas"]["Ping"] =
        json!({"oneOf": [{"$ref": "#/components/schemas/Pong"}, {"type": "null"}]});
    doc["components"]["schemas"]["Pong"] = json!({"allOf": [{"$ref": "#/components/schemas/Ping"}, {"not": {"$ref": "#/components/schemas/Ping"}}]});
    doc["components"]["schemas"]["Tree"] = json!({
        "type": "object",
        "properties": {"l": {"$ref": "#/components/schemas/Tree"}, "r": {"$ref": "#/components/schemas/Tree"}},
        "additionalProperties": false,
    });
    for name in ["Self", "Ping", "Tree"] {
        let schema = json!({"type": "object", "properties": {"a": {"$ref": format!("#/components/schemas/{name}")}}});
        doc["paths"][format!("/{name}")] = post(&name.to_lowercase(), &schema);
    }
    let mut scene = Scene::new(&doc);
    let mut tree = json!({});
    for _ in 0..57 {
        tree = json!({"l": tree.clone()});
    }
    for (tool, value) in [
        ("one_of", json!("x")),
        ("one_of", json!(1)),
        ("any_of", json!(1)),
        ("all_of", json!(1)),
        ("all_of", json!("x")),
        ("self", json!(1)),
        ("self", json!("x")),
        ("ping", json!(1)),
        ("ping", json!(null)),
        ("tree", tree),
    ] {
        let start = Instant::now();
        let (result, requests) = scene.call(tool, json!({"a": value}));
        assert!(
            start.elapsed() < SOON,
            "{tool} {value}: {:?}",
            start.elapsed()
        );
        let fine = matches!(
            error_code(&result),
            "" | "invalid_arguments" | "arguments_too_complex"
        );
        assert!(
            fine && requests.len() == usize::from(error_code(&result).is_empty()),
            "{tool} {value}: {result}"
        );
    }
    // What one call used up is not held against the next.
    let (result, _) = scene.call("tree", json!({"a": {"l": {}}}));
    assert_eq!(result["isError"], false, "{result}");
}

#[test]
fn a13_large_arguments() {
    let strings = json!({"type": "array", "items": {"type": "string"}});
    let schema = json!({"type": "object", "properties": {
        "list": strings, "text": {"type": "string", "pattern": "^(a+)+$"},
        "set": {"type": "array", "uniqueItems": true}, "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "some": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "boolean"}]}},
        "any": {},
    }});
    let mut scene = Scene::new(&document(&json!({"/x": post("create", &schema)})));
    let pid = scene.client.pid();
    let numbers = |count: usize| Value::from((0..count).collect::<Vec<_>>());
    let mut map = Map::new();
    for index in 0..150_000 {
        map.insert(format!("k{index}"), json!(index));
    }
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    for (arguments, codes) in [
        (json!({"list": numbers(400_000)}), ["invalid_arguments"; 2]),
        (json!({"map": map}), ["invalid_arguments"; 2]),
        (
            json!({"some": numbers(300_000)}),
            ["invalid_arguments", "arguments_too_complex"],
        ),
        (Value::Object(map.clone()), ["invalid_arguments"; 2]),
        (
            json!({"text": "a".repeat(3_000_000) + "!"}),
            ["invalid_arguments"; 2],
        ),
        (
            json!({"set": (0..100_000).map(|i| json!({"a": i / 2})).collect::<Vec<_>>()}),
            ["invalid_arguments"; 2],
        ),
        (json!({"any": deep(55)}), ["", ""]),
    ] {
        let start = Instant::now();
        let (result, requests) = scene.call("create", arguments);
        let name = text(&result).chars().take(80).collect::<String>();
        assert!(codes.contains(&error_code(&result)), "{name}");
        assert!(
            result.to_string().len() < 20_000,
            "{} bytes: {name}",
            result.to_string().len()
        );
        assert!(start.elapsed() < SOON, "{:?}: {name}", start.elapsed());
        assert_eq!(requests.len(), usize::from(error_code(&result).is_empty()));
    }
    for (arguments, code) in [
        (format!("{{\"text\":\"{}\"}}", "a".repeat(5 << 20)), -32600),
        (
            format!("{{\"any\":{}1{}}}", "[".repeat(1000), "]".repeat(1000)),
            -32600,
        ),
        (
            format!(
                "{{\"any\":{}1{}}}",
                "{\"a\":".repeat(1000),
                "}".repeat(1000)
            ),
            -32600,
        ),
        (format!("{{\"any\":{}}}", "[".repeat(1_000_000)), -32600),
    ] {
        let start = Instant::now();
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{{\"name\":\"create\",\"arguments\":{arguments}}}}}\n"
        );
        scene.client.send_raw(line.as_bytes());
        assert_eq!(scene.client.recv(PATIENCE)["error"]["code"], code);
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    }
    let peak = peak_memory(pid);
    assert!(peak < MEMORY_MAX, "{} MiB", peak >> 20);
}

/// The most memory that a process has had, in bytes; 0 where that cannot be told.
pub(super) fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or_default() * 1024
}

#[test]
fn a13_numbers_that_do_not_fit() {
    let number =
        json!({"type": "number", "maximum": 1_000_000, "minimum": -1_000_000, "multipleOf": 0.01});
    let parameters = json!([
        param("query", "n", &number),
        param("query", "i", &json!({"type": "integer"})),
        param("query", "limit", &json!({"type": "integer", "maximum": 50})),
        param("query", "m", &json!({"type": "integer", "multipleOf": 3})),
        param("query", "e", &json!({"enum": [1, 2]})),
        param("query", "f", &json!({"type": "number"}))
    ]);
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let media = json!({"application/json": {"schema": schema}});
    let mut rest = json!({"parameters": parameters});
    rest["responses"] = json!({"200": {"description": "ok", "content": media}});
    let doc = document(
        &json!({"/x": operation("get", "get_x", &rest), "/y": operation("get", "get_y", &rest)}),
    );
    let bomb = "{\"n\":1e999999999}";
    let mut scene = Scene::with(&doc, &[], &[], move |request| match request.path() {
        "/y" => crate::support::Reply::content("application/json", bomb),
        _ => willing(request),
    });
    let digits = "9".repeat(1_000_000);
    let fraction = format!("0.{}1", "0".repeat(1_000_000));
    for value in [
        "1e999999999",
        "-1e999999999",
        "1e-999999999",
        "1E+99999999999999999999",
        "1.5e2147483647",
        "0e999999999",
        "1e1000000",
        &*digits,
        &*fraction,
    ] {
        for name in ["n", "i", "m", "e", "f", "limit"] {
            let start = Instant::now();
            let (result, requests) = scene.call_raw("get_x", &format!("{{\"{name}\":{value}}}"));
            let shown: String = text(&result).chars().take(200).collect();
            assert!(
                start.elapsed() < SOON,
                "{name} {:?}: {shown}",
                start.elapsed()
            );
            assert!(
                result.to_string().len() < 5_000,
                "{name}: {} bytes",
                result.to_string().len()
            );
            assert!(requests.len() <= 1, "{name}: {shown}");
            if name != "limit" {
                assert_eq!(error_code(&result), "invalid_arguments", "{name}: {shown}");
            }
        }
    }
    let start = Instant::now();
    let (result, _) = scene.call("get_y", json!({}));
    assert!(
        start.elapsed() < SOON,
        "{:?}: {}",
        start.elapsed(),
        text(&result)
    );
    let peak = peak_memory(scene.client.pid());
    assert!(peak < MEMORY_MAX, "{} MiB", peak >> 20);
}

#[test]
fn a13_many_requirements() {
    let names: Vec<String> = (0..5_000).map(|index| format!("p{index}")).collect();
    let properties: Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!({"type": "string"})))
        .collect();
    let schema = json!({"type": "object", "properties": properties, "required": names});
    let mut scene = Scene::new(&document(&json!({"/x": post("create", &schema)})));
    let start = Instant::now();
    let told = scene.refuses("create", json!({}), "invalid_arguments");
    assert!(
        told.contains("more than 20 violations") && told.len() < 3_000,
        "{told}"
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}
