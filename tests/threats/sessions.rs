//! Faults of the session itself: what is no message, messages in the wrong order, and the end.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{Scene, document, error_code, operation, willing};
use crate::support::{Client, PATIENCE, Recorded, Reply};

fn doc() -> Value {
    document(
        &json!({"/x": operation("get", "get_x", &json!({})), "/held": operation("get", "held", &json!({}))}),
    )
}

/// A server that has not heard anything yet.
fn silent() -> Scene {
    Scene::started(&doc(), &[], &[], willing)
}

/// A server whose upstream answers `/held` when it is told to.
fn held() -> (Scene, Sender<()>) {
    let (release, wait) = channel();
    let wait = Mutex::new(wait);
    let scene = Scene::started(&doc(), &[], &[], move |request: &Recorded| {
        if request.path() == "/held" {
            // A dropped sender releases too.
            let _ = wait.lock().expect("one at a time").recv();
        }
        Reply::json(&json!({"late": true}))
    });
    (scene, release)
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"get_x"}}"#;

fn modern_call() -> String {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    json!({"jsonrpc": "2.0", "id": "m", "method": "tools/call", "params": {"name": "get_x", "_meta": meta}}).to_string()
}

#[track_caller]
fn answered(client: &mut Client, line: &str) -> Value {
    client.send_raw(format!("{line}\n").as_bytes());
    client.recv(PATIENCE)
}

#[test]
fn what_is_no_message_is_answered_and_the_session_goes_on() {
    let long = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{{\"a\":\"{}\"}}}}",
        "a".repeat(5 << 20)
    );
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{{\"a\":{}{}}}}}",
        "[".repeat(70),
        "]".repeat(70)
    );
    let faults: Vec<(Vec<u8>, i64)> = vec![
        (b"hello".to_vec(), -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,".to_vec(), -32700),
        (b"Content-Length: 20".to_vec(), -32700),
        (b"\xff\xfe\x00".to_vec(), -32700),
        (b"\x00".to_vec(), -32700),
        (b"{\"a\":\"\xc3\x28\"}".to_vec(), -32700),
        (b"null".to_vec(), -32600),
        (b"{}".to_vec(), -32600),
        (b"[]".to_vec(), -32600),
        (format!("[{CALL}]").into_bytes(), -32600),
        (
            br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_vec(),
            -32600,
        ),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"a","method":"ping"}"#.to_vec(),
            -32600,
        ),
        (deep.into_bytes(), -32600),
        (long.into_bytes(), -32600),
    ];
    // In a session of each era, and before there is one.
    for era in ["none", "legacy", "modern"] {
        let mut scene = silent();
        let (open, call) = match era {
            "legacy" => (Some(INITIALIZE.to_owned()), CALL.to_owned()),
            _ => (None, modern_call()),
        };
        if let Some(open) = open {
            answered(&mut scene.client, &open);
        } else if era == "modern" {
            answered(&mut scene.client, &call);
        }
        for (line, code) in &faults {
            scene.client.send_raw(&[line, &b"\n"[..]].concat());
            let answer = scene.client.recv(PATIENCE);
            let shown = String::from_utf8_lossy(&line[..line.len().min(80)]);
            assert_eq!(answer["error"]["code"], *code, "{era} {shown}: {answer}");
        }
        scene.client.send_raw(b"\n\r\n  \n\t\n");
        let answer = answered(&mut scene.client, &call);
        assert_eq!(answer["result"]["isError"], false, "{era}: {answer}");
        scene.client.close_stdin();
        assert!(scene.client.wait(PATIENCE).success(), "{era}");
        assert_eq!(scene.client.try_recv(Duration::ZERO), None, "{era}");
    }
}

#[test]
fn notifications_and_responses_out_of_the_blue() {
    for first in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":[]}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/unknown","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"get_x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}}"#,
    ] {
        let mut scene = silent();
        // Before a session, and inside one of each era.
        scene.client.send_raw(format!("{first}\n").as_bytes());
        let begun = answered(&mut scene.client, INITIALIZE);
        assert_eq!(
            begun["result"]["protocolVersion"], "2025-11-25",
            "{first}: {begun}"
        );
        for call in [CALL, &modern_call()] {
            scene.client.send_raw(format!("{first}\n").as_bytes());
            let answer = answered(&mut scene.client, call);
            assert_eq!(answer["result"]["isError"], false, "{first}: {answer}");
        }
        // A request without an id is a notification: it is not carried out.
        assert_eq!(scene.arrived().len(), 2, "{first}");
    }
}

