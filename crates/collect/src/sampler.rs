//! Turns metric names and labels into dense numbers once, and carries values by number from then on.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use wk_wire::v1::{Label, SampleBlock, SeriesDef};

use crate::metrics::{METRICS, Metric};
use crate::text;

/// Most series one process will ever define: what a server takes from one agent. A machine with 64 disks, 64 interfaces
/// and 256 mounts needs about 3 500.
pub const SERIES_MAX: usize = 10_000;

/// A series by its number: stable as long as the process lives, dense from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesRef(u32);

impl SeriesRef {
    /// Stands for a series that found no place; values for it are counted and left out.
    const NONE: Self = Self(u32::MAX);

    /// The number used in [`SampleBlock::refs`].
    pub fn as_u32(self) -> u32 {
        self.0
    }
}

/// `value` to so many digits after the point. A quotient has fifteen digits, of which the machine measured three or four;
/// the others would take six bytes a sample to keep.
pub(crate) fn rounded(value: f64, digits: i32) -> f64 {
    let power = 10f64.powi(digits);
    // Zero has no sign here: a tiny negative value would bring one.
    (value * power).round() / power + 0.0
}

/// Definitions that a peer has not seen yet: entry `i` is referred to as `first + i`.
#[derive(Debug, Clone, Copy)]
pub struct NewDefinitions<'a> {
    pub first: u32,
    pub series: &'a [SeriesDef],
}

/// Collects the values of one cycle and remembers the definitions of all.
#[derive(Debug)]
pub struct Sampler {
    definitions: Vec<SeriesDef>,
    by_hash: HashMap<u64, u32>,
    hasher: RandomState,
    plain: Vec<SeriesRef>,
    announced: usize,
    refs: Vec<u32>,
    values: Vec<f64>,
    dropped: u64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Sampler {
    /// An empty sampler.
    pub fn new() -> Self {
        Self {
            definitions: Vec::new(),
            by_hash: HashMap::new(),
            hasher: RandomState::new(),
            plain: vec![SeriesRef::NONE; METRICS.len()],
            announced: 0,
            refs: Vec::new(),
            values: Vec::new(),
            dropped: 0,
        }
    }

    /// The number of a series, defining it when it is new. `labels`: values in the order of the metric's label names.
    /// Costs a hash of all text: callers keep the answer.
    pub fn series(&mut self, metric: Metric, labels: &[&[u8]]) -> SeriesRef {
        let info = metric.info();
        debug_assert_eq!(info.labels.len(), labels.len(), "{}", info.name);
        let labels: Vec<Label> = info
            .labels
            .iter()
            .zip(labels)
            .map(|(name, value)| Label { name: (*name).to_owned(), value: text::clean(value, 200) })
            .collect();
        let def = SeriesDef {
            name: info.name.to_owned(),
            labels,
            unit: info.unit.to_owned(),
            kind: info.kind.into(),
        };
        let mut hash = self.hasher.hash_one(&def);
        // A collision of 64 keyed bits does not happen by chance; probing makes it harmless all the same.
        while let Some(at) = self.by_hash.get(&hash) {
            if self.definitions.get(*at as usize) == Some(&def) {
                return SeriesRef(*at);
            }
            hash = hash.wrapping_add(1);
        }
        if self.definitions.len() >= SERIES_MAX {
            return SeriesRef::NONE;
        }
        let at = self.definitions.len() as u32;
        self.definitions.push(def);
        self.by_hash.insert(hash, at);
        SeriesRef(at)
    }

    /// Adds a value. Values that are not finite are left out: a gap says more than a lie.
    pub fn push(&mut self, series: SeriesRef, value: f64) {
        if series == SeriesRef::NONE {
            self.dropped = self.dropped.saturating_add(1);
        } else if value.is_finite() {
            self.refs.push(series.0);
            self.values.push(value);
        }
    }

    /// Adds the value of a metric without labels.
    pub fn put(&mut self, metric: Metric, value: f64) {
        let known = self.plain[metric as usize];
        let series = if known == SeriesRef::NONE { self.series(metric, &[]) } else { known };
        self.plain[metric as usize] = series;
        self.push(series, value);
    }

    /// Values of the present cycle so far.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True when no value was added since the last [`Sampler::take_block`].
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Ends the cycle: all its values as one block. `at_ms`: milliseconds since 1970 UTC.
    pub fn take_block(&mut self, at_ms: i64) -> SampleBlock {
        let capacity = self.values.len();
        SampleBlock {
            at_ms,
            refs: std::mem::replace(&mut self.refs, Vec::with_capacity(capacity)),
            values: std::mem::replace(&mut self.values, Vec::with_capacity(capacity)),
        }
    }

    /// Definitions made since the last call, if any.
    pub fn new_definitions(&mut self) -> Option<NewDefinitions<'_>> {
        let first = self.announced;
        self.announced = self.definitions.len();
        let series = &self.definitions[first..];
        (!series.is_empty()).then_some(NewDefinitions { first: first as u32, series })
    }

    /// All definitions, by number. A new link or a restarted server needs them all.
    pub fn definitions(&self) -> &[SeriesDef] {
        &self.definitions
    }

    /// Values left out because [`SERIES_MAX`] series exist already.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_keeps_its_number_and_is_announced_once() {
        let mut out = Sampler::new();
        let a = out.series(Metric::DiskInflight, &[b"vda"]);
        let b = out.series(Metric::DiskInflight, &[b"vdb"]);
        assert_ne!(a, b);
        assert_eq!(out.series(Metric::DiskInflight, &[b"vda"]), a);
        let new = out.new_definitions().unwrap();
        assert_eq!((new.first, new.series.len()), (0, 2));
        assert!(out.new_definitions().is_none());
        out.put(Metric::Uptime, 1.0);
        out.put(Metric::Uptime, f64::NAN);
        let new = out.new_definitions().unwrap();
        assert_eq!((new.first, new.series[0].name.as_str()), (2, "uptime"));
        let block = out.take_block(7);
        assert_eq!((block.at_ms, block.refs, block.values), (7, vec![2], vec![1.0]));
        assert!(out.is_empty());
    }

    #[test]
    fn endless_new_devices_stop_at_the_bound_and_are_counted() {
        let mut out = Sampler::new();
        for i in 0..SERIES_MAX + 5 {
            let series = out.series(Metric::DiskInflight, &[i.to_string().as_bytes()]);
            out.push(series, 1.0);
        }
        assert_eq!(out.definitions().len(), SERIES_MAX);
        assert_eq!((out.len(), out.dropped()), (SERIES_MAX, 5));
    }
}
