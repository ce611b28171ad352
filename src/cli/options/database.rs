//! Options about a database.

use clap::{Args, ValueEnum};

use super::DocOptions;
use crate::runtime::manifest::{Posture, RoleKind};

/// A database, and what is accepted of its role.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct DatabaseOptions {
    /// Schema of a database whose relations are served; repeatable; without it, all that the role may
    /// use
    #[arg(long, value_name = "SCHEMA")]
    pub(in crate::cli) schema: Vec<String>,

    /// The role that every transaction of a database takes
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) role: Option<String>,

    /// Go on with a role that may do more than read, up to this
    #[arg(long, value_name = "KIND", value_enum, requires = "because")]
    pub(in crate::cli) accept_posture: Option<Accepted>,

    /// Why such a role is accepted; it stands in the plan and in the log
    #[arg(long, value_name = "TEXT", requires = "accept_posture")]
    pub(in crate::cli) because: Option<String>,
}

/// What a role may do beyond reading; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Accepted {
    /// Write to something that is served, or create objects beside it
    Writer,
    /// Own something that is served
    Owner,
    /// Go around row security
    BypassRls,
    /// Everything
    Superuser,
}

impl From<Accepted> for RoleKind {
    fn from(accepted: Accepted) -> Self {
        match accepted {
            Accepted::Writer => Self::Writer,
            Accepted::Owner => Self::Owner,
            Accepted::BypassRls => Self::BypassRls,
            Accepted::Superuser => Self::Superuser,
        }
    }
}

impl DatabaseOptions {
    /// What is accepted of the role, and why.
    pub(in crate::cli) fn posture(&self) -> Option<Posture> {
        Some(Posture {
            accept: self.accept_posture?.into(),
            because: self.because.clone()?,
        })
    }

    /// The first option that is given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [
            (!self.schema.is_empty(), "--schema"),
            (self.role.is_some(), "--role"),
            (self.accept_posture.is_some(), "--accept-posture"),
        ];
        let mut given = given.into_iter();
        given.find_map(|(there, option)| there.then_some(option))
    }
}

impl DocOptions {
    /// Whether the document is a database: its connection string, or the variable that holds it.
    pub(in crate::cli) fn is_database(&self) -> bool {
        is_connection_string(&self.doc) || variable(&self.doc).is_some()
    }
}

/// The environment variable that holds a connection string, as in `env:DATABASE_URL`.
pub(in crate::cli) fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix("env:")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// What connection strings begin with: URLs (PostgreSQL 34.1.1.2) and pairs (34.1.1.1). Some are not
/// read, and must not be taken for names of files either: messages repeat those, and these may hold a
/// password.
const BEGINNINGS: [&str; 10] = [
    "postgres:",
    "postgresql:",
    "jdbc:",
    "host=",
    "hostaddr=",
    "port=",
    "dbname=",
    "user=",
    "password=",
    "sslmode=",
];

/// Whether a text says where a database is.
pub(in crate::cli) fn is_connection_string(text: &str) -> bool {
    let begins = |beginning: &&str| {
        let start = text.trim_start().get(..beginning.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    };
    BEGINNINGS.iter().any(begins)
}
