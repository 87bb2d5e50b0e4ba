//! The timeline.

use wk_audit::Draft;
use wk_domain::EventKind;
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{EventFilter, EventRow, Page};
use wk_engine::ports::store::Result;

use crate::db::{Db, Tx};
use crate::sql::{Bulk, Compose, Of};
use crate::value::{Row, Value};
use crate::{audit_log, limit, parse_id};

const INSERT: Bulk = Bulk {
    head: "INSERT INTO event (id, at, host, check_id, agent, kind, severity, summary, detail, tenant)",
    columns: 10,
    tail: "",
    tenant: Some(Of::Host),
};

fn values(row: EventRow) -> Vec<Value> {
    vec![
        row.id.into(),
        row.at.into(),
        row.host.into(),
        row.check.into(),
        row.agent.into(),
        row.kind.into(),
        row.severity.into(),
        row.summary.into(),
        row.detail_json.into(),
        row.host.into(),
    ]
}

pub(crate) async fn insert(tx: &mut Tx, events: Vec<EventRow>) -> Result<()> {
    tx.run_all(INSERT.queries(tx.engine(), events.into_iter().map(values).collect())).await?;
    Ok(())
}

fn read(row: &Row) -> Result<EventRow> {
    let mut r = row.read();
    Ok(EventRow {
        id: r.id()?,
        at: r.instant()?,
        host: r.opt_id()?,
        check: r.opt_id()?,
        agent: r.opt_id()?,
        kind: r.text()?,
        severity: r.text()?,
        summary: r.text()?,
        detail_json: r.text()?,
    })
}

pub(crate) async fn list(
    db: &Db,
    scope: &TenantScope,
    filter: EventFilter,
    page: Page,
) -> Result<Vec<EventRow>> {
    let mut q =
        Compose::new("SELECT id, at, host, check_id, agent, kind, severity, summary, detail FROM event");
    q.within("tenant", scope);
    if let Some(after) = &page.after {
        q.and("id < ", parse_id::<EventKind>(after)?);
    }
    if let Some(host) = filter.host {
        q.and("host = ", host);
    }
    if let Some(check) = filter.check {
        q.and("check_id = ", check);
    }
    if !filter.kinds.is_empty() {
        q.condition("kind IN ").list(filter.kinds);
    }
    if let Some(from) = filter.from {
        q.and("at >= ", from);
    }
    if let Some(to) = filter.to {
        q.and("at < ", to);
    }
    q.push(" ORDER BY id DESC LIMIT ").arg(limit(&page));
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn put(db: &Db, event: EventRow, audit: Option<Draft>) -> Result<()> {
    let mut tx = db.begin().await?;
    insert(&mut tx, vec![event]).await?;
    audit_log::append(&mut tx, audit.into_iter().collect()).await?;
    tx.commit().await
}
