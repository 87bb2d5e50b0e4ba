//! An agent speaks for its own host and for the checks it was given, whatever it sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wk_domain::{AgentId, CheckId, CheckResult, ExecutionId, HostId, Status, Timestamp};
use wk_engine::desk::{AgentDesk, LinkHello, Observations, ObservedInventory, ObservedNote};
use wk_engine::ports::Store;
use wk_engine::ports::TenantScope;
use wk_engine::ports::metrics::{RangeQuery, Selector, SeriesKey, SeriesMeta};
use wk_engine::ports::rows::*;

use crate::rig::*;

/// Everything that is kept of a host and its agent, as text.
async fn all_of(rig: &Rig, host: HostId, agents: &[AgentId]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut put = |what: String, value: String| all.insert(what, value);
    put("host".into(), format!("{:?}", rig.store.host(host).await.unwrap()));
    let mut checks: Vec<_> = rig.store.checks().await.unwrap();
    checks.retain(|row| row.check.host == host);
    for row in &checks {
        put(format!("check {}", row.check.id), format!("{row:?}"));
        let ran =
            rig.store.executions(&TenantScope::whole(), None, Some(row.check.id), whole()).await.unwrap();
        put(format!("runs of {}", row.check.id), format!("{ran:?}"));
        let filter = EventFilter { check: Some(row.check.id), ..EventFilter::default() };
        put(format!("events of {}", row.check.id), format!("{:?}", rig.events(filter).await));
    }
    for state in rig.store.check_states().await.unwrap() {
        if state.host == host {
            put(format!("state {}", state.check), format!("{state:?}"));
        }
    }
    for ack in rig.store.acks().await.unwrap() {
        if checks.iter().any(|row| row.check.id == ack.check) {
            put(format!("ack {}", ack.check), format!("{ack:?}"));
        }
    }
    put("named".into(), {
        let world = rig.engine.world();
        let name = world.hosts.get(&host).map(|row| row.name.clone()).unwrap_or_default();
        format!(
            "{:?} {:?}",
            world.host_names.get(&(wk_domain::TenantId::ROOT, name.clone())),
            world.interfaces.get(&host)
        )
    });
    let mut downtimes = rig.store.downtimes(rig.now()).await.unwrap();
    downtimes.retain(|row| row.host == host);
    put("downtimes".into(), format!("{downtimes:?}"));
    let mut waiting = rig.store.outbox_recent(&TenantScope::whole(), whole()).await.unwrap();
    waiting.retain(|row| row.host == host);
    put("notifications".into(), format!("{waiting:?}"));
    put(
        "inventory".into(),
        format!("{:?}", rig.store.inventory(&TenantScope::whole(), host, None, whole()).await.unwrap()),
    );
    let filter = EventFilter { host: Some(host), ..EventFilter::default() };
    put("events".into(), format!("{:?}", rig.events(filter).await));
    for agent in agents {
        put(format!("agent {agent}"), format!("{:?}", rig.store.agent(*agent).await.unwrap()));
        let ran = rig.store.executions(&TenantScope::whole(), Some(*agent), None, whole()).await.unwrap();
        put(format!("runs by {agent}"), format!("{ran:?}"));
        put(
            format!("certificates of {agent}"),
            format!("{:?}", rig.store.agent_certs(*agent).await.unwrap()),
        );
        let world = rig.engine.world();
        put(format!("in memory: {agent}"), format!("{:?}", world.agents.get(agent)));
    }
    let mut series = rig.metrics.series_of(host);
    series.sort_by(|a, b| a.key.cmp(&b.key));
    for meta in series {
        let query = RangeQuery {
            selector: Selector { host, name: meta.key.name.clone(), labels: meta.key.labels.clone() },
            from: rig.now() - secs(86_400),
            to: rig.now() + secs(86_400),
            step_ms: 1000,
            rate: false,
            series_max: 100,
        };
        put(format!("series {:?}", meta.key), format!("{:?}", rig.metrics.range(&query).unwrap()));
    }
    let world = rig.engine.world();
    put("in memory: host".into(), format!("{:?}", world.hosts.get(&host)));
    for check in world.checks_of.get(&host).into_iter().flatten() {
        put(format!("in memory: {check}"), format!("{:?}", world.checks.get(check)));
    }
    all
}

fn whole() -> Page {
    Page { limit: 500, after: None }
}

/// Where in its sequence an agent claims to be.
#[derive(Debug, Clone, Copy)]
enum Place {
    Next,
    Again,
    Any { epoch: u64, seq: u64 },
}

