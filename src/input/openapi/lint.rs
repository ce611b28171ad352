//! A strict lint of 3.0 documents: whether each object has the shape that the crate `openapiv3` gives
//! it. What it finds is said and changes nothing: the reader takes much more than is strictly allowed.
//!
//! An object is looked at by itself, with the least that can be in the place of each object inside
//! it, which is looked at in turn. So one that is wrong hides no other, every finding has the place
//! that it is about, and the work grows with the document alone: the crate itself reads a wrong object
//! again at every object that it is in.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Map, Number, Value};

use super::node::Node;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};

mod kind;
#[cfg(test)]
mod tests;

use kind::{Kind, Shape};

/// Findings that are shown of one path item or component, and of the document.
const PER_ITEM: usize = 5;
const IN_ALL: usize = 100;
/// Characters of a message; it may show a text of the document.
const MESSAGE: usize = 200;

/// What serde says, and what it is called here.
const WORDS: [(&str, &str); 10] = [
    ("missing field ", "no "),
    ("unknown variant ", ""),
    (", expected one of", " is none of"),
    ("invalid type: sequence", "invalid type: a list"),
    ("invalid type: map", "invalid type: an object"),
    ("invalid type: floating point", "invalid type: number"),
    ("expected a sequence", "expected a list"),
    ("expected a map", "expected an object"),
    ("expected a JSON number", "expected a number"),
    ("expected usize", "expected a whole number"),
];

const HELP: &str = "what can be read of it is read; other tools may refuse the document";

/// Looks at a 3.0 document, at a path item and a component at a time. Places that something was said
/// of before are not named again.
pub(super) fn lint(root: &Value, deadline: Option<Instant>, diags: &mut Diagnostics) {
    let known = diags.iter().filter_map(|found| found.loc.as_ref());
    let mut lint = Lint {
        known: known.map(|loc| loc.pointer.clone()).collect(),
        shown: 0,
        hidden: 0,
        diags,
    };
    let document = Node::root(root);
    lint.say(object(Kind::Document, Code::NotStrict, &document), &mut 0);
    let mut parts = Vec::new();
    inside(Kind::Document, &document, &mut parts);
    for (kind, part) in parts {
        let (code, items) = match kind {
            Kind::Paths => (Code::NotStrictPath, true),
            Kind::Components => (Code::NotStrictComponent, true),
            _ => (Code::NotStrict, false),
        };
        if !items {
            lint.item(kind, code, part);
            continue;
        }
        lint.say(object(kind, Code::NotStrict, &part), &mut 0);
        let mut found = Vec::new();
        inside(kind, &part, &mut found);
        for (kind, item) in found {
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                let message = "there is no time left to look at the rest of the document strictly";
                let found = Diagnostic::new(Code::NotStrict, item.loc(), message);
                lint.diags.push(found);
                return;
            }
            lint.item(kind, code, item);
        }
    }
    if lint.hidden > 0 {
        let message = format!(
            "{} more places are not strictly 3.0 and are not shown",
            lint.hidden
        );
        let found = Diagnostic::new(Code::NotStrict, Loc::at(""), message);
        lint.diags
            .push(found.help("mend those that are shown, then check again"));
    }
}

struct Lint<'d> {
    /// Places that the reader has said something of.
    known: BTreeSet<String>,
    shown: usize,
    hidden: usize,
    diags: &'d mut Diagnostics,
}

impl Lint<'_> {
    /// Shows what was found in an item that has had so many findings.
    fn say(&mut self, found: Vec<Diagnostic>, of_item: &mut usize) {
        for found in found {
            let place = found.loc.as_ref().map(|loc| &loc.pointer);
            if place.is_some_and(|place| self.known.contains(place)) {
                continue;
            }
            if *of_item < PER_ITEM && self.shown < IN_ALL {
                *of_item += 1;
                self.shown += 1;
                self.diags.push(found);
            } else {
                self.hidden += 1;
            }
        }
    }

    /// One path item, component or other part, with all that is in it.
    fn item(&mut self, kind: Kind, code: Code, item: Node<'_>) {
        let mut of_item = 0;
        let mut waiting = vec![(kind, item)];
        while let Some((kind, node)) = waiting.pop() {
            self.say(object(kind, code, &node), &mut of_item);
            // The next that is popped is the first inside this one.
            let before = waiting.len();
            inside(kind, &node, &mut waiting);
            if let Some(added) = waiting.get_mut(before..) {
                added.reverse();
            }
        }
    }
}

/// Whether what is at a node is a reference, which says nothing else in 3.0.
fn is_reference(kind: Kind, value: &Value) -> bool {
    kind.may_be_shared() && value.get("$ref").is_some_and(Value::is_string)
}

