//! A document and the files that its references lead to: trees by address, and what could not be had.
//!
//! Pure: `fetch` brings the files, this knows which reference means which of them (RFC 3986 §5, JSON
//! Schema 2020-12 core §8.2, OpenAPI 3.2.0 §4.1.2).

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::diag::{Code, FileId};

mod scan;

pub(crate) use scan::Scan;

/// A document, and the files that it may refer to.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    files: BTreeMap<FileId, File>,
    /// Address of a file, without fragment -> the file.
    by_address: BTreeMap<String, FileId>,
    /// Address that a schema gives itself with `$id` -> where it is.
    by_id: BTreeMap<String, (FileId, String)>,
    /// What was asked for and is not there.
    refused: BTreeMap<String, Refusal>,
}

/// One file, read.
#[derive(Debug, Clone)]
struct File {
    tree: Value,
    scan: Scan,
    /// Where it was read from; relative references start there.
    address: Option<Url>,
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The kind of finding.
    pub code: Code,
    /// Goes on after the reference: "is outside …".
    pub reason: String,
    /// What to do about it.
    pub help: String,
}

/// A reference out of a file: the addresses that it may mean, best first.
pub type Candidates = Vec<Url>;

impl Documents {
    /// A document that refers to itself only.
    pub fn alone(tree: Value) -> Self {
        Self::at(tree, None)
    }

    /// A document at an address.
    pub fn at(tree: Value, address: Option<Url>) -> Self {
        let mut documents = Self::default();
        documents.add(FileId::MAIN, tree, address);
        documents
    }

    /// Adds a file, under the id that its text has.
    pub fn add(&mut self, id: FileId, tree: Value, address: Option<Url>) {
        let scan = Scan::new(&tree, address.as_ref());
        if let Some(address) = &address {
            self.alias(address, id);
        }
        for (pointer, base) in scan.bases() {
            let place = (id, pointer.to_owned());
            self.by_id.entry(key(base)).or_insert(place);
        }
        let file = File {
            tree,
            scan,
            address,
        };
        self.files.insert(id, file);
    }

    /// Another address of a file.
    pub fn alias(&mut self, address: &Url, file: FileId) {
        self.by_address.entry(key(address)).or_insert(file);
    }

    /// Says why there is nothing at an address.
    pub fn refuse(&mut self, address: &Url, refusal: Refusal) {
        self.refused.entry(key(address)).or_insert(refusal);
    }

    /// The document itself.
    pub fn main(&self) -> &Value {
        self.tree(FileId::MAIN)
    }

    /// The tree of a file; null for one that is not there.
    pub fn tree(&self, file: FileId) -> &Value {
        self.files
            .get(&file)
            .map_or(&Value::Null, |file| &file.tree)
    }

    /// Where a file was read from, if that is known.
    pub(crate) fn address(&self, file: FileId) -> Option<&Url> {
        self.files.get(&file)?.address.as_ref()
    }

    /// The last part of a file's address without its extension, as a name for what it holds.
    pub(crate) fn stem(&self, file: FileId) -> Option<&str> {
        let address = self.files.get(&file)?.address.as_ref()?;
        let name = address.path_segments()?.next_back()?;
        let stem = name.split('.').next()?;
        (!stem.is_empty()).then_some(stem)
    }

    /// The addresses that the references of a file may mean, best first.
    pub fn references(&self, file: FileId) -> Vec<Candidates> {
        let scan = self.files.get(&file).map(|file| &file.scan);
        let found = scan.into_iter().flat_map(Scan::references);
        found
            .map(|(base, reference)| self.relative_to(base, file, reference))
            .collect()
    }

    /// What a reference may mean that stands at a place: relative to the `$id` or `$self` around it,
    /// and relative to where the file was read from, because that is where its author had the others.
    pub(crate) fn candidates(&self, file: FileId, pointer: &str, reference: &str) -> Candidates {
        let base = self.files.get(&file).and_then(|f| f.scan.base(pointer));
        self.relative_to(base.map(|(_, base)| base), file, reference)
    }

    fn relative_to(&self, base: Option<&Url>, file: FileId, reference: &str) -> Candidates {
        let address = self.files.get(&file).and_then(|f| f.address.as_ref());
        // What a host says may not reach into this machine, not even into a folder that was named.
        let from_host = address.is_some_and(|address| address.scheme() != "file");
        let mut found: Candidates = Vec::new();
        // A URL parser reads it as a slash in some addresses and not in others.
        if reference.contains('\\') {
            return found;
        }
        for base in [base, address] {
            let url = match base {
                Some(base) => base.join(reference),
                None => Url::parse(reference),
            };
            if let Ok(mut url) = url {
                url.set_fragment(None);
                let reaches_in = from_host && url.scheme() == "file";
                if !reaches_in && !found.contains(&url) {
                    found.push(url);
                }
            }
        }
        found
    }

    /// Where an address leads: a file and a pointer into it.
    pub fn find(&self, address: &Url) -> Option<(FileId, &str)> {
        let key = key(address);
        if let Some((file, pointer)) = self.by_id.get(&key) {
            return Some((*file, pointer));
        }
        self.by_address.get(&key).map(|file| (*file, ""))
    }

    /// Why an address leads nowhere.
    pub fn refusal(&self, address: &Url) -> Option<&Refusal> {
        self.refused.get(&key(address))
    }

    /// The root of the schema resource around a place; empty for that of the file.
    pub(crate) fn resource(&self, file: FileId, pointer: &str) -> &str {
        let base = self.files.get(&file).and_then(|f| f.scan.base(pointer));
        base.map_or("", |(pointer, _)| pointer)
    }

    /// The place of an anchor in a resource.
    pub(crate) fn anchor(&self, file: FileId, resource: &str, name: &str) -> Option<&str> {
        self.files.get(&file)?.scan.anchor(resource, name)
    }

    /// How many places a dynamic anchor of this name has, over all files.
    pub(crate) fn dynamic_anchors(&self, name: &str) -> usize {
        let scans = self.files.values().map(|file| &file.scan);
        scans.map(|scan| scan.dynamic_anchors(name)).sum()
    }
}

/// An address without its fragment, as text.
fn key(address: &Url) -> String {
    let mut address = address.clone();
    address.set_fragment(None);
    address.into()
}
