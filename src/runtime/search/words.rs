//! Words of names, texts and questions, cut down to what they share.

use super::lexicon::{is_common, same};

/// Most words of one text.
const WORDS_MAX: usize = 400;
/// Longest word, in characters; what is longer is cut.
const WORD_MAX: usize = 40;

/// The words of a text that count, in their order, each in its common form.
pub(super) fn words(text: &str) -> Vec<String> {
    split(text)
        .into_iter()
        .filter(|word| !is_common(word))
        .map(|word| same(plain(&word)))
        .collect()
}

/// Lower-case words: of `camelCase`, `snake_case`, `HTTPServer`, paths and sentences.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(c) = chars.next() {
        if found.len() >= WORDS_MAX {
            return found;
        }
        // What belongs to a word is dropped from it: `someone's`, `don't`.
        if matches!(c, '\'' | '\u{2019}') && before.is_some_and(char::is_alphanumeric) {
            before = Some(c);
            continue;
        }
        let after_apostrophe = matches!(before, Some('\'' | '\u{2019}'));
        if after_apostrophe
            && matches!(c, 's' | 't')
            && !chars.peek().is_some_and(|c| c.is_alphanumeric())
        {
            continue;
        }
        let hump = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || before.is_some_and(char::is_uppercase)
                    && chars.peek().is_some_and(|next| next.is_lowercase()));
        if (hump || !c.is_alphanumeric()) && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() && word.chars().count() < WORD_MAX {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The form that a word shares with its plural and its `-ing` and `-ed` forms.
pub(super) fn plain(word: &str) -> String {
    verbless(&singular(word))
}

/// The singular of a noun in the plural; any other word as it is.
pub(super) fn singular(word: &str) -> String {
    let ends = |end: &str| word.strip_suffix(end).filter(|rest| rest.len() > 2);
    if let Some(rest) = ends("ies") {
        return format!("{rest}y");
    }
    for end in ["sses", "xes", "ches", "shes"] {
        if ends(end).is_some() {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    let kept = ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    match ends("s").filter(|_| !kept) {
        Some(rest) => rest.to_owned(),
        None => word.to_owned(),
    }
}

/// Without `-ing`, `-ed`, `-ment` or `-e`, so that `create`, `creating` and `created` are one.
fn verbless(word: &str) -> String {
    for end in ["ing", "ed", "ment"] {
        let rest = word.strip_suffix(end).unwrap_or_default();
        let has_vowel = rest.contains(['a', 'e', 'i', 'o', 'u', 'y']);
        if rest.len() > 2 && has_vowel {
            return undoubled(rest).to_owned();
        }
    }
    match word.strip_suffix('e').filter(|rest| rest.len() > 2) {
        Some(rest) => rest.to_owned(),
        None => word.to_owned(),
    }
}

/// `running` comes from `run`, but `billing` from `bill`.
fn undoubled(stem: &str) -> &str {
    let mut last = stem.chars().rev();
    let (one, other) = (last.next(), last.next());
    let doubled = one == other && !matches!(one, Some('l' | 's' | 'z' | 'e'));
    one.filter(|_| doubled)
        .and_then(|c| stem.strip_suffix(c))
        .unwrap_or(stem)
}

/// Whether a question is a request as `GET /pets/{id}` stands for it: `get /pets/7`, or `/pets/7`
/// alone.
pub(super) fn is_request(question: &str, request: &str) -> bool {
    let (method, path) = request.split_once(' ').unwrap_or_default();
    let asked = match question.trim().split_once(char::is_whitespace) {
        Some((asked, path)) if asked.eq_ignore_ascii_case(method) => path.trim(),
        _ => question.trim(),
    };
    let asked = asked.split(['?', '#']).next().unwrap_or_default();
    let segments = |path: &str| path.matches('/').count();
    asked.starts_with('/')
        && segments(asked) == segments(path)
        && path.split('/').zip(asked.split('/')).all(|(one, other)| {
            one.eq_ignore_ascii_case(other) || one.contains('{') && !other.is_empty()
        })
}

/// How many slips of the pen make one word of the other: a letter too many, too few, another, or two that
/// changed places. `None` if it takes more than `most`.
pub(super) fn slips(one: &str, other: &str, most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most * char::MAX_LEN_UTF8 {
        return None;
    }
    let other: Vec<char> = other.chars().collect();
    // Slips from what was read of the one to each beginning of the other; `before` is a letter earlier.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let (mut before, mut last) = (row.clone(), None);
    for (read, letter) in one.chars().enumerate() {
        let mut next = vec![read + 1];
        let above = row.iter().zip(row.iter().skip(1)).zip(&other);
        for (at, ((diagonal, up), found)) in above.enumerate() {
            let left = next.last().copied().unwrap_or_default();
            let mut fewest = (diagonal + usize::from(letter != *found))
                .min(up + 1)
                .min(left + 1);
            let earlier = at.checked_sub(1);
            let swapped =
                last == Some(*found) && earlier.and_then(|at| other.get(at)) == Some(&letter);
            if let Some(two_back) = earlier.and_then(|at| before.get(at)).filter(|_| swapped) {
                fewest = fewest.min(two_back + 1);
            }
            next.push(fewest);
        }
        last = Some(letter);
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|slips| *slips <= most)
}

/// How alike two names are, from 0 to 1: the share of pairs of letters that they have in
/// common (Dice).
pub(super) fn likeness(one: &str, other: &str) -> f64 {
    let pairs = |text: &str| -> Vec<(char, char)> {
        let next = text.chars().skip(1);
        text.chars().zip(next).collect()
    };
    let (one, mut other) = (pairs(one), pairs(other));
    let all = one.len() + other.len();
    if all == 0 {
        return 0.0;
    }
    let mut common = 0_u32;
    for pair in one {
        if let Some(at) = other.iter().position(|found| *found == pair) {
            other.swap_remove(at);
            common += 1;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "names are short")]
    let all = all as f64;
    2.0 * f64::from(common) / all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_apart() {
        for (text, want) in [
            ("listPets", vec!["list", "pets"]),
            ("issues_add-labels", vec!["issues", "add", "labels"]),
            ("getHTTPServer2Name", vec!["get", "http", "server2", "name"]),
            ("/repos/{owner}/{repo}", vec!["repos", "owner", "repo"]),
            ("someone's don't", vec!["someone", "don"]),
            (
                "Gr\u{f6}\u{df}e \u{6587}\u{5b57}",
                vec!["gr\u{f6}\u{df}e", "\u{6587}\u{5b57}"],
            ),
            ("--", vec![]),
        ] {
            assert_eq!(split(text), want, "{text}");
        }
        assert_eq!(split(&"a ".repeat(10_000)).len(), WORDS_MAX);
        assert_eq!(split(&"a".repeat(10_000)), ["a".repeat(WORD_MAX)]);
    }

    #[test]
    fn forms_of_a_word_are_one() {
        for forms in [
            &["create", "creates", "created", "creating"][..],
            &["label", "labels", "labeled", "labeling"],
            &["repository", "repositories", "repo", "repos"],
            &["run", "runs", "running"],
            &["branch", "branches"],
            &["billing", "bill", "bills"],
            &["organization", "orgs", "organisations"],
        ] {
            let stems: Vec<String> = forms.iter().map(|form| words(form).concat()).collect();
            assert!(stems.iter().all(|s| *s == stems[0]), "{forms:?}: {stems:?}");
        }
        for word in ["status", "access", "this", "is", "key", "id", "ing", "s"] {
            assert_eq!(plain(word), word);
        }
        assert_eq!(words("What are the labels of my issue?"), ["label", "issu"]);
    }

    #[test]
    fn requests() {
        for (question, request, want) in [
            ("GET /pets", "GET /pets", true),
            (" get  /pets?limit=3 ", "GET /pets", true),
            ("/pets/7", "DELETE /pets/{id}", true),
            ("/pets/{petId}", "GET /pets/{id}", true),
            ("POST /pets", "GET /pets", false),
            ("/pets/", "GET /pets/{id}", false),
            ("/pets/7/photo", "GET /pets/{id}", false),
            ("pets", "GET /pets", false),
            ("/", "GET /", true),
            ("", "GET /", false),
        ] {
            assert_eq!(is_request(question, request), want, "{question} {request}");
        }
    }

    #[test]
    fn alike() {
        for (one, other, want) in [
            ("photo", "photo", Some(0)),
            ("photo", "phto", Some(1)),
            ("photo", "phtoo", Some(1)),
            ("photo", "photos", Some(1)),
            ("photo", "fotos", None),
            ("webhook", "wbehok", Some(2)),
            ("gr\u{f6}\u{df}e", "gr\u{f6}se", Some(1)),
            ("", "ab", Some(2)),
            ("", "abc", None),
        ] {
            assert_eq!(slips(one, other, 2), want, "{one} {other}");
            assert_eq!(slips(other, one, 2), want, "{other} {one}");
        }
        assert!(likeness("get_pett", "get_pet") > 0.8);
        assert!(likeness("issue", "branch") < 0.1);
        assert!(likeness("", "").abs() < f64::EPSILON);
    }
}
