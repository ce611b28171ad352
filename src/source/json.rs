//! JSON: `serde_json` builds the tree; a lexer of our own sees what it does not tell.
//!
//! `serde_json` keeps the last of two equal keys in silence, has no budgets, and forgets where
//! things were. The lexer knows the grammar (RFC 8259) down to the tokens: which bytes a number or
//! a literal may have is left to `serde_json`.

use std::borrow::Cow;

use serde_json::Value;

use super::{Budget, MAX_REPORTS, and_more, duplicate_key, over_depth, over_nodes, position};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};

/// Whether the text begins as a JSON object or list does.
pub(super) fn begins(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Reads JSON within the budget; duplicate keys are reported, and the last one counts.
pub(super) fn parse(
    text: &str,
    budget: &Budget,
    diags: &mut Diagnostics,
) -> Result<Value, Box<Diagnostic>> {
    let duplicates = scan(text, budget)?;
    let value = serde_json::from_str(text).map_err(|error| Box::new(syntax(text, &error)))?;
    report(text, &duplicates, diags);
    Ok(value)
}

/// Something in the text, from byte `start` to byte `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Offset of its first byte.
    pub start: usize,
    /// Offset after its last byte.
    pub end: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{` or `[`.
    Open {
        /// Whether it is `{`.
        object: bool,
    },
    /// `}` or `]`.
    Close,
    /// A string before a colon.
    Key {
        /// Whether it has a backslash.
        escaped: bool,
    },
    /// A string, number or literal.
    Scalar,
}

/// The text of a key token, decoded.
pub(super) fn key_text(text: &str, token: Token) -> Cow<'_, str> {
    let raw = &text[token.start..token.end];
    let decoded = match token.kind {
        Kind::Key { escaped: true } => serde_json::from_str(raw).ok().map(Cow::Owned),
        _ => None,
    };
    decoded.unwrap_or_else(|| Cow::Borrowed(raw.trim_matches('"')))
}

/// The tokens of a text. After the last one, or after a mistake, [`Lexer::next`] gives `None`.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// For each open bracket, whether it is `{`.
    open: Vec<bool>,
    expect: Expect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrClose,
    Key,
    KeyOrClose,
    CommaOrClose,
    End,
    Nothing,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            open: Vec::new(),
            expect: Expect::Value,
        }
    }

    /// Whether the whole text was read and held no mistake.
    pub(super) fn is_complete(&self) -> bool {
        self.expect == Expect::End
    }

    /// How many brackets are open.
    fn depth(&self) -> usize {
        self.open.len()
    }

    fn skip_blank(&mut self) -> Option<u8> {
        while let b' ' | b'\n' | b'\r' | b'\t' = self.bytes.get(self.at)? {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Option<Token> {
        let token = self.read();
        let left_over = self.at < self.bytes.len();
        if token.is_none() && (self.expect != Expect::End || left_over) {
            self.expect = Expect::Nothing;
        }
        token
    }

    fn read(&mut self) -> Option<Token> {
        let mut byte = self.skip_blank()?;
        if self.expect == Expect::CommaOrClose && byte == b',' {
            self.at += 1;
            let in_object = self.open.last() == Some(&true);
            self.expect = if in_object {
                Expect::Key
            } else {
                Expect::Value
            };
            byte = self.skip_blank()?;
        }
        let start = self.at;
        let kind = match (byte, self.expect) {
            (b'"', Expect::Key | Expect::KeyOrClose) => {
                let escaped = self.string()?;
                let end = self.at;
                if self.skip_blank()? != b':' {
                    return None;
                }
                self.at += 1;
                self.expect = Expect::Value;
                let kind = Kind::Key { escaped };
                return Some(Token { kind, start, end });
            }
            (b'{' | b'[', Expect::Value | Expect::ValueOrClose) => {
                let object = byte == b'{';
                self.at += 1;
                self.open.push(object);
                self.expect = match object {
                    true => Expect::KeyOrClose,
                    false => Expect::ValueOrClose,
                };
                Kind::Open { object }
            }
            (b'}' | b']', Expect::KeyOrClose | Expect::ValueOrClose | Expect::CommaOrClose) => {
                if self.open.pop()? != (byte == b'}') {
                    return None;
                }
                self.at += 1;
                self.value_done();
                Kind::Close
            }
            (_, Expect::Value | Expect::ValueOrClose) => {
                self.scalar(byte)?;
                self.value_done();
                Kind::Scalar
            }
            _ => return None,
        };
        let end = self.at;
        Some(Token { kind, start, end })
    }

    fn value_done(&mut self) {
        self.expect = match self.open.is_empty() {
            true => Expect::End,
            false => Expect::CommaOrClose,
        };
    }

    fn scalar(&mut self, first: u8) -> Option<()> {
        if first == b'"' {
            return self.string().map(|_| ());
        }
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let length = self.bytes[self.at..]
            .iter()
            .take_while(|b| is_part(b))
            .count();
        self.at += length;
        (length > 0).then_some(())
    }

    /// Passes a string; whether it has a backslash.
    fn string(&mut self) -> Option<bool> {
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(escaped)
    }
}

/// A key that an object has more than once, and where it is for the last time.
#[derive(Debug, PartialEq, Eq)]
struct Duplicate {
    last: usize,
    first: usize,
    key: String,
}

/// Looks for duplicate keys and holds the document to its budgets, before there is a tree.
fn scan(text: &str, budget: &Budget) -> Result<Vec<Duplicate>, Box<Diagnostic>> {
    let mut lexer = Lexer::new(text);
    let mut nodes = 0;
    // The keys of all open objects, and for each open bracket where its keys begin.
    let mut keys: Vec<(Cow<str>, usize)> = Vec::new();
    let mut starts: Vec<usize> = Vec::new();
    let mut duplicates = Vec::new();
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Key { .. } => {
                keys.push((key_text(text, token), token.start));
                continue;
            }
            Kind::Open { .. } => starts.push(keys.len()),
            Kind::Scalar => {}
            Kind::Close => {
                let start = starts.pop().unwrap_or_default();
                collect_duplicates(&mut keys[start..], &mut duplicates);
                keys.truncate(start);
                continue;
            }
        }
        nodes += 1;
        if lexer.depth() > budget.depth {
            let place = position::line_columns(text, &[token.start])[0];
            return Err(Box::new(over_depth(budget, Loc::line(place.0, place.1))));
        }
        if nodes > budget.nodes {
            return Err(Box::new(over_nodes(budget)));
        }
    }
    duplicates.sort_unstable_by_key(|d| d.last);
    Ok(duplicates)
}

fn collect_duplicates(keys: &mut [(Cow<str>, usize)], duplicates: &mut Vec<Duplicate>) {
    keys.sort_unstable();
    for same in keys.chunk_by(|a, b| a.0 == b.0) {
        if let [(key, first), .., (_, last)] = same {
            duplicates.push(Duplicate {
                key: key.to_string(),
                first: *first,
                last: *last,
            });
        }
    }
}

fn report(text: &str, duplicates: &[Duplicate], diags: &mut Diagnostics) {
    let reported = &duplicates[..duplicates.len().min(MAX_REPORTS)];
    let offsets: Vec<usize> = reported.iter().flat_map(|d| [d.last, d.first]).collect();
    let places = position::line_columns(text, &offsets);
    for (duplicate, place) in reported.iter().zip(places.chunks_exact(2)) {
        let (line, column) = place[0];
        let help = format!(
            "the first one is at line {}, column {}",
            place[1].0, place[1].1
        );
        diags.push(duplicate_key(&duplicate.key, Loc::line(line, column)).help(help));
    }
    if duplicates.len() > reported.len() {
        diags.push(and_more(
            Code::DuplicateKey,
            duplicates.len() - reported.len(),
        ));
    }
}

/// What `serde_json` has to say, at its place.
fn syntax(text: &str, error: &serde_json::Error) -> Diagnostic {
    let (loc, reason) = misread(text, error);
    let found = Diagnostic::new(Code::Syntax, loc, format!("this is not JSON: {reason}"));
    match error.is_eof() {
        true => found.help(unclosed(text)),
        false => found,
    }
}

/// The place of an error of `serde_json`, and its words. Its columns are bytes; ours are characters.
pub(super) fn misread(text: &str, error: &serde_json::Error) -> (Loc, String) {
    let message = error.to_string();
    let message = match message.rsplit_once(" at line ") {
        Some((reason, _)) => reason,
        None => &message,
    };
    let line_start = match error.line() {
        0 | 1 => Some(0),
        line => text.match_indices('\n').nth(line - 2).map(|(i, _)| i + 1),
    };
    let offset = line_start.unwrap_or(text.len()) + error.column().saturating_sub(1);
    let (line, column) = position::line_columns(text, &[offset])[0];
    let reason = match message.strip_prefix("EOF while parsing ") {
        Some(what) => format!("the text ends inside {what}"),
        None => message.to_owned(),
    };
    (Loc::line(line, column), reason)
}

/// What to close in a text that ends too early.
fn unclosed(text: &str) -> String {
    let mut lexer = Lexer::new(text);
    let mut open: Vec<Token> = Vec::new();
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Open { .. } => open.push(token),
            Kind::Close => drop(open.pop()),
            Kind::Key { .. } | Kind::Scalar => {}
        }
    }
    let Some(last) = open.last() else {
        return "is the file complete?".to_owned();
    };
    let (line, column) = position::line_columns(text, &[last.start])[0];
    let bracket = &text[last.start..last.end];
    format!("the `{bracket}` at line {line}, column {column} is not closed; is the file complete?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, usize, usize)> {
        let duplicates = scan(text, &Budget::default()).unwrap();
        let parts = |d: Duplicate| (d.key, d.first, d.last);
        duplicates.into_iter().map(parts).collect()
    }

    #[test]
    fn duplicate_keys_are_found_decoded_and_in_their_own_object() {
        type Found<'a> = &'a [(&'a str, usize, usize)];
        let cases: &[(&str, Found)] = &[
            (r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}"#, &[]),
            (r#"{"a":1,"a":2,"a":3}"#, &[("a", 1, 13)]),
            (
                r#"{"a":{"x":1,"x":2},"a":0}"#,
                &[("x", 6, 12), ("a", 1, 19)],
            ),
            (r#"{"a":1,"\u0061":2}"#, &[("a", 1, 7)]),
            (r#"{"a\"":1,"a\\":2}"#, &[]),
            (r#"{"":1,"":2}"#, &[("", 1, 6)]),
        ];
        for (text, expected) in cases {
            let found = found(text);
            let found: Vec<_> = found.iter().map(|d| (d.0.as_str(), d.1, d.2)).collect();
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn the_lexer_accepts_what_is_json() {
        let cases = [
            ("{}", true),
            (" [ ] ", true),
            (r#"{"a":[1,-2.5e+3,true,null,"x\"y"],"b":{}}"#, true),
            ("", false),
            ("{", false),
            ("{]", false),
            ("[1,]", false),
            (r#"{"a":1,}"#, false),
            (r#"{"a" 1}"#, false),
            ("{a:1}", false),
            ("[1] 2", false),
            (r#"["x\"#, false),
        ];
        for (text, complete) in cases {
            let mut lexer = Lexer::new(text);
            while lexer.next().is_some() {}
            assert_eq!(lexer.is_complete(), complete, "{text}");
        }
    }

    #[test]
    fn a_mistake_has_its_line_and_column() {
        let cases = [
            ("{\"ü\": }", (1, 7), "expected value"),
            (
                "{\n  \"a\": 1\n  \"b\": 2\n}",
                (3, 3),
                "expected `,` or `}`",
            ),
            ("{\"a\": 1", (1, 7), "the text ends inside an object"),
        ];
        for (text, place, reason) in cases {
            let error = parse(text, &Budget::default(), &mut Diagnostics::default()).unwrap_err();
            assert_eq!(error.loc.and_then(|l| l.line_column), Some(place), "{text}");
            assert!(error.message.ends_with(reason), "{}", error.message);
        }
    }
}
