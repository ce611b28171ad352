//! Whether tests can mean something: the tools that they name are there, and what they expect can come
//! true together.

use super::super::load::Loaded;
use crate::compile::Compiled;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::{Expect, Expectation, Test};

/// Reports the tests that can mean nothing.
pub(super) fn check(loaded: &Loaded, compiled: &Compiled, tests: &[Test]) -> Diagnostics {
    let mut found = Diagnostics::default();
    let lost = loaded.compiled.iter().flat_map(|(catalogs, _)| catalogs);
    let lost: Vec<&str> = lost
        .flat_map(|catalog| &catalog.left_out)
        .filter_map(|left| left.id.as_deref())
        .collect();
    for (index, test) in tests.iter().enumerate() {
        let loc = Loc::at(format!("/tests/{index}"));
        let names = || compiled.offered.iter().map(|offered| offered.name.as_str());
        let called = test.call.as_str();
        if !names().any(|name| name == called) && !lost.contains(&called) {
            let message = format!("no tool is called `{called}`, and no operation would be one");
            let diagnostic = Diagnostic::new(Code::PolicyName, loc.child("call"), message);
            found.push(match nearest(called, names()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("`mcpgen list` shows the tools"),
            });
        }
        if let Expect::All(all) = &test.expect {
            let mut tools = compiled.manifest.tools.iter();
            let tool = tools.find(|tool| tool.name == called);
            let reads = tool.map(|tool| tool.action.http().is_none());
            expectation(all, reads, &loc.child("expect"), &mut found);
        }
    }
    found
}

/// `reads`: the tool is a read of a database, of which no test asks anything.
fn expectation(all: &Expectation, reads: Option<bool>, loc: &Loc, found: &mut Diagnostics) {
    let more = all.request.is_some()
        || all.statement.is_some()
        || all.clamped.is_some()
        || all.result.is_some();
    let mut conflict = |loc: Loc, message: &str, help: &str| {
        found.push(Diagnostic::new(Code::PolicyConflict, loc, message).help(help));
    };
    if all.refused.is_some() && more {
        let message = "a call that is refused sends nothing and has no result";
        conflict(
            loc.child("refused"),
            message,
            "take out `refused`, or everything else",
        );
    }
    if all.refused.is_none() && !more {
        let message = "the test expects nothing";
        let help = "expect `request`, `statement`, `clamped`, `result` or `refused`";
        conflict(loc.clone(), message, help);
    }
    let foreign = match reads {
        Some(true) => [
            ("request", all.request.is_some()),
            ("result", all.result.is_some()),
        ],
        Some(false) => [("statement", all.statement.is_some()), ("", false)],
        None => [("", false); 2],
    };
    for (key, _) in foreign.iter().filter(|(_, there)| *there) {
        let (message, help) = match reads {
            Some(true) => (
                format!(
                    "`{key}` is of an API, and the tool reads a database, which tests do not ask"
                ),
                "expect `statement`: parts of what `mcpgen call --dry-run` prints",
            ),
            _ => (
                format!("`{key}` is of a database, and the tool calls an API"),
                "expect `request`",
            ),
        };
        conflict(loc.child(key), &message, help);
    }
    for pointer in all.clamped.iter().flat_map(|changes| changes.keys()) {
        if !pointer.starts_with('/') {
            let message = format!("`{pointer}` is no JSON Pointer into the arguments");
            let help = format!("write `/{pointer}`");
            conflict(loc.child("clamped").child(pointer), &message, &help);
        }
    }
}
