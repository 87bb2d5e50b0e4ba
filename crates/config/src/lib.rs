//! Configuration files of server and agent: strict, small, safe when empty.
//!
//! An unknown key stops the start and names the nearest known one: a typo in a security setting must not turn the
//! setting off. There is no key that makes the system unsafe, so there is none to get wrong.

mod agent;
mod server;
mod strict;

pub use agent::{AgentConfig, Remote};
pub use server::{LogConfig, LogFormat, ServerConfig};
pub use strict::{ConfigError, nearest};
