//! A small library with hand-made actions: what the runtime alone decides, whatever is compiled.

use std::collections::BTreeMap;

use mcpgen::runtime::args::Args;
use mcpgen::runtime::backend::{Content, Outcome};
use mcpgen::runtime::backends;
use mcpgen::runtime::config::{Config, Secret, SourceConfig};
use mcpgen::runtime::error::CallError;
use mcpgen::runtime::manifest::Manifest;
use mcpgen::runtime::server::Server;
use serde_json::{Map, Value, json};

use crate::support::postgres::{Database, KEY};

pub(super) const SCHEMA: &str = r#"
CREATE SCHEMA lib;
CREATE EXTENSION citext SCHEMA lib;
CREATE TYPE lib.mood AS ENUM ('sad', 'ok', 'it''s "fine"');
CREATE TABLE lib.authors (
  id int PRIMARY KEY, name text NOT NULL, ssn text, hidden boolean NOT NULL DEFAULT false, bio text);
CREATE TABLE lib.books (
  id bigint PRIMARY KEY, title text NOT NULL, author_id int REFERENCES lib.authors, price numeric,
  mood lib.mood, tags text[], sold daterange, created timestamptz, tenant int NOT NULL DEFAULT 1,
  email text, body text, doc jsonb, handle lib.citext, words tsvector, "odd ""name"" 💥" text);
INSERT INTO lib.authors VALUES
  (1, 'Ada', '123-45-6789', false, 'x'), (2, 'Bob', 'short', false, repeat('y', 5000)), (3, 'Eve', NULL, true, NULL);
INSERT INTO lib.books (id, title, author_id, price, mood, tags, sold, created, tenant, email, body, doc, handle, words, "odd ""name"" 💥")
VALUES
  (1, '100%', 1, 9.50, 'ok', '{a,b}', '[2024-01-01,2024-02-01)', '2024-01-01 10:00+02', 1, 'ada@example.org', 'short', '{"a": 1}', 'Ada', 'cat dog', 'x'),
  (2, 'a_b', 2, NULL, 'sad', '{}', 'empty', NULL, 1, 'bob', repeat('z', 5000), NULL, 'BOB', 'cat', NULL),
  (3, 'back\slash', 3, 'NaN', NULL, NULL, NULL, 'infinity', 1, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, 'other tenant', 1, 1, 'ok', '{a}', '[2024-01-01,)', '2020-01-01', 2, 'a@b@c', 'secret', '{}', 'x', 'dog', NULL),
  (9007199254740993, 'large', 2, 123456789012345678901234567890.5, 'it''s "fine"', '{"x y",null}', '(,2020-01-01)', '-infinity', 1, 'é@example.org', repeat('é', 3000), jsonb_build_array(repeat('j', 5000)), NULL, NULL, NULL);
DO $$ BEGIN
  CREATE ROLE reader LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT USAGE ON SCHEMA lib TO reader;
GRANT SELECT ON lib.authors, lib.books TO reader;
"#;

/// A type of PostgreSQL's own.
pub(super) fn of(name: &str) -> Value {
    json!({"name": name})
}

/// A type with a form.
#[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
pub(super) fn form(name: &str, form: Value) -> Value {
    json!({"name": name, "form": form})
}

