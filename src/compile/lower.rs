//! One capability becomes one finished tool.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::control::Misses;
use super::offer::Offer;
use super::pattern::Patterns;
use super::relation::Lowered;
use super::{args, control, describe, limits, name, profile, shape, share};
use crate::catalog::Capability;
use crate::diag::Diagnostics;
use crate::policy::Policy;
use crate::policy::format::{Defaults, OnViolation};
use crate::runtime::manifest::{Action, HttpAction, Schema, ToolSpec};
use crate::runtime::media;

/// What all tools of a Manifest are made with.
pub(super) struct Lowering<'p> {
    pub(super) policy: &'p Policy,
    /// Those of the policy.
    pub(super) defaults: &'p Defaults,
    pub(super) patterns: Patterns,
    pub(super) misses: Misses,
}

/// The tool of an operation.
pub(super) fn tool(
    offer: &Offer<'_>,
    read: Option<Lowered>,
    lowering: &mut Lowering<'_>,
    diags: &mut Diagnostics,
) -> ToolSpec {
    let Lowering {
        policy,
        defaults,
        patterns,
        misses,
    } = lowering;
    let (mut capability, sql) = match read {
        Some(read) => (Cow::Owned(read.capability), Some(read.action)),
        None => (Cow::Borrowed(&*offer.capability), None),
    };
    if offer.ruling.name.is_none() {
        name::report(&capability, &offer.name, &offer.naming, diags);
    }
    let mut arguments = args::arguments(&mut capability, policy.profile);
    let on_violation = defaults.on_violation.unwrap_or(OnViolation::Auto);
    let rules = &offer.ruling.args;
    control::apply(
        &mut arguments,
        &capability,
        rules,
        on_violation,
        misses,
        diags,
    );
    args::report(&capability, &arguments, diags);
    let mut input = Value::Object(arguments.schema);
    patterns.check(&mut input, &capability.loc, diags);
    share::share(&mut input);
    let mut told = describe::Told::default();
    describe::input(&mut input, &mut told);
    let description = match offer.ruling.describe {
        Some((text, rule)) => describe::own(text, &format!("/rules/{rule}/describe"), diags),
        None => None,
    };
    let description = description.unwrap_or_else(|| describe::tool(&capability, &mut told));
    told.report(&capability, diags);
    let checked = profile::rewrite(&mut input, policy.profile, &capability, diags);
    let shape = limits::shape(defaults, &offer.ruling);
    let output = match &mut capability {
        Cow::Owned(own) => own.output.schema.take(),
        Cow::Borrowed(shared) => shared.output.schema.clone(),
    };
    let output = output.map(|schema| rooted(shape::output_schema(schema, &shape)));
    let rules = policy.file.as_ref().map_or(&[][..], |file| &file.rules);
    let id = capability.id.as_deref().unwrap_or_default();
    let retries = limits::retries(
        defaults,
        (&offer.ruling, rules),
        (&capability, [id, &offer.name]),
        misses,
    );
    ToolSpec {
        name: offer.name.clone(),
        title: short(capability.summary.as_deref()),
        group: short(capability.tags.first().map(String::as_str)),
        description,
        source: offer.catalog.source.clone(),
        effect: capability.effect,
        idempotent: capability.idempotent,
        input_schema: object(input).into(),
        checked,
        output_schema: output.map(Schema::new),
        controls: arguments.controls,
        limits: limits::limits(defaults, &offer.ruling),
        shape,
        action: match sql {
            Some(action) => Action::Sql(action),
            None => Action::Http(HttpAction {
                method: capability.method.clone(),
                base_url: capability.base_url.clone(),
                path: capability.sent_path().to_owned(),
                params: arguments.params,
                body: arguments.body,
                accept: Some(accept(&capability)),
                security: capability.security.clone(),
                retries,
                idempotency_key: idempotency_key(offer, policy, diags),
            }),
        },
    }
}

/// A text in one line, for people; `None` if nothing is left of it.
fn short(text: Option<&str>) -> Option<String> {
    let text = text.map(|text| describe::clean(text, describe::TITLE_MAX));
    text.filter(|text| !text.is_empty())
}

/// The header of an operation's idempotency keys.
fn idempotency_key(offer: &Offer<'_>, policy: &Policy, diags: &mut Diagnostics) -> Option<String> {
    let source = policy.sources.get(&offer.catalog.source);
    let own = source.and_then(|source| source.credential.as_ref());
    let credentials = offer.catalog.credentials.values();
    let credentials = credentials.chain(own.map(|(_, spec, _)| spec));
    let owners = source.into_iter().flat_map(|source| source.headers.keys());
    limits::idempotency_key(&offer.ruling, credentials, owners, diags)
}

/// Whether nothing says where a tool's requests go.
pub(super) fn is_nowhere(tool: &ToolSpec) -> bool {
    tool.action
        .http()
        .is_some_and(|action| action.base_url.is_none())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// The output schema with an object root: structured results are objects, lists and scalars come
/// under `items` and `value`.
fn rooted(mut schema: Value) -> Map<String, Value> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let alone = |name: &str, schema| Value::Object(Map::from_iter([(name.to_owned(), schema)]));
    let properties = match types.iter().find(|t| **t != "null") {
        Some(&"object") => schema.get_mut("properties").map(Value::take),
        Some(&"array") => Some(alone("items", schema)),
        Some(_) => Some(alone("value", schema)),
        None => None,
    };
    let mut root = Map::new();
    root.insert("type".to_owned(), "object".into());
    if let Some(properties) = properties.filter(|all| *all != json!({})) {
        root.insert("properties".to_owned(), properties);
    }
    root
}

/// The media types that are asked for, the document's first.
fn accept(capability: &Capability) -> String {
    let types = &capability.output.media_types;
    let sendable = |t: &&String| t.bytes().all(|b| matches!(b, b' '..=b'~'));
    let json = types.iter().any(|name| media::is_json(name));
    // A stream is collected before it is passed on: who has JSON too should send that.
    let wanted = |name: &String| match json && media::is_events(name) {
        true => format!("{name};q=0.5"),
        false => name.clone(),
    };
    let types = types.iter().filter(sendable).take(4);
    let mut list: Vec<String> = types.map(wanted).collect();
    if list.is_empty() {
        return "application/json, */*;q=0.5".to_owned();
    }
    if !list.iter().any(|name| name == "*/*") {
        list.push("*/*;q=0.1".to_owned());
    }
    list.join(", ")
}
