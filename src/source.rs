//! A source: an input text with its name, how it becomes a tree, and where in it a node is.
//!
//! JSON is read by `serde_json`, YAML by a composer of our own; both give the same `serde_json::Value`, so that
//! nothing after this module knows which one it was. A tree carries no positions: a [`Loc`] is
//! resolved to a line and column by reading the text again, when there is something to print.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::diag::{Code, Diagnostic, Diagnostics, Loc, Severity};

mod json;
mod locate;
mod origin;
mod position;
mod scalar;
mod set;
mod yaml;

pub use origin::Origins;
pub use set::Sources;

/// How many findings of one kind are reported one by one; the rest become a count.
const MAX_REPORTS: usize = 100;

/// The largest text in bytes that begins as JSON, is not JSON, and is still tried as YAML. The
/// scanner needs over a hundred bytes of memory for each byte of a flow collection, and nobody
/// writes a larger one by hand.
const MAX_FLOW_YAML: usize = 1 << 20;

/// An input text with its name.
#[derive(Debug, Clone)]
pub struct Source {
    /// What to call it in messages: the path as typed, the URL without secrets, or `<stdin>`.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: String,
    /// Where it was fetched from, for relative server URLs; has no user information and no query.
    pub url: Option<Url>,
    /// Whether it was made here, of what a database says: nobody wrote its lines, so none is shown.
    pub made: bool,
}

/// What reading a document may cost. Documents come from anywhere, and a small one can be made to
/// need much (nested aliases, "billion laughs").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of text; YAML aliases may add as many again.
    pub bytes: usize,
    /// Values in the tree; YAML aliases may add a fifth of it.
    pub nodes: usize,
    /// Levels of nested objects and lists. Not above 127, where `serde_json` stops.
    pub depth: usize,
    /// Time to read YAML; JSON needs none, its cost is bounded by its bytes.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            nodes: 5_000_000,
            depth: 100,
            time: Duration::from_secs(30),
        }
    }
}

/// How much of YAML is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// All that other readers read: documents come as they are.
    Lenient,
    /// Nothing that means one thing to a person and another to a reader.
    Strict,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset after the last byte; on the line of `start`, and not before it.
    pub end: usize,
    /// Line of `start`, from 1. Lines end with a line feed.
    pub line: usize,
    /// Column of `start` in characters, from 1.
    pub column: usize,
}

impl Source {
    /// A text with a name, from nowhere in particular. A byte order mark is dropped.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Self {
            name: name.into(),
            text,
            url: None,
            made: false,
        }
    }

    /// A text that was made here.
    pub fn made(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            made: true,
            ..Self::new(name, text)
        }
    }

    /// The place of an error that reading the text as JSON gave, and its words.
    pub fn misread(&self, error: &serde_json::Error) -> (Loc, String) {
        json::misread(&self.text, error)
    }

    /// Whether the text is JSON, whatever the file is called.
    pub fn is_json(&self) -> bool {
        json::begins(&self.text)
            && serde_json::from_str::<serde::de::IgnoredAny>(&self.text).is_ok()
    }

    /// Reads the text as JSON or YAML, whichever it is. Numbers keep their text.
    ///
    /// Reports everything wrong with it; `None` means that an error was reported and there is no
    /// tree.
    pub fn parse(&self, budget: &Budget, diags: &mut Diagnostics) -> Option<Value> {
        self.read(budget, Manner::Lenient, diags)
    }

    /// Reads a text that its owner writes for us: like [`Source::parse`], and what people and readers
    /// understand differently is an error (merge keys, `True`, `012`).
    pub fn parse_strictly(&self, budget: &Budget, diags: &mut Diagnostics) -> Option<Value> {
        self.read(budget, Manner::Strict, diags)
    }

    fn read(&self, budget: &Budget, manner: Manner, diags: &mut Diagnostics) -> Option<Value> {
        let text = self.text.as_str();
        if let Some(refusal) = refuse_unread(text, budget) {
            diags.push(refusal);
            return None;
        }
        if !json::begins(text) {
            return yaml::compose(text, budget, manner, diags);
        }
        let json_error = match json::parse(text, budget, diags) {
            Ok(value) => return Some(value),
            Err(error) => *error,
        };
        if json_error.code == Code::Syntax && text.len() <= MAX_FLOW_YAML {
            // A YAML document in braces: flow style, trailing commas, unquoted keys.
            let mut yaml_diags = Diagnostics::default();
            let value = yaml::compose(text, budget, manner, &mut yaml_diags);
            let is_yaml = !yaml_diags.iter().any(|d| d.code == Code::Syntax);
            if is_yaml {
                yaml_diags.iter().cloned().for_each(|d| diags.push(d));
                return value;
            }
        }
        diags.push(json_error);
        None
    }

    /// The places of `locs`, in one pass over the text.
    ///
    /// A place that is not in the text (a node that an alias or a merge key brought, a node that is
    /// missing) is that of the nearest node above it; the document itself is line 1, column 1.
    /// `None` only where a line and column are given that the text does not have, and in a text that was
    /// made here.
    pub fn locate(&self, locs: &[&Loc]) -> Vec<Option<Span>> {
        if self.made {
            return vec![None; locs.len()];
        }
        locate::locate(&self.text, locs)
    }
}

