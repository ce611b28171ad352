//! What one rule changed of a relation, in words.

use crate::diag::escape;
use crate::policy::format::{Compared, MaskRule, Operand, Rows, Rule};

use super::changes::duration;

/// What a rule says of columns, rows and pages: the keys that say it, and what comes of it.
pub(super) fn changes(rule: &Rule) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut say = |key: String, text: String| all.push((key, text));
    if let Some(columns) = &rule.columns {
        if let Some(allow) = &columns.allow {
            let text = format!("only the columns {} are there", allow.join(", "));
            say("columns/allow".to_owned(), text);
        }
        for (column, mask) in &columns.mask {
            let text = format!(
                "`{column}` {}; nothing is filtered or sorted by it",
                shown(mask)
            );
            say(format!("columns/mask/{}", escape(column)), text);
        }
    }
    if let Some(rows) = &rule.rows {
        let text = format!("only rows are there for which {}", condition(rows));
        say("rows".to_owned(), text);
    }
    if let Some(columns) = &rule.filter_on {
        let text = format!("rows are filtered by {} alone", columns.join(", "));
        say("filter_on".to_owned(), text);
    }
    if let Some(columns) = &rule.sort_on {
        let text = format!("rows are sorted by {} alone", columns.join(", "));
        say("sort_on".to_owned(), text);
    }
    if let Some(columns) = &rule.contains_on {
        let text = format!("rows are filtered by a part of {}, too", columns.join(", "));
        say("contains_on".to_owned(), text);
    }
    if let Some(most) = rule.max_rows {
        say(
            "max_rows".to_owned(),
            format!("a page has at most {most} rows"),
        );
    }
    if let Some(time) = rule.statement_timeout {
        let text = format!("the statement takes at most {}", duration(time.0));
        say("statement_timeout".to_owned(), text);
    }
    all
}

fn shown(mask: &MaskRule) -> String {
    match mask {
        MaskRule::Null => "is shown as null".to_owned(),
        MaskRule::Constant(text) => format!("is shown as {text:?}"),
        MaskRule::Partial => "is shown by its first character".to_owned(),
        MaskRule::Last4 => "is shown by its last four characters".to_owned(),
        MaskRule::Hash => "is shown as a keyed hash".to_owned(),
    }
}

/// A condition, as one would say it.
fn condition(rows: &Rows) -> String {
    let mut all: Vec<String> = Vec::new();
    for (column, compared) in &rows.columns {
        all.extend(comparisons(column, compared));
    }
    let joined = |list: &Vec<Rows>, word: &str| {
        let each: Vec<String> = list.iter().map(condition).collect();
        format!("({})", each.join(word))
    };
    all.extend(rows.and.iter().map(|list| joined(list, " and ")));
    all.extend(rows.or.iter().map(|list| joined(list, " or ")));
    all.extend(
        rows.not
            .iter()
            .map(|rows| format!("not ({})", condition(rows))),
    );
    all.join(" and ")
}

fn comparisons(column: &str, compared: &Compared) -> Vec<String> {
    let one = [
        ("=", &compared.eq),
        ("<>", &compared.ne),
        ("<", &compared.lt),
        ("<=", &compared.lte),
        (">", &compared.gt),
        (">=", &compared.gte),
        ("begins with", &compared.like_prefix),
    ];
    let mut all: Vec<String> = one
        .into_iter()
        .filter_map(|(sign, to)| Some(format!("{column} {sign} {}", operand(to.as_ref()?))))
        .collect();
    all.extend(compared.r#in.iter().map(|list| {
        let values: Vec<String> = list.iter().map(operand).collect();
        format!("{column} is one of {}", values.join(", "))
    }));
    all.extend(compared.is_null.map(|null| match null {
        true => format!("{column} is null"),
        false => format!("{column} is not null"),
    }));
    all
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Const(value) => value.to_string(),
        Operand::Env(name) => format!("the environment variable {name}"),
        Operand::Expression(text) => text.clone(),
    }
}
