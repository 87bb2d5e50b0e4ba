//! What every store must do, told once and asked of SQLite and of a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may"
)]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use common::*;
use wk_audit::{Actor, ActorKind, Draft, Entry};
use wk_domain::Status;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::*;
use wk_engine::ports::store::{Store, StoreError};
use wk_testkit::PgServer;

type Db = Arc<dyn Store>;

/// SQLite gets a test for each fact; PostgreSQL one for each group, since starting a server costs more than the facts.
macro_rules! on_both_engines {
    ($($group:ident: $($fact:ident)*;)*) => {
        mod sqlite {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $fact() {
                let fixture = super::Fixture::sqlite().await;
                super::$fact(fixture.port()).await;
                fixture.store.check().await.unwrap();
            })*)*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $group() {
                let server = super::PgServer::start().unwrap_or_else(|e| panic!("{e}"));
                $(
                    println!("PostgreSQL: {}", stringify!($fact));
                    let store = super::fresh(&server).await;
                    super::$fact(std::sync::Arc::<wk_store::SqlStore>::clone(&store)).await;
                    wk_engine::ports::Store::close(&*store).await;
                )*
            })*
        }
    };
}

on_both_engines! {
    hosts_and_checks:
        hosts_keep_their_rules
        a_removed_host_takes_its_things_along_but_not_its_history
        checks_keep_their_rules
        the_revision_counts_every_change_of_the_configuration
        inventory_keeps_first_sight_and_real_changes
        hostile_texts_come_back_as_texts;
    ingest:
        states_come_back_bit_for_bit
        ingest_is_whole_or_not_at_all
        ingest_leaves_out_what_was_removed_meanwhile
        cursors_move_only_forward
        executions_are_listed_and_never_twice
        retention_removes_the_old_and_only_that;
    problems:
        acknowledgements_keep_their_rules
        downtimes_keep_their_rules
        events_are_listed_newest_first_by_pages
        channels_and_outbox_keep_their_rules
        a_recovery_does_not_overtake_its_problem;
    agents:
        a_token_enrols_one_agent
        enrolment_adopts_a_host_without_an_agent_only
        a_link_changes_only_what_an_agent_may_say
        a_second_renewal_from_one_certificate_is_a_clone
        revocation_is_final_and_on_the_deny_list;
    people:
        accounts_keep_their_rules
        one_time_things_work_once_for_many_at_once
        an_account_changes_as_a_whole_or_not_at_all
        somebody_always_administers_the_server
        a_link_lets_one_person_in_once
        views_are_ones_own_until_they_are_shared
        sessions_end_for_good;
    audit:
        the_audit_log_has_no_gaps_under_eight_writers
        audit_and_change_are_both_there_or_neither
        the_audit_log_is_found_by_its_fields
        health_counts;
}

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Conflict { what }) => what,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

fn not_found<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::NotFound { .. })), "expected not found, got {result:?}");
}

async fn audit_count(db: &Db) -> u64 {
    db.health().await.unwrap().audit_entries
}

/// A host and a check of it, with a state.
async fn watched(db: &Db, name: &str) -> (HostRow, CheckRow) {
    let host = db.put_host(host(name), draft("host.add")).await.unwrap();
    let check = db.put_check(check(host.id, "ping"), draft("check.add")).await.unwrap();
    let states = vec![state(check.check.id, host.id)];
    db.commit_ingest(IngestCommit { states, ..IngestCommit::default() }).await.unwrap();
    (host, check)
}

async fn hosts_keep_their_rules(db: Db) {
    let new = host("web-1");
    let put = db.put_host(new.clone(), draft("host.add")).await.unwrap();
    assert_eq!(put, HostRow { revision: 1, ..new });
    assert_eq!(db.host(put.id).await.unwrap(), Some(put.clone()));
    assert_eq!(db.host_by_name(wk_domain::TenantId::ROOT, "web-1").await.unwrap(), Some(put.clone()));
    assert_eq!(db.host_by_name(wk_domain::TenantId::ROOT, "web-2").await.unwrap(), None);

    let edited = HostRow { os: "Debian 13".into(), ..put.clone() };
    let edited = db.put_host(edited, draft("host.edit")).await.unwrap();
    assert_eq!(edited.revision, 2);
    assert!(conflict(db.put_host(put.clone(), draft("host.edit")).await).contains("meanwhile"));

    assert!(conflict(db.put_host(host("web-1"), draft("host.add")).await).contains("web-1"));
    let other = db.put_host(host("web-0"), draft("host.add")).await.unwrap();
    let renamed = HostRow { name: "web-1".into(), ..other.clone() };
    assert!(conflict(db.put_host(renamed, draft("host.edit")).await).contains("web-1"));
    assert_eq!(db.hosts().await.unwrap(), [other, edited.clone()]);

    db.delete_host(edited.id, draft("host.remove")).await.unwrap();
    not_found(db.delete_host(edited.id, draft("host.remove")).await);
    not_found(db.put_host(edited, draft("host.edit")).await);
    assert_eq!(audit_count(&db).await, 4);
}

async fn a_removed_host_takes_its_things_along_but_not_its_history(db: Db) {
    let (host, check) = watched(&db, "web-1").await;
    let (other, other_check) = watched(&db, "web-2").await;
    let c = check.check.id;
    let ack =
        AckRow { check: c, by: "ana".into(), at: T0, note: "mine".into(), sticky: false, expires: None };
    db.put_ack(ack, state(c, host.id), event(Some(host.id), Some(c), "ack"), draft("problem.acknowledge"))
        .await
        .unwrap();
    let downtime = downtime(&host, None);
    db.put_downtime(downtime, event(Some(host.id), None, "downtime-start"), draft("downtime.add"))
        .await
        .unwrap();
    db.commit_ingest(IngestCommit {
        inventory: vec![packages(&host, true, &["a", "b"])],
        ..Default::default()
    })
    .await
    .unwrap();

    db.delete_host(host.id, draft("host.remove")).await.unwrap();
    assert_eq!(db.checks().await.unwrap(), [other_check.clone()]);
    assert_eq!(db.check_states().await.unwrap(), [state(other_check.check.id, other.id)]);
    assert_eq!(db.acks().await.unwrap(), []);
    assert_eq!(db.downtimes(T0).await.unwrap(), []);
    assert_eq!(db.inventory(&TenantScope::whole(), host.id, None, page(10, None)).await.unwrap(), []);
    let filter = EventFilter { host: Some(host.id), ..EventFilter::default() };
    assert_eq!(db.events(&TenantScope::whole(), filter, page(10, None)).await.unwrap().len(), 2);
}

async fn checks_keep_their_rules(db: Db) {
    let host = db.put_host(host("web-1"), draft("host.add")).await.unwrap();
    let new = check(host.id, "disk:/var");
    let put = db.put_check(new.clone(), draft("check.add")).await.unwrap();
    assert_eq!(put, CheckRow { revision: 1, ..new });
    assert_eq!(db.check(put.check.id).await.unwrap(), Some(put.clone()));
    let edited = db.put_check(put.clone(), draft("check.edit")).await.unwrap();
    assert_eq!(edited.revision, 2);
    assert!(conflict(db.put_check(put.clone(), draft("check.edit")).await).contains("meanwhile"));
    assert!(
        conflict(db.put_check(check(host.id, "disk:/var"), draft("check.add")).await).contains("disk:/var")
    );
    conflict(db.put_check(check(id(), "ping"), draft("check.add")).await);
    db.delete_check(put.check.id, draft("check.remove")).await.unwrap();
    not_found(db.delete_check(put.check.id, draft("check.remove")).await);
    assert_eq!(db.check(put.check.id).await.unwrap(), None);
    assert_eq!(audit_count(&db).await, 4);
}

