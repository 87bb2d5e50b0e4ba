//! Channels, and the outbox of notifications.

use wk_audit::Draft;
use wk_domain::{ChannelId, NotificationId, NotificationKind, Timestamp};
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{ChannelRow, EventRow, OutboxRow, Page};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Engine, Tx};
use crate::error::in_words;
use crate::hosts::moved_on;
use crate::sql::{Bulk, Compose, Of, Query, sql};
use crate::value::{Row, Value};
use crate::{audit_log, events, limit, parse_id, upkeep};

fn read_channel(row: &Row) -> Result<ChannelRow> {
    let mut r = row.read();
    Ok(ChannelRow {
        id: r.id()?,
        name: r.text()?,
        kind: r.text()?,
        config_json: r.text()?,
        secret_sealed: r.bytes()?,
        enabled: r.flag()?,
        revision: r.int()?,
        tenant: r.id()?,
    })
}

pub(crate) async fn channels(db: &Db) -> Result<Vec<ChannelRow>> {
    let q = sql("SELECT id, name, kind, config, secret_sealed, enabled, revision, tenant FROM channel
                 ORDER BY name");
    db.rows(q).await?.iter().map(read_channel).collect()
}

fn channel_args(text: &'static str, row: &ChannelRow, revision: i64) -> Query {
    sql(text)
        .bind(row.id)
        .bind(row.name.as_str())
        .bind(row.kind.as_str())
        .bind(row.config_json.as_str())
        .bind(row.secret_sealed.as_slice())
        .bind(row.enabled)
        .bind(revision)
        .bind(row.tenant)
}

pub(crate) async fn put_channel(db: &Db, row: ChannelRow, audit: Draft) -> Result<ChannelRow> {
    let taken = |e| in_words(e, || format!("another channel is called `{}`", row.name));
    let mut tx = db.begin().await?;
    let update = "UPDATE channel SET name = $2, kind = $3, config = $4, secret_sealed = $5, enabled = $6,
                  revision = $7 + 1, tenant = $8 WHERE id = $1 AND revision = $7";
    let revision = if tx.run(channel_args(update, &row, row.revision)).await.map_err(taken)? == 1 {
        row.revision + 1
    } else {
        let by_id = sql("SELECT revision FROM channel WHERE id = $1").bind(row.id);
        moved_on(&mut tx, by_id, row.revision, "the channel").await?;
        let insert = "INSERT INTO channel (id, name, kind, config, secret_sealed, enabled, revision, tenant)
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        tx.run(channel_args(insert, &row, 1)).await.map_err(taken)?;
        1
    };
    upkeep::count_changes(&mut tx, 1).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await?;
    Ok(ChannelRow { revision, ..row })
}

pub(crate) async fn delete_channel(db: &Db, id: ChannelId, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    if tx.run(sql("DELETE FROM channel WHERE id = $1").bind(id)).await? == 0 {
        return Err(StoreError::NotFound { what: "the channel" });
    }
    tx.run(sql("DELETE FROM outbox WHERE channel = $1 AND state = 'pending'").bind(id)).await?;
    upkeep::count_changes(&mut tx, 1).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

// Outbox -------------------------------------------------------------------------------------------------------------

const INSERT: Bulk = Bulk {
    head: "INSERT INTO outbox (id, channel, check_id, host, kind, created, payload, state, attempts, next_attempt,
           last_error, delivered, tenant)",
    columns: 13,
    tail: "",
    tenant: Some(Of::Host),
};

fn values(row: OutboxRow) -> Vec<Value> {
    vec![
        row.id.into(),
        row.channel.into(),
        row.check.into(),
        row.host.into(),
        row.kind.into(),
        row.created.into(),
        row.payload_json.into(),
        row.state.into(),
        row.attempts.into(),
        row.next_attempt.into(),
        row.last_error.into(),
        row.delivered.into(),
        row.host.into(),
    ]
}

pub(crate) async fn insert(tx: &mut Tx, rows: Vec<OutboxRow>) -> Result<()> {
    tx.run_all(INSERT.queries(tx.engine(), rows.into_iter().map(values).collect())).await?;
    Ok(())
}

fn read(row: &Row) -> Result<OutboxRow> {
    let mut r = row.read();
    Ok(OutboxRow {
        id: r.id()?,
        channel: r.id()?,
        check: r.id()?,
        host: r.id()?,
        kind: r.text()?,
        created: r.instant()?,
        payload_json: r.text()?,
        state: r.text()?,
        attempts: r.int()?,
        next_attempt: r.instant()?,
        last_error: r.text()?,
        delivered: r.opt_instant()?,
    })
}

pub(crate) async fn due(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>> {
    let q = sql("SELECT id, channel, check_id, host, kind, created, payload, state, attempts, next_attempt, last_error,
                 delivered FROM outbox WHERE state = 'pending' AND next_attempt <= $1
                 ORDER BY created, id LIMIT $2");
    db.rows(q.bind(now).bind(limit)).await?.iter().map(read).collect()
}

/// Places are given in one pass over the index of pending rows, in its order, and without their texts: there may be
/// many. Tests are few, and stand beside. What was made more than five minutes from now was dated by a clock that was set
/// back since: when it is due says nothing.
const READY: &str = "
    WITH heads AS (
      SELECT id, channel, next_attempt, created, 1 AS class,
             ROW_NUMBER() OVER (PARTITION BY channel, check_id ORDER BY created, id) AS place
        FROM outbox WHERE state = 'pending' AND kind <> 'test'
      UNION ALL
      SELECT id, channel, next_attempt, created, 0 AS class,
             ROW_NUMBER() OVER (PARTITION BY channel, check_id ORDER BY created, id) AS place
        FROM outbox WHERE state = 'pending' AND kind = 'test'),
    ready AS (
      SELECT id, ROW_NUMBER() OVER (PARTITION BY channel ORDER BY class, created, id) AS turn
        FROM heads WHERE place = 1 AND (next_attempt <= $1 OR created > $1 + 300000))
    SELECT o.id, o.channel, o.check_id, o.host, o.kind, o.created, o.payload, o.state, o.attempts,
           o.next_attempt, o.last_error, o.delivered
      FROM ready JOIN outbox o ON o.id = ready.id
     WHERE ready.turn <= 16 ORDER BY ready.turn, o.created, o.id LIMIT $2";

pub(crate) async fn ready(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>> {
    db.rows(sql(READY).bind(now).bind(limit)).await?.iter().map(read).collect()
}

/// How the database goes about [`ready`], for a test: lines of its plan.
pub(crate) async fn explain_ready(db: &Db) -> Result<Vec<String>> {
    let (how, column) = match db.engine() {
        Engine::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
        Engine::Postgres => ("EXPLAIN ", 0),
    };
    let mut q = Compose::new(how);
    q.push(READY);
    let rows = db.rows(q.done().bind(Timestamp::from_ms(0)).bind(500_u32)).await?;
    rows.iter().map(|row| row.read().skip(column).text()).collect()
}

pub(crate) async fn recent(db: &Db, scope: &TenantScope, page: Page) -> Result<Vec<OutboxRow>> {
    let mut q = Compose::new(
        "SELECT id, channel, check_id, host, kind, created, payload, state, attempts, next_attempt, last_error,
         delivered FROM outbox",
    );
    q.within("tenant", scope);
    if let Some(after) = &page.after {
        q.and("id < ", parse_id::<NotificationKind>(after)?);
    }
    q.push(" ORDER BY id DESC LIMIT ").arg(limit(&page));
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn put(db: &Db, row: OutboxRow, audit: Option<Draft>) -> Result<()> {
    let mut tx = db.begin().await?;
    insert(&mut tx, vec![row]).await?;
    audit_log::append(&mut tx, audit.into_iter().collect()).await?;
    tx.commit().await
}

async fn there(tx: &mut Tx, id: NotificationId) -> Result<()> {
    match tx.row(sql("SELECT id FROM outbox WHERE id = $1").bind(id)).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::NotFound { what: "the notification" }),
    }
}

pub(crate) async fn delivered(db: &Db, id: NotificationId, at: Timestamp, event: EventRow) -> Result<()> {
    let mut tx = db.begin().await?;
    let q =
        sql("UPDATE outbox SET state = 'delivered', delivered = $2, attempts = attempts + 1, last_error = ''
                 WHERE id = $1 AND state <> 'delivered'");
    if tx.run(q.bind(id).bind(at)).await? == 0 {
        // Delivered twice is no error, and one event is enough.
        return there(&mut tx, id).await;
    }
    events::insert(&mut tx, vec![event]).await?;
    tx.commit().await
}

pub(crate) async fn failed(
    db: &Db,
    id: NotificationId,
    next: Timestamp,
    error: &str,
    give_up: bool,
) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE outbox SET attempts = attempts + 1, next_attempt = $2, last_error = $3, state = $4
                 WHERE id = $1 AND state = 'pending'");
    let state = if give_up { "failed" } else { "pending" };
    if tx.run(q.bind(id).bind(next).bind(error).bind(state)).await? == 0 {
        return there(&mut tx, id).await;
    }
    tx.commit().await
}
