//! Instants as SAML writes them: `2026-11-21T18:00:00.123Z`, always UTC (core, 1.3.3).

use wk_domain::Timestamp;

/// Reads `xs:dateTime` in UTC; fractions below a millisecond are cut off.
pub(crate) fn read(raw: &str) -> Option<Timestamp> {
    let raw = raw.trim();
    if !raw.is_ascii() || raw.len() > 40 {
        return None;
    }
    let (date, clock) = raw.strip_suffix('Z')?.split_once('T')?;
    let digits = |text: &str, count: usize| -> Option<i64> {
        (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let mut parts = date.split('-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() {
        return None;
    }
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(c, f)| (c, Some(f)));
    let mut parts = clock.split(':');
    let (hour, minute, second) =
        (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let ms = match fraction {
        None => 0,
        Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{text:0<3}").get(..3)?.parse::<i64>().ok()?
        }
        Some(_) => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if year < 1970 || day < 1 || day > length {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp::from_ms(seconds * 1_000 + ms))
}

/// Days since 1970 of a date in the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970 (`civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

fn parts(at: Timestamp) -> (i64, i64, i64, i64, i64, i64) {
    let seconds = at.as_ms().div_euclid(1_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    (year, month, day, of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// Writes an instant in whole seconds.
pub(crate) fn write(at: Timestamp) -> String {
    let (year, month, day, hour, minute, second) = parts(at);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// An instant as X.509's GeneralizedTime.
pub(crate) fn generalized(at: Timestamp) -> String {
    let (year, month, day, hour, minute, second) = parts(at);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_read_as_utc_and_nothing_else() {
        let ms = |raw: &str| read(raw).map(Timestamp::as_ms);
        assert_eq!(ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(ms("2026-11-21T18:00:00Z"), Some(1_795_284_000_000));
        assert_eq!(ms("2026-11-21T18:00:00.1239999Z"), Some(1_795_284_000_123));
        assert_eq!(ms("2024-02-29T00:00:00.5Z"), Some(1_709_164_800_500));
        for wrong in [
            "",
            "Z",
            "2026-11-21",
            "2026-11-21T18:00:00",
            "2026-11-21T18:00:00+00:00",
            "2026-11-21T24:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-21T18:00:00.Z",
            "2026-11-21T18:00:00.xZ",
            "26-11-21T18:00:00Z",
            "-026-11-21T18:00:00Z",
            "2026-11-21T18:00:60Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(ms(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(seconds in 0_i64..253_402_300_799) {
            let at = Timestamp::from_ms(seconds * 1_000);
            prop_assert_eq!(read(&write(at)), Some(at));
        }

        #[test]
        fn no_text_is_too_much(text in "\\PC{0,40}") {
            let _ = read(&text);
        }
    }
}
