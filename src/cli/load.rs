//! Fetch, read, compile: what every command does first.

use std::io::Write;
use std::path::Path;

use serde_json::Value;
use url::Url;

use super::options::DocOptions;
use super::progress::Progress;
use crate::catalog::Catalog;
use crate::compile::{Compiled, compile};
use crate::diag::{Diagnostics, Severity, render};
use crate::input::documents::Documents;
use crate::input::overlay::{Overlaid, Overlay, Room};
use crate::input::{fetch, openapi};
use crate::policy::Policy;
use crate::runtime::backends;
use crate::runtime::config::Config;
use crate::runtime::manifest::{Action, Manifest};
use crate::runtime::server::Server;
use crate::source::{Budget, Origins, Source, Sources};

/// A document, read and compiled, with what was found.
pub(super) struct Loaded {
    pub(super) sources: Sources,
    pub(super) diags: Diagnostics,
    /// `None` if the document could not be read at all; the diagnostics say why.
    pub(super) compiled: Option<(Catalog, Compiled)>,
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
    let base_url = options.base_url()?;
    // Someone may be typing the document into the terminal.
    let progress = if options.doc == "-" {
        Progress::none()
    } else {
        Progress::start("reading the document")
    };
    let source = fetch::fetch(&options.doc, &options.fetch()).await?;
    progress.now(format!("compiling {}", render::printable(&source.name)));
    let policy = options.policy()?;
    let mut sources = Sources::from(source);
    let mut diags = Diagnostics::default();
    let mut documents = None;
    if let Some(mut tree) = sources.main().parse(&Budget::default(), &mut diags) {
        overlay(options, &mut tree, &mut sources, &mut diags).await?;
        let fetch = options.fetch();
        let found = fetch::follow(&options.doc, tree, &mut sources, &fetch, &mut diags);
        documents = Some(found.await?);
    }
    let named = Named {
        base_url: base_url.map(String::from),
        tokens: options.token.told()?,
    };
    let compiled = documents.and_then(|documents| {
        let url = sources.main().url.clone();
        let options = read_options(&sources.main().name, url, named, &policy, extra);
        read(&documents, &options, &policy, &mut diags)
    });
    Ok(Loaded {
        sources,
        diags,
        compiled,
    })
}

/// What the owner says in place of the document.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) base_url: Option<String>,
    pub(super) tokens: openapi::TokenOptions,
}

/// Applies the overlays, in order.
async fn overlay(
    options: &DocOptions,
    tree: &mut Value,
    sources: &mut Sources,
    diags: &mut Diagnostics,
) -> anyhow::Result<()> {
    let address = fetch::address(&options.doc, sources.main());
    let (mut origins, mut room) = (Origins::default(), Room::default());
    for name in &options.overlay {
        anyhow::ensure!(name != "-", "--overlay: give a file or an https URL");
        let source = fetch::fetch(name, &options.fetch()).await?;
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
pub(super) fn compiled(source: Source, named: Named, policy: &Policy, extra: Extra) -> Loaded {
    let mut diags = Diagnostics::default();
    let options = read_options(&source.name, source.url.clone(), named, policy, extra);
    let tree = source.parse(&Budget::default(), &mut diags);
    let compiled =
        tree.and_then(|tree| read(&Documents::alone(tree), &options, policy, &mut diags));
    Loaded {
        sources: source.into(),
        diags,
        compiled,
    }
}

fn read_options(
    name: &str,
    document_url: Option<Url>,
    named: Named,
    policy: &Policy,
    extra: Extra,
) -> openapi::ReadOptions {
    openapi::ReadOptions {
        document_url,
        base_url: named.base_url,
        tokens: named.tokens,
        trusted_origins: policy.trusted_origins.clone(),
        fallback_name: stem(name),
        time: None,
        owner_headers: !policy.headers.is_empty(),
        samples: extra == Extra::Mock,
        strict: extra == Extra::Strict,
    }
}

fn read(
    documents: &Documents,
    options: &openapi::ReadOptions,
    policy: &Policy,
    diags: &mut Diagnostics,
) -> Option<(Catalog, Compiled)> {
    let mut catalog = openapi::read(documents, options, diags)?;
    for capability in catalog.capabilities.iter_mut().filter(|_| options.samples) {
        capability
            .base_url
            .get_or_insert_with(|| MOCK_URL.to_owned());
    }
    let compiled = compile(&catalog, policy, diags);
    Some((catalog, compiled))
}

/// What the environment and the options give to a Manifest.
pub(super) fn config(options: &DocOptions, manifest: &Manifest) -> anyhow::Result<Config> {
    let mut config = Config::from_env(manifest)?;
    config.ca_certs.clone_from(&options.upstream.ca_cert);
    config.proxy.clone_from(&options.upstream.proxy);
    Ok(config)
}

/// A server that cannot reach any upstream is of no use.
pub(super) fn reachable(manifest: &Manifest) -> anyhow::Result<()> {
    let somewhere = manifest.tools.iter().any(|tool| match &tool.action {
        Action::Http(action) => action.base_url.is_some(),
    });
    anyhow::ensure!(
        somewhere,
        "the document does not say where the API is: pass --base-url https://…"
    );
    Ok(())
}

/// The server of a Manifest; one that could not reach any upstream is refused.
pub(super) fn server(
    catalog: &Catalog,
    manifest: &Manifest,
    config: &Config,
    mock: bool,
) -> anyhow::Result<Server> {
    reachable(manifest)?;
    let real = backends::open(manifest, config)?;
    let backends = if mock {
        crate::mock::backends(catalog, manifest, real)
    } else {
        real
    };
    Ok(Server::new(manifest, backends))
}

/// The file name of a path or URL without its extension.
fn stem(name: &str) -> String {
    Path::new(name)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

impl Loaded {
    /// What was compiled, if there is something to work with; else everything that was found is
    /// printed to standard error and the command ends with status 1.
    pub(super) fn usable(&self) -> anyhow::Result<Option<&(Catalog, Compiled)>> {
        if !self.diags.has_errors() {
            return Ok(self.compiled.as_ref());
        }
        let mut stderr = anstream::stderr().lock();
        write!(stderr, "{}", render::text(&self.diags, &self.sources, true))?;
        Ok(None)
    }

    /// The document as it may be shown: of a URL, nothing that may be a credential.
    pub(super) fn shown<'a>(&'a self, doc: &'a str) -> &'a str {
        if doc.contains("://") {
            &self.sources.main().name
        } else {
            doc
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
