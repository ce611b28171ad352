//! A snapshot becomes a Catalog: what the role may read of each relation, and the two reads of it. Pure.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::snapshot::{self, RelationKind, Snapshot};
use crate::catalog::{
    Capability, Catalog, Database, ForeignKey, LeftOut, Output, ReadKind, Relation, RelationColumn,
};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, Severity};
use crate::runtime::backends::postgres::statement::ident;
use crate::runtime::manifest::{Comparison, Effect};

mod column;
mod compared;
mod types;

use types::Types;

/// The Catalog of a snapshot. What is not offered, or not as it is, is reported at its place in the
/// snapshot's text. The source is called `name`, or as its database is.
pub fn read(snapshot: &Snapshot, name: Option<&str>, diags: &mut Diagnostics) -> Catalog {
    let mut reader = Reader {
        snapshot,
        types: Types::new(snapshot),
        places: Vec::new(),
        catalog: Catalog {
            source: name.map_or_else(|| identifier(&snapshot.database), str::to_owned),
            title: snapshot.database.clone(),
            version: format!("PostgreSQL {}", snapshot.server_version / 10_000),
            ..Catalog::default()
        },
        diags,
    };
    let relations = reader.relations();
    reader.capabilities(&relations);
    reader.diags.about(None);
    if relations.is_empty() {
        let found = nothing(snapshot);
        reader.diags.push(found);
    }
    let mut catalog = reader.catalog;
    catalog.database = Some(Database { relations });
    catalog
}

struct Reader<'a, 'd> {
    snapshot: &'a Snapshot,
    types: Types<'a>,
    /// The index of each relation of the Catalog in the snapshot.
    places: Vec<usize>,
    catalog: Catalog,
    diags: &'d mut Diagnostics,
}

impl<'a> Reader<'a, '_> {
    /// The relations that are offered.
    fn relations(&mut self) -> Vec<Relation> {
        let mut offered = Vec::new();
        for (index, relation) in self.snapshot.relations.iter().enumerate() {
            let is_empty = relation.columns.is_empty();
            if !is_empty && !relation.columns.iter().any(|column| column.readable) {
                // The role may not know more of it than its name.
                continue;
            }
            self.diags.about(Some(&operation(ReadKind::Find, relation)));
            if let Some(found) = unoffered(relation, place(index)) {
                self.leave_out(relation, found);
                continue;
            }
            self.places.push(index);
            let relation = self.relation(index, relation);
            offered.push(relation);
        }
        let named = |(index, place): (usize, &usize)| {
            let relation = self.snapshot.relations.get(*place)?;
            let name = (relation.schema.as_str(), relation.name.as_str());
            Some((name, (index, relation)))
        };
        let others = self.places.iter().enumerate();
        let others: Others<'_> = others.filter_map(named).collect();
        for (found, place) in offered.iter_mut().zip(&self.places) {
            let relation = self.snapshot.relations.get(*place);
            let keys = relation.map(|relation| relation.foreign_keys.as_slice());
            found.foreign_keys = foreign_keys(keys.unwrap_or_default(), &found.columns, &others);
        }
        offered
    }

    fn leave_out(&mut self, relation: &snapshot::Relation, found: Diagnostic) {
        self.catalog.operations += 1;
        self.catalog.left_out.push(LeftOut {
            operation: operation(ReadKind::Find, relation),
            reason: found.message.clone(),
            path: path(relation),
            id: Some(self.id(ReadKind::Find, relation)),
            tags: vec![relation.name.clone()],
            effect: Effect::Read,
        });
        self.diags.push(found);
    }

    fn relation(&mut self, index: usize, relation: &'a snapshot::Relation) -> Relation {
        let mut columns = IndexMap::with_capacity(relation.columns.len());
        for (number, column) in relation.columns.iter().enumerate() {
            if !column.readable {
                continue;
            }
            let found = self.types.column(column, leads(relation, &column.name));
            if found.as_text {
                let loc = place(index).child("columns").child(&number.to_string());
                self.diags.push(shown_as_text(column, loc));
            }
            columns.insert(column.name.clone(), found.column);
        }
        let keys = keys(relation, &columns);
        // No view has a key, and nobody can give it one.
        if keys.is_empty() && noun(relation.kind) == "table" {
            self.diags.push(without_key(relation, place(index)));
        }
        Relation {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            kind: noun(relation.kind),
            comment: relation.comment.clone(),
            columns,
            keys,
            foreign_keys: Vec::new(),
            estimate: relation.estimate,
        }
    }

    /// What can be done with each relation.
    fn capabilities(&mut self, relations: &[Relation]) {
        for (index, found) in relations.iter().enumerate() {
            let place = self.places.get(index).copied().unwrap_or_default();
            let Some(relation) = self.snapshot.relations.get(place) else {
                continue;
            };
            let kinds = [ReadKind::Find, ReadKind::Get];
            let with_key = usize::from(!found.keys.is_empty());
            for kind in kinds.into_iter().take(1 + with_key) {
                let capability = self.capability(kind, index, relation);
                self.catalog.operations += 1;
                self.catalog.capabilities.push(capability);
            }
        }
    }

    fn capability(
        &self,
        kind: ReadKind,
        index: usize,
        relation: &snapshot::Relation,
    ) -> Capability {
        let noun = noun(relation.kind);
        let summary = match kind {
            ReadKind::Find => format!("Rows of the {noun} `{}`, a page at a time.", relation.name),
            ReadKind::Get => format!("One row of the {noun} `{}`, by a key.", relation.name),
        };
        Capability {
            operation: operation(kind, relation),
            id: Some(self.id(kind, relation)),
            method: verb(kind).to_owned(),
            path: path(relation),
            read: Some((index, kind)),
            tags: vec![relation.name.clone()],
            effect: Effect::Read,
            idempotent: true,
            summary: Some(summary),
            description: relation.comment.clone(),
            deprecated: false,
            base_url: None,
            server_loc: None,
            params: Vec::new(),
            body: None,
            output: Output::default(),
            security: Vec::new(),
            input_defs: serde_json::Map::new(),
            loc: self
                .places
                .get(index)
                .map(|index| place(*index))
                .unwrap_or_default(),
        }
    }

    /// `books_find`, with the schema before it if another schema has such a relation, too.
    fn id(&self, kind: ReadKind, relation: &snapshot::Relation) -> String {
        let verb = verb(kind);
        match self.types.is_ambiguous(&relation.name) {
            true => format!("{}_{}_{verb}", relation.schema, relation.name),
            false => format!("{}_{verb}", relation.name),
        }
    }
}

