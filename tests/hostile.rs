//! A29: a document whose every text is hostile to Rust, TOML, YAML, JSON, Markdown, shells and people
//! becomes a crate that compiles, stays in its folder, and has the syntax of its harmless twin.

use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use serde_json::{Value, json};

use crate::support::cargo::{cargo, relative};
use crate::support::{Scratch, run};

/// Texts that end literals, comments, templates, tables and lines, or hide from readers.
const HOSTILE: [&str; 12] = [
    "\"#; std::process::exit(1); //",
    "\"##\"###; fn evil() {} r#\"",
    "*/ fn evil() {} /*",
    "{{ 7 * 7 }}{% raw %}{# x #}${IFS}$(id)`id`",
    "line\nbreak\r\n#![allow(evil)]\n[dependencies]\nevil = \"1\"",
    "\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}",
    "../../../../etc/passwd",
    "crate self Self super r#fn _ async dyn",
    "key: [a, b]\n- &anchor *alias !!tag | > % @",
    "</script><img src=x onerror=y> ![x](https://evil.example)",
    "\\u{41}\\x41\\n\\0'\\''b'",
    "тест 日本 🎉",
];

fn long() -> String {
    "x\"#{}*/".repeat(1_500)
}

/// A document whose texts all come from `text`, which gets the number of the hostile text.
fn document(text: &dyn Fn(usize) -> String) -> Value {
    let count = HOSTILE.len() + 1;
    let mut paths = serde_json::Map::new();
    for n in 0..count {
        let at = |k: usize| text((n + k) % count);
        // Letters of other scripts get a hash; the twin has none of them.
        let id = text(if n == 11 { 0 } else { n });
        // Tags are cleaned of markup and cut; the twin of markup is not their equal in length.
        let tag = if (n + 2) % HOSTILE.len() == 9 {
            text(0)
        } else {
            text((n + 2) % HOSTILE.len())
        };
        let parameter = json!({"name": at(3), "in": "query", "description": at(4), "example": at(5),
            "schema": {"type": "string", "enum": [at(6), "plain"], "default": at(7), "title": at(8)}});
        let property = json!({"type": "object", "properties": {at(9): {"type": "string", "description": at(10)}}});
        paths.insert(
            format!("/p{n}/{{id}}"),
            json!({"post": {
                "operationId": format!("op{n} {id}"), "summary": at(1), "description": at(2), "tags": [format!("t{n} {tag}")],
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}, parameter],
                "requestBody": {"description": at(4), "content": {"application/json": {"schema": property}}},
                "responses": {"200": {"description": at(5), "content": {"application/json": {"schema": property}}}},
                "security": [{at(6): []}],
            }}),
        );
    }
    let schemes = (0..count).map(|n| (text(n), json!({"type": "http", "scheme": "bearer"})));
    json!({
        "openapi": "3.1.0",
        "info": {"title": text(0), "version": text(1), "description": text(2)},
        "servers": [{"url": "https://api.example/v1", "description": text(3)}],
        "paths": paths,
        "components": {"securitySchemes": schemes.collect::<serde_json::Map<_, _>>()},
    })
}

/// A hostile text, with its number so that its twin is different from the others' too.
fn hostile(n: usize) -> String {
    let text = HOSTILE.get(n).map_or_else(long, |text| (*text).to_owned());
    format!("{text} n{n}")
}

/// The same letters and digits with nothing between them that means anything in Rust source.
fn harmless(n: usize) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            ' '
        }
    };
    hostile(n).chars().map(plain).collect()
}

fn build(scratch: &Scratch, name: &str, document: &Value) -> std::path::PathBuf {
    let file = scratch.file(&format!("{name}.json"), document.to_string());
    let folder = scratch.path().join(name).join("crate");
    let out = folder.to_str().expect("UTF-8");
    run(
        &[
            "build", &file, "-o", out, "--enable", "destroy", "--name", "twin",
        ],
        &[],
        "",
    )
    .expect(0);
    folder
}

/// A long name without the hash at its end.
fn without_hash(name: &str) -> &str {
    let hash = name.len().checked_sub(6).filter(|at| *at > 12);
    let parts = hash.and_then(|at| name.split_at_checked(at));
    match parts {
        Some((start, end)) if end.bytes().all(|b| b.is_ascii_hexdigit()) => start,
        _ => name,
    }
}

/// The tokens of a file, every literal as `L`.
fn skeleton(stream: TokenStream, out: &mut Vec<String>) {
    for token in stream {
        match token {
            TokenTree::Group(group) => {
                out.push(format!("{:?}", group.delimiter()));
                skeleton(group.stream(), out);
                // rustfmt adds one where a literal is too long for the line.
                out.pop_if(|last| last == ",");
                out.push("end".to_owned());
            }
            TokenTree::Literal(_) => out.push("L".to_owned()),
            // Long names end in a hash of the text they stand for, which differs between twins.
            token => out.push(without_hash(&token.to_string()).to_owned()),
        }
    }
}

fn tokens(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a file");
    let mut out = Vec::new();
    skeleton(text.parse().expect("Rust"), &mut out);
    out
}

#[test]
fn a29_code_injection_into_generated_code() {
    let scratch = Scratch::new();
    let evil = build(&scratch, "hostile", &document(&hostile));
    let twin = build(&scratch, "harmless", &document(&harmless));
    assert_eq!(relative(&evil), relative(&twin));
    // Nothing landed beside the crate.
    let around = relative(evil.parent().expect("a folder"));
    assert!(
        around.iter().all(|path| path.starts_with("crate/")),
        "{around:?}"
    );
    for path in relative(&evil).iter().filter(|path| {
        path.strip_suffix(".rs")
            .is_some_and(|path| !path.starts_with("src/runtime"))
    }) {
        let (left, right) = (tokens(&evil.join(path)), tokens(&twin.join(path)));
        let differs = left.iter().zip(&right).position(|(l, r)| l != r);
        let at = differs.unwrap_or(left.len().min(right.len()));
        let near = |tokens: &[String]| {
            tokens
                .iter()
                .skip(at.saturating_sub(6))
                .take(12)
                .cloned()
                .collect::<Vec<_>>()
        };
        assert!(
            left == right,
            "{path}: {:?} and {:?}",
            near(&left),
            near(&right)
        );
        let text = fs::read_to_string(evil.join(path)).expect("a file");
        let hidden = text.chars().find(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'));
        assert_eq!(hidden, None, "{path}");
    }
    for seeded in ["Cargo.toml", "Cargo.lock", "README.md"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(seeded)).expect("a file");
        assert!(!read(&evil).contains("evil"), "{seeded}");
    }
    let clippy = ["clippy", "--locked", "--offline", "--", "-D", "warnings"];
    cargo(&evil, &clippy).expect(0);
}
