//! How values are written: the parameter styles of OpenAPI 3.1.1 §4.8.12.3 and their percent-encoding
//! (RFC 3986). Numbers are written as they were given.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::runtime::error::CallError;
use crate::runtime::manifest::{Style, WireParam};

/// All but the unreserved characters (RFC 3986 §2.3).
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What `allowReserved` still encodes in a query: what ends it, separates its pairs, or is not
/// allowed there (RFC 3986 §3.4). Some servers end a pair at `;` too.
const RESERVED_QUERY: &AsciiSet = &CONTROLS
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

/// Text with everything but unreserved characters percent-encoded.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// Encodes one text of a value.
type Encode<'a> = &'a dyn Fn(&str) -> Result<String, CallError>;

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

fn nested(param: &WireParam) -> CallError {
    CallError::new(
        "unsupported_value",
        format!("argument `{}`: a list or object inside a list or object cannot be sent in a {} parameter", param.arg, param.place.as_str()),
    )
    .hint("send plain values inside the list or object")
}

fn parts(param: &WireParam, value: &Value) -> Result<Parts, CallError> {
    if param.json {
        return Ok(Parts::One(value.to_string()));
    }
    let text = |value: &Value| match value {
        Value::Array(_) | Value::Object(_) => Err(nested(param)),
        value => Ok(scalar(value)),
    };
    Ok(match value {
        Value::Null => Parts::Nothing,
        Value::Array(items) => {
            let texts: Result<Vec<_>, _> = items.iter().map(text).collect();
            Parts::List(texts?.into_iter().flatten().collect())
        }
        Value::Object(object) => {
            let mut pairs = Vec::new();
            for (key, value) in object {
                if let Some(text) = text(value)? {
                    pairs.push((key.clone(), text));
                }
            }
            Parts::Pairs(pairs)
        }
        scalar_value => scalar(scalar_value).map_or(Parts::Nothing, Parts::One),
    })
}

/// The value of a path parameter, as it stands in the path: `simple`, `label` or `matrix`.
/// `piece` encodes one text and refuses what may not be in a path.
pub(super) fn path(
    param: &WireParam,
    value: &Value,
    piece: Encode<'_>,
) -> Result<String, CallError> {
    let name = encode(&param.name);
    let prefixed = |text: String| match param.style {
        Style::Label => format!(".{text}"),
        Style::Matrix if text.is_empty() => format!(";{name}"),
        Style::Matrix => format!(";{name}={text}"),
        _ => text,
    };
    let parts = parts(param, value)?;
    if let Parts::Pairs(pairs) = &parts
        && param.explode
    {
        let pairs = pairs
            .iter()
            .map(|(k, v)| Ok(format!("{}={}", piece(k)?, piece(v)?)));
        let pairs = pairs.collect::<Result<Vec<_>, CallError>>()?;
        return Ok(match param.style {
            Style::Label => format!(".{}", pairs.join(".")),
            Style::Matrix => format!(";{}", pairs.join(";")),
            _ => pairs.join(","),
        });
    }
    let texts = match parts {
        Parts::One(text) => return Ok(prefixed(piece(&text)?)),
        Parts::Nothing => Vec::new(),
        Parts::List(list) => list,
        Parts::Pairs(pairs) => pairs.into_iter().flat_map(|(k, v)| [k, v]).collect(),
    };
    if texts.is_empty() {
        // An empty value would make the segment empty: the piece encoder says so.
        return piece("");
    }
    let texts = texts
        .iter()
        .map(|text| piece(text))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match (param.style, param.explode) {
        (Style::Label, true) => format!(".{}", texts.join(".")),
        (Style::Matrix, true) => format!(";{name}={}", texts.join(&format!(";{name}="))),
        (Style::SpaceDelimited, _) => texts.join("%20"),
        (Style::PipeDelimited, _) => texts.join("%7C"),
        (Style::TabDelimited, _) => texts.join("%09"),
        _ => prefixed(texts.join(",")),
    })
}

