//! The policies in `specs`: each compiles, costs little, and passes its own tests. Those of public
//! documents need the documents, which are not part of the project.

use std::fs;
use std::path::PathBuf;

use crate::support::{root, run};

/// What the list of a policy's tools may cost, in tokens.
const TOKENS_MAX: u64 = 6_000;

/// The policies whose documents are there.
fn policies() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("specs")).unwrap().flatten() {
        let policy = entry.path().join("mcpgen.yaml");
        let Ok(text) = fs::read_to_string(&policy) else {
            continue;
        };
        let named = text.lines().find_map(|line| {
            let line = line.trim();
            let named = line.strip_prefix("openapi: ");
            named.or_else(|| line.strip_prefix("snapshot: "))
        });
        let document = entry.path().join(named.expect("a document or a snapshot"));
        if document.is_file() {
            found.push(policy);
        }
    }
    found.sort();
    found
}

#[test]
fn the_policies_of_the_project_hold() {
    let policies = policies();
    assert!(
        policies
            .iter()
            .any(|policy| policy.ends_with("bookshop/mcpgen.yaml"))
    );
    if std::env::var_os("MCPGEN_CORPUS").is_some() {
        assert_eq!(policies.len(), 6, "{policies:?}");
    }
    for policy in policies {
        let name = policy.display().to_string();
        run(&["test", &name], &[], "").expect(0);
        if policy.ends_with("library/mcpgen.yaml") {
            // A database has two tools a relation, which clients search for.
            continue;
        }
        let list = run(&["list", &name, "--json"], &[], "").expect(0).json();
        let tools = list["tools"].as_array().unwrap();
        assert!(
            (9..=12).contains(&tools.len()),
            "{name}: {} tools",
            tools.len()
        );
        let tokens: u64 = tools
            .iter()
            .filter_map(|tool| tool["tokens"].as_u64())
            .sum();
        assert!(tokens < TOKENS_MAX, "{name}: {tokens} tokens");
        let writes = tools.iter().filter(|tool| tool["effect"] != "read").count();
        assert!(writes <= 1, "{name}: {writes} writes");
    }
}
