//! A cluster starts, is reached over its socket alone, and leaves nothing behind, whatever ends it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mcpgen::cluster::{Cluster, ClusterError, SUPERUSER};
use mcpgen::input::postgres::Snapshot;

use crate::support::PATIENCE;
use crate::support::postgres::{Database, block_on, cluster};
use crate::support::process::Running;
use crate::support::run;

/// Waits until something holds.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn runs(pid: u32) -> bool {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -0 {pid} 2>/dev/null")])
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn it_starts_and_leaves_nothing() {
    let cluster = Cluster::start(&[]).unwrap();
    let (folder, pid) = (cluster.folder().to_path_buf(), cluster.pid().unwrap());
    assert!(runs(pid));
    assert!(
        cluster.version().contains("PostgreSQL"),
        "{}",
        cluster.version()
    );
    let socket = format!("{}/.s.PGSQL.5432", folder.display());
    assert!(Path::new(&socket).exists());
    assert!(socket.len() < 100, "{socket}");
    drop(cluster);
    assert!(!folder.exists());
    assert!(!runs(pid));
}

#[test]
fn a_panic_stops_it() {
    let panicked = std::thread::spawn(|| {
        let cluster = Cluster::start(&[]).unwrap();
        let seen = (cluster.folder().to_path_buf(), cluster.pid().unwrap());
        std::panic::resume_unwind(Box::new(seen));
    });
    let seen = panicked.join().unwrap_err();
    let (folder, pid) = seen
        .downcast::<(std::path::PathBuf, u32)>()
        .map(|seen| *seen)
        .unwrap();
    until("the folder is still there", || !folder.exists());
    assert!(!runs(pid));
}

/// What [`a_kill_stops_it`] kills: a process with a cluster.
#[test]
#[ignore = "run by another test"]
fn holds_a_cluster() {
    let cluster = Cluster::start(&[]).unwrap();
    let (folder, pid) = (cluster.folder().display(), cluster.pid().unwrap());
    let _ = writeln!(std::io::stderr(), "\ncluster {pid} {folder}");
    let _ = std::io::stdin().read(&mut [0]);
}

/// A process that is killed stops nothing itself; the end of its pipe does.
#[test]
fn a_kill_stops_it() {
    for signal in ["KILL", "INT"] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "postgres::cluster::holds_a_cluster",
                "--ignored",
                "--nocapture",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _stdin = child.stdin.take();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines
            .map_while(Result::ok)
            .find(|line| line.starts_with("cluster "));
        let line = line.expect("the cluster is told");
        let (pid, folder) = line
            .strip_prefix("cluster ")
            .unwrap()
            .split_once(' ')
            .unwrap();
        let pid: u32 = pid.parse().unwrap();
        assert!(runs(pid) && Path::new(folder).exists());
        let mut child = Running::new(child);
        child.signal(signal);
        assert!(child.wait(PATIENCE).is_some());
        until("the folder is still there", || !Path::new(folder).exists());
        until("the server still runs", || !runs(pid));
    }
}

#[test]
fn a_setting_that_there_is_not_is_told() {
    let refused = Cluster::start(&[("no_such_setting", "1")]).unwrap_err();
    let text = refused.to_string();
    assert!(text.starts_with("postgres failed:\n"), "{text}");
    assert!(text.contains("no_such_setting"), "{text}");
}

#[test]
fn a_file_of_statements_is_run_to_its_first_mistake() {
    let database = Database::new("CREATE TABLE a (b int);\nINSERT INTO a VALUES (1), (2);");
    let again = "SELECT 1;\n\nCREATE TABLE c (d nothing);";
    let refused = block_on(cluster().run_sql(&database.name, SUPERUSER, again)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 3: type \"nothing\" does not exist (42704)"
    );
    assert!(matches!(refused, ClusterError::Sql { line: Some(3), .. }));
    // A copy has what the first one has.
    let copy = Database::from(
        &database.name,
        "SELECT b / (count(*) - 2) FROM a GROUP BY b HAVING false;",
    );
    copy.run("DROP TABLE a;");
    database.run("DROP TABLE a;");
}

#[test]
fn names_that_need_quotes_have_a_connection_string() {
    let name = "a \"b\"/c?d@é";
    block_on(cluster().create_database(name, "template0")).unwrap();
    block_on(cluster().run_sql(name, SUPERUSER, "CREATE ROLE \"x@y/z\" LOGIN")).unwrap();
    block_on(cluster().run_sql(name, "x@y/z", "SELECT 1")).unwrap();
    let dsn = cluster().dsn(name, "x@y/z");
    assert!(dsn.ends_with("/a%20%22b%22%2Fc%3Fd%40%C3%A9"), "{dsn}");
    assert!(fs::metadata(cluster().folder()).is_ok());
}

/// The owner says where the programs are, and is told if they are not.
#[test]
fn programs_that_are_not_there() {
    let args = ["introspect", "specs/library/schema.sql"];
    let output = run(&args, &[("MCPGEN_PG_BIN", "/no/such/folder")], "");
    assert_ne!(output.status, 0);
    let said = "MCPGEN_PG_BIN is /no/such/folder, and there is no `initdb` and `postgres` in it";
    assert!(output.stderr.contains(said), "{}", output.stderr);
    // What to do about it is said where nothing is installed at all.
    let missing = ClusterError::Missing.to_string();
    for said in ["apt-get install postgresql", "dnf install", "brew install"] {
        assert!(missing.contains(said), "{missing}");
    }
}

/// A file of definitions has the snapshot that its database would have.
#[test]
fn a_file_of_definitions() {
    let args = [
        "introspect",
        "specs/library/schema.sql",
        "--role",
        "library_reader",
        "--schema",
        "library",
    ];
    let output = run(&args, &[], "").expect(0);
    let found: Snapshot = serde_json::from_str(&output.stdout).unwrap();
    let committed = fs::read_to_string(crate::support::root().join("specs/library/snapshot.json"));
    let mut committed: Snapshot = serde_json::from_str(&committed.unwrap()).unwrap();
    // There are no rows to estimate.
    for relation in &mut committed.relations {
        relation.estimate = None;
    }
    assert_eq!(found.relations, committed.relations);
    assert_eq!(found.types, committed.types);
    assert_eq!(found.functions, committed.functions);
    assert_eq!(found.role, committed.role);
    // A file called `schema` has the name of its folder.
    assert_eq!(found.database, "library");
}
