//! Findings as SARIF 2.1.0 (OASIS Standard), for code scanning.
//!
//! One run, one rule a code, one result a finding. Places are relative to the folder that the command
//! was run in, and count characters. A result's fingerprint leaves lines out, so that a finding stays
//! the same one when text before it moves.

use std::fmt::Write as _;
use std::path::{Component, Path};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::loss::Report;
use crate::cli::load::Loaded;
use crate::diag::{Bearing, Code, Severity};
use crate::runtime::manifest::VERSION;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What the places are relative to (SARIF 2.1.0 §3.4.4): the folder of the repository, for scanners.
const BASE: &str = "%SRCROOT%";
/// Operations that a result names.
const OPERATIONS_MAX: usize = 100;

/// The log of one run.
pub(super) fn log(loaded: &Loaded, report: &Report) -> Value {
    let losing = report.losing();
    let mut used: Vec<Code> = loaded.diags.iter().map(|found| found.code).collect();
    used.sort();
    used.dedup();
    let results: Vec<Value> = loaded
        .diags
        .iter()
        .zip(&report.findings)
        .enumerate()
        .map(|(index, (found, object))| {
            let rule = used.iter().position(|code| *code == found.code);
            let mut text = sentence(&found.message);
            if let Some(help) = &found.help {
                text = format!("{text} {}", sentence(help));
            }
            let mut result = json!({
                "ruleId": found.code.as_str(),
                "ruleIndex": rule,
                "level": level(found.severity),
                "message": {"text": text},
                "locations": [location(object, &loaded.sources.main().name)],
                "partialFingerprints": {"mcpgen/v1": fingerprint(object)},
            });
            if let (Some(operations), Some(result)) = (losing.get(&index), result.as_object_mut()) {
                let named: Vec<&&str> = operations.iter().take(OPERATIONS_MAX).collect();
                result.insert("properties".into(), json!({"operations": named}));
            }
            result
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "mcpgen",
                "version": VERSION,
                "semanticVersion": VERSION,
                "rules": used.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// One code (SARIF 2.1.0 §3.49).
fn rule(code: Code) -> Value {
    let (name, summary) = (format!("{code:?}"), code.summary());
    let kind = match code.bearing() {
        Bearing::Loss => "loss",
        Bearing::Rewrite => "rewrite",
        Bearing::Nothing => "advice",
    };
    let anchor = code.as_str().to_ascii_lowercase();
    let mut rule = json!({
        "id": code.as_str(),
        "name": name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {
            "text": format!("{summary} docs/diagnostics.md of mcpgen says what to do about {}.", code.as_str()),
            "markdown": format!("{summary} `docs/diagnostics.md#{anchor}` of mcpgen says what to do about it."),
        },
        "defaultConfiguration": {"level": level(code.severity())},
        "properties": {"tags": ["openapi", kind]},
    });
    if let (Some(uri), Some(rule)) = (help_uri(REPOSITORY, &anchor), rule.as_object_mut()) {
        rule.insert("helpUri".into(), uri.into());
    }
    rule
}

/// Where the repository of this package is; empty as long as `Cargo.toml` names none.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The address of a code's documentation, if the repository has one (SARIF 2.1.0 §3.49.12: it is
/// absolute).
fn help_uri(repository: &str, anchor: &str) -> Option<String> {
    let page = format!("blob/v{VERSION}/docs/diagnostics.md");
    let repository = repository.trim_end_matches('/');
    (!repository.is_empty()).then(|| format!("{repository}/{page}#{anchor}"))
}

/// Where a finding is; what is about no place is about the document.
fn location(finding: &Value, document: &str) -> Value {
    let file = finding.get("file").and_then(Value::as_str);
    let number = |key: &str| finding.get(key).and_then(Value::as_u64);
    let mut region = Map::new();
    region.insert("startLine".into(), number("line").unwrap_or(1).into());
    if let Some(column) = number("column") {
        region.insert("startColumn".into(), column.into());
    }
    let mut location = json!({"physicalLocation": {
        "artifactLocation": artifact(file.unwrap_or(document)),
        "region": region,
    }});
    let pointer = finding.get("pointer").and_then(Value::as_str);
    if let (Some(pointer), Some(location)) = (pointer, location.as_object_mut()) {
        let logical = json!([{"fullyQualifiedName": pointer, "kind": "member"}]);
        location.insert("logicalLocations".into(), logical);
    }
    location
}

/// Characters of a path that a URI has no room for (RFC 3986 §3.3).
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The URI of a file: relative to the current folder if it is in it. A URL stays what it is.
fn artifact(name: &str) -> Value {
    if name.contains("://") {
        return json!({"uri": name});
    }
    let here = std::env::current_dir().unwrap_or_default();
    let path = Path::new(name);
    let path = path.strip_prefix(&here).unwrap_or(path);
    let mut parts = Vec::new();
    let mut outside = false;
    for component in path.components() {
        match component {
            Component::Normal(part) => {
                let part = part.to_string_lossy();
                parts.push(utf8_percent_encode(&part, ESCAPED).to_string());
            }
            Component::ParentDir => parts.push("..".to_owned()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => outside = true,
        }
    }
    let joined = parts.join("/");
    if outside {
        return json!({"uri": format!("file:///{joined}")});
    }
    // A colon in the first segment would make it a scheme (RFC 3986 §4.2).
    let first = parts.first().is_some_and(|part| part.contains(':'));
    let uri = if first { format!("./{joined}") } else { joined };
    json!({"uri": uri, "uriBaseId": BASE})
}

/// What stays the same of a finding when lines move.
fn fingerprint(finding: &Value) -> String {
    let mut hasher = Sha256::new();
    for key in ["code", "file", "pointer", "message"] {
        let text = finding.get(key).and_then(Value::as_str).unwrap_or_default();
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    let mut text = String::new();
    for byte in hasher.finalize().iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A fragment as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    let text = format!("{}{}", first.unwrap_or_default(), chars.as_str());
    if text.ends_with(['.', '?', '!']) {
        text
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_a_rule_has_an_address_where_the_repository_has_one() {
        let at = |repository| help_uri(repository, "mg122");
        assert_eq!(at(""), None);
        let want = format!("https://host.example/m/blob/v{VERSION}/docs/diagnostics.md#mg122");
        assert_eq!(at("https://host.example/m/"), Some(want));
        assert_eq!(
            rule(Code::Syntax).get("helpUri"),
            at(REPOSITORY).map(Value::from).as_ref()
        );
    }
}
