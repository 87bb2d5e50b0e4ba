//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Watches this machine, and others it is asked to probe.
#[derive(Debug, Parser)]
#[command(name = "watchkeep-agent", version, about, max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Directory for identity, spool and execution record; `data_dir` of agent.toml when left out
    #[arg(long, global = true, env = "WATCHKEEP_AGENT_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Directory of agent.toml and plugins.toml
    #[arg(long, global = true, env = "WATCHKEEP_AGENT_CONFIG", default_value = "/etc/watchkeep-agent")]
    pub(crate) config: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Enrol this machine with the token that `watchkeep agent token` prints
    Enrol {
        /// The token, or `-` to read it from standard input
        token: String,
    },
    /// Watch
    Run {
        /// End when standard input, a pipe, is closed: for a program that starts this one
        #[arg(long)]
        with_parent: bool,
    },
    /// Check agent.toml and plugins.toml and say what they allow
    Check,
}
