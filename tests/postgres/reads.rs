//! What calls bring: rows that a rule leaves, values in their masks, no more than a bound, and what is told
//! of the rest.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::made::{call, library, outcome, postgres, served, server};
use crate::support::postgres::{block_on, cluster};

/// The rows of a find.
fn found(tool: &str, args: &Value) -> Vec<Value> {
    let (server, _database) = served();
    let value = block_on(call(&server, tool, args)).unwrap();
    value["rows"].as_array().unwrap().clone()
}

fn ids(rows: &[Value]) -> Vec<String> {
    let text = |row: &Value| match &row["id"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    rows.iter().map(text).collect()
}

#[test]
fn filters_mean_what_they_say() {
    let (server, _database) = served();
    let large = "9007199254740993";
    for (filter, want) in [
        (json!({}), vec!["1", "2", "3", large]),
        (json!({"id": {"eq": large}}), vec![large]),
        (json!({"id": {"in": [1, "3", 77]}}), vec!["1", "3"]),
        (json!({"id": {"in": []}}), vec![]),
        (json!({"id": {"gt": 1, "lte": 3.0}}), vec!["2", "3"]),
        (json!({"title": {"contains": "%"}}), vec!["1"]),
        (json!({"title": {"contains": "_"}}), vec!["2"]),
        (json!({"title": {"contains": "\\"}}), vec!["3"]),
        (json!({"title": {"starts_with": "100%"}}), vec!["1"]),
        (json!({"title": {"starts_with": "A"}}), vec![]),
        (json!({"handle": {"eq": "ADA"}}), vec!["1"]),
        (json!({"handle": {"contains": "o"}}), vec!["2"]),
        (json!({"mood": {"eq": "it's \"fine\""}}), vec![large]),
        (json!({"price": {"eq": "NaN"}}), vec!["3"]),
        (json!({"price": {"ne": 9.5}}), vec!["3", large]),
        (json!({"price": {"is_null": true}}), vec!["2"]),
        (json!({"price": {"is_null": false, "lt": 10}}), vec!["1"]),
        (json!({"tags": {"has": "a"}}), vec!["1"]),
        (json!({"tags": {"has_any": ["x y", "b"]}}), vec!["1", large]),
        (json!({"sold": {"contains": "2024-01-31"}}), vec!["1"]),
        (
            json!({"sold": {"overlaps": {"upper": "2024-01-01"}}}),
            vec![large],
        ),
        (json!({"words": {"matches": "cat -dog"}}), vec!["2"]),
        (
            json!({"created": {"lt": "2024-01-01T08:00:01Z"}}),
            vec!["1", large],
        ),
        (json!({"created": {"eq": "infinity"}}), vec!["3"]),
        (json!({"odd": {"eq": "x"}}), vec!["1"]),
        (
            json!({"any": [{"id": {"eq": 1}}, {"id": {"eq": 2}, "title": {"eq": "no"}}]}),
            vec!["1"],
        ),
        // Another tenant's row is not there, whoever asks for it and however.
        (json!({"id": {"eq": 4}}), vec![]),
        (
            json!({"any": [{"id": {"eq": 4}}, {"id": {"gt": 0}}]}),
            vec!["1", "2", "3", large],
        ),
    ] {
        let args = json!({"filter": filter, "fields": ["id"], "limit": 10});
        let value = block_on(call(&server, "books_find", &args)).unwrap();
        assert_eq!(ids(value["rows"].as_array().unwrap()), want, "{args}");
    }
}

#[test]
fn a_row_is_got_by_its_key() {
    let (server, _database) = served();
    block_on(async {
        let value = call(&server, "books_get", &json!({"id": "9007199254740993"}))
            .await
            .unwrap();
        assert_eq!(value["row"]["title"], "large");
        for id in ["4", "5"] {
            let error = call(&server, "books_get", &json!({"id": id}))
                .await
                .unwrap_err();
            assert_eq!(error.code, "not_found");
        }
    });
}

#[test]
fn values_are_in_their_masks() {
    let rows = found("books_find", &json!({"limit": 10}));
    let emails: Vec<&Value> = rows.iter().map(|row| &row["email"]).collect();
    let want = [
        json!("a***@example.org"),
        json!("b***"),
        Value::Null,
        json!("é***@example.org"),
    ];
    assert_eq!(emails, want.iter().collect::<Vec<_>>());
    let rows = found("authors_find", &json!({}));
    let masked: Vec<&Value> = rows.iter().map(|row| &row["ssn"]).collect();
    assert_eq!(masked, [&json!("***6789"), &json!("***")]);
}

#[test]
fn every_mask_hides_what_it_should() {
    let (first, database) = served();
    drop(first);
    let mut seen = BTreeMap::new();
    for (name, mask) in [
        ("null", json!("null")),
        ("constant", json!({"constant": "it's \\ hidden"})),
        ("hash", json!("hash")),
    ] {
        let mut actions = library();
        actions["authors_find"]["sql"]["relation"]["columns"]["ssn"]["mask"] = mask;
        let server = server(&actions, postgres(), Some(&database.dsn("reader")));
        let value = block_on(call(&server, "authors_find", &json!({}))).unwrap();
        seen.insert(name, value["rows"][0]["ssn"].clone());
        let (statement, _) = server
            .preview("authors_find", serde_json::Map::new())
            .unwrap()
            .unwrap();
        assert!(name != "hash" || statement.contains("= ***"), "{statement}");
    }
    assert_eq!(seen["null"], Value::Null);
    assert_eq!(seen["constant"], "it's \\ hidden");
    // An HMAC-SHA256 that another program makes of the same key and value.
    let main = hmac(&(0..32).collect::<Vec<u8>>(), b"mcpgen mask");
    let hash = hmac(&main, b"123-45-6789");
    let hash = hash.iter().take(16);
    let hash = hash.fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(seen["hash"], hash);
}

pub(super) fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
}

