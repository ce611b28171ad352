//! Documents that nobody would write: whatever is in one, nothing panics, and what becomes a tool
//! keeps the rules that hold for every tool.
//!
//! The mutations are made from a fixed seed, so that a failure happens again; `MUTATIONS` says how
//! many of each kind.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mcpgen::compile::compile;
use mcpgen::diag::{Diagnostics, FileId, render};
use mcpgen::input::documents::Documents;
use mcpgen::input::openapi::{ReadOptions, read};
use mcpgen::policy::Policy;
use mcpgen::runtime::manifest::{Effect, Manifest};
use mcpgen::source::{Budget, Source, Sources};
use serde_json::{Value, json};

use crate::support::{root, tools};

const MUTATIONS: usize = 1_500;

/// Pieces of text that mean something to a reader of documents.
const PIECES: [&str; 40] = [
    "$ref",
    "\"$ref\": \"#\"",
    "'#/paths/~1'",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "!x ",
    "- ",
    ": ",
    "? ",
    "|\n",
    ">-\n",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "# ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    "\"",
    "\\u0000",
    "\\",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "\u{e0041}",
    "日",
    "null",
    "true",
    "1e999",
    "-0",
    "99999999999999999999",
    ".inf",
    "allOf",
    "%zz",
];

/// Deterministic pseudo-random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(value).unwrap_or_default() % end.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

fn count() -> usize {
    let asked = std::env::var("MUTATIONS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(MUTATIONS)
}

fn seeds() -> Vec<String> {
    let mut seeds = Vec::new();
    for folder in ["tests/golden", "tests/diagnostics"] {
        for entry in fs::read_dir(root().join(folder))
            .expect("a folder")
            .flatten()
        {
            for name in ["doc.yaml", "doc.json"] {
                seeds.extend(fs::read_to_string(entry.path().join(name)));
            }
        }
    }
    seeds.sort();
    assert!(seeds.len() > 40);
    seeds
}

/// Source → tree → Catalog → Manifest and all that is said of it; `None` where there is no Manifest.
fn compiled(text: &str) -> Option<Manifest> {
    let source = Source::new("mutated", text);
    let mut diags = Diagnostics::default();
    let options = ReadOptions {
        fallback_name: "api".into(),
        strict: true,
        ..ReadOptions::default()
    };
    let policy = Policy {
        effect: Effect::Destroy,
        ..Policy::default()
    };
    let tree = source.parse(&Budget::default(), &mut diags);
    let documents = tree.map(|tree| Documents::at(tree, None));
    let catalog = documents
        .as_ref()
        .and_then(|documents| read(documents, &options, &mut diags));
    let manifest = catalog
        .map(|catalog| compile(std::slice::from_ref(&catalog), &policy, &mut diags).manifest);
    // Every finding is about a place of the document as it is written, or what is missing in one.
    if let Some(documents) = &documents {
        let places = diags.iter().filter_map(|found| found.loc.as_ref());
        for loc in places.filter(|loc| loc.line_column.is_none() && loc.file == FileId::MAIN) {
            let (parent, _) = loc.pointer.rsplit_once('/').unwrap_or_default();
            let place = documents.main().pointer(parent);
            assert!(place.is_some(), "no such place: {loc:?}");
        }
    }
    let source = Sources::from(source);
    let text = render::text(&diags, &source, false);
    assert_eq!(text.is_empty(), diags.is_empty());
    render::json(&diags, &source);
    assert!(manifest.is_some() || diags.has_errors(), "nothing was said");
    manifest
}

/// Whether the document compiles without a panic to tools without problems.
#[track_caller]
fn survives(text: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        compiled(text).map_or(Vec::new(), |manifest| tools::problems(&manifest))
    }));
    let problems = outcome.unwrap_or_else(|_| vec!["a panic (see above)".to_owned()]);
    assert!(
        problems.is_empty(),
        "{}\n--- in\n{text}",
        problems.join("\n")
    );
}

#[test]
fn bytes() {
    let seeds = seeds();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..count() {
        let mut bytes = random.pick(&seeds).clone().into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            let end = (at + random.below(40)).min(bytes.len());
            match random.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                3 => {
                    let other = random.pick(&seeds).as_bytes();
                    let from = random.below(other.len());
                    let to = (from + random.below(200)).min(other.len());
                    bytes.splice(at..end, other[from..to].iter().copied());
                }
                4 => bytes.truncate(at),
                _ => {
                    let piece = random.pick(&PIECES).bytes();
                    bytes.splice(at..at, piece);
                }
            }
        }
        survives(&String::from_utf8_lossy(&bytes));
    }
}

/// Trees with parts of others in the wrong places get further than broken text.
#[test]
fn trees() {
    let trees: Vec<Value> = seeds()
        .iter()
        .filter_map(|text| {
            Source::new("seed", text.as_str())
                .parse(&Budget::default(), &mut Diagnostics::default())
        })
        .filter(|tree| tree.get("paths").is_some())
        .collect();
    let parts: Vec<Value> = trees.iter().flat_map(all_parts).collect();
    let pointers: Vec<String> = trees.iter().flat_map(all_pointers).collect();
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..count() {
        let mut tree = random.pick(&trees).clone();
        for _ in 0..=random.below(4) {
            let own = all_pointers(&tree);
            let pointer = random.pick(&own).clone();
            let part = match random.below(6) {
                0 => json!({"$ref": format!("#{}", random.pick(&own))}),
                1 => json!({"$ref": format!("#{}", random.pick(&pointers))}),
                2 => random
                    .pick(&[
                        json!(null),
                        json!(-1),
                        json!([]),
                        json!({}),
                        json!(""),
                        json!(true),
                        json!([[]]),
                    ])
                    .clone(),
                _ => random.pick(&parts).clone(),
            };
            let Some(place) = tree.pointer_mut(&pointer) else {
                continue;
            };
            match place {
                // Beside what is there, under a key that means something somewhere.
                Value::Object(map) if random.below(2) == 0 => {
                    let key = random
                        .pick(&pointers)
                        .rsplit('/')
                        .next()
                        .unwrap_or_default();
                    map.insert(key.replace("~1", "/"), part);
                }
                place => *place = part,
            }
        }
        if tree.is_object() {
            tree["openapi"] = json!(if random.below(2) == 0 {
                "3.0.3"
            } else {
                "3.1.0"
            });
        }
        survives(&tree.to_string());
    }
}

fn all_pointers(tree: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![(String::new(), tree)];
    while let Some((pointer, value)) = waiting.pop() {
        let below =
            |token: &str| format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"));
        for (key, child) in value.as_object().into_iter().flatten() {
            waiting.push((below(key), child));
        }
        for (index, child) in value.as_array().into_iter().flatten().enumerate() {
            waiting.push((below(&index.to_string()), child));
        }
        found.push(pointer);
    }
    found
}

fn all_parts(tree: &Value) -> Vec<Value> {
    let pointers = all_pointers(tree);
    let parts = pointers.iter().filter_map(|pointer| tree.pointer(pointer));
    parts
        .filter(|part| part.to_string().len() < 2_000)
        .cloned()
        .collect()
}
