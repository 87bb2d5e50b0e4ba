//! One section of the inventory: remembers what has been told and tells the difference.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use wk_wire::v1::{InventoryDelta, InventoryItem, Label};

use crate::note::{Notes, Problem};
use crate::text;

/// Most items of one section. More are left out, with a note.
pub const ITEMS_MAX: usize = 50_000;
/// Longest key, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 256;
/// A piece is handed out when it has grown to about this size: far below the largest frame, so that it can share one.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Keys and hashes of what has been told, packed: 16 bytes and the key per item.
#[derive(Debug, Default)]
struct Digest {
    keys: String,
    /// Start and length in `keys`, and the hash of key and fields. In key order once sealed.
    entries: Vec<(u32, u16, u64)>,
}

impl Digest {
    fn key(&self, entry: (u32, u16, u64)) -> &str {
        let start = entry.0 as usize;
        self.keys.get(start..start + usize::from(entry.1)).unwrap_or_default()
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.entries.binary_search_by(|entry| self.key(*entry).cmp(key)).ok()
    }

    fn push(&mut self, key: &str, hash: u64) {
        // Keys are bounded by KEY_BYTES_MAX and items by ITEMS_MAX, so that both numbers fit.
        self.entries.push((self.keys.len() as u32, key.len() as u16, hash));
        self.keys.push_str(key);
    }

    fn seal(&mut self) {
        let keys = &self.keys;
        let key =
            |e: &(u32, u16, u64)| keys.get(e.0 as usize..e.0 as usize + usize::from(e.1)).unwrap_or_default();
        self.entries.sort_unstable_by(|a, b| key(a).cmp(key(b)));
        self.keys.shrink_to_fit();
        self.entries.shrink_to_fit();
    }
}

/// A section and what of it has been told.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    told: bool,
    stamp: Option<u64>,
    digest: Digest,
    hasher: RandomState,
}

impl Section {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, told: false, stamp: None, digest: Digest::default(), hasher: RandomState::new() }
    }

    /// Notes the stamp of the section's sources. True when they have to be read.
    pub(crate) fn stamp(&mut self, stamp: u64) -> bool {
        self.stamp.replace(stamp) != Some(stamp)
    }
}

