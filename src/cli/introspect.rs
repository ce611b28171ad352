//! `mcpgen introspect`: what a database has, as a snapshot that other commands read in its place.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;

use super::options::{is_connection_string, variable};
use super::progress::Progress;
use super::report;
use crate::input::postgres::{self, Snapshot};
use crate::runtime::backends::postgres::connect::Target;
use crate::runtime::config::Secret;

/// Write down what a database has, for check, plan, list and build to read without it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Introspect {
    /// The database: postgres://…, env:NAME for a connection string in an environment variable, or a
    /// file of definitions (.sql), which is loaded into a throw-away cluster
    database: String,

    /// Schema to look at; repeatable; without it, all that the role may use
    #[arg(long, value_name = "SCHEMA")]
    schema: Vec<String>,

    /// The role that looks, of those that a file of definitions makes; without it, one that may read
    /// everything
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,

    /// Write it to a file instead
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen introspect postgres://reader@localhost/shop > snapshot.json
  mcpgen introspect env:DATABASE_URL --schema public -o snapshot.json
  mcpgen introspect schema.sql -o snapshot.json
  mcpgen check snapshot.json

Only the catalogue is read, in one transaction that is read only; no row of a
table is.";

/// What a database is called whose definitions are in a file: as the file, or, as so many are called
/// `schema`, as its folder.
#[cfg(unix)]
fn named(path: &std::path::Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let stem = path.file_stem()?;
    let name = match stem.eq_ignore_ascii_case("schema") {
        true => path.parent()?.file_name().unwrap_or(stem),
        false => stem,
    };
    Some(name.to_str()?.to_owned())
}

impl Introspect {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let progress = Progress::start("looking at the database");
        let snapshot = if let Some(name) = variable(&self.database) {
            let dsn = std::env::var(name).ok().filter(|dsn| !dsn.is_empty());
            let dsn = dsn.with_context(|| format!("the environment variable {name} is not set"))?;
            self.live(&Secret::new(dsn)).await?
        } else if is_connection_string(&self.database) {
            self.live(&Secret::new(&self.database)).await?
        } else {
            self.of_file(&progress).await?
        };
        drop(progress);
        let text = snapshot.text();
        match &self.output {
            Some(path) => fs::write(path, text)
                .with_context(|| format!("{} cannot be written", path.display()))?,
            None => std::io::stdout().lock().write_all(text.as_bytes())?,
        }
        let relations = report::count(snapshot.relations.len(), "relation");
        let schemas = report::count(snapshot.schemas.len(), "schema");
        writeln!(
            anstream::stderr(),
            "mcpgen: {relations} in {schemas}, as `{}` sees them",
            crate::diag::render::printable(&snapshot.role.name)
        )?;
        Ok(ExitCode::SUCCESS)
    }

    async fn live(&self, dsn: &Secret) -> anyhow::Result<Snapshot> {
        ensure!(
            self.role.is_none(),
            "--role is for files of definitions: a database is looked at as the role of the connection string"
        );
        let target = Target::new(dsn, &[])?;
        Ok(postgres::introspect::introspect(&target, &self.schema).await?)
    }

    #[cfg(unix)]
    async fn of_file(&self, progress: &Progress) -> anyhow::Result<Snapshot> {
        use crate::cluster::{Cluster, READER};

        // It may hold a password, and is not repeated.
        ensure!(
            !self.database.contains("://"),
            "this is no database of PostgreSQL: give `postgres://user@host/database`, `env:NAME`, or a file \
             of definitions"
        );
        let path = PathBuf::from(&self.database);
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "{} is no connection string, and no file that can be read",
                self.database
            )
        })?;
        progress.now("starting a throw-away cluster");
        let cluster = tokio::task::spawn_blocking(|| Cluster::start(&[])).await??;
        progress.now(format!("loading {}", path.display()));
        let loaded = cluster.load(&text, self.role.as_deref()).await;
        loaded.with_context(|| path.display().to_string())?;
        let role = self.role.as_deref().unwrap_or(READER);
        let target = Target::new(&Secret::new(cluster.dsn("postgres", role)), &[])?;
        progress.now("looking at it");
        let looked = postgres::introspect::introspect(&target, &self.schema).await;
        tokio::task::spawn_blocking(move || drop(cluster)).await?;
        let mut snapshot = looked?;
        // That of the cluster's database says nothing.
        snapshot.database = named(&path).unwrap_or(snapshot.database);
        Ok(snapshot)
    }

    #[cfg(not(unix))]
    async fn of_file(&self, _progress: &Progress) -> anyhow::Result<Snapshot> {
        anyhow::bail!(
            "a throw-away cluster needs a Unix system; take the snapshot of a live database"
        )
    }
}
