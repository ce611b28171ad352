//! Which calls are tried again under which rules.

use serde_json::json;

use super::catalog;
use crate::compile::compile;
use crate::diag::Diagnostics;
use crate::policy::{Pattern, Policy};
use crate::runtime::manifest::Effect;

/// What is tried again, and how often: nothing that may have its effect twice.
#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn what_is_tried_again() {
    let key = json!({"header": "Idempotency-Key"});
    let (none, twice) = (
        json!({"max": 0, "on": [503]}),
        json!({"max": 2, "on": [503]}),
    );
    let vain = "is never tried again: its effect could come twice";
    for (defaults, rules, tools, want) in [
        (json!({}), json!([]), "", String::new()),
        (
            json!({"retries": twice}),
            json!([]),
            "GET /books 2, DELETE /books/{id} 2",
            String::new(),
        ),
        (json!({"retries": none}), json!([]), "", String::new()),
        (
            json!({"retries": twice}),
            json!([{"match": {"operation": "listBooks"}, "retries": none}]),
            "DELETE /books/{id} 2",
            String::new(),
        ),
        (
            json!({}),
            json!([{"match": {"operation": "addBook"}, "retries": none}]),
            "",
            String::new(),
        ),
        (
            json!({}),
            json!([{"match": {"path": "/**"}, "retries": twice}]),
            "GET /books 2, DELETE /books/{id} 2",
            String::new(),
        ),
        (
            json!({}),
            json!([{"match": {"method": "POST"}, "retries": twice}]),
            "",
            format!("MG206 /rules/0/retries: POST /books {vain}"),
        ),
        (
            json!({}),
            json!([{"match": {"operation": ["listBooks", "addBook"]}, "retries": twice}]),
            "GET /books 2",
            format!("MG206 /rules/0/retries: POST /books {vain}"),
        ),
        (
            json!({}),
            json!([
                {"match": {"operation": "addBook"}, "retries": twice},
                {"match": {"operation": "addBook"}, "idempotency_key": key},
            ]),
            "POST /books 2",
            String::new(),
        ),
    ] {
        let file = json!({"version": 1, "defaults": defaults, "rules": rules});
        let policy = Policy {
            effect: Effect::Destroy,
            exclude: vec![Pattern::new("get_*"), Pattern::new("searchBooks")],
            file: Some(serde_json::from_value(file).unwrap()),
            ..Policy::default()
        };
        let mut diags = Diagnostics::default();
        let compiled = compile(&[catalog()], &policy, &mut diags);
        let tried = compiled.manifest.tools.iter().filter_map(|tool| {
            let action = tool.action.http().expect("a request");
            let most = action.retries.as_ref()?.max;
            Some(format!("{} {} {most}", action.method, action.path))
        });
        let tried: Vec<String> = tried.collect();
        assert_eq!(tried.join(", "), tools, "{rules}");
        let found = diags.iter().filter(|found| found.code.as_str() == "MG206");
        let found = found.map(|found| {
            let place = found.loc.as_ref().map_or("", |loc| &loc.pointer);
            format!("MG206 {place}: {}", found.message)
        });
        assert_eq!(found.collect::<Vec<_>>().join("|"), want, "{rules}");
        assert!(!diags.has_errors(), "{rules}");
    }
}
