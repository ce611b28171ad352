//! [I/O] A connection of the pool, and the statements that its server keeps ready for it: what was asked for
//! twice is parsed under a name, and only its values are sent from then on.
//!
//! A name means what it was given for in one server process alone, and a pooler may give each transaction
//! another one. So there are names only where the process of a transaction is the one that the server named
//! when it let us in (PostgreSQL 55.2.1, BackendKeyData), which most poolers replace by a key of their own. What
//! keeps a transaction safe, its beginning and its end, has no name: whatever else a name may mean, it means it
//! within a transaction that only reads.
//!
//! A plan holds the row security of the roles as they were when it was made: PostgreSQL makes it anew when tables
//! and policies change, not when a role loses a membership or BYPASSRLS. And one that serves all values locks and
//! holds every partition of a table. So no read is kept where there is row security or a partition in the database.

use indexmap::IndexMap;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use super::cancel;

/// Most statements that a connection keeps.
const KEPT_MAX: usize = 100;

/// Whether any table has row security, or rows of other tables.
const VARIES: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relrowsecurity) \
     OR EXISTS (SELECT FROM pg_catalog.pg_inherits)";

/// A value of a statement, with its type.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection that is lent to one call at a time.
pub(super) struct Connection {
    client: Client,
    /// The process that it began with.
    pid: Option<i32>,
    /// Whether the last transaction was that process's.
    is_direct: bool,
    /// Whether something was seen in its database for which reads are not to be kept.
    varies: bool,
    /// What was asked for, oldest first; `None`: once, so that it has no name yet.
    kept: IndexMap<String, Option<Statement>>,
}

/// What is known of a transaction that has begun.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    /// The server process that it is of.
    pub(super) pid: i32,
    /// Whether there are policies of row security in its database.
    pub(super) has_policies: bool,
}

/// A statement that can be carried out.
pub(super) enum Ready<'t> {
    /// By its text, under no name.
    Text(&'t str),
    /// By the name that it is kept under.
    Kept(Statement),
}

impl Ready<'_> {
    /// Whether the server keeps it under a name.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

impl Connection {
    /// A connection that has just been made; `shared`: its server process may be another one for each transaction.
    pub(super) async fn new(client: Client, shared: bool) -> Self {
        let pid = match shared {
            true => None,
            false => cancel::pid(&client.cancel_token()).await,
        };
        Self {
            pid,
            client,
            is_direct: false,
            varies: false,
            kept: IndexMap::new(),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Takes what is known of the transaction that has begun. Should its process no longer be the one that it was,
    /// names mean nothing any more, and the answer is `false`.
    pub(super) fn takes(&mut self, begun: Begun) -> bool {
        self.varies |= begun.has_policies;
        let was_direct = std::mem::replace(&mut self.is_direct, self.pid == Some(begun.pid));
        self.is_direct || !was_direct
    }

    /// Whether reads may be kept, as far as it is known.
    pub(super) fn may_keep(&self) -> bool {
        !self.varies
    }

    /// A statement as it is: by its name if it has one.
    pub(super) fn readied<'t>(&self, text: &'t str) -> Ready<'t> {
        match self.kept.get(text) {
            Some(Some(statement)) if self.is_direct => Ready::Kept(statement.clone()),
            _ => Ready::Text(text),
        }
    }

    /// A statement, by its text and the types of its values, with a name if it was asked for before.
    ///
    /// # Errors
    ///
    /// The server refuses it, or the connection has ended.
    pub(super) async fn name<'t>(
        &mut self,
        text: &'t str,
        types: &[Type],
    ) -> Result<Ready<'t>, Error> {
        match self.kept.get(text) {
            None => {
                self.kept.insert(text.to_owned(), None);
            }
            Some(None) if self.is_direct => {
                let statement = self.client.prepare_typed(text, types).await?;
                self.kept.insert(text.to_owned(), Some(statement));
            }
            Some(_) => {}
        }
        let ready = self.readied(text);
        while self.kept.len() > KEPT_MAX {
            // The server forgets it with it.
            self.kept.shift_remove_index(0);
        }
        Ok(ready)
    }

    /// A read, with a name if it was asked for before, unless something in the database speaks against it.
    ///
    /// # Errors
    ///
    /// The server refuses it, or the connection has ended.
    pub(super) async fn name_read<'t>(
        &mut self,
        text: &'t str,
        types: &[Type],
    ) -> Result<Ready<'t>, Error> {
        let is_to_be_named = self.is_direct && matches!(self.kept.get(text), Some(None));
        if is_to_be_named {
            let told = self.client.query_typed(VARIES, &[]).await?;
            let told = told.first().and_then(|row| row.try_get(0).ok());
            self.varies |= told != Some(false);
        }
        match self.may_keep() {
            true => self.name(text, types).await,
            false => Ok(Ready::Text(text)),
        }
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
