//! Rules over operations: which rules a policy has for an operation, and what they come to together.
//!
//! Safety is monotone (policy rule 4): a later rule refines what earlier ones say and never undoes an
//! `exclude`, `forbid` or `hide`, nor widens a bound. A rule that would is an error that shows both.

use std::cell::Cell;
use std::cmp::Ordering;

use globset::{GlobBuilder, GlobMatcher};
use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use serde_json::{Number, Value};

use crate::catalog::{Capability, Catalog, LeftOut};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::words::{Duration, OneOrMany, Rate};
use crate::policy::format::{
    ArgRule, Enable, IdempotencyKey, Match, OnViolation, PolicyFile, ResponseRule, Retries, Rule,
};
use crate::runtime::args::number::{compare, same};
use crate::runtime::manifest::Effect;

/// The rules of a policy, ready to be asked.
pub(super) struct Rules<'p> {
    rules: Vec<Prepared<'p>>,
}

struct Prepared<'p> {
    rule: &'p Rule,
    loc: Loc,
    source: Globs,
    operation: Globs,
    method: Globs,
    path: Globs,
    tag: Globs,
    effect: Vec<Effect>,
    /// Operations that it matched.
    hits: Cell<usize>,
}

/// The globs of one key; `None`: everything.
type Globs = Option<Vec<Pattern>>;

/// One pattern; most have nothing to be matched but themselves.
enum Pattern {
    Literal(String),
    Glob(Box<GlobMatcher>),
}

/// An operation, as rules see it.
pub(super) struct Subject<'c> {
    source: &'c str,
    operation: &'c str,
    /// The name that its tool has without a rule.
    name: &'c str,
    method: &'c str,
    path: &'c str,
    tags: Vec<&'c str>,
    effect: Effect,
}

impl<'c> Subject<'c> {
    /// An operation that can be a tool, by the name that its tool has without a rule.
    pub(super) fn new(source: &'c str, capability: &'c Capability, name: &'c str) -> Self {
        Self {
            source,
            operation: capability.id.as_deref().unwrap_or(name),
            name,
            method: &capability.method,
            path: &capability.path,
            tags: capability.tags.iter().map(String::as_str).collect(),
            effect: capability.effect,
        }
    }

    /// An operation that cannot be a tool.
    fn left_out(source: &'c str, left: &'c LeftOut) -> Self {
        let method = left.operation.strip_suffix(left.path.as_str());
        let method = method.unwrap_or_default().trim_end();
        Self {
            source,
            operation: left.id.as_deref().unwrap_or_default(),
            name: "",
            method: method.rsplit(' ').next().unwrap_or_default(),
            path: &left.path,
            tags: left.tags.iter().map(String::as_str).collect(),
            effect: left.effect,
        }
    }

    fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
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
    pub(super) response: Vec<(&'p ResponseRule, usize)>,
    /// All rules that match, in order.
    pub(super) touched: Vec<usize>,
}

impl<'p> Rules<'p> {
    /// Prepares the rules of a policy. A pattern that is none is reported; its rule matches nothing.
    pub(super) fn new(file: Option<&'p PolicyFile>, diags: &mut Diagnostics) -> Self {
        let rules = file.into_iter().flat_map(|file| &file.rules).enumerate();
        let rules = rules.map(|(index, rule)| {
            let loc = Loc::at(format!("/rules/{index}"));
            Prepared::new(rule, loc, diags)
        });
        Self {
            rules: rules.collect(),
        }
    }

