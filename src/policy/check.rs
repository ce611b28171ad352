//! What is wrong with a policy by itself, before there is anything to apply it to: names that lead
//! nowhere, keys that contradict each other.

use serde_json::{Number, Value};

use super::format::{ArgRule, Credential, Operand, PolicyFile, Rows, Rule, Source};
use super::read::Wrong;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};

/// Reports contradictions within a policy, and takes out what contradicts itself, so that it is told
/// once; `named`: whether all names that the policy defines are known; `wrong`: what was taken out of it
/// before.
pub(super) fn check(file: &mut PolicyFile, named: bool, wrong: &[Wrong], diags: &mut Diagnostics) {
    names("sources", file.sources.keys(), diags);
    names("credentials", file.credentials.keys(), diags);
    for (name, source) in &file.sources {
        let loc = Loc::at(format!("/sources/{}", escape(name)));
        if !wrong.iter().any(|wrong| wrong.is_below(&loc.pointer)) {
            kind(source, &loc, diags);
        }
    }
    if named {
        sources(file, diags);
    }
    for (name, credential) in &file.credentials {
        let loc = Loc::at(format!("/credentials/{}", escape(name)));
        one_place(credential, &loc, diags);
    }
    for (index, rule) in file.rules.iter().enumerate().filter(|(_, r)| !r.broken) {
        let loc = Loc::at(format!("/rules/{index}"));
        matched_sources(file, rule, &loc, diags);
    }
    for (index, rule) in file.rules.iter_mut().enumerate().filter(|(_, r)| !r.broken) {
        let loc = Loc::at(format!("/rules/{index}"));
        excluded(rule, &loc, diags);
        if let Some(rows) = &rule.rows {
            expressions(rows, &loc.child("rows"), diags);
        }
        rule.args.retain(|name, rule| {
            let before = diags.iter().count();
            argument(name, rule, &loc.child("args").child(name), diags);
            diags.iter().count() == before
        });
    }
}

/// Longest name of a source or credential, in bytes.
const NAME_MAX: usize = 40;

/// Names that the policy defines are plain: they stand in messages, plans and generated files.
fn names<'n>(key: &str, names: impl Iterator<Item = &'n String>, diags: &mut Diagnostics) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    for name in names {
        let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if first && name.len() <= NAME_MAX && name.chars().all(plain) {
            continue;
        }
        let loc = Loc::key(format!("/{key}/{}", escape(name)));
        let message = format!("a name is up to {NAME_MAX} letters, digits, `_`, `.` and `-`");
        let found = Diagnostic::new(Code::PolicyValue, loc, message);
        diags.push(found.help("choose a short name of your own"));
    }
}

fn sources(file: &PolicyFile, diags: &mut Diagnostics) {
    for (name, source) in &file.sources {
        let loc = Loc::at(format!("/sources/{}", escape(name)));
        if let Some(credential) = &source.credential
            && !file.credentials.contains_key(credential)
        {
            let known = file.credentials.keys().map(String::as_str);
            let found = unknown("credential", credential, known);
            diags.push(Diagnostic {
                loc: Some(loc.child("credential")),
                ..found
            });
        }
    }
    let mut prefixes: Vec<(&str, &str)> = Vec::new();
    for (name, source) in file.sources.iter().filter(|_| file.sources.len() > 1) {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let same = prefixes.iter().find(|(other, _)| *other == prefix);
        if let Some((_, other)) = same {
            let message = match prefix {
                "" => format!("the sources `{other}` and `{name}` both have no prefix"),
                _ => format!("the sources `{other}` and `{name}` have one prefix, `{prefix}`"),
            };
            let loc = Loc::key(format!("/sources/{}", escape(name)));
            let found = Diagnostic::new(Code::PolicyConflict, loc, message);
            diags.push(found.help(format!("give it its own, as in `prefix: {name}_`")));
        }
        prefixes.push((prefix, name));
    }
}

