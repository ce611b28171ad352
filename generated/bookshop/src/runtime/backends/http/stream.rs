//! Answers that come item by item: JSON lines, JSON sequences (RFC 7464) and server-sent events
//! (WHATWG HTML §9.2). They are collected as they come, up to a bound. Pure: no I/O, no clock.

use serde_json::{Map, Value};

use crate::runtime::media;

/// Most items of a stream: who asks for more has to ask for it in parts.
const ITEMS_MAX: usize = 1_000;

/// What separates the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One JSON text a line.
    Lines,
    /// A record separator before each JSON text.
    Records,
    /// Server-sent events.
    Events,
}

/// The kind of stream that a media type is, if it is one.
pub(super) fn kind(media_type: &str) -> Option<Kind> {
    if media::is_events(media_type) {
        Some(Kind::Events)
    } else if !media::is_json_sequence(media_type) {
        None
    } else if media::is_separated(media_type) {
        Some(Kind::Records)
    } else {
        Some(Kind::Lines)
    }
}

/// Why no more was collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It ended.
    Whole,
    /// It had as many items as are collected.
    Items,
    /// It had as many bytes as are read.
    Bytes,
    /// Its time was over.
    Time,
    /// The connection broke.
    Broken,
}

/// What was collected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Items {
    pub(super) values: Vec<Value>,
    /// How many items are no JSON and so are not among the values.
    pub(super) left_out: usize,
    pub(super) end: End,
}

/// Takes a stream in pieces, wherever they are cut.
pub(super) struct Collector {
    kind: Kind,
    /// Bytes that may still come.
    room: usize,
    /// The beginning of the current line or record.
    line: Vec<u8>,
    /// Whether the last byte ended a line, and so a line feed that follows does not end another.
    returned: bool,
    /// Whether a line has begun or ended: only then is there no byte order mark.
    begun: bool,
    event: Event,
    values: Vec<Value>,
    left_out: usize,
}

/// The event that is being read.
#[derive(Default)]
struct Event {
    name: String,
    id: Option<String>,
    retry: Option<u64>,
    data: Option<String>,
}

impl Collector {
    /// Collects a stream of at most so many bytes.
    pub(super) fn new(kind: Kind, bytes_max: usize) -> Self {
        Self {
            kind,
            room: bytes_max,
            line: Vec::new(),
            returned: false,
            begun: false,
            event: Event::default(),
            values: Vec::new(),
            left_out: 0,
        }
    }

    /// Whether there is no item yet.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes what came; tells if no more is wanted.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Option<End> {
        for byte in chunk {
            if self.room == 0 {
                return Some(End::Bytes);
            }
            self.room -= 1;
            self.byte(*byte);
            if self.values.len() + self.left_out >= ITEMS_MAX {
                return Some(End::Items);
            }
        }
        None
    }

    fn byte(&mut self, byte: u8) {
        let ends = match self.kind {
            Kind::Records => byte == 0x1e,
            // The line feed of a pair has no line of its own.
            Kind::Events if byte == b'\n' && self.returned => {
                self.returned = false;
                return;
            }
            Kind::Events => byte == b'\n' || byte == b'\r',
            Kind::Lines => byte == b'\n',
        };
        self.returned = byte == b'\r';
        if ends {
            self.line_ended();
        } else {
            self.line.push(byte);
        }
    }

    fn line_ended(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mark = b"\xef\xbb\xbf";
        let first = !std::mem::replace(&mut self.begun, true);
        let line = match line.strip_prefix(mark) {
            Some(rest) if first => rest,
            _ => line.as_slice(),
        };
        if self.kind == Kind::Events {
            // Events are UTF-8, and what is not is replaced (WHATWG HTML §9.2.5).
            let line = String::from_utf8_lossy(line);
            return match line.is_empty() {
                true => self.dispatch(),
                false => self.event.field(&line),
            };
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        match serde_json::from_slice(line) {
            Ok(value) => self.values.push(value),
            Err(_) => self.left_out += 1,
        }
    }

    fn dispatch(&mut self) {
        self.values.extend(std::mem::take(&mut self.event).value());
    }

    /// What there is. Of a stream that was cut the item that it was cut in is none.
    pub(super) fn finish(mut self, end: End) -> Items {
        if end == End::Whole {
            if !self.line.is_empty() {
                self.line_ended();
            }
            // An event without an empty line after it would be dropped by browsers (WHATWG HTML §9.2.6),
            // who cannot know whether it is whole.
            self.dispatch();
        }
        Items {
            values: self.values,
            left_out: self.left_out,
            end,
        }
    }
}

