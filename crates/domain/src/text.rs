//! Hostile text made fit to store and show: decoded, stripped of what steers a terminal or a reader's eye, bounded.
//!
//! Everything a monitored machine says goes through here once, at the edge. HTML is not touched: the console escapes.

use std::fmt::Write as _;
use std::time::Duration;

/// Longest escape sequence that is removed whole; a longer one only loses its escape character.
const CSI_MAX: usize = 32;

/// Text after cleaning, and whether some of it did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    pub text: String,
    /// Something was cut off at the bound.
    pub truncated: bool,
}

/// One line: line breaks become spaces, the ends are trimmed, at most `max_bytes` of UTF-8.
pub fn clean_line(raw: impl AsRef<[u8]>, max_bytes: usize) -> String {
    let cleaned = clean(raw.as_ref(), max_bytes, Breaks::ToSpaces).text;
    trim_in_place(cleaned)
}

/// Several lines: line breaks and tabs stay, white space at the end goes, at most `max_bytes` of UTF-8.
pub fn clean_text(raw: impl AsRef<[u8]>, max_bytes: usize) -> String {
    let mut text = clean(raw.as_ref(), max_bytes, Breaks::Keep).text;
    text.truncate(text.trim_end().len());
    text
}

/// As [`clean_text`] without trimming, and saying whether text was cut off.
pub fn clean_bounded(raw: impl AsRef<[u8]>, max_bytes: usize) -> Cleaned {
    clean(raw.as_ref(), max_bytes, Breaks::Keep)
}

/// True when [`clean_line`] would give the text back unchanged, apart from its length.
pub fn is_clean_line(text: &str) -> bool {
    !text.chars().any(|c| is_stripped(c) || is_break(c)) && text.trim().len() == text.len()
}

/// A span of time for people, in its two largest units: `45 s`, `25 min`, `3 h 10 min`, `2 d 4 h`.
pub fn span(span: Duration) -> String {
    let s = span.as_secs();
    let pair = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => pair(s / 60, "min", if s < 600 { s % 60 } else { 0 }, "s"),
        3_600..86_400 => pair(s / 3_600, "h", s % 3_600 / 60, "min"),
        _ => pair(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// Bytes for people in IEC units: `512 B`, `4.1 GiB`, `46 GiB`.
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = if value.is_finite() { value.max(0.0) } else { 0.0 };
    let mut unit = 0;
    // 1023.5 and more would print as 1024 of the smaller unit.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let mut out = String::new();
    let digits = usize::from(unit > 0 && value < 9.95);
    // Writing to a String does not fail.
    let _ = write!(out, "{value:.digits$} {}", UNITS[unit]);
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Breaks {
    Keep,
    ToSpaces,
}

fn clean(raw: &[u8], max_bytes: usize, breaks: Breaks) -> Cleaned {
    let mut text = String::with_capacity(raw.len().min(max_bytes));
    for chunk in raw.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            if c == '\u{1b}' {
                rest = skip_csi(rest);
                continue;
            }
            let c = match (is_break(c), breaks) {
                (true, Breaks::ToSpaces) => ' ',
                // The other breaks of Unicode would start a line in some viewers and not in others.
                (true, Breaks::Keep) if c != '\n' => ' ',
                (true, Breaks::Keep) => c,
                (false, _) if is_stripped(c) => continue,
                (false, _) => c,
            };
            if text.len() + c.len_utf8() > max_bytes {
                return Cleaned { text, truncated: true };
            }
            text.push(c);
        }
        if !chunk.invalid().is_empty() {
            if text.len() + char::REPLACEMENT_CHARACTER.len_utf8() > max_bytes {
                return Cleaned { text, truncated: true };
            }
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Cleaned { text, truncated: false }
}

/// `rest` follows an escape character: leaves out a whole colour or cursor sequence, so that no `[31m` litters the text.
fn skip_csi(rest: &str) -> &str {
    let Some(body) = rest.strip_prefix('[') else { return rest };
    let end = body.bytes().take(CSI_MAX).position(|b| !(0x20..=0x3f).contains(&b));
    match end.and_then(|end| body.as_bytes().get(end).map(|b| (end, *b))) {
        Some((end, 0x40..=0x7e)) => &body[end + 1..],
        _ => rest,
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\u{2028}' | '\u{2029}')
}

/// Control characters but tab, and the ones that reorder what a reader sees (CVE-2021-42574).
fn is_stripped(c: char) -> bool {
    (c.is_control() && c != '\t' && c != '\n')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn trim_in_place(text: String) -> String {
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invalid_bytes_become_replacement_characters() {
        assert_eq!(clean_line(b"caf\xe9 ok", 100), "caf\u{fffd} ok");
        assert_eq!(clean_line("café", 100), "café");
    }

    #[test]
    fn controls_escapes_and_bidi_are_gone() {
        assert_eq!(clean_line("a\u{0}b\u{7}c\u{9b}d\u{7f}", 100), "abcd");
        assert_eq!(clean_line("\u{1b}[31;1mRED\u{1b}[0m done\u{1b}]0;title", 100), "RED done]0;title");
        assert_eq!(clean_line("admin\u{202e}txt.exe\u{2066}", 100), "admintxt.exe");
        assert_eq!(clean_text("a\r\n\tb\u{2028}c\n\n", 100), "a\n\tb c");
        assert_eq!(clean_line(" two\nlines ", 100), "two lines");
    }

    #[test]
    fn html_is_text() {
        assert_eq!(clean_line("<script>alert(1)</script>", 100), "<script>alert(1)</script>");
    }

    #[test]
    fn cut_falls_between_characters() {
        assert_eq!(clean_bounded("ééé", 5), Cleaned { text: "éé".into(), truncated: true });
        assert_eq!(clean_bounded(b"\xff\xff", 5), Cleaned { text: "\u{fffd}".into(), truncated: true });
        assert_eq!(clean_bounded("abc", 3), Cleaned { text: "abc".into(), truncated: false });
    }

    #[test]
    fn spans_and_sizes_read_well() {
        let of = |s| span(Duration::from_secs(s));
        assert_eq!(
            [of(45), of(90), of(1500), of(11_400), of(187_200)].join(", "),
            "45 s, 1 min 30 s, 25 min, 3 h 10 min, 2 d 4 h"
        );
        let sizes = [0.0, 512.0, 1023.9, 1_536.0, 4.1 * 1024f64.powi(3), 46.4 * 1024f64.powi(3), f64::NAN];
        assert_eq!(sizes.map(bytes).join(", "), "0 B, 512 B, 1.0 KiB, 1.5 KiB, 4.1 GiB, 46 GiB, 0 B");
    }

    proptest! {
        #[test]
        fn cleaning_is_bounded_and_idempotent(raw in proptest::collection::vec(any::<u8>(), 0..300), max in 0usize..200) {
            let once = clean_line(&raw, max);
            prop_assert!(once.len() <= max);
            prop_assert!(is_clean_line(&once));
            prop_assert_eq!(&clean_line(&once, max), &once);
            let text = clean_text(&raw, max);
            prop_assert!(text.len() <= max);
            prop_assert_eq!(&clean_text(&text, max), &text);
        }

        #[test]
        fn cleaning_steers_nothing(raw in "\\PC*[\u{1b}\u{202e}\u{9b}\u{0}\\[0-9;m]{0,40}\\PC*") {
            let text = clean_text(&raw, 1000);
            let steering = text.contains(['\u{1b}', '\u{202e}', '\u{9b}', '\u{0}']);
            prop_assert!(!steering);
        }
    }
}
