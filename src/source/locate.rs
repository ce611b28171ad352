//! Where nodes are in the text: many JSON Pointers, one pass.
//!
//! The pointers become a trie, and the tokens of the text walk down it. Parts of the document that
//! no pointer leads to cost only their scanning.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::json::{self, Kind, Lexer};
use super::{Span, position};
use crate::diag::Loc;
use crate::runtime::pointer::unescape;

/// The places of `locs`; see `Source::locate`.
pub(super) fn locate(text: &str, locs: &[&Loc]) -> Vec<Option<Span>> {
    let mut trie = vec![Node::default()];
    let leaves: Vec<usize> = locs
        .iter()
        .map(|loc| match loc.line_column {
            Some(_) => 0,
            None => insert(&mut trie, &loc.pointer),
        })
        .collect();
    if trie.len() > 1 {
        find(text, &mut trie);
    }
    let given: Vec<(usize, usize)> = locs.iter().filter_map(|loc| loc.line_column).collect();
    let mut given = position::offsets(text, &given).into_iter();
    let ranges: Vec<Option<Range<usize>>> = locs
        .iter()
        .zip(leaves)
        .map(|(loc, leaf)| match loc.line_column {
            Some(_) => given.next().flatten().map(|start| word(text, start)),
            None => Some(range(text, &trie, leaf, loc.key)),
        })
        .collect();
    let starts: Vec<usize> = ranges.iter().flatten().map(|r| r.start).collect();
    let mut places = position::line_columns(text, &starts).into_iter();
    let mut span = |range: Range<usize>| {
        let (line, column) = places.next()?;
        let (start, end) = (range.start, range.end);
        Some(Span {
            start,
            end,
            line,
            column,
        })
    };
    ranges.into_iter().map(|r| r.and_then(&mut span)).collect()
}

/// A node that a pointer leads to or through.
#[derive(Debug, Default)]
struct Node {
    parent: usize,
    children: BTreeMap<String, usize>,
    place: Option<Place>,
}

/// Where a node is; byte offsets when the search is over.
#[derive(Debug)]
struct Place {
    /// Its key; `None` for an item of a list.
    key: Option<Range<usize>>,
    value: Range<usize>,
    /// Whether the first line of the value shows it: not so for a collection or a block scalar.
    telling: bool,
}

/// Adds a pointer; the index of its node. What is not a pointer (RFC 6901 §3) is the document.
fn insert(trie: &mut Vec<Node>, pointer: &str) -> usize {
    let Some(tokens) = pointer.strip_prefix('/') else {
        return 0;
    };
    let mut parent = 0;
    for token in tokens.split('/') {
        let token = unescape(token);
        let next = trie.len();
        let child = *trie[parent].children.entry(token).or_insert(next);
        if child == next {
            trie.push(Node {
                parent,
                ..Node::default()
            });
        }
        parent = child;
    }
    parent
}

/// Fills in the places, as far as the text can be read.
fn find(text: &str, trie: &mut [Node]) {
    if json::begins(text) && walk_json(text, trie) {
        return;
    }
    walk_yaml(text, trie);
    let mut ends: Vec<&mut usize> = Vec::new();
    for place in trie.iter_mut().filter_map(|node| node.place.as_mut()) {
        ends.extend([&mut place.value.start, &mut place.value.end]);
        if let Some(key) = &mut place.key {
            ends.extend([&mut key.start, &mut key.end]);
        }
    }
    let indices: Vec<usize> = ends.iter().map(|end| **end).collect();
    for (end, offset) in ends.into_iter().zip(position::char_offsets(text, &indices)) {
        *end = offset;
    }
}

/// Whether the text is JSON, so that the places found are right.
fn walk_json(text: &str, trie: &mut [Node]) -> bool {
    let mut walk = Walk::new(trie);
    let mut lexer = Lexer::new(text);
    while let Some(token) = lexer.next() {
        let range = token.start..token.end;
        match token.kind {
            Kind::Open { object } => walk.open(object, range),
            Kind::Close => walk.close(token.end),
            Kind::Key { .. } => walk.scalar(range, true, || json::key_text(text, token)),
            Kind::Scalar => walk.scalar(range, true, || Cow::Borrowed("")),
        }
    }
    let complete = lexer.is_complete();
    if !complete {
        for node in trie.iter_mut() {
            node.place = None;
        }
    }
    complete
}

