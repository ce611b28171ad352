//! Values that the caller does not give: defaults, pins, what is hidden, forbidden or dropped.

use serde_json::{Map, Value, json};

use super::narrow::{fits, quoted};
use super::reach::{Token, branches, holds, listed};
use super::wish::Wish;
use super::{Work, pointer};
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::args::number::{compare, same};
use crate::runtime::manifest::Fixed;

/// Why the caller cannot give a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// There is none.
    Unsent,
    /// The server has it.
    Filled,
}

impl Work<'_> {
    /// What becomes of the value itself.
    pub(super) fn settle(&mut self, tokens: &[Token], wish: &Wish<'_>) {
        let Some(schema) = self.reach.gather(&self.root, tokens) else {
            return;
        };
        self.drops(tokens, wish);
        let constant = wish.constant.as_ref().or(match &wish.hide {
            // Nobody else gives one.
            Some(_) => wish.default.as_ref(),
            None => None,
        });
        let hidden = wish.hide.is_some() || wish.env.is_some();
        if let Some((name, _)) = &wish.env {
            let schema = self.reach.standalone(&schema).into();
            let name = (*name).to_owned();
            self.fix(tokens, Fixed::Env { name, schema }, hidden);
        } else if let Some((value, loc)) = constant {
            if let Err(why) = fits(&self.reach, &schema, value) {
                self.misfit(wish, "is fixed to", value, &why, loc);
                return;
            }
            if !hidden {
                self.shown(tokens, value);
            }
            self.fix(tokens, Fixed::Const((*value).clone()), hidden);
        } else if let Some(loc) = &wish.hide {
            self.leave_out(tokens, wish, loc);
        } else if let Some((value, loc)) = &wish.default {
            match fits(&self.reach, &schema, value) {
                Ok(()) => self.default(tokens, wish, value, loc),
                Err(_) if wish.contradicts_itself(value, loc) => {}
                Err(why) => self.misfit(wish, "has the default", value, &why, loc),
            }
        } else {
            self.document_default(tokens, &schema);
        }
    }

    fn misfit(&mut self, wish: &Wish<'_>, verb: &str, value: &Value, why: &str, loc: &Loc) {
        let message = format!(
            "`{}` {verb} {}, which is no value of it: {why}",
            wish.name,
            quoted(value)
        );
        let help = "choose a value that the document and the rules allow";
        self.report(Code::PolicyOutside, loc, message, help);
    }

    /// The value that is sent whatever is given.
    fn fix(&mut self, tokens: &[Token], fixed: Fixed, hidden: bool) {
        if hidden {
            self.take_out(tokens, Gone::Filled);
        } else {
            self.optional(tokens);
        }
        self.fixed.push(tokens.to_vec());
        self.control(tokens, |control| {
            if let (Fixed::Const(value), false) = (&fixed, hidden) {
                control.default = Some(value.clone());
            }
            // Nothing of the caller's is left to be moved or dropped.
            control.clamp = None;
            control.max_items = None;
            control.items_ceiling = None;
            control.drop_if.clear();
            control.fixed = Some(fixed);
            control.hidden = hidden;
        });
    }

    /// The schema of one value.
    fn shown(&mut self, tokens: &[Token], value: &Value) {
        if let Some(schema) = self.reach.place(&mut self.root, tokens) {
            schema.retain(|key, _| ["title", "description", "type"].contains(&key.as_str()));
            schema.insert("enum".to_owned(), json!([value]));
            schema.insert("default".to_owned(), value.clone());
        }
    }

    fn default(&mut self, tokens: &[Token], wish: &Wish<'_>, value: &Value, loc: &Loc) {
        if let Some((drop, _)) = wish.drop_if.iter().find(|(drop, _)| same(drop, value)) {
            let message = format!(
                "the default of `{}` is {}, which is dropped",
                wish.name,
                quoted(drop)
            );
            self.report(
                Code::PolicyArgument,
                loc,
                message,
                "take it out of `drop_if`, or the default out",
            );
            return;
        }
        if tokens.last() == Some(&Token::Each) {
            let message = format!(
                "`{}` is every element of a list, which has none by itself",
                wish.name
            );
            self.report(
                Code::PolicyArgument,
                loc,
                message,
                "write the default of the list",
            );
            return;
        }
        self.optional(tokens);
        self.set_default(tokens, value);
    }

    fn set_default(&mut self, tokens: &[Token], value: &Value) {
        if let Some(schema) = self.reach.place(&mut self.root, tokens) {
            schema.insert("default".to_owned(), value.clone());
        }
        self.control(tokens, |control| control.default = Some(value.clone()));
    }

    /// The document's default counts where nothing is sent. One that the rules do not allow is not left
    /// to the upstream: a number becomes the nearest bound, anything else is no longer shown.
    fn document_default(&mut self, tokens: &[Token], schema: &Value) {
        let Some(default) = schema.get("default").cloned() else {
            return;
        };
        if fits(&self.reach, schema, &default).is_ok() {
            return;
        }
        let controls = self.arguments.controls.iter();
        let at = pointer(tokens);
        let bound = controls
            .filter(|c| c.pointer == at)
            .find_map(|c| c.clamp.clone());
        let nearest = bound.zip(default.as_number()).and_then(|(bound, number)| {
            let low = bound.min.filter(|min| compare(number, min).is_lt());
            low.or(bound.max.filter(|max| compare(number, max).is_gt()))
        });
        match nearest {
            Some(number) if tokens.last() != Some(&Token::Each) => {
                self.optional(tokens);
                self.set_default(tokens, &Value::Number(number));
            }
            _ => {
                if let Some(schema) = self.reach.place(&mut self.root, tokens) {
                    schema.shift_remove("default");
                }
            }
        }
    }

    /// `drop_if`: the model may give these values, and nothing is sent.
    fn drops(&mut self, tokens: &[Token], wish: &Wish<'_>) {
        let Some((_, loc)) = wish.drop_if.first() else {
            return;
        };
        if wish.is_settled() || wish.env.is_some() {
            let message = format!(
                "the value of `{}` is not the caller's, so none is dropped",
                wish.name
            );
            self.report(Code::PolicyArgument, loc, message, "take `drop_if` out");
            return;
        }
        if self.is_required(tokens) {
            let message = format!("`{}` is required, so it cannot be dropped", wish.name);
            self.report(Code::PolicyArgument, loc, message, "take `drop_if` out");
            return;
        }
        let values: Vec<Value> = wish
            .drop_if
            .iter()
            .map(|(value, _)| (*value).clone())
            .collect();
        if let Some(schema) = self.reach.place(&mut self.root, tokens)
            && let Some(Value::Array(listed)) = schema.get_mut("enum")
        {
            for value in &values {
                if !listed.iter().any(|own| same(own, value)) {
                    listed.push(value.clone());
                }
            }
        }
        let words: Vec<String> = values.iter().map(quoted).collect();
        self.tell(
            tokens,
            &format!("Not sent if it is {}.", words.join(" or ")),
        );
        self.control(tokens, |control| control.drop_if = values);
    }

    /// Takes away what is not sent at all.
    pub(super) fn leave_out(&mut self, tokens: &[Token], wish: &Wish<'_>, loc: &Loc) {
        if tokens.last() == Some(&Token::Each) {
            let message = format!("`{}` is every element of a list", wish.name);
            self.report(
                Code::PolicyArgument,
                loc,
                message,
                "take the list away as a whole",
            );
            return;
        }
        if self.is_required(tokens) || self.is_only_way(tokens) {
            let message = format!(
                "{} needs `{}`, so without a value the tool could not be called",
                self.capability.label(),
                wish.name
            );
            let found = Diagnostic::new(Code::PolicyArgument, loc.clone(), message);
            let found =
                found.help("give it one: `hide: true` with `const`; or exclude the operation");
            self.diags.push(found);
        }
        self.take_out(tokens, Gone::Unsent);
        self.control(tokens, |control| {
            let pointer = std::mem::take(&mut control.pointer);
            *control = crate::runtime::manifest::Control {
                pointer,
                hidden: true,
                ..Default::default()
            };
        });
    }

    /// Whether an object needs a property, always or beside another one.
    fn is_required(&self, tokens: &[Token]) -> bool {
        let Some((Token::Key(name), above)) = tokens.split_last() else {
            return false;
        };
        let Some(parent) = self.reach.gather(&self.root, above) else {
            return false;
        };
        let together = parent.get("dependentRequired").and_then(Value::as_object);
        self.reach.required(&parent).contains(name)
            || together.is_some_and(|map| map.values().any(|list| holds(list, name)))
    }

    /// Whether every alternative of the object needs a property that is not sent, this one among them.
    fn is_only_way(&self, tokens: &[Token]) -> bool {
        let Some((Token::Key(name), above)) = tokens.split_last() else {
            return false;
        };
        let Some(Value::Object(parent)) = self.reach.gather(&self.root, above) else {
            return false;
        };
        let start = pointer(above);
        let controls = &self.arguments.controls;
        let unsent = |other: &String| {
            let at = format!("{start}/{}", crate::diag::escape(other));
            other == name
                || controls
                    .iter()
                    .any(|c| c.pointer == at && c.hidden && c.fixed.is_none())
        };
        let closed = |branch: &Value| self.reach.required(branch).iter().any(unsent);
        ["anyOf", "oneOf"].into_iter().any(|key| {
            let mut all = branches(&parent, key).peekable();
            all.peek().is_some() && all.all(closed)
        })
    }

    /// Takes a property out of all schemas of its object.
    fn take_out(&mut self, tokens: &[Token], why: Gone) {
        let Some((Token::Key(name), above)) = tokens.split_last() else {
            return;
        };
        self.reach.each(&mut self.root, above, name, &mut |object| {
            shift_remove(object, "properties", name);
            match why {
                Gone::Filled => fill(object, name),
                Gone::Unsent => {
                    shift_remove(object, "dependentRequired", name);
                }
            }
        });
    }

    /// A property that the server fills in is not for the caller to give.
    fn optional(&mut self, tokens: &[Token]) {
        if let Some((Token::Key(name), above)) = tokens.split_last() {
            let visit = &mut |object: &mut Map<String, Value>| fill(object, name);
            self.reach.each(&mut self.root, above, name, visit);
        }
    }

    /// A fixed value makes the objects that it is in. Those that need more than it are the caller's to
    /// give, from the innermost outwards.
    pub(super) fn parents(&mut self) {
        for tokens in std::mem::take(&mut self.fixed) {
            for depth in (1..tokens.len()).rev() {
                let Some((Token::Key(name), above)) =
                    tokens.get(..depth).and_then(<[_]>::split_last)
                else {
                    break;
                };
                let here = tokens.get(..depth).unwrap_or_default();
                let schema = self.reach.gather(&self.root, here).unwrap_or_default();
                if self.reach.required(&schema).is_empty() || self.is_required(here) {
                    continue;
                }
                if let Some(parent) = self.reach.place(&mut self.root, above) {
                    let list = parent.entry("required").or_insert_with(|| json!([]));
                    if let Value::Array(list) = list {
                        list.push(name.as_str().into());
                    }
                }
            }
        }
    }
}

