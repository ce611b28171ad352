//! The policy file as it is written: one YAML document, typed. Its JSON Schema is made of these very
//! types, so the file that a reader accepts and the file that an editor completes cannot differ.
//!
//! The documentation comments are what editors show.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

mod credential;
mod rule;
mod table;
mod test;
pub mod words;

use crate::runtime::manifest::{Effect, RoleKind};
pub use credential::{ApiKey, Basic, Bearer, ClientCredentials, Credential};
pub use rule::{
    ArgRule, EffectRule, Enable, IdempotencyKey, Match, OnViolation, ResponseRule, Rule, Slash,
};
pub use table::{Columns, Compared, MaskRule, Operand, Rows};
pub use test::{Expect, Expectation, ExpectedRequest, Refusal, Reply, Test};
use words::{Cidr, Duration, Rate, Secret, Size};

/// What an agent may do.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Version of this format.
    pub version: Version,
    /// How the server introduces itself.
    #[serde(default)]
    pub server: Server,
    /// What is served, by a short name of yours.
    #[serde(default)]
    pub sources: IndexMap<String, Source>,
    /// What upstreams ask for before they answer, by a name of yours; sources name them.
    #[serde(default)]
    pub credentials: IndexMap<String, Credential>,
    /// Where requests may go, and what may come back.
    #[serde(default)]
    pub egress: Egress,
    /// What holds for every tool unless a rule says otherwise.
    #[serde(default)]
    pub defaults: Defaults,
    /// The clients whose limits the tools are made for.
    #[serde(default)]
    pub profile: Option<Profile>,
    /// How tools are listed.
    #[serde(default)]
    pub tools: Tools,
    /// What holds for some tools, in order. Later rules refine earlier ones; none undoes an
    /// `exclude`, `forbid` or `hide`.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Calls and what must become of them, for `mcpgen test`.
    #[serde(default)]
    pub tests: Vec<Test>,
    /// Whether parts of the file are wrong and left out: it is looked at further, and never served.
    #[serde(skip)]
    pub broken: bool,
}

/// Version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Version;

impl TryFrom<u64> for Version {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        match number {
            1 => Ok(Self),
            _ => Err(format!("version {number} is not known")),
        }
    }
}

/// How the server introduces itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Programmatic name; the first source's name if it is missing.
    #[schemars(
        regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$"),
        extend("title" = "up to 40 letters, digits, `_`, `.` and `-`")
    )]
    pub name: Option<String>,
    /// Advice to the model on how to use the tools.
    pub instructions: Option<String>,
    /// Path of the HTTP endpoint; `/mcp` if it is missing.
    #[schemars(regex(pattern = r"^/[A-Za-z0-9._~/-]*$"), extend("title" = "a path such as /mcp"))]
    pub base_path: Option<String>,
}

/// One source: a document and the API that it describes, or a database.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// OpenAPI document: a path from this file, or an https URL.
    pub openapi: Option<String>,
    /// PostgreSQL database: where its connection string is, `${env:NAME}` or `${file:PATH}`.
    pub postgres: Option<Secret>,
    /// What `mcpgen introspect` printed of the database, so that it is not asked for its catalogue: a
    /// path from this file.
    pub snapshot: Option<String>,
    /// The role that every transaction takes (`SET LOCAL ROLE`).
    pub role: Option<String>,
    /// The schemas whose relations are served; all that the role may use if it is missing.
    #[schemars(extend("minItems" = 1))]
    pub schemas: Option<Vec<String>>,
    /// The most connections to the database; 8 if it is missing.
    #[schemars(range(min = 1, max = 1000))]
    pub connections: Option<u32>,
    /// Accepts a role that may do more than read.
    pub posture: Option<Posture>,
    /// OpenAPI Overlay documents, applied in order before anything else.
    #[serde(default)]
    pub overlays: Vec<String>,
    /// What the document may refer to.
    #[serde(default)]
    pub refs: Refs,
    /// Where the API is; wins over the document's servers, and may be a private address.
    pub base_url: Option<String>,
    /// The credential that goes with every request.
    pub credential: Option<String>,
    /// What the names of this source's tools begin with.
    #[schemars(
        regex(pattern = r"^[A-Za-z][A-Za-z0-9_]{0,15}$"),
        extend("title" = "up to 16 letters, digits and underscores, such as shop_")
    )]
    pub prefix: Option<String>,
    /// How often its tools may be called, all together.
    #[serde(default)]
    pub rate: Vec<Rate>,
}

/// Why a role that may do more than read is accepted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Posture {
    /// The most that it may be; each includes those before it.
    pub accept: RoleWord,
    /// Why: it stands in the plan and in the log.
    #[schemars(length(min = 1))]
    pub because: String,
}

/// What a role may do beyond reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleWord {
    /// It may write to something that is served, or create objects beside it.
    Writer,
    /// It owns something that is served.
    Owner,
    /// Row security does not hold for it.
    BypassRls,
    /// It may do everything.
    Superuser,
}

impl From<RoleWord> for RoleKind {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Writer => Self::Writer,
            RoleWord::Owner => Self::Owner,
            RoleWord::BypassRls => Self::BypassRls,
            RoleWord::Superuser => Self::Superuser,
        }
    }
}

