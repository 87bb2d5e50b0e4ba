//! What every store must do about tokens of programs, service accounts, acts that two people must want, and reviews, told
//! once and asked of SQLite and of a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use wk_audit::{Actor, ActorKind, Agreement, Draft};
use wk_domain::UserId;
use wk_engine::ports::TenantScope;
use wk_engine::ports::api_tokens::*;
use wk_engine::ports::approvals::*;
use wk_engine::ports::reviews::*;
use wk_engine::ports::rows::{AuditFilter, EndSessions, UserChange, UserRow};
use wk_engine::ports::store::{Store, StoreError};

type Db = Arc<dyn Store>;

fn audit(action: &'static str) -> Draft {
    // The instant of `T0`.
    Draft::new(1_790_000_000_000_000_000, Actor::new(ActorKind::User, "maria"), action)
}

async fn person(db: &Db, name: &str) -> UserRow {
    let row = user(name);
    db.create_user(row.clone(), Vec::new(), audit("user.create")).await.unwrap();
    row
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
}

fn not_found<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
}

async fn actions(db: &Db) -> Vec<String> {
    let rows = db.audit(&TenantScope::whole(), AuditFilter::default(), page(500, None)).await.unwrap();
    rows.into_iter().rev().map(|row| row.action).collect()
}

fn api_token(owner: UserId, secret: u8) -> ApiTokenRow {
    ApiTokenRow {
        id: id(),
        owner,
        name: "deploy".to_owned(),
        hint: "wk_pat_7h2k".to_owned(),
        secret_sha256: vec![secret; 32],
        old_sha256: Vec::new(),
        old_until: None,
        scope_json: r#"[{"role":"viewer"}]"#.to_owned(),
        networks: vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()],
        created: T0,
        created_by: "maria".to_owned(),
        rotated: None,
        expires: at(1000),
        last_used: None,
        last_address: String::new(),
        revoked: None,
        revoked_by: String::new(),
        revision: 0,
    }
}

async fn a_token_is_found_by_its_secrets_and_by_no_other(db: Db) {
    let maria = person(&db, "maria").await;
    let made = db.put_api_token(api_token(maria.id, 1), audit("token.create")).await.unwrap();
    assert_eq!(made.revision, 1);
    assert_eq!(db.api_token(made.id).await.unwrap(), Some(made.clone()));
    let by = async |secret: u8| db.api_token_by_secret(&[secret; 32]).await.unwrap().map(|(row, _)| row.id);
    assert_eq!((by(1).await, by(2).await), (Some(made.id), None));
    assert_eq!(db.api_token_by_secret(&[]).await.unwrap(), None, "no old secret is not an empty one");
    assert!(
        db.put_api_token(api_token(maria.id, 1), audit("token.create")).await.is_err(),
        "two with one secret"
    );
    // Rotated: both for a while, and the limit of addresses stays.
    let rotated = ApiTokenRow {
        secret_sha256: vec![2; 32],
        old_sha256: vec![1; 32],
        old_until: Some(at(60)),
        rotated: Some(T0),
        ..made.clone()
    };
    let after = db.put_api_token(rotated.clone(), audit("token.rotate")).await.unwrap();
    assert_eq!((by(1).await, by(2).await), (Some(made.id), Some(made.id)));
    assert_eq!((after.revision, after.networks.clone()), (2, made.networks.clone()));
    conflict(db.put_api_token(rotated, audit("token.rotate")).await);
    // Rotated again: the first is gone for good.
    let third = ApiTokenRow { secret_sha256: vec![3; 32], old_sha256: vec![2; 32], ..after };
    let third = db.put_api_token(third, audit("token.rotate")).await.unwrap();
    assert_eq!((by(1).await, by(2).await, by(3).await), (None, Some(made.id), Some(made.id)));
    // Use is written down forwards, and counts as no change.
    db.touch_api_token(made.id, at(30), "192.0.2.7").await.unwrap();
    db.touch_api_token(made.id, at(20), "192.0.2.8").await.unwrap();
    let used = db.api_token(made.id).await.unwrap().unwrap();
    assert_eq!((used.last_used, used.last_address.as_str(), used.revision), (Some(at(30)), "192.0.2.7", 3));
    db.revoke_api_token(made.id, at(40), "maria", audit("token.revoke")).await.unwrap();
    conflict(db.revoke_api_token(made.id, at(41), "maria", audit("token.revoke")).await);
    conflict(db.put_api_token(third, audit("token.rotate")).await);
    assert_eq!((by(2).await, by(3).await), (None, Some(made.id)), "its old secret goes with it");
    assert!(db.api_token(made.id).await.unwrap().unwrap().revoked.is_some());
    not_found(db.revoke_api_token(id(), at(1), "maria", audit("token.revoke")).await);
    not_found(db.put_api_token(ApiTokenRow { revision: 1, ..api_token(maria.id, 9) }, audit("x")).await);
    let told: Vec<_> = actions(&db).await;
    assert_eq!(told, ["user.create", "token.create", "token.rotate", "token.rotate", "token.revoke"]);
}

