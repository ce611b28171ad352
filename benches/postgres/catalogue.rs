//! A database of many tables: how long until its catalogue is read, compiled and served.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mcpgen::cluster::{Cluster, READER, SUPERUSER};
use mcpgen::compile::compile;
use mcpgen::diag::Diagnostics;
use mcpgen::input::postgres::{Snapshot, introspect, read};
use mcpgen::policy::{Policy, SourcePolicy};
use mcpgen::runtime::backends::postgres::connect::Target;
use mcpgen::runtime::config::Secret;
use mcpgen::runtime::manifest::Postgres;

use crate::process::{median, megabytes, millis};
use crate::start::{self, LIST};

const TABLES: usize = 2_000;
/// The columns of each.
const COLUMNS: usize = 15;
/// The name of the source.
const SOURCE: &str = "wide";
/// The tables that are made in one transaction, which has to remember a lock for each.
const BATCH: usize = 100;

/// What a step took: by the clock, and of our own processor time.
#[derive(Default)]
struct Spent {
    elapsed: Duration,
    processor: Duration,
}

/// A point in time between two steps.
struct Moment {
    clock: Instant,
    processor: Duration,
}

impl Moment {
    fn now() -> Result<Self> {
        // The time that this thread has run, in nanoseconds: all is done on one.
        let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
        let ran = text.split_whitespace().next().context("three figures")?;
        Ok(Self {
            clock: Instant::now(),
            processor: Duration::from_nanos(ran.parse()?),
        })
    }

    fn until(&self, later: &Self) -> Spent {
        Spent {
            elapsed: later.clock - self.clock,
            processor: later.processor.saturating_sub(self.processor),
        }
    }
}

/// The table of figures.
pub(crate) async fn measure(rounds: usize) -> Result<String> {
    let cluster = Cluster::start(&[])?;
    for first in (0..TABLES).step_by(BATCH) {
        let tables: String = (first..first + BATCH).map(table).collect();
        cluster.run_sql("postgres", SUPERUSER, &tables).await?;
    }
    cluster.load("ANALYZE", None).await?;
    let dsn = cluster.dsn("postgres", READER);
    let target = Target::new(&Secret::new(&dsn), &[])?;
    let policy = policy();
    let mut times: [Vec<Spent>; 4] = Default::default();
    let mut peaks = Vec::new();
    let mut facts = String::new();
    for _ in 0..rounds {
        let began = Moment::now()?;
        let text = introspect(&target, &[]).await?.text();
        let introspected = Moment::now()?;
        let snapshot: Snapshot = serde_json::from_str(&text)?;
        let mut diags = Diagnostics::default();
        let catalog = read(&snapshot, Some(SOURCE), &mut diags);
        let was_read = Moment::now()?;
        let compiled = compile(&[catalog], &policy, &mut diags);
        let done = Moment::now()?;
        facts = facts_of(&snapshot, &text, compiled.manifest.tools.len())?;
        let started = started(&dsn)?;
        let all = [
            began.until(&introspected),
            introspected.until(&was_read),
            was_read.until(&done),
            Spent {
                elapsed: started.elapsed,
                processor: started.processor,
            },
        ];
        for (times, time) in times.iter_mut().zip(all) {
            times.push(time);
        }
        peaks.push(started.peak_kib);
    }
    let names = [
        "introspection, to the text of the snapshot",
        "reading the snapshot",
        "compiling it",
        "`serve postgres://…`, to the first `tools/list`",
    ];
    let mut table = "| | median, ms | slowest, ms | CPU, ms |\n|---|--:|--:|--:|\n".to_owned();
    for (name, times) in names.iter().zip(&times) {
        let elapsed: Vec<Duration> = times.iter().map(|spent| spent.elapsed).collect();
        let processor: Vec<Duration> = times.iter().map(|spent| spent.processor).collect();
        table.push_str(&format!(
            "| {name} | {:.0} | {:.0} | {:.0} |\n",
            millis(median(&elapsed).unwrap_or_default()),
            millis(elapsed.iter().max().copied().unwrap_or_default()),
            millis(median(&processor).unwrap_or_default()),
        ));
    }
    let peak = megabytes(median(&peaks).unwrap_or_default());
    Ok(format!(
        "{facts}\n\n{table}\n{rounds} rounds; peak RSS of `serve` by then: {peak:.0} MB.\n"
    ))
}

/// What is served without a policy.
fn policy() -> Policy {
    let postgres = Postgres {
        dsn: "DB_URL".to_owned(),
        role: None,
        statement_timeout_ms: 10_000,
        connections: 8,
        posture: None,
    };
    let source = SourcePolicy {
        postgres: Some(postgres),
        ..SourcePolicy::default()
    };
    let mut policy = Policy::default();
    policy.sources.insert(SOURCE.to_owned(), source);
    policy
}

/// A table, its keys, indexes and comments.
fn table(number: usize) -> String {
    let name = format!("orders_{number:04}");
    let mut sql = format!(
        "CREATE TABLE {name} (id bigint PRIMARY KEY, reference text NOT NULL UNIQUE, \
         earlier_id bigint{}, placed_at timestamptz NOT NULL, due_on date, total numeric(12,2), \
         is_paid boolean NOT NULL DEFAULT false, ship_count integer, weight double precision, \
         buyer varchar(80), notes text, tags text[], details jsonb, token uuid, period daterange);\n",
        match number % BATCH {
            0 => String::new(),
            _ => format!(" REFERENCES orders_{:04}", number - 1),
        }
    );
    sql.push_str(&format!(
        "CREATE INDEX ON {name} (placed_at, id);\nCREATE INDEX ON {name} (earlier_id);\n\
         COMMENT ON TABLE {name} IS 'Orders of the branch with the number {number}';\n"
    ));
    for (column, comment) in [
        ("reference", "What the buyer calls it"),
        ("total", "In euros, with the tax"),
        ("notes", "What was said at the counter"),
    ] {
        sql.push_str(&format!(
            "COMMENT ON COLUMN {name}.{column} IS '{comment}';\n"
        ));
    }
    sql
}

/// What was measured, in words; it is what was meant.
fn facts_of(snapshot: &Snapshot, text: &str, tools: usize) -> Result<String> {
    let relations = &snapshot.relations;
    let columns: usize = relations
        .iter()
        .map(|relation| relation.columns.len())
        .sum();
    ensure!(relations.len() == TABLES && columns == TABLES * COLUMNS);
    let keys: usize = relations.iter().map(|r| r.foreign_keys.len()).sum();
    let indexes: usize = relations.iter().map(|r| r.indexes.len()).sum();
    Ok(format!(
        "{TABLES} tables, {columns} columns, {indexes} indexes, {keys} foreign keys; \
         {tools} tools; a snapshot of {:.1} MB",
        f64::from(u32::try_from(text.len()).context("a size")?) / 1e6
    ))
}

/// A start of a server of the database itself.
fn started(dsn: &str) -> Result<start::Start> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpgen"));
    command.args(["serve", dsn]);
    start::answered(command, LIST)
}
