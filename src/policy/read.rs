//! Reads a policy file: text → tree → findings of the format's schema → typed.
//!
//! All mistakes are told in one run, each at its place. A secret that stands where only a reference
//! may is masked in the text before anything of it can be printed.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::{Map, Value};

use super::format::PolicyFile;
use super::{check, mask, unenforced};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, Severity, escape};
use crate::source::{Budget, Source};

/// What reading a policy may cost: people write policies, and thousands of rules are long enough.
const BUDGET: Budget = Budget {
    bytes: 4 << 20,
    nodes: 250_000,
    depth: 32,
    time: std::time::Duration::from_secs(10),
};

/// Reads a policy file; `None` after an error, which is reported.
pub fn read(source: &mut Source, diags: &mut Diagnostics) -> Option<PolicyFile> {
    let mut found = Diagnostics::default();
    let tree = source.parse_strictly(&BUDGET, &mut found);
    match &tree {
        Some(tree) => mask::mask(source, tree),
        None => mask::mask_unread(source),
    }
    for finding in found.iter() {
        diags.push(Diagnostic {
            severity: Severity::Error,
            ..finding.clone()
        });
    }
    let tree = tree.filter(|_| found.is_empty())?;
    let before = diags.count(Severity::Error);
    let schema = PolicyFile::schema();
    let Ok(validator) = jsonschema::draft202012::new(&schema) else {
        return None;
    };
    let mut found = Diagnostics::default();
    let format = Format { schema: &schema };
    for error in validator.iter_errors(&tree) {
        format.report(&error, &mut found);
    }
    in_order(source, &found).for_each(|finding| diags.push(finding));
    if diags.count(Severity::Error) > before {
        return None;
    }
    match typed(tree) {
        Ok(file) => {
            check::check(&file, diags);
            (diags.count(Severity::Error) == before).then_some(file)
        }
        Err(found) => {
            diags.push(*found);
            None
        }
    }
}

/// Whether a text is meant as a policy file: no document has its keys.
pub fn is_policy(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        // A policy in JSON or in one flow mapping; a document in JSON is not read twice.
        let has = |key: &str| text.contains(&format!("\"{key}\""));
        return has("version")
            && (has("sources") || has("rules"))
            && !has("openapi\": \"3")
            && !has("paths");
    }
    let key = |line: &str, name: &str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let any = |names: &[&str]| {
        text.lines()
            .any(|line| names.iter().any(|name| key(line, name)))
    };
    any(&["sources", "rules", "credentials", "defaults"])
        && !any(&["openapi", "swagger", "\"openapi\"", "\"swagger\"", "paths"])
}

/// The file as its types; what the schema cannot say of a word (a duration of 0s) is found here.
fn typed(tree: Value) -> Result<PolicyFile, Box<Diagnostic>> {
    serde_path_to_error::deserialize(tree).map_err(
        |error: serde_path_to_error::Error<serde_json::Error>| {
            let loc = Loc::at(pointer(error.path()));
            let message = error.into_inner().to_string();
            Box::new(Diagnostic::new(Code::PolicyValue, loc, message))
        },
    )
}

/// The findings in the order of their places.
fn in_order(source: &Source, found: &Diagnostics) -> impl Iterator<Item = Diagnostic> {
    let locs: Vec<&Loc> = found.iter().filter_map(|f| f.loc.as_ref()).collect();
    let starts = source.locate(&locs).into_iter().map(|s| s.map(|s| s.start));
    let mut placed: Vec<_> = starts.zip(found.iter().cloned()).collect();
    placed.sort_by_key(|(start, _)| *start);
    placed.into_iter().map(|(_, finding)| finding)
}

/// A serde path as a JSON Pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let token = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escape(key),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&token);
    }
    pointer
}

/// The format, as the schema has it.
struct Format<'a> {
    schema: &'a Value,
}

