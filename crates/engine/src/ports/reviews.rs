//! Reviews of who has access: a snapshot of accounts and tokens with what is odd about them, decided line by line.

use async_trait::async_trait;
use wk_audit::{Draft, Image};
use wk_domain::{ReviewId, Timestamp};

use super::rows::SessionRow;
use super::store::Result;
use crate::image::Imaged;

/// A review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRow {
    pub id: ReviewId,
    pub created: Timestamp,
    pub created_by: String,
    /// How far back use was looked for.
    pub window_days: i64,
    pub due: Timestamp,
    pub signed: Option<Timestamp>,
    pub signed_by: String,
    pub note: String,
    /// When the next one is due, said at signing.
    pub next_due: Option<Timestamp>,
}

impl Imaged for ReviewRow {
    fn image(&self) -> Image {
        Image::new()
            .field("created_ms", self.created.as_ms())
            .field("created_by", self.created_by.as_str())
            .field("window_days", self.window_days)
            .field("due_ms", self.due.as_ms())
            .field("signed_ms", self.signed.map(Timestamp::as_ms))
            .field("signed_by", self.signed_by.as_str())
            .field("note", self.note.as_str())
            .field("next_due_ms", self.next_due.map(Timestamp::as_ms))
    }
}

/// One account or token in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewLineRow {
    pub review: ReviewId,
    pub number: i64,
    /// `person`, `service` or `token`.
    pub kind: String,
    /// Its id.
    pub subject: String,
    pub name: String,
    /// What was known of it, as JSON.
    pub facts_json: String,
    /// What was odd about it, as a JSON list.
    pub findings_json: String,
    /// Empty, `keep`, `reduce` or `disable`.
    pub decision: String,
    /// The role to reduce to.
    pub role: String,
    pub note: String,
    pub decided: Option<Timestamp>,
    pub decided_by: String,
}

impl Imaged for ReviewLineRow {
    fn image(&self) -> Image {
        Image::new()
            .field("kind", self.kind.as_str())
            .field("subject", self.subject.as_str())
            .field("name", self.name.as_str())
            .field("findings", self.findings_json.as_str())
            .field("decision", self.decision.as_str())
            .field("role", self.role.as_str())
            .field("note", self.note.as_str())
            .field("decided_by", self.decided_by.as_str())
    }
}

/// How often somebody did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// As the audit log's lists show it: `user:olga`.
    pub actor: String,
    pub action: String,
    pub count: u64,
    pub last: Timestamp,
}

/// Reviews, and what they are made from.
#[async_trait]
pub trait ReviewStore {
    /// What each actor did since, by the audit log: successes only.
    async fn usage_since(&self, since: Timestamp) -> Result<Vec<UsageRow>>;
    /// Sessions used since, oldest first; at most 50 000.
    async fn sessions_since(&self, since: Timestamp) -> Result<Vec<SessionRow>>;
    async fn put_review(&self, row: ReviewRow, lines: Vec<ReviewLineRow>, audit: Draft) -> Result<()>;
    /// Newest first, at most 500.
    async fn reviews(&self) -> Result<Vec<ReviewRow>>;
    async fn review(&self, id: ReviewId) -> Result<Option<(ReviewRow, Vec<ReviewLineRow>)>>;
    /// Replaces a line's decision. Conflict when the review is signed.
    async fn decide_line(&self, line: ReviewLineRow, audit: Draft) -> Result<()>;
    /// Conflict when it is signed already.
    async fn sign_review(&self, row: ReviewRow, audit: Draft) -> Result<()>;
}
