//! Whether a recorded request is inside a policy: read from the policy's text and the request's bytes
//! alone. It knows where the document of this test puts each argument.

use serde_json::{Map, Value, json};

/// The arguments of the query.
const QUERY: [&str; 5] = ["limit", "amount", "q", "status", "ids"];

/// What arrived, argument by argument.
struct Arrived {
    id: String,
    query: Vec<(String, String)>,
    trace: Option<String>,
    body: Value,
}

/// One place of a request.
struct Found<'a> {
    /// The values there.
    values: Vec<Value>,
    /// How often a value belongs there if it is pinned.
    places: usize,
    /// Keys beside it that a server may take for it.
    alike: Vec<&'a str>,
    /// Elements of the list that it is, if it is one.
    count: usize,
}

/// Whether all rules of the policy hold in a request.
pub(super) fn inside(
    policy: &Value,
    env: &[(&str, &str)],
    target: &str,
    trace: Option<&str>,
    body: &[u8],
) -> Result<(), String> {
    let arrived = arrived(target, trace, body)?;
    let rules = policy["rules"].as_array().into_iter().flatten();
    let rules: Vec<(&String, &Value)> = rules
        .filter_map(|rule| rule["args"].as_object())
        .flatten()
        .collect();
    for (key, rule) in &rules {
        let found = arrived.found(key);
        let same: Vec<&Value> = rules
            .iter()
            .filter(|(k, _)| k == key)
            .map(|(_, r)| *r)
            .collect();
        holds(rule, &same, env, &found).map_err(|why| format!("{key} {rule}: {why}"))?;
    }
    Ok(())
}

fn arrived(target: &str, trace: Option<&str>, body: &[u8]) -> Result<Arrived, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Vec<&str> = path.split('/').collect();
    let ["", "things", id] = segments.as_slice() else {
        return Err(format!("another path: {path}"));
    };
    let id = decoded(id)?;
    let dots = id
        .split(['/', '\\'])
        .any(|part| matches!(part, "" | "." | ".."));
    if dots || id.contains('%') {
        return Err(format!("a path that others may resolve: {id}"));
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query: Result<Vec<_>, String> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect();
    let body = match body {
        [] => Value::Null,
        bytes => serde_json::from_slice(bytes).map_err(|error| error.to_string())?,
    };
    if let Some(keys) = body.as_object() {
        let known = ["filter", "rows", "kind"];
        if let Some(other) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("another field: {other}"));
        }
    }
    Ok(Arrived {
        id,
        query: query?,
        trace: trace.map(str::to_owned),
        body,
    })
}

fn decoded(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let pair = text.get(at + 1..at + 3).ok_or("half an escape")?;
            out.push(u8::from_str_radix(pair, 16).map_err(|error| error.to_string())?);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(out).map_err(|error| error.to_string())
}

/// A name as a careless server reads it.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

impl Arrived {
    fn found(&self, key: &str) -> Found<'_> {
        let name = key
            .split('/')
            .find(|part| !part.is_empty())
            .unwrap_or_default();
        match name {
            "id" => one(json!(self.id)),
            "X-Trace" => match &self.trace {
                Some(text) => one(json!(text)),
                None => none(1),
            },
            name if QUERY.contains(&name) => {
                let own = self.query.iter().filter(|(other, _)| other == name);
                let values: Vec<Value> = own.map(|(_, value)| json!(value)).collect();
                let others = self.query.iter().map(|(other, _)| other.as_str());
                let alike = others.filter(|other| *other != name && plain(other) == plain(name));
                Found {
                    places: 1,
                    alike: alike.collect(),
                    count: values.len(),
                    values,
                }
            }
            _ => self.of_body(key.trim_start_matches('/')),
        }
    }

    fn of_body(&self, path: &str) -> Found<'_> {
        let parts: Vec<&str> = path.split('/').collect();
        let empty = Map::new();
        let mut parents: Vec<Option<&Value>> = vec![Some(&self.body)];
        let (last, above) = parts.split_last().expect("a key");
        for part in above {
            parents = parents
                .into_iter()
                .flat_map(|parent| match (*part, parent) {
                    ("*", Some(Value::Array(items))) => items.iter().map(Some).collect(),
                    ("*", _) => vec![],
                    (name, parent) => vec![parent.and_then(|parent| parent.get(name))],
                })
                .collect();
        }
        let mut found = none(parents.len());
        for parent in parents {
            let object = parent.and_then(Value::as_object);
            for (name, value) in object.unwrap_or(&empty) {
                if name == last {
                    found.values.push(value.clone());
                    found.count = value.as_array().map_or(0, Vec::len);
                }
            }
            let names = object.into_iter().flat_map(Map::keys).map(String::as_str);
            let alike = names.filter(|name| name != last && plain(name) == plain(last));
            found.alike.extend(alike);
        }
        found
    }
}

