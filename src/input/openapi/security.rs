//! Security schemes and requirements: which credentials there are, and which go with an operation.

use indexmap::IndexMap;

use super::node::{Doc, Node};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::runtime::manifest::{CredentialSpec, KeyPlace};

/// The credentials of a document, each with the environment variables that hold it:
/// `<SOURCE>_<SCHEME>`, with `_USER` and `_PASSWORD` for Basic.
pub(super) fn schemes(
    doc: &Doc<'_>,
    source: &str,
    diags: &mut Diagnostics,
) -> IndexMap<String, CredentialSpec> {
    let mut found = IndexMap::new();
    let Some(schemes) = Node::root(doc.root)
        .get("components")
        .and_then(|c| c.get("securitySchemes"))
    else {
        return found;
    };
    for (name, node) in schemes.entries() {
        match doc.resolve(node) {
            Ok(node) => match credential(&node, &env_name(source, name)) {
                Ok(credential) => {
                    found.insert(name.to_owned(), credential);
                }
                Err(why) => diags.push(
                    Diagnostic::new(
                        Code::UnsupportedSecurity,
                        node.loc(),
                        format!("security scheme `{name}` is not used: {why}"),
                    )
                    .help("send what the API needs with --header 'Name: ${env:VARIABLE}'"),
                ),
            },
            Err(diagnostic) => diags.push(*diagnostic),
        }
    }
    found
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

/// `SHOP_API_KEY` from `shop` and `api key`.
fn env_name(source: &str, scheme: &str) -> String {
    let upper = |text: &str| heck::AsShoutySnakeCase(text).to_string();
    let name = format!("{}_{}", source.to_ascii_uppercase(), upper(scheme));
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// The alternatives of an operation, each a set of schemes that go together; a requirement that names
/// an unsupported scheme cannot be met and is no alternative. Empty if nothing is needed.
pub(super) fn requirements(
    operation: &Node<'_>,
    root: &Node<'_>,
    credentials: &IndexMap<String, CredentialSpec>,
) -> Vec<Vec<String>> {
    let Some(list) = operation.get("security").or_else(|| root.get("security")) else {
        return Vec::new();
    };
    let alternatives: Vec<Vec<String>> = list
        .items()
        .map(|all| all.entries().map(|(name, _)| name.to_owned()).collect())
        .collect();
    alternatives
        .into_iter()
        .filter(|all| all.iter().all(|name| credentials.contains_key(name)))
        .collect()
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
