//! What people do about problems: acknowledgements and downtimes.

use wk_audit::Draft;
use wk_domain::{CheckId, DowntimeId, Timestamp};
use wk_engine::ports::rows::{AckRow, CheckStateRow, DowntimeRow, EventRow};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::error::{conflict, in_words};
use crate::sql::{Compose, sql};
use crate::value::Row;
use crate::{audit_log, events, states};

fn read_ack(row: &Row) -> Result<AckRow> {
    let mut r = row.read();
    Ok(AckRow {
        check: r.id()?,
        by: r.text()?,
        at: r.instant()?,
        note: r.text()?,
        sticky: r.flag()?,
        expires: r.opt_instant()?,
    })
}

pub(crate) async fn acks(db: &Db) -> Result<Vec<AckRow>> {
    let q = sql("SELECT check_id, made_by, at, note, sticky, expires FROM ack ORDER BY at, check_id");
    db.rows(q).await?.iter().map(read_ack).collect()
}

pub(crate) async fn put_ack(
    db: &Db,
    ack: AckRow,
    state: CheckStateRow,
    event: EventRow,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    if states::upsert(&mut tx, vec![state]).await? != 0 {
        return Err(StoreError::NotFound { what: "the check" });
    }
    let q =
        sql("INSERT INTO ack (check_id, made_by, at, note, sticky, expires) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (check_id) DO UPDATE SET made_by = excluded.made_by, at = excluded.at,
                 note = excluded.note, sticky = excluded.sticky, expires = excluded.expires");
    tx.run(q.bind(ack.check).bind(ack.by).bind(ack.at).bind(ack.note).bind(ack.sticky).bind(ack.expires))
        .await?;
    events::insert(&mut tx, vec![event]).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn remove_ack(
    db: &Db,
    check: CheckId,
    state: CheckStateRow,
    event: EventRow,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    if states::upsert(&mut tx, vec![state]).await? != 0 {
        return Err(StoreError::NotFound { what: "the check" });
    }
    if tx.run(sql("DELETE FROM ack WHERE check_id = $1").bind(check)).await? == 0 {
        return Err(StoreError::NotFound { what: "the acknowledgement" });
    }
    events::insert(&mut tx, vec![event]).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

/// Removes acknowledgements that ended by themselves; those that are gone already do not matter.
pub(crate) async fn clear_acks(tx: &mut Tx, mut checks: Vec<CheckId>) -> Result<()> {
    checks.sort_unstable();
    for chunk in checks.chunks(200) {
        let mut q = Compose::new("DELETE FROM ack WHERE check_id IN ");
        q.list(chunk.iter().copied());
        tx.run(q.done()).await?;
    }
    Ok(())
}

fn read_downtime(row: &Row) -> Result<DowntimeRow> {
    let mut r = row.read();
    Ok(DowntimeRow {
        id: r.id()?,
        host: r.id()?,
        check: r.opt_id()?,
        start: r.instant()?,
        end: r.instant()?,
        note: r.text()?,
        created: r.instant()?,
        created_by: r.text()?,
        cancelled: r.opt_instant()?,
        cancelled_by: r.text()?,
    })
}

pub(crate) async fn downtimes(db: &Db, now: Timestamp) -> Result<Vec<DowntimeRow>> {
    let q = sql("SELECT id, host, check_id, starts, ends, note, created, created_by, cancelled, cancelled_by
                 FROM downtime WHERE cancelled IS NULL AND ends > $1 ORDER BY starts, id");
    db.rows(q.bind(now)).await?.iter().map(read_downtime).collect()
}

pub(crate) async fn put_downtime(db: &Db, row: DowntimeRow, event: EventRow, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    let q =
        sql("INSERT INTO downtime (id, host, check_id, starts, ends, note, created, created_by, cancelled,
                 cancelled_by, tenant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
                 COALESCE((SELECT tenant FROM host WHERE id = $2), (SELECT id FROM tenant WHERE parent IS NULL)))")
        .bind(row.id)
        .bind(row.host)
        .bind(row.check)
        .bind(row.start)
        .bind(row.end)
        .bind(row.note)
        .bind(row.created)
        .bind(row.created_by)
        .bind(row.cancelled)
        .bind(row.cancelled_by);
    tx.run(q).await.map_err(|e| in_words(e, || "the host or check of the downtime is not there".into()))?;
    events::insert(&mut tx, vec![event]).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn cancel_downtime(
    db: &Db,
    id: DowntimeId,
    at: Timestamp,
    by: &str,
    event: EventRow,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE downtime SET cancelled = $2, cancelled_by = $3 WHERE id = $1 AND cancelled IS NULL");
    if tx.run(q.bind(id).bind(at).bind(by)).await? == 0 {
        let there = tx.row(sql("SELECT id FROM downtime WHERE id = $1").bind(id)).await?.is_some();
        return Err(if there {
            conflict("the downtime was cancelled already")
        } else {
            StoreError::NotFound { what: "the downtime" }
        });
    }
    events::insert(&mut tx, vec![event]).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}
