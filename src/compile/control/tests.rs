//! What rules make of schemas and controls. Rules are written as in a policy, bodies and parameters as
//! in a document.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::*;
use crate::catalog::{Body, Output, Param};
use crate::compile::args;
use crate::runtime::manifest::{BodyFormat, Effect, Profile, Style};

mod parts;

/// An operation with parameters `(place, name, schema)`; one with `!` before its name is required.
fn capability(
    method: &str,
    params: &[(Place, &str, Value)],
    body: Option<(bool, Value)>,
) -> Capability {
    let params = params.iter().map(|(place, name, schema)| Param {
        name: name.trim_start_matches('!').to_owned(),
        place: *place,
        required: name.starts_with('!'),
        schema: schema.clone(),
        style: Style::Form,
        explode: true,
        allow_reserved: false,
        allow_empty: false,
        content: None,
    });
    Capability {
        operation: "op".into(),
        id: None,
        method: method.into(),
        path: "/a/{id}/{x}-{y}".into(),
        read: None,
        tags: vec![],
        effect: if method == "GET" { Effect::Read } else { Effect::Write },
        idempotent: true,
        summary: None,
        description: None,
        deprecated: false,
        base_url: None,
        server_loc: None,
        params: params.collect(),
        body: body.map(|(required, schema)| Body {
            content_type: "application/json".into(),
            also: vec![],
            format: BodyFormat::Json,
            required,
            schema,
            parts: IndexMap::new(),
            description: None,
        }),
        output: Output::default(),
        security: vec![],
        input_defs: json!({
            "Window": {"type": "object", "required": ["days"], "properties": {"days": {"type": "integer", "maximum": 365}}},
            "Loop": {"type": "object", "properties": {"again": {"$ref": "#/$defs/Loop"}, "n": {"type": "integer"}}},
        }).as_object().unwrap().clone(),
        loc: Loc::at(""),
    }
}

/// What rules make of an operation: the schema and the controls, as JSON, and the findings.
fn applied(
    capability: &Capability,
    mode: OnViolation,
    rules: &[Value],
) -> (Value, Value, Vec<String>) {
    let rules: Vec<IndexMap<String, ArgRule>> = rules
        .iter()
        .map(|rule| serde_json::from_value(rule.clone()).unwrap())
        .collect();
    let mut by_key: IndexMap<&str, Vec<(&ArgRule, usize)>> = IndexMap::new();
    for (index, rule) in rules.iter().enumerate() {
        for (key, rule) in rule {
            by_key.entry(key).or_default().push((rule, index));
        }
    }
    let mut arguments = args::arguments(&mut Cow::Borrowed(capability), Profile::None);
    let mut diags = Diagnostics::default();
    let mut misses = Misses::default();
    apply(
        &mut arguments,
        capability,
        &by_key,
        mode,
        &mut misses,
        &mut diags,
    );
    misses.report(&mut diags);
    let said = |found: &Diagnostic| {
        let loc = found.loc.as_ref().map(|loc| loc.pointer.clone());
        let help = found.help.clone().unwrap_or_default();
        format!(
            "{} {}: {} ({help})",
            found.code.as_str(),
            loc.unwrap_or_default(),
            found.message
        )
    };
    let schema = Value::Object(arguments.schema);
    (
        schema,
        json!(arguments.controls),
        diags.iter().map(said).collect(),
    )
}

