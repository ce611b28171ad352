//! What a receiver should find of arguments, and when they may be refused instead.

use serde_json::{Map, Value};

use super::spec::body::Body;
use super::spec::request::{Got, Shape};
use super::spec::{Media, Operation, Param, Place, is_json};

mod form;
mod refuse;

pub(super) use refuse::reason;

/// The arguments of a call, each where it belongs.
pub(super) struct Given<'a> {
    /// Of each parameter of the operation.
    pub(super) params: Vec<Option<&'a Value>>,
    /// What is left, which is of the body.
    pub(super) body: Vec<(&'a str, &'a Value)>,
}

/// Divides arguments by their names, as the documentation says that they are named. `None` if two
/// parameters have one argument.
pub(super) fn divide<'a>(
    operation: &Operation,
    properties: &Map<String, Value>,
    args: &'a Map<String, Value>,
) -> Option<Given<'a>> {
    let mut names: Vec<String> = Vec::new();
    for param in &operation.params {
        let clean = accepted(&param.name);
        let place = match param.place {
            Place::Path => "path",
            Place::Query | Place::Querystring => "query",
            Place::Header => "header",
            Place::Cookie => "cookie",
        };
        let suffixed = format!("{clean}__{place}");
        let mut name = if properties.contains_key(&suffixed) {
            suffixed.clone()
        } else {
            clean
        };
        // `Date`, `Date<` and `Date>` are `Date__query`, `Date__query_2` and `Date__query_3`.
        let mut count = 1;
        while names.contains(&name) {
            count += 1;
            name = format!("{suffixed}_{count}");
        }
        if count > 1 && !properties.contains_key(&name) {
            return None;
        }
        names.push(name);
    }
    let params = names.iter().map(|name| args.get(name)).collect();
    let rest = args.iter().filter(|(name, _)| !names.contains(name));
    Some(Given {
        params,
        body: rest.map(|(name, value)| (name.as_str(), value)).collect(),
    })
}

/// Takes out of the arguments for the path what no path carries.
pub(super) fn soften(operation: &Operation, args: &mut Map<String, Value>) {
    let of_path = operation
        .params
        .iter()
        .filter(|param| param.place == Place::Path);
    let names: Vec<String> = of_path.map(|param| accepted(&param.name)).collect();
    for (name, value) in args {
        let plain = name.strip_suffix("__path").unwrap_or(name);
        if let (true, Value::String(text)) = (names.iter().any(|own| own == plain), value) {
            text.retain(|c| !matches!(c, '/' | '\\') && !c.is_control());
        }
    }
}

/// The name of an argument without a profile: that of the wire, but for what MCP cannot show.
fn accepted(name: &str) -> String {
    let visible = |c: char| !c.is_control() && !c.is_whitespace();
    if (1..=64).contains(&name.chars().count()) && name.chars().all(visible) {
        return name.to_owned();
    }
    let mut clean = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || "_.-".contains(c) {
            clean.push(c);
        } else if !clean.is_empty() && !clean.ends_with('_') {
            clean.push('_');
        }
    }
    while clean.ends_with('_') && !name.ends_with('_') {
        clean.pop();
    }
    clean.truncate(56);
    if clean.is_empty() {
        "arg".to_owned()
    } else {
        clean
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn compound(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// What a parameter's value is on the wire: scalars are texts, null is not sent, and an empty list or
/// object is not either (RFC 6570 §2.3). `None` if the style does not write it.
pub(super) fn expected(param: &Param, value: Option<&Value>) -> Option<(Got, Shape)> {
    let Some(value) = value else {
        return Some((Got::Absent, Shape::Plain));
    };
    let pairs = |object: &Map<String, Value>| {
        let pairs = object
            .iter()
            .filter_map(|(key, v)| Some((key.clone(), scalar(v)?)));
        pairs.collect::<Vec<_>>()
    };
    if let Some(kind) = &param.content {
        return Some(match value {
            value if is_json(kind) => (Got::Json(value.clone()), Shape::Plain),
            Value::Object(object) => (Got::map(pairs(object)), Shape::Plain),
            value => (Got::Text(scalar(value)?), Shape::Plain),
        });
    }
    let nothing = || {
        let empty = param.allow_empty && param.place == Place::Query && param.style == "form";
        (
            if empty {
                Got::Text(String::new())
            } else {
                Got::Absent
            },
            Shape::Plain,
        )
    };
    Some(match value {
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(scalar).collect();
            if items.iter().any(compound) || param.style == "deepObject" {
                return None;
            }
            if texts.is_empty() {
                nothing()
            } else {
                (Got::List(texts), Shape::List)
            }
        }
        Value::Object(object) => {
            let pairs = pairs(object);
            if object.values().any(compound) {
                return None;
            }
            let keys = pairs.iter().map(|(key, _)| key.clone()).collect();
            if pairs.is_empty() {
                nothing()
            } else {
                (Got::map(pairs), Shape::Map(keys))
            }
        }
        Value::Null => nothing(),
        value => (Got::Text(scalar(value)?), Shape::Plain),
    })
}

/// Compares a body with the arguments that are of it.
pub(super) fn body(
    given: &[(&str, &Value)],
    got: &Body,
    media: Option<&(String, Media)>,
    styled_parts: bool,
) -> Result<(), String> {
    let whole = match given {
        [("body", value)] => Some(*value),
        _ => None,
    };
    let wrong = || format!("the body is {got:?}");
    let good = match got {
        Body::None => given.is_empty(),
        Body::Json(value) => whole == Some(value) || same_object(given, value),
        Body::Lines(lines) => whole.and_then(Value::as_array) == Some(lines),
        Body::Bytes(bytes) => whole.is_some_and(|value| same_bytes(value, bytes)),
        Body::Form(fields) => {
            let media = media.map(|(_, media)| media).ok_or_else(wrong)?;
            return form::compare(given, fields, media, styled_parts);
        }
    };
    if good { Ok(()) } else { Err(wrong()) }
}

fn same_object(given: &[(&str, &Value)], value: &Value) -> bool {
    let Some(object) = value.as_object() else {
        return false;
    };
    object.len() == given.len()
        && given.iter().all(|(name, value)| {
            let exact = object.get(*name) == Some(value);
            exact
                || object
                    .iter()
                    .any(|(key, own)| accepted(key) == *name && own == *value)
        })
}

/// The text itself, or what it stands for in base64.
fn same_bytes(value: &Value, bytes: &[u8]) -> bool {
    use base64::Engine;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let encoded = text
        .rsplit_once(";base64,")
        .map_or(&*text, |(_, data)| data);
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded);
    text.as_bytes() == bytes || decoded.is_ok_and(|decoded| decoded == bytes)
}
