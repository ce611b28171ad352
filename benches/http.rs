//! Calls over HTTP: mcpgen beside two floors over the same upstream, in one run.
//!
//! `cargo bench --bench http` prints a table for `docs/performance.md`; `-- --quick` measures
//! each cell three times instead of fifteen. Every server is a process of its own; the upstream and the floors are this binary with
//! a hidden argument. It reads /proc, so it needs Linux.

use std::io::Write;

use anyhow::Result;

#[path = "http/floors.rs"]
mod floors;
#[allow(dead_code, reason = "rows are measured beside pgbench")]
#[path = "http/load.rs"]
mod load;
#[path = "support/process.rs"]
mod process;
#[path = "http/server.rs"]
mod server;
#[path = "http/table.rs"]
mod table;

use floors::Role;
use load::Dialect;
use server::{Row, Server};

/// How often each cell is measured. The cells take turns and are short, so that a slow spell of the
/// machine, or the processor that a server happens to be put on, does not decide a figure.
const ROUNDS: usize = 15;
/// The same in a quick run.
const ROUNDS_QUICK: usize = 3;
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
    let upstream = floors::upstream()?;
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
    server::measure(&servers, rounds).await
}
