//! Fetch, read, compile: what every command does first.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::options::{DocOptions, is_connection_string};
use super::progress::Progress;
use crate::catalog::Catalog;
use crate::compile::{Compiled, compile};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Loc, Severity, render};
use crate::input::documents::Documents;
use crate::input::fetch::FetchOptions;
use crate::input::overlay::{Overlaid, Overlay, Room};
use crate::input::{fetch, openapi};
use crate::policy::{self, Policy};
use crate::runtime::config::Secret;
use crate::source::{Budget, Origins, Source, Sources};

mod database;
mod served;
mod unset;
mod wanted;

pub(super) use served::{config, reachable, server};
pub(super) use wanted::Wanted;

/// What a command works with, read and compiled, with what was found.
pub(super) struct Loaded {
    pub(super) sources: Sources,
    pub(super) diags: Diagnostics,
    /// `None` if a document could not be read at all; the diagnostics say why.
    pub(super) compiled: Option<(Vec<Catalog>, Compiled)>,
    pub(super) policy: Policy,
    /// What else reaches an upstream.
    egress: FetchOptions,
    /// Connection strings that the command line has, by source.
    dsns: Vec<(String, Secret)>,
}

/// Where requests would go if there were an upstream; no such host can exist (RFC 6761 §6.4).
const MOCK_URL: &str = "https://mock.invalid";

/// What is wanted beyond what a document becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    /// Nothing.
    Nothing,
    /// Samples of responses; a document without servers is served all the same.
    Mock,
    /// Whether a 3.0 document is strictly one.
    Strict,
}

impl Extra {
    /// Samples of responses, if they are asked for.
    pub(super) fn mock(asked: bool) -> Self {
        if asked { Self::Mock } else { Self::Nothing }
    }
}

pub(super) async fn load(options: &DocOptions) -> anyhow::Result<Loaded> {
    load_with(options, Extra::Nothing).await
}

pub(super) async fn load_with(options: &DocOptions, extra: Extra) -> anyhow::Result<Loaded> {
    // Someone may be typing the document into the terminal.
    let progress = if options.doc == "-" {
        Progress::none()
    } else {
        Progress::start("reading the document")
    };
    // Usage errors come before anything is read.
    let mut alone = match options.is_database() {
        true => database::of_options(options)?,
        false => wanted::of_options(options)?,
    };
    let first = text_of(&alone).await?;
    if alone.database.is_none() && database::is_snapshot(&first.text) {
        alone = database::of_options(options)?;
    }
    progress.now(format!("compiling {}", render::printable(&first.name)));
    let mut diags = Diagnostics::default();
    let (mut text, document) = match &options.policy {
        Some(path) => {
            anyhow::ensure!(
                !Path::new(path).is_dir(),
                "--policy {path}: this is a directory, not a file"
            );
            let text = fetch::fetch(path, &FetchOptions::default()).await?;
            (text, Some(first))
        }
        None if policy::is_policy(&first.text) => (first, None),
        None => {
            let policy = options.policy(None)?;
            let mut read = one(&alone, first, extra).await?;
            let catalogs = read.catalog.take().into_iter().collect();
            return Ok(read.compiled(catalogs, &[alone], policy, true));
        }
    };
    let name = options.policy.as_ref().unwrap_or(&options.doc);
    let folder = folder(name)?;
    let file = policy::read(&mut text, &mut diags);
    let sources = Sources::from(text);
    let (wanted, policy) = match file {
        Some(file) => {
            let wanted = match &document {
                Some(_) => vec![options.under(alone, &file, &folder)?],
                None => options.sources(&file, &folder, &mut diags)?,
            };
            unset::report(&file, &folder, &mut diags);
            (wanted, options.policy(Some(file))?)
        }
        None => (Vec::new(), Policy::default()),
    };
    let mut found = Read {
        sources,
        diags,
        catalog: None,
    };
    let complete = !wanted.is_empty();
    let own = found.diags.iter().count();
    let catalogs = found.all(&wanted, document, extra).await?;
    let broken = policy.file.as_ref().is_some_and(|file| file.broken);
    let loaded = found.compiled(catalogs, &wanted, policy, complete);
    Ok(if broken { loaded.unusable(own) } else { loaded })
}

