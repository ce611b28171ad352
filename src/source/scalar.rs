//! What a plain YAML scalar means: the core schema of YAML 1.2
//! (<https://yaml.org/spec/1.2.2/#103-core-schema>).
//!
//! `yes`, `no`, `on`, `off`, dates, `1_000` and `1:30` meant something in YAML 1.1; here they are
//! text. `012` is the number 12, as the schema says and as the other readers of OpenAPI documents
//! have it: a document should not mean something else here than in the editor it was written in.

use std::str::FromStr;

use serde_json::{Number, Value};

/// What a plain scalar is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// Null, a boolean or a number.
    Value(Value),
    /// An infinity or not-a-number, which JSON does not have.
    NotInJson,
    /// Text.
    Text,
}

/// Resolves a plain scalar. A number keeps its text as far as JSON allows; `serde_json`
/// gives an exponent a small `e` and a sign.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Value(Value::Null),
        "true" | "True" | "TRUE" => Plain::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => Plain::Value(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => Plain::NotInJson,
        _ => match text.strip_prefix(['-', '+']).unwrap_or(text) {
            ".inf" | ".Inf" | ".INF" => Plain::NotInJson,
            _ => number(text).map_or(Plain::Text, |n| Plain::Value(Value::Number(n))),
        },
    }
}

/// Whether a plain scalar is something else to other readers, or to a person: `True`, `NULL`, and
/// numbers with a leading zero (octal in YAML 1.1).
pub(super) fn is_ambiguous(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut digits = unsigned.bytes();
    let leading_zero =
        digits.next() == Some(b'0') && digits.next().is_some_and(|b| b.is_ascii_digit());
    let capital = text.starts_with(|c: char| c.is_ascii_uppercase());
    (leading_zero || capital) && matches!(resolve(text), Plain::Value(_))
}

/// What to write instead of a scalar that is ambiguous.
pub(super) fn unambiguous(text: &str) -> String {
    match resolve(text) {
        Plain::Value(value) => format!("write `{value}`, or `\"{text}\"` if it is a text"),
        _ => format!("write `\"{text}\"`"),
    }
}

/// The number that the text is, as JSON writes it: `+3` is `3`, `.5` is `0.5`, `0x1F` is `31`.
fn number(text: &str) -> Option<Number> {
    let may_begin = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.');
    text.as_bytes().first().filter(|b| may_begin(b))?;
    let json = match text.as_bytes() {
        [b'0', b'x', digits @ ..] => radix(digits, 16)?,
        [b'0', b'o', digits @ ..] => radix(digits, 8)?,
        _ => decimal(text)?,
    };
    Number::from_str(&json).ok()
}

/// Digits of another base in decimal. Numbers of more than 128 bits stay text.
fn radix(digits: &[u8], base: u32) -> Option<String> {
    let is_digit = |b: &u8| char::from(*b).is_digit(base);
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|b| is_digit(&b)).then_some(())?;
    let number = u128::from_str_radix(digits, base).ok()?;
    Some(number.to_string())
}

fn decimal(text: &str) -> Option<String> {
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let sign = if text.starts_with('-') { "-" } else { "" };
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(e) => unsigned.split_at(e),
        None => (unsigned, ""),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let has_digits = !whole.is_empty() || fraction.is_some_and(|f| !f.is_empty());
    if !has_digits || !all_digits(whole) || !fraction.is_none_or(all_digits) {
        return None;
    }
    let power = exponent.get(1..).unwrap_or_default();
    let power = power.strip_prefix(['-', '+']).unwrap_or(power);
    if !exponent.is_empty() && (power.is_empty() || !all_digits(power)) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let fraction = match fraction {
        None => String::new(),
        Some("") => ".0".to_owned(),
        Some(digits) => format!(".{digits}"),
    };
    Some(format!("{sign}{whole}{fraction}{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema() {
        let values = [
            ("", "null"),
            ("~", "null"),
            ("NULL", "null"),
            ("True", "true"),
            ("FALSE", "false"),
            ("0", "0"),
            ("-0", "-0"),
            ("200", "200"),
            ("+3", "3"),
            ("012", "12"),
            ("-007", "-7"),
            ("000", "0"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("3.10", "3.10"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("1e3", "1e+3"),
            ("1.E-03", "1.0e-03"),
            ("+12e+03", "12e+03"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ];
        for (text, json) in values {
            match resolve(text) {
                Plain::Value(value) => assert_eq!(value.to_string(), json, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        for text in [".inf", "-.Inf", "+.INF", ".nan", ".NAN"] {
            assert_eq!(resolve(text), Plain::NotInJson, "{text}");
        }
        let texts = [
            "yes",
            "off",
            "nUll",
            "tRue",
            "1_000",
            "3.0.0",
            "2020-01-01",
            "1:30",
            "-",
            "+",
            ".",
            "-.",
            "e3",
            ".e3",
            "1e",
            "1e+",
            "0x",
            "0xG",
            "0x+1",
            "-0x1",
            "0o8",
            "0b1",
            "+.nan",
            "1 2",
            "٣",
            "0xffffffffffffffffffffffffffffffffff",
        ];
        for text in texts {
            assert_eq!(resolve(text), Plain::Text, "{text}");
        }
    }
}
