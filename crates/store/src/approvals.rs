//! Requests that another person must agree to.

use async_trait::async_trait;
use wk_audit::{Agreement, Draft, Outcome};
use wk_domain::{ApprovalId, Timestamp, UserId};
use wk_engine::ports::approvals::{ApprovalRow, ApprovalStore, Settled};
use wk_engine::ports::rows::Page;
use wk_engine::ports::store::{Result, StoreError};

use crate::db::Tx;
use crate::error::conflict;
use crate::sql::{Compose, sql};
use crate::value::Row;
use crate::{SqlStore, audit_log, limit, parse_id};

const SELECT: &str =
    "SELECT id, act, object, summary, payload, payload_sha256, object_state, requester, requester_name, via,
     reason, requested, expires, state, decided, decider, decided_by, note FROM approval";

/// Much longer than a request can be decided: what came of it is in the audit log too.
const KEPT_MS: i64 = 400 * 86_400_000;

fn read(row: &Row) -> Result<ApprovalRow> {
    let mut r = row.read();
    Ok(ApprovalRow {
        id: r.id()?,
        act: r.text()?,
        object: r.text()?,
        summary: r.text()?,
        payload_json: r.text()?,
        payload_sha256: r.text()?,
        object_state: r.text()?,
        requester: r.opt_id()?,
        requester_name: r.text()?,
        via: r.text()?,
        reason: r.text()?,
        requested: r.instant()?,
        expires: r.instant()?,
        state: r.text()?,
        decided: r.opt_instant()?,
        decider: r.opt_id()?,
        decided_by: r.text()?,
        note: r.text()?,
    })
}

/// Uses up what the entries stand on, as part of the transaction that writes them: the request must be open, and is done
/// afterwards. The decision's own entry comes first. Of two who agree at once, one finds nothing to use up.
pub(crate) async fn redeem(tx: &mut Tx, drafts: Vec<Draft>) -> Result<Vec<Draft>> {
    if drafts.iter().all(|draft| draft.agreement.is_none()) {
        return Ok(drafts);
    }
    let mut used: Vec<String> = Vec::new();
    let mut written = Vec::with_capacity(drafts.len() + 1);
    for mut draft in drafts {
        // What was refused or did not work is written down without using anything up.
        if let Some(agreement) = draft.agreement.take()
            && draft.outcome == Outcome::Success
            && !used.contains(&agreement.approval)
        {
            let at = Timestamp::from_ms(draft.ts_ns.div_euclid(1_000_000));
            use_up(tx, &agreement, at).await?;
            used.push(agreement.approval.clone());
            written.push(agreement.decision);
        }
        written.push(draft);
    }
    Ok(written)
}

async fn use_up(tx: &mut Tx, agreement: &Agreement, at: Timestamp) -> Result<()> {
    if agreement.approval.is_empty() {
        return Err(conflict("a program may only ask for this, and nobody was asked; nothing was done"));
    }
    let bad = |_| StoreError::Other { what: "use an approval up", detail: "its id is not one".into() };
    let id: ApprovalId = agreement.approval.parse().map_err(bad)?;
    let by: UserId = agreement.by_id.parse().map_err(bad)?;
    // The requester never agrees, whatever the caller believes: the last of several walls.
    let q = sql("UPDATE approval SET state = 'done', decided = $2, decider = $3, decided_by = $4, note = $5
                 WHERE id = $1 AND state = 'open' AND expires > $2 AND (requester IS NULL OR requester <> $3)");
    let q = q.bind(id).bind(at).bind(by).bind(agreement.by.as_str()).bind(agreement.note.as_str());
    if tx.run(q).await? == 1 {
        return Ok(());
    }
    Err(conflict("the request was decided by somebody else meanwhile, or is over; nothing was done"))
}

#[async_trait]
impl ApprovalStore for SqlStore {
    async fn put_approval(&self, row: ApprovalRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let old = Timestamp::from_ms(row.requested.as_ms().saturating_sub(KEPT_MS));
        tx.run(sql("DELETE FROM approval WHERE requested < $1").bind(old)).await?;
        let q = sql("INSERT INTO approval (id, act, object, summary, payload, payload_sha256, object_state, requester,
                     requester_name, via, reason, requested, expires, state, decided, decider, decided_by, note)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)");
        let q = q.bind(row.id).bind(row.act).bind(row.object).bind(row.summary).bind(row.payload_json);
        let q = q.bind(row.payload_sha256).bind(row.object_state).bind(row.requester);
        let q = q.bind(row.requester_name).bind(row.via).bind(row.reason).bind(row.requested);
        let q = q.bind(row.expires).bind(row.state).bind(row.decided).bind(row.decider);
        tx.run(q.bind(row.decided_by).bind(row.note)).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn approval(&self, id: ApprovalId) -> Result<Option<ApprovalRow>> {
        let mut q = Compose::new(SELECT);
        q.and("id = ", id);
        self.db.row(q.done()).await?.as_ref().map(read).transpose()
    }

    async fn approvals(&self, open_at: Option<Timestamp>, page: Page) -> Result<Vec<ApprovalRow>> {
        let mut q = Compose::new(SELECT);
        if let Some(at) = open_at {
            q.condition("state = 'open'").and("expires > ", at);
        }
        if let Some(after) = &page.after {
            let after: ApprovalId = parse_id(after)?;
            q.and("id < ", after);
        }
        q.push(" ORDER BY id DESC LIMIT ").arg(limit(&page));
        self.db.rows(q.done()).await?.iter().map(read).collect()
    }

    async fn settle_approval(&self, settled: Settled, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("UPDATE approval SET state = $2, decided = $3, decider = $4, decided_by = $5, note = $6
                     WHERE id = $1 AND state = 'open'");
        let q = q.bind(settled.id).bind(settled.state).bind(settled.at).bind(settled.decider);
        if tx.run(q.bind(settled.by).bind(settled.note)).await? == 0 {
            return Err(conflict("the request was decided already"));
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }
}
