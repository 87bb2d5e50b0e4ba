//! Host-like data for the bench and for comparing with peers: what an agent of ours sends every ten seconds.
//!
//! Made up, but shaped like the real thing: a third of a host's series never change, memory moves in pages, disks count
//! sectors, percentages have two digits after the point, times go down to the microsecond, counters grow with the host's
//! load, and load has quiet hours and bursts. The same seed gives the same data on every machine. It is meant to be no
//! easier than what a busy machine's collectors give: compare with a record of one (`--recorded` of the bench).

use wk_domain::HostId;
use wk_engine::ports::metrics::{SeriesKey, SeriesMeta};

/// Milliseconds between two samples of a series.
pub const STEP_MS: i64 = 10_000;
/// Series per host.
pub const PER_HOST: usize = 400;

/// xorshift64*: quick, and good enough to be noise.
#[derive(Debug, Clone)]
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, mean 0, deviation 1: the sum of four uniform ones.
    fn bell(&mut self) -> f64 {
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.732
    }

    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

/// How one series moves.
#[derive(Debug, Clone)]
enum Shape {
    /// Never changes.
    Fixed,
    /// Changes to a neighbouring whole number with this chance per step.
    Seldom { chance: f64 },
    /// A share in percent that follows load, with this many digits.
    Percent { share: f64, spread: f64, digits: i32 },
    /// An average that moves slowly towards load, two digits.
    Average { memory: f64, scale: f64 },
    /// Pressure: zero unless the host is busy.
    Pressure { above: f64 },
    /// Bytes in whole units that wander by about `pages` units a step.
    Pages { unit: f64, pages: f64, active: f64 },
    /// A counter: `rate` a second at full load, in whole units, noise relative to the rate; quiet with chance `idle`.
    Counter { rate: f64, unit: f64, noise: f64, idle: f64 },
    /// Grows by exactly the time that passes.
    Uptime,
    /// A small whole number around a level.
    Few { spread: f64 },
    /// A time in milliseconds with three digits.
    Millis { typical: f64, spread: f64 },
    /// Degrees in steps of a half or a whole.
    Degrees { step: f64 },
}

#[derive(Debug, Clone)]
struct One {
    shape: Shape,
    value: f64,
}

#[derive(Debug, Clone)]
struct Host {
    noise: Noise,
    load: f64,
    burst: u32,
    offset_ms: i64,
    series: Vec<One>,
}

