//! Which operations become tools: the effect guard, then `include` and `exclude`.

use std::collections::BTreeSet;

use super::HeldBack;
use super::offer::Offer;
use super::rules::{self, Key, Rules, fits};
use super::standing::Standing;
use crate::catalog::Catalog;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::policy::{Pattern, Policy, Subject};
use crate::runtime::manifest::Effect;

/// What was chosen.
#[derive(Default)]
pub(super) struct Selection {
    /// Indices into the offers.
    pub(super) chosen: Vec<usize>,
    /// What the effect guard holds back.
    pub(super) held_back: Vec<HeldBack>,
    pub(super) deselected: usize,
    /// Operations that rules exclude.
    pub(super) excluded: usize,
    /// Operations that are left out and would have been chosen.
    pub(super) lost: BTreeSet<String>,
    /// What became of each offer.
    pub(super) standings: Vec<Standing>,
}

impl Selection {
    pub(super) fn held(&self, effect: Effect) -> usize {
        self.held_back
            .iter()
            .filter(|held| held.effect == effect)
            .count()
    }
}

pub(super) fn select(
    catalogs: &[Catalog],
    offers: &[Offer<'_>],
    rules: &Rules<'_>,
    policy: &Policy,
    diags: &mut Diagnostics,
) -> Selection {
    let include = matchers(catalogs, offers, &policy.include, "--include", diags);
    let exclude = matchers(catalogs, offers, &policy.exclude, "--exclude", diags);
    let mut selection = Selection::default();
    let deselected = |subject: &rules::Subject<'_>| {
        let any = |list: &[Matcher]| list.iter().any(|m| m.matches(subject));
        (!policy.include.is_empty() && !any(&include)) || any(&exclude)
    };
    for catalog in catalogs {
        for left in &catalog.left_out {
            let wanted = left.effect <= policy.effect && !rules.excludes(&catalog.source, left);
            if wanted && !deselected(&rules::Subject::left_out(&catalog.source, left)) {
                selection.lost.insert(left.operation.clone());
            }
        }
    }
    let by_itself = (!policy.only_enabled).then_some(policy.effect);
    for (index, offer) in offers.iter().enumerate() {
        let effect = offer.capability.effect;
        let enabled = offer.ruling.enabled.map(|(enable, _)| Effect::from(enable));
        let standing = if deselected(&subject(offer)) {
            selection.deselected += 1;
            Standing::Deselected
        } else if let Some(rule) = offer.ruling.excluded {
            selection.excluded += 1;
            Standing::Excluded(rule)
        } else if Some(effect) > enabled.max(by_itself) {
            selection.held_back.push(HeldBack {
                name: offer.name.clone(),
                effect,
            });
            Standing::HeldBack
        } else {
            selection.chosen.push(index);
            Standing::Tool
        };
        selection.standings.push(standing);
    }
    selection
}

/// An operation by its id and the name that its tool has.
fn subject<'c>(offer: &'c Offer<'_>) -> rules::Subject<'c> {
    rules::Subject::new(offer.catalog, &offer.capability, &offer.name)
}

/// A pattern of the command line, and what it is compared with.
struct Matcher {
    key: Key,
    pattern: rules::Pattern,
}

impl Matcher {
    fn matches(&self, subject: &rules::Subject<'_>) -> bool {
        fits(self.key, std::slice::from_ref(&self.pattern), subject)
    }
}

/// The matchers of a list of patterns. One that matches nothing is an error: a typo in a guard must
/// never be silent.
fn matchers(
    catalogs: &[Catalog],
    offers: &[Offer<'_>],
    patterns: &[Pattern],
    option: &str,
    diags: &mut Diagnostics,
) -> Vec<Matcher> {
    let mut found = Vec::new();
    for pattern in patterns {
        let key = match pattern.subject {
            Subject::Path => Key::Path,
            Subject::Tag => Key::Tag,
            Subject::Operation => Key::Operation,
        };
        let matcher = match rules::Pattern::new(key, &pattern.glob) {
            Ok(pattern) => Matcher { key, pattern },
            Err(error) => {
                let message = format!("{option} {} is no pattern: {}", pattern.text, error.kind());
                let found = Diagnostic::general(Code::PatternMatchesNothing, message);
                diags.push(found.help("put special characters in brackets, as in `[{]`"));
                continue;
            }
        };
        let left_out = catalogs.iter().flat_map(|catalog| {
            let left = catalog.left_out.iter();
            left.map(|left| rules::Subject::left_out(&catalog.source, left))
        });
        let mut subjects = offers.iter().map(subject).chain(left_out);
        if subjects.any(|subject| matcher.matches(&subject)) {
            found.push(matcher);
        } else {
            diags.push(
                Diagnostic::general(
                    Code::PatternMatchesNothing,
                    format!("{option} {} matches no operation", pattern.text),
                )
                .help(help(offers, pattern)),
            );
        }
    }
    found
}

/// What was perhaps meant, else what such a pattern is compared with.
fn help(offers: &[Offer<'_>], pattern: &Pattern) -> String {
    let all = offers.iter().map(|offer| &offer.capability);
    let near = match pattern.subject {
        Subject::Path => nearest(&pattern.glob, all.map(|c| c.path.as_str())),
        Subject::Tag => nearest(
            &pattern.glob,
            all.flat_map(|c| c.tags.iter().map(String::as_str)),
        ),
        Subject::Operation => nearest(&pattern.glob, all.filter_map(|c| c.id.as_deref())),
    };
    match (near, pattern.subject) {
        (Some(near), Subject::Tag) => format!("did you mean `tag:{near}`?"),
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Subject::Path) => {
            "it is compared with paths, as in `/users/{id}`; `**` crosses segments".into()
        }
        (None, Subject::Tag) => {
            "no operation has such a tag; upper and lower case are different".into()
        }
        (None, Subject::Operation) => {
            "it is compared with operation ids and tool names; `/users/**` is for paths, `tag:x` for tags".into()
        }
    }
}
