//! YAML: the events of the scanner, composed into the tree that JSON would give.
//!
//! What YAML has and JSON has not is settled here: aliases are copies, merge keys are applied,
//! keys are their text (`200:` is `"200"`), tags of the core schema are obeyed and others ignored,
//! and only the first document of a stream is read.
//!
//! Nothing recurses: open collections are a stack, whose height the budget limits. An alias is
//! paid for before it is copied, so a few lines that would expand to gigabytes cost nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Instant;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use super::scalar::{self, Plain};
use super::{
    Budget, FIXED_LIMIT, MAX_REPORTS, Manner, and_more, duplicate_key, empty, over_depth,
    over_nodes, quoted,
};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, Severity};

mod syntax;
#[cfg(test)]
mod tests;

use syntax::syntax;

/// The prefix of the tags that `!!str` and its like stand for.
const CORE_TAG: &str = "tag:yaml.org,2002:";

/// Reads the first document of `text`; `None` after an error, which is reported.
pub(super) fn compose(
    text: &str,
    budget: &Budget,
    manner: Manner,
    diags: &mut Diagnostics,
) -> Option<Value> {
    let mut composer = Composer {
        budget,
        manner,
        diags,
        started: Instant::now(),
        frames: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        copied: Size::default(),
        reports: 0,
        failed: false,
        root: None,
    };
    if let Err(error) = composer.read(text) {
        composer.diags.push(*error);
        composer.failed = true;
    }
    if composer.reports > MAX_REPORTS {
        let more = and_more(Code::YamlFeature, composer.reports - MAX_REPORTS);
        composer.diags.push(more);
    }
    let root = composer.root.take();
    root.filter(|_| !composer.failed)
}

struct Composer<'a> {
    budget: &'a Budget,
    manner: Manner,
    diags: &'a mut Diagnostics,
    started: Instant,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, (Value, Size)>,
    /// Values written in the text so far.
    nodes: usize,
    /// What copying cost so far: aliases, and the copies kept for them.
    copied: Size,
    /// Findings so far, also those that were not reported one by one.
    reports: usize,
    failed: bool,
    root: Option<Value>,
}

/// What a value costs.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Values, itself included.
    nodes: usize,
    /// Bytes of text in keys and scalars.
    bytes: usize,
    /// Levels of collections; 0 for a scalar.
    height: usize,
}

/// An open collection.
struct Frame {
    content: Content,
    anchor: usize,
    size: Size,
    start: Marker,
}

enum Content {
    List(Vec<Value>),
    Map {
        entries: Map<String, Value>,
        /// What `<<` brought, in order.
        merged: Vec<Map<String, Value>>,
        /// The key whose value comes next.
        key: Option<(Key, Marker)>,
    },
}

enum Key {
    Text(String),
    Merge,
    /// A collection, which was reported.
    Unusable,
}

type Step = Result<(), Box<Diagnostic>>;

