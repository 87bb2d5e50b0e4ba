//! The queue itself: one folder, one process.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use prost::Message;
use prost::encoding::encode_varint;
use rustix::fs::{FlockOperation, flock};
use wk_wire::{AgentNote, Dictionary, SampleBlock, SeriesDef};

use crate::cursor::{Cursor, CursorFile, Found};
use crate::payload::{PIECE_BYTES, Payload, Piece};
use crate::record::{self, Kind};
use crate::segment::{OwnedRecord, Reader, Segment, Writer, open_plain};

/// Series a segment may name: what a server takes in one dictionary.
const SERIES_MAX: usize = 10_000;
/// Series a process may define: all that fit in three bytes of a reference, far above what any collector makes.
const DEFINITIONS_MAX: usize = 1 << 20;
/// Times that a segment may fail to be read, a link each, before what it holds is given up.
const READ_TRIES: u32 = 3;
/// Not in the dictionary.
const NOWHERE: u32 = u32::MAX;
/// Field keys of the protocol that are written by hand here: they go around what is encoded already.
const KEY_DICTIONARY: u8 = (2 << 3) | 2;
const KEY_BATCH: u8 = (3 << 3) | 2;
const KEY_SEQ: u8 = 1 << 3;

/// How much is kept, and how safely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes on disk; at least four times `segment_bytes`. The oldest go first.
    pub bytes_max: u64,
    /// What is older than this goes, judged by segment.
    pub age_max: Duration,
    /// Size at which a new segment is begun.
    pub segment_bytes: u64,
    /// Wait for the disk at each append, so that a power cut loses nothing either.
    pub sync: bool,
}

impl Default for Limits {
    /// 64 MiB, 24 hours, segments of 1 MiB, safe from power cuts.
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            age_max: Duration::from_secs(24 * 3600),
            segment_bytes: 1 << 20,
            sync: true,
        }
    }
}

/// What went wrong with the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("cannot use {path} as the spool: {what}")]
    Open {
        path: PathBuf,
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{path} is in use by another agent process; stop it, or give this one a spool folder of its own")]
    InUse { path: PathBuf },
    #[error("cannot write to the spool in {path}; {lost} batches were dropped and will be reported")]
    Append {
        path: PathBuf,
        lost: u64,
        #[source]
        source: io::Error,
    },
    #[error("cannot read the spool in {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot record in {path} how far the server has come")]
    Cursor {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the agent is stopping")]
    Stopped,
    #[error("the server acknowledged batch {seq}, but only {sent} was sent")]
    AckOutOfRange { seq: u64, sent: u64 },
}

/// Something to send, encoded as a whole frame without its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Series names that later batches refer to.
    Dictionary(Vec<u8>),
    /// A batch, with its sequence number.
    Batch { seq: u64, bytes: Vec<u8> },
}

/// How to go on after the server said what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Go on with [`Spool::next_frame`].
    Ready,
    /// The server has more than this spool ever numbered: the machine's disk went back in time. The spool has a new
    /// epoch now; open a new link with it. What was not known to be committed is sent again.
    NewEpoch,
}

/// The spool in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// On disk.
    pub bytes: u64,
    /// Batches that wait for the server, sent or not.
    pub waiting: u64,
    /// Batches lost since the spool was made: too many, too old, or no room on the disk.
    pub dropped: u64,
    /// Batches lost to damage on the disk.
    pub damaged: u64,
}

/// The agent's durable queue. Calls block for as long as the disk does.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    limits: Limits,
    /// Held open for its lock.
    _lock: File,
    cursor_file: CursorFile,
    cursor: Cursor,
    /// Oldest first; the last is the one being written, if `writer` is there.
    segments: VecDeque<Segment>,
    writer: Option<Writer>,
    /// The process's series.
    series: Vec<SeriesDef>,
    /// Where each of them is in the written segment's dictionary, or [`NOWHERE`].
    places: Vec<u32>,
    /// Entries in the written segment's dictionary.
    placed: u32,
    next_position: u64,
    /// Handed out up to this position since [`Self::resume`].
    sent: u64,
    /// No sequence number above this can have reached the server.
    numbered: u64,
    reader: Option<Reader>,
    read_failures: u32,
    /// Loss that is not in the cursor file yet.
    unsaved: bool,
}

