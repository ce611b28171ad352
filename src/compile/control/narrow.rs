//! Bounds, patterns and values: they narrow the schema, and on reads a bound moves numbers into it.

use serde_json::{Map, Number, Value, json};

use super::facts::{End, Facts};
use super::reach::{Reach, Token};
use super::wish::Wish;
use super::{Work, pointer};
use crate::compile::describe;
use crate::diag::{Code, Diagnostic, Loc};
use crate::policy::format::OnViolation;
use crate::runtime::args;
use crate::runtime::args::number::{compare, is_integral, same};
use crate::runtime::manifest::{Bound, Effect, Place};

/// Characters of a value or a reason that a finding quotes.
const QUOTE_MAX: usize = 80;
/// Characters of an argument's description, as `describe` cuts it.
const DESCRIPTION_MAX: usize = 300;

impl Work<'_> {
    /// Narrows what is allowed at a place. `document` is what the document says of it.
    pub(super) fn narrow(&mut self, tokens: &[Token], wish: &Wish<'_>, document: &Value) {
        let facts = Facts::of(document, &self.reach);
        let mut good = self.numbers(tokens, wish, &facts);
        good &= self.items(tokens, wish, &facts);
        self.texts(tokens, wish, &facts);
        self.values(tokens, wish, &facts, document);
        if let Some(clamps) = self.clamps(tokens, wish)
            && good
            && !wish.is_empty()
        {
            self.move_numbers(tokens, wish, &facts, clamps);
            self.shorten_lists(tokens, wish, &facts, clamps);
        }
    }

    /// Whether a schema can be written into at a place, and it.
    fn edit(&mut self, tokens: &[Token], change: impl FnOnce(&mut Map<String, Value>)) {
        if let Some(schema) = self.reach.place(&mut self.root, tokens) {
            change(schema);
        }
    }

    fn numbers(&mut self, tokens: &[Token], wish: &Wish<'_>, facts: &Facts) -> bool {
        let mut good = true;
        for (key, said) in [("min", &wish.min), ("max", &wish.max)] {
            let Some((bound, loc)) = said else { continue };
            if !facts.may_be("integer") && !facts.may_be("number") {
                self.another_type(wish, facts, key, "numbers", loc);
                good = false;
                continue;
            }
            if facts.is_integer() && !is_integral(bound) {
                let message = format!("`{}` is an integer, and `{key}` is {bound}", wish.name);
                self.report(Code::PolicyArgument, loc, message, "write a whole number");
                good = false;
                continue;
            }
            if let Some(outside) = outside(wish.name, key, bound, facts) {
                self.outside(outside, loc);
                good = false;
                continue;
            }
            self.misses.hit(loc);
            let keyword = if key == "min" { "minimum" } else { "maximum" };
            self.edit(tokens, |schema| {
                schema.insert(keyword.to_owned(), Value::Number((*bound).clone()));
                only(schema, facts, &["integer", "number"]);
            });
        }
        good
    }

    fn items(&mut self, tokens: &[Token], wish: &Wish<'_>, facts: &Facts) -> bool {
        let Some((most, loc)) = &wish.max_items else {
            return true;
        };
        if !facts.may_be("array") {
            self.another_type(wish, facts, "max_items", "lists", loc);
            return false;
        }
        let count = (*most, "elements");
        if !self.counted(
            wish,
            "max_items",
            count,
            (facts.min_items, facts.max_items),
            loc,
        ) {
            return false;
        }
        self.edit(tokens, |schema| {
            schema.insert("maxItems".to_owned(), (*most).into());
            only(schema, facts, &["array"]);
        });
        true
    }

    /// A bound that the document does not allow. One that is only wider than the document's own is an
    /// error where it narrows no operation; the document's own holds all the same.
    fn outside(&mut self, outside: Outside, loc: &Loc) {
        let found = Diagnostic::new(Code::PolicyOutside, loc.clone(), outside.message);
        let found = found.help(outside.help);
        if outside.is_wider {
            self.misses.miss(found);
        } else {
            self.diags.push(found);
        }
    }

    /// Whether a number of elements or characters is inside what the document allows.
    fn counted(
        &mut self,
        wish: &Wish<'_>,
        key: &str,
        (most, noun): (u64, &str),
        (least, own): (Option<u64>, Option<u64>),
        loc: &Loc,
    ) -> bool {
        let name = wish.name;
        let (is_wider, word, own) = if let Some(own) = own.filter(|own| most > *own) {
            (true, "most", own)
        } else if let Some(least) = least.filter(|least| most < *least) {
            (false, "least", least)
        } else {
            self.misses.hit(loc);
            return true;
        };
        let outside = Outside {
            is_wider,
            message: format!(
                "`{name}` has at {word} {own} {noun} in the document, and `{key}` is {most}"
            ),
            help: format!("choose at {word} {own}"),
        };
        self.outside(outside, loc);
        false
    }

    fn texts(&mut self, tokens: &[Token], wish: &Wish<'_>, facts: &Facts) {
        if let Some((most, loc)) = &wish.max_length {
            let bounds = (facts.min_length, facts.max_length);
            if !facts.may_be("string") {
                self.another_type(wish, facts, "max_length", "texts", loc);
            } else if self.counted(wish, "max_length", (*most, "characters"), bounds, loc) {
                self.edit(tokens, |schema| {
                    schema.insert("maxLength".to_owned(), (*most).into());
                    only(schema, facts, &["string"]);
                });
            }
        }
        for (pattern, loc) in &wish.patterns {
            if !facts.may_be("string") {
                self.another_type(wish, facts, "pattern", "texts", loc);
            } else if let Err(why) = args::linear(pattern) {
                let why = describe::clean(why.lines().last().unwrap_or_default(), QUOTE_MAX);
                let message = format!("the pattern of `{}` cannot be used: {why}", wish.name);
                let help = "only patterns that are matched in linear time are enforced: no look-around, \
                            no back-references, of moderate size";
                self.report(Code::PolicyArgument, loc, message, help);
            } else {
                self.edit(tokens, |schema| {
                    both(schema, "pattern", (*pattern).into());
                    only(schema, facts, &["string"]);
                });
            }
        }
    }

    fn values(&mut self, tokens: &[Token], wish: &Wish<'_>, facts: &Facts, document: &Value) {
        for (values, loc) in &wish.enums {
            let mut kept: Vec<Value> = Vec::new();
            for (index, value) in values.iter().enumerate() {
                let loc = loc.child(&index.to_string());
                match fits(&self.reach, document, value) {
                    Ok(()) => kept.push(value.clone()),
                    Err(why) => {
                        let list = facts.types == ["array"] && !value.is_array();
                        let help = match list {
                            true => format!("for its elements, write `{}/*`", pointer(tokens)),
                            false => "choose values that the document allows".to_owned(),
                        };
                        let message = format!(
                            "{} is no value of `{}` in the document: {why}",
                            quoted(value),
                            wish.name
                        );
                        self.report(Code::PolicyOutside, &loc, message, help);
                    }
                }
            }
            let mut left = true;
            self.edit(tokens, |schema| {
                let own = schema.get("enum").and_then(Value::as_array);
                if let Some(own) = own {
                    kept.retain(|value| own.iter().any(|other| same(value, other)));
                }
                left = !kept.is_empty();
                schema.insert("enum".to_owned(), Value::Array(kept));
            });
            if !left && wish.enums.len() > 1 {
                let message = format!("the rules leave no value for `{}`", wish.name);
                self.report(
                    Code::PolicyOutside,
                    loc,
                    message,
                    "let the lists have a value in common",
                );
            }
        }
    }

    fn another_type(&mut self, wish: &Wish<'_>, facts: &Facts, key: &str, of: &str, loc: &Loc) {
        let message = format!(
            "`{}` is of type {} in the document, and `{key}` is for {of}",
            wish.name,
            facts.types.join(" or ")
        );
        self.report(
            Code::PolicyArgument,
            loc,
            message,
            format!("take `{key}` out"),
        );
    }

    /// Whether values beyond a bound are moved; `None` after an error.
    fn clamps(&mut self, tokens: &[Token], wish: &Wish<'_>) -> Option<bool> {
        let place = self.goes_to(tokens);
        let exact = matches!(place, Some(Place::Path | Place::Header | Place::Cookie));
        let said = wish.on_violation.as_ref().map(|(mode, _)| *mode);
        if let Some((OnViolation::Clamp, loc)) = &wish.on_violation {
            let bounded = wish.min.is_some() || wish.max.is_some() || wish.max_items.is_some();
            let place = place.map_or("body", Place::as_str);
            let (message, help) = if exact {
                (
                    format!("`{}` is in the {place}, where no value is moved", wish.name),
                    "the nearest id is somebody else: write `on_violation: reject`",
                )
            } else if !bounded {
                (
                    format!("`{}` has no bound to be moved into", wish.name),
                    "only `min`, `max` and `max_items` move values",
                )
            } else {
                return Some(true);
            };
            self.report(Code::PolicyArgument, loc, message, help);
            return None;
        }
        Some(match said.unwrap_or(self.on_violation) {
            _ if exact => false,
            OnViolation::Clamp => true,
            OnViolation::Reject => false,
            OnViolation::Auto => self.capability.effect == Effect::Read,
        })
    }

    fn move_numbers(&mut self, tokens: &[Token], wish: &Wish<'_>, facts: &Facts, clamps: bool) {
        let bounded = wish.min.is_some() || wish.max.is_some();
        let refuses = matches!(wish.on_violation, Some((OnViolation::Reject, _)));
        if !clamps && (bounded || refuses) {
            self.control(tokens, |control| control.clamp = None);
        }
        if !clamps || !bounded {
            return;
        }
        let Some(schema) = self.reach.gather(&self.root, tokens) else {
            return;
        };
        for (key, said) in [("min", &wish.min), ("max", &wish.max)] {
            let Some((bound, loc)) = said else { continue };
            if let Err(why) = fits(&self.reach, &schema, &Value::Number((*bound).clone())) {
                let message = format!(
                    "`{key}` of `{}` is {bound}, which is no value of it: {why}",
                    wish.name
                );
                let help =
                    "values are moved there: choose one that is allowed, or `on_violation: reject`";
                self.report(Code::PolicyArgument, loc, message, help);
                return;
            }
        }
        let said = |said: &Option<(&Number, Loc)>| said.as_ref().map(|(n, _)| (*n).clone());
        let (min, max) = (said(&wish.min), said(&wish.max));
        let own = |end: &Option<End>| end.as_ref().map(|end| end.number.clone());
        let fractions = !facts.is_integer();
        self.control(tokens, |control| {
            let bound = match control.clamp.take() {
                // A page size: whatever is given, the nearest is meant.
                Some(page) => Bound {
                    min: min.or(page.min),
                    max: max.or(page.max),
                    ..page
                },
                None => Bound {
                    min,
                    max,
                    floor: own(&facts.min),
                    ceiling: own(&facts.max),
                    fractions,
                },
            };
            control.clamp = Some(bound);
        });
        self.tell(tokens, "Values beyond the bounds are moved to the nearest.");
    }

    fn shorten_lists(&mut self, tokens: &[Token], wish: &Wish<'_>, facts: &Facts, clamps: bool) {
        let Some((most, _)) = wish.max_items.as_ref().filter(|_| clamps) else {
            return;
        };
        let ceiling = facts.max_items;
        self.control(tokens, |control| {
            control.max_items = Some(*most);
            control.items_ceiling = ceiling;
        });
        self.tell(tokens, &format!("Only the first {most} elements are used."));
    }

    /// Adds a sentence to a description; what the document says gives way.
    pub(super) fn tell(&mut self, tokens: &[Token], sentence: &str) {
        self.edit(tokens, |schema| {
            let said = schema.get("description").and_then(Value::as_str);
            let room = DESCRIPTION_MAX.saturating_sub(sentence.chars().count() + 2);
            let said = describe::clean(said.unwrap_or_default(), room);
            let end = if said.is_empty() {
                ""
            } else if said.ends_with(['.', '!', '?', '…', ':']) {
                " "
            } else {
                ". "
            };
            schema.insert(
                "description".into(),
                format!("{said}{end}{sentence}").into(),
            );
        });
    }
}

