//! What a question asks for: its words, and whether it wants to see, to change or to delete something.

use std::collections::BTreeSet;

use super::lexicon::{is_common, plainly, same, wish};
use super::words::{plain, singular, split};
use crate::runtime::manifest::Effect;

/// Most words of a question.
const WORDS_MAX: usize = 32;
/// How much more a tool counts whose effect is what a question's verb wants done.
const WISHED: f64 = 2.0;
/// How much more a tool counts that reads if a question only names things.
const NAMED: f64 = 1.3;
/// Most words of a name: `recent deliveries` of a webhook.
const NAME_MAX: usize = 3;
/// Where the name of a thing ends.
const AFTER_NAME: [&str; 12] = [
    "of", "on", "in", "that", "from", "for", "with", "who", "which", "to", "by", "at",
];

/// A question, taken apart.
pub(super) struct Question {
    /// Its words, each once, in their order.
    pub(super) asked: Vec<Asked>,
    /// What tools it asks for, and how much more they count.
    pub(super) wish: Option<(Effect, f64)>,
    /// The words that it has in the plural alone, in their common form.
    pub(super) plurals: BTreeSet<String>,
}

/// A word of a question.
pub(super) struct Asked {
    /// In its common form.
    pub(super) word: String,
    /// As it was written, in lower case.
    pub(super) written: String,
    /// In one with the word before and with the word after, in their common form: interfaces write
    /// `topup` and `webhook` for `top up` and `web hook`.
    pub(super) joined: Vec<String>,
}

impl Question {
    pub(super) fn new(text: &str) -> Self {
        let text = plainly(text);
        let written = split(&text);
        let (many, one): (Vec<&String>, Vec<&String>) =
            written.iter().partition(|word| singular(word) != **word);
        let forms = |words: Vec<&String>| -> BTreeSet<String> {
            words.iter().map(|word| common(word)).collect()
        };
        let plurals = &forms(many) - &forms(one);
        let wish = match wish(&text) {
            Some(effect) => Some((effect, WISHED)),
            None if names_things(&written) => Some((Effect::Read, NAMED)),
            None => None,
        };
        Self {
            asked: asked(&written),
            wish,
            plurals,
        }
    }
}

/// The form of a word that tools are indexed by.
pub(super) fn common(word: &str) -> String {
    same(plain(word))
}

fn asked(written: &[String]) -> Vec<Asked> {
    let words = written.iter().filter(|word| !is_common(word));
    let words: Vec<&String> = words.take(WORDS_MAX).collect();
    let pairs: Vec<String> = words
        .windows(2)
        .map(|pair| common(&pair.iter().map(|word| word.as_str()).collect::<String>()))
        .collect();
    let mut all: Vec<Asked> = Vec::new();
    for (at, written) in words.into_iter().enumerate() {
        let word = common(written);
        let before = at.checked_sub(1).and_then(|at| pairs.get(at));
        let joined = before.into_iter().chain(pairs.get(at)).cloned();
        match all.iter_mut().find(|known| known.word == word) {
            Some(known) => known.joined.extend(joined),
            None => all.push(Asked {
                word,
                written: written.clone(),
                joined: joined.collect(),
            }),
        }
    }
    all
}

/// Whether a question without a known verb begins with the name of a thing rather than with another
/// verb: `lines of a credit note`, `recent deliveries`, but not `juggle a pod`.
fn names_things(written: &[String]) -> bool {
    let ends = |word: &String| AFTER_NAME.contains(&word.as_str());
    let end = written.iter().position(ends).unwrap_or(written.len());
    let (name, rest) = written.split_at(end);
    let is_plural = |word: &String| singular(word) != *word;
    let of = rest.first().is_some_and(|word| word == "of");
    !name.is_empty() && (of || name.len() <= NAME_MAX && name.iter().any(is_plural))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes() {
        for (text, want) in [
            ("delete a label", Some((Effect::Destroy, WISHED))),
            ("how do I delete a label", Some((Effect::Destroy, WISHED))),
            ("how many labels", Some((Effect::Read, WISHED))),
            ("lines of a credit note", Some((Effect::Read, NAMED))),
            ("recent deliveries", Some((Effect::Read, NAMED))),
            ("readme of a folder", Some((Effect::Read, NAMED))),
            ("juggle a pod", None),
            ("of", None),
            ("", None),
        ] {
            assert_eq!(Question::new(text).wish, want, "{text}");
        }
    }

    #[test]
    fn words_and_their_neighbours() {
        let question = Question::new("the web hooks of a team, each web hook");
        let words: Vec<&str> = question.asked.iter().map(|a| a.word.as_str()).collect();
        assert_eq!(words, ["web", "hook", "team"]);
        let written: Vec<&str> = question.asked.iter().map(|a| a.written.as_str()).collect();
        assert_eq!(written, ["web", "hooks", "team"]);
        assert!(question.asked[0].joined.contains(&"webhook".to_owned()));
        assert!(question.asked[1].joined.contains(&"webhook".to_owned()));
        assert!(question.plurals.is_empty(), "a hook, too");
        let question = Question::new("all teams");
        assert_eq!(question.plurals, BTreeSet::from(["team".to_owned()]));
        let long = Question::new(&"a1 b2 c3 d4 e5 f6 g7 h8 i9 ".repeat(20));
        assert_eq!(long.asked.len(), 9);
    }
}
