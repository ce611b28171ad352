//! Schemas of arguments: an OpenAPI Schema Object becomes JSON Schema 2020-12.
//!
//! Only keywords that JSON Schema has, with values that it allows, come through; the rest is dropped
//! with a diagnostic. References are inlined; what cannot be (a cycle, too deep, too much) becomes
//! `$defs` and `$ref`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use super::allof;
use super::node::{Doc, Node, Place};
use super::room;
use crate::diag::render::is_hiding;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, Severity};

mod discriminator;
mod heirs;
mod keyword;
#[cfg(test)]
mod tests;
mod unknown;

pub(super) use heirs::Heirs;

/// Nodes that are inlined into one operation before references become `$defs`.
const INLINE_NODES: usize = 2_000;
/// Schemas that one operation may have. The largest real ones have a tenth of it.
const OPERATION_SCHEMAS: usize = 30_000;
/// Schemas that all operations together may have: a small document in which everything refers to
/// everything would fill any memory.
const DOCUMENT_SCHEMAS: usize = 500_000;
/// Depth at which references become `$defs`, whatever they lead to.
const INLINE_DEPTH: usize = 40;

/// Reads the schemas of one operation's arguments; `$defs` gather in `defs`.
pub(super) struct Schemas<'a, 'd> {
    doc: &'d Doc<'a>,
    diags: &'d mut Diagnostics,
    /// Definitions that were needed, by name.
    pub(super) defs: Map<String, Value>,
    /// Place of a definition -> its name in `defs`.
    names: BTreeMap<Place, String>,
    /// Names that are taken, with the number that was tried last for each.
    taken: BTreeMap<String, usize>,
    waiting: VecDeque<(String, Node<'a>)>,
    /// Places of the references that are being inlined, outermost first.
    active: Vec<Place>,
    nodes: usize,
    /// Whether the next schema is a part of an `allOf`.
    is_part: bool,
    /// The first reference that could not be followed: the operation is left out for it.
    broken: Option<Box<Diagnostic>>,
}

impl<'a, 'd> Schemas<'a, 'd> {
    pub(super) fn new(doc: &'d Doc<'a>, diags: &'d mut Diagnostics) -> Self {
        Self {
            doc,
            diags,
            defs: Map::new(),
            names: BTreeMap::new(),
            taken: BTreeMap::new(),
            waiting: VecDeque::new(),
            active: Vec::new(),
            nodes: 0,
            is_part: false,
            broken: None,
        }
    }

    pub(super) fn diags(&mut self) -> &mut Diagnostics {
        self.diags
    }

    /// The schema at a node, as one of the arguments'.
    pub(super) fn read(&mut self, node: &Node<'a>) -> Result<Value, Box<Diagnostic>> {
        let schema = self.convert(node, 0);
        while let Some((name, node)) = self.waiting.pop_front()
            && self.broken.is_none()
        {
            let schema = self.convert(&node, 0);
            self.defs.insert(name, schema);
        }
        match self.broken.take() {
            Some(found) => Err(found),
            None => Ok(schema),
        }
    }

    fn drop_keyword(&mut self, node: &Node<'a>, key: &str, why: &str) {
        let loc = node.loc().child(key);
        self.diags.push(
            Diagnostic::new(
                Code::SchemaKeyword,
                loc,
                format!("`{key}` {why}; it is ignored"),
            )
            .help("correct the schema, or the agent will not be told of this rule"),
        );
    }

    /// What is not seen is sent all the same: the API knows no other name or value.
    fn hiding(&mut self, loc: Loc, what: &str) {
        let message = format!("{what} holds invisible characters; it is used as it is");
        let found = Diagnostic::new(Code::SchemaKeyword, loc, message);
        let help = "remove the characters, or do not use the document if they are not yours";
        self.diags.push(found.help(help).harmless());
    }

