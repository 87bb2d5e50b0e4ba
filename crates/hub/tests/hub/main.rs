//! The hub over real sockets with real certificates: what must work, and what must be refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agents;
mod enrolment;
mod frames;
mod handshakes;
mod hostile;
mod kill;
mod support;
