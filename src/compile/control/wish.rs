//! What all rules together say of one argument, or of a part of one: the narrowest of each.

use std::cmp::Ordering;

use indexmap::IndexMap;
use serde_json::{Number, Value};

use super::reach::Token;
use crate::compile::rules::undone;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::words::OneOrMany;
use crate::policy::format::{ArgRule, OnViolation};
use crate::runtime::args::number::{compare, same};

/// Something that a rule says, and where.
pub(super) type Said<T> = Option<(T, Loc)>;

/// What all rules together say of one part of the arguments.
#[derive(Default)]
pub(super) struct Wish<'r> {
    /// As a rule writes it.
    pub(super) name: &'r str,
    /// Where it is named first.
    pub(super) loc: Loc,
    pub(super) min: Said<&'r Number>,
    pub(super) max: Said<&'r Number>,
    pub(super) max_items: Said<u64>,
    pub(super) max_length: Said<u64>,
    pub(super) patterns: Vec<(&'r str, Loc)>,
    pub(super) enums: Vec<(&'r [Value], Loc)>,
    pub(super) drop_if: Vec<(&'r Value, Loc)>,
    pub(super) default: Said<&'r Value>,
    pub(super) constant: Said<&'r Value>,
    pub(super) env: Said<&'r str>,
    pub(super) hide: Option<Loc>,
    pub(super) forbid: Option<Loc>,
    pub(super) slash: Option<Loc>,
    pub(super) on_violation: Said<OnViolation>,
}

/// What is wished, by the part of the arguments that it is about.
pub(super) type Wishes<'r> = IndexMap<Vec<Token>, Wish<'r>>;

impl<'r> Wish<'r> {
    /// Adds what a further rule says.
    pub(super) fn add(&mut self, name: &'r str, rule: &'r ArgRule, loc: &Loc) {
        if self.name.is_empty() {
            self.name = name;
            self.loc = Loc::key(loc.pointer.clone());
        }
        let at = |key: &str| loc.child(key);
        let tighter = |old: Said<&'r Number>, new: Option<&'r Number>, key, wins: Ordering| {
            let Some(new) = new else { return old };
            match old {
                Some((old, at)) if compare(new, old) != wins => Some((old, at)),
                _ => Some((new, at(key))),
            }
        };
        self.min = tighter(self.min.take(), rule.min.as_ref(), "min", Ordering::Greater);
        self.max = tighter(self.max.take(), rule.max.as_ref(), "max", Ordering::Less);
        let fewer = |old: Said<u64>, new: Option<u64>, key| match (old, new) {
            (Some((old, at)), Some(new)) if new >= old => Some((old, at)),
            (_, Some(new)) => Some((new, at(key))),
            (old, None) => old,
        };
        self.max_items = fewer(self.max_items.take(), rule.max_items, "max_items");
        self.max_length = fewer(self.max_length.take(), rule.max_length, "max_length");
        let pattern = rule.pattern.as_deref();
        self.patterns
            .extend(pattern.map(|text| (text, at("pattern"))));
        let values = rule.r#enum.as_deref();
        self.enums.extend(values.map(|values| (values, at("enum"))));
        let drops = rule.drop_if.iter().flat_map(OneOrMany::iter);
        self.drop_if
            .extend(drops.map(|value| (value, at("drop_if"))));
        set(&mut self.default, rule.default.as_ref(), at("default"));
        set(&mut self.constant, rule.r#const.as_ref(), at("const"));
        let env = rule
            .from
            .as_deref()
            .map(|text| text.strip_prefix("env.").unwrap_or(text));
        set(&mut self.env, env, at("from"));
        self.hide = self
            .hide
            .take()
            .or_else(|| rule.hides().then(|| at("hide")));
        self.forbid = self
            .forbid
            .take()
            .or_else(|| rule.forbids().then(|| at("forbid")));
        self.slash = self
            .slash
            .take()
            .or_else(|| rule.slash.map(|_| at("slash")));
        // What refuses a value does not become what changes it.
        let strict = matches!(self.on_violation, Some((OnViolation::Reject, _)));
        let mode = rule.on_violation.filter(|_| !strict);
        set(&mut self.on_violation, mode, at("on_violation"));
    }

    /// Whether its value is not the caller's.
    pub(super) fn is_settled(&self) -> bool {
        self.forbid.is_some() || self.hide.is_some() || self.constant.is_some()
    }

    /// Whether `min` is above `max`; where one rule says both, that is reported with the file.
    pub(super) fn is_empty(&self) -> bool {
        let ends = self.min.as_ref().zip(self.max.as_ref());
        ends.is_some_and(|((min, _), (max, _))| compare(min, max).is_gt())
    }

    /// Whether the rule that has a default contradicts it itself, which is reported with the file.
    pub(super) fn contradicts_itself(&self, default: &Value, loc: &Loc) -> bool {
        let beyond = |end: &Said<&Number>, wrong: Ordering| {
            let (end, at) = end.as_ref()?;
            let order = compare(default.as_number()?, end);
            Some(order == wrong && one_rule(at, loc))
        };
        let unlisted = self.enums.iter().any(|(values, at)| {
            one_rule(at, loc) && !values.iter().any(|value| same(value, default))
        });
        beyond(&self.min, Ordering::Less) == Some(true)
            || beyond(&self.max, Ordering::Greater) == Some(true)
            || unlisted
    }

    /// Reports what rules say that cannot all hold. (Two keys can mean one argument, which rules that
    /// are compared key by key do not see.)
    pub(super) fn contradictions(&self, rules: &[(&str, &ArgRule, Loc)], diags: &mut Diagnostics) {
        if let (Some((min, at)), Some((max, loc))) = (&self.min, &self.max)
            && compare(min, max).is_gt()
            && !one_rule(at, loc)
        {
            let message = format!("`{}` is at least {min} and at most {max}", self.name);
            let found = Diagnostic::new(Code::PolicyConflict, loc.clone(), message);
            diags.push(found.help("no number is both: change one of the rules"));
        }
        for (index, (key, after, loc)) in rules.iter().enumerate() {
            let earlier = rules.get(..index).unwrap_or_default();
            for (other, before, at) in earlier.iter().filter(|(other, ..)| other != key) {
                if let Some(undone) = undone(before, after) {
                    let at = at.child(undone.before);
                    diags.push(undone.loosened(&format!("`{other}`"), loc, at));
                }
            }
        }
    }
}

/// Whether two keys are of one rule.
fn one_rule(one: &Loc, other: &Loc) -> bool {
    let rule = |loc: &Loc| {
        loc.pointer
            .rsplit_once('/')
            .map(|(rule, _)| rule.to_owned())
    };
    rule(one) == rule(other)
}

fn set<T>(old: &mut Said<T>, new: Option<T>, loc: Loc) {
    if let Some(new) = new {
        *old = Some((new, loc));
    }
}
