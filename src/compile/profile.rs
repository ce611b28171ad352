//! What clients refuse, though JSON Schema and MCP allow it, is written otherwise.
//!
//! A model's API refuses a whole conversation for one schema that it does not like. So clients are shown
//! schemas that all of them take, what they would refuse is told in words, and arguments are
//! checked against the schema as it was: [`ToolSpec::checked`] holds where the two differ. Each rule is one
//! that an API is known to enforce; what clients convert themselves is left to them.
//!
//! [`ToolSpec::checked`]: crate::runtime::manifest::ToolSpec::checked

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::share::{Holds, holds};
use crate::catalog::Capability;
use crate::diag::{Code, Diagnostic, Diagnostics, escape};
use crate::runtime::manifest::{Profile, Schema};

mod values;

/// Places that one finding names.
const PLACES_MAX: usize = 3;
/// Characters of a name that a finding quotes.
const QUOTE_MAX: usize = 30;

/// What an API asks of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Names have at most 64 characters, with what the client puts before them.
    NameLength,
    /// Names begin with a letter or `_`.
    NameStart,
    /// Names of arguments are `^[a-zA-Z0-9_.-]{1,64}$`.
    Keys,
    /// Patterns have no look-around, back-references, Unicode classes or other specialities.
    Patterns,
    /// The values of an `enum` are texts, and not empty.
    TextValues,
    /// A text has no `format` but `date-time`, a number none but the sizes of machines.
    Formats,
    /// An array's items have one type.
    ItemTypes,
    /// An array says what its items are.
    Items,
}

impl Rule {
    /// The clients whose APIs ask for it.
    fn clients(self) -> &'static [Profile] {
        use Profile::{Anthropic, Gemini, Openai};
        match self {
            Self::NameLength => &[Anthropic, Openai, Gemini],
            Self::Keys => &[Anthropic, Gemini],
            Self::Patterns => &[Anthropic, Openai],
            Self::Items => &[Openai, Gemini],
            Self::NameStart | Self::TextValues | Self::Formats | Self::ItemTypes => &[Gemini],
        }
    }

    /// Whether it is kept for a profile: the strict one keeps all.
    pub(super) fn holds(self, profile: Profile) -> bool {
        match profile {
            Profile::Strict => true,
            Profile::None => false,
            client => self.clients().contains(&client),
        }
    }
}

/// Rewrites an input schema for clients. Returned is what is checked where that is not what is shown.
pub(super) fn rewrite(
    input: &mut Value,
    profile: Profile,
    capability: &Capability,
    diags: &mut Diagnostics,
) -> IndexMap<String, Schema> {
    let mut rewriter = Rewriter {
        profile,
        checked: IndexMap::new(),
        changes: IndexMap::new(),
    };
    let root = Place {
        within: None,
        name: "",
        covered: false,
        items: false,
    };
    rewriter.schema(input, &root);
    for (code, names) in rewriter.changes {
        diags.push(finding(code, &names, capability));
    }
    rewriter.checked
}

/// A finding that names the properties that it is about.
fn finding(code: Code, names: &[String], capability: &Capability) -> Diagnostic {
    let (what, then) = match code {
        Code::PatternTold => ("the pattern", "it is told in words, and checked"),
        Code::ValuesTold => ("some values", "they are told in words, and taken"),
        Code::FormatTold => ("the format", "it is told in words"),
        _ => ("the schema", "one with the same meaning is shown"),
    };
    let message = format!("clients refuse {what} of {}; {then}", listed(names));
    Diagnostic::new(code, capability.loc.clone(), message)
        .help("--profile chooses the clients that the tools are written for")
}

/// Some names, and how many more there are.
fn listed(names: &[String]) -> String {
    let some = names.iter().take(PLACES_MAX);
    let some: Vec<String> = some.map(|name| format!("`{}`", quoted(name))).collect();
    match names.len().saturating_sub(PLACES_MAX) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

/// The start of a name, for a message.
pub(super) fn quoted(name: &str) -> String {
    match name.char_indices().nth(QUOTE_MAX) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or(name)),
        None => name.to_owned(),
    }
}

/// Where a schema is.
struct Place<'s> {
    /// The place of the schema that it is part of, with the keyword, and the name or number there. The
    /// root is part of none.
    within: Option<(&'s Place<'s>, &'s str, Option<&'s str>)>,
    /// The innermost property that it is in.
    name: &'s str,
    /// Whether a schema around it is checked as it was.
    covered: bool,
    /// Whether it describes the items of an array.
    items: bool,
}

