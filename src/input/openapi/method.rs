//! Methods: which operations a path item has, and what each of them does to the world.

use super::Version;
use super::node::Node;
use super::param::is_token;
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::manifest::Effect;

/// The methods that a path item has fields for (OpenAPI 3.1.1 §4.8.9.1), and the field of 3.2.
const FIXED: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];
const QUERY: &str = "query";
/// The field of 3.2 for all other methods, each written as it is sent (OpenAPI 3.2.0 §4.9.1).
const ADDITIONAL: &str = "additionalOperations";

/// An operation of a path item.
pub(super) struct Found<'a> {
    /// The method as it is sent.
    pub(super) method: String,
    /// The operation, or why its method cannot be a tool's.
    pub(super) operation: Result<Node<'a>, Box<Diagnostic>>,
}

/// The operations of a path item, in a fixed order.
pub(super) fn operations<'a>(version: Version, item: &Node<'a>) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for field in FIXED.into_iter().chain([QUERY]) {
        let Some(operation) = item.get(field) else {
            continue;
        };
        if field == QUERY && version < Version::V3_2 {
            continue;
        }
        found.push(Found {
            method: field.to_uppercase(),
            operation: if field == "trace" {
                refused("TRACE echoes credentials", operation.loc())
            } else {
                Ok(operation)
            },
        });
    }
    let Some(others) = item.get(ADDITIONAL).filter(|_| version >= Version::V3_2) else {
        return found;
    };
    found.extend(others.entries().map(additional));
    if !others.value.is_object() {
        let message = "`additionalOperations` is not an object";
        let help = "its keys are methods, as in `COPY`";
        found.push(Found {
            method: ADDITIONAL.to_owned(),
            operation: malformed(others.loc(), message, help),
        });
    }
    found
}

/// An entry of `additionalOperations`. What has a field of its own does not belong there, however it
/// is written: servers differ in whether they tell `Delete` from `DELETE`.
fn additional<'a>((method, operation): (&str, Node<'a>)) -> Found<'a> {
    let key = operation.key_loc();
    let lower = method.to_ascii_lowercase();
    let operation = if lower == "trace" || lower == "connect" {
        refused("it is not for talking to an API", key)
    } else if !is_token(method) {
        let help = "a method is a word, as in `COPY` (RFC 9110 §9.1)";
        malformed(key, "its method is no token", help)
    } else if FIXED.contains(&lower.as_str()) || lower == QUERY {
        let message = format!("its method has a field of its own, `{lower}`");
        malformed(key, &message, "write the operation there")
    } else {
        Ok(operation)
    };
    Found {
        method: method.to_owned(),
        operation,
    }
}

fn refused<T>(why: &str, loc: Loc) -> Result<T, Box<Diagnostic>> {
    let message = format!("{why} and cannot be a tool");
    Err(Box::new(Diagnostic::new(
        Code::UnsupportedMethod,
        loc,
        message,
    )))
}

fn malformed<T>(loc: Loc, message: &str, help: &str) -> Result<T, Box<Diagnostic>> {
    Err(Box::new(
        Diagnostic::new(Code::Malformed, loc, message).help(help),
    ))
}

/// The fields of a path item that only a later version reads as operations.
pub(super) fn of_later_versions(
    version: Version,
    item: &Node<'_>,
) -> impl Iterator<Item = Diagnostic> {
    let fields = [QUERY, ADDITIONAL].into_iter();
    let fields = fields.filter_map(|field| Some((field, item.get(field)?)));
    let found = fields.filter(move |_| version < Version::V3_2);
    found.map(|(field, node)| {
        let message = format!("`{field}` is of OpenAPI 3.2; what is under it is not read");
        let loc = node.key_loc();
        Diagnostic::new(Code::LaterVersion, loc, message)
            .help("write `openapi: 3.2.0` if the document is of that version")
    })
}

/// What a method does to the world (RFC 9110 §9.2.1). A method that nobody knows may do anything; no
/// document can make a read of it.
pub(super) fn effect(method: &str) -> Effect {
    match method {
        method if is_safe(method) => Effect::Read,
        "DELETE" | "PURGE" | "UNBIND" | "UNLINK" => Effect::Destroy,
        _ => Effect::Write,
    }
}

/// Whether a method is safe: those of RFC 9110 §9.2.1, QUERY, and PROPFIND, REPORT and SEARCH, which
/// the registry of methods lists as safe (RFC 4918 §9.1, RFC 3253 §3.6, RFC 5323 §2.2).
fn is_safe(method: &str) -> bool {
    let safe = [
        "GET", "HEAD", "OPTIONS", "QUERY", "PROPFIND", "REPORT", "SEARCH",
    ];
    safe.contains(&method)
}

/// Whether calling it twice is the same as calling it once (RFC 9110 §9.2.2); unknown methods are not.
pub(super) fn is_idempotent(method: &str) -> bool {
    is_safe(method) || matches!(method, "PUT" | "DELETE")
}

/// Whether a body of the method has a meaning: none has in GET, HEAD and OPTIONS (RFC 9110 §9.3.1).
pub(super) fn takes_body(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn methods_of_a_path_item() {
        let value = json!({
            "query": {}, "post": {}, "trace": {},
            "additionalOperations": {
                "COPY": {}, "Purge": {}, "Delete": {}, "query": {}, "CONNECT": {}, "a b": {}, "": {},
            }
        });
        let item = Node::root(&value);
        let found = |version| -> Vec<_> {
            let found = operations(version, &item).into_iter();
            found
                .map(|f| (f.method, f.operation.map_err(|d| d.code.as_str())))
                .map(|(method, operation)| (method, operation.err().unwrap_or_default()))
                .collect()
        };
        let old = [("POST", ""), ("TRACE", "MG124")];
        assert_eq!(found(Version::V3_1), old.map(|(m, c)| (m.to_owned(), c)));
        let new = [
            ("POST", ""),
            ("TRACE", "MG124"),
            ("QUERY", ""),
            ("COPY", ""),
            ("Purge", ""),
            ("Delete", "MG120"),
            ("query", "MG120"),
            ("CONNECT", "MG124"),
            ("a b", "MG120"),
            ("", "MG120"),
        ];
        assert_eq!(found(Version::V3_2), new.map(|(m, c)| (m.to_owned(), c)));
        assert_eq!(of_later_versions(Version::V3_1, &item).count(), 2);
        assert_eq!(of_later_versions(Version::V3_2, &item).count(), 0);
    }

    #[test]
    fn only_safe_methods_are_reads() {
        for (method, want) in [
            ("QUERY", Effect::Read),
            ("SEARCH", Effect::Read),
            ("search", Effect::Write),
            ("Get", Effect::Write),
            ("COPY", Effect::Write),
            ("PURGE", Effect::Destroy),
        ] {
            assert_eq!(effect(method), want, "{method}");
        }
    }
}
