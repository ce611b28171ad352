//! The upstream and the two floors: the least that a server of their kind can do.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use serde_json::{Value, json};

use crate::load::Dialect;
use crate::server::Server;

/// What the bench binary can be, besides the benchmark.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    /// Answers `GET /items/{id}`.
    Upstream,
    /// Passes everything to the upstream.
    Proxy,
    /// Answers `tools/call` on one route.
    Rpc,
}

impl Role {
    /// The hidden argument that stands for it.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::Upstream => "--be-upstream",
            Self::Proxy => "--be-proxy",
            Self::Rpc => "--be-rpc",
        }
    }

    /// The role of a process with these arguments, and the upstream's origin for it.
    pub(crate) fn of(args: &[String]) -> Option<(Self, String)> {
        let roles = [Self::Upstream, Self::Proxy, Self::Rpc];
        let role = roles
            .into_iter()
            .find(|role| args.first().is_some_and(|arg| arg == role.argument()))?;
        Some((role, args.get(1).cloned().unwrap_or_default()))
    }

    /// Serves on a free port of loopback, says which, and ends when standard input does.
    pub(crate) fn run(self, upstream: &str) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.serve(upstream))
    }

    async fn serve(self, upstream: &str) -> Result<()> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .build()?;
        let floor = Floor {
            client,
            upstream: upstream.to_owned(),
        };
        let router = match self {
            Self::Upstream => Router::new().route("/items/{id}", get(item)),
            Self::Proxy => Router::new().fallback(any(proxy)).with_state(floor),
            Self::Rpc => Router::new().route("/mcp", post(rpc)).with_state(floor),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        writeln!(
            std::io::stderr(),
            "listening on http://{}",
            listener.local_addr()?
        )?;
        std::thread::spawn(|| {
            // The other end is held by the benchmark; when that ends, so does this.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await?;
        Ok(())
    }
}

#[derive(Clone)]
struct Floor {
    client: reqwest::Client,
    upstream: String,
}

/// About 300 bytes of JSON.
async fn item(Path(id): Path<u64>) -> Response {
    let body = format!(
        concat!(
            r#"{{"id":{},"name":"Desk lamp, brass","description":"A lamp with an arm of two joints "#,
            r#"and a shade that turns.","price":{{"amount":"49.90","currency":"EUR"}},"#,
            r#""tags":["lighting","desk","brass"],"stock":[{{"place":"north","count":12}},"#,
            r#"{{"place":"south","count":3}}],"updated_at":"2026-01-31T12:00:00Z"}}"#
        ),
        id
    );
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Floor 1: method, path, query and headers go up; status, two headers and the body come back.
async fn proxy(State(floor): State<Floor>, parts: Parts, body: Bytes) -> Result<Response, Failed> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut outgoing = floor
        .client
        .request(parts.method, format!("{}{path}", floor.upstream));
    for (name, value) in &parts.headers {
        if name != http::header::HOST {
            outgoing = outgoing.header(name, value);
        }
    }
    if !body.is_empty() {
        outgoing = outgoing.body(body);
    }
    let answer = outgoing.send().await?;
    let mut response = Response::builder().status(answer.status());
    for name in [CONTENT_TYPE, CONTENT_LENGTH] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Body::from_stream(answer.bytes_stream()))?)
}

/// Floor 2: one route that knows one method.
async fn rpc(State(floor): State<Floor>, body: Bytes) -> Result<Response, Failed> {
    let message: Value = serde_json::from_slice(&body)?;
    if message.get("method").and_then(Value::as_str) != Some("tools/call") {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let argument = |name: &str| {
        let value = message.pointer(&format!("/params/arguments/{name}"));
        value.context("an argument is missing")
    };
    let (id, limit) = (argument("id")?, argument("limit")?);
    let currency = argument("currency")?.as_str().unwrap_or_default();
    let url = format!(
        "{}/items/{id}?currency={currency}&limit={limit}",
        floor.upstream
    );
    let text = floor.client.get(url).send().await?.text().await?;
    let item: Value = serde_json::from_str(&text)?;
    let response = json!({"jsonrpc": "2.0", "id": message.get("id"), "result": {
        "content": [{"type": "text", "text": text}],
        "structuredContent": item,
        "isError": false,
    }});
    let head = [(CONTENT_TYPE, "application/json")];
    Ok((head, serde_json::to_vec(&response)?).into_response())
}

/// Whatever went wrong: the load generator stops at the first answer that is not 200.
struct Failed(String);

impl<E: std::fmt::Display> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, self.0).into_response()
    }
}

/// The upstream: this program with a hidden argument.
pub(crate) fn upstream() -> Result<Server> {
    let upstream = Role::Upstream.argument();
    Server::start("upstream", &program()?, &[upstream], Dialect::Get)
}

/// The program and arguments of a role are those of the benchmark itself.
pub(crate) fn program() -> Result<String> {
    match std::env::current_exe()?.into_os_string().into_string() {
        Ok(path) => Ok(path),
        Err(path) => bail!("{} is not UTF-8", path.display()),
    }
}
