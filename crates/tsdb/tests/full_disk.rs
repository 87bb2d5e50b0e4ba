//! A full disk: refused with a reason, nothing acknowledged lost, and writing goes on when there is space again.
//!
//! Runs itself again in a mount namespace of its own, where a small tmpfs plays the disk.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test says what it expected by failing

mod common;

use std::path::Path;
use std::process::Command;

use common::{T0, key, select};
use wk_domain::Timestamp;
use wk_engine::ports::metrics::{Metrics, MetricsError, Sample};
use wk_tsdb::{Options, Store};

const FOLDER: &str = "WK_TSDB_TEST_DISK";

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return on_the_small_disk(Path::new(&folder));
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    let output = command
        .arg(std::env::current_exe().expect("own path"))
        .args(["--exact", "a_full_disk_refuses_loses_nothing_and_recovers", "--nocapture"])
        .env(FOLDER, dir.path())
        .output()
        .expect("unshare is missing: apt-get install -y util-linux");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("the small disk was full"), "{text}");
}

fn on_the_small_disk(folder: &Path) {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder).status();
    assert!(
        mounted.expect("mount is missing: apt-get install -y mount").success(),
        "cannot mount a tmpfs here"
    );
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![1u8; 600 << 10]).expect("ballast");
    let store_dir = folder.join("tsdb");
    let store = Store::open(&store_dir, Options::default()).expect("open");
    store.maintain(Timestamp::from_ms(T0)).expect("maintain");
    let series = store.resolve(&[key(1, "x")]).expect("resolve")[0];
    let batch = |i: i64| -> Vec<Sample> {
        (0..200)
            .map(|k| Sample { series, at_ms: T0 + (i * 200 + k) * 10, value: ((i * 200 + k) as f64).sqrt() })
            .collect()
    };
    let mut acknowledged = 0;
    let refused = loop {
        match store.append(&batch(acknowledged)) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&refused, MetricsError::Io { detail, .. } if detail.contains("space")), "{refused}");
    assert!(store.health().refusing.is_some());
    assert!(store.append(&batch(acknowledged)).is_err(), "still full");
    // Sealing cannot work either; the samples stay in memory and log.
    assert!(store.seal().is_err());
    let count = |store: &Store| {
        let found =
            store.range(&select(1, "x", T0, T0 + 86_400_000, 1)).expect("range").pop().expect("there");
        for point in &found.points {
            assert_eq!(point.last, (((point.at_ms - T0) / 10) as f64).sqrt());
        }
        found.points.len() as i64
    };
    assert_eq!(count(&store), acknowledged * 200);
    // A restart on the full disk reads all of it.
    drop(store);
    let store = Store::open(&store_dir, Options::default()).expect("open on a full disk");
    store.maintain(Timestamp::from_ms(T0)).expect("maintain");
    assert!(count(&store) >= acknowledged * 200);
    println!("the small disk was full after {acknowledged} batches");
    std::fs::remove_file(ballast).expect("make space");
    store.append(&batch(acknowledged)).expect("there is space again");
    assert!(store.health().refusing.is_none());
    store.seal().expect("seal");
    drop(store);
    let store = Store::open(&store_dir, Options::default()).expect("open");
    store.maintain(Timestamp::from_ms(T0)).expect("maintain");
    assert!(count(&store) >= (acknowledged + 1) * 200);
    drop(store);
    std::fs::remove_dir_all(&store_dir).expect("make space");
    old_days_make_room(folder);
}

/// A disk that is full for good still loses what is older than its time, and so has room again.
fn old_days_make_room(folder: &Path) {
    const DAY: i64 = 86_400_000;
    let dir = folder.join("second");
    let options = Options { clock_leap_ms: i64::MAX, ..Options::default() };
    let store = Store::open(&dir, options).expect("open");
    store.maintain(Timestamp::from_ms(T0)).expect("maintain");
    let series = store.resolve(&[key(1, "x")]).expect("resolve")[0];
    let put = |from: i64, n: i64| {
        let batch: Vec<Sample> =
            (0..n).map(|i| Sample { series, at_ms: from + i * 10, value: (i as f64).sqrt() }).collect();
        store.append(&batch)
    };
    put(T0, 30_000).expect("append");
    store.maintain(Timestamp::from_ms(T0 + DAY + DAY / 2)).expect("the day is merged");
    put(T0 + DAY + DAY / 2, 5_000).expect("append");
    let mut ballast = std::fs::File::create(folder.join("ballast")).expect("ballast");
    while std::io::Write::write_all(&mut ballast, &[1; 512]).is_ok() {}
    assert!(put(T0 + DAY + DAY / 2 + 60_000, 5_000).is_err(), "full");
    // Sealing what is in memory fails for want of room, and must not keep the old day from going.
    let failed = store.maintain(Timestamp::from_ms(T0 + 16 * DAY));
    assert!(failed.is_err(), "the disk was not full");
    store.maintain(Timestamp::from_ms(T0 + 16 * DAY)).expect("there is room");
    put(T0 + 16 * DAY, 100).expect("there is room");
    let found = store.range(&select(1, "x", T0 + DAY, T0 + 2 * DAY, 1)).expect("range").pop().expect("there");
    assert_eq!(found.points.len(), 5_000);
}
