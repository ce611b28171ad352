//! What became of a call against what was expected of it. Pure: no I/O.

use serde_json::{Map, Value, json};

use super::upstream::Recorded;
use crate::diag::escape;
use crate::policy::format::words::OneOrMany;
use crate::policy::format::{Expect, Expectation, ExpectedRequest};

/// What became of a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// What was sent, repetitions included.
    pub(super) requests: Vec<Recorded>,
    /// The statement and its values, if it is a database's.
    pub(super) statement: Option<String>,
    /// The error's code and first line, if it failed.
    pub(super) error: Option<(String, String)>,
    /// The values that were moved into their bounds.
    pub(super) clamped: Map<String, Value>,
    /// The structured result.
    pub(super) result: Option<Value>,
}

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// Where the test expects it: a JSON Pointer from the test on.
    pub(super) pointer: String,
    /// What it is about, in words.
    pub(super) about: String,
    /// `None`: nothing.
    pub(super) expected: Option<Value>,
    pub(super) got: Option<Value>,
}

/// The differences between what is expected and what became of a call.
pub(super) fn differences(expect: &Expect, outcome: &Outcome) -> Vec<Difference> {
    let mut found = Vec::new();
    match expect {
        Expect::Refused(_) => refused(None, "/expect", outcome, &mut found),
        Expect::All(all) => match &all.refused {
            Some(code) => refused(Some(code), "/expect/refused", outcome, &mut found),
            None => carried_out(all, outcome, &mut found),
        },
    }
    found
}

/// Nothing is sent, and the error has the code, if one is expected.
fn refused(code: Option<&str>, pointer: &str, outcome: &Outcome, found: &mut Vec<Difference>) {
    let sent = outcome.requests.first();
    let got = match (sent, &outcome.error) {
        (Some(request), _) => format!("sent: {} {}", request.method, request.path),
        (None, None) if outcome.statement.is_some() => "sent".to_owned(),
        (None, None) => "answered without a request".to_owned(),
        (None, Some((got, line))) => {
            if code.is_none_or(|code| code == got) {
                return;
            }
            line.clone()
        }
    };
    let expected = match code {
        Some(code) => format!("refused: {code}"),
        None => "refused".to_owned(),
    };
    found.push(Difference {
        pointer: pointer.to_owned(),
        about: "call".to_owned(),
        expected: Some(expected.into()),
        got: Some(got.into()),
    });
}

fn carried_out(all: &Expectation, outcome: &Outcome, found: &mut Vec<Difference>) {
    let failed = outcome.error.as_ref().map(|(_, line)| line);
    let request = outcome.requests.first();
    if let (Some(line), None) = (failed, request) {
        found.push(Difference {
            pointer: "/expect".to_owned(),
            about: "call".to_owned(),
            expected: Some("carried out".into()),
            got: Some(format!("refused: {line}").into()),
        });
        return;
    }
    if let Some(expected) = &all.request {
        match request {
            Some(request) => compare_request(expected, request, found),
            None => found.push(Difference {
                pointer: "/expect/request".to_owned(),
                about: "request".to_owned(),
                expected: Some("one".into()),
                got: None,
            }),
        }
    }
    let parts = all.statement.iter().flat_map(OneOrMany::iter);
    let statement = outcome.statement.as_deref();
    for (index, part) in parts.enumerate() {
        if statement.is_some_and(|text| text.contains(part)) {
            continue;
        }
        let index = match all.statement {
            Some(OneOrMany::Many(_)) => format!("/{index}"),
            _ => String::new(),
        };
        found.push(Difference {
            pointer: format!("/expect/statement{index}"),
            about: "statement".to_owned(),
            expected: Some(part.as_str().into()),
            got: statement.map(Value::from),
        });
    }
    if let Some(expected) = &all.clamped {
        let changes = expected.iter();
        let changes = changes.map(|(pointer, (from, to))| (pointer.clone(), json!([from, to])));
        let expected: Map<String, Value> = changes.collect();
        let pointers: Vec<&String> = expected.keys().chain(outcome.clamped.keys()).collect();
        let mut seen: Vec<&String> = Vec::new();
        for pointer in pointers {
            if seen.contains(&pointer) {
                continue;
            }
            seen.push(pointer);
            let at = format!("/expect/clamped/{}", escape(pointer));
            let about = format!("clamped {pointer}");
            let (want, got) = (expected.get(pointer), outcome.clamped.get(pointer));
            push_unless_same(at, about, want, got, found);
        }
    }
    if let Some(expected) = &all.result {
        let got = outcome.result.clone().or_else(|| {
            let failed = failed.map(|line| format!("failed: {line}"));
            failed.map(Value::String)
        });
        within("/expect/result", "result", expected, got.as_ref(), found);
    }
}

fn compare_request(expected: &ExpectedRequest, got: &Recorded, found: &mut Vec<Difference>) {
    let at = |key: &str| format!("/expect/request/{key}");
    for (key, want, got) in [
        ("method", &expected.method, &got.method),
        ("path", &expected.path, &got.path),
    ] {
        if let Some(want) = want.as_ref().filter(|want| *want != got) {
            found.push(Difference {
                pointer: at(key),
                about: key.to_owned(),
                expected: Some(want.as_str().into()),
                got: Some(got.as_str().into()),
            });
        }
    }
    for (name, want) in &expected.query {
        let pairs = got.query.iter().filter(|(key, _)| key == name);
        let values: Vec<&str> = pairs.map(|(_, value)| value.as_str()).collect();
        let pointer = at(&format!("query/{}", escape(name)));
        texts(pointer, format!("query {name}"), want, &values, found);
    }
    for (name, want) in &expected.headers {
        let pairs = got.headers.iter();
        let pairs = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let values: Vec<&str> = pairs.map(|(_, value)| value.as_str()).collect();
        let pointer = at(&format!("headers/{}", escape(name)));
        texts(pointer, format!("header {name}"), want, &values, found);
    }
    if let Some(want) = &expected.body {
        let text = || String::from_utf8_lossy(&got.body).into_owned();
        let body = match got.body.is_empty() {
            true => None,
            false => Some(serde_json::from_slice(&got.body).unwrap_or_else(|_| text().into())),
        };
        within(&at("body"), "body", want, body.as_ref(), found);
    }
}

