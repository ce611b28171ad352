//! Catalog × Policy = Manifest. Each pass is one file; all passes report and go on.

use std::collections::BTreeSet;
use std::time::Instant;

use indexmap::IndexMap;
use url::Url;

use crate::catalog::Catalog;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::Policy;
use crate::policy::format::Defaults;
use crate::policy::format::words::millis;
use crate::runtime::backends::http::{Network, is_private_beyond};
use crate::runtime::manifest::{Effect, Listing, Manifest, ServerSpec, SourceSpec, ToolSpec};

mod args;
pub mod budget;
mod clamp;
#[allow(dead_code, reason = "called with rules")]
mod control;
mod describe;
mod limits;
mod listing;
mod lower;
mod name;
mod offer;
mod pattern;
mod profile;
mod relation;
mod rules;
mod select;
mod shape;
mod share;
mod size;
mod standing;

pub use clamp::PAGE_SIZES;
use offer::Offer;
use rules::Rules;
pub use standing::{Offered, Standing};

/// What came of Catalogs under a Policy.
#[derive(Debug)]
pub struct Compiled {
    /// The finished server.
    pub manifest: Manifest,
    /// Operations that the effect guard holds back.
    pub held_back: Vec<HeldBack>,
    /// Operations that `include` and `exclude` leave out.
    pub deselected: usize,
    /// Operations that rules of the policy exclude.
    pub excluded: usize,
    /// The operation (see [`crate::catalog::Capability::operation`]) that each tool is, in the order of the tools.
    pub operations: Vec<String>,
    /// What became of every operation that can be a tool, in the order of the documents.
    pub offered: Vec<Offered>,
    /// The operations of [`Catalog::left_out`] that would be tools if they could be.
    pub lost: BTreeSet<String>,
    /// Whether a policy file says what is a tool, and not the command line alone.
    pub by_file: bool,
}

/// An operation that would be a tool if its effect were enabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// The name that the tool would have.
    pub name: String,
    /// What it does to the world.
    pub effect: Effect,
}

/// Compiles Catalogs, one a source, under a Policy.
pub fn compile(catalogs: &[Catalog], policy: &Policy, diags: &mut Diagnostics) -> Compiled {
    let rules = Rules::new(policy.file.as_ref(), diags);
    let offers = offer::offers(catalogs, policy, &rules, diags);
    rules.verdicts(catalogs, diags);
    let selection = select::select(catalogs, &offers, &rules, policy, diags);
    let chosen = selection.chosen.iter();
    let mut chosen: Vec<&Offer<'_>> = chosen.filter_map(|index| offers.get(*index)).collect();
    offer::same_names(&chosen, diags);
    let deadline = catalogs.iter().filter_map(|catalog| catalog.deadline).max();
    let tools = tools(&mut chosen, policy, deadline, diags);
    pointers(&chosen, diags);
    let said = |code, diags: &Diagnostics| diags.iter().any(|d| d.code == code);
    if tools.is_empty() && !said(Code::PatternMatchesNothing, diags) {
        nothing_to_serve(catalogs, &selection, diags);
    }
    let nowhere = tools.iter().all(lower::is_nowhere);
    if !tools.is_empty() && nowhere && !said(Code::NoServer, diags) && !said(Code::BadServer, diags)
    {
        no_server(catalogs, diags);
    }
    private_servers(&chosen, policy, diags);
    let mut manifest = Manifest {
        version: Manifest::VERSION,
        profile: policy.profile,
        server: server(catalogs, policy, diags),
        listing: Listing::default(),
        sources: catalogs
            .iter()
            .map(|catalog| source(catalog, policy))
            .collect(),
        tools,
    };
    listing::choose(&mut manifest, policy, &selection.held_back, diags);
    budget::check(&manifest, policy, diags);
    let operations = chosen
        .iter()
        .map(|offer| offer.capability.operation.clone());
    let served = manifest.tools.len();
    Compiled {
        operations: operations.take(served).collect(),
        offered: standing::offered(&offers, &selection.standings),
        manifest,
        held_back: selection.held_back,
        deselected: selection.deselected,
        excluded: selection.excluded,
        lost: selection.lost,
        by_file: policy.file.is_some(),
    }
}

/// The tools of the chosen operations, as many as there is time for.
fn tools(
    chosen: &mut Vec<&Offer<'_>>,
    policy: &Policy,
    deadline: Option<Instant>,
    diags: &mut Diagnostics,
) -> Vec<ToolSpec> {
    let none = Defaults::default();
    let defaults = policy.file.as_ref().map_or(&none, |file| &file.defaults);
    let mut lowering = lower::Lowering {
        policy,
        defaults,
        patterns: pattern::Patterns::default(),
        misses: control::Misses::default(),
    };
    let views = relation::views(chosen, &mut lowering.misses, diags);
    let reads = relation::Reads::new(chosen, &views, defaults);
    let late = || deadline.is_some_and(|deadline| Instant::now() > deadline);
    let mut tools = Vec::with_capacity(chosen.len());
    for (offer, view) in chosen.iter().zip(&views) {
        if late() {
            diags.push(Diagnostic::out_of_time());
            break;
        }
        diags.about(Some(&offer.capability.operation));
        let read = view.as_ref().and_then(|view| reads.read(offer, view));
        tools.push(lower::tool(offer, read, &mut lowering, diags));
    }
    diags.about(None);
    lowering.misses.report(diags);
    tools
}

