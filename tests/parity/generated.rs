//! Made-up calls over real documents, under `mcpgen serve` and under the crate.
//!
//! Several crates are compiled, so it runs only where it is asked for:
//!
//!     MCPGEN_PARITY=1 MCPGEN_CORPUS=folder cargo test --test main parity::generated -- --nocapture
//!
//! It prints what was compared and what came of the calls.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use mcpgen::runtime::manifest::{CredentialSpec, Manifest};
use mcpgen::runtime::output::CLAMPED_KEY;
use serde_json::{Value, json};

use super::{Session, Transcript, upstream};
use crate::support::arguments::{Kind, Maker};
use crate::support::{Recorded, Reply, Scratch, cargo, run};

const DOCUMENTS: [&str; 3] = [
    "petstore-3.0.yaml",
    "jira-software-v3.json",
    "spotify-fixed.yaml",
];

#[test]
fn made_up_calls() {
    if std::env::var_os("MCPGEN_PARITY").is_none_or(|value| value != "1") {
        return;
    }
    let folder = std::env::var("MCPGEN_CORPUS").expect("MCPGEN_CORPUS names the documents' folder");
    let mut calls = 0;
    for name in DOCUMENTS {
        let document = Path::new(&folder).join(name);
        calls += compared(name, document.to_str().expect("UTF-8"));
    }
    assert!(calls >= 500, "{calls} calls");
}

/// Compares all calls of a document; how many there were.
fn compared(name: &str, document: &str) -> usize {
    let (upstream, release) = upstream(answers);
    let base = upstream.url();
    // A tool that is not listed is not called by its name.
    let listed = ["--tools", "list"];
    let selection = ["--base-url", base.as_str(), "--enable", "destroy"];
    let selection = [&selection[..], &listed].concat();
    let plan = run(
        &[&["plan", document, "--json"][..], &selection].concat(),
        &[],
        "",
    )
    .expect(0);
    let manifest: Manifest = serde_json::from_value(plan.json()).expect("a Manifest");
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let output = folder.to_str().expect("UTF-8");
    let build = [
        "build",
        document,
        "-o",
        output,
        "--name",
        "generated-parity",
    ];
    run(&[&build[..], &selection].concat(), &[], "").expect(0);
    let program = cargo::program(&folder, "generated-parity");
    let sources = manifest.sources.values();
    let credentials = sources.flat_map(|source| source.credentials.values());
    let variables = credentials.flat_map(CredentialSpec::variables);
    let steps = steps(&manifest);
    // All but the list of tools.
    let calls = steps.len() - 1;
    let session = Session {
        steps,
        upstream,
        release,
        env: variables
            .map(|name| (name.to_owned(), format!("value of {name}")))
            .collect(),
    };
    let serve = [&["serve", document][..], &selection].concat();
    let start = Instant::now();
    let transcript = session.compare(&serve, &program);
    let outcomes = outcomes(&transcript);
    assert!(
        transcript.requests.len() > calls / 10,
        "{name}: {outcomes:?}"
    );
    let mut report = format!(
        "{name}: {} tools, {calls} calls in each era over each transport in {} s, no difference; over stdio {} requests and these answers:\n",
        manifest.tools.len(),
        start.elapsed().as_secs(),
        transcript.requests.len(),
    );
    for (outcome, count) in outcomes {
        let _ = writeln!(report, "  {count:6} {outcome}");
    }
    eprint!("{report}");
    calls
}

/// What came of the calls, in both eras over stdio.
fn outcomes(transcript: &Transcript) -> BTreeMap<String, usize> {
    let mut outcomes = BTreeMap::new();
    for answer in &transcript.answers {
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let text = answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_default();
        let mut outcome = match (&answer["error"]["code"], &answer["result"]["isError"]) {
            (Value::Number(code), _) => format!("protocol error {code}"),
            (_, Value::Bool(true)) => text.split(':').next().unwrap_or_default().to_owned(),
            (_, Value::Bool(false)) => "answered".to_owned(),
            _ => continue,
        };
        if answer["result"]["_meta"].get(CLAMPED_KEY).is_some() {
            outcome += ", with a clamped argument";
        }
        *outcomes.entry(outcome).or_default() += 1;
    }
    outcomes
}

/// The calls of each tool, of every kind.
fn steps(manifest: &Manifest) -> Vec<Value> {
    let mut steps = vec![json!({"method": "tools/list"})];
    for (index, tool) in manifest.tools.iter().enumerate() {
        let schema = json!(tool.input_schema);
        let kinds = [
            Kind::Good,
            Kind::Good,
            Kind::Boundary,
            Kind::Boundary,
            Kind::Refused,
            Kind::Refused,
        ];
        for (n, kind) in kinds.into_iter().enumerate() {
            let seed = u64::try_from(index * kinds.len() + n).expect("a small number");
            let arguments = Maker::new(&schema, kind, seed).arguments();
            steps.push(call(&json!({"name": tool.name, "arguments": arguments})));
        }
        let malformed = [
            json!({"name": tool.name, "arguments": [1]}),
            json!({"name": tool.name, "arguments": "text"}),
            json!({"name": [tool.name], "arguments": {}}),
            json!({"name": format!("{}_", tool.name), "arguments": {}}),
            json!({"name": tool.name.to_uppercase(), "arguments": {}}),
            json!({"arguments": {}}),
            json!({"name": tool.name}),
            json!({"name": tool.name, "arguments": null, "unknown": {"deep": [[[]]]}}),
        ];
        steps.extend(malformed.get(index % malformed.len()).map(call));
    }
    steps
}

fn call(params: &Value) -> Value {
    json!({"method": "tools/call", "params": params})
}

/// An answer that depends on nothing but the request line.
fn answers(request: &Recorded) -> Reply {
    let target = request.target().bytes();
    let number = target.fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let object = json!({"id": 12_345_678_901_234_567_890_u64, "name": "<b>ü</b>", "items": [{"price": 1.10}], "status": null});
    match number % 16 {
        0 => Reply::json(&json!({"message": "no such thing"})).with_status(404),
        1 => Reply::content("text/plain", "boom").with_status(500),
        2 => Reply::status(204),
        3 => Reply::content("image/png", b"\x89PNG\r\n\x1a\n"),
        4 => Reply::content("application/json", "{\"broken\": "),
        5 => Reply::content("text/html; charset=iso-8859-1", b"<p>\xe9</p>"),
        6 => Reply::json(&json!([object, 1, "two", null])),
        7 => Reply::json(&json!("text")),
        8 => Reply::status(302).header("Location", "http://192.0.2.1/"),
        9 => Reply::json(&json!({"title": "Too many"}))
            .with_status(429)
            .header("Retry-After", "7"),
        _ => Reply::json(&object),
    }
}
