//! Sessions: known by the digest of a token that only the browser holds.

use wk_audit::Draft;
use wk_domain::{SessionId, Timestamp, UserId};
use wk_engine::ports::rows::{SessionRow, UserRow};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::sql::{Compose, sql};
use crate::value::Reader;
use crate::{audit_log, outside, people};

fn read(r: &mut Reader<'_>) -> Result<SessionRow> {
    Ok(SessionRow {
        id: r.id()?,
        token_sha256: r.bytes()?,
        user: r.id()?,
        created: r.instant()?,
        last_used: r.instant()?,
        address: r.text()?,
        user_agent: r.text()?,
        method: r.text()?,
        ended: r.opt_instant()?,
        elevated: r.opt_instant()?,
    })
}

pub(crate) async fn put(db: &Db, row: SessionRow, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    insert(&mut tx, row).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn insert(tx: &mut Tx, row: SessionRow) -> Result<()> {
    outside::let_in(tx, &row).await?;
    let q = sql("INSERT INTO session (id, token_sha256, person, created, last_used, address, user_agent, method, ended,
                 elevated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(row.id)
        .bind(row.token_sha256)
        .bind(row.user)
        .bind(row.created)
        .bind(row.last_used)
        .bind(row.address)
        .bind(row.user_agent)
        .bind(row.method)
        .bind(row.ended)
        .bind(row.elevated);
    tx.run(q).await?;
    Ok(())
}

/// The session that is still open under this token. Whether its account is disabled is for the caller to say.
pub(crate) async fn by_token(db: &Db, token_sha256: &[u8]) -> Result<Option<(SessionRow, UserRow)>> {
    let q = sql("SELECT s.id, s.token_sha256, s.person, s.created, s.last_used, s.address, s.user_agent, s.method, s.ended,
                 s.elevated, p.id, p.name, p.display_name, p.role, p.password_phc, p.totp_sealed, p.totp_revision,
                 p.totp_last_step, p.created,
                 p.disabled, p.failures, p.revision, p.tenant
                 FROM session s JOIN person p ON p.id = s.person WHERE s.token_sha256 = $1 AND s.ended IS NULL");
    let Some(row) = db.row(q.bind(token_sha256)).await? else { return Ok(None) };
    let mut r = row.read();
    Ok(Some((read(&mut r)?, people::read_from(&mut r)?)))
}

pub(crate) async fn touch(db: &Db, id: SessionId, at: Timestamp) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE session SET last_used = $2 WHERE id = $1 AND ended IS NULL AND last_used < $2");
    tx.run(q.bind(id).bind(at)).await?;
    tx.commit().await
}

pub(crate) async fn of(db: &Db, user: UserId) -> Result<Vec<SessionRow>> {
    let q = sql(
        "SELECT id, token_sha256, person, created, last_used, address, user_agent, method, ended, elevated
                 FROM session WHERE person = $1 ORDER BY id DESC LIMIT 500",
    );
    db.rows(q.bind(user)).await?.iter().map(|row| read(&mut row.read())).collect()
}

pub(crate) async fn end(db: &Db, id: SessionId, at: Timestamp, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE session SET ended = $2 WHERE id = $1 AND ended IS NULL");
    if tx.run(q.bind(id).bind(at)).await? == 0
        && tx.row(sql("SELECT id FROM session WHERE id = $1").bind(id)).await?.is_none()
    {
        return Err(StoreError::NotFound { what: "the session" });
    }
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn end_all(
    db: &Db,
    user: UserId,
    keep: Option<SessionId>,
    at: Timestamp,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    end_others(&mut tx, user, keep, at).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn end_others(
    tx: &mut Tx,
    user: UserId,
    keep: Option<SessionId>,
    at: Timestamp,
) -> Result<()> {
    let mut q = Compose::new("UPDATE session SET ended = ");
    q.arg(at).and("person = ", user).condition("ended IS NULL");
    if let Some(keep) = keep {
        q.and("id <> ", keep);
    }
    tx.run(q.done()).await?;
    Ok(())
}

/// The session goes on under another token: what was overheard before is worth nothing.
pub(crate) async fn elevate(
    db: &Db,
    id: SessionId,
    token_sha256: Vec<u8>,
    at: Timestamp,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE session SET token_sha256 = $2, elevated = $3 WHERE id = $1 AND ended IS NULL");
    if tx.run(q.bind(id).bind(token_sha256).bind(at)).await? == 0 {
        return Err(StoreError::NotFound { what: "the session" });
    }
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}
