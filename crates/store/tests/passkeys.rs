//! What every store must do about passkeys, and about factors that are used up by what they open, told once and asked of
//! SQLite and of a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use wk_audit::{Actor, ActorKind, Draft};
use wk_domain::UserId;
use wk_engine::ports::passkeys::*;
use wk_engine::ports::rows::{EndSessions, UserChange, UserRow};
use wk_engine::ports::store::{Store, StoreError};

type Db = Arc<dyn Store>;

fn audit(action: &'static str) -> Draft {
    Draft::new(1_790_000_000_000_000_000, Actor::new(ActorKind::User, "maria"), action)
}

async fn person(db: &Db, name: &str) -> UserRow {
    let row = user(name);
    let codes = vec![vec![1; 32], vec![2; 32]];
    db.create_user(row.clone(), codes, audit("user.create")).await.unwrap();
    row
}

fn passkey(user: UserId, credential: u8) -> PasskeyRow {
    PasskeyRow {
        id: id(),
        user,
        credential: vec![credential; 32],
        rp_id: "watch.acme.example".to_owned(),
        public_key: vec![7; 77],
        sign_count: 0,
        backup_eligible: true,
        backed_up: false,
        aaguid: vec![0; 16],
        transports: vec!["usb".to_owned(), "internal".to_owned()],
        name: "Laptop".to_owned(),
        created: T0,
        last_used: None,
        tag: vec![9; 32],
    }
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
}

async fn passkeys_keep_their_rules(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let one = passkey(maria.id, 1);
    db.add_passkey(one.clone(), None, vec![audit("user.add_passkey")]).await.unwrap();
    assert_eq!(db.passkeys(maria.id).await.unwrap(), std::slice::from_ref(&one));
    assert_eq!(db.passkey_by_credential(&[1; 32]).await.unwrap(), Some(one.clone()));
    assert_eq!(db.passkey_by_credential(&[2; 32]).await.unwrap(), None);
    conflict(db.add_passkey(passkey(olga.id, 1), None, Vec::new()).await);
    for n in 2..=u8::try_from(PASSKEYS_MAX).unwrap() {
        db.add_passkey(passkey(maria.id, n), None, Vec::new()).await.unwrap();
    }
    conflict(db.add_passkey(passkey(maria.id, 200), None, Vec::new()).await);
    let end = EndSessions { keep: None, at: T0 };
    for outcome in [
        db.rename_passkey(olga.id, one.id, "Hers", audit("x")).await,
        db.delete_passkey(olga.id, one.id, end, Vec::new()).await,
    ] {
        assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "another's: {outcome:?}");
    }
    db.rename_passkey(maria.id, one.id, "Blue", audit("x")).await.unwrap();
    db.delete_passkey(maria.id, one.id, end, vec![audit("x")]).await.unwrap();
    assert_eq!(db.passkeys(maria.id).await.unwrap().len(), PASSKEYS_MAX - 1);
    // Whoever chooses factors anew keeps none of the old ones.
    let row = db.user(maria.id).await.unwrap().unwrap();
    let change = UserChange { passkeys: Some(vec![passkey(maria.id, 250)]), ..UserChange::of(row) };
    db.change_user(change, vec![audit("x")]).await.unwrap();
    assert_eq!(db.passkeys(maria.id).await.unwrap().len(), 1);
    let facts = db.user_facts().await.unwrap();
    assert_eq!(facts.iter().find(|facts| facts.user == maria.id).unwrap().passkeys, 1);
}

async fn a_factor_is_used_up_with_what_it_opens_or_not_at_all(db: Db) {
    let maria = person(&db, "maria").await;
    let key = passkey(maria.id, 1);
    db.add_passkey(key.clone(), None, Vec::new()).await.unwrap();
    let start = |token: u8, factor: FactorUse| {
        let session = session(&maria, token);
        db.start_session(SessionStart { session, factor, reset_failures: true }, vec![audit("session.open")])
    };
    let step = FactorUse::TotpStep { user: maria.id, step: 20 };
    let code = FactorUse::Recovery { user: maria.id, code_sha256: vec![1; 32] };
    let used = |was, sign_count| FactorUse::Passkey { id: key.id, was, sign_count, backed_up: true, at: T0 };
    for (n, factor) in (10..).step_by(2).zip([step.clone(), code.clone(), used(0, 3)]) {
        assert!(start(n, factor.clone()).await.unwrap());
        assert!(!start(n + 1, factor).await.unwrap(), "once");
        assert!(db.session_by_token(&[n; 32]).await.unwrap().is_some());
        assert!(
            db.session_by_token(&[n + 1; 32]).await.unwrap().is_none(),
            "and nothing opens by the second"
        );
    }
    let kept = db.passkey_by_credential(&[1; 32]).await.unwrap().unwrap();
    assert_eq!((kept.sign_count, kept.backed_up, kept.last_used), (3, true, Some(T0)));
    // When the session cannot be written the factor is as good as before.
    let next = FactorUse::TotpStep { user: maria.id, step: 21 };
    conflict(start(10, next.clone()).await);
    assert!(start(30, next).await.unwrap(), "it was not used up by what failed");
    // The same for a session that is raised.
    let mut held = session(&maria, 40);
    held.id = id();
    db.put_session(held.clone(), audit("session.open")).await.unwrap();
    let raise = |token: u8, factor: FactorUse| SessionRaise {
        session: held.id,
        token_sha256: vec![token; 32],
        at: T0,
        factor,
        method: None,
    };
    assert!(!db.raise_session(raise(41, step), audit("x")).await.unwrap());
    assert!(db.session_by_token(&[40; 32]).await.unwrap().is_some(), "under its old token");
    let fresh = FactorUse::Recovery { user: maria.id, code_sha256: vec![2; 32] };
    assert!(db.raise_session(raise(42, fresh), audit("x")).await.unwrap());
    assert!(db.session_by_token(&[40; 32]).await.unwrap().is_none());
    assert_eq!(db.session_by_token(&[42; 32]).await.unwrap().unwrap().0.elevated, Some(T0));
    db.lower_session(held.id, vec![43; 32], audit("x")).await.unwrap();
    assert_eq!(db.session_by_token(&[43; 32]).await.unwrap().unwrap().0.elevated, None);
}

