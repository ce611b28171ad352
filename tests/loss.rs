//! The loss report: which operations are exact, which are not and why, as text, JSON and SARIF.

use std::collections::{BTreeMap, BTreeSet};

use mcpgen::diag::{Bearing, Code};
use serde_json::{Value, json};

use crate::support::{Output, Scratch, golden, root, run};

const SHOP: &str = "tests/loss/shop.yaml";

fn check(args: &[&str]) -> Output {
    run(&[&["check", SHOP], args].concat(), &[], "")
}

/// Operation -> status and the codes of the reasons.
fn report(args: &[&str]) -> BTreeMap<String, (String, Vec<String>)> {
    let output = check(&[args, &["--json"]].concat());
    let operations = output.json()["operations"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entry = |operation: &Value| {
        let reasons = operation["reasons"].as_array().unwrap();
        let codes = reasons.iter().map(|reason| text(&reason["code"])).collect();
        (
            text(&operation["operation"]),
            (text(&operation["status"]), codes),
        )
    };
    operations.as_array().unwrap().iter().map(entry).collect()
}

#[test]
fn each_operation_has_its_class_and_reasons() {
    let found = report(&["--enable", "destroy"]);
    let want = [
        ("/broken", "left out", &["MG110"][..]),
        ("GET /items", "approximated", &["MG126", "MG304"]),
        ("GET /items/{id}", "exact", &[]),
        ("GET /search", "approximated", &["MG122", "MG126", "MG304"]),
        ("POST /items", "left out", &["MG123"]),
        ("TRACE /items/{id}", "left out", &["MG124"]),
    ];
    let sorted = |codes: &[String]| {
        let mut codes = codes.to_vec();
        codes.sort();
        codes
    };
    let found: Vec<_> = found
        .iter()
        .map(|(name, (status, codes))| (name.as_str(), status.as_str(), sorted(codes)))
        .collect();
    let want: Vec<_> = want
        .iter()
        .map(|(name, status, codes)| {
            let codes: Vec<String> = codes.iter().map(|c| (*c).to_owned()).collect();
            (*name, *status, codes)
        })
        .collect();
    assert_eq!(found, want);
}

#[test]
fn a_shared_finding_is_a_reason_of_every_operation_with_its_place() {
    let output = check(&["--json"]).json();
    let place = json!({
        "code": "MG126", "severity": "warning",
        "message": "`minLength` is not a whole number from 0; it is ignored",
        "file": SHOP, "line": 39, "column": 52, "pointer": "/components/schemas/Query/minLength",
    });
    for index in [0, 4] {
        let operation = &output["operations"][index];
        let reasons = operation["reasons"].as_array().unwrap();
        assert!(reasons.contains(&place), "{operation:#}");
        assert!(operation["tool"].is_string());
    }
    let shared = output["diagnostics"].as_array().unwrap();
    let shared = shared.iter().filter(|d| d["code"] == "MG126");
    assert_eq!(shared.count(), 1);
    let left = &output["operations"][1];
    assert_eq!(left["tool"], Value::Null);
    assert_eq!(
        left["reasons"][0]["message"], "a body of application/xml is not supported",
        "without the operation's name"
    );
    let classes = ["exact", "approximated"].map(|class| output["summary"][class].clone());
    assert_eq!(classes, [json!(1), json!(2)]);
}

#[test]
fn losses_can_be_denied() {
    for (args, status, said) in [
        (&[][..], 0, ""),
        // The writes are not chosen, so what is lost of them does not count.
        (
            &["--deny-loss"],
            1,
            "mcpgen: --deny-loss: 3 of 4 operations are not exact\n",
        ),
        (
            &["--deny-loss", "--enable", "write"],
            1,
            "mcpgen: --deny-loss: 5 of 6 operations are not exact\n",
        ),
        (&["--deny-loss", "--include", "getItem"], 0, ""),
        (
            &["--deny-loss", "--include", "getItem", "--include", "search"],
            1,
            "mcpgen: --deny-loss: 1 of 2 operations is not exact\n",
        ),
        // A pattern also matches what is left out.
        (
            &[
                "--deny-loss",
                "--enable",
                "write",
                "--exclude",
                "search",
                "--exclude",
                "tag:odd",
                "--exclude",
                "listItems",
                "--exclude",
                "/items",
                "--exclude",
                "/broken*",
            ],
            0,
            "",
        ),
        // Allowed codes are no loss of a tool.
        (
            &[
                "--deny-loss",
                "--include",
                "search",
                "--include",
                "listItems",
                "--allow",
                "mg304",
                "--allow",
                "MG126",
            ],
            1,
            "mcpgen: --deny-loss: 1 of 2 operations is not exact\n",
        ),
        (
            &[
                "--deny-loss",
                "--include",
                "listItems",
                "--allow",
                "MG304",
                "--allow",
                "MG126",
            ],
            0,
            "",
        ),
        // But one that is left out is lost whatever is allowed.
        (
            &[
                "--deny-loss",
                "--include",
                "/items",
                "--enable",
                "write",
                "--allow",
                "MG304",
                "--allow",
                "MG126",
                "--allow",
                "MG123",
            ],
            1,
            "mcpgen: --deny-loss: 1 of 2 operations is not exact\n",
        ),
    ] {
        for format in [&[][..], &["--json"], &["--format", "sarif"]] {
            let output = check(&[args, format].concat());
            assert_eq!(output.status, status, "{args:?}: {}", output.stderr);
            assert_eq!(output.stderr, said, "{args:?}");
        }
    }
    for wrong in ["MG127", "MG999", "loss"] {
        let said = check(&["--allow", wrong]).expect(2).stderr;
        assert!(said.contains("is no code of a loss"), "{said}");
    }
}

#[test]
fn the_text_fits_a_terminal_and_verbose_tells_all() {
    let text = check(&["--enable", "write"]).stdout;
    golden("loss/shop.txt", &text);
    let (_, report) = text.split_once("\napproximated: ").expect("a report");
    let widest = report.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{report}");
    assert!(!text.contains("exact: 1 operation"));
    let all = check(&["--enable", "write", "--verbose"]).stdout;
    assert!(
        all.contains("\nexact: 1 operation\n    GET /items/{id}\n"),
        "{all}"
    );
    let mut paths = String::new();
    for i in 0..20 {
        paths += &format!(
            "  /p{i}:\n    get: {{parameters: [{{name: x, in: query, style: odd}}], responses: {{'200': {{description: ok}}}}}}\n"
        );
    }
    let scratch = Scratch::new();
    let head = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers: [{url: 'https://t.example'}]\npaths:\n";
    let file = scratch.file("many.yaml", format!("{head}{paths}"));
    let text = run(&["check", &file], &[], "").expect(0).stdout;
    assert!(text.contains("  MG122 20 operations: "), "{text}");
    assert!(
        text.contains("\n    … and 12 more; --verbose shows all\n"),
        "{text}"
    );
    let text = run(&["check", &file, "-v"], &[], "").expect(0).stdout;
    assert!(!text.contains("more; --verbose"), "{text}");
}

/// The codes that the page says are no loss, ranges written out.
fn documented_as_no_loss() -> BTreeSet<String> {
    let page = std::fs::read_to_string(root().join("docs/diagnostics.md")).unwrap();
    let (_, rest) = page.split_once("No loss are\n").expect("the codes");
    let (codes, _) = rest.split_once("\n\n").expect("their end");
    let number = |text: &str| {
        text.trim_matches(['`', '.'])
            .strip_prefix("MG")?
            .parse()
            .ok()
    };
    let mut found = BTreeSet::new();
    for entry in codes.split([' ', '\n', ',']) {
        let (first, last) = entry.split_once('–').unwrap_or((entry, entry));
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            continue;
        };
        let range: std::ops::RangeInclusive<u32> = first..=last;
        found.extend(range.map(|code| format!("MG{code}")));
    }
    found
}

