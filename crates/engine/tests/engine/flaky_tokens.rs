//! What a failing store passes on to the real one: tokens, approvals, reviews.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{ApiTokenId, ApprovalId, ReviewId, Timestamp, UserId};
use wk_engine::ports::api_tokens::{ApiTokenRow, ApiTokenStore, ServiceAccountRow};
use wk_engine::ports::approvals::{ApprovalRow, ApprovalStore, Settled};
use wk_engine::ports::reviews::{ReviewLineRow, ReviewRow, ReviewStore, UsageRow};
use wk_engine::ports::rows::{Page, SessionRow, UserRow};
use wk_engine::ports::store::Result;

use crate::flaky::Flaky;

#[async_trait]
impl ApiTokenStore for Flaky {
    async fn api_tokens(&self, owner: Option<UserId>) -> Result<Vec<ApiTokenRow>> {
        self.real.api_tokens(owner).await
    }
    async fn api_token(&self, id: ApiTokenId) -> Result<Option<ApiTokenRow>> {
        self.real.api_token(id).await
    }
    async fn api_token_by_secret(&self, secret_sha256: &[u8]) -> Result<Option<(ApiTokenRow, UserRow)>> {
        self.real.api_token_by_secret(secret_sha256).await
    }
    async fn put_api_token(&self, row: ApiTokenRow, audit: Draft) -> Result<ApiTokenRow> {
        self.real.put_api_token(row, audit).await
    }
    async fn touch_api_token(&self, id: ApiTokenId, at: Timestamp, address: &str) -> Result<()> {
        self.real.touch_api_token(id, at, address).await
    }
    async fn revoke_api_token(&self, id: ApiTokenId, at: Timestamp, by: &str, audit: Draft) -> Result<()> {
        self.real.revoke_api_token(id, at, by, audit).await
    }
    async fn service_accounts(&self) -> Result<Vec<ServiceAccountRow>> {
        self.real.service_accounts().await
    }
    async fn service_account(&self, person: UserId) -> Result<Option<ServiceAccountRow>> {
        self.real.service_account(person).await
    }
    async fn create_service_account(
        &self,
        user: UserRow,
        row: ServiceAccountRow,
        audit: Draft,
    ) -> Result<()> {
        self.real.create_service_account(user, row, audit).await
    }
    async fn put_service_account(&self, row: ServiceAccountRow, audit: Draft) -> Result<()> {
        self.real.put_service_account(row, audit).await
    }
}

#[async_trait]
impl ApprovalStore for Flaky {
    async fn put_approval(&self, row: ApprovalRow, audit: Draft) -> Result<()> {
        self.real.put_approval(row, audit).await
    }
    async fn approval(&self, id: ApprovalId) -> Result<Option<ApprovalRow>> {
        self.real.approval(id).await
    }
    async fn approvals(&self, open_at: Option<Timestamp>, page: Page) -> Result<Vec<ApprovalRow>> {
        self.real.approvals(open_at, page).await
    }
    async fn settle_approval(&self, settled: Settled, audit: Draft) -> Result<()> {
        self.real.settle_approval(settled, audit).await
    }
}

#[async_trait]
impl ReviewStore for Flaky {
    async fn usage_since(&self, since: Timestamp) -> Result<Vec<UsageRow>> {
        self.real.usage_since(since).await
    }
    async fn sessions_since(&self, since: Timestamp) -> Result<Vec<SessionRow>> {
        self.real.sessions_since(since).await
    }
    async fn put_review(&self, row: ReviewRow, lines: Vec<ReviewLineRow>, audit: Draft) -> Result<()> {
        self.real.put_review(row, lines, audit).await
    }
    async fn reviews(&self) -> Result<Vec<ReviewRow>> {
        self.real.reviews().await
    }
    async fn review(&self, id: ReviewId) -> Result<Option<(ReviewRow, Vec<ReviewLineRow>)>> {
        self.real.review(id).await
    }
    async fn decide_line(&self, line: ReviewLineRow, audit: Draft) -> Result<()> {
        self.real.decide_line(line, audit).await
    }
    async fn sign_review(&self, row: ReviewRow, audit: Draft) -> Result<()> {
        self.real.sign_review(row, audit).await
    }
}
