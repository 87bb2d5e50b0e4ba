//! What each host last reported, for the built-in checks: the newest values of the few metrics that rules look at, and
//! a short history where a rule wants a mean or a rate.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use wk_domain::Timestamp;
use wk_domain::builtin::{CertificateView, HostView, Labels};

use crate::ports::metrics::{SeriesMeta, SeriesRef};

/// Metrics that rules look at. Everything else goes to the metrics store only.
const WATCHED: [&str; 9] =
    ["fs.", "memory.", "swap.", "load.", "pressure.", "clock.", "systemd.", "cpu.count", "uptime"];
/// Metrics with a history.
const WITH_HISTORY: [&str; 5] = ["swap.in.", "swap.out.", "pressure.", "load.", "memory.available"];
/// How long a history is, and how old a value may be to count.
const HISTORY: Duration = Duration::from_secs(15 * 60);
const FRESH: Duration = Duration::from_secs(120);
/// Values kept per series with a history: fifteen minutes at ten seconds.
const RING_MAX: usize = 96;
/// A machine's clock is off when its link measures more than this: a slow network delays, but not by this much.
const CLOCK_OFF_MS: u64 = 5_000;
/// Watched series per host; hosts with more filesystems than that have other worries.
const SERIES_MAX: usize = 4096;

#[derive(Debug)]
struct Series {
    labels: Vec<(String, String)>,
    keep: usize,
    values: VecDeque<(i64, f64)>,
}

/// The newest values of one host.
#[derive(Debug, Default)]
pub struct Latest {
    series: HashMap<SeriesRef, Series>,
    by_name: HashMap<String, Vec<SeriesRef>>,
    writable: HashSet<String>,
    /// When the built-in checks were last evaluated.
    pub(crate) evaluated: Option<Timestamp>,
}

impl Latest {
    /// Takes note of a series, if a rule looks at it.
    pub(crate) fn define(&mut self, id: SeriesRef, meta: &SeriesMeta) {
        let name = meta.key.name.as_str();
        if id == SeriesRef::NONE
            || self.series.len() >= SERIES_MAX
            || self.series.contains_key(&id)
            || !WATCHED.iter().any(|prefix| name.starts_with(prefix))
        {
            return;
        }
        let keep = if WITH_HISTORY.iter().any(|prefix| name.starts_with(prefix)) { RING_MAX } else { 1 };
        self.series.insert(id, Series { labels: meta.key.labels.clone(), keep, values: VecDeque::new() });
        self.by_name.entry(name.to_owned()).or_default().push(id);
    }

    /// Takes a value in. Older than the newest: only the metrics store wants it, unless the newest came from a clock
    /// that ran ahead and was set right since; such a value would stand for as long as the clock was wrong.
    pub(crate) fn put(&mut self, id: SeriesRef, at_ms: i64, value: f64, now: Timestamp) {
        let Some(series) = self.series.get_mut(&id) else { return };
        let ahead = (now + FRESH).as_ms();
        match series.values.back() {
            Some((newest, _)) if *newest > ahead && at_ms <= ahead => series.values.clear(),
            Some((newest, _)) if *newest >= at_ms => return,
            Some(_) | None => {}
        }
        if series.values.len() >= series.keep {
            series.values.pop_front();
        }
        series.values.push_back((at_ms, value));
        let readonly = self.by_name.get("fs.readonly").is_some_and(|ids| ids.contains(&id));
        if readonly && value == 0.0 {
            let mount =
                series.labels.iter().find(|(name, _)| name == "mount").map(|(_, mount)| mount.clone());
            self.writable.extend(mount);
        }
    }

