//! Schemas that stand for all that inherit from them: a `discriminator` without alternatives, and
//! other schemas that have this one in their `allOf` (Swagger 2.0, Schema Object; OpenAPI 3.1.1
//! §4.8.25).

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::discriminator::not_applied;
use super::{Schemas, allof};
use crate::diag::{Diagnostic, FileId};
use crate::input::openapi::node::Node;
use crate::runtime::pointer::unescape;

/// Schemas that one may stand for.
const HEIRS_MAX: usize = 100;

/// Which definitions inherit from which: those that have it in their `allOf`.
#[derive(Default)]
pub(in crate::input::openapi) struct Heirs {
    /// Pointer of a definition -> those that inherit from it: pointer and the value that means it.
    children: BTreeMap<String, Vec<(String, String)>>,
}

impl Heirs {
    fn read(root: &Value) -> Self {
        let mut heirs = Self::default();
        let top = Node::root(root);
        let schemas = top.get("components").and_then(|c| c.get("schemas"));
        let definitions = top.get("definitions").or(schemas);
        for (name, definition) in definitions.iter().flat_map(Node::entries) {
            let parts = definition.get("allOf");
            for part in parts.iter().flat_map(Node::items) {
                let fragment = part.str("$ref").and_then(|r| r.strip_prefix('#'));
                let parent = fragment.and_then(|f| percent_decode_str(f).decode_utf8().ok());
                if let Some(parent) = parent {
                    let of = heirs.children.entry(parent.into_owned()).or_default();
                    of.push((definition.pointer.clone(), meant_by(name, definition.value)));
                }
            }
        }
        heirs
    }

    /// All that inherit from a definition, at any distance: pointer and the value that means it.
    fn of(&self, pointer: &str) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut seen = vec![pointer.to_owned()];
        let mut next = 0;
        while let Some(parent) = seen.get(next).cloned() {
            next += 1;
            for (pointer, meant) in self.children.get(&parent).into_iter().flatten() {
                if seen.len() < HEIRS_MAX && !seen.contains(pointer) {
                    found.push((pointer.clone(), meant.clone()));
                    seen.push(pointer.clone());
                }
            }
        }
        found
    }
}

/// The value that means a definition: its name, unless it gives another with the extension that is
/// in use for that.
fn meant_by(name: &str, definition: &Value) -> String {
    let given = definition.get("x-ms-discriminator-value");
    given.and_then(Value::as_str).unwrap_or(name).to_owned()
}

impl<'a> Schemas<'a, '_> {
    /// A schema with a discriminator stands for all that inherit from it: it takes their properties
    /// too and, in 2.0, the discriminating property is one of their names.
    pub(super) fn with_heirs(
        &mut self,
        node: &Node<'a>,
        discriminator: &Node<'a>,
        schema: &mut Value,
        depth: usize,
    ) -> Option<Diagnostic> {
        let doc = self.doc;
        let heirs = doc.heirs.get_or_init(|| Heirs::read(doc.root));
        let heirs = heirs.of(&node.pointer);
        if heirs.is_empty() || node.file != FileId::MAIN {
            let why = "it names other schemas, but the schema has no alternatives";
            return discriminator
                .get("mapping")
                .map(|_| not_applied(discriminator, why));
        }
        let count = heirs.len();
        let mut properties = Map::new();
        for (pointer, _) in &heirs {
            let Some(value) = doc.root.pointer(pointer) else {
                continue;
            };
            let heir = Node {
                value,
                file: node.file,
                pointer: pointer.clone(),
            };
            let all = heir.get("allOf");
            for part in all.iter().flat_map(Node::items).chain([heir.clone()]) {
                for (name, property) in part.get("properties").iter().flat_map(Node::entries) {
                    let known = schema.get("properties").and_then(|p| p.get(name));
                    if known.is_none() && !properties.contains_key(name) && !self.hidden(&property)
                    {
                        properties.insert(name.to_owned(), self.convert(&property, depth + 1));
                    }
                }
            }
        }
        if let Some(property) = discriminator.value.as_str() {
            let own = schema.get("properties").and_then(|p| p.get(property));
            let says = |key: &str| own.is_some_and(|own| own.get(key).is_some());
            if !says("enum") && !says("const") {
                let name = node.pointer.rsplit('/').next().unwrap_or_default();
                let name = unescape(name);
                let mut values = vec![meant_by(&name, node.value)];
                values.extend(heirs.into_iter().map(|(_, meant)| meant));
                properties.insert(property.to_owned(), json!({ "enum": values }));
            }
        }
        if !properties.is_empty() {
            let part = json!({ "properties": properties });
            *schema = allof::merge(vec![schema.take(), part]);
        }
        let why = match count {
            1 => "what the schema that inherits has is taken, but what it requires is not checked",
            _ => "what the schemas that inherit have is taken, but not checked to belong together",
        };
        Some(not_applied(discriminator, why))
    }
}
