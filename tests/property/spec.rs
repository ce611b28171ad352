//! What a document says of an operation, read from the specification's side: OpenAPI 3.0.4 §4.7.12,
//! 3.1.1 §4.8.12, 3.2.0 §4.12, Swagger 2.0 "Parameter Object". Nothing here, nor below, is shared with
//! the program: it is the other end of the wire.

use serde_json::{Value, json};

pub(super) mod body;
pub(super) mod request;

/// References that are followed before one is taken for endless.
const REFERENCES: usize = 20;

/// An operation as its caller has to know it.
pub(super) struct Operation {
    pub(super) method: String,
    /// The path template.
    pub(super) path: String,
    pub(super) params: Vec<Param>,
    /// Media types of the body and what is said of each.
    pub(super) body: Vec<(String, Media)>,
    /// From 3.1 on a parameter style counts in `multipart/form-data` too (3.1.1 §4.8.15.1.2).
    pub(super) styled_parts: bool,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Querystring,
    Header,
    Cookie,
}

/// A parameter.
#[derive(Debug, Clone)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) place: Place,
    /// `simple`, `form` and so on; for Swagger also `tsv`.
    pub(super) style: String,
    pub(super) explode: bool,
    pub(super) allow_empty: bool,
    /// The media type of its `content`.
    pub(super) content: Option<String>,
}

/// What is said of a body in one media type.
#[derive(Debug, Clone)]
pub(super) struct Media {
    pub(super) schema: Value,
    pub(super) encoding: Value,
}

/// The target of a reference, or what is no reference; `None` if it leads nowhere here.
pub(super) fn resolve<'d>(document: &'d Value, mut node: &'d Value) -> Option<&'d Value> {
    for _ in 0..REFERENCES {
        let Some(reference) = node.get("$ref").and_then(Value::as_str) else {
            return Some(node);
        };
        let pointer = decode(reference.strip_prefix('#')?, false)?;
        node = document.pointer(&pointer)?;
    }
    None
}

/// The operation at `paths`/`path`/`method`. `None` if a part of it is not in this document.
pub(super) fn operation(document: &Value, path: &str, method: &str) -> Option<Operation> {
    let item = resolve(document, document.get("paths")?.get(path)?)?;
    let own = item.get(method)?;
    let swagger = document.get("swagger").is_some();
    let mut nodes: Vec<&Value> = Vec::new();
    for owner in [own, item] {
        for node in owner
            .get("parameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            nodes.push(resolve(document, node)?);
        }
    }
    let mut found = Operation {
        method: method.to_uppercase(),
        // A fragment is never sent.
        path: path.split('#').next().unwrap_or_default().to_owned(),
        params: Vec::new(),
        body: Vec::new(),
        styled_parts: !swagger && !text(document, "openapi").starts_with("3.0"),
    };
    // The operation's own come first: a later one of the same name and place is overridden.
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut fields: Vec<&Value> = Vec::new();
    for node in nodes {
        let (name, place) = (text(node, "name"), text(node, "in"));
        if seen.contains(&(name, place)) {
            continue;
        }
        seen.push((name, place));
        let place = match place {
            "path" => Place::Path,
            "query" => Place::Query,
            "querystring" => Place::Querystring,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            "formData" => {
                fields.push(node);
                continue;
            }
            "body" => {
                let schema = node.get("schema").cloned().unwrap_or(json!({}));
                let media = Media {
                    schema,
                    encoding: json!({}),
                };
                let types = consumes(document, own, &["application/json"]);
                found
                    .body
                    .extend(types.into_iter().map(|kind| (kind, media.clone())));
                continue;
            }
            _ => return None,
        };
        // A parameter of these names is ignored (OpenAPI 3.1.1 §4.8.12.2).
        let ignored = ["accept", "content-type", "authorization"];
        if place == Place::Header && ignored.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            continue;
        }
        found.params.push(param(node, name, place, swagger));
    }
    if !fields.is_empty() {
        let default = ["application/x-www-form-urlencoded", "multipart/form-data"];
        let media = form(&fields);
        let types = consumes(document, own, &default);
        found
            .body
            .extend(types.into_iter().map(|kind| (kind, media.clone())));
    }
    if let Some(body) = own.get("requestBody") {
        let content = resolve(document, body)?.get("content");
        for (kind, entry) in content.and_then(Value::as_object).into_iter().flatten() {
            let entry = resolve(document, entry)?;
            let schema = entry
                .get("schema")
                .and_then(|schema| resolve(document, schema));
            let schema = schema.cloned().unwrap_or(json!({}));
            let encoding = entry.get("encoding").cloned().unwrap_or(json!({}));
            found.body.push((kind.clone(), Media { schema, encoding }));
        }
    }
    Some(found)
}

