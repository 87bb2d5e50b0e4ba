//! As much CBOR (RFC 8949) as CTAP2's canonical form has: definite lengths, shortest heads, few levels. Everything is
//! read from borrowed bytes, nothing is allocated, and what is left out is refused.

/// Deepest nesting that is walked: CTAP2 allows four.
const DEPTH_MAX: u8 = 4;
/// Entries of one map or list that are walked: an honest one has a handful.
const ITEMS_MAX: u64 = 64;

/// Not the CBOR that an authenticator writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// The first part of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Unsigned(u64),
    /// `-1 - n`.
    Negative(u64),
    Bytes(u64),
    Text(u64),
    List(u64),
    Map(u64),
    /// `false`, `true`, `null`.
    Simple,
}

/// What is still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    pub(super) const fn left(&self) -> &'a [u8] {
        self.left
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8]> {
        let len = usize::try_from(len).map_err(|_| Malformed)?;
        let (taken, left) = self.left.split_at_checked(len).ok_or(Malformed)?;
        self.left = left;
        Ok(taken)
    }

    pub(super) fn head(&mut self) -> Result<Head> {
        let first = *self.take(1)?.first().ok_or(Malformed)?;
        let argument = match first & 0x1f {
            small @ 0..=23 => u64::from(small),
            width @ 24..=27 => {
                let len = 1u64 << (width - 24);
                let value = self.take(len)?.iter().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
                // The shortest form is the only form: one item must not be writable in two ways.
                let least = match width {
                    24 => 24,
                    25 => 1 << 8,
                    26 => 1 << 16,
                    _ => 1 << 32,
                };
                if value < least {
                    return Err(Malformed);
                }
                value
            }
            _ => return Err(Malformed),
        };
        Ok(match first >> 5 {
            0 => Head::Unsigned(argument),
            1 => Head::Negative(argument),
            2 => Head::Bytes(argument),
            3 => Head::Text(argument),
            4 => Head::List(argument),
            5 => Head::Map(argument),
            7 if (20..=22).contains(&argument) => Head::Simple,
            _ => return Err(Malformed),
        })
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        match self.head()? {
            Head::Bytes(len) => self.take(len),
            _ => Err(Malformed),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        match self.head()? {
            Head::Text(len) => std::str::from_utf8(self.take(len)?).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }

    /// How many entries follow.
    pub(super) fn map(&mut self) -> Result<u64> {
        match self.head()? {
            Head::Map(len) if len <= ITEMS_MAX => Ok(len),
            _ => Err(Malformed),
        }
    }

    /// A whole number that fits.
    pub(super) fn number(&mut self) -> Result<i64> {
        match self.head()? {
            Head::Unsigned(n) => i64::try_from(n).map_err(|_| Malformed),
            Head::Negative(n) => i64::try_from(n).map(|n| -1 - n).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }

    /// The next item's bytes, walked over.
    pub(super) fn item(&mut self) -> Result<&'a [u8]> {
        let before = self.left;
        self.skip(DEPTH_MAX)?;
        Ok(&before[..before.len() - self.left.len()])
    }

    // The depth is bounded, so this recursion is.
    fn skip(&mut self, depth: u8) -> Result<()> {
        let deeper = || depth.checked_sub(1).ok_or(Malformed);
        match self.head()? {
            Head::Unsigned(_) | Head::Negative(_) | Head::Simple => Ok(()),
            Head::Bytes(len) => self.take(len).map(drop),
            Head::Text(len) => std::str::from_utf8(self.take(len)?).map(drop).map_err(|_| Malformed),
            Head::List(len) if len <= ITEMS_MAX => {
                let depth = deeper()?;
                (0..len).try_for_each(|_| self.skip(depth))
            }
            Head::Map(len) if len <= ITEMS_MAX => {
                let depth = deeper()?;
                (0..len * 2).try_for_each(|_| self.skip(depth))
            }
            Head::List(_) | Head::Map(_) => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ctap_never_writes_is_refused() {
        for (bad, why) in [
            (&[][..], "nothing"),
            (&[0x18, 0x17], "a longer head than it needs"),
            (&[0x19, 0x00, 0xff], "likewise"),
            (&[0x5f, 0x41, 0x00, 0xff], "an indefinite length"),
            (&[0x9f, 0xff], "likewise"),
            (&[0xc1, 0x00], "a tag"),
            (&[0xf9, 0x00, 0x00], "a float"),
            (&[0x42, 0x00], "fewer bytes than it says"),
            (&[0x62, 0xff, 0xfe], "text that is no UTF-8"),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "a list of 2^64"),
            (&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "a string of 2^64"),
            (&[0x81, 0x81, 0x81, 0x81, 0x81, 0x00], "too deep"),
            (&[0x98, 0x41], "too many"),
        ] {
            assert_eq!(Reader::new(bad).item(), Err(Malformed), "{why}");
        }
        let mut good = Reader::new(&[0xa1, 0x01, 0x82, 0x41, 0xaa, 0xf5, 0x07]);
        assert_eq!(good.item(), Ok(&[0xa1, 0x01, 0x82, 0x41, 0xaa, 0xf5][..]));
        assert_eq!(good.left(), [0x07]);
    }
}
