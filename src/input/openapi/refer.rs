//! Following references: into the document, into other files, through other references.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::{ParseError, Url};

use super::Version;
use super::node::{Doc, Node, Place};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, FileId, Severity, escape};
use crate::input::documents::{Documents, Refusal};
use crate::runtime::pointer::unescape;

/// References that one chain may have.
const CHAIN_MAX: usize = 100;

/// Why a reference leads nowhere.
enum Lost {
    /// Its fragment is not UTF-8.
    Encoding,
    /// The file is not there, or may not be read.
    Refused(Refusal),
    /// The file has nothing of that name.
    Nothing(FileId, String),
}

impl<'a> Doc<'a> {
    /// A document that refers to itself only.
    pub(super) fn new(root: &'a Value, version: Version) -> Self {
        Self {
            root,
            version,
            schemas_read: Cell::new(0),
            texts_read: Cell::new(0),
            heirs: OnceCell::new(),
            unknown_keywords: RefCell::default(),
            documents: None,
            notes: RefCell::default(),
        }
    }

    /// The same document with what its references may lead to.
    pub(super) fn among(self, documents: &'a Documents) -> Self {
        let documents = Some(documents);
        Self { documents, ..self }
    }

    /// What was found while references were followed since this was asked last.
    pub(super) fn take_notes(&self) -> Vec<Diagnostic> {
        self.notes.take()
    }

    /// The name of the file that a node is the whole of.
    pub(super) fn file_name(&self, node: &Node<'_>) -> Option<&'a str> {
        let documents = self.documents.filter(|_| node.pointer.is_empty())?;
        documents.stem(node.file)
    }

    /// The keyword of a node that is a reference, and where it leads.
    pub(super) fn reference(&self, node: &Node<'a>) -> Option<(&'static str, &'a str)> {
        let dynamic = || {
            let known = self.version.is_json_schema();
            let text = node.str("$dynamicRef").filter(|_| known)?;
            Some(("$dynamicRef", text))
        };
        node.str("$ref").map(|text| ("$ref", text)).or_else(dynamic)
    }

    /// Follows references from a node until something that is none. The error is the diagnostic for
    /// whatever needed the node.
    pub(super) fn resolve(&self, mut node: Node<'a>) -> Result<Node<'a>, Box<Diagnostic>> {
        let mut passed: Vec<Place> = Vec::new();
        let mut first = None;
        while let Some((keyword, reference)) = self.reference(&node) {
            let loc = node.loc().child(keyword);
            let (text, loc) = first.get_or_insert((reference, loc));
            let place = node.place();
            if passed.contains(&place) {
                let message = format!("`{text}` refers to itself");
                let found = Diagnostic::new(Code::CircularRef, loc.clone(), message);
                let help = "let the chain of references end at something that is no reference";
                return Err(Box::new(found.help(help)));
            }
            if passed.len() >= CHAIN_MAX {
                let message = format!("`{text}` leads through more than {CHAIN_MAX} references");
                let found = Diagnostic {
                    severity: Severity::Warning,
                    ..Diagnostic::new(Code::Budget, loc.clone(), message)
                };
                let help = "this limit is fixed; refer to the end of the chain";
                return Err(Box::new(found.help(help)));
            }
            passed.push(place);
            node = self.target(&node, keyword, reference)?;
        }
        Ok(node)
    }

    /// The node that one reference names: an address, relative to that of its file or schema, then `#`
    /// and a JSON Pointer, percent-decoded (RFC 6901 §6), or an anchor.
    fn target(
        &self,
        from: &Node<'a>,
        keyword: &'static str,
        reference: &str,
    ) -> Result<Node<'a>, Box<Diagnostic>> {
        let lost = match self.find(from, reference, &mut 0) {
            Ok(node) => {
                if keyword == "$dynamicRef" {
                    self.note_dynamic(from, reference);
                }
                return Ok(node);
            }
            Err(lost) => lost,
        };
        let (code, message, help) = match lost {
            Lost::Encoding => (
                Code::DanglingRef,
                format!("`{reference}` is not UTF-8"),
                "correct the reference".to_owned(),
            ),
            Lost::Refused(refusal) => (
                refusal.code,
                format!("`{reference}` {}", refusal.reason),
                refusal.help,
            ),
            Lost::Nothing(file, fragment) => {
                let whole = if file == from.file {
                    "the document"
                } else {
                    "that file"
                };
                (
                    Code::DanglingRef,
                    format!("`{reference}` names nothing in {whole}"),
                    self.nearest(file, &fragment),
                )
            }
        };
        let found = Diagnostic::new(code, from.loc().child(keyword), message);
        Err(Box::new(found.help(help)))
    }

    /// A `$dynamicRef` means the outermost of several anchors, which depends on the way that a
    /// validator took to it (JSON Schema 2020-12 core §8.2.3.2). Here it means the nearest.
    fn note_dynamic(&self, from: &Node<'a>, reference: &str) {
        let (_, name) = reference.split_once('#').unwrap_or_default();
        if self.documents.is_none_or(|d| d.dynamic_anchors(name) < 2) {
            return;
        }
        let message =
            format!("`{reference}` could mean several schemas; the one nearest to it is used");
        let loc = from.loc().child("$dynamicRef");
        let found = Diagnostic::new(Code::DynamicRef, loc, message);
        let found = found.help("refer to the schema that is meant with `$ref`");
        self.notes.borrow_mut().push(found);
    }

    fn tree(&self, file: FileId) -> &'a Value {
        match self.documents {
            Some(documents) if file != FileId::MAIN => documents.tree(file),
            _ => self.root,
        }
    }

