//! Swagger 2.0 and OpenAPI 3.0, 3.1 and 3.2 documents: a tree of JSON values becomes a Catalog.
//!
//! The document stays a `Value` with references resolved where they are met, so that one bad
//! operation costs that operation and nothing else.

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde_json::Value;
use url::Url;

use crate::catalog::{Catalog, LeftOut};
use crate::diag::{Bearing, Code, Diagnostic, Diagnostics, Loc, Severity, shortened};
use crate::input::documents::Documents;
use crate::runtime::manifest::{ClientAuth, Effect};

mod allof;
mod body;
mod lint;
mod method;
mod node;
mod operation;
mod output;
mod param;
mod refer;
mod room;
mod sample;
mod schema;
mod security;
mod server;
mod tag;
mod template;
mod token_url;
mod unread;
mod upgrade;
mod version;

use node::{Doc, Node};
use tag::Tags;
pub(crate) use version::Version;
use version::version;

/// Time to read and compile a document.
const TIME: Duration = Duration::from_secs(30);

/// How tokens are fetched, as far as the owner says it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TokenOptions {
    /// Where; wins over the document's token URLs.
    pub url: Option<String>,
    /// How the client says who it is.
    pub auth: ClientAuth,
    /// Fields for the form; `scope` takes the place of the document's scopes.
    pub fields: IndexMap<String, String>,
}

impl TokenOptions {
    /// The first option that was given.
    fn first(&self) -> Option<&'static str> {
        let given = [
            (self.url.is_some(), "--token-url"),
            (self.auth != ClientAuth::default(), "--token-auth"),
            (!self.fields.is_empty(), "--token-field"),
        ];
        given
            .iter()
            .find_map(|(there, name)| there.then_some(*name))
    }
}

/// What the reader is told besides the document.
#[derive(Debug, Default, Clone)]
pub struct ReadOptions {
    /// What the source is called, if not after its title.
    pub source: Option<String>,
    /// Where the document was fetched from: relative server URLs resolve against it.
    pub document_url: Option<Url>,
    /// The owner's own answer to where the API is; wins over every server of the document.
    pub base_url: Option<String>,
    /// How tokens are fetched, as far as the owner says it.
    pub tokens: TokenOptions,
    /// Origins (`https://host[:port]`) that the owner named.
    pub trusted_origins: Vec<String>,
    /// What the source is called if the document has no usable title.
    pub fallback_name: String,
    /// Time to read and compile it, if not the usual.
    pub time: Option<Duration>,
    /// Whether the owner sends headers of their own, which may hold what an unsupported security
    /// scheme asks for.
    pub owner_headers: bool,
    /// Whether samples of responses are made, for a server without an upstream.
    pub samples: bool,
    /// Whether a 3.0 document is held against the specification strictly, too.
    pub strict: bool,
}

/// Reads a document. `None` if it is not one; everything less is a diagnostic.
pub fn read(
    documents: &Documents,
    options: &ReadOptions,
    diags: &mut Diagnostics,
) -> Option<Catalog> {
    let root = documents.main();
    let version = match version(root) {
        Ok(version) => version,
        Err(diagnostic) => {
            diags.push(*diagnostic);
            return None;
        }
    };
    if version != Version::V2_0 {
        let doc = Doc::new(root, version).among(documents);
        let catalog = read_tree(&doc, options, diags)?;
        if options.strict && version == Version::V3_0 {
            lint::lint(root, catalog.deadline, diags);
        }
        return Some(catalog);
    }
    let upgraded = match upgrade::upgrade(documents, options.document_url.is_some()) {
        Ok(upgraded) => upgraded,
        Err(found) => {
            diags.push(*found);
            return None;
        }
    };
    upgraded.read(diags, |tree, diags| {
        read_tree(&Doc::new(tree, version).among(documents), options, diags)
    })
}

