//! Reading and writing length-prefixed frames on any byte stream.
//!
//! [`FrameReader`] and [`FrameWriter`] know length, time and memory, and nothing of what a frame says: decoding is
//! [`crate::budget`]'s work. Both may be dropped or cancelled at any `.await` without losing or repeating a byte, so
//! that one task can read, write and wait for other things at once.
//!
//! Memory grows with the bytes that really came, never with the length that was announced, and an idle reader holds
//! less than 100 bytes.

use std::io;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::{ENROL_FRAME_BYTES_MAX, FRAME_BYTES_MAX};

/// Bytes of the length prefix.
const PREFIX: usize = 4;
/// What a reader that waits for a frame holds: room for the prefix and most small frames.
const IDLE_BUFFER: usize = 64;
/// Most that is allocated ahead of bytes that have come.
const READ_AHEAD: usize = 16 << 10;

/// What a peer may send, and how slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest frame, in bytes, without its prefix.
    pub bytes_max: usize,
    /// Time a frame may take whatever its size, counted from its first byte.
    pub grace: Duration,
    /// Bytes a second that a frame must bring after `grace`.
    pub rate_min: u32,
}

impl Limits {
    /// On an authenticated link.
    pub const LINK: Self =
        Self { bytes_max: FRAME_BYTES_MAX, grace: Duration::from_secs(10), rate_min: 1 << 10 };
    /// On an enrolment exchange: the peer is a stranger.
    pub const ENROL: Self =
        Self { bytes_max: ENROL_FRAME_BYTES_MAX, grace: Duration::from_secs(10), rate_min: 1 << 10 };
}

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the peer announced a frame of {length} bytes; at most {max} are taken")]
    TooLarge { length: u64, max: usize },
    #[error("the peer sent an empty frame")]
    Empty,
    #[error("the stream ended inside a frame")]
    Truncated,
    #[error("nothing came in time")]
    Idle,
    #[error("a frame came too slowly: {received} bytes in {waited_ms} ms")]
    Slow { received: usize, waited_ms: u64 },
    #[error("the peer did not take what was sent to it in time")]
    NotRead,
    #[error("the stream failed")]
    Io(#[source] io::Error),
}

/// Takes frames off a stream.
#[derive(Debug)]
pub struct FrameReader<R> {
    io: R,
    buf: BytesMut,
    limits: Limits,
    /// When the first byte of the frame in `buf` was seen.
    started: Option<Instant>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// A reader that has read nothing yet.
    pub fn new(io: R, limits: Limits) -> Self {
        Self { io, buf: BytesMut::new(), limits, started: None }
    }

    /// The next frame without its prefix, or `None` when the peer closed between two frames.
    ///
    /// `idle_until`: when to give up if not even the first byte came. Once it came, [`Limits`] decide.
    /// Safe to drop at any point: what was read stays in the reader.
    ///
    /// # Errors
    /// [`FrameError`]; after one the stream is of no more use.
    pub async fn next(&mut self, idle_until: Instant) -> Result<Option<Bytes>, FrameError> {
        loop {
            let missing = match self.take()? {
                Taken::Frame(frame) => return Ok(Some(frame)),
                Taken::Missing(bytes) => bytes,
            };
            if self.buf.is_empty() {
                self.started = None;
            } else if self.started.is_none() {
                self.started = Some(Instant::now());
            }
            let deadline = self.started.map_or(idle_until, |started| {
                let earned_ms =
                    (self.buf.len() as u64).saturating_mul(1000) / u64::from(self.limits.rate_min.max(1));
                started + self.limits.grace + Duration::from_millis(earned_ms)
            });
            if self.buf.capacity() == self.buf.len() {
                let room =
                    if self.buf.is_empty() { IDLE_BUFFER } else { missing.clamp(IDLE_BUFFER, READ_AHEAD) };
                self.buf.reserve(room);
            }
            match timeout_at(deadline, self.io.read_buf(&mut self.buf)).await {
                Err(_) => return Err(self.late()),
                Ok(Err(error)) => return Err(FrameError::Io(error)),
                Ok(Ok(0)) if self.buf.is_empty() => return Ok(None),
                Ok(Ok(0)) => return Err(FrameError::Truncated),
                Ok(Ok(_)) => {}
            }
        }
    }

