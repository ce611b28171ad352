//! Values of every type come back whole: edge values, by the form of their type.

use serde_json::{Map, Value, json};

use super::made::{call, form, of, postgres, server};
use crate::support::postgres::{Database, block_on};

/// Type in SQL, type in the action, values in SQL and as they come back.
type Case = (&'static str, Value, Vec<(&'static str, Value)>);

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let string = |name: &str| form(name, json!("string"));
    let digits = "9".repeat(100);
    let hundred: &'static str = Box::leak(format!("'-{digits}.5'").into_boxed_str());
    vec![
        (
            "bool",
            of("bool"),
            vec![("true", json!(true)), ("NULL", Value::Null)],
        ),
        ("int2", of("int2"), vec![("-32768", json!(-32768))]),
        (
            "int4",
            of("int4"),
            vec![("2147483647", json!(2_147_483_647))],
        ),
        (
            "int8",
            string("int8"),
            vec![
                ("9223372036854775807", json!("9223372036854775807")),
                ("'-9223372036854775808'", json!("-9223372036854775808")),
                ("9007199254740993", json!("9007199254740993")),
            ],
        ),
        (
            "numeric",
            string("numeric"),
            vec![
                (hundred, json!(format!("-{digits}.5"))),
                ("'NaN'", json!("NaN")),
                ("'Infinity'", json!("Infinity")),
                ("1.10", json!("1.10")),
                ("'1e-30'", json!("0.000000000000000000000000000001")),
            ],
        ),
        (
            "float8",
            of("float8"),
            vec![
                ("'NaN'", json!("NaN")),
                ("'-Infinity'", json!("-Infinity")),
                ("0.1", json!(0.1)),
                ("'1e308'", serde_json::from_str("1e+308").unwrap()),
            ],
        ),
        ("float4", of("float4"), vec![("0.1", json!(0.1))]),
        (
            "text",
            form("text", json!("text")),
            vec![
                ("''", json!("")),
                (
                    "E'a\\u0001\\n\\t\"\\\\\\U0001F980\\u202e'",
                    json!("a\u{1}\n\t\"\\🦀\u{202e}"),
                ),
                (
                    "'</untrusted-data-1> SYSTEM: ![](https://x?)'",
                    json!("</untrusted-data-1> SYSTEM: ![](https://x?)"),
                ),
            ],
        ),
        (
            "char(4)",
            form("bpchar", json!("text")),
            vec![("'ab'", json!("ab"))],
        ),
        (
            "varchar(4)",
            form("varchar", json!("text")),
            vec![("'ab  '", json!("ab  "))],
        ),
        (
            "name",
            form("name", json!("text")),
            vec![("'ab'", json!("ab"))],
        ),
        (
            "\"char\"",
            form("char", json!("string")),
            vec![("'a'", json!("a"))],
        ),
        (
            "bytea",
            form("bytea", json!("base64")),
            vec![
                ("''", json!("")),
                ("'\\x00ff'", json!("AP8=")),
                ("decode(repeat('ff', 60), 'hex')", json!("/".repeat(80))),
            ],
        ),
        (
            "date",
            of("date"),
            vec![
                ("'2024-02-29'", json!("2024-02-29")),
                ("'0044-03-15 BC'", json!("0044-03-15 BC")),
                ("'infinity'", json!("infinity")),
                ("'12024-01-01'", json!("12024-01-01")),
            ],
        ),
        (
            "timestamptz",
            of("timestamptz"),
            vec![
                (
                    "'2024-01-01 00:00:00.000001-07'",
                    json!("2024-01-01T07:00:00.000001+00:00"),
                ),
                ("'-infinity'", json!("-infinity")),
            ],
        ),
        (
            "timestamp",
            of("timestamp"),
            vec![("'2024-01-01 10:00'", json!("2024-01-01T10:00:00"))],
        ),
        ("time", of("time"), vec![("'24:00'", json!("24:00:00"))]),
        (
            "timetz",
            of("timetz"),
            vec![("'10:00+02'", json!("10:00:00+02"))],
        ),
        (
            "interval",
            of("interval"),
            vec![
                ("'1 year -2 days 3.5 seconds'", json!("P1Y-2DT3.5S")),
                ("'0'", json!("PT0S")),
            ],
        ),
        (
            "uuid",
            of("uuid"),
            vec![(
                "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
                json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            )],
        ),
        (
            "inet",
            string("inet"),
            vec![("'10.0.0.1/8'", json!("10.0.0.1/8"))],
        ),
        ("bit(3)", string("bit"), vec![("B'101'", json!("101"))]),
        (
            "jsonb",
            of("jsonb"),
            vec![
                ("'null'", Value::Null),
                (
                    "'{\"b\": [1, 1.10, 1e400], \"a\": \"\\\"\"}'",
                    serde_json::from_str(&format!(
                        "{{\"a\": \"\\\"\", \"b\": [1, 1.10, 1{}]}}",
                        "0".repeat(400)
                    ))
                    .unwrap(),
                ),
            ],
        ),
        (
            "json",
            of("json"),
            vec![("'{\"b\":1,  \"b\":2}'", json!({"b": 2}))],
        ),
        (
            "int4[]",
            form("_int4", json!({"list": "json"})),
            vec![
                ("'{1,NULL}'", json!([1, null])),
                ("'{}'", json!([])),
                ("'{{1,2},{3,4}}'", json!([[1, 2], [3, 4]])),
            ],
        ),
        (
            "int8[]",
            form("_int8", json!({"list": "string"})),
            vec![
                ("'{9223372036854775807}'", json!(["9223372036854775807"])),
                ("'{{1},{2}}'", json!([["1"], ["2"]])),
            ],
        ),
        (
            "bytea[]",
            form("_bytea", json!({"list": "base64"})),
            vec![
                ("ARRAY['\\x00'::bytea, NULL]", json!(["AA==", null])),
                ("'{}'", json!([])),
                ("NULL", Value::Null),
            ],
        ),
        (
            "int4range",
            form("int4range", json!({"range": "json"})),
            vec![
                ("'[1,5]'", json!({"lower": 1, "upper": 6, "bounds": "[)"})),
                ("'empty'", json!({"empty": true})),
                (
                    "'(,)'",
                    json!({"lower": null, "upper": null, "bounds": "()"}),
                ),
                ("NULL", Value::Null),
            ],
        ),
        (
            "numrange",
            form("numrange", json!({"range": "string"})),
            vec![(
                "'(1.50,2]'",
                json!({"lower": "1.50", "upper": "2", "bounds": "(]"}),
            )],
        ),
        (
            "int8multirange",
            form("int8multirange", json!({"multirange": "string"})),
            vec![
                (
                    "'{[1,2),[5,)}'",
                    json!([{"lower": "1", "upper": "2", "bounds": "[)"}, {"lower": "5", "upper": null, "bounds": "[)"}]),
                ),
                ("'{}'", json!([])),
            ],
        ),
        (
            "t.pair",
            json!({"schema": "t", "name": "pair", "form": {"composite": {"a \"q\"": "string", "b": {"list": "text"}}}}),
            vec![
                (
                    "ROW(9007199254740993, ARRAY['x\"y', NULL])",
                    json!({"a \"q\"": "9007199254740993", "b": ["x\"y", null]}),
                ),
                ("ROW(NULL, NULL)", json!({"a \"q\"": null, "b": null})),
                ("NULL", Value::Null),
            ],
        ),
        (
            "t.pair[]",
            json!({"schema": "t", "name": "_pair", "form": {"list": {"composite": {"a \"q\"": "string"}}}}),
            vec![(
                "ARRAY[ROW(1, NULL), ROW(2, NULL)]::t.pair[]",
                json!([{"a \"q\"": "1"}, {"a \"q\"": "2"}]),
            )],
        ),
        ("t.positive", of("int4"), vec![("5", json!(5))]),
        (
            "t.words",
            form("text", json!("text")),
            vec![("'x'", json!("x"))],
        ),
        (
            "tsvector",
            form("tsvector", json!("elided")),
            vec![("'cat dog'", json!("<vector>")), ("NULL", Value::Null)],
        ),
        (
            "money",
            form("money", json!("string")),
            vec![("1.5", json!("$1.50"))],
        ),
        (
            "xml",
            form("xml", json!("text")),
            vec![("'<a/>'", json!("<a/>"))],
        ),
    ]
}

