//! `mcpgen demo`: the main job on a bundled API, with nothing to set up.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use comfy_table::ContentArrangement;
use serde_json::{Map, Value, json};

#[cfg(unix)]
mod library;

use super::load::{self, Loaded};
use super::options::DocOptions;
use super::{connect, list, report};
use crate::compile::{Compiled, budget};
use crate::demo::bookshop::Bookshop;
use crate::demo::{CREDENTIALS, DOCUMENT, DOCUMENT_NAME, POLICY, POLICY_NAME, TILL};
use crate::diag::{Diagnostics, render};
use crate::policy;
use crate::runtime::backend::{Content, Outcome};
use crate::runtime::config::{Config, Credential, Secret};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Manifest, ToolSpec};
use crate::runtime::serve::{serve_http, serve_stdio};
use crate::runtime::server::Server;
use crate::runtime::streamable::EndpointOptions;
use crate::source::Source;

/// See it work: a sample bookshop API, its tools, and what the guards do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {
    /// Keep serving the bookshop's tools at this loopback address
    #[arg(long, value_name = "ADDR", conflicts_with = "stdio")]
    http: Option<SocketAddr>,

    /// Serve the bookshop's tools over stdio, for an MCP client, and show nothing
    #[arg(long)]
    stdio: bool,

    /// Show a database instead: a library, in a throw-away cluster of the PostgreSQL that is installed
    #[arg(long, conflicts_with_all = ["http", "stdio"])]
    postgres: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen demo
  mcpgen demo --http 127.0.0.1:8080
  mcpgen demo --postgres

Everything happens on loopback, in this process; nothing is installed or written.";

