//! Block files: what was sealed, written once and never changed.
//!
//! Times stand once per scrape, shared by all series that came with it, and twice in the file because so much hangs on
//! them. Each series' values are one chunk, a frame of its own; chunks follow series numbers, so one host is one read.
//! An index and a footer find them; when either is damaged, the frames themselves are walked instead.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::codec::{self, CHUNK_MAX};
use crate::files;
use crate::frame::{
    self, Cursor, FILE_HEAD, FRAME_HEAD, FileKind, Found, Kind, Salt, Scan, put_varint, zigzag,
};
use crate::notes::Notes;
use crate::roll::{self, Roll};
use crate::wal::NUMBER_MAX;

/// Series per page of the index: what one look-up reads.
const INDEX_PAGE: usize = 256;
/// The last bytes of a file: where the footer begins, and a sum.
const TAIL: usize = 12;
/// One read gathers neighbouring chunks up to this size.
const READ_MAX: usize = 1 << 20;
/// Chunks further apart than this are read apart.
const GAP_MAX: u64 = 16 << 10;
/// A check of the whole file reads this much at a time.
const VERIFY_WINDOW: usize = 1 << 20;
/// A file with this many different time columns is closed, to keep its footer bounded.
const TIMES_MAX: usize = 100_000;
/// Columns of times a file keeps in memory: a day of ten-second points takes 68 KiB each.
const TIMES_KEPT: usize = 4;
/// A file is closed past this size.
const FILE_BYTES: u64 = 1 << 30;

/// The resolution of a file's points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    Raw,
    Minute,
    Hour,
}

impl Level {
    pub(crate) const ALL: [Self; 3] = [Self::Raw, Self::Minute, Self::Hour];