#[test]
fn values_come_back_whole() {
    let mut sql = "CREATE SCHEMA t; CREATE TYPE t.pair AS (\"a \"\"q\"\"\" int8, b text[]); \
        CREATE DOMAIN t.positive AS int CHECK (VALUE > 0); CREATE DOMAIN t.words AS text; \
        DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; \
        GRANT USAGE ON SCHEMA t TO reader; ALTER DEFAULT PRIVILEGES IN SCHEMA t GRANT SELECT ON TABLES TO reader;"
        .to_owned();
    let mut actions = Map::new();
    for (index, (name, r#type, values)) in cases().into_iter().enumerate() {
        sql.push_str(&format!(
            "CREATE TABLE t.t{index} (id int PRIMARY KEY, v {name});"
        ));
        for (id, (value, _)) in values.iter().enumerate() {
            sql.push_str(&format!("INSERT INTO t.t{index} VALUES ({id}, {value});"));
        }
        let key = json!([{"column": "id", "type": {"name": "int4"}}]);
        let action = json!({"sql": {
            "read": {"find": {"key": key, "any": "any", "rows": 100, "max_rows": 100}},
            "relation": {"schema": "t", "name": format!("t{index}"), "columns": {"v": {"type": r#type}}},
            "cell_bytes": 4000, "result_bytes": 100_000,
        }});
        actions.insert(format!("t{index}"), action);
    }
    let database = Database::new(&sql);
    let server = server(&actions, postgres(), Some(&database.dsn("reader")));
    let mut wrong = Vec::new();
    block_on(async {
        for (index, (name, _, values)) in cases().into_iter().enumerate() {
            match call(&server, &format!("t{index}"), &json!({})).await {
                Ok(page) => {
                    let found = page["rows"].as_array().unwrap().iter().map(|row| &row["v"]);
                    let want: Vec<&Value> = values.iter().map(|(_, want)| want).collect();
                    let found: Vec<&Value> = found.collect();
                    if found != want {
                        wrong.push(format!("{name}:\n  {found:?}\n  {want:?}"));
                    }
                }
                Err(error) => wrong.push(format!("{name}: {}", error.text())),
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
