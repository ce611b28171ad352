//! JSON Schemas of values that columns are compared with: strict, so that what PostgreSQL would refuse is
//! refused before it is asked, and lossless: what JSON numbers cannot hold may be a text.

use serde_json::{Value, json};

use super::types::Kind;

/// Longest text, in characters.
const TEXT_MAX: u32 = 10_000;
/// Longest number as a text.
const DIGITS_MAX: u32 = 1_000;

const UUID: &str = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
const DATE: &str = "[0-9]{4,6}-[0-9]{2}-[0-9]{2}";
const TIME: &str = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?";
const ZONE: &str = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)";
/// ISO 8601 with designators, and each of the parts signed, as PostgreSQL writes it.
const INTERVAL: &str = r"^P(-?[0-9]{1,9}Y)?(-?[0-9]{1,9}M)?(-?[0-9]{1,9}W)?(-?[0-9]{1,9}D)?(T(-?[0-9]{1,9}H)?(-?[0-9]{1,9}M)?(-?[0-9]{1,9}(\.[0-9]{1,6})?S)?)?$";

/// The schema; `None` for what is not compared.
pub(super) fn value(kind: Kind<'_>) -> Option<Value> {
    Some(match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Int(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Big => json!({
            "type": ["integer", "string"],
            "minimum": i64::MIN,
            "maximum": i64::MAX,
            "pattern": "^-?[0-9]{1,19}$",
        }),
        Kind::Numeric => json!({
            "type": ["number", "string"],
            "pattern": r"^(-?[0-9]+(\.[0-9]+)?|NaN)$",
            "maxLength": DIGITS_MAX,
        }),
        Kind::Float => json!({"type": ["number", "string"], "pattern": "^(-?Infinity|NaN)$"}),
        Kind::Text(_) => json!({"type": "string", "maxLength": TEXT_MAX}),
        Kind::Uuid => text(UUID, "A UUID."),
        Kind::Date => text(
            &format!("^({DATE}( BC)?|-?infinity)$"),
            "A date: 2026-01-31.",
        ),
        Kind::Timestamp(false) => text(
            &format!("^({DATE}([T ]{TIME})?( BC)?|-?infinity)$"),
            "A date, with a time or without: 2026-01-31T08:30:00.",
        ),
        Kind::Timestamp(true) => text(
            &format!("^({DATE}([T ]{TIME}{ZONE}?)?( BC)?|-?infinity)$"),
            "A date, with a time or without: 2026-01-31T08:30:00Z. Without a zone it is UTC.",
        ),
        Kind::Time(false) => text(&format!("^{TIME}$"), "A time of day: 08:30:00."),
        Kind::Time(true) => text(
            &format!("^{TIME}{ZONE}?$"),
            "A time of day: 08:30:00Z. Without a zone it is UTC.",
        ),
        Kind::Interval => text(INTERVAL, "A length of time in ISO 8601: P1DT12H."),
        Kind::Address(pattern) => json!({"type": "string", "pattern": pattern}),
        Kind::Bits => json!({"type": "string", "pattern": "^[01]{1,1000}$"}),
        Kind::Enum([])
        | Kind::Json
        | Kind::Bytes
        | Kind::Words
        | Kind::List(_)
        | Kind::Range(_)
        | Kind::Multirange(_)
        | Kind::Composite(_)
        | Kind::Vector
        | Kind::Opaque
        | Kind::Unknown => return None,
        Kind::Enum(labels) => json!({"type": "string", "enum": labels}),
    })
}

/// A range of values with this schema. What is shown of a range is one: a bound that is null is none.
pub(super) fn range(bound: &Value) -> Value {
    let mut bound = bound.clone();
    match bound.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(one) => *one = json!([one.take(), "null"]),
        None => {}
    }
    if let Some(labels) = bound.get_mut("enum").and_then(Value::as_array_mut) {
        labels.push(Value::Null);
    }
    json!({
        "type": "object",
        "properties": {
            "lower": bound,
            "upper": bound,
            "bounds": {
                "type": "string",
                "enum": ["[)", "[]", "(]", "()"],
                "description": "`[` and `]`: the bound itself is in it. [) if it is missing.",
            },
        },
        "additionalProperties": false,
        "description": "A range; a side without a bound has no end.",
    })
}

fn text(pattern: &str, description: &str) -> Value {
    json!({"type": "string", "pattern": pattern, "description": description})
}