    /// Milliseconds one point stands for; raw points stand for themselves.
    pub(crate) const fn step_ms(self) -> i64 {
        match self {
            Self::Raw => 1,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }
}

pub(crate) fn file_name(level: Level, seq: u64) -> String {
    format!("{}-{seq:010}.blk", level.word())
}

/// Level and sequence of a block file's name.
pub(crate) fn parse_name(name: &str) -> Option<(Level, u64)> {
    let stem = name.strip_suffix(".blk")?;
    let (word, seq) = stem.split_once('-')?;
    let level = Level::ALL.into_iter().find(|level| level.word() == word)?;
    Some((level, seq.parse().ok().filter(|number| *number < NUMBER_MAX)?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TimesAt {
    offset: u64,
    copy: u64,
    length: u32,
    n: u32,
    first: i64,
    last: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    series: u32,
    offset: u64,
    /// Of the whole frame.
    length: u32,
    times: u32,
}

#[derive(Debug, Clone, Copy)]
struct IndexPage {
    first: u32,
    offset: u64,
    length: u32,
}

/// Writes one block file.
#[derive(Debug)]
pub(crate) struct Writer {
    out: BufWriter<File>,
    dir: PathBuf,
    name: String,
    level: Level,
    seq: u64,
    salt: Salt,
    offset: u64,
    hashers: [RandomState; 2],
    known: HashMap<(u64, u64, usize), u32>,
    times: Vec<TimesAt>,
    times_bodies: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    samples: u64,
    scratch: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(dir: &Path, level: Level, seq: u64) -> io::Result<Self> {
        let name = file_name(level, seq);
        let file = files::create(&dir.join(format!("{name}{}", files::TEMP_SUFFIX)))?;
        let salt = frame::new_salt();
        let mut writer = Self {
            out: BufWriter::with_capacity(1 << 18, file),
            dir: dir.to_owned(),
            name,
            level,
            seq,
            salt,
            offset: 0,
            hashers: [RandomState::new(), RandomState::new()],
            known: HashMap::new(),
            times: Vec::new(),
            times_bodies: Vec::new(),
            entries: Vec::new(),
            samples: 0,
            scratch: Vec::new(),
        };
        writer.out.write_all(&frame::file_head(FileKind::Block, salt))?;
        writer.offset = FILE_HEAD as u64;
        Ok(writer)
    }

    fn frame(&mut self, kind: Kind, body: &[u8]) -> io::Result<(u64, u32)> {
        self.scratch.clear();
        let at = self.offset;
        if !frame::push_frame(&mut self.scratch, at, self.salt, kind, body) {
            return Err(io::Error::other("a block's record is too large"));
        }
        self.out.write_all(&self.scratch)?;
        self.offset += self.scratch.len() as u64;
        Ok((at, self.scratch.len() as u32))
    }

    /// The number of this column of times, written now unless it is there already.
    pub(crate) fn times(&mut self, times: &[i64]) -> io::Result<u32> {
        let key = (self.hashers[0].hash_one(times), self.hashers[1].hash_one(times), times.len());
        if let Some(&known) = self.known.get(&key) {
            return Ok(known);
        }
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            return Err(io::Error::other("a column of no times"));
        };
        let number = u32::try_from(self.times.len()).map_err(io::Error::other)?;
        let mut body = Vec::new();
        put_varint(&mut body, u64::from(number));
        codec::encode_times(times, &mut body);
        let (offset, length) = self.frame(Kind::Times, &body)?;
        self.times.push(TimesAt { offset, copy: 0, length, n: times.len() as u32, first, last });
        self.times_bodies.push(body);
        self.known.insert(key, number);
        Ok(number)
    }

    /// Adds a chunk. Series come in rising order; one may have several chunks.
    pub(crate) fn chunk(&mut self, series: u32, times: u32, samples: u64, columns: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(columns.len() + 12);
        put_varint(&mut body, u64::from(series));
        put_varint(&mut body, u64::from(times));
        body.extend_from_slice(columns);
        let (offset, length) = self.frame(Kind::Chunk, &body)?;
        self.entries.push(Entry { series, offset, length, times });
        self.samples += samples;
        Ok(())
    }

    /// Whether the file should be closed and another begun.
    pub(crate) fn is_full(&self) -> bool {
        self.times.len() >= TIMES_MAX || self.offset >= FILE_BYTES
    }

    /// Gives up; the temp file is removed.
    pub(crate) fn abandon(self) {
        let _ = std::fs::remove_file(self.dir.join(format!("{}{}", self.name, files::TEMP_SUFFIX)));
    }

    /// Completes the file, durably, under its final name.
    ///
    /// `merged`: whole days, as the merge makes them. `replaces`: sequences of this level's files whose content this one
    /// takes over.
    pub(crate) fn finish(mut self, merged: bool, replaces: &[u64], notes: &Arc<Notes>) -> io::Result<Block> {
        let done = self.complete(merged, replaces);
        let temp = self.dir.join(format!("{}{}", self.name, files::TEMP_SUFFIX));
        let path = self.dir.join(&self.name);
        let published = done.and_then(|()| {
            std::fs::rename(&temp, &path)?;
            files::sync_dir(&self.dir)
        });
        if let Err(error) = published {
            let _ = std::fs::remove_file(&temp);
            return Err(error);
        }
        Block::open(&path, self.level, self.seq, notes)
    }

    fn complete(&mut self, merged: bool, replaces: &[u64]) -> io::Result<()> {
        for i in 0..self.times.len() {
            let body = std::mem::take(&mut self.times_bodies[i]);
            self.times[i].copy = self.frame(Kind::Times, &body)?.0;
        }
        let mut pages = Vec::new();
        let entries = std::mem::take(&mut self.entries);
        for page in entries.chunks(INDEX_PAGE) {
            let mut body = Vec::with_capacity(page.len() * 5);
            put_varint(&mut body, page.len() as u64);
            let (mut series, mut end) = (0u32, 0u64);
            for entry in page {
                put_varint(&mut body, u64::from(entry.series.wrapping_sub(series)));
                put_varint(&mut body, entry.offset.wrapping_sub(end));
                put_varint(&mut body, u64::from(entry.length));
                put_varint(&mut body, u64::from(entry.times));
                series = entry.series;
                end = entry.offset + u64::from(entry.length);
            }
            let (offset, length) = self.frame(Kind::Index, &body)?;
            pages.push(IndexPage { first: page[0].series, offset, length });
        }
        let mut footer = vec![u8::from(merged)];
        put_varint(&mut footer, replaces.len() as u64);
        for seq in replaces {
            put_varint(&mut footer, *seq);
        }
        put_varint(&mut footer, self.samples);
        put_varint(&mut footer, entries.last().map_or(0, |e| u64::from(e.series)));
        put_varint(&mut footer, self.times.len() as u64);
        for times in &self.times {
            for field in [times.offset, times.copy, u64::from(times.length), u64::from(times.n)] {
                put_varint(&mut footer, field);
            }
            put_varint(&mut footer, zigzag(times.first));
            put_varint(&mut footer, times.last.wrapping_sub(times.first) as u64);
        }
        put_varint(&mut footer, pages.len() as u64);
        for page in &pages {
            for field in [u64::from(page.first), page.offset, u64::from(page.length)] {
                put_varint(&mut footer, field);
            }
        }
        let (at, _) = self.frame(Kind::Footer, &footer)?;
        self.out.write_all(&tail(self.salt, at))?;
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }
}

fn tail(salt: Salt, footer: u64) -> [u8; TAIL] {
    let mut out = [0u8; TAIL];
    out[..8].copy_from_slice(&footer.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &out[..8]);
    out[8..].copy_from_slice(&sum.to_le_bytes());
    out
}

/// Takes a series' times and values.
pub(crate) type Points<'a> = &'a mut dyn FnMut(u32, &[i64], &[f64]);

/// What finds a file's chunks.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    merged: bool,
    replaces: Vec<u64>,
    samples: u64,
    series_max: u32,
    times: HashMap<u32, TimesAt>,
    pages: Vec<IndexPage>,
    /// In place of `pages` when the file had to be walked.
    walked: Option<Vec<Entry>>,
    first: i64,
    last: i64,
}

/// A block file open for reading.
#[derive(Debug)]
pub(crate) struct Block {
    path: PathBuf,
    pub(crate) level: Level,
    pub(crate) seq: u64,
    file: File,
    salt: Salt,
    pub(crate) bytes: u64,
    /// Made by the merge: whole days, and their rolls exist.
    pub(crate) merged: bool,
    /// Sequences this file took over.
    pub(crate) replaces: Vec<u64>,
    directory: Mutex<Arc<Directory>>,
    notes: Arc<Notes>,
    told: Mutex<HashSet<u64>>,
    /// Columns of times read lately: many series, and the next query too, hang on the same few.
    times_lately: Mutex<VecDeque<(u32, Arc<[i64]>)>>,
    /// First and last instant inside, milliseconds.
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) samples: u64,
    pub(crate) series_max: u32,
}

/// A chunk as read and checked: its series, its times, its columns still packed.
#[derive(Debug)]
pub(crate) struct Chunk<'a> {
    pub(crate) series: u32,
    pub(crate) times: &'a [i64],
    pub(crate) columns: &'a [u8],
}

