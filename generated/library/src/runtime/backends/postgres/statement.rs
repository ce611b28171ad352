//! An action and checked arguments become the exact statement: its text, and the values bound to it. Pure:
//! no I/O, no clock. No value is in the text, and every name in it is the Manifest's; what a caller names
//! is looked up again here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::seal::Seal;
use crate::runtime::args::{Args, invalid};
use crate::runtime::config::Secret;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Column, Comparison, Include, Read, SqlAction};

mod cell;
mod compare;
mod cursor;
mod filter;
mod include;
mod order;
mod text;

pub use cell::{Cut, Cuts};
pub use include::Included;
pub use text::{Bind, ident};

use cell::Cells;
use cursor::Bound;
use order::Key;
use text::{Binds, operator, own, qualified};

/// Longest name of a caller's that a message repeats, in characters.
const NAME_MAX: usize = 60;

/// What a statement depends on beside its action and arguments.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// The source's name.
    pub source: &'a str,
    /// What the environment gives, by variable.
    pub variables: &'a BTreeMap<String, Secret>,
    /// The keys of cursors and masks.
    pub seal: &'a Seal,
}

/// The exact statement. Only [`plan`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    text: String,
    binds: Vec<Bind>,
    cuts: Option<Cuts>,
    included: Vec<Included>,
    page: Option<Page>,
}

/// What is known of a page before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// Most rows of it.
    pub(super) limit: u32,
    /// What its cursor is bound to; `None`: there is no next page.
    bound: Option<Bound>,
}

impl Statement {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values, in order: `$1` first.
    pub fn binds(&self) -> &[Bind] {
        &self.binds
    }

    pub(super) fn cuts(&self) -> Option<&Cuts> {
        self.cuts.as_ref()
    }

    pub(super) fn included(&self) -> &[Included] {
        &self.included
    }

    /// The page that it reads; `None`: it reads one row.
    pub(super) fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }
}

impl Page {
    /// The cursor of the page after the row with these values.
    pub(super) fn cursor(&self, values: &[Option<String>], seal: &Seal) -> Option<String> {
        self.bound.as_ref()?.sealed(values, seal)
    }
}

/// Makes the statement of an action.
///
/// # Errors
///
/// `invalid_arguments`: a name or a value that the tool does not take. `invalid_cursor`. Nothing has been
/// sent.
pub fn plan(
    action: &SqlAction,
    args: &Args,
    context: &Context<'_>,
) -> Result<Statement, CallError> {
    let mut binds = Binds::default();
    let included = include::includes(action, args.get("include"))?;
    let shown = fields(action, args.get("fields"))?;
    let relation = &action.relation;
    let mut conditions = filter::rows(relation, "t", context.variables, &mut binds)?;
    match &action.read {
        Read::Find {
            key,
            any,
            rows,
            max_rows,
        } => {
            let limit = limit(args.get("limit"), *rows, *max_rows)?;
            let keys = order::order(&action.relation, key, args.get("sort"))?;
            let nothing = Value::Object(serde_json::Map::new());
            let filter = args.get("filter").filter(|filter| !filter.is_null());
            let filter = filter.unwrap_or(&nothing);
            let bound = Bound::new(action, context, filter, &keys);
            let bound = (!key.is_empty()).then_some(bound);
            let after = cursor::values(args.get("cursor"), bound.as_ref(), keys.len(), context)?;
            conditions.extend(filter::filter(relation, "t", filter, any, &mut binds)?);
            if let Some(values) = after {
                conditions.push(order::after(&keys, &values, "t", &mut binds));
            }
            conditions.push(reads_only());
            let parts = Parts {
                shown,
                included,
                keys,
                conditions,
            };
            find(action, &parts, limit, bound, context, binds)
        }
        Read::Get { keys } => {
            conditions.extend(by_key(action, keys, args, &mut binds)?);
            conditions.push(reads_only());
            let parts = Parts {
                shown,
                included,
                keys: Vec::new(),
                conditions,
            };
            get(action, &parts, context, binds)
        }
    }
}

/// What a statement is made of.
struct Parts<'a> {
    shown: Vec<(&'a str, &'a Column)>,
    included: Vec<(&'a String, &'a Include)>,
    keys: Vec<Key<'a>>,
    conditions: Vec<String>,
}

