//! A39: an upstream that is not who it should be, or that speaks in the clear.
//!
//! `openssl` makes the certificates and Python ends TLS in front of the recording upstream; without
//! them a test is skipped with a message, except in CI, where it fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use serde_json::json;

use super::scene::{document, operation, param, willing};
use crate::support::{Output, Scratch, Upstream, run};

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
const IS_CA: &str = "-addext basicConstraints=critical,CA:TRUE";
const CONFIGURATION: &str = "\
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
";

/// A certificate authority and what it made.
struct Authority {
    scratch: Scratch,
}

impl Authority {
    /// Nothing if a tool is missing.
    fn new() -> Option<Self> {
        for program in ["openssl", &python()] {
            let found = Command::new(program)
                .arg(if program == "openssl" {
                    "version"
                } else {
                    "--version"
                })
                .output();
            if !found.is_ok_and(|output| output.status.success()) {
                let message = format!("{program} is missing (bash tests/run installs it)");
                assert!(
                    std::env::var_os("CI").is_none_or(|ci| ci != "true"),
                    "{message}"
                );
                let _ = writeln!(std::io::stderr(), "skipped: {message}");
                return None;
            }
        }
        let authority = Self {
            scratch: Scratch::new(),
        };
        authority.scratch.file("ca.cnf", CONFIGURATION);
        authority.scratch.file("index.txt", "");
        authority.scratch.file("serial", "1000\n");
        authority.openssl(&format!(
            "req -x509 {NEW_KEY} -keyout ca.key -out ca.pem -days 3650 -subj /CN=test-ca {IS_CA}"
        ));
        authority.openssl(&format!("req -x509 {NEW_KEY} -keyout other.key -out other.pem -days 3650 -subj /CN=other-ca {IS_CA}"));
        Some(authority)
    }

