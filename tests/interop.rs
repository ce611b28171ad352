//! The Python and the TypeScript client and the Inspector's command line, in both protocol eras and
//! over both transports, against a served document.
//!
//! `tests/run` installs the clients and names them in `MCPGEN_PYTHON`, `MCPGEN_NODE` and
//! `MCPGEN_NODE_DIR`. Without those a test is skipped with a message, except in CI, where it fails.

use std::env;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::process::run_program;
use crate::support::{HttpServer, Recorded, Reply, Upstream};

mod built;

const PETSHOP: &str = "tests/interop/petshop.yaml";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[derive(Clone, Copy)]
pub(crate) enum Sdk {
    Python,
    TypeScript,
    Inspector,
}

#[derive(Clone, Copy)]
enum Transport {
    Stdio,
    Http,
}

/// A test for each cell of client, transport and era.
macro_rules! cells {
    ($($name:ident: $sdk:ident $transport:ident $era:literal $version:literal;)+) => {
        $(#[test] fn $name() { cell(Sdk::$sdk, Transport::$transport, $era, $version); })+
    };
}

cells! {
    python_stdio_legacy: Python Stdio "legacy" "2025-11-25";
    python_stdio_modern: Python Stdio "modern" "2026-07-28";
    python_http_legacy: Python Http "legacy" "2025-11-25";
    python_http_modern: Python Http "modern" "2026-07-28";
    typescript_stdio_legacy: TypeScript Stdio "legacy" "2025-11-25";
    typescript_stdio_modern: TypeScript Stdio "modern" "2026-07-28";
    typescript_http_legacy: TypeScript Http "legacy" "2025-11-25";
    typescript_http_modern: TypeScript Http "modern" "2026-07-28";
    inspector_stdio_legacy: Inspector Stdio "legacy" "2025-11-25";
    inspector_stdio_modern: Inspector Stdio "modern" "2026-07-28";
    inspector_http_legacy: Inspector Http "legacy" "2025-11-25";
    inspector_http_modern: Inspector Http "modern" "2026-07-28";
}

fn cell(sdk: Sdk, transport: Transport, era: &str, version: &str) {
    let Some(client) = client(sdk) else { return };
    let upstream = Upstream::start(petshop);
    let base = upstream.url();
    let arguments = ["serve", PETSHOP, "--base-url", base.as_str()];
    let mut plan = json!({"era": era, "calls": calls()});
    let server;
    match transport {
        Transport::Stdio => {
            plan["transport"] = json!("stdio");
            let mcpgen = env!("CARGO_BIN_EXE_mcpgen");
            plan["command"] = json!([&[mcpgen][..], &arguments[..]].concat());
        }
        Transport::Http => {
            server = HttpServer::start(&arguments, &[]);
            plan["transport"] = json!("http");
            plan["url"] = json!(server.url());
        }
    }
    let summary = client(&plan);
    // The Inspector does not send a call of a tool that is not listed.
    let unknown = match sdk {
        Sdk::Inspector => json!("tool_not_found"),
        Sdk::Python | Sdk::TypeScript => json!(-32602),
    };
    assert_summary(&summary, version, &unknown);
    assert_requests(&upstream.requests());
}

/// What each client calls, by a name for the summary.
fn calls() -> Value {
    json!({
        "get": ["get_pet", {"pet_id": 7}],
        "list": ["list_pets", {"limit": 2, "tags": ["a", "b c"]}],
        "photo": ["get_pet_photo", {"pet_id": 7}],
        "missing": ["get_pet", {"pet_id": 404}],
        "bad": ["get_pet", {"pet_id": "abc"}],
        "clamped": ["list_pets", {"limit": 1000}],
        "disabled": ["delete_pet", {"pet_id": 7}],
        "unknown": ["no_such_tool", {}],
    })
}

/// The pet shop itself.
fn petshop(request: &Recorded) -> Reply {
    match (request.method(), request.path()) {
        ("GET", "/pets") => Reply::json(&json!([{"id": 7, "name": "Rex"}])),
        ("GET", "/pets/7") => Reply::json(&json!({"id": 7, "name": "Rex", "tags": ["good"]})),
        ("GET", "/pets/7/photo") => Reply::content("image/png", PNG),
        _ => Reply::json(&json!({"message": "no such pet"})).with_status(404),
    }
}

#[track_caller]
fn assert_summary(summary: &Value, version: &str, unknown: &Value) {
    assert_eq!(summary["protocolVersion"], version, "{summary}");
    let mut tools: Vec<_> = list(&summary["tools"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    tools.sort_unstable();
    assert_eq!(tools, ["get_pet", "get_pet_photo", "list_pets"]);

    let calls = &summary["calls"];
    for name in ["get", "list", "photo", "clamped"] {
        assert_eq!(calls[name]["isError"], false, "{name}: {}", calls[name]);
    }
    let rex = json!({"id": 7, "name": "Rex", "tags": ["good"]});
    assert_eq!(calls["get"]["structured"], rex);
    let text = list(&calls["get"]["content"])[0]["text"].as_str();
    let text = text.expect("structured content is also given as text");
    assert_eq!(
        serde_json::from_str::<Value>(text).ok(),
        Some(rex),
        "{text}"
    );
    assert_eq!(
        calls["list"]["structured"],
        json!({"items": [{"id": 7, "name": "Rex"}]})
    );

    let is_image = |block: &&Value| block["type"] == "image";
    let image = list(&calls["photo"]["content"]).iter().find(is_image);
    let image = image.expect("a photo is image content");
    assert_eq!(
        (&image["mimeType"], &image["data"]),
        (&json!("image/png"), &json!("iVBORw0KGgo="))
    );

    assert_tool_error(&calls["bad"], "pet_id");
    assert_tool_error(&calls["missing"], "404");
    for name in ["disabled", "unknown"] {
        assert_eq!(
            &calls[name]["protocolError"]["code"], unknown,
            "{name}: {}",
            calls[name]
        );
    }
}

#[track_caller]
fn assert_tool_error(outcome: &Value, mention: &str) {
    assert_eq!(outcome["isError"], true, "{outcome}");
    let text = list(&outcome["content"])[0]["text"].as_str();
    assert!(text.is_some_and(|text| text.contains(mention)), "{outcome}");
}

/// Only the good calls reached the upstream, each as the document says.
#[track_caller]
fn assert_requests(requests: &[Recorded]) {
    let lines: Vec<_> = requests.iter().map(|r| r.request_line.as_str()).collect();
    let expected = [
        "GET /pets/7 HTTP/1.1",
        "GET /pets?limit=2&tags=a&tags=b%20c HTTP/1.1",
        "GET /pets/7/photo HTTP/1.1",
        "GET /pets/404 HTTP/1.1",
        "GET /pets?limit=100 HTTP/1.1",
    ];
    assert_eq!(lines, expected);
}

#[track_caller]
fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("not an array: {value}"))
}

/// A function that gives a plan to the client and returns its summary; nothing if the client is not
/// installed.
pub(crate) fn client(sdk: Sdk) -> Option<impl Fn(&Value) -> Value> {
    let (program, script, variables) = match sdk {
        Sdk::Python => (
            installed("MCPGEN_PYTHON")?,
            "tests/interop/python_client.py",
            vec![],
        ),
        Sdk::TypeScript | Sdk::Inspector => {
            let folder = installed("MCPGEN_NODE_DIR")?;
            let node = env::var("MCPGEN_NODE").unwrap_or_else(|_| "node".to_owned());
            let script = match sdk {
                Sdk::Inspector => "tests/interop/inspector.mjs",
                _ => "tests/interop/ts_client.mjs",
            };
            (node, script, vec![("MCPGEN_NODE_DIR", folder)])
        }
    };
    Some(move |plan: &Value| {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, v)| (*name, v.as_str()))
            .collect();
        let output = run_program(&program, &[script, &plan.to_string()], &variables, b"");
        output.expect(0).json()
    })
}

/// The value of a variable that `tests/run` sets, if it is set.
pub(crate) fn installed(variable: &str) -> Option<String> {
    let value = env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let message = format!("{variable} is not set (bash tests/run installs the clients)");
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{message}");
        // Written past the capture of test output: a skipped test should be seen.
        let _ = writeln!(std::io::stderr(), "skipped: {message}");
    }
    value
}
