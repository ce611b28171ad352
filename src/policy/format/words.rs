//! The small words of the file: durations, sizes, rates, networks, references to secrets.
//!
//! A word's schema has a `title` that says what is expected ("a duration such as …"): messages
//! and editors both show it. Its pattern is exact, so a text that matches it can be read.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::Path;
use std::time;

use jsonschema::ValidationOptions;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{Failure, Version};
use crate::diag::Loc;
use crate::runtime::manifest::Effect;

/// What an operation does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectWord {
    /// Changes nothing.
    Read,
    /// Creates or changes.
    Write,
    /// Deletes.
    Destroy,
}

impl From<EffectWord> for Effect {
    fn from(word: EffectWord) -> Self {
        match word {
            EffectWord::Read => Self::Read,
            EffectWord::Write => Self::Write,
            EffectWord::Destroy => Self::Destroy,
        }
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// A list.
    Many(Vec<T>),
    /// One value.
    One(T),
}

impl<T> OneOrMany<T> {
    /// The values.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::One(value) => std::slice::from_ref(value).iter(),
            Self::Many(values) => values.iter(),
        }
    }

    /// The values, each with its place.
    pub fn placed<'a>(&'a self, at: &'a Loc) -> impl Iterator<Item = (Loc, &'a T)> {
        self.iter().enumerate().map(move |(index, value)| {
            let loc = match self {
                Self::One(_) => at.clone(),
                Self::Many(_) => at.child(&index.to_string()),
            };
            (loc, value)
        })
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({
            "title": "one value or a list of them",
            "anyOf": [one, {"type": "array", "items": one, "minItems": 1}],
        })
    }
}

/// Makes a word of a type that is written as text: its schema. What a pattern cannot say of it (a
/// least or a greatest) is checked as the format of that name.
macro_rules! word {
    ($type:ty, $title:literal, $pattern:literal) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "title": $title,
                    "pattern": $pattern,
                    "format": concat!("mcpgen-", stringify!($type)),
                })
            }
        }
    };
}

/// A validator's options, with what the words of the file are.
pub fn checked(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    fn is<T: TryFrom<String>>(text: &str) -> bool {
        T::try_from(text.to_owned()).is_ok()
    }
    options
        .should_validate_formats(true)
        .with_format("mcpgen-Duration", is::<Duration>)
        .with_format("mcpgen-Size", is::<Size>)
        .with_format("mcpgen-PerTime", is::<PerTime>)
        .with_format("mcpgen-Cidr", is::<Cidr>)
        .with_format("mcpgen-Secret", is::<Secret>)
}

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub struct Duration(pub time::Duration);

word!(
    Duration,
    "a duration from 1ms to 60m, such as 500ms, 30s or 2m",
    "^[0-9]{1,7}(ms|s|m)$"
);

impl Duration {
    /// In milliseconds.
    pub fn millis(self) -> u64 {
        millis(self.0)
    }
}

/// A time in milliseconds, as a Manifest has it.
pub fn millis(time: time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl TryFrom<String> for Duration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        duration(&text).map(Self)
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.as_millis();
        match millis {
            _ if !millis.is_multiple_of(1_000) => write!(f, "{millis}ms"),
            _ if millis.is_multiple_of(60_000) => write!(f, "{}m", millis / 60_000),
            _ => write!(f, "{}s", millis / 1_000),
        }
    }
}

/// Reads `500ms`, `30s`, `2m`; between a millisecond and an hour.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn duration(text: &str) -> Result<time::Duration, String> {
    let (number, unit) = number(text);
    let wrong = || format!("`{text}` is not a duration; write 500ms, 30s or 2m");
    let number = number.ok_or_else(wrong)?;
    let duration = match unit {
        "ms" => time::Duration::from_millis(number),
        "s" => time::Duration::from_secs(number),
        "m" => time::Duration::from_secs(number.checked_mul(60).ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    if duration.is_zero() || duration > time::Duration::from_hours(1) {
        return Err("it must be between 1ms and 60m".into());
    }
    Ok(duration)
}

/// The number that a text begins with, and what follows it.
fn number(text: &str) -> (Option<u64>, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits.parse().ok(), unit)
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Size(pub u64);

word!(
    Size,
    "a size from 1B to 1024MiB, such as 64KiB",
    "^[0-9]{1,7}(B|KiB|MiB)$"
);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (number, unit) = number(&text);
        let scale = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => 0,
        };
        let bytes = number.and_then(|number| number.checked_mul(scale));
        match bytes.filter(|bytes| (1..=1 << 30).contains(bytes)) {
            Some(bytes) => Ok(Self(bytes)),
            None => Err("it must be between 1B and 1024MiB".into()),
        }
    }
}

