//! What was done to arguments before they were used, as the model is told.

use serde_json::{Map, Value, json};

/// Changes that are told one by one.
const NOTES_MAX: usize = 20;
/// Longest value that is told, in characters of its JSON text.
const VALUE_MAX: usize = 200;

/// A value that was moved into its bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Clamped {
    /// JSON Pointer into the arguments.
    pub pointer: String,
    /// What was sent; of a list, the number of its elements.
    pub from: Value,
    /// What is used.
    pub to: Value,
    /// Whether it is a list that was shortened.
    pub list: bool,
}

/// A text that was read as the value that is written in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Coerced {
    /// JSON Pointer into the arguments.
    pub pointer: String,
    /// The text.
    pub from: Value,
    /// What is used.
    pub to: Value,
}

/// What was done to arguments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The values that were moved into their bounds.
    pub clamped: Vec<Clamped>,
    /// The texts that were read as values.
    pub coerced: Vec<Coerced>,
}

impl Changes {
    /// A line on each change.
    pub fn notes(&self) -> Vec<String> {
        let coerced = self.coerced.iter().map(|c| {
            let (from, to) = (shown(&c.from), shown(&c.to));
            format!("note: {} was read as {to} from the text {from}", c.pointer)
        });
        let clamped = self.clamped.iter().map(|c| match c.list {
            true => format!(
                "note: {} was shortened from {} to {} elements",
                c.pointer, c.from, c.to
            ),
            false => format!(
                "note: {} was changed from {} to {}, its bound",
                c.pointer, c.from, c.to
            ),
        });
        let mut notes: Vec<String> = coerced.chain(clamped).take(NOTES_MAX).collect();
        let all = self.coerced.len() + self.clamped.len();
        if let Some(more) = all.checked_sub(NOTES_MAX).filter(|more| *more > 0) {
            notes.push(format!("note: {more} more values were changed"));
        }
        notes
    }

    /// What was moved, `{pointer: [from, to]}`; of a list, the numbers of its elements.
    pub fn clamped_pairs(&self) -> Map<String, Value> {
        let some = self.clamped.iter().take(NOTES_MAX);
        some.map(|c| (c.pointer.clone(), json!([c.from, c.to])))
            .collect()
    }

    /// What was read from texts, `{pointer: [from, to]}`; what is long is shortened to a text.
    pub fn coerced_pairs(&self) -> Map<String, Value> {
        let some = self.coerced.iter().take(NOTES_MAX);
        some.map(|c| (c.pointer.clone(), json!([short(&c.from), short(&c.to)])))
            .collect()
    }
}

/// A value, or the beginning of its text.
fn short(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    match text.char_indices().nth(VALUE_MAX) {
        None => value.clone(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
    }
}

/// A value in a line.
fn shown(value: &Value) -> String {
    match short(value) {
        // The beginning of what is no text stands as it is.
        Value::String(text) if !value.is_string() => text,
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_in_few_words() {
        let coerced = |to: Value| Coerced {
            pointer: "/a".to_owned(),
            from: to.to_string().into(),
            to,
        };
        let clamped = |list: bool| Clamped {
            pointer: "/b/0".to_owned(),
            from: 80.into(),
            to: 50.into(),
            list,
        };
        let mut changes = Changes {
            coerced: vec![coerced(json!(5)), coerced(json!(["x".repeat(1_000)]))],
            clamped: vec![clamped(true), clamped(false)],
        };
        let notes = changes.notes();
        assert_eq!(notes[0], "note: /a was read as 5 from the text \"5\"");
        assert!(
            notes[1].len() < 600 && notes[1].contains("…"),
            "{}",
            notes[1]
        );
        assert_eq!(notes[2], "note: /b/0 was shortened from 80 to 50 elements");
        assert_eq!(notes[3], "note: /b/0 was changed from 80 to 50, its bound");
        assert_eq!(changes.coerced_pairs().len(), 1);
        changes.clamped = vec![clamped(false); 1_000];
        let notes = changes.notes();
        assert_eq!(notes.len(), NOTES_MAX + 1);
        assert_eq!(notes[NOTES_MAX], "note: 982 more values were changed");
    }
}
