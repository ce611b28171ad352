//! The bookshop's HTTP API.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::CREDENTIALS;
use super::store::{Problem, Query, Store};

/// Below this path is the API.
const ROOT: &str = "/v1";
/// Largest request body.
const BODY_MAX: usize = 2 * 1024 * 1024;
/// The cover of every book that has none of its own: 12 by 18 pixels.
const COVER: &str = "iVBORw0KGgoAAAANSUhEUgAAAAwAAAASCAMAAABYd88+AAAACVBMVEUrOko/b4/07Njky16/AAAAGklEQVR42mNgYGCEAwYSOExgQBqHHHuoxgEAYQIAzdT3qMIAAAAASUVORK5CYII=";

/// A bookshop that is open.
pub struct Bookshop {
    /// Base URL of its API.
    pub url: String,
    store: Arc<Mutex<Store>>,
}

impl Bookshop {
    /// Opens a bookshop on a free port of loopback. It serves until the process ends.
    ///
    /// # Errors
    ///
    /// Loopback cannot be listened on.
    pub async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}{ROOT}", listener.local_addr()?);
        let store = Arc::new(Mutex::new(Store::open()));
        let router = Router::new().fallback(answer).with_state(store.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, store })
    }

    /// How many orders the shop has.
    pub fn orders(&self) -> usize {
        let all = lock(&self.store).orders(&Query(vec![("limit".into(), "100".into())]));
        all.ok()
            .and_then(|page| page["total"].as_u64())
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or_default()
    }

    /// How many books the shop has.
    pub fn books(&self) -> usize {
        let all = lock(&self.store).list_books(&Query(vec![]));
        all.ok()
            .and_then(|page| page["total"].as_u64())
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or_default()
    }
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(store): State<Arc<Mutex<Store>>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        return problem(&Problem(413, "The body is too large.".to_owned()));
    };
    let mut store = lock(&store);
    match route(&mut store, &parts, &body.to_bytes()) {
        Ok(response) => response,
        Err(found) => problem(&found),
    }
}

fn problem(Problem(status, detail): &Problem) -> Response {
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({"title": title, "status": status.as_u16(), "detail": detail});
    (
        status,
        [(CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

fn found(status: u16, value: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if status == StatusCode::NO_CONTENT {
        return status.into_response();
    }
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

/// Whether the request carries one of these credentials.
fn allowed(parts: &Parts, schemes: &[&str]) -> Result<(), Problem> {
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let has = |scheme: &&str| {
        let secret = CREDENTIALS
            .iter()
            .find(|(name, _)| name == scheme)
            .map_or("", |(_, secret)| secret);
        match *scheme {
            "shopKey" => header("x-shop-key") == secret,
            "customerSession" => header(COOKIE.as_str())
                .split("; ")
                .any(|pair| pair == format!("session={secret}")),
            _ => header(AUTHORIZATION.as_str()) == format!("Bearer {secret}"),
        }
    };
    if schemes.iter().any(has) {
        Ok(())
    } else {
        Err(Problem(401, "The credential is not known.".to_owned()))
    }
}

fn route(store: &mut Store, parts: &Parts, body: &[u8]) -> Result<Response, Problem> {
    let path = parts.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let segments: Vec<String> = path
        .split('/')
        .skip(1)
        .map(|segment| {
            percent_encoding::percent_decode_str(segment)
                .decode_utf8_lossy()
                .into_owned()
        })
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let query = Query(url::form_urlencoded::parse(query).into_owned().collect());
    let json = || {
        serde_json::from_slice::<Value>(body)
            .map_err(|error| Problem(400, format!("The body is not JSON: {error}.")))
    };
    let staff = |schemes: &[&str]| allowed(parts, schemes);
    let (shop, admin) = (["shopKey", "customerSession"], ["adminToken"]);
    let ok = |value: Value| Ok(found(200, &value));
    match (parts.method.as_str(), segments.as_slice()) {
        ("GET", ["books"]) => ok(store.list_books(&query)?),
        ("POST", ["books"]) => {
            staff(&admin)?;
            Ok(found(201, &store.create_book(&json()?)?))
        }
        ("POST", ["books", "search"]) => ok(store.search(&json()?)),
        ("GET", ["books", id]) => ok(store.book(id)?),
        ("PUT", ["books", id]) => {
            staff(&admin)?;
            ok(store.replace_book(id, &json()?)?)
        }
        ("DELETE", ["books", id]) => {
            staff(&admin)?;
            Ok(found(204, &store.delete("book", id)?))
        }
        ("GET", ["books", id, "cover"]) => {
            store.book(id)?;
            let own = store
                .covers
                .iter()
                .find(|(book, _)| book == id)
                .map(|(_, bytes)| bytes.clone());
            let standard = base64::engine::general_purpose::STANDARD;
            let bytes = own.unwrap_or_else(|| standard.decode(COVER).unwrap_or_default());
            Ok(([(CONTENT_TYPE, "image/png")], bytes).into_response())
        }
        ("PUT", ["books", id, "cover"]) => {
            staff(&admin)?;
            store.book(id)?;
            if !body.starts_with(b"\x89PNG") {
                return Err(Problem(422, "The body is not a PNG image.".to_owned()));
            }
            store.covers.retain(|(book, _)| book != id);
            store.covers.push(((*id).to_owned(), body.to_vec()));
            Ok(found(204, &Value::Null))
        }
        ("GET", ["books", id, "reviews"]) => ok(store.reviews(id, &query)?),
        ("POST", ["books", id, "reviews"]) => {
            staff(&["customerSession"])?;
            Ok(found(201, &store.create_review(id, &json()?)?))
        }
        ("DELETE", ["books", _, "reviews", id]) => {
            staff(&["adminToken", "customerSession"])?;
            Ok(found(204, &store.delete("review", id)?))
        }
        ("GET", ["authors"]) => ok(store.authors(&query)?),
        ("GET", ["authors", id]) => ok(store.author(id)?),
        ("GET", ["categories"]) => ok(store.categories()),
        ("GET", ["categories", slug]) => ok(store.category(slug)?),
        ("GET", ["inventory"]) => {
            staff(&["shopKey"])?;
            ok(store.inventory(&query)?)
        }
        ("PATCH", ["inventory", id]) => {
            staff(&["shopKey"])?;
            ok(store.update_stock(id, &json()?)?)
        }
        ("GET", ["orders"]) => {
            staff(&shop)?;
            ok(store.orders(&query)?)
        }
        ("POST", ["orders"]) => {
            staff(&shop)?;
            Ok(found(201, &store.create_order(&json()?)?))
        }
        ("GET", ["orders", id]) => {
            staff(&shop)?;
            ok(store.order(id)?)
        }
        ("POST", ["orders", id, "cancel"]) => {
            staff(&shop)?;
            ok(store.cancel_order(id)?)
        }
        _ => Err(Problem(
            404,
            format!("There is no {} {path}.", parts.method),
        )),
    }
}
