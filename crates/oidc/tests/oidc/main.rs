//! The walk against providers: one that is not ours and means well, and one of ours that does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hostile;
mod real;
mod support;
