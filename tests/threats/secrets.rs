//! A30: a secret comes out where people, models or logs read it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::scene::{Scene, document, error_code, operation, param};
use crate::support::process::run_program;
use crate::support::{Client, Recorded, Reply, Scratch, Upstream, cargo, run};

/// Every credential that a server may hold. `canary` is in each; what an encoding makes of them is
/// listed beside.
const ENV: [(&str, &str); 8] = [
    ("SHOP_BEARER", "canary-bearer/+=1"),
    ("SHOP_HEADER_KEY", "canary-header-\"key\"\\1"),
    ("SHOP_QUERY_KEY", "canary-query&key %1"),
    ("SHOP_COOKIE_KEY", "canary-cookie;key=1"),
    ("SHOP_BASIC_USER", "someone"),
    ("SHOP_BASIC_PASSWORD", "canary-basic-password"),
    ("EXTRA", "canary-extra-header"),
    ("SESSION", "canary-session-cookie"),
];
/// `someone:canary-basic-password`, in base64 and in both kinds without padding at the end.
const BASIC: &str = "c29tZW9uZTpjYW5hcnktYmFzaWMtcGFzc3dvcmQ";
/// `canary-bearer/+=1` in base64, as a debugging API would show it.
const BEARER: &str = "Y2FuYXJ5LWJlYXJlci8rPTE";
const SCHEMES: [&str; 5] = ["bearer", "header_key", "query_key", "cookie_key", "basic"];

fn guarded(ways: &[&str]) -> Value {
    let mut paths = serde_json::Map::new();
    for way in ways {
        for scheme in SCHEMES {
            let rest = json!({"security": [{scheme: []}], "parameters": [param("query", "q", &json!({"type": "string"}))]});
            paths.insert(
                format!("/{way}/{scheme}"),
                operation("get", &format!("{way}_{scheme}"), &rest),
            );
        }
    }
    let mut doc = document(&Value::Object(paths));
    doc["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer"},
        "header_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "query_key": {"type": "apiKey", "in": "query", "name": "api_key"},
        "cookie_key": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "basic": {"type": "http", "scheme": "basic"},
    });
    doc
}

/// Where the next cut is.
static COUNT: AtomicUsize = AtomicUsize::new(0);

const OPTIONS: [&str; 4] = [
    "--header",
    "X-Extra: v1 ${env:EXTRA}",
    "--header",
    "X-Session: ${env:SESSION}",
];

#[track_caller]
pub(super) fn clean(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for secret in ["canary", BASIC, BEARER] {
        if let Some(at) = lower.find(&secret.to_lowercase()) {
            let from = (0..=at.saturating_sub(200))
                .rev()
                .find(|i| lower.is_char_boundary(*i))
                .unwrap_or(0);
            panic!(
                "{what} holds a secret: …{}",
                lower[from..].chars().take(400).collect::<String>()
            );
        }
    }
}

/// All that an upstream got, as it may show it in an answer.
fn everything(request: &Recorded) -> String {
    let head = String::from_utf8_lossy(&request.head).into_owned();
    let query = request
        .query()
        .map(super::oracle::pairs)
        .unwrap_or_default();
    let cookies = request
        .header("cookie")
        .map(super::oracle::decode_text)
        .unwrap_or_default();
    let credential = request.header("authorization").unwrap_or_default();
    let token = credential.split(' ').nth(1).unwrap_or_default();
    let shown = match credential.split(' ').next() {
        Some("Basic") => "someone:canary-basic-password",
        Some("Bearer") => BEARER,
        _ => "",
    };
    format!("{head}\nquery: {query:?}\ncookies: {cookies}\ntoken: {token}\nshown: {shown}\n")
}

/// The ways in which an API gives a credential back.
pub(super) const WAYS: [&str; 20] = [
    "lines",
    "events",
    "utf_16",
    "charset",
    "place",
    "details",
    "cut",
    "json",
    "list",
    "key",
    "escaped",
    "text",
    "html",
    "xml",
    "error",
    "problem",
    "plain_error",
    "image",
    "broken",
    "redirect",
];

