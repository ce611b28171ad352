//! `mcpgen demo`, as a newcomer sees it.

use serde_json::json;

use crate::support::{Client, HttpServer, golden, run};

/// The output with what differs from run to run replaced.
fn masked(text: &str) -> String {
    let text = text.replace(env!("CARGO_BIN_EXE_mcpgen"), "/path/to/mcpgen");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("127.0.0.1:") {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(before);
        // As long as the real one, so that what is cut off stays the same.
        out.push_str(&format!("127.0.0.1:{}", "9".repeat(5)));
        rest = &after[digits..];
    }
    out + rest
}

#[test]
fn the_demo_shows_the_main_job() {
    let output = run(&["demo"], &[], "").expect(0);
    let text = masked(&output.stdout);
    for line in text
        .lines()
        .filter(|line| !line.contains("/path/to/mcpgen"))
    {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    assert!(!text.contains('\u{1b}'), "colour in a pipe");
    golden("demo.txt", &text);
    let coloured = run(&["demo"], &[("CLICOLOR_FORCE", "1")], "").expect(0);
    assert!(coloured.stdout.contains("\u{1b}["));
}

#[test]
fn the_demo_serves_over_stdio() {
    let mut client = Client::start(&["demo", "--stdio"], &[]).modern();
    assert_eq!(client.tools().len(), 12);
    let call = json!({"name": "list_categories", "arguments": {}});
    let result = client.result("tools/call", call);
    assert_eq!(result["structuredContent"]["items"][0]["slug"], "fiction");
}

#[test]
fn the_demo_keeps_serving_over_http() {
    let server = HttpServer::start(&["demo"], &[]);
    let books = server.call("list_books", &json!({"limit": 5000}));
    let clamped = &books["_meta"]["mcpgen/clamped"];
    assert_eq!(clamped["/limit"], json!([5000, 25]));
    // The covers are excluded.
    let cover = json!({"bookId": "bk_0001"});
    let mut connection = server.connect();
    let refused = connection.rpc(&server.path, &json!(2), "get_book_cover", &cover);
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let refused = crate::support::run(&["demo", "--http", "0.0.0.0:0"], &[], "");
    assert_eq!(refused.status, 2);
}

#[test]
fn the_demo_shows_a_database() {
    let output = run(&["demo", "--postgres"], &[], "").expect(0);
    let text = &output.stdout;
    let version = text
        .split("PostgreSQL ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let text = text.replace(version.expect("a version"), "17.0");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    golden("demo_postgres.txt", &text);
}

#[test]
fn without_postgresql_the_demo_says_how_to_get_it() {
    let nowhere = [("MCPGEN_PG_BIN", "/nowhere")];
    let output = run(&["demo", "--postgres"], &nowhere, "").expect(2);
    assert!(output.stderr.contains("/nowhere"), "{}", output.stderr);
}
