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

/// The methods and a policy that tries everything again; `key`: with an idempotency key.
fn tenacious(key: bool, handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Scene {
    let mut rule = json!({"match": {"method": "*"}, "enable": "destroy"});
    if key {
        rule["idempotency_key"] = json!({"header": "Idempotency-Key"});
    }
    let on = json!(["connect", 408, 425, 429, 500, 502, 503, 504]);
    let policy = json!({
        "defaults": {"timeout": "20s", "retries": {"max": 2, "on": on, "only": "idempotent"}},
        "rules": [rule],
    });
    Scene::under(&methods(), &policy, &[], handler)
}

#[test]
fn a38_only_what_is_idempotent_is_tried_again() {
    for key in [false, true] {
        let mut scene = tenacious(key, |_: &Recorded| Reply::status(503));
        for (method, idempotent) in [
            ("post", false),
            ("patch", false),
            ("put", true),
            ("delete", true),
            ("read", true),
        ] {
            let arguments = if method == "read" {
                json!({})
            } else {
                json!({"a": "b"})
            };
            let (result, requests) = scene.call(method, arguments);
            let attempts = if key || idempotent { 3 } else { 1 };
            assert_eq!(requests.len(), attempts, "{method}, key: {key}");
            assert_eq!(error_code(&result), "upstream_failed");
            let told = &result["_meta"]["mcpgen/error"]["attempts"];
            if attempts == 1 {
                assert!(told.is_null(), "{result}");
            } else {
                assert_eq!(told, 3, "{result}");
                assert!(text(&result).contains("(3 attempts)"), "{result}");
            }
            // One key for all attempts of a call.
            let mut keys: Vec<_> = requests
                .iter()
                .map(|request| request.header_values("idempotency-key").collect::<Vec<_>>())
                .collect();
            keys.dedup();
            assert_eq!(keys.len(), 1, "{method}: {keys:?}");
            assert_eq!(keys[0].len(), usize::from(key), "{method}: {keys:?}");
        }
    }
}

#[test]
fn a38_each_call_has_a_key_of_its_own() {
    let mut scene = tenacious(true, |_: &Recorded| Reply::json(&json!({})));
    let mut keys: Vec<String> = (0..20)
        .map(|_| {
            let request = scene.sends("post", json!({"a": "b"}));
            request.header("idempotency-key").expect("a key").to_owned()
        })
        .collect();
    // RFC 9562 §5.4: the version and the variant stand in their places.
    for key in &keys {
        let digits = key.bytes().filter(u8::is_ascii_hexdigit).count();
        let at = |index: usize| key.as_bytes()[index];
        assert!(
            key.len() == 36 && digits == 32 && at(14) == b'4' && b"89ab".contains(&at(19)),
            "{key}"
        );
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 20);
}

/// An answer that never comes may be one to a call that was carried out: it is no failure that is tried
/// again, whatever the policy says.
#[test]
fn a38_a_write_that_is_not_answered_is_sent_once_whatever_the_policy_says() {
    for reply in [Reply::Close, Reply::Raw(b"HTTP/1.1 20".to_vec())] {
        let mut scene = tenacious(false, move |_: &Recorded| reply.clone());
        for method in ["post", "put", "patch", "delete"] {
            let (result, requests) = scene.call(method, json!({"a": "b"}));
            assert_eq!(error_code(&result), "upstream_broken", "{method}: {result}");
            assert_eq!(requests.len(), 1, "{method}");
        }
    }
}

#[test]
fn a_failure_that_passes_is_not_told() {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let mut scene = tenacious(false, move |_: &Recorded| {
        match seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::status(503).header("Retry-After", "0"),
            1 => Reply::status(429),
            _ => Reply::json(&json!({"good": true})),
        }
    });
    let (result, requests) = scene.call("read", json!({}));
    assert_eq!(
        (&result["structuredContent"], requests.len()),
        (&json!({"good": true}), 3)
    );
    // There is no time for what the API asks: its answer is passed on at once.
    let mut scene = tenacious(false, |_: &Recorded| {
        Reply::status(429).header("Retry-After", "60")
    });
    let (result, requests) = scene.call("read", json!({}));
    assert_eq!((error_code(&result), requests.len()), ("rate_limited", 1));
    assert_eq!(result["_meta"]["mcpgen/error"]["retry_after_seconds"], 60);
}

#[test]
fn a_connection_that_does_not_come_about_is_tried_again() {
    // A port that nobody listens on.
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let policy = json!({
        "sources": {"shop": {"base_url": format!("http://127.0.0.1:{nobody}")}},
        "defaults": {"retries": {"max": 1, "on": ["connect"]}},
        "rules": [{"match": {"method": "*"}, "enable": "destroy"}],
    });
    let mut scene = Scene::under(&methods(), &policy, &[], |_: &Recorded| Reply::status(200));
    for (tool, attempts) in [("read", 2), ("put", 2), ("post", 0), ("patch", 0)] {
        let (result, _) = scene.call(tool, json!({}));
        assert_eq!(
            error_code(&result),
            "upstream_unreachable",
            "{tool}: {result}"
        );
        let told = result["_meta"]["mcpgen/error"]["attempts"].as_u64();
        assert_eq!(told.unwrap_or_default(), attempts, "{tool}: {result}");
    }
}