#[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
fn column(r#type: Value, filter: &[&str], sort: bool) -> Value {
    json!({"type": r#type, "nullable": true, "filter": filter, "sort": sort})
}

const ORDERED: &[&str] = &["eq", "ne", "in", "lt", "lte", "gt", "gte", "is_null"];
const TEXT: &[&str] = &["eq", "in", "starts_with", "contains", "is_null"];

/// The columns of books, as callers see them.
fn books() -> Value {
    let mood = json!({"schema": "lib", "name": "mood"});
    let citext = json!({"schema": "lib", "name": "citext", "operators": "lib", "form": "text"});
    let mut id = column(form("int8", json!("string")), ORDERED, true);
    id["nullable"] = json!(false);
    let mut email = column(form("text", json!("text")), &[], false);
    email["mask"] = json!("partial");
    let mut odd = column(form("text", json!("text")), TEXT, true);
    odd["column"] = json!("odd \"name\" 💥");
    json!({
        "schema": "lib",
        "name": "books",
        "columns": {
            "id": id,
            "title": column(form("text", json!("text")), TEXT, true),
            "price": column(form("numeric", json!("string")), ORDERED, true),
            "mood": column(mood, &["eq", "in"], true),
            "tags": column(form("_text", json!({"list": "text"})), &["has", "has_any"], false),
            "sold": column(form("daterange", json!({"range": "json"})), &["contains_element", "overlaps"], false),
            "created": column(of("timestamptz"), ORDERED, true),
            "email": email,
            "body": column(form("text", json!("text")), &[], false),
            "doc": column(of("jsonb"), &["is_null"], false),
            "handle": column(citext, TEXT, true),
            "words": column(form("tsvector", json!("string")), &["matches"], false),
            "odd": odd,
        },
        "rows": [
            {"compare": {"column": "tenant", "type": {"name": "int4"}, "by": "eq", "to": {"const": 1}}},
        ],
    })
}

fn authors() -> Value {
    let mut ssn = column(form("text", json!("text")), &["eq", "gte"], true);
    ssn["mask"] = json!("last4");
    json!({
        "schema": "lib",
        "name": "authors",
        "columns": {
            "id": column(of("int4"), ORDERED, true),
            "name": column(form("text", json!("text")), TEXT, true),
            "ssn": ssn,
            "bio": column(form("text", json!("text")), &[], false),
        },
        "rows": [
            {"not": {"compare": {"column": "hidden", "type": {"name": "bool"}, "by": "eq", "to": {"const": true}}}},
            {"compare": {"column": "name", "type": {"name": "text"}, "by": "ne", "to": {"env": "BANNED"}}},
        ],
    })
}

/// An action with what each has.
#[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
fn action(read: Value, relation: Value, include: Value) -> Value {
    json!({"sql": {
        "read": read, "relation": relation, "include": include,
        "cell_bytes": 1000, "result_bytes": 20_000,
    }})
}

#[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
fn find(key: Value) -> Value {
    json!({"find": {"key": key, "any": "any", "rows": 3, "max_rows": 10}})
}

/// The actions of the library, by tool.
pub(super) fn library() -> Map<String, Value> {
    let author =
        json!({"author": {"relation": authors(), "on": [{"own": "author_id", "other": "id"}]}});
    let of_author = json!({"books": {
        "relation": books(), "on": [{"own": "id", "other": "author_id"}],
        "many": {"max_rows": 1, "key": ["id"]},
    }});
    let id = |name: &str| json!([{"column": "id", "type": {"name": name}}]);
    let mut no_key = books();
    no_key["rows"] = json!([]);
    let tools = json!({
        "books_find": action(find(id("int8")), books(), author.clone()),
        "books_get": action(json!({"get": {"keys": [["id"]]}}), books(), author),
        "books_list": action(find(json!([])), no_key, json!({})),
        "authors_find": action(find(id("int4")), authors(), of_author.clone()),
        "authors_get": action(json!({"get": {"keys": [["id"], ["name", "ssn"]]}}), authors(), of_author),
    });
    tools.as_object().unwrap().clone()
}

/// A Manifest of these actions over one database.
#[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
pub(super) fn manifest(actions: &Map<String, Value>, postgres: Value) -> Manifest {
    let tools = actions.iter().map(|(name, action)| {
        json!({
            "name": name, "description": name, "source": "db", "effect": "read", "idempotent": true,
            "input_schema": {"type": "object"}, "action": action,
        })
    });
    let manifest = json!({
        "version": 1,
        "server": {"name": "library", "version": "1"},
        "sources": {"db": {"timeout_ms": 20_000, "max_response_bytes": 1_000_000, "postgres": postgres}},
        "tools": tools.collect::<Vec<_>>(),
    });
    serde_json::from_value(manifest).unwrap()
}

/// How the database is used.
pub(super) fn postgres() -> Value {
    json!({"dsn": "LIBRARY_URL", "statement_timeout_ms": 10_000, "connections": 4})
}

/// What the environment gives.
pub(super) fn config(dsn: Option<&str>) -> Config {
    let source = SourceConfig {
        dsn: dsn.map(Secret::new),
        ..SourceConfig::default()
    };
    Config {
        sources: BTreeMap::from([("db".to_owned(), source)]),
        variables: BTreeMap::from([("BANNED".to_owned(), Secret::new("canary-banned"))]),
        seal_key: Some(Secret::new(KEY)),
        ..Config::default()
    }
}

/// A server of actions.
#[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
pub(super) fn server(actions: &Map<String, Value>, postgres: Value, dsn: Option<&str>) -> Server {
    let manifest = manifest(actions, postgres);
    let config = config(dsn);
    let backends = backends::open(&manifest, &config).unwrap();
    Server::new(&manifest, backends, &config)
}

/// The library with `books_list` for a tool that tells, as `title`, what an expression is within its statement.
pub(super) fn telling(database: &Database, expression: &str) -> Map<String, Value> {
    database.run(&format!(
        "CREATE VIEW lib.inside AS SELECT 1 AS id, ({expression})::text AS title; \
         GRANT SELECT ON lib.inside TO reader;"
    ));
    let mut actions = library();
    let action = &mut actions["books_list"]["sql"];
    action["relation"]["name"] = json!("inside");
    action["relation"]["columns"] = json!({"title": {"type": {"name": "text"}}});
    actions
}

/// How many statements a connection has under a name.
pub(super) const KEPT: &str = "SELECT count(*) FROM pg_prepared_statements";

/// The library, with its database.
pub(super) fn served() -> (Server, Database) {
    let database = Database::new(SCHEMA);
    let server = server(&library(), postgres(), Some(&database.dsn("reader")));
    (server, database)
}

pub(super) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Calls a tool: its outcome.
pub(super) async fn outcome(
    server: &Server,
    tool: &str,
    args: &Value,
) -> Result<Outcome, CallError> {
    let called: Result<(Outcome, Args), CallError> = server.call(tool, object(args)).await.unwrap();
    called.map(|(outcome, _)| outcome)
}

/// Calls a tool: its result.
pub(super) async fn call(server: &Server, tool: &str, args: &Value) -> Result<Value, CallError> {
    match outcome(server, tool, args).await?.content {
        Content::Json(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}
