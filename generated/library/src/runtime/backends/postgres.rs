//! [I/O] Reads of PostgreSQL databases. The only way in is a planned [`statement::Statement`]; before the
//! first one is sent, the role is looked at: one that may do more than read is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::runtime::args::Args;
use crate::runtime::backend::{Backend, NotReady, Outcome};
use crate::runtime::config::{Config, ConfigError, Secret};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Action, Manifest, Postgres, SqlAction, ToolSpec};

mod answer;
mod cancel;
pub mod connect;
mod connection;
mod dsn;
mod envelope;
mod failure;
mod pool;
pub mod posture;
pub mod seal;
pub mod statement;

use envelope::{Failed, Query, Terms};
use pool::Pool;
use posture::Report;
use seal::Seal;
use statement::{Context, Statement};

/// Most time of the look at a role.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// The databases of a server.
pub struct Databases<'m> {
    sources: Vec<(&'m str, Arc<Database>)>,
    seal: Arc<Seal>,
    config: &'m Config,
}

/// One database.
struct Database {
    source: String,
    spec: Postgres,
    /// Its connections, or why there can be none.
    pool: Result<Arc<Pool>, String>,
    /// Schema and name of what is served of it.
    served: Vec<(String, String)>,
    /// Filled when the role was found to be in order.
    looked: OnceCell<()>,
}

/// One tool's way to its database.
struct Endpoint {
    database: Arc<Database>,
    seal: Arc<Seal>,
    tool: String,
    action: SqlAction,
    /// The values of the variables that its rows depend on.
    variables: BTreeMap<String, Secret>,
    /// All the time that a call has.
    timeout: Duration,
}

impl<'m> Databases<'m> {
    /// Makes ready what is known without a connection.
    ///
    /// # Errors
    ///
    /// A connection string, a certificate or the key of cursors cannot be used. A connection string that is
    /// missing is no error yet: a call says so, and a server does not start.
    pub fn open(manifest: &'m Manifest, config: &'m Config) -> Result<Self, ConfigError> {
        let mut sources = Vec::new();
        for (name, source) in &manifest.sources {
            if let Some(spec) = &source.postgres {
                let database = Database::open(name, spec, manifest, config)?;
                sources.push((name.as_str(), Arc::new(database)));
            }
        }
        let seal = Arc::new(Seal::new(config.seal_key.as_ref())?);
        Ok(Self {
            sources,
            seal,
            config,
        })
    }

    /// What the role of each source may do, by the source's name.
    pub async fn postures(&self) -> Vec<(&'m str, Result<Report, CallError>)> {
        let mut found = Vec::new();
        for (name, database) in &self.sources {
            found.push((*name, database.posture().await));
        }
        found
    }

    /// The back end of one tool.
    ///
    /// # Errors
    ///
    /// The tool's source is no database.
    pub fn bind(
        &self,
        tool: &ToolSpec,
        action: &SqlAction,
    ) -> Result<Box<dyn Backend>, ConfigError> {
        let database = self.sources.iter().find(|(name, _)| *name == tool.source);
        let (_, database) = database.ok_or_else(|| ConfigError::Database {
            source_name: tool.source.clone(),
            reason: format!("tool `{}` reads it, and it is no database", tool.name),
        })?;
        let variables = action.variables().into_iter().filter_map(|name| {
            let value = self.config.variables.get(name)?;
            Some((name.to_owned(), value.clone()))
        });
        let timeout = tool.limits.timeout_ms;
        Ok(Box::new(Endpoint {
            database: Arc::clone(database),
            seal: Arc::clone(&self.seal),
            tool: tool.name.clone(),
            action: action.clone(),
            variables: variables.collect(),
            timeout: Duration::from_millis(timeout.unwrap_or(database.spec.statement_timeout_ms)),
        }))
    }
}

impl Database {
    fn open(
        name: &str,
        spec: &Postgres,
        manifest: &Manifest,
        config: &Config,
    ) -> Result<Self, ConfigError> {
        let dsn = config.sources.get(name).and_then(|c| c.dsn.as_ref());
        let pool = match dsn {
            None => Err(failure::no_dsn(&spec.dsn)),
            Some(dsn) => {
                let pool = Pool::new(dsn, &config.ca_certs, spec.connections);
                let pool = pool.map_err(|error| ConfigError::Database {
                    source_name: name.to_owned(),
                    reason: error.to_string(),
                })?;
                Ok(Arc::new(pool))
            }
        };
        Ok(Self {
            source: name.to_owned(),
            spec: spec.clone(),
            pool,
            served: served(name, manifest),
            looked: OnceCell::new(),
        })
    }

    fn pool(&self) -> Result<&Arc<Pool>, CallError> {
        self.pool.as_ref().map_err(|why| {
            CallError::new("no_connection_string", why.clone())
                .hint("the owner of this server has to set it")
        })
    }

