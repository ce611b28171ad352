//! The load generator: connections that each send the next call when the last is answered, over
//! HTTP/1.1 written by hand, so that it takes little of the processors that it shares with the
//! servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Calls are numbered from here, so that all have requests and answers of the same length.
const FIRST_CALL: u64 = 1_000_000;

/// How calls are worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The upstream's own.
    Get,
    /// `tools/call` of MCP 2026-07-28.
    Modern,
    /// `tools/call` of MCP 2025-11-25.
    Legacy,
    /// A `tools/call` of MCP 2026-07-28 that gets a row of pgbench's accounts by its key.
    Row,
}

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After so many calls.
    Calls(u64),
    /// After a time, when the calls that have begun are answered.
    Time(Duration),
}

/// The account that a call asks for: one of those with five digits, each in its turn.
fn account(number: u64) -> u64 {
    10_000 + number * 7_919 % 90_000
}

impl Dialect {
    /// The whole request of one call.
    fn request(self, address: SocketAddr, number: u64) -> Vec<u8> {
        if self == Self::Get {
            return format!(
                "GET /items/{number}?currency=EUR&limit=10 HTTP/1.1\r\nhost: {address}\r\n\
                 accept: application/json\r\n\r\n"
            )
            .into_bytes();
        }
        let (tool, arguments) = match self {
            Self::Row => (
                "pgbench_accounts_get",
                format!(r#"{{"aid":{}}}"#, account(number)),
            ),
            _ => (
                "get_item",
                format!(r#"{{"id":{number},"currency":"EUR","limit":10}}"#),
            ),
        };
        let (version, meta) = match self {
            Self::Modern | Self::Row => (
                format!("2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}"),
                concat!(
                    r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
                    r#""io.modelcontextprotocol/clientCapabilities":{},"#,
                    r#""io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}}"#
                ),
            ),
            _ => ("2025-11-25".to_owned(), ""),
        };
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}{meta}}}}}"#
        );
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: {version}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// Whether an answer is the right one.
    fn check(self, number: u64, body: &[u8]) -> Result<()> {
        let text = || String::from_utf8_lossy(body).into_owned();
        let answer: Value = serde_json::from_slice(body).with_context(text)?;
        let item = match self {
            Self::Get => &answer,
            Self::Modern | Self::Legacy | Self::Row => {
                ensure!(answer.get("id") == Some(&json!(number)), "{}", text());
                let text_block = answer.pointer("/result/content/0/text");
                let inner: Value =
                    serde_json::from_str(text_block.and_then(Value::as_str).unwrap_or_default())
                        .with_context(text)?;
                let structured = answer.pointer("/result/structuredContent");
                let structured = structured.with_context(text)?;
                ensure!(inner == *structured, "{}", text());
                structured
            }
        };
        let (at, expected) = match self {
            Self::Row => ("/row/aid", account(number)),
            _ => ("/id", number),
        };
        ensure!(item.pointer(at) == Some(&json!(expected)), "{}", text());
        Ok(())
    }
}

/// Where calls go and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) dialect: Dialect,
}

/// What a run of calls showed.
pub(crate) struct Run {
    /// One latency a call, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Run {
    /// The latency that this share of the calls, in percent, does not exceed.
    pub(crate) fn percentile(&self, share: usize) -> Duration {
        percentile(&self.latencies, share)
    }

    /// Calls a second.
    #[allow(clippy::cast_precision_loss, reason = "calls are far fewer than 2^53")]
    pub(crate) fn throughput(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// The one of sorted latencies that this share of them, in percent, does not exceed.
pub(crate) fn percentile(sorted: &[Duration], share: usize) -> Duration {
    let index = (sorted.len() * share).div_ceil(100);
    let found = sorted.get(index.saturating_sub(1));
    found.copied().unwrap_or_default()
}

/// Makes calls on `clients` connections, which are opened and checked before the clock starts.
pub(crate) async fn run(target: Target, clients: usize, until: Until) -> Result<Run> {
    let next = Arc::new(AtomicU64::new(FIRST_CALL));
    let mut connections = Vec::new();
    for _ in 0..clients {
        let mut connection = Connection::open(target).await?;
        connection.call(FIRST_CALL).await?;
        target.dialect.check(FIRST_CALL, connection.body())?;
        connections.push(connection);
    }
    let started = Instant::now();
    let (end, at) = match until {
        Until::Calls(calls) => (FIRST_CALL + calls, None),
        Until::Time(time) => (u64::MAX, Some(started + time)),
    };
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::spawn(connection.work(next.clone(), end, at)))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    Ok(Run { latencies, elapsed })
}

/// One connection, kept open.
struct Connection {
    target: Target,
    stream: TcpStream,
    /// The last answer.
    buffer: Vec<u8>,
    /// Where its body begins.
    head: usize,
}

impl Connection {
    async fn open(target: Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            target,
            stream,
            buffer: Vec::with_capacity(16 * 1024),
            head: 0,
        })
    }

    /// Calls until the numbers or the time are used up. Every answer has the length of the first,
    /// which was looked at as a whole.
    async fn work(
        mut self,
        next: Arc<AtomicU64>,
        end: u64,
        at: Option<Instant>,
    ) -> Result<Vec<Duration>> {
        let length = self.body().len();
        let mut latencies = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let started = Instant::now();
            if number >= end || at.is_some_and(|at| started >= at) {
                return Ok(latencies);
            }
            self.call(number).await?;
            latencies.push(started.elapsed());
            ensure!(
                self.body().len() == length,
                "call {number} was answered otherwise: {}",
                String::from_utf8_lossy(&self.buffer)
            );
        }
    }

    fn body(&self) -> &[u8] {
        self.buffer.get(self.head..).unwrap_or_default()
    }

    async fn call(&mut self, number: u64) -> Result<()> {
        let request = self.target.dialect.request(self.target.address, number);
        self.stream.write_all(&request).await?;
        tokio::time::timeout(PATIENCE, self.read())
            .await
            .with_context(|| format!("call {number} is not answered"))?
    }

    /// Reads one answer: status 200 and a body of the length that the head says.
    async fn read(&mut self) -> Result<()> {
        self.buffer.clear();
        let mut whole = None;
        while whole.is_none_or(|whole| self.buffer.len() < whole) {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the connection was closed");
            if whole.is_none()
                && let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                self.head = end + 4;
                let head = self.buffer.get(..end).unwrap_or_default();
                whole = Some(self.head + length(head)?);
            }
        }
        Ok(())
    }
}

/// The body's length.
fn length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    ensure!(status.starts_with("HTTP/1.1 200"), "{head}");
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(value.trim().parse()?);
        }
    }
    bail!("no content-length: {head}")
}
