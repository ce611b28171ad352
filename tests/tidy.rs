//! The rules that the architecture page states, as far as text shows whether they are kept.
//!
//! A rule is a row of `rules!`: its name, its checker from `tidy/rules.rs`, planted texts that the
//! checker must find (so that no rule can pass by finding nothing) and texts that it must let pass.

use std::fs;
use std::path::Path;

use crate::support::root;

mod code;
mod rules;

/// A text file of the repository.
struct File {
    /// Its path from the root, with slashes.
    path: String,
    /// The text.
    text: String,
    /// The text without comments and literals, if it is Rust.
    code: String,
}

/// A place that breaks a rule: the line and what is wrong with it.
type Finding = (usize, String);
type Checker = fn(&File) -> Vec<Finding>;

impl File {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = if is_named(&path, "rs") {
            code::blank(&text)
        } else {
            String::new()
        };
        Self { path, text, code }
    }

    fn is_rust(&self) -> bool {
        is_named(&self.path, "rs")
    }

    /// Whether the file is listed: by its path, or by a folder that ends with a slash.
    fn is_in(&self, listed: &[&str]) -> bool {
        listed.iter().any(|entry| {
            self.path == *entry || (entry.ends_with('/') && self.path.starts_with(entry))
        })
    }

    /// Whether the file is the module at `src/<name>.rs` or in its folder.
    fn is_module(&self, name: &str) -> bool {
        let rest = self
            .path
            .strip_prefix("src/")
            .and_then(|p| p.strip_prefix(name));
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }
}

/// Whether the file name ends with the extension.
fn is_named(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|e| e == extension)
}

/// Folders that are not sources: the inputs and outputs of others, and what tools leave behind.
const SKIPPED: &[&str] = &[
    ".git",
    ".cache",
    "target",
    "node_modules",
    "__pycache__",
    "specs",
    "generated",
];

/// What a fuzzer leaves.
const FUZZED: [&str; 3] = ["fuzz/corpus", "fuzz/artifacts", "fuzz/coverage"];

/// All text files of the repository, in the order of their paths.
fn files() -> Vec<File> {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    for expected in ["Cargo.toml", "src/main.rs", "tests/tidy.rs"] {
        assert!(
            found.iter().any(|f| f.path == expected),
            "{expected} was not read"
        );
    }
    found
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder)
        .expect("a folder of the repository")
        .flatten()
    {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        // `.git` is a file in a linked worktree.
        let path = format!("{prefix}{name}");
        if SKIPPED.contains(&&*name) || FUZZED.contains(&&*path) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_file()
            && !is_named(&name, "lock")
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            found.push(File::new(path, text));
        }
    }
}

/// Checks the checker on the planted texts, `[path, text, what must be found]`, and on those that
/// must pass, `[path, text]`.
#[track_caller]
fn prove(check: Checker, caught: &[[&str; 3]], passed: &[[&str; 2]]) {
    assert!(
        !caught.is_empty() && !passed.is_empty(),
        "a rule needs both kinds of planted texts"
    );
    for [path, text, expected] in caught {
        let found = check(&File::new(*path, *text));
        let found: Vec<_> = found
            .iter()
            .map(|(line, what)| format!("{line}: {what}"))
            .collect();
        assert!(
            found.iter().any(|found| found.contains(expected)),
            "planted in {path}, not found: {expected}\n{text}\nfound: {found:?}"
        );
    }
    for [path, text] in passed {
        let found = check(&File::new(*path, *text));
        assert!(
            found.is_empty(),
            "{path} breaks no rule\n{text}\nfound: {found:?}"
        );
    }
}

