//! What a tool of a relation answers where no database is asked: one row, each value of it of the column's
//! type.

use serde_json::{Map, Value, json};

use crate::runtime::manifest::{Column, Mask, Read, SqlAction, ToolSpec};

/// The sample of a tool. It fits what the tool says of its output.
pub(super) fn of(tool: &ToolSpec, action: &SqlAction) -> Value {
    let output = tool.output_schema.as_ref();
    let properties = |pointer: &str| {
        let (first, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
        let schema = output?.get("properties")?.get(first)?;
        match rest {
            "" => schema.get("properties"),
            rest => schema.get(rest)?.get("properties"),
        }
    };
    let row = |pointer: &str| -> Map<String, Value> {
        let columns = action.relation.columns.iter();
        let shown = |(name, column): (&String, &Column)| {
            let schema = properties(pointer)?.get(name)?;
            Some((name.clone(), value(column, schema)))
        };
        columns.filter_map(shown).collect()
    };
    match action.read {
        Read::Find { rows, .. } => json!({
            "rows": [row("rows/items")],
            "returned": 1,
            "truncated": false,
            "next_cursor": null,
            "limit_applied": rows,
        }),
        Read::Get { .. } => json!({"row": row("row")}),
    }
}

/// A value of a column; `schema` is that of what is shown of it.
fn value(column: &Column, schema: &Value) -> Value {
    match (&column.mask, shaped(schema)) {
        (Some(Mask::Null), _) => Value::Null,
        (Some(_), _) => "***".into(),
        (None, Value::String(_)) => text(&column.r#type.name).into(),
        (None, other) => other,
    }
}

/// A value of a type that is shown as text.
fn text(name: &str) -> &'static str {
    match name {
        "int8" => "1",
        "numeric" => "1.50",
        "date" => "2026-01-31",
        "time" => "08:30:00",
        "timetz" => "08:30:00+00:00",
        "timestamp" => "2026-01-31T08:30:00",
        "timestamptz" => "2026-01-31T08:30:00+00:00",
        "interval" => "P1D",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "bytea" => "",
        _ => "text",
    }
}

/// A value of the first type that a schema names and that is not null.
fn shaped(schema: &Value) -> Value {
    let kinds = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.as_slice(),
        Some(kind) => std::slice::from_ref(kind),
        None => &[],
    };
    let mut kinds = kinds.iter().filter_map(Value::as_str);
    match kinds.find(|kind| *kind != "null") {
        Some("integer" | "number") => 1.into(),
        Some("string") => "text".into(),
        Some("boolean") => false.into(),
        Some("array") => Value::Array(schema.get("items").map(shaped).into_iter().collect()),
        Some("object") => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let properties = properties.into_iter().flatten();
            let made = properties.map(|(name, schema)| (name.clone(), shaped(schema)));
            Value::Object(made.collect())
        }
        _ => Value::Null,
    }
}
