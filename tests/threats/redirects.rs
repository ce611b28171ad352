//! A4: a redirect takes a call, or its credentials, elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::scene::{Scene, document, error_code, operation, willing};
use crate::support::{Recorded, Reply, Upstream};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];
const ENV: [(&str, &str); 3] = [
    ("SHOP_TOKEN", "bearer-canary"),
    ("SHOP_KEY", "key-canary"),
    ("SHOP_QUERY", "query-canary"),
];

/// One operation a method; all three kinds of credentials go with each.
fn guarded() -> Value {
    let mut item = serde_json::Map::new();
    for method in ["get", "head", "options", "post", "put", "patch", "delete"] {
        let one = operation(
            method,
            &format!("{method}_it"),
            &json!({"security": [{"token": [], "key": [], "query": []}]}),
        );
        item.extend(one.as_object().unwrap().clone());
    }
    let mut doc = document(&json!({"/from": item}));
    doc["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "query": {"type": "apiKey", "in": "query", "name": "api_key"},
    });
    doc
}

/// An upstream that answers `/from` with a redirect that the test sets, and others with `{}`.
fn scene(location: impl Fn(&Recorded) -> (u16, String) + Send + Sync + 'static) -> Scene {
    Scene::with(&guarded(), &["--enable", "destroy"], &ENV, move |request| {
        if request.path() == "/from" {
            let (status, to) = location(request);
            Reply::status(status).header("Location", &to)
        } else {
            Reply::json(&json!({"arrived": true}))
        }
    })
}

#[test]
fn a04_redirects_to_others_are_not_followed() {
    let sentinel = Upstream::start(willing);
    let port = sentinel.port();
    let next = Arc::new(Mutex::new((0, String::new())));
    let mut scene = scene({
        let next = next.clone();
        move |_| next.lock().unwrap().clone()
    });
    let own = scene.upstream.port();
    let targets = [
        format!("http://127.0.0.1:{port}/x"),
        format!("//127.0.0.1:{port}/x"),
        format!("\\\\127.0.0.1:{port}/x"),
        format!("/\\127.0.0.1:{port}/x"),
        format!("http:\\\\127.0.0.1:{port}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://localhost:{own}/x"),
        format!("http://127.0.0.1:{own}@127.0.0.1:{port}/x"),
        format!("\t//127.0.0.1:{port}/x"),
        format!("https://127.0.0.1:{own}/x"),
        "http://169.254.169.254/latest".to_owned(),
        "http://127.0.0.1/x".to_owned(),
        format!("http://a:b@127.0.0.1:{own}/x"),
        "file:///etc/passwd".to_owned(),
        "javascript:alert(1)".to_owned(),
        "http://".to_owned(),
    ];
    for status in STATUSES {
        for target in &targets {
            *next.lock().unwrap() = (status, target.clone());
            for tool in ["get_it", "post_it"] {
                let (result, requests) = scene.call(tool, json!({}));
                assert_eq!(
                    error_code(&result),
                    "redirect_refused",
                    "{status} {target}: {result}"
                );
                assert_eq!(result["_meta"]["mcpgen/error"]["status"], status);
                assert_eq!(requests.len(), 1, "{status} {target}");
                assert!(!result.to_string().contains(&port.to_string()), "{result}");
            }
        }
    }
    assert_eq!(sentinel.connections(), 0);
}

#[test]
fn a04_reads_follow_within_their_origin_and_writes_never() {
    for status in STATUSES {
        let mut scene = scene(move |request| {
            let port = request
                .header("host")
                .unwrap()
                .rsplit(':')
                .next()
                .unwrap()
                .to_owned();
            (
                status,
                if status == 302 {
                    "to?a=b".to_owned()
                } else {
                    format!("http://127.0.0.1:{port}/to")
                },
            )
        });
        let (result, requests) = scene.call("get_it", json!({}));
        assert_eq!(
            result["structuredContent"],
            json!({"arrived": true}),
            "{status}: {result}"
        );
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].path(), "/to");
        assert_eq!(requests[1].header("x-api-key"), Some("key-canary"));
        for method in ["post", "put", "patch", "delete", "options"] {
            let (result, requests) = scene.call(&format!("{method}_it"), json!({}));
            assert_eq!(
                error_code(&result),
                "redirect_refused",
                "{status} {method}: {result}"
            );
            assert_eq!(requests.len(), 1, "{status} {method}");
        }
    }
}

#[test]
fn a04_a_loop_ends_and_a_redirect_to_nowhere_too() {
    let count = AtomicUsize::new(0);
    let mut doc = guarded();
    doc["paths"]["/odd"] = operation("get", "odd", &json!({}));
    let mut scene = Scene::with(&doc, &[], &ENV, move |request| {
        if request.path() == "/odd" {
            return Reply::status(302);
        }
        let hop = count.fetch_add(1, Ordering::SeqCst);
        let next = if hop.is_multiple_of(2) {
            "/ping"
        } else {
            "/from"
        };
        match hop {
            0..20 => Reply::status(302).header("Location", next),
            _ => Reply::json(&json!({})),
        }
    });
    let (result, requests) = scene.call("get_it", json!({}));
    assert_eq!(error_code(&result), "too_many_redirects", "{result}");
    assert!(requests.len() <= 6, "{}", requests.len());
    let (result, requests) = scene.call("odd", json!({}));
    assert_eq!(error_code(&result), "redirect_refused", "{result}");
    assert_eq!(requests.len(), 1);
}
