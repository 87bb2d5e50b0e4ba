//! Two alphabets of base32: RFC 4648 for authenticator apps, Crockford's for codes that people type.

pub(crate) const RFC4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Without padding.
pub(crate) fn encode(alphabet: &[u8; 32], bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(alphabet[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(alphabet[(buffer << (5 - bits) & 31) as usize]));
    }
    out
}

/// Exactly `N` bytes from digits; `None` for another count, another character or spare bits that are not zero.
pub(crate) fn decode<const N: usize>(alphabet: &[u8; 32], digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != (N * 8).div_ceil(5) {
        return None;
    }
    let mut out = [0u8; N];
    let (mut buffer, mut bits, mut at) = (0u32, 0u32, 0usize);
    for digit in digits {
        buffer = (buffer << 5) | u32::try_from(alphabet.iter().position(|c| c == digit)?).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            *out.get_mut(at)? = u8::try_from(buffer >> bits & 0xff).ok()?;
            at += 1;
        }
    }
    (buffer & ((1 << bits) - 1) == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standards_examples_hold() {
        assert_eq!(encode(RFC4648, b"foobar"), "MZXW6YTBOI");
        assert_eq!(encode(RFC4648, b"fooba"), "MZXW6YTB");
        assert_eq!(decode::<6>(RFC4648, b"MZXW6YTBOI").as_ref(), Some(b"foobar"));
        assert_eq!(decode::<6>(RFC4648, b"MZXW6YTBOJ"), None, "spare bits");
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes: [u8; 10]) {
            prop_assert_eq!(decode::<10>(CROCKFORD, encode(CROCKFORD, &bytes).as_bytes()), Some(bytes));
        }
    }
}
