//! Credentials that go together and would fill the same place of a request.

use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::manifest::{CredentialSpec, KeyPlace};

/// What a credential fills, in words. Header names are the same in any case (RFC 9110 §5.1).
pub(super) fn place(spec: &CredentialSpec) -> String {
    match spec {
        CredentialSpec::ApiKey { place, name, .. } => match place {
            KeyPlace::Header => format!("header `{}`", name.to_ascii_lowercase()),
            KeyPlace::Query => format!("query parameter `{name}`"),
            KeyPlace::Cookie => format!("cookie `{name}`"),
        },
        CredentialSpec::Basic { .. }
        | CredentialSpec::Bearer { .. }
        | CredentialSpec::ClientCredentials { .. } => "header `authorization`".to_owned(),
    }
}

/// A credential that is not sent, since one before it fills its place.
pub(super) fn found(name: &str, before: &str, place: &str, loc: Loc) -> Diagnostic {
    let message = format!("security scheme `{name}` is not sent: `{before}` fills the {place}");
    let loc = Loc { key: true, ..loc };
    let help = "if either is enough, write them as alternatives: `security: [{a: []}, {b: []}]`";
    Diagnostic::new(Code::CredentialClash, loc, message).help(help)
}
