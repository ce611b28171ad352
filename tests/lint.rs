//! The Inspector's portability lint over the tools of every document.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use crate::interop::installed;
use crate::support::process::{Output, run_program};
use crate::support::{Scratch, root, run};

/// What `--strict` exits with where a schema is not portable.
const UNPORTABLE: i32 = 6;

/// A server whose only tool has a schema that the lint must refuse.
const BAD_SERVER: &str = r#"
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {}
    if message["method"] == "initialize":
        info = {"name": "bad", "version": "0"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    elif message["method"] == "tools/list":
        schema = {"type": "object", "properties": {"a": True}}
        result = {"tools": [{"name": "t", "inputSchema": schema}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

fn lint(folder: &str, command: &[&str]) -> Output {
    let index = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
    let script = format!("{folder}/{index}");
    let node = env::var("MCPGEN_NODE").unwrap_or_else(|_| "node".to_owned());
    let mut options = vec!["--method", "tools/list", "--format", "json", "--strict"];
    // A large document on a busy machine takes longer than the usual 15 seconds.
    options.extend(["--connect-timeout", "120000"]);
    let args = [&[script.as_str(), "--cli"], command, &options].concat();
    run_program(&node, &args, &[], b"")
}

#[test]
fn the_lint_can_fail() {
    let (Some(folder), Some(python)) = (installed("MCPGEN_NODE_DIR"), installed("MCPGEN_PYTHON"))
    else {
        return;
    };
    let scratch = Scratch::new();
    let script = scratch.file("server.py", BAD_SERVER);
    let output = lint(&folder, &[&python, &script]);
    assert_eq!(output.status, UNPORTABLE, "{}", output.stderr);
}

#[test]
fn every_tool_list_is_portable() {
    let Some(folder) = installed("MCPGEN_NODE_DIR") else {
        return;
    };
    let documents = Mutex::new(documents());
    let count = documents.lock().unwrap().len();
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(document) = next(&documents) {
                    if let Some(failure) = check(&folder, &document) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{count} documents:\n{}",
        failures.join("\n")
    );
}

fn next(documents: &Mutex<Vec<PathBuf>>) -> Option<PathBuf> {
    documents.lock().unwrap().pop()
}

/// What is wrong with a document's tools; nothing if the document has none to serve.
fn check(folder: &str, document: &Path) -> Option<String> {
    let document = document.to_str().expect("a path in UTF-8");
    let list = run(
        &["list", document, "--enable", "destroy", "--json"],
        &[],
        "",
    );
    if list.status != 0 {
        return None;
    }
    let mcpgen = env!("CARGO_BIN_EXE_mcpgen");
    let options = ["--mock", "--enable", "destroy", "--tools", "list"];
    let serve = [&[mcpgen, "serve", document], &options[..]].concat();
    let output = lint(folder, &serve);
    let findings = output
        .stderr
        .lines()
        .filter(|line| !line.starts_with("mcpgen:"));
    let findings: Vec<&str> = findings.take(20).collect();
    let listed = list.json()["tools"].as_array().map_or(0, Vec::len);
    let seen = output.stdout.matches("\"inputSchema\":").count();
    let whole = output.status == 0 && seen >= listed;
    (!whole).then(|| {
        format!(
            "{document}: exit {}: {}",
            output.status,
            findings.join("\n")
        )
    })
}

/// The documents of the corpus, else the project's own.
fn documents() -> Vec<PathBuf> {
    let corpus = env::var_os("MCPGEN_CORPUS").map(PathBuf::from);
    let own = root().join("specs/bookshop/openapi.yaml");
    let Some(corpus) = corpus else {
        return vec![own];
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir(corpus)
        .expect("the corpus is a folder")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e == "json" || e == "yaml" || e == "yml")
        })
        .chain([own])
        .collect();
    found.sort();
    assert!(found.len() > 50, "{} documents", found.len());
    found
}