/// A batch, and what an agent says of itself when its link opens and while it is open. Dictionaries go with the batches
/// that use them, and renewals are below.
#[derive(Debug, Clone)]
struct Lie {
    sender: usize,
    place: Place,
    hello: Option<LinkHello>,
    batch: Observations,
}

struct Targets {
    hosts: Vec<HostId>,
    checks: Vec<CheckId>,
    agents: Vec<AgentId>,
    executions: Vec<ExecutionId>,
    now: Timestamp,
}

/// The sections that agents send, and so those that might mean something to somebody.
const SECTIONS: [&str; 14] = [
    "os",
    "hardware",
    "packages",
    "users",
    "groups",
    "sudo",
    "ssh_keys",
    "listeners",
    "processes",
    "interfaces",
    "mounts",
    "timers",
    "fields",
    "top",
];

fn section() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(SECTIONS.map(str::to_owned).to_vec()), 1 => word()]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("os".to_owned()),
        Just("interfaces".to_owned()),
        Just("packages".to_owned()),
        Just("check.value".to_owned()),
        Just("fs.size".to_owned()),
        Just("victim".to_owned()),
        "[a-z.:]{1,12}",
        "\\PC{0,20}",
    ]
}

fn lie(targets: Arc<Targets>) -> impl Strategy<Value = Lie> {
    let t = &targets;
    let host = prop::sample::select(t.hosts.clone());
    let check = prop_oneof![
        prop::sample::select(t.checks.clone()),
        any::<[u8; 10]>().prop_map(|r| CheckId::new(1, r))
    ];
    let agent = prop::sample::select(t.agents.clone());
    let execution = prop_oneof![
        prop::sample::select(t.executions.clone()),
        any::<[u8; 10]>().prop_map(|r| ExecutionId::new(1, r))
    ];
    let now = t.now;
    let at = prop_oneof![
        (-100_000i64..100_000).prop_map(move |d| Timestamp::from_ms(now.as_ms() + d)),
        (946_684_800_000i64..253_402_300_800_000).prop_map(Timestamp::from_ms),
    ];
    let status = prop::sample::select(vec![Status::Ok, Status::Warning, Status::Critical, Status::Unknown]);
    let metric = (word(), -1e9..1e9f64).prop_map(|(label, value)| wk_domain::perfdata::PerfMetric {
        label,
        value: Some(value),
        unit: "s".to_owned(),
        warn: None,
        crit: None,
        min: None,
        max: None,
    });
    let one = (check.clone(), status, word(), at.clone(), prop::collection::vec(metric, 0..3)).prop_map(
        |(check, status, output, at, metrics)| {
            let result = CheckResult {
                status,
                reason: None,
                output,
                long_output: String::new(),
                metrics,
                started: at,
                finished: at,
            };
            (check, result)
        },
    );
    let labels = prop::collection::btree_map(
        prop_oneof![Just("check".to_owned()), Just("mount".to_owned()), "[a-z]{1,5}"],
        word(),
        0..3,
    );
    let series = (
        host,
        prop_oneof![Just("check.value".to_owned()), Just("fs.size".to_owned()), "[a-z]{1,8}\\.[a-z]{1,8}"],
        labels,
    )
        .prop_map(|(host, name, labels)| SeriesMeta {
            key: SeriesKey { host, name, labels: labels.into_iter().collect() },
            unit: "B".to_owned(),
            counter: false,
        });
    let sample = (0u32..6, at.clone(), any::<f64>()).prop_map(|(i, at, v)| (i, at.as_ms(), v));
    let items = prop::collection::vec((word(), prop::collection::vec((word(), word()), 0..3)), 0..4);
    let section = (section(), any::<bool>(), items, prop::collection::vec(word(), 0..3), at.clone())
        .prop_map(|(section, full, items, removed, at)| {
            // The hub gives each key once.
            let items: BTreeMap<_, _> = items.into_iter().collect();
            ObservedInventory { section, full, items: items.into_iter().collect(), removed, at }
        });
    let run = (execution, agent, prop::option::of(check), at.clone()).prop_map(|(id, agent, check, at)| {
        ExecutionRow {
            id,
            agent,
            check,
            kind: "plugin".to_owned(),
            what: "check_it".to_owned(),
            argv: vec!["-x".to_owned()],
            sha256: "00".repeat(32),
            grade: "full".to_owned(),
            outcome: "exit:0".to_owned(),
            started: at,
            finished: at,
        }
    });
    let note = (at, word(), word()).prop_map(|(at, kind, text)| ObservedNote { at, kind, text, count: 1 });
    let place = prop_oneof![
        6 => Just(Place::Next),
        1 => Just(Place::Again),
        2 => (prop_oneof![0u64..3, Just(u64::MAX)], prop_oneof![0u64..5, Just(u64::MAX), Just(i64::MAX as u64)])
            .prop_map(|(epoch, seq)| Place::Any { epoch, seq }),
    ];
    let hello = (word(), word(), any::<u64>(), any::<bool>(), prop::collection::vec((word(), word()), 0..3))
        .prop_map(move |(version, hostname, epoch, remote_off, plugins)| LinkHello {
            version,
            hostname,
            epoch,
            agent_now: Timestamp::from_ms(i64::try_from(epoch >> 1).unwrap_or(0)),
            remote_off,
            plugins: plugins.into_iter().map(|(name, digest)| (name, digest, Vec::new())).collect(),
            machine_digest: vec![7; 32],
        });
    (
        0usize..2,
        place,
        prop::option::weighted(0.2, hello),
        prop::collection::vec(series, 0..5),
        prop::collection::vec(sample, 0..6),
        prop::collection::vec(one, 0..5),
        prop::collection::vec(section, 0..3),
        prop::collection::vec(run, 0..3),
        prop::collection::vec(note, 0..2),
    )
        .prop_map(|(sender, place, hello, series, samples, results, inventory, executions, notes)| Lie {
            sender,
            place,
            hello,
            batch: Observations {
                epoch: 1,
                seq: 0,
                series: Arc::new(series.into_iter().collect()),
                samples,
                results,
                inventory,
                executions,
                notes,
            },
        })
}

