//! Calls through `call_read_tool` and `call_write_tool`: what comes of them is what comes of a direct
//! call.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use mcpgen::runtime::backend::Outcome;
use mcpgen::runtime::backends;
use mcpgen::runtime::config::Config;
use mcpgen::runtime::error::CallError;
use mcpgen::runtime::hooks::{Arguments, Hooks, Step};
use mcpgen::runtime::manifest::Manifest;
use mcpgen::runtime::plain::Promise;
use mcpgen::runtime::scan::scan;
use mcpgen::runtime::server::Server;
use serde_json::{Value, json};

use super::{PETSHOP, client, code, shop, text};
use crate::support::{Client, HttpServer, Recorded, Reply, Upstream, run};

/// Which of the two calls a tool, the tool, and its arguments.
fn calls() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("call_read_tool", "get_pet", json!({"pet_id": 7})),
        ("call_read_tool", "get_pet", json!({"pet_id": 404})),
        ("call_read_tool", "get_pet", json!({"pet_id": "../x"})),
        (
            "call_read_tool",
            "get_pet",
            json!({"pet_id": 7, "admin": true}),
        ),
        ("call_read_tool", "list_pets", json!({"limit": 5000})),
        (
            "call_read_tool",
            "list_pets",
            json!({"limit": 0, "tags": ["a b", "c"]}),
        ),
        ("call_read_tool", "get_pet_photo", json!({"pet_id": 7})),
        ("call_write_tool", "create_pet", json!({"name": "Mia"})),
        ("call_write_tool", "create_pet", json!({})),
        ("call_write_tool", "delete_pet", json!({"pet_id": 7})),
    ]
}

#[test]
fn results_and_requests_are_those_of_direct_calls() {
    let upstream = Upstream::start(shop);
    let start = |mode: &str| client(&upstream, &["--enable", "destroy", "--tools", mode]);
    let (mut direct, mut search) = (start("list"), start("search"));
    for (caller, tool, arguments) in calls() {
        let before = upstream.requests().len();
        let want = direct.call(tool, arguments.clone());
        let sent = upstream.requests();
        let got = search.call(caller, json!({"name": tool, "arguments": arguments}));
        assert_eq!(got, want, "{tool} {arguments}");
        let requests = upstream.requests();
        let same = |from: usize, to: usize| -> Vec<_> {
            let requests = requests[from..to].iter();
            requests.map(Recorded::transcript).collect()
        };
        assert_eq!(same(before, sent.len()), same(sent.len(), requests.len()));
    }
}

/// The deadline of a call is that of the inner call.
#[test]
fn deadlines() {
    let upstream = Upstream::start(|_: &Recorded| Reply::Hang);
    let start = |mode: &str| client(&upstream, &["--timeout", "100ms", "--tools", mode]);
    let (mut direct, mut search) = (start("list"), start("search"));
    let want = direct.call("get_pet", json!({"pet_id": 7}));
    assert_eq!(code(&want), Some("timeout"));
    let inner = json!({"name": "get_pet", "arguments": {"pet_id": 7}});
    assert_eq!(search.call("call_read_tool", inner), want);
}

#[test]
fn each_caller_has_its_own_tools() {
    let upstream = Upstream::start(shop);
    let options = ["--enable", "write", "--tools", "search", "--pin", "get_pet"];
    let mut client = client(&upstream, &options);
    for (caller, name, want, part) in [
        (
            "call_read_tool",
            "create_pet",
            "wrong_effect",
            "call it with `call_write_tool`",
        ),
        (
            "call_write_tool",
            "list_pets",
            "wrong_effect",
            "call it with `call_read_tool`",
        ),
        // It is held back: no tool of this server.
        (
            "call_read_tool",
            "delete_pet",
            "unknown_tool",
            "no tool is called `delete_pet`",
        ),
        (
            "call_write_tool",
            "delete_pet",
            "unknown_tool",
            "search_tools finds tools",
        ),
        (
            "call_read_tool",
            "Get_Pets",
            "unknown_tool",
            "did you mean `get_pet`",
        ),
        (
            "call_read_tool",
            "call_write_tool",
            "unknown_tool",
            "call `call_write_tool` itself",
        ),
        (
            "call_write_tool",
            "search_tools",
            "unknown_tool",
            "call `search_tools` itself",
        ),
        ("call_read_tool", "", "unknown_tool", "no tool is called ``"),
        (
            "call_read_tool",
            "a\u{7}\nb",
            "unknown_tool",
            "no tool is called `ab`",
        ),
    ] {
        let arguments = json!({"name": name, "arguments": {"name": "Mia", "effect": "read"}});
        let result = client.call(caller, arguments);
        assert_eq!(code(&result), Some(want), "{caller} {name}: {result}");
        assert!(text(&result).contains(part), "{caller} {name}: {result}");
    }
    // By its own name only what is listed.
    let direct = |client: &mut Client, name: &str| {
        let params = json!({"name": name, "arguments": {"pet_id": 7}});
        let response = client.request("tools/call", params);
        response["error"]["message"].as_str().map(str::to_owned)
    };
    assert_eq!(direct(&mut client, "get_pet"), None);
    for (name, want) in [
        (
            "list_pets",
            "unknown tool `list_pets`; it is not listed: call it with `call_read_tool`",
        ),
        (
            "create_pet",
            "unknown tool `create_pet`; it is not listed: call it with `call_write_tool`",
        ),
        (
            "delete_pet",
            "unknown tool `delete_pet`; `search_tools` finds tools",
        ),
    ] {
        assert_eq!(direct(&mut client, name).as_deref(), Some(want));
    }
    let requests = upstream.requests();
    assert_eq!(requests.len(), 1, "only the pinned tool was called");
}

