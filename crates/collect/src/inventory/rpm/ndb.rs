//! `Packages.db`, rpm's own format "ndb" of SUSE: a table of slots, then a blob per package.
//!
//! Little-endian. The file begins with 32 bytes of header and pages of slots; a slot names a package's number and the
//! blocks of 16 bytes where its blob lies. A blob is a head of 16 bytes, the rpm header, and a tail. Its checksum is not
//! computed: that would mean to read each header whole, and rpm itself does not for a listing either.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Package, header, read_at};
use crate::source;

const FILE_MAGIC: &[u8; 4] = b"RpmP";
const SLOT_MAGIC: &[u8; 4] = b"Slot";
const BLOB_MAGIC: &[u8; 4] = b"BlbS";
const TAIL_MAGIC: &[u8; 4] = b"BlbE";
const PAGE_BYTES: usize = 4096;
/// Slots and blocks have the same size. The first two slots are the file's header.
const BLOCK_BYTES: u64 = 16;
const TAIL_BYTES: u64 = 12;
/// Pages of slots, 256 in each: five times what an inventory tells.
const SLOT_PAGES_MAX: u32 = 1024;
/// What is read ahead of a blob.
const WINDOW_BYTES: usize = 4096;

/// See [`super::Walk`].
pub(super) fn walk(path: &Path, act: &mut dyn FnMut(Option<Package>)) -> Option<()> {
    walk_fd(source::open(path).ok(), act)
}

pub(super) fn walk_fd(fd: Option<OwnedFd>, act: &mut dyn FnMut(Option<Package>)) -> Option<()> {
    let fd = fd?;
    let file_bytes = u64::try_from(rustix::fs::fstat(&fd).ok()?.st_size).ok()?;
    let mut head = [0u8; 32];
    if read_at(&fd, &mut head, 0)? < head.len() || !head.starts_with(FILE_MAGIC) || le32(&head, 4)? != 0 {
        return None;
    }
    let pages = le32(&head, 12).filter(|n| (1..=SLOT_PAGES_MAX).contains(n))?;
    // Blobs do not overlap in a sound file: whoever reads more than it holds goes round in circles.
    let mut bytes_left = file_bytes;
    let mut page = vec![0u8; PAGE_BYTES];
    for number in 0..pages {
        if read_at(&fd, &mut page, u64::from(number) * PAGE_BYTES as u64)? < PAGE_BYTES {
            return None;
        }
        for slot in page.chunks_exact(BLOCK_BYTES as usize).skip(if number == 0 { 2 } else { 0 }) {
            if !slot.starts_with(SLOT_MAGIC) {
                return None;
            }
            let (package, begin, blocks) = (le32(slot, 4)?, le32(slot, 8)?, le32(slot, 12)?);
            // A slot without a place is free.
            if begin != 0 {
                let (begin, len) = (u64::from(begin) * BLOCK_BYTES, u64::from(blocks) * BLOCK_BYTES);
                if begin < u64::from(pages) * PAGE_BYTES as u64 || begin + len > file_bytes {
                    return None;
                }
                act(blob(&fd, package, begin, len, &mut bytes_left));
            }
        }
    }
    Some(())
}

fn blob(fd: &OwnedFd, package: u32, begin: u64, len: u64, bytes_left: &mut u64) -> Option<Package> {
    let mut head = [0u8; BLOCK_BYTES as usize];
    let mut tail = [0u8; TAIL_BYTES as usize];
    let bytes = len.checked_sub(BLOCK_BYTES + TAIL_BYTES)?;
    read_at(fd, &mut head, begin)?;
    read_at(fd, &mut tail, begin + len - TAIL_BYTES)?;
    // Head and tail agree on the length, and it fills the blocks but for less than one.
    let told = le32(&head, 12)?;
    let fits = head.starts_with(BLOB_MAGIC)
        && tail.ends_with(TAIL_MAGIC)
        && le32(&head, 4)? == package
        && le32(&tail, 4)? == told
        && bytes.checked_sub(u64::from(told)).is_some_and(|rest| rest < BLOCK_BYTES);
    if !fits {
        return None;
    }
    let mut input = Blob {
        fd,
        at: begin + BLOCK_BYTES,
        left: u64::from(told),
        window: [0; WINDOW_BYTES],
        ready: 0..0,
        bytes_left,
    };
    header(&mut |into| input.read(into))
}

/// The bytes of one blob, a window at a time.
struct Blob<'a> {
    fd: &'a OwnedFd,
    at: u64,
    left: u64,
    window: [u8; WINDOW_BYTES],
    ready: std::ops::Range<usize>,
    bytes_left: &'a mut u64,
}

impl Blob<'_> {
    fn read(&mut self, mut into: &mut [u8]) -> Option<()> {
        while !into.is_empty() {
            if self.ready.is_empty() {
                let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(WINDOW_BYTES);
                let n = read_at(self.fd, &mut self.window[..wanted], self.at)?;
                *self.bytes_left = self.bytes_left.checked_sub(n as u64)?;
                if n == 0 {
                    return None;
                }
                self.at += n as u64;
                self.left -= n as u64;
                self.ready = 0..n;
            }
            let n = self.ready.len().min(into.len());
            into[..n].copy_from_slice(&self.window[self.ready.start..self.ready.start + n]);
            self.ready.start += n;
            into = &mut into[n..];
        }
        Some(())
    }
}

fn le32(text: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(text.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_database_breaks_it(mut bytes in proptest::collection::vec(any::<u8>(), 4096..6000), slots in proptest::collection::vec((0u32..4, 250u32..380, 0u32..40), 254)) {
            bytes[..16].copy_from_slice(b"RpmP\0\0\0\0\x01\0\0\0\x01\0\0\0");
            for (slot, (package, begin, blocks)) in bytes[32..4096].chunks_exact_mut(16).zip(slots) {
                slot[..4].copy_from_slice(b"Slot");
                for (at, n) in [(4, package), (8, begin), (12, blocks)] {
                    slot[at..at + 4].copy_from_slice(&n.to_le_bytes());
                }
            }
            crate::inventory::rpm::exercise_files(&bytes);
        }
    }
}
