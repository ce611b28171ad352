//! Servers: where an operation is, from the operation, its path or the document.

use url::Url;

use super::ReadOptions;
use super::node::Node;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};

/// Longest URL of a server, in bytes: every operation has a copy of it.
const URL_MAX: usize = 8_000;

/// Where an operation is.
pub(super) struct Server {
    /// Base URL without a slash at the end.
    pub(super) url: String,
    /// Where the document says so; `None` if the owner did.
    pub(super) loc: Option<Loc>,
}

/// The server of an operation; `None` if nothing says it.
/// The owner's own wins; then the operation's first server, the path's, the document's
/// (OpenAPI 3.1.1 §4.8.10.1, §4.8.9.1, §4.8.1.1).
pub(super) fn server(
    options: &ReadOptions,
    places: [&Node<'_>; 3],
    diags: &mut Diagnostics,
) -> Option<Server> {
    if let Some(base) = &options.base_url {
        return Some(Server {
            url: base.trim_end_matches('/').to_owned(),
            loc: None,
        });
    }
    let (url, loc) = declared(options, &places, diags)?;
    Some(Server {
        url: trimmed(url),
        loc,
    })
}

/// What relative URLs of the API resolve against (OpenAPI 3.1.1 §4.6.2): the owner's base URL or the
/// document's first server.
pub(super) fn base(options: &ReadOptions, root: &Node<'_>) -> Option<Url> {
    match &options.base_url {
        Some(base) => Url::parse(base).ok(),
        None => Some(declared(options, &[root], &mut Diagnostics::default())?.0),
    }
}

/// The first server of the first place that has any, and where it stands.
fn declared(
    options: &ReadOptions,
    places: &[&Node<'_>],
    diags: &mut Diagnostics,
) -> Option<(Url, Option<Loc>)> {
    let server = places
        .iter()
        .find_map(|place| place.get("servers")?.items().next());
    let Some(server) = server else {
        // Without servers there is one at `/` (OpenAPI 3.1.1 §4.8.1.1).
        return absolute("/", options).map(|url| (url, None));
    };
    let loc = server.loc().child("url");
    let template = server.str("url").unwrap_or("/");
    let text = match with_variables(template, &server) {
        Ok(text) => text,
        Err(why) => {
            let message = format!("{why}; the server is not used");
            diags.push(
                Diagnostic::new(Code::BadServer, server.loc(), message)
                    .help("pass --base-url with the whole URL"),
            );
            return None;
        }
    };
    if let Some(url) = absolute(&text, options) {
        return Some((url, Some(loc)));
    }
    let (code, message) = if Url::parse(&text).is_ok() {
        let message = format!("server `{text}` is not an http or https URL");
        (Code::BadServer, message)
    } else {
        let message =
            format!("server `{text}` is relative, and the document's own address is not known");
        (Code::NoServer, message)
    };
    diags.push(Diagnostic::new(code, loc, message).help("pass --base-url with the whole URL"));
    None
}

/// The URL with every `{variable}` at its default (OpenAPI 3.1.1 §4.8.6); `Err` says why there is none.
fn with_variables(template: &str, server: &Node<'_>) -> Result<String, String> {
    let no_default = |name: &str| format!("server variable `{name}` has no default");
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{')
        && out.len() <= URL_MAX
    {
        let (name, after) = after.split_once('}').ok_or_else(|| no_default(after))?;
        let value = server
            .get("variables")
            .and_then(|v| v.get(name))
            .and_then(|v| v.get("default"));
        let value = value.ok_or_else(|| no_default(name))?;
        out.push_str(before);
        out.push_str(&super::plain(value.value));
        rest = after;
    }
    out.push_str(rest);
    if out.len() > URL_MAX {
        return Err(format!("the server's URL is longer than {URL_MAX} bytes"));
    }
    Ok(out)
}

/// An http or https URL; a relative one resolves against the document's own URL.
fn absolute(text: &str, options: &ReadOptions) -> Option<Url> {
    let url = match (Url::parse(text), &options.document_url) {
        (Ok(url), _) => url,
        (Err(_), Some(document)) => document.join(text).ok()?,
        (Err(_), None) => return None,
    };
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Without query, fragment, user and the slash at the end: a path is put behind it.
fn trimmed(mut url: Url) -> String {
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only on URLs that have no host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn where_an_operation_is() {
        for (entry, document, want) in [
            (
                json!({"url": "https://a.example/v1/"}),
                None,
                Some("https://a.example/v1"),
            ),
            (
                json!({"url": "/v2"}),
                Some("https://b.example/docs/openapi.json"),
                Some("https://b.example/v2"),
            ),
            (
                json!({"url": "../v2"}),
                Some("https://b.example/docs/x/o.json"),
                Some("https://b.example/docs/v2"),
            ),
            (json!({"url": "/v2"}), None, None),
            (
                json!({"url": "https://{h}.example:{p}", "variables": {"h": {"default": "eu"}, "p": {"default": 8443}}}),
                None,
                Some("https://eu.example:8443"),
            ),
            (json!({"url": "https://{h}.example"}), None, None),
            (
                json!({"url": format!("https://a.example/{}", "x".repeat(8_000))}),
                None,
                None,
            ),
            (
                json!({"url": "https://a.example/{v}{v}{v}", "variables": {"v": {"default": "x".repeat(3_000)}}}),
                None,
                None,
            ),
            (json!({"url": "ftp://a.example"}), None, None),
            (
                json!({"url": "https://u:p@a.example/?q#f"}),
                None,
                Some("https://a.example"),
            ),
        ] {
            let root = json!({"servers": [entry]});
            let options = ReadOptions {
                document_url: document.map(|d| Url::parse(d).unwrap()),
                ..ReadOptions::default()
            };
            let node = Node::root(&root);
            let found = server(&options, [&node, &node, &node], &mut Diagnostics::default());
            assert_eq!(found.map(|server| server.url).as_deref(), want, "{root}");
        }
    }
}
