//! A column: its type, what it is compared by and with, and what is shown of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::snapshot::Column;
use super::compared;
use super::types::{Kind, Types};
use crate::catalog::RelationColumn;
use crate::runtime::manifest::Comparison;

/// Levels of values in values that are told.
const DEPTH: usize = 8;
/// Values in a value that are told.
const PARTS: usize = 500;

/// A column that was read.
pub(super) struct Found {
    pub(super) column: RelationColumn,
    /// Whether it is text only because its type is not known.
    pub(super) as_text: bool,
}

/// The schemas of a column; thousands of columns have the same.
#[derive(Clone)]
pub(super) struct Schemas {
    value: Arc<Value>,
    element: Arc<Value>,
    shown: Arc<Value>,
}

impl<'a> Types<'a> {
    /// Reads a column.
    pub(super) fn column(&mut self, column: &'a Column, indexed: bool) -> Found {
        let kind = self.kind(&column.r#type);
        let mut comparisons = self.comparisons(&column.r#type);
        let nullable = !column.not_null;
        if nullable {
            comparisons.push(Comparison::IsNull);
        }
        let Schemas {
            value,
            element,
            shown,
        } = self.schemas_of(&column.r#type, nullable);
        let column = RelationColumn {
            r#type: self.sql(&column.r#type),
            declared: column.declared.clone(),
            nullable,
            value,
            element,
            shown,
            sortable: is_scalar(kind) && comparisons.contains(&Comparison::Eq),
            comparisons,
            indexed,
            comment: column.comment.clone(),
        };
        let as_text = matches!(kind, Kind::Unknown);
        Found { column, as_text }
    }

    /// The schemas of columns of a type, made for the first of them.
    fn schemas_of(&mut self, name: &'a str, nullable: bool) -> Schemas {
        if let Some(known) = self.schemas.get(&(name, nullable)) {
            return known.clone();
        }
        let kind = self.kind(name);
        let element = match kind {
            Kind::List(element) | Kind::Range(element) | Kind::Multirange(element) => {
                compared::value(self.kind(element)).unwrap_or(Value::Null)
            }
            _ => Value::Null,
        };
        let value = match kind {
            Kind::Range(_) | Kind::Multirange(_) => compared::range(&element),
            kind => compared::value(kind).unwrap_or(Value::Bool(true)),
        };
        let mut shown = self.shown(name, DEPTH, &mut { PARTS });
        if !nullable && is_short(kind) {
            without_null(&mut shown);
        }
        let made = Schemas {
            value: value.into(),
            element: element.into(),
            shown: shown.into(),
        };
        self.schemas.insert((name, nullable), made.clone());
        made
    }

    /// What values of a type are compared by.
    fn comparisons(&self, name: &str) -> Vec<Comparison> {
        use Comparison as C;
        let kind = self.kind(name);
        if kind == Kind::Words {
            return vec![C::Matches];
        }
        let has_operators = |name: &str| self.under(name).is_some_and(|t| t.operators.is_some());
        let can = |name: &str| has_operators(name) && compared::value(self.kind(name)).is_some();
        match kind {
            Kind::List(element) if can(element) => vec![C::Has, C::HasAny],
            Kind::Range(bound) | Kind::Multirange(bound) if can(bound) => {
                vec![C::ContainsElement, C::Overlaps]
            }
            Kind::List(_) | Kind::Range(_) | Kind::Multirange(_) => Vec::new(),
            _ if !can(name) => Vec::new(),
            Kind::Bool => vec![C::Eq],
            Kind::Text(true) => vec![C::Eq, C::Ne, C::In, C::StartsWith],
            Kind::Text(false) | Kind::Uuid | Kind::Enum(_) | Kind::Address(_) | Kind::Bits => {
                vec![C::Eq, C::Ne, C::In]
            }
            _ => vec![C::Eq, C::Ne, C::In, C::Lt, C::Lte, C::Gt, C::Gte],
        }
    }

    /// JSON Schema of what is shown, null among it: a value may be too long to be shown.
    fn shown(&self, name: &str, depth: usize, parts: &mut usize) -> Value {
        let Some(below) = depth.checked_sub(1) else {
            return json!({});
        };
        match self.kind(name) {
            Kind::Bool => json!({"type": ["boolean", "null"]}),
            Kind::Int(..) => json!({"type": ["integer", "null"]}),
            Kind::Float => json!({"type": ["number", "string", "null"]}),
            Kind::Json => json!({}),
            Kind::List(element) => {
                let mut items = self.shown(element, below, parts);
                // A list of several dimensions has lists in it.
                if let Some(types) = items.get_mut("type").and_then(Value::as_array_mut)
                    && !types.contains(&json!("array"))
                {
                    types.push("array".into());
                }
                json!({"type": ["array", "null"], "items": items})
            }
            Kind::Range(bound) => self.shown_range(bound, below, parts, true),
            Kind::Multirange(bound) => {
                json!({"type": ["array", "null"], "items": self.shown_range(bound, below, parts, false)})
            }
            Kind::Composite(attributes) => {
                let Some(left) = parts.checked_sub(attributes.len()) else {
                    return json!({});
                };
                *parts = left;
                let attributes = attributes.iter();
                let properties: serde_json::Map<_, _> = attributes
                    .map(|(name, r#type)| (name.clone(), self.shown(r#type, below, parts)))
                    .collect();
                json!({"type": ["object", "null"], "properties": properties})
            }
            _ => json!({"type": ["string", "null"]}),
        }
    }

    fn shown_range(&self, bound: &str, depth: usize, parts: &mut usize, or_null: bool) -> Value {
        let bound = self.shown(bound, depth, parts);
        let types = if or_null {
            json!(["object", "null"])
        } else {
            json!("object")
        };
        json!({
            "type": types,
            "properties": {
                "lower": bound,
                "upper": bound,
                "bounds": {"type": "string"},
                "empty": {"type": "boolean"},
            },
        })
    }
}

/// Whether values are never too long to be shown.
fn is_short(kind: Kind<'_>) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::Int(..)
            | Kind::Big
            | Kind::Float
            | Kind::Uuid
            | Kind::Date
            | Kind::Timestamp(_)
            | Kind::Time(_)
            | Kind::Interval
            | Kind::Enum(_)
    )
}

/// Whether an order of rows by it means something, and can be gone on with from a text.
fn is_scalar(kind: Kind<'_>) -> bool {
    is_short(kind)
        || matches!(
            kind,
            Kind::Numeric | Kind::Text(_) | Kind::Address(_) | Kind::Bits
        )
}

fn without_null(schema: &mut Value) {
    let Some(types) = schema.get_mut("type") else {
        return;
    };
    if let Some(all) = types.as_array_mut() {
        all.retain(|one| one != "null");
        if let [one] = all.as_slice() {
            *types = one.clone();
        }
    }
}
