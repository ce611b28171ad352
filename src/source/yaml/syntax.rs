//! What the YAML scanner refuses, with what to do about it.

use saphyr_parser::ScanError;

use super::super::{Budget, over_depth, position};
use crate::diag::{Code, Diagnostic, Loc};

/// Words of the scanner's messages and what the writer of such a document should do.
const HELP: [(&str, &str); 9] = [
    ("tabs disallowed", "indent with spaces, not with tabs"),
    (
        "mapping values are not allowed",
        "quote text that has `: ` in it; check the indentation",
    ),
    (
        "expected ',' or '}'",
        "close the `{`; quote text that has `,`, `{` or `}` in it",
    ),
    (
        "expected ',' or ']'",
        "close the `[`; quote text that has `,`, `[` or `]` in it",
    ),
    (
        "did not find expected key",
        "the keys of one mapping begin in the same column",
    ),
    (
        "did not find expected '-'",
        "the items of one list begin in the same column",
    ),
    (
        "quoted scalar",
        "close the quote; its further lines are indented",
    ),
    (
        "unexpected character",
        "quote text that begins with a character like this",
    ),
    (
        "unprintable character",
        "give a JSON or YAML text, not an archive or a program",
    ),
];

/// What the scanner has to say, at its place. At the end of the text it counts on, so its line is
/// not to be trusted there.
pub(super) fn syntax(text: &str, error: &ScanError, budget: &Budget) -> Diagnostic {
    let offsets = position::char_offsets(text, &[error.marker().index()]);
    let (line, column) = position::line_columns(text, &offsets)[0];
    let (loc, info) = (Loc::line(line, column), error.info());
    if info.contains("recursion limit") {
        return over_depth(budget, loc);
    }
    let found = Diagnostic::new(Code::Syntax, loc, format!("this is not YAML: {info}"));
    match HELP.iter().find(|(words, _)| info.contains(words)) {
        Some((_, help)) => found.help(*help),
        None => found,
    }
}
