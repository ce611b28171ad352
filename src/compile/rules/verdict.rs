//! What can be said of a rule when it is known what it matches: nothing, too much for a name, or what
//! its `enable` does not reach.

use std::cell::{Cell, RefCell};

use super::matching::{Key, Pattern, Subject, fits};
use super::{Prepared, noun};
use crate::catalog::Catalog;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::{Enable, Rule};
use crate::runtime::manifest::Effect;

/// Rules that match nothing for which it is looked up what was meant.
const LOOKED_UP_MAX: usize = 20;
/// Names that a finding lists.
const LISTED_MAX: usize = 8;

/// What a rule matched.
#[derive(Default)]
pub(super) struct Hits {
    count: Cell<usize>,
    /// The first two operations.
    first: RefCell<Vec<String>>,
    /// Whether it enables any operation.
    enables: Cell<bool>,
    /// The first operation that it does not enable, with its effect.
    above: RefCell<Option<(String, Effect)>>,
}

impl Hits {
    /// Counts an operation that has this effect by now.
    pub(super) fn add(&self, rule: &Rule, subject: &Subject<'_>, effect: Effect) {
        self.count.set(self.count.get() + 1);
        if self.count.get() <= 2 {
            self.first.borrow_mut().push(subject.label());
        }
        let Some(enable) = rule.enable else { return };
        if effect <= Effect::from(enable) {
            self.enables.set(true);
        } else if self.above.borrow().is_none() {
            *self.above.borrow_mut() = Some((subject.label(), effect));
        }
    }
}

/// Reports what is wrong with rules by what they match.
pub(super) fn report(rules: &[Prepared<'_>], catalogs: &[Catalog], diags: &mut Diagnostics) {
    let mut looked_up = 0;
    let subjects = Subjects::new(catalogs);
    for rule in rules.iter().filter(|rule| !rule.matcher.broken) {
        match rule.hits.count.get() {
            // A typo in a guard must never be silent.
            0 if !subjects.cannot_be_tools(rule) => {
                looked_up += 1;
                let subjects = (looked_up <= LOOKED_UP_MAX).then_some(&subjects);
                if let Some(found) = no_match(rule, subjects) {
                    diags.push(found);
                }
            }
            0 | 1 => {}
            many => name_of_many(rule, many, diags),
        }
        too_low(rule, diags);
    }
}

/// A name is for one operation.
fn name_of_many(rule: &Prepared<'_>, many: usize, diags: &mut Diagnostics) {
    if rule.rule.name.is_none() {
        return;
    }
    let first = rule.hits.first.borrow().join(" and ");
    let among = if many == 2 { "" } else { " among them" };
    let message =
        format!("`name` is for one operation, and the rule matches {many}: {first}{among}");
    let found = Diagnostic::new(Code::PolicyConflict, rule.loc.child("name"), message);
    diags.push(found.help("narrow the `match`, as with `operation:` or `method:`"));
}

/// An `enable` that makes no tool of anything.
fn too_low(rule: &Prepared<'_>, diags: &mut Diagnostics) {
    let above = rule.hits.above.borrow();
    let (Some((label, effect)), false) = (&*above, rule.hits.enables.get()) else {
        return;
    };
    let word = match rule.rule.enable {
        Some(Enable::Destroy) => "destroy",
        Some(Enable::Read) => "read",
        _ => "write",
    };
    let message = format!(
        "`enable: {word}` does not reach {label}, which is a {}",
        noun(*effect)
    );
    let found = Diagnostic::new(Code::PolicyConflict, rule.loc.child("enable"), message);
    let reach = effect.as_str();
    diags.push(found.help(format!("write `enable: {reach}` if that is what you want")));
}

/// All operations, as rules see them.
struct Subjects<'c> {
    tools: Vec<Subject<'c>>,
    left_out: Vec<Subject<'c>>,
}

