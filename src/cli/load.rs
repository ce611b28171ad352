//! Fetch, read, compile: what every command does first.

use std::io::Write;
use std::path::Path;

use super::options::DocOptions;
use crate::catalog::Catalog;
use crate::compile::{Compiled, compile};
use crate::diag::{Diagnostics, Severity, render};
use crate::input::{fetch, openapi};
use crate::source::{Budget, Source};

/// A document, read and compiled, with what was found.
pub(super) struct Loaded {
    pub(super) source: Source,
    pub(super) diags: Diagnostics,
    /// `None` if the document could not be read at all; the diagnostics say why.
    pub(super) compiled: Option<(Catalog, Compiled)>,
}

pub(super) async fn load(options: &DocOptions) -> anyhow::Result<Loaded> {
    let base_url = options.base_url()?;
    let source = fetch::fetch(&options.doc, &options.fetch()).await?;
    let policy = options.policy(source.url.as_ref())?;
    let mut diags = Diagnostics::default();
    let read_options = openapi::ReadOptions {
        document_url: source.url.clone(),
        base_url: base_url.map(String::from),
        fallback_name: stem(&source.name),
    };
    let compiled = source
        .parse(&Budget::default(), &mut diags)
        .and_then(|tree| {
            let catalog = openapi::read(&tree, &read_options, &mut diags)?;
            let compiled = compile(&catalog, &policy, &mut diags);
            Some((catalog, compiled))
        });
    Ok(Loaded {
        source,
        diags,
        compiled,
    })
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
        write!(stderr, "{}", render::text(&self.diags, &self.source, true))?;
        Ok(None)
    }

    /// Says on standard error how much was found, without the details.
    pub(super) fn mention_warnings(&self, doc: &str) -> anyhow::Result<()> {
        let warnings = self.diags.count(Severity::Warning);
        if warnings > 0 {
            let noun = if warnings == 1 { "warning" } else { "warnings" };
            writeln!(
                anstream::stderr(),
                "mcpgen: {warnings} {noun}; `mcpgen check {doc}` shows them"
            )?;
        }
        Ok(())
    }
}