/// Columns of the text.
const WIDTH: usize = 78;
/// Columns of the table, which is indented by two.
const WIDTH_TABLE: u16 = 78;

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.postgres {
            return of_database().await;
        }
        let shop = Bookshop::open()
            .await
            .context("loopback cannot be listened on")?;
        if self.stdio {
            serve_stdio(Tools::of(&shop)?.server).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let listener = match self.http {
            Some(address) => {
                anyhow::ensure!(
                    address.ip().is_loopback(),
                    "--http {address}: the demo serves loopback only"
                );
                Some(
                    tokio::net::TcpListener::bind(address)
                        .await
                        .with_context(|| format!("--http {address}"))?,
                )
            }
            None => None,
        };
        show(&shop).await?;
        let address = listener
            .as_ref()
            .map(tokio::net::TcpListener::local_addr)
            .transpose()?;
        let mut out = anstream::stdout().lock();
        heading(&mut out, 8, "Connect a client")?;
        connect::write(&mut out, address)?;
        out.flush()?;
        drop(out);
        if let Some(listener) = listener {
            writeln!(
                anstream::stderr(),
                "mcpgen: Ctrl-C ends it\nmcpgen: listening on http://{}/mcp",
                listener.local_addr()?
            )?;
            serve_http(
                Tools::of(&shop)?.server,
                listener,
                &EndpointOptions::default(),
            )
            .await?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(unix)]
async fn of_database() -> anyhow::Result<ExitCode> {
    library::run().await
}

#[cfg(not(unix))]
async fn of_database() -> anyhow::Result<ExitCode> {
    anyhow::bail!("--postgres: a throw-away cluster needs a Unix system")
}

const UNREAD: &str = "what is bundled cannot be read";

/// A bundled policy and the document that it is about. `open` says where what it names is now.
fn bundled(
    [policy, document]: [(&str, &str); 2],
    open: impl FnOnce(&mut load::Wanted),
) -> anyhow::Result<Loaded> {
    let mut diags = Diagnostics::default();
    let file = policy::read(&mut Source::new(policy.0, policy.1), &mut diags);
    let file = file.context(UNREAD)?;
    let options = DocOptions::plain(document.0);
    let mut wanted = load::Wanted::of_file(&file, Path::new(""), &options, &mut diags);
    let mut wanted = wanted.pop().context(UNREAD)?;
    open(&mut wanted);
    let document = Source::new(document.0, document.1);
    let policy = options.policy(Some(file))?;
    Ok(load::compiled(
        document,
        wanted,
        policy,
        load::Extra::Nothing,
    ))
}

/// Tools under their policy.
struct Tools {
    loaded: Loaded,
    server: Server,
    /// Lines of a result that are shown.
    lines: usize,
}

impl Tools {
    fn of(shop: &Bookshop) -> anyhow::Result<Self> {
        let origin = url::Url::parse(&shop.url)?.origin().ascii_serialization();
        let files = [(POLICY_NAME, POLICY), (DOCUMENT_NAME, DOCUMENT)];
        let loaded = bundled(files, |wanted| {
            // The shop that is open, not that of the policy.
            wanted.base_url = Some(shop.url.clone());
            wanted.policy.trusted_origins = vec![origin];
        })?;
        Self::new(loaded, 1, |_, manifest| Ok(config(manifest)))
    }

    /// The tools of what is loaded; `lines` of a result are shown.
    fn new(
        loaded: Loaded,
        lines: usize,
        config: impl FnOnce(&Loaded, &Manifest) -> anyhow::Result<Config>,
    ) -> anyhow::Result<Self> {
        let (catalogs, compiled) = loaded.compiled.as_ref().context(UNREAD)?;
        let config = config(&loaded, &compiled.manifest)?;
        let server = load::server(catalogs, &compiled.manifest, &config, false)?;
        Ok(Self {
            loaded,
            server,
            lines,
        })
    }

    fn compiled(&self) -> anyhow::Result<&Compiled> {
        Ok(&self.loaded.compiled.as_ref().context(UNREAD)?.1)
    }

    /// Shows a call, its request and what came of it.
    async fn call(&self, out: &mut impl Write, tool: &str, arguments: Value) -> anyhow::Result<()> {
        writeln!(
            out,
            "  {}{tool}{} {}",
            BOLD.render(),
            BOLD.render_reset(),
            cut(&arguments.to_string(), WIDTH - tool.len() - 3)
        )?;
        let Value::Object(arguments) = arguments else {
            return Ok(());
        };
        match self.server.preview(tool, arguments.clone()) {
            Ok(Ok((request, _))) => self.send(out, tool, arguments, &request).await,
            Ok(Err(error)) => refused(out, &error),
            Err(unknown) => {
                writeln!(
                    out,
                    "    {}refused{}: {unknown}\n",
                    RED.render(),
                    RED.render_reset()
                )?;
                Ok(())
            }
        }
    }

    async fn send(
        &self,
        out: &mut impl Write,
        tool: &str,
        arguments: Map<String, Value>,
        request: &str,
    ) -> anyhow::Result<()> {
        for line in request.lines().filter(|line| is_shown(line)) {
            for (index, part) in wrapped(line, WIDTH - 6).iter().enumerate() {
                let mark = if index == 0 { ">" } else { " " };
                let (green, reset) = (GREEN.render(), GREEN.render_reset());
                writeln!(out, "    {green}{mark}{reset} {part}")?;
            }
        }
        match self.server.call(tool, arguments).await? {
            Ok((outcome, args)) => {
                let shown = cut(&brief(&outcome), (WIDTH - 6) * self.lines);
                for (index, part) in wrapped(&shown, WIDTH - 6).iter().enumerate() {
                    let mark = if index == 0 { "<" } else { " " };
                    let (green, reset) = (GREEN.render(), GREEN.render_reset());
                    writeln!(out, "    {green}{mark}{reset} {part}")?;
                }
                for note in args.changes().notes() {
                    let (yellow, reset) = (YELLOW.render(), YELLOW.render_reset());
                    let text = note.strip_prefix("note").unwrap_or(&note);
                    writeln!(out, "    {yellow}note{reset}{text}")?;
                }
                writeln!(out)?;
                Ok(())
            }
            Err(error) => refused(out, &error),
        }
    }
}

/// Whether a line of a request is worth a line of the demonstration. Of a statement it is what is asked, and
/// not how rows become JSON.
fn is_shown(line: &str) -> bool {
    let around = [
        "SELECT w.",
        "SELECT p.",
        "SELECT pg_catalog.",
        "CROSS JOIN",
        "OFFSET 0",
        "WHERE w.",
    ];
    !line.is_empty() && !around.iter().any(|start| line.starts_with(start))
}

/// What the environment would give: the shop's key, and the till that orders come from.
fn config(manifest: &Manifest) -> Config {
    let mut config = Config::default();
    let key = CREDENTIALS.iter().find(|(scheme, _)| *scheme == "shopKey");
    let key = key.map_or("", |(_, secret)| secret);
    for (name, source) in &manifest.sources {
        let own = config.sources.entry(name.clone()).or_default();
        for credential in source.credentials.keys() {
            let secret = Credential::Token(Secret::new(key));
            own.credentials.insert(credential.clone(), secret);
        }
    }
    let (variable, till) = TILL;
    config
        .variables
        .insert(variable.to_owned(), Secret::new(till));
    config
}

const BOLD: anstyle::Style = anstyle::Style::new().bold();
const GREEN: anstyle::Style = anstyle::AnsiColor::Green.on_default();
const YELLOW: anstyle::Style = anstyle::AnsiColor::Yellow.on_default();
const RED: anstyle::Style = anstyle::AnsiColor::Red.on_default();
const CYAN: anstyle::Style = anstyle::AnsiColor::Cyan.on_default().bold();

fn heading(out: &mut impl Write, number: u32, text: &str) -> std::io::Result<()> {
    writeln!(
        out,
        "{}{number}. {text}{}\n",
        CYAN.render(),
        CYAN.render_reset()
    )
}

fn refused(out: &mut impl Write, error: &CallError) -> anyhow::Result<()> {
    let text = error.text();
    for (index, line) in text.lines().enumerate() {
        let (red, reset) = (RED.render(), RED.render_reset());
        let start = if index == 0 {
            format!("{red}refused{reset}: ")
        } else {
            "  ".to_owned()
        };
        writeln!(
            out,
            "    {start}{}",
            cut(&render::printable(line), WIDTH - 14)
        )?;
    }
    writeln!(out)?;
    Ok(())
}

/// The text, or its beginning if it is longer than `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let head: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{head}…")
}

