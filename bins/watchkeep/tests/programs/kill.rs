//! Server and agent are killed at random instants, again and again: nothing that was acknowledged is lost, nothing is
//! counted twice.

use std::collections::{BTreeMap, HashSet};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use wk_testkit::{Fleet, until};

use crate::{fleet, now_ms, points};

/// Loops of the whole suite, and of a quick one.
const LOOPS: (u32, u32) = (50, 5);
/// A kill comes at a random instant within this.
const WITHIN_MS: u64 = 2200;
/// Probes that flow meanwhile.
const PROBES: u32 = 6;

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A port whose service comes and goes.
struct Service(Option<TcpListener>, u16);

impl Service {
    fn toggle(&mut self) {
        self.0 = match self.0.take() {
            Some(_) => None,
            None => TcpListener::bind(("127.0.0.1", self.1)).ok(),
        };
    }
}

#[test]
fn fifty_kills_lose_nothing_and_count_nothing_twice() {
    let loops = if std::env::var_os("WATCHKEEP_TEST_FAST").is_some() { LOOPS.1 } else { LOOPS.0 };
    let given = std::env::var("WATCHKEEP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| now_ms().unsigned_abs()).max(1);
    eprintln!("WATCHKEEP_TEST_SEED={seed}");
    let mut dice = Dice(seed);

    let fleet = fleet();
    let mut server = fleet.serve();
    let home = fleet.home("web-1");
    home.configure("agent.toml", "sample_interval_s = 1\n");
    home.enrol(&fleet.token("web-1")).ok();
    let began = now_ms();
    let mut agent = home.start();
    let row = fleet.linked("web-1");
    let host = row["host"]["id"].as_str().unwrap().to_owned();
    let mut service = Service(None, wk_testkit::fleet::free_port());
    service.toggle();
    for n in 0..PROBES {
        let port = if n == 0 { service.1 } else { fleet.hub().port() };
        let spec = format!(r#"{{"kind":"tcp","address":"127.0.0.1","port":{port}}}"#);
        let key = format!("tcp:{n}");
        let more = ["--interval", "5s", "--attempts", "1"];
        fleet.cli(&[&["check", "add", "web-1", &key, &spec][..], &more].concat()).ok();
    }
    // Nobody takes these: what would be told is counted in the outbox.
    let config = r#"{"url":"https://192.0.2.1:8443/hook","severities":["warning","critical","unknown"]}"#;
    channel(&fleet, config);

    // When the agent was down: from its kill until it samples again.
    let mut down: Vec<(i64, i64)> = Vec::new();
    let mut kills = (0, 0);
    for n in 0..loops {
        std::thread::sleep(Duration::from_millis(dice.below(WITHIN_MS)));
        if dice.below(4) == 0 {
            service.toggle();
        }
        if dice.below(2) == 0 {
            kills.0 += 1;
            server.kill();
            server = fleet.start("server", &[], &[]).unwrap_or_else(|said| {
                panic!("seed {seed}, loop {n}: it does not start again: {}", said.all())
            });
        } else {
            kills.1 += 1;
            let from = now_ms();
            agent.kill();
            // What the agent was told is committed, is committed.
            let (acknowledged, ..) = home.acknowledged();
            let committed = fleet.agent_of("web-1").unwrap()["committed_seq"].as_u64().unwrap();
            assert!(acknowledged <= committed, "seed {seed}, loop {n}: {acknowledged} > {committed}");
            agent = home.start();
            let until_ms = until("the agent watches", || agent.log().contains("watching").then(now_ms));
            down.push((from, until_ms));
        }
    }
    if service.0.is_none() {
        service.toggle();
    }
    let over = now_ms();
    eprintln!("{} kills of the server, {} of the agent", kills.0, kills.1);

    // Everything goes on: a link, every probe with a fresh result, the spool empty but for what just came.
    fleet.linked("web-1");
    until(&format!("seed {seed}: every probe is OK"), || {
        let checks = fleet.list(&format!("/checks?host={host}"));
        let probes = checks.iter().filter(|check| check["key"].as_str().unwrap().starts_with("tcp:"));
        let fresh = |check: &&Value| {
            let at = check["last_checked_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
            check["status"] == "ok" && at.is_some_and(|at| at.as_millisecond() > over)
        };
        (probes.filter(fresh).count() == PROBES as usize).then_some(())
    });
    let drained = Instant::now();
    until("the spool is drained", || {
        let newest = points(&fleet, &host, "agent.spool.batches", now_ms() - 10_000, now_ms());
        let low = newest.last().is_some_and(|(_, waiting)| *waiting <= 3.0);
        (low || drained.elapsed() > Duration::from_secs(40)).then_some(())
    });
    assert_eq!(agent.stop(), Some(0));
    let (acknowledged, dropped, damaged) = home.acknowledged();
    let committed = fleet.agent_of("web-1").unwrap()["committed_seq"].as_u64().unwrap();
    assert!(acknowledged <= committed, "seed {seed}: {acknowledged} > {committed}");
    assert_eq!((dropped, damaged), (0, 0), "seed {seed}: the agent lost batches");
    // A server that has less than it ever acknowledged, or more than it was ever given: either side says so when they
    // meet again, and it is exact, where gaps between samples are not.
    let logs = fleet.logs();
    for word in ["the server went back in time", "the server has more than this spool", "is given up"] {
        assert!(!logs.contains(word), "seed {seed}: an agent says: {word}");
    }

    gaps(&fleet, &host, (began, over), &down, seed);
    twice(&fleet, seed);
    let report = fleet.json(&["audit", "verify"]);
    assert_eq!(report["intact"], true, "seed {seed}: {report}");
    assert_eq!(server.stop(Signal::TERM), Some(0));
    assert!(!fleet.logs().contains("panicked"), "seed {seed}");
}

fn channel(fleet: &Fleet, config: &str) {
    let said = fleet
        .cli_with(&["channel", "add", "nobody", "webhook", config, "--secret"], b"a signing key of the test");
    assert_eq!(said.code, Some(0), "{}", said.all());
}

/// One sample each second, but for when the agent was down. A sample that came late says so itself.
fn gaps(fleet: &Fleet, host: &str, (from, to): (i64, i64), down: &[(i64, i64)], seed: u64) {
    let found = points(fleet, host, "agent.collect.lateness", from, to);
    assert!(found.len() > 10, "seed {seed}: {} samples", found.len());
    let mut lost = Vec::new();
    for two in found.windows(2) {
        let ((before, _), (after, late_s)) = (two[0], two[1]);
        // Points are in steps of a second; the sample's own lateness and the work on it come on top.
        let may = 2000 + (late_s.max(0.0) * 1000.0) as i64 + 1000;
        let excused = down.iter().any(|(from, to)| *from - 2500 <= after && before <= *to + 2500);
        if after - before > may && !excused {
            lost.push((before - from, after - from));
        }
    }
    assert!(
        lost.is_empty(),
        "seed {seed}: samples are missing between {lost:?} ms; the agent was down {down:?}"
    );
    let mut instants = HashSet::new();
    assert!(found.iter().all(|(at, _)| instants.insert(*at)), "seed {seed}: a sample is there twice");
}

/// No event and no notification is there twice.
fn twice(fleet: &Fleet, seed: u64) {
    let events = fleet.list("/events");
    let mut seen = HashSet::new();
    let mut changes: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for event in &events {
        let what = ["at", "kind", "check", "host", "summary", "detail"].map(|field| event[field].to_string());
        assert!(seen.insert(what), "seed {seed}: an event is there twice: {event}");
        if event["kind"] == "state" {
            let about = event["check"].to_string();
            let step = |name: &str| event["detail"][name].to_string();
            changes.entry(about).or_default().push((step("from"), step("to")));
        }
    }
    // Newest first: a change begins where the one before it ended.
    for (check, steps) in &changes {
        for two in steps.windows(2) {
            if two[0].0 != "null" && two[1].1 != "null" {
                assert_eq!(two[0].0, two[1].1, "seed {seed}: {check} changed twice the same way: {steps:?}");
            }
        }
    }
    let told = fleet.list("/notifications");
    assert!(!told.is_empty(), "seed {seed}: no notification");
    let mut seen = HashSet::new();
    let mut ids = HashSet::new();
    let mut last: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    for note in &told {
        assert!(ids.insert(note["id"].to_string()), "seed {seed}: {note}");
        let what = ["created_at", "check", "host", "kind", "channel"].map(|field| note[field].to_string());
        assert!(seen.insert(what), "seed {seed}: a notification is there twice: {note}");
        // Newest first: two recoveries in a row would be one told twice.
        let about = (note["check"].to_string(), note["host"].to_string());
        let now = (note["kind"].to_string(), note["created_at"].to_string());
        if let Some(later) = last.insert(about, now.clone()) {
            let recovery = |kind: &str| kind.contains("recovery");
            assert!(
                !(recovery(&later.0) && recovery(&now.0)),
                "seed {seed}: recovery told twice: {later:?} {now:?}"
            );
        }
    }
}
