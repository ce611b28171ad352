//! Plain calls: a `tools/call` in a version whose headers and body are at one, from a host that is
//! known, asking for nothing else.
//!
//! Most calls are plain. rmcp would run a service with tasks and channels for each, read the message
//! twice more and write it once; that is half of what a call costs. A plain call is answered in place,
//! with the bytes that rmcp would send. Whatever is not plain goes to rmcp, and so does whatever is to
//! be refused: nothing is decided here but that a call is in order.

use http::HeaderMap;
use http::header::{ACCEPT, HOST, ORIGIN};
use http::uri::Authority;
use serde_json::{Map, Value};

use super::scan::Message;

/// The version whose headers repeat what the body says.
const MODERN: &str = "2026-07-28";
/// Versions that a client names in a header after its handshake.
const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
/// How clients say that they take both kinds of answers.
const ACCEPTED: [&str; 2] = [
    "application/json, text/event-stream",
    "text/event-stream, application/json",
];

/// What the headers of a plain call say of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise<'a> {
    /// A call of this tool.
    Modern(&'a str),
    /// A message of before 2026-07-28.
    Legacy,
}

/// The headers of plain calls.
#[derive(Debug, Clone)]
pub struct PlainHeaders {
    /// `Host` values that are accepted as they stand, besides loopback names.
    hosts: Vec<String>,
}

impl PlainHeaders {
    /// Accepts loopback names and, of these hosts, those that are written as an authority.
    pub fn new(allowed_hosts: &[String]) -> Self {
        let hosts = allowed_hosts.iter().filter(|host| {
            let parsed = Authority::try_from(host.as_str());
            parsed.is_ok_and(|authority| authority.as_str() == host.as_str())
        });
        Self {
            hosts: hosts.cloned().collect(),
        }
    }

    /// What the headers say, if they are those of a plain call.
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> Option<Promise<'a>> {
        // Each stands there once.
        let only = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let value = values.next()?.to_str().ok()?;
            values.next().is_none().then_some(value)
        };
        let host = only(HOST.as_str())?;
        let known = is_loopback(host) || self.hosts.iter().any(|allowed| allowed == host);
        let accept = only(ACCEPT.as_str())?;
        if !known || headers.contains_key(ORIGIN) || !ACCEPTED.contains(&accept) {
            return None;
        }
        match only("mcp-protocol-version")? {
            MODERN => {
                let tool = only("mcp-name")?;
                // `=` may begin a name in base64.
                let plain = only("mcp-method")? == "tools/call" && !tool.starts_with('=');
                plain.then_some(Promise::Modern(tool))
            }
            version => LEGACY.contains(&version).then_some(Promise::Legacy),
        }
    }
}

/// A loopback name, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = ["localhost", "127.0.0.1", "[::1]"]
        .into_iter()
        .find_map(|name| host.strip_prefix(name));
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    name.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// A call, taken apart.
pub struct Parts {
    /// The request's id.
    pub id: Value,
    /// The tool's name.
    pub tool: String,
    /// The arguments.
    pub arguments: Map<String, Value>,
    /// `_meta`.
    pub meta: Map<String, Value>,
}

/// Takes a message apart, if it is the call that its headers promise, with nothing that a plain call
/// does not have.
pub fn parts(message: Message, promise: Promise<'_>) -> Option<Parts> {
    if message.modern != matches!(promise, Promise::Modern(_)) || message.method() != "tools/call" {
        return None;
    }
    let Value::Object(mut object) = message.value else {
        return None;
    };
    let known = ["jsonrpc", "id", "method", "params"];
    if !object.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let Value::Object(mut params) = object.get_mut("params")?.take() else {
        return None;
    };
    let known = ["name", "arguments", "_meta"];
    if !params.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let Value::String(tool) = params.get_mut("name")?.take() else {
        return None;
    };
    let mut part = |name: &str| match params.get_mut(name).map(Value::take) {
        Some(Value::Object(part)) => Some(part),
        Some(_) => None,
        None => Some(Map::new()),
    };
    let promised = match promise {
        Promise::Modern(name) => name == tool,
        Promise::Legacy => true,
    };
    promised.then_some(Parts {
        id: object.get_mut("id")?.take(),
        tool,
        arguments: part("arguments")?,
        meta: part("_meta")?,
    })
}

