//! Reads an answer to its end, or as far as it is wanted [I/O].

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::request::Request;
use super::response::{Body, Response};
use super::stream::{self, Collector, End, Items};
use super::{Endpoint, failure};
use crate::runtime::error::CallError;

impl Endpoint {
    /// Reads the body, decoded, up to the cap. `started` is when the request was sent, `deadline` when
    /// the call ends.
    pub(super) async fn read(
        &self,
        answer: reqwest::Response,
        request: &Request,
        started: Instant,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut response = Response {
            method: request.method().to_owned(),
            status: answer.status().as_u16(),
            url: answer.url().clone(),
            headers: answer.headers().clone(),
            html: request.accepts("text/html"),
            now: now.map(|now| now.as_secs()).unwrap_or_default(),
            body: Body::Bytes(Vec::new()),
        };
        // What is left of the time is for telling what came.
        let until = started + deadline.saturating_duration_since(started) / 10 * 9;
        // These have no content, whatever they say of it (RFC 9110 §9.3.2, §15.3.5, §15.3.6).
        let bodiless = response.method == "HEAD" || matches!(response.status, 204 | 205);
        let streams = (200..300).contains(&response.status) && !bodiless;
        response.body = match stream::kind(response.content_type()).filter(|_| streams) {
            Some(kind) => Body::Items(self.collect(answer, kind, until).await?),
            None => Body::Bytes(self.whole(answer, response.status, until).await?),
        };
        Ok(response)
    }

    fn bytes_max(&self) -> usize {
        usize::try_from(self.upstream.spec.max_response_bytes).unwrap_or(usize::MAX)
    }

    async fn whole(
        &self,
        mut answer: reqwest::Response,
        status: u16,
        until: Instant,
    ) -> Result<Vec<u8>, CallError> {
        let cap = self.bytes_max();
        let mut body: Vec<u8> = Vec::new();
        // The status of an error says what happened: of the rest a detail is shown, if it comes.
        let failed = status >= 400;
        loop {
            let chunk = if failed {
                let chunk = tokio::time::timeout_at(until, answer.chunk()).await;
                chunk.unwrap_or(Ok(None))
            } else {
                answer.chunk().await
            };
            let chunk = match chunk {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(body),
                Err(_) if failed => return Ok(body),
                Err(error) => return Err(failure::cut_short(self.effect, &error)),
            };
            if body.len() + chunk.len() > cap {
                if failed {
                    cut(&mut body, &chunk, cap);
                    return Ok(body);
                }
                let error = too_large(cap).fact("status", status);
                return Err(failure::unclear(self.effect, error));
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// Collects a stream to its bounds; then the connection is closed.
    async fn collect(
        &self,
        mut answer: reqwest::Response,
        kind: stream::Kind,
        until: Instant,
    ) -> Result<Items, CallError> {
        let mut collector = Collector::new(kind, self.bytes_max());
        let end = loop {
            match tokio::time::timeout_at(until, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    if let Some(end) = collector.push(&chunk) {
                        break end;
                    }
                }
                Ok(Ok(None)) => break End::Whole,
                Ok(Err(error)) => {
                    let error = failure::cut_short(self.effect, &error);
                    if collector.is_empty() {
                        return Err(error);
                    }
                    break End::Broken;
                }
                Err(_) => break End::Time,
            }
        };
        if end == End::Bytes && collector.is_empty() {
            let error = too_large(self.bytes_max());
            return Err(failure::unclear(self.effect, error));
        }
        Ok(collector.finish(end))
    }
}

fn too_large(cap: usize) -> CallError {
    CallError::new(
        "response_too_large",
        format!("the API's answer is larger than {cap} bytes"),
    )
    .hint("ask for less: a smaller page, fewer fields or a narrower filter")
}

/// Adds what fits of a chunk, whole characters only.
fn cut(body: &mut Vec<u8>, chunk: &[u8], cap: usize) {
    let room = cap.saturating_sub(body.len()).min(chunk.len());
    body.extend_from_slice(chunk.get(..room).unwrap_or_default());
    if let Err(error) = std::str::from_utf8(body)
        && error.error_len().is_none()
    {
        body.truncate(error.valid_up_to());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_body_ends_with_a_whole_character() {
        let mut body = b"ab".to_vec();
        cut(&mut body, "\u{20ac}c".as_bytes(), 4);
        assert_eq!(body, b"ab");
        cut(&mut body, "\u{20ac}c".as_bytes(), 5);
        assert_eq!(body, "ab\u{20ac}".as_bytes());
    }
}
