//! What a rule says in vain of some of its operations: a rule for many operations may name an argument
//! that not all of them have, or a bound that the document keeps closer for one of them.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::diag::{Diagnostic, Diagnostics, Loc};

/// Findings that are mistakes only if they hold for all operations of a rule.
#[derive(Debug, Default)]
pub(in crate::compile) struct Misses {
    /// JSON Pointers of what had an effect on some operation.
    hit: BTreeSet<String>,
    /// What had none, with the first finding about it.
    missed: IndexMap<String, Diagnostic>,
    /// The first findings about places that are mistakes whatever else they have an effect on.
    mistakes: IndexMap<String, Diagnostic>,
}

impl Misses {
    /// What is at a place of the policy had an effect.
    pub(in crate::compile) fn hit(&mut self, loc: &Loc) {
        if !self.hit.contains(&loc.pointer) {
            self.hit.insert(loc.pointer.clone());
        }
    }

    /// What is at the finding's place had none on one operation.
    pub(in crate::compile) fn miss(&mut self, found: Diagnostic) {
        self.missed.entry(place(&found)).or_insert(found);
    }

    /// What is at the finding's place names the operation outright, and has no effect on it.
    pub(in crate::compile) fn mistake(&mut self, found: Diagnostic) {
        self.mistakes.entry(place(&found)).or_insert(found);
    }

    /// Reports what had an effect on no operation.
    pub(in crate::compile) fn report(self, diags: &mut Diagnostics) {
        let told = |place: &String| self.hit.contains(place) || self.mistakes.contains_key(place);
        for (_, found) in self.missed.into_iter().filter(|(place, _)| !told(place)) {
            diags.push(found);
        }
        self.mistakes
            .into_values()
            .for_each(|found| diags.push(found));
    }
}

fn place(found: &Diagnostic) -> String {
    let place = found.loc.as_ref().map(|loc| loc.pointer.clone());
    place.unwrap_or_default()
}
