//! What an argument may not do to a request, whatever the Manifest says of it: leave its path segment,
//! set what the HTTP client or a credential sets, or ask for another method.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::runtime::error::CallError;
use crate::runtime::manifest::{HttpAction, Place};

/// How often a value is decoded to see what somebody on the way may read in it.
const DECODINGS_MAX: usize = 4;

/// Headers that only the HTTP client and the owner's credentials set: they frame the message, name the
/// caller, pass through proxies, or make a server take another method, host or path
/// (RFC 9110 §7.6.1, RFC 9112 §6).
const RESERVED_HEADERS: [&str; 26] = [
    "accept",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// Parameters by which frameworks take another method than the request's own.
const METHOD_PARAMETERS: [&str; 5] = [
    "_httpmethod",
    "_method",
    "x_http_method",
    "x_http_method_override",
    "x_method_override",
];

/// Why a text may not stand in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsafe {
    /// Nothing would be left of the segment.
    Empty,
    /// `.` or `..`.
    Dots,
    /// `/`, `\` or a control character.
    Separator,
    /// Escapes that are not UTF-8, such as overlong ones.
    NotUtf8,
}

/// Looks at a text as servers, proxies and frameworks on the way may read it: some decode first and
/// then resolve dots, so percent-encoding does not help. `None` if all read one segment in it.
pub(super) fn path_text(text: &str) -> Option<Unsafe> {
    let mut seen = text.to_owned();
    for _ in 0..DECODINGS_MAX {
        let plain: String = seen.nfkc().collect();
        for form in [&seen, &plain] {
            // `..;x` is `..` where path parameters are cut off first.
            let segment = form.split(';').next().unwrap_or_default();
            if segment.trim().is_empty() {
                return Some(Unsafe::Empty);
            }
            // Some decode before they look for a query, and some cut spaces off the end.
            let name = segment.split(['?', '#']).next().unwrap_or_default().trim();
            if name == "." || name == ".." {
                return Some(Unsafe::Dots);
            }
            if form.contains(['/', '\\']) || form.chars().any(char::is_control) {
                return Some(Unsafe::Separator);
            }
        }
        let decoded = percent_encoding::percent_decode_str(&plain).decode_utf8();
        match decoded {
            Ok(decoded) if decoded == plain => break,
            Ok(decoded) => seen = decoded.into_owned(),
            Err(_) => return Some(Unsafe::NotUtf8),
        }
    }
    None
}

/// A template's path and its query, which is empty if there is none.
pub(super) fn halves(template: &str) -> (&str, &str) {
    template.split_once('?').unwrap_or((template, ""))
}

/// The names of a query's pairs, decoded.
pub(super) fn names(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| decoded(pair).0).collect()
}

/// A pair as servers read it.
fn decoded(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let text = |text: &str| {
        let spaced = text.replace('+', " ");
        let bytes = percent_encoding::percent_decode_str(&spaced);
        bytes.decode_utf8_lossy().into_owned()
    };
    (text(name), text(value))
}

/// The second look at a query: it begins with what its template says, only the placeholders changed,
/// and that does not ask for another method.
pub(super) fn same_query(method: &str, template: &str, query: &str) -> Result<(), CallError> {
    let changed = || {
        CallError::new(
            "path_changed",
            "the path's own query would change; nothing was sent",
        )
    };
    if query.contains(['{', '}', '#']) {
        return Err(changed());
    }
    let (_, wanted) = halves(template);
    let mut sent = query.split('&');
    for wanted in wanted.split('&').filter(|_| !wanted.is_empty()) {
        let sent = sent.next().ok_or_else(changed)?;
        let (start, end) = match (wanted.find('{'), wanted.rfind('}')) {
            (Some(open), Some(close)) => (wanted.get(..open), wanted.get(close + 1..)),
            _ => (Some(wanted), Some("")),
        };
        let (start, end) = start.zip(end).ok_or_else(changed)?;
        let whole = sent.len() >= start.len() + end.len();
        let literal = !wanted.contains('{') && sent != wanted;
        if literal || !whole || !sent.starts_with(start) || !sent.ends_with(end) {
            return Err(changed());
        }
        let (name, value) = decoded(sent);
        if raises_method(method, &name, &Value::String(value)) {
            return Err(CallError::new(
                "refused_value",
                "the path's query asks for another method; nothing was sent",
            ));
        }
    }
    Ok(())
}

