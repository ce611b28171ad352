//! A source that is called over HTTP: its client, its headers, and what the Manifest lets through.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use url::Url;

use super::mask::Mask;
use super::network::{Network, NoNetwork};
use super::token::{Held, Tokens, Wanted};
use super::{client, dial, grant};
use crate::runtime::config::{Config, ConfigError, Credential, Secret, SourceConfig};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{CredentialSpec, Manifest, SourceSpec};

/// A source that is called over HTTP.
pub(super) struct Upstream {
    /// For origins that the owner named, and for those that only a document names.
    clients: [Option<reqwest::Client>; 2],
    /// Origins that the owner named.
    trusted: BTreeSet<String>,
    /// Where others may be, besides public addresses.
    networks: Vec<Network>,
    pub(super) spec: SourceSpec,
    pub(super) config: SourceConfig,
    pub(super) headers: HeaderMap,
    /// What the Manifest lets through: method and path template.
    pub(super) allowed: BTreeSet<(String, String)>,
    /// Hides the source's secrets in what comes back; tokens that are fetched come on top.
    mask: Mask,
    pub(super) tokens: Tokens,
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
        let networks = spec.allow_private.iter().map(|text| {
            text.parse()
                .map_err(|error: NoNetwork| ConfigError::Network {
                    network: text.clone(),
                    reason: error.to_string(),
                })
        });
        let networks = networks.collect::<Result<Vec<Network>, _>>()?;
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
        let bases = bases.filter_map(|tool| tool.action.http()?.base_url.as_deref());
        let fetching = own.credentials.iter().filter_map(|(scheme, credential)| {
            match (spec.credentials.get(scheme)?, credential) {
                (CredentialSpec::ClientCredentials { token_url, .. }, Credential::Client(..)) => {
                    Some(token_url.as_str())
                }
                _ => None,
            }
        });
        let bases: BTreeSet<bool> = bases
            .chain(fetching)
            .filter_map(|url| Url::parse(url).ok())
            .map(|url| trusted.contains(&origin(&url)))
            .collect();
        let mut certificates = config.ca_certs.clone();
        for path in spec.ca_certs.iter().map(PathBuf::from) {
            if !certificates.contains(&path) {
                certificates.push(path);
            }
        }
        let proxy = config.proxy.as_ref().or(spec.proxy.as_ref());
        let made = |of_owner: bool| -> Result<Option<reqwest::Client>, ConfigError> {
            let hosts = named.iter().filter(|_| of_owner).filter_map(Url::host_str);
            bases
                .contains(&of_owner)
                .then(|| client(&certificates, proxy.map(String::as_str), hosts, &networks))
                .transpose()
        };
        let of_source = manifest.tools.iter().filter(|tool| tool.source == name);
        let allowed = of_source
            .filter_map(|tool| tool.action.http())
            .map(|action| (action.method.clone(), action.path.clone()))
            .collect();
        Ok(Self {
            clients: [made(false)?, made(true)?],
            trusted,
            networks,
            // What the model does not see of a request it does not see of an answer.
            mask: Mask::new(&own).and(config.variables.values().map(Secret::reveal)),
            tokens: Tokens::default(),
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

    /// Where a host may be that the owner named, or another.
    pub(super) fn reach(&self, trusted: bool) -> dial::Reach<'_> {
        match trusted {
            true => dial::Reach::Owner,
            false => dial::Reach::Document(&self.networks),
        }
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

    /// A token: one that is kept, apart from the `refused` one, or a new one.
    pub(super) async fn token(
        &self,
        wanted: &Wanted,
        refused: Option<&Secret>,
    ) -> Result<Held, CallError> {
        let fetch = grant::fetch(self, wanted);
        self.tokens.get(wanted, refused, Instant::now, fetch).await
    }

    /// What hides the source's secrets, those of a call's own token among them.
    pub(super) fn mask(&self, token: Option<&Secret>) -> Cow<'_, Mask> {
        let recent = self.tokens.recent();
        if recent.is_empty() {
            return Cow::Borrowed(&self.mask);
        }
        let all = recent.iter().chain(token).map(Secret::reveal);
        Cow::Owned(self.mask.and(all))
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
