//! [I/O] Connections to a database: of calls, and of a look at its catalogue.
//!
//! What goes wrong is said in words of our own, with host and database and nothing else of a connection
//! string: messages of servers and drivers repeat what they were sent.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cancel;
use super::dsn::{self, Dsn};
use crate::runtime::config::Secret;

/// Longest time to wait for a connection of the network, to each address.
const DIAL: Duration = Duration::from_secs(10);
/// Longest time until a server has let us in, with all addresses.
const ENTER: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The connection string cannot be read.
    #[error("the connection string cannot be read: {0}")]
    Dsn(&'static str),
    /// A file of certificates cannot be used.
    #[error("certificate file {path}: {reason}")]
    Certificates {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The server does not let us in.
    #[error("{place}: {reason}")]
    Refused {
        /// Database and host.
        place: String,
        /// Why not.
        reason: Reason,
    },
}

/// Why a server does not let us in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing answers.
    #[error("nothing answers there ({0}); check host and port, and that PostgreSQL runs")]
    Unreachable(&'static str),
    /// Whatever answers takes too long.
    #[error("it does not answer within {} seconds", ENTER.as_secs())]
    Slow,
    /// The server has no TLS.
    #[error(
        "it has no TLS, so what is sent could be read and altered on the way; \
         `sslmode=disable` in the connection string allows that"
    )]
    NoTls,
    /// The certificate is not one that is trusted.
    #[error(
        "its certificate is not trusted ({0}); `sslrootcert=FILE` in the connection string names the \
         certificate of who issued it"
    )]
    Untrusted(&'static str),
    /// TLS failed otherwise.
    #[error("no TLS connection comes about")]
    Tls,
    /// User or password is wrong.
    #[error("user or password is wrong; correct them in the connection string")]
    Password,
    /// A password is asked for.
    #[error(
        "it asks for a password, and the connection string has none: `postgres://user:password@…`"
    )]
    NoPassword,
    /// The user may not come in.
    #[error("it does not let this user in: there is no such user, or `pg_hba.conf` says no{}", tls_hint(*.0))]
    NotAllowed(
        /// Whether TLS was not tried.
        bool,
    ),
    /// The user may not use the database.
    #[error("the user may not connect to it (it lacks the right CONNECT)")]
    NoConnect,
    /// There is no such database.
    #[error("there is no such database; correct its name in the connection string")]
    NoDatabase,
    /// The server is starting.
    #[error("it is starting up; try again in a moment")]
    Starting,
    /// The server is stopping.
    #[error("it is shutting down")]
    Stopping,
    /// The server has as many connections as it takes.
    #[error("it has no connection left")]
    Full,
    /// Another refusal, by its SQLSTATE.
    #[error("it refuses (SQLSTATE {0})")]
    Other(String),
    /// What answers is not PostgreSQL, or the connection ended.
    #[error("the connection ended before it let us in; is it PostgreSQL?")]
    Broken,
}

fn tls_hint(plain: bool) -> &'static str {
    match plain {
        true => ", or that it must use TLS (`sslmode=require`)",
        false => "",
    }
}

impl Reason {
    /// Whether it may be otherwise in a moment.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Slow
                | Self::Starting
                | Self::Stopping
                | Self::Full
                | Self::Broken
        )
    }
}

/// A connection, and the task that carries it: it ends when the client is dropped or the connection does.
pub type Connected = (Client, JoinHandle<()>);

/// Where a database is and how it is reached: a connection string that was read.
#[derive(Clone)]
pub struct Target {
    dsn: Dsn,
    tls: Option<MakeRustlsConnect>,
    place: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place)
    }
}

impl Target {
    /// Reads a connection string; `ca_certs` are PEM files with certificates to trust besides the system's.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a file of certificates cannot be used.
    pub fn new(dsn: &Secret, ca_certs: &[PathBuf]) -> Result<Self, ConnectError> {
        let mut dsn = dsn::read(dsn.reveal())?;
        dsn.config.connect_timeout(DIAL);
        let tls = match dsn.config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(tls(dsn.root_cert.as_deref(), ca_certs)?),
        };
        let place = dsn::place(&dsn.config);
        Ok(Self { dsn, tls, place })
    }

    /// Host and database, in words: ``database `shop` at db.example:5432``.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Opens a connection under an application's name, which PostgreSQL shows in `pg_stat_activity`.
    ///
    /// # Errors
    ///
    /// The server does not let us in.
    pub async fn connect(&self, application: &str) -> Result<Connected, ConnectError> {
        let mut config = self.dsn.config.clone();
        config.application_name(application);
        let entered = tokio::time::timeout(ENTER, self.enter(&config)).await;
        let entered = entered.map_err(|_| Reason::Slow);
        let refused = |reason| ConnectError::Refused {
            place: self.place.clone(),
            reason,
        };
        match entered.map_err(refused)? {
            Ok(connected) => Ok(connected),
            Err(error) => Err(refused(reason(&error, self.dsn.plain_by_default))),
        }
    }

    async fn enter(
        &self,
        config: &tokio_postgres::Config,
    ) -> Result<Connected, tokio_postgres::Error> {
        // What ends a connection is seen by whoever uses its client.
        if let Some(tls) = &self.tls {
            let (client, connection) = config.connect(tls.clone()).await?;
            let task = tokio::spawn(async move { drop(connection.await) });
            return Ok((client, task));
        }
        let (client, connection) = config.connect(NoTls).await?;
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok((client, task))
    }

    /// Asks the server, over a connection of its own, to end what another one is doing.
    ///
    /// # Errors
    ///
    /// It could not be asked. That it was asked does not say that there was something to end.
    pub async fn cancel(&self, token: &CancelToken) -> Result<(), ConnectError> {
        let asking = cancel::cancel(&self.dsn.config, self.tls.as_ref(), token);
        let asked = tokio::time::timeout(ENTER, asking);
        let reason = match asked.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => reason(&error, self.dsn.plain_by_default),
            Err(_) => Reason::Slow,
        };
        let place = self.place.clone();
        Err(ConnectError::Refused { place, reason })
    }
}