async fn states_come_back_bit_for_bit(db: Db) {
    let (host, check) = watched(&db, "web-1").await;
    let full = state(check.check.id, host.id);
    assert_eq!(db.check_states().await.unwrap(), [full.clone()]);
    // Pending: everything absent.
    let pending = CheckStateRow { state: wk_domain::check_state::CheckState::pending(), ..full.clone() };
    let states = vec![full.clone(), pending.clone()];
    db.commit_ingest(IngestCommit { states, ..Default::default() }).await.unwrap();
    assert_eq!(db.check_states().await.unwrap(), [pending], "of two states of one check the later stands");

    // More than fit one statement, in any order.
    let mut new_checks: Vec<CheckRow> =
        (0..300).map(|i| common::check(host.id, &format!("probe:{i}"))).collect();
    let mut states: Vec<CheckStateRow> = new_checks.iter().map(|c| state(c.check.id, host.id)).collect();
    states.iter_mut().enumerate().for_each(|(i, s)| s.output = format!("output {i}"));
    let expected = states.clone();
    new_checks.reverse();
    states.reverse();
    db.commit_ingest(IngestCommit { new_checks, states, ..Default::default() }).await.unwrap();
    let found = db.check_states().await.unwrap();
    assert_eq!(found.len(), 301);
    assert_eq!(found[1..], expected);
}

async fn ingest_is_whole_or_not_at_all(db: Db) {
    let (host, check) = watched(&db, "web-1").await;
    let (_, agent, _) = enrolled(&db, "web-9").await;
    let before = db.check_states().await.unwrap();
    let audit = audit_count(&db).await;
    let twice = event(Some(host.id), None, "state");
    db.put_event(twice.clone(), None).await.unwrap();
    let mut changed = state(check.check.id, host.id);
    changed.state.status = Some(Status::Ok);
    let commit = IngestCommit {
        cursors: vec![Cursor { agent: agent.id, epoch: u64::MAX, seq: 5, at: T0 }],
        new_checks: vec![common::check(host.id, "new")],
        states: vec![changed],
        inventory: vec![packages(&host, true, &["a"])],
        outbox: vec![outbox(id(), T0)],
        audit: vec![draft("agent.batch")],
        // Refused: the event is there already.
        events: vec![event(Some(host.id), None, "state"), twice],
        ..Default::default()
    };
    conflict(db.commit_ingest(commit.clone()).await);
    assert_eq!(db.check_states().await.unwrap(), before);
    assert_eq!(db.checks().await.unwrap(), [check]);
    assert_eq!(db.agent(agent.id).await.unwrap().unwrap().committed_seq, 0);
    assert_eq!(db.outbox_due(at(10), 10).await.unwrap(), []);
    assert_eq!(db.inventory_counts(&TenantScope::whole(), host.id).await.unwrap(), []);
    assert_eq!(audit_count(&db).await, audit);

    let events = vec![event(Some(host.id), None, "state")];
    db.commit_ingest(IngestCommit { events, ..commit }).await.unwrap();
    assert_eq!(db.agent(agent.id).await.unwrap().unwrap().committed_seq, 5);
    assert_eq!(db.check_states().await.unwrap()[0].state.status, Some(Status::Ok));
    assert_eq!(audit_count(&db).await, audit + 1);
}

async fn ingest_leaves_out_what_was_removed_meanwhile(db: Db) {
    let (host, check) = watched(&db, "web-1").await;
    let gone = common::host("gone");
    let commit = IngestCommit {
        hosts: vec![
            HostRow { addresses: vec!["192.0.2.99".into()], name: "renamed".into(), ..host.clone() },
            gone.clone(),
        ],
        new_checks: vec![common::check(gone.id, "ping")],
        states: vec![state(id(), gone.id), state(check.check.id, host.id)],
        clear_acks: vec![id()],
        inventory: vec![packages(&gone, false, &["a"])],
        cursors: vec![Cursor { agent: id(), epoch: 1, seq: 1, at: T0 }],
        ..Default::default()
    };
    db.commit_ingest(commit).await.unwrap();
    let hosts = db.hosts().await.unwrap();
    assert_eq!(
        hosts,
        [HostRow { addresses: vec!["192.0.2.99".into()], ..host }],
        "ingest observes and edits nothing"
    );
    assert_eq!(db.check_states().await.unwrap().len(), 1);
    assert_eq!(db.checks().await.unwrap().len(), 1);
}

async fn cursors_move_only_forward(db: Db) {
    let (_, agent, _) = enrolled(&db, "web-1").await;
    let moved = |epoch, seq| {
        let db = Arc::clone(&db);
        async move {
            let cursors = vec![Cursor { agent: agent.id, epoch, seq, at: T0 }];
            db.commit_ingest(IngestCommit { cursors, ..Default::default() }).await?;
            let row = db.agent(agent.id).await?.unwrap();
            Ok::<_, StoreError>((row.epoch, row.committed_seq))
        }
    };
    assert_eq!(moved(u64::MAX, 7).await.unwrap(), (u64::MAX, 7));
    assert_eq!(moved(u64::MAX, 6).await.unwrap(), (u64::MAX, 7));
    assert_eq!(moved(u64::MAX, 8).await.unwrap(), (u64::MAX, 8));
    assert_eq!(moved(3, 1).await.unwrap(), (3, 1), "a new epoch replaces the old one");
    conflict(moved(3, u64::MAX).await);
    assert_eq!(moved(3, i64::MAX as u64).await.unwrap(), (3, i64::MAX as u64));
}

async fn acknowledgements_keep_their_rules(db: Db) {
    let (host, check) = watched(&db, "web-1").await;
    let c = check.check.id;
    let ack = |note: &str| AckRow {
        check: c,
        by: "ana".into(),
        at: T0,
        note: note.into(),
        sticky: true,
        expires: Some(at(60)),
    };
    let happened = || event(Some(host.id), Some(c), "ack");
    let audit = audit_count(&db).await;

    not_found(db.remove_ack(c, state(c, host.id), happened(), draft("x")).await);
    let missing = AckRow { check: id(), ..ack("x") };
    not_found(db.put_ack(missing.clone(), state(missing.check, host.id), happened(), draft("x")).await);
    assert_eq!(audit_count(&db).await, audit);
    assert_eq!(db.events(&TenantScope::whole(), EventFilter::default(), page(10, None)).await.unwrap(), []);

    let mut changed = state(c, host.id);
    changed.state.attempt = 99;
    db.put_ack(ack("mine"), changed.clone(), happened(), draft("x")).await.unwrap();
    db.put_ack(ack("still mine"), changed.clone(), happened(), draft("x")).await.unwrap();
    assert_eq!(db.acks().await.unwrap(), [ack("still mine")]);
    assert_eq!(db.check_states().await.unwrap(), [changed]);
    db.remove_ack(c, state(c, host.id), happened(), draft("x")).await.unwrap();
    assert_eq!(db.acks().await.unwrap(), []);
    assert_eq!(audit_count(&db).await, audit + 3);

    db.put_ack(ack("again"), state(c, host.id), happened(), draft("x")).await.unwrap();
    db.commit_ingest(IngestCommit { clear_acks: vec![c], ..Default::default() }).await.unwrap();
    assert_eq!(db.acks().await.unwrap(), []);
}

fn downtime(host: &HostRow, check: Option<wk_domain::CheckId>) -> DowntimeRow {
    DowntimeRow {
        id: id(),
        host: host.id,
        check,
        start: at(10),
        end: at(20),
        note: "new disk".into(),
        created: T0,
        created_by: "ana".into(),
        cancelled: None,
        cancelled_by: String::new(),
    }
}

