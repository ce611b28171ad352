//! Real documents compile: every document of the folder that `MCPGEN_CORPUS`
//! names, else the project's own.
//!
//! What came of the folder is the table `docs/corpus.md`, which is compared where the folder is
//! there; `UPDATE=1` writes it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mcpgen::catalog::LeftOut;
use mcpgen::compile::{Compiled, budget, compile};
use mcpgen::diag::{Diagnostics, FileId, Severity};
use mcpgen::input::documents::Documents;
use mcpgen::input::openapi::{ReadOptions, read};
use mcpgen::policy::Policy;
use mcpgen::runtime::manifest::Effect;
use mcpgen::source::{Budget, Source};

use crate::support::{clients, golden, root, tools};

mod mutate;

/// Time for a document on a machine that does much else.
const TIME: Duration = Duration::from_mins(10);

/// What came of one document.
struct Row {
    file: String,
    version: String,
    /// `None` if it was not read, which is a problem.
    read: Option<Read>,
    /// What broke a rule.
    problems: Vec<String>,
}

struct Read {
    operations: usize,
    tools: usize,
    left_out: Vec<LeftOut>,
    warnings: usize,
    tokens: usize,
}

#[test]
fn real_documents_compile() {
    let corpus = std::env::var_os("MCPGEN_CORPUS").map(PathBuf::from);
    let files = match &corpus {
        Some(folder) => documents(folder, false),
        None => ["specs", "tests/golden"]
            .iter()
            .flat_map(|folder| documents(&root().join(folder), true))
            // A document of several files has tests of its own; each is read alone here.
            .filter(|path| !path.ends_with("files/doc.yaml"))
            .collect(),
    };
    assert!(!files.is_empty(), "no document in {corpus:?}");
    let rows = all(&files);
    let problems: Vec<String> = rows.iter().flat_map(|row| row.problems.clone()).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let sum = |of: fn(&Read) -> usize| {
        rows.iter()
            .filter_map(|row| row.read.as_ref())
            .map(of)
            .sum::<usize>()
    };
    let (operations, tools) = (sum(|read| read.operations), sum(|read| read.tools));
    // The project's own documents have what cannot be a tool on purpose.
    let least = if corpus.is_some() { 995 } else { 990 };
    assert!(
        tools * 1_000 >= operations * least,
        "{tools} tools of {operations} operations\n{}",
        table(&rows)
    );
    if corpus.is_some() {
        golden("../docs/corpus.md", &table(&rows));
    }
}

