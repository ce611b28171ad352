//! A crate for databases: it has the back end that it needs and no other, passes every check, and does what
//! its Manifest says.

use std::fs;

use mcpgen::emit::{self, Options, Tree};
use mcpgen::runtime::manifest::Manifest;
use serde_json::json;

use super::made::{library, manifest, postgres};
use crate::support::cargo::{cargo, program};
use crate::support::process::run_program;
use crate::support::{Scratch, root};

fn emitted(manifest: &Manifest, name: &str) -> Tree {
    let options = Options {
        name: name.to_owned(),
        inputs: Vec::new(),
    };
    emit::emit(manifest, &options).unwrap()
}

fn text<'a>(tree: &'a Tree, path: &str) -> &'a str {
    let file = tree.iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("no {path}")).text
}

#[test]
fn a_crate_has_the_back_ends_that_it_needs() {
    let sql = library();
    let mut http = serde_json::Map::new();
    http.insert(
        "ping".to_owned(),
        json!({"http": {"method": "GET", "path": "/ping"}}),
    );
    let mut both = sql.clone();
    both.extend(http.clone());
    for (actions, has_http, has_sql, packages) in [
        (&http, true, false, ["reqwest", "hyper-rustls"]),
        (
            &sql,
            false,
            true,
            ["tokio-postgres", "tokio-postgres-rustls"],
        ),
        (&both, true, true, ["reqwest", "tokio-postgres"]),
    ] {
        let tree = emitted(&manifest(actions, postgres()), "a-crate");
        for (name, has) in [("http", has_http), ("postgres", has_sql)] {
            let folder = format!("src/runtime/backends/{name}");
            assert_eq!(tree.iter().any(|file| file.path.starts_with(&folder)), has);
            let line = format!("pub mod {name};");
            assert_eq!(text(&tree, "src/runtime/backends.rs").contains(&line), has);
        }
        for (package, has) in [("reqwest", has_http), ("tokio-postgres", has_sql)] {
            let line = format!("\n{package} = ");
            assert_eq!(text(&tree, "Cargo.toml").contains(&line), has, "{package}");
            let name = format!("name = \"{package}\"\n");
            assert_eq!(text(&tree, "Cargo.lock").contains(&name), has, "{package}");
        }
        for package in packages {
            assert!(text(&tree, "Cargo.lock").contains(&format!("name = \"{package}\"\n")));
        }
    }
    // With both, it is the interpreter's own.
    let tree = emitted(&manifest(&both, postgres()), "a-crate");
    let own = fs::read_to_string(root().join("src/runtime/backends.rs")).unwrap();
    assert_eq!(text(&tree, "src/runtime/backends.rs"), own);
}

#[test]
fn a_crate_for_databases_passes_every_check() {
    let mut spec = postgres();
    spec["role"] = json!("reader");
    spec["posture"] = json!({"accept": "bypass_rls", "because": "a \"test\""});
    let manifest = manifest(&library(), spec);
    let folder = Scratch::new();
    for file in emitted(&manifest, "databases-alone").iter() {
        folder.file(&file.path, &file.text);
    }
    let path = folder.path();
    cargo(path, &["fmt"]).expect(0);
    let clippy = [
        "clippy",
        "--locked",
        "--offline",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    cargo(path, &clippy).expect(0);
    cargo(path, &["test", "--locked", "--offline"]).expect(0);
    let program = program(path, "databases-alone");
    let printed = run_program(&program, &["manifest"], &[], b"").expect(0);
    let mut wanted = serde_json::to_string_pretty(&manifest).unwrap();
    wanted.push('\n');
    assert_eq!(printed.stdout, wanted);
    // Without a connection string it does not start, and says what is missing.
    let failed = run_program(&program, &[], &[("BANNED", "nobody")], b"").expect(2);
    assert!(failed.stderr.contains("LIBRARY_URL"), "{}", failed.stderr);
}
