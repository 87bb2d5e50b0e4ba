//! PostgreSQL as the store, and what happens while it is away.

use rustix::process::Signal;
use wk_testkit::{PgServer, until};

use crate::{fleet, now_ms, points};

#[test]
fn with_postgresql_everything_works_and_an_outage_loses_nothing() {
    let mut database = PgServer::start().unwrap();
    let url = database.database().unwrap();
    let fleet = fleet();
    let data = fleet.data();
    std::fs::create_dir(&data).unwrap();
    wk_testkit::fleet::private_own(&data);
    std::fs::write(data.join("watchkeep.toml"), format!("database = \"{url}\"\n")).unwrap();
    let server = fleet.serve();
    let home = fleet.home("web-1");
    home.configure("agent.toml", "sample_interval_s = 1\n");
    home.enrol(&fleet.token("web-1")).ok();
    let began = now_ms();
    let agent = home.start();
    let row = fleet.linked("web-1");
    let host = row["host"]["id"].as_str().unwrap().to_owned();
    assert!(!data.join("watchkeep.db").exists());
    let engine = fleet.ask("/system")["storage"]["database_engine"].to_string();
    assert!(engine.contains("PostgreSQL"), "{engine}");
    let committed = || fleet.agent_of("web-1").and_then(|agent| agent["committed_seq"].as_u64()).unwrap_or(0);
    let seq = until("batches are committed", || Some(committed()).filter(|seq| *seq > 5));

    database.stop().unwrap();
    let away = now_ms();
    // It stays up, says so, and takes nothing in.
    until("status says so", || {
        let said = fleet.cli(&["status"]);
        said.all().to_lowercase().contains("database").then_some(())
    });
    assert!(committed() >= seq);
    std::thread::sleep(std::time::Duration::from_secs(5));
    let held = home.acknowledged().0;
    database.resume().unwrap();
    let back = now_ms();
    until("what waited arrives", || {
        (home.acknowledged().0 > held + 4 && committed() > held + 4).then_some(())
    });
    let said = until("status is as before", || {
        let said = fleet.cli(&["status"]);
        (said.code == Some(0) && !said.out.to_lowercase().contains("database")).then_some(said)
    });
    assert!(said.out.contains("1 connected"), "{}", said.out);
    // Samples of the outage are there: taken by the agent each second, kept by it, committed later.
    let outage = until("the samples of the outage are there", || {
        let found = points(&fleet, &host, "load.1", away, back);
        (found.len() >= 4).then_some(found)
    });
    assert!(outage.windows(2).all(|two| two[1].0 - two[0].0 < 4000), "{outage:?}");
    assert_eq!((home.acknowledged().1, home.acknowledged().2), (0, 0), "the agent dropped something");

    // The server starts again on it, and finds the same.
    assert_eq!(agent.stop(), Some(0));
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let server = fleet.serve();
    assert_eq!(fleet.agent_of("web-1").unwrap()["id"], row["id"]);
    assert!(points(&fleet, &host, "load.1", began, back).len() >= outage.len());
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    // One server at a time.
    let other = crate::fleet();
    let data = other.data();
    std::fs::create_dir(&data).unwrap();
    wk_testkit::fleet::private_own(&data);
    std::fs::write(data.join("watchkeep.toml"), format!("database = \"{url}\"\n")).unwrap();
    let said = other.start("server", &[], &[]).expect_err("a second server works with the database");
    assert!(said.err.contains("another server already works with this database"), "{}", said.err);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    assert!(!fleet.logs().contains("panicked"), "{}", fleet.logs());
}
