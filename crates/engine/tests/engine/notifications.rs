//! Who is told what, and when: confirmed, once, and nothing owed is ever lost.

use std::time::Duration;

use serde_json::Value;
use wk_authz::authorize;
use wk_domain::{CheckId, Status};
use wk_engine::people::DowntimePlan;
use wk_engine::ports::{Store, StoreError};

use crate::rig::*;

async fn ready() -> (Rig, Agent, CheckId) {
    let rig = Rig::new().await;
    rig.channel("team").await;
    let mut agent = rig.connected("web-1", &[]).await;
    rig.engine.tick_now().await;
    let check = rig.probe(&agent, "tcp:web").await;
    rig.report(&mut agent, check, Status::Ok).await;
    (rig, agent, check)
}

/// Three failures, twelve seconds apart: confirmed.
async fn fail(rig: &Rig, agent: &mut Agent, check: CheckId) {
    for _ in 0..3 {
        rig.pass(secs(12)).await;
        rig.report(agent, check, Status::Critical).await;
    }
}

async fn downtime(rig: &Rig, agent: &Agent, check: Option<CheckId>, span: Duration) -> wk_domain::DowntimeId {
    let plan = DowntimePlan {
        host: agent.host,
        check,
        start: rig.now(),
        end: rig.now() + span,
        note: "new disks".to_owned(),
    };
    let permit = authorize(&admin(), agent.host).unwrap();
    rig.engine.plan_downtime(permit, plan).await.unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_third_failure_pages_and_the_recovery_is_told_once() {
    let (rig, mut agent, check) = ready().await;
    for attempt in 1..=3 {
        rig.pass(secs(12)).await;
        rig.report(&mut agent, check, Status::Critical).await;
        let expected: &[&str] = if attempt < 3 { &[] } else { &["problem"] };
        assert_eq!(rig.told_of(check).await, expected, "attempt {attempt}");
    }
    for _ in 0..3 {
        rig.pass(secs(60)).await;
        rig.report(&mut agent, check, Status::Critical).await;
    }
    assert_eq!(rig.told_of(check).await, ["problem"], "once is enough");
    for _ in 0..3 {
        rig.pass(secs(60)).await;
        rig.report(&mut agent, check, Status::Ok).await;
    }
    assert_eq!(rig.told_of(check).await, ["problem", "recovery"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_failure_that_passes_is_nobodys_business() {
    let (rig, mut agent, check) = ready().await;
    for status in [Status::Critical, Status::Critical, Status::Ok] {
        rig.pass(secs(12)).await;
        rig.report(&mut agent, check, status).await;
    }
    assert_eq!(rig.told().await, []);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_problem_is_quiet_until_it_recovers_or_the_promise_ends() {
    let (rig, mut agent, check) = ready().await;
    fail(&rig, &mut agent, check).await;
    let expires = rig.now() + secs(600);
    let permit = authorize(&admin(), check).unwrap();
    rig.engine.acknowledge(permit, "on it", true, Some(expires)).await.unwrap();
    for status in [Status::Warning, Status::Critical] {
        rig.pass(secs(60)).await;
        rig.report(&mut agent, check, status).await;
    }
    assert_eq!(rig.told_of(check).await, ["problem"]);
    rig.pass(secs(600)).await;
    assert_eq!(rig.told_of(check).await, ["problem", "problem"], "the promise ended: reminded");
    assert!(rig.engine.world().checks[&check].ack.is_none());
    assert_eq!(rig.store.acks().await.unwrap(), []);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_acknowledgement_ends_with_the_status_it_was_for() {
    let (rig, mut agent, check) = ready().await;
    fail(&rig, &mut agent, check).await;
    rig.engine.acknowledge(authorize(&admin(), check).unwrap(), "on it", false, None).await.unwrap();
    rig.pass(secs(60)).await;
    rig.report(&mut agent, check, Status::Critical).await;
    assert_eq!(rig.told_of(check).await, ["problem"]);
    rig.pass(secs(60)).await;
    rig.report(&mut agent, check, Status::Warning).await;
    assert_eq!(rig.told_of(check).await, ["problem", "problem"]);
    assert_eq!(rig.store.acks().await.unwrap(), []);
    let ended = rig.events_of(check, "unack").await;
    assert_eq!(ended.len(), 1);
    assert!(ended[0].detail_json.contains("status-changed"), "{}", ended[0].detail_json);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_problem_still_there_when_its_downtime_ends_is_told_then() {
    for whole_host in [true, false] {
        let (rig, mut agent, check) = ready().await;
        downtime(&rig, &agent, (!whole_host).then_some(check), secs(600)).await;
        fail(&rig, &mut agent, check).await;
        assert_eq!(rig.told_of(check).await, Vec::<String>::new());
        for _ in 0..9 {
            rig.pass(secs(60)).await;
            rig.report(&mut agent, check, Status::Critical).await;
        }
        assert_eq!(rig.told_of(check).await, Vec::<String>::new());
        rig.pass(secs(60)).await;
        assert_eq!(rig.told_of(check).await, ["problem"]);
        rig.pass(secs(60)).await;
        assert_eq!(rig.told_of(check).await, ["problem"]);
        rig.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_problem_that_ends_inside_its_downtime_is_never_told() {
    let (rig, mut agent, check) = ready().await;
    downtime(&rig, &agent, None, secs(600)).await;
    fail(&rig, &mut agent, check).await;
    rig.pass(secs(60)).await;
    for _ in 0..11 {
        rig.report(&mut agent, check, Status::Ok).await;
        rig.pass(secs(60)).await;
    }
    assert_eq!(rig.told().await, []);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_heard_of_a_problem_hears_of_a_recovery_inside_a_downtime() {
    let (rig, mut agent, check) = ready().await;
    fail(&rig, &mut agent, check).await;
    downtime(&rig, &agent, None, secs(600)).await;
    rig.pass(secs(60)).await;
    for _ in 0..11 {
        rig.report(&mut agent, check, Status::Ok).await;
        rig.pass(secs(60)).await;
    }
    assert_eq!(rig.told_of(check).await, ["problem", "recovery"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_downtime_releases_what_it_held() {
    let (rig, mut agent, check) = ready().await;
    let id = downtime(&rig, &agent, None, secs(3600)).await;
    fail(&rig, &mut agent, check).await;
    rig.engine.cancel_downtime(authorize(&admin(), id).unwrap()).await.unwrap();
    assert_eq!(rig.told_of(check).await, ["problem"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cancelled_downtime_held_is_told_even_when_the_store_fails_then() {
    let (rig, mut agent, check) = ready().await;
    let id = downtime(&rig, &agent, None, secs(3600)).await;
    fail(&rig, &mut agent, check).await;
    let mut left = 1;
    rig.store.judge(move |_| {
        left -= 1;
        (left == 0).then(|| StoreError::Unavailable { detail: "gone".into() })
    });
    // The downtime is cancelled, whatever becomes of what follows.
    let _ = rig.engine.cancel_downtime(authorize(&admin(), id).unwrap()).await;
    rig.store.heal();
    rig.pass(secs(1)).await;
    assert_eq!(rig.told_of(check).await, ["problem"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_inside_or_over_a_downtime_loses_nothing() {
    for restart_after_end in [false, true] {
        let (rig, mut agent, check) = ready().await;
        downtime(&rig, &agent, None, secs(600)).await;
        fail(&rig, &mut agent, check).await;
        if restart_after_end {
            rig.clock.advance(secs(700));
        }
        let rig = rig.restart().await;
        rig.engine.tick_now().await;
        rig.link(&agent).await;
        rig.pass(secs(1)).await;
        if !restart_after_end {
            assert_eq!(rig.told_of(check).await, Vec::<String>::new());
            rig.pass(secs(600)).await;
        }
        assert_eq!(rig.told_of(check).await, ["problem"], "restart after the end: {restart_after_end}");
        rig.end().await;
    }
}

/// An agent that is gone is one page; its checks are without data, which is none. Back again, what happened meanwhile
/// is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_agent_is_exactly_one_page() {
    for restart in [false, true] {
        let (mut rig, mut agent, check) = ready().await;
        let mut others = Vec::new();
        for n in 0..5 {
            let other = rig.probe(&agent, &format!("tcp:{n}")).await;
            rig.report(&mut agent, other, Status::Ok).await;
            others.push(other);
        }
        fail(&rig, &mut agent, check).await;
        let alive = rig.check_named(agent.host, "agent").unwrap();
        assert_eq!(rig.told().await, [("problem".to_owned(), check)]);

        rig.unlink(&agent).await;
        for _ in 0..30 {
            rig.pass(secs(15)).await;
        }
        if restart {
            rig = rig.restart().await;
            for _ in 0..30 {
                rig.pass(secs(15)).await;
            }
        }
        assert_eq!(rig.told().await, [("problem".to_owned(), check), ("problem".to_owned(), alive)]);
        assert!(others.iter().all(|other| rig.status(*other) == Some(Status::Ok)), "the last status stands");
        assert!(others.iter().all(|other| rig.state(*other).state.stale.is_some()), "and is shown as old");

        // Its spool says that the problem ended meanwhile, and that another began.
        rig.link(&agent).await;
        rig.report(&mut agent, check, Status::Ok).await;
        for _ in 0..3 {
            rig.report(&mut agent, others[0], Status::Critical).await;
            rig.pass(secs(12)).await;
        }
        assert_eq!(rig.told_of(alive).await, ["problem", "recovery"]);
        assert_eq!(rig.told_of(check).await, ["problem", "recovery"]);
        assert_eq!(rig.told_of(others[0]).await, ["problem"]);
        assert!(others[1..].iter().all(|other| rig.state(*other).state.stale.is_some()));
        rig.end().await;
    }
}

/// Results that came while the link was down, between two looks at the clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_held_back_in_a_blink_of_the_link_is_told() {
    let (rig, mut agent, check) = ready().await;
    rig.report(&mut agent, check, Status::Critical).await;
    rig.pass(secs(12)).await;
    rig.report(&mut agent, check, Status::Critical).await;
    rig.unlink(&agent).await;
    rig.report(&mut agent, check, Status::Critical).await;
    rig.link(&agent).await;
    rig.pass(secs(1)).await;
    rig.pass(secs(12)).await;
    rig.report(&mut agent, check, Status::Critical).await;
    assert_eq!(rig.told_of(check).await, ["problem"]);
    rig.end().await;
}

/// Whoever asks why they were paged, or why not, gets an answer for every change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transition_has_an_event_with_its_decision() {
    let order = [
        "notifications_on",
        "host_reachable",
        "not_in_downtime",
        "not_acknowledged",
        "hard",
        "news",
        "problem_was_told",
    ];
    let (rig, mut agent, check) = ready().await;
    fail(&rig, &mut agent, check).await;
    rig.pass(secs(60)).await;
    rig.report(&mut agent, check, Status::Ok).await;
    let mut events = rig.events_of(check, "state").await;
    events.reverse();
    let seen: Vec<(String, String, u64)> = events
        .iter()
        .map(|event| {
            let detail: Value = serde_json::from_str(&event.detail_json).unwrap();
            let gates: Vec<&str> = detail["trace"]["gates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|g| g["gate"].as_str().unwrap())
                .collect();
            let mut places = gates.iter().map(|gate| order.iter().position(|known| known == gate).unwrap());
            let first = places.next().unwrap();
            places.fold(first, |before, place| {
                assert!(before < place, "gates in their fixed order: {gates:?}");
                place
            });
            for gate in detail["trace"]["gates"].as_array().unwrap() {
                assert!(gate["detail"].as_str().unwrap().len() > 5, "a sentence for people: {gate}");
            }
            assert!(detail["trace"]["revision"].as_u64().is_some(), "{detail}");
            let (from, to) = (detail["from"].as_str().unwrap(), detail["to"].as_str().unwrap());
            let verdict = detail["trace"]["verdict"]["kind"].as_str().unwrap().to_owned();
            (format!("{from}-{to}"), verdict, detail["attempt"].as_u64().unwrap())
        })
        .collect();
    let shown: Vec<(&str, &str)> = seen.iter().map(|(a, b, _)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("pending-ok", "silent"),
            ("ok-critical", "silent"),
            ("critical-critical", "notify"),
            ("critical-ok", "notify"),
        ]
    );
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoking_an_agent_pages_nobody_for_each_check_it_fed() {
    let rig = Rig::new().await;
    rig.channel("team").await;
    let mut agent = rig.connected("web-1", &[]).await;
    rig.send(&mut agent, disk(rig.now(), "/", 40.0)).await;
    rig.engine.tick_now().await;
    let check = rig.check_named(agent.host, "disk:/").unwrap();
    rig.engine.revoke_agent(authorize(&admin(), agent.id).unwrap(), "sold").await.unwrap();
    rig.unlink(&agent).await;
    for _ in 0..40 {
        rig.pass(secs(15)).await;
    }
    assert_eq!(rig.told_of(check).await, Vec::<String>::new());
    assert_eq!(rig.status(check), Some(Status::Ok), "the last status stands");
    assert!(rig.state(check).state.stale.is_some(), "and is shown as old");
    rig.end().await;
}
