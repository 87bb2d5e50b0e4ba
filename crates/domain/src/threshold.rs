//! Threshold ranges of the plugin guideline, and what a value means against them.
//!
//! Ends are inclusive as the guideline says; the range helper of current monitoring-plugins leaves the end out when the
//! start is infinite, and is not followed. Text that is left over is refused here, where C's `strtod` would take `10abc`.

use std::fmt;
use std::str::FromStr;

use crate::Status;

/// A range of values that alerts outside of itself, or inside when it began with `@`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Lower end; minus infinity for `~`.
    pub start: f64,
    /// Upper end; plus infinity when left out.
    pub end: f64,
    /// `@`: alert when the value is inside, ends included.
    pub inside: bool,
}

/// Why a text is not a threshold range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("a threshold range cannot be empty; leave the threshold out instead")]
    Empty,
    #[error("a threshold range has at most {} characters", Range::TEXT_MAX)]
    TooLong,
    #[error("{text:?} is not a number; a range reads like 10, 10:, ~:10, 10:20 or @10:20")]
    Number { text: String },
    #[error("the colon needs a start before it: write 0:{end} or ~:{end}")]
    NoStart { end: String },
    #[error("the range starts above its end; write the lower number first")]
    Reversed,
}

impl Range {
    /// Characters in the longest text: two numbers with more digits than a double holds.
    pub const TEXT_MAX: usize = 100;

    /// Alerts above `end` and below zero: `end` in the guideline's notation.
    pub const fn up_to(end: f64) -> Self {
        Self { start: 0.0, end, inside: false }
    }

    /// Alerts below `start`: `start:`.
    pub const fn at_least(start: f64) -> Self {
        Self { start, end: f64::INFINITY, inside: false }
    }

    /// Alerts above `end` only: `~:end`.
    pub const fn at_most(end: f64) -> Self {
        Self { start: f64::NEG_INFINITY, end, inside: false }
    }

    /// Whether `value` alerts. A value that is not a number alerts outside every range.
    pub fn alerts(&self, value: f64) -> bool {
        let inside = self.start <= value && value <= self.end;
        inside == self.inside
    }
}

/// Critical is tested before warning; without thresholds all is well; a value that is not finite is unknown.
pub fn evaluate(value: f64, warn: Option<Range>, crit: Option<Range>) -> Status {
    let alerts = |range: Option<Range>| range.is_some_and(|range| range.alerts(value));
    match () {
        () if !value.is_finite() => Status::Unknown,
        () if alerts(crit) => Status::Critical,
        () if alerts(warn) => Status::Warning,
        () => Status::Ok,
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(raw: &str) -> Result<Self, RangeError> {
        if raw.is_empty() {
            return Err(RangeError::Empty);
        }
        if raw.len() > Self::TEXT_MAX {
            return Err(RangeError::TooLong);
        }
        let (inside, body) = match raw.strip_prefix('@') {
            Some(body) => (true, body),
            None => (false, raw),
        };
        let number =
            |text: &str| parse_number(text).ok_or_else(|| RangeError::Number { text: text.to_owned() });
        let (start, end) = match body.split_once(':') {
            Some(("", end)) => return Err(RangeError::NoStart { end: end.to_owned() }),
            Some((start, end)) => (
                if start == "~" { f64::NEG_INFINITY } else { number(start)? },
                if end.is_empty() { f64::INFINITY } else { number(end)? },
            ),
            None => (0.0, number(body)?),
        };
        if start > end {
            return Err(RangeError::Reversed);
        }
        Ok(Self { start, end, inside })
    }
}

impl fmt::Display for Range {
    /// The shortest text that parses to the same range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        if self.start == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.start != 0.0 || self.end == f64::INFINITY {
            write!(f, "{}:", Plain(self.start))?;
        }
        if self.end == f64::INFINITY { Ok(()) } else { write!(f, "{}", Plain(self.end)) }
    }
}

/// A finite number in the guideline's notation; very large and very small ones with an exponent.
pub(crate) struct Plain(pub(crate) f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.0 == 0.0 { 0.0 } else { self.0 };
        match value.abs() {
            0.0 => f.write_str("0"),
            1e-6..1e17 => write!(f, "{value}"),
            _ => write!(f, "{value:e}"),
        }
    }
}

/// A finite number: `-`, digits with an optional point, an optional exponent; nothing before or after.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    match number_prefix(text)? {
        len if len == text.len() => text.parse().ok().filter(|value: &f64| value.is_finite()),
        _ => None,
    }
}

