//! The endpoint's edges: options that are refused, pages in browsers, and the end.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{PETSHOP, PING, echo, headers, modern_post, serve};
use crate::support::http::call_body;
use crate::support::{HttpServer, PATIENCE, Reply, Upstream, run};

#[test]
fn options_of_the_endpoint_are_checked() {
    for (option, value) in [
        ("--base-path", "/:id"),
        ("--base-path", "/a b"),
        ("--base-path", "//"),
        ("--base-path", "/%2e%2e"),
        ("--base-path", "/.."),
        ("--base-path", "/mcp/"),
        ("--base-path", "/{a}"),
        ("--base-path", "/readyz"),
        ("--allow-origin", "https://app.example/path"),
        ("--allow-origin", "app.example"),
        ("--allow-origin", "*"),
        ("--allow-origin", "null"),
    ] {
        let args = [
            "serve",
            PETSHOP,
            "--base-url",
            "http://127.0.0.1:9",
            "--http",
            "127.0.0.1:0",
            option,
            value,
        ];
        let output = run(&args, &[], "");
        assert_eq!(output.status, 2, "{value}: {}", output.stderr);
        assert!(
            output.stderr.contains(&format!("{option} {value}: "))
                && !output.stderr.contains("panicked")
                && !output.stderr.contains("listening"),
            "{value}: {}",
            output.stderr
        );
    }
}

#[test]
fn a_page_of_an_allowed_origin_may_call() {
    let upstream = Upstream::start(echo);
    let page = "https://app.example";
    let args = [
        "serve",
        PETSHOP,
        "--base-url",
        &upstream.url(),
        "--allow-origin",
        "https://app.example:443",
    ];
    let server = HttpServer::start(&args, &[]);
    let preflight = |origin: &str| {
        let mut connection = server.connect();
        let request = format!(
            "OPTIONS /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: content-type,mcp-method,Mcp-Name,x-forwarded-for\r\n\r\n"
        );
        connection.send(request.as_bytes()).expect("sent");
        connection.response().expect("an answer")
    };
    let granted = preflight(page);
    assert_eq!(granted.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", page),
        ("access-control-allow-methods", "POST"),
        (
            "access-control-allow-headers",
            "content-type, mcp-method, mcp-name",
        ),
        ("vary", "Origin"),
    ] {
        assert_eq!(granted.header(name), Some(value), "{name}");
    }
    let answered = server
        .connect()
        .post("/mcp", &headers(&[("Origin", page)]), PING);
    assert_eq!(answered.status, 200);
    let allowed = "access-control-allow-origin";
    assert_eq!(answered.header(allowed), Some(page));
    assert_eq!(answered.header("vary"), Some("Origin"));
    for origin in [
        "https://app.example:8443",
        "http://app.example",
        "https://app.example.evil.example",
        "https://evil.example",
        "null",
    ] {
        let refused = server
            .connect()
            .post("/mcp", &headers(&[("Origin", origin)]), PING);
        assert_eq!(refused.status, 403, "{origin}");
        assert_eq!(refused.header(allowed), None, "{origin}");
        let refused = preflight(origin);
        assert!(refused.status >= 400, "{origin}: {}", refused.status);
        assert_eq!(refused.header(allowed), None, "{origin}");
    }
    // A page on this machine may call as before, but reads no answer unless it is named.
    let local = "http://localhost:3000";
    let answered = server
        .connect()
        .post("/mcp", &headers(&[("Origin", local)]), PING);
    assert_eq!((answered.status, answered.header(allowed)), (200, None));
}

#[test]
fn a_load_balancer_sees_that_it_drains() {
    let upstream = Upstream::start(|_| Reply::Hang);
    let mut server = serve(&upstream);
    let ready = |server: &HttpServer| {
        let mut connection = server.connect();
        let request = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        connection.send(request).expect("sent");
        connection.response().expect("an answer").status
    };
    assert_eq!(ready(&server), 200);
    let mut connection = server.connect();
    let body = call_body(&json!(1), "get_pet", &json!({"pet_id": 5}));
    connection.send(&modern_post("/mcp", &body)).expect("sent");
    upstream.wait_for(1, PATIENCE);
    server.signal("TERM");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(ready(&server), 503);
    let status = server
        .wait(Duration::from_secs(20))
        .expect("the server ends");
    assert_eq!(status.code(), Some(0));
    // Its last lines may still be on their way.
    let until = Instant::now() + PATIENCE;
    let mut told = server.stderr();
    let cut = |told: &[String]| told.iter().any(|line| line.contains("were cut off"));
    while !cut(&told) && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
        told.extend(server.stderr());
    }
    assert!(cut(&told), "{told:?}");
}
