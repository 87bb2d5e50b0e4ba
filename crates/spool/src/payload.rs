//! What an agent observed in one span, and how it is cut into batches that a server takes.

use std::mem;

use prost::Message;
use wk_wire::{
    AgentNote, Batch, CheckResult, Execution, InventoryDelta, InventoryItem, SampleBlock, SeriesDef,
};

/// Batches are cut at about this size: half of what a frame may be, so that a dictionary or a long output fits beside.
pub(crate) const PIECE_BYTES: usize = 512 << 10;
/// Largest single thing kept; a result with the longest output has an eighth of it.
const ITEM_BYTES_MAX: usize = 900 << 10;
/// Values in one batch: half of what a server takes.
const PIECE_VALUES: usize = 10_000;
/// Results, executions or notes in one batch: a quarter of what a server takes.
const PIECE_ITEMS: usize = 1_000;
/// Inventory items in one batch.
const PIECE_INVENTORY: usize = 10_000;

/// What an agent observed, on its way to the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Payload {
    /// Series not defined before in this process: entry `i` is referred to as `first_series + i` from now on. Giving
    /// one again is harmless; the first definition stays.
    pub series: Vec<SeriesDef>,
    pub first_series: u32,
    /// Values, by reference to the process's definitions.
    pub samples: Vec<SampleBlock>,
    pub results: Vec<CheckResult>,
    pub inventory: Vec<InventoryDelta>,
    pub executions: Vec<Execution>,
    pub notes: Vec<AgentNote>,
}

impl Payload {
    /// Whether there is nothing to say. Definitions alone say nothing.
    pub fn is_empty(&self) -> bool {
        self.samples.iter().all(|block| block.values.is_empty())
            && self.results.is_empty()
            && self.inventory.is_empty()
            && self.executions.is_empty()
            && self.notes.is_empty()
    }

    /// Cuts into pieces that each fit a batch. Also returns how many things were too large for any.
    pub(crate) fn cut(self) -> (Vec<Piece>, u64) {
        let mut cutter = Cutter::default();
        for block in self.samples {
            cutter.block(block);
        }
        for result in self.results {
            if let Some(piece) = cutter.room(result.encoded_len(), |piece| piece.batch.results.len()) {
                piece.batch.results.push(result);
            }
        }
        for execution in self.executions {
            if let Some(piece) = cutter.room(execution.encoded_len(), |piece| piece.batch.executions.len()) {
                piece.batch.executions.push(execution);
            }
        }
        for delta in self.inventory {
            cutter.delta(delta);
        }
        for note in self.notes {
            if let Some(piece) = cutter.room(note.encoded_len(), |piece| piece.batch.notes.len()) {
                piece.batch.notes.push(note);
            }
        }
        cutter.finish()
    }
}

/// One batch to be. Its samples still refer to the process's definitions.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub(crate) batch: Batch,
    bytes: usize,
    values: usize,
    inventory: usize,
}

#[derive(Debug, Default)]
struct Cutter {
    done: Vec<Piece>,
    piece: Piece,
    too_large: u64,
}

impl Cutter {
    /// Makes room for a thing of `bytes` encoded bytes. `None`: no batch could hold it.
    fn room(&mut self, bytes: usize, count: fn(&Piece) -> usize) -> Option<&mut Piece> {
        // Its tag and length.
        let bytes = bytes + 8;
        if bytes > ITEM_BYTES_MAX {
            self.too_large += 1;
            return None;
        }
        if self.piece.bytes + bytes > PIECE_BYTES || count(&self.piece) >= PIECE_ITEMS {
            self.next();
        }
        self.piece.bytes += bytes;
        Some(&mut self.piece)
    }

    fn next(&mut self) {
        if self.piece.bytes > 0 {
            self.done.push(mem::take(&mut self.piece));
        }
    }

    fn block(&mut self, block: SampleBlock) {
        let at_ms = block.at_ms;
        let mut values = block.refs.into_iter().zip(block.values).peekable();
        while values.peek().is_some() {
            // A reference takes up to three bytes, a value eight.
            let fits = PIECE_VALUES.saturating_sub(self.piece.values);
            if fits == 0 || self.piece.bytes + fits.min(values.len()) * 11 > PIECE_BYTES {
                self.next();
                continue;
            }
            let (refs, values): (Vec<_>, Vec<_>) = values.by_ref().take(fits).unzip();
            self.piece.values += refs.len();
            self.piece.bytes += refs.len() * 11 + 24;
            self.piece.batch.samples.push(SampleBlock { at_ms, refs, values });
        }
    }

