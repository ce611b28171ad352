//! Through the real PgBouncer, most of all in transaction mode: each transaction may have another server, and none
//! keeps anything of the one before.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::envelope::{connections, slow, superuser, until};
use super::made::{KEPT, SCHEMA, call, library, postgres, server, telling};
use crate::support::PATIENCE;
use crate::support::postgres::{Database, block_on, cluster};

/// A running PgBouncer; it ends when this is dropped.
struct Bouncer {
    child: Child,
    folder: std::path::PathBuf,
}

impl Bouncer {
    /// One in front of the cluster, in transaction mode; `None`: it is not installed.
    fn start(name: &str) -> Option<Self> {
        Self::in_mode(name, "transaction")
    }

    fn in_mode(name: &str, mode: &str) -> Option<Self> {
        let named = std::env::var("MCPGEN_PGBOUNCER").ok();
        let usual = ["pgbouncer", "/usr/sbin/pgbouncer"].map(str::to_owned);
        let there = |program: &String| Command::new(program).arg("--version").output().is_ok();
        let Some(program) = named.into_iter().chain(usual).find(there) else {
            eprintln!("pgbouncer is not installed, and MCPGEN_PGBOUNCER does not say where it is");
            return None;
        };
        let folder = cluster().folder().join(name);
        fs::create_dir(&folder).unwrap();
        let owner = fs::metadata(cluster().folder()).unwrap();
        let config = format!(
            "[databases]\n* = host={}\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {}\n\
             auth_type = trust\nauth_file = {}/users\npool_mode = {mode}\ndefault_pool_size = 2\nmax_client_conn = 50\n",
            cluster().folder().display(),
            folder.display(),
            folder.display()
        );
        fs::write(folder.join("ini"), config).unwrap();
        fs::write(folder.join("users"), "\"reader\" \"\"\n").unwrap();
        chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
        let mut command = Command::new(program);
        command
            .arg(folder.join("ini"))
            .stderr(Stdio::null())
            .stdout(Stdio::null());
        if fs::metadata(".").unwrap().uid() != owner.uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let child = command.spawn().unwrap();
        let began = Instant::now();
        while !folder.join(".s.PGSQL.6432").exists() {
            assert!(began.elapsed() < PATIENCE, "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Self { child, folder })
    }

    fn dsn(&self, database: &Database) -> String {
        let folder = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://reader@{folder}:6432/{}", database.name)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A get asked for over and over is planned each time: a name would mean nothing to another server.
#[test]
fn nothing_is_prepared_under_a_name_through_a_pooler() {
    let bouncers = ["transaction", "session"].map(|mode| Bouncer::in_mode(mode, mode));
    let [Some(bouncer), Some(in_sessions)] = bouncers else {
        return;
    };
    let database = Database::new(SCHEMA);
    let actions = telling(&database, KEPT);
    let kept = |dsn: String, want: &str| {
        let server = server(&actions, postgres(), Some(&dsn));
        block_on(async {
            for _ in 0..4 {
                call(&server, "books_get", &json!({"id": 1})).await.unwrap();
            }
            let kept = call(&server, "books_list", &json!({})).await.unwrap();
            assert_eq!(kept["rows"][0]["title"], want, "{dsn}");
        });
    };
    kept(bouncer.dsn(&database), "0");
    kept(in_sessions.dsn(&database), "0");
    // The settings of a transaction, and the get.
    kept(database.dsn("reader"), "2");
}

#[test]
fn calls_go_through_a_pooler() {
    let Some(bouncer) = Bouncer::start("pooler") else {
        return;
    };
    let database = Database::new(SCHEMA);
    let mut spec = postgres();
    spec["connections"] = json!(16);
    let server = server(&library(), spec, Some(&bouncer.dsn(&database)));
    block_on(async {
        server.ready().await.unwrap();
        let args = json!({"id": "9007199254740993"});
        for _ in 0..3 {
            let calls = (0..50).map(|_| call(&server, "books_get", &args));
            for row in futures::future::join_all(calls).await {
                assert_eq!(row.unwrap()["row"]["title"], "large");
            }
        }
        let page = call(&server, "books_find", &json!({"limit": 2}))
            .await
            .unwrap();
        let next = json!({"limit": 2, "cursor": page["next_cursor"]});
        let page = call(&server, "books_find", &next).await.unwrap();
        assert_eq!(page["rows"][0]["id"], "3");
        let refused = json!({"filter": {"id": {"eq": "x"}}});
        for _ in 0..5 {
            let error = call(&server, "books_find", &refused).await.unwrap_err();
            assert_eq!(error.code, "invalid_arguments");
        }
        // What a pooler lends is two servers, and a transaction is none of theirs for longer than a call.
        let admin = superuser().await;
        until(&admin, &connections(&database, "AND state <> 'idle'"), 0).await;
    });
}

#[test]
fn a_call_that_ends_early_is_cancelled_through_a_pooler() {
    let Some(bouncer) = Bouncer::start("cancel") else {
        return;
    };
    let database = Database::new(SCHEMA);
    let server = slow(&database, &[], &bouncer.dsn(&database));
    block_on(async {
        let admin = superuser().await;
        let active = connections(&database, "AND state = 'active'");
        let args = json!({});
        for _ in 0..3 {
            let running = call(&server, "books_list", &args);
            tokio::select! {
                result = running => panic!("{result:?}"),
                _ = until(&admin, &active, 1) => {}
            }
            let idle = until(&admin, &connections(&database, "AND state <> 'idle'"), 0).await;
            assert!(idle < Duration::from_secs(1), "{idle:?}");
            call(&server, "books_get", &json!({"id": 1})).await.unwrap();
        }
    });
}
