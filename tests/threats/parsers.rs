//! A8: a message that one parser reads so and another reads otherwise.

use serde_json::{Value, json};

use super::scene::{Scene, document, operation, param};
use crate::support::PATIENCE;

fn scene() -> Scene {
    let q = json!({"parameters": [param("query", "q", &json!({}))]});
    Scene::new(&document(
        &json!({"/safe": operation("get", "safe", &q), "/danger": operation("get", "danger", &q)}),
    ))
}

/// Sends a line; the error it must be answered with, and that nothing arrived.
#[track_caller]
fn refused(scene: &mut Scene, line: &[u8], code: i64, id: &Value) {
    scene.client.send_raw(&[line, b"\n"].concat());
    let answer = scene.client.recv(PATIENCE);
    let shown = String::from_utf8_lossy(line);
    assert_eq!(answer["error"]["code"], code, "{shown}: {answer}");
    assert_eq!(&answer["id"], id, "{shown}: {answer}");
    assert!(scene.arrived().is_empty(), "{shown}");
}

#[test]
fn a08_case_and_spelling() {
    let mut scene = scene();
    let call = |text: &str| {
        text.replace('~', r#""name":"safe","arguments":{}"#)
            .into_bytes()
    };
    for line in [
        r#"{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{~}}"#,
        r#"{"jsonrpc":"2.0","id":1,"METHOD":"tools/call","params":{~}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call","params":{~}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~},"Params":{"name":"danger"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~},"param\u017f":{"name":"danger"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","paramſ":{~}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~,"Name":"danger"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~,"argumentſ":{"q":1}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~,"ARGUMENTS":{"q":1}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~,"_Meta":{}}}"#,
        r#"{"JSONRPC":"2.0","jsonrpc":"2.0","id":1,"method":"tools/call","params":{~}}"#,
        r#"{"jsonrpc":"2.0","id":1,"ID":2,"method":"tools/call","params":{~}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~},"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{~},"error":{"code":1,"message":""}}"#,
    ] {
        refused(&mut scene, &call(line), -32600, &json!(1));
    }
    // An argument may be spelled in every way: the tool's own schema decides on it.
    let (result, _) = scene.call("safe", json!({"Q": 1}));
    assert_eq!(super::scene::error_code(&result), "invalid_arguments");
}

/// A call as it should be.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe"}}"#;

#[test]
fn a08_shapes() {
    let mut scene = scene();
    let call = CALL;
    for (line, code, id) in [
        (format!("[{call}]"), -32600, json!(null)),
        (format!("[{call},{call}]"), -32600, json!(null)),
        ("[]".into(), -32600, json!(null)),
        (format!("{call}{call}"), -32700, json!(null)),
        (format!("{call}]"), -32700, json!(null)),
        (call.replace(":1,", ":1,,"), -32700, json!(null)),
        (call.replace('"', "'"), -32700, json!(null)),
        (call.replace("}}", "},}"), -32700, json!(null)),
        (
            call.replace("{}", "{/**/}").replace("}}", "}//}"),
            -32700,
            json!(null),
        ),
        (call.replace(":1,", ":01,"), -32700, json!(null)),
        (call.replace(":1,", ":NaN,"), -32700, json!(null)),
        (call.replace(":1,", ":null,"), -32600, json!(null)),
        (call.replace(":1,", ":1.5,"), -32600, json!(null)),
        (call.replace(":1,", ":true,"), -32600, json!(null)),
        (call.replace(":1,", ":[1],"), -32600, json!(null)),
        (
            call.replace(":1,", ":{\"$serde_json::private::Number\":\"1\"},"),
            -32600,
            json!(null),
        ),
        (call.replace("2.0", "1.0"), -32600, json!(1)),
        (call.replace("\"2.0\"", "2.0"), -32600, json!(1)),
        (call.replace("\"jsonrpc\":\"2.0\",", ""), -32600, json!(1)),
        (
            call.replace("\"tools/call\"", "[\"tools/call\"]"),
            -32600,
            json!(1),
        ),
        (
            call.replace("{\"name\":\"safe\"}", "[\"safe\"]"),
            -32600,
            json!(1),
        ),
        (
            call.replace("{\"name\":\"safe\"}", "\"safe\""),
            -32600,
            json!(1),
        ),
        (call.replace("safe", "\\ud800"), -32700, json!(null)),
        (call.replace("safe", "\\udc00\\ud800"), -32700, json!(null)),
        (call.replace("safe", "\\x73afe"), -32700, json!(null)),
        (call.replace("safe", "sa\tfe"), -32700, json!(null)),
        (
            call.replace(
                "{\"name\"",
                "{\"$serde_json::private::Number\":\"1\",\"name\"",
            ),
            -32600,
            json!(null),
        ),
        (
            call.replace(
                "{\"name\"",
                "{\"\\u0024serde_json::private::RawValue\":\"1\",\"name\"",
            ),
            -32600,
            json!(null),
        ),
    ] {
        refused(&mut scene, line.as_bytes(), code, &id);
    }
}

#[test]
fn a08_encodings() {
    let mut scene = scene();
    let call = CALL;
    refused(
        &mut scene,
        format!("\u{feff}{call}").as_bytes(),
        -32700,
        &json!(null),
    );
    let utf16 = |text: &str, swap: bool| -> Vec<u8> {
        let pair = |unit: u16| {
            if swap {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        text.encode_utf16().flat_map(pair).collect()
    };
    for swap in [false, true] {
        for text in [call.to_owned(), format!("\u{feff}{call}")] {
            refused(&mut scene, &utf16(&text, swap), -32700, &json!(null));
        }
    }
    for bytes in [
        &b"\"a\xff\""[..],
        b"{\"a\":\"\xc0\xaf\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
    ] {
        refused(&mut scene, bytes, -32700, &json!(null));
    }
    // The session goes on, and what is only unusual is read as it should be.
    for line in [
        format!("  {call}\t\r"),
        call.replace("safe", "\\u0073afe"),
        call.replace(":1,", " : 1 , "),
        call.replace(":1,", ":1,\"unknown\":[true],"),
    ] {
        scene.client.send_raw(format!("{line}\n").as_bytes());
        let answer = scene.client.recv(PATIENCE);
        assert_eq!(answer["result"]["isError"], false, "{line}: {answer}");
        assert_eq!(scene.arrived().len(), 1, "{line}");
    }
}

#[test]
fn a08_tools_that_are_not_there() {
    let mut scene = scene();
    for params in [
        json!({"name": "Safe"}),
        json!({"name": "safe "}),
        json!({"name": "safe\0"}),
        json!({"name": "ſafe"}),
        json!({"name": ""}),
        json!({"name": "../safe"}),
        json!({"name": "x".repeat(100_000)}),
        json!({"name": 1}),
        json!({"name": null}),
        json!({}),
        json!({"name": ["safe"]}),
        json!({"name": "safe", "arguments": []}),
        json!({"name": "safe", "arguments": "{}"}),
        json!({"name": "safe", "arguments": 1}),
    ] {
        let answer = scene.client.request("tools/call", params.clone());
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(
            answer.to_string().len() < 600,
            "{} bytes",
            answer.to_string().len()
        );
        assert!(scene.arrived().is_empty());
    }
}
