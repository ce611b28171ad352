//! Credentials: what upstreams ask for. The file has references to secrets, never secrets.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::Secret;

/// A credential: one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Credential {
    /// A key in a header, query parameter or cookie.
    pub api_key: Option<ApiKey>,
    /// A token in the `Authorization` header (RFC 6750).
    pub bearer: Option<Bearer>,
    /// A user name and password in the `Authorization` header (RFC 7617).
    pub basic: Option<Basic>,
    /// A token that the server gets for itself (RFC 6749 §4.4).
    pub oauth2_client_credentials: Option<ClientCredentials>,
}

/// A key in a header, query parameter or cookie: name one of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The header that it goes in.
    pub header: Option<String>,
    /// The query parameter that it goes in.
    pub query: Option<String>,
    /// The cookie that it goes in.
    pub cookie: Option<String>,
    /// The key.
    pub value: Secret,
}

/// A token in the `Authorization` header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    /// The token, without the word `Bearer`.
    pub token: Secret,
}

/// A user name and password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user name.
    pub user: Secret,
    /// The password.
    pub password: Secret,
}

/// A token that the server gets for itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: String,
    /// The client's identifier, which is no secret.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// The scopes that are asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl Credential {
    /// The references to secrets, each with where it stands in the credential.
    pub fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let basic = self.basic.as_ref();
        let client = self.oauth2_client_credentials.as_ref();
        let all = [
            ("api_key/value", self.api_key.as_ref().map(|key| &key.value)),
            (
                "bearer/token",
                self.bearer.as_ref().map(|bearer| &bearer.token),
            ),
            ("basic/user", basic.map(|basic| &basic.user)),
            ("basic/password", basic.map(|basic| &basic.password)),
            (
                "oauth2_client_credentials/client_secret",
                client.map(|client| &client.client_secret),
            ),
        ];
        let all = all.into_iter();
        all.filter_map(|(key, secret)| Some((key, secret?)))
            .collect()
    }
}
