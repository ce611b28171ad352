//! One behaviour: a recorded session under `mcpgen serve` and under the crate gives the same answers
//! and the same upstream requests, byte for byte, in both eras and over both transports.
//!
//! A step of `tests/parity/<case>/session.jsonl` is one of:
//!
//! - `{"method", "params"}`: a request and its answer, or a notification;
//! - `{"cancel": call}`: a call that the upstream never answers, cancelled once it arrived there. The
//!   upstream must see its client leave, and no answer may come. Over HTTP a call is cancelled by
//!   closing its connection; the notification is sent first, as an older client would;
//! - `{"cancel": call, "beside": call}`: the same while another call is in flight, which is answered
//!   afterwards.

mod policy;
mod search;

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use serde_json::{Value, json};

use crate::support::client::{LEGACY, MODERN};
use crate::support::http::Connection;
use crate::support::{
    Client, HttpServer, PATIENCE, Recorded, Reply, Scratch, Upstream, cargo, root, run,
};

mod generated;

const DOCUMENT: &str = "specs/bookshop/openapi.yaml";
const CREDENTIALS: [(&str, &str); 3] = [
    ("BOOKSHOP_SHOP_KEY", "shop"),
    ("BOOKSHOP_CUSTOMER_SESSION", "session"),
    ("BOOKSHOP_ADMIN_TOKEN", "admin"),
];

/// Steps, and the upstream that they meet.
struct Session {
    steps: Vec<Value>,
    upstream: Upstream,
    /// Lets the upstream answer the call that it holds.
    release: Sender<()>,
    env: Vec<(String, String)>,
}

/// What a server answered and what it sent, as text.
struct Transcript {
    answers: Vec<String>,
    requests: Vec<String>,
}

/// An upstream that never answers `…/or_0999…`, and `…/or_0998…` when it is told to.
fn upstream(answers: fn(&Recorded) -> Reply) -> (Upstream, Sender<()>) {
    let (release, wait) = channel();
    let wait = Mutex::new(wait);
    let upstream = Upstream::start(move |request: &Recorded| {
        if request.path().contains("/or_0999") {
            return Reply::Hang;
        }
        if request.path().contains("/or_0998") {
            // A dropped sender releases too.
            let _ = wait.lock().expect("one at a time").recv();
        }
        answers(request)
    });
    (upstream, release)
}

/// What the bookshop's upstream answers in a recorded session.
fn bookshop(request: &Recorded) -> Reply {
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
        path if path.ends_with("/or_0201") => Reply::json(&json!({"id": "or_0201"}))
            .with_status(201)
            .header("Location", "/v1/orders/or_0201"),
        path if path.ends_with("/or_0202") => Reply::status(202)
            .header("Location", "/v1/jobs/1")
            .header("Retry-After", "5"),
        path if path.ends_with("/or_0204") => Reply::status(204),
        path if path.ends_with("/or_0206") => {
            Reply::content("application/x-ndjson", b"{\"id\": 1}\n{oops\n{\"id\": 2}\n")
        }
        path if path.ends_with("/or_0207") => {
            Reply::content("text/event-stream", b"event: a\ndata: {\"n\": 1}\n\n")
        }
        path if path.ends_with("/or_0208") => {
            Reply::content("text/plain; charset=iso-8859-1", b"\xe4")
        }
        path if path.ends_with("/or_0209") => Reply::content("text/html", b"<p>Log in"),
        path if path.ends_with("/or_0422") => Reply::content(
            "application/problem+json",
            br#"{"title": "Too late", "detail": "It is sent.", "since": "2026-01-01"}"#,
        )
        .with_status(422),
        path if path.ends_with("/or_0503") => Reply::status(503)
            .header("Date", "Wed, 21 Oct 2099 07:28:00 GMT")
            .header("Retry-After", "Wed, 21 Oct 2099 07:28:30 GMT"),
        path if path.ends_with("/books") => {
            Reply::json(&json!({"items": [{"id": "bk_0001", "price": 1.10}]}))
        }
        _ => Reply::json(&json!({"id": 12_345_678_901_234_567_890_u64, "note": null})),
    }
}

/// A request without the value of its idempotency key, which is a new one each time.
fn without_key(request: &str) -> String {
    const KEY: &str = "idempotency-key: ";
    let Some((before, after)) = request.split_once(KEY) else {
        return request.to_owned();
    };
    let (key, rest) = after.split_at(after.find(['\r', '\n']).unwrap_or(after.len()));
    // A caller's own key stays.
    if key.len() != 36 || key.matches('-').count() != 4 {
        return request.to_owned();
    }
    format!("{before}{KEY}(a new one){rest}")
}

