//! What the agent's queue promises: nothing that was appended is lost, given twice or changed, whatever happens between
//! two calls; and what must be dropped is counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use prost::Message;
use wk_spool::{Frame, Limits, Payload, Resume, Spool, SpoolError};
use wk_wire::{AgentFrame, AgentNote, Batch, SampleBlock, SeriesDef, agent_frame};

fn quick() -> Limits {
    Limits { sync: false, ..Limits::default() }
}

/// A payload that can be told from every other: its note counts `id`, and its values are `id`.
fn payload(id: u64, filler: usize) -> Payload {
    let names = std::iter::once("common".to_owned()).chain((0..7).map(|n| format!("series.{n}")));
    Payload {
        series: names.map(|name| SeriesDef { name, ..SeriesDef::default() }).collect(),
        samples: vec![SampleBlock {
            at_ms: 1000,
            refs: vec![0, 1 + u32::try_from(id % 7).unwrap()],
            values: vec![id as f64; 2],
        }],
        notes: vec![AgentNote { kind: "id".into(), text: "x".repeat(filler), count: id, at_ms: 0 }],
        ..Payload::default()
    }
}

/// The far end of one link: checks what must hold on it, and keeps what it takes.
#[derive(Default)]
struct Link {
    series: HashMap<u64, Vec<SeriesDef>>,
    last_seq: u64,
}

#[derive(Debug)]
struct Seen {
    id: Option<u64>,
    lost: u64,
}

impl Link {
    fn new(committed: u64) -> Self {
        Self { last_seq: committed, ..Self::default() }
    }

    fn take(&mut self, frame: Frame) -> Option<(u64, Seen)> {
        let (seq, bytes) = match frame {
            Frame::Dictionary(bytes) => {
                let Some(agent_frame::Body::Dictionary(dictionary)) =
                    AgentFrame::decode(&*bytes).unwrap().body
                else {
                    panic!("not a dictionary")
                };
                let known = self.series.entry(dictionary.id).or_default();
                // A hole is possible after damage only; its entries are never right.
                let first = dictionary.first as usize;
                assert!(first >= known.len(), "an entry was given twice");
                known.resize(first, SeriesDef::default());
                known.extend(dictionary.series);
                return None;
            }
            Frame::Batch { seq, bytes } => (seq, bytes),
        };
        let batch = batch_of(&bytes);
        assert_eq!(batch.seq, seq);
        assert_eq!(seq, self.last_seq + 1, "a gap in the numbers");
        self.last_seq = seq;
        let id = batch.notes.iter().find(|note| note.kind == "id").map(|note| note.count);
        let lost =
            batch.notes.iter().filter(|note| note.kind.starts_with("spool-")).map(|note| note.count).sum();
        if let Some(id) = id {
            let names: Vec<_> = batch.samples[0]
                .refs
                .iter()
                .map(|r| {
                    self.series
                        .get(&batch.dictionary)
                        .and_then(|s| s.get(*r as usize))
                        .map(|s| s.name.clone())
                })
                .collect();
            for (name, expected) in names.iter().zip(["common".to_owned(), format!("series.{}", id % 7)]) {
                if let Some(name) = name.as_deref().filter(|name| !name.is_empty()) {
                    assert_eq!(name, expected, "a value under a wrong name");
                }
            }
            assert_eq!(batch.samples[0].values, [id as f64, id as f64]);
        }
        Some((seq, Seen { id, lost }))
    }
}

fn batch_of(bytes: &[u8]) -> Batch {
    let Some(agent_frame::Body::Batch(batch)) = AgentFrame::decode(bytes).unwrap().body else {
        panic!("not a batch")
    };
    batch
}

