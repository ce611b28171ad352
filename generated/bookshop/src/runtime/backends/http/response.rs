//! An HTTP response becomes the outcome of a call. Pure: no I/O, no clock.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::LOCATION;
use serde_json::{Map, Value};
use url::{Position, Url};

use super::failure::{is_maybe_done, unclear};
use super::mask::Mask;
use super::refusal::Withheld;
use super::stream::Items;
use super::{charset, content, date, refusal};
use crate::runtime::backend::{Content, Outcome};
use crate::runtime::error::CallError;
use crate::runtime::manifest::Effect;

/// Longest place that the model is told, in bytes.
const LOCATION_MAX: usize = 2_000;
/// Longest header value that the model is told, in bytes.
const HEADER_MAX: usize = 1_000;

/// Headers that are told of an answer that has nothing else: they describe what a GET would bring
/// (RFC 9110 §8, §9.3.2, §10.2, RFC 9111 §5, RFC 8288 §3).
const TOLD: [&str; 14] = [
    "accept-ranges",
    "allow",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "link",
    "x-total-count",
    "x-total",
];

/// What came back, decoded.
#[derive(Debug, Clone)]
pub(super) struct Response {
    /// The method of the request.
    pub(super) method: String,
    pub(super) status: u16,
    /// What answered: where the last redirect led.
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Whether HTML is what the document promises.
    pub(super) html: bool,
    /// Seconds from 1970 to when it came.
    pub(super) now: u64,
    pub(super) body: Body,
}

/// The content of a response.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Bytes(Vec<u8>),
    Items(Items),
}

/// What the model and programs are told beside the content.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) notes: Vec<String>,
    facts: Vec<(&'static str, Value)>,
}

impl Told {
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn fact(&mut self, name: &'static str, value: impl Into<Value>) {
        self.facts.push((name, value.into()));
    }
}

impl Response {
    /// A header of which there is one, if it is visible ASCII.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Content-Type`, as sent; empty if it is not there.
    pub(super) fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    /// The bytes of the body.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Bytes(bytes) => bytes,
            Body::Items(_) => &[],
        }
    }

    /// The body as text; the error says why it is none.
    pub(super) fn text(&self) -> Result<Cow<'_, str>, String> {
        charset::decode(self.bytes(), self.content_type())
    }

    /// Seconds to wait, from a number or a date (RFC 9110 §10.2.3). A date is compared with the one that
    /// the API says it is, so that its clock need not be right.
    pub(super) fn retry_after(&self) -> Option<u64> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(seconds);
        }
        let then = date::seconds(value)?;
        let now = self.header("date").and_then(date::seconds);
        Some(then.saturating_sub(now.unwrap_or(self.now)))
    }

    /// Where the response points: path and query within the API's own origin, else the whole URL. One
    /// that holds a secret is not told.
    fn location(&self, mask: &Mask) -> Option<String> {
        let next = self.url.join(self.header(LOCATION.as_str())?).ok()?;
        let web = ["http", "https"].contains(&next.scheme());
        let plain = next.username().is_empty() && next.password().is_none();
        let told = if next.origin() == self.url.origin() {
            &next[Position::BeforePath..]
        } else {
            next.as_str()
        };
        let tellable = web && plain && told.len() <= LOCATION_MAX && !mask.is_in(told);
        tellable.then(|| told.to_owned())
    }

    /// The headers that say what there is to say of an answer without content.
    pub(super) fn told(&self) -> Map<String, Value> {
        let mut told = Map::new();
        for name in TOLD {
            let values = self.headers.get_all(name).iter();
            let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
            let value = values.join(", ");
            if !values.is_empty() && value.len() <= HEADER_MAX {
                told.insert(name.to_owned(), value.into());
            }
        }
        told
    }
}

/// The outcome of a response: content for a success, an error with status and bounded detail for
/// 400 and above.
pub(super) fn outcome(
    response: &Response,
    mask: &Mask,
    withheld: &Withheld,
    effect: Effect,
) -> Result<Outcome, CallError> {
    let status = response.status;
    if status >= 400 {
        return Err(mask.failure(refusal::failure(response, mask, withheld, effect)));
    }
    if status < 200 {
        let error = CallError::new(
            "upstream_broken",
            format!("the API answered {status}, which is no answer to a call"),
        )
        .fact("status", status);
        return Err(unclear(effect, error));
    }
    if (300..400).contains(&status) && status != 304 {
        let error = CallError::new("redirect_refused", format!("the API answered {status} and points elsewhere"))
            .hint("the redirect is not followed: it leaves the API's own origin, or the call is not a read")
            .fact("status", status);
        // The others ask for the same request elsewhere; these may point to what came of it
        // (RFC 9110 §15.4).
        let done = matches!(status, 301..=303);
        return Err(if done { unclear(effect, error) } else { error });
    }
    let mut told = Told::default();
    let content = content::content(response, &mut told).map_err(|error| unclear(effect, error))?;
    course(response, mask, &content, &mut told);
    if !told.facts.is_empty() {
        told.facts.insert(0, ("status", status.into()));
    }
    Ok(mask.outcome(Outcome {
        content,
        note: (!told.notes.is_empty()).then(|| told.notes.join("; ")),
        facts: told.facts,
        truncated: Map::new(),
    }))
}

