//! `mcpgen explain`: which rules touched a tool, in order, and what each changed; or why an operation is
//! no tool; or what a code means.

use std::process::ExitCode;

use clap::Args;

mod changes;
mod code;
mod defaults;
mod print;
mod relation;
mod subject;

use super::load::load;
use super::options::DocOptions;
use super::report;
use print::Explanation;

/// Show which rules touched a tool and what each changed, or what a code means
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
#[command(mut_arg("doc", |doc| doc.required(false).default_value("").hide_default_value(true).index(1)))]
pub(super) struct Explain {
    #[command(flatten)]
    options: DocOptions,

    /// A tool, an operation id, or an operation as in 'GET /path'; nothing if DOC is a code, as in
    /// MG204
    #[arg(index = 2)]
    tool: Option<String>,

    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

const USAGE: &str = "mcpgen explain [OPTIONS] <DOC> <TOOL>\n       mcpgen explain [CODE]";

const EXAMPLES: &str = "\
Examples:
  mcpgen explain mcpgen.yaml list_orders
  mcpgen explain mcpgen.yaml 'DELETE /orders/{id}'
  mcpgen explain openapi.yaml list_orders --policy mcpgen.yaml --json
  mcpgen explain MG204
  mcpgen explain                               all codes, each in a line

It answers \"why can the agent not do this?\". An operation that is no tool is explained,
too: what holds it back, and what would change that.";

impl Explain {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Some(wanted) = &self.tool else {
            return match self.options.doc.as_str() {
                "" => code::list(),
                text => code::print(text),
            };
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
}
