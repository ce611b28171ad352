//! What was read of a database's catalogue: enough to compile from without the database.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// A database's catalogue, as one role sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Version of this format; the key by which a snapshot is told from other JSON.
    pub mcpgen_snapshot: u32,
    /// `server_version_num`: 150_004 for 15.4.
    pub server_version: u32,
    /// The database's name.
    pub database: String,
    /// What is said of the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The role that looked.
    pub role: Role,
    /// The schemas that were asked for.
    pub schemas: Vec<String>,
    /// The types of columns and what these are made of, by qualified name (see [`TypeName`]).
    pub types: IndexMap<TypeName, Type>,
    /// Relations in those schemas, by schema and name.
    pub relations: Vec<Relation>,
    /// Functions in those schemas that are no part of an extension, by schema, name and arguments.
    pub functions: Vec<Function>,
}

impl Snapshot {
    /// The version of the format that this code writes and reads.
    pub const VERSION: u32 = 1;

    /// The snapshot as a file: JSON, which is the same for the same catalogue.
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        text + "\n"
    }
}

/// Schema and name of a type, quoted where SQL would: `pg_catalog.int4`, `public."My Type"`.
pub type TypeName = String;

/// A role, with what it may do as itself or as a role that it inherits from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether it may do everything.
    #[serde(default, skip_serializing_if = "is_false")]
    pub superuser: bool,
    /// Whether row security does not hold for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bypass_rls: bool,
    /// Roles with more power that it is a member of: superusers, those that bypass row security, owners.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub member_of: Vec<String>,
    /// Schemas in which it may create objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub creates_in: Vec<String>,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Type {
    /// Its schema.
    pub schema: String,
    /// Its name in `pg_type`.
    pub name: String,
    /// What it is.
    pub kind: TypeKind,
    /// `typcategory`: `N` numbers, `S` strings, `D` dates and times, …
    pub category: String,
    /// The schema of the operators of its default B-tree operator class; `None`: it has none, so that its
    /// values are neither compared nor sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<String>,
    /// The extension that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    /// One of its own.
    Base,
    /// A domain.
    Domain {
        /// The type that it is over, which is no domain.
        base: TypeName,
        /// Whether it has no null.
        not_null: bool,
    },
    /// An enumeration.
    Enum {
        /// Its labels, in order.
        labels: Vec<String>,
    },
    /// A row type.
    Composite {
        /// Name and type of each attribute.
        attributes: IndexMap<String, TypeName>,
    },
    /// A list, of any number of dimensions.
    Array {
        /// The elements' type.
        element: TypeName,
    },
    /// A range.
    Range {
        /// The bounds' type.
        subtype: TypeName,
    },
    /// A set of ranges.
    Multirange {
        /// The ranges' type.
        range: TypeName,
    },
}

/// A relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "they are the catalogue's own, and independent"
)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// What is said of it (`COMMENT ON`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Its columns, in order, those that the role may not read among them.
    pub columns: Vec<Column>,
    /// The columns of the primary key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// The columns of each other unique constraint or index that holds for all rows and is never null.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<String>>,
    /// Foreign keys, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// The leading columns of each index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// Rows, as the planner estimates them; `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u64>,
    /// Schema and name of the partitioned table that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<(String, String)>,
    /// Whether row security is on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub row_security: bool,
    /// Names of its policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Whether a view reads with the rights of who reads it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub security_invoker: bool,
    /// The relations that a view reads, by schema and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<(String, String)>,
    /// Whether the role owns it, or is a member of the role that does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub owned: bool,
    /// Whether the role may insert, update, delete or truncate, be it one column.
    #[serde(default, skip_serializing_if = "is_false")]
    pub writable: bool,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// A table.
    Table,
    /// A table whose rows are in its partitions.
    PartitionedTable,
    /// A view.
    View,
    /// A materialised view.
    MaterializedView,
    /// A table somewhere else.
    ForeignTable,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub r#type: TypeName,
    /// Its type as it was declared: `character varying(40)`.
    pub declared: String,
    /// Whether it has no null.
    #[serde(default, skip_serializing_if = "is_false")]
    pub not_null: bool,
    /// Whether the role may read it.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub readable: bool,
    /// Whether PostgreSQL makes its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// The expression of its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What is said of it (`COMMENT ON`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// How PostgreSQL makes a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generated {
    /// `GENERATED ALWAYS AS IDENTITY`.
    IdentityAlways,
    /// `GENERATED BY DEFAULT AS IDENTITY`.
    IdentityByDefault,
    /// `GENERATED ALWAYS AS (…) STORED`.
    Stored,
    /// `GENERATED ALWAYS AS (…) VIRTUAL` (PostgreSQL 18).
    Virtual,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The schema of the table that it refers to.
    pub schema: String,
    /// That table.
    pub table: String,
    /// The columns that it refers to, in the order of its own.
    pub references: Vec<String>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its access method: `btree`, `gin`, …
    pub method: String,
    /// Its columns, up to the first that is an expression.
    pub columns: Vec<String>,
    /// Whether it is unique.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Whether it has a part of the rows only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partial: bool,
}

/// A function or procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its arguments as PostgreSQL writes them (`pg_get_function_arguments`).
    pub arguments: String,
    /// What it gives, as PostgreSQL writes it; `None` for a procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// How its result depends on what is around it.
    pub volatility: Volatility,
    /// Whether it runs with the rights of its owner.
    #[serde(default, skip_serializing_if = "is_false")]
    pub security_definer: bool,
    /// Whether it sets its own `search_path`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub search_path: bool,
    /// Whether the role may execute it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
    /// What is said of it (`COMMENT ON`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// How a function's result depends on what is around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    /// On its arguments alone.
    Immutable,
    /// On the database, too.
    Stable,
    /// It may change the database.
    Volatile,
}

fn yes() -> bool {
    true
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_true(value: &bool) -> bool {
    *value
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}
