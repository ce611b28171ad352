//! The library of the tutorial: its snapshot is what is read of it, and all of it can be offered.

use std::fs;

use mcpgen::diag::Diagnostics;
use mcpgen::input::postgres::{self, Snapshot};

use crate::support::postgres::{introspected, library};
use crate::support::{golden, root};

#[test]
fn the_committed_snapshot_is_current() {
    let committed = fs::read_to_string(root().join("specs/library/snapshot.json"));
    let mut snapshot = introspected(&library().dsn("library_reader"), &["library"]).unwrap();
    // The name of the database is the test's, and the version the machine's.
    snapshot.database = "library".to_owned();
    let before = committed
        .ok()
        .and_then(|text| serde_json::from_str::<Snapshot>(&text).ok());
    snapshot.server_version = before.map_or(150_000, |before| before.server_version);
    golden("../specs/library/snapshot.json", &snapshot.text());
}

#[test]
fn its_catalog() {
    let text = fs::read_to_string(root().join("specs/library/snapshot.json")).unwrap();
    let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
    let mut diags = Diagnostics::default();
    let catalog = postgres::read(&snapshot, None, &mut diags);
    golden("postgres/library.txt", &super::shown(&catalog, &diags));
}
