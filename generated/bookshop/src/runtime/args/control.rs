//! What a policy does with values: before they are checked (dropped, filled in, moved into bounds), and
//! after (the values that no caller gives).

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use unicode_normalization::UnicodeNormalization;

use super::changes::{Changes, Clamped};
use super::coerce::whole;
use super::number::{compare, is_integral, same};
use super::{invalid, is_valid, quote, validator};
use crate::runtime::config::Secret;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Bound, Control, Fixed};
use crate::runtime::pointer::{escape, unescape};

/// What stands for a value of the environment where a person reads the request.
const MASK: &str = "***";

/// The controls of one tool, ready to be used.
pub(super) struct Controls {
    all: Vec<Prepared>,
}

struct Prepared {
    path: Vec<Token>,
    control: Control,
    /// The value that no caller gives.
    fixed: Option<Filled>,
}

/// A value that the server has, or the variable that it lacks.
enum Filled {
    Here { value: Value, masked: bool },
    Missing(String),
}

/// One step of a pointer.
enum Token {
    Key(String),
    /// Every element of a list.
    Each,
}

impl Controls {
    /// `variables` has what the environment gives.
    pub(super) fn new(controls: &[Control], variables: &BTreeMap<String, Secret>) -> Self {
        let prepared = controls.iter().map(|control| Prepared {
            path: tokens(&control.pointer),
            fixed: control.fixed.as_ref().map(|fixed| filled(fixed, variables)),
            control: control.clone(),
        });
        Self {
            all: prepared.collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Drops, fills in and moves values, in this order.
    pub(super) fn prepare(&self, values: &mut Value, changes: &mut Changes) {
        for each in &self.all {
            each.drop_or_default(values, true);
        }
        for Prepared { path, control, .. } in &self.all {
            if control.clamp.is_some() || control.max_items.is_some() {
                visit(values, path, &mut String::new(), &mut |value, at| {
                    changes.clamped.extend(clamped(value, control, at));
                });
            }
        }
    }

    /// Drops what is not to be sent, and changes nothing else.
    pub(super) fn drop(&self, values: &mut Value) {
        for each in &self.all {
            each.drop_or_default(values, false);
        }
    }

    /// A line on each value that is given where no caller may. The arguments themselves are closed: the
    /// schema finds those.
    pub(super) fn given(&self, values: &Value) -> Vec<String> {
        let mut lines = Vec::new();
        for Prepared { path, control, .. } in self.all.iter().filter(|p| p.control.hidden) {
            let Some((Token::Key(name), above)) = path.split_last() else {
                continue;
            };
            if !above.is_empty() {
                look(values, above, &mut String::new(), &mut |parent, at| {
                    let keys = parent.as_object().into_iter().flat_map(Map::keys);
                    let given = keys.filter(|key| *key == name || is_alike(key, name));
                    lines.extend(given.map(|key| {
                        let key = escape(&quote(key));
                        format!("{at}/{key}: no such argument")
                    }));
                });
            }
            debug_assert!(control.hidden);
        }
        lines
    }

    /// Checked values with those that no caller gives; `None` if there are none of these. `masked` shows
    /// [`MASK`] for what the environment gives.
    ///
    /// # Errors
    ///
    /// The server lacks a value, or one belongs into what is no object.
    pub(super) fn injected(
        &self,
        values: &Map<String, Value>,
        masked: bool,
    ) -> Result<Option<Map<String, Value>>, CallError> {
        if self.all.iter().all(|each| each.fixed.is_none()) {
            return Ok(None);
        }
        let mut sent = Value::Object(values.clone());
        for Prepared { path, fixed, .. } in &self.all {
            match fixed {
                None => {}
                Some(Filled::Here { value, masked: own }) => {
                    let mask = Value::String(MASK.to_owned());
                    let value = if masked && *own { &mask } else { value };
                    set(&mut sent, path, value, &mut String::new())
                        .map_err(|line| invalid(&[line], false))?;
                }
                Some(Filled::Missing(variable)) => {
                    return Err(CallError::new(
                        "missing_value",
                        "the server lacks a value that it sends with this call; nothing was sent",
                    )
                    .hint(format!(
                        "the owner of this server has to set {variable} in its environment"
                    )));
                }
            }
        }
        Ok(match sent {
            Value::Object(sent) => Some(sent),
            _ => None,
        })
    }
}

impl Prepared {
    /// Drops values; where `fill`, puts the default where nothing is given. What is dropped was given.
    fn drop_or_default(&self, values: &mut Value, fill: bool) {
        let Control {
            drop_if, default, ..
        } = &self.control;
        let default = default.as_ref().filter(|_| fill);
        if drop_if.is_empty() && default.is_none() {
            return;
        }
        let Some((last, above)) = self.path.split_last() else {
            return;
        };
        let goes = |value: &Value| drop_if.iter().any(|drop| same(drop, value));
        visit(
            values,
            above,
            &mut String::new(),
            &mut |parent, _| match (last, parent) {
                (Token::Key(name), Value::Object(object)) => match (object.get(name), default) {
                    (Some(value), _) if goes(value) => {
                        object.shift_remove(name);
                    }
                    (None, Some(default)) => {
                        object.insert(name.clone(), default.clone());
                    }
                    _ => {}
                },
                (Token::Each, Value::Array(items)) => items.retain(|value| !goes(value)),
                _ => {}
            },
        );
    }
}

/// The value of an environment variable as a schema means it: a text if it may be one, else the JSON
/// value that is written in it.
///
/// # Errors
///
/// It is neither.
pub(in crate::runtime) fn read_as(
    schema: &Map<String, Value>,
    text: &str,
) -> Result<Value, &'static str> {
    let schema = Value::Object(schema.clone());
    let validator = validator(&schema).map_err(|_| "which nothing can be checked against")?;
    let as_text = Value::String(text.to_owned());
    if is_valid(&validator, &as_text) {
        return Ok(as_text);
    }
    whole(text)
        .filter(|value| is_valid(&validator, value))
        .ok_or("whose value is none that the argument may have")
}

fn filled(fixed: &Fixed, variables: &BTreeMap<String, Secret>) -> Filled {
    match fixed {
        Fixed::Const(value) => Filled::Here {
            value: value.clone(),
            masked: false,
        },
        Fixed::Env { name, schema } => {
            let text = variables.get(name).map(Secret::reveal);
            match text.and_then(|text| read_as(schema, text).ok()) {
                Some(value) => Filled::Here {
                    value,
                    masked: true,
                },
                None => Filled::Missing(name.clone()),
            }
        }
    }
}

/// A JSON Pointer in its tokens.
fn tokens(pointer: &str) -> Vec<Token> {
    let parts = pointer.split('/').skip(1);
    parts
        .map(|part| match part {
            "*" => Token::Each,
            key => Token::Key(unescape(key)),
        })
        .collect()
}

/// Visits the values at a path, with where they are.
fn visit(
    value: &mut Value,
    path: &[Token],
    at: &mut String,
    found: &mut dyn FnMut(&mut Value, &str),
) {
    let Some((first, rest)) = path.split_first() else {
        return found(value, at);
    };
    let length = at.len();
    match (first, value) {
        (Token::Key(name), Value::Object(object)) => {
            if let Some(child) = object.get_mut(name) {
                at.push_str(&format!("/{}", escape(name)));
                visit(child, rest, at, found);
            }
        }
        (Token::Each, Value::Array(list)) => {
            for (index, child) in list.iter_mut().enumerate() {
                at.push_str(&format!("/{index}"));
                visit(child, rest, at, found);
                at.truncate(length);
            }
        }
        _ => {}
    }
    at.truncate(length);
}

/// The same, of values that do not change.
fn look(value: &Value, path: &[Token], at: &mut String, found: &mut dyn FnMut(&Value, &str)) {
    let Some((first, rest)) = path.split_first() else {
        return found(value, at);
    };
    let length = at.len();
    match (first, value) {
        (Token::Key(name), Value::Object(object)) => {
            if let Some(child) = object.get(name) {
                at.push_str(&format!("/{}", escape(name)));
                look(child, rest, at, found);
            }
        }
        (Token::Each, Value::Array(list)) => {
            for (index, child) in list.iter().enumerate() {
                at.push_str(&format!("/{index}"));
                look(child, rest, at, found);
                at.truncate(length);
            }
        }
        _ => {}
    }
    at.truncate(length);
}

/// Puts a value at a path. Objects on the way are made where nothing is, elements of lists are not.
/// The error is a line on what stands in the way.
fn set(value: &mut Value, path: &[Token], to: &Value, at: &mut String) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        *value = to.clone();
        return Ok(());
    };
    match first {
        Token::Key(name) => {
            // No list can be made that has the right elements, so nothing is made for one.
            let in_list = rest.iter().any(|token| matches!(token, Token::Each));
            if value.is_null() && !in_list {
                *value = Value::Object(Map::new());
            }
            let object = match value {
                Value::Object(object) => object,
                Value::Null => return Ok(()),
                _ => return Err(format!("{at}: is not an object")),
            };
            if in_list && !object.contains_key(name) {
                return Ok(());
            }
            at.push_str(&format!("/{}", escape(name)));
            let child = object.entry(name.clone()).or_insert(Value::Null);
            set(child, rest, to, at)
        }
        Token::Each => {
            let list = match value {
                Value::Array(list) => list,
                Value::Null => return Ok(()),
                _ => return Err(format!("{at}: is not a list")),
            };
            let length = at.len();
            for (index, child) in list.iter_mut().enumerate() {
                at.push_str(&format!("/{index}"));
                set(child, rest, to, at)?;
                at.truncate(length);
            }
            Ok(())
        }
    }
}

