//! Violations of the format's schema in the words of the file.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::{Map, Value};

use super::rest::Wrong;
use super::{texts, unenforced};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};

mod expected;

use crate::runtime::pointer::unescape;
use expected::Alternatives;

/// The format, as the schema has it, and what is wrong by it.
pub(super) struct Format<'a> {
    schema: &'a Value,
    found: &'a mut Diagnostics,
    /// The places of what was found.
    pub(super) wrong: Vec<Wrong>,
}

impl<'a> Format<'a> {
    pub(super) fn new(schema: &'a Value, found: &'a mut Diagnostics) -> Self {
        Self {
            schema,
            found,
            wrong: Vec::new(),
        }
    }

    /// Reports a violation.
    pub(super) fn report(&mut self, error: &ValidationError<'_>) {
        let pointer = error.instance_path().as_str();
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    let found = self.unknown_key(pointer, key, error);
                    self.wrong
                        .push(Wrong::Key(format!("{pointer}/{}", escape(key))));
                    self.found.push(found);
                }
                return;
            }
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                // Where a key of another kind of thing stands, or a misspelled one, that is the mistake.
                let other = is_other(pointer, error.instance());
                if !other && !self.is_misspelled(key, error) {
                    let found = self.missing_key(pointer, key, error);
                    self.found.push(found);
                }
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                let branch = meant(context, pointer, is_other_kind);
                // What says itself that it is one or many is judged as one.
                let of_type = || meant(context, pointer, is_other_type);
                if let Some(branch) = branch.or_else(|| self.title(error).and_then(|_| of_type())) {
                    for error in branch {
                        self.report(error);
                    }
                    return;
                }
                let found = self.wrong_value(error);
                self.found.push(found);
            }
            _ => {
                let found = self.wrong_value(error);
                self.found.push(found);
            }
        }
        self.wrong.push(Wrong::Value(pointer.to_owned()));
    }

    fn unknown_key(&self, pointer: &str, key: &str, error: &ValidationError<'_>) -> Diagnostic {
        let loc = Loc::key(format!("{pointer}/{}", escape(key)));
        if let Some(reason) = unenforced::reason(pointer, key) {
            let message = format!("`{key}` is not enforced by this version");
            let found = Diagnostic::new(Code::PolicyNotEnforced, loc, message);
            return found.help(format!("take it out: {reason}"));
        }
        let known = self.known(error);
        let message = format!("{} has no key `{}`", owner(pointer), short(key));
        let found = Diagnostic::new(Code::PolicyKey, loc, message);
        if let Some(near) = near_key(key, &known) {
            return found.help(format!("did you mean `{near}`?"));
        }
        if let Some(near) = nearest(key, unenforced::keys(pointer)) {
            return found.help(format!(
                "did you mean `{near}`? This version does not enforce it"
            ));
        }
        let there = error.instance().as_object();
        let free = |key: &&&str| !there.is_some_and(|there| there.contains_key(**key));
        let free: Vec<&str> = known.iter().filter(free).copied().collect();
        found.help(format!("keys: {}", free.join(", ")))
    }

    /// Whether a key that is missing is there, misspelled.
    fn is_misspelled(&self, missing: &str, error: &ValidationError<'_>) -> bool {
        let known = self.known(error);
        let keys = error.instance().as_object().into_iter().flat_map(Map::keys);
        keys.into_iter()
            .any(|key| !known.contains(&key.as_str()) && near_key(key, &known) == Some(missing))
    }

    /// The keys of the object that a keyword fails of.
    fn known(&self, error: &ValidationError<'_>) -> Vec<&'a str> {
        let properties = self
            .parent(error)
            .and_then(|schema| schema.get("properties"));
        let properties = properties.and_then(Value::as_object).into_iter();
        properties.flat_map(Map::keys).map(String::as_str).collect()
    }

    fn missing_key(&self, pointer: &str, key: &str, error: &ValidationError<'_>) -> Diagnostic {
        let message = format!("{} needs the key `{key}`", owner(pointer));
        let found = Diagnostic::new(Code::PolicyKey, Loc::at(pointer), message);
        match (key, self.said_of(error, key)) {
            ("version", _) => found.help("write `version: 1` at the top"),
            ("match", _) => found.help("as in `match: {operation: listOrders}`"),
            (_, Some(said)) => found.help(format!("`{key}`: {said}")),
            _ => found,
        }
    }

    fn wrong_value(&self, error: &ValidationError<'_>) -> Diagnostic {
        let pointer = error.instance_path().as_str();
        let instance = error.instance();
        let title = self.title(error).filter(|_| !pointer.is_empty());
        let loc = Loc::at(pointer);
        // A text in place of a whole credential is a secret as well.
        let credential = pointer.starts_with("/credentials/") && instance.is_string();
        if credential && title.is_none() && wants_object(error) {
            return texts::secret(loc);
        }
        if title.is_some_and(|title| title.contains("to a secret")) {
            return texts::secret(loc);
        }
        let expected = title.map_or_else(|| expected::of(error), str::to_owned);
        let message = format!("expected {expected}, found {}", shown(instance));
        let found = Diagnostic::new(Code::PolicyValue, loc, message);
        match hint(error, title) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// The schema that the failing keyword stands in.
    fn parent(&self, error: &ValidationError<'_>) -> Option<&'a Value> {
        let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(parent)
    }

    /// What the schema says it expects at the failing keyword.
    fn title(&self, error: &ValidationError<'_>) -> Option<&'a str> {
        self.parent(error)?.get("title")?.as_str()
    }

    /// What the schema says of a property of the object that a keyword fails of.
    fn said_of(&self, error: &ValidationError<'_>, property: &str) -> Option<String> {
        let schema = self.parent(error)?.get("properties")?.get(property)?;
        let said = |key: &str| schema.get(key).and_then(Value::as_str);
        let said = said("title").or_else(|| said("description"))?;
        let line = said.lines().next()?.trim_end_matches('.');
        let first = line.chars().next()?;
        let rest = line.get(first.len_utf8()..)?;
        // A name keeps its capitals.
        let word = rest.split(' ').next().unwrap_or_default();
        let named = word.contains(char::is_uppercase);
        let first = if named {
            first
        } else {
            first.to_ascii_lowercase()
        };
        Some(format!("{first}{rest}"))
    }
}

/// Whether a mapping has keys that say it is something that this version does not have.
fn is_other(pointer: &str, instance: &Value) -> bool {
    let keys = instance.as_object().into_iter().flat_map(Map::keys);
    keys.into_iter()
        .any(|key| unenforced::reason(pointer, key).is_some())
}

/// The key that was meant: a misspelling, or the word of JSON Schema for it.
fn near_key<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let begins = |known: &&&str| known.len() > 2 && key.starts_with(**known);
    let near = nearest(key, known.iter().copied());
    near.or_else(|| known.iter().find(begins).copied())
}

/// Of alternatives, the one that the value was meant to be: the only one that it is not another for.
fn meant<'e>(
    context: &'e [Vec<ValidationError<'static>>],
    pointer: &str,
    is_other: fn(&ValidationError<'_>, &str) -> bool,
) -> Option<&'e [ValidationError<'static>]> {
    let mut fitting = context
        .iter()
        .filter(|errors| !errors.iter().any(|error| is_other(error, pointer)));
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only.as_slice())
}