/// The second look: the path that is about to be sent has the segments of its template, the literal
/// ones unchanged, and none that a parser would resolve. An encoded slash is only where a value may hold
/// one, and leads to no dot segment, whoever decodes it.
pub(super) fn same_shape(action: &HttpAction, path: &str) -> Result<(), CallError> {
    let slashed = action.params.iter().filter(|param| param.slash);
    let slots: Vec<String> = slashed
        .filter(|param| param.place == Place::Path)
        .map(|param| format!("{{{}}}", param.name))
        .collect();
    has_shape(&action.path, path, &slots)
}

fn has_shape(template: &str, path: &str, slots: &[String]) -> Result<(), CallError> {
    let changed = || {
        CallError::new(
            "path_changed",
            "the path would leave its template; nothing was sent",
        )
    };
    let wanted: Vec<&str> = halves(template).0.split('/').collect();
    let sent: Vec<&str> = path.split('/').collect();
    if wanted.len() != sent.len() {
        return Err(changed());
    }
    for (wanted, sent) in wanted.iter().zip(&sent) {
        let literal = !wanted.contains('{');
        let good = if literal {
            wanted == sent
        } else {
            is_one_segment(wanted, sent, slots)
        };
        if !good || sent.contains(['{', '}', '?', '#', '\\']) {
            return Err(changed());
        }
        // Two values side by side can make what neither is: `%2` and `e%2e`.
        if wanted.matches('{').count() > 1 {
            let text = percent_encoding::percent_decode_str(sent).decode_utf8_lossy();
            if path_text(&text).is_some_and(|why| why != Unsafe::Empty) {
                return Err(changed());
            }
        }
    }
    Ok(())
}

/// Whether a segment that a value is in stays one: it is not empty, and neither a dot segment nor made of
/// any; an encoded slash is there only if the template has it or the value of one of these slots may.
fn is_one_segment(wanted: &str, sent: &str, slots: &[String]) -> bool {
    let plain = sent.to_ascii_lowercase().replace("%2e", ".");
    let parts = || plain.split("%2f");
    let own = wanted.to_ascii_lowercase().split("%2f").count();
    let may = slots.iter().any(|slot| wanted.contains(slot));
    let resolved = parts().any(|part| matches!(part, "" | "." | ".."));
    !resolved && (may || parts().count() == own)
}

/// Whether no argument may set a header of this name. Gateways read `_` as `-`.
pub fn is_reserved_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    RESERVED_HEADERS.contains(&name.as_str())
        || name.starts_with("x-forwarded-")
        || name.starts_with("proxy-")
}

/// Whether servers may take two parameter names for the same: they differ in case, `[]`, escapes,
/// separators or width only.
pub fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (bare_name(one), bare_name(other));
    !one.is_empty() && one == other
}

