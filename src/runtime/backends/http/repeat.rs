//! What is tried again, how often and when; and the key by which an API knows a repetition.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::header::HeaderName;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::request::Request;
use super::response::Response;
use super::{Endpoint, credential, failure, guard};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{
    CredentialSpec, HttpAction, KeyPlace, Retries, SourceSpec, ToolSpec,
};

/// Methods that may be repeated (RFC 9110 §9.2.2; a QUERY is a read): twice is as good as once.
const IDEMPOTENT: [&str; 6] = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "QUERY"];
/// Time before the second attempt; it doubles from one to the next.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest time between two attempts, unless the API says that it is longer.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What is tried again.
pub(super) struct Repeats {
    retries: Retries,
}

/// A request that is ready, and when its call ends.
pub(super) struct Outgoing<'a> {
    pub(super) request: &'a Request,
    pub(super) url: &'a Url,
    pub(super) additions: &'a credential::Additions,
    pub(super) deadline: Instant,
}

impl Repeats {
    /// What is tried again of a tool's calls: nothing, unless twice is as good as once by its method or
    /// by a key that goes with it. The Manifest alone does not decide that.
    pub(super) fn new(tool: &ToolSpec, action: &HttpAction) -> Self {
        let idempotent = tool.idempotent && IDEMPOTENT.contains(&action.method.as_str());
        let may = idempotent || action.idempotency_key.is_some();
        let retries = action.retries.clone().filter(|_| may);
        Self {
            retries: retries.unwrap_or_default(),
        }
    }

    /// How long to wait before another attempt; `None`: what came is the last word. `random` is any
    /// number: attempts of many callers do not come together.
    fn wait(
        &self,
        result: &Result<Response, CallError>,
        attempts: u32,
        left: Duration,
        random: u32,
    ) -> Option<Duration> {
        if attempts > self.retries.max {
            return None;
        }
        let asked = match result {
            Ok(response) if self.retries.statuses.contains(&response.status) => {
                response.retry_after().map(Duration::from_secs)
            }
            Err(error) if self.retries.connect && failure::is_unconnected(error) => None,
            _ => return None,
        };
        let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        let full = doubled.min(WAIT_MAX);
        let wait = full / 2 + (full / 2).mul_f64(f64::from(random) / f64::from(u32::MAX));
        let wait = asked.unwrap_or_default().max(wait);
        // What would come too late is not waited for.
        (wait < left).then_some(wait)
    }

    /// The failure of a call, with how often it was tried if it may be tried again.
    pub(super) fn told(&self, mut error: CallError, attempts: u32) -> CallError {
        if attempts < 2 || self.retries.max == 0 {
            return error;
        }
        error.message.push_str(&format!(" ({attempts} attempts)"));
        error.fact("attempts", attempts)
    }
}

impl Endpoint {
    /// Sends a request, again if need be. `attempts` counts.
    pub(super) async fn sent(
        &self,
        outgoing: &Outgoing<'_>,
        attempts: &AtomicU32,
    ) -> Result<Response, CallError> {
        let before = attempts.load(Ordering::Relaxed);
        loop {
            let so_far = attempts.fetch_add(1, Ordering::Relaxed) + 1 - before;
            let result = self.send(outgoing).await;
            let left = outgoing.deadline.saturating_duration_since(Instant::now());
            let [random, ..] = *Uuid::new_v4().as_bytes();
            let Some(wait) = self
                .repeats
                .wait(&result, so_far, left, u32::from(random) << 24)
            else {
                return result;
            };
            tracing::debug!(
                template = outgoing.request.template(),
                attempt = so_far,
                wait_ms = wait.as_millis(),
                "another attempt follows"
            );
            tokio::time::sleep(wait).await;
        }
    }

    /// The idempotency key of a call, if one goes with it.
    pub(super) fn key(&self, value: impl FnOnce() -> String) -> Option<(String, String)> {
        let header = self.action.idempotency_key.as_ref()?;
        Some((header.to_ascii_lowercase(), value()))
    }
}

