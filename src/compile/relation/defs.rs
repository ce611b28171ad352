//! Schemas that are said once: columns of one type are compared alike.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::compile::size;

/// Bytes of a schema that a reference is not shorter than.
const SHORT: usize = 40;

/// An object with these members, in this order. There are thousands of them: none has room for more.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.map(|(key, value)| (key.to_owned(), value));
    Value::Object(Map::from_iter(members))
}

/// Definitions, by name.
#[derive(Default)]
pub(super) struct Defs {
    named: Map<String, Value>,
}

/// What stands for a schema, as often as it is needed.
pub(super) enum Said {
    /// The schema itself.
    Short(Value),
    /// A reference.
    Reference(String),
}

impl Said {
    /// As a schema.
    pub(super) fn schema(&self) -> Value {
        match self {
            Self::Short(schema) => schema.clone(),
            Self::Reference(pointer) => object([("$ref", pointer.as_str().into())]),
        }
    }
}

impl Defs {
    /// A reference to a schema, under this name or the first like it that is free; a short schema stands
    /// for itself.
    pub(super) fn refer(&mut self, name: &str, schema: Cow<'_, Value>) -> Said {
        if !size::is_at_least(&*schema, SHORT) {
            return Said::Short(schema.into_owned());
        }
        let mut unique = name.to_owned();
        let mut number = 1;
        while self
            .named
            .get(&unique)
            .is_some_and(|there| *there != *schema)
        {
            number += 1;
            unique = format!("{name}_{number}");
        }
        let pointer = format!("#/$defs/{unique}");
        self.named
            .entry(unique)
            .or_insert_with(|| schema.into_owned());
        Said::Reference(pointer)
    }

    /// What was referred to.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.named
    }
}
