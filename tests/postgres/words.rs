//! What the command line says to someone who has a database and something wrong with it: where, why, and
//! what to do. And that a database may be named by a variable wherever it may be named.

use std::fs;

use serde_json::json;

use crate::support::postgres::{Database, library};
use crate::support::{Output, Scratch, root, run};

/// A connection string that leads nowhere.
const NOWHERE: &str = "postgres://reader@%2Fno%2Fsuch%2Ffolder/shop";

/// Everything that a command says.
fn said(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

fn snapshot() -> String {
    root()
        .join("specs/library/snapshot.json")
        .display()
        .to_string()
}

#[test]
fn what_is_wrong_with_a_database_is_said() {
    let database = Database::new(
        "CREATE SCHEMA words; CREATE TABLE words.log (line text);
         CREATE ROLE words_none LOGIN; CREATE ROLE words_reader LOGIN;
         GRANT USAGE ON SCHEMA words TO words_none, words_reader;
         GRANT SELECT ON words.log TO words_reader;",
    );
    let (none, reader) = (database.dsn("words_none"), database.dsn("words_reader"));
    let place = format!("database `{}` at /", database.name);
    let no_schema = "has no schema `nope`; the role may use public, words";
    for (args, status, parts) in [
        (
            vec!["check", &none],
            1,
            vec![
                "there is no table and no view that the role may read",
                "grant SELECT",
            ],
        ),
        (
            vec!["check", &reader, "--schema", "nope"],
            2,
            vec![no_schema],
        ),
        // Nobody wrote the lines of what a database says.
        (vec!["check", &reader], 0, vec!["`log` has no key", &place]),
        (
            vec!["explain", &reader, "lines"],
            2,
            vec!["can be named as in 'find words.log'"],
        ),
        (
            vec!["check", "env:NOT_SET"],
            2,
            vec!["the environment variable NOT_SET is not set"],
        ),
        (
            vec!["check", "postgres://a@localhost/x?pgbouncer=true"],
            2,
            vec!["an option behind `?` is not one that is known here"],
        ),
    ] {
        let output = run(&args, &[], "");
        let text = said(&output);
        assert_eq!(output.status, status, "{args:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{args:?}: no {part:?} in {text}");
        }
        assert!(!text.contains(" | "), "{args:?}: {text}");
    }
}

/// What is cut is the relation's name, and not what is done with it.
#[test]
fn names_that_are_too_long_for_clients() {
    let name = "x".repeat(63);
    let database = Database::new(&format!(
        "CREATE TABLE {name} (id int PRIMARY KEY); CREATE ROLE words_long LOGIN;
         GRANT SELECT ON {name} TO words_long;"
    ));
    let url = database.dsn("words_long");
    let list = run(&["list", &url, "--json"], &[], "").expect(0).json();
    let tools = list["tools"].as_array().unwrap().iter();
    let names: Vec<&str> = tools.filter_map(|tool| tool["name"].as_str()).collect();
    for (name, end) in names.iter().zip(["_find", "_get"]) {
        assert!(name.starts_with("xxx") && name.ends_with(end), "{names:?}");
        assert!(name.len() <= 48, "{names:?}");
    }
    assert_eq!(names.len(), 2);
}