/// Whether an alternative fails because the value is of another type than it wants.
fn is_other_type(error: &ValidationError<'_>, pointer: &str) -> bool {
    error.instance_path().as_str() == pointer && matches!(error.kind(), Kind::Type { .. })
}

/// Whether an alternative fails because the value is of another kind than it wants.
fn is_other_kind(error: &ValidationError<'_>, pointer: &str) -> bool {
    let here = error.instance_path().as_str() == pointer;
    here && match error.kind() {
        Kind::Type { .. } | Kind::Enum { .. } | Kind::Constant { .. } => true,
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => context
            .iter()
            .all(|errors| errors.iter().any(|error| is_other_kind(error, pointer))),
        _ => false,
    }
}

fn wants_object(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Type { kind: TypeKind::Single(t) } if t.as_str() == "object")
}

/// What a pointer leads to, in words.
fn owner(pointer: &str) -> String {
    let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
    let last = tokens.last().copied().unwrap_or_default();
    match tokens.as_slice() {
        [] => "a policy".to_owned(),
        ["rules", _] => "a rule".to_owned(),
        ["rules", _, "args", _] => "the rule of an argument".to_owned(),
        ["sources", _] => "a source".to_owned(),
        ["credentials", _] => "a credential".to_owned(),
        ["tests", _] => "a test".to_owned(),
        [.., key, index] if index.bytes().all(|b| b.is_ascii_digit()) => {
            format!("an entry of `{key}`")
        }
        _ => format!("`{}`", unescape(last)),
    }
}

