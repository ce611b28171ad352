//! What of an argument a later rule would undo.

use serde_json::{Number, Value};

use crate::diag::{Code, Diagnostic, Loc};
use crate::policy::format::{ArgRule, OnViolation};
use crate::runtime::args::number::{compare, same};

/// A key of a later rule that undoes one of an earlier rule.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::compile) struct Undone {
    /// The later key.
    after: &'static str,
    /// The earlier key.
    pub(in crate::compile) before: &'static str,
    /// What the earlier rule says of the argument.
    what: String,
}

impl Undone {
    /// The finding: the argument as it is written, the later rule of it, and where the earlier key is.
    pub(in crate::compile) fn loosened(
        &self,
        argument: &str,
        later: &Loc,
        earlier: Loc,
    ) -> Diagnostic {
        let what = format!("{argument} {}", self.what);
        loosened(&what, later.child(self.after), earlier)
    }
}

/// A rule that undoes what an earlier one says; both are shown.
pub(super) fn loosened(what: &str, loc: Loc, earlier: Loc) -> Diagnostic {
    let message = format!("{what} by an earlier rule, and no later rule undoes that");
    Diagnostic::new(Code::PolicyLoosened, loc, message)
        .help("take this out, or narrow the `match` of one of the rules")
        .also(earlier, "said here")
}

/// A key of a later rule that takes back what the same key of an earlier one says.
fn taken_back(before: &ArgRule, after: &ArgRule) -> Option<(&'static str, &'static str)> {
    if before.forbids() && after.forbid == Some(false) {
        return Some(("forbid", "is forbidden"));
    }
    let hidden = before.hides() && after.hide == Some(false);
    hidden.then_some(("hide", "is hidden"))
}

