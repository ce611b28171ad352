//! What tools cost a client, in tokens: every conversation begins with the whole list.
//!
//! No tokenizer is the right one for all models, so a token is taken for four bytes of JSON: an estimate
//! that is the same on every machine. Models count differently.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::policy::Policy;
use crate::runtime::manifest::ToolSpec;
use crate::runtime::server;

/// Bytes of JSON that are taken for one token.
const BYTES_A_TOKEN: usize = 4;

/// What a text costs, in tokens.
pub fn of_text(text: &str) -> usize {
    text.len().div_ceil(BYTES_A_TOKEN)
}

/// What a tool costs in `tools/list`, in tokens: an estimate from its size.
pub fn tokens(tool: &ToolSpec) -> usize {
    of_text(&server::listed(tool).to_string())
}

/// What tools cost together.
pub fn total(tools: &[ToolSpec]) -> usize {
    tools.iter().map(tokens).sum()
}

/// A warning if the list of tools is over the budget.
pub(super) fn check(tools: &[ToolSpec], policy: &Policy, diags: &mut Diagnostics) {
    let total = total(tools);
    if total <= policy.budget {
        return;
    }
    let message = format!(
        "the list of tools costs about {total} tokens, more than the budget of {}",
        policy.budget
    );
    let help = "`mcpgen list` shows what each costs; --include and --exclude choose, --budget sets the budget";
    diags.push(Diagnostic::general(Code::OverBudget, message).help(help));
}
