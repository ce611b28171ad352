//! Which credentials go with a request, and where in it.

use base64::Engine;

use crate::runtime::config::{Credential, Secret, SourceConfig};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{
    CredentialSpec, HttpAction, KeyPlace, Requirement, SourceSpec, setting,
};

use super::token::Wanted;
use super::wire;

/// What credentials add to a request.
#[derive(Default)]
pub(super) struct Additions {
    pub(super) headers: Vec<(String, String)>,
    /// Encoded query pairs.
    pub(super) query: Vec<(String, String)>,
    pub(super) cookies: Vec<(String, String)>,
    /// An idempotency key: its header, in lower case, and its value. It is no credential.
    pub(super) key: Option<(String, String)>,
    /// A token that is fetched before the request is sent.
    pub(super) grant: Option<Wanted>,
}

impl Additions {
    /// Whether no credential goes with the request.
    pub(super) fn is_empty(&self) -> bool {
        self.headers.is_empty()
            && self.query.is_empty()
            && self.cookies.is_empty()
            && self.grant.is_none()
    }

    /// Adds a token that was fetched.
    pub(super) fn bear(&mut self, token: &Secret) {
        let bearer = format!("Bearer {}", token.reveal());
        self.headers.retain(|(name, _)| name != "authorization");
        self.headers.push(("authorization".to_owned(), bearer));
    }
}

/// What stands for a secret where a person reads the request.
pub(super) const MASK: &str = "***";

/// The credentials of the first alternative that is complete. `masked` puts [`MASK`] in place of
/// every value, given or not.
///
/// # Errors
///
/// `missing_credential`, naming the environment variables, if no alternative is complete.
pub(super) fn additions(
    action: &HttpAction,
    spec: &SourceSpec,
    config: &SourceConfig,
    masked: bool,
) -> Result<Additions, CallError> {
    let mut out = Additions::default();
    if action.security.is_empty() {
        return Ok(out);
    }
    let has = |name: &String| {
        let kind = spec.credentials.get(name);
        kind.is_some_and(|kind| config.has(name, kind))
    };
    let complete = |all: &&Requirement| all.keys().all(has);
    // An alternative with credentials is better than the empty one, which stands for "none needed".
    let configured = action
        .security
        .iter()
        .filter(|all| !all.is_empty())
        .find(complete);
    let chosen = configured.or_else(|| action.security.iter().find(complete));
    let chosen = match chosen {
        Some(all) => all,
        None if masked => match action.security.first() {
            Some(all) => all,
            None => return Ok(out),
        },
        None => return Err(missing(action, spec)),
    };
    for (name, scopes) in chosen {
        let Some(kind) = spec.credentials.get(name) else {
            continue;
        };
        let credential = config.credentials.get(name);
        if config.sends(kind) {
            continue;
        }
        if !masked && matches!(credential, Some(Credential::Client(..))) {
            out.grant = Some(Wanted {
                scheme: name.clone(),
                scopes: scopes.clone(),
            });
        } else {
            add(&mut out, kind, credential, masked);
        }
    }
    Ok(out)
}

fn add(out: &mut Additions, kind: &CredentialSpec, credential: Option<&Credential>, masked: bool) {
    let token = match credential {
        _ if masked => MASK.to_owned(),
        Some(Credential::Token(token)) => token.reveal().to_owned(),
        Some(Credential::UserPassword(user, password)) => base64::engine::general_purpose::STANDARD
            .encode(format!("{}:{}", user.reveal(), password.reveal())),
        // Never sent itself: what it brings is.
        Some(Credential::Client(..)) | None => return,
    };
    let encoded = |token: &str| {
        if masked {
            token.to_owned()
        } else {
            wire::encode(token)
        }
    };
    match kind {
        CredentialSpec::ApiKey {
            place: KeyPlace::Header,
            name,
            ..
        } => {
            out.headers.push((name.to_ascii_lowercase(), token));
        }
        CredentialSpec::ApiKey {
            place: KeyPlace::Query,
            name,
            ..
        } => {
            out.query.push((wire::encode(name), encoded(&token)));
        }
        CredentialSpec::ApiKey {
            place: KeyPlace::Cookie,
            name,
            ..
        } => {
            out.cookies.push((name.clone(), encoded(&token)));
        }
        CredentialSpec::Basic { .. } => out
            .headers
            .push(("authorization".to_owned(), format!("Basic {token}"))),
        CredentialSpec::Bearer { .. } | CredentialSpec::ClientCredentials { .. } => out
            .headers
            .push(("authorization".to_owned(), format!("Bearer {token}"))),
    }
}

fn missing(action: &HttpAction, spec: &SourceSpec) -> CallError {
    CallError::new(
        "missing_credential",
        "the server has no credential for this call; nothing was sent",
    )
    .hint(format!(
        "the owner of this server has to {}",
        setting(&spec.needed(&action.security), " in its environment")
    ))
}
