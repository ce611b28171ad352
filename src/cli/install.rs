//! `mcpgen install`: a server's entry in the configuration of an MCP client.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, anyhow, ensure};
use clap::Args;

use super::load::{load, reachable};
use super::options::{DocOptions, is_connection_string};
use super::report;
use crate::compile::Compiled;
use crate::diag::render::printable;
use crate::runtime::config::Config;
use crate::runtime::manifest::{CredentialSpec, Fixed, Manifest};

mod client;
mod command;
mod edit;
mod entry;
mod file;

use client::{Client, Os, Places};
use entry::{Change, Installed, Server};
use file::ConfigFile;

/// Add a document's server to the configuration of an MCP client
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Install {
    #[command(flatten)]
    options: DocOptions,

    /// The client
    #[arg(long, value_enum)]
    client: Client,

    /// The server's name in the client; without it, a short name from the document's title
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,

    /// Print the snippet and where it goes, and write nothing
    #[arg(long)]
    print: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen install openapi.yaml --client claude-desktop
  mcpgen install openapi.yaml --client vscode --enable write --name shop-admin
  mcpgen install https://api.example.com/openapi.json --client cursor --include 'tag:orders'
  mcpgen install openapi.yaml --client claude-code --header 'Authorization: Bearer ${env:TOKEN}'
  mcpgen install openapi.yaml --client windsurf --print

The entry runs this program with absolute paths. Other entries stay as they are, the old file is
kept beside the new one as .bak, and no secret is written: variables are left for you to fill in.";

impl Install {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        ensure!(
            self.options.doc != "-",
            "a client starts the server by itself and has no standard input to give it; \
             save the document and install the file"
        );
        let loaded = load(&self.options).await?;
        let Some((_, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        reachable(&compiled.manifest)?;
        let server = Server {
            name: self
                .name
                .clone()
                .unwrap_or_else(|| compiled.manifest.server.name.clone()),
            command: command::executable()?,
            args: command::arguments(&self.options)?,
            variables: variables(&compiled.manifest, is_connection_string(&self.options.doc)),
        };
        let places = Places::from_env()?;
        let path = self.client.file(Os::current(), &places)?;
        let shown = self.client.shown(&path, &places);
        if self.print {
            return self.print(&server, &shown);
        }
        let file = ConfigFile::read(path).with_context(|| shown.clone())?;
        let installed = entry::install(file.text(), &server, self.client).map_err(|mistake| {
            let (line, column, what) = (mistake.line, mistake.column, mistake.what);
            anyhow!("{shown}:{line}:{column}: {what}")
        })?;
        let mut backup = None;
        if installed.change != Change::Nothing {
            let written = file.write(&installed.text, self.client.is_of_project());
            backup = written.with_context(|| shown.clone())?;
        }
        loaded.mention_warnings(&self.options.doc)?;
        let backup = backup.map(|backup| self.client.shown(&backup, &places));
        let backup = backup.as_deref();
        let document = loaded.shown(&self.options.doc);
        self.report(&server, compiled, document, &installed, &shown, backup)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The snippet on standard output, so that it can be piped; where it goes on standard error.
    fn print(&self, server: &Server, shown: &str) -> anyhow::Result<ExitCode> {
        let snippet = entry::install("{}\n", server, self.client)
            .map_err(|mistake| anyhow!("{}", mistake.what))?;
        writeln!(anstream::stderr(), "in {}:", printable(shown))?;
        write!(anstream::stdout(), "{}", snippet.text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// What was done and what is left to do.
    fn report(
        &self,
        server: &Server,
        compiled: &Compiled,
        document: &str,
        installed: &Installed,
        shown: &str,
        backup: Option<&str>,
    ) -> anyhow::Result<()> {
        let (name, client) = (&server.name, self.client.title());
        let shown = printable(shown);
        let mut out = anstream::stdout().lock();
        match installed.change {
            Change::Added => writeln!(out, "Added `{name}` to {client}: {shown}")?,
            Change::Updated => writeln!(out, "Updated `{name}` in {client}: {shown}")?,
            Change::Nothing => {
                writeln!(out, "`{name}` is already installed in {client}: {shown}")?;
            }
        }
        writeln!(out, "  document  {}", printable(document))?;
        let tools = report::count(compiled.manifest.tools.len(), "tool");
        match report::held_back(compiled) {
            Some(off) => {
                let enabling = report::enabling(compiled);
                writeln!(out, "  tools     {tools}; {off} off ({enabling})")?;
            }
            None => writeln!(out, "  tools     {tools}")?,
        }
        if let Some(backup) = backup {
            writeln!(out, "  backup    {}", printable(backup))?;
        }
        let fill_in = self.fill_in(&installed.open, &shown).map(|step| {
            let instead = instead(&compiled.manifest, &installed.open);
            format!("{step}{instead}")
        });
        if installed.change == Change::Nothing && fill_in.is_none() {
            return Ok(());
        }
        writeln!(out, "Next:")?;
        let steps = fill_in.into_iter().chain([self.client.next_step(name)]);
        for (index, step) in steps.enumerate() {
            writeln!(out, "  {}. {step}", index + 1)?;
        }
        Ok(())
    }

    /// Where the secrets come from, if the server reads some.
    fn fill_in(&self, open: &[String], shown: &str) -> Option<String> {
        let (last, others) = open.split_last()?;
        let names = if others.is_empty() {
            last.clone()
        } else {
            format!("{} and {last}", others.join(", "))
        };
        Some(match self.client {
            Client::ClaudeCode => format!(
                "Set {names} in the environment that you start Claude Code in;\n     \
                 {shown} only refers to it."
            ),
            Client::VsCode => {
                format!("Have {names} ready: VS Code asks when the server starts.")
            }
            _ => format!("Fill in {names} under \"env\" in that file."),
        })
    }
}

/// The environment variables that the tools' credentials, connection strings, the headers and values of
/// arguments come from; `connected`: the connection string is in the command line.
fn variables(manifest: &Manifest, connected: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // Nothing is looked up: which values are set here does not matter where the client runs.
    let credentials = report::credentials(manifest, &Config::default());
    let named = credentials.into_iter().flat_map(|state| state.variables);
    let headers = manifest.sources.values().flat_map(|s| s.headers.values());
    let in_headers = headers.flat_map(|value| {
        let rest = value.split("${env:").skip(1);
        rest.filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name.to_owned())
    });
    let controls = manifest.tools.iter().flat_map(|tool| &tool.controls);
    let in_arguments = controls.filter_map(|control| match &control.fixed {
        Some(Fixed::Env { name, .. }) => Some(name.clone()),
        _ => None,
    });
    let databases = manifest.sources.values().filter(|_| !connected);
    let databases = databases.filter_map(|source| Some(source.postgres.as_ref()?.dsn.clone()));
    let databases = databases.filter(|reference| !reference.starts_with("file:"));
    let all = databases.chain(named).chain(in_headers);
    for variable in all.chain(in_arguments) {
        if !found.contains(&variable) {
            found.push(variable);
        }
    }
    found
}

/// What need not be filled in: a token, where tokens are fetched.
fn instead(manifest: &Manifest, open: &[String]) -> String {
    let sources = manifest.sources.values();
    let credentials = sources.flat_map(|source| source.credentials.values());
    let lines = credentials.filter_map(|credential| match credential {
        CredentialSpec::ClientCredentials {
            env,
            env_id,
            env_secret,
            ..
        } if open.contains(env) => Some(format!(
            "\n     {env} is not needed with {env_id} and {env_secret}."
        )),
        _ => None,
    });
    lines.collect()
}

/// A name that every client takes.
fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let good = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(plain)
        && text.len() <= 64;
    if good {
        Ok(text.to_owned())
    } else {
        Err("a letter, then letters, digits, - and _; at most 64".to_owned())
    }
}