/// TLS that verifies certificates: those that `root_cert` issued, or those of the system's issuers and of
/// `ca_certs`.
fn tls(root_cert: Option<&Path>, ca_certs: &[PathBuf]) -> Result<MakeRustlsConnect, ConnectError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unusable = |path: &str, error: &dyn std::fmt::Display| ConnectError::Certificates {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("of the system", &error))?;
    if let Some(path) = root_cert {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in certificates(path)? {
            let added = roots.add(certificate);
            added.map_err(|error| unusable(&path.display().to_string(), &error))?;
        }
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        return Ok(MakeRustlsConnect::new(config));
    }
    let mut more = Vec::new();
    for path in ca_certs {
        more.extend(certificates(path)?);
    }
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(more, provider)
        .map_err(|error| unusable("of the system", &error))?;
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The certificates of a PEM file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let unusable = |reason: String| ConnectError::Certificates {
        path: path.display().to_string(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| unusable("it is not PEM".to_owned()))?;
    match found.is_empty() {
        true => Err(unusable("it holds no certificate".to_owned())),
        false => Ok(found),
    }
}

/// What an error of the driver means. Its own words may have anything of the connection string.
fn reason(error: &tokio_postgres::Error, plain_by_default: bool) -> Reason {
    if let Some(code) = error.code() {
        return refusal(code, plain_by_default);
    }
    let mut cause = error.source();
    while let Some(next) = cause {
        if let Some(found) = next.downcast_ref::<rustls::Error>() {
            return untrusted(found);
        }
        if let Some(found) = next.downcast_ref::<io::Error>() {
            let inner = found.get_ref().and_then(|inner| inner.downcast_ref());
            if let Some(found) = inner {
                return untrusted(found);
            }
            let connecting = error.to_string() == "error connecting to server";
            return unreachable(found.kind(), connecting);
        }
        cause = next.source();
    }
    // The driver has no other sign of these; its texts are constant.
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    match (error.to_string().as_str(), words.as_str()) {
        ("error performing TLS handshake", "server does not support TLS") => Reason::NoTls,
        ("error performing TLS handshake", _) => Reason::Tls,
        (_, "password missing") => Reason::NoPassword,
        ("authentication error", _) => Reason::Password,
        _ => Reason::Broken,
    }
}

fn refusal(code: &SqlState, plain: bool) -> Reason {
    match code.code() {
        "28P01" => Reason::Password,
        "28000" => Reason::NotAllowed(plain),
        "42501" => Reason::NoConnect,
        "3D000" => Reason::NoDatabase,
        // What PostgreSQL says of a start, a stop and a recovery alike (cannot_connect_now).
        "57P03" => Reason::Starting,
        "57P01" | "57P02" => Reason::Stopping,
        "53300" => Reason::Full,
        other => Reason::Other(other.to_owned()),
    }
}

fn untrusted(error: &rustls::Error) -> Reason {
    use rustls::CertificateError as C;
    let rustls::Error::InvalidCertificate(error) = error else {
        return Reason::Tls;
    };
    Reason::Untrusted(match error {
        C::Expired | C::ExpiredContext { .. } => "it has expired",
        C::NotValidYet | C::NotValidYetContext { .. } => "it is not valid yet",
        C::NotValidForName | C::NotValidForNameContext { .. } => "it is for another host",
        C::UnknownIssuer => "nobody knows who issued it",
        C::Revoked => "it was revoked",
        _ => "it cannot be used",
    })
}

fn unreachable(kind: io::ErrorKind, connecting: bool) -> Reason {
    use io::ErrorKind as K;
    match kind {
        K::ConnectionRefused => Reason::Unreachable("the connection was refused"),
        K::NotFound => Reason::Unreachable("there is no such socket"),
        K::PermissionDenied => Reason::Unreachable("this process may not use it"),
        K::TimedOut => Reason::Unreachable("no answer in time"),
        K::HostUnreachable | K::NetworkUnreachable => Reason::Unreachable("there is no way to it"),
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::UnexpectedEof => {
            Reason::Broken
        }
        K::InvalidData => Reason::Tls,
        // Names that are not found have no kind of their own.
        _ if connecting => Reason::Unreachable("the host is not known"),
        _ => Reason::Broken,
    }
}
