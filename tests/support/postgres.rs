//! One PostgreSQL cluster for the whole test binary, and databases in it.
//!
//! The cluster is never dropped, as nothing static is: it ends when the pipe that its watchdog reads does,
//! which is when this process ends, however it ends.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcpgen::cluster::{Cluster, SUPERUSER};
use mcpgen::compile::compile;
use mcpgen::diag::{Diagnostics, Severity};
use mcpgen::input::postgres::introspect::{IntrospectError, introspect};
use mcpgen::input::postgres::{Snapshot, read};
use mcpgen::policy::{Policy, PolicyFile, SourcePolicy};
use mcpgen::runtime::backends;
use mcpgen::runtime::backends::postgres::connect::Target;
use mcpgen::runtime::config::{Config, Secret, SourceConfig};
use mcpgen::runtime::manifest::{Manifest, Postgres};
use mcpgen::runtime::server::Server;

/// What seals cursors and keys masks in tests: 32 bytes in base64.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The name of the source in what is served.
const SOURCE: &str = "db";

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

/// What a server says of itself by a database, and the server.
pub(crate) type Served = (Manifest, Server);

/// How a database is served in a test.
pub(crate) struct Serving {
    /// The policy; `None`: as it is.
    pub policy: Option<PolicyFile>,
    /// What the environment gives to the policy.
    pub variables: Vec<(String, String)>,
    /// Time of a statement.
    pub statement_timeout_ms: u64,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            policy: None,
            variables: Vec::new(),
            statement_timeout_ms: 20_000,
        }
    }
}

impl Serving {
    /// What a role is served of these schemas.
    #[track_caller]
    pub(crate) fn introspected(self, dsn: &str, schemas: &[&str]) -> Served {
        let snapshot = introspected(dsn, schemas).unwrap_or_else(|error| panic!("{error}"));
        self.of(&snapshot, dsn)
    }

    /// What a snapshot has, served from a database.
    #[track_caller]
    pub(crate) fn of(self, snapshot: &Snapshot, dsn: &str) -> Served {
        let mut diags = Diagnostics::default();
        let catalog = read(snapshot, Some(SOURCE), &mut diags);
        let manifest = compile(&[catalog], &self.policy(), &mut diags).manifest;
        let wrong = diags.iter().filter(|it| it.severity == Severity::Error);
        let wrong: Vec<_> = wrong.map(|it| &it.message).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let config = self.config(dsn);
        let backends = backends::open(&manifest, &config).unwrap_or_else(|why| panic!("{why}"));
        let server = Server::new(&manifest, backends, &config);
        (manifest, server)
    }

    fn policy(&self) -> Policy {
        let postgres = Postgres {
            dsn: "DB_URL".to_owned(),
            role: None,
            statement_timeout_ms: self.statement_timeout_ms,
            connections: 2,
            posture: None,
        };
        let source = SourcePolicy {
            postgres: Some(postgres),
            ..SourcePolicy::default()
        };
        let mut policy = Policy {
            file: self.policy.clone(),
            ..Policy::default()
        };
        policy.sources.insert(SOURCE.to_owned(), source);
        policy
    }

    fn config(self, dsn: &str) -> Config {
        let variables = self.variables.into_iter();
        let mut config = Config {
            seal_key: Some(Secret::new(KEY)),
            variables: variables
                .map(|(name, text)| (name, Secret::new(text)))
                .collect(),
            ..Config::default()
        };
        let source = SourceConfig {
            dsn: Some(Secret::new(dsn)),
            ..SourceConfig::default()
        };
        config.sources.insert(SOURCE.to_owned(), source);
        config
    }
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