impl Spool {
    /// Opens the spool in `dir`, and makes it when it is not there.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] while another process has it, [`SpoolError::Open`] when the folder cannot be used.
    pub fn open(dir: &Path, mut limits: Limits) -> Result<Self, SpoolError> {
        // Dropping goes by segment: the rest must stay worth keeping.
        limits.segment_bytes = limits.segment_bytes.min(limits.bytes_max / 4);
        let fail = |what| move |source| SpoolError::Open { path: dir.to_owned(), what, source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(fail("cannot make the folder"))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
            .map_err(fail("cannot set its mode to 0700"))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = open_plain(&mut options, &dir.join("lock")).map_err(fail("cannot open its lock"))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(SpoolError::InUse { path: dir.to_owned() }),
            Err(errno) => return Err(fail("cannot lock it")(errno.into())),
        }
        let (cursor_file, found) =
            CursorFile::open(&dir.join("cursor")).map_err(fail("cannot open its cursor"))?;
        let mut segments = VecDeque::new();
        let mut damaged = found == Found::Damaged;
        for (number, path) in Segment::list(dir).map_err(fail("cannot list it"))? {
            let (segment, harm) = match Segment::scan(number, path.clone()) {
                Ok(found) => found,
                Err(error) => {
                    // The rest is worth having all the same, and the agent worth starting.
                    tracing::error!(spool.segment = %path.display(), "a segment cannot be read: {error}");
                    damaged = true;
                    continue;
                }
            };
            damaged |= harm;
            match segment {
                Some(segment) => segments.push_back(segment),
                // Cut before its header was written: it never held anything.
                None => fs::remove_file(&path).map_err(fail("cannot remove an empty segment"))?,
            }
        }
        if damaged {
            tracing::warn!(spool.path = %dir.display(), "the spool holds damaged bytes; what is lost will be reported");
        }
        let last = segments.iter().map(|segment| segment.last).max().unwrap_or(0);
        let cursor = match found {
            Found::Cursor(cursor) => cursor,
            // Without a cursor nobody knows which number a batch had: a new epoch offers all of them again.
            Found::New | Found::Damaged => {
                let first = segments.front().map_or(1, |segment| segment.first);
                Cursor { epoch: random_epoch(), base_position: first.saturating_sub(1), ..Cursor::default() }
            }
        };
        let mut spool = Self {
            dir: dir.to_owned(),
            limits,
            _lock: lock,
            cursor_file,
            next_position: last.max(cursor.acked_position()) + 1,
            sent: cursor.acked_position(),
            numbered: cursor.seq_of(last).max(cursor.acked_seq),
            cursor,
            segments,
            writer: None,
            series: vec![],
            places: vec![],
            placed: 0,
            reader: None,
            read_failures: 0,
            unsaved: false,
        };
        // Twice: both slots have their place on the disk from now on, even when it fills up.
        spool.save(true)?;
        spool.save(true)?;
        spool.forget_acknowledged();
        Ok(spool)
    }

    /// Names this spool's sequence numbers. Random.
    pub const fn epoch(&self) -> u64 {
        self.cursor.epoch
    }

    /// The spool in figures.
    pub fn stats(&self) -> Stats {
        Stats {
            bytes: self.segments.iter().map(|segment| segment.bytes).sum(),
            waiting: self.next_position - 1 - self.cursor.acked_position().min(self.next_position - 1),
            dropped: self.cursor.dropped,
            damaged: self.cursor.damaged,
        }
    }

    /// Keeps what was observed until the server has it. `now_ms`: milliseconds since 1970 UTC.
    ///
    /// Drops the oldest when the spool would grow too large, and what is too old.
    ///
    /// # Errors
    /// [`SpoolError::Append`] when the disk does not take it. The loss is counted, and told to the server in a later
    /// batch; there is nothing to do for the caller.
    pub fn append(&mut self, mut payload: Payload, now_ms: i64) -> Result<(), SpoolError> {
        self.define(payload.first_series, std::mem::take(&mut payload.series));
        self.drop_old(now_ms);
        let told = self.add_loss_notes(&mut payload, now_ms);
        let (pieces, too_large) = payload.cut();
        self.cursor.dropped += too_large;
        self.unsaved |= too_large > 0;
        let count = pieces.len() as u64;
        for (done, piece) in (0_u64..).zip(pieces) {
            if let Err(source) = self.append_piece(piece, now_ms) {
                let lost = count - done;
                self.cursor.dropped += lost;
                self.unsaved = true;
                return Err(SpoolError::Append { path: self.dir.clone(), lost, source });
            }
        }
        if let Some((dropped, damaged)) = told {
            self.cursor.dropped_told = dropped;
            self.cursor.damaged_told = damaged;
            self.unsaved = true;
        }
        if self.unsaved {
            self.save(false)?;
        }
        Ok(())
    }

