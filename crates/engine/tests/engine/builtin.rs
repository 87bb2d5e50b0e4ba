//! Checks that nobody configured: from samples to states, and from silence to UNKNOWN.

use wk_authz::authorize;
use wk_domain::{Check, CheckKind, RetryPolicy, Status};
use wk_engine::desk::{AgentDesk, Observations, ObservedInventory};
use wk_engine::error::EngineError;
use wk_engine::ports::Store;
use wk_engine::ports::rows::{CheckRow, HostRow, IngestCommit};

use crate::rig::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_becomes_a_problem_by_itself() {
    let rig = Rig::new().await;
    rig.channel("team").await;
    let mut agent = rig.connected("web-1", &[]).await;
    rig.send(&mut agent, disk(rig.now(), "/var", 40.0)).await;
    let check = rig.check_named(agent.host, "disk:/var").expect("the check appears");
    assert_eq!(rig.status(check), Some(Status::Ok));
    assert!(is_builtin(rig.engine.world().checks[&check].row.check.kind));
    for _ in 0..3 {
        rig.pass(secs(60)).await;
        rig.send(&mut agent, disk(rig.now(), "/var", 99.9)).await;
    }
    assert_eq!(rig.status(check), Some(Status::Critical));
    assert_eq!(rig.told_of(check).await, ["problem"]);
    let found = rig.audit().await.into_iter().filter(|row| row.action == "check.discover");
    assert!(found.count() >= 2, "the disk and the agent");
    // The same checks after a restart, not new ones.
    let rig = rig.restart().await;
    rig.link(&agent).await;
    rig.pass(secs(60)).await;
    rig.send(&mut agent, disk(rig.now(), "/var", 10.0)).await;
    assert_eq!(rig.check_named(agent.host, "disk:/var"), Some(check));
    assert_eq!(rig.told_of(check).await, ["problem", "recovery"]);
    rig.end().await;
}

/// A clock that was a year ahead and was set right must not freeze what the checks see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_from_a_clock_that_was_set_right_do_not_stand_forever() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let ahead = rig.now() + secs(365 * 86_400);
    rig.send(&mut agent, disk(ahead, "/", 40.0)).await;
    let check = rig.check_named(agent.host, "disk:/").unwrap();
    assert_eq!(rig.status(check), Some(Status::Ok));
    for _ in 0..3 {
        rig.pass(secs(60)).await;
        rig.send(&mut agent, disk(rig.now(), "/", 99.9)).await;
    }
    assert_eq!(rig.status(check), Some(Status::Critical));
    rig.end().await;
}

/// A clock that is set while the link is open is judged by what the link measures then, not by its hello.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_while_linked_is_judged_and_set_right_again() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let link = rig.engine.world().agents[&agent.id].link.as_ref().unwrap().number;
    let sample = |at: wk_domain::Timestamp| wk_engine::desk::Observations {
        samples: vec![(0, at.as_ms(), 0.5), (1, at.as_ms(), 0.0)],
        series: std::sync::Arc::new([meta("load.1", &[]), meta("clock.offset", &[])].into_iter().collect()),
        ..empty()
    };
    rig.send(&mut agent, sample(rig.now())).await;
    let clock = rig.check_named(agent.host, "clock").unwrap();
    assert_eq!(rig.status(clock), Some(Status::Ok));
    // Of another link, which is over: nothing.
    rig.engine.clock(agent.id, link + 1, 3_600_000);
    rig.pass(secs(60)).await;
    rig.send(&mut agent, sample(rig.now())).await;
    assert_eq!(rig.status(clock), Some(Status::Ok));
    for (offset_s, expected) in [(3600, Status::Critical), (0, Status::Ok)] {
        rig.engine.clock(agent.id, link, offset_s * 1000);
        for _ in 0..3 {
            rig.pass(secs(61)).await;
            rig.send(&mut agent, sample(rig.now() + secs(offset_s.unsigned_abs()))).await;
        }
        assert_eq!(rig.status(clock), Some(expected), "{}", rig.state(clock).output);
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_of_a_connected_agent_is_unknown_and_says_so() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let probe = rig.probe(&agent, "tcp:web").await;
    let mut first = disk(rig.now(), "/", 40.0);
    first.results = vec![(probe, result(Status::Ok, rig.now()))];
    rig.send(&mut agent, first).await;
    let disk = rig.check_named(agent.host, "disk:/").unwrap();
    for _ in 0..20 {
        rig.pass(secs(15)).await;
    }
    for check in [probe, disk] {
        let state = rig.state(check);
        assert_eq!(state.state.status, Some(Status::Unknown));
        assert_eq!(state.reason, "stale");
        assert!(state.output.contains("connected"), "{}", state.output);
    }
    rig.report(&mut agent, probe, Status::Ok).await;
    assert_eq!((rig.status(probe), rig.state(probe).reason.as_str()), (Some(Status::Ok), ""));
    rig.end().await;
}

