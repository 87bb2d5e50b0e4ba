//! The agent's durable queue: observations wait here, on disk, until the server has committed them.
//!
//! [`Spool::append`] writes a [`Payload`] as one or more batches; [`Spool::next_frame`] hands them out in order, ready to
//! be sent; [`Spool::acknowledge`] forgets what the server has committed. Each step may be the last before a `kill -9`
//! or a power cut: what was appended is there afterwards, and what was handed out was on the disk before.
//!
//! On disk, in a folder of mode 0700 that one process holds at a time:
//!
//! * `NNN.seg`: segments of about 1 MiB. A segment is written by one process only, never continued after a restart, and
//!   understood alone: it holds the series dictionary that its batches refer to. Every record carries its length and a
//!   CRC-32C; see [`record`].
//! * `cursor`: how far the server has committed, in two slots written in turn; see [`cursor`].
//!
//! **Numbers.** A batch has a *position*, which only this crate knows, and gets its *sequence number* when it is first
//! handed out. So what had to be dropped (the spool was full, or older than the server wants it, or a disk damaged it)
//! never had a number, and the numbers that the server sees have no gap. The mapping changes only while nothing is in
//! flight, and is on the disk before a number of it is used. What was dropped is counted, and the next batch says so in
//! a note of kind `spool-dropped` or `spool-damaged`.
//!
//! What this crate leaves out: time (the caller says what time it is), the network, and threads (calls block for as
//! long as the disk does).

mod cursor;
mod payload;
mod record;
mod segment;
mod spool;

pub use payload::Payload;
pub use spool::{Frame, Limits, Resume, Spool, SpoolError, Stats};