/// Reads a document of the shape of 3.x.
fn read_tree(doc: &Doc<'_>, options: &ReadOptions, diags: &mut Diagnostics) -> Option<Catalog> {
    let (root, version) = (doc.root, doc.version);
    let top = Node::root(root);
    let info = top.get("info");
    // A version such as `1.0` is a number if nobody quoted it.
    let text = |key| {
        let value = info
            .as_ref()
            .and_then(|i| i.get(key))
            .map(|node| node.value);
        let scalar = value.filter(|v| v.is_string() || v.is_number());
        scalar.map(plain).unwrap_or_default().trim().to_owned()
    };
    let title = text("title");
    let named = options.source.clone();
    let source = named.unwrap_or_else(|| source_name(&title, &options.fallback_name));
    let credentials = security::schemes(doc, &source, options, diags);
    let mut reader = Reader {
        doc,
        options,
        credentials: &credentials,
        tags: Tags::read(version, &top),
        diags,
        catalog: Catalog {
            source,
            title,
            version: text("version"),
            deadline: Instant::now().checked_add(options.time.unwrap_or(TIME)),
            credentials: IndexMap::new(),
            ..Catalog::default()
        },
    };
    reader.paths(&top);
    if reader.late() {
        reader.diags.push(Diagnostic::out_of_time());
        return None;
    }
    reader.duplicate_ids();
    unread::report(&top, reader.diags);
    let mut catalog = reader.catalog;
    catalog.credentials = credentials;
    Some(catalog)
}

/// What is carried through a document.
struct Reader<'a, 'd> {
    doc: &'d Doc<'a>,
    options: &'d ReadOptions,
    credentials: &'d IndexMap<String, crate::runtime::manifest::CredentialSpec>,
    tags: Tags<'a>,
    diags: &'d mut Diagnostics,
    catalog: Catalog,
}

impl<'a> Reader<'a, '_> {
    fn late(&self) -> bool {
        let deadline = self.catalog.deadline;
        deadline.is_some_and(|deadline| Instant::now() > deadline)
    }

    fn paths(&mut self, top: &Node<'a>) {
        let Some(paths) = top.get("paths") else {
            if self.doc.version <= Version::V3_0 {
                let message = "the document has no `paths`";
                let found = Diagnostic::new(Code::Malformed, Loc::at(""), message);
                self.diags
                    .push(found.help("operations are declared under `paths`"));
            }
            return;
        };
        if !paths.value.is_object() {
            let message = "`paths` is not an object";
            let found = Diagnostic::new(Code::Malformed, paths.loc(), message);
            self.diags
                .push(found.help("its keys are paths, as in `/pets/{id}`"));
        }
        for (path, item) in paths.entries() {
            if !path.starts_with("x-") {
                self.path_item(path, item);
            }
        }
    }

    fn path_item(&mut self, path: &'a str, item: Node<'a>) {
        let item = match self.doc.resolve(item) {
            Ok(item) if item.value.is_object() => item,
            Ok(item) => {
                let message = "the path item is not an object";
                let found = Diagnostic::new(Code::Malformed, item.loc(), message);
                let help = "its keys are methods, as in `get`, each with an operation";
                return self.leave_out_item(path, found.help(help));
            }
            Err(found) => return self.leave_out_item(path, *found),
        };
        for found in method::of_later_versions(self.doc.version, &item) {
            self.diags.push(found);
        }
        for found in method::operations(self.doc.version, &item) {
            if self.late() {
                return;
            }
            self.catalog.operations += 1;
            let label = format!("{} {path}", found.method);
            self.diags.about(Some(&label));
            // What a refused method would do has an id and tags too.
            let node = found.operation.as_ref().ok().cloned();
            let node = node.or_else(|| item.get(&found.method.to_lowercase()));
            let read = found
                .operation
                .and_then(|node| self.operation(path, &found.method, &item, &node))
                .and_then(|capability| {
                    if self.doc.has_room(room::of_capability(&capability)) {
                        Ok(capability)
                    } else {
                        Err(Box::new(room::none_left(capability.loc)))
                    }
                });
            for note in self.doc.take_notes() {
                self.diags.push(note);
            }
            match read {
                Ok(capability) => self.catalog.capabilities.push(capability),
                Err(why) => {
                    let left = LeftOut {
                        operation: label,
                        reason: shortened(&why.message).to_owned(),
                        path: path.to_owned(),
                        id: node.as_ref().and_then(operation::id),
                        tags: node.map(|node| self.tags.of(&node)).unwrap_or_default(),
                        effect: method::effect(&found.method),
                    };
                    self.leave_out(left, *why);
                }
            }
            self.diags.about(None);
        }
    }

    /// Records a path item that cannot be read, which had an operation at least.
    fn leave_out_item(&mut self, path: &str, found: Diagnostic) {
        self.catalog.operations += 1;
        self.diags.about(Some(path));
        let left = LeftOut {
            operation: path.to_owned(),
            reason: shortened(&found.message).to_owned(),
            path: path.to_owned(),
            id: None,
            tags: Vec::new(),
            effect: Effect::Read,
        };
        self.leave_out(left, found);
        self.diags.about(None);
    }

    /// Records an operation that cannot be a tool, with its diagnostic.
    fn leave_out(&mut self, left: LeftOut, mut found: Diagnostic) {
        found.message = format!("{} is left out: {}", left.operation, left.reason);
        found.severity = found.severity.max(Severity::Warning);
        found.bearing = Bearing::Loss;
        self.diags.push(found);
        self.catalog.left_out.push(left);
    }

    /// An `operationId` must be unique (OpenAPI 3.1.1 §4.8.10.1); two of one id stay apart by name.
    fn duplicate_ids(&mut self) {
        let mut seen: IndexMap<&str, String> = IndexMap::new();
        for capability in &self.catalog.capabilities {
            let Some(id) = capability.id.as_deref() else {
                continue;
            };
            if let Some(first) = seen.get(id) {
                let message = format!(
                    "operationId `{id}` is used by {first} and {}",
                    capability.label()
                );
                self.diags.push(
                    Diagnostic::new(
                        Code::DuplicateOperationId,
                        capability.loc.child("operationId"),
                        message,
                    )
                    .help("both stay tools; each gets a suffix made from its method and path"),
                );
            } else {
                seen.insert(id, capability.label());
            }
        }
    }
}

