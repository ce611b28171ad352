//! A compiled server whose every request goes to one place on loopback, with placeholders for all that
//! is secret: nothing of the environment is read, and no other host can be dialled.

use std::convert::Infallible;

use url::Url;

use crate::runtime::config::{Config, Credential, Secret, SourceConfig, filled};
use crate::runtime::manifest::{
    Action, CredentialSpec, ListMode, Listing, Manifest, SourceSpec, ToolSpec,
};

/// What stands for every secret, as `call --dry-run` shows it.
pub(in crate::cli) const PLACEHOLDER: &str = "***";

/// The Manifest with every tool at `origin`, listed and as often callable as there are tests, and what
/// it takes from an environment.
pub(in crate::cli) fn against(manifest: &Manifest, origin: &Url) -> (Manifest, Config) {
    let mut manifest = manifest.clone();
    manifest.listing = Listing {
        mode: ListMode::List,
        ..Listing::default()
    };
    for tool in &mut manifest.tools {
        tool.limits.rate.clear();
        move_to(tool, origin);
    }
    let mut config = Config::default();
    for (name, source) in &mut manifest.sources {
        source.rate.clear();
        source.trusted_origins = vec![origin.origin().ascii_serialization()];
        config.sources.insert(name.clone(), source_config(source));
    }
    (manifest, config)
}

/// Changes where a tool's requests go, not what comes after the host.
fn move_to(tool: &mut ToolSpec, origin: &Url) {
    let Action::Http(action) = &mut tool.action;
    let base = action.base_url.as_deref().map(Url::parse);
    let path = match &base {
        Some(Ok(url)) => url.path().trim_end_matches('/'),
        _ => "",
    };
    let origin = origin.origin().ascii_serialization();
    action.base_url = Some(format!("{origin}{path}"));
}

fn source_config(source: &SourceSpec) -> SourceConfig {
    let secret = || Secret::new(PLACEHOLDER);
    let mut config = SourceConfig::default();
    for (scheme, spec) in &source.credentials {
        let credential = match spec {
            CredentialSpec::Basic { .. } => Credential::UserPassword(secret(), secret()),
            // A token that is there is not fetched.
            _ => Credential::Token(secret()),
        };
        config.credentials.insert(scheme.clone(), credential);
    }
    for (header, template) in &source.headers {
        let text = filled(template, |_| Ok::<_, Infallible>(PLACEHOLDER.to_owned()));
        let text = text.unwrap_or_default();
        config.headers.push((header.clone(), Secret::new(text)));
    }
    config
}
