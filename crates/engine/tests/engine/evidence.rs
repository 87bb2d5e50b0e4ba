//! The audit log: one entry for each act, with it or not at all, and tampering shows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use wk_authz::authorize;
use wk_domain::Status;
use wk_engine::agents::TokenRequest;
use wk_engine::desk::AgentDesk;
use wk_engine::people::{ChannelEdit, DowntimePlan, HostEdit};
use wk_engine::ports::rows::AuditRow;

use crate::rig::*;

/// The one entry since `before`.
async fn the_entry(rig: &Rig, before: usize, what: &str) -> AuditRow {
    let all = rig.audit().await;
    let new: Vec<&AuditRow> = all[before..].iter().collect();
    assert_eq!(new.len(), 1, "{what}: {:?}", new.iter().map(|row| &row.action).collect::<Vec<_>>());
    assert_eq!(new[0].outcome, "success", "{what}");
    assert_eq!(new[0].actor, "local:1000", "{what}");
    new[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_of_a_person_is_one_entry_and_a_refused_one_is_none() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    rig.engine.tick_now().await;
    let who = admin();
    // The hub, which hears of runs to order.
    let _orders = rig.engine.orders();
    macro_rules! act {
        ($action:literal, $what:expr) => {{
            let before = rig.audit().await.len();
            let done = $what.await;
            let done = done.unwrap_or_else(|error| panic!("{}: {error}", $action));
            let row = the_entry(&rig, before, $action).await;
            assert_eq!(row.action, $action);
            (done, row)
        }};
    }
    macro_rules! refused {
        ($what:expr) => {{
            let before = rig.audit().await.len();
            assert!($what.await.is_err());
            assert_eq!(rig.audit().await.len(), before, "what was not done is not written down as done");
        }};
    }
    let edit = |name: &str, value: &str, revision| HostEdit {
        tenant: None,
        labels: None,
        name: name.to_owned(),
        addresses: vec!["192.0.2.7".to_owned()],
        fields: BTreeMap::from([("location".to_owned(), value.to_owned())]),
        revision,
    };
    let (host, _) = act!(
        "host.create",
        rig.engine.write_host(authorize(&who, None).unwrap(), edit("db-1", "rack 4", None))
    );
    let permit = || authorize(&who, Some(host.id)).unwrap();
    let (changed, row) =
        act!("host.change", rig.engine.write_host(permit(), edit("db-2", "rack 5", Some(host.revision))));
    for text in ["db-1", "db-2", "rack 4", "rack 5", "field.location"] {
        assert!(row.entry_json.contains(text), "before and after are there: {text} in {}", row.entry_json);
    }
    refused!(rig.engine.write_host(permit(), edit("db-3", "rack 6", Some(changed.revision + 7))));
    refused!(rig.engine.write_host(permit(), edit("not a name", "rack 6", Some(changed.revision))));
    refused!(rig.engine.write_host(authorize(&who, None).unwrap(), edit("web-1", "taken", None)));

    let mut check = check_edit(agent.host, None, "tcp:web");
    let (made, _) =
        act!("check.create", rig.engine.write_check(authorize(&who, None).unwrap(), check.clone()));
    check.spec = json!({"kind": "tcp", "address": "192.0.2.80", "port": 8443});
    check.revision = Some(made.revision);
    let id = made.check.id;
    let (_, row) =
        act!("check.change", rig.engine.write_check(authorize(&who, Some(id)).unwrap(), check.clone()));
    assert!(row.entry_json.contains("443") && row.entry_json.contains("8443"), "{}", row.entry_json);
    refused!(rig.engine.write_check(authorize(&who, Some(id)).unwrap(), check));

    for _ in 0..3 {
        rig.report(&mut agent, id, Status::Critical).await;
    }
    act!("problem.recheck", rig.engine.recheck(authorize(&who, id).unwrap()));
    act!("problem.comment", rig.engine.comment(authorize(&who, id).unwrap(), "looking"));
    act!("problem.acknowledge", rig.engine.acknowledge(authorize(&who, id).unwrap(), "mine", false, None));
    act!("problem.unacknowledge", rig.engine.unacknowledge(authorize(&who, id).unwrap()));
    refused!(rig.engine.unacknowledge(authorize(&who, id).unwrap()));
    let plan = DowntimePlan {
        host: agent.host,
        check: None,
        start: rig.now(),
        end: rig.now() + secs(60),
        note: "disks".to_owned(),
    };
    let (downtime, _) = act!(
        "problem.downtime",
        rig.engine.plan_downtime(authorize(&who, agent.host).unwrap(), plan.clone())
    );
    refused!(rig.engine.plan_downtime(
        authorize(&who, agent.host).unwrap(),
        DowntimePlan { end: plan.start, ..plan.clone() }
    ));
    act!("downtime.cancel", rig.engine.cancel_downtime(authorize(&who, downtime.id).unwrap()));

    let channel = |revision: Option<i64>, url: &str| ChannelEdit {
        tenant: None,
        id: wk_domain::ChannelId::new(5, [5; 10]),
        create: revision == Some(-1),
        name: "team".to_owned(),
        kind: "webhook".to_owned(),
        config: json!({"url": url}),
        secret_sealed: Some(b"hunter2".to_vec()),
        enabled: true,
        revision: revision.filter(|r| *r >= 0),
    };
    let permit = || authorize(&who, ()).unwrap();
    let (row, entry) =
        act!("channel.create", rig.engine.write_channel(permit(), channel(Some(-1), "https://a.invalid/")));
    assert!(!entry.entry_json.contains("hunter2"));
    act!(
        "channel.change",
        rig.engine.write_channel(permit(), channel(Some(row.revision), "https://b.invalid/"))
    );
    act!("channel.test", rig.engine.test_channel(authorize(&who, row.id).unwrap()));
    act!("channel.delete", rig.engine.remove_channel(authorize(&who, row.id).unwrap()));
    refused!(rig.engine.remove_channel(authorize(&who, row.id).unwrap()));

    let request = |ttl| TokenRequest {
        tenant: wk_domain::TenantId::ROOT,
        host_pattern: "web-*".to_owned(),
        grants: Vec::new(),
        ttl,
    };
    let (token, _) =
        act!("token.create", rig.engine.create_token(authorize(&who, ()).unwrap(), request(secs(60))));
    refused!(rig.engine.create_token(authorize(&who, ()).unwrap(), request(Duration::from_secs(59))));
    act!("token.withdraw", rig.engine.withdraw_token(authorize(&who, token.row.id).unwrap()));
    refused!(rig.engine.withdraw_token(authorize(&who, token.row.id).unwrap()));

    act!("check.delete", rig.engine.remove_check(authorize(&who, id).unwrap()));
    act!("host.delete", rig.engine.remove_host(authorize(&who, host.id).unwrap()));
    refused!(rig.engine.remove_host(authorize(&who, agent.host).unwrap()));
    let (_, row) = act!("agent.revoke", rig.engine.revoke_agent(authorize(&who, agent.id).unwrap(), "sold"));
    let entry: Value = serde_json::from_str(&row.entry_json).unwrap();
    assert!(entry.to_string().contains("active") && entry.to_string().contains("revoked"));
    let report = rig.engine.verify_audit(permit_audit()).await.unwrap();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.entries, rig.audit().await.len() as u64);
    rig.end().await;
}

