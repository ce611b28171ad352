//! `pgbench -S -M prepared`: rows by key with nothing around them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mcpgen::cluster::{Cluster, READER, SUPERUSER};

/// Of how many transactions one is logged: writing all of them down would cost some of the rate.
const SAMPLING: &str = "0.1";

/// What a round showed.
pub(crate) struct Round {
    /// Transactions.
    pub(crate) count: usize,
    /// Transactions a second.
    pub(crate) rate: f64,
    /// One latency a logged transaction, sorted.
    pub(crate) latencies: Vec<Duration>,
}

/// Makes pgbench's tables, with 100,000 accounts.
pub(crate) fn init(cluster: &Cluster) -> Result<()> {
    let mut command = pgbench(cluster, SUPERUSER);
    said(command.args(["--initialize", "--scale", "1", "--quiet", "postgres"]))?;
    Ok(())
}

/// One round.
pub(crate) fn round(cluster: &Cluster, clients: usize, seconds: u64) -> Result<Round> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-pgbench");
    // What an earlier run left.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut command = pgbench(cluster, READER);
    command.args([
        "--select-only",
        "--protocol",
        "prepared",
        "--no-vacuum",
        "--log",
    ]);
    command.args(["--jobs", "2", "--sampling-rate", SAMPLING, "--log-prefix"]);
    command.arg(folder.join("log"));
    command.arg(format!("--client={clients}"));
    command.arg(format!("--time={seconds}"));
    let text = said(command.arg("postgres"))?;
    let number = |before: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(before));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number.with_context(|| format!("no `{before}`: {text}"))
    };
    let count = number("number of transactions actually processed: ")?.parse()?;
    let rate = number("tps = ")?.parse()?;
    let latencies = logged(&folder)?;
    fs::remove_dir_all(&folder)?;
    Ok(Round {
        count,
        rate,
        latencies,
    })
}

/// The latencies of a log, the third of its figures, in microseconds.
fn logged(folder: &Path) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for file in fs::read_dir(folder)? {
        let text = fs::read_to_string(file?.path())?;
        for line in text.lines() {
            let figure = line.split_whitespace().nth(2).context("three figures")?;
            latencies.push(Duration::from_micros(figure.parse()?));
        }
    }
    latencies.sort_unstable();
    Ok(latencies)
}

/// The program beside the others of PostgreSQL, as a user of a cluster.
fn pgbench(cluster: &Cluster, user: &str) -> Command {
    let folder = std::env::var_os("MCPGEN_PG_BIN").filter(|folder| !folder.is_empty());
    let program = folder.map_or(OsString::from("pgbench"), |folder| {
        Path::new(&folder).join("pgbench").into()
    });
    let mut command = Command::new(program);
    command.arg("--host").arg(cluster.folder());
    command.args(["--username", user]);
    command
}

/// What it says, if all goes well.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}
