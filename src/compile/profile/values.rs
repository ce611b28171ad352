//! The rules of one schema: what clients refuse goes into words, or is written with the same meaning.

use serde_json::{Map, Value, json};

use super::super::describe;

type Object = Map<String, Value>;

/// Characters of a pattern or a list of values that are told in words.
const WORDS_MAX: usize = 200;

/// Takes out the patterns that not all engines read; returned is what to say of them.
pub(super) fn patterns(object: &mut Object) -> Vec<String> {
    let mut told = Vec::new();
    let pattern = object.get("pattern").and_then(Value::as_str);
    if let Some(pattern) = pattern.filter(|pattern| !is_portable(pattern)) {
        told.push(format!("Pattern: {}", plain(pattern)));
        object.shift_remove("pattern");
    }
    let named = object.get("patternProperties").and_then(Value::as_object);
    let odd: Vec<String> = named
        .into_iter()
        .flat_map(Map::keys)
        .filter(|pattern| !is_portable(pattern))
        .cloned()
        .collect();
    if odd.is_empty() {
        return told;
    }
    if let Some(Value::Object(named)) = object.get_mut("patternProperties") {
        named.retain(|pattern, _| !odd.contains(pattern));
        if named.is_empty() {
            object.shift_remove("patternProperties");
        }
    }
    // What only those patterns allow may not be forbidden.
    object.shift_remove("additionalProperties");
    object.shift_remove("unevaluatedProperties");
    let odd: Vec<String> = odd.iter().map(|pattern| plain(pattern)).collect();
    told.push(format!("Names match: {}", odd.join(" or ")));
    told
}

/// Whether the engines of all clients read a pattern alike: no look-around, no named groups or flags, no
/// back-references, no Unicode classes, no escapes but the common ones.
fn is_portable(pattern: &str) -> bool {
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        let good = match c {
            '(' if rest.as_str().starts_with('?') => rest.as_str().starts_with("?:"),
            '\\' => match rest.next() {
                Some(
                    'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B' | 't' | 'n' | 'r' | 'f' | 'v',
                ) => true,
                Some('x') => {
                    rest.by_ref()
                        .take(2)
                        .filter(char::is_ascii_hexdigit)
                        .count()
                        == 2
                }
                Some('u') => {
                    rest.by_ref()
                        .take(4)
                        .filter(char::is_ascii_hexdigit)
                        .count()
                        == 4
                }
                Some(c) => c.is_ascii_punctuation() || c == ' ',
                None => false,
            },
            _ => true,
        };
        if !good {
            return false;
        }
    }
    true
}

/// Takes out values that are no texts, or empty; returned is what to say of them. A list in which other
/// values than `null` and the empty text are no texts goes as a whole.
pub(super) fn texts(object: &mut Object) -> Option<String> {
    let values = object.get("enum")?.as_array()?;
    let is_text = |value: &&Value| value.as_str().is_some_and(|text| !text.is_empty());
    let kept: Vec<Value> = values.iter().filter(is_text).cloned().collect();
    if kept.len() == values.len() {
        return None;
    }
    let others: Vec<&Value> = values.iter().filter(|value| !is_text(value)).collect();
    let (empty, null) = (json!(""), Value::Null);
    if kept.is_empty() || others.iter().any(|v| **v != empty && **v != null) {
        let all: Vec<String> = values.iter().map(Value::to_string).collect();
        let words = format!("One of: {}", plain(&all.join(", ")));
        object.shift_remove("enum");
        return Some(words);
    }
    let may = match (others.contains(&&empty), others.contains(&&null)) {
        (true, true) => "May also be null or an empty text",
        (true, false) => "May also be an empty text",
        _ => "May also be null",
    };
    object.insert("enum".into(), Value::Array(kept));
    Some(may.to_owned())
}

