//! How large a value is as JSON text, and would be if it were shortened.

use serde_json::Value;

use super::{ELLIPSIS, beginning};

/// How far lists and texts are shortened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    /// Elements of a list.
    pub(super) items: usize,
    /// Bytes of a text, before what stands for the rest.
    pub(super) text: usize,
}

/// Whether a value, shortened, has at most so many bytes as compact JSON text. What is beyond them is
/// not looked at.
pub(super) fn fits(value: &Value, caps: Caps, max: usize) -> bool {
    let mut left = max;
    pay(value, caps, &mut left).is_some()
}

/// Takes the size of a value from what is left; `None` if it is not enough.
fn pay(value: &Value, caps: Caps, left: &mut usize) -> Option<()> {
    let mut take = |bytes: usize| {
        *left = left.checked_sub(bytes)?;
        Some(())
    };
    match value {
        Value::Null | Value::Bool(true) => take(4),
        Value::Bool(false) => take(5),
        Value::Number(number) => take(number.as_str().len()),
        Value::String(text) if text.len() > caps.text => {
            take(written(beginning(text, caps.text)) + ELLIPSIS.len())
        }
        Value::String(text) => take(written(text)),
        Value::Array(items) => {
            // The brackets, and commas between.
            let count = items.len().min(caps.items);
            take(2 + count.saturating_sub(1))?;
            let mut items = items.iter().take(count);
            items.try_for_each(|item| pay(item, caps, left))
        }
        Value::Object(object) => {
            take(2 + object.len().saturating_sub(1) + object.len())?;
            let mut members = object.iter();
            members.try_for_each(|(key, value)| {
                *left = left.checked_sub(written(key))?;
                pay(value, caps, left)
            })
        }
    }
}

/// Bytes of a text as JSON (RFC 8259 §7), quotes and escapes included.
fn written(text: &str) -> usize {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    });
    text.len() + escapes.sum::<usize>() + 2
}

/// The largest number from `low` to `high` that is good, if smaller ones are good wherever a larger one
/// is.
pub(super) fn largest(low: usize, high: usize, good: impl Fn(usize) -> bool) -> Option<usize> {
    if high < low || !good(low) {
        return None;
    }
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = high - (high - low) / 2;
        if good(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_are_those_of_the_text() {
        let whole = Caps {
            items: usize::MAX,
            text: usize::MAX,
        };
        for value in [
            json!(null),
            json!([true, false, null, -1, 0.5]),
            serde_json::from_str("[1.10, 12345678901234567890123, 1e5, -0]").unwrap(),
            json!("\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}\"\\/\u{7f}\u{e4}\u{1f600}"),
            json!({"a\n": {}, "b": [], "c": {"d": [[], {}]}}),
            json!({}),
        ] {
            let size = value.to_string().len();
            assert!(fits(&value, whole, size), "{value}");
            assert!(!fits(&value, whole, size - 1), "{value}");
        }
    }

    #[test]
    fn the_largest_number() {
        for (low, high, limit, want) in [
            (1, 100, 37, Some(37)),
            (1, 100, 100, Some(100)),
            (1, 100, 1, Some(1)),
            (1, 100, 0, None),
            (5, 5, 9, Some(5)),
            (5, 4, 9, None),
        ] {
            assert_eq!(largest(low, high, |n| n <= limit), want);
        }
    }
}
