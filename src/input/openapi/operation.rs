//! One operation: everything it needs is read, or the operation is left out as a whole.

use indexmap::IndexMap;

use super::node::{Doc, Node};
use super::schema::Schemas;
use super::{Reader, output, security, server};
use crate::catalog::Capability;
use crate::diag::{Code, Diagnostic};
use crate::runtime::manifest::{CredentialSpec, Effect};

/// What the readers of an operation's parts share.
pub(super) struct OperationReader<'a, 'd> {
    pub(super) doc: &'d Doc<'a>,
    pub(super) credentials: &'d IndexMap<String, CredentialSpec>,
    pub(super) path: &'d str,
    /// Lower case.
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
        let refuse =
            |code, message: &str| Err(Box::new(Diagnostic::new(code, node.loc(), message)));
        if !node.value.is_object() {
            return refuse(Code::Malformed, "the operation is not an object");
        }
        if method == "trace" {
            return refuse(
                Code::UnsupportedMethod,
                "TRACE echoes credentials and cannot be a tool",
            );
        }
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return refuse(
                Code::Malformed,
                "a path begins with `/` and has no query or fragment",
            );
        }
        let mut reader = OperationReader {
            doc: self.doc,
            credentials: self.credentials,
            path,
            method,
            schemas: Schemas::new(self.doc, self.diags),
        };
        let params = reader.params(item, node)?;
        let body = reader.body(node)?;
        let input_defs = std::mem::take(&mut reader.schemas.defs);
        drop(reader);
        let text = |key: &str| node.str(key).or_else(|| item.str(key)).map(str::to_owned);
        let root = Node::root(self.doc.root);
        let label = self.options.samples.then(|| format!("{method} {path}"));
        Ok(Capability {
            id: node
                .str("operationId")
                .filter(|id| !id.trim().is_empty())
                .map(str::to_owned),
            method: method.to_uppercase(),
            path: path.to_owned(),
            tags: node
                .get("tags")
                .iter()
                .flat_map(Node::items)
                .filter_map(|tag| tag.value.as_str().map(str::to_owned))
                .collect(),
            effect: effect(method),
            idempotent: !matches!(method, "post" | "patch"),
            summary: text("summary"),
            description: text("description"),
            deprecated: node.flag("deprecated"),
            base_url: server::base_url(self.options, [node, item, &root], self.diags),
            params,
            body,
            output: output::read(self.doc, node, label.as_deref(), self.diags),
            security: security::requirements(node, &root, self.credentials),
            input_defs,
            loc: node.loc(),
        })
    }
}

/// What a method does to the world (RFC 9110 §9.2.1).
fn effect(method: &str) -> Effect {
    match method {
        "get" | "head" | "options" => Effect::Read,
        "delete" => Effect::Destroy,
        _ => Effect::Write,
    }
}
