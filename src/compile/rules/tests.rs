//! Which operations become tools under which rules and options: rules as in a policy, operations as a
//! table.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::catalog::{Capability, Catalog, LeftOut, Output};
use crate::compile::compile;
use crate::diag::{Diagnostics, FileId, Loc};
use crate::policy::{Pattern, Policy, PolicyFile};
use crate::runtime::manifest::Effect;

mod retries;

/// Method, path, id (none: `-`) and tag of each operation; two cannot be tools.
const OPERATIONS: [(&str, &str, &str, &str); 8] = [
    ("GET", "/books", "listBooks", "books"),
    ("POST", "/books", "addBook", "books"),
    ("POST", "/books/search", "searchBooks", "books"),
    ("DELETE", "/books/{id}", "dropBook", "admin"),
    ("GET", "/a%20b/{id}", "-", "odd"),
    ("GET", "/{x}/y/z", "deep", "odd"),
    ("TRACE", "/books", "traceBooks", "books"),
    ("TRACE", "/odd", "-", "odd"),
];

fn catalog() -> Catalog {
    let (mut capabilities, mut left_out) = (Vec::new(), Vec::new());
    for (method, path, id, tag) in OPERATIONS {
        // A document may say that a GET is none that can be repeated.
        let idempotent = method != "POST" && id != "deep";
        let (operation, path) = (format!("{method} {path}"), path.to_owned());
        let id = (id != "-").then(|| id.to_owned());
        let tags = vec![tag.to_owned()];
        let effect = match method {
            "POST" => Effect::Write,
            "DELETE" => Effect::Destroy,
            _ => Effect::Read,
        };
        if method == "TRACE" {
            left_out.push(LeftOut {
                operation,
                reason: String::new(),
                path,
                id,
                tags,
                effect,
            });
            continue;
        }
        capabilities.push(Capability {
            operation,
            id,
            method: method.to_owned(),
            path,
            read: None,
            tags,
            effect,
            idempotent,
            summary: None,
            description: None,
            deprecated: false,
            base_url: Some("https://shop.example".to_owned()),
            server_loc: None,
            params: vec![],
            body: None,
            output: Output::default(),
            security: vec![],
            input_defs: Map::new(),
            loc: Loc::at(""),
        });
    }
    Catalog {
        database: None,
        source: "shop".to_owned(),
        file: FileId::MAIN,
        title: String::new(),
        version: String::new(),
        operations: OPERATIONS.len(),
        capabilities,
        left_out,
        deadline: None,
        credentials: IndexMap::new(),
    }
}

/// The tools under rules and options, what is left out and would be one, and the findings.
fn outcome(rules: &Value, options: &[&str]) -> (String, String, Vec<String>) {
    let file = json!({"version": 1, "rules": rules});
    let file: PolicyFile = serde_json::from_value(file).unwrap();
    let mut policy = Policy {
        file: Some(file),
        ..Policy::default()
    };
    for option in options {
        match option.split_at(1) {
            ("+", pattern) => policy.include.push(Pattern::new(pattern)),
            ("-", pattern) => policy.exclude.push(Pattern::new(pattern)),
            (_, "write") => policy.effect = Effect::Write,
            (_, "destroy") => policy.effect = Effect::Destroy,
            _ => policy.only_enabled = true,
        }
    }
    let mut diags = Diagnostics::default();
    let compiled = compile(&[catalog()], &policy, &mut diags);
    let lost: Vec<&str> = compiled.lost.iter().map(String::as_str).collect();
    let found = diags.iter().map(|found| {
        let place = found.loc.as_ref().map_or("", |loc| &loc.pointer);
        let also = found.also.iter().map(|also| format!(" {}", also.0.pointer));
        let also: String = also.collect();
        format!("{} {place}{also}: {}", found.code.as_str(), found.message)
    });
    let ours = found.filter(|line| line.starts_with("MG2") || line.starts_with("MG303"));
    // The numbers of what is no tool belong together.
    let (held, excluded) = (compiled.held_back.len(), compiled.excluded);
    let tools = compiled.operations.join(", ");
    let counts = format!(
        "{held} held, {excluded} excluded, {} deselected",
        compiled.deselected
    );
    assert_eq!(
        compiled.operations.len() + held + excluded + compiled.deselected,
        6
    );
    (
        format!("{tools}; {counts}"),
        lost.join(", "),
        ours.collect(),
    )
}

