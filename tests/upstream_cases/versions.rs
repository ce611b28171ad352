//! What a version of OpenAPI has that others have not, as it arrives.

use serde_json::{Value, json};

use crate::threats::scene::{Scene, willing};

fn document() -> Value {
    let body = json!({"content": {"application/json": {"schema": {"type": "object", "properties": {"words": {}, "_method": {}}}}}});
    let answer = json!({"200": {"description": "ok"}});
    let id = json!({"in": "path", "name": "id", "required": true, "schema": {"type": "string"}});
    json!({
        "openapi": "3.2.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": {
            "/books": {"query": {"operationId": "search", "requestBody": body, "responses": answer}},
            "/books/{id}": {
                "parameters": [id],
                "additionalOperations": {
                    "COPY": {"operationId": "copy", "requestBody": body, "responses": answer},
                    "M-Search": {"operationId": "odd", "responses": answer},
                }
            }
        }
    })
}

#[test]
fn methods_of_3_2() {
    let mut scene = Scene::new(&document());
    let request = scene.sends("search", json!({"words": ["a"]}));
    assert_eq!(request.request_line, "QUERY /books HTTP/1.1");
    assert_eq!(request.json(), json!({"words": ["a"]}));
    assert_eq!(scene.sends("copy", json!({"id": "1"})).method(), "COPY");
    assert_eq!(scene.sends("odd", json!({"id": "1"})).method(), "M-Search");
    // A body that asks for more than the method can do does not leave.
    let disguised = json!({"_method": "DELETE"});
    scene.refuses("search", disguised, "refused_value");
    let disguised = json!({"id": "1", "_method": "DELETE"});
    scene.refuses("copy", disguised, "refused_value");
}

/// By default there are reads only, and a method that nobody knows is none.
#[test]
fn query_is_a_read_and_other_methods_are_not() {
    let mut scene = Scene::with(&document(), &[], &[], willing);
    assert_eq!(scene.client.tools().len(), 1);
    assert_eq!(scene.sends("search", json!({})).method(), "QUERY");
    let response = scene.client.request(
        "tools/call",
        json!({"name": "copy", "arguments": {"id": "1"}}),
    );
    assert!(response.get("error").is_some(), "{response}");
    assert!(scene.arrived().is_empty());
}