    fn define(&mut self, first: u32, series: Vec<SeriesDef>) {
        let known = self.series.len();
        let new = known.saturating_sub(first as usize);
        if first as usize > known {
            // A hole would give later values the wrong names: these series stay unknown and their values are left out.
            tracing::warn!(first, known, "series were defined out of order");
            return;
        }
        self.series.extend(series.into_iter().skip(new).take(DEFINITIONS_MAX.saturating_sub(known)));
        self.places.resize(self.series.len(), NOWHERE);
    }

    /// Adds notes about what was lost and not told yet. Returns what is told when the payload is stored.
    fn add_loss_notes(&self, payload: &mut Payload, now_ms: i64) -> Option<(u64, u64)> {
        let Cursor { dropped, dropped_told, damaged, damaged_told, .. } = self.cursor;
        if dropped == dropped_told && damaged == damaged_told {
            return None;
        }
        let mut note = |kind: &str, total: u64, told: u64, why: &str| {
            let count = total.saturating_sub(told);
            if count > 0 {
                let text = format!("{count} batches were lost: {why}; {total} since the spool was made");
                payload.notes.push(AgentNote { at_ms: now_ms, kind: kind.to_owned(), text, count });
            }
        };
        note("spool-dropped", dropped, dropped_told, "the spool was full, too old, or could not be written");
        note("spool-damaged", damaged, damaged_told, "the disk returned other bytes than were written");
        Some((dropped, damaged))
    }