impl Event {
    /// A line of an event: a field, or a comment.
    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => data.push_str(&format!("\n{value}")),
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if value.bytes().all(|b| b.is_ascii_digit()) => self.retry = value.parse().ok(),
            _ => {}
        }
    }

    /// The event as an object (OpenAPI 3.2.0 §4.14.3, "Special Considerations for Server-Sent Events"),
    /// with data that is a JSON object or list as that. Without data it is none.
    fn value(self) -> Option<Value> {
        let data = self.data?;
        let mut object = Map::new();
        if !self.name.is_empty() {
            object.insert("event".to_owned(), self.name.into());
        }
        let compound = data.trim_start().starts_with(['{', '[']);
        let parsed = compound.then(|| serde_json::from_str(&data).ok()).flatten();
        object.insert("data".to_owned(), parsed.unwrap_or_else(|| data.into()));
        object.extend(self.id.map(|id| ("id".to_owned(), id.into())));
        object.extend(self.retry.map(|retry| ("retry".to_owned(), retry.into())));
        Some(Value::Object(object))
    }
}

/// The values of a whole text of JSON lines, if it is one and has several.
pub(super) fn lines(text: &str) -> Option<Vec<Value>> {
    let mut collector = Collector::new(Kind::Lines, usize::MAX);
    let cut = collector.push(text.as_bytes()).is_some();
    let items = collector.finish(End::Whole);
    (!cut && items.left_out == 0 && items.values.len() > 1).then_some(items.values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The items of a text that comes in pieces of each size, which must not matter.
    fn items(kind: Kind, text: &[u8]) -> Items {
        let in_pieces = |size: usize| {
            let mut collector = Collector::new(kind, 10_000);
            for piece in text.chunks(size) {
                assert_eq!(collector.push(piece), None);
            }
            collector.finish(End::Whole)
        };
        let whole = in_pieces(text.len().max(1));
        for size in [1, 2, 3, 7] {
            assert_eq!(in_pieces(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn lines_and_records() {
        for (kind, text, want, left_out) in [
            (
                Kind::Lines,
                &b"{\"a\":1}\n\r\n[2]\r\nnull"[..],
                json!([{"a": 1}, [2], null]),
                0,
            ),
            (
                Kind::Lines,
                b"\xef\xbb\xbf1\n\xef\xbb\xbf2\n",
                json!([1]),
                1,
            ),
            (Kind::Lines, b"{\n1\n", json!([1]), 1),
            (Kind::Lines, b"", json!([]), 0),
            (
                Kind::Records,
                b"\x1e{\"a\":\n1}\n\x1e2\n",
                json!([{"a": 1}, 2]),
                0,
            ),
            (Kind::Records, b"\x1e{\"a\":\n\x1e2\n", json!([2]), 1),
        ] {
            let found = items(kind, text);
            assert_eq!(
                (Value::Array(found.values), found.left_out),
                (want, left_out)
            );
        }
    }

    #[test]
    fn events() {
        for (text, want) in [
            ("data: a\n\n", json!([{"data": "a"}])),
            (
                "data:a\r\rdata:  b\r\n\r\ndata\n\n",
                json!([{"data": "a"}, {"data": " b"}, {"data": ""}]),
            ),
            ("\u{feff}data: a\n\n: comment\n\n", json!([{"data": "a"}])),
            (
                "event: add\nid: 7\nretry: 10\ndata: {\"a\":\ndata: 1}\n\n",
                json!([{"event": "add", "data": {"a": 1}, "id": "7", "retry": 10}]),
            ),
            (
                "event: x\n\ndata: 5\nretry: 1s\nfoo: bar\n\n",
                json!([{"data": "5"}]),
            ),
            (
                "data: {\"a\"\n\ndata: [DONE]",
                json!([{"data": "{\"a\""}, {"data": "[DONE]"}]),
            ),
        ] {
            let found = items(Kind::Events, text.as_bytes());
            assert_eq!(Value::Array(found.values), want, "{text:?}");
        }
    }

    #[test]
    fn a_stream_is_collected_to_its_bounds() {
        let mut collector = Collector::new(Kind::Lines, 10_000);
        assert_eq!(
            collector.push("1\n".repeat(2_000).as_bytes()),
            Some(End::Items)
        );
        assert_eq!(collector.finish(End::Items).values.len(), ITEMS_MAX);
        let mut collector = Collector::new(Kind::Lines, 5);
        assert_eq!(collector.push(b"11\n22\n"), Some(End::Bytes));
        assert_eq!(collector.finish(End::Bytes).values, [json!(11)]);
        let mut collector = Collector::new(Kind::Events, 100);
        assert_eq!(collector.push(b"data: 1\n\ndata: 2\n"), None);
        assert_eq!(collector.finish(End::Time).values, [json!({"data": "1"})]);
    }

    #[test]
    fn json_lines_by_another_name() {
        for (text, want) in [
            ("{\"a\":1}\n{\"a\":2}\n", Some(2)),
            ("{}", None),
            ("{\n}\n", None),
            ("{}\n{", None),
        ] {
            assert_eq!(lines(text).map(|values| values.len()), want, "{text}");
        }
    }
}
