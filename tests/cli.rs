//! The command line as a person meets it: help, exit status, shapes of output, dry runs.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Output, Reply, Scratch, Upstream, run};

mod dry_run;
mod files;

const SHOP: &str = "tests/cli/shop.yaml";
const COMMANDS: &str =
    "demo init install serve check list plan explain call test build schema completions man";

#[track_caller]
fn ok(args: &[&str]) -> Output {
    run(args, &[], "").expect(0)
}

/// What a run that must fail says on standard error.
#[track_caller]
fn fails(status: i32, args: &[&str]) -> String {
    run(args, &[], "").expect(status).stderr
}

#[test]
fn every_command_has_help_with_examples() {
    for command in COMMANDS.split(' ') {
        for flag in ["-h", "--help"] {
            let help = ok(&[command, flag]).stdout;
            assert!(help.contains("Usage: mcpgen"), "{command} {flag}\n{help}");
            let example = format!("Examples:\n  mcpgen {command}");
            assert!(help.contains(&example), "{command} {flag}\n{help}");
            let widest = help.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(80), "{command} {flag}\n{help}");
        }
    }
    for flag in ["-h", "--help", "help"] {
        let help = ok(&[flag]).stdout;
        for command in COMMANDS.split(' ') {
            assert!(help.contains(&format!("\n  {command} ")), "{help}");
        }
        assert!(help.contains("Examples:\n  mcpgen demo"), "{help}");
    }
    for flag in ["-V", "--version"] {
        let version = ok(&[flag]).stdout;
        assert_eq!(version, format!("mcpgen {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn wrong_usage_is_status_2_and_says_what_was_meant() {
    for (args, parts) in [
        (&[][..], &["Usage: mcpgen <COMMAND>"][..]),
        (&["chek"], &["unrecognized subcommand 'chek'", "'check'"]),
        (&["check"], &["<DOC>"]),
        (
            &["check", SHOP, "--enabel", "write"],
            &["'--enabel'", "'--enable'"],
        ),
        (
            &["check", SHOP, "--enable", "wirte"],
            &["'wirte'", "'write'"],
        ),
        (
            &["list", SHOP, "--timeout", "5"],
            &["`5` is not a duration; write 500ms, 30s or 2m"],
        ),
        (
            &["list", SHOP, "--base-url", "shop"],
            &["--base-url shop: not a URL"],
        ),
        (
            &["list", SHOP, "--base-url", "ftp://x"],
            &["not an http or https URL"],
        ),
        (
            &["list", SHOP, "--header", "X-Key: abc"],
            &["looks like a secret", "${env:"],
        ),
        (
            &["list", SHOP, "--header", "Host: x"],
            &["--header Host: the HTTP client sets it"],
        ),
        (
            &["list", SHOP, "--header", "X-A: ${TOKEN}"],
            &["--header X-A: write `${env:VARIABLE}`"],
        ),
        (
            &["serve", "-"],
            &["standard input carries the protocol", "--http"],
        ),
        (&["completions", "zhs"], &["possible values: bash, "]),
        (
            &["check", "tests/cli/shpo.yaml"],
            &["does not exist; did you mean `tests/cli/shop.yaml`?"],
        ),
        (&["check", "tests/cli"], &["is a directory"]),
        (
            &["check", "http://shop.example/openapi.yaml"],
            &["not encrypted", "--allow-http"],
        ),
        (
            &["check", "ftp://shop.example/openapi.yaml"],
            &["ftp:// is not supported"],
        ),
        (
            &["call", SHOP, "get_itm"],
            &["no tool is called `get_itm`; did you mean `get_item`?"],
        ),
        (
            &["call", SHOP, "remove_item"],
            &["its effect is destroy; --enable destroy makes it"],
        ),
        (
            &["call", SHOP, "get_item", "--arg", "id"],
            &["--arg id: write it as name=value"],
        ),
        (
            &["call", SHOP, "get_item", "[1]"],
            &["the arguments: they are not a JSON object"],
        ),
        (
            &["call", SHOP, "get_item", "{}", "--arg", "id=1"],
            &["cannot be used with"],
        ),
    ] {
        let said = fails(2, args);
        for part in parts {
            assert!(said.contains(part), "{args:?}: no {part:?} in\n{said}");
        }
    }
}

#[test]
fn mistakes_in_the_input_are_status_1() {
    let nothing = run(&["check", "-"], &[], "openapi: 3.0.3\npaths: {}\n").expect(1);
    assert!(
        nothing.stdout.contains("error[MG301]"),
        "{}",
        nothing.stdout
    );
    for command in [
        &["list"][..],
        &["plan"],
        &["serve", "--http", "127.0.0.1:0"],
    ] {
        let line = [command, &["-"]].concat();
        let output = run(&line, &[], "openapi: 3.0.3\npaths: {}\n").expect(1);
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains("error[MG301]"), "{}", output.stderr);
    }
    let refused = fails(
        1,
        &[
            "call",
            SHOP,
            "get_item",
            "--arg",
            "limit=abc",
            "--arg",
            "x=1",
        ],
    );
    for line in [
        "error: invalid_arguments: 3 violations of the input schema; nothing was sent",
        "- /id: required, but missing",
        "- /limit: \"abc\" is not of type \"integer\"",
        "- /x: no such argument",
        "hint: correct the arguments and call again",
    ] {
        assert!(
            refused.lines().any(|l| l == line),
            "no {line:?} in\n{refused}"
        );
    }
}

#[test]
fn json_output_has_its_shape() {
    let check = ok(&["check", SHOP, "--json"]).json();
    let summary = &check["summary"];
    assert_eq!(summary["source"], "shop");
    assert_eq!(summary["operations"], 5);
    assert_eq!(summary["tools"], 2);
    assert_eq!(summary["off"], json!({"write": 1, "destroy": 1}));
    assert_eq!(summary["left_out"][0]["operation"], "TRACE /items");
    assert!(summary["tokens"].as_u64() > Some(50));
    let key = json!({"scheme": "headerKey", "variables": ["SHOP_HEADER_KEY"], "set": false, "origins": ["https://shop.example"]});
    assert!(
        summary["credentials"].as_array().unwrap().contains(&key),
        "{summary}"
    );
    let found = &check["diagnostics"][0];
    assert_eq!(found["code"], "MG124");
    assert_eq!(found["severity"], "warning");
    assert_eq!(found["file"], SHOP);
    assert_eq!(found["pointer"], "/paths/~1items/trace");
    assert!(
        found["line"].is_u64() && found["column"].is_u64(),
        "{found}"
    );

    let list = ok(&["list", SHOP, "--json", "--enable", "destroy"]).json();
    let tools = list["tools"].as_array().expect("`tools`");
    assert_eq!(tools.len(), 4);
    for tool in tools {
        let keys: Vec<&String> = tool.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["name", "effect", "source", "method", "path", "tokens"]
        );
        assert!(tool["tokens"].is_u64());
    }
    let first = json!({"name": tools[0]["name"], "effect": tools[0]["effect"], "method": tools[0]["method"], "path": tools[0]["path"]});
    assert_eq!(
        first,
        json!({"name": "list_items", "effect": "read", "method": "GET", "path": "/items"})
    );

    let broken = run(&["check", "-", "--json"], &[], "[").expect(1).json();
    assert_eq!(broken["summary"], Value::Null);
    assert_eq!(broken["diagnostics"][0]["code"], "MG101");
}

