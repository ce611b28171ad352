//! `mcpgen serve` beside the crate that `mcpgen build` makes of the same document, in one run.
//!
//! `cargo bench --bench crate` compiles two crates, which takes minutes, and prints a table for
//! `docs/performance.md`; `-- --quick` measures three times instead of fifteen. It reads /proc, so it
//! needs Linux.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

#[path = "http/floors.rs"]
mod floors;
#[allow(dead_code, reason = "the older era is measured beside the floors")]
#[path = "http/load.rs"]
mod load;
#[path = "support/process.rs"]
mod process;
#[path = "http/server.rs"]
mod server;
#[path = "support/start.rs"]
mod start;

use floors::Role;
use load::Dialect;
use process::{median, megabytes, millis};
use server::{LOADS, Row, Server};
use start::{LIST, Start};

const MCPGEN: &str = env!("CARGO_BIN_EXE_mcpgen");
const BOOKSHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/bookshop/openapi.yaml");
/// One operation.
const ITEMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/http/items.yaml");

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some((role, upstream)) = Role::of(&args) {
        return role.run(&upstream);
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let times = if quick { 3 } else { 15 };
    let mut table = Table(Vec::new());
    start_up(times, &mut table)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(calls(times, &mut table))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "| | `serve` | crate | crate ÷ `serve` |")?;
    writeln!(out, "|---|--:|--:|--:|")?;
    for line in table.0 {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\nEverything was measured {times} times, in turns.")?;
    Ok(())
}

/// Lines of the table.
struct Table(Vec<String>);

impl Table {
    fn add(&mut self, name: &str, serve: f64, built: f64, digits: usize) {
        let ratio = built / serve;
        self.0.push(format!(
            "| {name} | {serve:.digits$} | {built:.digits$} | {ratio:.2} |"
        ));
    }
}

/// From the start of the process to the whole list of the bookshop's tools.
fn start_up(times: usize, table: &mut Table) -> Result<()> {
    let nobody = "http://127.0.0.1:1";
    let program = built(BOOKSHOP, "bench-bookshop", nobody)?;
    let serve = || {
        let mut command = Command::new(MCPGEN);
        command.args(["serve", BOOKSHOP, "--base-url", nobody]);
        command.args(["--enable", "destroy"]);
        start::answered(command, LIST)
    };
    let built = || start::answered(Command::new(&program), LIST);
    // The first starts read the files from the disk: they are not counted.
    let (first, second) = (serve()?, built()?);
    ensure!(first.answer == second.answer, "the lists are not the same");
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..times {
        left.push(serve()?);
        right.push(built()?);
    }
    let figures = |starts: &[Start]| {
        let elapsed: Vec<Duration> = starts.iter().map(|start| start.elapsed).collect();
        let peaks: Vec<u64> = starts.iter().map(|start| start.peak_kib).collect();
        (
            millis(median(&elapsed).unwrap_or_default()),
            megabytes(median(&peaks).unwrap_or_default()),
        )
    };
    let ((serve, serve_peak), (built, built_peak)) = (figures(&left), figures(&right));
    let what = format!("start to the whole `tools/list` ({})", first.answer);
    table.add(&format!("{what}, ms"), serve, built, 1);
    table.add("peak RSS by then, MB", serve_peak, built_peak, 1);
    let size = |path: &str| -> Result<f64> { Ok(megabytes(std::fs::metadata(path)?.len() / 1024)) };
    table.add("program, MB", size(MCPGEN)?, size(&program)?, 1);
    Ok(())
}

/// Calls over HTTP.
async fn calls(rounds: usize, table: &mut Table) -> Result<()> {
    let upstream = floors::upstream()?;
    let origin = format!("http://{}", upstream.target.address);
    let program = built(ITEMS, "bench-items", &origin)?;
    let http = ["--http", "127.0.0.1:0"];
    let serve = [&["serve", ITEMS, "--base-url", &origin][..], &http].concat();
    let servers = [
        Server::start("serve", MCPGEN, &serve, Dialect::Modern)?,
        Server::start("crate", &program, &http, Dialect::Modern)?,
    ];
    let rows = server::measure(&servers, rounds).await?;
    for load in LOADS {
        let row = |name: &str| -> Result<&Row> {
            let found = rows
                .iter()
                .find(|row| row.name == name && row.clients == load.clients);
            found.context("measured")
        };
        let (serve, built) = (row("serve")?, row("crate")?);
        let noun = if load.clients == 1 {
            "client"
        } else {
            "clients"
        };
        let at = |what: &str| format!("{what}, {} {noun}", load.clients);
        let mut both = |what: &str, figure: &dyn Fn(&Row) -> f64, digits| {
            table.add(&at(what), figure(serve), figure(built), digits);
        };
        both("call p50, ms", &|row| row.median(|cell| cell.p50), 3);
        both("call p99, ms", &|row| row.median(|cell| cell.p99), 3);
        both("calls/s", &|row| row.median(|cell| cell.throughput), 0);
        both(
            "CPU, ms per 1,000 calls",
            &|row| row.mean(|cell| cell.cpu),
            0,
        );
        both("peak RSS, MB", &|row| row.median(|cell| cell.peak), 1);
        let spread = serve.spread().max(built.spread());
        writeln!(
            std::io::stderr(),
            "{}: {spread:.0} % between rounds",
            at("calls/s")
        )?;
    }
    Ok(())
}

/// Builds the crate of a document and compiles it as a release; its program.
fn built(document: &str, name: &str, origin: &str) -> Result<String> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = scratch.parent().context("a folder")?;
    let folder = scratch.join("bench-crates").join(name);
    let mut build = Command::new(MCPGEN);
    build
        .args(["build", document, "--name", name, "--base-url", origin])
        .args(["--enable", "destroy", "--force", "-o"])
        .arg(&folder);
    run(&mut build)?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(target)
        .current_dir(&folder);
    run(&mut cargo)?;
    let program = target.join("release").join(name);
    Ok(program.to_str().context("a path in UTF-8")?.to_owned())
}

fn run(command: &mut Command) -> Result<()> {
    // The table alone is on standard output.
    let status = command.stdout(std::io::stderr()).status()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
