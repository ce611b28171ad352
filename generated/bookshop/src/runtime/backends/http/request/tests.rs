//! Requests of actions, and arguments that may not become one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;
use crate::runtime::args::Checker;

/// Parameters as `place name style`, with `*` behind a style that is exploded, and `/` behind a place
/// whose value may hold slashes; a content in place of a style is one.
fn action(method: &str, path: &str, params: &[&str]) -> HttpAction {
    let params = params.iter().map(|text| {
        let words: Vec<&str> = text.split(' ').collect();
        let [place, name, style] = words.as_slice() else {
            panic!("{text}")
        };
        let plain = style.trim_end_matches('*');
        let content = matches!(plain, "json" | "text") || *place == "querystring";
        let style_word = if content { "form" } else { plain };
        let mut param = json!({
            "arg": format!("{}_{name}", place.trim_end_matches('/')),
            "name": name,
            "place": place.trim_end_matches('/'),
            "style": style_word,
            "explode": style.ends_with('*'),
            "slash": place.ends_with('/'),
        });
        if content {
            param["content"] = json!(plain);
        }
        serde_json::from_value::<WireParam>(param).unwrap()
    });
    HttpAction {
        method: method.to_owned(),
        base_url: None,
        path: path.to_owned(),
        params: params.collect(),
        body: None,
        accept: Some("application/json, text/csv;q=0.5".to_owned()),
        security: vec![],
        retries: None,
        idempotency_key: None,
    }
}

fn args(values: &Value) -> Args {
    let schema = Map::from_iter([("type".to_owned(), json!("object"))]);
    let checker = Checker::new(&[], Arc::new(schema), &BTreeMap::new());
    checker.check(values.as_object().unwrap().clone()).unwrap()
}

