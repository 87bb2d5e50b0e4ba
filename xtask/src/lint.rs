//! `cargo xtask lint` and `cargo xtask docs`: what must be clean before a change is looked at.

use anyhow::{Result, bail};

use crate::{arrows, links, parts, sh};

/// Versions of the tools that are not in the toolchain.
const CARGO_DENY: &str = "0.20.2";
const MDBOOK: &str = "0.5.4";

/// All of it.
///
/// # Errors
/// The first step that is not clean.
pub fn lint() -> Result<()> {
    sh::step("formatting", &mut sh::command("cargo", &["fmt", "--all", "--check"]))?;
    arrows::check()?;
    links::check()?;
    parts::console()?;
    let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    sh::step("clippy", &mut sh::command("cargo", &clippy))?;
    let console = sh::root().join("console");
    sh::step(
        "console: formatting, lint, types",
        sh::command("npm", &["run", "--silent", "lint"]).current_dir(&console),
    )?;
    generated()?;
    let deny = parts::tool("cargo-deny", CARGO_DENY, &[])?;
    // The advisory database lives on a host that is not always reachable; bans, licences and sources always are checked.
    let deny_args = ["--offline", "--log-level", "error", "check", "bans", "licenses", "sources"];
    sh::step(
        "licences, bans, sources",
        sh::command(&deny.to_string_lossy(), &deny_args).current_dir(sh::root()),
    )?;
    let mut fuzz = sh::command("cargo", &["metadata", "--quiet", "--format-version", "1", "--no-deps"]);
    fuzz.args(["--manifest-path", "fuzz/Cargo.toml"]).stdout(std::process::Stdio::null());
    sh::step("fuzz targets are well-formed", &mut fuzz)?;
    docs()
}

/// The OpenAPI document and what is generated from it are in step with the code.
fn generated() -> Result<()> {
    sh::say("==> OpenAPI document and generated types");
    let fresh = sh::output(&mut sh::command(
        "cargo",
        &["run", "--quiet", "--locked", "--package", "watchkeep", "--", "openapi"],
    ))?;
    let path = sh::root().join("openapi/watchkeep.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != fresh {
        bail!(
            "openapi/watchkeep.json is not what the code says. Mend: cargo run -q -p watchkeep -- openapi > openapi/watchkeep.json"
        );
    }
    let console = sh::root().join("console");
    sh::step(
        "console: generated types",
        sh::command("npm", &["run", "--silent", "types:check"]).current_dir(&console),
    )
}

/// Builds the guide.
///
/// # Errors
/// When mdBook cannot be had, or the book does not build.
pub fn docs() -> Result<()> {
    let mdbook = parts::tool("mdbook", MDBOOK, &["--no-default-features"])?;
    sh::step("the guide", &mut sh::command(&mdbook.to_string_lossy(), &["build", "docs"]))
}
