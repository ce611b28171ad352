//! Permissions, symbolic links and folders that cannot be written.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const FILE: &str = "home/.cursor/mcp.json";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn permissions() {
    let machine = Machine::new();
    machine.install("cursor", &[]).expect(0);
    assert_eq!(mode(&machine.path(FILE)), 0o600, "it will hold secrets");
    for wanted in [0o640, 0o644, 0o600] {
        set_mode(&machine.path(FILE), wanted);
        let name = format!("m{wanted}");
        machine.install("cursor", &["--name", &name]).expect(0);
        assert_eq!(mode(&machine.path(FILE)), wanted);
    }
    assert_eq!(mode(&machine.path("home/.cursor/mcp.json.bak")), 0o640);
}

#[test]
fn a_link_is_followed() {
    let machine = Machine::new();
    let target = machine.scratch.file("dotfiles/cursor.json", "{}\n");
    fs::create_dir(machine.path("home/.cursor")).unwrap();
    symlink("../../dotfiles/cursor.json", machine.path(FILE)).unwrap();
    machine.install("cursor", &[]).expect(0);
    assert!(machine.path(FILE).is_symlink());
    let text = fs::read_to_string(&target).unwrap();
    assert!(text.contains("bookshop"), "{text}");
    let backup = machine.path("home/.cursor/mcp.json.bak");
    assert!(!backup.is_symlink());
    assert_eq!(fs::read_to_string(backup).unwrap(), "{}\n");

    fs::remove_file(&target).unwrap();
    let output = machine.install("cursor", &["--name", "x"]).expect(2);
    let said = "error: ~/.cursor/mcp.json: it is a symbolic link to nothing";
    assert!(output.stderr.contains(said), "{}", output.stderr);
    assert!(machine.path(FILE).is_symlink());
}

#[test]
fn what_cannot_be_written_stays_whole() {
    let refused = |machine: &Machine, said: &str| {
        let before = machine.files();
        let output = machine.install("cursor", &[]).expect(2);
        let place = "error: ~/.cursor/mcp.json: ";
        assert!(output.stderr.starts_with(place), "{}", output.stderr);
        assert!(output.stderr.contains(said), "{}", output.stderr);
        assert_eq!(machine.files(), before);
    };

    let machine = Machine::new();
    machine.scratch.file(FILE, "{}");
    set_mode(&machine.path(FILE), 0o444);
    refused(&machine, "it is read-only; nothing was changed");
    assert_eq!(machine.read(FILE), "{}");

    let machine = Machine::new();
    machine.scratch.file("home/.cursor", "a file");
    refused(&machine, "it cannot be read");

    let machine = Machine::new();
    fs::create_dir_all(machine.path(FILE)).unwrap();
    refused(&machine, "it is not a file");

    // The superuser may write into any folder.
    let machine = Machine::new();
    machine.scratch.file(FILE, "{}");
    let folder = machine.path("home/.cursor");
    set_mode(&folder, 0o555);
    if fs::write(folder.join("probe"), "").is_err() {
        refused(&machine, "it cannot be written; nothing was changed");
        assert_eq!(machine.read(FILE), "{}");
    }
    set_mode(&folder, 0o755);
}