/// One rule for parameters of a query.
#[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
fn of_query(method: &str, schema: Value, rule: Value) -> (Value, Value, Vec<String>) {
    let capability = capability(method, &[(Place::Query, "a", schema)], None);
    let (schema, controls, found) = applied(&capability, OnViolation::Auto, &[json!({"a": rule})]);
    (schema["properties"]["a"].clone(), controls, found)
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
#[test]
fn bounds_narrow_and_reads_clamp() {
    let moved = "Values beyond the bounds are moved to the nearest.";
    for (method, schema, rule, want, controls) in [
        (
            "GET",
            json!({"type": "integer", "minimum": 1, "maximum": 1000}),
            json!({"max": 100}),
            json!({"type": "integer", "minimum": 1, "maximum": 100, "description": moved}),
            json!([{"pointer": "/a", "clamp": {"max": 100, "floor": 1, "ceiling": 1000}}]),
        ),
        (
            "GET",
            json!({"type": "number"}),
            json!({"min": 0.5, "on_violation": "reject"}),
            json!({"type": "number", "minimum": 0.5}),
            json!([]),
        ),
        (
            "POST",
            json!({"type": "number"}),
            json!({"max": 500}),
            json!({"type": "number", "maximum": 500}),
            json!([]),
        ),
        (
            "POST",
            json!({"type": "number", "description": "Euros"}),
            json!({"max": 500, "on_violation": "clamp"}),
            json!({"type": "number", "description": format!("Euros. {moved}"), "maximum": 500}),
            json!([{"pointer": "/a", "clamp": {"max": 500, "fractions": true}}]),
        ),
        // What is not a number would be in no bound.
        (
            "POST",
            json!({"type": ["string", "integer", "null"]}),
            json!({"max": 5}),
            json!({"type": ["integer", "null"], "maximum": 5}),
            json!([]),
        ),
        (
            "POST",
            json!({}),
            json!({"max": 5}),
            json!({"maximum": 5, "type": "number"}),
            json!([]),
        ),
        (
            "POST",
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"max_length": 5}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}], "maxLength": 5, "type": "string"}),
            json!([]),
        ),
        (
            "GET",
            json!({"type": "array", "items": {"type": "string"}, "maxItems": 90}),
            json!({"max_items": 50}),
            json!({"type": "array", "items": {"type": "string"}, "maxItems": 50,
                "description": "Only the first 50 elements are used."}),
            json!([{"pointer": "/a", "max_items": 50, "items_ceiling": 90}]),
        ),
        // The document's default would be the upstream's choice.
        (
            "GET",
            json!({"type": "integer", "default": 500}),
            json!({"max": 100}),
            json!({"type": "integer", "default": 100, "maximum": 100, "description": moved}),
            json!([{"pointer": "/a", "clamp": {"max": 100}, "default": 100}]),
        ),
        (
            "POST",
            json!({"type": "integer", "default": 500}),
            json!({"max": 100}),
            json!({"type": "integer", "maximum": 100}),
            json!([]),
        ),
        (
            "GET",
            json!({"type": "string", "pattern": "^a", "enum": ["ab", "ac", "ad"]}),
            json!({"pattern": "b$|c$", "enum": ["ac", "ab"], "drop_if": "all"}),
            json!({"type": "string", "pattern": "^a", "enum": ["ac", "ab", "all"], "allOf": [{"pattern": "b$|c$"}],
                "description": "Not sent if it is \"all\"."}),
            json!([{"pointer": "/a", "drop_if": ["all"]}]),
        ),
        (
            "GET",
            json!({"type": "string", "minLength": 2}),
            json!({"const": "xy"}),
            json!({"type": "string", "enum": ["xy"], "default": "xy"}),
            json!([{"pointer": "/a", "default": "xy", "fixed": {"const": "xy"}}]),
        ),
        (
            "GET",
            json!({"type": "integer", "maximum": 9}),
            json!({"hide": true, "from": "env.T"}),
            Value::Null,
            json!([{"pointer": "/a", "fixed": {"env": {"name": "T", "schema": {"type": "integer", "maximum": 9}}}, "hidden": true}]),
        ),
        (
            "GET",
            json!({}),
            json!({"hide": true}),
            Value::Null,
            json!([{"pointer": "/a", "hidden": true}]),
        ),
        (
            "GET",
            json!({}),
            json!({"forbid": true}),
            Value::Null,
            json!([{"pointer": "/a", "hidden": true}]),
        ),
        (
            "GET",
            json!({}),
            json!({"hide": true, "default": 5}),
            Value::Null,
            json!([{"pointer": "/a", "fixed": {"const": 5}, "hidden": true}]),
        ),
    ] {
        let (schema, made, found) = of_query(method, schema.clone(), rule.clone());
        assert_eq!(found, Vec::<String>::new(), "{rule}");
        assert_eq!((&schema, &made), (&want, &controls), "{rule}");
    }
}

#[test]
fn a_page_size_has_the_narrower_bound() {
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 1000});
    for (mode, rule, want) in [
        (
            OnViolation::Auto,
            json!({"max": 100}),
            json!([{"pointer": "/limit", "clamp": {"min": 1, "max": 100}}]),
        ),
        (
            OnViolation::Auto,
            json!({"default": 9}),
            json!([{"pointer": "/limit", "clamp": {"min": 1, "max": 1000}, "default": 9}]),
        ),
        (OnViolation::Reject, json!({"max": 100}), json!([])),
        (
            OnViolation::Auto,
            json!({"on_violation": "reject"}),
            json!([]),
        ),
        (
            OnViolation::Auto,
            json!({"hide": true, "const": 9}),
            json!([{"pointer": "/limit", "fixed": {"const": 9}, "hidden": true}]),
        ),
    ] {
        let capability = capability("GET", &[(Place::Query, "limit", limit.clone())], None);
        let (_, controls, found) = applied(&capability, mode, &[json!({"limit": rule})]);
        assert_eq!((controls, found), (want, vec![]), "{rule}");
    }
}

