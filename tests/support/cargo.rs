//! Cargo in a generated crate, and the files of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Output;
use super::root;

/// Cargo in a crate, with the project's own target folder and nothing to download.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(args)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", root().join("target"))
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null());
    command
}

/// Runs cargo in a crate to its end.
#[track_caller]
pub(crate) fn cargo(folder: &Path, args: &[&str]) -> Output {
    output(command(folder, args))
}

/// The output of a command that needs as long as it needs.
#[track_caller]
pub(crate) fn output(mut command: Command) -> Output {
    let output = command.output().expect("the command can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output {
        status: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// Compiles a crate and returns the path of its program.
#[track_caller]
pub(crate) fn program(folder: &Path, name: &str) -> String {
    cargo(folder, &["build", "--locked", "--offline"]).expect(0);
    let path = root().join("target/debug").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// All files below a folder, in the order of their paths.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The same as text, each path from the folder on.
pub(crate) fn relative(folder: &Path) -> Vec<String> {
    let below = |path: PathBuf| {
        let below = path.strip_prefix(folder).expect("below");
        below.to_str().expect("UTF-8").to_owned()
    };
    files(folder).into_iter().map(below).collect()
}
