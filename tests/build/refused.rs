//! What `mcpgen build` is not able to do leaves a folder as it was, or a crate that the next run completes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mcpgen::emit::write::{WriteError, compare, write};
use mcpgen::emit::{Options, emit, lock};

use super::{DOCUMENT, build};
use crate::support::cargo::{self, files, relative};
use crate::support::process::run_program;
use crate::support::{Output, Scratch, run};

/// Names and contents of all files of a folder.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).expect("a file");
        (path, bytes)
    };
    files(folder).into_iter().map(read).collect()
}

/// Builds under a limit for the size of a file, in blocks of 512 bytes. Beyond it the system kills the
/// process, or refuses the write if `refuse` is set: neither can be prevented by being root.
fn build_limited(blocks: u32, refuse: bool, args: &[&str]) -> Output {
    let trap = if refuse { "trap '' XFSZ;" } else { "" };
    let script = format!("{trap} ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let program = env!("CARGO_BIN_EXE_mcpgen");
    let command = ["-c", script.as_str(), program, "build", DOCUMENT];
    run_program("sh", &[&command, args].concat(), &[], b"")
}

#[test]
fn an_output_folder_that_cannot_be() {
    let scratch = Scratch::new();
    let file = scratch.file("file", "mine");
    let below = format!("{file}/server");
    // Not even root makes a folder in /sys.
    for folder in [file.as_str(), &below, "/sys/mcpgen-server"] {
        let output = build(&["-o", folder]);
        assert_eq!(output.status, 2, "{folder}: {}", output.stderr);
        assert!(
            output.stderr.starts_with(&format!("error: {folder}")),
            "{folder}: {}",
            output.stderr
        );
        assert_eq!(output.stdout, "");
    }
    assert_eq!(fs::read_to_string(&file).expect("read"), "mine");
}

/// What makes permissions hold for a program: nothing, or, for root, a start without the privilege to
/// pass them over. None if that cannot be had.
fn bound_by_permissions(closed: &Path) -> Option<&'static [&'static str]> {
    const AS_OTHERS: &[&str] = &["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let probe = closed.join("probe");
    let bound = |start: &[&str]| {
        let command = [start, &["touch", probe.to_str().expect("UTF-8")]].concat();
        let output = std::process::Command::new(command[0])
            .args(&command[1..])
            .output();
        let refused = output.is_ok_and(|output| {
            String::from_utf8_lossy(&output.stderr).contains("Permission denied")
        });
        let _ = fs::remove_file(&probe);
        refused
    };
    [&[][..], AS_OTHERS].into_iter().find(|start| bound(start))
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn an_output_folder_that_is_read_only() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let text = folder.to_str().expect("UTF-8");
    build(&["-o", text]).expect(0);
    let before = contents(&folder);
    set_mode(&folder, 0o555);
    let Some(start) = bound_by_permissions(&folder) else {
        eprintln!("skipped: nothing holds root back here (setpriv is missing)");
        return;
    };
    let program = env!("CARGO_BIN_EXE_mcpgen");
    let bound = |folder: &str| {
        let command = [start, &[program, "build", DOCUMENT, "-o", folder]].concat();
        let more = ["--enable", "destroy"];
        run_program(command[0], &[&command[1..], &more].concat(), &[], b"")
    };
    // The folder itself, one to be made in it, and one of its own that files are to be replaced in.
    let below = format!("{text}/new");
    for (folder, closed) in [(text, ""), (below.as_str(), ""), (text, "src/tools")] {
        let closed = Path::new(text).join(closed);
        set_mode(Path::new(text), 0o755);
        set_mode(&closed, 0o555);
        let output = bound(folder);
        assert_eq!(output.status, 2, "{closed:?}: {}", output.stderr);
        let error = output.stderr.lines().last().unwrap_or_default();
        assert!(
            error.starts_with(&format!("error: {folder}")) && error.contains("Permission denied"),
            "{closed:?}: {}",
            output.stderr
        );
        assert_eq!(output.stdout, "");
        assert_eq!(contents(Path::new(text)), before, "{closed:?}");
        set_mode(&closed, 0o755);
    }
    assert_eq!(bound(text).expect(0).stderr.matches("error").count(), 0);
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("a/new/server");
    let text = folder.to_str().expect("UTF-8");
    let output = build_limited(40, true, &["-o", text]);
    assert_eq!(output.status, 2, "{}", output.stderr);
    assert!(output.stderr.contains("Cargo.lock: "), "{}", output.stderr);
    assert_eq!(contents(scratch.path()), []);
    assert!(!scratch.path().join("a").exists());

    build(&["-o", text]).expect(0);
    let before = contents(&folder);
    let more = ["-o", text, "--enable", "destroy"];
    let output = build_limited(30, true, &more);
    assert_eq!(output.status, 2, "{}", output.stderr);
    assert!(output.stderr.contains("books.rs: "), "{}", output.stderr);
    assert_eq!(contents(&folder), before);
    build(&more).expect(0);
    build(&[&more[..], &["--check"]].concat()).expect(0);
}

#[test]
fn a_killed_build_is_completed_by_the_next() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let text = folder.to_str().expect("UTF-8");
    let is_current = |args: &[&str]| {
        build(&[&["-o", text][..], args].concat()).expect(0);
        build(&[&["-o", text, "--check"][..], args].concat()).expect(0);
        let paths = relative(&folder);
        assert!(paths.iter().all(|path| !path.contains(".mcpgen-new")));
    };
    assert_eq!(build_limited(40, false, &["-o", text]).status, -1);
    is_current(&[]);
    let before = contents(&folder);
    let killed = build_limited(30, false, &["-o", text, "--enable", "destroy"]);
    assert_eq!(killed.status, -1, "{}", killed.stderr);
    // The crate itself is as it was.
    let after = contents(&folder);
    let own = |(path, _): &&(PathBuf, Vec<u8>)| {
        let below = path.strip_prefix(&folder).expect("below");
        !below.starts_with(".mcpgen-new")
    };
    assert_eq!(
        after.iter().filter(own).collect::<Vec<_>>(),
        before.iter().collect::<Vec<_>>()
    );
    is_current(&["--enable", "destroy"]);
}