#[test]
fn what_cannot_be() {
    let integer = || json!({"type": "integer", "minimum": 1, "maximum": 100});
    for (schema, rule, want) in [
        (
            integer(),
            json!({"max": 500}),
            "MG210 /rules/0/args/a/max: `a` is at most 100 in the document, and `max` is 500 (choose at most 100)",
        ),
        (
            integer(),
            json!({"min": 0}),
            "MG210 /rules/0/args/a/min: `a` is at least 1 in the document, and `min` is 0 (choose at least 1)",
        ),
        (
            integer(),
            json!({"max": 0}),
            "MG210 /rules/0/args/a/max: `a` is at least 1 in the document, and `max` is 0 (choose at least 1)",
        ),
        (
            integer(),
            json!({"max": 7.5}),
            "MG211 /rules/0/args/a/max: `a` is an integer, and `max` is 7.5 (write a whole number)",
        ),
        (
            json!({"type": "string"}),
            json!({"max": 5}),
            "MG211 /rules/0/args/a/max: `a` is of type string in the document, and `max` is for numbers (take `max` out)",
        ),
        (
            json!({"type": "string"}),
            json!({"max_items": 5}),
            "MG211 /rules/0/args/a/max_items: `a` is of type string in the document, and `max_items` is for lists (take `max_items` out)",
        ),
        (
            integer(),
            json!({"pattern": "x"}),
            "MG211 /rules/0/args/a/pattern: `a` is of type integer in the document, and `pattern` is for texts (take `pattern` out)",
        ),
        (
            json!({"type": "string", "maxLength": 5}),
            json!({"max_length": 6}),
            "MG210 /rules/0/args/a/max_length: `a` has at most 5 characters in the document, and `max_length` is 6 (choose at most 5)",
        ),
        (
            json!({"type": "array", "minItems": 5}),
            json!({"max_items": 4}),
            "MG210 /rules/0/args/a/max_items: `a` has at least 5 elements in the document, and `max_items` is 4 (choose at least 5)",
        ),
        (
            json!({"type": "string"}),
            json!({"pattern": "(?=x)"}),
            "MG211 /rules/0/args/a/pattern: the pattern of `a` cannot be used: ",
        ),
        (
            json!({"type": "string"}),
            json!({"pattern": "("}),
            "MG211 /rules/0/args/a/pattern: the pattern of `a` cannot be used: ",
        ),
        (
            json!({"type": "string", "enum": ["x"]}),
            json!({"enum": ["x", "z"]}),
            "MG210 /rules/0/args/a/enum/1: \"z\" is no value of `a` in the document: ",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"enum": ["x"]}),
            "MG210 /rules/0/args/a/enum/0: \"x\" is no value of `a` in the document: \"x\" is not of type \"array\" (for its elements, write `/a/*`)",
        ),
        (
            integer(),
            json!({"default": 200}),
            "MG210 /rules/0/args/a/default: `a` has the default 200, which is no value of it: 200 is greater than the maximum of 100 (",
        ),
        (
            integer(),
            json!({"const": 101}),
            "MG210 /rules/0/args/a/const: `a` is fixed to 101, which is no value of it: ",
        ),
        (
            json!({"type": "integer", "multipleOf": 5}),
            json!({"max": 99}),
            "MG211 /rules/0/args/a/max: `max` of `a` is 99, which is no value of it: ",
        ),
        (
            json!({}),
            json!({"slash": "encode"}),
            "MG211 /rules/0/args/a/slash: `a` is no argument of the path (only there",
        ),
        (
            json!({}),
            json!({"on_violation": "clamp"}),
            "MG211 /rules/0/args/a/on_violation: `a` has no bound to be moved into (",
        ),
        (
            json!({}),
            json!({"drop_if": "x", "default": "x"}),
            "MG211 /rules/0/args/a/default: the default of `a` is \"x\", which is dropped (",
        ),
        (
            json!({}),
            json!({"drop_if": "x", "hide": true, "const": "y"}),
            "MG211 /rules/0/args/a/drop_if: the value of `a` is not the caller's",
        ),
    ] {
        let (_, _, found) = of_query("GET", schema, rule.clone());
        assert!(
            matches!(found.as_slice(), [one] if one.starts_with(want)),
            "{rule}: {found:?}"
        );
    }
}

