//! What a response brings: JSON, the items of a stream, text, or bytes. Pure: no I/O, no clock.

use base64::Engine;
use serde_json::{Value, json};

use super::response::{Body, Response, Told};
use super::stream::{self, End, Items};
use crate::runtime::backend::Content;
use crate::runtime::error::CallError;
use crate::runtime::media;

/// Media types under which APIs send JSON that they do not call so.
const MISLABELLED: [&str; 8] = [
    "",
    "text/plain",
    "text/html",
    "text/javascript",
    "application/javascript",
    "application/octet-stream",
    "application/x-json",
    "text/x-json",
];

/// What bytes are of which nothing is known (RFC 2046 §4.5.1).
const BYTES: &str = "application/octet-stream";
/// What may be the matter where a page comes in place of data.
const PAGE_HINT: &str =
    "the base URL may be wrong, or a login page or proxy is in front of the API";

/// The content of a success.
///
/// # Errors
///
/// It is not what it says that it is, or a page instead of data.
pub(super) fn content(response: &Response, told: &mut Told) -> Result<Content, CallError> {
    let body = match &response.body {
        Body::Bytes(body) => body,
        Body::Items(items) => return collected(response, items, told),
    };
    let mime = media::essence(response.content_type());
    if body.is_empty() || (media::is_json(&mime) && body.trim_ascii().is_empty()) {
        return Ok(without_content(response));
    }
    if media::is_json(&mime) {
        return json(response, told).map(Content::Json);
    }
    if MISLABELLED.contains(&mime.as_str())
        && looks_like(body, &["{", "["])
        && let Ok(value) = json(response, told)
    {
        return Ok(Content::Json(value));
    }
    let page = ["text/html", "application/xhtml+xml"].contains(&mime.as_str())
        || (mime.is_empty() && looks_like(body, &["<!doctype html", "<html"]));
    if page && !response.html {
        return Err(CallError::new(
            "unexpected_html",
            "the API answered with an HTML page instead of data",
        )
        .hint(PAGE_HINT)
        .fact("status", response.status));
    }
    let base64 = || base64::engine::general_purpose::STANDARD.encode(body);
    Ok(match mime.split('/').next() {
        Some("image") if mime != "image/svg+xml" => Content::Image {
            base64: base64(),
            mime,
        },
        Some("audio") => Content::Audio {
            base64: base64(),
            mime,
        },
        _ => text(response, &mime, told).unwrap_or_else(|| Content::Blob {
            base64: base64(),
            mime: Some(mime)
                .filter(|mime| !mime.is_empty())
                .unwrap_or(BYTES.to_owned()),
        }),
    })
}

/// The content of an answer that has none: a HEAD or OPTIONS request asks for headers.
fn without_content(response: &Response) -> Content {
    if !["HEAD", "OPTIONS"].contains(&response.method.as_str()) {
        return Content::Empty;
    }
    Content::Json(json!({"status": response.status, "headers": response.told()}))
}