impl Format<'_> {
    /// A violation of the schema in the words of the file.
    fn report(&self, error: &ValidationError<'_>, diags: &mut Diagnostics) {
        let pointer = error.instance_path().as_str();
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    diags.push(self.unknown_key(pointer, key, error));
                }
            }
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                let help = self.title(error, Some(key));
                diags.push(missing_key(pointer, key, help));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                match meant(context, error.instance_path().as_str()) {
                    Some(branch) => branch.iter().for_each(|error| self.report(error, diags)),
                    None => diags.push(self.wrong_value(error)),
                }
            }
            _ => diags.push(self.wrong_value(error)),
        }
    }

    fn unknown_key(&self, pointer: &str, key: &str, error: &ValidationError<'_>) -> Diagnostic {
        let loc = Loc::key(format!("{pointer}/{}", escape(key)));
        if let Some(reason) = unenforced::reason(pointer, key) {
            let message = format!("`{key}` is not enforced by this version");
            return Diagnostic::new(Code::PolicyNotEnforced, loc, message).help(format!(
                "{reason}; take it out: a server never runs with a control that it does not apply"
            ));
        }
        let object = self.parent(error);
        let properties = object.and_then(|schema| schema.get("properties"));
        let known: Vec<&str> = properties
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        let help = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("keys: {}", known.join(", ")),
        };
        let owner = owner(pointer);
        let message = format!("{owner} has no key `{}`", short(key));
        Diagnostic::new(Code::PolicyKey, loc, message).help(help)
    }

    fn wrong_value(&self, error: &ValidationError<'_>) -> Diagnostic {
        let pointer = error.instance_path().as_str();
        let instance = error.instance();
        let title = self.title(error, None);
        let is_secret = title.as_deref().is_some_and(|t| t.contains("to a secret"));
        let loc = Loc::at(pointer);
        if is_secret {
            let message = "a secret is written by reference, never in this file";
            return Diagnostic::new(Code::PolicySecret, loc, message).help(
                "write ${env:NAME} and set the variable, or ${file:PATH}; this one is known to whoever read the file",
            );
        }
        let expected = title.unwrap_or_else(|| expected(error));
        let message = format!("expected {expected}, found {}", shown(instance));
        let found = Diagnostic::new(Code::PolicyValue, loc, message);
        match hint(error, instance) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// The schema that the failing keyword stands in.
    fn parent(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(parent)
    }

    /// What the schema says it expects: at the failing keyword, or of one of its properties.
    fn title(&self, error: &ValidationError<'_>, property: Option<&str>) -> Option<String> {
        let parent = self.parent(error)?;
        let schema = match property {
            Some(key) => parent.get("properties")?.get(key)?,
            None => parent,
        };
        schema.get("title")?.as_str().map(str::to_owned)
    }
}

/// Of alternatives, the one that the value was meant to be: the only one whose kind it has.
fn meant<'e>(
    context: &'e [Vec<ValidationError<'static>>],
    pointer: &str,
) -> Option<&'e [ValidationError<'static>]> {
    let mut fitting = context
        .iter()
        .filter(|errors| !errors.iter().any(|error| is_other_kind(error, pointer)));
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only.as_slice())
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

fn missing_key(pointer: &str, key: &str, title: Option<String>) -> Diagnostic {
    let message = format!("{} needs the key `{key}`", owner(pointer));
    let found = Diagnostic::new(Code::PolicyKey, Loc::at(pointer), message);
    match (key, title) {
        ("version", _) => found.help("write `version: 1` at the top"),
        (_, Some(title)) => found.help(format!("`{key}:` is {title}")),
        _ => found,
    }
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
        _ => format!("`{}`", last.replace("~1", "/").replace("~0", "~")),
    }
}

/// What a keyword without a title expects.
fn expected(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::MinItems { .. } => "a list that is not empty".to_owned(),
        Kind::MinProperties { .. } => "at least one key".to_owned(),
        Kind::MaxProperties { limit: 1 } => "one key only".to_owned(),
        Kind::Pattern { pattern } => format!("a text that matches {pattern}"),
        _ => {
            let mut expected = Alternatives::default();
            expected.collect(error);
            expected.to_string()
        }
    }
}

/// What a value may be: words, and kinds of values.
#[derive(Default)]
struct Alternatives {
    words: Vec<String>,
    kinds: Vec<&'static str>,
}

impl Alternatives {
    fn collect(&mut self, error: &ValidationError<'_>) {
        match error.kind() {
            Kind::Type { kind } => match kind {
                TypeKind::Single(one) => self.kinds.push(type_name(one.as_str())),
                TypeKind::Multiple(many) => {
                    self.kinds
                        .extend(many.iter().map(|t| type_name(t.as_str())));
                }
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
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let kinds = self.kinds.iter().map(|kind| (*kind).to_owned());
        let words = match words.as_slice() {
            [] => None,
            [one] => Some(format!("`{one}`")),
            many => Some(format!("one of {}", listed(many))),
        };
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

/// A value in a message: what kind it is, and short ones as they are.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) => format!("the text `{}`", short(text)),
        Value::Bool(_) | Value::Number(_) => format!("`{}`", short(&value.to_string())),
    }
}

/// What people write who mean something else.
fn hint(error: &ValidationError<'_>, instance: &Value) -> Option<String> {
    let wants_boolean =
        matches!(error.kind(), Kind::Type { kind: TypeKind::Single(t) } if t.as_str() == "boolean");
    match instance {
        Value::String(text) if wants_boolean => match text.to_ascii_lowercase().as_str() {
            "on" | "yes" | "y" | "true" => Some("write `true`".to_owned()),
            "off" | "no" | "n" | "false" => Some("write `false`".to_owned()),
            _ => None,
        },
        Value::String(text) => {
            let mut known = Alternatives::default();
            known.collect(error);
            let near = nearest(text, known.words.iter().map(String::as_str))?;
            Some(format!("did you mean `{near}`?"))
        }
        Value::Null => Some("write a value, or take the key out".to_owned()),
        _ => None,
    }
}

/// Names in a sentence.
fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "no keys".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", &text[..cut]),
    }
}
