//! Identifiers and literals: the only two ways from a document into Rust source.

/// Keywords of every edition, strict and reserved, and names that may not be raw identifiers
/// (Rust Reference, "Keywords").
const KEYWORDS: [&str; 54] = [
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "macro_rules",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "raw",
    "ref",
    "return",
    "self",
    "Self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
];
/// Longest identifier.
const IDENT_MAX: usize = 60;

/// A lower-case identifier made from a text; `fallback` if nothing of it can be used.
pub(super) fn snake(text: &str, fallback: &str) -> String {
    finished(heck::AsSnakeCase(words(text)).to_string(), fallback)
}

/// A type's name made from a text.
pub(super) fn camel(text: &str, fallback: &str) -> String {
    finished(heck::AsUpperCamelCase(words(text)).to_string(), fallback)
}

/// The beginning of a text, what is neither letter nor digit as spaces.
fn words(text: &str) -> String {
    text.chars()
        .take(200)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' })
        .collect()
}

fn finished(mut name: String, fallback: &str) -> String {
    name.truncate(IDENT_MAX);
    if name.is_empty() {
        fallback.clone_into(&mut name);
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, 'n');
    }
    if KEYWORDS.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// A name that is not taken yet; it is added to `taken`.
pub(super) fn unique(name: &str, taken: &mut Vec<String>) -> String {
    let mut found = name.to_owned();
    let mut count = 2;
    while taken.contains(&found) {
        found = format!("{name}_{count}");
        count += 1;
    }
    taken.push(found.clone());
    found
}

/// A Rust string literal.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // What a reader of the source cannot see, or sees elsewhere, is escaped.
            c if is_plain(c) => out.push(c),
            c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// A raw string literal with JSON text in it, whose characters are all plain.
pub(super) fn raw_json(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for c in format!("{value:#}").chars() {
        if c == '\n' || is_plain(c) {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// Printable ASCII, and letters and digits of other scripts.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') || (!c.is_ascii() && c.is_alphanumeric())
}

/// Whether Cargo takes a name for a package (Cargo Book, "The `name` field") and its library's name is
/// no keyword.
pub(super) fn is_package_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let rest = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    // Libraries of Rust, and folders of Cargo's that a program may not be called after.
    let reserved = [
        "test",
        "core",
        "std",
        "alloc",
        "proc_macro",
        "proc-macro",
        "build",
        "deps",
        "examples",
        "incremental",
    ];
    let library = name.replace('-', "_");
    first
        && rest
        && name.len() <= 64
        && !reserved.contains(&name)
        && !KEYWORDS.contains(&library.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identifiers() {
        for (text, want) in [
            ("books", "books"),
            ("Order items", "order_items"),
            ("type", "type_"),
            ("self", "self_"),
            ("3d", "n3d"),
            ("../../etc", "etc"),
            ("日本", "group"),
            ("a\"; fn x() {}", "a_fn_x"),
        ] {
            assert_eq!(snake(text, "group"), want);
        }
        assert_eq!(camel("list_books", "Tool"), "ListBooks");
        assert_eq!(camel("self", "Tool"), "Self_");
    }

    #[test]
    fn literals_parse_back() {
        for text in [
            "plain",
            "\"quoted\" \\ back",
            "line\nbreak\ttab",
            "*/ \"# {{ }}",
            "\u{202e}\u{200b}ä日",
            "\r\0",
        ] {
            let parsed: syn::LitStr = syn::parse_str(&literal(text)).unwrap();
            assert_eq!(parsed.value(), text);
            let value = json!({ "text": text });
            let parsed: syn::LitStr = syn::parse_str(&raw_json(&value)).unwrap();
            let read: serde_json::Value = serde_json::from_str(&parsed.value()).unwrap();
            assert_eq!(read, value);
        }
    }

    #[test]
    fn package_names() {
        for (name, good) in [
            ("bookshop-server", true),
            ("a_1", true),
            ("", false),
            ("1a", false),
            ("a b", false),
            ("a/b", false),
            ("fn", false),
            ("test", false),
            ("build", false),
            ("deps", false),
            ("a\"", false),
        ] {
            assert_eq!(is_package_name(name), good, "{name}");
        }
    }
}
