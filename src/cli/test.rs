//! `mcpgen test`: the tests of a policy file, against an upstream that records what it is asked.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Map, Value, json};

use super::load::{Loaded, load};
use super::options::DocOptions;
use super::report;
use crate::compile::{Compiled, Offered, Standing};
use crate::diag::Loc;
use crate::diag::render::{self, printable};
use crate::policy::format::{Reply, Test as PolicyTest};
use crate::runtime::backends;
use crate::runtime::manifest::{Manifest, ToolSpec};
use crate::runtime::output::{CLAMPED_KEY, ERROR_KEY};
use crate::runtime::plain::Promise;
use crate::runtime::scan;
use crate::runtime::server::Server;
use crate::source::Sources;

mod judge;
mod sense;
pub(super) mod setup;
mod upstream;

use judge::{Difference, Outcome, differences};
use upstream::Upstream;

/// Run the tests of a policy file: each call, and what must become of it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Test {
    #[command(flatten)]
    options: DocOptions,

    /// Only tests of tools whose name has this text in it
    #[arg(short = 'k', long, value_name = "TOOL")]
    filter: Option<String>,

    /// Print a JSON object with `tests`, `passed` and `failed`
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen test mcpgen.yaml
  mcpgen test mcpgen.yaml --filter orders
  mcpgen test openapi.yaml --policy mcpgen.yaml --json

The calls go to a server on loopback that this command starts; no API is called, no
secret is read, and limits of rate do not count. Exit status: 0 if all tests pass, 1 if
one fails or the policy has errors, 2 for wrong usage or a policy without tests.";

/// What came of one test.
struct Verdict<'t> {
    test: &'t PolicyTest,
    /// Its index in the file.
    index: usize,
    differences: Vec<Difference>,
}

impl Test {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let loaded = load(&self.options).await?;
        let Some((_, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        let tests = self.tests(&loaded)?;
        let nonsense = sense::check(&loaded, compiled, tests);
        if !nonsense.is_empty() {
            let text = render::text(&nonsense, &loaded.sources, true);
            write!(anstream::stderr(), "{text}")?;
            return Ok(ExitCode::FAILURE);
        }
        let verdicts = self.verdicts(compiled, tests).await?;
        let failed = verdicts.iter().filter(|v| !v.differences.is_empty());
        let failed = failed.count();
        if self.json {
            print_json(&verdicts, failed, &loaded.sources)?;
        } else {
            print_text(&verdicts, failed, &loaded.sources)?;
        }
        Ok(match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }

    /// The tests of the file. That there are none is a mistake: nothing would be tested, in silence.
    fn tests<'l>(&self, loaded: &'l Loaded) -> anyhow::Result<&'l [PolicyTest]> {
        let name = self.options.policy.as_ref().unwrap_or(&self.options.doc);
        let Some(file) = &loaded.policy.file else {
            bail!("{name} is no policy file; `mcpgen init {name}` writes one");
        };
        if file.tests.is_empty() {
            bail!(
                "{name} has no tests; add some, as in `tests: [{{call: TOOL, expect: refused}}]`"
            );
        }
        if let Some(filter) = &self.filter
            && !file.tests.iter().any(|test| test.call.contains(filter))
        {
            bail!("--filter {filter}: no test calls such a tool");
        }
        Ok(&file.tests)
    }

