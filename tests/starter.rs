//! `mcpgen init`: a policy that compiles without a finding of its own, for every document; that says
//! nothing a document slipped in; and that overwrites nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Output, Scratch, root, run, run_in};

/// The documents of `MCPGEN_CORPUS`, and the project's own.
fn documents() -> Vec<PathBuf> {
    let corpus = std::env::var_os("MCPGEN_CORPUS").map(PathBuf::from);
    let own = ["specs", "tests/golden"].map(|folder| root().join(folder));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = corpus.into_iter().chain(own).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let ends = |extension: &&str| path.extension().is_some_and(|e| e == *extension);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if ["json", "yaml", "yml"].iter().any(ends)
                && !name.contains("mcpgen")
                && !name.contains("overlay")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Findings that a policy is the reason for: its own codes, and those at a place in it.
fn own_findings(check: &Output, policy: &str) -> Vec<String> {
    let json = check.json();
    let all = json["diagnostics"].as_array().cloned().unwrap_or_default();
    let own = |found: &&Value| {
        let code = found["code"].as_str().unwrap_or_default();
        code.starts_with("MG2") || found["file"] == policy
    };
    all.iter().filter(own).map(Value::to_string).collect()
}

/// What the starter of a database asks for, which nobody connects to.
const DATABASE: [(&str, &str); 1] = [("LIBRARY_URL", "postgres://db.example/library")];

/// What is wrong with the policy that a document begins with.
fn problems(document: &Path) -> Vec<String> {
    let scratch = Scratch::new();
    let policy = scratch.path().join("mcpgen.yaml").display().to_string();
    let name = document.display().to_string();
    let init = run(&["init", &name, "-o", &policy], &[], "");
    let mut found = Vec::new();
    if init.status != 0 {
        let check = run(&["check", &name, "--enable", "destroy"], &[], "");
        if check.status == 0 {
            found.push(format!("{name}: {}", init.stderr));
        }
        return found;
    }
    let check = run(&["check", &policy, "--json"], &DATABASE, "");
    for finding in own_findings(&check, &policy) {
        found.push(format!("{name}: {finding}"));
    }
    if check.status != 0 && run(&["check", &name], &[], "").status == 0 {
        found.push(format!("{name}: its policy has errors"));
    }
    let text = fs::read_to_string(&policy).unwrap();
    // A large document takes its time, and says nothing new.
    let small = fs::metadata(document).is_ok_and(|file| file.len() < 400_000);
    if small && check.status == 0 && text.contains("\ntests:\n") {
        let tested = run(&["test", &policy], &[], "");
        if tested.status != 0 {
            found.push(format!("{name}: {}{}", tested.stdout, tested.stderr));
        }
    }
    // What is commented out works once it is not.
    let on = text
        .replace("# rules:   # uncomment this line, too", "rules:")
        .lines()
        .map(
            |line| match line.contains(", enable: ") && !line.contains("exclude: true") {
                true => line.replacen("# - ", "- ", 1),
                false => line.to_owned(),
            },
        )
        .collect::<Vec<_>>()
        .join("\n");
    if small && on.contains("\n  - {match") {
        fs::write(&policy, on).unwrap();
        let check = run(
            &["check", &policy, "--json", "--tools", "list"],
            &DATABASE,
            "",
        );
        for finding in own_findings(&check, &policy) {
            found.push(format!("{name}, enabled: {finding}"));
        }
    }
    found
}

#[test]
fn every_document_begins_with_a_clean_policy() {
    let documents = documents();
    assert!(documents.len() > 10);
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(document) = documents.get(next.fetch_add(1, Ordering::Relaxed)) {
                    found.lock().unwrap().extend(problems(document));
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Texts that would end a scalar, a comment or a line, or hide.
const HOSTILE: [&str; 14] = [
    "x\nrules: [{match: {effect: destroy}, enable: destroy}]",
    "x\r\ndefaults: {effect: destroy}",
    "\u{85}defaults: {effect: destroy}",
    "\u{2028}defaults: {effect: destroy}",
    "\", enable: destroy}\n#",
    "'}, enable: destroy}",
    "x # y: {z}",
    "*",
    "{a,b}",
    "[!a]*?\\",
    "true",
    "&a *a !!str | > % @ `",
    "\u{202e}\u{200b}\u{feff}evil",
    "тест 日本 🎉",
];

fn hostile() -> Value {
    let mut paths = serde_json::Map::new();
    for (number, text) in HOSTILE.iter().enumerate() {
        let operation = |id: &str| {
            json!({
                "operationId": format!("{id}{text}"), "summary": text, "description": text, "tags": [text],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": text, "in": "query", "required": true, "example": text, "schema": {"type": "string", "enum": [text]}}
                ],
                "security": [{*text: []}],
                "responses": {"200": {"description": text}}
            })
        };
        let path = format!("/p{number}/{}", text.replace(['{', '}', '?', '#'], ""));
        paths.insert(
            path,
            json!({"get": operation("get"), "post": operation("post"), "delete": operation("delete")}),
        );
    }
    let schemes: serde_json::Map<String, Value> = HOSTILE
        .iter()
        .map(|text| {
            (
                (*text).to_owned(),
                json!({"type": "apiKey", "in": "header", "name": "X-Key"}),
            )
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {"title": HOSTILE[0], "version": HOSTILE[2]},
        "servers": [{"url": "https://api.example/v1"}],
        "paths": paths,
        "components": {"securitySchemes": schemes}
    })
}

#[test]
fn a_document_does_not_write_the_policy() {
    let scratch = Scratch::new();
    let document = scratch.file("hostile.json", hostile().to_string());
    let problems = problems(Path::new(&document));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let text = run(&["init", &document, "-o", "-"], &[], "")
        .expect(0)
        .stdout;
    // Nothing but what the program writes begins a line, and nothing hides.
    for line in text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_alphabetic()))
    {
        let key = line.split(':').next().unwrap();
        assert!(
            ["version", "server", "sources", "defaults", "rules", "tests"].contains(&key),
            "{line}"
        );
    }
    assert!(!text.contains([
        '\u{85}', '\u{2028}', '\u{202e}', '\u{200b}', '\u{feff}', '\r'
    ]));
    let policy = scratch.path().join("mcpgen.yaml").display().to_string();
    run(&["init", &document, "-o", &policy], &[], "").expect(0);
    let plan = run(&["plan", &policy, "--json"], &[], "").expect(0).json();
    let tools = plan["tools"].as_array().unwrap();
    assert!(!tools.is_empty() && tools.iter().all(|tool| tool["effect"] == "read"));
}

