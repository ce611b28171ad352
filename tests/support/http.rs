//! A server over HTTP, and a client that sends exactly the bytes it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitStatus;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::PATIENCE;
use super::client::{MODERN, with_meta};
use super::process::{self, Running};

/// A running `mcpgen … --http 127.0.0.1:0`. Dropping it kills the server.
pub(crate) struct HttpServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// The endpoint's path.
    pub path: String,
    stderr: Receiver<String>,
    running: Running,
}

impl HttpServer {
    /// Starts `mcpgen` with these arguments and `--http 127.0.0.1:0`, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_mcpgen"), args, env)
    }

    /// Starts any server that takes `--http`.
    #[track_caller]
    pub(crate) fn start_program(program: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let args = [args, &["--http", "127.0.0.1:0"]].concat();
        let mut child = process::spawn(program, &args, env);
        let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let running = Running::new(child);
        let mut seen = Vec::new();
        loop {
            let line = lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("the server does not listen: {seen:#?}"));
            if let Some((_, url)) = line.split_once("listening on http://") {
                let (address, path) = url.split_once('/').expect("a URL has a path");
                return Self {
                    address: address.parse().expect("an address"),
                    path: format!("/{path}"),
                    stderr: lines,
                    running,
                };
            }
            seen.push(line);
        }
    }

    /// The endpoint's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// A new connection.
    #[track_caller]
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// Calls a tool on a connection of its own, in the modern era, and returns the result.
    #[track_caller]
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        let mut response = self.connect().rpc(&self.path, &json!(1), tool, arguments);
        match response.get_mut("result") {
            Some(result) => result.take(),
            None => panic!("{tool} failed: {response}"),
        }
    }

    /// Memory that the server has in use, in KiB.
    #[track_caller]
    pub(crate) fn resident_kib(&self) -> u64 {
        let file = format!("/proc/{}/status", self.running.pid());
        let status = std::fs::read_to_string(file).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("VmRSS is a number")
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&mut self, name: &str) {
        self.running.signal(name);
    }

    /// The exit status, or nothing if the server still runs after `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.running.wait(limit)
    }

    /// The lines that standard error brought so far.
    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.try_iter().collect()
    }
}

/// An HTTP/1.1 response.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, values as sent.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("not JSON: {error}: {}", String::from_utf8_lossy(&self.body))
        })
    }
}

/// A connection that is kept open between requests.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects; reads wait [`PATIENCE`] at most.
    #[track_caller]
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a POST with these headers beside `Content-Length`.
    #[track_caller]
    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.begin(path, headers, body);
        self.response().expect("a response")
    }

    /// Sends the same without waiting for the response.
    #[track_caller]
    pub(crate) fn begin(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("POST {path} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        // One write: two would wait for each other where delayed acknowledgements are on.
        let bytes = [head.as_bytes(), body].concat();
        self.send(&bytes).expect("the request is sent");
    }

    /// Calls a tool in the modern era and returns the whole JSON-RPC response.
    #[track_caller]
    pub(crate) fn rpc(&mut self, path: &str, id: &Value, tool: &str, arguments: &Value) -> Value {
        self.begin_message(path, MODERN, &call_body(id, tool, arguments));
        self.response().expect("a response").json()
    }

    /// Sends a message as clients of a version do, without waiting for the response.
    #[track_caller]
    pub(crate) fn begin_message(&mut self, path: &str, version: &str, message: &Value) {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let headers = [
            ("Host", "127.0.0.1"),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", version),
            ("Mcp-Method", text("/method").expect("a method")),
            ("Mcp-Name", text("/params/name").unwrap_or("none")),
        ];
        let mut message = message.clone();
        if version == MODERN {
            message["params"] = with_meta(message["params"].take());
        }
        self.begin(path, &headers, message.to_string().as_bytes());
    }

    /// Status and body of the next response.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> String {
        let response = self.response().expect("a response");
        let body = String::from_utf8_lossy(&response.body);
        format!("{} {body}", response.status)
    }

    /// Reads one response; an error if the connection ends before it is complete.
    pub(crate) fn response(&mut self) -> std::io::Result<Response> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let status = lines[0].split(' ').nth(1).and_then(|s| s.parse().ok());
        let headers: Vec<(String, String)> = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| value.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        Ok(Response {
            status: status.unwrap_or(0),
            headers,
            body,
        })
    }
}

/// A `tools/call` of the modern era.
pub(crate) fn call_body(id: &Value, tool: &str, arguments: &Value) -> Value {
    let params = with_meta(json!({"name": tool, "arguments": arguments}));
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
}