    /// How far the machine's clock is ahead, in milliseconds, if it was off when its link measured it last (`measured_ms`) and what it
    /// sends still shows the same; 0 else. A kernel without a time source does not know, and says nothing.
    pub(crate) fn clock_ahead_ms(&self, measured_ms: Option<i64>, now: Timestamp) -> i64 {
        let newest = self.find("load.1", &[]).and_then(|series| series.values.back());
        match (measured_ms, newest) {
            (Some(measured), Some((newest, _))) if measured.unsigned_abs() >= CLOCK_OFF_MS => {
                let seen = newest.saturating_sub(now.as_ms());
                let same = seen.abs_diff(measured) <= u64::try_from(FRESH.as_millis()).unwrap_or(u64::MAX);
                if same { measured } else { 0 }
            }
            _ => 0,
        }
    }

    fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Series> {
        self.by_name.get(name)?.iter().filter_map(|id| self.series.get(id)).find(|series| {
            series.labels.len() == labels.len()
                && labels
                    .iter()
                    .all(|(n, v)| series.labels.iter().any(|(name, value)| name == n && value == v))
        })
    }
}

/// A host as the rules see it at one instant.
pub(crate) struct View<'a> {
    pub(crate) latest: &'a Latest,
    pub(crate) now: Timestamp,
    pub(crate) certificates: Vec<CertificateView>,
    /// Mount points whose read-only check exists: they were writable when it was made.
    pub(crate) was_writable: &'a dyn Fn(&str) -> bool,
    /// See [`Latest::clock_ahead_ms`]: the machine's values are of an instant this much later than ours.
    pub(crate) clock_ahead_ms: i64,
}

impl View<'_> {
    fn fresh(&self, at_ms: i64) -> bool {
        // A clock that runs ahead is the clock check's matter: its values count.
        self.now.since(Timestamp::from_ms(at_ms.saturating_sub(self.clock_ahead_ms))) <= FRESH
    }

    fn window<'s>(&self, series: &'s Series, window: Duration) -> impl Iterator<Item = (i64, f64)> + use<'s> {
        let from = (self.now - window.min(HISTORY)).as_ms().saturating_add(self.clock_ahead_ms);
        series.values.iter().copied().filter(move |(at, _)| *at >= from)
    }
}

impl HostView for View<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn value(&self, name: &str, labels: Labels<'_>) -> Option<f64> {
        if name == "clock.offset" && self.clock_ahead_ms != 0 {
            return Some(self.clock_ahead_ms as f64 / 1e3);
        }
        let (at, value) = *self.latest.find(name, labels)?.values.back()?;
        self.fresh(at).then_some(value)
    }

    fn each_label_set(&self, name: &str, visit: &mut dyn FnMut(Labels<'_>)) {
        for id in self.latest.by_name.get(name).into_iter().flatten() {
            let Some(series) = self.latest.series.get(id) else { continue };
            if series.values.back().is_some_and(|(at, _)| self.fresh(*at)) {
                let labels: Vec<(&str, &str)> =
                    series.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                visit(&labels);
            }
        }
    }

    fn average(&self, name: &str, labels: Labels<'_>, window: Duration) -> Option<f64> {
        let series = self.latest.find(name, labels)?;
        let (sum, count) = self.window(series, window).fold((0.0, 0u32), |(sum, n), (_, v)| (sum + v, n + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    fn minimum(&self, name: &str, labels: Labels<'_>, window: Duration) -> Option<f64> {
        let series = self.latest.find(name, labels)?;
        self.window(series, window).map(|(_, value)| value).reduce(f64::min)
    }

    fn rate(&self, name: &str, labels: Labels<'_>, window: Duration) -> Option<f64> {
        let series = self.latest.find(name, labels)?;
        let mut before: Option<(i64, f64)> = None;
        let (mut growth, mut span_ms) = (0.0, 0i64);
        for (at, value) in self.window(series, window) {
            if let Some((earlier, old)) = before
                && value >= old
            {
                growth += value - old;
                span_ms += at - earlier;
            }
            before = Some((at, value));
        }
        (span_ms > 0).then(|| growth * 1000.0 / span_ms as f64)
    }

    fn seen_writable(&self, mount: &str) -> bool {
        self.latest.writable.contains(mount) || (self.was_writable)(mount)
    }

    fn certificates(&self) -> Vec<CertificateView> {
        self.certificates.clone()
    }
}
