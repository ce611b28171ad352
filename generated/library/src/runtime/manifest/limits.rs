//! What calls may cost, and what is passed on of an answer.

use serde::{Deserialize, Serialize};

/// What calls of one tool may cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// One deadline for a whole call, queueing and repetitions included, in milliseconds; the
    /// source's if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The most calls that run at the same time; others wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// How often it may be called: all of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate: Vec<Rate>,
}

/// How often something may happen: `burst` times at once, and `count` times in each period after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many times a period.
    pub count: u32,
    /// The period, in milliseconds.
    pub period_ms: u64,
    /// How many times at once.
    pub burst: u32,
}

/// Which failures are tried again, within the deadline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// The most attempts after the first.
    pub max: u32,
    /// Whether a connection that does not come about is tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub connect: bool,
    /// The statuses of answers that are not taken for the last word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<u16>,
}

/// What is passed on of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// JSON Pointers of what is kept, if not everything; the token `*` stands for any key or index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// JSON Pointers of what is taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// The most elements of any list in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// The most bytes, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// Which redirects of an upstream are followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// Those of a GET or HEAD that stay at their origin.
    #[default]
    SameOrigin,
    /// None.
    None,
}
