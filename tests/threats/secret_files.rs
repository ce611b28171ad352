//! A30 for secrets that come from files.

use serde_json::json;

use super::scene::{Scene, document, operation};
use crate::support::{Recorded, Reply};

#[test]
fn a30_a_secret_from_a_file() {
    let shop = document(&json!({"/a": operation("get", "a", &json!({}))}));
    let policy = |file: &str| {
        let token = format!("${{file:./{file}}}");
        json!({
            "sources": {"shop": {"credential": "key"}},
            "credentials": {"key": {"bearer": {"token": token}}},
        })
    };
    let mut scene = Scene::under(&shop, &policy("secret"), &[], |request: &Recorded| {
        let said = request.header("authorization").unwrap_or_default();
        Reply::json(&json!({ "said": said }))
    });
    let (result, requests) = scene.call("a", json!({}));
    let sent = requests[0].header("authorization");
    assert_eq!(sent, Some("Bearer canary-of-a-file"));
    assert!(!result.to_string().contains("canary"), "{result}");
    // One that is not there is told by its name.
    let mut scene = Scene::under(&shop, &policy("missing"), &[], |_: &Recorded| {
        Reply::status(200)
    });
    let said = scene.refuses("a", json!({}), "missing_credential");
    assert!(
        said.contains("has to provide file ") && said.contains("missing"),
        "{said}"
    );
}
