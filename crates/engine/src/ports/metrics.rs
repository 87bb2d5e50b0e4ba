//! The metrics port: samples in, series out. The embedded store (`wk-tsdb`) fills it.
//!
//! Calls block; the engine makes them from a thread that may.

use std::fmt::Debug;

use wk_domain::{HostId, Timestamp};

/// What a series is: one metric of one host with its labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    pub host: HostId,
    /// Dotted name: `disk.read.bytes`.
    pub name: String,
    /// In name order, names unique.
    pub labels: Vec<(String, String)>,
}

/// What is known of a series beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesMeta {
    pub key: SeriesKey,
    /// `B`, `s`, `%`, `1`, ...
    pub unit: String,
    /// Grows until it restarts from zero; shown as a rate.
    pub counter: bool,
}

/// The store's short name for a series. Stable while the store is open and across restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesRef(pub u32);

impl SeriesRef {
    /// Stands for a series that found no place: its samples are counted and left out.
    pub const NONE: Self = Self(u32::MAX);
}

/// One value of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub series: SeriesRef,
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    pub value: f64,
}

/// Which resolution to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// As it came in.
    Raw,
    Minute,
    Hour,
}

/// One point of an answer: the samples of one step, summed up. For raw data all but `count` are the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Start of the step, milliseconds since 1970 UTC.
    pub at_ms: i64,
    pub min: f64,
    pub max: f64,
    pub avg: f64,
    pub last: f64,
    pub count: u32,
}

/// The points of one series, in time order; a step without samples has no point.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesData {
    pub series: SeriesMeta,
    pub tier: Tier,
    pub points: Vec<Point>,
}

/// Which series to read: a host, a name or a name prefix ending in `.`, and labels that must match exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub host: HostId,
    pub name: String,
    pub labels: Vec<(String, String)>,
}

/// What to compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    pub selector: Selector,
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
    /// Width of a step; the store picks the tier.
    pub step_ms: i64,
    /// For counters: per-second rate, resets handled.
    pub rate: bool,
    /// Series to return at most.
    pub series_max: usize,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricsHealth {
    pub series: u64,
    pub samples_accepted: u64,
    pub samples_rejected: u64,
    pub bytes_on_disk: u64,
    pub wal_bytes: u64,
    /// Blocks or records whose checksum failed: isolated, never served.
    pub corrupt_blocks: u64,
    /// Reports for people, newest last, bounded.
    pub reports: Vec<String>,
    /// Disk full or read-only: samples are refused until it is mended.
    pub refusing: Option<String>,
}

/// What went wrong in the metrics store.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("metrics store: cannot {what}: {detail}")]
    Io { what: &'static str, detail: String },
    #[error("metrics store: {what} is damaged: {detail}")]
    Corrupt { what: &'static str, detail: String },
    #[error("metrics store: the limit of {limit} {what} is reached")]
    Limit { what: &'static str, limit: u64 },
}

/// Where samples live.
pub trait Metrics: Send + Sync + Debug {
    /// Short names for series, made where they are new. One per meta, in order. A series beyond what its host or the
    /// store may have, or with too long a name, gets [`SeriesRef::NONE`]: one series too many costs itself, not the host.
    ///
    /// # Errors
    /// [`MetricsError::Io`] when the disk refuses new definitions; nothing is made then.
    fn resolve(&self, series: &[SeriesMeta]) -> Result<Vec<SeriesRef>, MetricsError>;

    /// Stores samples; durable when it returns. A sample that repeats a stored (series, time) replaces it, so a batch
    /// may be given twice. Non-finite values are counted and left out.
    ///
    /// # Errors
    /// [`MetricsError::Io`] when the disk refuses; none of the samples is promised then.
    fn append(&self, samples: &[Sample]) -> Result<(), MetricsError>;

    /// Reads a range.
    ///
    /// # Errors
    /// [`MetricsError::Io`]; [`MetricsError::Limit`] for a query that would read too much at once. Damaged blocks are
    /// left out and reported in [`MetricsHealth`].
    fn range(&self, query: &RangeQuery) -> Result<Vec<SeriesData>, MetricsError>;

    /// All series of a host.
    fn series_of(&self, host: HostId) -> Vec<SeriesMeta>;

    /// Seals, rolls up, applies retention. Called each minute by the engine with its clock.
    ///
    /// # Errors
    /// [`MetricsError::Io`].
    fn maintain(&self, now: Timestamp) -> Result<(), MetricsError>;

    /// Flushes everything; called at shutdown.
    ///
    /// # Errors
    /// [`MetricsError::Io`].
    fn close(&self) -> Result<(), MetricsError>;

    /// How the store is.
    fn health(&self) -> MetricsHealth;
}
