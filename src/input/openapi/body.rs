//! Request bodies: which of the offered media types is sent, and what its content looks like.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::method::takes_body;
use super::node::Node;
use super::operation::OperationReader;
use crate::catalog::Body;
use crate::diag::{Code, Diagnostic};
use crate::runtime::manifest::BodyFormat;
use crate::runtime::media::{self, essence};

mod files;
mod part;

/// Media types of bytes that are often sent.
const BYTES: [&str; 4] = [
    "application/octet-stream",
    "application/zip",
    "application/gzip",
    "application/pdf",
];
const BYTES_BELOW: [&str; 3] = ["image/", "audio/", "video/"];

/// Ranks of media types: what is lower is sent rather.
const MULTIPART: u8 = 5;
const ANYTHING: u8 = 6;
/// Of a media type that only its schema tells to be bytes.
const OTHER_BYTES: u8 = 10;
/// Of what would have to hold files, beside a form that has room for them.
const CRAMPED: u8 = 11;

/// How a media type is written, with its rank among several: JSON first. `None` if it is not
/// supported, whatever its schema.
fn format(media_type: &str) -> Option<(u8, BodyFormat)> {
    let charset = media::parameter(media_type, "charset");
    let unicode = charset.is_none_or(|c| ["utf-8", "utf8", "us-ascii"].contains(&c.as_str()));
    if !unicode || !media_type.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return None;
    }
    let essence = essence(media_type);
    let name = essence.as_str();
    Some(match name {
        "application/json" => (0, BodyFormat::Json),
        "application/merge-patch+json" => (1, BodyFormat::Json),
        // A list of changes to make is more to get wrong than what shall come of them.
        "application/json-patch+json" => (3, BodyFormat::Json),
        _ if media::is_json(name) => (2, BodyFormat::Json),
        "application/x-www-form-urlencoded" => (4, BodyFormat::Form),
        "multipart/form-data" => (MULTIPART, BodyFormat::Multipart),
        "*/*" | "application/*" => (ANYTHING, BodyFormat::Json),
        _ if media::is_json_sequence(name) => (7, BodyFormat::Lines),
        _ if name.ends_with("xml") => return None,
        _ if name.starts_with("text/") || name == "application/sdp" => (8, BodyFormat::Text),
        _ if BYTES.contains(&name) || BYTES_BELOW.iter().any(|p| name.starts_with(p)) => {
            (9, BodyFormat::Binary)
        }
        _ => return None,
    })
}

/// What somebody would call the kind of a media type.
fn kind(media_type: &str) -> String {
    match (essence(media_type).as_str(), format(media_type)) {
        // Not the same value in another dress.
        (name @ "application/json-patch+json", _) | (name, None) => name.to_owned(),
        (_, Some((_, format))) => format!("{format:?}"),
    }
}

/// A media type that is offered and can be sent.
struct Offer<'a> {
    rank: u8,
    name: &'a str,
    format: BodyFormat,
    media: Node<'a>,
}

