//! Tool names: made from the operation alone, so that they stay when others come and go.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::profile::{Rule, quoted};
use crate::catalog::{Capability, Catalog};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::runtime::manifest::Profile;
use crate::runtime::search::meta::Kind;

/// Longest tool name, in bytes, however short the server's is.
const NAME_MAX: usize = 48;
/// Where the APIs of models stop, and so clients, with what they put before a name.
const QUALIFIED_MAX: usize = 64;
/// Room that is always left for a name.
const NAME_MIN: usize = 24;
/// Hexadecimal digits of a hash that tells names apart.
const HASH_DIGITS: usize = 6;

/// Long words of interfaces and their common short forms, used where a name is too long.
const ABBREVIATIONS: [(&str, &str); 22] = [
    ("administrator", "admin"),
    ("application", "app"),
    ("applications", "apps"),
    ("authentication", "auth"),
    ("authorization", "authz"),
    ("configuration", "config"),
    ("configurations", "configs"),
    ("deployment", "deploy"),
    ("description", "desc"),
    ("environment", "env"),
    ("environments", "envs"),
    ("identifier", "id"),
    ("information", "info"),
    ("namespace", "ns"),
    ("namespaced", "ns"),
    ("organization", "org"),
    ("organizations", "orgs"),
    ("parameters", "params"),
    ("reference", "ref"),
    ("repositories", "repos"),
    ("repository", "repo"),
    ("statistics", "stats"),
];

/// What names depend on beside the operations.
#[derive(Clone, Copy)]
pub(super) struct Naming<'a> {
    /// The server's name, which clients put before those of its tools.
    pub(super) server: &'a str,
    /// What the names of a source's tools begin with.
    pub(super) prefix: &'a str,
    pub(super) profile: Profile,
}

/// The names of all capabilities, in their order. Every capability of a document takes part, chosen
/// or not, so that a name does not depend on the choice.
pub(super) fn names(
    catalog: &Catalog,
    naming: &Naming<'_>,
    diags: &mut Diagnostics,
) -> Vec<String> {
    let form = Form::new(naming);
    let own = |capability| form.unreserved(form.name(capability), capability, diags);
    let plain: Vec<String> = catalog.capabilities.iter().map(own).collect();
    let mut owners: BTreeMap<&str, Vec<&Capability>> = BTreeMap::new();
    for (name, capability) in plain.iter().zip(&catalog.capabilities) {
        owners.entry(name).or_default().push(capability);
    }
    for (name, owners) in &owners {
        let [first, .., last] = owners.as_slice() else {
            continue;
        };
        if first.id.is_some() && owners.iter().all(|owner| owner.id == first.id) {
            continue; // One id for all of them, which was reported when it was read.
        }
        let message = format!(
            "{} and {} both come to the tool name `{name}`",
            first.label(),
            last.label()
        );
        diags.push(
            Diagnostic::new(Code::NameCollision, last.loc.clone(), message)
                .help("each gets a suffix made from its method and path; distinct ids avoid it"),
        );
    }
    let unique = |(name, capability): (&String, &Capability)| {
        if owners
            .get(name.as_str())
            .is_some_and(|owners| owners.len() > 1)
        {
            form.with_hash(name, &capability.label(), capability)
        } else {
            name.clone()
        }
    };
    let named = plain.iter().zip(&catalog.capabilities).map(unique);
    named
        .map(|name| format!("{}{name}", naming.prefix))
        .collect()
}

/// What names may be, behind the source's prefix.
struct Form<'a> {
    naming: &'a Naming<'a>,
    /// Longest name, in bytes.
    max: usize,
    /// Whether a name may not begin with a digit.
    letter_first: bool,
}

impl<'a> Form<'a> {
    fn new(naming: &'a Naming<'a>) -> Self {
        let max = if Rule::NameLength.holds(naming.profile) {
            let room = QUALIFIED_MAX.saturating_sub(qualifier(naming).len());
            room.clamp(NAME_MIN, NAME_MAX)
        } else {
            QUALIFIED_MAX
        };
        Self {
            naming,
            max: max.saturating_sub(naming.prefix.len()).max(NAME_MIN / 2),
            letter_first: Rule::NameStart.holds(naming.profile) && naming.prefix.is_empty(),
        }
    }

