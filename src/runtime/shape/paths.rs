//! JSON Pointers (RFC 6901) into answers, many at once; the token `*` stands for any key or index.

use std::collections::BTreeMap;

use crate::runtime::pointer::unescape;
use serde_json::Value;

/// A set of places.
#[derive(Debug, Default)]
pub(in crate::runtime) struct Paths {
    /// Whether a place of the set is here, and so all that is in it.
    whole: bool,
    any: Option<Box<Paths>>,
    named: BTreeMap<String, Paths>,
}

/// The tokens of a pointer; a text that does not begin with `/` has none.
fn tokens(pointer: &str) -> impl Iterator<Item = String> {
    let tokens = pointer.split('/').skip(1);
    tokens.map(unescape)
}

impl Paths {
    /// The places that pointers name; `None` if there are none.
    pub(in crate::runtime) fn new(pointers: &[String]) -> Option<Self> {
        let mut root = Self::default();
        for pointer in pointers {
            let mut here = &mut root;
            for token in tokens(pointer) {
                here = match token.as_str() {
                    "*" => here.any.get_or_insert_default(),
                    _ => here.named.entry(token).or_default(),
                };
            }
            here.whole = true;
        }
        (!pointers.is_empty()).then_some(root)
    }

    /// The names that pointers end with.
    #[allow(dead_code, reason = "a server of databases alone has no use for it")]
    pub(in crate::runtime) fn names(pointers: &[String]) -> Vec<String> {
        let last = |pointer: &String| tokens(pointer).last();
        let named = |name: &String| name != "*" && name.parse::<usize>().is_err();
        pointers.iter().filter_map(last).filter(named).collect()
    }

    /// What of a value is at these places; objects and lists around them stay.
    pub(super) fn kept(&self, value: Value) -> Value {
        kept(&[self], value).unwrap_or_default()
    }

    /// Takes away what is at these places.
    pub(in crate::runtime) fn remove(&self, value: &mut Value) {
        if self.whole {
            *value = Value::Null;
        } else {
            remove(&[self], value);
        }
    }
}

/// The sets one step below.
fn below<'p>(paths: &[&'p Paths], token: &str) -> Vec<&'p Paths> {
    let step = |paths: &&'p Paths| [paths.named.get(token), paths.any.as_deref()];
    paths.iter().flat_map(step).flatten().collect()
}

/// What is kept of a value: an object or list on the way to a place stays, even if nothing is in it.
fn kept(paths: &[&Paths], value: Value) -> Option<Value> {
    if paths.is_empty() {
        return None;
    }
    if paths.iter().any(|paths| paths.whole) {
        return Some(value);
    }
    match value {
        Value::Object(object) => {
            let of = |(key, value): (String, Value)| {
                let value = kept(&below(paths, &key), value)?;
                Some((key, value))
            };
            Some(Value::Object(object.into_iter().filter_map(of).collect()))
        }
        Value::Array(items) => {
            let of = |(index, item): (usize, Value)| kept(&below(paths, &index.to_string()), item);
            let items = items.into_iter().enumerate();
            Some(Value::Array(items.filter_map(of).collect()))
        }
        _ => None,
    }
}

fn remove(paths: &[&Paths], value: &mut Value) {
    let goes = |below: &[&Paths]| below.iter().any(|paths| paths.whole);
    match value {
        Value::Object(object) => object.retain(|key, value| {
            let below = below(paths, key);
            let stays = !goes(&below);
            if stays && !below.is_empty() {
                remove(&below, value);
            }
            stays
        }),
        Value::Array(items) => {
            let mut index = 0;
            items.retain_mut(|item| {
                let below = below(paths, &index.to_string());
                index += 1;
                let stays = !goes(&below);
                if stays && !below.is_empty() {
                    remove(&below, item);
                }
                stays
            });
        }
        _ => {}
    }
}
