//! A7, of multipart bodies: no value ends a part, names another or adds a header. What was sent is read
//! by a parser that shares no code with what wrote it: that of Node, where it is installed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::scene::{Scene, document, operation, willing};
use crate::interop::installed;
use crate::support::Recorded;
use crate::support::process::run_program;

/// Whatever a value could end a part with.
const HOSTILE: [&str; 12] = [
    "x\r\nContent-Disposition: form-data; name=\"admin\"\r\n\r\ntrue",
    "--",
    "\r\n--mcpgen-0000000000000000--\r\n",
    "\r\n--x\r\nContent-Disposition: form-data; name=\"admin\"\r\n\r\ntrue\r\n--x--",
    "\"; filename=\"x",
    "a\\\"b",
    "%22%0D%0A",
    "\r\n",
    "\n\n",
    "",
    "ä \u{1f4a5} \u{202e}",
    "\0",
];

fn scene() -> Scene {
    let file = json!({"type": "string", "format": "binary"});
    let string = json!({"type": "string"});
    let form = |media: &str, schema: &Value| {
        let content = json!({media: {"schema": schema, "encoding": {"spread": {"style": "form"}}}});
        json!({"requestBody": {"required": true, "content": content}})
    };
    let spread = json!({"type": "object", "additionalProperties": string});
    let fields = json!({"file": file, "files": {"type": "array", "items": file}, "text": string, "meta": {"type": "object"},
        "spread": spread, "role": {"type": "string", "enum": ["user"]}});
    let closed = json!({"type": "object", "properties": fields});
    let open = json!({"type": "object", "properties": fields, "additionalProperties": string});
    Scene::new(&document(&json!({
        "/closed": operation("post", "closed", &form("multipart/form-data", &closed)),
        "/open": operation("post", "open", &form("multipart/form-data", &open)),
        "/open_pairs": operation("post", "open_pairs", &form("application/x-www-form-urlencoded", &open)),
    })))
}

/// The entries of a body; nothing if there is no Node.
fn entries(request: &Recorded) -> Option<Value> {
    installed("MCPGEN_NODE_DIR")?;
    let node = std::env::var("MCPGEN_NODE").unwrap_or_else(|_| "node".to_owned());
    let content_type = request.header("content-type").expect("a body has a type");
    let arguments = ["tests/interop/form_data.mjs", content_type];
    Some(
        run_program(&node, &arguments, &[], &request.body)
            .expect(0)
            .json(),
    )
}

fn uri(kind: &str, name: &str, bytes: &[u8]) -> String {
    let name: Vec<String> = name.bytes().map(|b| format!("%{b:02X}")).collect();
    let name = name.concat();
    format!("data:{kind};name={name};base64,{}", STANDARD.encode(bytes))
}

#[test]
fn a07_parts_end_where_they_should() {
    let mut scene = scene();
    let hostile: String = HOSTILE.concat();
    let bytes = [hostile.as_bytes(), &[0, 255, 254, 13, 10]].concat();
    let picture = uri("image/png", "ä \"quoted\" name.png", &bytes);
    let arguments = json!({
        "text": hostile,
        "file": picture,
        "files": [STANDARD.encode(&bytes), picture],
        "meta": {hostile.clone(): [hostile, null, 1.50]},
    });
    let request = scene.sends("closed", arguments.clone());
    let Some(found) = entries(&request) else {
        return;
    };
    let content = STANDARD.encode(&bytes);
    let want = json!([
        ["file", "ä \"quoted\" name.png", "image/png", content],
        ["files", "files", "application/octet-stream", content],
        ["files", "ä \"quoted\" name.png", "image/png", content],
        ["text", hostile],
        ["meta", arguments["meta"].to_string()],
    ]);
    assert_eq!(found, want);
    // Names that the argument chooses.
    for name in HOSTILE.iter().filter(|name| !name.trim().is_empty()) {
        let arguments = json!({"body": {*name: hostile}});
        if name.contains(['\0', '\\']) {
            scene.refuses("open", arguments, "refused_value");
            continue;
        }
        let request = scene.sends("open", arguments);
        let found = entries(&request).expect("it was there before");
        // Line ends in names become those of the network (WHATWG HTML §4.10.21.8), or stay.
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
        assert_eq!(found[0][1], hostile.as_str());
    }
}

#[test]
fn a07_the_same_arguments_make_the_same_bytes() {
    let mut scene = scene();
    let first = scene.sends("closed", json!({"text": "a"}));
    let again = scene.sends("closed", json!({"text": "a"}));
    let boundary = |request: &Recorded| {
        let text = request.header("content-type").unwrap_or_default();
        text.split("boundary=")
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        (&first.body, boundary(&first)),
        (&again.body, boundary(&again))
    );
    // Content that holds the boundary it would have got.
    let other = scene.sends("closed", json!({"text": boundary(&first)}));
    assert!(
        !other
            .text()
            .contains(&format!("\r\n{}\r\n", boundary(&other)))
    );
}

