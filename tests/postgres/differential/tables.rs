//! Tables, their rows, and conditions on them: as a caller writes them, and whether they hold.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::values::{Cell, Kind, MOODS, Random, TEXTS, any, bound};

/// Names of columns, odd ones among them: `any` is what alternatives stand under, too, and some are short, as
/// names within statements are.
const NAMES: [&str; 15] = [
    "a",
    "any",
    "select",
    "Mixed Case",
    "quo\"te",
    "limit",
    "fields",
    "größe",
    "x'; DROP TABLE y; --",
    "o",
    "t",
    "i",
    "row",
    "key",
    "cut",
];
const TABLES: [&str; 4] = ["things", "Order", "x\"; drop table y; --", "find"];

pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
}

pub(super) struct Table {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The columns of the primary key.
    pub(super) key: Vec<usize>,
    pub(super) rows: Vec<Vec<Cell>>,
}

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Table {
    /// A table with columns of these types, and with rows. `text` gives the texts of a column that is no key.
    pub(super) fn new(
        schema: &str,
        kinds: &[Kind],
        random: &mut Random,
        mut text: impl FnMut(&mut Random) -> Cell,
    ) -> Self {
        let mut names = NAMES.to_vec();
        let mut columns = Vec::new();
        for _ in 0..3 + random.below(4) {
            columns.push(Column {
                name: names.remove(random.below(names.len())).to_owned(),
                kind: *random.pick(kinds),
                nullable: !random.once_in(3),
            });
        }
        let scalars = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.kind.is_scalar());
        let mut scalars: Vec<usize> = scalars.map(|(index, _)| index).collect();
        if scalars.is_empty() {
            columns[0].kind = Kind::Int;
            scalars.push(0);
        }
        let mut key = vec![scalars.remove(random.below(scalars.len()))];
        if !scalars.is_empty() && random.once_in(2) {
            key.push(*random.pick(&scalars));
        }
        for index in &key {
            columns[*index].nullable = false;
        }
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for _ in 0..random.below(30) {
            let row: Vec<Cell> = columns
                .iter()
                .enumerate()
                .map(|(index, column)| match column.kind {
                    _ if column.nullable && random.once_in(4) => Cell::Null,
                    Kind::Text if !key.contains(&index) => text(random),
                    kind => any(kind, random),
                })
                .collect();
            let same = |other: &Vec<Cell>| {
                key.iter()
                    .all(|&index| compare(&row[index], &other[index]).is_eq())
            };
            if !rows.iter().any(same) {
                rows.push(row);
            }
        }
        Self {
            schema: schema.to_owned(),
            name: (*random.pick(&TABLES)).to_owned(),
            columns,
            key,
            rows,
        }
    }

    /// What makes it.
    pub(super) fn sql(&self) -> String {
        let schema = &self.schema;
        let labels = MOODS
            .map(|label| format!("'{}'", label.replace('\'', "''")))
            .join(", ");
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let null = if column.nullable { "" } else { " NOT NULL" };
                format!("{} {}{null}", ident(&column.name), column.kind.sql(schema))
            })
            .collect();
        let key: Vec<String> = self
            .key
            .iter()
            .map(|&at| ident(&self.columns[at].name))
            .collect();
        let table = format!("{schema}.{}", ident(&self.name));
        let mut sql = format!(
            "CREATE SCHEMA {schema}; CREATE TYPE {schema}.mood AS ENUM ({labels}); \
             CREATE TABLE {table} ({}, PRIMARY KEY ({})); \
             GRANT USAGE ON SCHEMA {schema} TO reader; GRANT SELECT ON {table} TO reader;",
            columns.join(", "),
            key.join(", ")
        );
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns);
            let cells: Vec<String> = cells
                .map(|(cell, column)| cell.sql(&column.kind.sql(schema)))
                .collect();
            sql.push_str(&format!(
                "INSERT INTO {table} VALUES ({});",
                cells.join(", ")
            ));
        }
        sql
    }
}