    fn at(&self, file: FileId, pointer: &str) -> Option<Node<'a>> {
        Some(Node {
            value: self.tree(file).pointer(pointer)?,
            file,
            pointer: pointer.to_owned(),
        })
    }

    /// `hops` counts the references on the way, which may lead through each other.
    fn find(&self, from: &Node<'a>, reference: &str, hops: &mut usize) -> Result<Node<'a>, Lost> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = percent_decode_str(fragment).decode_utf8();
        let fragment = fragment.map_err(|_| Lost::Encoding)?;
        let (file, resource) = if address.is_empty() {
            let resource = self.documents.map(|d| d.resource(from.file, &from.pointer));
            (from.file, Cow::Borrowed(resource.unwrap_or_default()))
        } else {
            self.elsewhere(from, address).map_err(Lost::Refused)?
        };
        // Many documents write references from their root below an `$id`, too.
        let roots = [&*resource, ""];
        let roots = roots.iter().take(if resource.is_empty() { 1 } else { 2 });
        for root in roots.filter_map(|root| self.at(file, root)) {
            if let Some(node) = self.within(root, &fragment, hops) {
                return Ok(node);
            }
        }
        Err(Lost::Nothing(file, fragment.into_owned()))
    }

    /// The file that an address means from here, and the resource in it.
    fn elsewhere(&self, from: &Node<'a>, address: &str) -> Result<(FileId, Cow<'a, str>), Refusal> {
        let Some(documents) = self.documents else {
            return Err(outside());
        };
        let candidates = documents.candidates(from.file, &from.pointer, address);
        if let Some((file, pointer)) = candidates.iter().find_map(|url| documents.find(url)) {
            return Ok((file, Cow::Borrowed(pointer)));
        }
        // The last one is where its author had the file.
        let known = candidates
            .iter()
            .rev()
            .find_map(|url| documents.refusal(url));
        Err(known.cloned().unwrap_or_else(|| unaddressed(address)))
    }

    /// The node at a fragment, decoded, below the root of a resource.
    fn within(&self, root: Node<'a>, fragment: &str, hops: &mut usize) -> Option<Node<'a>> {
        if fragment.is_empty() {
            return Some(root);
        }
        if !fragment.starts_with('/') {
            let documents = self.documents?;
            let pointer = documents.anchor(root.file, &root.pointer, fragment)?;
            return self.at(root.file, pointer);
        }
        let plainly = root.value.pointer(fragment).map(|value| Node {
            value,
            file: root.file,
            pointer: format!("{}{fragment}", root.pointer),
        });
        plainly.or_else(|| self.through(root, fragment, hops))
    }

    /// Follows a pointer whose way leads through references, as many documents have it
    /// (`#/paths/~1pets/get/responses/200/content`, where the response is a `$ref`).
    fn through(&self, root: Node<'a>, pointer: &str, hops: &mut usize) -> Option<Node<'a>> {
        let mut node = root;
        for token in pointer.strip_prefix('/')?.split('/') {
            while let Some((_, reference)) = self.reference(&node) {
                *hops += 1;
                if *hops > CHAIN_MAX {
                    return None;
                }
                node = self.find(&node, reference, hops).ok()?;
            }
            node = node.step(token)?;
        }
        Some(node)
    }

    /// Names the deepest part of a dangling pointer that exists and, below it, the key that was
    /// perhaps meant.
    fn nearest(&self, file: FileId, pointer: &str) -> String {
        let Some((parent, last)) = pointer.rsplit_once('/') else {
            return "a reference into the document is `#/` and a JSON Pointer".to_owned();
        };
        let Some(Value::Object(object)) = self.tree(file).pointer(parent) else {
            return format!("`#{parent}` does not exist either");
        };
        let last = unescape(last);
        let same = object.keys().find(|key| key.eq_ignore_ascii_case(&last));
        let near = || nearest(&last, object.keys().map(String::as_str));
        match same.map(String::as_str).or_else(near) {
            Some(key) => format!("did you mean `#{parent}/{}`?", escape(key)),
            None => format!("`#{parent}` has no `{last}`"),
        }
    }
}

/// Only the document is there.
fn outside() -> Refusal {
    Refusal {
        code: Code::ExternalRef,
        reason: "is outside the document".to_owned(),
        help: "only the document itself is read: copy the definition into it".to_owned(),
    }
}

/// What is wrong with a reference that nobody looked for.
fn unaddressed(address: &str) -> Refusal {
    let (reason, help) = match Url::parse(address) {
        _ if address.contains('\\') => ("has a backslash", "write `/` between folder and file"),
        Ok(url) if url.scheme() == "file" => (
            "is a file of this machine, to which a document from a host cannot refer",
            "refer to an address of that host, or download the document",
        ),
        Ok(_) => return outside(),
        Err(ParseError::RelativeUrlWithoutBase) => (
            "is relative, and the document has no folder",
            "give the folder that it is relative to with --refs",
        ),
        Err(_) => ("is no address that can be read", "correct the reference"),
    };
    Refusal {
        code: Code::ExternalRef,
        reason: reason.to_owned(),
        help: help.to_owned(),
    }
}