#[test]
fn a07_file_names_and_types() {
    let mut scene = scene();
    for (name, ok) in [
        ("a.png", true),
        ("folder/a.png", true),
        ("a\"; x=\"y.png", true),
        ("..", false),
        ("../../etc/cron.d/x", false),
        ("a/../../b", false),
        ("/etc/passwd", false),
        ("..\\..\\x", false),
        ("C:\\x", false),
        ("a\r\nX-Evil: 1", false),
        ("a\0.png", false),
        (&"x".repeat(300), false),
    ] {
        let arguments = json!({"file": uri("image/png", name, b"x")});
        if ok {
            let request = scene.sends("closed", arguments);
            assert_eq!(request.text().matches("Content-Disposition").count(), 1);
        } else {
            let told = scene.refuses("closed", arguments, "refused_value");
            assert!(told.contains("file name"), "{told}");
        }
    }
    for kind in [
        "image/png\r\nX: y",
        "image",
        "a/b/c",
        "image/*",
        "a b/c",
        "\"a/b",
    ] {
        scene.refuses(
            "closed",
            json!({"file": uri(kind, "a", b"x")}),
            "refused_value",
        );
    }
    for file in [
        "data:image/png;base64,***",
        "data:image/png",
        "nothing of the kind",
    ] {
        scene.refuses("closed", json!({"file": file}), "refused_value");
    }
}

#[test]
fn a07_no_field_takes_the_name_of_another() {
    let mut scene = scene();
    for tool in ["open", "open_pairs"] {
        for name in [
            "Role",
            "role[]",
            "ROLE",
            "rolE[x]",
            "file[]",
            "%72ole",
            "ｒｏｌｅ",
            "role\0",
        ] {
            scene.refuses(
                tool,
                json!({"body": {"role": "user", name: "admin"}}),
                "refused_value",
            );
            scene.refuses(tool, json!({"body": {name: "admin"}}), "refused_value");
        }
        for name in ["role", "Role", "role[]", "file", "", " "] {
            scene.refuses(
                tool,
                json!({"body": {"spread": {name: "admin"}}}),
                "refused_value",
            );
        }
        for name in ["_method", "_method[]", "X-HTTP-Method-Override"] {
            scene.refuses(tool, json!({"body": {name: "DELETE"}}), "refused_value");
            scene.refuses(
                tool,
                json!({"body": {"spread": {name: "DELETE"}}}),
                "refused_value",
            );
        }
        scene.sends(
            tool,
            json!({"body": {"role": "user", "roles": "x", "spread": {"k": "v"}}}),
        );
    }
}

/// Frameworks merge the fields of a form with those of the query: such a field would stand in for the
/// owner's credential, and what is written would be somebody else's.
#[test]
fn a06_no_field_is_a_credential() {
    let string = json!({"type": "string"});
    let fields = json!({"text": string, "token": string, "spread": {"type": "object"}});
    let open = json!({"type": "object", "properties": fields, "additionalProperties": string});
    let form = |media: &str| {
        let content = json!({"schema": open, "encoding": {"spread": {"style": "form"}}});
        let security = json!([{"key": [], "jar": []}, {"other": []}]);
        json!({"requestBody": {"required": true, "content": {media: content}}, "security": security})
    };
    let mut doc = document(&json!({
        "/parts": operation("post", "parts", &form("multipart/form-data")),
        "/pairs": operation("post", "pairs", &form("application/x-www-form-urlencoded")),
    }));
    let key = |place: &str, name: &str| json!({"type": "apiKey", "in": place, "name": name});
    doc["components"]["securitySchemes"] = json!({
        "key": key("query", "api_key"), "jar": key("cookie", "sid"), "other": key("query", "token"),
    });
    let env = [("SHOP_KEY", "secret-value"), ("SHOP_JAR", "secret-value")];
    let mut scene = Scene::with(&doc, &["--enable", "write"], &env, willing);
    for tool in ["parts", "pairs"] {
        for name in [
            "api_key",
            "API-KEY",
            "api_key[]",
            "api%5Fkey",
            "\u{ff41}pi_key",
            "sid",
        ] {
            for body in [json!({name: "mine"}), json!({"spread": {name: "mine"}})] {
                scene.refuses(tool, json!({"body": body}), "refused_value");
            }
        }
        // What the document declares is the API's own, and so is what only looks like one.
        for body in [
            json!({"token": "x"}),
            json!({"api_keys": "x"}),
            json!({"text": "api_key"}),
        ] {
            scene.sends(tool, json!({"body": body}));
        }
    }
}
