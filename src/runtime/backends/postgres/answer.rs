//! Rows become a result: what is told of the page, and what is told of values that are too long.

use serde_json::{Map, Value, json};
use tokio_postgres::Row;

use super::failure;
use super::seal::Seal;
use super::statement::{Cuts, Page, Statement};
use crate::runtime::backend::{Content, Outcome};
use crate::runtime::error::CallError;
use crate::runtime::pointer::escape;

/// Most values whose cut is told; others are counted.
const PLACES_MAX: usize = 20;
/// Most of them that the model reads of.
const TOLD_MAX: usize = 5;

/// The result of a statement's rows.
///
/// # Errors
///
/// `not_found`: there is no row with the key. `unreadable_row`.
pub(super) fn outcome(
    statement: &Statement,
    rows: &[Row],
    seal: &Seal,
) -> Result<Outcome, CallError> {
    let mut told = Told::default();
    let Some(page) = statement.page() else {
        let row = rows.first().ok_or_else(|| {
            CallError::new("not_found", "there is no row with this key")
                .hint("look for it with another key or a find")
        })?;
        let row = object(statement, row, "/row", &mut told)?;
        return Ok(told.outcome(json!({ "row": row })));
    };
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let shown = rows.iter().take(limit).enumerate();
    let shown = shown.map(|(index, row)| {
        let at = format!("/rows/{index}");
        object(statement, row, &at, &mut told)
    });
    let shown: Vec<Value> = shown.collect::<Result<_, _>>()?;
    let returned = shown.len();
    let there: i64 = match rows.first() {
        Some(row) => row.try_get(2).map_err(|_| failure::unreadable())?,
        None => 0,
    };
    let there = usize::try_from(there).unwrap_or(usize::MAX);
    let more = there > returned;
    let next = more.then(|| rows.get(returned - 1)).flatten();
    let next = next.and_then(|row| cursor(page, row, seal));
    if more && returned < limit.min(there) {
        told.say(format!(
            "the page ends after {returned} of {} rows, which are long",
            limit.min(there)
        ));
    }
    if more && next.is_none() {
        told.say(
            "there are more rows and no next page: narrow the filter, or sort otherwise".to_owned(),
        );
    }
    Ok(told.outcome(json!({
        "rows": shown,
        "returned": returned,
        "truncated": more,
        "next_cursor": next,
        "limit_applied": page.limit,
    })))
}

fn cursor(page: &Page, row: &Row, seal: &Seal) -> Option<String> {
    let values: Vec<Option<String>> = row.try_get(1).ok()?;
    page.cursor(&values, seal)
}

/// The object of a row, without what is only told.
fn object(statement: &Statement, row: &Row, at: &str, told: &mut Told) -> Result<Value, CallError> {
    let text: &str = row.try_get(0).map_err(|_| failure::unreadable())?;
    let mut row: Value = serde_json::from_str(text).map_err(|_| failure::unreadable())?;
    let Value::Object(object) = &mut row else {
        return Err(failure::unreadable());
    };
    told.cuts(statement.cuts(), object, at);
    for included in statement.included() {
        let Some(value) = object.get_mut(&included.name) else {
            continue;
        };
        let at = format!("{at}/{}", escape(&included.name));
        if included.many {
            let rows = value.get_mut("rows").and_then(Value::as_array_mut);
            for (index, row) in rows.into_iter().flatten().enumerate() {
                let at = format!("{at}/rows/{index}");
                told.included(included.cuts.as_ref(), row, &at);
            }
        } else {
            told.included(included.cuts.as_ref(), value, &at);
        }
    }
    Ok(row)
}

/// What is not passed on whole.
#[derive(Default)]
struct Told {
    places: Map<String, Value>,
    words: Vec<String>,
    count: usize,
    notes: Vec<String>,
}

impl Told {
    fn included(&mut self, cuts: Option<&Cuts>, value: &mut Value, at: &str) {
        if let Value::Object(object) = value {
            self.cuts(cuts, object, at);
        }
    }

    /// Takes away what a row tells of its cuts, and keeps it here.
    fn cuts(&mut self, cuts: Option<&Cuts>, object: &mut Map<String, Value>, at: &str) {
        let Some(cuts) = cuts else { return };
        let Some(Value::Array(lengths)) = object.shift_remove(&cuts.key) else {
            return;
        };
        for (cut, length) in cuts.columns.iter().zip(lengths) {
            let Some(of) = length.as_u64().filter(|length| *length > cut.max) else {
                continue;
            };
            let left = object.get_mut(&cut.column);
            let left = left.and_then(|value| match value {
                Value::String(text) => {
                    let most = usize::try_from(cut.max).unwrap_or(usize::MAX);
                    text.truncate(text.floor_char_boundary(most));
                    Some(text.len())
                }
                _ => None,
            });
            let returned = left.unwrap_or_default();
            self.count += 1;
            if self.places.len() >= PLACES_MAX {
                continue;
            }
            let at = format!("{at}/{}", escape(&cut.column));
            if self.words.len() < TOLD_MAX {
                self.words.push(match left {
                    Some(_) => format!("{at} has {returned} of {of} bytes"),
                    None => format!("{at} is left out, {of} bytes"),
                });
            }
            let place = json!({"returned": returned, "of": of, "unit": "bytes"});
            self.places.insert(at, place);
        }
    }

    fn say(&mut self, note: String) {
        self.notes.push(note);
    }

    fn outcome(mut self, value: Value) -> Outcome {
        let more = self.count - self.words.len();
        if self.count > 0 {
            let mut words = self.words.join(", ");
            if more > 0 {
                words.push_str(&format!(", and {more} more"));
            }
            self.notes.push(format!("values are too long: {words}"));
        }
        Outcome {
            note: (!self.notes.is_empty()).then(|| self.notes.join("; ")),
            truncated: self.places,
            ..Outcome::new(Content::Json(value))
        }
    }
}
