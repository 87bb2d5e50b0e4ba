//! The checks that exist without configuration, judged by the server from the samples of the host's own agent.
//!
//! Each rule turns the latest values of a host into results, one for each filesystem, certificate and so on. A rule whose
//! measurements are not there finds nothing: silence is judged by freshness, not here. Whether the agent is connected
//! ([`crate::CheckKind::Alive`]) is not judged here either. Retries before a page are the state machine's matter.

use std::time::Duration;

use crate::name::key_matches;
use crate::perfdata::PerfMetric;
use crate::text::{bytes, clean_line, span};
use crate::threshold::{self, Range};
use crate::{ResultReason, Status, Timestamp};

/// Label names and values of one series.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// What a host last reported. Values that are too old to count are not there.
pub trait HostView {
    /// Our clock.
    fn now(&self) -> Timestamp;
    /// The latest value of the series with exactly these labels, in any order.
    fn value(&self, name: &str, labels: Labels<'_>) -> Option<f64>;
    /// Calls `visit` with the labels of every series of that name.
    fn each_label_set(&self, name: &str, visit: &mut dyn FnMut(Labels<'_>));
    /// Mean over the last `window`. A view without history gives the latest value.
    fn average(&self, name: &str, labels: Labels<'_>, window: Duration) -> Option<f64> {
        let _ = window;
        self.value(name, labels)
    }
    /// Lowest value over the last `window`. A view without history gives the latest value.
    fn minimum(&self, name: &str, labels: Labels<'_>, window: Duration) -> Option<f64> {
        let _ = window;
        self.value(name, labels)
    }
    /// Growth per second of a counter over the last `window`, restarts left out. A view without history gives none.
    fn rate(&self, name: &str, labels: Labels<'_>, window: Duration) -> Option<f64> {
        let _ = (name, labels, window);
        None
    }
    /// Whether the filesystem there was ever seen writable: only then is read-only a fault.
    fn seen_writable(&self, mount: &str) -> bool {
        let _ = mount;
        false
    }
    /// Names of failed systemd units, as far as they are known.
    fn failed_units(&self) -> Vec<String> {
        Vec::new()
    }
    /// The certificates this host stands on: its agent's, and the server's own on the server's host.
    fn certificates(&self) -> Vec<CertificateView> {
        Vec::new()
    }
}

/// A certificate's span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateView {
    /// For people: `agent`, `hub`, `console`.
    pub name: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltinResult {
    /// Stable: `disk:/var`.
    pub key: String,
    /// For people: `Disk /var`.
    pub title: String,
    pub status: Status,
    pub reason: Option<ResultReason>,
    pub output: String,
    pub metrics: Vec<PerfMetric>,
}

/// Warning and critical ranges for the main value of a check, in the unit its [`Measure`] names.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Levels {
    pub warn: Option<Range>,
    pub crit: Option<Range>,
}

/// Why a text is not a pair of thresholds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    #[error("write WARNING;CRITICAL, each a range such as 80 or 10: or ~:5, or nothing for never")]
    Form,
    #[error("`{text}`: {error}")]
    Range { text: String, error: threshold::RangeError },
}

impl std::str::FromStr for Levels {
    type Err = LevelsError;

    /// `80;90`: the plugin guideline's ranges, warning first; an empty one never alerts.
    fn from_str(raw: &str) -> Result<Self, LevelsError> {
        let (warn, crit) = raw.split_once(';').ok_or(LevelsError::Form)?;
        let range = |text: &str| {
            let text = text.trim();
            let parsed = (!text.is_empty()).then(|| text.parse::<Range>()).transpose();
            parsed.map_err(|error| LevelsError::Range { text: clean_line(text, 60), error })
        };
        Ok(Self { warn: range(warn)?, crit: range(crit)? })
    }
}

/// Thresholds somebody chose, by pattern over check keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    overrides: Vec<(String, Levels)>,
}

/// A custom field of a host with this in front of a check's key, such as `threshold.disk:/var`, chooses its thresholds.
pub const THRESHOLD_FIELD: &str = "threshold.";

impl Thresholds {
    /// The thresholds that a host's custom fields choose. Fields that make no sense are left out: whoever writes them is
    /// told, see [`Self::check_field`].
    pub fn of_fields(fields: &[(String, String)]) -> Self {
        let mut thresholds = Self::default();
        for (name, value) in fields {
            if let Some(pattern) = name.strip_prefix(THRESHOLD_FIELD)
                && let Ok(levels) = value.parse()
            {
                thresholds.set(pattern, levels);
            }
        }
        thresholds
    }

    /// Whether a custom field that chooses thresholds makes sense; any other does.
    ///
    /// # Errors
    /// [`LevelsError`].
    pub fn check_field(name: &str, value: &str) -> Result<(), LevelsError> {
        match name.strip_prefix(THRESHOLD_FIELD) {
            Some(_) => value.parse::<Levels>().map(drop),
            None => Ok(()),
        }
    }

