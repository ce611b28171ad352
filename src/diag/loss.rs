//! Which operations findings are about.
//!
//! While an operation is read or compiled, every finding is its own, also one that was made before:
//! a schema that many operations share is reported once, and all of them lose by it.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{Bearing, Diagnostic, Diagnostics};

/// The findings of each operation, in the order in which the operations were met.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    current: Option<String>,
    found: IndexMap<String, BTreeSet<usize>>,
}

impl Ledger {
    /// Notes that the finding at an index is the current operation's.
    pub(super) fn note(&mut self, index: usize) {
        if let Some(operation) = &self.current
            && let Some(found) = self.found.get_mut(operation)
        {
            found.insert(index);
        }
    }
}

impl Ledger {
    /// Adds the operations of another ledger, `label` before their names; `indices` are the places that
    /// its findings have here.
    pub(super) fn append(&mut self, other: Self, indices: &[Option<usize>], label: &str) {
        for (operation, found) in other.found {
            let here = found.iter().filter_map(|at| *indices.get(*at)?);
            let all = self.found.entry(format!("{label}{operation}")).or_default();
            all.extend(here);
        }
    }
}

impl Diagnostics {
    /// From now on findings are about this operation; `None`: about none in particular.
    pub fn about(&mut self, operation: Option<&str>) {
        self.ledger.current = operation.map(str::to_owned);
        if let Some(operation) = operation {
            self.ledger.found.entry(operation.to_owned()).or_default();
        }
    }

    /// The operations that were worked on, as they were met, each with the indices (into
    /// [`Diagnostics::iter`]) of its findings.
    pub fn by_operation(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = usize>)> {
        let found = self.ledger.found.iter();
        found.map(|(operation, found)| (operation.as_str(), found.iter().copied()))
    }
}

impl Diagnostic {
    /// The same finding, of which no operation is the worse: everything is as it was described.
    #[must_use]
    pub fn harmless(mut self) -> Self {
        self.bearing = Bearing::Nothing;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, Loc};

    #[test]
    fn a_finding_that_is_there_is_of_each_operation() {
        let mut diags = Diagnostics::default();
        let found = |at: &str| Diagnostic::new(Code::SchemaKeyword, Loc::at(at), "odd");
        diags.push(found("/before"));
        for (operation, at) in [("GET /a", "/x"), ("GET /b", "/x"), ("GET /c", "/y")] {
            diags.about(Some(operation));
            diags.push(found(at));
        }
        diags.about(None);
        diags.push(found("/z"));
        assert_eq!(diags.iter().count(), 4);
        let of: Vec<(&str, Vec<usize>)> = diags
            .by_operation()
            .map(|(name, at)| (name, at.collect()))
            .collect();
        let want = [
            ("GET /a", vec![1]),
            ("GET /b", vec![1]),
            ("GET /c", vec![2]),
        ];
        assert_eq!(of, want);
    }
}
