//! [I/O] The files that a document refers to, as far as its owner allows: those of named folders, and
//! of named hosts. Nothing else is opened or asked.
//!
//! A file that may not be read, or cannot be, is no failure here: whatever refers to it is told why.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde_json::Value;
use url::{Host, Url};

use super::folders::{self, Folder};
use super::{FetchError, FetchOptions, http};
use crate::diag::{Code, Diagnostics, FileId, Severity};
use crate::input::documents::{Documents, Refusal};
use crate::source::{Budget, Source, Sources};

/// Files that one document may draw in, those that could not be read among them.
const FILES_MAX: usize = 10_000;
/// Time for all files together.
const TIME: Duration = Duration::from_secs(30);

/// What a document may refer to beside itself.
#[derive(Debug, Clone, Default)]
pub struct RefOptions {
    /// Folders; if there is none, that of the document, if it is a file.
    pub folders: Vec<PathBuf>,
    /// Hosts.
    pub hosts: Vec<RefHost>,
}

/// A host that may be asked for files: `host`, which means its usual port, or `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefHost {
    host: Host<String>,
    port: Option<u16>,
}

impl FromStr for RefHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "write a host, as in specs.example.com or localhost:8080";
        if text.contains(['/', '?', '#', '@', '\\', '*', '%']) {
            return Err(wrong.to_owned());
        }
        let url = Url::parse(&format!("https://{text}")).map_err(|_| wrong)?;
        let host = url.host().ok_or(wrong)?.to_owned();
        // A URL leaves its usual port out.
        let usual = text.ends_with(":443").then_some(443);
        let port = url.port().or(usual);
        Ok(Self { host, port })
    }
}

impl fmt::Display for RefHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

impl RefHost {
    fn is_of(&self, url: &Url) -> bool {
        let usual = if url.scheme() == "https" { 443 } else { 80 };
        let host = url.host().map(|host| host.to_owned());
        host.as_ref() == Some(&self.host)
            && url.port_or_known_default() == Some(self.port.unwrap_or(usual))
    }
}

/// Reads what a document refers to; its own text is the first of `sources`, and those of the files are
/// added to them. `doc` is what was typed for it.
///
/// # Errors
/// A folder that was named cannot be used.
pub async fn follow(
    doc: &str,
    tree: Value,
    sources: &mut Sources,
    options: &FetchOptions,
    diags: &mut Diagnostics,
) -> Result<Documents, FetchError> {
    let folders = folders_of(doc, sources.main(), &options.refs)?;
    let address = address_of(doc, sources.main(), &folders);
    let mut loader = Loader {
        options,
        folders,
        bytes: options
            .budget_bytes
            .saturating_sub(sources.main().text.len()),
        nodes: Budget::default().nodes.saturating_sub(count(&tree)),
        asked: 0,
        deadline: Instant::now().checked_add(TIME),
        documents: Documents::at(tree, address),
        waiting: VecDeque::from([FileId::MAIN]),
        sources,
        diags,
    };
    while let Some(file) = loader.waiting.pop_front() {
        for candidates in loader.documents.references(file) {
            loader.first_of(&candidates).await;
        }
    }
    Ok(loader.documents)
}

/// The folders that were named, or that of the document.
fn folders_of(doc: &str, source: &Source, options: &RefOptions) -> Result<Vec<Folder>, FetchError> {
    let is_file = source.url.is_none() && doc != "-";
    let own = Path::new(doc).parent().filter(|_| is_file);
    if options.folders.is_empty() {
        return own.map(Folder::new).into_iter().collect();
    }
    options
        .folders
        .iter()
        .map(|path| Folder::new(path))
        .collect()
}

/// Where the document's own references start: a document from standard input is taken for one of the
/// first folder.
fn address_of(doc: &str, source: &Source, folders: &[Folder]) -> Option<Url> {
    if doc == "-" {
        return Url::from_directory_path(folders.first()?.real()).ok();
    }
    address(doc, source)
}

