//! Which operations a rule is about.

use std::cell::OnceCell;

use globset::{Glob, GlobBuilder, GlobMatcher};
use percent_encoding::percent_decode_str;

use crate::catalog::{Capability, Catalog, LeftOut};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::words::OneOrMany;
use crate::policy::format::{Match, Rule};
use crate::runtime::manifest::Effect;

/// An operation, as rules see it.
pub(in crate::compile) struct Subject<'c> {
    source: &'c str,
    operation: &'c str,
    /// The name that its tool has without a rule.
    name: &'c str,
    method: &'c str,
    path: &'c str,
    tags: Vec<&'c str>,
    /// The name of the relation that is read; it has no method and no path then.
    relation: Option<&'c str>,
    pub(super) effect: Effect,
}

impl<'c> Subject<'c> {
    /// An operation that can be a tool, by the name that its tool has without a rule.
    pub(in crate::compile) fn new(
        catalog: &'c Catalog,
        capability: &'c Capability,
        name: &'c str,
    ) -> Self {
        Self {
            source: &catalog.source,
            relation: catalog
                .relation(capability)
                .map(|relation| relation.name.as_str()),
            operation: capability.id.as_deref().unwrap_or(name),
            name,
            method: &capability.method,
            path: &capability.path,
            tags: capability.tags.iter().map(String::as_str).collect(),
            effect: capability.effect,
        }
    }

    /// An operation that cannot be a tool.
    pub(in crate::compile) fn left_out(source: &'c str, left: &'c LeftOut) -> Self {
        let method = left.operation.strip_suffix(left.path.as_str());
        let method = method.unwrap_or_default().trim_end();
        let relation = (!left.path.starts_with('/')).then_some(left.path.as_str());
        Self {
            relation: relation
                .and_then(|path| path.split_once('.'))
                .map(|(_, name)| name),
            source,
            operation: left.id.as_deref().unwrap_or_default(),
            name: "",
            method: method.rsplit(' ').next().unwrap_or_default(),
            path: &left.path,
            tags: left.tags.iter().map(String::as_str).collect(),
            effect: left.effect,
        }
    }

    /// Method and path.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// What a key of `match` is compared with.
    pub(super) fn texts(&self, key: Key) -> Vec<&'c str> {
        match key {
            Key::Source => vec![self.source],
            Key::Operation => vec![self.operation, self.name],
            Key::Method | Key::Path if self.relation.is_some() => Vec::new(),
            Key::Method => vec![self.method],
            Key::Path => vec![self.path],
            Key::Tag => self.tags.clone(),
            Key::Table => match self.relation {
                Some(relation) => vec![relation, self.path],
                None => Vec::new(),
            },
        }
    }

    /// Whether it reads a relation.
    pub(super) fn is_relation(&self) -> bool {
        self.relation.is_some()
    }
}

/// The keys of `match` whose values are globs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::compile) enum Key {
    Source,
    Operation,
    Method,
    Path,
    Tag,
    Table,
}

impl Key {
    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Operation => "operation",
            Self::Method => "method",
            Self::Path => "path",
            Self::Tag => "tag",
            Self::Table => "table",
        }
    }
}

/// What a rule's `match` says.
pub(super) struct Matcher {
    /// The keys that are there, the cheapest to compare first.
    globs: Vec<(Key, Vec<Pattern>)>,
    effects: Vec<Effect>,
    /// Whether a part of the rule is wrong, so that it matches nothing.
    pub(super) broken: bool,
}

/// One pattern; most have nothing to be matched but themselves.
pub(in crate::compile) enum Pattern {
    Literal(String),
    Glob(Box<Prefixed>),
}

/// A glob behind the text that it begins with: thousands of them are compared with thousands of
/// operations, and few are ever more than looked at.
pub(in crate::compile) struct Prefixed {
    prefix: String,
    glob: Glob,
    matcher: OnceCell<GlobMatcher>,
}

impl Prefixed {
    fn matches(&self, text: &str) -> bool {
        let matcher = || self.matcher.get_or_init(|| self.glob.compile_matcher());
        text.starts_with(&self.prefix) && matcher().is_match(text)
    }
}

