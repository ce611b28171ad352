//! Keywords of schemas that are not read: those that would constrain something are a loss, those that
//! nobody knows are a slip of the pen.

use serde_json::Value;

use super::super::node::{Doc, Node};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};

/// Keywords that say nothing of a value, or are read elsewhere: identifiers and places of definitions,
/// comments, and what OpenAPI adds for other purposes (OpenAPI 3.1.1 §4.8.24.1).
const SILENT: [&str; 15] = [
    "$id",
    "$anchor",
    "$schema",
    "$vocabulary",
    "$comment",
    "$defs",
    "definitions",
    "$dynamicAnchor",
    "$recursiveAnchor",
    "contentSchema",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "id",
];

/// Keywords that constrain values and are not applied.
const NOT_APPLIED: [(&str, &str); 4] = [
    ("$dynamicRef", "write a `$ref`"),
    ("$recursiveRef", "write a `$ref`"),
    (
        "dependencies",
        "write `dependentRequired` or `dependentSchemas`",
    ),
    ("additionalItems", "write `prefixItems` and `items`"),
];

/// Keywords that a slip may have meant.
const KNOWN: [&str; 30] = [
    "type",
    "properties",
    "required",
    "items",
    "enum",
    "const",
    "format",
    "description",
    "default",
    "example",
    "examples",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "multipleOf",
    "pattern",
    "uniqueItems",
    "additionalProperties",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "nullable",
    "deprecated",
    "readOnly",
];

/// Unknown keywords that are reported. A document with more is no document for people.
const REPORTED_MAX: usize = 100;

/// Reports a keyword that is not read, if anybody may miss it.
pub(super) fn report(doc: &Doc<'_>, node: &Node<'_>, key: &str, diags: &mut Diagnostics) {
    if key.starts_with("x-") || SILENT.contains(&key) {
        return;
    }
    if let Some((_, help)) = NOT_APPLIED.iter().find(|(name, _)| *name == key) {
        let message = format!("`{key}` is not applied");
        let found = Diagnostic::new(Code::KeywordNotApplied, node.loc().child(key), message);
        return diags.push(found.help(*help));
    }
    let mut reported = doc.unknown_keywords.borrow_mut();
    if reported.len() >= REPORTED_MAX || !reported.insert(key.to_owned()) {
        return;
    }
    let short: String = key.chars().take(60).collect();
    let message = format!("`{short}` is no keyword of a schema; it is ignored wherever it is");
    let help = if key == "nullable" {
        "`nullable` is of OpenAPI 3.0; later versions write `type: [string, \"null\"]`".to_owned()
    } else {
        match nearest(key, KNOWN) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the name of an extension begins with `x-`".to_owned(),
        }
    };
    let loc = Loc {
        key: true,
        ..node.loc().child(key)
    };
    diags.push(Diagnostic::new(Code::UnknownKeyword, loc, message).help(help));
}

/// Says that values of an `enum` are there twice: each is read once (JSON Schema Validation 2020-12
/// §6.1.2: they should be unique).
pub(super) fn repeated(node: &Node<'_>, key: &str, read: &Value, diags: &mut Diagnostics) {
    let length = |value: &Value| value.as_array().map(Vec::len);
    let written = node.get(key).and_then(|node| length(node.value));
    if key == "enum" && written != length(read) {
        let message = "`enum` has a value more than once; clients are shown it once";
        let found = Diagnostic::new(Code::SchemaRewritten, node.loc().child(key), message);
        diags.push(found.help("clients refuse such a schema; write each value once"));
    }
}
