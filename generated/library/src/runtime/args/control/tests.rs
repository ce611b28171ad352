//! What becomes of arguments under controls, as a caller and an upstream see it.

use super::super::{Args, Checker};
use super::*;
use serde_json::json;
use std::sync::Arc;

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn checker(schema: &Value, controls: &Value) -> Checker {
    let controls: Vec<Control> = serde_json::from_value(controls.clone()).unwrap();
    let set = |name: &str, text: &str| (name.to_owned(), Secret::new(text));
    let variables = [
        set("TENANT", "acme"),
        set("NUMBER", "7"),
        set("WORD", "seven"),
    ];
    Checker::new(
        &controls,
        Arc::new(object(schema)),
        &BTreeMap::from(variables),
    )
}

/// What is sent, as JSON; or the message of the error.
fn sent(checker: &Checker, args: &str) -> Result<(Value, Args), String> {
    let args = checker
        .check(object(&read(args)))
        .map_err(|error| error.message)?;
    let all = args.sent.clone().unwrap_or_else(|| args.values.clone());
    Ok((Value::Object(all), args))
}

#[test]
fn numbers_move_exactly() {
    let schema = |kind: &str| json!({"type": "object", "properties": {"a": {"type": kind, "minimum": 0.5, "maximum": 9_007_199_254_740_993_i64}}});
    for (kind, bound, given, want) in [
        (
            "number",
            r#"{"min": 0.5, "max": 9007199254740993, "fractions": true}"#,
            "0.4999999999999999999999",
            Some("0.5"),
        ),
        (
            "number",
            r#"{"min": 0.5, "fractions": true}"#,
            "0.5000",
            Some("0.5000"),
        ),
        (
            "number",
            r#"{"max": 9007199254740993, "fractions": true}"#,
            "9007199254740993.0000001",
            Some("9007199254740993"),
        ),
        (
            "integer",
            r#"{"max": 9007199254740993}"#,
            "9007199254740994",
            Some("9007199254740993"),
        ),
        (
            "integer",
            r#"{"max": 9007199254740993}"#,
            "9007199254740993",
            Some("9007199254740993"),
        ),
        ("integer", r#"{"max": 100}"#, "1e2", Some("1e+2")),
        ("integer", r#"{"max": 100}"#, "100.0", Some("100.0")),
        ("integer", r#"{"max": 100}"#, "101.0", Some("100")),
        // A fraction of an integer is no integer, wherever it is.
        ("integer", r#"{"max": 100}"#, "101.5", None),
        // Outside what the document allows.
        (
            "integer",
            r#"{"max": 100, "ceiling": 9007199254740993}"#,
            "9007199254740994",
            None,
        ),
        (
            "integer",
            r#"{"max": 100, "ceiling": 9007199254740993}"#,
            "9007199254740993",
            Some("100"),
        ),
        (
            "number",
            r#"{"min": 3, "floor": 0.5, "fractions": true}"#,
            "0.49",
            None,
        ),
        (
            "number",
            r#"{"min": 3, "floor": 0.5, "fractions": true}"#,
            "0.5",
            Some("3"),
        ),
        (
            "number",
            r#"{"min": 3, "fractions": true}"#,
            "-0",
            Some("3"),
        ),
        (
            "number",
            r#"{"max": 3, "fractions": true}"#,
            "1e999",
            Some("3"),
        ),
    ] {
        let controls = json!([{"pointer": "/a", "clamp": read(bound)}]);
        let got = sent(
            &checker(&schema(kind), &controls),
            &format!(r#"{{"a": {given}}}"#),
        );
        let got = got.ok().map(|(value, _)| value["a"].to_string());
        assert_eq!(got.as_deref(), want, "{kind} {bound} {given}");
    }
}

#[test]
fn parts_and_elements() {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "f": {"type": ["object", "null"], "properties": {"days": {"type": "integer", "maximum": 90}, "tag": {"enum": ["a", "all"]}}},
            "rows": {"type": "array", "maxItems": 2, "items": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "q": {"type": "string"}, "limit": {"type": "integer"},
        }
    });
    let controls = json!([
        {"pointer": "/f/days", "clamp": {"max": 90}, "default": 30},
        {"pointer": "/f/tag", "drop_if": ["all"]},
        {"pointer": "/rows", "max_items": 2, "items_ceiling": 4},
        {"pointer": "/rows/*/n", "clamp": {"max": 9}},
        {"pointer": "/tags/*", "drop_if": ["x"]},
        {"pointer": "/q", "drop_if": ["", 5], "default": "d"},
        {"pointer": "/limit", "default": 20, "drop_if": [0]},
    ]);
    let checker = checker(&schema, &controls);
    for (given, want, clamped) in [
        ("{}", r#"{"q":"d","limit":20}"#, "{}"),
        // What is dropped was given.
        (r#"{"q":"","limit":0.0}"#, "{}", "{}"),
        (
            r#"{"q":"x","f":{"days":365,"tag":"all"}}"#,
            r#"{"q":"x","f":{"days":90},"limit":20}"#,
            r#"{"/f/days":[365,90]}"#,
        ),
        (
            r#"{"q":"","f":{}}"#,
            r#"{"f":{"days":30},"limit":20}"#,
            "{}",
        ),
        (r#"{"q":"","f":null}"#, r#"{"f":null,"limit":20}"#, "{}"),
        (
            r#"{"q":"","rows":[{"n":99},{},{"n":5}],"limit":0}"#,
            r#"{"rows":[{"n":9},{}]}"#,
            r#"{"/rows":[3,2],"/rows/0/n":[99,9]}"#,
        ),
        (
            r#"{"q":"","limit":0,"tags":["x","y","x"]}"#,
            r#"{"tags":["y"]}"#,
            "{}",
        ),
        // A text that holds a value is read before anything else.
        (r#"{"q":"","limit":"0","f":"{\"days\":\"1\"}"}"#, "", ""),
        (
            r#"{"q":"","limit":"0","f":"{\"days\":365}"}"#,
            r#"{"f":{"days":90}}"#,
            r#"{"/f/days":[365,90]}"#,
        ),
    ] {
        match sent(&checker, given) {
            Ok((got, args)) => {
                assert_eq!(got, read(want), "{given}");
                assert_eq!(
                    Value::Object(args.changes().clamped_pairs()),
                    read(clamped),
                    "{given}"
                );
            }
            Err(message) => assert_eq!(want, "", "{given} {message}"),
        }
    }
    for (given, line) in [
        (r#"{"rows":[{},{},{},{},{}]}"#, "/rows: "),
        (r#"{"f":{"days":1.5}}"#, "/f/days: "),
        (r#"{"f":{"tag":"b"}}"#, "/f/tag: "),
    ] {
        let message = sent(&checker, given).unwrap_err();
        assert!(message.contains(line), "{message}");
    }
}

#[test]
fn pins_hold_and_are_not_seen() {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "f": {"type": ["object", "null", "string"], "properties": {}},
            "rows": {"type": ["array", "string"], "items": {"type": "object"}},
            "seen": {"enum": ["v"]}
        }
    });
    let controls = json!([
        {"pointer": "/f/tenant", "fixed": {"const": "acme"}, "hidden": true},
        {"pointer": "/f/in/deep", "fixed": {"env": {"name": "NUMBER", "schema": {"type": "integer"}}}, "hidden": true},
        {"pointer": "/rows/*/t", "fixed": {"const": 1}, "hidden": true},
        {"pointer": "/top", "fixed": {"env": {"name": "TENANT", "schema": {}}}, "hidden": true},
        {"pointer": "/gone", "hidden": true},
        {"pointer": "/f/gone", "hidden": true},
        {"pointer": "/seen", "fixed": {"const": "v"}, "default": "v"},
    ]);
    let checker = checker(&schema, &controls);
    let always = r#""top":"acme","seen":"v""#;
    let f = r#""f":{"tenant":"acme","in":{"deep":7}}"#;
    for (given, want) in [
        ("{}", format!("{{{f},{always}}}")),
        (r#"{"f":null}"#, format!("{{{f},{always}}}")),
        (
            r#"{"f":{"a":1}}"#,
            format!(r#"{{"f":{{"a":1,"tenant":"acme","in":{{"deep":7}}}},{always}}}"#),
        ),
        (r#"{"f":{"in":null}}"#, format!("{{{f},{always}}}")),
        (
            r#"{"f":{"in":{"deeper":1}}}"#,
            format!(r#"{{"f":{{"in":{{"deeper":1,"deep":7}},"tenant":"acme"}},{always}}}"#),
        ),
        (
            r#"{"rows":[{"a":1},{}],"seen":"v"}"#,
            format!(r#"{{"rows":[{{"a":1,"t":1}},{{"t":1}}],{f},{always}}}"#),
        ),
        (r#"{"rows":[]}"#, format!(r#"{{"rows":[],{f},{always}}}"#)),
    ] {
        let (got, args) = sent(&checker, given).unwrap();
        assert_eq!(got, read(&want), "{given}");
        let seen = Value::Object(args.values().clone()).to_string();
        assert!(!seen.contains("acme") && !seen.contains("deep\""), "{seen}");
        let masked = checker.masked(&args).unwrap();
        assert_eq!(masked.get("top"), Some(&json!("***")));
        assert_eq!(masked.get("f").unwrap()["in"]["deep"], "***");
        assert_eq!(masked.get("f").unwrap()["tenant"], "acme");
    }
    for (given, line) in [
        (
            r#"{"f":{"tenant":"evil"}}"#,
            "\n- /f/tenant: no such argument",
        ),
        (
            r#"{"f":{"tenant":null}}"#,
            "\n- /f/tenant: no such argument",
        ),
        (r#"{"f":{"gone":1}}"#, "\n- /f/gone: no such argument"),
        // Servers may read these as the same name, and take the last.
        (
            r#"{"f":{"Tenant":"evil"}}"#,
            "\n- /f/Tenant: no such argument",
        ),
        (
            r#"{"f":{"ten-ant[]":"evil"}}"#,
            "\n- /f/ten-ant[]: no such argument",
        ),
        (r#"{"f":{"\uff54enant":"evil"}}"#, ": no such argument"),
        (
            r#"{"f":{"in":{"deep":7}}}"#,
            "\n- /f/in/deep: no such argument",
        ),
        (
            r#"{"rows":[{},{"t":1}]}"#,
            "\n- /rows/1/t: no such argument",
        ),
        (r#"{"top":"acme"}"#, "\n- /top: no such argument"),
        (r#"{"gone":1}"#, "\n- /gone: no such argument"),
        (r#"{"nothing":1}"#, "\n- /nothing: no such argument"),
        (r#"{"seen":"w"}"#, "\n- /seen: "),
        // A pin that cannot be put where it belongs.
        (r#"{"f":"text"}"#, "\n- /f: is not an object"),
        (r#"{"f":{"in":5}}"#, "\n- /f/in: is not an object"),
        (r#"{"rows":"text"}"#, "\n- /rows: is not a list"),
    ] {
        let message = sent(&checker, given).unwrap_err();
        assert!(message.contains(line), "{given}: {message}");
        assert!(!message.contains("acme"), "{message}");
    }
    // In the very same words as what there is not.
    let words = |given: &str| sent(&checker, given).unwrap_err();
    assert_eq!(
        words(r#"{"top":1,"seen":"w"}"#).replace("top", "xyz"),
        words(r#"{"xyz":1,"seen":"w"}"#)
    );
}

#[test]
fn what_a_hook_makes_is_checked_and_filled_in_again() {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {"a": {"enum": ["x", "y", "all"]}, "n": {"type": "integer", "maximum": 9}}
    });
    let controls = json!([
        {"pointer": "/a", "drop_if": ["all"]},
        {"pointer": "/n", "clamp": {"max": 9}},
        {"pointer": "/t", "fixed": {"const": "acme"}, "hidden": true},
    ]);
    let checker = checker(&schema, &controls);
    let first = || checker.check(object(&json!({"a": "x", "n": 99}))).unwrap();
    assert_eq!(first().values(), &object(&json!({"a": "x", "n": 9})));
    for (hooked, want) in [
        (
            json!({"a": "x", "n": 9}),
            Some(json!({"a": "x", "n": 9, "t": "acme"})),
        ),
        (json!({}), Some(json!({"t": "acme"}))),
        (json!({"a": "all"}), Some(json!({"t": "acme"}))),
        (json!({"n": 10}), None),
        (json!({"t": "evil"}), None),
        (json!({"t": "acme"}), None),
    ] {
        let got = checker.recheck(object(&hooked), first());
        match got {
            Ok(args) => assert_eq!(args.sent.map(Value::Object), want, "{hooked}"),
            Err(error) => assert_eq!((error.code, want), ("hook_refused", None), "{hooked}"),
        }
    }
}

#[test]
fn values_of_the_environment() {
    for (schema, text, want) in [
        (json!({}), "7", Ok(json!("7"))),
        (json!({"type": "integer"}), "7", Ok(json!(7))),
        (
            json!({"type": "integer"}),
            "9007199254740993",
            Ok(json!(9_007_199_254_740_993_i64)),
        ),
        (json!({"type": "boolean"}), "true", Ok(json!(true))),
        (
            json!({"type": "array", "items": {"type": "integer"}}),
            "[1,2]",
            Ok(json!([1, 2])),
        ),
        (
            json!({"$ref": "#/$defs/I", "$defs": {"I": {"type": "integer"}}}),
            "7",
            Ok(json!(7)),
        ),
        (
            json!({"type": "integer", "maximum": 5}),
            "7",
            Err("whose value is none that the argument may have"),
        ),
        (
            json!({"type": "integer"}),
            " 7",
            Err("whose value is none that the argument may have"),
        ),
        (
            json!({"type": "string", "maxLength": 1}),
            "77",
            Err("whose value is none that the argument may have"),
        ),
    ] {
        assert_eq!(read_as(&object(&schema), text), want, "{schema} {text}");
    }
    // A server that was made without its values refuses.
    for name in ["ABSENT", "WORD"] {
        let controls = json!([{"pointer": "/t", "fixed": {"env": {"name": name, "schema": {"type": "integer"}}}, "hidden": true}]);
        let checker = checker(&json!({"type": "object"}), &controls);
        let error = checker.check(Map::new()).unwrap_err();
        assert_eq!(error.code, "missing_value");
        assert!(error.text().contains(name) && !error.text().contains("seven"));
    }
}
