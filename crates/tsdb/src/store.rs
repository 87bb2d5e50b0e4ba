//! The store: ties log, memory and blocks together.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};
use wk_domain::{HostId, Timestamp};
use wk_engine::ports::metrics::{
    Metrics, MetricsError, MetricsHealth, RangeQuery, Sample, SeriesData, SeriesMeta, SeriesRef, Tier,
};

use crate::block::{self, Block, Level};
use crate::frame::{self, FileKind, Found, Kind, Scan};
use crate::head::Head;
use crate::merge::{self, Merged, Output, Place};
use crate::notes::Notes;
use crate::query::{self, Merge, Steps};
use crate::roll::Roll;
use crate::{files, series, wal};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A sample further ahead of the clock than this is a mistake of somebody's clock.
const FUTURE_MS: i64 = HOUR_MS;

/// A clock that leapt is believed when it has stood for this long.
const LEAP_BELIEVED: Duration = Duration::from_secs(7 * 86_400);

/// A day is merged this long after its end: what comes later is merged again, at a price.
const SETTLE_MS: i64 = HOUR_MS / 2;
/// Unmerged raw files before they are joined without waiting for the end of the day.
const LOOSE_MAX: usize = 64;
/// Files of hours, a day each, before they are joined.
const HOURS_LOOSE_MAX: usize = 31;
/// Ranges up to this are answered from samples even when the step would allow sums.
const RAW_SPAN_MS: i64 = 12 * HOUR_MS;

/// Points one query reads at most from one tier, about: a hundred megabytes in memory.
const POINTS_MAX: i64 = 6_000_000;
/// Raw points one query may hold at once, two hundred megabytes: an agent may send a thousand samples a second.
const RAW_POINTS_MAX: usize = 12_000_000;
/// How far apart samples usually are.
const SCRAPE_MS: i64 = 10_000;

/// How a store behaves. The defaults suit a server of a few thousand hosts.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long samples stay as they came, milliseconds.
    pub raw_ms: i64,
    /// How long one-minute sums stay.
    pub minute_ms: i64,
    /// How long one-hour sums stay.
    pub hour_ms: i64,
    /// Series one host may have.
    pub series_per_host_max: u64,
    /// Series the store may have.
    pub series_max: u64,
    /// The head is sealed when its oldest sample came in this long ago.
    pub seal_after_ms: i64,
    /// The head is sealed when it holds this many samples.
    pub head_samples_max: u64,
    /// A clock that leaps ahead by more than this, milliseconds, removes nothing until it has stood for a week: what is
    /// gone stays gone when the clock is set right again.
    pub clock_leap_ms: i64,
    /// Samples one query may hold in memory at once, 16 bytes each.
    pub query_points_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            raw_ms: 15 * DAY_MS,
            minute_ms: 90 * DAY_MS,
            hour_ms: 730 * DAY_MS,
            series_per_host_max: 10_000,
            series_max: 4_000_000,
            seal_after_ms: 2 * HOUR_MS,
            head_samples_max: 16_000_000,
            clock_leap_ms: 3 * DAY_MS,
            query_points_max: RAW_POINTS_MAX,
        }
    }
}

/// Points in order of time, a list for each series.
type Lists = Vec<Vec<(i64, f64)>>;

/// Everything a query looks at, swapped as one.
#[derive(Clone)]
struct View {
    /// Oldest first: later ones overrule.
    blocks: Arc<Vec<Arc<Block>>>,
    frozen: Option<Arc<Head>>,
    head: Arc<Head>,
}

#[derive(Debug, Clone, Copy)]
struct Clock {
    at_ms: i64,
    set: Instant,
}

/// A clock that only goes as fast as time does, for what cannot be undone.
#[derive(Debug, Clone, Copy)]
struct Steady {
    at_ms: i64,
    set: Instant,
    /// Since when the real one is ahead of it.
    leapt: Option<Instant>,
}

