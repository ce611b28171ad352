//! Options about tokens that are fetched with client credentials.

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use indexmap::IndexMap;
use url::Url;

use super::looks_secret;
use crate::input::openapi;
use crate::runtime::manifest::ClientAuth;

/// How tokens are fetched, as it was typed.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct TokenOptions {
    /// Where tokens are fetched with client credentials; wins over the document's token URLs and may
    /// be a private address
    #[arg(id = "token_url", long = "token-url", value_name = "URL")]
    pub(in crate::cli) url: Option<String>,

    /// How the client's identifier and secret are sent there
    #[arg(id = "token_auth", long = "token-auth", value_name = "HOW")]
    pub(in crate::cli) auth: Option<TokenAuth>,

    /// A field for the request of a token, as in 'audience=https://api.example'; `scope` takes the
    /// place of the document's scopes; repeatable
    #[arg(id = "token_field", long = "token-field", value_name = "NAME=VALUE")]
    pub(in crate::cli) field: Vec<String>,
}

/// The ways of a client to say who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TokenAuth {
    /// As HTTP Basic: the default
    Basic,
    /// In the form, as `client_id` and `client_secret`
    Form,
}

/// Fields that are not the owner's to set: what the request is, and who asks.
const OWN_FIELDS: [&str; 2] = ["grant_type", "client_id"];

impl TokenOptions {
    /// The token URL, checked.
    pub(in crate::cli) fn checked_url(&self) -> anyhow::Result<Option<Url>> {
        let Some(text) = &self.url else {
            return Ok(None);
        };
        let url = Url::parse(text).with_context(|| format!("--token-url {text}: not a URL"))?;
        ensure!(
            matches!(url.scheme(), "http" | "https") && url.has_host(),
            "--token-url {text}: not an http or https URL"
        );
        ensure!(
            url.fragment().is_none() && url.username().is_empty() && url.password().is_none(),
            "--token-url: it may not have a user, password or fragment"
        );
        Ok(Some(url))
    }

    /// What the reader of a document is told.
    pub(in crate::cli) fn told(&self) -> anyhow::Result<openapi::TokenOptions> {
        let mut fields = IndexMap::new();
        for text in &self.field {
            let (name, value) = field(text)?;
            ensure!(
                fields.insert(name.to_owned(), value.to_owned()).is_none(),
                "--token-field {name}: given twice"
            );
        }
        Ok(openapi::TokenOptions {
            url: self.checked_url()?.map(String::from),
            auth: match self.auth {
                None | Some(TokenAuth::Basic) => ClientAuth::Basic,
                Some(TokenAuth::Form) => ClientAuth::Form,
            },
            fields,
        })
    }
}

/// Reads `name=value`.
fn field(text: &str) -> anyhow::Result<(&str, &str)> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        bail!("--token-field: write it as 'name=value'");
    };
    ensure!(
        !OWN_FIELDS.contains(&name),
        "--token-field {name}: the request has its own"
    );
    ensure!(
        !looks_secret(name),
        "--token-field {name}: its value looks like a secret, and would stand in the plan"
    );
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        for (text, good) in [
            ("audience=https://api.example", true),
            ("scope=api://shop/.default", true),
            ("resource=a=b", true),
            ("scope=", true),
            ("audience", false),
            ("=x", false),
            ("grant_type=password", false),
            ("client_id=x", false),
            ("client_secret=x", false),
            ("password=x", false),
        ] {
            assert_eq!(field(text).is_ok(), good, "{text}");
        }
    }
}
