//! Tenants in the store, on both engines: the tree, what hangs on it, the condition in every statement; and on a real
//! PostgreSQL the second wall, with the first one taken away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::*;
use wk_domain::{HostId, Labels, Tenant, TenantId, Timestamp};
use wk_engine::ports::rows::*;
use wk_engine::ports::store::{Store, StoreError};
use wk_engine::ports::tenants::{SecondWall, TenantScope, TenantStore};
use wk_store::{Access, SqlStore, StoreUrl};
use wk_testkit::PgServer;

type Db = Arc<SqlStore>;

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Conflict { what }) => what,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

async fn tenant(db: &Db, name: &str, parent: TenantId) -> TenantId {
    let row = Tenant {
        id: id(),
        parent: Some(parent),
        name: name.to_owned(),
        read_only: false,
        why: String::new(),
        revision: 0,
    };
    db.put_tenant(row, draft("tenant.create")).await.unwrap_or_else(|e| panic!("{e}")).id
}

/// One of everything that belongs to a tenant.
async fn furnish(db: &Db, tenant: TenantId, mark: u8) -> HostId {
    let mut token = token();
    token.tenant = tenant;
    token.secret_sha256 = vec![mark; 32];
    let audit = |action: &'static str| {
        let mut draft = draft(action);
        draft.tenant = tenant.to_string().into();
        draft
    };
    db.put_token(token.clone(), audit("token.create")).await.unwrap();
    let labels = Labels::parse([("env", "prod")]).unwrap();
    let host = HostRow { tenant, labels, ..host("web-1") };
    let agent = agent(&host, &token);
    db.enrol(token.id, at(1), host.clone(), agent.clone(), cert(&agent), audit("agent.enrol")).await.unwrap();
    let check = db.put_check(check(host.id, "ping"), audit("check.create")).await.unwrap().check.id;
    let ack = AckRow { check, by: "x".into(), at: T0, note: "n".into(), sticky: true, expires: None };
    let told = event(Some(host.id), Some(check), "ack");
    db.put_ack(ack, state(check, host.id), told.clone(), audit("ack")).await.unwrap();
    let down = DowntimeRow {
        id: id(),
        host: host.id,
        check: None,
        start: T0,
        end: at(60),
        note: "n".into(),
        created: T0,
        created_by: "x".into(),
        cancelled: None,
        cancelled_by: String::new(),
    };
    let told = event(Some(host.id), None, "downtime-start");
    db.put_downtime(down, told, audit("problem.downtime")).await.unwrap();
    let channel = ChannelRow { tenant, ..channel("ops") };
    db.put_channel(channel.clone(), audit("channel.create")).await.unwrap();
    let person = UserRow { tenant, ..user(&format!("person-{mark}")) };
    db.create_user(person.clone(), vec![], audit("user.create")).await.unwrap();
    let link = InvitationRow {
        id: id(),
        tenant,
        secret_sha256: vec![mark; 32],
        person: None,
        name: format!("joiner-{mark}"),
        display_name: String::new(),
        role: "viewer".into(),
        created: T0,
        created_by: "x".into(),
        expires: at(60),
        used: None,
        withdrawn: None,
    };
    db.put_invitation(link, audit("user.invite")).await.unwrap();
    let view = ViewRow {
        id: id(),
        tenant,
        owner: person.id,
        list: "problems".into(),
        name: "mine".into(),
        filter: String::new(),
        scope: String::new(),
        sort: String::new(),
        shared: true,
        created: T0,
        revision: 0,
    };
    db.put_view(view, audit("view.keep")).await.unwrap();
    let commit = IngestCommit {
        events: vec![event(Some(host.id), Some(check), "state")],
        outbox: vec![OutboxRow { host: host.id, check, ..outbox(channel.id, T0) }],
        inventory: vec![InventoryChange {
            host: host.id,
            section: "packages".into(),
            full: true,
            upserts: vec![("bash".into(), "{}".into())],
            removed: vec![],
            at: T0,
        }],
        executions: vec![ExecutionRow {
            id: id(),
            agent: agent.id,
            check: Some(check),
            kind: "plugin".into(),
            what: "check_disk".into(),
            argv: vec![],
            sha256: String::new(),
            grade: "full".into(),
            outcome: "ok".into(),
            started: T0,
            finished: at(1),
        }],
        ..IngestCommit::default()
    };
    db.commit_ingest(commit).await.unwrap();
    host.id
}

