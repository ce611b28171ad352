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
    repo repository
    admin administrator
    doc documentation";

/// Words of people and of interfaces for much the same, a line each.
const SYNONYMS: &str = "
    create add new open make register post start setup build generate
    add put attach include insert append invite
    delete remove erase destroy drop discard wipe clear purge empty
    remove kick expel strip
    update change edit modify set make turn alter adjust correct fix patch tweak
    rename name title
    get show read view fetch see retrieve list display inspect detail browse
    find search query look
    check verify validate test confirm prove valid
    replace overwrite
    enable activate allow permit
    disable deactivate
    block ban forbid prevent restrict
    suspend pause hold freeze
    lock freeze
    resume continue reactivate unpause
    cancel stop abort end terminate kill
    cancel void invalidate
    close end finish complete finalize settle
    restart rerun retry redo
    resend redeliver retry
    renew refresh regenerate rotate reset
    run execute start trigger launch dispatch begin
    send deliver email submit
    publish release deploy
    give grant add assign
    revoke withdraw remove
    attach link connect bind associate
    detach unlink disconnect unbind remove
    approve accept confirm
    reject decline deny refuse dismiss
    move transfer
    revert reverse undo rollback restore
    copy duplicate clone
    download export
    upload import
    subscribe watch follow
    comment reply say
    message discussion conversation thread chat
    reaction emoji
    user person people
    member people user colleague teammate
    collaborator member colleague
    client customer buyer subscriber shopper
    account profile
    account seller merchant
    organization company
    issue bug ticket problem
    page site website
    picture image photo
    content file document
    folder directory dir
    setting config preference option
    status state health progress
    compare diff difference
    commit change
    branch ref
    remaining left limit quota
    size big large spec
    price cost amount
    pay payment charge
    payment purchase
    invoice bill
    refund reimburse
    balance money funds cash
    dispute chargeback
    coupon discount voucher promotion
    fraud risk
    product item goods
    checkout cart basket
    permission access right role
    rule policy
    key credential token
    secret password
    webhook hook callback
    workflow pipeline ci
    runner machine worker
    node machine server host instance
    reader terminal device
    volume disk storage
    container pod
    tag label topic
    event activity happen
    history log audit
    statistic metric usage traffic insight
    count number total
    error fail failure crash lost
    alert warning notification finding
    notification notice
    vulnerability advisory security
    repo project
    schedule cron timer
    job task
    version revision
    upcoming next preview
    latest newest recent last lately";

/// What people say in several words, and the one that is meant, if any.
const PHRASES: &str = "
    how do i:
    how do we:
    how do you:
    how can i:
    how can we:
    how to:
    get rid: delete
    take away: remove
    take off: remove
    take out: remove
    take down: remove
    throw away: delete
    throw out: delete
    kick out: remove
    clean up: delete
    turn on: enable
    turn off: disable
    switch on: enable
    switch off: disable
    shut down: stop
    set up: create
    sign up: create
    spin up: create
    start a new: create
    look up: find
    look for: find
    look at: get
    give me: show
    tell me: show
    let me see: show
    give back: return
    money back: refund
    sign off: approve
    hand in: submit
    call off: cancel
    log in: login
    fill in: update";

/// Words that ask to see something.
const READ: &str = "
    get show list see read view find search fetch retrieve look check download watch compare count what
    which who whose when where how is are does did has have was display inspect tell browse details detail
    export lookup why were whether any";

/// Words that ask to make or change something.
const WRITE: &str = "
    create add new open make register post update change edit modify set rename replace put patch submit
    send store save publish merge invite give grant enable disable turn start stop run rerun upload close
    lock unlock assign mark move copy approve accept reject charge pay refund confirm scale roll write
    commit apply attach restore allow let deny decline dismiss pause resume suspend restart retry renew
    refresh rotate reset regenerate generate build launch trigger transfer fork clone link connect bind
    reply comment react subscribe star block ban pin protect share sync schedule adjust correct
    point reopen finish finalize capture void expire issue overwrite evict expose keep reserve order book
    switch convert upgrade downgrade deploy import activate deactivate archive report request collect
    install submit record advance reorder swap";

/// Words that ask to do away with something.
const DESTROY: &str = "
    delete remove destroy erase drop purge clear cancel revoke uninstall discard wipe detach unlink
    unassign unfollow unsubscribe unstar unblock unpin withdraw disconnect kick strip";

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
        assert!(synonyms("gist").is_empty());
    }
}
