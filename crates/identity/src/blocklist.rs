//! A list of breached passwords that the operator loads, of any size: made from a file of words or of SHA-1 digests,
//! kept sorted on disk, and looked up without reading it in.
//!
//! ```text
//! "WKBLOCK1" | entries, u64 | SHA-256 of the entries, 32 bytes | 16 zero bytes | entries of 8 bytes, ascending
//! ```
//! An entry is the first eight bytes of the SHA-1 of the password: the published lists have digests of that kind. Of a
//! thousand million entries, one good password in twenty thousand million is taken for a listed one.
//!
//! A list is made beside the one in use and moved into its place; a file whose digest is not right is not opened.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use unicode_normalization::UnicodeNormalization as _;

use crate::password::Password;

const MAGIC: [u8; 8] = *b"WKBLOCK1";
const HEAD: usize = 64;
const ENTRY: usize = 8;
/// Longest line that can be a password or a digest with its count; longer ones are passed over.
const LINE_MAX: usize = 4096;
/// Entries sorted in memory at once: 64 MiB of them. More go to disk in sorted runs.
const RUN_MAX: usize = 8 << 20;
/// Runs merged at once: a list of two thousand million entries has some 240.
const RUNS_MAX: usize = 4096;
/// Lines between two words of progress.
const PROGRESS_EVERY: u64 = 1 << 20;

type Entry = [u8; ENTRY];

/// Why a list cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum BlocklistError {
    #[error("cannot read or write the list: {0}")]
    Io(#[from] io::Error),
    #[error("line {line} is not a SHA-1 digest in hexadecimal with a count, such as `5BAA61...:9545824`")]
    Line { line: u64 },
    #[error("it holds no password at all")]
    Empty,
    #[error("it is no list of Watchkeep's")]
    Format,
    #[error("it is damaged: its digest does not match. Import it again")]
    Damaged,
    #[error("it has more entries than can be sorted here")]
    TooMany,
}

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlocklistFormat {
    /// A password in each line.
    Words,
    /// The SHA-1 of a password in hexadecimal, a colon, and how often it was seen.
    Sha1,
}

/// What became of a file's lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lines read.
    pub lines: u64,
    /// Lines passed over: empty, too long, or not text.
    pub skipped: u64,
    /// Different entries of the list.
    pub entries: u64,
}

fn sha1(bytes: &[u8]) -> Entry {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut entry = [0; ENTRY];
    entry.copy_from_slice(&digest.as_ref()[..ENTRY]);
    entry
}

/// The digest of one line, if it is one.
fn sha1_line(line: &[u8]) -> Option<Entry> {
    let (digest, count) = match line.iter().position(|byte| *byte == b':') {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, &b"0"[..]),
    };
    if digest.len() != 40 || count.is_empty() || count.len() > 20 || !count.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nibble = |byte: u8| (byte as char).to_digit(16).map(|n| n as u8);
    let mut whole = [0u8; 20];
    for (slot, pair) in whole.iter_mut().zip(digest.chunks_exact(2)) {
        *slot = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    let mut entry = [0; ENTRY];
    entry.copy_from_slice(&whole[..ENTRY]);
    Some(entry)
}

/// The digest of a word as people would type it.
fn word_line(line: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(line).ok()?;
    let normal: String = text.nfc().collect();
    (!normal.is_empty()).then(|| sha1(normal.as_bytes()))
}

/// Reads one line without its end, at most [`LINE_MAX`] bytes of it; whether it was longer. None at the end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut any, mut cut) = (false, false);
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = LINE_MAX.saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        cut |= part.len() > room;
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(any.then_some(cut))
}

/// Guesses what a file is from its first line.
///
/// # Errors
/// When it cannot be read.
pub fn guess_format(input: &mut impl BufRead) -> io::Result<BlocklistFormat> {
    let start = input.fill_buf()?;
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(if sha1_line(line).is_some() { BlocklistFormat::Sha1 } else { BlocklistFormat::Words })
}

/// A run of sorted entries on disk.
struct Run(BufReader<File>);