/// Checks all files of the repository.
#[track_caller]
fn enforce(check: Checker) {
    let mut broken = Vec::new();
    for file in files() {
        for (line, what) in check(&file) {
            broken.push(format!("{}:{line}: {what}", file.path));
        }
    }
    assert!(
        broken.is_empty(),
        "{} places break the rule:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

macro_rules! rules {
    ($($name:ident = $check:expr, catches [$($caught:tt),+ $(,)?], passes [$($passed:tt),+ $(,)?];)+) => {
        $(mod $name {
            use super::rules;

            #[test]
            fn planted() {
                super::prove($check, &[$($caught),+], &[$($passed),+]);
            }

            #[test]
            fn tree() {
                super::enforce($check);
            }
        })+
    };
}

rules! {
    imports = rules::imports,
    catches [
        ["src/runtime/args.rs", "//!\nuse crate::{runtime::x, catalog::C};", "2: runtime may not name crate::catalog::C"],
        ["src/runtime/args.rs", "fn f() { super::super::diag::g() }", "runtime may not name crate::diag::g"],
        ["src/runtime.rs", "use mcpgen::cli::x;", "runtime may not name crate::cli::x"],
        ["src/input/openapi.rs", "use crate::policy::Policy;", "1: input may not name crate::policy::Policy"],
        ["src/input/openapi.rs", "fn f(x: crate::compile::Y) {}", "crate::compile::Y"],
        ["src/input.rs", "use crate::{self, emit};", "crate::emit"],
        ["src/policy.rs", "use crate::catalog;", "policy may not name crate::catalog"],
        ["src/policy/parse.rs", "\n\ncrate::input::fetch()", "3: policy may not name"],
        ["src/compile/name.rs", "use crate::input;", "compile may not name crate::input"],
        ["src/emit/rust.rs", "use crate::runtime::args;", "emit may not name crate::runtime::args"],
        ["src/emit.rs", "use crate::catalog::Effect;", "emit may not name crate::catalog::Effect"],
        ["src/input.rs", "use crate::*;", "input may not name crate"],
        ["src/policy.rs", "use super::*;", "policy may not name crate"],
    ],
    passes [
        ["src/runtime/args.rs", "//! Not crate::catalog.\nuse super::{manifest, error::E}; const X: &str = \"crate::cli\";"],
        ["src/input/openapi.rs", "use crate::{catalog, diag, source, runtime::manifest::Effect};"],
        ["src/compile/name.rs", "use crate::{catalog, policy, policy_file};"],
        ["src/emit/rust.rs", "use crate::runtime::manifest::Manifest; use crate::emit::view; use crate::diag;"],
        ["src/cli/serve.rs", "use crate::{compile, emit, input, policy, runtime};"],
    ];

    foreign_crates = rules::foreign_crates,
    catches [
        ["src/runtime/args.rs", "//!\nuse rmcp::model::Tool;", "2: rmcp has its home in"],
        ["src/compile/args.rs", "#[derive(clap::Parser)] struct A;", "clap has its home in"],
        ["src/policy.rs", "use saphyr_parser::Parser;", "saphyr_parser"],
        ["src/runtime/serve.rs", "let c = ::reqwest::Client::new();", "reqwest"],
        ["src/cli.rs", "use annotate_snippets as a;", "annotate_snippets"],
        ["src/diag.rs", "use comfy_table;", "comfy_table"],
        ["src/input/fetch.rs", "use indicatif::ProgressBar;", "indicatif"],
    ],
    passes [
        ["src/runtime/server.rs", "use rmcp::ServerHandler;"],
        ["src/cli/list.rs", "use clap::Args; use comfy_table::Table; use anyhow::Result;"],
        ["src/runtime/backends/http/limits.rs", "use reqwest::Response;"],
        ["src/compile.rs", "// rmcp::model\nfn rmcp() { crate::reqwest::x(); y.clap::<u8>() }"],
    ];

    input_and_output = rules::input_and_output,
    catches [
        ["src/runtime/args.rs", "//!\nuse std::{fmt, fs};", "2: std::fs is input or output"],
        ["src/source.rs", "std::env::var(\"X\")", "std::env"],
        ["src/compile.rs", "use tokio::{net::TcpStream};", "tokio::net"],
        ["src/runtime/backends/http/request.rs", "use reqwest::Url;", "reqwest"],
        ["src/catalog.rs", "std::process::exit(1)", "std::process"],
        ["src/compile.rs", "use std::time::{Duration, SystemTime};", "std::time::SystemTime"],
    ],
    passes [
        ["src/input/fetch.rs", "use std::fs; use reqwest::Client;"],
        ["src/runtime/backends/http/dial.rs", "use tokio::net::lookup_host;"],
        ["src/runtime/config.rs", "std::env::var(\"X\")"],
        ["src/cli/check.rs", "std::process::exit(2)"],
        ["src/runtime/request.rs", "use std::net::{IpAddr, Ipv4Addr}; use std::time::Duration; env!(\"X\")"],
    ];

    standard_output = rules::standard_output,
    catches [
        ["src/runtime/backends/http.rs", "//!\nprintln!(\"x\");", "2: println!"],
        ["src/diag.rs", "anstream::print!(\"x\")", "print!"],
        ["src/compile.rs", "let mut out = std::io::stdout().lock();", "stdout()"],
        ["src/compile.rs", "dbg!(x)", "dbg!"],
    ],
    passes [
        ["src/cli/list.rs", "println!(\"x\"); io::stdout()"],
        ["src/runtime/stdio.rs", "tokio::io::stdout()"],
        ["src/cluster.rs", "command.stdout(Stdio::null())"],
        ["src/diag.rs", "eprintln!(\"println!\"); let stdout = 1; // print!"],
    ];

    hash_order = rules::hash_order,
    catches [
        ["src/compile.rs", "//!\nuse std::collections::HashMap;", "2: HashMap"],
        ["src/emit.rs", "let x: HashSet<u8>;", "HashSet"],
    ],
    passes [
        ["src/compile.rs", "use std::collections::BTreeMap; // not a HashMap"],
        ["tests/x.rs", "use std::collections::HashMap;"],
    ];

    simple_protocol = rules::simple_protocol,
    catches [
        ["src/runtime/backends/postgres/pool.rs", "//!\nclient.batch_execute(text).await", "2: batch_execute is the simple protocol"],
        ["src/input/postgres/introspect.rs", "client.simple_query(text)", "simple_query"],
        ["src/cli/serve.rs", "client.transaction().await", "transaction"],
    ],
    passes [
        ["src/cluster.rs", "client.batch_execute(text)"],
        ["src/runtime/backends/postgres/pool.rs", "client.query_typed(text, &[]); // batch_execute(x)"],
    ];

    one_place_for_back_ends = rules::one_place_for_back_ends,
    catches [
        ["src/runtime/server.rs", "//!\nuse super::backends::http::Client;", "2: crate::runtime::backends::http::Client"],
        ["src/runtime/server.rs", "use super::{args, http};", "crate::runtime::http"],
        ["src/runtime/server.rs", "use super::backends;\nbackends::http::open()", "2: backends::http"],
        ["src/runtime.rs", "mod http;", "crate::runtime::http"],
        ["src/runtime/backends/http.rs", "use super::postgres::x;", "postgres"],
        ["src/runtime/backends/postgres.rs", "use super::http::x;", "http"],
    ],
    passes [
        ["src/runtime/backends.rs", "mod http; use http::Client; use super::backends::postgres;"],
        ["src/runtime/backends/http/limits.rs", "use super::wire; use super::super::http::x;"],
        ["src/runtime/server.rs", "use super::backends; use http::HeaderMap; // crate::runtime::http"],
        ["src/cli/call.rs", "use crate::runtime::backends::http;"],
    ];

    first_line = rules::first_line,
    catches [
        ["src/diag.rs", "use std::fmt;\n//! Late.\n", "1: a file begins with //!"],
        ["tests/x.rs", "", "1: "],
        ["tests/x.rs", "//!\n", "1: "],
    ],
    passes [
        ["src/diag.rs", "//! Diagnostics.\n"],
        ["README.md", "# mcpgen"],
    ];

    file_length = rules::file_length,
    catches [
        ["src/diag.rs", (super::LONG), "501: over 500 lines"],
        ["tests/x.rs", (super::LONG), "501: "],
    ],
    passes [
        ["src/diag.rs", "//! Short.\n"],
        ["docs/corpus.md", (super::LONG)],
    ];

    words = rules::words,
    catches [
        ["src/x.rs", (concat!("//!\n// TO", "DO later")), "2: a note to self"],
        ["src/x.rs", (concat!("to", "do!()")), "unfinished code"],
        ["src/x.rs", (concat!("unimpl", "emented!(\"x\")")), "unfinished code"],
        ["tests/run", (concat!("FIX", "ME")), "a note to self"],
        ["docs/x.md", (concat!("see (/ro", "ot/x)")), "a path of one machine"],
        ["docs/x.md", (concat!("\"/ho", "me/x\"")), "a path of one machine"],
        ["docs/x.md", (concat!("--index https://pyp", "i.org/simple")), "a package registry"],
        ["docs/x.md", (concat!("https://registry.npm", "js.org")), "a package registry"],
    ],
    passes [
        ["docs/x.md", "methods, mastodon, a todo list"],
        ["docs/x.md", (concat!("/api/ho", "me/x, ./ro", "ot/x, {base}/wo", "rk/y"))],
    ];
}

const LONG: &str = match std::str::from_utf8(&[b'\n'; 501]) {
    Ok(text) => text,
    Err(_) => unreachable!(),
};

/// An allowance that nothing needs any more is a hole for the next change.
#[test]
fn allowances_are_needed() {
    let files = files();
    for (path, reason) in rules::HASH_ALLOWED {
        let file = files.iter().find(|file| file.path == *path);
        let needed = file.is_some_and(|file| !rules::hashes(file).is_empty());
        assert!(needed, "{path} is allowed hashes ({reason}) and has none");
    }
}