    fn late(&self) -> FrameError {
        match self.started {
            None => FrameError::Idle,
            Some(started) => FrameError::Slow {
                received: self.buf.len(),
                waited_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            },
        }
    }

    fn take(&mut self) -> Result<Taken, FrameError> {
        let Some(prefix) = self.buf.first_chunk::<PREFIX>() else {
            return Ok(Taken::Missing(PREFIX - self.buf.len()));
        };
        let length = u32::from_be_bytes(*prefix);
        let length = usize::try_from(length)
            .ok()
            .filter(|&length| length <= self.limits.bytes_max)
            .ok_or(FrameError::TooLarge { length: u64::from(length), max: self.limits.bytes_max })?;
        if length == 0 {
            return Err(FrameError::Empty);
        }
        let whole = PREFIX + length;
        if self.buf.len() < whole {
            return Ok(Taken::Missing(whole - self.buf.len()));
        }
        self.started = None;
        if whole < self.buf.capacity() / 2 {
            // A small frame must not keep a large allocation alive: a peer could send a large frame and a small one by
            // turns, and what waits here would be a hundred thousand times what it seems to be.
            let frame = Bytes::copy_from_slice(self.buf.get(PREFIX..whole).unwrap_or_default());
            self.buf.advance(whole);
            if self.buf.is_empty() {
                self.buf = BytesMut::new();
            }
            return Ok(Taken::Frame(frame));
        }
        // The frame keeps the allocation; what came after it gets one of its own, and an idle reader none.
        let rest = self.buf.split_off(whole);
        let rest = if rest.is_empty() { BytesMut::new() } else { BytesMut::from(&rest[..]) };
        let mut frame = std::mem::replace(&mut self.buf, rest).freeze();
        frame.advance(PREFIX);
        Ok(Taken::Frame(frame))
    }
}

enum Taken {
    Frame(Bytes),
    Missing(usize),
}

/// Puts frames on a stream: [`FrameWriter::queue`] them, then [`FrameWriter::drive`].
#[derive(Debug)]
pub struct FrameWriter<W> {
    io: W,
    buf: BytesMut,
    unflushed: bool,
    bytes_max: usize,
}

/// A frame larger than the peer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {length} bytes cannot be sent; at most {max} are taken")]
pub struct FrameTooLarge {
    pub length: usize,
    pub max: usize,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    /// A writer of frames up to `bytes_max` bytes.
    pub fn new(io: W, bytes_max: usize) -> Self {
        Self { io, buf: BytesMut::new(), unflushed: false, bytes_max }
    }

    /// Encodes a message to be sent.
    ///
    /// # Errors
    /// [`FrameTooLarge`]; nothing was queued.
    pub fn queue<M: Message>(&mut self, message: &M) -> Result<(), FrameTooLarge> {
        let length = message.encoded_len();
        self.prefix(length)?;
        // Cannot fail: a BytesMut grows.
        let _ = message.encode(&mut self.buf);
        Ok(())
    }

    /// Queues a message that is encoded already.
    ///
    /// # Errors
    /// [`FrameTooLarge`]; nothing was queued.
    pub fn queue_encoded(&mut self, message: &[u8]) -> Result<(), FrameTooLarge> {
        self.prefix(message.len())?;
        self.buf.put_slice(message);
        Ok(())
    }

    fn prefix(&mut self, length: usize) -> Result<(), FrameTooLarge> {
        let too_large = FrameTooLarge { length, max: self.bytes_max };
        let prefix = u32::try_from(length).ok().filter(|_| length <= self.bytes_max).ok_or(too_large)?;
        self.buf.reserve(PREFIX + length);
        self.buf.put_u32(prefix);
        Ok(())
    }

    /// Bytes that wait to be sent.
    pub fn pending(&self) -> usize {
        self.buf.len()
    }

    /// Whether [`Self::drive`] has something to do.
    pub fn has_work(&self) -> bool {
        self.unflushed || !self.buf.is_empty()
    }

