//! What holds for a tool whatever the rules say: the file's defaults, its source, and mcpgen's own.

use super::changes;
use crate::diag::escape;
use crate::policy::Policy;
use crate::policy::format::{OnViolation, PolicyFile, Redirects};
use crate::runtime::manifest::ToolSpec;

/// Something that holds, and where the file says so; `None`: it is mcpgen's default.
pub(super) struct Holds {
    pub(super) pointer: Option<String>,
    pub(super) text: String,
}

/// What the file, or its absence, says of every tool of a source; `by_rule`: a rule has a timeout, too.
pub(super) fn holds(
    file: Option<&PolicyFile>,
    source: &str,
    policy: &Policy,
    by_rule: bool,
) -> Vec<Holds> {
    let mut all = Vec::new();
    let effect = policy.effect.as_str();
    let text = match policy.only_enabled {
        true => "only what a rule enables becomes a tool".to_owned(),
        false => format!("operations up to the effect {effect} become tools"),
    };
    let said = file.is_some_and(|file| file.defaults.effect.is_some());
    push(&mut all, "/defaults/effect", said, text);
    let said = file.is_some_and(|file| file.defaults.timeout.is_some());
    let rule = if by_rule {
        ", unless a rule says otherwise"
    } else {
        ""
    };
    let text = format!(
        "one deadline of {} for a call{rule}",
        changes::duration(policy.timeout)
    );
    push(&mut all, "/defaults/timeout", said, text);
    if let Some(file) = file {
        of_source(file, source, &mut all);
        of_defaults(file, &mut all);
    }
    all
}

fn push(all: &mut Vec<Holds>, pointer: &str, said: bool, text: String) {
    all.push(Holds {
        pointer: said.then(|| pointer.to_owned()),
        text,
    });
}

fn of_source(file: &PolicyFile, name: &str, all: &mut Vec<Holds>) {
    let Some(source) = file.sources.get(name) else {
        return;
    };
    let at = format!("/sources/{}", escape(name));
    if let Some(prefix) = &source.prefix {
        let text = format!("names begin with `{prefix}`");
        push(all, &format!("{at}/prefix"), true, text);
    }
    if let Some(url) = &source.base_url {
        push(
            all,
            &format!("{at}/base_url"),
            true,
            format!("requests go to {url}"),
        );
    }
    if let Some(credential) = &source.credential {
        let text = format!("the credential `{credential}` goes with every request");
        push(all, &format!("{at}/credential"), true, text);
    }
    for (index, rate) in source.rate.iter().enumerate() {
        let text = format!("all tools of the source together: {}", changes::rate(rate));
        push(all, &format!("{at}/rate/{index}"), true, text);
    }
}

fn of_defaults(file: &PolicyFile, all: &mut Vec<Holds>) {
    let defaults = &file.defaults;
    if let Some(violation) = defaults.on_violation {
        let text = match violation {
            OnViolation::Auto => "beyond a bound, reads clamp and writes refuse",
            OnViolation::Clamp => "what is beyond a bound is moved to it",
            OnViolation::Reject => "what is beyond a bound is refused",
        };
        push(all, "/defaults/on_violation", true, text.to_owned());
    }
    if let Some(retries) = &defaults.retries {
        push(all, "/defaults/retries", true, changes::retries(retries));
    }
    if let Some(most) = defaults.concurrency {
        let text = format!("at most {most} calls of a tool at the same time");
        push(all, "/defaults/concurrency", true, text);
    }
    for (index, rate) in defaults.rate.iter().enumerate() {
        let text = format!("of one tool, {}", changes::rate(rate));
        push(all, &format!("/defaults/rate/{index}"), true, text);
    }
    for (key, text) in changes::response(&defaults.response) {
        push(all, &format!("/defaults/response/{key}"), true, text);
    }
    if file.egress.redirects == Some(Redirects::None) {
        push(
            all,
            "/egress/redirects",
            true,
            "no redirect is followed".to_owned(),
        );
    }
}

/// The page sizes that are moved into the document's bounds, unless a rule is about them.
pub(super) fn page_sizes(tool: &ToolSpec) -> Vec<Holds> {
    let clamped = tool.controls.iter().filter_map(|control| {
        let bound = control.clamp.as_ref()?;
        let end = |bound: &Option<serde_json::Number>, word: &str| {
            let bound = bound.as_ref();
            bound.map_or_else(String::new, |bound| format!(" {word} {bound}"))
        };
        let (min, max) = (end(&bound.min, "from"), end(&bound.max, "to"));
        let name = control.pointer.trim_start_matches('/');
        Some(format!(
            "`{name}` is a page size: moved into the document's bounds,{min}{max}"
        ))
    });
    clamped
        .map(|text| Holds {
            pointer: None,
            text,
        })
        .collect()
}
