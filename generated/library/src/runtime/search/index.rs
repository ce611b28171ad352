//! Which tools fit a question best: BM25 over several fields of different weight (BM25F), with words
//! that mean much the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::lexicon::{replaced, synonyms};
use super::question::{Asked, common};
use super::words::{slips, words};

/// How fast a word that comes again stops to count.
const K1: f64 = 2.0;
/// What a word of much the same meaning counts of the word that was asked.
const SYNONYM: f64 = 0.6;
/// What a word of much the same meaning counts that stands in a tool's title.
const MEANT: f64 = 0.7;
/// What a word counts that begins as the word that was asked, were they of the same length.
const KIN: f64 = 0.6;
/// Fewest characters that such words share.
const KIN_MIN: usize = 4;
/// How much a tool loses that has none of a question's words, by their rarity.
const COVERAGE: f64 = 0.4;
/// How much a tool loses if none of its title's words was asked: `add labels to an issue` is more than
/// was asked with `create an issue`.
const PRECISION: f64 = 0.8;
/// What a word counts that is spelt much like one that no tool has.
const MISSPELT: f64 = 0.8;
/// Fewest bytes of a word that may be misspelt.
const MISSPELT_MIN: usize = 4;
/// Fewest bytes of a word that may be misspelt twice.
const TWICE_MIN: usize = 8;
/// Fewest bytes of each of two words that are written as one.
const PART_MIN: usize = 3;
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
    /// By word: the tools whose title has it, or whose name if they have none.
    titled: BTreeMap<String, Vec<usize>>,
    /// How many words each tool's title has.
    lengths: Vec<usize>,
}

type Postings = Vec<(usize, f64)>;