    /// Replaces the defaults for checks whose key matches, such as `disk:*` or `disk:/var`.
    pub fn set(&mut self, pattern: impl Into<String>, levels: Levels) {
        self.overrides.push((pattern.into(), levels));
    }

    /// The levels of the most specific pattern that matches: the one with most characters that are not wildcards, the
    /// later of two alike.
    pub fn levels(&self, key: &str) -> Option<Levels> {
        let literal = |pattern: &str| pattern.bytes().filter(|b| !matches!(b, b'*' | b'?')).count();
        let matching = self.overrides.iter().filter(|(pattern, _)| key_matches(pattern, key));
        matching.max_by_key(|(pattern, _)| literal(pattern)).map(|(_, levels)| *levels)
    }

    fn or(&self, key: &str, measure: &Measure) -> Levels {
        self.levels(key).unwrap_or(Levels { warn: Some(measure.warn), crit: Some(measure.crit) })
    }
}

/// A default threshold and its reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// Which checks it is for.
    pub key: &'static str,
    /// The value that is compared, with its unit: what an override replaces the ranges of.
    pub what: &'static str,
    pub warn: Range,
    pub crit: Range,
    pub why: &'static str,
}

pub const DISK: Measure = Measure {
    key: "disk:*",
    what: "space used of what users may use, %",
    warn: Range::at_most(85.0),
    crit: Range::at_most(93.0),
    why: "Holds up to 20 GiB. Above that the free share asked for shrinks with the size to the power of 0.8, since 7 % of \
          10 TiB is no emergency: 1 TiB warns at 93 % and is critical at 97 %.",
};
pub const DISK_INODES: Measure = Measure {
    key: "disk:*",
    what: "inodes used, %",
    warn: Range::at_most(90.0),
    crit: Range::at_most(97.0),
    why: "Without inodes no file can be made, however much space is left. Not changed by an override of space.",
};
pub const MEMORY: Measure = Measure {
    key: "memory",
    what: "memory available without swapping, %",
    warn: Range::at_least(10.0),
    crit: Range::at_least(5.0),
    why: "Available, not free: caches give way. Never below these shares while more than 4 GiB (warning) or 1 GiB \
          (critical) are left, since a large machine has room at 3 %.",
};
pub const MEMORY_PRESSURE: Measure = Measure {
    key: "memory",
    what: "time in which every task waited for memory, 60 s mean, %",
    warn: Range::at_most(10.0),
    crit: Range::at_most(40.0),
    why: "Stalls are what users feel, also when a control group is short while the machine is not.",
};
pub const LOAD: Measure = Measure {
    key: "load",
    what: "load of 5 minutes per processor",
    warn: Range::at_most(2.0),
    crit: Range::at_most(5.0),
    why: "Load also counts tasks that wait for disks, so where the kernel tells processor pressure both must be high. An \
          override looks at the load alone.",
};
pub const LOAD_PRESSURE: Measure = Measure {
    key: "load",
    what: "time in which some task waited for a processor, 60 s mean, %",
    warn: Range::at_most(40.0),
    crit: Range::at_most(80.0),
    why: "A full batch machine is no fault; tasks that wait most of the time are.",
};
pub const SWAP: Measure = Measure {
    key: "swap",
    what: "swap used, %",
    warn: Range::at_most(60.0),
    crit: Range::at_most(90.0),
    why: "Full swap alone is normal on a machine that has been up for long: it counts while less than a quarter \
          (warning) or a tenth (critical) of memory is available. An override looks at the share alone.",
};
pub const SWAP_IN: Measure = Measure {
    key: "swap",
    what: "pages read back from swap over 5 minutes, pages/s",
    warn: Range::at_most(500.0),
    crit: Range::at_most(5_000.0),
    why: "2 MiB/s for five minutes is memory at work on a disk; 20 MiB/s is a machine that does little else.",
};
pub const CLOCK: Measure = Measure {
    key: "clock",
    what: "offset of the clock either way, s",
    warn: Range::at_most(1.0),
    crit: Range::at_most(30.0),
    why: "At a second logs of several machines no longer line up; at 30 s one-time codes and tickets fail.",
};
pub const UNITS: Measure = Measure {
    key: "units",
    what: "failed systemd units",
    warn: Range::at_most(0.0),
    crit: Range::at_most(f64::INFINITY),
    why: "A failed unit deserves a look; whether it is critical only its owner knows, by an override.",
};
pub const CERTIFICATES: Measure = Measure {
    key: "certificate:*",
    what: "validity left, days",
    warn: Range::at_least(21.0),
    crit: Range::at_least(7.0),
    why: "Three weeks to act. Short-lived certificates renew themselves at two thirds: for them a quarter of the \
          lifetime (warning) and a tenth (critical) count, whichever is less.",
};

