//! The arguments of a read and what it gives, as JSON Schema.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::defs::{Defs, Said, object};
use super::view::View;
use crate::catalog::{Param, RelationColumn};
use crate::compile::args::accepted;
use crate::runtime::manifest::{Comparison, Mask, Place, Read, SqlAction, Style};

/// Values that one `in` or `has_any` may have.
const VALUES_MAX: u64 = 1_000;
/// Alternatives that a filter may have.
const ALTERNATIVES_MAX: u64 = 20;
/// Columns that rows may be sorted by.
const SORT_MAX: u64 = 8;
/// Characters of a text that is looked for.
const TEXT_MAX: u64 = 1_000;
/// Characters of a cursor.
const CURSOR_MAX: u64 = 8_192;

/// The arguments of a read.
pub(super) fn params(action: &SqlAction, view: &View<'_>, defs: &mut Defs) -> Vec<Param> {
    let mut params = match &action.read {
        Read::Find {
            key,
            any,
            rows,
            max_rows,
        } => {
            let mut params = Vec::new();
            params.extend(filter(view, any, defs).map(|schema| param("filter", schema)));
            params.extend(page(view, key.is_empty(), *rows, *max_rows));
            params
        }
        Read::Get { keys } => get(view, keys),
    };
    // What is masked is not asked for: it is shown with all the rest or not at all.
    let columns = action.relation.columns.iter();
    let open = columns.filter(|(_, column)| column.mask.is_none());
    let names: Vec<&String> = open.map(|(name, _)| name).collect();
    let fields = (!names.is_empty()).then(|| {
        param(
            "fields",
            json!({
                "type": "array",
                "items": {"type": "string", "enum": names},
                "minItems": 1,
                "uniqueItems": true,
                "description": "The columns to show; all if it is missing.",
            }),
        )
    });
    params.extend(fields);
    if !action.include.is_empty() {
        let names: Vec<&String> = action.include.keys().collect();
        params.push(param(
            "include",
            json!({
                "type": "array",
                "items": {"type": "string", "enum": names},
                "uniqueItems": true,
                "description": "What to show with each row.",
            }),
        ));
    }
    params
}

/// An argument that may be missing, and whose value may be moved into its bounds.
fn param(name: &str, schema: Value) -> Param {
    Param {
        name: name.to_owned(),
        place: Place::Query,
        required: false,
        schema,
        style: Style::Form,
        explode: false,
        allow_reserved: false,
        allow_empty: false,
        content: None,
    }
}

/// The order of rows, and which page of them.
fn page(view: &View<'_>, no_key: bool, rows: u32, max_rows: u32) -> Vec<Param> {
    let mut params = Vec::new();
    let sorted = view.columns.values().filter(|shown| shown.sort);
    let orders: Vec<String> = sorted
        .flat_map(|shown| [shown.name.clone(), format!("-{}", shown.name)])
        .collect();
    if !orders.is_empty() {
        params.push(param(
            "sort",
            json!({
                "type": "array",
                "items": {"type": "string", "enum": orders},
                "maxItems": SORT_MAX,
                "uniqueItems": true,
                "description": "Columns to sort by; `-` for descending order.",
            }),
        ));
    }
    params.push(param(
        "limit",
        json!({
            "type": "integer",
            "minimum": 1,
            "maximum": max_rows,
            "default": rows,
            "description": "Rows of a page.",
        }),
    ));
    if !no_key {
        params.push(param(
            "cursor",
            json!({
                "type": "string",
                "maxLength": CURSOR_MAX,
                "description": "`next_cursor` of the page before; filter and sort stay the same.",
            }),
        ));
    }
    params
}

/// The conditions that a caller may set; `None` if there is nothing to filter by.
fn filter(view: &View<'_>, any: &str, defs: &mut Defs) -> Option<Value> {
    let most = view.columns.len() + 1;
    let (mut one, mut all) = (Map::with_capacity(most), Map::with_capacity(most));
    for (own, shown) in view
        .columns
        .iter()
        .filter(|(_, shown)| !shown.filter.is_empty())
    {
        let column = view.table.columns.get(*own)?;
        let said = compared(column, &shown.filter, defs);
        one.insert(shown.name.clone(), said.schema());
        all.insert(shown.name.clone(), described(said.schema(), column));
    }
    if all.is_empty() {
        return None;
    }
    all.insert(
        any.to_owned(),
        object([
            ("type", "array".into()),
            ("items", closed(one)),
            ("minItems", 1.into()),
            ("maxItems", ALTERNATIVES_MAX.into()),
            ("description", "Alternatives: one of these holds.".into()),
        ]),
    );
    Some(object([
        ("type", "object".into()),
        ("properties", Value::Object(all)),
        ("additionalProperties", false.into()),
        (
            "description",
            "What holds for the rows, by column; all of it.".into(),
        ),
    ]))
}

