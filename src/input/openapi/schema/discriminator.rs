//! `discriminator`: each alternative is tied to its value of the discriminating property.

use serde_json::{Value, json};

use super::super::allof;
use super::super::node::Node;

/// Ties each alternative to its value of the discriminating property
/// (OpenAPI 3.1.1 §4.8.25), so that a validator can tell them apart.
pub(super) fn apply(node: &Node<'_>, discriminator: &Node<'_>, schema: &mut Value) {
    let Some(property) = discriminator.str("propertyName") else {
        return;
    };
    let mapping = discriminator.get("mapping");
    for key in ["oneOf", "anyOf"] {
        let Some(list) = node.get(key) else { continue };
        for (index, alternative) in list.items().enumerate() {
            let Some(reference) = alternative.str("$ref") else {
                continue;
            };
            let values = discriminating_values(reference, mapping.as_ref());
            if let Some(found) = schema.get_mut(key).and_then(|l| l.get_mut(index)) {
                tag(found, property, &values);
            }
        }
    }
}

/// The values that lead to a schema: those that the mapping gives it, else its name.
fn discriminating_values(reference: &str, mapping: Option<&Node<'_>>) -> Vec<String> {
    let name = reference.rsplit('/').next().unwrap_or_default();
    let mapped: Vec<String> = mapping
        .iter()
        .flat_map(|mapping| mapping.entries())
        .filter(|(_, target)| {
            target
                .value
                .as_str()
                .is_some_and(|t| t == reference || t == name)
        })
        .map(|(value, _)| value.to_owned())
        .collect();
    if mapped.is_empty() {
        vec![name.to_owned()]
    } else {
        mapped
    }
}

/// Adds `const` (or `enum`) for the property, unless the alternative says itself what it takes.
fn tag(alternative: &mut Value, property: &str, values: &[String]) {
    let says = match values {
        [one] => json!({"type": "string", "const": one}),
        many => json!({"type": "string", "enum": many}),
    };
    let own = alternative.get("properties").and_then(|p| p.get(property));
    if own.is_some_and(|own| own.get("const").is_some() || own.get("enum").is_some()) {
        return;
    }
    let part = json!({"properties": {property: says}, "required": [property]});
    *alternative = allof::merge(vec![alternative.take(), part]);
}
