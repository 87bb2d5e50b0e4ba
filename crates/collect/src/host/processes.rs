//! Processes: counts by state each cycle, and once a minute those that use the most.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{AtFlags, Mode, OFlags, RawDir, SeekFrom};
use wk_wire::v1::{InventoryDelta, InventoryItem, Label};

use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::parse::{number, proc_stat};
use crate::sampler::{Sampler, SeriesRef};
use crate::{source, text};

const STATES: [&[u8]; 7] = [b"running", b"sleeping", b"blocked", b"stopped", b"zombie", b"idle", b"other"];
/// Above this many processes they are counted once a minute: each costs three system calls.
const PROCESSES_EACH_CYCLE: usize = 1_000;
const CYCLES_PER_SLOW_READ: u32 = 6;
/// Most processes remembered for the list of top consumers: 32 bytes each, twice.
const REMEMBERED_MAX: usize = 8_192;
/// Entries of the list of top consumers, for processor time and for memory each.
const TOP: usize = 5;

/// Walks the numeric folders of `/proc`. `act` gets the folder's name and its number; false ends the walk.
pub(crate) fn each_process(
    proc: &OwnedFd,
    buffer: &mut [MaybeUninit<u8>],
    mut act: impl FnMut(&CStr, u32) -> bool,
) -> rustix::io::Result<()> {
    rustix::fs::seek(proc, SeekFrom::Start(0))?;
    let mut dir = RawDir::new(proc, buffer);
    while let Some(entry) = dir.next() {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(pid) = number(name.to_bytes()).and_then(|n| u32::try_from(n).ok())
            && !act(name, pid)
        {
            break;
        }
    }
    Ok(())
}