async fn disabling_an_account_ends_its_tokens_for_good(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let hers = db.put_api_token(api_token(maria.id, 1), audit("token.create")).await.unwrap();
    let others = db.put_api_token(api_token(olga.id, 2), audit("token.create")).await.unwrap();
    assert_eq!(db.api_tokens(None).await.unwrap().len(), 2);
    assert_eq!(db.api_tokens(Some(maria.id)).await.unwrap(), std::slice::from_ref(&hers));
    let row = db.user(maria.id).await.unwrap().unwrap();
    let change = UserChange {
        end_sessions: Some(EndSessions { keep: None, at: at(5) }),
        ..UserChange::of(UserRow { disabled: Some(at(5)), ..row })
    };
    db.change_user(change, vec![audit("user.disable")]).await.unwrap();
    assert!(db.api_token(hers.id).await.unwrap().unwrap().revoked.is_some());
    assert!(db.api_token(others.id).await.unwrap().unwrap().revoked.is_none());
    let row = db.user(maria.id).await.unwrap().unwrap();
    db.change_user(UserChange::of(UserRow { disabled: None, ..row }), vec![audit("user.enable")])
        .await
        .unwrap();
    assert!(
        db.api_token(hers.id).await.unwrap().unwrap().revoked.is_some(),
        "whoever enables makes new ones"
    );
}

async fn a_service_account_is_an_account_that_somebody_answers_for(db: Db) {
    let maria = person(&db, "maria").await;
    let account = user("ci");
    let row = ServiceAccountRow {
        person: account.id,
        owner: Some(maria.id),
        purpose: "builds".to_owned(),
        review_due: at(100),
        created: T0,
        created_by: "maria".to_owned(),
        revision: 0,
    };
    db.create_service_account(account.clone(), row.clone(), audit("service.create")).await.unwrap();
    let kept = db.service_account(account.id).await.unwrap().unwrap();
    assert_eq!(kept, ServiceAccountRow { revision: 1, ..row.clone() });
    assert!(db.user_by_name("ci").await.unwrap().is_some());
    // Of a name that is taken, neither of the two is written.
    let twin = user("ci");
    let twin_row = ServiceAccountRow { person: twin.id, ..row };
    assert!(db.create_service_account(twin.clone(), twin_row, audit("service.create")).await.is_err());
    assert_eq!(db.service_account(twin.id).await.unwrap(), None);
    let moved = ServiceAccountRow { purpose: "releases".to_owned(), owner: None, ..kept.clone() };
    db.put_service_account(moved, audit("service.change")).await.unwrap();
    conflict(db.put_service_account(kept.clone(), audit("service.change")).await);
    not_found(db.put_service_account(ServiceAccountRow { person: maria.id, ..kept }, audit("x")).await);
    let all = db.service_accounts().await.unwrap();
    assert_eq!((all.len(), all[0].purpose.as_str(), all[0].revision), (1, "releases", 2));
}

fn request(requester: &UserRow) -> ApprovalRow {
    ApprovalRow {
        id: id(),
        act: "user.set_role".to_owned(),
        object: "user:olga".to_owned(),
        summary: "Give olga the role admin".to_owned(),
        payload_json: "{}".to_owned(),
        payload_sha256: "00".to_owned(),
        object_state: "revision 1".to_owned(),
        requester: Some(requester.id),
        requester_name: requester.name.clone(),
        via: "session".to_owned(),
        reason: "she helps out".to_owned(),
        requested: T0,
        expires: at(60),
        state: "open".to_owned(),
        decided: None,
        decider: None,
        decided_by: String::new(),
        note: String::new(),
    }
}

/// An act that stands on an agreement.
fn agreed(request: &ApprovalRow, by: &UserRow, action: &'static str) -> Draft {
    audit(action).agreed(Agreement {
        approval: request.id.to_string(),
        by: by.name.clone(),
        by_id: by.id.to_string(),
        note: "looks right".to_owned(),
        decision: audit("approval.agree"),
    })
}

