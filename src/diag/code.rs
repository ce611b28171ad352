//! The kinds of findings: stable codes, what each says, and how much it matters.

use serde::Serialize;

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
    /// A relation is not offered by default, so it is left out.
    RelationLeftOut = "MG160", Warning, Loss;
    /// The values of a column are shown as PostgreSQL writes them, since JSON has nothing for its type.
    ShownAsText = "MG161", Note, Rewrite;
    /// A relation has no key, so there is no tool for one row and no second page of many.
    NoKey = "MG162", Note, Nothing;
    /// The role may read nothing of a database.
    NothingReadable = "MG163", Warning, Nothing;
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
    /// A policy leaves nothing of a relation to show, or to ask by; the read is no tool.
    RelationHidden = "MG214", Warning, Nothing;
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