/// Sends and acknowledges all there is, `window` at a time.
fn drain(spool: &mut Spool, link: &mut Link, window: usize) -> Vec<Seen> {
    let mut seen = vec![];
    loop {
        let mut flying = 0;
        let mut last = None;
        while flying < window
            && let Some(frame) = spool.next_frame().unwrap()
        {
            if let Some((seq, one)) = link.take(frame) {
                seen.push(one);
                flying += 1;
                last = Some(seq);
            }
        }
        match last {
            Some(seq) => spool.acknowledge(seq).unwrap(),
            None => return seen,
        }
    }
}

fn ids(seen: &[Seen]) -> Vec<u64> {
    seen.iter().filter_map(|one| one.id).collect()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect();
    found.sort();
    found
}

#[test]
fn what_was_appended_comes_out_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), Limits::default()).unwrap();
    for id in 1..=50 {
        spool.append(payload(id, 10), 0).unwrap();
    }
    assert_eq!(spool.resume(0).unwrap(), Resume::Ready);
    let seen = drain(&mut spool, &mut Link::new(0), 16);
    assert_eq!(ids(&seen), (1..=50).collect::<Vec<_>>());
    assert_eq!(spool.stats().waiting, 0);
    assert!(spool.next_frame().unwrap().is_none());
}

#[test]
fn a_new_process_goes_on_where_the_server_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    let epoch = spool.epoch();
    for id in 1..=9 {
        spool.append(payload(id, 10), 0).unwrap();
    }
    spool.resume(0).unwrap();
    let mut link = Link::new(0);
    for _ in 0..12 {
        spool.next_frame().unwrap().and_then(|frame| link.take(frame));
    }
    assert!(link.last_seq >= 5);
    spool.acknowledge(2).unwrap();
    drop(spool);

    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    assert_eq!(spool.epoch(), epoch);
    assert_eq!(spool.stats().waiting, 7);
    spool.append(payload(10, 10), 0).unwrap();
    // The server had committed more than it could say.
    spool.resume(4).unwrap();
    let seen = drain(&mut spool, &mut Link::new(4), 3);
    assert_eq!(ids(&seen), [5, 6, 7, 8, 9, 10]);
}

#[test]
fn too_many_drops_the_oldest_and_says_how_many() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { bytes_max: 64 << 10, segment_bytes: 8 << 10, ..quick() };
    let mut spool = Spool::open(dir.path(), limits).unwrap();
    for id in 1..=200 {
        spool.append(payload(id, 1000), 0).unwrap();
        assert!(spool.stats().bytes <= 64 << 10);
    }
    spool.resume(0).unwrap();
    let mut link = Link::new(0);
    let seen = drain(&mut spool, &mut link, 16);
    let kept = ids(&seen);
    assert_eq!(*kept.last().unwrap(), 200);
    let lost = kept[0] - 1;
    assert!(lost > 100);
    assert_eq!(kept, (lost + 1..=200).collect::<Vec<_>>());
    assert_eq!(spool.stats().dropped, lost);
    spool.append(payload(201, 0), 0).unwrap();
    let seen = drain(&mut spool, &mut link, 16);
    assert_eq!(seen[0].lost, lost);
    spool.append(payload(202, 0), 0).unwrap();
    assert_eq!(drain(&mut spool, &mut link, 16)[0].lost, 0, "told once");
}

#[test]
fn dropping_what_is_in_flight_loses_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { bytes_max: 64 << 10, segment_bytes: 8 << 10, ..quick() };
    let mut spool = Spool::open(dir.path(), limits).unwrap();
    for id in 1..=5 {
        spool.append(payload(id, 1000), 0).unwrap();
    }
    spool.resume(0).unwrap();
    let mut link = Link::new(0);
    while let Some(frame) = spool.next_frame().unwrap() {
        link.take(frame);
    }
    for id in 6..=200 {
        spool.append(payload(id, 1000), 0).unwrap();
    }
    while let Some(frame) = spool.next_frame().unwrap() {
        assert!(link.take(frame).is_none(), "a gap waits for what is in flight");
    }
    spool.acknowledge(link.last_seq).unwrap();
    let kept = ids(&drain(&mut spool, &mut link, 16));
    assert_eq!(spool.stats().dropped, kept[0] - 6);
}

