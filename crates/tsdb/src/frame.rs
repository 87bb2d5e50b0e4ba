//! The one framing all files of the store share: a head with a salt, then frames that prove where they belong.
//!
//! A frame is `word | head sum | body sum | body`, twelve bytes before the body. Both sums cover the file's salt and
//! the frame's offset, so bytes that hostile input smuggled into a body, or a frame copied from elsewhere, never pass
//! for a frame. The head sum makes it cheap to find the next frame after damage.

use std::ops::Range;

/// Bytes before the body of a frame.
pub(crate) const FRAME_HEAD: usize = 12;
/// Bytes before the first frame of a file: two copies of magic, salt and their sum.
pub(crate) const FILE_HEAD: usize = 32;
/// A body's length is kept in 24 bits.
pub(crate) const BODY_MAX: usize = (1 << 24) - 1;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Wal,
    Series,
    Block,
}

impl FileKind {
    const fn magic(self) -> [u8; 4] {
        match self {
            Self::Wal => *b"WKW1",
            Self::Series => *b"WKS1",
            Self::Block => *b"WKB1",
        }
    }
}

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Samples = 1,
    Series = 2,
    Chunk = 3,
    Times = 4,
    Index = 5,
    Footer = 6,
}

impl Kind {
    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Samples,
            2 => Self::Series,
            3 => Self::Chunk,
            4 => Self::Times,
            5 => Self::Index,
            6 => Self::Footer,
            _ => return None,
        })
    }
}

/// What ties frames to their file.
pub(crate) type Salt = u64;

/// A salt nobody can foresee: the hash seed the system's generator gave this process.
pub(crate) fn new_salt() -> Salt {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

fn file_head_copy(kind: FileKind, salt: Salt) -> [u8; 16] {
    let mut out = [0u8; 16];
    out[..4].copy_from_slice(&kind.magic());
    out[4..12].copy_from_slice(&salt.to_le_bytes());
    let sum = crc32c::crc32c(&out[..12]);
    out[12..].copy_from_slice(&sum.to_le_bytes());
    out
}

/// The first bytes of a file.
pub(crate) fn file_head(kind: FileKind, salt: Salt) -> [u8; FILE_HEAD] {
    let copy = file_head_copy(kind, salt);
    let mut out = [0u8; FILE_HEAD];
    out[..16].copy_from_slice(&copy);
    out[16..].copy_from_slice(&copy);
    out
}

/// Reads the salt out of a file's first bytes. Also says whether one of the two copies was damaged.
pub(crate) fn read_file_head(kind: FileKind, data: &[u8]) -> Option<(Salt, bool)> {
    let salt_of = |range: Range<usize>| {
        let copy = data.get(range)?;
        let salt = u64::from_le_bytes(copy.get(4..12)?.try_into().ok()?);
        (copy == file_head_copy(kind, salt)).then_some(salt)
    };
    match (salt_of(0..16), salt_of(16..32)) {
        (Some(salt), Some(other)) if salt == other => Some((salt, false)),
        (Some(salt), None) | (None, Some(salt)) => Some((salt, true)),
        _ => None,
    }
}

fn head_sum(salt: Salt, offset: u64, word: u32) -> u32 {
    let mut bytes = [0u8; 20];
    bytes[..8].copy_from_slice(&salt.to_le_bytes());
    bytes[8..16].copy_from_slice(&offset.to_le_bytes());
    bytes[16..].copy_from_slice(&word.to_le_bytes());
    crc32c::crc32c(&bytes)
}

/// Appends a frame to `out`, whose first byte stands at `base` in the file.
///
/// The caller keeps bodies below [`BODY_MAX`]; a longer one is refused with `false` and nothing is written.
#[must_use]
pub(crate) fn push_frame(out: &mut Vec<u8>, base: u64, salt: Salt, kind: Kind, body: &[u8]) -> bool {
    let Ok(length) = u32::try_from(body.len()) else { return false };
    if body.len() > BODY_MAX {
        return false;
    }
    let offset = base + out.len() as u64;
    let word = (u32::from(kind as u8) << 24) | length;
    let head = head_sum(salt, offset, word);
    out.extend_from_slice(&word.to_le_bytes());
    out.extend_from_slice(&head.to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c_append(head, body).to_le_bytes());
    out.extend_from_slice(body);
    true
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The head is not one.
    Head,
    /// The data ends before the frame does.
    Short,
    /// The head is good and the body is not; the frame would end here.
    Body { end: usize },
}

fn le_u32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The frame at `at` in `data`, whose first byte stands at `base` in the file.
pub(crate) fn frame_at(data: &[u8], at: usize, base: u64, salt: Salt) -> Result<(Kind, Range<usize>), Fault> {
    let (Some(word), Some(head), Some(sum)) =
        (le_u32(data, at), le_u32(data, at.saturating_add(4)), le_u32(data, at.saturating_add(8)))
    else {
        return Err(Fault::Short);
    };
    if head != head_sum(salt, base + at as u64, word) {
        return Err(Fault::Head);
    }
    let kind = Kind::from_byte((word >> 24) as u8).ok_or(Fault::Head)?;
    let start = at + FRAME_HEAD;
    let end = start + (word & 0x00ff_ffff) as usize;
    let body = data.get(start..end).ok_or(Fault::Short)?;
    if crc32c::crc32c_append(head, body) != sum {
        return Err(Fault::Body { end });
    }
    Ok((kind, start..end))
}

/// One find of a [`Scan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Frame {
        at: usize,
        kind: Kind,
        body: Range<usize>,
    },
    /// Bytes that are no frame; `tail` when they reach the end of the file.
    Bad {
        range: Range<usize>,
        tail: bool,
    },
}

