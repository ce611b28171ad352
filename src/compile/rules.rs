//! Rules over operations: which rules a policy has for an operation, and what they come to together.
//!
//! Safety is monotone (policy rule 4): a later rule refines what earlier ones say and never undoes an
//! `exclude`, `forbid` or `hide`, nor widens a bound of an argument, a call or an answer, nor lowers an
//! effect that a rule gave. A rule that would is an error that shows both, and the earlier one holds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::catalog::{Catalog, LeftOut};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::words::{Duration, Rate};
use crate::policy::format::{
    ArgRule, EffectRule, Enable, IdempotencyKey, PolicyFile, ResponseRule, Retries, Rule,
};
use crate::runtime::manifest::Effect;

mod matching;
mod table;
mod undone;
mod verdict;
mod widened;

#[cfg(test)]
mod tests;

use matching::Matcher;
pub(super) use matching::{Key, Pattern, Subject, fits};
use table::wider;
pub(super) use undone::undone;
use verdict::Hits;

/// The rules of a policy, ready to be asked.
pub(super) struct Rules<'p> {
    all: Vec<Prepared<'p>>,
    /// The rules that name their operations outright, by each name: thousands of them are not compared
    /// with thousands of operations.
    by_operation: BTreeMap<String, Vec<usize>>,
    /// All other rules.
    others: Vec<usize>,
    /// The places of findings that are told once, however many operations they are about.
    told: RefCell<BTreeSet<Loc>>,
}

/// One rule.
struct Prepared<'p> {
    rule: &'p Rule,
    loc: Loc,
    matcher: Matcher,
    hits: Hits,
}

