//! The server's own clock, set while it runs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use wk_testkit::until;

use crate::clock::faked;
use crate::fleet;

/// A wrapper under which a program's clock is off by what a file says at each moment.
fn settable(file: &Path) -> Vec<String> {
    let mut words = faked("+0");
    words.retain(|word| !word.starts_with("FAKETIME="));
    words.push(format!("FAKETIME_TIMESTAMP_FILE={}", file.display()));
    words.push("FAKETIME_NO_CACHE=1".to_owned());
    words
}

fn set(file: &Path, offset: &str) {
    // Whole or not at all: it is read all the time.
    let fresh = file.with_extension("new");
    fs::write(&fresh, format!("{offset}\n")).unwrap();
    fs::rename(&fresh, file).unwrap();
}

#[test]
fn a_server_whose_clock_is_set_goes_on_and_cries_no_wolf() {
    let fleet = fleet();
    let file = fleet.path().join("offset");
    // A certificate that is older than the clock is set back.
    set(&file, "-3h");
    let server = fleet.start("server", &settable(&file), &[]).unwrap();
    assert_eq!(server.stop(Signal::TERM), Some(0));
    set(&file, "+0");
    let server = fleet.start("server", &settable(&file), &[]).unwrap();
    let home = fleet.home("web-1");
    home.configure("agent.toml", "sample_interval_s = 1\n");
    home.enrol(&fleet.token("web-1")).ok();
    let agent = home.start();
    let row = fleet.linked("web-1");
    let host = row["host"]["id"].as_str().unwrap().to_owned();
    let spec = format!(r#"{{"kind":"tcp","address":"127.0.0.1","port":{}}}"#, fleet.hub().port());
    fleet.cli(&["check", "add", "web-1", "tcp:hub", &spec, "--interval", "5s"]).ok();
    let checks = || fleet.list(&format!("/checks?host={host}"));
    until("checks are judged", || {
        let checks = checks();
        let judged = checks.iter().filter(|check| check["status"] == "ok").count();
        (judged >= 3 && checks.iter().any(|c| c["key"] == "tcp:hub" && c["status"] == "ok")).then_some(())
    });
    let committed = || fleet.agent_of("web-1").unwrap()["committed_seq"].as_u64().unwrap();
    for (offset, words) in
        [("+1h", "set forward by 1 h"), ("-1h", "set back by 2 h"), ("+0", "set forward by 1 h")]
    {
        let before = committed();
        set(&file, offset);
        until(&format!("it is written down that the clock was {words}"), || {
            let events = fleet.list("/events?kind=system");
            events.iter().any(|event| event["summary"].as_str().unwrap().contains(words)).then_some(())
        });
        until("batches are committed as before", || (committed() > before + 5).then_some(()));
        // As long as a silence of nobody would take to be noticed if the clock's hour had passed.
        std::thread::sleep(Duration::from_secs(3));
        for check in checks() {
            assert!(check["no_data_since"].is_null(), "{offset}: {check}");
        }
        assert!(fleet.connected("web-1"), "{offset}: the link stays open");
        let told = fleet.list("/events?kind=state");
        let silent = told.iter().filter(|event| event["detail"]["to"] == "unknown").collect::<Vec<_>>();
        assert!(silent.is_empty(), "{offset}: {silent:?}");
    }
    assert_eq!((home.acknowledged().1, home.acknowledged().2), (0, 0), "nothing was dropped");
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
    assert!(!fleet.logs().contains("panicked"), "{}", fleet.logs());
}
