//! The youngest samples, in memory until they are sealed into a block.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use wk_engine::ports::metrics::Sample;

/// Locks the head is split over. Series numbered alike sit together, so that a batch of one host takes few locks.
const SHARDS: usize = 16;
const TOGETHER: u32 = 64;

#[derive(Debug, Default)]
struct Column {
    times: Vec<i64>,
    values: Vec<f64>,
}

impl Column {
    /// Gives whether the sample is new rather than a replacement.
    fn insert(&mut self, at: i64, value: f64) -> bool {
        if self.times.last().is_none_or(|&last| at > last) {
            self.times.push(at);
            self.values.push(value);
            return true;
        }
        match self.times.binary_search(&at) {
            Ok(i) => {
                self.values[i] = value;
                false
            }
            Err(i) => {
                self.times.insert(i, at);
                self.values.insert(i, value);
                true
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Head {
    shards: Vec<Mutex<Vec<Column>>>,
    samples: AtomicU64,
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
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), samples: AtomicU64::new(0) }
    }

    pub(crate) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    pub(crate) fn insert(&self, samples: &[Sample]) {
        let mut fresh = 0;
        let mut rest = samples;
        while let Some(first) = rest.first() {
            let shard = place(first.series.0).0;
            let n = rest.iter().take_while(|s| place(s.series.0).0 == shard).count();
            let (run, after) = rest.split_at(n);
            rest = after;
            let mut columns = self.shards[shard].lock();
            for sample in run {
                let slot = place(sample.series.0).1;
                if slot >= columns.len() {
                    columns.resize_with(slot + 1, Column::default);
                }
                fresh += u64::from(columns[slot].insert(sample.at_ms, sample.value));
            }
        }
        self.samples.fetch_add(fresh, Ordering::Relaxed);
    }

    /// Copies a series' points in `[from, to)`, and with `before` the last one at or after `before` ahead of `from`.
    pub(crate) fn read(
        &self,
        series: u32,
        from: i64,
        to: i64,
        before: Option<i64>,
        sink: &mut dyn FnMut(&[i64], &[f64]),
    ) {
        let (shard, slot) = place(series);
        let columns = self.shards[shard].lock();
        let Some(column) = columns.get(slot) else { return };
        let mut low = column.times.partition_point(|&t| t < from);
        let high = column.times.partition_point(|&t| t < to);
        if low > 0 && before.is_some_and(|before| column.times[low - 1] >= before) {
            low -= 1;
        }
        if low < high {
            sink(&column.times[low..high], &column.values[low..high]);
        }
    }

    /// All series with samples, in order.
    pub(crate) fn series(&self) -> Vec<u32> {
        let mut all = Vec::new();
        for (shard, columns) in self.shards.iter().enumerate() {
            let columns = columns.lock();
            all.extend(
                columns
                    .iter()
                    .enumerate()
                    .filter(|(_, c)| !c.times.is_empty())
                    .map(|(slot, _)| unplace(shard, slot)),
            );
        }
        all.sort_unstable();
        all
    }
}
