//! One behaviour: the library under its policy, served by `mcpgen serve` and by the crate that was made of it,
//! gives the same answers and sends the same messages to the database, byte for byte, in both eras.

use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::made::KEY;
use super::proxy::{Message, Proxy};
use crate::support::cargo::program;
use crate::support::postgres::{cluster, library};
use crate::support::{Client, PATIENCE, root};

/// What the proxies live in.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// Calls that succeed, are clamped, masked, refused or find nothing.
fn calls() -> Vec<(&'static str, Value)> {
    vec![
        (
            "loans_find",
            json!({"filter": {"due_on": {"lt": "2026-01-01"}}, "limit": 2}),
        ),
        (
            "loans_find",
            json!({"limit": 5000, "sort": ["-due_on"], "include": ["member"]}),
        ),
        (
            "loans_find",
            json!({"filter": {"any": [{"id": {"eq": "5"}}, {"returned_on": {"is_null": true}}]}}),
        ),
        (
            "loans_find",
            json!({"filter": {"id": {"eq": "1 OR 1=1"}}, "sort": ["(select 1)"]}),
        ),
        ("loans_find", json!({"cursor": "AAAA"})),
        (
            "members_find",
            json!({"filter": {"name": {"starts_with": "W%"}}}),
        ),
        ("members_find", json!({"filter": {"email": {"eq": "x"}}})),
        ("members_find", json!({"sort": ["-name"], "limit": 3})),
        ("members_get", json!({"id": 1})),
        ("members_get", json!({"id": 999})),
        (
            "books_find",
            json!({"filter": {"words": {"matches": "harbour or sea"}}}),
        ),
        (
            "books_find",
            json!({"filter": {"subjects": {"has": "sea"}}, "fields": ["title"]}),
        ),
        (
            "books_get",
            json!({"isbn": "978-0000000017", "include": ["copies"]}),
        ),
        ("branches_find", json!({})),
        (
            "copies_find",
            json!({"filter": {"state": {"in": ["on loan", "lost"]}}}),
        ),
        (
            "reservations_find",
            json!({"filter": {"wanted": {"overlaps": {"lower": "2025-01-01", "upper": "2027-01-01"}}}}),
        ),
        ("staff_notes_find", json!({})),
    ]
}

/// The answers of a server, and what it sent to the database.
fn transcript(server: &str, args: &[&str]) -> (Vec<String>, Vec<Message>) {
    let proxy = runtime().block_on(async { Proxy::start(cluster(), |_| {}) });
    let url = proxy.dsn(&library().name, "library_reader");
    let env = [("LIBRARY_URL", url.as_str()), ("MCPGEN_SEAL_KEY", KEY)];
    let mut answers = Vec::new();
    for modern in [false, true] {
        let mut client = Client::start_program(server, args, &env);
        if modern {
            client = client.modern();
        } else {
            answers.push(client.initialize().to_string());
        }
        answers.push(client.request("tools/list", json!({})).to_string());
        let mut call = |tool: &str, arguments: &Value| {
            let params = json!({"name": tool, "arguments": arguments});
            let answer = client.request("tools/call", params);
            answers.push(answer.to_string());
            let cursor = answer.pointer("/result/structuredContent/next_cursor");
            cursor.cloned().unwrap_or_default()
        };
        for (tool, arguments) in calls() {
            let cursor = call(tool, &arguments);
            if cursor.is_string() {
                let mut next = arguments.clone();
                next["cursor"] = cursor;
                call(tool, &next);
            }
        }
        client.close_stdin();
        assert!(client.wait(PATIENCE).success());
    }
    (answers, proxy.take())
}

#[test]
fn a_crate_reads_as_the_interpreter() {
    let policy = root().join("specs/library/mcpgen.yaml");
    let policy = policy.to_str().expect("UTF-8");
    let (wanted, sent) = transcript(env!("CARGO_BIN_EXE_mcpgen"), &["serve", policy]);
    let server = program(&root().join("generated/library"), "library-server");
    let (answers, messages) = transcript(&server, &[]);
    assert_eq!(answers, wanted);
    assert!(sent.len() > 200, "{} messages", sent.len());
    assert_eq!(messages, sent);
    let found = wanted
        .iter()
        .filter(|answer| answer.contains("\"returned\":"))
        .count();
    assert!(found > 20, "{found} finds among {}", wanted.len());
}
