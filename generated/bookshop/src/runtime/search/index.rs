//! Which tools fit a question best: BM25 over several fields of different weight (BM25F), with words
//! that mean much the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::lexicon::{replaced, synonyms};
use super::words::{slips, words};

/// How fast a word that comes again stops to count.
const K1: f64 = 2.0;
/// What a word of much the same meaning counts of the word that was asked.
const SYNONYM: f64 = 0.7;
/// What a word counts that begins as the word that was asked, were they of the same length.
const KIN: f64 = 0.6;
/// Fewest characters that such words share.
const KIN_MIN: usize = 4;
/// How much a tool loses that has none of a question's words, by their rarity.
const COVERAGE: f64 = 0.5;
/// How much a tool loses if none of its title's words was asked: `add labels to an issue` is more than
/// was asked with `create an issue`.
const PRECISION: f64 = 0.7;
/// What a word counts that is spelt much like one that no tool has.
const MISSPELT: f64 = 0.8;
/// Fewest bytes of a word that may be misspelt.
const MISSPELT_MIN: usize = 4;
/// Fewest bytes of a word that may be misspelt twice.
const TWICE_MIN: usize = 8;
/// Most words of a question.
const QUESTION_MAX: usize = 32;
/// Words of a question that may be misspelt.
const MISSPELT_MAX: usize = 8;

/// A part of a tool's texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// How much a word of it counts.
    pub(super) weight: f64,
    /// How much less it counts in a text that is longer than others, from 0 to 1.
    pub(super) length: f64,
}

/// Tools by the words of their texts.
pub(super) struct Index {
    /// By word: tool and how much the word counts in it, in the tools' order.
    postings: BTreeMap<String, Postings>,
    /// The words of each tool's title, or of its name if it has none.
    titles: Vec<BTreeSet<String>>,
}

type Postings = Vec<(usize, f64)>;

impl Index {
    /// Indexes tools, each with a title and one text a field.
    pub(super) fn new<const N: usize>(
        fields: &[Field; N],
        tools: impl Iterator<Item = (String, [String; N])>,
    ) -> Self {
        let (mut titles, mut all) = (Vec::new(), Vec::new());
        let mut lengths = [0_usize; N];
        for (title, texts) in tools {
            titles.push(words(&title).into_iter().collect());
            let texts = texts.map(|text| words(&text));
            for (length, words) in lengths.iter_mut().zip(&texts) {
                *length += words.len();
            }
            all.push(texts);
        }
        let tools = all.len();
        let mut postings: BTreeMap<String, Postings> = BTreeMap::new();
        for (tool, texts) in all.into_iter().enumerate() {
            let mut counts: BTreeMap<String, f64> = BTreeMap::new();
            for ((field, words), length) in fields.iter().zip(texts).zip(lengths) {
                // 1 for a text of average length.
                let relative = number(words.len() * tools) / number(length.max(1));
                let each = field.weight / (1.0 - field.length + field.length * relative);
                for word in words {
                    *counts.entry(word).or_default() += each;
                }
            }
            for (word, count) in counts {
                postings.entry(word).or_default().push((tool, count));
            }
        }
        Self { postings, titles }
    }

    /// How well tools fit a question, those left out that have none of its words, in their order.
    pub(super) fn scores(&self, question: &str) -> BTreeMap<usize, f64> {
        let mut asked = words(question);
        asked.truncate(QUESTION_MAX);
        asked.sort_unstable();
        asked.dedup();
        let mut misspelt = MISSPELT_MAX;
        let mut scores: BTreeMap<usize, Score> = BTreeMap::new();
        let mut whole = 0.0;
        for word in &asked {
            let found = self.found(word, &mut misspelt);
            let rarest = found.iter().map(|(rarity, _)| *rarity).fold(0.0, f64::max);
            whole += rarest;
            let mut best: BTreeMap<usize, f64> = BTreeMap::new();
            for (rarity, postings) in found {
                for (tool, count) in postings {
                    let best = best.entry(*tool).or_default();
                    *best = best.max(rarity * count * (K1 + 1.0) / (count + K1));
                }
            }
            for (tool, score) in best {
                let of = scores.entry(tool).or_default();
                of.score += score;
                of.covered += rarest;
            }
        }
        let same = asked.iter().flat_map(|word| synonyms(word));
        let meant: BTreeSet<String> = asked.iter().chain(same).cloned().collect();
        let total = |(tool, of): (usize, Score)| {
            let coverage = 1.0 - COVERAGE + COVERAGE * of.covered / whole;
            (tool, of.score * coverage * self.precision(tool, &meant))
        };
        scores.into_iter().map(total).collect()
    }