/// Every default in one table, for the documentation and the console.
pub const DEFAULTS: [&Measure; 11] = [
    &DISK,
    &DISK_INODES,
    &MEMORY,
    &MEMORY_PRESSURE,
    &LOAD,
    &LOAD_PRESSURE,
    &SWAP,
    &SWAP_IN,
    &CLOCK,
    &UNITS,
    &CERTIFICATES,
];

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
/// Size up to which [`DISK`] holds as it stands.
const DISK_NORMAL_BYTES: f64 = 20.0 * GIB;
/// How the free space asked for grows with the size: Checkmk's magic factor, 1 would be plain percent.
const DISK_MAGIC: f64 = 0.8;
/// Available memory that is always enough.
const MEMORY_ENOUGH_BYTES: (f64, f64) = (4.0 * GIB, GIB);
/// Memory available, in percent, above which full swap does not matter.
const SWAP_MATTERS_PERCENT: (f64, f64) = (25.0, 10.0);
/// Time synchronisation needs a while after a start.
const CLOCK_SETTLES: Duration = Duration::from_secs(15 * 60);
/// Shares of a certificate's lifetime.
const CERTIFICATE_SHARES: (f64, f64) = (0.25, 0.10);
const FIVE_MINUTES: Duration = Duration::from_secs(300);
/// Images that are full by nature, and what has no space of its own.
const FULL_BY_NATURE: [&str; 8] =
    ["squashfs", "iso9660", "erofs", "udf", "cramfs", "devtmpfs", "overlay", "efivarfs"];
/// Bytes of a mount point in a key: leaves room for the kind before it.
const MOUNT_MAX: usize = 180;
/// Unit names in an output; the console has the rest.
const UNITS_SHOWN: usize = 5;

/// One rule: what it is called, and the function that judges.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The key of its checks, or the part before the colon.
    pub key: &'static str,
    judge: fn(&dyn HostView, &Thresholds, &mut Vec<BuiltinResult>),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("key", &self.key).finish_non_exhaustive()
    }
}

/// All rules, in the order of their results.
pub const RULES: [Rule; 8] = [
    Rule { key: "disk", judge: disks },
    Rule { key: "memory", judge: memory },
    Rule { key: "load", judge: load },
    Rule { key: "swap", judge: swap },
    Rule { key: "clock", judge: clock },
    Rule { key: "units", judge: units },
    Rule { key: "readonly", judge: readonly },
    Rule { key: "certificate", judge: certificates },
];

/// Runs every rule. A rule whose measurements are not there finds nothing.
pub fn evaluate(view: &dyn HostView, thresholds: &Thresholds) -> Vec<BuiltinResult> {
    let mut results = Vec::new();
    for rule in RULES {
        (rule.judge)(view, thresholds, &mut results);
    }
    results
}

fn judge(value: f64, levels: Levels) -> Status {
    threshold::evaluate(value, levels.warn, levels.crit)
}

/// The milder of two, for conditions that must hold together.
fn both(a: Status, b: Status) -> Status {
    if a.severity() <= b.severity() { a } else { b }
}

/// Every label set of a series, by the value of its label `key`, each value once.
fn by_label(view: &dyn HostView, name: &str, key: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    view.each_label_set(name, &mut |labels| {
        if let Some((_, value)) = labels.iter().find(|(name, _)| *name == key) {
            let labels =
                labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            found.push(((*value).to_owned(), labels));
        }
    });
    found.sort();
    found.dedup_by(|later, earlier| later.0 == earlier.0);
    found
}

/// Used share, in percent, above which a filesystem of that size is `percent` full in spirit.
fn size_aware(percent: f64, size: f64) -> f64 {
    let scale = (size / DISK_NORMAL_BYTES).powf(DISK_MAGIC - 1.0).min(1.0);
    100.0 - (100.0 - percent) * scale
}

fn disks(view: &dyn HostView, thresholds: &Thresholds, out: &mut Vec<BuiltinResult>) {
    for (mount, labels) in by_label(view, "fs.size", "mount") {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let kind = labels.iter().find(|(name, _)| *name == "type").map_or("", |(_, kind)| kind);
        if FULL_BY_NATURE.contains(&kind) && mount != "/" {
            continue;
        }
        let read = |name: &str| view.value(name, &labels).filter(|v| v.is_finite() && *v >= 0.0);
        let (Some(size), Some(used), Some(available)) =
            (read("fs.size"), read("fs.used"), read("fs.available"))
        else {
            continue;
        };
        // Space kept for root is neither used nor available; df leaves it out too.
        let usable = used + available;
        if size <= 0.0 || usable <= 0.0 {
            continue;
        }
        let shown = clean_line(&mount, MOUNT_MAX);
        let key = format!("disk:{shown}");
        let levels = thresholds.levels(&key).unwrap_or(Levels {
            warn: Some(Range::at_most(size_aware(DISK.warn.end, size))),
            crit: Some(Range::at_most(size_aware(DISK.crit.end, size))),
        });
        let percent = 100.0 * used / usable;
        let mut status = judge(percent, levels);
        let mut output =
            format!("Disk {shown} {percent:.0} % used, {} free of {}", bytes(available), bytes(size));
        let mut metrics = vec![
            PerfMetric::new("used", percent, "%").with_thresholds(levels.warn, levels.crit),
            PerfMetric::new("free", available, "B"),
        ];

        let mount_only = [("mount", mount.as_str())];
        let inodes = |name: &str| view.value(name, &mount_only).or_else(|| view.value(name, &labels));
        // btrfs and others make inodes as needed and report none.
        if let (Some(total), Some(free)) =
            (inodes("fs.inodes.total").filter(|total| *total > 0.0), inodes("fs.inodes.free"))
        {
            let percent = 100.0 * (total - free) / total;
            let levels = Levels { warn: Some(DISK_INODES.warn), crit: Some(DISK_INODES.crit) };
            let inode_status = judge(percent, levels);
            if inode_status != Status::Ok {
                output.push_str(&format!("; {percent:.0} % of inodes used, {free:.0} left"));
            }
            status = status.worst(inode_status);
            metrics
                .push(PerfMetric::new("inodes_used", percent, "%").with_thresholds(levels.warn, levels.crit));
        }
        out.push(BuiltinResult {
            key,
            title: format!("Disk {shown}"),
            status,
            reason: None,
            output,
            metrics,
        });
    }
}

