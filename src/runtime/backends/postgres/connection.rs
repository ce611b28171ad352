//! [I/O] A connection of the pool, and the statements that its server keeps ready for it: what was asked for
//! twice is parsed under a name, and only its values are sent from then on.
//!
//! A name means what it was given for in one server process alone, and a pooler may give each transaction
//! another one. So there are names only where the process of a transaction is the one that the server named
//! when it let us in (PostgreSQL 55.2.1, BackendKeyData), which poolers replace by a key of their own.

use futures::future::try_join_all;
use indexmap::IndexMap;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use super::cancel;

/// Most statements that a connection keeps.
const KEPT_MAX: usize = 100;

/// A value of a statement, with its type.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection that is lent to one call at a time.
pub(super) struct Connection {
    client: Client,
    /// The process that it began with.
    pid: Option<i32>,
    /// Whether the last transaction was that process's.
    is_direct: bool,
    /// What was asked for, oldest first; `None`: once, so that it has no name yet.
    kept: IndexMap<String, Option<Statement>>,
}

/// A statement that can be carried out.
pub(super) enum Ready<'t> {
    /// By its text, under no name.
    Text(&'t str),
    /// By the name that it is kept under.
    Kept(Statement),
}

impl Connection {
    pub(super) async fn new(client: Client) -> Self {
        Self {
            pid: cancel::pid(&client.cancel_token()).await,
            client,
            is_direct: false,
            kept: IndexMap::new(),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Takes the process of the transaction that has begun. Should it no longer be the one that it was, names
    /// mean nothing any more, and the answer is `false`.
    pub(super) fn is_of(&mut self, pid: i32) -> bool {
        let was_direct = std::mem::replace(&mut self.is_direct, self.pid == Some(pid));
        self.is_direct || !was_direct
    }

    /// Whether the server keeps a statement under a name.
    pub(super) fn keeps(&self, text: &str) -> bool {
        self.is_direct && matches!(self.kept.get(text), Some(Some(_)))
    }

    /// A statement as it is: by its name if it has one.
    pub(super) fn readied<'t>(&self, text: &'t str) -> Ready<'t> {
        match self.kept.get(text) {
            Some(Some(statement)) if self.is_direct => Ready::Kept(statement.clone()),
            _ => Ready::Text(text),
        }
    }

    /// Statements, by text and types of their values, as ready as they can be: those that were asked for before
    /// have a name from now on.
    ///
    /// # Errors
    ///
    /// The server refuses one of them, or the connection has ended.
    pub(super) async fn ready<'t>(
        &mut self,
        wanted: &[(&'t str, &[Type])],
    ) -> Result<Vec<Ready<'t>>, Error> {
        let again = wanted.iter().filter(|(text, _)| {
            let asked_once = matches!(self.kept.get(*text), Some(None));
            self.is_direct && asked_once
        });
        let client = &self.client;
        let named = again.map(|(text, types)| async move {
            let statement = client.prepare_typed(text, types).await?;
            Ok::<_, Error>(((*text).to_owned(), Some(statement)))
        });
        let named = try_join_all(named).await?;
        self.kept.extend(named);
        let ready = wanted.iter().map(|(text, _)| self.readied(text)).collect();
        for (text, _) in wanted {
            if !self.kept.contains_key(*text) {
                self.kept.insert((*text).to_owned(), None);
            }
        }
        while self.kept.len() > KEPT_MAX {
            // The server forgets it with it.
            self.kept.shift_remove_index(0);
        }
        Ok(ready)
    }

    /// Carries out a statement.
    ///
    /// # Errors
    ///
    /// The server refuses it, or the connection has ended.
    pub(super) async fn run(
        &self,
        statement: &Ready<'_>,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Error> {
        match statement {
            Ready::Text(text) => self.client.query_typed(text, params).await,
            Ready::Kept(statement) => {
                let values: Vec<_> = params.iter().map(|(value, _)| *value).collect();
                self.client.query(statement, &values).await
            }
        }
    }
}
