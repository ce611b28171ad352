//! A1 and A1b: a path argument leaves its segment.

use serde_json::{Value, json};

use super::oracle;
use super::scene::{Scene, document, error_code, operation, param};

/// Templates with the placeholder first, in the middle, last, alone, and beside literal text.
const TEMPLATES: [(&str, &str); 6] = [
    ("first", "/{id}/profile"),
    ("middle", "/users/{id}/profile"),
    ("last", "/users/{id}"),
    ("only", "/{id}"),
    ("suffixed", "/files/{id}.json"),
    ("prefixed", "/v{id}/files"),
];

fn scene() -> Scene {
    let mut paths = serde_json::Map::new();
    for (id, template) in TEMPLATES {
        let rest = json!({"parameters": [param("path", "id", &json!({"type": "string"}))]});
        paths.insert(template.into(), operation("get", id, &rest));
    }
    let styled = |style: &str, explode: bool, schema: Value| {
        let mut parameter = param("path", "x", &schema);
        parameter["style"] = style.into();
        parameter["explode"] = explode.into();
        json!([parameter])
    };
    let list = json!({"type": "array", "items": {"type": "string"}});
    let object = json!({"type": "object", "additionalProperties": {"type": "string"}});
    for (id, parameters) in [
        ("simple_list", styled("simple", false, list.clone())),
        ("label", styled("label", false, json!({"type": "string"}))),
        ("label_list", styled("label", true, list.clone())),
        ("matrix", styled("matrix", false, json!({"type": "string"}))),
        ("matrix_list", styled("matrix", true, list)),
        ("matrix_object", styled("matrix", true, object.clone())),
        ("simple_object", styled("simple", true, object)),
    ] {
        let rest = json!({"parameters": parameters});
        paths.insert(format!("/{id}/{{x}}/end"), operation("get", id, &rest));
    }
    let two = ["a", "b"].map(|name| param("path", name, &json!({"type": "string"})));
    paths.insert(
        "/two/{a}{b}/end".into(),
        operation("get", "two", &json!({"parameters": two})),
    );
    Scene::new(&document(&Value::Object(paths)))
}

#[test]
fn a01_path_traversal() {
    let mut scene = scene();
    let long = "x".repeat(10_000);
    for (value, sent) in [
        ("../../admin", false),
        ("..%2Fadmin", false),
        ("..%2fadmin", false),
        ("%2e%2e%2fadmin", false),
        ("%252e%252e%252fadmin", false),
        ("%25252e%25252e", false),
        ("..\\admin", false),
        ("..%5cadmin", false),
        ("..;", false),
        ("..;jsessionid=1", false),
        ("..;/admin", false),
        (";", false),
        ("a/b", false),
        ("/etc/passwd", false),
        ("a\\b", false),
        ("a%2Fb", false),
        ("a%252fb", false),
        ("a%00", false),
        ("a\0b", false),
        ("..\t", false),
        (".\t.", false),
        ("\r\n", false),
        ("a\r\nX-Evil: 1", false),
        ("a\u{7f}", false),
        ("a\u{85}b", false),
        ("\u{ff0e}\u{ff0e}", false),
        ("\u{ff0e}\u{ff0e}\u{ff0f}admin", false),
        ("\u{2025}", false),
        ("\u{2024}\u{2024}", false),
        ("\u{fe52}\u{fe52}", false),
        ("\u{ff05}2e\u{ff05}2e", false),
        ("a\u{ff0f}b", false),
        ("a\u{ff3c}b", false),
        ("%ef%bc%8e%ef%bc%8e", false),
        ("%c0%ae%c0%ae", false),
        ("%c0%af", false),
        ("%e0%80%ae", false),
        ("", false),
        (" ", false),
        ("\u{a0}", false),
        (long.as_str(), false),
        ("?admin=true", true),
        ("#fragment", true),
        ("a?b#c&d=e", true),
        ("@evil.example", true),
        (":8080", true),
        ("a b", true),
        ("a+b", true),
        ("ä", true),
        ("💥", true),
        ("a\u{202e}b", true),
        ("50%", true),
        ("%zz", true),
        ("a%20b", true),
        ("{id}", true),
        ("...", true),
        ("..a", true),
        ("a..", true),
        ("~root", true),
        ("*", true),
        ("$(id)", true),
        ("'\"<>|^`", true),
    ] {
        for (tool, template) in TEMPLATES {
            let (result, requests) = scene.call(tool, json!({"id": value}));
            if !sent {
                assert_eq!(
                    error_code(&result),
                    "refused_value",
                    "{value:?} {tool}: {result}"
                );
                assert!(requests.is_empty(), "{value:?} {tool}: {requests:?}");
                continue;
            }
            let [request] = &requests[..] else {
                panic!("{value:?} {tool}: {result}")
            };
            assert_eq!(request.query(), None, "{value:?} {tool}");
            let values = oracle::in_template(template, request.path());
            assert!(
                values.is_empty() || values == [value],
                "{value:?} {tool}: {values:?}"
            );
        }
    }
}

