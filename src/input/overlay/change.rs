//! What an action does to the tree, and to where its nodes come from.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::diag::{FileId, escape};
use crate::runtime::pointer::unescape;
use crate::source::Origins;

/// Updates out of one overlay.
pub(super) struct Change<'a> {
    /// The overlay's text.
    pub(super) file: FileId,
    /// Where the document's nodes come from.
    pub(super) origins: &'a mut Origins,
}

impl Change<'_> {
    /// What is at a pointer was written at a place of the overlay.
    pub(super) fn came_from(&mut self, pointer: &str, place: String) {
        self.origins.set(pointer, self.file, place);
    }

    /// Objects are merged, lists are joined, and everything else is replaced.
    pub(super) fn merge(&mut self, target: &mut Value, pointer: &str, update: &Value, place: &str) {
        match (target, update) {
            (Value::Object(target), Value::Object(update)) => {
                for (key, value) in update {
                    let token = escape(key);
                    let (pointer, place) =
                        (format!("{pointer}/{token}"), format!("{place}/{token}"));
                    if let Some(old) = target.get_mut(key) {
                        self.merge(old, &pointer, value, &place);
                    } else {
                        self.came_from(&pointer, place);
                        target.insert(key.clone(), value.clone());
                    }
                }
            }
            (Value::Array(target), Value::Array(update)) => {
                for (index, item) in update.iter().enumerate() {
                    let pointer = format!("{pointer}/{}", target.len());
                    self.came_from(&pointer, format!("{place}/{index}"));
                    target.push(item.clone());
                }
            }
            (target, update) => {
                self.came_from(pointer, place.to_owned());
                *target = update.clone();
            }
        }
    }
}

/// Takes out what the pointers lead to; what is below something that is gone is gone with it.
pub(super) fn remove(tree: &mut Value, origins: &mut Origins, pointers: &[String]) {
    let mut by_parent: Vec<(String, Vec<String>)> = Vec::new();
    let mut split: Vec<(String, String)> = pointers
        .iter()
        .filter_map(|p| p.rsplit_once('/'))
        .map(|(parent, token)| (parent.to_owned(), token.to_owned()))
        .collect();
    // The deepest first: what is above keeps its place until then.
    split.sort_by_key(|(parent, _)| {
        (
            std::cmp::Reverse(parent.matches('/').count()),
            parent.clone(),
        )
    });
    for (parent, token) in split {
        match by_parent.last_mut() {
            Some((last, tokens)) if *last == parent => tokens.push(token),
            _ => by_parent.push((parent, vec![token])),
        }
    }
    for (parent, tokens) in by_parent {
        match tree.pointer_mut(&parent) {
            Some(Value::Object(object)) => {
                let gone: BTreeSet<String> = tokens.iter().map(|token| unescape(token)).collect();
                object.retain(|key, _| !gone.contains(key));
                for key in gone {
                    origins.remove_key(&parent, &key);
                }
            }
            Some(Value::Array(items)) => {
                let mut gone: Vec<usize> = tokens.iter().filter_map(|t| t.parse().ok()).collect();
                gone.sort_unstable();
                origins.remove_items(&parent, items.len(), &gone);
                let mut index = 0;
                items.retain(|_| {
                    index += 1;
                    gone.binary_search(&(index - 1)).is_err()
                });
            }
            _ => {}
        }
    }
}
