//! The texts of a run: the document, and the files that it drew in.

use std::collections::BTreeMap;

use super::{Origins, Source, Span};
use crate::diag::{FileId, Loc};

/// The document's own text first; then those of other files, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Sources {
    main: Source,
    others: Vec<Source>,
    origins: Origins,
}

impl From<Source> for Sources {
    fn from(main: Source) -> Self {
        Self {
            main,
            others: Vec::new(),
            origins: Origins::default(),
        }
    }
}

impl Sources {
    /// Adds a file; what places in it are called by.
    pub fn add(&mut self, source: Source) -> FileId {
        self.others.push(source);
        FileId(self.others.len())
    }

    /// Says where the nodes of the document's tree come from, if not all from its text.
    pub fn set_origins(&mut self, origins: Origins) {
        self.origins = origins;
    }

    /// Where a place of a tree is in a text.
    pub fn origin(&self, loc: &Loc) -> Loc {
        self.origins.of(loc)
    }

    /// The document itself.
    pub fn main(&self) -> &Source {
        &self.main
    }

    /// A file; the document itself for an id that none has.
    pub fn get(&self, file: FileId) -> &Source {
        let other = file.0.checked_sub(1).and_then(|at| self.others.get(at));
        other.unwrap_or(&self.main)
    }

    /// All of them, the document first.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.main).chain(&self.others)
    }

    /// Where an origin is in its text.
    pub fn span(&self, loc: &Loc) -> Option<Span> {
        self.locate(&[loc]).pop().flatten()
    }

    /// The places of `locs`, origins, each in its own file, in one pass a file; see [`Source::locate`].
    pub fn locate(&self, locs: &[&Loc]) -> Vec<Option<Span>> {
        let mut files: BTreeMap<FileId, Vec<usize>> = BTreeMap::new();
        for (at, loc) in locs.iter().enumerate() {
            files.entry(loc.file).or_default().push(at);
        }
        let mut spans = vec![None; locs.len()];
        for (file, places) in files {
            let here = places.iter().filter_map(|at| locs.get(*at).copied());
            let found = self.get(file).locate(&here.collect::<Vec<&Loc>>());
            for (at, span) in places.into_iter().zip(found) {
                if let Some(place) = spans.get_mut(at) {
                    *place = span;
                }
            }
        }
        spans
    }
}
