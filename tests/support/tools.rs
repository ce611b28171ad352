//! What holds for every tool, whatever document it came from.

use std::collections::BTreeSet;

use mcpgen::runtime::args::validator;
use mcpgen::runtime::manifest::{Action, BodyContent, Manifest, ToolSpec};
use mcpgen::runtime::server;
use serde_json::{Map, Value, json};

/// Everything that is wrong with the tools of a Manifest: `tool: what`.
pub(crate) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    for tool in &manifest.tools {
        let mut say = |what: String| found.push(format!("{}: {what}", tool.name));
        if !names.insert(&tool.name) {
            say("the name is there twice".into());
        }
        shape(tool, &mut say);
        arguments(tool, &mut say);
        schema("input", &tool.input_schema, &mut say);
        if let Some(output) = &tool.output_schema {
            schema("output", output, &mut say);
            lenient(&json!(output), "", tool.shape.max_items, &mut say);
        }
        texts(tool, &mut say);
    }
    found
}

fn shape(tool: &ToolSpec, say: &mut impl FnMut(String)) {
    let good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if tool.name.is_empty() || tool.name.len() > 48 || !tool.name.chars().all(good) {
        say("a client may refuse the name".into());
    }
    let input = &tool.input_schema;
    if input.get("type") != Some(&json!("object"))
        || input.get("additionalProperties") != Some(&json!(false))
    {
        say("the input schema is not a closed object".into());
    }
    if ["oneOf", "anyOf", "allOf", "$ref"]
        .iter()
        .any(|key| input.contains_key(*key))
    {
        say("the input schema has alternatives at its root".into());
    }
    if let Some(output) = &tool.output_schema
        && output.get("type") != Some(&json!("object"))
    {
        say("the root of the output schema is not an object".into());
    }
    let annotations = &json!(server::listed(tool))["annotations"];
    for hint in [
        "readOnlyHint",
        "destructiveHint",
        "idempotentHint",
        "openWorldHint",
    ] {
        if !annotations[hint].is_boolean() {
            say(format!("no {hint}"));
        }
    }
}

/// Every argument has a name that clients accept, a schema and a place to go; every property has an
/// argument.
fn arguments(tool: &ToolSpec, say: &mut impl FnMut(String)) {
    let Some(action) = tool.action.http() else {
        return;
    };
    let properties = tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object);
    let properties: Vec<&str> = properties
        .into_iter()
        .flatten()
        .map(|(k, _)| k.as_str())
        .collect();
    let args = properties.clone();
    let mut places: Vec<&str> = action.params.iter().map(|p| p.arg.as_str()).collect();
    match action.body.as_ref().map(|body| &body.content) {
        Some(BodyContent::Properties(map)) => places.extend(map.keys().map(String::as_str)),
        Some(BodyContent::Whole(name)) => places.push(name),
        None => {}
    }
    // What a rule hides has a place, and no caller knows it.
    let hidden = |name: &&str| {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let mut controls = tool.controls.iter();
        controls.any(|control| control.pointer == pointer && control.hidden) && !args.contains(name)
    };
    places.retain(|name| !hidden(name));
    if places != args {
        say(format!("arguments {args:?} but places {places:?}"));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    for name in args {
        if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
            say(format!("a client may refuse the argument {name:?}"));
        }
    }
}

/// Valid JSON Schema 2020-12, self-contained, and something that the runtime can check with.
fn schema(which: &str, root: &Map<String, Value>, say: &mut impl FnMut(String)) {
    let root = Value::Object(root.clone());
    if let Err(error) = jsonschema::draft202012::meta::validate(&root) {
        let at = error.instance_path().to_string();
        say(format!(
            "the {which} schema is not JSON Schema 2020-12: {at}: {error}"
        ));
    }
    let mut references = Vec::new();
    gather(&root, &mut references);
    for reference in references {
        let target = reference.strip_prefix('#').and_then(|p| root.pointer(p));
        if target.is_none() {
            say(format!(
                "the {which} schema refers to {reference}, which is not in it"
            ));
        }
    }
    if let Err(error) = validator(&root) {
        say(format!("the {which} schema cannot be used: {error}"));
    }
}

/// All `$ref`s, and complaints about nothing else: property names may be anything.
fn gather<'a>(schema: &'a Value, references: &mut Vec<&'a str>) {
    for (key, value) in schema.as_object().into_iter().flatten() {
        match key.as_str() {
            "$ref" => references.push(value.as_str().unwrap_or("something that is no text")),
            "enum" | "const" | "default" | "examples" => {}
            "properties" | "patternProperties" | "$defs" | "dependentSchemas" => {
                for (_, value) in value.as_object().into_iter().flatten() {
                    gather(value, references);
                }
            }
            _ => gather(value, references),
        }
    }
    for item in schema.as_array().into_iter().flatten() {
        gather(item, references);
    }
}

