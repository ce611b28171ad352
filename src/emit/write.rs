//! [I/O] The tree goes to disk without losing the owner's work.
//!
//! A generated file is replaced only if it is as it was written, or already as it will be; a file of the
//! owner's is written once. All files or none are put in place (see `stage`), and an interrupted run is
//! taken up by the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::stage::{STAGE, Stage, interrupted_lock};
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
    refuse_link(&folder.join(STAGE))?;
    let known = known(folder, force)?;
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
                let hashes = known.get(&file.path);
                if !hashes.is_some_and(|hashes| hashes.contains(&sha256(text))) {
                    edited.push(file.path.clone());
                }
                changes.written.push(file.path.clone());
            }
            (None, _) => changes.written.push(file.path.clone()),
        }
    }
    for (path, hashes) in known.iter().filter(|(path, _)| tree.get(path).is_none()) {
        if !is_inside(path) {
            continue;
        }
        refuse_links(folder, path)?;
        if let Some(text) = read(&folder.join(path))? {
            if !hashes.contains(&sha256(&text)) {
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
/// The system refused; the folder is as it was.
pub fn write(tree: &Tree, lock: &str, folder: &Path, changes: &Changes) -> Result<(), WriteError> {
    let at = |path: &String| {
        let path = folder.join(path);
        move |error| WriteError::Io(path, error)
    };
    let failed = |error| WriteError::Io(folder.to_owned(), error);
    let mut stage = Stage::open(folder).map_err(failed)?;
    for path in &changes.written {
        let text = tree.get(path).map_or(lock, |file| file.text.as_str());
        stage.add(path, text).map_err(at(path))?;
    }
    // The lock is the last of the written files.
    for path in changes.removed.iter().chain(&changes.written) {
        stage.exchange(path).map_err(at(path))?;
    }
    stage.finish();
    Ok(())
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

/// Hashes by path.
type Hashes = BTreeMap<String, BTreeSet<String>>;

/// The files that mcpgen wrote into a folder, with the hashes that they may have: those of the lock, and
/// those of a run that was interrupted. None if the folder is new or empty.
fn known(folder: &Path, force: bool) -> Result<Hashes, WriteError> {
    let mut known = Hashes::new();
    let lock = lock_in(&folder.join(LOCK), &mut known)?;
    let interrupted = match lock_in(&interrupted_lock(folder), &mut known) {
        // It was interrupted while that lock was written: no file had been put in place.
        Err(WriteError::Lock(..)) => false,
        other => other?,
    };
    if lock || interrupted || force || is_empty(folder)? {
        Ok(known)
    } else {
        Err(WriteError::NotOurs(folder.to_owned()))
    }
}

/// Whether a folder is new, or has nothing in it but what an interrupted run left.
fn is_empty(folder: &Path) -> Result<bool, WriteError> {
    match fs::read_dir(folder) {
        Ok(entries) => {
            let mut names = entries.flatten().map(|entry| entry.file_name());
            Ok(names.all(|name| name == STAGE))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(WriteError::Io(folder.to_owned(), error)),
    }
}

/// Adds the hashes of a lock; whether it is there.
fn lock_in(path: &Path, known: &mut Hashes) -> Result<bool, WriteError> {
    let Some(text) = read(path)? else {
        return Ok(false);
    };
    let lock: Value = serde_json::from_str(&text)
        .map_err(|error| WriteError::Lock(path.to_owned(), error.to_string()))?;
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
        return Err(WriteError::Newer(path.to_owned(), version.to_owned()));
    }
    let files = lock.get("files").and_then(Value::as_object);
    for (path, hash) in files.into_iter().flatten() {
        let hashes = known.entry(path.clone()).or_default();
        hashes.extend(hash.as_str().map(str::to_owned));
    }
    Ok(true)
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
