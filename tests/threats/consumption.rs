//! A26, for one server: a caller that calls without an end.

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
fn a26_calls_wait_for_each_other_and_not_for_ever() {
    let policy = json!({"rules": [
        {"match": {"operation": "hang"}, "timeout": "700ms", "concurrency": 2},
    ]});
    let mut scene = Scene::under(&shop(), &policy, &[], |request: &Recorded| {
        match request.path() {
            "/hang" => Reply::Hang,
            _ => Reply::json(&json!({})),
        }
    });
    let ids: Vec<u64> = (0..5)
        .map(|_| {
            scene
                .client
                .send_request("tools/call", json!({"name": "hang", "arguments": {}}))
        })
        .collect();
    let codes = ids.into_iter().map(|id| {
        let result = scene.client.response(id)["result"].clone();
        assert_eq!(
            result["_meta"]["mcpgen/error"]["retryable"], true,
            "{result}"
        );
        error_code(&result).to_owned()
    });
    let mut codes: Vec<String> = codes.collect();
    codes.sort();
    // Two hung until their deadline, which was that of the others, too. (One of these may have had its
    // place in the last moment.)
    let timed_out = codes.iter().filter(|code| *code == "timeout").count();
    assert!((2..=4).contains(&timed_out), "{codes:?}");
    assert_eq!(
        codes.iter().filter(|code| *code == "busy").count(),
        5 - timed_out
    );
    assert_eq!(scene.arrived().len(), timed_out);
    scene.upstream.wait_for_abandoned(timed_out, PATIENCE);
    // Other tools do not wait for it.
    scene.sends("b", json!({}));
}
