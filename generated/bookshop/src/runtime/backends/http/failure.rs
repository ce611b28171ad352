//! Calls that brought no answer, in words for the model. Addresses and URLs stay in the log.

use std::time::Duration;

use super::dial;
use crate::runtime::error::CallError;
use crate::runtime::manifest::Effect;

/// What a model reads of a call that changes something and brought no clear answer.
const MAYBE_DONE: &str = "the call may have had its effect; check before repeating it";

/// The error as it is for a call of this effect: only a read may be repeated without a look.
pub(super) fn unclear(effect: Effect, mut error: CallError) -> CallError {
    if effect == Effect::Read {
        return error;
    }
    error.retryable = false;
    error.hint(MAYBE_DONE)
}

/// Whether a hint says that the call may have had its effect.
pub(super) fn is_maybe_done(hint: &str) -> bool {
    hint == MAYBE_DONE
}

/// No answer within the deadline.
pub(super) fn timed_out(effect: Effect, deadline: Duration) -> CallError {
    let error = CallError::new(
        "timeout",
        format!("the API did not answer within {} s", deadline.as_secs_f64()),
    );
    unclear(effect, error.hint("try again, or ask for less").retryable())
}

/// A request that brought no answer. Upstream addresses stay in the log.
pub(super) fn unsent(effect: Effect, template: &str, error: &reqwest::Error) -> CallError {
    if let Some(refused) = cause::<dial::Refused>(error) {
        return refused_address(*refused);
    }
    let text = without_url(error);
    tracing::warn!(template, error = %text, "no answer from upstream");
    // What a TLS client says of an answer in the clear.
    if text.contains("InvalidContentType") {
        return CallError::new(
            "tls_failed",
            "no secure connection to the API: it does not speak TLS",
        )
        .hint("the owner can check the scheme and port of the base URL");
    }
    if text.contains("certificate") || text.contains("handshake") || text.contains("tls") {
        return CallError::new(
            "tls_failed",
            "no secure connection to the API: its certificate is not accepted",
        )
        .hint("the owner can trust a certificate authority with --ca-cert");
    }
    if error.is_connect() {
        return CallError::new(
            "upstream_unreachable",
            "the API cannot be reached; nothing was sent",
        )
        .hint("try again later; the owner can check the base URL and the network")
        .retryable();
    }
    cut_short(effect, error)
}

/// Whether no connection came about, and so nothing was sent.
pub(super) fn is_unconnected(error: &CallError) -> bool {
    error.code == "upstream_unreachable"
}

/// An answer that ended early.
pub(super) fn cut_short(effect: Effect, error: &reqwest::Error) -> CallError {
    tracing::warn!(error = %without_url(error), "an answer from upstream is broken");
    let failure = CallError::new(
        "upstream_broken",
        "the API's answer ended early or cannot be decoded",
    );
    unclear(effect, failure.hint("try again").retryable())
}

/// An address that is not dialled.
pub(super) fn refused_address(why: dial::Refused) -> CallError {
    CallError::new(
        "refused_address",
        format!("the API's host is not dialled: {why}"),
    )
    .hint("the owner of this server can allow the host by naming it: --base-url")
}

/// The first cause of a type, however deep.
pub(super) fn cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The error with its causes and without its URL: a query may hold a credential.
pub(super) fn without_url(error: &reqwest::Error) -> String {
    let url = error.url().map(ToString::to_string).unwrap_or_default();
    let text = chain(error);
    if url.is_empty() {
        text
    } else {
        text.replace(&url, "<url>")
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
