//! The command line: one file a command, each a straight line through the stages.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{CommandFactory, Parser, Subcommand};

mod build;
mod call;
mod check;
mod completions;
mod connect;
mod demo;
mod explain;
mod init;
mod install;
mod introspect;
mod list;
mod load;
mod man;
mod options;
mod plan;
mod progress;
mod report;
mod schema;
mod serve;
mod test;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Compile an OpenAPI document or a PostgreSQL database into a safe MCP server for AI agents.
#[derive(Debug, Parser)]
#[command(name = "mcpgen", version, styles = STYLES, max_term_width = 80, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen demo                                  see it work, with nothing to set up
  mcpgen check openapi.yaml                    what would become a tool, and what would not
  mcpgen list openapi.yaml                     the tools, their effect and their cost
  mcpgen serve openapi.yaml                    serve the reads to an MCP client over stdio
  mcpgen serve postgres://reader@localhost/shop
                                               the same of a database, with a role that reads
  mcpgen call openapi.yaml get_pet --arg petId=7 --dry-run
                                               the exact request of a call, nothing sent
  mcpgen install openapi.yaml --client claude-desktop
                                               add the server to a client's configuration

Exit status: 0 success, 1 errors in the input or a failed call, 2 wrong usage or I/O.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    List(list::List),
    Plan(plan::Plan),
    Call(call::Call),
    Init(init::Init),
    Explain(explain::Explain),
    Test(test::Test),
    Build(build::Build),
    Demo(demo::Demo),
    Install(install::Install),
    Introspect(introspect::Introspect),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(run(cli.command));
    // A read of standard input cannot be interrupted; the process ends without it.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => serve.run().await,
        Command::Check(check) => check.run().await,
        Command::List(list) => list.run().await,
        Command::Plan(plan) => plan.run().await,
        Command::Call(call) => call.run().await,
        Command::Init(init) => init.run().await,
        Command::Explain(explain) => explain.run().await,
        Command::Test(test) => test.run().await,
        Command::Build(build) => build.run().await,
        Command::Demo(demo) => demo.run().await,
        Command::Install(install) => install.run().await,
        Command::Introspect(introspect) => introspect.run().await,
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(&mut Cli::command()),
        Command::Man(man) => man.run(&Cli::command()),
    }
}

/// Says why nothing was done. A reader that went away (`| head`) is no failure.
fn fail(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    if error
        .downcast_ref::<std::io::Error>()
        .is_some_and(broken_pipe)
    {
        return ExitCode::SUCCESS;
    }
    // Some say what to do in lines of their own.
    let text = format!("{error:#}");
    let lines = text.lines().map(crate::diag::render::printable);
    let text = lines.collect::<Vec<_>>().join("\n");
    let bold = if std::io::stderr().is_terminal() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    // Nobody can be told that standard error is closed.
    let _ = writeln!(anstream::stderr(), "{}error{}: {text}", bold.0, bold.1);
    ExitCode::from(2)
}
