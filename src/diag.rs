//! Diagnostics: what mcpgen has to say about an input, with the place it is about.
//!
//! Every pass takes `&mut Diagnostics`, reports what it finds and goes on, so that one run shows all
//! mistakes. Codes are stable: `MG1xx` the source document, `MG2xx` the policy, `MG3xx` compilation.

use std::collections::BTreeMap;

mod code;
mod loss;
mod moves;
pub mod nearest;
pub mod render;

pub use code::{Bearing, Code, Severity};
pub(crate) use moves::Moves;

/// Which text of a run a place is in: the document itself, or a file that it drew in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FileId(pub usize);

impl FileId {
    /// The document itself.
    pub const MAIN: Self = Self(0);
}

/// A place in a source: a JSON Pointer (RFC 6901), resolved to a line and column when printed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Loc {
    /// The text that it is in.
    pub file: FileId,
    /// JSON Pointer of the node; the empty string is the whole document.
    pub pointer: String,
    /// 1-based line and column, where the place is known before there is a tree to point into.
    pub line_column: Option<(usize, usize)>,
    /// Whether the key of the node is meant, not its value.
    pub key: bool,
}

impl Loc {
    /// The value at `pointer`.
    pub fn at(pointer: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            ..Self::default()
        }
    }

    /// The key whose value is at `pointer`.
    pub fn key(pointer: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            key: true,
            ..Self::default()
        }
    }

    /// A 1-based line and column (columns count characters).
    pub fn line(line: usize, column: usize) -> Self {
        Self {
            line_column: Some((line, column)),
            ..Self::default()
        }
    }

    /// The same place in a file.
    #[must_use]
    pub fn of(self, file: FileId) -> Self {
        Self { file, ..self }
    }

    /// The place of another key of the same object.
    #[must_use]
    pub fn beside(&self, token: &str) -> Self {
        let parent = self
            .pointer
            .rsplit_once('/')
            .map_or("", |(parent, _)| parent);
        Self {
            file: self.file,
            ..Self::at(format!("{parent}/{}", escape(token)))
        }
    }

    /// The place one step below this one.
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        Self {
            file: self.file,
            ..Self::at(format!("{}/{}", self.pointer, escape(token)))
        }
    }
}

pub use crate::runtime::pointer::escape;

/// Longest message or help that is kept, in bytes: names of the document are part of them.
const TEXT_MAX: usize = 2_000;
/// Bytes that all findings together may have, in MiB.
const ALL_MIB: usize = 32;

/// The beginning of a text that is too long for a finding.
pub(crate) fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_MAX))
        .unwrap_or(text)
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// How much it matters; normally the code's own severity.
    pub severity: Severity,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// Where; `None` for a finding about no place in particular.
    pub loc: Option<Loc>,
    /// What to do about it.
    pub help: Option<String>,
    /// What it says of the operations that it is about; normally as the code says.
    pub bearing: Bearing,
    /// Another place that it is about, and what is there: a fragment.
    pub also: Option<Box<(Loc, &'static str)>>,
}

impl Diagnostic {
    /// A finding at a place.
    pub fn new(code: Code, loc: Loc, message: impl Into<String>) -> Self {
        Self {
            loc: Some(loc),
            ..Self::general(code, message)
        }
    }

    /// A finding about no place in particular.
    pub fn general(code: Code, message: impl Into<String>) -> Self {
        let severity = code.severity();
        Self {
            code,
            severity,
            message: message.into(),
            loc: None,
            help: None,
            bearing: code.bearing(),
            also: None,
        }
    }

    /// A document took all the time that there is for it.
    pub fn out_of_time() -> Self {
        let message = "reading and compiling the document takes more than 30 seconds";
        Self::general(Code::Budget, message)
            .help("this limit is fixed; a smaller or simpler document is needed")
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same finding with another place that it is about, and what is there.
    #[must_use]
    pub fn also(mut self, loc: Loc, what: &'static str) -> Self {
        self.also = Some(Box::new((loc, what)));
        self
    }
}

/// The findings of a run, in the order they were made.
#[derive(Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    /// What was said, with its index.
    seen: BTreeMap<(Code, Option<Loc>, String), usize>,
    /// What the findings take, about.
    bytes: usize,
    ledger: loss::Ledger,
    moves: Option<Moves>,
}

impl Diagnostics {
    /// Adds a finding. One that is already there (a shared schema is read for many operations) is
    /// not added again, but counts for each operation it is found in.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        if let (Some(moves), Some(loc)) = (&self.moves, &mut diagnostic.loc) {
            moves.back(loc);
        }
        diagnostic
            .message
            .truncate(shortened(&diagnostic.message).len());
        if let Some(help) = &mut diagnostic.help {
            help.truncate(shortened(help).len());
        }
        if let Some(index) = self.push_new(diagnostic) {
            self.ledger.note(index);
        }
    }

    /// The index of a finding, added if it is not there; `None` if there is no room for it.
    fn push_new(&mut self, diagnostic: Diagnostic) -> Option<usize> {
        let key = (
            diagnostic.code,
            diagnostic.loc.clone(),
            diagnostic.message.clone(),
        );
        if let Some(index) = self.seen.get(&key) {
            return Some(*index);
        }
        if !self.has_room(&diagnostic) {
            return None;
        }
        let index = self.items.len();
        self.seen.insert(key, index);
        self.items.push(diagnostic);
        Some(index)
    }

    /// Whether a new finding can be kept: errors always, others while there is room. The last one that can
    /// says that it is.
    fn has_room(&mut self, diagnostic: &Diagnostic) -> bool {
        let had_room = self.bytes <= ALL_MIB << 20;
        if !had_room {
            return diagnostic.severity == Severity::Error;
        }
        let pointer = diagnostic.loc.as_ref().map_or(0, |loc| loc.pointer.len());
        self.bytes += diagnostic.message.len() + pointer + 200;
        if self.bytes > ALL_MIB << 20 {
            let message =
                format!("there are more than {ALL_MIB} MiB of findings; the rest is not shown");
            let found = Diagnostic::general(Code::Budget, message);
            let found = found.help("this limit is fixed; correct what is shown first");
            let severity = Severity::Warning;
            self.items.push(Diagnostic { severity, ..found });
        }
        true
    }

    /// From now on findings have places of a document in another shape than it is written in, or no
    /// longer; what was in force before.
    pub(crate) fn moved(&mut self, moves: Option<Moves>) -> Option<Moves> {
        std::mem::replace(&mut self.moves, moves)
    }

    /// Adds the findings of another run, whose main text is called `main` here and whose operations have
    /// `label` before their names.
    pub fn append(&mut self, other: Self, main: FileId, label: &str) {
        let mut indices = Vec::with_capacity(other.items.len());
        for mut found in other.items {
            let also = found.also.iter_mut().map(|also| &mut also.0);
            for loc in found.loc.iter_mut().chain(also) {
                loc.file.0 += main.0;
            }
            indices.push(self.push_new(found));
        }
        self.ledger.append(other.ledger, &indices, label);
    }

    /// All findings.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.items.iter().filter(|d| d.severity == severity).count()
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }
}
