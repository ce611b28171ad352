//! Values back from a body: JSON, text, bytes, and the fields of forms by their `encoding`
//! (OpenAPI 3.1.1 §4.8.15, WHATWG URL §5.1, RFC 7578, RFC 2046 §5.1).

use serde_json::Value;

use super::{Operation, decode, decode_bytes, essence, is_json};

/// A field of a form.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// As it stood in form-urlencoded text, where commas and bars can still be told apart.
    pub(crate) raw: Option<String>,
}

/// What a body is.
#[derive(Debug)]
pub(crate) enum Body {
    None,
    Json(Value),
    Lines(Vec<Value>),
    Form(Vec<Field>),
    Bytes(Vec<u8>),
}

/// The body, and the media type of the document that it is of.
pub(crate) fn read(
    operation: &Operation,
    content_type: Option<&str>,
    bytes: &[u8],
) -> Result<(Body, Option<usize>), String> {
    let Some(content_type) = content_type else {
        return if bytes.is_empty() {
            Ok((Body::None, None))
        } else {
            Err("a body has no type".to_owned())
        };
    };
    let kind = essence(content_type);
    let covers = |declared: &str| {
        let declared = essence(declared);
        let range = declared.strip_suffix('*').unwrap_or("\n");
        declared == kind || declared == "*/*" || kind.starts_with(range)
    };
    let exact = operation
        .body
        .iter()
        .position(|(declared, _)| essence(declared) == kind);
    let index = exact.or_else(|| {
        operation
            .body
            .iter()
            .position(|(declared, _)| covers(declared))
    });
    let index = index.ok_or_else(|| format!("nobody declared a body of {kind}"))?;
    let text = || std::str::from_utf8(bytes).map_err(|error| format!("the body: {error}"));
    let json = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| format!("{text}: {error}"))
    };
    let body = if is_json(&kind) {
        Body::Json(json(text()?)?)
    } else if ["ndjson", "jsonl", "json-seq", "json-lines"]
        .iter()
        .any(|end| kind.ends_with(end))
    {
        let lines = text()?
            .split(['\n', '\u{1e}'])
            .filter(|line| !line.is_empty());
        Body::Lines(lines.map(json).collect::<Result<_, _>>()?)
    } else if kind == "application/x-www-form-urlencoded" {
        Body::Form(urlencoded(text()?)?)
    } else if kind == "multipart/form-data" {
        let boundary = content_type
            .split_once("boundary=")
            .map(|(_, b)| b.trim_matches('"'));
        Body::Form(multipart(boundary.ok_or("no boundary")?, bytes)?)
    } else {
        Body::Bytes(bytes.to_vec())
    };
    Ok((body, Some(index)))
}

fn urlencoded(text: &str) -> Result<Vec<Field>, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let fields = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok(Field {
            name: decode(name, true).ok_or_else(|| format!("{name} is not UTF-8"))?,
            bytes: decode_bytes(value, true),
            raw: Some(value.to_owned()),
        })
    });
    fields.collect()
}

fn multipart(boundary: &str, bytes: &[u8]) -> Result<Vec<Field>, String> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let all = [b"\r\n", bytes].concat();
    let mut pieces = split(&all, &delimiter).into_iter();
    if pieces.next().is_none_or(|before| !before.is_empty()) {
        return Err("something stands before the first part".to_owned());
    }
    let mut fields = Vec::new();
    let mut closed = false;
    for piece in pieces {
        if closed {
            return Err("a part follows the end".to_owned());
        }
        if piece.starts_with(b"--") {
            closed = true;
            continue;
        }
        let piece = piece
            .strip_prefix(b"\r\n")
            .ok_or("a boundary is not alone in its line")?;
        let end = piece.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, value) = piece.split_at(end.ok_or("a part has no empty line")?);
        fields.push(part(head, value.get(4..).unwrap_or_default())?);
    }
    if closed {
        Ok(fields)
    } else {
        Err("the form has no end".to_owned())
    }
}

fn part(head: &[u8], value: &[u8]) -> Result<Field, String> {
    let head = std::str::from_utf8(head).map_err(|error| error.to_string())?;
    let mut disposition = "";
    for line in head.split("\r\n") {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("{line:?} is no header"))?;
        if name.eq_ignore_ascii_case("content-disposition") {
            disposition = value.trim();
        }
    }
    let rest = disposition
        .strip_prefix("form-data")
        .ok_or("a part is not form-data")?;
    let parameter = |key: &str| {
        let (_, after) = rest.split_once(&format!("; {key}=\""))?;
        let (text, _) = after.split_once('"')?;
        // What browsers escape (WHATWG HTML §4.10.21.8).
        Some(
            text.replace("%22", "\"")
                .replace("%0D", "\r")
                .replace("%0A", "\n"),
        )
    };
    Ok(Field {
        name: parameter("name").ok_or("a part has no name")?,
        bytes: value.to_vec(),
        raw: None,
    })
}

fn split<'b>(bytes: &'b [u8], by: &[u8]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(by.len()).position(|window| window == by) {
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = after.get(by.len()..).unwrap_or_default();
    }
    pieces.push(rest);
    pieces
}
