//! Tests: a call, and what must become of it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::words::OneOrMany;

/// A call, and what must become of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The tool.
    pub call: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// What the upstream answers; 200 with `{}` if it is missing.
    #[serde(default)]
    pub reply: Option<Reply>,
    /// What must become of it.
    pub expect: Expect,
}

/// What the upstream answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The status.
    #[serde(default = "ok")]
    #[schemars(range(min = 200, max = 599))]
    pub status: u16,
    /// JSON.
    #[serde(default)]
    pub body: Value,
}

fn ok() -> u16 {
    200
}

/// What must become of a call.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Expect {
    /// Nothing is sent.
    Refused(Refusal),
    /// All of these.
    All(Box<Expectation>),
}

/// Nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nothing is sent, whatever the reason.
    Refused,
}

/// What must become of a call; what is not named may be anything.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The request that leaves.
    pub request: Option<ExpectedRequest>,
    /// Parts of the statement that leaves, and of its values, as `mcpgen call --dry-run` prints them.
    pub statement: Option<OneOrMany<String>>,
    /// The values that were moved into their bounds, by JSON Pointer: what was sent and what is used.
    #[schemars(with = "Option<IndexMap<String, [Value; 2]>>")]
    pub clamped: Option<IndexMap<String, (Value, Value)>>,
    /// The error's code, if nothing is sent.
    pub refused: Option<String>,
    /// The structured result.
    pub result: Option<Value>,
}

/// The request that leaves; what is not named may be anything.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRequest {
    /// The method.
    pub method: Option<String>,
    /// The path, as it is sent.
    pub path: Option<String>,
    /// Query parameters; null: it is not sent.
    #[serde(default)]
    pub query: IndexMap<String, Value>,
    /// Headers; null: it is not sent.
    #[serde(default)]
    pub headers: IndexMap<String, Value>,
    /// The JSON body, whole.
    pub body: Option<Value>,
}
