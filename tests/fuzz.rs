//! Mutated bytes through the loader, the resolver and the request builder: nothing panics, and what
//! comes out keeps its rules (`fuzz/targets`). The mutations are the same in every run; `FUZZ_CASES` says
//! how many of each. With `FUZZ_SEEDS` what is mutated is written to that folder instead, for a fuzzer to
//! begin with.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::root;

mod targets;

use targets::{BETWEEN, NEXT};

const CASES: u32 = 300;

/// Pieces of text that mean something to one of the readers.
const PIECES: [&str; 48] = [
    "\"$ref\": \"#/\"",
    "$ref: '1.yaml'",
    "$ref: '1.yaml#/a'",
    "$ref: '2.yaml#x'",
    "$ref: '#'",
    "$id: 1.yaml",
    "$anchor: x",
    "$dynamicRef: '#x'",
    "$self: x/",
    "..",
    "../",
    "/",
    "//",
    "%2e%2e",
    "%2f",
    "\\",
    "file:///",
    "http://[",
    "#/~01~1",
    "target: $..*",
    "target: $.paths.*.*",
    "[?@.x == 1]",
    "remove: true",
    "update: {a: [1]}",
    BETWEEN,
    "&a ",
    "*a",
    "<<: *a",
    "!!binary ",
    "- ",
    ": ",
    "? ",
    "|\n",
    ">-\n",
    "\u{feff}",
    "\u{202e}",
    "\u{0}",
    "\r\n",
    "\u{ff0e}\u{ff0e}",
    "%",
    ";",
    "&",
    "=",
    "[]",
    "1e999",
    "-0",
    "null",
    "日",
];

/// One change of bytes.
#[derive(Debug, Clone)]
enum Edit {
    Flip(Index, u8),
    Remove(Index, u8),
    Repeat(Index, u8),
    Insert(Index, &'static str),
    Mark(Index),
    Splice(Index, Index, u8),
    Truncate(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Edit::Remove(at, count)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Edit::Repeat(at, count)),
        4 => (at(), select(&PIECES[..])).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        1 => at().prop_map(Edit::Mark),
        2 => (at(), at(), any::<u8>()).prop_map(|(at, from, count)| Edit::Splice(at, from, count)),
        1 => at().prop_map(Edit::Truncate),
    ]
}

fn apply(bytes: &mut Vec<u8>, other: &[u8], edit: &Edit) {
    let length = bytes.len();
    let place = |at: &Index| at.index(length + 1);
    let range = |at: &Index, count: u8| place(at)..(place(at) + usize::from(count)).min(length);
    match edit {
        Edit::Flip(at, bit) if length > 0 => bytes[at.index(length)] ^= 1 << bit,
        Edit::Flip(..) => {}
        Edit::Remove(at, count) => drop(bytes.drain(range(at, *count))),
        Edit::Repeat(at, count) => {
            let again = bytes[range(at, *count)].to_vec();
            bytes.splice(place(at)..place(at), again);
        }
        Edit::Insert(at, piece) => drop(bytes.splice(place(at)..place(at), piece.bytes())),
        Edit::Mark(at) => bytes.insert(place(at), NEXT),
        Edit::Splice(at, from, count) => {
            let start = from.index(other.len() + 1);
            let end = (start + usize::from(*count)).min(other.len());
            bytes.splice(range(at, *count), other[start..end].iter().copied());
        }
        Edit::Truncate(at) => bytes.truncate(place(at)),
    }
}

/// Gives a target mutations of its seeds, the same in every run.
fn fuzz(name: &str, seeds: Vec<Vec<u8>>, target: fn(&[u8])) {
    assert!(seeds.len() > 5, "{} seeds", seeds.len());
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).expect("a folder");
        for (at, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{at}")), seed).expect("a file");
        }
        return;
    }
    for seed in &seeds {
        target(seed);
    }
    let cases = std::env::var("FUZZ_CASES").ok();
    let config = Config {
        cases: cases.and_then(|n| n.parse().ok()).unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let input = (
        select(seeds.clone()),
        select(seeds),
        prop::collection::vec(edit(), 1..8),
    );
    let outcome = TestRunner::new_with_rng(config, rng).run(&input, |(mut bytes, other, edits)| {
        for edit in &edits {
            apply(&mut bytes, &other, edit);
        }
        target(&bytes);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// The documents of the tests' folders; with their other files and overlays, in the order of names.
fn documents() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for folder in ["tests/golden", "tests/diagnostics"] {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        for case in entries.flatten().map(|entry| entry.path()) {
            let mut names: Vec<_> = fs::read_dir(&case)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
                .collect();
            names.sort_by_key(|path| (!path.ends_with("doc.yaml"), path.clone()));
            let texts: Vec<String> = names
                .iter()
                .filter_map(|p| fs::read_to_string(p).ok())
                .collect();
            if !texts.is_empty() {
                seeds.push(texts.join(BETWEEN).into_bytes());
            }
        }
    }
    seeds.retain(|seed| seed.len() < 20_000);
    seeds.sort();
    seeds
}

/// The policies of the project, the wrong ones among them.
fn policy_files() -> Vec<Vec<u8>> {
    let named = ["specs/bookshop/mcpgen.yaml", "specs/github/mcpgen.yaml"];
    let mut paths: Vec<_> = named.iter().map(|name| root().join(name)).collect();
    for (folder, start, rest) in [
        ("tests/diagnostics", "policy-", "policy.yaml"),
        ("docs/examples", "mg2", ""),
    ] {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let of_policies = entries.flatten().filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with(start)
        });
        paths.extend(of_policies.map(|entry| match rest {
            "" => entry.path(),
            rest => entry.path().join(rest),
        }));
    }
    paths.sort();
    paths
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .collect()
}

/// Arguments that some tool takes, each of them for every tool.
fn arguments() -> Vec<Vec<u8>> {
    let values = [
        &["a", "b", "c d", "1.5", "x", "y"][..],
        &[
            "[\"a\",\"b\"]",
            "[\"c\"]",
            "[\"d\"]",
            "[\"e,f\"]",
            "[\"g\"]",
            "[\"h\"]",
            "[\"i\"]",
        ],
        &[
            "{\"k\":\"v\"}",
            "{\"x\":\"y\"}",
            "{\"a b\":\"c\"}",
            "{\"d\":\"e\"}",
            "[1,{\"z\":null}]",
            "{\"h\":\"i\"}",
        ],
        &["a", "b"],
        &["{\"k\":\"v\"}", "x,y"],
        &["7", "text", "{\"deep\":[1]}"],
        &["..", "."],
        &[
            "id",
            "data:image/png;name=a.png;base64,aGVsbG8=",
            "aGVsbG8=",
        ],
    ];
    let mut seeds = Vec::new();
    for choice in 0..8_u8 {
        for values in values {
            let mut seed = vec![choice];
            for value in values {
                seed.extend(value.bytes());
                seed.push(NEXT);
            }
            seeds.push(seed);
        }
    }
    seeds
}

#[test]
fn loader() {
    fuzz("loader", documents(), targets::loader);
}

#[test]
fn resolver() {
    fuzz("resolver", documents(), targets::resolver);
}

#[test]
fn requests() {
    // Not everything is refused.
    let made = arguments()
        .iter()
        .filter(|seed| targets::request(seed))
        .count();
    assert!(made >= 5, "{made} requests");
    fuzz("requests", arguments(), targets::requests);
}

#[test]
fn policies() {
    fuzz("policies", policy_files(), targets::policies);
}
