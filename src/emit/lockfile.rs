//! The crate's `Cargo.lock`: one of those kept under `templates/`, with the crate's own entry in its place.

use super::view::Needs;

const REST: &str = include_str!("../../templates/rest.lock");
const SQL: &str = include_str!("../../templates/sql.lock");
const BOTH: &str = include_str!("../../templates/both.lock");
/// Stands for the crate's name.
const PLACEHOLDER: &str = "@name@";

/// The lock file of a crate of this name, with these back ends. Cargo sorts packages by name and compares the whole text.
pub(super) fn text(name: &str, needs: Needs) -> String {
    let kept = match (needs.http, needs.postgres) {
        (true, true) => BOTH,
        (false, true) => SQL,
        _ => REST,
    };
    let mut parts = kept.split("\n[[package]]\n");
    let head = parts.next().unwrap_or_default();
    let mut packages: Vec<String> = parts
        .map(|package| package.trim_end().replace(PLACEHOLDER, name))
        .collect();
    packages.sort_by_key(|package| package.lines().next().map(str::to_owned));
    packages.iter().fold(head.to_owned(), |lock, package| {
        format!("{lock}\n[[package]]\n{package}\n")
    })
}

/// Whether a name is that of a package in the lock file. Cargo tells apart neither two packages of one name
/// and version nor two libraries of one name.
pub(super) fn has(name: &str) -> bool {
    let library = |name: &str| name.replace('-', "_");
    BOTH.lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .any(|other| library(other) == library(name))
}