/// Texts on the wire: a list is one each, null is none.
fn texts(pointer: String, about: String, want: &Value, got: &[&str], found: &mut Vec<Difference>) {
    let wanted: Vec<String> = match want {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(on_the_wire).collect(),
        one => vec![on_the_wire(one)],
    };
    if wanted.iter().map(String::as_str).eq(got.iter().copied()) {
        return;
    }
    let got = match got {
        [] => None,
        [one] => Some(Value::from(*one)),
        many => Some(json!(many)),
    };
    found.push(Difference {
        pointer,
        about,
        expected: (!want.is_null()).then(|| want.clone()),
        got,
    });
}

fn on_the_wire(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Compares JSON key by key, so that what differs is named and not the whole.
fn within(
    pointer: &str,
    about: &str,
    want: &Value,
    got: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    let (Value::Object(wanted), Some(Value::Object(had))) = (want, got) else {
        return push_unless_same(pointer.to_owned(), about.to_owned(), Some(want), got, found);
    };
    for (key, want) in wanted {
        let pointer = format!("{pointer}/{}", escape(key));
        within(
            &pointer,
            &format!("{about}.{key}"),
            want,
            had.get(key),
            found,
        );
    }
    for (key, got) in had.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
        let about = format!("{about}.{key}");
        push_unless_same(pointer.to_owned(), about, None, Some(got), found);
    }
}

fn push_unless_same(
    pointer: String,
    about: String,
    expected: Option<&Value>,
    got: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    if !same(expected, got) {
        found.push(Difference {
            pointer,
            about,
            expected: expected.cloned(),
            got: got.cloned(),
        });
    }
}

/// Whether two values are one; `1` and `1.0` are (JSON Schema core §4.2.2).
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            one == other
                || matches!((one.as_f64(), other.as_f64()), (Some(a), Some(b)) if a.to_bits() == b.to_bits())
                    && one.as_i64().is_none_or(|n| n.unsigned_abs() < 1 << 53)
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(Some(a), Some(b)))
        }
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let found = |key: &String| other.get(key);
            one.len() == other.len() && one.iter().all(|(key, a)| same(Some(a), found(key)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Outcome {
            requests: vec![Recorded {
                method: "GET".to_owned(),
                path: "/v1/x".to_owned(),
                query: vec![pair("limit", "50"), pair("tag", "a"), pair("tag", "b")],
                headers: vec![pair("x-key", "***")],
                body: br#"{"a": 1.0, "b": {"c": [1, 2]}}"#.to_vec(),
            }],
            statement: None,
            error: None,
            clamped: json!({"/limit": [90, 50]})
                .as_object()
                .cloned()
                .unwrap_or_default(),
            result: Some(json!({"items": []})),
        }
    }

    fn said(expect: Value) -> Vec<String> {
        let expect: Expect = serde_json::from_value(expect).unwrap();
        let found = differences(&expect, &outcome());
        let text = |value: &Option<Value>| value.as_ref().map_or("-".into(), Value::to_string);
        let line = |d: &Difference| format!("{} {} {}", d.pointer, text(&d.expected), text(&d.got));
        found.iter().map(line).collect()
    }

    #[test]
    fn what_is_expected_is_no_difference() {
        for expect in [
            json!({"request": {"method": "GET", "path": "/v1/x", "query": {"limit": 50, "tag": ["a", "b"], "q": null}}}),
            json!({"request": {"headers": {"X-Key": "***", "X-Other": null}}}),
            json!({"request": {"body": {"a": 1, "b": {"c": [1, 2]}}}}),
            json!({"clamped": {"/limit": [90, 50]}, "result": {"items": []}}),
        ] {
            assert_eq!(said(expect.clone()), [""; 0], "{expect}");
        }
    }

    #[test]
    fn differences_are_named() {
        for (expect, want) in [
            (json!("refused"), "/expect \"refused\" \"sent: GET /v1/x\""),
            (
                json!({"refused": "x"}),
                "/expect/refused \"refused: x\" \"sent: GET /v1/x\"",
            ),
            (
                json!({"request": {"method": "PUT"}}),
                "/expect/request/method \"PUT\" \"GET\"",
            ),
            (
                json!({"request": {"query": {"limit": 5}}}),
                "/expect/request/query/limit 5 \"50\"",
            ),
            (
                json!({"request": {"query": {"tag": null}}}),
                "/expect/request/query/tag - [\"a\",\"b\"]",
            ),
            (
                json!({"request": {"body": {"a": 1, "b": {"c": [1]}}}}),
                "/expect/request/body/b/c [1] [1,2]",
            ),
            (
                json!({"request": {"body": {"a": 1}}}),
                "/expect/request/body - {\"c\":[1,2]}",
            ),
            (json!({"clamped": {}}), "/expect/clamped/~1limit - [90,50]"),
            (
                json!({"result": {"items": [1]}}),
                "/expect/result/items [1] []",
            ),
        ] {
            assert_eq!(said(expect.clone()), [want], "{expect}");
        }
    }
}