    fn convert(&mut self, node: &Node<'a>, depth: usize) -> Value {
        if !self.pay(node) {
            return json!({});
        }
        match node.value {
            Value::Object(object)
                if object.contains_key("$ref") || self.doc.reference(node).is_some() =>
            {
                self.reference(node, depth)
            }
            Value::Object(object) => self.object(node, object, depth),
            // Many clients know only objects.
            Value::Bool(true) if self.doc.version.is_json_schema() => json!({}),
            Value::Bool(false) if self.doc.version.is_json_schema() => json!({"not": {}}),
            _ => {
                let message = "this schema is not an object; anything is accepted in its place";
                let found = Diagnostic::new(Code::SchemaKeyword, node.loc(), message);
                self.diags
                    .push(found.help("write a schema, as in `{type: string}`"));
                json!({})
            }
        }
    }

    /// Counts a schema; `false` if there are too many.
    fn pay(&mut self, node: &Node<'a>) -> bool {
        self.nodes += 1;
        let all = self.doc.schemas_read.get() + 1;
        self.doc.schemas_read.set(all);
        let message = if self.nodes > OPERATION_SCHEMAS {
            format!("its arguments need more than {OPERATION_SCHEMAS} schemas")
        } else if all > DOCUMENT_SCHEMAS {
            format!("the operations before it have used up {DOCUMENT_SCHEMAS} schemas")
        } else if !self.doc.has_room(room::of_schema(node)) {
            let found = room::none_left(node.loc());
            self.broken.get_or_insert(Box::new(found));
            return false;
        } else {
            return true;
        };
        let found = Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::new(Code::Budget, node.loc(), message)
        };
        let help = "this limit is fixed; simpler schemas are needed";
        self.broken.get_or_insert(Box::new(found.help(help)));
        false
    }

    fn reference(&mut self, node: &Node<'a>, depth: usize) -> Value {
        let target = match self.doc.resolve(node.clone()) {
            Ok(target) => target,
            Err(found) => {
                self.broken.get_or_insert(found);
                return json!({});
            }
        };
        let place = target.place();
        let too_much = depth > INLINE_DEPTH || self.nodes > INLINE_NODES;
        let found = if let Some(name) = self.names.get(&place) {
            json!({"$ref": format!("#/$defs/{name}")})
        } else if too_much || self.active.contains(&place) {
            let name = self.def_name(&target);
            self.names.insert(place, name.clone());
            self.waiting.push_back((name.clone(), target));
            json!({"$ref": format!("#/$defs/{name}")})
        } else {
            self.active.push(place);
            let found = self.convert(&target, depth + 1);
            self.active.pop();
            found
        };
        if !self.doc.version.is_json_schema() {
            return found;
        }
        self.with_siblings(node, found, depth)
    }

    /// In 3.1 keywords beside `$ref` apply too (JSON Schema 2020-12 core §8.2.3).
    fn with_siblings(&mut self, node: &Node<'a>, target: Value, depth: usize) -> Value {
        let Value::Object(object) = node.value else {
            return target;
        };
        if object.len() == 1 {
            return target;
        }
        let mut rest = object.clone();
        rest.remove("$ref");
        rest.remove("$dynamicRef");
        let siblings = self.object(node, &rest, depth);
        match siblings {
            Value::Object(siblings) if siblings.is_empty() => target,
            siblings => allof::merge(vec![target, siblings]),
        }
    }

    /// A name for a definition: the last token of its pointer, or the name of the file that it is the
    /// whole of, made safe for a URI fragment.
    fn def_name(&mut self, node: &Node<'a>) -> String {
        let last = node.pointer.rsplit('/').next().unwrap_or_default();
        let last = self.doc.file_name(node).unwrap_or(last);
        let safe = |c: char| {
            if c.is_ascii_alphanumeric() || "_.-".contains(c) {
                c
            } else {
                '_'
            }
        };
        let base: String = last.chars().map(safe).take(60).collect();
        let base = if base.is_empty() {
            "schema".to_owned()
        } else {
            base
        };
        let mut name = base.clone();
        let mut count = self.taken.get(&base).copied().unwrap_or(1);
        while self.taken.contains_key(&name) {
            count += 1;
            name = format!("{base}_{count}");
        }
        self.taken.insert(base, count);
        self.taken.entry(name.clone()).or_insert(1);
        name
    }

