//! Enrolment, renewal, revocation.

use serde_json::Value;
use wk_authz::authorize;
use wk_domain::Status;
use wk_engine::desk::{AgentDesk, EnrolRefused, IngestError, LinkOrder, LinkRefused, Observations, Peer};
use wk_engine::error::EngineError;
use wk_engine::ports::Store;
use wk_engine::ports::rows::{EventFilter, Standing};

use crate::rig::*;

/// Refusals are written down beside the answer; waits for them.
async fn refusals(rig: &Rig, at_least: usize) -> usize {
    let mut found = 0;
    for _ in 0..200 {
        found = rig.audit().await.iter().filter(|row| row.action == "hub.refuse").count();
        if found >= at_least {
            break;
        }
        tokio::time::sleep(secs(1) / 100).await;
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refused_enrolment_answers_alike_and_is_written_down() {
    let rig = Rig::new().await;
    rig.enrol("taken", &[]).await;
    let unknown = (wk_engine::ids::new_id(rig.now()), [7; 32]);
    let open = rig.token("web-*", &[]).await;
    let used = rig.token("web-*", &[]).await;
    rig.try_enrol(rig.attempt(used, "web-9", b"key")).await.unwrap();
    let withdrawn = rig.token("*", &[]).await;
    rig.engine.withdraw_token(authorize(&admin(), withdrawn.0).unwrap()).await.unwrap();
    let any = rig.token("*", &[]).await;
    let expired = rig.token("*", &[]).await;
    let cases = [
        ("no such token", unknown, "web-1", "key"),
        ("wrong secret", (open.0, [0; 32]), "web-1", "key"),
        ("used", used, "web-8", "key"),
        ("withdrawn", withdrawn, "web-1", "key"),
        ("outside the pattern", open, "db-1", "key"),
        ("no host name", any, "not a name!", "key"),
        ("the host has an agent", any, "taken", "key"),
        ("no certificate request", any, "web-2", "bad key"),
        ("expired", expired, "web-1", "key"),
    ];
    let before = rig.engine.world().agents.len();
    for (n, (what, token, name, key)) in cases.into_iter().enumerate() {
        if what == "expired" {
            rig.clock.advance(secs(3601));
        }
        let mut attempt = rig.attempt(token, name, key.as_bytes());
        attempt.address = address(50 + u8::try_from(n).unwrap());
        assert_eq!(rig.try_enrol(attempt).await, Err(EnrolRefused), "{what}");
        assert_eq!(refusals(&rig, n + 1).await, n + 1, "{what}");
    }
    assert_eq!(rig.engine.world().agents.len(), before);
    assert_eq!(rig.store.agents().await.unwrap().len(), before);
    let rows = rig.audit().await;
    let refused: Vec<_> = rows.iter().filter(|row| row.action == "hub.refuse").collect();
    assert!(refused.iter().all(|row| row.outcome == "denied"));
    rig.end().await;
}

/// A flood from one address costs one entry a minute, and the log says how many there were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_is_one_entry_a_minute_and_address() {
    let rig = Rig::new().await;
    let unknown = (wk_engine::ids::new_id(rig.now()), [7; 32]);
    for _ in 0..50 {
        let _ = rig.try_enrol(rig.attempt(unknown, "web-1", b"key")).await;
    }
    assert_eq!(refusals(&rig, 1).await, 1);
    rig.clock.advance(secs(60));
    let _ = rig.try_enrol(rig.attempt(unknown, "web-1", b"key")).await;
    assert_eq!(refusals(&rig, 2).await, 2);
    let last = rig.audit().await.into_iter().rfind(|row| row.action == "hub.refuse").unwrap();
    assert!(last.entry_json.contains("49"), "how many were not written down: {}", last.entry_json);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_with_one_token_exactly_one_wins() {
    let rig = Rig::new().await;
    let token = rig.token("web-*", &[]).await;
    let mut tasks = Vec::new();
    for n in 0..10 {
        let engine = std::sync::Arc::clone(&rig.engine);
        let attempt = rig.attempt(token, &format!("web-{n}"), b"key");
        tasks.push(tokio::spawn(async move { engine.enrol(attempt).await }));
    }
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(won, 1);
    assert_eq!(rig.store.agents().await.unwrap().len(), 1);
    assert_eq!(rig.store.hosts().await.unwrap().len(), 1);
    assert_eq!(rig.engine.world().agents.len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_was_there_before_keeps_its_name_and_checks_when_its_agent_comes() {
    let rig = Rig::new().await;
    let host = rig.host("web-1").await;
    let agent = rig.enrol("web-1", &[]).await;
    assert_eq!(agent.host, host);
    assert_eq!(rig.store.hosts().await.unwrap().len(), 1);
    rig.end().await;
}

async fn renew(rig: &Rig, peer: &Peer, key: &[u8]) -> Result<Peer, LinkRefused> {
    let granted = rig.engine.renew(peer, key.to_vec()).await?;
    Ok(Peer { serial: String::from_utf8(granted.chain_der[0].clone()).unwrap(), ..peer.clone() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_gets_the_same_certificate_until_that_is_renewed_itself() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    let first = renew(&rig, &agent.peer, b"second key").await.unwrap();
    rig.clock.advance(secs(86_400));
    let again = renew(&rig, &agent.peer, b"second key").await.unwrap();
    assert_eq!(first.serial, again.serial);
    assert_ne!(first.serial, agent.peer.serial);
    assert_eq!(rig.store.agent(agent.id).await.unwrap().unwrap().standing, Standing::Active);
    let chain = renew(&rig, &first, b"third key").await.unwrap();
    assert_ne!(chain.serial, first.serial);
    // Each certificate has a key of its own: one that has served is asked for in vain, and written down.
    let before = refusals(&rig, 0).await;
    for used in [b"second key".as_slice(), b"third key"] {
        assert_eq!(renew(&rig, &chain, used).await.unwrap_err(), LinkRefused::TryLater);
    }
    assert_eq!(refusals(&rig, before + 1).await, before + 1);
    assert_eq!(rig.store.agent_certs(agent.id).await.unwrap().len(), 3);
    assert_eq!(rig.store.agent(agent.id).await.unwrap().unwrap().standing, Standing::Active);
    rig.end().await;
}

/// What strangers do at the door of an address does not hide that a token was tried from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_at_the_door_hides_no_tried_token() {
    let rig = Rig::new().await;
    let attempt = rig.attempt((wk_engine::ids::new_id(rig.now()), [7; 32]), "web-1", b"key");
    for _ in 0..20 {
        rig.engine.refused(attempt.address, "handshake", "no certificate".to_owned());
    }
    assert_eq!(refusals(&rig, 1).await, 1);
    let _ = rig.try_enrol(attempt).await;
    assert_eq!(refusals(&rig, 2).await, 2);
    let last = rig.audit().await.into_iter().rfind(|row| row.action == "hub.refuse").unwrap();
    assert!(last.entry_json.contains("no such token"), "{}", last.entry_json);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_renewed_twice_shows_a_stolen_key_and_stops_both_holders() {
    for late_same_key in [false, true] {
        let rig = Rig::new().await;
        let mut agent = rig.connected("web-1", &[]).await;
        let check = rig.probe(&agent, "tcp:web").await;
        let mut orders = rig.engine.orders();
        let honest = renew(&rig, &agent.peer, b"second key").await.unwrap();
        let thief = Peer { address: address(66), ..agent.peer.clone() };
        let key: &[u8] = if late_same_key {
            // What the thief asks for has been in use, and was renewed by who had it.
            renew(&rig, &honest, b"third key").await.unwrap();
            b"second key"
        } else {
            b"thief's key"
        };
        assert_eq!(renew(&rig, &thief, key).await.unwrap_err(), LinkRefused::Quarantined);

        let kept = rig.store.agent(agent.id).await.unwrap().unwrap();
        assert_eq!(kept.standing, Standing::Quarantined);
        assert_eq!(orders.try_recv().unwrap(), LinkOrder::Close { agent: agent.id, reason: "quarantined" });
        for peer in [&honest, &thief] {
            let batch = Observations { epoch: 1, seq: 1, ..empty() };
            let refused = rig.engine.ingest(peer, LINK, batch).await;
            assert_eq!(refused, Err(IngestError::Refused(LinkRefused::Quarantined)));
            assert_eq!(renew(&rig, peer, b"another key").await.unwrap_err(), LinkRefused::Quarantined);
        }
        let filter = EventFilter { kinds: vec!["agent".to_owned()], ..EventFilter::default() };
        let events = rig.events(filter).await;
        let critical: Vec<_> = events.iter().filter(|event| event.severity == "critical").collect();
        assert_eq!(critical.len(), 1);
        let detail: Value = serde_json::from_str(&critical[0].detail_json).unwrap();
        assert_eq!(detail["address"], "192.0.2.66");
        let audit = rig.audit().await;
        assert_eq!(audit.iter().filter(|row| row.action == "agent.quarantine").count(), 1);

        rig.engine.tick_now().await;
        let alive = rig.check_named(agent.host, "agent").unwrap();
        assert_eq!(rig.status(alive), Some(Status::Critical));

        // A restart forgets nothing; a person decides.
        let rig = rig.restart().await;
        let refused = rig.engine.ingest(&honest, LINK, Observations { epoch: 1, seq: 1, ..empty() }).await;
        assert_eq!(refused, Err(IngestError::Refused(LinkRefused::Quarantined)));
        rig.engine.release_agent(authorize(&admin(), agent.id).unwrap(), "looked at both").await.unwrap();
        agent.peer = honest;
        rig.link(&agent).await;
        rig.report(&mut agent, check, Status::Ok).await;
        assert_eq!(rig.status(check), Some(Status::Ok));
        rig.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_agent_is_out_at_once_and_for_good() {
    let rig = Rig::new().await;
    let agent = rig.connected("web-1", &[]).await;
    let mut orders = rig.engine.orders();
    assert!(!rig.engine.denied(agent.id, &agent.peer.serial));
    let none = rig.engine.revoke_agent(authorize(&admin(), agent.id).unwrap(), "  ").await;
    assert!(matches!(none, Err(EngineError::Invalid(_))), "a reason is asked for: {none:?}");
    rig.engine.revoke_agent(authorize(&admin(), agent.id).unwrap(), "sold").await.unwrap();
    assert_eq!(orders.try_recv().unwrap(), LinkOrder::Close { agent: agent.id, reason: "revoked" });
    let rig = {
        let refused = async |rig: &Rig| {
            assert!(rig.engine.denied(agent.id, &agent.peer.serial));
            assert!(rig.engine.denied(agent.id, "another serial"), "the agent, whatever it shows");
            let batch = Observations { epoch: 1, seq: 1, ..empty() };
            let answer = rig.engine.ingest(&agent.peer, LINK, batch).await;
            assert_eq!(answer, Err(IngestError::Refused(LinkRefused::Revoked)));
            assert_eq!(rig.engine.open_link(&agent.peer, rig.hello(1)).await, Err(LinkRefused::Revoked));
            assert_eq!(renew(rig, &agent.peer, b"key").await.unwrap_err(), LinkRefused::Revoked);
            let again = rig.engine.release_agent(authorize(&admin(), agent.id).unwrap(), "please").await;
            assert!(matches!(again, Err(EngineError::Conflict(_))), "{again:?}");
            let twice = rig.engine.revoke_agent(authorize(&admin(), agent.id).unwrap(), "again").await;
            assert!(matches!(twice, Err(EngineError::Conflict(_))), "{twice:?}");
        };
        refused(&rig).await;
        let rig = rig.restart().await;
        refused(&rig).await;
        rig
    };
    let audit = rig.audit().await;
    let revoked: Vec<_> = audit.iter().filter(|row| row.action == "agent.revoke").collect();
    assert_eq!(revoked.len(), 1);
    assert!(revoked[0].entry_json.contains("sold"));
    // The machine comes back with a new token and a new key, to the same host.
    let new = rig.enrol("web-1", &[]).await;
    assert_eq!(new.host, agent.host);
    assert_ne!(new.id, agent.id);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_agent_is_sent_nothing_and_heard_all_the_same() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    let check = rig.probe(&agent, "tcp:web").await;
    let mut assigned = rig.engine.assignments(agent.id);
    assert_eq!(assigned.borrow_and_update().checks.len(), 1);
    let id = agent.id;
    let set = async |rig: &Rig, on: bool, why: &str| {
        rig.engine.set_agent_read_only(authorize(&admin(), id).unwrap(), on, why).await
    };
    assert!(matches!(set(&rig, true, " ").await, Err(EngineError::Invalid(_))), "a reason is asked for");
    assert!(matches!(set(&rig, false, "why").await, Err(EngineError::Conflict(_))), "it is managed already");
    set(&rig, true, "under investigation").await.unwrap();
    assert!(assigned.has_changed().unwrap(), "told at once, on the open link");
    assert!(assigned.borrow_and_update().checks.is_empty());
    let recheck = rig.engine.recheck(authorize(&admin(), check).unwrap()).await;
    assert!(matches!(&recheck, Err(EngineError::Conflict(why)) if why.contains("read-only")), "{recheck:?}");
    rig.report(&mut agent, check, Status::Critical).await;
    assert_eq!(rig.status(check), Some(Status::Critical), "what it sends counts");

    // Neither a restart nor the agent's own word undoes it.
    let rig = rig.restart().await;
    rig.link(&agent).await;
    assert!(rig.engine.assignments(agent.id).borrow().checks.is_empty());
    set(&rig, false, "cleared").await.unwrap();
    assert_eq!(rig.engine.assignments(agent.id).borrow().checks.len(), 1);
    let audit = rig.audit().await;
    let of = |action: &str| audit.iter().filter(|row| row.action == action).count();
    assert_eq!((of("agent.restrict"), of("agent.manage")), (1, 1));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_link_supersedes_the_old_one_and_the_old_ones_end_changes_nothing() {
    let rig = Rig::new().await;
    let agent = rig.enrol("web-1", &[]).await;
    let mut orders = rig.engine.orders();
    let first = rig.link(&agent).await;
    let second = rig.link(&agent).await;
    assert_eq!(orders.try_recv().unwrap(), LinkOrder::Superseded { agent: agent.id, link: first });
    rig.engine.close_link(agent.id, first).await;
    assert!(rig.engine.world().agents[&agent.id].connected());
    rig.engine.close_link(agent.id, second).await;
    assert!(!rig.engine.world().agents[&agent.id].connected());
    rig.end().await;
}

/// A machine that is gone for good leaves nothing that stops the server or the next machine of its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_agents_host_can_be_removed_and_its_name_used_again() {
    let rig = Rig::new().await;
    let mut prober = rig.connected("prober", &["probe"]).await;
    let agent = rig.connected("web-1", &[]).await;
    let check = rig.probe_of(agent.host, prober.id, "tcp:web").await;
    rig.report(&mut prober, check, Status::Critical).await;
    rig.engine.tick_now().await;
    rig.engine.revoke_agent(authorize(&admin(), agent.id).unwrap(), "sold").await.unwrap();
    rig.engine.remove_host(authorize(&admin(), agent.host).unwrap()).await.unwrap();
    // What the prober still had to say of it is no error.
    rig.report(&mut prober, check, Status::Ok).await;
    rig.pass(secs(60)).await;
    let rig = rig.restart().await;
    rig.pass(secs(60)).await;
    assert!(rig.engine.world().checks_of.get(&agent.host).is_none_or(Vec::is_empty));
    let gone = rig.store.check_states().await.unwrap().into_iter().any(|state| state.host == agent.host);
    assert!(!gone, "nothing of it is left");
    assert!(rig.engine.denied(agent.id, &agent.peer.serial), "its key stays refused");
    let new = rig.enrol("web-1", &[]).await;
    assert_ne!(new.host, agent.host);
    rig.end().await;
}