    /// Where a word and its synonyms stand, each with how rare it is; where none of them stands, those of
    /// the word that is spelt most like it.
    fn found(&self, word: &str, misspelt: &mut usize) -> Vec<(f64, &Postings)> {
        let rarity = |found: &Postings| {
            let (tools, with) = (number(self.titles.len()), number(found.len()));
            (1.0 + (tools - with + 0.5) / (with + 0.5)).ln()
        };
        let own = self.postings.get(word).map(|own| (rarity(own), own));
        let others = synonyms(word)
            .iter()
            .filter_map(|other| self.postings.get(other))
            .map(|found| (SYNONYM * rarity(found), found));
        let kin = self
            .kin(word)
            .into_iter()
            .map(|(share, found)| (KIN * share * rarity(found), found));
        let mut all: Vec<_> = own.into_iter().chain(others).chain(kin).collect();
        if all.is_empty() && *misspelt > 0 {
            *misspelt -= 1;
            let alike = self.alike(word);
            all.extend(alike.map(|found| (MISSPELT * rarity(found), found)));
        }
        all
    }

    /// What stands under words that begin with another or that it begins with, such as `star` and
    /// `stargazer`, each with how much of the longer one they share.
    fn kin(&self, word: &str) -> Vec<(f64, &Postings)> {
        let share = |known: &str| {
            let (one, other) = (known.len(), word.len());
            number(one.min(other)) / number(one.max(other).max(1))
        };
        let longer = self
            .postings
            .range::<str, _>((Bound::Excluded(word), Bound::Unbounded))
            .take_while(|(known, _)| known.starts_with(word))
            .filter(|_| word.len() >= KIN_MIN)
            .map(|(known, found)| (share(known), found));
        let shorter = word
            .char_indices()
            .filter_map(|(at, _)| word.get(..at).filter(|start| start.len() >= KIN_MIN))
            .filter_map(|start| Some((share(start), self.postings.get(start)?)));
        longer.chain(shorter).collect()
    }

    /// What stands under the word that is spelt most like one that no tool has. They begin alike: few
    /// people mistake the first letter.
    fn alike(&self, word: &str) -> Option<&Postings> {
        let most = match word.len() {
            ..MISSPELT_MIN => return None,
            MISSPELT_MIN..TWICE_MIN => 1,
            _ => 2,
        };
        let own = self
            .postings
            .iter()
            .map(|(known, found)| (known.as_str(), found));
        // A word that stands for another is in no text: `repository` is indexed as `repo`.
        let others =
            replaced().filter_map(|(known, first)| Some((known, self.postings.get(first)?)));
        own.chain(others)
            .filter(|(known, _)| known.chars().next() == word.chars().next())
            .filter_map(|(known, found)| Some((slips(known, word, most)?, found)))
            .min_by_key(|(slips, _)| *slips)
            .map(|(_, found)| found)
    }

    /// Less than 1 the more of a tool's title was not asked.
    fn precision(&self, tool: usize, meant: &BTreeSet<String>) -> f64 {
        let Some(title) = self.titles.get(tool) else {
            return 1.0;
        };
        let both = title.intersection(meant).count();
        let share = number(both + 1) / number(title.len() + 1);
        1.0 - PRECISION + PRECISION * share
    }
}

/// What a tool has of a question.
#[derive(Default)]
struct Score {
    score: f64,
    /// The rarity of the words that it has, added up.
    covered: f64,
}

#[allow(clippy::cast_precision_loss, reason = "counts of words are small")]
fn number(count: usize) -> f64 {
    count as f64
}
