//! What a database says when it does not let us in, in our words: host and database, never a password.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;
use std::thread;
use std::time::Instant;

use mcpgen::cluster::{Cluster, SUPERUSER};
use mcpgen::runtime::backends::postgres::connect::Target;
use mcpgen::runtime::config::Secret;

use crate::support::postgres::{Database, block_on, cluster, introspected};
use crate::support::{PATIENCE, Scratch};

const PASSWORD: &str = "s3cret-p4ssword";

/// What comes of a connection string: the words of the refusal, or `in`.
#[track_caller]
fn entered(dsn: &str) -> String {
    let said = match Target::new(&Secret::new(dsn), &[]) {
        Err(error) => error.to_string(),
        Ok(target) => block_on(async {
            match target.connect("test").await {
                Ok((client, _)) => {
                    client.query_typed("SELECT 1", &[]).await.unwrap();
                    "in".to_owned()
                }
                Err(error) => {
                    assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
                    error.to_string()
                }
            }
        }),
    };
    assert!(!said.contains(PASSWORD), "{said}");
    said
}

/// A server that answers each first message with some bytes and hangs up.
fn fake(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer);
        }
    });
    port
}

/// An ErrorResponse (PostgreSQL documentation, 55.7).
const STARTING: &[u8] =
    b"E\0\0\0\x4cSFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0Fpostmaster.c\0\0";

#[test]
fn what_answers_is_told_apart() {
    let unused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let starting = {
        let mut message = STARTING.to_vec();
        let length = u8::try_from(message.len() - 1).unwrap();
        message[4] = length;
        fake(message.leak())
    };
    let (silent, web) = (fake(b""), fake(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let no_tls = fake(b"N");
    let at = |port: u16, more: &str| {
        let said = entered(&format!(
            "postgres://a:{PASSWORD}@127.0.0.1:{port}/shop{more}"
        ));
        said.replace(&port.to_string(), "PORT")
    };
    let place = "database `shop` at 127.0.0.1:PORT: ";
    for (said, expected) in [
        (
            at(unused, ""),
            "nothing answers there (the connection was refused); check host and port, and that PostgreSQL runs",
        ),
        (at(starting, ""), "it is starting up; try again in a moment"),
        (
            at(silent, ""),
            "the connection ended before it let us in; is it PostgreSQL?",
        ),
        (
            at(web, ""),
            "the connection ended before it let us in; is it PostgreSQL?",
        ),
        (
            at(no_tls, "?sslmode=require"),
            "it has no TLS, so what is sent could be read and altered on the way; \
             `sslmode=disable` in the connection string allows that",
        ),
    ] {
        assert_eq!(said, format!("{place}{expected}"));
    }
    assert_eq!(
        entered("postgres://a@%2Ftmp%2Fno-such-folder/shop"),
        "database `shop` at /tmp/no-such-folder: nothing answers there (there is no such socket); \
         check host and port, and that PostgreSQL runs"
    );
    assert_eq!(
        entered("postgres://a@no-such-host.invalid/shop?sslmode=disable"),
        "database `shop` at no-such-host.invalid:5432: nothing answers there (the host is not known); \
         check host and port, and that PostgreSQL runs"
    );
}

#[test]
fn passwords_and_rights_to_enter() {
    let scratch = std::env::temp_dir().join(format!("mcpgen-hba-{}", std::process::id()));
    fs::write(
        &scratch,
        "local all connect_reader scram-sha-256\nlocal all connect_shut reject\nlocal all all trust\n",
    )
    .unwrap();
    fs::set_permissions(&scratch, fs::Permissions::from_mode(0o644)).unwrap();
    let cluster = Cluster::start(&[("hba_file", scratch.to_str().unwrap())]).unwrap();
    let made = cluster.run_sql(
        "postgres",
        SUPERUSER,
        "CREATE ROLE connect_reader LOGIN PASSWORD 's3cret-p4ssword'; CREATE ROLE connect_shut LOGIN;
         CREATE ROLE connect_other LOGIN; CREATE ROLE connect_not_login;
         REVOKE CONNECT ON DATABASE template1 FROM PUBLIC;",
    );
    block_on(made).unwrap();
    let dsn = |user: &str, password: &str, database: &str| {
        let dsn = cluster.dsn(database, user);
        dsn.replacen('@', &format!("{password}@"), 1)
    };
    let right = format!(":{PASSWORD}");
    let folder = cluster.folder().display().to_string();
    let said = |user: &str, password: &str, database: &str| {
        entered(&dsn(user, password, database)).replace(&folder, "/pg")
    };
    assert_eq!(said("connect_reader", &right, "postgres"), "in");
    assert_eq!(
        said("connect_reader", ":wrong-s3cret", "postgres"),
        "database `postgres` at /pg: user or password is wrong; correct them in the connection string"
    );
    assert_eq!(
        said("connect_reader", "", "postgres"),
        "database `postgres` at /pg: it asks for a password, and the connection string has none: \
         `postgres://user:password@…`"
    );
    assert_eq!(
        said("connect_other", "", "no_such"),
        "database `no_such` at /pg: there is no such database; correct its name in the connection string"
    );
    assert_eq!(
        said("connect_other", "", "template1"),
        "database `template1` at /pg: the user may not connect to it (it lacks the right CONNECT)"
    );
    let not_allowed = "database `postgres` at /pg: it does not let this user in: there is no such user, \
                       or `pg_hba.conf` says no, or that it must use TLS (`sslmode=require`)";
    for user in ["connect_shut", "connect_nobody", "connect_not_login"] {
        assert_eq!(said(user, &right, "postgres"), not_allowed, "{user}");
    }
    let _ = fs::remove_file(scratch);
}

/// The command line shows no more than the library does.
#[test]
fn no_command_shows_a_password() {
    let dsn = format!("postgres://a:{PASSWORD}@127.0.0.1:1/shop");
    for command in ["introspect", "check", "list", "serve"] {
        let output = crate::support::run(&[command, &dsn], &[], "");
        assert_ne!(output.status, 0, "{command}");
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(!said.contains("s3cret"), "{command}: {said}");
        assert!(said.contains("`shop` at 127.0.0.1:1"), "{command}: {said}");
    }
}

/// Certificates are verified, with the host's name, whatever `sslmode` asks for TLS.
#[test]
fn tls() {
    let scratch = Scratch::new();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        let output = command
            .args(arguments.split(' '))
            .current_dir(scratch.path())
            .output();
        let output = output.expect("openssl runs (bash tests/run installs it)");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let authority = "-addext basicConstraints=critical,CA:TRUE -days 30";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca {authority}"
    ));
    openssl(&format!(
        "req -x509 {key} -keyout o.key -out other.pem -subj /CN=other {authority}"
    ));
    openssl(&format!(
        "req {key} -keyout server.key -out server.csr -subj /CN=server"
    ));
    scratch.file(
        "ext",
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
    );
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 30 -extfile ext",
    );

    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port().to_string()
    };
    let cluster = Cluster::start(&[("listen_addresses", "127.0.0.1"), ("port", &port)]).unwrap();
    let at = |mode: &str, root: &str| {
        let root = scratch.path().join(root).display().to_string();
        entered(&format!(
            "host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode={mode} sslrootcert='{root}'"
        ))
    };
    // Not yet: there is no TLS to be had.
    assert_eq!(at("disable", "ca.pem"), "in");
    assert_eq!(at("prefer", "ca.pem"), "in");
    assert!(at("verify-full", "ca.pem").contains("it has no TLS"));

    let owner = fs::metadata(cluster.folder()).unwrap();
    for file in ["server.key", "server.pem"] {
        let place = cluster
            .folder()
            .join("data")
            .join(file.replace("pem", "crt"));
        fs::copy(scratch.path().join(file), &place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&place, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    for statement in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
        block_on(cluster.run_sql("postgres", SUPERUSER, statement)).unwrap();
    }
    let began = Instant::now();
    while at("require", "ca.pem").contains("it has no TLS") {
        assert!(began.elapsed() < PATIENCE, "TLS does not come");
    }
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        assert_eq!(at(mode, "ca.pem"), "in", "{mode}");
        assert_eq!(
            at(mode, "other.pem").replace(&port, "PORT"),
            "database `postgres` at 127.0.0.1:PORT: its certificate is not trusted (nobody knows who \
             issued it); `sslrootcert=FILE` in the connection string names the certificate of who issued it",
            "{mode}"
        );
    }
    // What no system trusts is not trusted without a file of its own.
    let said = entered(&format!(
        "postgres://postgres@127.0.0.1:{port}/postgres?sslmode=require"
    ));
    assert!(said.contains("its certificate is not trusted"), "{said}");
    let said = entered(&format!(
        "host=localhost hostaddr=127.0.0.1 port={port} user=postgres sslmode=require sslrootcert='{}'",
        scratch.path().join("ca.pem").display()
    ));
    assert!(said.contains("it is for another host"), "{said}");
    assert!(at("require", "ca.key").contains("it holds no certificate"));
    assert!(at("require", "no-such.pem").contains("No such file"));
}