/// Opens the `proc` folder below `root`.
pub(crate) fn open_proc(root: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(root.join("proc"), OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Reads `/proc/<pid>/<file>` into `into`; gives what was read. A process that is gone gives `None`.
pub(crate) fn read_of<'b>(proc: &OwnedFd, pid: &CStr, file: &str, into: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut path = [0u8; 48];
    let (pid, file) = (pid.to_bytes(), file.as_bytes());
    let len = pid.len() + 1 + file.len();
    let slot = path.get_mut(..len)?;
    slot[..pid.len()].copy_from_slice(pid);
    slot[pid.len()] = b'/';
    slot[pid.len() + 1..].copy_from_slice(file);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fd = rustix::fs::openat(proc, &path[..len], flags, Mode::empty()).ok()?;
    let mut filled = 0;
    while filled < into.len() {
        match rustix::io::read(&fd, &mut into[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    Some(&into[..filled])
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    pid: u32,
    start: u64,
    ticks: u64,
    rss_pages: u64,
}

pub(crate) struct Processes {
    root: PathBuf,
    proc: Option<OwnedFd>,
    dir_buffer: Vec<MaybeUninit<u8>>,
    series: Option<[SeriesRef; 7]>,
    cycle: u32,
    count: usize,
    now: Vec<Seen>,
    now_at: Option<Instant>,
    /// As it was when the list of top consumers was last made.
    before: Vec<Seen>,
    before_at: Option<Instant>,
}

impl std::fmt::Debug for Processes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processes").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Processes {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            proc: None,
            dir_buffer: vec![MaybeUninit::uninit(); 4096],
            series: None,
            cycle: 0,
            count: 0,
            now: Vec::new(),
            now_at: None,
            before: Vec::new(),
            before_at: None,
        }
    }

    pub(crate) fn sample(&mut self, out: &mut Sampler, notes: &mut Notes) {
        let due = self.count <= PROCESSES_EACH_CYCLE || self.cycle.is_multiple_of(CYCLES_PER_SLOW_READ);
        self.cycle = self.cycle.wrapping_add(1);
        if !due {
            return;
        }
        if self.proc.is_none() {
            self.proc = open_proc(&self.root).ok();
        }
        let Some(proc) = &self.proc else {
            notes.add("proc", Problem::Unreadable);
            return;
        };
        let mut states = [0u64; 7];
        let (mut count, mut threads) = (0usize, 0u64);
        let mut small = [0u8; 512];
        let seen = &mut self.now;
        seen.clear();
        let walked = each_process(proc, &mut self.dir_buffer, |name, pid| {
            // Gone between the listing and the reading: no longer a process.
            let Some(text) = read_of(proc, name, "stat", &mut small) else { return true };
            let Some(stat) = proc_stat(text) else {
                notes.add("proc/<pid>/stat", Problem::Malformed);
                return true;
            };
            count += 1;
            threads = threads.saturating_add(stat.threads);
            let state = match stat.state {
                b'R' => 0,
                b'S' => 1,
                b'D' => 2,
                b'T' | b't' => 3,
                b'Z' => 4,
                b'I' => 5,
                _ => 6,
            };
            states[state] += 1;
            if seen.len() < REMEMBERED_MAX {
                seen.push(Seen {
                    pid,
                    start: stat.start_ticks,
                    ticks: stat.cpu_ticks,
                    rss_pages: stat.rss_pages,
                });
            }
            true
        });
        if walked.is_err() {
            notes.add("proc", Problem::Unreadable);
            self.proc = None;
            return;
        }
        self.count = count;
        self.now_at = Some(Instant::now());
        out.put(Metric::ProcessesTotal, count as f64);
        out.put(Metric::ProcessesThreads, threads as f64);
        let series = *self
            .series
            .get_or_insert_with(|| STATES.map(|state| out.series(Metric::ProcessesState, &[state])));
        for (series, value) in series.iter().zip(states) {
            out.push(*series, value as f64);
        }
    }

    /// The top consumers since the last call, as the section `top`: `cpu.1` to `cpu.5` by processor time,
    /// `memory.1` to `memory.5` by resident memory. `None` before two readings.
    pub(crate) fn top(&mut self, observed_ms: i64) -> Option<InventoryDelta> {
        let now_at = self.now_at?;
        let before_at = self.before_at.replace(now_at);
        self.now.sort_unstable_by_key(|p| p.pid);
        let span =
            before_at.and_then(|before| now_at.checked_duration_since(before)).filter(|s| !s.is_zero());
        let Some(span) = span else {
            self.before.clone_from(&self.now);
            return None;
        };
        let hz = rustix::param::clock_ticks_per_second() as f64;
        let mut used: Vec<(u64, Seen)> = Vec::with_capacity(self.now.len());
        for process in &self.now {
            let known =
                self.before.binary_search_by_key(&process.pid, |p| p.pid).ok().map(|at| self.before[at]);
            // A process that was not there before used all its time within the span. A reused pid shows by its start.
            let earlier = known.filter(|k| k.start == process.start).map_or(0, |k| k.ticks);
            used.push((process.ticks.saturating_sub(earlier), *process));
        }
        let users = self.users();
        let mut items = Vec::with_capacity(2 * TOP);
        let share = |ticks: u64| ticks as f64 / hz * 100.0 / span.as_secs_f64();
        used.sort_unstable_by_key(|(ticks, p)| (std::cmp::Reverse(*ticks), p.pid));
        for (rank, (ticks, process)) in used.iter().filter(|(t, _)| *t > 0).take(TOP).enumerate() {
            items.extend(self.top_item(format!("cpu.{}", rank + 1), process, share(*ticks), &users));
        }
        used.sort_unstable_by_key(|(_, p)| (std::cmp::Reverse(p.rss_pages), p.pid));
        for (rank, (ticks, process)) in used.iter().filter(|(_, p)| p.rss_pages > 0).take(TOP).enumerate() {
            items.extend(self.top_item(format!("memory.{}", rank + 1), process, share(*ticks), &users));
        }
        self.before.clone_from(&self.now);
        Some(InventoryDelta { section: "top".into(), full: true, items, removed: Vec::new(), observed_ms })
    }

    fn users(&self) -> Vec<u8> {
        source::read_small(&self.root.join("etc/passwd"), 256 << 10).unwrap_or_default()
    }

    fn top_item(&self, key: String, process: &Seen, cpu: f64, users: &[u8]) -> Option<InventoryItem> {
        let proc = self.proc.as_ref()?;
        let pid = std::ffi::CString::new(process.pid.to_string()).ok()?;
        let mut small = [0u8; 512];
        // Gone in the meantime: what it used is still told.
        let name = read_of(proc, &pid, "stat", &mut small)
            .and_then(|t| proc_stat(t).map(|s| text::field(s.comm)))
            .unwrap_or_default();
        let uid = rustix::fs::statat(proc, &*pid, AtFlags::empty()).ok().map(|s| s.st_uid);
        let user = uid.map(|uid| crate::inventory::accounts::user_name(users, uid)).unwrap_or_default();
        let rss = process.rss_pages.saturating_mul(rustix::param::page_size() as u64);
        let label = |name: &str, value: String| Label { name: name.to_owned(), value };
        Some(InventoryItem {
            key,
            fields: vec![
                label("pid", process.pid.to_string()),
                label("name", name),
                label("user", user),
                label("cpu_percent", format!("{cpu:.1}")),
                label("rss_bytes", rss.to_string()),
            ],
        })
    }
}
