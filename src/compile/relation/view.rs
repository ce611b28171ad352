//! One relation as the rules leave it: which of its columns are shown, how, and which rows there are.

use std::sync::Arc;

use indexmap::IndexMap;

use super::super::args::accepted;
use super::super::control::Misses;
use super::super::offer::Offer;
use super::rows;
use crate::catalog::{ForeignKey, Relation, RelationColumn};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};
use crate::policy::format::words::Duration;
use crate::policy::format::{MaskRule, Rule};
use crate::runtime::manifest::{self, Column, Comparison, Condition, Mask};

/// Names that a finding lists.
const LISTED_MAX: usize = 8;

/// A relation as it is shown.
pub(in crate::compile) struct View<'c> {
    pub(super) table: &'c Relation,
    /// The columns that are shown, by their own names.
    pub(super) columns: IndexMap<&'c String, Shown>,
    pub(super) max_rows: Option<u32>,
    pub(super) statement_timeout_ms: Option<u64>,
    /// The same for a Manifest, with the rows that there are.
    pub(super) relation: Arc<manifest::Relation>,
}

/// A column that is shown.
pub(super) struct Shown {
    /// The name that callers have for it.
    pub(super) name: String,
    pub(super) mask: Option<Mask>,
    /// What callers may compare it by; nothing: not at all.
    pub(super) filter: Vec<Comparison>,
    pub(super) sort: bool,
}

impl<'c> View<'c> {
    /// What an operation reads; `None` if it reads no relation.
    pub(super) fn new(
        offer: &Offer<'c>,
        misses: &mut Misses,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        let table = offer.catalog.relation(&offer.capability)?;
        let rules = &offer.ruling.tables;
        let mut columns = IndexMap::with_capacity(table.columns.len());
        for (own, column) in &table.columns {
            let listed = |list: fn(&Rule) -> Option<&Vec<String>>| {
                let mut lists = rules.iter().filter_map(|(rule, _)| list(rule));
                lists.all(|names| names.contains(own))
            };
            if !listed(|rule| rule.columns.as_ref()?.allow.as_ref()) {
                continue;
            }
            // The columns of keys are arguments beside others.
            let in_key = table.keys.iter().any(|key| key.contains(own));
            let name = unique(&accepted(own), |name| {
                let taken = columns.values().any(|shown: &Shown| shown.name == name);
                taken || (in_key && ["fields", "include"].contains(&name))
            });
            let mut masks = rules.iter().filter_map(|(rule, _)| rule.columns.as_ref());
            let mask = masks.find_map(|columns| columns.mask.get(own)).map(mask);
            let open = mask.is_none();
            let mut filter = Vec::new();
            if open && listed(|rule| rule.filter_on.as_ref()) {
                filter.clone_from(&column.comparisons);
                let mut lists = rules
                    .iter()
                    .filter_map(|(rule, _)| rule.contains_on.as_ref());
                let opted_in = lists.next().is_some() && listed(|rule| rule.contains_on.as_ref());
                if opted_in && has_parts(column) {
                    filter.push(Comparison::Contains);
                }
            }
            let shown = Shown {
                name,
                filter,
                sort: open && column.sortable && listed(|rule| rule.sort_on.as_ref()),
                mask,
            };
            columns.insert(own, shown);
        }
        for (rule, index) in rules {
            let loc = Loc::at(format!("/rules/{index}"));
            named(table, rule, &loc, misses);
        }
        let conditions = rules.iter().filter_map(|(rule, index)| {
            let loc = Loc::at(format!("/rules/{index}/rows"));
            rows::condition(rule.rows.as_ref()?, table, &loc, diags)
        });
        let rows = conditions.collect();
        let max_rows = rules.iter().filter_map(|(rule, _)| rule.max_rows).min();
        let times = rules.iter().filter_map(|(rule, _)| rule.statement_timeout);
        Some(Self {
            table,
            relation: Arc::new(relation(table, &columns, rows)),
            columns,
            max_rows,
            statement_timeout_ms: times.map(Duration::millis).min(),
        })
    }

    /// Whether a column is shown as it is.
    pub(super) fn is_open(&self, own: &String) -> bool {
        self.columns
            .get(own)
            .is_some_and(|shown| shown.mask.is_none())
    }
}

/// What a Manifest has of a relation that is shown like this.
fn relation(
    table: &Relation,
    shown: &IndexMap<&String, Shown>,
    rows: Vec<Condition>,
) -> manifest::Relation {
    let mut columns = IndexMap::with_capacity(shown.len());
    columns.extend(shown.iter().filter_map(|(own, shown)| {
        let column = table.columns.get(*own)?;
        let column = Column {
            column: (shown.name != **own).then(|| (*own).clone()),
            r#type: column.r#type.clone(),
            nullable: column.nullable,
            mask: shown.mask.clone(),
            filter: shown.filter.clone(),
            sort: shown.sort,
        };
        Some((shown.name.clone(), column))
    }));
    manifest::Relation {
        schema: table.schema.clone(),
        name: table.name.clone(),
        columns,
        rows,
    }
}