#[test]
fn what_is_too_old_goes() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { age_max: Duration::from_secs(800), ..quick() };
    let mut spool = Spool::open(dir.path(), limits).unwrap();
    for id in 1..=20 {
        spool.append(payload(id, 10), i64::try_from(id).unwrap() * 100_000).unwrap();
    }
    spool.resume(0).unwrap();
    let kept = ids(&drain(&mut spool, &mut Link::new(0), 16));
    assert!((10..=13).contains(&kept[0]), "{kept:?}");
    assert_eq!(spool.stats().dropped, kept[0] - 1);
}

#[test]
fn a_cut_tail_is_the_end() {
    let dir = tempfile::tempdir().unwrap();
    for cut in [1, 30, 60, 1000, 1059] {
        let path = dir.path().join(cut.to_string());
        let mut spool = Spool::open(&path, quick()).unwrap();
        for id in 1..=3 {
            spool.append(payload(id, 1000), 0).unwrap();
        }
        drop(spool);
        let segment = &segments(&path)[0];
        let bytes = fs::read(segment).unwrap();
        fs::write(segment, &bytes[..bytes.len() - cut]).unwrap();

        let mut spool = Spool::open(&path, quick()).unwrap();
        spool.append(payload(4, 10), 0).unwrap();
        spool.resume(0).unwrap();
        assert_eq!(ids(&drain(&mut spool, &mut Link::new(0), 16)), [1, 2, 4], "cut {cut}");
        assert_eq!(spool.stats().damaged, 0);
    }
}

#[test]
fn damage_costs_what_it_hit_and_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    for id in 1..=10 {
        spool.append(payload(id, 1000), 0).unwrap();
    }
    drop(spool);
    let segment = &segments(dir.path())[0];
    let mut bytes = fs::read(segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(segment, &bytes).unwrap();

    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    spool.resume(0).unwrap();
    let mut link = Link::new(0);
    let kept = ids(&drain(&mut spool, &mut link, 16));
    assert_eq!(kept.len(), 9, "{kept:?}");
    assert_eq!(spool.stats().damaged, 1);
    spool.append(payload(11, 0), 0).unwrap();
    assert_eq!(drain(&mut spool, &mut link, 16)[0].lost, 1);
}

#[test]
fn no_damaged_byte_gives_a_wrong_value() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    let mut spool = Spool::open(&original, quick()).unwrap();
    for id in 1..=4 {
        spool.append(payload(id, 5), 0).unwrap();
    }
    drop(spool);
    let segment = segments(&original).remove(0);
    let good = fs::read(&segment).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x41;
        fs::write(&segment, &bad).unwrap();
        let copy = dir.path().join("copy");
        fs::create_dir(&copy).unwrap();
        fs::copy(&segment, copy.join(segment.file_name().unwrap())).unwrap();
        fs::copy(original.join("cursor"), copy.join("cursor")).unwrap();
        let mut spool = Spool::open(&copy, quick()).unwrap();
        spool.resume(0).unwrap();
        // `Link::take` checks every name and value.
        let kept = ids(&drain(&mut spool, &mut Link::new(0), 16));
        assert!(kept.len() >= 3 && kept.is_sorted(), "byte {at}: {kept:?}");
        drop(spool);
        fs::remove_dir_all(&copy).unwrap();
    }
}

/// A spool of four batches of which two are acknowledged, copied for every way to harm it.
struct Harmed {
    dir: tempfile::TempDir,
    segment: PathBuf,
    copy: PathBuf,
}

