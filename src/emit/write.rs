//! [I/O] The tree goes to disk without losing the owner's work.
//!
//! A generated file is replaced only if it is as it was written, or already as it will be; a file of the
//! owner's is written once. Each file is written beside its place and renamed, and the lock comes last,
//! so that an interruption leaves whole files and a folder that can be generated again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tree::{Kind, Tree};
use super::{LOCK, sha256};
use crate::runtime::manifest::VERSION;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder is somebody else's.
    #[error(
        "{0} is not empty and has no {LOCK}: it was not made by mcpgen; name an empty or new folder"
    )]
    NotOurs(PathBuf),
    /// A link where a file or folder is to be written.
    #[error("{0} is a symbolic link, which is not followed")]
    Link(PathBuf),
    /// Files that were changed by hand.
    #[error("changed by hand since it was generated: {}; put your code into src/hooks.rs, or lose the change with --force", .0.join(", "))]
    Edited(Vec<String>),
    /// A lock that cannot be read.
    #[error("{0}: {1}; delete it to generate everything anew with --force")]
    Lock(PathBuf, String),
    /// A lock from a newer version.
    #[error("{0} was made by mcpgen {1}, which is newer than this one ({version}): use that version", version = VERSION)]
    Newer(PathBuf, String),
    /// The system refused.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

/// What was done, or would be.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Files that are new or different.
    pub written: Vec<String>,
    /// Files that are as they were.
    pub kept: Vec<String>,
    /// The owner's files, which are not touched.
    pub owned: Vec<String>,
    /// Generated files that are no longer needed.
    pub removed: Vec<String>,
    /// Dependencies that the owner's `Cargo.toml` lacks, as the lines to add.
    pub missing: Vec<String>,
}

/// Compares a tree and its lock with a folder.
///
/// # Errors
///
/// The folder is not one that mcpgen made, or generated files were changed by hand and `force` is off.
pub fn compare(tree: &Tree, lock: &str, folder: &Path, force: bool) -> Result<Changes, WriteError> {
    refuse_link(folder)?;
    let known = old_lock(folder, force)?;
    let mut changes = Changes::default();
    let mut edited = Vec::new();
    for file in tree.iter() {
        let path = folder.join(&file.path);
        refuse_links(folder, &file.path)?;
        let there = read(&path)?;
        match (&there, file.kind) {
            (Some(_), Kind::Seeded) => changes.owned.push(file.path.clone()),
            (Some(text), Kind::Generated) if *text == file.text => {
                changes.kept.push(file.path.clone());
            }
            (Some(text), Kind::Generated) => {
                if known.get(&file.path) != Some(&sha256(text)) {
                    edited.push(file.path.clone());
                }
                changes.written.push(file.path.clone());
            }
            (None, _) => changes.written.push(file.path.clone()),
        }
    }
    for (path, hash) in known.iter().filter(|(path, _)| tree.get(path).is_none()) {
        if !is_inside(path) {
            continue;
        }
        refuse_links(folder, path)?;
        if let Some(text) = read(&folder.join(path))? {
            if sha256(&text) != *hash {
                edited.push(path.clone());
            }
            changes.removed.push(path.clone());
        }
    }
    if !edited.is_empty() && !force {
        return Err(WriteError::Edited(edited));
    }
    if read(&folder.join(LOCK))?.as_deref() != Some(lock) {
        changes.written.push(LOCK.to_owned());
    }
    changes.missing = missing_dependencies(tree, folder)?;
    Ok(changes)
}

/// Writes what [`compare`] found.
///
/// # Errors
///
/// The system refused; what was written is whole.
pub fn write(tree: &Tree, lock: &str, folder: &Path, changes: &Changes) -> Result<(), WriteError> {
    for path in &changes.written {
        if let Some(file) = tree.get(path) {
            put(&folder.join(path), &file.text)?;
        }
    }
    for path in &changes.removed {
        let path = folder.join(path);
        fs::remove_file(&path).map_err(|error| WriteError::Io(path, error))?;
    }
    if changes.written.iter().any(|path| path == LOCK) {
        put(&folder.join(LOCK), lock)?;
    }
    Ok(())
}

/// Writes a file beside its place, then renames it.
fn put(path: &Path, text: &str) -> Result<(), WriteError> {
    let io = |error| WriteError::Io(path.to_owned(), error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".mcpgen-new");
    let beside = path.with_file_name(name);
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| {
            // What could not be put in place is not left behind.
            let _ = fs::remove_file(&beside);
            io(error)
        })
}

fn read(path: &Path) -> Result<Option<String>, WriteError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WriteError::Io(path.to_owned(), error)),
    }
}

/// A path of a lock that stays below the folder.
fn is_inside(path: &str) -> bool {
    let parts = Path::new(path).components();
    parts
        .into_iter()
        .all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn refuse_link(path: &Path) -> Result<(), WriteError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(WriteError::Link(path.to_owned())),
        _ => Ok(()),
    }
}

/// No part of a path below the folder is a link: it could lead out of it.
fn refuse_links(folder: &Path, path: &str) -> Result<(), WriteError> {
    let mut at = folder.to_owned();
    for part in Path::new(path) {
        at.push(part);
        refuse_link(&at)?;
    }
    Ok(())
}

/// The hashes of the lock in a folder; none if the folder is new or empty.
fn old_lock(folder: &Path, force: bool) -> Result<BTreeMap<String, String>, WriteError> {
    let path = folder.join(LOCK);
    let Some(text) = read(&path)? else {
        let mut entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(WriteError::Io(folder.to_owned(), error)),
        };
        let empty = entries.next().is_none();
        return if empty || force {
            Ok(BTreeMap::new())
        } else {
            Err(WriteError::NotOurs(folder.to_owned()))
        };
    };
    let lock: Value = serde_json::from_str(&text)
        .map_err(|error| WriteError::Lock(path.clone(), error.to_string()))?;
    let version = lock
        .get("mcpgen")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let numbers = |text: &str| -> Vec<u64> {
        text.split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    if numbers(version) > numbers(VERSION) {
        return Err(WriteError::Newer(path, version.to_owned()));
    }
    let files = lock
        .get("files")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    Ok(files
        .filter_map(|(path, hash)| Some((path.clone(), hash.as_str()?.to_owned())))
        .collect())
}

/// Lines of the dependency table that the owner's `Cargo.toml` has no entry for.
fn missing_dependencies(tree: &Tree, folder: &Path) -> Result<Vec<String>, WriteError> {
    let Some(own) = read(&folder.join("Cargo.toml"))? else {
        return Ok(Vec::new());
    };
    let wanted = tree
        .get("Cargo.toml")
        .map(|file| file.text.as_str())
        .unwrap_or_default();
    let table = wanted
        .split("[dependencies]\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next());
    let name = |line: &str| {
        line.split(['=', ' ', '.'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let owned: Vec<String> = own.lines().map(name).collect();
    let lines = table.unwrap_or_default().lines();
    Ok(lines
        .filter(|line| !owned.contains(&name(line)))
        .map(str::to_owned)
        .collect())
}
