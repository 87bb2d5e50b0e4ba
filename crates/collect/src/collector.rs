//! One cycle of reading: calls the readers in turn and adds the agent's own figures.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use wk_wire::v1::InventoryDelta;

use crate::host::clock::{Clock, KernelClock};
use crate::host::cpu::{Cpu, Pressure};
use crate::host::disk::Disks;
use crate::host::filesystem::Filesystems;
use crate::host::memory::Memory;
use crate::host::net::Interfaces;
use crate::host::processes::Processes;
use crate::host::sensors::Sensors;
use crate::host::socket::Sockets;
use crate::host::systemd::Systemd;
use crate::metrics::Metric;
use crate::note::{Note, Notes, Problem};
use crate::parse::{fields, number};
use crate::sampler::{Sampler, rounded};
use crate::source::Source;

/// What to read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where `/proc`, `/sys`, `/etc`, `/run` are found. Anything but `/` is a fixture tree.
    pub root: PathBuf,
    /// Adds `cpu.core.usage` per processor.
    pub per_core: bool,
    /// Adds the metrics of memory management and protocols that are marked *on demand* in the reference.
    pub extended: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { root: PathBuf::from("/"), per_core: false, extended: false }
    }
}

/// What only the agent knows about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentFigures {
    /// How much later than planned this cycle began.
    pub lateness: Duration,
    /// Size of what waits to be sent.
    pub spool_bytes: u64,
    /// Batches that wait to be sent.
    pub spool_batches: u64,
    /// How long some have been waiting without a break.
    pub spool_age: Duration,
    /// Batches given up since the agent started.
    pub spool_dropped: u64,
}

/// Reads the host's figures. Synchronous; one cycle takes a millisecond or two on an ordinary machine.
#[derive(Debug)]
pub struct Collector {
    cpu: Cpu,
    pressure: Pressure,
    memory: Memory,
    filesystems: Filesystems,
    disks: Disks,
    interfaces: Interfaces,
    sockets: Sockets,
    processes: Processes,
    sensors: Sensors,
    clock: Clock,
    systemd: Systemd,
    own: Source,
    figures: Option<AgentFigures>,
    buffer: Vec<u8>,
    notes: Notes,
    previous: Option<Instant>,
    duration: Option<Duration>,
}

impl Collector {
    /// A collector that has read nothing yet.
    pub fn new(config: &Config) -> Self {
        let root = &config.root;
        Self {
            cpu: Cpu::new(root, config.per_core, config.extended),
            pressure: Pressure::new(root),
            memory: Memory::new(root, config.extended),
            filesystems: Filesystems::new(root),
            disks: Disks::new(root, config.extended),
            interfaces: Interfaces::new(root, config.extended),
            sockets: Sockets::new(root, config.extended),
            processes: Processes::new(root),
            sensors: Sensors::new(root),
            clock: Clock::new(root),
            systemd: Systemd::new(root),
            own: Source::new(root, "proc/self/statm"),
            figures: None,
            buffer: Vec::new(),
            notes: Notes::default(),
            previous: None,
            duration: None,
        }
    }

    /// Sets the agent's own figures for the cycles from now on.
    pub fn set_agent_figures(&mut self, figures: AgentFigures) {
        self.figures = Some(figures);
    }

    /// Hands over what the kernel says of its clock, for the next cycle. Reading it takes a system call without a safe
    /// binding, so the caller does; without it, what synchronises the clock is asked instead.
    pub fn set_kernel_clock(&mut self, told: KernelClock) {
        self.clock.set_kernel(told);
    }

    /// Reads everything once and adds the values to `out`. Figures that need two readings come from the second cycle on.
    pub fn sample(&mut self, out: &mut Sampler) {
        let now = Instant::now();
        let elapsed = self.previous.replace(now).map(|before| now.saturating_duration_since(before));
        self.sample_after(elapsed, out);
        self.duration = Some(now.elapsed());
    }

    /// Like [`Collector::sample`], with the time since the previous cycle given by the caller: for tests on fixtures.
    pub fn sample_after(&mut self, elapsed: Option<Duration>, out: &mut Sampler) {
        let (buffer, notes) = (&mut self.buffer, &mut self.notes);
        self.cpu.sample(buffer, out, notes);
        self.pressure.sample(buffer, out, notes);
        self.memory.sample(buffer, out, notes);
        self.filesystems.sample(buffer, out, notes);
        self.disks.sample(elapsed, buffer, out, notes);
        self.interfaces.sample(buffer, out, notes);
        self.sockets.sample(buffer, out, notes);
        self.processes.sample(out, notes);
        self.sensors.sample(buffer, out, notes);
        self.clock.sample(out);
        self.systemd.sample(out, notes);
        self.sample_self(out);
    }

    /// The processes that used the most since the last call, as the inventory section `top`: call it once a minute.
    /// `observed_ms`: milliseconds since 1970 UTC. `None` until two readings lie a while apart.
    pub fn top(&mut self, observed_ms: i64) -> Option<InventoryDelta> {
        self.processes.top(observed_ms)
    }

    /// Names of the systemd units in state failed when they were last asked for, at most 32.
    pub fn failed_units(&self) -> &[String] {
        self.systemd.failed()
    }

    /// What could not be read since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.notes.take()
    }

    fn sample_self(&mut self, out: &mut Sampler) {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        out.put(Metric::AgentCpuSeconds, rounded(used.tv_sec as f64 + used.tv_nsec as f64 / 1e9, 3));
        if let Some(text) = self.own.read(&mut self.buffer, &mut self.notes) {
            match fields(text).nth(1).and_then(number) {
                Some(pages) => {
                    out.put(Metric::AgentMemoryResident, pages as f64 * rustix::param::page_size() as f64);
                }
                None => self.notes.add("proc/self/statm", Problem::Malformed),
            }
        }
        if let Some(duration) = self.duration {
            out.put(Metric::AgentCollectDuration, rounded(duration.as_secs_f64(), 6));
        }
        if let Some(figures) = self.figures {
            out.put(Metric::AgentCollectLateness, rounded(figures.lateness.as_secs_f64(), 6));
            out.put(Metric::AgentSpoolBytes, figures.spool_bytes as f64);
            out.put(Metric::AgentSpoolBatches, figures.spool_batches as f64);
            out.put(Metric::AgentSpoolAge, rounded(figures.spool_age.as_secs_f64(), 3));
            out.put(Metric::AgentSpoolDropped, figures.spool_dropped as f64);
        }
    }
}