/// Name, label, whether a counter, unit.
type Name = (String, Option<(&'static str, String)>, bool, &'static str);

/// A fleet of hosts that all behave alike and yet differ.
#[derive(Debug, Clone)]
pub struct Fleet {
    hosts: Vec<Host>,
    names: Vec<Name>,
    step: u64,
}

struct Plan {
    names: Vec<Name>,
    shapes: Vec<(Shape, f64)>,
}

impl Plan {
    fn add(
        &mut self,
        name: &str,
        label: Option<(&'static str, String)>,
        unit: &'static str,
        shape: Shape,
        start: f64,
    ) {
        let counter = matches!(shape, Shape::Counter { .. });
        self.names.push((name.to_owned(), label, counter, unit));
        self.shapes.push((shape, start));
    }
}

fn plan() -> Plan {
    use Shape::{Average, Counter, Degrees, Few, Fixed, Millis, Pages, Percent, Pressure, Seldom, Uptime};
    let mut p = Plan { names: Vec::new(), shapes: Vec::new() };
    for (mode, share, spread) in [
        ("user", 0.5, 3.0),
        ("system", 0.2, 1.2),
        ("iowait", 0.05, 0.6),
        ("irq", 0.0, 0.05),
        ("softirq", 0.02, 0.2),
        ("steal", 0.0, 0.02),
        ("nice", 0.0, 0.0),
        ("idle", -0.75, 4.0),
    ] {
        let shape = if spread == 0.0 { Fixed } else { Percent { share, spread, digits: 2 } };
        p.add(&format!("cpu.{mode}"), None, "%", shape, if share < 0.0 { 98.0 } else { 0.0 });
    }
    for core in 0..8 {
        for (mode, share, spread) in [("user", 0.5, 5.0), ("system", 0.2, 2.0), ("iowait", 0.03, 0.7)] {
            let label = Some(("core", core.to_string()));
            p.add(&format!("cpu.core.{mode}"), label, "%", Percent { share, spread, digits: 2 }, 0.0);
        }
    }
    for (name, memory) in [("load.1", 0.85), ("load.5", 0.967), ("load.15", 0.989)] {
        p.add(name, None, "1", Average { memory, scale: 6.0 }, 0.5);
    }
    for kind in ["cpu", "memory", "io"] {
        for degree in ["some", "full"] {
            for span in ["10", "60", "300"] {
                let above = if kind == "cpu" { 0.4 } else { 0.75 };
                p.add(&format!("pressure.{kind}.{degree}.avg{span}"), None, "%", Pressure { above }, 0.0);
            }
            let idle = match kind {
                "cpu" => 0.0,
                "io" => 0.1,
                _ => 0.6,
            };
            let shape = Counter { rate: 9_000.0, unit: 1.0, noise: 0.5, idle };
            p.add(&format!("pressure.{kind}.{degree}.total"), None, "us", shape, 1e7);
        }
    }
    for (name, start, pages, active) in [
        ("total", 8_388_000.0, 0.0, 0.0),
        ("free", 300_000.0, 300.0, 0.95),
        ("available", 5_000_000.0, 250.0, 0.95),
        ("buffers", 60_000.0, 2.0, 0.3),
        ("cached", 4_000_000.0, 60.0, 0.7),
        ("active", 2_000_000.0, 80.0, 0.8),
        ("inactive", 3_000_000.0, 80.0, 0.8),
        ("anon", 1_500_000.0, 150.0, 0.9),
        ("mapped", 200_000.0, 5.0, 0.3),
        ("shmem", 20_000.0, 1.0, 0.05),
        ("slab", 150_000.0, 8.0, 0.6),
        ("slab.reclaimable", 100_000.0, 6.0, 0.5),
        ("slab.unreclaimable", 50_000.0, 3.0, 0.5),
        ("kernel_stack", 4_000.0, 1.0, 0.3),
        ("page_tables", 9_000.0, 2.0, 0.3),
        ("dirty", 300.0, 60.0, 0.9),
        ("writeback", 0.0, 0.0, 0.0),
        ("committed", 3_000_000.0, 200.0, 0.5),
        ("commit_limit", 4_194_000.0, 0.0, 0.0),
        ("vmalloc", 12_000.0, 1.0, 0.02),
        ("percpu", 2_500.0, 0.0, 0.0),
        ("hugepages", 0.0, 0.0, 0.0),
        ("unevictable", 8.0, 0.0, 0.0),
        ("mlocked", 8.0, 0.0, 0.0),
    ] {
        let shape = if pages == 0.0 { Fixed } else { Pages { unit: 4096.0, pages, active } };
        p.add(&format!("memory.{name}"), None, "B", shape, start * 4096.0);
    }
    p.add("memory.used_share", None, "%", Percent { share: 0.02, spread: 0.05, digits: 2 }, 38.0);
    for name in ["total", "used", "in", "out"] {
        p.add(&format!("swap.{name}"), None, "B", Fixed, 0.0);
    }
    for (name, rate, idle) in [
        ("pgfault", 4_000.0, 0.0),
        ("pgmajfault", 0.3, 0.9),
        ("pgpgin", 90.0, 0.6),
        ("pgpgout", 600.0, 0.1),
        ("pgalloc", 5_000.0, 0.0),
        ("pgfree", 5_000.0, 0.0),
        ("pgscan", 40.0, 0.97),
        ("pgsteal", 40.0, 0.97),
        ("pswpin", 0.0, 1.0),
        ("pswpout", 0.0, 1.0),
        ("oom_kill", 0.0, 1.0),
        ("numa_hit", 5_000.0, 0.0),
        ("numa_miss", 0.0, 1.0),
        ("thp_fault", 1.0, 0.6),
        ("compact", 0.0, 1.0),
        ("allocstall", 0.0, 1.0),
        ("drop_slab", 0.0, 1.0),
        ("workingset", 2.0, 0.9),
    ] {
        p.add(&format!("vm.{name}"), None, "1", Counter { rate, unit: 1.0, noise: 0.4, idle }, 1e6);
    }
    for (i, mount) in ["/", "/boot", "/home", "/srv", "/tmp", "/var"].into_iter().enumerate() {
        let label = || Some(("mount", mount.to_owned()));
        let active = [0.25, 0.0, 0.02, 0.3, 0.15, 0.7][i];
        let size = 4096.0 * 5_000_000.0;
        p.add("filesystem.size", label(), "B", Fixed, size);
        for name in ["used", "free", "available"] {
            p.add(
                &format!("filesystem.{name}"),
                label(),
                "B",
                Pages { unit: 4096.0, pages: 12.0, active },
                size / 3.0,
            );
        }
        p.add("filesystem.inodes", label(), "1", Fixed, 1_310_720.0);
        p.add("filesystem.inodes_used", label(), "1", Seldom { chance: active * 0.4 }, 200_000.0);
        p.add("filesystem.readonly", label(), "1", Fixed, 0.0);
    }
    for (i, disk) in ["sda", "sdb", "sdc", "sr0"].into_iter().enumerate() {
        let label = || Some(("disk", disk.to_owned()));
        let idle = [0.0, 0.3, 0.95, 1.0][i];
        for (name, rate, unit) in [
            ("read.ops", 12.0, 1.0),
            ("write.ops", 60.0, 1.0),
            ("read.bytes", 400_000.0, 4096.0),
            ("write.bytes", 1_500_000.0, 4096.0),
            ("read.time", 9.0, 1.0),
            ("write.time", 70.0, 1.0),
            ("busy.time", 40.0, 1.0),
        ] {
            let idle = if name.starts_with("read") { f64::max(idle, 0.4) } else { idle };
            p.add(
                &format!("disk.{name}"),
                label(),
                "1",
                Counter { rate, unit, noise: 0.6, idle },
                unit * 1e6,
            );
        }
        let quiet = idle >= 0.95;
        p.add(
            "disk.utilisation",
            label(),
            "%",
            if quiet { Fixed } else { Percent { share: 0.05, spread: 0.8, digits: 2 } },
            0.0,
        );
        p.add(
            "disk.latency",
            label(),
            "ms",
            if quiet { Fixed } else { Millis { typical: 0.8, spread: 0.4 } },
            0.0,
        );
    }
    for (i, interface) in ["eth0", "eth1", "lo", "docker0"].into_iter().enumerate() {
        let label = || Some(("interface", interface.to_owned()));
        let idle = [0.0, 0.5, 0.2, 1.0][i];
        for (name, rate) in
            [("rx.bytes", 180_000.0), ("tx.bytes", 240_000.0), ("rx.packets", 260.0), ("tx.packets", 300.0)]
        {
            p.add(
                &format!("interface.{name}"),
                label(),
                "1",
                Counter { rate, unit: 1.0, noise: 0.5, idle },
                1e8,
            );
        }
        for name in ["rx.errors", "tx.errors", "rx.drops", "tx.drops"] {
            let idle = if name == "rx.drops" && i == 0 { 0.99 } else { 1.0 };
            p.add(
                &format!("interface.{name}"),
                label(),
                "1",
                Counter { rate: 0.1, unit: 1.0, noise: 0.5, idle },
                0.0,
            );
        }
    }
    for (state, spread) in [
        ("established", 6.0),
        ("time_wait", 9.0),
        ("close_wait", 0.3),
        ("fin_wait1", 0.2),
        ("fin_wait2", 0.4),
        ("syn_sent", 0.1),
        ("syn_recv", 0.1),
        ("last_ack", 0.1),
        ("closing", 0.0),
        ("close", 0.0),
        ("listen", 0.0),
    ] {
        let shape = if spread == 0.0 { Fixed } else { Few { spread } };
        p.add(&format!("tcp.{state}"), None, "1", shape, f64::ceil(spread * 8.0));
    }
    for (name, spread) in [
        ("used", 7.0),
        ("tcp", 5.0),
        ("udp", 0.1),
        ("raw", 0.0),
        ("frag", 0.0),
        ("unix", 1.5),
        ("orphan", 0.3),
        ("memory", 3.0),
    ] {
        let shape = if spread == 0.0 { Fixed } else { Few { spread } };
        p.add(&format!("socket.{name}"), None, "1", shape, f64::ceil(spread * 30.0));
    }
    for (name, rate, idle) in [
        ("in", 260.0, 0.0),
        ("out", 300.0, 0.0),
        ("retransmitted", 0.2, 0.7),
        ("active_opens", 2.0, 0.1),
        ("passive_opens", 3.0, 0.1),
        ("resets_sent", 0.2, 0.6),
        ("resets_received", 0.1, 0.8),
        ("errors", 0.0, 1.0),
        ("udp.in", 4.0, 0.2),
        ("udp.out", 4.0, 0.2),
        ("udp.errors", 0.0, 1.0),
        ("icmp.in", 0.2, 0.5),
        ("icmp.out", 0.2, 0.5),
        ("ip.forwarded", 0.0, 1.0),
    ] {
        p.add(&format!("net.{name}"), None, "1", Counter { rate, unit: 1.0, noise: 0.5, idle }, 1e6);
    }
    for (name, spread) in [
        ("running", 1.2),
        ("blocked", 0.2),
        ("sleeping", 1.5),
        ("zombie", 0.0),
        ("total", 1.5),
        ("threads", 3.0),
    ] {
        let shape = if spread == 0.0 { Fixed } else { Few { spread } };
        p.add(&format!("process.{name}"), None, "1", shape, f64::ceil(spread * 60.0));
    }
    for (name, rate) in
        [("forks", 4.0), ("context_switches", 5_000.0), ("interrupts", 3_000.0), ("softirqs", 2_000.0)]
    {
        p.add(&format!("kernel.{name}"), None, "1", Counter { rate, unit: 1.0, noise: 0.3, idle: 0.0 }, 1e8);
    }
    for rank in 0..10 {
        let label = || Some(("rank", rank.to_string()));
        let spread = if rank < 3 { 2.0 } else { 0.15 };
        p.add("top.cpu", label(), "%", Percent { share: 0.1 / f64::from(rank + 1), spread, digits: 1 }, 0.0);
        p.add(
            "top.memory",
            label(),
            "B",
            Pages { unit: 4096.0, pages: 20.0, active: if rank < 4 { 0.6 } else { 0.08 } },
            4096.0 * 40_000.0,
        );
    }
    p.add("files.open", None, "1", Few { spread: 20.0 }, 2_400.0);
    p.add("files.max", None, "1", Fixed, 9_223_372_036_854_775_807.0);
    p.add("entropy", None, "1", Fixed, 256.0);
    p.add("uptime", None, "s", Uptime, 86_400.0);
    p.add("clock.offset", None, "ms", Millis { typical: 0.2, spread: 0.05 }, 0.0);
    p.add("clock.synchronised", None, "1", Fixed, 1.0);
    for sensor in 0..8 {
        let step = if sensor < 4 { 1.0 } else { 0.5 };
        p.add("temperature", Some(("sensor", sensor.to_string())), "C", Degrees { step }, 45.0);
    }
    for unit in 0..10 {
        p.add("unit.state", Some(("unit", format!("service-{unit}.service"))), "1", Fixed, 1.0);
    }
    for check in 0..12 {
        p.add("check.status", Some(("check", check.to_string())), "1", Seldom { chance: 0.0005 }, 0.0);
        p.add(
            "check.duration",
            Some(("check", check.to_string())),
            "ms",
            Millis { typical: 12.0, spread: 2.0 },
            0.0,
        );
    }
    p.add("agent.cpu", None, "ms", Counter { rate: 1.0, unit: 1.0, noise: 0.1, idle: 0.0 }, 1e4);
    p.add("agent.memory", None, "B", Pages { unit: 4096.0, pages: 1.0, active: 0.05 }, 8e6);
    p.add("agent.spool", None, "1", Fixed, 0.0);
    p.add("agent.lateness", None, "ms", Millis { typical: 1.0, spread: 0.4 }, 0.0);
    p
}

fn round(value: f64, digits: i32) -> f64 {
    let power = 10f64.powi(digits);
    (value * power).round() / power
}

impl One {
    fn step(&mut self, load: f64, noise: &mut Noise) -> f64 {
        match &self.shape {
            Shape::Fixed => {}
            Shape::Seldom { chance } => {
                if noise.chance(*chance) {
                    self.value = (self.value + noise.bell().round()).max(0.0);
                }
            }
            Shape::Percent { share, spread, digits } => {
                let base = if self.value > 30.0 || *share < 0.0 { 98.0 } else { 0.0 };
                let base = if *share > 0.0 && self.value > 30.0 && *spread < 0.1 { 38.0 } else { base };
                let value = base + share * load * 60.0 + spread * noise.bell() * (0.15 + load);
                return round(value.clamp(0.0, 100.0), *digits);
            }
            Shape::Average { memory, scale } => {
                self.value = self.value * memory + (1.0 - memory) * (load * scale + noise.bell().abs() * 0.3);
                return round(self.value, 2);
            }
            Shape::Pressure { above } => {
                let now = if load > *above { (load - above) * 30.0 * noise.unit() } else { 0.0 };
                self.value = self.value * 0.6 + now * 0.4;
                return round(if self.value < 0.005 { 0.0 } else { self.value }, 2);
            }
            Shape::Pages { unit, pages, active } => {
                if noise.chance(*active) {
                    let by = (noise.bell() * pages * (0.3 + load)).round() * unit;
                    self.value = (self.value + by).max(*unit);
                }
            }
            Shape::Counter { rate, unit, noise: spread, idle } => {
                if *idle < 1.0 && !noise.chance(*idle) {
                    let grown = rate * 10.0 * (0.05 + load) * (1.0 + spread * noise.bell()).max(0.0) / unit;
                    self.value += grown.round() * unit;
                }
            }
            Shape::Uptime => self.value += 10.0,
            Shape::Few { spread } => {
                return (self.value * (0.8 + 0.4 * load) + spread * noise.bell() * 0.7).round().max(0.0);
            }
            Shape::Millis { typical, spread } => {
                return round((typical + spread * noise.bell() * (0.5 + load)).max(0.01), 3);
            }
            Shape::Degrees { step } => {
                let target = 40.0 + 25.0 * load;
                self.value += (target - self.value) * 0.05 + noise.bell() * 0.15;
                return (self.value / step).round() * step;
            }
        }
        self.value
    }
}

impl Fleet {
    /// `hosts` hosts of [`PER_HOST`] series each.
    pub fn new(hosts: usize, seed: u64) -> Self {
        let mut plan = plan();
        // The protocols' many counters: some stand still, some move now and then, some all the time.
        while plan.names.len() < PER_HOST {
            let n = plan.names.len();
            let idle = [0.0, 0.3, 0.0, 0.0, 0.5, 1.0][n % 6];
            let shape = Shape::Counter { rate: [0.5, 8.0, 60.0, 900.0][n % 4], unit: 1.0, noise: 0.5, idle };
            plan.add("ip.counter", Some(("counter", n.to_string())), "1", shape, 1e6);
        }
        plan.names.truncate(PER_HOST);
        plan.shapes.truncate(PER_HOST);
        let hosts = (0..hosts)
            .map(|h| {
                let mut noise =
                    Noise(seed.wrapping_add(h as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
                let series = plan
                    .shapes
                    .iter()
                    .map(|(shape, start)| One {
                        shape: shape.clone(),
                        value: match shape {
                            Shape::Pages { unit, .. } => (start * (0.5 + noise.unit()) / unit).round() * unit,
                            Shape::Counter { unit, .. } => {
                                (start * noise.unit() * 10.0 / unit).round() * unit
                            }
                            _ => *start,
                        },
                    })
                    .collect();
                Host {
                    load: 0.1 + 0.4 * noise.unit(),
                    burst: 0,
                    offset_ms: (noise.next() % 10_000) as i64,
                    noise,
                    series,
                }
            })
            .collect();
        Self { hosts, names: plan.names, step: 0 }
    }

    /// Host `h`'s id, the same in every run.
    pub fn host_id(h: usize) -> HostId {
        let mut random = [0u8; 10];
        random[..8].copy_from_slice(&(h as u64).to_be_bytes());
        HostId::new(1_700_000_000_000, random)
    }

    /// What the series are, host by host.
    pub fn metas(&self) -> Vec<SeriesMeta> {
        (0..self.hosts.len())
            .flat_map(|h| {
                self.names.iter().map(move |(name, label, counter, unit)| SeriesMeta {
                    key: SeriesKey {
                        host: Self::host_id(h),
                        name: name.clone(),
                        labels: label.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
                    },
                    unit: (*unit).to_owned(),
                    counter: *counter,
                })
            })
            .collect()
    }

    /// One scrape of every host: its time (milliseconds after the first scrape) and its values go to `times` (one per
    /// host) and `values` (one per series).
    pub fn step(&mut self, times: &mut Vec<i64>, values: &mut Vec<f64>) {
        let day = (self.step % 8_640) as f64 / 8_640.0;
        for host in &mut self.hosts {
            if host.burst == 0 && host.noise.chance(0.002) {
                host.burst = 6 + (host.noise.next() % 60) as u32;
            }
            let quiet = 0.25 + 0.2 * (std::f64::consts::TAU * (day - 0.3)).sin();
            let target = if host.burst > 0 { 0.9 } else { quiet };
            host.burst = host.burst.saturating_sub(1);
            host.load = (host.load * 0.9 + target * 0.1 + host.noise.bell() * 0.01).clamp(0.0, 1.0);
            // A timer is a millisecond or two late now and then.
            let late = [0, 0, 0, 0, 1, 1, 2][(host.noise.next() % 7) as usize];
            times.push(self.step as i64 * STEP_MS + host.offset_ms + late);
            let load = host.load;
            for one in &mut host.series {
                values.push(one.step(load, &mut host.noise));
            }
        }
        self.step += 1;
    }
}
