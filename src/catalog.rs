//! The Catalog: all that a source offers, in terms that no kind of source owns. A front end makes
//! it; the compiler picks from it.

use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::diag::{FileId, Loc};
use crate::runtime::manifest::{
    BodyFormat, Comparison, CredentialSpec, Effect, ParamContent, Place, Requirement, SqlType,
    Style, WirePart,
};

/// What a source can do.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Short name of the source, a lower-case identifier.
    pub source: String,
    /// The text that it was read from.
    pub file: FileId,
    /// The source's own title.
    pub title: String,
    /// The source's own version.
    pub version: String,
    /// Operations that were read, those left out among them.
    pub operations: usize,
    /// The things it can do, in document order.
    pub capabilities: Vec<Capability>,
    /// Operations that cannot be tools, with the reason.
    pub left_out: Vec<LeftOut>,
    /// When it must be read and compiled; a hostile document could take any time.
    pub deadline: Option<Instant>,
    /// The credentials it takes, by security scheme name.
    pub credentials: IndexMap<String, CredentialSpec>,
    /// What reads of it are made of, if it is a database.
    pub database: Option<Database>,
}

impl Catalog {
    /// The same among others: its main text is called `main`, and `label` stands before the names of its
    /// operations, as far as findings are filed under them.
    #[must_use]
    pub fn among(mut self, main: FileId, label: &str) -> Self {
        self.file.0 += main.0;
        for capability in &mut self.capabilities {
            capability.operation.insert_str(0, label);
            capability.loc.file.0 += main.0;
            if let Some(loc) = &mut capability.server_loc {
                loc.file.0 += main.0;
            }
        }
        for left in &mut self.left_out {
            left.operation.insert_str(0, label);
        }
        self
    }
}

impl Catalog {
    /// The relation that a capability reads.
    pub fn relation(&self, capability: &Capability) -> Option<&Relation> {
        let (index, _) = capability.read?;
        self.database.as_ref()?.relations.get(index)
    }
}

/// An operation that cannot be a tool.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// What it is called: method and path, as the document writes them.
    pub operation: String,
    /// Why, in the words of its diagnostic.
    pub reason: String,
    /// Its path, `operationId` and tags, as far as they could be read: what patterns are compared with.
    pub path: String,
    /// The `operationId`.
    pub id: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// What it would do to the world.
    pub effect: Effect,
}

/// One thing a source can do.
#[derive(Debug, Clone)]
pub struct Capability {
    /// Method and path as the document writes them: what its findings are filed under.
    pub operation: String,
    /// What names it: the `operationId`.
    pub id: Option<String>,
    /// HTTP method, upper case; of a relation `find` or `get`.
    pub method: String,
    /// Path template; what follows a `?` in it goes with every request.
    /// What begins with `#` tells operations of one path apart and is not sent. Of a relation its schema
    /// and name.
    pub path: String,
    /// The relation that is read, as an index into [`Database::relations`], and how. What its arguments
    /// and results are depends on the policy, so [`Self::params`] and [`Self::output`] are empty then.
    pub read: Option<(usize, ReadKind)>,
    /// Tags.
    pub tags: Vec<String>,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether the method is idempotent (RFC 9110 §9.2.2).
    pub idempotent: bool,
    /// One line.
    pub summary: Option<String>,
    /// More lines.
    pub description: Option<String>,
    /// Whether its owner advises against it.
    pub deprecated: bool,
    /// The server it is at, without a slash at the end.
    pub base_url: Option<String>,
    /// Where the document says so; `None` if it was not the document.
    pub server_loc: Option<Loc>,
    /// Parameters.
    pub params: Vec<Param>,
    /// Request body.
    pub body: Option<Body>,
    /// What comes back.
    pub output: Output,
    /// Alternatives; empty: nothing is needed.
    pub security: Vec<Requirement>,
    /// Schemas that the others refer to as `#/$defs/<name>`: of the arguments.
    pub input_defs: Map<String, Value>,
    /// Where it is in the document.
    pub loc: Loc,
}

