//! `mcpgen call --dry-run`: the exact request, nothing sent, no secret shown.

use super::SHOP;
use crate::support::{Output, run};

const SECRETS: [(&str, &str); 6] = [
    ("SHOP_HEADER_KEY", "secret-1"),
    ("SHOP_QUERY_KEY", "secret-2"),
    ("SHOP_COOKIE_KEY", "secret-3"),
    ("SHOP_BASIC_USER", "secret-4"),
    ("SHOP_BASIC_PASSWORD", "secret-5"),
    ("SHOP_BEARER", "secret-6"),
];

fn dry_run(args: &[&str], env: &[(&str, &str)]) -> Output {
    let line = [&["call", SHOP, "--dry-run", "--enable", "destroy"], args].concat();
    let output = run(&line, env, "");
    // `secret-4:secret-5` in Base64.
    for part in ["secret", "c2VjcmV0"] {
        let all = format!("{}{}", output.stdout, output.stderr);
        assert!(!all.contains(part), "{args:?}\n{all}");
    }
    output
}

#[test]
fn the_exact_request_with_credentials_masked() {
    for (args, want) in [
        (
            &["get_item", "--arg", "id=a b", "--arg", "limit=7"][..],
            "GET https://shop.example/v1/items/a%20b?limit=7&key=***\n\
             accept: application/json, */*;q=0.5\nx-key: ***\ncookie: sid=***\n",
        ),
        (
            &[
                "put_item",
                r#"{"id": "7", "name": "ü", "price": 1.10, "note": null}"#,
            ],
            "PUT https://shop.example/v1/items/7\n\
             accept: application/json, */*;q=0.5\ncontent-type: application/json\n\
             authorization: Basic ***\n\n{\"name\":\"ü\",\"price\":1.10,\"note\":null}\n",
        ),
        (
            &["remove_item", "--arg", "id=7"],
            "DELETE https://shop.example/v1/items/7\n\
             accept: application/json, */*;q=0.5\nauthorization: Bearer ***\n",
        ),
        (
            &["list_items", "--base-url", "http://127.0.0.1:9/x/"],
            "GET http://127.0.0.1:9/x/items\naccept: application/json, */*;q=0.5\n",
        ),
    ] {
        let output = dry_run(args, &SECRETS).expect(0);
        assert_eq!(output.stdout, want, "{args:?}");
        assert_eq!(output.stderr, "");
    }
}

#[test]
fn a_clamp_is_told() {
    let output = dry_run(
        &["get_item", "--arg", "id=1", "--arg", "limit=99"],
        &SECRETS,
    )
    .expect(0);
    assert!(output.stdout.contains("?limit=10&"), "{}", output.stdout);
    assert_eq!(
        output.stderr,
        "note: /limit was changed from 99 to 10, its bound\n"
    );
}

#[test]
fn what_is_refused_is_not_shown_as_a_request() {
    for (args, part) in [
        (&["get_item", "--arg", "id=../admin"][..], "refused_value"),
        (
            &["get_item", "--arg", "id=1", "--arg", "limit=1.5"],
            "invalid_arguments",
        ),
    ] {
        let output = dry_run(args, &SECRETS).expect(1);
        assert_eq!(output.stdout, "", "{args:?}");
        assert!(output.stderr.contains(part), "{args:?}: {}", output.stderr);
    }
}

/// What would be sent can be seen before there is a credential.
#[test]
fn without_credentials_too() {
    let args = ["get_item", "--arg", "id=1"];
    let with = dry_run(&args, &SECRETS).expect(0);
    assert_eq!(dry_run(&args, &[]).expect(0).stdout, with.stdout);
}