impl Harmed {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let original = dir.path().join("original");
        let mut spool = Spool::open(&original, quick()).unwrap();
        for id in 1..=4 {
            spool.append(payload(id, 5), 0).unwrap();
        }
        spool.resume(0).unwrap();
        let mut link = Link::new(0);
        while let Some(frame) = spool.next_frame().unwrap() {
            link.take(frame);
        }
        spool.acknowledge(2).unwrap();
        drop(spool);
        let segment = segments(&original).remove(0).file_name().unwrap().into();
        let copy = dir.path().join("copy");
        Self { dir, segment, copy }
    }

    fn original(&self, file: &Path) -> Vec<u8> {
        fs::read(self.dir.path().join("original").join(file)).unwrap()
    }

    /// The spool with `bytes` in place of `file`, after a server that committed 1 and 2 has taken all it has, and one more.
    fn after(&self, file: &Path, bytes: &[u8]) -> (Vec<u64>, wk_spool::Stats) {
        let _ = fs::remove_dir_all(&self.copy);
        fs::create_dir(&self.copy).unwrap();
        for name in [self.segment.as_path(), Path::new("cursor")] {
            fs::write(self.copy.join(name), self.original(name)).unwrap();
        }
        fs::write(self.copy.join(file), bytes).unwrap();
        let mut spool = Spool::open(&self.copy, quick()).unwrap();
        spool.append(payload(5, 5), 0).unwrap();
        let mut server = Server { epoch: 0, committed_seq: 2, ..Server::default() };
        // Of the epoch that the cursor named; under another nothing of it is known.
        let known = Spool::open(&self.dir.path().join("original"), quick()).unwrap().epoch();
        server.epoch = known;
        let epoch = spool.epoch();
        let mut committed = if epoch == known { 2 } else { 0 };
        if spool.resume(committed).unwrap() == Resume::NewEpoch {
            committed = 0;
            assert_eq!(spool.resume(0).unwrap(), Resume::Ready);
        }
        let kept = ids(&drain(&mut spool, &mut Link::new(committed), 16));
        (kept, spool.stats())
    }
}

#[test]
fn a_power_cut_at_any_byte_of_a_segment_costs_what_was_not_written_and_nothing_else() {
    let harmed = Harmed::new();
    let good = harmed.original(&harmed.segment.clone());
    let mut most = 0;
    for cut in 0..=good.len() {
        let (kept, stats) = harmed.after(&harmed.segment, &good[..cut]);
        // What was acknowledged may be gone from the disk: then the server has more than the spool, which begins anew.
        assert!(kept.windows(2).all(|two| two[0] < two[1]), "cut {cut}: {kept:?}");
        assert_eq!(kept.last(), Some(&5), "cut {cut}: what is new is not taken: {kept:?}");
        assert_eq!(stats.damaged, 0, "cut {cut}: an end that was cut is no damage");
        let whole = kept.iter().filter(|id| (3..=4).contains(*id)).count();
        assert!(whole >= most, "cut {cut}: fewer than with less: {kept:?}");
        most = whole;
    }
    assert_eq!(most, 2);
}

#[test]
fn a_power_cut_at_any_byte_of_the_cursor_loses_nothing() {
    let harmed = Harmed::new();
    let cursor = Path::new("cursor");
    let good = harmed.original(cursor);
    // Between the slots there is nothing to lose.
    for cut in (0..=good.len()).filter(|cut| !(100..4090).contains(cut)) {
        let (kept, stats) = harmed.after(cursor, &good[..cut]);
        // Committed ones may come again under a new epoch; none may be missing.
        assert!(kept.ends_with(&[3, 4, 5]), "cut {cut}: {kept:?}");
        assert_eq!((stats.dropped, stats.damaged), (0, 0), "cut {cut}");
    }
    // And a write of the next cursor that was cut anywhere, over the older slot.
    let (newer, older) = if good[8] > good[4096 + 8] { (0, 4096) } else { (4096, 0) };
    for cut in 0..88 {
        let mut torn = good.clone();
        let next: Vec<u8> = good[newer..newer + 88].iter().map(|byte| byte.wrapping_add(1)).collect();
        torn[older..older + cut].copy_from_slice(&next[..cut]);
        let (kept, _) = harmed.after(cursor, &torn);
        assert_eq!(kept, [3, 4, 5], "cut {cut}");
    }
}

