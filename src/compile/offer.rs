//! What each operation is under a policy: its effect, its name, its credential, and what rules say of it.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::name::{self, Naming};
use super::rules::{Rules, Ruling, Subject};
use crate::catalog::{Capability, Catalog, Param};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};
use crate::policy::{Policy, SourcePolicy};
use crate::runtime::backends::http::same_name;
use crate::runtime::manifest::{CredentialSpec, KeyPlace, Place};

/// An operation as the policy has it, chosen or not.
pub(super) struct Offer<'a> {
    pub(super) catalog: &'a Catalog,
    /// With the effect and the credential that the policy gives it.
    pub(super) capability: Cow<'a, Capability>,
    /// The name of its tool.
    pub(super) name: String,
    /// What names of its source depend on.
    pub(super) naming: Naming<'a>,
    pub(super) ruling: Ruling<'a>,
}

impl Offer<'_> {
    /// Where its tool's name comes from.
    pub(super) fn named_at(&self) -> Loc {
        match self.ruling.name {
            Some((_, rule)) => Loc::at(format!("/rules/{rule}/name")),
            None => self.capability.loc.clone(),
        }
    }
}

/// All operations of all sources.
pub(super) fn offers<'a>(
    catalogs: &'a [Catalog],
    policy: &'a Policy,
    rules: &Rules<'a>,
    diags: &mut Diagnostics,
) -> Vec<Offer<'a>> {
    let server = server_name(catalogs, policy);
    let mut offers = Vec::new();
    for catalog in catalogs {
        let of_source = policy.sources.get(&catalog.source);
        let naming = Naming {
            server,
            prefix: of_source.map_or("", |source| source.prefix.as_str()),
            profile: policy.profile,
        };
        let names = name::names(catalog, &naming, diags);
        for (capability, name) in catalog.capabilities.iter().zip(names) {
            diags.about(Some(&capability.operation));
            let subject = Subject::new(catalog, capability, &name);
            let ruling = rules.ruling(&subject, diags);
            let capability = under(capability, of_source, &ruling);
            let name = match ruling.name {
                Some((own, rule)) => {
                    name::own(own, rule, &naming, diags);
                    own.to_owned()
                }
                None => name,
            };
            offers.push(Offer {
                catalog,
                capability,
                name,
                naming,
                ruling,
            });
        }
    }
    diags.about(None);
    offers
}

/// What the server is called: as the policy says, else as its first source.
pub(super) fn server_name<'a>(catalogs: &'a [Catalog], policy: &'a Policy) -> &'a str {
    let named = policy
        .file
        .as_ref()
        .and_then(|file| file.server.name.as_deref());
    let first = catalogs
        .first()
        .map_or("mcpgen", |catalog| catalog.source.as_str());
    named.unwrap_or(first)
}

/// The operation with what the policy changes of it.
fn under<'a>(
    capability: &'a Capability,
    source: Option<&SourcePolicy>,
    ruling: &Ruling<'_>,
) -> Cow<'a, Capability> {
    let mut own = Cow::Borrowed(capability);
    if let Some((effect, _)) = ruling.effect {
        own.to_mut().effect = effect;
    }
    if let Some((name, spec, scopes)) = source.and_then(|source| source.credential.as_ref()) {
        let own = own.to_mut();
        own.security = vec![IndexMap::from([(name.clone(), scopes.clone())])];
        own.params.retain(|param| !fills(spec, param));
    }
    if let Some((key, _)) = ruling.idempotency_key {
        let holds =
            |param: &Param| param.place == Place::Header && same_name(&param.name, &key.header);
        if own.params.iter().any(holds) {
            own.to_mut().params.retain(|param| !holds(param));
        }
    }
    own
}

/// Whether a credential fills a parameter, which is then not for an argument.
fn fills(spec: &CredentialSpec, param: &Param) -> bool {
    let (place, name) = match spec {
        CredentialSpec::ApiKey { place, name, .. } => {
            let place = match place {
                KeyPlace::Header => Place::Header,
                KeyPlace::Query => Place::Query,
                KeyPlace::Cookie => Place::Cookie,
            };
            (place, name.as_str())
        }
        _ => (Place::Header, "authorization"),
    };
    param.place == place && same_name(&param.name, name)
}

/// A name as clients and people tell it from others: they do not tell upper from lower case, and clients
/// write one sign for all that they do not take.
fn alike(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '.'], "_")
}

/// Reports the tools that have one name: which of them is meant would be the server's choice.
pub(super) fn same_names(chosen: &[&Offer<'_>], diags: &mut Diagnostics) {
    let mut named: IndexMap<String, &Offer<'_>> = IndexMap::new();
    for offer in chosen {
        let Some(first) = named.insert(alike(&offer.name), offer) else {
            continue;
        };
        // One rule for both is reported as such.
        let rule = offer.ruling.name.map(|(_, rule)| rule);
        if rule.is_some() && first.ruling.name.map(|(_, rule)| rule) == rule {
            continue;
        }
        let message = format!(
            "{} and {} are both the tool `{}`",
            first.capability.label(),
            offer.capability.label(),
            offer.name
        );
        let help = if offer.catalog.source == first.catalog.source {
            "give one of them another name: `name: …` in a rule that matches it alone".to_owned()
        } else {
            format!(
                "give a source a prefix, as in `prefix: {}_`, or a tool another name with a rule",
                escape(&offer.catalog.source)
            )
        };
        let found = Diagnostic::new(Code::PolicySameName, offer.named_at(), message);
        diags.push(found.help(help).also(first.named_at(), "and here"));
    }
}
