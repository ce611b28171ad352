//! A9: references and overlays that would make this program open files or ask hosts.
//!
//! Sentinels: a server that counts who connects, and files whose content appears in no output.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::scene::{document, operation, param};
use crate::support::process::run_program;
use crate::support::{Output, Reply, Scratch, Upstream, run};

/// What the files hold that may not be read.
const CANARY: &str = "canary7f3a91";

/// A port that counts its connections and never says anything.
struct Sentinel {
    port: u16,
    seen: Arc<AtomicUsize>,
}

impl Sentinel {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, seen }
    }

    #[track_caller]
    fn saw_nobody(&self) {
        assert_eq!(self.seen.load(Ordering::SeqCst), 0);
    }
}

/// A folder `api` for the document, and secrets around it.
fn folders() -> Scratch {
    let scratch = Scratch::new();
    let secret = format!(
        "type: string\ndescription: {CANARY}\nx: {{type: string, description: {CANARY}}}\n"
    );
    for name in [
        "secret.yaml",
        "beside/secret.yaml",
        "api2/secret.yaml",
        "api/.env",
    ] {
        scratch.file(name, &secret);
    }
    scratch.file("api/.hidden/secret.yaml", &secret);
    scratch.file("api/fine.yaml", "type: string\ndescription: fine\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        let api = scratch.path().join("api");
        symlink("../secret.yaml", api.join("link.yaml")).expect("a link");
        symlink("../beside", api.join("folder")).expect("a link");
        symlink(".env", api.join("env.yaml")).expect("a link");
        symlink("/dev/zero", api.join("zero.yaml")).expect("a link");
        symlink("loop.yaml", api.join("loop.yaml")).expect("a link");
        let pipe = api.join("pipe.yaml");
        let made = run_program("mkfifo", &[pipe.to_str().expect("UTF-8")], &[], b"");
        assert_eq!(made.status, 0, "{}", made.stderr);
    }
    scratch
}

/// A document in which each reference is the schema of an operation of its own.
fn referring(references: &[String]) -> Value {
    let mut doc = document(&json!({}));
    doc["servers"] = json!([{"url": "https://shop.example"}]);
    for (index, reference) in references.iter().enumerate() {
        let schema = json!({ "$ref": reference });
        let rest = json!({"parameters": [param("query", "q", &schema)]});
        doc["paths"][format!("/p{index}")] = operation("get", &format!("op{index}"), &rest);
    }
    doc
}

/// What the program says of a document, whichever way it is asked.
fn everything(file: &str, options: &[&str]) -> Vec<Output> {
    [
        &["check"][..],
        &["check", "--json"],
        &["plan", "--json"],
        &["list", "--json"],
    ]
    .iter()
    .map(|command| run(&[*command, &[file][..], options].concat(), &[], ""))
    .collect()
}

/// None of the references becomes a tool, each has a finding of one of the codes, and no secret is
/// told.
#[track_caller]
fn none_is_read(scratch: &Scratch, doc: &Value, count: usize, options: &[&str]) {
    let file = scratch.file("api/doc.json", doc.to_string());
    let outputs = everything(&file, options);
    for output in &outputs {
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(!said.contains(CANARY), "{said}");
    }
    let report = outputs[1].json();
    let found = report["diagnostics"].as_array().expect("a list");
    let refused = |d: &&Value| ["MG112", "MG114"].contains(&d["code"].as_str().unwrap_or_default());
    let shown: Vec<_> = found.iter().map(|d| &d["message"]).collect();
    assert_eq!(found.iter().filter(refused).count(), count, "{shown:#?}");
    assert_eq!(report["summary"]["tools"], 0, "{shown:#?}");
    for finding in found.iter().filter(refused) {
        assert!(
            finding["line"].is_number() && finding["help"].is_string(),
            "{finding}"
        );
    }
}

fn absolute(scratch: &Scratch, name: &str) -> String {
    scratch.path().join(name).display().to_string()
}

