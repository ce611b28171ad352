//! Responses: the schema of a response becomes content for what is produced.

use serde_json::{Map, Value};

use super::Upgrade;
use crate::diag::escape;
use crate::input::openapi::node::Node;

impl<'a> Upgrade<'a, '_> {
    /// The responses of an operation, whose new place is `here`. A shared response has the content
    /// that the operation produces.
    pub(super) fn responses(
        &mut self,
        here: &str,
        operation: &Node<'a>,
        responses: &Node<'a>,
    ) -> Value {
        if !responses.value.is_object() {
            return responses.value.clone();
        }
        let (produces, _) = self.media_types(operation, "produces");
        let mut out = Map::new();
        for (status, entry) in responses.entries() {
            let value = match self.doc.resolve(entry.clone()) {
                Ok(found) if found.value.is_object() && self.pay_for(&entry, &found) => {
                    let new = format!("{here}/responses/{}", escape(status));
                    self.response(new, &produces, &found)
                }
                // The reader says what is wrong.
                _ => entry.value.clone(),
            };
            out.insert(status.to_owned(), value);
        }
        Value::Object(out)
    }

    fn response(&mut self, new: String, produces: &[&str], node: &Node<'a>) -> Value {
        let mut out = match self.copied(node) {
            Value::Object(object) => object,
            _ => Map::new(),
        };
        out.shift_remove("content");
        let schema = node.get("schema");
        let examples = node.get("examples").filter(|all| all.value.is_object());
        let is_file = schema.as_ref().and_then(|s| s.str("type")) == Some("file");
        let mut types: Vec<&str> = produces.to_vec();
        if types.is_empty() {
            let named = examples.iter().flat_map(Node::entries);
            types = named.map(|(name, _)| name).collect();
        }
        if types.is_empty() {
            types.push(if is_file {
                "application/octet-stream"
            } else {
                "application/json"
            });
        }
        let wanted = schema.is_some() || examples.is_some();
        if wanted && self.pay(types.len().saturating_mul(4)) {
            let mut content = Map::new();
            for name in types {
                let mut media = Map::new();
                // A file is of its media type, and no schema says more.
                if let Some(schema) = schema.as_ref().filter(|_| !is_file) {
                    let place = format!("{new}/content/{}/schema", escape(name));
                    self.moves.add(place, &schema.loc());
                    media.insert("schema".into(), self.reference(schema));
                }
                if let Some(example) = examples.as_ref().and_then(|all| all.get(name)) {
                    media.insert("example".into(), example.value.clone());
                }
                content.insert(name.to_owned(), Value::Object(media));
            }
            self.moves.made_of(format!("{new}/content"), &node.loc());
            out.insert("content".into(), Value::Object(content));
        }
        self.moves.add(new, &node.loc());
        Value::Object(out)
    }
}