#[test]
fn a_plan_is_the_same_every_time() {
    let plan = |doc: &str| ok(&["plan", doc, "--json", "--enable", "destroy"]).stdout;
    assert_eq!(plan(SHOP), plan(SHOP));
    let names = |doc: &str| {
        let plan: Value = serde_json::from_str(&plan(doc)).unwrap();
        let tools = plan["tools"].as_array().unwrap().iter();
        let mut names: Vec<String> = tools
            .map(|t| format!("{} {}", t["name"], t["action"]["http"]["path"]))
            .collect();
        names.sort();
        names
    };
    // Names do not depend on the order of operations, not even those that collide.
    let scratch = Scratch::new();
    let paths = |order: &[usize]| {
        let ids = [
            "listThings",
            "list_things",
            "list-things",
            "same",
            "same",
            "größe",
        ];
        let paths: serde_json::Map<String, Value> = order
            .iter()
            .map(|i| {
                (
                    format!("/p{i}"),
                    json!({"get": {"operationId": ids[*i], "responses": {}}}),
                )
            })
            .collect();
        json!({"openapi": "3.0.0", "info": {"title": "t"}, "paths": paths}).to_string()
    };
    let one = scratch.file("one.json", paths(&[0, 1, 2, 3, 4, 5]));
    let other = scratch.file("other.json", paths(&[5, 3, 1, 4, 2, 0]));
    assert_eq!(names(&one), names(&other));
}