impl<'c> Subjects<'c> {
    fn new(catalogs: &'c [Catalog]) -> Self {
        let mut all = Self {
            tools: Vec::new(),
            left_out: Vec::new(),
        };
        for catalog in catalogs {
            let source = catalog.source.as_str();
            let tools = catalog.capabilities.iter();
            all.tools
                .extend(tools.map(|capability| Subject::new(catalog, capability, "")));
            let left = catalog.left_out.iter();
            all.left_out
                .extend(left.map(|left| Subject::left_out(source, left)));
        }
        all
    }

    /// Whether a rule matches what cannot be a tool.
    fn cannot_be_tools(&self, rule: &Prepared<'_>) -> bool {
        let mut left = self.left_out.iter();
        left.any(|subject| rule.matcher.matches(subject, subject.effect))
    }

    fn all(&self) -> impl Iterator<Item = &Subject<'c>> {
        self.tools.iter().chain(&self.left_out)
    }

    /// The texts that a key is compared with, each once.
    fn texts(&self, key: Key) -> Vec<&'c str> {
        let mut texts: Vec<&str> = self.all().flat_map(|subject| subject.texts(key)).collect();
        texts.retain(|text| !text.is_empty());
        texts.sort_unstable();
        texts.dedup();
        texts
    }
}

/// What is to be said of a rule that matches nothing; `None`: it was said before.
fn no_match(rule: &Prepared<'_>, subjects: Option<&Subjects<'_>>) -> Option<Diagnostic> {
    let place = rule.loc.child("match");
    let found = |loc: Loc, message: String| Diagnostic::new(Code::PolicyNoMatch, loc, message);
    let nothing = "the rule matches no operation".to_owned();
    let Some(subjects) = subjects else {
        return Some(found(place, nothing));
    };
    let alone = rule.matcher.keys().iter().find(|(key, globs)| {
        let mut all = subjects.all();
        !all.any(|subject| fits(*key, globs, subject))
    });
    if let Some((key, globs)) = alone {
        let literal = globs.iter().all(|glob| matches!(glob, Pattern::Literal(_)));
        if *key == Key::Source && literal {
            return None;
        }
        let message = format!("{nothing}: {}", none_has(*key));
        let found = found(place.child(key.name()), message);
        return Some(found.help(meant(*key, globs, subjects)));
    }
    let has_effect = |subject: &Subject<'_>| rule.matcher.has_effect(subject.effect);
    if !subjects.all().any(has_effect) {
        let message = format!("{nothing}: none has this effect");
        return Some(found(place.child("effect"), message));
    }
    let help = "each of its keys fits some operation, and no operation has them all";
    Some(found(place, nothing).help(help))
}

fn none_has(key: Key) -> &'static str {
    match key {
        Key::Source => "there is no such source",
        Key::Operation => "none has such an id or name",
        Key::Method => "none has such a method",
        Key::Path => "none has such a path",
        Key::Tag => "none has such a tag",
        Key::Table => "there is no such relation",
    }
}

/// What was perhaps meant by a key that fits nothing.
fn meant(key: Key, globs: &[Pattern], subjects: &Subjects<'_>) -> String {
    let texts = subjects.texts(key);
    let near = globs.iter().find_map(|glob| match glob {
        Pattern::Literal(text) => nearest(text, texts.iter().copied()),
        Pattern::Glob(_) => None,
    });
    if let Some(near) = near {
        return format!("did you mean `{near}`?");
    }
    match (key, texts.as_slice()) {
        (Key::Path, _) => {
            "paths are those of the document, as in `/orders/{id}`; `**` crosses `/`".to_owned()
        }
        (Key::Operation, _) | (_, []) => {
            "`mcpgen list DOCUMENT --enable destroy` shows what there is".to_owned()
        }
        (_, texts) if texts.len() <= LISTED_MAX => format!("there is {}", texts.join(", ")),
        _ => "upper and lower case are different here".to_owned(),
    }
}
