//! [I/O] What goes around every statement: a transaction that only reads, with settings of its own, is begun
//! and looked at; the one statement, and the transaction is rolled back.
//!
//! That is two round trips until the server keeps what sets up a transaction, and the statement, if it is one to
//! keep; one from then on. A statement reads nothing by its own text where no transaction has begun.
//!
//! Everything is sent by the extended protocol, which takes one statement at a time.

use std::time::Duration;

use futures::future::join;
use serde_json::Value;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::connection::{Begun, Connection, Param, Ready};
use super::failure;
use super::statement::Bind;
use crate::runtime::error::CallError;

/// How long a transaction may wait for us: it never does.
const IDLE: Duration = Duration::from_secs(10);

/// Settings that are the same for all: names, schemas and texts mean one thing, and row security holds.
const SETTINGS: [(&str, &str); 6] = [
    ("search_path", "pg_catalog, pg_temp"),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "iso_8601"),
    ("extra_float_digits", "1"),
    ("row_security", "on"),
];

const BEGIN: &str = "BEGIN READ ONLY";
const ROLLBACK: &str = "ROLLBACK";
/// About how long the object of all settings is, in bytes.
const SETTINGS_SIZE: usize = 300;

/// Sets what an object names, and tells then how much that was, whether the transaction only reads, whose it
/// is, and whether there are policies of row security. It has one call of `set_config` and not one for each
/// setting, since PostgreSQL may plan it anew each time. That the transaction only reads is noted in a setting of
/// ours, which ends with it: each statement asks for that (`statement::reads_only`).
const SET: &str = "SELECT pg_catalog.count(pg_catalog.set_config(s.key, s.value, true)), \
     pg_catalog.set_config('mcpgen.reads_only', \
     pg_catalog.current_setting('transaction_read_only'), true), pg_catalog.pg_backend_pid(), \
     EXISTS (SELECT FROM pg_catalog.pg_policy) \
     FROM pg_catalog.json_each_text($1::pg_catalog.json) AS s";

/// Why a call failed, and what that says of its connection.
pub(super) enum Failed {
    /// It ended, or never was one, before it answered anything.
    Unanswered(CallError),
    /// A name does not mean what it was given for: what is between gives each transaction a server process of its
    /// own, or something has taken the name away. Nothing was read that counts.
    Moved,
    /// It is at rest and in order; the statement is not.
    Refused(CallError),
    /// It is not to be used again.
    Broken(CallError),
}

/// What a call is carried out with.
pub(super) struct Terms<'a> {
    /// The tool's name.
    pub(super) tool: &'a str,
    /// The role that the transaction takes.
    pub(super) role: Option<&'a str>,
    /// All the time that the statement has.
    pub(super) timeout: Duration,
}

impl Terms<'_> {
    /// The settings of the transaction, as an object in order, and how many they are.
    fn settings(&self) -> (String, usize) {
        let time = self.timeout.as_millis().max(1).to_string();
        let idle = IDLE.as_millis().to_string();
        let own = [
            ("statement_timeout", time.as_str()),
            ("lock_timeout", time.as_str()),
            ("idle_in_transaction_session_timeout", idle.as_str()),
        ];
        let role = self.role.map(|role| ("role", role));
        let (mut text, mut count) = (String::with_capacity(SETTINGS_SIZE), 0);
        for (name, value) in own.into_iter().chain(SETTINGS).chain(role) {
            text.push(if count == 0 { '{' } else { ',' });
            text.push_str(&format!("\"{name}\":{}", Value::from(value)));
            count += 1;
        }
        text.push('}');
        (text, count)
    }

    fn failed(&self, error: &Error) -> CallError {
        failure::failed(error, self.tool, self.timeout)
    }

    fn broken(&self, error: &Error) -> Failed {
        match is_about_names(error) {
            true => Failed::Moved,
            false => Failed::Broken(self.failed(error)),
        }
    }

    /// What came of the beginning of a transaction.
    fn unanswered(&self, error: &Error) -> Failed {
        match error.code().map(SqlState::code) {
            // What a server says that is stopped: nothing was carried out.
            None | Some("57P01" | "57P02" | "57P03" | "57P05" | "08P01") => {
                Failed::Unanswered(self.failed(error))
            }
            Some(code) => match self.role {
                // Of the settings, only a role is not there, or not for everybody.
                Some(role) if matches!(code, "22023" | "42501") => {
                    Failed::Broken(failure::no_role(role))
                }
                _ => self.broken(error),
            },
        }
    }
}

