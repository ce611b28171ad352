//! A read of a relation, as data: what a statement may show, filter, sort and join, and the rows and
//! columns that a policy leaves of it. Every name in it is the catalogue's.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_default;

/// Where a database is, and how it is talked to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// What holds the connection string: the name of an environment variable, or `file:` and a path.
    pub dsn: String,
    /// The role that every transaction takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Most milliseconds of one statement (`statement_timeout`).
    pub statement_timeout_ms: u64,
    /// Most connections at the same time.
    pub connections: u32,
    /// Why a role that may do more than read is accepted all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<Posture>,
}

/// A role that may do more than read, accepted by the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posture {
    /// The most that it may be.
    pub accept: RoleKind,
    /// Why.
    pub because: String,
}

/// What a role may do beyond reading; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleKind {
    /// It may write to something that is served, or create objects beside it.
    Writer,
    /// It owns something that is served.
    Owner,
    /// Row security does not hold for it (`BYPASSRLS`).
    BypassRls,
    /// It may do everything.
    Superuser,
}

impl RoleKind {
    /// The word used in a policy and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Owner => "owner",
            Self::BypassRls => "bypass_rls",
            Self::Superuser => "superuser",
        }
    }
}

/// A read of one relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlAction {
    /// What is read of it.
    pub read: Read,
    /// What is read.
    pub relation: Arc<Relation>,
    /// Other relations that a row may be shown with, by the name that `include` has for them.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub include: IndexMap<String, Include>,
    /// Most milliseconds of the statement, if it is less than the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_timeout_ms: Option<u64>,
    /// Most bytes of one value; a longer one is cut (texts) or left out (all else), and said to be.
    pub cell_bytes: u64,
    /// Most bytes of all rows as JSON text; those beyond are not sent.
    pub result_bytes: u64,
}

impl SqlAction {
    /// The environment variables that its rows depend on.
    pub fn variables(&self) -> Vec<&str> {
        let included = self.include.values().map(|include| &include.relation);
        let relations = std::iter::once(&self.relation).chain(included);
        let mut found = Vec::new();
        for condition in relations.flat_map(|relation| &relation.rows) {
            condition.variables(&mut found);
        }
        found
    }
}

/// What is read of a relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// The rows that a filter leaves, a page at a time. Arguments: `filter`, `fields`, `sort`, `limit`,
    /// `cursor`, `include`.
    Find {
        /// What makes the order of rows total: the columns of the primary key, by their own names.
        /// Empty: there is no second page.
        key: Vec<KeyColumn>,
        /// The key of `filter` under which alternatives stand.
        any: String,
        /// Rows of a page if no `limit` is given.
        rows: u32,
        /// Most rows of a page.
        max_rows: u32,
    },
    /// One row. Arguments: the columns of a key, `fields`, `include`.
    Get {
        /// The keys, each as the names that callers have for its columns.
        keys: Vec<Vec<String>>,
    },
}

impl Read {
    /// `find` or `get`.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Find { .. } => "find",
            Self::Get { .. } => "get",
        }
    }
}

/// A column that rows are told apart by, shown or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyColumn {
    /// Its own name.
    pub column: String,
    /// Its type.
    pub r#type: SqlType,
}

/// A table, view or materialised view, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The columns that are shown, in order, by the names that callers have for them.
    pub columns: IndexMap<String, Column>,
    /// The rows that there are for callers: all of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Condition>,
}

/// A column that is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its own name, if callers have another for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Its type.
    pub r#type: SqlType,
    /// Whether it may be null.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nullable: bool,
    /// What is shown in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Mask>,
    /// What it can be compared by; nothing: it cannot be filtered by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<Comparison>,
    /// Whether rows can be sorted by it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sort: bool,
}

/// The type of a column: how text becomes a value of it, and a value JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlType {
    /// The schema that it is in; that of a domain's base type.
    #[serde(default = "pg_catalog", skip_serializing_if = "is_pg_catalog")]
    pub schema: String,
    /// Its name in `pg_type`; that of a domain's base type. Array types begin with `_`.
    pub name: String,
    /// The schema of the operators that compare values of it.
    #[serde(default = "pg_catalog", skip_serializing_if = "is_pg_catalog")]
    pub operators: String,
    /// How a value becomes JSON.
    #[serde(default, skip_serializing_if = "is_default")]
    pub form: Form,
}

