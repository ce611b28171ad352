//! The order of rows, which is total where a relation has a key, and the condition that begins a page
//! after a row (keyset pagination). Nulls are where PostgreSQL has them: last ascending, first descending.

use serde_json::Value;

use super::cell::is_short;
use super::text::{Bind, Binds, cast, ident, operator, own};
use super::{no_such_column, refused};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{KeyColumn, Relation, SqlType};

/// A column that rows are sorted by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    /// Its own name.
    pub(super) column: &'a str,
    r#type: &'a SqlType,
    nullable: bool,
    descending: bool,
}

/// What rows are sorted by: what the caller says, and what makes it total.
pub(super) fn order<'a>(
    relation: &'a Relation,
    key: &'a [KeyColumn],
    sort: Option<&Value>,
) -> Result<Vec<Key<'a>>, CallError> {
    let mut keys: Vec<Key<'a>> = Vec::new();
    let sort = match sort {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(sort)) => sort.as_slice(),
        Some(_) => return Err(refused("/sort", "has to be a list of columns")),
    };
    for (index, wish) in sort.iter().enumerate() {
        let at = format!("/sort/{index}");
        let Value::String(wish) = wish else {
            return Err(refused(&at, "has to be the name of a column"));
        };
        let next = sorted(relation, wish).ok_or_else(|| no_such_column(&at, wish))?;
        if keys.iter().any(|key| key.column == next.column) {
            return Err(refused(&at, "the rows are sorted by this column already"));
        }
        keys.push(next);
    }
    // The key goes the way of the column before it: an index on both serves either way.
    let descending = keys.last().is_some_and(|key| key.descending);
    for column in key {
        if !keys.iter().any(|key| key.column == column.column) {
            keys.push(Key {
                column: &column.column,
                r#type: &column.r#type,
                nullable: false,
                descending,
            });
        }
    }
    Ok(keys)
}

fn sorted<'a>(relation: &'a Relation, wish: &str) -> Option<Key<'a>> {
    let find = |name: &str, descending| {
        let (name, column) = relation.columns.get_key_value(name)?;
        (column.sort && column.mask.is_none()).then_some(Key {
            column: own(name, column),
            r#type: &column.r#type,
            nullable: column.nullable,
            descending,
        })
    };
    find(wish, false).or_else(|| find(wish.strip_prefix('-')?, true))
}

/// `ORDER BY` what; `None`: no order.
pub(super) fn order_by(keys: &[Key<'_>], from: &str) -> Option<String> {
    let each = keys.iter().map(|key| {
        let direction = if key.descending { " DESC" } else { "" };
        format!("{from}.{}{direction}", ident(key.column))
    });
    (!keys.is_empty()).then(|| each.collect::<Vec<_>>().join(", "))
}

/// Longest value that a cursor has, in bytes.
const VALUE_MAX: u32 = 4096;

/// A list of the values that a cursor has of a row; null if one is too long for it.
pub(super) fn values(keys: &[Key<'_>], from: &str) -> String {
    let text = |key: &Key<'_>| format!("{from}.{}::pg_catalog.text", ident(key.column));
    let each: Vec<String> = keys.iter().map(text).collect();
    let all = format!("ARRAY[{}]::pg_catalog.text[]", each.join(", "));
    let long = keys.iter().zip(&each);
    let long = long.filter(|(key, _)| !is_short(key.r#type));
    let over = operator("pg_catalog", ">");
    let long = long.map(|(_, text)| format!("pg_catalog.octet_length({text}) {over} {VALUE_MAX}"));
    match long.collect::<Vec<_>>().join(" OR ") {
        short if short.is_empty() => all,
        long => format!("CASE WHEN {long} THEN NULL ELSE {all} END"),
    }
}

/// What the rows are sorted by, for what a cursor is bound to.
pub(super) fn told(keys: &[Key<'_>]) -> Vec<String> {
    let each = keys.iter().map(|key| {
        let sign = if key.descending { '-' } else { '+' };
        format!(
            "{sign}{}::{}.{}",
            key.column, key.r#type.schema, key.r#type.name
        )
    });
    each.collect()
}

/// The condition on rows after the one with these values.
pub(super) fn after(
    keys: &[Key<'_>],
    values: &[Option<String>],
    from: &str,
    binds: &mut Binds,
) -> String {
    let bound: Vec<(&Key<'_>, String, Option<String>)> = keys
        .iter()
        .zip(values)
        .map(|(key, value)| {
            let value = value.clone().map(|value| {
                let text = binds.add(Bind::Text(value));
                cast(&text, key.r#type)
            });
            (key, format!("{from}.{}", ident(key.column)), value)
        })
        .collect();
    if let Some(rows) = compared_as_rows(&bound) {
        return rows;
    }
    let mut alternatives = Vec::new();
    let mut same: Vec<String> = Vec::new();
    for (key, column, value) in &bound {
        if let Some(next) = beyond(key, column, value.as_deref()) {
            let all: Vec<String> = same.iter().cloned().chain([next]).collect();
            alternatives.push(format!("({})", all.join(" AND ")));
        }
        same.push(match value {
            Some(value) => format!("{column} {} {value}", operator(&key.r#type.operators, "=")),
            None => format!("{column} IS NULL"),
        });
    }
    if alternatives.is_empty() {
        return "false".to_owned();
    }
    let after = format!("({})", alternatives.join(" OR "));
    // What all of them say of the first column lets an index begin there.
    match bound.first() {
        Some((key, column, Some(value))) if !key.nullable => {
            let symbol = if key.descending { "<=" } else { ">=" };
            let symbol = operator(&key.r#type.operators, symbol);
            format!("{column} {symbol} {value} AND {after}")
        }
        _ => after,
    }
}

/// The same as a comparison of rows, which an index serves: where all columns go one way, have operators of
/// one schema and no null.
fn compared_as_rows(bound: &[(&Key<'_>, String, Option<String>)]) -> Option<String> {
    let (first, _, _) = bound.first()?;
    let alike = |key: &Key<'_>| {
        !key.nullable
            && key.descending == first.descending
            && key.r#type.operators == first.r#type.operators
    };
    if !bound
        .iter()
        .all(|(key, _, value)| alike(key) && value.is_some())
    {
        return None;
    }
    let symbol = if first.descending { "<" } else { ">" };
    let symbol = operator(&first.r#type.operators, symbol);
    let columns: Vec<&str> = bound.iter().map(|(_, column, _)| column.as_str()).collect();
    let values: Vec<&str> = bound.iter().filter_map(|(_, _, v)| v.as_deref()).collect();
    Some(match columns.as_slice() {
        [column] => format!("{column} {symbol} {}", values.first()?),
        columns => format!(
            "ROW({}) {symbol} ROW({})",
            columns.join(", "),
            values.join(", ")
        ),
    })
}

/// The condition on rows beyond a value of one column; `None`: there are none.
fn beyond(key: &Key<'_>, column: &str, value: Option<&str>) -> Option<String> {
    let symbol = |symbol: &str| operator(&key.r#type.operators, symbol);
    match (value, key.descending) {
        (Some(value), true) => Some(format!("{column} {} {value}", symbol("<"))),
        (Some(value), false) if key.nullable => Some(format!(
            "({column} {} {value} OR {column} IS NULL)",
            symbol(">")
        )),
        (Some(value), false) => Some(format!("{column} {} {value}", symbol(">"))),
        (None, true) => Some(format!("{column} IS NOT NULL")),
        (None, false) => None,
    }
}
