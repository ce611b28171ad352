//! How long JSON texts are: counted, not written.

use std::io::{self, Write};

use serde::Serialize;

/// Counts what is written to it, up to a bound.
struct Count {
    bytes: usize,
    most: usize,
}

impl Write for Count {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.bytes = self.bytes.saturating_add(text.len());
        match self.bytes < self.most {
            true => Ok(text.len()),
            // Nothing is written any further.
            false => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of the JSON text of a value.
pub(super) fn of(value: &impl Serialize) -> usize {
    counted(value, usize::MAX)
}

/// Whether the JSON text of a value has so many bytes or more. No more than these are looked at.
pub(super) fn is_at_least(value: &impl Serialize, bytes: usize) -> bool {
    counted(value, bytes) >= bytes
}

fn counted(value: &impl Serialize, most: usize) -> usize {
    let mut count = Count { bytes: 0, most };
    // It ends at the bound.
    let _ = serde_json::to_writer(&mut count, value);
    count.bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lengths_are_those_of_the_text() {
        for value in [
            json!(null),
            json!(""),
            json!("é\n\"\u{1}"),
            json!({"a": [1, -2.5e300, true, {"b": []}]}),
        ] {
            let length = value.to_string().len();
            assert_eq!(of(&value), length, "{value}");
            assert!(is_at_least(&value, length), "{value}");
            assert!(!is_at_least(&value, length + 1), "{value}");
        }
    }
}
