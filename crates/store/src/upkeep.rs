//! Settings, sizes for people, and the removal of what is kept no longer.

use wk_audit::Draft;
use wk_domain::{SessionId, Timestamp};
use wk_engine::ports::rows::StoreHealth;
use wk_engine::ports::store::Result;

use crate::audit_log;
use crate::db::{Db, Engine, Tx};
use crate::migrate::SCHEMA_VERSION;
use crate::sql::{Query, sql};

pub(crate) async fn setting(db: &Db, key: &str) -> Result<Option<String>> {
    db.row(sql("SELECT value FROM setting WHERE key = $1").bind(key))
        .await?
        .map(|row| row.read().text())
        .transpose()
}

pub(crate) async fn put_setting(db: &Db, key: &str, value: &str, audit: Option<Draft>) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql(
        "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    tx.run(q.bind(key).bind(value)).await?;
    audit_log::append(&mut tx, audit.into_iter().collect()).await?;
    tx.commit().await
}

pub(crate) async fn claim_setting(db: &Db, key: &str, value: &str, audit: Option<Draft>) -> Result<bool> {
    let mut tx = db.begin().await?;
    let q = sql("INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING");
    if tx.run(q.bind(key).bind(value)).await? == 0 {
        return Ok(false);
    }
    audit_log::append(&mut tx, audit.into_iter().collect()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Counts changes of hosts, checks and channels, as part of the transaction that makes them.
pub(crate) async fn count_changes(tx: &mut Tx, changes: usize) -> Result<()> {
    if changes > 0 {
        let q = sql("UPDATE config_revision SET revision = revision + $1 WHERE only_row = 1");
        tx.run(q.bind(i64::try_from(changes).unwrap_or(i64::MAX))).await?;
    }
    Ok(())
}

pub(crate) async fn revision(db: &Db) -> Result<u64> {
    number(db, sql("SELECT revision FROM config_revision WHERE only_row = 1")).await
}

async fn number(db: &Db, query: Query) -> Result<u64> {
    let n = db.row(query).await?.map(|row| row.read().int()).transpose()?.unwrap_or(0);
    Ok(u64::try_from(n).unwrap_or(0))
}

pub(crate) async fn health(db: &Db) -> Result<StoreHealth> {
    let (engine, bytes) = match db.engine() {
        Engine::Sqlite => {
            let version = db.row(sql("SELECT sqlite_version()")).await?;
            let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
            (("SQLite", version), number(db, sql(size)).await?)
        }
        Engine::Postgres => {
            let version = db.row(sql("SELECT split_part(current_setting('server_version'), ' ', 1)")).await?;
            (("PostgreSQL", version), number(db, sql("SELECT pg_database_size(current_database())")).await?)
        }
    };
    let (name, version) = engine;
    let version = version.map(|row| row.read().text()).transpose()?.unwrap_or_default();
    Ok(StoreHealth {
        engine: format!("{name} {version}"),
        schema_version: SCHEMA_VERSION,
        bytes,
        outbox_pending: number(db, sql("SELECT COUNT(*) FROM outbox WHERE state = 'pending'")).await?,
        outbox_failed: number(db, sql("SELECT COUNT(*) FROM outbox WHERE state = 'failed'")).await?,
        audit_entries: number(db, sql("SELECT next_seq FROM audit_head WHERE only_row = 1")).await?,
        events: number(db, sql("SELECT COUNT(*) FROM event")).await?,
        tenant_wall: db.wall().as_str().to_owned(),
    })
}

/// Rows removed in one transaction: few enough that ingest never waits long for its turn.
const BITE: i64 = 2_000;

pub(crate) async fn prune(db: &Db, events_before: Timestamp, executions_before: Timestamp) -> Result<u64> {
    let events = "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < $1 LIMIT $2)";
    let executions =
        "DELETE FROM execution WHERE id IN (SELECT id FROM execution WHERE finished < $1 LIMIT $2)";
    // Delivered and given up: people look at them in the timeline, which has its own copy.
    let outbox = "DELETE FROM outbox WHERE id IN
                  (SELECT id FROM outbox WHERE state <> 'pending' AND created < $1 LIMIT $2)";
    // Ended, or idle for longer than any rule allows; each account keeps its newest, which tells when it was last used.
    let sessions = "DELETE FROM session WHERE id IN
                    (SELECT s.id FROM session s WHERE s.last_used < $1 AND (s.ended IS NULL OR s.ended < $1)
                     AND EXISTS (SELECT n.id FROM session n WHERE n.person = s.person AND n.id > s.id) LIMIT $2)";
    let once = "DELETE FROM outside_once WHERE (provider, once_key) IN
                (SELECT provider, once_key FROM outside_once WHERE until_ms < $1 LIMIT $2)";
    let mut removed = 0;
    for (text, before) in [
        (events, events_before),
        (executions, executions_before),
        (outbox, events_before),
        (sessions, events_before),
        (once, executions_before),
    ] {
        loop {
            let mut tx = db.begin().await?;
            let gone = tx.run(sql(text).bind(before).bind(BITE)).await?;
            tx.commit().await?;
            removed += gone;
            if gone < BITE.unsigned_abs() {
                break;
            }
        }
    }
    Ok(removed + forgotten_ways_in(db, executions_before).await?)
}

/// Over whom sessions came in that are gone, or that were announced and never began. An id begins with the instant it was
/// made at, so that of what is announced in this moment nothing goes.
async fn forgotten_ways_in(db: &Db, before: Timestamp) -> Result<u64> {
    let first_kept = SessionId::new(before.as_ms().max(0).unsigned_abs(), [0; 10]);
    let mut removed = 0;
    loop {
        let mut tx = db.begin().await?;
        let q = sql("DELETE FROM session_outside WHERE session IN
                     (SELECT o.session FROM session_outside o WHERE o.session < $1
                      AND NOT EXISTS (SELECT s.id FROM session s WHERE s.id = o.session) LIMIT $2)");
        let gone = tx.run(q.bind(first_kept).bind(BITE)).await?;
        tx.commit().await?;
        removed += gone;
        if gone < BITE.unsigned_abs() {
            return Ok(removed);
        }
    }
}
