//! One policy with a document and a database: one list, one search, one log of what is wrong, and a server
//! that does not start where its database is not as it has to be.

use std::fs;

use mcpgen::cluster::SUPERUSER;
use mcpgen::demo::CREDENTIALS;
use mcpgen::demo::bookshop::Bookshop;
use serde_json::{Value, json};

use crate::support::postgres::{cluster, library};
use crate::support::{Client, Output, Scratch, root, run};

/// A folder with the bookshop's document, the library's snapshot and a policy for both.
struct Folder {
    _scratch: Scratch,
    policy: String,
}

impl Folder {
    fn new(base_url: &str, more: &str) -> Self {
        let scratch = Scratch::new();
        for (from, to) in [
            ("bookshop/openapi.yaml", "openapi.yaml"),
            ("library/snapshot.json", "snapshot.json"),
        ] {
            let text = fs::read_to_string(root().join("specs").join(from)).unwrap();
            scratch.file(to, text);
        }
        let policy = format!(
            "version: 1
server: {{name: town}}
sources:
  shop: {{openapi: openapi.yaml, base_url: '{base_url}', credential: shop}}
  library: {{prefix: lib_, postgres: '${{env:LIBRARY_URL}}', snapshot: snapshot.json, schemas: [library]}}
credentials:
  shop: {{api_key: {{header: X-Shop-Key, value: '${{env:SHOP_KEY}}'}}}}
{more}"
        );
        let policy = scratch.file("mcpgen.yaml", policy);
        Self {
            _scratch: scratch,
            policy,
        }
    }

    fn run(&self, command: &str, more: &[&str], env: &[(&str, &str)]) -> Output {
        run(&[&[command, self.policy.as_str()], more].concat(), env, "")
    }
}

const RULES: &str = "
rules:
  - {match: {source: shop, path: '/books/{bookId}/cover'}, exclude: true}
  - {match: {table: members}, columns: {allow: [id, name]}, max_rows: 5}
  - {match: {operation: listBooks}, args: {limit: {max: 25}}}
tests:
  - call: list_books
    args: {limit: 5000}
    expect: {request: {method: GET, path: /v1/books, query: {limit: 25}}, clamped: {/limit: [5000, 25]}}
  - call: lib_members_find
    args: {limit: 500}
    expect: {clamped: {/limit: [500, 5]}, statement: ['FROM \"library\".\"members\"', 'LIMIT 6']}
  - {call: lib_members_find, args: {filter: {pin_hash: {eq: x}}}, expect: {refused: invalid_arguments}}
";

#[test]
fn a_document_and_a_database_in_one_server() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shop = runtime.block_on(Bookshop::open()).unwrap();
    let both = Folder::new(&shop.url, RULES);
    let list = both.run("list", &["--json"], &[]).expect(0).json();
    let listed = list["tools"].as_array().unwrap().iter();
    let listed: Vec<&str> = listed.filter_map(|tool| tool["name"].as_str()).collect();
    for name in [
        "list_books",
        "get_book",
        "lib_books_find",
        "lib_books_get",
        "lib_members_find",
    ] {
        assert!(listed.contains(&name), "{listed:?}");
    }
    // The tests of the policy ask neither.
    let tested = both.run("test", &[], &[]).expect(0).stdout;
    assert!(tested.ends_with("3 tests, all as expected\n"), "{tested}");

    let url = library().dsn("library_reader");
    let env = [
        ("LIBRARY_URL", url.as_str()),
        ("SHOP_KEY", CREDENTIALS[0].1),
    ];
    for (tool, args, at) in [
        ("list_books", json!({"limit": 1}), "/items/0/id"),
        ("lib_books_find", json!({"limit": 1}), "/rows/0/isbn"),
    ] {
        let called = both
            .run("call", &[tool, &args.to_string()], &env)
            .expect(0)
            .json();
        assert!(called.pointer(at).is_some_and(Value::is_string), "{called}");
    }

    // One search over both, whichever tool answers.
    let mut client = Client::start(&["serve", &both.policy, "--tools", "search"], &env).modern();
    let own: Vec<Value> = client.tools();
    assert!(
        own.iter().any(|tool| tool["name"] == "search_tools"),
        "{own:?}"
    );
    let found = client.call("search_tools", json!({"query": "books", "limit": 20}));
    let found = found["structuredContent"]["tools"].to_string();
    for name in ["list_books", "lib_books_find"] {
        assert!(found.contains(&format!("\"{name}\"")), "{found}");
    }
    for (tool, args, at) in [
        (
            "list_books",
            json!({"limit": 5000}),
            "/structuredContent/items/0/id",
        ),
        (
            "lib_members_find",
            json!({"limit": 500}),
            "/structuredContent/rows/0/name",
        ),
    ] {
        let called = client.call("call_read_tool", json!({"name": tool, "arguments": args}));
        assert!(
            called.pointer(at).is_some_and(Value::is_string),
            "{tool}: {called}"
        );
        let limit = &called["_meta"]["mcpgen/clamped"]["/limit"];
        assert!(
            limit[1].as_u64().is_some_and(|limit| limit <= 25),
            "{called}"
        );
    }
}

