//! Relations under a policy: the columns and rows of them that there are for callers, and the reads that
//! come of it.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::args::accepted;
use super::control::Misses;
use super::offer::Offer;
use crate::catalog::{Capability, ForeignKey, ReadKind};
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

/// What the chosen operations read, in their order; `None` for what is no read of a relation. One that
/// cannot be a tool under the policy is taken out of the chosen ones, and reported.
pub(super) fn views<'c>(
    chosen: &mut Vec<&Offer<'c>>,
    misses: &mut Misses,
    diags: &mut Diagnostics,
) -> Vec<Option<View<'c>>> {
    let mut all = Vec::with_capacity(chosen.len());
    for offer in chosen.iter() {
        diags.about(Some(&offer.capability.operation));
        all.push(View::new(offer, misses, diags));
    }
    let mut views = Vec::with_capacity(all.len());
    let mut kept = Vec::with_capacity(all.len());
    for (offer, view) in chosen.iter().zip(all) {
        if view.as_ref().is_none_or(|view| is_tool(offer, view)) {
            views.push(view);
            kept.push(*offer);
        } else {
            diags.about(Some(&offer.capability.operation));
            diags.push(without_columns(offer));
        }
    }
    diags.about(None);
    *chosen = kept;
    views
}

/// Whether the policy leaves something to show, and to ask by.
fn is_tool(offer: &Offer<'_>, view: &View<'_>) -> bool {
    let by_key = matches!(offer.capability.read, Some((_, ReadKind::Get)));
    !view.columns.is_empty() && (!by_key || keys(view).is_some())
}

/// A relation, by its source and index.
type Key<'v> = (&'v str, usize);

/// How reads are made of what the chosen operations read.
pub(super) struct Reads<'v, 'c> {
    defaults: &'v Defaults,
    /// The relations that can be found.
    found: BTreeMap<Key<'v>, &'v View<'c>>,
    /// Their foreign keys, by the relation that they lead to.
    leading: BTreeMap<Key<'v>, Vec<(&'v View<'c>, &'c ForeignKey)>>,
}

impl<'v, 'c> Reads<'v, 'c> {
    pub(super) fn new(
        chosen: &[&'v Offer<'c>],
        views: &'v [Option<View<'c>>],
        defaults: &'v Defaults,
    ) -> Self {
        let mut found = BTreeMap::new();
        for (offer, view) in chosen.iter().zip(views) {
            if let (Some((index, ReadKind::Find)), Some(view)) = (offer.capability.read, view) {
                found.insert((offer.catalog.source.as_str(), index), view);
            }
        }
        let mut leading: BTreeMap<Key<'v>, Vec<_>> = BTreeMap::new();
        for ((source, _), view) in &found {
            for key in &view.table.foreign_keys {
                let to = leading.entry((*source, key.relation)).or_default();
                to.push((*view, key));
            }
        }
        Self {
            defaults,
            found,
            leading,
        }
    }

    /// The read of an operation; `None` if it reads no relation.
    pub(super) fn read(&self, offer: &Offer<'_>, view: &View<'_>) -> Option<Lowered> {
        let (index, kind) = offer.capability.read?;
        let include = self.includes((&offer.catalog.source, index), view);
        let max_rows = view.max_rows.or(self.defaults.max_rows).unwrap_or(MAX_ROWS);
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
            relation: view.relation.clone(),
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

    /// The relations that a row can be shown with: those of its foreign keys, and those whose foreign keys
    /// lead to it. Both ends have to be shown as they are.
    fn includes(&self, own: Key<'_>, view: &View<'_>) -> IndexMap<String, Include> {
        let mut includes = IndexMap::new();
        for key in &view.table.foreign_keys {
            let Some(other) = self.found.get(&(own.0, key.relation)) else {
                continue;
            };
            let pairs = key.columns.iter().map(|(own, other)| (own, other));
            let Some(on) = joined(view, other, pairs) else {
                continue;
            };
            let include = Include {
                relation: other.relation.clone(),
                on,
                many: None,
            };
            let name = view::role(key, &other.table.name);
            add(&mut includes, view, &name, include);
        }
        for (other, foreign) in self.leading.get(&own).into_iter().flatten() {
            let pairs = foreign.columns.iter().map(|(theirs, own)| (own, theirs));
            let Some(on) = joined(view, other, pairs) else {
                continue;
            };
            let columns = key(other).into_iter().map(|key| key.column).collect();
            let include = Include {
                relation: other.relation.clone(),
                on,
                many: Some(Many {
                    max_rows: other.max_rows.unwrap_or(MAX_ROWS).min(INCLUDED_ROWS),
                    key: columns,
                }),
            };
            add(&mut includes, view, &accepted(&other.table.name), include);
        }
        includes
    }
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