fn u32_of(cursor: &mut Cursor<'_>) -> Option<u32> {
    u32::try_from(cursor.varint()?).ok()
}

pub(crate) fn parse_footer(body: &[u8]) -> Option<Directory> {
    let mut cursor = Cursor(body);
    let merged = cursor.byte()? != 0;
    let replaces = (0..cursor.size(body.len())?).map(|_| cursor.varint()).collect::<Option<_>>()?;
    let samples = cursor.varint()?;
    let series_max = u32_of(&mut cursor)?;
    // Six numbers each, so that a length alone sets nothing aside.
    let n = cursor.size(body.len() / 6)?;
    let mut times = HashMap::with_capacity(n);
    let (mut earliest, mut latest) = (i64::MAX, i64::MIN);
    for number in 0..n {
        let (offset, copy) = (cursor.varint()?, cursor.varint()?);
        let (length, count) = (u32_of(&mut cursor)?, u32_of(&mut cursor)?);
        let first = cursor.signed()?;
        let last = first.checked_add(i64::try_from(cursor.varint()?).ok()?)?;
        earliest = earliest.min(first);
        latest = latest.max(last);
        times.insert(u32::try_from(number).ok()?, TimesAt { offset, copy, length, n: count, first, last });
    }
    let n = cursor.size(body.len() / 3)?;
    let mut pages = Vec::with_capacity(n);
    for _ in 0..n {
        pages.push(IndexPage {
            first: u32_of(&mut cursor)?,
            offset: cursor.varint()?,
            length: u32_of(&mut cursor)?,
        });
    }
    Some(Directory {
        merged,
        replaces,
        samples,
        series_max,
        times,
        pages,
        walked: None,
        first: earliest,
        last: latest,
    })
}