struct Inner {
    dir: PathBuf,
    options: Options,
    /// Held for the store's life: a second server on the same folder is turned away.
    _lock: File,
    /// Appends hold it shared from log to head, so that sealing never splits one.
    gate: RwLock<()>,
    wal: wal::Wal,
    index: RwLock<series::Index>,
    series_log: Mutex<series::Log>,
    view: RwLock<View>,
    /// One seal, merge or removal at a time. Holds the segments that end before a frozen head.
    upkeep: Mutex<Upkeep>,
    clock: Mutex<Option<Clock>>,
    steady: Mutex<Option<Steady>>,
    head_since: Mutex<Instant>,
    next_seq: AtomicU64,
    /// Files checked so far, over and over.
    scrubbed: AtomicU64,
    notes: Arc<Notes>,
    wake: Mutex<bool>,
    woken: Condvar,
    stop: AtomicBool,
}

#[derive(Debug, Default)]
struct Upkeep {
    frozen_before: u64,
}

/// The embedded metrics store.
pub struct Store {
    inner: Arc<Inner>,
    worker: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

fn io_error(what: &'static str) -> impl Fn(io::Error) -> MetricsError {
    move |error| MetricsError::Io { what, detail: error.to_string() }
}

fn system_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|span| i64::try_from(span.as_millis()).ok())
        .unwrap_or(0)
}

impl Store {
    /// Opens the store in `dir` (made if missing, mode 0700) and recovers what a crash left.
    ///
    /// # Errors
    /// [`MetricsError::Io`] when the folder cannot be used or another process has it open. Damaged files are no error:
    /// they are left out and reported in [`MetricsHealth`].
    pub fn open(dir: &Path, options: Options) -> Result<Self, MetricsError> {
        let inner = Arc::new(Inner::open(dir, options)?);
        let for_worker = Arc::clone(&inner);
        let worker = std::thread::Builder::new()
            .name("tsdb-seal".to_owned())
            .spawn(move || for_worker.work())
            .map_err(io_error("start the sealing thread"))?;
        if inner.view.read().head.samples() >= inner.options.head_samples_max {
            inner.wake_worker();
        }
        Ok(Self { inner, worker: Mutex::new(Some(worker)) })
    }

    /// Seals what is in memory now, whatever its age.
    ///
    /// # Errors
    /// [`MetricsError::Io`]; the samples stay in memory and in the log.
    pub fn seal(&self) -> Result<(), MetricsError> {
        self.inner.seal()
    }

    /// Reads every block file whole; what is damaged shows in [`MetricsHealth`]. [`Metrics::maintain`] does the same to
    /// one file a call.
    ///
    /// # Errors
    /// [`MetricsError::Io`] when a file cannot be read at all.
    pub fn verify(&self) -> Result<(), MetricsError> {
        let blocks = Arc::clone(&self.inner.view.read().blocks);
        blocks.iter().try_for_each(|block| block.verify()).map_err(io_error("check the block files"))
    }

