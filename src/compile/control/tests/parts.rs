//! Rules for parts of arguments, and what objects need together.

use super::*;

/// A body with nested objects, alternatives and lists.
fn search(method: &str, required: bool) -> Capability {
    capability(
        method,
        &[],
        Some((
            required,
            json!({
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": {"type": "string"},
                    "filter": {"anyOf": [{"$ref": "#/$defs/Window"}, {"type": "null"}]},
                    "other": {"$ref": "#/$defs/Window"},
                    "either": {"oneOf": [
                        {"type": "object", "required": ["t"], "properties": {"t": {"type": "integer"}}},
                        {"type": "object", "properties": {"t": {"type": "integer"}, "u": {}}},
                    ]},
                    "rows": {"type": "array", "items": {"$ref": "#/$defs/Loop"}},
                },
            }),
        )),
    )
}

#[test]
fn parts_of_arguments() {
    for (rule, pointer, want) in [
        (
            json!({"/filter/days": {"max": 90}}),
            "/properties/filter",
            json!({"anyOf": [
                {"type": "object", "required": ["days"], "properties": {"days": {"type": "integer", "maximum": 90}}},
                {"type": "null"},
            ]}),
        ),
        // The definition is shared, and stays as it is.
        (
            json!({"/filter/days": {"max": 90}}),
            "/properties/other",
            json!({"$ref": "#/$defs/Window"}),
        ),
        (
            json!({"/filter/days": {"max": 90}}),
            "/$defs/Window/properties/days/maximum",
            json!(365),
        ),
        // One that nothing refers to any more is gone.
        (
            json!({"/filter/days": {"max": 90}, "other": {"forbid": true}, "rows": {"forbid": true}}),
            "/$defs",
            Value::Null,
        ),
        // It holds in every alternative.
        (
            json!({"/either/t": {"max": 9}}),
            "/properties/either/properties",
            json!({"t": {"maximum": 9}}),
        ),
        (
            json!({"/rows/*/n": {"max": 9}}),
            "/properties/rows/items/properties/n",
            json!({"type": "integer", "maximum": 9}),
        ),
        (
            json!({"/rows/*/n": {"max": 9}}),
            "/properties/rows/items/properties/again",
            json!({"$ref": "#/$defs/Loop"}),
        ),
        (
            json!({"/rows/*/again/again/n": {"max": 9}}),
            "/properties/rows/items/properties/again/properties/again/properties/n/maximum",
            json!(9),
        ),
        (
            json!({"/either/t": {"hide": true, "const": 3}}),
            "/properties/either/oneOf",
            json!([{"type": "object", "properties": {}}, {"type": "object", "properties": {"u": {}}}]),
        ),
        (
            json!({"/filter/days": {"hide": true, "const": 3}}),
            "/properties/filter/anyOf/0",
            json!({"type": "object", "properties": {}}),
        ),
        // What the server fills in is not asked for; nor does it need what it does not have.
        (
            json!({"kind": {"hide": true, "const": "k"}}),
            "/required",
            Value::Null,
        ),
        (json!({"kind": {"default": "k"}}), "/required", Value::Null),
    ] {
        let (schema, _, found) = applied(
            &search("POST", true),
            OnViolation::Auto,
            std::slice::from_ref(&rule),
        );
        assert_eq!(found, Vec::<String>::new(), "{rule}");
        assert_eq!(
            schema.pointer(pointer).cloned().unwrap_or_default(),
            want,
            "{rule} {pointer}"
        );
    }
}

#[test]
fn what_is_needed_together() {
    // In a body that may be absent `kind` is needed as soon as anything else is given.
    for (rule, required, dependent) in [
        (json!({"/rows/*/n": {"max": 9}}), Value::Null, true),
        (
            json!({"kind": {"hide": true, "const": "k"}}),
            Value::Null,
            false,
        ),
        // A body is always sent now.
        (
            json!({"rows": {"hide": true, "const": []}}),
            json!(["kind"]),
            true,
        ),
    ] {
        let (schema, _, found) = applied(
            &search("POST", false),
            OnViolation::Auto,
            std::slice::from_ref(&rule),
        );
        assert_eq!(found, Vec::<String>::new(), "{rule}");
        assert_eq!(
            schema.get("required").cloned().unwrap_or_default(),
            required,
            "{rule}"
        );
        assert_eq!(
            schema.get("dependentRequired").is_some(),
            dependent,
            "{rule} {schema}"
        );
    }
    let rule = json!({"kind": {"forbid": true}});
    let (_, _, found) = applied(&search("POST", false), OnViolation::Auto, &[rule]);
    assert!(found[0].contains("needs `kind`"), "{found:?}");
    let pair = json!({"type": "object", "properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]});
    let pair = capability("POST", &[], Some((true, pair)));
    for (rule, good) in [
        (json!({"/body/a": {"forbid": true}}), true),
        (
            json!({"/body/a": {"forbid": true}, "/body/b": {"forbid": true}}),
            false,
        ),
        (
            json!({"/body/a": {"hide": true, "const": 1}, "/body/b": {"forbid": true}}),
            true,
        ),
    ] {
        let (_, _, found) = applied(&pair, OnViolation::Auto, std::slice::from_ref(&rule));
        assert_eq!(found.is_empty(), good, "{rule} {found:?}");
    }
    // A pin makes the object that it is in, but cannot make one that needs more.
    let both = json!({"type": "object", "properties": {"f": {"type": "object", "required": ["k"], "properties": {"k": {}, "t": {}}}}});
    let both = capability("POST", &[], Some((true, both)));
    for (rule, required) in [
        (json!({"/f/t": {"hide": true, "const": 1}}), json!(["f"])),
        (
            json!({"/f/t": {"hide": true, "const": 1}, "/f/k": {"const": 2}}),
            Value::Null,
        ),
    ] {
        let (schema, _, _) = applied(&both, OnViolation::Auto, std::slice::from_ref(&rule));
        assert_eq!(
            schema.get("required").cloned().unwrap_or_default(),
            required,
            "{rule}"
        );
    }
}
