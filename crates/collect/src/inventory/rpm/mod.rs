//! Reads rpm's database without rpm, in the three forms that machines have: SQLite (rpm 4.16 and later, see [`sqlite`]),
//! ndb (SUSE, see [`ndb`]) and Berkeley DB (Red Hat 8 and before, Amazon Linux 2, see [`bdb`]).
//!
//! What is common to them is here: each keeps one rpm header per package (an index of tags, then a store of values). A
//! header can have megabytes; only the few values wanted are kept while it passes by. Nothing is locked: a database that
//! changes while it is read gives fewer packages and is read again in the next scan.

mod bdb;
mod ndb;
mod sqlite;

use std::os::fd::OwnedFd;
use std::path::Path;

use crate::note::{Notes, Problem};

/// Places of the database, newest habit first.
pub(crate) const DATABASES: [&str; 5] = [
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
];

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

/// A reader of one form: hands over each package, `None` for one that makes no sense. `None` when the database could not
/// be read to its end.
type Walk = fn(&Path, &mut dyn FnMut(Option<Package>)) -> Option<()>;

/// Hands each package to `tell`. False when the database could not be read to its end.
pub(crate) fn scan(path: &Path, tell: &mut dyn FnMut(&Package, &mut Notes), notes: &mut Notes) -> bool {
    let (name, walk): (_, Walk) = match path.extension().and_then(|e| e.to_str()) {
        Some("sqlite") => ("rpmdb.sqlite", sqlite::walk),
        Some("db") => ("rpm's Packages.db", ndb::walk),
        _ => ("rpm's Packages", bdb::walk),
    };
    let mut intact = true;
    let walked = walk(path, &mut |package| match package {
        // The public keys of repositories are stored as packages of this name.
        Some(package) if package.name == b"gpg-pubkey" => {}
        Some(package) => tell(&package, notes),
        None => {
            notes.add(name, Problem::Malformed);
            intact = false;
        }
    });
    if walked.is_none() {
        notes.add(name, Problem::Unreadable);
    }
    walked.is_some() && intact
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
    sqlite::exercise(bytes);
}

/// `bytes` as a whole database of each form: for the fuzz target.
pub(crate) fn exercise_files(bytes: &[u8]) {
    let Ok(fd) = rustix::fs::memfd_create("rpm", rustix::fs::MemfdFlags::CLOEXEC) else { return };
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(&fd, rest) {
            Ok(n) if n > 0 => rest = &rest[n..],
            _ => return,
        }
    }
    let _ = sqlite::walk_fd(fd.try_clone().ok(), &mut |_| {});
    let _ = ndb::walk_fd(fd.try_clone().ok(), &mut |_| {});
    let _ = bdb::walk_fd(Some(fd), &mut |_| {});
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
        }
    }
}
