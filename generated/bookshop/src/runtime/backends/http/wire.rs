//! How values are written: the parameter styles of OpenAPI (3.1.1 §4.8.12.3, 3.2.0 §4.12.3) and their
//! percent-encoding (RFC 3986). Numbers are written as they were given. What a place cannot carry, or
//! a receiver could not tell from something else, is refused.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::runtime::error::CallError;
use crate::runtime::manifest::{ParamContent, Place, Style, WireParam};

mod cookie;
mod deep;
mod header;
mod path;
mod query;

pub(super) use cookie::cookies;
pub(super) use header::header;
pub(super) use path::{path, slot};
pub(super) use query::{query, querystring};

/// Longest header or cookie value, in bytes.
const HEADER_VALUE_MAX: usize = 8_192;

/// All but the unreserved characters (RFC 3986 §2.3).
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Text with everything but unreserved characters percent-encoded.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// Reserved expansion (RFC 6570 §3.2.3): escapes stay as they are, and of the rest what is not in the
/// set.
fn reserved(text: &str, set: &'static AsciiSet) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        let escape = from
            .get(..3)
            .filter(|e| e.bytes().skip(1).all(|b| b.is_ascii_hexdigit()));
        let taken = escape.unwrap_or("%");
        out.extend(utf8_percent_encode(before, set));
        out.push_str(escape.unwrap_or("%25"));
        rest = from.get(taken.len()..).unwrap_or_default();
    }
    out.extend(utf8_percent_encode(rest, set));
    out
}

/// A value in its parts: texts of scalars, `null` left out (RFC 6570 §2.3 treats it as undefined).
enum Parts {
    One(String),
    List(Vec<String>),
    Pairs(Vec<(String, String)>),
    Nothing,
}

/// The text of a scalar; `None` for null and for what is no scalar.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An argument that may not be sent; `why` follows its name.
pub(super) fn refused(param: &WireParam, why: &str) -> CallError {
    CallError::new(
        "refused_value",
        format!("argument `{}` {why}; nothing was sent", param.arg),
    )
}

/// A value that the style has no way to write.
fn unsupported(param: &WireParam, what: &str) -> CallError {
    let place = match param.place {
        Place::Querystring => "query",
        place => place.as_str(),
    };
    let message = format!(
        "argument `{}`: {what} cannot be sent in a {place} parameter",
        param.arg
    );
    CallError::new("unsupported_value", message)
}

fn nested(param: &WireParam) -> CallError {
    unsupported(param, "a list or object inside a list or object")
        .hint("send plain values inside the list or object")
}

/// A text that holds what separates the elements of its list.
fn ambiguous(param: &WireParam, delimiter: &str) -> CallError {
    let called = match delimiter {
        " " => "a space".to_owned(),
        "\t" => "a tab".to_owned(),
        "," => "a comma".to_owned(),
        "." => "a dot".to_owned(),
        other => format!("`{other}`"),
    };
    let why = format!("has an element with {called}, which separates elements there");
    refused(param, &why).hint("send elements without it")
}

/// The parts of a value that its style writes one by one, or the whole text of one with `content`.
fn parts(param: &WireParam, value: &Value) -> Result<Parts, CallError> {
    match param.content {
        None => styled(param, value),
        Some(ParamContent::Json) => Ok(Parts::One(value.to_string())),
        Some(ParamContent::Text) => match value {
            Value::Array(_) | Value::Object(_) => {
                Err(unsupported(param, "a list or object").hint("send plain text"))
            }
            value => Ok(scalar(value).map_or(Parts::Nothing, Parts::One)),
        },
        Some(ParamContent::Form) => match value {
            Value::Null => Ok(Parts::Nothing),
            Value::Object(object) => super::body::form_text(object).map(Parts::One),
            _ => Err(unsupported(param, "what is no object").hint("send an object")),
        },
    }
}

fn styled(param: &WireParam, value: &Value) -> Result<Parts, CallError> {
    let text = |value: &Value| match value {
        Value::Array(_) | Value::Object(_) => Err(nested(param)),
        value => Ok(scalar(value)),
    };
    Ok(match value {
        Value::Array(items) => {
            let texts: Result<Vec<_>, _> = items.iter().map(text).collect();
            let texts: Vec<String> = texts?.into_iter().flatten().collect();
            // A list without elements is undefined, not empty (RFC 6570 §2.3).
            Some(texts).filter(|t| !t.is_empty()).map(Parts::List)
        }
        Value::Object(object) => {
            let mut pairs = Vec::new();
            for (key, value) in object {
                if let Some(text) = text(value)? {
                    pairs.push((key.clone(), text));
                }
            }
            Some(pairs).filter(|p| !p.is_empty()).map(Parts::Pairs)
        }
        one => scalar(one).map(Parts::One),
    }
    .unwrap_or(Parts::Nothing))
}

/// What separates texts in a style: as it is, and percent-encoded where it may not stand as it is.
fn delimiter(style: Style) -> (&'static str, &'static str) {
    match style {
        Style::SpaceDelimited => (" ", "%20"),
        Style::PipeDelimited => ("|", "%7C"),
        Style::TabDelimited => ("\t", "%09"),
        _ => (",", ","),
    }
}

/// Encoded texts in one. An escaped space, tab or bar is what separates texts in the styles of those
/// names, so no text may hold one there.
fn joined(param: &WireParam, texts: &[String]) -> Result<String, CallError> {
    let (plain, delimiter) = delimiter(param.style);
    let held = |text: &String| text.to_ascii_uppercase().contains(delimiter);
    if texts.iter().any(held) {
        return Err(ambiguous(param, plain));
    }
    Ok(texts.join(delimiter))
}

/// Keys and values in one list, as unexploded objects are written.
fn flat(pairs: Vec<(String, String)>) -> Vec<String> {
    pairs.into_iter().flat_map(|(k, v)| [k, v]).collect()
}

fn bounded(param: &WireParam, text: String) -> Result<String, CallError> {
    if text.len() > HEADER_VALUE_MAX {
        let why = format!("is longer than {HEADER_VALUE_MAX} bytes");
        return Err(refused(param, &why));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
