//! What a policy does with values before they are checked.

use serde_json::{Map, Number, Value};

use super::Clamped;
use crate::runtime::manifest::{Bound, Control};

/// Moves numbers into their bounds.
pub(super) fn clamp(controls: &[Control], values: &mut Map<String, Value>) -> Vec<Clamped> {
    let mut clamped = Vec::new();
    for control in controls {
        let Some(bound) = &control.clamp else {
            continue;
        };
        let name = control.pointer.strip_prefix('/').unwrap_or_default();
        let Some(value) = values.get_mut(&name.replace("~1", "/").replace("~0", "~")) else {
            continue;
        };
        let Some(to) = value.as_number().and_then(|number| nearest(number, bound)) else {
            continue;
        };
        let from = std::mem::replace(value, Value::Number(to.clone()));
        clamped.push(Clamped {
            pointer: control.pointer.clone(),
            from,
            to: Value::Number(to),
        });
    }
    clamped
}

/// The nearest bound, if an integer is outside its bounds.
fn nearest(number: &Number, bound: &Bound) -> Option<Number> {
    let value = integral(number.as_str())?;
    let end = |bound: &Option<Number>| {
        let bound = bound.clone()?;
        Some((integral(bound.as_str())?, bound))
    };
    let low = end(&bound.min).filter(|(min, _)| value < *min);
    let high = || end(&bound.max).filter(|(max, _)| value > *max);
    low.or_else(high).map(|(_, bound)| bound)
}

/// The integer that a JSON number is, however it is written: `5000`, `5000.0`, `5e3`. One that does
/// not fit is beyond every bound, on the side of its sign. `None` if it is no integer.
fn integral(text: &str) -> Option<i128> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let exponent = exponent.parse::<i64>().unwrap_or_else(|_| {
        if exponent.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        }
    });
    let moved = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
    let power = usize::try_from(exponent.saturating_add(moved)).ok()?;
    // An `i128` holds every number of 38 digits.
    let fits = significant.len() <= 38 && power <= 38 - significant.len();
    let value = if fits {
        format!("{significant}{}", "0".repeat(power)).parse().ok()?
    } else {
        i128::MAX
    };
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_however_written() {
        for text in ["5000.5", "5001e-1", "1e-999999999999999999999"] {
            assert_eq!(integral(text), None, "{text}");
        }
        assert_eq!(integral("12.340e2"), Some(1_234));
    }
}
