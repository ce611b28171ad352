//! Schemas that are said once: columns of one type are compared alike.

use serde_json::{Map, Value, json};

/// Bytes of a schema that a reference is not shorter than.
const SHORT: usize = 40;

/// Definitions, by name.
#[derive(Default)]
pub(super) struct Defs {
    named: Map<String, Value>,
}

impl Defs {
    /// A reference to a schema, under this name or the first like it that is free; a short schema stands
    /// for itself.
    pub(super) fn refer(&mut self, name: &str, schema: Value) -> Value {
        if schema.to_string().len() < SHORT {
            return schema;
        }
        let mut unique = name.to_owned();
        let mut number = 1;
        while self
            .named
            .get(&unique)
            .is_some_and(|there| *there != schema)
        {
            number += 1;
            unique = format!("{name}_{number}");
        }
        let reference = json!({"$ref": format!("#/$defs/{unique}")});
        self.named.entry(unique).or_insert(schema);
        reference
    }

    /// What was referred to.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.named
    }
}
