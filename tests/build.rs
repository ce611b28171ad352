//! `mcpgen build`: the crate, its regeneration, and that it behaves as the interpreter does.

use std::fs;
use std::path::Path;

use crate::support::cargo::{cargo, relative};
use crate::support::process::run_program;
use crate::support::{Output, Scratch, root, run};

mod owned;
mod refused;
mod rustfmt;

const DOCUMENT: &str = "specs/bookshop/openapi.yaml";
const GENERATED: &str = "generated/bookshop";

fn build(args: &[&str]) -> Output {
    run(&[&["build", DOCUMENT], args].concat(), &[], "")
}

#[test]
fn the_committed_crates_are_current() {
    let crates: [&[&str]; 2] = [
        &["build", DOCUMENT, "--enable", "destroy", "-o", GENERATED],
        &[
            "build",
            "specs/library/mcpgen.yaml",
            "-o",
            "generated/library",
        ],
    ];
    for args in crates {
        if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
            run(args, &[], "").expect(0);
        }
        let output = run(&[args, &["--check"]].concat(), &[], "");
        assert_eq!(
            output.status, 0,
            "UPDATE=1 generates it anew\n{}{}",
            output.stdout, output.stderr
        );
    }
}

/// Name and version of each package of a lock file.
fn packages(path: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(path)).expect("a lock file");
    let value = |package: &str, key: &str| {
        let line = package.lines().find(|line| line.starts_with(key));
        line.unwrap_or_default().to_owned()
    };
    let all = text.split("[[package]]").skip(1);
    all.map(|package| (value(package, "name"), value(package, "version")))
        .collect()
}

