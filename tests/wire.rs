//! What goes over the wire: `tests/wire/*.yaml`, each row one real call against an upstream that
//! records.
//!
//! A file is a list of groups, a group an operation with the calls made of it:
//!
//! ```yaml
//! - because: where the expectations come from (specification and section), or why
//!   versions: [3.1.1]             # of the document; all of 3.x if absent
//!   method: post                  # get if absent
//!   path: /{color}                # / if absent
//!   params: [{in: path, …}]       # Parameter Objects
//!   body: {content: {…}}          # a Request Body Object
//!   consumes: [text/plain]        # of the operation (2.0)
//!   losses: [MG129]               # the codes reported of the operation; none if absent
//!   left_out: true                # the operation is no tool; no rows then
//!   rows:
//!     - args: '{"color": 1e3}'    # the arguments, as JSON text; `{}` if absent
//!       sent: GET /blue?x=1       # the request line without the HTTP version
//!       headers: {x-a: b}         # all headers but those of every request; none if absent
//!       payload: '{"a":1}'        # the body as text; none if absent
//!       payload64: AAEC           # the same in base64, where it is no text
//!     - args: '{"color": ""}'
//!       refused: refused_value is empty     # the error's code and a part of its message
//! ```
//!
//! A multipart boundary is written `BOUNDARY` in headers and payload. Each group runs under a path of
//! its own, which is not in `sent`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mcpgen::diag::Diagnostics;
use mcpgen::input::documents::Documents;
use mcpgen::input::openapi::{ReadOptions, read};
use mcpgen::source::{Budget, Source};
use serde_json::{Value, json};

use crate::support::{Recorded, root};
use crate::threats::scene::{Scene, error_code, text};

/// The versions that every group is run under, unless it names its own.
const VERSIONS: [&str; 3] = ["3.0.4", "3.1.1", "3.2.0"];

/// Headers of every request.
const ALWAYS: [&str; 5] = [
    "accept",
    "accept-encoding",
    "content-length",
    "host",
    "user-agent",
];

/// The groups of all files, with the file's name.
fn groups() -> Vec<(String, Value)> {
    let folder = fs::read_dir(root().join("tests/wire")).expect("the folder of the tables");
    let mut files: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a table is text");
        let mut diags = Diagnostics::default();
        let tree = Source::new(&name, text).parse(&Budget::default(), &mut diags);
        let said: Vec<_> = diags.iter().map(|d| d.message.clone()).collect();
        assert!(said.is_empty(), "{name}: {said:?}");
        let groups = tree.as_ref().and_then(Value::as_array).cloned();
        for group in groups.unwrap_or_else(|| panic!("{name} is no list")) {
            known_keys(&name, &group);
            all.push((name.clone(), group));
        }
    }
    all
}

/// A key that nothing reads would be an expectation that nothing checks.
#[track_caller]
fn known_keys(file: &str, group: &Value) {
    let check = |value: &Value, known: &[&str]| {
        let keys = value.as_object().into_iter().flatten();
        for (key, _) in keys {
            assert!(known.contains(&key.as_str()), "{file}: `{key}` in {value}");
        }
    };
    let own = [
        "because", "versions", "method", "path", "params", "body", "consumes", "losses",
        "left_out", "rows",
    ];
    check(group, &own);
    assert!(
        group["because"].is_string(),
        "{file}: no `because`: {group}"
    );
    let of_row = ["args", "sent", "headers", "payload", "payload64", "refused"];
    for row in group["rows"].as_array().into_iter().flatten() {
        check(row, &of_row);
        let one = row.get("sent").is_some() != row.get("refused").is_some();
        assert!(one, "{file}: `sent` or `refused`: {row}");
    }
}