/// The documents of a folder, in the order of their names.
fn documents(folder: &Path, deep: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_document = ["json", "yaml", "yml"]
            .iter()
            .any(|extension| path.extension().is_some_and(|e| e == *extension));
        if path.is_dir() && deep {
            let inside = ["doc.yaml", "openapi.yaml", "openapi.json"].map(|name| path.join(name));
            found.extend(inside.into_iter().filter(|file| file.is_file()));
        } else if is_document {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// All rows, made on as many threads as there are processors.
fn all(files: &[PathBuf]) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = row(file);
                    rows.lock().expect("no row panicked").push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("no row panicked");
    rows.sort_by(|a, b| a.file.cmp(&b.file));
    rows
}

/// Compiles one document with every effect enabled.
fn row(path: &Path) -> Row {
    let file = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let text = fs::read_to_string(path).expect("a document is text");
    let mut diags = Diagnostics::default();
    let budget = Budget {
        time: TIME,
        ..Budget::default()
    };
    let tree = Source::new(&file, text).parse(&budget, &mut diags);
    let version = tree.as_ref().map_or("?".to_owned(), |tree| {
        let version = tree.get("openapi").or_else(|| tree.get("swagger"));
        version.map_or("?".into(), |v| {
            v.as_str().map_or_else(|| v.to_string(), str::to_owned)
        })
    });
    let options = ReadOptions {
        base_url: Some("https://api.example".into()),
        fallback_name: "api".into(),
        strict: true,
        time: Some(TIME),
        ..ReadOptions::default()
    };
    let catalog = tree
        .as_ref()
        .and_then(|tree| read(&Documents::alone(tree.clone()), &options, &mut diags));
    let mut problems = Vec::new();
    let Some(catalog) = catalog else {
        let said = messages(&diags);
        problems.push(format!("{file}: {version} was not read: {said:?}"));
        return Row {
            file,
            version,
            read: None,
            problems,
        };
    };
    let policy = Policy {
        effect: Effect::Destroy,
        ..Policy::default()
    };
    let Compiled { manifest, .. } = compile(std::slice::from_ref(&catalog), &policy, &mut diags);
    for left in &catalog.left_out {
        let start = format!("{} is left out: ", left.operation);
        if !diags.iter().any(|d| d.message.starts_with(&start)) {
            problems.push(format!("{file}: no diagnostic says that {start}"));
        }
    }
    // What reads 2.0 in the shape of 3.x names the places of the document itself.
    let tree = tree.unwrap_or_default();
    let is_nowhere = |pointer: &str| tree.pointer(pointer).is_none();
    let locs = diags.iter().filter_map(|d| d.loc.as_ref());
    for loc in locs.filter(|loc| {
        loc.line_column.is_none() && loc.file == FileId::MAIN && is_nowhere(&loc.pointer)
    }) {
        problems.push(format!("{file}: no such place: {}", loc.pointer));
    }
    if catalog.operations != manifest.tools.len() + catalog.left_out.len() {
        problems.push(format!(
            "{file}: an operation is neither a tool nor left out"
        ));
    }
    if diags.by_operation().count() != catalog.operations {
        problems.push(format!(
            "{file}: an operation is not in the ledger of losses"
        ));
    }
    problems.extend(
        tools::problems(&manifest)
            .iter()
            .map(|p| format!("{file}: {p}")),
    );
    problems.extend(
        clients::refused(&manifest)
            .iter()
            .map(|p| format!("{file}: {p}")),
    );
    let read = Read {
        operations: catalog.operations,
        tools: manifest.tools.len(),
        warnings: diags.count(Severity::Warning),
        tokens: budget::total(&manifest.tools),
        left_out: catalog.left_out,
    };
    Row {
        file,
        version,
        read: Some(read),
        problems,
    }
}

fn messages(diags: &Diagnostics) -> Vec<&str> {
    diags.iter().map(|d| d.message.as_str()).collect()
}

/// The page `docs/corpus.md`.
fn table(rows: &[Row]) -> String {
    let mut page = String::from(HEAD);
    let (mut total, mut documents) = ([0; 5], 0);
    for row in rows {
        let Some(read) = &row.read else { continue };
        let numbers = [
            read.operations,
            read.tools,
            read.left_out.len(),
            read.warnings,
            read.tokens,
        ];
        line(&mut page, &row.file, &row.version, numbers);
        documents += 1;
        total
            .iter_mut()
            .zip(numbers)
            .for_each(|(sum, number)| *sum += number);
    }
    line(&mut page, &format!("**{documents} documents**"), "", total);
    let [operations, tools, ..] = total;
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let share = tools as f64 * 100.0 / operations as f64;
    let _ = write!(
        page,
        "\n{share:.2} % of the operations are tools.\n\n## Left out\n\n"
    );
    for row in rows {
        for left in row.read.iter().flat_map(|read| &read.left_out) {
            let _ = writeln!(
                page,
                "- {}: `{}`: {}",
                row.file, left.operation, left.reason
            );
        }
    }
    page
}

const HEAD: &str = "\
# Real documents

What mcpgen makes of public OpenAPI documents, with every effect enabled. The documents are not part
of this repository; a test compiles those in the folder that `MCPGEN_CORPUS` names, checks every
tool (names, both schemas against the JSON Schema 2020-12 meta-schema, texts) and every place that a
diagnostic names, wants 99.5 % of the operations to be tools and each of the others to be explained, and
compares this page. With `UPDATE=1` it writes the page:

    UPDATE=1 MCPGEN_CORPUS=… cargo test --test main corpus::real

Warnings are those of `check`, the strict lint of 3.0 documents among them. Tokens are what `tools/list`
costs, estimated at four bytes each.

| document | version | operations | tools | left out | warnings | tokens |
|---|---|--:|--:|--:|--:|--:|
";

fn line(page: &mut String, file: &str, version: &str, numbers: [usize; 5]) {
    let numbers = numbers.map(|number| number.to_string()).join(" | ");
    let _ = writeln!(page, "| {file} | {version} | {numbers} |");
}
