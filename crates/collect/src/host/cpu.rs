//! Processors, load and pressure: `/proc/stat`, `/proc/loadavg`, `/proc/pressure/*`, `/proc/softirqs`.

use std::path::Path;

use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::parse::{decimal, fields, lines, number};
use crate::sampler::{Sampler, SeriesRef, rounded};
use crate::source::Source;

const MODES: [&[u8]; 8] = [b"user", b"nice", b"system", b"idle", b"iowait", b"irq", b"softirq", b"steal"];
const IDLE: usize = 3;
const IOWAIT: usize = 4;
/// Most processors reported one by one.
const CORES_MAX: usize = 1024;

type Ticks = [u64; 8];

#[derive(Debug)]
pub(crate) struct Cpu {
    stat: Source,
    loadavg: Source,
    softirqs: Source,
    per_core: bool,
    extended: bool,
    before: Option<Ticks>,
    modes: Option<[SeriesRef; 8]>,
    cores: Vec<Core>,
    vectors: Vec<SeriesRef>,
}

#[derive(Debug)]
struct Core {
    number: u64,
    before: Ticks,
    series: SeriesRef,
}

impl Cpu {
    pub(crate) fn new(root: &Path, per_core: bool, extended: bool) -> Self {
        Self {
            stat: Source::new(root, "proc/stat"),
            loadavg: Source::new(root, "proc/loadavg"),
            softirqs: Source::new(root, "proc/softirqs"),
            per_core,
            extended,
            before: None,
            modes: None,
            cores: Vec::new(),
            vectors: Vec::new(),
        }
    }

    pub(crate) fn sample(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        if let Some(text) = self.stat.read(buffer, notes) {
            let mut count = 0u64;
            let mut seen = false;
            for line in lines(text) {
                let mut words = fields(line);
                let Some(key) = words.next() else { continue };
                if let Some(core) = key.strip_prefix(b"cpu") {
                    let Some(now) = ticks(words) else {
                        notes.add("proc/stat", Problem::Malformed);
                        continue;
                    };
                    if core.is_empty() {
                        seen = true;
                        self.total(now, out);
                    } else if let Some(core) = number(core) {
                        count += 1;
                        if self.per_core {
                            self.core(core, now, out);
                        }
                    }
                    continue;
                }
                let metric = match key {
                    b"intr" => Metric::Interrupts,
                    b"ctxt" => Metric::ContextSwitches,
                    b"processes" => Metric::Forks,
                    _ => continue,
                };
                match words.next().and_then(number) {
                    Some(value) => out.put(metric, value as f64),
                    None => notes.add("proc/stat", Problem::Malformed),
                }
            }
            if count > 0 {
                out.put(Metric::CpuCount, count as f64);
            }
            if !seen {
                notes.add("proc/stat", Problem::Malformed);
            }
        }
        if let Some(text) = self.loadavg.read(buffer, notes) {
            let mut words = fields(text);
            for metric in [Metric::Load1, Metric::Load5, Metric::Load15] {
                match words.next().and_then(decimal) {
                    Some(value) => out.put(metric, value),
                    None => notes.add("proc/loadavg", Problem::Malformed),
                }
            }
        }
        if self.extended
            && let Some(text) = self.softirqs.read(buffer, notes)
        {
            for (row, line) in lines(text).skip(1).take(32).enumerate() {
                let mut words = fields(line);
                let Some(vector) = words.next().and_then(|w| w.strip_suffix(b":")) else { continue };
                let sum = words.map_while(number).fold(0u64, u64::saturating_add);
                if row == self.vectors.len() {
                    self.vectors
                        .push(out.series(Metric::CpuSoftirqs, &[vector.to_ascii_lowercase().as_slice()]));
                }
                if let Some(series) = self.vectors.get(row) {
                    out.push(*series, sum as f64);
                }
            }
        }
    }

    fn total(&mut self, now: Ticks, out: &mut Sampler) {
        let modes =
            *self.modes.get_or_insert_with(|| MODES.map(|mode| out.series(Metric::CpuUsage, &[mode])));
        if let Some(before) = self.before.replace(now) {
            let spent = spent(&before, &now);
            let sum: u64 = spent.iter().fold(0, |a, b| a.saturating_add(*b));
            if sum > 0 {
                for (series, part) in modes.iter().zip(spent) {
                    out.push(*series, rounded(part as f64 * 100.0 / sum as f64, 2));
                }
            }
        }
    }