/// Takes the items of one scan and hands out the difference. [`Writer::finish`] must be called.
pub(crate) struct Writer<'a> {
    section: &'a mut Section,
    sink: &'a mut dyn FnMut(InventoryDelta),
    observed_ms: i64,
    seen: Vec<bool>,
    new: Digest,
    /// Hashes of the keys of this scan: the second item of a key is left out, or the two would take turns for ever.
    taken: HashSet<u64>,
    items: Vec<InventoryItem>,
    bytes: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        section: &'a mut Section,
        observed_ms: i64,
        sink: &'a mut dyn FnMut(InventoryDelta),
    ) -> Self {
        let seen = vec![false; section.digest.entries.len()];
        Self {
            section,
            sink,
            observed_ms,
            seen,
            new: Digest::default(),
            taken: HashSet::new(),
            items: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds an item. Key and values are raw and become clean, bounded text here; empty values are left out.
    pub(crate) fn item(&mut self, key: &[u8], fields: &[(&str, &[u8])], notes: &mut Notes) {
        let key = text::clean(key, KEY_BYTES_MAX);
        if !self.take(&key, notes) {
            return;
        }
        let fields: Vec<Label> = fields
            .iter()
            .map(|(name, value)| Label { name: (*name).to_owned(), value: text::field(value) })
            .filter(|label| !label.value.is_empty())
            .collect();
        let item = InventoryItem { key, fields };
        let hash = self.section.hasher.hash_one((&item.key, &item.fields));
        self.new.push(&item.key, hash);
        if let Some(at) = self.section.digest.find(&item.key) {
            self.seen[at] = true;
            if self.section.digest.entries[at].2 == hash {
                return;
            }
        }
        self.bytes += item.key.len() + 8;
        self.bytes += item.fields.iter().map(|f| f.name.len() + f.value.len() + 8).sum::<usize>();
        self.items.push(item);
        if self.bytes >= CHUNK_BYTES {
            self.flush(Vec::new());
        }
    }

    /// Says that the item told under this key is as it was. False when nothing was told under it.
    pub(crate) fn keep(&mut self, key: &str, notes: &mut Notes) -> bool {
        let Some(at) = self.section.digest.find(key) else { return false };
        if self.take(key, notes) {
            self.seen[at] = true;
            let hash = self.section.digest.entries[at].2;
            self.new.push(key, hash);
        }
        true
    }

    /// Says that nothing at all has changed.
    pub(crate) fn keep_all(self) {}

    /// True when the section was told before.
    pub(crate) fn told(&self) -> bool {
        self.section.told
    }

    fn take(&mut self, key: &str, notes: &mut Notes) -> bool {
        if self.new.entries.len() >= ITEMS_MAX {
            notes.add(self.section.name, Problem::Cut);
            return false;
        }
        if key.is_empty() || !self.taken.insert(self.section.hasher.hash_one(key)) {
            notes.add(self.section.name, Problem::Malformed);
            return false;
        }
        true
    }

    /// Ends the scan. `complete`: false when a source could not be read to its end; then nothing counts as gone,
    /// and the section is looked at again in the next scan.
    pub(crate) fn finish(mut self, complete: bool, notes: &mut Notes) {
        let mut removed = Vec::new();
        let mut bytes = 0;
        let old = std::mem::take(&mut self.section.digest);
        let seen = std::mem::take(&mut self.seen);
        for (entry, _) in old.entries.iter().zip(&seen).filter(|(_, seen)| !**seen) {
            let key = old.key(*entry);
            if complete {
                bytes += key.len() + 8;
                removed.push(key.to_owned());
                if bytes >= CHUNK_BYTES {
                    bytes = 0;
                    self.flush(std::mem::take(&mut removed));
                }
            } else if self.new.entries.len() < ITEMS_MAX {
                self.new.push(key, entry.2);
            }
        }
        if !complete {
            notes.add(self.section.name, Problem::Unreadable);
            self.section.stamp = None;
        }
        if !self.items.is_empty() || !removed.is_empty() || (!self.section.told && complete) {
            self.flush(removed);
        }
        self.new.seal();
        self.section.digest = self.new;
    }

    fn flush(&mut self, removed: Vec<String>) {
        let full = !self.section.told;
        self.section.told = true;
        self.bytes = 0;
        (self.sink)(InventoryDelta {
            section: self.section.name.to_owned(),
            full,
            items: std::mem::take(&mut self.items),
            removed,
            observed_ms: self.observed_ms,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type State = BTreeMap<String, String>;

    fn scan(section: &mut Section, items: &State, complete: bool) -> Vec<InventoryDelta> {
        let (mut all, mut notes) = (Vec::new(), Notes::default());
        let mut sink = |delta| all.push(delta);
        let mut writer = Writer::new(section, 0, &mut sink);
        for (key, value) in items {
            writer.item(key.as_bytes(), &[("v", value.as_bytes())], &mut notes);
        }
        writer.finish(complete, &mut notes);
        all
    }

    /// What a server that applies the deltas knows.
    fn apply(known: &mut State, deltas: Vec<InventoryDelta>) {
        for delta in deltas {
            if delta.full {
                known.clear();
            }
            for key in &delta.removed {
                assert!(known.remove(key).is_some(), "removed what was never told: {key}");
            }
            for item in delta.items {
                known.insert(item.key, item.fields.first().map(|f| f.value.clone()).unwrap_or_default());
            }
        }
    }

    #[test]
    fn nothing_changed_is_nothing_told_and_an_empty_section_is_told_once() {
        let mut section = Section::new("users");
        let first = scan(&mut section, &State::new(), true);
        assert_eq!((first.len(), first[0].full, first[0].items.len()), (1, true, 0));
        assert_eq!(scan(&mut section, &State::new(), true), []);
    }

    #[test]
    fn what_could_not_be_read_is_not_reported_as_gone() {
        let mut section = Section::new("users");
        scan(&mut section, &State::from([("a".into(), "1".into()), ("b".into(), "1".into())]), true);
        assert_eq!(scan(&mut section, &State::from([("a".into(), "1".into())]), false), []);
        let deltas = scan(&mut section, &State::from([("a".into(), "1".into())]), true);
        assert_eq!(deltas[0].removed, ["b"]);
    }

    #[test]
    fn a_large_section_comes_in_pieces_and_only_the_first_is_full() {
        let items: State = (0..3_000).map(|i| (format!("key-{i}"), "x".repeat(100))).collect();
        let deltas = scan(&mut Section::new("packages"), &items, true);
        assert!(deltas.len() > 4);
        assert!(deltas[0].full && deltas[1..].iter().all(|d| !d.full));
        let mut known = State::new();
        apply(&mut known, deltas);
        assert_eq!(known, items);
    }

    #[test]
    fn two_items_of_one_key_do_not_take_turns() {
        let mut section = Section::new("users");
        let mut notes = Notes::default();
        for round in 0..2 {
            let mut told = 0;
            let mut sink = |d: InventoryDelta| told += d.items.len();
            let mut writer = Writer::new(&mut section, 0, &mut sink);
            writer.item(b"root", &[("v", b"1")], &mut notes);
            writer.item(b"root", &[("v", b"2")], &mut notes);
            writer.finish(true, &mut notes);
            assert_eq!(told, usize::from(round == 0));
        }
    }

    proptest! {
        /// Whatever happens on the machine, a server that applies the deltas knows the present state.
        #[test]
        fn deltas_lead_to_the_same_state(
            states in proptest::collection::vec(proptest::collection::btree_map("[a-e]{1,2}", "[0-9]", 0..8), 1..6)
        ) {
            let mut section = Section::new("users");
            let mut known = State::new();
            for state in &states {
                apply(&mut known, scan(&mut section, state, true));
                prop_assert_eq!(&known, state);
            }
        }
    }
}