/// The log names the tool that was called, and what it was called with.
#[test]
fn the_log_names_the_inner_tool() {
    let upstream = Upstream::start(shop);
    let options = ["--tools", "search", "--log-format", "json"];
    let mut client = client(&upstream, &options);
    client.call(
        "call_read_tool",
        json!({"name": "get_pet", "arguments": {"pet_id": 7}}),
    );
    client.call("search_tools", json!({"query": "pet"}));
    client.close_stdin();
    client.wait(crate::support::PATIENCE);
    let log = client.stderr();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls: Vec<Value> = lines
        .map(|line| line["fields"].clone())
        .filter(|f| f["message"] == "call")
        .collect();
    let told: Vec<_> = calls
        .iter()
        .map(|c| (&c["tool"], &c["via"], &c["outcome"]))
        .collect();
    let (via, none) = (json!("call_read_tool"), Value::Null);
    let (get, find, ok) = (json!("get_pet"), json!("search_tools"), json!("ok"));
    assert_eq!(told, [(&get, &via, &ok), (&find, &none, &ok)]);
}

/// Over HTTP a plain call is answered in place and any other by the SDK; both know only what is listed.
#[test]
fn over_http_too() {
    let upstream = Upstream::start(shop);
    let base = upstream.url();
    let args = [
        "serve",
        PETSHOP,
        "--base-url",
        &base,
        "--tools",
        "search",
        "--pin",
        "get_pet",
    ];
    let server = HttpServer::start(&args, &[]);
    let call = |name: &str, arguments: Value, plain: bool| {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
        let params = json!({"name": name, "arguments": arguments, "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let mut headers = vec![
            ("Host", "127.0.0.1"),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", name),
        ];
        if !plain {
            headers.push(("Origin", "http://localhost:3000"));
        }
        let mut connection = server.connect();
        connection.begin(&server.path, &headers, body.to_string().as_bytes());
        let response = connection.response().expect("a response");
        let body: Value = serde_json::from_slice(&response.body).expect("JSON");
        body
    };
    let pet = json!({"pet_id": 7});
    let inner = json!({"name": "get_pet", "arguments": pet});
    for plain in [true, false] {
        let direct = call("get_pet", pet.clone(), plain);
        assert_eq!(
            direct["result"]["structuredContent"],
            json!({"id": 7, "name": "Rex"})
        );
        assert_eq!(call("call_read_tool", inner.clone(), plain), direct);
        let found = call("search_tools", json!({"query": "photo"}), plain);
        assert_eq!(
            found["result"]["structuredContent"]["tools"][0]["name"],
            "get_pet_photo"
        );
        let unlisted = call("get_pet_photo", pet.clone(), plain);
        assert_eq!(unlisted["error"]["code"], -32602, "{unlisted}");
    }
}

/// A hook that notes what it sees and refuses one tool.
struct Notes(Mutex<Vec<String>>);

impl Hooks for Notes {
    fn before<'a>(
        &'a self,
        tool: &'a str,
        args: Arguments,
    ) -> BoxFuture<'a, Result<Step<Arguments>, CallError>> {
        self.0
            .lock()
            .unwrap()
            .push(format!("{tool} {}", Value::Object(args)));
        let refusal = CallError::new("refused_by_hook", "not today");
        Box::pin(std::future::ready(Err(refusal)))
    }

    fn after<'a>(
        &'a self,
        _tool: &'a str,
        result: Result<Outcome, CallError>,
    ) -> BoxFuture<'a, Result<Outcome, CallError>> {
        Box::pin(std::future::ready(result))
    }
}

#[tokio::test]
async fn hooks_see_the_inner_tool() {
    let plan = run(&["plan", PETSHOP, "--json", "--tools", "search"], &[], "").expect(0);
    let manifest: Manifest = serde_json::from_str(&plan.stdout).unwrap();
    let backends = backends::open(&manifest, &Config::default()).unwrap();
    let notes = Arc::new(Notes(Mutex::new(Vec::new())));
    let server = Server::with_hooks(&manifest, backends, &Config::default(), Some(notes.clone()));
    let ask = async |name: &str, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let message = scan(call.to_string().as_bytes()).unwrap();
        let call = server
            .plain_call(message, Promise::Legacy)
            .expect("a plain call");
        serde_json::from_slice::<Value>(&server.answer(call).await).unwrap()["result"].clone()
    };
    let inner = json!({"name": "list_pets", "arguments": {"limit": 5000}});
    let refused = ask("call_read_tool", inner).await;
    assert_eq!(code(&refused), Some("refused_by_hook"), "{refused}");
    ask("search_tools", json!({"query": "pet"})).await;
    assert_eq!(*notes.0.lock().unwrap(), [r#"list_pets {"limit":100}"#]);
}
