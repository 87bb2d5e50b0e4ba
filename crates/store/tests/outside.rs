//! What every store must do about identities that others vouch for, told once and asked of SQLite and of a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use wk_audit::{Actor, ActorKind, Draft};
use wk_domain::{ProviderId, SessionId, UserId};
use wk_engine::ports::TenantScope;
use wk_engine::ports::outside::*;
use wk_engine::ports::passkeys::{FactorUse, SessionStart};
use wk_engine::ports::rows::{AuditFilter, SessionRow, UserRow};
use wk_engine::ports::store::{Store, StoreError};

type Db = Arc<dyn Store>;

fn audit(action: &'static str) -> Draft {
    Draft::new(1_790_000_000_000_000_000, Actor::new(ActorKind::User, "maria"), action)
}

async fn person(db: &Db, name: &str) -> UserRow {
    let row = user(name);
    db.create_user(row.clone(), Vec::new(), audit("user.create")).await.unwrap();
    row
}

fn provider(name: &str) -> ProviderRow {
    ProviderRow {
        id: id(),
        kind: "oidc".to_owned(),
        name: name.to_owned(),
        enabled: true,
        config_json: r#"{"issuer":"https://id.example/'\""}"#.to_owned(),
        secret_sealed: vec![0, 1, 2, 255],
        mapping_json: "{}".to_owned(),
        create_accounts: true,
        trusts_factor: false,
        created: T0,
        revision: 0,
    }
}

async fn known(db: &Db, name: &str) -> ProviderRow {
    db.put_provider(provider(name), None, vec![audit("provider.create")]).await.unwrap()
}

fn link(provider: ProviderId, subject: &str, person: UserId) -> LinkRow {
    LinkRow {
        provider,
        subject: subject.to_owned(),
        person,
        name: format!("{subject}@example"),
        linked: T0,
        made_account: false,
        last_used: T0,
    }
}

fn over(provider: ProviderId, subject: &str, outside_session: &str) -> OutsideSession {
    OutsideSession { provider, subject: subject.to_owned(), outside_session: outside_session.to_owned() }
}

async fn come_in(db: &Db, session: SessionRow, over: OutsideSession) -> Result<(), StoreError> {
    db.announce_outside_session(session.id, over).await.unwrap();
    db.put_session(session, audit("session.open")).await
}

async fn is_open(db: &Db, token: u8) -> bool {
    db.session_by_token(&[token; 32]).await.unwrap().is_some()
}

async fn written(db: &Db) -> usize {
    let all = db.audit(&TenantScope::whole(), AuditFilter::default(), page(500, None)).await.unwrap();
    all.len()
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
}

fn not_there<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
}

