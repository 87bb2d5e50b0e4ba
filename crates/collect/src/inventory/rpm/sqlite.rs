//! The table `Packages` of `rpmdb.sqlite`, as it lies in the file: <https://www.sqlite.org/fileformat2.html>.
//!
//! rpm writes in WAL mode and folds the log back when it closes the database. Packages that are only in the log, while
//! a transaction runs, are seen at the next change of the file.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Package, be32, header, read_at};
use crate::source;

/// The depth of a tree; with the number of pages it bounds the work that a damaged file can cause.
const DEPTH_MAX: u32 = 24;

/// See [`super::Walk`].
pub(super) fn walk(path: &Path, act: &mut dyn FnMut(Option<Package>)) -> Option<()> {
    walk_fd(source::open(path).ok(), act)
}

pub(super) fn walk_fd(fd: Option<OwnedFd>, act: &mut dyn FnMut(Option<Package>)) -> Option<()> {
    let mut db = Database::open(fd?)?;
    let root = db.packages_root()?;
    db.walk(root, 0, &mut |db, cell| act(db.package(cell)))
}

struct Database {
    fd: OwnedFd,
    page_bytes: usize,
    usable: usize,
    /// Pages that may still be read. In a sound file each belongs to one place.
    pages_left: u64,
}

/// The record of one row: what lies in the page, and where it goes on.
struct Cell {
    local: Vec<u8>,
    total: u64,
    overflow: u32,
}

impl Database {
    fn open(fd: OwnedFd) -> Option<Self> {
        let mut header = [0u8; 100];
        if read_at(&fd, &mut header, 0)? < 100 || !header.starts_with(b"SQLite format 3\0") {
            return None;
        }
        let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            n if n >= 512 && n.is_power_of_two() => usize::from(n),
            _ => return None,
        };
        let usable = page_bytes.checked_sub(usize::from(header[20])).filter(|n| *n >= 480)?;
        let bytes = u64::try_from(rustix::fs::fstat(&fd).ok()?.st_size).ok()?;
        // The first page is read twice: for the schema it is the root of a table.
        Some(Self { fd, page_bytes, usable, pages_left: bytes / page_bytes as u64 + 2 })
    }

    fn page(&mut self, number: u32) -> Option<Vec<u8>> {
        self.pages_left = self.pages_left.checked_sub(1)?;
        let mut page = vec![0u8; self.page_bytes];
        let offset = u64::from(number.checked_sub(1)?) * self.page_bytes as u64;
        (read_at(&self.fd, &mut page, offset)? == self.page_bytes).then_some(page)
    }

    /// The first page of the table `Packages`, from the schema on page 1.
    fn packages_root(&mut self) -> Option<u32> {
        let mut found = None;
        self.walk(1, 0, &mut |_, cell| found = found.or_else(|| schema_root(&cell.local)))?;
        found
    }

    /// Visits all rows of the table whose tree begins at page `number`.
    fn walk(&mut self, number: u32, depth: u32, act: &mut dyn FnMut(&mut Self, &Cell)) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        let page = self.page(number)?;
        // Page 1 begins with the header of the file.
        let at = if number == 1 { 100 } else { 0 };
        let cells = usize::from(be16(&page, at + 3)?);
        match *page.get(at)? {
            0x05 => {
                for i in 0..cells {
                    let cell = usize::from(be16(&page, at + 12 + 2 * i)?);
                    self.walk(be32(&page, cell)?, depth + 1, act)?;
                }
                self.walk(be32(&page, at + 8)?, depth + 1, act)
            }
            0x0d => {
                for i in 0..cells {
                    let cell = usize::from(be16(&page, at + 8 + 2 * i)?);
                    let cell = self.cell(&page, cell)?;
                    act(self, &cell);
                }
                Some(())
            }
            _ => None,
        }
    }

    fn cell(&self, page: &[u8], at: usize) -> Option<Cell> {
        let (total, used) = varint(page.get(at..)?)?;
        let (_, more) = varint(page.get(at + used..)?)?;
        let start = at + used + more;
        // How much of a record lies in the page itself: section 1.6 of the format.
        let (u, p) = (self.usable as u64, total);
        let (max, min) = (u - 35, (u - 12) * 32 / 255 - 23);
        let local = if p <= max {
            p
        } else {
            let k = min + (p - min) % (u - 4);
            if k <= max { k } else { min }
        };
        let end = start.checked_add(usize::try_from(local).ok()?)?;
        let overflow = if local < total { be32(page, end)? } else { 0 };
        Some(Cell { local: page.get(start..end)?.to_vec(), total, overflow })
    }

    /// Reads the header in the row's blob.
    fn package(&mut self, cell: &Cell) -> Option<Package> {
        let mut input = Payload {
            db: self,
            part: &cell.local,
            at: 0,
            overflow: cell.overflow,
            page: Vec::new(),
            left: cell.total,
        };
        // The record: length of its own header, then the type of each column: the key, the blob.
        let mut head = [0u8; 1];
        input.read(&mut head)?;
        let (head_len, mut types) = (usize::from(head[0]), [0u8; 32]);
        // Two columns: a longer header than this is of another table.
        let types = types.get_mut(..head_len.checked_sub(1)?)?;
        input.read(types)?;
        let (key_type, used) = varint(types)?;
        let (blob_type, _) = varint(types.get(used..)?)?;
        if blob_type < 12 || blob_type % 2 != 0 {
            return None;
        }
        // An integer primary key is stored as NULL: no bytes.
        let key_bytes = match key_type {
            0 | 8 | 9 => 0,
            n @ 1..=4 => n,
            5 => 6,
            6 | 7 => 8,
            _ => return None,
        };
        input.skip(key_bytes)?;
        header(&mut |into| input.read(into))
    }
}