/// The folder that a policy's relative paths start from.
fn folder(name: &str) -> anyhow::Result<PathBuf> {
    anyhow::ensure!(
        !name.contains("://"),
        "{name}: a policy is a file of yours, not a URL"
    );
    let folder = Path::new(name).parent().unwrap_or_else(|| Path::new(""));
    Ok(folder.to_owned())
}

/// What was read so far.
struct Read {
    sources: Sources,
    diags: Diagnostics,
    catalog: Option<Catalog>,
}

impl Read {
    /// Reads sources beside what is here; `document` is the text of the only one, if it is here
    /// already.
    async fn all(
        &mut self,
        wanted: &[Wanted],
        mut document: Option<Source>,
        extra: Extra,
    ) -> anyhow::Result<Vec<Catalog>> {
        let mut catalogs = Vec::new();
        for one_wanted in wanted {
            let text = match document.take() {
                Some(text) => text,
                None => match text_of(one_wanted).await {
                    Ok(text) => text,
                    Err(error) => {
                        let loc = one_wanted.loc.clone().unwrap_or_default();
                        let found = Diagnostic::new(Code::PolicyValue, loc, error.to_string());
                        self.diags.push(match error.is::<database::Unset>() {
                            true => found.help(database::Unset::HELP),
                            false => found,
                        });
                        continue;
                    }
                },
            };
            let read = match (one(one_wanted, text, extra).await, &one_wanted.loc) {
                (Ok(read), _) => read,
                (Err(error), None) => return Err(error),
                (Err(error), Some(loc)) => {
                    let loc = match error.downcast_ref::<OfOverlay>() {
                        Some(OfOverlay(index)) => loc.beside("overlays").child(&index.to_string()),
                        None => loc.clone(),
                    };
                    let message = error.root_cause().to_string();
                    self.diags
                        .push(Diagnostic::new(Code::PolicyValue, loc, message));
                    continue;
                }
            };
            let main = self.sources.append(read.sources);
            // Two sources may have operations of one method and path.
            let label = match &one_wanted.name {
                Some(name) if wanted.len() > 1 => format!("{name}: "),
                _ => String::new(),
            };
            self.diags.append(read.diags, main, &label);
            catalogs.extend(read.catalog.map(|catalog| catalog.among(main, &label)));
        }
        Ok(catalogs)
    }

    /// Compiles what was read, if it is everything.
    fn compiled(
        mut self,
        catalogs: Vec<Catalog>,
        wanted: &[Wanted],
        mut policy: Policy,
        complete: bool,
    ) -> Loaded {
        let mut dsns = Vec::new();
        for (catalog, wanted) in catalogs.iter().zip(wanted) {
            let mut own = wanted.policy.clone();
            if let Some(spec) = own.postgres.as_mut().filter(|spec| spec.dsn.is_empty()) {
                spec.dsn = database::variable(&catalog.source);
            }
            let given = wanted
                .database
                .as_ref()
                .and_then(|database| database.dsn.clone());
            dsns.extend(given.map(|dsn| (catalog.source.clone(), dsn)));
            policy.sources.insert(catalog.source.clone(), own);
        }
        let complete = complete && catalogs.len() == wanted.len();
        let egress = wanted.first().map(|wanted| wanted.fetch.clone());
        let compiled = complete.then(|| {
            let compiled = compile(&catalogs, &policy, &mut self.diags);
            (catalogs, compiled)
        });
        Loaded {
            sources: self.sources,
            diags: self.diags,
            compiled,
            policy,
            egress: egress.unwrap_or_default(),
            dsns,
        }
    }
}

/// The text of a source: a document, or a snapshot, taken now if there is none.
async fn text_of(wanted: &Wanted) -> anyhow::Result<Source> {
    match wanted.database.is_some() && wanted.doc.is_empty() {
        true => database::asked(wanted).await,
        false => Ok(fetch::fetch(&wanted.doc, &wanted.fetch).await?),
    }
}

