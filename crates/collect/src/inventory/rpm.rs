//! Reads rpm's database (`rpmdb.sqlite`, rpm 4.16 and later) without SQLite and without rpm.
//!
//! Just enough of the two formats: tables of SQLite 3 as they lie in the file (<https://www.sqlite.org/fileformat2.html>),
//! and in each row an rpm header (index of tags, then a store of values). A header can have megabytes; only the few
//! values wanted are kept while it passes by. The older Berkeley DB and ndb formats are not read; a note says so.
//!
//! rpm writes in WAL mode and folds the log back when it closes the database. Packages that are only in the log, while
//! a transaction runs, are seen at the next change of the file.

use std::os::fd::OwnedFd;
use std::path::Path;

use crate::note::{Notes, Problem};
use crate::source;

/// Places of the database, newest habit first.
pub(crate) const DATABASES: [&str; 5] = [
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
];

/// The depth of a tree; with the number of pages it bounds the work that a damaged file can cause.
const DEPTH_MAX: u32 = 24;
/// Index entries of one header.
const TAGS_MAX: u32 = 10_000;
/// Longest value kept.
const VALUE_BYTES_MAX: usize = 256;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const INSTALL_TIME: u32 = 1008;
const VENDOR: u32 = 1011;
const ARCH: u32 = 1022;
const SOURCE_RPM: u32 = 1044;
const WANTED: [u32; 8] = [NAME, VERSION, RELEASE, EPOCH, INSTALL_TIME, VENDOR, ARCH, SOURCE_RPM];
const TYPE_INT32: u32 = 4;
const TYPE_STRING: u32 = 6;

/// One installed package.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    name: Vec<u8>,
    version: Vec<u8>,
    arch: Vec<u8>,
    vendor: Vec<u8>,
    source: Vec<u8>,
    source_version: Vec<u8>,
    installed_s: Vec<u8>,
}

impl Package {
    /// Several versions of one package may be installed side by side, kernels for instance.
    pub(crate) fn key(&self) -> Vec<u8> {
        [&self.name[..], b"-", &self.version, b".", &self.arch].concat()
    }

