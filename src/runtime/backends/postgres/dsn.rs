//! Connection strings: what the driver does not read in them is read here. Nothing of one is ever printed
//! but host and database.

use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::connect::ConnectError;

/// The port where none is given.
const PORT: u16 = 5432;

/// A connection string that was read.
#[derive(Clone)]
pub(super) struct Dsn {
    /// For the driver; it has at least one host.
    pub(super) config: Config,
    /// The file of the certificates that alone are trusted (`sslrootcert`).
    pub(super) root_cert: Option<PathBuf>,
    /// Whether TLS was left out because nothing asks for it.
    pub(super) plain_by_default: bool,
}

/// Reads a URL (`postgres://…`) or `key=value` pairs, as libpq does (PostgreSQL documentation, 34.1.1), but
/// for these:
///
/// - With no `sslmode`, hosts over a network are asked for TLS and must have it; a socket and this machine
///   are not. libpq would go on without it where an attacker says that there is none.
/// - A certificate is always verified, with the name of the host: `require` and `verify-ca` are
///   `verify-full`.
/// - With no host, the socket where packages have it, or `localhost`.
pub(super) fn read(text: &str) -> Result<Dsn, ConnectError> {
    let text = text.trim();
    let is_url = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let taken = if is_url {
        of_url(text)
    } else {
        of_pairs(text)?
    };
    let config: Result<Config, _> = taken.rest.parse();
    let mut config = config.map_err(|_| ConnectError::Dsn(unreadable(is_url, text)))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        usual_host(&mut config);
    }
    let (mode, plain_by_default) = match taken.mode.as_deref() {
        Some("disable") => (SslMode::Disable, false),
        Some("allow" | "prefer") => (SslMode::Prefer, false),
        Some("require" | "verify-ca" | "verify-full") => (SslMode::Require, false),
        Some(_) => return Err(ConnectError::Dsn("`sslmode` has a value that there is not")),
        None if is_local(&config) => (SslMode::Disable, true),
        None => (SslMode::Require, false),
    };
    config.ssl_mode(mode);
    Ok(Dsn {
        config,
        root_cert: taken.root_cert.map(PathBuf::from),
        plain_by_default,
    })
}

/// Host and database: ``database `shop` at db.example:5432``.
pub(super) fn place(config: &Config) -> String {
    let mut hosts = Vec::new();
    let ports = config.get_ports();
    let port = |index: usize| {
        let port = ports.get(index).or(ports.first());
        port.copied().unwrap_or(PORT)
    };
    for (index, host) in config.get_hosts().iter().enumerate() {
        hosts.push(match host {
            Host::Tcp(host) => format!("{host}:{}", port(index)),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        });
    }
    if hosts.is_empty() {
        let addresses = config.get_hostaddrs().iter().enumerate();
        hosts.extend(addresses.map(|(index, address)| format!("{address}:{}", port(index))));
    }
    let hosts = hosts.join(", ");
    match config.get_dbname().or(config.get_user()) {
        Some(database) => format!("database `{database}` at {hosts}"),
        None => format!("the database at {hosts}"),
    }
}

/// What was taken out of a connection string, and what is left of it.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    rest: String,
    mode: Option<String>,
    root_cert: Option<String>,
}

impl Taken {
    /// Takes a pair out; false if it stays.
    fn takes(&mut self, key: &str, value: &str) -> bool {
        let slot = match key {
            "sslmode" => &mut self.mode,
            "sslrootcert" => &mut self.root_cert,
            _ => return false,
        };
        *slot = Some(value.to_owned());
        true
    }
}

fn of_url(text: &str) -> Taken {
    let mut taken = Taken::default();
    // A password may have a question mark.
    let host = text.find('@').unwrap_or(0);
    let query = text.get(host..).and_then(|rest| rest.find('?'));
    let Some((head, query)) = query.and_then(|at| text.split_at_checked(host + at)) else {
        text.clone_into(&mut taken.rest);
        return taken;
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = query.trim_start_matches('?').split('&');
    let left: Vec<&str> = pairs
        .filter(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            !taken.takes(&decoded(key), &decoded(value))
        })
        .collect();
    taken.rest = match left.is_empty() {
        true => head.to_owned(),
        false => format!("{head}?{}", left.join("&")),
    };
    taken
}

fn of_pairs(text: &str) -> Result<Taken, ConnectError> {
    let unreadable = || ConnectError::Dsn(unreadable(false, text));
    let mut taken = Taken::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(unreadable)?;
        let (value, length) = value(after.trim_start()).ok_or_else(unreadable)?;
        let length = after.len() - after.trim_start().len() + length;
        let (written, after) = after.split_at_checked(length).ok_or_else(unreadable)?;
        if !taken.takes(key.trim(), &value) {
            taken
                .rest
                .push_str(&format!("{}={} ", key.trim(), written.trim_start()));
        }
        rest = after.trim_start();
    }
    Ok(taken)
}

