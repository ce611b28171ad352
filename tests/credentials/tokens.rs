//! OAuth 2 client credentials: what is sent for a token, how long it is kept, and what a refusal does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::support::PATIENCE;
use crate::support::process::run_program;

/// An upstream that gives `t1`, `t2`, … and takes those that `good` says.
fn counting(
    lifetime: u64,
    good: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> impl Fn(&Recorded) -> Reply + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |request: &Recorded| {
        if request.path() == "/token" {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            return token(&format!("t{number}"), lifetime);
        }
        let sent = request.header("authorization").unwrap_or_default();
        match sent.strip_prefix("Bearer ").is_some_and(&good) {
            true => Reply::json(&json!({"ok": true})),
            false => Reply::status(401),
        }
    }
}

const WRITES: [&str; 2] = ["--enable", "destroy"];

#[test]
fn the_request_for_a_token() {
    let doc = fetching("token?tenant=7", &["orders.read", "books", "books"]);
    let mut scene = Scene::with(&doc, &[], &CLIENT, counting(3600, |_| true));
    let (result, requests) = scene.call("read", json!({}));
    assert_eq!(result["isError"], false, "{result}");
    // RFC 6749 §4.4.2 and §2.3.1: `shop%3Aclient:p+w%2B%25` in base64.
    assert_eq!(
        requests[0].transcript(),
        "POST /token?tenant=7 HTTP/1.1\naccept: application/json\n\
         content-type: application/x-www-form-urlencoded\n\
         authorization: Basic c2hvcCUzQWNsaWVudDpwK3clMkIlMjU=\n\
         user-agent: mcpgen/0.1.0\naccept-encoding: zstd,gzip,br\nhost: UPSTREAM\n\
         content-length: 53\n\ngrant_type=client_credentials&scope=books+orders.read"
    );
    assert_eq!(journey(&requests), ["token", "/read t1"]);
    // Scopes in another order are the same; none are others, and are not asked for.
    let (_, requests) = scene.call("again", json!({}));
    assert_eq!(journey(&requests), ["/again t1"]);
    let (_, requests) = scene.call("plain", json!({}));
    assert_eq!(journey(&requests), ["token", "/plain t2"]);
    assert_eq!(requests[0].text(), "grant_type=client_credentials");
    let (_, requests) = scene.call("read", json!({}));
    assert_eq!(journey(&requests), ["/read t1"]);
}

#[test]
fn a_token_that_is_given_is_taken_and_half_a_client_is_none() {
    let doc = fetching("/token", &[]);
    for (env, want) in [
        (&[("SHOP_LOGIN", "given")][..], &["/read given"][..]),
        (
            &[("SHOP_LOGIN", "given"), CLIENT[0], CLIENT[1]],
            &["/read given"],
        ),
        (
            &[("SHOP_LOGIN", ""), CLIENT[0], CLIENT[1]],
            &["token", "/read t1"],
        ),
        (&CLIENT[..1], &[]),
        (&CLIENT[1..], &[]),
    ] {
        let mut scene = Scene::with(&doc, &[], env, counting(3600, |_| true));
        let (result, requests) = scene.call("read", json!({}));
        assert_eq!(journey(&requests), want, "{env:?}");
        let code = if want.is_empty() {
            "missing_credential"
        } else {
            ""
        };
        assert_eq!(error_code(&result), code, "{env:?}");
    }
}

#[test]
fn a_hundred_calls_at_once_fetch_one_token() {
    let mut scene = Scene::with(
        &fetching("/token", &["a"]),
        &[],
        &CLIENT,
        counting(3600, |_| true),
    );
    for _ in 0..100 {
        let params = json!({"name": "read", "arguments": {}});
        scene.client.send_request("tools/call", params);
    }
    for _ in 0..100 {
        let response = scene.client.recv(PATIENCE);
        assert_eq!(response["result"]["isError"], false, "{response}");
    }
    let all = journey(&scene.arrived());
    assert_eq!(all.iter().filter(|one| *one == "token").count(), 1);
    assert_eq!(all.iter().filter(|one| *one == "/read t1").count(), 100);
}

#[test]
fn a_token_without_a_lifetime_left_is_for_one_call() {
    let mut scene = Scene::with(
        &fetching("/token", &[]),
        &[],
        &CLIENT,
        counting(0, |_| true),
    );
    for number in 1..4 {
        let (_, requests) = scene.call("read", json!({}));
        assert_eq!(
            journey(&requests),
            ["token".to_owned(), format!("/read t{number}")]
        );
    }
}

