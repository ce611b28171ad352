//! [I/O] A look at a live database: its catalogue becomes a [`Snapshot`].
//!
//! One READ ONLY transaction over `pg_catalog` (`information_schema` hides keys from who may only read, and
//! has no materialised views). The statements are constants, the schemas are bound, and every statement is
//! sent by the extended protocol. Nothing of any table is read, only what the catalogue says of it.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use tokio_postgres::types::{ToSql, Type as SqlType};
use tokio_postgres::{Client, Row};

use super::snapshot::{Function, Relation, Role, Snapshot, Type};
use crate::diag::nearest;
use crate::runtime::backends::postgres::connect::{ConnectError, Target};
use crate::runtime::backends::postgres::statement::ident;

/// The oldest version that is read, as `server_version_num` has it.
const OLDEST: u32 = 130_000;
/// What PostgreSQL shows of our connection.
const APPLICATION: &str = "mcpgen introspect";

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectError {
    /// The server does not let us in.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server is too old.
    #[error("{place}: PostgreSQL {version} is older than 13, the first version that is read")]
    TooOld {
        /// Database and host.
        place: String,
        /// Its major version.
        version: u32,
    },
    /// A schema that was asked for is not there.
    #[error("{place} has no schema `{schema}`; {instead}")]
    NoSchema {
        /// Database and host.
        place: String,
        /// What was asked for.
        schema: String,
        /// What is there.
        instead: String,
    },
    /// The role may not use a schema that was asked for.
    #[error(
        "{place}: the role may not use the schema `{schema}`; its owner allows it with\n{grants}"
    )]
    NoUsage {
        /// Database and host.
        place: String,
        /// What was asked for.
        schema: String,
        /// The statements that do.
        grants: String,
    },
    /// There is no schema that the role may use.
    #[error("{place}: the role may use no schema here; an owner allows it with\n{grants}")]
    NoSchemas {
        /// Database and host.
        place: String,
        /// The statements that do, for the schemas that there are.
        grants: String,
    },
    /// A statement over the catalogue failed, or gave what was not expected.
    #[error("{place}: the catalogue cannot be read ({what}){}", .code.as_deref().map(|code| format!(": SQLSTATE {code}")).unwrap_or_default())]
    Catalogue {
        /// Database and host.
        place: String,
        /// What was read.
        what: &'static str,
        /// What PostgreSQL said, if it was PostgreSQL.
        code: Option<String>,
    },
}

/// What there is instead of a schema that is not there.
fn instead(wanted: &str, usable: &[&str]) -> String {
    match (nearest::nearest(wanted, usable.iter().copied()), usable) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "there is none that the role may use".to_owned(),
        (None, usable) => format!("the role may use {}", usable.join(", ")),
    }
}

/// Looks at a database. `schemas` are those that are looked at; none: all that the role may use, but
/// PostgreSQL's own and those of extensions.
///
/// # Errors
///
/// The server does not let us in, a schema is not there, or the catalogue cannot be read.
pub async fn introspect(target: &Target, schemas: &[String]) -> Result<Snapshot, IntrospectError> {
    let (client, task) = target.connect(APPLICATION).await?;
    let look = Look {
        client: &client,
        place: target.place(),
    };
    let snapshot = look.begin(schemas).await;
    // The end of the client is the end of its connection; that is waited for, so that nothing is left.
    drop(client);
    let _ = task.await;
    snapshot
}

/// A look at one database.
struct Look<'a> {
    client: &'a Client,
    place: &'a str,
}

