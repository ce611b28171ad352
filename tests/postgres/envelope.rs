//! What goes around every statement: one statement, a transaction that only reads, an end that is always a
//! rollback; connections that are bounded, replaced and cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mcpgen::cluster::SUPERUSER;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::made::{KEPT, SCHEMA, call, library, postgres, served, server, telling};
use super::proxy::{Message, Proxy, statements};
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
        for args in [
            json!({"filter": {"title": {"eq": "x'; DROP TABLE lib.books; --"}}}),
            json!({"filter": {"title": {"contains": "$1 $$ \\ % 🦀"}}, "include": ["author"]}),
        ] {
            proxy.take();
            // Connections are as new each time.
            let server = server(&library(), postgres(), Some(&dsn));
            call(&server, "books_find", &args).await.unwrap();
            let seen: Vec<Message> = proxy.take().into_iter().filter(is_of_queries).collect();
            let kinds: String = seen.iter().map(|(kind, _)| *kind).collect();
            // The look at the role and the call; Parse, Bind, Describe, Execute and Sync of each of four; no simple
            // query (`Q`). The settings are sent for the second time and have a name first: Parse, Describe and Sync.
            let named = "PDS".to_owned() + "PBDES" + "BES" + "PBDES" + "PBDES";
            assert_eq!(kinds, "PBDES".repeat(4) + &named);
            let texts = statements(&seen);
            let [.., (begin, _), (set, _), (read, unnamed), (end, _)] = texts.as_slice() else {
                panic!("{texts:?}");
            };
            assert_eq!(
                (begin.as_str(), end.as_str(), unnamed.as_str()),
                ("BEGIN READ ONLY", "ROLLBACK", "")
            );
            assert!(set.contains("pg_catalog.current_setting('transaction_read_only'), true)"));
            assert!(
                read.starts_with("SELECT w.row") && !read.contains("🦀"),
                "{read}"
            );
            // Two round trips: nothing of the statement is sent before the transaction is looked at.
            assert!(!read.contains("DROP"), "{read}");
        }
    });
}

/// Whether a message is none of the beginning or the end of a connection.
fn is_of_queries((kind, _): &Message) -> bool {
    !"\0XK".contains(*kind)
}

/// Where the settings have a name, statements are sent along, and hold by themselves.
#[test]
fn nothing_is_read_where_no_transaction_began() {
    let database = Database::new(SCHEMA);
    database.run("CREATE SEQUENCE lib.reads; GRANT USAGE ON SEQUENCE lib.reads TO reader");
    // A read that can be seen, were it not in a transaction that only reads.
    let actions = telling(&database, "nextval('lib.reads')");
    let astray = Arc::new(AtomicBool::new(false));
    let goes_astray = Arc::clone(&astray);
    block_on(async {
        let proxy = Proxy::start(cluster(), move |(kind, content)| {
            let begin = b"\0BEGIN READ ONLY\0";
            if *kind == 'P' && goes_astray.load(Relaxed) && content.starts_with(begin) {
                content[..begin.len()].copy_from_slice(b"\0ROLLBACK       \0");
            }
        });
        let mut spec = postgres();
        spec["posture"] = json!({"accept": "writer", "because": "it has a sequence"});
        let server = server(&actions, spec, Some(&proxy.dsn(&database.name, "reader")));
        for _ in 0..3 {
            let read = call(&server, "books_get", &json!({"id": 1})).await;
            assert_eq!(read.unwrap()["row"]["title"], "100%");
        }
        astray.store(true, Relaxed);
        let error = call(&server, "books_list", &json!({})).await.unwrap_err();
        assert_eq!(error.code, "not_read_only");
        let sent = statements(&proxy.take());
        assert!(
            sent.iter().any(|(text, _)| text.contains("\"inside\"")),
            "{sent:?}"
        );
    });
    // A division by zero, had it been read.
    let untouched = "SELECT 1 / (NOT is_called)::int FROM lib.reads";
    database.run(untouched);
}