/// A scalar as it is written.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Words of a title that say nothing of which API it is.
const TITLE_NOISE: [&str; 14] = [
    "api",
    "apis",
    "rest",
    "restful",
    "http",
    "openapi",
    "swagger",
    "spec",
    "specification",
    "the",
    "service",
    "public",
    "documentation",
    "reference",
];

/// Longest source name, in bytes: it begins environment variables and server names.
const SOURCE_NAME_MAX: usize = 24;

/// A short lower-case identifier from the title, without versions and words such as "API".
fn source_name(title: &str, fallback: &str) -> String {
    for text in [title, fallback] {
        let mut name = String::new();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let word = word.to_ascii_lowercase();
            let version = word
                .trim_start_matches('v')
                .chars()
                .all(|c| c.is_ascii_digit());
            let longer = name.len() + word.len() + 1;
            if version || TITLE_NOISE.contains(&word.as_str()) {
                continue;
            }
            if longer > SOURCE_NAME_MAX && !name.is_empty() {
                break;
            }
            if !name.is_empty() {
                name.push('_');
            }
            name.push_str(&word);
        }
        name.truncate(SOURCE_NAME_MAX);
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            name.insert_str(0, "api_");
        }
        if !name.is_empty() {
            return name;
        }
    }
    "api".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn source_names_are_short_identifiers() {
        for (title, fallback, want) in [
            ("GitHub v3 REST API", "x", "github"),
            ("Swagger Petstore - OpenAPI 3.0", "x", "petstore"),
            ("Bookshop", "x", "bookshop"),
            ("API", "openapi", "api"),
            ("", "my-shop", "my_shop"),
            ("日本", "日本", "api"),
            ("3scale", "x", "api_3scale"),
            (
                "A very long title of an interface to everything",
                "x",
                "a_very_long_title_of_an",
            ),
        ] {
            assert_eq!(source_name(title, fallback), want, "{title}");
        }
    }

    #[test]
    fn time_is_bounded() {
        let root = json!({"openapi": "3.1.0", "paths": {"/a": {"get": {}}}});
        for (time, want) in [(None, true), (Some(Duration::ZERO), false)] {
            let options = ReadOptions {
                time,
                ..ReadOptions::default()
            };
            let mut diags = Diagnostics::default();
            let documents = Documents::alone(root.clone());
            let catalog = read(&documents, &options, &mut diags);
            assert_eq!((catalog.is_some(), !diags.has_errors()), (want, want));
        }
    }
}