/// The address of a document that was read from a URL or a file; `doc` is what was typed for it.
pub fn address(doc: &str, source: &Source) -> Option<Url> {
    if let Some(url) = &source.url {
        return Some(url.clone());
    }
    let path = Path::new(doc);
    let folder = Folder::new(path.parent()?).ok()?;
    Url::from_file_path(folder.real().join(path.file_name()?)).ok()
}

struct Loader<'a> {
    options: &'a FetchOptions,
    folders: Vec<Folder>,
    /// What is left of the budgets.
    bytes: usize,
    nodes: usize,
    asked: usize,
    deadline: Option<Instant>,
    documents: Documents,
    /// Files whose references were not looked at yet.
    waiting: VecDeque<FileId>,
    sources: &'a mut Sources,
    diags: &'a mut Diagnostics,
}

impl Loader<'_> {
    /// Makes sure that one of the addresses is known, or else why none of them is.
    async fn first_of(&mut self, candidates: &[Url]) {
        for url in candidates {
            if self.documents.find(url).is_some() {
                return;
            }
            if self.documents.refusal(url).is_some() {
                continue;
            }
            match self.load(url).await {
                Ok(()) => return,
                Err(refusal) => self.documents.refuse(url, refusal),
            }
        }
    }

    async fn load(&mut self, url: &Url) -> Result<(), Refusal> {
        self.asked += 1;
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
            .unwrap_or_default();
        if self.asked > FILES_MAX {
            let reason = format!("is one of more than {FILES_MAX} files");
            return Err(refusal(Code::UnreadableRef, &reason, FIXED));
        }
        if left.is_zero() {
            let reason = "is not read: all files took more than 30 seconds";
            return Err(refusal(Code::UnreadableRef, reason, FIXED));
        }
        match url.scheme() {
            "file" => self.file(url, left),
            "http" | "https" => self.host(url, left).await,
            scheme => Err(refusal(
                Code::ExternalRef,
                &format!("is not read: {scheme}: is no address of a file or an https host"),
                "copy the definition into the document",
            )),
        }
    }

    fn file(&mut self, url: &Url, left: Duration) -> Result<(), Refusal> {
        let path = url.to_file_path().ok().filter(|_| is_plain(url));
        let Some(path) = path else {
            return Err(refusal(
                Code::ExternalRef,
                "is no path of this machine",
                "write the path with `/` and without escapes for it",
            ));
        };
        let opened = folders::open(&path, &self.folders)?;
        let address = Url::from_file_path(&opened.real).ok();
        let known = address.as_ref().and_then(|url| self.documents.find(url));
        if let Some((file, "")) = known {
            self.documents.alias(url, file);
            return Ok(());
        }
        let source = super::read(opened.file, &opened.name, self.bytes);
        self.add(url, address, source, left)
    }

    async fn host(&mut self, url: &Url, left: Duration) -> Result<(), Refusal> {
        let host = url.host_str().unwrap_or_default();
        if !self
            .options
            .refs
            .hosts
            .iter()
            .any(|allowed| allowed.is_of(url))
        {
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            return Err(refusal(
                Code::ExternalRef,
                "is on a host that may not be asked",
                &format!("allow it with --refs-host {host}{port}, if it may be asked"),
            ));
        }
        if url.scheme() == "http" && !self.options.allow_http && !http::is_loopback(url) {
            return Err(refusal(
                Code::ExternalRef,
                "is not encrypted, so anyone on the way could change it",
                "refer to it by https, or allow it with --allow-http",
            ));
        }
        let limit = self.bytes;
        let answer = tokio::time::timeout(left, http::download_ref(url, self.options, limit)).await;
        let source = answer.unwrap_or_else(|_| {
            Err(FetchError::Timeout {
                name: http::bare(url).to_string(),
                limit: TIME,
            })
        });
        let address = source.as_ref().ok().and_then(|source| source.url.clone());
        self.add(url, address, source, left)
    }

    /// Reads a file's text and adds its tree, under the address that was asked and its own.
    fn add(
        &mut self,
        asked: &Url,
        address: Option<Url>,
        source: Result<Source, FetchError>,
        left: Duration,
    ) -> Result<(), Refusal> {
        let unusable = |reason: String| {
            refusal(
                Code::UnreadableRef,
                &format!("cannot be used: {reason}"),
                "correct the reference, or what it leads to",
            )
        };
        let source = source.map_err(|error| match error {
            FetchError::TooLarge { name, .. } => {
                let most = self.options.budget_bytes;
                unusable(format!(
                    "with `{name}`, the document's files are more than {most} bytes"
                ))
            }
            error => unusable(error.to_string()),
        })?;
        let budget = Budget {
            bytes: self.bytes,
            nodes: self.nodes,
            time: left,
            ..Budget::default()
        };
        let mut found = Diagnostics::default();
        let tree = source.parse(&budget, &mut found);
        let name = source.name.clone();
        self.bytes = self.bytes.saturating_sub(source.text.len());
        let id = self.sources.add(source);
        for diagnostic in found.iter() {
            let mut diagnostic = diagnostic.clone();
            // Whatever refers to the file is left out; the rest of the document is not.
            diagnostic.severity = diagnostic.severity.min(Severity::Warning);
            diagnostic.loc = diagnostic.loc.map(|loc| loc.of(id));
            self.diags.push(diagnostic);
        }
        let Some(tree) = tree else {
            let help = format!("correct `{name}`, as the finding about it says");
            return Err(refusal(
                Code::UnreadableRef,
                "leads to a broken file",
                &help,
            ));
        };
        self.nodes = self.nodes.saturating_sub(count(&tree));
        self.documents.add(id, tree, address);
        self.documents.alias(asked, id);
        self.waiting.push_back(id);
        Ok(())
    }
}

