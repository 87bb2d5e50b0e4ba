//! Memory and swap: `/proc/meminfo`, `/proc/vmstat`.

use std::path::Path;

use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::parse::{fields, lines, number};
use crate::sampler::Sampler;
use crate::source::Source;

/// Keys of `/proc/meminfo` that become a metric as they are.
const MEMINFO: &[(&[u8], Metric)] = &[
    (b"MemTotal", Metric::MemoryTotal),
    (b"MemFree", Metric::MemoryFree),
    (b"Buffers", Metric::MemoryBuffers),
    (b"Cached", Metric::MemoryCached),
    (b"Dirty", Metric::MemoryDirty),
    (b"Shmem", Metric::MemoryShmem),
    (b"Slab", Metric::MemorySlab),
    (b"SwapTotal", Metric::SwapTotal),
    (b"SwapFree", Metric::SwapFree),
];
const MEMINFO_EXTENDED: &[(&[u8], Metric)] = &[
    (b"Active", Metric::MemoryActive),
    (b"Inactive", Metric::MemoryInactive),
    (b"AnonPages", Metric::MemoryAnonymous),
    (b"Mapped", Metric::MemoryMapped),
    (b"Mlocked", Metric::MemoryMlocked),
    (b"Writeback", Metric::MemoryWriteback),
    (b"Committed_AS", Metric::MemoryCommitted),
    (b"CommitLimit", Metric::MemoryCommitLimit),
    (b"SReclaimable", Metric::MemorySlabReclaimable),
    (b"SUnreclaim", Metric::MemorySlabUnreclaimable),
    (b"KernelStack", Metric::MemoryKernelStack),
    (b"PageTables", Metric::MemoryPageTables),
    (b"VmallocUsed", Metric::MemoryVmalloc),
    (b"Percpu", Metric::MemoryPercpu),
    (b"AnonHugePages", Metric::MemoryAnonHugepages),
    (b"HugePages_Total", Metric::MemoryHugepagesTotal),
    (b"HugePages_Free", Metric::MemoryHugepagesFree),
    (b"SwapCached", Metric::SwapCached),
    (b"Unevictable", Metric::MemoryUnevictable),
    (b"Active(anon)", Metric::MemoryActiveAnonymous),
    (b"Inactive(anon)", Metric::MemoryInactiveAnonymous),
    (b"Active(file)", Metric::MemoryActiveFile),
    (b"Inactive(file)", Metric::MemoryInactiveFile),
    (b"KReclaimable", Metric::MemoryKernelReclaimable),
    (b"ShmemHugePages", Metric::MemoryShmemHugepages),
];
/// Keys of `/proc/vmstat`, with the factor to the metric's unit.
const VMSTAT: &[(&[u8], Metric, u64)] = &[
    (b"pswpin", Metric::SwapInPages, 1),
    (b"pswpout", Metric::SwapOutPages, 1),
    (b"pgfault", Metric::PageFaults, 1),
    (b"pgmajfault", Metric::PageFaultsMajor, 1),
];
const VMSTAT_EXTENDED: &[(&[u8], Metric, u64)] = &[
    // The kernel counts these two in KiB.
    (b"pgpgin", Metric::VmPagedIn, 1024),
    (b"pgpgout", Metric::VmPagedOut, 1024),
    (b"pgscan_kswapd", Metric::VmScanBackground, 1),
    (b"pgscan_direct", Metric::VmScanDirect, 1),
    (b"pgsteal_kswapd", Metric::VmStealBackground, 1),
    (b"pgsteal_direct", Metric::VmStealDirect, 1),
    (b"oom_kill", Metric::VmOomKills, 1),
    (b"compact_stall", Metric::VmCompactStalls, 1),
    (b"pgfree", Metric::VmPagesFreed, 1),
    (b"pgactivate", Metric::VmPagesActivated, 1),
    (b"pgdeactivate", Metric::VmPagesDeactivated, 1),
    (b"pgrefill", Metric::VmPagesRefilled, 1),
    (b"slabs_scanned", Metric::VmSlabsScanned, 1),
    (b"pageoutrun", Metric::VmReclaimRuns, 1),
    (b"workingset_refault_file", Metric::VmRefaultsFile, 1),
    (b"workingset_refault_anon", Metric::VmRefaultsAnonymous, 1),
    (b"thp_fault_alloc", Metric::VmHugeFaults, 1),
    (b"thp_fault_fallback", Metric::VmHugeFallbacks, 1),
    (b"compact_fail", Metric::VmCompactFails, 1),
    (b"compact_success", Metric::VmCompactSuccesses, 1),
    (b"drop_pagecache", Metric::VmCacheDrops, 1),
];

