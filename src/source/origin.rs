//! Where the nodes of a tree come from, once something else than its text has changed it.

use std::collections::BTreeMap;

use crate::diag::{FileId, Loc, escape};

/// What was changed in the document's tree, as a tree of its own. What it does not mention is where it
/// was.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    root: Node,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// Where it comes from, if not from its place below its parent's origin.
    origin: Option<(FileId, String)>,
    children: BTreeMap<String, Node>,
}

impl Origins {
    /// The place that a place of the tree was written at.
    pub fn of(&self, loc: &Loc) -> Loc {
        if loc.file != FileId::MAIN || loc.line_column.is_some() {
            return loc.clone();
        }
        let (file, pointer) = self.find(&loc.pointer);
        Loc {
            file,
            pointer,
            ..loc.clone()
        }
    }

    fn find(&self, pointer: &str) -> (FileId, String) {
        let (mut file, mut found) = (FileId::MAIN, String::new());
        let mut node = Some(&self.root);
        for token in tokens(pointer) {
            found.push_str(&format!("/{token}"));
            node = node.and_then(|node| node.children.get(token));
            if let Some((of, origin)) = node.and_then(|node| node.origin.as_ref()) {
                (file, found) = (*of, origin.clone());
            }
        }
        (file, found)
    }

    /// Says that everything at a pointer was written at a place.
    pub fn set(&mut self, pointer: &str, file: FileId, origin: String) {
        let node = self.node(pointer);
        node.children.clear();
        node.origin = Some((file, origin));
    }

    /// Says that a key was removed from the object at a pointer.
    pub fn remove_key(&mut self, parent: &str, key: &str) {
        self.node(parent).children.remove(&escape(key));
    }

    /// Says that items were removed from the list of a length at a pointer; `gone` is in order.
    pub fn remove_items(&mut self, parent: &str, length: usize, gone: &[usize]) {
        let origins: Vec<(FileId, String)> = (0..length)
            .map(|index| self.find(&format!("{parent}/{index}")))
            .collect();
        let node = self.node(parent);
        let mut old = std::mem::take(&mut node.children);
        let left = origins.into_iter().enumerate();
        let left = left.filter(|(index, _)| gone.binary_search(index).is_err());
        for (new, (index, origin)) in left.enumerate() {
            let mut child = old.remove(&index.to_string()).unwrap_or_default();
            if new != index {
                child.origin = Some(origin);
            }
            node.children.insert(new.to_string(), child);
        }
    }

    fn node(&mut self, pointer: &str) -> &mut Node {
        let mut node = &mut self.root;
        for token in tokens(pointer) {
            node = node.children.entry(token.to_owned()).or_default();
        }
        node
    }
}

fn tokens(pointer: &str) -> impl Iterator<Item = &str> {
    pointer.split('/').skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_their_nodes() {
        let mut origins = Origins::default();
        let (own, other) = (FileId::MAIN, FileId(1));
        let place = |origins: &Origins, pointer: &str| origins.find(pointer);
        origins.set("/a/b", other, "/actions/0/update/b".into());
        assert_eq!(place(&origins, "/a/c"), (own, "/a/c".into()));
        assert_eq!(
            place(&origins, "/a/b/x"),
            (other, "/actions/0/update/b/x".into())
        );
        origins.remove_items("/l", 4, &[0, 2]);
        assert_eq!(place(&origins, "/l/0/x"), (own, "/l/1/x".into()));
        assert_eq!(place(&origins, "/l/1"), (own, "/l/3".into()));
        origins.set("/l/1/y", other, "/y".into());
        origins.remove_items("/l", 2, &[0]);
        assert_eq!(place(&origins, "/l/0/y/z"), (other, "/y/z".into()));
        assert_eq!(place(&origins, "/l/0/x"), (own, "/l/3/x".into()));
        origins.remove_key("/a", "b");
        assert_eq!(place(&origins, "/a/b"), (own, "/a/b".into()));
        let key = Loc::key("/l/0/y").of(own);
        assert_eq!(origins.of(&key), Loc::key("/y").of(other));
        let line = Loc::line(3, 4);
        assert_eq!(origins.of(&line), line);
    }
}
