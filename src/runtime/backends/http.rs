//! Sends requests. The only way in is a planned [`Request`]; before anything leaves, its method and
//! path template must be in the Manifest, its path must have its template's shape, and its origin must
//! be the action's own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use url::Url;

use super::super::args::Args;
use super::super::backend::{Backend, Outcome};
use super::super::config::{Config, ConfigError, SourceConfig};
use super::super::error::CallError;
use super::super::manifest::{Effect, HttpAction, Manifest, SourceSpec, ToolSpec};

mod credential;
mod dial;
pub mod request;
mod response;
mod wire;

use request::Request;
use response::Response;

/// Redirects that one read may follow, all within one origin.
const REDIRECTS_MAX: usize = 5;
/// Longest time to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP clients of a server: one a source, with its own connections.
pub struct Clients<'m> {
    sources: Vec<(&'m str, Arc<Upstream>)>,
}

/// A source that is called over HTTP.
struct Upstream {
    client: reqwest::Client,
    resolver: dial::Resolver,
    spec: SourceSpec,
    config: SourceConfig,
    headers: HeaderMap,
    /// What the Manifest lets through: method and path template.
    allowed: BTreeSet<(String, String)>,
    /// Whether a proxy resolves names, so that addresses cannot be checked here.
    proxied: bool,
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

impl Upstream {
    fn open(
        name: &str,
        spec: &SourceSpec,
        manifest: &Manifest,
        config: &Config,
    ) -> Result<Self, ConfigError> {
        let hosts = spec
            .trusted_origins
            .iter()
            .filter_map(|origin| Url::parse(origin).ok());
        let trusted = hosts
            .filter_map(|url| url.host_str().map(str::to_ascii_lowercase))
            .collect();
        let resolver = dial::Resolver {
            trusted: Arc::new(trusted),
        };
        let own = config.sources.get(name).cloned().unwrap_or_default();
        let mut headers = HeaderMap::new();
        for (header, value) in &own.headers {
            let refuse = |reason: &str| ConfigError::Header {
                header: header.clone(),
                reason: reason.to_owned(),
            };
            let name =
                HeaderName::try_from(header.as_str()).map_err(|_| refuse("not a header name"))?;
            let mut value = HeaderValue::from_str(value.reveal())
                .map_err(|_| refuse("its value cannot be sent in a header"))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let of_source = manifest.tools.iter().filter(|tool| tool.source == name);
        let allowed = of_source
            .map(|tool| match &tool.action {
                super::super::manifest::Action::Http(action) => {
                    (action.method.clone(), action.path.clone())
                }
            })
            .collect();
        Ok(Self {
            client: client(config, resolver.clone())?,
            resolver,
            spec: spec.clone(),
            config: own,
            headers,
            allowed,
            proxied: config.proxy.is_some(),
        })
    }
}

/// Whether a URL names a private or local host as such. A name may still resolve to one: the check at
/// the time of the call is the one that counts.
pub fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(v4)) => dial::check(v4.into(), false).is_err(),
        Some(url::Host::Ipv6(v6)) => dial::check(v6.into(), false).is_err(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// A client that follows no redirects, asks no system proxy and dials checked addresses.
fn client(config: &Config, resolver: dial::Resolver) -> Result<reqwest::Client, ConfigError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(resolver)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .user_agent(concat!("mcpgen/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = &config.proxy {
        // The URL may hold a password: it is not repeated.
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|_| ConfigError::Proxy("it is not a URL that can be used".into()))?;
        builder = builder.proxy(proxy);
    }
    for path in &config.ca_certs {
        let refuse = |reason: String| ConfigError::Certificate {
            path: path.display().to_string(),
            reason,
        };
        let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|_| refuse("it is not PEM".into()))?;
        if certificates.is_empty() {
            return Err(refuse("it holds no certificate".into()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder
        .build()
        .map_err(|error| ConfigError::Client(chain(&error)))
}

/// An error with its causes, without the URL.
fn chain(error: &dyn std::error::Error) -> String {
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

impl Backend for Endpoint {
    fn call<'a>(&'a self, args: &'a Args) -> BoxFuture<'a, Result<Outcome, CallError>> {
        Box::pin(async move {
            let request = request::plan(&self.action, args)?;
            let deadline = Duration::from_millis(self.upstream.spec.timeout_ms);
            match tokio::time::timeout(deadline, self.send(&request)).await {
                Ok(response) => response::outcome(&response?),
                Err(_) => Err(self.timed_out(deadline)),
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
    fn timed_out(&self, deadline: Duration) -> CallError {
        let error = CallError::new(
            "timeout",
            format!("the API did not answer within {} s", deadline.as_secs_f64()),
        );
        if self.effect == Effect::Read {
            error.hint("try again, or ask for less").retryable()
        } else {
            error.hint("the call may have had its effect; check before repeating it")
        }
    }

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
            self.may_dial(&url)?;
            let mut outgoing = reqwest::Request::new(method.clone(), url.clone());
            *outgoing.headers_mut() = headers.clone();
            *outgoing.body_mut() = request.body().map(|body| body.to_vec().into());
            let started = Instant::now();
            let answer = self
                .upstream
                .client
                .execute(outgoing)
                .await
                .map_err(|error| self.unsent(&error))?;
            tracing::debug!(
                method = request.method(),
                template = request.template(),
                status = answer.status().as_u16(),
                elapsed_ms = started.elapsed().as_millis(),
                "upstream answered"
            );
            match self.redirected(&url, &answer) {
                Some(next) if hop < REDIRECTS_MAX => url = next,
                _ => return self.read(answer).await,
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
        if let Some(text) = cookies(request, additions) {
            let mut value = HeaderValue::from_str(&text).map_err(|_| refused("cookie"))?;
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        Ok(headers)
    }

    /// Literal addresses bypass the resolver, so they are checked here.
    fn may_dial(&self, url: &Url) -> Result<(), CallError> {
        if self.upstream.proxied {
            return Ok(());
        }
        let address = match url.host() {
            Some(url::Host::Ipv4(v4)) => v4.into(),
            Some(url::Host::Ipv6(v6)) => v6.into(),
            _ => return Ok(()),
        };
        let trusted = self
            .upstream
            .resolver
            .trusts(url.host_str().unwrap_or_default());
        dial::check(address, trusted).map_err(refused_address)
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
            .map_err(|error| self.cut_short(&error))?
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

    /// A request that brought no answer. Upstream addresses stay in the log.
    fn unsent(&self, error: &reqwest::Error) -> CallError {
        if let Some(refused) = cause::<dial::Refused>(error) {
            return refused_address(*refused);
        }
        tracing::warn!(tool = %self.action.path, error = %chain(&error_without_url(error)), "no answer from upstream");
        let text = chain(error);
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
        self.cut_short(error)
    }

    fn cut_short(&self, error: &reqwest::Error) -> CallError {
        let failed = if error.is_decode() {
            "cannot be decoded"
        } else {
            "ended early"
        };
        let failure = CallError::new("upstream_broken", format!("the API's answer {failed}"));
        if self.effect == Effect::Read {
            failure.hint("try again").retryable()
        } else {
            failure.hint("the call may have had its effect; check before repeating it")
        }
    }
}

fn refused_address(why: dial::Refused) -> CallError {
    CallError::new(
        "refused_address",
        format!("the API's host is not dialled: {why}"),
    )
    .hint("the owner of this server can allow the host by naming it: --base-url")
}

/// The first cause of a type, however deep.
fn cause<'a, T: std::error::Error + 'static>(
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

/// What to log of an error: its query may hold a credential, so the URL is left out.
fn error_without_url(error: &reqwest::Error) -> std::io::Error {
    let text = chain(error);
    let url = error.url().map(ToString::to_string).unwrap_or_default();
    std::io::Error::other(if url.is_empty() {
        text
    } else {
        text.replace(&url, "<url>")
    })
}
