//! Catalog × Policy = Manifest. Each pass is one file; all passes report and go on.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use url::Url;

use crate::catalog::Catalog;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::policy::Policy;
use crate::runtime::backends::http::is_private;
use crate::runtime::manifest::{Effect, Manifest, ServerSpec, SourceSpec, ToolSpec};

mod args;
mod clamp;
mod describe;
mod lower;
mod name;
mod pattern;
mod select;

/// What came of a Catalog under a Policy.
#[derive(Debug)]
pub struct Compiled {
    /// The finished server.
    pub manifest: Manifest,
    /// Operations that the effect guard holds back.
    pub held_back: Vec<HeldBack>,
    /// Operations that `include` and `exclude` leave out.
    pub deselected: usize,
}

/// An operation that would be a tool if its effect were enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// The name that the tool would have.
    pub name: String,
    /// What it does to the world.
    pub effect: Effect,
}

/// Compiles a Catalog under a Policy.
pub fn compile(catalog: &Catalog, policy: &Policy, diags: &mut Diagnostics) -> Compiled {
    let names = name::names(catalog, diags);
    let selection = select::select(catalog, &names, policy, diags);
    let mut patterns = pattern::Patterns::default();
    let tools: Vec<_> = selection
        .chosen
        .iter()
        .filter_map(|index| Some((catalog.capabilities.get(*index)?, names.get(*index)?)))
        .map(|(capability, name)| lower::tool(catalog, capability, name, &mut patterns, diags))
        .collect();
    if tools.is_empty() {
        nothing_to_serve(catalog, &selection, diags);
    }
    if !tools.is_empty() && tools.iter().all(|tool| lower::base_url(tool).is_none()) {
        diags.push(
            Diagnostic::general(Code::NoServer, "the document does not say where the API is")
                .help("pass --base-url https://…; `list`, `plan` and `check` work without"),
        );
    }
    private_servers(&tools, policy, diags);
    let source = SourceSpec {
        trusted_origins: policy.trusted_origins.clone(),
        credentials: catalog.credentials.clone(),
        headers: policy.headers.clone(),
        timeout_ms: u64::try_from(policy.timeout.as_millis()).unwrap_or(u64::MAX),
        max_response_bytes: policy.max_response_bytes,
    };
    let title = describe::clean(&catalog.title, describe::TITLE_MAX);
    let manifest = Manifest {
        version: Manifest::VERSION,
        server: ServerSpec {
            name: catalog.source.clone(),
            title: (!title.is_empty()).then_some(title),
            version: if catalog.version.is_empty() {
                "0".to_owned()
            } else {
                describe::clean(&catalog.version, 64)
            },
            instructions: None,
        },
        sources: IndexMap::from([(catalog.source.clone(), source)]),
        tools,
    };
    Compiled {
        manifest,
        held_back: selection.held_back,
        deselected: selection.deselected,
    }
}

fn nothing_to_serve(catalog: &Catalog, selection: &select::Selection, diags: &mut Diagnostics) {
    let (writes, destroys) = (
        selection.held(Effect::Write),
        selection.held(Effect::Destroy),
    );
    let (message, help) = if catalog.operations == 0 {
        (
            "nothing to serve: the document has no operations".to_owned(),
            "a document needs `paths` with operations",
        )
    } else if writes + destroys > 0 {
        let flag = if writes > 0 { "write" } else { "destroy" };
        let help = if flag == "write" {
            "--enable write makes tools of writes"
        } else {
            "--enable destroy makes tools of deletes"
        };
        (
            format!(
                "nothing to serve: {writes} writes and {destroys} deletes are off, and there is no read"
            ),
            help,
        )
    } else if selection.deselected > 0 {
        (
            "nothing to serve: --include and --exclude leave no operation".to_owned(),
            "`mcpgen list` without them shows what there is",
        )
    } else {
        (
            "nothing to serve: every operation is left out".to_owned(),
            "the warnings say why",
        )
    };
    diags.push(Diagnostic::general(Code::NothingToServe, message).help(help));
}

/// A host that only the owner may name, named by the document, is not dialled: better said now than at
/// the first call.
fn private_servers(tools: &[ToolSpec], policy: &Policy, diags: &mut Diagnostics) {
    let bases: BTreeSet<&str> = tools.iter().filter_map(lower::base_url).collect();
    for base in bases {
        let Ok(url) = Url::parse(base) else { continue };
        if is_private(&url)
            && !policy
                .trusted_origins
                .contains(&url.origin().ascii_serialization())
        {
            let message = format!(
                "the document's server {base} is at a private address, which only you may name"
            );
            diags.push(
                Diagnostic::general(Code::PrivateServer, message)
                    .help(format!("if it is yours: --base-url {base}")),
            );
        }
    }
}

impl Compiled {
    /// How many tools have an effect.
    pub fn count(&self, effect: Effect) -> usize {
        self.manifest
            .tools
            .iter()
            .filter(|tool| tool.effect == effect)
            .count()
    }

    /// How many operations of an effect are held back.
    pub fn held(&self, effect: Effect) -> usize {
        self.held_back
            .iter()
            .filter(|held| held.effect == effect)
            .count()
    }
}
