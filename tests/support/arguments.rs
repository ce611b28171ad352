//! Arguments made up from a tool's input schema: the same ones for the same seed, on every machine.
//!
//! They are made to fit, to stand on a limit, to break one rule, or to be no arguments at all. A schema
//! may ask for more than is understood here (a pattern, a dependency); whether arguments really fit is for
//! the server to say, so a test should count what came of them.

use serde_json::{Map, Value, json};

/// What arguments are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They fit the schema.
    Good,
    /// They stand on the limits that the schema sets, or, if they are integers, one beyond.
    Boundary,
    /// They break one rule of the schema.
    Refused,
}

/// A source of numbers (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// Texts that are hard to carry over a wire.
const TEXTS: [&str; 12] = [
    "plain",
    "two words",
    "a&b=c?d#e",
    "100%25",
    "semi;colon,comma|pipe",
    "тест 日本 🎉",
    "e\u{301}",
    "quote\"back\\slash",
    "line\nbreak\ttab",
    "+plus/slash",
    "{braces}[brackets]",
    "0",
];
/// Texts that no place of a request may take, or that mean something there.
const HOSTILE: [&str; 6] = [
    "..",
    "../../admin",
    "a\u{0}b",
    "x\r\nX-Evil: 1",
    "%2e%2e",
    "\u{202e}",
];
/// How deep objects and arrays go.
const DEPTH: usize = 5;
/// The longest list or text that is made to stand on a limit.
const LONGEST: usize = 3_000;
/// After so many values only what is required is made, so that a call stays below a message's limit.
const VALUES: usize = 500;

/// Makes arguments.
pub(crate) struct Maker<'a> {
    root: &'a Value,
    seed: Seed,
    kind: Kind,
    /// Values that may still be made for fullness' sake.
    left: usize,
}

impl<'a> Maker<'a> {
    /// For an input schema.
    pub(crate) fn new(root: &'a Value, kind: Kind, seed: u64) -> Self {
        let seed = Seed::new(seed);
        Self {
            root,
            seed,
            kind,
            left: VALUES,
        }
    }

    /// The arguments.
    pub(crate) fn arguments(&mut self) -> Map<String, Value> {
        let value = self.value(self.root, 0);
        let mut arguments = match value {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        if self.kind == Kind::Refused {
            self.spoil(&mut arguments);
        }
        arguments
    }

    /// Breaks one rule.
    fn spoil(&mut self, arguments: &mut Map<String, Value>) {
        let properties = names(self.root, "properties");
        let name = self.seed.pick(&properties).cloned();
        let Some(name) = name.filter(|_| !self.seed.one_in(5)) else {
            arguments.insert("no_such_argument".to_owned(), json!(1));
            return;
        };
        let required = list(self.root, "required");
        match self.seed.below(4) {
            0 if !required.is_empty() => {
                let gone = self.seed.pick(&required).and_then(Value::as_str);
                arguments.shift_remove(gone.unwrap_or_default());
            }
            1 => {
                let text = self.seed.pick(&HOSTILE).copied().unwrap_or_default();
                arguments.insert(name, json!(text));
            }
            2 => {
                arguments.insert(name, json!({"unexpected": [null, {"deep": true}]}));
            }
            _ => {
                let huge = serde_json::from_str("-1.5e300").unwrap_or_default();
                arguments.insert(name, huge);
            }
        }
    }

    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        self.left = self.left.saturating_sub(1);
        // As if it were at the bottom.
        let depth = if self.left == 0 { DEPTH } else { depth };
        let schema = self.resolved(schema);
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        for key in ["enum", "examples"] {
            let values = list(schema, key);
            // An example fits whatever cannot be made up.
            let wanted = key == "enum" || schema.get("pattern").is_some() || self.seed.one_in(3);
            if let Some(value) = self.seed.pick(&values).filter(|_| wanted) {
                return value.clone();
            }
        }
        if let Some(value) = schema.get("default").filter(|_| self.seed.one_in(4)) {
            return value.clone();
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(way) = self.seed.pick(&list(schema, key)) {
                return self.value(way, depth + 1);
            }
        }
        match self.kind_of(schema).as_str() {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "integer" => self.integer(schema),
            "number" => {
                let whole = self.integer(schema);
                let odd = self.seed.one_in(2) && schema.get("maximum").is_none();
                let text = format!("{whole}.250");
                if odd {
                    serde_json::from_str(&text).unwrap_or(whole)
                } else {
                    whole
                }
            }
            "boolean" => json!(self.seed.one_in(2)),
            "null" => Value::Null,
            _ => self.text(schema),
        }
    }

