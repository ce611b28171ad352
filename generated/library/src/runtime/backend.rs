//! The seam to I/O: a back end carries out the action of one tool.

use futures::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::args::Args;
use super::error::CallError;

/// One tool's way to its upstream, prepared once. Dropping the future stops the work.
pub trait Backend: Send + Sync {
    /// Carries out the action with checked arguments, by the deadline.
    fn call<'a>(
        &'a self,
        args: &'a Args,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Outcome, CallError>>;

    /// Describes, for a person, exactly what a call would do, with credentials masked.
    fn preview(&self, args: &Args) -> Result<String, CallError>;

    /// Whether the upstream is one that calls may go to: asked when a server starts, and before the first
    /// call.
    fn ready(&self) -> BoxFuture<'_, Result<(), NotReady>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Why no call goes to an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// What is wrong, for the owner; without secrets.
    pub reason: String,
    /// Whether it may be otherwise later: a server can start all the same.
    pub passing: bool,
}

/// What a call brought, in terms that no back end owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The content.
    pub content: Content,
    /// A remark for the model that is not part of the content.
    pub note: Option<String>,
    /// Facts for programs, such as `status` and `location`.
    pub facts: Vec<(&'static str, Value)>,
    /// What is not passed on whole: JSON Pointer into the content, and how much of it is here:
    /// `{"returned": 25, "of": 375}`.
    pub truncated: Map<String, Value>,
}

impl Outcome {
    /// A content of which there is nothing else to say.
    pub fn new(content: Content) -> Self {
        Self {
            content,
            note: None,
            facts: Vec::new(),
            truncated: Map::new(),
        }
    }
}

/// The content of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// JSON.
    Json(Value),
    /// Text.
    Text(String),
    /// An image; standard base64.
    Image {
        /// Media type.
        mime: String,
        /// Bytes in base64.
        base64: String,
    },
    /// Sound; standard base64.
    Audio {
        /// Media type.
        mime: String,
        /// Bytes in base64.
        base64: String,
    },
    /// Other bytes; standard base64.
    Blob {
        /// Media type.
        mime: String,
        /// Bytes in base64.
        base64: String,
    },
    /// Success without content.
    Empty,
}
