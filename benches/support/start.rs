//! One start of a server over standard input and output.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::Process;

/// The first message of a client that speaks MCP 2026-07-28.
pub(crate) const LIST: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientCapabilities":{}}}}"#,
    "\n"
);

/// What one start showed.
pub(crate) struct Start {
    pub(crate) elapsed: Duration,
    /// What it took of processors, which says more where other work is done beside it.
    #[allow(dead_code, reason = "not every benchmark shows it")]
    pub(crate) processor: Duration,
    pub(crate) peak_kib: u64,
    /// What was answered, in words.
    #[allow(dead_code, reason = "not every benchmark shows it")]
    pub(crate) answer: String,
}

/// Starts a server on stdio and sends it a message, which is there before the server is. The answer
/// has a list of tools.
pub(crate) fn answered(mut command: Command, message: &str) -> Result<Start> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let started = Instant::now();
    let mut child = Process(command.stderr(Stdio::null()).spawn()?);
    let mut stdin = child.0.stdin.take().context("a pipe")?;
    stdin.write_all(message.as_bytes())?;
    let mut stdout = BufReader::new(child.0.stdout.take().context("a pipe")?);
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let elapsed = started.elapsed();
    let (peak_kib, processor) = (child.peak_kib()?, processor(&child)?);
    drop(stdin);
    ensure!(child.0.wait()?.success(), "the server did not end well");
    let answer: Value = serde_json::from_str(&line).context(line.clone())?;
    let tools = answer
        .pointer("/result/tools")
        .or_else(|| answer.pointer("/result/structuredContent/tools"))
        .and_then(Value::as_array);
    let tools = tools.with_context(|| line.clone())?.len();
    Ok(Start {
        elapsed,
        processor,
        peak_kib,
        answer: format!("{tools} tools, {} kB", line.len() / 1000),
    })
}

/// The time that all threads of a process have run so far (`schedstat`, in nanoseconds).
pub(crate) fn processor(process: &Process) -> Result<Duration> {
    let path = format!("/proc/{}/task", process.0.id());
    let mut all = 0;
    for thread in fs::read_dir(&path).with_context(|| path.clone())? {
        // A thread may end meanwhile.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        let ran = text.split_whitespace().next();
        all += ran
            .and_then(|digits| digits.parse::<u64>().ok())
            .with_context(|| format!("{path}: no schedstat"))?;
    }
    Ok(Duration::from_nanos(all))
}
