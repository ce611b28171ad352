//! A client's configuration file: read whole, kept as a backup, replaced at once or not at all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A configuration, there or not yet.
pub(super) struct ConfigFile {
    /// As the client names it.
    path: PathBuf,
    /// What the path leads to: a link is followed, not replaced.
    target: PathBuf,
    found: Option<Found>,
}

struct Found {
    text: String,
    metadata: Metadata,
}

impl ConfigFile {
    /// Reads the file, if it is there.
    pub(super) fn read(path: PathBuf) -> anyhow::Result<Self> {
        let target = match fs::canonicalize(&path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let dangling = fs::symlink_metadata(&path).is_ok();
                ensure!(!dangling, "it is a symbolic link to nothing");
                return Ok(Self {
                    target: path.clone(),
                    path,
                    found: None,
                });
            }
            Err(error) => return Err(error).context("it cannot be read"),
        };
        let metadata = fs::metadata(&target).context("it cannot be read")?;
        ensure!(metadata.is_file(), "it is not a file");
        let text = fs::read_to_string(&target).context("it cannot be read")?;
        Ok(Self {
            path,
            target,
            found: Some(Found { text, metadata }),
        })
    }

    /// The text without a byte order mark; of a file that is missing or blank, an empty object.
    pub(super) fn text(&self) -> &str {
        let text = self.found.as_ref().map_or("", |found| found.text.as_str());
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        if text.trim().is_empty() { "{}\n" } else { text }
    }

    /// Replaces the text and returns the backup of the old one, if there was one.
    ///
    /// A new file that is not `shared` can be read by its owner alone: it is there to hold secrets.
    pub(super) fn write(&self, text: &str, shared: bool) -> anyhow::Result<Option<PathBuf>> {
        const REFUSED: &str = "it cannot be written; nothing was changed";
        let folder = self.target.parent().context("it has no folder")?;
        let Some(found) = &self.found else {
            fs::create_dir_all(folder).context(REFUSED)?;
            let new = Temporary::write(&self.target, text, !shared).context(REFUSED)?;
            new.become_file(&self.target).context(REFUSED)?;
            return Ok(None);
        };
        // A rename does not ask whether the file may be written.
        ensure!(
            !found.metadata.permissions().readonly(),
            "it is read-only; nothing was changed"
        );
        let mark = found.text.starts_with(BYTE_ORDER_MARK);
        let text = format!("{}{text}", if mark { BYTE_ORDER_MARK } else { "" });
        let new = Temporary::write(&self.target, &text, true).context(REFUSED)?;
        new.take_after(&found.metadata).context(REFUSED)?;
        let backup = self
            .back_up(found)
            .context("its backup cannot be written")?;
        let unchanged = fs::read_to_string(&self.target).is_ok_and(|now| now == found.text);
        let renamed = if unchanged {
            new.become_file(&self.target).context(REFUSED)
        } else {
            Err(anyhow::anyhow!(
                "it was changed by another program just now; try again"
            ))
        };
        if renamed.is_err() {
            let _ = fs::remove_file(&backup);
        }
        renamed.map(|()| Some(backup))
    }

    /// `x.json.bak`, or `.bak.1` and so on: an older backup stays.
    fn back_up(&self, found: &Found) -> anyhow::Result<PathBuf> {
        for number in 0..1000 {
            let mut name = self.path.clone().into_os_string();
            name.push(match number {
                0 => ".bak".to_owned(),
                number => format!(".bak.{number}"),
            });
            let path = PathBuf::from(name);
            let file = match create(&path, true) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error.into()),
            };
            let backup = Temporary { path: Some(path) };
            fill(file, &found.text)?;
            backup.take_after(&found.metadata)?;
            return Ok(backup.keep());
        }
        bail!("there are a thousand already")
    }
}

/// A file that is removed again unless it is kept.
struct Temporary {
    path: Option<PathBuf>,
}

impl Temporary {
    /// A file beside `target` with the text in it.
    fn write(target: &Path, text: &str, private: bool) -> io::Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = create(&path, private)?;
        let temporary = Self { path: Some(path) };
        fill(file, text)?;
        Ok(temporary)
    }

    fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    /// Permissions and, where this process may give files away, the owner.
    fn take_after(&self, metadata: &Metadata) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, chown};
            let _ = chown(self.path(), Some(metadata.uid()), Some(metadata.gid()));
        }
        fs::set_permissions(self.path(), metadata.permissions())
    }

    fn become_file(mut self, target: &Path) -> io::Result<()> {
        fs::rename(self.path(), target)?;
        self.path = None;
        Ok(())
    }

    fn keep(mut self) -> PathBuf {
        self.path.take().unwrap_or_default()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes through to the disk: a rename must not be there before the text is.
fn fill(mut file: File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A file that was not there before.
fn create(path: &Path, private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options.open(path)
}
