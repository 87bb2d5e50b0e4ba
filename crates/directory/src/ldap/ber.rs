//! BER as LDAP restricts it (RFC 4511, 5.1): definite lengths, primitive strings, tags of one byte.
//!
//! Reading never recurses and never copies: whoever reads says what must come next, so nesting that no message has is
//! a wrong tag, not a stack that grows.

use zeroize::Zeroizing;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// What is wrong with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BerError {
    #[error("it ends too early")]
    Truncated,
    #[error("a length is indefinite or has more than four bytes")]
    Length,
    #[error("a tag has more than one byte")]
    LongTag,
    #[error("an element stands where another must")]
    Tag,
    #[error("a number does not fit")]
    Number,
    #[error("a text is not UTF-8")]
    Text,
    #[error("there is more than belongs there")]
    Trailing,
}

/// Tag, bytes of the header, bytes of the content. `None`: more bytes are needed to know.
pub(crate) fn header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, BerError> {
    let Some(&tag) = bytes.first() else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(BerError::LongTag);
    }
    let Some(&first) = bytes.get(1) else { return Ok(None) };
    if first < 0x80 {
        return Ok(Some((tag, 2, usize::from(first))));
    }
    // Longer than needed is allowed: Active Directory always writes four bytes.
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(BerError::Length);
    }
    let Some(raw) = bytes.get(2..2 + count) else { return Ok(None) };
    let length = raw.iter().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
    Ok(Some((tag, 2 + count, usize::try_from(length).map_err(|_| BerError::Length)?)))
}

/// Elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Tag of the next element, if there is one.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn next(&mut self) -> Result<(u8, &'a [u8]), BerError> {
        let (tag, head, length) = header(self.rest)?.ok_or(BerError::Truncated)?;
        let end = head.checked_add(length).ok_or(BerError::Length)?;
        let content = self.rest.get(head..end).ok_or(BerError::Truncated)?;
        self.rest = &self.rest[end..];
        Ok((tag, content))
    }

    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], BerError> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(BerError::Tag),
        }
    }

    /// The next element, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, BerError> {
        if self.peek() == Some(tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, BerError> {
        std::str::from_utf8(self.expect(OCTETS)?).map_err(|_| BerError::Text)
    }

    /// A number from 0 to `i32::MAX`, as all of LDAP's are.
    pub(crate) fn number(&mut self, tag: u8) -> Result<i32, BerError> {
        number(self.expect(tag)?)
    }

    pub(crate) const fn done(&self) -> Result<(), BerError> {
        if self.rest.is_empty() { Ok(()) } else { Err(BerError::Trailing) }
    }
}

pub(crate) fn number(content: &[u8]) -> Result<i32, BerError> {
    if content.is_empty() || content.len() > 5 {
        return Err(BerError::Number);
    }
    let negative = content[0] & 0x80 != 0;
    let value = content.iter().fold(0i64, |sum, byte| (sum << 8) | i64::from(*byte));
    if negative {
        return Err(BerError::Number);
    }
    i32::try_from(value).map_err(|_| BerError::Number)
}

/// What is written is wiped when dropped: a bind holds a password.
#[derive(Debug)]
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn new() -> Self {
        // Large enough for any bind, so that no half-grown copy of a password is left behind.
        Self(Zeroizing::new(Vec::with_capacity(4_096)))
    }

    pub(crate) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    pub(crate) fn nest(&mut self, tag: u8, inside: impl FnOnce(&mut Self)) {
        self.0.push(tag);
        let start = self.0.len();
        inside(self);
        let (bytes, used) = length(self.0.len() - start);
        self.0.splice(start..start, bytes[..used].iter().copied());
    }

    pub(crate) fn bytes(&mut self, tag: u8, content: &[u8]) {
        let (bytes, used) = length(content.len());
        self.0.push(tag);
        self.0.extend_from_slice(&bytes[..used]);
        self.0.extend_from_slice(content);
    }

    pub(crate) fn number(&mut self, tag: u8, value: i32) {
        let all = value.to_be_bytes();
        // As few bytes as keep the sign.
        let skip = (0..3).take_while(|&at| all[at] == 0 && all[at + 1] & 0x80 == 0).count();
        self.bytes(tag, &all[skip..]);
    }

    pub(crate) fn boolean(&mut self, tag: u8, value: bool) {
        self.bytes(tag, &[if value { 0xff } else { 0 }]);
    }
}

fn length(value: usize) -> ([u8; 5], usize) {
    let all = (value as u32).to_be_bytes();
    if value < 0x80 {
        return ([value as u8, 0, 0, 0, 0], 1);
    }
    let skip = all.iter().take_while(|byte| **byte == 0).count();
    let mut out = [0; 5];
    out[0] = 0x80 | (4 - skip) as u8;
    out[1..1 + 4 - skip].copy_from_slice(&all[skip..]);
    (out, 1 + 4 - skip)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_that_lie_are_refused() {
        assert_eq!(header(&[0x30, 0x80, 0, 0]), Err(BerError::Length), "indefinite");
        assert_eq!(header(&[0x30, 0x85, 1, 1, 1, 1, 1]), Err(BerError::Length));
        assert_eq!(header(&[0x1f, 0x81]), Err(BerError::LongTag));
        assert_eq!(header(&[0x30, 0x84, 0, 0, 0, 3]), Ok(Some((0x30, 6, 3))), "Active Directory's form");
        assert_eq!(header(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Ok(Some((0x30, 6, 0xffff_ffff))));
        assert_eq!(header(&[0x30, 0x82, 1]), Ok(None));
        assert_eq!(Reader::new(&[4, 5, b'a']).next(), Err(BerError::Truncated));
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number(&[0, 0xff]), Ok(255));
        assert_eq!(number(&[0x7f, 0xff, 0xff, 0xff]), Ok(i32::MAX));
        for bad in [&[][..], &[0x80], &[0, 0x80, 0, 0, 0], &[0, 0, 0, 0, 0, 1]] {
            assert_eq!(number(bad), Err(BerError::Number), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in 0i32.., content in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            (0usize..70_000).prop_map(|length| vec![7; length]),
        ]) {
            let mut writer = Writer::new();
            writer.nest(SEQUENCE, |w| {
                w.number(INTEGER, value);
                w.bytes(OCTETS, &content);
            });
            let bytes = writer.into_bytes();
            let mut outer = Reader::new(&bytes);
            let mut inner = Reader::new(outer.expect(SEQUENCE).unwrap());
            prop_assert_eq!(outer.done(), Ok(()));
            prop_assert_eq!(inner.number(INTEGER), Ok(value));
            prop_assert_eq!(inner.expect(OCTETS), Ok(&content[..]));
            prop_assert_eq!(inner.done(), Ok(()));
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            while reader.next().is_ok() && !reader.is_empty() {}
        }
    }
}