/// A source is one thing, and has the keys of that alone.
fn kind(source: &Source, loc: &Loc, diags: &mut Diagnostics) {
    let of_databases = [
        ("snapshot", source.snapshot.is_some()),
        ("role", source.role.is_some()),
        ("schemas", source.schemas.is_some()),
        ("connections", source.connections.is_some()),
        ("posture", source.posture.is_some()),
    ];
    let of_documents = [
        ("overlays", !source.overlays.is_empty()),
        (
            "refs",
            !source.refs.files.is_empty() || !source.refs.hosts.is_empty(),
        ),
        ("base_url", source.base_url.is_some()),
        ("credential", source.credential.is_some()),
    ];
    let (foreign, message) = match (&source.openapi, &source.postgres) {
        (Some(_), Some(_)) => {
            let message = "`openapi` and `postgres` both say what the source is";
            let found = Diagnostic::new(Code::PolicyConflict, loc.child("postgres"), message);
            diags.push(found.help("make two sources of it, each with its own name"));
            return;
        }
        (None, None) => {
            let message = "a source needs the key `openapi` or `postgres`";
            let loc = Loc::key(loc.pointer.clone());
            let found = Diagnostic::new(Code::PolicyKey, loc, message);
            let help = "`openapi`: the document of an API; `postgres`: where the connection string of a \
                        database is, as in ${env:DATABASE_URL}";
            diags.push(found.help(help));
            return;
        }
        (Some(_), None) => (
            &of_databases[..],
            "is for databases, and the source is a document",
        ),
        (None, Some(_)) => (
            &of_documents[..],
            "is for documents, and the source is a database",
        ),
    };
    for (key, _) in foreign.iter().filter(|(_, there)| *there) {
        let found = Diagnostic::new(
            Code::PolicyConflict,
            loc.child(key),
            format!("`{key}` {message}"),
        );
        diags.push(found.help("take it out"));
    }
}

/// A name that nothing has.
fn unknown<'a>(noun: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let found = Diagnostic::general(Code::PolicyName, format!("there is no {noun} `{name}`"));
    let all: Vec<String> = known.clone().map(|name| format!("`{name}`")).collect();
    match (nearest(name, known), all.as_slice()) {
        (Some(near), _) => found.help(format!("did you mean `{near}`?")),
        (None, []) => found.help(format!("define it under `{noun}s:`")),
        (None, [one]) => found.help(format!("there is {one}")),
        (None, all) => found.help(format!("there are {}", all.join(", "))),
    }
}

fn one_place(credential: &Credential, loc: &Loc, diags: &mut Diagnostics) {
    let Some(key) = &credential.api_key else {
        return;
    };
    let places = [&key.header, &key.query, &key.cookie];
    if places.iter().filter(|place| place.is_some()).count() != 1 {
        let message = "an `api_key` goes to one place: `header`, `query` or `cookie`";
        let found = Diagnostic::new(Code::PolicyConflict, loc.child("api_key"), message);
        diags.push(found.help("as in `api_key: {header: X-Api-Key, value: \"${env:API_KEY}\"}`"));
    }
}

/// A source that a rule names exists; a glob is looked at with the operations.
fn matched_sources(file: &PolicyFile, rule: &Rule, loc: &Loc, diags: &mut Diagnostics) {
    let Some(names) = &rule.r#match.source else {
        return;
    };
    let at = loc.child("match").child("source");
    let names = names.placed(&at);
    for (loc, name) in names.filter(|(_, name)| !name.contains(['*', '?', '[', '{'])) {
        if !file.sources.is_empty() && !file.sources.contains_key(name) {
            let found = unknown("source", name, file.sources.keys().map(String::as_str));
            let loc = Some(loc);
            diags.push(Diagnostic { loc, ..found });
        }
    }
}

