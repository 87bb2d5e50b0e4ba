//! The hub over real sockets with real certificates: what must work, and what must be refused.

mod agents;
mod enrolment;
mod frames;
mod handshakes;
mod kill;
mod support;
