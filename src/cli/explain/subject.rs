//! What is to be explained: a tool, or an operation that is none.

use anyhow::{anyhow, bail};

use crate::catalog::{Capability, Catalog, LeftOut};
use crate::compile::{Compiled, Offered};
use crate::diag::nearest::nearest;

/// An operation and what became of it.
pub(super) enum Subject<'c> {
    /// One that is a tool or could be.
    Operation {
        catalog: &'c Catalog,
        capability: &'c Capability,
        offered: &'c Offered,
    },
    /// One that the document describes in a way that cannot be a tool.
    LeftOut {
        catalog: &'c Catalog,
        left: &'c LeftOut,
    },
}

/// Whether an operation is the one that is asked for.
type IsMeant<'w> = dyn Fn(&Capability, &Offered) -> bool + 'w;

/// Finds the operation that a text names: a tool, an `operationId`, or method and path.
pub(super) fn find<'c>(
    catalogs: &'c [Catalog],
    compiled: &'c Compiled,
    wanted: &str,
    doc: &str,
) -> anyhow::Result<Subject<'c>> {
    let mut operations = Vec::new();
    let mut offered = compiled.offered.iter();
    for catalog in catalogs {
        for capability in &catalog.capabilities {
            // They are in one order: that of the documents.
            let Some(offered) = offered.next() else { break };
            operations.push((catalog, capability, offered));
        }
    }
    let named: [&IsMeant<'_>; 3] = [
        &|_, offered| offered.name == wanted,
        &|capability, _| capability.id.as_deref() == Some(wanted),
        &|capability, _| capability.operation == wanted || same_request(capability, wanted),
    ];
    for is_meant in named {
        let mut found = operations.iter().filter(|(_, c, o)| is_meant(c, o));
        let Some((catalog, capability, offered)) = found.next() else {
            continue;
        };
        if let Some((_, _, other)) = found.next() {
            let (one, other) = (&offered.operation, &other.operation);
            bail!("{wanted} is both {one} and {other}; name one as it is written here");
        }
        return Ok(Subject::Operation {
            catalog,
            capability,
            offered,
        });
    }
    let lost = |catalog: &'c Catalog| catalog.left_out.iter().map(move |left| (catalog, left));
    let mut lost = catalogs.iter().flat_map(lost);
    let is_meant = |left: &LeftOut| {
        left.id.as_deref() == Some(wanted) || left.operation.eq_ignore_ascii_case(wanted)
    };
    if let Some((catalog, left)) = lost.find(|(_, left)| is_meant(left)) {
        return Ok(Subject::LeftOut { catalog, left });
    }
    Err(unknown(&operations, wanted, doc))
}

/// Whether a text is method and path of an operation, whatever the case of the method.
fn same_request(capability: &Capability, wanted: &str) -> bool {
    wanted.split_once(' ').is_some_and(|(method, path)| {
        method.eq_ignore_ascii_case(&capability.method) && path.trim() == capability.path
    })
}

fn unknown(
    operations: &[(&Catalog, &Capability, &Offered)],
    wanted: &str,
    doc: &str,
) -> anyhow::Error {
    let names = operations.iter().flat_map(|(_, capability, offered)| {
        [Some(offered.name.as_str()), capability.id.as_deref()]
    });
    match nearest(wanted, names.flatten()) {
        Some(near) => anyhow!("no operation is called `{wanted}`; did you mean `{near}`?"),
        None => anyhow!(
            "no operation is called `{wanted}`; `mcpgen list {doc}` shows the tools, and an operation \
             can be named as in '{}'",
            operations
                .first()
                .map_or("GET /path", |(_, capability, _)| &capability.operation)
        ),
    }
}
