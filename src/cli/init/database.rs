//! The text of a policy file to start from, of a database.

use super::yaml;
use crate::catalog::{Catalog, Relation};
use crate::cli::report::{count, thousands};
use crate::compile::{Compiled, budget};
use crate::runtime::manifest::{Mask, SourceSpec};

/// Parts of the names of columns that are about people or are secrets, and what is shown of them.
const DELICATE: [(&str, Mask); 13] = [
    ("password", Mask::Null),
    ("passwd", Mask::Null),
    ("secret", Mask::Null),
    ("token", Mask::Null),
    ("pin_hash", Mask::Null),
    ("api_key", Mask::Null),
    ("email", Mask::Partial),
    ("phone", Mask::Last4),
    ("mobile", Mask::Last4),
    ("ssn", Mask::Last4),
    ("iban", Mask::Last4),
    ("card_number", Mask::Last4),
    ("passport", Mask::Last4),
];

/// What a policy is made of.
pub(super) struct Draft<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) compiled: &'a Compiled,
    /// The snapshot as the policy names it, if there is one.
    pub(super) snapshot: Option<String>,
    /// The schemas that were asked for.
    pub(super) schemas: &'a [String],
    /// Whether the format's schema is beside the policy.
    pub(super) schema: bool,
}

impl Draft<'_> {
    /// The file.
    pub(super) fn text(&self) -> String {
        [
            self.head(),
            self.source(),
            defaults(),
            self.rules(),
            self.tests(),
        ]
        .join("\n")
    }

    /// What was written, as the end of a sentence.
    pub(super) fn told(&self) -> String {
        let tools = &self.compiled.manifest.tools;
        let tokens = thousands(budget::total(tools));
        format!("{}, about {tokens} tokens", count(tools.len(), "tool"))
    }

    /// The environment variable of the connection string.
    pub(super) fn variable(&self) -> &str {
        let source = self.compiled.manifest.sources.get(&self.catalog.source);
        let spec = source.and_then(|spec: &SourceSpec| spec.postgres.as_ref());
        spec.map_or("DATABASE_URL", |spec| spec.dsn.as_str())
    }

    fn relations(&self) -> &[Relation] {
        let database = self.catalog.database.as_ref();
        database.map_or(&[], |database| &database.relations)
    }

    fn head(&self) -> String {
        format!(
            "{}\n#\n\
             # What an agent may see of the database {}. Nothing is written, whatever stands here.\n\
             version: 1\n\n\
             server:\n  name: {}\n  # instructions: \"What the model should know about these tools.\"\n",
            super::draft::editors(self.schema),
            yaml::comment(&self.catalog.title),
            yaml::text(&self.catalog.source),
        )
    }

    fn source(&self) -> String {
        let snapshot = match &self.snapshot {
            Some(path) => format!("    snapshot: {}\n", yaml::text(path)),
            None => "    # snapshot: ./snapshot.json   # mcpgen introspect env:… -o snapshot.json: no need of the database to compile\n".to_owned(),
        };
        let schemas = match self.schemas {
            [] => String::new(),
            some => format!("    schemas: {}\n", yaml::list(some, 6)),
        };
        format!(
            "sources:\n  {}:\n    postgres: \"${{env:{}}}\"   # a role that may only read\n{snapshot}{schemas}",
            yaml::text(&self.catalog.source),
            self.variable(),
        )
    }

    /// What could be delicate is masked; the rest is there, to be looked through.
    fn rules(&self) -> String {
        let mut active = String::new();
        let mut more = String::new();
        for relation in self.relations() {
            let table = yaml::text(&format!("{}.{}", relation.schema, relation.name));
            let masks: Vec<String> = relation
                .columns
                .keys()
                .filter_map(|name| Some(format!("{}: {}", yaml::text(name), delicate(name)?)))
                .collect();
            if !masks.is_empty() {
                active.push_str(&format!(
                    "  - match: {{table: {table}}}\n    columns: {{mask: {{{}}}}}\n",
                    masks.join(", ")
                ));
            }
            let columns: Vec<String> = relation.columns.keys().cloned().collect();
            more.push_str(&format!(
                "  # - match: {{table: {table}}}   # {}{}\n  #   columns: {{allow: {}}}\n",
                relation.kind,
                relation
                    .estimate
                    .and_then(|rows| usize::try_from(rows).ok())
                    .map_or_else(String::new, |rows| format!(
                        ", about {}",
                        count(rows, "row")
                    )),
                yaml::list(&columns, 6).replace('\n', "\n  # "),
            ));
        }
        let active = match active.is_empty() {
            true => "rules: []\n".to_owned(),
            false => {
                format!("rules:\n  # Names that sound like people's matters or secrets.\n{active}")
            }
        };
        format!(
            "{active}\n  # What else may be said, relation by relation (take the `#` away, and with `rules: []` the brackets):\n  \
             # which columns there are, `rows: {{tenant_id: {{eq: env.TENANT}}}}` for which rows, `exclude: true` for none.\n{more}"
        )
    }

    /// A call that is moved into its bounds, if there is one.
    fn tests(&self) -> String {
        let tools = &self.compiled.manifest.tools;
        let clamped = tools.iter().find_map(|tool| {
            let max = tool.clamp("limit")?.max.as_ref()?.as_u64()?;
            Some((tool.name.as_str(), max))
        });
        match clamped {
            Some((name, max)) => format!(
                "tests:\n  - call: {}\n    args: {{limit: {}}}\n    expect: {{clamped: {{/limit: [{}, {max}]}}}}\n",
                yaml::text(name),
                max * 10,
                max * 10,
            ),
            None => "# tests:   # calls, and the statements that they must come to\n".to_owned(),
        }
    }
}

fn defaults() -> String {
    "defaults:\n  max_rows: 100            # of a page\n  statement_timeout: 10s\n  timeout: 30s\n"
        .to_owned()
}

/// How a column of this name is masked, as a policy writes it; `None`: it is shown.
fn delicate(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let (_, mask) = DELICATE.iter().find(|(part, _)| name.contains(part))?;
    Some(match mask {
        Mask::Partial => "partial",
        Mask::Last4 => "last4",
        Mask::Hash => "hash",
        Mask::Null | Mask::Constant(_) => "null",
    })
}