/// The relations that are offered, by schema and name, each with its index.
type Others<'a> = BTreeMap<(&'a str, &'a str), (usize, &'a snapshot::Relation)>;

/// The foreign keys that can be followed.
fn foreign_keys(
    keys: &[snapshot::ForeignKey],
    columns: &IndexMap<String, RelationColumn>,
    others: &Others<'_>,
) -> Vec<ForeignKey> {
    let read = |key: &snapshot::ForeignKey| {
        let (relation, other) = others.get(&(key.schema.as_str(), key.table.as_str()))?;
        let readable = |name: &String| {
            let mut columns = other.columns.iter();
            columns.any(|column| column.readable && column.name == *name)
        };
        let own = key.columns.iter().all(|name| columns.contains_key(name));
        if !own || key.columns.len() != key.references.len() || !key.references.iter().all(readable)
        {
            return None;
        }
        let pairs = key
            .columns
            .iter()
            .cloned()
            .zip(key.references.iter().cloned());
        Some(ForeignKey {
            name: key.name.clone(),
            columns: pairs.collect(),
            relation: *relation,
        })
    };
    keys.iter().filter_map(read).collect()
}

/// What a finding about a read is filed under: `find library.books`.
fn operation(kind: ReadKind, relation: &snapshot::Relation) -> String {
    format!("{} {}", verb(kind), path(relation))
}

fn path(relation: &snapshot::Relation) -> String {
    format!("{}.{}", relation.schema, relation.name)
}

fn verb(kind: ReadKind) -> &'static str {
    match kind {
        ReadKind::Find => "find",
        ReadKind::Get => "get",
    }
}

fn noun(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table | RelationKind::PartitionedTable => "table",
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialised view",
        RelationKind::ForeignTable => "foreign table",
    }
}

fn place(index: usize) -> Loc {
    Loc::at(format!("/relations/{index}"))
}

