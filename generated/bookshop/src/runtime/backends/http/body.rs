//! Checked arguments become the bytes of a request body. Pure: no I/O, no clock.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{guard, wire};
use crate::runtime::args::Args;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{BodyContent, BodyFormat, WireBody};
use crate::runtime::media;

mod field;
mod file;
mod multipart;

/// Most bytes of a body as they are sent.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// A body as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Encoded {
    pub(super) content_type: String,
    pub(super) bytes: Vec<u8>,
    /// Names of form fields that arguments chose.
    pub(super) chosen: Vec<String>,
}

/// The body of a request by this method; `None` if no argument of it was given and so there is none.
///
/// # Errors
///
/// A value cannot be written in the body's media type, or the body would be too large.
pub(super) fn encode(
    method: &str,
    body: &WireBody,
    args: &Args,
) -> Result<Option<Encoded>, CallError> {
    let Some(value) = value(body, args) else {
        return Ok(None);
    };
    for (name, value) in value.as_object().into_iter().flatten() {
        if guard::raises_method(method, name, value) {
            return Err(refused(&format!("`{name}` asks for another method")));
        }
    }
    let plain = |bytes: Vec<u8>| Encoded {
        content_type: body.content_type.clone(),
        bytes,
        chosen: Vec::new(),
    };
    let encoded = match body.format {
        BodyFormat::Json => plain(value.to_string().into_bytes()),
        BodyFormat::Lines => plain(lines(&body.content_type, &value).into_bytes()),
        BodyFormat::Form => {
            let fields = field::fields(method, body, object(&value)?)?;
            let chosen = field::chosen(&fields);
            let encoded = plain(form(&fields).into_bytes());
            Encoded { chosen, ..encoded }
        }
        BodyFormat::Multipart => {
            let fields = field::fields(method, body, object(&value)?)?;
            multipart::encode(&body.content_type, &fields)?
        }
        BodyFormat::Text => plain(text(&value).into_bytes()),
        BodyFormat::Binary => binary(body, &value)?,
    };
    bounded(encoded).map(Some)
}

fn bounded(encoded: Encoded) -> Result<Encoded, CallError> {
    if encoded.bytes.len() > BODY_MAX {
        let found = refused(&format!("the body is larger than {BODY_MAX} bytes"));
        return Err(found.hint("send less at once"));
    }
    Ok(encoded)
}

/// What the arguments of the body are together.
fn value(body: &WireBody, args: &Args) -> Option<Value> {
    match &body.content {
        BodyContent::Whole(arg) => args.get(arg).cloned(),
        BodyContent::Properties(properties) => {
            let mut object = Map::new();
            for (arg, property) in properties {
                if let Some(value) = args.get(arg) {
                    object.insert(property.clone(), value.clone());
                }
            }
            (!object.is_empty() || body.required).then_some(Value::Object(object))
        }
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, CallError> {
    value.as_object().ok_or_else(|| {
        CallError::new(
            "unsupported_value",
            "a form is an object with its fields; nothing was sent",
        )
        .hint("give the body as a JSON object")
    })
}

/// A value that is not sent.
fn refused(why: &str) -> CallError {
    CallError::new("refused_value", format!("{why}; nothing was sent"))
}

/// The text that a value is where text is sent.
fn text(value: &Value) -> String {
    wire::scalar(value).unwrap_or_else(|| value.to_string())
}

/// A JSON text for each item of a list, ended by a line feed; text that is one already stays as it is.
fn lines(content_type: &str, value: &Value) -> String {
    let separator = if media::is_separated(content_type) {
        "\u{1e}"
    } else {
        ""
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let lines = items.iter().map(|item| format!("{separator}{item}\n"));
            lines.collect::<Vec<_>>().concat()
        }
        one => format!("{separator}{one}\n"),
    }
}

/// The form of an object that no `encoding` is for, as the text of a parameter.
pub(super) fn form_text(object: &Map<String, Value>) -> Result<String, CallError> {
    let body = WireBody {
        content_type: "application/x-www-form-urlencoded".to_owned(),
        also: Vec::new(),
        format: BodyFormat::Form,
        required: false,
        content: BodyContent::Whole(String::new()),
        parts: IndexMap::new(),
    };
    Ok(form(&field::fields("", &body, object)?))
}

/// `application/x-www-form-urlencoded` (WHATWG URL §5.2). Fields in a parameter style come encoded.
fn form(fields: &[field::Field<'_>]) -> String {
    let mut text = String::new();
    for field in fields {
        if !text.is_empty() {
            text.push('&');
        }
        if let Some((name, value)) = &field.encoded {
            text.push_str(&format!("{name}={value}"));
            continue;
        }
        text.extend(url::form_urlencoded::byte_serialize(field.name.as_bytes()));
        text.push('=');
        text.extend(url::form_urlencoded::byte_serialize(&field.value));
    }
    text
}

/// The bytes of a binary body. A data URI may say which of the declared media types they have.
fn binary(body: &WireBody, value: &Value) -> Result<Encoded, CallError> {
    let types: Vec<&str> = std::iter::once(&body.content_type)
        .chain(&body.also)
        .map(String::as_str)
        .collect();
    let file = file::read("the body", value.as_str().unwrap_or_default(), &types)?;
    Ok(Encoded {
        content_type: file.content_type,
        bytes: file.bytes,
        chosen: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_json() {
        let list = serde_json::json!([{"a": 1}, null, "x"]);
        for (content_type, value, want) in [
            ("application/x-ndjson", &list, "{\"a\":1}\nnull\n\"x\"\n"),
            (
                "application/json-seq",
                &list,
                "\u{1e}{\"a\":1}\n\u{1e}null\n\u{1e}\"x\"\n",
            ),
            ("application/jsonl", &"{}\n{}\n".into(), "{}\n{}\n"),
            ("application/jsonl", &1.into(), "1\n"),
        ] {
            assert_eq!(lines(content_type, value), want);
        }
    }

    #[test]
    fn a_body_is_bounded() {
        let of = |length| Encoded {
            content_type: "text/plain".to_owned(),
            bytes: vec![b'x'; length],
            chosen: Vec::new(),
        };
        assert!(bounded(of(BODY_MAX)).is_ok() && bounded(of(BODY_MAX + 1)).is_err());
    }
}
