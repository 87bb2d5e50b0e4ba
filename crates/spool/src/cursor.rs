//! The cursor file: how far the server has committed, and which number the next batch gets.
//!
//! Two slots are written in turn, each with a CRC: a write that was cut leaves the other slot, which is at most one step
//! older. An older cursor only makes the agent offer batches again that the server knows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::segment::{NUMBER_MAX, open_plain};

/// Distance of the slots: a torn sector or page hits one only.
const SLOT_DISTANCE: u64 = 4096;
const SLOT_BYTES: usize = 88;
const MAGIC: [u8; 4] = *b"WKc1";

/// What the cursor file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// Grows with every write; names the slot.
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    /// The batch at position `base_position + n` has sequence number `base_seq + n`.
    pub(crate) base_seq: u64,
    pub(crate) base_position: u64,
    /// The server has committed up to here.
    pub(crate) acked_seq: u64,
    /// Batches lost in all, and how many of them a note has told of.
    pub(crate) dropped: u64,
    pub(crate) dropped_told: u64,
    pub(crate) damaged: u64,
    pub(crate) damaged_told: u64,
}

impl Cursor {
    /// The position of a sequence number at or after the base; saturating.
    pub(crate) const fn position_of(&self, seq: u64) -> u64 {
        self.base_position.saturating_add(seq.saturating_sub(self.base_seq))
    }

    /// The sequence number of a position at or after the base; saturating.
    pub(crate) const fn seq_of(&self, position: u64) -> u64 {
        self.base_seq.saturating_add(position.saturating_sub(self.base_position))
    }

    /// Everything up to this position is committed or given up.
    pub(crate) const fn acked_position(&self) -> u64 {
        self.position_of(self.acked_seq)
    }

    fn fields(&self) -> [u64; 9] {
        [
            self.generation,
            self.epoch,
            self.base_seq,
            self.base_position,
            self.acked_seq,
            self.dropped,
            self.dropped_told,
            self.damaged,
            self.damaged_told,
        ]
    }

    fn encode(&self) -> [u8; SLOT_BYTES] {
        let mut out = [0; SLOT_BYTES];
        out[..4].copy_from_slice(&MAGIC);
        for (slot, value) in out[8..80].chunks_exact_mut(8).zip(self.fields()) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
        let sum = crc32c::crc32c(&out[..80]);
        out[80..84].copy_from_slice(&sum.to_le_bytes());
        out
    }

    fn decode(raw: &[u8; SLOT_BYTES]) -> Option<Self> {
        if raw[..4] != MAGIC || raw[80..84] != crc32c::crc32c(&raw[..80]).to_le_bytes() {
            return None;
        }
        let mut fields =
            raw[8..80].chunks_exact(8).map(|raw| raw.try_into().map(u64::from_le_bytes).unwrap_or(0));
        let mut any = || fields.next();
        let (generation, epoch) = (any()?, any()?);
        // Sound by its sum and yet impossible: not ours.
        let mut field = || any().filter(|number| *number <= NUMBER_MAX);
        Some(Self {
            generation: Some(generation).filter(|number| *number <= NUMBER_MAX)?,
            epoch,
            base_seq: field()?,
            base_position: field()?,
            acked_seq: field()?,
            dropped: field()?,
            dropped_told: field()?,
            damaged: field()?,
            damaged_told: field()?,
        })
    }
}

/// The open cursor file.
#[derive(Debug)]
pub(crate) struct CursorFile {
    file: File,
}

/// What was found in the cursor file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Cursor(Cursor),
    /// The file is new.
    New,
    /// Neither slot is sound.
    Damaged,
}

impl CursorFile {
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Found)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = open_plain(&mut options, path)?;
        let length = file.metadata()?.len();
        let mut best: Option<Cursor> = None;
        for slot in 0..2 {
            let mut raw = [0; SLOT_BYTES];
            if file.read_exact_at(&mut raw, slot * SLOT_DISTANCE).is_err() {
                continue;
            }
            if let Some(cursor) = Cursor::decode(&raw)
                && best.is_none_or(|best| best.generation < cursor.generation)
            {
                best = Some(cursor);
            }
        }
        let found = match best {
            Some(cursor) => Found::Cursor(cursor),
            None if length == 0 => Found::New,
            None => Found::Damaged,
        };
        Ok((Self { file }, found))
    }

    /// Writes `cursor` over the older slot; the caller has raised its generation.
    pub(crate) fn write(&self, cursor: &Cursor, sync: bool) -> io::Result<()> {
        self.file.write_all_at(&cursor.encode(), (cursor.generation % 2) * SLOT_DISTANCE)?;
        if sync { self.file.sync_data() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(generation: u64) -> Cursor {
        Cursor { generation, epoch: 9, base_seq: 10, base_position: 50, acked_seq: 12, ..Cursor::default() }
    }

    #[test]
    fn maps_numbers_to_positions() {
        assert_eq!(sample(1).position_of(12), 52);
        assert_eq!(sample(1).seq_of(53), 13);
        assert_eq!(sample(1).acked_position(), 52);
    }

    #[test]
    fn a_torn_write_leaves_the_cursor_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cursor");
        let (file, found) = CursorFile::open(&path).unwrap();
        assert_eq!(found, Found::New);
        file.write(&sample(1), false).unwrap();
        file.write(&sample(2), false).unwrap();
        assert_eq!(CursorFile::open(&path).unwrap().1, Found::Cursor(sample(2)));
        // Generation 3 goes over generation 1, and is cut.
        file.file.write_all_at(&sample(3).encode()[..40], SLOT_DISTANCE).unwrap();
        assert_eq!(CursorFile::open(&path).unwrap().1, Found::Cursor(sample(2)));
        file.file.write_all_at(&[1], 20).unwrap();
        assert_eq!(CursorFile::open(&path).unwrap().1, Found::Damaged);
    }
}
