//! Parts of a document that are no part of a call: said once each, with the first place.

use super::node::Node;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};

/// Says what is not read: webhooks, callbacks, links.
pub(super) fn report(top: &Node<'_>, diags: &mut Diagnostics) {
    let webhooks = entries(top, "webhooks");
    let (mut callbacks, mut links) = (Vec::new(), Vec::new());
    for (_, item) in top.get("paths").iter().flat_map(Node::entries) {
        // What a reference leads to is not counted twice; a place of it is enough.
        for (_, operation) in item.entries() {
            callbacks.extend(entries(&operation, "callbacks"));
            let responses = operation.get("responses");
            for (_, response) in responses.iter().flat_map(Node::entries) {
                links.extend(entries(&response, "links"));
            }
        }
    }
    for (found, one, many, why) in [
        (
            webhooks,
            "1 webhook is",
            "webhooks are",
            "a webhook is called by the API, which a tool cannot be",
        ),
        (
            callbacks,
            "1 callback is",
            "callbacks are",
            "a callback is called by the API, which a tool cannot be",
        ),
        (
            links,
            "1 link is",
            "links are",
            "what a link says, an agent finds in the descriptions",
        ),
    ] {
        let Some(first) = found.first() else { continue };
        let message = match found.len() {
            1 => format!("{one} not read"),
            count => format!("{count} {many} not read"),
        };
        diags.push(Diagnostic::new(Code::NotRead, first.clone(), message).help(why));
    }
}

/// The places of what is at a key.
fn entries(node: &Node<'_>, key: &str) -> Vec<Loc> {
    let map = node.get(key);
    let entries = map.iter().flat_map(Node::entries);
    let places = entries.map(|(_, node)| Loc {
        key: true,
        ..node.loc()
    });
    places.collect()
}
