//! What is looked at before the schema: values that no schema means, and that cost those who read them.

use crate::runtime::pointer::escape;
use serde_json::{Number, Value};

/// Most characters of a number, and its greatest exponent: arithmetic on larger ones takes time and
/// memory without bound.
const NUMBER_MAX: usize = 1_000;
/// A key that changes the prototype of objects in programs that copy it (JavaScript).
const PROTOTYPE: &str = "__proto__";

/// What is wrong with a value whatever its schema, as lines `/pointer: what`; `max` of them at most.
pub(super) fn findings(value: &Value, max: usize) -> Vec<String> {
    let mut found = Vec::new();
    // Where something is wrong is told only if something is.
    if !is_meant(value) {
        walk(value, &mut String::new(), max, &mut found);
    }
    found
}

/// Whether nothing is wrong.
fn is_meant(value: &Value) -> bool {
    match value {
        Value::Number(number) => !is_excessive(number),
        Value::Array(items) => items.iter().all(is_meant),
        Value::Object(object) => object
            .iter()
            .all(|(key, item)| key != PROTOTYPE && is_meant(item)),
        _ => true,
    }
}

/// The number of values inside a value, itself included.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(object) => 1 + object.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

fn walk(value: &Value, pointer: &mut String, max: usize, found: &mut Vec<String>) {
    if found.len() >= max {
        return;
    }
    let length = pointer.len();
    match value {
        Value::Number(number) if is_excessive(number) => found.push(format!(
            "{pointer}: a number of more than {NUMBER_MAX} digits, or with an exponent beyond {NUMBER_MAX}"
        )),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                walk(item, pointer, max, found);
                pointer.truncate(length);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                if key == PROTOTYPE {
                    found.push(format!("{pointer}/{key}: no such argument"));
                    continue;
                }
                pointer.push_str(&format!("/{}", escape(key)));
                walk(item, pointer, max, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Whether a number is too long or too large to be worked with.
fn is_excessive(number: &Number) -> bool {
    let text = number.as_str();
    let exponent = text
        .split_once(['e', 'E'])
        .map_or("0", |(_, exponent)| exponent);
    let exponent = exponent.trim_start_matches(['+', '-']);
    text.len() > NUMBER_MAX
        || exponent
            .parse::<usize>()
            .map_or(true, |exponent| exponent > NUMBER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_no_schema_means() {
        for (text, want) in [
            (r#"{"a":[1e400,-0,1E-7,"1e99999"]}"#, ""),
            (r#"{"a":[1,1e99999]}"#, "/a/1: a number"),
            (r#"{"a":1e-99999999999999999999999}"#, "/a: a number"),
            (r#"{"a/b":{"__proto__":1}}"#, "/a~1b/__proto__: no such"),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let found = findings(&value, 20).join("\n");
            assert!(
                found.starts_with(want) && found.is_empty() == want.is_empty(),
                "{found}"
            );
        }
        for (number, excessive) in [
            ("9".repeat(1_000), 0),
            ("9".repeat(1_001), 1),
            ("1e+1000".to_owned(), 0),
            ("1e-1001".to_owned(), 1),
        ] {
            let value: Value = serde_json::from_str(&number).unwrap();
            assert_eq!(findings(&value, 20).len(), excessive, "{number}");
        }
        let nested: Value = serde_json::from_str(r#"{"a":[1,[2]],"b":{}}"#).unwrap();
        assert_eq!(size(&nested), 6);
    }
}
