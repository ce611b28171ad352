//! [I/O] An upstream on loopback that records what it is asked and answers what it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

/// Largest request body that is recorded.
const BODY_MAX: usize = 64 << 20;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) method: String,
    /// As it was sent, without the query.
    pub(super) path: String,
    /// Decoded, in the order of the request.
    pub(super) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The upstream. It serves until the process ends.
pub(super) struct Upstream {
    pub(super) origin: Url,
    desk: Arc<Mutex<Desk>>,
}

struct Desk {
    status: u16,
    body: Value,
    requests: Vec<Recorded>,
}

impl Upstream {
    /// Listens on a free port of loopback.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = Url::parse(&format!("http://{}", listener.local_addr()?))?;
        let desk = Arc::new(Mutex::new(Desk {
            status: 200,
            body: json!({}),
            requests: Vec::new(),
        }));
        let router = Router::new().fallback(answer).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { origin, desk })
    }

    /// Says what the next requests are answered.
    pub(super) fn reply(&self, status: u16, body: Value) {
        let mut desk = lock(&self.desk);
        desk.status = status;
        desk.body = body;
        desk.requests.clear();
    }

    /// The requests since then.
    pub(super) fn requests(&self) -> Vec<Recorded> {
        lock(&self.desk).requests.clone()
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(desk): State<Arc<Mutex<Desk>>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await;
    let body = body
        .map(|body| body.to_bytes().to_vec())
        .unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    });
    let mut desk = lock(&desk);
    desk.requests.push(Recorded {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: query.collect(),
        headers: headers.collect(),
        body,
    });
    let status = StatusCode::from_u16(desk.status).unwrap_or(StatusCode::OK);
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return status.into_response();
    }
    let headers = [(CONTENT_TYPE, "application/json")];
    (status, headers, desk.body.to_string()).into_response()
}