/// Leaves character indices in the places: that is what the scanner counts.
fn walk_yaml(text: &str, trie: &mut [Node]) {
    let mut walk = Walk::new(trie);
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    while let Some(Ok((event, span))) = parser.next_event() {
        let range = span.start.index()..span.end.index();
        match event {
            Event::DocumentStart(_) => documents += 1,
            Event::MappingStart(..) => walk.open(true, range),
            Event::SequenceStart(..) => walk.open(false, range),
            Event::MappingEnd | Event::SequenceEnd => walk.close(range.end),
            Event::Scalar(text, style, ..) => {
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let is_absent = style == ScalarStyle::Plain && text.is_empty();
                let telling = !is_block && !is_absent;
                walk.scalar(range, telling, || text);
            }
            // The text of an alias as a key is not known here; no pointer goes that way.
            Event::Alias(_) => walk.alias(range),
            _ => {}
        }
        if documents > 1 {
            break;
        }
    }
}

/// A walk through the document and down the trie at once.
struct Walk<'a> {
    trie: &'a mut [Node],
    frames: Vec<Frame>,
}

/// An open collection.
struct Frame {
    is_map: bool,
    /// Its node, if a pointer leads to it or through it.
    node: Option<usize>,
    /// Of a list: how many items came.
    items: usize,
    /// Of a mapping: whether a key came whose value did not, and that key.
    key: Option<(Option<usize>, Range<usize>)>,
}

/// What the next node in the text is.
enum Slot {
    Key,
    Value(Option<usize>, Option<Range<usize>>),
}

impl<'a> Walk<'a> {
    fn new(trie: &'a mut [Node]) -> Self {
        let frames = Vec::new();
        Self { trie, frames }
    }

    fn slot(&mut self) -> Slot {
        let Some(frame) = self.frames.last_mut() else {
            return Slot::Value(Some(0), None);
        };
        if frame.is_map {
            return match frame.key.take() {
                None => Slot::Key,
                Some((node, range)) => Slot::Value(node, Some(range)),
            };
        }
        let index = frame.items;
        frame.items += 1;
        let node = frame.node.and_then(|node| {
            let children = &self.trie[node].children;
            let wanted = !children.is_empty();
            wanted.then(|| children.get(&index.to_string()).copied())?
        });
        Slot::Value(node, None)
    }

    fn open(&mut self, is_map: bool, range: Range<usize>) {
        let node = match self.slot() {
            Slot::Value(node, key) => {
                self.record(node, key, range, false);
                node
            }
            Slot::Key => {
                self.key(None, range);
                None
            }
        };
        self.frames.push(Frame {
            is_map,
            node,
            items: 0,
            key: None,
        });
    }

    fn close(&mut self, end: usize) {
        let node = self.frames.pop().and_then(|frame| frame.node);
        if let Some(place) = node.and_then(|node| self.trie[node].place.as_mut()) {
            place.value.end = end;
        }
    }

    fn scalar<'t>(
        &mut self,
        range: Range<usize>,
        telling: bool,
        text: impl FnOnce() -> Cow<'t, str>,
    ) {
        match self.slot() {
            Slot::Value(node, key) => self.record(node, key, range, telling),
            Slot::Key => {
                let parent = self.frames.last().and_then(|frame| frame.node);
                let children = parent.map(|node| &self.trie[node].children);
                let node = children
                    .filter(|children| !children.is_empty())
                    .and_then(|children| children.get(&*text()).copied());
                self.key(node, range);
            }
        }
    }

    fn alias(&mut self, range: Range<usize>) {
        match self.slot() {
            Slot::Value(node, key) => self.record(node, key, range, true),
            Slot::Key => self.key(None, range),
        }
    }

    fn key(&mut self, node: Option<usize>, range: Range<usize>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.key = Some((node, range));
        }
    }

    fn record(
        &mut self,
        node: Option<usize>,
        key: Option<Range<usize>>,
        value: Range<usize>,
        telling: bool,
    ) {
        if let Some(node) = node {
            // Of two equal keys the last one counts, here as in the tree.
            self.trie[node].place = Some(Place {
                key,
                value,
                telling,
            });
        }
    }
}

/// The part of the text to point at for a node, or for the nearest one above it that has a place.
fn range(text: &str, trie: &[Node], leaf: usize, wants_key: bool) -> Range<usize> {
    let mut node = leaf;
    while node != 0 {
        if let Some(place) = &trie[node].place {
            let at_key = wants_key || !place.telling || node != leaf;
            let chosen = match &place.key {
                Some(key) if at_key => key,
                _ => &place.value,
            };
            return first_line(text, chosen.clone());
        }
        node = trie[node].parent;
    }
    word(text, 0)
}

/// The part of a range that is on its first line. The scanner counts a comment after a quoted
/// scalar as part of it; this does not.
fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let part = text.get(range.clone()).unwrap_or_default();
    let line = part.split('\n').next().unwrap_or_default().trim_end();
    let length = quoted_length(line).unwrap_or(line.len());
    range.start..range.start + length
}

