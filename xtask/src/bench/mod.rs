//! `cargo xtask bench`: figures beside budgets, and beside peers where their packages are installed.
//!
//! Most benchmarks are example programs that print one JSON line per figure, `{name, value, unit, budget, ok}`; other
//! lines are shown as they are. Agent, screen and clone are measured as whole processes.

mod agent;
mod clone;
mod screen;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::sh;

/// A benchmark: its name, and the example program that measures.
struct Bench {
    name: &'static str,
    package: &'static str,
    example: &'static str,
    features: &'static str,
}

const fn bench_of(
    name: &'static str,
    package: &'static str,
    example: &'static str,
    features: &'static str,
) -> Bench {
    Bench { name, package, example, features }
}

const BENCHES: &[Bench] = &[
    bench_of("judge", "wk-engine", "judge", ""),
    bench_of("rights", "wk-engine", "rights", ""),
    bench_of("metrics", "wk-tsdb", "bench", "bench"),
    bench_of("metrics-peers", "wk-tsdb", "peers", "bench"),
    bench_of("store", "wk-store", "ingest", ""),
    bench_of("handshakes", "wk-hub", "handshakes", ""),
    bench_of("storm", "wk-hub", "storm", ""),
    bench_of("plugin", "wk-sandbox", "run_cost", ""),
    bench_of("probes", "wk-probes", "tcp_rate", ""),
    bench_of("probes-peers", "wk-probes", "tcp_peers", ""),
    bench_of("collect", "wk-collect", "collect_cost", ""),
    bench_of("audit", "wk-audit", "cost", ""),
    bench_of("sign-in", "wk-api", "sign_in", ""),
];
/// Benchmarks of whole processes.
type Whole = (&'static str, fn(&mut Vec<String>) -> Result<()>);
const WHOLES: &[Whole] = &[("agent", agent::agent), ("screen", screen::screen), ("clone", clone::clone)];

/// Runs the benchmarks named, or all.
///
/// # Errors
/// When one cannot be built or run. A figure beyond its budget is reported, not an error.
pub fn bench(names: &[String]) -> Result<()> {
    let known = || BENCHES.iter().map(|bench| bench.name).chain(WHOLES.iter().map(|(name, _)| *name));
    if let Some(unknown) = names.iter().find(|name| !known().any(|known| known == *name)) {
        bail!("there is no benchmark `{unknown}`; there are {}", known().collect::<Vec<_>>().join(", "));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut short = Vec::new();
    for bench in BENCHES.iter().filter(|bench| wanted(bench.name)) {
        sh::say(&format!("\n== {}", bench.name));
        let args = ["run", "--quiet", "--locked", "--profile", "dist", "--package", bench.package];
        let mut run = sh::command("cargo", &args);
        run.args(["--example", bench.example]);
        if !bench.features.is_empty() {
            run.args(["--features", bench.features]);
        }
        if !read(&mut run, &mut short)? {
            bail!("the benchmark {} failed", bench.name);
        }
    }
    for (name, whole) in WHOLES.iter().filter(|(name, _)| wanted(name)) {
        sh::say(&format!("\n== {name}"));
        whole(&mut short)?;
    }
    if short.is_empty() {
        sh::say("\nEvery figure that has a budget is within it.");
    } else {
        sh::say(&format!("\nBeyond their budget: {}", short.join("; ")));
    }
    Ok(())
}

/// Runs a program and shows what it prints; whether it ended well.
fn read(command: &mut Command, short: &mut Vec<String>) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let out = child.stdout.take().context("no output")?;
    for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
        show(&line, short);
    }
    Ok(child.wait()?.success())
}

/// A figure as a row, anything else as it is.
fn show(line: &str, short: &mut Vec<String>) {
    let Ok(figure) = serde_json::from_str::<serde_json::Value>(line) else {
        return sh::say(line);
    };
    let Some(name) = figure["name"].as_str() else { return sh::say(line) };
    let value = figure["value"].as_f64().unwrap_or(f64::NAN);
    let unit = figure["unit"].as_str().unwrap_or_default();
    let budget = match figure["budget"].as_f64() {
        Some(budget) if figure["ok"] == false => {
            short.push(format!("{name} ({value:.3} {unit}, budget {budget})"));
            format!("budget {budget}  BEYOND")
        }
        Some(budget) => format!("budget {budget}  within"),
        None => String::new(),
    };
    sh::say(&format!("  {name:<58} {value:>14.3} {unit:<10} {budget}"));
}

fn row(name: &str, value: f64, unit: &str, budget: Option<f64>, short: &mut Vec<String>) {
    let (budget, ok) = budget.map_or((serde_json::Value::Null, true), |most| (most.into(), value <= most));
    show(
        &serde_json::json!({"name": name, "value": value, "unit": unit, "budget": budget, "ok": ok})
            .to_string(),
        short,
    );
}

/// Server and agent as packages ship them, in a folder of their own; the agent has a profile of its own.
fn programs() -> Result<PathBuf> {
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder)?;
    for (profile, package) in [("dist", "watchkeep"), ("agent", "watchkeep-agent")] {
        let build = ["build", "--locked", "--profile", profile, "--package", package];
        sh::step(&format!("build {package} for packages"), &mut sh::command("cargo", &build))?;
        // Beside, then in its place: the program that is there may still run.
        let new = folder.join(format!("{package}.new"));
        std::fs::copy(target().join(profile).join(package), &new)?;
        std::fs::rename(&new, folder.join(package))?;
    }
    Ok(folder)
}

/// A folder of this run.
fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("watchkeep-bench-{name}-{}", std::process::id()))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| sh::root().join("target"), Into::into)
}
