//! What comes back: `tests/responses/*.yaml`, each row an answer of an upstream and what a client gets
//! for it.
//!
//! A file is a list of groups, a group what the document promises and the answers that come:
//!
//! ```yaml
//! - because: where the expectations come from (specification and section), or why
//!   method: post                   # get if absent
//!   version: 3.2.0                 # of the document; 3.1.1 if absent
//!   declares: {application/json: {schema: {…}}}   # `content` of the success response; none if absent
//!   rows:
//!     - status: 201                # 200 if absent
//!       type: application/json     # Content-Type; none if absent
//!       headers: {Location: /a}    # further headers
//!       body: '{"a": 1}'           # as text, or
//!       body64: AAEC               # in base64
//!       then: stalls               # what follows: nothing more comes (`stalls`), the connection ends
//!                                  # before the body does (`breaks`), or the body comes again and again
//!                                  # (`repeats`); absent if the answer is whole
//!       error: upstream_rejected   # the code of the failed call; it succeeds if absent
//!       structured: {a: 1}         # the structured result; none if absent
//!       blocks: [text, image]      # the types of the blocks; one text if absent
//!       says: [a, b]               # parts of the text
//!       told: {status: 201}        # `_meta["mcpgen/response"]`; none if absent
//!       facts: {status: 422}       # of `_meta["mcpgen/error"]`, beside `code` and `retryable`
//! ```
//!
//! Whatever comes, a structured result suits the output schema of its tool.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mcpgen::diag::Diagnostics;
use mcpgen::source::{Budget, Source};
use serde_json::{Map, Value, json};

use crate::support::{PATIENCE, Recorded, Reply, root};
use crate::threats::scene::{Scene, document, operation, text};

const OF_GROUP: [&str; 5] = ["because", "method", "version", "declares", "rows"];
const OF_ROW: [&str; 12] = [
    "status",
    "type",
    "headers",
    "body",
    "body64",
    "then",
    "error",
    "structured",
    "blocks",
    "says",
    "told",
    "facts",
];

/// An answer and what is expected of it.
#[derive(Clone)]
struct Case {
    file: String,
    /// What it is under in the document.
    tool: String,
    group: Value,
    row: Value,
}

