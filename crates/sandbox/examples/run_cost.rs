//! CPU time of one sandboxed run, everything included: agent, sandbox and a plugin that does next to nothing.
//!
//! `cargo run --profile dist -p wk-sandbox --example run_cost [runs] [program]`

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use wk_sandbox::{PluginPolicy, Runner, RunnerConfig, digest_file};

/// CPU milliseconds of one run that the product promises.
const BUDGET: f64 = 1.2;

type Failure = Box<dyn std::error::Error>;

fn cpu() -> Result<Duration, Failure> {
    let mut ticks = 0u64;
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // Fields 14 to 17: user and system time of this process and of the children it collected, in 10 ms.
    let fields = text.rsplit(") ").next().ok_or("stat")?.split(' ').skip(11).take(4);
    for field in fields {
        ticks += field.parse::<u64>()?;
    }
    Ok(Duration::from_millis(ticks * 10))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let runs: u32 = args.next().map_or(Ok(1000), |n| n.parse())?;
    let program = args.next().unwrap_or_else(|| "/usr/bin/true".into());
    let dir = tempfile::tempdir()?;
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
    let runner = Runner::new(RunnerConfig::new(dir.path().join("work")))?;
    let policy = Arc::new(PluginPolicy::new("cost", &program, digest_file(program.as_ref())?));
    let first = runner.run(&policy, &[], Duration::from_secs(10)).await;
    println!(
        "{program}: {} {} {}",
        first.outcome,
        first.grade.map(|g| g.to_string()).unwrap_or_default(),
        first.detail
    );

    let (before, started) = (cpu()?, Instant::now());
    for _ in 0..runs {
        runner.run(&policy, &[], Duration::from_secs(10)).await;
    }
    let (spent, took) = (cpu()?.saturating_sub(before), started.elapsed());
    let (sandboxed, wall) = (per(spent, runs), per(took, runs));
    println!(
        r#"{{"name": "plugin run, sandbox included", "value": {sandboxed:.3}, "unit": "CPU ms", "budget": {BUDGET}, "ok": {}}}"#,
        sandboxed <= BUDGET
    );
    println!(
        r#"{{"name": "plugin run, from order to result", "value": {wall:.3}, "unit": "ms", "budget": null, "ok": true}}"#
    );

    let (before, started) = (cpu()?, Instant::now());
    for _ in 0..runs {
        std::process::Command::new(&program).stdout(std::process::Stdio::null()).status()?;
    }
    let (spent, took) = (cpu()?.saturating_sub(before), started.elapsed());
    let (bare, wall) = (per(spent, runs), per(took, runs));
    println!(
        r#"{{"name": "peer: the same program started bare", "value": {bare:.3}, "unit": "CPU ms", "budget": null, "ok": true}}"#
    );
    println!(
        r#"{{"name": "peer: bare, from order to end", "value": {wall:.3}, "unit": "ms", "budget": null, "ok": true}}"#
    );
    Ok(())
}

fn per(span: Duration, runs: u32) -> f64 {
    span.as_secs_f64() * 1000.0 / f64::from(runs.max(1))
}
