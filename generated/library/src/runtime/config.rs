//! [I/O] What the environment gives: secrets, from variables and files; certificates, a proxy. It is kept apart from the Manifest, so
//! that nothing printed from a Manifest can hold a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::args;
use super::manifest::{
    Action, CredentialSpec, FILE, Fixed, KeyPlace, Manifest, SourceSpec, TEXT, ToolSpec,
};

/// The environment variable of the key that cursors are sealed with and masks are made with: 32 bytes in
/// base64. Servers that answer the same clients have the same one.
pub const SEAL_KEY: &str = "MCPGEN_SEAL_KEY";

/// Largest file of a secret, in bytes.
const FILE_MAX: u64 = 64 * 1024;

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A header's value names a variable that is not set.
    #[error("header `{header}` needs the environment variable {variable}, which is not set")]
    HeaderVariable {
        /// The header.
        header: String,
        /// The variable.
        variable: String,
    },
    /// An argument's value comes from a variable that does not have it.
    #[error(
        "tool `{tool}`: argument `{argument}` needs the environment variable {variable}, {reason}"
    )]
    Argument {
        /// The tool.
        tool: String,
        /// JSON Pointer into the arguments.
        argument: String,
        /// The variable.
        variable: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header that cannot be sent.
    #[error("header `{header}`: {reason}")]
    Header {
        /// The header.
        header: String,
        /// Why not.
        reason: String,
    },
    /// A certificate file that cannot be used.
    #[error("certificate file {path}: {reason}")]
    Certificate {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A proxy URL that cannot be used.
    #[error("proxy: {0}")]
    Proxy(String),
    /// A network of the owner's that is none.
    #[error("private network `{network}`: {reason}")]
    Network {
        /// The network.
        network: String,
        /// Why not.
        reason: String,
    },
    /// A base URL that cannot be used.
    #[error("tool `{tool}`: {reason}")]
    BaseUrl {
        /// The tool.
        tool: String,
        /// Why not.
        reason: String,
    },
    /// A rule on rows needs a variable that is not set.
    #[error(
        "tool `{tool}`: a rule on its rows needs the environment variable {variable}, which is not set"
    )]
    Rows {
        /// The tool.
        tool: String,
        /// The variable.
        variable: String,
    },
    /// A database that nothing says how to reach, or that cannot be used.
    #[error("source `{source_name}`: {reason}")]
    Database {
        /// The source.
        source_name: String,
        /// What is wrong, without anything of the connection string.
        reason: String,
    },
    /// The key that cursors are sealed with.
    #[error("{0} is not a key: 32 bytes in base64, as `openssl rand -base64 32` makes them")]
    SealKey(&'static str),
    /// A tool that needs a part which this server was made without.
    #[error("tool `{0}`: this server was made without what the tool needs")]
    Missing(String),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// A credential with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The key or token.
    Token(Secret),
    /// User name and password.
    UserPassword(Secret, Secret),
    /// Identifier and secret of a client that fetches tokens.
    Client(Secret, Secret),
}

/// What the environment gives one source.
#[derive(Debug, Clone, Default)]
pub struct SourceConfig {
    /// Credentials that are set, by scheme name.
    pub credentials: BTreeMap<String, Credential>,
    /// Headers with their values.
    pub headers: Vec<(String, Secret)>,
    /// What came from the environment into those values.
    pub header_secrets: Vec<Secret>,
    /// The connection string, if it is a database.
    pub dsn: Option<Secret>,
}

impl SourceConfig {
    /// Whether a credential is there: set in the environment, or sent in a header of the owner's.
    pub fn has(&self, scheme: &str, spec: &CredentialSpec) -> bool {
        self.credentials.contains_key(scheme) || self.sends(spec)
    }

    /// Whether a header of the owner's stands in for a credential.
    pub fn sends(&self, spec: &CredentialSpec) -> bool {
        let header = match spec {
            CredentialSpec::ApiKey {
                place: KeyPlace::Header,
                name,
                ..
            } => name,
            CredentialSpec::ApiKey { .. } => return false,
            CredentialSpec::Basic { .. }
            | CredentialSpec::Bearer { .. }
            | CredentialSpec::ClientCredentials { .. } => "authorization",
        };
        self.headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(header))
    }
}

/// What the environment gives.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// By source name.
    pub sources: BTreeMap<String, SourceConfig>,
    /// Values of arguments that no caller gives, by environment variable.
    pub variables: BTreeMap<String, Secret>,
    /// The key that cursors are sealed with; none: one that ends with the process.
    pub seal_key: Option<Secret>,
    /// PEM files with certificates to trust besides the system's.
    pub ca_certs: Vec<PathBuf>,
    /// Proxy for all requests; the system's own setting is not used.
    pub proxy: Option<String>,
}

impl Config {
    /// Reads what the Manifest names from the process's environment.
    ///
    /// # Errors
    ///
    /// A header or an argument needs a variable that is not set, or one whose value does not fit. A missing
    /// credential is no error: a call that needs it says so.
    pub fn from_env(manifest: &Manifest) -> Result<Self, ConfigError> {
        Self::from_lookup(manifest, &looked_up)
    }

    fn from_lookup(
        manifest: &Manifest,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for (name, source) in &manifest.sources {
            let mut found = SourceConfig::default();
            for (scheme, spec) in &source.credentials {
                if let Some(credential) = credential(spec, lookup) {
                    found.credentials.insert(scheme.clone(), credential);
                }
            }
            headers(source, lookup, &mut found)?;
            if let Some(database) = &source.postgres {
                found.dsn = value(&database.dsn, lookup);
                config.seal_key = value(SEAL_KEY, lookup);
            }
            config.sources.insert(name.clone(), found);
        }
        for tool in &manifest.tools {
            variables(tool, lookup, &mut config.variables)?;
        }
        Ok(config)
    }
}

