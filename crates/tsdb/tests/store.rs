//! The store through its port: what is stored comes back, across reopening, sealing and hostile input.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test says what it expected by failing

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Fixture, T0, counter, key, select};
use wk_domain::Timestamp;
use wk_engine::ports::metrics::{Metrics, MetricsError, Sample, SeriesRef, Tier};
use wk_tsdb::{Options, Store};

#[test]
fn what_was_acknowledged_is_there_after_reopening_and_after_sealing() {
    let mut fixture = Fixture::new();
    let refs = fixture.store().resolve(&[key(1, "cpu.user"), key(1, "mem.used")]).expect("resolve");
    for i in 0..100 {
        let at_ms = T0 + i * 10_000;
        let batch: Vec<Sample> = refs
            .iter()
            .map(|&series| Sample { series, at_ms, value: i as f64 + f64::from(series.0) })
            .collect();
        fixture.store().append(&batch).expect("append");
    }
    for step in 0..3 {
        let points = fixture.raw(1, "cpu.user", T0, T0 + 1_000_000);
        assert_eq!(points.len(), 100, "step {step}");
        assert_eq!(points[99], (T0 + 990_000, 99.0 + f64::from(refs[0].0)));
        match step {
            0 => fixture.reopen(),
            1 => fixture.store().seal().expect("seal"),
            _ => {}
        }
    }
    fixture.reopen();
    assert_eq!(fixture.raw(1, "mem.used", T0, T0 + 1_000_000).len(), 100);
    let again = fixture.store().resolve(&[key(1, "mem.used"), key(1, "cpu.user")]).expect("resolve");
    assert_eq!(again, [refs[1], refs[0]], "short names survive restarts");
}

#[test]
fn the_last_write_of_an_instant_wins_wherever_the_first_one_went() {
    let mut fixture = Fixture::new();
    let series = fixture.store().resolve(&[key(1, "x")]).expect("resolve")[0];
    let put = |fixture: &Fixture, at: i64, value: f64| {
        fixture.store().append(&[Sample { series, at_ms: T0 + at, value }]).expect("append");
    };
    put(&fixture, 20_000, 1.0);
    put(&fixture, 10_000, 2.0);
    fixture.store().seal().expect("seal");
    put(&fixture, 20_000, 3.0);
    put(&fixture, 15_000, 4.0);
    put(&fixture, 15_000, 5.0);
    let expected = vec![(T0 + 10_000, 2.0), (T0 + 15_000, 5.0), (T0 + 20_000, 3.0)];
    assert_eq!(fixture.raw(1, "x", T0, T0 + 60_000), expected);
    fixture.reopen();
    assert_eq!(fixture.raw(1, "x", T0, T0 + 60_000), expected);
    fixture.store().seal().expect("seal");
    assert_eq!(fixture.raw(1, "x", T0, T0 + 60_000), expected);
}

#[test]
fn bad_samples_are_counted_and_left_out() {
    let fixture = Fixture::new();
    let series = fixture.store().resolve(&[key(1, "x")]).expect("resolve")[0];
    let sample = |at_ms, value| Sample { series, at_ms, value };
    fixture
        .store()
        .append(&[
            sample(T0, f64::NAN),
            sample(T0, f64::INFINITY),
            sample(T0 + 2 * 86_400_000, 1.0),
            sample(T0 - 400 * 86_400_000, 1.0),
            Sample { series: SeriesRef(999), at_ms: T0, value: 1.0 },
            sample(T0 + 10, 1.0),
        ])
        .expect("append");
    let health = fixture.store().health();
    assert_eq!((health.samples_accepted, health.samples_rejected), (1, 5));
    assert_eq!(fixture.raw(1, "x", T0 - 1000, T0 + 1000), [(T0 + 10, 1.0)]);
}

