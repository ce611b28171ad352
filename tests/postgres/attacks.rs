//! Statements that break out of what only looks read-only (`attacks.json` beside the documents), from the
//! attacker's side, against the database that they were measured on: as the value of every argument of every
//! tool, and, put in the place of a tool's own statement on the wire, against the envelope alone.
//!
//! What is judged is the whole database, as a superuser sees it, before and after.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mcpgen::cluster::SUPERUSER;
use serde_json::{Map, Value, json};
use tokio_postgres::Client;

use super::proxy::Proxy;
use crate::support::postgres::{Database, Serving, block_on, cluster, introspected};
use crate::support::root;

/// Raw statements that have an effect for a role that may only select, within a transaction that only reads
/// and is rolled back: no envelope holds them, which is why no tool takes SQL.
///
/// `S8` ends the transaction by preparing it; `F21` reads a foreign table whose other side writes; `F9` and
/// `P5` leave something to the next user of the connection: a lock, a prepared statement.
const RESIDUAL: [&str; 4] = ["F21", "F9", "P5", "S8"];

/// Fails, by a division by zero, if a statement was prepared on the connection by SQL.
const PROBE: &str = "SELECT (1 / (1 - (SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE from_sql)))::text";

/// The folder with the statements, if it is there.
fn folder() -> Option<PathBuf> {
    let beside = match std::env::var_os("MCPGEN_CORPUS") {
        Some(specs) => PathBuf::from(specs).join("../sql"),
        None => root().join("../shared/sql"),
    };
    beside.is_dir().then_some(beside)
}

/// The statements, by id, and a database that they mean.
fn attacked() -> Option<(Vec<(String, String)>, Database)> {
    let folder = folder()?;
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let roles = text("attack_roles.sql").replace("CREATE ROLE", "\nCREATE ROLE");
    // Roles are the cluster's: another test may have made them.
    let statements = roles.split(';').filter(|text| !text.trim().is_empty());
    let once = statements.map(|text| {
        format!(
            "DO $do$ BEGIN {text}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $do$;"
        )
    });
    let roles = once.collect::<Vec<_>>().join("\n");
    let database = Database::new(&roles);
    let host = cluster().folder().display().to_string();
    let filled = |text: &str| {
        text.replace("$PGHOST", &host)
            .replace("$PGPORT", "5432")
            .replace("$PGDATABASE", &database.name)
    };
    let fixture = text("attack_fixture.sql")
        .replace("'PGHOST'", &format!("'{host}'"))
        .replace("'PGPORT'", "'5432'")
        .replace("'DBNAME'", &format!("'{}'", database.name));
    database.run(&fixture);
    let all: Vec<Value> = serde_json::from_str(&text("attacks.json")).unwrap();
    let statements = all.iter().flat_map(|attack| {
        let id = attack["id"].as_str().unwrap().to_owned();
        let sql = attack["sql"].as_array().unwrap().iter();
        sql.map(move |text| (id.clone(), text.as_str().unwrap().to_owned()))
    });
    let statements = statements.map(|(id, text)| (id, filled(&text))).collect();
    Some((statements, database))
}

/// Statements end soon: some of the attacks wait.
fn hurried() -> Serving {
    Serving {
        statement_timeout_ms: 400,
        ..Serving::default()
    }
}

/// A look at everything that an attack could have changed.
struct Watch {
    client: Client,
    database: String,
}

impl Watch {
    async fn new(database: &Database) -> Self {
        let config: tokio_postgres::Config = database.dsn(SUPERUSER).parse().unwrap();
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let database = database.name.clone();
        Self { client, database }
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        let rows = self.client.query_typed(query, &[]).await;
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let text = |row: &tokio_postgres::Row| row.get::<_, Option<String>>(0).unwrap_or_default();
        rows.iter().map(text).collect()
    }

