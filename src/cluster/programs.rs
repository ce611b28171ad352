//! [I/O] Where the programs of PostgreSQL are.

use std::fs;
use std::path::{Path, PathBuf};

use super::ClusterError;

/// Folders with a folder for each version, in which the programs are in `bin`.
const VERSIONED: &[&str] = &[
    "/usr/lib/postgresql",
    "/usr/local/lib/postgresql",
    "/opt/local/lib",
];
/// Folders in which one version of Homebrew's is beside the other.
const BESIDE: &[&str] = &["/opt/homebrew/opt", "/usr/local/opt"];
/// Folders with the programs of one version.
const PLAIN: &[&str] = &["/usr/local/pgsql/bin", "/usr/pgsql/bin", "/usr/bin"];

/// The programs that a cluster needs.
pub(super) struct Programs {
    pub(super) initdb: PathBuf,
    pub(super) postgres: PathBuf,
}

/// The programs of `$MCPGEN_PG_BIN` alone if that is set; else of `$PATH`; else the newest where packages
/// put them.
pub(super) fn find() -> Result<Programs, ClusterError> {
    if let Some(folder) = std::env::var_os("MCPGEN_PG_BIN").filter(|value| !value.is_empty()) {
        let folder = PathBuf::from(folder);
        return within(&folder).ok_or(ClusterError::NotThere(folder));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for parent in VERSIONED {
        folders.extend(by_version(Path::new(parent), ""));
    }
    for parent in BESIDE {
        folders.extend(by_version(Path::new(parent), "postgresql@"));
        folders.push(Path::new(parent).join("postgresql/bin"));
    }
    folders.extend(PLAIN.iter().map(PathBuf::from));
    let found = folders.iter().find_map(|folder| within(folder));
    found.ok_or(ClusterError::Missing)
}

/// The programs, if both are in the folder.
fn within(folder: &Path) -> Option<Programs> {
    // A link leads to the folder that has all of a version: what initdb looks for is there.
    let real = |name: &str| {
        let program = fs::canonicalize(folder.join(name)).ok()?;
        program.is_file().then_some(program)
    };
    Some(Programs {
        initdb: real("initdb")?,
        postgres: real("postgres")?,
    })
}

/// `<parent>/<prefix><version>/bin`, the newest first.
fn by_version(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.trim_start_matches("postgresql");
            Some((version.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, folder)| folder).collect()
}