/// Reports the pointers of rules that lead nowhere in the answers of all operations that they are for.
fn pointers(chosen: &[&Offer<'_>], diags: &mut Diagnostics) {
    let mut pointers = shape::Pointers::default();
    for offer in chosen {
        pointers.look_up(&offer.ruling, offer.capability.output.schema.as_ref());
    }
    pointers.report(diags);
}

/// How the server introduces itself.
fn server(catalogs: &[Catalog], policy: &Policy, diags: &mut Diagnostics) -> ServerSpec {
    let alone = match catalogs {
        [catalog] => Some(catalog),
        _ => None,
    };
    let title = alone.map(|catalog| describe::clean(&catalog.title, describe::TITLE_MAX));
    let version = alone.map(|catalog| describe::clean(&catalog.version, 64));
    let file = policy.file.as_ref();
    let instructions = file.and_then(|file| file.server.instructions.as_ref());
    ServerSpec {
        name: offer::server_name(catalogs, policy).to_owned(),
        title: title.filter(|title| !title.is_empty()),
        version: version
            .filter(|version| !version.is_empty())
            .unwrap_or_else(|| "0".to_owned()),
        instructions: instructions.and_then(|text| describe::instructions(text, diags)),
        base_path: file.and_then(|file| file.server.base_path.clone()),
    }
}

/// What it takes to reach a source.
fn source(catalog: &Catalog, policy: &Policy) -> (String, SourceSpec) {
    let own = policy
        .sources
        .get(&catalog.source)
        .cloned()
        .unwrap_or_default();
    let spec = SourceSpec {
        trusted_origins: own.trusted_origins,
        credentials: match own.credential {
            Some((name, spec, _)) => IndexMap::from([(name, spec)]),
            None => catalog.credentials.clone(),
        },
        headers: own.headers,
        timeout_ms: millis(policy.timeout),
        max_response_bytes: policy.max_response_bytes,
        allow_private: own.allow_private,
        redirects: own.redirects,
        ca_certs: own.ca_certs,
        proxy: own.proxy,
        rate: own.rate,
        postgres: own.postgres,
    };
    (catalog.source.clone(), spec)
}

fn no_server(catalogs: &[Catalog], diags: &mut Diagnostics) {
    for catalog in catalogs {
        let message = "the document does not say where the API is (it has no `servers`)";
        let loc = Loc::at("").of(catalog.file);
        let found = Diagnostic::new(Code::NoServer, loc, message);
        diags
            .push(found.help("pass --base-url https://…; `list`, `plan` and `check` work without"));
    }
}

fn nothing_to_serve(catalogs: &[Catalog], selection: &select::Selection, diags: &mut Diagnostics) {
    let (writes, destroys) = (
        selection.held(Effect::Write),
        selection.held(Effect::Destroy),
    );
    let databases = catalogs.iter().all(|catalog| catalog.database.is_some());
    let (message, help) = if catalogs.iter().all(|catalog| catalog.operations == 0) && databases {
        (
            "nothing to serve: there is no table and no view that the role may read".to_owned(),
            "grant SELECT on what is to be served, or choose other schemas (--schema, `schemas` of a source)",
        )
    } else if catalogs.iter().all(|catalog| catalog.operations == 0) {
        (
            "nothing to serve: the document has no operations".to_owned(),
            "a document needs `paths` with operations",
        )
    } else if selection.held(Effect::Read) > 0 {
        (
            "nothing to serve: no rule enables an operation".to_owned(),
            "`enable: read` in a rule makes tools of the reads that it matches",
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
    } else if selection.excluded > 0 {
        (
            "nothing to serve: the rules exclude every operation".to_owned(),
            "take an `exclude: true` out of the policy, or narrow its `match`",
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
fn private_servers(chosen: &[&Offer<'_>], policy: &Policy, diags: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for offer in chosen {
        let capability = &offer.capability;
        let own = policy.sources.get(&offer.catalog.source);
        let trusted = own.map_or(&[][..], |source| &source.trusted_origins);
        let networks = own.map_or(&[][..], |source| &source.allow_private);
        let networks: Vec<Network> = networks.iter().filter_map(|n| n.parse().ok()).collect();
        let (Some(base), Some(loc)) = (&capability.base_url, &capability.server_loc) else {
            continue;
        };
        let Ok(url) = Url::parse(base) else { continue };
        if !seen.insert(base) {
            continue;
        }
        let trusted = trusted.contains(&url.origin().ascii_serialization());
        if !trusted && is_private_beyond(&url, &networks) {
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
