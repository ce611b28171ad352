//! Parameters of a path: `simple`, `label` and `matrix`, and what 2.0 has, in a segment or, where the template has a
//! query, in that.

use percent_encoding::AsciiSet;
use serde_json::Value;

use super::super::guard::{self, Unsafe};
use super::{Parts, STRICT, ambiguous, encode, flat, joined, parts, refused, reserved};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Style, WireParam};

/// Longest path value, in bytes.
const PATH_VALUE_MAX: usize = 2_048;

/// What `allowReserved` still encodes between the delimiters of a style: besides what may not be in a
/// segment, `;`, which ends it for some servers, and the delimiters (RFC 3986 §3.3).
const RESERVED_PART: &AsciiSet = &STRICT
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+');

/// The same in a value that is not split.
const RESERVED_WHOLE: &AsciiSet = &RESERVED_PART.remove(b',').remove(b'=');

/// Encodes one text of a value; the flag says whether it is one of several.
type Piece<'a> = &'a dyn Fn(&str, bool) -> Result<String, CallError>;

/// The value of a path parameter as it stands in its segment.
pub(in super::super) fn path(param: &WireParam, value: &Value) -> Result<String, CallError> {
    expand(param, value, &|text, part| {
        safe(param, text)?;
        Ok(match (param.allow_reserved, part) {
            (false, _) => encode(text),
            (true, true) => reserved(text, RESERVED_PART),
            (true, false) => reserved(text, RESERVED_WHOLE),
        })
    })
}

/// The value of a path parameter whose placeholder is in the query of the template: any text.
pub(in super::super) fn slot(param: &WireParam, value: &Value) -> Result<String, CallError> {
    expand(param, value, &|text, _| Ok(encode(text)))
}

fn expand(param: &WireParam, value: &Value, piece: Piece<'_>) -> Result<String, CallError> {
    let name = encode(&param.name);
    let (texts, exploded) = match parts(param, value)? {
        // An empty value would make the segment empty: the encoder says so.
        Parts::Nothing => return piece("", false),
        Parts::One(text) => {
            let text = piece(&text, false)?;
            return Ok(match param.style {
                Style::Label => format!(".{text}"),
                Style::Matrix => format!(";{name}={text}"),
                _ => text,
            });
        }
        Parts::List(list) => {
            let texts: Result<Vec<_>, _> = list.iter().map(|t| element(param, t, piece)).collect();
            (texts?, param.explode.then_some(format!(";{name}=")))
        }
        Parts::Pairs(pairs) if param.explode => {
            let pairs = pairs.iter().map(|(key, text)| {
                let (key, text) = (element(param, key, piece)?, element(param, text, piece)?);
                Ok(format!("{key}={text}"))
            });
            let pairs: Result<Vec<_>, CallError> = pairs.collect();
            (pairs?, Some(";".to_owned()))
        }
        Parts::Pairs(pairs) => {
            let texts = flat(pairs);
            let texts: Result<Vec<_>, _> = texts.iter().map(|t| element(param, t, piece)).collect();
            (texts?, None)
        }
    };
    Ok(match (param.style, exploded) {
        (Style::Label, Some(_)) => format!(".{}", texts.join(".")),
        (Style::Label, None) => format!(".{}", texts.join(",")),
        (Style::Matrix, Some(start)) => format!("{start}{}", texts.join(&start)),
        (Style::Matrix, None) => format!(";{name}={}", texts.join(",")),
        _ => joined(param, &texts)?,
    })
}

/// One of several texts. A dot cannot be escaped (RFC 3986 §2.3), so it cannot be in one where dots
/// separate them.
fn element(param: &WireParam, text: &str, piece: Piece<'_>) -> Result<String, CallError> {
    let text = piece(text, true)?;
    if param.style == Style::Label
        && param.explode
        && (text.contains('.') || text.to_ascii_lowercase().contains("%2e"))
    {
        return Err(ambiguous(param, "."));
    }
    Ok(text)
}

/// Whatever a server, proxy or framework on the way might read as more than one segment, or as a dot
/// segment, is refused: percent-encoding does not help, since some decode first and then resolve dots.
fn safe(param: &WireParam, text: &str) -> Result<(), CallError> {
    if text.len() > PATH_VALUE_MAX {
        let why = format!("is longer than {PATH_VALUE_MAX} bytes");
        return Err(refused(param, &why));
    }
    let slashless = "give the value of one path segment, without slashes";
    // A slash that is sent as `%2F` may be decoded on the way: each part has to stand as a segment.
    let found = match param.slash {
        true => text.split('/').find_map(guard::path_text),
        false => guard::path_text(text),
    };
    let (why, hint) = match found {
        None => return Ok(()),
        Some(Unsafe::Empty) if param.slash => (
            "is empty, or has nothing before, between or after slashes",
            "give a value with something on both sides of each `/`",
        ),
        Some(Unsafe::Dots) if param.slash => (
            "has a dot segment",
            "give a value without `.` and `..` between slashes",
        ),
        Some(Unsafe::Separator) if param.slash => (
            "holds `\\`, an encoded slash or a control character",
            "write slashes as `/`",
        ),
        Some(Unsafe::Empty) => ("is empty", "give the value of one path segment"),
        Some(Unsafe::Dots) => ("is a dot segment", "give the value of one path segment"),
        Some(Unsafe::Separator) => ("holds `/`, `\\` or a control character", slashless),
        Some(Unsafe::NotUtf8) => ("holds escapes that are not UTF-8", slashless),
    };
    Err(refused(param, why).hint(hint))
}
