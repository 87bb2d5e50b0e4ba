//! Byte parsers shared by all readers: lines, fields and numbers, without allocation and without ever failing hard.
//!
//! Everything read from a machine is hostile: numbers that do not fit are `None`, never a wrap or a panic.

/// The lines of `text`, without their line feeds. A last line without line feed counts.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n')
}

/// The fields of a line: runs of bytes that are neither space nor tab.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| *b == b' ' || *b == b'\t').filter(|f| !f.is_empty())
}

/// An unsigned decimal number, all of `text`.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let mut value = 0u64;
    for b in text {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// A signed decimal number, all of `text`.
pub(crate) fn signed(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(rest) => i64::try_from(number(rest)?).ok()?.checked_neg(),
        None => i64::try_from(number(text)?).ok(),
    }
}

/// A decimal number with an optional fraction, such as `0.42`. Never negative, always finite.
pub(crate) fn decimal(text: &[u8]) -> Option<f64> {
    let dot = text.iter().position(|b| *b == b'.');
    let Some(dot) = dot else {
        return number(text).map(|n| n as f64);
    };
    let whole = number(&text[..dot])?;
    let digits = &text[dot + 1..];
    if digits.len() > 15 {
        return None;
    }
    let fraction = number(digits)?;
    let power = 10u64.pow(digits.len() as u32);
    // The quotient of two exact numbers is the float nearest to the text, which a sum of two parts is not: 1 + 0.89 is
    // 1.8900000000000001, and keeping that takes six bytes more.
    let exact = whole.checked_mul(power).and_then(|n| n.checked_add(fraction)).filter(|n| *n <= 1 << 53);
    Some(exact.map_or_else(|| whole as f64 + fraction as f64 / power as f64, |n| n as f64 / power as f64))
}

/// An unsigned hexadecimal number without prefix, all of `text`.
pub(crate) fn hex(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let mut value = 0u64;
    for b in text {
        let digit = (*b as char).to_digit(16)?;
        value = value << 4 | u64::from(digit);
    }
    Some(value)
}

/// Without white space at both ends.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// Undoes the octal escapes of `/proc/*/mountinfo` (`\040` for a space).
pub(crate) fn unescape_octal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'\\' && at + 3 < text.len() {
            let code = text[at + 1..at + 4]
                .iter()
                .try_fold(0u32, |sum, b| (b'0'..=b'7').contains(b).then(|| sum * 8 + u32::from(b - b'0')));
            if let Some(code) = code.and_then(|c| u8::try_from(c).ok()) {
                out.push(code);
                at += 4;
                continue;
            }
        }
        out.push(text[at]);
        at += 1;
    }
    out
}

/// What `/proc/<pid>/stat` says, as far as it is used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcStat<'a> {
    /// The kernel's short name; chosen by the process itself.
    pub comm: &'a [u8],
    pub state: u8,
    pub ppid: u32,
    /// User and system time in clock ticks.
    pub cpu_ticks: u64,
    pub threads: u64,
    /// Ticks after boot.
    pub start_ticks: u64,
    pub rss_pages: u64,
}

/// Parses `/proc/<pid>/stat`. The name may hold spaces and parentheses: it ends at the **last** parenthesis.
pub(crate) fn proc_stat(text: &[u8]) -> Option<ProcStat<'_>> {
    let open = text.iter().position(|b| *b == b'(')?;
    let close = text.iter().rposition(|b| *b == b')')?;
    let comm = text.get(open + 1..close)?;
    let mut rest = fields(trim(text.get(close + 1..)?));
    let state = *rest.next()?.first()?;
    let ppid = u32::try_from(number(rest.next()?)?).ok()?;
    // Fields are numbered from 1 in proc(5); the two above are 3 and 4.
    let utime = number(rest.nth(9)?)?;
    let stime = number(rest.next()?)?;
    let threads = number(rest.nth(4)?)?;
    let start_ticks = number(rest.nth(1)?)?;
    let rss_pages = number(rest.nth(1)?)?;
    Some(ProcStat {
        comm,
        state,
        ppid,
        cpu_ticks: utime.saturating_add(stime),
        threads,
        start_ticks,
        rss_pages,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_whole_or_nothing() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for bad in [&b"18446744073709551616"[..], b"", b"-1", b"1 ", b"0x1", b"99999999999999999999999"] {
            assert_eq!(number(bad), None);
        }
        assert_eq!(signed(b"-42"), Some(-42));
        assert_eq!(decimal(b"12.25"), Some(12.25));
        assert_eq!(decimal(b"12"), Some(12.0));
        assert_eq!(decimal(b"1.89"), Some(1.89));
        assert_eq!(decimal(b"18446744073709551615.5"), Some(1.844_674_407_370_955_2e19));
        assert_eq!(decimal(b"1.2.3"), None);
        assert_eq!(hex(b"07E8"), Some(2024));
        assert_eq!(hex(b"x"), None);
    }

    #[test]
    fn a_process_cannot_forge_its_fields_through_its_name() {
        let line = b"42 (a) R 1 (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 11 31 0 0 20 0 3 0 555 1000 250 18446744073709551615 1";
        let stat = proc_stat(line).unwrap();
        assert_eq!(stat.comm, b"a) R 1 (b) c");
        assert_eq!((stat.state, stat.ppid, stat.cpu_ticks), (b'S', 7, 42));
        assert_eq!((stat.threads, stat.start_ticks, stat.rss_pages), (3, 555, 250));
        assert_eq!(proc_stat(b"42 (a"), None);
        assert_eq!(proc_stat(b")("), None);
    }

    #[test]
    fn octal_escapes_come_back() {
        assert_eq!(unescape_octal(b"/mnt/a\\040b\\134"), b"/mnt/a b\\");
        assert_eq!(unescape_octal(b"\\04"), b"\\04");
        assert_eq!(unescape_octal(b"\\777x"), b"\\777x");
    }

    proptest! {
        #[test]
        fn no_bytes_break_a_parser(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (number(&bytes), signed(&bytes), decimal(&bytes), hex(&bytes), proc_stat(&bytes));
            prop_assert!(unescape_octal(&bytes).len() <= bytes.len());
        }

        #[test]
        fn decimals_are_the_floats_nearest_to_their_text(whole in 0u64..100_000_000, fraction in 0u32..1_000_000, digits in 1usize..7) {
            let text = format!("{whole}.{:0digits$}", u64::from(fraction) % 10u64.pow(digits as u32));
            prop_assert_eq!(decimal(text.as_bytes()), text.parse::<f64>().ok());
        }

        #[test]
        fn numbers_survive_their_text(n: u64) {
            prop_assert_eq!(number(n.to_string().as_bytes()), Some(n));
            prop_assert_eq!(hex(format!("{n:x}").as_bytes()), Some(n));
        }
    }
}
