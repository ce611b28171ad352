//! Arguments: parameters and body properties side by side, under names that clients accept.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization;

use super::profile::{Rule, quoted};
use super::{clamp, describe};
use crate::catalog::{Body, Capability};
use crate::diag::{Code, Diagnostic, Diagnostics, escape};
use crate::runtime::manifest::{
    BodyContent, Control, Place, Profile, WireBody, WireParam, WirePart,
};

/// Longest property name that clients accept.
const NAME_MAX: usize = 64;

/// Arguments above which the body's properties are not put beside the parameters.
const ARGUMENTS_MAX: usize = 5_000;

/// Names in `dependentRequired` above which they are not either.
const DEPENDENT_MAX: usize = 10_000;

/// The arguments of a tool and where they go.
pub(super) struct Arguments {
    pub(super) schema: Map<String, Value>,
    pub(super) controls: Vec<Control>,
    pub(super) params: Vec<WireParam>,
    pub(super) body: Option<WireBody>,
}

/// One argument before it has its final name.
struct Candidate<'a> {
    /// Name on the wire.
    wire: &'a str,
    /// `path`, `query`, `header`, `cookie` or `body`.
    place: &'static str,
    required: bool,
    schema: Value,
}

/// The schemas of an operation's arguments are moved, if nobody else has the operation.
pub(super) fn arguments(capability: &mut Cow<'_, Capability>, profile: Profile) -> Arguments {
    let (schemas, defs) = schemas(capability);
    let capability = &**capability;
    let mut candidates: Vec<Candidate<'_>> = capability
        .params
        .iter()
        .zip(schemas)
        .map(|(param, schema)| Candidate {
            wire: &param.name,
            place: match param.place {
                Place::Querystring => "query",
                place => place.as_str(),
            },
            required: param.required,
            schema,
        })
        .collect();
    let flat = capability
        .body
        .as_ref()
        .and_then(|body| properties(capability, body));
    match (&capability.body, flat) {
        (Some(body), Some(object)) => candidates.extend(of_properties(body, object)),
        (Some(body), None) => candidates.push(whole(body)),
        (None, _) => {}
    }
    let names = final_names(&candidates, profile);
    let params = capability
        .params
        .iter()
        .zip(&names)
        .map(|(param, name)| WireParam {
            arg: name.clone(),
            name: param.name.clone(),
            place: param.place,
            style: param.style,
            explode: param.explode,
            allow_reserved: param.allow_reserved,
            slash: false,
            allow_empty: param.allow_empty,
            content: param.content,
        });
    let body_names = names.iter().zip(&candidates).skip(capability.params.len());
    let body = capability.body.as_ref().map(|body| WireBody {
        content_type: body.content_type.clone(),
        also: body.also.clone(),
        format: body.format,
        required: body.required,
        parts: parts(body, flat.is_some()),
        content: if flat.is_some() {
            BodyContent::Properties(
                body_names
                    .map(|(name, c)| (name.clone(), c.wire.to_owned()))
                    .collect(),
            )
        } else {
            BodyContent::Whole(names.last().cloned().unwrap_or_else(|| "body".to_owned()))
        },
    });
    Arguments {
        controls: names
            .iter()
            .zip(&candidates)
            .filter_map(|(name, c)| page_size(capability, name, c))
            .collect(),
        params: params.collect(),
        schema: schema(capability, &names, candidates, flat, defs),
        body,
    }
}

/// The schemas of the parameters, and those that they refer to.
fn schemas(capability: &mut Cow<'_, Capability>) -> (Vec<Value>, Map<String, Value>) {
    match capability {
        // What a body is, its own schema and those that it refers to say.
        Cow::Owned(own) if own.body.is_none() => {
            let schemas = own.params.iter_mut().map(|param| param.schema.take());
            (schemas.collect(), std::mem::take(&mut own.input_defs))
        }
        shared => {
            let schemas = shared.params.iter().map(|param| param.schema.clone());
            (schemas.collect(), shared.input_defs.clone())
        }
    }
}

/// How fields are written. Where each is an argument, those that are written in the usual way go
/// without saying.
fn parts(body: &Body, flat: bool) -> IndexMap<String, WirePart> {
    let mut parts = body.parts.clone();
    parts.retain(|_, part| !flat || *part != WirePart::default());
    parts
}