/// A check that a person made with the key of a built-in one stays what the person made it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_builtin_rule_never_judges_somebody_elses_check() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let probe = rig.probe(&agent, "disk:/").await;
    let other = rig.connected("web-2", &[]).await;
    let alive = rig.probe(&other, "agent2").await;
    rig.send(&mut agent, disk(rig.now(), "/", 99.9)).await;
    rig.engine.tick_now().await;
    assert_eq!(rig.status(probe), None, "no result of the probe came");
    assert_eq!(rig.status(alive), None);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_stays_on_its_host() {
    let rig = Rig::new().await;
    let (agent, other) = (rig.connected("web-1", &["probe"]).await, rig.connected("web-2", &["probe"]).await);
    let check = rig.probe(&agent, "tcp:web").await;
    let moved = check_edit(other.host, Some(agent.id), "tcp:web");
    let answer = rig.engine.write_check(authorize(&admin(), Some(check)).unwrap(), moved).await;
    assert!(matches!(answer, Err(EngineError::Conflict(_))), "{answer:?}");
    assert_eq!(rig.engine.world().checks[&check].row.check.host, agent.host);
    assert_eq!(rig.check_named(agent.host, "tcp:web"), Some(check));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_is_to_run_reaches_it_and_only_it() {
    let rig = Rig::new().await;
    let (agent, other) = (rig.connected("web-1", &[]).await, rig.connected("web-2", &[]).await);
    let mut own = rig.engine.assignments(agent.id);
    let others = rig.engine.assignments(other.id);
    let check = rig.probe(&agent, "tcp:web").await;
    assert!(own.has_changed().unwrap());
    assert_eq!(own.borrow_and_update().checks.iter().map(|a| a.check).collect::<Vec<_>>(), [check]);
    assert!(!others.has_changed().unwrap());
    rig.engine.remove_check(authorize(&admin(), check).unwrap()).await.unwrap();
    assert!(own.borrow_and_update().checks.is_empty());
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inventory_names_the_host_and_reports_changes_after_the_first_scan() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let os = |kernel: &str, full| ObservedInventory {
        section: "os".to_owned(),
        full,
        items: vec![(
            "os".to_owned(),
            vec![
                ("name".to_owned(), "Debian GNU/Linux 12".to_owned()),
                ("kernel".to_owned(), kernel.to_owned()),
            ],
        )],
        removed: Vec::new(),
        at: rig.now(),
    };
    rig.send(&mut agent, Observations { inventory: vec![os("6.1.0", true)], ..empty() }).await;
    assert_eq!(rig.engine.world().hosts[&agent.host].os, "Debian GNU/Linux 12, Linux 6.1.0");
    assert_eq!(rig.store.host(agent.host).await.unwrap().unwrap().os, "Debian GNU/Linux 12, Linux 6.1.0");
    rig.end().await;
}

/// A thousand hosts with fifty checks each load at the start, and nothing is said about them that was not said before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_hosts_with_fifty_checks_load() {
    let rig = Rig::new().await;
    let now = rig.now();
    for n in 0..1000 {
        let host = HostRow {
            id: wk_engine::ids::new_id(now),
            tenant: wk_domain::TenantId::ROOT,
            labels: wk_domain::Labels::default(),
            name: format!("host-{n}"),
            agent: None,
            created: now,
            fields: Vec::new(),
            addresses: Vec::new(),
            os: String::new(),
            revision: 0,
        };
        let id = host.id;
        let audit = wk_engine::record::draft(&admin(), now, "host.create", "host", id);
        rig.store.put_host(host, audit).await.unwrap();
        let checks = (0..50).map(|k| CheckRow {
            check: Check {
                id: wk_engine::ids::new_id(now),
                host: id,
                key: format!("disk:/{k}"),
                title: format!("Disk /{k}"),
                kind: CheckKind::Builtin,
                runner: None,
                retry: RetryPolicy::default(),
                enabled: true,
            },
            spec_json: "{}".to_owned(),
            created: now,
            revision: 1,
        });
        let commit = IngestCommit { new_checks: checks.collect(), ..IngestCommit::default() };
        rig.store.commit_ingest(commit).await.unwrap();
    }
    let rig = rig.restart().await;
    assert_eq!(rig.engine.world().checks.len(), 50_000);
    assert_eq!(rig.engine.world().hosts.len(), 1000);
    rig.engine.tick_now().await;
    assert_eq!(rig.told().await, []);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_follow_every_interface_in_whatever_piece_it_comes() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let now = rig.now();
    let piece = |full: bool, items: &[(&str, &str)], removed: &[&str]| ObservedInventory {
        section: "interfaces".to_owned(),
        full,
        items: items
            .iter()
            .map(|(name, addresses)| {
                ((*name).to_owned(), vec![("addresses".to_owned(), (*addresses).to_owned())])
            })
            .collect(),
        removed: removed.iter().map(|name| (*name).to_owned()).collect(),
        at: now,
    };
    let host = agent.host;
    let addresses = |rig: &Rig| rig.engine.world().hosts[&host].addresses.join(" ");
    let send = async |rig: &Rig, agent: &mut Agent, pieces: Vec<ObservedInventory>| {
        rig.send(agent, Observations { inventory: pieces, ..empty() }).await;
    };
    let first = piece(true, &[("eth0", "192.0.2.10/24, 2001:db8::10/64"), ("lo", "127.0.0.1/8")], &[]);
    let second = piece(false, &[("eth1", "198.51.100.7/24")], &[]);
    send(&rig, &mut agent, vec![first, second]).await;
    assert_eq!(addresses(&rig), "192.0.2.10 198.51.100.7 2001:db8::10");
    send(&rig, &mut agent, vec![piece(false, &[("wg0", "10.9.0.1/32")], &[])]).await;
    assert_eq!(addresses(&rig), "10.9.0.1 192.0.2.10 198.51.100.7 2001:db8::10", "in a batch of its own");

    let mut rig = rig.restart().await;
    rig.link(&agent).await;
    send(&rig, &mut agent, vec![piece(false, &[("eth0", "192.0.2.11/24")], &["eth1"])]).await;
    assert_eq!(
        addresses(&rig),
        "10.9.0.1 192.0.2.11",
        "changed, gone, and the rest as it was before the restart"
    );
    send(&rig, &mut agent, vec![piece(true, &[("eth0", "192.0.2.12/24")], &[])]).await;
    assert_eq!(addresses(&rig), "192.0.2.12", "a scan begins anew");
    rig = rig.restart().await;
    assert_eq!(addresses(&rig), "192.0.2.12");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hosts_fields_choose_its_thresholds() {
    let rig = Rig::new().await;
    let (mut web, mut db) = (rig.connected("web-1", &[]).await, rig.connected("db-1", &[]).await);
    let write = async |value: &str| {
        let revision = rig.engine.world().hosts[&web.host].revision;
        let edit = wk_engine::people::HostEdit {
            tenant: None,
            labels: None,
            name: "web-1".to_owned(),
            fields: [("threshold.disk:/".to_owned(), value.to_owned())].into(),
            revision: Some(revision),
            ..Default::default()
        };
        let permit = wk_authz::authorize(&admin(), Some(web.host)).unwrap();
        rig.engine.write_host(permit, edit).await
    };
    let refused = write("40 50").await.unwrap_err().to_string();
    assert!(refused.contains("threshold.disk:/") && refused.contains("WARNING;CRITICAL"), "{refused}");
    write("20;30").await.unwrap();
    let host = web.host;
    for agent in [&mut web, &mut db] {
        let batch = disk(rig.now(), "/", 40.0);
        rig.send(agent, batch).await;
    }
    let status = |host| rig.status(rig.check_named(host, "disk:/").unwrap());
    assert_eq!(status(host), Some(Status::Critical));
    assert_eq!(status(db.host), Some(Status::Ok), "another host keeps the defaults");
    rig.end().await;
}