/// Whether a call of a tool with this input schema has parameters in headers (`x-mcp-header`).
pub fn has_header_params(schema: &Map<String, Value>) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_some_and(|properties| {
        properties
            .values()
            .filter_map(Value::as_object)
            .any(|property| property.contains_key("x-mcp-header") || has_header_params(property))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    const USUAL: [(&str, &str); 5] = [
        ("host", "127.0.0.1:8080"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "get_pet"),
    ];

    #[test]
    fn headers_of_plain_calls() {
        let plain = PlainHeaders::new(&["mcp.example".to_owned(), "not a host".to_owned()]);
        let read = |other: &[(&str, &str)], more: &[(&str, &str)]| {
            let replaced = |name: &str| other.iter().any(|(n, _)| *n == name);
            let usual = USUAL.iter().filter(|(name, _)| !replaced(name));
            let mut headers = HeaderMap::new();
            for (name, value) in usual.chain(other).chain(more) {
                headers.append(
                    HeaderName::try_from(*name).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                );
            }
            plain
                .read(&headers)
                .map(|promise| promise != Promise::Legacy)
        };
        assert_eq!(read(&[], &[]), Some(true));
        for host in ["localhost", "[::1]:1", "127.0.0.1", "mcp.example"] {
            assert_eq!(read(&[("host", host)], &[]), Some(true), "{host}");
        }
        let legacy = ("mcp-protocol-version", "2025-11-25");
        assert_eq!(read(&[legacy], &[]), Some(false));
        for other in [
            ("host", "evil.example"),
            ("host", "localhost.evil.example"),
            ("host", "127.0.0.1:99999"),
            ("host", "127.0.0.1:"),
            ("host", "127.0.0.1:+1"),
            ("host", "user@127.0.0.1"),
            ("host", "mcp.example:8080"),
            ("host", "not a host"),
            ("accept", "application/json"),
            ("accept", "application/json, text/event-stream;q=0"),
            ("mcp-protocol-version", "2024-11-05"),
            ("mcp-method", "tools/list"),
            ("mcp-name", "=?base64?Z2V0X3BldA==?="),
            ("origin", "http://localhost"),
        ] {
            assert_eq!(read(&[other], &[]), None, "{other:?}");
        }
        for twice in USUAL {
            assert_eq!(read(&[], &[twice]), None, "{twice:?}");
        }
    }

    #[test]
    fn bodies_of_plain_calls() {
        let version = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
        let call = |params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let usual = call(json!({"name": "t", "arguments": {"a": 1}, "_meta": version}));
        let old = call(json!({"name": "t"}));
        let modern = Promise::Modern("t");
        for (message, promise, want) in [
            (&usual, modern, true),
            (&usual, Promise::Modern("u"), false),
            (&usual, Promise::Legacy, false),
            (&old, Promise::Legacy, true),
            (&old, modern, false),
            (
                &call(json!({"name": "t", "requestState": "x"})),
                Promise::Legacy,
                false,
            ),
            (
                &call(json!({"name": "t", "_meta": 1})),
                Promise::Legacy,
                false,
            ),
            (
                &json!({"jsonrpc": "2.0", "id": 1, "method": "x"}),
                Promise::Legacy,
                false,
            ),
            (
                &json!({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "t"}}),
                Promise::Legacy,
                false,
            ),
            (
                &json!({"jsonrpc": "2.0", "id": 1, "x": 1, "method": "tools/call", "params": {"name": "t"}}),
                Promise::Legacy,
                false,
            ),
        ] {
            let scanned = crate::runtime::scan::scan(message.to_string().as_bytes()).unwrap();
            assert_eq!(
                parts(scanned, promise).is_some(),
                want,
                "{message}, {promise:?}"
            );
        }
    }

    #[test]
    fn header_params() {
        for (schema, want) in [
            (json!({}), false),
            (json!({"properties": {"x-mcp-header": {}}}), false),
            (json!({"properties": {"a": {"x-mcp-header": "A"}}}), true),
            (
                json!({"properties": {"a": {"properties": {"b": {"x-mcp-header": "B"}}}}}),
                true,
            ),
        ] {
            assert_eq!(
                has_header_params(schema.as_object().unwrap()),
                want,
                "{schema}"
            );
        }
    }
}
