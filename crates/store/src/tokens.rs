//! Enrolment: tokens, each good for one agent.

use wk_audit::Draft;
use wk_domain::{AgentId, Timestamp, TokenId};
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{AgentCertRow, AgentRow, HostRow, TokenRow};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::Db;
use crate::error::conflict;
use crate::sql::{Compose, sql};
use crate::value::{Row, json};
use crate::{agents, audit_log, hosts, upkeep};

fn read(row: &Row) -> Result<TokenRow> {
    let mut r = row.read();
    Ok(TokenRow {
        id: r.id()?,
        secret_sha256: r.bytes()?,
        host_pattern: r.text()?,
        grants: r.json()?,
        created: r.instant()?,
        created_by: r.text()?,
        expires: r.instant()?,
        used: r.opt_instant()?,
        used_by: r.opt_id()?,
        withdrawn: r.opt_instant()?,
        tenant: r.id()?,
    })
}

pub(crate) async fn all(db: &Db, scope: &TenantScope) -> Result<Vec<TokenRow>> {
    let mut q = Compose::new(
        "SELECT id, secret_sha256, host_pattern, grants, created, created_by, expires, used, used_by, withdrawn, tenant
         FROM token",
    );
    q.within("tenant", scope).push(" ORDER BY id DESC");
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn one(db: &Db, id: TokenId) -> Result<Option<TokenRow>> {
    let q = sql("SELECT id, secret_sha256, host_pattern, grants, created, created_by, expires, used, used_by, withdrawn,
                 tenant FROM token WHERE id = $1");
    db.row(q.bind(id)).await?.as_ref().map(read).transpose()
}

pub(crate) async fn put(db: &Db, row: TokenRow, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("INSERT INTO token (id, secret_sha256, host_pattern, grants, created, created_by, expires, used, used_by,
                 withdrawn, tenant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(row.id)
        .bind(row.secret_sha256)
        .bind(row.host_pattern)
        .bind(json(&row.grants)?)
        .bind(row.created)
        .bind(row.created_by)
        .bind(row.expires)
        .bind(row.used)
        .bind(row.used_by)
        .bind(row.withdrawn)
        .bind(row.tenant);
    tx.run(q).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn withdraw(db: &Db, id: TokenId, at: Timestamp, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    let q = sql("UPDATE token SET withdrawn = $2 WHERE id = $1 AND withdrawn IS NULL AND used IS NULL");
    if tx.run(q.bind(id).bind(at)).await? == 0 {
        let there = tx.row(sql("SELECT id FROM token WHERE id = $1").bind(id)).await?.is_some();
        return Err(if there {
            conflict("the token was used or withdrawn already")
        } else {
            StoreError::NotFound { what: "the token" }
        });
    }
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

pub(crate) async fn enrol(
    db: &Db,
    token: TokenId,
    now: Timestamp,
    host: HostRow,
    mut agent: AgentRow,
    cert: AgentCertRow,
    audit: Draft,
) -> Result<()> {
    let mut tx = db.begin().await?;
    // The race between two machines with one token is settled here: only one finds the row.
    let burn = sql("UPDATE token SET used = $2, used_by = $3
                    WHERE id = $1 AND used IS NULL AND withdrawn IS NULL AND expires > $2");
    if tx.run(burn.bind(token).bind(now).bind(agent.id)).await? == 0 {
        let there = tx.row(sql("SELECT id FROM token WHERE id = $1").bind(token)).await?.is_some();
        return Err(if there {
            conflict("the token is used, withdrawn or expired")
        } else {
            StoreError::NotFound { what: "the token" }
        });
    }
    match hosts::by_name_in(&mut tx, host.tenant, &host.name).await? {
        None => hosts::insert(&mut tx, &HostRow { agent: Some(agent.id), ..host }).await?,
        Some(known) => {
            // Only a host without an agent may get this one. The condition is in the statement: between the look and
            // the change another enrolment may have been. The revision stays: it counts what people edit.
            let adopt =
                sql("UPDATE host SET agent = $2, addresses = $3, os = $4 WHERE id = $1 AND agent IS NULL")
                    .bind(known.id)
                    .bind(agent.id)
                    .bind(json(&host.addresses)?)
                    .bind(host.os);
            if tx.run(adopt).await? == 0 {
                return Err(conflict(format!(
                    "the host `{}` has an agent already; revoke it first",
                    known.name
                )));
            }
            agent.host = known.id;
        }
    }
    agents::insert(&mut tx, &agent).await?;
    let first: Option<&AgentId> = cert.parent_serial.is_none().then_some(&cert.agent);
    if first != Some(&agent.id) {
        return Err(conflict("the first certificate of an agent has no parent and names the agent"));
    }
    agents::insert_cert(&mut tx, &cert, now).await?;
    upkeep::count_changes(&mut tx, 1).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}
