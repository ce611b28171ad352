//! A5: an argument writes a header, or more than one.

use serde_json::{Value, json};

use super::scene::{Scene, document, operation, param};

/// Names that no argument may set, in the spellings that servers take for the same: CGI and WSGI read
/// `_` as `-`.
const RESERVED: [&str; 26] = [
    "Host",
    "HOST",
    "Content-Length",
    "Content_Length",
    "Transfer-Encoding",
    "transfer_encoding",
    "Connection",
    "Keep-Alive",
    "Upgrade",
    "TE",
    "Trailer",
    "Expect",
    "Authorization",
    "Cookie",
    "Proxy-Authorization",
    "Proxy_Authorization",
    "Proxy-Connection",
    "X-Forwarded-For",
    "X_Forwarded_For",
    "x-forwarded-host",
    "Forwarded",
    "Via",
    "X-HTTP-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Content-Type",
];

fn string() -> Value {
    json!({"type": "string"})
}

#[test]
fn a05_header_injection() {
    let parameters = json!([param("header", "X-Tag", &string()), param("header", "X-List", &json!({"type": "array", "items": string()})),
        {"in": "header", "name": "X-Map", "explode": true, "schema": {"type": "object", "additionalProperties": string()}},
        {"in": "header", "name": "X-Json", "content": {"application/json": {"schema": {}}}},
        param("cookie", "theme", &string())]);
    let doc =
        document(&json!({"/x": operation("get", "get_x", &json!({"parameters": parameters}))}));
    let mut scene = Scene::new(&doc);
    let plain = scene.sends("get_x", json!({})).headers.len();
    let long = "x".repeat(65_536);
    for value in [
        "a\r\nX-Evil: 1",
        "a\nX-Evil: 1",
        "a\rX-Evil: 1",
        "a\r\n\r\nGET /admin HTTP/1.1",
        "\r\n",
        "a\0b",
        "a\tb",
        "a\u{b}b",
        "a\u{7f}",
        "é",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{ff0d}",
        "\u{10a}X-Evil: 1",
        "嘊嘍X-Evil: 1",
        " a",
        "a ",
        &long,
    ] {
        scene.refuses("get_x", json!({"X-Tag": value}), "refused_value");
        // Between two others, a space at the end is one in the middle.
        if value.trim_matches(' ') == value {
            for inner in [
                json!({"X-List": ["a", value, "b"]}),
                json!({"X-Map": {value: "a"}}),
            ] {
                scene.refuses("get_x", inner, "refused_value");
            }
        }
    }
    for value in [
        "a: b",
        "a, b; c=\"d\"",
        "%0d%0aX-Evil: 1",
        "\\r\\nX-Evil: 1",
        "${env:HOME}",
        "a\"b",
    ] {
        let request = scene.sends("get_x", json!({"X-Tag": value}));
        assert_eq!(request.header("x-tag"), Some(value));
        assert_eq!(request.headers.len(), plain + 1, "{request:?}");
    }
    let request = scene.sends("get_x", json!({"X-Json": {"a": "b"}}));
    assert_eq!(request.header("x-json"), Some(r#"{"a":"b"}"#));

    // A cookie keeps to its pair.
    for value in [
        "a; admin=1",
        "a, admin=1",
        "a\r\nX-Evil: 1",
        "\"a",
        "a=b",
        "é",
        "%3b",
    ] {
        let request = scene.sends("get_x", json!({"theme": value}));
        let cookies: Vec<_> = request.header_values("cookie").collect();
        let [cookie] = cookies[..] else {
            panic!("{cookies:?}")
        };
        let (name, sent) = cookie.split_once('=').unwrap();
        assert_eq!((name, &*super::oracle::decode_text(sent)), ("theme", value));
        assert!(!sent.contains([';', ',', '=', '"', ' ']), "{cookie}");
        assert_eq!(request.headers.len(), plain + 1, "{request:?}");
    }
    scene.refuses("get_x", json!({"theme": long}), "refused_value");
}

#[test]
fn a05_reserved_headers() {
    for name in RESERVED {
        let doc = document(
            &json!({"/x": operation("get", "get_x", &json!({"parameters": [
            param("header", name, &string())]}))}),
        );
        let mut scene = Scene::new(&doc);
        let plain = scene.sends("get_x", json!({}));
        for value in ["evil.example", "DELETE", "0", "chunked"] {
            let (result, requests) = scene.call("get_x", json!({name: value}));
            assert_eq!(result["isError"], true, "{name}: {result}");
            assert!(requests.is_empty(), "{name}: {requests:?}");
        }
        assert_eq!(scene.sends("get_x", json!({})).head, plain.head, "{name}");
    }
}

#[test]
fn a05_an_answer_sets_nothing_for_later() {
    let doc = document(&json!({"/x": operation("get", "get_x", &json!({}))}));
    let mut scene = Scene::with(&doc, &[], &[], |_| {
        crate::support::Reply::json(&json!({}))
            .header("Set-Cookie", "sid=evil; Path=/")
            .header("Set-Cookie2", "sid=evil")
            .header("ETag", "\"evil\"")
            .header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
            .header("Alt-Svc", "h2=\"127.0.0.1:1\"")
            .header("WWW-Authenticate", "Basic")
            .header("Strict-Transport-Security", "max-age=1000000")
            .header("Refresh", "0; url=/other")
    });
    let first = scene.sends("get_x", json!({}));
    for _ in 0..2 {
        assert_eq!(scene.sends("get_x", json!({})).head, first.head);
    }
}

#[test]
fn a05_what_the_owner_set_stays() {
    let parameters = json!([param("header", "X-Tenant", &string()), param("cookie", "theme", &string()), param("cookie", "sid", &string()),
        {"in": "cookie", "name": "more", "explode": true, "schema": {"type": "object", "additionalProperties": string()}}]);
    let doc =
        document(&json!({"/x": operation("get", "get_x", &json!({"parameters": parameters}))}));
    let options = [
        "--header",
        "X-Tenant: acme",
        "--header",
        "Cookie: ${env:JAR}",
    ];
    let mut scene = Scene::with(
        &doc,
        &options,
        &[("JAR", "sid=owner")],
        super::scene::willing,
    );
    let cookies = |request: &crate::support::Recorded| {
        request
            .header_values("cookie")
            .collect::<Vec<_>>()
            .join("; ")
    };
    let request = scene.sends("get_x", json!({"X-Tenant": "other", "theme": "dark"}));
    assert_eq!(
        request.header_values("x-tenant").collect::<Vec<_>>(),
        ["acme"]
    );
    assert_eq!(cookies(&request), "sid=owner; theme=dark");
    for arguments in [
        json!({"sid": "mine"}),
        json!({"more": {"sid": "mine"}}),
        json!({"more": {"SID": "mine"}}),
        json!({"more": {"theme": "x"}, "theme": "y"}),
    ] {
        scene.refuses("get_x", arguments, "refused_value");
    }
}
