//! Running a program with a known environment and a time limit.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::PATIENCE;

/// What a finished program left behind.
#[derive(Debug)]
pub(crate) struct Output {
    /// The exit status; -1 if a signal ended the program.
    pub status: i32,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Output {
    /// The output of a run that must have exited with `status`.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "unexpected exit status\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Standard output, read as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{}", self.stdout))
    }
}

/// Runs `mcpgen` to its end. Of the environment only `PATH` and `HOME` stay; `env` is added.
#[track_caller]
pub(crate) fn run(args: &[&str], env: &[(&str, &str)], stdin: impl AsRef<[u8]>) -> Output {
    run_program(env!("CARGO_BIN_EXE_mcpgen"), args, env, stdin.as_ref())
}

/// Runs `mcpgen` as [`run`] does, with nothing on standard input, in another folder.
#[track_caller]
pub(crate) fn run_in(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    let program = env!("CARGO_BIN_EXE_mcpgen");
    let child = command(program, args, env).current_dir(folder).spawn();
    finish(
        child.expect("mcpgen can be started"),
        &format!("{program} {args:?}"),
        b"",
    )
}

/// Runs any program as [`run`] does.
#[track_caller]
pub(crate) fn run_program(
    program: &str,
    args: &[&str],
    env: &[(&str, &str)],
    stdin: &[u8],
) -> Output {
    let child = spawn(program, args, env);
    finish(child, &format!("{program} {args:?}"), stdin)
}

#[track_caller]
fn finish(mut child: Child, what: &str, stdin: &[u8]) -> Output {
    let mut pipe = child.stdin.take().expect("stdin is a pipe");
    let input = stdin.to_vec();
    // A program that does not read its input must not block the test, nor fail it.
    thread::spawn(move || drop(pipe.write_all(&input)));
    let stdout = collect(child.stdout.take().expect("stdout is a pipe"));
    let stderr = collect(child.stderr.take().expect("stderr is a pipe"));
    let mut running = Running::new(child);
    let Some(status) = running.wait(PATIENCE * 4) else {
        running.signal("KILL");
        panic!("{what} did not end; its stderr: {}", text(&stderr));
    };
    Output {
        status: status.code().unwrap_or(-1),
        stdout: text(&stdout),
        stderr: text(&stderr),
    }
}

/// Starts a program with three pipes and a known environment, in the folder of the repository.
pub(crate) fn spawn(program: &str, args: &[&str], env: &[(&str, &str)]) -> Child {
    command(program, args, env)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {program}: {error}"))
}

fn command(program: &str, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(["PATH", "HOME"].map(|name| (name, std::env::var_os(name).unwrap_or_default())))
        .envs(env.iter().copied())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads a pipe to its end on a thread of its own.
fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

fn text(pipe: &Receiver<Vec<u8>>) -> String {
    let bytes = pipe.recv_timeout(PATIENCE).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A started program: a thread waits for its end, so that waiting here can have a limit.
pub(crate) struct Running {
    pid: u32,
    ended: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
}

impl Running {
    /// Takes over the child; its pipes should have been taken out before.
    pub(crate) fn new(mut child: Child) -> Self {
        let (sender, ended) = mpsc::channel();
        let pid = child.id();
        thread::spawn(move || {
            if let Ok(status) = child.wait() {
                let _ = sender.send(status);
            }
        });
        Self {
            pid,
            ended,
            status: None,
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The exit status, or nothing if the program still runs after `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = match self.ended.recv_timeout(limit) {
                Ok(status) => Some(status),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => panic!("the program cannot be waited for"),
            };
        }
        self.status
    }

    /// Sends a signal by name (`TERM`, `INT`, `KILL`), if the program still runs.
    pub(crate) fn signal(&mut self, name: &str) {
        if self.wait(Duration::ZERO).is_none() {
            let kill = format!("kill -s {name} {}", self.pid);
            // The shell's own `kill`: a small machine may have no other.
            let _ = Command::new("sh")
                .args(["-c", &kill])
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

#[test]
fn a_run_reports_all_three() {
    let script = "cat; echo \"$GREETING\" >&2; exit 3";
    let output = run_program("sh", &["-c", script], &[("GREETING", "hello")], b"in").expect(3);
    assert_eq!((&*output.stdout, &*output.stderr), ("in", "hello\n"));
}

#[test]
fn the_environment_is_cleared() {
    let output = run_program("env", &[], &[("ONLY", "1")], b"");
    let mut names: Vec<_> = output
        .stdout
        .lines()
        .filter_map(|l| l.split('=').next())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "ONLY", "PATH"]);
}