    pub(crate) fn fields(&self) -> [(&'static str, &[u8]); 8] {
        [
            ("manager", b"rpm"),
            ("name", &self.name),
            ("version", &self.version),
            ("arch", &self.arch),
            ("source", &self.source),
            ("source_version", &self.source_version),
            ("vendor", &self.vendor),
            ("installed_s", &self.installed_s),
        ]
    }
}

/// Hands each package to `tell`. False when the database could not be read to its end.
pub(crate) fn scan(path: &Path, tell: &mut dyn FnMut(&Package, &mut Notes), notes: &mut Notes) -> bool {
    if path.extension().is_none_or(|e| e != "sqlite") {
        notes.add("rpm database of an old format", Problem::Unreadable);
        return false;
    }
    let Some(mut db) = Database::open(path) else {
        notes.add("rpmdb.sqlite", Problem::Unreadable);
        return false;
    };
    let Some(root) = db.packages_root() else {
        notes.add("rpmdb.sqlite", Problem::Malformed);
        return false;
    };
    let mut intact = true;
    let walked = db.walk(root, 0, &mut |db, cell| match db.package(cell) {
        // The public keys of repositories are stored as packages of this name.
        Some(package) if package.name == b"gpg-pubkey" => {}
        Some(package) => tell(&package, notes),
        None => {
            notes.add("rpmdb.sqlite", Problem::Malformed);
            intact = false;
        }
    });
    walked.is_some() && intact
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
    fn open(path: &Path) -> Option<Self> {
        let fd = source::open(path).ok()?;
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

/// Reads an rpm header from `read`, which fills its argument with the next bytes.
fn header(read: &mut dyn FnMut(&mut [u8]) -> Option<()>) -> Option<Package> {
    let mut word = [0u8; 8];
    read(&mut word)?;
    let (tags, store) = (be32(&word, 0)?, be32(&word, 4)?);
    if tags > TAGS_MAX {
        return None;
    }
    // Offset in the store, tag, type.
    let mut wanted: Vec<(u32, u32, u32)> = Vec::new();
    for _ in 0..tags {
        let mut entry = [0u8; 16];
        read(&mut entry)?;
        let (tag, kind, offset) = (be32(&entry, 0)?, be32(&entry, 4)?, be32(&entry, 8)?);
        if WANTED.contains(&tag) && (kind == TYPE_STRING || kind == TYPE_INT32) && offset < store {
            wanted.push((offset, tag, kind));
        }
    }
    wanted.sort_unstable();
    let mut values: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut at = 0u32;
    for (offset, tag, kind) in wanted {
        // Two tags at one place, or one inside another, is nothing rpm writes.
        let mut gap = offset.checked_sub(at)?;
        let mut sink = [0u8; 512];
        while gap > 0 {
            let step = gap.min(512);
            read(&mut sink[..step as usize])?;
            gap -= step;
        }
        at = offset;
        let mut value = Vec::new();
        if kind == TYPE_INT32 {
            let mut number = [0u8; 4];
            read(&mut number)?;
            at = at.checked_add(4)?;
            value = u32::from_be_bytes(number).to_string().into_bytes();
        } else {
            loop {
                let mut b = [0u8; 1];
                read(&mut b)?;
                at = at.checked_add(1)?;
                if b[0] == 0 {
                    break;
                }
                if at > store {
                    return None;
                }
                if value.len() < VALUE_BYTES_MAX {
                    value.push(b[0]);
                }
            }
        }
        values.push((tag, value));
    }
    let take = |tag: u32| values.iter().find(|(t, _)| *t == tag).map(|(_, v)| v.clone()).unwrap_or_default();
    let (name, version, release, epoch) = (take(NAME), take(VERSION), take(RELEASE), take(EPOCH));
    if name.is_empty() || version.is_empty() {
        return None;
    }
    let evr = |version: &[u8], release: &[u8]| {
        let mut text = Vec::new();
        if !epoch.is_empty() && epoch != b"0" {
            text.extend_from_slice(&epoch);
            text.push(b':');
        }
        text.extend_from_slice(version);
        text.push(b'-');
        text.extend_from_slice(release);
        text
    };
    // `openssl-3.0.7-27.el9.src.rpm`: name, version and release from the right.
    let source = take(SOURCE_RPM);
    let stem =
        source.strip_suffix(b".src.rpm").or_else(|| source.strip_suffix(b".nosrc.rpm")).unwrap_or_default();
    let mut parts = stem.rsplitn(3, |b| *b == b'-');
    let (source_release, source_version, source_name) = (parts.next(), parts.next(), parts.next());
    let (source, source_version) = match (source_name, source_version, source_release) {
        (Some(n), Some(v), Some(r)) if !n.is_empty() => (n.to_vec(), evr(v, r)),
        _ => (name.clone(), evr(&version, &release)),
    };
    Some(Package {
        version: evr(&version, &release),
        arch: take(ARCH),
        vendor: take(VENDOR),
        installed_s: take(INSTALL_TIME),
        name,
        source,
        source_version,
    })
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

fn be32(text: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(text.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn read_at(fd: &OwnedFd, into: &mut [u8], offset: u64) -> Option<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match rustix::io::pread(fd, &mut into[filled..], offset.checked_add(filled as u64)?) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    Some(filled)
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let mut rest = bytes;
    let _ = header(&mut |into| {
        let (now, later) = rest.split_at_checked(into.len())?;
        into.copy_from_slice(now);
        rest = later;
        Some(())
    });
    let _ = (varint(bytes), schema_root(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_gives_name_version_and_source() {
        let values: [(u32, &[u8]); 5] = [
            (NAME, b"openssl-libs"),
            (VERSION, b"3.0.7"),
            (RELEASE, b"27.el9"),
            (ARCH, b"x86_64"),
            (SOURCE_RPM, b"openssl-3.0.7-27.el9.src.rpm"),
        ];
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, value) in values {
            for n in [tag, TYPE_STRING, store.len() as u32, 1] {
                index.extend(n.to_be_bytes());
            }
            store.extend(value);
            store.push(0);
        }
        store.resize(store.len().next_multiple_of(4), 0);
        for n in [EPOCH, TYPE_INT32, store.len() as u32, 1] {
            index.extend(n.to_be_bytes());
        }
        store.extend(1u32.to_be_bytes());
        let mut bytes = [6u32.to_be_bytes(), (store.len() as u32).to_be_bytes()].concat();
        bytes.extend(index);
        bytes.extend(store);
        let mut rest = bytes.as_slice();
        let package = header(&mut |into| {
            let (now, later) = rest.split_at_checked(into.len())?;
            into.copy_from_slice(now);
            rest = later;
            Some(())
        })
        .unwrap();
        assert_eq!(package.key(), b"openssl-libs-1:3.0.7-27.el9.x86_64");
        assert_eq!(
            (&package.source[..], &package.source_version[..]),
            (&b"openssl"[..], &b"1:3.0.7-27.el9"[..])
        );
    }

    proptest! {
        #[test]
        fn no_header_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut rest = bytes.as_slice();
            let _ = header(&mut |into| {
                let (now, later) = rest.split_at_checked(into.len())?;
                into.copy_from_slice(now);
                rest = later;
                Some(())
            });
            let _ = (varint(&bytes), schema_root(&bytes));
        }

        #[test]
        fn no_database_breaks_it(mut bytes in proptest::collection::vec(any::<u8>(), 600..3000)) {
            bytes[..16].copy_from_slice(b"SQLite format 3\0");
            bytes[16..21].copy_from_slice(&[2, 0, 1, 1, 0]);
            let file = tempfile::Builder::new().suffix(".sqlite").tempfile().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            scan(file.path(), &mut |_, _| {}, &mut Notes::default());
        }
    }
}