/// Walks a whole file's frames, stepping over damage.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    data: &'a [u8],
    salt: Salt,
    at: usize,
}

impl<'a> Scan<'a> {
    /// `data` is the whole file with its head.
    pub(crate) const fn new(data: &'a [u8], salt: Salt) -> Self {
        Self { data, salt, at: FILE_HEAD }
    }

    fn resync(&self, from: usize) -> Option<usize> {
        (from..self.data.len().saturating_sub(FRAME_HEAD - 1)).find(|&at| {
            match frame_at(self.data, at, 0, self.salt) {
                Ok(_) | Err(Fault::Body { .. }) => true,
                Err(Fault::Head | Fault::Short) => false,
            }
        })
    }
}

impl Iterator for Scan<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.at >= self.data.len() {
            return None;
        }
        let start = self.at;
        match frame_at(self.data, start, 0, self.salt) {
            Ok((kind, body)) => {
                self.at = body.end;
                Some(Found::Frame { at: start, kind, body })
            }
            Err(fault) => {
                let next = match fault {
                    Fault::Body { end } => Some(end).filter(|&end| end < self.data.len()),
                    Fault::Head | Fault::Short => self.resync(start + 1),
                };
                let end = next.unwrap_or(self.data.len());
                self.at = end;
                Some(Found::Bad { range: start..end, tail: next.is_none() })
            }
        }
    }
}

/// Unsigned LEB128.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Signed numbers, small ones short.
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(crate) const fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// Takes bytes off the front of a body; every method gives `None` at the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(front)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.varint().map(unzigzag)
    }

    /// A varint that must fit `usize` and stay at or below `max`.
    pub(crate) fn size(&mut self, max: usize) -> Option<usize> {
        usize::try_from(self.varint()?).ok().filter(|&n| n <= max)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    pub(crate) fn text(&mut self, max: usize) -> Option<&'a str> {
        let n = self.size(max)?;
        std::str::from_utf8(self.bytes(n)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bodies: &[&[u8]]) -> Vec<u8> {
        let mut out = file_head(FileKind::Wal, 7).to_vec();
        for body in bodies {
            assert!(push_frame(&mut out, 0, 7, Kind::Samples, body));
        }
        out
    }

    #[test]
    fn any_flipped_byte_loses_at_most_its_own_frame() {
        let good = file(&[b"first", b"second", b"third"]);
        let all: Vec<Vec<u8>> = [b"first".to_vec(), b"second".to_vec(), b"third".to_vec()].into();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let (salt, _) = read_file_head(FileKind::Wal, &bad).expect("one copy of the head survives");
            let found: Vec<Vec<u8>> = Scan::new(&bad, salt)
                .filter_map(|f| match f {
                    Found::Frame { body, .. } => Some(bad[body].to_vec()),
                    Found::Bad { .. } => None,
                })
                .collect();
            assert!(found.iter().all(|body| all.contains(body)), "byte {at}");
            assert!(found.len() >= 2, "byte {at}: {found:?}");
        }
    }

    #[test]
    fn a_frame_inside_a_body_is_not_taken_for_one() {
        let inner = file(&[b"forged"])[FILE_HEAD..].to_vec();
        let mut bad = file(&[&inner, b"after"]);
        bad[FILE_HEAD] ^= 1; // the outer frame's head
        let bodies: Vec<_> = Scan::new(&bad, 7)
            .filter_map(|f| if let Found::Frame { body, .. } = f { Some(bad[body].to_vec()) } else { None })
            .collect();
        assert_eq!(bodies, [b"after".to_vec()]);
    }

    #[test]
    fn varints_round_trip() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(Cursor(&out).varint(), Some(value));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!(Cursor(&[0xff; 11]).varint(), None);
    }
}