fn mask(rule: &MaskRule) -> Mask {
    match rule {
        MaskRule::Null => Mask::Null,
        MaskRule::Constant(text) => Mask::Constant(text.clone()),
        MaskRule::Partial => Mask::Partial,
        MaskRule::Last4 => Mask::Last4,
        MaskRule::Hash => Mask::Hash,
    }
}

/// Looks at the columns that a rule names: one that no relation of the rule has is a typo.
fn named(table: &Relation, rule: &Rule, loc: &Loc, misses: &mut Misses) {
    let columns = rule.columns.as_ref();
    let allow = columns.and_then(|columns| columns.allow.as_ref());
    let lists = [
        ("columns/allow", allow),
        ("filter_on", rule.filter_on.as_ref()),
        ("sort_on", rule.sort_on.as_ref()),
        ("contains_on", rule.contains_on.as_ref()),
    ];
    let mut names: Vec<(Loc, &String)> = Vec::new();
    for (key, list) in lists {
        let list = list.into_iter().flatten().enumerate();
        names.extend(
            list.map(|(index, name)| (Loc::at(format!("{}/{key}/{index}", loc.pointer)), name)),
        );
    }
    let masks = columns.into_iter().flat_map(|columns| columns.mask.keys());
    names.extend(masks.map(|name| {
        let pointer = format!("{}/columns/mask/{}", loc.pointer, escape(name));
        (Loc::key(pointer), name)
    }));
    let of_parts = format!("{}/contains_on/", loc.pointer);
    for (loc, name) in names {
        let is_of_parts = loc.pointer.starts_with(&of_parts);
        let unfiltered = rule.filter_on.as_ref();
        let unfiltered = unfiltered.is_some_and(|filtered| !filtered.contains(name));
        match table.columns.get(name) {
            Some(column) if is_of_parts && !has_parts(column) => {
                misses.miss(without_parts(table, name, loc));
            }
            Some(_) if is_of_parts && unfiltered => {
                let message = format!("rows are not filtered by `{name}`, so not by a part of it");
                let found = Diagnostic::new(Code::PolicyName, loc, message);
                misses.miss(found.help("name it in `filter_on` of the rule, too"));
            }
            Some(_) => misses.hit(&loc),
            None => misses.miss(unknown(table, name, loc)),
        }
    }
}

/// Whether a column has texts that are compared, so that it may be asked for a part of one.
fn has_parts(column: &RelationColumn) -> bool {
    column.comparisons.contains(&Comparison::StartsWith)
}

fn without_parts(table: &Relation, name: &str, loc: Loc) -> Diagnostic {
    let message = format!(
        "column `{name}` of {}.{} has no texts to look for a part of",
        table.schema, table.name
    );
    let found = Diagnostic::new(Code::PolicyName, loc, message);
    let texts = table.columns.iter();
    let texts = texts.filter(|(_, column)| has_parts(column));
    let texts: Vec<String> = texts.map(|(name, _)| format!("`{name}`")).collect();
    match texts.is_empty() {
        true => found,
        false => found.help(format!("columns with texts are {}", texts.join(", "))),
    }
}

/// A column that a relation does not have.
pub(super) fn unknown(table: &Relation, name: &str, loc: Loc) -> Diagnostic {
    let message = format!("{}.{} has no column `{name}`", table.schema, table.name);
    let known = table.columns.keys().map(String::as_str);
    let found = Diagnostic::new(Code::PolicyName, loc, message);
    let all: Vec<String> = known.clone().map(|name| format!("`{name}`")).collect();
    match nearest(name, known) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None if all.len() <= LISTED_MAX => found.help(format!("there are {}", all.join(", "))),
        None => found
            .help("columns are named as in the database; it may be that the role cannot read it"),
    }
}

/// What a foreign key's other side is to a row: `member` for `member_id`, else its table.
pub(super) fn role(key: &ForeignKey, table: &str) -> String {
    let name = match key.columns.as_slice() {
        [(own, _)] => own.strip_suffix("_id").filter(|name| !name.is_empty()),
        _ => None,
    };
    accepted(name.unwrap_or(table))
}

/// A name that is not taken: with a number, if it has to be.
pub(super) fn unique(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut unique = name.to_owned();
    let mut number = 1;
    while taken(&unique) {
        number += 1;
        unique = format!("{name}_{number}");
    }
    unique
}
