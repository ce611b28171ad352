//! Dates of HTTP, in all three forms that a recipient must read (RFC 9110 §5.6.7).

/// Names of months, as they are written in dates.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY: u64 = 24 * 60 * 60;

/// Seconds from 1970-01-01T00:00:00Z to a date: `Sun, 06 Nov 1994 08:49:37 GMT`,
/// `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let words = text.split([' ', ',', '-']).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let ([_, day, month, year, time, "GMT"] | [_, month, day, time, year]) = *words.as_slice()
    else {
        return None;
    };
    let number = |text: &str, below: u64| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = text.parse().ok().filter(|_| digits)?;
        (number < below).then_some(number)
    };
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year = match (number(year, 10_000)?, year.len()) {
        (short @ 0..70, 2) => 2_000 + short,
        (short, 2) => 1_900 + short,
        (year, 4) if year >= 1970 => year,
        _ => return None,
    };
    let day = number(day, 32).filter(|day| *day > 0)?;
    let mut clock = time.split(':');
    let mut part = |below| number(clock.next()?, below);
    // A leap second is the 61st.
    let (hours, minutes, seconds) = (part(24)?, part(60)?, part(61)?);
    if clock.next().is_some() {
        return None;
    }
    let days = days_before(year, month)? + day - 1;
    Some(days * DAY + hours * 3_600 + minutes * 60 + seconds)
}

/// Days from 1970-01-01 to the first of a month, which counts from 0.
fn days_before(year: u64, month: usize) -> Option<u64> {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let before = year.checked_sub(1)?;
    let years = (year - 1970) * 365 + leaps(before) - leaps(1969);
    let ends = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_day = u64::from(month > 1 && leap(year));
    Some(years + ends.get(month)? + leap_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, want) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Tue, 29 Feb 2028 23:59:60 GMT", Some(1_835_481_600)),
            ("Fri, 01 Mar 2999 00:00:00 GMT", Some(32_477_241_600)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
            ("Sun, +6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1969 08:49:37 GMT", None),
            ("Sun, 06 Nov 99999999999999999999 08:49:37 GMT", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
    }
}
