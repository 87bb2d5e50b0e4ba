//! Real parts for tests: servers that are started in temporary folders and end with the test.
//!
//! A missing part is an error that names the line which installs it; nothing is skipped in silence.

pub mod postgres;

pub use postgres::{PgError, PgServer};
