//! Relations under a policy: the columns and rows of them that there are for callers, and the reads that
//! come of it.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::args::accepted;
use super::control::Misses;
use super::offer::Offer;
use crate::catalog::{Capability, ReadKind};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::policy::format::Defaults;
use crate::runtime::manifest::{Include, Join, KeyColumn, Many, Read, SqlAction};

mod defs;
mod rows;
mod schema;
mod view;

use defs::Defs;
use view::View;

/// Rows of a page if nothing says how many.
const ROWS: u32 = 25;
/// Most rows of a page if nothing says how many.
const MAX_ROWS: u32 = 100;
/// Rows of another relation that are shown with one row.
const INCLUDED_ROWS: u32 = 20;
/// Most bytes of one value.
const CELL_BYTES: u64 = 64 * 1024;
/// Most bytes of all rows.
const RESULT_BYTES: u64 = 512 * 1024;

/// A read, ready to be a tool.
pub(super) struct Lowered {
    /// The operation with its arguments and its result.
    pub(super) capability: Capability,
    pub(super) action: SqlAction,
}

/// The reads of the chosen operations, in their order; `None` for what is no read of a relation. One that
/// cannot be a tool under the policy is taken out of the chosen ones, and reported.
pub(super) fn lowered(
    chosen: &mut Vec<&Offer<'_>>,
    defaults: &Defaults,
    misses: &mut Misses,
    diags: &mut Diagnostics,
) -> Vec<Option<Lowered>> {
    let mut views: Vec<Option<View<'_>>> = Vec::new();
    for offer in chosen.iter() {
        diags.about(Some(&offer.capability.operation));
        views.push(View::new(offer, misses, diags));
    }
    let mut found = BTreeMap::new();
    for (offer, view) in chosen.iter().zip(&views) {
        if let (Some((index, ReadKind::Find)), Some(view)) = (offer.capability.read, view) {
            found.insert((offer.catalog.source.as_str(), index), view);
        }
    }
    let mut reads = Vec::new();
    let mut kept = Vec::new();
    for (offer, view) in chosen.iter().zip(&views) {
        diags.about(Some(&offer.capability.operation));
        let Some(view) = view else {
            reads.push(None);
            kept.push(*offer);
            continue;
        };
        if let Some(read) = read(offer, view, &found, defaults) {
            reads.push(Some(read));
            kept.push(*offer);
        } else {
            diags.push(without_columns(offer));
        }
    }
    diags.about(None);
    *chosen = kept;
    reads
}

