//! Results in MCP's terms.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject, ResourceContents, ResultType};
use serde_json::{Map, Value, json};

use super::args::Changes;
use super::backend::{Content, Outcome};
use super::error::CallError;

/// The `_meta` key that tells which values were moved into their bounds.
pub const CLAMPED_KEY: &str = "mcpgen/clamped";
/// The `_meta` key that tells which texts were read as values.
pub const COERCED_KEY: &str = "mcpgen/coerced";
/// The `_meta` key that tells a program why a call failed.
pub const ERROR_KEY: &str = "mcpgen/error";
/// The `_meta` key that tells a program what an answer said beside its content.
pub const RESPONSE_KEY: &str = "mcpgen/response";
/// The `_meta` key that tells which lists and texts of a response are shortened.
pub const TRUNCATED_KEY: &str = "mcpgen/truncated";
/// The property that holds a response which does not fit the advertised schema.
pub const MISFIT_KEY: &str = "mcpgen_response";

/// The result of a call that succeeded. `fits` says whether a structured result matches the
/// advertised output schema, if one is advertised: a tool that has one always answers with a
/// structured result, which clients check.
pub fn success(
    outcome: Outcome,
    changes: &Changes,
    fits: Option<&dyn Fn(&Value) -> bool>,
) -> CallToolResult {
    let mut notes = changes.notes();
    notes.extend(outcome.note.map(|note| format!("note: {note}")));
    let mut structured = fits
        .and_then(|_| unstructured(&outcome.content))
        .map(|content| json!({ MISFIT_KEY: content }));
    let main = match outcome.content {
        Content::Json(value) => {
            // The same text as `to_string`, which goes through `fmt` piece by piece.
            let text = serde_json::to_string(&value).unwrap_or_else(|_| value.to_string());
            let object = wrapped(value);
            structured = Some(if fits.is_none_or(|fits| fits(&object)) {
                object
            } else {
                notes.push(
                    "note: the response does not have the shape that its schema promises"
                        .to_owned(),
                );
                json!({ MISFIT_KEY: object })
            });
            Some(ContentBlock::text(text))
        }
        Content::Text(text) => Some(ContentBlock::text(text)),
        Content::Image { mime, base64 } => Some(ContentBlock::image(base64, mime)),
        Content::Audio { mime, base64 } => Some(ContentBlock::audio(base64, mime)),
        Content::Blob { mime, base64 } => Some(ContentBlock::resource(
            ResourceContents::blob(base64, "mcpgen://response").with_mime_type(mime),
        )),
        Content::Empty => None,
    };
    let mut result = complete(main, structured, &notes, changes);
    if !outcome.facts.is_empty() {
        let facts = object(outcome.facts);
        let meta = result.meta.get_or_insert_default();
        meta.0.insert(RESPONSE_KEY.to_owned(), facts.into());
    }
    if !outcome.truncated.is_empty() {
        let meta = result.meta.get_or_insert_default();
        meta.0
            .insert(TRUNCATED_KEY.to_owned(), outcome.truncated.into());
    }
    result
}

/// The result of a call that the server itself answers: a structured value, and a text that says the
/// same in fewer words.
pub fn told(value: Value, text: String, changes: &Changes) -> CallToolResult {
    let text = ContentBlock::text(text);
    complete(Some(text), Some(value), &changes.notes(), changes)
}

fn complete(
    main: Option<ContentBlock>,
    structured: Option<Value>,
    notes: &[String],
    changes: &Changes,
) -> CallToolResult {
    let mut content: Vec<ContentBlock> = main.into_iter().collect();
    if !notes.is_empty() {
        content.push(ContentBlock::text(notes.join("\n")));
    }
    let mut result = CallToolResult::success(content);
    result.structured_content = structured;
    let mut meta = MetaObject::new();
    for (key, pairs) in [
        (COERCED_KEY, changes.coerced_pairs()),
        (CLAMPED_KEY, changes.clamped_pairs()),
    ] {
        if !pairs.is_empty() {
            meta.0.insert(key.to_owned(), Value::Object(pairs));
        }
    }
    result.meta = Some(meta).filter(|meta| !meta.0.is_empty());
    result
}

/// What stands in a structured result for content that is not JSON.
fn unstructured(content: &Content) -> Option<Value> {
    match content {
        Content::Json(_) => None,
        Content::Text(text) => Some(text.as_str().into()),
        Content::Image { mime, base64 }
        | Content::Audio { mime, base64 }
        | Content::Blob { mime, base64 } => {
            // Four characters stand for three bytes; padding for none.
            let bytes = base64.trim_end_matches('=').len() * 3 / 4;
            Some(json!({ "mime": mime, "bytes": bytes }))
        }
        Content::Empty => Some(Value::Null),
    }
}

/// Structured content is an object in every revision: lists and scalars are wrapped.
fn wrapped(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(object),
        Value::Array(items) => json!({ "items": items }),
        scalar => json!({ "value": scalar }),
    }
}

/// The result of a call that failed.
pub fn failure(error: &CallError) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(error.text())]);
    let mut facts = object(error.facts.clone());
    facts.insert("code".to_owned(), error.code.into());
    facts.insert("retryable".to_owned(), error.retryable.into());
    let mut meta = MetaObject::new();
    meta.0.insert(ERROR_KEY.to_owned(), Value::Object(facts));
    result.meta = Some(meta);
    result.result_type = Some(ResultType::COMPLETE);
    result
}

fn object(facts: Vec<(&'static str, Value)>) -> Map<String, Value> {
    let facts = facts.into_iter();
    facts.map(|(name, fact)| (name.to_owned(), fact)).collect()
}
