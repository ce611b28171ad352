//! Sends requests. The only way in is a planned [`Request`]; before anything leaves, its method and
//! path template must be in the Manifest, its path must have its template's shape, and its origin must
//! be the action's own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use url::Url;

use crate::runtime::args::Args;
use crate::runtime::backend::{Backend, Outcome};
use crate::runtime::config::{Config, ConfigError};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Effect, HttpAction, Manifest, ToolSpec};

mod credential;
mod dial;
mod failure;
pub mod request;
mod response;
mod upstream;
mod wire;

pub use dial::is_private;

use request::Request;
use response::Response;
use upstream::Upstream;

/// Redirects that one read may follow, all within one origin.
const REDIRECTS_MAX: usize = 5;

/// The HTTP clients of a server: one a source, with its own connections.
pub struct Clients<'m> {
    sources: Vec<(&'m str, Arc<Upstream>)>,
}

/// One tool's way to its upstream.
struct Endpoint {
    upstream: Arc<Upstream>,
    action: HttpAction,
    effect: Effect,
    base: Option<Url>,
}

impl<'m> Clients<'m> {
    /// Makes a client for each source.
    ///
    /// # Errors
    ///
    /// A certificate, proxy or header cannot be used.
    pub fn open(manifest: &'m Manifest, config: &Config) -> Result<Self, ConfigError> {
        let sources = manifest.sources.iter().map(|(name, spec)| {
            let upstream = Upstream::open(name, spec, manifest, config)?;
            Ok((name.as_str(), Arc::new(upstream)))
        });
        Ok(Self {
            sources: sources.collect::<Result<_, ConfigError>>()?,
        })
    }

    /// The back end of one tool.
    ///
    /// # Errors
    ///
    /// The tool's base URL cannot be used.
    pub fn bind(
        &self,
        tool: &ToolSpec,
        action: &HttpAction,
    ) -> Result<Box<dyn Backend>, ConfigError> {
        let unusable = |reason: String| ConfigError::BaseUrl {
            tool: tool.name.clone(),
            reason,
        };
        let upstream = self.sources.iter().find(|(name, _)| *name == tool.source);
        let (_, upstream) = upstream
            .ok_or_else(|| unusable(format!("source `{}` is not in the manifest", tool.source)))?;
        let base = match &action.base_url {
            Some(text) => Some(
                Url::parse(text)
                    .map_err(|error| unusable(format!("base URL `{text}`: {error}")))?,
            ),
            None => None,
        };
        Ok(Box::new(Endpoint {
            upstream: upstream.clone(),
            action: action.clone(),
            effect: tool.effect,
            base,
        }))
    }
}

impl Backend for Endpoint {
    fn call<'a>(&'a self, args: &'a Args) -> BoxFuture<'a, Result<Outcome, CallError>> {
        Box::pin(async move {
            let request = request::plan(&self.action, args)?;
            let deadline = Duration::from_millis(self.upstream.spec.timeout_ms);
            match tokio::time::timeout(deadline, self.send(&request)).await {
                Ok(response) => response::outcome(&response?),
                Err(_) => Err(failure::timed_out(self.effect, deadline)),
            }
        })
    }

    fn preview(&self, args: &Args) -> Result<String, CallError> {
        let request = request::plan(&self.action, args)?;
        let additions = credential::additions(
            &self.action,
            &self.upstream.spec,
            &self.upstream.config,
            true,
        )?;
        let url = self.url(&request, &additions)?;
        let mut text = format!("{} {url}\n", request.method());
        for name in self.upstream.spec.headers.keys() {
            text.push_str(&format!(
                "{}: {}\n",
                name.to_ascii_lowercase(),
                credential::MASK
            ));
        }
        for (name, value) in request.headers().iter().chain(&additions.headers) {
            text.push_str(&format!("{}: {value}\n", name.to_ascii_lowercase()));
        }
        if let Some(cookies) = cookies(&request, &additions) {
            text.push_str(&format!("cookie: {cookies}\n"));
        }
        if let Some(body) = request.body() {
            let body = std::str::from_utf8(body)
                .map_or_else(|_| format!("<{} bytes>", body.len()), str::to_owned);
            text.push_str(&format!("\n{body}\n"));
        }
        Ok(text)
    }
}

fn cookies(request: &Request, additions: &credential::Additions) -> Option<String> {
    let pairs = request.cookies().iter().chain(&additions.cookies);
    let text = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("; ");
    (!text.is_empty()).then_some(text)
}

impl Endpoint {
    /// rewrite a URL.
    /// The whole URL. Its path and origin are compared with what was planned, since parsing may
    /// rewrite a URL.
    fn url(&self, request: &Request, additions: &credential::Additions) -> Result<Url, CallError> {
        let base = self.base.as_ref().ok_or_else(|| {
            CallError::new("no_base_url", "nothing says where the API is")
                .hint("the owner of this server has to pass --base-url")
        })?;
        let path = format!("{}{}", base.path().trim_end_matches('/'), request.path());
        let origin = base.origin().ascii_serialization();
        let mut query = request.query().to_owned();
        for (name, value) in &additions.query {
            let separator = if query.is_empty() { "" } else { "&" };
            query.push_str(&format!("{separator}{name}={value}"));
        }
        let question = if query.is_empty() { "" } else { "?" };
        let changed = || {
            CallError::new(
                "path_changed",
                "the URL would not be what was planned; nothing was sent",
            )
        };
        let url = Url::parse(&format!("{origin}{path}{question}{query}")).map_err(|_| changed())?;
        let same = url.path() == path
            && url.origin() == base.origin()
            && url.query().unwrap_or_default() == query;
        if same { Ok(url) } else { Err(changed()) }
    }

