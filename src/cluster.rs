//! [I/O] A throw-away PostgreSQL cluster, made of the programs that are installed: for a demonstration, for
//! reading a schema file, and for tests.
//!
//! It has a folder of its own, which only its user may enter, and a Unix socket in it; no network. It is
//! stopped and its folder removed when [`Cluster`] is dropped, and also when the process ends without that:
//! a small shell waits for the end of a pipe that only this process holds open.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::{Client, NoTls};

mod account;
mod programs;

use account::Account;

use crate::runtime::backends::postgres::statement::ident;

/// The superuser of a cluster.
pub const SUPERUSER: &str = "postgres";

/// The port, which is in the name of the socket.
const PORT: u16 = 5432;
/// Longest time that a server may take until it takes connections.
const START: Duration = Duration::from_mins(1);
/// How long between two looks at whether it does.
const LOOK: Duration = Duration::from_millis(10);
/// Longest folder: the address of a Unix socket has 104 bytes on some systems.
const FOLDER_MAX: usize = 80;

/// What every server is started with: what is lost in a crash is no loss.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("shared_buffers", "32MB"),
    ("dynamic_shared_memory_type", "mmap"),
];

/// Waits for the process id of the server and then for the end of its input; stops that server and removes
/// the folder. A kill of this process ends the input, too.
const WATCHDOG: &str = r#"
read -r server
read -r _
if [ -n "$server" ]; then
  kill -QUIT "$server"
  left=200
  while [ "$left" -gt 0 ] && kill -0 "$server"; do
    left=$((left - 1))
    sleep 0.05
  done
fi
rm -rf -- "$1"
"#;

/// Why there is no cluster, or a statement in it failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// PostgreSQL is not installed, or not where it is looked for.
    #[error(
        "PostgreSQL is not installed here: there is no `initdb` in $MCPGEN_PG_BIN, $PATH or where packages put it\n\
         install it (nothing needs to run):\n  \
         Debian, Ubuntu: apt-get install postgresql\n  \
         Fedora: dnf install postgresql-server\n  \
         macOS: brew install postgresql@17"
    )]
    Missing,
    /// `$MCPGEN_PG_BIN` has no `initdb`.
    #[error("MCPGEN_PG_BIN is {}, and there is no `initdb` and `postgres` in it", .0.display())]
    NotThere(PathBuf),
    /// A file or a process cannot be made.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed:\n{said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// The end of what it said.
        said: String,
    },
    /// A statement failed.
    #[error("{}{message}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Sql {
        /// Line of the text, from 1, if PostgreSQL said where.
        line: Option<usize>,
        /// What it said.
        message: String,
    },
}

/// A role that may read everything that a file of definitions makes.
pub const READER: &str = "mcpgen_reader";

/// Makes that role.
const READ_ALL: &str = r"
CREATE ROLE mcpgen_reader LOGIN;
GRANT pg_read_all_data TO mcpgen_reader;
";

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    server: Option<Child>,
    watchdog: Option<Child>,
    version: String,
    port: u16,
}

