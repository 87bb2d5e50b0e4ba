//! Checks, what a run of one found, and the words for it.

use std::time::Duration;

use crate::perfdata::PerfMetric;
use crate::{AgentId, CheckId, HostId, Timestamp};

/// What one run of a check found: the plugin guideline's four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Status {
    /// All of them, in the order of the plugin API's exit codes.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Critical, Self::Unknown];

    /// From a plugin's exit code; `None` for a code the plugin API does not define.
    pub const fn from_exit_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::Ok),
            1 => Some(Self::Warning),
            2 => Some(Self::Critical),
            3 => Some(Self::Unknown),
            _ => None,
        }
    }

    /// The plugin API's exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// `ok`, `warning`, `critical` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }

    /// The status that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == raw)
    }

    /// Higher is worse: ok, unknown, warning, critical, as one sorts a problem list.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Unknown => 1,
            Self::Warning => 2,
            Self::Critical => 3,
        }
    }

    /// The worse of two by [`Self::severity`].
    pub fn worst(self, other: Self) -> Self {
        if other.severity() > self.severity() { other } else { self }
    }
}

/// Where a check's results come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckKind {
    /// Judged by the server from the samples and inventory of the host's own agent; see [`crate::builtin`].
    Builtin,
    /// A native probe that an agent runs against an address.
    Probe,
    /// A plugin that an agent runs in its sandbox.
    Plugin,
    /// Whether the host's agent is connected.
    Alive,
}

impl CheckKind {
    /// `builtin`, `probe`, `plugin` or `alive`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Probe => "probe",
            Self::Plugin => "plugin",
            Self::Alive => "alive",
        }
    }

    /// The kind that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Builtin, Self::Probe, Self::Plugin, Self::Alive].into_iter().find(|kind| kind.as_str() == raw)
    }
}

/// How often a check runs, and how many failures make a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Time between runs while all is well, or a problem is established.
    pub interval: Duration,
    /// Time between runs while a problem is being confirmed.
    pub retry_interval: Duration,
    /// Failures in a row that make a state hard; at least 1.
    pub max_attempts: u32,
    /// Every hard failure notifies, even without a change.
    pub volatile: bool,
}

impl Default for RetryPolicy {
    /// 60 s, a fifth of it but at least 10 s, three attempts.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            retry_interval: Duration::from_secs(12),
            max_attempts: 3,
            volatile: false,
        }
    }
}

/// A check of a host, as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub id: CheckId,
    pub host: HostId,
    /// Unique on the host, stable: `disk:/var`, `memory`, `http:intranet`.
    pub key: String,
    /// For people: `Disk /var`.
    pub title: String,
    pub kind: CheckKind,
    /// Who may report results. `None`: the server itself judges.
    pub runner: Option<AgentId>,
    pub retry: RetryPolicy,
    pub enabled: bool,
}

/// Why a result carries no ordinary verdict.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResultReason {
    /// The deadline passed and the run was ended.
    Timeout,
    /// Ended by a signal.
    Signal(u8),
    /// An exit code the plugin API does not define.
    Exit(i32),
    /// Could not be started; the errno's name, such as `ENOENT`.
    Spawn(String),
    /// The agent would not: `remote-off`, `digest`, `sandbox`, ...
    Refused(String),
    /// No result came in time.
    Stale,
    /// The agent that runs it cannot be reached.
    AgentUnreachable,
    /// The measurement the check needs is not there, and why.
    NoData(String),
}

impl std::fmt::Display for ResultReason {
    /// The machine-readable word that the wire, the store and the API use: `timeout`, `signal:9`, `stale`, ...
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => f.write_str("timeout"),
            Self::Signal(signal) => write!(f, "signal:{signal}"),
            Self::Exit(code) => write!(f, "exit:{code}"),
            Self::Spawn(errno) => write!(f, "spawn:{errno}"),
            Self::Refused(why) => write!(f, "refused:{why}"),
            Self::Stale => f.write_str("stale"),
            Self::AgentUnreachable => f.write_str("agent-unreachable"),
            Self::NoData(what) => write!(f, "no-data:{what}"),
        }
    }
}

/// What one run of a check found, cleaned and bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    pub status: Status,
    pub reason: Option<ResultReason>,
    /// First line, at most 4 KiB, without control characters.
    pub output: String,
    /// Further lines, at most 64 KiB.
    pub long_output: String,
    pub metrics: Vec<PerfMetric>,
    pub started: Timestamp,
    pub finished: Timestamp,
}
