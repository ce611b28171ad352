//! What is left to fill in where tokens are fetched, and under a policy.

use serde_json::json;

use super::Machine;
use crate::support::process::run_in;

#[test]
fn a_token_that_is_fetched_is_not_asked_for() {
    let machine = Machine::new();
    machine.scratch.file(
        "project/openapi.yaml",
        "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\n\
         servers: [{url: 'https://shop.example'}]\nsecurity: [{login: []}]\n\
         paths: {/x: {get: {responses: {'200': {description: ok}}}}}\n\
         components: {securitySchemes: {login: {type: oauth2, flows: {clientCredentials: \
         {tokenUrl: /token, scopes: {}}}}}}\n",
    );
    let said = machine.install("cursor", &[]).expect(0).stdout;
    let want = "Fill in SHOP_LOGIN_CLIENT_ID, SHOP_LOGIN_CLIENT_SECRET and SHOP_LOGIN under \"env\" in that file.\n     \
                SHOP_LOGIN is not needed with SHOP_LOGIN_CLIENT_ID and SHOP_LOGIN_CLIENT_SECRET.\n";
    assert!(said.contains(want), "{said}");
}

#[test]
fn a_policy_is_installed_by_its_path() {
    let machine = Machine::new();
    let policy = "version: 1\n\
         sources: {shop: {openapi: openapi.yaml, credential: key}}\n\
         credentials: {key: {api_key: {header: X-Key, value: '${env:KEY}'}}}\n\
         rules: [{match: {operation: get_book}, args: {id: {hide: true, from: env.BOOK}}}]\n";
    let policy = machine.scratch.file("project/mcpgen.yaml", policy);
    let args = ["install", "mcpgen.yaml", "--client", "windsurf", "--print"];
    let said = run_in(&machine.path("project"), &args, &[]).expect(0);
    let server = &said.json()["mcpServers"]["shop"];
    assert_eq!(server["args"], json!(["serve", policy]));
    assert_eq!(server["env"], json!({"KEY": "", "BOOK": ""}));
}