#[test]
fn t14_includes_keep_the_rules_of_what_is_included() {
    let rows = found(
        "books_find",
        &json!({"fields": ["id"], "include": ["author"], "limit": 10}),
    );
    // The third book's author is hidden: as if there were none.
    let names: Vec<&Value> = rows.iter().map(|row| &row["author"]["name"]).collect();
    assert_eq!(
        names,
        [&json!("Ada"), &json!("Bob"), &Value::Null, &json!("Bob")]
    );
    assert_eq!(rows[2]["author"], Value::Null);
    assert_eq!(rows[0]["author"]["ssn"], "***6789");
    let rows = found(
        "authors_find",
        &json!({"fields": ["id"], "include": ["books"]}),
    );
    // One row of another tenant is not counted, one beyond the bound is told.
    assert_eq!(rows[0]["books"]["truncated"], false);
    assert_eq!(rows[0]["books"]["rows"].as_array().unwrap().len(), 1);
    assert_eq!(rows[1]["books"]["truncated"], true);
    assert_eq!(rows[1]["books"]["rows"][0]["email"], "b***");
}

#[test]
fn t28_long_values_are_cut_and_told() {
    let (server, database) = served();
    block_on(async {
        let args = json!({"limit": 10, "include": ["author"]});
        let found = outcome(&server, "books_find", &args).await.unwrap();
        let mcpgen::runtime::backend::Content::Json(value) = &found.content else {
            panic!()
        };
        let rows = value["rows"].as_array().unwrap();
        assert_eq!(rows[1]["body"].as_str().unwrap().len(), 1000);
        assert_eq!(rows[3]["body"].as_str().unwrap(), "é".repeat(500));
        assert_eq!(rows[3]["doc"], Value::Null);
        assert!(rows[0].get("cut").is_none(), "{}", rows[0]);
        for (at, place) in [
            (
                "/rows/1/body",
                json!({"returned": 1000, "of": 5000, "unit": "bytes"}),
            ),
            (
                "/rows/3/body",
                json!({"returned": 1000, "of": 6000, "unit": "bytes"}),
            ),
            (
                "/rows/3/doc",
                json!({"returned": 0, "of": 5004, "unit": "bytes"}),
            ),
            (
                "/rows/1/author/bio",
                json!({"returned": 1000, "of": 5000, "unit": "bytes"}),
            ),
        ] {
            assert_eq!(found.truncated[at], place, "{at}");
        }
        let note = found.note.unwrap();
        assert!(
            note.contains("/rows/3/doc is left out, 5004 bytes"),
            "{note}"
        );
    });
    // A cell of 50 MB, and many rows that are long together.
    database.run(
        "UPDATE lib.books SET body = repeat('x', 50000000) WHERE id = 1; \
         INSERT INTO lib.books (id, title, body) SELECT i, 'many', repeat('m', 900) FROM generate_series(100, 160) i;",
    );
    block_on(async {
        let value = call(&server, "books_get", &json!({"id": 1})).await.unwrap();
        assert_eq!(value["row"]["body"].as_str().unwrap().len(), 1000);
        let mut actions = library();
        actions["books_find"]["sql"]["result_bytes"] = json!(3000);
        let server = super::made::server(&actions, postgres(), Some(&database.dsn("reader")));
        let args =
            json!({"limit": 10, "filter": {"title": {"eq": "many"}}, "fields": ["id", "body"]});
        let found = outcome(&server, "books_find", &args).await.unwrap();
        let mcpgen::runtime::backend::Content::Json(value) = &found.content else {
            panic!()
        };
        assert_eq!(
            (&value["returned"], &value["truncated"]),
            (&json!(3), &json!(true))
        );
        assert!(found.note.unwrap().contains("3 of 10 rows"));
        // A cursor is not as long as a value may be.
        let long = json!({"sort": ["handle"], "limit": 1, "fields": ["id"]});
        let sorted = call(&server, "books_find", &long).await.unwrap();
        assert!(sorted["next_cursor"].is_string());
        database_with_long_handles(&database);
        let sorted = call(&server, "books_find", &long).await.unwrap();
        assert_eq!(
            (&sorted["truncated"], &sorted["next_cursor"]),
            (&json!(true), &Value::Null)
        );
        // The next page begins after the last row that came.
        let mut next = args.clone();
        next["cursor"] = value["next_cursor"].clone();
        let value = call(&server, "books_find", &next).await.unwrap();
        assert_eq!(value["rows"][0]["id"], "103");
    });
}

