//! [I/O] What a role may do beyond reading what is served, and what its owner is told of it.

use tokio_postgres::Row;

use super::statement::{Bind, ident};
use crate::runtime::manifest::RoleKind;

/// The look at a role and at what is served. Roles that it is a member of count, whether it has their rights
/// by itself or would have to take them.
pub(super) const LOOK: &str = "\
WITH served AS (\
  SELECT n.nspname AS s, c.relname AS r, c.oid AS o, n.oid AS no, c.relowner AS owner \
  FROM unnest($1::text[], $2::text[]) AS w(s, r) \
  JOIN pg_namespace AS n ON n.nspname = w.s \
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.r), \
held AS (\
  SELECT a.oid, a.rolsuper, a.rolbypassrls FROM pg_roles AS a \
  WHERE a.rolname = current_user \
  OR (NOT (SELECT m.rolsuper FROM pg_roles AS m WHERE m.rolname = current_user) \
      AND pg_has_role(current_user, a.oid, 'MEMBER'))) \
SELECT current_user::text, current_database()::text, \
(SELECT bool_or(rolsuper) FROM held) OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user), \
(SELECT bool_or(rolbypassrls) FROM held), \
ARRAY(SELECT s || '.' || r FROM served WHERE owner IN (SELECT oid FROM held) ORDER BY 1)::text[], \
ARRAY(SELECT s || '.' || r FROM served WHERE EXISTS (SELECT FROM held \
  WHERE has_table_privilege(held.oid, o, 'INSERT, UPDATE, DELETE, TRUNCATE') \
  OR has_any_column_privilege(held.oid, o, 'INSERT, UPDATE')) ORDER BY 1)::text[], \
ARRAY(SELECT DISTINCT s FROM served WHERE EXISTS (SELECT FROM held \
  WHERE has_schema_privilege(held.oid, no, 'CREATE')) ORDER BY 1)::text[]";

/// The values of that look.
pub(super) fn binds(served: &[(String, String)]) -> Vec<Bind> {
    let (schemas, names) = served.iter().cloned().unzip();
    vec![Bind::List(schemas), Bind::List(names)]
}

/// What a role may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The role.
    pub role: String,
    /// The most that it may do beyond reading; `None`: it only reads.
    pub kind: Option<RoleKind>,
    /// Why, a line each.
    pub reasons: Vec<String>,
    /// SQL that makes a role that only reads.
    pub remedy: String,
}

/// Most names that a reason lists.
const NAMES_MAX: usize = 5;

impl Report {
    /// Reads what the look brought; `None`: it is not what was asked for.
    pub(super) fn read(row: &Row, served: &[(String, String)]) -> Option<Self> {
        let role: String = row.try_get(0).ok()?;
        let database: String = row.try_get(1).ok()?;
        let superuser: bool = row.try_get(2).ok()?;
        let bypasses: bool = row.try_get(3).ok()?;
        let owned: Vec<String> = row.try_get(4).ok()?;
        let written: Vec<String> = row.try_get(5).ok()?;
        let created: Vec<String> = row.try_get(6).ok()?;
        let mut kinds = Vec::new();
        let mut reasons = Vec::new();
        let mut add = |kind: RoleKind, reason: String| {
            kinds.push(kind);
            reasons.push(reason);
        };
        if superuser {
            add(
                RoleKind::Superuser,
                "it is a superuser, or may become one".to_owned(),
            );
        }
        if bypasses && !superuser {
            add(
                RoleKind::BypassRls,
                "row security does not hold for it, or for a role that it may take (BYPASSRLS)"
                    .to_owned(),
            );
        }
        if !owned.is_empty() {
            add(RoleKind::Owner, format!("it owns {}", listed(&owned)));
        }
        if !written.is_empty() && !superuser {
            add(
                RoleKind::Writer,
                format!("it may write to {}", listed(&written)),
            );
        }
        if !created.is_empty() && !superuser {
            let schemas = listed(&created);
            add(
                RoleKind::Writer,
                format!("it may create objects in {schemas}"),
            );
        }
        Some(Self {
            kind: kinds.into_iter().max(),
            remedy: remedy(&database, served, &created, superuser),
            role,
            reasons,
        })
    }

    /// In words, for the owner.
    pub fn text(&self) -> String {
        let kind = self.kind.map_or("", RoleKind::as_str);
        let reasons: Vec<String> = self.reasons.iter().map(|r| format!("  - {r}")).collect();
        format!(
            "the role `{}` may do more than read:\n{}\n\
             make a role that only reads what is served, and connect as that one:\n\n{}\n\
             or say why it is accepted: `posture: {{accept: {kind}, because: …}}` in a policy's source, or \
             --accept-posture {} --because TEXT",
            self.role,
            reasons.join("\n"),
            self.remedy,
            kind.replace('_', "-")
        )
    }
}

fn listed(names: &[String]) -> String {
    let few: Vec<&str> = names.iter().take(NAMES_MAX).map(String::as_str).collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => few.join(", "),
        more => format!("{} and {more} more", few.join(", ")),
    }
}

/// SQL that makes a role that reads what is served and nothing else.
fn remedy(
    database: &str,
    served: &[(String, String)],
    created: &[String],
    superuser: bool,
) -> String {
    let mut schemas: Vec<&str> = served.iter().map(|(schema, _)| schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    let mut lines = vec![
        "  CREATE ROLE mcpgen_reader LOGIN PASSWORD 'choose one' NOSUPERUSER NOBYPASSRLS;"
            .to_owned(),
        format!(
            "  GRANT CONNECT ON DATABASE {} TO mcpgen_reader;",
            ident(database)
        ),
    ];
    for schema in &schemas {
        lines.push(format!(
            "  GRANT USAGE ON SCHEMA {} TO mcpgen_reader;",
            ident(schema)
        ));
    }
    for (schema, name) in served {
        let (schema, name) = (ident(schema), ident(name));
        lines.push(format!(
            "  GRANT SELECT ON {schema}.{name} TO mcpgen_reader;"
        ));
    }
    // What everybody may do, the new role may, too.
    for schema in created.iter().filter(|_| !superuser) {
        lines.push(format!(
            "  REVOKE CREATE ON SCHEMA {} FROM PUBLIC;",
            ident(schema)
        ));
    }
    lines.push("  ALTER ROLE mcpgen_reader SET default_transaction_read_only = on;\n".to_owned());
    lines.join("\n")
}
