//! A source that is called over HTTP: its client, its headers, and what the Manifest lets through.

use std::collections::BTreeSet;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{dial, failure};
use crate::runtime::config::{Config, ConfigError, SourceConfig};
use crate::runtime::manifest::{Action, Manifest, SourceSpec};

/// Longest time to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A source that is called over HTTP.
pub(super) struct Upstream {
    /// For the origins that the owner named.
    trusted: reqwest::Client,
    /// For all others: dials public addresses only.
    public: reqwest::Client,
    trusted_origins: BTreeSet<String>,
    pub(super) spec: SourceSpec,
    pub(super) config: SourceConfig,
    pub(super) headers: HeaderMap,
    /// What the Manifest lets through: method and path template.
    pub(super) allowed: BTreeSet<(String, String)>,
    /// Whether a proxy resolves names, so that addresses cannot be checked here.
    pub(super) proxied: bool,
}

impl Upstream {
    pub(super) fn open(
        name: &str,
        spec: &SourceSpec,
        manifest: &Manifest,
        config: &Config,
    ) -> Result<Self, ConfigError> {
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
                Action::Http(action) => (action.method.clone(), action.path.clone()),
            })
            .collect();
        Ok(Self {
            trusted: client(config, true)?,
            public: client(config, false)?,
            trusted_origins: spec.trusted_origins.iter().cloned().collect(),
            spec: spec.clone(),
            config: own,
            headers,
            allowed,
            proxied: config.proxy.is_some(),
        })
    }
}

impl Upstream {
    /// The client for a URL, and whether the owner named its origin.
    pub(super) fn client(&self, url: &Url) -> (&reqwest::Client, bool) {
        let trusted = self
            .trusted_origins
            .contains(&url.origin().ascii_serialization());
        (if trusted { &self.trusted } else { &self.public }, trusted)
    }
}

/// A client that follows no redirects, asks no system proxy and dials checked addresses.
fn client(config: &Config, trusted: bool) -> Result<reqwest::Client, ConfigError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(dial::Resolver { trusted })
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .user_agent(concat!("mcpgen/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = &config.proxy {
        // The URL may hold a password: it is not repeated.
        let refuse = || ConfigError::Proxy("it is not an http or https URL".into());
        let url = Url::parse(proxy).map_err(|_| refuse())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refuse());
        }
        let proxy = reqwest::Proxy::all(url).map_err(|_| refuse())?;
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
