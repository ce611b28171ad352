//! [I/O] The connections of one database: a bounded number, lent to one call at a time. One that a call
//! leaves in the middle of something is told to stop, and is never lent again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connect::{ConnectError, Target};
use super::connection::Connection;
use super::failure;
use crate::runtime::config::Secret;
use crate::runtime::error::CallError;

/// What `pg_stat_activity` says of a connection.
const APPLICATION: &str = "mcpgen";
/// How long a connection may have been idle to be used again: what is between may have forgotten it.
const IDLE_MAX: Duration = Duration::from_mins(1);
/// How often a statement that nobody waits for any more is told to stop, and how long each time it may take.
const CANCELS: u32 = 20;
const CANCEL_WAIT: Duration = Duration::from_millis(250);

/// The connections of one database.
pub(super) struct Pool {
    target: Target,
    most: u32,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<(Connection, Instant)>>,
    /// Whether a connection was seen to have another server process than it began with.
    shared: AtomicBool,
}

/// A connection lent to one call.
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    /// Whether it was used before.
    pub(super) reused: bool,
    slot: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(super) fn new(dsn: &Secret, ca_certs: &[PathBuf], most: u32) -> Result<Self, ConnectError> {
        Ok(Self {
            target: Target::new(dsn, ca_certs)?,
            most: most.max(1),
            slots: Arc::new(Semaphore::new(usize::try_from(most.max(1)).unwrap_or(1))),
            idle: Mutex::default(),
            shared: AtomicBool::new(false),
        })
    }

    /// Host and database, in words.
    pub(super) fn place(&self) -> &str {
        self.target.place()
    }

    /// A connection, by the deadline; `fresh`: one that was never used.
    ///
    /// # Errors
    ///
    /// `busy`: all are in use until then. `database_unreachable`, `database_refused`: there is none.
    pub(super) async fn lend(
        self: &Arc<Self>,
        fresh: bool,
        deadline: Instant,
    ) -> Result<Lease, CallError> {
        let waiting = Arc::clone(&self.slots).acquire_owned();
        let slot = tokio::time::timeout_at(deadline, waiting).await;
        let slot = slot.ok().and_then(Result::ok);
        let slot = slot.ok_or_else(|| failure::busy(self.most))?;
        let known = (!fresh).then(|| self.rested()).flatten();
        let reused = known.is_some();
        let connection = if let Some(connection) = known {
            connection
        } else {
            let connecting = self.target.connect(APPLICATION);
            let connected = tokio::time::timeout_at(deadline, connecting).await;
            let connected = connected.map_err(|_| failure::unreachable())?;
            let (client, _) = connected.map_err(|error| failure::unconnected(&error))?;
            Connection::new(client, self.shared.load(Relaxed)).await
        };
        Ok(Lease {
            pool: Arc::clone(self),
            connection: Some(connection),
            reused,
            slot: Some(slot),
        })
    }

    /// From now on, connections keep nothing under a name.
    pub(super) fn names_nothing(&self) {
        if !self.shared.swap(true, Relaxed) {
            tracing::info!("names of statements do not last: nothing is prepared any more");
        }
    }

    /// The connection that was used last, if it can be used again.
    fn rested(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|(one, since)| !one.client().is_closed() && now - *since <= IDLE_MAX);
        idle.pop().map(|(connection, _)| connection)
    }
}

impl Lease {
    /// The connection.
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// Gives back a connection that is at rest.
    pub(super) fn rests(mut self) {
        if let Some(connection) = self.connection.take()
            && !connection.client().is_closed()
        {
            let idle = &self.pool.idle;
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((connection, Instant::now()));
        }
    }

    /// Ends a connection that is not as it should be, but does nothing.
    pub(super) fn ends(mut self) {
        self.connection = None;
    }
}

/// A call that ends in the middle of something: nobody waits for it any more.
impl Drop for Lease {
    fn drop(&mut self) {
        let connection = self.connection.take();
        let Some(connection) = connection.filter(|one| !one.client().is_closed()) else {
            return;
        };
        let (pool, slot) = (Arc::clone(&self.pool), self.slot.take());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                stop(&pool.target, connection.client()).await;
                // The place is free again only now.
                drop((connection, slot));
            });
        }
    }
}

/// Cancels what a connection does until it does nothing. What is asked next is answered after it.
async fn stop(target: &Target, client: &tokio_postgres::Client) {
    let token = client.cancel_token();
    let at_rest = client.execute_typed("ROLLBACK", &[]);
    tokio::pin!(at_rest);
    for _ in 0..CANCELS {
        if target.cancel(&token).await.is_err() {
            tracing::warn!("a statement that nobody waits for could not be cancelled");
            return;
        }
        if tokio::time::timeout(CANCEL_WAIT, &mut at_rest)
            .await
            .is_ok()
        {
            tracing::debug!("a statement that nobody waits for was cancelled");
            return;
        }
    }
}
