//! `mcpgen test`: what a policy's tests expect is compared with what is sent, to nobody but itself.

use serde_json::Value;

use crate::support::{Output, Scratch, run};

const DOCUMENT: &str = r#"{"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"},
  "servers": [{"url": "https://api.example/v1"}],
  "components": {"securitySchemes": {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "token": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://login.example/token", "scopes": {}}}}}},
  "paths": {
  "/orders": {
    "get": {"operationId": "listOrders", "security": [{"key": []}], "parameters": [
      {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
      {"name": "tenant", "in": "query", "schema": {"type": "string"}},
      {"name": "status", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}],
      "responses": {"200": {"description": "x", "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}}}}},
    "post": {"operationId": "addOrder", "security": [{"token": []}], "requestBody": {"content": {"application/json": {"schema": {"type": "object",
      "properties": {"amount": {"type": "number"}}}}}}, "responses": {}},
    "delete": {"operationId": "dropOrders", "responses": {}}}}}"#;

const POLICY: &str = "\
version: 1
sources: {shop: {openapi: shop.json}}
rules:
  - match: {operation: listOrders}
    args:
      limit: {max: 50}
      tenant: {hide: true, from: env.TENANT}
    rate: [{limit: 1/min}]
  - {match: {operation: addOrder}, enable: write, args: {amount: {max: 10}}}
tests:
";

fn test(tests: &str, args: &[&str], env: &[(&str, &str)]) -> Output {
    let scratch = Scratch::new();
    scratch.file("shop.json", DOCUMENT);
    let policy = scratch.file(
        "mcpgen.yaml",
        format!("{POLICY}{}", tests.trim_start_matches('\n')),
    );
    let folder = scratch.path().display().to_string();
    let mut output = run(&[&["test", &policy], args].concat(), env, "");
    let short = |text: &str| text.replace(&format!("{folder}/"), "");
    output.stdout = short(&output.stdout);
    output.stderr = short(&output.stderr);
    output
}

const GOOD: &str = r"
  - {call: list_orders, args: {limit: 5000}, expect: {request: {method: GET, path: /v1/orders, query: {limit: 50, tenant: acme, status: null}}, clamped: {/limit: [5000, 50]}}}
  - {call: list_orders, args: {status: [a, b]}, expect: {request: {query: {status: [a, b]}, headers: {X-Key: '***'}}}}
  - {call: list_orders, args: {tenant: evil}, expect: refused}
  - {call: list_orders, args: {limt: 3}, expect: {refused: invalid_arguments}}
  - {call: list_orders, reply: {body: [{id: 1}]}, expect: {result: {items: [{id: 1}]}}}
  - {call: add_order, args: {amount: 5}, expect: {request: {method: POST, body: {amount: 5.0}, headers: {authorization: Bearer ***}}}}
  - {call: add_order, args: {amount: 11}, expect: {refused: invalid_arguments}}
  - {call: drop_orders, expect: refused}
";

#[test]
fn what_is_as_expected_passes() {
    // No proxy of the environment, no secret and no host of the document is asked.
    let env = [
        ("TENANT", "acme"),
        ("SHOP_KEY", "secret"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
    ];
    let output = test(GOOD, &[], &env).expect(0);
    let want = r#"ok     list_orders {"limit":5000}
ok     list_orders {"status":["a","b"]}
ok     list_orders {"tenant":"evil"}
ok     list_orders {"limt":3}
ok     list_orders
ok     add_order {"amount":5}
ok     add_order {"amount":11}
ok     drop_orders
8 tests, all as expected
"#;
    assert_eq!(output.stdout, want);
    assert_eq!(output.stderr, "");
    let some = test(GOOD, &["-k", "add"], &env).expect(0);
    assert!(
        some.stdout.ends_with("2 tests, all as expected\n"),
        "{}",
        some.stdout
    );
}

#[test]
fn what_differs_is_shown_with_its_line() {
    let tests = r"
  - call: list_orders
    args: {limit: 5000}
    expect:
      request:
        path: /v2/orders
        query: {limit: 5000, tenant: null}
      clamped: {/limit: [5000, 10]}
  - {call: add_order, args: {amount: 5}, expect: refused}
  - {call: add_order, args: {amount: 11}, expect: {request: {method: POST}}}
  - {call: add_order, args: {amount: 11}, expect: {refused: unknown_tool}}
  - {call: drop_orders, expect: {request: {method: DELETE}}}
  - {call: list_orders, reply: {status: 500}, expect: {result: {}}}
";
    let output = test(tests, &[], &[]).expect(1);
    assert_eq!(
        output.stderr,
        "mcpgen: TENANT is not set: a made-up value stands for it\n"
    );
    let want = r#"FAILED list_orders {"limit":5000}
         mcpgen.yaml:15: path
           expected "/v2/orders"
           got      "/v1/orders"
         mcpgen.yaml:16: query limit
           expected 5000
           got      "50"
         mcpgen.yaml:16: query tenant
           expected nothing
           got      "***"
         mcpgen.yaml:17: clamped /limit
           expected [5000,10]
           got      [5000,50]
FAILED add_order {"amount":5}
         mcpgen.yaml:18: call
           expected refused
           got      sent: POST /v1/orders
FAILED add_order {"amount":11}
         mcpgen.yaml:19: call
           expected carried out
           got      refused: invalid_arguments: 1 violation of the input schema; nothing was sent - /amount: 11 is above the maximum 10
FAILED add_order {"amount":11}
         mcpgen.yaml:20: call
           expected refused: unknown_tool
           got      invalid_arguments: 1 violation of the input schema; nothing was sent - /amount: 11 is above the maximum 10
FAILED drop_orders
         mcpgen.yaml:21: call
           expected carried out
           got      refused: `drop_orders` is no tool: its effect is destroy, which is not enabled
"#;
    assert!(output.stdout.starts_with(want), "{}", output.stdout);
    assert!(
        output.stdout.ends_with("6 tests: 0 as expected, 6 not\n"),
        "{}",
        output.stdout
    );
    let json = test(tests, &["--json"], &[]).expect(1).json();
    assert_eq!(json["failed"], 6);
    assert_eq!(json["tests"][0]["differences"][1]["line"], 16);
    assert_eq!(json["tests"][0]["differences"][1]["got"], "50");
}

#[test]
fn tests_that_mean_nothing_are_errors() {
    let tests = r"
  - {call: list_order, expect: refused}
  - {call: zzz, expect: refused}
  - {call: list_orders, expect: {}}
  - {call: list_orders, expect: {refused: x, request: {method: GET}}}
  - {call: list_orders, expect: {clamped: {limit: [5000, 50]}}}
";
    let output = test(tests, &[], &[]).expect(1);
    for want in [
        "mcpgen.yaml:11:",
        "did you mean `list_orders`?",
        "mcpgen.yaml:12:",
        "no tool is called `zzz`",
        "mcpgen.yaml:13:",
        "the test expects nothing",
        "mcpgen.yaml:14:",
        "a call that is refused sends nothing",
        "mcpgen.yaml:15:",
        "write `/limit`",
    ] {
        assert!(output.stderr.contains(want), "{want}\n{}", output.stderr);
    }
    assert_eq!(output.stdout, "");
    for (tests, args, why) in [
        ("  []", &[][..], "has no tests"),
        (GOOD, &["-k", "nothing"], "no test calls such a tool"),
    ] {
        let tests = tests.replace("  []", "");
        let policy = if tests.is_empty() {
            "  []\n".to_owned()
        } else {
            tests
        };
        let output = test(&policy, args, &[]).expect(2);
        assert!(output.stderr.contains(why), "{}", output.stderr);
    }
    let scratch = Scratch::new();
    let document = scratch.file("shop.json", DOCUMENT);
    let output = run(&["test", &document], &[], "").expect(2);
    assert!(
        output.stderr.contains("is no policy file"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_policy_beside_its_document_is_tested() {
    let scratch = Scratch::new();
    let document = scratch.file("shop.json", DOCUMENT);
    let policy = "version: 1\ntests:\n  - {call: list_orders, args: {limit: 500}, expect: {clamped: {/limit: [500, 100]}}}\n";
    let policy = scratch.file("mcpgen.yaml", policy);
    let output = run(&["test", &document, "--policy", &policy, "--json"], &[], "").expect(0);
    assert_eq!(output.json()["passed"], Value::from(1));
}
