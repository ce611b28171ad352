//! Status 400 and above: what the model can do depends on the status alone; the API's own words are shown
//! as a bounded detail, and a problem (RFC 9457) as data beside it. Pure: no I/O, no clock.

use serde_json::{Map, Value};

use super::failure::unclear;
use super::mask::Mask;
use super::response::Response;
use crate::runtime::error::CallError;
use crate::runtime::manifest::Effect;
use crate::runtime::media;
use crate::runtime::shape::Paths;

/// Characters of an upstream's error text that the model is shown.
const DETAIL_MAX: usize = 600;
/// Most bytes of a problem that is passed on whole.
const PROBLEM_MAX: usize = 4_096;
/// The members that every problem may have (RFC 9457 §3.1).
const MEMBERS: [&str; 5] = ["type", "title", "status", "detail", "instance"];

/// What is kept out of errors that an API tells: what its answers are passed on without.
#[derive(Debug, Default)]
pub(super) struct Withheld {
    paths: Option<Paths>,
    /// The members that the paths end with: an error has another form than an answer, and may hold the
    /// same under another place.
    names: Vec<String>,
}

impl Withheld {
    pub(super) fn new(pointers: &[String]) -> Self {
        Self {
            paths: Paths::new(pointers),
            names: Paths::names(pointers),
        }
    }

    /// The value without what is withheld.
    fn from(&self, mut value: Value) -> Value {
        if let Some(paths) = &self.paths {
            paths.remove(&mut value);
            self.without_names(&mut value);
        }
        value
    }

    /// Whether a text that is no JSON may hold it.
    fn may_be_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let named = |name: &String| text.contains(&name.to_lowercase());
        self.paths.is_some() && (text.contains('{') || self.names.iter().any(named))
    }

    fn without_names(&self, value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.retain(|key, _| !self.names.contains(key));
                object
                    .values_mut()
                    .for_each(|value| self.without_names(value));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.without_names(item)),
            _ => {}
        }
    }
}

/// The failure that a response is.
pub(super) fn failure(
    response: &Response,
    mask: &Mask,
    withheld: &Withheld,
    effect: Effect,
) -> CallError {
    let status = response.status;
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("unknown status");
    let mut message = format!("the API answered {status} {reason}");
    if let Some(detail) = detail(response, mask, withheld) {
        message.push_str(": ");
        message.push_str(&detail);
    }
    let mut error = advised(status, message).fact("status", status);
    // "Come back later" says that nothing was done; any other failure of a server leaves it open.
    let later = status == 503 && response.header("retry-after").is_some();
    if (500..=599).contains(&status) && !later {
        error = unclear(effect, error);
    }
    if let Some(seconds) = response.retry_after() {
        if matches!(status, 429 | 503) {
            error.hint = Some(format!("wait {seconds} seconds before the next call"));
        }
        error = error.fact("retry_after_seconds", seconds);
    }
    match problem(response, withheld) {
        Some(problem) => error.fact("problem", problem),
        None => error,
    }
}

/// The failure of a status: its code, what the model can do, and whether the same call may work later.
fn advised(status: u16, message: String) -> CallError {
    let (code, hint, retryable) = match status {
        400 | 422 => (
            "upstream_rejected",
            "correct the arguments by what the API says",
            false,
        ),
        401 => (
            "upstream_unauthorized",
            "the server's credential is missing or not valid; the owner has to set it",
            false,
        ),
        403 => (
            "upstream_forbidden",
            "the server's credential does not allow this",
            false,
        ),
        404 | 410 => (
            "upstream_not_found",
            "check the identifiers; a list or search tool may find the right one",
            false,
        ),
        409 | 412 => (
            "upstream_conflict",
            "read the current state, then decide again",
            false,
        ),
        429 => ("rate_limited", "wait before the next call", true),
        500..=599 => (
            "upstream_failed",
            "the API has a problem of its own; try again later",
            true,
        ),
        _ => (
            "upstream_error",
            "correct the arguments by what the API says",
            false,
        ),
    };
    let mut error = CallError::new(code, message).hint(hint);
    error.retryable = retryable;
    error
}