/// What to do about a redirect of which none is followed.
pub(super) fn no_redirects(error: &mut CallError) {
    if error.code == "redirect_refused" && !error.hint.as_deref().is_some_and(is_maybe_done) {
        let hint = "this server follows no redirect; its owner can check the base URL";
        error.hint = Some(hint.to_owned());
    }
}

/// What became of the call, where the content alone does not tell: work that goes on, what was made and
/// where, or nothing.
fn course(response: &Response, mask: &Mask, content: &Content, told: &mut Told) {
    let location = match response.status {
        201 | 202 => response.location(mask),
        _ => None,
    };
    match (response.status, &location) {
        (202, _) => told.note("the API accepted the request (202) and may still be working on it"),
        (201, Some(place)) => told.note(format!("made at {place}")),
        (304, _) => told.note("not modified: status 304, no content"),
        (status, _) if *content == Content::Empty => {
            told.note(format!("done: status {status}, no content"));
        }
        _ => {}
    }
    if let Some(place) = location {
        if response.status == 202 {
            told.note(format!("how far it is: {place}"));
        }
        told.fact("location", place);
    }
    if let (202, Some(seconds)) = (response.status, response.retry_after()) {
        told.note(format!("look again in {seconds} seconds"));
        told.fact("retry_after_seconds", seconds);
    }
}

/// A response of a shop; a header with an empty value is not there.
#[cfg(test)]
pub(super) fn sample(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
    use http::header::{HeaderName, HeaderValue};
    let given = headers.iter().filter(|(_, value)| !value.is_empty());
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::try_from(*name).unwrap();
        (name, HeaderValue::try_from(*value).unwrap())
    };
    Response {
        method: "GET".to_owned(),
        status,
        url: Url::parse("https://api.example/v1/orders").unwrap(),
        headers: given.map(pair).collect(),
        html: false,
        now: 784_111_777,
        body: Body::Bytes(body.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(response: &Response) -> Result<Outcome, CallError> {
        outcome(
            response,
            &Mask::default(),
            &Withheld::default(),
            Effect::Read,
        )
    }

    #[test]
    fn when_to_come_back() {
        let of = |headers: &[(&str, &str)]| sample(429, headers, b"").retry_after();
        let date = "Sun, 06 Nov 1994 08:50:07 GMT";
        let own = "Sun, 06 Nov 1994 08:50:00 GMT";
        for (headers, want) in [
            (&[("retry-after", "7")][..], Some(7)),
            (&[("retry-after", " 0 ")], Some(0)),
            (&[("retry-after", date)], Some(30)),
            (&[("retry-after", date), ("date", own)], Some(7)),
            (&[("retry-after", own), ("date", date)], Some(0)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "1.5")], None),
            (&[], None),
        ] {
            assert_eq!(of(headers), want, "{headers:?}");
        }
    }

    #[test]
    fn where_it_is() {
        for (status, location, note) in [
            (201, "/v1/orders/7?a=b", "made at /v1/orders/7?a=b"),
            (201, "orders/7", "made at /v1/orders/7"),
            (201, "https://api.example:443/x", "made at /x"),
            (
                201,
                "https://other.example/x",
                "made at https://other.example/x",
            ),
            (201, "javascript:alert(1)", "done: status 201, no content"),
            (
                201,
                "https://a:b@other.example/x",
                "done: status 201, no content",
            ),
            (201, "https://", "done: status 201, no content"),
            (200, "/x", "done: status 200, no content"),
            (
                202,
                "/jobs/7",
                "the API accepted the request (202) and may still be working on it; how far it is: /jobs/7",
            ),
        ] {
            let found = read(&sample(status, &[("location", location)], b"")).unwrap();
            assert_eq!(found.note.as_deref(), Some(note), "{location}");
            let fact = found.facts.iter().any(|(name, _)| *name == "location");
            assert_eq!(fact, note.contains('/'), "{location}");
        }
        let long = format!("/{}", "x".repeat(3_000));
        let found = read(&sample(201, &[("location", &long)], b"")).unwrap();
        assert!(found.facts.is_empty());
    }
}
