//! Schemas below a pointer into the arguments: what holds there, and where a rule can be written so that
//! it holds whatever alternative a value takes.
//!
//! What is written is written into a copy in place of a `$ref`, never into a shared definition.

use std::cell::Cell;

use crate::runtime::pointer::unescape;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// One step of a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Token {
    /// A property.
    Key(String),
    /// Every element of a list.
    Each,
}

/// Looks at schemas with the definitions that they refer to.
pub(super) struct Reach<'d> {
    pub(super) defs: &'d Object,
    /// What is left of the work that looking may take: alternatives can refer to each other.
    fuel: Cell<u32>,
}

/// Schemas that one search looks at.
const FUEL: u32 = 20_000;
/// References that lead to each other.
const CHAIN_MAX: usize = 32;

/// How a rule gets to a part of a value.
enum Way {
    /// Through the schema's own keyword.
    Own,
    /// Through a branch that always counts.
    Branch(&'static str, usize),
    /// Beside all branches: keywords intersect.
    Beside,
}

impl<'d> Reach<'d> {
    pub(super) fn new(defs: &'d Object) -> Self {
        Self {
            defs,
            fuel: Cell::new(FUEL),
        }
    }

    fn spend(&self) -> bool {
        let left = self.fuel.get();
        self.fuel.set(left.saturating_sub(1));
        left > 0
    }

    /// The definition that a schema refers to.
    pub(super) fn target(&self, schema: &Object) -> Option<&'d Value> {
        let name = schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        self.defs.get(&unescape(name))
    }

    /// What holds of the part of a value at a pointer; `None` if no schema knows it.
    pub(super) fn gather(&self, schema: &Value, tokens: &[Token]) -> Option<Value> {
        self.fuel.set(FUEL);
        let mut at = schema.clone();
        for token in tokens {
            at = self.below(&at, token)?;
        }
        Some(at)
    }

    fn below(&self, schema: &Value, token: &Token) -> Option<Value> {
        let object = schema.as_object().filter(|_| self.spend())?;
        let mut all: Vec<Value> = own(object, token).cloned().into_iter().collect();
        all.extend(
            self.target(object)
                .and_then(|target| self.below(target, token)),
        );
        all.extend(branches(object, "allOf").filter_map(|branch| self.below(branch, token)));
        for key in ["anyOf", "oneOf"] {
            let some = branches(object, key).filter_map(|branch| self.below(branch, token));
            all.extend(joined("anyOf", some.collect()));
        }
        joined("allOf", all)
    }

    /// The names of properties that a schema knows.
    pub(super) fn names(&self, schema: &Value) -> Vec<String> {
        let mut names = Vec::new();
        self.fuel.set(FUEL);
        self.collect_names(schema, &mut names);
        names
    }

    fn collect_names(&self, schema: &Value, names: &mut Vec<String>) {
        let Some(object) = schema.as_object().filter(|_| self.spend()) else {
            return;
        };
        let own = object.get("properties").and_then(Value::as_object);
        for name in own.into_iter().flat_map(Map::keys) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if let Some(target) = self.target(object) {
            self.collect_names(target, names);
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            branches(object, key).for_each(|branch| self.collect_names(branch, names));
        }
    }

    /// The names that an object must have, whatever alternative it takes.
    pub(super) fn required(&self, schema: &Value) -> Vec<String> {
        let Some(object) = schema.as_object().filter(|_| self.spend()) else {
            return Vec::new();
        };
        let mut names: Vec<String> = listed(object, "required").map(str::to_owned).collect();
        if let Some(target) = self.target(object) {
            names.extend(self.required(target));
        }
        names.extend(branches(object, "allOf").flat_map(|branch| self.required(branch)));
        names
    }

    /// Puts a copy of what a schema refers to in its place.
    pub(super) fn inline(&self, node: &mut Value) {
        for _ in 0..CHAIN_MAX {
            let Some(object) = node.as_object_mut() else {
                return;
            };
            let Some(target) = self.target(object).cloned() else {
                return;
            };
            object.shift_remove("$ref");
            let annotation = |key: &String| {
                ["title", "description", "default", "examples", "deprecated"]
                    .contains(&key.as_str())
            };
            match target {
                Value::Object(mut target) if object.keys().all(annotation) => {
                    target.extend(std::mem::take(object));
                    *object = target;
                }
                target => {
                    let all = object.entry("allOf").or_insert_with(|| json!([]));
                    if let Value::Array(all) = all {
                        all.push(target);
                    }
                    return;
                }
            }
        }
    }

