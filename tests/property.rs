//! What is sent is what was given: arguments made up from the input schemas of real operations are
//! sent to an upstream that records, and a reader of requests that shares nothing with the program
//! (`property/spec`) gets the same values back.
//!
//! The documents are those of `MCPGEN_CORPUS`, or the project's own; ten operations of each, all with
//! `MCPGEN_PROPERTY=all`. The arguments are the same in every run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use mcpgen::catalog::Catalog;
use mcpgen::diag::Diagnostics;
use mcpgen::input::documents::Documents;
use mcpgen::input::openapi::{ReadOptions, read};
use serde_json::{Map, Value};

use crate::support::arguments::{Kind, Maker};
use crate::support::{Recorded, root};
use crate::threats::scene::{Scene, error_code, text, willing};

mod compare;
mod pattern;
mod pick;
mod spec;

use compare::Given;
use spec::Operation;
use spec::request::{Got, Sent, Shape};

/// Calls of each operation.
const CALLS: u64 = 4;
/// Arguments that are made for one call until some are valid: a schema may ask for more than the maker
/// of arguments understands.
const ATTEMPTS: u64 = 4;
/// Operations of each document.
const OPERATIONS: usize = 10;
/// Operations that one server has.
const AT_ONCE: usize = 10;

/// What came of documents.
#[derive(Default)]
struct Tally {
    documents: usize,
    operations: usize,
    /// What became of calls, by name.
    calls: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.documents += other.documents;
        self.operations += other.operations;
        for (name, count) in other.calls {
            *self.calls.entry(name).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }

    fn count(&mut self, name: &'static str) {
        *self.calls.entry(name).or_default() += 1;
    }

    fn of(&self, name: &str) -> usize {
        self.calls.get(name).copied().unwrap_or_default()
    }
}

#[test]
fn what_is_given_arrives() {
    let all = std::env::var("MCPGEN_PROPERTY").is_ok_and(|value| value == "all");
    let files = documents();
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let of_file = document(file, if all { usize::MAX } else { OPERATIONS });
                    tally.lock().expect("no document panicked").add(of_file);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no document panicked");
    println!(
        "{} documents, {} operations, {:?}",
        tally.documents, tally.operations, tally.calls
    );
    let mut shown = String::new();
    for wrong in tally.wrong.iter().take(40) {
        let _ = writeln!(shown, "{wrong}\n");
    }
    assert!(
        tally.wrong.is_empty(),
        "{} calls\n{shown}",
        tally.wrong.len()
    );
    // Were most calls refused, or the arguments no good, nothing would have been seen.
    let (good, all) = (tally.of("the same"), tally.calls.values().sum::<usize>());
    assert!(good * 3 > all * 2, "{:?}", tally.calls);
}

