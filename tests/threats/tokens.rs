//! A3, A4, A25, A30 and A38 for tokens that are fetched: a token endpoint that misbehaves, a document
//! that says where a secret goes, and an API that gives a token back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcpgen::runtime::backends;
use mcpgen::runtime::config::{Config, Credential, Secret};
use mcpgen::runtime::manifest::{CredentialSpec, Manifest};
use mcpgen::runtime::server::Server;
use serde_json::{Map, Value, json};

use super::bodies::gzip_bomb;
use super::scene::{Scene, document, error_code, operation, text, willing};
use super::secrets::{WAYS, clean, echo};
use crate::support::{PATIENCE, Recorded, Reply, Scratch, Upstream, run};

const CLIENT: [(&str, &str); 2] = [
    ("SHOP_LOGIN_CLIENT_ID", "agent"),
    ("SHOP_LOGIN_CLIENT_SECRET", "canary secret/+=1"),
];
/// The token that is fetched; `echo` shows this one in base64 as well.
const TOKEN: &str = "canary-bearer/+=1";
/// The token, the secret and `agent:` with the secret form-encoded, in base64 without its padding.
const ENCODED: [&str; 3] = [
    "Y2FuYXJ5LWJlYXJlci8rPTE",
    "Y2FuYXJ5IHNlY3JldC8rPTE",
    "YWdlbnQ6Y2FuYXJ5K3NlY3JldCUyRiUyQiUzRDE",
];

/// A scheme that fetches its tokens there.
fn flow(token_url: &str) -> Value {
    let flow = json!({"tokenUrl": token_url, "scopes": {}});
    json!({"type": "oauth2", "flows": {"clientCredentials": flow}})
}

/// A read and a write with one scheme.
fn doc(token_url: &str) -> Value {
    let needs = json!({"security": [{"login": ["a"]}]});
    let mut doc = document(&json!({
        "/x": operation("get", "read", &needs),
        "/y": operation("post", "write", &needs),
    }));
    doc["components"]["securitySchemes"] = json!({"login": flow(token_url)});
    doc
}

fn granted(token: &str, lifetime: u64) -> Reply {
    Reply::json(&json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime}))
}

#[track_caller]
fn cleaner(what: &str, text: &str) {
    clean(what, text);
    for encoded in ENCODED {
        assert!(!text.contains(encoded), "{what} holds {encoded}");
    }
}

#[test]
fn a30_fetched_tokens_in_a_session() {
    let mut paths = Map::new();
    for way in WAYS {
        let needs = json!({"security": [{"login": []}]});
        paths.insert(format!("/{way}/x"), operation("get", way, &needs));
    }
    let mut doc = document(&Value::Object(paths));
    doc["components"]["securitySchemes"] = json!({"login": flow("/token")});
    for (format, auth) in [("text", "basic"), ("json", "form")] {
        let options = ["-vv", "--log-format", format, "--token-auth", auth];
        let handler = |request: &Recorded| match request.path() {
            "/token" => granted(TOKEN, 3600),
            // The detail of an error is cut at 600 characters: in the middle of the token.
            "/cut/x" => {
                let text = format!("{}{TOKEN}", "x".repeat(592));
                Reply::content("text/plain", text).with_status(400)
            }
            _ => echo(request),
        };
        let mut scene = Scene::with(&doc, &options, &CLIENT, handler);
        for way in WAYS {
            let (result, requests) = scene.call(way, json!({}));
            let bearer = format!("Bearer {TOKEN}");
            let call = requests.iter().find(|r| r.path() != "/token");
            let sent = call.and_then(|r| r.header("authorization"));
            assert_eq!(sent, Some(&*bearer), "{way}");
            cleaner(&format!("the result of {way}"), &result.to_string());
        }
        scene.client.close_stdin();
        scene.client.wait(PATIENCE);
        let stderr = scene.client.stderr();
        assert!(stderr.contains("token fetched"), "the log is on");
        cleaner("the log", &stderr);
    }
}

#[test]
fn a30_an_api_that_shows_the_tokens_of_other_calls() {
    let count = AtomicUsize::new(0);
    let mut scene = Scene::with(&doc("/token"), &[], &CLIENT, move |request: &Recorded| {
        if request.path() == "/token" {
            // Each is for one call.
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            return granted(&format!("canary-number-{number}"), 0);
        }
        let last = count.load(Ordering::SeqCst);
        let shown: Vec<_> = (last.saturating_sub(5)..=last)
            .map(|number| format!("canary-number-{number}"))
            .collect();
        Reply::json(&json!(shown[1..]))
    });
    for _ in 0..20 {
        let (result, requests) = scene.call("read", json!({}));
        assert_eq!((error_code(&result), requests.len()), ("", 2), "{result}");
        clean(
            "the result",
            &result.to_string().replace("canary-number-0", ""),
        );
    }
}