impl Index {
    /// Indexes tools, each with a title and one text a field.
    pub(super) fn new<const N: usize>(
        fields: &[Field; N],
        tools: impl Iterator<Item = (String, [String; N])>,
    ) -> Self {
        let mut titled: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let (mut named, mut all) = (Vec::new(), Vec::new());
        let mut lengths = [0_usize; N];
        for (tool, (title, texts)) in tools.enumerate() {
            let title: BTreeSet<String> = words(&title).into_iter().collect();
            named.push(title.len());
            for word in title {
                titled.entry(word).or_default().push(tool);
            }
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
        Self {
            postings,
            titled,
            lengths: named,
        }
    }

    /// How well tools fit a question, those left out that have none of its words, in their order.
    pub(super) fn scores(&self, asked: &[Asked]) -> Vec<(usize, f64)> {
        let mut misspelt = MISSPELT_MAX;
        let mut scores = vec![Score::default(); self.lengths.len()];
        let (mut whole, mut meant) = (0.0, BTreeMap::new());
        for asked in asked {
            let parts = self.parts(asked);
            let words = if parts.is_empty() {
                vec![asked.word.clone()]
            } else {
                parts
            };
            for word in words {
                let found = self.found(&word, &asked.joined, &mut misspelt);
                let rarest = found.iter().map(|(rarity, _)| *rarity).fold(0.0, f64::max);
                whole += rarest;
                for (of, best) in scores.iter_mut().zip(self.best(found)) {
                    of.words += best;
                    of.covered += if best > 0.0 { rarest } else { 0.0 };
                }
                for same in synonyms(&word) {
                    meant.entry(same.clone()).or_insert(MEANT);
                }
                meant.extend(asked.joined.iter().cloned().chain([word]).map(|w| (w, 1.0)));
            }
        }
        for (word, counts) in meant {
            for tool in self.titled.get(&word).into_iter().flatten() {
                if let Some(of) = scores.get_mut(*tool) {
                    of.titled += counts;
                }
            }
        }
        let scores = scores.iter().zip(&self.lengths).enumerate();
        let found = scores.filter(|(_, (of, _))| of.words > 0.0);
        found
            .map(|(tool, (of, title))| (tool, of.total(whole, *title)))
            .collect()
    }

    /// Where a word, its synonyms and what it makes with its neighbours stand, each with how rare it is;
    /// where none of them stands, those of the word that is spelt most like it.
    fn found(&self, word: &str, joined: &[String], misspelt: &mut usize) -> Vec<(f64, &Postings)> {
        let rarity = |found: &Postings| {
            let (tools, with) = (number(self.lengths.len()), number(found.len()));
            (1.0 + (tools - with + 0.5) / (with + 0.5)).ln()
        };
        let own = self.postings.get(word).map(|own| (rarity(own), own));
        // A rare word that means much the same says no more than the common one that was asked.
        let most = own.map_or(f64::INFINITY, |(rarity, _)| rarity);
        let others = synonyms(word)
            .iter()
            .filter_map(|other| self.postings.get(other))
            .map(|found| (SYNONYM * rarity(found).min(most), found));
        let kin = self
            .kin(word)
            .into_iter()
            .map(|(share, found)| (KIN * share * rarity(found).min(most), found));
        let joined = joined
            .iter()
            .filter_map(|joined| self.postings.get(joined))
            .map(|found| (rarity(found), found));
        let mut all: Vec<_> = own
            .into_iter()
            .chain(others)
            .chain(kin)
            .chain(joined)
            .collect();
        if all.is_empty() && *misspelt > 0 {
            *misspelt -= 1;
            let alike = self.alike(word);
            all.extend(alike.map(|found| (MISSPELT * rarity(found), found)));
        }
        all
    }

    /// The known words that an unknown one is made of: `daemon` and `set` of `daemonset`, `remove` and
    /// `assign` of `unassign`.
    fn parts(&self, asked: &Asked) -> Vec<String> {
        let known = |word: &str| Some(common(word)).filter(|w| self.postings.contains_key(w));
        let same = synonyms(&asked.word).iter().chain(&asked.joined);
        let mut words = same.chain([&asked.word]);
        if words.any(|word| self.postings.contains_key(word)) {
            return Vec::new();
        }
        if let Some(undone) = asked.written.strip_prefix("un").and_then(known) {
            return known("remove").into_iter().chain([undone]).collect();
        }
        let length = asked.written.len();
        (PART_MIN..=length.saturating_sub(PART_MIN))
            .filter_map(|at| asked.written.split_at_checked(at))
            .find_map(|(one, other)| Some(vec![known(one)?, known(other)?]))
            .unwrap_or_default()
    }

    /// What stands under words that begin with another or that it begins with, such as `star` and
    /// `stargazer`, each with how much of the longer one they share.
    fn kin(&self, word: &str) -> Vec<(f64, &Postings)> {
        let Some(start) = word.get(..KIN_MIN) else {
            return Vec::new();
        };
        let from = (Bound::Included(start), Bound::Unbounded);
        let alike = self.postings.range::<str, _>(from);
        alike
            .take_while(|(known, _)| known.starts_with(start))
            .filter(|(known, _)| known.as_str() != word)
            .filter(|(known, _)| known.starts_with(word) || word.starts_with(known.as_str()))
            .map(|(known, found)| {
                let (one, other) = (known.len(), word.len());
                (number(one.min(other)) / number(one.max(other)), found)
            })
            .collect()
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

    /// How much the best of several words counts in each tool.
    fn best(&self, found: Vec<(f64, &Postings)>) -> Vec<f64> {
        let mut all = vec![0.0_f64; self.lengths.len()];
        for (rarity, postings) in found {
            for (tool, count) in postings {
                if let Some(best) = all.get_mut(*tool) {
                    *best = best.max(rarity * count * (K1 + 1.0) / (count + K1));
                }
            }
        }
        all
    }
}

/// What a tool has of a question.
#[derive(Clone, Default)]
struct Score {
    /// How much the words that it has count.
    words: f64,
    /// The rarity of the words that it has, added up.
    covered: f64,
    /// The words of its title that were meant, each by how sure that is.
    titled: f64,
}

impl Score {
    /// With what is lost for words of the question that the tool has not, of `whole` rarity together, and
    /// for words of its title, `title` in all, that were not asked.
    fn total(&self, whole: f64, title: usize) -> f64 {
        let coverage = 1.0 - COVERAGE + COVERAGE * self.covered / whole;
        let asked = (self.titled + 1.0) / (number(title) + 1.0);
        self.words * coverage * (1.0 - PRECISION + PRECISION * asked)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of words are small")]
fn number(count: usize) -> f64 {
    count as f64
}
