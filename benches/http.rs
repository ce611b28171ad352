//! Calls over HTTP: mcpgen beside two floors over the same upstream, in one run.
//!
//! `cargo bench --bench http` prints a table for `docs/performance.md`; `-- --quick` measures
//! each cell three times instead of fifteen. Every server is a process of its own; the upstream and the floors are this binary with
//! a hidden argument. It reads /proc, so it needs Linux.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

#[path = "http/floors.rs"]
mod floors;
#[path = "http/load.rs"]
mod load;
#[path = "support/process.rs"]
mod process;
#[path = "http/table.rs"]
mod table;

use floors::Role;
use load::{Dialect, Target};
use process::Process;
use table::{Cell, Row};

/// How often each cell is measured. The cells take turns and are short, so that a slow spell of the
/// machine, or the processor that a server happens to be put on, does not decide a figure.
const ROUNDS: usize = 15;
/// The same in a quick run.
const ROUNDS_QUICK: usize = 3;
/// Connections, the calls that are measured on them, and those before to warm up.
const LOADS: [Load; 2] = [
    Load {
        clients: 1,
        calls: 2_000,
        warm_up: 200,
    },
    Load {
        clients: 32,
        calls: 8_000,
        warm_up: 800,
    },
];
/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Load {
    clients: usize,
    calls: u64,
    warm_up: u64,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some((role, upstream)) = Role::of(&args) {
        return role.run(&upstream);
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let rows = runtime.block_on(measure(if quick { ROUNDS_QUICK } else { ROUNDS }))?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", table::markdown(&rows))?;
    Ok(())
}

/// Starts all servers, measures all cells and stops the servers.
async fn measure(rounds: usize) -> Result<Vec<Row>> {
    let me = floors::program()?;
    let upstream = Server::start("upstream", &me, &[Role::Upstream.argument()], Dialect::Get)?;
    let origin = format!("http://{}", upstream.target.address);
    let floor =
        |name, role: Role, dialect| Server::start(name, &me, &[role.argument(), &origin], dialect);
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/http/items.yaml");
    let mcpgen = |name, dialect| {
        let args = [
            "serve",
            document,
            "--base-url",
            &origin,
            "--http",
            "127.0.0.1:0",
        ];
        Server::start(name, env!("CARGO_BIN_EXE_mcpgen"), &args, dialect)
    };
    let proxy = floor("floor 1: reverse proxy", Role::Proxy, Dialect::Get)?;
    let rpc = floor("floor 2: one JSON-RPC route", Role::Rpc, Dialect::Modern)?;
    let modern = mcpgen("mcpgen, 2026-07-28", Dialect::Modern)?;
    let legacy = mcpgen("mcpgen, 2025-11-25", Dialect::Legacy)?;
    let servers = [upstream, proxy, rpc, modern, legacy];
    let mut rows = Vec::new();
    for load in LOADS {
        for server in &servers {
            rows.push(Row::new(server.name, load.clients));
        }
    }
    for round in 1..=rounds {
        for (index, load) in LOADS.iter().enumerate() {
            for (place, server) in servers.iter().enumerate() {
                let cell = server.cell(*load).await;
                let cell = cell.with_context(|| server.name)?;
                if let Some(row) = rows.get_mut(index * servers.len() + place) {
                    row.cells.push(cell);
                }
            }
        }
        writeln!(std::io::stderr(), "round {round} of {rounds} done")?;
    }
    Ok(rows)
}

/// A server under load.
struct Server {
    name: &'static str,
    target: Target,
    process: Process,
    log: PathBuf,
}

impl Server {
    /// Starts a server that says on standard error where it listens. Its log goes to a file, as a
    /// service's would: reading it here would cost the load generator time.
    fn start(name: &'static str, program: &str, args: &[&str], dialect: Dialect) -> Result<Self> {
        let file = format!(
            "bench-{}.log",
            name.replace(|c: char| !c.is_alphanumeric(), "-")
        );
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| program.to_owned())?;
        let process = Process(child);
        let address = listening(&log).with_context(|| name)?;
        let target = Target { address, dialect };
        Ok(Self {
            name,
            target,
            process,
            log,
        })
    }

    /// One measurement.
    async fn cell(&self, load: Load) -> Result<Cell> {
        load::run(self.target, load.clients, load.warm_up).await?;
        let before = self.cpu()?;
        let run = load::run(self.target, load.clients, load.calls).await?;
        let cpu = self.cpu()?.saturating_sub(before);
        let thousands = f64::from(u32::try_from(load.calls)?) / 1000.0;
        Ok(Cell {
            p50: process::millis(run.percentile(50)),
            p99: process::millis(run.percentile(99)),
            throughput: run.throughput(),
            cpu: process::millis(cpu) / thousands,
            peak: process::megabytes(self.process.peak_kib()?),
        })
    }

    /// User and system time of the process so far (fields 14 and 15 of proc(5)'s `stat`).
    fn cpu(&self) -> Result<Duration> {
        let path = format!("/proc/{}/stat", self.process.0.id());
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        // The name before it, in brackets, may hold anything.
        let fields = text
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace());
        let ticks: Vec<u64> = fields
            .into_iter()
            .flatten()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        let [user, system] = ticks[..] else {
            bail!("{path}: no times");
        };
        // A tick is 10 ms wherever Linux shows it (USER_HZ).
        Ok(Duration::from_millis((user + system) * 10))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A log that stays behind is overwritten by the next run.
        let _ = fs::remove_file(&self.log);
    }
}

/// The address in the line that says where the server listens.
fn listening(log: &PathBuf) -> Result<SocketAddr> {
    let started = Instant::now();
    loop {
        let text = fs::read_to_string(log)?;
        let line = text
            .lines()
            .find_map(|line| line.split_once("listening on http://"));
        if let Some((_, url)) = line
            && text.ends_with('\n')
        {
            let address = url.split('/').next().unwrap_or_default();
            return Ok(address.parse()?);
        }
        if started.elapsed() > PATIENCE {
            bail!("it does not listen: {text}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