    /// Rows, sequences, large objects, roles, settings, slots, prepared transactions, definitions, locks that
    /// stay, and files.
    async fn state(&self) -> Vec<String> {
        let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                      WHERE schemaname !~ '^(pg_|information_schema)' ORDER BY 1";
        let mut state = Vec::new();
        for table in self.texts(tables).await {
            let rows = format!("SELECT t::text FROM {table} AS t ORDER BY 1");
            state.push(format!("{table}: {}", self.texts(&rows).await.join("\n")));
        }
        for query in [
            "SELECT format('%s %s %s', schemaname, sequencename, last_value) FROM pg_sequences ORDER BY 1",
            "SELECT oid::text FROM pg_largeobject_metadata ORDER BY 1",
            // Those of other tests come and go.
            "SELECT r::text FROM pg_roles AS r WHERE rolname !~ '^(reader|(connect|library|mcpgen|p|roles|schemas)_|x@)' ORDER BY 1",
            "SELECT s::text FROM pg_db_role_setting AS s LEFT JOIN pg_roles AS r ON r.oid = s.setrole \
             WHERE r.rolname IS NULL OR r.rolname !~ '^(reader|(connect|library|mcpgen|p|roles|schemas)_|x@)' ORDER BY 1",
            "SELECT slot_name::text FROM pg_replication_slots ORDER BY 1",
            "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1",
            "SELECT oid::text || relname FROM pg_class WHERE relnamespace = 'app'::regnamespace ORDER BY 1",
            "SELECT oid::text || proname FROM pg_proc WHERE pronamespace = 'app'::regnamespace ORDER BY 1",
            "SELECT relfilenode::text FROM pg_class WHERE relnamespace = 'app'::regnamespace ORDER BY 1",
            "SELECT name || setting FROM pg_file_settings ORDER BY 1",
        ] {
            state.push(self.texts(query).await.join("\n"));
        }
        let locks = "SELECT l.locktype FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) \
                     WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.state = 'idle'";
        state.push(self.texts(locks).await.join("\n"));
        for name in ["out.txt", "lo.txt"] {
            let there = cluster().folder().join(name).exists();
            state.push(format!("{name} {there}"));
        }
        state
    }

    /// Takes back what is left: prepared transactions, and connections with what is prepared or locked on them.
    async fn mend(&self) {
        let end = "SELECT count(pg_terminate_backend(pid, 5000))::text FROM pg_stat_activity \
                   WHERE datname = current_database() AND usename = 'agent_ro'";
        self.texts(end).await;
        let left = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()";
        for gid in self.texts(left).await {
            let end = format!("ROLLBACK PREPARED '{gid}'");
            self.client.execute_typed(&end, &[]).await.unwrap();
        }
    }
}

/// The arguments of a tool with a text in the place of each of them, and of each part of a filter.
fn with(tool: &mcpgen::runtime::manifest::ToolSpec, text: &str) -> Vec<Map<String, Value>> {
    let mut all: Vec<Value> = vec![
        json!({text: text}),
        json!({"where": text}),
        json!({"dsn": text}),
    ];
    let schema = json!(tool.input_schema);
    for (name, _) in tool.arguments() {
        match name.as_str() {
            "filter" => {
                all.push(json!({"filter": text}));
                all.push(json!({"filter": {text: {"eq": 1}}}));
                let columns = &schema["properties"]["filter"]["properties"];
                for (column, compared) in columns.as_object().into_iter().flatten() {
                    if column == "any" {
                        all.push(json!({"filter": {"any": [{text: {"eq": text}}]}}));
                        continue;
                    }
                    let reference = compared["$ref"].as_str().unwrap_or_default();
                    let compared = match reference.strip_prefix('#') {
                        Some(pointer) => schema.pointer(pointer).unwrap(),
                        None => compared,
                    };
                    all.push(json!({"filter": {column: {text: text}}}));
                    for by in compared["properties"].as_object().unwrap().keys() {
                        let one = json!({"filter": {column: {by: text}}});
                        let list = json!({"filter": {column: {by: [text]}}});
                        let any = json!({"filter": {"any": [{column: {by: text}}]}});
                        all.extend([one, list, any]);
                    }
                }
            }
            "sort" | "fields" | "include" => {
                all.extend([json!({name: text}), json!({name: [text]})]);
                all.push(json!({name: [format!("-{text}")]}));
            }
            _ => all.push(json!({name: text})),
        }
    }
    let objects = all
        .into_iter()
        .map(|value| value.as_object().unwrap().clone());
    objects.collect()
}

