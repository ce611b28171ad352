//! A call of a tool that there is not.

/// Why a call cannot even be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown tool `{name}`{help}")]
pub struct UnknownTool {
    name: String,
    /// What to do about it, after a semicolon.
    help: String,
}

impl UnknownTool {
    /// `help` says what to do about it, after a semicolon.
    pub(super) fn new(name: &str, help: String) -> Self {
        Self {
            name: name.chars().filter(|c| !c.is_control()).take(64).collect(),
            help,
        }
    }
}
