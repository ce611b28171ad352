//! What a database says of a call that failed, in words for the model: only its SQLSTATE counts. Its message,
//! DETAIL and HINT may hold values of rows that nobody is to see.

use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

use super::connect::ConnectError;
use crate::runtime::error::CallError;

/// All connections are in use until the deadline.
pub(super) fn busy(most: u32) -> CallError {
    let connections = if most == 1 {
        "connection"
    } else {
        "connections"
    };
    let message = format!(
        "all {most} {connections} to the database were in use until the deadline; nothing was sent"
    );
    CallError::new("busy", message)
        .hint("try again, with fewer calls at the same time")
        .retryable()
}

/// No connection came about by the deadline.
pub(super) fn unreachable() -> CallError {
    CallError::new(
        "database_unreachable",
        "the database cannot be reached; nothing was sent",
    )
    .hint("try again later; the owner can find why in the log")
    .retryable()
}

/// No connection.
pub(super) fn unconnected(error: &ConnectError) -> CallError {
    tracing::warn!(%error, "no connection to the database");
    match error {
        ConnectError::Refused { reason, .. } if reason.may_pass() => unreachable(),
        _ => CallError::new(
            "database_refused",
            "the database does not let this server in; nothing was sent",
        )
        .hint("the owner can find why in the log"),
    }
}

/// Nothing says where the database is.
pub(super) fn no_dsn(variable: &str) -> String {
    match variable.strip_prefix("file:") {
        Some(path) => format!("the connection string is not there: the file {path}"),
        None => {
            format!(
                "the connection string needs the environment variable {variable}, which is not set"
            )
        }
    }
}

/// The statement took too long.
pub(super) fn timed_out(after: Duration) -> CallError {
    let seconds = after.as_secs_f64();
    CallError::new(
        "timeout",
        format!("the database did not answer within {seconds} s"),
    )
    .hint("ask for less: a narrower filter, fewer rows, another sort")
    .retryable()
}

/// The transaction may write, although it was begun otherwise.
pub(super) fn not_read_only() -> CallError {
    CallError::new(
        "not_read_only",
        "the database did not begin a transaction that only reads; nothing was read",
    )
    .hint("the owner has to look at what is between this server and the database")
}

/// The role that transactions take is none, or not for the user of the connection.
pub(super) fn no_role(role: &str) -> CallError {
    let message = format!(
        "the role `{role}` cannot be taken: there is none, or the user of the connection is no member of it; \
         nothing was read"
    );
    CallError::new("database_refused", message)
        .hint("the owner of this server has to make it, or grant it to the user")
}

/// The connection ended in the middle of a call.
pub(super) fn lost() -> CallError {
    CallError::new(
        "connection_lost",
        "the connection to the database ended before it answered",
    )
    .hint("try again")
    .retryable()
}

/// What comes back is not what was asked for.
pub(super) fn unreadable() -> CallError {
    CallError::new(
        "unreadable_row",
        "a row has a value that cannot be read as JSON",
    )
    .hint("leave out columns of JSON with `fields`")
}

/// What an error of the driver means for a call of a tool that may take so long.
pub(super) fn failed(error: &tokio_postgres::Error, tool: &str, timeout: Duration) -> CallError {
    let Some(code) = error.code() else {
        tracing::warn!(tool, "the connection to the database ended");
        return lost();
    };
    log(error, code, tool);
    of_code(code.code(), tool, timeout)
}

/// Names of the catalogue may be logged, values may not: only errors that are about names are told whole.
fn log(error: &tokio_postgres::Error, code: &SqlState, tool: &str) {
    let about_names = ["42", "3F", "57", "53"];
    let class = code.code().get(..2).unwrap_or_default();
    let message = error.as_db_error().map(DbError::message);
    let message = message.filter(|_| about_names.contains(&class));
    tracing::warn!(
        tool,
        sqlstate = code.code(),
        message,
        "the database refused a statement"
    );
}

/// SQLSTATE (PostgreSQL, appendix A) as an error of ours.
fn of_code(code: &str, tool: &str, timeout: Duration) -> CallError {
    let unavailable = || {
        CallError::new(
            "database_unavailable",
            "the database cannot carry this out now",
        )
        .hint("try again later")
        .retryable()
    };
    let class = code.get(..2).unwrap_or_default();
    match (class, code) {
        (_, "57014") => timed_out(timeout),
        (_, "42501") => CallError::new(
            "not_permitted",
            "the server's role may not read this in the database",
        )
        .hint("the owner of this server can grant it; use another tool"),
        (_, "25006") => CallError::new(
            "not_permitted",
            "this reads through something that changes the database, and only reads are made",
        )
        .hint("use another tool; the owner of this server may leave this one out"),
        (_, "55P03" | "40001" | "40P01") | ("08" | "53" | "57", _) => unavailable(),
        (_, "22012") => failed_in_general(),
        ("22", _) => CallError::new(
            "invalid_arguments",
            "a value of the arguments is none of its column's type, or is out of its range; nothing was read",
        )
        .hint("correct the values and call again"),
        (_, "42601") => failed_in_general(),
        ("42" | "3F", _) => CallError::new(
            "schema_drift",
            format!("the database has changed since the tool `{tool}` was made: a table, column or type is no longer as it was"),
        )
        .hint("the owner of this server has to make it again; other tools may work"),
        _ => failed_in_general(),
    }
}

fn failed_in_general() -> CallError {
    CallError::new("database_error", "the database could not carry this out")
        .hint("try another filter; the owner can find why in the log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_errors_of_ours() {
        for (sqlstate, code, retryable) in [
            ("57014", "timeout", true),
            ("42501", "not_permitted", false),
            ("25006", "not_permitted", false),
            ("42703", "schema_drift", false),
            ("42P01", "schema_drift", false),
            ("42883", "schema_drift", false),
            ("42804", "schema_drift", false),
            ("3F000", "schema_drift", false),
            ("22P02", "invalid_arguments", false),
            ("22003", "invalid_arguments", false),
            ("22012", "database_error", false),
            ("53300", "database_unavailable", true),
            ("57P01", "database_unavailable", true),
            ("55P03", "database_unavailable", true),
            ("42601", "database_error", false),
            ("P0001", "database_error", false),
            ("", "database_error", false),
        ] {
            let error = of_code(sqlstate, "loans_find", Duration::from_secs(5));
            assert_eq!(
                (error.code, error.retryable),
                (code, retryable),
                "{sqlstate}"
            );
        }
    }
}