/// A role whose transactions only read by themselves is no sign that one began: its settings have to hold, too.
#[test]
fn nothing_is_read_without_the_settings() {
    let database = Database::new(SCHEMA);
    database.run(
        "DO $$ BEGIN CREATE ROLE reads_by_itself LOGIN; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; \
         ALTER ROLE reads_by_itself SET default_transaction_read_only = on; \
         GRANT USAGE ON SCHEMA lib TO reads_by_itself; GRANT SELECT ON lib.books TO reads_by_itself",
    );
    let astray = Arc::new(AtomicBool::new(false));
    let goes_astray = Arc::clone(&astray);
    block_on(async {
        let proxy = Proxy::start(cluster(), move |(kind, content)| {
            let begin = b"\0BEGIN READ ONLY\0";
            if *kind == 'P' && goes_astray.load(Relaxed) && content.starts_with(begin) {
                content[..begin.len()].copy_from_slice(b"\0ROLLBACK       \0");
            }
        });
        let dsn = proxy.dsn(&database.name, "reads_by_itself");
        for calls_before in [0, 3] {
            astray.store(false, Relaxed);
            let server = server(&library(), postgres(), Some(&dsn));
            server.ready().await.unwrap();
            let get = || async {
                call(&server, "books_get", &json!({"id": 1, "fields": ["title"]})).await
            };
            for _ in 0..calls_before {
                assert_eq!(get().await.unwrap()["row"]["title"], "100%");
            }
            astray.store(true, Relaxed);
            assert_eq!(get().await.unwrap_err().code, "not_found");
        }
    });
}

#[test]
fn a_get_is_planned_once() {
    let database = Database::new(SCHEMA);
    block_on(async {
        let proxy = Proxy::start(cluster(), |_| {});
        let dsn = proxy.dsn(&database.name, "reader");
        let server = server(&library(), postgres(), Some(&dsn));
        for (id, title) in [(1, "100%"), (2, "a_b"), (1, "100%"), (3, "back\\slash")] {
            let row = call(&server, "books_get", &json!({"id": id})).await;
            assert_eq!(row.unwrap()["row"]["title"], title);
        }
        let reads = statements(&proxy.take()).into_iter();
        let reads = reads.filter(|(text, _)| text.contains("\"books\""));
        let (texts, names): (Vec<_>, Vec<_>) = reads.unzip();
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        // Once by its text; from the second time on by one name.
        let [first, second, third, fourth] = names.as_slice() else {
            panic!("{names:?}");
        };
        assert!(first.is_empty() && !second.is_empty(), "{names:?}");
        assert!(second == third && third == fourth, "{names:?}");
    });
}

/// What a kept plan stands on may change.
#[test]
fn a_kept_get_notices_what_was_altered() {
    let (server, database) = served();
    block_on(async {
        for (change, title) in [
            ("SELECT", Ok("100%")),
            ("SELECT", Ok("100%")),
            (
                "ALTER TABLE lib.books ALTER title TYPE varchar(400)",
                Ok("100%"),
            ),
            ("ALTER TABLE lib.books DROP title", Err("schema_drift")),
            (
                "ALTER TABLE lib.books ADD title text DEFAULT 'new'",
                Ok("new"),
            ),
        ] {
            let changed = cluster().run_sql(&database.name, SUPERUSER, change);
            changed.await.unwrap();
            let row = call(&server, "books_get", &json!({"id": 1})).await;
            let told = row
                .as_ref()
                .map(|row| row["row"]["title"].as_str().unwrap());
            assert_eq!(told.map_err(|error| error.code), title, "{change}");
        }
    });
}

#[test]
fn no_more_than_a_hundred_statements_are_kept() {
    let database = Database::new(SCHEMA);
    let actions = telling(&database, KEPT);
    let mut spec = postgres();
    spec["connections"] = json!(1);
    let server = server(&actions, spec, Some(&database.dsn("reader")));
    let columns = ["id", "title", "price", "mood", "tags", "sold", "created"];
    block_on(async {
        // Each choice of columns is a statement of its own.
        for choice in 1..1 << columns.len() {
            let chosen = columns.iter().enumerate();
            let chosen = chosen.filter(|(index, _)| choice >> index & 1 == 1);
            let fields: Vec<&str> = chosen.map(|(_, column)| *column).collect();
            for _ in 0..2 {
                let args = json!({"id": 1, "fields": fields});
                call(&server, "books_get", &args).await.unwrap();
            }
        }
        let kept = call(&server, "books_list", &json!({})).await.unwrap();
        let kept: usize = kept["rows"][0]["title"].as_str().unwrap().parse().unwrap();
        assert!((90..=100).contains(&kept), "{kept}");
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
        let read = statements(&proxy.take());
        assert!(
            read.iter().all(|(text, _)| !text.contains("lib")),
            "{read:?}"
        );
    });
}

#[test]
fn settings_end_with_the_call() {
    let database = Database::new(SCHEMA);
    // A view that tells what holds inside, and what a call leaves.
    let settings = [
        "search_path",
        "transaction_read_only",
        "timezone",
        "row_security",
        "statement_timeout",
    ];
    let settings = settings.map(|name| format!("current_setting('{name}')"));
    let mut actions = telling(&database, &settings.join(" || '|' || "));
    actions["books_list"]["sql"]["statement_timeout_ms"] = json!(1234);
    let server = server(&actions, postgres(), Some(&database.dsn("reader")));
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