    fn delta(&mut self, delta: InventoryDelta) {
        let InventoryDelta { section, mut full, items, removed, observed_ms } = delta;
        let mut part =
            InventoryDelta { section: section.clone(), full, observed_ms, ..InventoryDelta::default() };
        let mut part_bytes = 64;
        let mut entries: Vec<Entry> = removed.into_iter().map(Entry::Removed).collect();
        entries.extend(items.into_iter().map(Entry::Item));
        for entry in entries {
            let bytes = entry.bytes();
            if bytes > ITEM_BYTES_MAX {
                self.too_large += 1;
                continue;
            }
            let count = self.piece.inventory + part.items.len() + part.removed.len();
            if self.piece.bytes + part_bytes + bytes > PIECE_BYTES || count >= PIECE_INVENTORY {
                if !part.items.is_empty() || !part.removed.is_empty() {
                    // The rest of a full listing follows as additions.
                    full = false;
                    let next = InventoryDelta {
                        section: section.clone(),
                        full,
                        observed_ms,
                        ..InventoryDelta::default()
                    };
                    self.push(mem::replace(&mut part, next), part_bytes);
                    part_bytes = 64;
                }
                self.next();
            }
            part_bytes += bytes;
            match entry {
                Entry::Item(item) => part.items.push(item),
                Entry::Removed(key) => part.removed.push(key),
            }
        }
        if part.full || !part.items.is_empty() || !part.removed.is_empty() {
            self.push(part, part_bytes);
        }
    }

    fn push(&mut self, part: InventoryDelta, bytes: usize) {
        if part.full || !part.items.is_empty() || !part.removed.is_empty() {
            self.piece.bytes += bytes;
            self.piece.inventory += part.items.len() + part.removed.len();
            self.piece.batch.inventory.push(part);
        }
    }

    fn finish(mut self) -> (Vec<Piece>, u64) {
        self.next();
        (self.done, self.too_large)
    }
}

enum Entry {
    Item(InventoryItem),
    Removed(String),
}

impl Entry {
    fn bytes(&self) -> usize {
        8 + match self {
            Self::Item(item) => item.encoded_len(),
            Self::Removed(key) => key.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_wire::Label;

    fn item(n: usize, bytes: usize) -> InventoryItem {
        InventoryItem {
            key: format!("item-{n}"),
            fields: vec![Label { name: "text".into(), value: "x".repeat(bytes) }],
        }
    }

    #[test]
    fn a_small_payload_is_one_piece() {
        let payload = Payload {
            samples: vec![SampleBlock { at_ms: 1, refs: vec![0], values: vec![1.0] }],
            notes: vec![AgentNote::default()],
            ..Payload::default()
        };
        let (pieces, lost) = payload.cut();
        assert_eq!((pieces.len(), lost), (1, 0));
        assert_eq!(pieces[0].batch.samples[0].values.len(), 1);
    }

    #[test]
    fn nothing_makes_no_piece() {
        assert!(Payload::default().is_empty());
        assert!(Payload::default().cut().0.is_empty());
    }

    #[test]
    fn a_full_listing_is_full_once_and_keeps_every_item() {
        let delta = InventoryDelta {
            section: "packages".into(),
            full: true,
            items: (0..3000).map(|n| item(n, 600)).collect(),
            ..InventoryDelta::default()
        };
        let (pieces, lost) = Payload { inventory: vec![delta], ..Payload::default() }.cut();
        assert_eq!(lost, 0);
        let deltas: Vec<_> = pieces.iter().flat_map(|piece| &piece.batch.inventory).collect();
        assert!(deltas.len() > 2);
        assert!(deltas[0].full && deltas[1..].iter().all(|delta| !delta.full));
        assert_eq!(deltas.iter().map(|delta| delta.items.len()).sum::<usize>(), 3000);
        assert!(pieces.iter().all(|piece| piece.batch.encoded_len() <= wk_wire::FRAME_BYTES_MAX - 1024));
    }

    #[test]
    fn an_empty_full_listing_is_kept() {
        let delta = InventoryDelta { section: "timers".into(), full: true, ..InventoryDelta::default() };
        let (pieces, _) = Payload { inventory: vec![delta], ..Payload::default() }.cut();
        assert_eq!(pieces[0].batch.inventory.len(), 1);
    }

    #[test]
    fn what_no_batch_can_hold_is_counted() {
        let result = CheckResult { output: "x".repeat(1 << 20), ..CheckResult::default() };
        let (pieces, lost) = Payload { results: vec![result], ..Payload::default() }.cut();
        assert_eq!((pieces.len(), lost), (0, 1));
    }

    #[test]
    fn many_values_are_spread_over_batches() {
        let block = SampleBlock { at_ms: 1, refs: (0..25_000).collect(), values: vec![1.0; 25_000] };
        let (pieces, _) = Payload { samples: vec![block], ..Payload::default() }.cut();
        let count = |piece: &Piece| piece.batch.samples.iter().map(|block| block.values.len()).sum::<usize>();
        let counts: Vec<_> = pieces.iter().map(count).collect();
        assert_eq!(counts, [10_000, 10_000, 5_000]);
    }
}
