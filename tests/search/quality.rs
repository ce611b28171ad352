//! Questions in plain words over real documents: for how many an operation that answers them is among
//! the first five that are found. The documents are in the folder that `MCPGEN_CORPUS` names.
//!
//! The questions that were held out are asked only with `MCPGEN_HELD_OUT=1`, and those that find nothing
//! are not shown: work on the search is not to see them. Once the search is worked on again they belong
//! to the others, and new ones are written when it is finished: `MCPGEN_DRAW=WORD` draws operations by
//! lot that no question is about, the same for the same word.

#![allow(clippy::print_stdout, reason = "a table for people")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mcpgen::compile::{budget, compile};
use mcpgen::diag::Diagnostics;
use mcpgen::input::documents::Documents;
use mcpgen::input::openapi::{ReadOptions, read};
use mcpgen::policy::Policy;
use mcpgen::runtime::manifest::{Effect, ListMode, Manifest, ToolSpec};
use mcpgen::runtime::search::Search;
use mcpgen::source::{Budget, Source};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::root;

const PARTS: [&str; 2] = ["tuned", "held_out"];
const FILES: [&str; 3] = ["github", "stripe", "kubernetes"];

/// How many operations of a document are drawn.
const DRAWN: usize = 27;

/// For a document; a debug build on a busy machine needs more than the usual.
const TIME: Duration = Duration::from_mins(5);
/// How many of the tools that are found count: a search returns eight.
const BEST: usize = 5;
/// Of a hundred questions at least so many are to be answered.
const SHARE: usize = 92;

/// One question.
struct Question {
    ask: String,
    /// `GET /path` of each operation that answers it.
    answers: Vec<String>,
}

fn questions(value: &Value, part: &str) -> Vec<Question> {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().expect("a list").iter();
        texts
            .map(|text| text.as_str().expect("a text").to_owned())
            .collect()
    };
    let all = value[part].as_array().expect("questions").iter();
    all.map(|question| Question {
        ask: question["ask"].as_str().expect("a question").to_owned(),
        answers: texts(&question["answers"]),
    })
    .collect()
}

fn parsed(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let name = path.display().to_string();
    let budget = Budget {
        time: TIME,
        ..Budget::default()
    };
    let tree = Source::new(name, text).parse(&budget, &mut Diagnostics::default());
    tree.expect("a document")
}

/// A document with every operation, in search mode.
fn manifest(path: &Path) -> Manifest {
    let mut diags = Diagnostics::default();
    let options = ReadOptions {
        base_url: Some("https://api.example".into()),
        fallback_name: "api".into(),
        time: Some(TIME),
        ..ReadOptions::default()
    };
    let catalog = read(&Documents::alone(parsed(path)), &options, &mut diags).expect("it is read");
    let policy = Policy {
        effect: Effect::Destroy,
        ..Policy::default()
    };
    let mut manifest = compile(std::slice::from_ref(&catalog), &policy, &mut diags).manifest;
    manifest.listing.mode = ListMode::Search;
    manifest
}

fn request(tool: &ToolSpec) -> String {
    format!("{} {}", tool.action.verb(), tool.action.object())
}

/// Of how many questions an answer is among the first five; `show` those where none is.
fn found(search: &Search, manifest: &Manifest, questions: &[Question], show: bool) -> usize {
    let answered = |question: &&Question| {
        let best: Vec<String> = search
            .find(&question.ask)
            .into_iter()
            .take(BEST)
            .map(|at| request(&manifest.tools[at]))
            .collect();
        let found = best.iter().any(|found| question.answers.contains(found));
        if !found && show {
            println!("not found: {}\n  {}", question.ask, best.join("\n  "));
        }
        found
    };
    questions.iter().filter(answered).count()
}

#[test]
fn questions_find_the_operations_that_answer_them() {
    let Some(corpus) = std::env::var_os("MCPGEN_CORPUS").map(PathBuf::from) else {
        return;
    };
    let held_out = std::env::var_os("MCPGEN_HELD_OUT").is_some_and(|value| value == "1");
    let parts = &PARTS[..if held_out { 2 } else { 1 }];
    let mut table = String::from("| document | tools");
    for part in parts {
        let _ = write!(table, " | {part}");
    }
    let _ = writeln!(table, " |\n|---|--:{} |", " | --:".repeat(parts.len()));
    let (mut total, mut all) = ([0; 2], [0; 2]);
    for file in FILES {
        let value = parsed(&root().join(format!("tests/search/{file}.yaml")));
        let document = value["document"].as_str().expect("a document");
        let manifest = manifest(&corpus.join(document));
        let tokens = budget::listed(&manifest);
        assert!(tokens < 2_000, "{document} is listed with {tokens} tokens");
        let known: BTreeSet<String> = manifest.tools.iter().map(request).collect();
        let search = Search::new(&manifest).expect("search mode");
        let _ = write!(table, "| {document} | {}", manifest.tools.len());
        for (at, part) in parts.iter().enumerate() {
            let questions = questions(&value, part);
            for answer in questions.iter().flat_map(|question| &question.answers) {
                assert!(known.contains(answer), "{document} has no {answer}");
            }
            let found = found(&search, &manifest, &questions, *part == "tuned");
            let _ = write!(table, " | {found} of {}", questions.len());
            total[at] += found;
            all[at] += questions.len();
        }
        table.push_str(" |\n");
    }
    table.push_str("| all | ");
    for (total, all) in total.iter().zip(all).take(parts.len()) {
        let _ = write!(table, " | {total} of {all}");
    }
    println!("{table} |");
    assert!(
        total[0] * 100 >= all[0] * SHARE,
        "fewer than {SHARE} of a hundred questions are answered"
    );
}

/// Prints the operations that new questions are to be written for.
#[test]
fn operations_are_drawn() {
    let corpus = std::env::var_os("MCPGEN_CORPUS").map(PathBuf::from);
    let (Some(corpus), Ok(word)) = (corpus, std::env::var("MCPGEN_DRAW")) else {
        return;
    };
    for file in FILES {
        let value = parsed(&root().join(format!("tests/search/{file}.yaml")));
        let asked: BTreeSet<String> = PARTS
            .iter()
            .flat_map(|part| questions(&value, part))
            .flat_map(|question| question.answers)
            .collect();
        let document = value["document"].as_str().expect("a document");
        let manifest = manifest(&corpus.join(document));
        let lot = |tool: &&ToolSpec| Sha256::digest(format!("{word} {}", request(tool)));
        let mut tools: Vec<&ToolSpec> = manifest.tools.iter().collect();
        tools.retain(|tool| !asked.contains(&request(tool)));
        tools.sort_by_cached_key(lot);
        println!("{document}");
        for tool in tools.into_iter().take(DRAWN) {
            println!("  {}: {:.200}", request(tool), tool.description);
        }
    }
}