pub(super) fn echo(request: &Recorded) -> Reply {
    let all = everything(request);
    let way = request.path().split('/').nth(1).unwrap_or_default();
    let escape = |text: String, unit: u16| text + &format!("\\u{unit:04x}");
    let escaped = all.encode_utf16().fold(String::new(), escape);
    match way {
        "json" => Reply::json(&json!({"headers": all, "nested": {"list": [all]}})),
        "list" => Reply::json(&json!(all.lines().collect::<Vec<_>>())),
        "key" => Reply::json(&json!({all: 1})),
        "escaped" => Reply::content("application/json", format!("{{\"a\":\"{escaped}\"}}")),
        "text" => Reply::content("text/plain", all),
        "html" => Reply::content("text/html", all).with_status(200),
        "xml" => Reply::content("application/xml", format!("<a>{all}</a>")),
        "error" => Reply::json(&json!({"error": "bad credential", "seen": all})).with_status(401),
        "problem" => {
            Reply::json(&json!({"title": "bad credential", "detail": all})).with_status(403)
        }
        "plain_error" => Reply::content("text/plain", all).with_status(500),
        "details" => Reply::content(
            "application/problem+json",
            json!({"title": "bad credential", "seen": {&all: [all]}}).to_string(),
        )
        .with_status(403),
        "lines" => Reply::content(
            "application/x-ndjson",
            format!("{}\n{}\n", json!(all), json!({&all: all})),
        ),
        "events" => {
            let lines = all.lines().map(|line| format!("data: {line}\n\n"));
            Reply::content("text/event-stream", lines.collect::<String>())
        }
        "utf_16" => {
            let bytes = all.encode_utf16().flat_map(u16::to_le_bytes);
            Reply::content("text/plain; charset=utf-16", bytes.collect::<Vec<u8>>())
        }
        "charset" => Reply::content("text/plain; charset=koi8-r", all),
        "place" => {
            let own = ["authorization", "x-api-key", "cookie", "x-extra"];
            let own = own.iter().filter_map(|name| request.header(name));
            let own: String = own.map(super::oracle::encode_text).collect();
            let query = request.query().unwrap_or_default();
            Reply::status(201).header("Location", &format!("/made/{own}?{query}#{own}"))
        }
        "image" => Reply::content("application/x-dump", all),
        // The detail is cut at 600 characters, wherever that is.
        "cut" => {
            let secrets = ENV.iter().filter(|(_, value)| value.starts_with("canary"));
            let all: Vec<_> = secrets.map(|(_, value)| *value).collect();
            let at = COUNT.fetch_add(1, Ordering::Relaxed) % 12;
            let text = format!("{}{}", "x".repeat(600 - 3 * at), all.join(""));
            Reply::content("text/plain", text).with_status(400)
        }
        "broken" => Reply::content("application/json", format!("{{\"a\": {all}")),
        _ => Reply::status(302)
            .header(
                "Location",
                &format!("http://127.0.0.1:1/?{}", request.query().unwrap_or("x")),
            )
            .header("Set-Cookie", request.header("cookie").unwrap_or("a=b")),
    }
}

/// Something to warn of: a warning names the document.
fn warned_of() -> Value {
    operation(
        "get",
        "left",
        &json!({"parameters": [{"in": "nowhere", "name": "x"}]}),
    )
}

#[test]
fn a30_canary_secrets_in_a_session() {
    for format in ["text", "json"] {
        let options = [&["-vv", "--log-format", format][..], &OPTIONS].concat();
        let mut scene = Scene::with(&guarded(&WAYS), &options, &ENV, echo);
        let mut seen = 0;
        for way in WAYS {
            for scheme in SCHEMES {
                let (result, requests) = scene.call(&format!("{way}_{scheme}"), json!({"q": "1"}));
                // The credential did go out.
                let sent =
                    super::oracle::decode_text(&everything(&requests[0]).replace('+', "%2B"));
                assert!(sent.contains("canary-") && requests.len() == 1, "{sent}");
                assert!(sent.contains("v1 canary-extra-header"), "{sent}");
                clean(
                    &format!("the result of {way}_{scheme}"),
                    &result.to_string(),
                );
                // Blobs are base64: what is inside counts.
                if let Some(blob) = result["content"][0]["resource"]["blob"].as_str() {
                    clean(way, &unpacked(blob));
                    seen += 1;
                }
                let readable = matches!(
                    way,
                    "json" | "list" | "text" | "xml" | "lines" | "events" | "utf_16"
                );
                assert_eq!(
                    readable && error_code(&result).is_empty(),
                    readable,
                    "{way}: {result}"
                );
                assert!(
                    !readable || result.to_string().contains("***"),
                    "{way}: {result}"
                );
            }
        }
        // Of two ways.
        assert_eq!(seen, 2 * SCHEMES.len());
        scene.client.tools();
        scene.client.close_stdin();
        scene.client.wait(crate::support::PATIENCE);
        let stderr = scene.client.stderr();
        assert!(stderr.contains("upstream answered"), "the log is on");
        clean("the log", &stderr);
    }
}

