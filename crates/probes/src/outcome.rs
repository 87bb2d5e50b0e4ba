//! What a probe found, judged by thresholds.

use wk_domain::perfdata::PerfMetric;
use wk_domain::spec::MetricThreshold;
use wk_domain::text::clean_line;
use wk_domain::threshold::{Range, evaluate};
use wk_domain::{CheckResult, ResultReason, Status, Timestamp};
use wk_wire::v1;

/// Bytes of text kept; remote words are cut shorter where they are quoted.
const TEXT_MAX: usize = 4 << 10;

/// What a probe found.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeOutcome {
    pub status: Status,
    /// Set when this machine could not ask.
    pub reason: Option<ResultReason>,
    /// One clean line for people.
    pub text: String,
    pub metrics: Vec<PerfMetric>,
}

impl ProbeOutcome {
    /// As a result of a check.
    pub fn into_result(self, started: Timestamp, finished: Timestamp) -> CheckResult {
        CheckResult {
            status: self.status,
            reason: self.reason,
            output: self.text,
            long_output: String::new(),
            metrics: self.metrics,
            started,
            finished,
        }
    }
}

/// Why thresholds of an assignment do not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("threshold of {metric}: {message}")]
pub struct ThresholdError {
    metric: String,
    message: String,
}

/// Reads the thresholds of an assignment; an empty text is no threshold.
///
/// # Errors
/// The first range that does not read.
pub fn parse_thresholds(raw: &[v1::Threshold]) -> Result<Vec<MetricThreshold>, ThresholdError> {
    let range = |metric: &str, text: &str| match text {
        "" => Ok(None),
        text => text
            .parse::<Range>()
            .map(Some)
            .map_err(|error| ThresholdError { metric: clean_line(metric, 64), message: error.to_string() }),
    };
    raw.iter()
        .map(|t| {
            Ok(MetricThreshold {
                metric: t.metric.clone(),
                warn: range(&t.metric, &t.warn)?,
                crit: range(&t.metric, &t.crit)?,
            })
        })
        .collect()
}

/// A probe that went well, before thresholds.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) metrics: Vec<PerfMetric>,
}

/// A probe that did not.
#[derive(Debug)]
pub(crate) struct Fault {
    status: Status,
    reason: Option<ResultReason>,
    text: String,
    metrics: Vec<PerfMetric>,
}

impl Fault {
    /// The target does not answer, or not as it should.
    pub(crate) fn critical(text: impl Into<String>) -> Self {
        Self { status: Status::Critical, reason: None, text: text.into(), metrics: Vec::new() }
    }

    /// This machine could not ask.
    pub(crate) fn unknown(text: impl Into<String>, reason: ResultReason) -> Self {
        Self { status: Status::Unknown, reason: Some(reason), text: text.into(), metrics: Vec::new() }
    }

    /// The assignment's arguments make no sense.
    pub(crate) fn arguments(text: impl Into<String>) -> Self {
        Self::unknown(text, ResultReason::Refused("arguments".into()))
    }

    /// What was measured before things went wrong.
    pub(crate) fn with(mut self, metrics: Vec<PerfMetric>) -> Self {
        self.metrics = metrics;
        self
    }

    pub(crate) fn into_outcome(self, thresholds: &[MetricThreshold]) -> ProbeOutcome {
        ProbeOutcome {
            status: self.status,
            reason: self.reason,
            text: clean_line(self.text, TEXT_MAX),
            metrics: self.metrics.into_iter().map(|m| limited(m, thresholds).0).collect(),
        }
    }
}

fn limited(metric: PerfMetric, thresholds: &[MetricThreshold]) -> (PerfMetric, Status) {
    let Some(threshold) = thresholds.iter().find(|t| t.metric == metric.label) else {
        return (metric, crate::FINE);
    };
    let status =
        metric.value.map_or(Status::Unknown, |value| evaluate(value, threshold.warn, threshold.crit));
    (metric.with_thresholds(threshold.warn, threshold.crit), status)
}

/// Applies thresholds: critical before warning, the worst metric counts. A threshold on a metric that was not measured is
/// UNKNOWN, since nobody would notice that it never fires.
pub(crate) fn judge(text: String, metrics: Vec<PerfMetric>, thresholds: &[MetricThreshold]) -> ProbeOutcome {
    let mut status = crate::FINE;
    let mut remarks = Vec::new();
    let mut judged = Vec::with_capacity(metrics.len());
    for metric in metrics {
        let (metric, verdict) = limited(metric, thresholds);
        if verdict != Status::Ok {
            remarks.push(format!("{} is {}", metric.label, verdict.as_str()));
        }
        status = status.worst(verdict);
        judged.push(metric);
    }
    let mut reason = None;
    for threshold in thresholds {
        if !judged.iter().any(|metric| metric.label == threshold.metric) {
            let name = clean_line(&threshold.metric, 64);
            remarks.push(format!("{name} was not measured"));
            status = status.worst(Status::Unknown);
            reason = Some(ResultReason::NoData(name));
        }
    }
    let text = if remarks.is_empty() { text } else { format!("{}: {text}", remarks.join(", ")) };
    // Another metric that alerts is an ordinary verdict.
    let reason = reason.filter(|_| status == Status::Unknown);
    ProbeOutcome { status, reason, text: clean_line(text, TEXT_MAX), metrics: judged }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thresholds(metric: &str, warn: &str, crit: &str) -> Vec<MetricThreshold> {
        let raw = v1::Threshold { metric: metric.into(), warn: warn.into(), crit: crit.into() };
        parse_thresholds(&[raw]).unwrap()
    }

    #[test]
    fn critical_is_tested_before_warning() {
        let judged = |value| {
            let metrics = vec![PerfMetric::new("time", value, "s")];
            judge("fine".into(), metrics, &thresholds("time", "1", "2")).status
        };
        assert_eq!([judged(0.5), judged(1.5), judged(3.0)], [Status::Ok, Status::Warning, Status::Critical]);
    }

    #[test]
    fn a_threshold_that_cannot_fire_is_unknown() {
        let outcome = judge("fine".into(), vec![], &thresholds("tiem", "1", "2"));
        assert_eq!(outcome.status, Status::Unknown);
        assert_eq!(outcome.text, "tiem was not measured: fine");
    }

    #[test]
    fn a_range_that_does_not_read_is_named() {
        let raw = v1::Threshold { metric: "time".into(), warn: "x".into(), crit: String::new() };
        assert!(parse_thresholds(&[raw]).unwrap_err().to_string().starts_with("threshold of time:"));
    }
}
