//! Catalog × Policy = Manifest. Each pass is one file; all passes report and go on.

use std::collections::BTreeSet;
use std::time::Instant;

use indexmap::IndexMap;
use url::Url;

use crate::catalog::{Capability, Catalog};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::Policy;
use crate::runtime::backends::http::is_private;
use crate::runtime::manifest::{Effect, Listing, Manifest, Redirects, ServerSpec, SourceSpec};

mod args;
pub mod budget;
mod clamp;
#[allow(dead_code, reason = "called with rules")]
mod control;
mod describe;
mod listing;
mod lower;
mod name;
mod pattern;
mod profile;
mod rules;
mod select;
mod share;

/// What came of a Catalog under a Policy.
#[derive(Debug)]
pub struct Compiled {
    /// The finished server.
    pub manifest: Manifest,
    /// Operations that the effect guard holds back.
    pub held_back: Vec<HeldBack>,
    /// Operations that `include` and `exclude` leave out.
    pub deselected: usize,
    /// The operation (see [`Capability::operation`]) that each tool is, in the order of the tools.
    pub operations: Vec<String>,
    /// Indices into [`Catalog::left_out`]: those that would be tools if they could be.
    pub lost: Vec<usize>,
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
    let names = name::names(catalog, policy.profile, diags);
    let selection = select::select(catalog, &names, policy, diags);
    let mut patterns = pattern::Patterns::default();
    let deadline = catalog.deadline;
    let late = || deadline.is_some_and(|deadline| Instant::now() > deadline);
    let tools: Vec<_> = selection
        .chosen
        .iter()
        .filter_map(|index| Some((catalog.capabilities.get(*index)?, names.get(*index)?)))
        .take_while(|_| !late())
        .map(|(capability, name)| {
            diags.about(Some(&capability.operation));
            let tool = lower::tool(
                catalog,
                capability,
                name,
                policy.profile,
                &mut patterns,
                diags,
            );
            (tool, capability.operation.clone())
        })
        .collect();
    diags.about(None);
    let (tools, operations): (Vec<_>, Vec<_>) = tools.into_iter().unzip();
    if late() {
        diags.push(Diagnostic::out_of_time());
    }
    let said = |code, diags: &Diagnostics| diags.iter().any(|d| d.code == code);
    if tools.is_empty() && !said(Code::PatternMatchesNothing, diags) {
        nothing_to_serve(catalog, &selection, diags);
    }
    let nowhere = tools.iter().all(|tool| lower::base_url(tool).is_none());
    if !tools.is_empty() && nowhere && !said(Code::NoServer, diags) && !said(Code::BadServer, diags)
    {
        let message = "the document does not say where the API is (it has no `servers`)";
        diags.push(
            Diagnostic::new(Code::NoServer, Loc::at(""), message)
                .help("pass --base-url https://…; `list`, `plan` and `check` work without"),
        );
    }
    let chosen = selection.chosen.iter();
    private_servers(
        chosen.filter_map(|index| catalog.capabilities.get(*index)),
        policy,
        diags,
    );
    let source = SourceSpec {
        trusted_origins: policy.trusted_origins.clone(),
        credentials: catalog.credentials.clone(),
        headers: policy.headers.clone(),
        timeout_ms: u64::try_from(policy.timeout.as_millis()).unwrap_or(u64::MAX),
        max_response_bytes: policy.max_response_bytes,
        allow_private: Vec::new(),
        redirects: Redirects::default(),
        rate: Vec::new(),
    };
    let title = describe::clean(&catalog.title, describe::TITLE_MAX);
    let mut manifest = Manifest {
        version: Manifest::VERSION,
        profile: policy.profile,
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
        listing: Listing::default(),
        sources: IndexMap::from([(catalog.source.clone(), source)]),
        tools,
    };
    listing::choose(&mut manifest, policy, &selection.held_back, diags);
    budget::check(&manifest, policy, diags);
    Compiled {
        manifest,
        held_back: selection.held_back,
        deselected: selection.deselected,
        operations,
        lost: selection.lost,
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
        let help = match (writes, destroys) {
            (_, 0) => "--enable write makes tools of writes",
            (0, _) => "--enable destroy makes tools of deletes",
            _ => "--enable write makes tools of writes, --enable destroy also of deletes",
        };
        let count = |number: usize, noun| match number {
            0 => None,
            1 => Some(format!("1 {noun}")),
            _ => Some(format!("{number} {noun}s")),
        };
        let off = [count(writes, "write"), count(destroys, "delete")];
        let off: Vec<String> = off.into_iter().flatten().collect();
        let are = if writes + destroys == 1 { "is" } else { "are" };
        (
            format!(
                "nothing to serve: there is no read, and {} {are} off",
                off.join(" and ")
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
            "the warnings above say why",
        )
    };
    diags.push(Diagnostic::general(Code::NothingToServe, message).help(help));
}

/// A host that only the owner may name, named by the document, is not dialled: better said now than at
/// the first call.
fn private_servers<'c>(
    chosen: impl Iterator<Item = &'c Capability>,
    policy: &Policy,
    diags: &mut Diagnostics,
) {
    let mut seen = BTreeSet::new();
    for capability in chosen {
        let (Some(base), Some(loc)) = (&capability.base_url, &capability.server_loc) else {
            continue;
        };
        let Ok(url) = Url::parse(base) else { continue };
        if !seen.insert(base) {
            continue;
        }
        if is_private(&url)
            && !policy
                .trusted_origins
                .contains(&url.origin().ascii_serialization())
        {
            let message =
                format!("server `{base}` is at a private address, which only you may name");
            diags.push(
                Diagnostic::new(Code::PrivateServer, loc.clone(), message)
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
