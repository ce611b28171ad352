//! Texts anywhere in a policy: secrets that have no business there, and references to the environment
//! where nothing is put in their place.

use std::collections::BTreeSet;

use serde_json::Value;

use super::mask;
use super::rest::Wrong;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};

/// Keys whose texts are read by people and models, and may say anything.
const PROSE: [&str; 4] = ["describe", "instructions", "because", "pattern"];

/// The shortest text of an argument that takes a secret which is one.
const ARGUMENT_MIN: usize = 8;

/// Looks at all texts of a policy; the places of those that are wrong.
pub(super) fn look(tree: &Value, wrong: &[Wrong], found: &mut Diagnostics) -> Vec<Wrong> {
    let mut look = Look {
        unknown: wrong
            .iter()
            .filter_map(|wrong| match wrong {
                Wrong::Key(pointer) => Some(pointer.as_str()),
                Wrong::Value(_) => None,
            })
            .collect(),
        found,
        wrong: Vec::new(),
    };
    look.walk(tree, "", false);
    look.wrong
}

struct Look<'a> {
    /// Keys that there are not.
    unknown: BTreeSet<&'a str>,
    found: &'a mut Diagnostics,
    wrong: Vec<Wrong>,
}

impl Look<'_> {
    /// `unknown`: everything here is under a key that there is not.
    fn walk(&mut self, value: &Value, pointer: &str, unknown: bool) {
        let unknown = unknown || self.unknown.contains(pointer);
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    self.walk(value, &format!("{pointer}/{}", escape(key)), unknown);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    self.walk(value, &format!("{pointer}/{index}"), unknown);
                }
            }
            Value::String(text) if !unknown => {
                let Some(found) = look_at(text, pointer) else {
                    return;
                };
                self.found.push(found);
                // The rest of a source is as it is without an address.
                let of_rule = pointer.starts_with("/rules/");
                let wrong = if of_rule { Wrong::Value } else { Wrong::Key };
                self.wrong.push(wrong(pointer.to_owned()));
            }
            Value::String(text) if mask::is_certain(text) => {
                self.found.push(secret(Loc::at(pointer)));
            }
            _ => {}
        }
    }
}

/// What is wrong with a text, if anything is.
fn look_at(text: &str, pointer: &str) -> Option<Diagnostic> {
    let loc = Loc::at(pointer);
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    if mask::has_password(text) {
        let message = "a password stands in this URL";
        let found = Diagnostic::new(Code::PolicySecret, loc, message);
        return Some(
            found.help("take it out; an upstream's credential is defined under `credentials:`"),
        );
    }
    if mask::is_certain(text) {
        return Some(secret(loc));
    }
    let refers = text.contains("${env:") || text.contains("${file:");
    let argument = mask::argument(parent).filter(|_| mask::is_value(key));
    if let Some(name) = argument.filter(|name| mask::names_a_secret(name))
        && text.len() >= ARGUMENT_MIN
        && !refers
    {
        let message = format!("a secret for `{name}` stands in the file");
        let help = "write `{hide: true, from: env.NAME}`; whoever saw this file knows this one";
        return Some(Diagnostic::new(Code::PolicySecret, loc, message).help(help));
    }
    // Whether a credential's reference is one is its own matter.
    let of_secrets = pointer.starts_with("/credentials/") || mask::is_connection(parent, key);
    if !refers || PROSE.contains(&key) || of_secrets {
        return None;
    }
    let help = match key {
        "const" | "default" => "a value of the environment is `{hide: true, from: env.NAME}`",
        _ => "only the secrets under `credentials:` come from the environment or a file",
    };
    let message = "nothing is put in the place of `${…}` here";
    Some(Diagnostic::new(Code::PolicyValue, loc, message).help(help))
}

/// A secret that stands in the file.
pub(super) fn secret(loc: Loc) -> Diagnostic {
    let message = "a secret is written by reference, never in this file";
    Diagnostic::new(Code::PolicySecret, loc, message)
        .help("write \"${env:NAME}\" or \"${file:PATH}\"; whoever saw this file knows this one")
}