fn find(
    action: &SqlAction,
    parts: &Parts<'_>,
    limit: u32,
    bound: Option<Bound>,
    context: &Context<'_>,
    mut binds: Binds,
) -> Result<Statement, CallError> {
    let (object, cuts, included) = object(action, parts, context, &mut binds)?;
    let rows = rows(action, parts, u64::from(limit) + 1);
    let values = order::values(&parts.keys, "t");
    let [within, equal] = ["<=", "="].map(|symbol| operator("pg_catalog", symbol));
    let max = action.result_bytes;
    // The first row always comes. `OFFSET 0`: each row is written once.
    let text = format!(
        "SELECT w.row, w.key, w.of FROM (\n\
         SELECT p.row, p.key, pg_catalog.count(*) OVER () AS of, \
         pg_catalog.row_number() OVER (ROWS UNBOUNDED PRECEDING) AS n, \
         pg_catalog.sum(pg_catalog.octet_length(p.row)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes FROM (\n\
         SELECT pg_catalog.row_to_json(o.*)::pg_catalog.text AS row, {values} AS key FROM (\n\
         {rows}) AS t\n\
         {object}\n\
         OFFSET 0) AS p) AS w\n\
         WHERE w.bytes {within} {max} OR w.n {equal} 1"
    );
    Ok(Statement {
        text,
        binds: binds.into_vec(),
        cuts,
        included,
        page: Some(Page { limit, bound }),
    })
}

fn get(
    action: &SqlAction,
    parts: &Parts<'_>,
    context: &Context<'_>,
    mut binds: Binds,
) -> Result<Statement, CallError> {
    let (object, cuts, included) = object(action, parts, context, &mut binds)?;
    let relation = qualified(&action.relation.schema, &action.relation.name);
    let conditions = parts.conditions.join(" AND ");
    // One row needs no list of rows: what is planned for each call is short.
    let text = format!(
        "SELECT pg_catalog.row_to_json(o.*)::pg_catalog.text AS row FROM {relation} AS t\n{object}\n\
         WHERE {conditions}\nLIMIT 1"
    );
    Ok(Statement {
        text,
        binds: binds.into_vec(),
        cuts,
        included,
        page: None,
    })
}

/// Holds in a transaction that only reads and has its settings, which note it: elsewhere, a statement reads no row,
/// since a condition without columns is looked at once, before any.
fn reads_only() -> String {
    let equal = operator("pg_catalog", "=");
    format!("pg_catalog.current_setting('mcpgen.reads_only', true) {equal} 'on'")
}

type Object = (String, Option<Cuts>, Vec<Included>);

/// The joins after which `o` is the object of a row.
fn object(
    action: &SqlAction,
    parts: &Parts<'_>,
    context: &Context<'_>,
    binds: &mut Binds,
) -> Result<Object, CallError> {
    let mut cells = Cells::new("t", action.cell_bytes, context.seal);
    for (name, column) in &parts.shown {
        cells.column(name, column, binds)?;
    }
    let mut included = Vec::new();
    for (name, include) in &parts.included {
        let (sql, reading) = include::expression(name, include, action, context, binds)?;
        cells.expression(name, sql)?;
        included.push(reading);
    }
    let (joins, cuts) = cells.joins();
    Ok((joins, cuts, included))
}

/// The rows themselves, no more than `most`, with the columns that are needed of them.
fn rows(action: &SqlAction, parts: &Parts<'_>, most: u64) -> String {
    let mut columns: Vec<&str> = Vec::new();
    let shown = parts.shown.iter().map(|(name, column)| own(name, column));
    let keys = parts.keys.iter().map(|key| key.column);
    let joined = parts.included.iter().flat_map(|(_, include)| &include.on);
    let joined = joined.map(|join| join.own.as_str());
    for column in shown.chain(keys).chain(joined) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let columns: Vec<String> = columns.iter().map(|c| format!("t.{}", ident(c))).collect();
    let relation = qualified(&action.relation.schema, &action.relation.name);
    let mut text = format!(
        "SELECT {} FROM {relation} AS t\nWHERE {}",
        columns.join(", "),
        parts.conditions.join(" AND ")
    );
    if let Some(order) = order::order_by(&parts.keys, "t") {
        text.push_str(&format!("\nORDER BY {order}"));
    }
    text.push_str(&format!("\nLIMIT {most}"));
    text
}

