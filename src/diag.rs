//! Diagnostics: what mcpgen has to say about an input, with the place it is about.
//!
//! Every pass takes `&mut Diagnostics`, reports what it finds and goes on, so that one run shows all
//! mistakes. Codes are stable: `MG1xx` the source document, `MG2xx` the policy, `MG3xx` compilation.

use std::collections::BTreeMap;

use serde::Serialize;

mod loss;
mod moves;
pub mod nearest;
pub mod render;

pub(crate) use moves::Moves;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// Something was left out or changed; the rest works.
    Warning,
    /// The command cannot do what it was asked.
    Error,
}

impl Severity {
    /// The lower-case word that is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a finding says of the operations that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// Something that the document says of them is not enforced, not sent or not told.
    Loss,
    /// They are otherwise than in the document, by a choice or for clients; nothing is lost.
    Rewrite,
    /// They are as described: it is about the document, the command, or what is the owner's to say.
    Nothing,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $severity:ident, $bearing:ident;)+) => {
        /// A stable name for a kind of finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The printed form, `MG101`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The severity that findings with this code have.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// What findings with this code normally say of the operations that they are about.
            pub fn bearing(self) -> Bearing {
                match self { $(Self::$name => Bearing::$bearing,)+ }
            }

            /// What the code stands for, in a sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// The text is neither JSON nor YAML.
    Syntax = "MG101", Error, Nothing;
    /// The text is empty.
    Empty = "MG102", Error, Nothing;
    /// The document is not an OpenAPI document.
    NotOpenApi = "MG103", Error, Nothing;
    /// The document's OpenAPI version is not one that is read.
    Version = "MG104", Error, Nothing;
    /// A size, node, depth or time budget is exceeded.
    Budget = "MG105", Error, Nothing;
    /// A mapping has the same key twice; the last value is used.
    DuplicateKey = "MG106", Warning, Loss;
    /// A YAML feature that has no JSON meaning (a custom tag, a mapping as a key, `.inf`).
    YamlFeature = "MG107", Error, Nothing;
    /// A Swagger 2.0 document does not say what is needed, or not clearly; the usual is assumed.
    Assumed = "MG108", Warning, Loss;
    /// The document has something that only a later version of OpenAPI reads; it is not read.
    LaterVersion = "MG109", Warning, Loss;
    /// A `$ref` cannot be resolved, so the operation is left out.
    DanglingRef = "MG110", Warning, Loss;
    /// A `$ref` leads back to itself, so the operation is left out.
    CircularRef = "MG111", Warning, Loss;
    /// A `$ref` into a file or host that may not be read, so the operation is left out.
    ExternalRef = "MG112", Warning, Loss;
    /// A `$dynamicRef` could mean several schemas; the nearest is used.
    DynamicRef = "MG113", Warning, Loss;
    /// A `$ref` into a file that cannot be read, so the operation is left out.
    UnreadableRef = "MG114", Warning, Loss;
    /// An overlay, or one of its actions, cannot be applied.
    Overlay = "MG115", Error, Nothing;
    /// The target of an overlay's action selects nothing.
    OverlayNoMatch = "MG116", Warning, Nothing;
    /// An overlay says that it is for another document.
    OverlayExtends = "MG117", Warning, Nothing;
    /// An operation, path item or parameter has the wrong shape, so the operation is left out.
    Malformed = "MG120", Warning, Loss;
    /// A path template names a parameter that is not declared; it is read as a string.
    UndeclaredPathParam = "MG121", Warning, Loss;
    /// A parameter cannot be sent as described: the tool goes without it, or is left out.
    UnsupportedParam = "MG122", Warning, Loss;
    /// A request body cannot be sent as described: the tool goes without it, or is left out.
    UnsupportedBody = "MG123", Warning, Loss;
    /// The method cannot be a tool, so the operation is left out.
    UnsupportedMethod = "MG124", Warning, Loss;
    /// Two operations have one `operationId`.
    DuplicateOperationId = "MG125", Warning, Nothing;
    /// A schema keyword has a value that JSON Schema does not allow; the keyword is ignored.
    SchemaKeyword = "MG126", Warning, Loss;
    /// An operation declares no responses; it still becomes a tool.
    NoResponses = "MG127", Warning, Nothing;
    /// A parameter would set a header that only the HTTP client may set; the tool goes without it.
    ReservedHeader = "MG128", Warning, Loss;
    /// A style does not say how a value is written: another way is used, or the value is refused.
    UndefinedStyle = "MG129", Warning, Loss;
    /// The document does not say where the API is.
    NoServer = "MG130", Warning, Nothing;
    /// A server URL cannot be used.
    BadServer = "MG131", Warning, Nothing;
    /// A server is at a private address that only `--base-url` may allow.
    PrivateServer = "MG132", Warning, Nothing;
    /// A security scheme is not supported: it is not used, and what needs it is left out.
    UnsupportedSecurity = "MG140", Warning, Loss;
    /// An environment variable that a credential comes from is not set.
    MissingCredential = "MG141", Warning, Nothing;
    /// A security requirement names a scheme that the document does not define.
    UndefinedSecurity = "MG142", Warning, Nothing;
    /// A credential that is set goes to an origin that only the document names.
    CredentialToDocumentHost = "MG143", Warning, Nothing;
    /// Two security schemes come to one environment variable; the later one gets a suffix.
    VariableCollision = "MG144", Warning, Nothing;
    /// A token URL is not used, so no token is fetched: it comes from the environment.
    TokenUrl = "MG145", Warning, Nothing;
    /// `--token-url` is given, and nothing fetches a token.
    TokenUrlUnused = "MG146", Warning, Nothing;
    /// Two credentials that go together fill the same place of a request; the first is sent.
    CredentialClash = "MG147", Warning, Loss;
    /// A security scheme's token is taken as it is given: no flow of it is run.
    FlowNotRun = "MG148", Note, Nothing;
    /// A path item of a 3.0 document is not strictly as OpenAPI 3.0 has it.
    NotStrictPath = "MG150", Warning, Nothing;
    /// A component of a 3.0 document is not strictly as OpenAPI 3.0 has it.
    NotStrictComponent = "MG151", Warning, Nothing;
    /// Another part of a 3.0 document is not strictly as OpenAPI 3.0 has it.
    NotStrict = "MG152", Warning, Nothing;
    /// A parameter is in the path's own query already; the tool goes without it.
    FixedInPath = "MG153", Warning, Loss;
    /// A parameter is the whole query string but not alone: the tool goes without it, or is left out.
    WholeQuery = "MG154", Warning, Loss;
    /// The value of an extension that mcpgen reads is not one that it knows; it is ignored.
    UnknownExtension = "MG155", Warning, Loss;
    /// Several media types are offered for a body; one of them is sent.
    BodyChoice = "MG156", Note, Rewrite;
    /// The encoding of a form field is not applied as the document says.
    PartEncoding = "MG157", Warning, Loss;
    /// An answer is a stream of events, of which the first are passed on.
    EventStream = "MG158", Note, Loss;
    /// A policy has a key that the format does not have, or lacks one that it needs.
    PolicyKey = "MG201", Error, Nothing;
    /// A policy has a key whose control this version does not apply.
    PolicyNotEnforced = "MG202", Error, Nothing;
    /// A policy has a value of the wrong kind.
    PolicyValue = "MG203", Error, Nothing;
    /// A policy has a secret in plain text.
    PolicySecret = "MG204", Error, Nothing;
    /// A policy names something that there is not.
    PolicyName = "MG205", Error, Nothing;
    /// Two keys of a policy contradict each other.
    PolicyConflict = "MG206", Error, Nothing;
    /// A rule of a policy undoes what an earlier one says.
    PolicyLoosened = "MG207", Error, Nothing;
    /// A rule of a policy matches nothing.
    PolicyNoMatch = "MG208", Error, Nothing;
    /// A policy lowers an effect without a reason.
    PolicyBecause = "MG209", Error, Nothing;
    /// A bound or value of a policy is outside what the document allows.
    PolicyOutside = "MG210", Error, Nothing;
    /// A policy asks for something that cannot be done with an argument.
    PolicyArgument = "MG211", Error, Nothing;
    /// An environment variable or file that a policy names is not there.
    PolicyUnset = "MG212", Warning, Nothing;
    /// Two tools have one name.
    PolicySameName = "MG213", Error, Nothing;
    /// Nothing is left to serve.
    NothingToServe = "MG301", Error, Nothing;
    /// Two operations cleaned to the same tool name; the later one got a suffix.
    NameCollision = "MG302", Note, Nothing;
    /// A `--include` or `--exclude` pattern matches nothing.
    PatternMatchesNothing = "MG303", Error, Nothing;
    /// A pattern in a schema cannot be enforced; it is described instead.
    PatternNotEnforced = "MG304", Warning, Loss;
    /// The list of tools costs more tokens than the budget.
    OverBudget = "MG305", Warning, Nothing;
    /// A schema keyword is not applied: neither is it enforced, nor is the agent told.
    KeywordNotApplied = "MG306", Warning, Loss;
    /// A schema has a keyword that JSON Schema does not know; it means nothing.
    UnknownKeyword = "MG307", Note, Nothing;
    /// A description is shortened for the model.
    TextShortened = "MG308", Note, Loss;
    /// What comes back is not told as a whole.
    OutputShortened = "MG309", Note, Loss;
    /// A part of the document that is no part of a call is not read.
    NotRead = "MG310", Note, Nothing;
    /// An argument has another name than on the wire.
    ArgumentRenamed = "MG311", Note, Rewrite;
    /// A tool has another name than its operation.
    ToolRenamed = "MG312", Note, Rewrite;
    /// A pattern that clients refuse is told in words; it is enforced all the same.
    PatternTold = "MG313", Note, Rewrite;
    /// Values that clients refuse are told in words; they are taken all the same.
    ValuesTold = "MG314", Note, Rewrite;
    /// A format that clients refuse is told in words.
    FormatTold = "MG315", Note, Rewrite;
    /// A schema that clients refuse is written otherwise, with the same meaning.
    SchemaRewritten = "MG316", Note, Rewrite;
    /// A `--pin` names no tool.
    UnknownPin = "MG320", Error, Nothing;
    /// An operation comes to the name of a tool of search mode; its tool gets a suffix.
    ReservedName = "MG321", Note, Nothing;
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

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

    /// The place one step below this one.
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        Self {
            file: self.file,
            ..Self::at(format!("{}/{}", self.pointer, escape(token)))
        }
    }
}

/// One token of a JSON Pointer, escaped (RFC 6901 §3).
pub fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

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