    fn resolved<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let mut at = schema;
        // A chain of references ends, or is cut.
        for _ in 0..8 {
            let pointer = at.get("$ref").and_then(Value::as_str);
            let target = pointer
                .and_then(|pointer| pointer.strip_prefix('#'))
                .and_then(|pointer| self.root.pointer(pointer));
            match target {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }

    /// The type, or one of them.
    fn kind_of(&mut self, schema: &Value) -> String {
        match schema.get("type") {
            Some(Value::String(one)) => one.clone(),
            Some(Value::Array(many)) => {
                let one = self.seed.pick(many).and_then(Value::as_str);
                one.unwrap_or("string").to_owned()
            }
            _ if schema.get("properties").is_some() => "object".to_owned(),
            _ => ["string", "integer", "boolean", "object", "null"][self.seed.below(5)].to_owned(),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required = list(schema, "required");
        let mut made = Map::new();
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let wanted = required.iter().any(|other| other == name);
            let full = self.kind == Kind::Boundary || self.seed.one_in(2);
            if wanted || (full && depth < DEPTH) {
                made.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        if let Some(rest) = schema
            .get("additionalProperties")
            .filter(|rest| rest.is_object())
            && depth < DEPTH
        {
            made.insert("extra key".to_owned(), self.value(rest, depth + 1));
        }
        Value::Object(made)
    }

    fn array(&mut self, schema: &Value, depth: usize) -> Value {
        let least = limit(schema, "minItems").unwrap_or(0);
        let most = limit(schema, "maxItems");
        let count = match self.kind {
            _ if depth >= DEPTH => least,
            Kind::Boundary if self.seed.one_in(2) => least,
            Kind::Boundary => most.unwrap_or(3).min(40),
            _ => least
                .max(self.seed.below(4))
                .min(most.unwrap_or(usize::MAX)),
        };
        let anything = json!({});
        let items = schema.get("items").unwrap_or(&anything);
        let mut made: Vec<Value> = Vec::new();
        for made_before in 0..count {
            if self.left == 0 && made_before >= least {
                break;
            }
            let item = self.value(items, depth + 1);
            let twice = schema.get("uniqueItems").is_some() && made.contains(&item);
            if !twice {
                made.push(item);
            }
        }
        Value::Array(made)
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let end = |key: &str| schema.get(key).and_then(Value::as_i64);
        let least = end("minimum").or(end("exclusiveMinimum").map(|n| n + 1));
        let most = end("maximum").or(end("exclusiveMaximum").map(|n| n - 1));
        let number = match (self.kind, self.seed.below(4)) {
            (Kind::Boundary, 0) => least.unwrap_or(-1),
            (Kind::Boundary, 1) => most.unwrap_or(i64::from(i32::MAX)),
            // Just outside: clamped, or refused.
            (Kind::Boundary, 2) => most.map_or(1 << 53, |n| n.saturating_add(1)),
            (Kind::Boundary, _) => least.map_or(0, |n| n.saturating_sub(1)),
            _ => {
                let from = least.unwrap_or(0);
                let span = most.map_or(100, |most| most.saturating_sub(from).clamp(0, 1_000) + 1);
                from + i64::try_from(self.seed.below(usize::try_from(span).unwrap_or(1)))
                    .unwrap_or(0)
            }
        };
        let step = end("multipleOf").filter(|step| *step > 1).unwrap_or(1);
        json!(number / step * step)
    }

    fn text(&mut self, schema: &Value) -> Value {
        let least = limit(schema, "minLength").unwrap_or(0);
        let most = limit(schema, "maxLength");
        let form = schema
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let plain = match form {
            "date-time" => "2026-02-28T23:59:59.5Z",
            "date" => "2024-02-29",
            "time" => "23:59:59Z",
            "uuid" => "00000000-0000-4000-8000-000000000000",
            "uri" | "url" | "uri-reference" => "https://example.com/a?b=c",
            "email" => "a@example.com",
            "ipv4" => "192.0.2.1",
            "byte" | "binary" => "aGVsbG8=",
            _ => self.seed.pick(&TEXTS).copied().unwrap_or_default(),
        };
        let length = match (self.kind, form) {
            (Kind::Boundary, "") if self.seed.one_in(2) => least,
            (Kind::Boundary, "") => most.unwrap_or(300).min(LONGEST),
            _ => plain
                .chars()
                .count()
                .max(least)
                .min(most.unwrap_or(usize::MAX)),
        };
        let filled = plain.chars().chain(std::iter::repeat('x'));
        json!(filled.take(length).collect::<String>())
    }
}

fn limit(schema: &Value, key: &str) -> Option<usize> {
    let number = schema.get(key).and_then(Value::as_u64)?;
    usize::try_from(number).ok()
}

fn list(schema: &Value, key: &str) -> Vec<Value> {
    let values = schema.get(key).and_then(Value::as_array);
    values.cloned().unwrap_or_default()
}

fn names(schema: &Value, key: &str) -> Vec<String> {
    let object = schema.get(key).and_then(Value::as_object);
    object
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn the_same_seed_makes_the_same_arguments() {
    let schema = json!({
        "type": "object", "required": ["id"], "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "minLength": 2, "maxLength": 8},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 1},
        },
        "$defs": {"tag": {"enum": ["a", "b"]}},
    });
    let validator = mcpgen::runtime::args::validator(&schema).expect("a schema");
    let mut refused = 0;
    for seed in 0..200 {
        let make = |kind| Value::Object(Maker::new(&schema, kind, seed).arguments());
        assert_eq!(make(Kind::Boundary), make(Kind::Boundary));
        let good = make(Kind::Good);
        assert!(validator.is_valid(&good), "{good}");
        refused += usize::from(!validator.is_valid(&make(Kind::Refused)));
    }
    assert!(refused > 120, "{refused} of 200");
}