async fn an_agreement_is_used_up_with_its_act_or_not_at_all(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let one = request(&maria);
    db.put_approval(one.clone(), audit("approval.request")).await.unwrap();
    assert_eq!(db.approval(one.id).await.unwrap(), Some(one.clone()));
    let act = async |draft: Draft| db.put_setting("x", "1", Some(draft)).await;
    let before = actions(&db).await.len();
    // Never by who asked, whatever the caller believes; nor on nothing; nor on what nobody asked for.
    conflict(act(agreed(&one, &maria, "user.set_role")).await);
    conflict(act(agreed(&ApprovalRow { id: id(), ..one.clone() }, &olga, "user.set_role")).await);
    let nothing = Agreement {
        approval: String::new(),
        by: String::new(),
        by_id: String::new(),
        note: String::new(),
        decision: audit("approval.agree"),
    };
    conflict(act(audit("user.set_role").agreed(nothing)).await);
    assert_eq!(
        (actions(&db).await.len(), db.setting("x").await.unwrap()),
        (before, None),
        "nothing was done"
    );
    // An act that fails leaves it open.
    let failed = db.delete_host(id(), agreed(&one, &olga, "host.remove")).await;
    not_found(failed);
    assert_eq!(db.approval(one.id).await.unwrap().unwrap().state, "open");
    // What was refused is written down and uses nothing up.
    db.append_audit(vec![agreed(&one, &olga, "user.set_role").denied("no")]).await.unwrap();
    assert_eq!(db.approval(one.id).await.unwrap().unwrap().state, "open");
    act(agreed(&one, &olga, "user.set_role")).await.unwrap();
    let told = actions(&db).await;
    assert_eq!(told[told.len() - 2..], ["approval.agree", "user.set_role"]);
    let done = db.approval(one.id).await.unwrap().unwrap();
    assert_eq!(
        (done.state.as_str(), done.decider, done.decided_by.as_str()),
        ("done", Some(olga.id), "olga")
    );
    conflict(act(agreed(&one, &olga, "user.set_role")).await);
    // Two entries of one transaction stand on one agreement, which is used up once.
    let two = request(&maria);
    db.put_approval(two.clone(), audit("approval.request")).await.unwrap();
    let both = vec![agreed(&two, &olga, "user.set_role"), agreed(&two, &olga, "session.end")];
    db.append_audit(both).await.unwrap();
    let told = actions(&db).await;
    assert_eq!(told[told.len() - 3..], ["approval.agree", "user.set_role", "session.end"]);
    // Too late is too late.
    let late = ApprovalRow { expires: T0, ..request(&maria) };
    db.put_approval(late.clone(), audit("approval.request")).await.unwrap();
    conflict(act(agreed(&late, &olga, "user.set_role")).await);
}

async fn of_many_who_agree_at_once_one_does_it(db: Db) {
    let maria = person(&db, "maria").await;
    let one = request(&maria);
    db.put_approval(one.clone(), audit("approval.request")).await.unwrap();
    let mut others = Vec::new();
    for n in 0..8 {
        others.push(person(&db, &format!("other-{n}")).await);
    }
    let tries = others.into_iter().map(|by| {
        let (db, one) = (Arc::clone(&db), one.clone());
        tokio::spawn(async move { db.append_audit(vec![agreed(&one, &by, "user.set_role")]).await })
    });
    let mut done = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(()) => done += 1,
            other => conflict(other),
        }
    }
    let told = actions(&db).await;
    let count = |wanted: &str| told.iter().filter(|action| action.as_str() == wanted).count();
    assert_eq!((done, count("user.set_role"), count("approval.agree")), (1, 1, 1));
}

async fn requests_are_listed_settled_once_and_forgotten_long_after(db: Db) {
    let maria = person(&db, "maria").await;
    let mut made = Vec::new();
    for n in 0..3u64 {
        let row = ApprovalRow { expires: at(60 + n), ..request(&maria) };
        db.put_approval(row.clone(), audit("approval.request")).await.unwrap();
        made.push(row);
    }
    made.sort_by_key(|row| std::cmp::Reverse(row.id));
    assert_eq!(db.approvals(None, page(100, None)).await.unwrap(), made);
    let first = db.approvals(None, page(2, None)).await.unwrap();
    let rest = db.approvals(None, page(2, Some(first[1].id.to_string()))).await.unwrap();
    assert_eq!((first, rest), (made[..2].to_vec(), made[2..].to_vec()));
    let settled = Settled {
        id: made[0].id,
        state: "declined",
        at: at(1),
        decider: None,
        by: "olga".to_owned(),
        note: "no".to_owned(),
    };
    db.settle_approval(settled.clone(), audit("approval.decline")).await.unwrap();
    conflict(db.settle_approval(settled, audit("approval.decline")).await);
    assert_eq!(db.approvals(Some(T0), page(100, None)).await.unwrap(), made[1..]);
    let over = db.approvals(Some(at(62)), page(100, None)).await.unwrap();
    assert!(over.is_empty(), "what is over waits for nobody: {over:?}");
    let later = T0 + Duration::from_secs(401 * 86_400);
    let new = ApprovalRow { requested: later, expires: later, ..request(&maria) };
    db.put_approval(new.clone(), audit("approval.request")).await.unwrap();
    assert_eq!(db.approvals(None, page(100, None)).await.unwrap(), [new]);
}

