//! The agent as a process: memory, processor time and size, beside other agents in the same minute.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{programs, row, scratch};
use crate::sh;
use crate::test::Server;

/// How long processes are watched.
const WATCHED: Duration = Duration::from_secs(60);

/// The agent as a process: memory, processor time and size, beside peers in the same minute.
pub(super) fn agent(short: &mut Vec<String>) -> Result<()> {
    let programs = programs()?;
    let data = scratch("agent");
    let began = Instant::now();
    let server = Server::start(&programs, &data)?;
    row("server: start to claim link", began.elapsed().as_secs_f64(), "s", None, short);
    let mut peers = Peers::start(&data.with_extension("peers"));
    std::thread::sleep(Duration::from_secs(5));
    let watched: Vec<(String, u32)> = children(server.id())
        .into_iter()
        .map(|pid| ("agent".to_owned(), pid))
        .chain([("server with one agent".to_owned(), server.id())])
        .chain(peers.running.iter().map(|(name, child)| ((*name).to_owned(), child.id())))
        .collect();
    let before: Vec<Option<f64>> = watched.iter().map(|(_, pid)| cpu_s(*pid)).collect();
    let until = Instant::now() + WATCHED;
    while Instant::now() < until {
        Peers::scrape();
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
    peers.stop(short);
    let _ = std::fs::remove_dir_all(&data);
    Ok(())
}

/// Other agents that Debian packages, where they are installed.
struct Peers {
    running: Vec<(&'static str, Child)>,
    folder: PathBuf,
}

/// What collectd reads: the parts of a host that ours reads too. It keeps its values in files, as ours does in its spool.
const COLLECTD: &[&str] = &[
    "contextswitch",
    "cpu",
    "df",
    "disk",
    "entropy",
    "interface",
    "load",
    "memory",
    "processes",
    "protocols",
    "swap",
    "tcpconns",
    "uptime",
    "users",
    "vmem",
    "csv",
];

impl Peers {
    fn start(folder: &Path) -> Self {
        let mut peers = Self { running: Vec::new(), folder: folder.to_owned() };
        peers.begin(
            "peer node_exporter",
            "/usr/bin/prometheus-node-exporter",
            "prometheus-node-exporter",
            &["--web.listen-address=127.0.0.1:19100", "--log.level=error"],
        );
        let config = folder.join("collectd.conf");
        if let Err(error) =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&config, collectd(folder)))
        {
            sh::say(&format!("  collectd cannot be set up: {error}"));
            return peers;
        }
        peers.begin(
            "peer collectd",
            "/usr/sbin/collectd",
            "collectd-core",
            &["-f", "-C", &config.display().to_string()],
        );
        peers
    }

    fn begin(&mut self, name: &'static str, program: &str, package: &str, args: &[&str]) {
        if !Path::new(program).exists() {
            return sh::say(&format!("  {name} is not here to compare: apt-get install -y {package}"));
        }
        let started = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        match started {
            Ok(child) => self.running.push((name, child)),
            Err(error) => sh::say(&format!("  {name} does not start: {error}")),
        }
    }

    /// Asks for values, as a Prometheus server would each ten seconds; how many there are.
    fn scrape() -> usize {
        let Ok(mut tcp) = TcpStream::connect(("127.0.0.1", 19100)) else { return 0 };
        let mut page = String::new();
        let asked = tcp.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
        if asked.and_then(|()| tcp.read_to_string(&mut page)).is_err() {
            return 0;
        }
        page.lines()
            .skip_while(|line| !line.is_empty())
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .count()
    }

    /// Ends them, after counting what they see: memory is to be held against the number of values.
    fn stop(&mut self, short: &mut Vec<String>) {
        let exported = Self::scrape();
        if exported > 0 {
            row("peer node_exporter: values", exported as f64, "", None, short);
        }
        for (_, child) in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        let kept = columns(&self.folder.join("csv"));
        if kept > 0 {
            row("peer collectd: values", kept as f64, "", None, short);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Values in collectd's files: each file's columns but the time.
fn columns(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match std::fs::read_to_string(entry.path()) {
            Ok(text) => text.lines().next().map_or(0, |header| header.matches(',').count()),
            Err(_) => columns(&entry.path()),
        })
        .sum()
}

fn collectd(folder: &Path) -> String {
    let mut config = format!(
        "BaseDir \"{0}\"\nPIDFile \"{0}/pid\"\nInterval 10\nFQDNLookup false\nHostname \"bench\"\n",
        folder.display()
    );
    for plugin in COLLECTD {
        config.push_str(&format!("LoadPlugin {plugin}\n"));
    }
    config.push_str("<Plugin tcpconns>\n  AllPortsSummary true\n</Plugin>\n");
    config.push_str(&format!("<Plugin csv>\n  DataDir \"{}/csv\"\n</Plugin>\n", folder.display()));
    config
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
