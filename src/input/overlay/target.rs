//! What a JSONPath selects, within bounds: its library has none.

use serde_json::Value;
use serde_json_path::{JsonPath, ParseError};

use super::count;
use crate::source::Budget;

/// Longest JSONPath, in bytes.
const PATH_MAX: usize = 2_000;
/// Steps that finding the nodes of one path may take, estimated from its form.
const STEPS_MAX: u64 = 300_000_000;
/// Brackets within brackets of a JSONPath, which its parser follows by recursion.
const BRACKETS_MAX: u32 = 8;
/// The product of all counts (`{4}`) of regular expressions in a path.
const COUNTS_MAX: u64 = 1_000;

/// Why a path selects nothing that can be used.
#[derive(Debug)]
pub(super) enum SelectError {
    /// It is no JSONPath.
    Syntax(ParseError),
    /// It takes too much time or memory.
    TooMuch,
}

/// Pointers to what a path selects, each once.
pub(super) fn select(path: &str, tree: &Value) -> Result<Vec<String>, SelectError> {
    if path.len() > PATH_MAX || steps(path, count(tree).0) > STEPS_MAX {
        return Err(SelectError::TooMuch);
    }
    let path = JsonPath::parse(path).map_err(SelectError::Syntax)?;
    let mut pointers = Vec::new();
    let mut bytes = 0_usize;
    for location in path.query_located(tree).dedup().locations() {
        let pointer = location.to_json_pointer();
        bytes += pointer.len();
        if bytes > Budget::default().bytes {
            return Err(SelectError::TooMuch);
        }
        pointers.push(pointer);
    }
    Ok(pointers)
}

/// How many steps a path takes at most over a tree of so many values, roughly: a second `..` looks at
/// each value once for each level above it, and a query within a filter runs once for each value.
fn steps(path: &str, nodes: usize) -> u64 {
    let (mut quote, mut open) = (None, 0_u32);
    let (mut descents, mut inner, mut filters, mut last) = (0_u32, 0_u32, 0_u32, ' ');
    let (mut counts, mut chars) = (1_u64, path.chars());
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(chars.next()),
            (Some(_), '{') => counts = counts.saturating_mul(largest_count(chars.as_str())),
            (Some(end), c) if c == end => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') if open == BRACKETS_MAX => return u64::MAX,
            (None, '(' | '[') => open += 1,
            (None, ')' | ']') => open = open.saturating_sub(1),
            (None, '?') => filters += 1,
            (None, '.') if last == '.' && filters > 0 => inner += 1,
            (None, '.') if last == '.' => descents += 1,
            (None, '$') if filters > 0 => inner += 1,
            _ => {}
        }
        last = c;
    }
    // A regular expression is compiled for each value that it is tried on. A large one has counts
    // within counts.
    if counts > COUNTS_MAX {
        return u64::MAX;
    }
    let tried = filters > 0 && (path.contains("match") || path.contains("search"));
    let nodes = u64::try_from(nodes).unwrap_or(u64::MAX);
    let nodes = nodes.saturating_mul(if tried { 100 } else { 1 });
    let more = filters.saturating_sub(1) + inner;
    let levels = 50_u64.saturating_pow(descents.saturating_sub(1));
    nodes
        .saturating_pow(more.saturating_add(1))
        .saturating_mul(levels)
}

/// The larger number of `4}` or `2,4}`, as a regular expression counts; 1 for anything else.
fn largest_count(text: &str) -> u64 {
    let (counts, _) = text.split_once('}').unwrap_or_default();
    let numbers = counts
        .split(',')
        .filter_map(|number| number.trim().parse().ok());
    numbers.max().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ways_are_told_from_short_ones() {
        for (path, nodes, fine) in [
            ("$.paths.*.get", 5_000_000, true),
            ("$..[?@.x == '$..$..']", 5_000_000, true),
            ("$..[?search(@.x, 'y')]", 1_000_000, true),
            ("$..[?search(@.x, 'y')]", 5_000_000, false),
            ("$..[?search(@.x, '^[0-9]{4}-[0-9]{2,3}')]", 1, true),
            ("$..[?search(@.x, '((a{1,99}){1,99}){1,99}')]", 1, false),
            ("$..a..b", 5_000_000, true),
            ("$..a..b..c", 5_000_000, false),
            ("$..[?@.x == $.y]", 5_000_000, false),
            ("$..[?@..x]", 5_000_000, false),
            ("$..[?@.x == $.y]", 10_000, true),
            ("$[?((((((((@.x))))))))]", 1, false),
            ("$['\\''][?@.x == $.y]", 5_000_000, false),
        ] {
            assert_eq!(steps(path, nodes) <= STEPS_MAX, fine, "{path}");
        }
    }
}
