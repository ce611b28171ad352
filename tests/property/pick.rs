//! Documents cut down to a few of their operations, so that a server of one starts at once.

use std::collections::BTreeSet;
use std::path::Path;

use mcpgen::diag::Diagnostics;
use mcpgen::source::{Budget, Source};
use serde_json::{Map, Value, json};

use super::spec;

/// Keys of a path item that are operations.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "query",
];

/// A document as a tree; `None` if it is none.
pub(super) fn tree(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    if let Ok(tree) = serde_json::from_str(&text) {
        return Some(tree);
    }
    let name = path.file_name()?.to_string_lossy().into_owned();
    Source::new(name, text).parse(&Budget::default(), &mut Diagnostics::default())
}

/// All operations as path and method.
pub(super) fn operations(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, item) in document
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let Some(item) = spec::resolve(document, item) else {
            continue;
        };
        let of_item = METHODS.iter().filter(|method| item.get(**method).is_some());
        found.extend(of_item.map(|method| (path.clone(), (*method).to_owned())));
    }
    found
}

/// So many of all, over the whole document.
pub(super) fn spread<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    let at = |index: usize| all.get(index * all.len() / count.max(1)).cloned();
    (0..count).filter_map(at).collect()
}

/// The document with these operations alone, the operation at `index` with `op{index}` as its id, and
/// what they refer to. No credentials are asked for.
pub(super) fn cut(document: &Value, operations: &[(String, String)]) -> Value {
    let mut paths = Map::new();
    for (index, (path, method)) in operations.iter().enumerate() {
        let item = document.get("paths").and_then(|paths| paths.get(path));
        let Some(item) = item.and_then(|item| spec::resolve(document, item)) else {
            continue;
        };
        let mut operation = item.get(method).cloned().unwrap_or_default();
        if let Some(own) = operation.as_object_mut() {
            own.insert("operationId".to_owned(), format!("op{index}").into());
            for key in [
                "security",
                "servers",
                "callbacks",
                "responses",
                "x-codeSamples",
            ] {
                own.shift_remove(key);
            }
            own.insert(
                "responses".to_owned(),
                json!({"200": {"description": "ok"}}),
            );
        }
        let kept = paths.entry(path.clone()).or_insert_with(|| json!({}));
        kept[method] = operation;
        if let Some(parameters) = item.get("parameters") {
            kept["parameters"] = parameters.clone();
        }
    }
    let mut out = Map::new();
    let keys = [
        "openapi",
        "swagger",
        "info",
        "jsonSchemaDialect",
        "consumes",
        "produces",
        "$self",
    ];
    for key in keys {
        out.extend(
            document
                .get(key)
                .map(|value| (key.to_owned(), value.clone())),
        );
    }
    let mut out = Value::Object(out);
    out["paths"] = Value::Object(paths);
    refer(document, &mut out);
    out
}

/// Copies what is referred to, until nothing new is.
fn refer(document: &Value, out: &mut Value) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut waiting: Vec<String> = Vec::new();
    pointers(out, &mut waiting);
    while let Some(pointer) = waiting.pop() {
        let Some(pointer) = spec::decode(&pointer, false) else {
            continue;
        };
        let keys: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|key| key.replace("~1", "/").replace("~0", "~"))
            .collect();
        let depth = if keys.first().is_some_and(|key| key == "components") {
            3
        } else {
            2
        };
        let keys: Vec<String> = keys.into_iter().take(depth).collect();
        if !seen.insert(keys.join("\n")) {
            continue;
        }
        let mut from = Some(document);
        for key in &keys {
            from = from.and_then(|value| value.get(key));
        }
        let Some(from) = from else { continue };
        pointers(from, &mut waiting);
        let mut to = &mut *out;
        for key in &keys {
            if !to.is_object() {
                *to = json!({});
            }
            to = &mut to[key.as_str()];
        }
        if to.is_null() {
            *to = from.clone();
        }
    }
}

/// All texts that could be a reference.
fn pointers(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.extend(
            text.strip_prefix("#")
                .filter(|p| p.starts_with('/'))
                .map(str::to_owned),
        ),
        Value::Array(items) => items.iter().for_each(|item| pointers(item, found)),
        Value::Object(object) => object.values().for_each(|value| pointers(value, found)),
        _ => {}
    }
}