    fn append_piece(&mut self, piece: Piece, now_ms: i64) -> io::Result<()> {
        let sync = self.limits.sync;
        let mut batch = piece.batch;
        let full = self.writer.as_ref().is_none_or(|writer| {
            writer.bytes >= self.limits.segment_bytes
                || now_ms.abs_diff(writer.created_ms) > millis(self.limits.age_max / 8).unsigned_abs()
        });
        if full || self.placed as usize + self.unplaced(&batch.samples) > SERIES_MAX {
            self.begin_segment(now_ms)?;
        }
        let number = self.writer.as_ref().map(|writer| writer.number).unwrap_or_default();
        let mut first = self.placed;
        let fresh = self.place(&mut batch.samples);
        batch.dictionary = number;
        let mut records = vec![];
        for series in chunks(&fresh) {
            let dictionary = Dictionary { id: number, first, series: series.to_vec() };
            record::write(&mut records, Kind::Dictionary, 0, now_ms, &dictionary.encode_to_vec());
            first = first.saturating_add(u32::try_from(series.len()).unwrap_or(u32::MAX));
        }
        let position = self.next_position;
        record::write(&mut records, Kind::Batch, position, now_ms, &batch.encode_to_vec());
        if let Err(error) = self.make_room(records.len() as u64) {
            self.writer = None;
            return Err(error);
        }
        let Some(writer) = self.writer.as_mut() else {
            return Err(io::Error::other("the spool is too small for one batch"));
        };
        if let Err(error) = writer.append(&records, sync) {
            // What the file holds now is not certain: the next append begins another.
            self.writer = None;
            return Err(error);
        }
        let bytes = writer.bytes;
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes = bytes;
            segment.last = position;
            segment.newest_ms = segment.newest_ms.max(now_ms);
        }
        self.next_position += 1;
        Ok(())
    }

    /// How many series the blocks use that the written segment does not name yet; an upper bound.
    fn unplaced(&self, blocks: &[SampleBlock]) -> usize {
        let refs = blocks.iter().flat_map(|block| &block.refs);
        refs.filter(|series| self.places.get(**series as usize) == Some(&NOWHERE)).count()
    }

    /// Makes the blocks refer to the written segment's dictionary; returns the entries that it needs for that. Values
    /// of series that were never defined are left out.
    fn place(&mut self, blocks: &mut [SampleBlock]) -> Vec<SeriesDef> {
        let mut fresh = vec![];
        for block in blocks {
            let refs = std::mem::take(&mut block.refs);
            let values = std::mem::take(&mut block.values);
            for (series, value) in refs.into_iter().zip(values) {
                let index = series as usize;
                let (Some(place), Some(definition)) = (self.places.get_mut(index), self.series.get(index))
                else {
                    continue;
                };
                if *place == NOWHERE {
                    *place = self.placed;
                    self.placed += 1;
                    fresh.push(definition.clone());
                }
                block.refs.push(*place);
                block.values.push(value);
            }
        }
        fresh
    }

    fn begin_segment(&mut self, now_ms: i64) -> io::Result<()> {
        self.writer = None;
        let mut number = self.segments.back().map_or(0, |segment| segment.number) + 1;
        // Something that could not be read, or not be removed, may have the next name.
        while fs::symlink_metadata(Segment::path_of(&self.dir, number)).is_ok() {
            number += 1;
        }
        let writer = Writer::create(&self.dir, number, self.next_position, now_ms, self.limits.sync)?;
        self.segments.push_back(Segment {
            number,
            path: Segment::path_of(&self.dir, number),
            bytes: writer.bytes,
            first: self.next_position,
            last: self.next_position - 1,
            newest_ms: now_ms,
        });
        self.writer = Some(writer);
        self.places.fill(NOWHERE);
        self.placed = 0;
        self.forget_acknowledged();
        Ok(())
    }

    /// Drops the oldest segments until `bytes` more fit.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let used: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let mut over = (used + bytes).saturating_sub(self.limits.bytes_max);
        while over > 0 {
            if self.segments.len() < 2 {
                return Err(io::Error::other("the spool is too small for one batch"));
            }
            over = over.saturating_sub(self.drop_oldest()?);
        }
        Ok(())
    }

    fn drop_old(&mut self, now_ms: i64) {
        let age_max = millis(self.limits.age_max);
        while let Some(oldest) = self.segments.front() {
            // The newest stays: its name and its positions must not be used again.
            if self.segments.len() < 2 || now_ms.saturating_sub(oldest.newest_ms) <= age_max {
                break;
            }
            if self.drop_oldest().is_err() {
                break;
            }
        }
    }

    /// Removes the oldest segment and returns its size. What it held is counted when the gap is passed.
    fn drop_oldest(&mut self) -> io::Result<u64> {
        let Some(oldest) = self.segments.front() else { return Ok(0) };
        remove(&oldest.path)?;
        let bytes = oldest.bytes;
        if self.reader.as_ref().is_some_and(|reader| reader.number == oldest.number) {
            self.reader = None;
        }
        self.segments.pop_front();
        Ok(bytes)
    }

    /// Begins handing out after what the server has committed. Call it once for each link, before
    /// [`Self::next_frame`]: nothing is in flight then.
    ///
    /// # Errors
    /// [`SpoolError::Cursor`].
    pub fn resume(&mut self, committed_seq: u64) -> Result<Resume, SpoolError> {
        self.reader = None;
        self.sent = self.cursor.acked_position();
        if committed_seq > self.numbered {
            tracing::warn!(
                committed_seq,
                numbered = self.numbered,
                "the server has more than this spool: its disk went back in time"
            );
            self.cursor.epoch = random_epoch();
            self.cursor.base_position = self.cursor.acked_position();
            self.cursor.base_seq = 0;
            self.cursor.acked_seq = 0;
            self.numbered = 0;
            self.save(true)?;
            return Ok(Resume::NewEpoch);
        }
        if committed_seq < self.cursor.acked_seq {
            // The server was restored from a backup: what it lost is gone here; go on where it is.
            tracing::warn!(committed_seq, acked = self.cursor.acked_seq, "the server went back in time");
            self.cursor.base_position = self.cursor.acked_position();
            self.cursor.base_seq = committed_seq;
            self.cursor.acked_seq = committed_seq;
            self.save(true)?;
        } else {
            self.cursor.acked_seq = committed_seq;
            self.sent = self.cursor.acked_position();
            self.save(false)?;
            self.forget_acknowledged();
        }
        self.numbered = committed_seq;
        Ok(Resume::Ready)
    }

    /// The next thing to send, or `None` when there is nothing, or when a gap can only be passed once all that was
    /// handed out is acknowledged.
    ///
    /// # Errors
    /// [`SpoolError::Read`], [`SpoolError::Cursor`]; calling again is safe.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, SpoolError> {
        loop {
            if !self.position_reader()? {
                return Ok(None);
            }
            let Some(reader) = self.reader.as_mut() else { return Ok(None) };
            let number = reader.number;
            let read = match reader.next() {
                Ok(read) => {
                    self.read_failures = 0;
                    read
                }
                Err(source) => {
                    self.read_failures += 1;
                    if self.read_failures < READ_TRIES {
                        return Err(SpoolError::Read { path: self.dir.clone(), source });
                    }
                    tracing::error!(
                        segment = number,
                        "what cannot be read of a segment is given up: {source}"
                    );
                    self.read_failures = 0;
                    reader.give_up();
                    None
                }
            };
            let Some(record) = read else {
                if !self.leave_segment(number) {
                    return Ok(None);
                }
                continue;
            };
            match record.kind {
                Kind::Header => {}
                Kind::Dictionary => {
                    return Ok(Some(Frame::Dictionary(frame(KEY_DICTIONARY, &[], &record.content))));
                }
                Kind::Batch if record.position <= self.sent || record.position >= self.next_position => {}
                Kind::Batch => return self.batch(record),
            }
        }
    }

    /// Puts the reader into the segment that holds the next position. False: nothing waits.
    fn position_reader(&mut self) -> Result<bool, SpoolError> {
        if self.sent + 1 >= self.next_position {
            return Ok(false);
        }
        if let Some(reader) = self.reader.as_mut() {
            if let Some(segment) = self.segments.iter().find(|segment| segment.number == reader.number) {
                reader.end = segment.bytes;
            }
            return Ok(true);
        }
        let Some(segment) = self.segments.iter().find(|segment| segment.last > self.sent) else {
            // All that was left is gone: pass it when nothing is in flight.
            if self.sent == self.cursor.acked_position() {
                self.pass_gap(self.next_position)?;
                self.save_if_unsaved()?;
            }
            return Ok(false);
        };
        match Reader::open(segment) {
            Ok(reader) => {
                self.reader = Some(reader);
                Ok(true)
            }
            Err(source) => {
                let (number, path) = (segment.number, segment.path.clone());
                self.read_failures += 1;
                if self.read_failures >= READ_TRIES {
                    tracing::error!(spool.segment = %path.display(), "a segment is given up: {source}");
                    self.read_failures = 0;
                    self.segments.retain(|segment| segment.number != number);
                    // If it is the one being written, the next append begins another.
                    self.writer = self.writer.take().filter(|writer| writer.number != number);
                }
                Err(SpoolError::Read { path, source })
            }
        }
    }

    /// The reader is at the end of segment `number`: go to the next one that has something. False: there is none.
    fn leave_segment(&mut self, number: u64) -> bool {
        let Some(segment) =
            self.segments.iter().find(|segment| segment.number > number && segment.last > self.sent)
        else {
            let written = self.segments.back().is_some_and(|segment| segment.number == number);
            if !written {
                self.reader = None;
            }
            return false;
        };
        // A failure to open is met again, with its error, by `position_reader`.
        self.reader = Reader::open(segment).ok();
        true
    }

    fn batch(&mut self, record: OwnedRecord) -> Result<Option<Frame>, SpoolError> {
        if record.position > self.sent + 1 {
            if self.sent > self.cursor.acked_position() {
                if let Some(reader) = self.reader.as_mut() {
                    reader.unread(&record);
                }
                return Ok(None);
            }
            self.pass_gap(record.position)?;
        }
        self.sent = record.position;
        let seq = self.cursor.seq_of(record.position);
        self.numbered = seq;
        Ok(Some(Frame::Batch { seq, bytes: batch_frame(seq, &record.content) }))
    }

    /// Gives up what is between the last acknowledged position and `next`; nothing is in flight.
    fn pass_gap(&mut self, next: u64) -> Result<(), SpoolError> {
        let acked = self.cursor.acked_position();
        let lost = next.saturating_sub(acked + 1);
        let oldest = self.segments.front().map_or(next, |segment| segment.first).clamp(acked + 1, next);
        self.cursor.dropped += oldest - (acked + 1);
        self.cursor.damaged += next - oldest;
        self.cursor.base_seq = self.cursor.acked_seq;
        self.cursor.base_position = next.saturating_sub(1);
        self.sent = self.cursor.base_position;
        tracing::warn!(batches = lost, "{lost} batches were lost from the spool");
        // On the disk before any number of the new mapping is used.
        self.save(true)
    }

    /// Forgets what the server has committed: everything up to `seq`.
    ///
    /// # Errors
    /// [`SpoolError::AckOutOfRange`] when `seq` was not handed out on this link, [`SpoolError::Cursor`].
    pub fn acknowledge(&mut self, seq: u64) -> Result<(), SpoolError> {
        let sent = self.cursor.seq_of(self.sent);
        if seq > sent {
            return Err(SpoolError::AckOutOfRange { seq, sent });
        }
        if seq <= self.cursor.acked_seq {
            return Ok(());
        }
        self.cursor.acked_seq = seq;
        self.save(false)?;
        self.forget_acknowledged();
        Ok(())
    }

    /// Gives up the first batch that is not acknowledged: the server refuses it again and again. Call it between links.
    ///
    /// # Errors
    /// [`SpoolError::Cursor`].
    pub fn skip_one(&mut self) -> Result<(), SpoolError> {
        let acked = self.cursor.acked_position();
        if acked + 1 >= self.next_position {
            return Ok(());
        }
        self.reader = None;
        self.cursor.base_seq = self.cursor.acked_seq;
        self.cursor.base_position = acked + 1;
        self.cursor.dropped += 1;
        self.sent = acked + 1;
        self.save(true)
    }

    /// Removes segments that hold nothing more. The newest stays, so that no position is given twice.
    fn forget_acknowledged(&mut self) {
        let acked = self.cursor.acked_position();
        while self.segments.len() > 1 && self.segments.front().is_some_and(|segment| segment.last <= acked) {
            if let Err(error) = self.drop_oldest() {
                tracing::warn!(error = %error, "cannot remove a segment that is committed");
                break;
            }
        }
    }

    fn save(&mut self, sync: bool) -> Result<(), SpoolError> {
        self.cursor.generation += 1;
        self.cursor_file
            .write(&self.cursor, sync && self.limits.sync)
            .map_err(|source| SpoolError::Cursor { path: self.dir.clone(), source })?;
        self.unsaved = false;
        Ok(())
    }

    fn save_if_unsaved(&mut self) -> Result<(), SpoolError> {
        if self.unsaved { self.save(false) } else { Ok(()) }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn random_epoch() -> u64 {
    let mut bytes = [0; 8];
    // The system's generator fails only before the machine has any entropy; zero is an epoch like another.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Series in portions that each fit a frame.
fn chunks(series: &[SeriesDef]) -> Vec<&[SeriesDef]> {
    let mut out = vec![];
    let (mut from, mut bytes) = (0, 0);
    for (index, one) in series.iter().enumerate() {
        let size = one.encoded_len() + 8;
        if bytes + size > PIECE_BYTES && index > from {
            out.push(&series[from..index]);
            (from, bytes) = (index, 0);
        }
        bytes += size;
    }
    if from < series.len() {
        out.push(&series[from..]);
    }
    out
}

/// An agent frame around a batch that is encoded without its sequence number.
fn batch_frame(seq: u64, batch: &[u8]) -> Vec<u8> {
    let mut number = vec![KEY_SEQ];
    encode_varint(seq, &mut number);
    frame(KEY_BATCH, &number, batch)
}

/// An agent frame whose body is the two parts, one after the other.
fn frame(key: u8, head: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + rest.len() + 8);
    out.push(key);
    encode_varint((head.len() + rest.len()) as u64, &mut out);
    out.extend_from_slice(head);
    out.extend_from_slice(rest);
    out
}
