//! [I/O] Files go into a folder all together or not at all.
//!
//! What is new waits in [`STAGE`], below the crate's folder, until every file is there. Then each takes its
//! place, and what stood there is kept until the last one, the lock, is in place. A failure puts everything
//! back. A kill leaves whole files, and the new lock as the record by which the next run knows those that are
//! new already.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::LOCK;

/// Folder of the files that are on their way.
pub(super) const STAGE: &str = ".mcpgen-new";

/// Files on their way. Dropped before [`Stage::finish`], they undo what was done.
pub(super) struct Stage<'a> {
    folder: &'a Path,
    /// Folders that were not there.
    made: Vec<PathBuf>,
    /// What was done so far: (from, to) of each rename.
    renamed: Vec<(PathBuf, PathBuf)>,
    finished: bool,
}

/// Where the lock of an interrupted run is.
pub(super) fn interrupted_lock(folder: &Path) -> PathBuf {
    folder.join(STAGE).join("new").join(LOCK)
}

impl<'a> Stage<'a> {
    /// An empty stage; that of an interrupted run is cleared away.
    pub(super) fn open(folder: &'a Path) -> io::Result<Self> {
        // A link is removed, not followed.
        match fs::remove_dir_all(folder.join(STAGE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut stage = Self {
            folder,
            made: Vec::new(),
            renamed: Vec::new(),
            finished: false,
        };
        stage.make(folder)?;
        Ok(stage)
    }

    /// Writes a file that is to be placed.
    pub(super) fn add(&self, path: &str, text: &str) -> io::Result<()> {
        let file = self.waiting("new", path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, text)
    }

    /// Puts the file that was added in its place, or takes the old one away if none was.
    pub(super) fn exchange(&mut self, path: &str) -> io::Result<()> {
        let (place, old) = (self.folder.join(path), self.waiting("old", path));
        if let Some(folder) = old.parent() {
            fs::create_dir_all(folder)?;
        }
        if let Some(folder) = place.parent() {
            self.make(folder)?;
        }
        self.rename(place.clone(), old)?;
        self.rename(self.waiting("new", path), place)
    }

    /// Everything is in its place: what stood there goes.
    pub(super) fn finish(mut self) {
        self.finished = true;
    }

    /// Renames a file if it is there.
    fn rename(&mut self, from: PathBuf, to: PathBuf) -> io::Result<()> {
        match fs::rename(&from, &to) {
            Ok(()) => self.renamed.push((from, to)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn waiting(&self, kind: &str, path: &str) -> PathBuf {
        self.folder.join(STAGE).join(kind).join(path)
    }

    /// Makes a folder, and remembers which ones were missing.
    fn make(&mut self, folder: &Path) -> io::Result<()> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.made.push(folder.to_owned());
        }
        Ok(())
    }
}

impl Drop for Stage<'_> {
    // What cannot be undone either is still whole, and the next run clears it away.
    fn drop(&mut self) {
        let undo = !self.finished;
        for (from, to) in self.renamed.iter().rev().filter(|_| undo) {
            let _ = fs::rename(to, from);
        }
        let _ = fs::remove_dir_all(self.folder.join(STAGE));
        for folder in self.made.iter().rev().filter(|_| undo) {
            let _ = fs::remove_dir(folder);
        }
    }
}
