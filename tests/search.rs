//! Search mode: how well questions in plain words find the operations that answer them, and what a
//! client meets.

mod bounds;
mod calls;
mod list;
mod quality;

use serde_json::Value;

use crate::support::{Client, Recorded, Reply, Upstream};

const PETSHOP: &str = "tests/interop/petshop.yaml";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The pet shop itself.
fn shop(request: &Recorded) -> Reply {
    match (request.method(), request.path()) {
        ("GET", "/pets") => Reply::json(&serde_json::json!([{"id": 7, "name": "Rex"}])),
        ("GET", "/pets/7") => Reply::json(&serde_json::json!({"id": 7, "name": "Rex"})),
        ("GET", "/pets/7/photo") => Reply::content("image/png", PNG),
        ("POST", "/pets") => Reply::json(&serde_json::json!({"id": 8, "name": "Mia"})),
        ("DELETE", "/pets/7") => Reply::content("text/plain", b"").with_status(204),
        _ => Reply::json(&serde_json::json!({"message": "no such pet"})).with_status(404),
    }
}

/// A client of the pet shop, served with these options, in the newer era.
#[track_caller]
fn client(upstream: &Upstream, options: &[&str]) -> Client {
    let base = upstream.url();
    let args = [&["serve", PETSHOP, "--base-url", &base], options].concat();
    Client::start(&args, &[]).modern()
}

/// The text of a result.
#[track_caller]
fn text(result: &Value) -> &str {
    let text = result["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text: {result}"))
}

/// What kind of failure a result tells of.
fn code(result: &Value) -> Option<&str> {
    result["_meta"]["mcpgen/error"]["code"].as_str()
}

/// The names of the tools that a search found.
#[track_caller]
fn names(result: &Value) -> Vec<&str> {
    let tools = result["structuredContent"]["tools"].as_array();
    let tools = tools.unwrap_or_else(|| panic!("no tools: {result}"));
    tools
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect()
}
