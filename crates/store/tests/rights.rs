//! What every store must do with groups, roles and grants, asked of SQLite and of a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may"
)]

mod common;

use std::sync::Arc;

use common::*;
use wk_domain::{GroupId, TenantId, UserId};
use wk_engine::ports::access::{GrantRow, GroupRow, LOCAL, MembershipRow, RoleRow};
use wk_engine::ports::rows::{UserChange, UserRow};
use wk_engine::ports::store::{Store, StoreError};
use wk_testkit::PgServer;

type Db = Arc<dyn Store>;

macro_rules! on_both_engines {
    ($($fact:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $fact() {
                let fixture = super::Fixture::sqlite().await;
                super::$fact(fixture.port()).await;
                fixture.store.check().await.unwrap();
            })*
        }
        mod postgres {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn rights() {
                let server = super::PgServer::start().unwrap_or_else(|e| panic!("{e}"));
                $(
                    let store = super::fresh(&server).await;
                    super::$fact(std::sync::Arc::<wk_store::SqlStore>::clone(&store)).await;
                    wk_engine::ports::Store::close(&*store).await;
                )*
            }
        }
    };
}

on_both_engines! {
    groups_and_memberships_keep_their_rules
    roles_and_grants_keep_their_rules
    every_change_counts_the_revision_up_and_a_failed_one_does_not
    a_provider_says_who_is_in_its_groups_and_nothing_else
    nobody_is_left_without_somebody_who_may_do_everything
    two_changes_at_once_do_not_lock_everybody_out
}

fn group(name: &str) -> GroupRow {
    GroupRow {
        id: id(),
        tenant: TenantId::ROOT,
        name: name.into(),
        about: "who is on duty".into(),
        created: at(1),
        revision: 0,
    }
}

fn role(name: &str) -> RoleRow {
    let actions = vec!["host.read".to_owned(), "host.write".to_owned()];
    RoleRow { id: id(), name: name.into(), about: String::new(), actions, created: at(1), revision: 0 }
}

fn grant(person: Option<UserId>, group: Option<GroupId>) -> GrantRow {
    GrantRow {
        id: id(),
        person,
        group,
        effect: "allow".into(),
        role: "viewer".into(),
        custom: None,
        tenant: TenantId::ROOT,
        selector: "env=prod".into(),
        host: Some(id()),
        owned: false,
        sections: vec!["hosts".into(), "monitor".into()],
        reason: "on duty".into(),
        created: at(1),
        created_by: "ana".into(),
        expires: Some(at(99)),
    }
}

fn member(group: GroupId, person: UserId) -> MembershipRow {
    MembershipRow { group, person, origin: LOCAL.into(), since: at(2) }
}

async fn add(db: &Db, name: &str, role: &str) -> UserRow {
    let row = UserRow { role: role.into(), ..user(name) };
    db.create_user(row.clone(), vec![], draft("user.add")).await.unwrap();
    db.user(row.id).await.unwrap().unwrap()
}

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Conflict { what }) => what,
        other => panic!("{other:?}"),
    }
}

async fn groups_and_memberships_keep_their_rules(db: Db) {
    let ana = add(&db, "ana", "admin").await;
    let night = db.put_group(group("night"), draft("group.create")).await.unwrap();
    assert_eq!(night.revision, 1);
    assert_eq!(db.group(night.id).await.unwrap().unwrap(), night);
    assert!(conflict(db.put_group(group("night"), draft("group.create")).await).contains("night"));
    let renamed = GroupRow { name: "day".into(), ..night.clone() };
    assert_eq!(db.put_group(renamed.clone(), draft("group.change")).await.unwrap().revision, 2);
    assert!(conflict(db.put_group(renamed, draft("group.change")).await).contains("meanwhile"));

    db.put_membership(member(night.id, ana.id), draft("group.add_member")).await.unwrap();
    assert!(conflict(db.put_membership(member(night.id, ana.id), draft("x")).await).contains("already"));
    let lost = db.put_membership(member(id(), ana.id), draft("x")).await;
    assert!(matches!(lost, Err(StoreError::NotFound { .. })), "{lost:?}");
    let lost = db.put_membership(member(night.id, id()), draft("x")).await;
    assert!(matches!(lost, Err(StoreError::NotFound { .. })), "{lost:?}");
    db.put_grant(grant(None, Some(night.id)), draft("grant.create")).await.unwrap();
    db.delete_group(night.id, vec![draft("group.delete")]).await.unwrap();
    assert_eq!((db.memberships().await.unwrap(), db.grants().await.unwrap()), (vec![], vec![]));
    let lost = db.delete_group(night.id, vec![draft("x")]).await;
    assert!(matches!(lost, Err(StoreError::NotFound { .. })), "{lost:?}");
}