    fn halt(&self) {
        self.inner.stop.store(true, Ordering::SeqCst);
        *self.inner.wake.lock() = true;
        self.inner.woken.notify_all();
        if let Some(worker) = self.worker.lock().take() {
            // The thread does not panic; if it did, there is nothing left to wait for.
            let _ = worker.join();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.halt();
    }
}

impl Inner {
    fn open(dir: &Path, options: Options) -> Result<Self, MetricsError> {
        files::private_dir(dir).map_err(io_error("make the metrics folder"))?;
        let lock = files::open_append(&dir.join("lock")).map_err(io_error("open the lock file"))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            MetricsError::Io {
                what: "lock the metrics folder",
                detail: format!(
                    "{}: another process has it open ({error}); stop that one first",
                    dir.display()
                ),
            }
        })?;
        let notes = Arc::new(Notes::default());
        let (log, mut index, found) = series::Log::open(dir).map_err(io_error("read the series file"))?;
        for report in found.reports {
            notes.damage(0, report);
        }
        notes.damaged.fetch_add(found.damaged, Ordering::Relaxed);
        let blocks = open_blocks(dir, &notes).map_err(io_error("open the block files"))?;
        let mut next_seq = 1;
        // A number is never used twice, not even that of a file set aside.
        for entry in std::fs::read_dir(dir).map_err(io_error("list the metrics folder"))? {
            let name = entry.map_err(io_error("list the metrics folder"))?.file_name();
            let number = name.to_str().and_then(|name| block::parse_name(name.trim_end_matches(".damaged")));
            next_seq = next_seq.max(number.map_or(0, |(_, seq)| seq.saturating_add(1)));
        }
        for block in &blocks {
            index.raise_next(block.series_max);
            next_seq = next_seq.max(block.seq + 1);
        }
        let head = Head::new();
        let (next_segment, wal_bytes) =
            replay(dir, &head, &mut index, &notes).map_err(io_error("read the log"))?;
        Ok(Self {
            dir: dir.to_owned(),
            options,
            _lock: lock,
            gate: RwLock::new(()),
            wal: wal::Wal::new(dir, next_segment, wal_bytes),
            index: RwLock::new(index),
            series_log: Mutex::new(log),
            view: RwLock::new(View {
                blocks: Arc::new(blocks.into_iter().map(Arc::new).collect()),
                frozen: None,
                head: Arc::new(head),
            }),
            upkeep: Mutex::default(),
            clock: Mutex::new(None),
            steady: Mutex::new(None),
            head_since: Mutex::new(Instant::now()),
            next_seq: AtomicU64::new(next_seq),
            scrubbed: AtomicU64::new(0),
            notes,
            wake: Mutex::new(false),
            woken: Condvar::new(),
            stop: AtomicBool::new(false),
        })
    }

    /// The sealing thread: waits until the head is large.
    fn work(&self) {
        loop {
            {
                let mut wake = self.wake.lock();
                while !*wake {
                    self.woken.wait(&mut wake);
                }
                *wake = false;
            }
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            if let Err(error) = self.seal() {
                self.notes.tell(format!("sealing failed and will be tried again: {error}"));
            }
        }
    }

    /// The caller's clock if it told it, else the system's.
    fn now_ms(&self) -> i64 {
        match *self.clock.lock() {
            Some(clock) => {
                clock.at_ms.saturating_add(i64::try_from(clock.set.elapsed().as_millis()).unwrap_or(i64::MAX))
            }
            None => system_ms(),
        }
    }

    fn append(&self, samples: &[Sample]) -> Result<(), MetricsError> {
        let now = self.now_ms();
        let (oldest, newest) = (now.saturating_sub(self.options.raw_ms), now.saturating_add(FUTURE_MS));
        let fits =
            |sample: &Sample| sample.value.is_finite() && sample.at_ms >= oldest && sample.at_ms <= newest;
        let known = {
            let index = self.index.read();
            samples.iter().all(|sample| fits(sample) && index.knows(sample.series))
        };
        let kept: Vec<Sample>;
        let good = if known {
            samples
        } else {
            let index = self.index.read();
            kept =
                samples.iter().copied().filter(|sample| fits(sample) && index.knows(sample.series)).collect();
            &kept
        };
        self.notes.rejected.fetch_add((samples.len() - good.len()) as u64, Ordering::Relaxed);
        if good.is_empty() {
            return Ok(());
        }
        let head_max = self.options.head_samples_max.saturating_mul(2);
        if self.view.read().head.samples() >= head_max {
            // Sealing lags or fails. Refusing is better than growing without end.
            self.wake_worker();
            let why =
                self.notes.refusing().unwrap_or_else(|| "too many samples wait to be sealed".to_owned());
            return Err(MetricsError::Io { what: "store samples", detail: why });
        }
        let bodies = good.chunks(wal::FRAME_SAMPLES).map(wal::encode_samples).collect();
        let head = {
            let _open = self.gate.read();
            if let Err(detail) = self.wal.commit(bodies) {
                self.notes.refuse(&detail);
                return Err(MetricsError::Io { what: "store samples", detail });
            }
            let head = Arc::clone(&self.view.read().head);
            head.insert(good);
            head
        };
        self.notes.writes_again();
        self.notes.accepted.fetch_add(good.len() as u64, Ordering::Relaxed);
        if head.samples() >= self.options.head_samples_max {
            self.wake_worker();
        }
        Ok(())
    }

    fn wake_worker(&self) {
        *self.wake.lock() = true;
        self.woken.notify_all();
    }

    fn seal(&self) -> Result<(), MetricsError> {
        let mut upkeep = self.upkeep.lock();
        if self.view.read().frozen.is_none() {
            let _closed = self.gate.write();
            let mut view = self.view.write();
            if view.head.samples() == 0 {
                return Ok(());
            }
            upkeep.frozen_before = self.wal.rotate();
            let full = std::mem::replace(&mut view.head, Arc::new(Head::new()));
            view.frozen = Some(full);
            *self.head_since.lock() = Instant::now();
        }
        let Some(frozen) = self.view.read().frozen.clone() else { return Ok(()) };
        let written = self.write_head(&frozen);
        let written = written.inspect_err(|error| {
            self.notes
                .tell(format!("a block could not be written, its samples stay in memory and log: {error}"));
        });
        let fresh = written.map_err(io_error("seal samples"))?;
        {
            let mut view = self.view.write();
            let mut blocks = view.blocks.as_ref().clone();
            blocks.extend(fresh.into_iter().map(Arc::new));
            view.blocks = Arc::new(blocks);
            view.frozen = None;
        }
        self.wal.remove_before(upkeep.frozen_before).map_err(io_error("remove old log segments"))
    }

    fn with_place<T>(&self, act: impl FnOnce(Place<'_>) -> T) -> T {
        act(Place { dir: &self.dir, notes: &self.notes, take_seq: &|| self.take_seq() })
    }

    fn write_head(&self, head: &Head) -> io::Result<Vec<Block>> {
        self.with_place(|place| {
            let mut out = Output::new(place, Level::Raw, false);
            for series in head.series() {
                let mut merge = Merge::default();
                head.read(series, i64::MIN, i64::MAX, None, &mut |times, values| merge.add(times, values));
                let (times, values): (Vec<i64>, Vec<f64>) = merge.finish().into_iter().unzip();
                out.raw(series, &times, &values)?;
            }
            out.finish(&[])
        })
    }

    fn take_seq(&self) -> u64 {
        self.next_seq.fetch_add(1, Ordering::SeqCst)
    }

    /// Raw points of these series, one list per series in the order asked. `None` when they are too many.
    fn raw(&self, series: &[u32], from: i64, to: i64, before: Option<i64>) -> io::Result<Option<Lists>> {
        let view = self.view.read().clone();
        let mut sorted: Vec<u32> = series.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut merges: Vec<Merge> = sorted.iter().map(|_| Merge::default()).collect();
        let reach = before.unwrap_or(from);
        let mut left = Some(self.options.query_points_max);
        let mut add = |merge: &mut Merge, times: &[i64], values: &[f64]| {
            left = left.and_then(|left| left.checked_sub(times.len()));
            if left.is_some() {
                merge.add(times, values);
            }
        };
        for block in view.blocks.iter().filter(|b| b.level == Level::Raw && b.overlaps(reach, to)) {
            block.read_raw(&sorted, from, to, before, &mut |series, times, values| {
                if let Ok(i) = sorted.binary_search(&series) {
                    add(&mut merges[i], times, values);
                }
            })?;
        }
        for head in view.frozen.iter().chain([&view.head]) {
            for (merge, &number) in merges.iter_mut().zip(&sorted) {
                head.read(number, from, to, before, &mut |times, values| add(merge, times, values));
            }
        }
        if left.is_none() {
            return Ok(None);
        }
        let points = series
            .iter()
            .map(|number| {
                let merge = sorted.binary_search(number).map(|i| std::mem::take(&mut merges[i]));
                let mut points = merge.unwrap_or_default().finish();
                // Several sources may each have given their last point before; only the nearest counts.
                let ahead = points.partition_point(|&(at, _)| at < from);
                if ahead > 1 {
                    points.drain(..ahead - 1);
                }
                points
            })
            .collect();
        Ok(Some(points))
    }

    /// Rolls of these series whose step begins in `[from, to)`, one list per series in the order asked.
    fn rolls(&self, level: Level, series: &[u32], from: i64, to: i64) -> io::Result<Vec<Vec<Roll>>> {
        let blocks = Arc::clone(&self.view.read().blocks);
        let mut sorted: Vec<u32> = series.to_vec();
        sorted.sort_unstable();
        let mut all: HashMap<u32, Vec<Roll>> = HashMap::with_capacity(sorted.len());
        let step = level.step_ms();
        for block in blocks.iter().filter(|b| b.level == level && b.overlaps(from, to.saturating_add(step))) {
            block.read_rolls(&sorted, from, to, &mut |number, rolls| {
                all.entry(number).or_default().extend_from_slice(rolls);
            })?;
        }
        Ok(series
            .iter()
            .map(|number| query::latest_rolls(all.remove(number).unwrap_or_default(), step))
            .collect())
    }

    /// Where in `[from, to)` the hours end and the minutes begin, and where the minutes end and the samples begin.
    fn split(&self, query: &RangeQuery, series: usize) -> (i64, i64) {
        let (from, to) = (query.from.as_ms(), query.to.as_ms());
        let view = self.view.read().clone();
        let first_of = |level: Level| {
            let first = view.blocks.iter().filter(|b| b.level == level).map(|b| b.first).min();
            first.map(|first| query::floor_to(first, DAY_MS))
        };
        // From here on there are samples that no roll knows of yet.
        let loose = view.blocks.iter().filter(|b| b.level == Level::Raw && !b.merged).map(|b| b.first);
        let heads = view.frozen.iter().chain([&view.head]).map(|head| head.first());
        let young = loose.chain(heads).min().unwrap_or(i64::MAX);
        let young = query::floor_to(young, DAY_MS);
        let span = to.saturating_sub(from);
        let wide = span > RAW_SPAN_MS;
        // A narrow step over a long range of many series would not fit into memory: such a query gets sums too.
        let too_many = |apart_ms: i64| (span / apart_ms).saturating_mul(series as i64) > POINTS_MAX;
        let raw_from = if wide && (query.step_ms >= Level::Minute.step_ms() || too_many(SCRAPE_MS)) {
            young
        } else {
            first_of(Level::Raw).unwrap_or(i64::MAX).min(young)
        };
        let raw_from = raw_from.clamp(from, to);
        let by_hours = query.step_ms >= Level::Hour.step_ms() || too_many(Level::Minute.step_ms());
        let minute_from = if wide && by_hours {
            raw_from
        } else {
            first_of(Level::Minute).unwrap_or(i64::MAX).clamp(from, raw_from)
        };
        (minute_from, raw_from)
    }

    fn range(&self, query: &RangeQuery) -> Result<Vec<SeriesData>, MetricsError> {
        let (from, to) = (query.from.as_ms(), query.to.as_ms());
        if from >= to {
            return Ok(Vec::new());
        }
        let chosen = self.index.read().select(&query.selector, query.series_max);
        let numbers: Vec<u32> = chosen.iter().map(|(number, _)| *number).collect();
        let (minute_from, raw_from) = self.split(query, numbers.len());
        let mut answers: Vec<Steps> = chosen
            .iter()
            .map(|(_, series)| Steps::new(query.step_ms, query.rate && series.counter))
            .collect();
        let failed = io_error("read samples");
        let mut tier = Tier::Raw;
        for (level, low, high) in [(Level::Hour, from, minute_from), (Level::Minute, minute_from, raw_from)] {
            if low >= high {
                continue;
            }
            if tier == Tier::Raw {
                tier = if level == Level::Hour { Tier::Hour } else { Tier::Minute };
            }
            // The step that `from` lies in counts whole.
            let low = query::floor_to(low, level.step_ms());
            let rolls = self.rolls(level, &numbers, low, high).map_err(&failed)?;
            for (answer, rolls) in answers.iter_mut().zip(&rolls) {
                answer.add_rolls(rolls, level.step_ms());
            }
        }
        if raw_from < to {
            let before = query.rate.then(|| raw_from.saturating_sub(query::RATE_GAP_MS));
            let points =
                self.raw(&numbers, raw_from, to, before).map_err(&failed)?.ok_or(MetricsError::Limit {
                    what: "samples in one query: ask for a shorter range or fewer series",
                    limit: self.options.query_points_max as u64,
                })?;
            for (answer, points) in answers.iter_mut().zip(&points) {
                answer.add_samples(points, raw_from);
            }
        }
        Ok(chosen
            .into_iter()
            .zip(answers)
            .map(|((_, series), steps)| SeriesData { series, tier, points: steps.finish() })
            .collect())
    }

    fn maintain(&self, now: Timestamp) -> Result<(), MetricsError> {
        let now = now.as_ms();
        *self.clock.lock() = Some(Clock { at_ms: now, set: Instant::now() });
        let age = self.head_since.lock().elapsed();
        let old = i64::try_from(age.as_millis()).unwrap_or(i64::MAX) >= self.options.seal_after_ms;
        // At the end of a day, so that its merge finds it whole.
        let today = query::floor_to(now.saturating_sub(SETTLE_MS), DAY_MS);
        let yesterdays = self.view.read().head.first() < today;
        let due = old || yesterdays || self.view.read().frozen.is_some();
        let sealed = if due { self.seal() } else { Ok(()) };
        let merged = self.merge(now).map_err(io_error("merge blocks"));
        // One step that fails keeps none of the others: on a full disk, it is the removal of old blocks that makes room.
        let retained =
            self.retain(self.steady_ms(now), merged.is_err()).map_err(io_error("remove old blocks"));
        let scrubbed = self.scrub().map_err(io_error("check a block file"));
        sealed.and(merged).and(retained).and(scrubbed)
    }

    /// `now` for removing things: what a clock that leapt would take away is kept until the leap proves to be none. Starts
    /// from the newest sample there is, so that a wrong clock at the start is noticed too.
    fn steady_ms(&self, now: i64) -> i64 {
        let mut steady = self.steady.lock();
        let newest = || self.view.read().blocks.iter().map(|block| block.last).max().unwrap_or(now).min(now);
        let known =
            steady.get_or_insert_with(|| Steady { at_ms: newest(), set: Instant::now(), leapt: None });
        let passed = i64::try_from(known.set.elapsed().as_millis()).unwrap_or(i64::MAX);
        let expected = known.at_ms.saturating_add(passed);
        let ahead = now.saturating_sub(expected);
        if ahead > self.options.clock_leap_ms {
            let since = *known.leapt.get_or_insert_with(|| {
                self.notes.tell(format!(
                    "the clock is {} days ahead of the samples: nothing is removed until it has stood for a week",
                    ahead / DAY_MS
                ));
                Instant::now()
            });
            if since.elapsed() < LEAP_BELIEVED {
                return expected;
            }
        }
        *known = Steady { at_ms: now, set: Instant::now(), leapt: None };
        now
    }

    /// Checks one block file, another one each time: damage should be known before somebody needs the data.
    fn scrub(&self) -> io::Result<()> {
        let blocks = Arc::clone(&self.view.read().blocks);
        let turn = self.scrubbed.fetch_add(1, Ordering::Relaxed);
        match usize::try_from(turn).ok().and_then(|turn| turn.checked_rem(blocks.len())) {
            Some(i) => blocks[i].verify(),
            None => Ok(()),
        }
    }

    /// Days that are over become one file each, with their minutes and hours.
    fn merge(&self, now: i64) -> io::Result<()> {
        let _upkeep = self.upkeep.lock();
        let blocks = Arc::clone(&self.view.read().blocks);
        let of = |level: Level| -> Vec<Arc<Block>> {
            blocks.iter().filter(|b| b.level == level).cloned().collect()
        };
        let raw = of(Level::Raw);
        let today = query::floor_to(now.saturating_sub(SETTLE_MS), DAY_MS);
        let loose: Vec<&Arc<Block>> = raw.iter().filter(|b| !b.merged).collect();
        let is_counter = |number: u32| self.index.read().meta(number).is_some_and(|meta| meta.counter);
        if loose.iter().any(|b| b.first < today) || loose.len() > LOOSE_MAX {
            let rolled: Vec<Arc<Block>> = blocks.iter().filter(|b| b.level != Level::Raw).cloned().collect();
            let merged =
                self.with_place(|place| merge::merge_days(place, &raw, &rolled, today, &is_counter))?;
            self.swap(merged)?;
        }
        let single: Vec<Arc<Block>> = of(Level::Hour).into_iter().filter(|b| !b.merged).collect();
        if single.len() > HOURS_LOOSE_MAX {
            let merged = self.with_place(|place| merge::merge_hours(place, &single, &is_counter))?;
            self.swap(merged)?;
        }
        Ok(())
    }

    /// Puts a merge's files in the place of those it took over.
    fn swap(&self, merged: Merged) -> io::Result<()> {
        let mut gone = Vec::new();
        {
            let mut view = self.view.write();
            let (old, mut kept): (Vec<Arc<Block>>, Vec<Arc<Block>>) =
                view.blocks.iter().cloned().partition(|b| merged.gone.contains(&(b.level, b.seq)));
            gone.extend(old);
            kept.extend(merged.made.into_iter().map(Arc::new));
            kept.sort_by_key(|block| (block.level, block.seq));
            view.blocks = Arc::new(kept);
        }
        for block in gone {
            block.remove()?;
        }
        files::sync_dir(&self.dir)
    }

    /// Removes what is older than its time. `unmerged_stay`: days that could not be summed up get as long again.
    fn retain(&self, now: i64, unmerged_stay: bool) -> io::Result<()> {
        let _upkeep = self.upkeep.lock();
        let keep = |block: &Block| {
            let span = match block.level {
                Level::Raw if unmerged_stay && !block.merged => self.options.raw_ms.saturating_mul(2),
                Level::Raw => self.options.raw_ms,
                Level::Minute => self.options.minute_ms,
                Level::Hour => self.options.hour_ms,
            };
            block.last >= now.saturating_sub(span)
        };
        let gone: Vec<Arc<Block>> = self.view.read().blocks.iter().filter(|b| !keep(b)).cloned().collect();
        if gone.is_empty() {
            return Ok(());
        }
        {
            let mut view = self.view.write();
            view.blocks = Arc::new(view.blocks.iter().filter(|b| keep(b)).cloned().collect());
        }
        for block in gone {
            block.remove()?;
        }
        files::sync_dir(&self.dir)
    }

    fn health(&self) -> MetricsHealth {
        let view = self.view.read().clone();
        let wal_bytes = self.wal.bytes();
        // One lock after the other: new series take the log first and the index below it, and a guard inside the value
        // below would live until the whole of it is made.
        let series = self.index.read().len() as u64;
        let log_bytes = self.series_log.lock().bytes();
        MetricsHealth {
            series,
            samples_accepted: self.notes.accepted.load(Ordering::Relaxed),
            samples_rejected: self.notes.rejected.load(Ordering::Relaxed),
            bytes_on_disk: view.blocks.iter().map(|b| b.bytes).sum::<u64>() + wal_bytes + log_bytes,
            wal_bytes,
            corrupt_blocks: self.notes.damaged.load(Ordering::Relaxed),
            reports: self.notes.reports(),
            refusing: self.notes.refusing(),
        }
    }
}