#[test]
fn a09_files_outside_the_folder() {
    let scratch = folders();
    let secret = absolute(&scratch, "secret.yaml");
    let (first, rest) = secret.split_at(1);
    let mut references: Vec<String> = [
        "../secret.yaml",
        "../secret.yaml#/x",
        "./../secret.yaml",
        "../api2/secret.yaml",
        "nothing/../../secret.yaml",
        "../../../../../../../../../../../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "file://localhost/etc/passwd",
        "FILE:///etc/passwd#/x",
        "file:////etc/passwd",
        "file://server/share/secret.yaml",
        "//server/share/secret.yaml",
        "\\\\server\\share\\secret.yaml",
        "..\\secret.yaml",
        "..%5csecret.yaml",
        "%2e%2e/secret.yaml",
        "%2E%2E%2Fsecret.yaml",
        "..%2fsecret.yaml",
        ".%2e/secret.yaml",
        "%252e%252e/secret.yaml",
        "fine.yaml%00/../../secret.yaml",
        "..\t/secret.yaml",
        " ../secret.yaml",
        "C:\\secret.yaml",
        "c:/secret.yaml",
        "link.yaml",
        "link.yaml#/x",
        "folder/secret.yaml",
        "folder/../secret.yaml",
        "loop.yaml",
        "zero.yaml",
        "pipe.yaml",
        "/dev/zero",
        "file:///dev/stdin",
        "/proc/self/environ",
        ".env",
        "env.yaml",
        ".hidden/secret.yaml",
        "",
        ".",
        "..",
        "ftp://127.0.0.1/secret.yaml",
        "data:application/yaml,type:%20string",
        "urn:secret",
        "http://[",
    ]
    .map(str::to_owned)
    .to_vec();
    references.extend([
        secret.clone(),
        format!("file://{secret}"),
        format!("{first}.{first}{rest}"),
    ]);
    // An empty reference is to the document itself, which is no schema.
    references.retain(|reference| !reference.is_empty());
    none_is_read(&scratch, &referring(&references), references.len(), &[]);
    // A folder that is named takes the place of the document's own.
    let named = absolute(&scratch, "beside");
    let own = ["fine.yaml".to_owned(), "../secret.yaml".to_owned()];
    none_is_read(&scratch, &referring(&own), 2, &["--refs", &named]);
}

/// What is allowed is read, so that the tests above do not pass because nothing ever is.
#[test]
fn a09_what_is_allowed_is_read() {
    let scratch = folders();
    let beside = absolute(&scratch, "beside");
    for (reference, options) in [
        ("fine.yaml", &[][..]),
        ("./nothing/../fine.yaml#", &[]),
        ("../beside/secret.yaml#/x", &["--refs", &beside]),
        (
            "folder/secret.yaml",
            &["--refs", &absolute(&scratch, "api"), "--refs", &beside],
        ),
    ] {
        let file = scratch.file(
            "api/doc.json",
            referring(&[reference.to_owned()]).to_string(),
        );
        let report = run(&[&["check", &file, "--json"], options].concat(), &[], "").json();
        assert_eq!(report["summary"]["tools"], 1, "{reference}: {report}");
    }
}

