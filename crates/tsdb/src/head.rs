//! The youngest samples, in memory until they are sealed into a block.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;
use wk_engine::ports::metrics::Sample;

use crate::codec;
use crate::query::Merge;

/// Locks the head is split over. Series numbered alike sit together, so that a batch of one host takes few locks.
const SHARDS: usize = 16;
const TOGETHER: u32 = 64;

/// Points a series gathers before they are packed.
const HOT: usize = 64;
/// Late points kept aside before the series is put in order again.
const LATE_MAX: usize = 1024;

/// A stretch of packed points.
#[derive(Debug)]
struct Stretch {
    /// Shared by the series that came in the same scrapes.
    times: Arc<[i64]>,
    /// Where its values end in `packed`.
    end: usize,
}

#[derive(Debug, Default)]
struct Column {
    stretches: Vec<Stretch>,
    packed: Vec<u8>,
    /// In order and later than every stretch.
    hot: Vec<(i64, f64)>,
    /// Earlier than the first hot point; overrules the stretches.
    late: BTreeMap<i64, f64>,
}

impl Column {
    fn is_empty(&self) -> bool {
        self.stretches.is_empty() && self.hot.is_empty()
    }

    /// `recent`: times of the stretch closed last nearby, likely the same as the next one's.
    /// Gives whether the sample is new rather than, as far as is cheap to know, a replacement.
    fn insert(&mut self, at: i64, value: f64, recent: &mut Option<Arc<[i64]>>) -> bool {
        let packed_to = self.stretches.last().and_then(|s| s.times.last().copied()).unwrap_or(i64::MIN);
        if self.hot.last().map_or(packed_to, |&(last, _)| last) < at {
            if self.hot.capacity() == 0 {
                self.hot.reserve_exact(HOT);
            }
            self.hot.push((at, value));
            if self.hot.len() >= HOT {
                self.pack(recent);
            }
            return true;
        }
        if at > packed_to {
            return match self.hot.binary_search_by_key(&at, |&(at, _)| at) {
                Ok(i) => {
                    self.hot[i].1 = value;
                    false
                }
                Err(i) => {
                    self.hot.insert(i, (at, value));
                    true
                }
            };
        }
        let fresh = self.late.insert(at, value).is_none();
        if self.late.len() > LATE_MAX {
            self.tidy(recent);
        }
        fresh
    }

    fn pack(&mut self, recent: &mut Option<Arc<[i64]>>) {
        let same = recent.as_ref().filter(|times| {
            times.len() == self.hot.len() && times.iter().zip(&self.hot).all(|(a, (b, _))| a == b)
        });
        let times = match same {
            Some(times) => Arc::clone(times),
            None => {
                let times: Arc<[i64]> = self.hot.iter().map(|&(at, _)| at).collect();
                *recent = Some(Arc::clone(&times));
                times
            }
        };
        codec::pack(self.hot.iter().map(|&(_, value)| value), &mut self.packed);
        self.stretches.push(Stretch { times, end: self.packed.len() });
        self.hot.clear();
    }

    /// Puts late points where they belong.
    fn tidy(&mut self, recent: &mut Option<Arc<[i64]>>) {
        let mut merge = Merge::default();
        self.read(i64::MIN, i64::MAX, None, &mut |times, values| merge.add(times, values));
        let points = merge.finish();
        *self = Self::default();
        for (at, value) in points {
            self.insert(at, value, recent);
        }
    }

    /// Gives up to two parts; where both have a point for an instant, the second one's counts.
    fn read(&self, from: i64, to: i64, before: Option<i64>, sink: &mut dyn FnMut(&[i64], &[f64])) {
        let reach = before.unwrap_or(from).min(from);
        let mut times: Vec<i64> = Vec::new();
        let mut values: Vec<f64> = Vec::new();
        let begin = self.stretches.partition_point(|s| s.times.last().is_none_or(|&last| last < reach));
        let mut packed_from = begin.checked_sub(1).map_or(0, |i| self.stretches[i].end);
        for stretch in &self.stretches[begin..] {
            if stretch.times.first().is_none_or(|&first| first >= to) {
                break;
            }
            codec::unpack(&self.packed[packed_from..stretch.end], stretch.times.len(), &mut values);
            times.extend_from_slice(&stretch.times);
            packed_from = stretch.end;
        }
        for &(at, value) in &self.hot {
            times.push(at);
            values.push(value);
        }
        cut(&times, &values, from, to, before, sink);
        if !self.late.is_empty() {
            let (times, values): (Vec<i64>, Vec<f64>) =
                self.late.range(reach..).map(|(&at, &value)| (at, value)).unzip();
            cut(&times, &values, from, to, before, sink);
        }
    }
}

