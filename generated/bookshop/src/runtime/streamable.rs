//! The Streamable HTTP transport: one endpoint for both protocol eras, without sessions.
//!
//! rmcp answers here too, except for plain calls; in front of it stands the same strict scan as on
//! stdio, so that a message means the same on every transport.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

use super::plain::PlainHeaders;
use super::scan::{MESSAGE_MAX, Refusal, scan};
use super::server::Server;

/// How long a client may take to send one message.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Who may talk to the endpoint, and where it is.
#[derive(Debug, Clone)]
pub struct EndpointOptions {
    /// Path of the endpoint, `/mcp`.
    pub path: String,
    /// `Host` values that are accepted besides loopback names, with or without a port.
    pub allowed_hosts: Vec<String>,
    /// `Origin` values that are accepted besides those of loopback names.
    pub allowed_origins: Vec<String>,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self {
            path: "/mcp".to_owned(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

/// Whether the server takes new work: false while it drains.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<AtomicBool>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Readiness {
    /// From now on `/readyz` answers 503.
    pub fn drain(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What every request needs.
struct Endpoint {
    mcp: StreamableHttpService<Server, NeverSessionManager>,
    server: Server,
    plain: PlainHeaders,
}

/// The endpoint with `/healthz` and `/readyz` beside it.
pub fn router(server: Server, options: &EndpointOptions, readiness: Readiness) -> Router {
    let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    // A scheme and a wildcard port each: without a port an origin stands for the default port only.
    let origins = ["http", "https"].into_iter().flat_map(|scheme| {
        ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{scheme}://{host}:*"))
    });
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MESSAGE_MAX)
        .with_allowed_hosts(
            loopback
                .into_iter()
                .chain(options.allowed_hosts.iter().cloned()),
        )
        .with_allowed_origins(origins.chain(options.allowed_origins.iter().cloned()));
    let each = server.clone();
    let mcp = StreamableHttpService::new(
        move || Ok(each.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    let state = Arc::new(Endpoint {
        mcp,
        server,
        plain: PlainHeaders::new(&options.allowed_hosts),
    });
    let ready = move || async move {
        if readiness.0.load(Ordering::Relaxed) {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
        }
    };
    Router::new()
        .route(&options.path, any(endpoint).with_state(state))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
}

/// Scans a message, then answers it if it is a plain call, else lets rmcp answer it.
async fn endpoint(State(at): State<Arc<Endpoint>>, request: Request) -> Response {
    if !is_addressed_once(&request) {
        let refusal =
            Refusal::unread("invalid request: not exactly one host, or more than one origin");
        return refused(StatusCode::BAD_REQUEST, &refusal);
    }
    if request.method() != Method::POST || !is_json(&request) {
        // rmcp says what is wrong with these by their headers; it gets no body to read.
        let (parts, _) = request.into_parts();
        return at
            .mcp
            .handle(Request::from_parts(parts, Body::empty()))
            .await
            .into_response();
    }
    let (mut parts, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let message = match scan(&body) {
        Ok(message) => message,
        Err(refusal) => return refused(StatusCode::BAD_REQUEST, &refusal),
    };
    if let Some(promise) = at.plain.read(&parts.headers)
        && let Some(call) = at.server.plain_call(message, promise)
    {
        // A client that goes away drops this future and with it the call.
        let answer = at.server.answer(call).await;
        return ([(CONTENT_TYPE, "application/json")], answer).into_response();
    }
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    at.mcp
        .handle(Request::from_parts(parts, Body::from(body)))
        .await
        .into_response()
}

/// Of two hosts or origins, one would be checked and the other used (RFC 9112 §3.2).
fn is_addressed_once(request: &Request) -> bool {
    let count = |name| request.headers().get_all(name).iter().count();
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    // The absolute form of a request has a host of its own.
    let target = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    count(HOST) == 1 && count(ORIGIN) <= 1 && target.is_none_or(|target| host == Some(target))
}

fn is_json(request: &Request) -> bool {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// The whole body, within bounds of size and time.
async fn read(body: Body) -> Result<Bytes, Response> {
    let limited = Limited::new(body, MESSAGE_MAX).collect();
    match tokio::time::timeout(BODY_TIMEOUT, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let refusal = Refusal::unread(format!(
                "invalid request: a message larger than {MESSAGE_MAX} bytes"
            ));
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, &refusal))
        }
        Ok(Err(_)) => Err(refused(
            StatusCode::BAD_REQUEST,
            &Refusal::unread("invalid request: the body ended early"),
        )),
        Err(_) => Err(refused(
            StatusCode::REQUEST_TIMEOUT,
            &Refusal::unread("invalid request: the body came too slowly"),
        )),
    }
}

fn refused(status: StatusCode, refusal: &Refusal) -> Response {
    let body = refusal.response().to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
