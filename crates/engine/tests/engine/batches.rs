//! Nothing is lost and nothing counts twice: batches repeated, missing, out of order, and a store that fails.

use std::time::Duration;

use wk_domain::Status;
use wk_engine::desk::{AgentDesk, IngestError, Observations, ObservedNote};
use wk_engine::ports::rows::EventFilter;
use wk_engine::ports::{Store, StoreError};

use crate::rig::*;

fn numbered(epoch: u64, seq: u64, batch: Observations) -> Observations {
    Observations { epoch, seq, ..batch }
}

fn note(rig: &Rig, text: &str) -> Observations {
    // Events of one millisecond have no order.
    rig.clock.advance(Duration::from_millis(1));
    let note = ObservedNote { at: rig.now(), kind: "started".to_owned(), text: text.to_owned(), count: 1 };
    Observations { notes: vec![note], ..empty() }
}

async fn notes(rig: &Rig, agent: &Agent) -> Vec<String> {
    let filter =
        EventFilter { host: Some(agent.host), kinds: vec!["agent".to_owned()], ..EventFilter::default() };
    let mut all: Vec<String> = rig.events(filter).await.into_iter().map(|event| event.summary).collect();
    all.retain(|text| !text.starts_with("Agent "));
    all.reverse();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_batch_is_acknowledged_and_does_nothing() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    for _ in 0..3 {
        rig.engine.ingest(&agent.peer, LINK, numbered(1, 1, note(&rig, "first"))).await.unwrap();
    }
    assert_eq!(notes(&rig, &agent).await, ["first"]);
    assert_eq!(rig.store.agent(agent.id).await.unwrap().unwrap().committed_seq, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_refused_with_the_number_that_is_expected() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    rig.engine.ingest(&agent.peer, LINK, numbered(1, 1, note(&rig, "first"))).await.unwrap();
    let gap = rig.engine.ingest(&agent.peer, LINK, numbered(1, 3, note(&rig, "third"))).await;
    assert_eq!(gap, Err(IngestError::OutOfOrder { expected: 2 }));
    assert_eq!(notes(&rig, &agent).await, ["first"]);
    rig.engine.ingest(&agent.peer, LINK, numbered(1, 2, note(&rig, "second"))).await.unwrap();
    assert_eq!(notes(&rig, &agent).await, ["first", "second"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_epoch_begins_where_the_agent_says_and_number_zero_is_none() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    rig.engine.ingest(&agent.peer, LINK, numbered(1, 1, note(&rig, "old"))).await.unwrap();
    let zero = rig.engine.ingest(&agent.peer, LINK, numbered(2, 0, note(&rig, "zero"))).await;
    assert_eq!(zero, Err(IngestError::OutOfOrder { expected: 1 }));
    rig.engine.ingest(&agent.peer, LINK, numbered(2, 7, note(&rig, "new"))).await.unwrap();
    let terms = rig.engine.open_link(&agent.peer, rig.hello(2)).await.unwrap();
    assert_eq!(terms.committed_seq, 7);
    let terms = rig.engine.open_link(&agent.peer, rig.hello(3)).await.unwrap();
    assert_eq!(terms.committed_seq, 0, "of an epoch nothing is known of, nothing is committed");
    assert_eq!(notes(&rig, &agent).await, ["old", "new"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_number_there_is_stops_nobody_else() {
    let rig = Rig::new().await;
    let (odd, agent) = (rig.connected("odd", &[]).await, rig.connected("web-1", &[]).await);
    for seq in [u64::MAX, i64::MAX as u64, u64::MAX] {
        // Taken or not: the writer goes on.
        let _ = rig.engine.ingest(&odd.peer, LINK, numbered(9, seq, note(&rig, "last"))).await;
    }
    rig.engine.ingest(&agent.peer, LINK, numbered(1, 1, note(&rig, "first"))).await.unwrap();
    assert_eq!(notes(&rig, &agent).await, ["first"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cursor_survives_a_restart() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    rig.engine.ingest(&agent.peer, LINK, numbered(1, 1, note(&rig, "first"))).await.unwrap();
    let rig = rig.restart().await;
    rig.engine.ingest(&agent.peer, LINK, numbered(1, 1, note(&rig, "first"))).await.unwrap();
    rig.engine.ingest(&agent.peer, LINK, numbered(1, 2, note(&rig, "second"))).await.unwrap();
    assert_eq!(notes(&rig, &agent).await, ["first", "second"]);
    rig.end().await;
}

/// What is kept after a run of results, without ids and other chance.
async fn outcome(
    rig: &Rig,
    agent: &Agent,
    check: wk_domain::CheckId,
) -> (Vec<String>, String, Vec<String>, u64) {
    let mut events: Vec<_> = rig.events_of(check, "state").await.into_iter().map(|e| e.summary).collect();
    events.reverse();
    let state = rig.state(check);
    let kept = rig.store.check_states().await.unwrap().into_iter().find(|s| s.check == check).unwrap();
    assert_eq!(kept, state, "memory and store agree");
    let shown = format!(
        "{:?} {:?} {} {:?} {}",
        state.state.status, state.state.state_type, state.state.attempt, state.state.told, state.output
    );
    let seq = rig.store.agent(agent.id).await.unwrap().unwrap().committed_seq;
    (events, shown, rig.told_of(check).await, seq)
}

/// Sends until it is taken, as an agent does.
async fn insist(rig: &Rig, agent: &Agent, batch: &Observations) -> u32 {
    for refused in 0.. {
        match rig.engine.ingest(&agent.peer, LINK, batch.clone()).await {
            Ok(()) => return refused,
            Err(error) => assert_eq!(error, IngestError::TryLater),
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_store_that_failed_everything_is_as_without_the_failure() {
    let history = [
        Status::Ok,
        Status::Critical,
        Status::Critical,
        Status::Critical,
        Status::Warning,
        Status::Ok,
        Status::Critical,
    ];
    let mut outcomes = Vec::new();
    let failures: [Option<fn() -> StoreError>; 4] = [
        None,
        Some(|| StoreError::Unavailable { detail: "gone".into() }),
        Some(|| StoreError::CannotWrite { detail: "full".into() }),
        Some(|| StoreError::Corrupt { detail: "odd".into() }),
    ];
    for failure in failures {
        let rig = Rig::new().await;
        rig.channel("team").await;
        let agent = rig.connected("web-1", &[]).await;
        let check = rig.probe(&agent, "tcp:web").await;
        let mut refused = 0;
        for (seq, status) in (1..).zip(history) {
            if let Some(failure) = failure {
                let mut left = 2;
                rig.store.judge(move |commit| {
                    if commit.cursors.is_empty() || left == 0 {
                        return None;
                    }
                    left -= 1;
                    Some(failure())
                });
            }
            let mut batch = numbered(1, seq, disk(rig.now(), "/", 40.0));
            batch.results = vec![(check, result(status, rig.now()))];
            refused += insist(&rig, &agent, &batch).await;
            rig.pass(secs(12)).await;
        }
        assert_eq!(refused, if failure.is_some() { 2 * 7 } else { 0 });
        outcomes.push(outcome(&rig, &agent, check).await);
        rig.end().await;
    }
    for other in &outcomes[1..] {
        assert_eq!(*other, outcomes[0]);
    }
    assert_eq!(outcomes[0].2, ["problem", "problem", "recovery"], "CRITICAL, WARNING, OK again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_batch_that_cannot_be_stored_stops_only_its_agent() {
    let rig = Rig::new().await;
    let bad = rig.connected("poisoned", &[]).await;
    let mut good = Vec::new();
    for n in 0..8 {
        good.push(rig.connected(&format!("good-{n}"), &[]).await);
    }
    let id = bad.id;
    rig.store.judge(move |commit| {
        let poison = commit.cursors.iter().any(|cursor| cursor.agent == id);
        poison.then(|| StoreError::Other { what: "store it", detail: "poison".into() })
    });
    let poison = rig.engine.ingest(&bad.peer, LINK, numbered(1, 1, note(&rig, "poison")));
    let others = futures(&rig, &good);
    let (poisoned, others) = tokio::join!(poison, others);
    assert_eq!(poisoned, Err(IngestError::TryLater));
    for (agent, answer) in good.iter().zip(others) {
        answer.unwrap();
        assert_eq!(notes(&rig, agent).await, ["fine"], "once, though the round was tried again");
    }
    rig.store.heal();
    rig.engine.ingest(&bad.peer, LINK, numbered(1, 1, note(&rig, "healed"))).await.unwrap();
    assert_eq!(notes(&rig, &bad).await, ["healed"]);
    rig.end().await;
}

async fn futures(rig: &Rig, agents: &[Agent]) -> Vec<Result<(), IngestError>> {
    let mut tasks = Vec::new();
    for agent in agents {
        let (engine, peer) = (std::sync::Arc::clone(&rig.engine), agent.peer.clone());
        let batch = numbered(1, 1, note(rig, "fine"));
        tasks.push(tokio::spawn(async move { engine.ingest(&peer, LINK, batch).await }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}