#[test]
fn the_page_says_which_codes_are_no_loss() {
    let none: BTreeSet<String> = Code::ALL
        .iter()
        .filter(|code| code.bearing() != Bearing::Loss)
        .map(|code| code.as_str().to_owned())
        .collect();
    let named = documented_as_no_loss();
    // A range may run over numbers that no code has.
    let known = |code: &&String| Code::ALL.iter().any(|c| c.as_str() == code.as_str());
    let named: BTreeSet<String> = named.iter().filter(known).cloned().collect();
    assert_eq!(named, none);
}

fn sarif(args: &[&str]) -> Value {
    run(
        &[&["check"], args, &["--format", "sarif"]].concat(),
        &[],
        "",
    )
    .json()
}

/// The parts of the SARIF 2.1.0 schema that are used, written down from the standard.
fn is_sarif(log: &Value) {
    let text = std::fs::read_to_string(root().join("tests/loss/sarif.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(log)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[at]["id"], result["ruleId"]);
    }
    let mut ids: Vec<&Value> = rules.iter().map(|rule| &rule["id"]).collect();
    ids.dedup();
    assert_eq!(ids.len(), rules.len());
}

#[test]
fn sarif_for_code_scanning() {
    let log = sarif(&[SHOP]);
    is_sarif(&log);
    let text = serde_json::to_string_pretty(&log).unwrap();
    golden("loss/shop.sarif", &format!("{text}\n"));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let findings = check(&["--json"]).json()["diagnostics"].clone();
    assert_eq!(results.len(), findings.as_array().unwrap().len());
    // Every case of the diagnostics, errors among them.
    for entry in std::fs::read_dir(root().join("tests/diagnostics"))
        .unwrap()
        .flatten()
    {
        for name in ["doc.yaml", "policy.yaml"] {
            let doc = entry.path().join(name);
            let args = ["check", doc.to_str().unwrap(), "--format", "sarif"];
            let output = run(&args, &[], "");
            if output.status < 2 {
                is_sarif(&output.json());
            }
        }
    }
}

#[test]
fn the_sarif_oracle_can_fail() {
    let log = sarif(&[SHOP]);
    for (pointer, value) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/results/0/level", json!("bad")),
        ("/runs/0/results/0/message", json!("text")),
        ("/runs/0/results/0/locations", json!([])),
        (
            "/runs/0/results/0/locations/0/physicalLocation/region/startLine",
            json!(0),
        ),
        (
            "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri",
            json!("/abs/x.yaml"),
        ),
        ("/runs/0/results/0/partialFingerprints", json!({})),
        ("/runs/0/tool/driver/rules/0/help", json!({})),
    ] {
        let mut broken = log.clone();
        *broken
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{pointer}")) = value;
        let failed = std::panic::catch_unwind(|| is_sarif(&broken)).is_err();
        assert!(failed, "{pointer}");
    }
}