/// Decodes base64, enough for a test.
fn unpacked(base64: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in base64.bytes().filter(|b| *b != b'=') {
        let value = ALPHABET.iter().position(|b| *b == letter).expect("base64");
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a30_canary_secrets_in_commands() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "openapi.json",
        guarded(&["json", "error", "redirect"]).to_string(),
    );
    let upstream = Upstream::start(echo);
    let base = upstream.url();
    let common = [&[&*file, "--base-url", &*base][..], &OPTIONS].concat();
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for (command, extra) in [
        ("check", None),
        ("check", Some("--json")),
        ("list", None),
        ("list", Some("--json")),
        ("plan", None),
        ("plan", Some("--json")),
    ] {
        commands.push([&[command][..], &common, extra.as_slice()].concat());
    }
    let tools: Vec<String> = ["json", "error", "redirect"]
        .iter()
        .flat_map(|way| SCHEMES.map(|scheme| format!("{way}_{scheme}")))
        .collect();
    for tool in &tools {
        for dry in [Some("--dry-run"), None] {
            commands.push([&["call"][..], &common, &[tool], dry.as_slice()].concat());
        }
    }
    for args in &commands {
        let output = run(args, &ENV, b"");
        assert!(output.status <= 1, "{args:?}: {}", output.stderr);
        clean(&format!("{args:?} on stdout"), &output.stdout);
        clean(&format!("{args:?} on stderr"), &output.stderr);
    }
    assert_eq!(upstream.requests().len(), tools.len());
}

#[test]
fn a30_canary_secrets_where_things_go_wrong() {
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", guarded(&["json"]).to_string());
    let nobody = "http://127.0.0.1:9";
    // Values that cannot be sent, an upstream that is not there, a proxy that is not one.
    let bad: Vec<(&str, &str)> = ENV
        .iter()
        .map(|(name, _)| (*name, "canary\r\nX-Evil: canary\u{7f}"))
        .collect();
    for (options, env) in [
        (&["--base-url", nobody][..], &ENV[..]),
        (&["--base-url", nobody, "--timeout", "1ms"], &ENV),
        (&["--base-url", "http://certificate.invalid/tls"], &ENV),
        (&["--base-url", nobody], &bad),
        (
            &["--base-url", nobody, "--header", "X-A: ${env:EXTRA}"],
            &bad,
        ),
        (
            &[
                "--base-url",
                nobody,
                "--proxy",
                "http://user:canary@127.0.0.1:9",
            ],
            &ENV,
        ),
        (
            &["--base-url", nobody, "--proxy", "http://user:canary@[bad"],
            &ENV,
        ),
        (
            &[
                "--base-url",
                "https://127.0.0.1:9",
                "--proxy",
                "http://user:canary@127.0.0.1:9",
            ],
            &ENV,
        ),
        (&["--base-url", "http://user:canary@127.0.0.1:9"], &ENV),
        (&["--base-url", "http://127.0.0.1:9/?token=canary"], &ENV),
        (
            &[
                "--base-url",
                nobody,
                "--header",
                "Authorization: Bearer canary",
            ],
            &ENV,
        ),
        (
            &["--base-url", nobody, "--header", "X-A: ${env:canary"],
            &ENV,
        ),
    ] {
        for scheme in SCHEMES {
            let tool = format!("json_{scheme}");
            let args = [&["call", &*file, &*tool][..], options].concat();
            let output = run(&args, env, b"").both();
            // A variable is named by its name, and what is written there as one is no secret.
            clean(&format!("{options:?}"), &output.replace("${env:canary", ""));
        }
        let args = [&["serve", &*file, "-vv"][..], options].concat();
        let lines = [
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"json_query_key"}}"#,
        ];
        let output = run(&args, env, lines.join("\n")).both();
        clean(
            &format!("serve {options:?}"),
            &output.replace("${env:canary", ""),
        );
    }
}

