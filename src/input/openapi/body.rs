//! Request bodies: which of the offered media types is sent, and what its content looks like.

use serde_json::{Map, Value, json};

use super::method::takes_body;
use super::node::Node;
use super::operation::OperationReader;
use crate::catalog::Body;
use crate::diag::{Code, Diagnostic};
use crate::runtime::manifest::BodyFormat;

/// Whether a media type is JSON: `application/json`, `text/json` or a `+json` suffix (RFC 6839 §3.1).
pub(super) fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type);
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// The media type without its parameters, lower case.
fn essence(media_type: &str) -> String {
    media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// How a media type is written, with its rank among several: JSON first. `None` if it is not
/// supported.
fn format(media_type: &str) -> Option<(u8, BodyFormat)> {
    let essence = essence(media_type);
    Some(match essence.as_str() {
        "application/json" => (0, BodyFormat::Json),
        _ if is_json(media_type) => (1, BodyFormat::Json),
        "application/x-www-form-urlencoded" => (2, BodyFormat::Form),
        "*/*" | "application/*" => (3, BodyFormat::Json),
        "text/xml" => return None,
        _ if essence.starts_with("text/") => (4, BodyFormat::Text),
        "application/octet-stream" => (5, BodyFormat::Binary),
        _ if ["image/", "audio/", "video/"]
            .iter()
            .any(|p| essence.starts_with(p)) =>
        {
            (5, BodyFormat::Binary)
        }
        "application/zip" | "application/gzip" | "application/pdf" => (5, BodyFormat::Binary),
        _ => return None,
    })
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
        let mut offered: Vec<_> = content
            .entries()
            .filter_map(|(name, media)| Some((format(name)?, name, media)))
            .collect();
        offered.sort_by_key(|((rank, _), ..)| *rank);
        let mut best = None;
        for ((_, format), name, media) in offered {
            let media = self.doc.resolve(media)?;
            let schema = match (media.get("schema"), format) {
                (_, BodyFormat::Binary) => json!({"type": "string", "contentEncoding": "base64"}),
                (Some(schema), _) => self.schemas.read(&schema)?,
                (None, BodyFormat::Text) => json!({"type": "string"}),
                (None, _) => json!({}),
            };
            // A form is pairs of names and values; nothing else can be written as one.
            if format != BodyFormat::Form || may_be_object(&schema, &self.schemas.defs, 0) {
                best = Some((format, name, media, schema));
                break;
            }
        }
        let Some((format, name, media, schema)) = best else {
            return self.no_body(&node, &content);
        };
        if format == BodyFormat::Form {
            self.form_encoding(&media);
        }
        let content_type = if name.contains('*') {
            "application/json"
        } else {
            name
        };
        Ok(Some(Body {
            content_type: content_type.to_owned(),
            format,
            required: node.flag("required"),
            schema,
            description: node.str("description").map(str::to_owned),
        }))
    }

    /// Says which parts of a form are not written as the document describes them.
    fn form_encoding(&mut self, media: &Node<'a>) {
        let Some(encoding) = media.get("encoding") else {
            return;
        };
        let differs = |part: &Node<'_>| {
            part.str("style").is_some_and(|style| style != "form")
                || part
                    .get("explode")
                    .is_some_and(|e| e.value == &json!(false))
        };
        let parts = encoding.entries().filter(|(_, part)| differs(part));
        let names: Vec<&str> = parts.map(|(name, _)| name).collect();
        let Some(first) = names.first() else { return };
        let message = match names.len() {
            1 => format!("the encoding of form field `{first}` is not applied"),
            more => format!(
                "the encoding of form field `{first}` and {} more is not applied",
                more - 1
            ),
        };
        let found = Diagnostic::new(Code::UnsupportedBody, encoding.loc(), message);
        let help = "lists are sent as a=1&a=2, objects as JSON text";
        self.schemas.diags().push(found.help(help));
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
                "JSON, form-urlencoded, text and octet-stream bodies are",
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
            ("application/vnd.api+json", Some(BodyFormat::Json)),
            ("Application/X-WWW-Form-Urlencoded", Some(BodyFormat::Form)),
            ("text/plain", Some(BodyFormat::Text)),
            ("application/octet-stream", Some(BodyFormat::Binary)),
            ("multipart/form-data", None),
            ("application/xml", None),
        ] {
            assert_eq!(format(name).map(|(_, f)| f), want, "{name}");
        }
    }
}
