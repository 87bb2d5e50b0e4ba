//! One-time links for people: to join, or to choose new factors. Known by the digest of what only the person holds.

use std::time::Duration;

use wk_audit::Draft;
use wk_domain::{InvitationId, Timestamp};
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::InvitationRow;
use wk_engine::ports::store::{Result, StoreError};

use crate::audit_log;
use crate::db::{Db, Tx};
use crate::error::conflict;
use crate::sql::{Compose, sql};
use crate::value::Row;

/// What came of a link is in the audit log; the row itself is of no use much longer than the link works.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

fn read(row: &Row) -> Result<InvitationRow> {
    let mut r = row.read();
    Ok(InvitationRow {
        id: r.id()?,
        secret_sha256: r.bytes()?,
        person: r.opt_id()?,
        name: r.text()?,
        display_name: r.text()?,
        role: r.text()?,
        created: r.instant()?,
        created_by: r.text()?,
        expires: r.instant()?,
        used: r.opt_instant()?,
        withdrawn: r.opt_instant()?,
        tenant: r.id()?,
    })
}

pub(crate) async fn insert(tx: &mut Tx, row: InvitationRow) -> Result<()> {
    tx.run(sql("DELETE FROM invitation WHERE expires < $1").bind(row.created - KEPT)).await?;
    // One link per name: whoever asks for a new one means that the old one is lost.
    let older = "UPDATE invitation SET withdrawn = $2 WHERE name = $1 AND tenant = $3 AND used IS NULL
                 AND withdrawn IS NULL";
    tx.run(sql(older).bind(row.name.as_str()).bind(row.created).bind(row.tenant)).await?;
    let q = sql(
        "INSERT INTO invitation (id, secret_sha256, person, name, display_name, role, created, created_by,
                 expires, used, withdrawn, tenant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(row.id)
    .bind(row.secret_sha256)
    .bind(row.person)
    .bind(row.name)
    .bind(row.display_name)
    .bind(row.role)
    .bind(row.created)
    .bind(row.created_by)
    .bind(row.expires)
    .bind(row.used)
    .bind(row.withdrawn)
    .bind(row.tenant);
    tx.run(q).await?;
    Ok(())
}

pub(crate) async fn put(db: &Db, row: InvitationRow, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    insert(&mut tx, row).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

/// Uses a link up; conflict when it is no good (any more).
pub(crate) async fn burn(tx: &mut Tx, id: InvitationId, at: Timestamp) -> Result<()> {
    let q = sql(
        "UPDATE invitation SET used = $2 WHERE id = $1 AND used IS NULL AND withdrawn IS NULL AND expires > $2",
    );
    if tx.run(q.bind(id).bind(at)).await? == 1 {
        return Ok(());
    }
    Err(conflict("the link was used, withdrawn, or is over"))
}

pub(crate) async fn by_secret(db: &Db, secret_sha256: &[u8]) -> Result<Option<InvitationRow>> {
    let q =
        sql("SELECT id, secret_sha256, person, name, display_name, role, created, created_by, expires, used,
                 withdrawn, tenant FROM invitation WHERE secret_sha256 = $1");
    db.row(q.bind(secret_sha256)).await?.as_ref().map(read).transpose()
}

pub(crate) async fn open(db: &Db, scope: &TenantScope) -> Result<Vec<InvitationRow>> {
    let mut q = Compose::new(
        "SELECT id, secret_sha256, person, name, display_name, role, created, created_by, expires, used, withdrawn, tenant
         FROM invitation",
    );
    q.condition("used IS NULL").condition("withdrawn IS NULL").within("tenant", scope);
    q.push(" ORDER BY id DESC LIMIT 500");
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn withdraw(db: &Db, id: InvitationId, at: Timestamp, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE invitation SET withdrawn = $2 WHERE id = $1 AND used IS NULL AND withdrawn IS NULL");
    if tx.run(q.bind(id).bind(at)).await? == 0 {
        let there = tx.row(sql("SELECT id FROM invitation WHERE id = $1").bind(id)).await?.is_some();
        return Err(if there {
            conflict("the link was used or withdrawn already")
        } else {
            StoreError::NotFound { what: "the invitation" }
        });
    }
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}
