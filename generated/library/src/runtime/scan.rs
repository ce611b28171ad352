//! The strict look at every incoming message, the same on every transport: what is not exactly one
//! JSON-RPC 2.0 message, in JSON that every parser reads alike, is refused with the right error.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Deepest nesting of a message.
pub const DEPTH_MAX: usize = 64;
/// Largest message, in bytes.
pub const MESSAGE_MAX: usize = 4 * 1024 * 1024;
/// The request's `_meta` key that names its protocol version (MCP 2026-07-28, base protocol).
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
/// The JSON library's own mark for numbers; in a message it would turn an object into a number.
const PRIVATE_PREFIX: &str = "$serde_json::private::";

/// Keys of a message, and keys of its parameters that decide what is done. Some parsers take another
/// case for the same key; a message that they read differently is refused.
const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
const PARAMS: [&str; 8] = [
    "_meta",
    "arguments",
    "cursor",
    "inputResponses",
    "name",
    "protocolVersion",
    "requestId",
    "requestState",
];

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const INVALID_PARAMS: i64 = -32602;

/// A message that may be passed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The whole message.
    pub value: Value,
    /// What kind it is.
    pub kind: Kind,
    /// Whether it names its protocol version itself, as from 2026-07-28 on.
    pub modern: bool,
}

impl Message {
    /// The id; null for a notification.
    pub fn id(&self) -> &Value {
        self.value.get("id").unwrap_or(&Value::Null)
    }

    /// The id of the request that a cancellation is about.
    pub fn cancels(&self) -> Option<&Value> {
        let cancelled = self.method() == "notifications/cancelled";
        self.value
            .pointer("/params/requestId")
            .filter(|_| cancelled)
    }

    /// The method; empty for a response.
    pub fn method(&self) -> &str {
        self.value
            .get("method")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// The kinds of JSON-RPC messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Wants an answer.
    Request,
    /// Wants none.
    Notification,
    /// Is one.
    Response,
}

/// A message that is answered with an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    code: i64,
    message: String,
    id: Value,
}

impl Refusal {
    /// A message that cannot be read at all has no id.
    pub fn unread(message: impl Into<String>) -> Self {
        Self {
            code: INVALID_REQUEST,
            message: message.into(),
            id: Value::Null,
        }
    }

    /// A request whose id is that of one not answered yet.
    pub fn reused_id(id: &Value) -> Self {
        let message = "invalid request: a request with this id is not answered yet".to_owned();
        Self {
            code: INVALID_REQUEST,
            message,
            id: id.clone(),
        }
    }

    /// The JSON-RPC error response. An id that cannot be told is left out (MCP 2026-07-28, base
    /// protocol, error responses).
    pub fn response(&self) -> Value {
        let error = json!({"code": self.code, "message": self.message});
        if self.id.is_null() {
            json!({"jsonrpc": "2.0", "error": error})
        } else {
            json!({"jsonrpc": "2.0", "id": self.id, "error": error})
        }
    }
}

/// Reads one message.
///
/// # Errors
///
/// −32700 for what is not JSON, −32600 for JSON that is not one message or that parsers read
/// differently, −32602 for a tool call without a name or an object of arguments (JSON-RPC 2.0 §5.1).
pub fn scan(bytes: &[u8]) -> Result<Message, Refusal> {
    classify(parse(bytes)?)
}

/// Reads the arguments of a call, as strictly as if they came in a message.
///
/// # Errors
///
/// Why they are refused.
pub fn arguments(text: &str) -> Result<Map<String, Value>, String> {
    match parse(text.as_bytes()).map_err(|refusal| refusal.message)? {
        Value::Object(arguments) => Ok(arguments),
        _ => Err("they are not a JSON object".to_owned()),
    }
}

