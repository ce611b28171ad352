//! Swagger 2.0: the document becomes one of the shape of 3.x, so that there is one reader for all.
//!
//! A reference may lead to any place, so all that is in the document stays where it is; what 3.x has
//! elsewhere or under another name is put beside it. A table says where each of those parts came
//! from: no diagnostic points to a place that the document does not have.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use url::Url;

use super::Version;
use super::node::{Doc, Node};
use crate::catalog::Catalog;
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Loc, Moves};
use crate::input::documents::Documents;

mod body;
mod param;
mod response;
mod security;
mod server;

/// The operations of a path item (Swagger 2.0, Path Item Object).
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Values that an upgrade may add to a document: what is shared is copied to where it is meant, and a
/// small document can mean the same thing very often.
const VALUES: usize = 5_000_000;
/// Media types that an operation may consume or produce.
const MEDIA_TYPES: usize = 50;

/// A document in the shape of 3.x.
pub(super) struct Upgraded {
    /// The document.
    pub(super) tree: Value,
    moves: Moves,
    found: Vec<Diagnostic>,
}

/// Upgrades a document. `has_address`: whether it is known where it was loaded from, so that a URL
/// without a scheme means something.
///
/// # Errors
///
/// What it shares would be too much if it stood everywhere where it is meant.
pub(super) fn upgrade(
    documents: &Documents,
    has_address: bool,
) -> Result<Upgraded, Box<Diagnostic>> {
    let root = documents.main();
    let doc = Doc::new(root, Version::V2_0).among(documents);
    let mut upgrade = Upgrade {
        doc: &doc,
        documents,
        top: Node::root(root),
        moves: Moves::default(),
        found: Vec::new(),
        left: Some(VALUES),
    };
    let tree = upgrade.document(has_address);
    if upgrade.left.is_none() {
        let message = format!("what the document shares comes to more than {VALUES} values");
        let found = Diagnostic::new(Code::Budget, Loc::at(""), message);
        return Err(Box::new(
            found.help("this limit is fixed; a smaller document is needed"),
        ));
    }
    Ok(Upgraded {
        tree,
        moves: upgrade.moves,
        found: upgrade.found,
    })
}

impl Upgraded {
    /// Reads the document; all that is found, and the operations, have the places where the document
    /// itself has them.
    pub(super) fn read(
        self,
        diags: &mut Diagnostics,
        read: impl FnOnce(&Value, &mut Diagnostics) -> Option<Catalog>,
    ) -> Option<Catalog> {
        let Self { tree, moves, found } = self;
        diags.moved(Some(moves));
        let mut catalog = read(&tree, diags);
        let moves = diags.moved(None).unwrap_or_default();
        for found in found {
            diags.push(found);
        }
        for capability in catalog.iter_mut().flat_map(|c| &mut c.capabilities) {
            moves.back(&mut capability.loc);
            if let Some(loc) = &mut capability.server_loc {
                moves.back(loc);
            }
        }
        catalog
    }
}

/// What is carried through a document.
struct Upgrade<'a, 'd> {
    /// The document as it is written.
    doc: &'d Doc<'a>,
    documents: &'a Documents,
    top: Node<'a>,
    moves: Moves,
    found: Vec<Diagnostic>,
    /// Values that may still be made; none if there were too many.
    left: Option<usize>,
}

