//! Whether clients get all tools listed or search for them, and what they are told of it.

use super::{HeldBack, budget};
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::policy::{Policy, ToolsMode};
use crate::runtime::manifest::{Effect, ListMode, Listing, Manifest};
use crate::runtime::search::meta::Kind;

/// Decides how the tools of a Manifest are listed.
pub(super) fn choose(
    manifest: &mut Manifest,
    policy: &Policy,
    held_back: &[HeldBack],
    diags: &mut Diagnostics,
) {
    let pinned = pinned(manifest, policy, held_back, diags);
    if policy.tools == ToolsMode::List || manifest.tools.is_empty() {
        return;
    }
    let all = budget::total(&manifest.tools);
    if policy.tools == ToolsMode::Auto && all <= policy.budget {
        return;
    }
    manifest.listing = Listing {
        mode: ListMode::Search,
        pinned,
    };
    let owners = manifest.server.instructions.take();
    let how = instructions(manifest);
    manifest.server.instructions = Some(match &owners {
        Some(owners) => format!("{owners}\n\n{how}"),
        None => how,
    });
    // The tools of search mode cost something too: of a few tools the list is cheaper.
    if policy.tools == ToolsMode::Auto && budget::listed(manifest) >= all {
        manifest.listing = Listing::default();
        manifest.server.instructions = owners;
    }
}

/// The pinned tools, in the Manifest's order. A pin that names no tool is an error: what should be at
/// hand would be missing in silence.
fn pinned(
    manifest: &Manifest,
    policy: &Policy,
    held_back: &[HeldBack],
    diags: &mut Diagnostics,
) -> Vec<String> {
    let names = || manifest.tools.iter().map(|tool| tool.name.as_str());
    for pin in &policy.pins {
        if names().any(|name| name == pin) {
            continue;
        }
        let off = held_back.iter().find(|off| off.name == *pin);
        let (message, help) = if let Some(off) = off {
            let effect = off.effect.as_str();
            (
                format!("--pin {pin}: the tool is off, its effect is {effect}"),
                format!("--enable {effect} makes it a tool"),
            )
        } else {
            let help = nearest(pin, names()).map_or_else(
                || "`mcpgen list` shows the names".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            (format!("--pin {pin}: no tool has this name"), help)
        };
        diags.push(Diagnostic::general(Code::UnknownPin, message).help(help));
    }
    names()
        .filter(|name| policy.pins.iter().any(|pin| pin == name))
        .map(str::to_owned)
        .collect()
}

/// What the model is told of search mode, before it sees a tool.
fn instructions(manifest: &Manifest) -> String {
    let tools = &manifest.tools;
    let writes = tools.iter().any(|tool| tool.effect != Effect::Read);
    let [search, describe, read, write] = [
        Kind::Search,
        Kind::Describe,
        Kind::CallRead,
        Kind::CallWrite,
    ]
    .map(Kind::name);
    let more = tools.len().saturating_sub(manifest.listing.pinned.len());
    let noun = if more == 1 { "tool" } else { "tools" };
    let mut text = format!(
        "This server has {more} {noun} beside those listed. Find the right one with `{search}`: say in a few \
         words what should be done. See its arguments with `{describe}`, then call it by its name with \
         `{read}`"
    );
    if writes {
        text = format!("{text}, or with `{write}` if it changes something");
    }
    text.push('.');
    let pinned = &manifest.listing.pinned;
    if !pinned.is_empty() {
        text = format!("{text} Called directly: {}.", pinned.join(", "));
    }
    text
}
