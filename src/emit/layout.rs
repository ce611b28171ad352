//! A line that is too long is broken at its brackets. rustfmt does that too, where it is installed, but it
//! leaves a function as it is if a text in it is longer than a line.
//!
//! This knows the code that the templates make, not all of Rust. A line is broken only where that cannot
//! change what it means, and else stays as it is.

/// Columns that a line may have.
const WIDTH: usize = 100;
/// Columns of one step to the right.
const STEP: usize = 4;

/// Breaks the lines of a Rust source that are too long.
pub(super) fn laid_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut start = 0;
    let ends = marks(text).into_iter().filter(|mark| mark.sign == b'\n');
    for end in ends.map(|mark| mark.at).chain([text.len()]) {
        let line = text.get(start..end).unwrap_or_default();
        let code = line.trim_start_matches(' ');
        push(&mut out, line.len() - code.len(), code);
        start = end + 1;
    }
    // The last line end has no line after it.
    out.pop();
    out
}

/// Writes a line, broken if it is too long. Line ends inside of a literal are none.
fn push(out: &mut String, indent: usize, code: &str) {
    let group = if fits(indent, code) {
        None
    } else {
        widest_group(code)
    };
    let Some(group) = group else {
        push_line(out, indent, code);
        return;
    };
    push_line(out, indent, group.head);
    for item in &group.items {
        push(out, indent + STEP, &format!("{item},"));
    }
    push_line(out, indent, group.tail);
}

fn push_line(out: &mut String, indent: usize, code: &str) {
    if !code.is_empty() {
        out.extend(std::iter::repeat_n(' ', indent));
    }
    out.push_str(code);
    out.push('\n');
}

/// Whether code is narrow enough. Of a literal of many lines only the first and the last count.
fn fits(indent: usize, code: &str) -> bool {
    let width = |line: Option<&str>| line.map_or(0, |line| line.chars().count());
    let first = indent + width(code.lines().next());
    first <= WIDTH && width(code.lines().last()) <= WIDTH
}

/// A part of a line in brackets, with what is before and after it.
struct Group<'a> {
    /// Up to the opening bracket, that included.
    head: &'a str,
    items: Vec<&'a str>,
    /// From the closing bracket on.
    tail: &'a str,
}

/// The widest group of a line that may be broken.
fn widest_group(code: &str) -> Option<Group<'_>> {
    let marks = marks(code);
    if code.starts_with('#') || marks.iter().any(|mark| mark.sign == b'/') {
        return None;
    }
    let place = |index: usize| marks.get(index).map_or(0, |mark| mark.at);
    let width = |(open, close): &(usize, usize)| place(*close) - place(*open);
    let groups = outermost(&marks).into_iter();
    let widest = groups.max_by_key(width)?;
    // A short one on a line of its own would gain little.
    (width(&widest) > 2 * STEP).then_some(())?;
    group(code, &marks, widest)
}

/// The group between two marks. If it has one item, which ends with a group, then it is that one:
/// `Some(Tool {` rather than a line for each bracket.
fn group<'a>(code: &'a str, marks: &[Mark], (from, to): (usize, usize)) -> Option<Group<'a>> {
    let (open, close) = (marks.get(from)?, marks.get(to)?);
    let inner = marks.get(from + 1..to)?;
    let commas: Vec<usize> = at_top(inner)
        .filter(|mark| mark.sign == b',')
        .map(|mark| mark.at)
        .collect();
    let mut items = Vec::new();
    let mut start = open.at + 1;
    for end in commas.into_iter().chain([close.at]) {
        items.push(code.get(start..end)?.trim());
        start = end + 1;
    }
    items.retain(|item| !item.is_empty());
    let (head, tail) = (code.get(..=open.at)?, code.get(close.at..)?);
    if let [item] = items.as_slice() {
        let last = outermost(inner).into_iter().next_back();
        let last = last.map(|(a, b)| (from + 1 + a, from + 1 + b));
        let closes = last.and_then(|(_, b)| marks.get(b));
        let ends = closes.is_some_and(|mark| code.get(mark.at + 1..close.at) == Some(""));
        if let Some(deeper) = last.filter(|_| ends && !item.starts_with('|'))
            && let Some(group) = group(code, marks, deeper)
        {
            return Some(group);
        }
    }
    may_be_broken(head, open.sign, inner, &items).then_some(Group { head, items, tail })
}