    /// Sends all that is queued. Safe to drop at any point: what was not sent stays queued.
    ///
    /// # Errors
    /// [`FrameError::NotRead`] when `until` passed, [`FrameError::Io`]; after either the stream is of no more use.
    pub async fn drive(&mut self, until: Instant) -> Result<(), FrameError> {
        while !self.buf.is_empty() {
            self.unflushed = true;
            match timeout_at(until, self.io.write_buf(&mut self.buf)).await {
                Err(_) => return Err(FrameError::NotRead),
                Ok(Err(error)) => return Err(FrameError::Io(error)),
                Ok(Ok(0)) => return Err(FrameError::Io(io::ErrorKind::WriteZero.into())),
                Ok(Ok(_)) => {}
            }
        }
        if self.unflushed {
            match timeout_at(until, self.io.flush()).await {
                Err(_) => return Err(FrameError::NotRead),
                Ok(result) => result.map_err(FrameError::Io)?,
            }
            self.unflushed = false;
        }
        self.buf = BytesMut::new();
        Ok(())
    }

    /// Says the polite end of the stream.
    ///
    /// # Errors
    /// [`FrameError::NotRead`] when `until` passed, [`FrameError::Io`].
    pub async fn shutdown(&mut self, until: Instant) -> Result<(), FrameError> {
        match timeout_at(until, self.io.shutdown()).await {
            Err(_) => Err(FrameError::NotRead),
            Ok(result) => result.map_err(FrameError::Io),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ack, Heartbeat};
    use proptest::prelude::*;
    use tokio::io::duplex;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    async fn read_all(bytes: &[u8], limits: Limits) -> (Vec<Bytes>, Result<(), FrameError>) {
        let mut reader = FrameReader::new(bytes, limits);
        let mut frames = Vec::new();
        loop {
            match reader.next(soon()).await {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, Ok(())),
                Err(error) => return (frames, Err(error)),
            }
        }
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in() {
        let (near, far) = duplex(100);
        let mut writer = FrameWriter::new(near, FRAME_BYTES_MAX);
        let mut reader = FrameReader::new(far, Limits::LINK);
        for seq in [1, 300, u64::MAX] {
            writer.queue(&Ack { seq, now_ms: 0 }).unwrap();
        }
        writer.queue_encoded(&[7; 5000]).unwrap();
        let write = async {
            writer.drive(soon()).await.unwrap();
            writer.shutdown(soon()).await.unwrap();
        };
        let read = async {
            for seq in [1, 300, u64::MAX] {
                let frame = reader.next(soon()).await.unwrap().unwrap();
                assert_eq!(Ack::decode(frame).unwrap().seq, seq);
            }
            assert_eq!(reader.next(soon()).await.unwrap().unwrap(), vec![7; 5000]);
            assert!(reader.next(soon()).await.unwrap().is_none());
        };
        tokio::join!(write, read);
    }

    #[tokio::test]
    async fn a_length_of_four_gibibytes_is_refused_without_memory_for_it() {
        let mut reader = FrameReader::new(&[0xff, 0xff, 0xff, 0xff, 1, 2, 3][..], Limits::LINK);
        assert!(matches!(reader.next(soon()).await, Err(FrameError::TooLarge { length: 0xffff_ffff, .. })));
        assert!(reader.buf.capacity() <= READ_AHEAD);
    }

    #[tokio::test]
    async fn announced_length_alone_allocates_nothing() {
        let (mut near, far) = duplex(64);
        near.write_all(&(1_u32 << 20).to_be_bytes()).await.unwrap();
        let mut reader = FrameReader::new(far, Limits { grace: Duration::from_millis(20), ..Limits::LINK });
        assert!(matches!(reader.next(soon()).await, Err(FrameError::Slow { received: 4, .. })));
        assert!(reader.buf.capacity() <= READ_AHEAD + PREFIX, "{}", reader.buf.capacity());
    }

    #[tokio::test]
    async fn an_empty_frame_and_a_cut_one_are_refused() {
        assert!(matches!(read_all(&[0, 0, 0, 0], Limits::LINK).await.1, Err(FrameError::Empty)));
        assert!(matches!(read_all(&[0, 0], Limits::LINK).await.1, Err(FrameError::Truncated)));
        assert!(matches!(read_all(&[0, 0, 0, 9, 1], Limits::LINK).await.1, Err(FrameError::Truncated)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_a_second_is_too_slow() {
        let (mut near, far) = duplex(64);
        let drip = tokio::spawn(async move {
            near.write_all(&1000_u32.to_be_bytes()).await.unwrap();
            while near.write_all(&[0]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let mut reader = FrameReader::new(far, Limits::LINK);
        let started = Instant::now();
        let outcome = reader.next(Instant::now() + Duration::from_secs(60)).await;
        assert!(matches!(outcome, Err(FrameError::Slow { .. })), "{outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(12));
        drop(reader);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_at_the_idle_deadline() {
        let (_near, far) = duplex(64);
        let mut reader = FrameReader::new(far, Limits::LINK);
        let outcome = reader.next(Instant::now() + Duration::from_secs(30)).await;
        assert!(matches!(outcome, Err(FrameError::Idle)));
    }

    #[tokio::test]
    async fn a_dropped_read_loses_nothing() {
        let (mut near, far) = duplex(64);
        let mut reader = FrameReader::new(far, Limits::LINK);
        for byte in [0_u8, 0, 0, 3, b'a', b'b'] {
            near.write_all(&[byte]).await.unwrap();
            tokio::select! {
                biased;
                frame = reader.next(soon()) => panic!("{frame:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        near.write_all(b"c").await.unwrap();
        assert_eq!(reader.next(soon()).await.unwrap().unwrap(), "abc");
    }

    #[tokio::test]
    async fn a_small_frame_keeps_no_large_allocation_alive() {
        // A large frame and a small one right behind it, in one allocation.
        let mut reader = FrameReader::new(tokio::io::empty(), Limits::LINK);
        reader.buf = BytesMut::with_capacity(2 << 20);
        for length in [1_usize << 20, 8, 8] {
            reader.buf.put_u32(u32::try_from(length).unwrap());
            reader.buf.put_bytes(7, length);
        }
        let base = reader.buf.as_ptr() as usize;
        let shared = |bytes: &[u8]| (base..base + (2 << 20)).contains(&(bytes.as_ptr() as usize));
        let large = reader.next(soon()).await.unwrap().unwrap();
        assert!(large.len() == 1 << 20 && shared(&large), "not copied");
        for _ in 0..2 {
            let small = reader.next(soon()).await.unwrap().unwrap();
            assert!(small == [7; 8][..] && !shared(&small), "it holds two MiB");
        }
        assert_eq!(reader.buf.capacity(), 0, "an idle reader holds nothing");
    }

    #[tokio::test]
    async fn too_large_a_message_is_not_sent() {
        let mut writer = FrameWriter::new(Vec::new(), 4);
        writer.queue(&Ack { seq: 1, now_ms: 0 }).unwrap();
        assert_eq!(writer.queue_encoded(&[0; 5]), Err(FrameTooLarge { length: 5, max: 4 }));
        writer.queue(&Heartbeat { now_ms: 1, ..Heartbeat::default() }).unwrap();
        writer.drive(soon()).await.unwrap();
        assert_eq!(writer.io.len(), 12);
        assert!(!writer.has_work());
    }

    proptest! {
        /// Any bytes, cut anywhere: frames or an error, never a panic, never more memory than bytes.
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let (frames, _) = runtime.block_on(read_all(&bytes, Limits { bytes_max: 500, ..Limits::LINK }));
            let total: usize = frames.iter().map(|f| f.len() + PREFIX).sum();
            prop_assert!(total <= bytes.len());
        }

        /// Frames survive any fragmentation of the stream.
        #[test]
        fn any_fragmentation(sizes in prop::collection::vec(1..300_usize, 1..20), chunk in 1..64_usize) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (near, far) = duplex(chunk);
                let mut writer = FrameWriter::new(near, 300);
                let mut reader = FrameReader::new(far, Limits::LINK);
                for size in &sizes { writer.queue_encoded(&vec![9; *size]).unwrap(); }
                let write = async { writer.drive(soon()).await.unwrap(); writer.shutdown(soon()).await.unwrap() };
                let read = async {
                    for size in &sizes {
                        assert_eq!(reader.next(soon()).await.unwrap().unwrap().len(), *size);
                    }
                    assert!(reader.next(soon()).await.unwrap().is_none());
                };
                tokio::join!(write, read);
            });
        }
    }
}