/// A rule that takes operations away has nothing else to say of them.
fn excluded(rule: &mut Rule, loc: &Loc, diags: &mut Diagnostics) {
    let says_more = rule.name.is_some()
        || rule.describe.is_some()
        || !rule.args.is_empty()
        || rule.enable.is_some()
        || rule.effect.is_some()
        || rule.timeout.is_some()
        || rule.retries.is_some()
        || rule.idempotency_key.is_some()
        || rule.concurrency.is_some()
        || rule.of_relations().is_some()
        || !rule.rate.is_empty();
    if rule.excludes() && says_more {
        let message = "the rule excludes operations and says how they are to be";
        let found = Diagnostic::new(Code::PolicyConflict, loc.child("exclude"), message);
        diags.push(found.help("take out `exclude: true`, or all but it and `match`"));
        *rule = Rule {
            r#match: std::mem::take(&mut rule.r#match),
            exclude: Some(true),
            ..Rule::default()
        };
    }
}

/// Values of expressions, which this version does not read.
fn expressions(rows: &Rows, loc: &Loc, diags: &mut Diagnostics) {
    for (pointer, operand) in rows.operands() {
        let Operand::Expression(text) = operand else {
            continue;
        };
        let message = format!("`{text}` is not enforced yet: who calls is not known yet");
        let loc = Loc::at(format!("{}{pointer}", loc.pointer));
        let found = Diagnostic::new(Code::PolicyNotEnforced, loc, message);
        let help = "write a value, `env.NAME`, or `{const: …}` for a text as it stands";
        diags.push(found.help(help));
    }
}

fn argument(name: &str, rule: &ArgRule, loc: &Loc, diags: &mut Diagnostics) {
    let mut conflict = |key: &str, message: &str, help: &str| {
        let found = Diagnostic::new(Code::PolicyConflict, loc.child(key), message);
        diags.push(found.help(help));
    };
    let bounds = rule.min.is_some()
        || rule.max.is_some()
        || rule.max_items.is_some()
        || rule.max_length.is_some()
        || rule.pattern.is_some()
        || rule.r#enum.is_some();
    let value = rule.r#const.is_some() || rule.from.is_some();
    if rule.forbids() && (bounds || value || rule.hides() || rule.default.is_some()) {
        let message = "an argument that is forbidden has no value to say anything of";
        conflict(
            "forbid",
            message,
            "take out `forbid: true`, or everything but it",
        );
    }
    if rule.from.is_some() && !rule.hides() {
        let message = "a value that comes from the server is not the model's to see";
        conflict("from", message, "add `hide: true`");
    }
    if rule.from.is_some() && rule.r#const.is_some() {
        let message = "`const` and `from` both say what the value is";
        conflict("from", message, "take out one of them");
    }
    if value && (bounds || rule.default.is_some()) {
        let key = if rule.from.is_some() { "from" } else { "const" };
        let message = format!("the value is fixed by `{key}`, so bounds and a default say nothing");
        conflict(key, &message, "take out one or the other");
    }
    if name.starts_with('/') && (rule.hides() && !value) {
        let message = "a part of an argument is hidden with a value, or forbidden";
        conflict("hide", message, "add `const`, or write `forbid: true`");
    }
    if let (Some(min), Some(max)) = (&rule.min, &rule.max)
        && above(min, max)
    {
        let message =
            format!("`min` is above `max`: no number is at least {min} and at most {max}");
        conflict("min", &message, "exchange them");
    }
    if let Some(Value::Number(default)) = &rule.default {
        let low = rule.min.as_ref().is_some_and(|min| above(min, default));
        let high = rule.max.as_ref().is_some_and(|max| above(default, max));
        if low || high {
            let bound = if low { "below `min`" } else { "above `max`" };
            let message = format!("the default {default} is {bound}");
            conflict("default", &message, "choose a default within the bounds");
        }
    }
    if let (Some(default), Some(values)) = (&rule.default, &rule.r#enum)
        && !values.contains(default)
    {
        let message = format!("the default {default} is not one of `enum`");
        conflict("default", &message, "choose one of the values");
    }
}

/// Whether one number is above another; `false` where that cannot be told.
fn above(one: &Number, other: &Number) -> bool {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one > other,
        _ => one.as_f64().zip(other.as_f64()).is_some_and(|(a, b)| a > b),
    }
}
