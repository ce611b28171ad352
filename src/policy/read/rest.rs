//! What is left of a policy without what is wrong in it, so that one mistake does not hide another.
//!
//! Nothing is left out that would make something else look wrong: a rule whose `match` is broken is
//! marked, for nothing is known of it; a file whose sources are broken is not compiled.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::pointer;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::PolicyFile;
use crate::runtime::pointer::unescape;

/// How often values that the schema lets through, and the types do not, are left out.
const TRIES_MAX: usize = 50;

/// A place that something is wrong with.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) enum Wrong {
    /// A key that there is not; all beside it is as it should be.
    Key(String),
    /// A value.
    Value(String),
}

impl Wrong {
    /// Whether it is a key or value of what is at a pointer.
    pub(in crate::policy) fn is_below(&self, pointer: &str) -> bool {
        let (Self::Key(place) | Self::Value(place)) = self;
        let below = place.strip_prefix(pointer);
        below.is_some_and(|rest| rest.starts_with('/'))
    }
}

/// What is left of a policy.
pub(super) struct Rest {
    tree: Value,
    /// Rules of which nothing is known.
    rules: BTreeSet<usize>,
    /// Whether the sources are known, perhaps not all that is said of them.
    sources: bool,
    /// Whether all that is said of sources and credentials is known.
    names: bool,
}

impl Rest {
    pub(super) fn new(tree: Value) -> Self {
        Self {
            tree,
            rules: BTreeSet::new(),
            sources: true,
            names: true,
        }
    }

    /// Whether documents can be read as the policy means it.
    pub(super) fn has_sources(&self) -> bool {
        self.sources
    }

    /// Whether every name that the policy defines is known.
    pub(super) fn names_are_known(&self) -> bool {
        self.names
    }

    /// Leaves out what is wrong, and what makes no sense without it.
    pub(super) fn without(&mut self, wrong: &Wrong) {
        let (pointer, only_key) = match wrong {
            Wrong::Key(pointer) => (pointer, true),
            Wrong::Value(pointer) => (pointer, false),
        };
        let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
        match tokens.as_slice() {
            ["rules", index, "match", ..] | ["rules", index] => self.unknown_rule(index),
            _ if only_key => {
                let named = ["sources", "credentials", "egress"];
                self.names &= !tokens.first().is_some_and(|key| named.contains(key));
                self.remove(pointer);
            }
            // A document is read without it, and nothing is ever served.
            ["credentials", name, ..] => {
                self.names = false;
                self.remove(&format!("/credentials/{name}"));
            }
            [] | ["version" | "sources" | "credentials" | "egress", ..] => {
                (self.sources, self.names) = (false, false);
                self.headless();
            }
            ["rules", index, "args", name, ..] => {
                self.remove(&format!("/rules/{index}/args/{name}"));
            }
            ["rules", index, key, ..] => self.remove(&format!("/rules/{index}/{key}")),
            [key, ..] => self.remove(&format!("/{key}")),
        }
    }

    fn unknown_rule(&mut self, index: &str) {
        let rule = self.tree.pointer_mut(&format!("/rules/{index}"));
        if let (Some(rule), Ok(index)) = (rule, index.parse()) {
            *rule = json!({"match": {}});
            self.rules.insert(index);
        }
    }

    /// Leaves nothing of what is to be served.
    fn headless(&mut self) {
        if let Value::Object(tree) = &mut self.tree {
            for key in ["sources", "credentials", "egress"] {
                tree.shift_remove(key);
            }
            tree.insert("version".to_owned(), json!(1));
        } else {
            self.tree = json!({"version": 1});
        }
    }

    fn remove(&mut self, pointer: &str) {
        let Some((parent, key)) = pointer.rsplit_once('/') else {
            return;
        };
        let key = unescape(key);
        let parent = self.tree.pointer_mut(parent);
        let parent: Option<&mut Map<String, Value>> = parent.and_then(Value::as_object_mut);
        if let Some(parent) = parent {
            parent.shift_remove(&key);
        }
    }

    /// The typed file. What the schema cannot say of a word (a duration of 0s) is found here.
    pub(super) fn typed(&mut self, found: &mut Diagnostics) -> Option<PolicyFile> {
        for _ in 0..TRIES_MAX {
            let error = match serde_path_to_error::deserialize(self.tree.clone()) {
                Ok(file) => return Some(self.marked(file)),
                Err(error) => error,
            };
            let place = pointer(error.path());
            let message = error.into_inner().to_string();
            let loc = Loc::at(place.clone());
            found.push(Diagnostic::new(Code::PolicyValue, loc, message));
            self.without(&Wrong::Value(place));
        }
        None
    }

    fn marked(&self, mut file: PolicyFile) -> PolicyFile {
        for index in &self.rules {
            if let Some(rule) = file.rules.get_mut(*index) {
                rule.broken = true;
            }
        }
        file
    }
}
