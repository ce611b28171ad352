//! What one rule changed of one tool, in words.

use std::time;

use serde_json::{Map, Value};

use super::relation;
use crate::diag::escape;
use crate::policy::format::words::{self, OneOrMany, PerTime, Rate};
use crate::policy::format::{ArgRule, Failure, ResponseRule, Retries, Rule};
use crate::runtime::manifest::{Effect, ToolSpec};
use crate::runtime::pointer::unescape;

/// Something that a rule says, and what comes of it.
pub(super) struct Change {
    /// Where the rule says it: a JSON Pointer from the rule on.
    pub(super) pointer: String,
    pub(super) text: String,
}

/// What a rule meets.
pub(super) struct Met<'m> {
    /// The effect of the operation by its method.
    pub(super) effect: Effect,
    /// The name that the tool has without rules.
    pub(super) name: &'m str,
    /// The tool as it is, if it is one.
    pub(super) tool: Option<&'m ToolSpec>,
    /// The schema of its arguments without rules.
    pub(super) schema: &'m Map<String, Value>,
    /// The rules after this one that match, too.
    pub(super) later: Vec<&'m Rule>,
}

/// What a rule changed.
pub(super) fn changes(rule: &Rule, met: &Met<'_>) -> Vec<Change> {
    let mut all = Vec::new();
    let mut say = |pointer: &str, text: String| {
        all.push(Change {
            pointer: format!("/{pointer}"),
            text,
        });
    };
    let again = |set: fn(&Rule) -> bool| match met.later.iter().any(|rule| set(rule)) {
        true => "; a later rule says otherwise",
        false => "",
    };
    if rule.excludes() {
        say(
            "exclude",
            "it is no tool, and no later rule undoes that".to_owned(),
        );
    }
    if let Some(change) = &rule.effect {
        let (to, from) = (Effect::from(change.r#as).as_str(), met.effect.as_str());
        let because = change.because.as_ref();
        let because = because.map_or_else(String::new, |why| format!(", because: {why}"));
        say(
            "effect",
            format!("its effect is {to}, by its method {from}{because}"),
        );
    }
    if let Some(enable) = rule.enable {
        let up_to = Effect::from(enable).as_str();
        say(
            "enable",
            format!("it is a tool if its effect is at most {up_to}"),
        );
    }
    if let Some(name) = &rule.name {
        let again = again(|rule| rule.name.is_some());
        say(
            "name",
            format!("it is called `{name}`, not `{}`{again}", met.name),
        );
    }
    if rule.describe.is_some() {
        let again = again(|rule| rule.describe.is_some());
        say(
            "describe",
            format!("described in these words, not in the document's{again}"),
        );
    }
    for (name, of_arg) in &rule.args {
        for (key, text) in argument(name, of_arg, met) {
            say(
                &format!("args/{}/{key}", escape(name)),
                format!("`{name}` {text}"),
            );
        }
    }
    if let Some(timeout) = rule.timeout {
        let again = again(|rule| rule.timeout.is_some());
        say(
            "timeout",
            format!("one deadline of {timeout} for a call{again}"),
        );
    }
    if let Some(of_rule) = &rule.retries {
        let again = again(|rule| rule.retries.is_some());
        say("retries", format!("{}{again}", retries(of_rule)));
    }
    if let Some(key) = &rule.idempotency_key {
        say(
            "idempotency_key",
            format!("each call has a new key in the header {}", key.header),
        );
    }
    if let Some(most) = rule.concurrency {
        let again = again(|rule| rule.concurrency.is_some());
        say(
            "concurrency",
            format!("at most {most} calls at the same time{again}"),
        );
    }
    for (index, of_rule) in rule.rate.iter().enumerate() {
        say(&format!("rate/{index}"), rate(of_rule));
    }
    for (key, text) in response(&rule.response) {
        say(&format!("response/{key}"), text);
    }
    for (key, text) in relation::changes(rule) {
        say(&key, text);
    }
    all
}

/// What the rule of one argument comes to, by its keys.
fn argument(name: &str, rule: &ArgRule, met: &Met<'_>) -> Vec<(&'static str, String)> {
    let pointer = match name.starts_with('/') {
        true => name.to_owned(),
        false => format!("/{}", escape(name)),
    };
    let Some(document) = at(met.schema, &pointer) else {
        return vec![(
            "",
            "is no argument of this tool: nothing changes".to_owned(),
        )];
    };
    let bound = |keyword: &str| match document.get(keyword) {
        Some(value) => format!(" (document: {value})"),
        None if keyword == "default" => " (document: no default)".to_owned(),
        None => " (document: no bound)".to_owned(),
    };
    let moved = moved(&pointer, met);
    let mut all = Vec::new();
    if let Some(min) = &rule.min {
        all.push((
            "min",
            format!("is at least {min}{}{moved}", bound("minimum")),
        ));
    }
    if let Some(max) = &rule.max {
        all.push((
            "max",
            format!("is at most {max}{}{moved}", bound("maximum")),
        ));
    }
    if let Some(default) = &rule.default {
        all.push((
            "default",
            format!("is {default} where none is given{}", bound("default")),
        ));
    }
    if let Some(values) = &rule.r#enum {
        all.push(("enum", format!("is one of {}", listed(values.iter()))));
    }
    if let Some(values) = &rule.drop_if {
        all.push((
            "drop_if",
            format!("is not sent if it is {}", listed(OneOrMany::iter(values))),
        ));
    }
    if let Some(most) = rule.max_length {
        all.push((
            "max_length",
            format!("has at most {most} characters{}", bound("maxLength")),
        ));
    }
    if let Some(pattern) = &rule.pattern {
        all.push(("pattern", format!("matches {pattern}")));
    }
    if let Some(most) = rule.max_items {
        all.push((
            "max_items",
            format!("has at most {most} elements{}{moved}", bound("maxItems")),
        ));
    }
    let unseen = "neither seen nor set by the model";
    if let Some(value) = &rule.r#const {
        all.push(("const", format!("is always {value}")));
    }
    if let Some(from) = &rule.from {
        let variable = from.trim_start_matches("env.");
        all.push((
            "from",
            format!("comes from the environment variable {variable}"),
        ));
    }
    if rule.hides() {
        all.push(("hide", format!("is {unseen}")));
    }
    if rule.forbids() {
        all.push(("forbid", format!("is forbidden: {unseen}, and never sent")));
    }
    if rule.slash.is_some() {
        all.push(("slash", "may hold `/`, which is sent as %2F".to_owned()));
    }
    all
}