fn database_with_long_handles(database: &crate::support::postgres::Database) {
    let admin = cluster().dsn(&database.name, mcpgen::cluster::SUPERUSER);
    let done = std::thread::spawn(move || {
        block_on(async {
            let config: tokio_postgres::Config = admin.parse().unwrap();
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            let text = "UPDATE lib.books SET handle = repeat('h', 10000) WHERE id < 4";
            client.execute_typed(text, &[]).await.unwrap();
        });
    });
    done.join().unwrap();
}

#[test]
fn t07_limits_are_applied_and_told() {
    let (server, _database) = served();
    block_on(async {
        for (limit, applied, returned) in [
            (json!(1_000_000_000), 10, 4),
            (json!(-1), 1, 1),
            (json!(0), 1, 1),
            (Value::Null, 3, 3),
        ] {
            let args = json!({"limit": limit});
            let value = call(&server, "books_find", &args).await.unwrap();
            assert_eq!(value["limit_applied"], applied, "{args}");
            assert_eq!(value["returned"], returned, "{args}");
            assert_eq!(value["truncated"], returned < 4, "{args}");
            assert_eq!(value["next_cursor"].is_string(), returned < 4, "{args}");
        }
        let value = call(&server, "books_list", &json!({})).await.unwrap();
        assert_eq!(
            (&value["truncated"], &value["next_cursor"]),
            (&json!(true), &Value::Null)
        );
    });
}

#[test]
fn t03_what_may_not_be_named_is_refused_like_what_is_not_there() {
    let (server, _database) = served();
    block_on(async {
        for (hidden, unknown) in [
            (
                json!({"filter": {"email": {"gte": "1"}}}),
                json!({"filter": {"nobody": {"gte": "1"}}}),
            ),
            (
                json!({"filter": {"body": {"eq": "1"}}}),
                json!({"filter": {"nobody": {"eq": "1"}}}),
            ),
            (
                json!({"filter": {"tenant": {"eq": 2}}}),
                json!({"filter": {"nobody": {"eq": 2}}}),
            ),
            (json!({"sort": ["email"]}), json!({"sort": ["nobody"]})),
            (json!({"sort": ["-tenant"]}), json!({"sort": ["-nobody"]})),
            (json!({"fields": ["email"]}), json!({"fields": ["nobody"]})),
            (json!({"fields": ["tenant"]}), json!({"fields": ["nobody"]})),
            (
                json!({"include": ["email"]}),
                json!({"include": ["nobody"]}),
            ),
        ] {
            let one = call(&server, "books_find", &hidden).await.unwrap_err();
            let other = call(&server, "books_find", &unknown).await.unwrap_err();
            let plain = |text: &str| {
                ["email", "body", "tenant", "nobody"]
                    .iter()
                    .fold(text.to_owned(), |text, word| {
                        text.replace(word, "?").replace("no?", "?")
                    })
            };
            assert_eq!(plain(&one.text()), plain(&other.text()));
        }
    });
}

