//! Security schemes and requirements: which credentials there are, and which go with an operation.

mod clash;

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::node::{Doc, Node};
use super::param::is_token;
use super::{ReadOptions, TokenOptions, token_url};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::runtime::backends::http::is_reserved_header;
use crate::runtime::manifest::{CredentialSpec, KeyPlace, Requirement};

/// What an owner does about a scheme that is not supported.
const HELP: &str = "send what the API needs with --header 'Name: ${env:VARIABLE}'";

/// The same where no header can do it.
const PROXY_HELP: &str =
    "a proxy of yours can do it: name it with --base-url, and give any --header";

/// HTTP schemes whose credential is made anew for each challenge (RFC 7616, 4559, 7804, 8120).
const CHALLENGES: [&str; 5] = [
    "digest",
    "negotiate",
    "mutual",
    "scram-sha-1",
    "scram-sha-256",
];

/// The credentials of a document, each with the environment variables that hold it:
/// `<SOURCE>_<SCHEME>`, with `_USER` and `_PASSWORD` for Basic, also with `_CLIENT_ID` and
/// `_CLIENT_SECRET` where tokens are fetched, each for one scheme only.
pub(super) fn schemes(
    doc: &Doc<'_>,
    source: &str,
    options: &ReadOptions,
    diags: &mut Diagnostics,
) -> IndexMap<String, CredentialSpec> {
    let mut found = IndexMap::new();
    let root = Node::root(doc.root);
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (name, node) in defined(&root).iter().flat_map(Node::entries) {
        let node = match doc.resolve(node) {
            Ok(node) => node,
            Err(diagnostic) => {
                diags.push(*diagnostic);
                continue;
            }
        };
        let (token_url, unusable) = match token_url::of(&node, &root, options) {
            Some(Ok(url)) => (Some(url), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let env = env_name(source, name);
        let fetch = token_url.as_deref().map(|url| (url, &options.tokens));
        match distinct(&node, &env, fetch, &taken) {
            Ok((credential, suffix)) => {
                let variables = credential.variables().into_iter().map(str::to_owned);
                taken.extend(variables);
                let variables = credential.needed();
                if suffix {
                    let message = format!(
                        "security scheme `{name}` comes from {variables}: another has the variable without the number"
                    );
                    let found = Diagnostic::new(Code::VariableCollision, node.loc(), message);
                    diags.push(found.help("give the schemes names that differ in letters"));
                }
                let told = match unusable {
                    Some(why) => Some(why.of(name, &variables)),
                    None if fetch.is_none() => token_url::not_run(name, &node, &variables),
                    None => None,
                };
                if let Some(told) = told {
                    diags.push(told);
                }
                found.insert(name.to_owned(), credential);
            }
            Err(why) => diags.push(unsupported(name, &node, &why)),
        }
    }
    let fetched = |kind: &CredentialSpec| matches!(kind, CredentialSpec::ClientCredentials { .. });
    if let Some(option) = options.tokens.first()
        && !found.values().any(fetched)
    {
        let message =
            format!("{option} is not used: no security scheme has a client credentials flow");
        let found = Diagnostic::general(Code::TokenUrlUnused, message);
        diags.push(found.help("a token of another flow comes from the environment"));
    }
    found
}

/// The security schemes of a document.
fn defined<'a>(root: &Node<'a>) -> Option<Node<'a>> {
    root.get("components")?.get("securitySchemes")
}

/// A credential whose variables no other has, and whether it took a number for that.
fn distinct(
    node: &Node<'_>,
    env: &str,
    fetch: Option<(&str, &TokenOptions)>,
    taken: &BTreeSet<String>,
) -> Result<(CredentialSpec, bool), Unsupported> {
    let mut found = credential(node, env, fetch)?;
    let mut count = 1;
    while found.variables().iter().any(|name| taken.contains(*name)) {
        count += 1;
        found = credential(node, &format!("{env}_{count}"), fetch)?;
    }
    Ok((found, count > 1))
}

/// Why a scheme is not used, and what to do about it.
struct Unsupported {
    why: String,
    help: &'static str,
}

impl<T: Into<String>> From<T> for Unsupported {
    fn from(why: T) -> Self {
        let why = why.into();
        Self { why, help: HELP }
    }
}