/// Says which arguments have another name than on the wire.
pub(super) fn report(capability: &Capability, arguments: &Arguments, diags: &mut Diagnostics) {
    let params = arguments.params.iter().map(|p| (&p.arg, &p.name));
    let properties = match arguments.body.as_ref().map(|body| &body.content) {
        Some(BodyContent::Properties(map)) => Some(map.iter()),
        _ => None,
    };
    let renamed: Vec<(&String, &String)> = params
        .chain(properties.into_iter().flatten())
        .filter(|(name, wire)| name != wire)
        .collect();
    let Some((name, wire)) = renamed.first() else {
        return;
    };
    let others = match renamed.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more have another name"),
    };
    let message = format!(
        "clients are shown `{}` for `{}`{others}",
        quoted(name),
        quoted(wire)
    );
    let found = Diagnostic::new(Code::ArgumentRenamed, capability.loc.clone(), message);
    diags.push(found.help("the wire has the name of the document; clients refuse some characters"));
}

/// What is done with a page size.
fn page_size(capability: &Capability, name: &str, candidate: &Candidate<'_>) -> Option<Control> {
    if !matches!(candidate.place, "query" | "body") {
        return None;
    }
    let clamp = clamp::page_size(capability.effect, candidate.wire, &candidate.schema)?;
    Some(Control {
        pointer: format!("/{}", escape(name)),
        clamp: Some(clamp),
        ..Control::default()
    })
}

/// The body's schema if it is a plain object: named properties and nothing else to say.
fn properties<'c>(capability: &'c Capability, body: &'c Body) -> Option<&'c Map<String, Value>> {
    let mut schema = body.schema.as_object()?;
    if schema.len() == 1
        && let Some(name) = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|r| r.strip_prefix("#/$defs/"))
    {
        schema = capability.input_defs.get(name)?.as_object()?;
    }
    let plain = [
        "type",
        "properties",
        "required",
        "description",
        "additionalProperties",
        "examples",
        "deprecated",
        "default",
    ];
    let object = schema.get("type").is_none_or(|t| t == "object");
    let closed = schema
        .get("additionalProperties")
        .is_none_or(|a| a == &Value::Bool(false));
    let known = schema.keys().all(|key| plain.contains(&key.as_str()));
    let properties = schema.get("properties").and_then(Value::as_object)?;
    let few = capability.params.len() + properties.len() <= ARGUMENTS_MAX;
    // A required name without a property could not be given.
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let declared = required
        .filter_map(Value::as_str)
        .all(|name| properties.contains_key(name));
    // In a body that may be absent each property needs all required ones: see `together`.
    let needing = schema.get("required").and_then(Value::as_array);
    let needing = needing.map_or(0, |r| r.len() * properties.len());
    let few = few && (body.required || needing <= DEPENDENT_MAX);
    (object && closed && known && declared && few && !properties.is_empty()).then_some(schema)
}

fn of_properties<'a>(body: &Body, object: &'a Map<String, Value>) -> Vec<Candidate<'a>> {
    let required: BTreeSet<&str> = required(object).into_iter().collect();
    let properties = object
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    properties
        .map(|(name, schema)| Candidate {
            wire: name,
            place: "body",
            required: body.required && required.contains(name.as_str()),
            schema: schema.clone(),
        })
        .collect()
}

fn required(object: &Map<String, Value>) -> Vec<&str> {
    object
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn whole(body: &Body) -> Candidate<'static> {
    let mut schema = body.schema.clone();
    if let (Value::Object(object), Some(text)) = (&mut schema, &body.description) {
        object
            .entry("description")
            .or_insert_with(|| text.as_str().into());
    }
    Candidate {
        wire: "body",
        place: "body",
        required: body.required,
        schema,
    }
}

/// Names that clients accept, each once. Only a collision is suffixed with the place; the body keeps
/// its name.
fn final_names(candidates: &[Candidate<'_>], profile: Profile) -> Vec<String> {
    let restricted = Rule::Keys.holds(profile);
    let name = |c: &Candidate<'_>| {
        if restricted || !is_plain(c.wire) {
            accepted(c.wire)
        } else {
            c.wire.to_owned()
        }
    };
    let clean: Vec<String> = candidates.iter().map(name).collect();
    let mut having: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &clean {
        *having.entry(name).or_default() += 1;
    }
    let mut names: Vec<String> = Vec::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    // The number that was tried last for a name.
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (name, candidate) in clean.iter().zip(candidates) {
        let known = having.get(name.as_str()).copied().unwrap_or_default();
        let base = if known > 1 && candidate.place != "body" {
            format!("{name}__{}", candidate.place)
        } else {
            name.clone()
        };
        let mut unique = base.clone();
        let count = counts.entry(base.clone()).or_insert(1);
        while taken.contains(&unique) || (unique != *name && having.contains_key(unique.as_str())) {
            *count += 1;
            unique = suffixed(&base, *count);
        }
        taken.insert(unique.clone());
        names.push(unique);
    }
    names
}

/// A name with a number, cut so that both fit. The name is ASCII.
fn suffixed(base: &str, count: usize) -> String {
    let suffix = format!("_{count}");
    let room = NAME_MAX - suffix.len();
    format!("{}{suffix}", base.get(..room).unwrap_or(base))
}

