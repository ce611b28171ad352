//! `discriminator`: each alternative is tied to its value of the discriminating property.

use serde_json::{Value, json};

use super::super::allof;
use super::super::node::Node;
use crate::diag::{Code, Diagnostic};

/// Ties each alternative to its value of the discriminating property
/// (OpenAPI 3.1.1 §4.8.25), so that a validator can tell them apart. Returned is why that is not possible.
pub(super) fn apply(
    node: &Node<'_>,
    discriminator: &Node<'_>,
    schema: &mut Value,
) -> Option<Diagnostic> {
    let Some(property) = discriminator.str("propertyName") else {
        return Some(not_applied(discriminator, "it has no `propertyName`"));
    };
    let mapping = discriminator.get("mapping");
    let default = discriminator.str("defaultMapping");
    for key in ["oneOf", "anyOf"] {
        let Some(list) = node.get(key) else { continue };
        let values: Vec<Option<Vec<String>>> = list
            .items()
            .map(|alternative| {
                let reference = alternative.str("$ref")?;
                let fallback = default.is_some_and(|name| names(name, reference));
                (!fallback).then(|| discriminating_values(reference, mapping.as_ref()))
            })
            .collect();
        for (index, alternative) in list.items().enumerate() {
            let Some(found) = schema.get_mut(key).and_then(|l| l.get_mut(index)) else {
                continue;
            };
            match values.get(index) {
                Some(Some(own)) => tag(found, property, own),
                Some(None) if alternative.str("$ref").is_some() => {
                    let others: Vec<&String> = values.iter().flatten().flatten().collect();
                    exclude(found, property, &others);
                }
                _ => {}
            }
        }
    }
    None
}

/// Says that values are not told apart.
pub(super) fn not_applied(discriminator: &Node<'_>, why: &str) -> Diagnostic {
    let message = format!("`discriminator` is not applied: {why}");
    let found = Diagnostic::new(Code::KeywordNotApplied, discriminator.loc(), message);
    found.help("list the schemas that may stand here as `oneOf`, with `discriminator.propertyName`")
}

/// The values that lead to a schema: those that the mapping gives it, else its name.
fn discriminating_values(reference: &str, mapping: Option<&Node<'_>>) -> Vec<String> {
    let mapped: Vec<String> = mapping
        .iter()
        .flat_map(|mapping| mapping.entries())
        .filter(|(_, target)| target.value.as_str().is_some_and(|t| names(t, reference)))
        .map(|(value, _)| value.to_owned())
        .collect();
    if mapped.is_empty() {
        vec![last(reference).to_owned()]
    } else {
        mapped
    }
}

/// Whether the text of a mapping means the schema that a reference leads to: it is that reference, or
/// the name of the schema.
fn names(text: &str, reference: &str) -> bool {
    text == reference || text == last(reference)
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// The alternative of `defaultMapping` (OpenAPI 3.2.0 §4.25) is for all that no other one claims: the
/// property may be missing or have a value that nobody knows.
fn exclude(alternative: &mut Value, property: &str, others: &[&String]) {
    if others.is_empty() {
        return;
    }
    let claimed = json!({"properties": {property: {"enum": others}}, "required": [property]});
    let part = json!({"not": claimed});
    *alternative = allof::merge(vec![alternative.take(), part]);
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
