//! Masks what may be a secret in the text of a policy, so that no message shows it.
//!
//! A secret belongs in the environment or a file. One that stands in the policy all the same is a
//! mistake that is told, and neither the line that is shown with it nor a message may spread it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::diag::{Diagnostic, Loc, escape};
use crate::source::Source;

/// What stands for a character; a plain scalar of it is YAML, so that places can still be found.
const MASK: char = '•';

/// Keys under `credentials` whose values are no secrets.
const PLAIN: [&str; 7] = [
    "header",
    "query",
    "cookie",
    "token_url",
    "client_id",
    "scopes",
    "user",
];

/// Endings of keys whose values are secrets, wherever they stand.
const SECRET: [&str; 5] = ["value", "token", "password", "secret", "key"];

/// How texts begin that are secrets, wherever they stand: keys and tokens of common services.
const CERTAIN: [&str; 16] = [
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "AIza",
    "eyJ",
    "Bearer ",
    "-----BEGIN ",
];
/// The shortest text that such a beginning makes a secret.
const CERTAIN_MIN: usize = 16;

/// The shortest text that is masked wherever it stands again: shorter ones are words of messages.
const REPEATED_MIN: usize = 6;
/// How many texts are masked wherever they stand again.
const REPEATED_MAX: usize = 100;

/// Texts of a policy that may be secrets.
#[derive(Debug, Default)]
pub(super) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// The finding without any of them.
    pub(super) fn hidden(&self, mut found: Diagnostic) -> Diagnostic {
        let texts = [Some(&mut found.message), found.help.as_mut()];
        for text in texts.into_iter().flatten() {
            for secret in &self.0 {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), "•••");
                }
            }
        }
        found
    }
}

/// Whether a text is a secret, whatever its key says: the shape of a known kind of key or token, or a
/// password in a URL.
pub(super) fn is_certain(text: &str) -> bool {
    let shaped = |text: &str| {
        let known = CERTAIN.iter().any(|start| text.starts_with(start));
        known && text.len() >= CERTAIN_MIN && !text.contains("${")
    };
    let words = text.split([' ', '\n', '"', '\'', '`', '=', '(']);
    shaped(text) || words.into_iter().any(shaped) || has_password(text)
}

/// Whether a text is a URL with a user name and a password.
pub(super) fn has_password(text: &str) -> bool {
    password(text).is_some()
}

/// The user name and password of a URL.
fn password(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#', ' ']).unwrap_or(rest.len());
    let (user, _) = rest.get(..end)?.rsplit_once('@')?;
    (user.contains(':') && !user.contains("${")).then_some(user)
}

/// Masks the texts that are no references and may be secrets: under `credentials`, all but those
/// known to be harmless. `unclear`: the tree is not all that the text says.
pub(super) fn mask(source: &mut Source, tree: Option<&Value>, unclear: bool) -> Secrets {
    let mut found = Vec::new();
    if let Some(tree) = tree {
        collect(tree, "", false, &mut found);
        let locs: Vec<Loc> = found.iter().map(|(at, _)| Loc::at(at.as_str())).collect();
        let spans = source.locate(&locs.iter().collect::<Vec<&Loc>>());
        let mut ranges: Vec<_> = spans
            .into_iter()
            .flatten()
            .map(|span| span.start..span.end)
            .collect();
        ranges.sort_by_key(|range| range.start);
        for range in ranges.into_iter().rev() {
            if let Some(text) = source.text.get(range.clone()) {
                let masked = masked(text);
                source.text.replace_range(range, &masked);
            }
        }
    }
    if unclear {
        source.text = source.text.split_inclusive('\n').map(line).collect();
    }
    let long = found.into_iter().map(|(_, text)| text);
    let long = long.filter(|text| text.chars().count() >= REPEATED_MIN);
    let secrets: BTreeSet<String> = long.take(REPEATED_MAX).collect();
    for secret in &secrets {
        if source.text.contains(secret.as_str()) {
            source.text = source.text.replace(secret.as_str(), &masked(secret));
        }
    }
    Secrets(secrets)
}

/// As many dots as there are characters; line feeds stay.
fn masked(text: &str) -> String {
    let dot = |c| if c == '\n' { c } else { MASK };
    text.chars().map(dot).collect()
}