/// The value that a text begins with, and how many bytes are it.
fn value(text: &str) -> Option<(String, usize)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '\'' if quoted => return Some((value, at + 1)),
            c if !quoted && c.is_ascii_whitespace() => return Some((value, at)),
            c => value.push(c),
        }
    }
    (!quoted).then_some((value, text.len()))
}

fn unreadable(is_url: bool, text: &str) -> &'static str {
    if is_url && text.contains('?') {
        "an option behind `?` is not one that is known here, as `sslmode` and `connect_timeout` are; or a \
         special character of the user or password is not percent-encoded (`@` is %40, `/` is %2F)"
    } else if is_url {
        "in a URL, special characters of a user or password are percent-encoded (`@` is %40, `/` is %2F)"
    } else if text.contains("://") {
        "it begins with `postgres://`, or is pairs such as `host=db.example dbname=shop`"
    } else {
        "it is `postgres://user@host/database`, or pairs such as `host=db.example dbname=shop`"
    }
}

/// Whether what is sent stays on this machine.
fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    let hosts = config.get_hosts().iter().all(|host| match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(host) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let address = bare.parse::<IpAddr>();
            // An address that is given beside a name is what is dialled.
            !addresses.is_empty() || host == "localhost" || address.is_ok_and(|a| a.is_loopback())
        }
    });
    hosts && addresses.iter().all(IpAddr::is_loopback)
}

/// Where libpq looks without a host.
fn usual_host(config: &mut Config) {
    #[cfg(unix)]
    {
        let port = config.get_ports().first().copied().unwrap_or(PORT);
        for folder in ["/var/run/postgresql", "/tmp"] {
            if std::path::Path::new(&format!("{folder}/.s.PGSQL.{port}")).exists() {
                config.host_path(folder);
                return;
            }
        }
    }
    config.host("localhost");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        match read(text) {
            Ok(dsn) => format!(
                "{} {:?} {:?} {}",
                place(&dsn.config),
                dsn.config.get_ssl_mode(),
                dsn.config.get_password().map(String::from_utf8_lossy),
                dsn.root_cert.unwrap_or_default().display(),
            ),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn both_forms_are_read() {
        for (text, expected) in [
            (
                "postgres://a:b%40c@db.example/shop",
                r#"database `shop` at db.example:5432 Require Some("b@c") "#,
            ),
            (
                "postgresql://a@db.example:1,other:2/shop?sslmode=disable",
                "database `shop` at db.example:1, other:2 Disable None ",
            ),
            (
                "postgres://a@db.example/shop?connect_timeout=3&sslmode=verify-full&sslrootcert=%2Fca.pem",
                "database `shop` at db.example:5432 Require None /ca.pem",
            ),
            (
                "postgres://a:b?c@localhost/shop",
                r#"database `shop` at localhost:5432 Disable Some("b?c") "#,
            ),
            (
                "postgres://a@127.0.0.1/shop?sslmode=require",
                "database `shop` at 127.0.0.1:5432 Require None ",
            ),
            (
                "postgres://a@%2Ftmp%2Fx/shop",
                "database `shop` at /tmp/x Disable None ",
            ),
            (
                " host=db.example  dbname = 'my shop' password='it\\'s' sslmode=prefer user=a",
                r#"database `my shop` at db.example:5432 Prefer Some("it's") "#,
            ),
            (
                "host=db.example sslrootcert='/a b.pem' user=a",
                "database `a` at db.example:5432 Require None /a b.pem",
            ),
            (
                "host=db.example hostaddr=127.0.0.1 user=a",
                "database `a` at db.example:5432 Disable None ",
            ),
            (
                "host=localhost hostaddr=192.0.2.1 user=a",
                "database `a` at localhost:5432 Require None ",
            ),
        ] {
            assert_eq!(seen(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        for text in [
            "postgres://a:s3cret/@db.example:x/shop",
            "postgres://a:s3cret@db.example/shop?s3cret=1",
            "host=db.example password=s3cret s3cret",
            "host=db.example password='s3cret",
            "mysql://a:s3cret@db.example/shop",
            "postgres://a:s3cret@db.example/shop?sslmode=s3cret",
            "s3cret",
        ] {
            let said = read(text).err().map(|error| error.to_string());
            let said = said.unwrap_or_else(|| panic!("{text} was read"));
            assert!(
                said.starts_with("the connection string cannot be read: "),
                "{said}"
            );
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
