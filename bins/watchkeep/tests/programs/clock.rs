//! Clocks that are wrong.

use std::path::PathBuf;

use rustix::process::Signal;
use wk_testkit::{until, until_for};

use crate::{fleet, now_ms};

/// A wrapper under which a program's clock is this much off, such as `+1h`; time itself passes as it does.
pub(crate) fn faked(offset: &str) -> Vec<String> {
    let library = library();
    let mut words = vec!["env".to_owned()];
    words.push(format!("LD_PRELOAD={}", library.display()));
    words.push(format!("FAKETIME={offset}"));
    words.push("FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned());
    words
}

fn library() -> PathBuf {
    let dirs = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    dirs.map(|dir| dir.join("faketime/libfaketime.so.1"))
        .find(|path| path.exists())
        .expect("libfaketime is not there: apt-get install -y faketime")
}

fn an_agent_whose_clock_is_off(offset: &str, way: &str) {
    let fleet = fleet();
    // A server that has been there for a while: its certificate is older than the agent's clock is behind.
    let server = fleet.start("server", &faked("-2h"), &[]).unwrap();
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let server = fleet.serve();
    let home = fleet.enrolled("web-1");
    let agent = home.start_below(&faked(offset));
    let row = fleet.linked("web-1");
    let port = fleet.hub().port();
    let spec = format!(r#"{{"kind":"tcp","address":"127.0.0.1","port":{port}}}"#);
    let made = ["check", "add", "web-1", "tcp:hub", &spec, "--interval", "5s"];
    fleet.cli(&made).ok();
    let host = row["host"]["id"].as_str().unwrap().to_owned();
    let judged = until("a result is judged", || {
        let checks = fleet.list(&format!("/checks?host={host}"));
        checks.into_iter().find(|check| check["key"] == "tcp:hub" && check["status"] == "ok")
    });
    assert!(judged["no_data_since"].is_null(), "{judged}");
    // What the kernel there believes of its clock is one thing; what the server saw at the hello is the other.
    let clock = until_for(std::time::Duration::from_secs(150), "the clock is judged", || {
        let checks = fleet.list(&format!("/checks?host={host}"));
        checks.into_iter().find(|check| check["key"] == "clock" && check["status"] == "critical")
    });
    let output = clock["output"].as_str().unwrap();
    assert!(output.contains(way), "{output}");
    // Nothing is lost and nothing is refused: what the agent offers, the server has committed.
    until("the server has what the agent sent", || {
        let row = fleet.agent_of("web-1")?;
        (row["committed_seq"].as_u64()? >= 4 && home.acknowledged().0 >= 4).then_some(())
    });
    assert_eq!((home.acknowledged().1, home.acknowledged().2), (0, 0));
    assert!(!fleet.logs().contains("left out"), "{}", fleet.logs());
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
    assert!(now_ms() > 0 && !fleet.logs().contains("panicked"));
}

#[test]
fn an_agent_an_hour_ahead_is_judged_and_told() {
    an_agent_whose_clock_is_off("+1h", "ahead");
}

#[test]
fn an_agent_an_hour_behind_is_judged_and_told() {
    an_agent_whose_clock_is_off("-1h", "behind");
}
