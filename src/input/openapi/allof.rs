//! `allOf`: several schemas become one where nothing is lost by it, else they stay side by side.

use serde_json::{Map, Value, json};

/// One schema that accepts what all parts accept: a single object if every keyword can be combined,
/// else `allOf`.
pub(super) fn merge(parts: Vec<Value>) -> Value {
    let mut merged = Map::new();
    let mut apart: Vec<Value> = Vec::new();
    for part in parts {
        match part {
            Value::Bool(true) => {}
            Value::Object(part) if part.is_empty() => {}
            Value::Object(part) => match combined(&merged, &part) {
                Some(both) => merged = both,
                None => apart.push(Value::Object(part)),
            },
            other => apart.push(other),
        }
    }
    if apart.is_empty() {
        return Value::Object(merged);
    }
    // What could not be combined with the rest stays beside it; an `allOf` of its own joins in.
    match merged.get_mut("allOf") {
        Some(Value::Array(list)) => list.extend(apart),
        _ => {
            merged.insert("allOf".into(), Value::Array(apart));
        }
    }
    Value::Object(merged)
}

/// Two schemas as one, or `None` if a keyword of both has no common form.
fn combined(left: &Map<String, Value>, right: &Map<String, Value>) -> Option<Map<String, Value>> {
    if left.is_empty() {
        return Some(right.clone());
    }
    // A closed object closes over its own properties only: merging would open it.
    let closed = |m: &Map<String, Value>| {
        m.get("additionalProperties")
            .is_some_and(|v| v != &Value::Bool(true))
            || m.contains_key("unevaluatedProperties")
            || m.contains_key("patternProperties")
    };
    if (closed(left) || closed(right)) && left.get("properties") != right.get("properties") {
        return None;
    }
    let mut out = left.clone();
    for (key, value) in right {
        let joined = match out.get(key) {
            None => value.clone(),
            Some(other) if other == value => continue,
            Some(other) => join(key, other, value)?,
        };
        out.insert(key.clone(), joined);
    }
    Some(out)
}

fn join(key: &str, left: &Value, right: &Value) -> Option<Value> {
    match key {
        // Annotations: the outermost schema, which comes last, knows best.
        "description" | "default" | "examples" | "deprecated" => Some(right.clone()),
        "properties" => {
            let mut out = left.as_object()?.clone();
            for (name, schema) in right.as_object()? {
                let both = match out.get(name) {
                    Some(other) if other != schema => merge(vec![other.clone(), schema.clone()]),
                    _ => schema.clone(),
                };
                out.insert(name.clone(), both);
            }
            Some(Value::Object(out))
        }
        "required" => {
            let mut out = left.as_array()?.clone();
            for name in right.as_array()? {
                if !out.contains(name) {
                    out.push(name.clone());
                }
            }
            Some(Value::Array(out))
        }
        "items" => Some(merge(vec![left.clone(), right.clone()])),
        "type" => types_in_both(left, right),
        "enum" => {
            let (left, right) = (left.as_array()?, right.as_array()?);
            let both: Vec<Value> = left.iter().filter(|v| right.contains(v)).cloned().collect();
            (!both.is_empty()).then_some(Value::Array(both))
        }
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
            tighter(left, right, |l, r| l > r)
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
            tighter(left, right, |l, r| l < r)
        }
        "uniqueItems" => Some(json!(left == &json!(true) || right == &json!(true))),
        "allOf" => {
            let mut out = left.as_array()?.clone();
            out.extend(right.as_array()?.iter().cloned());
            Some(Value::Array(out))
        }
        _ => None,
    }
}

fn tighter(left: &Value, right: &Value, wins: fn(f64, f64) -> bool) -> Option<Value> {
    let (l, r) = (left.as_f64()?, right.as_f64()?);
    Some(if wins(l, r) {
        left.clone()
    } else {
        right.clone()
    })
}

/// The types that both allow; `integer` is the narrower half of `number`.
fn types_in_both(left: &Value, right: &Value) -> Option<Value> {
    let list = |v: &Value| match v {
        Value::Array(items) => items
            .iter()
            .filter_map(|t| t.as_str().map(str::to_owned))
            .collect(),
        other => other
            .as_str()
            .map(str::to_owned)
            .into_iter()
            .collect::<Vec<_>>(),
    };
    let (left, right) = (list(left), list(right));
    let mut both: Vec<String> = Vec::new();
    for l in &left {
        for r in &right {
            let common = match (l.as_str(), r.as_str()) {
                (l, r) if l == r => l,
                ("integer", "number") | ("number", "integer") => "integer",
                _ => continue,
            };
            if !both.iter().any(|t| t == common) {
                both.push(common.to_owned());
            }
        }
    }
    match both.as_slice() {
        [] => None,
        [one] => Some(json!(one)),
        many => Some(json!(many)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_one_where_nothing_is_lost() {
        for (parts, want) in [
            (
                json!([{"type": "object", "properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]),
                json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]}),
            ),
            (
                json!([{"type": "number"}, {"type": ["integer", "null"]}]),
                json!({"type": "integer"}),
            ),
            (
                json!([{"minimum": 1, "maxLength": 9}, {"minimum": 3, "maxLength": 5}]),
                json!({"minimum": 3, "maxLength": 5}),
            ),
            (
                json!([{"enum": [1, 2]}, {"enum": [2, 3]}]),
                json!({"enum": [2]}),
            ),
            (
                json!([{}, true, {"type": "string"}]),
                json!({"type": "string"}),
            ),
            (
                json!([{"pattern": "a"}, {"pattern": "b"}]),
                json!({"pattern": "a", "allOf": [{"pattern": "b"}]}),
            ),
            (
                json!([{"properties": {"a": {}}, "additionalProperties": false}, {"properties": {"b": {}}}]),
                json!({"properties": {"a": {}}, "additionalProperties": false, "allOf": [{"properties": {"b": {}}}]}),
            ),
            (
                json!([{"oneOf": [{}]}, {"type": "object"}]),
                json!({"oneOf": [{}], "type": "object"}),
            ),
            (
                json!([{"type": "string"}, {"type": "object"}]),
                json!({"type": "string", "allOf": [{"type": "object"}]}),
            ),
        ] {
            assert_eq!(merge(parts.as_array().unwrap().clone()), want, "{parts}");
        }
    }
}
