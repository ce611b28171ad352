//! Numbers as they are written: compared exactly, however many digits they have.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// A JSON number in its parts: `±0.digits × 10^point`. Zero has no digits and no sign.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// Without zeros at either end.
    digits: String,
    point: i64,
}

impl Decimal {
    /// Takes time in proportion to the text, whatever its exponent.
    fn new(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let led = all.trim_start_matches('0');
        let digits = led.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Self {
                negative: false,
                digits,
                point: 0,
            };
        }
        // An exponent that no `i64` holds is beyond every other, on its own side.
        let exponent = exponent.parse().unwrap_or(match exponent.starts_with('-') {
            true => i64::MIN,
            false => i64::MAX,
        });
        let whole = i64::try_from(whole.len()).unwrap_or(i64::MAX);
        let zeros = i64::try_from(all.len() - led.len()).unwrap_or(i64::MAX);
        Self {
            negative,
            digits,
            point: exponent.saturating_add(whole - zeros),
        }
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let nothing = other.digits.is_empty().cmp(&self.digits.is_empty());
        let point = self.point.cmp(&other.point);
        nothing
            .then(point)
            .then_with(|| self.digits.cmp(&other.digits))
    }
}

/// How two numbers compare, exactly: `1e2` and `100.0` are equal.
pub fn compare(one: &Number, other: &Number) -> Ordering {
    let (one, other) = (Decimal::new(one.as_str()), Decimal::new(other.as_str()));
    match (one.negative, other.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => one.magnitude(&other),
        (true, true) => other.magnitude(&one),
    }
}

/// Whether a number has no fraction, however it is written: `5.0` and `5e3` have none.
pub fn is_integral(number: &Number) -> bool {
    let decimal = Decimal::new(number.as_str());
    let length = i64::try_from(decimal.digits.len()).unwrap_or(i64::MAX);
    length <= decimal.point || length == 0
}

/// Whether two values are equal in the sense of JSON Schema: numbers by what they are, not by how
/// they are written (2020-12 core §4.2.2).
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => compare(one, other).is_eq(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
        }
        (Value::Object(one), Value::Object(other)) => same_fields(one, other),
        _ => one == other,
    }
}

fn same_fields(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let same = |(key, value): (&String, &Value)| other.get(key).is_some_and(|o| same(value, o));
    one.len() == other.len() && one.iter().all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_compare_as_they_are() {
        let ascending = [
            "-1e999999999999999999999",
            "-1e40",
            "-9007199254740993",
            "-9007199254740992",
            "-1.50",
            "-1",
            "-0.1",
            "-1e-999999999999999999999",
            "0",
            "1e-999999999999999999999",
            "0.01",
            "0.011",
            "1",
            "1.5",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e40",
            "1e999999999999999999999",
        ];
        for (i, one) in ascending.iter().enumerate() {
            for (j, other) in ascending.iter().enumerate() {
                let found = compare(&number(one), &number(other));
                assert_eq!(found, i.cmp(&j), "{one} {other}");
            }
        }
        for (one, other) in [
            ("-0", "0"),
            ("0e5", "0.000"),
            ("100", "1e2"),
            ("100.0", "1E+2"),
            ("0.5", "50e-2"),
            ("12.340e2", "1234"),
        ] {
            assert!(compare(&number(one), &number(other)).is_eq(), "{one}");
        }
    }

    #[test]
    fn integers_however_written() {
        for (text, want) in [
            ("5000.5", false),
            ("5001e-1", false),
            ("0.5", false),
            ("1e-999999999999999999999", false),
            ("5.0", true),
            ("-5e3", true),
            ("0.00", true),
            ("-0", true),
            ("50e-1", true),
            ("12.340e2", true),
            ("1e999999999999999999999", true),
        ] {
            assert_eq!(is_integral(&number(text)), want, "{text}");
        }
    }

    #[test]
    fn equal_values() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (one, other, want) in [
            (r#"{"a":1,"b":[2.0]}"#, r#"{"b":[2],"a":1e0}"#, true),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#, false),
            ("[1]", "[1,1]", false),
            ("1", r#""1""#, false),
            ("null", "false", false),
        ] {
            assert_eq!(same(&read(one), &read(other)), want, "{one} {other}");
        }
    }
}