fn one<'a>(value: Value) -> Found<'a> {
    Found {
        values: vec![value],
        ..none(1)
    }
}

fn none<'a>(places: usize) -> Found<'a> {
    Found {
        values: vec![],
        places,
        alike: vec![],
        count: 0,
    }
}

/// Whether one rule holds of what was found; `all` are those of the same key, which it refines.
fn holds(
    rule: &Value,
    all: &[&Value],
    env: &[(&str, &str)],
    found: &Found<'_>,
) -> Result<(), String> {
    let values = &found.values;
    let hidden = all.iter().any(|rule| rule["hide"] == true);
    let from = |rule: &Value| {
        let name = rule["from"].as_str()?.trim_start_matches("env.");
        let set = env.iter().find(|(other, _)| *other == name)?;
        Some(json!(set.1))
    };
    let own = all
        .iter()
        .find_map(|rule| rule.get("const").cloned().or_else(|| from(rule)));
    // Of what is hidden the owner's default is sent.
    let default = all.iter().rev().find_map(|rule| rule.get("default"));
    let pin = own.or(default.filter(|_| hidden).cloned());
    if rule["forbid"] == true || hidden && pin.is_none() {
        return match values.is_empty() && found.alike.is_empty() {
            true => Ok(()),
            false => Err(format!("it is sent: {values:?} {:?}", found.alike)),
        };
    }
    if let Some(pin) = pin {
        let pinned = values.iter().all(|value| same(value, &pin));
        if !pinned || values.len() != found.places || hidden && !found.alike.is_empty() {
            return Err(format!("not pinned: {values:?} {:?}", found.alike));
        }
    }
    if let Some(most) = rule["max_items"].as_u64()
        && found.count as u64 > most
    {
        return Err(format!("{} elements", found.count));
    }
    let drops = match &rule["drop_if"] {
        Value::Null => vec![],
        Value::Array(some) => some.clone(),
        one => vec![one.clone()],
    };
    // Null says nothing of a value; it is sent as such only in a body.
    for value in values.iter().filter(|value| !value.is_null()) {
        for (name, low) in [("min", true), ("max", false)] {
            let Some(bound) = rule[name].as_f64() else {
                continue;
            };
            let number = number(value).ok_or_else(|| format!("no number: {value}"))?;
            if low && number < bound || !low && number > bound {
                return Err(format!("{value} is beyond {name}"));
            }
        }
        if let Some(allowed) = rule["enum"].as_array()
            && !allowed.iter().any(|one| same(value, one))
        {
            return Err(format!("{value} is not listed"));
        }
        if drops.iter().any(|drop| same(value, drop)) {
            return Err(format!("{value} is to be dropped"));
        }
        let text = value.as_str().unwrap_or_default();
        if let Some(most) = rule["max_length"].as_u64()
            && text.chars().count() as u64 > most
        {
            return Err(format!("{value} is too long"));
        }
        if let Some(pattern) = rule["pattern"].as_str() {
            assert_eq!(pattern, "^[a-c]+$", "the one that is known here");
            if text.is_empty() || !text.chars().all(|c| matches!(c, 'a'..='c')) {
                return Err(format!("{value} does not match"));
            }
        }
    }
    Ok(())
}

/// A number, which in a text is one of a query or header.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok().filter(|number: &f64| !number.is_nan()),
        value => value.to_string().parse().ok(),
    }
}

fn same(value: &Value, other: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let numbers = number(value).zip(number(other));
    text(value) == text(other) || numbers.is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
}
