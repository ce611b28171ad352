//! A document of several files and an overlay, under every command that reads a document.

use serde_json::{Value, json};

use super::{fails, ok};
use crate::support::{Client, Reply, Scratch, Upstream};

const SHOP: &str = "docs/examples/files/shop.yaml";
const OVERLAY: &str = "docs/examples/shop.overlay.yaml";

#[test]
fn every_command_reads_other_files_and_overlays() {
    let options = [SHOP, "--enable", "write", "--overlay", OVERLAY];
    let all = |command: &'static str, last: &'static [&str]| -> Vec<&str> {
        [&[command], &options[..], last].concat()
    };
    let report = ok(&all("check", &["--json"])).json();
    assert_eq!(report["summary"]["tools"], 1, "{report}");
    assert_eq!(report["diagnostics"], json!([]), "{report}");
    assert!(ok(&all("list", &[])).stdout.contains("page"));
    let plan = ok(&all("plan", &["--json"])).stdout;
    assert!(plan.contains("Every book of the shop, 20 a page"), "{plan}");
    let call = [
        "call",
        SHOP,
        "list_books",
        "{\"page\": 2}",
        "--dry-run",
        "--overlay",
        OVERLAY,
    ];
    assert!(ok(&call).stdout.contains("/books?page=2"));
    let mut client = Client::start(&all("serve", &[]), &[]);
    client.initialize();
    let tools = client.result("tools/list", json!({}));
    let page = &tools["tools"][0]["inputSchema"]["properties"]["page"];
    assert_eq!(page, &json!({"type": "integer", "minimum": 1}), "{tools}");
}

#[test]
fn a_crate_knows_every_file_that_it_was_made_from() {
    let scratch = Scratch::new();
    let out = scratch.path().join("crate").display().to_string();
    let made = [
        "build",
        SHOP,
        "--overlay",
        OVERLAY,
        "-o",
        &out,
        "--enable",
        "write",
    ];
    ok(&made);
    let lock = std::fs::read_to_string(format!("{out}/mcpgen.lock")).expect("a lock");
    let lock: Value = serde_json::from_str(&lock).expect("JSON");
    let text = lock["inputs"].to_string();
    let names = ["shop.yaml", "common.yaml", "shop.overlay.yaml"];
    for name in names {
        assert_eq!(text.matches(name).count(), 1, "{name}: {text}");
    }
    // What the overlay removed refers to nothing, and no path of a machine is told.
    assert!(!text.contains("book") && !text.contains("docs"), "{text}");
    ok(&[&made[..], &["--check"]].concat());
}

#[test]
fn an_installed_server_reads_the_same() {
    let folder = std::fs::canonicalize("docs/examples").expect("a folder");
    let line = [
        "install",
        SHOP,
        "--client",
        "cursor",
        "--print",
        "--refs",
        "docs/examples",
        "--refs-host",
        "specs.shop.example:8443",
        "--overlay",
        OVERLAY,
    ];
    let printed = ok(&line).stdout;
    for part in [
        folder.display().to_string(),
        folder.join("shop.overlay.yaml").display().to_string(),
        "specs.shop.example:8443".to_owned(),
    ] {
        assert!(printed.contains(&part), "{part}: {printed}");
    }
}

#[test]
fn what_cannot_be_used_is_refused() {
    for (option, value, part) in [
        ("--refs", "docs/nothing", "docs/nothing"),
        ("--refs", SHOP, "no folder"),
        ("--refs-host", "https://shop.example", "write a host"),
        ("--refs-host", "*.shop.example", "write a host"),
        ("--overlay", "docs/nothing.yaml", "does not exist"),
        ("--overlay", "-", "a file or an https URL"),
    ] {
        let said = fails(2, &["check", SHOP, option, value]);
        assert!(said.contains(part), "{option} {value}: {said}");
    }
}

/// Files of a host, in a chain over it; what the host says may not lead back to this machine.
#[test]
fn files_of_a_host() {
    let scratch = Scratch::new();
    let near = scratch.file("near.yaml", "type: string\n");
    let shop = std::fs::read_to_string(SHOP).expect("a document");
    let upstream = Upstream::start(move |request| match request.path() {
        "/api/shop.yaml" => Reply::content("application/yaml", shop.clone()),
        "/api/common.yaml" => Reply::content(
            "application/yaml",
            "parameters: {Page: {$ref: p/page.json}}",
        ),
        "/api/p/page.json" => Reply::json(
            &json!({"name": "page", "in": "query", "schema": {"$ref": "../word.yaml#w"}}),
        ),
        "/api/word.yaml" => Reply::content("application/yaml", "x: {$anchor: w, type: string}"),
        "/api/schemas/book.yaml" => {
            Reply::content("application/yaml", format!("$ref: file://{near}"))
        }
        _ => Reply::status(404),
    });
    let url = format!("{}/api/shop.yaml", upstream.url());
    let host = format!("127.0.0.1:{}", upstream.port());
    let folder = scratch.path().display().to_string();
    let report = crate::support::run(
        &[
            "check",
            &url,
            "--json",
            "--enable",
            "write",
            "--refs-host",
            &host,
            "--refs",
            &folder,
        ],
        &[],
        "",
    )
    .expect(0)
    .json();
    assert_eq!(report["summary"]["tools"], 1, "{report}");
    let found = &report["diagnostics"][0];
    assert_eq!(found["code"], "MG112", "{report}");
    let message = found["message"].as_str().expect("a text");
    assert!(message.contains("is a file of this machine"), "{message}");
    assert_eq!(upstream.requests().len(), 5);
}