/// Reads one document and what it draws in.
async fn one(wanted: &Wanted, source: Source, extra: Extra) -> anyhow::Result<Read> {
    if wanted.database.is_some() {
        let mut diags = Diagnostics::default();
        let catalog = database::catalog(wanted, &source, &mut diags)?;
        return Ok(Read {
            sources: source.into(),
            diags,
            catalog,
        });
    }
    let mut sources = Sources::from(source);
    let mut diags = Diagnostics::default();
    let mut documents = None;
    if let Some(mut tree) = sources.main().parse(&Budget::default(), &mut diags) {
        overlay(wanted, &mut tree, &mut sources, &mut diags).await?;
        let found = fetch::follow(&wanted.doc, tree, &mut sources, &wanted.fetch, &mut diags);
        documents = Some(found.await?);
    }
    let catalog = documents.and_then(|documents| {
        let options = read_options(wanted, sources.main(), extra);
        read(&documents, &options, &mut diags)
    });
    Ok(Read {
        sources,
        diags,
        catalog,
    })
}

/// An error is about one of the overlays of a policy's source.
#[derive(Debug)]
struct OfOverlay(usize);

impl std::fmt::Display for OfOverlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "overlay {}", self.0)
    }
}

/// Applies the overlays, in order.
async fn overlay(
    wanted: &Wanted,
    tree: &mut Value,
    sources: &mut Sources,
    diags: &mut Diagnostics,
) -> anyhow::Result<()> {
    let address = fetch::address(&wanted.doc, sources.main());
    let (mut origins, mut room) = (Origins::default(), Room::default());
    for (index, name) in wanted.overlays.iter().enumerate() {
        anyhow::ensure!(name != "-", "--overlay: give a file or an https URL");
        let source = fetch::fetch(name, &wanted.fetch).await;
        let source = source.map_err(|error| match wanted.loc {
            Some(_) => anyhow::Error::new(error).context(OfOverlay(index)),
            None => error.into(),
        })?;
        let own_address = fetch::address(name, &source);
        let mut found = Diagnostics::default();
        let overlay = source.parse(&Budget::default(), &mut found);
        let file = sources.add(source);
        for diagnostic in found.iter() {
            let mut diagnostic = diagnostic.clone();
            diagnostic.loc = diagnostic.loc.map(|loc| loc.of(file));
            diags.push(diagnostic);
        }
        let Some(overlay) = overlay else { continue };
        let overlay = Overlay {
            tree: &overlay,
            file,
            address: own_address.as_ref(),
        };
        let mut document = Overlaid {
            tree: &mut *tree,
            address: address.as_ref(),
            origins: &mut origins,
            room: &mut room,
        };
        overlay.apply(&mut document, diags);
    }
    sources.set_origins(origins);
    Ok(())
}

/// A source that stands alone, read and compiled.
pub(super) fn compiled(source: Source, wanted: Wanted, policy: Policy, extra: Extra) -> Loaded {
    let mut diags = Diagnostics::default();
    let catalog = if wanted.database.is_some() {
        let read = database::catalog(&wanted, &source, &mut diags);
        read.ok().flatten()
    } else {
        let options = read_options(&wanted, &source, extra);
        let tree = source.parse(&Budget::default(), &mut diags);
        tree.and_then(|tree| read(&Documents::alone(tree), &options, &mut diags))
    };
    let complete = catalog.is_some();
    let read = Read {
        sources: source.into(),
        diags,
        catalog: None,
    };
    read.compiled(catalog.into_iter().collect(), &[wanted], policy, complete)
}

fn read_options(wanted: &Wanted, source: &Source, extra: Extra) -> openapi::ReadOptions {
    openapi::ReadOptions {
        source: wanted.name.clone(),
        document_url: source.url.clone(),
        base_url: wanted.base_url.clone(),
        tokens: wanted.tokens.clone(),
        trusted_origins: wanted.policy.trusted_origins.clone(),
        fallback_name: stem(&source.name),
        time: None,
        owner_headers: !wanted.policy.headers.is_empty() || wanted.policy.credential.is_some(),
        samples: extra == Extra::Mock,
        strict: extra == Extra::Strict,
    }
}

