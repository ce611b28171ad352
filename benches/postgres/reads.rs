//! Rows by key over Streamable HTTP, beside pgbench on the same table, in turns.

use std::fs;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use mcpgen::cluster::{Cluster, READER};

use crate::load::{self, Dialect, Until};
use crate::pgbench;
use crate::process::{median, megabytes, millis};
use crate::server::Server;

const CLIENTS: usize = 16;
/// Calls before the first round.
const WARM_UP: u64 = 2_000;

/// One round of either.
struct Round {
    count: usize,
    /// A second.
    rate: f64,
    p50: Duration,
    p99: Duration,
    /// Processor time of PostgreSQL and of the server for 1,000 reads, ms.
    database: f64,
    server: f64,
}

/// The table of figures.
pub(crate) async fn measure(rounds: usize, seconds: u64) -> Result<String> {
    let cluster = Cluster::start(&[])?;
    pgbench::init(&cluster)?;
    cluster.load("", None).await?;
    let dsn = cluster.dsn("postgres", READER);
    let args = ["serve", &dsn, "--include", "pgbench_accounts_get"];
    let args = [&args[..], &["--http", "127.0.0.1:0"]].concat();
    let program = env!("CARGO_BIN_EXE_mcpgen");
    let server = Server::start("mcpgen-postgres", program, &args, Dialect::Row)?;
    load::run(server.target, CLIENTS, Until::Calls(WARM_UP)).await?;
    let postgres = cluster.pid().context("a running cluster")?;
    let mut memory = vec![server.process.resident_kib()?];
    let (mut peers, mut ours) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let before = processor(postgres)?;
        let peer = pgbench::round(&cluster, CLIENTS, seconds)?;
        let spent = processor(postgres)?.saturating_sub(before);
        peers.push(Round {
            count: peer.count,
            rate: peer.rate,
            p50: load::percentile(&peer.latencies, 50),
            p99: load::percentile(&peer.latencies, 99),
            database: for_thousand(spent, peer.count),
            server: 0.0,
        });
        let before = (processor(postgres)?, server.cpu()?);
        let until = Until::Time(Duration::from_secs(seconds));
        let run = load::run(server.target, CLIENTS, until).await?;
        let database = processor(postgres)?.saturating_sub(before.0);
        let own = server.cpu()?.saturating_sub(before.1);
        let count = run.latencies.len();
        ours.push(Round {
            count,
            rate: run.throughput(),
            p50: load::percentile(&run.latencies, 50),
            p99: load::percentile(&run.latencies, 99),
            database: for_thousand(database, count),
            server: for_thousand(own, count),
        });
        memory.push(server.process.resident_kib()?);
        writeln!(std::io::stderr(), "round {round} of {rounds} done")?;
    }
    Ok(table(&peers, &ours, &memory, seconds))
}

fn table(peers: &[Round], ours: &[Round], memory: &[u64], seconds: u64) -> String {
    let mut text = "\
| | clients | reads/s | p50, ms | p99, ms | CPU of PostgreSQL, ms per 1,000 | CPU of mcpgen, ms per 1,000 |
|---|--:|--:|--:|--:|--:|--:|
"
    .to_owned();
    for (name, rounds) in [
        ("`pgbench -S -M prepared`", peers),
        ("mcpgen, a get by key", ours),
    ] {
        let median = |figure: fn(&Round) -> f64| {
            let figures: Vec<f64> = rounds.iter().map(figure).collect();
            median(&figures).unwrap_or(f64::NAN)
        };
        text.push_str(&format!(
            "| {name} | {CLIENTS} | {:.0} | {:.3} | {:.3} | {:.0} | {:.0} |\n",
            median(|round| round.rate),
            median(|round| millis(round.p50)),
            median(|round| millis(round.p99)),
            median(|round| round.database),
            median(|round| round.server),
        ));
    }
    let ratios = peers
        .iter()
        .zip(ours)
        .map(|(peer, our)| peer.rate / our.rate);
    let ratios: Vec<f64> = ratios.collect();
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let calls: usize = ours.iter().map(|round| round.count).sum();
    let memory: Vec<String> = memory
        .iter()
        .map(|kib| format!("{:.1}", megabytes(*kib)))
        .collect();
    text.push_str(&format!(
        "\npgbench ÷ mcpgen, reads/s: {:.1} ({least:.1} to {most:.1}) in {} rounds of {seconds} s each, in turns; \
         {calls} calls, each answered as the first was.\n\
         Resident memory of mcpgen after the warm-up and after each round, MB: {}\n",
        median(&ratios).unwrap_or(f64::NAN),
        ratios.len(),
        memory.join(" "),
    ));
    text
}

/// Milliseconds for a thousand.
fn for_thousand(spent: Duration, count: usize) -> f64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    millis(spent) * 1000.0 / f64::from(count.max(1))
}

/// Processor time of a server of PostgreSQL so far: of its first process, of those that this one started, and
/// of those of them that have ended (proc(5), `stat`).
fn processor(server: u32) -> Result<Duration> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc")? {
        // What is no process, or has ended meanwhile.
        let Ok(text) = fs::read_to_string(entry?.path().join("stat")) else {
            continue;
        };
        let Some((head, rest)) = text.rsplit_once(')') else {
            continue;
        };
        let figures: Vec<u64> = rest
            .split_whitespace()
            .skip(1)
            .map(|figure| figure.parse().unwrap_or_default())
            .collect();
        let is_first = head.split_whitespace().next() == Some(&server.to_string());
        let own = if is_first { 10..14 } else { 10..12 };
        if is_first || figures.first() == Some(&u64::from(server)) {
            ticks += figures.get(own).unwrap_or_default().iter().sum::<u64>();
        }
    }
    // A tick is 10 ms wherever Linux shows it (USER_HZ).
    Ok(Duration::from_millis(ticks * 10))
}
