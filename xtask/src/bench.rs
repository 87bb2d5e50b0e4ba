//! `cargo xtask bench`: figures beside budgets, and beside peers where their packages are installed.

use anyhow::{Result, bail};

use crate::sh;

/// A benchmark: its name, and the example program that prints JSON lines `{name, value, unit, budget, ok}`.
const BENCHES: &[(&str, &str, &str)] = &[];

/// Runs the benchmarks named, or all.
///
/// # Errors
/// When one cannot be built or run. A figure beyond its budget is reported, not an error.
pub fn bench(names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !BENCHES.iter().any(|(known, _, _)| known == *name)) {
        let known: Vec<&str> = BENCHES.iter().map(|(name, _, _)| *name).collect();
        bail!("there is no benchmark `{unknown}`; there are {}", known.join(", "));
    }
    for (name, package, example) in BENCHES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            let args = [
                "run",
                "--quiet",
                "--locked",
                "--profile",
                "dist",
                "--package",
                package,
                "--example",
                example,
            ];
            sh::step(name, &mut sh::command("cargo", &args))?;
        }
    }
    Ok(())
}