#[test]
fn a09_hosts() {
    let (scratch, sentinel) = (folders(), Sentinel::new());
    let port = sentinel.port;
    let references = [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://169.254.169.254/".to_owned(),
        format!("http://127.0.0.1:{port}/secret.yaml"),
        format!("https://127.0.0.1:{port}/secret.yaml"),
        format!("http://localhost:{port}/#/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("HTTP://0x7f.1:{port}/"),
        format!("//127.0.0.1:{port}/secret.yaml"),
        format!("http:/\\127.0.0.1:{port}/"),
        format!("http://named.example@127.0.0.1:{port}/"),
        format!("ws://127.0.0.1:{port}/"),
    ];
    let count = references.len();
    none_is_read(&scratch, &referring(&references), count, &[]);
    // A host that is named is named with its port, and neither its neighbours nor files come with it.
    let options = ["--refs-host", "127.0.0.1", "--refs-host", "named.example:1"];
    none_is_read(&scratch, &referring(&references), count, &options);
    sentinel.saw_nobody();
}

#[test]
fn a09_every_place_of_a_reference() {
    let (scratch, sentinel) = (folders(), Sentinel::new());
    for target in [
        format!("http://127.0.0.1:{}/secret.yaml", sentinel.port),
        "../secret.yaml".to_owned(),
    ] {
        let reference = json!({ "$ref": target });
        let body = json!({"requestBody": {"content": {"application/json": {"schema": reference}}}});
        let mut doc = document(&json!({
            "/item": reference,
            "/parameter": operation("get", "a", &json!({"parameters": [reference]})),
            "/body": operation("post", "b", &json!({"requestBody": reference})),
            "/schema": operation("post", "c", &body),
            "/chain": operation("get", "d", &json!({"parameters": [{"$ref": "#/components/parameters/P"}]})),
            "/dynamic": operation("get", "e", &json!({"parameters": [param("query", "q", &json!({"$dynamicRef": target}))]})),
        }));
        doc["components"] = json!({
            "parameters": {"P": reference},
            "securitySchemes": {"key": reference},
            "schemas": {"Unused": reference},
        });
        let responses = json!({"responses": {"200": reference}});
        doc["paths"]["/response"] = operation("get", "f", &responses);
        let file = scratch.file("api/doc.json", doc.to_string());
        for output in everything(&file, &["--enable", "destroy"]) {
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(!said.contains(CANARY), "{said}");
        }
        let line = ["check", &file, "--json", "--enable", "destroy"];
        let summary = run(&line, &[], "").json()["summary"].take();
        assert_eq!(
            summary["left_out"].as_array().map(Vec::len),
            Some(6),
            "{summary}"
        );
    }
    sentinel.saw_nobody();
}

#[test]
fn a09_bases_that_lead_elsewhere() {
    let (scratch, sentinel) = (folders(), Sentinel::new());
    let host = format!("http://127.0.0.1:{}/x/", sentinel.port);
    let above = format!("file://{}/", scratch.path().display());
    for base in [
        host.as_str(),
        above.as_str(),
        "../",
        "file:///etc/",
        "//127.0.0.1/",
    ] {
        for reference in ["secret.yaml", "passwd", "secret.yaml#/x"] {
            let schema =
                json!({"$id": base, "type": "object", "properties": {"a": {"$ref": reference}}});
            let dynamic = json!({"$id": base, "items": {"$dynamicRef": reference}});
            let mut doc = referring(&[
                "#/components/schemas/S".into(),
                "#/components/schemas/D".into(),
            ]);
            doc["components"]["schemas"] = json!({"S": schema, "D": dynamic});
            none_is_read(&scratch, &doc, 2, &[]);
            let mut doc = referring(&[reference.to_owned()]);
            doc["openapi"] = json!("3.2.0");
            doc["$self"] = json!(base);
            none_is_read(&scratch, &doc, 1, &[]);
        }
    }
    sentinel.saw_nobody();
}

/// A host that is named may not send the program to another one, or to a file.
#[test]
fn a09_redirects_of_a_named_host() {
    let (scratch, sentinel) = (folders(), Sentinel::new());
    let secret = absolute(&scratch, "secret.yaml");
    let elsewhere = [
        format!("http://127.0.0.1:{}/", sentinel.port),
        format!("http://localhost:{}/", sentinel.port),
        format!("https://127.0.0.1:{}/", sentinel.port),
        format!("//127.0.0.1:{}/", sentinel.port),
        format!("file://{secret}"),
        "http://169.254.169.254/".to_owned(),
    ];
    let targets = elsewhere.clone();
    let upstream = Upstream::start(move |request| {
        let number = request.path().trim_start_matches("/r");
        let target = number.parse::<usize>().ok().and_then(|n| targets.get(n));
        match (request.path(), target) {
            ("/fine.yaml", _) => Reply::content("application/yaml", "type: string"),
            ("/near", _) => Reply::status(302).header("location", "/fine.yaml"),
            (_, Some(target)) => Reply::status(302).header("location", target),
            _ => Reply::status(302).header("location", request.path()),
        }
    });
    let host = format!("127.0.0.1:{}", upstream.port());
    let url = |path: String| format!("http://{host}{path}");
    let mut references: Vec<_> = (0..elsewhere.len())
        .map(|n| url(format!("/r{n}")))
        .collect();
    references.push(url("/round".into()));
    let options = ["--refs-host", &*host];
    none_is_read(
        &scratch,
        &referring(&references),
        references.len(),
        &options,
    );
    sentinel.saw_nobody();
    let served = referring(&[url("/fine.yaml".into()), url("/near".into())]);
    let file = scratch.file("api/doc.json", served.to_string());
    let report = run(&["check", &file, "--json", "--refs-host", &host], &[], "").json();
    assert_eq!(report["summary"]["tools"], 2, "{report}");
}

/// A document from a host, or from standard input, has no folder.
#[test]
fn a09_documents_without_a_folder() {
    let scratch = folders();
    let secret = absolute(&scratch, "secret.yaml");
    let references = [
        "fine.yaml".to_owned(),
        "./fine.yaml".into(),
        secret.clone(),
        format!("file://{secret}"),
    ];
    let doc = referring(&references).to_string();
    let served = doc.clone();
    let upstream = Upstream::start(move |request| match request.path() {
        "/doc.json" => Reply::content("application/json", served.clone()),
        _ => Reply::content("application/yaml", "type: string"),
    });
    let url = format!("{}/doc.json", upstream.url());
    for (name, stdin) in [("-", doc.as_str()), (url.as_str(), "")] {
        let output = run(&["check", name, "--json"], &[], stdin);
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(!said.contains(CANARY), "{said}");
        assert_eq!(output.json()["summary"]["tools"], 0, "{said}");
    }
    assert_eq!(
        upstream.requests().len(),
        1,
        "only the document is asked for"
    );
    let beside = absolute(&scratch, "api");
    let report = run(
        &["check", "-", "--json", "--refs", &beside],
        &[],
        doc.as_str(),
    )
    .json();
    assert_eq!(report["summary"]["tools"], 2, "{report}");
}

#[test]
fn a09_overlays() {
    let (scratch, sentinel) = (folders(), Sentinel::new());
    let file = scratch.file("api/doc.json", referring(&["fine.yaml".into()]).to_string());
    let host = format!("http://127.0.0.1:{}/doc.json", sentinel.port);
    for extends in [&*host, "../secret.yaml", "file:///etc/passwd"] {
        let target = "$.paths['/p0'].get.parameters[0].schema";
        let overlay = json!({
            "overlay": "1.0.0", "info": {"title": "o", "version": "1"}, "extends": extends,
            "actions": [{"target": target, "update": {"$ref": extends}}],
        });
        let overlay = scratch.file("api/overlay.json", overlay.to_string());
        for output in everything(&file, &["--overlay", &overlay]) {
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(!said.contains(CANARY), "{said}");
        }
        let line = ["check", &file, "--json", "--overlay", &overlay];
        let report = run(&line, &[], "").json();
        let found = report["diagnostics"].as_array().expect("a list");
        let named: Vec<_> = found.iter().map(|d| (&d["code"], &d["file"])).collect();
        let own = json!(overlay);
        assert!(named.contains(&(&json!("MG117"), &own)), "{named:?}");
        assert!(named.contains(&(&json!("MG112"), &own)), "{named:?}");
        assert_eq!(report["summary"]["tools"], 0, "{report}");
    }
    sentinel.saw_nobody();
}

/// The validator of arguments has no means to get a schema from anywhere, whatever reached it.
#[test]
fn a09_schemas_given_to_the_validator() {
    let (scratch, sentinel) = (folders(), Sentinel::new());
    let secret = absolute(&scratch, "secret.yaml");
    for reference in [
        format!("http://127.0.0.1:{}/x", sentinel.port),
        format!("file://{secret}"),
        secret,
        "json-schema:///x".to_owned(),
    ] {
        for key in ["$ref", "$dynamicRef"] {
            for schema in [
                json!({ key: reference }),
                json!({"$id": reference, "properties": {"a": {key: "beside/secret.yaml"}}}),
            ] {
                let made = mcpgen::runtime::args::validator(&schema);
                assert!(made.is_err(), "{schema}");
            }
        }
    }
    sentinel.saw_nobody();
}

/// A file outside is not even looked at: the answer is the same whether it is there or not.
#[test]
fn a09_no_oracle_of_what_is_there() {
    let scratch = folders();
    let said = |name: &str| {
        let reference = format!("../{name}");
        let file = scratch.file(
            "api/doc.json",
            referring(std::slice::from_ref(&reference)).to_string(),
        );
        let report = run(&["check", &file, "--json"], &[], "").json();
        report["diagnostics"][0]["message"]
            .to_string()
            .replace(&reference, "it")
    };
    assert!(fs::exists(Path::new(&absolute(&scratch, "secret.yaml"))).expect("readable"));
    assert_eq!(said("secret.yaml"), said("nothing.yaml"));
}
