//! A value of the document, or of a file that it refers to, together with its place.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;

use serde_json::Value;

use super::Version;
use super::schema::Heirs;
use crate::diag::{Diagnostic, FileId, Loc, escape};
use crate::input::documents::Documents;

/// The document, and the files that it refers to.
pub(super) struct Doc<'a> {
    pub(super) root: &'a Value,
    pub(super) version: Version,
    /// Schemas of arguments that were read so far, over all operations.
    pub(super) schemas_read: Cell<usize>,
    /// Bytes of text of operations that were read so far.
    pub(super) texts_read: Cell<usize>,
    /// Once it was asked for.
    pub(super) heirs: OnceCell<Heirs>,
    /// Where references out of the document lead; none if it is alone.
    pub(super) documents: Option<&'a Documents>,
    /// What was found while references were followed and is no reason to stop.
    pub(super) notes: RefCell<Vec<Diagnostic>>,
    /// Keywords of schemas that mean nothing and were reported: each is, once.
    pub(super) unknown_keywords: RefCell<BTreeSet<String>>,
}

/// A file and a JSON Pointer into it: what makes two nodes one.
pub(super) type Place = (FileId, String);

/// A value, the file that it is in and the JSON Pointer to it.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) file: FileId,
    pub(super) pointer: String,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            file: FileId::MAIN,
            pointer: String::new(),
        }
    }

    pub(super) fn loc(&self) -> Loc {
        Loc::at(self.pointer.clone()).of(self.file)
    }

    /// The place of its key.
    pub(super) fn key_loc(&self) -> Loc {
        Loc::key(self.pointer.clone()).of(self.file)
    }

    /// What makes this node itself and no other.
    pub(super) fn place(&self) -> Place {
        (self.file, self.pointer.clone())
    }

    /// The value at a token of a JSON Pointer, as it is written there.
    pub(super) fn step(&self, token: &str) -> Option<Node<'a>> {
        Some(Node {
            value: self.value.pointer(&format!("/{token}"))?,
            file: self.file,
            pointer: format!("{}/{token}", self.pointer),
        })
    }

    /// The value of a key, if this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.as_object()?.get(key)?;
        Some(Node {
            value,
            file: self.file,
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
        let (file, pointer) = self.place();
        self.value
            .as_object()
            .into_iter()
            .flatten()
            .map(move |(key, value)| {
                (
                    key.as_str(),
                    Node {
                        value,
                        file,
                        pointer: format!("{pointer}/{}", escape(key)),
                    },
                )
            })
    }

    /// The items, if this is an array.
    pub(super) fn items(&self) -> impl Iterator<Item = Node<'a>> {
        let (file, pointer) = self.place();
        self.value
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(move |(index, value)| Node {
                value,
                file,
                pointer: format!("{pointer}/{index}"),
            })
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
