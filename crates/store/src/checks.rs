//! Checks as configured.

use wk_audit::Draft;
use wk_domain::check::RetryPolicy;
use wk_domain::{Check, CheckId, CheckKind};
use wk_engine::ports::rows::CheckRow;
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::error::in_words;
use crate::hosts::moved_on;
use crate::sql::{Bulk, Of, Query, sql};
use crate::value::{Row, Value};
use crate::{audit_log, upkeep};

fn read(row: &Row) -> Result<CheckRow> {
    let mut r = row.read();
    Ok(CheckRow {
        check: Check {
            id: r.id()?,
            host: r.id()?,
            key: r.text()?,
            title: r.text()?,
            kind: r.word("a kind of check", CheckKind::parse)?,
            runner: r.opt_id()?,
            retry: RetryPolicy {
                interval: r.span()?,
                retry_interval: r.span()?,
                max_attempts: u32::try_from(r.int()?).unwrap_or(u32::MAX).max(1),
                volatile: r.flag()?,
            },
            enabled: r.flag()?,
        },
        spec_json: r.text()?,
        created: r.instant()?,
        revision: r.int()?,
    })
}

fn values(row: &CheckRow) -> Vec<Value> {
    let check = &row.check;
    vec![
        check.id.into(),
        check.host.into(),
        check.key.as_str().into(),
        check.title.as_str().into(),
        check.kind.as_str().into(),
        check.runner.into(),
        check.retry.interval.into(),
        check.retry.retry_interval.into(),
        check.retry.max_attempts.into(),
        check.retry.volatile.into(),
        check.enabled.into(),
        row.spec_json.as_str().into(),
        row.created.into(),
        row.revision.into(),
    ]
}

/// With the host once more, for the tenant.
fn inserted(row: &CheckRow) -> Vec<Value> {
    let mut values = values(row);
    values.push(row.check.host.into());
    values
}

pub(crate) async fn all(db: &Db) -> Result<Vec<CheckRow>> {
    let q = sql("SELECT id, host, key, title, kind, runner, interval_ms, retry_ms, max_attempts, volatile, enabled, spec,
                 created, revision FROM check_def ORDER BY host, key");
    db.rows(q).await?.iter().map(read).collect()
}

pub(crate) async fn one(db: &Db, id: CheckId) -> Result<Option<CheckRow>> {
    let q = sql("SELECT id, host, key, title, kind, runner, interval_ms, retry_ms, max_attempts, volatile, enabled, spec,
                 created, revision FROM check_def WHERE id = $1");
    db.row(q.bind(id)).await?.as_ref().map(read).transpose()
}

const INSERT: &str =
    "INSERT INTO check_def (id, host, key, title, kind, runner, interval_ms, retry_ms, max_attempts,
                      volatile, enabled, spec, created, revision, tenant)";

const INSERT_NEW: Bulk =
    Bulk { head: INSERT, columns: 15, tail: "ON CONFLICT DO NOTHING", tenant: Some(Of::Host) };
const INSERT_ONE: Bulk = Bulk { head: INSERT, columns: 15, tail: "", tenant: Some(Of::Host) };

/// Adds checks that are not there yet; one whose id or key is taken stays as it is.
pub(crate) async fn insert_new(tx: &mut Tx, rows: &[CheckRow]) -> Result<()> {
    let values =
        rows.iter().map(|row| inserted(&CheckRow { revision: row.revision.max(1), ..row.clone() })).collect();
    tx.run_all(INSERT_NEW.queries(tx.engine(), values)).await?;
    Ok(())
}

pub(crate) async fn put(db: &Db, row: CheckRow, audit: Draft) -> Result<CheckRow> {
    let key_taken = |e| {
        in_words(e, || {
            format!("the host has another check with the key `{}`, or is not there", row.check.key)
        })
    };
    let mut tx = db.begin().await?;
    let q =
        sql("UPDATE check_def SET host = $2, key = $3, title = $4, kind = $5, runner = $6, interval_ms = $7,
                 retry_ms = $8, max_attempts = $9, volatile = $10, enabled = $11, spec = $12, created = $13,
                 revision = $14 + 1 WHERE id = $1 AND revision = $14");
    let changed = tx.run(q.bind_all(values(&row))).await.map_err(key_taken)?;
    let revision = if changed == 1 {
        row.revision + 1
    } else {
        let by_id = sql("SELECT revision FROM check_def WHERE id = $1").bind(row.check.id);
        moved_on(&mut tx, by_id, row.revision, "the check").await?;
        let first = inserted(&CheckRow { revision: 1, ..row.clone() });
        let insert: Vec<Query> = INSERT_ONE.queries(tx.engine(), vec![first]);
        tx.run_all(insert).await.map_err(key_taken)?;
        1
    };
    upkeep::count_changes(&mut tx, 1).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await?;
    Ok(CheckRow { revision, ..row })
}

pub(crate) async fn delete(db: &Db, id: CheckId, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    if tx.run(sql("DELETE FROM check_def WHERE id = $1").bind(id)).await? == 0 {
        return Err(StoreError::NotFound { what: "the check" });
    }
    tx.run(sql("DELETE FROM outbox WHERE check_id = $1 AND state = 'pending'").bind(id)).await?;
    upkeep::count_changes(&mut tx, 1).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}
