//! The HTTP endpoint: who may talk to it, what it refuses, and that clients do not meet each other.

mod edges;

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::{Connection, call_body};
use crate::support::{HttpServer, PATIENCE, Recorded, Reply, Upstream, run};

const PETSHOP: &str = "tests/interop/petshop.yaml";
const LEGACY: [(&str, &str); 3] = [
    ("Content-Type", "application/json"),
    ("Accept", "application/json, text/event-stream"),
    ("MCP-Protocol-Version", "2025-11-25"),
];
const PING: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

fn serve(upstream: &Upstream) -> HttpServer {
    HttpServer::start(&["serve", PETSHOP, "--base-url", &upstream.url()], &[])
}

/// Answers a pet with the number that was asked for.
fn echo(request: &Recorded) -> Reply {
    let number = request.path().rsplit('/').next().unwrap_or_default();
    Reply::json(&json!({"id": number.parse::<u64>().unwrap_or(0), "name": format!("pet {number}")}))
}

/// The headers of a legacy request with some of them replaced or added.
fn headers<'a>(other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let replaced = |name: &str| other.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let host = [("Host", "127.0.0.1")];
    let usual = host
        .iter()
        .chain(&LEGACY)
        .filter(|(name, _)| !replaced(name));
    usual.chain(other).copied().collect()
}

#[test]
fn a21_dns_rebinding() {
    let upstream = Upstream::start(echo);
    let server = serve(&upstream);
    let port = server.address.port();
    let own = format!("127.0.0.1:{port}");
    let local = format!("localhost:{port}");
    for (other, status) in [
        (vec![("Host", own.as_str())], 200),
        (vec![("Host", local.as_str())], 200),
        (vec![("Host", "[::1]")], 200),
        (vec![("Host", "evil.example")], 403),
        (vec![("Host", "127.0.0.1.evil.example")], 403),
        (vec![("Host", "localhost.evil.example")], 403),
        (vec![("Host", "")], 400),
        (vec![("Host", "127.0.0.1"), ("Host", "evil.example")], 400),
        (vec![("Origin", "http://localhost:3000")], 200),
        (vec![("Origin", "http://127.0.0.1:8080")], 200),
        (vec![("Origin", "https://evil.example")], 403),
        (vec![("Origin", "null")], 403),
        (vec![("Origin", "http://localhost.evil.example")], 403),
        (
            vec![
                ("Origin", "http://localhost"),
                ("Origin", "http://evil.example"),
            ],
            403,
        ),
    ] {
        let response = server.connect().post("/mcp", &headers(&other), PING);
        let bad = (400..500).contains(&response.status) && (400..500).contains(&status);
        assert!(
            response.status == status || bad,
            "{other:?}: {}",
            response.status
        );
    }
    let absolute = server
        .connect()
        .post("http://evil.example/mcp", &headers(&[]), PING);
    assert!(absolute.status >= 400, "absolute-form: {}", absolute.status);
}