impl<'a> OperationReader<'a, '_> {
    /// The request body that is sent. The error leaves the operation out.
    pub(super) fn body(&mut self, operation: &Node<'a>) -> Result<Option<Body>, Box<Diagnostic>> {
        let Some(node) = operation.get("requestBody") else {
            return Ok(None);
        };
        let node = self.doc.resolve(node)?;
        if !takes_body(self.method) {
            // Generators write empty bodies everywhere; nothing is lost with those.
            if !is_empty(&node) {
                let message = format!(
                    "{} {} has a body, which is not sent",
                    self.method, self.path
                );
                let found = Diagnostic::new(Code::UnsupportedBody, node.loc(), message);
                let help = "declare query parameters; a read has no body (RFC 9110 §9.3.1)";
                self.schemas.diags().push(found.help(help));
            }
            return Ok(None);
        }
        let Some(content) = node.get("content") else {
            let message = "its request body has no `content`";
            let found = Diagnostic::new(Code::Malformed, node.loc(), message);
            let help = "write `content: {application/json: {schema: {…}}}`";
            return Err(Box::new(found.help(help)));
        };
        let offers = self.offers(&content);
        for offer in &offers {
            let media = self.doc.resolve(offer.media.clone())?;
            let mut schema = self.body_schema(&media, offer.format)?;
            // A form is pairs of names and values; nothing else can be written as one.
            let form = matches!(offer.format, BodyFormat::Form | BodyFormat::Multipart);
            if form && !may_be_object(&schema, &self.schemas.defs, 0) {
                continue;
            }
            let parts = match form {
                true => self.parts(&media, &mut schema, offer.format)?,
                false => IndexMap::new(),
            };
            self.tell_choice(&content, offer.name);
            let also = others(offer, &offers);
            let mut description = node.str("description").map(str::to_owned);
            if offer.format == BodyFormat::Binary && (offer.name.contains('*') || !also.is_empty())
            {
                let hint = typed_bytes(offer.name, &also);
                description = Some(format!("{hint} {}", description.unwrap_or_default()));
            }
            return Ok(Some(Body {
                content_type: content_type(offer).to_owned(),
                also,
                format: offer.format,
                required: node.flag("required"),
                schema,
                parts,
                description,
            }));
        }
        self.no_body(&node, &content)
    }

    /// What can be sent, best first. Files go into a form that has room for them.
    fn offers(&self, content: &Node<'a>) -> Vec<Offer<'a>> {
        let form = |name: &str| essence(name) == "multipart/form-data";
        let room = content.entries().any(|(name, _)| form(name));
        let offer = |(name, media): (&'a str, Node<'a>)| {
            // What cannot be resolved is told of when it is chosen.
            let media = self.doc.resolve(media.clone()).unwrap_or(media);
            let schema = media.get("schema");
            let (rank, format) = match format(name) {
                Some((ANYTHING, _)) | None if schema.as_ref().is_some_and(|s| self.is_bytes(s)) => {
                    (OTHER_BYTES, BodyFormat::Binary)
                }
                Some((rank, format))
                    if room && rank < MULTIPART && schema.is_some_and(|s| self.has_files(&s)) =>
                {
                    (CRAMPED, format)
                }
                found => found?,
            };
            Some(Offer {
                rank,
                name,
                format,
                media,
            })
        };
        let mut offers: Vec<Offer<'a>> = content.entries().filter_map(offer).collect();
        offers.sort_by_key(|offer| offer.rank);
        offers
    }

    /// Whether a schema is a string of bytes.
    fn is_bytes(&self, schema: &Node<'a>) -> bool {
        let schema = self.doc.resolve(schema.clone());
        schema.is_ok_and(|schema| schema.str("format") == Some("binary"))
    }

    /// Whether a property of a schema is a file, or a list of files, perhaps among alternatives.
    fn has_files(&self, schema: &Node<'a>) -> bool {
        let Ok(schema) = self.doc.resolve(schema.clone()) else {
            return false;
        };
        let one = |schema: &Node<'a>| {
            self.is_bytes(schema) || schema.get("items").is_some_and(|s| self.is_bytes(&s))
        };
        let alternatives = |schema: &Node<'a>| {
            let lists = ["anyOf", "oneOf"]
                .into_iter()
                .filter_map(|key| schema.get(key));
            lists
                .collect::<Vec<_>>()
                .iter()
                .flat_map(Node::items)
                .any(|s| one(&s))
        };
        let properties = schema.get("properties");
        let mut properties = properties.iter().flat_map(Node::entries);
        properties.any(|(_, schema)| one(&schema) || alternatives(&schema))
    }

    /// The schema of the argument or arguments that a body is made of.
    fn body_schema(
        &mut self,
        media: &Node<'a>,
        format: BodyFormat,
    ) -> Result<Value, Box<Diagnostic>> {
        let schema = media.get("schema");
        Ok(match (schema, format) {
            (_, BodyFormat::Binary) => json!({"type": "string", "contentEncoding": "base64"}),
            (schema, BodyFormat::Lines) => {
                if let Some(item) = media.get("itemSchema") {
                    let item = self.schemas.read(&item)?;
                    return Ok(json!({"type": "array", "items": item}));
                }
                let schema = schema
                    .map(|schema| self.schemas.read(&schema))
                    .transpose()?;
                match schema {
                    None => json!({"type": "array"}),
                    Some(schema) if schema["type"] == "array" || schema["type"] == "string" => {
                        schema
                    }
                    // What is declared is a line of many.
                    Some(schema) => json!({"type": "array", "items": schema}),
                }
            }
            (Some(schema), _) => self.schemas.read(&schema)?,
            (None, BodyFormat::Text) => json!({"type": "string"}),
            (None, _) => json!({}),
        })
    }

    /// Tells which of several media types is sent, where they are not of one kind.
    fn tell_choice(&mut self, content: &Node<'a>, chosen: &str) {
        let own = kind(chosen);
        let others = content.entries().map(|(name, _)| name);
        let others: Vec<&str> = others
            .filter(|name| !name.contains('*') && kind(name) != own)
            .collect();
        if others.is_empty() {
            return;
        }
        let others: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "{} {} sends `{chosen}`; also offered: {}",
            self.method.to_uppercase(),
            self.path,
            others.join(", "),
        );
        let found = Diagnostic::new(Code::BodyChoice, content.loc(), message);
        self.schemas.diags().push(found);
    }

    /// No media type can be sent: fatal only if the body must be there.
    fn no_body(
        &mut self,
        node: &Node<'a>,
        content: &Node<'a>,
    ) -> Result<Option<Body>, Box<Diagnostic>> {
        let offered: Vec<&str> = content.entries().map(|(name, _)| name).collect();
        if offered.is_empty() {
            return Ok(None);
        }
        let form = |name: &&str| format(name).is_some();
        let (message, help) = match offered.iter().find(|name| form(name)) {
            Some(form) => (
                format!("a body of {form} needs a schema with `type: object`"),
                "write the fields of the form as properties of an object",
            ),
            None => (
                format!("a body of {} is not supported", offered.join(" or ")),
                "JSON, form-urlencoded, multipart/form-data, text and binary bodies are",
            ),
        };
        let mut found = Diagnostic::new(Code::UnsupportedBody, content.loc(), message).help(help);
        if node.flag("required") {
            return Err(Box::new(found));
        }
        found.message += &format!("; {} {} sends none", self.method, self.path);
        self.schemas.diags().push(found);
        Ok(None)
    }
}

