//! Faults of the program itself, answers that get lost, clocks that are set: nothing ends unseen, nothing counts twice,
//! and nobody waits for somebody else's trouble.

use std::sync::Arc;
use std::time::Duration;

use wk_domain::Status;
use wk_engine::desk::{AgentDesk, IngestError, Observations, ObservedNote};
use wk_engine::ports::rows::EventFilter;
use wk_engine::ports::{Store, StoreError};

use crate::flaky::After;
use crate::rig::*;

/// Waits for what a task of the engine does by itself.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came: {what}");
}

fn note(rig: &Rig, text: &str) -> Observations {
    let note = ObservedNote { at: rig.now(), kind: "started".to_owned(), text: text.to_owned(), count: 1 };
    Observations { epoch: 1, seq: 1, notes: vec![note], ..empty() }
}

async fn said(rig: &Rig, kind: &str) -> Vec<String> {
    let filter = EventFilter { kinds: vec![kind.to_owned()], ..EventFilter::default() };
    rig.events(filter).await.into_iter().map(|event| event.summary).collect()
}

async fn times(rig: &Rig, text: &str) -> usize {
    said(rig, "agent").await.iter().filter(|summary| *summary == text).count()
}

fn restarts(rig: &Rig, task: &str) -> u64 {
    rig.engine.tasks().into_iter().find(|(name, _)| name == task).map_or(0, |(_, state)| state.restarts)
}