#[test]
fn a_crate_needs_nothing_that_mcpgen_does_not() {
    let own = packages("Cargo.lock");
    for kept in ["rest", "sql", "both"] {
        let kept = packages(&format!("templates/{kept}.lock"));
        assert!(kept.len() > 200, "{} packages", kept.len());
        let other =
            |package: &&(String, String)| !own.contains(package) && !package.0.contains('@');
        assert_eq!(
            kept.iter().filter(other).collect::<Vec<_>>(),
            Vec::<&_>::new()
        );
    }
    let (own, kept) = ("Cargo.toml", "templates/Cargo.toml.j2");
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a manifest");
    let own = read(own);
    let kept = read(kept);
    let table = kept
        .split("[dependencies]\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next());
    let lines = table.expect("dependencies").lines();
    for line in lines.filter(|line| !line.starts_with("{%")) {
        assert!(
            own.lines().any(|other| other == line),
            "not in Cargo.toml: {line}"
        );
    }
}

#[test]
fn the_runtime_is_vendored_byte_for_byte() {
    let (own, vendored) = (root().join("src"), root().join(GENERATED).join("src"));
    let of = |base: &Path| {
        let mut paths = relative(base);
        // What the API needs, and not what databases do.
        let elsewhere = "runtime/backends/postgres";
        paths.retain(|path| path.starts_with("runtime") && !path.starts_with(elsewhere));
        paths
    };
    assert_eq!(of(&own), of(&vendored));
    // This one names the back ends that the crate has.
    let named = "runtime/backends.rs";
    for path in of(&own).iter().filter(|path| *path != named) {
        let same = fs::read(own.join(path)).ok() == fs::read(vendored.join(path)).ok();
        assert!(same, "{path} differs");
    }
}

#[test]
fn the_committed_crate_passes_every_check() {
    let folder = root().join(GENERATED);
    cargo(&folder, &["fmt", "--check"]).expect(0);
    let clippy = [
        "clippy",
        "--locked",
        "--offline",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    cargo(&folder, &clippy).expect(0);
    cargo(&folder, &["test", "--locked", "--offline"]).expect(0);
    cargo(&folder, &["doc", "--locked", "--offline", "--no-deps"]).expect(0);
    let binary = root().join("target/debug/bookshop-server");
    let printed = run_program(binary.to_str().expect("UTF-8"), &["manifest"], &[], b"").expect(0);
    let planned = run(
        &["plan", DOCUMENT, "--enable", "destroy", "--json"],
        &[],
        "",
    )
    .expect(0);
    assert_eq!(printed.stdout, planned.stdout);
}

#[test]
fn regeneration_keeps_the_owners_work() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let text = folder.to_str().expect("UTF-8");
    let at = |path: &str| folder.join(path);
    build(&["-o", text]).expect(0);
    build(&["-o", text, "--check"]).expect(0);
    let again = build(&["-o", text]).expect(0);
    assert!(
        again.stdout.starts_with("0 files written"),
        "{}",
        again.stdout
    );

    // The owner's file is never touched, a generated one that was changed is refused.
    fs::write(at("src/hooks.rs"), "// mine\n").expect("written");
    fs::write(at("src/lib.rs"), "// edited\n").expect("written");
    let refused = build(&["-o", text]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("src/lib.rs") && refused.stderr.contains("--force"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        fs::read_to_string(at("src/lib.rs")).expect("read"),
        "// edited\n"
    );
    build(&["-o", text, "--force"]).expect(0);
    assert_ne!(
        fs::read_to_string(at("src/lib.rs")).expect("read"),
        "// edited\n"
    );
    assert_eq!(
        fs::read_to_string(at("src/hooks.rs")).expect("read"),
        "// mine\n"
    );

    // A selection without orders removes their module; a missing dependency is named.
    let manifest = fs::read_to_string(at("Cargo.toml")).expect("read");
    let shorter: Vec<&str> = manifest
        .lines()
        .filter(|line| !line.starts_with("url "))
        .collect();
    fs::write(at("Cargo.toml"), shorter.join("\n")).expect("written");
    assert!(at("src/tools/orders.rs").exists());
    let output = build(&["-o", text, "--exclude", "tag:orders"]).expect(0);
    assert!(!at("src/tools/orders.rs").exists());
    assert!(output.stdout.contains("url = \"2.5\""), "{}", output.stdout);
    assert_eq!(
        build(&["-o", text, "--exclude", "tag:orders", "--check"]).status,
        1
    );
}

#[test]
fn folders_that_are_not_written_to() {
    let scratch = Scratch::new();
    let file = scratch.file("theirs/notes.txt", "mine");
    let theirs = Path::new(&file).parent().expect("a folder");
    let newer = scratch.file(
        "newer/mcpgen.lock",
        r#"{"mcpgen": "999.0.0", "files": {"src/lib.rs": "0"}}"#,
    );
    scratch.file("newer/src/lib.rs", "newer");
    let newer = Path::new(&newer).parent().expect("a folder");
    let link = scratch.path().join("link");
    std::os::unix::fs::symlink(theirs, &link).expect("a link");
    for (folder, extra, words) in [
        (theirs, &[][..], "was not made by mcpgen"),
        (newer, &[], "was made by mcpgen 999.0.0, which is newer"),
        // A newer one is not overwritten on demand either.
        (newer, &["--force"], "was made by mcpgen 999.0.0"),
        (link.as_path(), &[], "is a symbolic link"),
        (link.as_path(), &["--force"], "is a symbolic link"),
    ] {
        let options = ["-o", folder.to_str().expect("UTF-8")];
        let output = build(&[&options[..], extra].concat());
        assert_eq!(output.status, 2, "{}", output.stderr);
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    assert_eq!(relative(theirs), ["notes.txt"]);
    assert_eq!(relative(newer), ["mcpgen.lock", "src/lib.rs"]);
    let kept = fs::read_to_string(newer.join("src/lib.rs"));
    assert_eq!(kept.expect("a file"), "newer");
}

/// Links below the folder would lead out of it, whatever they are called after.
#[test]
fn links_in_a_crate_are_not_followed() {
    let scratch = Scratch::new();
    let elsewhere = scratch.file("elsewhere/lib.rs", "mine");
    let elsewhere = Path::new(&elsewhere).parent().expect("a folder");
    for (n, path) in [
        "src",
        "src/tools",
        "src/lib.rs",
        "mcpgen.lock",
        ".mcpgen-new",
    ]
    .into_iter()
    .enumerate()
    {
        let folder = scratch.path().join(format!("crate{n}"));
        let text = folder.to_str().expect("UTF-8");
        build(&["-o", text]).expect(0);
        let place = folder.join(path);
        let _ = fs::remove_dir_all(&place);
        let _ = fs::remove_file(&place);
        std::os::unix::fs::symlink(elsewhere, &place).expect("a link");
        for extra in [&["--enable", "destroy"][..], &["--force"]] {
            let output = build(&[&["-o", text][..], extra].concat());
            assert_eq!(output.status, 2, "{path}: {}", output.stderr);
            assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
        }
        assert_eq!(relative(elsewhere), ["lib.rs"], "{path}");
        assert!(place.is_symlink(), "{path}");
    }
}

#[test]
fn package_names_that_cargo_refuses() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("new");
    let text = folder.to_str().expect("UTF-8");
    let not_a_name = "is not a package name";
    for (name, words) in [
        ("not a name", not_a_name),
        ("", not_a_name),
        ("1st", not_a_name),
        ("ä", not_a_name),
        ("../up", not_a_name),
        ("a\"\nb = \"", not_a_name),
        ("fn", not_a_name),
        ("test", not_a_name),
        // Cargo's own folders.
        ("build", not_a_name),
        ("deps", not_a_name),
        // Cargo would look for this crate where it needs its own dependency.
        (
            "serde",
            "is the name of a package that the server is built from",
        ),
        ("tokio_util", "is the name of a package"),
    ] {
        let output = build(&["-o", text, "--name", name]);
        assert_eq!(output.status, 2, "{name}: {}", output.stderr);
        assert!(output.stderr.contains(words), "{name}: {}", output.stderr);
        assert!(!folder.exists(), "{name}");
    }
}