#[test]
fn a_series_too_many_costs_itself_and_not_its_host() {
    let fixture = Fixture::with(Options { series_per_host_max: 2, series_max: 3, ..Options::default() });
    let store = fixture.store();
    let none = SeriesRef::NONE;
    store.resolve(&[key(1, "a")]).expect("resolve");
    // A dictionary that grows by one name must not take the names before it along.
    let refs =
        store.resolve(&[key(1, "a"), key(1, "b"), key(1, "c"), key(1, &"x".repeat(2_000))]).expect("resolve");
    assert!(refs[0] != none && refs[1] != none);
    assert_eq!(refs[2..], [none, none]);
    assert_eq!(store.health().series, 2);
    let batch: Vec<Sample> = refs.iter().map(|&series| Sample { series, at_ms: T0, value: 1.0 }).collect();
    store.append(&batch).expect("append");
    assert_eq!((store.health().samples_accepted, store.health().samples_rejected), (2, 2));
    assert!(store.resolve(&[key(2, "a")]).expect("resolve")[0] != none);
    assert_eq!(
        store.resolve(&[key(3, "a"), key(3, "b")]).expect("resolve"),
        [none, none],
        "the store is full"
    );
    assert_eq!(store.resolve(&[key(1, "b"), key(2, "a")]).expect("resolve").len(), 2);
    let reports = store.health().reports;
    assert_eq!(
        reports.iter().filter(|r| r.contains("are not stored")).count(),
        2,
        "once a host: {reports:?}"
    );
}

#[test]
fn an_agent_that_changes_its_mind_for_ever_does_not_fill_the_disk() {
    let mut fixture = Fixture::with(Options { series_per_host_max: 3_000, ..Options::default() });
    let flip = |fixture: &Fixture, times: usize| {
        for i in 0..times {
            let mut meta = key(1, "x");
            meta.unit = ["B", "s"][i % 2].to_owned();
            fixture.store().resolve(&[meta]).expect("resolve");
        }
    };
    let log = fixture.dir.path().join("tsdb/series.log");
    let size = || std::fs::metadata(&log).expect("stat").len();
    flip(&fixture, 3_500);
    let grown = size();
    flip(&fixture, 100);
    assert_eq!(size(), grown, "changes are bounded");
    let unit = fixture.store().series_of(common::host(1))[0].unit.clone();
    fixture.reopen();
    assert!(size() < 500, "what was overruled is dropped at the next start: {} bytes", size());
    assert_eq!(fixture.store().series_of(common::host(1))[0].unit, unit);
    assert_eq!(fixture.store().health().corrupt_blocks, 0);
}

#[test]
fn a_query_that_would_not_fit_into_memory_is_refused() {
    let fixture = Fixture::with(Options { query_points_max: 1_000, ..Options::default() });
    let series = fixture.store().resolve(&[key(1, "x")]).expect("resolve")[0];
    let batch: Vec<Sample> = (0..1_500).map(|i| Sample { series, at_ms: T0 + i, value: i as f64 }).collect();
    fixture.store().append(&batch).expect("append");
    for _ in 0..2 {
        let refused = fixture.store().range(&select(1, "x", T0, T0 + 10_000, 1_000));
        assert!(matches!(refused, Err(MetricsError::Limit { limit: 1_000, .. })), "{refused:?}");
        assert_eq!(fixture.raw(1, "x", T0, T0 + 500).len(), 500);
        fixture.store().seal().expect("seal");
    }
}

#[test]
fn files_with_absurd_numbers_stop_nothing() {
    let mut fixture = Fixture::new();
    fixture.shut();
    for name in
        ["wal-18446744073709551615.log", "raw-18446744073709551615.blk", "wal-4611686018427387904.log"]
    {
        std::fs::write(fixture.dir.path().join("tsdb").join(name), b"x").expect("write");
    }
    fixture.reopen();
    let series = fixture.store().resolve(&[key(1, "x")]).expect("resolve")[0];
    fixture.store().append(&[Sample { series, at_ms: T0, value: 1.0 }]).expect("append");
    fixture.store().seal().expect("seal");
    fixture.reopen();
    assert_eq!(fixture.raw(1, "x", T0, T0 + 1), [(T0, 1.0)]);
}

