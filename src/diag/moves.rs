//! Places of a document that was read in another shape than it is written in.

use std::collections::BTreeMap;

use super::{FileId, Loc};

/// JSON Pointers into the document as it was read, each with the place where it is written that it and
/// what is below it came from.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    table: BTreeMap<String, Origin>,
}

#[derive(Debug)]
struct Origin {
    file: FileId,
    pointer: String,
    /// Whether what is below has its place below that, too; else it is that place.
    below: bool,
}

impl Moves {
    /// What is at `new` and below came from `old` and below.
    pub(crate) fn add(&mut self, new: String, old: &Loc) {
        self.insert(new, old, true);
    }

    /// What is at `new` and below was made because of what is at `old`.
    pub(crate) fn made_of(&mut self, new: String, old: &Loc) {
        self.insert(new, old, false);
    }

    fn insert(&mut self, new: String, old: &Loc, below: bool) {
        // An entry that moves nothing is needed where one above it would move it.
        if new != old.pointer || old.file != FileId::MAIN || !below || self.origin(&new).is_some() {
            let origin = Origin {
                file: old.file,
                pointer: old.pointer.clone(),
                below,
            };
            self.table.insert(new, origin);
        }
    }

    /// The nearest entry at or above a pointer, and the rest of the pointer.
    fn origin<'p>(&self, pointer: &'p str) -> Option<(&Origin, &'p str)> {
        let mut end = pointer.len();
        loop {
            let (head, rest) = pointer.split_at_checked(end)?;
            if let Some(origin) = self.table.get(head) {
                return Some((origin, rest));
            }
            end = head.rfind('/')?;
        }
    }

    /// Moves a place of the document as it was read to where it is written.
    pub(crate) fn back(&self, loc: &mut Loc) {
        if loc.line_column.is_none()
            && loc.file == FileId::MAIN
            && let Some((origin, rest)) = self.origin(&loc.pointer)
        {
            let rest = if origin.below { rest } else { "" };
            loc.pointer = format!("{}{rest}", origin.pointer);
            loc.file = origin.file;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_entry_counts() {
        let mut moves = Moves::default();
        let at = |pointer: &str, file| Loc::at(pointer).of(FileId(file));
        moves.add("/paths/~1a".into(), &at("/x-items/a", 0));
        let params = "/paths/~1a/get/parameters/0".into();
        moves.add(params, &at("/parameters/P", 2));
        moves.made_of("/paths/~1a/get/requestBody".into(), &at("/parameters/B", 0));
        moves.add("/same".into(), &at("/same", 0));
        for (new, old) in [
            ("/paths/~1a", "/x-items/a"),
            ("/paths/~1a/get/summary", "/x-items/a/get/summary"),
            ("/paths/~1a/get/parameters/0/type", "/parameters/P/type"),
            ("/paths/~1a/get/parameters/1", "/x-items/a/get/parameters/1"),
            ("/paths/~1a/get/requestBody/content/x", "/parameters/B"),
            ("/paths/~1ab", "/paths/~1ab"),
            ("/same/1", "/same/1"),
            ("", ""),
        ] {
            let mut loc = Loc::key(new);
            moves.back(&mut loc);
            assert_eq!(loc.pointer, old);
            assert_eq!(loc.file.0, if new.contains("/0") { 2 } else { 0 }, "{new}");
        }
    }
}
