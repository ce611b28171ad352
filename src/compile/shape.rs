//! The advertised schema of an answer that is passed on in part, and pointers into answers that lead
//! nowhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::rules::Ruling;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};
use crate::runtime::manifest::Shape;
use crate::runtime::pointer::unescape;

/// The schema of what is left of an answer. Whatever is left of one that suits the schema suits this.
pub(super) fn output_schema(mut schema: Value, shape: &Shape) -> Value {
    open(&mut schema);
    let split = |pointers: &[String]| pointers.iter().map(|p| tokens(p)).collect::<Vec<_>>();
    let select = split(&shape.select);
    if !select.is_empty() {
        let select: Vec<&[String]> = select.iter().map(Vec::as_slice).collect();
        keep(&mut schema, &select);
    }
    let drop = split(&shape.drop);
    let drop: Vec<&[String]> = drop.iter().map(Vec::as_slice).collect();
    take(&mut schema, &drop);
    if let Some(most) = shape.max_items {
        bound(&mut schema, most);
    }
    schema
}

/// The tokens of a JSON Pointer (RFC 6901); the whole has none.
fn tokens(pointer: &str) -> Vec<String> {
    let tokens = pointer.split('/').skip(1);
    tokens.map(unescape).collect()
}

/// What paths say one step below, through a key, or through an index where there is none.
fn below<'p>(paths: &[&'p [String]], key: Option<&str>) -> Vec<&'p [String]> {
    let step = |path: &&'p [String]| {
        let (first, rest) = path.split_first()?;
        let through = first == "*"
            || match key {
                Some(key) => first == key,
                None => is_index(first),
            };
        through.then_some(rest)
    };
    paths.iter().filter_map(step).collect()
}

fn is_index(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit())
}

fn properties(schema: &mut Value) -> Option<&mut Map<String, Value>> {
    schema.get_mut("properties")?.as_object_mut()
}

/// Keeps what paths lead to.
fn keep(schema: &mut Value, paths: &[&[String]]) {
    if paths.iter().any(|path| path.is_empty()) {
        return;
    }
    if let Some(properties) = properties(schema) {
        properties.retain(|key, schema| {
            let below = below(paths, Some(key));
            if !below.is_empty() {
                keep(schema, &below);
            }
            !below.is_empty()
        });
    }
    if let Some(items) = schema.get_mut("items") {
        let below = below(paths, None);
        if !below.is_empty() {
            keep(items, &below);
        }
    }
    tidy(schema);
}

/// Takes away what paths lead to. An element that has an index may be taken out of a list, whose other
/// elements are as they were.
fn take(schema: &mut Value, paths: &[&[String]]) {
    if paths.is_empty() {
        return;
    }
    if let Some(properties) = properties(schema) {
        properties.retain(|key, schema| {
            let below = below(paths, Some(key));
            let stays = !below.iter().any(|path| path.is_empty());
            if stays {
                take(schema, &below);
            }
            stays
        });
    }
    if let Some(items) = schema.get_mut("items") {
        let all = |path: &&&[String]| path.first().is_some_and(|first| first == "*");
        let of_all: Vec<&[String]> = paths.iter().filter(all).copied().collect();
        let below = below(&of_all, None);
        if !below.iter().any(|path| path.is_empty()) {
            take(items, &below);
        }
    }
    tidy(schema);
}

/// Without properties there is nothing to say of them.
fn tidy(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        let none = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        for key in ["properties", "items"] {
            if object.get(key).is_some_and(none) {
                object.shift_remove(key);
            }
        }
    }
}

/// Opens every object: an answer with more than was promised is an answer.
fn open(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        object.shift_remove("additionalProperties");
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            properties.values_mut().for_each(open);
        }
        if let Some(items) = object.get_mut("items") {
            open(items);
        }
    }
}

/// Bounds every list.
fn bound(schema: &mut Value, most: u64) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for value in object
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(Map::values_mut)
    {
        bound(value, most);
    }
    let is_list = types(object).is_some_and(|types| types.contains(&"array"));
    if let Some(items) = object.get_mut("items") {
        bound(items, most);
    }
    if is_list || object.contains_key("items") {
        object.insert("maxItems".to_owned(), most.into());
    }
}

/// The types that a schema declares besides null.
fn types(schema: &Map<String, Value>) -> Option<Vec<&str>> {
    let types = match schema.get("type")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    Some(types.into_iter().filter(|t| *t != "null").collect())
}

