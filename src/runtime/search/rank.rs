//! In which order tools answer a question: by their words (see [`Index`]), and by whether they do what
//! the question wants done and give one thing or many.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::index::{Field, Index};
use super::question::Question;
use super::words::words;
use crate::runtime::manifest::Effect;

/// How much the parts of a tool's texts count: name, title, request, tag, arguments, description,
/// descriptions of arguments.
const FIELDS: [Field; 7] = [
    field(2.0, 0.6),
    field(2.5, 0.6),
    field(2.0, 0.6),
    field(1.0, 0.0),
    field(1.0, 0.2),
    field(1.0, 0.7),
    field(0.2, 0.2),
];
/// How much more a tool counts that lists what was asked in the plural.
const MANY: f64 = 1.2;
/// How much less a tool counts that gives one of what was asked in the plural.
const ONE: f64 = 0.8;

const fn field(weight: f64, length: f64) -> Field {
    Field { weight, length }
}

/// What a tool is found by.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) title: Option<&'a str>,
    pub(super) description: &'a str,
    pub(super) group: Option<&'a str>,
    pub(super) effect: Effect,
    /// Method and path.
    pub(super) request: &'a str,
    pub(super) input_schema: &'a Map<String, Value>,
}

/// Tools that can be put in order.
pub(super) struct Ranking {
    index: Index,
    kinds: Vec<Kind>,
}

/// What kind of answer a tool gives.
struct Kind {
    effect: Effect,
    /// Words of the last part of its path that is not a parameter.
    object: BTreeSet<String>,
    /// Whether its path names one of them: `/pets/{id}`.
    one: bool,
}

impl Ranking {
    /// Reads all that is known of tools.
    pub(super) fn new<'a>(tools: impl Iterator<Item = Entry<'a>> + Clone) -> Self {
        Self {
            kinds: tools.clone().map(|tool| tool.kind()).collect(),
            index: Index::new(&FIELDS, tools.map(|tool| (tool.head(), tool.texts()))),
        }
    }

    /// The places of the tools that fit a question, the best first.
    pub(super) fn order(&self, text: &str) -> Vec<usize> {
        let question = Question::new(text);
        let mut found: Vec<(f64, usize)> = self
            .index
            .scores(&question.asked)
            .into_iter()
            .filter_map(|(at, score)| Some((score * self.kinds.get(at)?.fits(&question), at)))
            .collect();
        // Those that are alike stay in their order.
        found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        found.into_iter().map(|(_, at)| at).collect()
    }
}

impl Kind {
    /// How much more than its words it counts.
    fn fits(&self, question: &Question) -> f64 {
        let wished = match question.wish {
            Some((effect, more)) if effect == self.effect => more,
            _ => 1.0,
        };
        if self.effect != Effect::Read || self.object.is_disjoint(&question.plurals) {
            return wished;
        }
        wished * if self.one { ONE } else { MANY }
    }
}

impl Entry<'_> {
    fn kind(&self) -> Kind {
        let path = self.request.rsplit('/').filter(|part| !part.is_empty());
        let last = path.clone().find(|part| !part.contains('{'));
        Kind {
            effect: self.effect,
            object: words(last.unwrap_or_default()).into_iter().collect(),
            one: path.take(1).any(|part| part.contains('{')),
        }
    }

    /// What it is called in words.
    fn head(&self) -> String {
        self.title().unwrap_or(self.name).to_owned()
    }

    fn title(&self) -> Option<&str> {
        self.title.filter(|title| !title.is_empty())
    }

    /// A text for each of [`FIELDS`].
    fn texts(&self) -> [String; 7] {
        let (mut names, mut said) = (String::new(), String::new());
        let properties = self
            .input_schema
            .get("properties")
            .and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            names.push_str(name);
            names.push(' ');
            if let Some(text) = schema.get("description").and_then(Value::as_str) {
                said.push_str(text);
                said.push(' ');
            }
        }
        let title = self.title().unwrap_or(first_sentence(self.description));
        [
            self.name.to_owned(),
            title.to_owned(),
            self.request.to_owned(),
            self.group.unwrap_or_default().to_owned(),
            names,
            self.description.to_owned(),
            said,
        ]
    }
}

/// What stands for a title where there is none.
fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(sentence, _)| sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each question finds the tool whose request is given first.
    #[test]
    fn the_best_comes_first() {
        let arguments = Map::new();
        let tools = [
            ("get_pet", "GET /pets/{id}", "Returns a pet."),
            ("list_pets", "GET /pets", "Returns pets."),
            ("create_pet", "POST /pets", "Creates a pet."),
            ("delete_pet", "DELETE /pets/{id}", "Deletes a pet."),
            ("list_hooks", "GET /webhooks", "Lists webhooks."),
            ("add_owner", "POST /pets/{id}/owners", "Assigns owners."),
            (
                "remove_owner",
                "DELETE /pets/{id}/owners",
                "Removes owners.",
            ),
            ("list_sets", "GET /daemon-sets", "Lists daemon sets."),
        ];
        let effect = |request: &str| match request.split_once(' ') {
            Some(("GET", _)) => Effect::Read,
            Some(("DELETE", _)) => Effect::Destroy,
            _ => Effect::Write,
        };
        let entries = tools.iter().map(|(name, request, description)| Entry {
            name,
            title: None,
            description,
            group: None,
            effect: effect(request),
            request,
            input_schema: &arguments,
        });
        let ranking = Ranking::new(entries);
        for (question, want) in [
            ("which pets are there", "list_pets"),
            ("pets of the shop", "list_pets"),
            ("look at one pet", "get_pet"),
            ("how do I get rid of a pet", "delete_pet"),
            ("make a pet", "create_pet"),
            ("web hooks", "list_hooks"),
            ("unassign an owner", "remove_owner"),
            ("all daemonsets", "list_sets"),
        ] {
            let found = ranking.order(question);
            let first = found.first().and_then(|at| tools.get(*at));
            assert_eq!(first.map(|tool| tool.0), Some(want), "{question}");
        }
        assert!(ranking.order("").is_empty());
        assert!(ranking.order("the of a").is_empty());
    }
}
