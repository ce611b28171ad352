//! Files in the schemas of forms: strings that stand for bytes become base64 (OpenAPI 3.0.4 §4.7.14.2,
//! 3.1.1 §4.8.15.1.1).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::runtime::manifest::{BodyFormat, Strings};
use crate::runtime::media;

/// Levels of lists, alternatives and references in which files are looked for.
const DEPTH_MAX: usize = 8;

/// What is said of a file, before what the document says of it.
const HINT: &str = "A file: base64, or a data URI with its type and name, as in data:image/png;name=a.png;base64,iVBORw0K.";
/// The same of a file of text.
const TEXT_HINT: &str = "A file: its text, or a data URI with its type and name, as in data:text/csv;name=a.csv;base64,YSxi.";

/// Keywords of a schema that says nothing of its values.
const REMARKS: [&str; 5] = [
    "description",
    "deprecated",
    "examples",
    "default",
    "contentMediaType",
];

/// What a string of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    TextFile,
    File,
}

/// What the schema of a field was found to be.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What its strings are.
    kinds: BTreeSet<Kind>,
    /// It may be an object.
    pub(super) objects: bool,
    /// A file had a bound of its length, which base64 does not have.
    pub(super) bounds: bool,
    /// Media types that the schema names.
    pub(super) types: Vec<String>,
    /// How its text encodes bytes, if the schema says so.
    pub(super) encoding: Option<String>,
}

impl Found {
    pub(super) fn strings(&self) -> Strings {
        let is = |kind| self.kinds.contains(&kind);
        match (is(Kind::File), is(Kind::TextFile), is(Kind::Text)) {
            (true, _, false) => Strings::Files,
            (true, _, true) => Strings::Either,
            (false, true, _) => Strings::TextFiles,
            (false, false, _) => Strings::Text,
        }
    }
}

/// Looks for files in the schema of a field and writes them as base64. `types` are the media types that
/// its encoding declares.
pub(super) fn find(
    schema: &mut Value,
    defs: &Map<String, Value>,
    types: &[String],
    format: BodyFormat,
) -> Found {
    let mut search = Search {
        defs,
        types,
        format,
        found: Found::default(),
    };
    search.look(schema, 0);
    search.found
}

struct Search<'s> {
    defs: &'s Map<String, Value>,
    types: &'s [String],
    format: BodyFormat,
    found: Found,
}

impl Search<'_> {
    /// Whether the schema was changed.
    fn look(&mut self, schema: &mut Value, depth: usize) -> bool {
        let Some(object) = schema.as_object_mut().filter(|_| depth < DEPTH_MAX) else {
            return false;
        };
        let name = object.get("$ref").and_then(Value::as_str);
        if let Some(name) = name.and_then(|r| r.strip_prefix("#/$defs/")) {
            let mut target = self.defs.get(name).cloned().unwrap_or_default();
            let changed = self.look(&mut target, depth + 1);
            if changed {
                *schema = target;
            }
            return changed;
        }
        let mut changed = false;
        for key in ["allOf", "anyOf", "oneOf"] {
            let parts = object.get_mut(key).and_then(Value::as_array_mut);
            let mut within = false;
            for part in parts.into_iter().flatten() {
                within |= self.look(part, depth + 1);
            }
            // As base64 a file can look like its alternatives.
            if within
                && key == "oneOf"
                && !object.contains_key("anyOf")
                && let Some(list) = object.shift_remove(key)
            {
                object.insert("anyOf".into(), list);
            }
            changed |= within;
        }
        let is = |object: &Map<String, Value>, name: &str| match object.get("type") {
            Some(Value::String(one)) => one == name,
            Some(Value::Array(many)) => many.iter().any(|one| one == name),
            _ => false,
        };
        if let Some(items) = object.get_mut("items") {
            changed |= self.look(items, depth + 1);
        }
        self.found.objects |= is(object, "object") || object.contains_key("properties");
        let blank = self.format == BodyFormat::Multipart
            && object.keys().all(|key| REMARKS.contains(&key.as_str()));
        let untyped = blank || (!object.contains_key("type") && object.contains_key("format"));
        if is(object, "string") || untyped {
            changed |= self.string(schema);
        }
        changed
    }

    fn string(&mut self, schema: &mut Value) -> bool {
        let Some(object) = schema.as_object_mut() else {
            return false;
        };
        let word = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        let named = word("contentMediaType").filter(|kind| media::is_concrete(kind));
        if let Some(encoding) = word("contentEncoding") {
            self.found.kinds.insert(Kind::Text);
            self.found.types = vec![named.unwrap_or_else(|| "application/octet-stream".to_owned())];
            self.found.encoding = Some(encoding);
            return false;
        }
        let types: Vec<&String> = self.types.iter().chain(&named).collect();
        let first = types.first().map(|kind| kind.as_str());
        let textual = first.is_some_and(media::is_text);
        let free = !object.contains_key("enum") && !object.contains_key("const");
        // In multipart what has no type is bytes, unless its media type says more.
        let untyped = !object.contains_key("type") && !first.is_some_and(media::is_json);
        let other = first.is_some() && !textual;
        let file = word("format").as_deref() == Some("binary") || (free && (other || untyped));
        if let Some(named) = &named {
            self.found.types = vec![named.clone()];
        }
        if !file {
            if object.contains_key("type") {
                self.found.kinds.insert(Kind::Text);
            }
            return false;
        }
        let kind = if textual { Kind::TextFile } else { Kind::File };
        self.found.kinds.insert(kind);
        self.found.bounds |= ["minLength", "maxLength", "pattern"]
            .iter()
            .any(|key| object.contains_key(*key));
        let mut leaf = Map::new();
        let kind = object.get("type").cloned();
        leaf.insert("type".into(), kind.unwrap_or_else(|| "string".into()));
        let types: Vec<&str> = types.iter().map(|kind| kind.as_str()).collect();
        let mut hint = if textual { TEXT_HINT } else { HINT }.to_owned();
        if !types.is_empty() {
            hint.push_str(&format!(" Its type is {}.", types.join(" or ")));
        }
        if let Some(said) = word("description") {
            hint.push_str(&format!(" {said}"));
        }
        leaf.insert("description".into(), hint.into());
        if !textual {
            leaf.insert("contentEncoding".into(), "base64".into());
        }
        if object.get("deprecated") == Some(&json!(true)) {
            leaf.insert("deprecated".into(), true.into());
        }
        *schema = Value::Object(leaf);
        true
    }
}
