//! From a result to the screen, in a real browser.

use anyhow::{Result, bail};

use super::{programs, read, scratch};
use crate::test::Server;
use crate::{parts, sh};

/// Starts server and agent, and lets the console's own bench look at them.
pub(super) fn screen(short: &mut Vec<String>) -> Result<()> {
    parts::console()?;
    let programs = programs()?;
    let data = scratch("screen");
    let server = Server::start(&programs, &data)?;
    let mut bench = sh::command("npm", &["run", "--silent", "bench", "--", "--reporter=default"]);
    bench.current_dir(sh::root().join("console"));
    bench.env("WATCHKEEP_URL", &server.url).env("WATCHKEEP_CLAIM", &server.claim);
    bench.env("WATCHKEEP_PROGRAM", programs.join("watchkeep")).env("WATCHKEEP_DATA", &data);
    let done = read(&mut bench, short);
    drop(server);
    let _ = std::fs::remove_dir_all(&data);
    if !done? {
        bail!("the benchmark screen failed");
    }
    Ok(())
}