    /// The schema at a pointer, to write into: what is written there holds for every value at that
    /// place. Where no single schema is there it is made, beside the alternatives.
    pub(super) fn place<'n>(
        &self,
        node: &'n mut Value,
        tokens: &[Token],
    ) -> Option<&'n mut Object> {
        self.inline(node);
        if *node == Value::Bool(true) {
            *node = json!({});
        }
        let object = node.as_object_mut()?;
        let Some((first, rest)) = tokens.split_first() else {
            return Some(object);
        };
        let child = match self.way(object, tokens) {
            Way::Own => own_mut(object, first)?,
            Way::Branch(key, index) => {
                let branch = object.get_mut(key)?.get_mut(index)?;
                return self.place(branch, tokens);
            }
            Way::Beside => made(object, first)?,
        };
        self.place(child, rest)
    }

    fn way(&self, object: &Object, tokens: &[Token]) -> Way {
        let Some(first) = tokens.first() else {
            return Way::Own;
        };
        if own(object, first).is_some() {
            return Way::Own;
        }
        let has = |branch: &Value| self.gather(branch, tokens).is_some();
        if let Some(index) = branches(object, "allOf").position(has) {
            return Way::Branch("allOf", index);
        }
        for key in ["anyOf", "oneOf"] {
            let mut real = branches(object, key)
                .enumerate()
                .filter(|(_, branch)| !is_null(branch));
            if let (Some((index, branch)), None) = (real.next(), real.next())
                && has(branch)
            {
                return Way::Branch(key, index);
            }
        }
        Way::Beside
    }

    /// Visits every schema of the object at a pointer that says something of one of its properties,
    /// those of alternatives and conditions too.
    pub(super) fn each(
        &self,
        node: &mut Value,
        tokens: &[Token],
        name: &str,
        visit: &mut dyn FnMut(&mut Object),
    ) {
        if !self.touches(node, tokens, name, CHAIN_MAX) {
            return;
        }
        self.inline(node);
        let Some(object) = node.as_object_mut() else {
            return;
        };
        match tokens.split_first() {
            None => visit(object),
            Some((first, rest)) => {
                if let Some(child) = own_mut(object, first) {
                    self.each(child, rest, name, visit);
                }
                if let (Token::Each, Some(Value::Array(list))) =
                    (first, object.get_mut("prefixItems"))
                {
                    for child in list {
                        self.each(child, rest, name, visit);
                    }
                }
            }
        }
        for (key, value) in object.iter_mut() {
            match (key.as_str(), value) {
                ("allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
                    for branch in list {
                        self.each(branch, tokens, name, visit);
                    }
                }
                ("if" | "then" | "else", value) => self.each(value, tokens, name, visit),
                ("dependentSchemas", Value::Object(map)) => {
                    for (_, value) in map {
                        self.each(value, tokens, name, visit);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a schema says something of a property of the object at a pointer.
    fn touches(&self, schema: &Value, tokens: &[Token], name: &str, depth: usize) -> bool {
        let Some(object) = schema.as_object().filter(|_| depth > 0) else {
            return false;
        };
        let again = |schema: &Value| self.touches(schema, tokens, name, depth - 1);
        let here = match tokens.split_first() {
            None => {
                let has = |key: &str| {
                    let map = object.get(key).and_then(Value::as_object);
                    map.is_some_and(|map| map.contains_key(name))
                };
                let dependent = object.get("dependentRequired").and_then(Value::as_object);
                has("properties")
                    || has("dependentRequired")
                    || has("dependentSchemas")
                    || listed(object, "required").any(|other| other == name)
                    || dependent.is_some_and(|map| map.values().any(|list| holds(list, name)))
            }
            Some((first, rest)) => {
                let below = |child: &Value| self.touches(child, rest, name, depth - 1);
                own(object, first).is_some_and(below)
                    || *first == Token::Each && branches(object, "prefixItems").any(below)
            }
        };
        let map = object.get("dependentSchemas").and_then(Value::as_object);
        here || self.target(object).is_some_and(again)
            || ["allOf", "anyOf", "oneOf"]
                .into_iter()
                .any(|key| branches(object, key).any(again))
            || ["if", "then", "else"]
                .into_iter()
                .any(|key| object.get(key).is_some_and(again))
            || map.is_some_and(|map| map.values().any(again))
    }

    /// The definitions that schemas refer to, those that these refer to among them.
    pub(super) fn used(&self, schema: &Value) -> Object {
        let mut names: Vec<String> = Vec::new();
        references(schema, &mut names);
        let mut at = 0;
        while let Some(name) = names.get(at).cloned() {
            if let Some(target) = self.defs.get(&name) {
                references(target, &mut names);
            }
            at += 1;
        }
        let used = self.defs.iter().filter(|(name, _)| names.contains(name));
        used.map(|(name, schema)| (name.clone(), schema.clone()))
            .collect()
    }

    /// A schema with all that it refers to.
    pub(super) fn standalone(&self, schema: &Value) -> Object {
        let used = self.used(schema);
        let mut object = match schema {
            Value::Object(object) => object.clone(),
            _ => Map::new(),
        };
        if !used.is_empty() {
            object.insert("$defs".to_owned(), Value::Object(used));
        }
        object
    }
}

/// What a schema itself says of a part of a value.
fn own<'s>(object: &'s Object, token: &Token) -> Option<&'s Value> {
    let found = match token {
        Token::Key(name) => object.get("properties")?.get(name)?,
        // Elements with a schema of their own are not what `items` means.
        Token::Each if object.contains_key("prefixItems") => return None,
        Token::Each => object.get("items")?,
    };
    (found.is_object() || *found == Value::Bool(true)).then_some(found)
}

fn own_mut<'s>(object: &'s mut Object, token: &Token) -> Option<&'s mut Value> {
    own(object, token)?;
    match token {
        Token::Key(name) => object.get_mut("properties")?.get_mut(name),
        Token::Each => object.get_mut("items"),
    }
}