#[test]
fn a_prefix_selects_its_series_and_labels_narrow_it() {
    let fixture = Fixture::new();
    let mut labelled = key(1, "disk.read.bytes");
    labelled.key.labels = vec![("disk".to_owned(), "sda".to_owned())];
    let series = fixture.store().resolve(&[
        labelled,
        key(1, "disk.write.bytes"),
        key(1, "diskette"),
        key(2, "disk.read.bytes"),
    ]);
    let series = series.expect("resolve");
    let batch: Vec<Sample> = series.iter().map(|&series| Sample { series, at_ms: T0, value: 1.0 }).collect();
    fixture.store().append(&batch).expect("append");
    let found = fixture.store().range(&select(1, "disk.", T0, T0 + 1, 1)).expect("range");
    let names: Vec<&str> = found.iter().map(|f| f.series.key.name.as_str()).collect();
    assert_eq!(names, ["disk.read.bytes", "disk.write.bytes"]);
    let mut query = select(1, "disk.", T0, T0 + 1, 1);
    query.selector.labels = vec![("disk".to_owned(), "sda".to_owned())];
    assert_eq!(fixture.store().range(&query).expect("range").len(), 1);
    query.selector.labels = vec![("disk".to_owned(), "sdb".to_owned())];
    assert!(fixture.store().range(&query).expect("range").is_empty());
}

#[test]
fn a_second_store_on_the_same_folder_is_turned_away() {
    let fixture = Fixture::new();
    let refused = Store::open(&fixture.dir.path().join("tsdb"), Options::default());
    assert!(
        matches!(&refused, Err(MetricsError::Io { detail, .. }) if detail.contains("another process")),
        "{refused:?}"
    );
}

#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new();
    let series = fixture.store().resolve(&[key(1, "x")]).expect("resolve")[0];
    fixture.store().append(&[Sample { series, at_ms: T0, value: 1.0 }]).expect("append");
    fixture.store().seal().expect("seal");
    fixture.store().append(&[Sample { series, at_ms: T0 + 1, value: 1.0 }]).expect("append");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("stat").permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.dir.path().join("tsdb")), 0o700);
    for file in fixture.files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn samples_go_when_their_time_is_over_and_their_sums_when_theirs_is() {
    // Two years in a few steps: this clock may leap.
    let fixture = Fixture::with(Options { clock_leap_ms: i64::MAX, ..Options::default() });
    let series = fixture.store().resolve(&[key(1, "x")]).expect("resolve")[0];
    for i in 0..360 {
        fixture
            .store()
            .append(&[Sample { series, at_ms: T0 + i * 10_000, value: i as f64 }])
            .expect("append");
    }
    let day = 86_400_000;
    let ask =
        |step_ms| fixture.store().range(&select(1, "x", T0, T0 + day, step_ms)).expect("range").remove(0);
    fixture.store().maintain(Timestamp::from_ms(T0 + 14 * day)).expect("maintain");
    assert_eq!((ask(1).tier, ask(1).points.len()), (Tier::Raw, 360));
    fixture.store().maintain(Timestamp::from_ms(T0 + 17 * day)).expect("maintain");
    let minutes = ask(1);
    assert_eq!((minutes.tier, minutes.points.len()), (Tier::Minute, 60));
    let second = minutes.points[1];
    assert_eq!(
        (second.at_ms, second.min, second.max, second.avg, second.last, second.count),
        (T0 + 60_000, 6.0, 11.0, 8.5, 11.0, 6)
    );
    fixture.store().maintain(Timestamp::from_ms(T0 + 92 * day)).expect("maintain");
    let hours = ask(1);
    assert_eq!((hours.tier, hours.points.len(), hours.points[0].count), (Tier::Hour, 1, 360));
    assert_eq!(hours.points[0].avg, 179.5);
    fixture.store().maintain(Timestamp::from_ms(T0 + 732 * day)).expect("maintain");
    assert!(ask(1).points.is_empty());
    let blocks =
        fixture.files().into_iter().filter(|path| path.extension().is_some_and(|e| e == "blk")).count();
    assert_eq!(blocks, 0);
}