/// Whether a header can hold a key; if not, why.
pub(super) fn usable(header: &str, spec: &SourceSpec) -> Result<(), &'static str> {
    let filled = |spec: &CredentialSpec| match spec {
        CredentialSpec::ApiKey {
            place: KeyPlace::Header,
            name,
            ..
        } => guard::same_name(name, header),
        _ => false,
    };
    let mut owners = spec.headers.keys();
    if HeaderName::try_from(header).is_err() {
        Err("not a header name")
    } else if guard::is_reserved_header(header) {
        Err("it is set by the HTTP client or a credential and can hold no idempotency key")
    } else if spec.credentials.values().any(filled) {
        Err("it holds a credential and can hold no idempotency key")
    } else if owners.any(|own| guard::same_name(own, header)) {
        Err("it has a value of its own and can hold no idempotency key")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::sample;
    use super::*;

    fn repeats(max: u32) -> Repeats {
        Repeats {
            retries: Retries {
                max,
                connect: true,
                statuses: vec![429, 503],
            },
        }
    }

    #[test]
    fn when_another_attempt_follows() {
        let answer = |status: u16, after: &str| Ok(sample(status, &[("retry-after", after)], b""));
        let unconnected = || Err(CallError::new("upstream_unreachable", ""));
        let broken = || Err(CallError::new("upstream_broken", ""));
        let ms = |ms: u64| Some(Duration::from_millis(ms));
        for (result, attempts, left, random, want) in [
            (answer(503, ""), 1, 30_000, 0, ms(100)),
            (answer(503, ""), 1, 30_000, u32::MAX, ms(200)),
            (answer(503, ""), 2, 30_000, u32::MAX, ms(400)),
            (answer(503, ""), 3, 30_000, u32::MAX, ms(800)),
            (answer(503, ""), 4, 30_000, 0, None),
            // Not beyond the deadline.
            (answer(503, ""), 3, 800, u32::MAX, None),
            (answer(503, ""), 3, 801, u32::MAX, ms(800)),
            // As the API asks, if there is time for it.
            (answer(429, "7"), 1, 30_000, 0, ms(7_000)),
            (answer(429, "7"), 1, 7_000, 0, None),
            (answer(429, "0"), 1, 30_000, 0, ms(100)),
            (answer(429, "99999999999999999"), 1, 30_000, 0, None),
            (answer(200, "7"), 1, 30_000, 0, None),
            (answer(500, "7"), 1, 30_000, 0, None),
            (unconnected(), 1, 30_000, 0, ms(100)),
            (unconnected(), 4, 30_000, 0, None),
            (broken(), 1, 30_000, 0, None),
        ] {
            let left = Duration::from_millis(left);
            let wait = repeats(3).wait(&result, attempts, left, random);
            assert_eq!(wait, want, "{result:?} {attempts} {left:?}");
        }
        let many = repeats(u32::MAX).wait(&unconnected(), 90, Duration::from_mins(1), u32::MAX);
        assert_eq!(many, Some(WAIT_MAX));
    }

    #[test]
    fn keys_go_in_headers_of_their_own() {
        let spec = serde_json::json!({"timeout_ms": 1, "max_response_bytes": 1,
            "headers": {"X-Tenant": "acme"},
            "credentials": {"key": {"api_key": {"place": "header", "name": "X-Api-Key", "env": "KEY"}}}});
        let spec: SourceSpec = serde_json::from_value(spec).unwrap();
        for (header, good) in [
            ("Idempotency-Key", true),
            ("X-Request-Id", true),
            ("x_api_key", false),
            ("x-tenant", false),
            ("Authorization", false),
            ("cookie", false),
            ("Content_Length", false),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(usable(header, &spec).is_ok(), good, "{header}");
        }
    }
}