impl Session {
    fn env(&self) -> Vec<(&str, &str)> {
        let pairs = self.env.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// Runs what makes a transcript and adds the requests that the upstream got meanwhile.
    fn record(&self, answers: impl FnOnce(&mut Vec<String>)) -> Transcript {
        let before = self.upstream.requests().len();
        let mut transcript = Transcript {
            answers: Vec::new(),
            requests: Vec::new(),
        };
        answers(&mut transcript.answers);
        let requests = self.upstream.requests();
        let sent = requests.iter().skip(before).map(Recorded::transcript);
        transcript.requests = sent.map(|request| without_key(&request)).collect();
        transcript
    }

    /// The steps over stdio in both eras.
    fn over_stdio(&self, program: &str, args: &[&str]) -> Transcript {
        self.record(|answers| {
            for modern in [false, true] {
                let mut client = Client::start_program(program, args, &self.env());
                if modern {
                    client = client.modern();
                } else {
                    answers.push(client.initialize().to_string());
                }
                for step in &self.steps {
                    self.on_stdio(&mut client, step, answers);
                }
                client.close_stdin();
                assert!(client.wait(PATIENCE).success());
                // What was cancelled was not answered, and notifications were not.
                assert_eq!(client.try_recv(PATIENCE), None);
            }
        })
    }

    fn on_stdio(&self, client: &mut Client, step: &Value, answers: &mut Vec<String>) {
        if let Some(call) = step.get("cancel") {
            let beside = step
                .get("beside")
                .map(|beside| self.in_flight(|| client.send_request("tools/call", beside.clone())));
            let id = self.in_flight(|| client.send_request("tools/call", call.clone()));
            self.abandoned(|| client.send(&cancelled(id)));
            if let Some(id) = beside {
                self.release.send(()).expect("the upstream waits");
                answers.push(client.response(id).to_string());
            }
        } else {
            let (method, params) = (method(step), params(step));
            if method.starts_with("notifications/") {
                client.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
            } else {
                answers.push(client.request(method, params).to_string());
            }
        }
    }

    /// The steps over HTTP in both eras.
    fn over_http(&self, server: &HttpServer) -> Transcript {
        self.record(|answers| {
            for version in [LEGACY, MODERN] {
                let mut connection = server.connect();
                for (id, step) in self.steps.iter().enumerate() {
                    let http = Http {
                        server,
                        version,
                        id,
                    };
                    self.on_http(&http, &mut connection, step, answers);
                }
            }
        })
    }

    fn on_http(
        &self,
        http: &Http,
        connection: &mut Connection,
        step: &Value,
        answers: &mut Vec<String>,
    ) {
        let Some(call) = step.get("cancel") else {
            http.send(connection, method(step), &params(step));
            answers.push(connection.answer());
            return;
        };
        let start = |call: &Value| {
            let mut connection = http.server.connect();
            self.in_flight(|| http.send(&mut connection, "tools/call", call));
            connection
        };
        let beside = step.get("beside").map(start);
        let gone = start(call);
        let notification = cancelled(http.id as u64);
        http.send(connection, method(&notification), &params(&notification));
        answers.push(connection.answer());
        self.abandoned(|| drop(gone));
        if let Some(mut beside) = beside {
            self.release.send(()).expect("the upstream waits");
            answers.push(beside.answer());
        }
    }

    /// Does what makes a server send one request, and waits until it arrived.
    fn in_flight<T>(&self, send: impl FnOnce() -> T) -> T {
        let before = self.upstream.requests().len();
        let flying = send();
        self.upstream.wait_for(before + 1, PATIENCE);
        flying
    }

    /// Does what makes a server give one request up, and waits until the upstream saw it.
    fn abandoned(&self, cancel: impl FnOnce()) {
        let before = self.upstream.wait_for_abandoned(0, PATIENCE).len();
        cancel();
        let gone = self.upstream.wait_for_abandoned(before + 1, PATIENCE);
        assert_eq!(gone.len(), before + 1);
    }

    /// Runs the session in all four ways under both programs, and compares.
    #[track_caller]
    fn compare(&self, serve: &[&str], program: &str) -> Transcript {
        let interpreted = self.over_stdio(env!("CARGO_BIN_EXE_mcpgen"), serve);
        assert_same(&interpreted, &self.over_stdio(program, &[]));
        let env = self.env();
        let served = self.over_http(&HttpServer::start(serve, &env));
        let built = self.over_http(&HttpServer::start_program(program, &[], &env));
        assert_same(&served, &built);
        interpreted
    }
}

/// How messages go over HTTP.
struct Http<'a> {
    server: &'a HttpServer,
    version: &'a str,
    id: usize,
}

