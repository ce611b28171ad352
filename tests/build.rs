//! `mcpgen build`: the crate, its regeneration, and that it behaves as the interpreter does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::http::Connection;
use crate::support::process::run_program;
use crate::support::{Client, HttpServer, Output, Recorded, Reply, Scratch, Upstream, root, run};

const DOCUMENT: &str = "specs/bookshop/openapi.yaml";
const GENERATED: &str = "generated/bookshop";
const CREDENTIALS: [(&str, &str); 3] = [
    ("BOOKSHOP_SHOP_KEY", "shop"),
    ("BOOKSHOP_CUSTOMER_SESSION", "session"),
    ("BOOKSHOP_ADMIN_TOKEN", "admin"),
];

fn build(args: &[&str]) -> Output {
    run(&[&["build", DOCUMENT], args].concat(), &[], "")
}

/// Runs cargo in a crate, with the project's own target folder and what is downloaded already.
fn cargo(folder: &Path, args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO"))
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", root().join("target"))
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .output()
        .expect("cargo runs")
}

#[track_caller]
fn cargo_ok(folder: &Path, args: &[&str]) {
    let output = cargo(folder, args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {args:?}: {text}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_committed_crate_is_current() {
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        build(&["-o", GENERATED, "--enable", "destroy"]).expect(0);
    }
    let output = build(&["-o", GENERATED, "--enable", "destroy", "--check"]);
    assert_eq!(
        output.status, 0,
        "UPDATE=1 generates it anew\n{}{}",
        output.stdout, output.stderr
    );
}

/// Name and version of each package of a lock file.
fn packages(path: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(path)).expect("a lock file");
    let value = |package: &str, key: &str| {
        let line = package.lines().find(|line| line.starts_with(key));
        line.unwrap_or_default().to_owned()
    };
    let all = text.split("[[package]]").skip(1);
    all.map(|package| (value(package, "name"), value(package, "version")))
        .collect()
}