impl Run {
    fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut entry = [0; ENTRY];
        match self.0.read_exact(&mut entry) {
            Ok(()) => Ok(Some(entry)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Writes sorted, different entries with their head.
struct Writer {
    file: BufWriter<File>,
    digest: digest::Context,
    entries: u64,
    last: Option<Entry>,
}

impl Writer {
    fn new(file: File) -> io::Result<Self> {
        let mut file = BufWriter::new(file);
        file.write_all(&[0; HEAD])?;
        Ok(Self { file, digest: digest::Context::new(&digest::SHA256), entries: 0, last: None })
    }

    fn put(&mut self, entry: Entry) -> io::Result<()> {
        if self.last == Some(entry) {
            return Ok(());
        }
        self.last = Some(entry);
        self.entries += 1;
        self.digest.update(&entry);
        self.file.write_all(&entry)
    }

    fn finish(self) -> Result<u64, BlocklistError> {
        if self.entries == 0 {
            return Err(BlocklistError::Empty);
        }
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(&MAGIC);
        head[8..16].copy_from_slice(&self.entries.to_be_bytes());
        head[16..48].copy_from_slice(self.digest.finish().as_ref());
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&head)?;
        file.sync_all()?;
        Ok(self.entries)
    }
}

/// Files that are removed again, however the work ends.
struct Scratch(Vec<PathBuf>);

impl Drop for Scratch {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Makes the list at `target` out of `input`, which may be larger than memory. What is at `target` is replaced at the very
/// end, in one step. `progress` hears of the lines read so far, now and then.
///
/// # Errors
/// [`BlocklistError`]; the list in use is then as it was.
pub fn import_blocklist(
    input: impl BufRead,
    format: BlocklistFormat,
    target: &Path,
    progress: impl FnMut(u64),
) -> Result<Imported, BlocklistError> {
    import_in_runs(input, format, target, progress, RUN_MAX)
}

fn import_in_runs(
    mut input: impl BufRead,
    format: BlocklistFormat,
    target: &Path,
    mut progress: impl FnMut(u64),
    run_max: usize,
) -> Result<Imported, BlocklistError> {
    let beside = |what: String| {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(what);
        target.with_file_name(name)
    };
    let mut scratch = Scratch(Vec::new());
    let mut imported = Imported::default();
    let mut run: Vec<Entry> = Vec::new();
    let mut line = Vec::with_capacity(256);
    while let Some(cut) = read_line(&mut input, &mut line)? {
        imported.lines += 1;
        if imported.lines % PROGRESS_EVERY == 0 {
            progress(imported.lines);
        }
        let entry = match format {
            _ if line.is_empty() || cut => None,
            BlocklistFormat::Words => word_line(&line),
            BlocklistFormat::Sha1 => {
                Some(sha1_line(&line).ok_or(BlocklistError::Line { line: imported.lines })?)
            }
        };
        let Some(entry) = entry else {
            imported.skipped += 1;
            continue;
        };
        run.push(entry);
        if run.len() >= run_max {
            if scratch.0.len() >= RUNS_MAX {
                return Err(BlocklistError::TooMany);
            }
            run.sort_unstable();
            run.dedup();
            let path = beside(format!(".run{}", scratch.0.len()));
            scratch.0.push(path.clone());
            let mut file = BufWriter::new(create(&path)?);
            for entry in run.drain(..) {
                file.write_all(&entry)?;
            }
            file.flush()?;
        }
    }
    run.sort_unstable();
    let runs = scratch.0.clone();
    let new = beside(".new".to_owned());
    scratch.0.push(new.clone());
    let mut writer = Writer::new(create(&new)?)?;
    merge(&runs, run, &mut writer)?;
    imported.entries = writer.finish()?;
    // What root makes for the server is the server's, as its folder is.
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(owner) = folder.map(std::fs::metadata).transpose()?
        && std::fs::metadata(&new)?.uid() != owner.uid()
    {
        std::os::unix::fs::chown(&new, Some(owner.uid()), Some(owner.gid()))?;
    }
    std::fs::rename(&new, target)?;
    if let Some(folder) = folder {
        File::open(folder)?.sync_all()?;
    }
    progress(imported.lines);
    Ok(imported)
}

fn merge(runs: &[PathBuf], last: Vec<Entry>, writer: &mut Writer) -> Result<(), BlocklistError> {
    let mut readers = Vec::with_capacity(runs.len());
    let mut heads = BinaryHeap::new();
    for path in runs {
        let mut reader = Run(BufReader::with_capacity(64 << 10, File::open(path)?));
        if let Some(entry) = reader.next()? {
            heads.push(Reverse((entry, readers.len())));
        }
        readers.push(reader);
    }
    let mut last = last.into_iter().peekable();
    while let Some(Reverse((entry, from))) = heads.pop() {
        while let Some(own) = last.next_if(|own| *own <= entry) {
            writer.put(own)?;
        }
        writer.put(entry)?;
        if let Some(next) = readers[from].next()? {
            heads.push(Reverse((next, from)));
        }
    }
    for own in last {
        writer.put(own)?;
    }
    Ok(())
}

/// Tells one file from another that was moved into its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    changed_ns: i128,
}

impl Identity {
    fn of(meta: &std::fs::Metadata) -> Self {
        let changed_ns = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        Self { device: meta.dev(), inode: meta.ino(), bytes: meta.len(), changed_ns }
    }
}

/// A list that was opened.
#[derive(Debug)]
pub struct Blocklist {
    file: File,
    entries: u64,
    identity: Identity,
}

impl Blocklist {
    /// Opens a list and reads it through once: a second or so for each gigabyte.
    ///
    /// # Errors
    /// [`BlocklistError`].
    pub fn open(path: &Path) -> Result<Self, BlocklistError> {
        let mut file = File::open(path)?;
        let identity = Identity::of(&file.metadata()?);
        let entries = check(&mut file, identity.bytes)?;
        Ok(Self { file, entries, identity })
    }

    /// Different passwords in it.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// When it was made, in milliseconds since the epoch, as its file says.
    pub fn made_ms(&self) -> i64 {
        i64::try_from(self.identity.changed_ns / 1_000_000).unwrap_or_default()
    }

    /// Whether the file at `path` is still this one.
    pub fn is_at(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|meta| Identity::of(&meta) == self.identity)
    }

    /// Whether the password is listed, as typed or in small letters.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn holds(&self, password: &Password) -> io::Result<bool> {
        if self.find(&sha1(password.as_bytes()))? {
            return Ok(true);
        }
        let lower = password.lower();
        Ok(lower.as_bytes() != password.as_bytes() && self.find(&sha1(lower.as_bytes()))?)
    }

