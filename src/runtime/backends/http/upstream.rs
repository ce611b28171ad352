//! A source that is called over HTTP: its client, its headers, and what the Manifest lets through.

use std::collections::BTreeSet;
use std::time::Duration;

use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::mask::Mask;
use super::{dial, failure};
use crate::runtime::config::{Config, ConfigError, SourceConfig};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Action, Manifest, SourceSpec};

/// Longest time to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A source that is called over HTTP.
pub(super) struct Upstream {
    /// For origins that the owner named, and for those that only a document names.
    clients: [Option<reqwest::Client>; 2],
    /// Origins that the owner named.
    trusted: BTreeSet<String>,
    pub(super) spec: SourceSpec,
    pub(super) config: SourceConfig,
    pub(super) headers: HeaderMap,
    /// What the Manifest lets through: method and path template.
    pub(super) allowed: BTreeSet<(String, String)>,
    /// Hides the source's secrets in what comes back.
    pub(super) mask: Mask,
}

impl Upstream {
    pub(super) fn open(
        name: &str,
        spec: &SourceSpec,
        manifest: &Manifest,
        config: &Config,
    ) -> Result<Self, ConfigError> {
        let named: Vec<Url> = spec
            .trusted_origins
            .iter()
            .filter_map(|origin| Url::parse(origin).ok())
            .collect();
        let trusted: BTreeSet<String> = named.iter().map(origin).collect();
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
        // A name is trusted together with its port, which a resolver does not see: so what the owner did
        // not name has a client of its own. Most sources need one of the two.
        let bases = manifest.tools.iter().filter(|tool| tool.source == name);
        let bases: BTreeSet<bool> = bases
            .filter_map(|tool| match &tool.action {
                Action::Http(action) => Url::parse(action.base_url.as_deref()?).ok(),
            })
            .map(|base| trusted.contains(&origin(&base)))
            .collect();
        let made = |of_owner: bool| -> Result<Option<reqwest::Client>, ConfigError> {
            let hosts = named.iter().filter(|_| of_owner).filter_map(Url::host_str);
            bases
                .contains(&of_owner)
                .then(|| client(config, dial::Resolver::trusting(hosts)))
                .transpose()
        };
        let of_source = manifest.tools.iter().filter(|tool| tool.source == name);
        let allowed = of_source
            .map(|tool| match &tool.action {
                Action::Http(action) => (action.method.clone(), action.path.clone()),
            })
            .collect();
        Ok(Self {
            clients: [made(false)?, made(true)?],
            trusted,
            mask: Mask::new(&own),
            spec: spec.clone(),
            config: own,
            headers,
            allowed,
        })
    }

    /// Whether the owner named the origin of a URL.
    pub(super) fn trusts(&self, url: &Url) -> bool {
        self.trusted.contains(&origin(url))
    }

    /// The client for origins that the owner named, or for others.
    pub(super) fn client(&self, trusted: bool) -> Result<&reqwest::Client, CallError> {
        let client = self.clients.get(usize::from(trusted));
        client.and_then(Option::as_ref).ok_or_else(|| {
            CallError::new(
                "not_in_manifest",
                "no tool of this server goes to that host",
            )
        })
    }

    /// The cookies that the owner set.
    pub(super) fn cookie(&self) -> Option<&str> {
        self.headers.get(COOKIE)?.to_str().ok()
    }
}

/// Scheme, host and port.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// A client that follows no redirects, asks no system proxy and dials checked addresses.
fn client(config: &Config, mut resolver: dial::Resolver) -> Result<reqwest::Client, ConfigError> {
    if let Some(proxy) = &config.proxy {
        // The proxy resolves the hosts of requests; the only name resolved here is its own.
        let url = Url::parse(proxy).ok().filter(Url::has_host);
        let url = url.or_else(|| Url::parse(&format!("http://{proxy}")).ok());
        resolver = dial::Resolver::trusting(url.iter().filter_map(Url::host_str));
    }
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
        .map_err(|error| ConfigError::Client(failure::chain(&error)))
}
