//! One operation: everything it needs is read, or the operation is left out as a whole.

use indexmap::IndexMap;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::node::{Doc, Node};
use super::schema::Schemas;
use super::{Reader, method, output, security, server};
use crate::catalog::Capability;
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::manifest::CredentialSpec;

/// What the readers of an operation's parts share.
pub(super) struct OperationReader<'a, 'd> {
    pub(super) doc: &'d Doc<'a>,
    pub(super) credentials: &'d IndexMap<String, CredentialSpec>,
    pub(super) path: &'d str,
    /// As it is sent.
    pub(super) method: &'d str,
    pub(super) schemas: Schemas<'a, 'd>,
}

impl<'a> Reader<'a, '_> {
    /// Reads an operation. The error is why it is left out.
    pub(super) fn operation(
        &mut self,
        path: &'a str,
        method: &str,
        item: &Node<'a>,
        node: &Node<'a>,
    ) -> Result<Capability, Box<Diagnostic>> {
        if !node.value.is_object() {
            let message = "the operation is not an object";
            let found = Diagnostic::new(Code::Malformed, node.loc(), message);
            return Err(Box::new(
                found.help("an operation has at least `responses`"),
            ));
        }
        path_shape(path, item)?;
        let sent = sent_path(path, item)?;
        let root = Node::root(self.doc.root);
        // The owner's own headers may hold what an unsupported scheme asks for; a mock asks nothing.
        let lenient = self.options.owner_headers || self.options.samples;
        let security =
            security::requirements([node, &root], self.credentials, lenient, self.diags)?;
        // Only what goes with this operation fills its parameters.
        let named = security::named([node, &root]);
        let own = self.credentials.iter();
        let own = own.filter(|(name, _)| named.contains(*name));
        let own: IndexMap<_, _> = own
            .map(|(name, spec)| (name.clone(), spec.clone()))
            .collect();
        let mut reader = OperationReader {
            doc: self.doc,
            credentials: &own,
            path,
            method,
            schemas: Schemas::new(self.doc, self.diags),
        };
        let params = reader.params(item, node)?;
        let body = reader.body(node)?;
        let input_defs = std::mem::take(&mut reader.schemas.defs);
        drop(reader);
        let text = |key: &str| node.str(key).or_else(|| item.str(key)).map(str::to_owned);
        let label = self
            .options
            .samples
            .then(|| format!("{} {path}", method.to_lowercase()));
        let server = server::server(self.options, [node, item, &root], self.diags);
        Ok(Capability {
            id: node
                .str("operationId")
                .filter(|id| !id.trim().is_empty())
                .map(str::to_owned),
            method: method.to_owned(),
            path: sent,
            tags: self.tags.of(node),
            effect: method::effect(method),
            idempotent: method::is_idempotent(method),
            summary: text("summary"),
            description: text("description"),
            deprecated: node.flag("deprecated"),
            server_loc: server.as_ref().and_then(|server| server.loc.clone()),
            base_url: server.map(|server| server.url),
            params,
            body,
            output: output::read(self.doc, node, label.as_deref(), self.diags),
            security,
            input_defs,
            loc: node.loc(),
        })
    }
}

/// A path begins with `/`; a query is declared as parameters, and a fragment is never sent
/// (OpenAPI 3.1.1 §4.8.8.1).
fn path_shape(path: &str, item: &Node<'_>) -> Result<(), Box<Diagnostic>> {
    let (message, help) = if !path.starts_with('/') {
        (
            "its path does not begin with `/`",
            "begin the path with `/`",
        )
    } else if path.contains('?') {
        (
            "its path has a query",
            "declare what is after the `?` as query parameters",
        )
    } else if path.contains('#') {
        (
            "its path has a fragment, which is never sent",
            "remove what begins with `#`",
        )
    } else {
        return Ok(());
    };
    let loc = Loc {
        key: true,
        ..item.loc()
    };
    let found = Diagnostic::new(Code::Malformed, loc, message);
    Err(Box::new(found.help(help)))
}

/// What a URL parser writes as an escape in a path; `{` and `}` are those of placeholders.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`');

/// The path template as it is sent: its literal parts percent-encoded, its placeholders as they are. A
/// path that a URL parser would still change, such as one with dot segments, is not the one that is
/// declared.
fn sent_path(path: &str, item: &Node<'_>) -> Result<String, Box<Diagnostic>> {
    let mut sent = String::new();
    let mut plain = String::from("http://h");
    for (index, part) in path.split('{').enumerate() {
        let (name, literal) = match part.split_once('}') {
            Some(found) if index > 0 => found,
            _ => ("", part),
        };
        if index > 0 {
            sent.push_str(&format!("{{{name}}}"));
            plain.push('x');
        }
        let literal = utf8_percent_encode(literal, ESCAPED).to_string();
        sent.push_str(&literal);
        plain.push_str(&literal);
    }
    let same = url::Url::parse(&plain).is_ok_and(|url| url.as_str() == plain);
    // What has no matching braces is reported with the placeholders.
    if same || path.matches('{').count() != path.matches('}').count() {
        return Ok(sent);
    }
    let loc = Loc {
        key: true,
        ..item.loc()
    };
    let message = "its path has a segment that no URL can have, such as `..`";
    let found = Diagnostic::new(Code::Malformed, loc, message);
    Err(Box::new(found.help(
        "write the path that is meant, without `.`, `..` and `\\`",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
            ("/a/../admin", None),
            ("/a/%2e%2E/admin", None),
            ("/a/./b", None),
            ("/a\\b", None),
        ] {
            assert_eq!(sent_path(path, &item).ok().as_deref(), want, "{path}");
        }
    }
}