/// A value in a message: what kind it is, and short ones as they are.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(object) if object.is_empty() => "an empty mapping".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) => format!("the text `{}`", short(text)),
        Value::Bool(_) | Value::Number(_) => format!("`{}`", short(&value.to_string())),
    }
}

/// What people write who mean something else.
fn hint(error: &ValidationError<'_>, title: Option<&str>) -> Option<String> {
    let instance = error.instance().as_ref();
    let wanted = match error.kind() {
        Kind::Type {
            kind: TypeKind::Single(kind),
        } => kind.as_str(),
        _ => "",
    };
    let key = error.instance_path().as_str();
    let of_argument = key.starts_with("/rules/") && key.split('/').rev().nth(1) == Some("args");
    match (wanted, instance) {
        ("object", Value::String(_)) if key.ends_with("/match") => {
            Some("as in `match: {operation: listOrders}`".to_owned())
        }
        ("object", Value::Number(_)) if of_argument => Some(format!("as in `{{max: {instance}}}`")),
        (_, Value::String(text)) if title.is_some_and(|t| t.contains("a size")) => {
            let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
            let (start, unit) = text.split_at_checked(digits.len())?;
            let unit = match unit.trim().to_ascii_lowercase().as_str() {
                "" | "b" => "B",
                "k" | "kb" | "kib" => "KiB",
                "m" | "mb" | "mib" => "MiB",
                _ => return None,
            };
            let meant = format!("{start}{unit}");
            (meant != *text).then(|| format!("did you mean `{meant}`?"))
        }
        ("string", Value::Number(number)) if title.is_some_and(|t| t.contains("a duration")) => {
            Some(format!("write the unit, as in `{number}s`"))
        }
        ("boolean", Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "on" | "yes" | "y" | "true" => Some("write `true`".to_owned()),
            "off" | "no" | "n" | "false" => Some("write `false`".to_owned()),
            _ => None,
        },
        (_, Value::Null) => Some("write a value, or take the key out".to_owned()),
        ("number" | "integer", Value::String(text)) => {
            let number: serde_json::Number = text.parse().ok()?;
            Some(format!("write it without quotes: `{number}`"))
        }
        ("string", Value::Number(_) | Value::Bool(_)) if title.is_none() => Some(format!(
            "if it is a text, put it in quotes: `\"{instance}\"`"
        )),
        ("array", Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            let text = instance
                .as_str()
                .map_or_else(|| instance.to_string(), short);
            Some(format!("write `[{text}]`"))
        }
        (_, Value::String(text)) => {
            let known = Alternatives::of(error);
            let near = nearest(text, known.words())?;
            Some(format!("did you mean `{near}`?"))
        }
        _ => None,
    }
}

fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
    }
}