/// The objects inside one.
fn inside<'a>(kind: Kind, node: &Node<'a>, found: &mut Vec<(Kind, Node<'a>)>) {
    if is_reference(kind, node.value) {
        return;
    }
    for (key, child) in node.entries().filter(|(key, _)| !key.starts_with("x-")) {
        match kind.part(key, child.value) {
            Some((Shape::One, kind)) => found.push((kind, child)),
            Some((Shape::List, kind)) => found.extend(child.items().map(|item| (kind, item))),
            Some((Shape::Map, kind)) => {
                found.extend(child.entries().map(|(_, entry)| (kind, entry)));
            }
            None => {}
        }
    }
}

/// What is wrong with an object itself.
fn object(kind: Kind, code: Code, node: &Node<'_>) -> Vec<Diagnostic> {
    let Some(object) = node.value.as_object() else {
        let message = format!("not strictly 3.0: {} that is not an object", kind.noun());
        return vec![Diagnostic::new(code, node.loc(), message).help(HELP)];
    };
    if is_reference(kind, node.value) {
        return Vec::new();
    }
    let copy = by_itself(kind, object);
    let Some(whole) = kind.error(Value::Object(copy.clone())) else {
        return Vec::new();
    };
    let least = kind.least_like(&copy);
    let mut found = Vec::new();
    for (key, value) in copy {
        let mut alone = least.clone();
        // One of the two says what a value is.
        if key == "content" {
            alone.shift_remove("schema");
        }
        alone.insert(key.clone(), value);
        if let Some(error) = kind.error(Value::Object(alone)) {
            let said = format!("not strictly 3.0: `{key}` of {}: {error}", kind.noun());
            let loc = node.loc().child(&key);
            found.push(Diagnostic::new(code, loc, shortened(&said)).help(advice(kind, &key)));
        }
    }
    if found.is_empty() {
        let noun = kind.noun();
        let lacking = if whole.contains("ParameterSchemaOrContent") {
            Some("`schema` or `content`")
        } else if whole.contains("LinkOperation") {
            Some("`operationId` or `operationRef`")
        } else {
            whole.strip_prefix("missing field ")
        };
        let said = match lacking {
            Some(field) => format!("not strictly 3.0: {noun} without {field}"),
            None => format!("not strictly 3.0: {noun}: {whole}"),
        };
        found.push(Diagnostic::new(code, node.loc(), shortened(&said)).help(HELP));
    }
    found
}

/// What is done where a later version was meant, or an earlier one.
fn advice(kind: Kind, key: &str) -> &'static str {
    match (kind, key) {
        (Kind::Schema, "type") => "3.0 has one type, and `nullable: true` beside it",
        (Kind::Schema, "exclusiveMinimum" | "exclusiveMaximum") => {
            "3.0 has `true` or `false`, beside `minimum` or `maximum`"
        }
        (Kind::Schema, "required") => "3.0 has a list of names, beside `properties`",
        _ => HELP,
    }
}

/// A message in the words of documents, not of Rust, and not too long: it may show a text.
fn shortened(message: &str) -> String {
    let mut message = message.to_owned();
    for (of_rust, of_documents) in WORDS {
        message = message.replace(of_rust, of_documents);
    }
    if let Some((start, name)) = message.rsplit_once("expected struct ")
        && name.chars().all(char::is_alphanumeric)
    {
        message = format!("{start}expected an object");
    }
    match message.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message,
    }
}

/// A copy of an object with the least that can be in the place of each object inside it, and without
/// what may be anything.
fn by_itself(kind: Kind, object: &Map<String, Value>) -> Map<String, Value> {
    let mut copy = Map::new();
    for (key, value) in object {
        if key.starts_with("x-") || kind.is_data(key) {
            continue;
        }
        let value = match (kind.part(key, value), value) {
            (Some((Shape::One, part)), _) => part.least(),
            (Some((Shape::List, part)), Value::Array(items)) => {
                Value::Array(items.first().map(|_| part.least()).into_iter().collect())
            }
            (Some((Shape::Map, part)), Value::Object(entries)) => {
                let first = entries.keys().next();
                Value::Object(
                    first
                        .map(|key| (key.clone(), part.least()))
                        .into_iter()
                        .collect(),
                )
            }
            (_, value) => plain(value),
        };
        copy.insert(key.clone(), value);
    }
    copy
}

/// A copy of a value whose numbers are ones that every number type of Rust can be asked for, and
/// whose texts are not long.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().map(Number::from);
            let whole = whole.or_else(|| number.as_u64().map(Number::from));
            let number = whole.or_else(|| number.as_f64().and_then(Number::from_f64));
            Value::Number(number.unwrap_or_else(|| Number::from(0)))
        }
        Value::String(text) => Value::String(text.chars().take(MESSAGE).collect()),
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Object(object) => {
            let entries = object
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}