async fn of_many_uses_at_once_one_counts(db: Db) {
    let maria = person(&db, "maria").await;
    let tries = (0..8u8).map(|n| {
        let (db, session) = (Arc::clone(&db), session(&maria, 100 + n));
        let factor = FactorUse::TotpStep { user: maria.id, step: 77 };
        tokio::spawn(async move {
            let start = SessionStart { session, factor, reset_failures: false };
            db.start_session(start, vec![audit("session.open")]).await.unwrap()
        })
    });
    let mut opened = 0;
    for one in tries.collect::<Vec<_>>() {
        opened += usize::from(one.await.unwrap());
    }
    assert_eq!(opened, 1);
}

async fn the_last_factor_goes_when_it_is_due_and_can_be_kept(db: Db) {
    let maria = person(&db, "maria").await;
    let day = Duration::from_secs(86_400);
    let row = FactorRemovalRow {
        user: maria.id,
        factor: "totp".to_owned(),
        asked: T0,
        asked_by: "maria".to_owned(),
        due: T0 + day,
    };
    db.ask_factor_removal(row.clone(), vec![audit("x")]).await.unwrap();
    conflict(db.ask_factor_removal(row.clone(), Vec::new()).await);
    assert_eq!(db.factor_removals().await.unwrap(), std::slice::from_ref(&row));
    assert!(!db.take_factor(maria.id, T0, vec![audit("x")]).await.unwrap(), "not yet");
    db.stop_factor_removal(maria.id, vec![audit("x")]).await.unwrap();
    assert!(matches!(db.stop_factor_removal(maria.id, Vec::new()).await, Err(StoreError::NotFound { .. })));
    assert!(!db.take_factor(maria.id, T0 + day, vec![audit("x")]).await.unwrap(), "it was stopped");
    db.ask_factor_removal(row.clone(), Vec::new()).await.unwrap();
    db.add_passkey(passkey(maria.id, 1), None, Vec::new()).await.unwrap();
    assert_eq!(db.factor_removal(maria.id).await.unwrap(), None, "it is not the last any more");
    db.ask_factor_removal(row, Vec::new()).await.unwrap();
    db.put_session(session(&maria, 5), audit("x")).await.unwrap();
    assert!(db.take_factor(maria.id, T0 + day, vec![audit("x")]).await.unwrap());
    assert!(db.user(maria.id).await.unwrap().unwrap().totp_sealed.is_empty());
    assert!(db.session_by_token(&[5; 32]).await.unwrap().is_none(), "its sessions end");
}

async fn devices_are_their_owners_and_few(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let device = |token: u8| DeviceRow {
        id: id(),
        user: maria.id,
        token_sha256: vec![token; 32],
        name: "Desk".to_owned(),
        user_agent: "Firefox".to_owned(),
        address: "192.0.2.7".to_owned(),
        created: T0,
        last_used: T0,
        expires: T0 + Duration::from_secs(60),
    };
    let first = device(1);
    db.put_device(first.clone(), audit("x")).await.unwrap();
    assert_eq!(db.device_by_token(&[1; 32]).await.unwrap(), Some(first.clone()));
    let gone = db.delete_device(olga.id, first.id, audit("x")).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })), "another's");
    for n in 2..=u8::try_from(DEVICES_MAX).unwrap() {
        db.put_device(device(n), audit("x")).await.unwrap();
    }
    conflict(db.put_device(device(99), audit("x")).await);
    let later = DeviceRow { created: T0 + Duration::from_secs(60), ..device(99) };
    db.put_device(later, audit("x")).await.unwrap();
    assert_eq!(db.devices(maria.id).await.unwrap().len(), 1, "those that are over make place");
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
    passkeys_keep_their_rules
    a_factor_is_used_up_with_what_it_opens_or_not_at_all
    of_many_uses_at_once_one_counts
    the_last_factor_goes_when_it_is_due_and_can_be_kept
    devices_are_their_owners_and_few
}
