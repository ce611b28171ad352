//! The Manifest: the finished server as data. It is all that the runtime, and every other back end,
//! knows of the inputs; no secret is in it, only the names of the environment variables that hold
//! them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::runtime::pointer::unescape;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

mod body;
mod control;
mod credential;
mod limits;
mod sql;

pub use body::{BodyContent, BodyFormat, PartStyle, Strings, WireBody, WirePart};
pub use control::{Bound, Control, Fixed};
pub use credential::{ClientAuth, CredentialSpec, KeyPlace, place, setting};
pub(super) use credential::{FILE, TEXT};
pub use limits::{Limits, Rate, Redirects, Retries, Shape};
pub use sql::{
    Column, Comparison, Condition, Form, Include, Join, KeyColumn, Many, Mask, Operand, Postgres,
    Posture, Read, Relation, RoleKind, SqlAction, SqlType,
};

/// A finished server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub version: u32,
    /// The clients that the tools are written for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub profile: Profile,
    /// How the server introduces itself.
    pub server: ServerSpec,
    /// How clients get to know the tools.
    #[serde(default, skip_serializing_if = "Listing::is_default")]
    pub listing: Listing,
    /// Where calls go, by source name.
    pub sources: IndexMap<String, SourceSpec>,
    /// The tools, in the order they are listed.
    pub tools: Vec<ToolSpec>,
}

impl Manifest {
    /// The version of the format that this code writes and reads.
    pub const VERSION: u32 = 1;
}

/// The clients whose rules tools keep, besides those of MCP: what their APIs refuse is written
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Those that call Anthropic's models.
    Anthropic,
    /// Those that call `OpenAI`'s models.
    Openai,
    /// Those that call Google's models.
    Gemini,
    /// All of these.
    #[default]
    Strict,
    /// None: only the rules of MCP are kept.
    None,
}

impl Profile {
    /// The word used on the command line and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Gemini => "gemini",
            Self::Strict => "strict",
            Self::None => "none",
        }
    }
}

/// The version of mcpgen that this code is part of.
pub const VERSION: &str = "0.1.0";

/// What upstreams are told is calling: the same from an interpreted and a generated server.
pub const USER_AGENT: &str = "mcpgen/0.1.0";

/// How the server introduces itself (MCP `Implementation` and `instructions`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// Programmatic name.
    pub name: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Version of what is served.
    pub version: String,
    /// Advice to the model on how to use the tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Path of the HTTP endpoint, unless the command line says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_path: Option<String>,
}

/// How clients get to know the tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Whether they are listed or searched for.
    pub mode: ListMode,
    /// In search mode, the tools that are listed all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
}

impl Listing {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether tools are listed or searched for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListMode {
    /// `tools/list` has all of them.
    #[default]
    List,
    /// `tools/list` has a few that find, describe and call the others.
    Search,
}

/// One source: an upstream and what it takes to reach it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Origins (`https://host[:port]`) that may be dialled even if their address is private, because
    /// the owner named them and not a document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_origins: Vec<String>,
    /// Credentials by security scheme name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub credentials: IndexMap<String, CredentialSpec>,
    /// Headers that go with every request; values may hold `${env:NAME}`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// One deadline for a whole call, in milliseconds.
    pub timeout_ms: u64,
    /// Most bytes of a decoded response.
    pub max_response_bytes: u64,
    /// Private networks (`10.20.0.0/16`) in which hosts may be that only a document names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_private: Vec<String>,
    /// Which redirects are followed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub redirects: Redirects,
    /// PEM files of certificate authorities to trust besides the system's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ca_certs: Vec<String>,
    /// The proxy that requests go through, unless the command line names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// How often its tools may be called, all together: all of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate: Vec<Rate>,
    /// The database, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Postgres>,
}

impl SourceSpec {
    /// The environment variables of each of a tool's alternatives, in words: `A and B`.
    pub fn needed(&self, security: &[Requirement]) -> Vec<String> {
        let all = |requirement: &Requirement| {
            let specs = requirement.keys().filter_map(|n| self.credentials.get(n));
            let names: Vec<String> = specs.map(CredentialSpec::needed).collect();
            names.join(" and ")
        };
        security.iter().map(all).collect()
    }
}

/// Credentials that go together, by name, each with the scopes of the token that is fetched for it
/// (none: those that the token endpoint gives by itself).
pub type Requirement = IndexMap<String, Vec<String>>;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a tool does to the world; drives the guard and the MCP annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Creates or changes.
    Write,
    /// Deletes.
    Destroy,
}

impl Effect {
    /// The word used on the command line and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destroy => "destroy",
        }
    }
}

/// A JSON Schema that is an object. A server holds those of its Manifest, and no others like them.
pub type Schema = Arc<Map<String, Value>>;

/// One finished tool.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSpec {
    /// The name clients call it by; unique in the Manifest.
    pub name: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The group it belongs to: its first tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it does, for the model.
    pub description: String,
    /// The source it calls.
    pub source: String,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether calling it twice is the same as calling it once.
    pub idempotent: bool,
    /// JSON Schema 2020-12 of the arguments: an object, closed, self-contained.
    pub input_schema: Schema,
    /// Where clients are shown less than is checked: JSON Pointer into the input schema, and the schema
    /// that arguments are checked against there.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub checked: IndexMap<String, Schema>,
    /// Lenient JSON Schema of the result, with an object root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Schema>,
    /// What is done with values of the arguments beside the schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<Control>,
    /// What calls may cost.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
    /// What to do with the arguments.
    pub action: Action,
    /// What is passed on of the answer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shape: Shape,
}

