//! [I/O] A path, a URL or stdin becomes a [`Source`], within a budget of bytes and time.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::diag::nearest::nearest;
use crate::source::Source;

mod error;
mod folders;
mod http;
mod refs;

pub use error::FetchError;
pub use refs::{RefHost, RefOptions, address, follow};

/// The names a document usually has, looked for in a directory.
const USUAL_NAMES: [&str; 6] = [
    "openapi.yaml",
    "openapi.yml",
    "openapi.json",
    "swagger.yaml",
    "swagger.yml",
    "swagger.json",
];

/// How documents are fetched.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Whether `http://` is allowed for hosts other than this machine.
    pub allow_http: bool,
    /// PEM files with certificate authorities to trust beside those of the system.
    pub ca_certs: Vec<PathBuf>,
    /// The proxy for URLs; the proxy variables of the environment are not read.
    pub proxy: Option<String>,
    /// What the document may refer to.
    pub refs: RefOptions,
    /// The largest document in bytes, after decompression.
    pub budget_bytes: usize,
    /// The time for a URL, redirects and body included.
    pub timeout: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            allow_http: false,
            ca_certs: Vec::new(),
            proxy: None,
            refs: RefOptions::default(),
            budget_bytes: 64 << 20,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Fetches a document: `-` is stdin, `http://` and `https://` are URLs, the rest are paths.
///
/// # Errors
/// Whatever keeps the whole document from being read as UTF-8 text within the budget.
pub async fn fetch(doc: &str, options: &FetchOptions) -> Result<Source, FetchError> {
    if doc == "-" {
        let limit = options.budget_bytes;
        return blocking("<stdin>", move || {
            read(io::stdin().lock(), "<stdin>", limit)
        })
        .await;
    }
    let Some((scheme, _)) = doc
        .split_once("://")
        .filter(|(scheme, _)| is_scheme(scheme))
    else {
        let (path, limit) = (doc.to_owned(), options.budget_bytes);
        return blocking(doc, move || read_file(&path, limit)).await;
    };
    // What is no URL may still have a password in it, so it is not repeated.
    let url = Url::parse(doc).map_err(|error| FetchError::BadUrl {
        name: format!("{scheme}://…"),
        reason: error.to_string(),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(FetchError::BadUrl {
            name: http::bare(&url).to_string(),
            reason: format!("{}:// is not supported", url.scheme()),
        });
    }
    let limit = options.timeout;
    let name = http::bare(&url).to_string();
    match tokio::time::timeout(limit, http::download(url, options)).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::Timeout { name, limit }),
    }
}

/// RFC 3986 §3.1; a single letter is a drive, not a scheme.
fn is_scheme(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_part)
}

async fn blocking(
    name: &str,
    work: impl FnOnce() -> Result<Source, FetchError> + Send + 'static,
) -> Result<Source, FetchError> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|error| {
        Err(FetchError::Unreadable {
            name: name.to_owned(),
            reason: io::Error::other(error),
        })
    })
}

fn read_file(path: &str, limit: usize) -> Result<Source, FetchError> {
    if Path::new(path).is_dir() {
        let names = USUAL_NAMES.iter().map(|name| Path::new(path).join(name));
        let inside = names.into_iter().find(|file| file.is_file());
        return Err(FetchError::Directory {
            path: path.to_owned(),
            inside: inside.map(|file| file.display().to_string()),
        });
    }
    match File::open(path) {
        Ok(file) => read(file, path, limit),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FetchError::NotFound {
            path: path.to_owned(),
            similar: similar_file(Path::new(path)),
        }),
        Err(reason) => Err(FetchError::Unreadable {
            name: path.to_owned(),
            reason,
        }),
    }
}

fn read(input: impl Read, name: &str, limit: usize) -> Result<Source, FetchError> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    input
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|reason| FetchError::Unreadable {
            name: name.to_owned(),
            reason,
        })?;
    if bytes.len() > limit {
        let name = name.to_owned();
        return Err(FetchError::TooLarge { name, limit });
    }
    decode(bytes, name)
}

fn decode(bytes: Vec<u8>, name: &str) -> Result<Source, FetchError> {
    let name = name.to_owned();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(FetchError::Utf16 { name });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            Err(FetchError::NotUtf8 { name, line, column })
        }
    }
}

/// The file beside `path` whose name is the most like it, if one is.
fn similar_file(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    let entries = std::fs::read_dir(parent.unwrap_or(Path::new("."))).ok()?;
    let names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let close = nearest(wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(close).display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_refused_without_asking() {
        let cases = [
            ("http://example.com/x?token=secret", "not encrypted"),
            (
                "ftp://example.com/x?token=secret",
                "ftp:// is not supported",
            ),
            ("https://u:secret@/", "empty host"),
            ("git+ssh://u:secret@host/", "git+ssh:// is not supported"),
            ("no/such/dir/x", "`no/such/dir/x` does not exist"),
        ];
        for (doc, part) in cases {
            let shown = fetch(doc, &FetchOptions::default())
                .await
                .unwrap_err()
                .to_string();
            assert!(shown.contains(part), "{shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn files() {
        let dir = std::env::temp_dir().join(format!("mcpgen-fetch-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = |name: &str| dir.join(name).display().to_string();
        std::fs::write(path("openapi.yaml"), "\u{feff}a: 1").unwrap();
        std::fs::write(path("latin1"), b"a: \xe4").unwrap();
        std::fs::write(path("utf16"), b"\xff\xfea\0").unwrap();
        let cases = [
            ("openapi.yaml", "a: 1"),
            ("openapi.yml", "did you mean"),
            ("", "openapi.yaml`?"),
            ("latin1", "at line 1, column 4;"),
            ("utf16", "is UTF-16"),
            ("something else", "does not exist"),
        ];
        for (name, part) in cases {
            let shown = match read_file(&path(name), 20) {
                Ok(source) => source.text,
                Err(error) => error.to_string(),
            };
            assert!(shown.contains(part), "{name}: {shown}");
        }
        assert!(read_file(&path("openapi.yaml"), 3).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