/// The pairs of a query parameter, encoded: `form`, `spaceDelimited`, `pipeDelimited`, `deepObject`.
pub(super) fn query(param: &WireParam, value: &Value) -> Result<Vec<(String, String)>, CallError> {
    let encoded = |text: &str| {
        if param.allow_reserved {
            utf8_percent_encode(text, RESERVED_QUERY).to_string()
        } else {
            encode(text)
        }
    };
    let name = encode(&param.name);
    let delimiter = match param.style {
        Style::SpaceDelimited => "%20",
        Style::PipeDelimited => "%7C",
        Style::TabDelimited => "%09",
        _ => ",",
    };
    Ok(match (parts(param, value)?, param.style, param.explode) {
        (Parts::Nothing, ..) => Vec::new(),
        (Parts::One(text), ..) => vec![(name, encoded(&text))],
        (Parts::List(_), Style::DeepObject, _) => return Err(nested(param)),
        (Parts::List(list), _, true) => list
            .iter()
            .map(|text| (name.clone(), encoded(text)))
            .collect(),
        // An empty list is undefined, not empty (RFC 6570 §2.3).
        (Parts::List(list), ..) if list.is_empty() => Vec::new(),
        (Parts::List(list), _, false) => vec![(name, joined(&list, delimiter, &encoded))],
        (Parts::Pairs(pairs), Style::DeepObject, _) => pairs
            .iter()
            .map(|(key, text)| (format!("{name}%5B{}%5D", encode(key)), encoded(text)))
            .collect(),
        (Parts::Pairs(pairs), _, true) => {
            pairs.iter().map(|(k, v)| (encode(k), encoded(v))).collect()
        }
        (Parts::Pairs(pairs), ..) if pairs.is_empty() => Vec::new(),
        (Parts::Pairs(pairs), _, false) => {
            let flat: Vec<String> = pairs.into_iter().flat_map(|(k, v)| [k, v]).collect();
            vec![(name, joined(&flat, delimiter, &encoded))]
        }
    })
}

fn joined(texts: &[String], delimiter: &str, encode: &dyn Fn(&str) -> String) -> String {
    texts
        .iter()
        .map(|text| encode(text))
        .collect::<Vec<_>>()
        .join(delimiter)
}

