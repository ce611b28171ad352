//! One PostgreSQL cluster for the whole test binary, and databases in it.
//!
//! The cluster is never dropped, as nothing static is: it ends when the pipe that its watchdog reads does,
//! which is when this process ends, however it ends.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcpgen::cluster::{Cluster, SUPERUSER};
use mcpgen::input::postgres::Snapshot;
use mcpgen::input::postgres::introspect::{IntrospectError, introspect};
use mcpgen::runtime::backends::postgres::connect::Target;
use mcpgen::runtime::config::Secret;

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// The cluster that all tests share.
pub(crate) fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| {
        let settings = [
            ("max_connections", "200"),
            ("max_prepared_transactions", "10"),
        ];
        Cluster::start(&settings).unwrap_or_else(|error| panic!("{error}"))
    })
}

static LIBRARY: OnceLock<Database> = OnceLock::new();

/// The library of the tutorial with its rows, for tests that change nothing of it. Copies of it can be made
/// while no one is connected to it.
pub(crate) fn library() -> &'static Database {
    LIBRARY.get_or_init(|| {
        let file = |name| {
            let path = super::root().join("specs/library").join(name);
            std::fs::read_to_string(path).expect("a file of the library")
        };
        let database = Database::new(&file("schema.sql"));
        database.run(&file("seed.sql"));
        database
    })
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(future)
}

/// What is read of a database's catalogue.
pub(crate) fn introspected(dsn: &str, schemas: &[&str]) -> Result<Snapshot, IntrospectError> {
    let schemas: Vec<String> = schemas.iter().map(|&name| name.to_owned()).collect();
    let target = Target::new(&Secret::new(dsn), &[])?;
    block_on(introspect(&target, &schemas))
}

/// A database of one test.
pub(crate) struct Database {
    /// Its name, which no other test has.
    pub name: String,
}

impl Database {
    /// A new database, after these statements.
    #[track_caller]
    pub(crate) fn new(sql: &str) -> Self {
        Self::from("template0", sql)
    }

    /// A copy of another database, after these statements.
    #[track_caller]
    pub(crate) fn from(template: &str, sql: &str) -> Self {
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let made = block_on(cluster().create_database(&name, template));
        made.unwrap_or_else(|error| panic!("{error}"));
        let database = Self { name };
        database.run(sql);
        database
    }

    /// Runs statements as the superuser.
    #[track_caller]
    pub(crate) fn run(&self, sql: &str) {
        let done = block_on(cluster().run_sql(&self.name, SUPERUSER, sql));
        done.unwrap_or_else(|error| panic!("{error}"));
    }

    /// A connection string for a user.
    pub(crate) fn dsn(&self, user: &str) -> String {
        cluster().dsn(&self.name, user)
    }
}
