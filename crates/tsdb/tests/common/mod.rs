//! A store in a temporary folder, and short ways to fill and ask it.
#![allow(dead_code)] // each test binary uses its part

use std::path::PathBuf;

use wk_domain::{HostId, Timestamp};
use wk_engine::ports::metrics::{Metrics, RangeQuery, Selector, SeriesKey, SeriesMeta};
use wk_tsdb::{Options, Store};

/// A fixed "now" of the tests: 2026-11-20T00:00:00Z, the beginning of a UTC day.
pub(crate) const T0: i64 = 1_795_132_800_000;

pub(crate) fn host(n: u8) -> HostId {
    HostId::new(1_000, [n; 10])
}

pub(crate) fn key(n: u8, name: &str) -> SeriesMeta {
    SeriesMeta {
        key: SeriesKey { host: host(n), name: name.to_owned(), labels: Vec::new() },
        unit: "1".to_owned(),
        counter: false,
    }
}

pub(crate) fn counter(n: u8, name: &str) -> SeriesMeta {
    SeriesMeta { counter: true, ..key(n, name) }
}

pub(crate) fn select(n: u8, name: &str, from: i64, to: i64, step_ms: i64) -> RangeQuery {
    RangeQuery {
        selector: Selector { host: host(n), name: name.to_owned(), labels: Vec::new() },
        from: Timestamp::from_ms(from),
        to: Timestamp::from_ms(to),
        step_ms,
        rate: false,
        series_max: 100_000,
    }
}

pub(crate) struct Fixture {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) options: Options,
    store: Option<Store>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut fixture = Self { dir, options, store: None };
        fixture.reopen();
        fixture
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    pub(crate) fn reopen(&mut self) {
        self.store = None;
        let store = Store::open(&self.dir.path().join("tsdb"), self.options.clone()).expect("open");
        store.maintain(Timestamp::from_ms(T0)).expect("maintain");
        self.store = Some(store);
    }

    pub(crate) fn shut(&mut self) {
        self.store = None;
    }

    pub(crate) fn raw(&self, n: u8, name: &str, from: i64, to: i64) -> Vec<(i64, f64)> {
        let mut found = self.store().range(&select(n, name, from, to, 1)).expect("range");
        found.pop().map(|data| data.points.iter().map(|p| (p.at_ms, p.last)).collect()).unwrap_or_default()
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.dir.path().join("tsdb"))
            .expect("folder")
            .map(|entry| entry.expect("entry").path())
            .collect();
        files.sort();
        files
    }
}
