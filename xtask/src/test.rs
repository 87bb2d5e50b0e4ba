//! `cargo xtask test`: every test there is.

use std::process::Command;

use anyhow::Result;

use crate::{parts, sh};

/// Installs or names what is missing, then runs unit, property, conformance, black-box and browser tests.
///
/// # Errors
/// The first step that fails.
pub fn test(args: &[String]) -> Result<()> {
    let fast = args.iter().any(|arg| arg == "--fast");
    let rest: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--fast").collect();
    parts::for_tests()?;
    parts::console()?;
    let console = sh::root().join("console");
    sh::step("console: unit tests", sh::command("npm", &["run", "--silent", "test"]).current_dir(&console))?;
    // Black-box tests start the programs; they are built once, here.
    sh::step("build the programs", &mut sh::command("cargo", &["build", "--quiet", "--locked", "--bins"]))?;
    let mut nextest: Command = if sh::has("cargo-nextest") {
        sh::command("cargo", &["nextest", "run", "--locked", "--workspace", "--no-fail-fast"])
    } else {
        sh::command("cargo", &["test", "--locked", "--workspace", "--no-fail-fast"])
    };
    if fast {
        nextest.env("WATCHKEEP_TEST_FAST", "1");
    }
    nextest.args(&rest);
    sh::step("unit, property, conformance and black-box tests", &mut nextest)?;
    if rest.is_empty() {
        browser()?;
    }
    Ok(())
}

/// The console's tests, in a real Chromium against a real server and agent.
fn browser() -> Result<()> {
    let console = sh::root().join("console");
    sh::step("browser tests", sh::command("npm", &["run", "--silent", "e2e"]).current_dir(&console))
}