/// Answers of a token endpoint, what the model is told, and whether it may try again.
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn answers() -> Vec<(&'static str, Reply, &'static str, bool)> {
    let json = |value: Value| Reply::json(&value);
    let error = |status: u16, error: &str| {
        let said = json!({"error": error, "error_description": "canary", "error_uri": "canary"});
        Reply::json(&said).with_status(status)
    };
    let typed = |kind: &str| json!({"access_token": TOKEN, "token_type": kind});
    vec![
        (
            "html",
            Reply::content("text/html", "<html>canary"),
            "is not a JSON object",
            false,
        ),
        ("empty", Reply::status(200), "is not a JSON object", false),
        ("list", json(json!([TOKEN])), "is not a JSON object", false),
        (
            "none",
            json(json!({"canary": TOKEN})),
            "has no `access_token`",
            false,
        ),
        (
            "number",
            json(json!({"access_token": 7})),
            "has no `access_token`",
            false,
        ),
        ("mac", json(typed("mac")), "not a bearer token", false),
        ("dpop", json(typed("DPoP")), "not a bearer token", false),
        (
            "crlf",
            json(json!({"access_token": "canary\r\nX-Evil: canary"})),
            "cannot be sent in a header",
            false,
        ),
        (
            "nul",
            json(json!({"access_token": "canary\0"})),
            "cannot be sent in a header",
            false,
        ),
        (
            "long",
            json(json!({"access_token": "canary".repeat(5_000)})),
            "cannot be sent in a header",
            false,
        ),
        (
            "huge",
            json(json!({"access_token": "canary".repeat(50_000)})),
            "larger than 65536 bytes",
            false,
        ),
        (
            "endless",
            Reply::Endless {
                headers: vec![("Content-Type".into(), "application/json".into())],
                chunk: b"canary  ".repeat(512),
            },
            "larger than 65536 bytes",
            false,
        ),
        (
            "bomb",
            Reply::content("application/json", gzip_bomb(400_000))
                .header("Content-Encoding", "gzip"),
            "larger than 65536 bytes",
            false,
        ),
        (
            "denied",
            error(401, "invalid_client"),
            "answered 401 (invalid_client);",
            false,
        ),
        (
            "scope",
            error(400, "invalid_scope"),
            "answered 400 (invalid_scope);",
            false,
        ),
        ("own", error(400, "canary"), "answered 400;", false),
        ("gone", error(404, "canary"), "answered 404;", false),
        (
            "failed",
            Reply::content("text/plain", "canary").with_status(500),
            "answered 500;",
            true,
        ),
        ("busy", error(429, "canary"), "answered 429;", true),
        ("nothing", Reply::status(204), "answered 204;", false),
        (
            "closed",
            Reply::Close,
            "ended early or cannot be decoded",
            true,
        ),
        (
            "cut",
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
            "ended early",
            true,
        ),
    ]
}