impl Cluster {
    /// Makes a cluster and starts it, with these settings besides its own. Takes a second or two, and the
    /// thread for that long.
    ///
    /// # Errors
    ///
    /// PostgreSQL is not installed, or does not start.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self, ClusterError> {
        let programs = programs::find()?;
        let account = Account::current().map_err(system("the current user"))?;
        let folder = new_folder(&account)?;
        let mut cluster = Self {
            server: None,
            watchdog: None,
            version: String::new(),
            port: PORT,
            folder,
        };
        if let Some((_, port)) = settings.iter().rfind(|(name, _)| *name == "port") {
            cluster.port = port.parse().unwrap_or(PORT);
        }
        // From here on, whatever happens, the folder is removed.
        cluster.watchdog = Some(watchdog(&cluster.folder, &account)?);
        cluster.version = version(&programs)?;
        initialise(&programs, &cluster.folder, &account)?;
        let server = serve(&programs, &cluster.folder, &account, settings)?;
        let tell = cluster.watchdog.as_mut().and_then(|dog| dog.stdin.as_mut());
        let told = tell.map_or(Ok(()), |pipe| writeln!(pipe, "{}", server.id()));
        let server = cluster.server.insert(server);
        if let Err(error) = told {
            // No one else would stop it.
            let _ = server.kill();
            return Err(system("the watchdog")(error));
        }
        cluster.wait()?;
        Ok(cluster)
    }

    /// The cluster's own folder: its data are in `data`, the socket is `.s.PGSQL.5432`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `postgres --version` says: `postgres (PostgreSQL) 15.4`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The process id of the server.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// A connection string for a database as a user; it has no password, and none is asked for.
    pub fn dsn(&self, database: &str, user: &str) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let folder = self.folder.to_string_lossy();
        let (user, database) = (encoded(user), encoded(database));
        let port = match self.port {
            PORT => String::new(),
            port => format!(":{port}"),
        };
        format!("postgres://{user}@{}{port}/{database}", encoded(&folder))
    }

    /// Makes a database as a copy of another, which no one may be connected to.
    ///
    /// # Errors
    ///
    /// PostgreSQL refuses.
    pub async fn create_database(&self, name: &str, template: &str) -> Result<(), ClusterError> {
        let (name, template) = (ident(name), ident(template));
        let text = format!("CREATE DATABASE {name} TEMPLATE {template}");
        let client = self.connect("postgres", SUPERUSER).await?;
        let made = client.execute_typed(&text, &[]).await;
        made.map(drop).map_err(|error| sql(&error, &text))
    }

    /// Runs all statements of a file that its owner wrote, in one transaction.
    ///
    /// This is the only place that sends more than one statement at a time (the simple protocol), because a
    /// file of definitions is many. Nothing that comes from an agent, a call or a policy gets here.
    ///
    /// # Errors
    ///
    /// The first statement that fails, with its line.
    pub async fn run_sql(
        &self,
        database: &str,
        user: &str,
        text: &str,
    ) -> Result<(), ClusterError> {
        let client = self.connect(database, user).await?;
        let done = client.batch_execute(text).await;
        done.map_err(|error| sql(&error, text))
    }

    /// Loads a file of definitions into the database `postgres`, and lets a role look at it: one of the
    /// file's own, or [`READER`], which may read everything.
    ///
    /// # Errors
    ///
    /// The first statement that fails, with its line.
    pub async fn load(&self, text: &str, role: Option<&str>) -> Result<(), ClusterError> {
        self.run_sql("postgres", SUPERUSER, text).await?;
        match role {
            Some(role) => {
                let login = format!("ALTER ROLE {} LOGIN", ident(role));
                self.run_sql("postgres", SUPERUSER, &login).await
            }
            None => self.run_sql("postgres", SUPERUSER, READ_ALL).await,
        }
    }

    /// A connection over the socket. It ends when the client is dropped.
    async fn connect(&self, database: &str, user: &str) -> Result<Client, ClusterError> {
        let connected = tokio_postgres::connect(&self.dsn(database, user), NoTls).await;
        let (client, connection) = connected.map_err(|error| sql(&error, ""))?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Waits until the server takes connections: it says so in its own file.
    fn wait(&mut self) -> Result<(), ClusterError> {
        let state = self.folder.join("data").join("postmaster.pid");
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(&state).unwrap_or_default();
            if text
                .lines()
                .nth(7)
                .is_some_and(|line| line.trim() == "ready")
            {
                return Ok(());
            }
            let ended = self.server.as_mut().map(Child::try_wait);
            if !matches!(ended, Some(Ok(None))) || began.elapsed() > START {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                let (program, said) = ("postgres", last_lines(&log));
                return Err(ClusterError::Program { program, said });
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(watchdog) = &mut self.watchdog {
            // The end of the pipe: the watchdog stops the server.
            drop(watchdog.stdin.take());
        }
        for mut child in self.server.take().into_iter().chain(self.watchdog.take()) {
            let _ = child.wait();
        }
        // Nothing is left of it, unless there was no watchdog.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A new folder that only the account may enter.
fn new_folder(account: &Account) -> Result<PathBuf, ClusterError> {
    let mut name = format!("mcpgen-pg-{}", uuid::Uuid::new_v4().simple());
    name.truncate("mcpgen-pg-".len() + 12);
    let usual = std::env::temp_dir();
    // Another account may not get into a folder of root's own.
    let fits = !account.is_other() && usual.as_os_str().len() + 1 + name.len() <= FOLDER_MAX;
    let parent = if fits { usual } else { PathBuf::from("/tmp") };
    let folder = parent.join(name);
    let made = account.make_folder(&folder);
    made.map_err(system(&format!("the folder {}", folder.display())))?;
    Ok(folder)
}

fn watchdog(folder: &Path, account: &Account) -> Result<Child, ClusterError> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", WATCHDOG, "sh"]).arg(folder);
    command.stdin(Stdio::piped());
    account.detached(&mut command, folder);
    command.spawn().map_err(system("/bin/sh"))
}

fn version(programs: &programs::Programs) -> Result<String, ClusterError> {
    let said = Command::new(&programs.postgres).arg("--version").output();
    let said = said.map_err(system("postgres"))?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// `initdb`, with the locale that knows more letters if there is it; both sort by code point, the same
/// everywhere.
fn initialise(
    programs: &programs::Programs,
    folder: &Path,
    account: &Account,
) -> Result<(), ClusterError> {
    let mut said = String::new();
    for locale in ["C.UTF-8", "C"] {
        let mut command = Command::new(&programs.initdb);
        command.arg("-D").arg(folder.join("data"));
        command.args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"]);
        command.arg(format!("--locale={locale}"));
        command.arg("--lc-messages=C").stdin(Stdio::null());
        account.owned(&mut command, folder);
        let output = command.output().map_err(system("initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        said = last_lines(&String::from_utf8_lossy(&output.stderr));
    }
    let program = "initdb";
    Err(ClusterError::Program { program, said })
}

fn serve(
    programs: &programs::Programs,
    folder: &Path,
    account: &Account,
    settings: &[(&str, &str)],
) -> Result<Child, ClusterError> {
    let log = fs::File::create(folder.join("log")).map_err(system("the server's log"))?;
    let mut command = Command::new(&programs.postgres);
    command.arg("-D").arg(folder.join("data"));
    command.arg("-k").arg(folder);
    for (name, value) in SETTINGS.iter().chain(settings) {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command.stdin(Stdio::null());
    account.detached(&mut command, folder);
    command.stderr(log);
    command.spawn().map_err(system("postgres"))
}

fn system(what: &str) -> impl FnOnce(io::Error) -> ClusterError {
    let what = what.to_owned();
    move |error| ClusterError::System { what, error }
}

/// What PostgreSQL says of a statement, and the line of the text that it means.
fn sql(error: &tokio_postgres::Error, text: &str) -> ClusterError {
    use tokio_postgres::error::ErrorPosition;
    let Some(found) = error.as_db_error() else {
        let message = error.to_string();
        return ClusterError::Sql {
            line: None,
            message,
        };
    };
    let line = match found.position() {
        Some(ErrorPosition::Original(position)) if !text.is_empty() => {
            let before = text.chars().take(position.saturating_sub(1) as usize);
            Some(1 + before.filter(|c| *c == '\n').count())
        }
        _ => None,
    };
    let mut message = format!("{} ({})", found.message(), found.code().code());
    for more in [found.detail(), found.hint()].into_iter().flatten() {
        let _ = write!(message, "\n{more}");
    }
    ClusterError::Sql { line, message }
}

/// The last lines of a text, as much as can be read.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let from = lines.len().saturating_sub(20);
    lines.get(from..).unwrap_or_default().join("\n")
}
