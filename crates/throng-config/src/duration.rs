//! Times as settings say them: `300ms`, `5s`, `1h 30m`. Pure.

use std::time::Duration;

/// How serde asks for a [`Duration`]; the name and the keys tell it from a struct of somebody else's.
pub(crate) const NAME: &str = "Duration";
pub(crate) const FIELDS: [&str; 2] = ["secs", "nanos"];

/// What an operator is told.
pub(crate) const EXPECTED: &str = "a time with its unit, such as 300ms, 5s or 1h30m";

/// Reads whole numbers, each with a unit: `ns`, `us`, `ms`, `s`, `m`, `h` or `d`. Zero needs none.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut sum = None;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        let part = of_unit(unit)?.checked_mul(number.parse().ok()?)?;
        sum = Some(sum.unwrap_or(Duration::ZERO).checked_add(part)?);
        rest = after.trim_start();
    }
    sum
}

fn split(text: &str, is_of_it: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_of_it(c)).unwrap_or(text.len()))
}

fn of_unit(unit: &str) -> Option<Duration> {
    Some(match unit {
        "ns" => Duration::from_nanos(1),
        "us" | "µs" => Duration::from_micros(1),
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" | "min" => Duration::from_secs(60),
        "h" => Duration::from_secs(3_600),
        "d" => Duration::from_secs(86_400),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l5_a_time_is_numbers_with_units_and_nothing_else() {
        let milliseconds = |number| Some(Duration::from_millis(number));
        let cases = [
            ("300ms", milliseconds(300)),
            (" 5 s ", milliseconds(5_000)),
            ("1h30m", milliseconds(5_400_000)),
            ("1h 30min", milliseconds(5_400_000)),
            ("2d", milliseconds(172_800_000)),
            ("7us", Some(Duration::from_micros(7))),
            ("7µs 1ns", Some(Duration::from_nanos(7_001))),
            ("0", milliseconds(0)),
            ("0s", milliseconds(0)),
            ("", None),
            ("5", None),
            ("s", None),
            ("-5s", None),
            ("1.5s", None),
            ("5 parsecs", None),
            ("5s5", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
            ("4294967295d", Some(Duration::from_secs(4_294_967_295 * 86_400))),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