/// What is at a place of which only the beginning is known: a quoted text, a word, or a character.
fn word(text: &str, start: usize) -> Range<usize> {
    const LONGEST: usize = 60;
    let rest = text.get(start..).unwrap_or_default();
    let rest = rest.split('\n').next().unwrap_or_default();
    let is_end = |c: char| c.is_whitespace() || ",:{}[]".contains(c);
    let length = quoted_length(rest).or_else(|| rest.find(is_end));
    let length = length.unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let length = match length <= LONGEST {
        true => length.max(first),
        false => first,
    };
    start..start + length
}

/// The bytes of the quoted text that a line begins with, its quotes included.
fn quoted_length(line: &str) -> Option<usize> {
    let quote = line.bytes().next().filter(|b| matches!(b, b'"' | b'\''))?;
    let bytes = line.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            byte if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line:column text` of each place.
    fn places(text: &str, locs: &[&Loc]) -> Vec<String> {
        let show = |span: Option<Span>| {
            span.map_or("nowhere".to_owned(), |s| {
                format!("{}:{} {}", s.line, s.column, &text[s.start..s.end])
            })
        };
        locate(text, locs).into_iter().map(show).collect()
    }

    const JSON: &str = r#"{
  "ü": 1, "paths": {"/a/b": {"get": [{"x": true}, 2]}},
  "esc\u0061pe": "some text",
  "twice": 1, "twice": 2
}"#;

    const YAML: &str = "\
# ü
openapi: 3.0.0
paths:
  /a/b:
    get: &op
      - name: x
      - 'y # z'  # c
    put: *op
200:
  <<: {k: v}
text: |
  block
empty:
? [complex, {twice: 0}]
: twice
twice: ü1
twice: 2
";

    #[test]
    fn pointers_find_their_places() {
        let cases = [
            (JSON, "", "1:1 {"),
            (JSON, "/ü", "2:8 1"),
            (JSON, "/paths", "2:11 \"paths\""),
            (JSON, "/paths/~1a~1b", "2:21 \"/a/b\""),
            (JSON, "/paths/~1a~1b/get/0", "2:38 {\"x\": true}"),
            (JSON, "/paths/~1a~1b/get/0/x", "2:44 true"),
            (JSON, "/paths/~1a~1b/get/1", "2:51 2"),
            (JSON, "/paths/~1a~1b/get/7", "2:30 \"get\""),
            (JSON, "/escape", "3:18 \"some text\""),
            (JSON, "/twice", "4:24 2"),
            (JSON, "/none/x", "1:1 {"),
            (YAML, "/openapi", "2:10 3.0.0"),
            (YAML, "/paths/~1a~1b", "4:3 /a/b"),
            (YAML, "/paths/~1a~1b/get/0", "6:9 name: x"),
            (YAML, "/paths/~1a~1b/get/0/name", "6:15 x"),
            (YAML, "/paths/~1a~1b/get/1", "7:9 'y # z'"),
            (YAML, "/paths/~1a~1b/put", "8:10 *op"),
            (YAML, "/paths/~1a~1b/put/0/name", "8:5 put"),
            (YAML, "/200/k", "9:1 200"),
            (YAML, "/text", "11:1 text"),
            (YAML, "/empty", "13:1 empty"),
            (YAML, "/twice", "17:8 2"),
        ];
        for (text, pointer, place) in cases {
            assert_eq!(places(text, &[&Loc::at(pointer)]), [place], "{pointer}");
        }
    }

    #[test]
    fn many_at_once_keys_and_given_lines() {
        let locs = [
            Loc::key("/twice"),
            Loc::line(8, 5),
            Loc::key("/openapi"),
            Loc::line(99, 1),
            Loc::key("/paths/~1a~1b/get/1"),
            Loc::line(7, 9),
            Loc::line(2, 8),
        ];
        let expected = [
            "17:1 twice",
            "8:5 put",
            "2:1 openapi",
            "nowhere",
            "7:9 'y # z'",
            "7:9 'y # z'",
            "2:8 :",
        ];
        assert_eq!(places(YAML, &locs.iter().collect::<Vec<_>>()), expected);
    }

    #[test]
    fn flow_yaml_and_broken_text() {
        let cases = [
            ("{a: {b: ü, c: 1},}", "/a/c", "1:15 1"),
            ("{\"a\": [1, {\"b\"", "/a/0", "1:8 1"),
            ("a: 1\nb: [", "/a", "1:4 1"),
            ("", "/a", "1:1 "),
        ];
        for (text, pointer, place) in cases {
            assert_eq!(places(text, &[&Loc::at(pointer)]), [place], "{text}");
        }
    }
}
