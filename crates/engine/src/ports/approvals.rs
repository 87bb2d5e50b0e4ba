//! Acts that two people must want: what was asked for, exactly, and what became of it.

use async_trait::async_trait;
use wk_audit::{Draft, Image};
use wk_domain::{ApprovalId, Timestamp, UserId};

use super::rows::Page;
use super::store::Result;
use crate::image::Imaged;

/// A request that another person must agree to. Once it is not `open` any more it never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalRow {
    pub id: ApprovalId,
    /// Which act: `user.set_role`.
    pub act: String,
    /// What it is about, for people and lists: `user:olga`.
    pub object: String,
    /// One sentence.
    pub summary: String,
    /// The act whole, as it will be done; secrets in it are sealed.
    pub payload_json: String,
    /// SHA-256 of `payload_json`, lower-case hex.
    pub payload_sha256: String,
    /// What the object was like; another one voids the request.
    pub object_state: String,
    /// Absent for the server's own machine.
    pub requester: Option<UserId>,
    pub requester_name: String,
    /// `session_…` or `apitoken_…`.
    pub via: String,
    pub reason: String,
    pub requested: Timestamp,
    pub expires: Timestamp,
    /// `open`, `done`, `declined`, `withdrawn`, `void`.
    pub state: String,
    pub decided: Option<Timestamp>,
    pub decider: Option<UserId>,
    pub decided_by: String,
    pub note: String,
}

impl Imaged for ApprovalRow {
    fn image(&self) -> Image {
        Image::new()
            .field("act", self.act.as_str())
            .field("object", self.object.as_str())
            .field("summary", self.summary.as_str())
            .field("payload_sha256", self.payload_sha256.as_str())
            .field("requester", self.requester_name.as_str())
            .field("via", self.via.as_str())
            .field("reason", self.reason.as_str())
            .field("expires_ms", self.expires.as_ms())
            .field("state", self.state.as_str())
            .field("decided_by", self.decided_by.as_str())
            .field("note", self.note.as_str())
    }
}

/// How a request ends without its act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub id: ApprovalId,
    /// `declined`, `withdrawn` or `void`.
    pub state: &'static str,
    pub at: Timestamp,
    pub decider: Option<UserId>,
    pub by: String,
    pub note: String,
}

/// Requests and decisions. That an act is done by one, exactly once, is the store's to see to in every transaction: see
/// [`wk_audit::Agreement`].
#[async_trait]
pub trait ApprovalStore {
    async fn put_approval(&self, row: ApprovalRow, audit: Draft) -> Result<()>;
    async fn approval(&self, id: ApprovalId) -> Result<Option<ApprovalRow>>;
    /// Newest first; only those that can still be decided at this instant, or all. The cursor is the id.
    async fn approvals(&self, open_at: Option<Timestamp>, page: Page) -> Result<Vec<ApprovalRow>>;
    /// Conflict when it is not open any more.
    async fn settle_approval(&self, settled: Settled, audit: Draft) -> Result<()>;
}
