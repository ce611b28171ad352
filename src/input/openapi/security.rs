//! Security schemes and requirements: which credentials there are, and which go with an operation.

use indexmap::IndexMap;

use std::collections::BTreeSet;

use super::node::{Doc, Node};
use super::param::is_token;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::runtime::backends::http::is_reserved_header;
use crate::runtime::manifest::{CredentialSpec, KeyPlace};

/// What an owner does about a scheme that is not supported.
const HELP: &str = "send what the API needs with --header 'Name: ${env:VARIABLE}'";

/// The credentials of a document, each with the environment variables that hold it:
/// `<SOURCE>_<SCHEME>`, with `_USER` and `_PASSWORD` for Basic, each for one scheme only.
pub(super) fn schemes(
    doc: &Doc<'_>,
    source: &str,
    diags: &mut Diagnostics,
) -> IndexMap<String, CredentialSpec> {
    let mut found = IndexMap::new();
    let Some(schemes) = defined(&Node::root(doc.root)) else {
        return found;
    };
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (name, node) in schemes.entries() {
        match doc.resolve(node) {
            Ok(node) => match distinct(&node, &env_name(source, name), &taken) {
                Ok((credential, suffix)) => {
                    let variables = credential.variables().into_iter().map(str::to_owned);
                    taken.extend(variables);
                    if suffix {
                        let variables = credential.variables().join(" and ");
                        let message = format!(
                            "security scheme `{name}` comes from {variables}: another has the variable without the number"
                        );
                        let found = Diagnostic::new(Code::VariableCollision, node.loc(), message);
                        diags.push(found.help("give the schemes names that differ in letters"));
                    }
                    found.insert(name.to_owned(), credential);
                }
                Err(why) => diags.push(
                    Diagnostic::new(
                        Code::UnsupportedSecurity,
                        node.loc(),
                        format!("security scheme `{name}` is not used: {why}"),
                    )
                    .help(HELP),
                ),
            },
            Err(diagnostic) => diags.push(*diagnostic),
        }
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
    taken: &BTreeSet<String>,
) -> Result<(CredentialSpec, bool), String> {
    let mut found = credential(node, env)?;
    let mut count = 1;
    while found.variables().iter().any(|name| taken.contains(*name)) {
        count += 1;
        found = credential(node, &format!("{env}_{count}"))?;
    }
    Ok((found, count > 1))
}

/// One scheme (OpenAPI 3.1.1 §4.8.27). An OAuth 2 or OpenID Connect token is taken as it is given.
fn credential(node: &Node<'_>, env: &str) -> Result<CredentialSpec, String> {
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
                    return Err(format!("`{name}` is no name of a {}", place_word(place)));
                }
                KeyPlace::Header if reserved => {
                    return Err(format!("no credential may set the header `{name}`"));
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
        ("http", "bearer") | ("oauth2" | "openIdConnect", _) => Ok(CredentialSpec::Bearer {
            env: env.to_owned(),
        }),
        ("http", other) => Err(format!("HTTP scheme `{other}` is not supported")),
        (other, _) => Err(format!("type `{other}` is not supported")),
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
) -> Result<Vec<Vec<String>>, Box<Diagnostic>> {
    let mut declared = places.iter().filter_map(|place| place.get("security"));
    let Some(list) = declared.find(|list| !list.value.is_null()) else {
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
            None => usable.push(alternative.entries().map(|(n, _)| n.to_owned()).collect()),
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