/// Which comes first, null last.
pub(super) fn compare(one: &Cell, other: &Cell) -> Ordering {
    match (one.scalar(), other.scalar()) {
        (Some(one), Some(other)) => one.order.cmp(&other.order),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// The order of two rows by columns, each descending or not.
pub(super) fn by(sort: &[(usize, bool)], one: &[Cell], other: &[Cell]) -> Ordering {
    let each = sort.iter().map(|&(at, descending)| {
        let found = compare(&one[at], &other[at]);
        if descending { found.reverse() } else { found }
    });
    each.fold(Ordering::Equal, Ordering::then)
}

type Holds = Box<dyn Fn(&Cell) -> bool>;

/// A condition on one column.
pub(super) struct Test {
    pub(super) column: usize,
    pub(super) by: &'static str,
    pub(super) given: Value,
    pub(super) holds: Holds,
}

/// A condition on a column, if there is one for its type. Half of the values are those of rows.
pub(super) fn test(table: &Table, column: usize, random: &mut Random) -> Option<Test> {
    let Column { kind, nullable, .. } = table.columns[column];
    if nullable && random.once_in(6) {
        let is_null = random.once_in(2);
        return Some(Test {
            column,
            by: "is_null",
            given: json!(is_null),
            holds: Box::new(move |cell| (*cell == Cell::Null) == is_null),
        });
    }
    let mut value = || match table.rows.is_empty() || random.once_in(2) {
        true => any(kind, random),
        false => random.pick(&table.rows)[column].clone(),
    };
    let (one, two) = (value(), value());
    let (by, given, holds): (&str, Value, Holds) = match kind {
        Kind::Texts => {
            let (one, two) = (*random.pick(&TEXTS), *random.pick(&TEXTS));
            let has = move |cell: &Cell, text: &str| match cell {
                Cell::Texts(texts) => texts.iter().flatten().any(|held| held == text),
                _ => false,
            };
            match random.once_in(2) {
                true => ("has", json!(one), Box::new(move |cell| has(cell, one))),
                false => (
                    "has_any",
                    json!([one, two]),
                    Box::new(move |cell| has(cell, one) || has(cell, two)),
                ),
            }
        }
        Kind::Range => range(random),
        _ => {
            let one = one.scalar()?.clone();
            let given = one.given?;
            let order = one.order.clone();
            let is = move |which: fn(Ordering) -> bool| -> Holds {
                let order = order.clone();
                Box::new(move |cell| {
                    cell.scalar()
                        .is_some_and(|own| which(own.order.cmp(&order)))
                })
            };
            let by = match kind {
                Kind::Bool => &["eq"][..],
                Kind::Text => &["eq", "ne", "in", "starts_with"],
                Kind::Mood | Kind::Uuid => &["eq", "ne", "in"],
                _ => &["eq", "ne", "in", "lt", "lte", "gt", "gte"],
            };
            match *random.pick(by) {
                "eq" => ("eq", given, is(Ordering::is_eq)),
                "ne" => ("ne", given, is(Ordering::is_ne)),
                "lt" => ("lt", given, is(Ordering::is_lt)),
                "lte" => ("lte", given, is(Ordering::is_le)),
                "gt" => ("gt", given, is(Ordering::is_gt)),
                "gte" => ("gte", given, is(Ordering::is_ge)),
                "in" => {
                    let two = two.scalar()?.clone();
                    let orders = [one.order, two.order];
                    let holds = move |cell: &Cell| {
                        cell.scalar().is_some_and(|own| orders.contains(&own.order))
                    };
                    ("in", json!([given, two.given?]), Box::new(holds))
                }
                _ => {
                    let length = 1 + random.below(3);
                    let prefix: String = one.text.chars().take(length).collect();
                    // An empty one is refused, as it says nothing.
                    if prefix.is_empty() {
                        return None;
                    }
                    let given = json!(prefix);
                    let holds = move |cell: &Cell| {
                        cell.scalar()
                            .is_some_and(|own| own.text.starts_with(&prefix))
                    };
                    ("starts_with", given, Box::new(holds))
                }
            }
        }
    };
    Some(Test {
        column,
        by,
        given,
        holds,
    })
}

/// A condition on a range of whole numbers.
fn range(random: &mut Random) -> (&'static str, Value, Holds) {
    let least = i128::from(i64::MIN);
    let ends = move |lower: Option<i64>, upper: Option<i64>| {
        (
            lower.map_or(least, i128::from),
            upper.map_or(i128::from(i64::MAX), i128::from),
        )
    };
    if random.once_in(2) {
        let element = bound(random).unwrap_or(0);
        let holds = move |cell: &Cell| match cell {
            Cell::Range(Some((lower, upper))) => {
                let (lower, upper) = ends(*lower, *upper);
                (lower..upper).contains(&i128::from(element))
            }
            _ => false,
        };
        return ("contains", json!(element), Box::new(holds));
    }
    let (one, other) = (bound(random), bound(random));
    let (lower, upper) = match (one, other) {
        (Some(one), Some(other)) => (Some(one.min(other)), Some(one.max(other))),
        sides => sides,
    };
    let mut bounds = *random.pick(&["[)", "[]", "(]", "()"]);
    // PostgreSQL has no integer that would be the next.
    if [lower, upper].contains(&Some(i32::MAX.into())) {
        bounds = "[)";
    }
    let mut given = Map::new();
    given.extend(lower.map(|lower| ("lower".to_owned(), json!(lower))));
    given.extend(upper.map(|upper| ("upper".to_owned(), json!(upper))));
    if bounds != "[)" || random.once_in(2) {
        given.insert("bounds".to_owned(), json!(bounds));
    }
    let (mut from, mut to) = ends(lower, upper);
    from += i128::from(lower.is_some() && bounds.starts_with('('));
    to += i128::from(upper.is_some() && bounds.ends_with(']'));
    let holds = move |cell: &Cell| match cell {
        Cell::Range(Some((lower, upper))) => {
            let (lower, upper) = ends(*lower, *upper);
            lower.max(from) < upper.min(to)
        }
        _ => false,
    };
    ("overlaps", Value::Object(given), Box::new(holds))
}

/// A filter: conditions that all hold, and lists of them of which one holds.
#[derive(Default)]
pub(super) struct Filter {
    all: Vec<Test>,
    any: Vec<Vec<Test>>,
}

impl Filter {
    /// A filter by these columns.
    pub(super) fn new(table: &Table, columns: &[usize], random: &mut Random) -> Self {
        let mut filter = Self::default();
        if columns.is_empty() {
            return filter;
        }
        let some = |most: usize, random: &mut Random| {
            let mut tests: Vec<Test> = Vec::new();
            for _ in 0..random.below(most + 1) {
                let column = *random.pick(columns);
                let test = test(table, column, random);
                let is_new = |test: &Test| {
                    !tests
                        .iter()
                        .any(|t| t.column == test.column && t.by == test.by)
                };
                tests.extend(test.filter(is_new));
            }
            tests
        };
        filter.all = some(2, random);
        if random.once_in(2) {
            filter.any = vec![some(2, random), some(2, random), some(1, random)];
            filter.any.retain(|tests| !tests.is_empty());
        }
        filter
    }

    /// As a caller writes it.
    pub(super) fn json(&self, any: &str, names: &[String]) -> Value {
        let object = |tests: &[Test]| {
            let mut object = Map::new();
            for test in tests {
                let of_column = object
                    .entry(names[test.column].clone())
                    .or_insert_with(|| json!({}));
                of_column[test.by] = test.given.clone();
            }
            object
        };
        let mut filter = object(&self.all);
        if !self.any.is_empty() {
            let each: Vec<Value> = self.any.iter().map(|tests| object(tests).into()).collect();
            filter.insert(any.to_owned(), each.into());
        }
        filter.into()
    }

    pub(super) fn holds(&self, row: &[Cell]) -> bool {
        let all = |tests: &[Test]| tests.iter().all(|test| (test.holds)(&row[test.column]));
        all(&self.all) && (self.any.is_empty() || self.any.iter().any(|tests| all(tests)))
    }
}