/// What happens to a value beyond the bounds.
fn moved(pointer: &str, met: &Met<'_>) -> &'static str {
    let Some(tool) = met.tool else { return "" };
    let mut controls = tool.controls.iter().filter(|c| c.pointer == pointer);
    match controls.any(|control| control.clamp.is_some() || control.max_items.is_some()) {
        true => "; what is beyond is moved there, and the model is told",
        false => "; what is beyond is refused",
    }
}

/// The schema of a part of the arguments.
pub(super) fn at<'s>(
    root: &'s Map<String, Value>,
    pointer: &str,
) -> Option<&'s Map<String, Value>> {
    let mut schema = root;
    for token in pointer.split('/').skip(1) {
        let name = unescape(token);
        let next = match schema.get("properties").and_then(|p| p.get(&name)) {
            Some(property) => property,
            None => schema.get("items")?,
        };
        schema = next.as_object()?;
        if let Some(defined) = schema.get("$ref").and_then(Value::as_str) {
            let name = defined.strip_prefix("#/$defs/")?;
            schema = root.get("$defs")?.get(name)?.as_object()?;
        }
    }
    Some(schema)
}

fn listed<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    let texts: Vec<String> = values.map(Value::to_string).collect();
    texts.join(", ")
}

/// A time as the file writes it.
pub(super) fn duration(time: time::Duration) -> String {
    words::Duration(time).to_string()
}

pub(super) fn retries(retries: &Retries) -> String {
    let failures = retries.on.iter().map(|failure| match failure {
        Failure::Connect => "a connection that does not come about".to_owned(),
        Failure::Status(status) => status.to_string(),
    });
    let failures: Vec<String> = failures.collect();
    match (retries.max, failures.as_slice()) {
        (0, _) | (_, []) => "nothing is tried again".to_owned(),
        (max, failures) => {
            let times = if max == 1 {
                "once more".to_owned()
            } else {
                format!("up to {max} times more")
            };
            format!(
                "a call that may be repeated is tried {times} after {}",
                failures.join(", ")
            )
        }
    }
}

pub(super) fn rate(rate: &Rate) -> String {
    let PerTime { count, period } = rate.limit;
    let burst = rate
        .burst
        .map_or_else(String::new, |burst| format!(", {burst} of them at once"));
    format!("at most {count} calls in {}{burst}", duration(period))
}

pub(super) fn response(rule: &ResponseRule) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if !rule.select.is_empty() {
        all.push((
            "select",
            format!(
                "of a response, only {} is passed on",
                rule.select.join(", ")
            ),
        ));
    }
    if !rule.drop.is_empty() {
        all.push((
            "drop",
            format!("{} is taken out of a response", rule.drop.join(", ")),
        ));
    }
    if let Some(most) = rule.max_items {
        all.push((
            "max_items",
            format!("lists of a response are cut after {most} elements"),
        ));
    }
    if let Some(most) = rule.max_bytes {
        all.push((
            "max_bytes",
            format!("a response is cut at {} bytes", most.0),
        ));
    }
    all
}
