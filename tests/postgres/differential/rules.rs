//! Random rules of a policy, and what they leave of a table.

use serde_json::{Map, Value, json};

use super::super::reads::hmac;
use super::tables::{Table, Test, test};
use super::values::{Cell, Kind, Order, Random, Scalar};
use crate::support::postgres::KEY;

enum Mask {
    Null,
    Constant(&'static str),
    Partial,
    Last4,
    Hash,
}

enum Condition {
    Test(Test, Value),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
}

#[derive(Default)]
struct Rule {
    allow: Option<Vec<usize>>,
    masks: Vec<(usize, Mask)>,
    rows: Option<Condition>,
    filter_on: Option<Vec<usize>>,
    sort_on: Option<Vec<usize>>,
    max_rows: Option<usize>,
}

/// What holds of a table.
#[derive(Default)]
pub(super) struct Rules {
    each: Vec<Rule>,
    pub(super) variables: Vec<(String, String)>,
    columns: usize,
}

impl Rules {
    pub(super) fn none(table: &Table) -> Self {
        Self {
            columns: table.columns.len(),
            ..Self::default()
        }
    }

    pub(super) fn new(table: &Table, random: &mut Random) -> Self {
        let mut rules = Self::none(table);
        let all: Vec<usize> = (0..rules.columns).collect();
        // The first column of each list is in all of them: something is shown.
        let always = random.below(rules.columns);
        let some = |random: &mut Random, often: usize| {
            (!random.once_in(often)).then(|| {
                let mut some = random.some(&all, all.len());
                some.retain(|at| *at != always);
                some.push(always);
                some
            })
        };
        for _ in 0..=random.below(2) {
            let mut masked = random.some(&all, 2);
            masked.retain(|&at| !rules.is_masked(at));
            let masks = masked
                .into_iter()
                .map(|at| (at, mask(table.columns[at].kind, random)));
            let mut rule = Rule {
                masks: masks.collect(),
                allow: some(random, 2),
                filter_on: some(random, 3),
                sort_on: some(random, 3),
                max_rows: random.once_in(3).then(|| 1 + random.below(9)),
                rows: condition(table, 2, random, &mut rules.variables),
            };
            // A later rule only narrows.
            if let Some(earlier) = rules.each.first() {
                narrow(&mut rule.allow, earlier.allow.as_ref());
                narrow(&mut rule.filter_on, earlier.filter_on.as_ref());
                narrow(&mut rule.sort_on, earlier.sort_on.as_ref());
                let most = earlier.max_rows.unwrap_or(usize::MAX);
                rule.max_rows = rule.max_rows.map(|rows| rows.min(most));
            }
            rules.each.push(rule);
        }
        rules
    }

    /// The policy, as it would be written.
    pub(super) fn policy(&self, table: &Table) -> Value {
        let name = |at: &usize| table.columns[*at].name.clone();
        let names = |list: &[usize]| json!(list.iter().map(name).collect::<Vec<_>>());
        let each = self.each.iter().map(|rule| {
            let mut written = json!({"match": {"source": "db"}});
            let mut columns = Map::new();
            if let Some(allow) = &rule.allow {
                columns.insert("allow".to_owned(), names(allow));
            }
            let masks = rule
                .masks
                .iter()
                .map(|(at, mask)| (name(at), mask.written()));
            columns.insert("mask".to_owned(), Value::Object(masks.collect()));
            written["columns"] = columns.into();
            for (key, list) in [("filter_on", &rule.filter_on), ("sort_on", &rule.sort_on)] {
                if let Some(list) = list {
                    written[key] = names(list);
                }
            }
            if let Some(rows) = &rule.rows {
                written["rows"] = rows.written(table);
            }
            if let Some(max) = rule.max_rows {
                written["max_rows"] = json!(max);
            }
            written
        });
        json!({"version": 1, "rules": each.collect::<Vec<_>>()})
    }

    fn listed(&self, at: usize, list: impl Fn(&Rule) -> Option<&Vec<usize>>) -> bool {
        self.each
            .iter()
            .filter_map(list)
            .all(|columns| columns.contains(&at))
    }

