//! One behaviour: the library under its policy, served by `mcpgen serve` and by the crate that was made of it,
//! gives the same answers and sends the same messages to the database, byte for byte, in both eras and over
//! both transports.

use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::proxy::{Message, Proxy};
use crate::support::cargo::program;
use crate::support::client::{LEGACY, MODERN};
use crate::support::postgres::{KEY, cluster, library};
use crate::support::{Client, HttpServer, PATIENCE, root};

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

/// Sends a request and gives the whole answer, as text.
type Ask<'a> = dyn FnMut(&str, Value) -> String + 'a;

/// The list of tools, and all calls with their second pages.
fn session(ask: &mut Ask) -> Vec<String> {
    let mut answers = vec![ask("tools/list", json!({}))];
    for (tool, mut arguments) in calls() {
        for _page in 0..2 {
            let params = json!({"name": tool, "arguments": arguments});
            answers.push(ask("tools/call", params));
            match next_cursor(answers.last().expect("an answer")) {
                Some(cursor) => arguments["cursor"] = cursor,
                None => break,
            }
        }
    }
    answers
}

/// Where an answer says that it goes on.
fn next_cursor(answer: &str) -> Option<Value> {
    let (_, body) = answer.split_at(answer.find('{')?);
    let body: Value = serde_json::from_str(body).expect("JSON");
    let cursor = body.pointer("/result/structuredContent/next_cursor");
    cursor.filter(|cursor| cursor.is_string()).cloned()
}

/// What runs a session with a server of this program and these arguments, and ends it.
type Transport = fn(&str, &[&str], &[(&str, &str)]) -> Vec<String>;

fn over_stdio(server: &str, args: &[&str], env: &[(&str, &str)]) -> Vec<String> {
    let mut answers = Vec::new();
    for modern in [false, true] {
        let mut client = Client::start_program(server, args, env);
        if modern {
            client = client.modern();
        } else {
            answers.push(client.initialize().to_string());
        }
        answers.extend(session(&mut |method, params| {
            client.request(method, params).to_string()
        }));
        client.close_stdin();
        assert!(client.wait(PATIENCE).success());
    }
    answers
}

fn over_http(server: &str, args: &[&str], env: &[(&str, &str)]) -> Vec<String> {
    let mut server = HttpServer::start_program(server, args, env);
    let mut answers = Vec::new();
    for version in [LEGACY, MODERN] {
        let mut connection = server.connect();
        answers.extend(session(&mut |method, params| {
            let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            connection.begin_message(&server.path, version, &message);
            connection.answer()
        }));
    }
    server.signal("TERM");
    assert!(server.wait(PATIENCE).expect("it ends").success());
    answers
}

/// The answers of a server, and what it sent to the database.
fn transcript(run: Transport, server: &str, args: &[&str]) -> (Vec<String>, Vec<Message>) {
    let proxy = runtime().block_on(async { Proxy::start(cluster(), |_| {}) });
    let url = proxy.dsn(&library().name, "library_reader");
    let answers = run(
        server,
        args,
        &[("LIBRARY_URL", url.as_str()), ("MCPGEN_SEAL_KEY", KEY)],
    );
    let mut messages = runtime().block_on(proxy.ended());
    // Whether a process that ends says goodbye is left to chance.
    messages.retain(|(kind, _)| *kind != 'X');
    (answers, messages)
}

#[test]
fn a_crate_reads_as_the_interpreter() {
    let policy = root().join("specs/library/mcpgen.yaml");
    let policy = policy.to_str().expect("UTF-8");
    let server = program(&root().join("generated/library"), "library-server");
    for run in [over_stdio as Transport, over_http] {
        let (wanted, sent) = transcript(run, env!("CARGO_BIN_EXE_mcpgen"), &["serve", policy]);
        let (answers, messages) = transcript(run, &server, &[]);
        assert_eq!(answers, wanted);
        assert!(sent.len() > 200, "{} messages", sent.len());
        assert_eq!(messages, sent);
        let found = wanted
            .iter()
            .filter(|answer| answer.contains("\"returned\":"))
            .count();
        assert!(found > 20, "{found} finds among {}", wanted.len());
    }
}
