//! The Watchkeep server and command line.
//!
//! Wiring only: which adapter fills which port, signals, exit codes. What the commands do, they do through the public
//! API over the server's local socket, as anybody with the server's own rights on the machine may.

mod args;
mod cli;
mod client;
mod clients;
mod keys;
mod local_agent;
mod out;
mod remote;
mod server;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            out::error(&format!("watchkeep: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<ExitCode> {
    use args::Command;
    let threads = match &args.command {
        Command::Server(_) | Command::Up(_) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?
        }
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
    };
    threads.block_on(async move {
        match args.command {
            Command::Server(flags) => server::run(flags, &args.data, false).await.map(|()| ExitCode::SUCCESS),
            Command::Up(flags) => server::run(flags, &args.data, true).await.map(|()| ExitCode::SUCCESS),
            Command::Openapi => {
                out::text(&server::openapi().await?);
                Ok(ExitCode::SUCCESS)
            }
            Command::Completion { shell } => {
                args::completion(shell);
                Ok(ExitCode::SUCCESS)
            }
            other => cli::run(other, &args.data, &args.remote, args.json).await,
        }
    })
}
