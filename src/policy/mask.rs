//! Masks what may be a secret in the text of a policy, so that no message shows it.
//!
//! A secret belongs in the environment or a file. One that stands in the policy all the same is a
//! mistake that is told, and the line that is shown with it must not spread it.

use serde_json::Value;

use crate::diag::{Loc, escape};
use crate::source::Source;

/// What stands for a character; a plain scalar of it is YAML, so that places can still be found.
const MASK: &str = "•";

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

/// Masks the texts that are no references and may be secrets: under `credentials`, all but those
/// known to be harmless.
pub(super) fn mask(source: &mut Source, tree: &Value) {
    let mut pointers = Vec::new();
    collect(tree, "", false, &mut pointers);
    let locs: Vec<Loc> = pointers.into_iter().map(Loc::at).collect();
    let spans = source.locate(&locs.iter().collect::<Vec<&Loc>>());
    let mut ranges: Vec<_> = spans
        .into_iter()
        .flatten()
        .map(|span| span.start..span.end)
        .collect();
    ranges.sort_by_key(|range| range.start);
    for range in ranges.into_iter().rev() {
        if let Some(text) = source.text.get(range.clone()) {
            let stars = MASK.repeat(text.chars().count());
            source.text.replace_range(range, &stars);
        }
    }
}

/// The pointers of what may be a secret; `secret`: everything here may be.
fn collect(value: &Value, pointer: &str, secret: bool, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let secret = if secret {
                    !PLAIN.contains(&key.as_str())
                } else {
                    is_secret(key) || (pointer.is_empty() && key.starts_with("credential"))
                };
                collect(value, &format!("{pointer}/{}", escape(key)), secret, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, &format!("{pointer}/{index}"), secret, found);
            }
        }
        Value::String(text) if text.starts_with("${") && text.ends_with('}') => {}
        Value::String(_) | Value::Number(_) if secret => found.push(pointer.to_owned()),
        _ => {}
    }
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET.iter().any(|word| key.ends_with(word))
}

/// Masks the values of keys that hold secrets in a text that cannot be read as a whole.
pub(super) fn mask_unread(source: &mut Source) {
    let lines = source.text.split_inclusive('\n').map(|line| {
        let Some((key, value)) = line.split_once(':') else {
            return line.to_owned();
        };
        if !is_secret(key.trim_end()) || value.trim_start().starts_with("${") {
            return line.to_owned();
        }
        let masked = value.chars().map(|c| {
            if c.is_whitespace() {
                c.to_string()
            } else {
                MASK.to_owned()
            }
        });
        format!("{key}:{}", masked.collect::<String>())
    });
    source.text = lines.collect();
}