/// What a later rule would undo of what an earlier one says of the same argument.
pub(in crate::compile) fn undone(before: &ArgRule, after: &ArgRule) -> Option<Undone> {
    let found = |after, before, what| Undone {
        after,
        before,
        what,
    };
    if let Some((key, what)) = taken_back(before, after) {
        return Some(found(key, key, what.to_owned()));
    }
    if before.forbids() {
        let after = value_key(after)?;
        return Some(found(after, "forbid", "is forbidden".to_owned()));
    }
    if let Some((key, _)) = fixed(before).filter(|_| after.forbids()) {
        return Some(found("forbid", key, "has its value".to_owned()));
    }
    if let Some((key, value)) = fixed(before) {
        let (again, other) = fixed(after)?;
        let equal = match (&value, &other) {
            (From::Const(value), From::Const(other)) => same(value, other),
            _ => value == other,
        };
        return (!equal).then(|| found(again, key, "has its value".to_owned()));
    }
    if before.hides()
        && let Some(value) = &after.default
    {
        // Hidden, a default is what is always sent.
        let same = before.default.as_ref().is_some_and(|own| same(own, value));
        let what = match before.default {
            Some(_) => "has its value",
            None => "is hidden and not sent",
        };
        return (!same).then(|| found("default", "hide", what.to_owned()));
    }
    if before.on_violation == Some(OnViolation::Reject)
        && matches!(after.on_violation, Some(OnViolation::Clamp))
    {
        let what = "is refused beyond its bounds".to_owned();
        return Some(found("on_violation", "on_violation", what));
    }
    if let Some((key, bound)) = wider(before, after) {
        return Some(found(key, key, bound));
    }
    let (key, value) = [("const", &after.r#const), ("default", &after.default)]
        .into_iter()
        .find_map(|(key, value)| Some((key, value.as_ref()?)))?;
    outside(before, value).map(|(bound, what)| found(key, bound, what))
}

/// The key that gives an argument a value, or values to choose from.
fn value_key(rule: &ArgRule) -> Option<&'static str> {
    let keys = [
        ("default", rule.default.is_some()),
        ("const", rule.r#const.is_some()),
        ("from", rule.from.is_some()),
        ("enum", rule.r#enum.is_some()),
    ];
    let mut set = keys.into_iter().filter(|(_, set)| *set);
    set.next().map(|(key, _)| key)
}

/// Where a value comes from that the caller does not give.
#[derive(PartialEq)]
enum From<'r> {
    Const(&'r Value),
    Env(&'r str),
}

fn fixed(rule: &ArgRule) -> Option<(&'static str, From<'_>)> {
    let env = rule.from.as_deref().map(|env| ("from", From::Env(env)));
    let constant = rule.r#const.as_ref();
    env.or_else(|| constant.map(|value| ("const", From::Const(value))))
}

/// A bound that the later rule widens, and what the earlier one says.
fn wider(before: &ArgRule, after: &ArgRule) -> Option<(&'static str, String)> {
    let pair = |old: &Option<Number>, new: &Option<Number>| old.clone().zip(new.clone());
    if let Some((old, new)) = pair(&before.min, &after.min)
        && compare(&new, &old).is_lt()
    {
        return Some(("min", format!("is at least {old}")));
    }
    if let Some((old, new)) = pair(&before.max, &after.max)
        && compare(&new, &old).is_gt()
    {
        return Some(("max", format!("is at most {old}")));
    }
    let longer = |old: Option<u64>, new: Option<u64>| old.zip(new).filter(|(old, new)| new > old);
    if let Some((old, _)) = longer(before.max_items, after.max_items) {
        return Some(("max_items", format!("has at most {old} elements")));
    }
    if let Some((old, _)) = longer(before.max_length, after.max_length) {
        return Some(("max_length", format!("has at most {old} characters")));
    }
    let (old, new) = (before.r#enum.as_ref()?, after.r#enum.as_ref()?);
    let added = new
        .iter()
        .find(|value| !old.iter().any(|old| same(old, value)))?;
    Some(("enum", format!("may not be {added}")))
}

/// The bound of an earlier rule that a value is outside of, and what that rule says.
fn outside(before: &ArgRule, value: &Value) -> Option<(&'static str, String)> {
    if let Some(values) = &before.r#enum
        && !values.iter().any(|one| same(one, value))
    {
        return Some(("enum", format!("may not be {value}")));
    }
    let Value::Number(number) = value else {
        return None;
    };
    if let Some(min) = before
        .min
        .as_ref()
        .filter(|min| compare(number, min).is_lt())
    {
        return Some(("min", format!("is at least {min}")));
    }
    let max = before
        .max
        .as_ref()
        .filter(|max| compare(number, max).is_gt());
    max.map(|max| ("max", format!("is at most {max}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(value: &Value) -> ArgRule {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "it is a table")]
    fn later_rules_only_narrow() {
        let big = u64::MAX;
        for (before, after, want) in [
            (
                json!({"forbid": true}),
                json!({"default": 1}),
                Some("default forbid"),
            ),
            (
                json!({"forbid": true}),
                json!({"const": 1}),
                Some("const forbid"),
            ),
            (
                json!({"forbid": true}),
                json!({"from": "env.X", "hide": true}),
                Some("from forbid"),
            ),
            (
                json!({"forbid": true}),
                json!({"enum": [1]}),
                Some("enum forbid"),
            ),
            (json!({"forbid": true}), json!({"max": 1}), None),
            (
                json!({"forbid": true}),
                json!({"forbid": false}),
                Some("forbid forbid"),
            ),
            (json!({"forbid": false}), json!({"forbid": false}), None),
            (json!({"forbid": true}), json!({"hide": false}), None),
            (
                json!({"hide": true, "const": 1}),
                json!({"hide": false, "const": 1}),
                Some("hide hide"),
            ),
            (json!({"hide": false}), json!({"hide": true}), None),
            (
                json!({"const": 1}),
                json!({"const": 2}),
                Some("const const"),
            ),
            (json!({"const": 1}), json!({"const": 1}), None),
            (
                json!({"const": 1}),
                json!({"from": "env.X"}),
                Some("from const"),
            ),
            (
                json!({"from": "env.X"}),
                json!({"from": "env.Y"}),
                Some("from from"),
            ),
            (
                json!({"from": "env.X"}),
                json!({"const": 1}),
                Some("const from"),
            ),
            (
                json!({"hide": true}),
                json!({"default": 1}),
                Some("default hide"),
            ),
            (json!({"hide": true}), json!({"const": 1}), None),
            (
                json!({"hide": true, "default": 1}),
                json!({"default": 2}),
                Some("default hide"),
            ),
            (
                json!({"hide": true, "default": 1}),
                json!({"default": 1}),
                None,
            ),
            (
                json!({"const": 1}),
                json!({"forbid": true}),
                Some("forbid const"),
            ),
            (json!({"const": 1}), json!({"const": 1.0}), None),
            (
                json!({"on_violation": "reject"}),
                json!({"on_violation": "clamp"}),
                Some("on_violation on_violation"),
            ),
            (
                json!({"on_violation": "clamp"}),
                json!({"on_violation": "reject"}),
                None,
            ),
            (json!({"max": 5}), json!({"max": 6}), Some("max max")),
            (json!({"max": 5}), json!({"max": 5.0}), None),
            (json!({"max": 5}), json!({"max": 4, "min": 1}), None),
            (
                json!({"max": big - 1}),
                json!({"max": big}),
                Some("max max"),
            ),
            (json!({"min": 5}), json!({"min": 4.5}), Some("min min")),
            (json!({"min": 5}), json!({"max": 9}), None),
            (
                json!({"max_items": 5}),
                json!({"max_items": 6}),
                Some("max_items max_items"),
            ),
            (
                json!({"max_length": 5}),
                json!({"max_length": 6}),
                Some("max_length max_length"),
            ),
            (
                json!({"enum": ["a", "b"]}),
                json!({"enum": ["b", "c"]}),
                Some("enum enum"),
            ),
            (json!({"enum": ["a", "b"]}), json!({"enum": ["b"]}), None),
            (json!({"enum": [1]}), json!({"enum": [1.0]}), None),
            (
                json!({"enum": ["a"]}),
                json!({"const": "b"}),
                Some("const enum"),
            ),
            (
                json!({"enum": ["a"]}),
                json!({"default": "b"}),
                Some("default enum"),
            ),
            (json!({"max": 5}), json!({"const": 6}), Some("const max")),
            (
                json!({"min": 5}),
                json!({"default": 4}),
                Some("default min"),
            ),
            (json!({"min": 5}), json!({"default": 5}), None),
            (json!({"pattern": "^a$"}), json!({"pattern": ".*"}), None),
        ] {
            let found = undone(&rule(&before), &rule(&after));
            let found = found.map(|found| format!("{} {}", found.after, found.before));
            assert_eq!(found.as_deref(), want, "{before} {after}");
        }
    }
}
