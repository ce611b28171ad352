//! What there is to attack at all: no argument is SQL or chooses a database, and only who is meant gets to the
//! endpoint. A test is named after its row of the threat table, as in `threats`.

use mcpgen::runtime::manifest::Manifest;
use serde_json::{Map, Value, json};

use super::made::{library as made, object, postgres, served, server};
use super::threats::{compiled, refused, rows};
use crate::support::postgres::library;
use crate::support::{HttpServer, root, run};

/// The names of all arguments, and of all within them, of everything that is served.
fn names(manifest: &Manifest) -> Vec<String> {
    fn walk(schema: &Value, names: &mut Vec<String>) {
        match schema {
            Value::Object(object) => {
                for (key, value) in object {
                    if key == "properties" {
                        names.extend(value.as_object().into_iter().flat_map(Map::keys).cloned());
                    }
                    walk(value, names);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, names)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for tool in &manifest.tools {
        walk(&json!(tool.input_schema), &mut found);
    }
    found
}

#[test]
fn t26_no_argument_is_sql() {
    let (manifest, compiled) = compiled();
    let names = names(&manifest);
    assert!(
        names.iter().any(|name| name == "filter") && names.len() > 100,
        "{names:?}"
    );
    for name in [
        "where",
        "sql",
        "query",
        "statement",
        "expression",
        "order_by",
        "having",
        "raw",
    ] {
        assert!(!names.iter().any(|other| other == name), "{name}");
        for tool in &manifest.tools {
            let args = json!({name: "1 = 1"});
            assert_eq!(
                refused(&compiled, &tool.name, &args),
                "invalid_arguments",
                "{}",
                tool.name
            );
        }
    }
    // With a schema that takes anything, it still means nothing.
    let (server, _database) = served();
    let found = rows(
        &server,
        "books_find",
        &json!({"where": "1 = 0", "sql": "SELECT 1"}),
    );
    assert_eq!(found.len(), 3);
}

#[test]
fn t27_no_argument_chooses_a_database() {
    let (manifest, compiled) = compiled();
    let names = names(&manifest);
    for name in [
        "dsn",
        "database",
        "connection",
        "connection_string",
        "host",
        "role",
        "schema",
        "table",
        "search_path",
    ] {
        assert!(!names.iter().any(|other| other == name), "{name}");
        let args = json!({name: "postgres://evil.example/x"});
        for tool in &manifest.tools {
            assert_eq!(
                refused(&compiled, &tool.name, &args),
                "invalid_arguments",
                "{}",
                tool.name
            );
        }
    }
    // Nor does a value become a setting of the transaction.
    let mut actions = made();
    actions["books_find"]["sql"]["relation"]["rows"] = json!([]);
    let (_, database) = served();
    let server = server(&actions, postgres(), Some(&database.dsn("reader")));
    let args = object(
        &json!({"filter": {"title": {"eq": "'; SET ROLE postgres; --"}}, "role": "postgres"}),
    );
    let (statement, _) = server.preview("books_find", args).unwrap().unwrap();
    let (text, binds) = statement.split_once("\n\n").unwrap();
    assert!(
        !text.contains("SET ROLE") && binds.contains("SET ROLE"),
        "{statement}"
    );
}

#[test]
fn t29_only_who_is_meant_gets_to_the_endpoint() {
    let policy = root()
        .join("specs/library/mcpgen.yaml")
        .display()
        .to_string();
    let url = library().dsn("library_reader");
    let env = [("LIBRARY_URL", url.as_str())];
    let server = HttpServer::start(&["serve", &policy], &env);
    let own = server.address.to_string();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    for (host, origin, status) in [
        (own.as_str(), None, 200),
        (own.as_str(), Some("https://evil.example"), 403),
        (own.as_str(), Some("null"), 403),
        ("evil.example", None, 403),
        ("evil.example", Some("http://evil.example"), 403),
    ] {
        let origin = origin
            .map(|origin| format!("Origin: {origin}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\n{origin}Content-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            server.path,
            body.len()
        );
        assert_eq!(answered(&server, &request), status, "{host} {origin}");
    }
    let refused = run(&["serve", &policy, "--http", "0.0.0.0:0"], &env, "");
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("--allow-unauthenticated"),
        "{}",
        refused.stderr
    );
}

/// The status of the answer to a request.
fn answered(server: &HttpServer, request: &str) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("{answer}"))
}
