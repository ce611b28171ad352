//! Words and numbers that several commands print.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::Write;

use indexmap::IndexMap;

use crate::compile::{Compiled, budget};
use crate::diag::{Code, Diagnostic, render};
use crate::runtime::config::{Config, Credential, filled};
use crate::runtime::manifest::{
    CredentialSpec, Effect, ListMode, Manifest, Requirement, ToolSpec, place,
};

/// A number with its thousands apart: `12,345`.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What search mode saves, after the cost of the list; nothing if all tools are listed.
pub(super) fn searched(manifest: &Manifest) -> String {
    if manifest.listing.mode == ListMode::List {
        return String::new();
    }
    let all = thousands(budget::total(&manifest.tools));
    format!(": the tools are searched for (--tools list lists them, for about {all})")
}

/// `1 read`, `2 reads`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// `3 writes and 1 delete`, or `None` if nothing is off.
pub(super) fn held_back(compiled: &Compiled) -> Option<String> {
    let all = [
        (Effect::Read, "read"),
        (Effect::Write, "write"),
        (Effect::Destroy, "delete"),
    ];
    let all = all.map(|(effect, noun)| (compiled.held(effect), noun));
    let off = all.into_iter().filter(|(number, _)| *number > 0);
    let off: Vec<String> = off.map(|(number, noun)| count(number, noun)).collect();
    match off.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [others @ .., last] => Some(format!("{} and {last}", others.join(", "))),
    }
}

/// What would turn on what is off.
pub(super) fn enabling(compiled: &Compiled) -> &'static str {
    if compiled.by_file {
        return "`enable` in a rule";
    }
    if compiled.held(Effect::Destroy) > 0 && compiled.held(Effect::Write) > 0 {
        "--enable write|destroy"
    } else if compiled.held(Effect::Destroy) > 0 {
        "--enable destroy"
    } else {
        "--enable write"
    }
}

/// One credential that tools name.
pub(super) struct CredentialState {
    pub(super) scheme: String,
    /// Environment variables that it comes from.
    pub(super) variables: Vec<String>,
    /// Files that it comes from.
    pub(super) files: Vec<String>,
    /// Both in words.
    pub(super) needed: String,
    /// Where tokens are fetched, if they are.
    pub(super) token_url: Option<String>,
    /// Whether it is there: from the environment or in a header of the owner's.
    pub(super) set: bool,
    /// Where it goes: scheme, host and port.
    pub(super) origins: BTreeSet<String>,
}

/// The credentials that tools of the Manifest name, in the document's order.
pub(super) fn credentials(manifest: &Manifest, config: &Config) -> Vec<CredentialState> {
    let mut states = Vec::new();
    for (source, spec) in &manifest.sources {
        for (scheme, credential) in &spec.credentials {
            let names =
                |tool: &&ToolSpec| security(tool).iter().any(|all| all.contains_key(scheme));
            let naming: Vec<_> = manifest
                .tools
                .iter()
                .filter(|tool| &tool.source == source)
                .filter(names)
                .collect();
            if naming.is_empty() {
                continue;
            }
            states.push(CredentialState {
                scheme: scheme.clone(),
                variables: credential
                    .variables()
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                files: credential.files().into_iter().map(str::to_owned).collect(),
                needed: credential.needed(),
                token_url: match credential {
                    CredentialSpec::ClientCredentials { token_url, .. } => Some(token_url.clone()),
                    _ => None,
                },
                set: config
                    .sources
                    .get(source)
                    .is_some_and(|found| found.has(scheme, credential)),
                origins: naming.into_iter().filter_map(origin).collect(),
            });
        }
    }
    states
}

/// What is sent where, and what the owner says if that is meant.
type Sent = BTreeMap<(String, String), String>;

