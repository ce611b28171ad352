//! What a tree says of addresses: its references, and the bases and anchors that it defines.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use url::Url;

use crate::diag::escape;

/// Keys whose value is data, whatever it looks like.
const DATA: [&str; 5] = ["example", "default", "enum", "const", "value"];

/// Keys whose value is a map from names, so that `default` in it is a name.
const NAMED: [&str; 21] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
    "schemas",
    "parameters",
    "responses",
    "requestBodies",
    "headers",
    "securitySchemes",
    "links",
    "callbacks",
    "pathItems",
    "mediaTypes",
    "paths",
    "webhooks",
    "content",
    "encoding",
    "variables",
    "mapping",
];

/// Bytes of pointers and addresses that are kept of one tree: a document in which everything has an
/// `$id` below a long key would fill any memory. What comes later is not known by its address.
const ROOM: usize = 32 << 20;

/// What was found in one tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    /// Pointer to a schema with an `$id` (or to a document with a `$self`) -> the base that it sets.
    bases: BTreeMap<String, Url>,
    /// Pointer to a resource and name of an anchor in it -> the anchor.
    anchors: BTreeMap<(String, String), Anchor>,
    /// References out of their resource, with the pointer to it.
    references: BTreeSet<(String, String)>,
}

#[derive(Debug, Clone)]
struct Anchor {
    pointer: String,
    dynamic: bool,
}

/// A walk through a tree; pointers are made only where something is found.
struct Walk<'t> {
    scan: Scan,
    address: Option<&'t Url>,
    path: Vec<Token<'t>>,
    /// Pointers to the resources around the place, innermost last.
    resources: Vec<String>,
    room: usize,
}

#[derive(Clone, Copy)]
enum Token<'t> {
    Key(&'t str),
    Index(usize),
}

impl Scan {
    /// Looks through a tree that was read from an address.
    pub(crate) fn new(tree: &Value, address: Option<&Url>) -> Self {
        let mut walk = Walk {
            scan: Self::default(),
            address,
            path: Vec::new(),
            resources: vec![String::new()],
            room: ROOM,
        };
        let own = tree.get("$self").and_then(Value::as_str);
        let own = own.filter(|_| tree.get("openapi").is_some());
        if let Some(base) = own.and_then(|own| joined(address, own)) {
            walk.scan.bases.insert(String::new(), base);
        }
        walk.value(tree, false);
        walk.scan
    }
}

impl<'t> Walk<'t> {
    /// `named`: the keys are names and mean nothing else.
    fn value(&mut self, value: &'t Value, named: bool) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Token::Index(index));
                    self.value(item, false);
                    self.path.pop();
                }
            }
            Value::Object(object) => {
                let is_resource = !named && self.keywords(object);
                for (key, value) in object {
                    if !named && is_data(key, value) {
                        continue;
                    }
                    self.path.push(Token::Key(key));
                    let is_map = !named && (NAMED.contains(&key.as_str()) || key == "examples");
                    self.value(value, is_map);
                    self.path.pop();
                }
                if is_resource {
                    self.resources.pop();
                }
            }
            _ => {}
        }
    }

    /// Records what an object says itself; whether it is a resource of its own from here on.
    fn keywords(&mut self, object: &Map<String, Value>) -> bool {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let id = text("$id").filter(|id| !id.starts_with('#'));
        let base = id.and_then(|id| joined(self.base(), id));
        let is_resource = base.is_some();
        if let Some(base) = base
            && let Some(pointer) = self.pointer(base.as_str().len())
        {
            self.resources.push(pointer.clone());
            self.scan.bases.insert(pointer, base);
        } else if is_resource {
            self.resources.push(String::new());
        }
        let old = text("$id").and_then(|id| id.strip_prefix('#'));
        self.anchor(text("$anchor").or(old), false);
        self.anchor(text("$dynamicAnchor"), true);
        for key in ["$ref", "$dynamicRef"] {
            let Some(reference) = text(key).filter(|text| !text.starts_with('#')) else {
                continue;
            };
            let found = (self.resource().to_owned(), reference.to_owned());
            let base = self.base().map_or(0, |base| base.as_str().len());
            let cost = base + found.0.len() + found.1.len();
            if self.room >= cost && self.scan.references.insert(found) {
                self.room -= cost;
            }
        }
        is_resource
    }

    fn anchor(&mut self, name: Option<&str>, dynamic: bool) {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return;
        };
        let resource = self.resource().to_owned();
        if let Some(pointer) = self.pointer(resource.len() + name.len()) {
            let key = (resource, name.to_owned());
            let anchor = Anchor { pointer, dynamic };
            self.scan.anchors.entry(key).or_insert(anchor);
        }
    }

    fn resource(&self) -> &str {
        self.resources.last().map_or("", String::as_str)
    }

    fn base(&self) -> Option<&Url> {
        self.scan.bases.get(self.resource()).or(self.address)
    }

    /// The pointer to this place, if there is room for it and as much again.
    fn pointer(&mut self, more: usize) -> Option<String> {
        let length = |token: &Token<'_>| match token {
            Token::Key(key) => key.len() + 1,
            Token::Index(_) => 8,
        };
        let cost = more + self.path.iter().map(length).sum::<usize>();
        self.room = self.room.checked_sub(cost)?;
        let mut pointer = String::new();
        for token in &self.path {
            match token {
                Token::Key(key) => pointer.push_str(&format!("/{}", escape(key))),
                Token::Index(index) => pointer.push_str(&format!("/{index}")),
            }
        }
        Some(pointer)
    }
}

