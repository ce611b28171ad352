//! What is to be read: the document of the command line, or the sources of a policy file.

use std::path::Path;

use url::Url;

use crate::cli::options::{self, DocOptions};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};
use crate::input::fetch::{FetchOptions, RefHost, RefOptions};
use crate::input::openapi;
use crate::policy::format::words::Duration;
use crate::policy::format::{Credential, Redirects, Source as PolicySource};
use crate::policy::{PolicyFile, SourcePolicy};
use crate::runtime::config::Secret;
use crate::runtime::manifest::{self, ClientAuth, CredentialSpec, KeyPlace, Postgres};

/// One document, and how it is read.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Wanted {
    /// What the source is called, if its own title does not say it.
    pub(in crate::cli) name: Option<String>,
    /// A path, a URL, or `-`.
    pub(in crate::cli) doc: String,
    pub(in crate::cli) overlays: Vec<String>,
    pub(in crate::cli) fetch: FetchOptions,
    pub(in crate::cli) base_url: Option<String>,
    pub(in crate::cli) tokens: openapi::TokenOptions,
    pub(in crate::cli) policy: SourcePolicy,
    /// Where a policy names it.
    pub(in crate::cli) loc: Option<Loc>,
    /// The database that it is, if it is one; its document is a snapshot then, or nothing.
    pub(in crate::cli) database: Option<Database>,
}

/// A database, and how its catalogue is read.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Database {
    /// What it is reached by, if that is said here and not in the environment.
    pub(in crate::cli) dsn: Option<Secret>,
    /// The schemas that are served; empty: all.
    pub(in crate::cli) schemas: Vec<String>,
}

/// The document of the command line.
pub(super) fn of_options(options: &DocOptions) -> anyhow::Result<Wanted> {
    Ok(Wanted {
        name: None,
        doc: options.doc.clone(),
        overlays: options.overlay.clone(),
        fetch: options.fetch(),
        base_url: options.base_url()?.map(String::from),
        tokens: options.token.told()?,
        policy: options.source_policy()?,
        loc: None,
        database: None,
    })
}

impl Wanted {
    /// The sources of a policy file. What cannot be used is reported, and left out.
    pub(in crate::cli) fn of_file(
        file: &PolicyFile,
        folder: &Path,
        options: &DocOptions,
        diags: &mut Diagnostics,
    ) -> Vec<Self> {
        let mut all = Vec::new();
        // What is no source or two is reported with the file.
        let one = |source: &PolicySource| source.openapi.is_some() != source.postgres.is_some();
        for (name, source) in file.sources.iter().filter(|(_, source)| one(source)) {
            let loc = Loc::at(format!("/sources/{}", escape(name)));
            match wanted(file, (name, source), folder, options, &loc) {
                Ok(wanted) => all.push(wanted),
                Err(found) => diags.push(*found),
            }
        }
        all
    }

    /// The same under what a policy file says of every source.
    pub(in crate::cli) fn under(&mut self, file: &PolicyFile, folder: &Path) {
        let own = of_egress(file, folder);
        self.policy.allow_private = own.allow_private;
        self.policy.redirects = own.redirects;
        if let Some(database) = &mut self.policy.postgres {
            database.statement_timeout_ms = statement_timeout(file);
        }
        self.policy.ca_certs = own.ca_certs;
        self.policy.proxy = own.proxy;
    }
}

fn wanted(
    file: &PolicyFile,
    (name, source): (&String, &PolicySource),
    folder: &Path,
    options: &DocOptions,
    loc: &Loc,
) -> Result<Wanted, Box<Diagnostic>> {
    let beside = |path: &String| beside(folder, path);
    let Some(openapi) = &source.openapi else {
        return database(file, (name, source), folder, options, loc);
    };
    let hosts = source.refs.hosts.iter().enumerate().map(|(index, host)| {
        let loc = loc.child("refs").child("hosts").child(&index.to_string());
        host.parse::<RefHost>()
            .map_err(|why| Box::new(value(loc, format!("`{host}`: {why}"))))
    });
    let base_url = source.base_url.as_ref().map(|text| {
        options::checked_base_url(text, "base_url")
            .map_err(|why| Box::new(value(loc.child("base_url"), why.to_string())))
    });
    let base_url = base_url.transpose()?;
    let mut policy = under(file, source, folder, loc)?;
    let document = Url::parse(openapi).ok().filter(Url::has_host);
    for url in base_url.iter().chain(&document) {
        policy
            .trusted_origins
            .push(url.origin().ascii_serialization());
    }
    Ok(Wanted {
        name: Some(name.clone()),
        doc: beside(openapi),
        overlays: source.overlays.iter().map(beside).collect(),
        fetch: FetchOptions {
            refs: RefOptions {
                folders: source
                    .refs
                    .files
                    .iter()
                    .map(|path| beside(path).into())
                    .collect(),
                hosts: hosts.collect::<Result<_, _>>()?,
            },
            ca_certs: ca_certs(file, folder, options),
            proxy: file.egress.proxy.clone().or(options.upstream.proxy.clone()),
            ..options.fetch()
        },
        base_url: base_url.map(String::from),
        tokens: openapi::TokenOptions::default(),
        policy,
        loc: Some(loc.child("openapi")),
        database: None,
    })
}

/// Connections to a database if nothing says how many.
const CONNECTIONS: u32 = 8;
/// Time of a statement if nothing says how much, in milliseconds.
const STATEMENT_TIMEOUT_MS: u64 = 10_000;

