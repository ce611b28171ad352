//! A minimal MCP client over stdio. It checks every line it gets, and hides nothing: what it returns
//! is what the server wrote.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::PATIENCE;
use super::process::{self, Running};

/// The newest version that begins with `initialize`.
pub(crate) const LEGACY: &str = "2025-11-25";
/// The version in which each request stands alone.
pub(crate) const MODERN: &str = "2026-07-28";

/// A running server and the conversation with it. Dropping it kills the server.
pub(crate) struct Client {
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<Value, String>>,
    /// Messages that came while another one was waited for.
    waiting: VecDeque<Value>,
    stderr: Arc<Mutex<Vec<u8>>>,
    stderr_reader: Option<JoinHandle<()>>,
    running: Running,
    last_id: u64,
    modern: bool,
}

impl Client {
    /// Starts `mcpgen` with these arguments. Of the environment only `PATH` and `HOME` stay; `env`
    /// is added.
    #[track_caller]
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_mcpgen"), args, env)
    }

    /// Starts any server.
    #[track_caller]
    pub(crate) fn start_program(program: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut child = process::spawn(program, args, env);
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let mut stderr = child.stderr.take().expect("stderr is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || read_lines(stdout, &sender));
        let collected = Arc::new(Mutex::new(Vec::new()));
        let stderr_reader = thread::spawn({
            let collected = Arc::clone(&collected);
            move || {
                let mut chunk = [0; 4096];
                while let Ok(count @ 1..) = stderr.read(&mut chunk) {
                    collected.lock().unwrap().extend_from_slice(&chunk[..count]);
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            lines,
            waiting: VecDeque::new(),
            stderr: collected,
            stderr_reader: Some(stderr_reader),
            running: Running::new(child),
            last_id: 0,
            modern: false,
        }
    }

    /// Adds the `_meta` of 2026-07-28 to the parameters of every request from now on.
    #[must_use]
    pub(crate) fn modern(mut self) -> Self {
        self.modern = true;
        self
    }

    /// Begins a session of 2025-11-25 and returns the result of `initialize`.
    #[track_caller]
    pub(crate) fn initialize(&mut self) -> Value {
        self.initialize_as(LEGACY)
    }

    /// Begins a session of some older version and returns the result of `initialize`.
    #[track_caller]
    pub(crate) fn initialize_as(&mut self, version: &str) -> Value {
        let result = self.result(
            "initialize",
            json!({
                "protocolVersion": version,
                "capabilities": {},
                "clientInfo": {"name": "t", "version": "0"},
            }),
        );
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        result
    }

    /// Sends a request with the next id and returns the whole response. Other messages that come
    /// first are kept for [`Self::recv`].
    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send_request(method, params);
        self.response(id)
    }

    /// The `result` of a request that must succeed.
    #[track_caller]
    pub(crate) fn result(&mut self, method: &str, params: Value) -> Value {
        let mut response = self.request(method, params);
        match response.get_mut("result") {
            Some(result) => result.take(),
            None => panic!("{method} failed: {response}"),
        }
    }

    /// The tools, as listed; there must be no further page.
    #[track_caller]
    pub(crate) fn tools(&mut self) -> Vec<Value> {
        let result = self.result("tools/list", json!({}));
        assert_eq!(result.get("nextCursor"), None, "the list has another page");
        let tools = result.get("tools").and_then(Value::as_array);
        tools.expect("tools/list has tools").clone()
    }

    /// The result of a tool call, `isError` or not.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let params = [("name", Value::from(tool)), ("arguments", arguments)];
        self.result("tools/call", Value::from_iter(params))
    }

    /// Sends a request and returns its id without waiting for the response.
    #[track_caller]
    pub(crate) fn send_request(&mut self, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        let params = if self.modern {
            with_meta(params)
        } else {
            params
        };
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Waits for the response to a request that was sent.
    #[track_caller]
    pub(crate) fn response(&mut self, id: u64) -> Value {
        let is_it = |message: &Value| message.get("method").is_none() && message["id"] == id;
        if let Some(at) = self.waiting.iter().position(is_it) {
            return self.waiting.remove(at).expect("it is there");
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.next_line(left) {
                Some(message) if is_it(&message) => return message,
                Some(message) => self.waiting.push_back(message),
                None => self.fail(&format!("no response to request {id}")),
            }
        }
    }

    /// Sends one message as a line.
    #[track_caller]
    pub(crate) fn send(&mut self, message: &Value) {
        self.send_raw(format!("{message}\n").as_bytes());
    }

    /// Sends bytes as they are; a line end is the caller's business.
    #[track_caller]
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        if let Err(error) = stdin.write_all(bytes).and_then(|()| stdin.flush()) {
            self.fail(&format!("cannot send: {error}"));
        }
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn recv(&mut self, limit: Duration) -> Value {
        match self.try_recv(limit) {
            Some(message) => message,
            None => self.fail(&format!("no message within {limit:?}")),
        }
    }

    /// The next message, or nothing if none comes or the server ended its output.
    #[track_caller]
    pub(crate) fn try_recv(&mut self, limit: Duration) -> Option<Value> {
        self.waiting.pop_front().or_else(|| self.next_line(limit))
    }

    /// Closes the server's input.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal by name: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&mut self, name: &str) {
        self.running.signal(name);
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Waits for the server to end, and for the rest of its output to be valid.
    #[track_caller]
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let Some(status) = self.running.wait(limit) else {
            self.fail(&format!("the server still runs after {limit:?}"));
        };
        while let Some(message) = self.next_line(limit) {
            self.waiting.push_back(message);
        }
        status
    }

    /// What the server wrote to its standard error: all of it if it ended, else so far.
    pub(crate) fn stderr(&mut self) -> String {
        if self.running.wait(Duration::ZERO).is_some()
            && let Some(reader) = self.stderr_reader.take()
        {
            let _ = reader.join();
        }
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn next_line(&mut self, limit: Duration) -> Option<Value> {
        match self.lines.recv_timeout(limit) {
            Ok(Ok(message)) => Some(message),
            Ok(Err(fault)) => self.fail(&fault),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    #[track_caller]
    fn fail(&mut self, what: &str) -> ! {
        let (ended, stderr) = (self.running.wait(Duration::ZERO), self.stderr());
        panic!(
            "{what}\nended: {ended:?}\nwaiting: {:?}\nstderr: {stderr}",
            self.waiting
        )
    }
}

/// Adds what every request of 2026-07-28 carries, unless the test gave it.
pub(crate) fn with_meta(params: Value) -> Value {
    let mut params = match params {
        Value::Object(params) => params,
        Value::Null => Map::new(),
        other => return other,
    };
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    if let Value::Object(meta) = meta {
        let own = [
            ("protocolVersion", json!(MODERN)),
            ("clientCapabilities", json!({})),
            ("clientInfo", json!({"name": "t", "version": "0"})),
        ];
        for (key, value) in own {
            meta.entry(format!("io.modelcontextprotocol/{key}"))
                .or_insert(value);
        }
    }
    Value::Object(params)
}

fn read_lines(stdout: ChildStdout, lines: &Sender<Result<Value, String>>) {
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    while let Ok(1..) = stdout.read_until(b'\n', &mut line) {
        let _ = lines.send(check_line(&line));
        line.clear();
    }
}

/// Whether a line of output is one JSON-RPC message and nothing else.
fn check_line(line: &[u8]) -> Result<Value, String> {
    let shown = || String::from_utf8_lossy(line).escape_debug().to_string();
    let fault = |what: &str| format!("not a JSON-RPC message ({what}): {}", shown());
    let Some(line) = line.strip_suffix(b"\n") else {
        return Err(fault("no line end"));
    };
    let message: Value = serde_json::from_slice(line).map_err(|e| fault(&e.to_string()))?;
    if message["jsonrpc"] != "2.0" {
        return Err(fault("jsonrpc is not 2.0"));
    }
    let named = |id: &Value| id.is_string() || id.is_i64() || id.is_u64();
    let id = message.get("id");
    let kinds = ["method", "result", "error"].map(|key| message.get(key));
    match kinds {
        [Some(method), None, None] if method.is_string() => match id {
            Some(id) if !named(id) => Err(fault("a bad id")),
            _ => Ok(message),
        },
        [None, Some(result), None] if result.is_object() => match id {
            Some(id) if named(id) => Ok(message),
            _ => Err(fault("a result without an id")),
        },
        [None, None, Some(error)] if error["code"].is_i64() && error["message"].is_string() => {
            match id {
                Some(id) if !named(id) && !id.is_null() => Err(fault("a bad id")),
                _ => Ok(message),
            }
        }
        _ => Err(fault("neither a request, a result nor an error")),
    }
}

#[cfg(test)]
mod tests;
