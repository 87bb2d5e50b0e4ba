//! The agent protocol, version 1: every message that crosses the link between an agent and a server.
//!
//! A frame is a big-endian `u32` length followed by that many bytes of protobuf, at most [`FRAME_BYTES_MAX`].
//! The link runs in TLS 1.3 with ALPN [`ALPN_LINK`] and client certificates; enrolment runs on the same port with
//! ALPN [`ALPN_ENROL`] and carries exactly one request and one reply.
//!
//! [`frame`] moves frames over any byte stream, [`budget`] decodes them within bounds.
//!
//! What this crate leaves out on purpose: sockets, TLS, and meaning. There is no message that names a program, a path or a
//! command line to run: the server can only name a check of [`Assignment`], and a plugin only by the name that the
//! agent's own policy file gives it.
//!
//! Compatibility: fields are only ever added, tags never reused. A peer that does not know a frame closes the link
//! with [`Goodbye`].

pub mod budget;
pub mod frame;
pub mod v1;

pub use v1::*;

/// ALPN of the mutually authenticated link.
pub const ALPN_LINK: &[u8] = b"watchkeep-link/1";
/// ALPN of the enrolment exchange, the only thing an unauthenticated peer reaches on the hub's port.
pub const ALPN_ENROL: &[u8] = b"watchkeep-enrol/1";
/// The protocol version both sides announce.
pub const PROTOCOL_VERSION: u32 = 1;
/// Largest frame on an authenticated link, in bytes.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
/// Largest frame of an enrolment exchange, in bytes.
pub const ENROL_FRAME_BYTES_MAX: usize = 32 << 10;
/// Batches an agent may have in flight without acknowledgement.
pub const WINDOW_BATCHES_MAX: u32 = 16;