impl Pattern {
    /// Reads a pattern for a key of `match`.
    pub(in crate::compile) fn new(key: Key, text: &str) -> Result<Self, globset::Error> {
        // Braces in a path are placeholders, not alternatives.
        let special: &[char] = match key {
            Key::Path => &['*', '?', '[', '\\'],
            _ => &['*', '?', '[', '{', '\\'],
        };
        if !text.contains(special) {
            return Ok(Self::Literal(match key {
                Key::Method => text.to_ascii_uppercase(),
                _ => text.to_owned(),
            }));
        }
        let pattern = match key {
            Key::Path => text.replace('{', "[{]").replace('}', "[}]"),
            _ => text.to_owned(),
        };
        let glob = GlobBuilder::new(&pattern)
            .literal_separator(key == Key::Path)
            .case_insensitive(key == Key::Method)
            .build()?;
        let plain = text.find(special).and_then(|end| text.get(..end));
        // Its letters may be of either case.
        let prefix = plain.filter(|_| key != Key::Method).unwrap_or_default();
        Ok(Self::Glob(Box::new(Prefixed {
            prefix: prefix.to_owned(),
            glob,
            matcher: OnceCell::new(),
        })))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Glob(glob) => glob.matches(text),
        }
    }
}

impl Matcher {
    /// Reads a rule's `match`. What is no pattern is reported.
    pub(super) fn new(rule: &Rule, loc: &Loc, diags: &mut Diagnostics) -> Self {
        let Match {
            source,
            operation,
            method,
            path,
            tag,
            table,
            effect,
        } = &rule.r#match;
        let keys = [
            (Key::Source, source),
            (Key::Method, method),
            (Key::Operation, operation),
            (Key::Tag, tag),
            (Key::Table, table),
            (Key::Path, path),
        ];
        let mut broken = rule.broken;
        let mut globs = Vec::new();
        for (key, values) in keys {
            let Some(values) = values else { continue };
            let at = loc.child("match").child(key.name());
            let mut patterns = Vec::new();
            for (loc, text) in values.placed(&at) {
                match Pattern::new(key, text) {
                    Ok(pattern) => patterns.push(pattern),
                    Err(error) => {
                        broken = true;
                        let message = format!("`{text}` is no pattern: {}", error.kind());
                        let found = Diagnostic::new(Code::PolicyValue, loc, message);
                        diags.push(found.help("put special characters in brackets, as in `[{]`"));
                    }
                }
            }
            globs.push((key, patterns));
        }
        let effects = effect.iter().flat_map(OneOrMany::iter);
        Self {
            globs,
            effects: effects.map(|effect| Effect::from(*effect)).collect(),
            broken,
        }
    }

    /// Whether the rule is about an operation that has this effect by now.
    pub(super) fn matches(&self, subject: &Subject<'_>, effect: Effect) -> bool {
        !self.broken
            && self.has_effect(effect)
            && self
                .globs
                .iter()
                .all(|(key, globs)| fits(*key, globs, subject))
    }

    /// The names that operations of the rule have, if it names them outright.
    pub(super) fn operations(&self) -> Option<Vec<&str>> {
        let (_, patterns) = self.globs.iter().find(|(key, _)| *key == Key::Operation)?;
        let literals = patterns.iter().map(|pattern| match pattern {
            Pattern::Literal(text) => Some(text.as_str()),
            Pattern::Glob(_) => None,
        });
        literals.collect()
    }

    /// The keys that are there, each with its patterns.
    pub(super) fn keys(&self) -> &[(Key, Vec<Pattern>)] {
        &self.globs
    }

    pub(super) fn has_effect(&self, effect: Effect) -> bool {
        self.effects.is_empty() || self.effects.contains(&effect)
    }
}

/// Whether one key of a `match` is about an operation. What an operation does not have is matched by
/// nothing, not even by `*`.
pub(in crate::compile) fn fits(key: Key, globs: &[Pattern], subject: &Subject<'_>) -> bool {
    let any = |text: &str| !text.is_empty() && globs.iter().any(|glob| glob.matches(text));
    match key {
        Key::Source => any(subject.source),
        Key::Operation => any(subject.operation) || any(subject.name),
        Key::Tag => subject.tags.iter().any(|tag| any(tag)),
        Key::Table => subject
            .relation
            .is_some_and(|name| any(name) || any(subject.path)),
        Key::Method | Key::Path if subject.is_relation() => false,
        Key::Method => any(subject.method),
        Key::Path => {
            let plain = || percent_decode_str(subject.path).decode_utf8_lossy();
            any(subject.path) || (subject.path.contains('%') && any(&plain()))
        }
    }
}
