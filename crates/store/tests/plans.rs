//! How the databases go about what is asked all the time, by their own word.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod common;

use common::*;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use wk_engine::ports::rows::*;
use wk_engine::ports::store::Store;

/// Much that was delivered, little that waits, as in life.
async fn outbox(store: &dyn Store) {
    let host = store.put_host(host("web-1"), draft("host.create")).await.unwrap().id;
    let row = |n: u64, state: &str| OutboxRow {
        id: id(),
        channel: id(),
        check: id(),
        host,
        kind: "problem".into(),
        created: at(n),
        payload_json: "{}".into(),
        state: state.into(),
        attempts: 0,
        next_attempt: at(n),
        last_error: String::new(),
        delivered: None,
    };
    let mut rows: Vec<OutboxRow> = (0..20_000).map(|n| row(n, "delivered")).collect();
    rows.extend((0..50).map(|n| row(n, "pending")));
    store.commit_ingest(IngestCommit { outbox: rows, ..IngestCommit::default() }).await.unwrap();
    assert_eq!(store.outbox_ready(at(100_000), 500).await.unwrap().len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_finds_what_is_to_be_sent_by_its_index() {
    let fixture = Fixture::sqlite().await;
    outbox(&*fixture.store).await;
    let plan = fixture.store.explain_outbox().await.unwrap().join("\n");
    assert_eq!(plan.matches("USING INDEX outbox_order").count(), 2, "{plan}");
    for line in plan.lines().filter(|line| line.contains("SCAN outbox") || line.contains("SCAN o ")) {
        assert!(line.contains("INDEX"), "reads the whole table: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_finds_what_is_to_be_sent_by_its_index() {
    let fixture = Fixture::postgres().await;
    outbox(&*fixture.store).await;
    let mut link = PgConnection::connect(&fixture.raw_url).await.unwrap();
    sqlx::raw_sql("ANALYZE outbox").execute(&mut link).await.unwrap();
    let plan = fixture.store.explain_outbox().await.unwrap().join("\n");
    // Of two indexes of pending rows alone it takes the one that it thinks cheaper for so few.
    assert!(plan.contains("outbox_order") || plan.contains("outbox_due"), "{plan}");
    assert!(!plan.contains("Seq Scan on outbox"), "reads the whole table: {plan}");
}
