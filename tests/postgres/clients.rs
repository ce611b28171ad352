//! A client of somebody else's calls a served library: whatever comes is what the advertised schema of the
//! result says, edge values of every type among it.

use serde_json::{Map, Value, json};

use crate::interop::{Sdk, client};
use crate::support::postgres::{Database, library};
use crate::support::root;

/// Type, value in SQL, and what a client gets.
#[allow(clippy::too_many_lines, reason = "a table")]
fn edges() -> Vec<(&'static str, String, Value)> {
    let digits = "9".repeat(100);
    let each = [
        (
            "bigint",
            "9223372036854775807",
            json!("9223372036854775807"),
        ),
        (
            "bigint",
            "'-9223372036854775808'",
            json!("-9223372036854775808"),
        ),
        ("smallint", "-32768", json!(-32768)),
        ("int", "2147483647", json!(2_147_483_647)),
        ("oid", "4294967295", json!("4294967295")),
        ("numeric", "'NaN'", json!("NaN")),
        ("numeric", "'-Infinity'", json!("-Infinity")),
        ("numeric(8,2)", "1.1", json!("1.10")),
        ("real", "0.1", json!(0.1)),
        ("float8", "'NaN'", json!("NaN")),
        ("float8", "'Infinity'", json!("Infinity")),
        ("float8", "1.5", json!(1.5)),
        ("bool", "true", json!(true)),
        ("money", "1.5", json!("$1.50")),
        (
            "text",
            "E'a\\u0001\\n\"\\\\\\U0001F980\\u202e'",
            json!("a\u{1}\n\"\\🦀\u{202e}"),
        ),
        ("varchar(5)", "'ab  '", json!("ab  ")),
        ("char(4)", "'ab'", json!("ab")),
        ("name", "'ab'", json!("ab")),
        ("\"char\"", "'a'", json!("a")),
        ("citext", "'Ab'", json!("Ab")),
        (
            "uuid",
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
            json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        ("date", "'0044-03-15 BC'", json!("0044-03-15 BC")),
        ("date", "'infinity'", json!("infinity")),
        (
            "timestamptz",
            "'2024-01-01 00:00:00.000001-07'",
            json!("2024-01-01T07:00:00.000001+00:00"),
        ),
        ("timestamptz", "'-infinity'", json!("-infinity")),
        (
            "timestamp",
            "'0001-01-01 10:00 BC'",
            json!("0001-01-01T10:00:00 BC"),
        ),
        ("time", "'24:00'", json!("24:00:00")),
        ("timetz", "'10:00+02'", json!("10:00:00+02")),
        (
            "interval",
            "'1 year -2 days 3.5 seconds'",
            json!("P1Y-2DT3.5S"),
        ),
        ("inet", "'10.0.0.1/8'", json!("10.0.0.1/8")),
        ("cidr", "'10.0.0.0/8'", json!("10.0.0.0/8")),
        ("macaddr", "'08:00:2b:01:02:03'", json!("08:00:2b:01:02:03")),
        ("bit(3)", "B'101'", json!("101")),
        ("bytea", "'\\x00ff'", json!("AP8=")),
        (
            "jsonb",
            "'{\"b\": [1, 1.5, null], \"a\": \"\\\"\"}'",
            json!({"a": "\"", "b": [1, 1.5, null]}),
        ),
        ("json", "'null'", Value::Null),
        ("xml", "'<a/>'", json!("<a/>")),
        ("point", "'(1,2)'", json!("(1,2)")),
        (
            "text[]",
            "ARRAY['x\"y', NULL, '{}']",
            json!(["x\"y", null, "{}"]),
        ),
        ("int[]", "'{{1,2},{3,4}}'", json!([[1, 2], [3, 4]])),
        (
            "bigint[]",
            "'{9223372036854775807}'",
            json!(["9223372036854775807"]),
        ),
        (
            "bytea[]",
            "ARRAY['\\x00'::bytea, NULL]",
            json!(["AA==", null]),
        ),
        ("library.copy_state", "'on loan'", json!("on loan")),
        (
            "library.copy_state[]",
            "'{lost,NULL}'",
            json!(["lost", null]),
        ),
        ("library.isbn", "'978-0000000017'", json!("978-0000000017")),
        ("library.euros", "0", json!("0.00")),
        ("int4range", "'empty'", json!({"empty": true})),
        (
            "int4range",
            "'[1,5]'",
            json!({"lower": 1, "upper": 6, "bounds": "[)"}),
        ),
        (
            "numrange",
            "'(1.50,)'",
            json!({"lower": "1.50", "upper": null, "bounds": "()"}),
        ),
        (
            "tstzrange",
            "'[-infinity,2024-01-01 00:00+00]'",
            json!({"lower": "-infinity", "upper": "2024-01-01T00:00:00+00:00", "bounds": "[]"}),
        ),
        (
            "library.hours",
            "'[09:00,24:00)'",
            json!({"lower": "09:00:00", "upper": "24:00:00", "bounds": "[)"}),
        ),
        (
            "int8multirange",
            "'{[1,2),[5,)}'",
            json!([{"lower": "1", "upper": "2", "bounds": "[)"}, {"lower": "5", "upper": null, "bounds": "[)"}]),
        ),
        (
            "library.address",
            "ROW('17 \"Old\" \\Lane', NULL, E'a,(b)\\n')",
            json!({"street": "17 \"Old\" \\Lane", "postcode": null, "city": "a,(b)\n"}),
        ),
        (
            "library.address[]",
            "ARRAY[ROW('\"', '', NULL)::library.address, NULL]",
            json!([{"street": "\"", "postcode": "", "city": null}, null]),
        ),
        ("text", "repeat('é', 5000000)", json!("é".repeat(32_768))),
        ("bytea", "decode(repeat('00', 100000), 'hex')", Value::Null),
    ];
    let each = each.map(|(r#type, sql, want)| (r#type, sql.to_owned(), want));
    let hundred = (
        "numeric",
        format!("'-{digits}.5'"),
        json!(format!("-{digits}.5")),
    );
    each.into_iter().chain([hundred]).collect()
}

/// The library with a table of edge values, each in a column of its own, and a row of nulls.
fn with_edges() -> Database {
    // The first to make its roles, which are the cluster's.
    library();
    let file = |name| std::fs::read_to_string(root().join("specs/library").join(name)).unwrap();
    let database = Database::new(&file("schema.sql"));
    database.run(&file("seed.sql"));
    let edges = edges();
    let each = edges.iter().enumerate();
    let columns: Vec<String> = each
        .map(|(at, (r#type, ..))| format!("c{at} {type}"))
        .collect();
    let values: Vec<&str> = edges.iter().map(|(_, sql, _)| sql.as_str()).collect();
    database.run(&format!(
        "SET search_path = library, public; CREATE TABLE edges (id int PRIMARY KEY, {}); \
         INSERT INTO edges VALUES (1, {}); INSERT INTO edges (id) VALUES (2); GRANT SELECT ON edges TO library_reader;",
        columns.join(", "),
        values.join(", ")
    ));
    database
}

/// The find of each relation, with what it includes, and one row of each that has a key.
fn calls(tools: &[Value]) -> Map<String, Value> {
    let mut calls = Map::new();
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        let properties = &tool["inputSchema"]["properties"];
        let include = &properties["include"]["items"]["enum"];
        if name.ends_with("_find") {
            let args = match include.is_null() {
                true => json!({}),
                false => json!({"include": include}),
            };
            calls.insert(name.to_owned(), json!([name, args]));
        }
    }
    for (name, args) in [
        ("branches_get", json!({"id": 1})),
        ("books_get", json!({"isbn": "978-0000000017"})),
        ("members_get", json!({"id": 1})),
        ("covers_get", json!({"book_id": 1})),
        (
            "events_get",
            json!({"id": "00000000-0000-4000-8000-000000000004"}),
        ),
        ("edges_get", json!({"id": 2})),
    ] {
        calls.insert(name.to_owned(), json!([name, args]));
    }
    calls
}

#[test]
fn what_comes_is_what_is_advertised() {
    let Some(python) = client(Sdk::Python) else {
        return;
    };
    let database = with_edges();
    let dsn = database.dsn("library_reader");
    let arguments = ["serve", &dsn, "--schema", "library", "--tools", "list"];
    let tools = crate::support::Client::start(&arguments, &[])
        .modern()
        .tools();
    assert!(tools.len() >= 30, "{}", tools.len());
    let mut plan = calls(&tools);
    for (name, filter) in [
        ("nul", json!({"c14": {"eq": "a\u{0}b"}})),
        ("large", json!({"c0": {"eq": i64::MAX}})),
        ("large_text", json!({"c0": {"eq": i64::MAX.to_string()}})),
        ("too_large", json!({"c0": {"eq": "9223372036854775808"}})),
        ("not_a_number", json!({"c5": {"eq": "NaN"}})),
        ("before", json!({"c21": {"lt": "0001-01-01"}})),
        ("ever", json!({"c22": {"eq": "infinity"}})),
    ] {
        plan.insert(
            name.to_owned(),
            json!(["edges_find", {"filter": filter, "fields": ["id"]}]),
        );
    }
    let mcpgen = env!("CARGO_BIN_EXE_mcpgen");
    let command = [&[mcpgen][..], &arguments[..]].concat();
    for (era, version) in [("legacy", "2025-11-25"), ("modern", "2026-07-28")] {
        let summary = python(&json!({
            "transport": "stdio", "era": era, "command": command, "calls": plan,
        }));
        assert_eq!(summary["protocolVersion"], version);
        let calls = summary["calls"].as_object().unwrap();
        for (name, outcome) in calls {
            if ["nul", "too_large"].contains(&name.as_str()) {
                assert_eq!(outcome["isError"], true, "{name}: {outcome}");
                continue;
            }
            assert_eq!(
                (&outcome["isError"], &outcome["valid"]),
                (&json!(false), &json!(true)),
                "{name}: {outcome}"
            );
            // What would be no result of the schema would come under this key.
            let misfit = &outcome["structured"]["mcpgen_response"];
            assert!(misfit.is_null(), "{name}: {outcome}");
            if name.ends_with("_find") {
                let returned = outcome["structured"]["returned"].as_u64();
                assert!(returned >= Some(1), "{name}: {outcome}");
            }
        }
        for name in ["large", "large_text", "not_a_number", "before", "ever"] {
            assert_eq!(
                calls[name]["structured"]["rows"],
                json!([{"id": 1}]),
                "{name}: {}",
                calls[name]
            );
        }
        let row = &calls["edges_find"]["structured"]["rows"][0];
        let mut wrong = Vec::new();
        for (at, (r#type, sql, want)) in edges().iter().enumerate() {
            let found = &row[format!("c{at}")];
            if found != want {
                let short = |text: String| text.chars().take(200).collect::<String>();
                wrong.push(format!(
                    "{type} {sql}: {}, not {}",
                    short(found.to_string()),
                    short(want.to_string())
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let nothing = calls["edges_get"]["structured"]["row"].as_object().unwrap();
        let nulls = nothing
            .iter()
            .filter(|(name, value)| *name != "id" && !value.is_null());
        assert_eq!(nulls.count(), 0, "{nothing:?}");
    }
}

#[test]
fn the_policy_of_the_library_is_served() {
    let Some(python) = client(Sdk::Python) else {
        return;
    };
    let url = format!("LIBRARY_URL={}", library().dsn("library_reader"));
    let policy = root()
        .join("specs/library/mcpgen.yaml")
        .display()
        .to_string();
    let command = ["env", &url, env!("CARGO_BIN_EXE_mcpgen"), "serve", &policy];
    let summary = python(&json!({
        "transport": "stdio", "era": "modern", "command": command,
        "calls": {
            "loans": ["loans_find", {"filter": {"due_on": {"lt": "2026-01-01"}}, "include": ["member"], "limit": 500}],
            "members": ["members_find", {"sort": ["name"]}],
            "masked": ["members_find", {"filter": {"email": {"eq": "a@example.org"}}}],
            "absent": ["staff_notes_find", {}],
        },
    }));
    let calls = &summary["calls"];
    assert_eq!(calls["loans"]["structured"]["limit_applied"], 50, "{calls}");
    let members = calls["members"]["structured"]["rows"].as_array().unwrap();
    assert!(!members.is_empty(), "{calls}");
    for member in members {
        assert_eq!(member["is_active"], true, "{member}");
        assert_eq!(
            member["card_number"].as_str().unwrap().len(),
            32,
            "{member}"
        );
        let email = member["email"].as_str();
        assert!(email.is_none_or(|email| email.contains("***")), "{member}");
        assert!(
            member.get("home").is_none() && member.get("pin_hash").is_none(),
            "{member}"
        );
    }
    assert_eq!(calls["masked"]["isError"], true, "{calls}");
    assert_eq!(calls["absent"]["protocolError"]["code"], -32602, "{calls}");
}