impl<'s> Place<'s> {
    /// The schema under a keyword of this one, or under a name or number there.
    fn below(&'s self, keyword: &'s str, token: Option<&'s str>) -> Self {
        let name = token.filter(|_| matches!(keyword, "properties" | "$defs"));
        Self {
            within: Some((self, keyword, token)),
            name: name.unwrap_or(self.name),
            covered: self.covered,
            items: keyword == "items",
        }
    }

    /// JSON Pointer from the root of the input schema.
    fn pointer(&self) -> String {
        let Some((above, keyword, token)) = self.within else {
            return String::new();
        };
        let pointer = format!("{}/{}", above.pointer(), escape(keyword));
        match token {
            Some(token) => format!("{pointer}/{}", escape(token)),
            None => pointer,
        }
    }
}

struct Rewriter {
    profile: Profile,
    checked: IndexMap<String, Schema>,
    /// What was changed, and the properties where.
    changes: IndexMap<Code, Vec<String>>,
}

impl Rewriter {
    fn holds(&self, rule: Rule) -> bool {
        rule.holds(self.profile)
    }

    fn changed(&mut self, code: Code, place: &Place<'_>) {
        let names = self.changes.entry(code).or_default();
        if !names.iter().any(|name| name == place.name) {
            names.push(place.name.to_owned());
        }
    }

    fn schema(&mut self, schema: &mut Value, place: &Place<'_>) {
        let Value::Object(object) = schema else {
            return;
        };
        let original = (!place.covered && may_weaken(object)).then(|| object.clone());
        let weaker = self.rules(object, place);
        debug_assert!(
            !weaker || place.covered || original.is_some(),
            "a rule weakens by a keyword that `may_weaken` does not name"
        );
        if let Some(original) = original.filter(|_| weaker) {
            self.checked.insert(place.pointer(), original.into());
        }
        let around = Place {
            covered: place.covered || weaker,
            ..*place
        };
        for (keyword, value) in object.iter_mut() {
            match (held(keyword), value) {
                (Some(Holds::One), value) => self.schema(value, &around.below(keyword, None)),
                (Some(Holds::List), Value::Array(list)) => {
                    for (index, child) in list.iter_mut().enumerate() {
                        let token = index.to_string();
                        self.schema(child, &around.below(keyword, Some(&token)));
                    }
                }
                (Some(Holds::Map), Value::Object(map)) => {
                    for (name, child) in map.iter_mut() {
                        self.schema(child, &around.below(keyword, Some(name)));
                    }
                }
                _ => {}
            }
        }
    }

    /// Applies the rules to one schema. Returned is whether clients are shown less than is checked.
    fn rules(&mut self, object: &mut Map<String, Value>, place: &Place<'_>) -> bool {
        let mut weaker = false;
        let mut told = Vec::new();
        if self.holds(Rule::Patterns) {
            let found = values::patterns(object);
            if !found.is_empty() {
                self.changed(Code::PatternTold, place);
                told.extend(found);
                weaker = true;
            }
        }
        if self.holds(Rule::TextValues)
            && let Some(words) = values::texts(object)
        {
            self.changed(Code::ValuesTold, place);
            told.push(words);
            weaker = true;
        }
        if self.holds(Rule::Formats)
            && let Some(words) = values::format(object)
        {
            self.changed(Code::FormatTold, place);
            told.push(words);
        }
        if self.holds(Rule::ItemTypes) && place.items {
            match values::one_type(object) {
                values::Types::One => {}
                values::Types::Alternatives => self.changed(Code::SchemaRewritten, place),
                values::Types::OrNull(words) => {
                    self.changed(Code::ValuesTold, place);
                    told.push(words.to_owned());
                    weaker = true;
                }
            }
        }
        if self.holds(Rule::Items) && values::items(object) {
            self.changed(Code::SchemaRewritten, place);
        }
        values::tell(object, &told);
        weaker
    }
}

/// Whether a schema has a keyword of which clients may be shown less than is checked.
fn may_weaken(object: &Map<String, Value>) -> bool {
    let keywords = ["pattern", "patternProperties", "enum"];
    keywords.iter().any(|keyword| object.contains_key(*keyword))
        || object.get("type").is_some_and(Value::is_array)
}

/// How the value of a keyword holds schemas; definitions are schemas too.
fn held(keyword: &str) -> Option<Holds> {
    if keyword == "$defs" {
        Some(Holds::Map)
    } else {
        holds(keyword)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_of_a_client_and_of_the_strict_profile() {
        use Rule::{Formats, ItemTypes, Items, Keys, NameLength, NameStart, Patterns, TextValues};
        for rule in [
            NameLength, NameStart, Keys, Patterns, TextValues, Formats, ItemTypes, Items,
        ] {
            assert!(!rule.clients().is_empty(), "{rule:?}");
            assert!(rule.holds(Profile::Strict) && !rule.holds(Profile::None));
        }
    }
}