#[test]
fn a_crate_needs_nothing_that_mcpgen_does_not() {
    let own = packages("Cargo.lock");
    let kept = packages("templates/rest.lock");
    assert!(kept.len() > 200, "{} packages", kept.len());
    let other = |package: &&(String, String)| !own.contains(package) && !package.0.contains('@');
    assert_eq!(
        kept.iter().filter(other).collect::<Vec<_>>(),
        Vec::<&_>::new()
    );
    let (own, kept) = ("Cargo.toml", "templates/Cargo.toml.j2");
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a manifest");
    let own = read(own);
    let kept = read(kept);
    let table = kept
        .split("[dependencies]\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next());
    for line in table.expect("dependencies").lines() {
        assert!(
            own.lines().any(|other| other == line),
            "not in Cargo.toml: {line}"
        );
    }
}

#[test]
fn the_runtime_is_vendored_byte_for_byte() {
    let (own, vendored) = (root().join("src"), root().join(GENERATED).join("src"));
    let of = |base: &Path| {
        let mut paths = files(&base.join("runtime"));
        paths.push(base.join("runtime.rs"));
        let relative = paths
            .iter()
            .map(|path| path.strip_prefix(base).expect("below").to_owned());
        relative.collect::<Vec<_>>()
    };
    assert_eq!(of(&own), of(&vendored));
    for path in of(&own) {
        let same = fs::read(own.join(&path)).ok() == fs::read(vendored.join(&path)).ok();
        assert!(same, "{} differs", path.display());
    }
}

#[test]
fn the_committed_crate_passes_every_check() {
    let folder = root().join(GENERATED);
    cargo_ok(&folder, &["fmt", "--check"]);
    let clippy = [
        "clippy",
        "--locked",
        "--offline",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    cargo_ok(&folder, &clippy);
    cargo_ok(&folder, &["test", "--locked", "--offline"]);
    cargo_ok(&folder, &["doc", "--locked", "--offline", "--no-deps"]);
    let binary = root().join("target/debug/bookshop-server");
    let printed = run_program(binary.to_str().expect("UTF-8"), &["manifest"], &[], b"").expect(0);
    let planned = run(
        &["plan", DOCUMENT, "--enable", "destroy", "--json"],
        &[],
        "",
    )
    .expect(0);
    assert_eq!(printed.stdout, planned.stdout);
}

/// What the bookshop's upstream answers in a recorded session.
fn answers(request: &Recorded) -> Reply {
    match request.path() {
        path if path.ends_with("/cover") => Reply::content("image/png", b"\x89PNG\r\n\x1a\n"),
        path if path.ends_with("/or_0404") => {
            Reply::json(&json!({"title": "Not found", "detail": "no such order"})).with_status(404)
        }
        path if path.ends_with("/or_0429") => Reply::json(&json!({}))
            .with_status(429)
            .header("Retry-After", "7"),
        path if path.ends_with("/or_0500") => {
            Reply::content("text/plain", b"boom").with_status(500)
        }
        path if path.ends_with("/or_0302") => Reply::json(&json!({}))
            .with_status(302)
            .header("Location", "http://192.0.2.1/"),
        path if path.ends_with("/books") => {
            Reply::json(&json!({"items": [{"id": "bk_0001", "price": 1.10}]}))
        }
        _ => Reply::json(&json!({"id": 12_345_678_901_234_567_890_u64, "note": null})),
    }
}

fn steps() -> Vec<Value> {
    let file = root().join("tests/parity/bookshop/session.jsonl");
    let text = fs::read_to_string(file).expect("a session");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a step"))
        .collect()
}

/// What a server answered and what it sent, as text.
struct Transcript {
    answers: Vec<String>,
    requests: Vec<String>,
}

/// The steps over stdio in both eras.
fn over_stdio(program: &str, args: &[&str], upstream: &Upstream) -> Transcript {
    let mut answers = Vec::new();
    let before = upstream.requests().len();
    for modern in [false, true] {
        let mut client = Client::start_program(program, args, &CREDENTIALS);
        if modern {
            client = client.modern();
        } else {
            answers.push(client.initialize().to_string());
        }
        for step in steps() {
            let params = step.get("params").cloned().unwrap_or_else(|| json!({}));
            let method = step["method"].as_str().expect("a method");
            answers.push(client.request(method, params).to_string());
        }
    }
    let requests = upstream.requests();
    let sent = requests.iter().skip(before).map(Recorded::transcript);
    Transcript {
        answers,
        requests: sent.collect(),
    }
}

/// The steps over HTTP in both eras.
fn over_http(server: &HttpServer, upstream: &Upstream) -> Transcript {
    let before = upstream.requests().len();
    let mut answers = Vec::new();
    for version in ["2025-11-25", "2026-07-28"] {
        let mut connection: Connection = server.connect();
        for (id, step) in steps().into_iter().enumerate() {
            let mut body = json!({"jsonrpc": "2.0", "id": id, "method": step["method"]});
            body["params"] = step.get("params").cloned().unwrap_or_else(|| json!({}));
            if version == "2026-07-28" {
                body["params"]["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": version,
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
            }
            let name = step["params"]["name"].as_str().unwrap_or("none").to_owned();
            let headers = [
                ("Host", "127.0.0.1"),
                ("Content-Type", "application/json"),
                ("Accept", "application/json, text/event-stream"),
                ("MCP-Protocol-Version", version),
                ("Mcp-Method", step["method"].as_str().expect("a method")),
                ("Mcp-Name", &name),
            ];
            let response = connection.post(&server.path, &headers, body.to_string().as_bytes());
            answers.push(format!(
                "{} {}",
                response.status,
                String::from_utf8_lossy(&response.body)
            ));
        }
    }
    let requests = upstream.requests();
    let sent = requests.iter().skip(before).map(Recorded::transcript);
    Transcript {
        answers,
        requests: sent.collect(),
    }
}

#[track_caller]
fn assert_same(left: &Transcript, right: &Transcript) {
    assert_eq!(left.answers.len(), right.answers.len());
    for (step, (left, right)) in left.answers.iter().zip(&right.answers).enumerate() {
        assert_eq!(
            left, right,
            "step {step}: mcpgen serve (left) and the crate (right)"
        );
    }
    assert_eq!(left.requests, right.requests);
}

#[test]
fn a_crate_behaves_as_the_interpreter() {
    assert!(steps().len() >= 100, "{} steps", steps().len());
    let upstream = Upstream::start(answers);
    let base = format!("{}/v1", upstream.url());
    let selection = ["--base-url", base.as_str(), "--enable", "destroy"];
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let folder_text = folder.to_str().expect("UTF-8").to_owned();
    let output = ["-o", folder_text.as_str(), "--name", "parity-server"];
    build(&[&output[..], &selection[..]].concat()).expect(0);
    cargo_ok(&folder, &["build", "--locked", "--offline"]);
    let program = root().join("target/debug/parity-server");
    let program = program.to_str().expect("UTF-8");
    let serve = [&["serve", DOCUMENT][..], &selection[..]].concat();
    let interpreted = over_stdio(env!("CARGO_BIN_EXE_mcpgen"), &serve, &upstream);
    let generated = over_stdio(program, &[], &upstream);
    assert!(
        interpreted.requests.len() > 50,
        "{}",
        interpreted.requests.len()
    );
    assert_same(&interpreted, &generated);
    let interpreted = over_http(&HttpServer::start(&serve, &CREDENTIALS), &upstream);
    let generated = over_http(
        &HttpServer::start_program(program, &[], &CREDENTIALS),
        &upstream,
    );
    assert_same(&interpreted, &generated);
}

#[test]
fn regeneration_keeps_the_owners_work() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let text = folder.to_str().expect("UTF-8");
    let at = |path: &str| folder.join(path);
    build(&["-o", text]).expect(0);
    build(&["-o", text, "--check"]).expect(0);
    let again = build(&["-o", text]).expect(0);
    assert!(
        again.stdout.starts_with("0 files written"),
        "{}",
        again.stdout
    );

    // The owner's file is never touched, a generated one that was changed is refused.
    fs::write(at("src/hooks.rs"), "// mine\n").expect("written");
    fs::write(at("src/lib.rs"), "// edited\n").expect("written");
    let refused = build(&["-o", text]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("src/lib.rs") && refused.stderr.contains("--force"),
        "{}",
        refused.stderr
    );
    build(&["-o", text, "--force"]).expect(0);
    assert_eq!(
        fs::read_to_string(at("src/hooks.rs")).expect("read"),
        "// mine\n"
    );

    // A selection without orders removes their module; a missing dependency is named.
    let manifest = fs::read_to_string(at("Cargo.toml")).expect("read");
    let shorter: Vec<&str> = manifest
        .lines()
        .filter(|line| !line.starts_with("url "))
        .collect();
    fs::write(at("Cargo.toml"), shorter.join("\n")).expect("written");
    assert!(at("src/tools/orders.rs").exists());
    let output = build(&["-o", text, "--exclude", "tag:orders"]).expect(0);
    assert!(!at("src/tools/orders.rs").exists());
    assert!(output.stdout.contains("url = \"2.5\""), "{}", output.stdout);
    assert_eq!(
        build(&["-o", text, "--exclude", "tag:orders", "--check"]).status,
        1
    );
}

#[test]
fn folders_that_are_not_written_to() {
    let scratch = Scratch::new();
    let file = scratch.file("theirs/notes.txt", "mine");
    let theirs = Path::new(&file).parent().expect("a folder");
    let newer = scratch.file("newer/mcpgen.lock", r#"{"mcpgen": "999.0.0", "files": {}}"#);
    let newer = Path::new(&newer).parent().expect("a folder");
    let link = scratch.path().join("link");
    std::os::unix::fs::symlink(theirs, &link).expect("a link");
    for (folder, name, words) in [
        (theirs, "bookshop-server", "was not made by mcpgen"),
        (newer, "bookshop-server", "999.0.0"),
        (link.as_path(), "bookshop-server", "symbolic link"),
        (
            &scratch.path().join("new"),
            "not a name",
            "is not a package name",
        ),
        (&scratch.path().join("new"), "fn", "is not a package name"),
    ] {
        let output = build(&["-o", folder.to_str().expect("UTF-8"), "--name", name]);
        assert_eq!(output.status, 2, "{}", output.stderr);
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    assert_eq!(files(theirs).len(), 1);
    assert!(!scratch.path().join("new").exists());
}
