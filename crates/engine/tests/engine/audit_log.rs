//! What the log holds about the server itself, and how little of it a stranger can make it write.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde_json::Value;
use wk_audit::Image;
use wk_engine::desk::AgentDesk as _;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{AuditFilter, Page};

use crate::rig::Rig;

async fn entries(rig: &Rig, prefix: &str) -> Vec<Value> {
    let filter = AuditFilter { action_prefix: Some(prefix.to_owned()), ..AuditFilter::default() };
    let rows = rig
        .engine
        .store()
        .audit(&TenantScope::whole(), filter, Page { limit: 500, after: None })
        .await
        .unwrap();
    rows.iter().rev().map(|row| serde_json::from_str(&row.entry_json).unwrap()).collect()
}

#[tokio::test]
async fn a_run_that_did_not_end_in_order_is_named_at_the_next_start() {
    let rig = Rig::new().await;
    let facts = Image::new().field("version", "1.2.3");
    rig.engine.record_start(&facts).await.unwrap();
    rig.engine.record_stop().await.unwrap();
    rig.engine.record_start(&facts).await.unwrap();
    // Killed here.
    rig.engine.record_start(&facts).await.unwrap();
    let found = entries(&rig, "server.st").await;
    let said: Vec<_> =
        found.iter().map(|entry| (entry["action"].as_str(), entry["reason"].is_string())).collect();
    assert_eq!(
        said,
        [
            (Some("server.start"), false),
            (Some("server.stop"), false),
            (Some("server.start"), false),
            (Some("server.start"), true)
        ]
    );
    assert_eq!(found[0]["diff"][0]["new"], "1.2.3");
}

#[tokio::test]
async fn load_that_was_turned_away_is_one_entry_a_minute_and_none_without() {
    let rig = Rig::new().await;
    rig.engine.record_shed().await;
    assert_eq!(entries(&rig, "server.shed_load").await.len(), 0);
    rig.engine.counters().add("sign_in.throttled", 3);
    rig.engine.record_shed().await;
    rig.engine.record_shed().await;
    rig.engine.counters().add("sign_in.throttled", 2);
    rig.engine.counters().add("ingest.try_later", 1);
    rig.engine.record_shed().await;
    let found = entries(&rig, "server.shed_load").await;
    let counts: Vec<String> = found
        .iter()
        .map(|entry| {
            let change = |c: &Value| format!("{} {}-{}", c["field"].as_str().unwrap(), c["old"], c["new"]);
            entry["diff"].as_array().unwrap().iter().map(change).collect::<Vec<_>>().join(", ")
        })
        .collect();
    assert_eq!(counts, ["sign_in.throttled 0-3", "ingest.try_later 0-1, sign_in.throttled 3-5"]);
}

/// A house has 2^64 addresses of IPv6: each of them with an entry of its own would be a way to fill the disk.
#[tokio::test]
async fn a_stranger_with_many_addresses_writes_one_entry_and_many_strangers_a_bounded_number() {
    let rig = Rig::new().await;
    let refuse = |ip: Ipv6Addr| {
        rig.engine.refused(SocketAddr::from((IpAddr::V6(ip), 1)), "handshake", "no certificate".to_owned());
    };
    for last in 0..200u16 {
        refuse(Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, last));
    }
    let written = || async {
        // They are written beside the refusals: until no more come.
        let mut before = 0;
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let found = entries(&rig, "hub.refuse").await.len();
            if found > 0 && found == before {
                return found;
            }
            before = found;
        }
    };
    assert_eq!(written().await, 1);
    for network in 0..2_000u16 {
        refuse(Ipv6Addr::new(0x2001, 0xdb8, 1, network, 0, 0, 0, 1));
    }
    let unwritten = rig.engine.counters().all().into_iter().find(|(name, _)| name == "hub.refused_unwritten");
    assert_eq!(unwritten, Some(("hub.refused_unwritten".to_owned(), 1_001)));
}
