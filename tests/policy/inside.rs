//! A request that leaves is inside the policy, whatever the caller gives.
//!
//! Policies and arguments are put together of many pieces; the program serves the document under the
//! policy, and an oracle looks at what an upstream recorded. The oracle knows the policy's text and the
//! request's bytes, and shares no code with the program: `inside/oracle.rs`.

use std::cell::RefCell;
use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::{Scratch, root, run};
use crate::threats::scene::{Scene, error_code, text, willing};

mod oracle;
mod pieces;

use pieces::{RULES, VALUES};

/// Policies that are tried; `POLICY_CASES` sets another number.
const POLICIES: u32 = 40;
/// Calls under each.
const CALLS: usize = 20;

/// A choice of a row and of one of its texts.
type Choice = (Index, Index);

#[derive(Debug)]
struct Case {
    /// Whether it reads, so that values are moved.
    reads: bool,
    body_required: bool,
    mode: Index,
    /// The document's own bounds.
    bounds: Index,
    rules: Vec<Choice>,
    calls: Vec<Vec<Choice>>,
}

fn cases() -> impl Strategy<Value = Case> {
    let choice = || (any::<Index>(), any::<Index>());
    let calls = prop::collection::vec(prop::collection::vec(choice(), 0..4), CALLS);
    let rules = prop::collection::vec(choice(), 1..7);
    let flags = (any::<bool>(), any::<bool>(), any::<Index>(), any::<Index>());
    (flags, rules, calls).prop_map(
        |((reads, body_required, mode, bounds), rules, calls)| Case {
            reads,
            body_required,
            mode,
            bounds,
            rules,
            calls,
        },
    )
}

fn document(case: &Case) -> Value {
    let bounds = [
        json!({"type": "integer", "minimum": 0, "maximum": 1000}),
        json!({"type": "integer"}),
        json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": 500}),
        json!({"type": ["integer", "string", "null"], "maximum": 60}),
    ];
    let bounds = case.bounds.get(&bounds);
    let param = |place: &str, name: &str, schema: Value| json!({"in": place, "name": name, "required": place == "path", "schema": schema});
    let filter = json!({"type": "object", "properties": {
        "tenant": {"type": "string"},
        "days": {"type": "integer", "minimum": 0},
        "deep": {"type": ["object", "null"], "properties": {"n": {"type": "number"}}},
    }});
    let row = json!({"type": "object", "properties": {"t": {"type": "string"}, "n": {"type": "integer"}}});
    let body = json!({"type": "object", "properties": {
        "filter": {"oneOf": [{"$ref": "#/components/schemas/Filter"}, {"type": "null"}]},
        "rows": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}},
        "kind": {"type": "string"},
    }, "required": ["kind"]});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "components": {"schemas": {"Filter": filter, "Row": row}},
        "paths": {"/things/{id}": {"post": {
            "operationId": "op",
            "parameters": [
                param("path", "id", json!({"type": "string"})),
                param("query", "limit", bounds.clone()),
                param("query", "amount", json!({"type": "number"})),
                param("query", "q", json!({"type": "string"})),
                param("query", "status", json!({"type": "string", "enum": ["open", "paid", "shipped"]})),
                param("query", "ids", json!({"type": "array", "items": {"type": "integer"}})),
                param("query", "extra", json!({"type": "object", "additionalProperties": true})),
                param("header", "X-Trace", json!({"type": "integer"})),
            ],
            "requestBody": {"required": case.body_required, "content": {"application/json": {"schema": body}}},
            "responses": {"200": {"description": "ok"}},
        }}},
    })
}

/// The policy as a tree; JSON is YAML.
fn policy(case: &Case) -> Value {
    let effect = match case.reads {
        true => {
            json!({"match": {"operation": "op"}, "effect": {"as": "read", "because": "it searches"}})
        }
        false => json!({"match": {"operation": "op"}, "enable": "write"}),
    };
    let mut rules = vec![effect];
    for (row, text) in &case.rules {
        let (key, texts) = *row.get(&RULES);
        let text: &&str = text.get(texts);
        let rule: Value = serde_json::from_str(text).expect("a rule");
        rules.push(json!({"match": {"operation": "op"}, "args": {key: rule}}));
    }
    let mode = case.mode.get(&["auto", "auto", "clamp", "reject"]);
    json!({"version": 1, "defaults": {"on_violation": mode}, "rules": rules})
}

