//! Sends requests. The only way in is a planned [`Request`]; before anything leaves, its method and
//! path template must be in the Manifest, its path must have its template's shape, and its origin must
//! be the action's own.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use tokio::time::Instant;
use url::Url;

use crate::runtime::args::Args;
use crate::runtime::backend::{Backend, Outcome};
use crate::runtime::config::{Config, ConfigError, filled};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{
    CredentialSpec, Effect, HttpAction, KeyPlace, Manifest, Redirects, Requirement, ToolSpec,
};

mod answer;
mod body;
mod charset;
mod client;
mod content;
mod credential;
mod date;
mod dial;
mod failure;
mod grant;
mod guard;
#[cfg(test)]
mod hooked;
mod mask;
mod network;
mod receive;
mod refusal;
mod repeat;
pub mod request;
mod response;
mod stream;
mod token;
mod upstream;
mod wire;

pub use client::client;
pub use dial::{is_private, is_private_beyond};
pub use guard::{is_reserved_header, raises_method, same_name};
pub use network::{Network, NoNetwork};

use refusal::Withheld;
use repeat::{Outgoing, Repeats};
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
    /// All the time that a call has, for what is told of one that took longer.
    timeout: Duration,
    /// What is tried again.
    repeats: Repeats,
    /// What is kept out of errors that the API tells.
    withheld: Withheld,
    effect: Effect,
    base: Option<Url>,
    /// Whether the owner named the base URL's origin.
    trusted: bool,
}

