//! The same under a policy: limits, retries, what is chosen, dropped and shortened of answers, and what is
//! kept out of errors.

use serde_json::{Value, json};

use super::{Recorded, Session, bookshop, session};
use crate::support::{Reply, Scratch, cargo, root, run};

/// Answers of the bookshop, with lists that are longer than is passed on.
fn long(request: &Recorded) -> Reply {
    let book =
        |n: usize| json!({"id": format!("bk_{n:04}"), "price": 1.10, "title": "t".repeat(90)});
    match request.path() {
        path if path.ends_with("/books") => {
            let books: Vec<Value> = (0..60).map(book).collect();
            Reply::json(&json!({"items": books, "total": 60}))
        }
        path if path.ends_with("/or_0600") => {
            let cause = json!({"since": "2026-01-01", "why": "sent"});
            Reply::json(&json!({"title": "Too late", "since": "2026-01-01", "causes": [cause]}))
                .with_status(409)
        }
        path if path.ends_with("/or_0601") => Reply::json(&json!({"wide": "x".repeat(9_000)})),
        _ => bookshop(request),
    }
}

fn call(tool: &str, arguments: &Value) -> Value {
    json!({"method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

#[test]
fn a_crate_obeys_the_same_policy() {
    let orders = [
        "or_0001", "or_0204", "or_0206", "or_0208", "or_0302", "or_0404", "or_0422", "or_0500",
        "or_0600", "or_0601",
    ];
    let mut steps = vec![
        json!({"method": "tools/list"}),
        call("list_books", &json!({})),
    ];
    steps.extend(orders.map(|id| call("get_order", &json!({"orderId": id}))));
    let shop = session(Vec::new());
    let (upstream, release) = super::upstream(long);
    let session = Session {
        steps,
        upstream,
        release,
        env: shop.env,
    };
    let policy = json!({
        "version": 1,
        "sources": {"bookshop": {
            "openapi": root().join("specs/bookshop/openapi.yaml"),
            "base_url": format!("{}/v1", session.upstream.url()),
            "rate": [{"limit": "1000/min"}],
        }},
        "egress": {"redirects": "none"},
        "defaults": {
            "timeout": "20s",
            "concurrency": 4,
            "retries": {"max": 1, "on": [500]},
            "rate": [{"limit": "1000/min", "burst": 500}],
            "response": {"max_bytes": "2KiB", "drop": ["/note"]},
        },
        "tools": {"mode": "list"},
        "rules": [
            {"match": {"operation": "listBooks"}, "response": {"select": ["/items/*/id", "/items/*/title"], "max_items": 40}},
            {"match": {"operation": "getOrder"}, "response": {"drop": ["/since"]}},
        ],
    });
    let scratch = Scratch::new();
    let file = scratch.file("mcpgen.yaml", policy.to_string());
    let folder = scratch.path().join("policy-server");
    let output = folder.to_str().expect("UTF-8");
    run(
        &["build", &file, "-o", output, "--name", "policy-server"],
        &[],
        "",
    )
    .expect(0);
    let program = cargo::program(&folder, "policy-server");
    let transcript = session.compare(&["serve", &file], &program);
    // All of it was met.
    let all = transcript.answers.join("\n");
    for told in [
        "mcpgen/truncated",
        "17 of 60 items of /items",
        "(2 attempts)",
        "response_withheld",
        "this server follows no redirect",
        "upstream_conflict",
        "characters of /wide",
    ] {
        assert!(all.contains(told), "{told} is nowhere in\n{all}");
    }
    assert!(
        !all.contains("2026-01-01") && !all.contains("\\\"price\\\""),
        "{all}"
    );
}
