//! What is read of the catalogue of a live database, hostile ones among them.

use std::time::Instant;

use mcpgen::cluster::SUPERUSER;
use mcpgen::diag::Diagnostics;
use mcpgen::input::postgres::snapshot::{Relation, TypeKind};
use mcpgen::input::postgres::{self, Snapshot};
use serde_json::json;

use super::shown;
use crate::support::golden;
use crate::support::postgres::{Database, introspected};

/// The snapshot as a superuser sees it.
#[track_caller]
fn seen(database: &Database) -> Snapshot {
    introspected(&database.dsn(SUPERUSER), &[]).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn relation<'s>(snapshot: &'s Snapshot, name: &str) -> &'s Relation {
    let mut all = snapshot.relations.iter();
    all.find(|relation| relation.name == name)
        .unwrap_or_else(|| panic!("no relation {name}"))
}

/// What a Catalog has of a snapshot, without what differs from machine to machine.
fn offered(snapshot: &Snapshot) -> String {
    let mut diags = Diagnostics::default();
    let mut catalog = postgres::read(snapshot, Some("db"), &mut diags);
    (catalog.title, catalog.version) = ("db".to_owned(), "any".to_owned());
    shown(&catalog, &diags)
}

/// A snapshot is a file that is read again as it was.
#[test]
fn a_snapshot_is_the_same_twice() {
    let database = Database::new(include_str!("types.sql"));
    let snapshot = seen(&database);
    let read: Snapshot = serde_json::from_str(&snapshot.text()).unwrap();
    assert_eq!(read, snapshot);
    assert_eq!(seen(&database).text(), snapshot.text());
}

/// Types in types, operators of extensions, and what is not known.
#[test]
fn types() {
    let database = Database::new(include_str!("types.sql"));
    let snapshot = seen(&database);
    golden("postgres/types.txt", &offered(&snapshot));
    assert_eq!(super::mutated::holds(&snapshot), 3);
}

#[test]
fn hostile_names_stay_names() {
    let database = Database::new(include_str!("hostile.sql"));
    let snapshot = seen(&database);
    let there: Vec<&str> = snapshot.relations.iter().map(|r| r.name.as_str()).collect();
    assert!(there.contains(&"x\"; drop table y; --"), "{there:?}");
    assert!(there.contains(&"y"), "{there:?}");
    golden("postgres/hostile.txt", &offered(&snapshot));
    assert_eq!(super::mutated::holds(&snapshot), 9);
    let labels = snapshot.types.values().find_map(|found| match &found.kind {
        TypeKind::Enum { labels } => Some(labels.clone()),
        _ => None,
    });
    assert_eq!(
        labels.unwrap(),
        ["it's", "\"double\"", "back\\slash", "{brace},", ""]
    );
}