/// An object whose property is always there: what else it asks for beside that is required.
fn fill(object: &mut Map<String, Value>, name: &str) {
    if let Some(Value::Array(required)) = object.get_mut("required") {
        required.retain(|other| other != name);
    }
    let beside = shift_remove(object, "dependentRequired", name);
    if let Some(Value::Object(map)) = object.get_mut("dependentRequired") {
        for (_, list) in map.iter_mut() {
            if let Value::Array(list) = list {
                list.retain(|other| other != name);
            }
        }
        map.retain(|_, list| list.as_array().is_none_or(|list| !list.is_empty()));
    }
    let known: Vec<String> = listed(object, "required").map(str::to_owned).collect();
    if let Some(Value::Array(beside)) = beside {
        let list = object.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            let new = |other: &Value| !known.iter().any(|own| other == own);
            list.extend(beside.into_iter().filter(new));
        }
    }
    if let Some(schema) = shift_remove(object, "dependentSchemas", name) {
        let all = object.entry("allOf").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.push(schema);
        }
    }
    for key in ["required", "dependentRequired", "dependentSchemas"] {
        let empty = match object.get(key) {
            Some(Value::Array(list)) => list.is_empty(),
            Some(Value::Object(map)) => map.is_empty(),
            _ => false,
        };
        if empty {
            object.shift_remove(key);
        }
    }
}

fn shift_remove(object: &mut Map<String, Value>, key: &str, name: &str) -> Option<Value> {
    let map = object.get_mut(key)?.as_object_mut()?;
    map.shift_remove(name)
}