    /// Carries out one statement. A connection that had ended before it answered anything, or that lost the names
    /// of its statements, is replaced once.
    async fn read(
        &self,
        query: Query<'_>,
        tool: &str,
        limit: Option<u64>,
        deadline: Instant,
    ) -> Result<Vec<tokio_postgres::Row>, CallError> {
        let pool = self.pool()?;
        let mut again = false;
        loop {
            let mut lease = pool.lend(again, deadline).await?;
            let terms = Terms {
                tool,
                role: self.spec.role.as_deref(),
                timeout: envelope::time(&[limit, Some(self.spec.statement_timeout_ms)], deadline),
            };
            let reading = async {
                let connection = lease.connection();
                let connection = connection.ok_or_else(|| Failed::Unanswered(failure::lost()))?;
                envelope::read(connection, query, &terms).await
            };
            let error = match reading.await {
                Ok(rows) => {
                    lease.rests();
                    return Ok(rows);
                }
                Err(Failed::Refused(error)) => {
                    lease.rests();
                    return Err(error);
                }
                Err(Failed::Unanswered(_)) if lease.reused && !again => {
                    lease.ends();
                    again = true;
                    continue;
                }
                Err(Failed::Moved) => {
                    pool.names_nothing();
                    lease.ends();
                    if again {
                        return Err(failure::lost());
                    }
                    again = true;
                    continue;
                }
                Err(Failed::Unanswered(error) | Failed::Broken(error)) => error,
            };
            lease.ends();
            return Err(error);
        }
    }

    /// What the role may do.
    async fn posture(&self) -> Result<Report, CallError> {
        let deadline = Instant::now() + LOOK_MAX;
        let query = Query {
            text: posture::LOOK,
            binds: &posture::binds(&self.served),
            keep: false,
        };
        let looking = self.read(query, "the look at the role", None, deadline);
        let rows = tokio::time::timeout_at(deadline, looking).await;
        let rows = rows.map_err(|_| failure::timed_out(LOOK_MAX))??;
        let report = rows.first().and_then(|row| Report::read(row, &self.served));
        report.ok_or_else(failure::unreadable)
    }

    /// Looks at the role, once.
    async fn ready(&self) -> Result<(), NotReady> {
        let looking = self.looked.get_or_try_init(|| async {
            let report = self
                .posture()
                .await
                .map_err(|error| self.not_ready(&error))?;
            let Some(kind) = report.kind else {
                return Ok(());
            };
            match &self.spec.posture {
                Some(posture) if kind <= posture.accept => {
                    tracing::warn!(
                        source = self.source,
                        role = report.role,
                        may = kind.as_str(),
                        because = posture.because,
                        "a role that may do more than read is accepted"
                    );
                    Ok(())
                }
                _ => Err(NotReady {
                    reason: format!("source `{}`: {}", self.source, report.text()),
                    passing: false,
                }),
            }
        });
        looking.await.copied()
    }

    fn not_ready(&self, error: &CallError) -> NotReady {
        let place = self
            .pool
            .as_ref()
            .map_or("its database", |pool| pool.place());
        NotReady {
            reason: format!("source `{}`: {place}: {}", self.source, error.message),
            passing: error.retryable,
        }
    }
}

/// Schema and name of each relation that the tools of a source read, in order.
fn served(source: &str, manifest: &Manifest) -> Vec<(String, String)> {
    let mut served = Vec::new();
    for tool in manifest.tools.iter().filter(|tool| tool.source == source) {
        let Action::Sql(action) = &tool.action else {
            continue;
        };
        let included = action.include.values().map(|include| &include.relation);
        for relation in std::iter::once(&action.relation).chain(included) {
            served.push((relation.schema.clone(), relation.name.clone()));
        }
    }
    served.sort();
    served.dedup();
    served
}

impl Endpoint {
    fn plan(&self, args: &Args) -> Result<Statement, CallError> {
        let context = Context {
            tool: &self.tool,
            source: &self.database.source,
            variables: &self.variables,
            seal: &self.seal,
        };
        statement::plan(&self.action, args, &context)
    }

    async fn carried_out(&self, args: &Args, deadline: Instant) -> Result<Outcome, CallError> {
        let statement = self.plan(args)?;
        if !self.database.looked.initialized() {
            // What is wrong is for the owner; the model reads that something is.
            self.database.ready().await.map_err(|why| {
                tracing::warn!("{}", why.reason);
                refused(&why)
            })?;
        }
        let limit = self.action.statement_timeout_ms;
        let query = Query {
            text: statement.text(),
            binds: statement.binds(),
            keep: statement.page().is_none(),
        };
        let reading = self.database.read(query, &self.tool, limit, deadline);
        let rows = reading.await?;
        answer::outcome(&statement, &rows, &self.seal)
    }
}

fn refused(why: &NotReady) -> CallError {
    if why.passing {
        return failure::unreachable();
    }
    CallError::new(
        "database_refused",
        "this server does not use its database as it is set up; nothing was sent",
    )
    .hint("the owner can find why in the log")
}

impl Backend for Endpoint {
    fn call<'a>(
        &'a self,
        args: &'a Args,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Outcome, CallError>> {
        Box::pin(async move {
            let outcome = tokio::time::timeout_at(deadline, self.carried_out(args, deadline));
            outcome
                .await
                .unwrap_or_else(|_| Err(failure::timed_out(self.timeout)))
        })
    }

    fn preview(&self, args: &Args) -> Result<String, CallError> {
        let statement = self.plan(args)?;
        let mut text = format!("{}\n", statement.text());
        for (index, bind) in statement.binds().iter().enumerate() {
            text.push_str(&format!("\n${} = {}", index + 1, bind.shown()));
        }
        if !statement.binds().is_empty() {
            text.push('\n');
        }
        Ok(text)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), NotReady>> {
        Box::pin(self.database.ready())
    }
}