impl<'a> Upgrade<'a, '_> {
    fn document(&mut self, has_address: bool) -> Value {
        let top = self.top.clone();
        let mut out = Map::new();
        for (key, node) in top.entries() {
            let value = match key {
                "paths" if node.value.is_object() => {
                    let items = node.entries();
                    let items = items.map(|(path, item)| (path.to_owned(), self.path_item(&item)));
                    Value::Object(items.collect())
                }
                // Of 3.x; in 2.0 they mean nothing.
                "servers" => continue,
                _ => node.value.clone(),
            };
            out.insert(key.to_owned(), value);
        }
        if let Some(servers) = self.servers(&top, "", has_address) {
            out.insert("servers".into(), servers);
        }
        self.security_schemes(&mut out);
        Value::Object(out)
    }

    fn path_item(&mut self, item: &Node<'a>) -> Value {
        let here = item.pointer.clone();
        let found = match self.doc.resolve(item.clone()) {
            Ok(found) if found.value.is_object() && self.pay_for(item, &found) => found,
            // The reader says what is wrong.
            _ => return item.value.clone(),
        };
        self.moves.add(here.clone(), &found.loc());
        let shared = self.parameters(&here, &found);
        let mut out = Map::new();
        for (key, node) in found.entries() {
            let value = match key {
                key if METHODS.contains(&key) && node.value.is_object() => {
                    self.operation(&format!("{here}/{key}"), &node, &shared)
                }
                "parameters" => shared.list.clone(),
                "servers" => continue,
                _ => self.copied(&node),
            };
            out.insert(key.to_owned(), value);
        }
        Value::Object(out)
    }

    fn operation(&mut self, here: &str, node: &Node<'a>, shared: &Parameters<'a>) -> Value {
        let own = self.parameters(here, node);
        let mut out = Map::new();
        for (key, child) in node.entries() {
            let value = match key {
                "parameters" => own.list.clone(),
                "responses" => self.responses(here, node, &child),
                "servers" => continue,
                "requestBody" => {
                    let message = "`requestBody` is of OpenAPI 3; it is not read";
                    let loc = Loc::key(child.pointer).of(child.file);
                    let found = Diagnostic::new(Code::LaterVersion, loc, message);
                    let help = "in Swagger 2.0 a body is a parameter that is `in: body`";
                    self.found.push(found.help(help));
                    continue;
                }
                _ => self.copied(&child),
            };
            out.insert(key.to_owned(), value);
        }
        if let Some(body) = self.request_body(here, node, own.body, &shared.body) {
            out.insert("requestBody".into(), body);
        }
        if node.get("schemes").is_some()
            && let Some(servers) = self.servers(node, here, true)
        {
            out.insert("servers".into(), servers);
        }
        Value::Object(out)
    }

    /// The media types that an operation names, or the document if it does not, and where.
    fn media_types(&self, operation: &Node<'a>, key: &str) -> (Vec<&'a str>, Option<Node<'a>>) {
        let own = operation.get(key).filter(|list| list.value.is_array());
        let Some(list) = own.or_else(|| self.top.get(key)) else {
            return (Vec::new(), None);
        };
        let types = list.items().filter_map(|item| item.value.as_str());
        let types = types.filter(|text| !text.trim().is_empty());
        (types.take(MEDIA_TYPES).collect(), Some(list))
    }

    /// What is at a node, to stand elsewhere.
    fn copied(&self, node: &Node<'a>) -> Value {
        let mut value = node.value.clone();
        let foreign = node.file != FileId::MAIN;
        if let Some(address) = self.documents.address(node.file).filter(|_| foreign) {
            absolute(&mut value, address);
        }
        value
    }

    /// A reference to a node, where it stays.
    fn reference(&self, node: &Node<'a>) -> Value {
        let fragment = utf8_percent_encode(&node.pointer, FRAGMENT);
        let foreign = node.file != FileId::MAIN;
        let address = self.documents.address(node.file).filter(|_| foreign);
        let address = address.map_or("", Url::as_str);
        json!({ "$ref": format!("{address}#{fragment}") })
    }

    /// Whether so many values can be made.
    fn pay(&mut self, values: usize) -> bool {
        self.left = self.left.and_then(|left| left.checked_sub(values));
        self.left.is_some()
    }

    /// Whether what an entry refers to can be copied in its place.
    fn pay_for(&mut self, entry: &Node<'a>, found: &Node<'a>) -> bool {
        let is_shared = entry.place() != found.place();
        !is_shared
            || self
                .left
                .is_some_and(|left| self.pay(count(found.value, left + 1)))
    }

    /// The document does not say what is needed: the usual is assumed, and that is said.
    fn assume(&mut self, loc: Loc, message: impl Into<String>, help: &str) {
        let found = Diagnostic::new(Code::Assumed, loc, message);
        self.found.push(found.help(help));
    }
}

/// The parameters of an operation or of a path.
#[derive(Default)]
struct Parameters<'a> {
    /// The list in the shape of 3.x. Those that make up a body are still in it, in their places.
    list: Value,
    /// Those that make up a body.
    body: Vec<Node<'a>>,
}

/// How many values a value consists of, as far as `most`.
fn count(value: &Value, most: usize) -> usize {
    let mut waiting = vec![value];
    let mut seen = 0;
    while let Some(value) = waiting.pop().filter(|_| seen < most) {
        seen += 1;
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(object) => waiting.extend(object.values()),
            _ => {}
        }
    }
    seen
}

/// What a fragment cannot have as it is (RFC 3986 §3.5).
const FRAGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Makes every reference in a value that is copied from another file one from there.
fn absolute(value: &mut Value, address: &Url) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| absolute(item, address)),
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        let joined = address.join(reference);
                        *reference = joined.map_or_else(|_| reference.clone(), String::from);
                    }
                    value => absolute(value, address),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
