//! A value of the document together with its place, and references from one place to another.

use std::cell::Cell;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Version;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Loc, escape};

/// The document.
pub(super) struct Doc<'a> {
    pub(super) root: &'a Value,
    pub(super) version: Version,
    /// Schemas of arguments that were read so far, over all operations.
    pub(super) schemas_read: Cell<usize>,
}

/// A value and the JSON Pointer to it.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    pub(super) fn loc(&self) -> Loc {
        Loc::at(self.pointer.clone())
    }

    /// The value of a key, if this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.as_object()?.get(key)?;
        Some(Node {
            value,
            pointer: format!("{}/{}", self.pointer, escape(key)),
        })
    }

    /// The string at a key.
    pub(super) fn str(&self, key: &str) -> Option<&'a str> {
        self.value.as_object()?.get(key)?.as_str()
    }

    /// Whether the key holds `true`.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.value
            .get(key)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// The entries, if this is an object.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let pointer = self.pointer.clone();
        self.value
            .as_object()
            .into_iter()
            .flatten()
            .map(move |(key, value)| {
                (
                    key.as_str(),
                    Node {
                        value,
                        pointer: format!("{pointer}/{}", escape(key)),
                    },
                )
            })
    }

    /// The items, if this is an array.
    pub(super) fn items(&self) -> impl Iterator<Item = Node<'a>> {
        let pointer = self.pointer.clone();
        self.value
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(move |(index, value)| Node {
                value,
                pointer: format!("{pointer}/{index}"),
            })
    }
}

/// References that one chain may have.
const CHAIN_MAX: usize = 100;

impl<'a> Doc<'a> {
    pub(super) fn new(root: &'a Value, version: Version) -> Self {
        Self {
            root,
            version,
            schemas_read: Cell::new(0),
        }
    }

    /// Follows `$ref`s from a node until something that is none. The error is the diagnostic for
    /// whatever needed the node.
    pub(super) fn resolve(&self, mut node: Node<'a>) -> Result<Node<'a>, Box<Diagnostic>> {
        let start = node.clone();
        for _ in 0..CHAIN_MAX {
            let Some(reference) = node.str("$ref") else {
                return Ok(node);
            };
            node = self.target(&node, reference)?;
            if node.pointer == start.pointer {
                break;
            }
        }
        let reference = start.str("$ref").unwrap_or_default();
        Err(Box::new(
            Diagnostic::new(
                Code::CircularRef,
                start.loc().child("$ref"),
                format!("`{reference}` refers to itself"),
            )
            .help("let the chain of references end at something that is no reference"),
        ))
    }

    /// The node that one reference names: `#` and a JSON Pointer, percent-decoded
    /// (RFC 6901 §6), into any place of the document.
    pub(super) fn target(
        &self,
        from: &Node<'a>,
        reference: &str,
    ) -> Result<Node<'a>, Box<Diagnostic>> {
        let refuse = |code, message: String, help: &str| {
            Err(Box::new(
                Diagnostic::new(code, from.loc().child("$ref"), message).help(help),
            ))
        };
        let Some(fragment) = reference.strip_prefix('#') else {
            return refuse(
                Code::ExternalRef,
                format!("`{reference}` is outside the document"),
                "only the document itself is read: copy the definition into it",
            );
        };
        let Ok(pointer) = percent_decode_str(fragment).decode_utf8() else {
            return refuse(
                Code::DanglingRef,
                format!("`{reference}` is not UTF-8"),
                "correct the reference",
            );
        };
        let plainly = self.root.pointer(&pointer).map(|value| Node {
            value,
            pointer: pointer.clone().into_owned(),
        });
        match plainly.or_else(|| self.through(&pointer)) {
            Some(node) => Ok(node),
            None => refuse(
                Code::DanglingRef,
                format!("`{reference}` names nothing in the document"),
                &self.nearest(&pointer),
            ),
        }
    }

    /// Follows a pointer whose way leads through references, as many documents have it
    /// (`#/paths/~1pets/get/responses/200/content`, where the response is a `$ref`).
    fn through(&self, pointer: &str) -> Option<Node<'a>> {
        let mut node = Node::root(self.root);
        let mut hops = 0;
        for token in pointer.strip_prefix('/')?.split('/') {
            while let Some(reference) = node.str("$ref") {
                hops += 1;
                let fragment = reference.strip_prefix('#').filter(|_| hops <= CHAIN_MAX)?;
                let target = percent_decode_str(fragment).decode_utf8().ok()?;
                let value = self.root.pointer(&target)?;
                node = Node {
                    value,
                    pointer: target.into_owned(),
                };
            }
            let value = node.value.pointer(&format!("/{token}"))?;
            node = Node {
                value,
                pointer: format!("{}/{token}", node.pointer),
            };
        }
        Some(node)
    }

    /// Names the deepest part of a dangling pointer that exists and, below it, the key that was
    /// perhaps meant.
    fn nearest(&self, pointer: &str) -> String {
        let Some((parent, last)) = pointer.rsplit_once('/') else {
            return "a reference into the document is `#/` and a JSON Pointer".to_owned();
        };
        let Some(Value::Object(object)) = self.root.pointer(parent) else {
            return format!("`#{parent}` does not exist either");
        };
        let last = last.replace("~1", "/").replace("~0", "~");
        let same = object.keys().find(|key| key.eq_ignore_ascii_case(&last));
        let near = || nearest(&last, object.keys().map(String::as_str));
        match same.map(String::as_str).or_else(near) {
            Some(key) => format!("did you mean `#{parent}/{}`?", escape(key)),
            None => format!("`#{parent}` has no `{last}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_resolve_into_any_place() {
        let root = json!({
            "a/b": {"~x": 1, "ä b": [10, 20]},
            "r": {"$ref": "#/a~1b/~0x"},
            "p": {"$ref": "#/a~1b/%C3%A4%20b/1"},
            "two": {"$ref": "#/r"},
            "self": {"$ref": "#/self"},
            "ring": {"$ref": "#/ring2"},
            "ring2": {"$ref": "#/ring"},
            "lost": {"$ref": "#/R"},
            "file": {"$ref": "other.yaml#/x"},
            "over": {"$ref": "#/way/x/0"},
            "way": {"$ref": "#/way2"},
            "way2": {"x": {"$ref": "#/list"}},
            "list": [30],
            "round": {"$ref": "#/self/x"},
        });
        let doc = Doc::new(&root, Version::V3_1);
        let top = Node::root(&root);
        let resolve = |key: &str| match doc.resolve(top.get(key).unwrap()) {
            Ok(node) => node.value.to_string(),
            Err(found) => found.code.as_str().to_owned(),
        };
        for (key, want) in [
            ("r", "1"),
            ("p", "20"),
            ("two", "1"),
            ("self", "MG111"),
            ("ring", "MG111"),
            ("lost", "MG110"),
            ("file", "MG112"),
            ("over", "30"),
            ("round", "MG110"),
        ] {
            assert_eq!(resolve(key), want, "{key}");
        }
    }
}