async fn roles_and_grants_keep_their_rules(db: Db) {
    let (ana, olga) = (add(&db, "ana", "admin").await, add(&db, "olga", "none").await);
    let editor = db.put_role(role("editor"), draft("role.create")).await.unwrap();
    assert_eq!(db.roles().await.unwrap(), [editor.clone()]);
    assert!(conflict(db.put_role(role("editor"), draft("x")).await).contains("editor"));
    let night = db.put_group(group("night"), draft("group.create")).await.unwrap();
    db.put_membership(member(night.id, olga.id), draft("group.add_member")).await.unwrap();

    let direct = grant(Some(olga.id), None);
    let through = GrantRow { custom: Some(editor.id), role: "editor".into(), ..grant(None, Some(night.id)) };
    for row in [&direct, &through, &grant(Some(ana.id), None)] {
        db.put_grant(row.clone(), draft("grant.create")).await.unwrap();
    }
    assert_eq!(db.grant(through.id).await.unwrap().unwrap(), through);
    let held = db.holdings(olga.id).await.unwrap();
    assert_eq!(held.iter().map(|held| held.grant.clone()).collect::<Vec<_>>(), [direct, through.clone()]);
    assert_eq!((&held[0].through, &held[0].actions), (&None, &None));
    assert_eq!(held[1].through, Some((night.id, "night".to_owned())));
    assert_eq!(held[1].actions.as_ref().unwrap(), &editor.actions);
    // Twice in a group is once as much held.
    let again = MembershipRow { origin: "idp_1".into(), ..member(night.id, olga.id) };
    db.put_membership(again, draft("x")).await.unwrap();
    assert_eq!(db.holdings(olga.id).await.unwrap(), held);

    assert!(conflict(db.delete_role(editor.id, draft("x")).await).contains("grants"));
    let more = RoleRow { name: "author-2".into(), actions: vec!["host.read".into()], ..editor.clone() };
    db.put_role(more, draft("role.change")).await.unwrap();
    let held = db.holdings(olga.id).await.unwrap();
    assert_eq!((held[1].grant.role.as_str(), held[1].actions.as_ref().unwrap().len()), ("author-2", 1));
    db.delete_grant(through.id, draft("grant.delete")).await.unwrap();
    db.delete_role(editor.id, draft("role.delete")).await.unwrap();
    for lost in [
        GrantRow { custom: Some(editor.id), ..grant(Some(olga.id), None) },
        grant(Some(id()), None),
        grant(None, Some(id())),
    ] {
        let answer = db.put_grant(lost, draft("x")).await;
        assert!(matches!(answer, Err(StoreError::NotFound { .. })), "{answer:?}");
    }
    let gone = db.delete_grant(through.id, draft("x")).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
}

async fn every_change_counts_the_revision_up_and_a_failed_one_does_not(db: Db) {
    let ana = add(&db, "ana", "admin").await;
    let mut before = db.rights_revision().await.unwrap();
    let mut rose = async |what: &str, by: u64| {
        let now = db.rights_revision().await.unwrap();
        assert_eq!(now, before + by, "{what}");
        before = now;
    };
    let night = db.put_group(group("night"), draft("group.create")).await.unwrap();
    rose("a group", 1).await;
    db.put_membership(member(night.id, ana.id), draft("group.add_member")).await.unwrap();
    rose("a member", 1).await;
    conflict(db.put_membership(member(night.id, ana.id), draft("x")).await);
    rose("nothing", 0).await;
    let row = grant(None, Some(night.id));
    db.put_grant(row.clone(), draft("grant.create")).await.unwrap();
    rose("a grant", 1).await;
    let editor = db.put_role(role("editor"), draft("role.create")).await.unwrap();
    rose("a role", 1).await;
    db.delete_role(editor.id, draft("role.delete")).await.unwrap();
    rose("a role that goes", 1).await;
    db.delete_grant(row.id, draft("grant.delete")).await.unwrap();
    rose("a grant that goes", 1).await;
    db.remove_membership(night.id, ana.id, LOCAL, draft("group.remove_member")).await.unwrap();
    rose("a member that goes", 1).await;
    db.delete_group(night.id, vec![draft("group.delete")]).await.unwrap();
    rose("a group that goes", 1).await;
}

async fn a_provider_says_who_is_in_its_groups_and_nothing_else(db: Db) {
    let ana = add(&db, "ana", "admin").await;
    let [one, two, three] = ["one", "two", "three"].map(group);
    for row in [&one, &two, &three] {
        db.put_group(row.clone(), draft("group.create")).await.unwrap();
    }
    db.put_membership(member(three.id, ana.id), draft("group.add_member")).await.unwrap();
    let said = |groups: Vec<GroupId>| db.set_memberships(ana.id, "idp_1", groups, at(5), draft("group.sync"));
    assert!(said(vec![one.id, two.id, two.id, id()]).await.unwrap());
    let revision = db.rights_revision().await.unwrap();
    assert!(!said(vec![two.id, one.id]).await.unwrap(), "nothing changed");
    assert_eq!(db.rights_revision().await.unwrap(), revision);
    assert!(said(vec![two.id]).await.unwrap());
    let of = |origin: &str, rows: &[MembershipRow]| -> Vec<GroupId> {
        rows.iter().filter(|row| row.origin == origin).map(|row| row.group).collect()
    };
    let rows = db.memberships().await.unwrap();
    assert_eq!((of("idp_1", &rows), of(LOCAL, &rows)), (vec![two.id], vec![three.id]));
    assert!(said(vec![]).await.unwrap());
    assert_eq!(db.memberships().await.unwrap().len(), 1, "what was decided here stays");
}