/// Whether a body begins with one of these, in any case, after spaces.
fn looks_like(body: &[u8], beginnings: &[&str]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = body.trim_ascii_start();
    beginnings.iter().any(|beginning| {
        let head = body.get(..beginning.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(beginning.as_bytes())
    })
}

/// The items of a stream, and how far they were collected.
fn collected(response: &Response, items: &Items, told: &mut Told) -> Result<Content, CallError> {
    let count = items.values.len();
    if count == 0 && items.left_out > 0 {
        return Err(
            CallError::new("invalid_json", "no item of the API's stream is valid JSON")
                .hint("ask for less, or use another tool")
                .fact("status", response.status),
        );
    }
    let came = if count == 1 {
        "1 item".to_owned()
    } else {
        format!("{count} items")
    };
    let (ended, note) = match items.end {
        End::Whole => ("whole", None),
        End::Items => (
            "items",
            Some(format!(
                "the stream was closed after {came}; there may be more"
            )),
        ),
        End::Bytes => (
            "bytes",
            Some(format!(
                "the stream was closed after {came}, which is as much as is read; there is more"
            )),
        ),
        End::Time => (
            "time",
            Some(format!(
                "the stream did not end in time and was closed after {came}"
            )),
        ),
        End::Broken => ("broken", Some(format!("the stream broke off after {came}"))),
    };
    let cut = note.is_some();
    told.notes.extend(note);
    if items.left_out > 0 {
        told.note(format!(
            "items that are not valid JSON are left out: {}",
            items.left_out
        ));
    }
    if cut || items.left_out > 0 {
        told.fact(
            "stream",
            json!({"items": count, "left_out": items.left_out, "ended": ended}),
        );
    }
    Ok(Content::Json(Value::Array(items.values.clone())))
}

fn json(response: &Response, told: &mut Told) -> Result<Value, CallError> {
    let length = response.bytes().len();
    let invalid = |why: String, hint: &str| {
        let message = format!("the API's JSON {why}");
        CallError::new("invalid_json", message)
            .hint(hint)
            .fact("status", response.status)
    };
    let hint = "ask for less, or use another tool";
    let text = response
        .text()
        .map_err(|why| invalid(format!("is not valid ({length} bytes): it {why}"), hint))?;
    serde_json::from_str(&text).or_else(|error| {
        // Several values, one a line, that are not called what they are.
        if let Some(values) = stream::lines(&text) {
            told.note("the API's answer is JSON lines; they are items of a list here");
            return Ok(Value::Array(values));
        }
        let what = if error.is_eof() {
            "ends in the middle"
        } else {
            "is not valid"
        };
        let why = format!("{what} ({length} bytes; {error})");
        Err(match looks_like(text.as_bytes(), &["<"]) {
            true => invalid(format!("{why}: it is a page"), PAGE_HINT),
            false => invalid(why, hint),
        })
    })
}

/// Text, if it is some and can be read.
fn text(response: &Response, mime: &str, told: &mut Told) -> Option<Content> {
    if !mime.is_empty() && !media::is_text(mime) {
        return None;
    }
    match response.text() {
        Ok(text) => (!text.contains('\0')).then(|| Content::Text(text.into_owned())),
        Err(why) => {
            told.note(format!("the text {why}; its bytes are here as they came"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::sample;
    use super::*;

    fn read(content_type: &str, body: &str) -> Result<Content, CallError> {
        let response = sample(200, &[("content-type", content_type)], body.as_bytes());
        content(&response, &mut Told::default())
    }

    #[test]
    fn contents() {
        let text = |text: &str| Content::Text(text.to_owned());
        for (content_type, body, want) in [
            (
                "application/json",
                r#"{"a":1.10}"#,
                Content::Json(serde_json::from_str(r#"{"a":1.10}"#).unwrap()),
            ),
            (
                "application/hal+json; charset=utf-8",
                "\u{feff}[1]",
                Content::Json(json!([1])),
            ),
            ("", "{}", Content::Json(json!({}))),
            ("text/html", "\n{\"a\":1}", Content::Json(json!({"a": 1}))),
            (
                "application/json",
                "{}\n[1]\n",
                Content::Json(json!([{}, [1]])),
            ),
            ("text/plain", "hello", text("hello")),
            ("text/plain", "[x]", text("[x]")),
            ("text/plain; charset=ISO-8859-1", "x", text("x")),
            ("application/yaml", "a: 1", text("a: 1")),
            ("image/svg+xml", "<svg/>", text("<svg/>")),
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
            ("application/json", " \r\n", Content::Empty),
        ] {
            assert_eq!(read(content_type, body).unwrap(), want, "{content_type}");
        }
    }

    #[test]
    fn what_is_not_what_it_says() {
        for (content_type, body, code, told) in [
            (
                "application/json",
                r#"{"a":"#,
                "invalid_json",
                "ends in the middle",
            ),
            (
                "application/json",
                "<html>secret",
                "invalid_json",
                "it is a page",
            ),
            (
                "application/json; charset=koi8-r",
                "{}",
                "invalid_json",
                "`koi8-r`",
            ),
            ("text/html", "<html>secret", "unexpected_html", "HTML page"),
            (
                "",
                "\n<!DOCTYPE html>secret",
                "unexpected_html",
                "HTML page",
            ),
        ] {
            let error = read(content_type, body).unwrap_err();
            assert_eq!(error.code, code);
            let text = error.text();
            assert!(text.contains(told) && !text.contains("secret"), "{text}");
        }
    }
}