#[test]
fn one_name_across_both_is_an_error_with_both_places() {
    let rule = "rules:\n  - {match: {operation: books_find}, name: list_books}\n";
    let both = Folder::new("http://127.0.0.1:1", rule);
    for command in ["check", "list", "serve"] {
        let failed = both.run(
            command,
            &[],
            &[("LIBRARY_URL", "postgres://a@127.0.0.1:1/x")],
        );
        assert_eq!(failed.status, 1, "{command}: {}", failed.stderr);
        let said = format!("{}{}", failed.stdout, failed.stderr);
        assert!(
            said.contains("are both the tool `list_books`"),
            "{command}: {said}"
        );
        assert!(
            said.contains("mcpgen.yaml:9") && said.contains("openapi.yaml:"),
            "{command}: {said}"
        );
    }
}

/// A server over one database, that must not start: what it says.
#[track_caller]
fn refused(args: &[&str], env: &[(&str, &str)]) -> String {
    let failed = run(&[&["serve"], args].concat(), env, "");
    assert!(
        [1, 2].contains(&failed.status),
        "{}: {}",
        failed.status,
        failed.stderr
    );
    assert_eq!(failed.stdout, "");
    assert!(!failed.stderr.contains("panicked"), "{}", failed.stderr);
    failed.stderr
}

#[test]
fn a_server_does_not_start_with_a_database_that_is_not_in_order() {
    let policy = root()
        .join("specs/library/mcpgen.yaml")
        .display()
        .to_string();
    let database = library();
    let owner = database.dsn(SUPERUSER);
    let said = refused(&[&policy], &[("LIBRARY_URL", &owner)]);
    assert!(
        said.contains("may do more than read") && said.contains("CREATE ROLE"),
        "{said}"
    );
    // The same without a policy.
    let said = refused(&[&owner, "--schema", "library"], &[]);
    assert!(said.contains("may do more than read"), "{said}");
    // Less than what it is, is not enough.
    let less = ["--accept-posture", "owner", "--because", "a test"];
    let said = refused(
        &[&[owner.as_str(), "--schema", "library"], &less[..]].concat(),
        &[],
    );
    assert!(said.contains("may do more than read"), "{said}");

    let said = refused(&[&policy], &[]);
    assert!(said.contains("LIBRARY_URL"), "{said}");
    let nobody = cluster().dsn(&database.name, "nobody_is_called_so");
    let nobody = nobody.replacen('@', ":canary@", 1);
    for (url, part) in [
        (
            "postgres://reader:canary@[",
            "the connection string cannot be read",
        ),
        (nobody.as_str(), "does not let this server in"),
    ] {
        let said = refused(&[&policy], &[("LIBRARY_URL", url)]);
        assert!(said.contains(part), "{url}: {said}");
        assert!(!said.contains("canary"), "{said}");
    }
    // Without a snapshot there is nothing to serve until the database answers.
    let said = refused(&[&away("library")], &[]);
    assert!(
        said.contains("nothing answers there") && !said.contains("canary"),
        "{said}"
    );
}

/// Where no database is.
fn away(database: &str) -> String {
    let folder = cluster().folder().join("nowhere").display().to_string();
    format!(
        "postgres://reader:canary@{}/{database}",
        folder.replace('/', "%2F")
    )
}

#[test]
fn a_role_that_is_accepted_is_logged() {
    let database = library();
    let owner = database.dsn(SUPERUSER);
    let accept = [
        "--accept-posture",
        "superuser",
        "--because",
        "a test of the owner",
    ];
    let args = [
        &["serve", &owner, "--schema", "library", "--tools", "list"],
        &accept[..],
    ]
    .concat();
    let mut client = Client::start(&args, &[]).modern();
    let found = client.call("branches_find", json!({}));
    assert_eq!(found["structuredContent"]["returned"], 3, "{found}");
    let said = client.stderr();
    assert!(
        said.contains("a role that may do more than read is accepted"),
        "{said}"
    );
    assert!(
        said.contains("a test of the owner") && said.contains("superuser"),
        "{said}"
    );
    let plan = run(
        &[
            &["plan", &owner, "--json", "--schema", "library"],
            &accept[..],
        ]
        .concat(),
        &[],
        "",
    );
    let plan = plan.expect(0).stdout;
    assert!(
        plan.contains("a test of the owner") && !plan.contains("postgres://"),
        "{plan}"
    );
}

#[test]
fn a_database_that_is_down_is_told_and_asked_again() {
    let policy = root()
        .join("specs/library/mcpgen.yaml")
        .display()
        .to_string();
    // It may come back: the server starts, and says what it waits for; calls say that it is away.
    let url = away("library");
    let mut client = Client::start(&["serve", &policy], &[("LIBRARY_URL", &url)]).modern();
    let answer = client.call("books_find", json!({}));
    assert_eq!(
        answer["_meta"]["mcpgen/error"]["code"], "database_unreachable",
        "{answer}"
    );
    assert!(!answer.to_string().contains("nothing answers"), "{answer}");
    let said = client.stderr();
    for part in [
        "WARN",
        "nothing answers there",
        "it is asked again before the first call",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("canary"), "{said}");
}
