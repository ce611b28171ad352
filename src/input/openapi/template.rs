//! Path templates: what of them is sent as it is, and where the placeholders are.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::node::Node;
use crate::catalog::Param;
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::backends::http::raises_method;
use crate::runtime::manifest::Place;

/// What a URL parser writes as an escape in a path; `{` and `}` are those of placeholders.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`');

/// The same in a query.
const ESCAPED_QUERY: &AsciiSet = &ESCAPED.add(b'\'').add(b'|');

/// A path begins with `/` (OpenAPI 3.1.1 §4.8.8.1). A fragment, by which some documents tell operations
/// of one path apart, is never sent, so that nothing can be filled in there.
pub(super) fn path_shape(path: &str, item: &Node<'_>) -> Result<(), Box<Diagnostic>> {
    if !path.starts_with('/') {
        let message = "its path does not begin with `/`";
        return Err(Box::new(malformed(
            item,
            message,
            "begin the path with `/`",
        )));
    }
    if fragment(path).contains(['{', '}']) {
        let message = "its path has a placeholder in its fragment, which is never sent";
        return Err(Box::new(malformed(
            item,
            message,
            "remove what begins with `#`",
        )));
    }
    Ok(())
}

fn malformed(item: &Node<'_>, message: &str, help: &str) -> Diagnostic {
    let loc = Loc {
        key: true,
        ..item.loc()
    };
    Diagnostic::new(Code::Malformed, loc, message).help(help)
}

/// The part of a path that is not sent, with its `#`.
pub(super) fn fragment(path: &str) -> &str {
    let start = path.find('#').unwrap_or(path.len());
    path.get(start..).unwrap_or_default()
}

/// A template's path and the pairs of its query. OpenAPI has no queries in paths, but documents do:
/// the pairs go with every request.
pub(super) fn halves(path: &str) -> (&str, Vec<&str>) {
    let path = path.strip_suffix(fragment(path)).unwrap_or(path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    (path, pairs.collect())
}

/// Whether a pair is nothing but the place of a query parameter: `q={q}`.
pub(super) fn fills(param: &Param, pair: &str) -> bool {
    let name = &param.name;
    param.place == Place::Query && pair == format!("{name}={{{name}}}")
}

/// The name of a query pair, decoded.
pub(super) fn pair_name(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

/// The path template as it is sent: its literal parts percent-encoded, its placeholders as they are.
/// `pairs` are those of its query that are sent. A path that a URL parser would still change, such as
/// one with dot segments, is not the one that is declared.
pub(super) fn sent_path(
    path: &str,
    method: &str,
    pairs: &[&str],
    item: &Node<'_>,
) -> Result<String, Box<Diagnostic>> {
    for pair in pairs {
        let (_, value) = pair.split_once('=').unwrap_or_default();
        let value = percent_decode_str(value).decode_utf8_lossy();
        if raises_method(method, &pair_name(pair), &value.as_ref().into()) {
            let message = "the query of its path asks for another method";
            let help = "declare the operation under the method that it has";
            return Err(Box::new(malformed(item, message, help)));
        }
    }
    let (path, _) = halves(path);
    let (mut sent, mut plain) = written(path, ESCAPED);
    plain.insert_str(0, "http://h");
    if !pairs.is_empty() {
        let (query, as_url) = written(&pairs.join("&"), ESCAPED_QUERY);
        sent.push_str(&format!("?{query}"));
        plain.push_str(&format!("?{as_url}"));
    }
    let same = url::Url::parse(&plain).is_ok_and(|url| url.as_str() == plain);
    // What has no matching braces is reported with the placeholders.
    if same || path.matches('{').count() != path.matches('}').count() {
        return Ok(sent);
    }
    let message = "its path has a segment that no URL can have, such as `..`";
    let help = "write the path that is meant, without `.`, `..` and `\\`";
    Err(Box::new(malformed(item, message, help)))
}

/// A template with its literal parts encoded, and the same with something in place of placeholders.
fn written(text: &str, escaped: &'static AsciiSet) -> (String, String) {
    let mut sent = String::new();
    let mut plain = String::new();
    for (index, part) in text.split('{').enumerate() {
        let (name, literal) = match part.split_once('}') {
            Some(found) if index > 0 => found,
            _ => ("", part),
        };
        if index > 0 {
            sent.push_str(&format!("{{{name}}}"));
            plain.push('x');
        }
        let literal = utf8_percent_encode(literal, escaped).to_string();
        sent.push_str(&literal);
        plain.push_str(&literal);
    }
    (sent, plain)
}

/// The names between the braces of a path template, each once; `None` if a brace has no partner.
pub(super) fn placeholders(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = path;
    while let Some(open) = rest.find(['{', '}']) {
        let inner = rest.get(open..)?.strip_prefix('{')?;
        let close = inner.find(['{', '}'])?;
        let (name, after) = (inner.get(..close)?, inner.get(close..)?.strip_prefix('}')?);
        if name.is_empty() {
            return None;
        }
        if !names.contains(&name) {
            names.push(name);
        }
        rest = after;
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn placeholders_of_a_path() {
        for (path, want) in [
            ("/a/b", Some(vec![])),
            ("/a/{b}/c/{d}.json", Some(vec!["b", "d"])),
            ("/{a}{b}/{a}", Some(vec!["a", "b"])),
            ("/{a", None),
            ("/a}", None),
            ("/{}", None),
            ("/{{a}}", None),
        ] {
            assert_eq!(placeholders(path), want, "{path}");
        }
    }

    #[test]
    fn paths_as_they_are_sent() {
        let value = json!({});
        let item = Node::root(&value);
        for (path, want) in [
            ("/a/{b}.json", Some("/a/{b}.json")),
            ("/köln/{größe}", Some("/k%C3%B6ln/{größe}")),
            ("/a b/%20", Some("/a%20b/%20")),
            (
                "/a:b@c;d=e,f/(g)'h'!$&*+~_-",
                Some("/a:b@c;d=e,f/(g)'h'!$&*+~_-"),
            ),
            ("/{a}{b}/", Some("/{a}{b}/")),
            ("/[a]|^", Some("/[a]|%5E")),
            ("/a//b", Some("/a//b")),
            ("/a?b=c&d={e}", Some("/a?b=c&d={e}")),
            ("/a?b c='ä'|", Some("/a?b%20c=%27%C3%A4%27%7C")),
            ("/a?", Some("/a")),
            ("/a?_method=DELETE", None),
            ("/a?b=/../c?", Some("/a?b=/../c?")),
            ("/a?b#c?d#e", Some("/a?b")),
            ("/a#../b", Some("/a")),
            ("/#", Some("/")),
            ("/a/../admin", None),
            ("/a/%2e%2E/admin", None),
            ("/a/./b", None),
            ("/a\\b", None),
        ] {
            let (_, pairs) = halves(path);
            let sent = sent_path(path, "get", &pairs, &item).ok();
            assert_eq!(sent.as_deref(), want, "{path}");
        }
    }
}