    pub(super) fn shown_columns(&self, table: &Table) -> Vec<usize> {
        let all = 0..table.columns.len();
        all.filter(|&at| self.listed(at, |rule| rule.allow.as_ref()))
            .collect()
    }

    fn mask(&self, at: usize) -> Option<&Mask> {
        let mut masks = self.each.iter().flat_map(|rule| &rule.masks);
        masks
            .find(|(column, _)| *column == at)
            .map(|(_, mask)| mask)
    }

    pub(super) fn is_masked(&self, at: usize) -> bool {
        self.mask(at).is_some()
    }

    pub(super) fn filterable(&self, table: &Table) -> Vec<usize> {
        let mut columns = self.shown_columns(table);
        columns
            .retain(|&at| !self.is_masked(at) && self.listed(at, |rule| rule.filter_on.as_ref()));
        columns
    }

    pub(super) fn sortable(&self, table: &Table) -> Vec<usize> {
        let mut columns = self.shown_columns(table);
        columns.retain(|&at| {
            let open = !self.is_masked(at) && self.listed(at, |rule| rule.sort_on.as_ref());
            open && table.columns[at].kind.is_scalar()
        });
        columns
    }

    pub(super) fn max_rows(&self) -> usize {
        let each = self.each.iter().filter_map(|rule| rule.max_rows);
        each.min().unwrap_or(100)
    }

    /// The rows that there are for callers.
    pub(super) fn there<'r>(&'r self, table: &'r Table) -> impl Iterator<Item = &'r [Cell]> + 'r {
        let conditions: Vec<_> = self
            .each
            .iter()
            .filter_map(|rule| rule.rows.as_ref())
            .collect();
        let rows = table.rows.iter().map(Vec::as_slice);
        rows.filter(move |row| conditions.iter().all(|condition| condition.holds(row)))
    }

    /// What is shown of a value.
    pub(super) fn shown(&self, at: usize, cell: &Cell) -> Value {
        match self.mask(at) {
            None => cell.shown(),
            Some(Mask::Null) => Value::Null,
            Some(Mask::Constant(text)) => json!(text),
            Some(mask) => match cell.scalar() {
                None => Value::Null,
                Some(scalar) => json!(mask.on(&scalar.text)),
            },
        }
    }
}

/// What is left of a list after an earlier one.
fn narrow(list: &mut Option<Vec<usize>>, earlier: Option<&Vec<usize>>) {
    if let (Some(list), Some(earlier)) = (list, earlier) {
        list.retain(|at| earlier.contains(at));
    }
}

fn mask(kind: Kind, random: &mut Random) -> Mask {
    match random.below(if kind.is_scalar() { 5 } else { 2 }) {
        0 => Mask::Null,
        1 => Mask::Constant("it's \\ \"hidden\""),
        2 => Mask::Partial,
        3 => Mask::Last4,
        _ => Mask::Hash,
    }
}

impl Mask {
    fn written(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Constant(text) => json!({"constant": text}),
            Self::Partial => json!("partial"),
            Self::Last4 => json!("last4"),
            Self::Hash => json!("hash"),
        }
    }

    /// A text under the masks that depend on it.
    fn on(&self, text: &str) -> String {
        let length = text.chars().count();
        match self {
            Self::Partial if length >= 2 => {
                let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
                let domain = text.split_once('@').filter(|(user, domain)| {
                    !user.is_empty() && !domain.is_empty() && domain.chars().all(plain)
                });
                let domain = domain
                    .map(|(_, domain)| format!("@{domain}"))
                    .unwrap_or_default();
                format!("{}***{domain}", text.chars().next().unwrap())
            }
            Self::Last4 if length >= 8 => {
                format!("***{}", text.chars().skip(length - 4).collect::<String>())
            }
            Self::Hash => {
                // The key in its 32 bytes: 0, 1, 2, …
                assert!(KEY.starts_with("AAEC"));
                let own = hmac(&(0..32).collect::<Vec<u8>>(), b"mcpgen mask");
                let bytes = hmac(&own, text.as_bytes());
                let start = bytes
                    .iter()
                    .take(16)
                    .fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
                format!("{start:032x}")
            }
            _ => "***".to_owned(),
        }
    }
}

