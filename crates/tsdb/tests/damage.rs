//! Damage to any byte of any file: found, reported, left out; never a panic, never a wrong value.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test says what it expected by failing

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Fixture, T0, counter, key, select};
use wk_domain::Timestamp;
use wk_engine::ports::metrics::{Metrics, Point, Sample};
use wk_tsdb::{Options, Store};

const DAY: i64 = 86_400_000;
const NAMES: [&str; 4] = ["steady", "noisy", "grows", "floats"];

/// What a healthy store answers: per name and step, the points by time.
type Truth = BTreeMap<(&'static str, i64, bool), BTreeMap<i64, Point>>;

fn fill(fixture: &mut Fixture) {
    let metas = [key(1, NAMES[0]), key(1, NAMES[1]), counter(1, NAMES[2]), key(2, NAMES[3])];
    let refs = fixture.store().resolve(&metas).expect("resolve");
    let put = |store: &Store, i: i64, at_ms: i64| {
        let values = [7.5, ((i * 7919) % 101) as f64 / 100.0, (i * i * 3) as f64, (i as f64).sin()];
        let batch: Vec<Sample> =
            refs.iter().zip(values).map(|(&series, value)| Sample { series, at_ms, value }).collect();
        store.append(&batch).expect("append");
    };
    let store = fixture.store();
    for i in 0..40 {
        put(store, i, T0 + i * 10_000 + i % 3);
    }
    store.seal().expect("seal");
    // Merged, with minutes and hours.
    store.maintain(Timestamp::from_ms(T0 + DAY + DAY / 2)).expect("maintain");
    for i in 40..60 {
        put(store, i, T0 + DAY + i * 10_000);
    }
    store.seal().expect("seal");
    for i in 60..75 {
        put(store, i, T0 + DAY + i * 10_000);
    }
    fixture.shut();
}

fn ask(store: &Store) -> Truth {
    let mut truth = Truth::new();
    for (name, host) in NAMES.iter().zip([1, 1, 1, 2]) {
        for step_ms in [1, 60_000, 3_600_000] {
            // A gauge's rate is its value; asking once is enough.
            for rate in [false, true].into_iter().filter(|rate| !rate || *name == "grows") {
                let mut query = select(host, name, T0, T0 + 2 * DAY, step_ms);
                query.rate = rate;
                let points =
                    store.range(&query).expect("range").pop().map(|data| data.points).unwrap_or_default();
                truth.insert((name, step_ms, rate), points.into_iter().map(|p| (p.at_ms, p)).collect());
            }
        }
    }
    truth
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).expect("make folder");
    for entry in std::fs::read_dir(from).expect("folder") {
        let entry = entry.expect("entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
    }
}

/// A missing sample may make a sum smaller; it never makes a value that was not there.
fn judge(found: &Truth, truth: &Truth, what: &str) {
    for (query, points) in found {
        let (name, step_ms, rate) = *query;
        for (at, point) in points {
            if rate && name == "grows" {
                // A rate over a gap is the mean of what lies in it.
                let all = &truth[&(name, 1, true)];
                let most = all.values().map(|p| p.max).fold(0.0, f64::max);
                assert!(point.avg >= 0.0 && point.avg <= most * (1.0 + 1e-9), "{what}: {query:?}: {point:?}");
                continue;
            }
            let real = truth[query].get(at);
            if step_ms == 1 && real == Some(point) {
                continue;
            }
            // Where samples are lost, the minutes made of them stand in.
            let real = if step_ms == 1 { truth[&(name, 60_000, rate)].get(at) } else { real };
            let real = real.unwrap_or_else(|| panic!("{what}: {query:?}: a point at {at} out of nothing"));
            if step_ms == 1 {
                assert_eq!(point, real, "{what}: {query:?}");
            }
            within(point, real, name, what);
        }
    }
}

fn within(point: &Point, real: &Point, name: &str, what: &str) {
    assert!(point.count <= real.count, "{what}: {name}: {point:?} not {real:?}");
    // A counter's rolls keep its last value only.
    if name != "grows" {
        assert!(point.min >= real.min && point.max <= real.max, "{what}: {name}: {point:?} not {real:?}");
    }
}

fn open_damaged(dir: &Path, what: &str, truth: &Truth, merge: bool) -> usize {
    let store = Store::open(dir, Options::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    store.verify().unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = ask(&store);
    judge(&found, truth, what);
    if merge {
        // What is merged and summed up from damaged files is no more than was there either.
        store.maintain(Timestamp::from_ms(T0 + 3 * DAY)).unwrap_or_else(|error| panic!("{what}: {error}"));
        judge(&ask(&store), truth, &format!("{what}, merged"));
    }
    let health = store.health();
    assert!(!health.reports.is_empty(), "{what}: nobody was told");
    found.values().map(BTreeMap::len).sum()
}

#[test]
fn any_flipped_byte_is_found_reported_and_left_out() {
    let mut fixture = Fixture::new();
    fill(&mut fixture);
    let scratch = fixture.dir.path().join("scratch");
    let source = fixture.dir.path().join("tsdb");
    copy(&source, &scratch);
    let truth = ask(&Store::open(&scratch, Options::default()).expect("open"));
    let whole: usize = truth.values().map(BTreeMap::len).sum();
    let mut positions = 0;
    let mut most_lost = 0;
    for file in fixture.files() {
        let data = std::fs::read(&file).expect("read");
        let name = file.file_name().expect("name");
        // Every byte of small files; of larger ones every third, which meets every field of every record.
        let stride = if data.len() <= 700 { 1 } else { 3 };
        for at in (0..data.len()).step_by(stride) {
            let mut bad = data.clone();
            bad[at] ^= 1 << (at % 8);
            copy(&source, &scratch);
            std::fs::write(scratch.join(name), &bad).expect("write");
            let what = format!("{} byte {at} of {}", name.display(), data.len());
            let left = open_damaged(&scratch, &what, &truth, positions % 5 == 0);
            most_lost = most_lost.max(whole - left);
            positions += 1;
        }
    }
    assert!(positions > 1_000, "{positions}");
    // One byte takes one record with it, not a file: at worst a chunk, or a few records of the log.
    assert!(most_lost <= whole / 4, "{most_lost} of {whole} points lost by one byte");
}

#[test]
fn any_truncation_leaves_only_true_values() {
    let mut fixture = Fixture::new();
    fill(&mut fixture);
    let scratch = fixture.dir.path().join("scratch");
    let source = fixture.dir.path().join("tsdb");
    copy(&source, &scratch);
    let truth = ask(&Store::open(&scratch, Options::default()).expect("open"));
    for file in fixture.files() {
        let data = std::fs::read(&file).expect("read");
        let name = file.file_name().expect("name");
        for length in (0..data.len()).step_by(if data.len() <= 700 { 1 } else { 3 }) {
            copy(&source, &scratch);
            std::fs::write(scratch.join(name), &data[..length]).expect("write");
            let store = Store::open(&scratch, Options::default()).expect("open");
            let what = format!("{} cut to {length} of {}", name.display(), data.len());
            judge(&ask(&store), &truth, &what);
        }
    }
}

#[test]
fn a_file_that_loses_its_end_while_it_is_open_costs_its_own_points_only() {
    let mut fixture = Fixture::new();
    fill(&mut fixture);
    fixture.reopen();
    let store = fixture.store();
    let truth = ask(store);
    let blocks: Vec<_> =
        fixture.files().into_iter().filter(|path| path.extension().is_some_and(|e| e == "blk")).collect();
    assert!(blocks.len() > 3);
    for block in &blocks {
        let file = std::fs::OpenOptions::new().write(true).open(block).expect("open");
        let len = file.metadata().expect("stat").len();
        // The disk gives less and less of it: first the index is gone, then records that were found without it. These are
        // errors of reading, not of checksums.
        for part in [2, 3, 5, 9] {
            file.set_len(len / part).expect("cut");
            judge(&ask(store), &truth, &format!("{} cut to 1/{part}", block.display()));
        }
    }
    store.verify().expect("verify");
    let health = store.health();
    assert!(health.corrupt_blocks >= blocks.len() as u64, "{:?}", health.reports);
    // What is in memory still answers.
    assert_eq!(fixture.raw(1, "steady", T0 + DAY + 600_000, T0 + 2 * DAY).len(), 15);
}

#[test]
fn a_half_written_file_is_not_taken_for_a_block() {
    let mut fixture = Fixture::new();
    fill(&mut fixture);
    let folder = fixture.dir.path().join("tsdb");
    let block =
        fixture.files().into_iter().find(|f| f.extension().is_some_and(|e| e == "blk")).expect("a block");
    let temp = folder.join("raw-0000009999.blk.tmp");
    std::fs::copy(block, &temp).expect("copy");
    fixture.reopen();
    assert!(!temp.exists());
    assert_eq!(fixture.store().health().corrupt_blocks, 0);
    assert_eq!(fixture.raw(1, "steady", T0, T0 + 2 * DAY).len(), 75);
}

#[test]
fn a_lost_name_never_gives_its_samples_to_another_series() {
    let mut fixture = Fixture::new();
    let refs = fixture.store().resolve(&[key(1, "a"), key(1, "b")]).expect("resolve");
    fixture.store().append(&[Sample { series: refs[1], at_ms: T0, value: 42.0 }]).expect("append");
    fixture.store().seal().expect("seal");
    fixture.shut();
    for name in ["tsdb/series.log", "tsdb/series.copy"] {
        let path = fixture.dir.path().join(name);
        let mut data = std::fs::read(&path).expect("read");
        let last = data.len() - 1;
        data[last] ^= 1;
        std::fs::write(&path, data).expect("write");
    }
    fixture.reopen();
    let fresh = fixture.store().resolve(&[key(1, "c")]).expect("resolve")[0];
    assert_ne!(fresh, refs[1]);
    assert!(fixture.raw(1, "c", T0, T0 + 1).is_empty());
    assert!(fixture.store().health().corrupt_blocks > 0);
}

#[test]
fn the_names_are_mended_from_their_copy() {
    let mut fixture = Fixture::new();
    fill(&mut fixture);
    let paths = ["tsdb/series.log", "tsdb/series.copy"].map(|name| fixture.dir.path().join(name));
    let good = std::fs::read(&paths[0]).expect("read");
    for path in &paths {
        // First damage in the middle, then the file gone: the other one knows.
        let mut bad = std::fs::read(path).expect("read");
        let middle = bad.len() / 2;
        bad[middle] ^= 0xff;
        std::fs::write(path, bad).expect("write");
        fixture.reopen();
        assert!(fixture.store().health().corrupt_blocks > 0);
        fixture.shut();
        std::fs::remove_file(path).expect("remove");
        fixture.reopen();
        assert_eq!(fixture.raw(1, "steady", T0, T0 + 2 * DAY).len(), 75);
        assert_eq!(fixture.raw(2, "floats", T0, T0 + 2 * DAY).len(), 75);
        fixture.shut();
    }
    fixture.reopen();
    assert_eq!(fixture.store().health().corrupt_blocks, 0, "mended");
    for path in &paths {
        assert_eq!(std::fs::read(path).expect("read").len(), good.len());
    }
}