/// The value of a header parameter, not encoded: a header has no escape. `None` if there
/// is nothing to send.
pub(super) fn header(param: &WireParam, value: &Value) -> Result<Option<String>, CallError> {
    Ok(match parts(param, value)? {
        Parts::Nothing => None,
        Parts::One(text) => Some(text),
        Parts::List(list) => Some(list.join(match param.style {
            Style::SpaceDelimited => " ",
            Style::PipeDelimited => "|",
            Style::TabDelimited => "\t",
            _ => ",",
        })),
        Parts::Pairs(pairs) if param.explode => Some(
            pairs
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect::<Vec<_>>()
                .join(","),
        ),
        Parts::Pairs(pairs) => Some(
            pairs
                .into_iter()
                .flat_map(|(k, v)| [k, v])
                .collect::<Vec<_>>()
                .join(","),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::manifest::Place;
    use serde_json::json;

    fn param(place: Place, style: Style, explode: bool) -> WireParam {
        WireParam {
            arg: "color".into(),
            name: "color".into(),
            place,
            style,
            explode,
            allow_reserved: false,
            json: false,
        }
    }

    fn piece(text: &str) -> Result<String, CallError> {
        if text.is_empty() {
            Err(CallError::new("empty", ""))
        } else {
            Ok(encode(text))
        }
    }

    /// The rows of OpenAPI 3.1.1 §4.8.12.4, "Style Examples".
    #[test]
    fn the_table_of_the_specification() {
        let list = json!(["blue", "black", "brown"]);
        let object = json!({"R": 100, "G": 200, "B": 150});
        let one = json!("blue");
        for (style, explode, value, want) in [
            (Style::Matrix, false, &one, ";color=blue"),
            (Style::Matrix, false, &list, ";color=blue,black,brown"),
            (Style::Matrix, false, &object, ";color=R,100,G,200,B,150"),
            (
                Style::Matrix,
                true,
                &list,
                ";color=blue;color=black;color=brown",
            ),
            (Style::Matrix, true, &object, ";R=100;G=200;B=150"),
            (Style::Label, false, &one, ".blue"),
            (Style::Label, false, &list, ".blue,black,brown"),
            (Style::Label, false, &object, ".R,100,G,200,B,150"),
            (Style::Label, true, &list, ".blue.black.brown"),
            (Style::Label, true, &object, ".R=100.G=200.B=150"),
            (Style::Simple, false, &one, "blue"),
            (Style::Simple, false, &list, "blue,black,brown"),
            (Style::Simple, false, &object, "R,100,G,200,B,150"),
            (Style::Simple, true, &list, "blue,black,brown"),
            (Style::Simple, true, &object, "R=100,G=200,B=150"),
        ] {
            assert_eq!(
                path(&param(Place::Path, style, explode), value, &piece).unwrap(),
                want
            );
        }
        for (style, explode, value, want) in [
            (Style::Form, false, &one, "color=blue"),
            (Style::Form, false, &json!(""), "color="),
            (Style::Form, false, &list, "color=blue,black,brown"),
            (Style::Form, false, &object, "color=R,100,G,200,B,150"),
            (
                Style::Form,
                true,
                &list,
                "color=blue&color=black&color=brown",
            ),
            (Style::Form, true, &object, "R=100&G=200&B=150"),
            (
                Style::SpaceDelimited,
                false,
                &list,
                "color=blue%20black%20brown",
            ),
            (
                Style::SpaceDelimited,
                false,
                &object,
                "color=R%20100%20G%20200%20B%20150",
            ),
            (
                Style::PipeDelimited,
                false,
                &list,
                "color=blue%7Cblack%7Cbrown",
            ),
            (
                Style::DeepObject,
                true,
                &object,
                "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150",
            ),
        ] {
            let pairs = query(&param(Place::Query, style, explode), value).unwrap();
            let text: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
            assert_eq!(text.join("&"), want);
        }
        for (explode, value, want) in [
            (false, &list, "blue,black,brown"),
            (true, &object, "R=100,G=200,B=150"),
            (false, &object, "R,100,G,200,B,150"),
        ] {
            assert_eq!(
                header(&param(Place::Header, Style::Simple, explode), value)
                    .unwrap()
                    .unwrap(),
                want
            );
        }
    }

    #[test]
    fn one_key_and_the_exact_value() {
        let form = param(Place::Query, Style::Form, true);
        for (value, want) in [
            (json!("a&admin=true"), "a%26admin%3Dtrue"),
            (json!("a#b"), "a%23b"),
            (json!("a;b"), "a%3Bb"),
            (json!("%26"), "%2526"),
            (json!("ä é+ "), "%C3%A4%20%C3%A9%2B%20"),
            (serde_json::from_str("100.10").unwrap(), "100.10"),
            (
                serde_json::from_str("123456789012345678901234567890").unwrap(),
                "123456789012345678901234567890",
            ),
        ] {
            assert_eq!(
                query(&form, &value).unwrap(),
                [("color".to_owned(), want.to_owned())]
            );
        }
        let deep = param(Place::Query, Style::DeepObject, true);
        let pairs = query(&deep, &json!({"x][y]": "1"})).unwrap();
        assert_eq!(
            pairs,
            [("color%5Bx%5D%5By%5D%5D".to_owned(), "1".to_owned())]
        );
        assert!(query(&deep, &json!({"a": {"b": 1}})).is_err());
        let reserved = WireParam {
            allow_reserved: true,
            ..form
        };
        assert_eq!(
            query(&reserved, &json!("a/b?c=d&e#f")).unwrap()[0].1,
            "a/b?c=d%26e%23f"
        );
    }
}