/// The bytes of a record, through its overflow pages.
struct Payload<'a> {
    db: &'a mut Database,
    part: &'a [u8],
    at: usize,
    overflow: u32,
    page: Vec<u8>,
    left: u64,
}

impl Payload<'_> {
    fn read(&mut self, mut into: &mut [u8]) -> Option<()> {
        self.left = self.left.checked_sub(into.len() as u64)?;
        while !into.is_empty() {
            let ready = if self.page.is_empty() {
                self.part.get(self.at..)?
            } else {
                self.page.get(self.at..self.db.usable)?
            };
            if ready.is_empty() {
                if self.overflow == 0 {
                    return None;
                }
                self.page = self.db.page(self.overflow)?;
                self.overflow = be32(&self.page, 0)?;
                self.at = 4;
                continue;
            }
            let n = ready.len().min(into.len());
            into[..n].copy_from_slice(&ready[..n]);
            into = &mut into[n..];
            self.at += n;
        }
        Some(())
    }

    fn skip(&mut self, bytes: u64) -> Option<()> {
        let mut sink = [0u8; 512];
        let mut left = bytes;
        while left > 0 {
            let step = left.min(512);
            self.read(&mut sink[..step as usize])?;
            left -= step;
        }
        Some(())
    }
}

/// The root page in a row of the schema, if it describes the table `Packages`.
fn schema_root(record: &[u8]) -> Option<u32> {
    let (head_len, used) = varint(record)?;
    let mut types = record.get(used..usize::try_from(head_len).ok()?)?;
    let mut body = record.get(usize::try_from(head_len).ok()?..)?;
    let mut columns: [&[u8]; 4] = [b""; 4];
    for column in &mut columns {
        let (kind, used) = varint(types)?;
        types = types.get(used..)?;
        let len = match kind {
            0 | 8 | 9 => 0,
            n @ 1..=4 => n,
            5 => 6,
            6 | 7 => 8,
            n => n.checked_sub(12)? / 2,
        };
        let len = usize::try_from(len).ok()?;
        *column = body.get(..len)?;
        body = &body[len..];
    }
    // type, name, tbl_name, rootpage
    (columns[0] == b"table" && columns[1] == b"Packages" && columns[3].len() <= 4)
        .then(|| columns[3].iter().fold(0u32, |n, b| n << 8 | u32::from(*b)))
}

/// A number of SQLite's: big-endian, seven bits a byte, at most nine bytes. With the bytes used.
fn varint(text: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (at, b) in text.iter().take(9).enumerate() {
        if at == 8 {
            return Some((value << 8 | u64::from(*b), 9));
        }
        value = value << 7 | u64::from(b & 0x7f);
        if b & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

fn be16(text: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(text.get(at..at + 2)?.try_into().ok()?))
}

/// For the fuzz target.
pub(super) fn exercise(bytes: &[u8]) {
    let _ = (varint(bytes), schema_root(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_record_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            exercise(&bytes);
        }

        #[test]
        fn no_database_breaks_it(mut bytes in proptest::collection::vec(any::<u8>(), 600..3000)) {
            bytes[..16].copy_from_slice(b"SQLite format 3\0");
            bytes[16..21].copy_from_slice(&[2, 0, 1, 1, 0]);
            crate::inventory::rpm::exercise_files(&bytes);
        }
    }
}
