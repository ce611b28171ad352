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
    add put attach include
    delete remove erase destroy drop
    update change edit modify set make turn
    rename name title
    get show read view fetch see retrieve list
    find search query
    replace overwrite
    enable activate
    disable deactivate
    cancel stop abort end terminate
    run execute start trigger launch dispatch begin
    publish release
    give grant add
    approve accept confirm
    reject decline deny refuse
    copy duplicate clone
    download export
    upload import
    subscribe watch follow
    comment reply
    user person people
    member people user
    client customer buyer subscriber
    issue bug ticket
    page site website
    picture image photo
    content file document
    compare diff difference
    remaining left limit quota
    size big large spec
    price cost
    refund reimburse
    balance money funds
    permission access right
    event activity happen
    error fail failure
    alert warning
    next upcoming
    latest newest recent last lately";

/// Verbs of two words, and the one that is meant.
const PHRASES: &str = "
    get rid: delete
    take away: remove
    take off: remove
    throw away: delete
    turn on: enable
    turn off: disable
    switch on: enable
    switch off: disable
    shut down: stop
    set up: create
    sign up: create
    look up: find
    give back: return
    money back: refund
    sign off: approve";

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
    /// ` get rid ` and ` delete `.
    phrases: Vec<(String, String)>,
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
        let phrases = PHRASES.lines().filter_map(|line| line.split_once(':'));
        let spaced = |text: &str| format!(" {} ", text.trim());
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
            phrases: phrases
                .map(|(phrase, word)| (spaced(phrase), spaced(word)))
                .collect(),
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

/// A question in lower case, each verb of two words made one.
pub(super) fn plainly(question: &str) -> String {
    let mut text = format!(" {} ", split(question).join(" "));
    for (phrase, word) in &LEXICON.phrases {
        text = text.replace(phrase, word);
    }
    text
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
    fn verbs_of_two_words() {
        for (question, want) in [
            ("Get rid of a label", " delete of a label "),
            ("turn on/turn off", " enable disable "),
            ("their money back", " their refund "),
            ("offset up", " offset up "),
            ("", "  "),
        ] {
            assert_eq!(plainly(question), want, "{question}");
        }
        assert_eq!(wish(&plainly("get rid of it")), Some(Effect::Destroy));
    }

    #[test]
    fn lists_are_looked_up_in_common_forms() {
        assert!(is_common("the") && !is_common("label"));
        assert_eq!(same("repository".to_owned()), "repo");
        assert!(synonyms("delet").contains(&"remov".to_owned()));
        assert!(synonyms("label").is_empty());
    }
}