    /// The name of one capability: from its id, else from method and path.
    fn name(&self, capability: &Capability) -> String {
        let (identity, full, lossy) = identity(capability);
        let full = self.begun(full);
        if lossy {
            // Characters were lost that may have told two ids apart.
            return self.with_hash(&full, &identity, capability);
        }
        if full.len() <= self.max {
            return full;
        }
        let short = abbreviated(&full);
        if short.len() <= self.max {
            short
        } else {
            self.with_hash(&short, &identity, capability)
        }
    }

    /// The name, with a suffix if it is that of a tool of search mode: always, so that it does not depend
    /// on how the tools are listed.
    fn unreserved(&self, name: String, capability: &Capability, diags: &mut Diagnostics) -> String {
        let whole = format!("{}{name}", self.naming.prefix);
        if !is_reserved(&whole) {
            return name;
        }
        let label = capability.label();
        let message =
            format!("{label} comes to the tool name `{whole}`, which search mode has for itself");
        diags.push(
            Diagnostic::new(Code::ReservedName, capability.loc.clone(), message).help(
                "it gets a suffix made from its method and path; another operationId avoids it",
            ),
        );
        self.with_hash(&name, &label, capability)
    }

    fn begun(&self, name: String) -> String {
        if self.letter_first && name.starts_with(|c: char| c.is_ascii_digit()) {
            format!("_{name}")
        } else {
            name
        }
    }

    /// The start of a name and a hash of what it stands for; what is done with a relation stays at the end.
    fn with_hash(&self, name: &str, identity: &str, capability: &Capability) -> String {
        let read = capability.read.as_ref().and(name.rsplit_once('_'));
        let (name, end) = match read {
            Some((start, verb)) => (start, format!("_{verb}")),
            None => (name, String::new()),
        };
        let digest = Sha256::digest(identity.as_bytes());
        let hash = digest
            .iter()
            .take(HASH_DIGITS / 2)
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        let room = self.max.saturating_sub(HASH_DIGITS + 1 + end.len());
        let start: String = name.chars().take(room).collect();
        format!("{}_{hash}{end}", start.trim_end_matches('_'))
    }
}

/// Whether search mode has a name for itself.
pub(super) fn is_reserved(name: &str) -> bool {
    Kind::all(true).iter().any(|kind| kind.name() == name)
}

/// What clients put before the name of a tool: the longest form in use.
fn qualifier(naming: &Naming<'_>) -> String {
    format!("mcp__{}__", naming.server)
}

/// What names a capability, as it is written and in words, and whether letters were lost in between.
fn identity(capability: &Capability) -> (String, String, bool) {
    let label = capability.label();
    let label = percent_decode_str(&label).decode_utf8_lossy().into_owned();
    let identity = capability.id.clone().unwrap_or_else(|| label.clone());
    match snake(&identity) {
        (full, _) if full.is_empty() => {
            let (full, lossy) = snake(&label);
            (identity, full, lossy)
        }
        (full, lossy) => (identity, full, lossy),
    }
}

/// Says of a tool's name that it is not the operation's own, as far as clients are the reason.
pub(super) fn report(
    capability: &Capability,
    name: &str,
    naming: &Naming<'_>,
    diags: &mut Diagnostics,
) {
    let form = Form::new(naming);
    let (_, full, _) = identity(capability);
    let begun = form.begun(full.clone());
    let why = if full.len() > form.max {
        format!(
            "`{name}` is shortened: clients refuse more behind `{}`",
            qualifier(naming)
        )
    } else if begun != full {
        format!(
            "`{}` is the tool `{name}`: clients want a letter first",
            quoted(&full)
        )
    } else {
        return;
    };
    let found = Diagnostic::new(Code::ToolRenamed, capability.loc.clone(), why);
    diags.push(found.help(match capability.read {
        Some(_) => "`name` of a rule gives it a shorter one",
        None => "a shorter `operationId`, or `info.title`, keeps the whole name",
    }));
}

