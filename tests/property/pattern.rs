//! Texts for the simple patterns that identifiers have: `^AC[0-9a-fA-F]{32}$`.

/// A text of the pattern, if it is literals and classes with counts alone.
pub(super) fn text(pattern: &str) -> Option<String> {
    let mut rest = pattern
        .strip_prefix('^')?
        .strip_suffix('$')?
        .chars()
        .peekable();
    let mut out = String::new();
    while let Some(c) = rest.next() {
        let one = match c {
            '[' => {
                let mut class = String::new();
                for c in rest.by_ref().take_while(|c| *c != ']') {
                    class.push(c);
                }
                let first = class.chars().next().filter(|c| *c != '^' && *c != '\\')?;
                first.to_string()
            }
            '\\' => match rest.next()? {
                'd' => "7".to_owned(),
                'w' => "w".to_owned(),
                c if c.is_alphanumeric() => return None,
                c => c.to_string(),
            },
            '.' | '(' | ')' | '|' | '^' | '$' => return None,
            c => c.to_string(),
        };
        let count = match rest.peek() {
            Some('{') => {
                let counts: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                counts.split(',').next()?.parse().ok()?
            }
            Some('+' | '*' | '?') => rest.next().map(|_| 1)?,
            _ => 1,
        };
        out.push_str(&one.repeat(count));
    }
    Some(out)
}

#[test]
fn texts_of_patterns() {
    for (pattern, want) in [
        ("^AC[0-9a-fA-F]{4}$", Some("AC0000")),
        (r"^\d+\.\d{1,3}$", Some("7.7")),
        ("^[a-z]?x*$", Some("ax")),
        ("^(a|b)$", None),
        ("a+", None),
    ] {
        assert_eq!(text(pattern).as_deref(), want, "{pattern}");
    }
}