impl<'m> Clients<'m> {
    /// Makes a client for each source.
    ///
    /// # Errors
    ///
    /// A certificate, proxy or header cannot be used.
    pub fn open(manifest: &'m Manifest, config: &Config) -> Result<Self, ConfigError> {
        let sources = manifest.sources.iter();
        let sources = sources.filter(|(_, spec)| spec.postgres.is_none());
        let sources = sources.map(|(name, spec)| {
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
        if let Some(header) = &action.idempotency_key {
            repeat::usable(header, &upstream.spec).map_err(|reason| ConfigError::Header {
                header: header.clone(),
                reason: reason.to_owned(),
            })?;
        }
        let trusted = base.as_ref().is_some_and(|url| upstream.trusts(url));
        let timeout = tool.limits.timeout_ms.unwrap_or(upstream.spec.timeout_ms);
        Ok(Box::new(Endpoint {
            upstream: upstream.clone(),
            action: action.clone(),
            timeout: Duration::from_millis(timeout),
            repeats: Repeats::new(tool, action),
            withheld: Withheld::new(&tool.shape.drop),
            effect: tool.effect,
            base,
            trusted,
        }))
    }
}

impl Backend for Endpoint {
    fn call<'a>(
        &'a self,
        args: &'a Args,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Outcome, CallError>> {
        Box::pin(async move {
            let request = request::plan(&self.action, args)?;
            let attempts = AtomicU32::new(0);
            let answered = self.answered(&request, deadline, &attempts);
            let outcome = match tokio::time::timeout_at(deadline, answered).await {
                Ok(answered) => answered.and_then(|answered| self.outcome(&answered)),
                Err(_) if attempts.load(Ordering::Relaxed) > 0 => {
                    Err(failure::timed_out(self.effect, self.timeout))
                }
                Err(_) => Err(grant::timed_out(self.timeout)),
            };
            outcome.map_err(|error| self.repeats.told(error, attempts.into_inner()))
        })
    }

    fn preview(&self, args: &Args) -> Result<String, CallError> {
        let request = request::plan(&self.action, args)?;
        let mut additions = credential::additions(
            &self.action,
            &self.upstream.spec,
            &self.upstream.config,
            true,
        )?;
        additions.key = self.key(|| "<a new UUID>".to_owned());
        self.not_shadowed(&request)?;
        let mut url = self.url(&request, &additions)?.to_string();
        if args.is_masked() {
            url = url.replace(&wire::encode(credential::MASK), credential::MASK);
        }
        let mut text = format!("{} {url}\n", request.method());
        for (name, value) in self.shown_headers(&request, &additions) {
            text.push_str(&format!("{name}: {value}\n"));
        }
        if let Some(body) = request.body() {
            let body = std::str::from_utf8(body)
                .map_or_else(|_| format!("<{} bytes>", body.len()), str::to_owned);
            text.push_str(&format!("\n{body}\n"));
        }
        Ok(text)
    }
}

/// The cookies of a request; those that the owner set come first.
fn cookies(
    request: &Request,
    additions: &credential::Additions,
    owners: Option<&str>,
) -> Option<String> {
    let pairs = request.cookies().iter().chain(&additions.cookies);
    let pairs = pairs.map(|(name, value)| format!("{name}={value}"));
    let all: Vec<String> = owners.map(str::to_owned).into_iter().chain(pairs).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

impl Endpoint {
    /// The headers that [`Self::headers`] would send, what comes from the environment masked.
    fn shown_headers(
        &self,
        request: &Request,
        additions: &credential::Additions,
    ) -> Vec<(String, String)> {
        let masked = |template: &String| {
            let mask = |_: &str| Ok::<_, Infallible>(credential::MASK.to_owned());
            filled(template, mask).unwrap_or_default()
        };
        let owners = self.upstream.spec.headers.iter();
        let mut shown: Vec<(String, String)> = owners
            .map(|(name, template)| (name.to_ascii_lowercase(), masked(template)))
            .collect();
        let cookie = shown.iter().position(|(name, _)| name == "cookie");
        let cookie = cookie.map(|at| shown.remove(at).1);
        if let Some((key, value)) = &additions.key {
            shown.retain(|(name, _)| name != key);
            shown.push((key.clone(), value.clone()));
        }
        for (name, value) in request.headers().iter().chain(&additions.headers) {
            let name = name.to_ascii_lowercase();
            if !shown.iter().any(|(own, _)| *own == name) {
                shown.push((name, value.clone()));
            }
        }
        let cookies = cookies(request, additions, cookie.as_deref());
        shown.extend(cookies.map(|cookies| ("cookie".to_owned(), cookies)));
        shown
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
        guard::same_shape(&self.action, request.path())?;
        guard::same_query(&self.action.method, &self.action.path, request.query())
    }

    /// No argument has the name of what a credential or the owner puts beside it: which of the two
    /// counts would be the server's choice. That holds for a credential that is not set, too: it is not
    /// for a model to bring one.
    fn not_shadowed(&self, request: &Request) -> Result<(), CallError> {
        let given = |pair: &str| pair.split('=').next().unwrap_or_default().trim().to_owned();
        let query: Vec<String> = request.query().split('&').map(given).collect();
        let jar = self.upstream.cookie().unwrap_or_default();
        let owners: Vec<String> = jar.split(';').map(given).collect();
        let credentials = &self.upstream.spec.credentials;
        let keys = self.action.security.iter().flat_map(Requirement::keys);
        let keys: Vec<_> = keys.filter_map(|name| credentials.get(name)).collect();
        let filled = |name: &str, at: KeyPlace| {
            keys.iter().any(|kind| match kind {
                CredentialSpec::ApiKey {
                    place, name: own, ..
                } => *place == at && guard::same_name(own, name),
                _ => false,
            })
        };
        let in_query = query.iter().any(|name| filled(name, KeyPlace::Query));
        // Frameworks put the fields of a form beside those of the query, and some the cookies too.
        let in_form = request
            .chosen_fields()
            .iter()
            .any(|name| filled(name, KeyPlace::Query) || filled(name, KeyPlace::Cookie));
        let in_cookies = request.cookies().iter().any(|(name, _)| {
            filled(name, KeyPlace::Cookie) || owners.iter().any(|own| guard::same_name(own, name))
        });
        if in_query || in_form || in_cookies {
            return Err(CallError::new(
                "refused_value",
                "an argument has the name of a parameter that the server fills; nothing was sent",
            )
            .hint("leave it out"));
        }
        Ok(())
    }

    async fn send(&self, outgoing: &Outgoing<'_>) -> Result<Response, CallError> {
        let request = outgoing.request;
        let mut url = outgoing.url.clone();
        let headers = self.headers(request, outgoing.additions)?;
        let method = http::Method::from_bytes(request.method().as_bytes()).map_err(|_| {
            CallError::new("invalid_tool", "the tool's method is not an HTTP method")
        })?;
        let client = self.upstream.client(self.trusted)?;
        for _ in 0..=REDIRECTS_MAX {
            let mut sent = reqwest::Request::new(method.clone(), url.clone());
            *sent.headers_mut() = headers.clone();
            *sent.body_mut() = request.body().map(|body| body.to_vec().into());
            let started = Instant::now();
            let answer = client
                .execute(sent)
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
                Some(next) => url = next,
                None => return self.read(answer, request, started, outgoing.deadline).await,
            }
        }
        Err(CallError::new(
            "too_many_redirects",
            format!("the API redirected more than {REDIRECTS_MAX} times"),
        )
        .hint("the owner can check the base URL"))
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
        if let Some((name, value)) = &additions.key {
            let key = HeaderName::try_from(name.as_str()).map_err(|_| refused(name))?;
            let value = HeaderValue::from_str(value).map_err(|_| refused(name))?;
            headers.insert(key, value);
        }
        if let Some(text) = cookies(request, additions, self.upstream.cookie()) {
            let mut value = HeaderValue::from_str(&text).map_err(|_| refused("cookie"))?;
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        Ok(headers)
    }

    /// A document alone cannot send the owner's credentials over the network in the clear.
    fn may_carry(&self, url: &Url, additions: &credential::Additions) -> Result<(), CallError> {
        let secrets = !additions.is_empty() || !self.upstream.config.header_secrets.is_empty();
        if url.scheme() == "https" || self.trusted || !secrets {
            return Ok(());
        }
        Err(CallError::new(
            "insecure_credential",
            "the document's server is not encrypted, so no credential is sent to it; nothing was sent",
        )
        .hint("the owner of this server can name the API: --base-url"))
    }

    /// Literal addresses bypass the resolver, and a proxy resolves names itself, so what the URL says
    /// is checked here. Redirects stay within its origin.
    fn may_dial(&self, url: &Url) -> Result<(), CallError> {
        let reach = self.upstream.reach(self.trusted);
        dial::check_url(url, reach).map_err(failure::refused_address)
    }

    /// Where a read goes next: only within the same origin, only by GET or HEAD.
    fn redirected(&self, url: &Url, answer: &reqwest::Response) -> Option<Url> {
        let reads =
            matches!(self.action.method.as_str(), "GET" | "HEAD") && self.effect == Effect::Read;
        let follows = reads && self.upstream.spec.redirects == Redirects::SameOrigin;
        if !follows || !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let next = url
            .join(answer.headers().get(LOCATION)?.to_str().ok()?)
            .ok()?;
        let plain = next.username().is_empty() && next.password().is_none();
        (plain && next.origin() == url.origin()).then_some(next)
    }
}
