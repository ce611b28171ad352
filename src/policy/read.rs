//! Reads a policy file: text → tree → findings of the format's schema → typed → contradictions.
//!
//! All mistakes are told in one run, each at its place: what is wrong is left out, and the rest is
//! looked at. A secret that stands where only a reference may is masked in the text before anything
//! of it can be printed.

use serde_json::Value;

use super::check;
use super::format::{PolicyFile, words};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, Severity, escape};
use crate::source::{Budget, Source};

mod findings;
mod mask;
mod rest;
mod texts;
mod unenforced;

use findings::Format;
use rest::Rest;
pub(super) use rest::Wrong;

/// What reading a policy may cost: people write policies, and thousands of rules are long enough.
const BUDGET: Budget = Budget {
    bytes: 4 << 20,
    nodes: 250_000,
    depth: 32,
    time: std::time::Duration::from_secs(10),
};

/// Findings that are shown of one file; who has more has one mistake many times.
const SHOWN_MAX: usize = 100;

/// Reads a policy file. Mistakes are reported; the file that is left without them is marked as broken,
/// so that it can be looked at further, and `None` is one of which nothing is left to look at.
pub fn read(source: &mut Source, diags: &mut Diagnostics) -> Option<PolicyFile> {
    let mut found = Diagnostics::default();
    let tree = source.parse_strictly(&BUDGET, &mut found);
    let unclear = !found.is_empty();
    let secrets = mask::mask(source, tree.as_ref(), unclear);
    for finding in found.iter() {
        diags.push(of_policy(finding.clone()));
    }
    let tree = tree?;
    let mut found = Diagnostics::default();
    let file = if let Some(key) = document(&tree) {
        found.push(not_a_policy(key));
        None
    } else {
        understood(&tree, &mut found)
    };
    let placed = in_order(source, &found);
    for finding in placed.iter().take(SHOWN_MAX) {
        diags.push(secrets.hidden(finding.clone()));
    }
    if let Some(more @ 1..) = placed.len().checked_sub(SHOWN_MAX) {
        let message = format!("and {more} more like these");
        diags.push(Diagnostic::general(Code::PolicyValue, message));
    }
    let file = file?;
    Some(PolicyFile {
        broken: unclear || !placed.is_empty(),
        ..file
    })
    // Which of two values is meant is not known, so nothing is looked for beyond this file.
    .filter(|_| !unclear)
}

/// What a tree says, and what is wrong with it.
fn understood(tree: &Value, found: &mut Diagnostics) -> Option<PolicyFile> {
    let schema = PolicyFile::schema();
    let validator = words::checked(jsonschema::draft202012::options());
    let validator = validator.build(&schema).ok()?;
    let mut format = Format::new(&schema, found);
    for error in validator.iter_errors(tree) {
        format.report(&error);
    }
    let mut wrong = format.wrong;
    wrong.extend(texts::look(tree, &wrong, found));
    let mut rest = Rest::new(tree.clone());
    for place in &wrong {
        rest.without(place);
    }
    let mut file = rest.typed(found)?;
    check::check(&mut file, rest.names_are_known(), &wrong, found);
    rest.has_sources().then_some(file)
}

/// Whether a text is meant as a policy file: no document has its keys.
pub fn is_policy(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        // A policy in JSON or in one flow mapping; a document in JSON is not read twice.
        let has = |key: &str| text.contains(&format!("\"{key}\""));
        return !has("paths")
            && !has("openapi\": \"3")
            && has("version")
            && (has("sources") || has("rules"));
    }
    let has_key = |line: &str, names: &[&str]| {
        let mut rests = names.iter().filter_map(|name| line.strip_prefix(name));
        rests.any(|rest| rest.trim_start().starts_with(':'))
    };
    let mut found = false;
    for line in text.lines() {
        // A document says what it is in its first lines; the rest of it is not looked at.
        if has_key(
            line,
            &["openapi", "swagger", "\"openapi\"", "\"swagger\"", "paths"],
        ) {
            return false;
        }
        found |= has_key(line, &["sources", "rules", "credentials", "defaults"]);
    }
    found
}

/// The key that says that a tree is a document.
fn document(tree: &Value) -> Option<&'static str> {
    let keys = ["openapi", "swagger"];
    keys.into_iter().find(|key| tree.get(key).is_some())
}

fn not_a_policy(key: &str) -> Diagnostic {
    let message = "this is an OpenAPI document, not a policy";
    let found = Diagnostic::new(Code::PolicyKey, Loc::key(format!("/{key}")), message);
    found.help("a policy begins with `version: 1` and names documents under `sources:`")
}

/// A finding about the text in the words of a policy: what is only doubtful elsewhere is wrong here.
fn of_policy(mut found: Diagnostic) -> Diagnostic {
    found.severity = Severity::Error;
    match found.code {
        Code::Empty => {
            "the policy is empty".clone_into(&mut found.message);
            found.help = Some("a policy begins with `version: 1`".to_owned());
        }
        Code::DuplicateKey => {
            found.message = found.message.replace("; the last value is used", "");
            found.help = Some("take one of them out: which is meant cannot be told".to_owned());
        }
        _ => {
            found.message = found.message.replacen("the document", "the policy", 1);
            let help = found.help.as_mut();
            if let Some(help) = help {
                *help = help.replacen("document", "policy", 1);
            }
        }
    }
    found
}

/// The findings in the order of their places.
fn in_order(source: &Source, found: &Diagnostics) -> Vec<Diagnostic> {
    let locs: Vec<&Loc> = found.iter().filter_map(|f| f.loc.as_ref()).collect();
    let starts = source.locate(&locs).into_iter().map(|s| s.map(|s| s.start));
    let mut placed: Vec<_> = starts.zip(found.iter().cloned()).collect();
    placed.sort_by_key(|(start, _)| *start);
    placed.into_iter().map(|(_, finding)| finding).collect()
}

/// A serde path as a JSON Pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let token = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escape(key),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&token);
    }
    pointer
}