impl Capability {
    /// `GET /pets/{petId}`: what a person calls it.
    pub fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path template as it is sent: no URL is sent with its fragment (RFC 9110 §7.1).
    pub fn sent_path(&self) -> &str {
        self.path.split('#').next().unwrap_or_default()
    }
}

/// One parameter.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "they are OpenAPI's own, and independent"
)]
pub struct Param {
    /// Name on the wire.
    pub name: String,
    /// Where it goes.
    pub place: Place,
    /// Whether it must be there.
    pub required: bool,
    /// JSON Schema 2020-12.
    pub schema: Value,
    /// How it is written.
    pub style: Style,
    /// Whether arrays and objects become one pair an element.
    pub explode: bool,
    /// Whether reserved characters stay as they are.
    pub allow_reserved: bool,
    /// Whether null and empty lists and objects are sent as `name=`.
    pub allow_empty: bool,
    /// What the value is written as, whatever the style.
    pub content: Option<ParamContent>,
}

/// A request body.
#[derive(Debug, Clone)]
pub struct Body {
    /// Media type that is sent.
    pub content_type: String,
    /// Other media types that the argument of a binary body may name.
    pub also: Vec<String>,
    /// How its text is made.
    pub format: BodyFormat,
    /// Whether it must be there.
    pub required: bool,
    /// JSON Schema 2020-12.
    pub schema: Value,
    /// How fields of a form are written that are not written in the usual way, by property. All
    /// declared ones are here.
    pub parts: IndexMap<String, WirePart>,
    /// What the document says of it.
    pub description: Option<String>,
}

/// What comes back.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// A sample of it, if samples were asked for.
    pub sample: Sample,
    /// Media types of the success response, best first.
    pub media_types: Vec<String>,
    /// Self-contained lenient JSON Schema 2020-12 of the success response, if it is JSON. It says where an
    /// object is closed, which clients are not told.
    pub schema: Option<Value>,
    /// What the document says of it.
    pub description: Option<String>,
}

/// A sample of a success response.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Sample {
    /// No content.
    #[default]
    Empty,
    /// JSON.
    Json(Value),
    /// Text of a media type.
    Text {
        /// Media type.
        mime: String,
        /// The text.
        text: String,
    },
    /// Bytes of a media type.
    Bytes {
        /// Media type.
        mime: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// The relations of a database that the role may read something of.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// In the order of their names.
    pub relations: Vec<Relation>,
}

/// How a relation is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadKind {
    /// The rows that a filter leaves.
    Find,
    /// One row, by a key.
    Get,
}

/// A table, view or materialised view.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `table`, `view`, …: what it is, in words.
    pub kind: &'static str,
    /// What its owner says of it.
    pub comment: Option<String>,
    /// The columns that the role may read, by their own names, in order.
    pub columns: IndexMap<String, RelationColumn>,
    /// The columns of each key, the primary one first if there is one; all of them can be read.
    pub keys: Vec<Vec<String>>,
    /// Foreign keys whose columns can be read.
    pub foreign_keys: Vec<ForeignKey>,
    /// Rows, as the planner estimates them.
    pub estimate: Option<u64>,
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub struct RelationColumn {
    /// Its type.
    pub r#type: SqlType,
    /// Its type as it was declared, for people.
    pub declared: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// JSON Schema 2020-12 of a value that it is compared with; `true` if it is not compared.
    pub value: Arc<Value>,
    /// JSON Schema 2020-12 of an element, for lists and ranges; `null` for all else.
    pub element: Arc<Value>,
    /// Lenient JSON Schema 2020-12 of what is shown.
    pub shown: Arc<Value>,
    /// What it can be compared by.
    pub comparisons: Vec<Comparison>,
    /// Whether rows can be sorted by it.
    pub sortable: bool,
    /// Whether it is the first column of an index.
    pub indexed: bool,
    /// What its owner says of it.
    pub comment: Option<String>,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Its columns, each with that of the other relation.
    pub columns: Vec<(String, String)>,
    /// The other relation, as an index into [`Database::relations`].
    pub relation: usize,
}
