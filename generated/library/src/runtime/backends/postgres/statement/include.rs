//! Other relations that a row is shown with: one level deep, with their own columns, masks and rows.

use super::cell::{Cells, Cuts};
use super::text::{Binds, ident, operator, own};
use super::{Context, filter, refused};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Include, Many, Relation, SqlAction};

/// What is known of an included object or list when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// The name that callers have for it.
    pub(in crate::runtime::backends::postgres) name: String,
    /// Whether it is a list.
    pub(in crate::runtime::backends::postgres) many: bool,
    /// What is told of values that are too long.
    pub(in crate::runtime::backends::postgres) cuts: Option<Cuts>,
}

/// The includes of a call, as expressions of the row's object.
pub(super) fn includes<'a>(
    action: &'a SqlAction,
    wished: Option<&serde_json::Value>,
) -> Result<Vec<(&'a String, &'a Include)>, CallError> {
    let wished = match wished {
        None | Some(serde_json::Value::Null) => &[][..],
        Some(serde_json::Value::Array(wished)) => wished.as_slice(),
        Some(_) => return Err(refused("/include", "has to be a list of names")),
    };
    let mut found: Vec<(&String, &Include)> = Vec::new();
    for (index, name) in wished.iter().enumerate() {
        let at = format!("/include/{index}");
        let name = name.as_str().unwrap_or_default();
        let known = action.include.get_key_value(name);
        let known = known.ok_or_else(|| super::no_such_column(&at, name))?;
        if !found.iter().any(|(name, _)| *name == known.0) {
            found.push(known);
        }
    }
    Ok(found)
}

/// The expression of an include, beside a row whose own columns are in `t`.
pub(super) fn expression(
    name: &str,
    include: &Include,
    action: &SqlAction,
    context: &Context<'_>,
    binds: &mut Binds,
) -> Result<(String, Included), CallError> {
    let relation = &include.relation;
    let mut cells = Cells::new("i", action.cell_bytes, context.seal);
    for (name, column) in &relation.columns {
        cells.column(name, column, binds)?;
    }
    let (joins, cuts) = cells.joins();
    let mut conditions: Vec<String> = include
        .on
        .iter()
        .map(|join| {
            let equal = operator(&join.operators, "=");
            format!("s.{} {equal} t.{}", ident(&join.other), ident(&join.own))
        })
        .collect();
    if conditions.is_empty() {
        return Err(CallError::new(
            "invalid_tool",
            "the tool does not say how an included relation is joined; nothing was sent",
        ));
    }
    conditions.extend(filter::rows(relation, "s", context.variables, binds)?);
    let conditions = conditions.join(" AND ");
    let columns = columns(relation);
    let from = super::text::qualified(&relation.schema, &relation.name);
    let inner = format!("SELECT {columns} FROM {from} AS s WHERE {conditions}");
    let sql = match &include.many {
        None => format!("(SELECT pg_catalog.row_to_json(o.*) FROM ({inner} LIMIT 1) AS i {joins})"),
        Some(many) => list(many, &inner, &joins, action.result_bytes),
    };
    let included = Included {
        name: name.to_owned(),
        many: include.many.is_some(),
        cuts,
    };
    Ok((sql, included))
}

/// `{"rows": […], "truncated": …}`: no more rows than allowed, and no more bytes than a whole result has.
fn list(many: &Many, inner: &str, joins: &str, max_bytes: u64) -> String {
    let max = many.max_rows;
    let key: Vec<String> = many.key.iter().map(|c| format!("s.{}", ident(c))).collect();
    let order = match key.is_empty() {
        true => String::new(),
        false => format!(" ORDER BY {}", key.join(", ")),
    };
    let [within, over] = ["<=", ">"].map(|symbol| operator("pg_catalog", symbol));
    let kept = format!("x.n {within} {max} AND x.bytes {within} {max_bytes}");
    let left = format!("x.n {over} {max} OR x.bytes {over} {max_bytes}");
    format!(
        "(SELECT pg_catalog.json_build_object('rows', \
         COALESCE(pg_catalog.json_agg(x.row ORDER BY x.n) FILTER (WHERE {kept}), '[]'::pg_catalog.json), \
         'truncated', COALESCE(pg_catalog.bool_or({left}), false)) FROM (SELECT y.row, \
         pg_catalog.row_number() OVER (ROWS UNBOUNDED PRECEDING) AS n, \
         pg_catalog.sum(pg_catalog.octet_length(y.row::pg_catalog.text)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes \
         FROM (SELECT pg_catalog.row_to_json(o.*) AS row FROM ({inner}{order} LIMIT {}) AS i {joins} OFFSET 0) AS y) AS x)",
        u64::from(max) + 1
    )
}

/// The columns that a relation is shown by.
fn columns(relation: &Relation) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, column) in &relation.columns {
        let own = own(name, column);
        if !names.contains(&own) {
            names.push(own);
        }
    }
    let each: Vec<String> = names
        .iter()
        .map(|name| format!("s.{}", ident(name)))
        .collect();
    each.join(", ")
}
