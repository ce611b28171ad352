//! Where tokens are fetched: the token URL of a client credentials flow.

use url::Url;

use super::node::Node;
use super::{ReadOptions, server};
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::backends::http::is_private;

/// Why a token URL is not used.
#[derive(Debug)]
pub(super) struct Unusable {
    loc: Loc,
    why: String,
    help: String,
}

impl Unusable {
    /// What is said of it: the scheme's token comes from its variable alone.
    pub(super) fn of(self, scheme: &str, variable: &str) -> Diagnostic {
        let message = format!("security scheme `{scheme}` fetches no token: {}", self.why);
        let help = format!("{}; or set {variable} to a token", self.help);
        Diagnostic::new(Code::TokenUrl, self.loc, message).help(help)
    }
}

/// The token URL of a scheme's client credentials flow (OpenAPI 3.1.1 §4.8.29); `None` if it has no
/// such flow. The owner's own wins. What only the document names is public and encrypted: a secret
/// goes there.
pub(super) fn of(
    scheme: &Node<'_>,
    root: &Node<'_>,
    options: &ReadOptions,
) -> Option<Result<String, Unusable>> {
    let flows = scheme.get("flows");
    let flow = match (scheme.str("type")?, flows) {
        ("oauth2", Some(flows)) => flows.get("clientCredentials")?,
        // Its flows are told elsewhere: whether this is one of them, the owner knows.
        ("oauth2", None) | ("openIdConnect", _) => return options.tokens.url.clone().map(Ok),
        _ => return None,
    };
    if let Some(url) = &options.tokens.url {
        return Some(Ok(url.clone()));
    }
    let Some(text) = flow.str("tokenUrl") else {
        return Some(Err(Unusable {
            loc: flow.loc(),
            why: "its client credentials flow has no `tokenUrl`".to_owned(),
            help: WHOLE.to_owned(),
        }));
    };
    let found = usable(text, root, options).map_err(|(why, help)| Unusable {
        loc: flow.loc().child("tokenUrl"),
        why,
        help,
    });
    Some(found)
}

/// What is said of a scheme whose token is taken as it is given.
pub(super) fn not_run(name: &str, scheme: &Node<'_>, variable: &str) -> Option<Diagnostic> {
    let told = |what: &str| (format!("{what} is not read"), true);
    let (why, elsewhere) = match scheme.str("type")? {
        "openIdConnect" => told("its `openIdConnectUrl`"),
        "oauth2" => match scheme.get("flows") {
            Some(flows) => match flow_names(&flows).as_str() {
                "" => ("it has no flow".to_owned(), false),
                names => (format!("no flow of it is run ({names})"), false),
            },
            None if scheme.get("oauth2MetadataUrl").is_some() => told("its `oauth2MetadataUrl`"),
            None => ("it has no `flows`".to_owned(), true),
        },
        _ => return None,
    };
    let message = format!("security scheme `{name}` takes a token as it is given: {why}");
    let help = match elsewhere {
        true => format!("set {variable}; or pass --token-url to fetch it with client credentials"),
        false => format!("set {variable}, and again when it expires"),
    };
    let note = Diagnostic::new(Code::FlowNotRun, scheme.loc(), message);
    Some(note.help(help))
}

/// Flows that are named, in words: those of the specification are five.
const FLOWS_MAX: usize = 5;

