//! Hosts.

use std::collections::HashSet;

use wk_audit::Draft;
use wk_domain::{HostId, Labels, TenantId};
use wk_engine::ports::rows::HostRow;
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::error::{conflict, in_words};
use crate::sql::{Compose, Query, sql};
use crate::value::{Row, json};
use crate::{audit_log, upkeep};

pub(crate) fn read(row: &Row) -> Result<HostRow> {
    let mut r = row.read();
    Ok(HostRow {
        id: r.id()?,
        name: r.text()?,
        agent: r.opt_id()?,
        created: r.instant()?,
        fields: r.json()?,
        addresses: r.json()?,
        os: r.text()?,
        revision: r.int()?,
        tenant: r.id()?,
        labels: labels(&r.json::<Vec<(String, String)>>()?)?,
    })
}

fn labels(pairs: &[(String, String)]) -> Result<Labels> {
    Labels::parse(pairs.iter().map(|(key, value)| (key, value)))
        .map_err(|e| StoreError::Corrupt { detail: format!("labels of a host: {e}") })
}

pub(crate) async fn all(db: &Db) -> Result<Vec<HostRow>> {
    let q = sql("SELECT id, name, agent, created, fields, addresses, os, revision, tenant, labels FROM host
                 ORDER BY name, id");
    db.rows(q).await?.iter().map(read).collect()
}

pub(crate) async fn one(db: &Db, id: HostId) -> Result<Option<HostRow>> {
    let q = sql("SELECT id, name, agent, created, fields, addresses, os, revision, tenant, labels FROM host
                 WHERE id = $1")
    .bind(id);
    db.row(q).await?.as_ref().map(read).transpose()
}

const BY_NAME: &str =
    "SELECT id, name, agent, created, fields, addresses, os, revision, tenant, labels FROM host
     WHERE tenant = $1 AND name = $2";

pub(crate) async fn by_name(db: &Db, tenant: TenantId, name: &str) -> Result<Option<HostRow>> {
    db.row(sql(BY_NAME).bind(tenant).bind(name)).await?.as_ref().map(read).transpose()
}

pub(crate) async fn by_name_in(tx: &mut Tx, tenant: TenantId, name: &str) -> Result<Option<HostRow>> {
    tx.row(sql(BY_NAME).bind(tenant).bind(name)).await?.as_ref().map(read).transpose()
}

fn args(text: &'static str, host: &HostRow) -> Result<Query> {
    Ok(sql(text)
        .bind(host.id)
        .bind(host.name.as_str())
        .bind(host.agent)
        .bind(host.created)
        .bind(json(&host.fields)?)
        .bind(json(&host.addresses)?)
        .bind(host.os.as_str())
        .bind(host.revision)
        .bind(host.tenant)
        .bind(json(&host.labels.iter().collect::<Vec<_>>())?))
}

fn name_taken(host: &HostRow) -> impl FnOnce(StoreError) -> StoreError + '_ {
    |e| in_words(e, || format!("another host is called `{}`", host.name))
}

/// Inserts a host at revision 1.
pub(crate) async fn insert(tx: &mut Tx, host: &HostRow) -> Result<()> {
    let host = HostRow { revision: 1, ..host.clone() };
    tenant_is_there(tx, host.tenant).await?;
    let q = "INSERT INTO host (id, name, agent, created, fields, addresses, os, revision, tenant, labels)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    tx.run(args(q, &host)?).await.map_err(name_taken(&host))?;
    Ok(())
}

pub(crate) async fn put(db: &Db, host: HostRow, audit: Draft) -> Result<HostRow> {
    let mut tx = db.begin().await?;
    let was = tx.row(sql("SELECT tenant FROM host WHERE id = $1").bind(host.id)).await?;
    let was: Option<TenantId> = was.map(|row| row.read().id()).transpose()?;
    let q = "UPDATE host SET name = $2, agent = $3, created = $4, fields = $5, addresses = $6, os = $7, revision = $8 + 1,
             tenant = $9, labels = $10 WHERE id = $1 AND revision = $8";
    let changed = tx.run(args(q, &host)?).await.map_err(name_taken(&host))?;
    let revision = if changed == 1 {
        if was != Some(host.tenant) {
            tenant_is_there(&mut tx, host.tenant).await?;
            take_along(&mut tx, &host).await?;
        }
        host.revision + 1
    } else {
        moved_on(
            &mut tx,
            sql("SELECT revision FROM host WHERE id = $1").bind(host.id),
            host.revision,
            "the host",
        )
        .await?;
        insert(&mut tx, &host).await?;
        1
    };
    upkeep::count_changes(&mut tx, 1).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await?;
    Ok(HostRow { revision, ..host })
}

/// There is no foreign key for it: SQLite adds none to a table that is there. The row is locked where the engine can, so
/// that the tenant is not removed meanwhile.
pub(crate) async fn tenant_is_there(tx: &mut Tx, tenant: TenantId) -> Result<()> {
    // An update that changes nothing locks on both engines.
    if tx.run(sql("UPDATE tenant SET name = name WHERE id = $1").bind(tenant)).await? == 0 {
        return Err(conflict("the tenant is not there (any more)"));
    }
    Ok(())
}

/// Whatever hangs on a host goes to its new tenant with it. Audit entries stay: they never change.
async fn take_along(tx: &mut Tx, host: &HostRow) -> Result<()> {
    for text in [
        "UPDATE check_def SET tenant = $2 WHERE host = $1",
        "UPDATE downtime SET tenant = $2 WHERE host = $1",
        "UPDATE inventory SET tenant = $2 WHERE host = $1",
        "UPDATE event SET tenant = $2 WHERE host = $1",
        "UPDATE outbox SET tenant = $2 WHERE host = $1",
        "UPDATE execution SET tenant = $2 WHERE agent IN (SELECT id FROM agent WHERE host = $1)",
        "UPDATE agent SET tenant = $2 WHERE host = $1",
    ] {
        tx.run(sql(text).bind(host.id).bind(host.tenant)).await?;
    }
    Ok(())
}

/// After an update by id and revision that found nothing: fine if the thing is new.
pub(crate) async fn moved_on(tx: &mut Tx, by_id: Query, revision: i64, what: &'static str) -> Result<()> {
    if tx.row(by_id).await?.is_some() {
        return Err(conflict(format!("{what} was changed by somebody else meanwhile; look at it again")));
    }
    // Whoever edits what was removed meanwhile must not bring it back.
    if revision != 0 {
        return Err(StoreError::NotFound { what });
    }
    Ok(())
}

/// What ingest may change of a host: addresses and system. It neither makes a host nor touches what people edit.
pub(crate) async fn observed(tx: &mut Tx, host: &HostRow) -> Result<()> {
    let q = sql("UPDATE host SET addresses = $2, os = $3 WHERE id = $1");
    tx.run(q.bind(host.id).bind(json(&host.addresses)?).bind(host.os.as_str())).await?;
    Ok(())
}

pub(crate) async fn delete(db: &Db, id: HostId, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    // Checks, states, acknowledgements, downtimes and inventory go with it, by their foreign keys.
    if tx.run(sql("DELETE FROM host WHERE id = $1").bind(id)).await? == 0 {
        return Err(StoreError::NotFound { what: "the host" });
    }
    let q = sql("DELETE FROM outbox WHERE host = $1 AND state = 'pending'");
    tx.run(q.bind(id)).await?;
    upkeep::count_changes(&mut tx, 1).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}

/// Which of these hosts are there.
pub(crate) async fn known(tx: &mut Tx, ids: impl Iterator<Item = HostId>) -> Result<HashSet<HostId>> {
    let ids: Vec<HostId> = ids.collect::<HashSet<_>>().into_iter().collect();
    let mut known = HashSet::new();
    for chunk in ids.chunks(200) {
        let mut q = Compose::new("SELECT id FROM host WHERE id IN ");
        q.list(chunk.iter().copied());
        for row in tx.rows(q.done()).await? {
            known.insert(row.read().id()?);
        }
    }
    Ok(known)
}
