//! The tools that stand for all others in search mode.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::args::Checker;
use super::super::manifest::{Bound, Control, Effect};

/// Characters of a question.
const QUERY_MAX: usize = 400;
/// Characters of a name or a tag.
const NAME_MAX: usize = 100;
/// Tools that are described at once.
pub const DESCRIBED_MAX: usize = 10;
/// Tools of one answer.
pub const LIMIT_MAX: u64 = 50;
/// Tools of one answer if nothing is said.
pub const LIMIT: u64 = 8;
/// How far into a result one may page.
const OFFSET_MAX: u64 = 100_000;

/// What a tool of search mode does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Finds tools.
    Search,
    /// Says all of some tools.
    Describe,
    /// Calls a tool that changes nothing.
    CallRead,
    /// Calls a tool that changes something.
    CallWrite,
}

impl Kind {
    /// The name that clients call it by. No operation's tool has one of these names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Search => "search_tools",
            Self::Describe => "describe_tool",
            Self::CallRead => "call_read_tool",
            Self::CallWrite => "call_write_tool",
        }
    }

    /// The one that calls tools of an effect.
    pub fn calling(effect: Effect) -> Self {
        match effect {
            Effect::Read => Self::CallRead,
            Effect::Write | Effect::Destroy => Self::CallWrite,
        }
    }

    /// Those that there are: the last only where something can be changed.
    pub fn all(writes: bool) -> &'static [Self] {
        const ALL: [Kind; 4] = [
            Kind::Search,
            Kind::Describe,
            Kind::CallRead,
            Kind::CallWrite,
        ];
        ALL.split_at(if writes { 4 } else { 3 }).0
    }
}

/// A tool of search mode, as it is listed.
pub struct Meta {
    /// What it does.
    pub kind: Kind,
    /// Name for people.
    pub title: &'static str,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of the arguments.
    pub input_schema: Arc<Map<String, Value>>,
    /// JSON Schema of the structured result, where it has one of its own.
    pub output_schema: Option<Arc<Map<String, Value>>>,
    /// Checks the arguments.
    pub checker: Checker,
}

impl Meta {
    /// The tool for `tools` others, in groups of these names.
    pub fn new(kind: Kind, tools: usize, groups: &str, writes: bool) -> Self {
        let (title, description) = said(kind, tools, writes);
        let input_schema = Arc::new(object(match kind {
            Kind::Search => search_schema(groups, writes),
            Kind::Describe => describe_schema(),
            Kind::CallRead | Kind::CallWrite => call_schema(),
        }));
        let output_schema = match kind {
            Kind::Search | Kind::Describe => Some(Arc::new(object(result_schema(kind)))),
            Kind::CallRead | Kind::CallWrite => None,
        };
        let clamp = |pointer: &str, max: u64, min: u64| Control {
            pointer: pointer.to_owned(),
            clamp: Some(Bound {
                min: Some(min.into()),
                max: Some(max.into()),
                ..Bound::default()
            }),
            ..Control::default()
        };
        let controls = match kind {
            Kind::Search => vec![
                clamp("/limit", LIMIT_MAX, 1),
                clamp("/offset", OFFSET_MAX, 0),
            ],
            _ => Vec::new(),
        };
        Self {
            kind,
            title,
            description,
            checker: Checker::new(&controls, input_schema.clone(), &BTreeMap::new()),
            input_schema,
            output_schema,
        }
    }

    /// Whether it only reads.
    pub fn is_read_only(&self) -> bool {
        self.kind != Kind::CallWrite
    }

    /// Whether it reaches beyond this server.
    pub fn is_open_world(&self) -> bool {
        matches!(self.kind, Kind::CallRead | Kind::CallWrite)
    }
}

fn said(kind: Kind, tools: usize, writes: bool) -> (&'static str, String) {
    let call = if writes {
        "call_read_tool or call_write_tool"
    } else {
        "call_read_tool"
    };
    match kind {
        Kind::Search => (
            "Search tools",
            format!(
                "Finds the right ones of this server's {tools} tools. Describe in a few words what should be done; \
                 the best come first. Call what you find with {call}. Without a query it lists the tools of a tag; \
                 without any argument, the tags."
            ),
        ),
        Kind::Describe => (
            "Describe tools",
            "Gives the whole description and the input schema of tools that search_tools found.".to_owned(),
        ),
        Kind::CallRead => (
            "Call a tool that reads",
            "Calls a tool of this server that changes nothing (effect `read`), by the name that search_tools gave. \
             See its arguments with describe_tool first."
                .to_owned(),
        ),
        Kind::CallWrite => (
            "Call a tool that changes something",
            "Calls a tool of this server that creates, changes or deletes something (effect `write` or `destroy`), \
             by the name that search_tools gave. See its arguments with describe_tool first."
                .to_owned(),
        ),
    }
}

fn search_schema(groups: &str, writes: bool) -> Value {
    let tag = if groups.is_empty() {
        "Only tools of this tag".to_owned()
    } else {
        format!("Only tools of this tag: {groups}")
    };
    let mut properties = json!({
        "query": {
            "type": "string",
            "maxLength": QUERY_MAX,
            "description": "What the tool should do, in a few words, such as `add a label to an issue`"
        },
        "tag": {"type": "string", "maxLength": NAME_MAX, "description": tag},
        "effect": {
            "type": "string",
            "enum": ["read", "write", "destroy"],
            "description": "Only tools of this effect"
        },
        "detail": {
            "type": "string",
            "enum": ["brief", "detailed", "full"],
            "default": "brief",
            "description": "brief: a line a tool; detailed: with its arguments; full: with its input schema, at most 5"
        },
        "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT, "description": "Most tools"},
        "offset": {
            "type": "integer",
            "minimum": 0,
            "maximum": OFFSET_MAX,
            "default": 0,
            "description": "Tools to skip: `next_offset` of the result before"
        }
    });
    if let Some(properties) = properties.as_object_mut().filter(|_| !writes) {
        properties.shift_remove("effect");
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn describe_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["names"],
        "properties": {
            "names": {
                "type": "array",
                "items": {"type": "string", "maxLength": NAME_MAX},
                "minItems": 1,
                "maxItems": DESCRIBED_MAX,
                "description": "Names of tools"
            }
        }
    })
}

fn call_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": NAME_MAX, "description": "Name of the tool"},
            "arguments": {
                "type": "object",
                "additionalProperties": true,
                "description": "The tool's own arguments, as its input schema says"
            }
        }
    })
}

fn result_schema(kind: Kind) -> Value {
    let text = json!({"type": "string"});
    let tool = json!({
        "type": "object",
        "required": ["name", "effect"],
        "properties": {
            "name": text, "effect": text, "summary": text, "arguments": text, "description": text,
            "input_schema": {"type": "object"}
        }
    });
    let mut properties = json!({"tools": {"type": "array", "items": tool}});
    if let Some(properties) = properties.as_object_mut() {
        if kind == Kind::Search {
            let tag = json!({"type": "object", "properties": {"tag": text, "tools": {"type": "integer"}}});
            properties.insert("tags".to_owned(), json!({"type": "array", "items": tag}));
            properties.insert("next_offset".to_owned(), json!({"type": "integer"}));
        } else {
            for names in ["rest", "unknown"] {
                let list = json!({"type": "array", "items": text});
                properties.insert(names.to_owned(), list);
            }
        }
    }
    json!({"type": "object", "required": ["tools"], "properties": properties})
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