const FIXED: &str = "this limit is fixed; bundle the document into fewer files";

/// Whether a path means the same before and after its escapes are decoded.
fn is_plain(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    let escapes = ["%2f", "%5c", "%00", "%2e"];
    url.host().is_none() && !escapes.iter().any(|escape| path.contains(escape))
}

/// Values of a tree.
fn count(tree: &Value) -> usize {
    let mut count = 0;
    let mut waiting = vec![tree];
    while let Some(value) = waiting.pop() {
        count += 1;
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(entries) => waiting.extend(entries.values()),
            _ => {}
        }
    }
    count
}

pub(super) fn refusal(code: Code, reason: &str, help: &str) -> Refusal {
    Refusal {
        code,
        reason: reason.to_owned(),
        help: help.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_with_their_port() {
        for (text, url, want) in [
            ("a.example", "https://a.example/x", true),
            ("A.example", "https://a.example:443/x", true),
            ("a.example", "https://a.example:8443/x", false),
            ("a.example:8443", "https://a.example:8443/x", true),
            ("a.example:443", "https://a.example/x", true),
            ("a.example:443", "http://a.example/x", false),
            ("a.example", "https://b.a.example/x", false),
            ("a.example", "https://a.example.evil/x", false),
            ("localhost:8080", "http://localhost:8080/", true),
            ("localhost", "http://localhost:8080/", false),
            ("[::1]:80", "http://[::1]/", true),
            ("[::1]", "http://[::1]/", true),
            ("127.0.0.1", "http://0x7f.1/", true),
        ] {
            let host: RefHost = text.parse().unwrap();
            assert_eq!(host.is_of(&Url::parse(url).unwrap()), want, "{text} {url}");
            assert_eq!(host.to_string().parse::<RefHost>().unwrap(), host);
        }
        for text in [
            "",
            "https://a.example",
            "a/b",
            "u@a",
            "a.example:x",
            "*",
            "a b",
        ] {
            assert!(text.parse::<RefHost>().is_err(), "{text}");
        }
    }
}