/// Why the text is not worth reading at all, if it is not.
fn refuse_unread(text: &str, budget: &Budget) -> Option<Diagnostic> {
    if text.len() > budget.bytes {
        let message = format!(
            "the document is {} bytes long; at most {} are read",
            text.len(),
            budget.bytes
        );
        return Some(Diagnostic::new(Code::Budget, Loc::line(1, 1), message).help(FIXED_LIMIT));
    }
    let start = text.trim_start();
    if start.is_empty() {
        return Some(empty());
    }
    let is_markup = ["<!doctype", "<html", "<?xml"].iter().any(|tag| {
        start
            .get(..tag.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(tag))
    });
    is_markup.then(|| {
        Diagnostic::new(
            Code::Syntax,
            Loc::line(1, 1),
            "this is an HTML or XML page, not a JSON or YAML document",
        )
        .help("use the address of the raw document, not of the page that shows it")
    })
}

/// The help of every budget finding: the limits are constants, so the document has to change.
const FIXED_LIMIT: &str = "this limit is fixed; a smaller document is needed";

fn empty() -> Diagnostic {
    Diagnostic::new(Code::Empty, Loc::line(1, 1), "the document is empty")
        .help("an OpenAPI document begins with `openapi: 3.1.0` (or 3.0.x)")
}

fn over_nodes(budget: &Budget) -> Diagnostic {
    let message = format!("the document has more than {} values", budget.nodes);
    Diagnostic::new(Code::Budget, Loc::line(1, 1), message).help(FIXED_LIMIT)
}

fn over_depth(budget: &Budget, loc: Loc) -> Diagnostic {
    let message = format!(
        "the document is nested deeper than {} levels here",
        budget.depth
    );
    Diagnostic::new(Code::Budget, loc, message)
        .help("this limit is fixed; a flatter document is needed")
}

fn duplicate_key(key: &str, loc: Loc) -> Diagnostic {
    let message = format!(
        "the key {} is there more than once; the last value is used",
        quoted(key)
    );
    Diagnostic::new(Code::DuplicateKey, loc, message).help("remove one of them, or join the two")
}

/// What stands for the findings of a kind that were not reported one by one.
fn and_more(code: Code, count: usize) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..Diagnostic::general(code, format!("and {count} more like this"))
    }
}

/// Document text in a message, cut to a length that can be read.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => format!("`{text}`"),
        Some((cut, _)) => format!("`{}…`", &text[..cut]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(diags: &Diagnostics) -> Vec<&'static str> {
        diags.iter().map(|d| d.code.as_str()).collect()
    }

    #[test]
    fn what_the_text_is_decides_how_it_is_read() {
        let cases: &[(&str, Option<&str>, &[&str])] = &[
            ("{\"a\": 1.10}", Some(r#"{"a":1.10}"#), &[]),
            ("\u{feff}{\"a\": 1}", Some(r#"{"a":1}"#), &[]),
            ("\u{feff}a: 1", Some(r#"{"a":1}"#), &[]),
            ("a: 1", Some(r#"{"a":1}"#), &[]),
            ("{a: 1, b: [x, y],}", Some(r#"{"a":1,"b":["x","y"]}"#), &[]),
            ("[1, 2]", Some("[1,2]"), &[]),
            ("{\"a\": 1, \"b\"", None, &["MG101"]),
            ("{\"a\": 1, \"a\": 2}", Some(r#"{"a":2}"#), &["MG106"]),
            ("", None, &["MG102"]),
            (" \n\t", None, &["MG102"]),
            ("# only this\n", None, &["MG102"]),
            ("---\n# only this\n", None, &["MG102"]),
            (" <!DOCTYPE html><html>", None, &["MG101"]),
        ];
        for (text, value, expected) in cases {
            let mut diags = Diagnostics::default();
            let parsed = Source::new("t", *text).parse(&Budget::default(), &mut diags);
            assert_eq!(parsed.map(|v| v.to_string()).as_deref(), *value, "{text:?}");
            assert_eq!(codes(&diags), *expected, "{text:?}");
        }
    }

    #[test]
    fn json_is_told_by_its_content() {
        for (text, is_json) in [
            ("{}", true),
            (" [1]", true),
            ("{a: 1}", false),
            ("a: 1", false),
        ] {
            assert_eq!(
                Source::new("openapi.json", text).is_json(),
                is_json,
                "{text}"
            );
        }
    }

    #[test]
    fn budgets_are_named() {
        let budget = Budget {
            bytes: 40,
            nodes: 5,
            depth: 3,
            ..Budget::default()
        };
        let cases = [
            ("[[[[1]]]]", "3 levels"),
            ("a: [[[1]]]", "3 levels"),
            ("[1,2,3,4,5,6]", "5 values"),
            ("- 1\n- 2\n- 3\n- 4\n- 5\n", "5 values"),
            ("a: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'", "43 bytes"),
            ("- &a xxxxxxxxxxxxxxxxxxxxxxxxxx\n- *a\n", "aliases expand"),
        ];
        for (text, part) in cases {
            let mut diags = Diagnostics::default();
            assert!(Source::new("t", text).parse(&budget, &mut diags).is_none());
            let found = diags.iter().map(|d| d.message.clone()).collect::<String>();
            assert_eq!(codes(&diags), ["MG105"], "{text}: {found}");
            assert!(found.contains(part), "{text}: {found}");
        }
    }
}
