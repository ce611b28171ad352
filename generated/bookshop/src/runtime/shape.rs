//! What is passed on of an answer: some parts only, lists and texts up to a length, a bounded whole.
//! What is shortened stays well-formed, and it is told. Pure: no I/O, no clock.

use crate::runtime::pointer::escape;
use serde_json::{Map, Value, json};

use super::backend::{Content, Outcome};
use super::error::CallError;
use super::manifest::{Effect, Shape, ToolSpec};

mod paths;
mod size;

pub(super) use paths::Paths;
use size::{Caps, fits, largest};

/// Most places that are told of what is shortened; others are counted.
const PLACES_MAX: usize = 20;
/// Most of them that the model reads of.
const TOLD_MAX: usize = 5;
/// Longest JSON Pointer that is told, in bytes: its keys are the API's own words.
const POINTER_MAX: usize = 200;
/// A text is not cut to fewer bytes than this.
const TEXT_MIN: usize = 32;
/// What stands at the end of a text that is cut.
const ELLIPSIS: &str = "…";

/// Shapes the answers of one tool.
pub(super) struct Shaper {
    select: Option<Paths>,
    drop: Option<Paths>,
    max_items: usize,
    max_bytes: Option<usize>,
    effect: Effect,
}

impl Shaper {
    /// The shaper of a tool; `None` if its answers are passed on as they are.
    pub(super) fn new(tool: &ToolSpec) -> Option<Self> {
        if tool.shape == Shape::default() {
            return None;
        }
        let Shape {
            select,
            drop,
            max_items,
            max_bytes,
        } = &tool.shape;
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Some(Self {
            select: Paths::new(select),
            drop: Paths::new(drop),
            max_items: max_items.map_or(usize::MAX, number),
            max_bytes: max_bytes.map(number),
            effect: tool.effect,
        })
    }

    /// The outcome in its shape.
    ///
    /// # Errors
    ///
    /// `response_too_large`: it cannot be shortened enough. `response_withheld`: what is not JSON has no
    /// parts that could be chosen or taken away.
    pub(super) fn shape(&self, mut outcome: Outcome) -> Result<Outcome, CallError> {
        let mut cuts = Cuts::default();
        outcome.content = match outcome.content {
            Content::Json(value) => Content::Json(self.json(value, &mut cuts)?),
            Content::Text(_) | Content::Blob { .. }
                if self.select.is_some() || self.drop.is_some() =>
            {
                let error = CallError::new(
                    "response_withheld",
                    "the API's answer is not JSON, so the parts of it that may be seen cannot be told from the others",
                );
                return Err(self.done(error.hint("use another tool")));
            }
            Content::Text(text) => Content::Text(self.text(text, &mut cuts)),
            other => other,
        };
        if let Some(note) = cuts.in_words() {
            outcome.note = Some(match outcome.note {
                Some(before) => format!("{before}; {note}"),
                None => note,
            });
            outcome.truncated.extend(cuts.places);
        }
        Ok(outcome)
    }

    fn json(&self, mut value: Value, cuts: &mut Cuts) -> Result<Value, CallError> {
        if let Some(select) = &self.select {
            value = select.kept(value);
        }
        if let Some(drop) = &self.drop {
            drop.remove(&mut value);
        }
        let caps = self.caps(&value)?;
        cuts.cut(&mut value, caps, &mut String::new());
        Ok(value)
    }

    /// How far lists and texts are shortened: the longest lists first, then the longest texts.
    fn caps(&self, value: &Value) -> Result<Caps, CallError> {
        let caps = Caps {
            items: self.max_items,
            text: usize::MAX,
        };
        let Some(max) = self.max_bytes else {
            return Ok(caps);
        };
        if fits(value, caps, max) {
            return Ok(caps);
        }
        // An element takes two bytes at least: no list has more than these.
        let items_max = caps.items.min(max / 2);
        let items = |text| largest(1, items_max, |items| fits(value, Caps { items, text }, max));
        if let Some(items) = items(usize::MAX) {
            return Ok(Caps { items, ..caps });
        }
        // One text alone does not take all the room.
        let text = largest(TEXT_MIN, (max / 2).max(TEXT_MIN), |text| {
            fits(value, Caps { items: 1, text }, max)
        });
        let found = text.and_then(|text| {
            Some(Caps {
                items: items(text)?,
                text,
            })
        });
        found.ok_or_else(|| {
            let message = format!(
                "the API's answer is larger than {max} bytes, and its lists and texts cannot be shortened enough"
            );
            let error = CallError::new("response_too_large", message);
            self.done(error.hint("ask for less: a smaller page, fewer fields or a narrower filter"))
        })
    }

