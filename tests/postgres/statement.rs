//! Actions and arguments become the same statements, byte for byte: `statements.json` has the calls,
//! `statements.txt` what comes of them. `UPDATE=1` writes it.

use std::fs;

use serde_json::Value;

use super::made::{call, library, object, postgres, served, server};
use crate::support::postgres::block_on;
use crate::support::{golden, root};

fn cases() -> Vec<(String, Value)> {
    let text = fs::read_to_string(root().join("tests/postgres/statements.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn calls_have_the_statements_that_they_had() {
    let server = server(&library(), postgres(), None);
    let mut text = String::new();
    for (tool, args) in cases() {
        text.push_str(&format!("# {tool} {args}\n"));
        match server.preview(&tool, object(&args)).unwrap() {
            Ok((statement, _)) => text.push_str(&statement),
            Err(error) => text.push_str(&format!("{}\n", error.text())),
        }
        text.push('\n');
    }
    assert!(!text.contains("canary"), "{text}");
    golden("postgres/statements.txt", &text);
}

/// What is planned, the database takes: no statement has a mistake, and no value that is in order is
/// refused.
#[test]
fn the_database_takes_them() {
    let (server, _database) = served();
    block_on(async {
        for (tool, args) in cases() {
            let planned = server.preview(&tool, object(&args)).unwrap();
            let called = call(&server, &tool, &args).await;
            match (planned, called) {
                (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
                (Ok(_), Err(error)) => {
                    let expected = ["not_found", "invalid_arguments"].contains(&error.code);
                    assert!(expected, "{tool} {args}: {}", error.text());
                }
                (Err(error), Ok(_)) => panic!("{tool} {args}: {}", error.text()),
            }
        }
    });
}
