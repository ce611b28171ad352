//! Bodies: `body` and `formData` parameters become a request body, with content for what is consumed.

use serde_json::{Map, Value, json};

use super::{Upgrade, param};
use crate::diag::{Code, Diagnostic};
use crate::input::openapi::node::Node;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";
const BYTES: &str = "application/octet-stream";

impl<'a> Upgrade<'a, '_> {
    /// The request body of an operation, whose new place is `here`: from its own parameters and those
    /// of its path.
    pub(super) fn request_body(
        &mut self,
        here: &str,
        operation: &Node<'a>,
        own: Vec<Node<'a>>,
        shared: &[Node<'a>],
    ) -> Option<Value> {
        let new = format!("{here}/requestBody");
        let mut form: Vec<Node<'a>> = Vec::new();
        let mut body: Option<Node<'a>> = None;
        for param in own.into_iter().chain(shared.iter().cloned()) {
            if param.str("in") == Some("body") {
                // There is one at most: the operation's own counts.
                body.get_or_insert(param);
            } else if !form.iter().any(|p| p.str("name") == param.str("name")) {
                form.push(param);
            }
        }
        match body {
            Some(body) => {
                if let Some(field) = form.first() {
                    let message = "a request has a body or form fields; the fields are not sent";
                    let found = Diagnostic::new(Code::UnsupportedBody, field.loc(), message);
                    let help = "declare the fields as properties of the body, or remove the body";
                    self.found.push(found.help(help));
                }
                Some(self.whole_body(&new, operation, &body))
            }
            None if form.is_empty() => None,
            None => Some(self.form(&new, operation, &form)),
        }
    }

    fn whole_body(&mut self, new: &str, operation: &Node<'a>, body: &Node<'a>) -> Value {
        let (mut types, consumes) = self.media_types(operation, "consumes");
        let schema = body.get("schema");
        // Only form fields can be files in 2.0, but some documents have whole bodies that are.
        let is_file = schema.as_ref().and_then(|s| s.str("type")) == Some("file");
        if types.is_empty() {
            types.push(if is_file { BYTES } else { "application/json" });
        }
        self.moves.made_of(new.to_owned(), &body.loc());
        if let Some(consumes) = consumes {
            self.moves
                .made_of(format!("{new}/content"), &consumes.loc());
        }
        let mut content = Map::new();
        if !self.pay(types.len().saturating_mul(4)) {
            return Value::Null;
        }
        for name in types {
            let mut media = Map::new();
            if let Some(schema) = &schema {
                let place = format!("{new}/content/{}/schema", crate::diag::escape(name));
                self.moves.add(place, &schema.loc());
                let value = match is_file {
                    true => json!({"type": "string", "format": "binary"}),
                    false => self.reference(schema),
                };
                media.insert("schema".into(), value);
            }
            let examples = body.get("x-examples").and_then(|all| all.get(name));
            if let Some(example) = examples {
                media.insert("example".into(), example.value.clone());
            }
            content.insert(name.to_owned(), Value::Object(media));
        }
        let mut out = Map::new();
        if let Some(text) = body.get("description") {
            out.insert("description".into(), text.value.clone());
        }
        out.insert("required".into(), body.flag("required").into());
        out.insert("content".into(), Value::Object(content));
        Value::Object(out)
    }

    /// Form fields: a file needs multipart, the rest goes as the document says, else as pairs.
    fn form(&mut self, new: &str, operation: &Node<'a>, fields: &[Node<'a>]) -> Value {
        let (types, consumes) = self.media_types(operation, "consumes");
        let essence = |name: &str| {
            let essence = name.split(';').next().unwrap_or_default();
            essence.trim().to_ascii_lowercase()
        };
        let has_file = fields.iter().any(|field| field.str("type") == Some("file"));
        let mut offered: Vec<&str> = Vec::new();
        for known in [URLENCODED, MULTIPART] {
            if types.iter().any(|name| essence(name) == known) && !(has_file && known == URLENCODED)
            {
                offered.push(known);
            }
        }
        if offered.is_empty() {
            offered.push(if has_file { MULTIPART } else { URLENCODED });
        }
        let list = operation.get("parameters");
        let list = list.as_ref().unwrap_or(operation);
        self.moves.made_of(new.to_owned(), &list.loc());
        if let Some(consumes) = consumes {
            self.moves
                .made_of(format!("{new}/content"), &consumes.loc());
        }
        let mut properties = Map::new();
        let mut encoding = Map::new();
        let mut required: Vec<Value> = Vec::new();
        for field in fields {
            let Some(name) = field.str("name") else {
                // The reader says what is wrong.
                continue;
            };
            let escaped = crate::diag::escape(name);
            for media in &offered {
                let media = format!("{new}/content/{}", crate::diag::escape(media));
                self.moves.made_of(format!("{media}/schema"), &list.loc());
                self.moves.made_of(format!("{media}/encoding"), &list.loc());
                let property = format!("{media}/schema/properties/{escaped}");
                self.moves.add(property, &field.loc());
                let encoding = format!("{media}/encoding/{escaped}");
                self.moves.made_of(encoding, &field.loc());
            }
            if field.flag("required") {
                required.push(name.into());
            }
            if field.str("type") == Some("array") {
                let written = self.collection_format(field, "formData");
                let style = json!({"style": written.style, "explode": written.explode});
                encoding.insert(name.to_owned(), style);
            }
            properties.insert(name.to_owned(), self.property(field));
        }
        let mut schema = json!({"type": "object", "properties": properties});
        let is_needed = !required.is_empty();
        if let Some(schema) = schema.as_object_mut().filter(|_| is_needed) {
            schema.insert("required".into(), Value::Array(required));
        }
        let mut media = json!({ "schema": schema });
        if let Some(media) = media.as_object_mut().filter(|_| !encoding.is_empty()) {
            media.insert("encoding".into(), Value::Object(encoding));
        }
        let content = offered
            .into_iter()
            .map(|name| (name.to_owned(), media.clone()));
        json!({"required": is_needed, "content": content.collect::<Map<_, _>>()})
    }

    /// A form field as a property.
    fn property(&self, field: &Node<'a>) -> Value {
        let mut schema = self.value_schema(field);
        if let Some(schema) = schema.as_object_mut() {
            if let Some(text) = field.get("description") {
                schema.insert("description".into(), text.value.clone());
            }
            if let Some(example) = param::example(field) {
                schema.insert("example".into(), example);
            }
        }
        schema
    }
}
