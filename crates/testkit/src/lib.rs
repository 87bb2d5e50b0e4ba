//! Real parts for tests: servers that are started in temporary folders and end with the test.
//!
//! A missing part is an error that names the line which installs it; nothing is skipped in silence.

pub mod fleet;
pub mod postgres;
pub mod proc;

pub use fleet::{AgentHome, AgentProcess, Fleet, Said, ServerProcess, until, until_for};
pub use postgres::{PgError, PgServer};
