//! One operation: everything it needs is read, or the operation is left out as a whole.

use indexmap::IndexMap;

use super::node::{Doc, Node};
use super::schema::Schemas;
use super::{Reader, method, output, security, server, template};
use crate::catalog::{Capability, Sample};
use crate::diag::{Code, Diagnostic};
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
        template::path_shape(path, item)?;
        let (_, mut pairs) = template::halves(path);
        template::sent_path(path, method, &pairs, item)?;
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
        // A pair whose value is a query parameter of its own is written by that.
        pairs.retain(|pair| !params.iter().any(|param| template::fills(param, pair)));
        let sent = template::sent_path(path, method, &pairs, item)?;
        let body = reader.body(node)?;
        let input_defs = std::mem::take(&mut reader.schemas.defs);
        drop(reader);
        let text = |key: &str| node.str(key).or_else(|| item.str(key)).map(str::to_owned);
        let label = self
            .options
            .samples
            .then(|| format!("{} {path}", method.to_lowercase()));
        let mut output = output::read(self.doc, node, label.as_deref(), self.diags);
        if method == "HEAD" {
            // What is declared is what a GET would bring; the answer has headers alone.
            (output.schema, output.sample) = (None, Sample::Empty);
        }
        let server = server::server(self.options, [node, item, &root], self.diags);
        Ok(Capability {
            operation: format!("{method} {path}"),
            id: id(node),
            method: method.to_owned(),
            path: sent + template::fragment(path),
            read: None,
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
            output,
            security,
            input_defs,
            loc: node.loc(),
        })
    }
}

/// What names an operation.
pub(super) fn id(operation: &Node<'_>) -> Option<String> {
    let id = operation.str("operationId");
    id.filter(|id| !id.trim().is_empty()).map(str::to_owned)
}
