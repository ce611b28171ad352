//! Generated code is laid out the same whoever generates it, and nearly so where no rustfmt is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use super::DOCUMENT;
use crate::support::cargo::{cargo, relative};
use crate::support::process::run_in;
use crate::support::{Scratch, root, run};

/// The files of a crate that mcpgen lays out, but for its lock, as text.
fn code(folder: &Path) -> Vec<(String, String)> {
    let mut paths = relative(folder);
    paths.retain(|path| !path.starts_with("src/runtime") && path != "mcpgen.lock");
    let read = |path: String| {
        let text = fs::read_to_string(folder.join(&path)).expect("text");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// Lines of code that are too long even without the texts in them.
fn too_long(folder: &Path) -> Vec<String> {
    let files = code(folder).into_iter();
    let rust = files.filter(|(path, _)| Path::new(path).extension().is_some_and(|e| e == "rs"));
    let mut found = Vec::new();
    for (path, text) in rust {
        let code = text.lines().filter(|line| !line.starts_with("//"));
        for line in code.filter(|line| columns(line) > 100) {
            found.push(format!("{path}: {line}"));
        }
    }
    found
}

/// The columns of a line that are in no text.
fn columns(line: &str) -> usize {
    let (mut columns, mut inside, mut escaped) = (0, false, false);
    for c in line.chars() {
        if c == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && c == '\\' && !escaped;
        columns += usize::from(!inside);
    }
    columns
}

/// Without rustfmt, or with one that only says that it is not there, the code is what rustfmt makes of it
/// but for details: formatted afterwards, it is the same.
#[test]
fn without_rustfmt() {
    let scratch = Scratch::new();
    let at = |name: &str| scratch.path().join(name);
    let script =
        "#!/bin/sh\necho \"error: 'rustfmt' is not installed for this toolchain\" >&2; exit 1\n";
    let shim = scratch.file("shim/rustfmt", script);
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).expect("a program");
    fs::create_dir(at("none")).expect("a folder");
    let build = |folder: &Path, env: &[(&str, &str)]| {
        let text = folder.to_str().expect("UTF-8");
        run(
            &["build", DOCUMENT, "--enable", "destroy", "-o", text],
            env,
            "",
        )
        .expect(0)
    };
    build(&at("formatted"), &[]);
    for (path, why) in [
        ("none", "rustfmt is not installed;"),
        (
            "shim",
            "rustfmt failed: error: 'rustfmt' is not installed for this toolchain;",
        ),
    ] {
        let folder = at(&format!("without-{path}"));
        let path = at(path);
        let env = [("PATH", path.to_str().expect("UTF-8"))];
        let output = build(&folder, &env);
        let warning = format!("mcpgen: warning: {why} the code is laid out without it");
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
        assert!(output.stdout.contains("0 removed"), "{}", output.stdout);
        assert_eq!(too_long(&folder), Vec::<String>::new());
        for (path, text) in code(&folder) {
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
            assert!(!text.lines().any(|line| line.ends_with(' ')), "{path}");
        }
        cargo(&folder, &["fmt"]).expect(0);
        assert_eq!(code(&folder), code(&at("formatted")));
    }
}

/// A rustfmt.toml where mcpgen is started would make a crate another one.
#[test]
fn a_configuration_of_rustfmt_changes_nothing() {
    let scratch = Scratch::new();
    let wanted = "tab_spaces = 2\nhard_tabs = true\nmax_width = 60\n";
    scratch.file("rustfmt.toml", wanted);
    let document = root().join(DOCUMENT);
    let document = document.to_str().expect("UTF-8");
    let built = |from: &Path, name: &str| {
        let folder = scratch.path().join(name);
        let text = folder.to_str().expect("UTF-8");
        let args = ["build", document, "-o", text, "--enable", "destroy"];
        run_in(from, &args, &[]).expect(0);
        code(&folder)
    };
    let usual = built(&root(), "usual");
    assert_eq!(built(scratch.path(), "beside"), usual);
}

/// rustfmt leaves a function as it is if a text in it is too long for a line.
#[test]
fn long_texts_leave_the_code_readable() {
    let scratch = Scratch::new();
    let long = "One sentence after the other, (with parentheses) and \"quotes\", without an end. ";
    let text = long.repeat(20);
    let names = (0..12).map(|n| {
        json!({"name": format!("argument_{n}"), "in": "query",
        "description": text, "schema": {"type": "integer", "maximum": 10}})
    });
    let operation = json!({"operationId": "long", "summary": text, "description": text,
        "parameters": names.collect::<Vec<_>>(), "responses": {"200": {"description": text}}});
    let document = json!({"openapi": "3.1.0", "info": {"title": text, "version": "1"},
        "servers": [{"url": "https://api.example"}], "paths": {"/long": {"get": operation}}});
    let file = scratch.file("long.json", document.to_string());
    let folder = scratch.path().join("server");
    let output = folder.to_str().expect("UTF-8");
    run(
        &["build", &file, "-o", output, "--name", "long-server"],
        &[],
        "",
    )
    .expect(0);
    assert_eq!(too_long(&folder), Vec::<String>::new());
    let tools = fs::read_to_string(folder.join("src/tools/tools.rs")).expect("the tools");
    let lines = |start: &str| {
        let lines = tools.lines().map(str::trim);
        lines.filter(|line| line.starts_with(start)).count()
    };
    assert_eq!(lines("WireParam {"), 12);
}
