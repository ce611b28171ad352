//! Request bodies: which of the offered media types is sent, and what its content looks like.

use serde_json::json;

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
        if matches!(self.method, "get" | "head" | "options") {
            let message = format!(
                "a {} request has no body; it is not sent",
                self.method.to_uppercase()
            );
            self.schemas
                .diags()
                .push(Diagnostic::new(Code::UnsupportedBody, node.loc(), message));
            return Ok(None);
        }
        let Some(content) = node.get("content") else {
            let message = "a request body without `content`";
            return Err(Box::new(Diagnostic::new(
                Code::Malformed,
                node.loc(),
                message,
            )));
        };
        let best = content
            .entries()
            .filter_map(|(name, media)| Some((format(name)?, name, media)))
            .min_by_key(|((rank, _), ..)| *rank);
        let Some(((_, format), name, media)) = best else {
            return self.no_body(&node, &content);
        };
        let schema = match (media.get("schema"), format) {
            (_, BodyFormat::Binary) => json!({"type": "string", "contentEncoding": "base64"}),
            (Some(schema), _) => self.schemas.read(&schema)?,
            (None, BodyFormat::Text) => json!({"type": "string"}),
            (None, _) => json!({}),
        };
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
        let message = format!("a body of {} is not supported", offered.join(" or "));
        let found = Diagnostic::new(Code::UnsupportedBody, content.loc(), message)
            .help("JSON, form-urlencoded, text and octet-stream bodies are");
        if node.flag("required") {
            return Err(Box::new(found));
        }
        self.schemas.diags().push(found);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