impl Look<'_> {
    async fn begin(&self, wanted: &[String]) -> Result<Snapshot, IntrospectError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let sent = self.client.execute_typed(begin, &[]).await;
        sent.map_err(|error| self.failed("a transaction", &error))?;
        self.is_new_enough().await?;
        let session = include_str!("introspect/session.sql");
        self.rows("settings", session, &[]).await?;
        let snapshot = self.snapshot(wanted).await;
        // Nothing was changed; a connection that is gone has ended its transaction, too.
        let _ = self.client.execute_typed("ROLLBACK", &[]).await;
        snapshot
    }

    /// Older versions lack what the statements name.
    async fn is_new_enough(&self) -> Result<(), IntrospectError> {
        let text = "SELECT pg_catalog.current_setting('server_version_num')";
        let rows = self.rows("the version", text, &[]).await?;
        let row = rows.first().ok_or_else(|| self.unexpected("the version"))?;
        let version: String = self.value("the version", row, 0)?;
        match version.parse::<u32>() {
            Ok(version) if version >= OLDEST => Ok(()),
            Ok(version) => Err(IntrospectError::TooOld {
                place: self.place.to_owned(),
                version: version / 10_000,
            }),
            Err(_) => Err(self.unexpected("the version")),
        }
    }

    async fn snapshot(&self, wanted: &[String]) -> Result<Snapshot, IntrospectError> {
        let schemas = self.schemas(wanted).await?;
        let head: Head = {
            let text = include_str!("introspect/head.sql");
            let mut rows = self.json("the role", text, &schemas).await?;
            rows.pop().ok_or_else(|| self.unexpected("the role"))?
        };
        let types = include_str!("introspect/types.sql");
        let types = self.rows("types", types, &[&schemas]).await?;
        let types = types.iter().map(|row| {
            let name: String = self.value("types", row, 0)?;
            Ok((name, self.read::<Type>("types", row, 1)?))
        });
        let relations = include_str!("introspect/relations.sql");
        let functions = include_str!("introspect/functions.sql");
        Ok(Snapshot {
            mcpgen_snapshot: Snapshot::VERSION,
            server_version: head.server_version,
            database: head.database,
            comment: head.comment,
            role: head.role,
            types: types.collect::<Result<_, IntrospectError>>()?,
            relations: self
                .json::<Relation>("relations", relations, &schemas)
                .await?,
            functions: self
                .json::<Function>("functions", functions, &schemas)
                .await?,
            schemas,
        })
    }

    /// The schemas that are looked at.
    async fn schemas(&self, wanted: &[String]) -> Result<Vec<String>, IntrospectError> {
        let text = include_str!("introspect/schemas.sql");
        let mut all: Vec<Schema> = Vec::new();
        for row in self.rows("schemas", text, &[]).await? {
            all.push(Schema {
                name: self.value("schemas", &row, 0)?,
                usable: self.value("schemas", &row, 1)?,
                offered: self.value("schemas", &row, 2)?,
            });
        }
        if wanted.is_empty() {
            let offered = || all.iter().filter(|schema| schema.offered);
            let usable: Vec<String> = offered()
                .filter(|schema| schema.usable)
                .map(|schema| schema.name.clone())
                .collect();
            if usable.is_empty() {
                let place = self.place.to_owned();
                let grants = grants(offered().map(|schema| schema.name.as_str()));
                return Err(IntrospectError::NoSchemas { place, grants });
            }
            return Ok(usable);
        }
        let mut chosen = wanted.to_vec();
        chosen.sort();
        chosen.dedup();
        for schema in &chosen {
            self.is_there(schema, &all)?;
        }
        Ok(chosen)
    }

    fn is_there(&self, wanted: &str, all: &[Schema]) -> Result<(), IntrospectError> {
        let (place, schema) = (self.place.to_owned(), wanted.to_owned());
        match all.iter().find(|schema| schema.name == wanted) {
            Some(found) if found.usable => Ok(()),
            Some(_) => {
                let grants = grants([wanted].into_iter());
                Err(IntrospectError::NoUsage {
                    place,
                    schema,
                    grants,
                })
            }
            None => {
                let offered = all.iter().filter(|schema| schema.offered && schema.usable);
                let offered: Vec<&str> = offered.map(|schema| schema.name.as_str()).collect();
                let instead = instead(wanted, &offered);
                Err(IntrospectError::NoSchema {
                    place,
                    schema,
                    instead,
                })
            }
        }
    }

    /// The rows of a statement, each of which is JSON.
    async fn json<T: DeserializeOwned>(
        &self,
        what: &'static str,
        text: &str,
        schemas: &Vec<String>,
    ) -> Result<Vec<T>, IntrospectError> {
        let rows = self.rows(what, text, &[schemas]).await?;
        rows.iter().map(|row| self.read(what, row, 0)).collect()
    }

    async fn rows(
        &self,
        what: &'static str,
        text: &str,
        schemas: &[&Vec<String>],
    ) -> Result<Vec<Row>, IntrospectError> {
        let binds: Vec<(&(dyn ToSql + Sync), SqlType)> = schemas
            .iter()
            .map(|names| (*names as &(dyn ToSql + Sync), SqlType::TEXT_ARRAY))
            .collect();
        let rows = self.client.query_typed(text, &binds).await;
        rows.map_err(|error| self.failed(what, &error))
    }

    fn read<T: DeserializeOwned>(
        &self,
        what: &'static str,
        row: &Row,
        column: usize,
    ) -> Result<T, IntrospectError> {
        let text: String = self.value(what, row, column)?;
        serde_json::from_str(&text).map_err(|error| {
            tracing::debug!(%error, what, "the catalogue has what is not known");
            self.unexpected(what)
        })
    }

    fn value<'r, T: tokio_postgres::types::FromSql<'r>>(
        &self,
        what: &'static str,
        row: &'r Row,
        column: usize,
    ) -> Result<T, IntrospectError> {
        let value = row.try_get(column);
        value.map_err(|_| self.unexpected(what))
    }

    fn failed(&self, what: &'static str, error: &tokio_postgres::Error) -> IntrospectError {
        IntrospectError::Catalogue {
            place: self.place.to_owned(),
            what,
            code: error.code().map(|code| code.code().to_owned()),
        }
    }

    fn unexpected(&self, what: &'static str) -> IntrospectError {
        let place = self.place.to_owned();
        IntrospectError::Catalogue {
            place,
            what,
            code: None,
        }
    }
}

/// What a statement says of the database and the role.
#[derive(serde::Deserialize)]
struct Head {
    server_version: u32,
    database: String,
    comment: Option<String>,
    role: Role,
}

/// A schema of the database.
struct Schema {
    name: String,
    usable: bool,
    offered: bool,
}

/// The statements that let a role read what is in schemas.
fn grants<'n>(schemas: impl Iterator<Item = &'n str>) -> String {
    let mut text = String::new();
    for name in schemas {
        let name = ident(name);
        let _ = write!(
            text,
            "{}  GRANT USAGE ON SCHEMA {name} TO …;\n  GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO …;",
            if text.is_empty() { "" } else { "\n" }
        );
    }
    text
}