/// Nothing in an output schema may make a client refuse what an upstream really sent; `most` elements of
/// a list are passed on.
fn lenient(schema: &Value, at: &str, most: Option<u64>, say: &mut impl FnMut(String)) {
    let Some(object) = schema.as_object() else {
        return say(format!("{at}: the output schema is not an object there"));
    };
    for (key, value) in object {
        match key.as_str() {
            "type" => {
                let nullable = value
                    .as_array()
                    .is_some_and(|types| types.contains(&json!("null")));
                if !at.is_empty() && !nullable {
                    say(format!("{at}: the output may not be null"));
                }
            }
            "properties" => {
                for (name, schema) in value.as_object().into_iter().flatten() {
                    lenient(schema, &format!("{at}/{name}"), most, say);
                }
            }
            "items" => lenient(value, &format!("{at}/-"), most, say),
            // A policy's own bound, which answers are shortened to.
            "maxItems" if most.is_some() && value.as_u64() == most => {}
            other => say(format!("{at}: the output schema has {other}")),
        }
    }
}

/// The texts are there, not too long, and have nothing in them that people do not see.
fn texts(tool: &ToolSpec, say: &mut impl FnMut(String)) {
    if tool.description.trim().is_empty() {
        say("no description".into());
    }
    if tool.description.chars().count() > 800 {
        say("a description of over 800 characters".into());
    }
    let mut all = vec![tool.description.as_str()];
    all.extend(tool.title.as_deref());
    let input = json!(tool.input_schema);
    descriptions(&input, &mut all);
    for text in all {
        if text.contains("<!--") || text.chars().any(hidden) {
            say(format!("hidden characters in {text:?}"));
        }
    }
}

fn descriptions<'a>(schema: &'a Value, texts: &mut Vec<&'a str>) {
    for (key, value) in schema.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("description", Value::String(text)) => texts.push(text),
            ("enum" | "const" | "default" | "examples", _) => {}
            _ => descriptions(value, texts),
        }
    }
    for item in schema.as_array().into_iter().flatten() {
        descriptions(item, texts);
    }
}

/// Control, zero-width, bidirectional and TAG characters.
fn hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The checks find what they look for: each change to a good tool is a problem.
#[test]
fn planted_problems_are_found() {
    let plan = std::fs::read_to_string(super::root().join("tests/golden/parameters/plan.json"));
    let plan: Value = serde_json::from_str(&plan.expect("a plan")).expect("JSON");
    let check = |plan: &Value| problems(&serde_json::from_value(plan.clone()).expect("a Manifest"));
    assert_eq!(check(&plan), Vec::<String>::new());
    let input = "/tools/0/input_schema";
    for (place, value, part) in [
        (
            "/tools/0/name".to_owned(),
            json!("remove_animal"),
            "there twice",
        ),
        (
            "/tools/0/name".to_owned(),
            json!("a b"),
            "may refuse the name",
        ),
        (
            "/tools/0/name".to_owned(),
            json!("x".repeat(49)),
            "may refuse the name",
        ),
        (
            "/tools/0/description".to_owned(),
            json!(" "),
            "no description",
        ),
        (
            "/tools/0/description".to_owned(),
            json!("a\u{200b}"),
            "hidden characters",
        ),
        (
            "/tools/0/title".to_owned(),
            json!("<!-- x"),
            "hidden characters",
        ),
        (
            "/tools/0/output_schema/type".to_owned(),
            json!("array"),
            "root of the output",
        ),
        (
            "/tools/0/output_schema/properties/weight/type".to_owned(),
            json!("number"),
            "may not be null",
        ),
        (
            format!("{input}/type"),
            json!("array"),
            "not a closed object",
        ),
        (
            format!("{input}/additionalProperties"),
            json!(true),
            "not a closed object",
        ),
        (
            format!("{input}/required"),
            json!("id"),
            "not JSON Schema 2020-12",
        ),
        (
            format!("{input}/properties/id"),
            json!({"$ref": "#/$defs/x"}),
            "not in it",
        ),
        (
            format!("{input}/properties/id"),
            json!({"pattern": "("}),
            "cannot be used",
        ),
        (
            format!("{input}/properties/id"),
            json!({"items": {"description": "\u{e0041}"}}),
            "hidden characters",
        ),
        (
            "/tools/0/action/http/params/0/arg".to_owned(),
            json!("other"),
            "but places",
        ),
    ] {
        let mut broken = plan.clone();
        *broken
            .pointer_mut(&place)
            .unwrap_or_else(|| panic!("no {place}")) = value;
        let found = check(&broken);
        assert!(found.iter().any(|p| p.contains(part)), "{place}: {found:?}");
    }
}
