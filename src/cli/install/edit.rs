//! Changing one place of a JSON text and nothing else: the file is its owner's, down to the blanks.
//!
//! The text must be JSON; [`parse`] says so first, with the place of what is not.

use std::ops::Range;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

/// What to do about a text that is better left alone.
const BY_HAND: &str = "add by hand what --print shows";

/// Something that keeps a text from being changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) what: String,
}

impl Mistake {
    fn at(text: &str, offset: usize, what: &str) -> Self {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: what.to_owned(),
        }
    }
}

/// Reads a text whose root must be an object.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>, Mistake> {
    match serde_json::from_str(text) {
        Ok(Value::Object(root)) => Ok(root),
        Ok(_) => {
            let start = text.len() - text.trim_start().len();
            Err(Mistake::at(
                text,
                start,
                &format!("an object is expected here; {BY_HAND}"),
            ))
        }
        Err(error) => {
            let message = error.to_string();
            let what = message.split(" at line ").next().unwrap_or(&message);
            Err(Mistake {
                line: error.line().max(1),
                column: error.column().max(1),
                what: format!("this is not plain JSON ({what}); {BY_HAND}"),
            })
        }
    }
}

/// The text with `value` at `keys` below the root object; objects on the way are made if missing.
pub(super) fn set(text: &str, keys: &[&str], value: &Value) -> Result<String, Mistake> {
    let mut container = Container::read(text, skip_blank(text.as_bytes(), 0));
    for (index, key) in keys.iter().enumerate() {
        let Some(member) = container.member(key) else {
            let nested = keys[index + 1..].iter().rev();
            let value = nested.fold(value.clone(), |value, key| {
                Value::Object(Map::from_iter([((*key).to_owned(), value)]))
            });
            return Ok(insert(text, &container, Some(key), &value));
        };
        if index + 1 == keys.len() {
            return Ok(replace(text, member, value));
        }
        if text.as_bytes()[member.value.start] != b'{' {
            let what = format!("`{key}` is expected to be an object; {BY_HAND}");
            return Err(Mistake::at(text, member.value.start, &what));
        }
        container = Container::read(text, member.value.start);
    }
    Ok(text.to_owned())
}

/// The text with `value` at the end of the list that is the root's member `key`.
pub(super) fn push(text: &str, key: &str, value: &Value) -> Result<String, Mistake> {
    let root = Container::read(text, skip_blank(text.as_bytes(), 0));
    let Some(member) = root.member(key) else {
        let list = Value::Array(vec![value.clone()]);
        return Ok(insert(text, &root, Some(key), &list));
    };
    if text.as_bytes()[member.value.start] != b'[' {
        let what = format!("`{key}` is expected to be a list; {BY_HAND}");
        return Err(Mistake::at(text, member.value.start, &what));
    }
    let list = Container::read(text, member.value.start);
    Ok(insert(text, &list, None, value))
}

/// A mistake at the value that `keys` lead to, as far as they lead.
pub(super) fn mistake(text: &str, keys: &[&str], what: &str) -> Mistake {
    let mut offset = skip_blank(text.as_bytes(), 0);
    for key in keys {
        let found = match text.as_bytes()[offset] {
            b'{' => Container::read(text, offset),
            _ => break,
        };
        let Some(member) = found.member(key) else {
            break;
        };
        offset = member.value.start;
    }
    Mistake::at(text, offset, what)
}

/// An object or list in the text.
struct Container {
    open: usize,
    close: usize,
    members: Vec<Member>,
}

/// A member of an object or list.
struct Member {
    /// Decoded; `None` in a list.
    key: Option<String>,
    /// Where it begins: at its key, if it has one.
    start: usize,
    value: Range<usize>,
}

impl Container {
    fn read(text: &str, open: usize) -> Self {
        let bytes = text.as_bytes();
        let object = bytes[open] == b'{';
        let mut members = Vec::new();
        let mut at = skip_blank(bytes, open + 1);
        while !matches!(bytes[at], b'}' | b']') {
            let start = at;
            let mut key = None;
            if object {
                let end = value_end(bytes, at);
                key = serde_json::from_str(&text[at..end]).ok();
                at = skip_blank(bytes, skip_blank(bytes, end) + 1);
            }
            let value = at..value_end(bytes, at);
            at = skip_blank(bytes, value.end);
            members.push(Member { key, start, value });
            if bytes[at] == b',' {
                at = skip_blank(bytes, at + 1);
            }
        }
        Self {
            open,
            close: at,
            members,
        }
    }

    /// The member that counts: of two equal keys readers take the last.
    fn member(&self, key: &str) -> Option<&Member> {
        let mut found = self.members.iter().rev();
        found.find(|member| member.key.as_deref() == Some(key))
    }
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the value that begins at `start` ends.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth, mut in_string) = (start, 0_usize, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b':' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
        let closed = matches!(byte, b'"' | b'}' | b']');
        if closed && depth == 0 && !in_string {
            return at;
        }
    }
    at
}

