//! Which credentials go with a call: alternatives, parameters that a credential fills, and tokens that
//! are fetched with client credentials.

mod tokens;

use serde_json::{Value, json};

use crate::support::{Recorded, Reply, Scratch, Upstream, run};
use crate::threats::scene::{Scene, document, error_code, operation, param, text, willing};

/// The schemes of these tests; their variables begin with `SHOP_`.
fn schemes() -> Value {
    json!({
        "head": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "query": {"type": "apiKey", "in": "query", "name": "api_key"},
        "jar": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "basic": {"type": "http", "scheme": "basic"},
        "login": {"type": "openIdConnect", "openIdConnectUrl": "https://login.example/x"},
        "device": {"type": "mutualTLS"},
    })
}

/// The credentials that came with a request, in the order of [`schemes`].
fn brought(request: &Recorded) -> String {
    let authorization = request.header("authorization").unwrap_or_default();
    let found = [
        ("head", request.header("x-key").is_some()),
        (
            "query",
            request.query().is_some_and(|q| q.contains("api_key=")),
        ),
        ("jar", request.header("cookie").is_some()),
        ("basic", authorization.starts_with("Basic ")),
        ("login", authorization.starts_with("Bearer ")),
    ];
    let found = found.iter().filter(|(_, there)| *there);
    found.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

/// Alternatives of an operation: what is written for OpenAPI's `security`.
fn ways() -> Vec<(&'static str, Value)> {
    vec![
        ("open", json!([])),
        ("one", json!([{"head": []}])),
        ("either", json!([{"head": []}, {"query": []}])),
        ("both", json!([{"head": [], "query": []}])),
        (
            "pairs",
            json!([{"basic": [], "query": []}, {"jar": [], "head": []}]),
        ),
        ("login", json!([{"login": ["a", "b"]}, {"jar": []}])),
        ("optional", json!([{}, {"head": []}])),
        ("last", json!([{"head": [], "jar": []}, {}])),
        // What cannot be used is no alternative.
        ("device", json!([{"device": [], "head": []}, {"query": []}])),
    ]
}

#[test]
fn the_first_complete_alternative_goes() {
    let mut paths = serde_json::Map::new();
    for (name, security) in ways() {
        let rest = json!({"security": security});
        paths.insert(format!("/{name}"), operation("get", name, &rest));
    }
    let mut doc = document(&Value::Object(paths));
    doc["components"]["securitySchemes"] = schemes();
    // The credentials that are set, and what goes with each operation; `-` if it is refused.
    let table: [(&[&str], [&str; 9]); 8] = [
        (&[], ["", "-", "-", "-", "-", "-", "", "", "-"]),
        (
            &["head"],
            ["", "head", "head", "-", "-", "-", "head", "", "-"],
        ),
        (
            &["query"],
            ["", "-", "query", "-", "-", "-", "", "", "query"],
        ),
        (
            &["head", "query"],
            [
                "",
                "head",
                "head",
                "head query",
                "-",
                "-",
                "head",
                "",
                "query",
            ],
        ),
        (
            &["head", "jar"],
            [
                "", "head", "head", "-", "head jar", "jar", "head", "head jar", "-",
            ],
        ),
        (
            &["user", "query"],
            ["", "-", "query", "-", "-", "-", "", "", "query"],
        ),
        (
            &["basic", "query", "head", "jar"],
            [
                "",
                "head",
                "head",
                "head query",
                "query basic",
                "jar",
                "head",
                "head jar",
                "query",
            ],
        ),
        (
            &["login", "jar"],
            ["", "-", "-", "-", "-", "login", "", "", "-"],
        ),
    ];
    for (set, wanted) in table {
        let variables = set.iter().flat_map(|name| match *name {
            "basic" => vec!["SHOP_BASIC_USER", "SHOP_BASIC_PASSWORD"],
            // Half of a credential is none.
            "user" => vec!["SHOP_BASIC_USER"],
            "head" => vec!["SHOP_HEAD"],
            "query" => vec!["SHOP_QUERY"],
            "jar" => vec!["SHOP_JAR"],
            _ => vec!["SHOP_LOGIN"],
        });
        // One that is empty is not set.
        let empty = ["SHOP_HEAD", "SHOP_JAR", "SHOP_BASIC_PASSWORD"].map(|name| (name, ""));
        let mut env: Vec<(&str, &str)> = empty.to_vec();
        env.extend(variables.map(|name| (name, "secret-value")));
        let mut scene = Scene::with(&doc, &[], &env, willing);
        for ((name, _), want) in ways().iter().zip(wanted) {
            let (result, requests) = scene.call(name, json!({}));
            if want == "-" {
                assert_eq!(error_code(&result), "missing_credential", "{set:?} {name}");
                assert!(requests.is_empty(), "{set:?} {name}: {requests:?}");
            } else {
                assert_eq!(requests.len(), 1, "{set:?} {name}: {result}");
                assert_eq!(brought(&requests[0]), want, "{set:?} {name}");
            }
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let scratch = Scratch::new();
    let mut doc = document(&json!({"/x": operation("get", "get_x", &json!({
        "security": [{"basic": [], "query": []}, {"jar": []}, {"login": []}],
    }))}));
    doc["components"]["securitySchemes"] = schemes();
    doc["components"]["securitySchemes"]["login"] = json!({"type": "oauth2", "flows": {
        "clientCredentials": {"tokenUrl": "https://login.example/token", "scopes": {}},
    }});
    let file = scratch.file("openapi.json", doc.to_string());
    let told = run(
        &["call", &file, "get_x", "--base-url", "http://127.0.0.1:9"],
        &[],
        b"",
    );
    assert!(
        told.stderr.contains(
            "has to set SHOP_BASIC_USER and SHOP_BASIC_PASSWORD and SHOP_QUERY or SHOP_JAR or \
             SHOP_LOGIN (or SHOP_LOGIN_CLIENT_ID and SHOP_LOGIN_CLIENT_SECRET) in its environment"
        ),
        "{}",
        told.stderr
    );
}

#[test]
fn a_parameter_that_a_credential_fills_is_no_argument() {
    let parameters = json!([
        param("query", "api_key", &json!({"type": "string"})),
        param("header", "X-Key", &json!({"type": "string"})),
        param("header", "x_key", &json!({"type": "string"})),
        param("cookie", "sid", &json!({"type": "string"})),
        param("query", "page", &json!({"type": "string"})),
        param(
            "query",
            "open",
            &json!({"type": "object", "additionalProperties": {"type": "string"}})
        ),
        param(
            "cookie",
            "jar",
            &json!({"type": "object", "additionalProperties": {"type": "string"}})
        ),
    ]);
    let rows = [
        ("one", json!([{"query": []}]), "X-Key sid x_key"),
        ("either", json!([{"query": []}, {"head": []}]), "sid"),
        ("optional", json!([{}, {"jar": []}]), "X-Key api_key x_key"),
        ("both", json!([{"query": [], "jar": []}]), "X-Key x_key"),
        (
            "mixed",
            json!([{"basic": []}, {"query": []}]),
            "X-Key sid x_key",
        ),
        // Also where the alternative cannot be used.
        (
            "device",
            json!([{"device": [], "query": []}, {"basic": []}]),
            "X-Key sid x_key",
        ),
        // Where nothing is needed, they are parameters like others.
        ("open", json!([]), "X-Key api_key sid x_key"),
    ];
    let mut paths = serde_json::Map::new();
    for (name, security, _) in &rows {
        let rest = json!({"security": security, "parameters": parameters});
        paths.insert(format!("/{name}"), operation("get", name, &rest));
    }
    let mut doc = document(&Value::Object(paths));
    doc["components"]["securitySchemes"] = schemes();
    // Only `basic` is set: no other is there to compete with what a model brings.
    let env = [("SHOP_BASIC_USER", "u"), ("SHOP_BASIC_PASSWORD", "p")];
    let mut scene = Scene::with(&doc, &[], &env, willing);
    let tools = scene.client.tools();
    for (name, security, want) in &rows {
        let tool = tools.iter().find(|tool| tool["name"] == *name);
        let properties = tool.unwrap()["inputSchema"]["properties"]
            .as_object()
            .unwrap();
        let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
        names.sort_unstable();
        names.retain(|argument| !["page", "open", "jar"].contains(argument));
        assert_eq!(names.join(" "), *want, "{name} {security}");
    }
    // Nor can a name that an argument chooses bring one, whether the credential is set or not.
    for (tool, key) in [
        ("optional", "sid"),
        ("mixed", "api_key"),
        ("mixed", "API-KEY"),
    ] {
        let place = if tool == "optional" { "jar" } else { "open" };
        scene.refuses(tool, json!({place: {key: "mine"}}), "refused_value");
    }
    let (result, requests) = scene.call("optional", json!({"open": {"a": "1"}}));
    assert_eq!((error_code(&result), requests.len()), ("", 1), "{result}");
}

#[test]
fn an_owners_header_stands_in_and_is_not_doubled() {
    let mut doc = document(&json!({"/x": operation("get", "get_x", &json!({
        "security": [{"login": []}],
    }))}));
    doc["components"]["securitySchemes"] = json!({"login": {"type": "oauth2", "flows": {
        "clientCredentials": {"tokenUrl": "/token", "scopes": {}},
    }}});
    let env = [
        ("TOKEN", "my-own"),
        ("SHOP_LOGIN_CLIENT_ID", "shop"),
        ("SHOP_LOGIN_CLIENT_SECRET", "secret-value"),
    ];
    let options = ["--header", "Authorization: Bearer ${env:TOKEN}"];
    let mut scene = Scene::with(&doc, &options, &env, willing);
    let request = scene.sends("get_x", json!({}));
    let sent: Vec<_> = request.header_values("authorization").collect();
    assert_eq!((request.path(), sent), ("/x", vec!["Bearer my-own"]));
}

#[test]
fn check_lists_what_no_credential_can_reach() {
    let mut paths = serde_json::Map::new();
    for index in 0..8 {
        let rest = json!({"security": [{"head": []}, {"query": []}]});
        paths.insert(
            format!("/{index}"),
            operation("get", &format!("op_{index}"), &rest),
        );
    }
    let rest = json!({"security": [{"basic": []}]});
    paths.insert("/other".into(), operation("get", "other", &rest));
    let rest = json!({"security": [{}, {"basic": []}]});
    paths.insert("/open".into(), operation("get", "open", &rest));
    let mut doc = document(&Value::Object(paths));
    doc["servers"] = json!([{"url": "https://shop.example"}]);
    doc["components"]["securitySchemes"] = schemes();
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", doc.to_string());
    let needed = |env: &[(&str, &str)]| {
        let summary = run(&["check", &file, "--json"], env, b"").json();
        let unreachable = summary["summary"]["unreachable"]
            .as_array()
            .unwrap()
            .clone();
        let one = |entry: &Value| {
            let tools = entry["tools"].as_array().unwrap().len();
            format!("{} {tools}", entry["needed"].as_str().unwrap())
        };
        unreachable.iter().map(one).collect::<Vec<_>>()
    };
    let (key, other) = (
        "SHOP_HEAD or SHOP_QUERY 8",
        "SHOP_BASIC_USER and SHOP_BASIC_PASSWORD 1",
    );
    assert_eq!(needed(&[]), [key, other]);
    assert_eq!(needed(&[("SHOP_QUERY", "x")]), [other]);
    let basic = [("SHOP_BASIC_USER", "u"), ("SHOP_BASIC_PASSWORD", "p")];
    assert_eq!(needed(&basic), [key]);
    let shown = run(&["check", &file], &basic, b"").stdout;
    let want = "  unreachable  8 tools: set SHOP_HEAD\n               or SHOP_QUERY\n    op_0\n    op_1\n    op_2\n    op_3\n    op_4\n    and 3 more\n";
    assert!(shown.contains(want), "{shown}");
}

#[test]
fn security_of_swagger_2_0() {
    let operation = |security: Value| json!({"get": {"responses": {"200": {"description": "ok"}}, "security": security}});
    let login = |flow: &str| {
        json!({"type": "oauth2", "flow": flow, "scopes": {"books": "Books"},
            "authorizationUrl": "https://login.example/a", "tokenUrl": "/token"})
    };
    let doc = json!({
        "swagger": "2.0",
        "info": {"title": "Shop", "version": "1"},
        "host": "shop.example", "schemes": ["https"],
        "security": [{"machine": ["books"]}],
        "securityDefinitions": {
            "basic": {"type": "basic"},
            "head": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "query": {"type": "apiKey", "in": "query", "name": "api_key"},
            "machine": login("application"),
            "login": login("accessCode"),
        },
        "paths": {
            "/machine": {"get": {"responses": {"200": {"description": "ok"}}}},
            "/open": operation(json!([])),
            "/both": operation(json!([{"basic": [], "query": []}])),
            "/either": operation(json!([{"login": ["books"]}, {"head": []}])),
        },
    });
    let env = [
        ("SHOP_BASIC_USER", "u"),
        ("SHOP_BASIC_PASSWORD", "p"),
        ("SHOP_QUERY", "q"),
        ("SHOP_LOGIN", "given"),
        ("SHOP_MACHINE_CLIENT_ID", "agent"),
        ("SHOP_MACHINE_CLIENT_SECRET", "secret-value"),
    ];
    let mut scene = Scene::with(&doc, &[], &env, |request: &Recorded| match request.path() {
        "/token" => token("fetched", 60),
        _ => willing(request),
    });
    for (tool, want) in [
        ("get_open", ""),
        ("get_both", "query basic"),
        ("get_either", "login"),
    ] {
        let request = scene.sends(tool, json!({}));
        assert_eq!(brought(&request), want, "{tool}");
    }
    let (_, requests) = scene.call("get_machine", json!({}));
    assert_eq!(journey(&requests), ["token", "/machine fetched"]);
    assert!(requests[0].text().ends_with("&scope=books"));
}

/// A document with a client credentials flow, and tools that need it.
fn fetching(token_url: &str, scopes: &[&str]) -> Value {
    let with = |scopes: &[&str]| json!({"security": [{"login": scopes}]});
    let mut reversed = scopes.to_vec();
    reversed.reverse();
    let mut doc = document(&json!({
        "/read": operation("get", "read", &with(scopes)),
        "/again": operation("get", "again", &with(&reversed)),
        "/plain": operation("get", "plain", &with(&[])),
        "/write": operation("post", "write", &with(scopes)),
    }));
    doc["components"]["securitySchemes"] = json!({"login": {"type": "oauth2", "flows": {
        "clientCredentials": {"tokenUrl": token_url, "scopes": {}},
    }}});
    doc
}

/// The client of a flow.
const CLIENT: [(&str, &str); 2] = [
    ("SHOP_LOGIN_CLIENT_ID", "shop:client"),
    ("SHOP_LOGIN_CLIENT_SECRET", "p w+%"),
];

/// A token, as an endpoint gives it.
fn token(value: &str, lifetime: u64) -> Reply {
    Reply::json(&json!({"access_token": value, "token_type": "Bearer", "expires_in": lifetime}))
}

/// What was sent, in short: `token`, or the path and the token that went there.
fn journey(requests: &[Recorded]) -> Vec<String> {
    let one = |request: &Recorded| match request.path() {
        "/token" => "token".to_owned(),
        path => {
            let authorization = request.header("authorization").unwrap_or("nothing");
            format!("{path} {}", authorization.trim_start_matches("Bearer "))
        }
    };
    requests.iter().map(one).collect()
}