/// Opens the block files, removes temp files and what another file took over.
fn open_blocks(dir: &Path, notes: &Arc<Notes>) -> io::Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str() else { continue };
        if name.ends_with(files::TEMP_SUFFIX) {
            std::fs::remove_file(entry.path())?;
            continue;
        }
        let Some((level, seq)) = block::parse_name(name) else { continue };
        match Block::open(&entry.path(), level, seq, notes) {
            Ok(block) => blocks.push(block),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
                    || files::is_unreadable(&error) =>
            {
                let mut aside = entry.path().into_os_string();
                aside.push(".damaged");
                std::fs::rename(entry.path(), &aside)?;
                notes.damage(
                    1,
                    format!(
                        "{}: cannot be read ({error}): set aside as {}",
                        entry.path().display(),
                        aside.display()
                    ),
                );
            }
            Err(error) => return Err(error),
        }
    }
    blocks.sort_by_key(|block| (block.level, block.seq));
    let replaced: Vec<(Level, u64)> =
        blocks.iter().flat_map(|b| b.replaces.iter().map(|&seq| (b.level, seq))).collect();
    let (gone, kept): (Vec<Block>, Vec<Block>) =
        blocks.into_iter().partition(|block| replaced.contains(&(block.level, block.seq)));
    for block in gone {
        block.remove()?;
    }
    Ok(with_rolls_missed(kept, notes))
}

