//! Fetches a token with client credentials (RFC 6749 §4.4): one POST to the token URL, no redirect, a
//! bounded answer. What goes wrong is told in words of our own: nothing that the endpoint says reaches
//! a model or a log, apart from the names of errors that the standard defines.

use std::time::Duration;

use base64::Engine;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use indexmap::IndexMap;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::token::{Granted, Wanted};
use super::upstream::Upstream;
use super::{dial, failure};
use crate::runtime::config::{Credential, Secret};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{ClientAuth, CredentialSpec, place};

/// Longest time for one request to a token endpoint.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Most bytes of its decoded answer.
const ANSWER_MAX: usize = 64 * 1024;
/// Longest token, in bytes: a server takes no longer header.
const TOKEN_MAX: usize = 16 * 1024;
/// Errors of a token endpoint (RFC 6749 §5.2).
const ERRORS: [&str; 6] = [
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// Who has to do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cure {
    /// The owner, to the client's identifier and secret.
    Credentials,
    /// The owner, to the URL.
    Url,
    /// Nobody: it may pass.
    Time,
}

/// Why there is no token.
type Failed = (String, Cure);

/// Fetches a token.
///
/// # Errors
///
/// `no_token`, without a word of the endpoint's own.
pub(super) async fn fetch(upstream: &Upstream, wanted: &Wanted) -> Result<Granted, CallError> {
    let spec = upstream.spec.credentials.get(&wanted.scheme);
    let credential = upstream.config.credentials.get(&wanted.scheme);
    let (
        Some(CredentialSpec::ClientCredentials {
            env_id,
            env_secret,
            token_url,
            auth,
            fields,
            ..
        }),
        Some(Credential::Client(id, secret)),
    ) = (spec, credential)
    else {
        return Err(none("its security scheme fetches none").hint("use another tool"));
    };
    let asked = Asked {
        scopes: &wanted.scopes,
        fields,
        auth: *auth,
        id,
        secret,
    };
    let exchange = exchange(upstream, token_url, &asked);
    let late = || {
        let seconds = TIMEOUT.as_secs();
        let why = format!("the token endpoint did not answer within {seconds} s");
        Err((why, Cure::Time))
    };
    let outcome = tokio::time::timeout(TIMEOUT, exchange).await;
    outcome.unwrap_or_else(|_| late()).map_err(|(why, cure)| {
        tracing::warn!(scheme = %wanted.scheme, why, "no token");
        match cure {
            Cure::Credentials => {
                let both = [env_id, env_secret].map(|name| place(name));
                let both: Vec<String> = both.into_iter().flatten().collect();
                none(&why).hint(format!(
                    "the owner of this server has to check {}",
                    both.join(" and ")
                ))
            }
            Cure::Url => none(&why).hint(
                "the owner of this server has to check the token URL, or name it: --token-url",
            ),
            Cure::Time => none(&why)
                .hint("try again later; the owner can check the token URL and the network")
                .retryable(),
        }
    })
}

/// The deadline of the call passed before there was a token.
pub(super) fn timed_out(deadline: Duration) -> CallError {
    let seconds = deadline.as_secs_f64();
    none(&format!(
        "the token endpoint did not answer within {seconds} s"
    ))
    .hint("try again later; the owner can check the token URL and the network")
    .retryable()
}

fn none(why: &str) -> CallError {
    let message = format!("there is no token for this call: {why}; nothing was sent to the API");
    CallError::new("no_token", message)
}

/// Identifier and secret as they are sent (RFC 6749 §2.3.1): each form-encoded, a colon between.
pub(super) fn user_password(id: &Secret, secret: &Secret) -> String {
    let encoded = |text: &Secret| -> String {
        form_urlencoded::byte_serialize(text.reveal().as_bytes()).collect()
    };
    format!("{}:{}", encoded(id), encoded(secret))
}

/// What a token is asked for with.
struct Asked<'a> {
    scopes: &'a [String],
    fields: &'a IndexMap<String, String>,
    auth: ClientAuth,
    id: &'a Secret,
    secret: &'a Secret,
}

