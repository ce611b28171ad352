//! Schemas that a tool's input has several times are told once, under `$defs`.
//!
//! Only large inputs are touched: a client that knows no `$ref` loses nothing where there is little
//! to gain. Equal schemas mean the same wherever they stand, so nothing changes but the size.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::size;

/// Bytes of an input schema below which it stays as it is.
const INPUT_MIN: usize = 6_000;
/// Bytes of a schema below which a reference to it is no gain.
const SHARED_MIN: usize = 160;

/// Moves what is there more than once, below the arguments themselves, into `$defs`.
pub(super) fn share(input: &mut Value) {
    if !size::is_at_least(input, INPUT_MIN) {
        return;
    }
    let mut census = Census::default();
    each_argument(input, |name, schema| {
        for_each_child(schema, name, &mut |child, name| {
            census.count(child, name);
        });
    });
    let repeated = census.repeated();
    if repeated.is_empty() {
        return;
    }
    let mut shared = Shared {
        repeated,
        names: BTreeMap::new(),
        defs: Map::new(),
        taken: taken(input),
    };
    each_argument_mut(input, |schema| shared.replace_below(schema));
    if let Some(root) = input.as_object_mut()
        && let Value::Object(defs) = root.entry("$defs").or_insert_with(|| json!({}))
    {
        defs.extend(shared.defs);
    }
}

fn taken(input: &Value) -> Vec<String> {
    let defs = input.get("$defs").and_then(Value::as_object);
    defs.into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

/// How often schemas are there, a schema inside another counted once however often that one is.
#[derive(Default)]
struct Census<'s> {
    found: BTreeMap<u64, Found<'s>>,
}

struct Found<'s> {
    schema: &'s Value,
    /// The innermost property that the first one is in.
    name: &'s str,
    count: usize,
}

impl<'s> Census<'s> {
    fn count(&mut self, schema: &'s Value, name: &'s str) {
        let Some(key) = key(schema) else { return };
        if let Some(found) = self.found.get_mut(&key) {
            if found.schema == schema {
                found.count += 1;
            }
            return;
        }
        let count = 1;
        self.found.insert(
            key,
            Found {
                schema,
                name,
                count,
            },
        );
        for_each_child(schema, name, &mut |child, name| self.count(child, name));
    }

    /// The schemas that are there more than once, each with the property of the first.
    fn repeated(self) -> BTreeMap<u64, (Value, String)> {
        let repeated = self.found.into_iter().filter(|(_, found)| found.count > 1);
        repeated
            .map(|(key, found)| (key, (found.schema.clone(), found.name.to_owned())))
            .collect()
    }
}

/// What equal schemas have in common, if they are large enough to care.
fn key(schema: &Value) -> Option<u64> {
    if !size::is_at_least(schema, SHARED_MIN) {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    schema.to_string().hash(&mut hasher);
    Some(hasher.finish())
}

struct Shared {
    repeated: BTreeMap<u64, (Value, String)>,
    /// What a definition is called, by its schema's key.
    names: BTreeMap<u64, String>,
    defs: Map<String, Value>,
    taken: Vec<String>,
}

impl Shared {
    fn replace(&mut self, schema: &mut Value) {
        let Some(key) = key(schema) else { return };
        let found = self.repeated.get(&key);
        let name = match found.filter(|(first, _)| first == schema) {
            Some((_, name)) => name.clone(),
            None => return self.replace_below(schema),
        };
        let reference = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
        if let Some(name) = self.names.get(&key) {
            *schema = reference(name);
            return;
        }
        let name = self.unique(&name);
        self.names.insert(key, name.clone());
        // The definition has its place before those inside it.
        self.defs.insert(name.clone(), Value::Null);
        let mut definition = std::mem::replace(schema, reference(&name));
        self.replace_below(&mut definition);
        self.defs.insert(name, definition);
    }

    fn replace_below(&mut self, schema: &mut Value) {
        for_each_child_mut(schema, &mut |child| self.replace(child));
    }

    /// A name that is safe in a URI fragment and not taken.
    fn unique(&mut self, wanted: &str) -> String {
        let safe = wanted
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c));
        let base: String = safe.take(40).collect();
        let base = if base.is_empty() {
            "shared".to_owned()
        } else {
            base
        };
        let mut name = base.clone();
        let mut count = 2;
        while self.taken.contains(&name) {
            name = format!("{base}_{count}");
            count += 1;
        }
        self.taken.push(name.clone());
        name
    }
}

