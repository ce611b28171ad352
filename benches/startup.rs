//! Start-up and memory: from the start of the process to the whole `tools/list`, and `mcpgen check`.
//!
//! `cargo bench --bench startup` prints a table for `docs/performance.md`; `-- --quick` starts each
//! command three times instead of fifteen. GitHub's document is measured where `MCPGEN_CORPUS` names
//! the folder that holds it. It reads /proc, so it needs Linux.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

#[path = "support/process.rs"]
mod process;
#[path = "support/start.rs"]
mod start;

use process::{Process, median, megabytes, millis};
use start::{LIST, Start};

/// A search as the first message.
const SEARCH: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_tools","#,
    r#""arguments":{"query":"list the books or the labels"},"_meta":{"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientCapabilities":{}}}}"#,
    "\n"
);

fn main() -> Result<()> {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let times = if quick { 3 } else { 15 };
    let mut rows = Vec::new();
    for document in documents() {
        let name = document
            .strip_prefix(env!("CARGO_MANIFEST_DIR"))
            .ok()
            .or(document.file_name().map(Path::new))
            .unwrap_or(&document)
            .display()
            .to_string();
        let document = document.to_str().context("a path in UTF-8")?;
        for mode in ["list", "search"] {
            rows.push(row(
                &format!("`serve --tools {mode}`, first `tools/list`: {name}"),
                times,
                || serve(document, mode, LIST),
            )?);
        }
        rows.push(row(
            &format!("`serve --tools search`, first search: {name}"),
            times,
            || serve(document, "search", SEARCH),
        )?);
        rows.push(row(&format!("`check`: {name}"), times, || check(document))?);
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| command and document | median, ms | slowest, ms | CPU, ms | peak RSS, MB | answer |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|---|")?;
    for row in rows {
        writeln!(out, "{row}")?;
    }
    writeln!(out, "\nEach command was started {times} times.")?;
    Ok(())
}

/// A small document, and a large one where there is one.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let small = ["specs/bookshop/openapi.yaml", "tests/interop/petshop.yaml"];
    let small = small
        .map(|path| root.join(path))
        .into_iter()
        .find(|path| path.exists());
    let corpus = std::env::var_os("MCPGEN_CORPUS").map(PathBuf::from);
    let large = corpus.map(|corpus| corpus.join("github-current.json"));
    small
        .into_iter()
        .chain(large.filter(|path| path.exists()))
        .collect()
}

/// One line of the table.
fn row(name: &str, times: usize, start: impl Fn() -> Result<Start>) -> Result<String> {
    // The first start reads the files from the disk: it is not counted.
    let first = start().with_context(|| name.to_owned())?;
    let starts: Vec<Start> = (0..times).map(|_| start()).collect::<Result<_>>()?;
    let elapsed: Vec<Duration> = starts.iter().map(|start| start.elapsed).collect();
    let processor: Vec<Duration> = starts.iter().map(|start| start.processor).collect();
    let peaks: Vec<u64> = starts.iter().map(|start| start.peak_kib).collect();
    Ok(format!(
        "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {} |",
        millis(median(&elapsed).unwrap_or_default()),
        millis(elapsed.iter().max().copied().unwrap_or_default()),
        millis(median(&processor).unwrap_or_default()),
        megabytes(median(&peaks).unwrap_or_default()),
        first.answer,
    ))
}

/// The command, with every operation of the document.
fn mcpgen(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpgen"));
    command
        .args(args)
        .args(["--enable", "destroy"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Starts a server on stdio and sends it a message.
fn serve(document: &str, mode: &str, message: &str) -> Result<Start> {
    let mut command = mcpgen(&["serve", document, "--base-url", "http://127.0.0.1:1"]);
    command.args(["--tools", mode]);
    start::answered(command, message)
}

/// Runs a check to its end.
fn check(document: &str) -> Result<Start> {
    let started = Instant::now();
    let mut child = Process(mcpgen(&["check", document]).stdout(Stdio::null()).spawn()?);
    let (mut peak_kib, mut processor) = (0, Duration::ZERO);
    let status = loop {
        // A process that has just ended has no memory to tell of.
        peak_kib = child.peak_kib().unwrap_or(peak_kib);
        processor = start::processor(&child).unwrap_or(processor).max(processor);
        if let Some(status) = child.0.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    let elapsed = started.elapsed();
    ensure!(status.code().is_some_and(|code| code <= 1), "{status}");
    Ok(Start {
        elapsed,
        processor,
        peak_kib,
        answer: status.to_string(),
    })
}
