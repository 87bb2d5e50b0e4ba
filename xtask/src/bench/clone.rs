//! From a clone to the claim link: what a person waits for on the first day.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::{row, scratch};
use crate::sh;

/// Minutes from the end of the clone to the link, on two cores.
const BUDGET_MIN: f64 = 8.0;

/// Clones what is committed into an empty folder, runs the README's first command there, and waits for the link. What
/// cargo and npm have fetched before is used again, so the network is not what is measured.
pub(super) fn clone(short: &mut Vec<String>) -> Result<()> {
    let folder = scratch("clone");
    let from = sh::root();
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--no-hardlinks"]).arg(&from).arg(&folder);
    sh::step("clone", &mut git)?;
    let began = Instant::now();
    let mut child = Command::new("cargo")
        .args(["xtask", "run", "--console-listen", "127.0.0.1:0", "--hub-listen", "127.0.0.1:0"])
        .current_dir(&folder)
        .env_remove("CARGO_TARGET_DIR")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let out = child.stdout.take().context("no output")?;
    let seen = BufReader::new(out)
        .lines()
        .map_while(std::result::Result::ok)
        .any(|line| line.contains("https://") && line.contains("/claim#"));
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    // As Ctrl-C does it: the server ends its agent.
    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let ended = child.wait()?;
    let _ = std::fs::remove_dir_all(&folder);
    if !seen {
        bail!("the clone printed no claim link: cargo ended with {ended}");
    }
    row("fresh clone to claim link", minutes, "min", Some(BUDGET_MIN), short);
    Ok(())
}