#[test]
fn selection_is_by_id_tag_path_and_effect() {
    let names = |options: &[&str]| {
        let line = [&["list", SHOP, "--json"], options].concat();
        let list = ok(&line).json();
        let tools = list["tools"].as_array().unwrap().iter();
        let names: Vec<String> = tools
            .map(|t| t["name"].as_str().unwrap().to_owned())
            .collect();
        names.join(" ")
    };
    for (options, want) in [
        (&[][..], "list_items get_item"),
        (&["--enable", "write"], "list_items get_item put_item"),
        (
            &["--enable", "destroy"],
            "list_items get_item put_item remove_item",
        ),
        (&["--include", "getItem"], "get_item"),
        (&["--include", "get_*"], "get_item"),
        (&["--include", "tag:lists"], "list_items"),
        (&["--include", "/items"], "list_items"),
        (&["--include", "/items/**"], "get_item"),
        (&["--include", "/items/{id}"], "get_item"),
        (&["--exclude", "tag:l*"], "get_item"),
        (&["--include", "*", "--exclude", "getItem"], "list_items"),
        (
            &["--enable", "destroy", "--exclude", "/items/*"],
            "list_items",
        ),
        (
            &[
                "--enable",
                "destroy",
                "--include",
                "putItem",
                "--include",
                "tag:lists",
            ],
            "list_items put_item",
        ),
    ] {
        assert_eq!(names(options), want, "{options:?}");
    }
}

#[test]
fn completions_and_manual_pages() {
    for (shell, part) in [
        ("bash", "complete -F _mcpgen"),
        ("zsh", "#compdef mcpgen"),
        ("fish", "complete -c mcpgen"),
    ] {
        let script = ok(&["completions", shell]).stdout;
        assert!(
            script.contains(part) && script.contains("dry-run"),
            "{shell}\n{script}"
        );
    }
    let page = ok(&["man"]).stdout;
    assert!(page.contains(".TH mcpgen 1"), "{page}");
    let page = ok(&["man", "serve"]).stdout;
    assert!(
        page.contains("mcpgen\\-serve") && page.contains("\\-\\-enable"),
        "{page}"
    );
    fails(2, &["man", "sevre"]);
}

#[test]
fn no_colour_in_a_pipe() {
    for args in [
        &["check", SHOP][..],
        &["list", SHOP],
        &["plan", SHOP],
        &["--help"],
        &["chek"],
    ] {
        let output = run(args, &[], "");
        let all = output.stdout + &output.stderr;
        assert!(!all.contains('\u{1b}'), "{args:?}\n{all:?}");
    }
    let colored = run(&["check", SHOP], &[("CLICOLOR_FORCE", "1")], "").expect(0);
    assert!(colored.stdout.contains("\u{1b}["), "{}", colored.stdout);
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    let plain = run(&["check", SHOP], &both, "").expect(0);
    assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
}