/// A run that was killed while files took their places: some are new, and the new lock still waits.
#[test]
fn a_build_that_was_killed_between_two_files() {
    let scratch = Scratch::new();
    let (old, new) = (scratch.path().join("old"), scratch.path().join("new"));
    let text = |folder: &Path| folder.to_str().expect("UTF-8").to_owned();
    build(&["-o", &text(&old)]).expect(0);
    build(&["-o", &text(&new), "--enable", "write"]).expect(0);
    let waiting = old.join(".mcpgen-new/new/mcpgen.lock");
    fs::create_dir_all(waiting.parent().expect("a folder")).expect("a folder");
    fs::copy(new.join("mcpgen.lock"), &waiting).expect("copied");
    for path in ["src/tools.rs", "src/tools/orders.rs"] {
        fs::copy(new.join(path), old.join(path)).expect("copied");
    }
    // Another document, so that what is there is neither the old nor the new.
    let args = ["-o", &text(&old), "--enable", "destroy"];
    build(&args).expect(0);
    build(&[&args[..], &["--check"]].concat()).expect(0);
    assert!(!old.join(".mcpgen-new").exists());
    // The same before the first lock was in place.
    fs::create_dir_all(waiting.parent().expect("a folder")).expect("a folder");
    fs::rename(old.join("mcpgen.lock"), &waiting).expect("renamed");
    build(&["-o", &text(&old)]).expect(0);
    // What was changed by hand is still refused.
    fs::create_dir_all(waiting.parent().expect("a folder")).expect("a folder");
    fs::copy(new.join("mcpgen.lock"), &waiting).expect("copied");
    fs::write(old.join("src/tools.rs"), "// mine\n").expect("written");
    let refused = build(&["-o", &text(&old)]);
    assert!(
        refused.stderr.contains("src/tools.rs"),
        "{}",
        refused.stderr
    );
}

/// Something comes in the way after everything was found in order.
#[test]
fn a_file_that_cannot_take_its_place() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let text = folder.to_str().expect("UTF-8");
    build(&["-o", text, "--name", "shop"]).expect(0);
    let plan = run(&["plan", DOCUMENT, "--enable", "write", "--json"], &[], "");
    let manifest = serde_json::from_value(plan.expect(0).json()).expect("a Manifest");
    let options = Options {
        name: "shop".to_owned(),
        inputs: Vec::new(),
    };
    let tree = emit(&manifest, &options).expect("a tree");
    let lock = lock(&tree, &manifest, &options);
    // The owner's file is written before it fails; the folder of the tools is a file by then.
    fs::remove_file(folder.join("README.md")).expect("removed");
    let changes = compare(&tree, &lock, &folder, false).expect("in order");
    assert!(changes.written.contains(&"src/tools/orders.rs".to_owned()));
    fs::remove_dir_all(folder.join("src/tools")).expect("removed");
    fs::write(folder.join("src/tools"), "in the way").expect("written");
    let before = contents(&folder);
    let failed = write(&tree, &lock, &folder, &changes);
    assert!(matches!(failed, Err(WriteError::Io(..))), "{failed:?}");
    assert_eq!(contents(&folder), before);

    // The same where there was nothing.
    let new = scratch.path().join("new/server");
    let changes = compare(&tree, &lock, &new, false).expect("in order");
    fs::write(scratch.path().join("new"), "in the way").expect("written");
    assert!(write(&tree, &lock, &new, &changes).is_err());
    assert_eq!(
        fs::read(scratch.path().join("new")).expect("read"),
        b"in the way"
    );
}

/// The version that the crate needs is in the words of an older toolchain.
#[test]
fn an_old_toolchain_names_the_version_needed() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    build(&["-o", folder.to_str().expect("UTF-8"), "--name", "shop"]).expect(0);
    let script = "#!/bin/sh\nrustc \"$@\" | sed 's/^rustc 1\\.[0-9.]*/rustc 1.85.0/; s/^release: .*/release: 1.85.0/'\n";
    let rustc = scratch.file("rustc", script);
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).expect("a program");
    let mut check = cargo::command(&folder, &["check", "--locked", "--offline"]);
    check
        .env("RUSTC", &rustc)
        .env("CARGO_TARGET_DIR", scratch.path().join("target"));
    let output = cargo::output(check);
    assert_eq!(output.status, 101, "{}", output.stderr);
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("read");
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let needed = line.expect("a version").trim_matches('"');
    assert!(
        output
            .stderr
            .contains(&format!("shop@0.1.0 requires rustc {needed}")),
        "{}",
        output.stderr
    );
}