/// A merged day whose minutes or hours are lost counts as unmerged: its samples answer, and the next merge makes the
/// rolls anew.
fn with_rolls_missed(mut blocks: Vec<Block>, notes: &Notes) -> Vec<Block> {
    let rolls: Vec<(Level, i64, i64)> = blocks.iter().map(|b| (b.level, b.first, b.last)).collect();
    for block in blocks.iter_mut().filter(|block| block.level == Level::Raw && block.merged) {
        let has = |level: Level| {
            rolls.iter().any(|&(l, first, last)| l == level && first <= block.last && last >= block.first)
        };
        if !(has(Level::Minute) && has(Level::Hour)) {
            block.merged = false;
            notes.tell(format!(
                "{}: its minutes or hours are missing and will be made again",
                file_name(block)
            ));
        }
    }
    blocks
}

fn file_name(block: &Block) -> String {
    block::file_name(block.level, block.seq)
}

/// Reads the log back into the head. Gives the next segment's number and the bytes in the segments.
fn replay(dir: &Path, head: &Head, index: &mut series::Index, notes: &Notes) -> io::Result<(u64, u64)> {
    let (mut next, mut bytes) = (1, 0);
    let mut samples = Vec::new();
    for (number, path) in wal::segments(dir)? {
        next = number + 1;
        let (data, unreadable) = files::read_through(&path)?;
        bytes += data.len() as u64;
        if unreadable > 0 {
            notes.damage(1, format!("{}: the disk does not give {unreadable} bytes of it", path.display()));
        }
        let Some((salt, hurt)) = frame::read_file_head(FileKind::Wal, &data) else {
            if data.len() >= frame::FILE_HEAD {
                notes.damage(1, format!("{}: no readable head: left out", path.display()));
            } else {
                notes.tell(format!("{}: begun and never written to", path.display()));
            }
            continue;
        };
        if hurt {
            notes.damage(1, format!("{}: one copy of the head is damaged", path.display()));
        }
        for found in Scan::new(&data, salt) {
            match found {
                Found::Frame { kind: Kind::Samples, body, at } => {
                    samples.clear();
                    if wal::decode_samples(&data[body], &mut samples).is_none() {
                        notes
                            .damage(1, format!("{}: the record at byte {at} makes no sense", path.display()));
                        continue;
                    }
                    for sample in &samples {
                        index.raise_next(sample.series.0);
                    }
                    let before = samples.len();
                    samples.retain(|sample| index.knows(sample.series));
                    if samples.len() < before {
                        notes.damage(
                            1,
                            format!(
                                "{}: {} samples of series whose names are lost",
                                path.display(),
                                before - samples.len()
                            ),
                        );
                    }
                    head.insert(&samples);
                }
                Found::Frame { at, .. } => {
                    notes
                        .damage(1, format!("{}: the record at byte {at} is of another kind", path.display()));
                }
                Found::Bad { range, tail } => {
                    let what = if tail { "a torn end, never confirmed, or damage" } else { "damaged" };
                    notes.damage(
                        1,
                        format!("{}: bytes {} to {} are {what}", path.display(), range.start, range.end),
                    );
                }
            }
        }
    }
    Ok((next, bytes))
}

impl Metrics for Store {
    fn resolve(&self, series: &[SeriesMeta]) -> Result<Vec<SeriesRef>, MetricsError> {
        let inner = &self.inner;
        let limits =
            series::Limits { per_host: inner.options.series_per_host_max, total: inner.options.series_max };
        inner.series_log.lock().resolve(&inner.index, series, limits, &|what| inner.notes.tell(what))
    }

    fn append(&self, samples: &[Sample]) -> Result<(), MetricsError> {
        self.inner.append(samples)
    }

    fn range(&self, query: &RangeQuery) -> Result<Vec<SeriesData>, MetricsError> {
        self.inner.range(query)
    }

    fn series_of(&self, host: HostId) -> Vec<SeriesMeta> {
        self.inner.index.read().of_host(host)
    }

    fn maintain(&self, now: Timestamp) -> Result<(), MetricsError> {
        self.inner.maintain(now)
    }

    fn close(&self) -> Result<(), MetricsError> {
        // Every append was synced when it returned; only the thread is left to end.
        self.halt();
        Ok(())
    }

    fn health(&self) -> MetricsHealth {
        self.inner.health()
    }
}