#[test]
fn a_clock_that_leaps_ahead_and_is_set_right_again_takes_nothing_along() {
    let day = 86_400_000;
    let mut fixture = Fixture::new();
    let series = fixture.store().resolve(&[key(1, "x")]).expect("resolve")[0];
    for i in 0..100 {
        fixture
            .store()
            .append(&[Sample { series, at_ms: T0 + i * 10_000, value: i as f64 }])
            .expect("append");
    }
    fixture.store().maintain(Timestamp::from_ms(T0 + day + day / 2)).expect("maintain");
    let all = |fixture: &Fixture| fixture.raw(1, "x", T0, T0 + day).len();
    for years in [2, 70] {
        fixture.store().maintain(Timestamp::from_ms(T0 + years * 365 * day)).expect("maintain");
        assert_eq!(all(&fixture), 100);
    }
    let told = fixture.store().health().reports.iter().filter(|r| r.contains("ahead of the samples")).count();
    assert_eq!(told, 1);
    // Wrong at the start of the server, too. It is a restart that would have trusted it blindly.
    fixture.shut();
    let folder = fixture.dir.path().join("tsdb");
    let store = Store::open(&folder, Options::default()).expect("open");
    store.maintain(Timestamp::from_ms(T0 + 3_000 * day)).expect("maintain");
    drop(store);
    fixture.reopen();
    fixture.store().maintain(Timestamp::from_ms(T0 + 2 * day)).expect("maintain");
    assert_eq!(all(&fixture), 100);
    // And backwards: older than the newest, nothing happens.
    fixture.store().maintain(Timestamp::from_ms(T0 - 400 * day)).expect("maintain");
    assert_eq!(all(&fixture), 100);
}

#[test]
fn files_stay_few_however_long_it_runs() {
    let day = 86_400_000;
    let options = Options { raw_ms: 4 * day, minute_ms: 10 * day, ..Options::default() };
    let fixture = Fixture::with(options);
    let series = fixture.store().resolve(&[counter(1, "x")]).expect("resolve")[0];
    let hour = 3_600_000;
    let mut most = 0;
    for i in 0..40 * 24 {
        let at_ms = T0 + i * hour;
        fixture.store().maintain(Timestamp::from_ms(at_ms)).expect("maintain");
        fixture.store().append(&[Sample { series, at_ms, value: i as f64 * 3600.0 }]).expect("append");
        if i % 2 == 0 {
            fixture.store().seal().expect("seal");
        }
        most = most.max(fixture.files().len());
    }
    // Five days of samples, eleven of minutes, up to 32 loose days of hours and a joined one, the day's own.
    assert!(most < 5 + 11 + 32 + 2 + 16, "{most} files");
    let mut query = select(1, "x", T0, T0 + 40 * 24 * hour, 24 * hour);
    query.rate = true;
    let found = fixture.store().range(&query).expect("range").remove(0);
    assert_eq!(found.tier, Tier::Hour);
    assert!(found.points.iter().all(|p| (p.avg - 1.0).abs() < 1e-9), "{:?}", found.points);
    assert_eq!(found.points.iter().map(|p| u64::from(p.count)).sum::<u64>(), 40 * 24 - 1);
}

#[test]
fn a_series_may_change_its_unit_and_kind_but_not_its_short_name() {
    let mut fixture = Fixture::new();
    let first = fixture.store().resolve(&[key(1, "x")]).expect("resolve");
    let mut changed = counter(1, "x");
    changed.unit = "B".to_owned();
    assert_eq!(fixture.store().resolve(&[changed.clone()]).expect("resolve"), first);
    assert_eq!(fixture.store().series_of(common::host(1)), [changed.clone()]);
    fixture.reopen();
    assert_eq!(fixture.store().series_of(common::host(1)), [changed]);
    assert_eq!(fixture.store().health().series, 1);
}

#[test]
fn asking_how_it_is_while_new_series_come_stops_neither() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Arc::new(Store::open(&dir.path().join("metrics"), Options::default()).expect("open"));
    let (told, done) = std::sync::mpsc::channel();
    for asks in [true, false] {
        let (store, told) = (Arc::clone(&store), told.clone());
        // Not joined: threads that wait for each other would never end, and the test would not say so.
        std::thread::spawn(move || {
            for n in 0..300 {
                if asks {
                    store.health();
                    std::thread::yield_now();
                } else {
                    store.resolve(&[key(1, &format!("series.{n}"))]).expect("resolve");
                }
            }
            let _ = told.send(());
        });
    }
    for _ in 0..2 {
        done.recv_timeout(Duration::from_secs(60)).expect("the store waits for itself");
    }
    assert_eq!(store.health().series, 300);
}