    /// What the rules say of an operation.
    pub(super) fn ruling(&self, subject: &Subject<'_>, diags: &mut Diagnostics) -> Ruling<'p> {
        let mut ruling = Ruling::default();
        for (index, prepared) in self.rules.iter().enumerate() {
            let effect = ruling.effect.map_or(subject.effect, |(effect, _)| effect);
            if prepared.matches(subject, effect) {
                prepared.hits.set(prepared.hits.get() + 1);
                self.apply(index, prepared, subject, &mut ruling, diags);
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
        if rule.exclude {
            ruling.excluded.get_or_insert(index);
        }
        if let Some(change) = &rule.effect {
            let to = Effect::from(change.r#as);
            if to < subject.effect && change.because.is_none() {
                diags.push(no_reason(&prepared.loc, subject));
            }
            ruling.effect = Some((to, index));
        }
        if let Some(enable) = rule.enable {
            if let Some(excluded) = ruling.excluded {
                let what = format!("`{}` is excluded by an earlier rule", subject.name);
                diags.push(self.loosened(&prepared.loc.child("enable"), excluded, &what));
            }
            ruling.enabled = Some((enable, index));
        }
        for (arg, of_arg) in &rule.args {
            let earlier = ruling.args.entry(arg.as_str()).or_default();
            let loc = prepared.loc.child("args").child(arg);
            for (before, by) in earlier.iter() {
                if let Some((key, what)) = undone(before, of_arg) {
                    let what = format!("`{arg}` {what} by an earlier rule");
                    diags.push(self.loosened(&loc.child(key), *by, &what));
                }
            }
            earlier.push((of_arg, index));
        }
        let set = |text: &'p Option<String>| text.as_deref().map(|text| (text, index));
        ruling.name = set(&rule.name).or(ruling.name);
        ruling.describe = set(&rule.describe).or(ruling.describe);
        ruling.timeout = rule.timeout.map(|t| (t, index)).or(ruling.timeout);
        ruling.retries = rule.retries.as_ref().map(|r| (r, index)).or(ruling.retries);
        let key = rule.idempotency_key.as_ref().map(|key| (key, index));
        ruling.idempotency_key = key.or(ruling.idempotency_key);
        ruling.concurrency = rule.concurrency.map(|c| (c, index)).or(ruling.concurrency);
        ruling
            .rate
            .extend(rule.rate.iter().map(|rate| (rate, index)));
        ruling.response.push((&rule.response, index));
    }

    /// A rule that undoes what an earlier one says; both are shown.
    fn loosened(&self, loc: &Loc, earlier: usize, what: &str) -> Diagnostic {
        let found = Diagnostic::new(
            Code::PolicyLoosened,
            loc.clone(),
            format!("{what}, and no later rule undoes that"),
        );
        let found = found.help("narrow the `match` of the earlier rule, or take this out");
        match self.rules.get(earlier) {
            Some(rule) => found.also(rule.loc.clone(), "said here"),
            None => found,
        }
    }

    /// Whether a rule excludes an operation that cannot be a tool: nobody loses it.
    pub(super) fn excludes(&self, source: &str, left: &LeftOut) -> bool {
        let subject = Subject::left_out(source, left);
        let mut excluding = self.rules.iter().filter(|rule| rule.rule.exclude);
        excluding.any(|rule| rule.matches(&subject, subject.effect))
    }

    /// Reports the rules that matched nothing, not even what cannot be a tool: a typo in a guard must
    /// never be silent.
    pub(super) fn unmatched(&self, catalogs: &[Catalog], diags: &mut Diagnostics) {
        for catalog in catalogs {
            for left in &catalog.left_out {
                let subject = Subject::left_out(&catalog.source, left);
                let idle = self.rules.iter().filter(|rule| rule.hits.get() == 0);
                for rule in idle.filter(|rule| rule.matches(&subject, subject.effect)) {
                    rule.hits.set(1);
                }
            }
        }
        for rule in self.rules.iter().filter(|rule| rule.hits.get() == 0) {
            let message = "the rule matches no operation";
            let found = Diagnostic::new(Code::PolicyNoMatch, rule.loc.child("match"), message);
            diags.push(found.help(rule.perhaps(catalogs)));
        }
    }
}

fn no_reason(loc: &Loc, subject: &Subject<'_>) -> Diagnostic {
    let method = subject.method;
    let message = format!(
        "the effect of {} is lowered without a reason",
        subject.label()
    );
    Diagnostic::new(Code::PolicyBecause, loc.child("effect"), message).help(format!(
        "add `because: …`: why a {method} changes less than it seems; it stands in the plan"
    ))
}

/// What of an argument a later rule would undo: the later key, and what the earlier rule says.
pub(super) fn undone(before: &ArgRule, after: &ArgRule) -> Option<(&'static str, String)> {
    let sets_value = [
        ("default", after.default.is_some()),
        ("const", after.r#const.is_some()),
        ("from", after.from.is_some()),
        ("enum", after.r#enum.is_some()),
    ];
    if before.forbid {
        let (key, _) = sets_value.into_iter().find(|(_, set)| *set)?;
        return Some((key, "is forbidden".to_owned()));
    }
    let other = |before: &Option<Value>, after: &Option<Value>| match (before, after) {
        (Some(before), Some(after)) => !same(before, after),
        (None, after) => after.is_some(),
        (Some(_), None) => false,
    };
    // What is not sent has not the value either.
    let again = [
        ("forbid", after.forbid),
        ("from", after.from.is_some() && after.from != before.from),
        ("const", other(&before.r#const, &after.r#const)),
    ];
    // Hidden, a default is what is always sent.
    if before.hide && other(&before.default, &after.default) && before.default.is_some() {
        return Some(("default", "has its value".to_owned()));
    }
    if before.r#const.is_some() || before.from.is_some() {
        let (key, _) = again.into_iter().find(|(_, set)| *set)?;
        return Some((key, "has its value".to_owned()));
    }
    if before.on_violation == Some(OnViolation::Reject)
        && after.on_violation == Some(OnViolation::Clamp)
    {
        return Some((
            "on_violation",
            "refuses what is beyond its bounds".to_owned(),
        ));
    }
    let wider = |before: &Option<Number>, after: &Option<Number>, wins: Ordering| {
        let (before, after) = (before.as_ref()?, after.as_ref()?);
        (compare(after, before) == wins).then(|| before.to_string())
    };
    if let Some(bound) = wider(&before.min, &after.min, Ordering::Less) {
        return Some(("min", format!("is at least {bound}")));
    }
    if let Some(bound) = wider(&before.max, &after.max, Ordering::Greater) {
        return Some(("max", format!("is at most {bound}")));
    }
    let longer = |before: Option<u64>, after: Option<u64>| before.zip(after).filter(|(b, a)| a > b);
    if let Some((bound, _)) = longer(before.max_items, after.max_items) {
        return Some(("max_items", format!("has at most {bound} elements")));
    }
    if let Some((bound, _)) = longer(before.max_length, after.max_length) {
        return Some(("max_length", format!("has at most {bound} characters")));
    }
    let (old, new) = (before.r#enum.as_ref()?, after.r#enum.as_ref()?);
    let added = new
        .iter()
        .find(|value| !old.iter().any(|own| same(own, value)))?;
    Some(("enum", format!("may not be {added}")))
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Glob(glob) => glob.is_match(text),
        }
    }
}

impl<'p> Prepared<'p> {
    fn new(rule: &'p Rule, loc: Loc, diags: &mut Diagnostics) -> Self {
        let Match {
            source,
            operation,
            method,
            path,
            tag,
            effect,
        } = &rule.r#match;
        let mut globs = |key: &str, values: &Option<OneOrMany<String>>| {
            globs(key, values.as_ref(), &loc.child("match").child(key), diags)
        };
        Self {
            rule,
            source: globs("source", source),
            operation: globs("operation", operation),
            method: globs("method", method),
            path: globs("path", path),
            tag: globs("tag", tag),
            effect: effect
                .iter()
                .flat_map(OneOrMany::iter)
                .map(|effect| Effect::from(*effect))
                .collect(),
            loc,
            hits: Cell::new(0),
        }
    }

    /// What was perhaps meant by a rule that matches nothing.
    fn perhaps(&self, catalogs: &[Catalog]) -> String {
        let all = || catalogs.iter().flat_map(|catalog| &catalog.capabilities);
        let operations = || all().filter_map(|c| c.id.as_deref());
        let near = |globs: &Globs, names: Vec<&str>| {
            let mut patterns = globs.iter().flatten();
            patterns.find_map(|pattern| match pattern {
                Pattern::Literal(text) if names.contains(&text.as_str()) => None,
                Pattern::Literal(text) => nearest(text, names.iter().copied()).map(str::to_owned),
                Pattern::Glob(_) => None,
            })
        };
        let found = near(&self.operation, operations().collect())
            .or_else(|| near(&self.path, all().map(|c| c.path.as_str()).collect()))
            .or_else(|| {
                let tags = all().flat_map(|c| c.tags.iter().map(String::as_str));
                near(&self.tag, tags.collect())
            });
        match found {
            Some(near) => format!("did you mean `{near}`?"),
            None => "what there is: `mcpgen list DOCUMENT --enable destroy`".to_owned(),
        }
    }

    fn matches(&self, subject: &Subject<'_>, effect: Effect) -> bool {
        let any = |globs: &Globs, texts: &[&str]| {
            globs.as_ref().is_none_or(|globs| {
                let mut globs = globs.iter();
                globs.any(|glob| texts.iter().any(|text| glob.matches(text)))
            })
        };
        let plain = || percent_decode_str(subject.path).decode_utf8_lossy();
        any(&self.source, &[subject.source])
            && any(&self.operation, &[subject.operation, subject.name])
            && any(&self.method, &[subject.method])
            && any(&self.tag, &subject.tags)
            && (self.effect.is_empty() || self.effect.contains(&effect))
            && (any(&self.path, &[subject.path]) || any(&self.path, &[&plain()]))
    }
}

/// The globs of a key. One that is no pattern is reported and matches nothing.
fn globs(
    key: &str,
    values: Option<&OneOrMany<String>>,
    loc: &Loc,
    diags: &mut Diagnostics,
) -> Globs {
    let values = values?;
    let mut globs = Vec::new();
    for text in values.iter() {
        if !text.contains(['*', '?', '[', '{', '\\']) {
            globs.push(Pattern::Literal(match key {
                "method" => text.to_ascii_uppercase(),
                _ => text.clone(),
            }));
            continue;
        }
        // Braces in a path are placeholders, not alternatives.
        let pattern = match key {
            "path" => text.replace('{', "[{]").replace('}', "[}]"),
            _ => text.clone(),
        };
        let glob = GlobBuilder::new(&pattern)
            .literal_separator(key == "path")
            .case_insensitive(key == "method")
            .build();
        match glob {
            Ok(glob) => globs.push(Pattern::Glob(Box::new(glob.compile_matcher()))),
            Err(error) => {
                let message = format!("`{text}` is no pattern: {}", error.kind());
                let found = Diagnostic::new(Code::PolicyValue, loc.clone(), message);
                diags.push(found.help("put special characters in brackets, as in `[{]`"));
            }
        }
    }
    Some(globs)
}