    async fn verdicts<'t>(
        &self,
        compiled: &Compiled,
        tests: &'t [PolicyTest],
    ) -> anyhow::Result<Vec<Verdict<'t>>> {
        let upstream = Upstream::start().await;
        let upstream = upstream.context("loopback cannot be listened on")?;
        let (manifest, config, made_up) = setup::against(&compiled.manifest, &upstream.origin);
        for variable in made_up {
            let note = "is not set: a made-up value stands for it";
            writeln!(anstream::stderr(), "mcpgen: {variable} {note}")?;
        }
        let server = Server::new(&manifest, backends::open(&manifest, &config)?, &config);
        let mut verdicts = Vec::new();
        for (index, test) in tests.iter().enumerate() {
            let filter = self.filter.as_deref().unwrap_or_default();
            if !test.call.contains(filter) {
                continue;
            }
            let outcome = match off(compiled, &test.call) {
                Some(why) => Outcome {
                    error: Some(("unknown_tool".to_owned(), why)),
                    ..Outcome::default()
                },
                None => call(&manifest, &server, &upstream, test).await,
            };
            verdicts.push(Verdict {
                test,
                index,
                differences: differences(&test.expect, &outcome),
            });
        }
        Ok(verdicts)
    }
}

/// Why an operation is no tool, if it is none.
fn off(compiled: &Compiled, name: &str) -> Option<String> {
    if compiled.manifest.tools.iter().any(|tool| tool.name == name) {
        return None;
    }
    let named = |offered: &&Offered| offered.name == name;
    let offered = compiled.offered.iter().find(named);
    let why = match offered.map(|offered| (offered.standing, offered.effect)) {
        Some((Standing::HeldBack, effect)) => {
            format!("its effect is {}, which is not enabled", effect.as_str())
        }
        Some((Standing::Excluded(_), _)) => "a rule excludes it".to_owned(),
        Some((Standing::Deselected, _)) => "--include or --exclude leaves it out".to_owned(),
        _ => "the document's operation cannot be one".to_owned(),
    };
    Some(format!("`{name}` is no tool: {why}"))
}

/// Calls a tool as a client would, and takes down what becomes of it.
async fn call(
    manifest: &Manifest,
    server: &Server,
    upstream: &Upstream,
    test: &PolicyTest,
) -> Outcome {
    let (status, body) = match &test.reply {
        Some(Reply { status, body }) => (*status, body.clone()),
        None => (200, json!({})),
    };
    upstream.reply(status, body);
    let is_sql = |tool: &&ToolSpec| tool.name == test.call && tool.action.http().is_none();
    if manifest.tools.iter().any(|tool| is_sql(&tool)) {
        return planned(server, test);
    }
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": test.call, "arguments": test.args},
    });
    let refused = |why: String| Outcome {
        error: Some(("invalid_request".to_owned(), why)),
        ..Outcome::default()
    };
    let Ok(message) = scan::scan(message.to_string().as_bytes()) else {
        let why = scan::arguments(&Value::Object(test.args.clone()).to_string());
        return refused(why.err().unwrap_or_default());
    };
    let Some(call) = server.plain_call(message, Promise::Legacy) else {
        return refused("the arguments are not those of a call".to_owned());
    };
    let answer = server.answer(call).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    outcome(&answer, upstream)
}

/// The statement that a call would come to; no database is asked.
fn planned(server: &Server, test: &PolicyTest) -> Outcome {
    let planned = server.preview(&test.call, test.args.clone());
    match planned {
        Ok(Ok((statement, args))) => Outcome {
            statement: Some(statement),
            clamped: args.changes().clamped_pairs(),
            ..Outcome::default()
        },
        Ok(Err(error)) => Outcome {
            error: Some((error.code.to_owned(), error.message.replace('\n', " "))),
            ..Outcome::default()
        },
        Err(unknown) => Outcome {
            error: Some(("unknown_tool".to_owned(), unknown.to_string())),
            ..Outcome::default()
        },
    }
}

