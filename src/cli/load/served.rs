//! [I/O] What is compiled, ready to be called.

use super::Loaded;
use crate::catalog::Catalog;
use crate::runtime::backends;
use crate::runtime::config::Config;
use crate::runtime::manifest::{Action, Manifest};
use crate::runtime::server::Server;

/// What the environment and the options give to a Manifest.
pub(in crate::cli) fn config(loaded: &Loaded, manifest: &Manifest) -> anyhow::Result<Config> {
    let mut config = Config::from_env(manifest)?;
    config.ca_certs.clone_from(&loaded.egress.ca_certs);
    config.proxy.clone_from(&loaded.egress.proxy);
    for (source, dsn) in &loaded.dsns {
        config.sources.entry(source.clone()).or_default().dsn = Some(dsn.clone());
    }
    Ok(config)
}

/// A server that cannot reach any upstream is of no use.
pub(in crate::cli) fn reachable(manifest: &Manifest) -> anyhow::Result<()> {
    let somewhere = manifest.tools.iter().any(|tool| match &tool.action {
        Action::Http(action) => action.base_url.is_some(),
        Action::Sql(_) => true,
    });
    anyhow::ensure!(
        somewhere,
        "the document does not say where the API is: pass --base-url https://…"
    );
    Ok(())
}

/// The server of a Manifest; one that could not reach any upstream is refused.
pub(in crate::cli) fn server(
    catalogs: &[Catalog],
    manifest: &Manifest,
    config: &Config,
    mock: bool,
) -> anyhow::Result<Server> {
    reachable(manifest)?;
    let real = backends::open(manifest, config)?;
    let backends = if mock {
        crate::mock::backends(catalogs, manifest, real)
    } else {
        real
    };
    Ok(Server::new(manifest, backends, config))
}