/// What the API says, without markup, control characters and excess.
fn detail(response: &Response, mask: &Mask, withheld: &Withheld) -> Option<String> {
    let essence = media::essence(response.content_type());
    if essence == "text/html" || essence.starts_with("image/") {
        return None;
    }
    let text = response.text().ok()?.into_owned();
    let json = media::is_json(&essence);
    // What is withheld must be found, whatever the answer is called.
    let looked_at =
        json || withheld.paths.is_some() && text.trim_start().starts_with(['{', '[', '"']);
    let text = if looked_at {
        match withheld.from(serde_json::from_str(&text).ok()?) {
            Value::Object(object) => {
                let own = essence == "application/problem+json";
                told(&object, own).unwrap_or_else(|| Value::Object(object).to_string())
            }
            other => other.to_string(),
        }
    } else if withheld.may_be_in(&text) {
        return None;
    } else {
        text
    };
    // Before the text is cut: half a secret is one too.
    let clean: String = mask
        .text(text)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let clean = clean.trim();
    let mut short: String = clean.chars().take(DETAIL_MAX).collect();
    if clean.chars().count() > DETAIL_MAX {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

/// `title` and `detail` of a problem (RFC 9457 §3.1), then what it has beside the members of every
/// problem. Another object is told in these words only if it has nothing else.
fn told(object: &Map<String, Value>, is_problem: bool) -> Option<String> {
    let mut further = object.clone();
    further.retain(|key, _| !MEMBERS.contains(&key.as_str()));
    if !is_problem && !further.is_empty() {
        return None;
    }
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let mut told = match (text("title"), text("detail")) {
        (Some(title), Some(detail)) => format!("{title}: {detail}"),
        (one, other) => one.or(other)?.to_owned(),
    };
    if !further.is_empty() {
        told.push_str(&format!(" {}", Value::Object(further)));
    }
    Some(told)
}

/// A problem as data: whole, or its own members if it is large. A member of the wrong type is as if it
/// were not there (RFC 9457 §3.1).
fn problem(response: &Response, withheld: &Withheld) -> Option<Value> {
    if media::essence(response.content_type()) != "application/problem+json" {
        return None;
    }
    let value = serde_json::from_str(&response.text().ok()?).ok()?;
    let Value::Object(mut object) = withheld.from(value) else {
        return None;
    };
    object.retain(|key, value| match key.as_str() {
        "status" => value.is_number(),
        key if MEMBERS.contains(&key) => value.is_string(),
        _ => true,
    });
    if Value::Object(object.clone()).to_string().len() > PROBLEM_MAX {
        object.retain(|key, _| MEMBERS.contains(&key.as_str()));
        for value in object.values_mut() {
            if let Value::String(text) = value {
                *text = text.chars().take(DETAIL_MAX).collect();
            }
        }
    }
    (!object.is_empty()).then_some(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::super::response::sample;
    use super::*;
    use serde_json::json;

    fn read(status: u16, content_type: &str, body: &str) -> CallError {
        let headers = [("content-type", content_type), ("retry-after", "7")];
        let response = sample(status, &headers, body.as_bytes());
        failure(
            &response,
            &Mask::default(),
            &Withheld::default(),
            Effect::Read,
        )
    }

    #[test]
    fn failures_say_what_to_do() {
        for (status, content_type, body, code, text) in [
            (
                404,
                "text/html",
                "<p>secret",
                "upstream_not_found",
                "404 Not Found",
            ),
            (
                409,
                "application/problem+json",
                r#"{"title":"T","detail":"D"}"#,
                "upstream_conflict",
                "T: D",
            ),
            (
                422,
                "application/problem+json",
                r#"{"title":"T","status":422,"errors":[{"pointer":"/a"}]}"#,
                "upstream_rejected",
                r#"T {"errors":[{"pointer":"/a"}]}"#,
            ),
            (
                500,
                "text/plain",
                "boom\u{1b}[31m",
                "upstream_failed",
                "boom",
            ),
            (429, "text/plain", "", "rate_limited", "wait 7 seconds"),
        ] {
            let error = read(status, content_type, body);
            assert_eq!(error.code, code);
            let told = error.text();
            assert!(told.contains(text) && !told.contains("secret"), "{told}");
            assert!(!told.contains('\u{1b}'));
        }
    }

    #[test]
    fn a15_what_is_dropped_does_not_come_back_in_an_error() {
        let withheld = Withheld::new(&["/customer/email".to_owned(), "/cards/*".to_owned()]);
        let secret = "canary@shop.example";
        for (content_type, body) in [
            (
                "application/json",
                json!({"message": "no", "customer": {"id": 7, "email": secret}}),
            ),
            (
                "application/problem+json",
                json!({"title": "no", "customer": {"email": secret}}),
            ),
            // Not where it is in an answer, but by its name.
            (
                "application/problem+json",
                json!({"title": "no", "context": [{"email": secret}]}),
            ),
            (
                "application/json",
                json!({"title": "no", "email": [secret]}),
            ),
            (
                "application/json",
                json!({"error": "no", "cards": [secret]}),
            ),
            // Not called what it is.
            (
                "text/plain",
                json!({"message": "no", "customer": {"email": secret}}),
            ),
            ("", json!([{"message": "no", "email": secret}])),
        ] {
            let response = sample(
                422,
                &[("content-type", content_type)],
                body.to_string().as_bytes(),
            );
            let error = failure(&response, &Mask::default(), &withheld, Effect::Read);
            let told = format!("{} {:?}", error.text(), error.facts);
            assert!(told.contains("no") && !told.contains("canary"), "{told}");
        }
        // Where it cannot be found and taken away, nothing is told.
        for text in [
            format!("{{\"email\": \"{secret}\""),
            format!("Invalid: {{\"mail\": \"{secret}\"}}"),
            format!("The E-mail/Email {secret} is taken"),
        ] {
            let response = sample(422, &[("content-type", "text/plain")], text.as_bytes());
            let error = failure(&response, &Mask::default(), &withheld, Effect::Read);
            assert!(!error.text().contains("canary"), "{}", error.text());
        }
        let response = sample(422, &[("content-type", "text/plain")], b"too late");
        let error = failure(&response, &Mask::default(), &withheld, Effect::Read);
        assert!(error.text().contains("too late"), "{}", error.text());
    }

    #[test]
    fn problems_are_data() {
        let fact = |content_type: &str, body: &str| {
            let mut facts = read(400, content_type, body).facts.into_iter();
            facts.find_map(|(name, value)| (name == "problem").then_some(value))
        };
        let of = |body: &str| fact("application/problem+json", body);
        let odd = r#"{"type":"about:blank","title":7,"status":"x","detail":null,"balance":30}"#;
        let want = json!({"type": "about:blank", "balance": 30});
        assert_eq!(of(odd), Some(want));
        let large = json!({"title": "T".repeat(2_000), "log": "x".repeat(5_000)});
        let cut = json!({"title": "T".repeat(600)});
        assert_eq!(of(&large.to_string()), Some(cut));
        for none in ["", "{", "[]", "{}"] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(fact("application/json", r#"{"title":"T"}"#), None);
    }
}