/// What a scope sees, through every statement that asks for one; each is a list of marks that must all be its own.
async fn seen(db: &Db, scope: &TenantScope, host: HostId) -> Vec<usize> {
    let page = || page(500, None);
    vec![
        db.events(scope, EventFilter::default(), page()).await.unwrap().len(),
        db.inventory(scope, host, None, page()).await.unwrap().len(),
        db.inventory_counts(scope, host).await.unwrap().len(),
        db.executions(scope, None, None, page()).await.unwrap().len(),
        db.outbox_recent(scope, page()).await.unwrap().len(),
        db.tokens(scope).await.unwrap().len(),
        db.invitations(scope).await.unwrap().len(),
        db.views(scope, id()).await.unwrap().len(),
        db.people(scope).await.unwrap().len(),
        db.audit(scope, AuditFilter::default(), page()).await.unwrap().len(),
    ]
}

/// Europe / Paris, and Asia; each with one of everything.
async fn world(db: &Db) -> [(TenantId, HostId); 3] {
    let europe = tenant(db, "Europe", TenantId::ROOT).await;
    let paris = tenant(db, "Paris", europe).await;
    let asia = tenant(db, "Asia", TenantId::ROOT).await;
    [
        (europe, furnish(db, europe, 1).await),
        (paris, furnish(db, paris, 2).await),
        (asia, furnish(db, asia, 3).await),
    ]
}

async fn every_statement_shows_its_tenants_and_no_others(db: Db) {
    let [(europe, one), (paris, two), (asia, three)] = world(&db).await;
    // Three events by hand and by ingest, an inventory item and section, an execution, a notification, a token, an
    // invitation, a shared view, a person, and an audit entry for each of nine acts.
    let own = vec![3, 1, 1, 1, 1, 1, 1, 1, 1, 9];
    for (tenant, host, foreign) in [(europe, one, three), (paris, two, one), (asia, three, two)] {
        let scope = TenantScope::of([tenant]);
        assert_eq!(seen(&db, &scope, host).await, own);
        let elsewhere = seen(&db, &scope, foreign).await;
        assert_eq!(elsewhere[1..3], [0, 0], "another's inventory is empty");
    }
    let both = seen(&db, &TenantScope::of([europe, paris]), one).await;
    assert_eq!((both[0], both[3], both[9]), (6, 2, 18));
    assert_eq!(seen(&db, &TenantScope::of([]), one).await, vec![0; 10], "no tenants, no rows");
    let whole = seen(&db, &TenantScope::whole(), one).await;
    assert_eq!((whole[0], whole[9]), (9, 27 + 3), "with the three that made the tenants");
    let text = db.hosts().await.unwrap().iter().filter(|h| h.labels.get("env") == Some("prod")).count();
    assert_eq!(text, 3, "labels come back");
}

async fn names_are_taken_within_their_tenant_only(db: Db) {
    let [(europe, _), (paris, _), _] = world(&db).await;
    // All three have a `web-1` and a channel `ops`.
    assert_ne!(
        db.host_by_name(europe, "web-1").await.unwrap().unwrap().id,
        db.host_by_name(paris, "web-1").await.unwrap().unwrap().id
    );
    assert_eq!(db.host_by_name(TenantId::ROOT, "web-1").await.unwrap(), None);
    let twin = HostRow { tenant: europe, ..host("web-1") };
    assert_eq!(conflict(db.put_host(twin, draft("host.create")).await), "another host is called `web-1`");
    let nowhere = HostRow { tenant: id(), ..host("web-9") };
    assert!(conflict(db.put_host(nowhere, draft("host.create")).await).contains("tenant"));
}