#[test]
fn every_flipped_bit_costs_what_it_hit_and_gives_no_wrong_value() {
    let harmed = Harmed::new();
    for file in [harmed.segment.clone(), PathBuf::from("cursor")] {
        let good = harmed.original(&file);
        // Between the slots of the cursor there is nothing to harm.
        let places = (0..good.len()).filter(|at| file == harmed.segment || !(100..4090).contains(at));
        for (at, bit) in places.flat_map(|at| [(at, at % 8), (at, (at + 3) % 8)]) {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            // `Link::take` checks every name and value.
            let (kept, stats) = harmed.after(&file, &bad);
            let what = format!("{} byte {at} bit {bit}: {kept:?} {stats:?}", file.display());
            assert!(kept.windows(2).all(|two| two[0] < two[1]) && kept.last() == Some(&5), "{what}");
            let missing = [3, 4].iter().filter(|id| !kept.contains(id)).count();
            assert!(missing <= 1, "{what}");
        }
    }
}

#[test]
fn a_link_where_a_file_was_leads_nowhere() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = dir.path().join("shadow");
    fs::write(&elsewhere, "root:secret").unwrap();
    let path = dir.path().join("spool");
    for name in ["lock", "cursor"] {
        drop(Spool::open(&path, quick()).unwrap());
        fs::remove_file(path.join(name)).unwrap();
        symlink(&elsewhere, path.join(name)).unwrap();
        let error = Spool::open(&path, quick()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("remove it"), "{error}: {source}");
        fs::remove_file(path.join(name)).unwrap();
    }
    let mut spool = Spool::open(&path, quick()).unwrap();
    for id in 1..=3 {
        spool.append(payload(id, 5), 0).unwrap();
    }
    drop(spool);
    let first = segments(&path).remove(0);
    let mut spool = Spool::open(&path, quick()).unwrap();
    spool.append(payload(4, 5), 0).unwrap();
    drop(spool);
    // The older segment is swapped, and the name that the next one would get is taken.
    fs::remove_file(&first).unwrap();
    symlink(&elsewhere, &first).unwrap();
    symlink(&elsewhere, path.join(format!("{:020}.seg", 3))).unwrap();
    symlink("/dev/zero", path.join(format!("{:020}.seg", 9))).unwrap();
    let mut spool = Spool::open(&path, quick()).unwrap();
    spool.append(payload(5, 5), 0).unwrap();
    spool.resume(0).unwrap();
    let mut link = Link::new(0);
    assert_eq!(ids(&drain(&mut spool, &mut link, 16)), [4, 5]);
    assert_eq!(spool.stats().dropped + spool.stats().damaged, 3);
    spool.append(payload(6, 5), 0).unwrap();
    assert_eq!(drain(&mut spool, &mut link, 16)[0].lost, 3, "and the server is told");
    assert_eq!(fs::read(&elsewhere).unwrap(), b"root:secret", "nothing was written through a link");
}

#[test]
fn a_pipe_a_folder_and_foreign_files_do_not_stop_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    spool.append(payload(1, 5), 0).unwrap();
    drop(spool);
    let pipe = dir.path().join(format!("{:020}.seg", 2));
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo is missing: apt install coreutils")
            .success()
    );
    fs::create_dir(dir.path().join(format!("{:020}.seg", 3))).unwrap();
    fs::write(dir.path().join("1.seg"), "another name for the first").unwrap();
    fs::write(dir.path().join(format!("{}.seg", u64::MAX)), "no number of ours").unwrap();
    // A file of 64 MiB of nothing: looked through in windows, not taken into memory.
    let sparse = dir.path().join(format!("{:020}.seg", 4));
    fs::File::create(&sparse).unwrap().set_len(64 << 20).unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    spool.append(payload(2, 5), 0).unwrap();
    spool.resume(0).unwrap();
    assert_eq!(ids(&drain(&mut spool, &mut Link::new(0), 16)), [1, 2]);
}