    fn core(&mut self, core: u64, now: Ticks, out: &mut Sampler) {
        let Some(known) = self.cores.iter_mut().find(|c| c.number == core) else {
            if self.cores.len() < CORES_MAX {
                let series = out.series(Metric::CpuCoreUsage, &[core.to_string().as_bytes()]);
                self.cores.push(Core { number: core, before: now, series });
            }
            return;
        };
        let spent = spent(&known.before, &now);
        known.before = now;
        let sum: u64 = spent.iter().fold(0, |a, b| a.saturating_add(*b));
        if sum > 0 {
            let idle = spent[IDLE].saturating_add(spent[IOWAIT]);
            out.push(known.series, rounded((sum - idle) as f64 * 100.0 / sum as f64, 2));
        }
    }
}

/// The first eight numbers of a `cpu` line. Old kernels have fewer: the rest is zero. At least the first four must be
/// there. Guest time is part of `user` and `nice` already.
fn ticks<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Ticks> {
    let mut ticks = [0; 8];
    let mut found = 0;
    for (slot, word) in ticks.iter_mut().zip(words) {
        *slot = number(word)?;
        found += 1;
    }
    (found >= 4).then_some(ticks)
}

/// Ticks between two readings. The kernel's iowait and idle may run backwards a little: that counts as zero.
fn spent(before: &Ticks, now: &Ticks) -> Ticks {
    let mut spent = [0; 8];
    for ((slot, now), before) in spent.iter_mut().zip(now).zip(before) {
        *slot = now.saturating_sub(*before);
    }
    spent
}

/// `/proc/pressure/{cpu,memory,io}`.
#[derive(Debug)]
pub(crate) struct Pressure {
    files: [(Source, &'static str, [[Metric; 3]; 2]); 3],
}

impl Pressure {
    pub(crate) fn new(root: &Path) -> Self {
        use Metric::*;
        let file = |name, metrics| (Source::new(root, name), name, metrics);
        Self {
            files: [
                file(
                    "proc/pressure/cpu",
                    [
                        [PressureCpuSomeAvg10, PressureCpuSomeAvg60, PressureCpuSomeTotal],
                        [PressureCpuFullAvg10, PressureCpuFullAvg60, PressureCpuFullTotal],
                    ],
                ),
                file(
                    "proc/pressure/memory",
                    [
                        [PressureMemorySomeAvg10, PressureMemorySomeAvg60, PressureMemorySomeTotal],
                        [PressureMemoryFullAvg10, PressureMemoryFullAvg60, PressureMemoryFullTotal],
                    ],
                ),
                file(
                    "proc/pressure/io",
                    [
                        [PressureIoSomeAvg10, PressureIoSomeAvg60, PressureIoSomeTotal],
                        [PressureIoFullAvg10, PressureIoFullAvg60, PressureIoFullTotal],
                    ],
                ),
            ],
        }
    }

    pub(crate) fn sample(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        for (source, name, metrics) in &mut self.files {
            let Some(text) = source.read(buffer, notes) else { continue };
            for line in lines(text) {
                let mut words = fields(line);
                let [avg10, avg60, total] = match words.next() {
                    Some(b"some") => metrics[0],
                    Some(b"full") => metrics[1],
                    None => continue,
                    Some(_) => {
                        notes.add(name, Problem::Malformed);
                        continue;
                    }
                };
                for word in words {
                    let value = |prefix: &[u8]| word.strip_prefix(prefix);
                    if let Some(text) = value(b"avg10=") {
                        decimal(text)
                            .map_or_else(|| notes.add(name, Problem::Malformed), |v| out.put(avg10, v));
                    } else if let Some(text) = value(b"avg60=") {
                        decimal(text)
                            .map_or_else(|| notes.add(name, Problem::Malformed), |v| out.put(avg60, v));
                    } else if let Some(text) = value(b"total=") {
                        // Microseconds.
                        number(text).map_or_else(
                            || notes.add(name, Problem::Malformed),
                            |v| out.put(total, v as f64 / 1e6),
                        );
                    }
                }
            }
        }
    }
}
