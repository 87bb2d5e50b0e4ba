//! `Packages`, a hash database of Berkeley DB: what rpm wrote before 4.16 (Red Hat 8 and before, Amazon Linux 2).
//!
//! Only as much of the format as rpm uses: no encryption, no checksums, no duplicates. All pages of the file are looked at
//! in turn, not bucket by bucket: each page of a bucket says what it is. Keys are a package's number, values its header;
//! number zero is rpm's own counter. Numbers are in the byte order of the machine that made the file.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Package, header, read_at};
use crate::source;

const HASH_MAGIC: u32 = 0x0006_1561;
/// Versions 7 to 10 have the page layout read here.
const VERSIONS: std::ops::RangeInclusive<u32> = 7..=10;
const META_BYTES: usize = 72;
const PAGE_HEAD: usize = 26;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH_META: u8 = 8;
const PAGE_HASH: u8 = 13;
const ITEM_HERE: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;

/// See [`super::Walk`].
pub(super) fn walk(path: &Path, act: &mut dyn FnMut(Option<Package>)) -> Option<()> {
    walk_fd(source::open(path).ok(), act)
}

pub(super) fn walk_fd(fd: Option<OwnedFd>, act: &mut dyn FnMut(Option<Package>)) -> Option<()> {
    let mut db = Database::open(fd?)?;
    let mut page = vec![0u8; db.page_bytes];
    for number in 1..db.pages {
        if read_at(&db.fd, &mut page, u64::from(number) * db.page_bytes as u64)? < db.page_bytes {
            return None;
        }
        if !matches!(page[25], PAGE_HASH | PAGE_HASH_UNSORTED) {
            continue;
        }
        // A page that stands elsewhere than it says is torn or forged.
        if db.order.u32(&page, 8)? != number {
            return None;
        }
        let items = usize::from(db.order.u16(&page, 20)?);
        for pair in 0..items / 2 {
            let key = db.item(&page, 2 * pair);
            match key {
                Some([ITEM_HERE, 0, 0, 0, 0]) => {}
                Some([ITEM_HERE, number @ ..]) if number.len() == 4 => {
                    let value = db.item(&page, 2 * pair + 1).map(<[u8]>::to_vec);
                    act(value.and_then(|value| db.package(&value)));
                }
                _ => act(None),
            }
        }
    }
    Some(())
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, text: &[u8], at: usize) -> Option<u16> {
        let bytes = text.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, text: &[u8], at: usize) -> Option<u32> {
        let bytes = text.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }
}

struct Database {
    fd: OwnedFd,
    order: Order,
    page_bytes: usize,
    pages: u32,
    /// Overflow pages that may still be read. In a sound file each belongs to one value.
    pages_left: u32,
}

impl Database {
    fn open(fd: OwnedFd) -> Option<Self> {
        let mut meta = [0u8; META_BYTES];
        if read_at(&fd, &mut meta, 0)? < META_BYTES {
            return None;
        }
        let order =
            [Order::Little, Order::Big].into_iter().find(|order| order.u32(&meta, 12) == Some(HASH_MAGIC))?;
        let page_bytes = usize::try_from(order.u32(&meta, 20)?).ok()?;
        // Neither encrypted nor with a checksum in each page, which would make its head longer.
        let plain = meta[24] == 0 && meta[26] & 1 == 0;
        if !VERSIONS.contains(&order.u32(&meta, 16)?)
            || !(512..=65_536).contains(&page_bytes)
            || !page_bytes.is_power_of_two()
            || meta[25] != PAGE_HASH_META
            || !plain
        {
            return None;
        }
        let bytes = u64::try_from(rustix::fs::fstat(&fd).ok()?.st_size).ok()?;
        let last = order.u32(&meta, 32)?;
        // A file shorter than it says has lost its end.
        let pages = u32::try_from(bytes / page_bytes as u64).ok().filter(|pages| *pages > last)?;
        Some(Self { fd, order, page_bytes, pages: pages.min(last.saturating_add(1)), pages_left: pages })
    }

    /// Item `at` of a page. Items lie from the page's end backwards, each up to where the one before it begins.
    fn item<'p>(&self, page: &'p [u8], at: usize) -> Option<&'p [u8]> {
        let place = |at: usize| Some(usize::from(self.order.u16(page, PAGE_HEAD + 2 * at)?));
        let end = if at == 0 { self.page_bytes } else { place(at - 1)? };
        page.get(place(at)?..end)
    }

    fn package(&mut self, value: &[u8]) -> Option<Package> {
        match value {
            [ITEM_HERE, rest @ ..] => {
                let mut rest = rest;
                header(&mut |into| {
                    let (now, later) = rest.split_at_checked(into.len())?;
                    into.copy_from_slice(now);
                    rest = later;
                    Some(())
                })
            }
            [ITEM_OFF_PAGE, ..] => {
                let (next, left) = (self.order.u32(value, 4)?, self.order.u32(value, 8)?);
                let page = vec![0u8; self.page_bytes];
                let mut input = Chain { db: self, page, ready: 0..0, next, left };
                header(&mut |into| input.read(into))
            }
            _ => None,
        }
    }
}

/// The bytes of a value through its overflow pages.
struct Chain<'a> {
    db: &'a mut Database,
    page: Vec<u8>,
    ready: std::ops::Range<usize>,
    next: u32,
    left: u32,
}

impl Chain<'_> {
    fn read(&mut self, mut into: &mut [u8]) -> Option<()> {
        self.left = self.left.checked_sub(u32::try_from(into.len()).ok()?)?;
        while !into.is_empty() {
            if self.ready.is_empty() {
                self.turn()?;
            }
            let n = self.ready.len().min(into.len());
            into[..n].copy_from_slice(&self.page[self.ready.start..self.ready.start + n]);
            self.ready.start += n;
            into = &mut into[n..];
        }
        Some(())
    }

    fn turn(&mut self) -> Option<()> {
        let db = &mut *self.db;
        db.pages_left = db.pages_left.checked_sub(1)?;
        let number = self.next;
        // Page zero ends a chain.
        if number == 0 || number >= db.pages {
            return None;
        }
        let at = u64::from(number) * db.page_bytes as u64;
        let whole = read_at(&db.fd, &mut self.page, at)? == db.page_bytes;
        let used = usize::from(db.order.u16(&self.page, 22)?);
        if !whole
            || self.page[25] != PAGE_OVERFLOW
            || db.order.u32(&self.page, 8)? != number
            || used == 0
            || used > db.page_bytes - PAGE_HEAD
        {
            return None;
        }
        self.next = db.order.u32(&self.page, 16)?;
        self.ready = PAGE_HEAD..PAGE_HEAD + used;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_database_breaks_it(mut bytes in proptest::collection::vec(any::<u8>(), 2048..6000), big: bool) {
            let order = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
            bytes[..72].fill(0);
            for (at, n) in [(12, 0x0006_1561), (16, 9), (20, 512), (32, 3)] {
                bytes[at..at + 4].copy_from_slice(&order(n));
            }
            bytes[25] = 8;
            for page in 1..4usize {
                bytes[512 * page + 8..512 * page + 12].copy_from_slice(&order(page as u32));
                bytes[512 * page + 25] = [13, 2, 7][page - 1];
            }
            crate::inventory::rpm::exercise_files(&bytes);
        }
    }
}