    fn object(&mut self, node: &Node<'a>, object: &Map<String, Value>, depth: usize) -> Value {
        let is_part = std::mem::take(&mut self.is_part);
        let mut out = Map::new();
        for (key, value) in object {
            self.keyword(node, key, value, depth, &mut out);
        }
        if let Some(title) = object.get("title").and_then(Value::as_str)
            && !out.contains_key("description")
        {
            out.insert("description".into(), title.into());
        }
        let required = self.required(node, object, &out);
        if let Some(required) = required {
            out.insert("required".into(), required);
        }
        keyword::exclusive_bounds(&mut out, object);
        let all = self.all_of(node, depth);
        let mut schema = Value::Object(out);
        if !all.is_empty() {
            let mut parts = all;
            parts.push(schema);
            schema = allof::merge(parts);
        }
        if let Some(discriminator) = node.get("discriminator") {
            let alternatives = node.get("oneOf").or_else(|| node.get("anyOf"));
            let found = if alternatives.is_some() {
                discriminator::apply(node, &discriminator, &mut schema)
            } else {
                self.with_heirs(node, &discriminator, &mut schema, depth)
            };
            // As a part of another schema it tells apart what is not here.
            for found in found.into_iter().filter(|_| !is_part) {
                self.diags.push(found);
            }
        }
        let nullable = self.doc.version.nullable();
        if nullable.is_some_and(|keyword| node.flag(keyword)) {
            schema = keyword::nullable(schema);
        }
        schema
    }

    fn all_of(&mut self, node: &Node<'a>, depth: usize) -> Vec<Value> {
        let Some(all) = node.get("allOf") else {
            return Vec::new();
        };
        if all.value.as_array().is_none_or(Vec::is_empty) {
            self.drop_keyword(node, "allOf", "is not a list of schemas");
        }
        all.items()
            .map(|part| {
                self.is_part = true;
                let schema = self.convert(&part, depth + 1);
                self.is_part = false;
                schema
            })
            .collect()
    }

