//! Credentials: how they are sent, and where they come from: environment variables and files.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How a credential is sent and what holds it: what is called an environment variable here may also be
/// `file:` and a path, or `text:` and what is no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialSpec {
    /// A key in a header, query parameter or cookie.
    ApiKey {
        /// Where it goes.
        place: KeyPlace,
        /// The header, parameter or cookie name.
        name: String,
        /// Environment variable with the key.
        env: String,
    },
    /// HTTP Basic (RFC 7617).
    Basic {
        /// Environment variable with the user name.
        env_user: String,
        /// Environment variable with the password.
        env_password: String,
    },
    /// HTTP Bearer (RFC 6750).
    Bearer {
        /// Environment variable with the token.
        env: String,
    },
    /// A Bearer token that is fetched with client credentials (RFC 6749 §4.4).
    ClientCredentials {
        /// Environment variable with a token; if it is set, none is fetched.
        env: String,
        /// Environment variable with the client's identifier.
        env_id: String,
        /// Environment variable with the client's secret.
        env_secret: String,
        /// Where tokens are fetched: an http or https URL without user and fragment.
        token_url: String,
        /// How the client says who it is.
        #[serde(default, skip_serializing_if = "super::is_default")]
        auth: ClientAuth,
        /// What the owner adds to the form.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        fields: IndexMap<String, String>,
    },
}

impl CredentialSpec {
    /// The references that it comes from: the name of an environment variable, `file:` and a path, or
    /// `text:` and what is no secret. An empty one stands for nothing.
    fn references(&self) -> Vec<&str> {
        match self {
            Self::ApiKey { env, .. } | Self::Bearer { env } => vec![env],
            Self::Basic {
                env_user,
                env_password,
            } => vec![env_user, env_password],
            Self::ClientCredentials {
                env,
                env_id,
                env_secret,
                ..
            } => vec![env_id, env_secret, env],
        }
    }

    /// The environment variables that it comes from.
    pub fn variables(&self) -> Vec<&str> {
        let named = |name: &&str| !name.is_empty() && !name.contains(':');
        self.references().into_iter().filter(named).collect()
    }

    /// The files that it comes from.
    pub fn files(&self) -> Vec<&str> {
        let references = self.references().into_iter();
        references
            .filter_map(|name| name.strip_prefix(FILE))
            .collect()
    }

    /// The environment variables and files that it comes from, each in words.
    pub fn places(&self) -> Vec<String> {
        self.references().into_iter().filter_map(place).collect()
    }

    /// The same together, with what stands for what.
    pub fn needed(&self) -> String {
        match self {
            Self::ClientCredentials {
                env,
                env_id,
                env_secret,
                ..
            } => {
                let both = [env_id, env_secret].map(|name| place(name));
                let both = both.into_iter().flatten().collect::<Vec<_>>().join(" and ");
                match place(env) {
                    Some(token) => format!("{token} (or {both})"),
                    None => both,
                }
            }
            other => other.places().join(" and "),
        }
    }
}

/// What a reference begins with that is the path of a file.
pub(in crate::runtime) const FILE: &str = "file:";
/// What a reference begins with that is the value itself, which is no secret.
pub(in crate::runtime) const TEXT: &str = "text:";

/// Where a value comes from, in words; `None` if it is known already.
pub fn place(reference: &str) -> Option<String> {
    match reference.strip_prefix(FILE) {
        Some(path) => Some(format!("file {path}")),
        None if reference.is_empty() || reference.starts_with(TEXT) => None,
        None => Some(reference.to_owned()),
    }
}

/// What an owner has to do so that one of these is there, each as [`CredentialSpec::needed`] says it;
/// variables are set, and `place` says where.
pub fn setting(needed: &[String], place: &str) -> String {
    let all = needed.join(" or ");
    match all.split([' ', '(']).any(|word| word == "file") {
        true => format!("provide {all}"),
        false => format!("set {all}{place}"),
    }
}

/// How a client's identifier and secret are sent for a token (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// As HTTP Basic.
    #[default]
    Basic,
    /// In the form, as `client_id` and `client_secret`.
    Form,
}

/// Where an API key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// A request header.
    Header,
    /// A query parameter.
    Query,
    /// A cookie.
    Cookie,
}