/// What a document may refer to.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refs {
    /// Folders whose files an external `$ref` may name.
    #[serde(default)]
    pub files: Vec<String>,
    /// Hosts that an external `$ref` may name.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// Where requests may go, and what may come back.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Private networks that hosts named by a document may be in.
    #[serde(default)]
    pub allow_private: Vec<Cidr>,
    /// Which redirects of an upstream are followed.
    pub redirects: Option<Redirects>,
    /// The most that is read of one response.
    pub max_response: Option<Size>,
    /// PEM files of certificate authorities to trust besides the usual ones.
    #[serde(default)]
    pub ca_certs: Vec<String>,
    /// The HTTP proxy that requests go through; null: none.
    #[serde(default)]
    #[schemars(schema_with = "text_or_null")]
    pub proxy: Option<String>,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// Those of a GET or HEAD that stay at their origin.
    SameOrigin,
    /// None.
    None,
}

/// What holds for every tool unless a rule says otherwise.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// The highest effect that becomes a tool unless a rule enables it; `none`: only what rules enable.
    pub effect: Option<DefaultEffect>,
    /// What happens to a value beyond a rule's `min`, `max` or `max_items`.
    pub on_violation: Option<OnViolation>,
    /// What happens to an argument that the tool does not have.
    pub unknown_args: Option<UnknownArgs>,
    /// One deadline for a call: queueing, retries and all.
    pub timeout: Option<Duration>,
    /// Which failures are tried again.
    pub retries: Option<Retries>,
    /// The most calls of one tool that run at the same time.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: Option<u32>,
    /// How often one tool may be called.
    #[serde(default)]
    pub rate: Vec<Rate>,
    /// What the model sees of a response.
    #[serde(default)]
    pub response: ResponseRule,
    /// The most rows of a page of a relation; 100 if it is missing.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_rows: Option<u32>,
    /// The most time that a statement may take; 10s if it is missing.
    pub statement_timeout: Option<Duration>,
}

/// The highest effect that becomes a tool by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefaultEffect {
    /// Nothing does: only what rules enable.
    None,
    /// What changes nothing.
    Read,
    /// What creates or changes, too.
    Write,
    /// What deletes, too.
    Destroy,
}

impl DefaultEffect {
    /// The effect; `None` if nothing becomes a tool by itself.
    pub fn highest(self) -> Option<Effect> {
        match self {
            Self::None => None,
            Self::Read => Some(Effect::Read),
            Self::Write => Some(Effect::Write),
            Self::Destroy => Some(Effect::Destroy),
        }
    }
}

/// What happens to an argument that the tool does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownArgs {
    /// The call is refused.
    Reject,
}

/// Which failures are tried again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// The most attempts after the first.
    #[schemars(range(min = 0, max = 10))]
    pub max: u32,
    /// The failures: `connect`, or a status.
    #[serde(default)]
    pub on: Vec<Failure>,
    /// The calls that may be repeated.
    #[serde(default)]
    pub only: RetryOnly,
}

/// A failure that another attempt may mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection came about, so nothing was sent.
    Connect,
    /// The upstream answered with this status.
    Status(u16),
}

/// The calls that may be repeated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryOnly {
    /// Idempotent methods (RFC 9110 §9.2.2), and calls with an idempotency key.
    #[default]
    Idempotent,
}

/// The clients whose limits the tools are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Clients of Anthropic's models.
    Anthropic,
    /// Clients of OpenAI's models.
    Openai,
    /// Clients of Google's models.
    Gemini,
    /// All of them.
    Strict,
    /// Nobody's: schemas stay as the document has them.
    None,
}

/// How tools are listed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// Whether the list shows all tools or tools to find them with.
    pub mode: Option<ListMode>,
    /// Tokens that the list may cost.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub budget: Option<usize>,
    /// Tools that stay listed in search mode.
    #[serde(default)]
    pub pin: Vec<String>,
}

/// Whether the list shows all tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListMode {
    /// All tools, up to the budget; search above it.
    Auto,
    /// All tools.
    List,
    /// Tools that find, describe and call the others.
    Search,
}

impl PolicyFile {
    /// The references to secrets, each with the JSON Pointer of its place.
    pub fn secrets(&self) -> impl Iterator<Item = (String, &words::Secret)> {
        let of_credentials = self.credentials.iter().flat_map(|(name, credential)| {
            let at = format!("/credentials/{}", crate::diag::escape(name));
            let secrets = credential.secrets().into_iter();
            secrets.map(move |(key, secret)| (format!("{at}/{key}"), secret))
        });
        let of_sources = self.sources.iter().filter_map(|(name, source)| {
            let at = format!("/sources/{}/postgres", crate::diag::escape(name));
            Some((at, source.postgres.as_ref()?))
        });
        of_credentials.chain(of_sources)
    }

    /// The format as JSON Schema 2020-12.
    pub fn schema() -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12();
        let root = settings.into_generator().into_root_schema_for::<Self>();
        let mut schema = root.to_value();
        without_null(&mut schema);
        if let Some(root) = schema.as_object_mut() {
            root.insert("title".to_owned(), "mcpgen policy".into());
        }
        schema
    }
}

/// A text, or nothing on purpose.
fn text_or_null(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [{"type": "string"}, {"type": "null"}]})
}

/// Takes `null` out of what keys may be: `timeout:` with nothing behind it would be a control that is
/// meant and not applied.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|t| t != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(branches)) = object.get_mut("anyOf") {
                branches.retain(|branch| branch.get("type") != Some(&"null".into()));
                if let [Value::Object(only)] = branches.as_slice() {
                    let only = only.clone();
                    object.shift_remove("anyOf");
                    object.extend(only);
                }
            }
            object.values_mut().for_each(without_null);
        }
        _ => {}
    }
}
