//! What every store must do about passwords and known browsers, told once and asked of SQLite and of a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod common;

use std::sync::Arc;

use common::*;
use wk_audit::{Actor, ActorKind, Draft};
use wk_domain::{TenantId, UserId};
use wk_engine::ports::passwords::*;
use wk_engine::ports::rows::{UserChange, UserRow};
use wk_engine::ports::store::{Store, StoreError};

type Db = Arc<dyn Store>;

fn audit(action: &'static str) -> Draft {
    Draft::new(1_790_000_000_000_000_000, Actor::new(ActorKind::User, "maria"), action)
}

async fn person(db: &Db, name: &str) -> UserRow {
    let user = UserRow {
        id: id(),
        tenant: TenantId::ROOT,
        name: name.to_owned(),
        display_name: name.to_owned(),
        role: "viewer".to_owned(),
        password_phc: format!("{name}-0"),
        totp_sealed: Vec::new(),
        totp_revision: 1,
        totp_last_step: 0,
        created: T0,
        disabled: None,
        failures: 0,
        revision: 1,
    };
    db.create_user(user.clone(), Vec::new(), audit("user.create")).await.unwrap();
    user
}

/// Sets a password as a change does.
async fn set(db: &Db, user: UserId, phc: &str, second: u64, keep: u16) {
    let row = db.user(user).await.unwrap().unwrap();
    let under = SetUnder { least_chars: 12, classes: 2, letters_and_digits: true };
    let change = UserChange {
        password: Some(PasswordSet { at: at(second), under, keep }),
        ..UserChange::of(UserRow { password_phc: phc.to_owned(), ..row })
    };
    db.change_user(change, vec![audit("user.change_password")]).await.unwrap();
}

async fn former_passwords_are_kept_as_many_as_asked_for(db: Db) {
    let maria = person(&db, "maria").await;
    let other = person(&db, "olga").await;
    assert_eq!(db.password_fact(maria.id).await.unwrap(), None);
    for n in 1..=6 {
        set(&db, maria.id, &format!("maria-{n}"), n, 4).await;
    }
    let newest_first = ["maria-5", "maria-4", "maria-3", "maria-2"];
    assert_eq!(db.password_history(maria.id, 24).await.unwrap(), newest_first);
    assert_eq!(db.password_history(maria.id, 2).await.unwrap(), newest_first[..2]);
    assert!(db.password_history(other.id, 24).await.unwrap().is_empty(), "everybody's own");
    let fact = db.password_fact(maria.id).await.unwrap().unwrap();
    assert_eq!((fact.set_at, fact.must_change, fact.under.least_chars), (at(6), None, 12));
    // Taken away: it goes into the history, and nothing goes in when there was none.
    set(&db, maria.id, "", 7, 2).await;
    set(&db, maria.id, "maria-8", 8, 2).await;
    assert_eq!(db.password_history(maria.id, 24).await.unwrap(), ["maria-6", "maria-5"]);
    set(&db, maria.id, "maria-9", 9, 0).await;
    assert!(db.password_history(maria.id, 24).await.unwrap().is_empty());
}

async fn a_change_that_fails_leaves_no_trace(db: Db) {
    let maria = person(&db, "maria").await;
    let stale = UserRow { revision: 7, password_phc: "new".to_owned(), ..maria.clone() };
    let set = PasswordSet { at: at(1), under: SetUnder::default(), keep: 4 };
    let change = UserChange { password: Some(set), ..UserChange::of(stale) };
    assert!(matches!(
        db.change_user(change, vec![audit("user.change_password")]).await,
        Err(StoreError::Conflict { .. })
    ));
    assert!(db.password_history(maria.id, 24).await.unwrap().is_empty());
    assert_eq!(db.password_fact(maria.id).await.unwrap(), None);
}

async fn whoever_must_change_is_noted_until_it_is_done(db: Db) {
    let maria = person(&db, "maria").await;
    let fact = |must: Option<&str>| PasswordFactRow {
        user: maria.id,
        set_at: T0,
        must_change: must.map(str::to_owned),
        under: SetUnder::default(),
    };
    db.set_must_change(fact(Some("too old")), audit("user.require_change")).await.unwrap();
    db.set_must_change(fact(Some("stolen")), audit("user.require_change")).await.unwrap();
    let facts = db.password_facts().await.unwrap();
    assert_eq!(facts.len(), 1);
    assert_eq!(facts[0].must_change.as_deref(), Some("stolen"));
    set(&db, maria.id, "maria-1", 5, 1).await;
    assert_eq!(db.password_fact(maria.id).await.unwrap().unwrap().must_change, None);
}