    /// The guard at the edge: only what the Manifest lists leaves, in the shape it lists.
    fn guard(&self, request: &Request) -> Result<(), CallError> {
        let listed = (request.method().to_owned(), request.template().to_owned());
        if !self.upstream.allowed.contains(&listed)
            || request.method() != self.action.method
            || request.template() != self.action.path
        {
            return Err(CallError::new(
                "not_in_manifest",
                "the request is not one that this server makes; nothing was sent",
            ));
        }
        request::same_shape(&self.action.path, request.path())
    }

    async fn send(&self, request: &Request) -> Result<Response, CallError> {
        self.guard(request)?;
        let additions = credential::additions(
            &self.action,
            &self.upstream.spec,
            &self.upstream.config,
            false,
        )?;
        let mut url = self.url(request, &additions)?;
        let headers = self.headers(request, &additions)?;
        let method = http::Method::from_bytes(request.method().as_bytes()).map_err(|_| {
            CallError::new("invalid_tool", "the tool's method is not an HTTP method")
        })?;
        for hop in 0..=REDIRECTS_MAX {
            let client = self.client(&url)?;
            let mut outgoing = reqwest::Request::new(method.clone(), url.clone());
            *outgoing.headers_mut() = headers.clone();
            *outgoing.body_mut() = request.body().map(|body| body.to_vec().into());
            let started = Instant::now();
            let answer = client
                .execute(outgoing)
                .await
                .map_err(|error| failure::unsent(self.effect, &self.action.path, &error))?;
            tracing::debug!(
                method = request.method(),
                template = request.template(),
                status = answer.status().as_u16(),
                elapsed_ms = started.elapsed().as_millis(),
                "upstream answered"
            );
            match self.redirected(&url, &answer) {
                Some(next) if hop < REDIRECTS_MAX => url = next,
                Some(_) => break,
                None => return self.read(answer).await,
            }
        }
        Err(CallError::new(
            "too_many_redirects",
            "the API redirects without end",
        ))
    }

    fn headers(
        &self,
        request: &Request,
        additions: &credential::Additions,
    ) -> Result<HeaderMap, CallError> {
        let mut headers = self.upstream.headers.clone();
        let refused = |name: &str| {
            CallError::new(
                "refused_value",
                format!("header `{name}` cannot be sent; nothing was sent"),
            )
        };
        for (name, value) in request.headers() {
            let key = HeaderName::try_from(name.as_str()).map_err(|_| refused(name))?;
            // What the owner set is not for an argument to change.
            if !self.upstream.headers.contains_key(&key) {
                headers.append(
                    key,
                    HeaderValue::from_str(value).map_err(|_| refused(name))?,
                );
            }
        }
        for (name, value) in &additions.headers {
            let key = HeaderName::try_from(name.as_str()).map_err(|_| refused(name))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| {
                CallError::new(
                    "invalid_credential",
                    "the server's credential cannot be sent in a header",
                )
            })?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        if let Some(own) = cookies(request, additions) {
            // There is one Cookie header: the owner's cookies come first in it.
            let first = self
                .upstream
                .headers
                .get(COOKIE)
                .and_then(|value| value.to_str().ok());
            let text = first.map_or_else(|| own.clone(), |first| format!("{first}; {own}"));
            let mut value = HeaderValue::from_str(&text).map_err(|_| refused("cookie"))?;
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        Ok(headers)
    }

    /// The client for a URL. Literal addresses bypass its resolver, so they are checked here.
    fn client(&self, url: &Url) -> Result<&reqwest::Client, CallError> {
        let (client, trusted) = self.upstream.client(url);
        let address = match url.host() {
            _ if self.upstream.proxied => return Ok(client),
            Some(url::Host::Ipv4(v4)) => v4.into(),
            Some(url::Host::Ipv6(v6)) => v6.into(),
            _ => return Ok(client),
        };
        dial::check(address, trusted).map_err(failure::refused_address)?;
        Ok(client)
    }

    /// Where a read goes next: only within the same origin, only by GET or HEAD.
    fn redirected(&self, url: &Url, answer: &reqwest::Response) -> Option<Url> {
        let reads =
            matches!(self.action.method.as_str(), "GET" | "HEAD") && self.effect == Effect::Read;
        if !reads || !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let next = url
            .join(answer.headers().get(LOCATION)?.to_str().ok()?)
            .ok()?;
        (next.origin() == url.origin()).then_some(next)
    }

    /// Reads the body, decoded, up to the cap.
    async fn read(&self, mut answer: reqwest::Response) -> Result<Response, CallError> {
        let text = |name: HeaderName| {
            answer
                .headers()
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned)
        };
        let mut response = Response {
            status: answer.status().as_u16(),
            content_type: text(http::header::CONTENT_TYPE),
            retry_after: text(RETRY_AFTER),
            body: Vec::new(),
        };
        let cap = usize::try_from(self.upstream.spec.max_response_bytes).unwrap_or(usize::MAX);
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| failure::cut_short(self.effect, &error))?
        {
            if response.body.len() + chunk.len() > cap {
                return Err(CallError::new(
                    "response_too_large",
                    format!("the API's answer is larger than {cap} bytes"),
                )
                .hint("ask for less: a smaller page, fewer fields or a narrower filter")
                .fact("status", response.status));
            }
            response.body.extend_from_slice(&chunk);
        }
        Ok(response)
    }
}