#[test]
fn a_segment_that_cannot_be_read_any_more_is_given_up_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    for how in ["cut", "gone"] {
        let path = dir.path().join(how);
        let mut spool = Spool::open(&path, quick()).unwrap();
        for id in 1..=3 {
            spool.append(payload(id, 1000), 0).unwrap();
        }
        // Beneath the running agent.
        let segment = segments(&path).remove(0);
        match how {
            "cut" => fs::File::options().write(true).open(&segment).unwrap().set_len(100).unwrap(),
            _ => fs::remove_file(&segment).unwrap(),
        }
        let mut tries = 0;
        while spool.resume(0).is_ok() && spool.next_frame().is_err() {
            tries += 1;
            assert!(tries < 10, "{how}: stuck for ever");
        }
        spool.append(payload(4, 10), 0).unwrap();
        spool.resume(0).unwrap();
        let mut link = Link::new(0);
        let mut seen = drain(&mut spool, &mut link, 16);
        assert_eq!(ids(&seen), [4], "{how}");
        assert_eq!(spool.stats().dropped + spool.stats().damaged, 3, "{how}");
        spool.append(payload(5, 10), 0).unwrap();
        seen.extend(drain(&mut spool, &mut link, 16));
        assert_eq!(seen.iter().map(|one| one.lost).sum::<u64>(), 3, "{how}: it is told");
    }
}

#[test]
fn a_lost_cursor_offers_everything_again_under_a_new_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    let epoch = spool.epoch();
    for id in 1..=4 {
        spool.append(payload(id, 5), 0).unwrap();
    }
    spool.resume(0).unwrap();
    drain(&mut spool, &mut Link::new(0), 2);
    drop(spool);
    fs::write(dir.path().join("cursor"), vec![7; 5000]).unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    assert_ne!(spool.epoch(), epoch);
    spool.resume(0).unwrap();
    assert_eq!(ids(&drain(&mut spool, &mut Link::new(0), 2)), [1, 2, 3, 4]);
}

#[test]
fn a_disk_that_went_back_in_time_takes_a_new_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    let epoch = spool.epoch();
    spool.append(payload(1, 5), 0).unwrap();
    drop(spool);
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    // These have the same positions as batches 2 to 9 that this machine sent in another life.
    for id in 102..=150 {
        spool.append(payload(id, 5), 0).unwrap();
    }
    assert_eq!(spool.resume(9).unwrap(), Resume::NewEpoch);
    assert_ne!(spool.epoch(), epoch);
    assert_eq!(spool.resume(0).unwrap(), Resume::Ready);
    let kept = ids(&drain(&mut spool, &mut Link::new(0), 16));
    assert_eq!(kept[0], 1);
    assert_eq!(kept.len(), 50);
}

#[test]
fn a_server_that_went_back_in_time_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    for id in 1..=4 {
        spool.append(payload(id, 5), 0).unwrap();
    }
    spool.resume(0).unwrap();
    drain(&mut spool, &mut Link::new(0), 16);
    spool.append(payload(5, 5), 0).unwrap();
    assert_eq!(spool.resume(2).unwrap(), Resume::Ready);
    let mut link = Link::new(2);
    assert_eq!(ids(&drain(&mut spool, &mut link, 16)), [5]);
    assert_eq!(link.last_seq, 3);
}

#[test]
fn a_batch_the_server_never_takes_can_be_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    for id in 1..=3 {
        spool.append(payload(id, 5), 0).unwrap();
    }
    spool.resume(0).unwrap();
    spool.skip_one().unwrap();
    drop(spool);
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    spool.resume(0).unwrap();
    assert_eq!(ids(&drain(&mut spool, &mut Link::new(0), 16)), [2, 3]);
    assert_eq!(spool.stats().dropped, 1);
}

