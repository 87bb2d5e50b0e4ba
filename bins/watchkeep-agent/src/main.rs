//! The Watchkeep agent: everything that touches the outside, holding nothing but its own key and a spool.
//!
//! Wiring only. It opens no port. Started by root it becomes a user of its own before anything else happens. What it may
//! be told to run is decided by its own files, `agent.toml` and `plugins.toml`; no message of a server changes that.

mod agent;
mod args;
mod facts;
mod schedule;
mod start;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match start::start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "watchkeep-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
