//! What small documents compile to: a folder a case with `doc.yaml` and what came of it.
//!
//! `plan.json` is the Manifest, `check.txt` what `mcpgen check` says, `list.json` and `list.txt` are
//! what `mcpgen list` prints, all with every effect enabled. `UPDATE=1` writes them.

use std::fs;

use mcpgen::runtime::manifest::Manifest;

use crate::support::{clients, golden, root, run, tools};

#[test]
fn documents_compile_to_what_they_did() {
    let entries = fs::read_dir(root().join("tests/golden")).expect("the folder of cases");
    let mut cases: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    cases.sort();
    assert!(cases.len() > 5, "{cases:?}");
    for case in cases {
        let doc = format!("tests/golden/{case}/doc.yaml");
        let of = |command: &[&str]| {
            let line = [command, &[&doc, "--enable", "destroy"]].concat();
            run(&line, &[], "").expect(0).stdout
        };
        let plan = of(&["plan", "--json"]);
        golden(&format!("golden/{case}/plan.json"), &plan);
        golden(&format!("golden/{case}/check.txt"), &of(&["check"]));
        golden(
            &format!("golden/{case}/list.json"),
            &of(&["list", "--json"]),
        );
        golden(&format!("golden/{case}/list.txt"), &of(&["list"]));
        let manifest: Manifest = serde_json::from_str(&plan).expect("a Manifest");
        let mut problems = tools::problems(&manifest);
        problems.extend(clients::refused(&manifest));
        assert!(problems.is_empty(), "{case}:\n{}", problems.join("\n"));
    }
}