async fn a_host_that_moves_takes_its_history_along(db: Db) {
    let [(europe, host), (_, _), (asia, _)] = world(&db).await;
    let row = db.host(host).await.unwrap().unwrap();
    let clash = HostRow { tenant: asia, ..row.clone() };
    conflict(db.put_host(clash.clone(), draft("host.change")).await);
    db.put_host(HostRow { name: "web-7".into(), ..clash }, draft("host.change")).await.unwrap();
    let (old, new) = (TenantScope::of([europe]), TenantScope::of([asia]));
    assert_eq!(seen(&db, &old, host).await[..5], [0, 0, 0, 0, 0]);
    assert_eq!(seen(&db, &new, host).await[..5], [6, 1, 1, 2, 2]);
    assert_eq!(seen(&db, &old, host).await[9], 9, "what was written down stays where it was");
    // What comes later lands where the host is now.
    db.put_event(event(Some(host), None, "comment"), None).await.unwrap();
    assert_eq!(seen(&db, &new, host).await[0], 7);
}

async fn the_tree_keeps_its_rules(db: Db) {
    let [(europe, _), (paris, _), (asia, _)] = world(&db).await;
    let all = db.tenants().await.unwrap();
    assert_eq!(all.len(), 4);
    let row = |id: TenantId| all.iter().find(|t| t.id == id).unwrap().clone();
    assert_eq!((row(TenantId::ROOT).parent, row(paris).parent), (None, Some(europe)));
    let circle = Tenant { parent: Some(paris), ..row(europe) };
    assert!(conflict(db.put_tenant(circle, draft("tenant.change")).await).contains("below itself"));
    let twin = Tenant { name: "Asia".into(), ..row(europe) };
    assert!(conflict(db.put_tenant(twin, draft("tenant.change")).await).contains("Asia"));
    let lost = Tenant { parent: None, ..row(paris) };
    conflict(db.put_tenant(lost, draft("tenant.change")).await);
    let orphan = Tenant { parent: Some(id()), ..row(paris) };
    conflict(db.put_tenant(orphan, draft("tenant.change")).await);
    let moved = Tenant { parent: Some(asia), read_only: true, why: "audit".into(), ..row(paris) };
    let moved = db.put_tenant(moved, draft("tenant.change")).await.unwrap();
    assert_eq!(moved.revision, 2);
    assert!(db.tenants().await.unwrap().contains(&moved));
    conflict(db.put_tenant(row(paris), draft("tenant.change")).await);
    let mut above = moved.id;
    for n in 0..5 {
        above = tenant(&db, &format!("deep {n}"), above).await;
    }
    let deeper = Tenant {
        id: id(),
        parent: Some(above),
        name: "deeper".into(),
        read_only: false,
        why: String::new(),
        revision: 0,
    };
    assert!(conflict(db.put_tenant(deeper, draft("tenant.create")).await).contains("levels"));
}

async fn a_tenant_that_holds_something_stays(db: Db) {
    let [(europe, _), (paris, host), _] = world(&db).await;
    let gone = async |id| db.delete_tenant(id, draft("tenant.delete")).await;
    assert_eq!(conflict(gone(europe).await), "the tenant holds 1 tenants: move or remove them first");
    assert!(conflict(gone(paris).await).contains("1 hosts"));
    conflict(gone(TenantId::ROOT).await);
    assert!(matches!(gone(id()).await, Err(StoreError::NotFound { .. })));
    let counts = db.tenant_counts().await.unwrap();
    let of = counts.iter().find(|c| c.tenant == paris).unwrap();
    assert_eq!((of.hosts, of.people, of.channels, of.open_links), (1, 1, 1, 1));
    let empty = tenant(&db, "empty", paris).await;
    gone(empty).await.unwrap();
    assert!(!db.tenants().await.unwrap().iter().any(|t| t.id == empty));
    // Nothing can be put into what is gone.
    let row = db.host(host).await.unwrap().unwrap();
    conflict(db.put_host(HostRow { tenant: empty, ..row }, draft("host.change")).await);
}