fn memory(view: &dyn HostView, thresholds: &Thresholds, out: &mut Vec<BuiltinResult>) {
    let (Some(total), Some(available)) =
        (view.value("memory.total", &[]), view.value("memory.available", &[]))
    else {
        return;
    };
    if total <= 0.0 {
        return;
    }
    let percent = 100.0 * available / total;
    let own = thresholds.levels("memory");
    let levels = own.unwrap_or(Levels {
        warn: Some(Range::at_least(MEMORY.warn.start.min(100.0 * MEMORY_ENOUGH_BYTES.0 / total))),
        crit: Some(Range::at_least(MEMORY.crit.start.min(100.0 * MEMORY_ENOUGH_BYTES.1 / total))),
    });
    let mut status = judge(percent, levels);
    let mut output = format!("Memory {percent:.0} % available, {} of {}", bytes(available), bytes(total));
    let mut metrics = vec![
        PerfMetric::new("available", percent, "%").with_thresholds(levels.warn, levels.crit),
        PerfMetric::new("available_bytes", available, "B"),
    ];
    if let Some(pressure) = view.value("pressure.memory.full.avg60", &[]) {
        let levels = Levels { warn: Some(MEMORY_PRESSURE.warn), crit: Some(MEMORY_PRESSURE.crit) };
        let pressed = judge(pressure, levels);
        if pressed != Status::Ok {
            output.push_str(&format!("; everything waits for memory {pressure:.0} % of the time"));
        }
        status = status.worst(pressed);
        metrics.push(PerfMetric::new("stalled", pressure, "%").with_thresholds(levels.warn, levels.crit));
    }
    push(out, "memory", "Memory", status, output, metrics);
}

fn load(view: &dyn HostView, thresholds: &Thresholds, out: &mut Vec<BuiltinResult>) {
    let (Some(load), Some(cores)) = (view.value("load.5", &[]), view.value("cpu.count", &[])) else { return };
    if cores < 1.0 {
        return;
    }
    let per_core = load / cores;
    let levels = thresholds.or("load", &LOAD);
    let mut status = judge(per_core, levels);
    let plural = if cores == 1.0 { "" } else { "s" };
    let mut output = format!("Load {load:.2} on {cores:.0} processor{plural}, {per_core:.2} each");
    let mut metrics = vec![
        PerfMetric::new("load5_per_core", per_core, "").with_thresholds(levels.warn, levels.crit),
        PerfMetric::new("load5", load, ""),
    ];
    if let Some(pressure) = view.value("pressure.cpu.some.avg60", &[]) {
        if thresholds.levels("load").is_none() {
            status = both(
                status,
                judge(pressure, Levels { warn: Some(LOAD_PRESSURE.warn), crit: Some(LOAD_PRESSURE.crit) }),
            );
        }
        output.push_str(&format!("; tasks wait for a processor {pressure:.0} % of the time"));
        metrics.push(PerfMetric::new("waiting", pressure, "%"));
    }
    push(out, "load", "Load", status, output, metrics);
}