#[test]
fn a_kept_token_that_is_refused_is_replaced_once() {
    let withdrawn = Arc::new(AtomicUsize::new(0));
    let good = {
        let withdrawn = withdrawn.clone();
        move |token: &str| {
            let number: usize = token[1..].parse().unwrap();
            number > withdrawn.load(Ordering::SeqCst)
        }
    };
    let mut scene = Scene::with(
        &fetching("/token", &[]),
        &WRITES,
        &CLIENT,
        counting(3600, good),
    );
    let (_, requests) = scene.call("read", json!({}));
    assert_eq!(journey(&requests), ["token", "/read t1"]);
    // A read is sent once more.
    withdrawn.store(1, Ordering::SeqCst);
    let (result, requests) = scene.call("read", json!({}));
    assert_eq!(journey(&requests), ["/read t1", "token", "/read t2"]);
    assert_eq!(result["isError"], false, "{result}");
    // A write is not: the next call has a new token.
    withdrawn.store(2, Ordering::SeqCst);
    let (result, requests) = scene.call("write", json!({}));
    assert_eq!(journey(&requests), ["/write t2"]);
    assert_eq!(error_code(&result), "upstream_unauthorized");
    assert!(text(&result).ends_with("hint: call again: another token will be fetched"));
    assert_eq!(result["_meta"]["mcpgen/error"]["retryable"], true);
    let (result, requests) = scene.call("write", json!({}));
    assert_eq!(journey(&requests), ["token", "/write t3"]);
    assert_eq!(result["isError"], false, "{result}");
    // A token that was fetched for this very call is not replaced: it would go on for ever.
    withdrawn.store(usize::MAX, Ordering::SeqCst);
    let (result, requests) = scene.call("plain", json!({}));
    assert_eq!(journey(&requests), ["/plain t3", "token", "/plain t4"]);
    assert_eq!(error_code(&result), "upstream_unauthorized");
    let (result, _) = scene.call("write", json!({}));
    assert_eq!(error_code(&result), "upstream_unauthorized");
    let (result, requests) = scene.call("write", json!({}));
    assert_eq!(journey(&requests), ["token", "/write t5"]);
    assert!(
        text(&result).contains("the owner has to set it"),
        "{result}"
    );
}

#[test]
fn fifty_reads_with_a_token_that_was_withdrawn_fetch_one() {
    let mut scene = Scene::with(
        &fetching("/token", &[]),
        &[],
        &CLIENT,
        counting(3600, {
            let first = AtomicUsize::new(0);
            // The first is taken once.
            move |token: &str| token != "t1" || first.fetch_add(1, Ordering::SeqCst) == 0
        }),
    );
    let (_, requests) = scene.call("read", json!({}));
    assert_eq!(journey(&requests), ["token", "/read t1"]);
    for _ in 0..50 {
        let params = json!({"name": "read", "arguments": {}});
        scene.client.send_request("tools/call", params);
    }
    for _ in 0..50 {
        let response = scene.client.recv(PATIENCE);
        assert_eq!(response["result"]["isError"], false, "{response}");
    }
    let all = journey(&scene.arrived());
    assert_eq!(all.iter().filter(|one| *one == "token").count(), 1);
    assert_eq!(all.iter().filter(|one| *one == "/read t2").count(), 50);
    assert!(all.iter().all(|one| one != "/read t3"));
}

#[test]
fn an_endpoint_that_gives_the_same_token_again() {
    let mut scene = Scene::with(
        &fetching("/token", &[]),
        &[],
        &CLIENT,
        |request: &Recorded| match request.path() {
            "/token" => token("same-token", 3600),
            _ => Reply::status(401),
        },
    );
    let (_, requests) = scene.call("read", json!({}));
    assert_eq!(journey(&requests), ["token", "/read same-token"]);
    let (result, requests) = scene.call("read", json!({}));
    assert_eq!(journey(&requests), ["/read same-token", "token"]);
    assert_eq!(error_code(&result), "upstream_unauthorized");
}

#[test]
fn an_endpoint_of_the_owners_own() {
    // Where tokens are fetched is not where the API is: each gets what is for it.
    let endpoint = Upstream::start(|_: &Recorded| token("fetched-token", 60));
    let url = format!("{}/oauth/token", endpoint.url());
    let doc = fetching("https://login.example/token", &[]);
    let options = ["--token-url", &*url, "--header", "X-Tenant: acme"];
    let mut scene = Scene::with(&doc, &options, &CLIENT, willing);
    let request = scene.sends("read", json!({}));
    assert_eq!(
        request.header("authorization"),
        Some("Bearer fetched-token")
    );
    assert_eq!(request.header("x-tenant"), Some("acme"));
    let fetched = endpoint.requests();
    assert_eq!(fetched.len(), 1);
    assert_eq!(fetched[0].header("x-tenant"), None, "{:?}", fetched[0]);
    assert_eq!(fetched[0].path(), "/oauth/token");
}

#[test]
fn how_a_token_is_asked_for_is_the_owners() {
    let doc = fetching("/token", &["books"]);
    let options = [
        "--token-auth",
        "form",
        "--token-field",
        "audience=https://api.example/?a=b&c",
        "--token-field",
        "scope=api://shop/.default",
    ];
    let mut scene = Scene::with(&doc, &options, &CLIENT, counting(3600, |_| true));
    let (_, requests) = scene.call("read", json!({}));
    assert_eq!(journey(&requests), ["token", "/read t1"]);
    assert_eq!(requests[0].header("authorization"), None);
    // RFC 6749 §2.3.1; the owner's scope takes the place of the operation's.
    assert_eq!(
        requests[0].text(),
        "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example%2F%3Fa%3Db%26c\
         &scope=api%3A%2F%2Fshop%2F.default&client_id=shop%3Aclient&client_secret=p+w%2B%25"
    );
    // So all operations have one token.
    let (_, requests) = scene.call("plain", json!({}));
    assert_eq!(journey(&requests), ["/plain t1"]);
}

