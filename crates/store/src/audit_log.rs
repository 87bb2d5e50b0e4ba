//! The audit log: entries go in with the change they speak of, and never change again.
//!
//! No statement here or elsewhere updates or deletes an entry, and triggers refuse whoever tries.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use wk_audit::{Draft, Entry};
use wk_domain::{TenantId, Timestamp};
use wk_engine::ports::TenantScope;
use wk_engine::ports::rows::{AuditFilter, AuditRow, Page};
use wk_engine::ports::store::{Result, StoreError};

use crate::db::{Db, Tx};
use crate::sql::{Bulk, Compose, sql};
use crate::value::{Row, Value, ordinal, unordinal};
use crate::{limit, parse_cursor};

const INSERT: Bulk = Bulk {
    head: "INSERT INTO audit_entry (seq, at, actor, action, object, outcome, entry, leaf_hash, tenant)",
    columns: 9,
    tail: "",
    tenant: None,
};

/// Appends entries inside a transaction that changes something. Called last in it: the counter's row is then locked
/// for the shortest time, and every transaction takes its locks in the same order.
pub(crate) async fn append(tx: &mut Tx, drafts: Vec<Draft>) -> Result<()> {
    let drafts = crate::approvals::redeem(tx, drafts).await?;
    let Some(newest) = drafts.last() else { return Ok(()) };
    let count = i64::try_from(drafts.len()).unwrap_or(i64::MAX);
    let take = sql("UPDATE audit_head SET next_seq = next_seq + $1, prev_ts_ns = last_ts_ns, last_ts_ns = $2
                    WHERE only_row = 1 RETURNING next_seq, prev_ts_ns")
    .bind(count)
    .bind(newest.ts_ns);
    let Some(row) = tx.row(take).await? else {
        return Err(StoreError::Corrupt { detail: "the audit counter is gone".into() });
    };
    let mut row = row.read();
    let (next, mut previous) = (row.int()?, row.opt_int()?);
    // Read while the counter is ours, so that it rises with the sequence.
    let mono_ns = i64::try_from(STARTED.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let node = Arc::clone(tx.node());
    let mut rows = Vec::with_capacity(drafts.len());
    for (seq, draft) in (next - count..).zip(drafts) {
        let ts_ns = draft.ts_ns;
        rows.push(row_of(seq, &node, mono_ns, previous, draft)?);
        previous = Some(ts_ns);
    }
    tx.run_all(INSERT.queries(tx.engine(), rows)).await?;
    Ok(())
}

/// Where this process's own clock begins: about its first entry.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

fn row_of(
    seq: i64,
    node: &str,
    mono_ns: i64,
    previous_ts_ns: Option<i64>,
    draft: Draft,
) -> Result<Vec<Value>> {
    let at = Timestamp::from_ms(draft.ts_ns.div_euclid(1_000_000));
    let actor = named(draft.actor.kind.as_str(), &draft.actor.id);
    let object = draft.object.as_ref().map(|object| named(&object.kind, &object.id)).unwrap_or_default();
    let action = draft.action.clone().into_owned();
    let outcome = draft.outcome.as_str();
    // What names no tenant is the server's own.
    let tenant: TenantId = draft.tenant.parse().unwrap_or(TenantId::ROOT);
    let entry = Entry::new(unordinal(seq)?, node, mono_ns, previous_ts_ns, draft).encode();
    let leaf = Entry::leaf_hash(&entry);
    let entry = String::from_utf8(entry)
        .map_err(|e| StoreError::Other { what: "write an audit entry", detail: e.to_string() })?;
    Ok(vec![
        seq.into(),
        at.into(),
        actor.into(),
        action.into(),
        object.into(),
        outcome.into(),
        entry.into(),
        leaf.as_bytes().as_slice().into(),
        tenant.into(),
    ])
}

/// What lists are filtered by. `user_01h4…` says its kind itself; a uid does not: `local:0`.
fn named(kind: &str, id: &str) -> String {
    if id.is_empty() {
        kind.to_owned()
    } else if id.strip_prefix(kind).is_some_and(|rest| rest.starts_with('_')) {
        id.to_owned()
    } else {
        format!("{kind}:{id}")
    }
}

const SELECT: &str = "SELECT seq, at, actor, action, object, outcome, entry, leaf_hash FROM audit_entry";

fn read(row: &Row) -> Result<AuditRow> {
    let mut r = row.read();
    Ok(AuditRow {
        seq: unordinal(r.int()?)?,
        at: r.instant()?,
        actor: r.text()?,
        action: r.text()?,
        object: r.text()?,
        outcome: r.text()?,
        entry_json: r.text()?,
        leaf_hash: r.bytes()?.try_into().map_err(|_| StoreError::Corrupt {
            detail: "a leaf hash of the audit log is not 32 bytes".into(),
        })?,
    })
}

pub(crate) async fn list(
    db: &Db,
    scope: &TenantScope,
    filter: AuditFilter,
    page: Page,
) -> Result<Vec<AuditRow>> {
    let mut q = Compose::new(SELECT);
    q.within("tenant", scope);
    if let Some(after) = &page.after {
        q.and("seq < ", ordinal(parse_cursor(after)?)?);
    }
    if let Some(actor) = filter.actor {
        q.and("actor = ", actor);
    }
    if let Some(prefix) = filter.action_prefix {
        // By length and not by LIKE: `%` and `_` in what people type mean themselves.
        q.and("substr(action, 1, length(CAST(", prefix.clone()).push(" AS TEXT))) = ").arg(prefix);
    }
    if let Some(object) = filter.object {
        q.and("object = ", object);
    }
    if let Some(outcome) = filter.outcome {
        q.and("outcome = ", outcome);
    }
    if let Some(from) = filter.from {
        q.and("at >= ", from);
    }
    if let Some(to) = filter.to {
        q.and("at < ", to);
    }
    q.push(" ORDER BY seq DESC LIMIT ").arg(limit(&page));
    db.seen(scope, q.done()).await?.iter().map(read).collect()
}

pub(crate) async fn from(db: &Db, seq: u64, limit: u32) -> Result<Vec<AuditRow>> {
    let mut q = Compose::new(SELECT);
    q.and("seq >= ", ordinal(seq)?).push(" ORDER BY seq LIMIT ").arg(limit);
    db.rows(q.done()).await?.iter().map(read).collect()
}
