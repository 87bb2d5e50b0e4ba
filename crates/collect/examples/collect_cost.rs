//! What looking costs: processor time per cycle and memory after a hundred of them and one inventory.
//!
//! `cargo run --profile quick -p wk-collect --example collect_cost`; with `minute` as argument it instead lives through one
//! real minute at 10 s a cycle with all metrics, one inventory and one list of top consumers, caches as cold as in service.

use std::io::Write as _;
use std::time::Instant;

use wk_collect::{AgentFigures, Collector, Config, Inventory, InventoryConfig, Sampler};

const CYCLES: u32 = 100;

fn cpu_ms() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 * 1000.0 + t.tv_nsec as f64 / 1e6
}

fn resident_kib() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |key: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(key));
        line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    (of("VmRSS:"), of("VmHWM:"))
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if std::env::args().nth(1).is_some_and(|a| a == "minute") {
        return minute(&mut out);
    }
    writeln!(out, "start: resident {} KiB", resident_kib().0)?;
    for (name, per_core, extended) in [("standard", false, false), ("all metrics on demand", true, true)] {
        let mut collector = Collector::new(&Config { per_core, extended, ..Config::default() });
        let mut sampler = Sampler::new();
        collector.set_agent_figures(AgentFigures::default());
        collector.sample(&mut sampler);
        sampler.take_block(0);
        let (wall, cpu) = (Instant::now(), cpu_ms());
        let mut values = 0;
        for _ in 0..CYCLES {
            collector.sample(&mut sampler);
            values = sampler.take_block(0).values.len();
        }
        let (wall, cpu) = (wall.elapsed().as_secs_f64() * 1000.0, cpu_ms() - cpu);
        let per = f64::from(CYCLES);
        writeln!(
            out,
            "{name}: {values} values a cycle, {:.3} ms CPU, {:.3} ms wall; {:.1} ms CPU a minute at 10 s; resident {} KiB",
            cpu / per,
            wall / per,
            cpu / per * 6.0,
            resident_kib().0
        )?;
        let top = Instant::now();
        let items = collector.top(0).map_or(0, |d| d.items.len());
        writeln!(
            out,
            "  top: {items} items, {:.3} ms; notes {:?}",
            top.elapsed().as_secs_f64() * 1000.0,
            collector.take_notes()
        )?;
    }
    let mut inventory = Inventory::new(InventoryConfig::default());
    for round in ["first scan", "second scan", "third scan"] {
        let cpu = cpu_ms();
        let (mut items, mut pieces) = (0, 0);
        inventory.scan_each(0, &mut |delta| {
            pieces += 1;
            items += delta.items.len() + delta.removed.len();
        });
        let (rss, peak) = resident_kib();
        writeln!(
            out,
            "inventory, {round}: {items} items in {pieces} pieces, {:.2} ms CPU; resident {rss} KiB, peak {peak} KiB",
            cpu_ms() - cpu
        )?;
    }
    writeln!(out, "  notes {:?}", inventory.take_notes())
}

fn minute(out: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut collector = Collector::new(&Config { per_core: true, extended: true, ..Config::default() });
    let mut inventory = Inventory::new(InventoryConfig::default());
    let mut sampler = Sampler::new();
    collector.sample(&mut sampler);
    collector.top(0);
    inventory.scan_each(0, &mut |_| {});
    sampler.take_block(0);
    let cpu = cpu_ms();
    let mut values = 0;
    for _ in 0..6 {
        std::thread::sleep(std::time::Duration::from_secs(10));
        collector.sample(&mut sampler);
        values += sampler.take_block(0).values.len();
    }
    collector.top(1);
    inventory.scan_each(1, &mut |_| {});
    let (rss, peak) = resident_kib();
    writeln!(
        out,
        "one minute: {values} values, {:.1} ms CPU; resident {rss} KiB, peak {peak} KiB",
        cpu_ms() - cpu
    )
}
