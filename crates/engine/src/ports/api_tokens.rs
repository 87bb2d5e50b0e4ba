//! What is kept of programs that use the API: their tokens, and the accounts that no person signs in with.

use async_trait::async_trait;
use wk_audit::{Draft, Image};
use wk_domain::{ApiTokenId, Timestamp, UserId};

use super::rows::UserRow;
use super::store::Result;
use crate::image::{Imaged, json};

/// A token of the API. Its secret is not here: only digests are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiTokenRow {
    pub id: ApiTokenId,
    /// A person, or a service account.
    pub owner: UserId,
    pub name: String,
    /// How it begins, for people.
    pub hint: String,
    pub secret_sha256: Vec<u8>,
    /// The secret before the last rotation; empty when there is none.
    pub old_sha256: Vec<u8>,
    /// Until when the old secret works.
    pub old_until: Option<Timestamp>,
    /// What it is cut down to, as JSON; it never has more than its owner.
    pub scope_json: String,
    /// Address ranges, canonical; none: from anywhere.
    pub networks: Vec<String>,
    pub created: Timestamp,
    pub created_by: String,
    pub rotated: Option<Timestamp>,
    pub expires: Timestamp,
    /// To the minute.
    pub last_used: Option<Timestamp>,
    pub last_address: String,
    pub revoked: Option<Timestamp>,
    pub revoked_by: String,
    pub revision: i64,
}

impl Imaged for ApiTokenRow {
    fn image(&self) -> Image {
        let image = Image::new()
            .field("owner", self.owner.to_string())
            .field("name", self.name.as_str())
            .field("hint", self.hint.as_str())
            .field("networks", self.networks.join(" "))
            .field("created_ms", self.created.as_ms())
            .field("created_by", self.created_by.as_str())
            .field("rotated_ms", self.rotated.map(Timestamp::as_ms))
            .field("old_until_ms", self.old_until.map(Timestamp::as_ms))
            .field("expires_ms", self.expires.as_ms())
            .field("revoked_ms", self.revoked.map(Timestamp::as_ms))
            .field("revoked_by", self.revoked_by.as_str())
            .stored_secret("secret", &self.secret_sha256);
        json(image, "scope", &self.scope_json)
    }
}

/// What makes an account a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountRow {
    pub person: UserId,
    /// The person who answers for it.
    pub owner: Option<UserId>,
    pub purpose: String,
    /// When somebody must look at it again.
    pub review_due: Timestamp,
    pub created: Timestamp,
    pub created_by: String,
    pub revision: i64,
}

impl Imaged for ServiceAccountRow {
    fn image(&self) -> Image {
        Image::new()
            .field("owner", self.owner.map(|owner| owner.to_string()))
            .field("purpose", self.purpose.as_str())
            .field("review_due_ms", self.review_due.as_ms())
            .field("created_ms", self.created.as_ms())
            .field("created_by", self.created_by.as_str())
    }
}

/// Tokens and service accounts.
#[async_trait]
pub trait ApiTokenStore {
    /// Newest first; all of them, or one owner's.
    async fn api_tokens(&self, owner: Option<UserId>) -> Result<Vec<ApiTokenRow>>;
    async fn api_token(&self, id: ApiTokenId) -> Result<Option<ApiTokenRow>>;
    /// The token with this secret, or with this one before its last rotation, whatever became of it; with its owner.
    async fn api_token_by_secret(&self, secret_sha256: &[u8]) -> Result<Option<(ApiTokenRow, UserRow)>>;
    /// Inserts (revision 0) or replaces (at the revision that was read). Conflict when somebody was faster.
    async fn put_api_token(&self, row: ApiTokenRow, audit: Draft) -> Result<ApiTokenRow>;
    async fn touch_api_token(&self, id: ApiTokenId, at: Timestamp, address: &str) -> Result<()>;
    /// Conflict when it was revoked already.
    async fn revoke_api_token(&self, id: ApiTokenId, at: Timestamp, by: &str, audit: Draft) -> Result<()>;
    async fn service_accounts(&self) -> Result<Vec<ServiceAccountRow>>;
    async fn service_account(&self, person: UserId) -> Result<Option<ServiceAccountRow>>;
    /// Makes the account with what makes it one. Conflict when the name is taken.
    async fn create_service_account(&self, user: UserRow, row: ServiceAccountRow, audit: Draft)
    -> Result<()>;
    /// Replaces at the revision that was read.
    async fn put_service_account(&self, row: ServiceAccountRow, audit: Draft) -> Result<()>;
}
