//! The engine from outside: real stores, a clock that is set by hand, agents that lie.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agents;
mod audit_log;
mod batches;
mod builtin;
mod evidence;
mod faults;
mod flaky;
mod flaky_access;
mod flaky_outside;
mod flaky_passkeys;
mod flaky_passwords;
mod flaky_tenants;
mod flaky_tokens;
mod isolation;
mod notifications;
mod retry;
mod rig;