    fn keyword(
        &mut self,
        node: &Node<'a>,
        key: &str,
        value: &Value,
        depth: usize,
        out: &mut Map<String, Value>,
    ) {
        match key {
            "type" => match keyword::types(value) {
                Some(found) => {
                    out.insert(key.into(), found);
                }
                None => self.drop_keyword(
                    node,
                    key,
                    &format!("is {value}, which is no JSON Schema type"),
                ),
            },
            "properties" | "patternProperties" | "dependentSchemas" => {
                if let Some(found) = self.schema_map(node, key, depth) {
                    out.insert(key.into(), found);
                }
            }
            "oneOf" | "anyOf" | "prefixItems" => {
                if let Some(found) = self.schema_list(node, key, depth) {
                    out.insert(key.into(), found);
                }
            }
            "items"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "additionalProperties" => {
                if let Some(found) = self.one_schema(node, key, value, depth) {
                    out.insert(key.into(), found);
                }
            }
            "nullable" if self.doc.version.nullable() != Some("nullable") => {
                unknown::report(self.doc, node, key, self.diags);
            }
            // These are read together with others, at the end.
            "required" | "allOf" | "nullable" | "discriminator" | "title" | "$ref" => {}
            "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => {
                if self.doc.version.is_json_schema() {
                    let message = format!("`{key}` is {value}; it is read as in OpenAPI 3.0");
                    let found =
                        Diagnostic::new(Code::SchemaKeyword, node.loc().child(key), message);
                    let help = "in OpenAPI 3.1 it is the bound itself";
                    self.diags.push(found.help(help).harmless());
                }
            }
            "example" => {
                out.entry("examples").or_insert_with(|| json!([value]));
            }
            _ => match keyword::plain(key, value) {
                Some(Ok(found)) => {
                    unknown::repeated(node, key, &found, self.diags);
                    if matches!(key, "enum" | "const") && keyword::hides(value) {
                        self.hiding(node.loc().child(key), "a value");
                    }
                    out.insert(key.into(), found);
                }
                Some(Err(why)) => self.drop_keyword(node, key, why),
                None => unknown::report(self.doc, node, key, self.diags),
            },
        }
    }

    fn schema_map(&mut self, node: &Node<'a>, key: &str, depth: usize) -> Option<Value> {
        let map = node.get(key)?;
        if !map.value.is_object() {
            self.drop_keyword(node, key, "is not an object");
            return None;
        }
        let mut out = Map::new();
        for (name, schema) in map.entries() {
            if key == "properties" && is_hiding(name) {
                self.hiding(schema.key_loc(), "the name of a property");
            }
            if key != "properties" || !self.hidden(&schema) {
                out.insert(name.to_owned(), self.convert(&schema, depth + 1));
            }
        }
        Some(Value::Object(out))
    }

    /// A property that only responses have (OpenAPI 3.1.1 §4.8.24.1, `readOnly`).
    fn hidden(&self, schema: &Node<'a>) -> bool {
        schema.flag("readOnly")
            || (self.doc.reference(schema).is_some()
                && self
                    .doc
                    .resolve(schema.clone())
                    .is_ok_and(|target| target.flag("readOnly")))
    }

    fn schema_list(&mut self, node: &Node<'a>, key: &str, depth: usize) -> Option<Value> {
        let list = node.get(key)?;
        match list.value {
            Value::Array(items) if !items.is_empty() => {}
            _ => {
                self.drop_keyword(node, key, "is not a list of schemas");
                return None;
            }
        }
        Some(
            list.items()
                .map(|schema| self.convert(&schema, depth + 1))
                .collect(),
        )
    }

    fn one_schema(
        &mut self,
        node: &Node<'a>,
        key: &str,
        value: &Value,
        depth: usize,
    ) -> Option<Value> {
        match value {
            Value::Bool(_) if key == "additionalProperties" => Some(value.clone()),
            Value::Bool(_)
                if self.doc.version.is_json_schema() && key.starts_with("unevaluated") =>
            {
                Some(value.clone())
            }
            Value::Bool(_) if self.doc.version.is_json_schema() => {
                node.get(key).map(|schema| self.convert(&schema, depth + 1))
            }
            Value::Object(_) => node.get(key).map(|schema| self.convert(&schema, depth + 1)),
            _ => {
                self.drop_keyword(node, key, "is not a schema");
                None
            }
        }
    }

    /// The required properties that are still there: what only responses have is not asked for.
    fn required(
        &mut self,
        node: &Node<'a>,
        object: &Map<String, Value>,
        out: &Map<String, Value>,
    ) -> Option<Value> {
        let Value::Array(names) = object.get("required")? else {
            // `required: true` on a property is a habit from JSON Schema draft 3.
            self.drop_keyword(node, "required", "is not a list of property names");
            return None;
        };
        let declared = object.get("properties").and_then(Value::as_object);
        let kept = out.get("properties").and_then(Value::as_object);
        let removed = |name: &str| {
            declared.is_some_and(|d| d.contains_key(name))
                && !kept.is_some_and(|k| k.contains_key(name))
        };
        let mut required: Vec<Value> = Vec::new();
        let mut seen = BTreeSet::new();
        for name in names {
            match name.as_str() {
                Some(text) if removed(text) || !seen.insert(text) => {}
                Some(_) => required.push(name.clone()),
                None => self.drop_keyword(
                    node,
                    "required",
                    "holds something that is not a property name",
                ),
            }
        }
        (!required.is_empty()).then_some(Value::Array(required))
    }
}