/// A condition on rows, of so many levels.
fn condition(
    table: &Table,
    levels: usize,
    random: &mut Random,
    variables: &mut Vec<(String, String)>,
) -> Option<Condition> {
    if levels > 0 && !random.once_in(3) {
        let mut one = || condition(table, levels - 1, random, variables);
        let all: Vec<Condition> = [one(), one()].into_iter().flatten().collect();
        if all.is_empty() {
            return None;
        }
        return Some(match random.below(4) {
            0 => Condition::And(all),
            1 => Condition::Or(all),
            _ => Condition::Not(Box::new(all.into_iter().next()?)),
        });
    }
    let column = random.below(table.columns.len());
    let one = test(table, column, random)?;
    if !table.columns[column].kind.is_scalar() && one.by != "is_null" {
        return None;
    }
    let constant = |value: &Value| match value {
        Value::String(text) => json!({"const": text}),
        // What comes by way of a file is no longer than numbers are there.
        Value::Number(number) if number.as_i64().is_none() && number.as_str().len() > 18 => {
            json!({"const": number.to_string()})
        }
        other => other.clone(),
    };
    let written = match &one.given {
        Value::Array(list) => list.iter().map(constant).collect(),
        Value::String(text) if !text.is_empty() && random.once_in(3) => {
            let name = format!("VARIABLE_{}", variables.len());
            variables.push((name.clone(), text.clone()));
            json!(format!("env.{name}"))
        }
        other => constant(other),
    };
    Some(Condition::Test(one, written))
}

impl Condition {
    fn written(&self, table: &Table) -> Value {
        let list = |all: &[Self]| all.iter().map(|one| one.written(table)).collect::<Value>();
        match self {
            Self::Test(test, given) => {
                let by = if test.by == "starts_with" {
                    "like_prefix"
                } else {
                    test.by
                };
                json!({table.columns[test.column].name.clone(): {by: given}})
            }
            Self::And(all) => json!({"and": list(all)}),
            Self::Or(all) => json!({"or": list(all)}),
            Self::Not(one) => json!({"not": one.written(table)}),
        }
    }

    /// What is unknown does not hold; and of that, `not` does.
    fn holds(&self, row: &[Cell]) -> bool {
        match self {
            Self::Test(test, _) => (test.holds)(&row[test.column]),
            Self::And(all) => all.iter().all(|one| one.holds(row)),
            Self::Or(all) => all.iter().any(|one| one.holds(row)),
            Self::Not(one) => !one.holds(row),
        }
    }
}

/// Texts that are nowhere else, and those of them that nobody is to see.
#[derive(Default)]
pub(super) struct Canaries {
    next: usize,
    kept: Vec<String>,
}

impl Canaries {
    /// A text that no other value has.
    pub(super) fn text(&mut self, random: &mut Random) -> Cell {
        self.next += 1;
        let tail = *random.pick(&["", "@example.org", "@a@b", "'; --", " 12345678"]);
        let text = format!("canary{:05}!{tail}", self.next);
        Cell::Scalar(Scalar {
            order: Order::Text(text.clone()),
            shown: json!(text),
            given: Some(json!(text)),
            text,
        })
    }

    /// Keeps those of the rows and columns that the rules keep back.
    pub(super) fn keep(&mut self, table: &Table, rules: &Rules) {
        let shown = rules.shown_columns(table);
        let open = |at: usize| shown.contains(&at) && !rules.is_masked(at);
        let there: Vec<&[Cell]> = rules.there(table).collect();
        for row in &table.rows {
            let is_there = there.contains(&row.as_slice());
            for (at, cell) in row.iter().enumerate() {
                let Some(scalar) = cell.scalar() else {
                    continue;
                };
                if scalar.text.starts_with("canary") && !(is_there && open(at)) {
                    self.kept
                        .push(scalar.text[.."canary00000!".len()].to_owned());
                }
            }
        }
    }

    pub(super) fn kept(&self) -> impl Iterator<Item = &String> {
        self.kept.iter()
    }
}
