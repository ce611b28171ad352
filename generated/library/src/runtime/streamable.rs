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
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use url::Url;

use super::media::essence;
use super::plain::PlainHeaders;
use super::scan::{MESSAGE_MAX, Refusal, scan};
use super::server::Server;

/// How long a client may take to send one message.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Headers that a page may send besides those of MCP, whose names begin with `mcp-`.
const PAGE_HEADERS: [&str; 4] = ["accept", "authorization", "content-type", "last-event-id"];

/// Who may talk to the endpoint, and where it is.
#[derive(Debug, Clone)]
pub struct EndpointOptions {
    /// Path of the endpoint, `/mcp`.
    pub path: String,
    /// `Host` values that are accepted besides loopback names, with or without a port.
    pub allowed_hosts: Vec<String>,
    /// Origins that are accepted besides those of loopback names, as browsers write them. Their
    /// pages may read what is answered.
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
    /// Origins whose pages may read what is answered.
    origins: Vec<String>,
}

impl Endpoint {
    /// The request's origin, if the owner named it.
    fn named_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let named = |own: &String| own.as_bytes() == origin.as_bytes();
        self.origins.iter().any(named).then(|| origin.clone())
    }
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
        .with_allowed_origins(
            origins.chain(
                options
                    .allowed_origins
                    .iter()
                    .map(|origin| with_port(origin)),
            ),
        );
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
        origins: options.allowed_origins.clone(),
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

/// An origin with its port, even if it is the scheme's own: rmcp takes one without a port for all.
fn with_port(origin: &str) -> String {
    let url = Url::parse(origin).ok();
    url.and_then(|url| {
        let port = url.port_or_known_default()?;
        Some(format!("{}://{}:{port}", url.scheme(), url.host_str()?))
    })
    .unwrap_or_else(|| origin.to_owned())
}

/// Answers a request; a page of an origin that the owner named may read the answer.
async fn endpoint(State(at): State<Arc<Endpoint>>, request: Request) -> Response {
    let origin = at.named_origin(request.headers());
    let asks = request
        .headers()
        .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let preflight = request.method() == Method::OPTIONS && asks && is_addressed_once(&request);
    let mut response = if preflight && origin.is_some() {
        permission(request.headers())
    } else {
        answer(&at, request).await
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    response
}

/// What a browser may send for a page (Fetch §4.8, CORS preflight).
fn permission(headers: &HeaderMap) -> Response {
    let wanted = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let wanted = wanted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| PAGE_HEADERS.contains(&name.as_str()) || name.starts_with("mcp-"));
    let granted = wanted.collect::<Vec<_>>().join(", ");
    let head = [
        (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, granted.as_str()),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, head).into_response()
}

/// Scans a message, then answers it if it is a plain call, else lets rmcp answer it.
async fn answer(at: &Endpoint, request: Request) -> Response {
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
    essence(value) == "application/json"
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