/// The text in lines of `width` characters: nothing of a request is left out.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .chunks(width)
        .map(|line| line.iter().collect())
        .collect()
}

/// A result in one line.
fn brief(outcome: &Outcome) -> String {
    match &outcome.content {
        Content::Json(value) => value.to_string(),
        Content::Text(text) => text.clone(),
        Content::Image { mime, base64 }
        | Content::Audio { mime, base64 }
        | Content::Blob { mime, base64 } => {
            format!("{mime}, {} characters of base64", base64.len())
        }
        Content::Empty => "done, no content".to_owned(),
    }
}

/// What happens, step by step.
async fn show(shop: &Bookshop) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    let tools = Tools::of(shop)?;
    let compiled = tools.compiled()?;
    heading(&mut out, 1, "An API, and a policy")?;
    let operations = tools.loaded.compiled.as_ref().map_or(0, |(catalogs, _)| {
        catalogs.iter().map(|catalog| catalog.operations).sum()
    });
    writeln!(
        out,
        "  A bookshop with {} books and {} orders is open at",
        shop.books(),
        shop.orders()
    )?;
    writeln!(
        out,
        "  {}. Its OpenAPI document has {operations} operations.\n  \
         What an agent may do with them is one file, {POLICY_NAME}.\n",
        shop.url
    )?;

    heading(&mut out, 2, "Its tools")?;
    writeln!(
        out,
        "  Reads become tools. What changes something does not, until a rule enables it.\n"
    )?;
    let mut table = list::table(&compiled.manifest.tools);
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH_TABLE);
    for line in table.to_string().lines() {
        writeln!(out, "  {}", line.trim_end())?;
    }
    let tokens = budget::total(&compiled.manifest.tools);
    writeln!(
        out,
        "\n  {}, about {} tokens; {} off, {} excluded.\n",
        report::count(compiled.manifest.tools.len(), "tool"),
        report::thousands(tokens),
        report::held_back(compiled).unwrap_or_default(),
        compiled.excluded
    )?;

    heading(&mut out, 3, "A read, and the exact request it becomes")?;
    let book = json!({"bookId": "bk_0001"});
    tools.call(&mut out, "get_book", book.clone()).await?;
    let orders = json!({"status": ["paid", "open"], "placed": {"from": "2026-04-01"}});
    tools.call(&mut out, "list_orders", orders).await?;

    heading(
        &mut out,
        4,
        "A page that is too large is clamped, and the model is told",
    )?;
    writeln!(
        out,
        "  The document allows 100 on a page, the policy 25; it also fixes the currency,\n  \
         and passes on four things of each book.\n"
    )?;
    let books = json!({"limit": 5000, "sort": "-price"});
    tools.call(&mut out, "list_books", books).await?;

    heading(&mut out, 5, "A mistake never reaches the API")?;
    let wrong = json!({"bookId": "../orders/or_0001"});
    tools.call(&mut out, "get_book", wrong).await?;

    heading(&mut out, 6, "A write is refused: it is not a tool")?;
    tools.call(&mut out, "delete_book", book).await?;
    writeln!(out, "  The bookshop still has {} books.\n", shop.books())?;

    heading(
        &mut out,
        7,
        "A write that the policy enables, within its bounds",
    )?;
    writeln!(
        out,
        "  The model sees {}. The customer and the till are the\n  \
         policy's: the model can neither see nor set them.\n",
        seen(compiled, "create_order")
    )?;
    let order = |quantity: u32| {
        json!({
            "items": [{"bookId": "bk_0003", "quantity": quantity}],
            "delivery": {"method": "pickup", "branch": "station"}
        })
    };
    tools.call(&mut out, "create_order", order(50)).await?;
    tools.call(&mut out, "create_order", order(2)).await?;
    writeln!(out, "  The bookshop has {} orders now.\n", shop.orders())?;
    Ok(())
}

/// The names of a tool's arguments, as a sentence has them.
fn seen(compiled: &Compiled, name: &str) -> String {
    let mut tools = compiled.manifest.tools.iter();
    let tool = tools.find(|tool| tool.name == name);
    let names = tool.into_iter().flat_map(ToolSpec::arguments);
    let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
    names.join(" and ")
}
