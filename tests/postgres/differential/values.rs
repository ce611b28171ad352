//! Values as a model of their own has them: how they are written in SQL, how they are shown, how a caller
//! writes them, and which comes before which.

use serde_json::{Number, Value, json};

/// Numbers that only look random (SplitMix64): a case is known by its seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most.max(1)).unwrap()).unwrap()
    }

    /// One of so many.
    pub(super) fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Some of them, in any order.
    pub(super) fn some<T: Clone>(&mut self, all: &[T], most: usize) -> Vec<T> {
        let mut left = all.to_vec();
        let mut chosen = Vec::new();
        for _ in 0..self.below(most + 1) {
            if !left.is_empty() {
                chosen.push(left.remove(self.below(left.len())));
            }
        }
        chosen
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Big,
    Numeric,
    Text,
    Bool,
    Date,
    Instant,
    Mood,
    Uuid,
    Texts,
    Range,
}

pub(super) const KINDS: [Kind; 11] = [
    Kind::Int,
    Kind::Big,
    Kind::Numeric,
    Kind::Text,
    Kind::Bool,
    Kind::Date,
    Kind::Instant,
    Kind::Mood,
    Kind::Uuid,
    Kind::Texts,
    Kind::Range,
];

/// In the order of the enumeration, which is not the alphabet's.
pub(super) const MOODS: [&str; 5] = ["zebra", "apple", "it's \"fine\"", "NULL", "a,b{} \\"];

impl Kind {
    pub(super) fn sql(self, schema: &str) -> String {
        match self {
            Self::Int => "int".to_owned(),
            Self::Big => "bigint".to_owned(),
            Self::Numeric => "numeric".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Instant => "timestamptz".to_owned(),
            Self::Mood => format!("{schema}.mood"),
            Self::Uuid => "uuid".to_owned(),
            Self::Texts => "text[]".to_owned(),
            Self::Range => "int4range".to_owned(),
        }
    }

    /// Whether it has an order that callers may ask for.
    pub(super) fn is_scalar(self) -> bool {
        !matches!(self, Self::Texts | Self::Range)
    }
}

/// What comes before what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Number(i128),
    /// By code point: the cluster's locale is C.
    Text(String),
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Scalar(Scalar),
    Texts(Vec<Option<String>>),
    /// Bounds `[)`; nothing: it is empty.
    Range(Option<(Option<i64>, Option<i64>)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    pub(super) order: Order,
    /// As PostgreSQL writes it, in UTC.
    pub(super) text: String,
    pub(super) shown: Value,
    /// As a caller writes it; nothing: no caller can.
    pub(super) given: Option<Value>,
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Cell {
    pub(super) fn sql(&self, r#type: &str) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Scalar(scalar) => format!("{}::{type}", quoted(&scalar.text)),
            Self::Texts(texts) => {
                let each = texts.iter().map(|text| match text {
                    Some(text) => quoted(text),
                    None => "NULL".to_owned(),
                });
                format!("ARRAY[{}]::text[]", each.collect::<Vec<_>>().join(","))
            }
            Self::Range(None) => "'empty'".to_owned(),
            Self::Range(Some((lower, upper))) => {
                let side = |side: &Option<i64>| side.map_or("NULL".to_owned(), |n| n.to_string());
                format!("int4range({},{})", side(lower), side(upper))
            }
        }
    }

    pub(super) fn shown(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Scalar(scalar) => scalar.shown.clone(),
            Self::Texts(texts) => json!(texts),
            Self::Range(None) => json!({"empty": true}),
            Self::Range(Some((lower, upper))) => {
                let open = if lower.is_some() { "[)" } else { "()" };
                json!({"lower": lower, "upper": upper, "bounds": open})
            }
        }
    }

    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
}

fn scalar(order: i128, text: String, shown: Value, given: Option<Value>) -> Cell {
    let order = Order::Number(order);
    Cell::Scalar(Scalar {
        order,
        text,
        shown,
        given,
    })
}

fn word(text: &str) -> Cell {
    Cell::Scalar(Scalar {
        order: Order::Text(text.to_owned()),
        text: text.to_owned(),
        shown: json!(text),
        given: Some(json!(text)),
    })
}

/// Any value but null.
pub(super) fn any(kind: Kind, random: &mut Random) -> Cell {
    match kind {
        Kind::Int => {
            let edges = [i32::MIN, i32::MAX, 0, -1, 1_000_000];
            let small = i32::try_from(random.below(6)).unwrap() - 2;
            let number = if random.once_in(4) {
                *random.pick(&edges)
            } else {
                small
            };
            scalar(
                number.into(),
                number.to_string(),
                json!(number),
                Some(json!(number)),
            )
        }
        Kind::Big => {
            let edges = [
                i64::MIN,
                i64::MAX,
                9_007_199_254_740_993,
                9_007_199_254_740_992,
            ];
            let small = i64::try_from(random.below(6)).unwrap() - 2;
            let number = if random.once_in(3) {
                *random.pick(&edges)
            } else {
                small
            };
            let text = json!(number.to_string());
            let given = if random.once_in(2) {
                json!(number)
            } else {
                text.clone()
            };
            scalar(number.into(), number.to_string(), text, Some(given))
        }
        Kind::Numeric => numeric(random),
        Kind::Text => {
            let text = *random.pick(&TEXTS);
            word(text)
        }
        Kind::Bool => {
            let is = random.once_in(2);
            scalar(is.into(), is.to_string(), json!(is), Some(json!(is)))
        }
        Kind::Date => date(random),
        Kind::Instant => instant(random),
        Kind::Mood => {
            let at = random.below(MOODS.len());
            let label = MOODS[at];
            let order = i128::try_from(at).unwrap();
            scalar(order, label.to_owned(), json!(label), Some(json!(label)))
        }
        Kind::Uuid => {
            let number = if random.once_in(2) { 7 } else { random.next() };
            let digits = format!("{number:016x}{:016x}", random.below(3));
            let part = |from: usize, to: usize| digits[from..to].to_owned();
            let parts = [
                part(0, 8),
                part(8, 12),
                part(12, 16),
                part(16, 20),
                part(20, 32),
            ];
            let text = parts.join("-");
            let given = if random.once_in(2) {
                text.to_uppercase()
            } else {
                text.clone()
            };
            Cell::Scalar(Scalar {
                order: Order::Text(text.clone()),
                shown: json!(text),
                given: Some(json!(given)),
                text,
            })
        }
        Kind::Texts => {
            let mut text = || (!random.once_in(6)).then(|| (*random.pick(&TEXTS)).to_owned());
            let mut texts = vec![text(), text(), text()];
            texts.truncate(random.below(4));
            Cell::Texts(texts)
        }
        Kind::Range => {
            let (lower, upper) = (bound(random), bound(random));
            match (lower, upper) {
                (Some(lower), Some(upper)) if lower == upper => Cell::Range(None),
                (Some(lower), Some(upper)) => {
                    Cell::Range(Some((Some(lower.min(upper)), Some(lower.max(upper)))))
                }
                sides => Cell::Range(Some(sides)),
            }
        }
    }
}

