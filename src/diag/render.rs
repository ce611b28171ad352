//! Diagnostics as people and as programs read them.
//!
//! Messages and source lines quote documents from anywhere, so nothing is printed that a terminal
//! or a reader could take for something else: see [`printable`].

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Map, Value};

use super::{Diagnostic, Diagnostics, FileId, Loc, Severity};
use crate::source::{Sources, Span};

/// The widest part of a source line that is shown, in characters.
const WINDOW: usize = 100;

/// How much of a longer line is shown before the place, in characters.
const WINDOW_BEFORE: usize = 40;

/// All findings in the style of rustc: message, place, source line and help. Ends with a line feed
/// unless there are none. Colours are ANSI sequences.
pub fn text(diags: &Diagnostics, sources: &Sources, color: bool) -> String {
    // The lines given here are cut already; the renderer must not cut them again, so it is told of
    // a terminal wider than any of them with every character escaped.
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
    .term_width(20 * WINDOW);
    let mut text = String::new();
    for (diagnostic, loc, span) in with_spans(diags, sources) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&report(&renderer, diagnostic, sources, loc.as_ref(), span));
        text.push('\n');
    }
    text
}

/// All findings as objects with `code`, `severity`, `message` and, where known, `file`, `line` and
/// `column` (from 1, in characters), `pointer` (JSON Pointer), `help` and `also` (another place, with
/// its own `message`).
///
/// The strings are as they are; whoever prints them to a terminal needs [`printable`].
pub fn json(diags: &Diagnostics, sources: &Sources) -> Vec<Value> {
    with_spans(diags, sources)
        .map(|(diagnostic, loc, span)| object(diagnostic, sources, loc.as_ref(), span))
        .collect()
}

/// The text with everything visible: control characters, and characters that have no width or
/// change the direction of writing, become escapes (`\n`, `\u{202e}`).
///
/// Covers the Trojan Source characters (CVE-2021-42574), terminal escapes, and the tag and
/// variation characters that can hide text from a person but not from a model.
pub fn printable(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_deceptive) else {
        return Cow::Borrowed(text);
    };
    let mut visible = String::with_capacity(text.len() + 16);
    visible.push_str(&text[..first]);
    for c in text[first..].chars() {
        match c {
            '\n' | '\r' | '\t' => visible.extend(c.escape_default()),
            c if is_deceptive(c) => visible.extend(c.escape_unicode()),
            c => visible.push(c),
        }
    }
    Cow::Owned(visible)
}

/// JSON text in which every character that [`printable`] would not leave alone is an escape of JSON's
/// (RFC 8259 §7): the value stays the same. Line feeds between values stay.
pub fn printable_json(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && is_deceptive(c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                visible.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            visible.push(c);
        }
    }
    Cow::Owned(visible)
}

/// Whether a text holds a character that nobody sees, other than white space.
pub(crate) fn is_hiding(text: &str) -> bool {
    text.contains(|c| is_deceptive(c) && !matches!(c, '\n' | '\r' | '\t'))
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The file that a place is in.
fn file(loc: Option<&Loc>) -> FileId {
    loc.map(|loc| loc.file).unwrap_or_default()
}

/// Each finding with where it was written, and that place in the text, found in one pass a file.
fn with_spans<'a>(
    diags: &'a Diagnostics,
    sources: &Sources,
) -> impl Iterator<Item = (&'a Diagnostic, Option<Loc>, Option<Span>)> {
    let origin = |d: &Diagnostic| d.loc.as_ref().map(|loc| sources.origin(loc));
    let locs: Vec<Option<Loc>> = diags.iter().map(origin).collect();
    let known: Vec<&Loc> = locs.iter().flatten().collect();
    let mut spans = sources.locate(&known).into_iter();
    diags.iter().zip(locs).map(move |(diagnostic, loc)| {
        let span = loc.as_ref().and_then(|_| spans.next().flatten());
        (diagnostic, loc, span)
    })
}

fn object(
    diagnostic: &Diagnostic,
    sources: &Sources,
    loc: Option<&Loc>,
    span: Option<Span>,
) -> Value {
    let mut object = Map::new();
    object.insert("code".into(), diagnostic.code.as_str().into());
    object.insert("severity".into(), diagnostic.severity.as_str().into());
    object.insert("message".into(), diagnostic.message.as_str().into());
    if let Some(loc) = loc {
        insert_place(&mut object, sources, loc, span);
    }
    if let Some(help) = &diagnostic.help {
        object.insert("help".into(), help.as_str().into());
    }
    if let Some((loc, what)) = diagnostic.also.as_deref() {
        let mut also = Map::new();
        let loc = sources.origin(loc);
        insert_place(&mut also, sources, &loc, sources.span(&loc));
        also.insert("message".into(), (*what).into());
        object.insert("also".into(), also.into());
    }
    Value::Object(object)
}

fn insert_place(object: &mut Map<String, Value>, sources: &Sources, loc: &Loc, span: Option<Span>) {
    let name = sources.get(loc.file).name.as_str();
    object.insert("file".into(), name.into());
    if let Some((line, column)) = place(loc, span) {
        object.insert("line".into(), line.into());
        object.insert("column".into(), column.into());
    }
    if loc.line_column.is_none() {
        object.insert("pointer".into(), loc.pointer.as_str().into());
    }
}

