//! A26, for one server: a caller that calls without an end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::scene::{Scene, document, error_code, operation, text, willing};
use crate::support::{PATIENCE, Recorded, Reply};

fn shop() -> Value {
    let limit = json!({"parameters": [{"in": "query", "name": "n", "schema": {"type": "integer", "maximum": 5}}]});
    document(&json!({
        "/a": operation("get", "a", &limit),
        "/b": operation("get", "b", &json!({})),
        "/hang": operation("get", "hang", &json!({})),
    }))
}

#[test]
fn a26_a_thousand_calls_of_one_caller() {
    let policy = json!({
        "sources": {"shop": {"rate": [{"limit": "25/day"}]}},
        "defaults": {"rate": [{"limit": "20/day"}]},
    });
    let mut scene = Scene::under(&shop(), &policy, &[], willing);
    // What is refused for its arguments does not count.
    for _ in 0..100 {
        scene.refuses("a", json!({"n": 6}), "invalid_arguments");
    }
    let ids: Vec<u64> = (0..1_000)
        .map(|_| {
            scene
                .client
                .send_request("tools/call", json!({"name": "a", "arguments": {}}))
        })
        .collect();
    let mut refused = Vec::new();
    for id in ids {
        let answer = scene.client.response(id);
        if answer["result"]["isError"] == true {
            refused.push(answer["result"].clone());
        }
    }
    assert_eq!((refused.len(), scene.arrived().len()), (980, 20));
    for result in refused {
        assert_eq!(error_code(&result), "rate_limited");
        let facts = &result["_meta"]["mcpgen/error"];
        assert_eq!(facts["retryable"], true);
        let wait = facts["retry_after_ms"].as_u64().expect("how long to wait");
        assert!((1..=86_400_000 / 20).contains(&wait), "{wait}");
        let said = text(&result);
        assert!(
            said.contains("nothing was sent") && said.contains("hint: wait "),
            "{said}"
        );
    }
    // Those that were refused took nothing from the source: five are left for its other tools.
    let (sent, refused): (Vec<_>, Vec<_>) = (0..10)
        .map(|_| scene.call("b", json!({})).0)
        .partition(|result| result["isError"] == false);
    assert_eq!((sent.len(), refused.len()), (5, 5));
    assert!(
        text(&refused[0]).contains("calls of its API"),
        "{}",
        text(&refused[0])
    );
}

#[test]
fn a26_calls_wait_for_each_other() {
    let policy = json!({"rules": [{"match": {"operation": "hang"}, "concurrency": 2}]});
    let (release, wait) = channel::<()>();
    let (wait, inside) = (Mutex::new(wait), AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let seen = most.clone();
    let mut scene = Scene::under(&shop(), &policy, &[], move |request: &Recorded| {
        if request.path() == "/hang" {
            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
            seen.fetch_max(now, Ordering::SeqCst);
            // A dropped sender releases too.
            let _ = wait.lock().expect("one at a time").recv();
            inside.fetch_sub(1, Ordering::SeqCst);
        }
        Reply::json(&json!({}))
    });
    let call = json!({"name": "hang", "arguments": {}});
    let send = |_: usize| scene.client.send_request("tools/call", call.clone());
    let ids: Vec<u64> = (0..20).map(send).collect();
    scene.upstream.wait_for(2, PATIENCE);
    // Other tools do not wait.
    let other = scene
        .client
        .send_request("tools/call", json!({"name": "b", "arguments": {}}));
    assert_eq!(scene.client.response(other)["result"]["isError"], false);
    drop(release);
    for id in ids {
        assert_eq!(scene.client.response(id)["result"]["isError"], false);
    }
    assert_eq!(scene.arrived().len(), 21);
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn a26_search_mode_is_no_way_around() {
    let policy = json!({"tools": {"mode": "search"}, "defaults": {"rate": [{"limit": "2/day"}]}});
    let mut scene = Scene::under(&shop(), &policy, &[], willing);
    let call = json!({"name": "b", "arguments": {}});
    for code in ["", "", "rate_limited", "rate_limited"] {
        let (result, _) = scene.call("call_read_tool", call.clone());
        assert_eq!(error_code(&result), code, "{result}");
    }
}
