//! `mcpgen demo --postgres`: the same of a database, in a throw-away PostgreSQL cluster.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;

use super::{Tools, bundled, heading};
use crate::cli::load;
use crate::cli::progress::Progress;
use crate::cli::report;
use crate::cluster::{Cluster, SUPERUSER};
use crate::compile::budget;
use crate::demo::library;
use crate::runtime::config::Secret;

/// What keys masks and cursors in the demonstration: 32 bytes in base64, and no secret.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The database that a new cluster has.
const DATABASE: &str = "postgres";

/// Shows it, from the start of the cluster to its end.
pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let progress = Progress::start("starting a throw-away PostgreSQL cluster");
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(&[])).await??;
    progress.now("filling a library");
    for text in [library::SCHEMA, library::SEED] {
        cluster.run_sql(DATABASE, SUPERUSER, text).await?;
    }
    drop(progress);
    let shown = tokio::select! {
        shown = show(&cluster) => shown,
        stopped = tokio::signal::ctrl_c() => stopped.map_err(Into::into),
    };
    // The server is stopped before the process says that it is done.
    tokio::task::spawn_blocking(move || drop(cluster)).await?;
    shown?;
    writeln!(
        anstream::stdout(),
        "The cluster is stopped, and its folder is gone."
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The library's tools under its policy, as a role that may only read.
fn tools(cluster: &Cluster) -> anyhow::Result<Tools> {
    let files = [
        (library::POLICY_NAME, library::POLICY),
        (library::SNAPSHOT_NAME, library::SNAPSHOT),
    ];
    let loaded = bundled(files, |wanted| {
        if let Some(database) = &mut wanted.database {
            database.dsn = Some(Secret::new(cluster.dsn(DATABASE, "library_reader")));
        }
    })?;
    Tools::new(loaded, 3, |loaded, manifest| {
        let mut config = load::config(loaded, manifest)?;
        // What a hash comes to is the same each time.
        config.seal_key = Some(Secret::new(KEY));
        Ok(config)
    })
}

/// What happens, step by step.
async fn show(cluster: &Cluster) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    let tools = tools(cluster)?;
    tools.server.ready().await.map_err(anyhow::Error::msg)?;
    let manifest = &tools.compiled()?.manifest;

    heading(&mut out, 1, "A database, and a policy")?;
    writeln!(
        out,
        "  PostgreSQL {} holds a library, in a cluster of its own.\n  \
         The server connects as `library_reader`, a role that may only read: with one\n  \
         that may do more it would not start. What an agent may see of the library is\n  \
         one file, {}.\n",
        cluster
            .version()
            .split(' ')
            .nth(2)
            .unwrap_or_default()
            .trim_end_matches(')'),
        library::POLICY_NAME
    )?;

    heading(&mut out, 2, "Its tools")?;
    writeln!(
        out,
        "  Every relation that is not excluded has two: rows by a filter, and one row by\n  \
         its key. {}, about {} tokens.\n",
        report::count(manifest.tools.len(), "tool"),
        report::thousands(budget::total(&manifest.tools))
    )?;

    heading(&mut out, 3, "A read, and what it asks of the database")?;
    writeln!(
        out,
        "  One statement, in a READ ONLY transaction that is rolled back. The policy adds\n  \
         the first condition, and no caller sees or sets it.\n"
    )?;
    let due =
        json!({"filter": {"due_on": {"lt": "2025-04-01"}}, "fields": ["id", "due_on"], "limit": 2});
    tools.call(&mut out, "loans_find", due).await?;

    heading(
        &mut out,
        4,
        "A page that is too large is clamped, and the model is told",
    )?;
    let many = json!({"limit": 5000, "fields": ["title"], "sort": ["title"]});
    tools.call(&mut out, "books_find", many).await?;

    heading(&mut out, 5, "Masks, and rows that are not there")?;
    writeln!(
        out,
        "  Of members, addresses and numbers are masked where they are read, and only\n  \
         those who are active are there.\n"
    )?;
    let members = json!({"sort": ["name"], "limit": 1});
    tools.call(&mut out, "members_find", members).await?;

    heading(&mut out, 6, "What is masked cannot be asked by, either")?;
    writeln!(
        out,
        "  A filter on a masked column would tell what is under the mask: it is refused\n  \
         in the words of a column that there is not.\n"
    )?;
    let masked = json!({"filter": {"email": {"starts_with": "a"}}});
    tools.call(&mut out, "members_find", masked).await?;
    let unknown = json!({"filter": {"shoe_size": {"eq": "44"}}});
    tools.call(&mut out, "members_find", unknown).await?;

    heading(&mut out, 7, "A statement in an argument stays a value")?;
    let stacked = json!({"filter": {"name": {"eq": "x'; COMMIT; DROP TABLE library.loans; --"}}});
    tools.call(&mut out, "members_find", stacked).await?;
    out.flush()?;
    Ok(())
}