impl Scan {
    /// The pointers that set a base, with the base.
    pub(super) fn bases(&self) -> impl Iterator<Item = (&str, &Url)> {
        self.bases
            .iter()
            .map(|(pointer, base)| (pointer.as_str(), base))
    }

    /// The nearest base at or above a place, and where it is set.
    pub(super) fn base(&self, pointer: &str) -> Option<(&str, &Url)> {
        if self.bases.is_empty() {
            return None;
        }
        let mut at = pointer;
        loop {
            if let Some((pointer, base)) = self.bases.get_key_value(at) {
                return Some((pointer, base));
            }
            (at, _) = at.rsplit_once('/')?;
        }
    }

    pub(super) fn anchor(&self, resource: &str, name: &str) -> Option<&str> {
        let key = (resource.to_owned(), name.to_owned());
        self.anchors.get(&key).map(|anchor| anchor.pointer.as_str())
    }

    pub(super) fn dynamic_anchors(&self, name: &str) -> usize {
        let named = self.anchors.iter().filter(|((_, own), _)| own == name);
        named.filter(|(_, anchor)| anchor.dynamic).count()
    }

    /// References out of their resource: the base that they are relative to, and their text.
    pub(super) fn references(&self) -> impl Iterator<Item = (Option<&Url>, &str)> {
        let found = self.references.iter();
        found.map(|(resource, text)| (self.bases.get(resource), text.as_str()))
    }
}

/// Whether nothing below a key refers to anything.
fn is_data(key: &str, value: &Value) -> bool {
    key.starts_with("x-") || DATA.contains(&key) || (key == "examples" && !value.is_object())
}

fn joined(base: Option<&Url>, reference: &str) -> Option<Url> {
    let url = match base {
        Some(base) => base.join(reference),
        None => Url::parse(reference),
    };
    let mut url = url.ok()?;
    url.set_fragment(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_told_from_data() {
        let tree = json!({
            "openapi": "3.2.0",
            "a": {"$ref": "a.yaml"},
            "example": {"$ref": "data.yaml"},
            "x-own": {"$ref": "data.yaml"},
            "examples": {"one": {"$ref": "b.yaml"}, "two": {"value": {"$ref": "data.yaml"}}},
            "properties": {
                "example": {"$ref": "c.yaml"}, "$ref": {"type": "string"},
                "properties": {"default": {"$ref": "data.yaml"}, "enum": [{"$ref": "data.yaml"}]},
            },
            "own": {"$ref": "#/a"},
            "examples2": [{"$dynamicRef": "d.yaml#x"}],
        });
        let scan = Scan::new(&tree, None);
        let found: Vec<&str> = scan.references().map(|(_, text)| text).collect();
        assert_eq!(found, ["a.yaml", "b.yaml", "c.yaml", "d.yaml#x"]);
    }

    #[test]
    fn bases_and_anchors() {
        let tree = json!({"openapi": "3.2.0", "$self": "v2/api.yaml", "s": {
            "$id": "https://ids.example/s/", "$anchor": "top", "properties": {
                "$id": {"$ref": "#top", "$dynamicAnchor": "top2"},
                "p": {"$id": "p.json", "$anchor": "top", "items": {"$id": "#old"}},
            },
        }});
        let address = Url::parse("https://docs.example/x/y.yaml").unwrap();
        let scan = Scan::new(&tree, Some(&address));
        let base = |pointer: &str| scan.base(pointer).map(|(_, base)| base.as_str());
        assert_eq!(base("/paths"), Some("https://docs.example/x/v2/api.yaml"));
        assert_eq!(base("/s/properties/q"), Some("https://ids.example/s/"));
        assert_eq!(
            base("/s/properties/p/items"),
            Some("https://ids.example/s/p.json")
        );
        assert_eq!(scan.anchor("/s", "top"), Some("/s"));
        assert_eq!(
            scan.anchor("/s/properties/p", "top"),
            Some("/s/properties/p")
        );
        assert_eq!(
            scan.anchor("/s/properties/p", "old"),
            Some("/s/properties/p/items")
        );
        assert_eq!(scan.anchor("", "top"), None);
        assert_eq!(scan.dynamic_anchors("top2"), 1);
        assert_eq!(scan.references().count(), 0);
    }
}