impl ToolSpec {
    /// The arguments that a caller may give, in order, each with its schema.
    pub fn arguments(&self) -> impl Iterator<Item = (&String, &Value)> {
        let properties = self.input_schema.get("properties");
        properties.and_then(Value::as_object).into_iter().flatten()
    }

    /// The bound that a top-level argument is moved into.
    pub fn clamp(&self, argument: &str) -> Option<&Bound> {
        let of = |control: &&Control| {
            let name = control.pointer.strip_prefix('/');
            name.is_some_and(|name| unescape(name) == argument)
        };
        let mut controls = self.controls.iter().filter(of);
        controls.find_map(|control| control.clamp.as_ref())
    }

    /// The schema that arguments are checked against.
    pub fn checked_schema(&self) -> Schema {
        if self.checked.is_empty() {
            return self.input_schema.clone();
        }
        let mut root = Value::Object(Map::clone(&self.input_schema));
        for (pointer, schema) in &self.checked {
            if let Some(place) = root.pointer_mut(pointer) {
                *place = Value::Object(Map::clone(schema));
            }
        }
        match root {
            Value::Object(schema) => schema.into(),
            _ => Schema::default(),
        }
    }
}

/// What a tool does, as data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "most of them are requests")]
pub enum Action {
    /// An HTTP request.
    Http(HttpAction),
    /// A statement that reads.
    Sql(SqlAction),
}

impl Action {
    /// The HTTP request, if it is one.
    pub fn http(&self) -> Option<&HttpAction> {
        match self {
            Self::Http(action) => Some(action),
            Self::Sql(_) => None,
        }
    }

    /// What is done: the HTTP method, or `find` or `get`.
    pub fn verb(&self) -> &str {
        match self {
            Self::Http(action) => &action.method,
            Self::Sql(action) => action.read.verb(),
        }
    }

    /// What it is done to: the path template, or schema and name of a relation.
    pub fn object(&self) -> Cow<'_, str> {
        match self {
            Self::Http(action) => Cow::Borrowed(&action.path),
            Self::Sql(action) => {
                let relation = &action.relation;
                Cow::Owned(format!("{}.{}", relation.schema, relation.name))
            }
        }
    }
}

/// An HTTP request with places for arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAction {
    /// The method, upper case.
    pub method: String,
    /// Scheme, host, port and path prefix, without a slash at the end; `None` if nothing says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The path template, `/pets/{petId}`; what follows a `?` in it goes with every request, before
    /// all else of the query.
    pub path: String,
    /// Parameters, in the order they are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<WireParam>,
    /// The request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<WireBody>,
    /// The `Accept` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// Alternatives; empty: nothing is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<Requirement>,
    /// Which failures are tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// A header that gets a new key for each call, the same in its repetitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// A parameter on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub struct WireParam {
    /// The argument whose value it carries.
    pub arg: String,
    /// Its name on the wire.
    pub name: String,
    /// Where it goes.
    pub place: Place,
    /// How it is written.
    pub style: Style,
    /// Whether arrays and objects become one pair an element.
    pub explode: bool,
    /// Whether reserved characters stay as they are, where they are not escaped for safety.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_reserved: bool,
    /// Whether a value may hold `/`, which is sent as `%2F` (paths only).
    #[serde(default, skip_serializing_if = "is_default")]
    pub slash: bool,
    /// Whether null, and a list or object with nothing in it, are sent as `name=`
    /// (`allowEmptyValue`, queries only).
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_empty: bool,
    /// What the value is written as, whatever the style (`content`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ParamContent>,
}

/// How the value of a parameter with `content` becomes text (OpenAPI 3.1.1 §4.8.12.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamContent {
    /// JSON text.
    Json,
    /// The plain value itself.
    Text,
    /// `application/x-www-form-urlencoded` of an object.
    Form,
}

/// Where a parameter goes (OpenAPI `in`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
    /// The query string as a whole (OpenAPI 3.2.0 §4.12.1).
    Querystring,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

impl Place {
    /// The word that OpenAPI uses for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Querystring => "querystring",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How a parameter is written (OpenAPI 3.1.1 §4.8.12.3, RFC 6570).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Comma-separated (path, header).
    Simple,
    /// Dot-prefixed (path).
    Label,
    /// Semicolon-prefixed (path).
    Matrix,
    /// Ampersand-separated (query, cookie).
    Form,
    /// Space-separated arrays (query; in Swagger 2.0 path and header, too).
    SpaceDelimited,
    /// Pipe-separated arrays (query; in Swagger 2.0 path and header, too).
    PipeDelimited,
    /// Tab-separated arrays, which Swagger 2.0 has alone.
    TabDelimited,
    /// `name[key]=value` objects (query).
    DeepObject,
    /// `name[key][]=value`: objects and lists inside each other (query, `x-mcpgen-deep-object`).
    DeepBrackets,
    /// `name[key][0]=value`: the same with numbered elements.
    DeepIndices,
    /// Pairs of a cookie, nothing escaped (OpenAPI 3.2.0 §4.12.3).
    Cookie,
}

/// Reads a value that is written in source code as JSON text; what is none is null, which a generated
/// crate's own tests find.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Reads a number that is written in source code; what is none is 0, which a generated crate's own tests
/// find.
pub fn number(text: &str) -> Number {
    serde_json::from_str(text).unwrap_or_else(|_| 0.into())
}

/// Reads a schema that is written in source code as JSON text; what is no object is empty, which a
/// generated crate's own tests find.
pub fn schema(text: &str) -> Schema {
    serde_json::from_str(text).unwrap_or_default()
}