/// The media type that is sent. A range is none.
fn content_type<'a>(offer: &Offer<'a>) -> &'a str {
    match (offer.name.contains('*'), offer.format) {
        (true, BodyFormat::Json) => "application/json",
        (true, BodyFormat::Text) => "text/plain",
        _ => offer.name,
    }
}

/// What is said of bytes whose media type the argument chooses.
fn typed_bytes(name: &str, also: &[String]) -> String {
    let also = also.iter().map(|name| format!(" or {name}"));
    let types: String = std::iter::once(name.to_owned()).chain(also).collect();
    format!(
        "Base64, or a data URI that tells its type, which is {types}: data:<type>;base64,<data>."
    )
}

/// The other media types of bytes that are offered: the argument's data URI chooses.
fn others(offer: &Offer<'_>, offers: &[Offer<'_>]) -> Vec<String> {
    let bytes = |other: &&Offer<'_>| {
        let both = [offer.format, other.format] == [BodyFormat::Binary; 2];
        both && other.name != offer.name
    };
    let names = offers
        .iter()
        .filter(bytes)
        .map(|other| other.name.to_owned());
    names.collect()
}

/// Levels of alternatives and references in which an object is looked for.
const OBJECT_DEPTH: usize = 8;

/// Whether a schema describes objects, perhaps among other things.
fn may_be_object(schema: &Value, defs: &Map<String, Value>, depth: usize) -> bool {
    let Some(object) = schema.as_object().filter(|_| depth < OBJECT_DEPTH) else {
        return false;
    };
    let below = |schema: &Value| may_be_object(schema, defs, depth + 1);
    match object.get("type") {
        Some(Value::Array(types)) => return types.contains(&json!("object")),
        Some(one) => return one == "object",
        None => {}
    }
    let target = object.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|r| defs.get(r.strip_prefix("#/$defs/")?));
    let parts = ["anyOf", "oneOf", "allOf"].into_iter();
    let mut parts = parts
        .filter_map(|key| object.get(key)?.as_array())
        .flatten();
    ["properties", "additionalProperties", "patternProperties"]
        .iter()
        .any(|key| object.contains_key(*key))
        || target.is_some_and(below)
        || parts.any(below)
}

/// Whether a request body says nothing of its content.
fn is_empty(body: &Node<'_>) -> bool {
    let says_something = |media: &Node<'_>| {
        let Some(schema) = media.get("schema") else {
            return false;
        };
        let properties = schema.get("properties").map(|p| p.value.as_object());
        let nothing = properties.is_some_and(|p| p.is_some_and(Map::is_empty));
        !nothing && schema.value.as_object().is_some_and(|s| !s.is_empty())
    };
    let content = body.get("content");
    let content = content.iter().flat_map(Node::entries);
    !body.flag("required") && !content.into_iter().any(|(_, media)| says_something(&media))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_can_be() {
        let defs = json!({"o": {"type": "object"}, "s": {"type": "string"}});
        let defs = defs.as_object().unwrap();
        for (schema, want) in [
            (json!({"type": "object"}), true),
            (json!({"type": ["object", "null"]}), true),
            (json!({"properties": {"a": {}}}), true),
            (json!({"$ref": "#/$defs/o"}), true),
            (
                json!({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/o"}]}),
                true,
            ),
            (json!({}), false),
            (json!({"type": "string"}), false),
            (json!({"type": "array", "items": {"type": "object"}}), false),
            (json!({"$ref": "#/$defs/s"}), false),
            (json!({"oneOf": [{"type": "string"}]}), false),
        ] {
            assert_eq!(may_be_object(&schema, defs, 0), want, "{schema}");
        }
    }

    #[test]
    fn media_types() {
        for (name, want) in [
            ("application/json; charset=utf-8", Some(BodyFormat::Json)),
            ("application/json; charset=utf-16", None),
            ("application/vnd.api+json", Some(BodyFormat::Json)),
            ("Application/X-WWW-Form-Urlencoded", Some(BodyFormat::Form)),
            ("multipart/form-data", Some(BodyFormat::Multipart)),
            ("application/x-ndjson", Some(BodyFormat::Lines)),
            ("text/plain", Some(BodyFormat::Text)),
            ("text/plain; charset=iso-8859-1", None),
            ("application/octet-stream", Some(BodyFormat::Binary)),
            ("multipart/mixed", None),
            ("application/xml", None),
            ("text/xml", None),
            ("text/plain\r\nX: y", None),
        ] {
            assert_eq!(format(name).map(|(_, f)| f), want, "{name}");
        }
    }
}
