//! `mcpgen init`: a policy file to start from, made of a document.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use url::Url;

mod database;
mod draft;
mod example;
mod groups;
mod yaml;

use super::load::load;
use super::options::{
    DatabaseOptions, DocOptions, Enable, Tools, is_connection_string, looks_secret,
};
use super::report;
use crate::diag::render::printable;
use crate::input::fetch::RefHost;
use crate::policy::{self, PolicyFile};
use crate::runtime::command::UpstreamOptions;
use draft::Draft;

/// Write a policy file to start from: what an agent may do with a document
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Init {
    /// OpenAPI document: a path, an https URL, or http on loopback; or a database: postgres://…,
    /// env:NAME for a connection string in an environment variable, or a snapshot
    doc: String,

    /// Where the policy goes; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "mcpgen.yaml")]
    output: String,

    /// Replace a file that is there
    #[arg(long)]
    force: bool,

    /// Write the format's JSON Schema beside it, too, so that editors complete the file
    #[arg(long)]
    schema: bool,

    /// Where the API is, if not where the document says
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// Folder whose files the document may refer to; repeatable; without it, the document's own
    #[arg(long, value_name = "FOLDER")]
    refs: Vec<PathBuf>,

    /// Host whose files the document may refer to, by https, or by http on loopback; repeatable
    #[arg(long, value_name = "HOST")]
    refs_host: Vec<RefHost>,

    /// OpenAPI Overlay that changes the document before it is read; repeatable, in this order
    #[arg(long, value_name = "FILE")]
    overlay: Vec<String>,

    /// Schema of a database whose relations are served; repeatable
    #[arg(long, value_name = "SCHEMA")]
    db_schema: Vec<String>,

    #[command(flatten)]
    upstream: UpstreamOptions,

    /// Fetch the document by http from a host that is not this one
    #[arg(long)]
    allow_http: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen init openapi.yaml
  mcpgen init openapi.yaml -o policies/shop.yaml --schema
  mcpgen init https://api.example.com/openapi.json -o -

Reads are on; writes and deletes are listed and off. The document is named, not copied, and
no secret is written. A file that is there stays as it is, unless --force is given.";

/// What the format's schema is called beside a policy.
const SCHEMA: &str = "mcpgen.schema.json";

impl Init {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.check_usage()?;
        let options = self.options();
        let loaded = load(&options).await?;
        let Some((catalogs, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        let catalog = catalogs.first().context("the document has no source")?;
        let folder = self.folder();
        if catalog.database.is_some() {
            let live = options.is_database();
            let snapshot = (!live)
                .then(|| from_folder(&self.doc, folder))
                .transpose()?;
            return self.of_database(&database::Draft {
                catalog,
                compiled,
                snapshot,
                schemas: &self.db_schema,
                schema: self.schema || folder.join(SCHEMA).is_file(),
            });
        }
        let draft = Draft {
            catalog,
            compiled,
            document: from_folder(&self.doc, folder)?,
            overlays: all_from_folder(&self.overlay, folder)?,
            refs: self.ref_folders(folder)?,
            hosts: self.refs_host.iter().map(ToString::to_string).collect(),
            schema: self.schema || folder.join(SCHEMA).is_file(),
        };
        let text = draft.text();
        if self.output == "-" {
            write!(anstream::stdout(), "{text}")?;
            return Ok(ExitCode::SUCCESS);
        }
        self.write(&text)?;
        self.report(&draft)?;
        Ok(ExitCode::SUCCESS)
    }

    fn of_database(&self, draft: &database::Draft<'_>) -> anyhow::Result<ExitCode> {
        let text = draft.text();
        if self.output == "-" {
            write!(anstream::stdout(), "{text}")?;
            return Ok(ExitCode::SUCCESS);
        }
        self.write(&text)?;
        let variable = draft.variable();
        let variable = format!("set the connection string, as in `export {variable}=postgres://…`");
        self.told(&draft.told(), Some(variable))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Usage errors come before anything is read.
    fn check_usage(&self) -> anyhow::Result<()> {
        ensure!(
            self.doc != "-",
            "a policy names its document, and standard input has no name; save the document first"
        );
        ensure!(
            !(self.schema && self.output == "-"),
            "--schema writes a file beside the policy, and standard output is in no folder"
        );
        // The connection string of a database is not written down.
        if let Ok(url) = Url::parse(&self.doc)
            && url.has_host()
            && !is_connection_string(&self.doc)
        {
            let secret = url.query_pairs().any(|(name, _)| looks_secret(&name));
            let plain = url.username().is_empty() && url.password().is_none();
            ensure!(
                plain && !secret,
                "the document's URL holds a secret, which does not belong in a policy; save the document first"
            );
        }
        ensure!(
            !fs::read_to_string(&self.doc).is_ok_and(|text| policy::is_policy(&text)),
            "{} is a policy already; `mcpgen check {}` shows what comes of it",
            self.doc,
            self.doc
        );
        let path = Path::new(&self.output);
        if self.output != "-" && path.is_dir() {
            bail!("{} is a folder; name a file in it", self.output);
        }
        if self.output != "-" && path.exists() && !self.force {
            return Err(self.is_there());
        }
        Ok(())
    }

    fn is_there(&self) -> anyhow::Error {
        anyhow::anyhow!("{} is there already; --force replaces it", self.output)
    }

    /// The whole document, as tools: what is off is known by its name, too.
    fn options(&self) -> DocOptions {
        DocOptions {
            refs: self.refs.clone(),
            refs_host: self.refs_host.clone(),
            overlay: self.overlay.clone(),
            base_url: self.base_url.clone(),
            enable: Some(Enable::Destroy),
            tools: Some(Tools::List),
            upstream: self.upstream.clone(),
            allow_http: self.allow_http,
            database: DatabaseOptions {
                schema: self.db_schema.clone(),
                ..DatabaseOptions::default()
            },
            ..DocOptions::plain(&self.doc)
        }
    }

    /// The folder that the policy's paths start from.
    fn folder(&self) -> &Path {
        let parent = match self.output.as_str() {
            "-" => None,
            output => Path::new(output).parent(),
        };
        parent
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."))
    }

    fn ref_folders(&self, folder: &Path) -> anyhow::Result<Vec<String>> {
        let folders = self
            .refs
            .iter()
            .map(|path| path.to_string_lossy().into_owned());
        all_from_folder(&folders.collect::<Vec<_>>(), folder)
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        let mut open = OpenOptions::new();
        match self.force {
            true => open.write(true).create(true).truncate(true),
            false => open.write(true).create_new(true),
        };
        let file = match open.open(&self.output) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(self.is_there()),
            other => other,
        };
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| self.output.clone())?;
        if self.schema {
            let path = self.folder().join(SCHEMA);
            let schema = serde_json::to_string_pretty(&PolicyFile::schema())?;
            let written = fs::write(&path, schema + "\n");
            written.with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// What was written, and what to do next.
    fn report(&self, draft: &Draft<'_>) -> anyhow::Result<()> {
        let tokens = report::thousands(draft.read_tokens());
        let reads = report::count(draft.reads(), "read");
        let off = draft.off();
        let variables = draft.variables();
        let first = variables.first();
        let step =
            first.map(|first| format!("set the credentials' variables, as in `export {first}=…`"));
        self.told(&format!("{reads}, about {tokens} tokens{off}"), step)
    }

    /// What was written, and what to do next; `set`: what has to be set first.
    fn told(&self, what: &str, set: Option<String>) -> anyhow::Result<()> {
        let output = printable(&self.output);
        let mut out = anstream::stdout().lock();
        write!(out, "Wrote {output}")?;
        if self.schema {
            let path = self.folder().join(SCHEMA);
            let path = path
                .strip_prefix(".")
                .unwrap_or(&path)
                .display()
                .to_string();
            write!(out, " and {}", printable(&path))?;
        }
        writeln!(out, ": {what}")?;
        writeln!(out, "Next:")?;
        let mut steps = vec!["look through it: every line says what it does".to_owned()];
        steps.extend(set);
        for (command, what) in [
            ("check", "what comes of it"),
            ("test", "its tests; nothing is sent"),
            ("serve", "the server, over stdio"),
        ] {
            steps.push(format!("mcpgen {command} {output}   {what}"));
        }
        for (index, step) in steps.iter().enumerate() {
            writeln!(out, "  {}. {step}", index + 1)?;
        }
        Ok(())
    }
}

fn all_from_folder(paths: &[String], folder: &Path) -> anyhow::Result<Vec<String>> {
    paths.iter().map(|path| from_folder(path, folder)).collect()
}

/// A path as seen from a folder, with slashes; a URL as it is.
fn from_folder(path: &str, folder: &Path) -> anyhow::Result<String> {
    if path.contains("://") {
        return Ok(path.to_owned());
    }
    let whole = |path: &Path| {
        let full = fs::canonicalize(path);
        full.with_context(|| path.display().to_string())
    };
    let file = Path::new(path);
    // A link is named as it is; only the way to it is made plain.
    let (parent, name) = match (file.parent(), file.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => (whole(parent)?, name),
        (_, Some(name)) => (whole(Path::new("."))?, name),
        _ => (whole(file)?, std::ffi::OsStr::new("")),
    };
    let full = parent.join(name);
    let folder = whole(folder)?;
    let common = full
        .components()
        .zip(folder.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = folder.components().count() - common;
    let mut parts: Vec<String> = vec!["..".to_owned(); up];
    let down = full.components().skip(common);
    parts.extend(down.map(|part| part.as_os_str().to_string_lossy().into_owned()));
    let joined = parts.join("/");
    Ok(match up {
        0 => format!("./{joined}"),
        _ => joined,
    })
}