/// What the rules say of an operation, with the rule that said it last.
#[derive(Default)]
pub(super) struct Ruling<'p> {
    pub(super) excluded: Option<usize>,
    pub(super) effect: Option<(Effect, usize)>,
    pub(super) enabled: Option<(Enable, usize)>,
    pub(super) name: Option<(&'p str, usize)>,
    pub(super) describe: Option<(&'p str, usize)>,
    pub(super) args: IndexMap<&'p str, Vec<(&'p ArgRule, usize)>>,
    pub(super) timeout: Option<(Duration, usize)>,
    pub(super) retries: Option<(&'p Retries, usize)>,
    pub(super) idempotency_key: Option<(&'p IdempotencyKey, usize)>,
    pub(super) concurrency: Option<(u32, usize)>,
    pub(super) rate: Vec<(&'p Rate, usize)>,
    pub(super) max_bytes: Option<(u64, usize)>,
    pub(super) max_items: Option<(u64, usize)>,
    pub(super) select: Option<(&'p [String], usize)>,
    pub(super) response: Vec<(&'p ResponseRule, usize)>,
    /// The rules that say something of a relation: its columns, rows, pages.
    pub(super) tables: Vec<(&'p Rule, usize)>,
    /// All rules that match, in order.
    pub(super) touched: Vec<usize>,
}

impl<'p> Ruling<'p> {
    /// What a rule says beside arguments and effects: bounds get closer, rates and drops add up, and of
    /// the rest the last one counts.
    pub(super) fn refine(&mut self, rule: &'p Rule, index: usize) {
        let set = |text: &'p Option<String>| text.as_deref().map(|text| (text, index));
        self.name = set(&rule.name).or(self.name);
        self.describe = set(&rule.describe).or(self.describe);
        self.retries = rule.retries.as_ref().map(|r| (r, index)).or(self.retries);
        let key = rule.idempotency_key.as_ref().map(|key| (key, index));
        self.idempotency_key = key.or(self.idempotency_key);
        self.rate.extend(rule.rate.iter().map(|rate| (rate, index)));
        self.narrow(rule, index);
        self.response.push((&rule.response, index));
    }
}

impl<'p> Rules<'p> {
    /// Prepares the rules of a policy. A pattern that is none is reported; its rule matches nothing.
    pub(super) fn new(file: Option<&'p PolicyFile>, diags: &mut Diagnostics) -> Self {
        let rules = file.into_iter().flat_map(|file| &file.rules).enumerate();
        let rules = rules.map(|(index, rule)| {
            let loc = Loc::at(format!("/rules/{index}"));
            Prepared {
                rule,
                matcher: Matcher::new(rule, &loc, diags),
                loc,
                hits: Hits::default(),
            }
        });
        let rules: Vec<Prepared<'p>> = rules.collect();
        let mut by_operation: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut others = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            match rule.matcher.operations() {
                Some(names) => {
                    for name in names {
                        by_operation.entry(name.to_owned()).or_default().push(index);
                    }
                }
                None => others.push(index),
            }
        }
        Self {
            all: rules,
            by_operation,
            others,
            told: RefCell::default(),
        }
    }

    /// The rules that may be about an operation, in order.
    fn candidates(&self, subject: &Subject<'_>) -> Vec<usize> {
        let mut all = self.others.clone();
        for name in subject.texts(Key::Operation) {
            all.extend(self.by_operation.get(name).into_iter().flatten());
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What the rules say of an operation.
    pub(super) fn ruling(&self, subject: &Subject<'_>, diags: &mut Diagnostics) -> Ruling<'p> {
        let mut ruling = Ruling::default();
        for index in self.candidates(subject) {
            let Some(prepared) = self.all.get(index) else {
                continue;
            };
            let effect = ruling.effect.map_or(subject.effect, |(effect, _)| effect);
            if prepared.matcher.matches(subject, effect) {
                self.apply(index, prepared, subject, &mut ruling, diags);
                let effect = ruling.effect.map_or(subject.effect, |(effect, _)| effect);
                prepared.hits.add(prepared.rule, subject, effect);
            }
        }
        ruling
    }

    fn apply(
        &self,
        index: usize,
        prepared: &Prepared<'p>,
        subject: &Subject<'_>,
        ruling: &mut Ruling<'p>,
        diags: &mut Diagnostics,
    ) {
        let rule = prepared.rule;
        ruling.touched.push(index);
        self.table((index, prepared), subject, ruling, diags);
        match (rule.exclude, ruling.excluded) {
            (Some(true), _) => {
                ruling.excluded.get_or_insert(index);
            }
            (Some(false), Some(excluded)) => {
                let what = format!("{} is excluded", subject.label());
                let earlier = Loc::at(format!("/rules/{excluded}/exclude"));
                self.loosened(&prepared.loc.child("exclude"), earlier, &what, diags);
            }
            _ => {}
        }
        if let Some(change) = &rule.effect {
            self.effect((index, change), prepared, subject, ruling, diags);
        }
        if let Some(enable) = rule.enable {
            if let Some(excluded) = ruling.excluded {
                let what = format!("{} is excluded", subject.label());
                let earlier = Loc::at(format!("/rules/{excluded}/exclude"));
                self.loosened(&prepared.loc.child("enable"), earlier, &what, diags);
            }
            ruling.enabled = Some((enable, index));
        }
        for (arg, of_arg) in &rule.args {
            let earlier = ruling.args.entry(arg.as_str()).or_default();
            let loc = prepared.loc.child("args").child(arg);
            for (before, by) in earlier.iter() {
                if let Some(undone) = undone(before, of_arg) {
                    let before = Loc::at(format!("/rules/{by}/args")).child(arg);
                    let before = before.child(undone.before);
                    self.tell(undone.loosened(&format!("`{arg}`"), &loc, before), diags);
                }
            }
            earlier.push((of_arg, index));
        }
        for widened in ruling.widened(rule) {
            self.tell(widened.told(&subject.label(), &prepared.loc), diags);
        }
        ruling.refine(rule, index);
    }

    /// What a rule says of a relation's columns, rows and pages.
    fn table(
        &self,
        (index, prepared): (usize, &Prepared<'p>),
        subject: &Subject<'_>,
        ruling: &mut Ruling<'p>,
        diags: &mut Diagnostics,
    ) {
        let rule = prepared.rule;
        let Some(key) = rule.of_relations() else {
            return;
        };
        if !subject.is_relation() {
            let label = subject.label();
            let message = format!("`{key}` is for relations, and the rule matches {label}");
            let found = Diagnostic::new(Code::PolicyConflict, prepared.loc.child(key), message);
            self.tell(
                found.help("match relations alone: `table: …`, or their `source`"),
                diags,
            );
            return;
        }
        for (before, by) in &ruling.tables {
            if let Some((after, earlier, what)) = wider(before, rule) {
                let earlier = Loc::at(format!("/rules/{by}/{earlier}"));
                let loc = Loc::at(format!("{}/{after}", prepared.loc.pointer));
                self.loosened(&loc, earlier, &what, diags);
            }
        }
        ruling.tables.push((rule, index));
    }

    /// Another effect than the method's, or than an earlier rule's.
    fn effect(
        &self,
        (index, change): (usize, &EffectRule),
        prepared: &Prepared<'p>,
        subject: &Subject<'_>,
        ruling: &mut Ruling<'p>,
        diags: &mut Diagnostics,
    ) {
        let to = Effect::from(change.r#as);
        let loc = prepared.loc.child("effect");
        if let Some((before, by)) = ruling.effect
            && to < before
        {
            let what = format!("{} is a {}", subject.label(), noun(before));
            let earlier = Loc::at(format!("/rules/{by}/effect/as"));
            self.loosened(&loc.child("as"), earlier, &what, diags);
            return;
        }
        let because = change.because.as_deref().unwrap_or_default();
        if to < subject.effect && because.trim().is_empty() {
            self.tell(no_reason(&loc, subject), diags);
        }
        ruling.effect = Some((to, index));
    }

    /// Reports a rule that undoes what an earlier one says; both are shown.
    fn loosened(&self, loc: &Loc, earlier: Loc, what: &str, diags: &mut Diagnostics) {
        self.tell(undone::loosened(what, loc.clone(), earlier), diags);
    }

    /// Reports what is wrong with a rule, for the first operation that it matches.
    fn tell(&self, found: Diagnostic, diags: &mut Diagnostics) {
        let place = found.loc.clone().unwrap_or_default();
        if self.told.borrow_mut().insert(place) {
            diags.push(found);
        }
    }

    /// Whether a rule excludes an operation that cannot be a tool: nobody loses it.
    pub(super) fn excludes(&self, source: &str, left: &LeftOut) -> bool {
        let subject = Subject::left_out(source, left);
        let mut excluding = self.all.iter().filter(|rule| rule.rule.excludes());
        excluding.any(|rule| rule.matcher.matches(&subject, subject.effect))
    }

    /// Reports what can be said of a rule when it is known what it matches.
    pub(super) fn verdicts(&self, catalogs: &[Catalog], diags: &mut Diagnostics) {
        verdict::report(&self.all, catalogs, diags);
    }
}

/// What a tool of an effect is called.
fn noun(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Write => "write",
        Effect::Destroy => "delete",
    }
}

fn no_reason(loc: &Loc, subject: &Subject<'_>) -> Diagnostic {
    let label = subject.label();
    let message = format!("the effect of {label} is lowered without a reason");
    let help = "add `because: …`: why it changes less than its method says; the plan shows it";
    Diagnostic::new(Code::PolicyBecause, loc.clone(), message).help(help)
}