/// Whether the items may stand on lines of their own, each with a comma after it.
fn may_be_broken(head: &str, open: u8, inner: &[Mark], items: &[&str]) -> bool {
    let has = |sign: u8| at_top(inner).any(|mark| mark.sign == sign);
    if items.is_empty() || has(b';') {
        return false;
    }
    let before = head.get(..head.len() - 1).unwrap_or_default();
    match open {
        // A call or a macro, or a tuple: with a comma, one item in parentheses would become a tuple.
        b'(' => {
            let is_call = before.ends_with(|c: char| c.is_alphanumeric() || "_!>".contains(c));
            is_call || items.len() > 1
        }
        b'{' => items.iter().all(|item| is_field(item)),
        _ => true,
    }
}

/// `name: value`.
fn is_field(item: &str) -> bool {
    let Some((name, value)) = item.split_once(':') else {
        return false;
    };
    !value.starts_with(':') && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A sign of the code that is in no literal: a bracket, `,`, `;`, a line end, or `/` for a comment.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: usize,
    sign: u8,
}

impl Mark {
    fn opens(self) -> bool {
        b"([{".contains(&self.sign)
    }

    fn closes(self) -> bool {
        b")]}".contains(&self.sign)
    }
}

/// Indices of the opening and closing marks of each group that is in no other.
fn outermost(marks: &[Mark]) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut open = Vec::new();
    for (index, mark) in marks.iter().enumerate() {
        if mark.opens() {
            open.push(index);
        } else if mark.closes()
            && let Some(start) = open.pop()
            && open.is_empty()
        {
            groups.push((start, index));
        }
    }
    groups
}

/// The marks that are in no bracket.
fn at_top(marks: &[Mark]) -> impl Iterator<Item = &Mark> {
    let mut depth = 0_usize;
    marks.iter().filter(move |mark| {
        if mark.closes() {
            depth = depth.saturating_sub(1);
        }
        let top = depth == 0;
        depth += usize::from(mark.opens());
        top
    })
}

/// The marks of a text that begins outside of literals and comments.
fn marks(text: &str) -> Vec<Mark> {
    let bytes = text.as_bytes();
    let mut marks = Vec::new();
    let mut at = 0;
    while let Some(&sign) = bytes.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        match sign {
            b'"' => at += string(rest),
            b'r' if !is_in_word(bytes, at) && raw_string(rest).is_some() => {
                at += raw_string(rest).unwrap_or(1);
            }
            b'/' if rest.starts_with("//") => {
                marks.push(Mark { at, sign });
                at += rest.find('\n').unwrap_or(rest.len());
            }
            _ => {
                if b"([{}]),;\n".contains(&sign) {
                    marks.push(Mark { at, sign });
                }
                at += 1;
            }
        }
    }
    marks
}

fn is_in_word(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Bytes of the string literal that a text begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            c => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// Bytes of the raw string literal that a text begins with, if it does.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.get(1..)?.bytes().take_while(|b| *b == b'#').count();
    let start = 1 + hashes;
    let content = text.get(start..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = content.find(&end)?;
    Some(start + 1 + length + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_their_brackets() {
        let long = "a".repeat(50);
        let text = format!(
            "fn f() {{\n    args: vec![Arg {{ name: \"{long}\", max: Some(1) }}, Arg {{ name: \"b, (c\", max: None }}],\n}}\n"
        );
        let want = format!(
            "fn f() {{\n    args: vec![\n        Arg {{ name: \"{long}\", max: Some(1) }},\n        Arg {{ name: \"b, (c\", max: None }},\n    ],\n}}\n"
        );
        assert_eq!(laid_out(&text), want);
        // One item that ends with a group is broken there.
        let text = format!("action: Http(Call {{ a: \"{long}\", b: \"{long}\" }}),\n");
        let want = format!("action: Http(Call {{\n    a: \"{long}\",\n    b: \"{long}\",\n}}),\n");
        assert_eq!(laid_out(&text), want);
    }

    #[test]
    fn what_cannot_be_broken_stays() {
        let long = "x".repeat(90);
        for text in [
            format!("let a = \"{long}, (b)\".to_owned();\n"),
            format!("let a = ({long} + {long});\n"),
            format!("let a = {{ {long}; {long} }};\n"),
            format!("let a = if b {{ {long} }} else {{ c }};\n"),
            format!("/// {long} (a, b, c), d\n"),
            format!("f(a); // {long} (a, b)\n"),
            format!("#[doc = f(\"{long}\", b, c)]\n"),
            format!("schema(r#\"{{\n  \"a\": \"{long}{long}\"\n}}\"#)\n"),
            format!("r##\"{long}\"# f(a, b)\"##\n"),
            format!("\"{long}\\\" f(a, b)\"\n"),
            format!("f(g({long}, (1"),
        ] {
            assert_eq!(laid_out(&text), text);
        }
    }
}
