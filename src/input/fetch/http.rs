//! [I/O] One document over HTTP: redirects, TLS and the size of the body under control.

use reqwest::{Response, header};
use url::{Host, Url};

use super::{FetchError, FetchOptions, decode};
use crate::runtime::backends::http::{client, is_private};
use crate::source::Source;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;

/// Fetches `url`, which is `http` or `https`. The caller limits the time.
pub(super) async fn download(url: Url, options: &FetchOptions) -> Result<Source, FetchError> {
    get(url, options, options.budget_bytes, follow).await
}

/// Fetches a file that a document refers to; redirects stay on its host. The caller has checked the
/// host and limits the time.
pub(super) async fn download_ref(
    url: &Url,
    options: &FetchOptions,
    limit: usize,
) -> Result<Source, FetchError> {
    get(url.clone(), options, limit, stay).await
}

async fn get(
    mut url: Url,
    options: &FetchOptions,
    limit: usize,
    follow: fn(&Url, Url) -> Result<Url, FetchError>,
) -> Result<Source, FetchError> {
    let named = url.host_str().map(str::to_owned);
    let client = client(
        &options.ca_certs,
        options.proxy.as_deref(),
        named.as_deref().into_iter(),
        &[],
    )?;
    let mut name = String::new();
    for _ in 0..=MAX_REDIRECTS {
        name = bare(&url).to_string();
        if url.scheme() != "https" && !options.allow_http && !is_loopback(&url) {
            return Err(FetchError::PlainHttp { name });
        }
        let request = client
            .get(url.clone())
            .header(header::ACCEPT, "application/json, */*;q=0.9");
        let response = request
            .send()
            .await
            .map_err(|error| failure(&name, &error))?;
        let status = response.status();
        let location = response.headers().get(header::LOCATION);
        let target = location.and_then(|value| url.join(value.to_str().ok()?).ok());
        match target.filter(|_| status.is_redirection()) {
            Some(target) => url = follow(&url, target)?,
            None if status.is_success() => {
                let bytes = body(response, &name, limit).await?;
                let source = decode(bytes, &name)?;
                let url = Some(bare(&url));
                return Ok(Source { url, ..source });
            }
            None => {
                let status = status.as_u16();
                return Err(FetchError::Status { name, status });
            }
        }
    }
    Err(FetchError::Redirect {
        name,
        target: bare(&url).to_string(),
        reason: "after 5 redirects already",
    })
}

/// The target of a redirect, if it may be followed. The owner named one origin; a private address
/// that only the redirect names is not dialled.
fn follow(from: &Url, target: Url) -> Result<Url, FetchError> {
    let same_host = from.host() == target.host();
    let reason = match (from.scheme(), target.scheme()) {
        _ if from.origin() != target.origin() && is_private(&target) => "a private address",
        (_, "https") => return Ok(target),
        ("https", "http") => "which is not encrypted",
        ("http", "http") if same_host => return Ok(target),
        ("http", "http") => "another host, without encryption",
        _ => "which is neither http:// nor https://",
    };
    Err(FetchError::Redirect {
        name: bare(from).to_string(),
        target: bare(&target).to_string(),
        reason,
    })
}

/// The target of a redirect that stays on its host.
fn stay(from: &Url, target: Url) -> Result<Url, FetchError> {
    if from.origin() == target.origin() {
        return Ok(target);
    }
    Err(FetchError::Redirect {
        name: bare(from).to_string(),
        target: bare(&target).to_string(),
        reason: "another host, which was not named",
    })
}

async fn body(mut response: Response, name: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| failure(name, &error))?
    {
        if bytes.len() + chunk.len() > limit {
            let name = name.to_owned();
            return Err(FetchError::TooLarge { name, limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What a failed request means. The client's own message is not shown: it has the whole URL.
fn failure(name: &str, error: &reqwest::Error) -> FetchError {
    let (name, reason) = (name.to_owned(), innermost(error));
    let about_tls = ["certificate", "tls", "handshake"];
    let lower = reason.to_ascii_lowercase();
    if about_tls.iter().any(|word| lower.contains(word)) {
        FetchError::Tls { name, reason }
    } else {
        FetchError::Connection { name, reason }
    }
}

/// The message of the first cause, which says the most.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The URL without user information, query and fragment.
pub(super) fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    // Both fail only for URLs without a host, which cannot have user information.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_query(None);
    bare.set_fragment(None);
    bare
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::fetch::fetch;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A server on this machine that gives every request the same answer; its address.
    async fn server(answer: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let head = "HTTP/1.1 ";
                let _ = stream.write_all([head, answer].concat().as_bytes()).await;
            }
        });
        format!("u:secret@{address}/a.json?token=secret")
    }

    #[tokio::test]
    async fn urls() {
        let cases = [
            ("200 OK\r\ncontent-length: 2\r\n\r\n{}", "{}"),
            (
                "200 OK\r\n\r\n{ and more than 20 bytes",
                "larger than 20 bytes",
            ),
            ("404 Not Found\r\n\r\n", "answered 404; check"),
            (
                "301 Moved\r\nlocation: /b?token=secret\r\n\r\n",
                "after 5 redirects",
            ),
            (
                "302 Found\r\nlocation: http://example.com/\r\n\r\n",
                "another host, without",
            ),
            (
                "302 Found\r\nlocation: file:///etc/x\r\n\r\n",
                "neither http://",
            ),
            ("200 OK\r\ncontent-length: 9\r\n\r\n{}", "cannot fetch"),
            ("200 OK\r\n\r\n{\u{80}}", "{\u{80}}"),
        ];
        let budget_bytes = 20;
        let options = FetchOptions {
            budget_bytes,
            ..FetchOptions::default()
        };
        for (answer, part) in cases {
            let url = format!("HTTP://{}", server(answer).await);
            let shown = match fetch(&url, &options).await {
                Ok(source) => {
                    assert_eq!(source.url.map(String::from), Some(source.name.clone()));
                    format!("{} {}", source.name, source.text)
                }
                Err(error) => error.to_string(),
            };
            assert!(shown.contains(part), "{answer:?}: {shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn redirects_never_lose_encryption() {
        let cases = [
            ("https://a/", "https://b/", true),
            ("https://a/", "http://a/", false),
            ("http://a/", "http://a/x", true),
            ("http://a/", "http://b/", false),
            ("http://a/", "https://b/", true),
        ];
        for (from, to, allowed) in cases {
            let [from, to] = [from, to].map(|url| Url::parse(url).unwrap());
            assert_eq!(follow(&from, to).is_ok(), allowed);
        }
    }
}