async fn a_hash_is_made_anew_only_for_the_password_that_was_right(db: Db) {
    let maria = person(&db, "maria").await;
    assert!(db.upgrade_password(maria.id, "maria-0", "better", audit("user.upgrade_hash")).await.unwrap());
    assert!(!db.upgrade_password(maria.id, "maria-0", "late", audit("user.upgrade_hash")).await.unwrap());
    let row = db.user(maria.id).await.unwrap().unwrap();
    assert_eq!((row.password_phc.as_str(), row.revision), ("better", maria.revision));
}

async fn policies_are_put_replaced_and_removed(db: Db) {
    let row = |scope: &str, body: &str| PolicyRow {
        scope: scope.to_owned(),
        body: body.to_owned(),
        changed: T0,
        changed_by: "maria".to_owned(),
    };
    db.put_password_policy(row("role:admin", "{}"), audit("password_policy.set")).await.unwrap();
    db.put_password_policy(row("default", "{}"), audit("password_policy.set")).await.unwrap();
    db.put_password_policy(row("default", "{\"profile\":\"classic\"}"), audit("password_policy.set"))
        .await
        .unwrap();
    let rows = db.password_policies().await.unwrap();
    assert_eq!(rows, [row("default", "{\"profile\":\"classic\"}"), row("role:admin", "{}")]);
    db.delete_password_policy("default", audit("password_policy.remove")).await.unwrap();
    assert!(matches!(
        db.delete_password_policy("default", audit("password_policy.remove")).await,
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(db.password_policies().await.unwrap().len(), 1);
}

async fn browsers_are_known_by_their_newest_nonce_and_bounded(db: Db) {
    let maria = person(&db, "maria").await;
    let other = person(&db, "olga").await;
    let row = |n: u64| BrowserRow {
        id: id(),
        user: maria.id,
        nonce_sha256: n.to_be_bytes().to_vec(),
        first_seen: at(n),
        last_used: at(n),
        address: "192.0.2.7".to_owned(),
        user_agent: "a browser".to_owned(),
    };
    let first = row(1);
    db.put_browser(first.clone()).await.unwrap();
    let rotated = BrowserRow { nonce_sha256: vec![9], last_used: at(100), ..first.clone() };
    db.put_browser(rotated.clone()).await.unwrap();
    assert_eq!(
        db.browser_by_nonce(&first.nonce_sha256).await.unwrap(),
        None,
        "the old cookie is worth nothing"
    );
    assert_eq!(db.browser_by_nonce(&[9]).await.unwrap(), Some(rotated.clone()));
    for n in 2..=u64::from(BROWSERS_MAX) + 5 {
        db.put_browser(row(n)).await.unwrap();
    }
    let known = db.browsers(maria.id).await.unwrap();
    assert_eq!(known.len(), BROWSERS_MAX as usize);
    assert_eq!(known[0].id, rotated.id, "used last, first");
    assert!(matches!(
        db.forget_browser(other.id, rotated.id, audit("browser.forget")).await,
        Err(StoreError::NotFound { .. })
    ));
    db.forget_browser(maria.id, rotated.id, audit("browser.forget")).await.unwrap();
    assert_eq!(db.browser_by_nonce(&[9]).await.unwrap(), None);
    let keep = known[1].id;
    db.forget_browsers(maria.id, Some(keep)).await.unwrap();
    assert_eq!(db.browsers(maria.id).await.unwrap().iter().map(|row| row.id).collect::<Vec<_>>(), [keep]);
    db.forget_browsers(maria.id, None).await.unwrap();
    assert!(db.browsers(maria.id).await.unwrap().is_empty());
}

macro_rules! on_both_engines {
    ($($fact:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() {
                let fixture = super::Fixture::sqlite().await;
                super::$fact(fixture.port()).await;
                fixture.store.check().await.unwrap();
            })*
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
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
    former_passwords_are_kept_as_many_as_asked_for
    a_change_that_fails_leaves_no_trace
    whoever_must_change_is_noted_until_it_is_done
    a_hash_is_made_anew_only_for_the_password_that_was_right
    policies_are_put_replaced_and_removed
    browsers_are_known_by_their_newest_nonce_and_bounded
}