/// Fingerprint of each result.
fn fingerprints(log: &Value) -> Vec<&Value> {
    let results = log["runs"][0]["results"].as_array().unwrap();
    let prints = results
        .iter()
        .map(|r| &r["partialFingerprints"]["mcpgen/v1"]);
    prints.collect()
}

#[test]
fn fingerprints_stay_when_lines_move_and_places_are_relative() {
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(root().join(SHOP)).unwrap();
    let file = scratch.file("shop.yaml", &text);
    let before = sarif(&[&file]);
    scratch.file("shop.yaml", format!("# one\n# two\n{text}"));
    let after = sarif(&[&file]);
    assert_ne!(before, after);
    let (old, new) = (fingerprints(&before), fingerprints(&after));
    assert_eq!(old, new);
    let mut unique = old.clone();
    unique.sort_by_key(ToString::to_string);
    unique.dedup();
    assert_eq!(unique.len(), old.len(), "each finding has its own");
    let at = "/runs/0/results/0/locations/0/physicalLocation/artifactLocation";
    let outside = sarif(&["/dev/null"]);
    let outside = outside.pointer(at).unwrap();
    assert_eq!(outside, &json!({"uri": "file:///dev/null"}));
    let inside = root().join(SHOP);
    let log = sarif(&[inside.to_str().unwrap()]);
    let inside = json!({"uri": SHOP, "uriBaseId": "%SRCROOT%"});
    assert_eq!(log.pointer(at), Some(&inside));
}
