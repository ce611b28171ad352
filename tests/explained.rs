//! `mcpgen explain`: the answer to "why can the agent not do this?", for tools and for what is none.

use serde_json::Value;

use crate::support::{Output, Scratch, run};

const DOCUMENT: &str = r#"{"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"},
  "servers": [{"url": "https://api.example/v1"}], "paths": {
  "/orders": {
    "get": {"operationId": "listOrders", "tags": ["orders"], "parameters": [
      {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
      {"name": "tenant", "in": "query", "schema": {"type": "string"}}], "responses": {}},
    "post": {"operationId": "addOrder", "tags": ["orders"], "responses": {}}},
  "/orders/search": {"post": {"operationId": "searchOrders", "tags": ["orders"], "responses": {}}},
  "/admin": {"get": {"operationId": "admin", "responses": {}}},
  "/broken": {"get": {"operationId": "broken", "parameters": 3, "responses": {}}}}}"#;

const POLICY: &str = "\
version: 1
sources:
  shop: {openapi: shop.json}
defaults: {timeout: 20s}
rules:
  - {match: {path: /admin}, exclude: true}
  - match: {tag: orders}
    describe: Orders.
    timeout: 5s
  - match: {operation: listOrders}
    name: orders
    describe: Orders of the shop.
    args:
      limit: {max: 50, default: 20}
      tenant: {hide: true, const: acme}
  - match: {operation: searchOrders}
    effect: {as: read, because: it only searches}
";

fn explain(args: &[&str]) -> Output {
    let scratch = Scratch::new();
    scratch.file("shop.json", DOCUMENT);
    let policy = scratch.file("mcpgen.yaml", POLICY);
    let folder = scratch.path().display().to_string();
    let mut output = run(&[&["explain", &policy], args].concat(), &[], "");
    output.stdout = output.stdout.replace(&format!("{folder}/"), "");
    output
}

#[test]
fn a_tool_has_its_rules_in_order() {
    let want = "\
orders: GET /orders (listOrders), a read of shop

rules, in order
  mcpgen.yaml:7: - match: {tag: orders}
  mcpgen.yaml:8: describe: Orders.
      described in these words, not in the document's; a later rule says otherwise
  mcpgen.yaml:9: timeout: 5s
      one deadline of 5s for a call
  mcpgen.yaml:10: - match: {operation: listOrders}
  mcpgen.yaml:11: name: orders
      it is called `orders`, not `list_orders`
  mcpgen.yaml:12: describe: Orders of the shop.
      described in these words, not in the document's
  mcpgen.yaml:14: limit: {max: 50, default: 20}
      `limit` is at most 50 (document: 100); what is beyond is moved there, and the model is told
      `limit` is 20 where none is given (document: no default)
  mcpgen.yaml:15: tenant: {hide: true, const: acme}
      `tenant` is always \"acme\"
      `tenant` is neither seen nor set by the model

defaults of the file
  mcpgen.yaml:4: defaults: {timeout: 20s}
      one deadline of 20s for a call, unless a rule says otherwise

defaults of mcpgen
  operations up to the effect read become tools
";
    for name in ["orders", "listOrders", "GET /orders", "get /orders"] {
        assert_eq!(explain(&[name]).expect(0).stdout, want, "{name}");
    }
}

#[test]
fn what_is_no_tool_is_explained() {
    for (name, wants) in [
        (
            "addOrder",
            &[
                "add_order: POST /orders (addOrder), a write of shop\n",
                "no tool: its effect is write, and only up to read is on\n",
                "{match: {operation: addOrder}, enable: write}",
                "mcpgen.yaml:7: - match: {tag: orders}\n",
            ][..],
        ),
        (
            "admin",
            &[
                "no tool: the rule at mcpgen.yaml:6 excludes it\n",
                "no later rule undoes that",
            ],
        ),
        (
            "searchOrders",
            &[
                "a read of shop\n",
                "its effect is read, by its method write, because: it only searches",
            ],
        ),
        (
            "broken",
            &[
                "GET /broken",
                "no tool: the document's operation cannot be one: ",
            ],
        ),
    ] {
        let said = explain(&[name]).expect(0).stdout;
        for want in wants {
            assert!(said.contains(want), "{name}: {want}\n{said}");
        }
    }
    let near = explain(&["list_ordrs"]).expect(2).stderr;
    assert!(near.contains("did you mean"), "{near}");
    let none = explain(&["zzz"]).expect(2).stderr;
    assert!(none.contains("`mcpgen list"), "{none}");
    let which = explain(&[]).expect(2).stderr;
    assert!(which.contains("which tool?"), "{which}");
}

#[test]
fn a_program_reads_it_too() {
    let json = explain(&["orders", "--json"]).expect(0).json();
    assert_eq!(json["tool"], "orders");
    assert_eq!(json["off"], Value::Null);
    assert_eq!(json["rules"][1]["line"], 10);
    assert_eq!(json["rules"][1]["changes"][2]["key"], "args.limit.max");
    assert_eq!(json["rules"][1]["changes"][2]["line"], 14);
    let json = explain(&["addOrder", "--json"]).expect(0).json();
    assert_eq!(json["tool"], Value::Null);
    assert!(
        json["off"]["why"]
            .as_str()
            .unwrap()
            .contains("its effect is write")
    );
}

#[test]
fn a_document_alone_is_explained() {
    let scratch = Scratch::new();
    let document = scratch.file("shop.json", DOCUMENT);
    let said = run(&["explain", &document, "list_orders"], &[], "")
        .expect(0)
        .stdout;
    let want = "\
list_orders: GET /orders (listOrders), a read of shop

defaults of mcpgen
  operations up to the effect read become tools
  one deadline of 30s for a call
  `limit` is a page size: moved into the document's bounds, from 1 to 100
";
    assert_eq!(said, want);
    let off = run(&["explain", &document, "add_order"], &[], "")
        .expect(0)
        .stdout;
    assert!(off.contains("--enable write makes it one"), "{off}");
    let by_option = run(
        &["explain", &document, "admin", "--exclude", "admin"],
        &[],
        "",
    );
    assert!(
        by_option
            .expect(0)
            .stdout
            .contains("--include or --exclude leaves it out")
    );
}

#[test]
fn nothing_is_a_tool_by_itself_where_that_is_said() {
    let scratch = Scratch::new();
    scratch.file("shop.json", DOCUMENT);
    let policy = |rules: &str| {
        let text = format!(
            "version: 1\nsources: {{shop: {{openapi: shop.json}}}}\ndefaults: {{effect: none}}\n{rules}"
        );
        scratch.file("mcpgen.yaml", text)
    };
    let some = policy("rules: [{match: {operation: listOrders}, enable: read}]\n");
    let list = run(&["list", &some], &[], "").expect(0).stdout;
    assert!(list.contains("1 tool, "), "{list}");
    assert!(
        list.contains("; 1 read and 2 writes off (`enable` in a rule)"),
        "{list}"
    );
    let said = run(&["explain", &some, "admin"], &[], "").expect(0).stdout;
    assert!(
        said.contains("no tool: nothing is one by itself, and no rule enables it\n"),
        "{said}"
    );
    assert!(
        said.contains("{match: {operation: admin}, enable: read}"),
        "{said}"
    );
    let check = run(&["check", &some, "--json"], &[], "").expect(0).json();
    assert_eq!(check["summary"]["off"]["read"], 1);
    let none = policy("");
    let check = run(&["check", &none], &[], "").expect(1).stdout;
    assert!(check.contains("no rule enables an operation"), "{check}");
}