fn whole(effect: &str, row: GrantRow) -> GrantRow {
    GrantRow {
        effect: effect.into(),
        role: "admin".into(),
        selector: String::new(),
        host: None,
        sections: vec![],
        expires: None,
        ..row
    }
}

async fn nobody_is_left_without_somebody_who_may_do_everything(db: Db) {
    let (ana, bob) = (add(&db, "ana", "admin").await, add(&db, "bob", "none").await);
    let last = |answer: Result<(), StoreError>| assert!(conflict(answer).contains("last administrator"));
    let deny =
        |person| GrantRow { effect: "deny".into(), role: "viewer".into(), ..grant(Some(person), None) };
    // A deny of anything restricts.
    last(db.put_grant(deny(ana.id), draft("grant.create")).await);
    assert_eq!(db.grants().await.unwrap(), []);
    // Nor by way of a group.
    let shut = db.put_group(group("shut"), draft("group.create")).await.unwrap();
    let shuts = GrantRow { person: None, group: Some(shut.id), ..deny(ana.id) };
    db.put_grant(shuts.clone(), draft("grant.create")).await.unwrap();
    last(db.put_membership(member(shut.id, ana.id), draft("x")).await);
    last(db.set_memberships(ana.id, "idp_1", vec![shut.id], at(5), draft("x")).await.map(drop));
    last(
        db.change_user(UserChange::of(UserRow { role: "none".into(), ..ana.clone() }), vec![draft("x")])
            .await,
    );

    // Not everything everywhere does not count.
    for less in [
        GrantRow { expires: Some(at(50)), ..whole("allow", grant(Some(bob.id), None)) },
        GrantRow { selector: "env=prod".into(), ..whole("allow", grant(Some(bob.id), None)) },
        GrantRow { sections: vec!["hosts".into()], ..whole("allow", grant(Some(bob.id), None)) },
        GrantRow { tenant: id(), ..whole("allow", grant(Some(bob.id), None)) },
        GrantRow { role: "author".into(), ..whole("allow", grant(Some(bob.id), None)) },
    ] {
        db.put_grant(less, draft("grant.create")).await.unwrap();
        last(db.put_grant(deny(ana.id), draft("x")).await);
    }
    // By a group it does, but only as long as we say who is in it.
    let admins = db.put_group(group("admins"), draft("group.create")).await.unwrap();
    let all = whole("allow", grant(None, Some(admins.id)));
    db.put_grant(all.clone(), draft("grant.create")).await.unwrap();
    db.set_memberships(bob.id, "idp_1", vec![admins.id], at(5), draft("x")).await.unwrap();
    last(db.put_grant(deny(ana.id), draft("x")).await);
    db.put_membership(member(admins.id, bob.id), draft("group.add_member")).await.unwrap();
    let restricted = deny(ana.id);
    db.put_grant(restricted.clone(), draft("grant.create")).await.unwrap();
    // Now it hangs on that.
    last(db.delete_grant(all.id, draft("x")).await);
    last(db.remove_membership(admins.id, bob.id, LOCAL, draft("x")).await);
    last(db.delete_group(admins.id, vec![draft("x")]).await);
    last(db.put_membership(member(shut.id, bob.id), draft("x")).await);
    last(
        db.change_user(UserChange::of(UserRow { disabled: Some(at(9)), ..bob.clone() }), vec![draft("x")])
            .await,
    );
    db.delete_grant(restricted.id, draft("grant.delete")).await.unwrap();
    db.delete_group(admins.id, vec![draft("group.delete")]).await.unwrap();
}

async fn two_changes_at_once_do_not_lock_everybody_out(db: Db) {
    let deny = |person| GrantRow { effect: "deny".into(), ..grant(Some(person), None) };
    let mut left: Option<UserRow> = None;
    for round in 0..8 {
        let ana = match left.take() {
            Some(left) => left,
            None => add(&db, "first", "admin").await,
        };
        let bob = add(&db, &format!("other{round}"), "admin").await;
        // These two are all that is left, and each shuts out the other at the same moment.
        let (one, two) = tokio::join!(
            db.put_grant(deny(ana.id), draft("grant.create")),
            db.put_grant(deny(bob.id), draft("grant.create"))
        );
        assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
        left = Some(if one.is_ok() { bob } else { ana });
    }
}