fn unsupported(name: &str, node: &Node<'_>, found: &Unsupported) -> Diagnostic {
    let message = format!("security scheme `{name}` is not used: {}", found.why);
    Diagnostic::new(Code::UnsupportedSecurity, node.loc(), message).help(found.help)
}

/// One scheme (OpenAPI 3.1.1 §4.8.27). A token is fetched with client credentials where there is such
/// a flow and its URL; any other OAuth 2 or OpenID Connect token is taken as it is given.
fn credential(
    node: &Node<'_>,
    env: &str,
    fetch: Option<(&str, &TokenOptions)>,
) -> Result<CredentialSpec, Unsupported> {
    let kind = node.str("type").unwrap_or_default();
    let scheme = node.str("scheme").unwrap_or_default().to_ascii_lowercase();
    match (kind, scheme.as_str()) {
        ("apiKey", _) => {
            let name = node
                .str("name")
                .filter(|name| !name.is_empty())
                .ok_or("it has no `name`")?;
            let place = match node.str("in") {
                Some("header") => KeyPlace::Header,
                Some("query") => KeyPlace::Query,
                Some("cookie") => KeyPlace::Cookie,
                _ => return Err("its key is neither in header, query nor cookie".into()),
            };
            // `Authorization` is a credential's own; a cookie is sent with the other cookies.
            let reserved = is_reserved_header(name) && !name.eq_ignore_ascii_case("authorization");
            match place {
                KeyPlace::Header | KeyPlace::Cookie if !is_token(name) => {
                    return Err(format!("`{name}` is no name of a {}", place_word(place)).into());
                }
                KeyPlace::Header if reserved => {
                    return Err(format!("no credential may set the header `{name}`").into());
                }
                _ => {}
            }
            Ok(CredentialSpec::ApiKey {
                place,
                name: name.to_owned(),
                env: env.to_owned(),
            })
        }
        ("http", "basic") => Ok(CredentialSpec::Basic {
            env_user: format!("{env}_USER"),
            env_password: format!("{env}_PASSWORD"),
        }),
        (_, _) if let Some((token_url, owners)) = fetch => Ok(CredentialSpec::ClientCredentials {
            env: env.to_owned(),
            env_id: format!("{env}_CLIENT_ID"),
            env_secret: format!("{env}_CLIENT_SECRET"),
            token_url: token_url.to_owned(),
            auth: owners.auth,
            fields: owners.fields.clone(),
        }),
        ("http", "bearer") | ("oauth2" | "openIdConnect", _) => Ok(CredentialSpec::Bearer {
            env: env.to_owned(),
        }),
        ("http", other) if CHALLENGES.contains(&other) => Err(Unsupported {
            why: format!("HTTP scheme `{other}` answers challenges, which is not supported"),
            help: PROXY_HELP,
        }),
        ("http", other) => Err(format!("HTTP scheme `{other}` is not supported").into()),
        ("mutualTLS", _) => Err(Unsupported {
            why: "mutual TLS (a client certificate) is not supported".to_owned(),
            help: PROXY_HELP,
        }),
        (other, _) => Err(format!("type `{other}` is not supported").into()),
    }
}

fn place_word(place: KeyPlace) -> &'static str {
    match place {
        KeyPlace::Header => "header",
        KeyPlace::Query => "query parameter",
        KeyPlace::Cookie => "cookie",
    }
}

/// `SHOP_API_KEY` from `shop` and `api key`.
fn env_name(source: &str, scheme: &str) -> String {
    let upper = |text: &str| heck::AsShoutySnakeCase(text).to_string();
    let name = format!("{}_{}", source.to_ascii_uppercase(), upper(scheme));
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// The alternatives of an operation, each a set of schemes that go together, from the operation or
/// the document (`places`, in this order). Empty if nothing is needed. A requirement that names a scheme that
/// cannot be used is no alternative; if no other is left, that is the error, unless `lenient`: never
/// does an operation that needs something become one that needs nothing.
pub(super) fn requirements(
    places: [&Node<'_>; 2],
    credentials: &IndexMap<String, CredentialSpec>,
    lenient: bool,
    diags: &mut Diagnostics,
) -> Result<Vec<Requirement>, Box<Diagnostic>> {
    let Some(list) = declared(places) else {
        return Ok(Vec::new());
    };
    let mut usable = Vec::new();
    let mut unusable = Vec::new();
    if !list.value.is_array() {
        unusable.push(misshapen(&list));
    }
    for alternative in list.items() {
        if !alternative.value.is_object() {
            unusable.push(misshapen(&alternative));
            continue;
        }
        let lacking = alternative
            .entries()
            .find(|(name, _)| !credentials.contains_key(*name));
        match lacking {
            None => usable.push(requirement(&alternative, credentials, diags)),
            Some((name, node)) => unusable.push(unknown(name, &node, places[1])),
        }
    }
    if usable.is_empty() && !lenient && !unusable.is_empty() {
        return Err(Box::new(unusable.swap_remove(0)));
    }
    // What is not supported is reported where it is defined.
    let said = |found: &Diagnostic| found.code != Code::UnsupportedSecurity;
    unusable
        .into_iter()
        .filter(said)
        .for_each(|f| diags.push(f));
    Ok(usable)
}

/// The `security` that counts for an operation.
fn declared<'a>(places: [&Node<'a>; 2]) -> Option<Node<'a>> {
    let mut declared = places.iter().filter_map(|place| place.get("security"));
    declared.find(|list| !list.value.is_null())
}