/// The documents of the corpus, or those of the project.
fn documents() -> Vec<PathBuf> {
    let corpus = std::env::var_os("MCPGEN_CORPUS").map(PathBuf::from);
    // What is odd on purpose has goldens of its own, and more in it than the oracle reads.
    let mut waiting = vec![corpus.unwrap_or_else(|| root().join("specs"))];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_document = path
                .extension()
                .is_some_and(|e| ["json", "yaml", "yml"].iter().any(|own| e == *own));
            if path.is_dir() {
                waiting.push(path);
            } else if is_document {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Calls operations of one document.
fn document(path: &Path, count: usize) -> Tally {
    let mut tally = Tally::default();
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let Some(tree) = pick::tree(path) else {
        return tally;
    };
    let operations = pick::spread(&pick::operations(&tree), count);
    for some in operations.chunks(AT_ONCE) {
        let cut = pick::cut(&tree, some);
        let Some(catalog) = catalog(&cut) else {
            tally.count("no server");
            continue;
        };
        // All tools are listed, whatever they cost, with the schemas that arguments are checked against.
        let options = [
            &["--enable", "destroy", "--budget", "10000000"][..],
            &["--profile", "none"],
        ]
        .concat();
        let mut scene = Scene::with(&cut, &options, &[], willing);
        let tools = listed(&mut scene);
        for (index, (path, method)) in some.iter().enumerate() {
            let called = format!("{} {path}", method.to_uppercase());
            let place = format!("{name}: {called}");
            let Some(schema) = tools.get(&format!("op{index}")) else {
                if catalog.left_out.iter().any(|left| left.operation == called) {
                    tally.count("left out");
                } else {
                    tally.wrong.push(format!("{place}\n  it is no tool"));
                }
                continue;
            };
            let Some(operation) = spec::operation(&cut, path, method) else {
                tally.count("not read");
                continue;
            };
            tally.operations += 1;
            let Ok(validator) = jsonschema::draft202012::new(schema) else {
                tally
                    .wrong
                    .push(format!("{place}\n  its input schema is none"));
                continue;
            };
            for seed in 0..CALLS {
                call(
                    &mut scene,
                    index,
                    &operation,
                    (schema, &validator),
                    seed,
                    &place,
                    &mut tally,
                );
            }
        }
    }
    tally.documents += usize::from(tally.operations > 0);
    tally
}

/// What the program reads of a document; `None` if there is nothing to serve.
fn catalog(document: &Value) -> Option<Catalog> {
    let options = ReadOptions {
        base_url: Some("https://api.example".into()),
        ..ReadOptions::default()
    };
    let documents = Documents::alone(document.clone());
    let catalog = read(&documents, &options, &mut Diagnostics::default());
    catalog.filter(|catalog| !catalog.capabilities.is_empty())
}

/// The input schemas of the tools.
fn listed(scene: &mut Scene) -> Map<String, Value> {
    let tools = scene.client.tools().into_iter();
    let pairs = tools.map(|mut tool| {
        (
            tool["name"].as_str().unwrap_or_default().to_owned(),
            tool["inputSchema"].take(),
        )
    });
    pairs.collect()
}

fn call(
    scene: &mut Scene,
    index: usize,
    operation: &Operation,
    (schema, validator): (&Value, &jsonschema::Validator),
    seed: u64,
    place: &str,
    tally: &mut Tally,
) {
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties = properties.unwrap_or(&none);
    let mut args = Map::new();
    let mut valid = false;
    for attempt in 0..ATTEMPTS {
        args = Maker::new(schema, Kind::Good, seed * ATTEMPTS + attempt).arguments();
        if seed % 2 == 1 {
            compare::soften(operation, &mut args);
        }
        for (name, value) in &mut args {
            let pattern = properties
                .get(name)
                .and_then(|schema| schema.get("pattern"));
            let text = pattern.and_then(Value::as_str).and_then(pattern::text);
            *value = text.map_or(value.take(), Value::String);
        }
        valid = validator.is_valid(&Value::Object(args.clone()));
        if valid {
            break;
        }
    }
    let given = compare::divide(operation, properties, &args);
    let Some(given) = given.filter(|_| valid) else {
        tally.count(if valid { "names meet" } else { "not valid" });
        return;
    };
    let written = Value::Object(args.clone()).to_string();
    let (result, requests) = scene.call_raw(&format!("op{index}"), &written);
    let came = match (error_code(&result), requests.as_slice()) {
        ("refused_value" | "unsupported_value", []) => {
            compare::reason(operation, &given).ok_or_else(|| text(&result))
        }
        ("", [request]) => check(operation, &given, request).map(|()| "the same"),
        _ => Err(text(&result)),
    };
    match came {
        Ok(what) => tally.count(what),
        Err(why) => {
            let requests: Vec<String> = requests.iter().map(|r| format!("{r:?}")).collect();
            tally.wrong.push(format!(
                "{place}\n  {why}\n  {written}\n  {}",
                requests.join("\n  ")
            ));
        }
    }
}

/// Reads a request back.
fn check(operation: &Operation, given: &Given<'_>, request: &Recorded) -> Result<(), String> {
    let sent = Sent {
        method: request.method(),
        target: request.target(),
        headers: &request.headers,
    };
    let params = operation.params.iter().zip(&given.params);
    let wanted: Option<Vec<(Got, Shape)>> = params
        .map(|(param, value)| compare::expected(param, *value))
        .collect();
    let wanted = wanted.ok_or("a value was sent that its style does not write")?;
    let (wanted, shapes): (Vec<Got>, Vec<Shape>) = wanted.into_iter().unzip();
    let ways = spec::request::read(operation, &sent, &shapes)?;
    if !ways.contains(&wanted) {
        let wrong = operation
            .params
            .iter()
            .zip(wanted)
            .zip(ways.first().into_iter().flatten());
        let wrong = wrong.filter(|((_, wanted), got)| wanted != *got);
        let wrong: Vec<String> = wrong
            .map(|((param, wanted), got)| format!("`{}` is {got:?}, not {wanted:?}", param.name))
            .collect();
        return Err(wrong.join("; "));
    }
    let (body, media) = spec::body::read(operation, request.header("content-type"), &request.body)?;
    let media = media.and_then(|index| operation.body.get(index));
    compare::body(&given.body, &body, media, operation.styled_parts)
}

#[test]
fn the_reader_shares_nothing_with_the_program() {
    for file in ["spec.rs", "spec/request.rs", "spec/body.rs"] {
        let text =
            fs::read_to_string(root().join("tests/property").join(file)).expect("it is there");
        assert!(
            !text.contains("mcpgen") && !text.contains("crate::"),
            "{file}"
        );
    }
}
