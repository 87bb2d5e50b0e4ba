//! The write-ahead log: samples on disk before anyone is told they are stored.
//!
//! Many threads commit at once; one of them writes and syncs for all that wait (group commit). A segment whose write
//! failed is left alone and a new one begun, so nothing is ever appended behind bytes of unknown state.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use wk_engine::ports::metrics::{Sample, SeriesRef};

use crate::files;
use crate::frame::{self, Cursor, FileKind, Kind, Salt};

/// A segment is closed past this, so that none grows without end between two seals.
const SEGMENT_BYTES: u64 = 64 << 20;
/// No file of ours gets this far; one that claims to was put there, and nothing may be counted on from it.
pub(crate) const NUMBER_MAX: u64 = 1 << 62;
/// Samples in one frame at most: keeps a body far below the frame's limit (at most 22 bytes a sample).
pub(crate) const FRAME_SAMPLES: usize = 65_536;

/// What became of one group of frames.
#[derive(Debug, Default)]
struct Group {
    outcome: Mutex<Option<Result<(), String>>>,
}

#[derive(Debug)]
struct Segment {
    file: File,
    salt: Salt,
    len: u64,
    number: u64,
}

#[derive(Debug)]
struct State {
    pending: Vec<Vec<u8>>,
    group: Arc<Group>,
    /// Taken out by the thread that writes.
    segment: Option<Segment>,
    writing: bool,
    next_number: u64,
    bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Wal {
    dir: PathBuf,
    state: Mutex<State>,
    turned: Condvar,
}

fn segment_name(number: u64) -> String {
    format!("wal-{number:010}.log")
}

fn segment_number(name: &str) -> Option<u64> {
    name.strip_prefix("wal-")?.strip_suffix(".log")?.parse().ok().filter(|number| *number < NUMBER_MAX)
}

/// The segments in a folder, oldest first.
pub(crate) fn segments(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(segment_number) {
            found.push((number, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

impl Wal {
    /// `next_number` must be above every segment that exists; `bytes` is what those hold.
    pub(crate) fn new(dir: &Path, next_number: u64, bytes: u64) -> Self {
        Self {
            dir: dir.to_owned(),
            state: Mutex::new(State {
                pending: Vec::new(),
                group: Arc::default(),
                segment: None,
                writing: false,
                next_number,
                bytes,
            }),
            turned: Condvar::new(),
        }
    }

    /// Writes frames with these bodies and returns when they are durable.
    pub(crate) fn commit(&self, bodies: Vec<Vec<u8>>) -> Result<(), String> {
        let mut state = self.state.lock();
        state.pending.extend(bodies);
        let group = Arc::clone(&state.group);
        loop {
            if let Some(outcome) = group.outcome.lock().as_ref() {
                return outcome.clone();
            }
            if state.writing {
                self.turned.wait(&mut state);
                continue;
            }
            // Nobody writes: this thread does, for all that wait.
            state.writing = true;
            let bodies = std::mem::take(&mut state.pending);
            let taken = std::mem::take(&mut state.group);
            let segment = state.segment.take();
            let number = state.next_number;
            drop(state);
            let written = self.write(segment, number, &bodies);
            state = self.state.lock();
            state.writing = false;
            let outcome = match written {
                Ok((segment, grown)) => {
                    state.bytes += grown;
                    state.next_number = state.next_number.max(segment.number + 1);
                    state.segment = Some(segment);
                    Ok(())
                }
                Err(error) => {
                    // The number may be in use by a half-made file.
                    state.next_number = number + 1;
                    Err(error.to_string())
                }
            };
            *taken.outcome.lock() = Some(outcome);
            self.turned.notify_all();
        }
    }

    fn write(&self, segment: Option<Segment>, number: u64, bodies: &[Vec<u8>]) -> io::Result<(Segment, u64)> {
        match segment {
            Some(open) if open.len < SEGMENT_BYTES => Self::extend(open, bodies),
            _ => {
                let path = self.dir.join(segment_name(number));
                let begun = self.begin(&path, number).and_then(|segment| Self::extend(segment, bodies));
                if begun.is_err() {
                    // A full disk must not fill with empty segments, one per attempt.
                    let _ = std::fs::remove_file(&path);
                }
                begun.map(|(segment, grown)| (segment, grown + frame::FILE_HEAD as u64))
            }
        }
    }

    fn begin(&self, path: &Path, number: u64) -> io::Result<Segment> {
        let salt = frame::new_salt();
        let file = files::create(path)?;
        file.write_all_at(&frame::file_head(FileKind::Wal, salt), 0)?;
        files::sync_dir(&self.dir)?;
        Ok(Segment { file, salt, len: frame::FILE_HEAD as u64, number })
    }

    fn extend(mut segment: Segment, bodies: &[Vec<u8>]) -> io::Result<(Segment, u64)> {
        let mut bytes = Vec::with_capacity(bodies.iter().map(|body| body.len() + frame::FRAME_HEAD).sum());
        for body in bodies {
            if !frame::push_frame(&mut bytes, segment.len, segment.salt, Kind::Samples, body) {
                return Err(io::Error::other("a batch is too large for one record"));
            }
        }
        let written = segment.file.write_all_at(&bytes, segment.len).and_then(|()| segment.file.sync_data());
        if let Err(error) = written {
            // Give the space back; if even that fails, the torn tail is cut at the next open.
            let _ = segment.file.set_len(segment.len);
            return Err(error);
        }
        segment.len += bytes.len() as u64;
        Ok((segment, bytes.len() as u64))
    }

    /// Ends the current segment; what is committed later goes to segments numbered from the returned one on.
    /// The caller makes sure that no commit is under way.
    pub(crate) fn rotate(&self) -> u64 {
        let mut state = self.state.lock();
        state.segment = None;
        state.next_number
    }

    /// Removes the segments before `number`, oldest first so that a crash never leaves a gap.
    pub(crate) fn remove_before(&self, number: u64) -> io::Result<()> {
        for (found, path) in segments(&self.dir)? {
            if found < number {
                std::fs::remove_file(path)?;
            }
        }
        files::sync_dir(&self.dir)?;
        let mut left = 0;
        for (_, path) in segments(&self.dir)? {
            left += std::fs::metadata(path).map_or(0, |meta| meta.len());
        }
        self.state.lock().bytes = left;
        Ok(())
    }

    /// Bytes in all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.lock().bytes
    }
}

/// Packs samples: runs of one instant, each sample a control byte, the reference when it does not follow the one
/// before closely, and the value's bytes without its trailing zero bytes.
pub(crate) fn encode_samples(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::with_capacity(samples.len() * 7 + 16);
    let (mut at_before, mut ref_before) = (0i64, 0u32);
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let n = rest.iter().take_while(|s| s.at_ms == first.at_ms).count();
        let (run, after) = rest.split_at(n);
        frame::put_varint(&mut out, frame::zigzag(first.at_ms.wrapping_sub(at_before)));
        frame::put_varint(&mut out, n as u64);
        at_before = first.at_ms;
        for sample in run {
            let bytes = sample.value.to_bits().to_be_bytes();
            let used = 8 - (sample.value.to_bits().trailing_zeros() / 8).min(8) as usize;
            let step = sample.series.0.wrapping_sub(ref_before);
            ref_before = sample.series.0;
            if step < 15 {
                out.push((used as u8) << 4 | step as u8);
            } else {
                out.push((used as u8) << 4 | 15);
                frame::put_varint(&mut out, u64::from(sample.series.0));
            }
            out.extend_from_slice(&bytes[..used]);
        }
        rest = after;
    }
    out
}

/// Undoes [`encode_samples`]; `None` when the bytes are not its work. Never gives more samples than bytes.
pub(crate) fn decode_samples(body: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    let mut cursor = Cursor(body);
    let (mut at, mut series) = (0i64, 0u32);
    while !cursor.0.is_empty() {
        at = at.wrapping_add(cursor.signed()?);
        let n = cursor.size(cursor.0.len())?;
        for _ in 0..n {
            let control = cursor.byte()?;
            series = match control & 15 {
                15 => u32::try_from(cursor.varint()?).ok()?,
                step => series.wrapping_add(u32::from(step)),
            };
            let used = usize::from(control >> 4);
            let mut bytes = [0u8; 8];
            bytes.get_mut(..used)?.copy_from_slice(cursor.bytes(used)?);
            out.push(Sample {
                series: SeriesRef(series),
                at_ms: at,
                value: f64::from_bits(u64::from_be_bytes(bytes)),
            });
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn samples_round_trip(raw in prop::collection::vec((any::<u32>(), any::<i64>(), any::<f64>()), 0..50)) {
            let samples: Vec<Sample> =
                raw.iter().map(|&(s, at_ms, value)| Sample { series: SeriesRef(s), at_ms, value }).collect();
            let mut back = Vec::new();
            prop_assert!(decode_samples(&encode_samples(&samples), &mut back).is_some());
            prop_assert_eq!(back.len(), samples.len());
            for (a, b) in back.iter().zip(&samples) {
                prop_assert_eq!((a.series, a.at_ms, a.value.to_bits()), (b.series, b.at_ms, b.value.to_bits()));
            }
        }

        #[test]
        fn any_bytes_decode_or_not_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut out = Vec::new();
            let _ = decode_samples(&bytes, &mut out);
            prop_assert!(out.len() <= bytes.len());
        }
    }
}
