//! Where the parts of an upgraded document are in the document itself.

use std::collections::BTreeMap;

use crate::diag::{FileId, Loc};
use crate::input::openapi::node::Node;

/// Pointers into the upgraded document, each with the place in the document itself that it and what
/// is below it came from.
#[derive(Default)]
pub(super) struct Moves {
    table: BTreeMap<String, Origin>,
}

struct Origin {
    file: FileId,
    pointer: String,
    /// Whether what is below has its place below that, too; else it is that place.
    below: bool,
}

impl Moves {
    /// What is at `new` and below came from `old` and below.
    pub(super) fn add(&mut self, new: String, old: &Node<'_>) {
        self.insert(new, old.file, &old.pointer, true);
    }

    /// What is at `new` and below was made because of what is at `old`.
    pub(super) fn made_of(&mut self, new: String, old: &Node<'_>) {
        self.insert(new, old.file, &old.pointer, false);
    }

    fn insert(&mut self, new: String, file: FileId, old: &str, below: bool) {
        // An entry that moves nothing is needed where one above it would move it.
        if new != old || file != FileId::MAIN || !below || self.origin(&new).is_some() {
            let origin = Origin {
                file,
                pointer: old.to_owned(),
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

    /// Moves a place of the upgraded document to where it came from.
    pub(super) fn back(&self, loc: &mut Loc) {
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
        let value = serde_json::Value::Null;
        let at = |pointer: &str, file| Node {
            value: &value,
            file: FileId(file),
            pointer: pointer.to_owned(),
        };
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
