//! [I/O] The account that a cluster runs as. PostgreSQL refuses to run as root, so root runs it as
//! another one.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Accounts that root runs a cluster as, the first that there is.
const OTHERS: &[&str] = &["postgres", "nobody"];

/// An account.
pub(super) struct Account {
    /// User and group, if it is not that of this process.
    other: Option<(u32, u32)>,
}

impl Account {
    /// That of this process, or one in place of root.
    pub(super) fn current() -> io::Result<Self> {
        // What this process makes belongs to its account: the only sign of it that needs no foreign code.
        let probe = std::env::temp_dir().join(format!("mcpgen-{}", uuid::Uuid::new_v4().simple()));
        fs::DirBuilder::new().mode(0o700).create(&probe)?;
        let owner = fs::metadata(&probe).map(|data| data.uid());
        fs::remove_dir(&probe)?;
        let other = if owner? == 0 {
            Some(in_place_of_root()?)
        } else {
            None
        };
        Ok(Self { other })
    }

    /// Whether it is not that of this process.
    pub(super) fn is_other(&self) -> bool {
        self.other.is_some()
    }

    /// Makes a folder that only this account (and root) may enter.
    pub(super) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(folder)?;
        match self.other {
            Some((user, group)) => chown(folder, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// Lets a command run as this account, in a folder of its own, with little of the environment.
    pub(super) fn owned(&self, command: &mut Command, folder: &Path) {
        command.current_dir(folder).env_clear();
        // Where initdb looks for the programs beside it.
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("LC_ALL", "C");
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
    }

    /// As [`Self::owned`], and nothing that happens to this process's terminal reaches it.
    pub(super) fn detached(&self, command: &mut Command, folder: &Path) {
        self.owned(command, folder);
        command.process_group(0);
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }
}

/// User and group of the first of [`OTHERS`] that there is.
fn in_place_of_root() -> io::Result<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    let found = OTHERS.iter().find_map(|name| {
        let mut lines = accounts.lines().map(|line| line.split(':'));
        let mut fields = lines.find(|fields| fields.clone().next() == Some(name))?;
        let user = fields.nth(2)?.parse().ok()?;
        Some((user, fields.next()?.parse().ok()?))
    });
    found.ok_or_else(|| {
        io::Error::other(
            "PostgreSQL does not run as root, and there is no account `postgres` or `nobody`",
        )
    })
}