async fn a_review_is_decided_until_it_is_signed(db: Db) {
    let row = ReviewRow {
        id: id(),
        created: T0,
        created_by: "maria".to_owned(),
        window_days: 90,
        due: at(100),
        signed: None,
        signed_by: String::new(),
        note: String::new(),
        next_due: None,
    };
    let line = |number: i64| ReviewLineRow {
        review: row.id,
        number,
        kind: "person".to_owned(),
        subject: format!("user_{number}"),
        name: format!("person {number}"),
        facts_json: "{}".to_owned(),
        findings_json: "[]".to_owned(),
        decision: String::new(),
        role: String::new(),
        note: String::new(),
        decided: None,
        decided_by: String::new(),
    };
    // More than one statement takes.
    let lines: Vec<_> = (1..=3000).map(line).collect();
    db.put_review(row.clone(), lines.clone(), audit("review.begin")).await.unwrap();
    assert_eq!(db.review(row.id).await.unwrap(), Some((row.clone(), lines)));
    let decided = ReviewLineRow {
        decision: "keep".to_owned(),
        note: "needed".to_owned(),
        decided: Some(at(1)),
        decided_by: "maria".to_owned(),
        ..line(2)
    };
    db.decide_line(decided.clone(), audit("review.decide")).await.unwrap();
    assert_eq!(db.review(row.id).await.unwrap().unwrap().1[1], decided);
    not_found(db.decide_line(line(3001), audit("review.decide")).await);
    conflict(db.decide_line(ReviewLineRow { review: id(), ..line(1) }, audit("review.decide")).await);
    let signed = ReviewRow {
        signed: Some(at(2)),
        signed_by: "maria".to_owned(),
        note: "done".to_owned(),
        next_due: Some(at(500)),
        ..row
    };
    db.sign_review(signed.clone(), audit("review.sign")).await.unwrap();
    conflict(db.sign_review(signed.clone(), audit("review.sign")).await);
    conflict(db.decide_line(decided, audit("review.decide")).await);
    assert_eq!(db.reviews().await.unwrap(), [signed]);
}

async fn use_is_counted_from_the_log(db: Db) {
    let maria = person(&db, "maria").await;
    db.append_audit(vec![audit("host.add"), audit("host.add"), audit("host.add").denied("no")])
        .await
        .unwrap();
    let used = db.usage_since(T0).await.unwrap();
    let adds = used.iter().find(|row| row.action == "host.add").unwrap();
    assert_eq!((adds.actor.as_str(), adds.count, adds.last), ("user:maria", 2, T0));
    assert!(db.usage_since(at(1)).await.unwrap().is_empty());
    let mut seen = session(&maria, 1);
    seen.last_used = at(50);
    db.put_session(seen.clone(), audit("session.open")).await.unwrap();
    assert_eq!(db.sessions_since(at(50)).await.unwrap().len(), 1);
    assert!(db.sessions_since(at(51)).await.unwrap().is_empty());
    assert!(db.sessions_since(T0).await.unwrap().iter().all(|row| row.token_sha256.is_empty()));
}

macro_rules! on_both_engines {
    ($($fact:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $fact() {
                let fixture = super::Fixture::sqlite().await;
                super::$fact(fixture.port()).await;
            })*
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn postgres_keeps_the_same_rules() {
            let server = wk_testkit::PgServer::start().unwrap_or_else(|e| panic!("{e}"));
            $(
                let store = fresh(&server).await;
                $fact(Arc::<wk_store::SqlStore>::clone(&store)).await;
                Store::close(&*store).await;
            )*
        }
    };
}

on_both_engines! {
    a_token_is_found_by_its_secrets_and_by_no_other
    disabling_an_account_ends_its_tokens_for_good
    a_service_account_is_an_account_that_somebody_answers_for
    an_agreement_is_used_up_with_its_act_or_not_at_all
    of_many_who_agree_at_once_one_does_it
    requests_are_listed_settled_once_and_forgotten_long_after
    a_review_is_decided_until_it_is_signed
    use_is_counted_from_the_log
}