/// A bound that is not inside the document's own.
struct Outside {
    /// Whether all that the document allows is inside it, on its side.
    is_wider: bool,
    message: String,
    help: String,
}

/// Why a bound is not inside the document's own, and what to do.
fn outside(name: &str, key: &str, bound: &Number, facts: &Facts) -> Option<Outside> {
    let low = facts
        .min
        .as_ref()
        .filter(|end| compare(bound, &end.number).is_lt());
    let high = facts
        .max
        .as_ref()
        .filter(|end| compare(bound, &end.number).is_gt());
    let (end, word) = match (low, high) {
        (Some(end), _) => (end, "least"),
        (None, Some(end)) => (end, "most"),
        (None, None) => return None,
    };
    let own = end.words();
    Some(Outside {
        is_wider: (key == "min") == (word == "least"),
        message: format!("`{name}` is at {word} {own} in the document, and `{key}` is {bound}"),
        help: format!("choose at {word} {own}"),
    })
}

/// Leaves only these types, and null where it is allowed: what is bounded is nothing else.
fn only(schema: &mut Map<String, Value>, facts: &Facts, names: &[&str]) {
    let kept: Vec<&String> = facts
        .types
        .iter()
        .filter(|name| names.contains(&name.as_str()) || *name == "null")
        .collect();
    if !facts.types.is_empty() && kept.len() == facts.types.len() {
        return;
    }
    let value = match kept.as_slice() {
        [] => names.last().copied().into(),
        [one] => one.as_str().into(),
        many => json!(many),
    };
    schema.insert("type".to_owned(), value);
}

/// Adds a keyword; one that is there stays.
fn both(schema: &mut Map<String, Value>, key: &str, value: Value) {
    match schema.get(key) {
        None => {
            schema.insert(key.to_owned(), value);
        }
        Some(own) if *own == value => {}
        Some(_) => {
            let all = schema.entry("allOf").or_insert_with(|| json!([]));
            if let Value::Array(all) = all {
                all.push(json!({ key: value }));
            }
        }
    }
}

/// Whether a value matches a schema, or why not. A schema that cannot be checked takes everything.
pub(super) fn fits(reach: &Reach<'_>, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = Value::Object(reach.standalone(schema));
    let Ok(validator) = args::validator(&schema) else {
        return Ok(());
    };
    validator
        .validate(value)
        .map_err(|error| describe::clean(&error.to_string(), 2 * QUOTE_MAX))
}

/// A value as a finding shows it.
pub(super) fn quoted(value: &Value) -> String {
    describe::clean(&value.to_string(), QUOTE_MAX)
}
