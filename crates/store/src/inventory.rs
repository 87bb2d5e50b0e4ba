//! What hosts are made of.

use std::collections::{BTreeMap, HashSet};

use wk_domain::HostId;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{InventoryChange, InventoryRow, Page};
use wk_engine::ports::store::Result;

use crate::db::{Db, Tx};
use crate::error::conflict;
use crate::limit;
use crate::sql::{Bulk, Compose, Of, sql};
use crate::value::{Row, Value, clean};

const UPSERT: Bulk = Bulk {
    head: "INSERT INTO inventory (host, section, key, fields, first_seen, last_changed, tenant)",
    columns: 7,
    // What is as it was keeps its date, and costs no write.
    tail: "ON CONFLICT (host, section, key) DO UPDATE SET fields = excluded.fields, last_changed = excluded.last_changed
           WHERE inventory.fields <> excluded.fields",
    tenant: Some(Of::Host),
};

/// Applies a change of a section; one of a host that was removed meanwhile is left out.
pub(crate) async fn apply(tx: &mut Tx, change: InventoryChange) -> Result<()> {
    let InventoryChange { host, section, full, upserts, removed, at } = change;
    if tx.row(sql("SELECT id FROM host WHERE id = $1").bind(host)).await?.is_none() {
        return Ok(());
    }
    // The last word on a key counts; in key order, for the same reasons as states.
    let upserts: BTreeMap<String, String> =
        upserts.into_iter().map(|(key, fields)| (clean(key), fields)).collect();
    let mut gone: HashSet<String> = removed.into_iter().map(clean).collect();
    if full {
        let q = sql("SELECT key FROM inventory WHERE host = $1 AND section = $2");
        for row in tx.rows(q.bind(host).bind(section.as_str())).await? {
            gone.insert(row.read().text()?);
        }
    }
    let gone: Vec<String> = gone.into_iter().filter(|key| !upserts.contains_key(key)).collect();
    for chunk in gone.chunks(200) {
        let mut q = Compose::new("DELETE FROM inventory");
        q.and("host = ", host)
            .and("section = ", section.as_str())
            .condition("key IN ")
            .list(chunk.iter().cloned());
        tx.run(q.done()).await?;
    }
    let values: Vec<Vec<Value>> = upserts
        .into_iter()
        .map(|(key, fields)| {
            vec![
                host.into(),
                section.as_str().into(),
                key.into(),
                fields.into(),
                at.into(),
                at.into(),
                host.into(),
            ]
        })
        .collect();
    tx.run_all(UPSERT.queries(tx.engine(), values)).await?;
    Ok(())
}

fn read(row: &Row) -> Result<InventoryRow> {
    let mut r = row.read();
    Ok(InventoryRow {
        host: r.id()?,
        section: r.text()?,
        key: r.text()?,
        fields_json: r.text()?,
        first_seen: r.instant()?,
        last_changed: r.instant()?,
    })
}

pub(crate) async fn list(
    db: &Db,
    scope: &TenantScope,
    host: HostId,
    section: Option<&str>,
    page: Page,
) -> Result<Vec<InventoryRow>> {
    let mut q = Compose::new("SELECT host, section, key, fields, first_seen, last_changed FROM inventory");
    q.within("tenant", scope).and("host = ", host);
    if let Some(section) = section {
        q.and("section = ", section);
    }
    if let Some(after) = &page.after {
        // Sections have no slash; keys may.
        let Some((section, key)) = after.split_once('/') else {
            return Err(conflict("the cursor of an inventory list looks like `section/key`"));
        };
        q.condition("(section, key) > (").arg(section).push(", ").arg(key).push(")");
    }
    q.push(" ORDER BY section, key LIMIT ").arg(limit(&page));
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn counts(db: &Db, scope: &TenantScope, host: HostId) -> Result<Vec<(String, u64)>> {
    let mut q = Compose::new("SELECT section, COUNT(*) FROM inventory");
    q.within("tenant", scope).and("host = ", host).push(" GROUP BY section ORDER BY section");
    let rows = db.seen(scope, q.done()).await?;
    rows.iter()
        .map(|row| {
            let mut r = row.read();
            Ok((r.text()?, u64::try_from(r.int()?).unwrap_or(0)))
        })
        .collect()
}