/// The line and column to name: as given, or as found.
fn place(loc: &Loc, span: Option<Span>) -> Option<(usize, usize)> {
    loc.line_column.or(span.map(|s| (s.line, s.column)))
}

fn report(
    renderer: &Renderer,
    diagnostic: &Diagnostic,
    sources: &Sources,
    loc: Option<&Loc>,
    span: Option<Span>,
) -> String {
    let source = sources.get(file(loc));
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level
        .primary_title(printable(&diagnostic.message))
        .id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    let name = printable(&source.name);
    let (mut shown, mut meant) = (String::new(), String::new());
    if let Some(span) = span {
        let (line, marked) = excerpt(&source.text, span.start..span.end);
        let column = line[..marked.start].chars().count() + 1;
        shown = format!("{name}:{}:{column}", span.line);
        meant = format!("{name}:{}:{}", span.line, span.column);
        let snippet = Snippet::source(line).line_start(span.line).path(&name);
        group = group.element(snippet.annotation(AnnotationKind::Primary.span(marked)));
    } else if let Some(loc) = loc {
        let mut origin = Origin::path(name.as_ref());
        if let Some((line, column)) = loc.line_column {
            origin = origin.line(line).char_column(column);
        }
        group = group.element(origin);
    }
    if let Some((also, what)) = diagnostic.also.as_deref() {
        let also = sources.origin(also);
        let source = sources.get(also.file);
        if let Some(span) = sources.span(&also) {
            let (line, marked) = excerpt(&source.text, span.start..span.end);
            let snippet = Snippet::source(line).line_start(span.line);
            let snippet = snippet.path(printable(&source.name).into_owned());
            let mark = AnnotationKind::Context.span(marked).label(*what);
            group = group.element(snippet.annotation(mark));
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    let report = renderer.render(&[group]);
    // The renderer counts columns in what it is given, which may be the middle of a long line. Its
    // second line says where; the first is the message, which is one line by now.
    match report.split_once('\n') {
        Some((title, rest)) => format!("{title}\n{}", rest.replacen(&shown, &meant, 1)),
        None => report,
    }
}

/// The line of `range`, or the part of it around the range, made printable; and where the range is
/// in it. Looks no further than the window, because a line may have megabytes.
fn excerpt(text: &str, range: Range<usize>) -> (String, Range<usize>) {
    let start = text.floor_char_boundary(range.start);
    let end = text.floor_char_boundary(range.end).max(start);
    let (before, after) = (&text[..start], &text[start..]);
    let is_break = |c: &char| matches!(c, '\n' | '\r');
    let on_line = |c: &char| !is_break(c);
    let room_before = before
        .chars()
        .rev()
        .take_while(on_line)
        .take(WINDOW)
        .count();
    let room_after = after.chars().take_while(on_line).take(WINDOW).count();
    let shown_before = room_before.min(WINDOW_BEFORE.max(WINDOW - room_after));
    let shown_after = room_after.min(WINDOW - shown_before);

    let reversed = before.char_indices().rev();
    let from = reversed.take(shown_before).last().map_or(start, |(i, _)| i);
    let to = after
        .char_indices()
        .nth(shown_after)
        .map_or(text.len(), |(i, _)| start + i);
    let is_cut = |neighbour: Option<char>| neighbour.is_some_and(|c| !is_break(&c));

    let mut line = String::new();
    if is_cut(text[..from].chars().next_back()) {
        line.push('…');
    }
    push_printable(&mut line, &text[from..start]);
    let marked_from = line.len();
    push_printable(&mut line, &text[start..end.min(to)]);
    let marked = marked_from..line.len();
    push_printable(&mut line, &text[end.min(to)..to]);
    if is_cut(text[to..].chars().next()) {
        line.push('…');
    }
    (line, marked)
}

fn push_printable(line: &mut String, part: &str) {
    line.push_str(&printable(&part.replace('\t', "    ")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;
    use crate::source::Source;

    fn one(diagnostic: Diagnostic) -> Diagnostics {
        let mut diags = Diagnostics::default();
        diags.push(diagnostic);
        diags
    }

    fn source(text: &str) -> Sources {
        Source::new("api.yaml", text).into()
    }

    #[test]
    fn the_layout_is_that_of_rustc() {
        let source = source("a: 1\nb:\n\t c: {d: ü}\n");
        let mut diags =
            one(Diagnostic::new(Code::DanglingRef, Loc::line(3, 3), "no c").help("add it"));
        diags.push(Diagnostic::general(Code::NoServer, "no server"));
        diags.push(Diagnostic::new(Code::Syntax, Loc::line(4, 1), "the end"));
        diags.push(Diagnostic::new(Code::Syntax, Loc::line(9, 1), "outside"));
        let expected = "\
warning[MG110]: no c
 --> api.yaml:3:3
  |
3 |      c: {d: ü}
  |      ^
  |
  = help: add it

warning[MG130]: no server

error[MG101]: the end
 --> api.yaml:4:1
  |
4 |
  | ^

error[MG101]: outside
--> api.yaml:9:1
";
        let text = text(&diags, &source, false);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(lines.join("\n") + "\n", expected, "{text}");
    }

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let long = format!("[{}\"here\"{}]", "1,".repeat(5000), ",2".repeat(5000));
        let diags = one(Diagnostic::new(Code::Malformed, Loc::at("/5000"), "x"));
        let text = text(&diags, &source(&long), false);
        assert!(text.contains("api.yaml:1:10002\n"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[3].starts_with("1 | …") && lines[3].ends_with('…'),
            "{text}"
        );
        assert!(lines[3].chars().count() < 110, "{text}");
        let column = |line: &str, part| line.find(part).map(|i| line[..i].chars().count());
        assert_eq!(column(lines[3], "\"here\""), column(lines[4], "^^^^^^"));
    }

    #[test]
    fn the_window_around_a_place() {
        let (x, y) = ("x".repeat(200), "y".repeat(70));
        let cases = [
            ("ab\ncd\r\nef".to_owned(), 4..5, "cd", 1..2),
            ("ab".to_owned(), 2..2, "ab", 2..2),
            (format!("{y}!{x}"), 70..71, "…", 43..44),
            (format!("{x}!"), 200..201, "…", 102..103),
            (format!("{x}{x}"), 150..400, "…", 43..103),
            ("a\u{202e}b\tc".to_owned(), 4..5, "a\\u{202e}b    c", 9..10),
        ];
        for (text, range, begin, marked) in cases {
            let (line, found) = excerpt(&text, range);
            assert!(line.starts_with(begin), "{line}");
            assert_eq!(found, marked, "{line}");
        }
    }

    #[test]
    fn nothing_deceptive_is_printed() {
        let cases = [
            ("plain ü 漢 🎉", "plain ü 漢 🎉"),
            ("\u{1b}[31m\r\n\t", "\\u{1b}[31m\\r\\n\\t"),
            (
                "a\u{202e}b\u{200b}\u{feff}",
                "a\\u{202e}b\\u{200b}\\u{feff}",
            ),
            ("\u{9b}\u{7f}\u{e0041}", "\\u{9b}\\u{7f}\\u{e0041}"),
        ];
        for (text, visible) in cases {
            assert_eq!(printable(text), visible);
            let json = serde_json::to_string_pretty(&[text]).unwrap();
            let shown = printable_json(&json);
            assert!(!shown.contains(|c| c != '\n' && is_deceptive(c)), "{shown}");
            let read: [String; 1] = serde_json::from_str(&shown).unwrap();
            assert_eq!(read, [text]);
        }
        let mut diags =
            one(Diagnostic::new(Code::Malformed, Loc::at("/a"), "\u{1b}c").help("\u{202e}"));
        diags.push(Diagnostic::general(Code::Malformed, "\u{200d}"));
        let source = Source::new("x\u{1b}.yaml", "a: '\u{1b}\u{9b}\u{200d}\u{2066}'").into();
        let text = text(&diags, &source, false);
        assert!(!text.contains(|c| c != '\n' && is_deceptive(c)), "{text:?}");
    }

    #[test]
    fn each_place_is_in_its_own_file() {
        let mut sources = source("a: 1");
        let other = sources.add(Source::new("other.yaml", "\n\nb: 2"));
        let mut diags = one(Diagnostic::new(
            Code::Malformed,
            Loc::at("/b").of(other),
            "m",
        ));
        diags.push(Diagnostic::new(Code::Malformed, Loc::at("/a"), "m"));
        let child = Loc::at("").of(other).child("b");
        diags.push(Diagnostic::new(Code::Malformed, child, "n"));
        let places: Vec<String> = json(&diags, &sources)
            .iter()
            .map(|found| format!("{}:{}", found["file"].as_str().unwrap(), found["line"]))
            .collect();
        assert_eq!(places, ["other.yaml:3", "api.yaml:1", "other.yaml:3"]);
        let text = text(&diags, &sources, false);
        assert!(text.contains("--> other.yaml:3:4"), "{text}");
        assert!(text.contains("--> api.yaml:1:4"), "{text}");
    }

    #[test]
    fn json_has_what_is_known() {
        let mut diags = one(Diagnostic::new(Code::Malformed, Loc::at("/a"), "m").help("h"));
        diags.push(Diagnostic::general(Code::NoServer, "n"));
        diags.push(Diagnostic::new(Code::Syntax, Loc::line(9, 2), "s"));
        let found: Vec<String> = json(&diags, &source("a: 1"))
            .iter()
            .map(Value::to_string)
            .collect();
        let expected = [
            r#"{"code":"MG120","severity":"warning","message":"m","file":"api.yaml","line":1,"column":4,"pointer":"/a","help":"h"}"#,
            r#"{"code":"MG130","severity":"warning","message":"n"}"#,
            r#"{"code":"MG101","severity":"error","message":"s","file":"api.yaml","line":9,"column":2}"#,
        ];
        assert_eq!(found, expected);
    }
}