/// Arguments as they are written; what is given twice is left out but once.
fn arguments(choices: &[Choice]) -> String {
    let mut given: Vec<(&str, &str)> = vec![("id", r#""a""#), ("kind", r#""k""#)];
    for (row, text) in choices {
        let (name, texts) = *row.get(&VALUES);
        given.retain(|(other, _)| *other != name);
        given.push((name, *text.get(texts)));
    }
    // A call can leave out what there is by itself.
    given.retain(|(name, text)| *name != "kind" || *text != "null");
    let pairs: Vec<String> = given
        .iter()
        .map(|(name, text)| format!("\"{name}\": {text}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

const ENV: [(&str, &str); 2] = [("TENANT", "acme"), ("NUMBER", "6")];

#[derive(Default)]
struct Tally {
    refused_policies: usize,
    sent: usize,
    refused: usize,
    changed: usize,
}

fn tried(case: &Case, tally: &RefCell<Tally>) -> Result<(), TestCaseError> {
    let (document, policy) = (document(case), policy(case));
    let scratch = Scratch::new();
    let document_file = scratch.file("shop.json", document.to_string());
    let file = scratch.file("mcpgen.yaml", policy.to_string());
    let list = run(&["list", &document_file, "--policy", &file], &ENV, "");
    if list.status != 0 {
        // Pieces can contradict each other; then nothing is served.
        prop_assert!(list.stderr.contains("MG2"), "{}", list.stderr);
        tally.borrow_mut().refused_policies += 1;
        return Ok(());
    }
    let mut scene = Scene::with(&document, &["--policy", &file], &ENV, willing);
    for choices in &case.calls {
        let given = arguments(choices);
        let (result, requests) = scene.call_raw("op", &given);
        let (mut tally, told) = (tally.borrow_mut(), text(&result));
        match requests.as_slice() {
            [] => {
                // A key that is there twice is no message at all.
                let refused = result.is_null() || !error_code(&result).is_empty();
                prop_assert!(refused, "{given}: {result}");
                tally.refused += 1;
            }
            [request] => {
                let judged = oracle::inside(
                    &policy,
                    &ENV,
                    request.target(),
                    request.header("x-trace"),
                    &request.body,
                );
                let shown = format!("{given}\n{policy:#}\n{request:?}\n{told}");
                prop_assert!(judged.is_ok(), "{}\n{shown}", judged.unwrap_err());
                tally.sent += 1;
                tally.changed += usize::from(told.contains("note: "));
            }
            many => prop_assert!(false, "{} requests", many.len()),
        }
    }
    Ok(())
}

#[test]
fn what_leaves_is_inside_the_policy() {
    let cases_wanted = std::env::var("POLICY_CASES").ok();
    let config = Config {
        cases: cases_wanted
            .and_then(|n| n.parse().ok())
            .unwrap_or(POLICIES),
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tally = RefCell::new(Tally::default());
    let result = runner.run(&cases(), |case| tried(&case, &tally));
    match result {
        Ok(()) => {}
        // The pieces themselves are indices; the reason has what they came to.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error) => panic!("{error}"),
    }
    let Tally {
        refused_policies,
        sent,
        refused,
        changed,
    } = tally.into_inner();
    println!(
        "{refused_policies} policies refused; {sent} calls sent, {refused} refused, {changed} changed"
    );
    // Were nearly all refused, nothing would have been seen.
    assert!(sent > 150 && refused > 150 && changed > 20);
}

#[test]
fn the_oracle_shares_nothing_with_the_program() {
    let text =
        fs::read_to_string(root().join("tests/policy/inside/oracle.rs")).expect("it is there");
    assert!(!text.contains("mcpgen") && !text.contains("crate::"));
}