fn swap(view: &dyn HostView, thresholds: &Thresholds, out: &mut Vec<BuiltinResult>) {
    let (Some(total), Some(used)) = (view.value("swap.total", &[]), view.value("swap.used", &[])) else {
        return;
    };
    if total <= 0.0 {
        return;
    }
    let percent = 100.0 * used / total;
    let levels = thresholds.or("swap", &SWAP);
    let mut status = judge(percent, levels);
    let memory =
        view.value("memory.available", &[]).zip(view.value("memory.total", &[]).filter(|total| *total > 0.0));
    if let (None, Some((available, memory_total))) = (thresholds.levels("swap"), memory) {
        let left = 100.0 * available / memory_total;
        let (warn, crit) = SWAP_MATTERS_PERCENT;
        let scarce = Levels { warn: Some(Range::at_least(warn)), crit: Some(Range::at_least(crit)) };
        status = both(status, judge(left, scarce));
    }
    let mut output = format!("Swap {percent:.0} % used, {} free of {}", bytes(total - used), bytes(total));
    let mut metrics = vec![PerfMetric::new("used", percent, "%").with_thresholds(levels.warn, levels.crit)];
    if let Some(pages) = view.rate("swap.in.pages", &[], FIVE_MINUTES) {
        let levels = Levels { warn: Some(SWAP_IN.warn), crit: Some(SWAP_IN.crit) };
        let thrashing = judge(pages, levels);
        if thrashing != Status::Ok {
            output.push_str(&format!("; {pages:.0} pages a second come back from swap"));
        }
        status = status.worst(thrashing);
        metrics.push(PerfMetric::new("pages_in", pages, "").with_thresholds(levels.warn, levels.crit));
    }
    push(out, "swap", "Swap", status, output, metrics);
}

fn clock(view: &dyn HostView, thresholds: &Thresholds, out: &mut Vec<BuiltinResult>) {
    let (offset, synchronised) = (view.value("clock.offset", &[]), view.value("clock.synchronised", &[]));
    if offset.is_none() && synchronised.is_none() {
        return;
    }
    let levels = thresholds.or("clock", &CLOCK);
    let settling = view.value("uptime", &[]).is_some_and(|uptime| uptime < CLOCK_SETTLES.as_secs_f64());
    let mut status = Status::Ok;
    let mut parts = Vec::new();
    let mut metrics = Vec::new();
    if let Some(offset) = offset {
        status = judge(offset.abs(), levels);
        parts.push(match offset {
            o if o.abs() < 0.001 => "within a millisecond".to_owned(),
            o if o.abs() < 1.0 => {
                format!("{:.0} ms {}", o.abs() * 1e3, if o < 0.0 { "behind" } else { "ahead" })
            }
            o => format!("{:.1} s {}", o.abs(), if o < 0.0 { "behind" } else { "ahead" }),
        });
        metrics.push(PerfMetric::new("offset", offset, "s"));
    }
    match synchronised {
        Some(yes) if yes > 0.0 => parts.push("synchronised".to_owned()),
        Some(_) if settling => parts.push("not synchronised yet, the machine has just started".to_owned()),
        Some(_) => {
            status = status.worst(Status::Warning);
            parts.push("not synchronised; start chrony, ntpd or systemd-timesyncd".to_owned());
        }
        None => {}
    }
    push(out, "clock", "Clock", status, format!("Clock {}", parts.join(", ")), metrics);
}

fn units(view: &dyn HostView, thresholds: &Thresholds, out: &mut Vec<BuiltinResult>) {
    let Some(failed) = view.value("systemd.units.failed", &[]) else { return };
    let status = judge(failed, thresholds.or("units", &UNITS));
    let names = view.failed_units();
    let mut output = match failed {
        f if f <= 0.0 => "No unit failed".to_owned(),
        1.0 => "1 unit failed".to_owned(),
        f => format!("{f:.0} units failed"),
    };
    if failed > 0.0 && !names.is_empty() {
        let shown: Vec<String> = names.iter().take(UNITS_SHOWN).map(|name| clean_line(name, 100)).collect();
        output.push_str(": ");
        output.push_str(&shown.join(", "));
        if names.len() > UNITS_SHOWN {
            output.push_str(&format!(" and {} more", names.len() - UNITS_SHOWN));
        }
    }
    push(out, "units", "Services of systemd", status, output, vec![PerfMetric::new("failed", failed, "")]);
}

fn readonly(view: &dyn HostView, _: &Thresholds, out: &mut Vec<BuiltinResult>) {
    for (mount, labels) in by_label(view, "fs.readonly", "mount") {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let Some(readonly) = view.value("fs.readonly", &labels).map(|value| value > 0.0) else { continue };
        // What was always read-only is meant to be.
        if readonly && !view.seen_writable(&mount) {
            continue;
        }
        let shown = clean_line(&mount, MOUNT_MAX);
        let (status, output) = if readonly {
            let why = "turned read-only; the kernel does so after disk errors, see its log";
            (Status::Critical, format!("Filesystem {shown} {why}"))
        } else {
            (Status::Ok, format!("Filesystem {shown} is writable"))
        };
        push(out, &format!("readonly:{shown}"), &format!("Writable {shown}"), status, output, Vec::new());
    }
}