#[test]
fn an_acknowledgement_of_what_was_not_sent_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    spool.append(payload(1, 5), 0).unwrap();
    spool.resume(0).unwrap();
    assert!(matches!(spool.acknowledge(1), Err(SpoolError::AckOutOfRange { seq: 1, sent: 0 })));
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), quick()).unwrap();
    let error = Spool::open(dir.path(), quick()).unwrap_err();
    assert!(matches!(error, SpoolError::InUse { .. }));
    assert!(error.to_string().contains("stop it"));
    drop(spool);
    Spool::open(dir.path(), quick()).unwrap();
}

#[test]
fn only_its_owner_may_look() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spool");
    let mut spool = Spool::open(&path, quick()).unwrap();
    spool.append(payload(1, 5), 0).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for entry in fs::read_dir(&path).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn more_series_than_a_dictionary_takes_begin_another_segment() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path(), quick()).unwrap();
    for round in 0..3_u32 {
        let first_series = round * 6000;
        let payload = Payload {
            first_series,
            series: (0..6000)
                .map(|n| SeriesDef { name: format!("r{round}.s{n}"), ..SeriesDef::default() })
                .collect(),
            samples: vec![SampleBlock {
                at_ms: 1,
                refs: (first_series..first_series + 6000).collect(),
                values: vec![1.0; 6000],
            }],
            ..Payload::default()
        };
        spool.append(payload, 0).unwrap();
    }
    spool.resume(0).unwrap();
    let mut link = Link::new(0);
    drain(&mut spool, &mut link, 16);
    assert_eq!(link.last_seq, 3);
    assert!(link.series.values().all(|series| series.len() <= 10_000));
}

/// Fills a real file system: a small tmpfs in a mount namespace of its own.
#[test]
fn a_full_disk_drops_and_counts() {
    const INSIDE: &str = "WK_SPOOL_TEST_TMPFS";
    let Ok(dir) = std::env::var(INSIDE) else {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "a_full_disk_drops_and_counts", "--nocapture"])
            .env(INSIDE, dir.path())
            .status()
            .expect("unshare is missing: apt install util-linux");
        assert!(status.success());
        return;
    };
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "none", &dir]).status().unwrap();
    assert!(mounted.success());
    let path = Path::new(&dir).join("spool");
    let mut spool = Spool::open(&path, Limits { segment_bytes: 32 << 10, ..Limits::default() }).unwrap();
    let mut lost = 0;
    for id in 1..=400 {
        match spool.append(payload(id, 1000), 0) {
            Ok(()) => {}
            Err(SpoolError::Append { lost: one, .. }) => lost += one,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(lost > 100, "{lost}");
    assert_eq!(spool.stats().dropped, lost);
    spool.resume(0).unwrap();
    let mut link = Link::new(0);
    let kept = ids(&drain(&mut spool, &mut link, 16));
    assert_eq!(kept.len() as u64 + lost, 400);
    // Room again: the loss is told.
    spool.append(payload(401, 10), 0).unwrap();
    assert_eq!(drain(&mut spool, &mut link, 16)[0].lost, lost);
}

#[derive(Debug, Clone)]
enum Step {
    Append {
        filler: usize,
    },
    /// The process dies while it writes: the last `cut` bytes of the batch are missing.
    AppendCut {
        cut: usize,
    },
    Send {
        frames: usize,
    },
    /// The server commits `more` of what it received and says so.
    Commit {
        more: u64,
        told: bool,
    },
    NewLink,
    /// The process dies; with `torn`, while it wrote the cursor after an acknowledgement.
    Kill {
        torn: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..1500_usize).prop_map(|filler| Step::Append { filler }),
        1 => (1..400_usize).prop_map(|cut| Step::AppendCut { cut }),
        5 => (1..12_usize).prop_map(|frames| Step::Send { frames }),
        4 => (1..10_u64, any::<bool>()).prop_map(|(more, told)| Step::Commit { more, told }),
        1 => Just(Step::NewLink),
        1 => any::<bool>().prop_map(|torn| Step::Kill { torn }),
    ]
}

