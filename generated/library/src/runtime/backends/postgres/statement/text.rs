//! The text of a statement and the values that are bound to it.

use crate::runtime::manifest::{Column, SqlType};

/// A value that goes beside the statement's text, never in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    /// A text (`text`).
    Text(String),
    /// A list of texts (`text[]`).
    List(Vec<String>),
    /// A text that nobody is shown: what the environment gives, and keys.
    Secret(String),
}

impl Bind {
    /// The value for a person to read, as SQL would have it.
    pub fn shown(&self) -> String {
        let quoted = |text: &String| format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Text(text) => quoted(text),
            Self::List(texts) => {
                let texts: Vec<String> = texts.iter().map(quoted).collect();
                format!("ARRAY[{}]", texts.join(", "))
            }
            Self::Secret(_) => "***".to_owned(),
        }
    }
}

/// The values that a statement has so far. Equal ones are bound each for itself: a text does not depend on values.
#[derive(Debug, Default)]
pub(super) struct Binds(Vec<Bind>);

impl Binds {
    /// The place of a value in the statement: `$1::pg_catalog.text`.
    pub(super) fn add(&mut self, bind: Bind) -> String {
        let r#type = match bind {
            Bind::List(_) => "text[]",
            Bind::Text(_) | Bind::Secret(_) => "text",
        };
        self.0.push(bind);
        format!("${}::pg_catalog.{type}", self.0.len())
    }

    /// All of them, in order.
    pub(super) fn into_vec(self) -> Vec<Bind> {
        self.0
    }
}

/// An identifier of the catalogue (PostgreSQL 4.1.1): quoted always.
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name within a schema.
pub(super) fn qualified(schema: &str, name: &str) -> String {
    match schema {
        "pg_catalog" => format!("pg_catalog.{}", ident(name)),
        _ => format!("{}.{}", ident(schema), ident(name)),
    }
}

/// An operator, wherever the search path leads.
pub(super) fn operator(schema: &str, symbol: &str) -> String {
    match schema {
        "pg_catalog" => format!("OPERATOR(pg_catalog.{symbol})"),
        _ => format!("OPERATOR({}.{symbol})", ident(schema)),
    }
}

/// `text` as a value of the type.
pub(super) fn cast(text: &str, r#type: &SqlType) -> String {
    if r#type.schema == "pg_catalog" && r#type.name == "text" {
        return text.to_owned();
    }
    format!("{text}::{}", qualified(&r#type.schema, &r#type.name))
}

/// The same for a list of texts and a list of the type.
pub(super) fn cast_list(list: &str, r#type: &SqlType) -> String {
    if r#type.schema == "pg_catalog" && r#type.name == "text" {
        return list.to_owned();
    }
    format!("{list}::{}[]", qualified(&r#type.schema, &r#type.name))
}

/// The own name of a column that callers have this name for.
pub(super) fn own<'a>(name: &'a str, column: &'a Column) -> &'a str {
    column.column.as_deref().unwrap_or(name)
}

/// Whether a name can stand for a column of a result: PostgreSQL cuts longer ones.
pub(super) fn is_alias(name: &str) -> bool {
    (1..=63).contains(&name.len()) && !name.contains('\0')
}
