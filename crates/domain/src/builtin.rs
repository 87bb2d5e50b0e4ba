//! The checks that exist without configuration, judged by the server from the samples of the host's own agent.

use std::time::Duration;

use crate::perfdata::PerfMetric;
use crate::threshold::Range;
use crate::{ResultReason, Status, Timestamp};

/// What a host last reported. Values that are too old to count are not there.
pub trait HostView {
    /// Our clock.
    fn now(&self) -> Timestamp;
    /// The latest value of the series with exactly these labels, in any order.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64>;
    /// Calls `visit` with the labels of every series of that name.
    fn each_label_set(&self, name: &str, visit: &mut dyn FnMut(&[(&str, &str)]));
    /// Mean over the last `window`. A view without history gives the latest value.
    fn average(&self, name: &str, labels: &[(&str, &str)], window: Duration) -> Option<f64> {
        let _ = window;
        self.value(name, labels)
    }
    /// Growth per second of a counter over the last `window`, restarts left out. A view without history gives none.
    fn rate(&self, name: &str, labels: &[(&str, &str)], window: Duration) -> Option<f64> {
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

/// Thresholds somebody chose, by pattern over check keys. The most specific pattern counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    overrides: Vec<(String, Levels)>,
}

/// Warning and critical ranges for the main value of a check, in the unit its rule names.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Levels {
    pub warn: Option<Range>,
    pub crit: Option<Range>,
}

impl Thresholds {
    /// Replaces the defaults for checks whose key matches, such as `disk:*` or `disk:/var`.
    pub fn set(&mut self, pattern: impl Into<String>, levels: Levels) {
        self.overrides.push((pattern.into(), levels));
    }
}

/// Runs every rule. A rule whose measurements are not there finds nothing.
pub fn evaluate<V: HostView + ?Sized>(view: &V, thresholds: &Thresholds) -> Vec<BuiltinResult> {
    let _ = (view, thresholds);
    Vec::new()
}
