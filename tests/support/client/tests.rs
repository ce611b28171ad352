//! The client itself, against small shell scripts in a server's place.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use serde_json::json;

use super::super::PATIENCE;
use super::{Client, check_line};

fn script(text: &str) -> Client {
    Client::start_program("sh", &["-c", text], &[("GREETING", "hello")])
}

#[test]
fn only_messages_pass() {
    for good in [
        r#"{"jsonrpc":"2.0","method":"a"}"#,
        r#"{"jsonrpc":"2.0","id":"x","method":"a","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"m"}}"#,
    ] {
        assert!(check_line(format!("{good}\n").as_bytes()).is_ok(), "{good}");
    }
    for bad in [
        "",
        "listening on port 80",
        "[]",
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"1.0","method":"a"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#,
        r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"m"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}}"#,
        r#"{"jsonrpc":"2.0","id":{},"error":{"code":1,"message":"m"}}"#,
        "{\"jsonrpc\":\"2.0\",\"method\":\"\u{fffd}",
    ] {
        assert!(check_line(format!("{bad}\n").as_bytes()).is_err(), "{bad}");
    }
    assert!(check_line(br#"{"jsonrpc":"2.0","method":"a"}"#).is_err());
}

#[test]
fn responses_are_found_among_other_messages() {
    let mut client = script(
        r#"read a; read b
        echo '{"jsonrpc":"2.0","method":"m"}'
        echo '{"jsonrpc":"2.0","id":2,"result":{"n":2}}'
        echo '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"one"}}'
        echo "$GREETING" >&2; read c; exit 4"#,
    );
    let one = client.send_request("first", json!({}));
    assert_eq!(client.result("second", json!({})), json!({"n": 2}));
    assert_eq!(client.response(one)["error"]["message"], "one");
    assert_eq!(client.recv(PATIENCE)["method"], "m");
    client.close_stdin();
    assert_eq!(client.wait(PATIENCE).code(), Some(4));
    assert_eq!(client.try_recv(PATIENCE), None);
    assert_eq!(client.stderr(), "hello\n");
}

#[test]
fn a_modern_request_carries_its_meta() {
    let mut client = Client::start_program("cat", &[], &[]).modern();
    client.send_request("tools/list", json!({"_meta": {"x": 1}}));
    let key = |name| format!("io.modelcontextprotocol/{name}");
    let sent = client.recv(PATIENCE);
    assert_eq!(
        sent["params"]["_meta"],
        json!({
            "x": 1,
            (key("protocolVersion")): "2026-07-28",
            (key("clientCapabilities")): {},
            (key("clientInfo")): {"name": "t", "version": "0"},
        })
    );
}

#[test]
fn a_signal_reaches_the_server() {
    let mut client = Client::start_program("cat", &[], &[]);
    client.signal("TERM");
    assert_eq!(client.wait(PATIENCE).signal(), Some(15));
}

#[test]
fn silence_is_no_message() {
    let mut client = Client::start_program("cat", &[], &[]);
    assert_eq!(client.try_recv(Duration::from_millis(20)), None);
}

#[test]
#[should_panic(expected = "not a JSON-RPC message")]
fn noise_on_stdout_fails_the_test() {
    script("echo Listening; cat").recv(PATIENCE);
}
