//! `cargo xtask run`: from a clone to a claim link.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Result;

use crate::{parts, sh};

/// Builds console and programs and starts them; does not return when that worked.
///
/// # Errors
/// When something does not build or start.
pub fn run(args: &[String]) -> Result<()> {
    let release = args.iter().any(|arg| arg == "--release");
    let profile = if release { "dist" } else { "quick" };
    // The console builds while cargo compiles dependencies: both need a core, and there are at least two.
    let console = std::thread::spawn(parts::console);
    let warm =
        sh::command("cargo", &["build", "--locked", "--profile", profile, "--package", "watchkeep-agent"])
            .status();
    console.join().unwrap_or_else(|_| anyhow::bail!("the console's build ended early"))?;
    drop(warm);
    let build = [
        "build",
        "--locked",
        "--profile",
        profile,
        "--bins",
        "--package",
        "watchkeep",
        "--package",
        "watchkeep-agent",
    ];
    sh::step("build the programs", &mut sh::command("cargo", &build))?;
    let programs = target_dir().join(profile);
    let mut up = Command::new(programs.join("watchkeep"));
    up.arg("up").args(args.iter().filter(|arg| *arg != "--release"));
    if !args.iter().any(|arg| arg.starts_with("--data")) {
        up.arg("--data").arg(sh::root().join(".watchkeep"));
    }
    // The server takes this process's place, so that Ctrl-C and its exit code are its own.
    Err(anyhow::Error::new(up.exec()).context("cannot start watchkeep"))
}

fn target_dir() -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| sh::root().join("target"), Into::into)
}