/// What a role may do, beyond reading, is seen.
#[test]
fn roles() {
    let database = Database::new(
        r"
        CREATE ROLE roles_owner;
        CREATE ROLE roles_reader LOGIN;
        CREATE ROLE roles_column_writer LOGIN;
        CREATE ROLE roles_creator LOGIN;
        CREATE ROLE roles_bypass LOGIN BYPASSRLS;
        CREATE ROLE roles_member LOGIN IN ROLE roles_owner, pg_read_server_files;
        CREATE ROLE roles_none LOGIN;
        CREATE SCHEMA app AUTHORIZATION roles_owner;
        CREATE TABLE app.t (id int PRIMARY KEY, secret text, open text);
        ALTER TABLE app.t OWNER TO roles_owner;
        GRANT USAGE ON SCHEMA app TO roles_reader, roles_column_writer, roles_creator, roles_bypass;
        GRANT SELECT (id, open) ON app.t TO roles_reader;
        GRANT SELECT, UPDATE (open) ON app.t TO roles_column_writer;
        GRANT CREATE ON SCHEMA app TO roles_creator;
        ",
    );
    let mut text = String::new();
    for role in [
        "roles_reader",
        "roles_column_writer",
        "roles_creator",
        "roles_bypass",
        "roles_member",
        SUPERUSER,
    ] {
        let snapshot = introspected(&database.dsn(role), &["app"]).unwrap();
        let table = relation(&snapshot, "t");
        let columns = table.columns.iter().filter(|column| column.readable);
        let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        let (owned, writable) = (table.owned, table.writable);
        let about = serde_json::to_string(&snapshot.role).unwrap();
        text += &format!("{about}\n  reads {columns:?}, owns {owned}, writes {writable}\n");
    }
    golden("postgres/roles.txt", &text);
    // Who may use no schema at all is told what would let them.
    database.run("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    let refused = introspected(&database.dsn("roles_none"), &[]).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("the role may use no schema here"), "{said}");
    assert!(
        said.contains("GRANT USAGE ON SCHEMA \"app\" TO …;"),
        "{said}"
    );
}

#[test]
fn schemas_are_there_and_may_be_used() {
    let database = Database::new(
        "CREATE SCHEMA shop; CREATE SCHEMA closed; CREATE ROLE schemas_reader LOGIN;
         CREATE EXTENSION pg_stat_statements SCHEMA shop;
         GRANT USAGE ON SCHEMA shop TO schemas_reader; CREATE TABLE shop.a (b int);
         CREATE TABLE closed.c (d int);",
    );
    let dsn = database.dsn("schemas_reader");
    let said = |schemas: &[&str]| match introspected(&dsn, schemas) {
        Ok(snapshot) => {
            let relations = snapshot.relations.iter().map(|r| r.name.clone());
            format!("{:?} {:?}", snapshot.schemas, relations.collect::<Vec<_>>())
        }
        Err(error) => error.to_string().replace(&database.name, "db"),
    };
    // What is part of an extension is not offered.
    assert_eq!(said(&[]), r#"["public", "shop"] ["a"]"#);
    assert_eq!(said(&["shop", "shop"]), r#"["shop"] ["a"]"#);
    assert!(said(&["shpo"]).ends_with("has no schema `shpo`; did you mean `shop`?"));
    let closed = said(&["closed"]);
    assert!(
        closed.contains("the role may not use the schema `closed`"),
        "{closed}"
    );
    assert!(
        closed.contains("GRANT USAGE ON SCHEMA \"closed\" TO …;"),
        "{closed}"
    );
}

/// A view whose function is gone is read as any other; a call of it is what fails.
#[test]
fn a_view_on_a_dropped_function() {
    let database = Database::new(
        "CREATE FUNCTION inner_one() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION outer_one() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN public.inner_one(); END';
         CREATE VIEW v AS SELECT public.outer_one() AS n;
         DROP FUNCTION inner_one();",
    );
    let snapshot = seen(&database);
    assert_eq!(relation(&snapshot, "v").columns.len(), 1);
    assert!(offered(&snapshot).contains("find public.v = v_find"));
}

/// Keys of partitioned tables are told once, and partitions have a parent.
#[test]
fn partitions() {
    let database = Database::new(
        "CREATE TABLE p (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
         CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (id);
         CREATE TABLE p_2_1 PARTITION OF p_2 DEFAULT;
         CREATE TABLE child (id int PRIMARY KEY, p_id int, day date, FOREIGN KEY (p_id, day) REFERENCES p);
         CREATE TABLE q (id int REFERENCES child, n int) PARTITION BY LIST (n);
         CREATE TABLE q_1 PARTITION OF q DEFAULT;
         INSERT INTO p VALUES (1, '2026-01-05'), (2, '2026-02-05'), (3, '2026-02-06');
         ANALYZE p_1, p_2_1;",
    );
    let snapshot = seen(&database);
    let parent = |name| relation(&snapshot, name).partition_of.clone();
    let of = |name: &str| Some(("public".to_owned(), name.to_owned()));
    assert_eq!(parent("p"), None);
    assert_eq!(
        (parent("p_1"), parent("p_2"), parent("p_2_1")),
        (of("p"), of("p"), of("p_2"))
    );
    assert_eq!(relation(&snapshot, "child").foreign_keys.len(), 1);
    assert_eq!(relation(&snapshot, "q").foreign_keys.len(), 1);
    // What the planner knows of a partitioned table is what it knows of its parts.
    assert_eq!(relation(&snapshot, "p").estimate, Some(3));
    let text = offered(&snapshot);
    let offered = text
        .lines()
        .filter(|line| line.starts_with("find "))
        .count();
    assert_eq!(offered, 3, "{text}");
}

/// Nothing is read of any table, and nothing stays behind.
#[test]
fn it_only_looks() {
    let database = Database::new(
        "CREATE TABLE t (id int);
         CREATE FUNCTION bang() RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''ran''; END';
         CREATE VIEW v AS SELECT public.bang() AS n;
         CREATE TABLE d (id int DEFAULT public.bang());
         CREATE FUNCTION public.starts_with(text, text) RETURNS bool LANGUAGE sql AS 'SELECT 1/0 = 1';
         CREATE FUNCTION public.has_schema_privilege(oid, text) RETURNS bool LANGUAGE sql AS 'SELECT 1/0 = 1';
         CREATE TABLE public.pg_class (oid oid);",
    );
    let set = format!(
        "ALTER DATABASE {} SET search_path = public, pg_catalog",
        database.name
    );
    database.run(&set);
    let snapshot = seen(&database);
    assert_eq!(
        relation(&snapshot, "d").columns[0].default.as_deref(),
        Some("public.bang()")
    );
}

/// A snapshot may come from anywhere: types that lead back to themselves, or to very many, end.
#[test]
fn types_without_an_end() {
    let mut types = serde_json::Map::new();
    let mut add = |name: &str, kind: serde_json::Value| {
        let made = json!({"schema": "s", "name": name, "kind": kind, "category": "U"});
        types.insert(format!("s.{name}"), made);
    };
    let itself = |kind: &str, key: &str, name: &str| json!({kind: {key: format!("s.{name}")}});
    add(
        "domain",
        json!({"domain": {"base": "s.domain", "not_null": false}}),
    );
    add("array", itself("array", "element", "array"));
    add("range", itself("range", "subtype", "range"));
    add("multi", itself("multirange", "range", "multi"));
    let many: serde_json::Map<_, _> = (0..1_000)
        .map(|n| (format!("a{n}"), json!("s.row")))
        .collect();
    add("row", json!({"composite": {"attributes": many}}));
    let names = ["domain", "array", "range", "multi", "row", "missing"];
    let columns =
        names.map(|name| json!({"name": name, "type": format!("s.{name}"), "declared": name}));
    let snapshot = json!({
        "mcpgen_snapshot": 1, "server_version": 150_000, "database": "d", "role": {"name": "r"},
        "schemas": ["s"], "types": types, "functions": [],
        "relations": [{"schema": "s", "name": "t", "kind": "table", "columns": columns}],
    });
    let snapshot: Snapshot = serde_json::from_value(snapshot).unwrap();
    let text = offered(&snapshot);
    assert!(text.len() < 200_000, "{} bytes", text.len());
    for name in names {
        assert!(text.contains(&format!("\"{name}\" {name} = ")), "{name}");
    }
}

/// Prints what a large database takes; the figure that counts is that of a release build.
#[test]
fn two_thousand_tables() {
    let (tables, columns) = (2_000, 15);
    let database = Database::new(&format!(
        "DO $$
         BEGIN
           FOR t IN 1..{tables} LOOP
             EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, %s)', t,
               (SELECT string_agg(format('c%s %s', c, (ARRAY['text','int','numeric','timestamptz','text[]'])[1 + c % 5]), ', ')
                FROM generate_series(2, {columns}) AS c));
             IF t % 100 = 0 THEN COMMIT; END IF;
           END LOOP;
         END $$;"
    ));
    let began = Instant::now();
    let snapshot = seen(&database);
    let looked = began.elapsed();
    assert_eq!(snapshot.relations.len(), tables);
    assert!(
        snapshot
            .relations
            .iter()
            .all(|relation| relation.columns.len() == columns)
    );
    let began = Instant::now();
    let catalog = postgres::read(&snapshot, None, &mut Diagnostics::default());
    assert_eq!(catalog.capabilities.len(), 2 * tables);
    println!(
        "{tables} tables: introspected in {looked:?}, read in {:?}",
        began.elapsed()
    );
}