/// The text of a reference: the name of an environment variable, `file:` and a path, or `text:` and the
/// text itself. `None`: it is not there, or cannot be used.
pub fn looked_up(reference: &str) -> Option<String> {
    if let Some(text) = reference.strip_prefix(TEXT) {
        return Some(text.to_owned());
    }
    match reference.strip_prefix(FILE) {
        Some(path) => file(Path::new(path)),
        None => std::env::var(reference).ok(),
    }
}

/// A file of a secret: UTF-8, and not large. What is no ordinary file may have no end.
fn file(path: &Path) -> Option<String> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    let size = file.take(FILE_MAX + 1).read_to_end(&mut bytes).ok()?;
    let fits = u64::try_from(size).is_ok_and(|size| size <= FILE_MAX);
    fits.then(|| String::from_utf8(bytes).ok())?
}

/// The values of a tool's arguments that come from the environment. Each fits its argument: nothing is
/// left to be found out by a call.
fn variables(
    tool: &ToolSpec,
    lookup: &dyn Fn(&str) -> Option<String>,
    into: &mut BTreeMap<String, Secret>,
) -> Result<(), ConfigError> {
    for control in &tool.controls {
        let Some(Fixed::Env { name, schema }) = &control.fixed else {
            continue;
        };
        let wrong = |reason| ConfigError::Argument {
            tool: tool.name.clone(),
            argument: control.pointer.clone(),
            variable: name.clone(),
            reason,
        };
        let found = value(name, lookup).ok_or_else(|| wrong("which is not set"))?;
        args::read_as(schema, found.reveal()).map_err(wrong)?;
        into.insert(name.clone(), found);
    }
    let Action::Sql(action) = &tool.action else {
        return Ok(());
    };
    for name in action.variables() {
        let found = value(name, lookup).ok_or_else(|| ConfigError::Rows {
            tool: tool.name.clone(),
            variable: name.to_owned(),
        })?;
        into.insert(name.to_owned(), found);
    }
    Ok(())
}

/// A variable that is set and not empty, without the line end that files tend to bring.
fn value(name: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Secret> {
    let text = lookup(name)?;
    let text = text.trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| Secret::new(text))
}

fn credential(
    spec: &CredentialSpec,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Option<Credential> {
    Some(match spec {
        CredentialSpec::ApiKey { env, .. } | CredentialSpec::Bearer { env } => {
            Credential::Token(value(env, lookup)?)
        }
        CredentialSpec::Basic {
            env_user,
            env_password,
        } => Credential::UserPassword(value(env_user, lookup)?, value(env_password, lookup)?),
        CredentialSpec::ClientCredentials {
            env,
            env_id,
            env_secret,
            ..
        } => match value(env, lookup) {
            Some(token) => Credential::Token(token),
            None => Credential::Client(value(env_id, lookup)?, value(env_secret, lookup)?),
        },
    })
}

/// Headers of a source, `${env:NAME}` replaced, and what it was replaced by.
fn headers(
    source: &SourceSpec,
    lookup: &dyn Fn(&str) -> Option<String>,
    into: &mut SourceConfig,
) -> Result<(), ConfigError> {
    for (header, template) in &source.headers {
        let text = filled(template, |variable| {
            let found = value(variable, lookup).ok_or_else(|| ConfigError::HeaderVariable {
                header: header.clone(),
                variable: variable.to_owned(),
            })?;
            into.header_secrets.push(found.clone());
            Ok(found.reveal().to_owned())
        })?;
        into.headers.push((header.clone(), Secret::new(text)));
    }
    Ok(())
}

/// A header's template with every `${env:NAME}` replaced.
///
/// # Errors
///
/// Those of `value`.
pub fn filled<E>(
    template: &str,
    mut value: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${env:") {
        let Some((variable, after)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        text.push_str(&value(variable)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let secret = Credential::UserPassword(Secret::new("canary"), Secret::new("canary"));
        assert!(!format!("{secret:?}").contains("canary"));
    }

    #[test]
    fn secrets_from_files() {
        let folder = std::env::temp_dir().join(format!("mcpgen-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let large = "x".repeat(64 * 1024);
        for (name, bytes, want) in [
            ("plain", &b"canary"[..], Some("canary")),
            ("line-feed", b"canary\n", Some("canary")),
            ("carriage-return", b"canary\r\n", Some("canary")),
            ("spaces", b" can ary \n", Some(" can ary ")),
            ("empty", b"", None),
            ("only-a-line-feed", b"\n", None),
            ("not-utf-8", b"canary\xff", None),
            ("largest", large.as_bytes(), Some(large.as_str())),
            ("too-large", format!("{large}x").as_bytes(), None),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            let reference = format!("file:{}", path.display());
            let found = value(&reference, &looked_up);
            assert_eq!(found.as_ref().map(Secret::reveal), want, "{name}");
        }
        for path in [
            folder.join("missing"),
            folder.clone(),
            "/dev/zero".into(),
            PathBuf::new(),
        ] {
            let reference = format!("file:{}", path.display());
            assert_eq!(value(&reference, &looked_up), None, "{reference}");
        }
        let text = value("text:client", &looked_up);
        assert_eq!(text.as_ref().map(Secret::reveal), Some("client"));
        assert_eq!(value("", &looked_up), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