/// The message's JSON, if every parser reads it alike.
fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let refuse = |code, message: String, id: Value| Err(Refusal { code, message, id });
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if text.starts_with('\u{feff}') => {
            return refuse(
                PARSE_ERROR,
                "parse error: a byte order mark before the message".into(),
                Value::Null,
            );
        }
        Ok(text) => text,
        Err(error) => {
            let message = format!("parse error: byte {} is not UTF-8", error.valid_up_to());
            return refuse(PARSE_ERROR, message, Value::Null);
        }
    };
    // Depth is looked at first: the parser would refuse it as a syntax error.
    let problem = problem(text);
    if problem == Some(Problem::Depth) {
        return refuse(
            INVALID_REQUEST,
            format!("invalid request: nested deeper than {DEPTH_MAX} levels"),
            Value::Null,
        );
    }
    // So is this: to the parser the key is a sign of its own.
    if problem == Some(Problem::PrivateKey) {
        return refuse(
            INVALID_REQUEST,
            "invalid request: a reserved key".into(),
            Value::Null,
        );
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return refuse(PARSE_ERROR, format!("parse error: {error}"), Value::Null),
    };
    match problem {
        Some(Problem::DuplicateKey(key)) => {
            let id = if key == "id" { Value::Null } else { id(&value) };
            let message = format!(
                "invalid request: the key {} is there twice",
                Value::from(key)
            );
            return refuse(INVALID_REQUEST, message, id);
        }
        Some(Problem::Depth | Problem::PrivateKey) | None => {}
    }
    Ok(value)
}

/// What kind of message it is, if it is one.
fn classify(value: Value) -> Result<Message, Refusal> {
    let wrong = |why: &str| {
        Err(Refusal {
            code: INVALID_REQUEST,
            message: format!("invalid request: {why}"),
            id: id(&value),
        })
    };
    let Some(object) = value.as_object() else {
        let batch = value.is_array();
        return wrong(if batch {
            "batches are not supported; send one message a line"
        } else {
            "not an object"
        });
    };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return wrong("`jsonrpc` is not \"2.0\"");
    }
    if object.contains_key("id") && id(&value).is_null() {
        return wrong("`id` is neither a string nor an integer");
    }
    if let Some(key) = misspelled(object, &ENVELOPE) {
        return wrong(&format!("the key {key} is not spelled as it should be"));
    }
    let answers = ["result", "error"].map(|key| object.contains_key(key));
    if object.contains_key("method") && answers.contains(&true) {
        return wrong("both a request and a response");
    }
    let kind = match (object.get("method"), object.contains_key("id")) {
        (Some(Value::String(_)), true) => Kind::Request,
        (Some(Value::String(_)), false) => Kind::Notification,
        (Some(_), _) => return wrong("`method` is not a string"),
        (None, true) if object.contains_key("result") != object.contains_key("error") => {
            Kind::Response
        }
        (None, _) => return wrong("neither a request, a notification nor a response"),
    };
    let params = object.get("params");
    if params.is_some_and(|params| !params.is_object()) {
        return wrong("`params` is not an object");
    }
    if let Some(key) = params
        .and_then(Value::as_object)
        .and_then(|params| misspelled(params, &PARAMS))
    {
        return wrong(&format!("the key {key} is not spelled as it should be"));
    }
    // rmcp would take a call it cannot read for a method it does not know.
    if object.get("method").and_then(Value::as_str) == Some("tools/call")
        && let Some(why) = params.map_or(Some("`params` is missing"), call_problem)
    {
        let message = format!("invalid params: {why}");
        return Err(Refusal {
            code: INVALID_PARAMS,
            message,
            id: id(&value),
        });
    }
    let modern = params
        .and_then(|p| p.get("_meta"))
        .is_some_and(|meta| meta.get(VERSION_KEY).is_some());
    Ok(Message {
        value,
        kind,
        modern,
    })
}

/// What is wrong with the parameters of `tools/call`.
fn call_problem(params: &Value) -> Option<&'static str> {
    if !params.get("name").is_some_and(Value::is_string) {
        return Some("`name` is not a string");
    }
    let arguments = params.get("arguments");
    arguments
        .is_some_and(|arguments| !arguments.is_object())
        .then_some("`arguments` is not an object")
}

/// A key that differs from a known one in nothing but case (Unicode's: `ſ` is an `s`), quoted.
fn misspelled(object: &Map<String, Value>, known: &[&str]) -> Option<String> {
    // Known keys are ASCII, so only other letters need Unicode's folding, once a key.
    let same = |key: &str| known.iter().any(|known| known.eq_ignore_ascii_case(key));
    let wrong = |key: &&String| {
        // No known key is longer, whatever its letters are.
        if key.len() >= 64 || known.contains(&key.as_str()) {
            return false;
        }
        if key.is_ascii() {
            return same(key);
        }
        let upper = key.chars().flat_map(char::to_uppercase);
        same(&upper.flat_map(char::to_lowercase).collect::<String>())
    };
    object
        .keys()
        .find(wrong)
        .map(|key| Value::from(key.as_str()).to_string())
}

