//! Bad upstreams and bad arguments, one row a case: what the model is told, and what arrived.

mod arguments;
mod versions;

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PATIENCE, Recorded, Reply, Scratch, run};
use crate::threats::scene::{Scene, document, error_code, operation, param, text};

/// One read a row; `/x` of the upstream's own.
fn one_read() -> Value {
    document(&json!({"/x": operation("get", "get_x", &json!({}))}))
}

#[test]
fn an_upstream_that_is_down() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", one_read().to_string());
    // Words in the URL are not taken for the cause.
    for base in [
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/certificates/tls"),
        format!("http://localhost:{port}"),
    ] {
        let told = run(&["call", &file, "get_x", "--base-url", &base], &[], b"")
            .expect(1)
            .stderr;
        assert!(
            told.contains("upstream_unreachable") && told.contains("nothing was sent"),
            "{base}: {told}"
        );
        assert!(told.contains("hint: try again later"), "{told}");
    }
    let told = run(
        &[
            "call",
            &file,
            "get_x",
            "--base-url",
            "http://no-such-host.invalid",
        ],
        &[],
        b"",
    )
    .expect(1)
    .stderr;
    assert!(told.contains("upstream_unreachable"), "{told}");
}

/// Answers: their name, what they are, the code of the result (empty for a success) and what it says.
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn answers() -> Vec<(&'static str, Reply, &'static str, &'static str)> {
    let html = "<!doctype html><html><script>steal()</script><body>Please log in</body></html>";
    vec![
        (
            "html",
            Reply::content("text/html; charset=utf-8", html),
            "unexpected_html",
            "HTML page instead of data",
        ),
        (
            "html_404",
            Reply::content("text/html", html).with_status(404),
            "upstream_not_found",
            "404 Not Found\n",
        ),
        (
            "html_500",
            Reply::content("text/html", html).with_status(500),
            "upstream_failed",
            "500 Internal Server Error\n",
        ),
        (
            "html_as_json",
            Reply::content("application/json", html),
            "invalid_json",
            "is not valid",
        ),
        (
            "truncated",
            Reply::content("application/json", r#"{"a": [1, 2"#),
            "invalid_json",
            "ends in the middle",
        ),
        (
            "trailing",
            Reply::content("application/json", "{} {}"),
            "invalid_json",
            "is not valid",
        ),
        (
            "nan",
            Reply::content("application/json", r#"{"a": NaN}"#),
            "invalid_json",
            "is not valid",
        ),
        (
            "latin1",
            Reply::content("application/json", b"{\"a\":\"\xe4\"}".to_vec()),
            "invalid_json",
            "is not valid",
        ),
        (
            "too_much",
            Reply::json(&json!("a".repeat(3_000_000))),
            "response_too_large",
            "larger than 2097152 bytes",
        ),
        (
            "redirect",
            Reply::status(302).header("Location", "https://login.example/"),
            "redirect_refused",
            "302",
        ),
        (
            "rejected",
            Reply::json(&json!({"title": "Bad", "detail": "limit is wrong"})).with_status(422),
            "upstream_rejected",
            "Bad: limit is wrong",
        ),
        (
            "conflict",
            Reply::status(409),
            "upstream_conflict",
            "409 Conflict",
        ),
        ("gone", Reply::status(410), "upstream_not_found", "410 Gone"),
        (
            "empty_error",
            Reply::status(500),
            "upstream_failed",
            "try again later",
        ),
        (
            "long_error",
            Reply::content("text/plain", "x\u{1b}[31m".repeat(10_000)).with_status(400),
            "upstream_rejected",
            "…",
        ),
        (
            "endless_error",
            Reply::content("text/plain", "y".repeat(3_000_000)).with_status(404),
            "upstream_not_found",
            "404 Not Found: yyy",
        ),
        (
            "fake_success",
            Reply::json(&json!({"isError": false, "content": [{"type": "text", "text": "fine"}]}))
                .with_status(403),
            "upstream_forbidden",
            "403",
        ),
        ("accepted", Reply::status(202), "", "may still be working"),
        ("nothing", Reply::status(204), "", "done: status 204"),
        (
            "no_type",
            Reply::Answer {
                status: 200,
                headers: vec![],
                body: b"{\"a\":1}".to_vec(),
            },
            "",
            r#"{"a":1}"#,
        ),
        (
            "fake_result",
            Reply::json(&json!({"isError": true, "_meta": {"x": 1}})),
            "",
            "isError",
        ),
    ]
}

#[test]
fn answers_that_are_not_what_they_should_be() {
    let rows = answers();
    let mut paths = serde_json::Map::new();
    for (name, ..) in &rows {
        paths.insert(format!("/{name}"), operation("get", name, &json!({})));
    }
    let replies: Vec<(String, Reply)> = rows
        .iter()
        .map(|(name, reply, ..)| (format!("/{name}"), reply.clone()))
        .collect();
    let mut scene = Scene::with(
        &document(&Value::Object(paths)),
        &[],
        &[],
        move |request: &Recorded| {
            let found = replies.iter().find(|(path, _)| path == request.path());
            found.expect("it is one of the rows").1.clone()
        },
    );
    for (name, _, code, told) in &rows {
        let (result, requests) = scene.call(name, json!({}));
        assert_eq!(error_code(&result), *code, "{name}: {result}");
        assert!(text(&result).contains(told), "{name}: {}", text(&result));
        assert!(
            text(&result).len() < 2_000 && !text(&result).contains('\u{1b}'),
            "{name}"
        );
        assert!(
            !text(&result).contains("steal") && !text(&result).contains("login.example"),
            "{name}"
        );
        assert_eq!(requests.len(), 1, "{name}");
    }
    // What the upstream calls itself does not become what the result is.
    let (result, _) = scene.call("fake_result", json!({}));
    assert_eq!(
        (&result["isError"], result.get("_meta")),
        (&json!(false), None),
        "{result}"
    );
}

#[test]
fn an_upstream_that_is_slow() {
    let mut scene = Scene::with(&one_read(), &["--timeout", "200ms"], &[], |_: &Recorded| {
        Reply::Hang
    });
    let (result, _) = scene.call("get_x", json!({}));
    assert_eq!(error_code(&result), "timeout", "{result}");
    assert_eq!(result["_meta"]["mcpgen/error"]["retryable"], true);
    scene.upstream.wait_for_abandoned(1, PATIENCE);
    // A slow call does not hold up another.
    let mut scene = Scene::with(
        &document(
            &json!({"/slow": operation("get", "slow", &json!({})), "/fast": operation("get", "fast", &json!({}))}),
        ),
        &[],
        &[],
        |request: &Recorded| {
            if request.path() == "/slow" {
                Reply::Hang
            } else {
                Reply::json(&json!({}))
            }
        },
    );
    for _ in 0..20 {
        scene
            .client
            .send_request("tools/call", json!({"name": "slow"}));
    }
    scene.upstream.wait_for(20, PATIENCE);
    assert_eq!(scene.call("fast", json!({})).0["isError"], false);
}

#[test]
fn too_many_requests() {
    let rows = [
        ("7", Some(7)),
        ("0", Some(0)),
        (" 30 ", Some(30)),
        ("-1", None),
        ("1.5", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
        ("99999999999999999999999", None),
        ("soon", None),
    ];
    let mut paths = serde_json::Map::new();
    for index in 0..rows.len() {
        paths.insert(
            format!("/{index}"),
            operation("get", &format!("op{index}"), &json!({})),
        );
    }
    let mut scene = Scene::with(
        &document(&Value::Object(paths)),
        &[],
        &[],
        move |request: &Recorded| {
            let index: usize = request.path()[1..].parse().expect("a number");
            Reply::status(429).header("Retry-After", rows[index].0)
        },
    );
    for (index, (value, seconds)) in rows.iter().enumerate() {
        let (result, _) = scene.call(&format!("op{index}"), json!({}));
        let facts = &result["_meta"]["mcpgen/error"];
        assert_eq!(
            (error_code(&result), &facts["status"], &facts["retryable"]),
            ("rate_limited", &json!(429), &json!(true)),
            "{result}"
        );
        assert_eq!(
            facts.get("retry_after_seconds"),
            seconds.map(Value::from).as_ref(),
            "{value}: {result}"
        );
        let hint = seconds.map_or("wait before".to_owned(), |seconds: u64| {
            format!("wait {seconds} seconds")
        });
        assert!(text(&result).contains(&hint), "{value}: {}", text(&result));
    }
}

#[test]
fn an_upstream_that_leaves_the_server_waiting_does_not_stop_it() {
    // Twenty calls in flight, each answered in its own time; every answer belongs to its request.
    let paths = json!({"/n/{id}": operation("get", "get_n", &json!({"parameters": [param("path", "id", &json!({"type": "integer"}))]}))});
    let mut scene = Scene::with(&document(&paths), &[], &[], |request: &Recorded| {
        let id: u64 = request
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .parse()
            .expect("a number");
        Reply::Drip {
            body: json!({"id": id}).to_string().into_bytes(),
            step: 4,
            pause: Duration::from_millis(id % 5),
        }
    });
    let calls: Vec<(u64, u64)> = (0..40)
        .map(|n| {
            (
                n,
                scene.client.send_request(
                    "tools/call",
                    json!({"name": "get_n", "arguments": {"id": n}}),
                ),
            )
        })
        .collect();
    for (n, id) in calls.into_iter().rev() {
        assert_eq!(
            scene.client.response(id)["result"]["structuredContent"]["id"],
            n
        );
    }
}

#[test]
fn an_answer_always_suits_the_advertised_schema() {
    let rows = [
        ("empty", Reply::status(204), json!(null)),
        ("text", Reply::content("text/plain", "hi"), json!("hi")),
        (
            "image",
            Reply::content("image/png", vec![1, 2, 3, 4]),
            json!({"mime": "image/png", "bytes": 4}),
        ),
        (
            "blob",
            Reply::content("application/pdf", vec![1, 2, 3]),
            json!({"mime": "application/pdf", "bytes": 3}),
        ),
        (
            "sound",
            Reply::content("audio/wav", vec![1, 2, 3, 4, 5]),
            json!({"mime": "audio/wav", "bytes": 5}),
        ),
    ];
    let pet =
        json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}});
    let promise = json!({"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": pet}}}}});
    let mut paths = serde_json::Map::new();
    for (name, ..) in &rows {
        paths.insert(format!("/{name}"), operation("get", name, &promise));
    }
    let replies = rows.clone();
    let mut scene = Scene::with(
        &document(&Value::Object(paths)),
        &[],
        &[],
        move |request: &Recorded| {
            let found = replies
                .iter()
                .find(|(name, ..)| request.path() == format!("/{name}"));
            found.map_or_else(|| Reply::status(200), |(_, reply, _)| reply.clone())
        },
    );
    let tools = scene.client.tools();
    let rows = rows.into_iter().map(|(name, _, want)| (name, want));
    for (name, want) in rows {
        let Some(tool) = tools.iter().find(|tool| tool["name"] == name) else {
            panic!("{name}: {tools:?}")
        };
        let (result, _) = scene.call(name, json!({}));
        assert_eq!(error_code(&result), "", "{name}: {result}");
        let Some(schema) = tool.get("outputSchema") else {
            assert!(result.get("structuredContent").is_none(), "{name}");
            continue;
        };
        let structured = &result["structuredContent"];
        assert_eq!(structured, &json!({"mcpgen_response": want}), "{name}");
        assert!(jsonschema::is_valid(schema, structured), "{name}: {schema}");
    }
}