impl Composer<'_> {
    fn read(&mut self, text: &str) -> Step {
        // The scanner holds a flow collection in memory until it ends. Its entries are counted
        // first, as the commas that the text has.
        if text.bytes().filter(|&b| b == b',').count() > self.budget.nodes {
            return Err(Box::new(over_nodes(self.budget)));
        }
        let mut parser = Parser::new_from_str(text);
        let mut events = 0_usize;
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) =
                next.map_err(|error| Box::new(syntax(text, &error, self.budget)))?;
            events += 1;
            if events.is_multiple_of(4096) && self.started.elapsed() > self.budget.time {
                let message = format!(
                    "the document took more than {} seconds to read",
                    self.budget.time.as_secs()
                );
                return Err(Box::new(
                    Diagnostic::new(Code::Budget, Loc::line(1, 1), message).help(FIXED_LIMIT),
                ));
            }
            if let Event::DocumentStart(_) = event {
                documents += 1;
                if documents > 1 {
                    let message = "only the first of several YAML documents is read";
                    self.warn(span.start, message);
                    break;
                }
            }
            self.step(event, span.start)?;
        }
        match self.root {
            Some(_) => Ok(()),
            None => Err(Box::new(empty())),
        }
    }

    fn step(&mut self, event: Event, start: Marker) -> Step {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                if self.frames.is_empty() && is_plain && text.is_empty() && tag.is_none() {
                    return Ok(()); // `---` and nothing after it
                }
                let size = Size {
                    nodes: 1,
                    bytes: text.len(),
                    height: 0,
                };
                self.charge_one()?;
                if self.wants_key() {
                    return self.key(text, is_plain, anchor, start);
                }
                let value = self.scalar(text.into_owned(), is_plain, tag.as_deref(), start);
                self.finish(value, size, anchor, start)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", start);
                self.open(Content::List(Vec::new()), anchor, start)
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", start);
                let content = Content::Map {
                    entries: Map::new(),
                    merged: Vec::new(),
                    key: None,
                };
                self.open(content, anchor, start)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.frames.pop() {
                Some(frame) => {
                    let value = match frame.content {
                        Content::List(items) => Value::Array(items),
                        Content::Map {
                            entries, merged, ..
                        } => Value::Object(merge(merged, entries)),
                    };
                    self.finish(value, frame.size, frame.anchor, frame.start)
                }
                None => Ok(()),
            },
            Event::Alias(id) => self.alias(id, start),
            _ => Ok(()),
        }
    }

    fn open(&mut self, content: Content, anchor: usize, start: Marker) -> Step {
        if self.frames.len() >= self.budget.depth {
            return Err(Box::new(over_depth(self.budget, place(start))));
        }
        let size = Size {
            nodes: 1,
            bytes: 0,
            height: 1,
        };
        self.charge_one()?;
        self.frames.push(Frame {
            content,
            anchor,
            size,
            start,
        });
        Ok(())
    }

    fn alias(&mut self, id: usize, start: Marker) -> Step {
        // An anchor is known from its beginning, and here only from its end.
        let Some((_, size)) = self.anchors.get(&id) else {
            let message = "this alias is inside the node that it stands for";
            return Err(Box::new(Diagnostic::new(
                Code::YamlFeature,
                place(start),
                message,
            )));
        };
        let size = *size;
        if self.frames.len() + size.height > self.budget.depth {
            return Err(Box::new(over_depth(self.budget, place(start))));
        }
        self.charge_copy(size, start)?;
        let value = match self.anchors.get(&id) {
            Some((value, _)) => value.clone(),
            None => Value::Null,
        };
        self.attach(value, size, start);
        Ok(())
    }

    /// Pays for a value that is written in the text.
    fn charge_one(&mut self) -> Step {
        self.nodes += 1;
        match self.nodes > self.budget.nodes {
            true => Err(Box::new(over_nodes(self.budget))),
            false => Ok(()),
        }
    }

    /// Pays for a copy.
    fn charge_copy(&mut self, size: Size, at: Marker) -> Step {
        let (nodes, bytes) = (self.budget.nodes / 5, self.budget.bytes);
        self.copied.nodes = self.copied.nodes.saturating_add(size.nodes);
        self.copied.bytes = self.copied.bytes.saturating_add(size.bytes);
        if self.copied.nodes <= nodes && self.copied.bytes <= bytes {
            return Ok(());
        }
        let message =
            format!("aliases expand the document by more than {nodes} values or {bytes} bytes");
        let finding = Diagnostic::new(Code::Budget, place(at), message);
        Err(Box::new(finding.help(FIXED_LIMIT)))
    }

    /// Keeps a copy of an anchored value, which is paid for too, and puts the value in its place.
    fn finish(&mut self, value: Value, size: Size, anchor: usize, start: Marker) -> Step {
        if anchor != 0 {
            self.charge_copy(size, start)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        self.attach(value, size, start);
        Ok(())
    }

    fn wants_key(&self) -> bool {
        let content = self.frames.last().map(|frame| &frame.content);
        matches!(content, Some(Content::Map { key: None, .. }))
    }

    fn key(&mut self, text: Cow<str>, is_plain: bool, anchor: usize, start: Marker) -> Step {
        if anchor != 0 {
            let size = Size {
                nodes: 1,
                bytes: text.len(),
                height: 0,
            };
            self.charge_copy(size, start)?;
            let value = self.scalar(text.clone().into_owned(), is_plain, None, start);
            self.anchors.insert(anchor, (value, size));
        }
        let new_key = match is_plain && text == "<<" {
            true => {
                if self.manner == Manner::Strict {
                    let help = "write the keys out";
                    self.fail_with(start, "merge keys are not read here", help);
                }
                Key::Merge
            }
            false => Key::Text(text.into_owned()),
        };
        if let Some(frame) = self.frames.last_mut()
            && let Content::Map { key, .. } = &mut frame.content
        {
            frame.size.bytes = frame.size.bytes.saturating_add(new_key.len());
            *key = Some((new_key, start));
        }
        Ok(())
    }

    /// Puts a finished value into the collection it is part of.
    fn attach(&mut self, value: Value, size: Size, start: Marker) {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(value);
            return;
        };
        frame.size.nodes = frame.size.nodes.saturating_add(size.nodes);
        frame.size.bytes = frame.size.bytes.saturating_add(size.bytes);
        frame.size.height = frame.size.height.max(size.height + 1);
        match &mut frame.content {
            Content::List(items) => items.push(value),
            Content::Map {
                entries,
                merged,
                key,
            } => match key.take() {
                Some((Key::Text(text), at)) => {
                    if entries.contains_key(&text) {
                        let finding = duplicate_key(&text, place(at));
                        entries.insert(text, value);
                        self.report(finding);
                    } else {
                        entries.insert(text, value);
                    }
                }
                Some((Key::Merge, at)) => match merge_sources(value) {
                    Some(sources) => merged.extend(sources),
                    None => self.fail(at, "the merge key `<<` needs a mapping or a list of them"),
                },
                Some((Key::Unusable, _)) => {}
                None => {
                    if let Some(text) = alias_key(value) {
                        *key = Some((Key::Text(text), start));
                    } else {
                        *key = Some((Key::Unusable, start));
                        self.fail(start, "a mapping or list cannot be a key");
                    }
                }
            },
        }
    }

    fn scalar(&mut self, text: String, is_plain: bool, tag: Option<&Tag>, at: Marker) -> Value {
        let full = tag.map(|t| format!("{}{}", t.handle, t.suffix));
        let core = full.as_deref().and_then(|t| t.strip_prefix(CORE_TAG));
        let wanted = match (full.as_deref(), core) {
            (None, _) => None,
            (Some("!"), _) | (_, Some("str" | "binary" | "timestamp")) => {
                return Value::String(text);
            }
            (_, Some(kind @ ("null" | "bool" | "int" | "float"))) => Some(kind),
            (Some(name), _) => {
                self.warn(at, format!("the tag {} is ignored", quoted(name)));
                None
            }
        };
        let is_quoted = !is_plain && wanted.is_none();
        if !is_quoted && self.manner == Manner::Strict && scalar::is_ambiguous(&text) {
            let message = format!("{} does not mean the same to every reader", quoted(&text));
            self.fail_with(at, &message, &scalar::unambiguous(&text));
        }
        let plain = if is_quoted {
            Plain::Text
        } else {
            scalar::resolve(&text)
        };
        let fits = |value: &Value| match wanted {
            None => true,
            Some("null") => value.is_null(),
            Some("bool") => value.is_boolean(),
            Some(_) => value.is_number(),
        };
        match plain {
            Plain::Value(value) if fits(&value) => return value,
            Plain::NotInJson => {
                self.warn(
                    at,
                    format!("JSON has no {}; it is read as text", quoted(&text)),
                );
            }
            _ => {
                if let Some(kind) = wanted {
                    let text = quoted(&text);
                    self.warn(at, format!("{text} is not `!!{kind}`; it is read as text"));
                }
            }
        }
        Value::String(text)
    }

    /// A collection may say that it is what it is; any other tag is ignored.
    fn check_tag(&mut self, tag: Option<&Tag>, own: &str, at: Marker) {
        let Some(tag) = tag else { return };
        let full = format!("{}{}", tag.handle, tag.suffix);
        if full != "!" && full.strip_prefix(CORE_TAG) != Some(own) {
            self.warn(at, format!("the tag {} is ignored", quoted(&full)));
        }
    }

    fn warn(&mut self, at: Marker, message: impl Into<String>) {
        self.report(Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::new(Code::YamlFeature, place(at), message)
        });
    }

    fn fail(&mut self, at: Marker, message: &str) {
        let help = "JSON has nothing like it; write it in another way";
        self.fail_with(at, message, help);
    }

    fn fail_with(&mut self, at: Marker, message: &str, help: &str) {
        self.failed = true;
        let found = Diagnostic::new(Code::YamlFeature, place(at), message);
        self.report(found.help(help));
    }

    fn report(&mut self, finding: Diagnostic) {
        self.reports += 1;
        if self.reports <= MAX_REPORTS {
            self.diags.push(finding);
        }
    }
}

impl Key {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Merge | Self::Unusable => 0,
        }
    }
}

/// The scanner's lines begin at 1, its columns at 0.
fn place(at: Marker) -> Loc {
    Loc::line(at.line(), at.col() + 1)
}

/// The text of a value that an alias put where a key is.
fn alias_key(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    }
}

/// What a merge key brings (<https://yaml.org/type/merge.html>): a mapping or a list of mappings.
fn merge_sources(value: Value) -> Option<Vec<Map<String, Value>>> {
    match value {
        Value::Object(map) => Some(vec![map]),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::Object(map) => Some(map),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Merged entries first; of two, the earlier one wins, and the mapping's own win over all.
fn merge(merged: Vec<Map<String, Value>>, own: Map<String, Value>) -> Map<String, Value> {
    if merged.is_empty() {
        return own;
    }
    let mut all = Map::new();
    for (key, value) in merged.into_iter().flatten() {
        all.entry(key).or_insert(value);
    }
    all.extend(own);
    all
}
