//! Parameters in cookies: `form`, percent-encoded, and `cookie`, in which nothing is escaped.

use serde_json::Value;

use super::{Parts, bounded, flat, parts, query, refused};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{ParamContent, Style, WireParam};

/// The cookies of a parameter, as name and value.
pub(in super::super) fn cookies(
    param: &WireParam,
    value: &Value,
) -> Result<Vec<(String, String)>, CallError> {
    let plain = match param.content {
        None => param.style == Style::Cookie,
        Some(content) => content == ParamContent::Text,
    };
    let pairs = if plain {
        unescaped(param, value)?
    } else {
        query(param, value)?
    };
    for (_, text) in &pairs {
        bounded(param, text.clone())?;
    }
    Ok(pairs)
}

/// Names and values as they are (OpenAPI 3.2.0 §4.12.3); what the header could not carry is refused.
fn unescaped(param: &WireParam, value: &Value) -> Result<Vec<(String, String)>, CallError> {
    let name = || param.name.clone();
    let checked = |texts: Vec<String>| {
        let bad = texts.iter().any(|text| !text.bytes().all(octet));
        if bad {
            Err(unsendable(param))
        } else {
            Ok(texts)
        }
    };
    Ok(match (parts(param, value)?, param.explode) {
        (Parts::Nothing, _) => Vec::new(),
        (Parts::One(text), _) => vec![(name(), checked(vec![text])?.concat())],
        (Parts::List(list), true) => {
            let texts = checked(list)?.into_iter();
            texts.map(|text| (name(), text)).collect()
        }
        (Parts::Pairs(pairs), true) => {
            checked(pairs.iter().map(|(_, text)| text.clone()).collect())?;
            if !pairs.iter().all(|(key, _)| is_token(key)) {
                return Err(unsendable(param));
            }
            pairs
        }
        (Parts::List(list), false) => vec![(name(), checked(list)?.join(","))],
        (Parts::Pairs(pairs), false) => vec![(name(), checked(flat(pairs))?.join(","))],
    })
}

fn unsendable(param: &WireParam) -> CallError {
    refused(param, "holds a character that a cookie cannot carry").hint(
        "send ASCII without spaces, quotes, commas, semicolons and backslashes, escaped as the API expects it",
    )
}

/// What may be in a cookie's value (RFC 6265 §4.1.1).
fn octet(b: u8) -> bool {
    matches!(b, b'!' | b'#'..=b'+' | b'-'..=b':' | b'<'..=b'[' | b']'..=b'~')
}

/// What may be a cookie's name (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let char = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(char)
}