    fn find(&self, wanted: &Entry) -> io::Result<bool> {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut entry = [0; ENTRY];
            self.file.read_exact_at(&mut entry, HEAD as u64 + middle * ENTRY as u64)?;
            match entry.cmp(wanted) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }
}

/// Looks a list through, `bytes` long: head, order, digest. How many entries it has.
///
/// # Errors
/// [`BlocklistError`].
pub fn check(input: &mut impl Read, bytes: u64) -> Result<u64, BlocklistError> {
    let mut head = [0; HEAD];
    input.read_exact(&mut head).map_err(|_| BlocklistError::Format)?;
    let mut count = [0; 8];
    count.copy_from_slice(&head[8..16]);
    let entries = u64::from_be_bytes(count);
    let whole = entries.checked_mul(ENTRY as u64).and_then(|n| n.checked_add(HEAD as u64));
    if head[..8] != MAGIC || head[48..] != [0; 16] || whole != Some(bytes) || entries == 0 {
        return Err(BlocklistError::Format);
    }
    let mut digest = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 64 << 10];
    let (mut left, mut last) = (entries * ENTRY as u64, None::<Entry>);
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let part = &mut buffer[..part];
        input.read_exact(part).map_err(|_| BlocklistError::Damaged)?;
        digest.update(part);
        for entry in part.as_chunks::<ENTRY>().0 {
            if last.is_some_and(|last| last >= *entry) {
                return Err(BlocklistError::Damaged);
            }
            last = Some(*entry);
        }
        left -= part.len() as u64;
    }
    if digest.finish().as_ref() != &head[16..48] {
        return Err(BlocklistError::Damaged);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folder() -> PathBuf {
        let name = u64::from_be_bytes(wk_seal::random_array::<8>().unwrap());
        let folder = std::env::temp_dir().join(format!("wk-blocklist-{name:016x}"));
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    fn holds(list: &Blocklist, text: &str) -> bool {
        list.holds(&Password::parse(text).unwrap()).unwrap()
    }

    fn bytes_of(words: &str) -> Vec<u8> {
        let folder = folder();
        let path = folder.join("list");
        import_blocklist(words.as_bytes(), BlocklistFormat::Words, &path, |_| {}).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        bytes
    }

    #[test]
    fn words_of_any_number_are_found_again_and_others_are_not() {
        let folder = folder();
        let path = folder.join("list");
        let words: String = (0..5000).map(|n| format!("word number {}\r\n", n % 4000)).collect();
        let imported = import_in_runs(words.as_bytes(), BlocklistFormat::Words, &path, |_| {}, 700).unwrap();
        assert_eq!(imported, Imported { lines: 5000, skipped: 0, entries: 4000 });
        let list = Blocklist::open(&path).unwrap();
        assert!((0..4000).all(|n| holds(&list, &format!("word number {n}"))));
        assert!(holds(&list, "WORD Number 17") && !holds(&list, "word number 4000") && !holds(&list, "x"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_published_format_is_read_and_its_mistakes_are_named() {
        let folder = folder();
        let path = folder.join("list");
        // SHA-1 of `password` and of `P@ssw0rd`.
        let digests = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n\
                       21bd12dc183f740ee76f27b78eb39c8ad972a757:1\r\n";
        assert_eq!(guess_format(&mut digests.as_bytes()).unwrap(), BlocklistFormat::Sha1);
        assert_eq!(guess_format(&mut &b"password\n123456\n"[..]).unwrap(), BlocklistFormat::Words);
        import_blocklist(digests.as_bytes(), BlocklistFormat::Sha1, &path, |_| {}).unwrap();
        let list = Blocklist::open(&path).unwrap();
        assert!(holds(&list, "password") && holds(&list, "P@ssw0rd") && !holds(&list, "p@ssword"));
        assert!(list.is_at(&path) && list.entries() == 2);
        for bad in ["5BAA61:1", "nonsense", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:many", "é"] {
            let text = format!("{digests}{bad}\n");
            let error = import_blocklist(text.as_bytes(), BlocklistFormat::Sha1, &path, |_| {}).unwrap_err();
            assert!(matches!(error, BlocklistError::Line { line: 3 }), "{bad}: {error}");
        }
        assert!(Blocklist::open(&path).unwrap().entries() == 2, "a failed import leaves the list as it was");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        // Another list in its place is another list, and the opened one goes on.
        import_blocklist(&b"violin\n"[..], BlocklistFormat::Words, &path, |_| {}).unwrap();
        assert!(!list.is_at(&path) && holds(&list, "password"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn endless_lines_and_strange_bytes_are_passed_over() {
        let folder = folder();
        let path = folder.join("list");
        let mut input = vec![b'x'; LINE_MAX * 3];
        input.extend_from_slice(b"\n\n\xff\xfe\ngood one");
        let imported = import_blocklist(&input[..], BlocklistFormat::Words, &path, |_| {}).unwrap();
        assert_eq!(imported, Imported { lines: 4, skipped: 3, entries: 1 });
        assert!(matches!(
            import_blocklist(&b"\n\n"[..], BlocklistFormat::Words, &path, |_| {}),
            Err(BlocklistError::Empty)
        ));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn any_bit_that_fell_over_is_seen_when_it_is_opened() {
        let good = bytes_of("tractor\nviolin\nharbour\n");
        assert_eq!(check(&mut &good[..], good.len() as u64).unwrap(), 3);
        for at in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert!(check(&mut &bad[..], bad.len() as u64).is_err(), "bit {at}");
        }
        assert!(check(&mut &good[..good.len() - 1], good.len() as u64 - 1).is_err());
        assert!(check(&mut &good[..good.len() - 8], good.len() as u64).is_err());
    }

    proptest! {
        #[test]
        fn hostile_files_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), claimed: u64) {
            let _ = check(&mut &bytes[..], bytes.len() as u64);
            let mut with_magic = MAGIC.to_vec();
            with_magic.extend_from_slice(&bytes);
            let _ = check(&mut &with_magic[..], claimed);
            let _ = guess_format(&mut &bytes[..]);
        }
    }
}
