//! What is left to fill in where tokens are fetched.

use super::Machine;

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
