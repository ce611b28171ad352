//! Pages: put together they are the whole, whatever the order; and their cursors open only where they were
//! made.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::made::{call, library, postgres, served, server};
use crate::support::postgres::block_on;

/// All pages of a find, by the identifiers of their rows.
async fn pages(server: &mcpgen::runtime::server::Server, args: &Value) -> Vec<String> {
    let mut args = args.clone();
    let mut all = Vec::new();
    loop {
        let page = call(server, "books_find", &args).await.unwrap();
        let rows = page["rows"].as_array().unwrap();
        all.extend(
            rows.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        assert!(all.len() <= 100, "{args}");
        match &page["next_cursor"] {
            Value::Null => {
                assert_eq!(page["truncated"], false);
                return all;
            }
            cursor => {
                assert_eq!(page["truncated"], true);
                args["cursor"] = cursor.clone();
            }
        }
    }
}

#[test]
fn pages_are_the_whole() {
    let (first, database) = served();
    drop(first);
    let mut actions = library();
    let action = &mut actions["books_find"]["sql"];
    action["read"]["find"]["max_rows"] = json!(100);
    let server = server(&actions, postgres(), Some(&database.dsn("reader")));
    let value = |texts: &'static [&'static str]| prop::sample::select(texts);
    let row = (
        value(&["NULL", "0", "1", "1.0", "-1", "'NaN'"]),
        value(&["'a'", "'b'", "'ä'", "'A'", "''", "' '"]),
        value(&[
            "NULL",
            "'2024-01-01'",
            "'infinity'",
            "'-infinity'",
            "'2024-01-01 00:00:00.000001'",
            "'0044-03-15 BC'",
        ]),
        value(&["NULL", "'sad'", "'ok'"]),
        value(&["NULL", "'x'", "'X'", "'y'"]),
    );
    let sorts = prop::sample::subsequence(
        vec!["price", "title", "created", "mood", "handle", "id"],
        0..4,
    );
    let sorts = sorts.prop_shuffle().prop_flat_map(|names| {
        let signs = prop::collection::vec(any::<bool>(), names.len());
        signs.prop_map(move |signs| {
            let each = names.iter().zip(signs);
            each.map(|(name, sign)| {
                if sign {
                    format!("-{name}")
                } else {
                    (*name).to_owned()
                }
            })
            .collect::<Vec<_>>()
        })
    });
    let strategy = (prop::collection::vec(row, 0..20), sorts, 1..6_u32);
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let checked = runner.run(&strategy, |(rows, sort, limit)| {
        let mut sql = "TRUNCATE lib.books;".to_owned();
        for (index, (price, title, created, mood, handle)) in rows.iter().enumerate() {
            sql.push_str(&format!(
                "INSERT INTO lib.books (id, title, price, created, mood, handle) VALUES ({index}, {title}, {price}, {created}, {mood}, {handle});"
            ));
        }
        database.run(&sql);
        block_on(async {
            let whole = json!({"sort": sort, "limit": 100, "fields": ["id"]});
            let whole = call(&server, "books_find", &whole).await.unwrap();
            let whole: Vec<String> = whole["rows"].as_array().unwrap().iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()).collect();
            prop_assert_eq!(whole.len(), rows.len());
            let paged = pages(&server, &json!({"sort": sort, "limit": limit, "fields": ["id"]})).await;
            prop_assert_eq!(paged, whole);
            Ok(())
        })
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn t09_cursors_open_only_where_they_were_made() {
    let (server, _database) = served();
    block_on(async {
        let args = json!({"filter": {"id": {"gt": 0}, "title": {"contains": ""}}, "sort": ["title"], "limit": 1});
        let page = call(&server, "books_find", &args).await.unwrap();
        let cursor = page["next_cursor"].as_str().unwrap();
        // The row before it cannot be read in it, and is the same for the same key.
        assert!(!cursor.contains("100"), "{cursor}");
        let again = call(&server, "books_find", &args).await.unwrap();
        assert_eq!(again["next_cursor"], cursor);
        let with = |change: Value| {
            let mut args = args.clone();
            args["cursor"] = cursor.into();
            for (key, value) in change.as_object().unwrap() {
                args[key] = value.clone();
            }
            args
        };
        // What a page shows may change, and how a filter is written.
        for change in [
            json!({}),
            json!({"sort": ["title", "id"]}),
            json!({"limit": 3, "fields": ["title"], "include": ["author"]}),
            json!({"filter": {"title": {"contains": ""}, "id": {"gt": 0}}}),
        ] {
            call(&server, "books_find", &with(change)).await.unwrap();
        }
        for (tool, args) in [
            ("books_find", with(json!({"sort": ["-title"]}))),
            ("books_find", with(json!({"sort": ["title", "-id"]}))),
            ("books_find", with(json!({"sort": []}))),
            (
                "books_find",
                with(json!({"filter": {"id": {"gt": 1}, "title": {"contains": ""}}})),
            ),
            ("books_find", with(json!({"filter": null}))),
            ("books_find", with(json!({"cursor": format!("{cursor}A")}))),
            ("books_find", with(json!({"cursor": cursor.to_lowercase()}))),
            ("books_list", with(json!({}))),
            ("authors_find", json!({"cursor": cursor})),
        ] {
            let error = call(&server, tool, &args).await.unwrap_err();
            if error.code != "invalid_arguments" {
                assert_eq!(error.code, "invalid_cursor", "{tool} {args}");
            }
        }
    });
}
