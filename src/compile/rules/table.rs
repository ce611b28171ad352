//! What a later rule may not say of a relation: more columns, rows or time than an earlier one leaves.

use crate::diag::escape;
use crate::policy::format::Rule;

/// What a later rule widens: its key, the earlier rule's, and what that one says. Conditions on rows
/// only add up, so they widen nothing.
pub(super) fn wider(before: &Rule, after: &Rule) -> Option<(String, String, String)> {
    let same = |key: &str, what: String| Some((key.to_owned(), key.to_owned(), what));
    let (old, new) = (before.columns.as_ref(), after.columns.as_ref());
    if let Some((old, new)) = old.zip(new) {
        if let Some(added) = added(old.allow.as_ref(), new.allow.as_ref()) {
            let what = format!("column `{added}` is not shown");
            return same("columns/allow", what);
        }
        for (column, mask) in &new.mask {
            if old.mask.get(column).is_some_and(|earlier| earlier != mask) {
                let key = format!("columns/mask/{}", escape(column));
                return same(&key, format!("column `{column}` is masked otherwise"));
            }
        }
    }
    if let Some(added) = added(before.filter_on.as_ref(), after.filter_on.as_ref()) {
        return same(
            "filter_on",
            format!("filtering by column `{added}` is ruled out"),
        );
    }
    if let Some(added) = added(before.sort_on.as_ref(), after.sort_on.as_ref()) {
        return same(
            "sort_on",
            format!("sorting by column `{added}` is ruled out"),
        );
    }
    if let Some(added) = added(before.contains_on.as_ref(), after.contains_on.as_ref()) {
        return same(
            "contains_on",
            format!("filtering by a part of column `{added}` is ruled out"),
        );
    }
    if let Some((old, new)) = before.max_rows.zip(after.max_rows)
        && new > old
    {
        return same("max_rows", format!("a page has at most {old} rows"));
    }
    let (old, new) = before.statement_timeout.zip(after.statement_timeout)?;
    let what = format!("a statement takes at most {} ms", old.0.as_millis());
    (new.0 > old.0)
        .then(|| same("statement_timeout", what))
        .flatten()
}

/// A name that the later list has and the earlier one has not.
fn added<'a>(before: Option<&Vec<String>>, after: Option<&'a Vec<String>>) -> Option<&'a String> {
    let (before, after) = before.zip(after)?;
    after.iter().find(|name| !before.contains(name))
}