pub(crate) fn parse_index(body: &[u8]) -> Option<Vec<Entry>> {
    let mut cursor = Cursor(body);
    let n = cursor.size(INDEX_PAGE)?;
    let mut entries = Vec::with_capacity(n);
    let (mut series, mut end) = (0u32, 0u64);
    for _ in 0..n {
        series = series.wrapping_add(u32_of(&mut cursor)?);
        let offset = end.wrapping_add(cursor.varint()?);
        let length = u32_of(&mut cursor)?;
        entries.push(Entry { series, offset, length, times: u32_of(&mut cursor)? });
        end = offset.wrapping_add(u64::from(length));
    }
    Some(entries)
}

/// The series and the number of its times, off the front of a chunk's body.
fn chunk_head(cursor: &mut Cursor<'_>) -> Option<(u32, u32)> {
    Some((u32_of(cursor)?, u32_of(cursor)?))
}

pub(crate) fn walk(data: &[u8], salt: Salt, tell: &mut dyn FnMut(String)) -> Directory {
    let mut directory = Directory { first: i64::MAX, last: i64::MIN, ..Directory::default() };
    let mut entries = Vec::new();
    for found in Scan::new(data, salt) {
        match found {
            Found::Frame { at, kind: Kind::Times, body } => {
                let length = (body.end - at) as u32;
                let mut cursor = Cursor(&data[body]);
                let Some(number) = u32_of(&mut cursor) else { continue };
                if let Ok(times) = codec::decode_times(cursor.0)
                    && let (Some(&first), Some(&last)) = (times.first(), times.last())
                {
                    directory.first = directory.first.min(first);
                    directory.last = directory.last.max(last);
                    let at = at as u64;
                    directory.times.entry(number).and_modify(|known| known.copy = at).or_insert(TimesAt {
                        offset: at,
                        copy: at,
                        length,
                        n: times.len() as u32,
                        first,
                        last,
                    });
                }
            }
            Found::Frame { at, kind: Kind::Chunk, body } => {
                let length = (body.end - at) as u32;
                let mut cursor = Cursor(&data[body]);
                if let Some((series, times)) = chunk_head(&mut cursor) {
                    directory.series_max = directory.series_max.max(series);
                    entries.push(Entry { series, offset: at as u64, length, times });
                }
            }
            Found::Frame { .. } => {}
            Found::Bad { range, .. } => tell(format!("bytes {} to {} are damaged", range.start, range.end)),
        }
    }
    for entry in &entries {
        directory.samples += directory.times.get(&entry.times).map_or(0, |times| u64::from(times.n));
    }
    entries.sort_by_key(|entry| (entry.series, entry.offset));
    directory.walked = Some(entries);
    directory
}

