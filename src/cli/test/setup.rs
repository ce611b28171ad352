//! A compiled server whose every request goes to one place on loopback, with placeholders for all that
//! is secret. Of the environment only the values of arguments are read; no other host can be dialled.

use std::collections::BTreeSet;
use std::convert::Infallible;

use serde_json::{Map, Value};
use url::Url;

use crate::runtime::config::{Config, Credential, Secret, SourceConfig, filled};
use crate::runtime::manifest::{
    Action, CredentialSpec, Fixed, ListMode, Listing, Manifest, SourceSpec, ToolSpec,
};

/// What stands for every secret, as `call --dry-run` shows it.
pub(in crate::cli) const PLACEHOLDER: &str = "***";

/// The Manifest with every tool at `origin`, listed and as often callable as there are tests, what it
/// takes from an environment, and the variables whose values are made up.
pub(in crate::cli) fn against(
    manifest: &Manifest,
    origin: &Url,
) -> (Manifest, Config, BTreeSet<String>) {
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
        source.ca_certs.clear();
        source.proxy = None;
        source.trusted_origins = vec![origin.origin().ascii_serialization()];
        config.sources.insert(name.clone(), source_config(source));
    }
    let mut made_up = BTreeSet::new();
    for control in manifest.tools.iter().flat_map(|tool| &tool.controls) {
        let Some(Fixed::Env { name, schema }) = &control.fixed else {
            continue;
        };
        let set = std::env::var(name).ok().filter(|value| !value.is_empty());
        let value = set.unwrap_or_else(|| {
            made_up.insert(name.clone());
            placeholder(schema)
        });
        config.variables.insert(name.clone(), Secret::new(value));
    }
    for tool in &manifest.tools {
        let Action::Sql(action) = &tool.action else {
            continue;
        };
        for name in action.variables() {
            let set = std::env::var(name).ok().filter(|value| !value.is_empty());
            let value = set.unwrap_or_else(|| {
                made_up.insert(name.to_owned());
                PLACEHOLDER.to_owned()
            });
            config.variables.insert(name.to_owned(), Secret::new(value));
        }
    }
    (manifest, config, made_up)
}

/// A text that is read as some value of a schema, as far as that is easy.
fn placeholder(schema: &Map<String, Value>) -> String {
    let first = schema.get("enum").and_then(Value::as_array);
    let given = first.and_then(|values| values.first());
    let given = given.or_else(|| schema.get("const"));
    let is = |kind: &str| schema.get("type").is_some_and(|t| t == kind);
    match given {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None if is("boolean") => "true".to_owned(),
        None if is("integer") || is("number") => {
            let least = schema.get("minimum");
            least.map_or_else(|| "1".to_owned(), Value::to_string)
        }
        None => PLACEHOLDER.to_owned(),
    }
}

/// Changes where a tool's requests go, not what comes after the host.
fn move_to(tool: &mut ToolSpec, origin: &Url) {
    let Action::Http(action) = &mut tool.action else {
        return;
    };
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
