//! Killed at any instant: what was acknowledged is there, once, and the store opens again.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test says what it expected by failing

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use common::{T0, key, select};
use wk_domain::Timestamp;
use wk_engine::ports::metrics::{Metrics, Sample, SeriesMeta, SeriesRef};
use wk_tsdb::{Options, Store};

const FOLDER: &str = "WK_TSDB_TEST_FOLDER";
const FIRST: &str = "WK_TSDB_TEST_FIRST";
/// A minute between samples, so that a run crosses days and merges happen.
const STEP: i64 = 60_000;
const SERIES: usize = 3;

fn options() -> Options {
    // Small, so that the sealing thread works all the time.
    Options { head_samples_max: 100, ..Options::default() }
}

fn metas() -> Vec<SeriesMeta> {
    (0..SERIES).map(|i| key(1, &format!("s{i}"))).collect()
}

fn value(i: i64, series: usize) -> f64 {
    (i * 10 + series as i64) as f64
}

/// Not a test of its own: what the next one starts and kills.
#[test]
fn writer_that_gets_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let first: i64 = std::env::var(FIRST).expect("first").parse().expect("a number");
    let store = Store::open(std::path::Path::new(&folder), options()).expect("open");
    store.maintain(Timestamp::from_ms(T0 + first * STEP)).expect("maintain");
    let refs: Vec<SeriesRef> = store.resolve(&metas()).expect("resolve");
    for i in first.. {
        let at_ms = T0 + i * STEP;
        if i % 40 == 0 {
            store.maintain(Timestamp::from_ms(at_ms)).expect("maintain");
        }
        let batch: Vec<Sample> = refs
            .iter()
            .enumerate()
            .map(|(series, &number)| Sample { series: number, at_ms, value: value(i, series) })
            .collect();
        match store.append(&batch) {
            Ok(()) => {
                let mut out = std::io::stdout().lock();
                writeln!(out, "ack {i}").expect("the parent reads");
                out.flush().expect("the parent reads");
            }
            // The sealing thread lags behind: the same batch again later.
            Err(_) => return,
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_counts_twice() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("tsdb");
    let (mut first, mut seed) = (0i64, 0x9e37_79b9_7f4a_7c15u64);
    for round in 0..60 {
        let mut child = Command::new(std::env::current_exe().expect("own path"))
            .args(["--exact", "writer_that_gets_killed", "--nocapture", "--test-threads=1"])
            .env(FOLDER, &folder)
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start the writer");
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let kill_at = first + (seed >> 33) as i64 % 150;
        let mut acknowledged = first - 1;
        let ack_of = |line: &str| line.split("ack ").nth(1).and_then(|n| n.trim().parse::<i64>().ok());
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        for line in lines.by_ref() {
            if let Some(i) = ack_of(&line.expect("text")) {
                acknowledged = i;
            }
            if acknowledged >= kill_at {
                break;
            }
        }
        child.kill().expect("kill");
        child.wait().expect("wait");
        // What was already in the pipe had been acknowledged too.
        for line in lines.map_while(Result::ok) {
            acknowledged = ack_of(&line).unwrap_or(acknowledged).max(acknowledged);
        }
        let store = Store::open(&folder, options()).expect("open");
        store.maintain(Timestamp::from_ms(T0 + acknowledged.max(0) * STEP)).expect("maintain");
        let mut most = acknowledged;
        for series in 0..SERIES {
            let query = select(1, &format!("s{series}"), T0, T0 + 20 * 86_400_000, 1);
            let found = store.range(&query).expect("range").pop().expect("the series is there");
            let n = found.points.len() as i64;
            assert!(n > acknowledged, "round {round}: {n} of {} acknowledged samples", acknowledged + 1);
            for (i, point) in found.points.iter().enumerate() {
                let i = i as i64;
                assert_eq!(
                    (point.at_ms, point.last, point.count),
                    (T0 + i * STEP, value(i, series), 1),
                    "round {round}"
                );
            }
            most = most.max(n - 1);
        }
        // A batch is one record: all of it or nothing.
        assert!(most <= acknowledged + 1, "round {round}: {most} written, {acknowledged} acknowledged");
        first = acknowledged + 1;
    }
    assert!(first > 500, "only {first} samples in all rounds");
    let names: Vec<_> =
        std::fs::read_dir(&folder).expect("folder").map(|e| e.expect("entry").file_name()).collect();
    assert!(names.iter().any(|n| n.to_string_lossy().starts_with("minute-")), "no day was merged: {names:?}");
}
