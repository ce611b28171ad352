//! Text of a document as YAML, so that it stays what it is: nothing in it ends a scalar, a comment or a
//! line.

use serde_json::Value;

use crate::diag::render::printable;

/// Longest text of a document in a comment, in characters.
const COMMENT_MAX: usize = 72;

/// Texts that YAML 1.1 or 1.2 readers take for something else.
const WORDS: [&str; 10] = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan",
];

/// A text as a scalar of one line.
pub(super) fn text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || "_./".contains(c));
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    // `.5` and `.inf` are numbers.
    let is_number = text.starts_with('.') && !text.starts_with("./") && !text.starts_with("../");
    if begins && text.chars().all(plain) && !is_word && !is_number {
        return text.to_owned();
    }
    // A string of JSON is one of YAML (YAML 1.2.2 §1.2), as long as all can be seen.
    let json = Value::from(text).to_string();
    let hides = |c: char| printable(c.encode_utf8(&mut [0; 4])) != *c.encode_utf8(&mut [0; 4]);
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match hides(c) {
            // Pairs of surrogates, as JSON has them, are no characters in YAML.
            true => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

/// A value in flow style.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(one) => text(one),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) => {
            let pairs = object
                .iter()
                .map(|(key, one)| format!("{}: {}", text(key), self::value(one)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Texts as a flow sequence, in lines of a length that can be read; those after the first begin with
/// `indent` spaces.
pub(super) fn list(texts: &[String], indent: usize) -> String {
    const WIDTH: usize = 100;
    let mut out = String::from("[");
    let mut column = indent + 24;
    for (index, one) in texts.iter().enumerate() {
        let one = text(one);
        if index > 0 {
            out.push(',');
            if column + one.len() > WIDTH {
                out.push_str(&format!("\n{}", " ".repeat(indent)));
                column = indent;
            } else {
                out.push(' ');
            }
        }
        column += one.len() + 2;
        out.push_str(&one);
    }
    out.push(']');
    out
}

/// A text as it may stand in a comment: one line, nothing that hides.
pub(super) fn comment(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let line = match line.char_indices().nth(COMMENT_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    };
    printable(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diagnostics;
    use crate::source::{Budget, Source};
    use serde_json::json;

    #[test]
    fn a_text_stays_what_it_is() {
        for one in [
            "plain",
            "a/b.c-d_e",
            "./x.yaml",
            "../x",
            "true",
            "Off",
            "",
            "1",
            "-",
            "~",
            "null",
            "a: b",
            "a #b",
            "#",
            "*x",
            "&x",
            "!x",
            "{a}",
            "[a]",
            "a, b",
            "'",
            "\"",
            "\\",
            "\n",
            "a\r\nb: c",
            "\u{85}",
            "\u{2028}x",
            "\u{202e}x",
            "\u{feff}",
            "\u{0}",
            "${env:X}",
            ".inf",
            ".5",
            "0x1",
            "012",
            "1e3",
            "2020-01-01",
            "тест 日本 🎉",
            "---",
            "...",
            "? x",
            "@a",
            "%a",
            "`a`",
            "{{x}}",
            "tab\there",
            "\u{e0041}",
        ] {
            let wanted = json!({"a": [one, {one: one}], "b": 1.5});
            let yaml = format!(
                "{}: {}  # {}\nb: 1.5\n",
                text("a"),
                value(&wanted["a"]),
                comment(one)
            );
            let mut diags = Diagnostics::default();
            let read = Source::new("x.yaml", &yaml).parse_strictly(&Budget::default(), &mut diags);
            let read = read.unwrap_or_default();
            assert_eq!(read, wanted, "{yaml}");
            let visible = |c: char| c == '\n' || printable(&c.to_string()) == c.to_string();
            assert!(yaml.chars().all(visible), "{yaml:?}");
        }
    }
}