#[test]
fn a22_cross_site_tool_execution() {
    let upstream = Upstream::start(echo);
    let server = serve(&upstream);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "get_pet", "arguments": {"pet_id": 1}}});
    let body = body.to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "",
    ] {
        let other = [("Content-Type", content_type)];
        let response = server
            .connect()
            .post("/mcp", &headers(&other), body.as_bytes());
        assert_eq!(response.status, 415, "{content_type}");
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn a24_no_cross_talk() {
    const CLIENTS: u64 = 1_000;
    const THREADS: u64 = 50;
    let upstream = Upstream::start(echo);
    let server = serve(&upstream);
    let (address, path) = (server.address, server.path.clone());
    let start = Arc::new(Barrier::new(usize::try_from(THREADS).unwrap()));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (path, start) = (path.clone(), Arc::clone(&start));
            thread::spawn(move || {
                // Each client has a connection of its own, and all use the same JSON-RPC id.
                let numbers = (thread..CLIENTS).step_by(usize::try_from(THREADS).unwrap());
                let mut clients: Vec<_> = numbers
                    .map(|n| (n + 1, Connection::open(address)))
                    .collect();
                start.wait();
                for (number, client) in &mut clients {
                    let body = call_body(&json!(7), "get_pet", &json!({"pet_id": *number}));
                    client.send(&modern_post(&path, &body)).expect("sent");
                }
                for (number, client) in &mut clients {
                    let response = client.response().expect("an answer").json();
                    assert_eq!(response["id"], 7);
                    let structured = &response["result"]["structuredContent"];
                    assert_eq!(structured["id"], *number, "{response}");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no cross-talk");
    }
    assert_eq!(upstream.requests().len(), usize::try_from(CLIENTS).unwrap());
}

fn modern_post(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: tools/call\r\nMcp-Name: get_pet\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn a36_off_and_unknown_tools_look_alike() {
    let upstream = Upstream::start(echo);
    let server = serve(&upstream);
    let answer = |tool: &str| {
        let response = server
            .connect()
            .rpc(&server.path, &json!(1), tool, &json!({}));
        response.to_string().replace(tool, "TOOL")
    };
    assert_eq!(answer("delete_pet"), answer("no_such_tool"));
}

#[test]
fn a41_hostile_clients_do_not_grow_memory() {
    let upstream = Upstream::start(echo);
    let server = serve(&upstream);
    let answers = || {
        assert_eq!(
            server.call("get_pet", &json!({"pet_id": 3}))["structuredContent"]["id"],
            3
        );
    };
    answers();
    let before = server.resident_kib();
    for round in 0..4 {
        let half = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                     Accept: application/json, text/event-stream\r\nContent-Length: 4000000\r\n\r\n{";
        let starts: [&[u8]; 3] = [b"", b"POST /mcp HTTP/1.1\r\nHost:", half];
        // Idle, half a head, half a body: all at once, then gone without a word.
        let hostile: Vec<_> = (0..300)
            .map(|n| {
                let mut connection = server.connect();
                connection.send(starts[n % starts.len()]).expect("sent");
                connection
            })
            .collect();
        answers();
        // Calls whose clients do not wait for the answer.
        for number in 0..100 {
            let mut connection = server.connect();
            let body = call_body(&json!(1), "get_pet", &json!({"pet_id": number + 1}));
            connection.send(&modern_post("/mcp", &body)).expect("sent");
        }
        drop(hostile);
        answers();
        let grown = server.resident_kib().saturating_sub(before);
        assert!(grown < 40 * 1024, "round {round}: grew by {grown} KiB");
    }
}

#[test]
fn a25_large_messages_are_refused() {
    let upstream = Upstream::start(echo);
    let server = serve(&upstream);
    let large = vec![b' '; 5 * 1024 * 1024];
    let mut connection = server.connect();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n",
        large.len()
    );
    connection.send(head.as_bytes()).expect("sent");
    // The server may answer and close before it has read everything.
    let _ = connection.send(&large);
    if let Ok(response) = connection.response() {
        assert_eq!(response.status, 413);
    }
    assert_eq!(
        server.call("get_pet", &json!({"pet_id": 3}))["structuredContent"]["id"],
        3
    );
}

#[test]
fn a35_only_loopback_without_authentication() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let output = run(
            &[
                "serve",
                PETSHOP,
                "--base-url",
                "http://127.0.0.1:9",
                "--http",
                address,
            ],
            &[],
            "",
        );
        assert_eq!(output.status, 2, "{}", output.stderr);
        assert!(
            output.stderr.contains("--allow-unauthenticated"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn messages_are_scanned_as_on_stdio() {
    let upstream = Upstream::start(echo);
    let server = serve(&upstream);
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{}{}}}}}"#,
        "[".repeat(80),
        "]".repeat(80)
    );
    for (body, code) in [
        ("garbage", -32700),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#,
            -32600,
        ),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (deep.as_str(), -32600),
    ] {
        let response = server
            .connect()
            .post("/mcp", &headers(&[]), body.as_bytes());
        assert_eq!(
            (response.status, &response.json()["error"]["code"]),
            (400, &json!(code)),
            "{body}"
        );
    }
    let body = call_body(&json!(1), "get_pet", &json!({"pet_id": 1})).to_string();
    let lying = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "list_pets"),
    ];
    let response = server
        .connect()
        .post("/mcp", &headers(&lying), body.as_bytes());
    assert_eq!(
        (response.status, &response.json()["error"]["code"]),
        (400, &json!(-32020))
    );
    assert_eq!(upstream.requests().len(), 0);
}

