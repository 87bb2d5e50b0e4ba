//! The tenants themselves: a tree by parent.

use wk_audit::Draft;
use wk_domain::{Tenant, TenantId};
use wk_engine::ports::store::{Result, StoreError};
use wk_engine::ports::tenants::{TenantCounts, TenantScope};

use crate::access;
use crate::audit_log;
use crate::db::{Db, Tx};
use crate::error::{conflict, in_words};
use crate::hosts::moved_on;
use crate::sql::sql;
use crate::value::{Row, unordinal};

fn read(row: &Row) -> Result<Tenant> {
    let mut r = row.read();
    Ok(Tenant {
        id: r.id()?,
        parent: r.opt_id()?,
        name: r.text()?,
        read_only: r.flag()?,
        why: r.text()?,
        revision: r.int()?,
    })
}

pub(crate) async fn all(db: &Db) -> Result<Vec<Tenant>> {
    let q = sql("SELECT id, parent, name, read_only, why, revision FROM tenant ORDER BY name, id");
    db.rows(q).await?.iter().map(read).collect()
}

pub(crate) async fn put(db: &Db, tenant: Tenant, audit: Draft) -> Result<Tenant> {
    let taken = |e| in_words(e, || format!("there is a tenant called `{}` there already", tenant.name));
    let mut tx = db.begin().await?;
    if let Some(parent) = tenant.parent {
        if tenant.id == TenantId::ROOT {
            return Err(conflict("the first tenant holds all others"));
        }
        hang(&mut tx, tenant.id, parent).await?;
    } else if tenant.id != TenantId::ROOT {
        return Err(conflict("a tenant hangs on another: say on which"));
    }
    let q = sql("UPDATE tenant SET parent = $2, name = $3, read_only = $4, why = $5, revision = $6 + 1
                 WHERE id = $1 AND revision = $6");
    let bound = |q: crate::sql::Query| {
        q.bind(tenant.id)
            .bind(tenant.parent)
            .bind(tenant.name.as_str())
            .bind(tenant.read_only)
            .bind(tenant.why.as_str())
            .bind(tenant.revision)
    };
    let revision = if tx.run(bound(q)).await.map_err(taken)? == 1 {
        tenant.revision + 1
    } else {
        let by_id = sql("SELECT revision FROM tenant WHERE id = $1").bind(tenant.id);
        moved_on(&mut tx, by_id, tenant.revision, "the tenant").await?;
        let at = audit.ts_ns.div_euclid(1_000_000);
        let insert = sql("INSERT INTO tenant (id, parent, name, read_only, why, revision, created)
                          VALUES ($1, $2, $3, $4, $5, $6 + 1, $7)");
        tx.run(bound(insert).bind(at)).await.map_err(taken)?;
        1
    };
    audit_log::append(&mut tx, vec![audit]).await?;
    // Grants hold along the tree.
    access::bump(&mut tx).await?;
    tx.commit().await?;
    Ok(Tenant { revision, ..tenant })
}

/// Looks that the parent is there and not below the tenant, with all on the way up locked: two moves at once must not
/// make a circle.
async fn hang(tx: &mut Tx, tenant: TenantId, parent: TenantId) -> Result<()> {
    // One writer at a time in the whole tree, which changes rarely.
    tx.run(sql("UPDATE tenant SET name = name WHERE parent IS NULL")).await?;
    let mut above = Some(parent);
    for _ in 0..wk_domain::tenant::LEVELS_MAX {
        let Some(id) = above else { return Ok(()) };
        if id == tenant {
            return Err(conflict("a tenant cannot be moved below itself"));
        }
        let Some(row) = tx.row(sql("SELECT parent FROM tenant WHERE id = $1").bind(id)).await? else {
            return Err(conflict("the tenant above is not there (any more)"));
        };
        above = row.read().opt_id()?;
    }
    Err(conflict(format!("that would be more than {} levels of tenants", wk_domain::tenant::LEVELS_MAX)))
}

/// What keeps a tenant from being removed, in the order in which people would look.
const HOLDS: [(&str, &str); 9] = [
    ("SELECT COUNT(*) FROM tenant WHERE parent = $1", "tenants"),
    ("SELECT COUNT(*) FROM host WHERE tenant = $1", "hosts"),
    ("SELECT COUNT(*) FROM person WHERE tenant = $1", "people"),
    ("SELECT COUNT(*) FROM channel WHERE tenant = $1", "notification channels"),
    ("SELECT COUNT(*) FROM people_group WHERE tenant = $1", "groups of people"),
    ("SELECT COUNT(*) FROM access_grant WHERE tenant = $1", "grants"),
    ("SELECT COUNT(*) FROM saved_view WHERE tenant = $1", "saved views"),
    (
        "SELECT COUNT(*) FROM token WHERE tenant = $1 AND used IS NULL AND withdrawn IS NULL",
        "enrolment tokens that are open",
    ),
    (
        "SELECT COUNT(*) FROM invitation WHERE tenant = $1 AND used IS NULL AND withdrawn IS NULL",
        "invitations that are open",
    ),
];

pub(crate) async fn delete(db: &Db, id: TenantId, audit: Draft) -> Result<()> {
    if id == TenantId::ROOT {
        return Err(conflict("the first tenant holds all others: it cannot be removed"));
    }
    let mut tx = db.begin().await?;
    // Locked first: what would be put into it waits, and then finds that it is gone.
    if tx.run(sql("UPDATE tenant SET name = name WHERE id = $1").bind(id)).await? == 0 {
        return Err(StoreError::NotFound { what: "the tenant" });
    }
    for (text, what) in HOLDS {
        let held = tx.row(sql(text).bind(id)).await?.map(|row| row.read().int()).transpose()?.unwrap_or(0);
        if held > 0 {
            return Err(conflict(format!("the tenant holds {held} {what}: move or remove them first")));
        }
    }
    tx.run(sql("DELETE FROM tenant WHERE id = $1").bind(id)).await?;
    audit_log::append(&mut tx, vec![audit]).await?;
    access::bump(&mut tx).await?;
    tx.commit().await
}

pub(crate) async fn counts(db: &Db) -> Result<Vec<TenantCounts>> {
    let q = sql("SELECT t.id, (SELECT COUNT(*) FROM host h WHERE h.tenant = t.id),
        (SELECT COUNT(*) FROM person p WHERE p.tenant = t.id),
        (SELECT COUNT(*) FROM channel c WHERE c.tenant = t.id),
        (SELECT COUNT(*) FROM token k WHERE k.tenant = t.id AND k.used IS NULL AND k.withdrawn IS NULL)
        + (SELECT COUNT(*) FROM invitation i WHERE i.tenant = t.id AND i.used IS NULL AND i.withdrawn IS NULL)
        FROM tenant t ORDER BY t.id");
    db.rows(q)
        .await?
        .iter()
        .map(|row| {
            let mut r = row.read();
            Ok(TenantCounts {
                tenant: r.id()?,
                hosts: unordinal(r.int()?)?,
                people: unordinal(r.int()?)?,
                channels: unordinal(r.int()?)?,
                open_links: unordinal(r.int()?)?,
            })
        })
        .collect()
}

/// See [`crate::SqlStore::without_conditions`].
pub(crate) async fn without_conditions(
    db: &Db,
    scope: &TenantScope,
) -> Result<Vec<(&'static str, Vec<TenantId>)>> {
    const TABLES: [(&str, &str); 17] = [
        ("tenant", "SELECT id FROM tenant"),
        ("host", "SELECT tenant FROM host"),
        ("check_def", "SELECT tenant FROM check_def"),
        ("check_state", "SELECT h.tenant FROM check_state s JOIN host h ON h.id = s.host"),
        ("ack", "SELECT c.tenant FROM ack a JOIN check_def c ON c.id = a.check_id"),
        ("downtime", "SELECT tenant FROM downtime"),
        ("inventory", "SELECT tenant FROM inventory"),
        ("event", "SELECT tenant FROM event"),
        ("agent", "SELECT tenant FROM agent"),
        ("execution", "SELECT tenant FROM execution"),
        ("token", "SELECT tenant FROM token"),
        ("channel", "SELECT tenant FROM channel"),
        ("outbox", "SELECT tenant FROM outbox"),
        ("person", "SELECT tenant FROM person"),
        ("invitation", "SELECT tenant FROM invitation"),
        ("saved_view", "SELECT tenant FROM saved_view"),
        ("audit_entry", "SELECT tenant FROM audit_entry"),
    ];
    let mut seen = Vec::new();
    for (table, text) in TABLES {
        let rows = db.seen(scope, sql(text)).await?;
        seen.push((table, rows.iter().map(|row| row.read().id()).collect::<Result<_>>()?));
    }
    Ok(seen)
}
