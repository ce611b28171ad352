//! The texts of a run: a policy file or a document, and the files that it drew in.

use std::collections::BTreeMap;

use super::{Origins, Source, Span};
use crate::diag::{FileId, Loc};

/// The main text first; then those of other files, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Sources {
    main: Source,
    others: Vec<Source>,
    /// Where trees were not read from one text alone, by the file that the tree is called by.
    origins: BTreeMap<FileId, Origins>,
}

impl From<Source> for Sources {
    fn from(main: Source) -> Self {
        Self {
            main,
            others: Vec::new(),
            origins: BTreeMap::new(),
        }
    }
}

impl Sources {
    /// Adds a file; what places in it are called by.
    pub fn add(&mut self, source: Source) -> FileId {
        self.others.push(source);
        FileId(self.others.len())
    }

    /// Adds all texts of another run; what its main text is called by now. Places of it are to be
    /// moved by as much.
    pub fn append(&mut self, other: Self) -> FileId {
        let main = self.add(other.main);
        self.others.extend(other.others);
        let origins = other.origins.into_iter();
        self.origins
            .extend(origins.map(|(file, origins)| (FileId(file.0 + main.0), origins)));
        main
    }

    /// Says where the nodes of the main tree come from, if not all from its text.
    pub fn set_origins(&mut self, origins: Origins) {
        self.origins.insert(FileId::MAIN, origins);
    }

    /// Where a place of a tree is in a text.
    pub fn origin(&self, loc: &Loc) -> Loc {
        match self.origins.get(&loc.file) {
            None => loc.clone(),
            Some(origins) => {
                let mut found = origins.of(&loc.clone().of(FileId::MAIN));
                found.file.0 += loc.file.0;
                found
            }
        }
    }

    /// The main text.
    pub fn main(&self) -> &Source {
        &self.main
    }

    /// A file; the main text for an id that none has.
    pub fn get(&self, file: FileId) -> &Source {
        let other = file.0.checked_sub(1).and_then(|at| self.others.get(at));
        other.unwrap_or(&self.main)
    }

    /// All of them, the main text first.
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
