//! Parameters of a query: `form`, `spaceDelimited`, `pipeDelimited`, `deepObject`, and the query
//! string as a whole.

use percent_encoding::{AsciiSet, CONTROLS};
use serde_json::Value;

use super::{Parts, deep, encode, flat, joined, parts, reserved, unsupported};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{ParamContent, Place, Style, WireParam};

/// What `allowReserved` still encodes in a query: what ends it, separates its pairs, or is not
/// allowed there (RFC 3986 §3.4). Some servers end a pair at `;` too. What is escaped already stays.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'\'')
    .add(b';')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same for one of several texts that commas separate, and in a cookie (RFC 6265 §4.1.1).
const RESERVED_PART: &AsciiSet = &RESERVED.add(b',');

/// A text of a value, encoded; `part` says whether it is one of several.
pub(super) fn value_text(param: &WireParam, text: &str, part: bool) -> String {
    if !param.allow_reserved {
        return encode(text);
    }
    let part = part || param.place == Place::Cookie;
    let set = if part { RESERVED_PART } else { RESERVED };
    reserved(text, set)
}

/// The pairs of a query parameter, or of a cookie in `form` style, encoded.
pub(in super::super) fn query(
    param: &WireParam,
    value: &Value,
) -> Result<Vec<(String, String)>, CallError> {
    if param.content.is_none() && matches!(param.style, Style::DeepBrackets | Style::DeepIndices) {
        return deep::pairs(param, value);
    }
    let name = encode(&param.name);
    let whole = |text: &str| value_text(param, text, false);
    let several = |texts: &[String]| {
        let texts = texts.iter().map(|text| value_text(param, text, true));
        joined(param, &texts.collect::<Vec<_>>())
    };
    Ok(match (parts(param, value)?, param.style, param.explode) {
        (Parts::Nothing, Style::Form, _) if param.allow_empty => vec![(name, String::new())],
        (Parts::Nothing, ..) => Vec::new(),
        (Parts::One(text), ..) => vec![(name, whole(&text))],
        (Parts::List(_), Style::DeepObject, _) => {
            let hint = "send an object with plain values";
            return Err(unsupported(param, "a list").hint(hint));
        }
        (Parts::List(list), _, true) => {
            let texts = list.iter().map(|text| (name.clone(), whole(text)));
            texts.collect()
        }
        (Parts::List(list), _, false) => vec![(name, several(&list)?)],
        (Parts::Pairs(pairs), Style::DeepObject, _) => {
            let pair = |(key, text): &(String, String)| {
                deep::key(param, key)?;
                Ok((format!("{name}%5B{}%5D", encode(key)), whole(text)))
            };
            pairs.iter().map(pair).collect::<Result<_, CallError>>()?
        }
        (Parts::Pairs(pairs), _, true) => {
            pairs.iter().map(|(k, v)| (encode(k), whole(v))).collect()
        }
        (Parts::Pairs(pairs), _, false) => vec![(name, several(&flat(pairs))?)],
    })
}

/// The whole query string (OpenAPI 3.2.0 §4.12.1): a form as it is, any other content
/// percent-encoded.
pub(in super::super) fn querystring(param: &WireParam, value: &Value) -> Result<String, CallError> {
    Ok(match parts(param, value)? {
        Parts::One(text) if param.content == Some(ParamContent::Form) => text,
        Parts::One(text) => encode(&text),
        _ => String::new(),
    })
}
