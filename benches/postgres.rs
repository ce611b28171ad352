//! PostgreSQL: a wide catalogue introspected and compiled, and reads by key beside `pgbench -S`.
//!
//! `cargo bench --bench postgres` prints two tables for `docs/performance.md`; `-- --seconds 30` makes each
//! round of the load that long instead of five seconds, `-- --quick` makes everything short. The clusters are
//! throw-away ones, so it needs PostgreSQL with its pgbench, and it reads /proc, so it needs Linux.

use std::io::Write;

use anyhow::{Context, Result};

#[path = "postgres/catalogue.rs"]
mod catalogue;
#[allow(dead_code, reason = "other dialects are measured over HTTP")]
#[path = "http/load.rs"]
mod load;
#[path = "postgres/pgbench.rs"]
mod pgbench;
#[path = "support/process.rs"]
mod process;
#[path = "postgres/reads.rs"]
mod reads;
#[allow(dead_code, reason = "other loads are measured over HTTP")]
#[path = "http/server.rs"]
mod server;
#[path = "support/start.rs"]
mod start;

/// How often each thing is measured, and how long a round of the load takes, in seconds.
const ROUNDS: usize = 5;
const SECONDS: u64 = 5;
/// The same in a quick run.
const ROUNDS_QUICK: usize = 3;
const SECONDS_QUICK: u64 = 1;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let quick = args.iter().any(|arg| arg == "--quick");
    let rounds = if quick { ROUNDS_QUICK } else { ROUNDS };
    let mut seconds = if quick { SECONDS_QUICK } else { SECONDS };
    if let Some(at) = args.iter().position(|arg| arg == "--seconds") {
        let given = args.get(at + 1).context("--seconds N")?;
        seconds = given.parse().context("--seconds N")?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut out = std::io::stdout().lock();
    let before = load_average()?;
    writeln!(out, "{}", runtime.block_on(catalogue::measure(rounds))?)?;
    writeln!(
        out,
        "{}",
        runtime.block_on(reads::measure(rounds, seconds))?
    )?;
    writeln!(
        out,
        "Load average before and after: {before}; {}",
        load_average()?
    )?;
    Ok(())
}

/// How many processes ran or wanted to, over one, five and fifteen minutes.
fn load_average() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let figures: Vec<&str> = text.split_whitespace().take(3).collect();
    Ok(figures.join(" "))
}