/// What is left of a parameter name that every server tells from others; empty if nothing is.
pub(super) fn bare_name(name: &str) -> String {
    let mut text = name.to_owned();
    for _ in 0..2 {
        text = percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .nfkc()
            .collect();
    }
    let name = text.split(['[', '\0']).next().unwrap_or_default();
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a parameter asks the server for a method that can do more than the request's own, in any
/// text inside its value: servers take one of a list.
pub fn raises_method(method: &str, name: &str, value: &Value) -> bool {
    // Servers read `name[]` as a list of that name.
    let name = name.split('[').next().unwrap_or_default();
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    METHOD_PARAMETERS.contains(&name.as_str()) && asks_beyond(own_reach(method), value)
}

fn asks_beyond(own: u8, value: &Value) -> bool {
    match value {
        Value::String(text) => reach(text.trim()) > own,
        Value::Array(items) => items.iter().any(|item| asks_beyond(own, item)),
        Value::Object(object) => object.values().any(|value| asks_beyond(own, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a request's own method can do. One that nobody knows is not taken for one that deletes.
fn own_reach(method: &str) -> u8 {
    match method {
        "QUERY" | "PROPFIND" | "REPORT" | "SEARCH" => 0,
        "DELETE" => 2,
        other => reach(other).min(1),
    }
}

/// What a method that an argument asks for can do: read, write, or anything.
fn reach(method: &str) -> u8 {
    match method.to_ascii_uppercase().as_str() {
        "GET" | "HEAD" | "OPTIONS" | "" => 0,
        "POST" | "PUT" | "PATCH" => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_second_look() {
        for (template, path, good) in [
            ("/a/{x}/c", "/a/1/c", true),
            ("/a/{x}.json", "/a/1.json", true),
            ("/a/{x}{y}", "/a/%252x", true),
            ("/a/{x}/c", "/a/1/d", false),
            ("/a/{x}", "/a/1/2", false),
            ("/a/{x}", "/a/%2E%2e", false),
            ("/a/{x}", "/a/", false),
            ("/a/{x}", "/a/{x}", false),
            ("/a/{x}", "/a/1?b", false),
            ("/a/{x}{y}", "/a/%252e%252e", false),
            ("/a/{x}", "/a/1%2F2", false),
            ("/a/{x}", "/a/1%2f2", false),
            ("/a%2Fb/{x}", "/a%2Fb/1", true),
            ("/a%2F{x}", "/a%2F1", true),
            ("/a%2F{x}", "/a%2F1%2F2", false),
            ("/a/{slashed}", "/a/1%2F2%2f3", true),
            ("/a/{slashed}/c", "/a/1%2F2/c", true),
            ("/a/{slashed}", "/a/1/2", false),
            ("/a/{slashed}", "/a/1%2F..%2F2", false),
            ("/a/{slashed}", "/a/1%2F%2E%2F2", false),
            ("/a/{slashed}", "/a/..%2F2", false),
            ("/a/{slashed}", "/a/1%2f%2e%2E", false),
            ("/a/{slashed}", "/a/1%2F%2F2", false),
            ("/a/{slashed}", "/a/1%2F", false),
            ("/a/{slashed}/{x}", "/a/1/2%2F3", false),
            ("/a/{slashed}{x}", "/a/1%2F2", false),
        ] {
            let slots = ["{slashed}".to_owned()];
            assert_eq!(
                has_shape(template, path, &slots).is_ok(),
                good,
                "{template} {path}"
            );
        }
    }

    #[test]
    fn the_second_look_at_a_query() {
        let fixed = "/a?op=list&id={id}&k=x{k}y";
        for (method, template, query, good) in [
            ("GET", fixed, "op=list&id=1&k=x2y", true),
            ("GET", fixed, "op=list&id=1&k=x2y&limit=3", true),
            ("GET", fixed, "op=list&id=&k=xy", true),
            ("GET", fixed, "op=drop&id=1&k=x2y", false),
            ("GET", fixed, "op=lists&id=1&k=x2y", false),
            ("GET", fixed, "id=1&op=list&k=x2y", false),
            ("GET", "/a?k=xx{k}xx", "k=xxxx", true),
            ("GET", "/a?k=xx{k}xx", "k=xxx", false),
            ("GET", fixed, "op=list&id=1", false),
            ("GET", fixed, "op=list&id=1&k=2y", false),
            ("GET", fixed, "op=list&id=1&k=x2", false),
            ("GET", fixed, "op=list&id={id}&k=x2y", false),
            ("GET", fixed, "op=list&id=1#&k=x2y", false),
            ("GET", "/a", "", true),
            ("GET", "/a", "b=1", true),
            ("GET", "/a", "b=1#c", false),
            ("POST", "/a?_method={m}", "_method=POST", true),
            ("POST", "/a?_method={m}", "_method=DELETE", false),
        ] {
            let found = same_query(method, template, query);
            assert_eq!(found.is_ok(), good, "{method} {template} {query}");
        }
    }

    #[test]
    fn names_of_a_query() {
        assert_eq!(names("a=1&&b+c=&%64&=e"), ["a", "b c", "d", ""]);
        assert!(names("").is_empty());
    }

    #[test]
    fn names_that_are_the_same() {
        for (one, other, same) in [
            ("api_key", "API-Key", true),
            ("api_key", "api_key[0]", true),
            ("api_key", "api%255Fkey", true),
            ("api_key", "\u{ff41}pi_key", true),
            ("api_key", "api_keys", false),
            ("$", "%", false),
        ] {
            assert_eq!(same_name(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn methods_in_disguise() {
        for (method, name, value, raises) in [
            ("POST", "_method", json!("delete"), true),
            ("POST", "_method", json!("PUT"), false),
            ("POST", "_method", json!(["PUT"]), false),
            ("POST", "_method", json!(["PUT", ["DELETE"]]), true),
            ("POST", "_method[]", json!("DELETE"), true),
            ("POST", "_method", json!({"0": "DELETE"}), true),
            ("GET", "X-HTTP-Method", json!("PATCH"), true),
            ("DELETE", "_method", json!("PURGE"), false),
            ("QUERY", "_method", json!("POST"), true),
            ("LOCK", "_method", json!("DELETE"), true),
            ("LOCK", "_method", json!("PUT"), false),
            ("GET", "method", json!("DELETE"), false),
        ] {
            assert_eq!(
                raises_method(method, name, &value),
                raises,
                "{method} {name} {value}"
            );
        }
    }
}
