//! Records, the only thing in a segment file.
//!
//! ```text
//! 0   4  "WKr1"
//! 4   4  length of the content, little-endian
//! 8   4  CRC-32C of bytes 12.. and the content, then of the length
//! 12  1  kind: 1 segment header, 2 dictionary, 3 batch
//! 13  3  zero
//! 16  8  position (batch) or first position (header), little-endian
//! 24  8  when it was written, milliseconds since 1970 UTC
//! 32  .. content
//! ```
//!
//! A record that does not check out is skipped by looking for the next that does: damage costs what it hit and nothing
//! after it.

use wk_wire::FRAME_BYTES_MAX;

/// Bytes before the content.
pub(crate) const HEAD: usize = 32;
/// Largest content. A batch must fit into a frame.
pub(crate) const CONTENT_MAX: usize = FRAME_BYTES_MAX;

const MAGIC: [u8; 4] = *b"WKr1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Header,
    Dictionary,
    Batch,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Header => 1,
            Self::Dictionary => 2,
            Self::Batch => 3,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Header),
            2 => Some(Self::Dictionary),
            3 => Some(Self::Batch),
            _ => None,
        }
    }
}

/// A record whose CRC matched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) kind: Kind,
    pub(crate) position: u64,
    pub(crate) at_ms: i64,
    pub(crate) content: &'a [u8],
}

/// Appends a record to `out`. `content` must not be longer than [`CONTENT_MAX`].
pub(crate) fn write(out: &mut Vec<u8>, kind: Kind, position: u64, at_ms: i64, content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut rest = [0_u8; HEAD - 12];
    rest[0] = kind.code();
    rest[4..12].copy_from_slice(&position.to_le_bytes());
    rest[12..20].copy_from_slice(&at_ms.to_le_bytes());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&length);
    out.extend_from_slice(&sum(&rest, content, length).to_le_bytes());
    out.extend_from_slice(&rest);
    out.extend_from_slice(content);
}

fn sum(rest: &[u8], content: &[u8], length: [u8; 4]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(rest), content), &length)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// Bytes of the whole record that `head` begins, if it can begin one.
pub(crate) fn length(head: &[u8]) -> Option<usize> {
    if head.get(..4)? != MAGIC {
        return None;
    }
    let content = usize::try_from(u32_at(head, 4)?).ok()?;
    (content <= CONTENT_MAX).then_some(HEAD + content)
}

/// The record at the start of `bytes`, if there is a sound one.
pub(crate) fn read(bytes: &[u8]) -> Option<Record<'_>> {
    let whole = bytes.get(..length(bytes)?)?;
    let (head, content) = whole.split_at_checked(HEAD)?;
    let rest = head.get(12..)?;
    if u32_at(head, 8)? != sum(rest, content, head.get(4..8)?.try_into().ok()?) {
        return None;
    }
    Some(Record {
        kind: Kind::from_code(*head.get(12)?)?,
        position: u64_at(head, 16)?,
        at_ms: i64::from_le_bytes(head.get(24..32)?.try_into().ok()?),
        content,
    })
}

/// Where the next sound record begins in `bytes`, at `from` or later.
pub(crate) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at + HEAD <= bytes.len() {
        // The first byte of the magic is rare enough that this is quick.
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|&byte| byte == MAGIC[0])?;
        if read(bytes.get(at..)?).is_some() {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_reads_back() {
        let mut out = vec![];
        write(&mut out, Kind::Batch, 7, -5, b"content");
        write(&mut out, Kind::Header, 8, 9, b"");
        let first = read(&out).unwrap();
        assert_eq!(first, Record { kind: Kind::Batch, position: 7, at_ms: -5, content: b"content" });
        assert_eq!(read(&out[HEAD + 7..]).unwrap().kind, Kind::Header);
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let mut out = vec![];
        write(&mut out, Kind::Batch, 7, 5, b"content");
        for bit in 0..out.len() * 8 {
            let mut bad = out.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn the_record_after_damage_is_found() {
        let mut out = vec![];
        write(&mut out, Kind::Batch, 1, 0, &[b'W'; 100]);
        let second = out.len();
        write(&mut out, Kind::Batch, 2, 0, b"x");
        out[50] ^= 1;
        assert_eq!(find(&out, 0), Some(second));
        assert_eq!(find(&out, second + 1), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = find(&bytes, 0);
        }
    }
}
