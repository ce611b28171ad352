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
            expectation(all, &loc.child("expect"), &mut found);
        }
    }
    found
}

fn expectation(all: &Expectation, loc: &Loc, found: &mut Diagnostics) {
    let more = all.request.is_some() || all.clamped.is_some() || all.result.is_some();
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
        let help = "expect `request`, `clamped`, `result` or `refused`";
        conflict(loc.clone(), message, help);
    }
    for pointer in all.clamped.iter().flat_map(|changes| changes.keys()) {
        if !pointer.starts_with('/') {
            let message = format!("`{pointer}` is no JSON Pointer into the arguments");
            let help = format!("write `/{pointer}`");
            conflict(loc.child("clamped").child(pointer), &message, &help);
        }
    }
}
