//! What a parameter's value looks like: its schema, or the one media type of its `content`.

use serde_json::{Value, json};

use super::super::node::Node;
use super::super::operation::OperationReader;
use super::style::kinds;
use crate::diag::{Code, Diagnostic};
use crate::runtime::manifest::{ParamContent, Place};
use crate::runtime::media::is_json;

/// A schema, and what the value is written as if no style says it.
type Described = (Value, Option<ParamContent>);

impl<'a> OperationReader<'a, '_> {
    /// The schema and the `content`. The inner error concerns the parameter alone.
    #[allow(
        clippy::type_complexity,
        reason = "the two errors differ in what they cost"
    )]
    pub(super) fn param_schema(
        &mut self,
        node: &Node<'a>,
        name: &str,
        place: Place,
    ) -> Result<Result<Described, Box<Diagnostic>>, Box<Diagnostic>> {
        let Some(content) = node.get("content") else {
            if place == Place::Querystring {
                let message = format!("`{name}` is the whole query string but has no `content`");
                let found = Diagnostic::new(Code::UnsupportedParam, node.loc(), message);
                let help = "write `content: {application/x-www-form-urlencoded: {schema: {…}}}`";
                return Ok(Err(Box::new(found.help(help))));
            }
            let schema = match node.get("schema") {
                Some(schema) => self.schemas.read(&schema)?,
                None => json!({"type": "string"}),
            };
            return Ok(Ok((schema, None)));
        };
        // One entry at most (OpenAPI 3.1.1 §4.8.12.2.3): of more, the first counts.
        let Some((media, entry)) = content.entries().next() else {
            let message = format!("parameter `{name}` has an empty `content`");
            let found = Diagnostic::new(Code::UnsupportedParam, content.loc(), message);
            return Ok(Err(Box::new(found.help("write a `schema` instead"))));
        };
        let schema = match entry.get("schema") {
            Some(schema) => Some(self.schemas.read(&schema)?),
            None => None,
        };
        Ok(match format(media) {
            Some(ParamContent::Json) => Ok((schema.unwrap_or(json!({})), ParamContent::Json)),
            Some(format) => {
                let form = format == ParamContent::Form;
                let kind = if form { "object" } else { "string" };
                let schema = schema.unwrap_or_else(|| json!({"type": kind}));
                let found = kinds(&schema, &self.schemas.defs);
                if let Some(encoding) = entry.get("encoding").filter(|_| form) {
                    let message = format!("the `encoding` of parameter `{name}` is not read");
                    let help = "lists are sent as a=1&a=2, objects as JSON text";
                    let found = Diagnostic::new(Code::PartEncoding, encoding.loc(), message);
                    self.schemas.diags().push(found.help(help));
                }
                let good = if form {
                    !found.plain && !found.list
                } else {
                    !found.list && !found.object
                };
                if good {
                    Ok((schema, format))
                } else {
                    let wanted = if form { "an object" } else { "plain text" };
                    let message =
                        format!("the {media} of parameter `{name}` is not {wanted} alone");
                    let found = Diagnostic::new(Code::UnsupportedParam, entry.loc(), message);
                    Err(Box::new(found.help("application/json can be anything")))
                }
            }
            None => {
                let message = format!("parameter `{name}` cannot be sent as {media}");
                let found = Diagnostic::new(Code::UnsupportedParam, entry.loc(), message);
                Err(Box::new(found.help(
                    "application/json, application/x-www-form-urlencoded and text/… can",
                )))
            }
        }
        .map(|(schema, format)| (schema, Some(format))))
    }
}

/// How a media type of a parameter is written.
fn format(media_type: &str) -> Option<ParamContent> {
    let essence = media_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    if is_json(media_type) {
        Some(ParamContent::Json)
    } else if essence == "application/x-www-form-urlencoded" {
        Some(ParamContent::Form)
    } else if essence.starts_with("text/") || essence == "application/jsonpath" {
        Some(ParamContent::Text)
    } else {
        None
    }
}