/// Whether a name may stand as it is where clients take any: it is not too long, and all of it is seen.
fn is_plain(wire: &str) -> bool {
    let length = wire.chars().count();
    (1..=NAME_MAX).contains(&length) && wire.chars().all(describe::is_visible)
}

/// The name with what clients refuse replaced (`^[a-zA-Z0-9_.-]{1,64}$`).
pub(super) fn accepted(wire: &str) -> String {
    let mut name = String::new();
    // An accent is lost, its letter is not.
    for c in wire.nfkd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')) {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') {
            name.push(c);
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    let mut name = if wire.ends_with('_') {
        name
    } else {
        name.trim_end_matches('_').to_owned()
    };
    name.truncate(NAME_MAX - "__header".len());
    if name.is_empty() {
        "arg".to_owned()
    } else {
        name
    }
}

fn schema(
    capability: &Capability,
    names: &[String],
    candidates: Vec<Candidate<'_>>,
    flat: Option<&Map<String, Value>>,
    defs: Map<String, Value>,
) -> Map<String, Value> {
    let together = together(capability, names, &candidates, flat);
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for (name, candidate) in names.iter().zip(candidates) {
        if candidate.required {
            required.push(name.clone().into());
        }
        properties.insert(name.clone(), candidate.schema);
    }
    let mut out = Map::new();
    out.insert("type".into(), "object".into());
    out.insert("properties".into(), Value::Object(properties));
    if !required.is_empty() {
        out.insert("required".into(), Value::Array(required));
    }
    if let Some(together) = together {
        out.insert("dependentRequired".into(), together);
    }
    out.insert("additionalProperties".into(), false.into());
    if !defs.is_empty() {
        out.insert("$defs".into(), Value::Object(defs));
    }
    out
}

/// In a body that may be absent, its required properties are required as soon as any is given.
fn together(
    capability: &Capability,
    names: &[String],
    candidates: &[Candidate<'_>],
    flat: Option<&Map<String, Value>>,
) -> Option<Value> {
    let object = flat.filter(|_| capability.body.as_ref().is_some_and(|body| !body.required))?;
    let of_body = || {
        names
            .iter()
            .zip(candidates)
            .filter(|(_, c)| c.place == "body")
    };
    let wanted = required(object);
    let needed: Vec<&String> = of_body()
        .filter(|(_, c)| wanted.contains(&c.wire))
        .map(|(name, _)| name)
        .collect();
    let mut map: IndexMap<&String, Vec<&String>> = IndexMap::new();
    for (name, _) in of_body() {
        let others: Vec<&String> = needed
            .iter()
            .copied()
            .filter(|other| *other != name)
            .collect();
        if !others.is_empty() {
            map.insert(name, others);
        }
    }
    (!map.is_empty()).then(|| json!(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate<'a>(wire: &'a str, place: &'static str) -> Candidate<'a> {
        Candidate {
            wire,
            place,
            required: false,
            schema: json!({}),
        }
    }

    #[test]
    fn only_collisions_are_suffixed() {
        for (candidates, want) in [
            (
                vec![candidate("id", "path"), candidate("q", "query")],
                vec!["id", "q"],
            ),
            (
                vec![
                    candidate("id", "path"),
                    candidate("id", "query"),
                    candidate("id", "body"),
                ],
                vec!["id__path", "id__query", "id"],
            ),
            (
                vec![
                    candidate("filter[name]", "query"),
                    candidate("filter_name", "query"),
                ],
                vec!["filter_name__query", "filter_name__query_2"],
            ),
            (
                vec![
                    candidate("ä", "query"),
                    candidate("日本", "query"),
                    candidate("$top", "query"),
                ],
                vec!["a", "arg", "top"],
            ),
            (
                vec![
                    candidate("id", "path"),
                    candidate("id", "body"),
                    candidate("id__path", "body"),
                ],
                vec!["id__path_2", "id", "id__path"],
            ),
        ] {
            assert_eq!(final_names(&candidates, Profile::Strict), want);
        }
        let odd = [
            candidate("filter[name]", "query"),
            candidate("$top", "query"),
            candidate("a\u{200b}b", "query"),
        ];
        let names = final_names(&odd, Profile::None);
        assert_eq!(names, ["filter[name]", "$top", "a_b"]);
    }

    #[test]
    fn many_names_and_long_ones() {
        let long = "x".repeat(100);
        let wires: Vec<String> = (0..20_000).map(|i| format!("{long}[{i}")).collect();
        let many: Vec<_> = wires.iter().map(|w| candidate(w, "header")).collect();
        let names = final_names(&many, Profile::Strict);
        assert!(names.iter().all(|name| name.len() <= NAME_MAX));
        let unique: BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }
}
