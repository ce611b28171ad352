//! [I/O] Databases: their catalogue, as it is now or as it was when a snapshot was taken, becomes a Catalog.

use super::Wanted;
use crate::catalog::Catalog;
use crate::cli::options::{self, DocOptions};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::input::postgres::{self, Snapshot};
use crate::policy::SourcePolicy;
use crate::runtime::backends::postgres::connect::Target;
use crate::runtime::config::{Secret, looked_up};
use crate::source::Source;

use super::wanted::{Database, postgres};

/// Whether a text is a snapshot of a database.
pub(super) fn is_snapshot(text: &str) -> bool {
    let start = text.trim_start().strip_prefix('{');
    start.is_some_and(|rest| rest.trim_start().starts_with("\"mcpgen_snapshot\""))
}

/// The database that the command line names, or whose snapshot it names.
pub(super) fn of_options(options: &DocOptions) -> anyhow::Result<Wanted> {
    let named = options::variable(&options.doc);
    let given = options.is_database();
    if let Some(option) = options.of_document() {
        anyhow::bail!("{option} is about documents of APIs, and this is a database");
    }
    Ok(Wanted {
        // A database that is there has no document: it is asked.
        doc: if given {
            String::new()
        } else {
            options.doc.clone()
        },
        fetch: options.fetch(),
        policy: SourcePolicy {
            postgres: Some(crate::runtime::manifest::Postgres {
                role: options.database.role.clone(),
                posture: options.database.posture(),
                ..postgres(named.unwrap_or_default().to_owned())
            }),
            ..SourcePolicy::default()
        },
        database: Some(Database {
            dsn: (given && named.is_none()).then(|| Secret::new(&options.doc)),
            schemas: options.database.schema.clone(),
        }),
        ..Wanted::default()
    })
}

/// A snapshot of a database as it is now, as a text among the sources.
pub(super) async fn asked(wanted: &Wanted) -> anyhow::Result<Source> {
    let database = wanted.database.as_ref();
    let reference = wanted
        .policy
        .postgres
        .as_ref()
        .map(|spec| spec.dsn.as_str());
    let dsn = if let Some(dsn) = database.and_then(|database| database.dsn.clone()) {
        dsn
    } else {
        let reference = reference.unwrap_or_default();
        let found = looked_up(reference).filter(|dsn| !dsn.is_empty());
        Secret::new(found.ok_or_else(|| Unset::new(reference, wanted.name.is_some()))?)
    };
    let target = Target::new(&dsn, &wanted.fetch.ca_certs)?;
    let schemas = database.map_or(&[][..], |database| &database.schemas);
    let snapshot = postgres::introspect::introspect(&target, schemas).await?;
    Ok(Source::made(target.place(), snapshot.text()))
}

/// Nothing says where a database is, and it is to be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unset(String);

impl Unset {
    /// What the owner of a policy can do.
    pub(super) const HELP: &'static str = "set it, or have a snapshot: \
        `mcpgen introspect postgres://… -o snapshot.json`, and `snapshot: ./snapshot.json`";

    fn new(reference: &str, in_policy: bool) -> Self {
        let missing = match reference.strip_prefix("file:") {
            Some(path) => format!("the file `{path}` is not there"),
            None => format!("the environment variable {reference} is not set"),
        };
        Self(match in_policy {
            true => format!("{missing}, and no `snapshot` says what the database has"),
            false => missing,
        })
    }
}

/// The Catalog of a snapshot. What cannot be read is reported.
pub(super) fn catalog(
    wanted: &Wanted,
    source: &Source,
    diags: &mut Diagnostics,
) -> anyhow::Result<Option<Catalog>> {
    let mut snapshot: Snapshot = match serde_json::from_str(&source.text) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            let (loc, reason) = source.misread(&error);
            let message = format!("this is no snapshot that can be read: {reason}");
            let found = Diagnostic::new(Code::Malformed, loc, message);
            diags.push(Diagnostic {
                severity: crate::diag::Severity::Error,
                ..found.help("take a new one: `mcpgen introspect postgres://… > snapshot.json`")
            });
            return Ok(None);
        }
    };
    anyhow::ensure!(
        snapshot.mcpgen_snapshot == Snapshot::VERSION,
        "{}: the snapshot is of format {}, and {} is read; take a new one: \
         `mcpgen introspect postgres://… -o {}`",
        source.name,
        snapshot.mcpgen_snapshot,
        Snapshot::VERSION,
        source.name
    );
    let schemas = wanted.database.as_ref().map_or(&[][..], |d| &d.schemas);
    let missing = schemas
        .iter()
        .find(|schema| !snapshot.schemas.contains(schema));
    if let Some(schema) = missing {
        let there = snapshot.schemas.join(", ");
        anyhow::bail!("the snapshot has no schema `{schema}`; it has {there}");
    }
    if !schemas.is_empty() {
        snapshot
            .relations
            .retain(|relation| schemas.contains(&relation.schema));
    }
    Ok(Some(postgres::read(
        &snapshot,
        wanted.name.as_deref(),
        diags,
    )))
}

/// What holds the connection string of a source that nothing else is said of.
pub(super) fn variable(source: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = source.chars().map(plain).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("DB_{name}_URL"),
        false => format!("{name}_URL"),
    }
}
