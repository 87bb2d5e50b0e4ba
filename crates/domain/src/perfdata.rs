//! Performance data: the values a check measured.

use crate::threshold::Range;

/// One measured value with its thresholds. Raw text is kept, since peers differ in what they make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PerfMetric {
    pub label: String,
    /// `None`: undetermined, a gap rather than zero.
    pub value: Option<f64>,
    /// As written: `s`, `ms`, `%`, `B`, `KB`, `c`, ...
    pub unit: String,
    pub warn: Option<Range>,
    pub crit: Option<Range>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}