/// Whatever an agent sends, with the grant `probe` or without: nothing that is kept of another host changes.
#[test]
fn no_batch_changes_anything_of_another_host() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (rig, victim, liars, targets, before) = runtime.block_on(async {
        let rig = Rig::new().await;
        let mut victim = rig.connected("victim", &[]).await;
        let mut prober = rig.connected("prober", &["probe"]).await;
        let liars = [rig.connected("liar", &[]).await, rig.connected("liar-with-probe", &["probe"]).await];
        let own = rig.probe(&victim, "tcp:own").await;
        let probed = rig.probe_of(victim.host, prober.id, "tcp:probed").await;
        rig.report(&mut prober, probed, Status::Ok).await;
        let execution = ExecutionRow {
            id: wk_engine::ids::new_id(rig.now()),
            agent: victim.id,
            check: Some(own),
            kind: "probe".to_owned(),
            what: "tcp".to_owned(),
            argv: Vec::new(),
            sha256: String::new(),
            grade: String::new(),
            outcome: "ok".to_owned(),
            started: rig.now(),
            finished: rig.now(),
        };
        let honest = Observations {
            results: vec![(own, result(Status::Critical, rig.now()))],
            inventory: vec![ObservedInventory {
                section: "packages".to_owned(),
                full: true,
                items: vec![("bash".to_owned(), vec![("version".to_owned(), "5.2".to_owned())])],
                removed: Vec::new(),
                at: rig.now(),
            }],
            executions: vec![execution.clone()],
            ..disk(rig.now(), "/", 50.0)
        };
        rig.send(&mut victim, honest).await;
        rig.engine.tick_now().await;
        let checks: Vec<CheckId> = rig.engine.world().checks_of[&victim.host].clone();
        assert!(checks.len() >= 4, "own, probed, agent, disk: {checks:?}");
        let agents = vec![victim.id, prober.id, liars[0].id, liars[1].id];
        let targets = Targets {
            hosts: vec![victim.host, liars[0].host],
            checks,
            agents,
            executions: vec![execution.id],
            now: rig.now(),
        };
        let before = all_of(&rig, victim.host, &[victim.id, prober.id]).await;
        assert!(before.keys().any(|key| key.starts_with("series")) && before["inventory"].contains("bash"));
        (rig, victim, liars, Arc::new(targets), before)
    });
    let prober = targets.agents[1];
    let accepted = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&lie(Arc::clone(&targets)), |lie| {
        runtime.block_on(async {
            let liar = &liars[lie.sender];
            let (epoch, seq) = {
                let world = rig.engine.world();
                let row = &world.agents[&liar.id].row;
                (row.epoch, row.committed_seq)
            };
            if let Some(hello) = lie.hello {
                let terms = rig.engine.open_link(&liar.peer, hello).await.unwrap();
                rig.engine.heard(victim.id, terms.link);
                rig.engine.heard(liar.id, terms.link);
                rig.engine.clock(liar.id, terms.link, i64::MAX / 2);
            }
            let mut batch = lie.batch;
            (batch.epoch, batch.seq) = match lie.place {
                // Who used the last number up begins a new epoch, as an agent with a new spool does.
                Place::Next if seq >= i64::MAX as u64 - 1 => (epoch.wrapping_add(1).max(1), 1),
                Place::Next => (epoch.max(1), if epoch == 0 { 1 } else { seq.saturating_add(1) }),
                Place::Again => (epoch, seq),
                Place::Any { epoch, seq } => (epoch, seq),
            };
            if rig.engine.ingest(&liar.peer, LINK, batch).await.is_ok() {
                accepted.set(accepted.get() + 1);
            }
            let after = all_of(&rig, victim.host, &[victim.id, prober]).await;
            for (what, was) in &before {
                prop_assert_eq!(after.get(what), Some(was), "{} changed", what);
            }
            prop_assert_eq!(after.len(), before.len(), "something was added");
            Ok(())
        })
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    assert!(
        accepted.get() > 20,
        "most batches must have been taken, or this tests nothing: {}",
        accepted.get()
    );
    runtime.block_on(rig.end());
}