#[test]
fn fields_that_are_not_the_owners_to_set() {
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", fetching("/token", &[]).to_string());
    for (given, told) in [
        (&["grant_type=password"][..], "the request has its own"),
        (&["client_id=x"], "the request has its own"),
        (&["client_secret=canary"], "looks like a secret"),
        (&["password=canary"], "looks like a secret"),
        (&["audience"], "write it as 'name=value'"),
        (&["a=1", "a=2"], "given twice"),
    ] {
        let mut args = vec!["plan", &file, "--base-url", "http://127.0.0.1:9"];
        args.extend(given.iter().flat_map(|field| ["--token-field", field]));
        let refused = run(&args, &[], b"").expect(2);
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
        assert!(!refused.stderr.contains("canary"), "{}", refused.stderr);
    }
}

#[test]
fn a_failing_endpoint_is_not_asked_at_the_pace_of_the_calls() {
    let mut scene = Scene::with(
        &fetching("/token", &[]),
        &WRITES,
        &CLIENT,
        |request: &Recorded| match request.path() {
            "/token" => Reply::status(401),
            _ => Reply::json(&json!({})),
        },
    );
    for _ in 0..50 {
        let params = json!({"name": "write", "arguments": {}});
        scene.client.send_request("tools/call", params);
    }
    for _ in 0..50 {
        let response = scene.client.recv(PATIENCE);
        assert_eq!(error_code(&response["result"]), "no_token", "{response}");
    }
    // One, and another each few seconds, however slow the machine is.
    let asked = journey(&scene.arrived());
    assert!(asked.len() < 5 && asked.iter().all(|one| one == "token"));
}

#[test]
fn commands_show_where_tokens_come_from_and_fetch_none() {
    let endpoint = Upstream::start(|_: &Recorded| token("fetched-token", 60));
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", fetching("/token", &["a", "b"]).to_string());
    let url = endpoint.url();
    let common = ["--base-url", &*url];
    let with = |args: &[&str]| {
        run(&[args, &common[..]].concat(), &CLIENT, b"")
            .expect(0)
            .stdout
    };
    let check = with(&["check", &file]);
    for line in [
        "login: SHOP_LOGIN (or SHOP_LOGIN_CLIENT_ID and SHOP_LOGIN_CLIENT_SECRET) (set)".to_owned(),
        format!("fetches tokens from {url}/token"),
        format!("goes to {url}"),
    ] {
        assert!(check.contains(&line), "{check}");
    }
    let plan = with(&["plan", &file]);
    assert!(
        plan.contains(&format!("login: fetches tokens from {url}/token")),
        "{plan}"
    );
    assert!(plan.contains("  with login (a, b)\n"), "{plan}");
    let dry = with(&["call", &file, "read", "--dry-run"]);
    assert!(dry.contains("authorization: Bearer ***"), "{dry}");
    assert_eq!(endpoint.connections(), 0);
}

#[test]
fn a_generated_server_fetches_tokens_too() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "openapi.json",
        fetching("/token", &["a\"b", "c"]).to_string(),
    );
    let upstream = Upstream::start(counting(3600, |_| true));
    let folder = scratch.path().join("server");
    let folder_text = folder.to_str().expect("UTF-8");
    let base = upstream.url();
    let named = [
        "--base-url",
        &*base,
        "--token-auth",
        "form",
        "--token-field",
        "audience=a\"b",
    ];
    let build = ["build", &*file, "-o", folder_text, "--name", "token-server"];
    run(&[&build[..], &named].concat(), &[], b"").expect(0);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let line = "- `SHOP_LOGIN_CLIENT_ID` and `SHOP_LOGIN_CLIENT_SECRET`, with which tokens are fetched; \
                or `SHOP_LOGIN`, a token\n";
    assert!(readme.contains(line), "{readme}");
    let program = crate::support::cargo::program(&folder, "token-server");
    let printed = run_program(&program, &["manifest"], &[], b"").expect(0);
    let planned = run(
        &[&["plan", &*file, "--json"][..], &named].concat(),
        &[],
        b"",
    )
    .expect(0);
    assert_eq!(printed.stdout, planned.stdout);
    let mut client = crate::support::Client::start_program(&program, &[], &CLIENT);
    client.initialize();
    for _ in 0..2 {
        let result = client.call("read", json!({}));
        assert_eq!(result["isError"], false, "{result}");
    }
    let seen = upstream.requests();
    assert_eq!(journey(&seen), ["token", "/read t1", "/read t1"]);
    assert_eq!(
        seen[0].text(),
        "grant_type=client_credentials&scope=a%22b+c&audience=a%22b\
         &client_id=shop%3Aclient&client_secret=p+w%2B%25"
    );
}