#[derive(Debug)]
pub(crate) struct Memory {
    meminfo: Source,
    vmstat: Source,
    extended: bool,
}

impl Memory {
    pub(crate) fn new(root: &Path, extended: bool) -> Self {
        Self {
            meminfo: Source::new(root, "proc/meminfo"),
            vmstat: Source::new(root, "proc/vmstat"),
            extended,
        }
    }

    pub(crate) fn sample(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        if let Some(text) = self.meminfo.read(buffer, notes) {
            let (mut total, mut available, mut reclaimable) = (None, None, 0u64);
            let (mut swap_total, mut swap_free) = (None, None);
            for line in lines(text) {
                let Some((key, value, unit)) = meminfo_line(line) else {
                    if !line.is_empty() {
                        notes.add("proc/meminfo", Problem::Malformed);
                    }
                    continue;
                };
                match key {
                    b"MemTotal" => total = Some(value),
                    b"MemAvailable" => available = Some(value),
                    b"MemFree" | b"Buffers" | b"Cached" => reclaimable = reclaimable.saturating_add(value),
                    b"SwapTotal" => swap_total = Some(value),
                    b"SwapFree" => swap_free = Some(value),
                    _ => {}
                }
                let extended = if self.extended { MEMINFO_EXTENDED } else { &[] };
                if let Some((_, metric)) = MEMINFO.iter().chain(extended).find(|(k, _)| *k == key)
                    // A byte metric must come with a unit: a bare number would be off by a factor of 1024.
                    && (metric.info().unit == "B") == unit
                {
                    out.put(*metric, value as f64);
                }
            }
            if let Some(total) = total {
                // Kernels before 3.14 do not say what is available.
                let available = available.unwrap_or(reclaimable).min(total);
                out.put(Metric::MemoryAvailable, available as f64);
                out.put(Metric::MemoryUsed, (total - available) as f64);
            }
            if let (Some(total), Some(free)) = (swap_total, swap_free) {
                out.put(Metric::SwapUsed, total.saturating_sub(free) as f64);
            }
        }
        if let Some(text) = self.vmstat.read(buffer, notes) {
            for line in lines(text) {
                let Some(space) = line.iter().position(|b| *b == b' ') else { continue };
                let (key, value) = (&line[..space], &line[space + 1..]);
                let extended = if self.extended { VMSTAT_EXTENDED } else { &[] };
                if let Some((_, metric, factor)) = VMSTAT.iter().chain(extended).find(|(k, _, _)| *k == key) {
                    match number(value) {
                        Some(value) => out.put(*metric, value.saturating_mul(*factor) as f64),
                        None => notes.add("proc/vmstat", Problem::Malformed),
                    }
                }
            }
        }
    }
}

/// `MemTotal:  123 kB` as key, value in bytes, and whether there was a unit.
fn meminfo_line(line: &[u8]) -> Option<(&[u8], u64, bool)> {
    let colon = line.iter().position(|b| *b == b':')?;
    let mut words = fields(&line[colon + 1..]);
    let value = number(words.next()?)?;
    match words.next() {
        None => Some((&line[..colon], value, false)),
        Some(b"kB") => Some((&line[..colon], value.checked_mul(1024)?, true)),
        Some(_) => None,
    }
}
