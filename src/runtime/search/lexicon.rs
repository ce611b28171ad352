//! Words that say nothing, words that mean the same, and words that say what is to be done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::words::{plain, split};
use crate::runtime::manifest::Effect;

/// Words that say nothing of what a tool does.
const COMMON: &str = "
    a about after again all also am an and any anyone are as at be been before but by can could did do
    does each ever every for from had has have he her his how i if in into is it its just let like many
    may me might much must my myself need now of on one only or our out please right she should so some
    somebody someone something than that the their them themselves then there these they this those to us
    want was we were what when where which who whose why will with would you your";

/// Words that are one in the names of operations, a line each, the one that stands for all first.
const SAME: &str = "
    app application
    auth authentication
    config configuration
    env environment
    info information
    org organization organisation
    param parameter
    repo repository project";

/// Words of people and of interfaces for much the same, a line each.
const SYNONYMS: &str = "
    create add new open make register post
    delete remove erase destroy
    update change edit modify set make turn
    get show read view fetch see retrieve
    find search query
    give grant add
    next upcoming
    replace overwrite
    enable activate
    disable deactivate
    cancel stop abort
    run execute start trigger launch dispatch
    publish release
    user person people
    issue bug ticket
    page site website
    compare diff difference
    remaining left
    refund reimburse
    balance money funds
    permission access
    latest newest recent";

/// Words that ask to see something.
const READ: &str = "
    get show list see read view find search fetch retrieve look check download watch compare count what
    which who whose when where how is are does did has have was";

/// Words that ask to make or change something.
const WRITE: &str = "
    create add new open make register post update change edit modify set rename replace put patch submit
    send store save publish merge invite give grant enable disable turn start stop run rerun upload close
    lock unlock assign mark move copy approve accept reject charge pay refund confirm scale roll write
    commit apply attach restore";

/// Words that ask to do away with something.
const DESTROY: &str = "
    delete remove destroy erase drop purge clear cancel revoke uninstall";

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

/// The words above, in the forms they are looked up by.
struct Lexicon {
    common: BTreeSet<&'static str>,
    same: BTreeMap<String, String>,
    synonyms: BTreeMap<String, Vec<String>>,
    wishes: BTreeMap<&'static str, Effect>,
}

impl Lexicon {
    fn new() -> Self {
        let lines = |text: &'static str| {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.map(|line| line.split_whitespace().map(plain).collect::<Vec<_>>())
        };
        let mut same = BTreeMap::new();
        for line in lines(SAME) {
            let Some(first) = line.first() else { continue };
            same.extend(line.iter().map(|word| (word.clone(), first.clone())));
        }
        let mut synonyms: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines(SYNONYMS) {
            for word in &line {
                let others = line.iter().filter(|other| *other != word).cloned();
                synonyms.entry(word.clone()).or_default().extend(others);
            }
        }
        let wishes = [
            (READ, Effect::Read),
            (WRITE, Effect::Write),
            (DESTROY, Effect::Destroy),
        ];
        let wishes = wishes
            .into_iter()
            .flat_map(|(words, effect)| words.split_whitespace().map(move |word| (word, effect)));
        Self {
            common: COMMON.split_whitespace().collect(),
            same,
            synonyms,
            wishes: wishes.collect(),
        }
    }
}

/// Whether a word says nothing of what a tool does.
pub(super) fn is_common(word: &str) -> bool {
    LEXICON.common.contains(word)
}

/// Of words that are one, the one that stands for all; the word is in its common form.
pub(super) fn same(word: String) -> String {
    LEXICON.same.get(&word).cloned().unwrap_or(word)
}

/// The words that another stands for, and that other.
pub(super) fn replaced() -> impl Iterator<Item = (&'static str, &'static str)> {
    let same = LEXICON.same.iter();
    same.map(|(word, first)| (word.as_str(), first.as_str()))
}

/// Other words for much the same, all in their common form.
pub(super) fn synonyms(word: &str) -> &'static [String] {
    LEXICON
        .synonyms
        .get(word)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// What a question wants done, by the first of its words that says so.
pub(super) fn wish(question: &str) -> Option<Effect> {
    let words = split(question);
    words
        .iter()
        .find_map(|word| LEXICON.wishes.get(word.as_str()).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted() {
        for (question, want) in [
            ("Which labels are there?", Some(Effect::Read)),
            ("please add a label", Some(Effect::Write)),
            ("I want to remove a label", Some(Effect::Destroy)),
            ("labels", None),
            ("", None),
        ] {
            assert_eq!(wish(question), want, "{question}");
        }
    }

    #[test]
    fn lists_are_looked_up_in_common_forms() {
        assert!(is_common("the") && !is_common("label"));
        assert_eq!(same("repository".to_owned()), "repo");
        assert!(synonyms("delet").contains(&"remov".to_owned()));
        assert!(synonyms("label").is_empty());
    }
}
