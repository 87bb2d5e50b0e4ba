//! Segment files: finding them, judging them, writing one, reading one record after the other.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::record::{self, Kind};

/// Bytes looked through at once for the next sound record: the largest that begins in the first half ends in here.
const WINDOW: usize = 2 * (record::HEAD + record::CONTENT_MAX);
/// Numbers of segments and positions beyond this were never given by this crate.
pub(crate) const NUMBER_MAX: u64 = 1 << 62;

/// Opens a file of the spool, and nothing else: a link would lead to a file of somebody else's choice, a pipe would never
/// answer.
pub(crate) fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let refuse = || io::Error::other("it is a link, or no plain file: remove it");
    let file = options.custom_flags(flags.cast_signed()).open(path).map_err(|error| {
        let link = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
        if link { refuse() } else { error }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refuse()) }
}

/// What is known of a segment without reading it.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Also the id of its dictionary.
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// First position it may hold.
    pub(crate) first: u64,
    /// Last position it holds; `first - 1` when none.
    pub(crate) last: u64,
    /// When its newest record was written.
    pub(crate) newest_ms: i64,
}

impl Segment {
    pub(crate) fn path_of(dir: &Path, number: u64) -> PathBuf {
        dir.join(format!("{number:020}.seg"))
    }

    /// Reads a segment through. `None` when it holds no sound header and no sound batch. Also: whether bytes in it are
    /// damaged or cannot be read, which a cut at its end is not: that is what a crash leaves.
    pub(crate) fn scan(number: u64, path: PathBuf) -> io::Result<(Option<Self>, bool)> {
        let file = open_plain(OpenOptions::new().read(true), &path)?;
        let bytes = file.metadata()?.len();
        let mut reader = Reader { file, number, at: 0, end: bytes, damaged: false };
        let mut found: Option<Self> = None;
        loop {
            let record = match reader.next() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(spool.segment = %path.display(), "the rest of a segment cannot be read: {error}");
                    reader.damaged = true;
                    break;
                }
            };
            // What is sound by its sum and yet impossible is not ours.
            let most = bytes / record::HEAD as u64;
            let begins = found.as_ref().map_or(record.position, |segment| segment.first);
            let possible = record.position <= NUMBER_MAX && record.position.wrapping_sub(begins) <= most;
            if record.kind != Kind::Dictionary && !possible {
                reader.damaged = true;
                continue;
            }
            let segment = match record.kind {
                Kind::Dictionary => continue,
                Kind::Header | Kind::Batch => found.get_or_insert_with(|| Self {
                    number,
                    path: path.clone(),
                    bytes,
                    first: record.position,
                    last: record.position.saturating_sub(1),
                    newest_ms: record.at_ms,
                }),
            };
            if record.kind == Kind::Batch {
                segment.last = segment.last.max(record.position);
            }
            segment.newest_ms = segment.newest_ms.max(record.at_ms);
        }
        Ok((found, reader.damaged))
    }

    /// Segment numbers and files in a folder, oldest first.
    pub(crate) fn list(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = vec![];
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "seg")
                && let Some(number) =
                    path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok())
                && number <= NUMBER_MAX
                && path == Self::path_of(dir, number)
            {
                if entry.file_type()?.is_symlink() {
                    // The link goes, not what it leads to.
                    tracing::error!(spool.segment = %path.display(), "a link stands where a segment was: removed");
                    fs::remove_file(&path)?;
                } else {
                    found.push((number, path));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    file: File,
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) created_ms: i64,
}

impl Writer {
    /// Creates a segment and makes it durable.
    pub(crate) fn create(dir: &Path, number: u64, first: u64, now_ms: i64, sync: bool) -> io::Result<Self> {
        let path = Segment::path_of(dir, number);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let mut out = vec![];
        record::write(&mut out, Kind::Header, first, now_ms, &[]);
        let made = file.write_all_at(&out, 0).and_then(|()| {
            if sync {
                file.sync_data()?;
                File::open(dir)?.sync_all()?;
            }
            Ok(())
        });
        if let Err(error) = made {
            // Leaves no half-made file behind; if this fails too, the next start judges it.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self { file, number, bytes: out.len() as u64, created_ms: now_ms })
    }

    /// Appends whole records. After an error the file is as it was, or this writer must not be used again.
    pub(crate) fn append(&mut self, records: &[u8], sync: bool) -> io::Result<()> {
        let written = self
            .file
            .write_all_at(records, self.bytes)
            .and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += records.len() as u64;
        Ok(())
    }
}

/// A record with its own memory.
#[derive(Debug)]
pub(crate) struct OwnedRecord {
    pub(crate) kind: Kind,
    pub(crate) position: u64,
    pub(crate) at_ms: i64,
    pub(crate) content: Vec<u8>,
}

/// Reads a segment record by record.
#[derive(Debug)]
pub(crate) struct Reader {
    file: File,
    pub(crate) number: u64,
    at: u64,
    /// Where the segment ends; grows while it is being written.
    pub(crate) end: u64,
    /// Something was skipped that is not just a cut end.
    pub(crate) damaged: bool,
}

impl Reader {
    pub(crate) fn open(segment: &Segment) -> io::Result<Self> {
        let file = open_plain(OpenOptions::new().read(true), &segment.path)?;
        Ok(Self { file, number: segment.number, at: 0, end: segment.bytes, damaged: false })
    }

    /// The next sound record, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<OwnedRecord>> {
        loop {
            if self.at + record::HEAD as u64 > self.end {
                return Ok(None);
            }
            let mut head = [0; record::HEAD];
            self.read_at(&mut head, self.at)?;
            if let Some(length) = record::length(&head)
                && self.at + length as u64 <= self.end
            {
                let mut whole = vec![0; length];
                self.read_at(&mut whole, self.at)?;
                let parts = record::read(&whole).map(|record| (record.kind, record.position, record.at_ms));
                if let Some((kind, position, at_ms)) = parts {
                    self.at += length as u64;
                    whole.drain(..record::HEAD);
                    return Ok(Some(OwnedRecord { kind, position, at_ms, content: whole }));
                }
            }
            if !self.resync()? {
                return Ok(None);
            }
        }
    }

    /// Goes to the next sound record after this place, which holds none; to the end when there is none. In windows: what
    /// lies here may be as large as somebody made it.
    fn resync(&mut self) -> io::Result<bool> {
        let mut from = self.at + 1;
        while from + record::HEAD as u64 <= self.end {
            let length = usize::try_from(self.end - from).unwrap_or(WINDOW).min(WINDOW);
            let mut window = vec![0; length];
            self.read_at(&mut window, from)?;
            if let Some(offset) = record::find(&window, 0) {
                self.damaged = true;
                self.at = from + offset as u64;
                return Ok(true);
            }
            if length < WINDOW {
                break;
            }
            from += (WINDOW / 2) as u64;
        }
        self.at = self.end;
        Ok(false)
    }

    /// Gives the rest up: it cannot be read.
    pub(crate) fn give_up(&mut self) {
        self.at = self.end;
    }

    /// Goes back to before the record that [`Self::next`] returned last.
    pub(crate) fn unread(&mut self, record: &OwnedRecord) {
        self.at -= (record::HEAD + record.content.len()) as u64;
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}