/// The columns that are shown: all, or those that the caller names. A masked one is shown with all and
/// cannot be named.
fn fields<'a>(
    action: &'a SqlAction,
    wished: Option<&Value>,
) -> Result<Vec<(&'a str, &'a Column)>, CallError> {
    let columns = &action.relation.columns;
    let wished = match wished {
        None | Some(Value::Null) => {
            return Ok(columns.iter().map(|(n, c)| (n.as_str(), c)).collect());
        }
        Some(Value::Array(wished)) => wished,
        Some(_) => return Err(refused("/fields", "has to be a list of columns")),
    };
    let mut found: Vec<(&str, &Column)> = Vec::new();
    for (index, name) in wished.iter().enumerate() {
        let at = format!("/fields/{index}");
        let name = name.as_str().unwrap_or_default();
        let known = columns.get_key_value(name);
        let known = known.filter(|(_, column)| column.mask.is_none());
        let (known, column) = known.ok_or_else(|| no_such_column(&at, name))?;
        if !found.iter().any(|(name, _)| name == known) {
            found.push((known, column));
        }
    }
    if found.is_empty() {
        return Err(refused("/fields", "names no column"));
    }
    Ok(found)
}

fn limit(wished: Option<&Value>, rows: u32, max_rows: u32) -> Result<u32, CallError> {
    let max = max_rows.max(1);
    let wrong = || refused("/limit", "has to be a whole number");
    let limit = match wished {
        None | Some(Value::Null) => rows,
        Some(Value::Number(number)) => {
            if !crate::runtime::args::number::is_integral(number) {
                return Err(wrong());
            }
            // What is no `u32` is beyond every bound, on its own side.
            let negative = number.as_str().starts_with('-');
            let plain = number.as_f64().unwrap_or_default();
            match number.as_u64().map(u32::try_from) {
                Some(Ok(limit)) => limit,
                _ if negative || plain < 1.0 => 1,
                _ if plain >= f64::from(max) => max,
                _ => return Err(wrong()),
            }
        }
        Some(_) => return Err(wrong()),
    };
    Ok(limit.clamp(1, max))
}

/// The conditions of a get: one key as a whole, and whatever else of keys is given.
fn by_key(
    action: &SqlAction,
    keys: &[Vec<String>],
    args: &Args,
    binds: &mut Binds,
) -> Result<Vec<String>, CallError> {
    let given = |name: &String| args.get(name).filter(|value| !value.is_null());
    let whole = |key: &&Vec<String>| !key.is_empty() && key.iter().all(|n| given(n).is_some());
    if !keys.iter().any(|key| whole(&key)) {
        let each: Vec<String> = keys.iter().map(|key| key.join(" and ")).collect();
        return Err(refused("", &format!("needs {}", each.join(", or "))));
    }
    let mut conditions = Vec::new();
    let mut seen: Vec<&String> = Vec::new();
    for name in keys.iter().flatten() {
        let Some(value) = given(name).filter(|_| !seen.contains(&name)) else {
            continue;
        };
        seen.push(name);
        let at = format!("/{name}");
        let column = action.relation.columns.get(name);
        let column = column.filter(|column| column.mask.is_none());
        let column = column.ok_or_else(|| no_such_column("", name))?;
        let sql = format!("t.{}", ident(own(name, column)));
        let value = compare::Given::Value(value);
        let one = compare::comparison(&sql, &column.r#type, Comparison::Eq, value, binds);
        conditions.push(one.map_err(|why| refused(&at, &why))?);
    }
    Ok(conditions)
}

/// An argument that is not taken: `/pointer: what is wrong`.
fn refused(at: &str, why: &str) -> CallError {
    let at = if at.is_empty() { "/" } else { at };
    invalid(&[format!("{at}: {why}")], false)
}

/// A name that is none, or none that may be used here: which of the two is not told.
fn no_such_column(at: &str, name: &str) -> CallError {
    let plain = name.chars().filter(|c| !c.is_control());
    let mut short: String = plain.take(NAME_MAX).collect();
    if name.chars().count() > NAME_MAX {
        short.push('…');
    }
    refused(at, &format!("no such column: {short}"))
}