/// The id, if it is one that MCP allows: a string or an integer.
fn id(value: &Value) -> Value {
    match value.get("id") {
        Some(Value::String(text)) => Value::String(text.clone()),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
            Value::Number(number.clone())
        }
        _ => Value::Null,
    }
}

/// What parsers read differently.
#[derive(Debug, PartialEq)]
enum Problem {
    Depth,
    DuplicateKey(String),
    PrivateKey,
}

/// Walks the text without building anything. It does not judge syntax: the parser does that.
fn problem(text: &str) -> Option<Problem> {
    let bytes = text.as_bytes();
    // The keys of each open object; `None` for an open array.
    let mut open: Vec<Option<BTreeSet<Cow<'_, str>>>> = Vec::new();
    let mut found = None;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => open.push(Some(BTreeSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => {
                open.pop();
            }
            b'"' => {
                let end = string_end(bytes, at);
                let is_key = next_is_colon(bytes, end);
                if is_key && let Some(Some(keys)) = open.last_mut() {
                    let key = key(text.get(at..end).unwrap_or_default());
                    if key.starts_with(PRIVATE_PREFIX) {
                        found.get_or_insert(Problem::PrivateKey);
                    }
                    if keys.contains(&key) {
                        found.get_or_insert(Problem::DuplicateKey(key.into_owned()));
                    } else {
                        keys.insert(key);
                    }
                }
                at = end;
                continue;
            }
            _ => {}
        }
        if open.len() > DEPTH_MAX {
            return Some(Problem::Depth);
        }
        at += 1;
    }
    found
}

/// The key that a string in its quotes stands for. Only an escape makes it another text; one that is
/// not valid JSON is left to the parser.
fn key(raw: &str) -> Cow<'_, str> {
    if raw.bytes().any(|b| b == b'\\' || b < b' ') {
        return Cow::Owned(serde_json::from_str(raw).unwrap_or_default());
    }
    let inner = raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Cow::Borrowed(inner.unwrap_or_default())
}

/// The position behind the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn next_is_colon(bytes: &[u8], from: usize) -> bool {
    bytes.iter().skip(from).find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn messages() {
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":{}1{}}}}}"#,
            "[".repeat(99),
            "]".repeat(99)
        );
        for (text, want) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#,
                Ok(Kind::Request),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","params":{}}"#,
                Ok(Kind::Notification),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"a","result":{}}"#,
                Ok(Kind::Response),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":{"b":1},"c":{"b":1}}}"#,
                Ok(Kind::Request),
            ),
            ("", Err((PARSE_ERROR, json!(null)))),
            ("hello", Err((PARSE_ERROR, json!(null)))),
            ("{\"jsonrpc\":", Err((PARSE_ERROR, json!(null)))),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"m","Method":"n"}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"namé":1,"names":2,"argumentſ":{}}}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"names":1,"protocolverSion":{}}}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"m","result":{}}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            ("\u{feff}{}", Err((PARSE_ERROR, json!(null)))),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
                Err((PARSE_ERROR, json!(null))),
            ),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"m"}]"#,
                Err((INVALID_REQUEST, json!(null))),
            ),
            ("1", Err((INVALID_REQUEST, json!(null)))),
            (r#"{"id":7,"method":"m"}"#, Err((INVALID_REQUEST, json!(7)))),
            (
                r#"{"jsonrpc":"2.0","id":7,"Method":"m"}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
                Err((INVALID_REQUEST, json!(null))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#,
                Err((INVALID_REQUEST, json!(null))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"m","params":[]}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#,
                Err((INVALID_PARAMS, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":[]}}"#,
                Err((INVALID_PARAMS, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t"}}"#,
                Ok(Kind::Request),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"a","method":"b"}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"b"}"#,
                Err((INVALID_REQUEST, json!(null))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":{"n":1,"\u006e":9999}}}"#,
                Err((INVALID_REQUEST, json!(7))),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"$serde_json::private::Number":"1"}}"#,
                Err((INVALID_REQUEST, json!(null))),
            ),
            (&deep, Err((INVALID_REQUEST, json!(null)))),
        ] {
            let found = scan(text.as_bytes())
                .map(|m| m.kind)
                .map_err(|r| (r.code, r.id));
            assert_eq!(found, want, "{text}");
        }
        assert_eq!(scan(b"{\"a\":\"\xff\"}").unwrap_err().code, PARSE_ERROR);
        assert_eq!(scan(&[0xff, 0xfe, b'{', 0]).unwrap_err().code, PARSE_ERROR);
    }
}