/// Why a relation is not offered, if it is not.
fn unoffered(relation: &snapshot::Relation, loc: Loc) -> Option<Diagnostic> {
    let name = &relation.name;
    if relation.columns.is_empty() {
        let message = format!("`{name}` has no columns: there is nothing to read of it");
        let found = Diagnostic::new(Code::RelationLeftOut, loc, message);
        return Some(found.help("give it a column, or exclude it"));
    }
    if relation.kind == RelationKind::ForeignTable {
        let message = format!(
            "`{name}` is a foreign table: what reads it acts on another server, in no READ ONLY transaction"
        );
        let found = Diagnostic::new(Code::RelationLeftOut, loc, message);
        return Some(found.help("a materialised view can have what is needed of it"));
    }
    let (schema, parent) = relation.partition_of.as_ref()?;
    let message = format!(
        "`{name}` is a partition: reading it alone would go around the row security of `{schema}.{parent}`"
    );
    let found = Diagnostic::new(Code::RelationLeftOut, loc, message);
    // Its rows can be read all the same.
    let severity = Severity::Note;
    let found = found.help("its rows are among those of the partitioned table");
    Some(Diagnostic { severity, ..found })
}

/// Whether a column is the first of an index that has all rows.
fn leads(relation: &snapshot::Relation, column: &str) -> bool {
    let first = |columns: &[String]| columns.first().is_some_and(|name| name == column);
    let mut indexes = relation.indexes.iter().filter(|index| !index.partial);
    indexes.any(|index| first(&index.columns)) || first(&relation.primary_key)
}

/// The keys by which a row can be asked for: all of each is readable, never null and compared.
fn keys(
    relation: &snapshot::Relation,
    columns: &IndexMap<String, RelationColumn>,
) -> Vec<Vec<String>> {
    let compared = |name: &String| {
        let column = columns.get(name);
        column.is_some_and(|column| {
            !column.nullable && column.sortable && column.comparisons.contains(&Comparison::Eq)
        })
    };
    let all = std::iter::once(&relation.primary_key).chain(&relation.unique);
    let mut keys: Vec<Vec<String>> = Vec::new();
    for key in all.filter(|key| !key.is_empty() && key.iter().all(compared)) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

fn shown_as_text(column: &snapshot::Column, loc: Loc) -> Diagnostic {
    let message = format!(
        "column `{}` is shown as the text that PostgreSQL writes for `{}`, and is not compared",
        column.name, column.declared
    );
    let help = "a view can have what is needed of it as columns of other types";
    Diagnostic::new(Code::ShownAsText, loc, message).help(help)
}

fn without_key(relation: &snapshot::Relation, loc: Loc) -> Diagnostic {
    let name = &relation.name;
    let message = format!(
        "`{name}` has no key that can be read: no tool for one row, and no second page of many"
    );
    let help = "a primary key, or a unique index over columns that are NOT NULL, is one";
    Diagnostic::new(Code::NoKey, loc, message).help(help)
}

fn nothing(snapshot: &Snapshot) -> Diagnostic {
    let schemas = snapshot.schemas.join("`, `");
    let role = &snapshot.role.name;
    let (message, help) = if snapshot.relations.is_empty() {
        (
            format!("there is no table and no view in `{schemas}`"),
            "choose other schemas (--schema, `schemas` of a source)".to_owned(),
        )
    } else {
        let schemas_of_sql: Vec<String> = snapshot.schemas.iter().map(|s| ident(s)).collect();
        (
            format!("the role `{role}` may read no table and no view in `{schemas}`"),
            format!(
                "as their owner: GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}; or choose other schemas",
                schemas_of_sql.join(", "),
                ident(role)
            ),
        )
    };
    Diagnostic::new(Code::NothingReadable, Loc::at("/relations"), message).help(help)
}

/// A lower-case identifier of a database's name.
fn identifier(name: &str) -> String {
    let mut found = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() {
            true => found.push(c.to_ascii_lowercase()),
            false if !found.is_empty() && !found.ends_with('_') => found.push('_'),
            false => {}
        }
    }
    let found = found.trim_end_matches('_');
    match found.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => found.to_owned(),
        false => format!("db_{found}").trim_end_matches('_').to_owned(),
    }
}