fn text_of<'a>(value: &'a Value, key: &str, otherwise: &'a str) -> &'a str {
    value.get(key).map_or(otherwise, |v| v.as_str().unwrap())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A document of one version with an operation a group, under `/0`, `/1` and so on.
fn document(version: &str, groups: &[&(String, Value)]) -> Value {
    let mut paths = json!({});
    for (index, (_, group)) in groups.iter().enumerate() {
        let mut operation = json!({
            "operationId": format!("g{index}"),
            "parameters": list(&group["params"]),
            "responses": {"200": {"description": "ok"}},
        });
        for (key, field) in [("body", "requestBody"), ("consumes", "consumes")] {
            if let Some(value) = group.get(key) {
                operation[field] = value.clone();
            }
        }
        let path = format!("/{index}{}", text_of(group, "path", "/"));
        paths[path] = json!({ text_of(group, "method", "get"): operation });
    }
    let key = if version == "2.0" {
        "swagger"
    } else {
        "openapi"
    };
    json!({key: version, "info": {"title": "Shop", "version": "1"}, "paths": paths})
}

/// The codes that the compiler reports of each operation, and whether it is left out.
fn losses(document: &Value) -> (BTreeMap<usize, Vec<String>>, Vec<String>) {
    let mut diags = Diagnostics::default();
    let options = ReadOptions {
        base_url: Some("https://api.example".into()),
        ..ReadOptions::default()
    };
    let catalog =
        read(&Documents::alone(document.clone()), &options, &mut diags).expect("it is a document");
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for diag in diags.iter() {
        let pointer = diag.loc.as_ref().map_or("", |loc| loc.pointer.as_str());
        let index = pointer.strip_prefix("/paths/~1").unwrap_or_default();
        let digits: String = index.chars().take_while(char::is_ascii_digit).collect();
        let index = digits.parse().expect("every finding is of a group");
        found
            .entry(index)
            .or_default()
            .push(diag.code.as_str().to_owned());
    }
    let left_out = catalog.left_out.iter().map(|l| l.operation.clone());
    (found, left_out.collect())
}

/// What was sent, in the words of a row.
fn seen(index: usize, request: &Recorded) -> Value {
    let prefix = format!("/{index}");
    let target = request.target();
    let target = target.strip_prefix(&prefix).unwrap_or(target);
    let content_type = request.header("content-type").unwrap_or_default();
    let boundary = content_type.split_once("boundary=").map(|(_, b)| b);
    let shown = |text: &str| match boundary {
        Some(boundary) if !boundary.is_empty() => text.replace(boundary, "BOUNDARY"),
        _ => text.to_owned(),
    };
    let mut headers = json!({});
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        if !ALWAYS.contains(&name.as_str()) {
            let before = headers[&name].as_str().map(|v| format!("{v} | "));
            headers[name] = format!("{}{}", before.unwrap_or_default(), shown(value)).into();
        }
    }
    let body = std::str::from_utf8(&request.body).map(shown);
    json!({
        "sent": format!("{} {target}", request.method()),
        "headers": headers,
        "payload": body.unwrap_or_else(|_| format!("base64 {}", STANDARD.encode(&request.body))),
    })
}

fn wanted(row: &Value) -> Value {
    let payload = match row.get("payload64") {
        Some(bytes) => format!("base64 {}", bytes.as_str().unwrap()),
        None => text_of(row, "payload", "").to_owned(),
    };
    json!({
        "sent": row["sent"],
        "headers": row.get("headers").cloned().unwrap_or(json!({})),
        "payload": payload,
    })
}

/// Runs all groups of one version in one server; the rows that were run, and what is wrong.
fn run_version(version: &str, groups: &[(String, Value)], wrong: &mut String) -> usize {
    let of_version = |group: &&(String, Value)| match group.1.get("versions") {
        None => VERSIONS.contains(&version),
        Some(own) => list(own).iter().any(|v| v == version),
    };
    let groups: Vec<_> = groups.iter().filter(of_version).collect();
    let document = document(version, &groups);
    let (found, left_out) = losses(&document);
    let mut scene = Scene::new(&document);
    let mut rows = 0;
    for (index, (file, group)) in groups.iter().enumerate() {
        let place = format!("{file}, {version}, {}", text_of(group, "because", ""));
        let codes = found.get(&index).map(|codes| json!(codes));
        let codes = codes.unwrap_or_else(|| json!([]));
        if codes != json!(list(&group["losses"])) {
            let _ = writeln!(wrong, "{place}: reported {codes}");
        }
        let method = text_of(group, "method", "get").to_uppercase();
        let label = format!("{method} /{index}{}", text_of(group, "path", "/"));
        let out = left_out.contains(&label);
        if out != (group.get("left_out") == Some(&json!(true))) {
            let _ = writeln!(wrong, "{place}: left out: {out}");
        }
        for row in list(&group["rows"]) {
            rows += 1;
            let args = text_of(row, "args", "{}");
            let (result, requests) = scene.call_raw(&format!("g{index}"), args);
            let Some(refused) = row.get("refused").and_then(Value::as_str) else {
                let got: Vec<_> = requests.iter().map(|r| seen(index, r)).collect();
                if got != [wanted(row)] {
                    let said = text(&result);
                    let _ = writeln!(
                        wrong,
                        "{place}\n  {args}\n  wanted {}\n  got {got:?} {said}",
                        wanted(row)
                    );
                }
                continue;
            };
            let (code, part) = refused.split_once(' ').unwrap_or((refused, ""));
            let said = text(&result);
            if error_code(&result) != code || !said.contains(part) || !requests.is_empty() {
                let _ = writeln!(
                    wrong,
                    "{place}\n  {args}\n  wanted {refused}\n  got {said} {requests:?}"
                );
            }
        }
    }
    rows
}

#[test]
fn every_row_is_sent_as_written() {
    let groups = groups();
    let mut versions: Vec<&str> = VERSIONS.to_vec();
    for (_, group) in &groups {
        for own in list(&group["versions"]).iter().filter_map(Value::as_str) {
            if !versions.contains(&own) {
                versions.push(own);
            }
        }
    }
    let mut wrong = String::new();
    let mut rows = 0;
    for version in versions {
        rows += run_version(version, &groups, &mut wrong);
    }
    let written: usize = groups.iter().map(|(_, g)| list(&g["rows"]).len()).sum();
    println!("{written} rows, {rows} calls");
    assert!(wrong.is_empty(), "{wrong}");
}
