//! Tags: those of an operation and, as 3.2 nests them, those above them.

use std::collections::BTreeMap;

use super::Version;
use super::node::Node;

/// Levels of nesting that are followed.
const LEVELS: usize = 10;

/// The tags that a document declares.
#[derive(Default)]
pub(super) struct Tags<'a> {
    declared: BTreeMap<&'a str, Declared<'a>>,
}

/// One tag (OpenAPI 3.2.0 §4.23); before 3.2 neither of its fields exists.
struct Declared<'a> {
    parent: Option<&'a str>,
    kind: Option<&'a str>,
}

impl<'a> Tags<'a> {
    pub(super) fn read(version: Version, root: &Node<'a>) -> Self {
        let list = root.get("tags").filter(|_| version >= Version::V3_2);
        let tags = list.iter().flat_map(Node::items).filter_map(|tag| {
            let declared = Declared {
                parent: tag.str("parent"),
                kind: tag.str("kind"),
            };
            Some((tag.str("name")?, declared))
        });
        Self {
            declared: tags.collect(),
        }
    }

    /// The tags of an operation: its own, those that are for navigation first, since the first is the
    /// group of the tool; then those above them, each once.
    pub(super) fn of(&self, operation: &Node<'a>) -> Vec<String> {
        let list = operation.get("tags");
        let own = list.iter().flat_map(Node::items);
        let mut found: Vec<&str> = own.filter_map(|tag| tag.value.as_str()).collect();
        found.sort_by_key(|tag| !self.navigates(tag));
        let mut above = Vec::new();
        for tag in &found {
            let mut tag = *tag;
            for _ in 0..LEVELS {
                let Some(parent) = self.declared.get(tag).and_then(|tag| tag.parent) else {
                    break;
                };
                above.push(parent);
                tag = parent;
            }
        }
        for tag in above {
            if !found.contains(&tag) {
                found.push(tag);
            }
        }
        found.into_iter().map(str::to_owned).collect()
    }

    /// `badge` and `audience` say something else of an operation than where it belongs.
    fn navigates(&self, tag: &str) -> bool {
        let kind = self.declared.get(tag).and_then(|tag| tag.kind);
        kind.is_none_or(|kind| kind == "nav")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_tags() {
        let root = json!({
            "tags": [
                {"name": "beta", "kind": "badge"},
                {"name": "books", "parent": "shop", "kind": "nav"},
                {"name": "shop"},
                {"name": "a", "parent": "b"},
                {"name": "b", "parent": "a"},
            ],
            "one": {"tags": ["beta", "books", 7]},
            "ring": {"tags": ["a"]},
        });
        let top = Node::root(&root);
        for (version, operation, want) in [
            (Version::V3_2, "one", vec!["books", "beta", "shop"]),
            (Version::V3_1, "one", vec!["beta", "books"]),
            (Version::V3_2, "ring", vec!["a", "b"]),
            (Version::V3_2, "none", vec![]),
        ] {
            let tags = Tags::read(version, &top);
            let operation = top.get(operation).unwrap_or(Node::root(&root["none"]));
            assert_eq!(tags.of(&operation), want);
        }
    }
}
