//! The MCP conformance suite against a served document, both requirement sets.
//!
//! The suite's own `--expected-failures` counts a warning as a failure, so the summary is compared
//! here with `tests/conformance/baseline-*.yml`.

use std::collections::BTreeSet;
use std::env;

use crate::interop::installed;
use crate::support::process::run_program;
use crate::support::{HttpServer, Recorded, Reply, Scratch, Upstream, golden, root};

const FIXTURE: &str = "tests/conformance/fixture.yaml";
const SETS: [&str; 2] = ["2026-07-28", "2025-11-25"];

/// One line of the suite's summary.
#[derive(Debug)]
struct Scenario {
    name: String,
    passed: bool,
    checks: (usize, usize),
}

#[test]
fn conformance() {
    let Some(folder) = installed("MCPGEN_NODE_DIR") else {
        return;
    };
    let upstream = Upstream::start(fixtures);
    let base = upstream.url();
    let server = HttpServer::start(&["serve", FIXTURE, "--base-url", &base], &[]);
    let mut page = PAGE.to_owned();
    for set in SETS {
        let (scored, unscored) = suite(&folder, &server, set);
        assert!(scored.len() >= 30, "{set}: only {} ran", scored.len());
        let failed = |s: &&Scenario| !s.passed;
        let found: BTreeSet<String> = scored
            .iter()
            .chain(&unscored)
            .filter(failed)
            .map(|s| s.name.clone())
            .collect();
        let expected = baseline(set);
        let names: BTreeSet<String> = expected.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(found, names, "{set}: failed (left) and expected to (right)");
        page.push_str(&section(set, &scored, &expected));
    }
    golden("../docs/conformance.md", &page);
}

/// Runs a requirement set: scenarios that count, and those that do not yet.
fn suite(folder: &str, server: &HttpServer, set: &str) -> (Vec<Scenario>, Vec<Scenario>) {
    let index = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
    let script = format!("{folder}/{index}");
    let results = Scratch::new();
    let node = env::var("MCPGEN_NODE").unwrap_or_else(|_| "node".to_owned());
    let url = format!("http://localhost:{}{}", server.address.port(), server.path);
    let out = results.path().display().to_string();
    let args = [
        &script,
        "server",
        "--url",
        &url,
        "--requirements",
        set,
        "-o",
        &out,
    ];
    let output = run_program(&node, &args, &[], b"");
    let Some((_, summary)) = output.stdout.split_once("=== SUMMARY ===") else {
        panic!("no summary: {}{}", output.stdout, output.stderr);
    };
    let (scores, rest) = summary.split_once("Total:").unwrap_or((summary, ""));
    let scenarios = scores.lines().filter_map(scenario);
    scenarios.partition(|s| !rest.contains(&format!(" {} (", s.name)))
}

/// `✓ tools-list: 4 passed, 0 failed`.
fn scenario(line: &str) -> Option<Scenario> {
    let passed = line.starts_with('✓');
    let (name, counts) = line.trim_start_matches(['✓', '✗', ' ']).split_once(": ")?;
    let mut numbers = counts
        .split(", ")
        .filter_map(|c| c.split(' ').next()?.parse().ok());
    Some(Scenario {
        name: name.to_owned(),
        passed,
        checks: (numbers.next()?, numbers.next()?),
    })
}

/// The scenarios that are expected to fail, each with its reason.
fn baseline(set: &str) -> Vec<(String, String)> {
    let file = root().join(format!("tests/conformance/baseline-{set}.yml"));
    let text = std::fs::read_to_string(file).expect("a baseline");
    let mut reason = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("# ") {
            comment.clone_into(&mut reason);
        } else if let Some(name) = line.strip_prefix("- ") {
            found.push((name.to_owned(), reason.clone()));
        }
    }
    found
}

/// What the suite's fixtures answer.
fn fixtures(request: &Recorded) -> Reply {
    match request.path() {
        "/text" => Reply::content("text/plain", b"This is a simple text response for testing."),
        "/image" => Reply::content("image/png", b"\x89PNG\r\n\x1a\n"),
        "/audio" => Reply::content("audio/wav", b"RIFF"),
        "/blob" => Reply::content("application/octet-stream", b"\x00\x01"),
        _ => Reply::content("text/plain", b"This tool intentionally fails").with_status(500),
    }
}

const PAGE: &str = "\
# Conformance

The MCP conformance suite (`@modelcontextprotocol/conformance` 0.2.0-alpha.12) against
`mcpgen serve tests/conformance/fixture.yaml --http`, with an upstream on loopback. `bash tests/run`
runs it; the test fails if a scenario passes or fails other than below. A scenario counts as passed
if none of its checks fails. The fixtures are operations of an OpenAPI document, so scenarios that
need what no document can say, or what mcpgen does not have yet, fail, each for the reason given.
";

fn section(set: &str, scored: &[Scenario], expected: &[(String, String)]) -> String {
    let passed = scored.iter().filter(|s| s.passed).count();
    let checks: usize = scored.iter().map(|s| s.checks.0).sum();
    let all: usize = scored.iter().map(|s| s.checks.0 + s.checks.1).sum();
    let total = scored.len();
    let mut text = format!(
        "\n## {set}\n\n{passed} of {total} required scenarios pass, {checks} of {all} checks.\n\n\
         | scenario that fails | reason |\n|---|---|\n"
    );
    for (name, reason) in expected {
        let counts = scored.iter().any(|s| &s.name == name);
        let mark = if counts { "" } else { " (not scored)" };
        text.push_str(&format!("| `{name}`{mark} | {reason} |\n"));
    }
    text
}
