//! Texts anywhere in a policy: secrets that have no business there, and references to the environment
//! where nothing is put in their place.

use serde_json::Value;

use super::mask;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};

/// Keys whose texts are read by people and models, and may say anything.
const PROSE: [&str; 4] = ["describe", "instructions", "because", "pattern"];

/// The shortest text of an argument that takes a secret which is one.
const ARGUMENT_MIN: usize = 8;

/// Looks at all texts of a policy.
pub(super) fn look(tree: &Value, found: &mut Diagnostics) {
    walk(tree, "", found);
}

fn walk(value: &Value, pointer: &str, found: &mut Diagnostics) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                walk(value, &format!("{pointer}/{}", escape(key)), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, &format!("{pointer}/{index}"), found);
            }
        }
        Value::String(text) => look_at(text, pointer, found),
        _ => {}
    }
}

fn look_at(text: &str, pointer: &str, found: &mut Diagnostics) {
    let loc = || Loc::at(pointer);
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    if mask::is_certain(text) {
        found.push(secret(loc()));
        return;
    }
    let argument = mask::argument(parent).filter(|_| mask::is_value(key));
    let refers = text.contains("${env:") || text.contains("${file:");
    if let Some(name) = argument.filter(|name| mask::names_a_secret(name))
        && text.len() >= ARGUMENT_MIN
        && !refers
    {
        let help = "write `{hide: true, from: env.NAME}`; who saw this file has this one";
        let message = format!("a secret for `{name}` stands in the file");
        found.push(Diagnostic::new(Code::PolicySecret, loc(), message).help(help));
        return;
    }
    // Whether a credential's reference is one is its own matter.
    if refers && !PROSE.contains(&key) && !pointer.starts_with("/credentials/") {
        let message = "nothing is put in the place of `${…}` here";
        let help = match key {
            "const" | "default" => "a value of the environment is `{hide: true, from: env.NAME}`",
            _ => "only the secrets under `credentials:` come from the environment or a file",
        };
        found.push(Diagnostic::new(Code::PolicyValue, loc(), message).help(help));
    }
}

/// A secret that stands in the file.
pub(super) fn secret(loc: Loc) -> Diagnostic {
    let message = "a secret is written by reference, never in this file";
    Diagnostic::new(Code::PolicySecret, loc, message)
        .help("write \"${env:NAME}\" or \"${file:PATH}\"; who saw this file has this one")
}