/// A bound of a range; nothing: it has none there.
pub(super) fn bound(random: &mut Random) -> Option<i64> {
    let edges = [i64::from(i32::MIN), i64::from(i32::MAX)];
    match random.below(8) {
        0 => None,
        1 => Some(*random.pick(&edges)),
        _ => Some(i64::try_from(random.below(7)).unwrap() - 3),
    }
}

pub(super) const TEXTS: [&str; 20] = [
    "",
    " ",
    "a",
    "A",
    "ab",
    "b",
    "ä",
    "a%",
    "a_",
    "a\\",
    "%",
    "'",
    "\"",
    "null",
    "NULL",
    "{a,b}",
    "\t\n",
    "🦀",
    "\u{ffff}",
    "'; DROP TABLE x; --",
];

fn numeric(random: &mut Random) -> Cell {
    let special = [
        ("NaN", i128::MAX, Some(json!("NaN"))),
        ("Infinity", i128::MAX - 1, None),
        ("-Infinity", i128::MIN, None),
    ];
    if random.once_in(6) {
        let (text, order, given) = random.pick(&special).clone();
        return scalar(order, text.to_owned(), json!(text), given);
    }
    let scale = u32::try_from(random.below(4)).unwrap();
    let edges = [
        123_456_789_012_345_678_901_234_567_890,
        -99_999_999_999_999_999_999_999,
    ];
    let unscaled: i128 = match random.once_in(5) {
        true => *random.pick(&edges),
        false => i128::try_from(random.below(40)).unwrap() - 20,
    };
    let ten = 10_i128.pow(scale);
    let (whole, part) = (unscaled.abs() / ten, unscaled.abs() % ten);
    let sign = if unscaled < 0 { "-" } else { "" };
    let text = match scale {
        0 => format!("{sign}{whole}"),
        _ => format!(
            "{sign}{whole}.{part:0width$}",
            width = usize::try_from(scale).unwrap()
        ),
    };
    let given = match random.once_in(2) {
        true => Value::Number(serde_json::from_str::<Number>(&text).unwrap()),
        false => json!(text),
    };
    let order = unscaled * 10_i128.pow(4 - scale);
    scalar(order, text.clone(), json!(text), Some(given))
}

/// A day: its place among days, year, month and day as texts, and ` BC` where it is one.
fn day(random: &mut Random) -> (i128, String, &'static str) {
    let years = [-43, 0, 1, 1999, 2024, 2024, 2024, 9999, 12024];
    let year: i128 = *random.pick(&years);
    let month = 1 + i128::try_from(random.below(3)).unwrap();
    let of_month = [1, 2, 28][random.below(3)];
    let (written, era) = if year > 0 {
        (year, "")
    } else {
        (1 - year, " BC")
    };
    let text = format!("{written:04}-{month:02}-{of_month:02}");
    (year * 372 + month * 31 + of_month, text, era)
}

const ENDLESS: [(&str, i128); 2] = [("infinity", i128::MAX), ("-infinity", i128::MIN)];

fn date(random: &mut Random) -> Cell {
    if random.once_in(6) {
        let (text, order) = *random.pick(&ENDLESS);
        return scalar(order, text.to_owned(), json!(text), Some(json!(text)));
    }
    let (order, text, era) = day(random);
    let text = format!("{text}{era}");
    scalar(order, text.clone(), json!(text), Some(json!(text)))
}

fn instant(random: &mut Random) -> Cell {
    if random.once_in(6) {
        let (text, order) = *random.pick(&ENDLESS);
        return scalar(order, text.to_owned(), json!(text), Some(json!(text)));
    }
    let (day, date, era) = day(random);
    let times = [
        ("00:00:00", 0),
        ("00:00:00.000001", 1),
        ("07:30:00", 27_000_000_000),
        ("23:59:59.5", 86_399_500_000),
    ];
    let (time, micros) = *random.pick(&times);
    let order = day * 86_400_000_000 + micros;
    let given = match random.below(3) {
        0 => format!("{date}T{time}Z{era}"),
        1 => format!("{date} {time}{era}"),
        _ => format!("{date}T{time}+00:00{era}"),
    };
    scalar(
        order,
        format!("{date} {time}+00{era}"),
        json!(format!("{date}T{time}+00:00{era}")),
        Some(json!(given)),
    )
}