impl Http<'_> {
    fn send(&self, connection: &mut Connection, method: &str, params: &Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        if !method.starts_with("notifications/") {
            message["id"] = json!(self.id);
        }
        connection.begin_message(&self.server.path, self.version, &message);
    }
}

fn cancelled(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

fn method(step: &Value) -> &str {
    step["method"].as_str().expect("a method")
}

fn params(step: &Value) -> Value {
    step.get("params").cloned().unwrap_or_else(|| json!({}))
}

#[track_caller]
fn assert_same(left: &Transcript, right: &Transcript) {
    for (step, (left, right)) in left.answers.iter().zip(&right.answers).enumerate() {
        assert_eq!(
            left, right,
            "answer {step}: mcpgen serve (left) and the crate (right)"
        );
    }
    assert_eq!(left.answers.len(), right.answers.len());
    assert_eq!(left.requests, right.requests);
}

fn recorded(case: &str) -> Vec<Value> {
    let file = root().join("tests/parity").join(case).join("session.jsonl");
    let text = std::fs::read_to_string(file).expect("a session");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a step"))
        .collect()
}

/// A session with the bookshop.
fn session(steps: Vec<Value>) -> Session {
    let (upstream, release) = upstream(bookshop);
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Session {
        steps,
        upstream,
        release,
        env: CREDENTIALS.map(pair).to_vec(),
    }
}

/// A program that is built from the crate of the bookshop with these options.
fn built(scratch: &Scratch, name: &str, options: &[&str]) -> String {
    built_from(DOCUMENT, scratch, name, options)
}

/// A program that is built from the crate of a document or policy with these options.
fn built_from(document: &str, scratch: &Scratch, name: &str, options: &[&str]) -> String {
    let folder = scratch.path().join(name);
    let output = folder.to_str().expect("UTF-8");
    let build = ["build", document, "-o", output, "--name", name];
    run(&[&build[..], options].concat(), &[], "").expect(0);
    cargo::program(&folder, name)
}

#[test]
fn a_crate_behaves_as_the_interpreter() {
    let steps = recorded("bookshop");
    assert!(steps.len() >= 100, "{} steps", steps.len());
    let cancelled = steps.iter().filter(|step| step.get("cancel").is_some());
    assert!(cancelled.count() >= 3);
    let session = session(steps);
    let base = format!("{}/v1", session.upstream.url());
    let options = ["--base-url", base.as_str(), "--enable", "destroy"];
    let scratch = Scratch::new();
    let program = built(&scratch, "parity-server", &options);
    let serve = [&["serve", DOCUMENT][..], &options].concat();
    let transcript = session.compare(&serve, &program);
    assert!(transcript.requests.len() > 50);
}

#[test]
fn a_crate_obeys_the_policy_as_the_interpreter_does() {
    let mut session = session(recorded("policy"));
    let till = ("BOOKSHOP_TILL".to_owned(), "till 7".to_owned());
    session.env.push(till);
    let scratch = Scratch::new();
    let policy = std::fs::read_to_string(root().join("specs/bookshop/mcpgen.yaml"));
    let document = root().join(DOCUMENT).display().to_string();
    let policy = policy
        .expect("the policy")
        .replace("./openapi.yaml", &document)
        .replace("https://bookshop.example", &session.upstream.url());
    let policy = scratch.file("mcpgen.yaml", policy);
    let program = built_from(&policy, &scratch, "parity-policy-server", &[]);
    let transcript = session.compare(&["serve", &policy], &program);
    let answers = transcript.answers.join("\n");
    let requests = transcript.requests.join("\n");
    for told in [
        "note: /limit was changed from 5000 to 25, its bound",
        "note: /filter/price/max was changed from 500 to 100, its bound",
        "/currency: no such argument",
        "/couponCode: no such argument",
        "unknown tool `delete_book`",
    ] {
        assert!(answers.contains(told), "{told}\n{answers}");
    }
    for sent in [
        "limit=25",
        "currency=EUR",
        "till 7",
        "cu_0007",
        "idempotency-key: (a new one)",
    ] {
        assert!(requests.contains(sent), "{sent}\n{requests}");
    }
    // What the model may not set is not told to it, and what it may not do was not done.
    let list = answers.lines().find(|line| line.contains("inputSchema"));
    let list: Value = serde_json::from_str(list.expect("a list of tools")).expect("JSON");
    let tools = list["result"]["tools"].as_array().expect("tools").iter();
    let inputs: Vec<String> = tools.map(|tool| tool["inputSchema"].to_string()).collect();
    let list = inputs.join("\n");
    assert!(
        !list.contains("customerId") && !list.contains("couponCode"),
        "{list}"
    );
    assert!(
        !requests.contains("DELETE") && !requests.contains("USD") && !requests.contains("cu_0001")
    );
}