fn each_argument<'s>(input: &'s Value, mut visit: impl FnMut(&'s str, &'s Value)) {
    for place in ["properties", "$defs"] {
        let map = input.get(place).and_then(Value::as_object);
        for (name, schema) in map.into_iter().flatten() {
            visit(name, schema);
        }
    }
}

fn each_argument_mut(input: &mut Value, mut visit: impl FnMut(&mut Value)) {
    for place in ["properties", "$defs"] {
        let map = input.get_mut(place).and_then(Value::as_object_mut);
        for (_, schema) in map.into_iter().flatten() {
            visit(schema);
        }
    }
}

/// How the value of a keyword holds schemas.
pub(super) enum Holds {
    One,
    List,
    Map,
}

pub(super) fn holds(keyword: &str) -> Option<Holds> {
    Some(match keyword {
        "items"
        | "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames"
        | "additionalProperties"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Holds::One,
        "oneOf" | "anyOf" | "allOf" | "prefixItems" => Holds::List,
        "properties" | "patternProperties" | "dependentSchemas" => Holds::Map,
        _ => return None,
    })
}

fn for_each_child<'s>(
    schema: &'s Value,
    name: &'s str,
    visit: &mut impl FnMut(&'s Value, &'s str),
) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match (holds(keyword), value) {
            (Some(Holds::One), value) => visit(value, name),
            (Some(Holds::List), Value::Array(list)) => {
                for child in list {
                    visit(child, name);
                }
            }
            (Some(Holds::Map), Value::Object(map)) => {
                for (name, child) in map {
                    visit(child, name);
                }
            }
            _ => {}
        }
    }
}

fn for_each_child_mut(schema: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    for (keyword, value) in schema.as_object_mut().into_iter().flatten() {
        match (holds(keyword), value) {
            (Some(Holds::One), value) => visit(value),
            (Some(Holds::List), Value::Array(list)) => {
                for child in list {
                    visit(child);
                }
            }
            (Some(Holds::Map), Value::Object(map)) => {
                for (_, child) in map {
                    visit(child);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(text: &str) -> Value {
        json!({"type": "string", "description": text.repeat(200)})
    }

    #[test]
    fn what_is_there_twice_is_told_once() {
        let inner = json!({"type": "object", "properties": {"deep": long("i")}});
        let outer = json!({"type": "array", "items": inner});
        let filler = json!({"type": "object", "properties": {"x": long(&"f".repeat(40))}});
        let mut input = json!({
            "type": "object",
            "properties": {
                "a": {"type": "object", "properties": {"one": outer, "two": outer}},
                "b": {"type": "object", "properties": {"one": inner}},
                "c": inner,
                "filler": filler,
            },
            "$defs": {"one": {"type": "object"}},
        });
        share(&mut input);
        let one = json!({"$ref": "#/$defs/one_2"});
        assert_eq!(input["properties"]["a"]["properties"]["one"], one);
        assert_eq!(input["properties"]["a"]["properties"]["two"], one);
        let shared = json!({"$ref": "#/$defs/one_3"});
        assert_eq!(input["$defs"]["one_2"]["items"], shared);
        assert_eq!(input["properties"]["b"]["properties"]["one"], shared);
        assert_eq!(
            input["properties"]["c"]["type"], "object",
            "arguments stay as they are"
        );
        assert_eq!(
            input["$defs"]["one_3"]["properties"]["deep"],
            json!({"$ref": "#/$defs/deep"})
        );
        assert_eq!(input["$defs"]["deep"], long("i"));
        assert_eq!(input["properties"]["filler"], filler);
    }

    #[test]
    fn small_inputs_stay_as_they_are() {
        let twice = long("x");
        let input = json!({"properties": {"a": {"properties": {"p": twice, "q": twice}}}});
        let mut after = input.clone();
        share(&mut after);
        assert_eq!(after, input);
    }
}
