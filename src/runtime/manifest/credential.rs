//! Credentials: how they are sent, and where they come from.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How a credential is sent and which environment variable holds it.
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
    /// The environment variables that it comes from.
    pub fn variables(&self) -> Vec<&str> {
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

    /// The same in words, with what stands for what.
    pub fn needed(&self) -> String {
        match self {
            Self::ClientCredentials {
                env,
                env_id,
                env_secret,
                ..
            } => format!("{env} (or {env_id} and {env_secret})"),
            other => other.variables().join(" and "),
        }
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