impl Block {
    /// Opens a file. One that cannot be made sense of is `InvalidData`.
    pub(crate) fn open(path: &Path, level: Level, seq: u64, notes: &Arc<Notes>) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut head = vec![0u8; (bytes as usize).min(FILE_HEAD)];
        file.read_exact_at(&mut head, 0)?;
        let Some((salt, hurt)) = frame::read_file_head(FileKind::Block, &head) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no readable head"));
        };
        if hurt {
            notes.damage(1, format!("{}: one copy of the head is damaged", path.display()));
        }
        let mut block = Self {
            path: path.to_owned(),
            level,
            seq,
            file,
            salt,
            bytes,
            merged: false,
            replaces: Vec::new(),
            directory: Mutex::default(),
            notes: Arc::clone(notes),
            told: Mutex::default(),
            times_lately: Mutex::default(),
            first: i64::MAX,
            last: i64::MIN,
            samples: 0,
            series_max: 0,
        };
        let directory = match block.read_footer() {
            Some(directory) => Arc::new(directory),
            None => {
                notes.damage(
                    1,
                    format!("{}: footer damaged: index rebuilt from the records", block.path.display()),
                );
                block.rebuild()?
            }
        };
        block.first = directory.first;
        block.last = directory.last;
        block.samples = directory.samples;
        block.series_max = directory.series_max;
        block.merged = directory.merged;
        block.replaces.clone_from(&directory.replaces);
        *block.directory.lock() = directory;
        Ok(block)
    }

    fn read_footer(&self) -> Option<Directory> {
        let tail_at = self.bytes.checked_sub(TAIL as u64)?;
        let mut raw = [0u8; TAIL];
        self.file.read_exact_at(&mut raw, tail_at).ok()?;
        let at = u64::from_le_bytes(raw[..8].try_into().ok()?);
        if raw != tail(self.salt, at) || at >= tail_at {
            return None;
        }
        let length = u32::try_from(tail_at - at).ok()?;
        parse_footer(&self.frame(at, length, Kind::Footer)?)
    }

    fn rebuild(&self) -> io::Result<Arc<Directory>> {
        let (data, _) = files::read_through(&self.path)?;
        let directory = walk(&data, self.salt, &mut |what| {
            self.notes.damage(1, format!("{}: {what}", self.path.display()))
        });
        Ok(Arc::new(directory))
    }

    /// Says once per place that it is damaged.
    fn fault(&self, at: u64, what: &str) {
        if self.told.lock().insert(at) {
            self.notes.damage(1, format!("{}: byte {at}: {what}", self.path.display()));
        }
    }

    /// The body of the frame at `at`, if it is whole and of this kind.
    fn frame(&self, at: u64, length: u32, kind: Kind) -> Option<Vec<u8>> {
        let length = length as usize;
        if at.checked_add(length as u64)? > self.bytes {
            return None;
        }
        let mut data = vec![0u8; length];
        self.file.read_exact_at(&mut data, at).ok()?;
        match frame::frame_at(&data, 0, at, self.salt) {
            Ok((found, body)) if found == kind && body.end == data.len() => {
                data.drain(..body.start);
                Some(data)
            }
            _ => None,
        }
    }

    pub(crate) fn overlaps(&self, from: i64, to: i64) -> bool {
        self.first < to && self.last >= from
    }

    fn read_times(&self, at: &TimesAt) -> Option<Vec<i64>> {
        for offset in [at.offset, at.copy] {
            let body = self.frame(offset, at.length, Kind::Times);
            let times = body.and_then(|body| {
                let mut cursor = Cursor(&body);
                cursor.varint()?;
                codec::decode_times(cursor.0).ok().filter(|times| times.len() == at.n as usize)
            });
            match times {
                Some(times) => return Some(times),
                None => self.fault(offset, "a column of times is damaged"),
            }
        }
        None
    }

    fn times_of(&self, number: u32, directory: &Directory) -> Option<Arc<[i64]>> {
        if let Some((_, times)) = self.times_lately.lock().iter().find(|(known, _)| *known == number) {
            return Some(Arc::clone(times));
        }
        let times: Arc<[i64]> = self.read_times(directory.times.get(&number)?)?.into();
        let mut lately = self.times_lately.lock();
        if lately.len() >= TIMES_KEPT {
            lately.pop_front();
        }
        lately.push_back((number, Arc::clone(&times)));
        Some(times)
    }

    fn entries(&self, directory: &Directory, series: &[u32]) -> Result<Vec<Entry>, u64> {
        let wanted = |entry: &Entry| series.binary_search(&entry.series).is_ok();
        if let Some(walked) = &directory.walked {
            return Ok(walked.iter().copied().filter(wanted).collect());
        }
        let (Some(&low), Some(&high)) = (series.first(), series.last()) else { return Ok(Vec::new()) };
        // A series may have chunks on both sides of a page's beginning.
        let begin = directory.pages.partition_point(|page| page.first < low).saturating_sub(1);
        let mut entries = Vec::new();
        for (i, page) in directory.pages.iter().enumerate().skip(begin) {
            if page.first > high {
                break;
            }
            let next = directory.pages.get(i + 1).map_or(u32::MAX, |next| next.first);
            let from = series.partition_point(|&s| s < page.first);
            if series.get(from).is_none_or(|&s| s > next) {
                continue;
            }
            let parsed =
                self.frame(page.offset, page.length, Kind::Index).and_then(|body| parse_index(&body));
            entries.extend(parsed.ok_or(page.offset)?.into_iter().filter(wanted));
        }
        Ok(entries)
    }

    /// Hands over every whole chunk of these series (sorted) whose times touch `[from, to)`.
    /// Damaged chunks are reported and left out.
    pub(crate) fn read(
        &self,
        series: &[u32],
        from: i64,
        to: i64,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> io::Result<()> {
        let mut directory = Arc::clone(&self.directory.lock());
        let entries = match self.entries(&directory, series) {
            Ok(entries) => entries,
            Err(at) => {
                self.fault(at, "a page of the index is damaged: index rebuilt from the records");
                directory = self.rebuild()?;
                *self.directory.lock() = Arc::clone(&directory);
                self.entries(&directory, series).unwrap_or_default()
            }
        };
        let mut times_read: HashMap<u32, Option<Arc<[i64]>>> = HashMap::new();
        let entries: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| match directory.times.get(&entry.times) {
                Some(times) => times.first < to && times.last >= from,
                None => {
                    self.fault(entry.offset, "a chunk's times are lost");
                    false
                }
            })
            .collect();
        let mut rest = &entries[..];
        let mut data = Vec::new();
        while let Some(first) = rest.first() {
            let begin = first.offset;
            let mut end = begin;
            let mut n = 0;
            for entry in rest {
                let entry_end = entry.offset.saturating_add(u64::from(entry.length));
                if n > 0
                    && (entry.offset < end
                        || entry.offset - end > GAP_MAX
                        || entry_end - begin > READ_MAX as u64)
                {
                    break;
                }
                end = entry_end;
                n += 1;
            }
            let (group, after) = rest.split_at(n);
            rest = after;
            if end > self.bytes {
                self.fault(begin, "the file ends before its records do");
                continue;
            }
            data.resize((end - begin) as usize, 0);
            if self.file.read_exact_at(&mut data, begin).is_err() {
                // The disk does not give all of it: each record for itself. Zeros are no record.
                for entry in group {
                    let at = (entry.offset - begin) as usize;
                    let part = &mut data[at..at + entry.length as usize];
                    if self.file.read_exact_at(part, entry.offset).is_err() {
                        part.fill(0);
                    }
                }
            }
            for entry in group {
                let at = (entry.offset - begin) as usize;
                let body = match frame::frame_at(&data, at, begin, self.salt) {
                    Ok((Kind::Chunk, body)) => &data[body],
                    _ => {
                        self.fault(entry.offset, "a chunk is damaged or the disk does not give it");
                        continue;
                    }
                };
                let mut cursor = Cursor(body);
                if chunk_head(&mut cursor) != Some((entry.series, entry.times)) {
                    self.fault(entry.offset, "a chunk is not the one the index names");
                    continue;
                }
                let times =
                    times_read.entry(entry.times).or_insert_with(|| self.times_of(entry.times, &directory));
                let Some(times) = times else { continue };
                sink(Chunk { series: entry.series, times, columns: cursor.0 });
            }
        }
        Ok(())
    }

    /// Hands over raw points of these series in `[from, to)`, and with `before` also the last point at or after
    /// `before` that lies ahead of `from`.
    pub(crate) fn read_raw(
        &self,
        series: &[u32],
        from: i64,
        to: i64,
        before: Option<i64>,
        sink: Points<'_>,
    ) -> io::Result<()> {
        let mut values = Vec::new();
        let reach = before.unwrap_or(from);
        let mut bad = 0u32;
        self.read(series, reach, to, &mut |chunk| {
            let mut low = chunk.times.partition_point(|&t| t < from);
            let high = chunk.times.partition_point(|&t| t < to);
            if low > 0 && before.is_some_and(|before| chunk.times[low - 1] >= before) {
                low -= 1;
            }
            if low >= high {
                return;
            }
            values.clear();
            match codec::decode_values(chunk.columns, chunk.times.len(), low..high, &mut values) {
                Ok(start) => {
                    sink(chunk.series, &chunk.times[low..high], &values[low - start..high - start]);
                }
                Err(codec::Malformed) => bad = chunk.series,
            }
        })?;
        if bad != 0 {
            self.fault(u64::MAX - u64::from(bad), &format!("the chunk of series {bad} cannot be unpacked"));
        }
        Ok(())
    }

    /// Hands over rolls of these series whose step begins in `[from, to)`.
    pub(crate) fn read_rolls(
        &self,
        series: &[u32],
        from: i64,
        to: i64,
        sink: &mut dyn FnMut(u32, &[Roll]),
    ) -> io::Result<()> {
        let step = self.level.step_ms();
        let begin = |at: i64| at.saturating_sub(at.rem_euclid(step));
        let mut rolls = Vec::new();
        let mut bad = 0u32;
        self.read(series, from, to.saturating_add(step), &mut |chunk| {
            let low = chunk.times.partition_point(|&t| begin(t) < from);
            let high = chunk.times.partition_point(|&t| begin(t) < to);
            if low >= high {
                return;
            }
            rolls.clear();
            match roll::decode(chunk.columns, chunk.times, low..high, step, &mut rolls) {
                Ok(()) => sink(chunk.series, &rolls),
                Err(codec::Malformed) => bad = chunk.series,
            }
        })?;
        if bad != 0 {
            self.fault(u64::MAX - u64::from(bad), &format!("the chunk of series {bad} cannot be unpacked"));
        }
        Ok(())
    }

    /// All series with a chunk here, in order.
    pub(crate) fn all_series(&self) -> io::Result<Vec<u32>> {
        let directory = Arc::clone(&self.directory.lock());
        let collect = |directory: &Directory| -> Option<Vec<u32>> {
            let mut series: Vec<u32> = Vec::new();
            match &directory.walked {
                Some(entries) => series.extend(entries.iter().map(|e| e.series)),
                None => {
                    for page in &directory.pages {
                        let body = self.frame(page.offset, page.length, Kind::Index)?;
                        series.extend(parse_index(&body)?.iter().map(|e| e.series));
                    }
                }
            }
            series.dedup();
            Some(series)
        };
        if let Some(series) = collect(&directory) {
            return Ok(series);
        }
        self.fault(0, "the index is damaged: rebuilt from the records");
        let directory = self.rebuild()?;
        *self.directory.lock() = Arc::clone(&directory);
        Ok(collect(&directory).unwrap_or_default())
    }

    /// Reads the whole file and reports what is damaged.
    pub(crate) fn verify(&self) -> io::Result<()> {
        let mut window = vec![0u8; VERIFY_WINDOW];
        let end = self.bytes.saturating_sub(TAIL as u64);
        let mut at = FILE_HEAD as u64;
        while at < end {
            let n = usize::try_from(end - at).unwrap_or(usize::MAX).min(window.len());
            if let Err(error) = self.file.read_exact_at(&mut window[..n], at) {
                // The walk finds what can still be read, when somebody asks for it.
                self.fault(at, &format!("cannot be read: {error}"));
                return Ok(());
            }
            let mut used = 0;
            loop {
                match frame::frame_at(&window[..n], used, at, self.salt) {
                    Ok((_, body)) => used = body.end,
                    Err(frame::Fault::Short) if used > 0 => break,
                    Err(frame::Fault::Short) if n == window.len() && n < frame::BODY_MAX + FRAME_HEAD => {
                        window.resize(frame::BODY_MAX + FRAME_HEAD, 0);
                        break;
                    }
                    Err(frame::Fault::Body { end }) => {
                        self.fault(at + used as u64, "a record is damaged");
                        used = end;
                    }
                    Err(_) => {
                        // Where the next record begins is not known: the walk finds it, and reports.
                        self.fault(at + used as u64, "a record's head is damaged");
                        return Ok(());
                    }
                }
                if used == n {
                    break;
                }
            }
            at += used as u64;
        }
        if self.read_footer().is_none() {
            self.fault(end, "the footer is damaged");
        }
        let mut head = [0u8; FILE_HEAD];
        if self.file.read_exact_at(&mut head, 0).is_err()
            || frame::read_file_head(FileKind::Block, &head) != Some((self.salt, false))
        {
            self.fault(0, "the head is damaged");
        }
        Ok(())
    }

    /// Takes the file's name away; readers that hold it keep reading.
    pub(crate) fn remove(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// Splits a column so that no chunk passes the limit.
pub(crate) fn chunk_ranges(n: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..n).step_by(CHUNK_MAX).map(move |from| from..(from + CHUNK_MAX).min(n))
}
