//! [I/O] Files of folders that an owner named, and of no other.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::error::FetchError;
use super::refs::refusal;
use crate::diag::Code;
use crate::input::documents::Refusal;

/// A folder whose files may be read, those of folders in it included.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// As its owner wrote it: files are called by it.
    typed: PathBuf,
    /// The same without links.
    real: PathBuf,
}

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    /// Its path without links.
    pub(super) real: PathBuf,
    /// What to call it.
    pub(super) name: String,
}

impl Folder {
    /// A folder by the path that was typed.
    pub(super) fn new(typed: &Path) -> Result<Self, FetchError> {
        let named = if typed.as_os_str().is_empty() {
            Path::new(".")
        } else {
            typed
        };
        let unusable = |reason: String| FetchError::Folder {
            path: named.display().to_string(),
            reason,
        };
        let real = fs::canonicalize(named).map_err(|error| unusable(error.to_string()))?;
        if !real.is_dir() {
            return Err(unusable("it is no folder".to_owned()));
        }
        Ok(Self {
            typed: typed.to_owned(),
            real,
        })
    }

    /// Its path without links.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// What is left of a path below this folder.
    fn below<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        let rest = path.strip_prefix(&self.real).ok()?;
        let plain = rest.components().all(|c| matches!(c, Component::Normal(_)));
        plain.then_some(rest)
    }
}

/// Opens a file, if it is an ordinary one in one of the folders. Links are followed first, and what
/// counts is what was opened in the end.
pub(super) fn open(path: &Path, folders: &[Folder]) -> Result<Opened, Refusal> {
    // A path that leads elsewhere as it is written is not looked at: whether there is something is
    // nobody's business.
    inside(path, folders)?;
    let real = fs::canonicalize(path).map_err(|error| missing(path, &error, folders))?;
    let name = inside(&real, folders)?;
    let ordinary = |is_file: bool| match is_file {
        true => Ok(()),
        false => Err(unreadable(&format!("cannot be used: `{name}` is no file"))),
    };
    let failed = |error: &io::Error| unreadable(&format!("cannot be used: `{name}`: {error}"));
    // Opening a pipe would wait for somebody who writes to it.
    ordinary(fs::metadata(&real).map_err(|e| failed(&e))?.is_file())?;
    let file = options().open(&real).map_err(|error| failed(&error))?;
    ordinary(file.metadata().map_err(|e| failed(&e))?.is_file())?;
    inside(&opened_path(&file, &real), folders)?;
    Ok(Opened { file, real, name })
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// The path of what is open: a folder may have become a link since it was looked at. Where the system
/// does not tell, the path is looked at once more.
fn opened_path(file: &File, real: &Path) -> PathBuf {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        if let Ok(path) = fs::read_link(link) {
            return path;
        }
    }
    let _ = file;
    fs::canonicalize(real).unwrap_or_default()
}

/// What to call a file in one of the folders.
fn inside(path: &Path, folders: &[Folder]) -> Result<String, Refusal> {
    let found = folders
        .iter()
        .find_map(|folder| Some((folder, folder.below(path)?)));
    let Some((folder, rest)) = found else {
        return Err(refusal(
            Code::ExternalRef,
            "is outside the folders that may be read",
            "name the folder with --refs, and the document's own too, if it may be read",
        ));
    };
    let hidden = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
    if rest.components().any(hidden) {
        return Err(refusal(
            Code::ExternalRef,
            "is a hidden file or in a hidden folder, which is not read",
            "name the folder that it is in with --refs, or rename it",
        ));
    }
    Ok(folder.typed.join(rest).display().to_string())
}

fn missing(path: &Path, error: &io::Error, folders: &[Folder]) -> Refusal {
    let name = inside(path, folders).unwrap_or_default();
    if error.kind() != io::ErrorKind::NotFound {
        return unreadable(&format!("cannot be used: `{name}`: {error}"));
    }
    let similar = super::similar_file(path).and_then(|file| {
        inside(Path::new(&file), folders).ok()?;
        Some(Path::new(&file).file_name()?.to_string_lossy().into_owned())
    });
    let help = match similar {
        Some(similar) => format!("there is no `{name}`; did you mean `{similar}`?"),
        None => format!("there is no `{name}`"),
    };
    refusal(Code::UnreadableRef, "leads to no file", &help)
}

fn unreadable(reason: &str) -> Refusal {
    refusal(
        Code::UnreadableRef,
        reason,
        "correct the reference, or what it leads to",
    )
}