#[test]
fn a_request_before_the_session_is_answered() {
    let mut scene = silent();
    for line in [
        CALL,
        r#"{"jsonrpc":"2.0","id":"c","method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":"c","method":"nonsense/x"}"#,
    ] {
        let answer = answered(&mut scene.client, line);
        assert_eq!(answer["id"], "c", "{line}: {answer}");
        assert!(answer["error"]["code"].is_i64(), "{line}: {answer}");
        assert!(scene.arrived().is_empty(), "{line}");
    }
    let begun = answered(&mut scene.client, INITIALIZE);
    assert_eq!(begun["result"]["protocolVersion"], "2025-11-25", "{begun}");
    assert_eq!(
        answered(&mut scene.client, CALL)["result"]["isError"],
        false
    );
}

#[test]
fn both_eras_in_one_process() {
    for order in [["m", "i", "c", "m", "c"], ["i", "c", "m", "c", "m"]] {
        let mut scene = silent();
        for step in order {
            let line = match step {
                "i" => INITIALIZE.to_owned(),
                "c" => CALL.to_owned(),
                _ => modern_call(),
            };
            let answer = answered(&mut scene.client, &line);
            assert_eq!(answer["id"], step, "{order:?}: {answer}");
            assert!(answer["result"].is_object(), "{order:?} {step}: {answer}");
            // The newer era says what kind of result it is, and who says so.
            let modern = answer["result"]["resultType"] == "complete"
                && answer["result"]["_meta"]["io.modelcontextprotocol/serverInfo"].is_object();
            assert_eq!(modern, step == "m", "{order:?} {step}: {answer}");
        }
    }
    let mut scene = silent();
    for (version, code) in [("2026-07-29", -32022), ("", -32022), ("1999-01-01", -32022)] {
        let line = modern_call().replace("2026-07-28", version);
        assert_eq!(
            answered(&mut scene.client, &line)["error"]["code"],
            code,
            "{version}"
        );
    }
}

#[test]
fn an_end_before_anything() {
    for input in [
        &b""[..],
        b"\n",
        b"\n\n  \n",
        INITIALIZE.as_bytes(),
        b"{\"jsonrpc\":",
    ] {
        let mut scene = silent();
        scene.client.send_raw(input);
        scene.client.close_stdin();
        assert!(
            scene.client.wait(PATIENCE).success(),
            "{input:?}: {}",
            scene.client.stderr()
        );
        let answers = usize::from(input.len() > 10);
        assert_eq!(
            std::iter::from_fn(|| scene.client.try_recv(Duration::ZERO)).count(),
            answers
        );
    }
}

#[test]
fn cancellation_reaches_the_upstream() {
    for modern in [false, true] {
        let scene = Scene::started(&doc(), &[], &[], |request: &Recorded| {
            match request.path() {
                "/held" => Reply::Hang,
                _ => Reply::json(&json!({})),
            }
        });
        let (mut client, upstream) = (scene.client, scene.upstream);
        if modern {
            client = client.modern();
        } else {
            client.initialize();
        }
        let kept = client.send_request("tools/call", json!({"name": "held"}));
        let gone = client.send_request("tools/call", json!({"name": "held"}));
        upstream.wait_for(2, PATIENCE);
        // Ids that are not in flight, and what looks like one that is.
        for id in [
            json!(999),
            json!(gone.to_string()),
            json!(null),
            json!([gone]),
        ] {
            client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
        }
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": gone, "reason": "no longer"}}));
        assert_eq!(upstream.wait_for_abandoned(1, PATIENCE).len(), 1);
        let answer = client.request("tools/call", json!({"name": "get_x"}));
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": kept}}));
        upstream.wait_for_abandoned(2, PATIENCE);
        // No response for either: the next message is the answer to the next request.
        let id = client.send_request("tools/list", json!({}));
        let next = client.recv(PATIENCE);
        assert_eq!(next["id"], id, "{next}");
        client.close_stdin();
        assert!(client.wait(PATIENCE).success());
        assert_eq!(client.try_recv(Duration::ZERO), None);
    }
}

