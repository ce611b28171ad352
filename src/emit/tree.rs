//! Generated files in memory.

use std::collections::BTreeMap;

/// Files by path, `/` between folders.
#[derive(Debug, Default, Clone)]
pub struct Tree {
    files: BTreeMap<String, File>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path below the crate's folder.
    pub path: String,
    /// Content.
    pub text: String,
    /// Who it belongs to.
    pub kind: Kind,
}

/// Who a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// mcpgen's: replaced each time.
    Generated,
    /// The owner's: written once.
    Seeded,
}

impl Tree {
    pub(super) fn add(&mut self, path: &str, text: String, kind: Kind) {
        let file = File {
            path: path.to_owned(),
            text,
            kind,
        };
        self.files.insert(path.to_owned(), file);
    }

    /// Replaces the text of a file that is there.
    pub fn replace(&mut self, path: &str, text: String) {
        if let Some(file) = self.files.get_mut(path) {
            file.text = text;
        }
    }

    /// The files, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// Paths of the Rust files that come as the templates make them: all but the runtime's.
    pub fn unformatted(&self) -> impl Iterator<Item = &str> {
        let paths = self.files.keys().map(String::as_str);
        paths.filter(|path| is_rust(path) && !path.starts_with("src/runtime"))
    }

    /// A file by path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }
}

/// Whether a path is that of Rust code.
pub(super) fn is_rust(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "rs")
}