/// Reports a name that a rule gives, and that clients refuse or search mode has for itself.
pub(super) fn own(name: &str, rule: usize, naming: &Naming<'_>, diags: &mut Diagnostics) {
    let loc = Loc::at(format!("/rules/{rule}/name"));
    let mut refuse = |message: String, help: &str| {
        let found = Diagnostic::new(Code::PolicyConflict, loc.clone(), message);
        diags.push(found.help(help));
    };
    if is_reserved(&name.to_ascii_lowercase()) {
        let message = format!("`{name}` is the name of a tool of search mode");
        refuse(message, "choose another name");
    }
    let qualified = format!("{}{name}", qualifier(naming));
    if Rule::NameLength.holds(naming.profile) && qualified.len() > QUALIFIED_MAX {
        let message = format!(
            "behind `{}`, the name has {} characters, and clients take {QUALIFIED_MAX}",
            qualifier(naming),
            qualified.len()
        );
        refuse(
            message,
            "shorten the name, or that of the server: `server: {name: …}`",
        );
    }
}

/// Lower-case words of ASCII letters and digits joined by `_`, and whether other letters were lost.
fn snake(text: &str) -> (String, bool) {
    // A look at the whole of a hostile id is not needed to name it: the hash tells it apart.
    let head: String = text.chars().take(400).collect();
    let decomposed: String = head.nfkd().collect();
    let lossy = decomposed
        .chars()
        .any(|c| c.is_alphanumeric() && !c.is_ascii())
        || head.len() < text.len();
    let ascii: String = decomposed
        .chars()
        .filter(|c| c.is_ascii() || !c.is_alphanumeric())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' })
        .collect();
    (heck::AsSnakeCase(ascii.as_str()).to_string(), lossy)
}

fn abbreviated(name: &str) -> String {
    let short = |word| {
        ABBREVIATIONS
            .iter()
            .find(|(long, _)| *long == word)
            .map_or(word, |(_, short)| *short)
    };
    name.split('_').map(short).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: Option<&str>) -> String {
        let capability = Capability {
            operation: String::new(),
            id: id.map(str::to_owned),
            method: "GET".into(),
            path: "/users/{id}/keys".into(),
            read: None,
            tags: vec![],
            effect: crate::runtime::manifest::Effect::Read,
            idempotent: true,
            summary: None,
            description: None,
            deprecated: false,
            base_url: None,
            server_loc: None,
            params: vec![],
            body: None,
            output: crate::catalog::Output::default(),
            security: vec![],
            input_defs: serde_json::Map::new(),
            loc: crate::diag::Loc::at(""),
        };
        let naming = Naming {
            server: "shop",
            prefix: "",
            profile: Profile::Strict,
        };
        Form::new(&naming).name(&capability)
    }

    #[test]
    fn names_are_stable_and_short() {
        for (id, want) in [
            (Some("listPets"), "list_pets"),
            (Some("repos/list-for-org"), "repos_list_for_org"),
            (Some("Get User"), "get_user"),
            (Some("größe"), "gro_e_20b2d5"),
            (None, "get_users_id_keys"),
            (Some("!!!"), "get_users_id_keys"),
            (Some("2fa enable"), "_2fa_enable"),
            (
                Some("organization_repository_environment_configuration"),
                "org_repo_env_config",
            ),
        ] {
            let found = named(id);
            if id == Some("größe") {
                assert!(
                    found.starts_with("gr") && found.len() <= NAME_MAX,
                    "{found}"
                );
            } else {
                assert_eq!(found, want);
            }
        }
        let long = named(Some(&"a".repeat(600)));
        assert_eq!(long.len(), NAME_MAX);
        assert_ne!(long, named(Some(&"a".repeat(601))));
    }
}
