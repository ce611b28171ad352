//! What a keyword of the format's schema expects, in words.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// What a keyword without a title expects.
pub(super) fn of(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::MinItems { .. } => "a list that is not empty".to_owned(),
        Kind::MinProperties { .. } => "at least one key".to_owned(),
        Kind::MaxProperties { limit: 1 } => "one key only".to_owned(),
        Kind::Pattern { pattern } => format!("a text that matches {pattern}"),
        _ => Alternatives::of(error).to_string(),
    }
}

/// What a value may be: words, and kinds of values.
#[derive(Default)]
pub(super) struct Alternatives {
    words: Vec<String>,
    kinds: Vec<&'static str>,
}

impl Alternatives {
    pub(super) fn of(error: &ValidationError<'_>) -> Self {
        let mut all = Self::default();
        all.collect(error);
        all
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    fn kind(&mut self, name: &str) {
        let kind = type_name(name);
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    fn collect(&mut self, error: &ValidationError<'_>) {
        match error.kind() {
            Kind::Type { kind } => match kind {
                TypeKind::Single(one) => self.kind(one.as_str()),
                TypeKind::Multiple(many) => many.iter().for_each(|t| self.kind(t.as_str())),
            },
            Kind::Enum { options } => {
                let options = options.as_array().into_iter().flatten();
                self.words.extend(options.map(word));
            }
            Kind::Constant { expected_value } => self.words.push(word(expected_value)),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                context
                    .iter()
                    .flatten()
                    .for_each(|error| self.collect(error));
            }
            _ => {}
        }
    }
}

impl std::fmt::Display for Alternatives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| format!("`{word}`")).collect();
        let words = match words.split_last() {
            None => None,
            Some((last, [])) => Some(last.clone()),
            Some((last, others)) => Some(format!("one of {} and {last}", others.join(", "))),
        };
        let kinds = self.kinds.iter().map(|kind| (*kind).to_owned());
        let all: Vec<String> = words.into_iter().chain(kinds).collect();
        f.write_str(&all.join(" or "))
    }
}

/// A value as it is written.
fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn type_name(name: &str) -> &'static str {
    match name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        "object" => "a mapping",
        _ => "nothing",
    }
}