/// A key that nothing reads would be an expectation that nothing checks.
#[track_caller]
fn known_keys(file: &str, value: &Value, known: &[&str]) {
    for (key, _) in value.as_object().into_iter().flatten() {
        assert!(known.contains(&key.as_str()), "{file}: `{key}` in {value}");
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn word<'a>(value: &'a Value, key: &str, otherwise: &'a str) -> &'a str {
    value.get(key).map_or(otherwise, |v| v.as_str().unwrap())
}

fn rows() -> Vec<Case> {
    let folder = fs::read_dir(root().join("tests/responses")).expect("the folder of the tables");
    let mut files: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let file = path.file_name().unwrap_or_default();
        let file = file.to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a table is text");
        let mut diags = Diagnostics::default();
        let tree = Source::new(&file, text).parse(&Budget::default(), &mut diags);
        let said: Vec<_> = diags.iter().map(|d| d.message.clone()).collect();
        assert!(said.is_empty(), "{file}: {said:?}");
        let tree = tree.expect("a table is YAML");
        for group in tree.as_array().expect("a table is a list") {
            known_keys(&file, group, &OF_GROUP);
            assert!(
                group["because"].is_string(),
                "{file}: no `because`: {group}"
            );
            for row in list(group, "rows") {
                known_keys(&file, row, &OF_ROW);
                all.push(Case {
                    file: file.clone(),
                    tool: format!("r{}", all.len()),
                    group: group.clone(),
                    row: row.clone(),
                });
            }
        }
    }
    assert!(all.len() >= 60, "{} rows", all.len());
    all
}

impl Case {
    fn stalls(&self) -> bool {
        self.row["then"] == "stalls"
    }

    fn path(&self) -> String {
        format!("/{}", self.tool)
    }

    fn operation(&self) -> Value {
        let mut success = json!({"description": "ok"});
        if let Some(content) = self.group.get("declares") {
            success["content"] = content.clone();
        }
        let method = word(&self.group, "method", "get");
        json!({ method: {"operationId": self.tool, "responses": {"200": success}} })
    }

    fn reply(&self) -> Reply {
        let row = &self.row;
        let mut headers: Vec<(String, String)> = Vec::new();
        headers.extend(
            row.get("type")
                .map(|kind| ("Content-Type".to_owned(), kind.as_str().unwrap().to_owned())),
        );
        for (name, value) in row["headers"].as_object().into_iter().flatten() {
            headers.push((name.clone(), value.as_str().unwrap().to_owned()));
        }
        let body = match row.get("body64") {
            Some(text) => STANDARD.decode(text.as_str().unwrap()).unwrap(),
            None => word(row, "body", "").as_bytes().to_vec(),
        };
        let status = row["status"].as_u64().unwrap_or(200);
        let status = u16::try_from(status).unwrap();
        match word(row, "then", "") {
            "" => Reply::Answer {
                status,
                headers,
                body,
            },
            "stalls" => Reply::Stall {
                status,
                headers,
                body,
            },
            "breaks" => {
                headers.push(("Content-Length".to_owned(), (body.len() + 1).to_string()));
                Reply::Broken {
                    status,
                    headers,
                    body,
                }
            }
            "repeats" => Reply::Endless {
                headers,
                chunk: body.repeat(1_000),
            },
            other => panic!("then: {other}"),
        }
    }

    /// What is not as expected.
    fn check(&self, tool: &Value, result: &Value) -> Vec<String> {
        let row = &self.row;
        let mut wrong = Vec::new();
        let mut same = |what: &str, found: Option<&Value>, wanted: Option<&Value>| {
            if found != wanted {
                let shown =
                    |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
                wrong.push(format!(
                    "{what}: {} instead of {}",
                    shown(found),
                    shown(wanted)
                ));
            }
        };
        let meta = |key: &str| result["_meta"].get(key);
        let error = meta("mcpgen/error");
        same("error", error.map(|error| &error["code"]), row.get("error"));
        same(
            "isError",
            result.get("isError"),
            Some(&error.is_some().into()),
        );
        let structured = result.get("structuredContent");
        same("structured", structured, row.get("structured"));
        let blocks: Value = list(result, "content")
            .iter()
            .map(|block| block["type"].clone())
            .collect();
        let one = json!(["text"]);
        same(
            "blocks",
            Some(&blocks),
            Some(row.get("blocks").unwrap_or(&one)),
        );
        same("told", meta("mcpgen/response"), row.get("told"));
        let facts = error.and_then(Value::as_object).cloned().map(|mut facts| {
            facts.retain(|key, _| key != "code" && key != "retryable");
            Value::Object(facts)
        });
        let facts = facts.filter(|facts| *facts != json!({}));
        same("facts", facts.as_ref(), row.get("facts"));
        for part in list(row, "says").iter().filter_map(Value::as_str) {
            if !text(result).contains(part) {
                wrong.push(format!("it does not say `{part}` but `{}`", text(result)));
            }
        }
        let schema = tool.get("outputSchema").filter(|_| error.is_none());
        let suits = |schema| structured.is_some_and(|value| jsonschema::is_valid(schema, value));
        if let Some(schema) = schema.filter(|schema| !suits(schema)) {
            wrong.push(format!("{structured:?} does not suit {schema}"));
        }
        wrong
    }
}

/// Serves a document with one operation a row and checks each.
fn run(rows: &[Case], options: &[&str]) {
    let mut wrong = Vec::new();
    let version = |row: &Case| word(&row.group, "version", "3.1.1").to_owned();
    let mut versions: Vec<String> = rows.iter().map(version).collect();
    versions.sort();
    versions.dedup();
    for wanted in versions {
        let rows: Vec<Case> = rows
            .iter()
            .filter(|row| version(row) == wanted)
            .cloned()
            .collect();
        let paths: Map<String, Value> = rows
            .iter()
            .map(|row| (row.path(), row.operation()))
            .collect();
        let document =
            json!({"openapi": wanted, "info": {"title": "Shop", "version": "1"}, "paths": paths});
        let options = [&["--enable", "write"], options].concat();
        let answers = rows.clone();
        let mut scene = Scene::with(&document, &options, &[], move |request: &Recorded| {
            let row = answers.iter().find(|row| row.path() == request.path());
            row.expect("it is one of the rows").reply()
        });
        let tools = scene.client.tools();
        let mut left = 0;
        for row in &rows {
            let tool = tools.iter().find(|tool| tool["name"] == row.tool.as_str());
            let (result, requests) = scene.call(&row.tool, json!({}));
            let found = row.check(tool.expect("it is a tool"), &result);
            if !found.is_empty() || requests.len() != 1 {
                let found = found.join("\n  ");
                wrong.push(format!("{}: {}\n  {found}", row.file, row.row));
            }
            // Whoever still sends sees the connection end.
            if ["stalls", "repeats"].contains(&word(&row.row, "then", "")) {
                left += 1;
                scene.upstream.wait_for_abandoned(left, PATIENCE);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn answers_become_results() {
    let (_, whole): (Vec<Case>, Vec<Case>) = rows().into_iter().partition(Case::stalls);
    run(&whole, &[]);
}

#[test]
fn answers_that_stop_halfway() {
    let (stalling, _): (Vec<Case>, Vec<Case>) = rows().into_iter().partition(Case::stalls);
    run(&stalling, &["--timeout", "500ms"]);
}

#[test]
fn streams_are_closed_after_their_bounds() {
    let lines = |text: &str| Reply::Endless {
        headers: vec![("Content-Type".to_owned(), "application/x-ndjson".to_owned())],
        chunk: text.repeat(100).into_bytes(),
    };
    let paths = json!({"/many": operation("get", "many", &json!({})), "/large": operation("get", "large", &json!({}))});
    let large = format!("{}\n", json!("x".repeat(10_000)));
    let mut scene = Scene::with(&document(&paths), &[], &[], move |request: &Recorded| {
        lines(if request.path() == "/many" {
            "[]\n"
        } else {
            &large
        })
    });
    for (index, (tool, count, ended, said)) in [
        (
            "many",
            1_000,
            "items",
            "after 1000 items; there may be more",
        ),
        // 2 MiB of lines of 10,003 bytes.
        (
            "large",
            209,
            "bytes",
            "after 209 items, which is as much as is read; there is more",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (result, _) = scene.call(tool, json!({}));
        let items = &result["structuredContent"]["items"];
        assert_eq!(items.as_array().map(Vec::len), Some(count), "{tool}");
        let told = &result["_meta"]["mcpgen/response"]["stream"];
        let want = json!({"items": count, "left_out": 0, "ended": ended});
        assert_eq!(told, &want, "{tool}");
        assert!(text(&result).contains(said), "{tool}");
        scene.upstream.wait_for_abandoned(index + 1, PATIENCE);
    }
}