/// Bytes at the start of `text` that are a number by the grammar; `None` if there are none.
pub(crate) fn number_prefix(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let start = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(start);
    let mut at = start + whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if whole == 0 && fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        // `1EB` is one exabyte, not a number with half an exponent.
        let exponent = digits((at + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(raw: &str) -> Range {
        raw.parse().unwrap()
    }

    /// The table of the guideline: text, values that alert, values that do not.
    #[test]
    fn the_guidelines_table_holds() {
        let table: [(&str, &[f64], &[f64]); 9] = [
            ("10", &[-0.1, 10.1], &[0.0, 5.0, 10.0]),
            ("10:", &[9.9, -1.0], &[10.0, 1e9]),
            ("~:10", &[10.1], &[10.0, -1e9]),
            ("10:20", &[9.9, 20.1], &[10.0, 15.0, 20.0]),
            ("@10:20", &[10.0, 15.0, 20.0], &[9.9, 20.1]),
            ("@~:0", &[0.0, -1.0], &[0.1]),
            ("~:", &[], &[-1e300, 0.0, 1e300]),
            ("@~:", &[-1e300, 0.0, 1e300], &[]),
            ("-10:-5.5", &[-10.1, -5.4], &[-10.0, -5.5]),
        ];
        for (text, alerting, quiet) in table {
            for value in alerting {
                assert!(range(text).alerts(*value), "{text} must alert at {value}");
            }
            for value in quiet {
                assert!(!range(text).alerts(*value), "{text} must not alert at {value}");
            }
        }
    }

    #[test]
    fn left_over_text_and_reversed_ends_are_refused() {
        for bad in [
            "", "10abc", "abc", "10:20:30", "20:10", "-1", "@", "@:", ":10", "~", "10:~", "~:~", "1,5",
            " 10", "10 ", "inf", "nan", "~:inf", "0x10", "1e999", "+1", "--1", ".", "1e", "10%", "@@1",
            "1:@2",
        ] {
            assert!(bad.parse::<Range>().is_err(), "{bad:?}");
        }
        assert_eq!("20:10".parse::<Range>(), Err(RangeError::Reversed));
        assert!("1".repeat(101).parse::<Range>().is_err());
    }

    #[test]
    fn numbers_may_have_points_and_exponents() {
        assert_eq!(range("1e3"), Range::up_to(1000.0));
        assert_eq!(range(".5:"), Range::at_least(0.5));
        assert_eq!(range("~:5."), Range::at_most(5.0));
        assert_eq!(range("-1.5e-2:2E+1"), Range { start: -0.015, end: 20.0, inside: false });
    }

    #[test]
    fn critical_comes_before_warning_and_nothing_is_ok() {
        let (warn, crit) = (Some(range("80")), Some(range("90")));
        assert_eq!(evaluate(85.0, warn, crit), Status::Warning);
        assert_eq!(evaluate(95.0, warn, crit), Status::Critical);
        assert_eq!(evaluate(90.0, warn, crit), Status::Warning);
        assert_eq!(evaluate(80.0, warn, crit), Status::Ok);
        assert_eq!(evaluate(1e9, None, None), Status::Ok);
        assert_eq!(evaluate(f64::NAN, warn, crit), Status::Unknown);
    }

    #[test]
    fn prints_the_short_form() {
        for text in
            ["10", "10:", "~:10", "10:20", "@10:20", "@~:0", "~:", "0:", "@0:", "-5:5", "1e300", "@1e-9"]
        {
            assert_eq!(range(text).to_string(), text);
        }
        assert_eq!(range("0:10").to_string(), "10");
    }

    proptest! {
        #[test]
        fn printed_ranges_parse_back(a in proptest::num::f64::NORMAL | proptest::num::f64::ZERO, b in proptest::num::f64::NORMAL, inside: bool, low: bool, high: bool) {
            let start = if low { f64::NEG_INFINITY } else { a.min(b) };
            let end = if high { f64::INFINITY } else { a.max(b) };
            let range = Range { start, end, inside };
            prop_assert_eq!(range.to_string().parse::<Range>().unwrap(), range);
        }

        #[test]
        fn any_text_is_survived(raw in "\\PC{0,120}", near in "[@~:0-9.eE+-]{0,20}") {
            for text in [raw, near] {
                if let Ok(range) = text.parse::<Range>() {
                    prop_assert!(range.start <= range.end);
                    prop_assert_eq!(range.to_string().parse::<Range>().unwrap(), range);
                }
            }
        }
    }
}