/// Whether a server may take one key for another: some read `Tenant_ID` and `tenantId` as the same.
fn is_alike(key: &str, name: &str) -> bool {
    let plain = |text: &str| -> String {
        let text = text.split(['[', '\0']).next().unwrap_or_default();
        text.nfkc()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let name = plain(name);
    !name.is_empty() && plain(key) == name
}

/// Moves a value into its bounds; what was done.
fn clamped(value: &mut Value, control: &Control, at: &str) -> Option<Clamped> {
    let pointer = at.to_owned();
    match value {
        Value::Number(number) => {
            let to = nearest(number, control.clamp.as_ref()?)?;
            let from = std::mem::replace(value, Value::Number(to.clone()));
            Some(Clamped {
                pointer,
                from,
                to: Value::Number(to),
                list: false,
            })
        }
        Value::Array(list) => {
            let (from, most) = (list.len(), control.max_items?);
            let count = u64::try_from(from).unwrap_or(u64::MAX);
            if count <= most || control.items_ceiling.is_some_and(|ceiling| count > ceiling) {
                return None;
            }
            list.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            Some(Clamped {
                pointer,
                from: from.into(),
                to: most.into(),
                list: true,
            })
        }
        _ => None,
    }
}

/// The nearest bound, if a number is outside its bounds and inside those of the document.
fn nearest(number: &Number, bound: &Bound) -> Option<Number> {
    if !bound.fractions && !is_integral(number) {
        return None;
    }
    let below = |end: &Number| compare(number, end).is_lt();
    let above = |end: &Number| compare(number, end).is_gt();
    if bound.floor.as_ref().is_some_and(below) || bound.ceiling.as_ref().is_some_and(above) {
        return None;
    }
    let low = bound.min.as_ref().filter(|min| below(min));
    low.or(bound.max.as_ref().filter(|max| above(max))).cloned()
}

#[cfg(test)]
mod tests;
