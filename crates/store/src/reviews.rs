//! Reviews of who has access, and the figures they are made from.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{ReviewId, Timestamp};
use wk_engine::ports::reviews::{ReviewLineRow, ReviewRow, ReviewStore, UsageRow};
use wk_engine::ports::rows::SessionRow;
use wk_engine::ports::store::{Result, StoreError};

use crate::error::conflict;
use crate::sql::{Bulk, sql};
use crate::value::{Row, Value, unordinal};
use crate::{SqlStore, audit_log};

const INSERT_LINES: Bulk = Bulk {
    head: "INSERT INTO access_review_line (review, number, kind, subject, name, facts, findings, decision, role, note, decided,
           decided_by)",
    columns: 12,
    tail: "",
    tenant: None,
};

fn read(row: &Row) -> Result<ReviewRow> {
    let mut r = row.read();
    Ok(ReviewRow {
        id: r.id()?,
        created: r.instant()?,
        created_by: r.text()?,
        window_days: r.int()?,
        due: r.instant()?,
        signed: r.opt_instant()?,
        signed_by: r.text()?,
        note: r.text()?,
        next_due: r.opt_instant()?,
    })
}

fn read_line(row: &Row) -> Result<ReviewLineRow> {
    let mut r = row.read();
    Ok(ReviewLineRow {
        review: r.id()?,
        number: r.int()?,
        kind: r.text()?,
        subject: r.text()?,
        name: r.text()?,
        facts_json: r.text()?,
        findings_json: r.text()?,
        decision: r.text()?,
        role: r.text()?,
        note: r.text()?,
        decided: r.opt_instant()?,
        decided_by: r.text()?,
    })
}

#[async_trait]
impl ReviewStore for SqlStore {
    async fn usage_since(&self, since: Timestamp) -> Result<Vec<UsageRow>> {
        let q = sql("SELECT actor, action, COUNT(*), MAX(at) FROM audit_entry WHERE at >= $1 AND outcome = 'success'
                     AND (actor LIKE 'user:%' OR actor LIKE 'token:%' OR actor LIKE 'apitoken%') GROUP BY actor, action");
        let read = |row: &Row| {
            let mut r = row.read();
            Ok(UsageRow {
                actor: r.text()?,
                action: r.text()?,
                count: unordinal(r.int()?)?,
                last: r.instant()?,
            })
        };
        self.db.rows(q.bind(since)).await?.iter().map(read).collect()
    }

    async fn sessions_since(&self, since: Timestamp) -> Result<Vec<SessionRow>> {
        let q = sql("SELECT id, person, created, last_used, address, user_agent, method, ended FROM session
                     WHERE last_used >= $1 ORDER BY created LIMIT 50000");
        let read = |row: &Row| {
            let mut r = row.read();
            Ok(SessionRow {
                id: r.id()?,
                user: r.id()?,
                created: r.instant()?,
                last_used: r.instant()?,
                address: r.text()?,
                user_agent: r.text()?,
                method: r.text()?,
                ended: r.opt_instant()?,
                token_sha256: Vec::new(),
                elevated: None,
            })
        };
        self.db.rows(q.bind(since)).await?.iter().map(read).collect()
    }

    async fn put_review(&self, row: ReviewRow, lines: Vec<ReviewLineRow>, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("INSERT INTO access_review (id, created, created_by, window_days, due, signed, signed_by, note, next_due)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
        let q = q.bind(row.id).bind(row.created).bind(row.created_by).bind(row.window_days).bind(row.due);
        tx.run(q.bind(row.signed).bind(row.signed_by).bind(row.note).bind(row.next_due)).await?;
        let values = lines
            .into_iter()
            .map(|line| -> Vec<Value> {
                vec![
                    line.review.into(),
                    line.number.into(),
                    line.kind.into(),
                    line.subject.into(),
                    line.name.into(),
                    line.facts_json.into(),
                    line.findings_json.into(),
                    line.decision.into(),
                    line.role.into(),
                    line.note.into(),
                    line.decided.into(),
                    line.decided_by.into(),
                ]
            })
            .collect();
        tx.run_all(INSERT_LINES.queries(tx.engine(), values)).await?;
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn reviews(&self) -> Result<Vec<ReviewRow>> {
        let q = sql("SELECT id, created, created_by, window_days, due, signed, signed_by, note, next_due FROM access_review
                     ORDER BY id DESC LIMIT 500");
        self.db.rows(q).await?.iter().map(read).collect()
    }

    async fn review(&self, id: ReviewId) -> Result<Option<(ReviewRow, Vec<ReviewLineRow>)>> {
        let q = sql("SELECT id, created, created_by, window_days, due, signed, signed_by, note, next_due FROM access_review
                     WHERE id = $1");
        let Some(row) = self.db.row(q.bind(id)).await?.as_ref().map(read).transpose()? else {
            return Ok(None);
        };
        let q = sql("SELECT review, number, kind, subject, name, facts, findings, decision, role, note, decided, decided_by
                     FROM access_review_line WHERE review = $1 ORDER BY number");
        let lines = self.db.rows(q.bind(id)).await?.iter().map(read_line).collect::<Result<_>>()?;
        Ok(Some((row, lines)))
    }

    async fn decide_line(&self, line: ReviewLineRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        // Locks the review: a line must not change while it is being signed.
        let open =
            sql("UPDATE access_review SET note = note WHERE id = $1 AND signed IS NULL").bind(line.review);
        if tx.run(open).await? == 0 {
            return Err(conflict("the review is signed: begin a new one"));
        }
        let q = sql(
            "UPDATE access_review_line SET decision = $3, role = $4, note = $5, decided = $6, decided_by = $7
                     WHERE review = $1 AND number = $2",
        );
        let q = q.bind(line.review).bind(line.number).bind(line.decision).bind(line.role).bind(line.note);
        if tx.run(q.bind(line.decided).bind(line.decided_by)).await? == 0 {
            return Err(StoreError::NotFound { what: "the line" });
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }

    async fn sign_review(&self, row: ReviewRow, audit: Draft) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let q = sql("UPDATE access_review SET signed = $2, signed_by = $3, note = $4, next_due = $5
                     WHERE id = $1 AND signed IS NULL");
        let q = q.bind(row.id).bind(row.signed).bind(row.signed_by).bind(row.note).bind(row.next_due);
        if tx.run(q).await? == 0 {
            return Err(conflict("the review is signed already"));
        }
        audit_log::append(&mut tx, vec![audit]).await?;
        tx.commit().await
    }
}