async fn downtimes_keep_their_rules(db: Db) {
    let (host, check) = watched(&db, "web-1").await;
    let whole = downtime(&host, None);
    let one = DowntimeRow { start: at(5), ..downtime(&host, Some(check.check.id)) };
    for row in [&whole, &one] {
        db.put_downtime(row.clone(), event(Some(host.id), None, "downtime-start"), draft("x")).await.unwrap();
    }
    assert_eq!(db.downtimes(at(19)).await.unwrap(), [one.clone(), whole.clone()]);
    assert_eq!(db.downtimes(at(20)).await.unwrap(), [], "the end does not belong to it");
    let ended = || event(Some(host.id), None, "downtime-end");
    db.cancel_downtime(one.id, at(6), "ben", ended(), draft("x")).await.unwrap();
    assert_eq!(db.downtimes(at(6)).await.unwrap(), [whole]);
    let audit = audit_count(&db).await;
    conflict(db.cancel_downtime(one.id, at(7), "ben", ended(), draft("x")).await);
    not_found(db.cancel_downtime(id(), at(7), "ben", ended(), draft("x")).await);
    let nowhere = DowntimeRow { host: id(), ..downtime(&host, None) };
    conflict(db.put_downtime(nowhere, ended(), draft("x")).await);
    assert_eq!(audit_count(&db).await, audit);
}

async fn events_are_listed_newest_first_by_pages(db: Db) {
    let (h, c) = (id(), id());
    let mut all = Vec::new();
    for i in 0..25_u64 {
        let mut row = event(
            (i % 2 == 0).then_some(h),
            (i % 5 == 0).then_some(c),
            if i % 3 == 0 { "state" } else { "ack" },
        );
        row.at = at(i);
        row.agent = (i == 1).then(id);
        db.put_event(row.clone(), (i == 0).then(|| draft("x"))).await.unwrap();
        all.push(row);
    }
    all.reverse();
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let part = db.events(&TenantScope::whole(), EventFilter::default(), page(10, after)).await.unwrap();
        let Some(last) = part.last() else { break };
        after = Some(last.id.to_string());
        listed.extend(part);
    }
    assert_eq!(listed, all);
    let count = |filter| {
        let db = Arc::clone(&db);
        async move { db.events(&TenantScope::whole(), filter, page(500, None)).await.unwrap().len() }
    };
    assert_eq!(count(EventFilter { host: Some(h), ..Default::default() }).await, 13);
    assert_eq!(count(EventFilter { check: Some(c), ..Default::default() }).await, 5);
    assert_eq!(count(EventFilter { kinds: vec!["state".into()], ..Default::default() }).await, 9);
    assert_eq!(
        count(EventFilter { kinds: vec!["state".into(), "ack".into()], ..Default::default() }).await,
        25
    );
    assert_eq!(count(EventFilter { from: Some(at(5)), to: Some(at(7)), ..Default::default() }).await, 2);
    assert_eq!(
        db.events(&TenantScope::whole(), EventFilter::default(), page(100_000, None)).await.unwrap().len(),
        25
    );
    conflict(
        db.events(&TenantScope::whole(), EventFilter::default(), page(1, Some("1' OR '1'='1".into()))).await,
    );
    assert_eq!(audit_count(&db).await, 1);
}