/// Takes out a format that is not one of Gemini's; returned is what to say of it. Formats are told to
/// models and not checked, so nothing is weaker without one.
pub(super) fn format(object: &mut Object) -> Option<String> {
    let format = object.get("format")?.as_str()?;
    let types = match object.get("type") {
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let known: &[&str] = match types.iter().find(|name| **name != "null") {
        Some(&"integer") => &["int32", "int64"],
        Some(&"number") => &["float", "double"],
        _ => &["date-time"],
    };
    if known.contains(&format) {
        return None;
    }
    let words = format!("Format: {}", plain(format));
    object.shift_remove("format");
    Some(words)
}

/// What came of several types.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Types {
    /// There is one, or none.
    One,
    /// They are alternatives now.
    Alternatives,
    /// There is one now; `null`, the other, is told in words.
    OrNull(&'static str),
}

/// Writes several types as one.
pub(super) fn one_type(object: &mut Object) -> Types {
    let Some(Value::Array(types)) = object.get("type") else {
        return Types::One;
    };
    let real: Vec<Value> = types
        .iter()
        .filter(|name| *name != "null")
        .cloned()
        .collect();
    let nullable = real.len() < types.len();
    match (real.as_slice(), nullable) {
        ([one], _) => {
            object.insert("type".into(), one.clone());
            if nullable {
                Types::OrNull("May be null")
            } else {
                Types::Alternatives
            }
        }
        _ if object.contains_key("anyOf") => Types::One,
        _ => {
            let types = types.iter().map(|name| json!({"type": name})).collect();
            object.shift_remove("type");
            object.insert("anyOf".into(), Value::Array(types));
            Types::Alternatives
        }
    }
}

/// Says of an array that says nothing of its items that they are anything; returned is whether it did
/// not.
pub(super) fn items(object: &mut Object) -> bool {
    let array = match object.get("type") {
        Some(Value::Array(many)) => many.iter().any(|name| name == "array"),
        Some(one) => one == "array",
        None => false,
    };
    let silent = array && !object.contains_key("items");
    if silent {
        object.insert("items".into(), json!({}));
    }
    silent
}

/// Adds sentences to the description.
pub(super) fn tell(object: &mut Object, told: &[String]) {
    if told.is_empty() {
        return;
    }
    let said = object.get("description").and_then(Value::as_str);
    let said = said.map(str::trim_end).filter(|said| !said.is_empty());
    let mut text = String::new();
    if let Some(said) = said {
        text.push_str(said);
        text.push_str(if said.ends_with(['.', '!', '?', '…', ':']) {
            " "
        } else {
            ". "
        });
    }
    text.push_str(&told.join(". "));
    object.insert("description".into(), text.into());
}

/// Text of the document with nothing hidden in it, shortened.
fn plain(text: &str) -> String {
    let mut short: String = text
        .chars()
        .filter(|c| describe::is_visible(*c))
        .take(WORDS_MAX)
        .collect();
    if short.len() < text.len() && short.chars().count() == WORDS_MAX {
        short.push('…');
    }
    // Nothing that looks like a comment is told; see `describe`.
    short.replace("<!--", "<! --")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn portable_patterns() {
        for (pattern, want) in [
            (r"^[a-z]+(?:-[0-9]{1,3})*$", true),
            (r"^\d\w\s\.\/\-\x41\u00e4\b$", true),
            (r"\(?x", true),
            (r"[(?]", false),
            ("^(?!x)", false),
            ("(?<=x)y", false),
            ("(?<name>x)", false),
            ("(?i)x", false),
            (r"(a)\1", false),
            (r"\p{L}", false),
            (r"\u{1F600}", false),
            (r"\x4", false),
            (r"\Z", false),
            ("\\", false),
        ] {
            assert_eq!(is_portable(pattern), want, "{pattern}");
        }
    }

    #[test]
    fn values_that_are_no_texts_are_told() {
        for (given, shown, told) in [
            (json!(["a", "b"]), json!(["a", "b"]), None),
            (
                json!(["a", ""]),
                json!(["a"]),
                Some("May also be an empty text"),
            ),
            (json!(["a", null]), json!(["a"]), Some("May also be null")),
            (
                json!(["a", null, ""]),
                json!(["a"]),
                Some("May also be null or an empty text"),
            ),
            (json!([0, 1]), Value::Null, Some("One of: 0, 1")),
            (json!(["a", 1]), Value::Null, Some("One of: \"a\", 1")),
            (json!([""]), Value::Null, Some("One of: \"\"")),
        ] {
            let mut schema = object(json!({"enum": given}));
            assert_eq!(texts(&mut schema).as_deref(), told);
            assert_eq!(schema.get("enum").unwrap_or(&Value::Null), &shown);
        }
    }

    #[test]
    fn names_that_odd_patterns_allow_stay_allowed() {
        let mut schema = object(json!({
            "patternProperties": {"^(?!x)": {}, "^y": {}}, "additionalProperties": false
        }));
        assert_eq!(patterns(&mut schema), ["Names match: ^(?!x)"]);
        assert_eq!(schema, object(json!({"patternProperties": {"^y": {}}})));
    }

    #[test]
    fn items_have_one_type() {
        let null = "May be null";
        for (given, shown, want) in [
            (
                json!({"type": "string"}),
                json!({"type": "string"}),
                Types::One,
            ),
            (
                json!({"type": ["string"]}),
                json!({"type": "string"}),
                Types::Alternatives,
            ),
            (
                json!({"type": ["object", "null"], "properties": {}}),
                json!({"type": "object", "properties": {}}),
                Types::OrNull(null),
            ),
            (
                json!({"type": ["string", "integer", "null"]}),
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
                Types::Alternatives,
            ),
        ] {
            let mut schema = object(given);
            assert_eq!(one_type(&mut schema), want);
            assert_eq!(schema, object(shown));
        }
    }

    #[test]
    fn words_follow_what_is_said() {
        for (said, want) in [
            (json!(null), "A. B"),
            (json!("Text"), "Text. A. B"),
            (json!("Text. "), "Text. A. B"),
        ] {
            let mut schema = object(json!({"description": said}));
            tell(&mut schema, &["A".into(), "B".into()]);
            assert_eq!(schema["description"], want);
        }
        let long = plain(&format!("\u{200b}<!--{}", "x".repeat(400)));
        assert!(long.starts_with("<! --x") && long.ends_with('…'));
    }
}
