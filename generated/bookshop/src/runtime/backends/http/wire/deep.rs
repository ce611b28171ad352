//! `deepObject` beyond what OpenAPI defines: objects and lists inside each other, for documents that
//! ask for it with `x-mcpgen-deep-object`.

use serde_json::Value;

use super::query::value_text;
use super::{encode, refused, scalar, unsupported};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Style, WireParam};

/// A key may not hold a bracket: servers decode before they look for brackets, so no escape keeps one
/// from being read.
pub(super) fn key(param: &WireParam, key: &str) -> Result<(), CallError> {
    if key.contains(['[', ']']) {
        return Err(refused(param, "has a key with brackets"));
    }
    Ok(())
}

/// The pairs of a value: `name[key][key]=value`, elements of lists as `[]` or numbered.
pub(super) fn pairs(param: &WireParam, value: &Value) -> Result<Vec<(String, String)>, CallError> {
    let mut found = Vec::new();
    add(param, encode(&param.name), value, &mut found)?;
    Ok(found)
}

fn add(
    param: &WireParam,
    name: String,
    value: &Value,
    found: &mut Vec<(String, String)>,
) -> Result<(), CallError> {
    match value {
        Value::Object(object) => {
            for (inner, value) in object {
                key(param, inner)?;
                // `a[]` is an element of a list.
                if inner.is_empty() {
                    return Err(refused(param, "has an empty key"));
                }
                add(
                    param,
                    format!("{name}%5B{}%5D", encode(inner)),
                    value,
                    found,
                )?;
            }
        }
        Value::Array(items) => {
            let items = items.iter().filter(|item| !item.is_null());
            for (index, item) in items.enumerate() {
                if param.style == Style::DeepIndices {
                    add(param, format!("{name}%5B{index}%5D"), item, found)?;
                } else if item.is_array() || item.is_object() {
                    // Servers do not agree on which elements belong together.
                    let what = "a list or object inside a list";
                    return Err(unsupported(param, what).hint("send plain values inside the list"));
                } else {
                    add(param, format!("{name}%5B%5D"), item, found)?;
                }
            }
        }
        one => {
            if let Some(text) = scalar(one) {
                found.push((name, value_text(param, &text, false)));
            }
        }
    }
    Ok(())
}