fn text<'v>(node: &'v Value, key: &str) -> &'v str {
    node.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn flag(node: &Value, key: &str) -> Option<bool> {
    node.get(key).and_then(Value::as_bool)
}

fn param(node: &Value, name: &str, place: Place, swagger: bool) -> Param {
    let default = match place {
        Place::Path | Place::Header => "simple",
        Place::Query | Place::Querystring | Place::Cookie => "form",
    };
    let mut style = match text(node, "style") {
        "" => default.to_owned(),
        said => said.to_owned(),
    };
    let mut explode = flag(node, "explode").unwrap_or(matches!(&*style, "form" | "cookie"));
    if swagger {
        // `csv` is the default, `multi` is for queries and forms alone.
        (style, explode) = match text(node, "collectionFormat") {
            "multi" => ("form".to_owned(), true),
            "ssv" => ("spaceDelimited".to_owned(), false),
            "tsv" => ("tsv".to_owned(), false),
            "pipes" => ("pipeDelimited".to_owned(), false),
            _ => (default.to_owned(), false),
        };
    }
    let content = node.get("content").and_then(Value::as_object);
    Param {
        name: name.to_owned(),
        place,
        style,
        explode,
        allow_empty: flag(node, "allowEmptyValue").unwrap_or_default(),
        content: content.and_then(|content| content.keys().next().cloned()),
    }
}

/// The media types that an operation of Swagger takes.
fn consumes(document: &Value, operation: &Value, otherwise: &[&str]) -> Vec<String> {
    let said = operation
        .get("consumes")
        .or_else(|| document.get("consumes"));
    let said = said.and_then(Value::as_array).into_iter().flatten();
    let said: Vec<String> = said.filter_map(Value::as_str).map(str::to_owned).collect();
    let default = otherwise.iter().map(|kind| (*kind).to_owned());
    said.into_iter().chain(default).collect()
}

/// The form that parameters of Swagger in `formData` are together, as OpenAPI 3 would say it.
fn form(fields: &[&Value]) -> Media {
    let (mut properties, mut encoding) = (json!({}), json!({}));
    for field in fields {
        let name = text(field, "name");
        properties[name] = (*field).clone();
        if text(field, "type") == "array" {
            let said = param(field, name, Place::Query, true);
            encoding[name] = json!({"style": said.style, "explode": said.explode});
        }
    }
    Media {
        schema: json!({"type": "object", "properties": properties}),
        encoding,
    }
}

/// Percent-decoded text; `None` if it is not UTF-8. In forms and queries `+` is a space.
pub(super) fn decode(text: &str, plus: bool) -> Option<String> {
    String::from_utf8(decode_bytes(text, plus)).ok()
}

/// The same as bytes.
pub(super) fn decode_bytes(text: &str, plus: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escape = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = after;
        match (first, escape) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) if plus => out.push(b' '),
            (byte, _) => out.push(byte),
        }
    }
    out
}

/// Whether a media type is JSON (RFC 6839 §3.1).
pub(super) fn is_json(kind: &str) -> bool {
    let kind = essence(kind);
    kind == "application/json" || kind == "text/json" || kind.ends_with("+json")
}

/// A media type without its parameters, in lower case.
pub(super) fn essence(kind: &str) -> String {
    let first = kind.split(';').next().unwrap_or_default();
    first.trim().to_ascii_lowercase()
}