/// The server's side of the model: what it has committed, under which epoch and number.
#[derive(Default)]
struct Server {
    epoch: u64,
    committed_seq: u64,
    /// Received on the present link and not committed.
    received: Vec<(u64, Seen)>,
    ids: Vec<u64>,
    told_lost: u64,
}

impl Server {
    fn link(&mut self, spool: &mut Spool) -> Link {
        self.received.clear();
        if self.epoch != spool.epoch() {
            self.epoch = spool.epoch();
            self.committed_seq = 0;
        }
        assert_eq!(spool.resume(self.committed_seq).unwrap(), Resume::Ready);
        Link::new(self.committed_seq)
    }

    fn commit(&mut self, more: usize) {
        for (seq, seen) in self.received.drain(..more.min(self.received.len())) {
            assert_eq!(seq, self.committed_seq + 1);
            self.committed_seq = seq;
            self.ids.extend(seen.id);
            self.told_lost += seen.lost;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever the order of appends, links, commits and kills: each batch is committed once and in order, or counted
    /// as dropped, or was being written when the process died.
    #[test]
    fn nothing_is_lost_or_doubled(steps in prop::collection::vec(step(), 1..80), small in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let bytes_max = if small { 24 << 10 } else { 1 << 20 };
        let limits = Limits { bytes_max, segment_bytes: 4 << 10, ..quick() };
        let mut spool = Spool::open(dir.path(), limits).unwrap();
        let mut server = Server::default();
        let mut link = server.link(&mut spool);
        let mut id = 0;
        let mut cut_ids = vec![];
        for step in steps {
            match step {
                Step::Append { filler } => {
                    id += 1;
                    spool.append(payload(id, filler), 0).unwrap();
                }
                Step::AppendCut { cut } => {
                    id += 1;
                    spool.append(payload(id, 300), 0).unwrap();
                    let segment = segments(dir.path()).pop().unwrap();
                    let bytes = fs::read(&segment).unwrap();
                    drop(spool);
                    fs::write(&segment, &bytes[..bytes.len() - cut]).unwrap();
                    cut_ids.push(id);
                    spool = Spool::open(dir.path(), limits).unwrap();
                    link = server.link(&mut spool);
                }
                Step::Send { frames } => {
                    for _ in 0..frames {
                        if let Some(frame) = spool.next_frame().unwrap() {
                            server.received.extend(link.take(frame));
                        }
                    }
                }
                Step::Commit { more, told } => {
                    server.commit(more as usize);
                    if told {
                        spool.acknowledge(server.committed_seq).unwrap();
                    }
                }
                Step::NewLink => link = server.link(&mut spool),
                Step::Kill { torn } => {
                    if torn && !server.received.is_empty() {
                        server.commit(1);
                        let before = fs::read(dir.path().join("cursor")).unwrap();
                        spool.acknowledge(server.committed_seq).unwrap();
                        drop(spool);
                        fs::write(dir.path().join("cursor"), before).unwrap();
                    } else {
                        drop(spool);
                    }
                    spool = Spool::open(dir.path(), limits).unwrap();
                    link = server.link(&mut spool);
                }
            }
        }
        // All that is left.
        drop(link);
        let mut link = server.link(&mut spool);
        loop {
            while let Some(frame) = spool.next_frame().unwrap() {
                server.received.extend(link.take(frame));
            }
            if server.received.is_empty() { break; }
            server.commit(usize::MAX);
            spool.acknowledge(server.committed_seq).unwrap();
        }
        prop_assert!(server.ids.windows(2).all(|pair| pair[0] < pair[1]), "doubled or out of order: {:?}", server.ids);
        let missing = (1..=id).filter(|id| !server.ids.contains(id) && !cut_ids.contains(id)).count() as u64;
        prop_assert!(cut_ids.iter().all(|cut| !server.ids.contains(cut)));
        prop_assert_eq!(spool.stats().damaged, 0);
        prop_assert_eq!(missing, spool.stats().dropped);
        if !small {
            prop_assert_eq!(missing, 0);
        }
    }
}