#[test]
fn a01b_dots_in_every_placement() {
    let mut scene = scene();
    for dots in [
        ".",
        "..",
        "%2e",
        "%2e%2e",
        "%2E%2E",
        ".%2e",
        "%2e.",
        "%252e%252e",
        "..;a",
        ".. ",
        " ..",
        "..?",
        "..#",
        "..?x=1",
        "%2e%2e%3b",
        "..%20",
        "%2e%2e%20",
    ] {
        for (tool, _) in TEMPLATES {
            scene.refuses(tool, json!({"id": dots}), "refused_value");
        }
        for (tool, value) in [
            ("simple_list", json!([dots])),
            ("simple_list", json!(["a", dots])),
            ("label", json!(dots)),
            ("label_list", json!(["a", dots])),
            ("matrix", json!(dots)),
            ("matrix_list", json!([dots, "a"])),
            ("matrix_object", json!({"a": dots})),
            ("matrix_object", json!({dots: "a"})),
            ("simple_object", json!({dots: dots})),
        ] {
            scene.refuses(tool, json!({"x": value}), "refused_value");
        }
    }
    // A list, an object or a null that would leave the segment empty.
    for (tool, value) in [
        ("simple_list", json!([])),
        ("simple_list", json!([""])),
        ("label_list", json!([])),
        ("matrix_object", json!({"": "a"})),
    ] {
        scene.refuses(tool, json!({"x": value}), "refused_value");
    }
    for (tool, value, segment) in [
        ("simple_list", json!(["a,b", "c"]), "a%2Cb,c"),
        ("label", json!("a.b"), ".a.b"),
        ("matrix", json!("a;x=1"), ";x=a%3Bx%3D1"),
        ("matrix_object", json!({"a;b": "c=d"}), ";a%3Bb=c%3Dd"),
    ] {
        let request = scene.sends(tool, json!({"x": value}));
        assert_eq!(request.path(), format!("/{tool}/{segment}/end"));
    }
}

#[test]
fn a01c_a_segment_made_of_two_arguments() {
    let mut scene = scene();
    for (a, b) in [
        (".", "."),
        ("%2", "e%2e"),
        ("%2e%2", "e"),
        ("%", "2e%2e"),
        ("a%2", "fadmin"),
        ("a%2", "Fadmin"),
        ("a%5", "cadmin"),
        ("a%252", "fadmin"),
        ("a%0", "0"),
    ] {
        let (result, requests) = scene.call("two", json!({"a": a, "b": b}));
        assert_eq!(result["isError"], true, "{a} {b}: {result}");
        assert!(requests.is_empty(), "{a} {b}: {requests:?}");
    }
    let request = scene.sends("two", json!({"a": "50%", "b": "x"}));
    assert_eq!(request.path(), "/two/50%25x/end");
}
