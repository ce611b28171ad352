//! Words and numbers that several commands print.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::Write;

use indexmap::IndexMap;

use crate::compile::Compiled;
use crate::diag::{Code, Diagnostic, render};
use crate::runtime::config::{Config, filled};
use crate::runtime::manifest::{Action, CredentialSpec, Effect, Manifest, ToolSpec};

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

/// `1 read`, `2 reads`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// `3 writes and 1 delete`, or `None` if nothing is off.
pub(super) fn held_back(compiled: &Compiled) -> Option<String> {
    match (compiled.held(Effect::Write), compiled.held(Effect::Destroy)) {
        (0, 0) => None,
        (writes, 0) => Some(count(writes, "write")),
        (0, destroys) => Some(count(destroys, "delete")),
        (writes, destroys) => Some(format!(
            "{} and {}",
            count(writes, "write"),
            count(destroys, "delete")
        )),
    }
}

/// What would turn on what is off.
pub(super) fn enabling(compiled: &Compiled) -> &'static str {
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
                |tool: &&ToolSpec| security(tool).iter().flatten().any(|name| name == scheme);
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

/// A warning for every environment variable that is set and goes to an origin which only the document
/// names: whoever wrote the document chose that origin, and the variable's name.
pub(super) fn sent_to_document_hosts(manifest: &Manifest, config: &Config) -> Vec<Diagnostic> {
    let mut found: BTreeMap<(String, String), &str> = BTreeMap::new();
    for tool in &manifest.tools {
        let Action::Http(action) = &tool.action;
        let (Some(base), Some(origin)) = (action.base_url.as_deref(), origin(tool)) else {
            continue;
        };
        let Some(spec) = manifest.sources.get(&tool.source) else {
            continue;
        };
        let Some(set) = config.sources.get(&tool.source) else {
            continue;
        };
        if spec.trusted_origins.contains(&origin) {
            continue;
        }
        let credentials = security(tool).iter().flatten();
        let credentials = credentials
            .filter(|name| set.credentials.contains_key(*name))
            .filter_map(|name| spec.credentials.get(name))
            .filter(|kind| !set.sends(kind))
            .flat_map(CredentialSpec::variables)
            .map(str::to_owned);
        let mut variables: Vec<String> = credentials.collect();
        // Those of headers are set: nothing starts without them.
        for value in spec.headers.values().filter(|_| !set.headers.is_empty()) {
            let filled = filled(value, |name| {
                variables.push(name.to_owned());
                Ok::<_, Infallible>(String::new())
            });
            let Ok(_) = filled;
        }
        for variable in variables {
            found.entry((variable, origin.clone())).or_insert(base);
        }
    }
    let warning = |((variable, origin), base): ((String, String), &str)| {
        let message = format!("{variable} goes to {origin}, which only the document names");
        let found = Diagnostic::general(Code::CredentialToDocumentHost, message);
        found.help(format!("if that is where it belongs: --base-url {base}"))
    };
    found.into_iter().map(warning).collect()
}

/// What tools need and is not set, as `A and B or C`, with the number of tools.
pub(super) fn missing_credentials(manifest: &Manifest, config: &Config) -> IndexMap<String, usize> {
    let mut missing = IndexMap::new();
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
        if alternatives.is_empty() || alternatives.iter().any(|all| all.iter().all(set)) {
            continue;
        }
        let need = |all: &Vec<String>| {
            let names = all
                .iter()
                .filter_map(|name| spec.credentials.get(name))
                .flat_map(CredentialSpec::variables);
            names.collect::<Vec<_>>().join(" and ")
        };
        let text = alternatives
            .iter()
            .map(need)
            .collect::<Vec<_>>()
            .join(" or ");
        *missing.entry(text).or_default() += 1;
    }
    missing
}

/// Scheme, host and port that a tool's requests go to.
fn origin(tool: &ToolSpec) -> Option<String> {
    let Action::Http(action) = &tool.action;
    let url = url::Url::parse(action.base_url.as_deref()?).ok()?;
    Some(url.origin().ascii_serialization())
}

fn security(tool: &ToolSpec) -> &Vec<Vec<String>> {
    match &tool.action {
        Action::Http(action) => &action.security,
    }
}

/// Method and path of a tool's action.
pub(super) fn method_and_path(tool: &ToolSpec) -> (&str, &str) {
    match &tool.action {
        Action::Http(action) => (&action.method, &action.path),
    }
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
