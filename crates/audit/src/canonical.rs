//! Canonical JSON (RFC 8785): a writer, and a reader that takes nothing but what the writer writes.
//!
//! The reader follows a known schema from left to right, so that form and meaning are checked in one pass without a tree
//! in between: white space, another order of keys, a second spelling of a number or a string are all refused.

use std::borrow::Cow;

/// The largest integer that every JSON reader keeps exactly.
pub(crate) const INTEGER_MAX: u64 = (1 << 53) - 1;

pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            0x08 => out.extend(b"\\b"),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            0x0c => out.extend(b"\\f"),
            b'\r' => out.extend(b"\\r"),
            0..0x20 => {
                out.extend(b"\\u00");
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

pub(crate) fn write_uint(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        // A decimal digit fits a byte.
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A finite number as ECMAScript prints it (ECMA-262, Number::toString), which RFC 8785 section 3.2.2.3 asks for.
pub(crate) fn write_number(out: &mut Vec<u8>, value: f64) {
    if value == 0.0 || !value.is_finite() {
        // Minus zero is zero; what is not finite does not reach here, and would still be a number.
        out.push(b'0');
        return;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    let (digits, exponent) = shortest(value.abs());
    let point = exponent + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |out: &mut Vec<u8>, n: i32| (0..n).for_each(|_| out.push(b'0'));
    let split = usize::try_from(point.clamp(0, count)).unwrap_or(0);
    match point {
        1..=21 if count <= point => {
            out.extend(&digits);
            zeros(out, point - count);
        }
        1..=21 => {
            out.extend(&digits[..split]);
            out.push(b'.');
            out.extend(&digits[split..]);
        }
        -5..=0 => {
            out.extend(b"0.");
            zeros(out, -point);
            out.extend(&digits);
        }
        _ => {
            out.extend(&digits[..1]);
            if count > 1 {
                out.push(b'.');
                out.extend(&digits[1..]);
            }
            out.extend(if point > 0 { b"e+" } else { b"e-" });
            write_uint(out, u64::from((point - 1).unsigned_abs()));
        }
    }
}

/// The shortest digits that read back as `value`, and the exponent of the first one.
fn shortest(value: f64) -> (Vec<u8>, i32) {
    let take = |text: &str| {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let digits: Vec<u8> = mantissa.bytes().filter(|b| *b != b'.').collect();
        (digits, exponent.parse().unwrap_or(0))
    };
    let (digits, exponent) = take(&format!("{value:e}"));
    // Of two shortest ones as near, Rust takes the larger and ECMAScript the even. They are as near when the value
    // itself has just one digit more, a five; no double has more than 767 digits.
    let odd = digits.last().is_some_and(|digit| digit % 2 == 1);
    if odd && take(&format!("{value:.*e}", digits.len())).0.last() == Some(&b'5') {
        let (exact, exact_exponent) = take(&format!("{value:.780e}"));
        let (head, tail) = exact.split_at(digits.len());
        let even = head.last().is_some_and(|digit| digit % 2 == 0);
        if even && tail.starts_with(b"5") && tail[1..].iter().all(|digit| *digit == b'0') {
            return (head.to_vec(), exact_exponent);
        }
    }
    (digits, exponent)
}

/// What was expected, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unexpected {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

pub(crate) type Read<T> = Result<T, Unexpected>;

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) const fn fail<T>(&self, expected: &'static str) -> Read<T> {
        Err(Unexpected { at: self.at, expected })
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub(crate) fn end(&self) -> Read<()> {
        if self.at == self.bytes.len() { Ok(()) } else { self.fail("the end") }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn skip_if(&mut self, literal: &'static str) -> bool {
        let found = self.rest().starts_with(literal.as_bytes());
        if found {
            self.at += literal.len();
        }
        found
    }

    pub(crate) fn literal(&mut self, literal: &'static str) -> Read<()> {
        if self.skip_if(literal) { Ok(()) } else { self.fail(literal) }
    }

    /// `null`, or what `read` reads.
    pub(crate) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.skip_if("null") { Ok(None) } else { read(self).map(Some) }
    }

    pub(crate) fn uint(&mut self) -> Read<u64> {
        let start = self.at;
        let mut value = 0u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value * 10 + u64::from(digit - b'0');
            self.at += 1;
            if value > INTEGER_MAX || self.at - start > 16 {
                return Err(Unexpected { at: start, expected: "an integer up to 2^53 - 1" });
            }
        }
        let digits = &self.bytes[start..self.at];
        if digits.is_empty() || (digits.len() > 1 && digits[0] == b'0') {
            return Err(Unexpected { at: start, expected: "an integer without leading zero" });
        }
        Ok(value)
    }

    pub(crate) fn number(&mut self) -> Read<f64> {
        let start = self.at;
        let is_part = |b: &&u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e');
        let len = self.rest().iter().take_while(is_part).count();
        let bad = Unexpected { at: start, expected: "a number in canonical form" };
        let text = std::str::from_utf8(&self.rest()[..len]).map_err(|_| bad)?;
        let value: f64 = text.parse().map_err(|_| bad)?;
        let mut canonical = Vec::with_capacity(24);
        write_number(&mut canonical, value);
        if !value.is_finite() || canonical != text.as_bytes() {
            return Err(bad);
        }
        self.at += len;
        Ok(value)
    }

    pub(crate) fn string(&mut self) -> Read<Cow<'a, str>> {
        self.literal("\"")?;
        let start = self.at;
        let plain = self.rest().iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
        let Some(plain) = plain else { return self.fail("the end of a string") };
        let head = self.utf8(start, start + plain)?;
        self.at = start + plain;
        if self.skip_if("\"") {
            return Ok(Cow::Borrowed(head));
        }
        let mut text = head.to_owned();
        loop {
            let run_start = self.at;
            let Some(run) = self.rest().iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)) else {
                return self.fail("the end of a string");
            };
            text.push_str(self.utf8(run_start, run_start + run)?);
            self.at = run_start + run;
            if self.skip_if("\"") {
                return Ok(Cow::Owned(text));
            }
            text.push(self.escape()?);
        }
    }

    fn utf8(&self, from: usize, to: usize) -> Read<&'a str> {
        let bytes = &self.bytes[from..to];
        std::str::from_utf8(bytes).map_err(|e| Unexpected { at: from + e.valid_up_to(), expected: "UTF-8" })
    }

    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        let bad = Unexpected { at: start, expected: "an escape in canonical form" };
        let [b'\\', kind, tail @ ..] = self.rest() else { return Err(bad) };
        let (c, len) = match kind {
            b'"' => ('"', 2),
            b'\\' => ('\\', 2),
            b'b' => ('\u{8}', 2),
            b't' => ('\t', 2),
            b'n' => ('\n', 2),
            b'f' => ('\u{c}', 2),
            b'r' => ('\r', 2),
            b'u' => {
                let [b'0', b'0', high @ (b'0' | b'1'), low, ..] = tail else { return Err(bad) };
                let low = match low {
                    b'0'..=b'9' => low - b'0',
                    b'a'..=b'f' => low - b'a' + 10,
                    _ => return Err(bad),
                };
                let code = (high - b'0') * 16 + low;
                if matches!(code, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d) {
                    return Err(bad);
                }
                (char::from(code), 6)
            }
            _ => return Err(bad),
        };
        self.at += len;
        Ok(c)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(value: f64) -> String {
        let mut out = Vec::new();
        write_number(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    /// RFC 8785, appendix B.
    #[test]
    fn numbers_print_as_the_rfc_says() {
        for (bits, text) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(number(f64::from_bits(bits)), text);
        }
        assert_eq!([10.0, 4.5, 2e-3, 1e-27, 1e30].map(number).join(","), "10,4.5,0.002,1e-27,1e+30");
    }

    #[test]
    fn only_one_spelling_is_read() {
        for good in ["\"\"", "\"é€😂\"", "\"a\\\"b\\\\c\\n\\u001f\"", "\"\u{7f}/\""] {
            assert!(Reader::new(good.as_bytes()).string().is_ok(), "{good}");
        }
        for bad in [
            "\"\\/\"",
            "\"\\u0041\"",
            "\"\\u000a\"",
            "\"\\u001F\"",
            "\"\n\"",
            "\"a",
            "a",
            "\"\\ud800\"",
            "\"\\\"",
        ] {
            assert!(Reader::new(bad.as_bytes()).string().is_err(), "{bad}");
        }
        assert!(Reader::new(b"\"\xff\"").string().is_err());
        for bad in ["", "01", "-1", "9007199254740992", "99999999999999999999999", "x"] {
            assert!(Reader::new(bad.as_bytes()).uint().is_err(), "{bad}");
        }
        for bad in ["", "1.0", "-0", "1e5", "1E+30", ".5", "+1", "1e999", "--1"] {
            let mut reader = Reader::new(bad.as_bytes());
            assert!(reader.number().and_then(|_| reader.end()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn strings_and_numbers_go_both_ways(text in any::<String>(), value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(Reader::new(&out).string().unwrap(), text.as_str());
            // Another implementation agrees about strings.
            let theirs = serde_json::to_vec(&text).unwrap();
            prop_assert_eq!(&out, &theirs);
            prop_assert_eq!(Reader::new(number(value).as_bytes()).number().unwrap().to_bits(), value.to_bits());
        }

        #[test]
        fn any_bytes_are_survived(raw in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Reader::new(&raw).string();
            let _ = Reader::new(&raw).number();
            let _ = Reader::new(&raw).uint();
        }
    }
}
