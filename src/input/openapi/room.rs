//! Room for texts: a name or a description of a megabyte is one of the document, but every operation that
//! refers to it has a copy.

use serde_json::Value;

use super::node::{Doc, Node};
use crate::catalog::Capability;
use crate::diag::{Code, Diagnostic, Loc, Severity};

/// Bytes of text that all operations together may have, in MiB.
const TEXTS_MIB: usize = 128;
/// Longest pointer that costs nothing.
const POINTER_FREE: usize = 1_000;

impl Doc<'_> {
    /// Counts a text of an operation; `false` if all of them are too much.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let all = self.texts_read.get().saturating_add(bytes);
        self.texts_read.set(all);
        all <= TEXTS_MIB << 20
    }
}

/// Why an operation is left out that came too late.
pub(super) fn none_left(loc: Loc) -> Diagnostic {
    let message = format!("the operations before it have used up {TEXTS_MIB} MiB of text");
    let found = Diagnostic {
        severity: Severity::Warning,
        ..Diagnostic::new(Code::Budget, loc, message)
    };
    found.help("this limit is fixed; shorter names and descriptions are needed")
}

/// The text of a schema itself, without those in it.
pub(super) fn of_schema(node: &Node<'_>) -> usize {
    let mut bytes = node.pointer.len().saturating_sub(POINTER_FREE);
    let entries = node.value.as_object().into_iter().flatten();
    for (key, value) in entries {
        bytes += key.len();
        bytes += match (key.as_str(), value) {
            (_, Value::String(text)) => text.len(),
            (_, Value::Number(number)) => number.to_string().len(),
            ("properties" | "patternProperties" | "dependentSchemas", Value::Object(map)) => {
                map.keys().map(String::len).sum()
            }
            (
                "required" | "enum" | "const" | "default" | "example" | "examples"
                | "dependentRequired" | "discriminator",
                value,
            ) => text(value),
            _ => 0,
        };
    }
    bytes
}

/// The text of an operation besides the schemas of its arguments.
pub(super) fn of_capability(capability: &Capability) -> usize {
    let long = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let all = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let mut bytes = capability.path.len() + all(&capability.tags);
    bytes += [
        &capability.id,
        &capability.summary,
        &capability.description,
        &capability.base_url,
        &capability.output.description,
    ]
    .map(long)
    .iter()
    .sum::<usize>();
    bytes += capability
        .params
        .iter()
        .map(|p| p.name.len())
        .sum::<usize>();
    for (name, scopes) in capability.security.iter().flatten() {
        bytes += name.len() + all(scopes);
    }
    bytes += all(&capability.output.media_types);
    bytes += capability.output.schema.as_ref().map_or(0, text);
    if let Some(body) = &capability.body {
        bytes += body.content_type.len() + all(&body.also) + long(&body.description);
    }
    bytes
}

/// The texts, keys and digits of a value.
fn text(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Number(number) => number.to_string().len(),
        Value::Array(items) => items.iter().map(text).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + text(value)).sum(),
        _ => 0,
    }
}
