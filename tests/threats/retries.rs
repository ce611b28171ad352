//! A38: a write is sent twice.

use serde_json::{Value, json};

use super::scene::{Scene, document, error_code, operation, text};
use crate::support::{PATIENCE, Recorded, Reply};

/// One operation a method on `/x`, and a read beside them.
fn methods() -> Value {
    let mut item = serde_json::Map::new();
    for method in ["post", "put", "patch", "delete"] {
        let body = json!({"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}}});
        item.extend(
            operation(method, method, &body)
                .as_object()
                .unwrap()
                .clone(),
        );
    }
    document(&json!({"/x": item, "/read": operation("get", "read", &json!({}))}))
}

#[test]
fn a38_a_write_that_is_not_answered_is_sent_once() {
    for (name, reply, code) in [
        ("closed", Reply::Close, "upstream_broken"),
        (
            "cut in the status line",
            Reply::Raw(b"HTTP/1.1 20".to_vec()),
            "upstream_broken",
        ),
        (
            "cut in the body",
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
            "upstream_broken",
        ),
        ("no answer", Reply::Hang, "timeout"),
        (
            "busy",
            Reply::status(503).header("Retry-After", "0"),
            "upstream_failed",
        ),
        (
            "limited",
            Reply::status(429).header("Retry-After", "0"),
            "rate_limited",
        ),
        ("too early", Reply::status(425), "upstream_error"),
        (
            "took too long",
            Reply::status(408).header("Connection", "close"),
            "upstream_error",
        ),
        ("bad gateway", Reply::status(502), "upstream_failed"),
        ("unavailable", Reply::status(503), "upstream_failed"),
        (
            "a page",
            Reply::content("text/html", "<html>"),
            "unexpected_html",
        ),
        (
            "half JSON",
            Reply::content("application/json", "{\"a\":"),
            "invalid_json",
        ),
        (
            "too much",
            Reply::json(&json!("a".repeat(3_000_000))),
            "response_too_large",
        ),
        (
            "a long error",
            Reply::content("text/plain", "a".repeat(3_000_000)).with_status(500),
            "upstream_failed",
        ),
        (
            "unauthorized",
            Reply::status(401).header("WWW-Authenticate", "Basic"),
            "upstream_unauthorized",
        ),
    ] {
        let mut scene = Scene::with(
            &methods(),
            &["--enable", "destroy", "--timeout", "400ms"],
            &[],
            move |request: &Recorded| match request.method() {
                "GET" => Reply::json(&json!({})),
                _ => reply.clone(),
            },
        );
        for method in ["post", "put", "patch", "delete"] {
            // The connection is a kept one: a client may take its end for "never processed".
            let read = scene.sends("read", json!({}));
            let (result, requests) = scene.call(method, json!({"a": "b"}));
            assert_eq!(error_code(&result), code, "{name} {method}: {result}");
            let [request] = &requests[..] else {
                panic!("{name} {method}: {requests:?}")
            };
            assert_eq!(
                request.connection, read.connection,
                "{name} {method}: it was not reused"
            );
            // Only an API that says "later" did nothing.
            let later = matches!(name, "busy" | "limited");
            let hint = text(&result);
            assert_eq!(
                result["_meta"]["mcpgen/error"]["retryable"], later,
                "{name} {method}"
            );
            let open = !later && !matches!(code, "upstream_error" | "upstream_unauthorized");
            assert_eq!(
                hint.contains("hint: the call may have had its effect; check before repeating it"),
                open,
                "{name} {method}: {hint}"
            );
        }
    }
}

#[test]
fn a38_a_connection_that_died_while_idle() {
    // Answers that say "kept alive" and end the connection: the next write meets a dead one. It may
    // fail or go over a new one, but it never arrives twice.
    let mut scene = Scene::with(&methods(), &["--enable", "destroy"], &[], |_: &Recorded| {
        Reply::Raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
                .to_vec(),
        )
    });
    for round in 0..30 {
        let (result, requests) = scene.call("post", json!({"a": round.to_string()}));
        assert!(requests.len() <= 1, "{round}: {requests:?}");
        assert_eq!(
            requests.len() == 1 && error_code(&result).is_empty(),
            error_code(&result).is_empty(),
            "{result}"
        );
    }
}

#[test]
fn a38_a_write_that_is_cancelled_is_not_sent_again() {
    let mut scene = Scene::with(
        &methods(),
        &["--enable", "destroy"],
        &[],
        |request: &Recorded| match request.method() {
            "GET" => Reply::json(&json!({})),
            _ => Reply::Hang,
        },
    );
    let id = scene.client.send_request(
        "tools/call",
        json!({"name": "post", "arguments": {"a": "b"}}),
    );
    scene.upstream.wait_for(1, PATIENCE);
    scene.client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    scene.upstream.wait_for_abandoned(1, PATIENCE);
    let (_, requests) = scene.call("read", json!({}));
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.method() == "POST")
            .count(),
        1
    );
}
