//! Just enough reading of Rust to know which paths a file names: comments and literals are blanked,
//! `use` groups are expanded, `self` and `super` are resolved.

/// A path that a file names, such as `crate::runtime::args` or `std::fs::read`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The line it stands in, from 1.
    pub line: usize,
    /// Its segments joined by `::`; paths into the crate begin with `crate`.
    pub path: String,
}

impl Named {
    /// Whether the path is `prefix` or lies below it.
    pub(super) fn within(&self, prefix: &str) -> bool {
        within(&self.path, prefix)
    }
}

/// Whether `path` is `prefix` or lies below it.
pub(super) fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The text with comments, strings and character literals replaced by spaces. Lines stay where they
/// are, and so does every byte that is code.
pub(super) fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let in_word = at > 0 && is_word(bytes[at - 1]);
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            at + block_comment(rest)
        } else if let Some(length) = raw_string(rest).filter(|_| !in_word) {
            at + length
        } else if rest[0] == b'"' {
            at + quoted(rest, b'"')
        } else if let Some(length) = character(rest) {
            at + length
        } else {
            at += 1;
            continue;
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).expect("only whole literals were blanked")
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a raw string that begins here: `r"…"`, `br#"…"#`, `cr"…"`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = [&b"r"[..], b"br", b"cr"]
        .into_iter()
        .find(|p| rest.starts_with(p))?;
    let hashes = rest[prefix.len()..]
        .iter()
        .take_while(|b| **b == b'#')
        .count();
    let start = prefix.len() + hashes;
    if rest.get(start) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = &rest[start + 1..];
    let length = body.windows(close.len()).position(|w| w == close);
    Some(length.map_or(rest.len(), |n| start + 1 + n + close.len()))
}

/// The length of a literal between two `quote`s, with backslash escapes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// The length of a character literal that begins here, and not a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest[0] != b'\'' {
        return None;
    }
    let escaped = rest.get(1) == Some(&b'\\');
    let text = std::str::from_utf8(rest).ok()?;
    let closed = text.chars().nth(2) == Some('\'');
    (escaped || closed).then(|| quoted(rest, b'\''))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The module that a file under `src/` is: `src/runtime/http.rs` is `crate::runtime::http`.
pub(super) fn module_of(file: &str) -> String {
    let name = file.strip_prefix("src/").unwrap_or(file);
    let name = name.strip_suffix(".rs").unwrap_or(name);
    let name = name.strip_suffix("/mod").unwrap_or(name);
    match name {
        "lib" | "main" => "crate".to_owned(),
        _ => format!("crate::{}", name.replace('/', "::")),
    }
}

/// All words of blanked code with their lines, for rules that are about a word.
pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    code.lines().enumerate().flat_map(|(index, line)| {
        let mut at = 0;
        std::iter::from_fn(move || {
            let bytes = line.as_bytes();
            while at < bytes.len() && !is_word(bytes[at]) {
                at += 1;
            }
            let start = at;
            while at < bytes.len() && is_word(bytes[at]) {
                at += 1;
            }
            (start < at).then(|| (index + 1, &line[start..at], line[at..].trim_start()))
        })
    })
}

/// All paths of two or more segments that the file names, and all that it imports.
pub(super) fn paths(file: &str, code: &str) -> Vec<Named> {
    let mut reader = Reader {
        tokens: tokens(code),
        at: 0,
    };
    let mut found = Vec::new();
    // The module at this place, and the brace depths at which inline modules began.
    let mut module = module_of(file);
    let mut open: Vec<Option<String>> = Vec::new();
    while let Some(token) = reader.tokens.get(reader.at).copied() {
        match token.text {
            "{" => {
                let inline = match reader.before(2) {
                    Some(["mod", name]) => {
                        let outer = module.clone();
                        module = format!("{module}::{name}");
                        Some(outer)
                    }
                    _ => None,
                };
                open.push(inline);
                reader.at += 1;
            }
            "}" => {
                if let Some(Some(outer)) = open.pop() {
                    module = outer;
                }
                reader.at += 1;
            }
            "use" => {
                reader.at += 1;
                reader.tree("", &module, &mut found);
            }
            "mod" if reader.text(2) == ";" => {
                let path = format!("{module}::{}", reader.text(1));
                found.push(Named {
                    line: token.line,
                    path,
                });
                reader.at += 3;
            }
            "." => reader.at += 2,
            text if text.as_bytes().first().copied().is_some_and(is_word)
                && reader.text(1) == "::" =>
            {
                reader.tree("", &module, &mut found);
            }
            _ => reader.at += 1,
        }
    }
    found
}