async fn a_token_enrols_one_agent(db: Db) {
    let token = token();
    db.put_token(token.clone(), draft("token.make")).await.unwrap();
    assert_eq!(db.tokens(&TenantScope::whole()).await.unwrap(), [token.clone()]);
    let mut tries = Vec::new();
    for i in 0..8 {
        let db = Arc::clone(&db);
        let token = token.clone();
        tries.push(tokio::spawn(async move {
            let host = host(&format!("web-{i}"));
            let agent = agent(&host, &token);
            db.enrol(token.id, at(1), host, agent.clone(), cert(&agent), draft("agent.enrol"))
                .await
                .map(|()| agent)
        }));
    }
    let mut winners = Vec::new();
    for one in tries {
        match one.await.unwrap() {
            Ok(agent) => winners.push(agent),
            Err(StoreError::Conflict { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(winners.len(), 1, "exactly one machine wins");
    assert_eq!(db.agents().await.unwrap(), winners);
    assert_eq!(db.hosts().await.unwrap().len(), 1);
    let burned = db.token(token.id).await.unwrap().unwrap();
    assert_eq!((burned.used, burned.used_by), (Some(at(1)), Some(winners[0].id)));
    assert_eq!(audit_count(&db).await, 2);

    let refused = |token: TokenRow, now| {
        let db = Arc::clone(&db);
        async move {
            let host = host("late");
            let agent = agent(&host, &token);
            db.enrol(token.id, now, host, agent.clone(), cert(&agent), draft("agent.enrol")).await
        }
    };
    let expired = common::token();
    db.put_token(expired.clone(), draft("token.make")).await.unwrap();
    conflict(refused(expired.clone(), expired.expires).await);
    db.withdraw_token(expired.id, at(2), draft("token.withdraw")).await.unwrap();
    conflict(refused(expired.clone(), at(3)).await);
    conflict(db.withdraw_token(expired.id, at(2), draft("token.withdraw")).await);
    conflict(db.withdraw_token(token.id, at(2), draft("token.withdraw")).await);
    not_found(db.withdraw_token(id(), at(2), draft("token.withdraw")).await);
    not_found(refused(common::token(), at(1)).await);
    assert_eq!(db.host_by_name(wk_domain::TenantId::ROOT, "late").await.unwrap(), None);
}

async fn enrolment_adopts_a_host_without_an_agent_only(db: Db) {
    let made = db.put_host(host("web-1"), draft("host.add")).await.unwrap();
    let enrol = |name: &'static str| {
        let db = Arc::clone(&db);
        async move {
            let token = token();
            db.put_token(token.clone(), draft("token.make")).await.unwrap();
            let host = HostRow { fields: vec![], os: "seen by the agent".into(), ..host(name) };
            let agent = agent(&host, &token);
            let done =
                db.enrol(token.id, at(1), host, agent.clone(), cert(&agent), draft("agent.enrol")).await;
            (done.map(|()| agent), token)
        }
    };
    let (first, _) = enrol("web-1").await;
    let first = first.unwrap();
    let adopted = db.host(made.id).await.unwrap().unwrap();
    assert_eq!(adopted.agent, Some(first.id));
    assert_eq!(adopted.fields, made.fields, "what people wrote stays");
    assert_eq!(adopted.os, "seen by the agent");
    assert_eq!(db.agent(first.id).await.unwrap().unwrap().host, made.id);

    let (second, token) = enrol("web-1").await;
    assert!(conflict(second).contains("web-1"));
    assert_eq!(db.token(token.id).await.unwrap().unwrap().used, None, "a refusal does not burn the token");
    db.set_standing(first.id, Standing::Revoked, event(None, None, "agent"), draft("agent.revoke"))
        .await
        .unwrap();
    let freed = db.host(made.id).await.unwrap().unwrap();
    assert_eq!((freed.agent, freed.revision), (None, made.revision), "revocation frees the host");
    let (third, _) = enrol("web-1").await;
    assert_eq!(db.host(made.id).await.unwrap().unwrap().agent, Some(third.unwrap().id));
}

async fn a_link_changes_only_what_an_agent_may_say(db: Db) {
    let (_, before, _) = enrolled(&db, "web-1").await;
    let mut seen = before.clone();
    seen.last_seen = Some(at(5));
    seen.last_address = "192.0.2.8".into();
    seen.version = "0.2.0".into();
    seen.remote_off = true;
    seen.plugins = vec![];
    let honest = seen.clone();
    seen.read_only = true;
    seen.standing = Standing::Revoked;
    seen.grants = vec!["everything".into()];
    seen.epoch = 9;
    seen.committed_seq = 9;
    seen.cert_serial = "forged".into();
    seen.hostname = "other".into();
    seen.host = id();
    db.agent_seen(seen, None).await.unwrap();
    assert_eq!(db.agent(before.id).await.unwrap(), Some(honest));
    not_found(db.agent_seen(AgentRow { id: id(), ..before.clone() }, None).await);
    let said = event(None, None, "agent");
    db.set_read_only(before.id, true, said.clone(), draft("agent.restrict")).await.unwrap();
    assert!(db.agent(before.id).await.unwrap().unwrap().read_only);
    not_found(db.set_read_only(id(), true, said, draft("agent.restrict")).await);
}

async fn a_second_renewal_from_one_certificate_is_a_clone(db: Db) {
    let (_, agent, first) = enrolled(&db, "web-1").await;
    let renew = |cert: AgentCertRow, now| {
        let db = Arc::clone(&db);
        async move {
            let clone = event(None, None, "security");
            db.renew(cert, now, draft("agent.renew"), clone, draft("agent.cloned")).await
        }
    };
    let second = renewal(&first, "second", "bb");
    assert_eq!(renew(second.clone(), at(10)).await.unwrap(), RenewOutcome::Recorded);
    let row = db.agent(agent.id).await.unwrap().unwrap();
    assert_eq!((row.cert_serial.as_str(), row.cert_not_after), ("second", second.not_after));
    // The same key asks again because the answer was lost.
    let again = renewal(&first, "second-again", "bb");
    assert_eq!(renew(again, at(600)).await.unwrap(), RenewOutcome::Repeated(Box::new(second.clone())));
    assert_eq!(db.agent_certs(agent.id).await.unwrap().len(), 2);
    not_found(
        renew(renewal(&AgentCertRow { serial: "never".into(), ..first.clone() }, "x", "cc"), at(11)).await,
    );
    conflict(renew(AgentCertRow { parent_serial: None, ..second.clone() }, at(11)).await);

    let audit = audit_count(&db).await;
    let thief = renewal(&first, "thief", "cc");
    assert_eq!(renew(thief, at(12)).await.unwrap(), RenewOutcome::Cloned);
    assert_eq!(db.agent(agent.id).await.unwrap().unwrap().standing, Standing::Quarantined);
    assert_eq!(audit_count(&db).await, audit + 1);
    let events = db.events(&TenantScope::whole(), EventFilter::default(), page(10, None)).await.unwrap();
    assert_eq!(events.iter().filter(|e| e.kind == "security").count(), 1);
    let third = renewal(&second, "third", "dd");
    assert_eq!(renew(third, at(13)).await.unwrap(), RenewOutcome::Refused);

    // Two holders at the same moment: one is recorded, the other is found out.
    let (_, agent, first) = enrolled(&db, "web-2").await;
    let (a, b) = tokio::join!(
        renew(renewal(&first, "a", "key-a"), at(20)),
        renew(renewal(&first, "b", "key-b"), at(20))
    );
    let outcomes = [a.unwrap(), b.unwrap()];
    assert!(
        outcomes.contains(&RenewOutcome::Recorded) && outcomes.contains(&RenewOutcome::Cloned),
        "{outcomes:?}"
    );
    assert_eq!(db.agent(agent.id).await.unwrap().unwrap().standing, Standing::Quarantined);
}

async fn revocation_is_final_and_on_the_deny_list(db: Db) {
    let (_, agent, first) = enrolled(&db, "web-1").await;
    let (_, other, _) = enrolled(&db, "web-2").await;
    assert_eq!(db.deny_list(T0).await.unwrap(), (vec![], vec![]));
    let stand = |standing| {
        let db = Arc::clone(&db);
        async move {
            db.set_standing(agent.id, standing, event(None, None, "agent"), draft("agent.standing")).await
        }
    };
    stand(Standing::Quarantined).await.unwrap();
    assert_eq!(db.deny_list(T0).await.unwrap(), (vec![], vec![agent.id]));
    stand(Standing::Active).await.unwrap();
    assert_eq!(db.deny_list(T0).await.unwrap(), (vec![], vec![]));
    stand(Standing::Revoked).await.unwrap();
    assert_eq!(db.deny_list(T0).await.unwrap(), (vec![first.serial.clone()], vec![agent.id]));
    assert_eq!(db.deny_list(first.not_after).await.unwrap().0, [""; 0], "an expired one needs no entry");
    conflict(stand(Standing::Active).await);
    let clone = event(None, None, "security");
    let renewed = db.renew(renewal(&first, "x", "y"), T0, draft("r"), clone, draft("c")).await.unwrap();
    assert_eq!(renewed, RenewOutcome::Refused);
    not_found(db.set_standing(id(), Standing::Active, event(None, None, "agent"), draft("x")).await);
    assert_eq!(db.agent(other.id).await.unwrap().unwrap().standing, Standing::Active);
}

async fn executions_are_listed_and_never_twice(db: Db) {
    let (a, b, c) = (id(), id(), id());
    let row = |agent, check| ExecutionRow {
        id: id(),
        agent,
        check,
        kind: "plugin".into(),
        what: "check_disk".into(),
        argv: vec!["/usr/lib/check_disk".into(), "-w".into(), "a b;$(c)".into()],
        sha256: "ab".into(),
        grade: "full".into(),
        outcome: "exit 0".into(),
        started: at(1),
        finished: at(2),
    };
    let rows = vec![row(a, Some(c)), row(b, None), row(a, None)];
    let commit = || IngestCommit { executions: rows.clone(), ..Default::default() };
    db.commit_ingest(commit()).await.unwrap();
    db.commit_ingest(commit()).await.unwrap();
    let newest: Vec<_> = rows.iter().rev().cloned().collect();
    assert_eq!(db.executions(&TenantScope::whole(), None, None, page(10, None)).await.unwrap(), newest);
    let after = Some(newest[0].id.to_string());
    assert_eq!(db.executions(&TenantScope::whole(), None, None, page(1, after)).await.unwrap(), newest[1..2]);
    assert_eq!(db.executions(&TenantScope::whole(), Some(a), None, page(10, None)).await.unwrap().len(), 2);
    assert_eq!(
        db.executions(&TenantScope::whole(), Some(a), Some(c), page(10, None)).await.unwrap(),
        rows[..1]
    );
}

fn packages(host: &HostRow, full: bool, names: &[&str]) -> InventoryChange {
    InventoryChange {
        host: host.id,
        section: "packages".into(),
        full,
        upserts: names.iter().map(|name| ((*name).to_owned(), format!("{{\"name\":\"{name}\"}}"))).collect(),
        removed: vec![],
        at: T0,
    }
}

async fn inventory_keeps_first_sight_and_real_changes(db: Db) {
    let host = db.put_host(host("web-1"), draft("host.add")).await.unwrap();
    let apply = |change: InventoryChange| {
        let db = Arc::clone(&db);
        async move {
            db.commit_ingest(IngestCommit { inventory: vec![change], ..Default::default() }).await.unwrap()
        }
    };
    let keys = || {
        let db = Arc::clone(&db);
        async move {
            let rows = db
                .inventory(&TenantScope::whole(), host.id, Some("packages"), page(500, None))
                .await
                .unwrap();
            rows.into_iter().map(|row| (row.key, row.first_seen, row.last_changed)).collect::<Vec<_>>()
        }
    };
    apply(packages(&host, true, &["a", "b/c", "d"])).await;
    let mut delta = packages(&host, false, &["a", "e"]);
    delta.at = at(5);
    delta.removed = vec!["d".into(), "e".into(), "never there".into()];
    apply(delta).await;
    let (a, b, e) = (("a".into(), T0, T0), ("b/c".into(), T0, T0), ("e".into(), at(5), at(5)));
    assert_eq!(keys().await, [a, b.clone(), e]);
    let mut full = packages(&host, true, &["a", "b/c"]);
    full.at = at(9);
    full.upserts[0].1 = "{\"name\":\"new\"}".into();
    apply(full).await;
    assert_eq!(keys().await, [("a".into(), T0, at(9)), b], "only what changed is dated anew");

    apply(InventoryChange { section: "os".into(), ..packages(&host, true, &["kernel"]) }).await;
    assert_eq!(
        db.inventory_counts(&TenantScope::whole(), host.id).await.unwrap(),
        [("os".into(), 1), ("packages".into(), 2)]
    );
    let mut after = None;
    let mut listed = Vec::new();
    while let Some(row) =
        db.inventory(&TenantScope::whole(), host.id, None, page(1, after)).await.unwrap().pop()
    {
        after = Some(format!("{}/{}", row.section, row.key));
        listed.push(row.key);
    }
    assert_eq!(listed, ["kernel", "a", "b/c"]);
    conflict(db.inventory(&TenantScope::whole(), host.id, None, page(1, Some("no slash".into()))).await);
    apply(InventoryChange { upserts: vec![], ..packages(&host, true, &[]) }).await;
    assert_eq!(db.inventory_counts(&TenantScope::whole(), host.id).await.unwrap(), [("os".into(), 1)]);

    // More than one statement, both ways.
    let many: Vec<String> = (0..1000).map(|i| format!("p{i:04}")).collect();
    apply(packages(&host, true, &many.iter().map(String::as_str).collect::<Vec<_>>())).await;
    assert_eq!(db.inventory_counts(&TenantScope::whole(), host.id).await.unwrap()[1].1, 1000);
    apply(packages(&host, true, &["p0500"])).await;
    assert_eq!(keys().await, [("p0500".into(), T0, T0)]);
}

async fn channels_and_outbox_keep_their_rules(db: Db) {
    let mail = db.put_channel(channel("mail"), draft("channel.add")).await.unwrap();
    assert_eq!(mail.revision, 1);
    conflict(db.put_channel(channel("mail"), draft("channel.add")).await);
    let edited =
        db.put_channel(ChannelRow { enabled: false, ..mail.clone() }, draft("channel.edit")).await.unwrap();
    conflict(db.put_channel(mail.clone(), draft("channel.edit")).await);
    assert_eq!(db.channels().await.unwrap(), [edited]);

    let rows = [outbox(mail.id, at(1)), outbox(mail.id, at(1)), outbox(mail.id, at(9)), outbox(id(), at(1))];
    for row in &rows {
        db.put_outbox(row.clone(), None).await.unwrap();
    }
    assert_eq!(db.outbox_due(T0, 10).await.unwrap(), []);
    assert_eq!(db.outbox_due(at(1), 2).await.unwrap(), rows[..2], "oldest first");
    db.outbox_delivered(rows[0].id, at(2), event(None, None, "notification")).await.unwrap();
    db.outbox_delivered(rows[0].id, at(3), event(None, None, "notification")).await.unwrap();
    db.outbox_failed(rows[1].id, at(30), "refused", false).await.unwrap();
    db.outbox_failed(rows[3].id, at(30), "gone", true).await.unwrap();
    let recent = db.outbox_recent(&TenantScope::whole(), page(10, None)).await.unwrap();
    let seen: Vec<_> =
        recent.iter().rev().map(|r| (r.state.as_str(), r.attempts, r.last_error.as_str())).collect();
    assert_eq!(
        seen,
        [("delivered", 1, ""), ("pending", 1, "refused"), ("pending", 0, ""), ("failed", 1, "gone")]
    );
    assert_eq!(recent[3].delivered, Some(at(2)), "the first delivery counts");
    assert_eq!(
        db.events(&TenantScope::whole(), EventFilter::default(), page(10, None)).await.unwrap().len(),
        1
    );
    assert_eq!(
        db.outbox_recent(&TenantScope::whole(), page(1, Some(recent[1].id.to_string()))).await.unwrap(),
        recent[2..3]
    );
    assert_eq!(db.outbox_due(at(20), 10).await.unwrap(), rows[2..3]);
    not_found(db.outbox_delivered(id(), at(2), event(None, None, "notification")).await);
    not_found(db.outbox_failed(id(), at(2), "x", false).await);
    let health = db.health().await.unwrap();
    assert_eq!((health.outbox_pending, health.outbox_failed), (2, 1));

    db.delete_channel(mail.id, draft("channel.remove")).await.unwrap();
    not_found(db.delete_channel(mail.id, draft("channel.remove")).await);
    assert_eq!(db.outbox_due(at(99), 10).await.unwrap(), [], "nothing is sent to a channel that is gone");
}

async fn a_recovery_does_not_overtake_its_problem(db: Db) {
    let (mail, hook) = (id(), id());
    let row = |channel, check, created: u64, due: u64| OutboxRow {
        check,
        created: at(created),
        ..outbox(channel, at(due))
    };
    let (disk, load) = (id(), id());
    let problem = row(mail, disk, 1, 30);
    let recovery = row(mail, disk, 2, 2);
    let other = row(mail, load, 3, 3);
    let later = row(mail, id(), 4, 4);
    let elsewhere = row(hook, disk, 5, 5);
    for row in [&problem, &recovery, &other, &later, &elsewhere] {
        db.put_outbox(row.clone(), None).await.unwrap();
    }
    let ready = async |seconds| db.outbox_ready(at(seconds), 10).await.unwrap();
    assert_eq!(ready(1).await, []);
    assert_eq!(ready(10).await, [other.clone(), elsewhere.clone(), later.clone()], "the recovery waits");
    assert_eq!(ready(30).await, [problem.clone(), elsewhere.clone(), other.clone(), later.clone()]);
    assert_eq!(db.outbox_ready(at(30), 1).await.unwrap(), [problem.clone()]);
    let test = OutboxRow { kind: "test".into(), ..row(mail, disk, 9, 9) };
    db.put_outbox(test.clone(), None).await.unwrap();
    assert_eq!(
        ready(10).await,
        [elsewhere.clone(), test.clone(), other.clone(), later.clone()],
        "a test waits for nobody"
    );
    db.outbox_failed(test.id, at(99), "no", true).await.unwrap();
    db.outbox_delivered(problem.id, at(31), event(None, None, "notification")).await.unwrap();
    assert_eq!(ready(31).await, [recovery, elsewhere, other, later]);

    // The clock was ahead by an hour when this was made, and was set back.
    let ahead = row(id(), id(), 3600, 3600);
    db.put_outbox(ahead.clone(), None).await.unwrap();
    assert!(ready(31).await.contains(&ahead), "it does not wait for the hour");
}

async fn the_revision_counts_every_change_of_the_configuration(db: Db) {
    let mut count = db.revision().await.unwrap();
    let mut grew = async |by: u64, what: &str| {
        let now = db.revision().await.unwrap();
        assert_eq!(now, count + by, "{what}");
        count = now;
    };
    let web = db.put_host(host("web-1"), draft("host.create")).await.unwrap();
    grew(1, "a host").await;
    let check = check(web.id, "tcp:web");
    let check = db.put_check(check, draft("check.create")).await.unwrap();
    db.put_check(check.clone(), draft("check.change")).await.unwrap();
    grew(2, "a check, made and changed").await;
    conflict(db.put_check(check.clone(), draft("check.change")).await);
    grew(0, "a change that was refused").await;
    let made = [self::check(web.id, "disk:/"), self::check(web.id, "load")].to_vec();
    let commit = IngestCommit { new_checks: made, hosts: vec![web.clone()], ..IngestCommit::default() };
    db.commit_ingest(commit).await.unwrap();
    grew(3, "two found checks and a host with other addresses").await;
    let channel = db.put_channel(channel("mail"), draft("channel.create")).await.unwrap();
    db.delete_channel(channel.id, draft("channel.delete")).await.unwrap();
    grew(2, "a channel, made and removed").await;
    db.delete_check(check.check.id, draft("check.delete")).await.unwrap();
    db.delete_host(web.id, draft("host.delete")).await.unwrap();
    grew(2, "a check and a host, removed").await;
}

async fn accounts_keep_their_rules(db: Db) {
    let ana = user("ana");
    db.create_user(ana.clone(), vec![vec![1; 32], vec![2; 32]], draft("user.add")).await.unwrap();
    assert!(conflict(db.create_user(user("ana"), vec![], draft("user.add")).await).contains("ana"));
    assert_eq!(db.user(ana.id).await.unwrap(), Some(ana.clone()));
    assert_eq!(db.user_by_name("ana").await.unwrap(), Some(ana.clone()));
    assert_eq!(db.user_by_name("Ana").await.unwrap(), None);

    db.set_failures(ana.id, 5, draft("session.refused")).await.unwrap();
    assert!(db.burn_totp_step(ana.id, 20).await.unwrap());
    // An edit from before these two does not undo them.
    let edit = UserRow { role: "viewer".into(), totp_sealed: vec![], disabled: Some(at(1)), ..ana.clone() };
    db.update_user(edit.clone(), draft("user.edit")).await.unwrap();
    let now = db.user(ana.id).await.unwrap().unwrap();
    assert_eq!(now, UserRow { failures: 5, totp_last_step: 20, revision: 2, ..edit.clone() });
    assert!(conflict(db.update_user(edit, draft("user.edit")).await).contains("meanwhile"));
    not_found(db.update_user(user("nobody"), draft("user.edit")).await);
    not_found(db.set_failures(id(), 1, draft("x")).await);

    assert!(!db.burn_recovery(ana.id, &[9; 32]).await.unwrap());
    assert!(db.burn_recovery(ana.id, &[1; 32]).await.unwrap());
    assert!(!db.burn_recovery(ana.id, &[1; 32]).await.unwrap());
    db.replace_recovery(ana.id, vec![vec![3; 32]], draft("user.recovery")).await.unwrap();
    assert!(!db.burn_recovery(ana.id, &[2; 32]).await.unwrap(), "old codes are void");
    assert!(!db.burn_recovery(id(), &[3; 32]).await.unwrap(), "another account's code");
    assert!(db.burn_recovery(ana.id, &[3; 32]).await.unwrap());
    not_found(db.replace_recovery(id(), vec![], draft("x")).await);
    assert_eq!(db.users().await.unwrap().len(), 1);
    assert_eq!(audit_count(&db).await, 4);
}

async fn one_time_things_work_once_for_many_at_once(db: Db) {
    let ana = user("ana");
    db.create_user(ana.clone(), vec![vec![1; 32]], draft("user.add")).await.unwrap();
    let mut tasks = Vec::new();
    for i in 0..8 {
        let db = Arc::clone(&db);
        let id = ana.id;
        tasks.push(tokio::spawn(async move {
            let step = db.burn_totp_step(id, 11).await.unwrap();
            let code = db.burn_recovery(id, &[1; 32]).await.unwrap();
            let claim =
                db.claim_setting("claimed", &i.to_string(), Some(draft("server.claim"))).await.unwrap();
            (i32::from(step), i32::from(code), i32::from(claim))
        }));
    }
    let mut sum = (0, 0, 0);
    for task in tasks {
        let (a, b, c) = task.await.unwrap();
        sum = (sum.0 + a, sum.1 + b, sum.2 + c);
    }
    assert_eq!(sum, (1, 1, 1));
    assert_eq!(audit_count(&db).await, 2, "only the claim that won is written down");
    assert!(!db.burn_totp_step(ana.id, 10).await.unwrap(), "an earlier step is used up too");

    assert_eq!(db.setting("other").await.unwrap(), None);
    db.put_setting("other", "1", None).await.unwrap();
    db.put_setting("other", "2", Some(draft("setting.change"))).await.unwrap();
    assert_eq!(db.setting("other").await.unwrap().as_deref(), Some("2"));
}

fn link(secret: u8, name: &str) -> InvitationRow {
    InvitationRow {
        id: id(),
        tenant: wk_domain::TenantId::ROOT,
        secret_sha256: vec![secret; 32],
        person: None,
        name: name.into(),
        display_name: "Olga".into(),
        role: "viewer".into(),
        created: at(1),
        created_by: "ana".into(),
        expires: at(100),
        used: None,
        withdrawn: None,
    }
}

async fn an_account_changes_as_a_whole_or_not_at_all(db: Db) {
    let ana = user("ana");
    db.create_user(ana.clone(), vec![vec![1; 32], vec![2; 32]], draft("user.add")).await.unwrap();
    let rows = [session(&ana, 1), session(&ana, 2)];
    for row in &rows {
        db.put_session(row.clone(), draft("session.open")).await.unwrap();
    }
    db.set_failures(ana.id, 7, draft("session.refused")).await.unwrap();
    let before = audit_count(&db).await;
    let facts =
        |recovery_left| UserFacts { user: ana.id, recovery_left, passkeys: 0, last_sign_in: Some(T0) };
    assert_eq!(db.user_facts().await.unwrap(), [facts(2)]);

    let whole = UserChange {
        recovery_sha256: Some(vec![vec![3; 32]]),
        failures: Some(0),
        end_sessions: Some(EndSessions { keep: Some(rows[0].id), at: at(9) }),
        invite: Some(InvitationRow { person: Some(ana.id), ..link(1, "ana") }),
        ..UserChange::of(UserRow { password_phc: "new".into(), ..ana.clone() })
    };
    let stale = UserChange { user: UserRow { revision: 9, ..ana.clone() }, ..whole.clone() };
    conflict(db.change_user(stale, vec![draft("user.x")]).await);
    let burnt = UserChange { burn: Some((id(), at(5))), ..whole.clone() };
    assert!(conflict(db.change_user(burnt, vec![draft("user.x")]).await).contains("link"));
    assert_eq!(
        db.user(ana.id).await.unwrap().unwrap().password_phc,
        ana.password_phc,
        "nothing of it happened"
    );
    assert_eq!((audit_count(&db).await, db.user_facts().await.unwrap()), (before, vec![facts(2)]));

    db.change_user(whole, vec![draft("user.x"), draft("session.end")]).await.unwrap();
    let now = db.user(ana.id).await.unwrap().unwrap();
    assert_eq!((now.password_phc.as_str(), now.failures, now.revision), ("new", 0, 2));
    assert_eq!(db.user_facts().await.unwrap(), [facts(1)]);
    assert!(!db.burn_recovery(ana.id, &[1; 32]).await.unwrap(), "old codes are void");
    let ends: Vec<_> = db.sessions(ana.id).await.unwrap().iter().map(|s| s.ended).collect();
    assert_eq!(ends, [Some(at(9)), None], "the one that is kept goes on");
    assert_eq!(db.invitations(&TenantScope::whole()).await.unwrap().len(), 1);
    assert_eq!(audit_count(&db).await, before + 2);
}

async fn somebody_always_administers_the_server(db: Db) {
    let (ana, bob) = (user("ana"), user("bob"));
    for each in [&ana, &bob] {
        db.create_user(each.clone(), vec![], draft("user.add")).await.unwrap();
    }
    let step_down = |row: &UserRow| UserChange::of(UserRow { role: "viewer".into(), ..row.clone() });
    let off = |row: &UserRow| UserChange::of(UserRow { disabled: Some(at(3)), ..row.clone() });
    // Both at once, each as if the other stayed.
    let (one, two) = tokio::join!(
        db.change_user(step_down(&ana), vec![draft("user.role")]),
        db.change_user(off(&bob), vec![draft("user.disable")]),
    );
    assert!(one.is_ok() != two.is_ok(), "one of them stays: {one:?} {two:?}");
    assert!(conflict(one.and(two)).contains("last administrator"));
    let left: Vec<UserRow> =
        db.users().await.unwrap().into_iter().filter(|u| u.role == "admin" && u.disabled.is_none()).collect();
    assert_eq!(left.len(), 1);
    conflict(db.change_user(step_down(&left[0]), vec![draft("user.role")]).await);
    conflict(db.change_user(off(&left[0]), vec![draft("user.disable")]).await);
    db.change_user(UserChange::of(UserRow { display_name: "A".into(), ..left[0].clone() }), vec![draft("x")])
        .await
        .unwrap();
}

async fn a_link_lets_one_person_in_once(db: Db) {
    let first = link(1, "olga");
    db.put_invitation(first.clone(), draft("user.invite")).await.unwrap();
    assert_eq!(db.invitation_by_secret(&[1; 32]).await.unwrap(), Some(first.clone()));
    assert_eq!(db.invitation_by_secret(&[2; 32]).await.unwrap(), None);
    let newer = InvitationRow { created: at(2), ..link(2, "olga") };
    db.put_invitation(newer.clone(), draft("user.invite")).await.unwrap();
    assert_eq!(
        db.invitations(&TenantScope::whole()).await.unwrap(),
        [newer.clone()],
        "the older one is withdrawn"
    );
    let olga = UserRow { created: at(50), ..user("olga") };
    conflict(db.join(first.id, olga.clone(), vec![], draft("user.join")).await);
    let late = UserRow { created: at(100), ..olga.clone() };
    conflict(db.join(newer.id, late, vec![], draft("user.join")).await);
    assert_eq!(db.user(olga.id).await.unwrap(), None);
    db.join(newer.id, olga.clone(), vec![vec![1; 32]], draft("user.join")).await.unwrap();
    conflict(db.join(newer.id, user("eve"), vec![], draft("user.join")).await);
    assert_eq!(db.user_by_name("eve").await.unwrap(), None);
    assert!(db.invitations(&TenantScope::whole()).await.unwrap().is_empty());
    conflict(db.withdraw_invitation(newer.id, at(60), draft("user.withdraw")).await);

    let third = link(3, "paul");
    db.put_invitation(third.clone(), draft("user.invite")).await.unwrap();
    db.withdraw_invitation(third.id, at(60), draft("user.withdraw")).await.unwrap();
    conflict(db.join(third.id, user("paul"), vec![], draft("user.join")).await);
    not_found(db.withdraw_invitation(id(), at(60), draft("user.withdraw")).await);
    assert_eq!(audit_count(&db).await, 5);
    let much_later = T0 + std::time::Duration::from_secs(40 * 86_400);
    let fourth = InvitationRow { created: much_later, expires: much_later, ..link(4, "rita") };
    db.put_invitation(fourth, draft("user.invite")).await.unwrap();
    assert_eq!(db.invitation_by_secret(&[3; 32]).await.unwrap(), None, "old ones are forgotten");
}

async fn views_are_ones_own_until_they_are_shared(db: Db) {
    let (ana, bob) = (user("ana"), user("bob"));
    for each in [&ana, &bob] {
        db.create_user(each.clone(), vec![], draft("user.add")).await.unwrap();
    }
    let view = |owner: &UserRow, name: &str, shared| ViewRow {
        id: id(),
        tenant: wk_domain::TenantId::ROOT,
        owner: owner.id,
        list: "problems".into(),
        name: name.into(),
        filter: "state:critical -handled".into(),
        scope: String::new(),
        sort: "-since".into(),
        shared,
        created: T0,
        revision: 0,
    };
    let mine = db.put_view(view(&ana, "Paris", false), draft("view.keep")).await.unwrap();
    let hers = db.put_view(view(&bob, "Berlin", true), draft("view.keep")).await.unwrap();
    db.put_view(view(&bob, "Paris", false), draft("view.keep")).await.unwrap();
    assert_eq!(mine.revision, 1);
    assert_eq!(db.views(&TenantScope::whole(), ana.id).await.unwrap(), [hers.clone(), mine.clone()]);
    assert!(conflict(db.put_view(view(&ana, "Paris", true), draft("view.keep")).await).contains("Paris"));
    let edit = ViewRow { name: "Lyon".into(), shared: true, ..mine.clone() };
    let edited = db.put_view(edit.clone(), draft("view.keep")).await.unwrap();
    assert_eq!(db.view(mine.id).await.unwrap(), Some(edited));
    conflict(db.put_view(edit, draft("view.keep")).await);
    not_found(db.put_view(ViewRow { id: id(), ..mine.clone() }, draft("view.keep")).await);
    assert_eq!(db.views(&TenantScope::whole(), bob.id).await.unwrap().len(), 3);
    db.delete_view(mine.id, draft("view.remove")).await.unwrap();
    not_found(db.delete_view(mine.id, draft("view.remove")).await);
    assert_eq!(audit_count(&db).await, 7);
}

async fn sessions_end_for_good(db: Db) {
    let ana = user("ana");
    db.create_user(ana.clone(), vec![], draft("user.add")).await.unwrap();
    let rows = [session(&ana, 1), session(&ana, 2), session(&ana, 3)];
    for row in &rows {
        db.put_session(row.clone(), draft("session.open")).await.unwrap();
    }
    conflict(db.put_session(SessionRow { id: id(), ..rows[0].clone() }, draft("session.open")).await);
    let found = db.session_by_token(&[1; 32]).await.unwrap();
    assert_eq!(found, Some((rows[0].clone(), ana.clone())));
    assert_eq!(db.session_by_token(&[9; 32]).await.unwrap(), None);
    assert_eq!(db.session_by_token(&[]).await.unwrap(), None);
    db.touch_session(rows[0].id, at(50)).await.unwrap();
    db.touch_session(rows[0].id, at(40)).await.unwrap();
    assert_eq!(db.session_by_token(&[1; 32]).await.unwrap().unwrap().0.last_used, at(50));

    db.elevate_session(rows[0].id, vec![8; 32], at(55), draft("session.elevate")).await.unwrap();
    assert_eq!(db.session_by_token(&[1; 32]).await.unwrap(), None, "the old token is worth nothing");
    let risen = db.session_by_token(&[8; 32]).await.unwrap().unwrap().0;
    assert_eq!((risen.id, risen.elevated), (rows[0].id, Some(at(55))));

    db.end_session(rows[0].id, at(60), draft("session.end")).await.unwrap();
    not_found(db.elevate_session(rows[0].id, vec![7; 32], at(61), draft("session.elevate")).await);
    db.touch_session(rows[0].id, at(70)).await.unwrap();
    assert_eq!(db.session_by_token(&[8; 32]).await.unwrap(), None);
    not_found(db.end_session(id(), at(60), draft("session.end")).await);
    db.end_sessions(ana.id, Some(rows[2].id), at(80), draft("session.end")).await.unwrap();
    let ends: Vec<_> = db.sessions(ana.id).await.unwrap().iter().map(|s| s.ended).collect();
    assert_eq!(ends, [None, Some(at(80)), Some(at(60))], "newest first; the first end stands");
}

async fn the_audit_log_has_no_gaps_under_eight_writers(db: Db) {
    let taken = db.put_host(host("taken"), draft("host.add")).await.unwrap();
    let mut writers = Vec::new();
    for w in 0..8 {
        let db = Arc::clone(&db);
        writers.push(tokio::spawn(async move {
            for i in 0..15 {
                match i % 3 {
                    0 => db.append_audit(vec![draft("a"), draft("b")]).await.unwrap(),
                    1 => db.put_setting(&format!("{w}"), "x", Some(draft("setting.change"))).await.unwrap(),
                    // A refusal takes no number.
                    _ => drop(db.put_host(host("taken"), draft("host.add")).await.unwrap_err()),
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let log = db.audit_from(0, 10_000).await.unwrap();
    let seqs: Vec<u64> = log.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, (0..1 + 8 * 15).collect::<Vec<u64>>());
    assert_eq!(log.iter().map(|row| row.leaf_hash).collect::<HashSet<_>>().len(), log.len());
    assert_eq!(db.hosts().await.unwrap(), [taken]);
    assert_eq!(db.audit_from(100, 3).await.unwrap(), log[100..103]);
    let mut after = None;
    let mut listed = Vec::new();
    loop {
        let part = db.audit(&TenantScope::whole(), AuditFilter::default(), page(50, after)).await.unwrap();
        let Some(last) = part.last() else { break };
        after = Some(last.seq.to_string());
        listed.extend(part);
    }
    listed.reverse();
    assert_eq!(listed, log);
}

async fn audit_and_change_are_both_there_or_neither(db: Db) {
    let (host, check) = watched(&db, "web-1").await;
    let c = check.check.id;
    let twice = event(Some(host.id), None, "state");
    db.put_event(twice.clone(), None).await.unwrap();
    let audit = audit_count(&db).await;
    // The event is the last thing before the audit entry, and it is refused.
    let ack = AckRow { check: c, by: "ana".into(), at: T0, note: "x".into(), sticky: false, expires: None };
    let mut changed = state(c, host.id);
    changed.state.attempt = 1234;
    conflict(db.put_ack(ack, changed, twice.clone(), draft("x")).await);
    conflict(db.put_downtime(downtime(&host, None), twice.clone(), draft("x")).await);
    conflict(db.put_event(twice, Some(draft("x"))).await);
    assert_eq!(db.acks().await.unwrap(), []);
    assert_eq!(db.downtimes(T0).await.unwrap(), []);
    assert_eq!(db.check_states().await.unwrap(), [state(c, host.id)]);
    assert_eq!(audit_count(&db).await, audit);
    assert_eq!(db.audit_from(0, 1000).await.unwrap().len() as u64, audit);
}

async fn the_audit_log_is_found_by_its_fields(db: Db) {
    let host: wk_domain::HostId = id();
    let drafts = vec![
        draft("problem.acknowledge").object("host", host),
        draft("problem.recheck").object("host", host).denied("no right"),
        draft("problems"),
        Draft::new(T0.as_ms() * 1_000_000 + 1, Actor::new(ActorKind::Local, 0), "session.open"),
    ];
    db.append_audit(vec![]).await.unwrap();
    for (i, mut one) in (0..).zip(drafts) {
        one.ts_ns += i * 1_000_000_000;
        db.append_audit(vec![one]).await.unwrap();
    }
    let count = |filter| {
        let db = Arc::clone(&db);
        async move { db.audit(&TenantScope::whole(), filter, page(100, None)).await.unwrap().len() }
    };
    let prefix = |p: &str| AuditFilter { action_prefix: Some(p.into()), ..Default::default() };
    let actor = |a: &str| AuditFilter { actor: Some(a.into()), ..Default::default() };
    let outcome = |o: &str| AuditFilter { outcome: Some(o.into()), ..Default::default() };
    assert_eq!(count(prefix("problem.")).await, 2);
    assert_eq!(count(prefix("problem")).await, 3);
    assert_eq!(count(prefix("pro_lem")).await, 0, "no letter is a wildcard");
    assert_eq!(count(prefix("%")).await, 0);
    assert_eq!(count(prefix("")).await, 4);
    assert_eq!(count(outcome("success")).await, 3);
    assert_eq!(count(outcome("denied")).await, 1);
    assert_eq!(count(actor("user_x")).await, 3);
    assert_eq!(count(actor("local:0")).await, 1);
    assert_eq!(count(actor("' OR 1=1 --")).await, 0);
    assert_eq!(count(AuditFilter { object: Some(host.to_string()), ..Default::default() }).await, 2);
    assert_eq!(count(AuditFilter { from: Some(at(1)), to: Some(at(3)), ..Default::default() }).await, 2);
    conflict(db.audit(&TenantScope::whole(), AuditFilter::default(), page(1, Some("-1".into()))).await);

    // Each entry is the canonical bytes that its hash is of, and tells how long after the one before it was.
    let rows = db.audit_from(0, 10).await.unwrap();
    for row in &rows {
        let entry = Entry::decode(row.entry_json.as_bytes()).unwrap();
        assert_eq!(entry.seq, row.seq);
        assert_eq!(*Entry::leaf_hash(row.entry_json.as_bytes()).as_bytes(), row.leaf_hash);
        assert_eq!(entry.draft.action, row.action);
    }
    let gaps: Vec<i64> =
        rows.iter().map(|row| Entry::decode(row.entry_json.as_bytes()).unwrap().prev_ts_gap_ns).collect();
    assert_eq!(gaps, [0, 1_000_000_000, 1_000_000_000, 1_000_000_001]);
}

async fn hostile_texts_come_back_as_texts(db: Db) {
    let big = "x".repeat(64 * 1024);
    let texts = [
        "'; DROP TABLE host; --",
        "$1 ? ?1 :a @b %s %%",
        "\u{202e}evil\u{2066}\u{200b}",
        "a\u{0}b",
        "\u{1}\u{1b}[2J\r\n\t\u{7f}",
        "𝕏😀\u{fffd}\u{10ffff}",
        "\\x41\\0\\",
        "",
        &big,
    ];
    for (i, text) in texts.into_iter().enumerate() {
        let kept = text.replace('\0', "\u{fffd}");
        let new =
            HostRow { os: text.into(), fields: vec![(text.into(), text.into())], ..host(&format!("h{i}")) };
        let put = db.put_host(new, draft("host.add")).await.unwrap();
        let got = db.host(put.id).await.unwrap().unwrap();
        assert_eq!(got.os, kept);
        assert_eq!(got.fields, [(text.to_owned(), text.to_owned())], "inside JSON nothing needs replacing");
        let mut row = event(None, None, "comment");
        row.summary = text.into();
        row.kind = format!("k{i}");
        db.put_event(row, Some(draft("comment.add").reason(text).object("host", text))).await.unwrap();
        let filter = EventFilter { kinds: vec![format!("k{i}")], ..Default::default() };
        assert_eq!(db.events(&TenantScope::whole(), filter, page(1, None)).await.unwrap()[0].summary, kept);
        db.put_setting("k", text, None).await.unwrap();
        assert_eq!(db.setting("k").await.unwrap(), Some(kept));
        assert_eq!(db.host_by_name(wk_domain::TenantId::ROOT, text).await.unwrap(), None);
        assert_eq!(db.user_by_name(text).await.unwrap(), None);
    }
    // As a name and as a key: found again by the same text.
    let odd = "a\u{0}'\"b";
    db.put_setting(odd, "found", None).await.unwrap();
    assert_eq!(db.setting(odd).await.unwrap().as_deref(), Some("found"));
    let host = db.put_host(host("inv"), draft("host.add")).await.unwrap();
    let change = InventoryChange { removed: vec![], ..packages(&host, true, &[odd, "plain"]) };
    db.commit_ingest(IngestCommit { inventory: vec![change], ..Default::default() }).await.unwrap();
    let change = InventoryChange { removed: vec![odd.into()], ..packages(&host, false, &[]) };
    db.commit_ingest(IngestCommit { inventory: vec![change], ..Default::default() }).await.unwrap();
    assert_eq!(db.inventory_counts(&TenantScope::whole(), host.id).await.unwrap(), [("packages".into(), 1)]);
}

async fn retention_removes_the_old_and_only_that(db: Db) {
    let mut events = Vec::new();
    for i in 0..5_000_u64 {
        events.push(EventRow { at: at(i), ..event(None, None, "state") });
    }
    let sent = OutboxRow { state: "delivered".into(), ..outbox(id(), T0) };
    let waiting = outbox(id(), T0);
    let commit = IngestCommit {
        events,
        outbox: vec![sent, waiting.clone()],
        audit: vec![draft("x")],
        ..Default::default()
    };
    db.commit_ingest(commit).await.unwrap();
    assert_eq!(db.prune(at(4_990), at(0)).await.unwrap(), 4_990 + 1);
    let left = db.events(&TenantScope::whole(), EventFilter::default(), page(500, None)).await.unwrap();
    assert_eq!(left.iter().map(|e| e.at).min(), Some(at(4_990)));
    assert_eq!(left.len(), 10);
    assert_eq!(
        db.outbox_recent(&TenantScope::whole(), page(10, None)).await.unwrap(),
        [waiting],
        "what is on its way is kept"
    );
    assert_eq!(db.prune(at(4_990), at(0)).await.unwrap(), 0);
    assert_eq!(audit_count(&db).await, 1);
}

async fn health_counts(db: Db) {
    db.put_event(event(None, None, "comment"), Some(draft("x"))).await.unwrap();
    let health = db.health().await.unwrap();
    assert!(
        health.engine.starts_with("SQLite 3.") || health.engine.starts_with("PostgreSQL 1"),
        "{}",
        health.engine
    );
    assert_eq!(health.schema_version, wk_store::SCHEMA_VERSION);
    assert_eq!((health.events, health.audit_entries), (1, 1));
    assert!(health.bytes > 4096);
}