const READS: &str = "GET /books, GET /a%20b/{id}, GET /{x}/y/z";

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn the_effect_guard() {
    for (rules, options, want) in [
        (json!([]), "", format!("{READS}; 3 held, 0 excluded, 0 deselected")),
        (
            json!([]),
            "=write",
            "GET /books, POST /books, POST /books/search, GET /a%20b/{id}, GET /{x}/y/z; 1 held, 0 excluded, 0 deselected".to_owned(),
        ),
        (
            json!([{"match": {"operation": "*"}, "enable": "write"}]),
            "=none",
            "GET /books, POST /books, POST /books/search, GET /a%20b/{id}, GET /{x}/y/z; 1 held, 0 excluded, 0 deselected".to_owned(),
        ),
        (
            json!([{"match": {"method": "delete"}, "enable": "destroy"}]),
            "=none",
            "DELETE /books/{id}; 5 held, 0 excluded, 0 deselected".to_owned(),
        ),
        (
            json!([{"match": {"operation": "addBook"}, "enable": "write"}]),
            "",
            "GET /books, POST /books, GET /a%20b/{id}, GET /{x}/y/z; 2 held, 0 excluded, 0 deselected".to_owned(),
        ),
        // What a rule lowers, it lowers for what is a tool and for later rules.
        (
            json!([
                {"match": {"operation": "searchBooks"}, "effect": {"as": "read", "because": "it only searches"}},
                {"match": {"effect": "write"}, "exclude": true},
            ]),
            "",
            "GET /books, POST /books/search, GET /a%20b/{id}, GET /{x}/y/z; 1 held, 1 excluded, 0 deselected".to_owned(),
        ),
        (
            json!([{"match": {"operation": "listBooks"}, "effect": {"as": "write"}}]),
            "",
            "GET /a%20b/{id}, GET /{x}/y/z; 4 held, 0 excluded, 0 deselected".to_owned(),
        ),
        (
            json!([
                {"match": {"tag": "books"}, "exclude": true},
                {"match": {"tag": ["odd", "x*"]}, "timeout": "5s"},
            ]),
            "=destroy",
            "DELETE /books/{id}, GET /a%20b/{id}, GET /{x}/y/z; 0 held, 3 excluded, 0 deselected".to_owned(),
        ),
    ] {
        let options: Vec<&str> = options.split_whitespace().collect();
        let (tools, _, found) = outcome(&rules, &options);
        assert_eq!(tools, want, "{rules} {options:?}");
        let other: Vec<_> = found.iter().filter(|line| !line.starts_with("MG208")).collect();
        assert!(other.is_empty(), "{rules}: {other:?}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn what_patterns_match() {
    // Each key of `match`, and what is excluded by it.
    for (key, pattern, want) in [
        ("operation", json!("listBooks"), "GET /books"),
        ("operation", json!("listbooks"), "MG208"),
        (
            "operation",
            json!(["addBook", "deep"]),
            "POST /books, GET /{x}/y/z",
        ),
        (
            "operation",
            json!("*Book"),
            "POST /books, DELETE /books/{id}",
        ),
        (
            "operation",
            json!("{add,drop}Book"),
            "POST /books, DELETE /books/{id}",
        ),
        ("operation", json!("?eep"), "GET /{x}/y/z"),
        // One without an id goes by the name of its tool.
        ("operation", json!("get_*"), "GET /a%20b/{id}"),
        ("method", json!("post"), "POST /books, POST /books/search"),
        ("method", json!("p*"), "POST /books, POST /books/search"),
        ("path", json!("/books"), "GET /books, POST /books"),
        ("path", json!("/*"), "GET /books, POST /books"),
        (
            "path",
            json!("/books/*"),
            "POST /books/search, DELETE /books/{id}",
        ),
        ("path", json!("/books/{id}"), "DELETE /books/{id}"),
        (
            "path",
            json!("/*/{id}"),
            "DELETE /books/{id}, GET /a%20b/{id}",
        ),
        ("path", json!("/**/z"), "GET /{x}/y/z"),
        ("path", json!("/*/z"), "MG208"),
        ("path", json!("/a b/*"), "GET /a%20b/{id}"),
        ("path", json!("/a%20b/*"), "GET /a%20b/{id}"),
        ("path", json!("/A*/**"), "MG208"),
        ("tag", json!("odd"), "GET /a%20b/{id}, GET /{x}/y/z"),
        ("tag", json!("od"), "MG208"),
        (
            "source",
            json!("shop"),
            "GET /books, POST /books, POST /books/search, DELETE /books/{id}, GET /a%20b/{id}, GET /{x}/y/z",
        ),
        (
            "source",
            json!("s*p"),
            "GET /books, POST /books, POST /books/search, DELETE /books/{id}, GET /a%20b/{id}, GET /{x}/y/z",
        ),
        ("effect", json!("write"), "POST /books, POST /books/search"),
        (
            "effect",
            json!(["write", "destroy"]),
            "POST /books, POST /books/search, DELETE /books/{id}",
        ),
    ] {
        let rules = json!([{"match": {key: pattern}, "exclude": true}]);
        let (tools, _, found) = outcome(&rules, &["=destroy"]);
        let left: Vec<&str> = tools.split(';').next().unwrap().split(", ").collect();
        let all = OPERATIONS
            .iter()
            .map(|(method, path, _, _)| format!("{method} {path}"));
        let gone = all.filter(|op| !op.starts_with("TRACE") && !left.contains(&op.as_str()));
        let gone: Vec<String> = gone.collect();
        if want == "MG208" {
            assert!(gone.is_empty() && found.len() == 1, "{rules} {gone:?}");
            let at_match = |line: &String| line.starts_with("MG208 /rules/0/match");
            assert!(found.iter().all(at_match), "{found:?}");
        } else {
            assert_eq!(gone.join(", "), want, "{rules}");
            assert!(found.is_empty(), "{rules} {found:?}");
        }
    }
    // All keys together.
    let rules =
        json!([{"match": {"tag": "books", "method": "GET", "effect": "read"}, "exclude": true}]);
    assert_eq!(
        outcome(&rules, &[]).0,
        "GET /a%20b/{id}, GET /{x}/y/z; 3 held, 1 excluded, 0 deselected"
    );
}

#[test]
fn include_and_exclude() {
    for (options, want) in [
        (
            "+tag:odd",
            "GET /a%20b/{id}, GET /{x}/y/z; 0 held, 0 excluded, 4 deselected",
        ),
        ("+/books", "GET /books; 1 held, 0 excluded, 4 deselected"),
        ("+/books/**", "; 2 held, 0 excluded, 4 deselected"),
        ("-tag:odd", "GET /books; 3 held, 0 excluded, 2 deselected"),
        (
            "+tag:odd -deep",
            "GET /a%20b/{id}; 0 held, 0 excluded, 5 deselected",
        ),
        (
            "+deep +listBooks",
            "GET /books, GET /{x}/y/z; 0 held, 0 excluded, 4 deselected",
        ),
        (
            "+get_*",
            "GET /a%20b/{id}; 0 held, 0 excluded, 5 deselected",
        ),
        (
            "-/a?b/*",
            "GET /books, GET /{x}/y/z; 3 held, 0 excluded, 1 deselected",
        ),
        (
            "-/{x}/y/z",
            "GET /books, GET /a%20b/{id}; 3 held, 0 excluded, 1 deselected",
        ),
    ] {
        let options: Vec<&str> = options.split_whitespace().collect();
        let (tools, _, found) = outcome(&json!([]), &options);
        assert_eq!(tools, want, "{options:?}");
        assert!(found.is_empty(), "{options:?} {found:?}");
    }
    for (options, want) in [
        (
            "+tag:book",
            "MG303 : --include tag:book matches no operation",
        ),
        (
            "-listbooks",
            "MG303 : --exclude listbooks matches no operation",
        ),
        ("-/book", "MG303 : --exclude /book matches no operation"),
        (
            "+a[",
            "MG303 : --include a[ is no pattern: unclosed character class; missing ']'",
        ),
    ] {
        assert_eq!(outcome(&json!([]), &[options]).2, [want], "{options}");
    }
}

/// An operation that cannot be a tool is lost if it would have been one.
#[test]
fn what_is_lost() {
    for (rules, options, want) in [
        (json!([]), "", "TRACE /books, TRACE /odd"),
        (json!([]), "-/odd", "TRACE /books"),
        (json!([]), "+tag:odd", "TRACE /odd"),
        // It has no id to be matched.
        (json!([]), "+*", "TRACE /books"),
        (json!([]), "-*", "TRACE /odd"),
        (
            json!([{"match": {"operation": "traceBooks"}, "exclude": true}]),
            "",
            "TRACE /odd",
        ),
        (
            json!([{"match": {"method": "trace"}, "exclude": true}]),
            "",
            "",
        ),
        (
            json!([{"match": {"path": "/odd"}, "timeout": "5s"}]),
            "",
            "TRACE /books, TRACE /odd",
        ),
    ] {
        let options: Vec<&str> = options.split_whitespace().collect();
        let (_, lost, found) = outcome(&rules, &options);
        assert_eq!(lost, want, "{rules} {options:?}");
        assert!(found.is_empty(), "{rules} {options:?} {found:?}");
    }
}

/// Two rules, and the finding about them; the earlier one holds.
#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn later_rules_undo_nothing() {
    let read = json!({"as": "read", "because": "it only searches"});
    for (first, second, tools, want) in [
        (
            json!({"match": {"tag": "books"}, "exclude": true}),
            json!({"match": {"operation": "addBook"}, "enable": "write"}),
            "GET /a%20b/{id}, GET /{x}/y/z; 1 held, 3 excluded, 0 deselected",
            "MG207 /rules/1/enable /rules/0/exclude: POST /books is excluded by an earlier rule, and no later rule undoes that",
        ),
        (
            json!({"match": {"operation": "listBooks"}, "exclude": true}),
            json!({"match": {"path": "/books"}, "exclude": false}),
            "GET /a%20b/{id}, GET /{x}/y/z; 3 held, 1 excluded, 0 deselected",
            "MG207 /rules/1/exclude /rules/0/exclude: GET /books is excluded by an earlier rule, and no later rule undoes that",
        ),
        (
            json!({"match": {"operation": "listBooks"}, "effect": {"as": "destroy"}}),
            json!({"match": {"operation": "listBooks"}, "effect": read}),
            "GET /a%20b/{id}, GET /{x}/y/z; 4 held, 0 excluded, 0 deselected",
            "MG207 /rules/1/effect/as /rules/0/effect/as: GET /books is a delete by an earlier rule, and no later rule undoes that",
        ),
        (
            json!({"match": {"operation": "addBook"}, "effect": {"as": "write"}}),
            json!({"match": {"operation": "addBook"}, "effect": read}),
            "GET /books, GET /a%20b/{id}, GET /{x}/y/z; 3 held, 0 excluded, 0 deselected",
            "MG207 /rules/1/effect/as /rules/0/effect/as: POST /books is a write by an earlier rule, and no later rule undoes that",
        ),
        (
            json!({"match": {"operation": "addBook"}, "effect": read}),
            json!({"match": {"operation": "addBook"}, "effect": {"as": "write"}}),
            "GET /books, GET /a%20b/{id}, GET /{x}/y/z; 3 held, 0 excluded, 0 deselected",
            "",
        ),
        (
            json!({"match": {"operation": "dropBook"}, "effect": {"as": "write", "because": " "}}),
            json!({"match": {"operation": "listBooks"}, "effect": {"as": "read"}}),
            "GET /books, GET /a%20b/{id}, GET /{x}/y/z; 3 held, 0 excluded, 0 deselected",
            "MG209 /rules/0/effect: the effect of DELETE /books/{id} is lowered without a reason",
        ),
        (
            json!({"match": {"operation": "listBooks"}, "timeout": "5s"}),
            json!({"match": {"method": "GET"}, "timeout": "6s"}),
            "GET /books, GET /a%20b/{id}, GET /{x}/y/z; 3 held, 0 excluded, 0 deselected",
            "MG207 /rules/1/timeout /rules/0/timeout: GET /books has a deadline of 5s by an earlier rule, and no later rule undoes that",
        ),
        (
            json!({"match": {"tag": "books"}, "enable": "write"}),
            json!({"match": {"operation": "dropBook"}, "enable": "write"}),
            "GET /books, POST /books, POST /books/search, GET /a%20b/{id}, GET /{x}/y/z; 1 held, 0 excluded, 0 deselected",
            "MG206 /rules/1/enable: `enable: write` does not reach DELETE /books/{id}, which is a delete",
        ),
        (
            json!({"match": {"tag": "odd"}, "name": "one"}),
            json!({"match": {"operation": "deep"}, "name": "two"}),
            "GET /books, GET /a%20b/{id}, GET /{x}/y/z; 3 held, 0 excluded, 0 deselected",
            "MG206 /rules/0/name: `name` is for one operation, and the rule matches 2: GET /a%20b/{id} and GET /{x}/y/z",
        ),
        (
            json!({"match": {"tag": "odd", "method": "POST"}, "exclude": true}),
            json!({"match": {"effect": "destroy", "method": "GET"}, "exclude": true}),
            "GET /books, GET /a%20b/{id}, GET /{x}/y/z; 3 held, 0 excluded, 0 deselected",
            "MG208 /rules/0/match: the rule matches no operation|MG208 /rules/1/match: the rule matches no operation",
        ),
    ] {
        let rules = json!([first, second]);
        let (found_tools, _, found) = outcome(&rules, &[]);
        assert_eq!(found_tools, tools, "{rules}");
        assert_eq!(found.join("|"), want, "{rules}");
    }
}