    /// Makes `<name>.pem` and `<name>.key` for an alternative name, valid between two years.
    fn issue(&self, name: &str, alternative: &str, from: u16, to: u16) {
        self.scratch.file(&format!("{name}.ext"), format!("subjectAltName={alternative}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"));
        self.openssl(&format!(
            "req {NEW_KEY} -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        self.openssl(&format!(
            "ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in {name}.csr -out {name}.pem \
             -notext -startdate {from}0101000000Z -enddate {to}0101000000Z -extfile {name}.ext"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.scratch.path())
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn path(&self, name: &str) -> String {
        self.scratch.path().join(name).display().to_string()
    }
}

fn python() -> String {
    std::env::var("MCPGEN_PYTHON")
        .ok()
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| "python3".to_owned())
}

/// TLS in front of an upstream, with one certificate; it ends when it is dropped.
struct Front {
    child: Child,
    _stdin: ChildStdin,
    port: u16,
}

impl Front {
    fn start(authority: &Authority, name: &str, upstream: &Upstream) -> Self {
        let mut child = Command::new(python())
            .args([
                "tests/threats/tls_front.py",
                &authority.path(&format!("{name}.pem")),
                &authority.path(&format!("{name}.key")),
                &upstream.port().to_string(),
            ])
            .current_dir(crate::support::root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("a port");
        Self {
            _stdin: child.stdin.take().expect("a pipe"),
            port: line.trim().parse().expect("a port"),
            child,
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a39_tls() {
    let Some(authority) = Authority::new() else {
        return;
    };
    authority.issue("good", "IP:127.0.0.1,DNS:localhost", 2020, 2120);
    authority.issue("wrong_host", "DNS:other.example,IP:10.0.0.1", 2020, 2120);
    authority.issue("expired", "IP:127.0.0.1,DNS:localhost", 2001, 2002);
    authority.issue("not_yet", "IP:127.0.0.1,DNS:localhost", 2110, 2120);
    authority.openssl(&format!(
        "req -x509 {NEW_KEY} -keyout self.key -out self.pem -days 3650 -subj /CN=127.0.0.1 \
         -addext subjectAltName=IP:127.0.0.1"
    ));

    let upstream = Upstream::start(willing);
    let body = json!({"parameters": [param("query", "q", &json!({"type": "string"}))], "security": [{"key": []}]});
    let mut doc = document(&json!({"/x": operation("get", "get_x", &body)}));
    doc["components"]["securitySchemes"]["key"] = json!({"type": "http", "scheme": "bearer"});
    let file = authority.scratch.file("openapi.json", doc.to_string());
    let call = |base: &str, ca: Option<&str>| -> Output {
        let mut args = vec!["call", &file, "get_x", "--base-url", base];
        args.extend(ca.into_iter().flat_map(|ca| ["--ca-cert", ca]));
        run(&args, &[("SHOP_KEY", "canary")], b"")
    };
    let (ca, other) = (authority.path("ca.pem"), authority.path("other.pem"));
    for (name, certificate, works) in [
        ("good", Some(&ca), true),
        ("good", None, false),
        ("good", Some(&other), false),
        ("wrong_host", Some(&ca), false),
        ("expired", Some(&ca), false),
        ("not_yet", Some(&ca), false),
        ("self", None, false),
        ("self", Some(&ca), false),
    ] {
        let before = upstream.requests().len();
        let front = Front::start(&authority, name, &upstream);
        let hosts: &[&str] = if name == "self" {
            &["127.0.0.1"]
        } else {
            &["127.0.0.1", "localhost"]
        };
        for host in hosts {
            let output = call(
                &format!("https://{host}:{}", front.port),
                certificate.map(String::as_str),
            );
            if works {
                output.expect(0);
                continue;
            }
            let told = output.expect(1).stderr;
            assert!(
                told.contains("tls_failed")
                    && told.contains("certificate")
                    && told.contains("--ca-cert"),
                "{name}: {told}"
            );
            assert!(!told.contains("canary"), "{told}");
        }
        assert_eq!(
            upstream.requests().len() - before,
            if works { hosts.len() } else { 0 },
            "{name}"
        );
    }

    // Plaintext where TLS is expected, and TLS where plaintext is: never a fall back.
    let before = upstream.requests().len();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("https://{}", listener.local_addr().expect("an address"));
    let plain = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a connection");
        let mut seen = vec![0; 4096];
        let count = socket.read(&mut seen).expect("some bytes");
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        seen.truncate(count);
        seen
    });
    let told = call(&base, Some(&ca)).expect(1).stderr;
    assert!(
        told.contains("tls_failed") && told.contains("does not speak TLS"),
        "{told}"
    );
    let seen = String::from_utf8_lossy(&plain.join().expect("it ended")).into_owned();
    assert!(
        !seen.contains("HTTP") && !seen.contains("canary"),
        "a request in the clear: {seen:?}"
    );
    let front = Front::start(&authority, "good", &upstream);
    let told = call(&format!("http://127.0.0.1:{}", front.port), Some(&ca))
        .expect(1)
        .stderr;
    assert!(told.contains("upstream_"), "{told}");
    assert_eq!(upstream.requests().len(), before);
}

#[test]
fn a39_a_document_cannot_send_credentials_in_the_clear() {
    // The proxy stands for the network.
    let network = Upstream::start(willing);
    let scratch = Scratch::new();
    let guarded = json!({"security": [{"key": []}]});
    let mut doc = document(
        &json!({"/x": operation("get", "get_x", &guarded), "/open": operation("get", "get_open", &json!({}))}),
    );
    doc["components"]["securitySchemes"]["key"] = json!({"type": "http", "scheme": "bearer"});
    doc["servers"] = json!([{"url": "http://api.example.com"}]);
    let file = scratch.file("openapi.json", doc.to_string());
    let proxy = network.url();
    let call = |tool: &str, options: &[&str]| {
        let args = [&["call", &*file, tool, "--proxy", &*proxy][..], options].concat();
        run(&args, &[("SHOP_KEY", "canary")], b"")
    };
    for (tool, options) in [
        ("get_x", &[][..]),
        ("get_x", &["--header", "X-A: b"]),
        ("get_open", &["--header", "X-A: ${env:SHOP_KEY}"]),
    ] {
        let told = call(tool, options).expect(1).stderr;
        assert!(
            told.contains("insecure_credential") && told.contains("--base-url"),
            "{told}"
        );
    }
    assert_eq!(network.connections(), 0);
    call("get_open", &[]).expect(0);
    call("get_x", &["--base-url", "http://api.example.com"]).expect(0);
    let seen = network.requests();
    let sent =
        |request: &crate::support::Recorded| request.header("authorization").map(str::to_owned);
    assert_eq!(
        seen.iter().map(sent).collect::<Vec<_>>(),
        [None, Some("Bearer canary".to_owned())]
    );
}

#[test]
fn a39_certificate_files_that_are_none() {
    let scratch = Scratch::new();
    let doc = document(&json!({"/x": operation("get", "get_x", &json!({}))}));
    let file = scratch.file("openapi.json", doc.to_string());
    let upstream = Upstream::start(willing);
    for (name, content) in [
        ("empty.pem", ""),
        ("text.pem", "not a certificate"),
        (
            "key.pem",
            "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
        ),
        ("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB"),
        (
            "junk.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let path = scratch.file(name, content);
        let output = run(
            &[
                "call",
                &file,
                "get_x",
                "--base-url",
                &upstream.url(),
                "--ca-cert",
                &path,
            ],
            &[],
            b"",
        );
        assert!(
            output.status == 2
                && (output.stderr.contains(name) || output.stderr.contains("certificate")),
            "{name}: {} {}",
            output.status,
            output.stderr
        );
    }
    let missing = scratch.path().join("missing.pem").display().to_string();
    run(
        &[
            "call",
            &file,
            "get_x",
            "--base-url",
            &upstream.url(),
            "--ca-cert",
            &missing,
        ],
        &[],
        b"",
    )
    .expect(2);
    assert_eq!(upstream.connections(), 0);
}
