//! The types of a snapshot: what a value of each is as JSON.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::snapshot::{Snapshot, Type, TypeKind, TypeName};
use super::column::Schemas;
use crate::runtime::manifest::{Form, SqlType};

/// Levels of types in types that are followed; real ones have three or four.
const DEPTH: usize = 16;
/// Types in a type that are followed: a row of rows of rows can have any number.
const PARTS: usize = 2_000;

/// What a type comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// True or false.
    Bool,
    /// A whole number within these bounds, all of which JSON numbers of clients hold.
    Int(i64, i64),
    /// A whole number of 64 bits.
    Big,
    /// A number of any length.
    Numeric,
    /// A floating-point number.
    Float,
    /// A text; whether patterns are for it, too.
    Text(bool),
    /// A UUID.
    Uuid,
    /// A date.
    Date,
    /// A date and a time; whether with a zone.
    Timestamp(bool),
    /// A time of day; whether with a zone.
    Time(bool),
    /// A length of time.
    Interval,
    /// A network address, and what its text may have.
    Address(&'static str),
    /// Bits.
    Bits,
    /// One of some labels.
    Enum(&'a [String]),
    /// JSON.
    Json,
    /// Bytes.
    Bytes,
    /// Words to search in.
    Words,
    /// A list.
    List(&'a TypeName),
    /// A range of values of a type.
    Range(&'a TypeName),
    /// Ranges of values of a type.
    Multirange(&'a TypeName),
    /// A row.
    Composite(&'a IndexMap<String, TypeName>),
    /// Numbers of a model, of no use to a reader.
    Vector,
    /// A text that is not compared.
    Opaque,
    /// What is not known here.
    Unknown,
}

/// The types of a snapshot.
pub(super) struct Types<'a> {
    all: &'a IndexMap<TypeName, Type>,
    /// How many relations have a name.
    names: BTreeMap<&'a str, usize>,
    /// The schemas of columns that were read, by their type and whether they may be null.
    pub(super) schemas: BTreeMap<(&'a str, bool), Schemas>,
}

impl<'a> Types<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut names = BTreeMap::new();
        for relation in &snapshot.relations {
            *names.entry(relation.name.as_str()).or_default() += 1;
        }
        let all = &snapshot.types;
        Self {
            all,
            names,
            schemas: BTreeMap::new(),
        }
    }

    /// Whether several relations have a name.
    pub(super) fn is_ambiguous(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(|count| *count > 1)
    }

    /// The type itself; of a domain what it is over.
    pub(super) fn under(&self, name: &str) -> Option<&'a Type> {
        let found = self.all.get(name)?;
        match &found.kind {
            TypeKind::Domain { base, .. } => self.all.get(base),
            _ => Some(found),
        }
    }

    /// What a statement has to know of a type.
    pub(super) fn sql(&self, name: &str) -> SqlType {
        let form = self.form(name, DEPTH, &mut { PARTS });
        match self.under(name) {
            Some(found) => SqlType {
                schema: found.schema.clone(),
                name: found.name.clone(),
                operators: found
                    .operators
                    .clone()
                    .unwrap_or_else(|| "pg_catalog".to_owned()),
                form,
            },
            None => SqlType {
                schema: "pg_catalog".to_owned(),
                name: "text".to_owned(),
                operators: "pg_catalog".to_owned(),
                form: Form::String,
            },
        }
    }

    /// What a type comes down to.
    pub(super) fn kind(&self, name: &str) -> Kind<'a> {
        let Some(found) = self.under(name) else {
            return Kind::Unknown;
        };
        match &found.kind {
            TypeKind::Base => base(found),
            TypeKind::Enum { labels } => Kind::Enum(labels),
            TypeKind::Composite { attributes } => Kind::Composite(attributes),
            TypeKind::Array { element } => Kind::List(element),
            TypeKind::Range { subtype } => Kind::Range(subtype),
            TypeKind::Multirange { range } => match self.under(range).map(|range| &range.kind) {
                Some(TypeKind::Range { subtype }) => Kind::Multirange(subtype),
                _ => Kind::Unknown,
            },
            // Domains over domains are not in a snapshot that was taken.
            TypeKind::Domain { .. } => Kind::Unknown,
        }
    }

    fn form(&self, name: &str, depth: usize, parts: &mut usize) -> Form {
        let Some(below) = depth.checked_sub(1) else {
            return Form::String;
        };
        let mut inner = |name: &TypeName| Box::new(self.form(name, below, parts));
        match self.kind(name) {
            Kind::Bool
            | Kind::Int(..)
            | Kind::Float
            | Kind::Uuid
            | Kind::Date
            | Kind::Timestamp(_)
            | Kind::Time(_)
            | Kind::Interval
            | Kind::Enum(_)
            | Kind::Json => Form::Json,
            Kind::Text(_) => Form::Text,
            Kind::Big
            | Kind::Numeric
            | Kind::Address(_)
            | Kind::Bits
            | Kind::Words
            | Kind::Opaque
            | Kind::Unknown => Form::String,
            Kind::Bytes => Form::Base64,
            Kind::List(element) => Form::List(inner(element)),
            Kind::Range(bound) => Form::Range(inner(bound)),
            Kind::Multirange(bound) => Form::Multirange(inner(bound)),
            Kind::Composite(attributes) => {
                let Some(left) = parts.checked_sub(attributes.len()) else {
                    return Form::String;
                };
                *parts = left;
                let attributes = attributes.iter();
                let forms = attributes
                    .map(|(name, r#type)| (name.clone(), self.form(r#type, below, parts)));
                Form::Composite(forms.collect())
            }
            Kind::Vector => Form::Elided,
        }
    }
}

/// PostgreSQL's own types, and those of extensions that many use.
fn base(found: &Type) -> Kind<'static> {
    match (found.extension.as_deref(), found.name.as_str()) {
        (None, name) if found.schema == "pg_catalog" => own(name),
        (Some("citext"), "citext") => Kind::Text(true),
        (Some("vector"), "vector" | "halfvec" | "sparsevec") => Kind::Vector,
        (Some("ltree" | "isn"), _) => Kind::Opaque,
        _ => Kind::Unknown,
    }
}

fn own(name: &str) -> Kind<'static> {
    match name {
        "bool" => Kind::Bool,
        "int2" => Kind::Int(i64::from(i16::MIN), i64::from(i16::MAX)),
        "int4" => Kind::Int(i64::from(i32::MIN), i64::from(i32::MAX)),
        // As JSON, PostgreSQL quotes an object identifier.
        "int8" | "oid" => Kind::Big,
        "numeric" => Kind::Numeric,
        "float4" | "float8" => Kind::Float,
        "text" | "varchar" | "bpchar" | "name" => Kind::Text(true),
        "char" => Kind::Text(false),
        "uuid" => Kind::Uuid,
        "date" => Kind::Date,
        "timestamp" => Kind::Timestamp(false),
        "timestamptz" => Kind::Timestamp(true),
        "time" => Kind::Time(false),
        "timetz" => Kind::Time(true),
        "interval" => Kind::Interval,
        "inet" | "cidr" => Kind::Address("^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$"),
        "macaddr" | "macaddr8" => Kind::Address("^[0-9a-fA-F:.-]{12,23}$"),
        "bit" | "varbit" => Kind::Bits,
        "json" | "jsonb" => Kind::Json,
        "bytea" => Kind::Bytes,
        "tsvector" => Kind::Words,
        // How money is written depends on the server; the others are texts with a meaning.
        "money" | "xml" | "tsquery" | "pg_lsn" | "jsonpath" => Kind::Opaque,
        _ => Kind::Unknown,
    }
}
