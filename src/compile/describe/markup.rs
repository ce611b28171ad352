//! Markup that says nothing to a model: where links lead, HTML tags, comments.

/// HTML elements of descriptions. Anything else in angle brackets may be a placeholder.
const INLINE: [&str; 14] = [
    "a", "b", "big", "code", "em", "i", "img", "kbd", "small", "span", "strong", "sub", "sup", "u",
];
/// Those that begin a line of their own.
const BLOCK: [&str; 20] = [
    "blockquote",
    "br",
    "details",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
];
/// Longest tag that is looked at, in bytes.
const TAG_MAX: usize = 500;
/// How sentences begin that only send the reader elsewhere.
const ELSEWHERE: [&str; 5] = [
    "for more information",
    "for more details",
    "for details",
    "learn more",
    "read more",
];
/// Stands after the text of a link until the sentences are looked at. `clean` lets none in.
const MARK: char = '\u{fdd0}';

/// The text without comments, tags and the targets of links.
pub(super) fn plain(text: &str) -> String {
    let text = without_comments(text.to_owned());
    let text = without_tags(&text);
    let text = without_links(&text);
    // What was taken out may have stood inside another comment's beginning.
    without_comments(text)
}

fn without_comments(mut text: String) -> String {
    for _ in 0..4 {
        if !text.contains("<!--") {
            return text;
        }
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("<!--") {
            out.push_str(before);
            rest = after.split_once("-->").map_or("", |(_, after)| after);
        }
        out.push_str(rest);
        text = out;
    }
    // Somebody nested them to get one through.
    text.replace("<!--", "")
}

fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        if let Some((length, name)) = element(tag) {
            if BLOCK.contains(&name.as_str()) {
                out.push('\n');
            }
            rest = &tag[length..];
        } else {
            out.push('<');
            rest = &tag[1..];
        }
    }
    out + rest
}

/// The length and the name of the HTML tag that the text begins with, if it does with one.
fn element(text: &str) -> Option<(usize, String)> {
    let end = text.bytes().take(TAG_MAX).position(|b| b == b'>')?;
    let inner = text.get(1..end)?;
    if inner.starts_with(' ') {
        return None;
    }
    let name = inner.trim_start_matches('/').trim_end_matches('/');
    let name = name.split_ascii_whitespace().next()?.to_ascii_lowercase();
    let known = INLINE.contains(&name.as_str()) || BLOCK.contains(&name.as_str());
    (known && !inner.contains('<')).then_some((end + 1, name))
}

/// `[text](target)` becomes `text`; a sentence that says no more than where to read on goes.
fn without_links(text: &str) -> String {
    if !text.contains("](") {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, link) = rest.split_at(at);
        if let Some((inner, length)) = target(link) {
            out.push_str(before.strip_suffix('!').unwrap_or(before));
            out.push_str(inner);
            out.push(MARK);
            rest = &link[length..];
        } else {
            out.push_str(before);
            out.push('[');
            rest = &link[1..];
        }
    }
    out.push_str(rest);
    let lines: Vec<String> = out.split('\n').map(without_elsewhere).collect();
    lines.join("\n")
}

/// The text and the length of the link that the text begins with, if it leads somewhere.
fn target(text: &str) -> Option<(&str, usize)> {
    let close = text.find("](")?;
    let inner = text.get(1..close)?;
    let after = text.get(close + 2..)?;
    let end = after.find(')')?;
    let target = after.get(..end)?;
    let (address, title) = target.split_once(' ').unwrap_or((target, "\""));
    let leads = address.contains("://")
        || ["/", "#", "./", "../", "mailto:"]
            .iter()
            .any(|start| address.starts_with(start));
    let plain = !inner.contains(['[', '\n']) && !target.contains('\n') && title.starts_with('"');
    (leads && plain).then_some((inner, close + 2 + end + 1))
}

fn without_elsewhere(line: &str) -> String {
    if !line.contains(MARK) {
        return line.to_owned();
    }
    let mut out = String::new();
    for sentence in sentences(line) {
        let said = sentence.trim_start_matches([' ', '(', '*', '_', '-']);
        let start = said.get(..24).unwrap_or(said).to_ascii_lowercase();
        let elsewhere = ELSEWHERE.iter().any(|words| start.starts_with(words));
        if !(elsewhere && sentence.contains(MARK)) {
            out.push_str(sentence);
        }
    }
    out.replace(MARK, "")
}

/// The sentences of a line, each with the white space after it.
fn sentences(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut ended = false;
    for (at, c) in line.char_indices() {
        if ended && c.is_whitespace() {
            if let Some(sentence) = line.get(start..at) {
                found.push(sentence);
            }
            start = at;
            ended = false;
        } else if !(ended && matches!(c, '"' | ')' | '*' | '_' | '\'')) {
            ended = c == '.';
        }
    }
    found.extend(line.get(start..));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_goes() {
        for (text, want) in [
            ("a<!-- x -->b<!-- open", "ab"),
            ("a<!<!-- x -->-- hidden -->b", "ab"),
            ("<!<b>-- hidden -->a", "a"),
            ("<!-[-](/x) hidden -->a", "a"),
            ("<p>One <b>two</b><br/>three</p>", "\nOne two\nthree\n"),
            (r#"<a href="https://x.example/?a=1">docs</a>"#, "docs"),
            (
                "list<string> of <id>, a < b > c",
                "list<string> of <id>, a < b > c",
            ),
            ("Use [a key](https://x.example/k) now.", "Use a key now."),
            (r#"See ![p](/p.png) and [x](#y "Title")."#, "See p and x."),
            ("`[1](2)` and f[x](y)", "`[1](2)` and f[x](y)"),
            (
                "Per page. For more information, see \"[Pages](https://x.example/a.b).\" Then more.",
                "Per page. Then more.",
            ),
            ("For details ask the owner.", "For details ask the owner."),
            ("[a](b [c](https://x.example))", "[a](b c)"),
        ] {
            assert_eq!(plain(text), want, "{text}");
        }
    }

    #[test]
    fn brackets_without_end_take_no_time() {
        for text in ["[", "<", "](", "<!--", "[x](/"] {
            assert!(plain(&text.repeat(50_000)).len() <= text.len() * 50_000);
        }
    }
}