/// A source that is a database.
fn database(
    file: &PolicyFile,
    (name, source): (&String, &PolicySource),
    folder: &Path,
    options: &DocOptions,
    loc: &Loc,
) -> Result<Wanted, Box<Diagnostic>> {
    let dsn = source.postgres.as_ref().map(|dsn| dsn.reference(folder));
    let snapshot = source.snapshot.as_ref();
    let mut policy = under(file, source, folder, loc)?;
    policy.postgres = Some(Postgres {
        role: source.role.clone(),
        statement_timeout_ms: statement_timeout(file),
        connections: source.connections.unwrap_or(CONNECTIONS),
        posture: source.posture.as_ref().map(|posture| manifest::Posture {
            accept: posture.accept.into(),
            because: posture.because.clone(),
        }),
        ..postgres(dsn.unwrap_or_default())
    });
    let key = if snapshot.is_some() {
        "snapshot"
    } else {
        "postgres"
    };
    Ok(Wanted {
        name: Some(name.clone()),
        doc: snapshot
            .map(|path| beside(folder, path))
            .unwrap_or_default(),
        fetch: options.fetch(),
        policy,
        loc: Some(loc.child(key)),
        database: Some(Database {
            dsn: None,
            schemas: source.schemas.clone().unwrap_or_default(),
        }),
        ..Wanted::default()
    })
}

fn statement_timeout(file: &PolicyFile) -> u64 {
    let time = file.defaults.statement_timeout;
    time.map_or(STATEMENT_TIMEOUT_MS, Duration::millis)
}

/// A database of which nothing is said but where its connection string is.
pub(super) fn postgres(dsn: String) -> Postgres {
    Postgres {
        dsn,
        role: None,
        statement_timeout_ms: STATEMENT_TIMEOUT_MS,
        connections: CONNECTIONS,
        posture: None,
    }
}

/// What a policy file says of a source.
fn under(
    file: &PolicyFile,
    source: &PolicySource,
    folder: &Path,
    loc: &Loc,
) -> Result<SourcePolicy, Box<Diagnostic>> {
    let mut policy = of_egress(file, folder);
    policy.prefix = source.prefix.clone().unwrap_or_default();
    policy.rate = source.rate.iter().map(manifest::Rate::from).collect();
    let named = source.credential.as_ref();
    let credential = named.and_then(|name| Some((name, file.credentials.get(name)?)));
    if let Some((name, credential)) = credential {
        let at = Loc::at(format!("/credentials/{}", escape(name)));
        let (spec, scopes) = spec(credential, folder).ok_or_else(|| {
            value(
                loc.child("credential"),
                format!("`{name}` is no credential"),
            )
        })?;
        if let CredentialSpec::ClientCredentials { token_url, .. } = &spec {
            let url = options::checked_url(token_url).map_err(|why| {
                let place = at.child("oauth2_client_credentials").child("token_url");
                Box::new(value(place, why.to_string()))
            })?;
            policy
                .trusted_origins
                .push(url.origin().ascii_serialization());
        }
        policy.credential = Some((name.clone(), spec, scopes));
    }
    Ok(policy)
}

/// What a policy file says of every source.
fn of_egress(file: &PolicyFile, folder: &Path) -> SourcePolicy {
    let certificates = file.egress.ca_certs.iter();
    let networks = file.egress.allow_private.iter();
    SourcePolicy {
        allow_private: networks
            .map(|network| format!("{}/{}", network.address, network.prefix))
            .collect(),
        redirects: match file.egress.redirects {
            Some(Redirects::None) => manifest::Redirects::None,
            Some(Redirects::SameOrigin) | None => manifest::Redirects::SameOrigin,
        },
        ca_certs: certificates.map(|path| beside(folder, path)).collect(),
        proxy: file.egress.proxy.clone(),
        ..SourcePolicy::default()
    }
}

/// How a credential is sent and where it comes from, and the scopes of its token.
fn spec(credential: &Credential, folder: &Path) -> Option<(CredentialSpec, Vec<String>)> {
    let from = |secret: &crate::policy::format::words::Secret| secret.reference(folder);
    if let Some(key) = &credential.api_key {
        let places = [
            (KeyPlace::Header, &key.header),
            (KeyPlace::Query, &key.query),
            (KeyPlace::Cookie, &key.cookie),
        ];
        let mut places = places.into_iter();
        let (place, name) = places.find_map(|(place, name)| Some((place, name.clone()?)))?;
        let env = from(&key.value);
        return Some((CredentialSpec::ApiKey { place, name, env }, Vec::new()));
    }
    if let Some(bearer) = &credential.bearer {
        let env = from(&bearer.token);
        return Some((CredentialSpec::Bearer { env }, Vec::new()));
    }
    if let Some(basic) = &credential.basic {
        let spec = CredentialSpec::Basic {
            env_user: from(&basic.user),
            env_password: from(&basic.password),
        };
        return Some((spec, Vec::new()));
    }
    let client = credential.oauth2_client_credentials.as_ref()?;
    let spec = CredentialSpec::ClientCredentials {
        env: String::new(),
        env_id: format!("text:{}", client.client_id),
        env_secret: from(&client.client_secret),
        token_url: client.token_url.clone(),
        auth: ClientAuth::default(),
        fields: indexmap::IndexMap::new(),
    };
    Some((spec, client.scopes.clone()))
}

/// A path of a policy file as seen from here; a URL as it is.
pub(super) fn beside(folder: &Path, path: &str) -> String {
    if path.contains("://") {
        return path.to_owned();
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    folder.join(path).to_string_lossy().into_owned()
}

fn ca_certs(file: &PolicyFile, folder: &Path, options: &DocOptions) -> Vec<std::path::PathBuf> {
    let own = file.egress.ca_certs.iter();
    let own = own.map(|path| beside(folder, path).into());
    own.chain(options.upstream.ca_cert.iter().cloned())
        .collect()
}

fn value(loc: Loc, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::PolicyValue, loc, message)
}
