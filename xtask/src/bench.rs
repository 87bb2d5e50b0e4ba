//! `cargo xtask bench`: figures beside budgets, and beside peers where their packages are installed.
//!
//! Each benchmark is an example program that prints one JSON line per figure, `{name, value, unit, budget, ok}`; other
//! lines are shown as they are. The agent is measured as a whole process, beside the peers' processes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::sh;
use crate::test::Server;

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
    bench_of("metrics", "wk-tsdb", "bench", "bench"),
    bench_of("metrics-peers", "wk-tsdb", "peers", "bench"),
    bench_of("store", "wk-store", "ingest", ""),
    bench_of("handshakes", "wk-hub", "handshakes", ""),
    bench_of("plugin", "wk-sandbox", "run_cost", ""),
    bench_of("probes", "wk-probes", "tcp_rate", ""),
    bench_of("collect", "wk-collect", "collect_cost", ""),
    bench_of("audit", "wk-audit", "cost", ""),
];
/// How long processes are watched.
const WATCHED: Duration = Duration::from_secs(60);

/// Runs the benchmarks named, or all.
///
/// # Errors
/// When one cannot be built or run. A figure beyond its budget is reported, not an error.
pub fn bench(names: &[String]) -> Result<()> {
    let known = || BENCHES.iter().map(|bench| bench.name).chain(["agent"]);
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
        let mut child = run.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
        let out = child.stdout.take().context("no output")?;
        for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
            show(&line, &mut short);
        }
        if !child.wait()?.success() {
            bail!("the benchmark {} failed", bench.name);
        }
    }
    if wanted("agent") {
        sh::say("\n== agent");
        agent(&mut short)?;
    }
    if short.is_empty() {
        sh::say("\nEvery figure that has a budget is within it.");
    } else {
        sh::say(&format!("\nBeyond their budget: {}", short.join("; ")));
    }
    Ok(())
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

/// The agent as a process: memory, processor time and size, beside peers in the same minute.
fn agent(short: &mut Vec<String>) -> Result<()> {
    let build =
        ["build", "--locked", "--profile", "dist", "--package", "watchkeep", "--package", "watchkeep-agent"];
    sh::step("build the programs for packages", &mut sh::command("cargo", &build))?;
    let programs = target().join("dist");
    let data = std::env::temp_dir().join(format!("watchkeep-bench-{}", std::process::id()));
    let began = Instant::now();
    let server = Server::start(&programs, &data)?;
    row("server: start to claim link", began.elapsed().as_secs_f64(), "s", None, short);
    let mut peers = Peers::start();
    std::thread::sleep(Duration::from_secs(5));
    let watched: Vec<(String, u32)> = children(server.id())
        .into_iter()
        .map(|pid| ("agent".to_owned(), pid))
        .chain([("server with one agent".to_owned(), server.id())])
        .chain(peers.0.iter().map(|(name, child)| ((*name).to_owned(), child.id())))
        .collect();
    let before: Vec<Option<f64>> = watched.iter().map(|(_, pid)| cpu_s(*pid)).collect();
    let until = Instant::now() + WATCHED;
    while Instant::now() < until {
        peers.scrape();
        std::thread::sleep(Duration::from_secs(10).min(until.saturating_duration_since(Instant::now())));
    }
    for ((name, pid), before) in watched.iter().zip(before) {
        let own = name == "agent";
        if let Some(mib) = resident_mib(*pid) {
            row(&format!("{name}: resident memory"), mib, "MiB", own.then_some(8.0), short);
        }
        if let (Some(before), Some(after)) = (before, cpu_s(*pid)) {
            let minute = (after - before) * 60.0 / WATCHED.as_secs_f64();
            row(&format!("{name}: processor time a minute"), minute, "s", own.then_some(0.06), short);
        }
    }
    let size = std::fs::metadata(programs.join("watchkeep-agent"))?.len() as f64 / f64::from(1 << 20);
    row("agent: program", size, "MiB", Some(10.0), short);
    let size = std::fs::metadata(programs.join("watchkeep"))?.len() as f64 / f64::from(1 << 20);
    row("server: program", size, "MiB", None, short);
    drop(server);
    peers.stop();
    let _ = std::fs::remove_dir_all(&data);
    Ok(())
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| sh::root().join("target"), Into::into)
}

/// Other agents that Debian packages, where they are installed.
struct Peers(Vec<(&'static str, Child)>);

impl Peers {
    fn start() -> Self {
        let mut peers = Vec::new();
        let exporter = Path::new("/usr/bin/prometheus-node-exporter");
        if exporter.exists() {
            let mut command = Command::new(exporter);
            command.args(["--web.listen-address=127.0.0.1:19100", "--log.level=error"]);
            if let Ok(child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
                peers.push(("peer node_exporter", child));
            }
        } else {
            sh::say("  node_exporter is not here to compare: apt-get install -y prometheus-node-exporter");
        }
        Self(peers)
    }

    /// Asks for values, as a Prometheus server would each ten seconds.
    fn scrape(&mut self) {
        use std::io::{Read, Write};
        if let Ok(mut tcp) = std::net::TcpStream::connect(("127.0.0.1", 19100)) {
            let _ = tcp.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
            let _ = tcp.read_to_end(&mut Vec::new());
        }
    }

    fn stop(&mut self) {
        for (_, child) in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn children(pid: u32) -> Vec<u32> {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|child| child.parse().ok())
        .chain(tasks(pid))
        .collect()
}

/// Children that other threads of the process started.
fn tasks(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter(|thread| thread.file_name().to_string_lossy() != pid.to_string())
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// User and system time of a process so far.
fn cpu_s(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    // The kernel's unit for this file is a hundredth of a second on every Linux that we run on.
    Some(ticks / 100.0)
}

fn resident_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    Some(kib.trim().parse::<f64>().ok()? / 1024.0)
}
