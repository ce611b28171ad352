//! Snapshots come from anywhere: whatever is in one, it is read and compiled or refused, and every tool that
//! comes of it is one that clients take.

use std::cell::Cell;
use std::fs;

use mcpgen::compile::compile;
use mcpgen::diag::Diagnostics;
use mcpgen::input::postgres::{self, Snapshot};
use mcpgen::policy::Policy;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::{root, tools};

const CASES: u32 = 120;

/// Checks all that comes of a snapshot; how many tools there are.
#[track_caller]
pub(super) fn holds(snapshot: &Snapshot) -> usize {
    let mut diags = Diagnostics::default();
    let catalog = postgres::read(snapshot, None, &mut diags);
    let compiled = compile(
        std::slice::from_ref(&catalog),
        &Policy::default(),
        &mut diags,
    );
    let mut problems = tools::problems(&compiled.manifest);
    // Documents of APIs are wrong about null; what a database says of it holds.
    problems.retain(|problem| !problem.ends_with("the output may not be null"));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    compiled.manifest.tools.len()
}

/// The places of a tree below the first levels.
fn places(value: &Value, pointer: String, found: &mut Vec<String>) {
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, below(&index.to_string()), found);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                places(item, below(key), found);
            }
        }
        _ => {}
    }
    if !pointer.is_empty() {
        found.push(pointer);
    }
}

/// Values that a place may get besides those of other places.
fn odd() -> Vec<Value> {
    vec![
        json!(""),
        json!("\u{0}"),
        json!("\u{202e}\u{feff}"),
        json!("a\"b'c\\d`e"),
        json!("x".repeat(5_000)),
        json!("pg_catalog.int4"),
        json!("library.address"),
        json!("any"),
        json!("filter"),
        json!([]),
        json!({}),
        json!(null),
        json!(true),
        json!(u64::MAX),
    ]
}

#[test]
fn mutated_snapshots() {
    let text = fs::read_to_string(root().join("specs/library/snapshot.json")).unwrap();
    let tree: Value = serde_json::from_str(&text).unwrap();
    let mut all = Vec::new();
    places(&tree, String::new(), &mut all);
    let odd = odd();
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let change = (any::<Index>(), any::<Index>(), any::<bool>());
    let changes = proptest::collection::vec(change, 1..6);
    let read = Cell::new(0);
    let ran = TestRunner::new_with_rng(config, rng).run(&changes, |changes| {
        let mut tree = tree.clone();
        for (at, from, other) in changes {
            let value = match other {
                true => tree.pointer(from.get::<String>(&all)).cloned(),
                false => Some(from.get(&odd).clone()),
            };
            if let (Some(place), Some(value)) = (tree.pointer_mut(at.get::<String>(&all)), value) {
                *place = value;
            }
        }
        if let Ok(snapshot) = serde_json::from_value::<Snapshot>(tree) {
            holds(&snapshot);
            read.set(read.get() + 1);
        }
        Ok(())
    });
    ran.unwrap();
    let read = read.get();
    assert!(read > 10, "only {read} of {CASES} were snapshots");
}