/// Pointers of rules, with what is wrong with those that lead nowhere in every answer that they have
/// been looked up in: a rule may match many operations.
#[derive(Default)]
pub(super) struct Pointers {
    found: BTreeMap<(usize, &'static str, usize), Option<Diagnostic>>,
}

impl Pointers {
    /// Looks the pointers of an operation's rules up in the schema of its answers.
    pub(super) fn look_up(&mut self, ruling: &Ruling<'_>, schema: Option<&Value>) {
        for (rule, index) in &ruling.response {
            for (key, pointers) in [("select", &rule.select), ("drop", &rule.drop)] {
                for (at, pointer) in pointers.iter().enumerate() {
                    let wrong = schema.and_then(|schema| absent(schema, &tokens(pointer)));
                    let loc = Loc::at(format!("/rules/{index}/response/{key}/{at}"));
                    let wrong = wrong.map(|absent| absent.told(pointer, loc));
                    let known = self.found.entry((*index, key, at));
                    let known = known.or_insert_with(|| wrong.clone());
                    if wrong.is_none() {
                        *known = None;
                    }
                }
            }
        }
    }

    /// Reports those that lead nowhere.
    pub(super) fn report(self, diags: &mut Diagnostics) {
        let wrong = self.found.into_values().flatten();
        wrong.for_each(|found| diags.push(found));
    }
}

/// Why no answer has what a pointer names.
struct Absent {
    /// How many of its tokens lead somewhere.
    depth: usize,
    why: Why,
}

enum Why {
    /// A list has elements, not members.
    List,
    /// What is there has no parts.
    Scalar,
    /// An object has only other members.
    Closed(Vec<String>),
}

/// Why a schema surely does not have what tokens lead to; `None` if it may.
fn absent(schema: &Value, tokens: &[String]) -> Option<Absent> {
    let (first, rest) = tokens.split_first()?;
    let object = schema.as_object()?;
    let deeper = |schema: &Value| {
        let found = absent(schema, rest)?;
        Some(Absent {
            depth: found.depth + 1,
            ..found
        })
    };
    let here = |why| Some(Absent { depth: 0, why });
    match types(object)?.as_slice() {
        ["array"] if first == "*" || is_index(first) => deeper(object.get("items")?),
        ["array"] => here(Why::List),
        ["object"] => {
            let properties = object.get("properties").and_then(Value::as_object);
            let named = properties.and_then(|properties| properties.get(first));
            if let Some(schema) = named {
                return deeper(schema);
            }
            let closed = object.get("additionalProperties") == Some(&false.into());
            let others = || properties.into_iter().flat_map(Map::keys).cloned();
            (closed && first != "*").then(|| Absent {
                depth: 0,
                why: Why::Closed(others().collect()),
            })
        }
        types if types.contains(&"object") || types.contains(&"array") => None,
        _ => here(Why::Scalar),
    }
}

impl Absent {
    fn told(&self, pointer: &str, loc: Loc) -> Diagnostic {
        let all: Vec<&str> = pointer.split('/').skip(1).collect();
        let (good, rest) = all.split_at(self.depth.min(all.len()));
        let path = |tokens: &[&str]| {
            let slashed = |path: String, token: &&str| path + "/" + token;
            tokens.iter().fold(String::new(), slashed)
        };
        let (good, rest) = (path(good), path(rest));
        let whose = match good.as_str() {
            "" => "the response".to_owned(),
            good => format!("`{good}` of the response"),
        };
        let (message, help) = match &self.why {
            Why::List => {
                // Clients see a list under `items`; here it is the response itself.
                let inner = match good.as_str() {
                    "" => rest.strip_prefix("/items").unwrap_or(&rest),
                    _ => &rest,
                };
                let inner = inner.strip_prefix("/*").unwrap_or(inner);
                (
                    format!("`{pointer}` is nowhere: {whose} is a list"),
                    format!("write `{good}/*{inner}`: `*` stands for every element"),
                )
            }
            Why::Scalar => (
                format!("`{pointer}` is nowhere: {whose} has no parts"),
                match good.as_str() {
                    "" => "take it out: the response is one value".to_owned(),
                    good => format!("write `{good}`"),
                },
            ),
            Why::Closed(names) => {
                let (wanted, below) = rest
                    .strip_prefix('/')
                    .and_then(|rest| rest.split_once('/'))
                    .map_or((rest.trim_start_matches('/'), String::new()), |(w, b)| {
                        (w, format!("/{b}"))
                    });
                let near = nearest(wanted, names.iter().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `{good}/{}{below}`?", escape(near)),
                    None => format!("it has {}", listed(names)),
                };
                (
                    format!("`{pointer}` is nowhere: {whose} has no `{wanted}`"),
                    help,
                )
            }
        };
        Diagnostic::new(Code::PolicyName, loc, message).help(help)
    }
}

/// Some names, in words.
fn listed(names: &[String]) -> String {
    let some: Vec<String> = names
        .iter()
        .take(10)
        .map(|name| format!("`{name}`"))
        .collect();
    match (some.as_slice(), names.len() > 10) {
        ([], _) => "no members".to_owned(),
        (some, false) => some.join(", "),
        (some, true) => format!("{} and more", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn orders() -> Value {
        let order = json!({"type": ["object", "null"], "properties": {
            "id": {"type": ["integer", "null"]}, "note": {}, "lines": {"type": ["array", "null"]}}});
        json!({"type": ["object", "null"], "properties": {
            "orders": {"type": ["array", "null"], "items": order}, "n": {"type": ["integer", "null"]}}})
    }

    #[test]
    fn schemas_of_what_is_left() {
        let order = |properties: &Value| {
            json!({"type": ["object", "null"], "properties": {
            "orders": {"type": ["array", "null"], "items": {"type": ["object", "null"], "properties": properties}}}})
        };
        let n =
            json!({"type": ["object", "null"], "properties": {"n": {"type": ["integer", "null"]}}});
        let id = json!({"id": {"type": ["integer", "null"]}});
        let lines = json!({"lines": {"type": ["array", "null"]}});
        for (shape, want) in [
            (json!({}), orders()),
            (json!({"select": [""]}), orders()),
            (json!({"select": ["/orders/*/id"]}), order(&id)),
            (json!({"select": ["/orders/0/id"]}), order(&id)),
            (json!({"select": ["/n", "/none"]}), n.clone()),
            (json!({"drop": ["/orders"]}), n.clone()),
            (
                json!({"drop": ["/n", "/orders/*/id", "/*/*/note"]}),
                order(&lines),
            ),
            // One element alone is not all.
            (json!({"drop": ["/orders/0/id", "/orders/1"]}), orders()),
            (
                json!({"select": ["/orders"], "drop": ["/orders/*/note", "/orders/*/lines"]}),
                order(&id),
            ),
            (
                json!({"select": ["/none"]}),
                json!({"type": ["object", "null"]}),
            ),
        ] {
            let parsed: Shape = serde_json::from_value(shape.clone()).unwrap();
            assert_eq!(output_schema(orders(), &parsed), want, "{shape}");
        }
        let mut closed = orders();
        closed["additionalProperties"] = false.into();
        closed["properties"]["orders"]["items"]["additionalProperties"] = false.into();
        assert_eq!(output_schema(closed, &Shape::default()), orders());
        let shape = Shape {
            max_items: Some(7),
            ..Shape::default()
        };
        let bounded = output_schema(orders(), &shape);
        for list in [
            "/properties/orders",
            "/properties/orders/items/properties/lines",
        ] {
            assert_eq!(bounded.pointer(list).unwrap()["maxItems"], 7, "{list}");
        }
        assert_eq!(bounded.to_string().matches("maxItems").count(), 2);
    }

    #[test]
    fn pointers_that_lead_nowhere() {
        let mut closed = orders();
        closed["properties"]["orders"]["items"]["additionalProperties"] = false.into();
        for (schema, pointer, want) in [
            (orders(), "/orders/*/id", None),
            (orders(), "/orders/3/id", None),
            (orders(), "/orders/*/other", None),
            (orders(), "/orders/*/note/x", None),
            (orders(), "/orders/*/lines/*/x", None),
            (orders(), "/other/x", None),
            (orders(), "", None),
            (json!({}), "/a/b", None),
            (closed.clone(), "/orders/*/*", None),
            (
                orders(),
                "/orders/id",
                Some((
                    "`/orders` of the response is a list",
                    "write `/orders/*/id`",
                )),
            ),
            (
                orders(),
                "/n/x",
                Some(("`/n` of the response has no parts", "write `/n`")),
            ),
            (
                json!({"type": "array"}),
                "/id",
                Some(("the response is a list", "write `/*/id`")),
            ),
            (
                json!({"type": "array"}),
                "/items/*/id",
                Some(("the response is a list", "write `/*/id`")),
            ),
            (
                json!({"type": "string"}),
                "/id",
                Some(("the response has no parts", "take it out")),
            ),
            (
                closed.clone(),
                "/orders/*/idd",
                Some(("has no `idd`", "did you mean `/orders/*/id`?")),
            ),
            (
                closed.clone(),
                "/orders/*/xyz/a",
                Some(("has no `xyz`", "it has `id`, `note`, `lines`")),
            ),
        ] {
            let found = absent(&schema, &tokens(pointer)).map(|a| a.told(pointer, Loc::at("")));
            match (found, want) {
                (None, None) => {}
                (Some(found), Some((message, help))) => {
                    assert!(found.message.contains(message), "{}", found.message);
                    let told = found.help.unwrap_or_default();
                    assert!(told.contains(help), "{told}");
                }
                (found, _) => panic!("{pointer}: {found:?}"),
            }
        }
    }
}