fn read(
    documents: &Documents,
    options: &openapi::ReadOptions,
    diags: &mut Diagnostics,
) -> Option<Catalog> {
    let mut catalog = openapi::read(documents, options, diags)?;
    for capability in catalog.capabilities.iter_mut().filter(|_| options.samples) {
        capability
            .base_url
            .get_or_insert_with(|| MOCK_URL.to_owned());
    }
    Some(catalog)
}

/// The file name of a path or URL without its extension.
fn stem(name: &str) -> String {
    Path::new(name)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

impl Loaded {
    /// Findings in the order of their places in the policy, then those of the documents.
    pub(super) fn in_order<'d>(&self, found: impl Iterator<Item = &'d Diagnostic>) -> Diagnostics {
        let mut all: Vec<&Diagnostic> = found.collect();
        if self.policy.file.is_some() {
            let locs: Vec<Loc> = all
                .iter()
                .map(|found| found.loc.clone().unwrap_or_default())
                .collect();
            let spans = self.sources.locate(&locs.iter().collect::<Vec<_>>());
            let places = locs.iter().zip(spans).map(|(loc, span)| match loc.file {
                FileId::MAIN => span.map_or(0, |span| span.start),
                _ => usize::MAX,
            });
            let mut ranked: Vec<_> = places.zip(all).collect();
            ranked.sort_by_key(|(place, _)| *place);
            all = ranked.into_iter().map(|(_, found)| found).collect();
        }
        let mut ordered = Diagnostics::default();
        for found in all {
            ordered.push(found.clone());
        }
        ordered
    }

    /// The same of a policy of which parts are wrong: its mistakes and nothing else. `own`: how many
    /// findings are about the policy alone.
    fn unusable(mut self, own: usize) -> Self {
        let mut mistakes = Diagnostics::default();
        for (index, found) in self.diags.iter().enumerate() {
            // What is left out of the policy could be the reason for these.
            let follows = matches!(
                found.code,
                Code::PolicySameName | Code::NothingToServe | Code::UnknownPin
            );
            if index < own || (found.severity == Severity::Error && !follows) {
                mistakes.push(found.clone());
            }
        }
        self.diags = mistakes;
        self.compiled = None;
        self
    }

    /// What was compiled, if there is something to work with; else the errors and warnings are
    /// printed to standard error and the command ends with status 1.
    pub(super) fn usable(&self) -> anyhow::Result<Option<&(Vec<Catalog>, Compiled)>> {
        if !self.diags.has_errors() {
            return Ok(self.compiled.as_ref());
        }
        // Notes would stand between an error and who has to correct it.
        let grave = self.diags.iter().filter(|d| d.severity > Severity::Note);
        let shown = self.in_order(grave);
        let mut stderr = anstream::stderr().lock();
        write!(stderr, "{}", render::text(&shown, &self.sources, true))?;
        Ok(None)
    }

    /// The document as it may be shown: of a URL, nothing that may be a credential.
    pub(super) fn shown<'a>(&'a self, doc: &'a str) -> &'a str {
        match doc {
            _ if is_connection_string(doc) => "postgres://…",
            _ if doc.contains("://") => &self.sources.main().name,
            _ => doc,
        }
    }

    /// Says on standard error how much was found, without the details.
    pub(super) fn mention_warnings(&self, doc: &str) -> anyhow::Result<()> {
        let warnings = self.diags.count(Severity::Warning);
        if warnings > 0 {
            let noun = if warnings == 1 { "warning" } else { "warnings" };
            let doc = self.shown(doc);
            writeln!(
                anstream::stderr(),
                "mcpgen: {warnings} {noun}; `mcpgen check {doc}` shows them"
            )?;
        }
        Ok(())
    }
}
