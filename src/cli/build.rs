//! `mcpgen build`: a stand-alone crate from the same Manifest.

use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Args;

use super::load::load;
use super::options::DocOptions;
use super::report;
use crate::emit::write::{Changes, compare, write};
use crate::emit::{self, Options, Tree};
use crate::source::Sources;

/// Generate a Rust server crate that you compile and keep
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Build {
    #[command(flatten)]
    options: DocOptions,

    /// Folder of the crate: new, empty, or one that mcpgen made
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,

    /// Package name; without it, the document's own with `-server`
    #[arg(long)]
    name: Option<String>,

    /// Write nothing; exit 1 if the crate is not what would be generated
    #[arg(long)]
    check: bool,

    /// Replace generated files that were changed by hand
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen build openapi.yaml -o ./server
  mcpgen build openapi.yaml -o ./server --enable write --include 'tag:orders'
  mcpgen build openapi.yaml -o ./server --check

Exit status: 0 if the crate is generated (or, with --check, up to date), 1 if not.";

impl Build {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let loaded = load(&self.options).await?;
        let Some((_, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        let package = format!("{}-server", compiled.manifest.server.name.replace('_', "-"));
        let options = Options {
            name: self.name.clone().unwrap_or(package),
            inputs: inputs(&loaded.sources),
        };
        let mut tree = emit::emit(&compiled.manifest, &options)?;
        format_rust(&mut tree)?;
        let lock = emit::lock(&tree, &compiled.manifest, &options);
        let changes = compare(&tree, &lock, &self.output, self.force)?;
        if self.check {
            return self.report_check(&changes);
        }
        write(&tree, &lock, &self.output, &changes)?;
        loaded.mention_warnings(&self.options.doc)?;
        self.report(&changes)?;
        Ok(ExitCode::SUCCESS)
    }

    fn report(&self, changes: &Changes) -> anyhow::Result<()> {
        let mut out = anstream::stdout().lock();
        let files = |list: &[String]| report::count(list.len(), "file");
        writeln!(
            out,
            "{} written, {} unchanged, {} of yours kept, {} removed",
            files(&changes.written),
            report::thousands(changes.kept.len()),
            report::thousands(changes.owned.len()),
            report::thousands(changes.removed.len())
        )?;
        for path in &changes.removed {
            writeln!(out, "  removed {path}")?;
        }
        if !changes.missing.is_empty() {
            writeln!(
                out,
                "Cargo.toml is yours and lacks; add under [dependencies]:"
            )?;
            changes
                .missing
                .iter()
                .try_for_each(|line| writeln!(out, "  {line}"))?;
        }
        let folder = self.output.display();
        writeln!(out, "next: cd {folder} && cargo run -- --help")?;
        Ok(())
    }

    fn report_check(&self, changes: &Changes) -> anyhow::Result<ExitCode> {
        let mut out = anstream::stdout().lock();
        for path in &changes.written {
            writeln!(out, "differs: {path}")?;
        }
        for path in &changes.removed {
            writeln!(out, "no longer generated: {path}")?;
        }
        for line in &changes.missing {
            writeln!(out, "Cargo.toml lacks: {line}")?;
        }
        let current =
            changes.written.is_empty() && changes.removed.is_empty() && changes.missing.is_empty();
        if current {
            writeln!(out, "{} is up to date", self.output.display())?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(out, "run mcpgen build without --check")?;
        Ok(ExitCode::FAILURE)
    }
}

/// Every text that the crate was made from, with its hash. The lock holds no path of a machine: a file
/// is called by its path from the document's folder, or by its name alone.
fn inputs(sources: &Sources) -> Vec<(String, String)> {
    let own = Path::new(&sources.main().name).parent();
    let mut found: Vec<(String, String)> = Vec::new();
    for source in sources.iter() {
        let below = own.and_then(|own| Path::new(&source.name).strip_prefix(own).ok());
        let plain = |path: &&Path| path.components().all(|c| matches!(c, Component::Normal(_)));
        let name = match below.filter(plain) {
            Some(path) => path.to_string_lossy().replace('\\', "/"),
            None => file_name(&source.name),
        };
        let taken = |name: &str| found.iter().any(|(other, _)| other == name);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let name = names.find(|name| !taken(name)).unwrap_or_default();
        found.push((name, emit::sha256(&source.text)));
    }
    found
}

/// The last part of a path or URL.
fn file_name(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
}

/// Formats the code. Without a rustfmt that works, it stays as it was laid out.
fn format_rust(tree: &mut Tree) -> anyhow::Result<()> {
    match formatted(tree) {
        Ok(files) => {
            for (path, text) in files {
                tree.replace(&path, text);
            }
        }
        Err(error) => {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "is not installed".to_owned(),
                _ => format!("failed: {error}"),
            };
            writeln!(
                anstream::stderr(),
                "mcpgen: warning: rustfmt {why}; the code is laid out without it, and a run with it will change that"
            )?;
        }
    }
    Ok(())
}

/// The formatted texts by path.
fn formatted(tree: &Tree) -> std::io::Result<Vec<(String, String)>> {
    let files = tree
        .unformatted()
        .filter_map(|path| Some((path, tree.get(path)?)));
    files
        .map(|(path, file)| Ok((path.to_owned(), rustfmt(&file.text)?)))
        .collect()
}

/// An empty file: the user's own configuration must not change what is generated.
const NO_CONFIGURATION: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

fn rustfmt(text: &str) -> std::io::Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--quiet", "--config", "max_width=100"])
        .args(["--config-path", NO_CONFIGURATION])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take();
    let input = text.to_owned();
    let writer = std::thread::spawn(move || {
        stdin
            .as_mut()
            .map_or(Ok(()), |pipe| pipe.write_all(input.as_bytes()))
    });
    let output = child.wait_with_output()?;
    // A formatter that stopped reading says why on its own.
    let _ = writer.join();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.trim().lines().next().unwrap_or_default();
        return Err(std::io::Error::other(first.to_owned()));
    }
    String::from_utf8(output.stdout).map_err(std::io::Error::other)
}