fn certificates(view: &dyn HostView, thresholds: &Thresholds, out: &mut Vec<BuiltinResult>) {
    const DAY: f64 = 86_400.0;
    for certificate in view.certificates() {
        let name = clean_line(&certificate.name, MOUNT_MAX);
        let key = format!("certificate:{name}");
        let (now, end) = (view.now(), certificate.not_after);
        let lifetime = end.since(certificate.not_before).as_secs_f64() / DAY;
        let left = end.since(now).as_secs_f64() / DAY;
        let levels = thresholds.levels(&key).unwrap_or(Levels {
            warn: Some(Range::at_least(CERTIFICATES.warn.start.min(lifetime * CERTIFICATE_SHARES.0))),
            crit: Some(Range::at_least(CERTIFICATES.crit.start.min(lifetime * CERTIFICATE_SHARES.1))),
        });
        let (status, output) = match now >= end {
            true => (Status::Critical, format!("Certificate {name} expired {} ago", span(now.since(end)))),
            false => (
                judge(left, levels),
                format!("Certificate {name} is valid for another {}", span(end.since(now))),
            ),
        };
        let metrics = vec![PerfMetric::new("days_left", left, "").with_thresholds(levels.warn, levels.crit)];
        push(out, &key, &format!("Certificate {name}"), status, output, metrics);
    }
}

