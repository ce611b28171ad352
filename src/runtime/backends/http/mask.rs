//! Keeps the owner's secrets out of what an upstream gives back: an API that shows the request it got,
//! in an error or otherwise, must not hand its own credential to the model.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::credential::MASK;
use super::{grant, wire};
use crate::runtime::backend::{Content, Outcome};
use crate::runtime::config::{Credential, SourceConfig};
use crate::runtime::error::CallError;

/// Shortest secret that is looked for, in bytes: a shorter one would be found in innocent words.
const SECRET_MIN: usize = 6;

/// How often a URL is decoded to see what is in it.
const DECODINGS_MAX: usize = 4;

/// The secrets of a source, in the forms in which an answer may show them.
#[derive(Default, Clone)]
pub(super) struct Mask {
    /// Longest first, so that no part of a longer form is left.
    needles: Vec<String>,
}

impl Mask {
    pub(super) fn new(config: &SourceConfig) -> Self {
        let mut secrets: Vec<String> = Vec::new();
        for credential in config.credentials.values() {
            match credential {
                Credential::Token(token) => secrets.push(token.reveal().to_owned()),
                // The user's name alone is no secret.
                Credential::UserPassword(user, password) => {
                    secrets.push(password.reveal().to_owned());
                    secrets.push(format!("{}:{}", user.reveal(), password.reveal()));
                }
                Credential::Client(id, secret) => {
                    secrets.push(secret.reveal().to_owned());
                    secrets.push(grant::user_password(id, secret));
                }
            }
        }
        let of_headers = config.header_secrets.iter();
        secrets.extend(of_headers.map(|secret| secret.reveal().to_owned()));
        Self::default().and(secrets.iter().map(String::as_str))
    }

    /// One that hides these secrets as well.
    pub(super) fn and<'s>(&self, secrets: impl Iterator<Item = &'s str>) -> Self {
        let mut needles = self.needles.clone();
        needles.extend(
            secrets
                .filter(|secret| secret.len() >= SECRET_MIN)
                .flat_map(forms),
        );
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles }
    }

    /// The text without secrets.
    pub(super) fn text(&self, text: String) -> String {
        let found = self.needles.iter().filter(|n| text.contains(n.as_str()));
        let found: Vec<&String> = found.collect();
        found
            .into_iter()
            .fold(text, |text, needle| text.replace(needle.as_str(), MASK))
    }

    /// Whether a URL holds a secret, however often it is percent-encoded.
    pub(super) fn is_in(&self, url: &str) -> bool {
        let mut text = url.to_owned();
        for _ in 0..DECODINGS_MAX {
            if self.needles.iter().any(|needle| text.contains(needle)) {
                return true;
            }
            let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
            if decoded == text {
                break;
            }
            text = decoded;
        }
        false
    }

    /// The outcome without secrets.
    pub(super) fn outcome(&self, outcome: Outcome) -> Outcome {
        if self.needles.is_empty() {
            return outcome;
        }
        let content = match outcome.content {
            Content::Json(value) => Content::Json(self.value(value)),
            Content::Text(text) => Content::Text(self.text(text)),
            Content::Image { mime, base64 } => Content::Image {
                mime: self.text(mime),
                base64: self.base64(base64),
            },
            Content::Audio { mime, base64 } => Content::Audio {
                mime: self.text(mime),
                base64: self.base64(base64),
            },
            Content::Blob { mime, base64 } => Content::Blob {
                mime: self.text(mime),
                base64: self.base64(base64),
            },
            Content::Empty => Content::Empty,
        };
        Outcome {
            content,
            note: outcome.note.map(|note| self.text(note)),
            facts: self.facts(outcome.facts),
            truncated: outcome.truncated,
        }
    }

    fn facts(&self, facts: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
        let masked = facts
            .into_iter()
            .map(|(name, fact)| (name, self.value(fact)));
        masked.collect()
    }

    /// The failure without secrets.
    pub(super) fn failure(&self, mut error: CallError) -> CallError {
        error.message = self.text(error.message);
        error.facts = self.facts(error.facts);
        error
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Number(number) if self.needles.contains(&number.to_string()) => MASK.into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(object) => object
                .into_iter()
                .map(|(key, value)| (self.text(key), self.value(value)))
                .collect(),
            other => other,
        }
    }

    /// Bytes, given and returned in base64.
    fn base64(&self, base64: String) -> String {
        let Ok(mut bytes) = STANDARD.decode(&base64) else {
            return base64;
        };
        let mut changed = false;
        for needle in &self.needles {
            if let Some(masked) = replaced(&bytes, needle.as_bytes()) {
                bytes = masked;
                changed = true;
            }
        }
        if changed {
            STANDARD.encode(bytes)
        } else {
            base64
        }
    }
}

/// The bytes with every occurrence of the needle masked; `None` if there is none.
fn replaced(bytes: &[u8], needle: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let mut rest = bytes;
    while let Some(at) = rest.windows(needle.len()).position(|part| part == needle) {
        let out = out.get_or_insert_default();
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(MASK.as_bytes());
        rest = from.get(needle.len()..).unwrap_or_default();
    }
    if let Some(out) = &mut out {
        out.extend_from_slice(rest);
    }
    out
}

/// A secret as it is, and as encodings write it.
fn forms(secret: &str) -> Vec<String> {
    let escaped = wire::encode(secret);
    let all_escaped = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = Value::from(secret).to_string();
    // Without the quotes around it.
    let json = json.get(1..json.len() - 1).unwrap_or(secret).to_owned();
    vec![
        secret.to_owned(),
        lower_escapes(&escaped),
        lower_escapes(&all_escaped),
        lower_escapes(&form),
        escaped,
        all_escaped,
        form,
        json,
        // Without padding: it is a prefix of what is written with it.
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
    ]
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut left = 0;
    text.chars()
        .map(|c| {
            left = if c == '%' { 2 } else { i32::max(left - 1, -1) };
            if left >= 0 { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::config::Secret;
    use serde_json::json;

    #[test]
    fn secrets_are_masked_in_every_form() {
        let mut config = SourceConfig::default();
        let token = Credential::Token(Secret::new("Top/secret \"1\""));
        config.credentials.insert("a".into(), token);
        let short = Credential::Token(Secret::new("abc"));
        config.credentials.insert("b".into(), short);
        let mask = Mask::new(&config);
        for text in [
            "Top/secret \"1\"",
            "Top%2Fsecret%20%221%22",
            "Top%2fsecret%20%221%22",
            "Top%2Fsecret+%221%22",
            "Top/secret \\\"1\\\"",
            "VG9wL3NlY3JldCAiMSI",
        ] {
            assert_eq!(mask.text(format!("<{text}>abc")), "<***>abc", "{text}");
        }
        let shown = mask.value(json!({"Top/secret \"1\"": ["Top/secret \"1\"", 1]}));
        assert_eq!(shown, json!({"***": ["***", 1]}));
        let hidden = mask.base64(STANDARD.encode("\u{0}Top/secret \"1\"!"));
        assert_eq!(STANDARD.decode(hidden).unwrap(), b"\0***!");
    }

    #[test]
    fn escapes_become_lower_case_and_nothing_else() {
        assert_eq!(lower_escapes("AB%2FCD%C3%A4E"), "AB%2fCD%c3%a4E");
    }
}