#[test]
fn what_one_rule_says_against_itself_is_told_once() {
    for rule in [
        json!({"min": 10, "max": 1}),
        json!({"max": 9, "default": 20}),
        json!({"enum": [1], "default": 2}),
    ] {
        let (_, _, found) = of_query("GET", json!({"type": "integer"}), rule.clone());
        assert_eq!(found, Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn names_and_places() {
    let id = || json!({"type": "integer"});
    let capability = capability(
        "GET",
        &[
            (Place::Path, "!id", id()),
            (Place::Path, "!x", json!({})),
            (Place::Header, "h", id()),
            (Place::Query, "dup", id()),
            (Place::Query, "q[name]", json!({})),
        ],
        Some((
            true,
            json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "w": {"$ref": "#/$defs/Window"}}}),
        )),
    );
    for (rule, want) in [
        (
            json!({"lim": {"max": 1}}),
            "MG205 /rules/0/args/lim: GET /a/{id}/{x}-{y} has no argument `lim` (there are `id__path`, `x`, `h`, `dup`, `q[name]`, `id`, `w`)",
        ),
        (
            json!({"dop": {"max": 1}}),
            "MG205 /rules/0/args/dop: GET /a/{id}/{x}-{y} has no argument `dop` (did you mean `dup`?)",
        ),
        (
            json!({"/w/dayz": {"max": 1}}),
            "MG205 /rules/0/args/~1w~1dayz: GET /a/{id}/{x}-{y} has no argument `/w/dayz` (did you mean `/w/days`?)",
        ),
        (
            json!({"/w/days/x": {"max": 1}}),
            "MG205 /rules/0/args/~1w~1days~1x: GET /a/{id}/{x}-{y} has no argument `/w/days/x` (nothing is known of what is in it)",
        ),
        (
            json!({"h": {"max": 1, "on_violation": "clamp"}}),
            "MG211 /rules/0/args/h/on_violation: `h` is in the header, where no value is moved (the nearest id",
        ),
        (
            json!({"x": {"slash": "encode"}}),
            "MG211 /rules/0/args/x/slash: `x` shares its segment of the path (",
        ),
        (
            json!({"id": {"forbid": true}}),
            "MG211 /rules/0/args/id/forbid: GET /a/{id}/{x}-{y} needs `id`, so without a value the tool could not be called (",
        ),
        (
            json!({"id__path": {"drop_if": 1}}),
            "MG211 /rules/0/args/id__path/drop_if: `id__path` is required, so it cannot be dropped (",
        ),
        (
            json!({"w": {"forbid": true}, "/w/days": {"max": 3}}),
            "MG211 /rules/0/args/~1w~1days: `/w/days` is inside `w`, whose value is not the caller's (",
        ),
        (
            json!({"dup": {"const": 1}, "/dup": {"const": 2}}),
            "MG207 /rules/0/args/~1dup/const: `dup` has its value by an earlier rule",
        ),
        (
            json!({"dup": {"hide": true, "const": 1}, "/dup": {"forbid": true}}),
            "MG207 /rules/0/args/~1dup/forbid: `dup` has its value by an earlier rule",
        ),
        (
            json!({"dup": {"min": 5}, "/dup": {"max": 1}}),
            "MG206 /rules/0/args/~1dup/max: `dup` is at least 5 and at most 1 (",
        ),
    ] {
        let (_, _, found) = applied(&capability, OnViolation::Auto, std::slice::from_ref(&rule));
        assert!(
            found.first().is_some_and(|one| one.starts_with(want)),
            "{rule}: {found:#?}"
        );
    }
    // Where nothing is moved, values are refused.
    let rule = json!({"id__path": {"max": 5, "slash": "encode"}, "h": {"max": 5}, "q[name]": {"enum": ["x"]}});
    let (schema, controls, found) = applied(&capability, OnViolation::Clamp, &[rule]);
    assert_eq!((controls, found), (json!([]), vec![]));
    assert_eq!(
        schema["properties"]["id__path"],
        json!({"type": "integer", "maximum": 5})
    );
}