fn permit_audit() -> wk_authz::Permit<wk_authz::AuditRead> {
    authorize(&admin(), ()).unwrap()
}

/// A recheck that reaches nobody was not done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recheck_without_its_agent_is_not_written_down_as_done() {
    let rig = Rig::new().await;
    let agent = rig.enrol("web-1", &[]).await;
    let check = rig.probe(&agent, "tcp:web").await;
    let before = rig.audit().await.len();
    assert!(rig.engine.recheck(authorize(&admin(), check).unwrap()).await.is_err());
    let after = rig.audit().await;
    assert!(after[before..].iter().all(|row| row.outcome != "success"), "{:?}", &after[before..]);
    rig.end().await;
}

/// Somebody with the file in their hands: each way of changing an entry is found, and named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tampering_with_the_file_is_found_and_named() {
    let tricks = [
        (
            "its words",
            "UPDATE audit_entry SET entry = replace(entry, 'host.create', 'host.delete') WHERE seq = 3",
            3,
        ),
        ("its place in lists", "UPDATE audit_entry SET actor = 'user:somebody' WHERE seq = 3", 3),
        ("its action in lists", "UPDATE audit_entry SET action = 'host.delete' WHERE seq = 3", 3),
        ("its outcome in lists", "UPDATE audit_entry SET outcome = 'denied' WHERE seq = 3", 3),
        ("its object in lists", "UPDATE audit_entry SET object = 'host_x' WHERE seq = 3", 3),
        ("its time in lists", "UPDATE audit_entry SET at = at + 1 WHERE seq = 3", 3),
        ("its hash", "UPDATE audit_entry SET leaf_hash = zeroblob(32) WHERE seq = 3", 3),
        ("its being there", "DELETE FROM audit_entry WHERE seq = 3", 3),
    ];
    let rig = Rig::new().await;
    for n in 0..8 {
        rig.host(&format!("web-{n}")).await;
    }
    let report = rig.engine.verify_audit(permit_audit()).await.unwrap();
    assert_eq!((report.entries, report.findings.len()), (8, 0), "{:?}", report.findings);
    let entries = rig.audit().await;
    let options = SqliteConnectOptions::new().filename(rig.dir.path().join("watchkeep.db"));
    for (what, trick, seq) in tricks {
        let mut file = options.clone().connect().await.unwrap();
        for statement in [
            "DROP TRIGGER IF EXISTS audit_entry_no_update",
            "DROP TRIGGER IF EXISTS audit_entry_no_delete",
            trick,
        ] {
            sqlx::raw_sql(statement).execute(&mut file).await.unwrap();
        }
        let report = rig.engine.verify_audit(permit_audit()).await.unwrap();
        assert!(!report.findings.is_empty(), "{what}");
        assert!(report.findings[0].contains(&format!("entry {seq}")), "{what}: {:?}", report.findings);
        // Back as it was.
        let row = &entries[seq];
        sqlx::query("DELETE FROM audit_entry WHERE seq = ?")
            .bind(row.seq as i64)
            .execute(&mut file)
            .await
            .unwrap();
        sqlx::query("INSERT INTO audit_entry (seq, at, actor, action, object, outcome, entry, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(row.seq as i64)
            .bind(row.at.as_ms())
            .bind(&row.actor)
            .bind(&row.action)
            .bind(&row.object)
            .bind(&row.outcome)
            .bind(&row.entry_json)
            .bind(row.leaf_hash.as_slice())
            .execute(&mut file)
            .await
            .unwrap();
        file.close().await.unwrap();
        let report = rig.engine.verify_audit(permit_audit()).await.unwrap();
        assert_eq!(report.findings, Vec::<String>::new(), "after {what}");
    }
    rig.end().await;
}