/// A schema beside the alternatives that holds for a part of a value.
fn made<'s>(object: &'s mut Object, token: &Token) -> Option<&'s mut Value> {
    match token {
        Token::Key(name) => {
            let map = object.entry("properties").or_insert_with(|| json!({}));
            let map = map.as_object_mut()?;
            Some(map.entry(name.clone()).or_insert_with(|| json!({})))
        }
        Token::Each if object.contains_key("prefixItems") || object.contains_key("items") => {
            let all = object.entry("allOf").or_insert_with(|| json!([]));
            let all = all.as_array_mut()?;
            all.push(json!({"items": {}}));
            all.last_mut()?.get_mut("items")
        }
        Token::Each => Some(object.entry("items").or_insert_with(|| json!({}))),
    }
}

/// The schemas under a keyword.
pub(super) fn branches<'s>(object: &'s Object, key: &str) -> impl Iterator<Item = &'s Value> {
    object
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The names under a keyword.
pub(super) fn listed<'s>(object: &'s Object, key: &str) -> impl Iterator<Item = &'s str> {
    branches(object, key).filter_map(Value::as_str)
}

/// Whether a list of names holds one.
pub(super) fn holds(list: &Value, name: &str) -> bool {
    list.as_array()
        .is_some_and(|list| list.iter().any(|other| other == name))
}

/// Whether a schema is of null and nothing else.
pub(super) fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|name| name == "null")
}

fn joined(key: &str, mut schemas: Vec<Value>) -> Option<Value> {
    match schemas.len() {
        0 => None,
        1 => schemas.pop(),
        _ => Some(json!({ key: schemas })),
    }
}

/// The names of definitions that a schema refers to, those already there left out.
fn references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Array(list) => list.iter().for_each(|item| references(item, names)),
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("$ref", Value::String(text)) => {
                        let name = text.strip_prefix("#/$defs/").unwrap_or_default();
                        let name = name.split('/').next().unwrap_or_default();
                        let name = unescape(name);
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                    ("enum" | "const" | "default" | "examples", _) => {}
                    (_, value) => references(value, names),
                }
            }
        }
        _ => {}
    }
}