async fn exchange(
    upstream: &Upstream,
    token_url: &str,
    asked: &Asked<'_>,
) -> Result<Granted, Failed> {
    let url = |why: &str| (why.to_owned(), Cure::Url);
    let target = Url::parse(token_url).map_err(|_| url("the token URL cannot be used"))?;
    let trusted = upstream.trusts(&target);
    if target.scheme() != "https" && !trusted {
        return Err(url("the document's token URL is not encrypted"));
    }
    let refused = |why: dial::Refused| (format!("the token URL is not dialled: {why}"), Cure::Url);
    dial::check_url(&target, upstream.reach(trusted)).map_err(refused)?;
    let client = upstream
        .client(trusted)
        .map_err(|_| url("the token URL cannot be used"))?;
    let request = request(target, asked)?;
    let mut answer = client.execute(request).await.map_err(|e| unsent(&e))?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| unsent(&e))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            let why = format!("the token endpoint's answer is larger than {ANSWER_MAX} bytes");
            return Err((why, Cure::Url));
        }
        body.extend_from_slice(&chunk);
    }
    let granted = read(status, &body)?;
    tracing::debug!(status, lifetime = ?granted.lifetime, "token fetched");
    Ok(granted)
}

/// The request for a token (RFC 6749 §4.4.2).
fn request(target: Url, asked: &Asked<'_>) -> Result<reqwest::Request, Failed> {
    let mut request = reqwest::Request::new(http::Method::POST, target);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("grant_type", "client_credentials");
    if !asked.scopes.is_empty() {
        body.append_pair("scope", &asked.scopes.join(" "));
    }
    body.extend_pairs(asked.fields);
    match asked.auth {
        ClientAuth::Basic => {
            let text = user_password(asked.id, asked.secret);
            let text = base64::engine::general_purpose::STANDARD.encode(text);
            let mut basic = HeaderValue::from_str(&format!("Basic {text}")).map_err(|_| {
                let why = "its credentials cannot be sent";
                (why.to_owned(), Cure::Credentials)
            })?;
            basic.set_sensitive(true);
            headers.insert(AUTHORIZATION, basic);
        }
        ClientAuth::Form => {
            body.append_pair("client_id", asked.id.reveal());
            body.append_pair("client_secret", asked.secret.reveal());
        }
    }
    *request.body_mut() = Some(body.finish().into());
    Ok(request)
}

/// A request that brought no answer.
fn unsent(error: &reqwest::Error) -> Failed {
    if let Some(refused) = failure::cause::<dial::Refused>(error) {
        return (
            format!("the token URL is not dialled: {refused}"),
            Cure::Url,
        );
    }
    let text = failure::without_url(error);
    tracing::warn!(error = %text, "no answer from a token endpoint");
    if text.contains("certificate") {
        let why = "the token endpoint's certificate is not accepted";
        return (why.to_owned(), Cure::Url);
    }
    let why = if error.is_connect() {
        "the token endpoint cannot be reached"
    } else {
        "the token endpoint's answer ended early or cannot be decoded"
    };
    (why.to_owned(), Cure::Time)
}

/// A token endpoint's answer (RFC 6749 §5).
fn read(status: u16, body: &[u8]) -> Result<Granted, Failed> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let text = |key: &str| value.as_ref()?.get(key)?.as_str();
    let wrong = |why: &str| {
        let why = format!("the token endpoint's answer {why}");
        Err((why, Cure::Url))
    };
    if status != 200 {
        let error = text("error").and_then(|e| ERRORS.iter().find(|known| **known == e));
        let named = error.map_or_else(String::new, |error| format!(" ({error})"));
        let (pointing, cure) = match status {
            300..400 => (", a redirect, which is not followed", Cure::Url),
            429 | 500..600 => ("", Cure::Time),
            400 | 401 | 403 => ("", Cure::Credentials),
            _ => ("", Cure::Url),
        };
        let why = format!("the token endpoint answered {status}{named}{pointing}");
        return Err((why, cure));
    }
    if !value.as_ref().is_some_and(Value::is_object) {
        return wrong("is not a JSON object");
    }
    // The standard demands the type; some endpoints leave it out, and mean this one.
    let kind = value.as_ref().and_then(|value| value.get("token_type"));
    let bearer = kind.is_none_or(|kind| {
        let text = kind.as_str().unwrap_or_default();
        text.eq_ignore_ascii_case("bearer")
    });
    if !bearer {
        return wrong("holds a token that is not a bearer token");
    }
    let Some(token) = text("access_token").filter(|token| !token.is_empty()) else {
        return wrong("has no `access_token`");
    };
    if token.len() > TOKEN_MAX || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return wrong("holds a token that cannot be sent in a header");
    }
    let lifetime = value.as_ref().and_then(|value| value.get("expires_in"));
    Ok(Granted {
        token: Secret::new(token),
        lifetime: lifetime.and_then(seconds).map(Duration::from_secs),
    })
}