macro_rules! facts {
    ($($fact:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $fact() {
                let fixture = super::Fixture::sqlite().await;
                super::$fact(std::sync::Arc::clone(&fixture.store)).await;
                fixture.store.check().await.unwrap();
            })*
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn postgres() {
            let server = PgServer::start().unwrap_or_else(|e| panic!("{e}"));
            $(
                let store = fresh(&server).await;
                $fact(Arc::clone(&store)).await;
                Store::close(&*store).await;
            )*
        }
    };
}

facts! {
    every_statement_shows_its_tenants_and_no_others
    names_are_taken_within_their_tenant_only
    a_host_that_moves_takes_its_history_along
    the_tree_keeps_its_rules
    a_tenant_that_holds_something_stays
}

/// With every condition taken out of the statements.
async fn stands(db: &Db) {
    let [(europe, _), (paris, _), (asia, _)] = world(db).await;
    for own in [vec![europe], vec![paris], vec![europe, asia], vec![]] {
        let scope = TenantScope::of(own.iter().copied());
        let own: BTreeSet<TenantId> = own.into_iter().collect();
        for (table, tenants) in db.without_conditions(&scope).await.unwrap() {
            let shown: BTreeSet<TenantId> = tenants.into_iter().collect();
            assert_eq!(shown, own, "{table} shows what is not its own, or keeps its own back");
        }
    }
    for (table, tenants) in db.without_conditions(&TenantScope::whole()).await.unwrap() {
        assert!(tenants.len() >= 3, "{table}: whoever sees everything sees everything");
    }
}

/// The program's account is a superuser here, whom no policy stops: it reads for people as a role that none lets through.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_second_wall_stands_for_a_superuser() {
    let server = PgServer::start().unwrap_or_else(|e| panic!("{e}"));
    let db = fresh(&server).await;
    assert_eq!(db.second_wall(), SecondWall::Role);
    stands(&db).await;
    // The program itself goes on to see and write everything.
    assert_eq!(db.hosts().await.unwrap().len(), 3);
}

/// An ordinary account, which owns the tables and may make no roles: the policies hold for the owner as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_second_wall_stands_for_the_owner_of_the_tables() {
    let server = PgServer::start().unwrap_or_else(|e| panic!("{e}"));
    server.psql("CREATE ROLE plain LOGIN NOSUPERUSER NOCREATEROLE").unwrap();
    server.psql("CREATE DATABASE plain OWNER plain TEMPLATE template0").unwrap();
    let url = server.database().unwrap().replace("/wk0?", "/plain?").replace("user=postgres", "user=plain");
    let url = StoreUrl::parse(&url).unwrap();
    let db = Arc::new(SqlStore::open(&url, Access::Server, T0).await.unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(db.second_wall(), SecondWall::Forced);
    stands(&db).await;
}

/// Databases of the release before have no tenants: all there is goes to the root, and nothing is lost on the way.
#[tokio::test]
async fn what_was_there_before_tenants_belongs_to_the_root() {
    for fixture in [Fixture::sqlite().await, Fixture::postgres().await] {
        let db = fixture.port();
        let host = db.put_host(host("web-1"), draft("host.create")).await.unwrap();
        db.put_check(check(host.id, "ping"), draft("check.create")).await.unwrap();
        let at = Timestamp::from_ms(1);
        fixture.store.close().await;
        let again = SqlStore::open(&fixture.url, Access::Server, at).await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.hosts().await.unwrap()[0].tenant, TenantId::ROOT);
        assert_eq!(again.checks().await.unwrap().len(), 1);
    }
}
