//! Golden files: text that a test produced before and must produce again.

use std::fmt::Write as _;
use std::fs;

use super::root;

/// Lines shown before and after a difference.
const CONTEXT: usize = 3;
/// Most lines of a printed difference.
const LIMIT: usize = 200;

/// Compares `actual` with the file at `path` under `tests/`; with `UPDATE=1` writes the file.
#[track_caller]
pub(crate) fn golden(path: &str, actual: &str) {
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    compare(path, actual, update);
}

#[track_caller]
fn compare(path: &str, actual: &str, update: bool) {
    let file = root().join("tests").join(path);
    if update {
        fs::create_dir_all(file.parent().expect("a file has a parent")).expect("a folder");
        fs::write(&file, actual).expect("a golden file can be written");
        return;
    }
    let expected = fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("tests/{path}: {error}; UPDATE=1 writes the file"));
    assert!(
        expected == actual,
        "tests/{path} differs (- as stored, + as produced; UPDATE=1 rewrites it)\n{}",
        diff(&expected, actual)
    );
}

/// The lines that differ, with some context; `-` is from `old`, `+` from `new`.
pub(crate) fn diff(old: &str, new: &str) -> String {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(same)
        .count();
    let old_middle = &old_rest[..old_rest.len() - tail];
    let new_middle = &new_rest[..new_rest.len() - tail];

    let first = head.saturating_sub(CONTEXT);
    let mut lines: Vec<(char, &str)> = old[first..head].iter().map(|l| (' ', *l)).collect();
    lines.extend(middle(old_middle, new_middle));
    let rest = &old[old.len() - tail..];
    lines.extend(rest.iter().take(CONTEXT).map(|l| (' ', *l)));

    let mut out = format!("@@ from line {}\n", first + 1);
    for (mark, line) in lines.iter().take(LIMIT) {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, ""),
            None => (*line, "  (no newline at the end)"),
        };
        let _ = writeln!(out, "{mark}{}{end}", visible(line));
    }
    if lines.len() > LIMIT {
        let _ = writeln!(out, "… and {} lines more", lines.len() - LIMIT);
    }
    out
}

/// Control characters as escapes: a difference must be seen, not acted on by a terminal.
fn visible(line: &str) -> String {
    line.chars().fold(String::new(), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

/// The longest common subsequence of lines, if that is cheap; else all of one, then all of the other.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    if old.len().saturating_mul(new.len()) > 4_000_000 {
        let removed = old.iter().map(|line| ('-', *line));
        return removed.chain(new.iter().map(|line| ('+', *line))).collect();
    }
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        let remove = j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]);
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if remove {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    lines
}

#[test]
fn a_difference_is_readable() {
    let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
    let new = "a\nb\nc\nd\nE\nf\nx\ng\nh";
    assert_eq!(
        diff(old, new),
        "@@ from line 2\n b\n c\n d\n-e\n+E\n f\n+x\n g\n-h\n+h  (no newline at the end)\n"
    );
}

#[test]
#[should_panic(expected = "UPDATE=1 writes the file")]
fn a_missing_golden_file_fails() {
    compare("support/no-such-file", "text", false);
}

#[test]
#[should_panic(expected = "+//! Another.")]
fn a_changed_golden_file_fails() {
    let file = include_str!("golden.rs");
    compare("support/golden.rs", file, false);
    let (_, rest) = file.split_once('\n').unwrap();
    compare("support/golden.rs", &format!("//! Another.\n{rest}"), false);
}
