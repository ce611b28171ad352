//! What tools cost a client, in tokens: every conversation begins with the whole list.
//!
//! No tokenizer is the right one for all models, so a token is taken for four bytes of JSON: an estimate
//! that is the same on every machine. Models count differently.

use super::size;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::policy::{Policy, ToolsMode};
use crate::runtime::manifest::{ListMode, Manifest, ToolSpec};
use crate::runtime::server;

/// Bytes of JSON that are taken for one token.
const BYTES_A_TOKEN: usize = 4;

/// What a text costs, in tokens.
pub fn of_text(text: &str) -> usize {
    of_bytes(text.len())
}

fn of_bytes(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_A_TOKEN)
}

/// What a tool costs in `tools/list`, in tokens: an estimate from its size.
pub fn tokens(tool: &ToolSpec) -> usize {
    of_bytes(size::of(&server::listed(tool)))
}

/// What tools cost together.
pub fn total(tools: &[ToolSpec]) -> usize {
    tools.iter().map(tokens).sum()
}

/// What `tools/list` costs: of all tools, or in search mode of those that are listed.
pub fn listed(manifest: &Manifest) -> usize {
    match manifest.listing.mode {
        ListMode::List => total(&manifest.tools),
        ListMode::Search => server::list(manifest)
            .iter()
            .map(|tool| of_bytes(size::of(tool)))
            .sum(),
    }
}

/// A warning if the list of tools is over the budget.
pub(super) fn check(manifest: &Manifest, policy: &Policy, diags: &mut Diagnostics) {
    let cost = listed(manifest);
    if cost <= policy.budget {
        return;
    }
    let message = format!(
        "the list of tools costs about {cost} tokens, more than the budget of {}",
        policy.budget
    );
    let help = match policy.tools {
        ToolsMode::List => {
            "`mcpgen list` shows what each costs; --include and --exclude choose, --tools search lists a few \
             that find the others, --budget sets the budget"
        }
        ToolsMode::Auto | ToolsMode::Search => {
            "`mcpgen list` shows what each costs; --include and --exclude choose, --budget sets the budget"
        }
    };
    diags.push(Diagnostic::general(Code::OverBudget, message).help(help));
}