/// An object that has one of these properties or more, and no other.
fn closed(properties: Map<String, Value>) -> Value {
    object([
        ("type", "object".into()),
        ("properties", Value::Object(properties)),
        ("additionalProperties", false.into()),
        ("minProperties", 1.into()),
    ])
}

/// A schema with what the owner of a column says of it.
fn described(mut schema: Value, column: &RelationColumn) -> Value {
    if let (Some(comment), Some(object)) = (&column.comment, schema.as_object_mut()) {
        object.insert("description".to_owned(), comment.clone().into());
    }
    schema
}

/// What a column may be compared with.
fn compared(column: &RelationColumn, filter: &[Comparison], defs: &mut Defs) -> Said {
    let name = accepted(&column.r#type.name);
    let value = defs.refer(&name, Cow::Borrowed(&*column.value));
    let element = defs.refer(&format!("{name}_element"), Cow::Borrowed(&*column.element));
    let mut properties = Map::with_capacity(filter.len());
    for comparison in filter {
        let operand = operand(&value, &element, *comparison);
        properties.insert(comparison.as_str().to_owned(), operand);
    }
    defs.refer(&format!("{name}_filter"), Cow::Owned(closed(properties)))
}

fn operand(value: &Said, element: &Said, comparison: Comparison) -> Value {
    let list = |items: &Said| {
        object([
            ("type", "array".into()),
            ("items", items.schema()),
            ("minItems", 1.into()),
            ("maxItems", VALUES_MAX.into()),
        ])
    };
    match comparison {
        Comparison::Eq
        | Comparison::Ne
        | Comparison::Lt
        | Comparison::Lte
        | Comparison::Gt
        | Comparison::Gte
        | Comparison::Overlaps => value.schema(),
        Comparison::In => list(value),
        Comparison::Has | Comparison::ContainsElement => element.schema(),
        Comparison::HasAny => list(element),
        Comparison::IsNull => object([("type", "boolean".into())]),
        Comparison::StartsWith | Comparison::Contains | Comparison::Matches => object([
            ("type", "string".into()),
            ("minLength", 1.into()),
            ("maxLength", TEXT_MAX.into()),
        ]),
    }
}

/// The columns of the keys. If there are several keys, each call gives one of them.
fn get(view: &View<'_>, keys: &[Vec<String>]) -> Vec<Param> {
    let mut params: Vec<Param> = Vec::new();
    for name in keys.iter().flatten() {
        let mut columns = view.columns.iter();
        let found = columns.find(|(_, shown)| shown.name == *name);
        let column = found.and_then(|(own, _)| view.table.columns.get(*own));
        let Some(column) = column.filter(|_| params.iter().all(|p| p.name != *name)) else {
            continue;
        };
        let schema = described(Value::clone(&column.value), column);
        // The nearest key is somebody else's: what stands for a path is never moved.
        params.push(Param {
            place: Place::Path,
            required: keys.iter().all(|key| key.contains(name)),
            ..param(name, schema)
        });
    }
    params
}

/// What a read gives.
pub(super) fn output(action: &SqlAction, view: &View<'_>) -> Value {
    let mut properties = row(view);
    for (name, include) in &action.include {
        // What is in it is said where it is found.
        let kind = match include.many {
            None => json!({"type": ["object", "null"]}),
            Some(_) => json!({"type": "object"}),
        };
        properties.insert(name.clone(), kind);
    }
    let whole = |properties| object([("type", "object".into()), ("properties", properties)]);
    let row = whole(Value::Object(properties));
    whole(match action.read {
        Read::Find { .. } => object([
            ("rows", object([("type", "array".into()), ("items", row)])),
            ("returned", json!({"type": "integer"})),
            ("truncated", json!({"type": "boolean"})),
            ("next_cursor", json!({"type": ["string", "null"]})),
            ("limit_applied", json!({"type": "integer"})),
        ]),
        Read::Get { .. } => object([("row", row)]),
    })
}

fn row(view: &View<'_>) -> Map<String, Value> {
    let mut properties = Map::with_capacity(view.columns.len());
    properties.extend(view.columns.iter().filter_map(|(own, shown)| {
        let column = view.table.columns.get(*own)?;
        let schema = match shown.mask {
            None => Value::clone(&column.shown),
            Some(Mask::Null) => json!({"type": "null"}),
            Some(_) => json!({"type": ["string", "null"]}),
        };
        Some((shown.name.clone(), schema))
    }));
    properties
}