fn trouble(rig: &Rig) -> String {
    rig.engine
        .troubles()
        .into_iter()
        .map(|trouble| format!("{}: {}\n", trouble.what, trouble.detail))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fault_in_a_round_stops_only_the_agent_it_is_about() {
    let rig = Rig::new().await;
    let bad = rig.connected("poisoned", &[]).await;
    let mut good = Vec::new();
    for n in 0..6 {
        good.push(rig.connected(&format!("good-{n}"), &[]).await);
    }
    let id = bad.id;
    rig.store.judge(move |commit| {
        assert!(
            commit.cursors.iter().all(|cursor| cursor.agent != id),
            "injected: this batch ends the program"
        );
        None
    });
    let mut tasks = Vec::new();
    for agent in good.iter().chain([&bad]) {
        let (engine, peer, batch) = (Arc::clone(&rig.engine), agent.peer.clone(), note(&rig, "fine"));
        tasks.push(tokio::spawn(async move { engine.ingest(&peer, LINK, batch).await }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert_eq!(answers.pop().unwrap(), Err(IngestError::TryLater), "not acknowledged: it comes again");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(times(&rig, "fine").await, 6, "once for each, though the round was tried again");
    assert_eq!(restarts(&rig, "ingest"), 0, "the task itself is unharmed");
    // It is written down where people look, with what went wrong.
    until("the fault is on the timeline", async || {
        said(&rig, "system").await.iter().any(|text| text.contains("this batch ends the program"))
    })
    .await;
    let audit = rig.audit().await;
    let entry = audit.iter().find(|row| row.action == "task.restart").unwrap();
    assert_eq!((entry.outcome.as_str(), entry.object.as_str()), ("failed", "task:ingest"));
    // Once it is mended, nothing is missing.
    rig.store.heal();
    rig.engine.ingest(&bad.peer, LINK, note(&rig, "fine")).await.unwrap();
    assert_eq!(times(&rig, "fine").await, 7);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_batches_go_on_failing_is_tried_less_and_less() {
    let rig = Rig::new().await;
    let bad = rig.connected("poisoned", &[]).await;
    let tried = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = Arc::clone(&tried);
    rig.store.judge(move |commit| {
        if commit.cursors.is_empty() {
            return None;
        }
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Some(StoreError::Other { what: "store it", detail: "poison".into() })
    });
    for _ in 0..100 {
        let answer = rig.engine.ingest(&bad.peer, LINK, note(&rig, "poison")).await;
        assert_eq!(answer, Err(IngestError::TryLater));
    }
    assert!(tried.load(std::sync::atomic::Ordering::SeqCst) < 10, "a hundred batches, few tries");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_before_the_answer_was_lost_counts_once() {
    for after in [After::Panic, After::Lost] {
        let rig = Rig::new().await;
        rig.channel("team").await;
        let agent = rig.connected("web-1", &[]).await;
        let check = rig.probe(&agent, "tcp:web").await;
        for seq in 1..=3 {
            if seq == 3 {
                rig.store.after(after);
            }
            let batch = Observations {
                seq,
                results: vec![(check, result(Status::Critical, rig.now()))],
                ..note(&rig, &format!("batch {seq}"))
            };
            let first = rig.engine.ingest(&agent.peer, LINK, batch.clone()).await;
            if seq == 3 {
                assert_eq!(
                    first,
                    Err(IngestError::TryLater),
                    "{after:?}: nobody knows, so nobody is told yes"
                );
                // The agent sends it again, and the server knows by then that it has it.
                rig.engine.ingest(&agent.peer, LINK, batch).await.unwrap();
            } else {
                first.unwrap();
            }
            rig.clock.advance(secs(12));
        }
        assert_eq!(times(&rig, "batch 3").await, 1, "{after:?}");
        assert_eq!(rig.told_of(check).await, ["problem"], "{after:?}");
        let kept =
            rig.store.check_states().await.unwrap().into_iter().find(|row| row.check == check).unwrap();
        assert_eq!(kept, rig.state(check), "{after:?}: memory is what is kept");
        rig.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolment_that_was_cut_off_after_its_commit_is_known_to_the_next_who_asks() {
    let rig = Rig::new().await;
    let token = rig.token("web-1", &[]).await;
    rig.store.after(After::Hang);
    let (engine, attempt) = (Arc::clone(&rig.engine), rig.attempt(token, "web-1", b"web-1"));
    let enrolment = tokio::spawn(async move { engine.enrol(attempt).await });
    until("it is committed", async || !rig.store.agents().await.unwrap().is_empty()).await;
    // The machine hangs up.
    enrolment.abort();
    assert!(enrolment.await.unwrap_err().is_cancelled());
    rig.host("other").await;
    {
        let world = rig.engine.world();
        assert_eq!(world.agents.len(), 1, "the agent that is kept is known");
        assert_eq!(world.hosts.values().filter(|host| host.agent.is_some()).count(), 1);
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ingest_task_is_started_again_when_it_ends() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    rig.send(&mut agent, empty()).await;
    rig.clock.fault_in("clock_was_set");
    let batch = Observations { seq: 2, ..note(&rig, "second") };
    let answer = rig.engine.ingest(&agent.peer, LINK, batch.clone()).await;
    assert_eq!(answer, Err(IngestError::TryLater));
    // As an agent does: it sends again what was not acknowledged.
    rig.engine.ingest(&agent.peer, LINK, batch).await.unwrap();
    assert_eq!(times(&rig, "second").await, 1);
    assert_eq!(restarts(&rig, "ingest"), 1);
    let (_, task) = rig.engine.tasks().into_iter().find(|(name, _)| name == "ingest").unwrap();
    assert!(task.running && task.last_end.unwrap().1.contains("clock_was_set ends here"));
    until("it is on the timeline", async || {
        said(&rig, "system").await.iter().any(|text| text.starts_with("The task `ingest` ended"))
    })
    .await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tick_task_is_started_again_when_it_ends() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    rig.engine.tick_now().await;
    rig.clock.fault_in("follow_the_clock");
    // Its own second comes.
    until("it is started again", async || restarts(&rig, "tick") == 1).await;
    rig.unlink(&agent).await;
    rig.clock.advance(secs(60));
    until("time goes on bringing changes", async || {
        rig.check_named(agent.host, "agent").and_then(|check| rig.status(check)) == Some(Status::Critical)
    })
    .await;
    assert!(said(&rig, "system").await.iter().any(|text| text.contains("`tick`")));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_whose_changes_cannot_be_stored_stops_no_other() {
    let rig = Rig::new().await;
    let (bad, good) = (rig.connected("poisoned", &[]).await, rig.connected("good", &[]).await);
    rig.engine.tick_now().await;
    let alive = |agent: &Agent| rig.check_named(agent.host, "agent").unwrap();
    let (of_bad, of_good) = (alive(&bad), alive(&good));
    let host = bad.host;
    rig.store.judge(move |commit| {
        let poison = commit.states.iter().any(|state| state.host == host);
        poison.then(|| StoreError::Corrupt { detail: "poison".into() })
    });
    rig.unlink(&bad).await;
    rig.unlink(&good).await;
    rig.pass(secs(60)).await;
    assert_eq!(rig.status(of_good), Some(Status::Critical), "the other host is judged");
    assert_eq!(rig.status(of_bad), Some(Status::Ok), "this one cannot be");
    assert!(trouble(&rig).contains("poisoned cannot be judged or stored"), "{}", trouble(&rig));
    until("it is on the timeline", async || {
        said(&rig, "system").await.iter().any(|text| text.contains("poisoned cannot be judged or stored"))
    })
    .await;
    rig.store.heal();
    until("it goes on by itself", async || rig.status(of_bad) == Some(Status::Critical)).await;
    until("and nothing is reported any more", async || trouble(&rig).is_empty()).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_away_time_waits_and_says_so() {
    let rig = Rig::new().await;
    rig.channel("team").await;
    let agent = rig.connected("web-1", &[]).await;
    rig.engine.tick_now().await;
    let check = rig.check_named(agent.host, "agent").unwrap();
    for failure in [
        || StoreError::Unavailable { detail: "gone".into() },
        || StoreError::CannotWrite { detail: "full".into() },
    ] {
        rig.store.judge(move |_| Some(failure()));
        rig.unlink(&agent).await;
        rig.pass(secs(60)).await;
        assert_eq!(rig.status(check), Some(Status::Ok));
        assert!(trouble(&rig).contains("changes that time brings wait"), "{}", trouble(&rig));
        assert!(!trouble(&rig).contains("on some hosts"), "nobody's fault: {}", trouble(&rig));
        rig.store.heal();
        rig.engine.tick_now().await;
        assert_eq!(rig.status(check), Some(Status::Critical), "the first second after is enough");
        assert_eq!(trouble(&rig), "");
        rig.link(&agent).await;
        rig.pass(secs(60)).await;
        assert_eq!(rig.status(check), Some(Status::Ok));
    }
    assert_eq!(rig.told_of(check).await, ["problem", "recovery", "problem", "recovery"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_makes_nobody_silent() {
    const HOUR_MS: i64 = 3_600_000;
    let rig = Rig::new().await;
    rig.channel("team").await;
    let mut agent = rig.connected("web-1", &[]).await;
    let away = rig.connected("db-1", &[]).await;
    let check = rig.probe(&agent, "tcp:web").await;
    rig.report(&mut agent, check, Status::Ok).await;
    rig.engine.tick_now().await;
    rig.unlink(&away).await;
    let of_away = rig.check_named(away.host, "agent").unwrap();
    for step in [HOUR_MS, -HOUR_MS, -HOUR_MS, HOUR_MS] {
        rig.pass(secs(10)).await;
        rig.clock.set_by(step);
        rig.engine.tick_now().await;
        rig.pass(secs(1)).await;
        assert_eq!(rig.status(check), Some(Status::Ok), "{step}: set, not passed");
        assert_eq!(rig.state(check).state.stale, None, "{step}");
        assert_eq!(rig.status(of_away), Some(Status::Ok), "{step}: away for seconds");
        // Results count whatever their date: the agent's clock was set with ours.
        rig.report(&mut agent, check, Status::Ok).await;
        assert_eq!(rig.state(check).state.last_heard, Some(rig.now()), "{step}");
    }
    let texts = said(&rig, "system").await;
    assert!(texts.iter().any(|text| text.ends_with("clock was set back by 1 h")), "{texts:?}");
    assert_eq!(rig.told().await, []);
    // And who is really silent is found out in the time that this takes.
    rig.clock.set_by(-HOUR_MS);
    rig.engine.tick_now().await;
    rig.pass(secs(40)).await;
    assert_eq!(rig.status(of_away), Some(Status::Critical));
    for _ in 0..4 {
        rig.pass(secs(60)).await;
    }
    assert_eq!(rig.status(check), Some(Status::Unknown));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_revision_that_traces_name_outlives_the_program() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let check = rig.probe(&agent, "tcp:web").await;
    let channel = rig.channel("team").await;
    rig.report(&mut agent, check, Status::Critical).await;
    rig.pass(secs(1)).await;
    rig.engine.remove_channel(wk_authz::authorize(&admin(), channel).unwrap()).await.unwrap();
    let before = rig.engine.world().revision;
    assert_eq!(rig.store.revision().await.unwrap(), before, "one count, in memory and kept");
    assert!(before >= 5, "host, probe, channel made and removed, agent's check: {before}");
    let rig = rig.restart().await;
    assert_eq!(rig.engine.world().revision, before);
    rig.host("other").await;
    assert_eq!(rig.engine.world().revision, before + 1);
    let trace: serde_json::Value =
        serde_json::from_str(&rig.events_of(check, "state").await[0].detail_json).unwrap();
    assert!(trace["trace"]["revision"].as_u64().unwrap() <= before, "{trace}");
    rig.end().await;
}
