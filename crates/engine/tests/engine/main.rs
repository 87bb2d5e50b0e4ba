//! The engine from outside: real stores, a clock that is set by hand, agents that lie.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agents;
mod audit_log;
mod batches;
mod builtin;
mod evidence;
mod faults;
mod flaky;
mod isolation;
mod notifications;
mod retry;
mod rig;