/// The schemes that an operation's `security` names, in whichever alternative, usable or not: what
/// they fill is not for an argument to fill.
pub(super) fn named(places: [&Node<'_>; 2]) -> BTreeSet<String> {
    let list = declared(places);
    let alternatives = list.iter().flat_map(Node::items);
    let names = alternatives.flat_map(|all| {
        let names = all.entries().map(|(name, _)| name.to_owned());
        names.collect::<Vec<_>>()
    });
    names.collect()
}

/// One alternative: of credentials that fill the same place, the first. Scopes are those of a token that
/// is fetched, unless the owner names others; their order means nothing (RFC 6749 §3.3).
fn requirement(
    alternative: &Node<'_>,
    credentials: &IndexMap<String, CredentialSpec>,
    diags: &mut Diagnostics,
) -> Requirement {
    let mut all = Requirement::new();
    let mut places: IndexMap<String, &str> = IndexMap::new();
    for (name, list) in alternative.entries() {
        let Some(spec) = credentials.get(name) else {
            continue;
        };
        let place = clash::place(spec);
        if let Some(before) = places.get(&place) {
            diags.push(clash::found(name, before, &place, list.loc()));
            continue;
        }
        places.insert(place, name);
        let fetched = match spec {
            CredentialSpec::ClientCredentials { fields, .. } => !fields.contains_key("scope"),
            _ => false,
        };
        let texts = list.items().filter_map(|item| item.value.as_str());
        let texts: BTreeSet<&str> = texts.filter(|_| fetched).collect();
        let scopes = texts.into_iter().map(str::to_owned).collect();
        all.insert(name.to_owned(), scopes);
    }
    all
}

/// A requirement that names a scheme which is not there, or not usable.
fn unknown(name: &str, node: &Node<'_>, root: &Node<'_>) -> Diagnostic {
    let schemes = defined(root);
    let loc = crate::diag::Loc {
        key: true,
        ..node.loc()
    };
    if schemes
        .as_ref()
        .is_some_and(|schemes| schemes.get(name).is_some())
    {
        let message = format!("it needs security scheme `{name}`, which is not supported");
        return Diagnostic::new(Code::UnsupportedSecurity, loc, message).help(HELP);
    }
    let message = format!("it needs security scheme `{name}`, which is not defined");
    let found = Diagnostic::new(Code::UndefinedSecurity, loc, message);
    let names = schemes.iter().flat_map(Node::entries).map(|(n, _)| n);
    let near = nearest(name, names).map(|near| format!("did you mean `{near}`?"));
    let under = match root.get("swagger") {
        Some(_) => "securityDefinitions",
        None => "components.securitySchemes",
    };
    found.help(near.unwrap_or_else(|| format!("define it under {under}, or {HELP}")))
}

fn misshapen(node: &Node<'_>) -> Diagnostic {
    let message = "its `security` is not a list of objects";
    let found = Diagnostic::new(Code::Malformed, node.loc(), message);
    found.help("write `security: [{scheme: []}]`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_variables() {
        for (source, scheme, want) in [
            ("shop", "ApiKeyAuth", "SHOP_API_KEY_AUTH"),
            ("my_shop", "petstore_auth", "MY_SHOP_PETSTORE_AUTH"),
            ("shop", "x$(rm)", "SHOP_X_RM"),
        ] {
            assert_eq!(env_name(source, scheme), want);
        }
    }
}