fn flow_names(flows: &Node<'_>) -> String {
    let names = flows.entries().map(|(name, _)| name);
    let names = names.filter(|name| !name.starts_with("x-"));
    let names = names.take(FLOWS_MAX).map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

const WHOLE: &str = "pass --token-url with the whole URL";

fn usable(text: &str, root: &Node<'_>, options: &ReadOptions) -> Result<String, (String, String)> {
    let wrong = |why: &str| Err((format!("its token URL {why}"), WHOLE.to_owned()));
    if text.contains(['{', '}']) {
        return wrong("has a placeholder");
    }
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(_) => match server::base(options, root).and_then(|base| base.join(text).ok()) {
            Some(url) => url,
            None => return wrong("is relative, and nothing says where the API is"),
        },
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return wrong("is not an http or https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("has a user or password");
    }
    // A token endpoint's URL has none (RFC 6749 §3.2), and it would not be sent.
    url.set_fragment(None);
    let origin = url.origin().ascii_serialization();
    if options.trusted_origins.contains(&origin) {
        return Ok(url.into());
    }
    let why = match (url.scheme() == "https", is_private(&url)) {
        (_, true) => "is at a private address, which only you may name",
        (false, false) => "is not encrypted, and only the document names it",
        (true, false) => return Ok(url.into()),
    };
    let help = format!("if it is right: --token-url {url}");
    Err((format!("its token URL {why}"), help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::openapi::TokenOptions;
    use serde_json::json;

    #[test]
    #[allow(clippy::too_many_lines, reason = "it is a table")]
    fn where_tokens_are_fetched() {
        for (token_url, server, named, want) in [
            (
                "https://a.example/token?x=1#f",
                "https://b.example",
                &[][..],
                "https://a.example/token?x=1",
            ),
            // OpenAPI 3.1.1 §4.6.2: against the server.
            (
                "/token",
                "https://b.example/v1",
                &[],
                "https://b.example/token",
            ),
            (
                "token",
                "https://b.example/v1/",
                &[],
                "https://b.example/v1/token",
            ),
            (
                "../token",
                "https://b.example/v1/x/",
                &[],
                "https://b.example/v1/token",
            ),
            (
                "//c.example/token",
                "https://b.example",
                &[],
                "https://c.example/token",
            ),
            ("", "https://b.example/v1", &[], "https://b.example/v1"),
            ("/token", "/v1", &[], "is relative"),
            (
                "https://{tenant}.example/token",
                "https://b.example",
                &[],
                "has a placeholder",
            ),
            (
                "https://a.example/{tenant}",
                "https://b.example",
                &[],
                "has a placeholder",
            ),
            (
                "ftp://a.example/token",
                "https://b.example",
                &[],
                "is not an http",
            ),
            (
                "file:///etc/passwd",
                "https://b.example",
                &[],
                "is not an http",
            ),
            (
                "https://u:p@a.example/token",
                "https://b.example",
                &[],
                "has a user",
            ),
            (
                "http://a.example/token",
                "https://b.example",
                &[],
                "is not encrypted",
            ),
            (
                "http://a.example/token",
                "https://b.example",
                &["http://a.example"],
                "http://a.example/token",
            ),
            (
                "https://127.0.0.1/token",
                "https://b.example",
                &[],
                "is at a private address",
            ),
            (
                "https://[::ffff:10.0.0.1]/t",
                "https://b.example",
                &[],
                "is at a private address",
            ),
            (
                "http://2130706433/token",
                "https://b.example",
                &[],
                "is at a private address",
            ),
            (
                "https://localhost./token",
                "https://b.example",
                &[],
                "is at a private address",
            ),
            (
                "http://127.0.0.1:8080/t",
                "https://b.example",
                &["http://127.0.0.1:8080"],
                "http://127.0.0.1:8080/t",
            ),
            // A port that was not named is another origin.
            (
                "http://127.0.0.1:8081/t",
                "https://b.example",
                &["http://127.0.0.1:8080"],
                "is at a private address",
            ),
        ] {
            let root = json!({"servers": [{"url": server}]});
            let scheme =
                json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": token_url}}});
            let options = ReadOptions {
                trusted_origins: named.iter().map(|origin| (*origin).to_owned()).collect(),
                ..ReadOptions::default()
            };
            let found = of(&Node::root(&scheme), &Node::root(&root), &options).unwrap();
            match found {
                Ok(url) => assert_eq!(url, want, "{token_url}"),
                Err(found) => assert!(found.why.contains(want), "{token_url}: {}", found.why),
            }
        }
    }

    #[test]
    fn the_owner_says_it_and_other_flows_have_none() {
        let root = json!({});
        let options = ReadOptions {
            tokens: TokenOptions {
                url: Some("http://10.0.0.1/token".to_owned()),
                ..TokenOptions::default()
            },
            ..ReadOptions::default()
        };
        for (scheme, want) in [
            (
                json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "x"}}}),
                true,
            ),
            (
                json!({"type": "oauth2", "flows": {"clientCredentials": {}}}),
                true,
            ),
            (json!({"type": "oauth2", "flows": {"implicit": {}}}), false),
            // What flows there are is told elsewhere.
            (json!({"type": "openIdConnect"}), true),
            (json!({"type": "oauth2"}), true),
            (json!({"type": "oauth2", "flows": {}}), false),
            (json!({"type": "apiKey"}), false),
        ] {
            let found = of(&Node::root(&scheme), &Node::root(&root), &options);
            assert_eq!(found.is_some_and(|url| url.is_ok()), want, "{scheme}");
        }
    }
}
