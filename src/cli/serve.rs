//! `mcpgen serve`: an MCP server over stdio or Streamable HTTP.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::load::{self, Extra, Loaded, load_with};
use super::options::DocOptions;
use super::report;
use crate::compile::Compiled;
use crate::diag::{Code, render};
use crate::runtime::command::ServeOptions;
use crate::runtime::config::Config;
use crate::runtime::manifest::{ListMode, setting};

/// Serve a document's operations as MCP tools over stdio or Streamable HTTP
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    #[command(flatten)]
    options: DocOptions,

    #[command(flatten)]
    listen: ServeOptions,

    /// Answer with samples; no API is called, and no database asked
    #[arg(long)]
    mock: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen serve openapi.yaml
  mcpgen serve https://api.example.com/openapi.json --include 'tag:orders'
  mcpgen serve openapi.yaml --base-url http://localhost:3000 --enable write
  mcpgen serve openapi.yaml --http 127.0.0.1:8080
  mcpgen serve openapi.yaml --header 'X-Tenant: acme' --exclude '/admin/**'

Credentials come from environment variables; `mcpgen check` names them.
Standard output carries the protocol; logs go to standard error.";

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        // Messages of the protocol come from there.
        anyhow::ensure!(
            self.options.doc != "-" || self.listen.http.is_some(),
            "standard input carries the protocol and cannot be the document too: give a path or URL, or --http ADDRESS"
        );
        self.listen.log_to_stderr();
        let loaded = load_with(&self.options, Extra::mock(self.mock)).await?;
        let Some((catalogs, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        anyhow::ensure!(
            self.listen.base_path.is_none() || compiled.manifest.server.base_path.is_none(),
            "--base-path: the policy says it too, as `server.base_path`; take one of the two out"
        );
        let config = load::config(&loaded, &compiled.manifest)?;
        let server = load::server(catalogs, &compiled.manifest, &config, self.mock)?;
        self.introduce(&loaded, compiled, &config)?;
        // The tree and its text are no longer needed; the server may run for months.
        drop(loaded);
        self.listen.serve(server).await?;
        Ok(ExitCode::SUCCESS)
    }

    /// What the owner should know before the first call, on standard error.
    fn introduce(
        &self,
        loaded: &Loaded,
        compiled: &Compiled,
        config: &Config,
    ) -> anyhow::Result<()> {
        loaded.mention_warnings(&self.options.doc)?;
        let mut stderr = anstream::stderr().lock();
        if !self.mock {
            for state in report::credentials(&compiled.manifest, config)
                .iter()
                .filter(|state| state.set)
            {
                let origins: Vec<&str> = state.origins.iter().map(String::as_str).collect();
                writeln!(
                    stderr,
                    "mcpgen: credential {} goes to {}",
                    render::printable(&state.scheme),
                    origins.join(" and ")
                )?;
                if let Some(token_url) = &state.token_url {
                    let line = format!("{} fetches tokens from {token_url}", state.scheme);
                    writeln!(stderr, "mcpgen: credential {}", render::printable(&line))?;
                }
            }
            for found in report::sent_to_document_hosts(&compiled.manifest, config) {
                let help = found.help.unwrap_or_default();
                writeln!(
                    stderr,
                    "mcpgen: warning[{}]: {}\n  {}",
                    found.code.as_str(),
                    render::printable(&found.message),
                    render::printable(&help)
                )?;
            }
            for (need, tools) in report::unreachable(&compiled.manifest, config) {
                let code = Code::MissingCredential.as_str();
                let tools = report::count(tools.len(), "tool");
                let need = setting(&need, "");
                writeln!(
                    stderr,
                    "mcpgen: warning[{code}]: {tools} cannot be called: {need}"
                )?;
            }
        }
        let tools = report::count(compiled.manifest.tools.len(), "tool");
        if compiled.manifest.listing.mode == ListMode::Search {
            writeln!(
                stderr,
                "mcpgen: clients search for the tools; --tools list lists them all"
            )?;
        }
        match report::held_back(compiled) {
            Some(off) => writeln!(
                stderr,
                "mcpgen: {tools}; {off} off ({})",
                report::enabling(compiled)
            )?,
            None => writeln!(stderr, "mcpgen: {tools}")?,
        }
        Ok(())
    }
}