/// `mcpgen plan … | head -1`: the reader goes away before the end.
#[test]
fn a_reader_that_leaves_is_no_failure() {
    let scratch = Scratch::new();
    let operation =
        json!({"responses": {"200": {"description": "x".repeat(300)}}, "summary": "y".repeat(300)});
    let paths: serde_json::Map<String, Value> = (0..3_000)
        .map(|i| (format!("/p{i}"), json!({"get": operation})))
        .collect();
    let doc = json!({"openapi": "3.0.0", "info": {"title": "t"}, "paths": paths}).to_string();
    let doc = scratch.file("big.json", doc);
    for args in [
        &["plan", &doc, "--json"][..],
        &["plan", &doc],
        &["list", &doc],
        &["list", &doc, "--json"],
        &["check", &doc, "--json"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mcpgen"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mcpgen starts");
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut first = [0];
        stdout.read_exact(&mut first).expect("one byte");
        drop(stdout);
        let output = child.wait_with_output().expect("mcpgen ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        assert!(!said.contains("error"), "{args:?}: {said}");
    }
}

#[test]
fn a_document_from_standard_input() {
    let text = std::fs::read_to_string(crate::support::root().join(SHOP)).unwrap();
    let check = run(&["check", "-"], &[], &text).expect(0).stdout;
    assert!(check.contains("<stdin>: Shop 1"), "{check}");
    let list = run(&["list", "-", "--json"], &[], &text).expect(0).json();
    assert_eq!(list["tools"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_document_over_http() {
    let text = std::fs::read_to_string(crate::support::root().join(SHOP)).unwrap();
    let text = text.replace("https://shop.example/v1", "/v1");
    let upstream = Upstream::start(move |_| Reply::content("application/yaml", text.clone()));
    let doc = format!(
        "http://127.0.0.1:{}/docs/openapi.yaml?token=secret",
        upstream.port()
    );
    let plan = ok(&["plan", &doc, "--json"]).json();
    // A relative server is relative to the document.
    let base = format!("{}/v1", upstream.url());
    assert_eq!(
        plan["tools"][0]["action"]["http"]["base_url"],
        base.as_str()
    );
    let requests = upstream.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].target(), "/docs/openapi.yaml?token=secret");
    let check = ok(&["check", &doc]).stdout;
    assert!(
        check.contains("/docs/openapi.yaml:") && !check.contains("secret"),
        "{check}"
    );
    // Not this machine, and nobody is asked.
    let said = fails(2, &["check", "http://192.0.2.1/openapi.yaml?token=secret"]);
    assert!(
        said.contains("--allow-http") && !said.contains("secret"),
        "{said}"
    );
}

/// A document from a pipe that stays open is read to its end, not waited for longer.
#[test]
fn standard_input_ends_with_its_writer() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcpgen"))
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mcpgen starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"openapi: 3.0.3\n").expect("written");
    stdin.write_all(b"paths: {}\n").expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("mcpgen ends");
    assert_eq!(output.status.code(), Some(1));
}

/// A document may be anybody's: what it names is shown, never obeyed by the terminal.
#[test]
fn nothing_of_a_document_reaches_the_terminal_raw() {
    let hidden = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{200b}\u{e0041}";
    let doc = json!({
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": "https://shop.example"}],
        "security": [{(format!("k{hidden}")): []}],
        "paths": {(format!("/a{hidden}/{{id}}")): {"get": {
            "tags": [hidden],
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": (format!("q{hidden}")), "in": "query", "schema": {"enum": [hidden]}},
            ],
            "responses": {"200": {"description": hidden}},
        }}},
        "components": {"securitySchemes": {(format!("k{hidden}")): {"type": "http", "scheme": "bearer"}}},
    });
    for command in [&["plan"][..], &["list"], &["check"]] {
        for json in [&[][..], &["--json"]] {
            let line = [command, &["-"], json].concat();
            let output = run(&line, &[], doc.to_string()).expect(0);
            let raw = |c: char| {
                c != '\n'
                    && (c.is_control() || hidden.contains(c))
                    && c != 'x'
                    && !c.is_ascii_graphic()
            };
            assert!(
                !output.stdout.contains(raw),
                "{line:?}\n{:?}",
                output.stdout
            );
            if !json.is_empty() {
                output.json();
            }
        }
    }
}
