//! What a rule says of a relation: its columns and its rows.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::diag::escape;

/// The columns of a relation that are shown, and how.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The columns that there are for callers; all if it is missing.
    #[schemars(extend("minItems" = 1))]
    pub allow: Option<Vec<String>>,
    /// What is shown in place of a column's values. Such a column is not filtered or sorted by.
    #[serde(default)]
    pub mask: IndexMap<String, MaskRule>,
}

/// What is shown in place of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaskRule {
    /// Null.
    Null,
    /// A text.
    Constant(String),
    /// Its first character, and of an address the domain.
    Partial,
    /// Its last four characters.
    Last4,
    /// A keyed hash.
    Hash,
}

impl<'de> Deserialize<'de> for MaskRule {
    /// The schema knows all that there is: what is no other word is null.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match value.as_str() {
            Some("constant") => Self::Constant("***".to_owned()),
            Some("partial") => Self::Partial,
            Some("last4") => Self::Last4,
            Some("hash") => Self::Hash,
            _ => match value.get("constant").and_then(Value::as_str) {
                Some(text) => Self::Constant(text.to_owned()),
                None => Self::Null,
            },
        })
    }
}

impl JsonSchema for MaskRule {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MaskRule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let title = "`null`, `constant`, `partial`, `last4`, `hash`, or {constant: a text}";
        json_schema!({
            "title": title,
            "anyOf": [
                {"title": title, "enum": [null, "null", "constant", "partial", "last4", "hash"]},
                {
                    "title": title,
                    "type": "object",
                    "properties": {"constant": {"type": "string", "maxLength": 200}},
                    "required": ["constant"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// The rows that there are for callers: all of this holds for them. A column stands for a comparison of
/// it; `and`, `or` and `not` are for whole conditions.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(extend("minProperties" = 1))]
pub struct Rows {
    /// All of these hold.
    #[schemars(extend("minItems" = 1))]
    pub and: Option<Vec<Rows>>,
    /// One of these holds.
    #[schemars(extend("minItems" = 1))]
    pub or: Option<Vec<Rows>>,
    /// This does not hold.
    pub not: Option<Box<Rows>>,
    /// By column.
    #[serde(flatten)]
    pub columns: IndexMap<String, Compared>,
}

impl Rows {
    /// The values that columns are compared with, each with the pointer from here to it.
    pub fn operands(&self) -> Vec<(String, &Operand)> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found
    }

    fn collect<'r>(&'r self, at: &str, found: &mut Vec<(String, &'r Operand)>) {
        for (key, list) in [("and", &self.and), ("or", &self.or)] {
            for (index, rows) in list.iter().flatten().enumerate() {
                rows.collect(&format!("{at}/{key}/{index}"), found);
            }
        }
        if let Some(not) = &self.not {
            not.collect(&format!("{at}/not"), found);
        }
        for (name, compared) in &self.columns {
            let name = escape(name);
            let operands = compared.operands();
            found.extend(operands.map(|(key, operand)| (format!("{at}/{name}/{key}"), operand)));
        }
    }
}

/// Not derived: what is flattened goes through a buffer that has no integers of over 64 bits, and columns
/// have.
impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Rows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("conditions by column")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
                let mut rows = Rows::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "and" => rows.and = map.next_value()?,
                        "or" => rows.or = map.next_value()?,
                        "not" => rows.not = map.next_value()?,
                        _ => {
                            rows.columns.insert(key, map.next_value()?);
                        }
                    }
                }
                Ok(rows)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// What a column is compared with; all of it holds. A text `env.NAME` is the value of an environment
/// variable, and `{const: …}` a text as it stands.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Compared {
    /// It is equal.
    pub eq: Option<Operand>,
    /// It is not equal.
    pub ne: Option<Operand>,
    /// It is one of these.
    #[schemars(extend("minItems" = 1))]
    pub r#in: Option<Vec<Operand>>,
    /// It is less.
    pub lt: Option<Operand>,
    /// It is less or equal.
    pub lte: Option<Operand>,
    /// It is greater.
    pub gt: Option<Operand>,
    /// It is greater or equal.
    pub gte: Option<Operand>,
    /// It is null, or is not.
    pub is_null: Option<bool>,
    /// It begins with this text.
    pub like_prefix: Option<Operand>,
}

impl Compared {
    /// The values that the column is compared with, each with the keys that lead to it.
    pub fn operands(&self) -> impl Iterator<Item = (String, &Operand)> {
        let one = [
            ("eq", &self.eq),
            ("ne", &self.ne),
            ("lt", &self.lt),
            ("lte", &self.lte),
            ("gt", &self.gt),
            ("gte", &self.gte),
            ("like_prefix", &self.like_prefix),
        ];
        let one = one.into_iter();
        let one = one.filter_map(|(key, operand)| Some((key.to_owned(), operand.as_ref()?)));
        let many = self.r#in.iter().flatten().enumerate();
        one.chain(many.map(|(index, operand)| (format!("in/{index}"), operand)))
    }
}

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// This one.
    Const(Value),
    /// That of an environment variable.
    Env(String),
    /// That of an expression, which is not read yet.
    Expression(String),
}

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Some(text) = value.as_str() {
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if let Some(variable) = text.strip_prefix("env.")
                && !variable.is_empty()
                && variable.chars().all(name)
            {
                return Ok(Self::Env(variable.to_owned()));
            }
            if text == "now" || text.starts_with("caller.") {
                return Ok(Self::Expression(text.to_owned()));
            }
        }
        Ok(match value {
            Value::Object(mut object) => Self::Const(object.remove("const").unwrap_or_default()),
            value => Self::Const(value),
        })
    }
}

impl JsonSchema for Operand {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Operand".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let plain = json_schema!({"type": ["string", "number", "boolean"]});
        json_schema!({
            "title": "a value, `env.NAME`, or {const: a value}",
            "anyOf": [
                plain,
                {
                    "type": "object",
                    "properties": {"const": plain},
                    "required": ["const"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