#[test]
fn t06_what_is_too_much_is_refused_before_it_is_bound() {
    let (server, _database) = served();
    let many: Vec<u32> = (0..10_001).collect();
    let long = "x".repeat(2_000_000);
    let alternatives: Vec<Value> = (0..201).map(|id| json!({"id": {"eq": id}})).collect();
    block_on(async {
        for (filter, why) in [
            (json!({"id": {"in": many}}), "has more than 10000 elements"),
            (
                json!({"title": {"eq": long}}),
                "is longer than 262144 bytes",
            ),
            (
                json!({"title": {"in": [long]}}),
                "is longer than 262144 bytes",
            ),
            (
                json!({"tags": {"has_any": [long]}}),
                "is longer than 262144 bytes",
            ),
            (
                json!({"words": {"matches": long}}),
                "is longer than 262144 bytes",
            ),
            (
                json!({"any": alternatives}),
                "has more than 200 comparisons",
            ),
        ] {
            let args = json!({"filter": filter});
            let error = call(&server, "books_find", &args).await.unwrap_err();
            assert_eq!(error.code, "invalid_arguments");
            assert!(error.message.contains(why), "{}", error.text());
            assert!(error.text().len() < 400, "{}", error.text());
        }
    });
}

/// What has a NUL is no text of PostgreSQL's, wherever it stands: it is never cut there.
#[test]
fn t10_texts_with_nul_are_refused() {
    let (server, _database) = served();
    block_on(async {
        for args in [
            json!({"filter": {"title": {"eq": "100%\u{0}"}}}),
            json!({"filter": {"title": {"starts_with": "1\u{0}"}}}),
            json!({"filter": {"tags": {"has": "a\u{0}"}}}),
            json!({"filter": {"sold": {"contains": "2024-01-05\u{0}"}}}),
            json!({"filter": {"sold": {"overlaps": {"lower": "2024-01-05\u{0}"}}}}),
            json!({"filter": {"words": {"matches": "cat\u{0}"}}}),
            json!({"filter": {"title\u{0}": {"eq": "a"}}}),
            json!({"sort": ["id\u{0}"]}),
            json!({"fields": ["id\u{0}"]}),
            json!({"include": ["author\u{0}"]}),
        ] {
            let error = call(&server, "books_find", &args).await.unwrap_err();
            assert_eq!(error.code, "invalid_arguments", "{args}");
        }
        let error = call(&server, "books_get", &json!({"id": "1\u{0}"}))
            .await
            .unwrap_err();
        assert_eq!(error.code, "invalid_arguments");
    });
}

/// A row of another tenant is not there: what asks for it is in order and finds nothing.
#[test]
fn t15_rows_of_others_are_not_there() {
    let (first, database) = served();
    drop(first);
    let mut actions = library();
    let tenant = json!({"type": {"name": "int4"}, "filter": ["eq", "in", "is_null"], "sort": true});
    actions["books_find"]["sql"]["relation"]["columns"]["tenant"] = tenant;
    let server = server(&actions, postgres(), Some(&database.dsn("reader")));
    block_on(async {
        for filter in [
            json!({"tenant": {"eq": 2}}),
            json!({"tenant": {"in": [2, 3]}}),
            json!({"any": [{"tenant": {"eq": 2}}, {"tenant": {"is_null": true}}]}),
        ] {
            let args = json!({"filter": filter, "sort": ["-tenant"]});
            let page = call(&server, "books_find", &args).await.unwrap();
            assert_eq!(page["returned"], 0, "{args}");
            assert_eq!(page["truncated"], false, "{args}");
        }
    });
}
