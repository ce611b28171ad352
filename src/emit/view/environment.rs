//! What a crate's owner has to set.

use std::collections::BTreeSet;

use crate::runtime::manifest::{Action, CredentialSpec, Manifest, place};

/// What comes from the environment, a line of Markdown each.
pub(super) fn lines(manifest: &Manifest) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for source in manifest.sources.values() {
        for credential in source.credentials.values() {
            match credential {
                CredentialSpec::ClientCredentials {
                    env,
                    env_id,
                    env_secret,
                    ..
                } => {
                    let both = [env_id, env_secret].map(|name| place(name));
                    let both: Vec<String> =
                        both.into_iter().flatten().map(|p| quoted(&p)).collect();
                    let token = place(env).map(|token| format!("; or {}, a token", quoted(&token)));
                    lines.push(format!(
                        "{}, with which tokens are fetched{}",
                        both.join(" and "),
                        token.unwrap_or_default()
                    ));
                }
                other => lines.extend(other.places().iter().map(|p| quoted(p))),
            }
        }
        for value in source.headers.values() {
            let named = value.split("${env:").skip(1);
            let named = named.filter_map(|rest| rest.split_once('}'));
            lines.extend(
                named.map(|(name, _)| format!("`{name}`, without which the server does not start")),
            );
        }
    }
    for source in manifest.sources.values() {
        let files = source.ca_certs.iter();
        lines.extend(files.map(|path| {
            format!("the file `{path}`, whose authorities are trusted; without it the server does not start")
        }));
    }
    lines.extend(databases(manifest));
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines
}

/// What databases need of the environment.
fn databases(manifest: &Manifest) -> Vec<String> {
    const START: &str = "without which the server does not start";
    let mut lines = Vec::new();
    for database in manifest
        .sources
        .values()
        .filter_map(|s| s.postgres.as_ref())
    {
        let place = place(&database.dsn).map(|place| quoted(&place));
        lines.extend(place.map(|place| format!("{place}, a connection string, {START}")));
    }
    let actions = manifest.tools.iter().filter_map(|tool| match &tool.action {
        Action::Sql(action) => Some(action),
        Action::Http(_) => None,
    });
    for action in actions.clone() {
        let names = action.variables();
        lines.extend(
            names
                .iter()
                .map(|name| format!("`{name}`, which rules on rows depend on, {START}")),
        );
    }
    if actions.count() > 0 {
        lines.push(
            "`MCPGEN_SEAL_KEY`, 32 bytes in base64: without it, cursors and hashed values end with the process"
                .to_owned(),
        );
    }
    lines
}

/// A variable or file, as Markdown.
fn quoted(place: &str) -> String {
    match place.strip_prefix("file ") {
        Some(path) => format!("the file `{path}`"),
        None => format!("`{place}`"),
    }
}