/// Calls whose headers are as usual are answered without rmcp: nobody can tell.
#[test]
fn plain_calls_are_answered_as_rmcp_would() {
    let upstream = Upstream::start(|request| match request.path() {
        "/pets/404" => Reply::json(&json!({"title": "no such pet"})).with_status(404),
        "/pets" => Reply::json(&json!([{"id": 1.10, "name": "one"}])),
        _ => echo(request),
    });
    let server = serve(&upstream);
    let meta = &call_body(&json!(0), "", &json!({}))["params"]["_meta"];
    let mut capable = meta.clone();
    capable["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"form": {}}});
    capable["progressToken"] = json!("p");
    let mut wrong = meta.clone();
    wrong["io.modelcontextprotocol/clientCapabilities"] = json!(1);
    let token = json!({"progressToken": 7});
    let mut lying = meta.clone();
    lying["io.modelcontextprotocol/protocolVersion"] = json!("2025-11-25");
    for (id, tool, arguments, meta, status) in [
        (json!(1), "get_pet", json!({"pet_id": 3}), meta, 200),
        (json!("one"), "get_pet", json!({"pet_id": 3}), &capable, 200),
        (json!(-1), "get_pet", json!({"pet_id": 404}), meta, 200),
        (json!(1), "list_pets", json!({"limit": 5000}), meta, 200),
        (json!(1), "get_pet", json!({"id": "x"}), meta, 200),
        (json!(1), "get_pet", json!({"pet_id": 3}), &wrong, 400),
        (json!(1), "get_pet", json!({"pet_id": 3}), &lying, 400),
        (json!(1), "get_pet", json!({"pet_id": 3}), &Value::Null, 400),
        (json!(1), "get_pet", json!({"pet_id": 3}), &token, 400),
        (json!(1), "no_such_tool", json!({}), &token, 400),
        (json!(1), "no_such_tool", json!({}), meta, 200),
        (
            json!(18_446_744_073_709_551_615_u64),
            "get_pet",
            json!({"pet_id": 3}),
            meta,
            415,
        ),
    ] {
        let mut body = call_body(&id, tool, &arguments);
        body["params"]["_meta"] = meta.clone();
        let body = body.to_string();
        let answer = |accept, version| {
            let other = [
                ("Accept", accept),
                ("MCP-Protocol-Version", version),
                ("Mcp-Method", "tools/call"),
                ("Mcp-Name", tool),
            ];
            let mut connection = server.connect();
            let response = connection.post("/mcp", &headers(&other), body.as_bytes());
            let head = ["content-type", "content-length", "cache-control"]
                .map(|name| response.header(name).map(str::to_owned));
            let text = String::from_utf8_lossy(&response.body).into_owned();
            (response.status, head, text)
        };
        let usual = "application/json, text/event-stream";
        let unusual = "text/event-stream;q=0.5, application/json";
        let plain = answer(usual, "2026-07-28");
        assert_eq!(plain, answer(unusual, "2026-07-28"), "{body}");
        assert_eq!(plain.0, status, "{body}: {}", plain.2);
        for version in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
            let legacy = answer(usual, version);
            assert_eq!(legacy, answer(unusual, version), "{version}: {body}");
        }
    }
}

#[test]
fn a_client_that_leaves_cancels_its_call() {
    let upstream = Upstream::start(|_| Reply::Hang);
    let server = serve(&upstream);
    let mut connection = server.connect();
    let body = call_body(&json!(1), "get_pet", &json!({"pet_id": 1}));
    connection.send(&modern_post("/mcp", &body)).expect("sent");
    upstream.wait_for(1, PATIENCE);
    drop(connection);
    assert_eq!(upstream.wait_for_abandoned(1, PATIENCE), [0]);
}

#[test]
fn a_signal_drains() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let upstream = Upstream::start(move |request| {
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        echo(request)
    });
    let mut server = serve(&upstream);
    let mut connection = server.connect();
    let body = call_body(&json!(1), "get_pet", &json!({"pet_id": 5}));
    connection.send(&modern_post("/mcp", &body)).expect("sent");
    upstream.wait_for(1, PATIENCE);
    server.signal("TERM");
    release.send(()).expect("the upstream waits");
    let response = connection
        .response()
        .expect("the call in flight ends")
        .json();
    assert_eq!(response["result"]["structuredContent"]["id"], 5);
    let status = server
        .wait(Duration::from_secs(20))
        .expect("the server ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn health_readiness_and_the_base_path() {
    let upstream = Upstream::start(echo);
    let args = [
        "serve",
        PETSHOP,
        "--base-url",
        &upstream.url(),
        "--base-path",
        "/agents/mcp",
    ];
    let server = HttpServer::start(&args, &[]);
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/mcp", 404),
        ("/agents/mcp", 405),
    ] {
        let mut connection = server.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        connection.send(request.as_bytes()).expect("sent");
        assert_eq!(
            connection.response().expect("an answer").status,
            status,
            "{path}"
        );
    }
    assert_eq!(
        server.call("get_pet", &json!({"pet_id": 9}))["structuredContent"]["id"],
        9
    );
}