/// A query that runs is ended by the other connection that asks for it.
#[test]
fn a_query_is_cancelled() {
    let database = Database::new("");
    let target = Target::new(&Secret::new(database.dsn(SUPERUSER)), &[]).unwrap();
    let began = Instant::now();
    let ended = block_on(async {
        let (client, _) = target.connect("test").await.unwrap();
        let token = client.cancel_token();
        let asked = async {
            let (other, _) = target.connect("other").await.unwrap();
            let sleeps = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND wait_event = 'PgSleep'";
            while other.query_typed(sleeps, &[]).await.unwrap().is_empty() {}
            target.cancel(&token).await.unwrap();
        };
        let (ended, ()) = tokio::join!(client.execute_typed("SELECT pg_sleep(60)", &[]), asked);
        ended.unwrap_err()
    });
    assert_eq!(ended.code().unwrap().code(), "57014");
    assert!(began.elapsed() < PATIENCE);
}

/// What an application is called is seen in the database.
#[test]
fn introspection_leaves_no_connection() {
    let database = Database::new("CREATE TABLE a (b int)");
    let dsn = database.dsn(SUPERUSER);
    introspected(&dsn, &[]).unwrap();
    let name = &database.name;
    // The server's end closes after ours: it is waited for, and then a copy can be made.
    block_on(cluster().create_database(&format!("{name}_copy"), name)).unwrap();
}