/// Whole seconds, also where they are written as a text or with a fraction; less than none is none.
fn seconds(value: &Value) -> Option<u64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if text.starts_with('-') {
        return Some(0);
    }
    text.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_token_endpoints() {
        let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(TOKEN_MAX + 1));
        for (status, body, want) in [
            (
                200,
                r#"{"access_token":"abc","token_type":"bearer","expires_in":60}"#,
                Ok(Some(60)),
            ),
            (
                200,
                r#"{"access_token":"a~b/+=","token_type":"Bearer"}"#,
                Ok(None),
            ),
            (200, r#"{"access_token":"abc"}"#, Ok(None)),
            (
                200,
                r#"{"access_token":"abc","expires_in":"60"}"#,
                Ok(Some(60)),
            ),
            (
                200,
                r#"{"access_token":"abc","expires_in":60.9}"#,
                Ok(Some(60)),
            ),
            (
                200,
                r#"{"access_token":"abc","expires_in":-1}"#,
                Ok(Some(0)),
            ),
            (
                200,
                r#"{"access_token":"abc","expires_in":"soon"}"#,
                Ok(None),
            ),
            (
                200,
                r#"{"access_token":"abc","expires_in":1e400}"#,
                Ok(None),
            ),
            (
                200,
                r#"{"access_token":"abc","token_type":"mac"}"#,
                Err("not a bearer token"),
            ),
            (
                200,
                r#"{"access_token":"abc","token_type":1}"#,
                Err("not a bearer token"),
            ),
            (200, r#"{"token":"abc"}"#, Err("no `access_token`")),
            (200, r#"{"access_token":""}"#, Err("no `access_token`")),
            (200, r#"{"access_token":7}"#, Err("no `access_token`")),
            (
                200,
                r#"{"access_token":"a\r\nX-Evil: 1"}"#,
                Err("cannot be sent in a header"),
            ),
            (
                200,
                r#"{"access_token":"a b"}"#,
                Err("cannot be sent in a header"),
            ),
            (
                200,
                r#"{"access_token":"ä"}"#,
                Err("cannot be sent in a header"),
            ),
            (200, &long, Err("cannot be sent in a header")),
            (200, "<html>secret</html>", Err("is not a JSON object")),
            (200, "", Err("is not a JSON object")),
            (200, r#"["abc"]"#, Err("is not a JSON object")),
            (
                401,
                r#"{"error":"invalid_client","error_description":"secret"}"#,
                Err("answered 401 (invalid_client)"),
            ),
            (400, r#"{"error":"secret"}"#, Err("answered 400")),
            (302, "", Err("answered 302, a redirect")),
            (500, "secret", Err("answered 500")),
            (204, "", Err("answered 204")),
        ] {
            let found = read(status, body.as_bytes());
            match (found, want) {
                (Ok(granted), Ok(lifetime)) => {
                    let found = granted.lifetime.map(|lifetime| lifetime.as_secs());
                    assert_eq!(found, lifetime, "{body}");
                }
                (Err((why, _)), Err(part)) => {
                    assert!(
                        why.contains(part) && !why.contains("secret"),
                        "{body}: {why}"
                    );
                }
                (found, _) => panic!("{body}: {found:?}"),
            }
        }
    }

    #[test]
    fn identifiers_and_secrets_are_form_encoded() {
        let (id, secret) = (Secret::new("a:b"), Secret::new("p ä+%"));
        assert_eq!(user_password(&id, &secret), "a%3Ab:p+%C3%A4%2B%25");
    }
}