/// The relations that can be found, by source and index.
type Found<'v, 'c> = BTreeMap<(&'v str, usize), &'v View<'c>>;

fn read(
    offer: &Offer<'_>,
    view: &View<'_>,
    found: &Found<'_, '_>,
    defaults: &Defaults,
) -> Option<Lowered> {
    let (_, kind) = offer.capability.read?;
    if view.columns.is_empty() {
        return None;
    }
    let include = includes(offer, view, found);
    let max_rows = view.max_rows.or(defaults.max_rows).unwrap_or(MAX_ROWS);
    let read = match kind {
        ReadKind::Find => Read::Find {
            key: key(view),
            any: any(view),
            rows: ROWS.min(max_rows),
            max_rows,
        },
        ReadKind::Get => Read::Get { keys: keys(view)? },
    };
    let action = SqlAction {
        read,
        relation: view.relation(),
        include,
        statement_timeout_ms: view.statement_timeout_ms,
        cell_bytes: CELL_BYTES,
        result_bytes: RESULT_BYTES,
    };
    let mut capability = offer.capability.clone().into_owned();
    let mut defs = Defs::default();
    capability.params = schema::params(&action, view, &mut defs);
    capability.input_defs = defs.into_map();
    capability.output.schema = Some(schema::output(&action, view));
    Some(Lowered { capability, action })
}

/// What makes the order of rows total: the primary key, be it shown or not. A masked column is no part of
/// it, since an order tells what is in it.
fn key(view: &View<'_>) -> Vec<KeyColumn> {
    let keys = &view.table.keys;
    let open = |key: &&Vec<String>| {
        key.iter().all(|own| {
            let masked = view
                .columns
                .get(own)
                .is_some_and(|shown| shown.mask.is_some());
            let sortable = view.table.columns.get(own).is_some_and(|c| c.sortable);
            sortable && !masked
        })
    };
    let columns = keys.iter().find(open).into_iter().flatten();
    let typed = columns.filter_map(|own| {
        Some(KeyColumn {
            column: own.clone(),
            r#type: view.table.columns.get(own)?.r#type.clone(),
        })
    });
    typed.collect()
}

/// The keys whose columns are all shown, as callers name them.
fn keys(view: &View<'_>) -> Option<Vec<Vec<String>>> {
    let names = |key: &Vec<String>| {
        let name = |own: &String| {
            let shown = view.columns.get(own).filter(|shown| shown.mask.is_none())?;
            Some(shown.name.clone())
        };
        key.iter().map(name).collect::<Option<Vec<String>>>()
    };
    let keys: Vec<Vec<String>> = view.table.keys.iter().filter_map(names).collect();
    (!keys.is_empty()).then_some(keys)
}

/// The key of a filter for alternatives: no column has it.
fn any(view: &View<'_>) -> String {
    let taken = |name: &str| view.columns.values().any(|shown| shown.name == name);
    let mut any = "any".to_owned();
    while taken(&any) {
        any.push('_');
    }
    any
}

/// The relations that a row can be shown with: those of its foreign keys, and those whose foreign keys
/// lead to it. Both ends have to be shown as they are.
fn includes(
    offer: &Offer<'_>,
    view: &View<'_>,
    found: &Found<'_, '_>,
) -> IndexMap<String, Include> {
    let mut includes = IndexMap::new();
    let Some((index, _)) = offer.capability.read else {
        return includes;
    };
    let source = offer.catalog.source.as_str();
    for key in &view.table.foreign_keys {
        let Some(other) = found.get(&(source, key.relation)) else {
            continue;
        };
        let Some(on) = joined(
            view,
            other,
            key.columns.iter().map(|(own, other)| (own, other)),
        ) else {
            continue;
        };
        let include = Include {
            relation: other.relation(),
            on,
            many: None,
        };
        add(
            &mut includes,
            view,
            &view::role(key, &other.table.name),
            include,
        );
    }
    let of_source = found.iter().filter(|((other, _), _)| *other == source);
    for (_, other) in of_source {
        let back = other
            .table
            .foreign_keys
            .iter()
            .filter(|key| key.relation == index);
        for foreign in back {
            let pairs = foreign.columns.iter().map(|(theirs, own)| (own, theirs));
            let Some(on) = joined(view, other, pairs) else {
                continue;
            };
            let columns = key(other).into_iter().map(|key| key.column).collect();
            let include = Include {
                relation: other.relation(),
                on,
                many: Some(Many {
                    max_rows: other.max_rows.unwrap_or(MAX_ROWS).min(INCLUDED_ROWS),
                    key: columns,
                }),
            };
            add(&mut includes, view, &accepted(&other.table.name), include);
        }
    }
    includes
}

/// How two relations are joined; `None` if a column is not shown as it is on both sides.
fn joined<'k>(
    view: &View<'_>,
    other: &View<'_>,
    pairs: impl Iterator<Item = (&'k String, &'k String)>,
) -> Option<Vec<Join>> {
    let pairs = pairs.map(|(own, theirs)| {
        let open = view.is_open(own) && other.is_open(theirs);
        open.then(|| Join {
            own: own.clone(),
            other: theirs.clone(),
            operators: view
                .table
                .columns
                .get(own)
                .map_or_else(|| "pg_catalog".to_owned(), |c| c.r#type.operators.clone()),
        })
    });
    pairs.collect()
}

/// Adds what is included under a name that no other has, and no column.
fn add(includes: &mut IndexMap<String, Include>, view: &View<'_>, name: &str, include: Include) {
    let taken = |name: &str| view.columns.values().any(|shown| shown.name == name);
    let name = view::unique(name, |name| includes.contains_key(name) || taken(name));
    includes.insert(name, include);
}

/// A read of which the policy leaves nothing to show, or nothing to ask by.
fn without_columns(offer: &Offer<'_>) -> Diagnostic {
    let label = offer.capability.label();
    let (message, help) = match offer.capability.read {
        Some((_, ReadKind::Get)) => (
            format!("{label} is no tool: the policy shows no key of it whole"),
            "show and do not mask the columns of a key, or exclude this operation",
        ),
        _ => (
            format!("{label} is no tool: the policy shows no column of it"),
            "allow a column that it has, or exclude the relation",
        ),
    };
    Diagnostic::new(Code::RelationHidden, offer.capability.loc.clone(), message).help(help)
}
