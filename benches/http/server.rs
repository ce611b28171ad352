//! Servers as processes of their own, and what they cost under load.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::load::{self, Dialect, Target, Until};
use crate::process::{self, Process, median};

/// The loads of the servers over HTTP.
pub(crate) const LOADS: [Load; 2] = [
    Load {
        clients: 1,
        until: Until::Calls(2_000),
        warm_up: 200,
    },
    Load {
        clients: 32,
        until: Until::Calls(8_000),
        warm_up: 800,
    },
];
/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much is asked of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Connections.
    pub(crate) clients: usize,
    /// When the measurement ends.
    pub(crate) until: Until,
    /// The calls before it.
    pub(crate) warm_up: u64,
}

/// One measurement of one server under one load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Median latency, ms.
    pub(crate) p50: f64,
    /// 99th percentile, ms.
    pub(crate) p99: f64,
    /// Calls a second.
    pub(crate) throughput: f64,
    /// The server's CPU time, ms per 1,000 calls.
    pub(crate) cpu: f64,
    /// Peak resident set, MB.
    pub(crate) peak: f64,
}

/// The measurements of one server under one load.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) clients: usize,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    pub(crate) fn new(name: &'static str, clients: usize) -> Self {
        Self {
            name,
            clients,
            cells: Vec::new(),
        }
    }

    /// The median of one figure.
    pub(crate) fn median(&self, figure: impl Fn(&Cell) -> f64) -> f64 {
        let figures: Vec<f64> = self.cells.iter().map(figure).collect();
        median(&figures).unwrap_or(f64::NAN)
    }

    /// The mean of one figure: right for one that is read in coarse steps.
    #[allow(clippy::cast_precision_loss, reason = "rounds are few")]
    pub(crate) fn mean(&self, figure: impl Fn(&Cell) -> f64) -> f64 {
        let figures = self.cells.iter().map(figure);
        figures.sum::<f64>() / self.cells.len() as f64
    }

    /// How far the fastest round is above the slowest, in percent.
    pub(crate) fn spread(&self) -> f64 {
        let figures = self.cells.iter().map(|cell| cell.throughput);
        let (low, high) = figures.fold((f64::INFINITY, 0.0_f64), |(low, high), figure| {
            (low.min(figure), high.max(figure))
        });
        (high / low - 1.0) * 100.0
    }
}

/// Measures all servers in turns under all loads: a row for each load and server.
pub(crate) async fn measure(servers: &[Server], rounds: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for load in LOADS {
        for server in servers {
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
pub(crate) struct Server {
    name: &'static str,
    pub(crate) target: Target,
    pub(crate) process: Process,
    log: PathBuf,
}

impl Server {
    /// Starts a server that says on standard error where it listens. Its log goes to a file, as a
    /// service's would: reading it here would cost the load generator time.
    pub(crate) fn start(
        name: &'static str,
        program: &str,
        args: &[&str],
        dialect: Dialect,
    ) -> Result<Self> {
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
    pub(crate) async fn cell(&self, load: Load) -> Result<Cell> {
        load::run(self.target, load.clients, Until::Calls(load.warm_up)).await?;
        let before = self.cpu()?;
        let run = load::run(self.target, load.clients, load.until).await?;
        let cpu = self.cpu()?.saturating_sub(before);
        let thousands = f64::from(u32::try_from(run.latencies.len())?) / 1000.0;
        Ok(Cell {
            p50: process::millis(run.percentile(50)),
            p99: process::millis(run.percentile(99)),
            throughput: run.throughput(),
            cpu: process::millis(cpu) / thousands,
            peak: process::megabytes(self.process.peak_kib()?),
        })
    }

    /// User and system time of the process so far (fields 14 and 15 of proc(5)'s `stat`).
    pub(crate) fn cpu(&self) -> Result<Duration> {
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
