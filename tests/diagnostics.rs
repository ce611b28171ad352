//! What `mcpgen check` says of documents with something wrong: a folder a case.
//!
//! A case is `policy.yaml`, `doc.yaml` or `doc.json` (or none, if `args` names the document; a policy
//! names `../shop.yaml`, or the `doc.yaml` beside it), optionally `args`
//! (one argument a line; a first line `serve` or `test` runs that command instead), `env` (a variable
//! a line) and what came of it: `stdout.txt`, `stderr.txt` where something was said there, and
//! `status`. `UPDATE=1` writes those.

use std::fs;
use std::path::Path;

use mcpgen::diag::Code;
use serde_json::json;

use crate::support::{Output, golden, root, run};

const FOLDER: &str = "tests/diagnostics";
/// The folder of what [`made_up_cases`] say.
const MADE_UP: &str = "made-up";

/// The names of all cases, in order.
fn cases() -> Vec<String> {
    let entries = fs::read_dir(root().join(FOLDER)).expect("the folder of cases");
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir() && entry.file_name() != MADE_UP)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Runs a case with relative paths, which are the same on every machine.
fn check(case: &str) -> Output {
    let folder = format!("{FOLDER}/{case}");
    let args = fs::read_to_string(root().join(&folder).join("args")).unwrap_or_default();
    let mut args: Vec<&str> = args.lines().collect();
    let command = if matches!(args.first(), Some(&"serve" | &"test")) {
        args.remove(0)
    } else {
        "check"
    };
    let doc = ["policy.yaml", "doc.yaml", "doc.json"].map(|name| format!("{folder}/{name}"));
    let doc = doc.iter().find(|doc| root().join(doc).is_file());
    let mut line = vec![command];
    line.extend(doc.map(String::as_str));
    line.extend(args);
    let env = fs::read_to_string(root().join(&folder).join("env")).unwrap_or_default();
    let env: Vec<_> = env.lines().filter_map(|l| l.split_once('=')).collect();
    run(&line, &env, "")
}

fn compare(case: &str, output: &Output) {
    let file = |name: &str| format!("diagnostics/{case}/{name}");
    golden(&file("stdout.txt"), &output.stdout);
    golden(&file("status"), &format!("{}\n", output.status));
    let said = root().join("tests").join(file("stderr.txt"));
    if !output.stderr.is_empty() || said.exists() {
        golden(&file("stderr.txt"), &output.stderr);
    }
}

#[test]
fn every_case_says_what_it_said() {
    let cases = cases();
    assert!(cases.len() > 40, "{} cases", cases.len());
    for case in cases {
        compare(&case, &check(&case));
    }
}

/// A document with one operation of so many parameters, the first with an `enum` of so many values.
fn many(parameters: usize, values: usize) -> String {
    let parameter = |index: usize| {
        let values: Vec<usize> = (0..if index == 0 { values } else { 1 }).collect();
        json!({"name": format!("[{index}"), "in": "query", "schema": {"enum": values}})
    };
    let parameters: Vec<_> = (0..parameters).map(parameter).collect();
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Many", "version": "1"},
        "servers": [{"url": "https://many.example"}],
        "paths": {
            "/few": {"get": {"responses": {"200": {"description": "ok"}}}},
            "/many": {"get": {"parameters": parameters, "responses": {"200": {"description": "ok"}}}},
        },
    })
    .to_string()
}

/// Documents that no one should have to scroll past in a folder.
#[test]
fn made_up_cases() {
    let nested = |open: &str, close: &str| open.repeat(20_000) + "1" + &close.repeat(20_000);
    let head = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\nx-deep: ";
    for (case, text) in [
        ("nested-json", nested("[", "]")),
        ("nested-json-objects", nested("{\"a\":", "}")),
        ("nested-yaml-flow", format!("{head}{}\n", nested("[", "]"))),
        (
            "nested-yaml-block",
            format!("{head}\n  {}1\n", "- ".repeat(20_000)),
        ),
        ("nested-unclosed", "[".repeat(20_000)),
        ("many-parameters", many(501, 1)),
        ("many-values", many(1, 20_000)),
        ("duplicate-values", many(400, 10_000).replace("999", "1")),
    ] {
        let output = run(&["check", "-"], &[], &text);
        compare(&format!("{MADE_UP}/{case}"), &output);
    }
}

/// A code that no case shows may say anything.
#[test]
fn every_code_has_a_case() {
    let mut shown = String::new();
    for case in cases() {
        for name in ["stdout.txt", "stderr.txt"] {
            let file = root().join(FOLDER).join(&case).join(name);
            shown += &fs::read_to_string(file).unwrap_or_default();
        }
    }
    for code in Code::ALL {
        let mark = format!("[{}]", code.as_str());
        assert!(shown.contains(&mark), "no case shows {code:?} {mark}");
    }
}

/// What is printed fits a terminal, where the document's own lines do.
#[test]
fn lines_are_short() {
    for case in cases() {
        for name in ["stdout.txt", "stderr.txt"] {
            let path = format!("{FOLDER}/{case}/{name}");
            let text = fs::read_to_string(Path::new(&root()).join(&path)).unwrap_or_default();
            for line in text.lines() {
                let width = line.chars().count();
                assert!(width <= 130, "{path}: {width} columns: {line}");
            }
        }
    }
}
