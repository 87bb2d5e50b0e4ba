//! Saved views: a list's filter under a name, a person's own or shown to everybody.

use wk_audit::Draft;
use wk_domain::{UserId, ViewId};
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::ViewRow;
use wk_engine::ports::store::{Result, StoreError};

use crate::audit_log;
use crate::db::Db;
use crate::error::{conflict, in_words};
use crate::sql::{Compose, sql};
use crate::value::Row;

fn read(row: &Row) -> Result<ViewRow> {
    let mut r = row.read();
    Ok(ViewRow {
        id: r.id()?,
        owner: r.id()?,
        list: r.text()?,
        name: r.text()?,
        filter: r.text()?,
        scope: r.text()?,
        sort: r.text()?,
        shared: r.flag()?,
        created: r.instant()?,
        revision: r.int()?,
        tenant: r.id()?,
    })
}

pub(crate) async fn of(db: &Db, scope: &TenantScope, user: UserId) -> Result<Vec<ViewRow>> {
    let mut q = Compose::new(
        "SELECT id, owner, list, name, filter, scope, sort, shared, created, revision, tenant FROM saved_view",
    );
    q.condition("(owner = ").arg(user).push(" OR shared = 1)").within("tenant", scope);
    q.push(" ORDER BY name, id LIMIT 5000");
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn one(db: &Db, id: ViewId) -> Result<Option<ViewRow>> {
    let q = sql(
        "SELECT id, owner, list, name, filter, scope, sort, shared, created, revision, tenant FROM saved_view
                 WHERE id = $1",
    );
    db.row(q.bind(id)).await?.as_ref().map(read).transpose()
}

pub(crate) async fn put(db: &Db, mut view: ViewRow, audit: Draft) -> Result<ViewRow> {
    let mut tx = db.begin().await?;
    let taken = |name: &str| format!("there is a view called `{name}` already");
    if view.revision == 0 {
        let q = sql(
            "INSERT INTO saved_view (id, owner, list, name, filter, scope, sort, shared, created, revision, tenant)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)",
        )
        .bind(view.id)
        .bind(view.owner)
        .bind(view.list.as_str())
        .bind(view.name.as_str())
        .bind(view.filter.as_str())
        .bind(view.scope.as_str())
        .bind(view.sort.as_str())
        .bind(view.shared)
        .bind(view.created)
        .bind(view.tenant);
        tx.run(q).await.map_err(|e| in_words(e, || taken(&view.name)))?;
    } else {
        let q = sql("UPDATE saved_view SET name = $2, filter = $3, scope = $4, sort = $5, shared = $6,
                     revision = revision + 1 WHERE id = $1 AND revision = $7")
        .bind(view.id)
        .bind(view.name.as_str())
        .bind(view.filter.as_str())
        .bind(view.scope.as_str())
        .bind(view.sort.as_str())
        .bind(view.shared)
        .bind(view.revision);
        if tx.run(q).await.map_err(|e| in_words(e, || taken(&view.name)))? == 0 {
            let there = tx.row(sql("SELECT id FROM saved_view WHERE id = $1").bind(view.id)).await?.is_some();
            return Err(if there {
                conflict("the view was changed in another place meanwhile; look at it again")
            } else {
                StoreError::NotFound { what: "the view" }
            });
        }
    }
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await?;
    view.revision += 1;
    Ok(view)
}

pub(crate) async fn delete(db: &Db, id: ViewId, audit: Draft) -> Result<()> {
    let mut tx = db.begin().await?;
    if tx.run(sql("DELETE FROM saved_view WHERE id = $1").bind(id)).await? == 0 {
        return Err(StoreError::NotFound { what: "the view" });
    }
    audit_log::append(&mut tx, vec![audit]).await?;
    tx.commit().await
}