async fn providers_are_kept_as_they_were_given(db: Db) {
    let first = known(&db, "Keycloak").await;
    assert_eq!(first.revision, 1);
    assert_eq!(db.provider(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(db.provider(id()).await.unwrap(), None);
    conflict(db.put_provider(provider("Keycloak"), None, vec![audit("x")]).await);
    let second = known(&db, "Directory").await;
    assert_eq!(db.providers().await.unwrap(), [second.clone(), first.clone()], "by name");
    conflict(
        db.put_provider(ProviderRow { name: "Keycloak".into(), ..second.clone() }, None, Vec::new()).await,
    );

    let other = ProviderRow {
        name: "KEYCLOAK".into(),
        enabled: false,
        config_json: "{}".into(),
        secret_sealed: Vec::new(),
        mapping_json: r#"{"rules":[]}"#.into(),
        create_accounts: false,
        trusts_factor: true,
        ..first.clone()
    };
    let kept = db.put_provider(other.clone(), None, vec![audit("provider.change")]).await.unwrap();
    assert_eq!(kept, ProviderRow { revision: 2, ..other });
    assert_eq!(db.provider(first.id).await.unwrap(), Some(kept.clone()));
    let before = written(&db).await;
    conflict(db.put_provider(first, None, vec![audit("x")]).await);
    let turned = ProviderRow { kind: "saml".into(), ..kept.clone() };
    assert!(db.put_provider(turned, None, vec![audit("x")]).await.is_err(), "it stays of its kind");
    assert_eq!(db.provider(kept.id).await.unwrap(), Some(kept));
    assert_eq!(written(&db).await, before, "what is refused is not said to have been done");
}

async fn an_identity_is_one_accounts_alone(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let (one, two) = (known(&db, "One").await, known(&db, "Two").await);
    let hers = link(one.id, "s-1", maria.id);
    db.put_link(hers.clone(), audit("user.link")).await.unwrap();
    assert_eq!(db.link_of(one.id, "s-1").await.unwrap(), Some(hers.clone()));
    for (provider, subject) in [(two.id, "s-1"), (one.id, "S-1"), (one.id, "s-1 "), (one.id, "")] {
        assert_eq!(db.link_of(provider, subject).await.unwrap(), None, "`{subject}` is somebody else");
    }
    conflict(db.put_link(link(one.id, "s-1", olga.id), audit("x")).await);
    db.put_link(link(one.id, "S-1", olga.id), audit("x")).await.unwrap();
    db.put_link(link(two.id, "s-1", olga.id), audit("x")).await.unwrap();
    assert_eq!(db.links_of(maria.id).await.unwrap(), [hers]);
    assert_eq!(db.links_of(olga.id).await.unwrap().len(), 2);
    let mut counts = db.link_counts().await.unwrap();
    counts.sort();
    let mut expected = [(one.id, 2), (two.id, 1)];
    expected.sort();
    assert_eq!(counts, expected);
    assert!(
        db.put_link(link(id(), "s-1", maria.id), audit("x")).await.is_err(),
        "of a provider that is not there"
    );

    // The account and its link are made together or not at all.
    let new = user("nina");
    conflict(db.create_linked(new.clone(), link(one.id, "s-1", new.id), audit("x")).await);
    assert_eq!(db.user(new.id).await.unwrap(), None);
    let row = LinkRow { made_account: true, ..link(one.id, "s-9", new.id) };
    db.create_linked(new.clone(), row.clone(), audit("user.create")).await.unwrap();
    assert_eq!(db.link_of(one.id, "s-9").await.unwrap(), Some(row));
    let namesake = user("nina");
    conflict(db.create_linked(namesake.clone(), link(one.id, "s-10", namesake.id), audit("x")).await);
    assert_eq!(db.link_of(one.id, "s-10").await.unwrap(), None);
}

async fn of_many_first_visits_at_once_one_makes_the_account(db: Db) {
    let one = known(&db, "One").await;
    let tries = (0..8u8).map(|n| {
        let (db, user) = (Arc::clone(&db), user(&format!("nina-{n}")));
        let row = link(one.id, "s-1", user.id);
        tokio::spawn(async move { db.create_linked(user, row, audit("user.create")).await.is_ok() })
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        made += usize::from(one.await.unwrap());
    }
    assert_eq!(made, 1);
    assert_eq!(db.users().await.unwrap().len(), 1, "nobody is left without a way in");
}

async fn a_session_begins_only_while_its_way_in_stands(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let one = known(&db, "One").await;
    conflict(come_in(&db, session(&maria, 1), over(one.id, "s-1", "")).await);
    db.put_link(LinkRow { last_used: T0, ..link(one.id, "s-1", maria.id) }, audit("x")).await.unwrap();
    let held = SessionRow { created: at(60), ..session(&maria, 2) };
    come_in(&db, held.clone(), over(one.id, "s-1", "sid-1")).await.unwrap();
    assert!(is_open(&db, 2).await);
    assert_eq!(db.link_of(one.id, "s-1").await.unwrap().unwrap().last_used, at(60));
    assert_eq!(db.outside_of(held.id).await.unwrap(), Some(over(one.id, "s-1", "sid-1")));
    assert_eq!(db.outside_of(id()).await.unwrap(), None);
    conflict(come_in(&db, session(&olga, 3), over(one.id, "s-1", "")).await);

    let off = ProviderRow { enabled: false, ..one.clone() };
    let off = db.put_provider(off, None, vec![audit("x")]).await.unwrap();
    conflict(come_in(&db, session(&maria, 4), over(one.id, "s-1", "")).await);
    // The same by the second factor that follows, which is not used up then.
    let late = session(&maria, 5);
    db.announce_outside_session(late.id, over(one.id, "s-1", "")).await.unwrap();
    let factor = FactorUse::TotpStep { user: maria.id, step: 20 };
    let start = SessionStart { session: late, factor: factor.clone(), reset_failures: false };
    conflict(db.start_session(start, vec![audit("x")]).await);
    let start = SessionStart { session: session(&maria, 6), factor, reset_failures: false };
    assert!(db.start_session(start, vec![audit("x")]).await.unwrap());
    for token in [1, 3, 4, 5] {
        assert!(!is_open(&db, token).await, "session {token}");
    }
    assert!(is_open(&db, 2).await, "unless it is asked for, nothing that stands ends");
    db.put_provider(ProviderRow { enabled: true, ..off }, Some(at(90)), vec![audit("x")]).await.unwrap();
    assert!(!is_open(&db, 2).await);
    assert!(is_open(&db, 6).await, "what came in otherwise goes on");
}

async fn sessions_end_with_the_way_they_came_in(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let (one, two) = (known(&db, "One").await, known(&db, "Two").await);
    for (provider, subject, who) in [(&one, "s-1", &maria), (&one, "s-2", &olga), (&two, "s-1", &maria)] {
        db.put_link(link(provider.id, subject, who.id), audit("x")).await.unwrap();
    }
    let held: Vec<SessionRow> = [(&maria, 1), (&maria, 2), (&olga, 3), (&maria, 4), (&maria, 5)]
        .into_iter()
        .map(|(who, token)| session(who, token))
        .collect();
    let ways = [
        over(one.id, "s-1", "sid-1"),
        over(one.id, "s-1", "sid-2"),
        over(one.id, "s-2", "sid-3"),
        over(two.id, "s-1", "sid-1"),
    ];
    for (session, way) in held.iter().zip(ways) {
        come_in(&db, session.clone(), way).await.unwrap();
    }
    db.put_session(held[4].clone(), audit("x")).await.unwrap();
    let named = |provider, subject: Option<&str>, outside_session: Option<&str>| OutsideEnd {
        provider,
        subject: subject.map(str::to_owned),
        outside_session: outside_session.map(str::to_owned),
    };
    let ids = |n: &[usize]| -> Vec<(SessionId, UserId)> {
        n.iter().map(|n| (held[*n].id, held[*n].user)).collect()
    };
    for (which, expected) in [
        (named(one.id, Some("s-1"), None), ids(&[0, 1])),
        (named(one.id, None, Some("sid-1")), ids(&[0])),
        (named(one.id, Some("s-1"), Some("sid-2")), ids(&[1])),
        (named(one.id, Some("s-1"), Some("sid-3")), Vec::new()),
        (named(two.id, Some("s-2"), None), Vec::new()),
        // A word about nobody is not about everybody.
        (named(one.id, None, None), Vec::new()),
    ] {
        assert_eq!(db.outside_sessions(which.clone()).await.unwrap(), expected, "{which:?}");
    }
    db.remove_link(one.id, "s-1", at(9), audit("user.unlink")).await.unwrap();
    not_there(db.remove_link(one.id, "s-1", at(9), audit("x")).await);
    assert_eq!([is_open(&db, 1).await, is_open(&db, 2).await], [false, false]);
    assert_eq!([is_open(&db, 3).await, is_open(&db, 4).await, is_open(&db, 5).await], [true, true, true]);
    assert_eq!(db.outside_sessions(named(one.id, Some("s-1"), None)).await.unwrap(), [], "they ended");
    db.delete_provider(two.id, at(10), vec![audit("provider.delete")]).await.unwrap();
    not_there(db.delete_provider(two.id, at(10), Vec::new()).await);
    assert_eq!(db.links_of(maria.id).await.unwrap(), []);
    assert_eq!([is_open(&db, 3).await, is_open(&db, 4).await, is_open(&db, 5).await], [true, false, true]);
    assert!(db.user(maria.id).await.unwrap().is_some(), "the account stays");
}

async fn what_counts_once_counts_once(db: Db) {
    let (one, two) = (known(&db, "One").await, known(&db, "Two").await);
    let keys =
        |names: &[&str], until| names.iter().map(|name| ((*name).to_owned(), until)).collect::<Vec<_>>();
    assert!(db.claim_once(one.id, keys(&["a"], at(60)), T0).await.unwrap());
    assert!(!db.claim_once(one.id, keys(&["a"], at(60)), at(60)).await.unwrap(), "its last moment");
    assert!(db.claim_once(two.id, keys(&["a"], at(60)), T0).await.unwrap(), "each has its own");
    assert!(db.claim_once(one.id, keys(&["A"], at(60)), T0).await.unwrap(), "to the letter");
    // All or none.
    assert!(!db.claim_once(one.id, keys(&["b", "a"], at(60)), T0).await.unwrap());
    assert!(db.claim_once(one.id, keys(&["b"], at(60)), T0).await.unwrap());
    assert!(!db.claim_once(one.id, keys(&["c", "c"], at(60)), T0).await.unwrap(), "twice in one message");
    let tries = (0..8).map(|_| {
        let (db, keys) = (Arc::clone(&db), keys(&["d", "e"], at(60)));
        let provider = one.id;
        tokio::spawn(async move { db.claim_once(provider, keys, T0).await.unwrap() })
    });
    let mut counted = 0;
    for one in tries.collect::<Vec<_>>() {
        counted += usize::from(one.await.unwrap());
    }
    assert_eq!(counted, 1, "of many at once");
}

async fn accounts_for_emergencies_hang_on_no_provider(db: Db) {
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let one = known(&db, "One").await;
    not_there(db.set_break_glass(id(), Some(T0), audit("x")).await);
    db.set_break_glass(maria.id, Some(T0), audit("x")).await.unwrap();
    db.set_break_glass(maria.id, Some(at(5)), audit("x")).await.unwrap();
    assert_eq!(db.break_glass().await.unwrap(), [(maria.id, at(5))]);
    conflict(db.put_link(link(one.id, "s-1", maria.id), audit("x")).await);
    db.put_link(link(one.id, "s-1", olga.id), audit("x")).await.unwrap();
    conflict(db.set_break_glass(olga.id, Some(T0), audit("x")).await);
    db.set_break_glass(maria.id, None, audit("x")).await.unwrap();
    assert_eq!(db.break_glass().await.unwrap(), []);
    db.put_link(link(one.id, "s-2", maria.id), audit("x")).await.unwrap();

    // Of the two at once, one holds.
    let nina = person(&db, "nina").await;
    let (a, b) = (Arc::clone(&db), Arc::clone(&db));
    let row = link(one.id, "s-3", nina.id);
    let linked = tokio::spawn(async move { a.put_link(row, audit("x")).await.is_ok() });
    let kept = tokio::spawn(async move { b.set_break_glass(nina.id, Some(T0), audit("x")).await.is_ok() });
    let (linked, kept) = (linked.await.unwrap(), kept.await.unwrap());
    assert!(linked != kept, "linked {linked}, kept for emergencies {kept}");
}

async fn what_is_over_goes_and_what_stands_stays(db: Db) {
    let day = Duration::from_secs(86_400);
    let made_at = |days: u32, n: u8| SessionId::new((T0 + day * days).as_ms().unsigned_abs(), [n; 10]);
    let (maria, olga) = (person(&db, "maria").await, person(&db, "olga").await);
    let one = known(&db, "One").await;
    db.put_link(link(one.id, "s-1", maria.id), audit("x")).await.unwrap();
    db.put_link(link(one.id, "s-2", olga.id), audit("x")).await.unwrap();
    let held = |who: &UserRow, n: u8, days: u32, used: u32, ended: Option<u32>| SessionRow {
        id: made_at(days, n),
        created: T0 + day * days,
        last_used: T0 + day * used,
        ended: ended.map(|days| T0 + day * days),
        ..session(who, n)
    };
    let rows = [
        (held(&maria, 1, 0, 1, Some(1)), "s-1", "ended long ago"),
        (held(&maria, 2, 0, 1, None), "s-1", "left behind long ago"),
        (held(&maria, 3, 0, 390, None), "s-1", "used lately"),
        (held(&maria, 4, 0, 1, Some(390)), "s-1", "ended lately"),
        (held(&maria, 5, 395, 396, None), "s-1", "new"),
        (held(&olga, 6, 0, 1, Some(1)), "s-2", "the newest of its account: when was it last here"),
    ];
    for (row, subject, _) in &rows {
        come_in(&db, row.clone(), over(one.id, subject, "")).await.unwrap();
    }
    let never = [(made_at(1, 20), false), (made_at(396, 21), true)];
    for (session, _) in never {
        db.announce_outside_session(session, over(one.id, "s-1", "")).await.unwrap();
    }
    let until = |days: u32| T0 + day * days;
    db.claim_once(one.id, vec![("old".into(), until(1)), ("later".into(), until(396))], T0).await.unwrap();
    let removed = db.prune(until(100), until(395)).await.unwrap();
    assert_eq!(removed, 2 + 2 + 1 + 1, "sessions, how they came in, what never began, what counted once");
    for (n, (row, _, what)) in rows.iter().enumerate() {
        let there = db.sessions(row.user).await.unwrap().iter().any(|kept| kept.id == row.id);
        assert_eq!(there, n >= 2, "{what}");
        assert_eq!(db.outside_of(row.id).await.unwrap().is_some(), there, "{what}");
    }
    for (session, kept) in never {
        assert_eq!(db.outside_of(session).await.unwrap().is_some(), kept);
    }
    assert!(db.claim_once(one.id, vec![("old".into(), until(1))], T0).await.unwrap(), "forgotten");
    assert!(!db.claim_once(one.id, vec![("later".into(), until(396))], T0).await.unwrap());
    assert_eq!(db.user_facts().await.unwrap().iter().filter(|facts| facts.last_sign_in.is_some()).count(), 2);
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
    providers_are_kept_as_they_were_given
    an_identity_is_one_accounts_alone
    of_many_first_visits_at_once_one_makes_the_account
    a_session_begins_only_while_its_way_in_stands
    sessions_end_with_the_way_they_came_in
    what_counts_once_counts_once
    accounts_for_emergencies_hang_on_no_provider
    what_is_over_goes_and_what_stands_stays
}
