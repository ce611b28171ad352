//! Keywords whose value is no schema, and those of OpenAPI 3.0 that JSON Schema writes differently.

use serde_json::{Map, Value, json};

/// Types of JSON Schema 2020-12 (validation §6.1.1).
const TYPES: [&str; 7] = [
    "null", "boolean", "object", "array", "number", "string", "integer",
];

/// The value of `type`, if it is one that JSON Schema has.
pub(super) fn types(value: &Value) -> Option<Value> {
    let known = |v: &Value| v.as_str().is_some_and(|t| TYPES.contains(&t));
    match value {
        Value::Array(list) if !list.is_empty() && list.iter().all(known) => Some(unique(list)),
        value if known(value) => Some(value.clone()),
        _ => None,
    }
}

/// A list of strings, each once.
fn is_names(value: &Value) -> bool {
    let names = value.as_array();
    names.is_some_and(|names| names.iter().all(Value::is_string) && unique(names) == *value)
}

fn unique(list: &[Value]) -> Value {
    let mut unique: Vec<Value> = Vec::new();
    for item in list {
        if !unique.contains(item) {
            unique.push(item.clone());
        }
    }
    Value::Array(unique)
}

/// Keywords whose value is no schema: `None` if the keyword is not one of JSON Schema's, `Err` if
/// its value is not allowed (validation §6).
pub(super) fn plain(key: &str, value: &Value) -> Option<Result<Value, &'static str>> {
    let check = |good: bool, why| if good { Ok(value.clone()) } else { Err(why) };
    Some(match key {
        "description" | "format" | "contentEncoding" | "contentMediaType" | "pattern" => {
            check(value.is_string(), "is not a string")
        }
        "default" | "const" => Ok(value.clone()),
        "examples" => check(value.is_array(), "is not a list"),
        "deprecated" | "uniqueItems" => check(value.is_boolean(), "is neither true nor false"),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
            check(value.is_number(), "is not a number")
        }
        "multipleOf" => check(
            value.as_f64().is_some_and(|n| n > 0.0),
            "is not a number above 0",
        ),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => {
            check(value.as_u64().is_some(), "is not a whole number from 0")
        }
        "dependentRequired" => match value {
            Value::Object(map) if map.values().all(is_names) => Ok(value.clone()),
            _ => Err("is not an object of lists of property names"),
        },
        "enum" => match value {
            Value::Array(list) if !list.is_empty() => Ok(unique(list)),
            _ => Err("is not a list of values"),
        },
        _ => return None,
    })
}

/// `exclusiveMinimum: true` beside `minimum: 1` (OpenAPI 3.0) is `exclusiveMinimum: 1`.
pub(super) fn exclusive_bounds(out: &mut Map<String, Value>, object: &Map<String, Value>) {
    for (flag, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if object.get(flag) == Some(&Value::Bool(true))
            && let Some(limit) = out.shift_remove(bound)
        {
            out.insert(flag.into(), limit);
        }
    }
}

/// Lets a schema take `null` too (OpenAPI 3.0.4 §4.7.24.2, `nullable`).
pub(super) fn nullable(mut schema: Value) -> Value {
    let Some(object) = schema.as_object_mut() else {
        return schema;
    };
    match object.get("type").cloned() {
        Some(Value::String(name)) => {
            object.insert("type".into(), json!([name, "null"]));
            schema
        }
        None if alternatives(object).is_some() => {
            if let Some(list) = alternatives(object)
                .and_then(|key| object.get_mut(key))
                .and_then(Value::as_array_mut)
            {
                list.push(json!({"type": "null"}));
            }
            schema
        }
        None if ["oneOf", "anyOf", "allOf", "$ref"]
            .iter()
            .any(|key| object.contains_key(*key)) =>
        {
            json!({"anyOf": [schema, {"type": "null"}]})
        }
        _ => schema,
    }
}

/// The keyword of a schema that is nothing but alternatives: `null` can be one more of them.
fn alternatives(object: &Map<String, Value>) -> Option<&'static str> {
    let rest = ["description", "default", "examples", "deprecated"];
    ["oneOf", "anyOf"].into_iter().find(|alternatives| {
        object.contains_key(*alternatives)
            && object
                .keys()
                .all(|key| key == alternatives || rest.contains(&key.as_str()))
    })
}