/// A warning for every environment variable that is set and goes to an origin which only the document
/// names: whoever wrote the document chose that origin, and the variable's name. A token that is
/// fetched with one is worth the same.
pub(super) fn sent_to_document_hosts(manifest: &Manifest, config: &Config) -> Vec<Diagnostic> {
    let mut found = Sent::new();
    for tool in &manifest.tools {
        let Some(action) = tool.action.http() else {
            continue;
        };
        let (Some(spec), Some(set)) = (
            manifest.sources.get(&tool.source),
            config.sources.get(&tool.source),
        ) else {
            continue;
        };
        let mut send = |what: String, url: &str, option: &str| {
            let origin = url_origin(url).filter(|o| !spec.trusted_origins.contains(o));
            if let Some(origin) = origin {
                let help = || format!("if that is where it belongs: {option} {url}");
                found.entry((what, origin)).or_insert_with(help);
            }
        };
        let base = action.base_url.as_deref().unwrap_or_default();
        for name in security(tool).iter().flat_map(Requirement::keys) {
            let (Some(kind), Some(credential)) =
                (spec.credentials.get(name), set.credentials.get(name))
            else {
                continue;
            };
            if set.sends(kind) {
                continue;
            }
            match (kind, credential) {
                (
                    CredentialSpec::ClientCredentials {
                        env_secret,
                        token_url,
                        ..
                    },
                    Credential::Client(..),
                ) => {
                    let secret = place(env_secret).unwrap_or_default();
                    send(secret, token_url, "--token-url");
                    send(format!("the token of `{name}`"), base, "--base-url");
                }
                (CredentialSpec::ClientCredentials { env, .. }, _) => {
                    send(place(env).unwrap_or_default(), base, "--base-url");
                }
                (kind, _) => kind
                    .places()
                    .into_iter()
                    .for_each(|place| send(place, base, "--base-url")),
            }
        }
        // Those of headers are set: nothing starts without them.
        for value in spec.headers.values().filter(|_| !set.headers.is_empty()) {
            let Ok(_) = filled(value, |name| {
                send(name.to_owned(), base, "--base-url");
                Ok::<_, Infallible>(String::new())
            });
        }
    }
    let warning = |((what, origin), help): ((String, String), String)| {
        let message = format!("{what} goes to {origin}, which only the document names");
        Diagnostic::general(Code::CredentialToDocumentHost, message).help(help)
    };
    found.into_iter().map(warning).collect()
}

/// What tools need and is not set, in words, an alternative each, with the names of the tools.
pub(super) fn unreachable<'m>(
    manifest: &'m Manifest,
    config: &Config,
) -> IndexMap<Vec<String>, Vec<&'m str>> {
    let mut missing: IndexMap<Vec<String>, Vec<&str>> = IndexMap::new();
    for tool in &manifest.tools {
        let Some(spec) = manifest.sources.get(&tool.source) else {
            continue;
        };
        let found = config
            .sources
            .get(&tool.source)
            .cloned()
            .unwrap_or_default();
        let set = |name: &String| {
            spec.credentials
                .get(name)
                .is_some_and(|kind| found.has(name, kind))
        };
        let alternatives = security(tool);
        if alternatives.is_empty() || alternatives.iter().any(|all| all.keys().all(set)) {
            continue;
        }
        let needed = missing.entry(spec.needed(alternatives)).or_default();
        needed.push(&tool.name);
    }
    missing
}

/// Scheme, host and port that a tool's requests go to.
fn origin(tool: &ToolSpec) -> Option<String> {
    url_origin(tool.action.http()?.base_url.as_deref()?)
}

fn url_origin(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(url.origin().ascii_serialization())
}

fn security(tool: &ToolSpec) -> &[Requirement] {
    tool.action.http().map_or(&[], |action| &action.security)
}

/// Prints a JSON document to standard output, which may be a terminal: nothing in it is hidden.
pub(super) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let text = serde_json::to_string_pretty(value)?;
    writeln!(stdout, "{}", render::printable_json(&text))?;
    stdout.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, want) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), want);
        }
        assert_eq!(count(1, "write"), "1 write");
        assert_eq!(count(2_000, "write"), "2,000 writes");
    }
}