    fn text(&self, text: String, cuts: &mut Cuts) -> String {
        let max = self.max_bytes.unwrap_or(usize::MAX);
        if text.len() <= max {
            return text;
        }
        let short = beginning(&text, max);
        cuts.note_text("", &text, short);
        short.to_owned()
    }

    /// An error about an answer that came: what changes something has done it.
    fn done(&self, error: CallError) -> CallError {
        match self.effect {
            Effect::Read => error,
            _ => error.hint("the call was carried out; do not repeat it"),
        }
    }
}

/// The beginning of a text, whole characters only.
fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// What was shortened.
#[derive(Default)]
struct Cuts {
    /// JSON Pointer, and how much of it is left.
    places: Map<String, Value>,
    /// In words.
    told: Vec<String>,
    /// All of them.
    count: usize,
}

impl Cuts {
    /// Shortens lists and texts, deep inside as well. `pointer` is where the value is.
    fn cut(&mut self, value: &mut Value, caps: Caps, pointer: &mut String) {
        let here = pointer.len();
        match value {
            Value::Array(items) => {
                let of = items.len();
                if of > caps.items {
                    items.truncate(caps.items);
                    self.note(pointer, caps.items, of, "items");
                }
                for (index, item) in items.iter_mut().enumerate() {
                    if is_compound(item, caps) {
                        pointer.push_str(&format!("/{index}"));
                        self.cut(item, caps, pointer);
                        pointer.truncate(here);
                    }
                }
            }
            Value::Object(object) => {
                for (key, value) in object.iter_mut() {
                    if is_compound(value, caps) {
                        pointer.push_str(&format!("/{}", escape(key)));
                        self.cut(value, caps, pointer);
                        pointer.truncate(here);
                    }
                }
            }
            Value::String(text) if text.len() > caps.text => {
                let short = beginning(text, caps.text);
                self.note_text(pointer, text, short);
                *text = format!("{short}{ELLIPSIS}");
            }
            _ => {}
        }
    }

    fn note_text(&mut self, pointer: &str, text: &str, short: &str) {
        let [returned, of] = [short, text].map(|text| text.chars().count());
        self.note(pointer, returned, of, "characters");
    }

    fn note(&mut self, pointer: &str, returned: usize, of: usize, unit: &str) {
        self.count += 1;
        if self.places.len() >= PLACES_MAX || pointer.len() > POINTER_MAX {
            return;
        }
        let mut place = json!({"returned": returned, "of": of});
        if unit == "characters"
            && let Some(place) = place.as_object_mut()
        {
            place.insert("unit".to_owned(), unit.into());
        }
        self.places.insert(pointer.to_owned(), place);
        if self.told.len() < TOLD_MAX {
            // A key of the API's own that could be read as more than a name is not repeated.
            let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.~$@".contains(c);
            let place = match pointer {
                "" => String::new(),
                pointer if pointer.chars().all(plain) => format!(" of {pointer}"),
                _ if unit == "items" => " of a list".to_owned(),
                _ => " of a text".to_owned(),
            };
            self.told.push(format!("{returned} of {of} {unit}{place}"));
        }
    }

    /// What the model reads.
    fn in_words(&self) -> Option<String> {
        let more = self.count - self.told.len();
        let rest = match (self.told.as_slice(), more) {
            ([], 0) => return None,
            ([], _) => format!("{more} lists or texts"),
            (told, 0) => told.join(", "),
            (told, _) => format!("{}, and {more} more lists or texts", told.join(", ")),
        };
        Some(format!("the response is shortened: {rest}"))
    }
}

/// Whether something inside may be shortened.
fn is_compound(value: &Value, caps: Caps) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) => true,
        Value::String(text) => text.len() > caps.text,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