/// How often something may happen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How often.
    pub limit: PerTime,
    /// How many may come at once; as many as `limit` names if it is missing.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: Option<u32>,
}

impl From<&Rate> for crate::runtime::manifest::Rate {
    fn from(rate: &Rate) -> Self {
        let PerTime { count, period } = rate.limit;
        Self {
            count,
            period_ms: millis(period),
            burst: rate.burst.unwrap_or(count),
        }
    }
}

/// A number of times in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PerTime {
    /// How many times.
    pub count: u32,
    /// The time.
    pub period: time::Duration,
}

word!(
    PerTime,
    "a rate such as 120/min (or /s, /h, /day)",
    "^[0-9]{1,7}/(s|min|h|day)$"
);

impl TryFrom<String> for PerTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (number, unit) = number(&text);
        let seconds = match unit {
            "/s" => 1,
            "/min" => 60,
            "/h" => 3_600,
            _ => 86_400,
        };
        let count = number.and_then(|number| u32::try_from(number).ok());
        match count.filter(|count| *count > 0) {
            Some(count) => Ok(Self {
                count,
                period: time::Duration::from_secs(seconds),
            }),
            None => Err("it must be at least one".into()),
        }
    }
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Cidr {
    /// An address in it.
    pub address: IpAddr,
    /// How many leading bits are the network's.
    pub prefix: u8,
}

word!(
    Cidr,
    "a network such as 10.20.0.0/16",
    "^[0-9A-Fa-f.:]+/[0-9]{1,3}$"
);

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a network; write 10.20.0.0/16");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= most);
        prefix
            .map(|prefix| Self { address, prefix })
            .ok_or_else(wrong)
    }
}

/// Where a secret is: an environment variable or a file, read when the server starts.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Secret {
    /// An environment variable.
    Env(String),
    /// A file, whose text without the line feed at its end is meant.
    File(String),
}

word!(
    Secret,
    "a reference to a secret: ${env:NAME} or ${file:PATH}",
    r"^\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^{}]+)\}$"
);

impl Secret {
    /// Where the server reads it: the name of an environment variable, or `file:` and a path, which
    /// starts from `folder` if it is relative.
    pub fn reference(&self, folder: &Path) -> String {
        match self {
            Self::Env(name) => name.clone(),
            Self::File(path) => format!(
                "file:{}",
                folder
                    .join(path.strip_prefix("./").unwrap_or(path))
                    .display()
            ),
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "${{env:{name}}}"),
            Self::File(path) => write!(f, "${{file:{path}}}"),
        }
    }
}

impl TryFrom<String> for Secret {
    type Error = &'static str;

    /// The text may be a secret that stands where a reference should: no error quotes it.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let inner = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
        match inner.and_then(|inner| inner.split_once(':')) {
            Some(("env", name)) => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) => Ok(Self::File(path.to_owned())),
            _ => Err("it is no reference to a secret"),
        }
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"const": 1, "title": "`1`, the version of the format"})
    }
}

impl<'de> Deserialize<'de> for Failure {
    /// The schema knows all that there is: what is no status is `connect`.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
        Ok(status.map_or(Self::Connect, Self::Status))
    }
}

impl JsonSchema for Failure {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Failure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "`connect` or one of 408, 425, 429, 500, 502, 503 and 504",
            "enum": ["connect", 408, 425, 429, 500, 502, 503, 504],
        })
    }
}

#[cfg(test)]
mod tests;
