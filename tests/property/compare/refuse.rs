//! When a value may be refused instead of sent.

use serde_json::Value;

use super::super::spec::{Operation, Param, Place, decode_bytes, is_json};
use super::{Given, compound, expected, scalar};

/// Why a call may be refused before anything is sent: what the place of a value cannot carry.
pub(in super::super) fn reason(operation: &Operation, given: &Given<'_>) -> Option<&'static str> {
    let of_params = operation.params.iter().zip(&given.params);
    let mut params = of_params.filter_map(|(param, value)| value.map(|value| (param, value)));
    let of_param = |(param, value): (&Param, &Value)| {
        let hard = match param.place {
            Place::Path => hard_in_path(param, value),
            Place::Header => hard_in_header(param, value),
            Place::Query | Place::Cookie | Place::Querystring => {
                hard_in_pairs(operation, param, value)
            }
        };
        if expected(param, Some(value)).is_none() {
            Some("refused: no cell of the table")
        } else if asks_for_a_method(&param.name) {
            Some("refused: another method")
        } else {
            hard.then_some(match param.place {
                Place::Path => "refused: a path cannot carry it",
                Place::Header => "refused: a header cannot carry it",
                _ => "refused: two things of one name, or a delimiter",
            })
        }
    };
    let of_body = || may_refuse_body(operation, given).then_some("refused: in a form or file");
    params.find_map(of_param).or_else(of_body)
}

fn asks_for_a_method(name: &str) -> bool {
    name.to_ascii_lowercase().contains("method")
}

/// All texts of a value, the keys of objects among them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(object) => object
            .iter()
            .filter(|(_, value)| !value.is_null())
            .flat_map(|(key, value)| [vec![key.clone()], texts(value)].concat())
            .collect(),
        value => scalar(value).into_iter().collect(),
    }
}

/// A segment that is empty, has dots alone, or is read as several once it is decoded.
fn hard_in_path(param: &Param, value: &Value) -> bool {
    let texts = if param.content.is_some() {
        vec![value.to_string()]
    } else {
        texts(value)
    };
    let dots = param.style == "label" && param.explode && compound(value);
    texts.is_empty()
        || texts.iter().any(|text| {
            let mut bytes = text.clone().into_bytes();
            let mut bad = text.len() > 2_048 || (dots && text.contains('.'));
            for _ in 0..4 {
                let Ok(seen) = String::from_utf8(bytes) else {
                    return true;
                };
                let bare = seen.split(';').next().unwrap_or_default().trim();
                bad |= bare.is_empty() || matches!(bare, "." | "..");
                bad |= seen.contains(['/', '\\']) || seen.chars().any(char::is_control);
                bytes = decode_bytes(&seen, false);
            }
            bad
        })
}

/// A header has no escapes (3.1.1 Appendix D).
fn hard_in_header(param: &Param, value: &Value) -> bool {
    let json = param.content.as_deref().is_some_and(is_json);
    let several = compound(value) && param.content.is_none();
    !json
        && texts(value).iter().any(|text| {
            !text.bytes().all(|b| matches!(b, b' '..=b'~'))
                || text.trim() != text
                || (several && text.contains([',', '=']))
        })
}

fn hard_in_pairs(operation: &Operation, param: &Param, value: &Value) -> bool {
    let bare = |name: &str| -> String {
        let name = name.split('[').next().unwrap_or_default();
        let plain = name.chars().filter(|c| c.is_alphanumeric());
        plain.flat_map(char::to_lowercase).collect()
    };
    let spread = match (&param.content, param.place) {
        (_, Place::Querystring) => true,
        (content, _) => content.is_none() && param.explode && param.style != "deepObject",
    };
    let keys: Vec<&String> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .collect();
    let fixed = operation
        .path
        .split_once('?')
        .map_or("", |(_, query)| query);
    let taken = |key: &str| {
        let mut others = operation
            .params
            .iter()
            .filter(|other| other.place == param.place);
        let mut fixed = fixed
            .split('&')
            .map(|pair| pair.split('=').next().unwrap_or_default());
        key.trim().is_empty()
            || asks_for_a_method(key)
            || others.any(|other| other.name != key && bare(&other.name) == bare(key))
            || others.any(|other| other.name == key && other.name != param.name)
            || fixed.any(|name| bare(name) == bare(key))
    };
    let texts = texts(value);
    let held =
        |c: char| compound(value) && !param.explode && texts.iter().any(|text| text.contains(c));
    (spread && keys.iter().any(|key| taken(key)))
        || match &*param.style {
            "spaceDelimited" => held(' '),
            "pipeDelimited" => held('|'),
            "tsv" => held('\t'),
            "deepObject" => keys.iter().any(|key| key.contains(['[', ']'])),
            "cookie" => true,
            _ => false,
        }
}

/// Fields of a form can be files, which are base64, and cannot hold lists and objects in every style;
/// the rows of `tests/wire/body.yaml` say which.
fn may_refuse_body(operation: &Operation, given: &Given<'_>) -> bool {
    let other = operation.body.iter().any(|(kind, _)| !is_json(kind));
    given.body.iter().any(|(name, value)| {
        let texts = texts(value);
        let file = texts.iter().any(|text| !is_base64(text));
        asks_for_a_method(name) || (other && (compound(value) || file))
    })
}

fn is_base64(text: &str) -> bool {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text).is_ok()
}
