//! What a later rule would widen of the bounds that earlier ones set to calls and answers.

use super::Ruling;
use super::undone::loosened;
use crate::diag::{Diagnostic, Loc};
use crate::policy::format::Rule;

/// A key of a later rule that widens what an earlier rule says.
pub(super) struct Widened {
    /// The key, as a pointer into either rule.
    key: &'static str,
    /// Where in a list of the later rule, if it is one.
    at: Option<usize>,
    /// The earlier rule.
    by: usize,
    /// What it says of the operation or its answers.
    what: String,
}

impl Widened {
    /// The finding: the operation as it is written, and where the later rule is.
    pub(super) fn told(&self, label: &str, later: &Loc) -> Diagnostic {
        let inside = |loc: &Loc| {
            self.key
                .split('/')
                .fold(loc.clone(), |loc, key| loc.child(key))
        };
        let later = inside(later);
        let later = match self.at {
            Some(index) => later.child(&index.to_string()),
            None => later,
        };
        let earlier = inside(&Loc::at(format!("/rules/{}", self.by)));
        loosened(&format!("{label} {}", self.what), later, earlier).help(
            "take this out, narrow the `match` of one of the rules, or move the earlier to `defaults`",
        )
    }
}

impl<'p> Ruling<'p> {
    /// What of a rule is wider than what earlier ones say of the operation.
    pub(super) fn widened(&self, rule: &Rule) -> Vec<Widened> {
        let mut all = Vec::new();
        let mut say = |key, at, by, what: String| all.push(Widened { key, at, by, what });
        if let (Some((old, by)), Some(new)) = (self.timeout, rule.timeout)
            && new.0 > old.0
        {
            say("timeout", None, by, format!("has a deadline of {old}"));
        }
        if let (Some((old, by)), Some(new)) = (self.concurrency, rule.concurrency)
            && new > old
        {
            let what = format!("has at most {old} calls at the same time");
            say("concurrency", None, by, what);
        }
        if let (Some((old, by)), Some(new)) = (self.max_bytes, rule.response.max_bytes)
            && new.0 > old
        {
            let what = format!("has answers of at most {old} bytes");
            say("response/max_bytes", None, by, what);
        }
        if let (Some((old, by)), Some(new)) = (self.max_items, rule.response.max_items)
            && new > old
        {
            let what = format!("has lists of at most {old} elements in its answers");
            say("response/max_items", None, by, what);
        }
        if let Some((old, by)) = self.select {
            let mut new = rule.response.select.iter();
            let beyond = new.position(|pointer| !old.iter().any(|old| is_within(pointer, old)));
            if let Some(at) = beyond {
                let what = "passes on only what is selected".to_owned();
                say("response/select", Some(at), by, what);
            }
        }
        all
    }

    /// Takes over the bounds of a rule that are closer than what is known.
    pub(super) fn narrow(&mut self, rule: &'p Rule, index: usize) {
        self.timeout = closer(self.timeout, rule.timeout, index);
        self.concurrency = closer(self.concurrency, rule.concurrency, index);
        let bytes = rule.response.max_bytes.map(|size| size.0);
        self.max_bytes = closer(self.max_bytes, bytes, index);
        self.max_items = closer(self.max_items, rule.response.max_items, index);
        let select = rule.response.select.as_slice();
        let within = |old: &[String]| {
            let mut new = select.iter();
            new.all(|pointer| old.iter().any(|old| is_within(pointer, old)))
        };
        if !select.is_empty() && self.select.is_none_or(|(old, _)| within(old)) {
            self.select = Some((select, index));
        }
    }
}

/// The closer of two bounds, with the rule that said it first.
fn closer<T: PartialOrd>(old: Option<(T, usize)>, new: Option<T>, by: usize) -> Option<(T, usize)> {
    match (old, new) {
        (Some((old, at)), Some(new)) if new >= old => Some((old, at)),
        (_, Some(new)) => Some((new, by)),
        (old, None) => old,
    }
}

/// Whether what a pointer selects is a part of what another one does.
fn is_within(pointer: &str, other: &str) -> bool {
    let mut own = pointer.split('/');
    let mut others = other.split('/');
    others.all(|other| own.next().is_some_and(|own| other == "*" || own == other))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rule(value: &Value) -> Rule {
        let mut rule = value.clone();
        rule["match"] = json!({"method": "*"});
        serde_json::from_value(rule).unwrap()
    }

    #[test]
    fn later_rules_do_not_widen() {
        for (before, after, want) in [
            (
                json!({"timeout": "5s"}),
                json!({"timeout": "5001ms"}),
                "timeout",
            ),
            (json!({"timeout": "1m"}), json!({"timeout": "60s"}), ""),
            (json!({"timeout": "5s"}), json!({"timeout": "1s"}), ""),
            (
                json!({"concurrency": 4}),
                json!({"concurrency": 5}),
                "concurrency",
            ),
            (json!({"concurrency": 4}), json!({"concurrency": 4}), ""),
            (json!({"concurrency": 4}), json!({"timeout": "5s"}), ""),
            (
                json!({"response": {"max_items": 5, "max_bytes": "1KiB"}}),
                json!({"response": {"max_items": 6, "max_bytes": "1025B"}}),
                "response/max_bytes response/max_items",
            ),
            (
                json!({"response": {"max_items": 5, "max_bytes": "1KiB"}}),
                json!({"response": {"max_items": 5, "max_bytes": "1024B"}}),
                "",
            ),
            (
                json!({"response": {"select": ["/a", "/b/*/c"]}}),
                json!({"response": {"select": ["/a/x", "/b/*/c/d", "/b/7/c"]}}),
                "",
            ),
            (
                json!({"response": {"select": ["/a", "/b/*/c"]}}),
                json!({"response": {"select": ["/a", "/b"]}}),
                "response/select/1",
            ),
            (
                json!({"response": {"select": ["/b/7/c"]}}),
                json!({"response": {"select": ["/b/*/c"]}}),
                "response/select/0",
            ),
            (
                json!({"response": {"select": ["/a"]}}),
                json!({"response": {"select": ["/ab"]}}),
                "response/select/0",
            ),
            (json!({"response": {"select": ["/a"]}}), json!({}), ""),
        ] {
            let (before, after) = (rule(&before), rule(&after));
            let mut ruling = Ruling::default();
            ruling.refine(&before, 0);
            let found = ruling.widened(&after);
            let found: Vec<String> = found
                .iter()
                .map(|found| match found.at {
                    Some(at) => format!("{}/{at}", found.key),
                    None => found.key.to_owned(),
                })
                .collect();
            assert_eq!(found.join(" "), want, "{before:?} {after:?}");
            // What would be wider does not count.
            ruling.refine(&after, 1);
            let nothing = ruling.widened(&before).is_empty() || want.is_empty();
            assert!(nothing, "{before:?} {after:?}");
        }
    }
}
