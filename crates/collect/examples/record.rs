//! Records what this machine's collectors give, for the metrics store's bench: shapes of real values, not made-up ones.
//!
//! `cargo run --profile quick -p wk-collect --example record -- FILE [CYCLES [SECONDS]]`; by default 360 cycles of 10 s.
//! Lines of text: `D` defines the next series (kind, then name, labels and unit between tabs), `S` is a cycle: its time in
//! milliseconds since 1970 UTC, then `series:value` pairs.

use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wk_collect::{AgentFigures, Collector, Config, Sampler};
use wk_wire::v1::SeriesKind;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("which file?")?;
    let cycles: u32 = args.next().map_or(Ok(360), |n| n.parse())?;
    let interval = Duration::from_secs(args.next().map_or(Ok(10), |n| n.parse())?);
    let mut collector = Collector::new(&Config { per_core: true, extended: true, ..Config::default() });
    let mut sampler = Sampler::new();
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut planned = Instant::now();
    for _ in 0..cycles {
        std::thread::sleep(planned.saturating_duration_since(Instant::now()));
        let lateness = planned.elapsed();
        collector.set_agent_figures(AgentFigures { lateness, ..AgentFigures::default() });
        collector.sample(&mut sampler);
        for def in sampler.new_definitions().map(|new| new.series.to_vec()).unwrap_or_default() {
            let kind = if def.kind == i32::from(SeriesKind::Counter) { "counter" } else { "gauge" };
            let labels: Vec<String> = def.labels.iter().map(|l| format!("{}={}", l.name, l.value)).collect();
            writeln!(out, "D {kind}\t{}\t{}\t{}", def.name, labels.join("\u{1f}"), def.unit)?;
        }
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let block = sampler.take_block(now);
        write!(out, "S {now}")?;
        for (series, value) in block.refs.iter().zip(&block.values) {
            write!(out, " {series}:{value:?}")?;
        }
        writeln!(out)?;
        out.flush()?;
        planned += interval;
    }
    Ok(())
}