#[derive(Clone, Copy)]
struct Token<'a> {
    line: usize,
    text: &'a str,
}

/// Words, `::`, and single other characters.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.bytes().take_while(|b| is_word(*b)).count();
            let length = if word > 0 {
                word
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(Token {
                line: index + 1,
                text: &rest[..length],
            });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn text(&self, ahead: usize) -> &'a str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.text)
    }

    /// The two tokens before this one.
    fn before(&self, count: usize) -> Option<[&'a str; 2]> {
        let start = self.at.checked_sub(count)?;
        Some([self.tokens[start].text, self.tokens[start + 1].text])
    }

    /// Reads a path or a `use` tree from here; `prefix` is what it stands below.
    fn tree(&mut self, prefix: &str, module: &str, found: &mut Vec<Named>) {
        let mut path = prefix.to_owned();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !["}", ""].contains(&self.text(0)) {
                        let before = self.at;
                        self.tree(&path, module, found);
                        if self.text(0) == "," || self.at == before {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                word if word.as_bytes().first().copied().is_some_and(is_word) => {
                    path = join(&path, word, module);
                    self.at += 1;
                    if self.text(0) != "::" {
                        break;
                    }
                }
                _ => break,
            }
        }
        if self.text(0) == "as" && [",", "}", ";"].contains(&self.text(2)) {
            self.at += 2;
        }
        if !path.is_empty() {
            found.push(Named { line, path });
        }
    }
}

/// `path::word`, with `self`, `super` and the crate's own name resolved.
fn join(path: &str, word: &str, module: &str) -> String {
    let parent = |path: &str| {
        path.rsplit_once("::")
            .map_or("crate", |(up, _)| up)
            .to_owned()
    };
    match (path, word) {
        ("", "self") => module.to_owned(),
        ("", "super") => parent(module),
        ("", "mcpgen") => "crate".to_owned(),
        ("", word) => word.to_owned(),
        (path, "self") => path.to_owned(),
        (path, "super") => parent(path),
        (path, word) => format!("{path}::{word}"),
    }
}

#[test]
fn literals_and_comments_are_blanked() {
    let text =
        "a('\"', 'x, b\"q\\\"\", r#\"\"\"# /* /* */ c */) // d\ne<'a>('é', '\\'') br\"\\\" fr\n";
    assert_eq!(
        blank(text).split_whitespace().collect::<Vec<_>>(),
        ["a(", ",", "'x,", "b", ",", ")", "e<'a>(", ",", ")", "fr"]
    );
    assert_eq!(blank(text).len(), text.len());
}

#[test]
fn paths_are_expanded_and_resolved() {
    let code = "use crate::{a::b, c::{self, d as e}};\nuse std::{fs, io::Write as _};\n\
                fn f() { super::args::check(self::x::y, ::reqwest::get::<u8>(z)) }\n\
                mod inner {\n use super::super::up;\n use super::*;\n}\nuse rmcp;\nmod child;\n\
                type T = <crate::a::B as crate::c::D>::E; use x as y;\n\
                fn g(x: &'static str) -> std::env::Args {}\nuse super::{\n  one,\n  two,\n};\n";
    let found = paths("src/runtime/http.rs", code);
    let found: Vec<_> = found
        .iter()
        .map(|n| format!("{} {}", n.line, n.path))
        .collect();
    assert_eq!(
        found,
        [
            "1 crate::a::b",
            "1 crate::c",
            "1 crate::c::d",
            "2 std::fs",
            "2 std::io::Write",
            "3 crate::runtime::args::check",
            "3 crate::runtime::http::x::y",
            "3 reqwest::get",
            "5 crate::runtime::up",
            "6 crate::runtime::http",
            "8 rmcp",
            "9 crate::runtime::http::child",
            "10 crate::a::B",
            "10 crate::c::D",
            "10 x",
            "11 std::env::Args",
            "13 crate::runtime::one",
            "14 crate::runtime::two",
        ]
    );
}
