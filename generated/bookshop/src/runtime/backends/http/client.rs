//! The HTTP client: of calls, of requests for tokens, and of a document that is fetched.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::network::Network;
use super::{dial, failure};
use crate::runtime::config::ConfigError;
use crate::runtime::manifest::USER_AGENT;

/// Longest time to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that follows no redirects, asks no system proxy and dials checked addresses: public ones,
/// those in the private `networks`, and whatever the `named` hosts resolve to. `ca_certs` are PEM files with certificates to trust
/// besides the system's; `proxy` takes all requests.
///
/// # Errors
///
/// A certificate file or the proxy cannot be used.
pub fn client<'h>(
    ca_certs: &[PathBuf],
    proxy: Option<&str>,
    named: impl Iterator<Item = &'h str>,
    networks: &[Network],
) -> Result<reqwest::Client, ConfigError> {
    let resolver = match proxy {
        // The proxy resolves the hosts of requests; the only name resolved here is its own.
        Some(proxy) => {
            let url = Url::parse(proxy).ok().filter(Url::has_host);
            let url = url.or_else(|| Url::parse(&format!("http://{proxy}")).ok());
            dial::Resolver::trusting(url.iter().filter_map(Url::host_str), &[])
        }
        None => dial::Resolver::trusting(named, networks),
    };
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(resolver)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .user_agent(USER_AGENT);
    if let Some(proxy) = proxy {
        // The URL may hold a password: it is not repeated.
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|_| ConfigError::Proxy("it is not a URL that can be used".into()))?;
        builder = builder.proxy(proxy);
    }
    for path in ca_certs {
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
