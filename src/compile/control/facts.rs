//! What a document says of a value: its types and bounds, put together from all schemas that hold for it.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::reach::{Reach, branches, is_null};
use crate::runtime::args::number::{compare, is_integral};

/// Schemas inside each other that are looked at.
const DEPTH_MAX: usize = 24;

/// What is known of a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    /// Its types; empty: any.
    pub(super) types: Vec<String>,
    pub(super) min: Option<End>,
    pub(super) max: Option<End>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
}

/// An end of the numbers that are allowed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) number: Number,
    /// Whether the number itself is not allowed.
    pub(super) exclusive: bool,
}

impl Facts {
    /// What is known of values that match a schema.
    pub(super) fn of(schema: &Value, reach: &Reach<'_>) -> Self {
        let mut facts = Self::at(schema, reach, DEPTH_MAX);
        if facts.is_integer() {
            facts.min = facts.min.map(|end| end.whole(1));
            facts.max = facts.max.map(|end| end.whole(-1));
        }
        facts
    }

    fn at(schema: &Value, reach: &Reach<'_>, depth: usize) -> Self {
        let Some(object) = schema.as_object().filter(|_| depth > 0) else {
            return Self::default();
        };
        let mut facts = Self::own(object);
        if let Some(target) = reach.target(object) {
            facts.and(Self::at(target, reach, depth - 1));
        }
        for branch in branches(object, "allOf") {
            facts.and(Self::at(branch, reach, depth - 1));
        }
        for key in ["anyOf", "oneOf"] {
            let real: Vec<&Value> = branches(object, key).filter(|b| !is_null(b)).collect();
            let of = real.iter().map(|branch| Self::at(branch, reach, depth - 1));
            let mut of: Vec<Self> = of.collect();
            let nullable = real.len() < branches(object, key).count();
            if let (1, Some(mut only)) = (of.len(), of.pop()) {
                if nullable && !only.types.is_empty() {
                    only.types.push("null".to_owned());
                }
                facts.and(only);
                continue;
            }
            let of = real.iter().map(|branch| Self::at(branch, reach, depth - 1));
            let of: Vec<Self> = of.collect();
            if !of.is_empty() && of.iter().all(|one| !one.types.is_empty()) {
                let mut types: Vec<String> = of.into_iter().flat_map(|one| one.types).collect();
                types.extend(nullable.then(|| "null".to_owned()));
                facts.and(Self {
                    types,
                    ..Self::default()
                });
            }
        }
        facts
    }

    fn own(object: &Map<String, Value>) -> Self {
        let types = match object.get("type") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => {
                let names = many.iter().filter_map(Value::as_str);
                names.map(str::to_owned).collect()
            }
            _ => {
                let values = branches(object, "enum").chain(object.get("const"));
                let mut types: Vec<String> = values.map(type_of).map(str::to_owned).collect();
                types.dedup();
                types
            }
        };
        let end = |key: &str, exclusive: bool| {
            let number = object.get(key)?.as_number()?.clone();
            Some(End { number, exclusive })
        };
        let count = |key: &str| object.get(key).and_then(Value::as_u64);
        Self {
            types,
            min: tighter(
                end("minimum", false),
                end("exclusiveMinimum", true),
                Ordering::Greater,
            ),
            max: tighter(
                end("maximum", false),
                end("exclusiveMaximum", true),
                Ordering::Less,
            ),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
        }
    }

    /// Both hold.
    fn and(&mut self, other: Self) {
        self.types = match (self.types.is_empty(), other.types.is_empty()) {
            (true, _) => other.types,
            (_, true) => std::mem::take(&mut self.types),
            _ => common(&self.types, &other.types),
        };
        self.min = tighter(self.min.take(), other.min, Ordering::Greater);
        self.max = tighter(self.max.take(), other.max, Ordering::Less);
        self.min_items = self.min_items.max(other.min_items);
        self.min_length = self.min_length.max(other.min_length);
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        self.max_items = least(self.max_items, other.max_items);
        self.max_length = least(self.max_length, other.max_length);
    }

    /// Whether it may be of a type.
    pub(super) fn may_be(&self, name: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|own| own == name)
    }

    /// Whether a number is there always whole.
    pub(super) fn is_integer(&self) -> bool {
        !self.types.is_empty() && self.may_be("integer") && !self.may_be("number")
    }
}

impl End {
    /// The end of the integers: a step further if it is not one of them.
    fn whole(self, step: i64) -> Self {
        match self.number.as_i64().and_then(|n| n.checked_add(step)) {
            Some(next) if self.exclusive => Self {
                number: next.into(),
                exclusive: false,
            },
            _ => self,
        }
    }

    /// In words, as in `100`.
    pub(super) fn words(&self) -> String {
        self.number.to_string()
    }
}

fn tighter(one: Option<End>, other: Option<End>, wins: Ordering) -> Option<End> {
    match (one, other) {
        (Some(one), Some(other)) => {
            let order = compare(&other.number, &one.number);
            let other_wins = order == wins || order.is_eq() && other.exclusive;
            Some(if other_wins { other } else { one })
        }
        (one, other) => one.or(other),
    }
}

/// The types that both have; an integer is a number.
fn common(one: &[String], other: &[String]) -> Vec<String> {
    let number = "number".to_owned();
    let mut types: Vec<String> = Vec::new();
    let in_both = |name: &String| {
        let has =
            |types: &[String]| types.contains(name) || name == "integer" && types.contains(&number);
        has(one) && has(other)
    };
    for name in one.iter().chain(other).filter(|name| in_both(name)) {
        if !types.contains(name) {
            types.push(name.clone());
        }
    }
    types
}

/// The type of a value.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if is_integral(number) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_several_schemas_say() {
        let defs =
            json!({"N": {"type": "integer", "maximum": 50}, "Loop": {"$ref": "#/$defs/Loop"}});
        let defs = defs.as_object().unwrap();
        let reach = Reach::new(defs);
        for (schema, types, min, max) in [
            (json!({}), "", "", ""),
            (
                json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 9}),
                "integer",
                "1",
                "9",
            ),
            (
                json!({"type": "number", "minimum": 0.5, "exclusiveMaximum": 2}),
                "number",
                "0.5",
                "2",
            ),
            (
                json!({"$ref": "#/$defs/N", "maximum": 70}),
                "integer",
                "",
                "50",
            ),
            (
                json!({"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]}),
                "integer null",
                "",
                "50",
            ),
            (
                json!({"anyOf": [{"$ref": "#/$defs/N"}, {"type": "string"}]}),
                "integer string",
                "",
                "",
            ),
            (
                json!({"allOf": [{"type": ["number", "string"]}, {"type": "integer", "minimum": 3}]}),
                "integer",
                "3",
                "",
            ),
            (json!({"enum": ["a", 1]}), "string integer", "", ""),
            (json!({"$ref": "#/$defs/Loop"}), "", "", ""),
        ] {
            let facts = Facts::of(&schema, &reach);
            let words = |end: &Option<End>| end.as_ref().map(End::words).unwrap_or_default();
            let got = (facts.types.join(" "), words(&facts.min), words(&facts.max));
            assert_eq!(got, (types.into(), min.into(), max.into()), "{schema}");
        }
    }
}