#[test]
fn a30_canary_secrets_in_the_documents_url() {
    let mut doc = guarded(&["json"]);
    doc["paths"]["/left"] = warned_of();
    let upstream = Upstream::start(move |request: &Recorded| match request.path() {
        "/openapi.json" => Reply::json(&doc),
        "/broken.json" => Reply::content("application/json", "{\"openapi\": \"3.1.0\","),
        "/gone.json" => Reply::status(404),
        "/moved.json" => Reply::status(302).header("Location", "http://example.com/?canary=canary"),
        _ => Reply::json(&json!({})),
    });
    for name in ["openapi", "broken", "gone", "moved"] {
        let url = format!(
            "http://user:canary@127.0.0.1:{}/{name}.json?token=canary#canary",
            upstream.port()
        );
        for command in ["check", "list", "plan"] {
            clean(command, &run(&[command, &url], &ENV, b"").both());
        }
        clean("call", &run(&["call", &url, "none"], &ENV, b"").both());
        clean("serve", &run(&["serve", &url, "-vv"], &ENV, b"").both());
        clean(
            "call",
            &run(&["call", &url, "json_bearer"], &ENV, b"").both(),
        );
    }
    let mut client = Client::start(
        &[
            "serve",
            &format!(
                "http://canary@127.0.0.1:{}/openapi.json?canary",
                upstream.port()
            ),
            "-vv",
        ],
        &ENV,
    );
    client.initialize();
    clean(
        "the list",
        &client.result("tools/list", json!({})).to_string(),
    );
    clean("the log", &client.stderr());
}

#[test]
fn a30_canary_secrets_in_a_generated_crate() {
    let mut doc = guarded(&["json"]);
    doc["paths"]["/left"] = warned_of();
    let upstream = Upstream::start(move |_: &Recorded| Reply::json(&doc));
    let url = format!(
        "127.0.0.1:{}/openapi.json?token=canary#canary",
        upstream.port()
    );
    let url = format!("http://user:canary@{url}");
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let text = folder.to_str().expect("UTF-8");
    let nobody = ["--base-url", "http://127.0.0.1:9"];
    let base = ["build", &url, "-o", text, "--name", "secret-server"];
    let build = [&base[..], &nobody, &OPTIONS].concat();
    // Written, found to be current, replaced, and refused.
    for extra in [&[][..], &["--check"], &["--force"], &["--name", "canary:"]] {
        let output = run(&[&build[..], extra].concat(), &ENV, b"");
        let all = output.both().replace("`canary:`", "");
        assert_eq!(output.status, if extra.len() > 1 { 2 } else { 0 }, "{all}");
        clean(&format!("build {extra:?}"), &all);
    }
    // The runtime's files are mcpgen's own, byte for byte, and one has a canary in its test.
    let files = cargo::relative(&folder);
    let own = files
        .iter()
        .filter(|path| !path.starts_with("src/runtime/"));
    for path in own {
        let bytes = std::fs::read(folder.join(path)).expect("a file");
        clean(path, &String::from_utf8_lossy(&bytes));
    }
    let program = cargo::program(&folder, "secret-server");
    let manifest = run_program(&program, &["manifest"], &ENV, b"").expect(0);
    assert!(manifest.stdout.contains("${env:EXTRA}"));
    clean("the crate's manifest", &manifest.both());
    for args in [
        &["--help"][..],
        &["--http", "canary"],
        &["--proxy", "canary:"],
    ] {
        let output = run_program(&program, args, &ENV, b"");
        // What stands on the command line is no secret of the environment's.
        let shown = output.both().replace("'canary'", "").replace("canary:", "");
        clean(&format!("the crate with {args:?}"), &shown);
    }
}

impl crate::support::Output {
    /// Both outputs together.
    fn both(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}
