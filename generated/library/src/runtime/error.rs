//! What the calling model reads when a call fails.

use serde_json::Value;

/// A failed call: returned as a tool result with `isError: true`, never as a protocol error. No
/// secret, no upstream header and no internal address is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallError {
    /// Stable name of the kind of failure, such as `invalid_arguments`.
    pub code: &'static str,
    /// What happened: a lower-case fragment.
    pub message: String,
    /// What the model can do about it.
    pub hint: Option<String>,
    /// Whether the same call may work later.
    pub retryable: bool,
    /// Facts for programs, such as `status` and `retry_after_seconds`.
    pub facts: Vec<(&'static str, Value)>,
}

impl CallError {
    /// A failure that the same call will meet again.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            retryable: false,
            facts: Vec::new(),
        }
    }

    /// The same failure with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, marked as one that may pass.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same failure with a fact for programs.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// The text that the model reads: code and message, then the hint.
    pub fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}: {}\nhint: {hint}", self.code, self.message),
            None => format!("{}: {}", self.code, self.message),
        }
    }
}