#[test]
fn the_end_of_input_and_signals_let_calls_finish() {
    for modern in [false, true] {
        for end in ["EOF", "TERM", "INT"] {
            let (scene, release) = held();
            let (mut client, upstream) = (scene.client, scene.upstream);
            if modern {
                client = client.modern();
            } else {
                client.initialize();
            }
            let id = client.send_request("tools/call", json!({"name": "held"}));
            upstream.wait_for(1, PATIENCE);
            match end {
                "EOF" => client.close_stdin(),
                signal => client.signal(signal),
            }
            if end != "EOF" {
                wait_until(&mut client, "stopping");
            }
            release.send(()).unwrap();
            let answer = client.response(id);
            assert_eq!(
                answer["result"]["structuredContent"],
                json!({"late": true}),
                "{end}: {answer}"
            );
            let status = client.wait(PATIENCE);
            assert_eq!(status.code(), Some(0), "{end}: {}", client.stderr());
        }
    }
}

/// Waits until standard error holds a word.
#[track_caller]
fn wait_until(client: &mut Client, word: &str) {
    let until = Instant::now() + PATIENCE;
    while !client.stderr().contains(word) {
        assert!(Instant::now() < until, "{word}: {}", client.stderr());
        std::thread::yield_now();
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    for (first, second) in [("TERM", "TERM"), ("INT", "INT"), ("TERM", "INT")] {
        let (mut scene, release) = held();
        scene.client.initialize();
        scene
            .client
            .send_request("tools/call", json!({"name": "held"}));
        scene.upstream.wait_for(1, PATIENCE);
        scene.client.signal(first);
        wait_until(&mut scene.client, "stopping");
        let start = Instant::now();
        scene.client.signal(second);
        scene.client.wait(PATIENCE);
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{first} {second}: {:?}",
            start.elapsed()
        );
        drop(release);
    }
}

#[test]
fn a_signal_while_nothing_happens() {
    for signal in ["TERM", "INT"] {
        let mut scene = silent();
        answered(&mut scene.client, INITIALIZE);
        let start = Instant::now();
        scene.client.signal(signal);
        assert_eq!(scene.client.wait(PATIENCE).code(), Some(0), "{signal}");
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }
}

/// A server whose upstream never answers `/held`.
fn hanging(options: &[&str]) -> Scene {
    Scene::with(&doc(), options, &[], |request: &Recorded| {
        if request.path() == "/held" {
            Reply::Hang
        } else {
            Reply::json(&json!({}))
        }
    })
}

#[test]
fn calls_in_flight_outlast_the_input() {
    // Longer than the five seconds after which the protocol's library gives up.
    let mut scene = hanging(&["--timeout", "7s"]);
    let id = scene
        .client
        .send_request("tools/call", json!({"name": "held"}));
    scene.upstream.wait_for(1, PATIENCE);
    scene.client.close_stdin();
    let response = scene.client.response(id);
    assert_eq!(error_code(&response["result"]), "timeout", "{response}");
    assert!(scene.client.wait(Duration::from_secs(2)).success());
}

#[test]
fn calls_that_are_cut_off_are_answered() {
    let mut scene = hanging(&[]);
    let start = Instant::now();
    let ids: Vec<u64> = (0..3)
        .map(|_| {
            scene
                .client
                .send_request("tools/call", json!({"name": "held"}))
        })
        .collect();
    scene.upstream.wait_for(3, PATIENCE);
    scene.client.signal("TERM");
    for id in ids {
        let response = scene.client.response(id);
        assert_eq!(
            response["error"],
            json!({"code": -32603, "message": "the server is stopping"})
        );
    }
    assert!(scene.client.wait(Duration::from_secs(4)).success());
    let took = start.elapsed();
    assert!(took > Duration::from_secs(9), "{took:?}");
    assert_eq!(scene.client.try_recv(Duration::ZERO), None);
}

#[test]
fn reading_waits_while_many_calls_are_in_flight() {
    let mut scene = hanging(&["--timeout", "3s"]);
    let ids: Vec<u64> = (0..200)
        .map(|_| {
            scene
                .client
                .send_request("tools/call", json!({"name": "held"}))
        })
        .collect();
    scene.upstream.wait_for(128, PATIENCE);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(scene.upstream.requests().len(), 128);
    for id in ids {
        let response = scene.client.response(id);
        assert_eq!(error_code(&response["result"]), "timeout", "{response}");
    }
    // Requests that no service took do not count.
    let mut scene = silent();
    for id in 0..150 {
        scene
            .client
            .send(&json!({"jsonrpc": "2.0", "id": format!("early {id}"), "method": "tools/list"}));
    }
    scene.client.initialize();
}
