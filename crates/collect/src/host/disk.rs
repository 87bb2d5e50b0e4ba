//! Disks: `/proc/diskstats`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::devices::Devices;
use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::parse::{fields, lines, number};
use crate::sampler::{Sampler, SeriesRef, rounded};
use crate::source::Source;

/// The kernel counts in sectors of this size whatever the device's own is.
const SECTOR_BYTES: u64 = 512;

const SERIES: [Metric; 11] = [
    Metric::DiskReadOps,
    Metric::DiskReadBytes,
    Metric::DiskReadTime,
    Metric::DiskWriteOps,
    Metric::DiskWriteBytes,
    Metric::DiskWriteTime,
    Metric::DiskInflight,
    Metric::DiskIoTime,
    Metric::DiskUtilisation,
    Metric::DiskLatencyRead,
    Metric::DiskLatencyWrite,
];

/// On demand: metric, column after the device's name, factor to the metric's unit.
const SERIES_EXTENDED: [(Metric, usize, f64); 8] = [
    (Metric::DiskReadMerged, 1, 1.0),
    (Metric::DiskWriteMerged, 5, 1.0),
    (Metric::DiskIoTimeWeighted, 10, 0.001),
    (Metric::DiskDiscardOps, 11, 1.0),
    (Metric::DiskDiscardBytes, 13, SECTOR_BYTES as f64),
    (Metric::DiskDiscardTime, 14, 0.001),
    (Metric::DiskFlushOps, 15, 1.0),
    (Metric::DiskFlushTime, 16, 0.001),
];

#[derive(Debug)]
pub(crate) struct Disks {
    extended: bool,
    source: Source,
    block: PathBuf,
    devices: Devices<Option<Disk>>,
}

#[derive(Debug)]
struct Disk {
    series: [SeriesRef; 11],
    more: Option<[SeriesRef; 8]>,
    before: Option<Figures>,
}

#[derive(Debug, Clone, Copy)]
struct Figures {
    reads: u64,
    read_sectors: u64,
    read_ms: u64,
    writes: u64,
    write_sectors: u64,
    write_ms: u64,
    inflight: u64,
    io_ms: u64,
}

impl Disks {
    pub(crate) fn new(root: &Path, extended: bool) -> Self {
        Self {
            extended,
            source: Source::new(root, "proc/diskstats"),
            block: root.join("sys/block"),
            devices: Devices::default(),
        }
    }

    /// `elapsed`: time since the previous cycle, `None` in the first.
    pub(crate) fn sample(
        &mut self,
        elapsed: Option<Duration>,
        buffer: &mut Vec<u8>,
        out: &mut Sampler,
        notes: &mut Notes,
    ) {
        let Some(text) = self.source.read(buffer, notes) else { return };
        self.devices.rewind();
        for line in lines(text) {
            if line.is_empty() {
                continue;
            }
            let mut words = fields(line);
            let Some(name) = words.nth(2) else {
                notes.add("proc/diskstats", Problem::Malformed);
                continue;
            };
            let (block, extended) = (&self.block, self.extended);
            let Some(known) = self.devices.entry(name, || {
                is_wanted(block, name).then(|| Disk {
                    series: SERIES.map(|m| out.series(m, &[name])),
                    more: extended.then(|| SERIES_EXTENDED.map(|(m, _, _)| out.series(m, &[name]))),
                    before: None,
                })
            }) else {
                notes.add("proc/diskstats", Problem::Cut);
                continue;
            };
            let Some(disk) = known else { continue };
            match columns(words) {
                Some((columns, found)) => {
                    disk.report(figures(&columns), elapsed, out);
                    // Old kernels have fewer columns: what they do not count is left out.
                    for (series, (_, column, factor)) in disk.more.iter().flatten().zip(SERIES_EXTENDED) {
                        if column < found {
                            out.push(*series, columns[column] as f64 * factor);
                        }
                    }
                }
                None => notes.add("proc/diskstats", Problem::Malformed),
            }
        }
    }
}

impl Disk {
    fn report(&mut self, now: Figures, elapsed: Option<Duration>, out: &mut Sampler) {
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let bytes = |sectors: u64| sectors as f64 * SECTOR_BYTES as f64;
        let plain = [
            now.reads as f64,
            bytes(now.read_sectors),
            seconds(now.read_ms),
            now.writes as f64,
            bytes(now.write_sectors),
            seconds(now.write_ms),
            now.inflight as f64,
            seconds(now.io_ms),
        ];
        for (series, value) in self.series.iter().zip(plain) {
            out.push(*series, value);
        }
        let (Some(before), Some(elapsed)) = (self.before.replace(now), elapsed) else { return };
        // Counters that went back belong to another device of the same name: no figures in this cycle.
        if now.reads < before.reads || now.writes < before.writes || elapsed.is_zero() {
            return;
        }
        let [.., utilisation, latency_read, latency_write] = self.series;
        let busy = now.io_ms.saturating_sub(before.io_ms) as f64;
        let share = (busy * 100.0 / (elapsed.as_secs_f64() * 1000.0)).min(100.0);
        out.push(utilisation, rounded(share, 2));
        for (series, ops, ms) in [
            (latency_read, now.reads - before.reads, now.read_ms.saturating_sub(before.read_ms)),
            (latency_write, now.writes - before.writes, now.write_ms.saturating_sub(before.write_ms)),
        ] {
            if ops > 0 {
                out.push(series, rounded(seconds(ms) / ops as f64, 6));
            }
        }
    }
}

/// The numbers after the device's name, and how many there are. The first eleven are as old as the file.
fn columns<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<([u64; 17], usize)> {
    let mut columns = [0; 17];
    let mut found = 0;
    for (slot, word) in columns.iter_mut().zip(words) {
        *slot = number(word)?;
        found += 1;
    }
    (found >= 11).then_some((columns, found))
}

fn figures(columns: &[u64; 17]) -> Figures {
    let [reads, _, read_sectors, read_ms, writes, _, write_sectors, write_ms, inflight, io_ms, ..] = *columns;
    Figures { reads, read_sectors, read_ms, writes, write_sectors, write_ms, inflight, io_ms }
}

fn is_wanted(block: &Path, name: &[u8]) -> bool {
    let numbered = |prefix: &[u8]| {
        name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
    };
    if [&b"loop"[..], b"ram", b"fd", b"sr"].iter().any(|prefix| numbered(prefix)) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(name) else { return false };
    if text.contains("..") {
        return false;
    }
    // Partitions have no folder of their own there. A slash in a device's name is an exclamation mark in sysfs.
    !block.is_dir() || block.join(text.replace('/', "!")).exists()
}
