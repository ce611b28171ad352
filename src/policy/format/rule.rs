//! Rules: what is matched, and what then holds.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::Retries;
use super::table::{Columns, Rows};
use super::words::{Duration, EffectWord, OneOrMany, Rate, Size};
use crate::runtime::manifest::Effect;

/// What holds for the operations that match.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The operations that this rule is about.
    pub r#match: Match,
    /// Whether they are no tools at all; final.
    pub exclude: Option<bool>,
    /// The tool's name; the match must be one operation.
    #[schemars(
        regex(pattern = r"^[A-Za-z_][A-Za-z0-9_-]{0,47}$"),
        extend("title" = "a name of up to 48 letters, digits, `_` and `-`")
    )]
    pub name: Option<String>,
    /// The tool's description, instead of the document's.
    pub describe: Option<String>,
    /// Arguments, by name or by JSON Pointer into them.
    #[serde(default)]
    pub args: IndexMap<String, ArgRule>,
    /// What the operation does to the world, if its method says something else.
    pub effect: Option<EffectRule>,
    /// Makes a tool of an operation above `defaults.effect`.
    pub enable: Option<Enable>,
    /// One deadline for a call: queueing, retries and all.
    pub timeout: Option<Duration>,
    /// Which failures are tried again.
    pub retries: Option<Retries>,
    /// A header with a new key for each call, so that a repetition has no second effect.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The most calls that run at the same time.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: Option<u32>,
    /// How often the tool may be called.
    #[serde(default)]
    pub rate: Vec<Rate>,
    /// What the model sees of a response.
    #[serde(default)]
    pub response: ResponseRule,
    /// The columns of a relation that are shown, and how.
    pub columns: Option<Columns>,
    /// The rows of a relation that there are for callers.
    pub rows: Option<Rows>,
    /// The columns that rows can be filtered by; all that are shown if it is missing.
    pub filter_on: Option<Vec<String>>,
    /// The columns that rows can be sorted by; all that are shown if it is missing.
    pub sort_on: Option<Vec<String>>,
    /// The text columns that rows can also be filtered by a part of, which no usual index serves; none if it
    /// is missing.
    pub contains_on: Option<Vec<String>>,
    /// The most rows of a page.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_rows: Option<u32>,
    /// The most time that the statement may take.
    pub statement_timeout: Option<Duration>,
    /// Whether a part of the rule is wrong, so that nothing is known of what it matches.
    #[serde(skip)]
    pub broken: bool,
}

impl Rule {
    /// The first of its keys that are about relations.
    pub fn of_relations(&self) -> Option<&'static str> {
        let keys = [
            ("columns", self.columns.is_some()),
            ("rows", self.rows.is_some()),
            ("filter_on", self.filter_on.is_some()),
            ("sort_on", self.sort_on.is_some()),
            ("contains_on", self.contains_on.is_some()),
            ("max_rows", self.max_rows.is_some()),
            ("statement_timeout", self.statement_timeout.is_some()),
        ];
        let mut there = keys.into_iter().filter(|(_, there)| *there);
        there.next().map(|(key, _)| key)
    }
}

/// The operations that a rule is about: those that all of these match. A text is a glob.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Match {
    /// The source.
    pub source: Option<OneOrMany<String>>,
    /// The operation's id, or the tool's name where it has none.
    pub operation: Option<OneOrMany<String>>,
    /// The HTTP method.
    pub method: Option<OneOrMany<String>>,
    /// The path template; `*` stays within a segment, `**` crosses them.
    pub path: Option<OneOrMany<String>>,
    /// A tag.
    pub tag: Option<OneOrMany<String>>,
    /// The relation of a database: its name, or schema and name with a dot between.
    pub table: Option<OneOrMany<String>>,
    /// What the operation does to the world.
    pub effect: Option<OneOrMany<EffectWord>>,
}

/// What holds for one argument.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArgRule {
    /// The least value.
    pub min: Option<Number>,
    /// The greatest value.
    pub max: Option<Number>,
    /// The value if none is given.
    #[serde(default, deserialize_with = "some")]
    pub default: Option<Value>,
    /// The values that may be given.
    #[schemars(extend("minItems" = 1))]
    pub r#enum: Option<Vec<Value>>,
    /// Values with which the argument is not sent.
    pub drop_if: Option<OneOrMany<Value>>,
    /// The longest text, in characters.
    pub max_length: Option<u64>,
    /// A regular expression that the text matches.
    pub pattern: Option<String>,
    /// The most elements of a list.
    pub max_items: Option<u64>,
    /// Whether the model neither sees nor sets it; needs `const` or `from` if it is required.
    pub hide: Option<bool>,
    /// Where a hidden value comes from: `env.NAME`.
    #[schemars(
        regex(pattern = r"^env\.[A-Za-z_][A-Za-z0-9_]*$"),
        extend("title" = "`env.` and the name of a variable, such as env.TENANT")
    )]
    pub from: Option<String>,
    /// The value that is always sent.
    #[serde(default, deserialize_with = "some")]
    pub r#const: Option<Value>,
    /// Whether the argument may not be given at all; final.
    pub forbid: Option<bool>,
    /// Whether a path value may hold `/`.
    pub slash: Option<Slash>,
    /// What happens to a value beyond `min`, `max` or `max_items`.
    pub on_violation: Option<OnViolation>,
}

impl Rule {
    /// The operations that its `match` names, and what else stands there.
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        let names = self.r#match.operation.iter().flat_map(OneOrMany::iter);
        names.map(String::as_str)
    }

    /// Whether it takes its operations away.
    pub fn excludes(&self) -> bool {
        self.exclude == Some(true)
    }
}

impl ArgRule {
    /// Whether the model neither sees nor sets the argument.
    pub fn hides(&self) -> bool {
        self.hide == Some(true)
    }

    /// Whether the argument may not be given at all.
    pub fn forbids(&self) -> bool {
        self.forbid == Some(true)
    }
}

/// A value that is there, even if it is null.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Whether a path value may hold `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slash {
    /// It is sent as `%2F`; dot segments stay refused.
    Encode,
}

/// What happens to a value beyond a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnViolation {
    /// Reads clamp, writes reject.
    Auto,
    /// The nearest value within the bounds is used, and the model is told.
    Clamp,
    /// The call is refused.
    Reject,
}

/// What an operation does to the world.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectRule {
    /// The effect.
    pub r#as: EffectWord,
    /// Why, if it is lower than the method's own: it stands in the plan.
    pub because: Option<String>,
}

/// The effects that a rule can enable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Enable {
    /// Reads, where `defaults.effect` is `none`.
    Read,
    /// Writes.
    Write,
    /// Writes and deletes.
    Destroy,
}

impl From<Enable> for Effect {
    fn from(enable: Enable) -> Self {
        match enable {
            Enable::Read => Self::Read,
            Enable::Write => Self::Write,
            Enable::Destroy => Self::Destroy,
        }
    }
}

/// A header with a new key for each call.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyKey {
    /// The header's name.
    #[schemars(
        regex(pattern = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
        extend("title" = "the name of a header, such as Idempotency-Key")
    )]
    pub header: String,
}

/// What the model sees of a response.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseRule {
    /// The most text.
    pub max_bytes: Option<Size>,
    /// The most elements of a list.
    #[schemars(range(min = 1))]
    pub max_items: Option<u64>,
    /// JSON Pointers of what is kept; `*` stands for any key or index.
    #[serde(default)]
    pub select: Vec<String>,
    /// JSON Pointers of what is taken away; `*` stands for any key or index.
    #[serde(default)]
    pub drop: Vec<String>,
}
