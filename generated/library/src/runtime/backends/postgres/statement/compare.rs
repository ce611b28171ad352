//! A column compared with a value: the operator of the column's own type, and the value bound as text.

use serde_json::Value;

use super::text::{Bind, Binds, cast, cast_list, operator, qualified};
use crate::runtime::args::number::is_integral;
use crate::runtime::config::Secret;
use crate::runtime::manifest::{Comparison, Form, SqlType};

/// Longest text that is bound, in bytes.
const TEXT_MAX: usize = 256 * 1024;
/// Most elements of a list that is bound.
const LIST_MAX: usize = 10_000;

/// What a column is compared with.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// A value.
    Value(&'a Value),
    /// A text that nobody is shown.
    Secret(&'a Secret),
}

/// The condition.
///
/// # Errors
///
/// What is wrong with the value: a lower-case fragment that does not repeat it.
pub(super) fn comparison(
    column: &str,
    r#type: &SqlType,
    by: Comparison,
    given: Given<'_>,
    binds: &mut Binds,
) -> Result<String, String> {
    let own = |symbol: &str| operator(&r#type.operators, symbol);
    let common = |symbol: &str| operator("pg_catalog", symbol);
    let one = |binds: &mut Binds| Ok::<_, String>(cast(&binds.add(scalar(given, r#type)?), r#type));
    Ok(match by {
        Comparison::Eq => format!("{column} {} {}", own("="), one(binds)?),
        Comparison::Ne => format!("{column} {} {}", own("<>"), one(binds)?),
        Comparison::Lt => format!("{column} {} {}", own("<"), one(binds)?),
        Comparison::Lte => format!("{column} {} {}", own("<="), one(binds)?),
        Comparison::Gt => format!("{column} {} {}", own(">"), one(binds)?),
        Comparison::Gte => format!("{column} {} {}", own(">="), one(binds)?),
        Comparison::In => {
            let list = cast_list(&binds.add(list(given, r#type)?), r#type);
            format!("{column} {} ANY ({list})", own("="))
        }
        Comparison::IsNull => match given {
            Given::Value(Value::Bool(true)) => format!("{column} IS NOT DISTINCT FROM NULL"),
            Given::Value(Value::Bool(false)) => format!("{column} IS DISTINCT FROM NULL"),
            _ => return Err("has to be true or false".to_owned()),
        },
        Comparison::StartsWith | Comparison::Contains => {
            let (before, secret) = match (by, given) {
                (Comparison::Contains, Given::Secret(_)) => ("%", true),
                (Comparison::Contains, _) => ("%", false),
                (_, Given::Secret(_)) => ("", true),
                _ => ("", false),
            };
            let pattern = format!("{before}{}%", escaped(&text(given)?));
            let pattern = binds.add(if secret {
                Bind::Secret(pattern)
            } else {
                Bind::Text(pattern)
            });
            // Of types beside PostgreSQL's own, patterns are of the type, too (citext).
            let pattern = match r#type.schema.as_str() {
                "pg_catalog" => pattern,
                _ => format!("{pattern}::{}", qualified(&r#type.schema, &r#type.name)),
            };
            format!("{column} {} {pattern}", own("~~"))
        }
        Comparison::Has => {
            let one = match scalar(given, r#type)? {
                Bind::Secret(text) | Bind::Text(text) => Bind::List(vec![text]),
                list @ Bind::List(_) => list,
            };
            let list = cast(&binds.add(one), r#type);
            format!("{column} {} {list}", common("@>"))
        }
        Comparison::HasAny => {
            let list = cast(&binds.add(list(given, r#type)?), r#type);
            format!("{column} {} {list}", common("&&"))
        }
        Comparison::ContainsElement => {
            let range = in_range(r#type, &single(&scalar_text(given, r#type)?, r#type));
            let range = cast(&binds.add(Bind::Text(range)), r#type);
            format!("{column} {} {range}", common("@>"))
        }
        Comparison::Overlaps => {
            let range = in_range(r#type, &range(given, r#type)?);
            let range = cast(&binds.add(Bind::Text(range)), r#type);
            format!("{column} {} {range}", common("&&"))
        }
        Comparison::Matches => {
            let words = binds.add(scalar(given, r#type)?);
            let query = format!("pg_catalog.websearch_to_tsquery({words})");
            format!("{column} {} {query}", common("@@"))
        }
    })
}

fn scalar(given: Given<'_>, r#type: &SqlType) -> Result<Bind, String> {
    Ok(match given {
        Given::Secret(secret) => Bind::Secret(secret.reveal().to_owned()),
        given @ Given::Value(_) => Bind::Text(scalar_text(given, r#type)?),
    })
}

/// The types whose numbers, elements or bounds are integers.
const WHOLE: [&str; 12] = [
    "int2",
    "int4",
    "int8",
    "oid",
    "_int2",
    "_int4",
    "_int8",
    "_oid",
    "int4range",
    "int8range",
    "int4multirange",
    "int8multirange",
];

/// A value, an element or a bound as text.
fn scalar_text(given: Given<'_>, r#type: &SqlType) -> Result<String, String> {
    let Given::Value(Value::Number(number)) = given else {
        return text(given);
    };
    let text = number.as_str();
    // `5.0` and `5e3` are integers in JSON Schema, and none for PostgreSQL.
    let whole = WHOLE.contains(&r#type.name.as_str());
    if whole && text.contains(['.', 'e', 'E']) && is_integral(number) {
        return whole_number(text).ok_or_else(|| "is too large".to_owned());
    }
    Ok(text.to_owned())
}

/// The range of this one element. PostgreSQL writes the upper bound of integers as the next one, and the
/// greatest has none: what holds it has no end.
fn single(element: &str, r#type: &SqlType) -> String {
    let greatest = match r#type.name.as_str() {
        "int4range" | "int4multirange" => i64::from(i32::MAX),
        "int8range" | "int8multirange" => i64::MAX,
        _ => return format!("[{element},{element}]", element = quoted(element)),
    };
    match element.parse::<i64>() {
        Ok(number) if number == greatest => format!("[{number},)"),
        _ => format!("[{element},{element}]", element = quoted(element)),
    }
}

/// The plain digits of a number without a fraction.
fn whole_number(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    // No integer type has more.
    let point = usize::try_from(point.clamp(0, 40)).ok()?;
    let digits = digits.trim_end_matches('0');
    Some(if digits.is_empty() || point == 0 {
        "0".to_owned()
    } else {
        format!("{sign}{digits:0<point$}")
    })
}

fn text(given: Given<'_>) -> Result<String, String> {
    let text = match given {
        Given::Secret(secret) => secret.reveal().to_owned(),
        Given::Value(Value::String(text)) => text.clone(),
        Given::Value(Value::Number(number)) => number.to_string(),
        Given::Value(Value::Bool(value)) => value.to_string(),
        Given::Value(_) => return Err("has to be a text, a number, true or false".to_owned()),
    };
    if text.contains('\0') {
        return Err("has a NUL character, which no text in the database has".to_owned());
    }
    if text.len() > TEXT_MAX {
        return Err(format!("is longer than {TEXT_MAX} bytes"));
    }
    Ok(text)
}

fn list(given: Given<'_>, r#type: &SqlType) -> Result<Bind, String> {
    let items = match given {
        Given::Value(Value::Array(items)) if items.len() > LIST_MAX => {
            return Err(format!("has more than {LIST_MAX} elements"));
        }
        Given::Value(Value::Array(items)) => items,
        Given::Value(_) => return Err("has to be a list".to_owned()),
        Given::Secret(_) => return Ok(Bind::List(vec![text(given)?])),
    };
    let mut texts = Vec::with_capacity(items.len());
    let mut size = 0;
    for item in items {
        match scalar(Given::Value(item), r#type)? {
            Bind::Text(text) | Bind::Secret(text) => {
                size += text.len();
                texts.push(text);
            }
            Bind::List(_) => {}
        }
    }
    if size > TEXT_MAX {
        return Err(format!("is longer than {TEXT_MAX} bytes"));
    }
    Ok(Bind::List(texts))
}

/// A text of which no character means anything in a pattern (PostgreSQL 9.7.1).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A bound of a range (PostgreSQL 8.17.5).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn range(given: Given<'_>, r#type: &SqlType) -> Result<String, String> {
    let wrong = || "has to be an object with `lower`, `upper` and `bounds`".to_owned();
    let Given::Value(Value::Object(range)) = given else {
        return Err(wrong());
    };
    let known = |key: &String| ["lower", "upper", "bounds", "empty"].contains(&key.as_str());
    if !range.keys().all(known) {
        return Err(wrong());
    }
    match range.get("empty") {
        None | Some(Value::Bool(false)) => {}
        Some(Value::Bool(true)) if range.len() == 1 => return Ok("empty".to_owned()),
        Some(_) => return Err(wrong()),
    }
    let side = |key: &str| match range.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(value) => scalar_text(Given::Value(value), r#type).map(|text| quoted(&text)),
    };
    let (open, close) = match range.get("bounds").map(Value::as_str) {
        None | Some(Some("[)")) => ('[', ')'),
        Some(Some("[]")) => ('[', ']'),
        Some(Some("(]")) => ('(', ']'),
        Some(Some("()")) => ('(', ')'),
        Some(_) => return Err(wrong()),
    };
    Ok(format!(
        "{open}{},{}{close}",
        side("lower")?,
        side("upper")?
    ))
}

/// A range as a value of the column's type, which may hold several.
fn in_range(r#type: &SqlType, range: &str) -> String {
    match r#type.form {
        Form::Multirange(_) if range == "empty" => "{}".to_owned(),
        Form::Multirange(_) => format!("{{{range}}}"),
        _ => range.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_plain_digits() {
        for (text, want) in [
            ("5.0", "5"),
            ("5e3", "5000"),
            ("-5E+3", "-5000"),
            ("50e-1", "5"),
            ("0.00", "0"),
            ("-0.0", "0"),
            ("12.340e2", "1234"),
            ("1.50e1", "15"),
        ] {
            assert_eq!(whole_number(text).as_deref(), Some(want), "{text}");
        }
        assert_eq!(whole_number("1e999").map(|text| text.len()), Some(40));
    }

    #[test]
    fn patterns_have_no_meaning() {
        assert_eq!(escaped("50%_\\"), "50\\%\\_\\\\");
        assert_eq!(quoted("a\"\\b"), "\"a\\\"\\\\b\"");
    }
}