/// A statement to carry out.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) text: &'a str,
    pub(super) binds: &'a [Bind],
    /// Whether its plan does not depend on the values, so that one may serve for all.
    pub(super) keep: bool,
}

/// Carries out one statement on a lent connection. Dropping the future cancels it.
pub(super) async fn read(
    connection: &mut Connection,
    query: Query<'_>,
    terms: &Terms<'_>,
) -> Result<Vec<Row>, Failed> {
    let params: Vec<Param<'_>> = query.binds.iter().map(param).collect();
    let set = connection.name(SET, &[Type::TEXT]).await;
    let set = set.map_err(|error| terms.unanswered(&error))?;
    let keep = query.keep && connection.may_keep();
    let statement = match keep {
        true => connection.readied(query.text),
        false => Ready::Text(query.text),
    };
    if set.is_kept() && (!keep || statement.is_kept()) {
        let opening = open(connection, &set, terms);
        let reading = carry_out(connection, &statement, &params, terms);
        let (opened, rows) = join(opening, reading).await;
        return match connection.takes(opened?) {
            true => rows,
            false => Err(Failed::Moved),
        };
    }
    let begun = open(connection, &set, terms).await?;
    if !connection.takes(begun) {
        return Err(Failed::Moved);
    }
    let statement = match query.keep && connection.may_keep() {
        true => {
            let types: Vec<Type> = params.iter().map(|(_, r#type)| r#type.clone()).collect();
            let named = connection.name_read(query.text, &types).await;
            named.map_err(|error| terms.broken(&error))?
        }
        false => Ready::Text(query.text),
    };
    carry_out(connection, &statement, &params, terms).await
}

fn param(bind: &Bind) -> Param<'_> {
    match bind {
        Bind::Text(text) | Bind::Secret(text) => (text as &(dyn ToSql + Sync), Type::TEXT),
        Bind::List(texts) => (texts as &(dyn ToSql + Sync), Type::TEXT_ARRAY),
    }
}

/// Begins a transaction and makes sure that it only reads.
async fn open(
    connection: &Connection,
    set: &Ready<'_>,
    terms: &Terms<'_>,
) -> Result<Begun, Failed> {
    let (settings, count) = terms.settings();
    let settings = [(&settings as &(dyn ToSql + Sync), Type::TEXT)];
    // Both are sent before either is answered.
    let (first, setting) = (Ready::Text(BEGIN), connection.run(set, &settings));
    let (opened, rows) = join(connection.run(&first, &[]), setting).await;
    opened.map_err(|error| terms.unanswered(&error))?;
    let rows = rows.map_err(|error| terms.unanswered(&error))?;
    let told = rows.first().and_then(|row| {
        let done: i64 = row.try_get(0).ok()?;
        let done = usize::try_from(done).ok()?;
        let begun = Begun {
            pid: row.try_get(2).ok()?,
            has_policies: row.try_get(3).ok()?,
        };
        Some((done, row.try_get(1).ok()?, begun))
    });
    match told {
        Some((done, "on", begun)) if done == count => Ok(begun),
        _ => Err(Failed::Broken(failure::not_read_only())),
    }
}

/// Carries out the statement and ends the transaction.
async fn carry_out(
    connection: &Connection,
    statement: &Ready<'_>,
    params: &[Param<'_>],
    terms: &Terms<'_>,
) -> Result<Vec<Row>, Failed> {
    let end = Ready::Text(ROLLBACK);
    let ending = connection.run(&end, &[]);
    match join(connection.run(statement, params), ending).await {
        (Ok(rows), Ok(_)) => Ok(rows),
        (Err(error), Ok(_)) if is_about_values(&error) => {
            Err(Failed::Refused(terms.failed(&error)))
        }
        (Err(error), _) | (Ok(_), Err(error)) => Err(terms.broken(&error)),
    }
}

/// Whether a statement was refused for what was asked, so that nothing is wrong with the connection.
fn is_about_values(error: &Error) -> bool {
    let code = error.code().map(SqlState::code);
    code.is_some_and(|code| code.starts_with("22") || code == "57014")
}

/// Whether the server does not know a statement by its name, or knows another one by it.
fn is_about_names(error: &Error) -> bool {
    let code = error.code().map(SqlState::code);
    code.is_some_and(|code| ["26000", "42P05"].contains(&code))
}

/// When a statement has to end: its own time, or what is left of the call's.
pub(super) fn time(limits: &[Option<u64>], deadline: Instant) -> Duration {
    let own = limits.iter().flatten().min().copied();
    let left = deadline.saturating_duration_since(Instant::now());
    own.map_or(left, |own| Duration::from_millis(own).min(left))
}