/// The request in one line, or what is wrong.
fn planned(action: &HttpAction, values: &Value) -> String {
    match plan(action, &args(values)) {
        Ok(request) => {
            let query = match request.query() {
                "" => String::new(),
                query => format!("?{query}"),
            };
            let headers = request.headers().iter().skip(1).chain(request.cookies());
            let headers = headers.map(|(name, value)| format!(" {name}={value}"));
            assert_eq!(request.template(), action.path);
            format!(
                "{} {}{query}{}",
                request.method(),
                request.path(),
                headers.collect::<String>()
            )
        }
        Err(error) => {
            let first = error.message.lines().next().unwrap_or_default();
            format!("{}: {first}", error.code)
        }
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn everything_goes_to_its_place() {
    for (method, path, params, values, want) in [
        (
            "GET",
            "/a/{x}/b/{y}",
            &[
                "path x simple",
                "path/ y simple",
                "query q form",
                "header H simple",
                "cookie c form",
            ][..],
            json!({"path_x": "1 2", "path_y": "c/d", "query_q": "e&f", "header_H": "g", "cookie_c": "h"}),
            "GET /a/1%202/b/c%2Fd?q=e%26f H=g c=h",
        ),
        // What is not given leaves nothing behind.
        (
            "GET",
            "/a",
            &["query q form", "query r form"],
            json!({"query_r": 1}),
            "GET /a?r=1",
        ),
        (
            "GET",
            "/a",
            &["query q form*", "query r form*"],
            json!({"query_q": [], "query_r": []}),
            "GET /a",
        ),
        // What the path's own query says comes first.
        (
            "GET",
            "/a?op=list&id={x}",
            &["path x simple", "query q form"],
            json!({"path_x": "../1&2", "query_q": 3}),
            "GET /a?op=list&id=..%2F1%262&q=3",
        ),
        (
            "GET",
            "/{x}?x={x}",
            &["path x simple"],
            json!({"path_x": "b"}),
            "GET /b?x=b",
        ),
        (
            "GET",
            "/a",
            &["query f form*", "query q form"],
            json!({"query_f": {"color": "red", "f": 1}, "query_q": 2}),
            "GET /a?color=red&f=1&q=2",
        ),
        (
            "GET",
            "/a",
            &["query f json"],
            json!({"query_f": {"q": 1}}),
            "GET /a?f=%7B%22q%22%3A1%7D",
        ),
        (
            "GET",
            "/a",
            &["querystring s form", "cookie s form"],
            json!({"querystring_s": {"s": 1, "t": 2}}),
            "GET /a?s=1&t=2",
        ),
        // What is not an object has no keys to choose.
        (
            "GET",
            "/a",
            &["querystring s text"],
            json!({"querystring_s": "x y"}),
            "GET /a?x%20y",
        ),
        (
            "GET",
            "/a",
            &["cookie c cookie*"],
            json!({"cookie_c": {"d": "e"}}),
            "GET /a d=e",
        ),
        (
            "POST",
            "/a",
            &["query _method form"],
            json!({"query__method": "POST"}),
            "POST /a?_method=POST",
        ),
    ] {
        let found = planned(&action(method, path, params), &values);
        assert_eq!(found, want, "{path} {params:?} {values}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn what_becomes_no_request() {
    let long = "x".repeat(70_000);
    for (method, path, params, values, want) in [
        (
            "GET",
            "/a/{x}",
            &["path x simple"][..],
            json!({"path_x": "../b"}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a/{x}/{y}",
            &["path/ x simple", "path y simple"],
            json!({"path_x": "a", "path_y": "b/c"}),
            "refused_value: ",
        ),
        // A placeholder without a value.
        (
            "GET",
            "/a/{x}",
            &["path x simple"],
            json!({}),
            "path_changed: ",
        ),
        (
            "GET",
            "/a?b={x}",
            &["path x simple"],
            json!({}),
            "path_changed: ",
        ),
        // Whatever the Manifest says: a value that makes two segments of one does not leave.
        (
            "GET",
            "/a/{x}{y}",
            &["path x simple", "path y simple"],
            json!({"path_x": ".", "path_y": "x"}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a/{x}{y}",
            &["path x label", "path y simple"],
            json!({"path_x": "a", "path_y": "%2e"}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a/{x}{y}",
            &["path x matrix", "path y simple"],
            json!({"path_x": "a", "path_y": "b"}),
            "GET /a/;x=ab",
        ),
        // Headers that only the client sets.
        (
            "GET",
            "/a",
            &["header Host simple"],
            json!({"header_Host": "b"}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["header X_Forwarded_For simple"],
            json!({"header_X_Forwarded_For": "b"}),
            "refused_value: ",
        ),
        // Keys that an argument chooses.
        (
            "GET",
            "/a",
            &["query f form*", "query q form"],
            json!({"query_f": {"q": 1}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["query f form*", "query q form"],
            json!({"query_f": {"Q[]": 1}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a?q=1",
            &["query f form*"],
            json!({"query_f": {"%71": 1}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a?q=1",
            &["query q form"],
            json!({"query_q": 2}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a?q=1",
            &["querystring s form"],
            json!({"querystring_s": {"q": 2}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["query f form*"],
            json!({"query_f": {" ": 1}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["querystring s form"],
            json!({"querystring_s": {"": 1}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["cookie f form*", "cookie q form"],
            json!({"cookie_f": {"q": 1}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["cookie f cookie*", "cookie q form"],
            json!({"cookie_f": {"q": 1}}),
            "refused_value: ",
        ),
        // Names and keys of what is not spread out.
        (
            "GET",
            "/a",
            &["query _method form"],
            json!({"query__method": {"a": "DELETE"}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["query _method json"],
            json!({"query__method": {"a": "DELETE"}}),
            "refused_value: ",
        ),
        // Dots that would separate.
        (
            "GET",
            "/a/{x}",
            &["path x label*"],
            json!({"path_x": ["b.c", "d"]}),
            "refused_value: ",
        ),
        // A cookie has another name space than a query.
        (
            "GET",
            "/a?q=1",
            &["cookie f form*", "query q2 form"],
            json!({"cookie_f": {"q": 1, "q2": 1}}),
            "GET /a?q=1 q=1 q2=1",
        ),
        // Another method.
        (
            "GET",
            "/a",
            &["query f form*"],
            json!({"query_f": {"_method": "DELETE"}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["query _method form"],
            json!({"query__method": "DELETE"}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["cookie _method form"],
            json!({"cookie__method": "DELETE"}),
            "refused_value: ",
        ),
        (
            "POST",
            "/a",
            &["querystring s form"],
            json!({"querystring_s": {"_method": "DELETE"}}),
            "refused_value: ",
        ),
        (
            "GET",
            "/a",
            &["query q form"],
            json!({"query_q": long}),
            "refused_value: ",
        ),
    ] {
        let found = planned(&action(method, path, params), &values);
        assert!(found.starts_with(want), "{path} {params:?}: {found}");
    }
    // The longest query, and one byte more.
    let action = action("GET", "/a", &["query q form"]);
    let most = "x".repeat(QUERY_MAX - 2);
    assert!(planned(&action, &json!({"query_q": most})).starts_with("GET"));
    assert!(planned(&action, &json!({"query_q": format!("{most}x")})).starts_with("refused"));
}

#[test]
fn bodies_and_what_is_asked_for() {
    let mut action = action("POST", "/a", &[]);
    let body = json!({"content_type": "application/json", "format": "json", "required": false, "content": {"whole": "b"}});
    let plain = plan(&action, &args(&json!({}))).unwrap();
    assert_eq!((plain.body(), plain.headers().len()), (None, 1));
    assert!(plain.accepts("application/json") && plain.accepts("text/csv"));
    assert!(!plain.accepts("text/html") && !plain.accepts("q=0.5"));
    assert!(plain.chosen_fields().is_empty());
    action.accept = None;
    assert!(
        !plan(&action, &args(&json!({})))
            .unwrap()
            .accepts("application/json")
    );
    let Ok(body) = serde_json::from_value(body) else {
        panic!("no body")
    };
    action.body = Some(body);
    let sent = plan(&action, &args(&json!({"b": {"c": 1}}))).unwrap();
    assert_eq!(sent.body(), Some(&br#"{"c":1}"#[..]));
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    assert_eq!(sent.headers(), headers);
    // Fields of a form that the document does not have may be those that the server fills.
    let form = json!({"content_type": "application/x-www-form-urlencoded", "format": "form", "required": false, "content": {"whole": "b"}});
    action.body = serde_json::from_value(form).ok();
    let sent = plan(&action, &args(&json!({"b": {"api_key": "1"}}))).unwrap();
    assert_eq!(sent.body(), Some(&b"api_key=1"[..]));
    assert_eq!(sent.chosen_fields(), ["api_key"]);
}
