//! Byte offsets, character indices, and lines with columns: one into the other, many at a time.
//!
//! A document may be one line of many megabytes, so nothing here looks for a place from the start
//! of its line again and again: the places are sorted and found in one sweep over the text.

/// The line and column (both from 1, columns in characters) of each byte offset.
pub(super) fn line_columns(text: &str, offsets: &[usize]) -> Vec<(usize, usize)> {
    let (mut at, mut line, mut column) = (0, 1, 1);
    in_order(offsets, |&offset| {
        let offset = text.floor_char_boundary(offset);
        let passed = &text[at..offset];
        at = offset;
        let breaks = passed.bytes().filter(|&b| b == b'\n').count();
        let last_line = match passed.rfind('\n') {
            Some(newline) => {
                column = 1;
                &passed[newline + 1..]
            }
            None => passed,
        };
        line += breaks;
        column += last_line.chars().count();
        (line, column)
    })
}

/// The byte offset of each line and column; `None` where the text has no such line. A column after
/// the end of its line is the end of the line.
pub(super) fn offsets(text: &str, places: &[(usize, usize)]) -> Vec<Option<usize>> {
    let (mut at, mut line, mut column) = (0, 1, 1);
    in_order(places, |&(want_line, want_column)| {
        while line < want_line {
            at += text[at..].find('\n')? + 1;
            (line, column) = (line + 1, 1);
        }
        for c in text[at..].chars() {
            if column >= want_column || c == '\n' {
                break;
            }
            at += c.len_utf8();
            column += 1;
        }
        Some(at)
    })
}

/// The byte offset of each character index; the end of the text for one that is too large.
pub(super) fn char_offsets(text: &str, indices: &[usize]) -> Vec<usize> {
    if text.is_ascii() {
        return indices.iter().map(|&i| i.min(text.len())).collect();
    }
    let (mut at, mut passed) = (0, 0);
    in_order(indices, |&index| {
        let mut rest = text[at..].chars();
        while passed < index && rest.next().is_some() {
            passed += 1;
        }
        at = text.len() - rest.as_str().len();
        at
    })
}

/// Calls `f` with the items in ascending order and gives its results in the order of the items.
fn in_order<T: Ord, R: Clone>(items: &[T], mut f: impl FnMut(&T) -> R) -> Vec<R> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_unstable_by_key(|&i| &items[i]);
    let mut results = vec![None; items.len()];
    for i in order {
        results[i] = Some(f(&items[i]));
    }
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ab\r\nü€x\n\nz";

    #[test]
    fn offsets_become_lines_and_columns_and_back() {
        let places = [
            (12, (4, 1)),
            (0, (1, 1)),
            (4, (2, 1)),
            (6, (2, 2)),
            (9, (2, 3)),
        ];
        let offsets_of: Vec<usize> = places.iter().map(|p| p.0).collect();
        let lines: Vec<(usize, usize)> = places.iter().map(|p| p.1).collect();
        assert_eq!(line_columns(TEXT, &offsets_of), lines);
        let back: Vec<usize> = offsets(TEXT, &lines).into_iter().flatten().collect();
        assert_eq!(back, offsets_of);
    }

    #[test]
    fn places_outside_the_text() {
        assert_eq!(offsets(TEXT, &[(2, 99), (5, 1)]), [Some(10), None]);
        assert_eq!(line_columns(TEXT, &[99]), [(4, 2)]);
    }

    #[test]
    fn characters_become_bytes() {
        assert_eq!(char_offsets(TEXT, &[5, 4, 6, 99]), [6, 4, 9, 13]);
        assert_eq!(char_offsets("abc", &[2, 9]), [2, 3]);
    }
}