/// Blanks before `offset`, if nothing else stands before it on its line.
fn indent(text: &str, offset: usize) -> Option<&str> {
    let line = line_start(text, offset);
    let before = &text[line..offset];
    (line > 0 && before.trim().is_empty()).then_some(before)
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// What the file is indented by, a level.
fn unit(text: &str) -> &str {
    let root = Container::read(text, skip_blank(text.as_bytes(), 0));
    let first = root.members.first();
    let found = first.and_then(|member| indent(text, member.start));
    found.filter(|blanks| !blanks.is_empty()).unwrap_or("  ")
}

fn replace(text: &str, member: &Member, value: &Value) -> String {
    let value = match indent(text, member.start) {
        Some(base) => pretty(text, base, value),
        None => value.to_string(),
    };
    let Range { start, end } = member.value;
    format!("{}{value}{}", &text[..start], &text[end..])
}

/// The text with one more member at the container's end, in the style of the member before it.
fn insert(text: &str, container: &Container, key: Option<&str>, value: &Value) -> String {
    let key = key.map_or_else(String::new, |key| format!("{}: ", Value::from(key)));
    let line_end = newline(text);
    let Some(last) = container.members.last() else {
        let line = &text[line_start(text, container.open)..container.open];
        let base = &line[..line.len() - line.trim_start().len()];
        let inner = format!("{base}{}", unit(text));
        let value = pretty(text, &inner, value);
        return format!(
            "{}{line_end}{inner}{key}{value}{line_end}{base}{}",
            &text[..=container.open],
            &text[container.close..]
        );
    };
    let (before, after) = text.split_at(last.value.end);
    match indent(text, last.start) {
        Some(base) => {
            let value = pretty(text, base, value);
            format!("{before},{line_end}{base}{key}{value}{after}")
        }
        None => format!("{before}, {key}{value}{after}"),
    }
}

/// The value over several lines, all but the first indented by `base`.
fn pretty(text: &str, base: &str, value: &Value) -> String {
    let mut out = Vec::new();
    let formatter = PrettyFormatter::with_indent(unit(text).as_bytes());
    let written = value.serialize(&mut Serializer::with_formatter(&mut out, formatter));
    let lines = match written {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => value.to_string(),
    };
    lines.replace('\n', &format!("{}{base}", newline(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn additions_keep_the_rest() {
        let new = json!({"command": "m"});
        for (text, want) in [
            (
                "{}\n",
                "{\n  \"s\": {\n    \"new\": {\n      \"command\": \"m\"\n    }\n  }\n}\n",
            ),
            (
                "{\n\t\"s\": {\n\t\t\"a\": {\"x\": [1, \"}\\\"]\"] }\n\t},\n\t\"z\": 1.50\n}",
                "{\n\t\"s\": {\n\t\t\"a\": {\"x\": [1, \"}\\\"]\"] },\n\t\t\"new\": {\n\t\t\t\"command\": \"m\"\n\t\t}\n\t},\n\t\"z\": 1.50\n}",
            ),
            (
                "{\"z\":1,\"s\":{\"a\":{}}}",
                "{\"z\":1,\"s\":{\"a\":{}, \"new\": {\"command\":\"m\"}}}",
            ),
            (
                "{\r\n    \"s\": {}\r\n}\r\n",
                "{\r\n    \"s\": {\r\n        \"new\": {\r\n            \"command\": \"m\"\r\n        }\r\n    }\r\n}\r\n",
            ),
            (
                "{\n  \"z\": null\n}",
                "{\n  \"z\": null,\n  \"s\": {\n    \"new\": {\n      \"command\": \"m\"\n    }\n  }\n}",
            ),
            (
                "{\n  \"\\u0073\": {\n    \"new\": 1, \"b\": 2\n  }\n}",
                "{\n  \"\\u0073\": {\n    \"new\": {\n      \"command\": \"m\"\n    }, \"b\": 2\n  }\n}",
            ),
        ] {
            let changed = set(text, &["s", "new"], &new).unwrap();
            assert_eq!(changed, want);
            assert_eq!(parse(&changed).unwrap()["s"]["new"], new);
        }
    }

    #[test]
    fn lists() {
        for (text, want) in [
            ("{}", "{\n  \"i\": [\n    1\n  ]\n}"),
            ("{\"i\": []}", "{\"i\": [\n  1\n]}"),
            ("{\"i\": [0]}", "{\"i\": [0, 1]}"),
            ("{\n \"i\": [\n  0\n ]\n}", "{\n \"i\": [\n  0,\n  1\n ]\n}"),
        ] {
            assert_eq!(push(text, "i", &json!(1)).unwrap(), want);
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        let place = |mistake: Mistake| (mistake.line, mistake.column);
        let cases = [
            ("[1]", (1, 1)),
            ("{\n  // note\n}", (2, 3)),
            ("{\n  \"a\": 1,\n}", (3, 1)),
            ("{\"a\"", (1, 4)),
        ];
        for (text, want) in cases {
            assert_eq!(place(parse(text).unwrap_err()), want, "{text}");
        }
        let wrong = "{\n  \"s\": [],\n  \"i\": 1\n}";
        let found = set(wrong, &["s", "new"], &json!(1)).unwrap_err();
        assert_eq!(place(found), (2, 8));
        assert_eq!(place(push(wrong, "i", &json!(1)).unwrap_err()), (3, 8));
    }
}