fn cut(
    times: &[i64],
    values: &[f64],
    from: i64,
    to: i64,
    before: Option<i64>,
    sink: &mut dyn FnMut(&[i64], &[f64]),
) {
    let mut low = times.partition_point(|&t| t < from);
    let high = times.partition_point(|&t| t < to);
    if low > 0 && before.is_some_and(|before| times[low - 1] >= before) {
        low -= 1;
    }
    if low < high && high <= values.len() {
        sink(&times[low..high], &values[low..high]);
    }
}

#[derive(Debug, Default)]
struct Shard {
    columns: Vec<Column>,
    recent: Option<Arc<[i64]>>,
}

#[derive(Debug)]
pub(crate) struct Head {
    shards: Vec<Mutex<Shard>>,
    samples: AtomicU64,
    first: AtomicI64,
}

fn place(series: u32) -> (usize, usize) {
    let group = series / TOGETHER;
    let slot = group / SHARDS as u32 * TOGETHER + series % TOGETHER;
    (group as usize % SHARDS, slot as usize)
}

fn unplace(shard: usize, slot: usize) -> u32 {
    let group = slot as u32 / TOGETHER * SHARDS as u32 + shard as u32;
    group * TOGETHER + slot as u32 % TOGETHER
}

impl Head {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            samples: AtomicU64::new(0),
            first: AtomicI64::new(i64::MAX),
        }
    }

    pub(crate) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// The earliest instant inside; `i64::MAX` when empty.
    pub(crate) fn first(&self) -> i64 {
        self.first.load(Ordering::Relaxed)
    }

    pub(crate) fn insert(&self, samples: &[Sample]) {
        if let Some(first) = samples.iter().map(|sample| sample.at_ms).min() {
            self.first.fetch_min(first, Ordering::Relaxed);
        }
        let mut fresh = 0;
        let mut rest = samples;
        while let Some(first) = rest.first() {
            let shard = place(first.series.0).0;
            let n = rest.iter().take_while(|s| place(s.series.0).0 == shard).count();
            let (run, after) = rest.split_at(n);
            rest = after;
            let mut guard = self.shards[shard].lock();
            let Shard { columns, recent } = &mut *guard;
            for sample in run {
                let slot = place(sample.series.0).1;
                if slot >= columns.len() {
                    columns.resize_with(slot + 1, Column::default);
                }
                fresh += u64::from(columns[slot].insert(sample.at_ms, sample.value, recent));
            }
        }
        self.samples.fetch_add(fresh, Ordering::Relaxed);
    }

    /// Copies a series' points in `[from, to)`, and with `before` the last one at or after `before` ahead of `from`.
    /// Comes in up to two parts; where both have a point for an instant, the second one's counts.
    pub(crate) fn read(
        &self,
        series: u32,
        from: i64,
        to: i64,
        before: Option<i64>,
        sink: &mut dyn FnMut(&[i64], &[f64]),
    ) {
        let (shard, slot) = place(series);
        let shard = self.shards[shard].lock();
        if let Some(column) = shard.columns.get(slot) {
            column.read(from, to, before, sink);
        }
    }

    /// All series with samples, in order.
    pub(crate) fn series(&self) -> Vec<u32> {
        let mut all = Vec::new();
        for (shard, columns) in self.shards.iter().enumerate() {
            let shard_of = columns.lock();
            all.extend(
                shard_of
                    .columns
                    .iter()
                    .enumerate()
                    .filter(|(_, c)| !c.is_empty())
                    .map(|(slot, _)| unplace(shard, slot)),
            );
        }
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wk_engine::ports::metrics::SeriesRef;

    proptest! {
        #[test]
        fn the_head_is_a_map_from_series_and_instant(
            samples in prop::collection::vec((0u32..3, prop_oneof![3 => 0i64..400, 1 => 0i64..4000], 0i64..50), 0..4000),
            from in -10i64..4000, span in 0i64..4000,
        ) {
            let head = Head::new();
            let mut model = BTreeMap::new();
            for (i, &(series, at, value)) in samples.iter().enumerate() {
                // Mostly forward, as scrapes are.
                let at = at + i as i64;
                let value = value as f64 / 4.0;
                head.insert(&[Sample { series: SeriesRef(series), at_ms: at, value }]);
                model.insert((series, at), value);
            }
            for series in 0..3 {
                let mut merge = Merge::default();
                head.read(series, from, from + span, None, &mut |times, values| merge.add(times, values));
                let expected: Vec<(i64, f64)> =
                    model.range((series, from)..(series, from + span)).map(|(&(_, at), &v)| (at, v)).collect();
                prop_assert_eq!(merge.finish(), expected);
            }
        }
    }
}
