//! The Manifest: the finished server as data. It is all that the runtime, and every other back end,
//! knows of the inputs; no secret is in it, only the names of the environment variables that hold
//! them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod body;

pub use body::{BodyContent, BodyFormat, PartStyle, Strings, WireBody, WirePart};

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

/// How a credential is sent and which environment variable holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialSpec {
    /// A key in a header, query parameter or cookie.
    ApiKey {
        /// Where it goes.
        place: KeyPlace,
        /// The header, parameter or cookie name.
        name: String,
        /// Environment variable with the key.
        env: String,
    },
    /// HTTP Basic (RFC 7617).
    Basic {
        /// Environment variable with the user name.
        env_user: String,
        /// Environment variable with the password.
        env_password: String,
    },
    /// HTTP Bearer (RFC 6750).
    Bearer {
        /// Environment variable with the token.
        env: String,
    },
    /// A Bearer token that is fetched with client credentials (RFC 6749 §4.4).
    ClientCredentials {
        /// Environment variable with a token; if it is set, none is fetched.
        env: String,
        /// Environment variable with the client's identifier.
        env_id: String,
        /// Environment variable with the client's secret.
        env_secret: String,
        /// Where tokens are fetched: an http or https URL without user and fragment.
        token_url: String,
        /// How the client says who it is.
        #[serde(default, skip_serializing_if = "is_default")]
        auth: ClientAuth,
        /// What the owner adds to the form.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        fields: IndexMap<String, String>,
    },
}

impl CredentialSpec {
    /// The environment variables that it comes from.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            Self::ApiKey { env, .. } | Self::Bearer { env } => vec![env],
            Self::Basic {
                env_user,
                env_password,
            } => vec![env_user, env_password],
            Self::ClientCredentials {
                env,
                env_id,
                env_secret,
                ..
            } => vec![env_id, env_secret, env],
        }
    }

    /// The same in words, with what stands for what.
    pub fn needed(&self) -> String {
        match self {
            Self::ClientCredentials {
                env,
                env_id,
                env_secret,
                ..
            } => format!("{env} (or {env_id} and {env_secret})"),
            other => other.variables().join(" and "),
        }
    }
}

/// How a client's identifier and secret are sent for a token (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// As HTTP Basic.
    #[default]
    Basic,
    /// In the form, as `client_id` and `client_secret`.
    Form,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Where an API key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// A request header.
    Header,
    /// A query parameter.
    Query,
    /// A cookie.
    Cookie,
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
    pub input_schema: Map<String, Value>,
    /// Where clients are shown less than is checked: JSON Pointer into the input schema, and the schema
    /// that arguments are checked against there.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub checked: IndexMap<String, Map<String, Value>>,
    /// Lenient JSON Schema of the result, with an object root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Map<String, Value>>,
    /// The arguments, in schema order.
    pub args: Vec<ArgSpec>,
    /// What to do with them.
    pub action: Action,
}

impl ToolSpec {
    /// The schema that arguments are checked against.
    pub fn checked_schema(&self) -> Map<String, Value> {
        let mut root = Value::Object(self.input_schema.clone());
        for (pointer, schema) in &self.checked {
            if let Some(place) = root.pointer_mut(pointer) {
                *place = Value::Object(schema.clone());
            }
        }
        match root {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }
}

/// One argument.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgSpec {
    /// The property of the input schema.
    pub name: String,
    /// A bound that clamps instead of refusing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamp: Option<Bound>,
}

/// Inclusive integer bounds that a value is moved into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// What a tool does, as data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An HTTP request.
    Http(HttpAction),
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
}

/// A parameter on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// Reads a schema that is written in source code as JSON text; what is no object is empty, which a
/// generated crate's own tests find.
pub fn schema(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}