fn push(
    out: &mut Vec<BuiltinResult>,
    key: &str,
    title: &str,
    status: Status,
    output: String,
    metrics: Vec<PerfMetric>,
) {
    let (key, title) = (key.to_owned(), title.to_owned());
    out.push(BuiltinResult { key, title, status, reason: None, output, metrics });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Default)]
    struct Host {
        values: BTreeMap<(String, Vec<(String, String)>), f64>,
        rates: BTreeMap<String, f64>,
        writable: Vec<String>,
        failed: Vec<String>,
        certificates: Vec<CertificateView>,
    }

    impl Host {
        fn with(mut self, name: &str, labels: &[(&str, &str)], value: f64) -> Self {
            self.values.insert((name.into(), sorted(labels)), value);
            self
        }

        fn disk(self, mount: &str, kind: &str, size: f64, used: f64, available: f64) -> Self {
            let labels = [("mount", mount), ("device", "/dev/vda1"), ("type", kind)];
            self.with("fs.size", &labels, size).with("fs.used", &labels, used).with(
                "fs.available",
                &labels,
                available,
            )
        }

        fn memory(self, total: f64, available: f64) -> Self {
            self.with("memory.total", &[], total).with("memory.available", &[], available)
        }

        /// `KEY status output` of every result, one a line.
        fn judged(&self, thresholds: &Thresholds) -> String {
            let line = |r: BuiltinResult| format!("{} {}: {}", r.key, r.status.as_str(), r.output);
            evaluate(self, thresholds).into_iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }

    fn sorted(labels: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut labels: Vec<_> = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        labels.sort();
        labels
    }

    impl HostView for Host {
        fn now(&self) -> Timestamp {
            Timestamp::from_ms(0)
        }
        fn value(&self, name: &str, labels: Labels<'_>) -> Option<f64> {
            self.values.get(&(name.to_owned(), sorted(labels))).copied()
        }
        fn each_label_set(&self, name: &str, visit: &mut dyn FnMut(Labels<'_>)) {
            for (_, labels) in self.values.keys().filter(|(found, _)| found == name) {
                let labels: Vec<(&str, &str)> =
                    labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                visit(&labels);
            }
        }
        fn rate(&self, name: &str, _: &[(&str, &str)], _: Duration) -> Option<f64> {
            self.rates.get(name).copied()
        }
        fn seen_writable(&self, mount: &str) -> bool {
            self.writable.iter().any(|seen| seen == mount)
        }
        fn failed_units(&self) -> Vec<String> {
            self.failed.clone()
        }
        fn certificates(&self) -> Vec<CertificateView> {
            self.certificates.clone()
        }
    }

    fn defaults() -> Thresholds {
        Thresholds::default()
    }

    #[test]
    fn a_host_without_measurements_has_no_checks() {
        assert_eq!(Host::default().judged(&defaults()), "");
    }

    #[test]
    fn a_disk_reads_as_an_operator_says_it() {
        let host = Host::default().disk("/var", "ext4", 46.0 * GIB, 41.9 * GIB, 4.1 * GIB);
        assert_eq!(
            host.judged(&defaults()),
            "disk:/var warning: Disk /var 91 % used, 4.1 GiB free of 46 GiB"
        );
    }

    #[test]
    fn large_disks_do_not_cry_wolf() {
        let status = |size: f64, percent: f64| {
            let host = Host::default().disk(
                "/d",
                "xfs",
                size,
                size * percent / 100.0,
                size * (100.0 - percent) / 100.0,
            );
            evaluate(&host, &defaults()).remove(0).status.as_str()
        };
        assert_eq!([84.0, 86.0, 94.0].map(|p| status(GIB, p)), ["ok", "warning", "critical"]);
        assert_eq!([84.0, 86.0, 94.0].map(|p| status(20.0 * GIB, p)), ["ok", "warning", "critical"]);
        assert_eq!([93.0, 94.0, 97.0].map(|p| status(1024.0 * GIB, p)), ["ok", "warning", "critical"]);
        assert_eq!([95.0, 96.5, 98.5].map(|p| status(10_240.0 * GIB, p)), ["ok", "warning", "critical"]);
    }

    #[test]
    fn space_kept_for_root_is_not_available() {
        let host = Host::default().disk("/", "ext4", 20.0 * GIB, 18.0 * GIB, GIB);
        assert_eq!(host.judged(&defaults()), "disk:/ critical: Disk / 95 % used, 1.0 GiB free of 20 GiB");
    }

    #[test]
    fn a_disk_can_run_out_of_inodes() {
        let host = Host::default()
            .disk("/", "ext4", 20.0 * GIB, GIB, 19.0 * GIB)
            .with("fs.inodes.total", &[("mount", "/")], 1000.0)
            .with("fs.inodes.free", &[("mount", "/")], 20.0);
        assert_eq!(
            host.judged(&defaults()),
            "disk:/ critical: Disk / 5 % used, 19 GiB free of 20 GiB; 98 % of inodes used, 20 left"
        );
    }

    #[test]
    fn images_and_odd_values_make_no_check() {
        let host = Host::default()
            .disk("/snap/x", "squashfs", GIB, GIB, 0.0)
            .disk("/proc", "proc", 0.0, 0.0, 0.0)
            .disk("/nan", "ext4", f64::NAN, 1.0, 1.0);
        assert_eq!(host.judged(&defaults()), "");
        let host = Host::default().disk("/a\nb\u{202e}", "ext4", GIB, 0.0, GIB);
        assert_eq!(host.judged(&defaults()), "disk:/a b ok: Disk /a b 0 % used, 1.0 GiB free of 1.0 GiB");
    }

    #[test]
    fn memory_is_judged_by_what_is_available() {
        let judged = |total: f64, available: f64| {
            Host::default().memory(total * GIB, available * GIB).judged(&defaults())
        };
        assert_eq!(judged(8.0, 4.0), "memory ok: Memory 50 % available, 4.0 GiB of 8.0 GiB");
        assert_eq!(judged(8.0, 0.6), "memory warning: Memory 8 % available, 614 MiB of 8.0 GiB");
        assert_eq!(judged(8.0, 0.3), "memory critical: Memory 4 % available, 307 MiB of 8.0 GiB");
        assert_eq!(judged(512.0, 10.0), "memory ok: Memory 2 % available, 10 GiB of 512 GiB");
        let stalled =
            Host::default().memory(8.0 * GIB, 4.0 * GIB).with("pressure.memory.full.avg60", &[], 45.0);
        assert_eq!(
            stalled.judged(&defaults()),
            "memory critical: Memory 50 % available, 4.0 GiB of 8.0 GiB; everything waits for memory 45 % of the time"
        );
    }

    #[test]
    fn load_counts_when_tasks_wait_for_a_processor() {
        let host = Host::default().with("load.5", &[], 12.0).with("cpu.count", &[], 2.0);
        assert_eq!(host.judged(&defaults()), "load critical: Load 12.00 on 2 processors, 6.00 each");
        let host = host.with("pressure.cpu.some.avg60", &[], 5.0);
        assert_eq!(
            host.judged(&defaults()),
            "load ok: Load 12.00 on 2 processors, 6.00 each; tasks wait for a processor 5 % of the time"
        );
        let host = host.with("pressure.cpu.some.avg60", &[], 60.0);
        assert!(host.judged(&defaults()).starts_with("load warning"));
    }

    #[test]
    fn full_swap_matters_when_memory_is_short() {
        let host = |available: f64| {
            Host::default().memory(8.0 * GIB, available * GIB).with("swap.total", &[], GIB).with(
                "swap.used",
                &[],
                0.95 * GIB,
            )
        };
        let swap = |host: &Host| host.judged(&defaults()).lines().last().unwrap_or_default().to_owned();
        assert_eq!(swap(&host(4.0)), "swap ok: Swap 95 % used, 51 MiB free of 1.0 GiB");
        assert!(swap(&host(1.5)).starts_with("swap warning"));
        assert!(swap(&host(0.5)).starts_with("swap critical"));
        let mut thrashing = host(4.0);
        thrashing.rates.insert("swap.in.pages".into(), 6_000.0);
        assert!(swap(&thrashing).ends_with("; 6000 pages a second come back from swap"));
        assert!(swap(&thrashing).starts_with("swap critical"));
        let none = Host::default().with("swap.total", &[], 0.0).with("swap.used", &[], 0.0);
        assert_eq!(none.judged(&defaults()), "");
    }

    #[test]
    fn the_clock_may_settle_after_a_start() {
        let host = Host::default().with("clock.offset", &[], -0.012).with("clock.synchronised", &[], 1.0);
        assert_eq!(host.judged(&defaults()), "clock ok: Clock 12 ms behind, synchronised");
        let host = host.with("clock.synchronised", &[], 0.0).with("uptime", &[], 60.0);
        assert!(host.judged(&defaults()).starts_with("clock ok: Clock 12 ms behind, not synchronised yet"));
        let host = host.with("uptime", &[], 6_000.0);
        assert!(host.judged(&defaults()).starts_with("clock warning"));
        let host = host.with("clock.offset", &[], 31.0);
        assert!(host.judged(&defaults()).starts_with("clock critical: Clock 31.0 s ahead"));
    }

    #[test]
    fn failed_units_are_named() {
        let mut host = Host::default().with("systemd.units.failed", &[], 0.0);
        assert_eq!(host.judged(&defaults()), "units ok: No unit failed");
        host = host.with("systemd.units.failed", &[], 7.0);
        host.failed = (0..7).map(|i| format!("u{i}.service")).collect();
        assert_eq!(
            host.judged(&defaults()),
            "units warning: 7 units failed: u0.service, u1.service, u2.service, u3.service, u4.service and 2 more"
        );
    }

    #[test]
    fn read_only_is_a_fault_where_it_was_writable() {
        let mut host = Host::default()
            .with("fs.readonly", &[("mount", "/")], 1.0)
            .with("fs.readonly", &[("mount", "/usr")], 1.0)
            .with("fs.readonly", &[("mount", "/var")], 0.0);
        host.writable = vec!["/".into()];
        assert_eq!(
            host.judged(&defaults()),
            "readonly:/ critical: Filesystem / turned read-only; the kernel does so after disk errors, see its log\n\
             readonly:/var ok: Filesystem /var is writable"
        );
    }

    #[test]
    fn certificates_warn_by_their_lifetime() {
        const DAY: i64 = 86_400_000;
        let judged = |lifetime: i64, left_ms: i64| {
            let certificates = vec![CertificateView {
                name: "agent".into(),
                not_before: Timestamp::from_ms(left_ms - lifetime * DAY),
                not_after: Timestamp::from_ms(left_ms),
            }];
            Host { certificates, ..Host::default() }.judged(&defaults())
        };
        // Renewed at two thirds of seven days, it never comes near.
        assert_eq!(judged(7, 2 * DAY), "certificate:agent ok: Certificate agent is valid for another 2 d");
        assert!(judged(7, DAY).starts_with("certificate:agent warning"));
        assert!(judged(7, DAY / 2).starts_with("certificate:agent critical"));
        assert!(judged(365, 22 * DAY).starts_with("certificate:agent ok"));
        assert!(judged(365, 20 * DAY).starts_with("certificate:agent warning"));
        assert!(judged(365, 6 * DAY).starts_with("certificate:agent critical"));
        assert_eq!(judged(7, -3_600_000), "certificate:agent critical: Certificate agent expired 1 h ago");
    }

    #[test]
    fn the_most_specific_override_counts() {
        let mut thresholds = Thresholds::default();
        let at_most =
            |warn, crit| Levels { warn: Some(Range::at_most(warn)), crit: Some(Range::at_most(crit)) };
        thresholds.set("disk:/var", at_most(10.0, 99.0));
        thresholds.set("disk:*", at_most(1.0, 2.0));
        thresholds.set("load", Levels::default());
        let host = Host::default()
            .disk("/", "ext4", GIB, 0.5 * GIB, 0.5 * GIB)
            .disk("/var", "ext4", GIB, 0.5 * GIB, 0.5 * GIB)
            .with("load.5", &[], 1000.0)
            .with("cpu.count", &[], 1.0);
        let judged = host.judged(&thresholds);
        let statuses: Vec<&str> =
            judged.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
        assert_eq!(statuses.len(), 3);
        assert!(judged.contains("disk:/ critical") && judged.contains("disk:/var warning"));
        // No thresholds at all is a choice too.
        assert!(judged.contains("load ok: Load 1000.00 on 1 processor, 1000.00 each"));
    }

    #[test]
    fn a_hosts_fields_choose_its_thresholds() {
        let fields = [
            ("group", "web"),
            ("threshold.disk:/var", "40;"),
            ("threshold.disk:*", "~:10;~:20"),
            ("threshold.memory", "not a pair"),
        ];
        let fields: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let host = Host::default()
            .disk("/", "ext4", GIB, 0.5 * GIB, 0.5 * GIB)
            .disk("/var", "ext4", GIB, 0.5 * GIB, 0.5 * GIB)
            .memory(8.0 * GIB, 6.0 * GIB);
        let judged = host.judged(&Thresholds::of_fields(&fields));
        assert!(judged.contains("disk:/ critical") && judged.contains("disk:/var warning"), "{judged}");
        assert!(judged.contains("memory ok"), "{judged}");
        let refused = |name, value| Thresholds::check_field(name, value).unwrap_err().to_string();
        assert!(refused("threshold.load", "5").starts_with("write WARNING;CRITICAL"));
        assert!(refused("threshold.load", "5;x").starts_with("`x`: "));
        assert!(refused("threshold.load", "9:1;").starts_with("`9:1`: "));
        for (name, value) in [("threshold.load", ";"), ("threshold.load", " 2 ; 4 "), ("thresholds", "any")] {
            assert_eq!(Thresholds::check_field(name, value), Ok(()), "{value}");
        }
    }
}