/// What a JSON-RPC response says of a call.
fn outcome(answer: &Value, upstream: &Upstream) -> Outcome {
    let text = |pointer: &str| {
        let text = answer.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let meta = |key: &str| {
        answer
            .pointer("/result/_meta")
            .and_then(|meta| meta.get(key))
    };
    let is_error = answer.pointer("/result/isError") == Some(&Value::Bool(true));
    let error = if answer.get("error").is_some() {
        Some(("unknown_tool".to_owned(), text("/error/message")))
    } else if is_error {
        let code = meta(ERROR_KEY).and_then(|facts| facts.get("code"));
        let code = code.and_then(Value::as_str).unwrap_or_default().to_owned();
        let lines = text("/result/content/0/text");
        let lines: Vec<&str> = lines.lines().filter(|l| !l.starts_with("hint: ")).collect();
        Some((code, lines.join(" ")))
    } else {
        None
    };
    Outcome {
        requests: upstream.requests(),
        statement: None,
        error,
        clamped: meta(CLAMPED_KEY)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        result: answer.pointer("/result/structuredContent").cloned(),
    }
}

const GREEN: anstyle::Style = anstyle::AnsiColor::Green.on_default();
const RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
/// Columns of what is shown of arguments, and of a value.
const WIDTH: usize = 60;

fn print_text(verdicts: &[Verdict<'_>], failed: usize, sources: &Sources) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    for verdict in verdicts {
        let (style, word) = match verdict.differences.is_empty() {
            true => (GREEN, "ok    "),
            false => (RED, "FAILED"),
        };
        let (on, off) = (style.render(), style.render_reset());
        let args = match verdict.test.args.is_empty() {
            true => String::new(),
            false => format!(" {}", cut(&Value::Object(verdict.test.args.clone()))),
        };
        writeln!(
            out,
            "{on}{word}{off} {}{args}",
            printable(&verdict.test.call)
        )?;
        for difference in &verdict.differences {
            writeln!(
                out,
                "         {}: {}",
                place(sources, verdict.index, difference),
                printable(&difference.about)
            )?;
            let shown = |value: &Option<Value>| match value {
                Some(Value::String(text)) if difference.about == "call" => {
                    printable(text).into_owned()
                }
                Some(value) => cut(value),
                None => "nothing".to_owned(),
            };
            writeln!(out, "           expected {}", shown(&difference.expected))?;
            writeln!(out, "           got      {}", shown(&difference.got))?;
        }
    }
    let passed = verdicts.len() - failed;
    let tests = report::count(verdicts.len(), "test");
    match failed {
        0 => writeln!(out, "{tests}, all as expected")?,
        _ => writeln!(out, "{tests}: {passed} as expected, {failed} not")?,
    }
    Ok(())
}

/// A value in a line, cut to a length that can be read.
fn cut(value: &Value) -> String {
    let text = value.to_string();
    let text = match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    };
    printable(&text).into_owned()
}

/// Where the test expects what is different.
fn place(sources: &Sources, index: usize, difference: &Difference) -> String {
    let loc = Loc::at(format!("/tests/{index}{}", difference.pointer));
    let name = printable(&sources.main().name);
    match sources.span(&loc) {
        Some(span) => format!("{name}:{}", span.line),
        None => name.into_owned(),
    }
}

fn print_json(verdicts: &[Verdict<'_>], failed: usize, sources: &Sources) -> anyhow::Result<()> {
    let tests = verdicts.iter().map(|verdict| {
        let line = |pointer: &str| {
            let loc = Loc::at(format!("/tests/{}{pointer}", verdict.index));
            sources.span(&loc).map(|span| span.line)
        };
        let differences = verdict.differences.iter().map(|d| {
            json!({"about": d.about, "line": line(&d.pointer), "expected": d.expected, "got": d.got})
        });
        let mut one = Map::new();
        one.insert("call".to_owned(), verdict.test.call.as_str().into());
        one.insert("args".to_owned(), verdict.test.args.clone().into());
        one.insert("line".to_owned(), line("").into());
        one.insert("passed".to_owned(), verdict.differences.is_empty().into());
        one.insert("differences".to_owned(), differences.collect());
        Value::Object(one)
    });
    report::print_json(&json!({
        "tests": tests.collect::<Vec<_>>(),
        "passed": verdicts.len() - failed,
        "failed": failed,
    }))
}