/// Every scheme with a path of the upstream's own as its token URL.
fn many<'n>(names: impl Iterator<Item = &'n str>) -> (Value, Vec<(String, &'static str)>) {
    let (mut paths, mut schemes, mut env) = (Map::new(), Map::new(), Vec::new());
    for name in names {
        let needs = json!({"security": [{name: []}]});
        paths.insert(format!("/{name}"), operation("get", name, &needs));
        schemes.insert(name.to_owned(), flow(&format!("/token/{name}")));
        let variable = format!("SHOP_{}_CLIENT", name.to_uppercase());
        env.push((format!("{variable}_ID"), "agent"));
        env.push((format!("{variable}_SECRET"), CLIENT[1].1));
    }
    let mut doc = document(&Value::Object(paths));
    doc["components"]["securitySchemes"] = Value::Object(schemes);
    (doc, env)
}

#[test]
fn a30_what_a_token_endpoint_says() {
    let rows = answers();
    let (doc, env) = many(rows.iter().map(|(name, ..)| *name));
    let env: Vec<_> = env.iter().map(|(name, value)| (&**name, *value)).collect();
    let replies: Vec<(String, Reply)> = rows
        .iter()
        .map(|(name, reply, ..)| (format!("/token/{name}"), reply.clone()))
        .collect();
    let mut scene = Scene::with(&doc, &["-vv"], &env, move |request: &Recorded| {
        let found = replies.iter().find(|(path, _)| path == request.path());
        found.map_or_else(|| Reply::json(&json!({})), |(_, reply)| reply.clone())
    });
    for (name, _, told, retryable) in &rows {
        let (result, requests) = scene.call(name, json!({}));
        assert_eq!(error_code(&result), "no_token", "{name}: {result}");
        let said = text(&result);
        assert!(
            said.contains(told) && said.contains("nothing was sent to the API"),
            "{name}: {said}"
        );
        assert_eq!(
            result["_meta"]["mcpgen/error"]["retryable"], *retryable,
            "{name}"
        );
        let paths: Vec<_> = requests.iter().map(Recorded::path).collect();
        assert_eq!(paths, [format!("/token/{name}")], "{name}");
        cleaner(name, &result.to_string());
    }
    let (result, _) = scene.call("denied", json!({}));
    assert!(
        text(&result).contains("check SHOP_DENIED_CLIENT_ID and SHOP_DENIED_CLIENT_SECRET"),
        "{result}"
    );
    scene.client.close_stdin();
    scene.client.wait(PATIENCE);
    cleaner("the log", &scene.client.stderr());
}

#[test]
fn a04_a_token_endpoint_that_redirects() {
    let sentinel = Upstream::start(|_: &Recorded| granted(TOKEN, 60));
    let elsewhere = format!("{}/token", sentinel.url());
    let names = ["s301", "s302", "s303", "s307", "s308"];
    let (doc, env) = many(names.into_iter());
    let env: Vec<_> = env.iter().map(|(name, value)| (&**name, *value)).collect();
    for to in [
        &*elsewhere,
        "/token/other",
        "//127.0.0.1:1/",
        "file:///etc/passwd",
    ] {
        let location = to.to_owned();
        let mut scene = Scene::with(&doc, &[], &env, move |request: &Recorded| {
            let status = request.path().strip_prefix("/token/s").map(str::parse);
            match status {
                Some(Ok(status)) => Reply::status(status).header("Location", &location),
                _ => granted(TOKEN, 60),
            }
        });
        for name in names {
            let (result, requests) = scene.call(name, json!({}));
            assert_eq!(error_code(&result), "no_token", "{name} {to}: {result}");
            assert!(
                text(&result).contains("a redirect, which is not followed"),
                "{result}"
            );
            assert_eq!(requests.len(), 1, "{name} {to}: {requests:?}");
        }
    }
    assert_eq!(sentinel.connections(), 0);
}

#[test]
fn a03_a_token_url_that_only_the_document_names() {
    let sentinel = Upstream::start(|_: &Recorded| granted(TOKEN, 60));
    let port = sentinel.port();
    for (url, why) in [
        (format!("http://127.0.0.1:{port}/token"), "private address"),
        (format!("https://127.0.0.1:{port}/token"), "private address"),
        (format!("http://localhost:{port}/token"), "private address"),
        (
            format!("http://x.localhost.:{port}/token"),
            "private address",
        ),
        (format!("http://[::1]:{port}/token"), "private address"),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/token"),
            "private address",
        ),
        (format!("http://0x7f.1:{port}/token"), "private address"),
        (format!("http://2130706433:{port}/token"), "private address"),
        (format!("//127.0.0.1:{port}/token"), "private address"),
        (
            format!("https://127.0.0.1:{port}@169.254.169.254/t"),
            "has a user",
        ),
        (
            "https://169.254.169.254/token".to_owned(),
            "private address",
        ),
        (
            "http://metadata.google.internal/token".to_owned(),
            "private address",
        ),
        ("http://login.example/token".to_owned(), "not encrypted"),
    ] {
        let doc = doc(&url);
        let mut scene = Scene::with(&doc, &[], &CLIENT, willing);
        scene.refuses("read", json!({}), "missing_credential");
        let scratch = Scratch::new();
        let file = scratch.file("openapi.json", doc.to_string());
        let base = scene.upstream.url();
        let checked = run(&["check", &file, "--base-url", &base], &CLIENT, b"");
        let said = checked.stdout;
        assert!(
            said.contains("MG145") && said.contains(why),
            "{url}: {said}"
        );
        clean(&url, &said);
    }
    assert_eq!(sentinel.connections(), 0);
}