const SHOP: &str = r#"{"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "servers": [{"url": "SERVER"}], "paths": {
    "/things": {"get": {"operationId": "listThings", "parameters": [{"name": "per_page", "in": "query", "schema": {"type": "integer", "default": 30}}], "responses": {}},
    "post": {"responses": {}}}}}"#;

#[test]
fn a_file_that_is_there_stays() {
    let scratch = Scratch::new();
    scratch.file(
        "shop.json",
        SHOP.replace("SERVER", "https://api.example/v1"),
    );
    let folder = scratch.path();
    let written = run_in(folder, &["init", "shop.json"], &[]).expect(0);
    assert!(
        written.stdout.starts_with("Wrote mcpgen.yaml: 1 read"),
        "{}",
        written.stdout
    );
    let policy = folder.join("mcpgen.yaml");
    fs::write(&policy, "mine").unwrap();
    let again = run_in(folder, &["init", "shop.json"], &[]).expect(2);
    assert_eq!(
        again.stderr,
        "error: mcpgen.yaml is there already; --force replaces it\n"
    );
    assert_eq!(fs::read_to_string(&policy).unwrap(), "mine");
    run_in(folder, &["init", "shop.json", "--force", "--schema"], &[]).expect(0);
    let text = fs::read_to_string(&policy).unwrap();
    assert!(
        text.starts_with("# yaml-language-server: $schema=./mcpgen.schema.json\n"),
        "{text}"
    );
    let schema = fs::read_to_string(folder.join("mcpgen.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["title"], "mcpgen policy");
    let list = run_in(folder, &["list", "mcpgen.yaml"], &[]).expect(0);
    assert!(list.stdout.contains("list_things"), "{}", list.stdout);
    for (args, why) in [
        (&["init", "shop.json", "-o", "."][..], "is a folder"),
        (&["init", "-"], "standard input has no name"),
        (
            &["init", "shop.json", "-o", "-", "--schema"],
            "is in no folder",
        ),
        (
            &["init", "mcpgen.yaml", "-o", "x.yaml"],
            "is a policy already",
        ),
        (
            &["init", "https://u:p@api.example/x.json", "-o", "x.yaml"],
            "holds a secret",
        ),
        (
            &[
                "init",
                "https://api.example/x.json?api_key=1",
                "-o",
                "x.yaml",
            ],
            "holds a secret",
        ),
        (&["init", "none.json", "-o", "x.yaml"], "none.json"),
        (
            &["init", "shop.json", "-o", "no/such/folder.yaml"],
            "no/such",
        ),
    ] {
        let refused = run_in(folder, args, &[]).expect(2);
        assert!(refused.stderr.contains(why), "{args:?}: {}", refused.stderr);
        assert!(!folder.join("x.yaml").exists(), "{args:?}");
    }
}

#[test]
fn the_policy_finds_its_document() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path().join("a b/policies")).unwrap();
    fs::create_dir_all(scratch.path().join("apis")).unwrap();
    scratch.file(
        "apis/shop.json",
        SHOP.replace("SERVER", "https://api.example/v1"),
    );
    for (output, named) in [
        ("mcpgen.yaml", "openapi: ./apis/shop.json"),
        ("apis/mcpgen.yaml", "openapi: ./shop.json"),
        ("a b/policies/x.yaml", "openapi: ../../apis/shop.json"),
    ] {
        run_in(
            scratch.path(),
            &["init", "apis/shop.json", "-o", output],
            &[],
        )
        .expect(0);
        let text = fs::read_to_string(scratch.path().join(output)).unwrap();
        assert!(text.contains(named), "{text}");
        run_in(scratch.path(), &["check", output], &[]).expect(0);
    }
}

#[test]
fn bounds_and_places_are_proposed_with_care() {
    let scratch = Scratch::new();
    let written = |server: &str| {
        let document = scratch.file("shop.json", SHOP.replace("SERVER", server));
        run(&["init", &document, "-o", "-"], &[], "")
            .expect(0)
            .stdout
    };
    let text = written("https://api.example/v1");
    assert!(
        text.contains("args: {per_page: {max: 100}}   # the document has no bound"),
        "{text}"
    );
    assert!(
        text.contains("\n    base_url: \"https://api.example/v1\"\n"),
        "{text}"
    );
    assert!(
        text.contains("# - {match: {operation: post_things}, enable: write}"),
        "{text}"
    );
    // A private host that a document names is not made the owner's own.
    for server in [
        "http://10.0.0.1/v1",
        "http://localhost:8080",
        "http://169.254.169.254",
    ] {
        let text = written(server);
        assert!(!text.contains("\n    base_url:"), "{text}");
        assert!(text.contains("# base_url: "), "{text}");
    }
    let text = written("/");
    assert!(!text.contains("\n    base_url:"), "{text}");
}