/// Whatever key an agent asks to have certified: it is certified as itself, or refused, and nobody else is touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_certifies_nobody_else() {
    let rig = Rig::new().await;
    let victim = rig.connected("victim", &[]).await;
    rig.engine.tick_now().await;
    let before = all_of(&rig, victim.host, &[victim.id]).await;
    for (n, key) in
        [b"victim".to_vec(), b"bad request".to_vec(), Vec::new(), vec![0xff; 4096], b"own".to_vec()]
            .into_iter()
            .enumerate()
    {
        let liar = rig.connected(&format!("liar-{n}"), &["probe"]).await;
        for _ in 0..3 {
            if let Ok(granted) = rig.engine.renew(&liar.peer, key.clone()).await {
                assert_eq!(granted.agent, liar.id);
            }
        }
        rig.engine.close_link(victim.id, u64::MAX).await;
        assert_eq!(all_of(&rig, victim.host, &[victim.id]).await, before, "{n}");
    }
    rig.end().await;
}

/// A foreign result is no error for the batch, but it is written down, once a minute and address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reporting_on_a_foreign_check_is_written_down() {
    let rig = Rig::new().await;
    let victim = rig.connected("victim", &[]).await;
    let mut liar = rig.connected("liar", &[]).await;
    let check = rig.probe(&victim, "tcp:own").await;
    for _ in 0..5 {
        rig.report(&mut liar, check, Status::Critical).await;
    }
    let found = || async {
        rig.audit()
            .await
            .into_iter()
            .filter(|row| row.action == "hub.refuse" && row.outcome == "denied")
            .count()
    };
    for _ in 0..200 {
        if found().await > 0 {
            break;
        }
        tokio::time::sleep(secs(1) / 100).await;
    }
    assert_eq!(found().await, 1);
    assert_eq!(rig.status(check), None);
    rig.end().await;
}

/// A round may hold batches of one agent with different dictionaries: an old link's last and a new link's first.
#[tokio::test]
async fn samples_go_to_the_series_of_their_own_dictionary() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    let at = rig.now().as_ms();
    // On one thread: both wait in the queue before the writer looks.
    let batch = |seq, name: &str, value| Observations {
        epoch: 1,
        seq,
        series: Arc::new([meta(name, &[])].into_iter().collect()),
        samples: vec![(0, at, value)],
        ..empty()
    };
    let first = rig.engine.ingest(&agent.peer, LINK, batch(1, "app.first", 1.0));
    let second = rig.engine.ingest(&agent.peer, LINK, batch(2, "app.second", 2.0));
    let (first, second) = tokio::join!(first, second);
    first.unwrap();
    second.unwrap();
    for (name, value) in [("app.first", 1.0), ("app.second", 2.0)] {
        let query = RangeQuery {
            selector: Selector { host: agent.host, name: name.to_owned(), labels: Vec::new() },
            from: rig.now() - secs(60),
            to: rig.now() + secs(60),
            step_ms: 1000,
            rate: false,
            series_max: 10,
        };
        let data = rig.metrics.range(&query).unwrap();
        let values: Vec<f64> = data.iter().flat_map(|series| series.points.iter().map(|p| p.last)).collect();
        assert_eq!(values, [value], "{name}");
    }
    rig.end().await;
}
