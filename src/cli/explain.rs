//! `mcpgen explain`: which rules touched a tool, in order, and what each changed; or why an operation is
//! no tool; or what a code means.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

mod changes;
mod defaults;
mod print;
mod subject;

use super::load::load;
use super::options::DocOptions;
use super::report;
use crate::diag::Code;
use print::Explanation;

/// Show which rules touched a tool and what each changed, or what a code means
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
pub(super) struct Explain {
    #[command(flatten)]
    options: DocOptions,

    /// A tool, an operation id, or an operation as in 'GET /path'; nothing if DOC is a code, as in
    /// MG204
    tool: Option<String>,

    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

const USAGE: &str = "mcpgen explain [OPTIONS] <DOC> <TOOL>\n       mcpgen explain <CODE>";

const EXAMPLES: &str = "\
Examples:
  mcpgen explain mcpgen.yaml list_orders
  mcpgen explain mcpgen.yaml 'DELETE /orders/{id}'
  mcpgen explain openapi.yaml list_orders --policy mcpgen.yaml --json
  mcpgen explain MG204

It answers \"why can the agent not do this?\". An operation that is no tool is explained,
too: what holds it back, and what would change that.";

impl Explain {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Some(wanted) = &self.tool else {
            return self.code();
        };
        let loaded = load(&self.options).await?;
        let Some((catalogs, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        let doc = loaded.shown(&self.options.doc);
        let subject = subject::find(catalogs, compiled, wanted, doc)?;
        let explanation = Explanation::new(&loaded, compiled, &subject);
        if self.json {
            report::print_json(&explanation.json())?;
        } else {
            explanation.print(&mut anstream::stdout().lock())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What a code means.
    fn code(&self) -> anyhow::Result<ExitCode> {
        let text = &self.options.doc;
        let mut codes = Code::ALL.iter();
        let Some(code) = codes.find(|code| code.as_str().eq_ignore_ascii_case(text)) else {
            bail!(
                "{text}: which tool? `mcpgen list {text}` shows them; a code is written as in MG204"
            );
        };
        let summary = code.summary();
        writeln!(anstream::stdout(), "{}: {summary}", code.as_str())?;
        Ok(ExitCode::SUCCESS)
    }
}
