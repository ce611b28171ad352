//! The Policy: what an agent may do, as the command line or a policy file says it.
//!
//! `format` has the file's types, `read` reads it.

use std::time::Duration;

use indexmap::IndexMap;

use crate::runtime::manifest::{CredentialSpec, Effect, Postgres, Profile, Rate, Redirects};

mod check;
pub mod format;
mod read;

pub use format::PolicyFile;
pub use read::is_policy;
pub use read::read;

/// What an agent may do.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What holds for each source, by its name.
    pub sources: IndexMap<String, SourcePolicy>,
    /// The policy file, if there is one: its rules and defaults hold beside all else.
    pub file: Option<PolicyFile>,
    /// The highest effect that becomes a tool.
    pub effect: Effect,
    /// Whether nothing becomes a tool by itself, not even a read: only what a rule enables.
    pub only_enabled: bool,
    /// If not empty, only operations that one of these patterns matches become tools.
    pub include: Vec<Pattern>,
    /// Operations that one of these patterns matches never become tools; wins over `include`.
    pub exclude: Vec<Pattern>,
    /// One deadline for a whole call.
    pub timeout: Duration,
    /// Most bytes of a decoded response.
    pub max_response_bytes: u64,
    /// What the list of tools may cost, in tokens, before they are searched for or there is a warning.
    pub budget: usize,
    /// The clients that the tools are written for.
    pub profile: Profile,
    /// How clients get to know the tools.
    pub tools: ToolsMode,
    /// Names of tools that are listed in search mode too.
    pub pins: Vec<String>,
}

/// What holds for one source.
#[derive(Debug, Clone, Default)]
pub struct SourcePolicy {
    /// What the names of its tools begin with.
    pub prefix: String,
    /// Headers that go with every request; values may hold `${env:NAME}`.
    pub headers: IndexMap<String, String>,
    /// Origins that the owner named.
    pub trusted_origins: Vec<String>,
    /// The credential that goes with every request in place of those that the document asks for: its
    /// name, how it is sent, and the scopes of its token.
    pub credential: Option<(String, CredentialSpec, Vec<String>)>,
    /// Private networks in which hosts may be that only a document names.
    pub allow_private: Vec<String>,
    /// Which redirects are followed.
    pub redirects: Redirects,
    /// PEM files of certificate authorities to trust besides the system's.
    pub ca_certs: Vec<String>,
    /// The proxy that requests go through.
    pub proxy: Option<String>,
    /// How often its tools may be called, all together.
    pub rate: Vec<Rate>,
    /// The database, if it is one.
    pub postgres: Option<Postgres>,
}

/// How clients get to know the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolsMode {
    /// They search for them if the list would cost more than the budget.
    Auto,
    /// All are listed.
    List,
    /// A few are listed that find the others.
    Search,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            sources: IndexMap::new(),
            file: None,
            effect: Effect::Read,
            only_enabled: false,
            include: Vec::new(),
            exclude: Vec::new(),
            timeout: Duration::from_secs(30),
            max_response_bytes: 2 * 1024 * 1024,
            budget: 20_000,
            tools: ToolsMode::Auto,
            pins: Vec::new(),
            profile: Profile::default(),
        }
    }
}

/// A pattern for operations: a glob on the path (`/admin/**`), a tag (`tag:x`) or the operation id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub text: String,
    /// What it is compared with.
    pub subject: Subject,
    /// The glob.
    pub glob: String,
}

/// What a pattern is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The path template; `*` stays within a segment, `**` crosses them.
    Path,
    /// A tag.
    Tag,
    /// The operation id, or the tool's name where there is none.
    Operation,
}

impl Pattern {
    /// Reads a pattern as it is written.
    pub fn new(text: &str) -> Self {
        let (subject, glob) = match text.strip_prefix("tag:") {
            Some(tag) => (Subject::Tag, tag),
            None if text.starts_with('/') => (Subject::Path, text),
            None => (Subject::Operation, text),
        };
        Self {
            text: text.to_owned(),
            subject,
            glob: glob.to_owned(),
        }
    }
}