#[test]
fn a_variable_names_a_database() {
    let url = library().dsn("library_reader");
    let env = [("SOME_URL", url.as_str())];
    let call = ["call", "env:SOME_URL", "loans_find", r#"{"limit": 1}"#];
    let called = run(&call, &env, "").expect(0);
    assert!(
        called.json()["next_cursor"].is_string(),
        "{}",
        called.stdout
    );
    assert!(
        called.stderr.contains("MCPGEN_SEAL_KEY"),
        "{}",
        called.stderr
    );
    let sealed = [env[0], ("MCPGEN_SEAL_KEY", crate::support::postgres::KEY)];
    let called = run(&call, &sealed, "").expect(0);
    assert_eq!(called.stderr, "");
    let begun = run(&["init", "env:SOME_URL", "-o", "-"], &env, "").expect(0);
    assert!(begun.stdout.contains("${env:SOME_URL}"), "{}", begun.stdout);
    let plan = run(&["plan", "env:SOME_URL", "--json"], &env, "").expect(0);
    assert!(plan.stdout.contains(r#""dsn": "SOME_URL""#));
    assert!(!plan.stdout.contains(&url));
}

/// However a connection string is written, nothing takes it for a file and repeats it.
#[test]
fn no_message_repeats_a_password() {
    let pairs = "host=localhost port=1 dbname=shop password=s3cret";
    for (given, why) in [
        (pairs, "database `shop` at localhost:1: nothing answers"),
        ("postgres:a:s3cret@localhost:1/shop", "cannot be read"),
        ("POSTGRES://a:s3cret@localhost:1/shop", "cannot be read"),
        (
            "jdbc:postgresql://h/shop?user=a&password=s3cret",
            "cannot be read",
        ),
        ("mysql://a:s3cret@localhost/shop", "mysql"),
    ] {
        for command in [
            &["check", given][..],
            &["introspect", given],
            &["serve", given],
            &["install", given, "--client", "cursor", "--print"],
        ] {
            let output = run(command, &[], "");
            let text = said(&output);
            assert_eq!(output.status, 2, "{command:?}: {text}");
            assert!(!text.contains("s3cret"), "{command:?}: {text}");
            let why = match why {
                "mysql" if command[0] == "introspect" => "no database of PostgreSQL",
                why => why,
            };
            assert!(text.contains(why), "{command:?}: {text}");
        }
    }
}

/// A client's configuration names where the database is, and holds no password.
#[test]
fn a_client_is_told_of_a_database() {
    let url = library().dsn("library_reader");
    let install = |doc: &str| {
        let args = ["install", doc, "--client", "cursor", "--print"];
        run(&args, &[("SOME_URL", &url), ("LIBRARY_URL", &url)], "")
    };
    let entry = |output: Output| {
        let servers = output.expect(0).json()["mcpServers"].take();
        servers
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .clone()
    };
    let own = entry(install("env:SOME_URL"));
    assert_eq!(own["args"], json!(["serve", "env:SOME_URL"]));
    assert_eq!(own["env"], json!({"SOME_URL": ""}));
    let policy = root().join("specs/library/mcpgen.yaml");
    let own = entry(install(&policy.display().to_string()));
    assert_eq!(own["env"]["LIBRARY_URL"], "");
    // Without a password, it is no secret.
    let own = entry(install(&url));
    assert_eq!(own["args"], json!(["serve", url]));
    assert_eq!(own.get("env"), None);
    for secret in [
        url.replace('@', ":s3cret@"),
        format!("{url}?password=s3cret"),
    ] {
        let output = install(&secret);
        let text = said(&output);
        assert_eq!(output.status, 2, "{text}");
        assert!(text.contains("holds a password") && text.contains("env:DATABASE_URL"));
        assert!(!text.contains("s3cret"), "{text}");
    }
}

/// Who calls from the command line is who would look into the log.
#[test]
fn a_call_says_why_there_is_no_answer() {
    let snapshot = snapshot();
    let call = ["call", &snapshot, "loans_find"];
    for (env, why) in [
        (&[("LIBRARY_URL", NOWHERE)][..], "there is no such socket"),
        (&[], "needs the environment variable LIBRARY_URL"),
    ] {
        let output = run(&call, env, "");
        assert_eq!((output.status, output.stdout.as_str()), (1, ""));
        assert!(output.stderr.contains(why), "{}", output.stderr);
    }
}

/// A policy without its variable: one error where there is no snapshot, a warning where there is one.
#[test]
fn variables_of_a_policy_that_are_not_set() {
    let scratch = Scratch::new();
    let policy = |snapshot: &str| {
        let text = format!(
            "version: 1\nsources:\n  lib: {{postgres: \"${{env:NOT_SET}}\"{snapshot}}}\n\
             rules:\n  - match: {{table: library.members}}\n    rows: {{or: [{{name: {{eq: env.WHO}}}}, \
             {{not: {{id: {{lt: 5}}}}}}]}}\n"
        );
        scratch.file("mcpgen.yaml", text)
    };
    let output = run(&["check", &policy("")], &[], "");
    assert_eq!(output.status, 1);
    let about = |name: &str| output.stdout.matches(name).count();
    assert_eq!(about("NOT_SET is not set"), 1, "{}", output.stdout);
    assert!(output.stdout.contains("and `snapshot: ./snapshot.json`"));
    let with = policy(&format!(", snapshot: {}", snapshot()));
    let output = run(&["check", &with], &[], "").expect(0);
    for name in ["NOT_SET", "WHO"] {
        let warning = format!("warning[MG212]: the environment variable {name} is not set");
        assert!(output.stdout.contains(&warning), "{}", output.stdout);
    }
}

/// Integers of over 64 bits, which a `numeric` holds, keep their digits.
#[test]
fn rows_are_compared_with_large_numbers() {
    let (large, exact) = ("123456789012345678901", "12345678901234567890.55");
    let scratch = Scratch::new();
    let policy = scratch.file(
        "mcpgen.yaml",
        format!(
            "version: 1\nsources:\n  lib: {{postgres: \"${{env:LIBRARY_URL}}\", snapshot: ./snapshot.json}}\n\
             rules:\n  - match: {{table: public.sums}}\n    rows: {{total: {{lt: {large}, ne: {exact}}}}}\n"
        ),
    );
    let database = Database::new(
        "CREATE TABLE sums (id int PRIMARY KEY, total numeric);
         CREATE ROLE words_sums LOGIN; GRANT SELECT ON sums TO words_sums;
         INSERT INTO sums VALUES (1, 123456789012345678900), (2, 123456789012345678901), (3, 12345678901234567890.55);",
    );
    let url = database.dsn("words_sums");
    let snapshot = run(&["introspect", &url], &[], "").expect(0).stdout;
    scratch.file("snapshot.json", snapshot);
    let env = [("LIBRARY_URL", url.as_str())];
    let shown = run(&["call", &policy, "sums_find", "--dry-run"], &env, "").expect(0);
    for number in [large, exact] {
        assert!(
            shown.stdout.contains(&format!("'{number}'")),
            "{}",
            shown.stdout
        );
    }
    let found = run(&["call", &policy, "sums_find"], &env, "")
        .expect(0)
        .json();
    assert_eq!(
        found["rows"],
        json!([{"id": 1, "total": "123456789012345678900"}])
    );
}

/// Snapshots that cannot be read are shown where they go wrong.
#[test]
fn broken_snapshots() {
    let text = fs::read_to_string(snapshot()).unwrap();
    let scratch = Scratch::new();
    let key = "\"relations\": ";
    let at = text.find(key).unwrap() + key.len();
    let line = text[..at].lines().count();
    let column = text[..at].lines().last().unwrap().len() + 1;
    let (before, after) = text.split_at(at);
    for (name, broken, place, why) in [
        (
            "ends.json",
            before[..at - 3].to_owned(),
            format!("{line}:"),
            "the text ends inside",
        ),
        (
            "comma.json",
            format!("{before},{after}"),
            format!("{line}:{column}"),
            "expected value",
        ),
        (
            "kind.json",
            format!("{before}7, \"x\": {after}"),
            format!("{line}:{column}"),
            "invalid type: integer `7`",
        ),
    ] {
        let file = scratch.file(name, broken);
        let output = run(&["check", &file], &[], "");
        assert_eq!(output.status, 1, "{name}: {}", output.stdout);
        for part in [&format!("{name}:{place}"), why, "take a new one"] {
            assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
        }
    }
    let newer = text.replacen("\"mcpgen_snapshot\": 1", "\"mcpgen_snapshot\": 9", 1);
    let file = scratch.file("newer.json", newer);
    let output = run(&["check", &file], &[], "");
    assert_eq!(output.status, 2);
    let why = "newer.json: the snapshot is of format 9, and 1 is read";
    assert!(output.stderr.contains(why), "{}", output.stderr);
}

/// Samples of every tool fit what the tool says of its output, masks among them, and no database is asked.
#[test]
fn samples_without_a_database() {
    let policy = root().join("specs/library/mcpgen.yaml");
    let policy = policy.display().to_string();
    let plan = run(&["plan", &policy, "--json"], &[], "").expect(0).json();
    let mut client = crate::support::Client::start(&["serve", &policy, "--mock"], &[]).modern();
    let mut found = 0;
    for tool in plan["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        if !name.ends_with("_find") {
            continue;
        }
        let result = client.call(name, json!({}));
        let sample = &result["structuredContent"];
        let output = jsonschema::validator_for(&tool["output_schema"]).unwrap();
        assert!(output.is_valid(sample), "{name}: {sample}");
        assert_eq!(sample["returned"], 1, "{name}: {sample}");
        let said = result["content"].to_string();
        assert!(said.contains("no database was asked"), "{name}: {said}");
        found += 1;
    }
    assert!(found > 5, "{found}");
    let members = client.call("members_find", json!({}));
    assert_eq!(members["structuredContent"]["rows"][0]["email"], "***");
    let got = client.call("members_get", json!({"id": 1}));
    assert_eq!(got["structuredContent"]["row"]["email"], "***");
    let refused = client.call("members_find", json!({"filter": {"email": {"eq": "x"}}}));
    assert_eq!(refused["isError"], true);
}
