//! Parameters in headers: `simple`, and the delimiters of 2.0, and nothing encoded, since a header has no escape.

use serde_json::Value;

use super::{Parts, ambiguous, bounded, delimiter, flat, parts, refused};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{ParamContent, Style, WireParam};

/// The value of a header parameter. `None` if there is nothing to send.
pub(in super::super) fn header(
    param: &WireParam,
    value: &Value,
) -> Result<Option<String>, CallError> {
    let text = match parts(param, value)? {
        Parts::Nothing => return Ok(None),
        Parts::One(text) if param.content == Some(ParamContent::Json) => ascii(&text),
        Parts::One(text) => text,
        Parts::List(list) => joined(param, &list)?,
        Parts::Pairs(pairs) if param.explode => {
            if pairs.iter().any(|(key, _)| key.contains('=')) {
                return Err(ambiguous(param, "="));
            }
            let pairs = pairs.iter().map(|(k, v)| format!("{k}={v}"));
            joined(param, &pairs.collect::<Vec<_>>())?
        }
        Parts::Pairs(pairs) => joined(param, &flat(pairs))?,
    };
    // Visible ASCII and inner spaces, nothing that could end the header (RFC 9110 §5.5).
    let tab = param.style == Style::TabDelimited;
    let carried = |b: u8| matches!(b, b' '..=b'~') || (b == b'\t' && tab);
    if !text.bytes().all(carried) || text.trim() != text {
        return Err(
            refused(param, "holds a character that a header cannot carry")
                .hint("send printable ASCII without spaces at the ends"),
        );
    }
    bounded(param, text).map(Some)
}

/// Receivers split at commas and drop the spaces around them (RFC 9110 §5.6.1).
fn joined(param: &WireParam, texts: &[String]) -> Result<String, CallError> {
    let (delimiter, _) = delimiter(param.style);
    if texts.iter().any(|text| text.contains(delimiter)) {
        return Err(ambiguous(param, delimiter));
    }
    if texts.iter().any(|text| text.trim() != text) {
        let why = "has an element with a space at its end, which a header loses";
        return Err(refused(param, why));
    }
    Ok(texts.join(delimiter))
}

/// JSON text in ASCII: what is not is in escapes (RFC 8259 §7).
fn ascii(json: &str) -> String {
    let mut text = String::new();
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}