#[test]
fn statements_as_the_values_of_arguments_stay_values() {
    let Some((statements, database)) = attacked() else {
        return;
    };
    let dsn = database.dsn("agent_ro");
    let (manifest, server) = hurried().introspected(&dsn, &["app"]);
    assert!(manifest.tools.len() >= 8, "{}", manifest.tools.len());
    block_on(async {
        let watch = Watch::new(&database).await;
        let before = watch.state().await;
        let (mut calls, mut answered) = (0, 0);
        for (_, text) in &statements {
            for tool in &manifest.tools {
                for args in with(tool, text) {
                    calls += 1;
                    let called = server.call(&tool.name, args.clone()).await.unwrap();
                    match called {
                        Ok(_) => answered += 1,
                        // Nothing of the statement comes back as the database's own words.
                        Err(error) => assert!(
                            !error.text().contains("syntax error"),
                            "{} {args:?}: {}",
                            tool.name,
                            error.text()
                        ),
                    }
                }
            }
            assert_eq!(watch.state().await, before, "{text}");
        }
        println!("{calls} calls, {answered} answered, nothing changed");
        assert!(answered > 1_000, "{answered} of {calls}");
    });
}

#[test]
fn raw_statements_in_the_envelope() {
    let Some((statements, database)) = attacked() else {
        return;
    };
    let snapshot = introspected(&database.dsn("agent_ro"), &["app"]).unwrap();
    block_on(async {
        let watch = Watch::new(&database).await;
        let attack: Arc<Mutex<Option<String>>> = Arc::default();
        let put = Arc::clone(&attack);
        // The tool's own statement, alone of all that is parsed, reads the relation.
        let proxy = Proxy::start(cluster(), move |message| {
            let text = String::from_utf8_lossy(&message.1);
            if message.0 == 'P'
                && text.contains("\"app\".\"customers\"")
                && let Some(sql) = put.lock().unwrap().clone()
            {
                message.1 = [&[0], sql.as_bytes(), &[0, 0, 0]].concat();
            }
        });
        let through = proxy.dsn(&database.name, "agent_ro");
        let (_, server) = hurried().of(&snapshot, &through);
        let mut effects = BTreeSet::new();
        for (id, sql) in &statements {
            let before = watch.state().await;
            *attack.lock().unwrap() = Some(sql.clone());
            let called = server.call("customers_find", Map::new()).await.unwrap();
            *attack.lock().unwrap() = None;
            if let Err(error) = called {
                let text = error.text();
                assert!(
                    !text.contains("TOPSECRET") && !text.contains("123-45-"),
                    "{id}: {text}"
                );
            }
            *attack.lock().unwrap() = Some(PROBE.to_owned());
            let probe = server.call("customers_find", Map::new()).await.unwrap();
            *attack.lock().unwrap() = None;
            let prepared = probe.is_err_and(|error| error.code == "database_error");
            // The next call is as any other, whatever the one before it left behind.
            let next = server.call("customers_find", Map::new()).await.unwrap();
            assert!(next.is_ok(), "{id}: {:?}", next.err());
            if prepared || watch.state().await != before {
                effects.insert(id.as_str());
                watch.mend().await;
            }
        }
        let effects: Vec<&str> = effects.into_iter().collect();
        assert_eq!(effects, RESIDUAL, "in {}", watch.database);
    });
}