/// The pointers and texts of what may be a secret; `secret`: everything here may be.
fn collect(value: &Value, pointer: &str, secret: bool, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let secret = if secret {
                    !PLAIN.contains(&key.as_str())
                } else if let Some(argument) = argument(pointer) {
                    is_value(key) && names_a_secret(argument)
                } else if is_arguments(pointer) {
                    false
                } else {
                    is_secret(key)
                        || is_connection(pointer, key)
                        || (pointer.is_empty() && key.starts_with("credential"))
                };
                collect(value, &format!("{pointer}/{}", escape(key)), secret, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, &format!("{pointer}/{index}"), secret, found);
            }
        }
        Value::String(text) if is_reference(text) || text.starts_with("caller.") => {}
        Value::String(text) if secret || is_certain(text) => {
            found.push((pointer.to_owned(), text.clone()));
        }
        Value::Number(number) if secret => found.push((pointer.to_owned(), number.to_string())),
        _ => {}
    }
}

/// Whether a key of what is at a pointer says where a database is: its connection string has a password.
pub(super) fn is_connection(pointer: &str, key: &str) -> bool {
    let source = pointer.strip_prefix("/sources/");
    key == "postgres" && source.is_some_and(|name| !name.contains('/'))
}

/// Whether a pointer is that of a rule's arguments, whose keys are names.
fn is_arguments(pointer: &str) -> bool {
    let mut tokens = pointer.split('/').skip(1);
    let first = tokens.next() == Some("rules") && tokens.next().is_some();
    first && tokens.next() == Some("args") && tokens.next().is_none()
}

/// The argument whose rule is at a pointer.
pub(super) fn argument(pointer: &str) -> Option<&str> {
    let (parent, name) = pointer.rsplit_once('/')?;
    is_arguments(parent).then_some(name)
}

/// Whether a key of an argument's rule holds a value of it.
pub(super) fn is_value(key: &str) -> bool {
    ["const", "default"].contains(&key)
}

/// Whether an argument of this name takes a secret: a place in a list is a token, too, and none.
pub(super) fn names_a_secret(argument: &str) -> bool {
    let name: String = argument
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let name = name.to_ascii_lowercase();
    let ends = ["apikey", "password", "secret", "token"];
    let places = ["page", "next", "sync", "contin", "cursor"];
    ends.iter().any(|end| name.ends_with(end)) && !places.iter().any(|part| name.contains(part))
}

fn is_reference(text: &str) -> bool {
    let inner = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.contains(['{', '}', '$']))
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET.iter().any(|word| key.ends_with(word))
}

/// A line of a text that cannot be read as a whole, without what follows a key that holds a secret.
fn line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((key, value)) = rest.split_once(':') {
        out.push_str(key);
        out.push(':');
        rest = value;
        let key = key.trim_end_matches(['"', '\'', ' ']);
        let is_reference = value.trim_start_matches([' ', '"', '\'']).starts_with("${");
        let named = key.rsplit([' ', '{', ',', '"']).next();
        let connection = named == Some("postgres") && !value.trim().is_empty();
        if (is_secret(key) || connection) && !is_reference {
            let dot = |c: char| if c.is_whitespace() { c } else { MASK };
            out.extend(value.chars().map(dot));
            return out;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_known_shapes() {
        for (text, certain) in [
            ("sk_live_4eC39HqLyjWDarjtT1", true),
            ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", true),
            ("eyJhbGciOiJIUzI1NiJ9.e30.c2ln", true),
            ("https://user:secret@shop.example/x", true),
            ("postgres://u:p@db/x", true),
            ("https://user@shop.example", false),
            ("https://${env:U}:${env:P}@shop.example", false),
            ("Bearer ${env:TOKEN_OF_SHOP}", false),
            ("https://shop.example/a:b@c", false),
            ("sk-short", false),
            ("Call it with (sk_live_4eC39HqLyjWDarjtT1).", true),
            ("list_orders", false),
        ] {
            assert_eq!(is_certain(text), certain, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_masked_line_by_line() {
        for (text, want) in [
            ("a: {token: hunter2, x: 1}\n", "a: {token: •••••••• •• ••\n"),
            ("  \"api_key\": 'x y'\n", "  \"api_key\": •• ••\n"),
            ("token: ${env:A}\n", "token: ${env:A}\n"),
            ("keys: a\n", "keys: a\n"),
            ("crm: {postgres: a b}\n", "crm: {postgres: • ••\n"),
            ("  postgres:\n", "  postgres:\n"),
        ] {
            assert_eq!(line(text), want);
        }
    }
}
