//! An HTTP response becomes the outcome of a call. Pure: no I/O, no clock.

use base64::Engine;
use serde_json::{Map, Value};

use super::failure::unclear;
use super::mask::Mask;
use crate::runtime::backend::{Content, Outcome};
use crate::runtime::error::CallError;
use crate::runtime::manifest::Effect;

/// Characters of an upstream's error text that the model is shown.
const DETAIL_MAX: usize = 600;

/// What came back, decoded.
#[derive(Debug, Clone)]
pub(super) struct Response {
    pub(super) status: u16,
    /// `Content-Type`, as sent.
    pub(super) content_type: Option<String>,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// Adds what fits of a chunk, whole characters only.
    pub(super) fn cut(&mut self, chunk: &[u8], cap: usize) {
        let room = cap.saturating_sub(self.body.len()).min(chunk.len());
        self.body
            .extend_from_slice(chunk.get(..room).unwrap_or_default());
        if let Err(error) = std::str::from_utf8(&self.body)
            && error.error_len().is_none()
        {
            self.body.truncate(error.valid_up_to());
        }
    }

    /// The media type without its parameters, lower case.
    fn essence(&self) -> String {
        let full = self.content_type.as_deref().unwrap_or_default();
        full.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    /// The body as text, in the charset that the response names (UTF-8 if none).
    fn text(&self) -> Result<String, String> {
        let full = self.content_type.as_deref().unwrap_or_default();
        let charset = full
            .split(';')
            .filter_map(|part| part.trim().split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase());
        match charset.as_deref() {
            Some("iso-8859-1" | "latin1" | "windows-1252") => {
                Ok(self.body.iter().map(|b| char::from(*b)).collect())
            }
            _ => String::from_utf8(self.body.clone()).map_err(|error| {
                format!(
                    "byte {} of the body is not UTF-8",
                    error.utf8_error().valid_up_to()
                )
            }),
        }
    }
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// The outcome of a response: content for a success, an error with status and bounded detail for
/// 400 and above.
pub(super) fn outcome(
    response: &Response,
    mask: &Mask,
    effect: Effect,
) -> Result<Outcome, CallError> {
    if response.status >= 400 {
        return Err(mask.failure(failure(response, mask, effect)));
    }
    if response.status < 200 {
        let error = CallError::new(
            "upstream_broken",
            format!(
                "the API answered {}, which is no answer to a call",
                response.status
            ),
        )
        .fact("status", response.status);
        return Err(unclear(effect, error));
    }
    if (300..400).contains(&response.status) && response.status != 304 {
        return Err(CallError::new("redirect_refused", format!("the API answered {} and points elsewhere", response.status))
            .hint("the redirect is not followed: it leaves the API's own origin, or the call is not a read")
            .fact("status", response.status));
    }
    let content = content(response).map_err(|error| unclear(effect, error))?;
    let note = match (response.status, &content) {
        (202, _) => {
            Some("the API accepted the request (202) and may still be working on it".to_owned())
        }
        (status, Content::Empty) => Some(format!("done: status {status}, no content")),
        _ => None,
    };
    Ok(mask.outcome(Outcome { content, note }))
}

fn content(response: &Response) -> Result<Content, CallError> {
    if response.body.is_empty() {
        return Ok(Content::Empty);
    }
    let essence = response.essence();
    let base64 = || base64::engine::general_purpose::STANDARD.encode(&response.body);
    let mime = essence.clone();
    Ok(match essence.as_str() {
        _ if is_json(&essence) => Content::Json(json(response)?),
        // An API that forgets its content type, or sends JSON under a wrong one, still sends JSON.
        "" | "text/plain" | "application/octet-stream" if looks_like_json(&response.body) => {
            match json(response) {
                Ok(value) => Content::Json(value),
                Err(_) => text_or_blob(response, mime),
            }
        }
        "image/svg+xml" => text_or_blob(response, mime),
        _ if essence.starts_with("image/") => Content::Image {
            mime,
            base64: base64(),
        },
        _ if essence.starts_with("audio/") => Content::Audio {
            mime,
            base64: base64(),
        },
        "text/html" => {
            return Err(CallError::new(
                "unexpected_html",
                "the API answered with an HTML page instead of data",
            )
            .hint("the base URL may be wrong, or a login page or proxy is in front of the API")
            .fact("status", response.status));
        }
        _ => text_or_blob(response, mime),
    })
}

fn looks_like_json(body: &[u8]) -> bool {
    body.iter()
        .find(|b| !b.is_ascii_whitespace())
        .is_some_and(|b| matches!(b, b'{' | b'['))
}

fn json(response: &Response) -> Result<Value, CallError> {
    serde_json::from_slice(&response.body).map_err(|error| {
        let what = if error.is_eof() {
            "ends in the middle"
        } else {
            "is not valid"
        };
        CallError::new(
            "invalid_json",
            format!(
                "the API's JSON {what} ({} bytes; {error})",
                response.body.len()
            ),
        )
        .hint("ask for less, or use another tool")
        .fact("status", response.status)
    })
}

fn text_or_blob(response: &Response, mime: String) -> Content {
    let texty = mime.starts_with("text/")
        || mime.is_empty()
        || mime.ends_with("xml")
        || mime.ends_with("yaml")
        || mime == "application/javascript";
    match response.text() {
        Ok(text) if texty && !text.contains('\0') => Content::Text(text),
        _ => Content::Blob {
            mime: if mime.is_empty() {
                "application/octet-stream".to_owned()
            } else {
                mime
            },
            base64: base64::engine::general_purpose::STANDARD.encode(&response.body),
        },
    }
}

/// Status 400 and above: what the model can do depends on the status alone; the API's own words are
/// shown as a bounded detail.
fn failure(response: &Response, mask: &Mask, effect: Effect) -> CallError {
    let status = response.status;
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("unknown status");
    let mut message = format!("the API answered {status} {reason}");
    if let Some(detail) = detail(response, mask) {
        message.push_str(": ");
        message.push_str(&detail);
    }
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
    let mut error = CallError::new(code, message)
        .hint(hint)
        .fact("status", status);
    error.retryable = retryable;
    // "Come back later" says that nothing was done; any other failure of a server leaves it open.
    let later = status == 503 && response.retry_after.is_some();
    if (500..=599).contains(&status) && !later {
        error = unclear(effect, error);
    }
    if let Some(seconds) = retry_seconds(response) {
        error.hint = Some(format!("wait {seconds} seconds before the next call"));
        error = error.fact("retry_after_seconds", seconds);
    }
    error
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3); a date is left to the reader, since there is no
/// clock here.
fn retry_seconds(response: &Response) -> Option<u64> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    response.retry_after.as_deref()?.trim().parse().ok()
}

/// What the API says, without markup, control characters and excess.
fn detail(response: &Response, mask: &Mask) -> Option<String> {
    let essence = response.essence();
    let text = if is_json(&essence) {
        match serde_json::from_slice::<Value>(&response.body).ok()? {
            Value::Object(object) => {
                told(&object).unwrap_or_else(|| Value::Object(object).to_string())
            }
            other => other.to_string(),
        }
    } else if essence == "text/html" || essence.starts_with("image/") {
        return None;
    } else {
        response.text().ok()?
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

/// `title` and `detail` of a problem (RFC 9457 §3.1), with nothing else beside them.
fn told(object: &Map<String, Value>) -> Option<String> {
    let known = ["type", "title", "status", "detail", "instance"];
    if !object.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    match (text("title"), text("detail")) {
        (Some(title), Some(detail)) => Some(format!("{title}: {detail}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn response(status: u16, content_type: &str, body: &str) -> Response {
        Response {
            status,
            content_type: Some(content_type.to_owned()).filter(|t| !t.is_empty()),
            retry_after: Some("7".to_owned()),
            body: body.as_bytes().to_vec(),
        }
    }

    fn read(response: &Response) -> Result<Outcome, CallError> {
        outcome(response, &Mask::default(), Effect::Read)
    }

    #[test]
    fn a_cut_body_ends_with_a_whole_character() {
        let mut cut = response(400, "text/plain", "ab");
        cut.cut("\u{20ac}c".as_bytes(), 4);
        assert_eq!(cut.body, b"ab");
        cut.cut("\u{20ac}c".as_bytes(), 5);
        assert_eq!(cut.body, "ab\u{20ac}".as_bytes());
    }

    #[test]
    fn contents() {
        for (content_type, body, want) in [
            (
                "application/json",
                r#"{"a":1.10}"#,
                Content::Json(serde_json::from_str(r#"{"a":1.10}"#).unwrap()),
            ),
            (
                "application/hal+json; charset=utf-8",
                "[1]",
                Content::Json(json!([1])),
            ),
            ("", "{}", Content::Json(json!({}))),
            ("text/plain", "hello", Content::Text("hello".into())),
            (
                "text/plain; charset=ISO-8859-1",
                "x",
                Content::Text("x".into()),
            ),
            (
                "image/png",
                "x",
                Content::Image {
                    mime: "image/png".into(),
                    base64: "eA==".into(),
                },
            ),
            (
                "audio/wav",
                "x",
                Content::Audio {
                    mime: "audio/wav".into(),
                    base64: "eA==".into(),
                },
            ),
            (
                "application/pdf",
                "x",
                Content::Blob {
                    mime: "application/pdf".into(),
                    base64: "eA==".into(),
                },
            ),
            ("application/json", "", Content::Empty),
        ] {
            assert_eq!(
                read(&response(200, content_type, body)).unwrap().content,
                want,
                "{content_type}"
            );
        }
    }

    #[test]
    fn failures_say_what_to_do() {
        for (status, content_type, body, code, text) in [
            (
                200,
                "application/json",
                r#"{"a":"#,
                "invalid_json",
                "ends in the middle",
            ),
            (200, "text/html", "<html>", "unexpected_html", "HTML page"),
            (302, "text/plain", "", "redirect_refused", "302"),
            (
                404,
                "text/html",
                "<html>secret</html>",
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
                500,
                "text/plain",
                "boom\u{1b}[31m",
                "upstream_failed",
                "boom",
            ),
            (429, "text/plain", "", "rate_limited", "wait 7 seconds"),
        ] {
            let error = read(&response(status, content_type, body)).unwrap_err();
            assert_eq!(error.code, code);
            assert!(
                error.text().contains(text) && !error.text().contains("secret"),
                "{}",
                error.text()
            );
            assert!(!error.text().contains('\u{1b}'));
        }
    }
}