/// What the runtime does by itself with a Manifest that no compiler made.
#[test]
fn a03_a_manifest_with_such_a_token_url() {
    let sentinel = Upstream::start(|_: &Recorded| granted(TOKEN, 60));
    let api = Upstream::start(willing);
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", doc("/token").to_string());
    let plan = run(
        &["plan", &file, "--json", "--base-url", &api.url()],
        &[],
        b"",
    )
    .expect(0);
    let port = sentinel.port();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (url, why) in [
        (format!("http://127.0.0.1:{port}/token"), "is not encrypted"),
        (
            format!("https://127.0.0.1:{port}/token"),
            "private or local address",
        ),
        (
            format!("https://localhost:{port}/token"),
            "private or local address",
        ),
        (
            format!("https://[::ffff:7f00:1]:{port}/token"),
            "private or local address",
        ),
        (
            "https://169.254.169.254/token".to_owned(),
            "cloud metadata service",
        ),
        (
            "https://instance-data.ec2.internal/token".to_owned(),
            "cloud metadata service",
        ),
        ("not a url".to_owned(), "cannot be used"),
    ] {
        let mut manifest: Manifest = serde_json::from_str(&plan.stdout).unwrap();
        let spec = manifest.sources.get_mut("shop").unwrap();
        let Some(CredentialSpec::ClientCredentials { token_url, .. }) =
            spec.credentials.get_mut("login")
        else {
            panic!("{:?}", spec.credentials);
        };
        token_url.clone_from(&url);
        let mut config = Config::default();
        let client = Credential::Client(Secret::new("agent"), Secret::new("canary"));
        let source = config.sources.entry("shop".to_owned()).or_default();
        source.credentials.insert("login".to_owned(), client);
        let server = Server::new(
            &manifest,
            backends::open(&manifest, &config).unwrap(),
            &config,
        );
        let called = runtime.block_on(server.call("read", Map::new())).unwrap();
        let error = called.expect_err("there is no token");
        assert_eq!(error.code, "no_token", "{url}: {}", error.text());
        assert!(error.text().contains(why), "{url}: {}", error.text());
        clean(&url, &error.text());
    }
    assert_eq!((sentinel.connections(), api.connections()), (0, 0));
}

#[test]
fn a_token_is_not_fetched_for_an_api_that_may_not_have_it() {
    let endpoint = Upstream::start(|_: &Recorded| granted(TOKEN, 60));
    let url = format!("{}/token", endpoint.url());
    for (server, code) in [
        ("http://api.example", "insecure_credential"),
        ("https://127.0.0.1:1", "refused_address"),
        ("https://169.254.169.254", "refused_address"),
    ] {
        let mut doc = doc("/token");
        doc["servers"] = json!([{"url": server}]);
        let scratch = Scratch::new();
        let file = scratch.file("openapi.json", doc.to_string());
        let told = run(&["call", &file, "read", "--token-url", &url], &CLIENT, b"").expect(1);
        assert!(told.stderr.contains(code), "{server}: {}", told.stderr);
    }
    assert_eq!(endpoint.connections(), 0);
}

#[test]
fn a38_a_write_that_waits_for_a_token_was_not_carried_out() {
    let options = ["--enable", "destroy", "--timeout", "200ms"];
    let handler = |request: &Recorded| match request.path() {
        "/token" if request.text().contains("scope=a") => Reply::Hang,
        "/token" => Reply::Drip {
            body: vec![b' '; 10_000],
            step: 1,
            pause: Duration::from_millis(20),
        },
        _ => Reply::json(&json!({})),
    };
    let mut doc = doc("/token");
    doc["paths"]["/z"] = operation("get", "drip", &json!({"security": [{"login": []}]}));
    let mut scene = Scene::with(&doc, &options, &CLIENT, handler);
    for tool in ["read", "write", "drip"] {
        let (result, requests) = scene.call(tool, json!({}));
        assert_eq!(error_code(&result), "no_token", "{result}");
        assert_eq!(result["_meta"]["mcpgen/error"]["retryable"], true);
        let said = text(&result);
        assert!(
            said.contains("did not answer within 0.2 s; nothing was sent"),
            "{said}"
        );
        assert!(!said.contains("may have had its effect"), "{said}");
        let paths: Vec<_> = requests.iter().map(Recorded::path).collect();
        assert_eq!(paths, ["/token"], "{tool}");
    }
}

#[test]
fn a_document_cannot_add_to_the_request_for_a_token() {
    let scope = "a&grant_type=password&client_id=x#\r\nX: y";
    let mut doc = doc("/token");
    doc["paths"]["/x"]["get"]["security"] = json!([{"login": [scope, 7, ["b"]]}]);
    let mut scene = Scene::with(&doc, &[], &CLIENT, |_: &Recorded| granted(TOKEN, 60));
    let (_, requests) = scene.call("read", json!({}));
    let sent = super::oracle::pairs(requests[0].text());
    let names: Vec<_> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "scope"], "{sent:?}");
    assert_eq!(requests[0].header("x"), None);
    assert_eq!(sent[0].1, "client_credentials");
}
