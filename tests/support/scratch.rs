//! A folder for the files that a test makes up, removed when the test ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A folder of its own for one test.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder.
    pub(crate) fn new() -> Self {
        let name = format!(
            "scratch-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a scratch folder can be made");
        Self { path }
    }

    /// Writes a file into the folder and returns its path, as text for a command line.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a folder");
        fs::write(&path, content).expect("a scratch file can be written");
        path.into_os_string()
            .into_string()
            .expect("the path is UTF-8")
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[test]
fn a_scratch_folder_goes_away() {
    let scratch = Scratch::new();
    let file = scratch.file("a/b.yaml", "x: 1\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "x: 1\n");
    let folder = scratch.path().to_path_buf();
    drop(scratch);
    assert!(!folder.exists());
}