fn pg_catalog() -> String {
    "pg_catalog".to_owned()
}

fn is_pg_catalog(schema: &str) -> bool {
    schema == "pg_catalog"
}

/// How a value becomes JSON, so that nothing of it is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As `to_json` writes it: booleans, small integers, floating point (`"NaN"`), texts, dates, JSON.
    #[default]
    Json,
    /// A text that may be cut: its beginning stays.
    Text,
    /// The text that PostgreSQL writes: what JSON numbers of clients cannot hold, and all that JSON has
    /// nothing for.
    String,
    /// Base64 (RFC 4648 §4).
    Base64,
    /// A list, an element each.
    List(Box<Form>),
    /// `{"lower": …, "upper": …, "bounds": "[)"}`, or `{"empty": true}`.
    Range(Box<Form>),
    /// A list of ranges.
    Multirange(Box<Form>),
    /// An object, by the attributes' own names.
    Composite(IndexMap<String, Form>),
    /// How long it is and not what it is: `"<vector>"`.
    Elided,
}

/// What a column can be compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal; null is not equal to anything.
    Ne,
    /// One of a list.
    In,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Null (true) or not null (false).
    IsNull,
    /// A text that begins with it.
    StartsWith,
    /// A text that it is somewhere in.
    Contains,
    /// A list with this element.
    Has,
    /// A list with one of these elements.
    HasAny,
    /// A range with this element.
    ContainsElement,
    /// A range that shares an element with this one.
    Overlaps,
    /// A `tsvector` that a web search finds (`websearch_to_tsquery`).
    Matches,
}

impl Comparison {
    /// The key that a filter has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::In => "in",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::IsNull => "is_null",
            Self::StartsWith => "starts_with",
            Self::Contains | Self::ContainsElement => "contains",
            Self::Has => "has",
            Self::HasAny => "has_any",
            Self::Overlaps => "overlaps",
            Self::Matches => "matches",
        }
    }
}

/// What is shown in place of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// Null.
    Null,
    /// This text.
    Constant(String),
    /// Its first character and `***`; of an address the domain, too.
    Partial,
    /// `***` and its last four characters, of at least eight.
    Last4,
    /// A keyed hash: the same for the same value, and nothing else.
    Hash,
}

/// A condition on rows that no caller sees or sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "most of them are comparisons")]
pub enum Condition {
    /// All hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
    /// It does not hold, or is unknown.
    Not(Box<Condition>),
    /// A column compared with a value.
    Compare {
        /// The column's own name.
        column: String,
        /// Its type.
        r#type: SqlType,
        /// How.
        by: Comparison,
        /// With what.
        to: Operand,
    },
}

impl Condition {
    fn variables<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::And(all) | Self::Or(all) => {
                for condition in all {
                    condition.variables(found);
                }
            }
            Self::Not(condition) => condition.variables(found),
            Self::Compare { to, .. } => {
                if let Operand::Env(name) = to {
                    found.push(name);
                }
            }
        }
    }
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// This value; a list for `in`.
    Const(Value),
    /// The text of an environment variable, read when the server starts.
    Env(String),
}

/// Another relation that a row is shown with: one level deep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Include {
    /// The relation, with its own columns, masks and rows.
    pub relation: Arc<Relation>,
    /// Which columns are equal: those of the row, and those of the relation.
    pub on: Vec<Join>,
    /// Most rows of it; `None`: there is one at most, and it is shown as an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<Many>,
}

/// Rows of the other side of a foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Many {
    /// Most rows of it, for each row.
    pub max_rows: u32,
    /// What they are sorted by: columns by their own names.
    pub key: Vec<String>,
}

/// Two columns that are equal, by their own names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The row's.
    pub own: String,
    /// The other relation's.
    pub other: String,
    /// The schema of the operator that compares them.
    #[serde(default = "pg_catalog", skip_serializing_if = "is_pg_catalog")]
    pub operators: String,
}
