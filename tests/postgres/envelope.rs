//! What goes around every statement: one statement, a transaction that only reads, an end that is always a
//! rollback; connections that are bounded, replaced and cancelled.

use std::time::{Duration, Instant};

use mcpgen::cluster::SUPERUSER;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::made::{SCHEMA, call, library, postgres, served, server};
use super::proxy::{Proxy, statements};
use crate::support::postgres::{Database, block_on, cluster};

/// A connection of the superuser's, beside all tests' databases.
pub(super) async fn superuser() -> Client {
    let dsn = cluster().dsn("postgres", SUPERUSER);
    let config: tokio_postgres::Config = dsn.parse().unwrap();
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// One number of a query.
async fn number(client: &Client, query: &str) -> i64 {
    client.query_typed(query, &[]).await.unwrap()[0].get(0)
}

/// Connections of servers to a database.
pub(super) fn connections(database: &Database, more: &str) -> String {
    let name = &database.name;
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mcpgen' AND datname = '{name}' {more}"
    )
}

/// Waits until a query gives this number.
pub(super) async fn until(client: &Client, query: &str, want: i64) -> Duration {
    let began = Instant::now();
    while number(client, query).await != want {
        assert!(began.elapsed() < crate::support::PATIENCE, "{query}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[test]
fn one_statement_within_a_transaction_that_only_reads() {
    let database = Database::new(SCHEMA);
    block_on(async {
        let proxy = Proxy::start(cluster(), |_| {});
        let dsn = proxy.dsn(&database.name, "reader");
        let server = server(&library(), postgres(), Some(&dsn));
        server.ready().await.unwrap();
        for args in [
            json!({"filter": {"title": {"eq": "x'; DROP TABLE lib.books; --"}}}),
            json!({"filter": {"title": {"contains": "$1 $$ \\ % 🦀"}}, "include": ["author"]}),
        ] {
            proxy.take();
            call(&server, "books_find", &args).await.unwrap();
            let seen = proxy.take();
            let kinds: String = seen.iter().map(|(kind, _)| *kind).collect();
            // Parse, Bind, Describe, Execute and Sync of each of four; no simple query (`Q`).
            assert_eq!(kinds, "PBDES".repeat(4));
            let texts = statements(&seen);
            let [begin, set, read, end] = texts.as_slice() else {
                panic!("{texts:?}");
            };
            assert_eq!(
                (begin.as_str(), end.as_str()),
                ("BEGIN READ ONLY", "ROLLBACK")
            );
            assert!(set.starts_with("SELECT pg_catalog.current_setting('transaction_read_only')"));
            assert!(
                read.starts_with("SELECT w.row") && !read.contains("🦀"),
                "{read}"
            );
            // Two round trips: nothing of the statement is sent before the transaction is looked at.
            assert!(!read.contains("DROP"), "{read}");
        }
    });
}

#[test]
fn a_transaction_that_may_write_is_left_at_once() {
    let database = Database::new(SCHEMA);
    block_on(async {
        let proxy = Proxy::start(cluster(), |(kind, content)| {
            let begin = b"\0BEGIN READ ONLY\0";
            if *kind == 'P' && content.starts_with(begin) {
                content[..begin.len()].copy_from_slice(b"\0BEGIN          \0");
            }
        });
        let dsn = proxy.dsn(&database.name, "reader");
        let server = server(&library(), postgres(), Some(&dsn));
        let refused = server.ready().await.unwrap_err();
        assert!(
            refused.contains("did not begin a transaction that only reads"),
            "{refused}"
        );
        let error = call(&server, "books_find", &json!({})).await.unwrap_err();
        assert_eq!(error.code, "database_refused");
        let read: Vec<String> = statements(&proxy.take());
        assert!(read.iter().all(|text| !text.contains("lib")), "{read:?}");
    });
}

#[test]
fn settings_end_with_the_call() {
    let (server, database) = served();
    let mut actions = library();
    // A view that tells what holds inside, and what a call leaves.
    database.run(
        "CREATE VIEW lib.inside AS SELECT 1 AS id, current_setting('search_path') || '|' || \
         current_setting('transaction_read_only') || '|' || current_setting('timezone') || '|' || \
         current_setting('row_security') || '|' || current_setting('statement_timeout') AS title; \
         GRANT SELECT ON lib.inside TO reader;",
    );
    let action = &mut actions["books_list"]["sql"];
    action["relation"]["name"] = json!("inside");
    action["relation"]["columns"] = json!({"title": {"type": {"name": "text"}}});
    action["statement_timeout_ms"] = json!(1234);
    drop(server);
    let server = super::made::server(&actions, postgres(), Some(&database.dsn("reader")));
    block_on(async {
        let told = call(&server, "books_list", &json!({})).await.unwrap();
        let told = told["rows"][0]["title"].as_str().unwrap();
        assert_eq!(told, "pg_catalog, pg_temp|on|UTC|on|1234ms");
    });
}

#[test]
fn t24_a_killed_connection_is_replaced() {
    let (server, database) = served();
    block_on(async {
        let admin = superuser().await;
        for _ in 0..3 {
            call(&server, "books_get", &json!({"id": 1})).await.unwrap();
            assert_eq!(kill(&admin, &database).await, 1);
        }
        call(&server, "books_get", &json!({"id": 1})).await.unwrap();
        // A role that may not come in any more: the one replacement fails, and that is all.
        database_off(&admin, &database, true).await;
        kill(&admin, &database).await;
        let error = call(&server, "books_get", &json!({"id": 1}))
            .await
            .unwrap_err();
        assert!(!error.text().contains("reader"), "{}", error.text());
        database_off(&admin, &database, false).await;
        call(&server, "books_get", &json!({"id": 1})).await.unwrap();
    });
}

/// Ends the connections of servers to a database, and counts them.
async fn kill(admin: &Client, database: &Database) -> i64 {
    let name = &database.name;
    let query = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
         WHERE application_name = 'mcpgen' AND datname = '{name}' OFFSET 0) AS own"
    );
    number(admin, &query).await
}

async fn database_off(admin: &Client, database: &Database, off: bool) {
    let text = format!(
        "ALTER DATABASE {} ALLOW_CONNECTIONS {}",
        database.name, !off
    );
    admin.execute_typed(&text, &[]).await.unwrap();
}

/// A view that takes a second for each row.
const SLOW: &str = "CREATE VIEW lib.slow AS SELECT id, title FROM lib.books, pg_sleep(60); \
                    GRANT SELECT ON lib.slow TO reader;";

/// The library with a slow relation, over these connections.
pub(super) fn slow(
    database: &Database,
    changes: &[(&str, Value)],
    dsn: &str,
) -> mcpgen::runtime::server::Server {
    database.run(SLOW);
    let mut actions = library();
    let relation = &mut actions["books_list"]["sql"]["relation"];
    relation["name"] = json!("slow");
    relation["columns"] = json!({"title": {"type": {"name": "text"}}});
    let mut spec = postgres();
    for (key, value) in changes {
        spec[*key] = value.clone();
    }
    server(&actions, spec, Some(dsn))
}

#[test]
fn t23_a_client_that_goes_away_leaves_no_work() {
    let database = Database::new(SCHEMA);
    let server = slow(
        &database,
        &[("connections", json!(1))],
        &database.dsn("reader"),
    );
    block_on(async {
        let admin = superuser().await;
        let active = connections(&database, "AND state = 'active'");
        let args = json!({});
        for _ in 0..3 {
            let slow = call(&server, "books_list", &args);
            let going = async { until(&admin, &active, 1).await };
            tokio::select! {
                result = slow => panic!("{result:?}"),
                _ = going => {}
            }
            // The call's future is gone.
            let idle = until(&admin, &active, 0).await;
            assert!(idle < Duration::from_secs(1), "{idle:?}");
            // Its place is free again.
            call(&server, "books_get", &json!({"id": 1})).await.unwrap();
        }
    });
}

#[test]
fn a_statement_ends_in_its_time() {
    let database = Database::new(SCHEMA);
    let server = slow(
        &database,
        &[("statement_timeout_ms", json!(100))],
        &database.dsn("reader"),
    );
    block_on(async {
        server.ready().await.unwrap();
        let admin = superuser().await;
        let error = call(&server, "books_list", &json!({})).await.unwrap_err();
        assert_eq!((error.code, error.retryable), ("timeout", true));
        until(&admin, &connections(&database, "AND state = 'active'"), 0).await;
        call(&server, "books_get", &json!({"id": 1})).await.unwrap();
    });
}

#[test]
fn t22_connections_are_bounded_and_waiting_ends() {
    let database = Database::new(SCHEMA);
    let changes = [
        ("connections", json!(2)),
        ("statement_timeout_ms", json!(300)),
    ];
    let server = slow(&database, &changes, &database.dsn("reader"));
    block_on(async {
        server.ready().await.unwrap();
        let admin = superuser().await;
        let args = json!({"id": 1});
        let calls = (0..200).map(|_| call(&server, "books_get", &args));
        for result in futures::future::join_all(calls).await {
            result.unwrap();
        }
        assert!(number(&admin, &connections(&database, "")).await <= 2);
        // Two that are slow, and others that wait for a place until they end.
        let args = json!({});
        let calls = (0..8).map(|_| call(&server, "books_list", &args));
        for result in futures::future::join_all(calls).await {
            let error = result.unwrap_err();
            assert!(
                ["timeout", "busy"].contains(&error.code),
                "{}",
                error.text()
            );
            assert!(error.retryable);
        }
        assert!(number(&admin, &connections(&database, "")).await <= 2);
    });
}

#[test]
fn t25_a_changed_schema_is_told_and_nothing_else() {
    for (change, tool) in [
        ("ALTER TABLE lib.books DROP COLUMN price", "books_find"),
        ("ALTER TABLE lib.books RENAME TO tomes", "books_get"),
        ("ALTER SCHEMA lib RENAME TO library", "books_find"),
        ("ALTER TABLE lib.books ALTER tenant TYPE text", "books_find"),
        ("ALTER TYPE lib.mood RENAME TO feeling", "books_find"),
    ] {
        let (server, database) = served();
        let args = json!({"id": 1, "filter": {"mood": {"eq": "ok"}}});
        block_on(async {
            call(&server, tool, &args).await.unwrap();
        });
        database.run(change);
        let error = block_on(call(&server, tool, &args)).unwrap_err();
        assert_eq!(error.code, "schema_drift", "{change}");
        let text = error.text();
        assert!(text.contains(&format!("`{tool}`")), "{text}");
        for word in [
            "price",
            "tomes",
            "lib.",
            "42703",
            "operator",
            "does not exist",
        ] {
            assert!(!text.contains(word), "{text}");
        }
    }
}

#[test]
fn a_right_that_is_taken_back_is_told() {
    let (server, database) = served();
    database
        .run("REVOKE SELECT ON lib.books FROM reader; GRANT SELECT (id) ON lib.books TO reader");
    block_on(async {
        let error = call(&server, "books_find", &json!({})).await.unwrap_err();
        assert_eq!(error.code, "not_permitted");
        assert!(!error.text().contains("books"), "{}", error.text());
    });
}

#[test]
fn t01_values_of_another_type_are_refused_without_their_text() {
    let (server, _database) = served();
    block_on(async {
        for filter in [
            json!({"id": {"eq": "canary OR 1=1"}}),
            json!({"id": {"eq": "99999999999999999999"}}),
            json!({"mood": {"eq": "canary"}}),
            json!({"created": {"lt": "canary"}}),
            json!({"created": {"lt": "10000-13-01"}}),
            json!({"price": {"in": ["canary"]}}),
            json!({"sold": {"overlaps": {"lower": "2024-02-01", "upper": "2024-01-01"}}}),
        ] {
            let args = json!({"filter": filter});
            let error = call(&server, "books_find", &args).await.unwrap_err();
            assert_eq!(error.code, "invalid_arguments", "{args}");
            assert!(!error.text().contains("canary"), "{}", error.text());
        }
        // The connection is as good as before.
        call(&server, "books_find", &json!({})).await.unwrap();
    });
}
